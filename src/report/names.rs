//! Names of files, folders and refs as reports show them: a secret in a name is masked there like
//! everywhere else.

use std::borrow::Cow;

use super::Show;
use crate::scan::Outcome;

/// How names may be shown.
pub struct Names<'a> {
    outcome: &'a Outcome,
    secrets: Show,
}

impl std::fmt::Debug for Names<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Names")
    }
}

impl<'a> Names<'a> {
    /// Those of an outcome.
    pub fn of(outcome: &'a Outcome, secrets: Show) -> Self {
        Self { outcome, secrets }
    }

    /// A name of the outcome, without its secrets.
    pub fn masked<'n>(&'n self, name: &'n str) -> Cow<'n, str> {
        match self.outcome.masked_names.get(name) {
            Some(masked) if self.secrets == Show::Masked => Cow::Borrowed(masked),
            _ => Cow::Borrowed(name),
        }
    }
}
