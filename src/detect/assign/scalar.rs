//! Values of YAML that stand below their names: block scalars, plain and quoted scalars on the
//! next line, scalars folded over a few lines, lists.

use std::borrow::Cow;

use super::super::{Notation, Search, line, randomness};
use super::quote::quoted;
use super::value::Value;
use super::{Context, notation_at};
use crate::text::Span;

/// The most lines that a folded value has.
const LINES: usize = 3;
/// The most items of a list that are read.
const ITEMS: usize = 16;

/// Names as general as `key` need values as long as this.
const GENERATED: usize = 16;

/// What a name's line says about where its value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Header {
    /// `name: |-`
    Literal,
    /// `name: >-`
    Folded,
    /// `name:`
    Plain,
    /// `name: "x`, without an end.
    Quoted,
}

/// The values below a name, if its line announces some.
pub(super) fn below(search: &Search<'_>, context: &Context) -> Vec<Value> {
    let notation = notation_at(search, context.line);
    let Some(header) = header(search, context).filter(|_| matches!(notation, Notation::Yaml | Notation::Prose | Notation::Unknown)) else {
        return Vec::new();
    };
    let own = column(search.bytes(context.line));
    let Some(first) = search.line_after(context.line) else { return Vec::new() };
    if header == Header::Plain && is_item(search.bytes(first)) && line::indent(search.bytes(first)) >= own {
        let values = items(search, first);
        return if values.is_empty() { members(search, first, own) } else { values };
    }
    let mut lines = Vec::new();
    let mut next = Some(first);
    while let Some(span) = next.filter(|span| line::indent(search.bytes(*span)) > own && !search.bytes(*span).trim_ascii().is_empty()) {
        lines.push(line::trim(search.text, span));
        if lines.len() > LINES {
            return Vec::new();
        }
        next = search.line_after(span);
    }
    scalar(search, context, header, &lines).map_or_else(Vec::new, |span| vec![Value { span, uncertain: false }])
}

fn header(search: &Search<'_>, context: &Context) -> Option<Header> {
    let mut rest = search.text[context.name.end..context.line.end].trim_ascii();
    while let [b'"' | b'\'', more @ ..] = rest {
        rest = more;
    }
    let rest = rest.trim_ascii_start().strip_prefix(b":")?.trim_ascii();
    let indicator = |byte: u8| {
        let style = rest.strip_prefix(&[byte])?;
        style.iter().all(|byte| matches!(byte, b'-' | b'+' | b'0'..=b'9')).then_some(())
    };
    match rest {
        [] => Some(Header::Plain),
        _ if indicator(b'|').is_some() => Some(Header::Literal),
        _ if indicator(b'>').is_some() => Some(Header::Folded),
        [quote @ (b'"' | b'\''), inner @ ..] if !inner.contains(quote) && !inner.is_empty() => Some(Header::Quoted),
        _ => None,
    }
}

/// Where a mapping's key stands: `- name:` is two columns further in than its dash.
fn column(line: &[u8]) -> usize {
    let indent = line::indent(line);
    indent + if is_item(line) { 2 } else { 0 }
}

fn is_item(line: &[u8]) -> bool {
    line.trim_ascii_start().starts_with(b"- ")
}

fn items(search: &Search<'_>, first: Span) -> Vec<Value> {
    let indent = line::indent(search.bytes(first));
    let mut values = Vec::new();
    let mut next = Some(first);
    while let Some(span) = next.filter(|span| is_item(search.bytes(*span)) && line::indent(search.bytes(*span)) == indent) {
        let item = line::trim(search.text, Span::new(span.start + indent + 2, span.end));
        let item = quoted(search.text, item.start, item.end).unwrap_or(item);
        if is_word(search.bytes(item)) {
            values.push(Value { span: item, uncertain: false });
        }
        if values.len() == ITEMS {
            break;
        }
        next = search.line_after(span);
    }
    values
}

/// `key:` and `value:` below a name that means a secret, if what they hold was generated: `admin_keys: [{name: x, key: y}]`.
fn members(search: &Search<'_>, first: Span, own: usize) -> Vec<Value> {
    let mut values = Vec::new();
    let mut next = Some(first);
    for _ in 0..ITEMS {
        let inside = |span: &Span| line::indent(search.bytes(*span)) > own || is_item(search.bytes(*span));
        let Some(span) = next.filter(inside) else { break };
        let member = line::trim(search.text, span);
        let bytes = search.bytes(member);
        let dash = if is_item(bytes) { 2 } else { 0 };
        if let Some(name) = [&b"key:"[..], b"value:"].into_iter().find(|name| bytes[dash..].starts_with(name)) {
            let value = line::trim(search.text, Span::new(member.start + dash + name.len(), member.end));
            let value = quoted(search.text, value.start, value.end).unwrap_or(value);
            if search.bytes(value).len() >= GENERATED && randomness::is_random(search.bytes(value)) {
                values.push(Value { span: value, uncertain: false });
            }
        }
        next = search.line_after(span);
    }
    values
}

fn scalar(search: &Search<'_>, context: &Context, header: Header, lines: &[Span]) -> Option<Span> {
    let (first, last) = (*lines.first()?, *lines.last()?);
    let words = |lines: &[Span]| lines.iter().all(|&line| is_word(search.bytes(line)));
    match header {
        Header::Literal => (lines.len() == 1).then_some(first),
        Header::Folded => (lines.len() == 1 || words(lines)).then_some(Span::new(first.start, last.end)),
        Header::Plain => match quoted(search.text, first.start, first.end) {
            Some(inner) => (lines.len() == 1 && inner.end + 1 == first.end).then_some(inner),
            None => words(lines).then_some(Span::new(first.start, last.end)),
        },
        Header::Quoted => {
            let line = &search.text[context.name.end..context.line.end];
            let open = context.name.end + line.iter().position(|&byte| byte == b':')? + 1;
            let open = open + search.text[open..context.line.end].iter().position(|byte| matches!(byte, b'"' | b'\''))?;
            let quote = search.text[open];
            let end = lines.iter().find_map(|&line| memchr::memchr(quote, search.bytes(line)).map(|at| line.start + at))?;
            let parts = folded(&search.text[open + 1..end]);
            is_word(&parts).then_some(Span::new(open + 1, end))
        }
    }
}

/// One word, and no key of a mapping.
fn is_word(text: &[u8]) -> bool {
    !text.is_empty() && !text.iter().any(u8::is_ascii_whitespace) && !text.ends_with(b":") && !matches!(text[0], b'{' | b'[' | b'#')
}

/// A value over several lines as one: without the line ends, the blanks around them, and a
/// backslash that escapes one.
pub(super) fn folded(value: &[u8]) -> Cow<'_, [u8]> {
    if !value.contains(&b'\n') {
        return Cow::Borrowed(value);
    }
    let lines = value.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii);
    Cow::Owned(lines.flat_map(|line| line.strip_suffix(b"\\").unwrap_or(line)).copied().collect())
}
