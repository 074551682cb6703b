//! A text while it is read, with a note of how much of it was looked at.

use std::cell::{Cell, RefCell};

use super::columns::{Column, Columns, Key};
use super::hints::{Hints, Notation};
use super::line;
use crate::text::{Span, work};

/// One text while it is being read.
pub(in crate::detect) struct Page<'a> {
    pub(in crate::detect) text: &'a [u8],
    pub(in crate::detect) hints: Hints,
    /// What the current step read of the text.
    looked: Cell<Span>,
    /// Columns of tables that were read.
    columns: RefCell<Columns>,
}

impl<'a> Page<'a> {
    pub(in crate::detect) fn new(text: &'a [u8], hints: Hints) -> Self {
        Self { text, hints, looked: Cell::new(Span::new(0, 0)), columns: RefCell::default() }
    }

    /// A step starts at a place: until the next one, `looked` covers all that its outcome depends on.
    pub(in crate::detect) fn begin(&self, at: Span) {
        self.looked.set(at);
    }

    /// What the current step depends on.
    pub(in crate::detect) fn looked(&self) -> Span {
        self.looked.get()
    }

    /// A step reads this part of the text. What lies outside the text counts as read to its edge.
    pub(in crate::detect) fn look(&self, span: Span) {
        work::add(span.end.min(self.text.len()).saturating_sub(span.start));
        self.depend(span);
    }

    /// The outcome of a step depends on this part of the text, which it need not read itself.
    pub(in crate::detect) fn depend(&self, span: Span) {
        let looked = self.looked.get();
        self.looked.set(Span::new(looked.start.min(span.start), looked.end.max(span.end.min(self.text.len()))));
    }

    /// The line that holds a place, with the line ends around it.
    pub(in crate::detect) fn line_around(&self, at: usize) -> Span {
        self.looked_at_line(line::around(self.text, at))
    }

    /// The next line after one, or `None` at the end of the text.
    pub(in crate::detect) fn line_after(&self, span: Span) -> Option<Span> {
        self.look(Span::new(span.end, span.end + 3));
        line::after(self.text, span).map(|span| self.looked_at_line(span))
    }

    /// The two lines above one and the two below it, nearer ones first.
    pub(in crate::detect) fn lines_beside(&self, span: Span) -> [Option<Span>; 4] {
        let (above, below) = (self.line_before(span), self.line_after(span));
        [above, below, above.and_then(|line| self.line_before(line)), below.and_then(|line| self.line_after(line))]
    }

    /// Like [`Self::line_after`], to the end of the line however long it is: for what reads each line once.
    pub(in crate::detect) fn whole_line_after(&self, span: Span) -> Option<Span> {
        self.look(Span::new(span.end, span.end + 3));
        line::whole_after(self.text, span).map(|span| self.looked_at_line(span))
    }

    /// Like [`Self::line_before`], to the start of the line however long it is.
    pub(in crate::detect) fn whole_line_before(&self, span: Span) -> Option<Span> {
        line::whole_before(self.text, span).map(|span| self.looked_at_line(span))
    }

    /// The line before one, or `None` at the start of the text.
    pub(in crate::detect) fn line_before(&self, span: Span) -> Option<Span> {
        line::before(self.text, span).map(|span| self.looked_at_line(span))
    }

    fn looked_at_line(&self, line: Span) -> Span {
        // A byte order mark's length before it, an ellipsis behind it.
        self.look(Span::new(line.start.saturating_sub(4), line.end + 4));
        line
    }

    pub(in crate::detect) fn bytes(&self, span: Span) -> &[u8] {
        &self.text[span.range()]
    }

    /// The notation to read a place in: comments of programs are prose.
    pub(in crate::detect) fn notation_at(&self, line: Span) -> Notation {
        match self.hints.notation {
            Notation::Source | Notation::Quoted if is_comment(self.bytes(line)) => Notation::Prose,
            notation => notation,
        }
    }

    /// Reads a column row by row: `rows` hands over the rows in order, each with its cell.
    ///
    /// Whoever leaves rows to another header depends on what that one depended on.
    pub(super) fn read_column(&self, key: Key, mut rows: impl Iterator<Item = (Span, Option<Span>)>) -> Column {
        let Some((first, cell)) = rows.next() else { return Column::Absent };
        let (known, below) = self.columns.borrow().around(key, first.start);
        if let Some(above) = known {
            self.depend(above);
            return Column::Known;
        }
        let mut cells: Vec<Span> = cell.into_iter().collect();
        let mut end = first.end;
        let mut left = false;
        for (row, cell) in rows {
            if let Some((_, looked)) = below.filter(|(start, _)| row.start >= *start) {
                self.depend(looked);
                left = true;
                break;
            }
            cells.extend(cell);
            end = row.end;
        }
        self.columns.borrow_mut().add(key, Span::new(first.start, end), self.looked());
        cells.retain(|cell| !cell.is_empty());
        if left { Column::Cells(cells) } else { Column::of(cells) }
    }
}

/// Whether a line is a comment in most languages.
fn is_comment(line: &[u8]) -> bool {
    let line = line.trim_ascii_start();
    // `*target.password = *actual.password` is code.
    let star = line
        .strip_prefix(b"*")
        .is_some_and(|rest| rest.first().is_none_or(|next| matches!(next, b' ' | b'\t' | b'/' | b'*' | b'\r' | b'@')));
    star || [&b"//"[..], b"#", b"/*", b"--", b";", b"<!--", b"%", b"REM "].iter().any(|marker| line.starts_with(marker))
}
