//! A value as a whole: how all of it may be written, and whether it stands anywhere by chance.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

use super::SHORTEST;
use super::spelling::{UNRESERVED, percent};
use crate::secret::Secret;

/// A value as it is, in base64 and percent-encoded. Short values would be found by chance.
pub fn spelled_whole(secret: &Secret) -> Vec<Zeroizing<Vec<u8>>> {
    let value = secret.expose();
    if value.len() < 6 {
        return Vec::new();
    }
    let mut all = vec![Zeroizing::new(value.to_vec())];
    for engine in [&STANDARD, &STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
        all.push(Zeroizing::new(engine.encode(value).into_bytes()));
    }
    all.push(Zeroizing::new(percent(value, UNRESERVED, true, "%20")));
    all.sort_by(|a, b| a.as_slice().cmp(b.as_slice()));
    all.dedup();
    all
}

/// Whether a text is short or plain enough to stand anywhere by chance.
pub fn is_common(text: &[u8]) -> bool {
    let sorts: [fn(&u8) -> bool; 4] =
        [u8::is_ascii_lowercase, u8::is_ascii_uppercase, u8::is_ascii_digit, |byte| !byte.is_ascii_alphanumeric()];
    let mixed = sorts.iter().filter(|sort| text.iter().any(*sort)).count();
    text.len() < SHORTEST || mixed < 2 && text.len() < 2 * SHORTEST
}
