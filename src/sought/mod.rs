//! [`Sought`]: known values that are to stand nowhere, found in one pass however many they are and however they are
//! written. Knows nothing of rules, files or repositories.

mod seam;
mod spelling;
mod whole;
mod wrapped;

pub use seam::Heads;
pub use spelling::Spelling;
pub use whole::{is_common, spelled_whole};

use std::collections::HashMap;

use crate::secret::Secret;
use crate::text::Span;
use spelling::{Bytes, spellings};
use wrapped::{Unwrapped, unwrapped};

/// Shorter values stand anywhere by chance.
pub const SHORTEST: usize = 8;
/// What is looked up at every place of a text.
const HEAD: usize = 8;
/// So much of a spelling decides whether a place is worth comparing whole.
const TELLING: usize = 64;

/// A place of a known value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hit {
    /// Where it stands.
    pub span: Span,
    /// Which value, by its number.
    pub value: usize,
    /// How it is written.
    pub spelling: Spelling,
}

struct Needle {
    value: usize,
    spelling: Spelling,
    bytes: Bytes,
}

/// Values by their first bytes, in all spellings.
pub struct Sought {
    needles: Vec<Needle>,
    by_head: HashMap<[u8; HEAD], Vec<u32>>,
    /// A bit for each hash of a head.
    marks: Vec<u64>,
    bits: u32,
    values: usize,
}

impl Sought {
    /// Seeks values, numbered in their order. Those shorter than [`SHORTEST`] are not sought.
    pub fn new<'s>(values: impl IntoIterator<Item = &'s Secret>) -> Self {
        let mut needles = Vec::new();
        let mut count = 0;
        for (value, secret) in values.into_iter().enumerate() {
            count = value + 1;
            if secret.expose().len() < SHORTEST {
                continue;
            }
            let long = spellings(secret.expose()).into_iter().filter(|(_, bytes)| bytes.len() >= HEAD);
            needles.extend(long.map(|(spelling, bytes)| Needle { value, spelling, bytes }));
        }
        let bits = needles.len().saturating_mul(64).next_power_of_two().ilog2().clamp(12, 23);
        let mut sought = Self { by_head: HashMap::new(), marks: vec![0; (1 << bits) / 64], bits, values: count, needles };
        for (at, needle) in (0..).zip(&sought.needles) {
            let head = *needle.bytes.first_chunk().expect("spellings are as long as a head");
            sought.by_head.entry(head).or_default().push(at);
            let bit = bit(head, bits);
            sought.marks[bit / 64] |= 1 << (bit % 64);
        }
        // Of values that begin alike, the longest counts.
        let needles = &sought.needles;
        for alike in sought.by_head.values_mut() {
            alike.sort_by_key(|&at| (std::cmp::Reverse(needles[at as usize].bytes.len()), at));
        }
        sought
    }

    /// Every place of a text, in order, none overlapping another.
    pub fn hits(&self, text: &[u8]) -> Vec<Hit> {
        self.hits_at(text, &self.heads(text))
    }

    /// The same, where it is known which places are worth a look.
    pub fn hits_at(&self, text: &[u8], heads: &Heads) -> Vec<Hit> {
        let mut hits = self.confirmed(text, heads);
        if let Some(unwrapped) = unwrapped(text) {
            self.add_wrapped(&mut hits, &unwrapped);
        }
        hits
    }

    /// Which value a text is, as it was found.
    pub fn identify(&self, text: &[u8]) -> Option<(usize, Spelling)> {
        let whole = |hits: Vec<Hit>, len: usize| hits.into_iter().find(|hit| hit.span == Span::new(0, len));
        let hit = whole(self.confirmed(text, &self.heads(text)), text.len()).or_else(|| {
            let unwrapped = wrapped::joined(text);
            whole(self.confirmed(&unwrapped.text, &self.heads(&unwrapped.text)), unwrapped.text.len())
        })?;
        Some((hit.value, hit.spelling))
    }

    fn confirmed(&self, text: &[u8], heads: &Heads) -> Vec<Hit> {
        let mut hits: Vec<Hit> = Vec::new();
        for start in heads.places() {
            if hits.last().is_some_and(|last| start < last.span.end) {
                continue;
            }
            let needle = self.alike(text, start).find(|needle| text[start..].starts_with(&needle.bytes));
            hits.extend(needle.map(|needle| Hit {
                span: Span::new(start, start + needle.bytes.len()),
                value: needle.value,
                spelling: needle.spelling,
            }));
        }
        hits
    }

    fn add_wrapped(&self, hits: &mut Vec<Hit>, unwrapped: &Unwrapped) {
        let known = hits.len();
        for hit in self.confirmed(&unwrapped.text, &self.heads(&unwrapped.text)) {
            let span = unwrapped.in_text(hit.span);
            let meets = |other: &Hit| other.span.start < span.end && span.start < other.span.end;
            if !hits[..known].iter().any(meets) {
                hits.push(Hit { span, ..hit });
            }
        }
        hits.sort_by_key(|hit| hit.span.start);
    }

    /// The needles that begin like the text does at a place.
    fn alike<'a>(&'a self, text: &'a [u8], start: usize) -> impl Iterator<Item = &'a Needle> {
        let head = text.get(start..).and_then(<[u8]>::first_chunk::<HEAD>);
        let alike = head.and_then(|head| self.by_head.get(head)).map(Vec::as_slice).unwrap_or_default();
        alike.iter().map(|&at| &self.needles[at as usize])
    }
}

fn bit(head: [u8; HEAD], bits: u32) -> usize {
    (u64::from_le_bytes(head).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (64 - bits)) as usize
}

impl std::fmt::Debug for Sought {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Sought({} values)", self.values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sought(values: &[&str]) -> Sought {
        let secrets: Vec<Secret> = values.iter().map(|value| Secret::new(value.as_bytes().to_vec())).collect();
        Sought::new(&secrets)
    }

    fn found(values: &[&str], text: &[u8]) -> Vec<(usize, Spelling)> {
        sought(values).hits(text).into_iter().map(|hit| (hit.value, hit.spelling)).collect()
    }

    #[test]
    fn values_are_found_inside_words_and_at_the_ends() {
        let text = b"gR4nite-Falcon-27 xgR4nite-Falcon-27y gR4nite-Falcon-2 gR4nite-Falcon-27";
        assert_eq!(found(&["gR4nite-Falcon-27"], text), [(0, Spelling::Plain); 3]);
    }

    #[test]
    fn the_longest_of_values_that_begin_alike_counts() {
        assert_eq!(found(&["Walrus88", "Walrus88Timber"], b"Walrus88Timber Walrus88Tim"), [(1, Spelling::Plain), (0, Spelling::Plain)]);
    }

    #[test]
    fn short_values_are_not_sought() {
        assert_eq!(found(&["hunter2", "Walrus88Timber"], b"hunter2 Walrus88Timber"), [(1, Spelling::Plain)]);
    }

    #[test]
    fn every_spelling_is_told_again_from_what_was_found() {
        let value = "p\"4'ss$ wörd/+=&<27>";
        let sought = sought(&[value]);
        for (spelling, bytes) in spellings(value.as_bytes()) {
            let text = [b"before ".as_slice(), &bytes, b" behind"].concat();
            let hits = sought.hits(&text);
            assert_eq!(hits.len(), 1, "{spelling:?}");
            assert_eq!(&text[hits[0].span.range()], bytes.as_slice(), "{spelling:?}");
            assert_eq!(sought.identify(&bytes).map(|(value, _)| value), Some(0), "{spelling:?}");
        }
        assert_eq!(sought.identify(b"something else"), None);
    }
}
