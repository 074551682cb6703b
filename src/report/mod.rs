//! What a scan found, written for people (`human`) or programs (`json`). Writes into what the
//! caller gives; knows no terminal and no exit code.

pub mod human;
pub mod json;
mod names;
mod places;
pub mod safe;

pub use names::Names;
pub use places::{View, in_history, plural, position};

use crate::scan::Outcome;

/// What every report tells besides findings.
#[derive(Debug)]
pub struct Context<'a> {
    /// What was scanned, as the user named it.
    pub root: &'a str,
    /// The commit HEAD pointed at, if any.
    pub head: Option<&'a str>,
    /// How long the scan took.
    pub elapsed: std::time::Duration,
    /// Whether values are shown.
    pub secrets: Show,
}

/// A moment as the clock of whoever made the commit showed it.
fn local(seconds: i64, minutes_east: i32) -> Option<jiff::Zoned> {
    let offset = jiff::tz::Offset::from_seconds(minutes_east.checked_mul(60)?).ok()?;
    Some(jiff::Timestamp::from_second(seconds).ok()?.to_zoned(offset.to_time_zone()))
}

/// Whether a report holds the values it found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Show {
    /// Masked.
    Masked,
    /// In full.
    InFull,
}

impl Outcome {
    /// Whether everything in scope was read.
    pub fn is_complete(&self) -> bool {
        self.skipped.is_empty()
    }

    /// Places of all findings.
    pub fn occurrences(&self) -> usize {
        self.findings.iter().map(|finding| finding.occurrences.len()).sum()
    }
}
