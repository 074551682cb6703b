//! A name in a text, and what is assigned to it.

use crate::text::Span;

/// How far a name reaches to either side of what announces it, in bytes.
pub(in crate::detect) const NAME_REACH: usize = 96;

/// A name, and the line that it stands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::detect) struct Label {
    pub(in crate::detect) name: Span,
    pub(in crate::detect) line: Span,
}

/// A value assigned to a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::detect) struct Value {
    /// Without quotes.
    pub(in crate::detect) span: Span,
    /// It may be the beginning of a sentence or an argument of a call.
    pub(in crate::detect) uncertain: bool,
}
