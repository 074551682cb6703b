//! Which columns of tables were read, so that a header that stands inside of a table does not read again what the header
//! above it has read: a text full of headers takes no longer than others.

use std::collections::BTreeMap;

use crate::text::Span;

/// How a table is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Form {
    Pipes,
    Grid,
    Html,
}

/// What a column is read for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::detect) enum Purpose {
    Passwords,
    Tokens,
    Logins,
    /// The header speaks of accounts.
    Accounts,
    /// The header speaks of account IDs.
    AccountIds,
}

/// A column, by its place in the rows, and what it is read for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) form: Form,
    pub(super) purpose: Purpose,
    pub(super) index: usize,
}

/// What was found below a header.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::detect) enum Column {
    /// No table of this form, or one without cells there.
    Absent,
    /// The cells that nobody has read before.
    Cells(Vec<Span>),
    /// A header above has read them all.
    Known,
}

impl Column {
    /// The cells to look at.
    pub(in crate::detect) fn cells(self) -> Vec<Span> {
        match self {
            Self::Cells(cells) => cells,
            Self::Absent | Self::Known => Vec::new(),
        }
    }

    /// Cells, if there are any.
    pub(super) fn of(cells: Vec<Span>) -> Self {
        if cells.is_empty() { Self::Absent } else { Self::Cells(cells) }
    }
}

/// Where a column was read: from the start of one row to the end of another.
#[derive(Debug, Clone, Copy)]
struct Part {
    end: usize,
    /// What the header that read it depended on.
    looked: Span,
}

/// The parts of columns that were read, by the start of their first rows.
#[derive(Debug, Default)]
pub(super) struct Columns(BTreeMap<(Key, usize), Part>);

impl Columns {
    /// A column was read in these rows, by a header that depended on `looked`.
    pub(super) fn add(&mut self, key: Key, rows: Span, looked: Span) {
        self.0.insert((key, rows.start), Part { end: rows.end, looked });
    }

    /// Of the part of a column that holds a row what it depended on, and the next part behind that row.
    pub(super) fn around(&self, key: Key, row: usize) -> (Option<Span>, Option<(usize, Span)>) {
        let above = self.0.range((key, 0)..=(key, row)).next_back().filter(|(_, part)| part.end > row);
        let below = self.0.range((key, row + 1)..).next().filter(|((other, _), _)| *other == key);
        (above.map(|(_, part)| part.looked), below.map(|((_, start), part)| (*start, part.looked)))
    }
}
