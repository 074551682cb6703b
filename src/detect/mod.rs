//! Bytes in, matches out: which parts of a text are secrets, how sure that is, and why.
//!
//! Pure: no files, no git, no clock. Three floors, each of which knows only those above it in this list:
//!
//! - `worth`: what a value is worth.
//! - `syntax`: how texts are written.
//! - `extract`: who finds candidates, with the help of both.
//!
//! On top of them, one pass of the prefilter finds keywords; each sets off a rule's pattern or an
//! extractor (`trace`), and `settle` keeps the most telling matches. Where texts come from is
//! `source`; what is done with matches is `finding`.

mod check;
mod explain;
mod extract;
mod readings;
mod reason;
mod seams;
mod search;
mod settle;
mod syntax;
mod trace;
mod worth;

pub use check::{CheckFailure, check_rule};
pub use explain::{Candidate, Fate, explain};
pub use readings::{Reading, detect_bytes, detect_name};
pub use reason::{Evidence, Objection, Reason};
pub use search::Match;
pub use syntax::hints::{Hints, Notation};
pub use trace::Trace;
pub(crate) use worth::encoding::base64_text;
pub use worth::shapes::check_shapes;
pub use worth::weak::is_known;

use crate::rule::RuleSet;

/// Differs whenever the code of this room does.
pub const DETECTOR: &str = env!("SOPUP_DETECTOR");

/// Finds the secrets of one text, in order of position, none overlapping another.
pub fn detect(text: &[u8], hints: Hints, rules: &RuleSet) -> Vec<Match> {
    Trace::read(text, hints, rules).matches(text, rules)
}
