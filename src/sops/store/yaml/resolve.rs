//! The type of a YAML scalar as go-yaml v3 resolves it: a mix of YAML 1.1 and 1.2 that sops' MAC depends on.
//!
//! The table in the tests was measured on sops 3.11.

use crate::sops::timestamp::{Digits, Parts, Timestamp, split_clock, split_date, split_fraction, split_offset};
use crate::sops::tree::{Scalar, Text};

/// What a plain scalar is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Resolved {
    Value(Scalar),
    /// A whole number from 2^63 to 2^64 - 1, which sops cannot handle.
    TooBig,
    /// `<<`
    Merge,
}

/// Resolves a plain scalar without a tag.
pub(super) fn resolve(text: &str) -> Resolved {
    if text == "<<" {
        return Resolved::Merge;
    }
    if let Some(value) = named(text) {
        return Resolved::Value(value);
    }
    match text.as_bytes().first() {
        Some(b'+' | b'-' | b'0'..=b'9') => number_or_time(text),
        Some(b'.') => match float(text) {
            Some(number) => Resolved::Value(Scalar::Float(number)),
            None => string(text),
        },
        _ => string(text),
    }
}

/// Whether a plain scalar would be read as this very text, also by YAML 1.1 readers.
pub(super) fn is_plain_text(text: &str) -> bool {
    let old_bool = ["y", "n", "yes", "no", "on", "off"].iter().any(|word| text.eq_ignore_ascii_case(word));
    !old_bool && !is_sexagesimal(text) && !begins_like_a_date(text) && matches!(resolve(text), Resolved::Value(Scalar::Text(_)))
}

/// Whether YAML 1.1 readers see a number in `22:22` or `190:20:30.15`: there, colons part digits of base 60.
fn is_sexagesimal(text: &str) -> bool {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let whole = unsigned.split_once('.').filter(|(_, after)| after.bytes().all(|b| b.is_ascii_digit() || b == b'_'));
    let mut parts = whole.map_or(unsigned, |(whole, _)| whole).split(':');
    let first = parts.next().unwrap_or_default();
    let mut rest = parts.peekable();
    first.starts_with(|c: char| c.is_ascii_digit())
        && first.bytes().all(|b| b.is_ascii_digit() || b == b'_')
        && rest.peek().is_some()
        && rest.all(|part| matches!(part.len(), 1 | 2) && part.parse::<u8>().is_ok_and(|number| number < 60))
}

/// Whether YAML 1.1 readers may see a time in it: `2001-12-14 21:59:43.10 -5` is one there.
fn begins_like_a_date(text: &str) -> bool {
    let date = text.split(['T', 't', ' ', '\t']).next().unwrap_or_default();
    date.len() < text.len() && split_date(date, Digits::Loose).is_some()
}

/// Reads the date and time spellings go-yaml knows.
pub(super) fn timestamp(text: &str) -> Option<Timestamp> {
    let dated = text.len() >= 8 && text.as_bytes()[..4].iter().all(u8::is_ascii_digit) && text.as_bytes()[4] == b'-';
    if !dated {
        return None;
    }
    let Some(at) = text.find(['T', 't', ' ']) else {
        let (year, month, day) = split_date(text, Digits::Loose)?;
        let midnight = Parts { year, month, day, clock: [0; 3], fraction: "", offset: None };
        return Timestamp::from_parts(midnight);
    };
    let (date, rest) = text.split_at(at);
    let (year, month, day) = split_date(date, Digits::Loose)?;
    let (clock, tail) = split_clock(&rest[1..], Digits::Loose)?;
    let (fraction, zone) = split_fraction(tail);
    let offset = match (rest.as_bytes()[0], zone) {
        (b' ', "") => None,
        (b' ', _) => return None,
        _ => split_offset(zone)?,
    };
    Timestamp::from_parts(Parts { year, month, day, clock, fraction, offset })
}

fn string(text: &str) -> Resolved {
    Resolved::Value(Scalar::Text(Text::from(text)))
}

fn named(text: &str) -> Option<Scalar> {
    Some(match text {
        "" | "~" | "null" | "Null" | "NULL" => Scalar::Null,
        "true" | "True" | "TRUE" => Scalar::Bool(true),
        "false" | "False" | "FALSE" => Scalar::Bool(false),
        ".nan" | ".NaN" | ".NAN" => Scalar::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => Scalar::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => Scalar::Float(f64::NEG_INFINITY),
        _ => return None,
    })
}

fn number_or_time(text: &str) -> Resolved {
    if let Some(time) = timestamp(text) {
        return Resolved::Value(Scalar::Time(time));
    }
    let plain: String = text.chars().filter(|c| *c != '_').collect();
    match integer(&plain) {
        Some(Ok(number)) => return Resolved::Value(Scalar::Int(number)),
        Some(Err(TooBigForInt)) => return Resolved::TooBig,
        None => {}
    }
    match float(&plain) {
        Some(number) => Resolved::Value(Scalar::Float(number)),
        None => string(text),
    }
}

struct TooBigForInt;

/// Go's `ParseInt(text, 0, 64)` and `ParseUint`: prefixes 0x, 0b, 0o and a leading 0 for octal.
fn integer(text: &str) -> Option<Result<i64, TooBigForInt>> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let (radix, digits) = match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, &digits[2..]),
        [b'0', b'b' | b'B', ..] => (2, &digits[2..]),
        [b'0', b'o' | b'O', ..] => (8, &digits[2..]),
        [b'0', _, ..] => (8, &digits[1..]),
        _ => (10, digits),
    };
    if digits.is_empty() || !digits.bytes().all(|b| char::from(b).is_digit(radix)) {
        return None;
    }
    let size = u64::from_str_radix(digits, radix).ok()?;
    let signed = if negative { 0i64.checked_sub_unsigned(size) } else { i64::try_from(size).ok() };
    match signed {
        Some(number) => Some(Ok(number)),
        // ParseUint takes no sign.
        None if negative || text.starts_with('+') => None,
        None => Some(Err(TooBigForInt)),
    }
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?` that does not overflow.
pub(super) fn float(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.find(['e', 'E']) {
        Some(at) => (&unsigned[..at], Some(&unsigned[at + 1..])),
        None => (unsigned, None),
    };
    let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    let mantissa_ok = match mantissa.split_once('.') {
        Some(("", after)) => !after.is_empty() && digits(after),
        Some((before, after)) => digits(before) && digits(after),
        None => !mantissa.is_empty() && digits(mantissa),
    };
    let exponent_ok = exponent.is_none_or(|e| {
        let e = e.strip_prefix(['+', '-']).unwrap_or(e);
        !e.is_empty() && digits(e)
    });
    if !mantissa_ok || !exponent_ok {
        return None;
    }
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_other_readers_take_for_a_number_or_a_time_is_no_plain_text() {
        for text in
            ["22:22", "12:30", "190:20:30", "-1:00", "1_0:59.5", "2001-12-14 21:59:43.10 -5", "2001-1-2T03:04:05 +1", "yes", "5", "~"]
        {
            assert!(!is_plain_text(text), "{text}");
        }
        for text in ["a:b", "22:60", "1:", ":1", "12:30 Uhr", "1:2:x", "2001-12", "10.0.0.1:80", "2001-12-14x", "22:123"] {
            assert!(is_plain_text(text), "{text}");
        }
    }
    use crate::sops::scalar::float_text;

    fn show(text: &str) -> String {
        match resolve(text) {
            Resolved::Merge => "merge".to_owned(),
            Resolved::TooBig => "too big".to_owned(),
            Resolved::Value(Scalar::Null) => "null".to_owned(),
            Resolved::Value(Scalar::Bool(b)) => format!("bool {b}"),
            Resolved::Value(Scalar::Int(n)) => format!("int {n}"),
            Resolved::Value(Scalar::Float(n)) => format!("float {}", float_text(n)),
            Resolved::Value(Scalar::Time(t)) => format!("time {}", t.as_str()),
            Resolved::Value(Scalar::Text(_)) => "str".to_owned(),
        }
    }

    #[test]
    fn resolves_as_measured() {
        let table = [
            ("int 0", "0 -0 +0 0x0"),
            ("int 1", "+1 0x_1 01 1_"),
            ("int 7", "007 0b111"),
            ("int 511", "0777"),
            ("int 15", "0o17 0O17"),
            ("int 31", "0x1F 0X1f"),
            ("int -3", "-0b11"),
            ("int 1000", "1_000"),
            ("int 10", "1__0"),
            ("int 9223372036854775807", "9223372036854775807"),
            ("int -9223372036854775808", "-9223372036854775808"),
            ("too big", "9223372036854775808 18446744073709551615"),
            ("float 8", "08"),
            ("float 12345678901", "12345678901.0 012345678901"),
            ("float 1", "1. 1.0"),
            ("float 0.5", ".5 5e-1"),
            ("float 1000", "1e3 1E3 1e+3"),
            ("float 10.5", "1_0.5"),
            ("float +Inf", ".inf +.INF .Inf"),
            ("float -Inf", "-.Inf"),
            ("float NaN", ".nan .NaN"),
            ("bool true", "true True TRUE"),
            ("bool false", "false False FALSE"),
            ("null", "null Null NULL ~"),
            ("str", "tRue yes no on off y n Yes inf nan Infinity 1:30 190:20:30 1e400 0x 0o8 - = @a 2024-13-01 0b12 1e 1,000"),
            ("str", "2024-01-02T03:04:05 20240102x"),
            ("int 20240102", "20240102"),
            ("time 2024-01-02T00:00:00Z", "2024-01-02 2024-1-2"),
            ("time 2024-01-02T03:04:05Z", "2024-01-02T03:04:05Z"),
            ("time 2024-01-02T03:04:05.5Z", "2024-01-02t03:04:05.5Z"),
            ("merge", "<<"),
        ];
        for (expected, inputs) in table {
            for input in inputs.split_whitespace() {
                assert_eq!(show(input), expected, "{input}");
            }
        }
        assert_eq!(show("2024-01-02 03:04:05"), "time 2024-01-02T03:04:05Z");
        assert_eq!(show("2024-01-02 03:04:05 +02:00"), "str");
        assert_eq!(show("18446744073709551616"), "float 18446744073709552000");
    }
}
