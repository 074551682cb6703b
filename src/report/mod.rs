//! What a scan found, written for people (`human`), for programs (`json`) and for forges and other tools, one file per
//! format; `format` is their table. Writes into what the caller gives; knows no terminal and no exit code.

mod codeclimate;
mod csv;
mod format;
mod github;
mod gitlab;
mod html;
mod human;
pub mod json;
mod junit;
mod markdown;
mod names;
mod oneline;
mod places;
mod rdjson;
mod rows;
pub mod safe;
mod sarif;
mod wire;

pub use csv::field as csv_field;
pub use format::{FORMATS, Format};
pub use html::{Cell, Table, page};
pub use human::{GroupBy, Layout, summary};
pub use markdown::cell;
pub use names::Names;
pub use places::{View, in_history, plural, position};
pub use rows::places;
pub use wire::document;

use crate::finding::Finding;
use crate::scan::Outcome;

/// Where sopup is at home.
const HOME: &str = "https://github.com/sopup/sopup";
/// The version that writes the reports.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
/// Secrets this short are reported without their length.
const SHORT: usize = 8;

/// What every report tells besides findings.
#[derive(Debug)]
pub struct Context<'a> {
    /// What was scanned, as the user named it.
    pub root: &'a str,
    /// The commit HEAD pointed at, if any.
    pub head: Option<&'a str>,
    /// When the scan began.
    pub begun: jiff::Timestamp,
    /// How long the scan took.
    pub elapsed: std::time::Duration,
    /// Whether values are shown.
    pub secrets: Show,
    /// What was in scope.
    pub covered: Covered,
    /// How the report for people is laid out.
    pub layout: Layout,
}

impl Context<'_> {
    /// When the scan ended.
    fn ended(&self) -> jiff::Timestamp {
        self.begun + jiff::SignedDuration::try_from(self.elapsed).unwrap_or_default()
    }
}

/// What was in scope, as a person is told.
#[derive(Debug, Default)]
pub struct Covered {
    /// In words, such as `files and history of .`; empty if nobody asks.
    pub what: String,
    /// What the repository or folder is called on disk; empty if that is not known.
    pub name: String,
    /// What a person may take to be in scope, and was not.
    pub missing: Option<String>,
    /// Where the scanned files lie below the top of the repository: empty, or ending in `/`.
    pub below: String,
    /// Whether all files of a repository or folder were in scope, so that what matched none of them is not needed.
    pub is_whole: bool,
    /// Whether the repository is a shallow clone.
    pub is_shallow: bool,
}

/// A moment as the clock of whoever made the commit showed it.
pub fn local(seconds: i64, minutes_east: i32) -> Option<jiff::Zoned> {
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

/// Whether a report may tell how long a secret is, and so where it ends.
fn is_length_told(finding: &Finding, secrets: Show) -> bool {
    finding.secret.length() > SHORT || secrets == Show::InFull
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
