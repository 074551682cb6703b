//! Rules without a pattern: places of known secrets, which a set of rules has when it was told which values to seek, and
//! the state of whole files.

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

/// A file that should be encrypted with sops, and stands there in plain text.
pub static PLAIN_SOPS_FILE: Rule = of_file(
    "plain-sops-file",
    "Plain SOPS file",
    &["Encrypt the file with `sopup encrypt`. If it was pushed, choose new values for what it holds."],
);

/// A file that was encrypted with sops, and is damaged or open to others than it should be.
pub static BROKEN_SOPS_FILE: Rule =
    of_file("broken-sops-file", "Broken SOPS file", &["`sopup doctor` says what is wrong and what mends it."]);

const fn of_file(id: &'static str, name: &'static str, rotate_steps: &'static [&'static str]) -> Rule {
    Rule {
        id,
        provider: "SOPS",
        name,
        severity: Severity::High,
        kind: Kind::Password,
        confidence: Confidence::High,
        keywords: &[],
        matcher: Matcher::File,
        judge: Judge::Format,
        validators: &[],
        min_entropy: None,
        reject: &[],
        env: None,
        rotate_url: None,
        rotate_steps,
        references: &[],
        examples: &[],
        negatives: &[],
        rejects: OnceLock::new(),
    }
}
