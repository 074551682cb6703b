//! Which columns of tables were read, so that a header that stands inside of a table does not read again what the header
//! above it has read: a text full of headers takes no longer than others.

use std::collections::BTreeMap;

use super::Search;
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
pub(super) enum Purpose {
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
pub(super) enum Column {
    /// No table of this form, or one without cells there.
    Absent,
    /// The cells that nobody has read before.
    Cells(Vec<Span>),
    /// A header above has read them all.
    Known,
}

impl Column {
    /// The cells to look at.
    pub(super) fn cells(self) -> Vec<Span> {
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

/// Reads a column row by row: `rows` hands over the rows in order, each with its cell.
///
/// Whoever leaves rows to another header depends on what that one depended on.
pub(super) fn read(search: &Search<'_>, key: Key, mut rows: impl Iterator<Item = (Span, Option<Span>)>) -> Column {
    let Some((first, cell)) = rows.next() else { return Column::Absent };
    let (known, below) = search.columns.borrow().around(key, first.start);
    if let Some(above) = known {
        search.depend(above);
        return Column::Known;
    }
    let mut cells: Vec<Span> = cell.into_iter().collect();
    let mut end = first.end;
    let mut left = false;
    for (row, cell) in rows {
        if let Some((_, looked)) = below.filter(|(start, _)| row.start >= *start) {
            search.depend(looked);
            left = true;
            break;
        }
        cells.extend(cell);
        end = row.end;
    }
    search.columns.borrow_mut().0.insert((key, first.start), Part { end, looked: search.looked.get() });
    cells.retain(|cell| !cell.is_empty());
    if left { Column::Cells(cells) } else { Column::of(cells) }
}

impl Columns {
    /// Of the part of a column that holds a row what it depended on, and the next part behind that row.
    fn around(&self, key: Key, row: usize) -> (Option<Span>, Option<(usize, Span)>) {
        let above = self.0.range((key, 0)..=(key, row)).next_back().filter(|(_, part)| part.end > row);
        let below = self.0.range((key, row + 1)..).next().filter(|((other, _), _)| *other == key);
        (above.map(|(_, part)| part.looked), below.map(|((_, start), part)| (*start, part.looked)))
    }
}
