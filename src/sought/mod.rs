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
/// What a place of a text is told by.
const HEAD: usize = 8;
/// Only every so many places are looked at.
const STRIDE: usize = 4;
/// What is looked up there. Each head has such a piece at one of these places, wherever it begins.
const PIECE: usize = HEAD - STRIDE + 1;
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
    /// Of heads.
    heads: Marks,
    /// Of pieces of heads.
    pieces: Marks,
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
        let (heads, pieces) = (Marks::with_room_for(needles.len()), Marks::with_room_for(needles.len().saturating_mul(STRIDE)));
        let mut sought = Self { by_head: HashMap::new(), heads, pieces, values: count, needles };
        for (at, needle) in (0..).zip(&sought.needles) {
            let head = *needle.bytes.first_chunk().expect("spellings are as long as a head");
            sought.by_head.entry(head).or_default().push(at);
            sought.heads.add(u64::from_le_bytes(head));
            head.windows(PIECE).for_each(|piece| sought.pieces.add(number(piece)));
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

/// A piece as a number.
fn number(piece: &[u8]) -> u64 {
    let mut bytes = [0; 8];
    bytes[..PIECE].copy_from_slice(&piece[..PIECE]);
    u64::from_le_bytes(bytes)
}

/// Which numbers may be there: a bit for each hash.
struct Marks {
    marks: Vec<u64>,
    bits: u32,
}

impl Marks {
    fn with_room_for(count: usize) -> Self {
        let bits = count.saturating_mul(64).next_power_of_two().ilog2().clamp(12, 23);
        Self { marks: vec![0; (1 << bits) / 64], bits }
    }

    fn bit(&self, number: u64) -> usize {
        (number.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (64 - self.bits)) as usize
    }

    fn add(&mut self, number: u64) {
        let bit = self.bit(number);
        self.marks[bit / 64] |= 1 << (bit % 64);
    }

    fn may_have(&self, number: u64) -> bool {
        let bit = self.bit(number);
        self.marks[bit / 64] >> (bit % 64) & 1 == 1
    }
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
    fn a_value_is_found_at_every_place() {
        for value in ["Walrus88", "Walrus88Timber"] {
            let sought = sought(&[value]);
            for (before, behind) in (0..20).flat_map(|before| (0..12).map(move |behind| (before, behind))) {
                let text = format!("{}{value}{}", "~".repeat(before), "~".repeat(behind));
                let hits = sought.hits(text.as_bytes());
                assert_eq!(hits.iter().map(|hit| hit.span).collect::<Vec<_>>(), [Span::new(before, before + value.len())], "{text}");
            }
        }
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
