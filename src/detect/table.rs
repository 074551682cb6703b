//! Tables: a header cell says what its column holds. Markdown's are read here, others in `grid` and
//! `html`.

use super::assign::{self, Context, NameClass, Value};
use super::columns::{self, Column, Form, Key, Purpose};
use super::{Notation, Reason, Search, grid, html, line};
use crate::detect::worth::judge;
use crate::detect::worth::lexicon::ACCOUNTS;
use crate::rule::{Confidence, Extractor, Judge};
use crate::text::Span;

/// If the name stands in a table's header, reports the cells below it.
pub(super) fn below(search: &mut Search<'_>, context: &Context) {
    if search.hints.notation == Notation::Source {
        return;
    }
    let purpose = match context.class {
        NameClass::Password => Purpose::Passwords,
        NameClass::Token => Purpose::Tokens,
    };
    let cells = column(search, context.line, context.name.start, purpose).cells();
    for cell in cells.into_iter().chain(html::beside(search, context.name)) {
        let value = Value { span: last_of_pair(search.text, cell), uncertain: false };
        assign::report(search, context.class, &value, Reason::Table);
    }
}

/// The cells, without decoration, of the column under a place of a header row.
pub(super) fn column(search: &Search<'_>, header: Span, at: usize, purpose: Purpose) -> Column {
    let found = if search.bytes(header).contains(&b'|') { pipes(search, header, at, purpose) } else { Column::Absent };
    if found != Column::Absent || !matches!(search.hints.notation, Notation::Prose | Notation::Unknown) {
        return found;
    }
    match grid::column(search, header, at, purpose) {
        Column::Absent => html::column(search, header, at, purpose),
        found => found,
    }
}

/// Whether a row names the columns below it: above `|---|---|` or `+===+===+`, or between `|===` and an empty line.
pub(super) fn is_header(search: &Search<'_>, row: Span) -> bool {
    let Some(next) = search.line_after(row) else { return false };
    let below = search.bytes(next).trim_ascii();
    let ruled = is_delimiter(below) || below.starts_with(b"+=");
    ruled || below.is_empty() && search.line_before(row).is_some_and(|span| search.bytes(span).trim_ascii() == b"|===")
}

/// The contents of the cells of a header of a Markdown table.
pub(super) fn header_cells(search: &Search<'_>, header: Span) -> impl Iterator<Item = Span> {
    cells(search.text, header).into_iter().map(|cell| undecorated(search.text, cell))
}

/// `| a | b |` above `|---|---|`.
fn pipes(search: &Search<'_>, header: Span, at: usize, purpose: Purpose) -> Column {
    let text = search.text;
    let Some(rule) = search.whole_line_after(header).filter(|&span| is_delimiter(&text[span.range()])) else { return Column::Absent };
    let index = cells(text, header).iter().position(|cell| cell.start <= at && at < cell.end);
    let Some(index) = index else { return Column::Absent };
    let below = |row: &Span| search.whole_line_after(*row).filter(|&span| memchr::memchr(b'|', &text[span.range()]).is_some());
    let rows = std::iter::successors(below(&rule), below);
    let cell = |row: Span| cells(text, row).get(index).map(|&cell| undecorated(text, cell));
    columns::read(search, Key { form: Form::Pipes, purpose, index }, rows.map(|row| (row, cell(row))))
}

/// A row of service, user name and password, as under a header that is elsewhere or missing.
pub(super) fn credentials(search: &mut Search<'_>, hit: Span) {
    if !search.hints.generic || search.hints.notation == Notation::Source || hit.start < search.row_end {
        return;
    }
    let row = search.line_around(hit.start);
    if !line::is_whole(search.text, row) {
        return;
    }
    search.row_end = row.end;
    let cells = match search.bytes(row).trim_ascii_start() {
        [b'|', ..] => cells(search.text, row),
        [b'<', ..] => html_cells(search.text, row),
        _ => return,
    };
    let cells: Vec<Span> = cells.into_iter().map(|cell| undecorated(search.text, cell)).collect();
    let [service, .., user, secret] = cells.as_slice() else { return };
    if !is_account(search.bytes(*user), search.bytes(*service)) {
        return;
    }
    let Some(verdict) = judge::judge(search.bytes(*secret), Judge::Password) else { return };
    if verdict.confidence == Confidence::High {
        let reasons = std::iter::once(Reason::Table).chain(verdict.reasons).collect();
        search.found(Extractor::Password, *secret, Confidence::Medium, reasons);
    }
}

/// A customary account name, or the service's own.
fn is_account(user: &[u8], service: &[u8]) -> bool {
    let user = String::from_utf8_lossy(user).to_lowercase();
    ACCOUNTS.has(&user) || user.len() > 2 && user == String::from_utf8_lossy(service).to_lowercase()
}

/// The contents of `<td>…</td>` on one line.
fn html_cells(text: &[u8], row: Span) -> Vec<Span> {
    let starts = memchr::memmem::find_iter(&text[row.range()], b"<td>").map(|at| row.start + at + 4);
    starts
        .filter_map(|start| memchr::memmem::find(&text[start..row.end], b"</td>").map(|length| Span::new(start, start + length)))
        .collect()
}

/// `|---|:--:|`
fn is_delimiter(line: &[u8]) -> bool {
    line.contains(&b'-') && line.contains(&b'|') && line.iter().all(|byte| matches!(byte, b'|' | b'-' | b':' | b' ' | b'\t'))
}

/// The cells of a row, between unescaped pipes.
pub(super) fn cells(text: &[u8], row: Span) -> Vec<Span> {
    let row = line::trim(text, row);
    let mut pipes: Vec<usize> = row.range().filter(|&at| text[at] == b'|' && (at == row.start || text[at - 1] != b'\\')).collect();
    if pipes.first() != Some(&row.start) {
        pipes.insert(0, row.start.wrapping_sub(1));
    }
    if pipes.last().is_some_and(|&last| last.wrapping_add(1) < row.end) {
        pipes.push(row.end);
    }
    pipes.windows(2).map(|pair| Span::new(pair[0].wrapping_add(1), pair[1])).collect()
}

/// Without blanks, back-ticks, quotes, bold and italic marks around it.
pub(super) fn undecorated(text: &[u8], cell: Span) -> Span {
    let mut span = line::trim(text, cell);
    for marks in [&b"***"[..], b"**", b"__", b"_", b"``", b"`", b"+", b"\"", b"'"] {
        let bytes = &text[span.range()];
        if bytes.len() > 2 * marks.len() && bytes.starts_with(marks) && bytes.ends_with(marks) {
            span = Span::new(span.start + marks.len(), span.end - marks.len());
        }
    }
    element(text, span).unwrap_or(span)
}

/// What the element holds that opens a cell: `<kbd>X</kbd>`.
fn element(text: &[u8], cell: Span) -> Option<Span> {
    let bytes = &text[cell.range()];
    let open = super::assign::tag(bytes)?;
    let close = bytes.ends_with(b">").then(|| memchr::memmem::find(bytes, b"</"))??;
    (close > open).then(|| Span::new(cell.start + open, cell.start + close))
}

/// Of `user / secret` the secret.
fn last_of_pair(text: &[u8], cell: Span) -> Span {
    let bytes = &text[cell.range()];
    match memchr::memmem::find(bytes, b" / ") {
        Some(at) => undecorated(text, Span::new(cell.start + at + 3, cell.end)),
        None => cell,
    }
}
