//! The rule under which places of known secrets are reported. It has no pattern: a set of rules has it when it was told
//! which values to seek.

use std::sync::OnceLock;

use super::set::{Matcher, Rule};
use super::syntax::{Confidence, Judge, Kind, Severity};

/// The rule itself.
pub(super) static KNOWN: Rule = Rule {
    id: "known-secret",
    provider: "Generic",
    name: "Known secret",
    severity: Severity::High,
    kind: Kind::Password,
    confidence: Confidence::High,
    keywords: &[],
    matcher: Matcher::Known,
    judge: Judge::Format,
    validators: &[],
    min_entropy: None,
    reject: &[],
    env: None,
    rotate_url: None,
    rotate_steps: &["Choose a new value where the secret is used, and change it there."],
    references: &[],
    examples: &[],
    negatives: &[],
    rejects: OnceLock::new(),
};
