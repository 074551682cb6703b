//! An index in two parts (`git help update-index`, `--split-index`): one that changes, and one that
//! it builds on, of which it says which paths are gone and which are replaced.

use super::IndexEntry;
use crate::source::object::{HashKind, ObjectId};

/// What the part that changes says about the other.
#[derive(Debug)]
pub(super) struct Link {
    shared: ObjectId,
    gone: Vec<bool>,
    replaced: Vec<bool>,
}

impl Link {
    /// An id, and two bitmaps if the other part is not taken as it is.
    pub(super) fn parse(content: &[u8], hash: HashKind) -> Option<Self> {
        let (id, rest) = content.split_at_checked(hash.id_len())?;
        let shared = ObjectId::from_bytes(hash, id)?;
        if rest.is_empty() {
            return Some(Self { shared, gone: Vec::new(), replaced: Vec::new() });
        }
        let (gone, used) = bitmap(rest)?;
        let (replaced, _) = bitmap(&rest[used..])?;
        Some(Self { shared, gone, replaced })
    }

    /// The name of the file with the other part; `None` if there is none.
    pub(super) fn shared_name(&self) -> Option<String> {
        self.shared.as_bytes().iter().any(|&byte| byte != 0).then(|| format!("sharedindex.{}", self.shared))
    }

    /// Both parts put together. What replaces a path comes without one, in the order of the paths.
    pub(super) fn applied(&self, shared: Vec<IndexEntry>, own: Vec<IndexEntry>) -> Result<Vec<IndexEntry>, &'static str> {
        let is = |bits: &[bool], at: usize| bits.get(at).copied().unwrap_or(false);
        let (new, mut replacing): (Vec<_>, Vec<_>) = own.into_iter().partition(|entry| !entry.path.is_empty());
        replacing.reverse();
        let mut all = Vec::with_capacity(shared.len() + new.len());
        for (at, entry) in shared.into_iter().enumerate() {
            let entry = if is(&self.replaced, at) {
                let other = replacing.pop().ok_or("the index replaces more paths than it has")?;
                IndexEntry { path: entry.path, ..other }
            } else {
                entry
            };
            if !is(&self.gone, at) {
                all.push(entry);
            }
        }
        if !replacing.is_empty() {
            return Err("the index has more paths than it replaces");
        }
        all.extend(new);
        all.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(all)
    }
}

/// More bits than paths of any index.
const MOST_BITS: usize = 1 << 28;

/// Git's compressed bitmap (EWAH): bits, words, the words, and a position that readers can pass
/// over. A marker word counts words of equal bits, and the words after it that are taken as they
/// are. Gives the bits and how many bytes they take.
fn bitmap(bytes: &[u8]) -> Option<(Vec<bool>, usize)> {
    let number = |at: usize| Some(u32::from_be_bytes(*bytes.get(at..)?.first_chunk()?) as usize);
    let (count, words) = (number(0)?, number(4)?);
    let end = 8 + words.checked_mul(8)?;
    let body = bytes.get(8..end)?;
    bytes.get(end..end + 4)?;
    if count > MOST_BITS {
        return None;
    }
    let mut words = body.chunks_exact(8).map(|word| u64::from_be_bytes(*word.first_chunk().expect("eight bytes")));
    let mut bits = Vec::with_capacity(count);
    while let Some(marker) = words.next() {
        let alike = (marker >> 1 & 0xffff_ffff) as usize * 64;
        if alike > MOST_BITS {
            return None;
        }
        bits.resize(bits.len() + alike.min(count.saturating_sub(bits.len())), marker & 1 == 1);
        for word in words.by_ref().take((marker >> 33) as usize) {
            let left = count.saturating_sub(bits.len()).min(64);
            bits.extend((0..left).map(|bit| word >> bit & 1 == 1));
        }
    }
    bits.resize(count, false);
    Some((bits, end + 4))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_and_literal_words() {
        // 130 bits: one word of ones, then a literal one, then two bits more in a further literal.
        let marker = 1_u64 | 1 << 1 | 2 << 33;
        let words: Vec<u8> = [marker, 0b101, 0b10].iter().flat_map(|word| word.to_be_bytes()).collect();
        let bytes = [&130_u32.to_be_bytes()[..], &3_u32.to_be_bytes(), &words, &[0; 4], b"more"].concat();
        let (bits, used) = bitmap(&bytes).expect("a bitmap");
        assert_eq!((bits.len(), used), (130, bytes.len() - 4));
        let ones: Vec<usize> = (0..bits.len()).filter(|&at| bits[at]).collect();
        assert_eq!(ones, (0..64).chain([64, 66, 129]).collect::<Vec<_>>());
        assert!(bitmap(&bytes[..20]).is_none());
        let endless = [&8_u32.to_be_bytes()[..], &1_u32.to_be_bytes(), &(0xffff_ffff_u64 << 1).to_be_bytes(), &[0; 4]].concat();
        assert!(bitmap(&endless).is_none());
    }
}
