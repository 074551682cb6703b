//! The bytes sops encrypts and hashes for each type of leaf, and the way back.
//!
//! Source: sops' `ToBytes` and its cipher's type tags, measured on sops 3.11.

use zeroize::Zeroizing;

use super::timestamp::Timestamp;
use super::tree::{Scalar, Text};

/// The type tag of an encrypted value (`type:` in the envelope).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum ValueType {
    /// `str`
    Str,
    /// `int`
    Int,
    /// `float`
    Float,
    /// `bool`
    Bool,
    /// `bytes`: read, never written.
    Bytes,
    /// `time`
    Time,
    /// `comment`
    Comment,
}

/// Why decrypted bytes are not a value of the type the envelope names. Carries no part of the value.
#[derive(Debug, thiserror::Error)]
#[error("the decrypted bytes are not a value of type {}", .kind.name())]
pub struct NotThatType {
    /// The type named by the envelope.
    pub kind: ValueType,
}

impl ValueType {
    /// The tag as written in an envelope.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Str => "str",
            Self::Int => "int",
            Self::Float => "float",
            Self::Bool => "bool",
            Self::Bytes => "bytes",
            Self::Time => "time",
            Self::Comment => "comment",
        }
    }

    /// Reads a tag.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Str, Self::Int, Self::Float, Self::Bool, Self::Bytes, Self::Time, Self::Comment].into_iter().find(|kind| kind.name() == name)
    }
}

impl Scalar {
    /// The bytes sops encrypts and hashes. Empty for null and for the empty text.
    #[must_use]
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(match self {
            Self::Null => Vec::new(),
            Self::Bool(true) => b"True".to_vec(),
            Self::Bool(false) => b"False".to_vec(),
            Self::Int(number) => number.to_string().into_bytes(),
            Self::Float(number) => float_text(*number).into_bytes(),
            Self::Time(time) => time.as_str().as_bytes().to_vec(),
            Self::Text(text) => text.expose().to_vec(),
        })
    }

    /// The value as a text where a format or a program takes nothing but texts, spelled as sops spells it (its `ValToString`):
    /// `true`, `1.0`, `1E+06`. Only null differs: it is empty, not `<nil>`.
    #[must_use]
    pub fn to_plain_text(&self) -> Zeroizing<Vec<u8>> {
        match self {
            Self::Bool(value) => Zeroizing::new(value.to_string().into_bytes()),
            Self::Float(number) if number.is_finite() => {
                let text = short_float(*number).to_uppercase();
                let is_whole = !text.contains(['.', 'E']);
                Zeroizing::new(format!("{text}{}", if is_whole { ".0" } else { "" }).into_bytes())
            }
            other => other.to_bytes(),
        }
    }

    /// The type tag under which the value is encrypted; null has none.
    #[must_use]
    pub const fn value_type(&self) -> Option<ValueType> {
        Some(match self {
            Self::Null => return None,
            Self::Bool(_) => ValueType::Bool,
            Self::Int(_) => ValueType::Int,
            Self::Float(_) => ValueType::Float,
            Self::Time(_) => ValueType::Time,
            Self::Text(_) => ValueType::Str,
        })
    }

    /// Turns decrypted bytes into the value their type tag promises. A comment becomes text.
    ///
    /// # Errors
    /// [`NotThatType`] when the bytes do not spell such a value.
    pub fn from_bytes(kind: ValueType, bytes: &[u8]) -> Result<Self, NotThatType> {
        let text = || std::str::from_utf8(bytes).map_err(|_| NotThatType { kind });
        let wrong = || NotThatType { kind };
        Ok(match kind {
            ValueType::Str | ValueType::Bytes | ValueType::Comment => Self::Text(Text::new(bytes.to_vec())),
            ValueType::Int => Self::Int(text()?.parse().map_err(|_| wrong())?),
            ValueType::Float => Self::Float(float_value(text()?).ok_or_else(wrong)?),
            ValueType::Bool => Self::Bool(bool_value(text()?).ok_or_else(wrong)?),
            ValueType::Time => Self::Time(Timestamp::parse_rfc3339(text()?).ok_or_else(wrong)?),
        })
    }
}

/// A finite number as go-yaml prints it (`FormatFloat(v, 'g', -1, 64)`): with an exponent from 1e6 and below 1e-4.
#[must_use]
pub fn short_float(number: f64) -> String {
    let (digits, exponent) = digits_and_exponent(number);
    if (-4..6).contains(&exponent) {
        return float_text(number);
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.unsigned_abs())
}

/// A finite number as Go's `encoding/json` prints it: with an exponent from 1e21 and below 1e-6.
#[must_use]
pub fn json_float(number: f64) -> String {
    let (digits, exponent) = digits_and_exponent(number);
    if (-6..21).contains(&exponent) { float_text(number) } else { format!("{digits}e{exponent:+}") }
}

/// The shortest digits that read back, the first of them before the point, and the power of ten.
fn digits_and_exponent(number: f64) -> (String, i32) {
    let text = format!("{number:e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    (digits.to_owned(), exponent.parse().unwrap_or(0))
}

/// Go's `FormatFloat(v, 'f', -1, 64)`: the shortest digits that read back, no exponent, no `.0`.
#[must_use]
pub fn float_text(number: f64) -> String {
    if number.is_nan() {
        "NaN".to_owned()
    } else if number.is_infinite() {
        if number > 0.0 { "+Inf" } else { "-Inf" }.to_owned()
    } else {
        // `Display` of f64 also writes the shortest round-trip digits without an exponent, but of two that are equally near it
        // takes the larger one; Go takes the even one.
        let text = number.to_string();
        let Some(dot) = text.find('.') else { return text };
        let decimals = text.len() - dot - 1;
        let even = format!("{number:.decimals$}");
        if even.parse() == Ok(number) { even } else { text }
    }
}

/// Whether two decimal spellings are one number, digit for digit.
#[must_use]
pub fn same_number(a: &str, b: &str) -> bool {
    digits_of(a) == digits_of(b)
}

/// The sign, the digits without zeros around them, and the power of ten of the last one.
fn digits_of(text: &str) -> (bool, String, i64) {
    let (negative, text) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all = format!("{whole}{fraction}");
    let digits = all.trim_start_matches(['+', '0']);
    let kept = digits.trim_end_matches('0');
    if kept.is_empty() {
        return (negative, String::new(), 0);
    }
    let length = |text: &str| i64::try_from(text.len()).unwrap_or(i64::MAX);
    let power = exponent.parse::<i64>().unwrap_or(i64::MAX).saturating_sub(length(fraction));
    (negative, kept.to_owned(), power.saturating_add(length(digits) - length(kept)))
}

fn float_value(text: &str) -> Option<f64> {
    let spelled = text.strip_prefix(['+', '-']).unwrap_or(text);
    let named = ["inf", "infinity", "nan"].iter().any(|name| spelled.eq_ignore_ascii_case(name));
    let plain = !spelled.is_empty() && spelled.bytes().all(|b| b.is_ascii_digit() || b".eE+-".contains(&b));
    if !named && !plain {
        return None;
    }
    let number: f64 = text.parse().ok()?;
    (named || number.is_finite()).then_some(number)
}

/// The spellings Go's `ParseBool` knows.
fn bool_value(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Some(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_are_spelled_as_go_spells_them() {
        let cases = [
            (1.0, "1"),
            (1e21, "1000000000000000000000"),
            (1e-7, "0.0000001"),
            (0.1, "0.1"),
            (-0.0, "-0"),
            (2_286_075_782_442_009.0 / 4.0, "571518945610502.2"),
            (2_286_075_782_442_011.0 / 4.0, "571518945610502.8"),
            (-2_286_075_782_442_009.0 / 4.0, "-571518945610502.2"),
            (1.418_774_159_299_82e244, &format!("141877415929982{}", "0".repeat(230))),
            (f64::INFINITY, "+Inf"),
            (f64::NEG_INFINITY, "-Inf"),
            (f64::NAN, "NaN"),
        ];
        for (number, text) in cases {
            assert_eq!(float_text(number), text);
        }
        assert!(float_text(5e-324).starts_with("0.000") && float_text(5e-324).ends_with('5'));
    }

    #[test]
    fn numbers_are_compared_digit_by_digit() {
        for (a, b) in [("1.0", "1"), ("0.10", "0.1"), ("1e3", "1000"), ("-0.0", "-0"), (".5", "0.5"), ("120E-1", "12"), ("+1", "1")] {
            assert!(same_number(a, b), "{a} {b}");
        }
        for (a, b) in [("12345678901234567890", "12345678901234567000"), ("1", "-1"), ("10", "1"), ("0.1", "0.01"), ("1e400", "1")] {
            assert!(!same_number(a, b), "{a} {b}");
        }
    }

    #[test]
    fn lower_case_bool_is_read() {
        assert!(matches!(Scalar::from_bytes(ValueType::Bool, b"true"), Ok(Scalar::Bool(true))));
        assert!(Scalar::from_bytes(ValueType::Bool, b"yes").is_err());
    }
}
