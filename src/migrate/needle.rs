//! [`Needles`]: thousands of values sought at once in a text, each where it is no part of a longer word.

use std::collections::HashMap;

use zeroize::Zeroizing;

use crate::text::Span;

/// What is looked up at every place: values are as long as this at least.
const HEAD: usize = 4;
/// Bits that tell most other places apart.
const BITS: usize = 1 << 16;

/// Values by their first bytes. Only places behind what is no letter or digit are looked at.
pub(super) struct Needles {
    all: Vec<Zeroizing<Vec<u8>>>,
    by_head: HashMap<[u8; HEAD], Vec<usize>>,
    marks: Vec<u64>,
}

impl Needles {
    /// Values shorter than [`HEAD`] are left out.
    pub(super) fn new(all: Vec<Zeroizing<Vec<u8>>>) -> Self {
        let mut by_head = HashMap::<[u8; HEAD], Vec<usize>>::new();
        let mut marks = vec![0; BITS / 64];
        for (at, needle) in all.iter().enumerate() {
            if let Some(head) = needle.first_chunk() {
                by_head.entry(*head).or_default().push(at);
                let bit = bit(*head);
                marks[bit / 64] |= 1 << (bit % 64);
            }
        }
        // Of a value that begins with another one, the whole counts.
        by_head.values_mut().for_each(|at| at.sort_by_key(|&at| std::cmp::Reverse(all[at].len())));
        Self { all, by_head, marks }
    }

    /// Places of values that stand alone and do not overlap, and which value it is.
    pub(super) fn hits<'a>(&'a self, text: &'a [u8]) -> impl Iterator<Item = (Span, usize)> + 'a {
        let mut at = 0;
        std::iter::from_fn(move || {
            loop {
                // The rest of a word that has begun.
                if at > 0 {
                    at += text.get(at - 1..)?.iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
                }
                let head = text.get(at..)?.first_chunk::<HEAD>()?;
                let bit = bit(*head);
                if self.marks[bit / 64] >> (bit % 64) & 1 == 1
                    && let Some((span, needle)) = self.at(text, at, *head)
                {
                    at = span.end;
                    return Some((span, needle));
                }
                at += 1;
            }
        })
    }

    fn at(&self, text: &[u8], start: usize, head: [u8; HEAD]) -> Option<(Span, usize)> {
        let ends = |end: usize| text.get(end).is_none_or(|byte| !byte.is_ascii_alphanumeric());
        let candidates = self.by_head.get(&head)?;
        let needle = candidates.iter().copied().find(|&at| text[start..].starts_with(&self.all[at]) && ends(start + self.all[at].len()))?;
        Some((Span::new(start, start + self.all[needle].len()), needle))
    }
}

fn bit(head: [u8; HEAD]) -> usize {
    (u32::from_le_bytes(head).wrapping_mul(0x9E37_79B1) >> 16) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hits(needles: &[&str], text: &str) -> Vec<String> {
        let needles = Needles::new(needles.iter().map(|needle| Zeroizing::new(needle.as_bytes().to_vec())).collect());
        needles.hits(text.as_bytes()).map(|(span, _)| text[span.range()].to_owned()).collect()
    }

    #[test]
    fn a_value_counts_where_it_stands_alone() {
        assert_eq!(hits(&["abcd12"], "abcd12 xabcd12 abcd123 (abcd12) abcd12"), ["abcd12"; 3]);
        assert_eq!(hits(&["-abc"], "x-abc --abc"), ["-abc"]);
    }

    #[test]
    fn the_longest_value_counts_once() {
        assert_eq!(hits(&["abcd", "abcd-efgh"], "abcd-efgh abcd-ef abcd"), ["abcd-efgh", "abcd", "abcd"]);
        assert_eq!(hits(&["abcd", "abcd-efgh"], "abcd-efghi"), ["abcd"]);
    }

    #[test]
    fn values_shorter_than_a_head_are_not_sought() {
        assert_eq!(hits(&["ab"], "ab ab"), [""; 0]);
        assert_eq!(hits(&[], "text"), [""; 0]);
    }
}
