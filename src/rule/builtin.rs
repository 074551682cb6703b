//! The rules of `patterns/`, compiled into constants by `build.rs`.

use std::borrow::Cow;
use std::sync::OnceLock;

use super::cue::Cue;
use super::prefilter::{Prefilter, Rows};
use super::set::{Matcher, Pattern, Rule, RuleIndex, RuleSet, Trigger};
use super::stretch::Stretch;
use super::syntax::{Block, Confidence, Extractor, Judge, Kind, Severity, Validator};

include!(concat!(env!("OUT_DIR"), "/builtin.rs"));

/// A set with all built-in rules.
pub fn builtin() -> RuleSet {
    RuleSet::builtin()
}
