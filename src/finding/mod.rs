//! Findings: secrets with every place they were seen. Locating a match in its text (`locate`),
//! merging places of one secret (`merge`), keyed fingerprints, and what is allowed (`allow`).
//! How matches come about is `detect`; how findings are shown is `report`.

mod allow;
mod exemption;
mod fingerprint;
mod locate;
mod merge;
mod pair;
mod severity;
mod sops_block;

pub use allow::{AllowEntry, AllowError, Allowlist, Suppression};
pub use exemption::{Exemption, Target};
pub use fingerprint::{Fingerprint, FingerprintKey};
pub use locate::{Base, InlineAllow, Located, locate};
pub use merge::merge;
pub use severity::{Severities, SeverityEntry};
pub use sops_block::{outside_metadata, sops_metadata};

use std::collections::BTreeSet;
use std::ops::Range;

use crate::detect::Reason;
use crate::rule::{Confidence, Matcher, Rule, Severity};
use crate::secret::Secret;
use crate::source::{Origin, Sighting};
use crate::text::Position;

/// A distinct secret value and where it is.
#[derive(Debug)]
pub struct Finding {
    /// The most telling rule that found it.
    pub rule: &'static Rule,
    /// The rule's, or what the team says of it; the highest of the rule's places.
    pub severity: Severity,
    /// The value, as it stands in the text.
    pub secret: Secret,
    /// Stands for the value in allowlists.
    pub fingerprint: Fingerprint,
    /// The highest of its occurrences.
    pub confidence: Confidence,
    /// Of all occurrences.
    pub reasons: BTreeSet<Reason>,
    /// In order of place.
    pub occurrences: Vec<Occurrence>,
    /// Of an identifier that stands beside the secret it belongs to: that one's fingerprint.
    pub identifies: Option<Fingerprint>,
}

impl Finding {
    /// Whether no rule but the one for values that are sought found it.
    pub fn is_known_only(&self) -> bool {
        matches!(self.rule.matcher, Matcher::Known)
    }
}

/// One place of a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Occurrence {
    /// The text.
    pub origin: Origin,
    /// Its first character.
    pub start: Position,
    /// The character after its last.
    pub end: Position,
    /// Its bytes in the file, half-open.
    pub bytes: Range<u64>,
    /// The line, without secrets.
    pub excerpt: Excerpt,
    /// What the history says about it, for what is not on disk.
    pub sighting: Option<Box<Sighting>>,
}

/// A line in which every secret is masked, cut to a readable length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excerpt {
    /// The text; may hold control characters of the file.
    pub text: String,
    /// The mask of the secret at hand, in bytes of `text`.
    pub mark: Range<usize>,
}
