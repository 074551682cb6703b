//! Tables: which cells stand below a header. Markdown's are read here, others in `grid` and `html`.

use super::cells::{row_cells, undecorated};
use super::columns::{Column, Form, Key, Purpose};
use super::hints::Notation;
use super::page::Page;
use super::{grid, html};
use crate::text::Span;

/// The cells, without decoration, of the column under a place of a header row.
pub(in crate::detect) fn column(page: &Page<'_>, header: Span, at: usize, purpose: Purpose) -> Column {
    let found = if page.bytes(header).contains(&b'|') { pipes(page, header, at, purpose) } else { Column::Absent };
    if found != Column::Absent || !matches!(page.hints.notation, Notation::Prose | Notation::Unknown) {
        return found;
    }
    match grid::column(page, header, at, purpose) {
        Column::Absent => html::column(page, header, at, purpose),
        found => found,
    }
}

/// Whether a row names the columns below it: above `|---|---|` or `+===+===+`, or between `|===` and an empty line.
pub(in crate::detect) fn is_header(page: &Page<'_>, row: Span) -> bool {
    let Some(next) = page.line_after(row) else { return false };
    let below = page.bytes(next).trim_ascii();
    let ruled = is_delimiter(below) || below.starts_with(b"+=");
    ruled || below.is_empty() && page.line_before(row).is_some_and(|span| page.bytes(span).trim_ascii() == b"|===")
}

/// Whether a row has the titles of its columns: a rule stands below it, and another row below that.
pub(in crate::detect) fn has_titles(page: &Page<'_>, row: Span) -> bool {
    let Some(rule) = page.line_after(row) else { return false };
    let ruled = is_delimiter(page.bytes(rule)) || grid::is_border(page.bytes(rule));
    ruled && page.line_after(rule).is_some_and(|row| page.bytes(row).trim_ascii_start().starts_with(b"|"))
}

/// The contents of the cells of a header of a Markdown table.
pub(in crate::detect) fn header_cells(page: &Page<'_>, header: Span) -> impl Iterator<Item = Span> {
    row_cells(page.text, header).into_iter().map(|cell| undecorated(page.text, cell))
}

/// `| a | b |` above `|---|---|`.
fn pipes(page: &Page<'_>, header: Span, at: usize, purpose: Purpose) -> Column {
    let text = page.text;
    let Some(rule) = page.whole_line_after(header).filter(|&span| is_delimiter(&text[span.range()])) else { return Column::Absent };
    let index = row_cells(text, header).iter().position(|cell| cell.start <= at && at < cell.end);
    let Some(index) = index else { return Column::Absent };
    let below = |row: &Span| page.whole_line_after(*row).filter(|&span| memchr::memchr(b'|', &text[span.range()]).is_some());
    let rows = std::iter::successors(below(&rule), below);
    let cell = |row: Span| row_cells(text, row).get(index).map(|&cell| undecorated(text, cell));
    page.read_column(Key { form: Form::Pipes, purpose, index }, rows.map(|row| (row, cell(row))))
}

/// `|---|:--:|`, and no `- |` of YAML.
fn is_delimiter(line: &[u8]) -> bool {
    let ruled = line.trim_ascii_start().starts_with(b"|") || memchr::memmem::find(line, b"--").is_some();
    ruled && line.contains(&b'-') && line.contains(&b'|') && line.iter().all(|byte| matches!(byte, b'|' | b'-' | b':' | b' ' | b'\t'))
}
