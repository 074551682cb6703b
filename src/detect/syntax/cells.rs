//! The cells of a row, and the marks of looks around what stands in one.

use super::line;
use crate::text::Span;

/// The cells of a row, between unescaped pipes.
pub(in crate::detect) fn row_cells(text: &[u8], row: Span) -> Vec<Span> {
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
pub(in crate::detect) fn undecorated(text: &[u8], cell: Span) -> Span {
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
    let open = tag(bytes)?;
    let close = bytes.ends_with(b">").then(|| memchr::memmem::find(bytes, b"</"))??;
    (close > open).then(|| Span::new(cell.start + open, cell.start + close))
}

/// The contents of `<td>…</td>` on one line.
pub(in crate::detect) fn html_cells(text: &[u8], row: Span) -> Vec<Span> {
    let starts = memchr::memmem::find_iter(&text[row.range()], b"<td>").map(|at| row.start + at + 4);
    starts
        .filter_map(|start| memchr::memmem::find(&text[start..row.end], b"</td>").map(|length| Span::new(start, start + length)))
        .collect()
}

/// Length of a tag of HTML that only says how text looks.
pub(in crate::detect) fn tag(rest: &[u8]) -> Option<usize> {
    const TAGS: [&[u8]; 12] = [b"code", b"b", b"strong", b"tt", b"kbd", b"em", b"i", b"samp", b"pre", b"var", b"span", b"mark"];
    let close = rest.iter().take(16).position(|&byte| byte == b'>')?;
    let name = rest[..close].strip_prefix(b"<")?;
    TAGS.contains(&name.strip_prefix(b"/").unwrap_or(name)).then_some(close + 1)
}
