//! Values that are text in base64.

use super::validator;

/// The text that a value encodes, if it is base64 of printable text of at least four characters.
pub(super) fn base64_text(value: &[u8]) -> Option<Vec<u8>> {
    if value.len() < 8 || !value.len().is_multiple_of(4) {
        return None;
    }
    let decoded = validator::base64(value)?;
    let printable =
        std::str::from_utf8(&decoded).is_ok_and(|text| text.chars().all(|c| !c.is_control() || matches!(c, '\n' | '\r' | '\t')));
    (printable && decoded.len() >= 4).then_some(decoded)
}
