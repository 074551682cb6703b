//! The baseline: secrets that were there when a team began with sopup, so that a scan reports only new ones. An entry names a
//! value by its keyed fingerprint, so it follows the value wherever that goes, and tells nothing about it.
//!
//! [`form`] is the file, [`Meeting`] what a scan does with it, [`foreign`] what other scanners keep for the same purpose, and
//! [`Matcher`] finds what their entries mean among sopup's own findings. Reads and writes no files.

mod entry;
pub mod foreign;
pub mod form;
mod matching;
mod meeting;

pub use entry::{Baseline, Entry, Verdict};
pub use matching::{Matcher, Mismatch};
pub use meeting::{Meeting, Silenced};

/// The file's name.
pub const FILE: &str = ".sopup-baseline";
