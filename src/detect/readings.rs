//! The texts that a file's bytes may be, each searched: one for nearly all files, two where zeros
//! or a byte order mark leave it open what they are.

use super::{Hints, Match, Reason, detect};
use crate::rule::{Confidence, RuleIndex, RuleSet};
use crate::sought::Hit;
use crate::text::{Decoded, decode, squeezed};

/// A text and what is found in it.
pub type Reading<'b> = (Decoded<'b>, Vec<Match>);

/// Searches bytes in every way they may be read. What is found twice belongs to the first reading.
pub fn detect_bytes<'b>(bytes: &'b [u8], hints: Hints, rules: &RuleSet) -> Vec<Reading<'b>> {
    let search = |decoded: Decoded<'b>| {
        let mut found = detect(&decoded.text, hints.and_bytes(&decoded.text), rules);
        found.extend(known(&decoded.text, rules));
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

/// Searches the name of a file, a folder or a ref.
pub fn detect_name(name: &[u8], rules: &RuleSet) -> Vec<Match> {
    let mut found = detect(name, Hints::NONE, rules);
    found.extend(known(name, rules));
    found
}

/// The places of the values that rules were told to seek.
fn known(text: &[u8], rules: &RuleSet) -> Vec<Match> {
    let Some((sought, rule)) = rules.sought() else { return Vec::new() };
    sought.hits(text).into_iter().map(|hit| Match::known(hit, rule)).collect()
}

impl Match {
    /// A place of a value that is sought.
    pub fn known(hit: Hit, rule: RuleIndex) -> Self {
        Self { rule, span: hit.span, confidence: Confidence::High, reasons: vec![Reason::Known] }
    }
}
