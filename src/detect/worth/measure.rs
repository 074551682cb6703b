//! Values that say how much, when or which version, and words with a number.

use std::ops::RangeInclusive;

use crate::rule::lexicon::UNITS;

/// A number with a unit, a version or a range of them, a date, a size: `30d`, `1.2.3`, `^1.0`, `2024-01-02`, `10.0.0.1:80`.
pub(super) fn is_measure(value: &[u8]) -> bool {
    let range = value.iter().take_while(|byte| matches!(byte, b'^' | b'~' | b'<' | b'>' | b'=')).count();
    let value = &value[range..];
    let digits = value.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let unit = &value[digits..];
    // `1000/min`
    let rate = [&b"/min"[..], b"/minute", b"/hour", b"/day", b"/sec", b"/second", b"/s", b"/m", b"/h", b"/d"];
    let count = |unit: &&[u8]| value.strip_suffix(*unit).is_some_and(|count| !count.is_empty() && count.iter().all(u8::is_ascii_digit));
    if is_release(value) || rate.iter().any(count) {
        return true;
    }
    (digits > 0 && is_unit(unit) && value.len() < 8)
        || value.iter().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b':' | b'-' | b'/' | b',' | b'+' | b'T' | b'Z'))
            && value.iter().any(|byte| !byte.is_ascii_digit())
}

/// `1.0.0-rc.4.1`, `v2.1.0-beta2`: a version that is not out yet.
fn is_release(value: &[u8]) -> bool {
    const STAGES: [&[u8]; 7] = [b"rc", b"alpha", b"beta", b"pre", b"dev", b"next", b"snapshot"];
    let value = value.strip_prefix(b"v").unwrap_or(value);
    let number = |byte: &u8| byte.is_ascii_digit() || *byte == b'.';
    let version = value.iter().take_while(|byte| number(byte)).count();
    let Some(stage) = value[version..].strip_prefix(b"-").or(value[version..].strip_prefix(b"+")) else { return false };
    let word = stage.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    value.first().is_some_and(u8::is_ascii_digit)
        && value[..version].contains(&b'.')
        && STAGES.iter().any(|known| stage[..word].eq_ignore_ascii_case(known))
        && stage[word..].iter().all(number)
}

/// Up to two lower-case letters, or one of the longer units that are in use.
fn is_unit(unit: &[u8]) -> bool {
    unit.len() <= 2 && unit.iter().all(u8::is_ascii_lowercase) || UNITS.is(unit)
}

/// `harbour123`: a word in lower case and a number of so many digits, what people type for a moment.
pub(super) fn is_word_and_number(value: &[u8], lengths: RangeInclusive<usize>) -> bool {
    let letters = value.iter().take_while(|byte| byte.is_ascii_lowercase()).count();
    let digits = &value[letters..];
    letters >= 4 && lengths.contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit)
}
