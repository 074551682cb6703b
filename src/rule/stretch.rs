//! What every match of a pattern has in it: a stretch of characters of one class. Looking for it
//! is much cheaper than running the pattern.
//!
//! Shared with `build.rs`; depends on crates only.

use regex_syntax::hir::{Class, Hir, HirKind};

/// So many bytes of a class in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stretch {
    /// The class, a bit for each byte.
    pub class: [u64; 4],
    /// The least number of bytes.
    pub len: usize,
    /// How many bytes behind the beginning of a match it begins, where that is always the same.
    pub at: Option<usize>,
}

/// Shorter ones are in most texts.
const SHORTEST: usize = 8;

impl Stretch {
    const EMPTY: Self = Self { class: [0; 4], len: 0, at: Some(0) };

    /// The most telling stretch that every match of a pattern contains.
    pub fn of(pattern: &Hir) -> Option<Self> {
        inside(pattern).filter(|stretch| stretch.len >= SHORTEST)
    }

    /// Whether a text contains one.
    pub fn is_in(&self, text: &[u8]) -> bool {
        let mut low = 0;
        let mut at = self.len - 1;
        while at < text.len() {
            if !self.has(text[at]) {
                low = at + 1;
                at += self.len;
                continue;
            }
            let start = at - text[low..at].iter().rev().take_while(|&&byte| self.has(byte)).count();
            let end = text.len().min(start + self.len);
            let Some(gap) = text[at..end].iter().position(|&byte| !self.has(byte)) else { return end - start == self.len };
            low = at + gap + 1;
            at = low + self.len - 1;
        }
        false
    }

    /// Whether one begins at a place of a text.
    pub fn is_at(&self, text: &[u8], start: usize) -> bool {
        text.get(start..start + self.len).is_some_and(|part| part.iter().all(|&byte| self.has(byte)))
    }

    fn has(&self, byte: u8) -> bool {
        self.class[usize::from(byte / 64)] >> (byte % 64) & 1 == 1
    }

    fn with(mut self, byte: u8) -> Self {
        self.class[usize::from(byte / 64)] |= 1 << (byte % 64);
        self
    }

    /// Bytes of either class.
    fn or(self, other: Self, len: usize) -> Self {
        let at = self.at.filter(|_| self.at == other.at);
        Self { class: std::array::from_fn(|part| self.class[part] | other.class[part]), len, at }
    }

    /// The same behind other parts of a pattern.
    fn behind(self, parts: &[Hir]) -> Self {
        let length = |part: &Hir| part.properties().minimum_len().filter(|least| part.properties().maximum_len() == Some(*least));
        let before: Option<usize> = parts.iter().map(length).sum();
        Self { at: self.at.zip(before).map(|(at, before)| at + before), ..self }
    }

    /// How seldom it is by chance in ordinary text.
    fn weight(&self) -> f64 {
        let share: f64 = (0..=u8::MAX).filter(|&byte| self.has(byte)).map(share).sum();
        -share.min(1.0).ln() * self.len as f64
    }
}

/// The share of a byte in ordinary text, roughly.
fn share(byte: u8) -> f64 {
    match byte {
        b'a'..=b'z' => 0.60 / 26.0,
        b'A'..=b'Z' => 0.07 / 26.0,
        b'0'..=b'9' => 0.06 / 10.0,
        b' ' => 0.12,
        b'!'..=b'~' => 0.12 / 32.0,
        _ => 0.03 / 161.0,
    }
}

/// The most telling stretch of every match of a part.
fn inside(part: &Hir) -> Option<Stretch> {
    let deeper = match part.kind() {
        HirKind::Capture(capture) => inside(&capture.sub),
        HirKind::Repetition(repetition) if repetition.min > 0 => inside(&repetition.sub),
        HirKind::Alternation(branches) => {
            let stretches: Option<Vec<Stretch>> = branches.iter().map(inside).collect();
            stretches?.into_iter().reduce(|one, other| one.or(other, one.len.min(other.len)))
        }
        HirKind::Concat(parts) => {
            let inner = (0..parts.len()).filter_map(|part| Some(inside(&parts[part])?.behind(&parts[..part])));
            heaviest(neighbours(parts).chain(inner))
        }
        _ => None,
    };
    heaviest(all(part).into_iter().chain(deeper))
}

fn heaviest(stretches: impl Iterator<Item = Stretch>) -> Option<Stretch> {
    stretches.max_by(|one, other| one.weight().total_cmp(&other.weight()))
}

/// Parts that follow each other and are nothing else than stretches, taken together.
fn neighbours(parts: &[Hir]) -> impl Iterator<Item = Stretch> {
    (0..parts.len()).flat_map(move |first| {
        let whole = parts[first..].iter().map_while(all);
        whole.scan(Stretch::EMPTY, move |sum, next| {
            *sum = sum.or(next, sum.len + next.len);
            Some(sum.behind(&parts[..first]))
        })
    })
}

/// What a part is from end to end.
fn all(part: &Hir) -> Option<Stretch> {
    match part.kind() {
        HirKind::Empty | HirKind::Look(_) => Some(Stretch::EMPTY),
        HirKind::Literal(literal) => {
            Some(literal.0.iter().fold(Stretch { len: literal.0.len(), ..Stretch::EMPTY }, |set, &byte| set.with(byte)))
        }
        HirKind::Class(Class::Bytes(class)) => {
            let bytes = class.iter().flat_map(|range| range.start()..=range.end());
            Some(bytes.fold(Stretch { len: 1, ..Stretch::EMPTY }, Stretch::with))
        }
        HirKind::Class(Class::Unicode(_)) => None,
        HirKind::Capture(capture) => all(&capture.sub),
        HirKind::Repetition(repetition) => {
            let one = all(&repetition.sub)?;
            Some(Stretch { len: one.len * repetition.min as usize, ..one })
        }
        HirKind::Concat(parts) => parts.iter().try_fold(Stretch::EMPTY, |sum, part| all(part).map(|next| sum.or(next, sum.len + next.len))),
        HirKind::Alternation(branches) => {
            let stretches: Option<Vec<Stretch>> = branches.iter().map(all).collect();
            stretches?.into_iter().reduce(|one, other| one.or(other, one.len.min(other.len)))
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use regex_syntax::ParserBuilder;

    use super::*;

    fn stretch(pattern: &str) -> Option<Stretch> {
        Stretch::of(&ParserBuilder::new().unicode(false).utf8(false).build().parse(pattern).expect("a valid pattern"))
    }

    #[test]
    fn the_most_telling_stretch_is_taken() {
        let hex = stretch("pat[A-Za-z0-9]{14}\\.[0-9a-f]{64}").expect("there is one");
        assert_eq!((hex.len, hex.has(b'a'), hex.has(b'g'), hex.at), (65, true, false, Some(17)));
        assert!(hex.is_at(format!("path{}", ".0123456789abcde".repeat(5)).as_bytes(), 4));
        assert!(!hex.is_at(format!("path{}", ".0123456789abcde".repeat(4)).as_bytes(), 4), "too short");
        assert_eq!(stretch("(?:a[0-9]{9}|b[a-f]{12,20}){2,3}").map(|stretch| stretch.len), Some(20));
        let of_either = |pattern: &str| stretch(pattern).map(|stretch| (stretch.len, stretch.at));
        assert_eq!(of_either("\\b[ -~]{3}(?:[0-9]{30}|[a-f]{31})"), Some((30, Some(3))));
        assert_eq!(of_either("[ -~]{1,3}[0-9]{30}"), Some((30, None)));
        assert_eq!(of_either("(?:[ -~][0-9]{30}|[ -~]{2}[0-9]{30})"), Some((30, None)));
        assert_eq!(stretch("token[=:](?:[a-z]{20})?[0-9]{4}"), None);
        assert_eq!(stretch("[a-f]{8}[0-9]{0,3}[a-f0-9]{8}").map(|stretch| stretch.len), Some(16));
    }

    proptest! {
        #[test]
        fn stretches_are_found_as_one_by_one(len in 8_usize..20, text in "[0-9 ]{0,90}") {
            let digits = stretch(&format!("[0-9]{{{len}}}")).expect("there is one");
            let text = text.as_bytes();
            let naive = text.windows(len).any(|window| window.iter().all(u8::is_ascii_digit));
            prop_assert_eq!(digits.is_in(text), naive);
        }
    }
}
