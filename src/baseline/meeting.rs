//! What a scan does with a baseline: which of its entries it met, and what they silenced.

use std::collections::BTreeSet;

use jiff::civil::Date;

use super::entry::{Baseline, Entry};
use crate::finding::Fingerprint;

/// A baseline in a scan.
#[derive(Debug)]
pub struct Meeting<'a> {
    baseline: &'a Baseline,
    today: Date,
    met: BTreeSet<Fingerprint>,
    silenced: BTreeSet<Fingerprint>,
    places: usize,
}

/// What a baseline did in a scan.
#[derive(Debug, Default)]
pub struct Silenced {
    /// Values that were not reported.
    pub secrets: usize,
    /// Their places.
    pub places: usize,
    /// Entries whose value was met and whose last day has passed: it is reported.
    pub expired: Vec<Entry>,
    /// Entries whose value is nowhere any more; `None` if the scan did not read everything.
    pub stale: Option<Vec<Entry>>,
}

impl<'a> Meeting<'a> {
    /// A scan that begins on a day.
    pub fn new(baseline: &'a Baseline, today: Date) -> Self {
        Self { baseline, today, met: BTreeSet::new(), silenced: BTreeSet::new(), places: 0 }
    }

    /// Notes that a value was met, and gives it back if it has an entry that counts.
    pub fn meet(&mut self, id: Fingerprint) -> Option<Fingerprint> {
        let entry = self.baseline.get(&id)?;
        if !self.met.contains(&id) {
            self.met.insert(id.clone());
        }
        (!entry.is_expired(self.today)).then_some(id)
    }

    /// Notes that a place of a value is not reported.
    pub fn silence(&mut self, id: Fingerprint) {
        self.places += 1;
        self.silenced.insert(id);
    }

    /// What came of it in a scan of some texts.
    #[must_use]
    pub fn end(self) -> Silenced {
        let expired = self.baseline.entries().filter(|entry| self.met.contains(&entry.id) && entry.is_expired(self.today));
        Silenced { secrets: self.silenced.len(), places: self.places, expired: expired.cloned().collect(), stale: None }
    }

    /// What came of it in a scan that read all that there is.
    #[must_use]
    pub fn end_of_all(self) -> Silenced {
        let stale = self.baseline.entries().filter(|entry| !self.met.contains(&entry.id)).cloned().collect();
        Silenced { stale: Some(stale), ..self.end() }
    }
}
