//! [`Verdict`]: how sure a step is, and why.

use super::plan::Applicability;

/// How sure a step is and why.
#[derive(Debug, Clone)]
pub(super) struct Verdict {
    /// How sure it is.
    pub applicability: Applicability,
    /// What to know about it.
    pub reason: String,
}

impl Verdict {
    /// Nothing else has to change.
    pub(super) fn safe(reason: impl Into<String>) -> Self {
        Self { applicability: Applicability::Safe, reason: reason.into() }
    }

    /// sopup has no edit.
    pub(super) fn manual(reason: impl Into<String>) -> Self {
        Self { applicability: Applicability::Manual, reason: reason.into() }
    }

    /// Something else has to change.
    pub(super) fn review(reason: impl Into<String>) -> Self {
        Self { applicability: Applicability::NeedsReview, reason: reason.into() }
    }
}
