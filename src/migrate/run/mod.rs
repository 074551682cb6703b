//! A migration from its first scan to its last: scan, survey, plan, decide, prove, apply, verify. Who has a say in it is a
//! [`Person`]; what other programs and files have to do with it is known to [`Helpers`].

mod check;
mod person;
#[cfg(test)]
mod tests;
mod verify;

use super::apply::{ApplyError, apply};
use super::change::{ChangeError, Tools};
use super::known::{Search, places};
use super::layout::Layout;
use super::plan::{Applicability, Plan};
use super::preflight::Refusal;
use super::proof::{Judge, Leftover};
use super::rendering::Compared;
use super::repo::{Repo, Texts};
use super::survey::{Survey, survey};
use super::{KubernetesStyle, dismiss};
use crate::file::RealDisk;
use crate::finding::FingerprintKey;
use crate::scan::{self, Progress, ScanError, Scope};
use crate::source::Walk;
use check::Proven;
pub use person::{Drafts, Helpers, News, Person};
pub use verify::{Applied, Held};

/// What a migration goes by.
pub struct Request<'a, E> {
    /// Where it is.
    pub repo: &'a Repo,
    /// What is scanned, and how: files of the working tree.
    pub scan: scan::Request,
    /// Where a look is taken afterwards for what was moved; nowhere if nobody wants to know.
    pub history: Option<Scope>,
    /// Who may open SOPS files, and what opens those that are there.
    pub tools: Tools<'a>,
    /// How encrypted Secrets reach the cluster.
    pub kubernetes: KubernetesStyle,
    /// In which folder the stores lie that any file may refer to.
    pub layout: Layout,
    /// How far it goes with steps that nobody decided about.
    pub upto: Applicability,
    /// How far it goes at all.
    pub extent: Extent,
    /// Who answers for the plan.
    pub consent: Consent,
    /// Whether what kustomize renders is compared.
    pub renders: bool,
    /// Whether what was changed is committed.
    pub commits: bool,
    /// The key that names false alarms in the allowlist, if the team has none yet.
    pub new_key: Option<String>,
    /// What else belongs to it.
    pub helpers: &'a dyn Helpers<E>,
}

/// How far a migration goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// To a plan that somebody may change.
    Plan,
    /// To what would be written.
    Rehearsal,
    /// To its end.
    Whole,
}

/// Who answers for the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consent {
    /// Somebody is asked.
    Asked,
    /// Nobody looks at it: steps that cannot be proven are left out.
    Given,
    /// Somebody wrote down what is wanted.
    Written,
}

/// What became of a migration.
pub struct Outcome {
    /// What was planned, and decided.
    pub plan: Plan,
    /// How it ended.
    pub end: End,
    /// Whether everything was read.
    pub is_complete: bool,
}

/// How a migration ended.
pub enum End {
    /// With a plan, as a file.
    Planned(String),
    /// There was nothing to change.
    Nothing,
    /// Somebody did not agree. Nothing was changed.
    Declined,
    /// It was shown what would be written.
    Rehearsed,
    /// It is done.
    Applied(Box<Applied>),
}

impl Outcome {
    /// Whether secrets stay where they are.
    pub fn leaves_something(&self) -> bool {
        match &self.end {
            End::Applied(applied) => applied.remaining > 0,
            _ => self.plan.leaves_something(),
        }
    }
}

/// Why a migration did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError<E> {
    /// Something else than files was to be migrated.
    #[error("only files of a working tree can be migrated")]
    NoFiles,
    /// Nothing could be scanned.
    #[error(transparent)]
    Scan(#[from] ScanError),
    /// The plan cannot be turned into files. Nothing was changed.
    #[error(transparent)]
    Change(#[from] ChangeError),
    /// Files may not be changed now. Nothing was changed.
    #[error("{}", lines(.0))]
    Refused(Vec<Refusal>),
    /// Secrets would be left where they were to be moved. Nothing was changed.
    #[error("{}", lines(.0))]
    Left(Vec<Leftover>),
    /// What kustomize renders would differ. Nothing was changed.
    #[error("what kustomize renders would differ")]
    Differs(Box<Compared>),
    /// Writing did not come to its end.
    #[error(transparent)]
    Apply(#[from] ApplyError),
    /// A scan of what was written finds values that were moved.
    #[error("still found after the migration: {}", .0.join(", "))]
    Still(Vec<String>),
    /// What was written cannot be committed.
    #[error("the files are migrated, but cannot be committed: {0}")]
    Commit(git2::Error),
    /// The person, or a helper, stopped it.
    #[error("{0}")]
    Stopped(E),
}

fn lines<T: ToString>(all: &[T]) -> String {
    all.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// Moves secrets as far as the request goes and the person agrees.
///
/// # Errors
/// [`MigrateError`]; unless it says otherwise, a journal puts back what was changed.
pub fn run<E>(request: Request<'_, E>, person: &mut dyn Person<Error = E>) -> Result<Outcome, MigrateError<E>> {
    let found = scanned(&request.scan, person)?;
    person.hear(News::Scanned(&found)).map_err(MigrateError::Stopped)?;
    let survey = surveyed(&found, &request)?;
    let drafts = Drafts::new(&survey, &request);
    let mut plan = person.decide(&drafts).map_err(MigrateError::Stopped)?;
    let is_complete = found.is_complete();
    let ended = |plan, end| Ok(Outcome { plan, end, is_complete });
    if request.extent == Extent::Plan {
        let written = drafts.written(&plan);
        return ended(plan, End::Planned(written));
    }
    let proven = match request.consent {
        Consent::Given => Some(request.leave_unproven(&mut plan, &survey.files)?),
        Consent::Asked | Consent::Written => None,
    };
    let is_idle = !plan.changes_something() && (request.consent != Consent::Asked || plan.steps.is_empty());
    // Behind a diff, the plan says in short what was long.
    if is_idle || request.extent == Extent::Whole {
        person.hear(News::Plan(&plan)).map_err(MigrateError::Stopped)?;
    }
    if is_idle {
        return ended(plan, End::Nothing);
    }
    if request.consent == Consent::Asked && !person.agree(&mut plan, &drafts).map_err(MigrateError::Stopped)? {
        return ended(plan, End::Declined);
    }
    let Proven { mut changes, left, rendering } = proven.map_or_else(|| request.proven(&plan, &survey.files), Ok)?;
    if let Some(change) = request.dismissed(&plan, &found)? {
        changes.push(change);
        if request.new_key.is_some() {
            person.hear(News::KeyMade).map_err(MigrateError::Stopped)?;
        }
    }
    request.helpers.accompany(&plan, &found, &mut changes).map_err(MigrateError::Stopped)?;
    if request.extent == Extent::Rehearsal {
        person.hear(News::Changes { changes: &changes, files: &survey.files }).map_err(MigrateError::Stopped)?;
        person.hear(News::Plan(&plan)).map_err(MigrateError::Stopped)?;
    }
    let (doubtful, left): (Vec<Leftover>, Vec<Leftover>) = left.into_iter().partition(Leftover::is_doubtful);
    request.refuse(&changes, left)?;
    doubtful.iter().try_for_each(|left| person.hear(News::Doubtful(left))).map_err(MigrateError::Stopped)?;
    let rendering = match rendering {
        Some(compared) if !compared.differences.is_empty() => return Err(MigrateError::Differs(Box::new(compared))),
        fine => fine,
    };
    if request.extent == Extent::Rehearsal {
        return ended(plan, End::Rehearsed);
    }
    request.helpers.seal(&mut changes).map_err(MigrateError::Stopped)?;
    let journal = apply(&changes, &request.repo.top, &request.repo.git_dir, request.tools, &RealDisk)?;
    person.hear(News::Applied(&journal)).map_err(MigrateError::Stopped)?;
    let (applied, is_complete) = request.verify(&plan, (journal, rendering), person)?;
    Ok(Outcome { plan, end: End::Applied(Box::new(applied)), is_complete })
}

fn scanned<E>(request: &scan::Request, person: &mut dyn Person<Error = E>) -> Result<scan::Outcome, MigrateError<E>> {
    let progress = Progress::default();
    let mut found = None;
    person.wait(&progress, &mut || found = Some(scan::scan(request, &progress)));
    Ok(found.expect("who waits lets the work be done")?)
}

/// The files that findings are in, and where else their values stand.
fn surveyed<E>(found: &scan::Outcome, request: &Request<'_, E>) -> Result<Survey, MigrateError<E>> {
    let (walks, is_whole) = request.walks().ok_or(MigrateError::NoFiles)?;
    let texts = Texts::default();
    let search = Search { walks, allow: &request.scan.allow, key: &request.scan.key, texts: is_whole.then_some(&texts) };
    let further = places(&found.findings, &search);
    request.repo.keep(texts);
    Ok(survey(&found.findings, further, request.repo, &request.scan.below))
}

impl<E> Request<'_, E> {
    /// What is scanned, and whether it is all of the repository; `None` if it is no files.
    fn walks(&self) -> Option<(&[Walk], bool)> {
        let Scope::Worktree(walks) = &self.scan.scope else { return None };
        Some((walks, self.scan.below.is_empty() && walks.iter().all(|walk| walk.root.is_dir())))
    }

    /// False alarms, each allowed as the value that it is; the key that names values is made if there is none.
    fn dismissed(&self, plan: &Plan, found: &scan::Outcome) -> Result<Option<super::change::Change>, ChangeError> {
        let Some(text) = &self.new_key else { return Ok(dismiss::change(plan, self.repo, dismiss::Key::Shared)?) };
        let made = FingerprintKey::new(text.clone().into_bytes()).expect("a key made here is long enough");
        let renamed = found.findings.iter().map(|one| (one.fingerprint.clone(), made.fingerprint(&one.secret))).collect();
        Ok(dismiss::change(plan, self.repo, dismiss::Key::Made { text, renamed: &renamed })?)
    }

    fn judge(&self) -> Judge<'_> {
        Judge { rules: &self.scan.rules, min_confidence: self.scan.min_confidence }
    }
}
