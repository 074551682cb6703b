//! Names and values on lines of their own: `name:`/`value:` pairs of containers, declarations. The data of Kubernetes
//! Secrets is read in `manifest`.

use super::assign::{self, Context, Value};
use super::{Notation, Reason, Search, line, manifest};
use crate::text::Span;

/// What is looked at before a name on its line, in bytes; the field it stands in is shorter.
const NEAR: usize = 48;

/// A name was seen that nothing is assigned to on its own line.
pub(super) fn at(search: &mut Search<'_>, context: &Context) {
    if search.bytes(context.name) == b"Secret" && Field::before(search.text, context).bytes() == b"kind:" {
        manifest::secret(search, context.line);
        return;
    }
    let value = value_of(search, context).or_else(|| declared(search, context));
    if let Some(value) = value {
        assign::report(search, context.class, &value, Reason::NameValuePair);
    }
}

/// The value of a name that stands in a field of its own.
pub(super) fn value_of(search: &Search<'_>, context: &Context) -> Option<Value> {
    let named = || Field::before(search.text, context).is_name();
    same_line_value(search.text, context)
        .or_else(|| named().then(|| value_before(search.text, context).or_else(|| beside(search, context))).flatten())
}

/// What stands before a name on its line, without quotes and blanks.
struct Field {
    bytes: [u8; NEAR],
    length: usize,
}

impl Field {
    fn before(text: &[u8], context: &Context) -> Self {
        let near = context.name.start.saturating_sub(NEAR).max(context.line.start);
        let before = text[near..context.name.start].trim_ascii();
        let field = before.strip_prefix(b"- ").unwrap_or(before).trim_ascii();
        let mut all = Self { bytes: [0; NEAR], length: 0 };
        for &byte in field.iter().filter(|byte| !matches!(byte, b'"' | b'\'' | b' ' | b'{')) {
            all.bytes[all.length] = byte;
            all.length += 1;
        }
        all
    }

    fn bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }

    /// Whether it is one that holds names.
    fn is_name(&self) -> bool {
        const NAMES: [&[u8]; 4] = [b"name:", b"name=", b"key:", b"key="];
        let ends = |name: &&[u8]| self.length.checked_sub(name.len()).is_some_and(|at| self.bytes()[at..].eq_ignore_ascii_case(name));
        NAMES.iter().any(ends)
    }
}

/// `{"name": "X", "value": "Y"}`, `<add key="X" value="Y"/>`.
fn same_line_value(text: &[u8], context: &Context) -> Option<Value> {
    let start = context.name.end;
    let end = context.line.end;
    if !matches!(text.get(start), Some(b'"' | b'\'' | b',')) {
        return None;
    }
    let near = &text[start..end.min(start + NEAR / 2)];
    let at = start + memchr::memmem::find(&near.to_ascii_lowercase(), b"value")? + 5;
    value_after(text, at, end)
}

/// `{"value": "Y", "name": "X"}`.
fn value_before(text: &[u8], context: &Context) -> Option<Value> {
    let low = context.line.start.max(context.name.start.saturating_sub(4 * NEAR));
    let open = low + memchr::memrchr(b'{', &text[low..context.name.start])?;
    let before = text[open..context.name.start].to_ascii_lowercase();
    let at = open + memchr::memmem::find(&before, b"value")? + 5;
    value_after(text, at, context.name.start)
}

/// What a declaration holds that bears the name: `variable "x" { default = "Y" }`,
/// `X: {Type: String, Default: Y}`, also over several lines.
fn declared(search: &Search<'_>, context: &Context) -> Option<Value> {
    const LINES: usize = 6;
    let text = search.text;
    let rest = &text[context.name.end..context.line.end];
    let closers = rest.iter().take_while(|byte| matches!(byte, b'"' | b'\'' | b':' | b' ')).count();
    let opens = match &rest[closers..] {
        [] | [b'\r'] => rest.contains(&b':'),
        [b'{', ..] => closers > 0,
        _ => false,
    };
    if !opens || search.hints.notation == Notation::Source {
        return None;
    }
    let field = |span: Span| {
        let bytes = &text[span.range()];
        let key = bytes.trim_ascii_start();
        let start = span.end - key.len() + usize::from(matches!(key.first(), Some(b'"' | b'\'')));
        let key = text[start..span.end].split(|byte| !byte.is_ascii_alphabetic()).next()?;
        let fits = [&b"default"[..], b"value", b"defaultvalue", b"initialvalue"].iter().any(|known| key.eq_ignore_ascii_case(known));
        fits.then(|| value_after(text, start + key.len(), span.end)).flatten()
    };
    if rest.len() > closers + 1 && rest[closers] == b'{' {
        let inside = context.name.end + closers + 1;
        let end = inside + memchr::memchr(b'}', &text[inside..context.line.end.min(inside + 4 * NEAR)])?;
        let mut at = inside;
        for part in text[inside..end].split(|&byte| byte == b',') {
            if let Some(value) = field(Span::new(at, at + part.len())) {
                return Some(value);
            }
            at += part.len() + 1;
        }
        return None;
    }
    let own = line::indent(search.bytes(context.line));
    let mut next = search.line_after(context.line);
    for _ in 0..LINES {
        let span = next.filter(|&span| line::indent(search.bytes(span)) > own)?;
        if let Some(value) = field(span) {
            return Some(value);
        }
        next = search.line_after(span);
    }
    None
}

/// What stands behind a field's name: `: x`, `": "x"`, ` = "x"`.
pub(super) fn value_after(text: &[u8], at: usize, end: usize) -> Option<Value> {
    let skip = text[at..end].iter().take_while(|byte| matches!(byte, b'"' | b'\'' | b' ' | b'\t')).count();
    if !matches!(text.get(at + skip), Some(b':' | b'=')) {
        return None;
    }
    let mut start = at + skip + 1;
    while start < end && matches!(text[start], b' ' | b'\t') {
        start += 1;
    }
    if let Some(span) = assign::quoted_literals(text, start, end).first().copied().filter(|span| span.start <= start + 2) {
        return Some(Value { span, uncertain: false });
    }
    let bare = &text[start..end];
    let comment = memchr::memmem::find(bare, b" #").unwrap_or(bare.len());
    // `{name: X, value: y}`, `(name = X, value = y)`
    let closes = |at: &usize| match bare[*at] {
        b')' => !bare[..*at].contains(&b'('),
        _ => !bare[..*at].contains(&b'{'),
    };
    let length = memchr::memchr3(b',', b'}', b')', &bare[..comment]).filter(closes).unwrap_or(comment);
    let span = line::trim(text, Span::new(start, start + length));
    (!span.is_empty() && !search_blank(text, span)).then_some(Value { span, uncertain: false })
}

fn search_blank(text: &[u8], span: Span) -> bool {
    text[span.range()].iter().any(u8::is_ascii_whitespace)
}

/// The `value` field of the same mapping, on one of the lines around the name.
fn beside(search: &Search<'_>, context: &Context) -> Option<Value> {
    const LINES: usize = 3;
    let text = search.text;
    let column = |span: Span| {
        let bytes = &text[span.range()];
        let indent = line::indent(bytes);
        let dash = bytes[indent..].starts_with(b"- ");
        (indent + if dash { 2 } else { 0 }, dash)
    };
    let (own, starts_item) = column(context.line);
    let value_in = |span: Span| {
        let (indent, _) = column(span);
        let rest = &text[span.start + indent.min(span.len())..span.end];
        let unquoted = rest.strip_prefix(b"\"").unwrap_or(rest);
        let is_value = indent == own && unquoted.len() > 5 && unquoted[..5].eq_ignore_ascii_case(b"value");
        is_value.then(|| value_after(text, span.end - unquoted.len() + 5, span.end)).flatten()
    };
    let mut next = context.line;
    for _ in 0..LINES {
        let Some(span) = search.line_after(next) else { break };
        let (indent, dash) = column(span);
        if indent < own || dash && indent <= own {
            break;
        }
        if let Some(value) = value_in(span) {
            return Some(value);
        }
        next = span;
    }
    let mut next = context.line;
    for _ in 0..LINES {
        if starts_item && next == context.line {
            break;
        }
        let Some(span) = search.line_before(next) else { break };
        let (indent, dash) = column(span);
        if indent < own {
            break;
        }
        if let Some(value) = value_in(span) {
            return Some(value);
        }
        if dash && indent == own {
            break;
        }
        next = span;
    }
    None
}
