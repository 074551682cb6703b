//! [`Timestamp`]: a point in time as Go prints it (RFC 3339, up to nanoseconds, trailing zeros cut).
//!
//! It keeps the text, not an instant, because sops encrypts and hashes the text and keeps the offset as written.

/// A point in time in Go's `RFC3339Nano` spelling, e.g. `2024-01-02T03:04:05.5+02:00`.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Timestamp(String);

/// The parts of a point in time, as read from any of the spellings YAML allows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parts<'a> {
    pub(crate) year: u32,
    pub(crate) month: u32,
    pub(crate) day: u32,
    pub(crate) clock: [u32; 3],
    /// Digits after the decimal sign of the second, without the sign.
    pub(crate) fraction: &'a str,
    /// Minutes east of Greenwich; `None` is written as `Z`.
    pub(crate) offset: Option<i32>,
}

impl Timestamp {
    /// Reads an RFC 3339 text such as `2024-01-02T03:04:05Z`; the canonical spelling is kept.
    #[must_use]
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        let (date, rest) = text.split_at_checked(10)?;
        let rest = rest.strip_prefix(['T', 't'])?;
        let (year, month, day) = split_date(date, Digits::Fixed)?;
        let (clock, rest) = split_clock(rest, Digits::Fixed)?;
        let (fraction, rest) = split_fraction(rest);
        let offset = split_offset(rest)?;
        Self::from_parts(Parts { year, month, day, clock, fraction, offset })
    }

    /// The canonical text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text without the fraction of a second: Go's `RFC3339` layout, which sops uses for `lastmodified`.
    #[must_use]
    pub fn whole_seconds(&self) -> String {
        match self.0.split_once('.') {
            None => self.0.clone(),
            Some((head, tail)) => {
                let zone = tail.trim_start_matches(|c: char| c.is_ascii_digit());
                format!("{head}{zone}")
            }
        }
    }

    pub(crate) fn from_parts(parts: Parts<'_>) -> Option<Self> {
        let [hour, minute, second] = parts.clock;
        let valid = (1..=12).contains(&parts.month)
            && (1..=days_in(parts.year, parts.month)).contains(&parts.day)
            && hour < 24
            && minute < 60
            && second < 60;
        if !valid || parts.fraction.len() > 64 {
            return None;
        }
        let mut text = format!("{:04}-{:02}-{:02}", parts.year, parts.month, parts.day);
        text.push_str(&format!("T{hour:02}:{minute:02}:{second:02}"));
        let nanos: String = parts.fraction.chars().take(9).collect();
        let nanos = nanos.trim_end_matches('0');
        if !nanos.is_empty() {
            text.push('.');
            text.push_str(nanos);
        }
        match parts.offset {
            None | Some(0) => text.push('Z'),
            Some(minutes) => {
                let sign = if minutes < 0 { '-' } else { '+' };
                let size = minutes.unsigned_abs();
                text.push_str(&format!("{sign}{:02}:{:02}", size / 60, size % 60));
            }
        }
        Some(Self(text))
    }
}

/// How many digits month, day and hour may have.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Digits {
    /// Two, as RFC 3339 wants.
    Fixed,
    /// One or two, as go-yaml allows.
    Loose,
}

/// Reads `YYYY-MM-DD`.
pub(crate) fn split_date(text: &str, digits: Digits) -> Option<(u32, u32, u32)> {
    let mut parts = text.split('-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() || year.len() != 4 {
        return None;
    }
    Some((number(year, 4)?, short(month, digits)?, short(day, digits)?))
}

/// Reads `hh:mm:ss` and returns the rest.
pub(crate) fn split_clock(text: &str, digits: Digits) -> Option<([u32; 3], &str)> {
    let (hour, rest) = text.split_once(':')?;
    let (minute, rest) = rest.split_once(':')?;
    let width = rest.bytes().take_while(u8::is_ascii_digit).count();
    let (second, rest) = rest.split_at(width);
    let hour = short(hour, Digits::Loose)?;
    Some(([hour, short(minute, digits)?, short(second, digits)?], rest))
}

/// Reads `.5` or `,5` and returns the digits and the rest.
pub(crate) fn split_fraction(text: &str) -> (&str, &str) {
    match text.strip_prefix('.').or_else(|| text.strip_prefix(',')) {
        Some(rest) => {
            let width = rest.bytes().take_while(u8::is_ascii_digit).count();
            if width == 0 { ("", text) } else { rest.split_at(width) }
        }
        None => ("", text),
    }
}

/// Reads `Z` or `+02:00`. The outer `None` is a syntax error, the inner one is `Z`.
#[allow(clippy::option_option, reason = "absent and UTC are different answers")]
pub(crate) fn split_offset(text: &str) -> Option<Option<i32>> {
    if text == "Z" {
        return Some(None);
    }
    let (sign, rest) = match text.as_bytes().first()? {
        b'+' => (1, &text[1..]),
        b'-' => (-1, &text[1..]),
        _ => return None,
    };
    let (hours, minutes) = rest.split_once(':')?;
    if hours.len() != 2 || minutes.len() != 2 {
        return None;
    }
    let (hours, minutes) = (number(hours, 2)?, number(minutes, 2)?);
    let total = i32::try_from(hours * 60 + minutes).ok()?;
    (hours <= 24 && minutes < 60).then_some(Some(sign * total))
}

fn short(text: &str, digits: Digits) -> Option<u32> {
    let fits = text.len() == 2 || (digits == Digits::Loose && text.len() == 1);
    if fits { number(text, 2) } else { None }
}

fn number(text: &str, width: usize) -> Option<u32> {
    let plain = !text.is_empty() && text.len() <= width && text.bytes().all(|b| b.is_ascii_digit());
    if plain { text.parse().ok() } else { None }
}

fn days_in(year: u32, month: u32) -> u32 {
    let leap = (year.is_multiple_of(4) && !year.is_multiple_of(100)) || year.is_multiple_of(400);
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canonical_spelling() {
        let cases = [
            ("2024-01-02T03:04:05Z", "2024-01-02T03:04:05Z"),
            ("2024-01-02t03:04:05.500Z", "2024-01-02T03:04:05.5Z"),
            ("2024-01-02T03:04:05+00:00", "2024-01-02T03:04:05Z"),
            ("2024-02-29T23:59:59.678+02:00", "2024-02-29T23:59:59.678+02:00"),
        ];
        for (input, expected) in cases {
            assert_eq!(Timestamp::parse_rfc3339(input).map(|t| t.0), Some(expected.to_owned()));
        }
        for bad in ["2023-02-29T00:00:00Z", "2024-01-02", "2024-01-02T03:04:05", "2024-13-01T00:00:00Z", "é"] {
            assert_eq!(Timestamp::parse_rfc3339(bad), None, "{bad}");
        }
    }

    #[test]
    fn whole_seconds_cut_the_fraction() {
        let time = Timestamp::parse_rfc3339("2024-01-02T03:04:05.25+02:00");
        assert_eq!(time.map(|t| t.whole_seconds()), Some("2024-01-02T03:04:05+02:00".to_owned()));
    }
}
