//! After a migration: another scan, what the history still holds, a commit if it was asked for.

use std::collections::{BTreeMap, BTreeSet};

use super::{MigrateError, Person, Request, scanned};
use crate::finding::{Finding, Fingerprint};
use crate::migrate::journal::Journal;
use crate::migrate::plan::{Plan, Step};
use crate::migrate::rendering::Compared;
use crate::migrate::survey::survey;
use crate::scan;
use crate::source::Commit;

/// What the history holds of the values that were moved: the commit that each came with, as far as it is known.
pub type Held = BTreeMap<Fingerprint, Option<Commit>>;

/// What a migration did.
pub struct Applied {
    /// What puts it back.
    pub journal: Journal,
    /// Places that were not moved.
    pub remaining: usize,
    /// Those of them that a scan finds no more, since only values that were moved told of them.
    pub by_value: usize,
    /// `None` if nobody looked.
    pub history: Option<Held>,
    /// The commit that was made.
    pub commit: Option<String>,
    /// What kustomize renders; `None` if nothing of it was touched, or nobody looked.
    pub rendering: Option<Compared>,
}

impl<E> Request<'_, E> {
    /// Scans again and says what happened, and whether everything could be read.
    pub(super) fn verify(
        self,
        plan: &Plan,
        (journal, rendering): (Journal, Option<Compared>),
        person: &mut dyn Person<Error = E>,
    ) -> Result<(Applied, bool), MigrateError<E>> {
        let found = scanned(&self.scan, person)?;
        let still: BTreeSet<&str> = found.findings.iter().filter(|finding| was_moved(finding, plan)).map(path_of).collect();
        if !still.is_empty() {
            return Err(MigrateError::Still(still.into_iter().map(str::to_owned).collect()));
        }
        let is_dismissed = |fingerprint: &Fingerprint| {
            let steps = plan.steps.iter().filter(|step| step.is_dismissed());
            steps.flat_map(|step| &step.places).any(|place| place.fingerprint == *fingerprint)
        };
        // Some places are known only by values that stand elsewhere, and a scan does not find them again.
        let unchosen = plan.steps.iter().filter(|step| !plan.is_chosen(step) && !step.is_dismissed());
        let left: Vec<&Fingerprint> = unchosen.flat_map(|step| &step.places).map(|place| &place.fingerprint).collect();
        let count = survey(&found.findings, Vec::new(), self.repo, &self.scan.below).count(is_dismissed);
        let moved: BTreeSet<&Fingerprint> = plan.chosen().flat_map(|step| &step.places).map(|place| &place.fingerprint).collect();
        let of_moved = left.iter().filter(|fingerprint| moved.contains(**fingerprint)).count();
        let (remaining, by_value) = (count.max(left.len()), left.len().saturating_sub(count).min(of_moved));
        let history = match self.history {
            Some(scope) => Some(held(&scan::Request { scope, ..self.scan }, plan, person)?),
            None => None,
        };
        let commit = if self.commits {
            let paths: Vec<&str> = journal.files().iter().map(|file| file.path.as_str()).collect();
            Some(self.repo.commit(&paths, "Move secrets into SOPS files\n").map_err(MigrateError::Commit)?)
        } else {
            None
        };
        Ok((Applied { journal, remaining, by_value, history, commit, rendering }, found.is_complete()))
    }
}

/// What a history holds of the values that were moved.
fn held<E>(request: &scan::Request, plan: &Plan, person: &mut dyn Person<Error = E>) -> Result<Held, MigrateError<E>> {
    let found = scanned(request, person)?;
    let held = found.findings.iter().filter(|finding| is_moved_somewhere(finding, plan));
    Ok(held.map(|finding| (finding.fingerprint.clone(), first_commit(finding))).collect())
}

/// Whether a finding's value was moved out of one of the files that it is found in, whatever became of other places.
fn is_moved_somewhere(finding: &Finding, plan: &Plan) -> bool {
    let holds = |step: &&Step| step.places.iter().any(|place| place.fingerprint == finding.fingerprint);
    plan.chosen().filter(holds).any(|step| finding.occurrences.iter().any(|place| place.origin.path == step.file))
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
