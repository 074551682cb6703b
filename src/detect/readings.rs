//! The texts that a file's bytes may be, each searched: one for nearly all files, two where zeros
//! or a byte order mark leave it open what they are.

use super::{Hints, Match, detect};
use crate::rule::RuleSet;
use crate::text::{Decoded, Encoding, decode, squeezed};

/// A text and what is found in it.
pub type Reading<'b> = (Decoded<'b>, Vec<Match>);

/// Searches bytes in every way they may be read. What is found twice belongs to the first reading.
pub fn detect_bytes<'b>(bytes: &'b [u8], hints: Hints, rules: &RuleSet) -> Vec<Reading<'b>> {
    let search = |decoded: Decoded<'b>| {
        let found = detect(&decoded.text, hints.and_bytes(&decoded.text), rules);
        (decoded, found)
    };
    let (first, found) = search(decode(bytes));
    let Some(other) = squeezed(bytes) else { return vec![(first, found)] };
    let known: Vec<_> = found.iter().map(|one| first.in_file(bytes, one.span)).collect();
    let (other, mut more) = search(other);
    more.retain(|one| {
        let span = other.in_file(bytes, one.span);
        !known.iter().any(|known| known.start < span.end && span.start < known.end)
    });
    vec![(first, found), (other, more)]
}

/// Whether bytes are read just as they are.
pub fn is_read_plainly(bytes: &[u8]) -> bool {
    Encoding::of(bytes) == Encoding::Bytes && squeezed(bytes).is_none()
}
