//! Tables and definition lists of HTML: `<th>Password</th>` with cells below or beside it,
//! `<dt>Password</dt><dd>…</dd>`.

use super::cells::{tag, undecorated};
use super::columns::{Column, Form, Key, Purpose};
use super::line;
use super::page::Page;
use crate::text::Span;

/// How far a header row and a definition reach, in bytes.
const NEAR: usize = 1024;

/// The cells of the column under a place in a header row.
pub(in crate::detect) fn column(page: &Page<'_>, header: Span, at: usize, purpose: Purpose) -> Column {
    let text = page.text;
    if !opens_cell(&text[header.start..at]) {
        return Column::Absent;
    }
    let low = at.saturating_sub(NEAR);
    page.look(Span::new(low.saturating_sub(1), at));
    let Some(row) = rfind(&text[low..at], b"<tr").map(|row| low + row) else { return Column::Absent };
    let is_named = rfind(&text[row..at], b"<th") > rfind(&text[row..at], b"<td");
    if !is_named && !is_first_row(&text[low..row], low == 0) {
        return Column::Absent;
    }
    let index = cells(text, Span::new(row, at)).count().saturating_sub(1);
    let mut next = row_end(page, at);
    let rows = std::iter::from_fn(|| {
        let start = next.filter(|&end| opens_row(&text[end..]))?;
        next = row_end(page, start + 3);
        Some(Span::new(start, next.unwrap_or(text.len())))
    });
    let cell = |row: Span| cells(text, row).nth(index).map(|cell| content(text, cell));
    page.read_column(Key { form: Form::Html, purpose, index }, rows.map(|row| (row, cell(row))))
}

/// Whether no row of the same table stands before: of a table without `<th>`, the first row may name the columns.
fn is_first_row(before: &[u8], is_all: bool) -> bool {
    match (rfind(before, b"<table"), rfind(before, b"<tr")) {
        (Some(table), row) => row.is_none_or(|row| row < table),
        (None, row) => row.is_none() && is_all,
    }
}

/// Where the next row begins or the table ends; `None` at the end of the text.
fn row_end(page: &Page<'_>, at: usize) -> Option<usize> {
    let rest = &page.text[at..];
    let end = memchr::memchr_iter(b'<', rest).find(|&tag| opens_row(&rest[tag..]) || begins(&rest[tag..], b"</table"));
    page.look(Span::new(at, end.map_or(page.text.len(), |end| at + end + 8)));
    end.map(|end| at + end)
}

fn opens_row(text: &[u8]) -> bool {
    begins(text, b"<tr")
}

/// What the cell or definition beside a name holds.
pub(in crate::detect) fn beside(page: &Page<'_>, name: Span) -> Option<Span> {
    let text = page.text;
    if text.get(name.end..name.end + 2).is_none_or(|next| next[0] != b'<' && next != b":<") {
        return None;
    }
    let end = (name.end + NEAR).min(text.len());
    let rest = &text[name.end..end];
    let mut at = name.end + usize::from(rest[0] == b':');
    let opening: [&[u8]; 2] = [b"<dd", b"<td"];
    while at < end && (text[at].is_ascii_whitespace() || text[at] == b'<') {
        if text[at] != b'<' {
            at += 1;
            continue;
        }
        let close = at + memchr::memchr(b'>', &text[at..end])?;
        page.look(Span::new(name.start, close + 1));
        let bytes = text[at..close].to_ascii_lowercase();
        if opening.iter().any(|tag| bytes.starts_with(tag)) {
            let stop = memchr::memmem::find(&text[close..end], b"</").map(|stop| close + stop)?;
            let past = text[stop..end].iter().position(|&byte| byte == b'>').map_or(end, |past| stop + past);
            page.look(Span::new(name.start, past + 1));
            return Some(content(text, Span::new(close + 1, stop))).filter(|span| !span.is_empty());
        }
        if !bytes.starts_with(b"</") && tag(&text[at..=close]).is_none() {
            return None;
        }
        at = close + 1;
    }
    page.look(Span::new(name.start, at + 1));
    None
}

/// Whether a line's beginning ends with the start of a cell and nothing but tags of looks.
fn opens_cell(before: &[u8]) -> bool {
    let Some(at) = rfind(before, b"<th").into_iter().chain(rfind(before, b"<td")).max() else { return false };
    let mut rest = &before[at..];
    let mut first = true;
    while let Some(close) = rest.iter().position(|&byte| byte == b'>') {
        if !first && tag(rest).is_none() {
            return false;
        }
        first = false;
        rest = rest[close + 1..].trim_ascii_start();
    }
    !first && rest.len() <= 24 && !rest.contains(&b'<')
}

/// The insides of the cells of a row, the last one open if it is.
fn cells(text: &[u8], row: Span) -> impl Iterator<Item = Span> {
    let mut at = row.start;
    std::iter::from_fn(move || {
        loop {
            let open = at + memchr::memchr(b'<', &text[at..row.end])?;
            at = open + 1;
            let is_cell = matches!(text.get(open + 1..open + 4), Some([b't' | b'T', b'd' | b'h' | b'D' | b'H', b'>' | b' ']));
            if !is_cell {
                continue;
            }
            let start = open + 1 + memchr::memchr(b'>', &text[open..row.end])?;
            let inside = &text[start..row.end];
            let ends = |tag: &usize| [&b"</td"[..], b"</th", b"<td", b"<th"].iter().any(|stop| begins(&inside[*tag..], stop));
            at = start + memchr::memchr_iter(b'<', inside).find(ends).unwrap_or(inside.len());
            return Some(Span::new(start, at));
        }
    })
}

/// A cell without the tags around its text.
fn content(text: &[u8], cell: Span) -> Span {
    let mut span = line::trim(text, cell);
    while let Some(width) = tag(&text[span.range()]) {
        span = line::trim(text, Span::new(span.start + width, span.end));
    }
    let length = memchr::memchr(b'<', &text[span.range()]).unwrap_or(span.len());
    undecorated(text, Span::new(span.start, span.start + length))
}

fn rfind(text: &[u8], tag: &[u8]) -> Option<usize> {
    memchr::memrchr_iter(b'<', text).find(|&at| begins(&text[at..], tag))
}

/// Whether a text begins with a tag, in either case.
fn begins(text: &[u8], tag: &[u8]) -> bool {
    text.get(..tag.len()).is_some_and(|head| head.eq_ignore_ascii_case(tag))
}

#[cfg(test)]
mod tests {
    use crate::detect::{Hints, detect};
    use crate::rule::builtin;

    fn found(text: &str) -> Vec<&str> {
        let rules = builtin();
        detect(text.as_bytes(), Hints::of_path("page.html"), &rules).iter().map(|found| &text[found.span.range()]).collect()
    }

    #[test]
    fn columns_rows_and_definitions() {
        for text in [
            "<table><tr><th>Host</th><th>Password</th></tr><tr><td>db1</td><td><code>Walrus88Timber</code></td></tr></table>",
            "<table>\n<tr>\n<th>Host</th>\n<th>Password</th>\n</tr>\n<tr>\n<td>db1</td>\n<td>Walrus88Timber</td>\n</tr>\n</table>",
            "<tr><th>Password</th><td>Walrus88Timber</td></tr>",
            "<dl><dt>Password</dt><dd>Walrus88Timber</dd></dl>",
            "<dl>\n<dt><b>Password:</b></dt>\n<dd><code>Walrus88Timber</code></dd>\n</dl>",
            "<p>Password: <strong>Walrus88Timber</strong></p>",
            "<p>and the password <code>Walrus88Timber</code>.</p>",
        ] {
            assert_eq!(found(text), ["Walrus88Timber"], "{text}");
        }
    }

    #[test]
    fn forms_and_other_columns() {
        for text in [
            "<label>Password</label><input type=\"password\" name=\"password1\" value=\"\">",
            "<table><tr><th>Password</th><th>Build</th></tr><tr><td>required</td><td>Walrus88Timber</td></tr></table>",
            "<dt>Password</dt><dd>see the wiki</dd>",
            "<table><tr><td>user</td><td>who</td></tr><tr><td>password</td><td>its secret</td></tr><tr><td>heartbeat7</td></tr></table>",
        ] {
            assert_eq!(found(text), [""; 0], "{text}");
        }
    }
}
