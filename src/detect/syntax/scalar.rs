//! Values of YAML that stand below their names: block scalars, plain and quoted scalars on the
//! next line, scalars folded over a few lines, lists.

use std::borrow::Cow;

use super::hints::Notation;
use super::line;
use super::named::{Label, Value};
use super::page::Page;
use super::quote::quoted;
use crate::rule::lexicon::SEALED_FIELDS;
use crate::text::Span;

/// The most lines that a folded value has.
const LINES: usize = 3;
/// The most items of a list that are read.
const ITEMS: usize = 16;

/// Names as general as `key` need values as long as this.
const GENERATED: usize = 16;
/// Under other names below one that means a secret they need this length.
const KEYED: usize = 24;

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
    /// `name: [`
    List,
}

/// The values below a name, if its line announces some. Under names of their own they have to be what
/// `is_key` takes for generated.
pub(in crate::detect) fn below(page: &Page<'_>, label: Label, is_key: fn(&[u8]) -> bool) -> Vec<Value> {
    let notation = page.notation_at(label.line);
    let Some(header) = header(page, label).filter(|&header| {
        header == Header::List && notation != Notation::Lines || matches!(notation, Notation::Yaml | Notation::Prose | Notation::Unknown)
    }) else {
        return Vec::new();
    };
    let own = column(page.bytes(label.line));
    let Some(first) = page.line_after(label.line) else { return Vec::new() };
    if header == Header::Plain && is_item(page.bytes(first)) && line::indent(page.bytes(first)) >= own {
        let values = items(page, first);
        return if values.is_empty() { members(page, first, own, is_key) } else { values };
    }
    if header == Header::List {
        return listed(page, first);
    }
    let mut lines = Vec::new();
    let mut next = Some(first);
    while let Some(span) = next.filter(|span| line::indent(page.bytes(*span)) > own && !page.bytes(*span).trim_ascii().is_empty()) {
        lines.push(line::trim(page.text, span));
        if lines.len() > LINES {
            return if header == Header::Plain { members(page, first, own, is_key) } else { Vec::new() };
        }
        next = page.line_after(span);
    }
    match scalar(page, label, header, &lines) {
        Some(span) => vec![Value { span, uncertain: false }],
        None if header == Header::Plain => members(page, first, own, is_key),
        None => Vec::new(),
    }
}

fn header(page: &Page<'_>, label: Label) -> Option<Header> {
    let mut rest = page.text[label.name.end..label.line.end].trim_ascii();
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
        [b'['] => Some(Header::List),
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

fn items(page: &Page<'_>, first: Span) -> Vec<Value> {
    let indent = line::indent(page.bytes(first));
    let mut values = Vec::new();
    let mut next = Some(first);
    while let Some(span) = next.filter(|span| is_item(page.bytes(*span)) && line::indent(page.bytes(*span)) == indent) {
        let item = line::trim(page.text, Span::new(span.start + indent + 2, span.end));
        let item = quoted(page.text, item.start, item.end).unwrap_or(item);
        if is_word(page.bytes(item)) {
            values.push(Value { span: item, uncertain: false });
        }
        if values.len() == ITEMS {
            break;
        }
        next = page.line_after(span);
    }
    values
}

/// What fields hold below a name that means a secret, if it was generated: `admin_keys: [{name: x, key: y}]`,
/// `app_secrets: {dev: x, prod: y}`.
fn members(page: &Page<'_>, first: Span, own: usize, is_key: fn(&[u8]) -> bool) -> Vec<Value> {
    let mut values = Vec::new();
    let mut next = Some(first);
    for _ in 0..ITEMS {
        let inside = |span: &Span| line::indent(page.bytes(*span)) > own || is_item(page.bytes(*span));
        let Some(span) = next.filter(inside) else { break };
        let member = line::trim(page.text, span);
        let bytes = page.bytes(member);
        let dash = if is_item(bytes) { 2 } else { 0 };
        let name = bytes[dash..].iter().take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')).count();
        let general = matches!(&bytes[dash..dash + name], b"key" | b"value");
        let sealed = SEALED_FIELDS.is(&bytes[dash..dash + name]);
        if name > 0 && !sealed && bytes.get(dash + name) == Some(&b':') {
            let value = line::trim(page.text, Span::new(member.start + dash + name + 1, member.end));
            let value = quoted(page.text, value.start, value.end).unwrap_or(value);
            let least = if general { GENERATED } else { KEYED };
            if page.bytes(value).len() >= least && is_one_key(page.bytes(value)) && is_key(page.bytes(value)) {
                values.push(Value { span: value, uncertain: false });
            }
        }
        next = page.line_after(span);
    }
    values
}

/// Letters and digits, as in hexadecimal and base64.
fn is_one_key(value: &[u8]) -> bool {
    value.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'-' | b'_'))
}

/// The quoted items below `name: [`, up to the bracket that closes it.
fn listed(page: &Page<'_>, first: Span) -> Vec<Value> {
    let mut values = Vec::new();
    let mut next = Some(first);
    while let Some(span) = next.filter(|_| values.len() < ITEMS) {
        let item = line::trim(page.text, span);
        let Some(inner) = quoted(page.text, item.start, item.end) else { break };
        let rest = page.text[inner.end + 1..item.end].trim_ascii();
        if !matches!(rest, [] | [b','] | [b']', ..]) {
            break;
        }
        values.push(Value { span: inner, uncertain: false });
        next = page.line_after(span).filter(|_| !rest.starts_with(b"]"));
    }
    values
}

fn scalar(page: &Page<'_>, label: Label, header: Header, lines: &[Span]) -> Option<Span> {
    let (first, last) = (*lines.first()?, *lines.last()?);
    let words = |lines: &[Span]| lines.iter().all(|&line| is_word(page.bytes(line)));
    match header {
        Header::Literal => (lines.len() == 1).then_some(first),
        Header::Folded => (lines.len() == 1 || words(lines)).then_some(Span::new(first.start, last.end)),
        Header::Plain => match quoted(page.text, first.start, first.end) {
            Some(inner) => (lines.len() == 1 && inner.end + 1 == first.end).then_some(inner),
            None => words(lines).then_some(Span::new(first.start, last.end)),
        },
        Header::List => None,
        Header::Quoted => {
            let line = &page.text[label.name.end..label.line.end];
            let open = label.name.end + line.iter().position(|&byte| byte == b':')? + 1;
            let open = open + page.text[open..label.line.end].iter().position(|byte| matches!(byte, b'"' | b'\''))?;
            let quote = page.text[open];
            let end = lines.iter().find_map(|&line| memchr::memchr(quote, page.bytes(line)).map(|at| line.start + at))?;
            let parts = folded(&page.text[open + 1..end]);
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
pub(in crate::detect) fn folded(value: &[u8]) -> Cow<'_, [u8]> {
    if !value.contains(&b'\n') {
        return Cow::Borrowed(value);
    }
    let lines = value.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii);
    Cow::Owned(lines.flat_map(|line| line.strip_suffix(b"\\").unwrap_or(line)).copied().collect())
}
