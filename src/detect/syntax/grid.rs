//! Tables of reStructuredText (grid, simple, list) and AsciiDoc: the cells under a header.

use super::cells::{row_cells, undecorated};
use super::columns::{Column, Form, Key, Purpose};
use super::line;
use super::page::Page;
use crate::text::Span;

/// Lines between a list-table's directive and the end of its header.
const HEADER: usize = 16;

/// The cells of the column under a place of a header row.
pub(in crate::detect) fn column(page: &Page<'_>, header: Span, at: usize, purpose: Purpose) -> Column {
    let cells = match page.bytes(header).trim_ascii_start() {
        [b'|', ..] => match grid(page, header, at, purpose) {
            Column::Absent => asciidoc(page, header, at),
            found => return found,
        },
        [b'-' | b'*', b' ', ..] => list(page, header),
        _ => simple(page, header, at),
    };
    Column::of(cells.into_iter().map(|cell| undecorated(page.text, cell)).filter(|cell| !cell.is_empty()).collect())
}

/// `+----+----+` above, `+====+====+` below the header.
fn grid(page: &Page<'_>, header: Span, at: usize, purpose: Purpose) -> Column {
    let is_border = |span: &Span| is_border(page.bytes(*span));
    let is_row = |span: &Span| page.bytes(*span).trim_ascii_start().starts_with(b"|");
    let Some(border) = page.whole_line_after(header).filter(is_border) else { return Column::Absent };
    let Some(index) = row_cells(page.text, header).iter().position(|cell| cell.start <= at && at < cell.end) else {
        return Column::Absent;
    };
    let below = |line: &Span| page.whole_line_after(*line).filter(|next| is_row(next) || is_border(next));
    let rows = std::iter::successors(below(&border), below).filter(is_row);
    let cell = |row: Span| row_cells(page.text, row).get(index).map(|&cell| undecorated(page.text, cell));
    page.read_column(Key { form: Form::Grid, purpose, index }, rows.map(|row| (row, cell(row))))
}

/// `+----+----+`
pub(super) fn is_border(line: &[u8]) -> bool {
    let line = line.trim_ascii();
    line.len() > 2 && line.starts_with(b"+") && line.iter().all(|byte| matches!(byte, b'+' | b'-' | b'='))
}

/// Columns under runs of `=`.
fn simple(page: &Page<'_>, header: Span, at: usize) -> Vec<Span> {
    let is_ruler = |line: &[u8]| {
        let line = line.trim_ascii();
        line.len() > 6 && line.starts_with(b"==") && line.contains(&b' ') && line.iter().all(|byte| matches!(byte, b'=' | b' '))
    };
    let Some(ruler) = page.whole_line_after(header).filter(|&span| is_ruler(page.bytes(span))) else { return Vec::new() };
    let bytes = page.bytes(ruler);
    let starts: Vec<usize> = (0..bytes.len()).filter(|&i| bytes[i] == b'=' && (i == 0 || bytes[i - 1] == b' ')).collect();
    let Some(index) = starts.iter().rposition(|&start| header.start + start <= at) else { return Vec::new() };
    let mut found = Vec::new();
    let mut next = page.whole_line_after(ruler);
    while let Some(span) = next.filter(|&span| !page.bytes(span).trim_ascii().is_empty()) {
        if is_ruler(page.bytes(span)) {
            break;
        }
        let start = (span.start + starts[index]).min(span.end);
        let end = starts.get(index + 1).map_or(span.end, |&end| (span.start + end).min(span.end));
        found.push(line::trim(page.text, Span::new(start, end)));
        next = page.whole_line_after(span);
    }
    found
}

/// `.. list-table::` with `* -` at the first cell of a row and `-` at the others.
fn list(page: &Page<'_>, header: Span) -> Vec<Span> {
    let cell = |span: Span| {
        let bytes = page.bytes(span);
        let indent = line::indent(bytes);
        let (first, width) = match &bytes[indent..] {
            [b'*', b' ', b'-', b' ', ..] => (true, 4),
            [b'-', b' ', ..] => (false, 2),
            _ => return None,
        };
        Some((first, indent + width, Span::new(span.start + indent + width, span.end)))
    };
    let Some((mut first, column, _)) = cell(header) else { return Vec::new() };
    let mut index = 0;
    let mut above = header;
    let mut lines = 0;
    loop {
        let Some(span) = page.line_before(above).filter(|_| lines < HEADER) else { return Vec::new() };
        lines += 1;
        if opens_list(page.bytes(span)) {
            break;
        }
        match cell(span).filter(|(_, at, _)| *at == column) {
            // A row above this one: not the header.
            Some(_) if first => return Vec::new(),
            Some((starts, ..)) => {
                index += 1;
                first = starts;
            }
            None => {}
        }
        above = span;
    }
    let mut found = Vec::new();
    let mut at = index;
    let mut next = page.whole_line_after(header);
    let inside = |span: &Span| line::indent(page.bytes(*span)) > 0 && !opens_list(page.bytes(*span));
    while let Some(span) = next.filter(inside) {
        match cell(span).filter(|(_, place, _)| *place == column) {
            Some((true, _, value)) => {
                at = 0;
                found.extend((index == 0).then_some(value));
            }
            Some((false, _, value)) => {
                at += 1;
                found.extend((at == index).then_some(value));
            }
            None => {}
        }
        next = page.whole_line_after(span);
    }
    found
}

/// Whether a line is a list-table's directive.
fn opens_list(line: &[u8]) -> bool {
    memchr::memmem::find(line, b"list-table::").is_some()
}

/// Between lines of `|===`; a row's cells stand on one line or on lines of their own.
fn asciidoc(page: &Page<'_>, header: Span, at: usize) -> Vec<Span> {
    let is_border = |span: Span| page.bytes(span).trim_ascii() == b"|===";
    if !page.line_before(header).is_some_and(is_border) {
        return Vec::new();
    }
    let columns = row_cells(page.text, header);
    let Some(index) = columns.iter().position(|cell| cell.start <= at && at < cell.end) else { return Vec::new() };
    let mut cells = Vec::new();
    let mut next = page.whole_line_after(header);
    while let Some(span) = next.filter(|&span| !is_border(span)) {
        let bytes = page.bytes(span).trim_ascii_start();
        if bytes.starts_with(b"|") {
            cells.extend(row_cells(page.text, span));
        } else if !bytes.is_empty() {
            break;
        }
        next = page.whole_line_after(span);
    }
    cells.chunks(columns.len()).filter_map(|row| row.get(index).copied()).collect()
}

#[cfg(test)]
mod tests {
    use crate::detect::{Hints, detect};
    use crate::rule::builtin;

    fn found(text: &str) -> Vec<&str> {
        let rules = builtin();
        let likely = |found: &&crate::detect::Match| found.confidence >= crate::rule::Confidence::Medium;
        detect(text.as_bytes(), Hints::of_path("page.rst"), &rules).iter().filter(likely).map(|found| &text[found.span.range()]).collect()
    }

    #[test]
    fn every_sort_of_table() {
        for text in [
            "=======  =====  ==============\nService  User   Password\n=======  =====  ==============\nGrafana  admin  Walrus88Timber\nKibana   ops    Onyx77Glacier\n=======  =====  ==============\n",
            "+------+----------------+\n| Host | Password       |\n+======+================+\n| db1  | Walrus88Timber |\n+------+----------------+\n| db2  | Onyx77Glacier  |\n+------+----------------+\n",
            ".. list-table::\n   :header-rows: 1\n\n   * - Service\n     - Password\n   * - Jira\n     - Walrus88Timber\n   * - Wiki\n     - ``Onyx77Glacier``\n",
            "|===\n|Service |User |Password\n\n|Grafana\n|admin\n|Walrus88Timber\n\n|Kibana |elastic |`Onyx77Glacier`\n|===\n",
        ] {
            assert_eq!(found(text), ["Walrus88Timber", "Onyx77Glacier"], "{text}");
        }
    }

    #[test]
    fn other_columns_are_not_read() {
        for text in [
            "========  ==============\nPassword  Build\n========  ==============\nrequired  Walrus88Timber\n========  ==============\n",
            "|===\n|Password |Build\n\n|required\n|Walrus88Timber\n|===\n",
            "* - password\n* - Walrus88Timber\n",
        ] {
            assert_eq!(found(text), [""; 0], "{text}");
        }
    }
}
