//! After a migration: another scan, what the history still holds, a commit if it was asked for.

use std::collections::{BTreeMap, BTreeSet};

use super::kustomize::Compared;
use super::summary::Done;
use super::{Run, exit, show};
use crate::cli::Exit;
use crate::cli::environment::{kept_key, memory_budget};
use crate::cli::error::CliError;
use crate::finding::{Finding, Fingerprint};
use crate::migrate::journal::Journal;
use crate::migrate::plan::{Plan, Step};
use crate::migrate::survey;
use crate::scan::{Memory, Progress, Request, Scope, Submodules, scan};
use crate::source::Commit;
use crate::source::object::Limits;
use crate::source::refs::GitDir;

/// What the history holds of the values that were moved: the commit that each came with, as far as it is known.
pub(super) type Held = BTreeMap<Fingerprint, Option<Commit>>;

/// What a migration ends with.
pub(super) struct After<'a> {
    pub(super) journal: &'a Journal,
    /// Places that were not moved.
    pub(super) remaining: usize,
    /// Those of them that a scan finds no more, since only values that were moved told of them.
    pub(super) by_value: usize,
    /// `None` if nobody looked.
    pub(super) history: Option<Held>,
    /// The commit that was made.
    pub(super) commit: Option<String>,
    /// Whether there is a ledger of what leaked.
    pub(super) has_ledger: bool,
    /// What kustomize renders; `None` if nothing of it was touched, or nobody looked.
    pub(super) rendering: Option<Compared>,
}

impl Run<'_> {
    /// Scans again and says what happened.
    pub(super) fn conclude(
        &self,
        request: Request,
        below: &str,
        plan: &Plan,
        (journal, rendering): (&Journal, Option<Compared>),
    ) -> Result<Exit, CliError> {
        let progress = Progress::default();
        let outcome = self.ui.watched(&progress, || scan(&request, &progress))?;
        let left: BTreeSet<&str> = outcome.findings.iter().filter(|finding| was_moved(finding, plan)).map(path_of).collect();
        if !left.is_empty() {
            let paths = left.into_iter().collect::<Vec<_>>().join(", ");
            let hint = "`sopup migrate --undo` puts everything back; please report this";
            return Err(CliError::new(format!("still found after the migration: {paths}"), hint));
        }
        let is_dismissed = |fingerprint: &Fingerprint| {
            let steps = plan.steps.iter().filter(|step| step.is_dismissed());
            steps.flat_map(|step| &step.places).any(|place| place.fingerprint == *fingerprint)
        };
        // Some places are known only by values that stand elsewhere, and a scan does not find them again.
        let unchosen = plan.steps.iter().filter(|step| !plan.is_chosen(step) && !step.is_dismissed());
        let left: Vec<&Fingerprint> = unchosen.flat_map(|step| &step.places).map(|place| &place.fingerprint).collect();
        let found = survey(&outcome.findings, Vec::new(), self.repo, below).count(is_dismissed);
        let moved: BTreeSet<&Fingerprint> = plan.chosen().flat_map(|step| &step.places).map(|place| &place.fingerprint).collect();
        let of_moved = left.iter().filter(|fingerprint| moved.contains(**fingerprint)).count();
        let (remaining, by_value) = (found.max(left.len()), left.len().saturating_sub(found).min(of_moved));
        let history = if self.args.no_history { None } else { Some(self.history(request, plan)?) };
        let commit = if self.args.commit { Some(self.commit(journal)?) } else { None };
        let has_ledger = self.repo.exists(crate::ledger::FILE);
        self.summarise(plan, Some(Done { id: journal.id(), commit: commit.as_deref() }))?;
        show::summary(plan, &After { journal, remaining, by_value, history, commit, has_ledger, rendering }, self.ui)?;
        Ok(exit(&outcome, remaining > 0))
    }

    fn history(&self, request: Request, plan: &Plan) -> Result<Held, CliError> {
        let git = GitDir::discover(&self.repo.top)?;
        let standard = Limits::default();
        let limits = Limits { memory: memory_budget(standard.memory), ..standard };
        let memory = kept_key().map(|key| Memory::of(&git, &key));
        let request = Request { scope: Scope::repository(git, limits, memory, None, Submodules::Not), ..request };
        let progress = Progress::default();
        let outcome = self.ui.watched(&progress, || scan(&request, &progress))?;
        let held = outcome.findings.iter().filter(|finding| was_moved(finding, plan));
        Ok(held.map(|finding| (finding.fingerprint.clone(), first_commit(finding))).collect())
    }

    fn commit(&self, journal: &Journal) -> Result<String, CliError> {
        let paths: Vec<&str> = journal.files().iter().map(|file| file.path.as_str()).collect();
        self.repo.commit(&paths, "Move secrets into SOPS files\n").map_err(|error| {
            CliError::new(format!("the files are migrated, but cannot be committed: {error}"), "commit them with git").exiting(Exit::Usage)
        })
    }
}

/// Whether every place of a finding's value was to be moved.
fn was_moved(finding: &Finding, plan: &Plan) -> bool {
    let all = plan.steps.iter().flat_map(|step| step.places.iter().map(move |place| (step, place)));
    let steps: Vec<&Step> = all.filter(|(_, place)| place.fingerprint == finding.fingerprint).map(|(step, _)| step).collect();
    // A word that was moved elsewhere may be found where nothing was found before: in a table that is read anew.
    let emptied = |path: &str| steps.iter().any(|step| step.file == path);
    steps.iter().all(|step| plan.is_chosen(step)) && finding.occurrences.iter().any(|place| emptied(&place.origin.path))
}

fn path_of(finding: &Finding) -> &str {
    &finding.occurrences[0].origin.path
}

/// The oldest commit that a finding is known to have come with.
fn first_commit(finding: &Finding) -> Option<Commit> {
    let sightings = finding.occurrences.iter().filter_map(|place| place.sighting.as_ref());
    sightings.filter_map(|sighting| sighting.commit.clone()).min_by_key(|commit| commit.date.0)
}
