//! What may stand in files that are committed beside the code: names without secrets, and texts of people that hold none.

use super::Exit;
use super::error::CliError;
use crate::detect::{Hints, detect};
use crate::report::{Names, Show};
use crate::rule::RuleSet;
use crate::scan::Outcome;
use crate::secret::MASK;
use crate::sought::{self, Sought};
use crate::text::spliced;

/// Names of an outcome as they may be written down.
pub(super) struct Nameable<'a> {
    names: Names<'a>,
    /// What was found: it is not to be written down, as part of a name either.
    values: Sought,
}

impl<'a> Nameable<'a> {
    pub(super) fn of(outcome: &'a Outcome) -> Self {
        let values = outcome.findings.iter().map(|finding| &finding.secret).filter(|secret| !sought::is_common(secret.expose()));
        Self { names: Names::of(outcome, Show::Masked), values: Sought::new(values) }
    }

    /// A name without secrets.
    pub(super) fn name(&self, path: &str) -> String {
        let name = self.names.masked(path).into_owned();
        let values = self.values.hits(name.as_bytes()).into_iter().map(|hit| hit.span);
        String::from_utf8_lossy(&spliced(name.as_bytes(), values, |_, _| MASK.into())).into_owned()
    }

    /// Whether a text holds something that was found.
    pub(super) fn holds(&self, text: &str) -> bool {
        !self.values.hits(text.as_bytes()).is_empty()
    }

    /// Refuses texts of people that hold a secret: one that was found, or what looks like one.
    pub(super) fn refuse_secrets<'t>(&self, texts: impl IntoIterator<Item = &'t str>) -> Result<(), CliError> {
        let rules = RuleSet::builtin();
        let is_secret = |text: &str| self.holds(text) || !detect(text.as_bytes(), Hints::NONE, &rules).is_empty();
        if !texts.into_iter().any(is_secret) {
            return Ok(());
        }
        let hint = "say it without quoting the value: the file is committed";
        Err(CliError::new("what would be written holds a secret, or something that looks like one", hint).exiting(Exit::Refused))
    }
}
