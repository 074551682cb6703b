//! How texts are written: lines, quotes, values without quotes, scalars of YAML, tables, sentences,
//! and what a path says about all of that.
//!
//! Reads notation and knows nothing of rules and of what values are worth. `page` is the text, with
//! a note of how much of it was looked at.

pub(in crate::detect) mod bare;
pub(in crate::detect) mod cells;
pub(in crate::detect) mod columns;
pub(in crate::detect) mod embedded;
pub(in crate::detect) mod field;
mod grid;
pub(in crate::detect) mod hints;
pub(in crate::detect) mod html;
pub(in crate::detect) mod keyword;
pub(in crate::detect) mod line;
pub(in crate::detect) mod named;
pub(in crate::detect) mod page;
pub(in crate::detect) mod quote;
pub(in crate::detect) mod scalar;
pub(in crate::detect) mod sentence;
pub(in crate::detect) mod table;
