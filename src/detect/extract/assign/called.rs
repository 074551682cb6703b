//! Literals that calls hand on, and those that count when a call yields nothing.

use crate::detect::syntax::hints::Notation;
use crate::detect::syntax::named::Value;
use crate::detect::syntax::quote::{quoted, quoted_literals};
use crate::rule::lexicon::{HASHING_CALLS, WRAPPING_CALLS};
use crate::text::Span;

/// In programs: `password: string = "x"` and `password = call("x")`. The outer `None` means that
/// neither is there.
#[expect(clippy::option_option, reason = "not such a form / such a form without a value / its values")]
pub(super) fn typed_or_called(text: &[u8], start: usize, end: usize, notation: Notation) -> Option<Option<Vec<Value>>> {
    if !matches!(notation, Notation::Source | Notation::Unknown | Notation::Quoted) {
        return None;
    }
    let name = text[start..end]
        .iter()
        .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'<' | b'>' | b'?' | b'[' | b']' | b'&' | b':'))
        .count();
    let at = skip_blanks(text, start + name, end);
    // `password=x&id=y`: the next parameter.
    let joined = || text[start..start + name].windows(2).any(|pair| pair[0].is_ascii_alphanumeric() && pair[1] == b'&');
    match &text[at..end] {
        _ if name == 0 || joined() => None,
        [b'=', next, ..] if *next != b'=' => {
            let value = quoted(text, skip_blanks(text, at + 1, end), end);
            Some(value.map(sure))
        }
        [b'(', ..] => {
            let literals = quoted_literals(text, at + 1, end);
            let mut values: Vec<Value> = literals.into_iter().map(|span| Value { span, uncertain: true }).collect();
            values.extend(fallback(text, at, end).map(|span| Value { span, uncertain: false }));
            Some(Some(values))
        }
        [b'?', b'?', ..] | [b'|', b'|', ..] => {
            let value = quoted(text, skip_blanks(text, at + 2, end), end);
            Some(value.map(sure))
        }
        _ => None,
    }
}

/// The literal that a call hands on as it is, or decoded: `Some("X")`, `Base64.decode("X")`.
pub(super) fn passed_on(text: &[u8], start: usize, end: usize) -> Option<Span> {
    // `[]byte("X")`
    let start = start + if text[start..end].starts_with(b"[]byte(") { 2 } else { 0 };
    let name = text[start..end].iter().take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b':')).count();
    let called = &text[start..start + name];
    let is = |call: &str| called.strip_suffix(call.as_bytes()).is_some_and(|before| matches!(before, [] | [.., b'.' | b':']));
    let hashes = HASHING_CALLS.iter().any(is);
    let arguments = text[start + name..end].strip_prefix(b"(").filter(|_| hashes || WRAPPING_CALLS.iter().any(is))?;
    let literal = quoted(text, skip_blanks(text, end - arguments.len(), end), end)?;
    if called == b"byte" && text[literal.range()].contains(&b'\\') {
        return None;
    }
    let behind = text[literal.end..end].get(1..)?.trim_ascii_start();
    (behind.starts_with(b")") || hashes && behind.starts_with(b",")).then_some(literal)
}

/// The literal behind `??`, `||` or `or` after a call, or in the block behind it: what counts when the call yields nothing.
fn fallback(text: &[u8], start: usize, end: usize) -> Option<Span> {
    let close = start + text[start..end].iter().rposition(|&byte| byte == b')')?;
    let at = skip_blanks(text, close + 1, end);
    let rest = &text[at..end];
    const OPERATORS: [&[u8]; 5] = [b"??", b"||", b"or ", b"?:", b"{ "];
    let operator = OPERATORS.iter().find(|operator| rest.starts_with(operator))?;
    quoted(text, skip_blanks(text, at + operator.len(), end), end)
}

pub(super) fn skip_blanks(text: &[u8], mut at: usize, end: usize) -> usize {
    while at < end && matches!(text[at], b' ' | b'\t') {
        at += 1;
    }
    at
}

pub(super) fn sure(span: Span) -> Vec<Value> {
    vec![Value { span, uncertain: false }]
}
