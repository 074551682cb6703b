//! The line around a place in a text; a NUL ends one too. It is bounded so that a line of a hundred megabytes costs no more
//! than a short one.

use crate::text::Span;

/// How far a line is followed to either side, in bytes.
const REACH: usize = 1024;

/// How much farther a line is followed through a run of letters and digits that may be one long value, in bytes.
const RUN: usize = 8192;

/// The line that holds `at`, without its end, or the nearest `REACH` bytes of it and the rest of what stands there.
pub(in crate::detect) fn around(text: &[u8], at: usize) -> Span {
    let low = at.saturating_sub(REACH);
    let high = (at + REACH).min(text.len());
    let start = memchr::memrchr3(b'\n', b'\r', 0, &text[low..at]).map_or(low, |found| low + found + 1);
    let end = memchr::memchr3(b'\n', b'\r', 0, &text[at..high]).map_or_else(|| end_of_run(text, high), |found| at + found);
    Span::new(start, end)
}

/// Where a run of letters and digits ends that goes on at a place, with the mark behind it.
fn end_of_run(text: &[u8], at: usize) -> usize {
    let part = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'-' | b'_' | b'.');
    let length = text[at..].iter().take(RUN).take_while(part).count();
    let mark = text.get(at + length).is_some_and(|byte| matches!(byte, b'"' | b'\'' | b'`' | b'<' | b'\\'));
    at + length + usize::from(length > 0 && mark)
}

/// The next line after one, or `None` at the end of the text.
pub(in crate::detect) fn after(text: &[u8], line: Span) -> Option<Span> {
    next_start(text, line).map(|start| around(text, start))
}

/// The line before one, or `None` at the start of the text.
pub(in crate::detect) fn before(text: &[u8], line: Span) -> Option<Span> {
    previous_end(text, line).map(|end| Span::new(around(text, end).start, end))
}

/// The next line, to its end.
pub(super) fn whole_after(text: &[u8], line: Span) -> Option<Span> {
    let start = next_start(text, line)?;
    let length = memchr::memchr3(b'\n', b'\r', 0, &text[start..]).unwrap_or(text.len() - start);
    Some(Span::new(start, start + length))
}

/// The line before, from its start.
pub(super) fn whole_before(text: &[u8], line: Span) -> Option<Span> {
    let end = previous_end(text, line)?;
    let start = memchr::memrchr3(b'\n', b'\r', 0, &text[..end]).map_or(0, |found| found + 1);
    Some(Span::new(start, end))
}

fn next_start(text: &[u8], line: Span) -> Option<usize> {
    let mut start = line.end;
    if text.get(start) == Some(&b'\r') {
        start += 1;
    }
    if text.get(start) == Some(&b'\n') {
        start += 1;
    }
    (start > line.end && start < text.len()).then_some(start)
}

fn previous_end(text: &[u8], line: Span) -> Option<usize> {
    let mut end = line.start;
    if end > 0 && text[end - 1] == b'\n' {
        end -= 1;
    }
    if end > 0 && text[end - 1] == b'\r' {
        end -= 1;
    }
    (end < line.start).then_some(end)
}

/// Whether a line was short enough to be followed to both its ends.
pub(in crate::detect) fn is_whole(text: &[u8], line: Span) -> bool {
    let ends = |byte: &u8| matches!(byte, b'\n' | b'\r' | 0);
    line.start.checked_sub(1).is_none_or(|before| ends(&text[before])) && text.get(line.end).is_none_or(ends)
}

/// Number of leading blanks.
pub(in crate::detect) fn indent(line: &[u8]) -> usize {
    line.iter().take_while(|&&byte| byte == b' ' || byte == b'\t').count()
}

/// A span of the text without the blanks around it.
pub(in crate::detect) fn trim(text: &[u8], span: Span) -> Span {
    let bytes = &text[span.range()];
    let lead = bytes.len() - bytes.trim_ascii_start().len();
    Span::new(span.start + lead, span.start + lead + bytes.trim_ascii().len())
}
