//! Values that are paths and names of files.

use super::randomness;
use crate::rule::lexicon::{DOCUMENT_EXTENSIONS, FILE_EXTENSIONS, SYSTEM_FOLDERS};

/// Below a folder that every system has.
pub(super) fn is_system_path(value: &[u8]) -> bool {
    SYSTEM_FOLDERS.begins(value)
}

/// `shop-45e35d85a593.json`: a file of text or a key, whatever its name is made of.
pub(super) fn is_document(text: &str) -> bool {
    let part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    let ends = |(stem, extension): (&str, &str)| stem.len() > 2 && DOCUMENT_EXTENSIONS.has(extension);
    text.bytes().all(part) && text.rsplit_once('.').is_some_and(ends)
}

/// `values.yaml`, `db/tls.key`: a name with an extension.
pub(super) fn is_file_name(text: &str) -> bool {
    // `app.conf.12`
    let text = text
        .rsplit_once('.')
        .filter(|(_, end)| !end.is_empty() && end.bytes().all(|byte| byte.is_ascii_digit()))
        .map_or(text, |(stem, _)| stem);
    let names = |stem: &str| !stem.is_empty() && (stem.contains('/') || !randomness::is_random(stem.as_bytes()));
    text.rsplit_once('.').is_some_and(|(stem, extension)| FILE_EXTENSIONS.has(extension) && names(stem))
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b'/'))
}

/// `citations.py:103-229`, `src/app.ts:12,40-44`: lines of a file.
pub(super) fn is_place_in_file(text: &str) -> bool {
    let Some((file, lines)) = text.split_once(':') else { return false };
    let extension = file.rsplit_once('.').is_some_and(|(stem, extension)| !stem.is_empty() && FILE_EXTENSIONS.has(extension));
    extension && !lines.is_empty() && lines.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b',' | b':'))
}
