//! What stands alone on a line below its name: under a heading, or behind a sentence that announces it.

use super::is_denied;
use crate::detect::extract::name::Context;
use crate::detect::search::Search;
use crate::detect::syntax::hints::Notation;
use crate::detect::syntax::line;
use crate::detect::syntax::named::Value;
use crate::detect::syntax::sentence::{REACH, marked};
use crate::detect::worth::randomness;
use crate::text::Span;

/// What stands alone below a heading or a term: `## Admin password` and the next line, `: X` of a
/// definition list.
pub(super) fn under(search: &Search<'_>, context: &Context) -> Option<Value> {
    let text = search.text;
    let documents = matches!(search.hints.notation, Notation::Prose | Notation::Unknown);
    let free = text[context.line.start..context.name.start].last().is_none_or(|byte| matches!(byte, b' ' | b'\t' | b'*' | b'-'));
    if !documents || !free {
        return None;
    }
    let before = text[context.line.start..context.name.start].trim_ascii();
    let after = text[context.name.end..context.line.end].trim_ascii();
    let heading = before.starts_with(b"#");
    let short =
        before.split(u8::is_ascii_whitespace).count() <= 4 && !before.iter().any(|byte| matches!(byte, b'.' | b',' | b'|' | b'<' | b'-'));
    if !short || !after.iter().all(|byte| matches!(byte, b'*' | b':' | b'_' | b'#')) {
        return None;
    }
    let mut next = search.line_after(context.line)?;
    if search.bytes(next).trim_ascii().is_empty() {
        next = search.line_after(next).filter(|_| heading)?;
    }
    let line = line::trim(text, next);
    let (line, defined) = match search.bytes(line) {
        [b':', b' ', ..] => (line::trim(text, Span::new(line.start + 1, line.end)), true),
        _ => (line, false),
    };
    let value = marked(text, line, line.end).unwrap_or(line);
    let alone = value == line || value.end + 2 >= line.end;
    let word = !search.bytes(value).iter().any(u8::is_ascii_whitespace);
    let digit = search.bytes(value).iter().any(u8::is_ascii_digit);
    (alone && word && (heading || defined || value != line) && (digit || value != line)).then_some(Value { span: value, uncertain: false })
}

/// `Use the following password to unlock the installer:` and, alone on the next line or the one after,
/// what a generator made.
pub(super) fn announced(search: &Search<'_>, context: &Context) -> Option<Value> {
    const SHORTEST: usize = 16;
    let text = search.text;
    let rest = text[context.name.end..context.line.end].trim_ascii();
    // ``Password for the user (reset with `tool`):``
    let bracket = memchr::memchr(b'(', rest).filter(|_| rest.ends_with(b"):"));
    let rest = bracket.map_or(rest, |at| rest[..at].trim_ascii_end());
    let sentence =
        (bracket.is_some() || rest.ends_with(b":")) && rest.len() <= REACH && !rest.iter().any(|byte| b"=\"`'|<{[".contains(byte));
    if !sentence || is_denied(&text[context.line.start..context.name.start]) {
        return None;
    }
    let mut next = search.line_after(context.line)?;
    if search.bytes(next).trim_ascii().is_empty() {
        next = search.line_after(next)?;
    }
    let line = line::trim(text, next);
    let value = marked(text, line, line.end).filter(|value| value.end + 2 >= line.end).unwrap_or(line);
    let one = search.bytes(value).iter().all(|byte| byte.is_ascii_graphic());
    (one && value.len() >= SHORTEST && randomness::is_random(search.bytes(value))).then_some(Value { span: value, uncertain: false })
}
