//! Structures that no pattern can tell: they ask how random a text is, or what its words mean.

use super::path::is_system_path;
use super::randomness::{self, Makeup};
use crate::rule::lexicon::VALUE_NAMES;

/// Begins like a path, and is no base64 with a slash in front.
pub(super) fn is_path(value: &[u8]) -> bool {
    const STARTS: [&[u8]; 5] = [b"./", b"../", b"~/", b"\\\\", b"C:\\"];
    // Base64 can begin with a slash and have another one.
    let generated = || {
        !is_system_path(value)
            && value.len() >= 32
            && !value.contains(&b'.')
            && Makeup::of(value).classes() >= 3
            && randomness::is_random(value)
    };
    value.starts_with(b"/") && !value.starts_with(b"//") && value[1..].contains(&b'/') && !generated()
        || STARTS.iter().any(|start| value.starts_with(start))
}

/// `shop-credentials-a15c1b308a`: the name of a Secret with the hash of what it holds.
pub(super) fn is_hashed_name(text: &str) -> bool {
    let Some((name, hash)) = text.rsplit_once('-') else { return false };
    let hash = (8..=10).contains(&hash.len()) && hash.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    let word = |part: &str| part.len() > 1 && part.bytes().all(|byte| byte.is_ascii_lowercase());
    hash && name.split('-').all(word) && name.split('-').any(|part| VALUE_NAMES.has(part)) && name.contains('-')
}

/// `data-name`, `style:family`, `formControlName`, also behind the comma after another one.
pub(super) fn is_attribute(name: &[u8]) -> bool {
    let bare = name.trim_ascii_start().strip_prefix(b",").unwrap_or(name).trim_ascii_start();
    let identifier = |byte: &u8| byte.is_ascii_alphabetic() || matches!(byte, b'-' | b'_' | b':');
    bare.iter().all(identifier) && (!bare.iter().any(u8::is_ascii_uppercase) || bare.len() < name.len() || randomness::reads_as_words(bare))
}
