//! Runs of base64 or hexadecimal anywhere in a text, which are decoded and, in `trace`, searched as a
//! text of their own.

use base64::Engine as _;

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
    let high = part.end.min(text.len());
    let low = part.start.saturating_sub(LONGEST);
    // All bytes from `start` to `seen` belong to a run.
    let mut seen = part.start;
    let mut start = seen - text[low..seen].iter().rev().take_while(|&&byte| is_code(byte)).count();
    while start < high {
        // Backwards, since all before the last byte that belongs to no run is too short.
        let least = seen.max(start + shortest);
        let Some(unseen) = text.get(seen..least) else { break };
        if let Some(gap) = unseen.iter().rposition(|&byte| !is_code(byte)) {
            (start, seen) = (seen + gap + 1, least);
            continue;
        }
        seen = least;
        let end = seen + text[seen..].iter().take_while(|&&byte| is_code(byte)).count();
        let run = Span::new(start, end);
        (start, seen) = (end + 1, end + 1);
        // `0x2f…`, and `\x2f…` of PostgreSQL.
        let escaped = text[run.range()].starts_with(b"x") && text[..run.start].ends_with(b"\\");
        let marks = if text[run.range()].starts_with(b"0x") { 2 } else { usize::from(escaped) };
        let run = Span::new(run.start + marks, run.end);
        if run.len() >= shortest && run.len() < LONGEST && may_encode(&text[run.range()]) {
            let padding = text[end..].iter().take(2).take_while(|&&byte| byte == b'=').count();
            found(Span::new(run.start, end + padding));
        }
    }
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
    if run[..16].iter().all(u8::is_ascii_hexdigit) {
        return hex(&run[..16]).is_some_and(|head| ascii(&head));
    }
    let mut head = [0; 15];
    validator::engine(&run[..20]).decode_slice_unchecked(&run[..20], &mut head).is_ok() && ascii(&head)
}

/// What a run encodes, and how.
pub(in crate::detect) fn decoded(run: &[u8]) -> Option<(Vec<u8>, Reason)> {
    let text = match hex(run) {
        Some(text) => (text, Reason::Hex),
        None => (validator::base64(run)?, Reason::Base64),
    };
    is_printable(&text.0).then_some(text)
}
