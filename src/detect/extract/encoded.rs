//! Runs of base64 or hexadecimal anywhere in a text, which are decoded and, in `trace`, searched as a
//! text of their own.

use crate::detect::Reason;
use crate::detect::syntax::hints::{Hints, Notation};
use crate::detect::worth::encoding::{hex, is_printable};
use crate::detect::worth::validator;
use crate::text::Span;

/// The shortest run that is decoded, in bytes.
const SHORTEST: usize = 28;
/// The same in programs, which are full of long names and seldom hold encoded passwords.
const SHORTEST_IN_SOURCE: usize = 40;
/// The longest, in bytes: longer than an encoded key or manifest.
const LONGEST: usize = 64 * 1024;

/// What a run is depends on so many bytes around it, and one more.
pub(in crate::detect) const MARGIN: usize = 4;

/// Calls `found` for every run of a part of a text that may encode text; runs are followed beyond
/// the part.
pub(in crate::detect) fn runs(text: &[u8], part: Span, hints: Hints, mut found: impl FnMut(Span)) {
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
        // `0x2f…`, and `\x2f…` of PostgreSQL.
        let escaped = text[start..end].starts_with(b"x") && text[..start].ends_with(b"\\");
        let start = if text[start..end].starts_with(b"0x") { start + 2 } else { start + usize::from(escaped) };
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
pub(in crate::detect) fn decoded(run: &[u8]) -> Option<(Vec<u8>, Reason)> {
    let text = match hex(run) {
        Some(text) => (text, Reason::Hex),
        None => (validator::base64(run)?, Reason::Base64),
    };
    is_printable(&text.0).then_some(text)
}
