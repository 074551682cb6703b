//! Names of files, folders and refs as reports show them: a secret in a name is masked there like
//! everywhere else.

use std::borrow::Cow;

use super::Show;
use crate::scan::Outcome;

/// How names may be shown.
pub(super) struct Names<'a> {
    outcome: &'a Outcome,
    secrets: Show,
}

impl<'a> Names<'a> {
    pub(super) fn of(outcome: &'a Outcome, secrets: Show) -> Self {
        Self { outcome, secrets }
    }

    pub(super) fn masked<'n>(&'n self, name: &'n str) -> Cow<'n, str> {
        match self.outcome.masked_names.get(name) {
            Some(masked) if self.secrets == Show::Masked => Cow::Borrowed(masked),
            _ => Cow::Borrowed(name),
        }
    }
}
