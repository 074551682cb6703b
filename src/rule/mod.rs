//! Rules: how they are written (`syntax`), proven (`compile`, `check`), and searched for together
//! (`set`, `prefilter`). What a rule's match is worth is decided in `detect`.

mod builtin;
#[allow(unreachable_pub, reason = "shared with build.rs, where these are at the root")]
mod compile;
mod cue;
mod known;
pub(crate) mod lexicon;
mod load;
mod prefilter;
mod set;
#[allow(unreachable_pub, reason = "shared with build.rs, where these are at the root")]
mod stretch;
mod syntax;

pub use builtin::builtin;
pub use compile::MAX_REACH;
pub use cue::Cue;
pub use known::{BROKEN_SOPS_FILE, PLAIN_SOPS_FILE};
pub use load::{LoadError, load_dir, load_inline, load_text, rule_files};
pub use prefilter::{Prefilter, PrefilterError};
pub use set::{Matcher, Pattern, Rule, RuleIndex, RuleSet, Trigger};
pub use syntax::{Block, Confidence, Extractor, Judge, Kind, Rotate, RuleFile, RuleSyntax, Severity, Validator};
