//! Values of YAML that stand below their names: block scalars, plain and quoted scalars on the
//! next line, scalars folded over a few lines, lists.

use std::borrow::Cow;

use super::super::{Notation, Search, line};
use super::quote::quoted;
use super::value::Value;
use super::{Context, notation_at};
use crate::detect::worth::randomness;
use crate::text::Span;

/// The most lines that a folded value has.
const LINES: usize = 3;
/// The most items of a list that are read.
const ITEMS: usize = 16;

/// Names as general as `key` need values as long as this.
const GENERATED: usize = 16;
/// Under other names below one that means a secret they need this length.
const KEYED: usize = 24;

/// Fields that hold what is encrypted, hashed or public.
const SEALED: [&[u8]; 10] =
    [b"secure", b"cipher", b"ciphertext", b"encrypted", b"hash", b"checksum", b"digest", b"sha256", b"fingerprint", b"public_key"];

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

/// The values below a name, if its line announces some.
pub(super) fn below(search: &Search<'_>, context: &Context) -> Vec<Value> {
    let notation = notation_at(search, context.line);
    let Some(header) = header(search, context).filter(|&header| {
        header == Header::List && notation != Notation::Lines || matches!(notation, Notation::Yaml | Notation::Prose | Notation::Unknown)
    }) else {
        return Vec::new();
    };
    let own = column(search.bytes(context.line));
    let Some(first) = search.line_after(context.line) else { return Vec::new() };
    if header == Header::Plain && is_item(search.bytes(first)) && line::indent(search.bytes(first)) >= own {
        let values = items(search, first);
        return if values.is_empty() { members(search, first, own) } else { values };
    }
    if header == Header::List {
        return listed(search, first);
    }
    let mut lines = Vec::new();
    let mut next = Some(first);
    while let Some(span) = next.filter(|span| line::indent(search.bytes(*span)) > own && !search.bytes(*span).trim_ascii().is_empty()) {
        lines.push(line::trim(search.text, span));
        if lines.len() > LINES {
            return if header == Header::Plain { members(search, first, own) } else { Vec::new() };
        }
        next = search.line_after(span);
    }
    match scalar(search, context, header, &lines) {
        Some(span) => vec![Value { span, uncertain: false }],
        None if header == Header::Plain => members(search, first, own),
        None => Vec::new(),
    }
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

/// What fields hold below a name that means a secret, if it was generated: `admin_keys: [{name: x, key: y}]`,
/// `app_secrets: {dev: x, prod: y}`.
fn members(search: &Search<'_>, first: Span, own: usize) -> Vec<Value> {
    let mut values = Vec::new();
    let mut next = Some(first);
    for _ in 0..ITEMS {
        let inside = |span: &Span| line::indent(search.bytes(*span)) > own || is_item(search.bytes(*span));
        let Some(span) = next.filter(inside) else { break };
        let member = line::trim(search.text, span);
        let bytes = search.bytes(member);
        let dash = if is_item(bytes) { 2 } else { 0 };
        let name = bytes[dash..].iter().take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')).count();
        let general = matches!(&bytes[dash..dash + name], b"key" | b"value");
        let sealed = SEALED.contains(&&bytes[dash..dash + name]);
        if name > 0 && !sealed && bytes.get(dash + name) == Some(&b':') {
            let value = line::trim(search.text, Span::new(member.start + dash + name + 1, member.end));
            let value = quoted(search.text, value.start, value.end).unwrap_or(value);
            let least = if general { GENERATED } else { KEYED };
            if search.bytes(value).len() >= least && is_one_key(search.bytes(value)) && randomness::is_random(search.bytes(value)) {
                values.push(Value { span: value, uncertain: false });
            }
        }
        next = search.line_after(span);
    }
    values
}

/// Letters and digits, as in hexadecimal and base64.
fn is_one_key(value: &[u8]) -> bool {
    value.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'-' | b'_'))
}

/// The quoted items below `name: [`, up to the bracket that closes it.
fn listed(search: &Search<'_>, first: Span) -> Vec<Value> {
    let mut values = Vec::new();
    let mut next = Some(first);
    while let Some(span) = next.filter(|_| values.len() < ITEMS) {
        let item = line::trim(search.text, span);
        let Some(inner) = quoted(search.text, item.start, item.end) else { break };
        let rest = search.text[inner.end + 1..item.end].trim_ascii();
        if !matches!(rest, [] | [b','] | [b']', ..]) {
            break;
        }
        values.push(Value { span: inner, uncertain: false });
        next = search.line_after(span).filter(|_| !rest.starts_with(b"]"));
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
        Header::List => None,
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
