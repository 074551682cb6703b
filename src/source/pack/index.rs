//! Pack indexes: which object lies where in a pack. Versions 1 and 2, both
//! hashes. The offsets are only promises: the pack's own bytes decide.

use thiserror::Error;

use crate::source::object::{HashKind, ObjectId};

/// Why an index is not usable at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum IndexError {
    /// Fewer bytes than its tables need.
    #[error("the index is cut off")]
    Truncated,
    /// A version other than 1 and 2.
    #[error("index version {0} is not known")]
    Version(u32),
    /// The table of counts by first byte goes down, or too far up.
    #[error("the index's count table is damaged")]
    Fanout,
    /// More objects than its format can count.
    #[error("the index counts more objects than it has room for")]
    Count,
}

/// An index, checked so far that every table it names lies inside it.
#[derive(Debug)]
pub struct PackIndex {
    bytes: Vec<u8>,
    hash: HashKind,
    count: u32,
    tables: Tables,
}

#[derive(Clone, Copy, Debug)]
enum Tables {
    /// Rows of offset and id.
    V1,
    /// Ids; checksums; offsets; large offsets, `large` of them.
    V2 { large: u64 },
    /// As version 2, but without checksums where they would stand.
    Rebuilt { large: u64 },
}

const V2_MAGIC: &[u8; 4] = b"\xfftOc";
const FANOUT: usize = 256 * 4;
const V2_HEADER: usize = 8;
const LARGE: u32 = 1 << 31;

impl PackIndex {
    /// Reads the tables' places out of an index file's bytes.
    ///
    /// # Errors
    /// When the tables do not fit into the file or contradict each other.
    pub fn parse(bytes: Vec<u8>, hash: HashKind) -> Result<Self, IndexError> {
        let second = bytes.starts_with(V2_MAGIC);
        let header = if second { V2_HEADER } else { 0 };
        if second && be32(&bytes, 4) != Some(2) {
            return Err(IndexError::Version(be32(&bytes, 4).unwrap_or(0)));
        }
        let count = last_of_fanout(&bytes, header)?;
        let fixed = (header + FANOUT + 2 * hash.id_len()) as u64;
        let row = hash.id_len() as u64 + if second { 8 } else { 4 };
        let rest = (bytes.len() as u64).checked_sub(fixed + row * u64::from(count)).ok_or(IndexError::Truncated)?;
        let tables = if second { Tables::V2 { large: rest / 8 } } else { Tables::V1 };
        Ok(Self { bytes, hash, count, tables })
    }

    /// An index of version 2 for objects whose places are known.
    ///
    /// # Errors
    /// When there are more objects than the format can count.
    pub fn from_entries(mut entries: Vec<(ObjectId, u64)>, hash: HashKind) -> Result<Self, IndexError> {
        entries.sort_unstable();
        let count = u32::try_from(entries.len()).map_err(|_| IndexError::Count)?;
        let mut bytes = Vec::new();
        bytes.extend_from_slice(V2_MAGIC);
        bytes.extend_from_slice(&2u32.to_be_bytes());
        let mut below = 0u32;
        let mut ids = entries.iter().map(|(id, _)| id.as_bytes()[0]).peekable();
        for first in 0..=255u8 {
            while ids.next_if(|&id| id == first).is_some() {
                below += 1;
            }
            bytes.extend_from_slice(&below.to_be_bytes());
        }
        for (id, _) in &entries {
            bytes.extend_from_slice(id.as_bytes());
        }
        bytes.resize(bytes.len() + entries.len() * 4, 0);
        let mut large = Vec::new();
        for (_, offset) in &entries {
            let small = u32::try_from(*offset).ok().filter(|&small| small < LARGE);
            let written = small.unwrap_or(LARGE | (large.len() / 8) as u32);
            bytes.extend_from_slice(&written.to_be_bytes());
            if small.is_none() {
                large.extend_from_slice(&offset.to_be_bytes());
            }
        }
        bytes.extend_from_slice(&large);
        bytes.resize(bytes.len() + 2 * hash.id_len(), 0);
        let large = (large.len() / 8) as u64;
        Ok(Self { bytes, hash, count, tables: Tables::Rebuilt { large } })
    }

    /// How many objects it names.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.count
    }

    /// Which hash its ids are of.
    #[must_use]
    pub fn hash(&self) -> HashKind {
        self.hash
    }

    /// The checksum its pack must end with.
    #[must_use]
    pub fn pack_checksum(&self) -> &[u8] {
        let end = self.bytes.len() - self.hash.id_len();
        &self.bytes[end - self.hash.id_len()..end]
    }

    /// The bytes of the id at a position below [`count`](Self::count).
    #[must_use]
    pub fn id_bytes(&self, position: u32) -> &[u8] {
        let (start, row) = match self.tables {
            Tables::V1 => (FANOUT + 4, self.hash.id_len() + 4),
            Tables::V2 { .. } | Tables::Rebuilt { .. } => (V2_HEADER + FANOUT, self.hash.id_len()),
        };
        let at = start + row * position as usize;
        &self.bytes[at..at + self.hash.id_len()]
    }

    /// The id at a position below [`count`](Self::count).
    #[must_use]
    pub fn id(&self, position: u32) -> ObjectId {
        ObjectId::from_bytes(self.hash, self.id_bytes(position)).expect("the row of an index is as long as its hash")
    }

    /// The place in the pack, in bytes from its start, of the object at a
    /// position below [`count`](Self::count); `None` when the index points
    /// outside its own table of large offsets.
    #[must_use]
    pub fn offset(&self, position: u32) -> Option<u64> {
        let position = position as usize;
        let len = self.hash.id_len();
        let (Tables::V2 { large } | Tables::Rebuilt { large }) = self.tables else {
            return be32(&self.bytes, FANOUT + (len + 4) * position).map(u64::from);
        };
        let offsets = V2_HEADER + FANOUT + (len + 4) * self.count as usize;
        let offset = be32(&self.bytes, offsets + 4 * position)?;
        if offset & LARGE == 0 {
            return Some(u64::from(offset));
        }
        let row = u64::from(offset & !LARGE);
        if row >= large {
            return None;
        }
        let at = offsets + 4 * self.count as usize + 8 * row as usize;
        let bytes = self.bytes.get(at..at + 8)?;
        Some(u64::from_be_bytes(bytes.try_into().ok()?))
    }

    /// The CRC-32 of the whole entry of the object at a position below
    /// [`count`](Self::count), if the index has it.
    #[must_use]
    pub fn checksum(&self, position: u32) -> Option<u32> {
        let Tables::V2 { .. } = self.tables else {
            return None;
        };
        let checksums = V2_HEADER + FANOUT + self.hash.id_len() * self.count as usize;
        be32(&self.bytes, checksums + 4 * position as usize)
    }

    /// The position of an object, if the index names it.
    #[must_use]
    pub fn find(&self, id: &ObjectId) -> Option<u32> {
        let wanted = id.as_bytes();
        if wanted.len() != self.hash.id_len() {
            return None;
        }
        let (mut low, mut high) = self.near(wanted);
        while low < high {
            let middle = low + (high - low) / 2;
            match self.id_bytes(middle).cmp(wanted) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Equal => return Some(middle),
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        None
    }

    /// A stretch of positions that an id lies in, if it is there. Ids are spread evenly, so that their beginning tells
    /// nearly where they are.
    fn near(&self, wanted: &[u8]) -> (u32, u32) {
        let (mut low, mut high) = self.range_of(wanted[0]);
        let share = u64::from(be32(wanted, 1).unwrap_or(0));
        let guess = low + ((u64::from(high.saturating_sub(low)) * share) >> 32) as u32;
        let mut step = 8;
        if guess >= high {
            return (low, high);
        }
        if self.id_bytes(guess) <= wanted {
            low = guess;
            while high - low > step && self.id_bytes(low + step) <= wanted {
                low += step;
                step *= 2;
            }
            high = high.min(low.saturating_add(step));
        } else {
            high = guess;
            while high - low > step && self.id_bytes(high - step) > wanted {
                high -= step;
                step *= 2;
            }
            low = low.max(high.saturating_sub(step));
        }
        (low, high)
    }

    fn range_of(&self, first: u8) -> (u32, u32) {
        let start = match self.tables {
            Tables::V1 => 0,
            Tables::V2 { .. } | Tables::Rebuilt { .. } => V2_HEADER,
        };
        let below = |row: usize| be32(&self.bytes, start + 4 * row).unwrap_or(0);
        let low = usize::from(first).checked_sub(1).map_or(0, below);
        (low, below(usize::from(first)))
    }
}

/// Checks that the counts never go down and gives the last: the count of all.
fn last_of_fanout(bytes: &[u8], start: usize) -> Result<u32, IndexError> {
    let mut last = 0;
    for row in 0..256 {
        let below = be32(bytes, start + 4 * row).ok_or(IndexError::Truncated)?;
        if below < last {
            return Err(IndexError::Fanout);
        }
        last = below;
    }
    Ok(last)
}

fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    let four = bytes.get(at..at + 4)?;
    Some(u32::from_be_bytes(four.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::object::ObjectKind;

    fn sample(hash: HashKind) -> Vec<(ObjectId, u64)> {
        (0..700u64).map(|n| (hash.id_of(ObjectKind::Blob, &n.to_be_bytes()), n << 24)).collect()
    }

    #[test]
    fn what_is_put_in_is_found_again() {
        for hash in [HashKind::Sha1, HashKind::Sha256] {
            let entries = sample(hash);
            let index = PackIndex::from_entries(entries.clone(), hash).expect("few entries");
            let index = PackIndex::parse(index.bytes, hash).expect("well-formed");
            assert_eq!(index.count(), 700);
            for (id, offset) in entries {
                let position = index.find(&id).expect("is there");
                assert_eq!(index.id(position), id);
                assert_eq!(index.offset(position), Some(offset));
            }
        }
    }

    #[test]
    fn ids_that_begin_alike_are_found_again() {
        let id = |n: u16| {
            let mut bytes = [0x5a; 20];
            bytes[18..].copy_from_slice(&n.to_be_bytes());
            ObjectId::from_bytes(HashKind::Sha1, &bytes).expect("20 bytes")
        };
        let entries = (0..900).map(|n| (id(2 * n), u64::from(n))).collect();
        let index = PackIndex::from_entries(entries, HashKind::Sha1).expect("few entries");
        for n in 0..1800 {
            assert_eq!(index.find(&id(n)), (n % 2 == 0).then_some(u32::from(n / 2)));
        }
    }

    #[test]
    fn every_cut_is_an_error_or_an_index_that_stays_inside() {
        let whole = PackIndex::from_entries(sample(HashKind::Sha1), HashKind::Sha1).expect("few entries").bytes;
        for len in 0..whole.len() {
            let cut = whole[..len].to_vec();
            let Ok(index) = PackIndex::parse(cut, HashKind::Sha1) else {
                continue;
            };
            for position in 0..index.count() {
                let _ = (index.id(position), index.offset(position));
            }
        }
    }
}
