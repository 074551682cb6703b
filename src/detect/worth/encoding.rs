//! What one value encodes, in base64, in hexadecimal or as a part of a URL.

use super::validator;

/// The text that a value encodes, if it is base64 of printable text of at least four characters.
pub(crate) fn base64_text(value: &[u8]) -> Option<Vec<u8>> {
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

pub(in crate::detect) fn is_printable(text: &[u8]) -> bool {
    std::str::from_utf8(text).is_ok_and(|text| text.chars().all(|c| !c.is_control() || matches!(c, '\n' | '\r' | '\t')))
}

pub(in crate::detect) fn hex(run: &[u8]) -> Option<Vec<u8>> {
    if !run.len().is_multiple_of(2) {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
    run.chunks_exact(2).map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?)).collect()
}
