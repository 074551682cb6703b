//! Rules without a pattern: places of known secrets, which a set of rules has when it was told which values to seek, and
//! the state of whole files.

use std::sync::OnceLock;

use super::set::{Matcher, Rule};
use super::syntax::{Confidence, Judge, Kind, Severity};

/// A value that was sought.
pub(super) static KNOWN: Rule = without_pattern(
    "known-secret",
    ("Generic", "Known secret"),
    Matcher::Known,
    &["Choose a new value where the secret is used, and change it there."],
);

/// A file that should be encrypted with sops, and stands there in plain text.
pub static PLAIN_SOPS_FILE: Rule = without_pattern(
    "plain-sops-file",
    ("SOPS", "Plain SOPS file"),
    Matcher::File,
    &["Encrypt the file with `sopup encrypt`. If it was pushed, choose new values for what it holds."],
);

/// A file that was encrypted with sops, and is damaged or open to others than it should be.
pub static BROKEN_SOPS_FILE: Rule = without_pattern(
    "broken-sops-file",
    ("SOPS", "Broken SOPS file"),
    Matcher::File,
    &["`sopup doctor` says what is wrong and what mends it."],
);

const fn without_pattern(
    id: &'static str,
    (provider, name): (&'static str, &'static str),
    matcher: Matcher,
    rotate_steps: &'static [&'static str],
) -> Rule {
    Rule {
        id,
        provider,
        name,
        severity: Severity::High,
        kind: Kind::Password,
        confidence: Confidence::High,
        keywords: &[],
        matcher,
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
