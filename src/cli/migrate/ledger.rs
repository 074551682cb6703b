//! What a migration moves goes into the ledger of leaked credentials, in the same journal as everything else.

use std::collections::{BTreeMap, BTreeSet};

use zeroize::Zeroizing;

use super::Run;
use crate::cli::error::CliError;
use crate::cli::rotate::{Desk, Recorder, entry_of, person};
use crate::cli::sops::keys::Keys;
use crate::finding::{Finding, Fingerprint, FingerprintKey};
use crate::ledger::{Entry, FILE, StorePlace, Stores, form};
use crate::migrate::Change;
use crate::migrate::plan::{Plan, Step};
use crate::scan::Outcome;
use crate::sops::path::TreePath;

impl Run<'_> {
    /// Adds the change of the ledger, and of its key if that is new, if there is a ledger or one was asked for.
    pub(super) fn enter(&self, plan: &Plan, outcome: &Outcome, changes: &mut Vec<Change>) -> Result<(), CliError> {
        let desk = Desk::of(&self.repo.top)?;
        let (known, moved) = (desk.ledger()?, moved(plan, outcome));
        if moved.is_empty() || known.is_none() && !self.args.ledger {
            return Ok(());
        }
        let who = person(None, &self.repo.top)?;
        let mut keys = Keys::find();
        let (key, made) = match desk.key(&mut keys, self.ui)? {
            Some(key) => (key, None),
            None => desk.new_key(self.args.age.as_deref(), &keys).map(|(key, change)| (key, Some(change)))?,
        };
        let recorder = Recorder::new(outcome, desk.owners()?, &key, &who);
        let mut entries: Vec<Entry> = moved.keys().map(|at| entry_of(&outcome.findings[*at], &recorder)).collect();
        self.find_stores(&mut entries, changes, &key);
        for (entry, (at, steps)) in entries.iter_mut().zip(&moved) {
            if entry.stores.is_empty() {
                entry.stores = planned(&outcome.findings[*at], steps, plan, &key);
            }
            entry.stores = recorder.nameable(std::mem::take(&mut entry.stores));
        }
        let mut ledger = known.unwrap_or_default();
        entries.into_iter().for_each(|entry| _ = ledger.add(entry));
        let before = self.repo.read(FILE).map(Zeroizing::new);
        let after = Zeroizing::new(form::print(&ledger).into_bytes());
        // Stores come before texts.
        if let Some(made) = made {
            changes.insert(0, made);
        }
        if before.as_ref() != Some(&after) {
            changes.push(Change { path: FILE.to_owned(), before, after, expected: None });
        }
        Ok(())
    }

    /// Looks into the new stores for the values.
    fn find_stores(&self, entries: &mut [Entry], changes: &[Change], key: &FingerprintKey) {
        let ids: BTreeSet<Fingerprint> = entries.iter().map(|entry| entry.id.clone()).collect();
        let files = changes.iter().filter(|change| change.expected.is_some());
        let stores = Stores::read(files.map(|change| (change.path.as_str(), change.after.as_slice())), self.keyring, key, &ids);
        for entry in entries {
            entry.stores = stores.holding(&entry.id).map(|value| value.place.clone()).collect();
        }
    }
}

/// The findings that are moved, by their number, and the steps that do it.
fn moved<'p>(plan: &'p Plan, outcome: &Outcome) -> BTreeMap<usize, Vec<&'p Step>> {
    let mut moved = BTreeMap::<usize, Vec<&Step>>::new();
    for step in plan.chosen() {
        for place in step.places.iter().filter(|place| place.is_secret()) {
            if let Some(at) = outcome.findings.iter().position(|finding| finding.fingerprint == place.fingerprint) {
                moved.entry(at).or_default().push(step);
            }
        }
    }
    moved
}

/// Where the steps put a value that stands there in another form than it was found in.
fn planned(finding: &Finding, steps: &[&Step], plan: &Plan, key: &FingerprintKey) -> Vec<StorePlace> {
    let mut places = Vec::new();
    for step in steps {
        // Of several values it is not known which is this one.
        let several = step.places.iter().any(|place| place.fingerprint != finding.fingerprint);
        for (store, entry) in step.entries.iter().filter(|_| !several).map(|id| plan.entry(*id)) {
            let held = Some(key.fingerprint(&entry.value));
            let place = StorePlace { file: store.path.clone(), key: Some(TreePath::new(store.shape.locate(&entry.path))), held };
            if !places.contains(&place) {
                places.push(place);
            }
        }
    }
    places
}
