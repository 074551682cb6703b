//! [`Heads`]: the places of a text where a spelling may begin. In a text that was made of another one only the
//! surroundings of what is new are looked at.

use super::{HEAD, PIECE, STRIDE, Sought, TELLING, number};
use crate::text::{Copied, Span};

/// Places where at least the first bytes of a spelling stand; nearly always none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Heads(Vec<u32>);

impl Heads {
    pub(super) fn places(&self) -> impl Iterator<Item = usize> {
        self.0.iter().map(|&at| at as usize)
    }
}

impl Sought {
    /// Looks at every place of a text.
    pub fn heads(&self, text: &[u8]) -> Heads {
        let mut heads = Heads::default();
        self.look(text, 0..text.len(), &mut heads);
        heads
    }

    /// Looks at the places of a text that were not there in another one, whose own are known.
    pub fn heads_of_copy(&self, text: &[u8], base: &Heads, copied: &[Copied]) -> Heads {
        let mut heads = Heads::default();
        let mut at = 0;
        for run in copied.iter().filter(|run| run.len >= TELLING) {
            self.look(text, at..run.to, &mut heads);
            let safe = run.from..run.from + run.len - TELLING + 1;
            let first = base.0.partition_point(|&place| (place as usize) < safe.start);
            let inherited = base.0[first..].iter().map(|&place| place as usize).take_while(|place| *place < safe.end);
            heads.0.extend(inherited.map(|place| run.moved(Span::new(place, place)).start as u32));
            at = run.to + run.len - TELLING + 1;
        }
        self.look(text, at..text.len(), &mut heads);
        heads
    }

    fn look(&self, text: &[u8], starts: std::ops::Range<usize>, heads: &mut Heads) {
        const MASK: u64 = u64::MAX >> (64 - 8 * PIECE);
        let starts = starts.start..starts.end.min((text.len() + 1).saturating_sub(HEAD));
        if starts.is_empty() {
            return;
        }
        // A head that begins at one of these places has a piece at one of those.
        let mut at = starts.start.next_multiple_of(STRIDE);
        while at < starts.end + STRIDE - 1 {
            let piece = match text.get(at..).and_then(<[u8]>::first_chunk) {
                Some(bytes) => u64::from_le_bytes(*bytes) & MASK,
                None => text.get(at..at + PIECE).map_or(0, number),
            };
            if self.pieces.may_have(piece) {
                for start in starts.start.max((at + 1).saturating_sub(STRIDE))..starts.end.min(at + 1) {
                    let head = text[start..].first_chunk().expect("places end before the last head does");
                    if self.heads.may_have(u64::from_le_bytes(*head)) && self.begins(text, start) {
                        // Texts that are held are shorter than 4 GiB.
                        heads.0.extend(u32::try_from(start));
                    }
                }
            }
            at += STRIDE;
        }
    }

    /// Whether what tells a spelling apart stands at a place.
    fn begins(&self, text: &[u8], start: usize) -> bool {
        self.alike(text, start).any(|needle| text[start..].starts_with(&needle.bytes[..needle.bytes.len().min(TELLING)]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;

    /// Numbers that look random and are the same each time.
    fn numbers(mut state: u64) -> impl FnMut(usize) -> usize {
        move |below| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            ((state >> 33) as usize) % below.max(1)
        }
    }

    #[test]
    fn a_copy_is_known_like_a_text_of_its_own() {
        let mut number = numbers(7);
        let long: String = (0..300).map(|at| char::from(b'a' + (at % 23) as u8)).collect();
        let secrets: Vec<Secret> = ["gR4nite-Falcon-27", &long, "Zq9wLm2xTr7pKd"].map(|text| Secret::new(text.into())).into();
        let sought = Sought::new(&secrets);
        let mut with_hits = 0;
        for _ in 0..2_000 {
            let mut base = Vec::new();
            for _ in 0..number(8) {
                base.extend(std::iter::repeat_n(b'.', number(120)));
                let secret = secrets[number(3)].expose();
                base.extend_from_slice(&secret[..if number(4) == 0 { number(secret.len()) } else { secret.len() }]);
            }
            let (mut text, mut copied) = (Vec::new(), Vec::new());
            for _ in 0..number(6) {
                let from = number(base.len());
                let len = number(base.len() - from + 1);
                copied.push(Copied { from, to: text.len(), len });
                text.extend_from_slice(&base[from..from + len]);
                let new = secrets[number(3)].expose();
                text.extend_from_slice(&new[..if number(2) == 0 { number(new.len() + 1) } else { 0 }]);
            }
            let known = sought.heads_of_copy(&text, &sought.heads(&base), &copied);
            assert_eq!(known, sought.heads(&text));
            with_hits += usize::from(!sought.hits_at(&text, &known).is_empty());
        }
        assert!(with_hits > 500, "{with_hits}");
    }
}
