//! Text in base64 or hexadecimal: what one value encodes, and runs of such characters anywhere in
//! a text, which are decoded and searched as a text of their own.

use super::validator;
use super::{Hints, Match, Notation, Reason, detect};
use crate::rule::{Confidence, RuleSet};
use crate::text::Span;

/// The shortest run that is decoded, in bytes.
const SHORTEST: usize = 28;
/// The same in programs, which are full of long names and seldom hold encoded passwords.
const SHORTEST_IN_SOURCE: usize = 40;
/// The longest, in bytes: longer than an encoded key or manifest.
const LONGEST: usize = 64 * 1024;

/// What a run is depends on so many bytes around it, and one more.
pub(super) const MARGIN: usize = 4;

/// The text that a value encodes, if it is base64 of printable text of at least four characters.
pub(super) fn base64_text(value: &[u8]) -> Option<Vec<u8>> {
    if value.len() < 8 || !value.len().is_multiple_of(4) {
        return None;
    }
    let decoded = validator::base64(value)?;
    (is_printable(&decoded) && decoded.len() >= 4).then_some(decoded)
}

/// What a value with at least two escapes such as `%2F`, and no other percent signs, stands for.
pub(super) fn percent(value: &[u8]) -> Option<Vec<u8>> {
    let mut plain = Vec::with_capacity(value.len());
    let mut parts = value.split(|&byte| byte == b'%');
    plain.extend_from_slice(parts.next()?);
    let mut escapes = 0;
    for part in parts {
        plain.extend(hex(part.get(..2)?)?);
        plain.extend_from_slice(&part[2..]);
        escapes += 1;
    }
    (escapes >= 2).then_some(plain)
}

/// Whether at least three escapes such as `%2F`, and no other percent signs, say that a value was in a URL.
pub(super) fn is_escaped(value: &[u8]) -> bool {
    memchr::memchr_iter(b'%', value).count() >= 3 && percent(value).is_some()
}

fn is_printable(text: &[u8]) -> bool {
    std::str::from_utf8(text).is_ok_and(|text| text.chars().all(|c| !c.is_control() || matches!(c, '\n' | '\r' | '\t')))
}

/// Calls `found` for every run of a part of a text that may encode text; runs are followed beyond
/// the part.
pub(super) fn runs(text: &[u8], part: Span, hints: Hints, mut found: impl FnMut(Span)) {
    let shortest = if hints.notation == Notation::Source { SHORTEST_IN_SOURCE } else { SHORTEST };
    let mut at = part.start;
    let mut passed = 0;
    let high = part.end.min(text.len());
    // Every run has a byte at one of these places or begins with the last one.
    let next = |from: usize, to: usize| if to >= high && from + 1 < high { high - 1 } else { to };
    while at < high {
        if !is_code(text[at]) || !may_be_inside(text, at, shortest) {
            at = next(at, at + shortest);
            continue;
        }
        let end = at + text[at..].iter().take_while(|&&byte| is_code(byte)).count();
        let start = if may_be_long(text, at, end, shortest) {
            let low = passed.max(at.saturating_sub(LONGEST));
            at - text[low..at].iter().rev().take_while(|&&byte| is_code(byte)).count()
        } else {
            at
        };
        at = next(end, end + shortest);
        passed = end;
        if end - start < shortest {
            continue;
        }
        let start = if text[start..end].starts_with(b"0x") { start + 2 } else { start };
        let run = Span::new(start, end);
        if run.len() >= shortest && run.len() < LONGEST && may_encode(&text[run.range()]) {
            let padding = text[end..].iter().take(2).take_while(|&&byte| byte == b'=').count();
            found(Span::new(start, end + padding));
        }
    }
}

/// Whether a place can be inside of a run that is long enough: half of that is before it or behind it. A look at two bytes
/// spares most of the short ones.
fn may_be_inside(text: &[u8], at: usize, shortest: usize) -> bool {
    let code = |place: Option<usize>| place.and_then(|place| text.get(place)).is_some_and(|&byte| is_code(byte));
    let half = shortest / 2 - 1;
    let before = || code(at.checked_sub(half)) && code(at.checked_sub(half / 2));
    let behind = || code(Some(at + half)) && code(Some(at + half / 2));
    before() || behind()
}

/// Whether a run that reaches from `at` to `end` can be long enough: a look at two bytes before it
/// spares most of the short ones.
fn may_be_long(text: &[u8], at: usize, end: usize, shortest: usize) -> bool {
    let missing = shortest.saturating_sub(end - at);
    missing == 0 || at >= missing && is_code(text[at - missing]) && is_code(text[at - missing / 2])
}

#[inline]
fn is_code(byte: u8) -> bool {
    const TABLE: [bool; 256] = {
        let mut table = [false; 256];
        let mut at = 0;
        while at < 256 {
            table[at] = (at as u8).is_ascii_alphanumeric() || matches!(at as u8, b'+' | b'/' | b'-' | b'_');
            at += 1;
        }
        table
    };
    TABLE[usize::from(byte)]
}

/// Whether the beginning decodes to printable text, which chance hardly does.
fn may_encode(run: &[u8]) -> bool {
    let ascii = |bytes: &[u8]| bytes.iter().all(|byte| matches!(byte, b' '..=b'~' | b'\n' | b'\r' | b'\t'));
    if let Some(head) = hex(&run[..16]) {
        return ascii(&head);
    }
    validator::base64(&run[..20]).is_some_and(|head| ascii(&head))
}

/// What a run encodes, and how.
fn decoded(run: &[u8]) -> Option<(Vec<u8>, Reason)> {
    let text = match hex(run) {
        Some(text) => (text, Reason::Hex),
        None => (validator::base64(run)?, Reason::Base64),
    };
    is_printable(&text.0).then_some(text)
}

fn hex(run: &[u8]) -> Option<Vec<u8>> {
    if !run.len().is_multiple_of(2) {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
    run.chunks_exact(2).map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?)).collect()
}

/// The most telling secret in what a run encodes, as a match of the whole run.
pub(super) fn search(text: &[u8], run: Span, hints: Hints, rules: &RuleSet) -> Option<Match> {
    let (inner, how) = decoded(&text[run.range()])?;
    let hints = Hints { notation: Notation::Unknown, binary: false, test: false, ..hints };
    let best = detect(&inner, hints, rules).into_iter().max_by_key(|found| (found.confidence, found.span.len()))?;
    if best.confidence < Confidence::Medium {
        return None;
    }
    let mut reasons = best.reasons;
    reasons.push(how);
    Some(Match { span: run, reasons, ..best })
}
