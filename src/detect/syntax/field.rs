//! Names and values in fields of their own: `name:`/`value:` pairs of containers, declarations.

use super::hints::Notation;
use super::line;
use super::named::{Label, Value};
use super::page::Page;
use super::quote::{is_inside_action, quoted_literals};
use crate::text::Span;

/// What is looked at before a name on its line, in bytes; the field it stands in is shorter.
const NEAR: usize = 48;

/// Whether a name stands behind a key, as in `kind: Secret`.
pub(in crate::detect) fn is_behind(page: &Page<'_>, label: Label, key: &[u8]) -> bool {
    Field::before(page.text, label).bytes() == key
}

/// The value of a name that stands in a field of its own.
pub(in crate::detect) fn value_of(page: &Page<'_>, label: Label) -> Option<Value> {
    if is_inside_action(&page.text[label.line.start..label.name.start]) {
        return None;
    }
    // `{label: 'Password', value: 'password'}`: what a form shows, and its field.
    let shown = |value: &Value| {
        let same = page.bytes(value.span).eq_ignore_ascii_case(page.bytes(label.name));
        same && Field::before(page.text, label).bytes().ends_with(b"label:")
    };
    let named = || {
        let field = Field::before(page.text, label);
        // `type: password`, `value: X`: the credentials of a user.
        field.is_name() || field.bytes() == b"type:" && page.bytes(label.name) == b"password"
    };
    let near = || element_value(page.text, label).or_else(|| value_before(page.text, label)).or_else(|| beside(page, label));
    same_line_value(page.text, label)
        .filter(|value| !shown(value))
        .or_else(|| named().then(near).flatten())
        .or_else(|| next_argument(page, label))
}

/// What stands before a name on its line, without quotes and blanks.
struct Field {
    bytes: [u8; NEAR],
    length: usize,
}

impl Field {
    fn before(text: &[u8], label: Label) -> Self {
        let near = label.name.start.saturating_sub(NEAR).max(label.line.start);
        let before = text[near..label.name.start].trim_ascii();
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
        const NAMES: [&[u8]; 6] = [b"name:", b"name=", b"key:", b"key=", b"envkey:", b"variable:"];
        let ends = |name: &&[u8]| self.length.checked_sub(name.len()).is_some_and(|at| self.bytes()[at..].eq_ignore_ascii_case(name));
        NAMES.iter().any(ends)
    }
}

/// `{"name": "X", "value": "Y"}`, `<add key="X" value="Y"/>`.
fn same_line_value(text: &[u8], label: Label) -> Option<Value> {
    let start = label.name.end;
    let end = label.line.end;
    if !matches!(text.get(start), Some(b'"' | b'\'' | b',')) {
        return None;
    }
    let near = &text[start..end.min(start + NEAR / 2)];
    let near = near.to_ascii_lowercase();
    let field = |name: &[u8]| memchr::memmem::find(&near, name).map(|at| start + at + name.len());
    value_after(text, field(b"value").or_else(|| field(b"default\""))?.min(end), end)
}

/// `- --admin-password` and, on the next line, `- Y`: what a command is given, an item each.
fn next_argument(page: &Page<'_>, label: Label) -> Option<Value> {
    let item = |span: Span| {
        let bytes = page.bytes(span);
        let indent = line::indent(bytes);
        let rest = bytes[indent..].strip_prefix(b"- ")?.trim_ascii();
        let start = span.start + bytes.len() - bytes[indent + 2..].trim_ascii_start().len();
        let inner = Span::new(start, start + rest.len());
        let quoted = matches!(rest, [open @ (b'"' | b'\''), .., close] if open == close && rest.len() > 2);
        Some((indent, if quoted { Span::new(inner.start + 1, inner.end - 1) } else { inner }))
    };
    let (own, option) = item(label.line)?;
    if !page.bytes(option).starts_with(b"--") || option.end != label.name.end {
        return None;
    }
    let (indent, span) = item(page.line_after(label.line)?)?;
    let value = indent == own && !page.bytes(span).starts_with(b"-") && !span.is_empty() && !holds_blank(page.text, span);
    value.then_some(Value { span, uncertain: false })
}

/// `<property name="X">Y</property>`, `<entry key="X">Y</entry>`, `<string name="X" translatable="false">Y</string>`.
fn element_value(text: &[u8], label: Label) -> Option<Value> {
    let rest = &text[label.name.end..label.line.end];
    let close = memchr::memchr(b'>', &rest[..rest.len().min(2 * NEAR)])?;
    let attributes = matches!(rest[..close], [b'"', b' ', .., b'"'] | [b'\'', b' ', .., b'\'']) && !rest[..close].contains(&b'<');
    let inner = (attributes || matches!(rest[..close], [b'"' | b'\''])).then(|| &rest[close + 1..])?;
    let length = memchr::memchr(b'<', inner).filter(|&length| inner[length..].starts_with(b"</"))?;
    let start = label.line.end - inner.len();
    let span = line::trim(text, Span::new(start, start + length));
    // `<a name="db.password">`db.password`</a>`
    let itself = memchr::memmem::find(&text[span.range()], &text[label.name.range()]).is_some();
    (!span.is_empty() && !itself && !holds_blank(text, span)).then_some(Value { span, uncertain: false })
}

/// `{"value": "Y", "name": "X"}`.
fn value_before(text: &[u8], label: Label) -> Option<Value> {
    let low = label.line.start.max(label.name.start.saturating_sub(4 * NEAR));
    let open = low + memchr::memrchr(b'{', &text[low..label.name.start])?;
    let before = text[open..label.name.start].to_ascii_lowercase();
    let at = open + memchr::memmem::find(&before, b"value")? + 5;
    value_after(text, at, label.name.start)
}

/// What a declaration holds that bears the name: `variable "x" { default = "Y" }`,
/// `X: {Type: String, Default: Y}`, also over several lines.
pub(in crate::detect) fn declared(page: &Page<'_>, label: Label) -> Option<Value> {
    const LINES: usize = 6;
    let text = page.text;
    let rest = &text[label.name.end..label.line.end];
    let closers = rest.iter().take_while(|byte| matches!(byte, b'"' | b'\'' | b':' | b' ')).count();
    let opens = match &rest[closers..] {
        [] | [b'\r'] => rest.contains(&b':'),
        [b'{', ..] => closers > 0,
        _ => false,
    };
    if !opens || page.hints.notation == Notation::Source {
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
        let inside = label.name.end + closers + 1;
        let end = inside + memchr::memchr(b'}', &text[inside..label.line.end.min(inside + 4 * NEAR)])?;
        let mut at = inside;
        for part in text[inside..end].split(|&byte| byte == b',') {
            if let Some(value) = field(Span::new(at, at + part.len())) {
                return Some(value);
            }
            at += part.len() + 1;
        }
        return None;
    }
    let own = line::indent(page.bytes(label.line));
    let mut next = page.line_after(label.line);
    // What stands deeper is a field of something else.
    let depth = next.map_or(0, |span| line::indent(page.bytes(span)));
    for _ in 0..LINES {
        let span = next.filter(|&span| line::indent(page.bytes(span)) > own)?;
        if line::indent(page.bytes(span)) == depth
            && let Some(value) = field(span)
        {
            return Some(value);
        }
        next = page.line_after(span);
    }
    None
}

/// What stands behind a field's name: `: x`, `": "x"`, ` = "x"`.
pub(in crate::detect) fn value_after(text: &[u8], at: usize, end: usize) -> Option<Value> {
    let skip = text[at..end].iter().take_while(|byte| matches!(byte, b'"' | b'\'' | b' ' | b'\t')).count();
    if !matches!(text.get(at + skip), Some(b':' | b'=')) {
        return None;
    }
    let mut start = at + skip + 1;
    while start < end && matches!(text[start], b' ' | b'\t') {
        start += 1;
    }
    if let Some(span) = quoted_literals(text, start, end).first().copied().filter(|span| span.start <= start + 2) {
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
    (!span.is_empty() && !holds_blank(text, span)).then_some(Value { span, uncertain: false })
}

fn holds_blank(text: &[u8], span: Span) -> bool {
    text[span.range()].iter().any(u8::is_ascii_whitespace)
}

/// Whether `random: true` stands with a name of a form in its item.
fn is_made_anew(page: &Page<'_>, line: Span) -> bool {
    const LINES: usize = 16;
    let mut next = Some(line);
    (0..LINES).any(|_| {
        next = next.and_then(|line| page.line_after(line)).filter(|line| !page.bytes(*line).trim_ascii_start().starts_with(b"- "));
        next.is_some_and(|line| page.bytes(line).trim_ascii() == b"random: true")
    })
}

/// The `value` field of the same mapping, on one of the lines around the name.
fn beside(page: &Page<'_>, label: Label) -> Option<Value> {
    const LINES: usize = 3;
    let text = page.text;
    let column = |span: Span| {
        let bytes = &text[span.range()];
        let indent = line::indent(bytes);
        let dash = bytes[indent..].starts_with(b"- ");
        (indent + if dash { 2 } else { 0 }, dash)
    };
    let (own, starts_item) = column(label.line);
    // `envKey: X` and `variable: X` of forms, whose fields have a `default:`, or one that is made anew
    let field = Field::before(text, label);
    let is_of_form = [&b"envkey:"[..], b"variable:"].iter().any(|name| field.bytes().to_ascii_lowercase().ends_with(name));
    if is_of_form && is_made_anew(page, label.line) {
        return None;
    }
    let value_in = |span: Span| {
        let (indent, _) = column(span);
        let rest = &text[span.start + indent.min(span.len())..span.end];
        let unquoted = rest.strip_prefix(b"\"").or(rest.strip_prefix(b"android:")).unwrap_or(rest);
        let item = unquoted.strip_prefix(b"- ").unwrap_or(unquoted);
        let (rest, name) = if is_of_form { (item, &b"default"[..]) } else { (unquoted, &b"value"[..]) };
        let is_value = indent == own && rest.len() > name.len() && rest[..name.len()].eq_ignore_ascii_case(name);
        is_value.then(|| value_after(text, span.end - rest.len() + name.len(), span.end)).flatten()
    };
    let mut next = label.line;
    for _ in 0..LINES {
        let Some(span) = page.line_after(next) else { break };
        let (indent, dash) = column(span);
        if indent < own || dash && indent <= own {
            break;
        }
        if let Some(value) = value_in(span) {
            return Some(value);
        }
        next = span;
    }
    let mut next = label.line;
    for _ in 0..LINES {
        if starts_item && next == label.line {
            break;
        }
        let Some(span) = page.line_before(next) else { break };
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
