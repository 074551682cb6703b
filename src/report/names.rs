//! Names of files, folders and refs as reports show them: what was found to be a secret in a name
//! is masked there like everywhere else.

use std::borrow::Cow;

use super::Show;
use crate::scan::Outcome;
use crate::source::SourceKind;

/// What is not to be shown in names: values as they stand there, and their masks; the longest first.
#[derive(Debug)]
pub(super) struct Names(Vec<(String, String)>);

impl Names {
    pub(super) fn of(outcome: &Outcome, secrets: Show) -> Self {
        if secrets == Show::InFull {
            return Self(Vec::new());
        }
        let in_names = |kind| matches!(kind, SourceKind::Path | SourceKind::Ref);
        let found = outcome.findings.iter().filter(|finding| finding.occurrences.iter().any(|place| in_names(place.origin.source)));
        let mut values: Vec<_> = found.map(|finding| (finding.secret.expose_text().to_string(), finding.secret.redacted())).collect();
        values.retain(|(value, _)| !value.is_empty());
        values.sort_by_key(|(value, _)| std::cmp::Reverse(value.len()));
        Self(values)
    }

    pub(super) fn masked<'a>(&self, name: &'a str) -> Cow<'a, str> {
        let mut shown = Cow::Borrowed(name);
        for (value, mask) in &self.0 {
            if shown.contains(value) {
                shown = Cow::Owned(shown.replace(value, mask));
            }
        }
        shown
    }
}
