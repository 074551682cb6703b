//! Which findings a command is about.

use crate::finding::Finding;
use crate::rule::Kind;

#[derive(Debug, clap::Args)]
pub(super) struct Choice {
    /// Only what has this fingerprint or was found by this rule
    #[arg(long, value_name = "FINGERPRINT|RULE")]
    only: Vec<String>,

    /// Account numbers and other identifiers that are no secrets, too
    #[arg(long)]
    identifiers: bool,
}

impl Choice {
    /// Whether the command is about a finding.
    pub(super) fn is_asked(&self, finding: &Finding) -> bool {
        let kind = self.identifiers || finding.rule.kind != Kind::Identifier;
        let named = |name: &String| *name == finding.fingerprint.to_string() || name == finding.rule.id;
        if self.only.is_empty() { kind } else { self.only.iter().any(named) }
    }

    /// Whether it would be with `--identifiers`.
    pub(super) fn passes_over(&self, finding: &Finding) -> bool {
        self.only.is_empty() && !self.is_asked(finding)
    }
}
