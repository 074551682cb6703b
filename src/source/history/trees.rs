//! The entries of trees. Of a tree that is stored as a delta only the entries in new parts are
//! parsed; where the others are is known from its base.

use crate::source::object::{HashKind, ObjectId};
use crate::source::pack::Delta;

/// What an entry of a tree stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EntryKind {
    /// A file or the target of a symbolic link.
    Blob,
    /// Another tree.
    Tree,
    /// A commit of another repository.
    Gitlink,
}

/// One entry of a tree.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry<'a> {
    /// What it is.
    pub(super) kind: EntryKind,
    /// Its name, without folders.
    pub(super) name: &'a [u8],
    /// What it leads to.
    pub(super) id: ObjectId,
}

/// Where each entry of a tree starts, in bytes.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Starts(Vec<u32>);

/// A tree whose bytes make no sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Malformed;

impl Starts {
    /// Parses a whole tree.
    pub(super) fn read(tree: &[u8], hash: HashKind, entry: &mut impl FnMut(u32, Entry<'_>)) -> Result<Self, Malformed> {
        let mut starts = Self::default();
        starts.parse(tree, hash, 0..tree.len(), entry)?;
        Ok(starts)
    }

    /// Parses what is new in a tree. `inherited(from, to)` is called for each run of entries taken
    /// over from the base: entry numbers there, and the new start of the first.
    pub(super) fn follow(
        &self,
        delta: &Delta<'_>,
        hash: HashKind,
        entry: &mut impl FnMut(u32, Entry<'_>),
        mut inherited: impl FnMut(std::ops::Range<usize>, u32),
    ) -> Result<Self, Malformed> {
        let (base, tree) = (delta.base(), delta.bytes());
        let mut starts = Self(Vec::with_capacity(self.0.len() + 8));
        let mut at = 0;
        for run in delta.copied() {
            let first = self.0.partition_point(|&start| (start as usize) < run.from);
            let last = self.ending_by(run.from + run.len, base.len());
            let moved = |number: usize| self.0[number] as usize - run.from + run.to;
            let mut next = first;
            loop {
                while next < last && moved(next) < at {
                    next += 1;
                }
                if next >= last {
                    break;
                }
                if moved(next) == at {
                    inherited(next..last, at as u32);
                    let by = run.to.wrapping_sub(run.from) as u32;
                    starts.0.extend(self.0[next..last].iter().map(|start| start.wrapping_add(by)));
                    at = self.0.get(last).map_or(base.len(), |&start| start as usize) - run.from + run.to;
                    break;
                }
                at = starts.one(tree, hash, at, entry)?;
            }
        }
        starts.parse(tree, hash, at..tree.len(), entry)?;
        Ok(starts)
    }

    /// The number of the entry at a place.
    pub(super) fn number(&self, start: u32) -> Option<usize> {
        self.0.binary_search(&start).ok()
    }

    pub(super) fn start(&self, number: usize) -> u32 {
        self.0[number]
    }

    /// How many entries end at or before a place.
    fn ending_by(&self, place: usize, len: usize) -> usize {
        if place >= len {
            return self.0.len();
        }
        self.0.partition_point(|&start| start as usize <= place).saturating_sub(1)
    }

    fn parse(
        &mut self,
        tree: &[u8],
        hash: HashKind,
        range: std::ops::Range<usize>,
        entry: &mut impl FnMut(u32, Entry<'_>),
    ) -> Result<(), Malformed> {
        let mut at = range.start;
        while at < range.end {
            at = self.one(tree, hash, at, entry)?;
        }
        Ok(())
    }

    /// Parses the entry at a place and returns where the next one starts.
    fn one(&mut self, tree: &[u8], hash: HashKind, at: usize, entry: &mut impl FnMut(u32, Entry<'_>)) -> Result<usize, Malformed> {
        let rest = tree.get(at..).ok_or(Malformed)?;
        let blank = memchr::memchr(b' ', &rest[..rest.len().min(8)]).ok_or(Malformed)?;
        let length = memchr::memchr(0, &rest[blank + 1..]).ok_or(Malformed)?;
        let name = &rest[blank + 1..blank + 1 + length];
        let id_start = blank + 1 + length + 1;
        let id = rest.get(id_start..id_start + hash.id_len()).and_then(|bytes| ObjectId::from_bytes(hash, bytes)).ok_or(Malformed)?;
        let kind = match &rest[..blank] {
            b"40000" | b"040000" => EntryKind::Tree,
            b"160000" => EntryKind::Gitlink,
            _ => EntryKind::Blob,
        };
        let start = u32::try_from(at).map_err(|_| Malformed)?;
        self.0.push(start);
        entry(start, Entry { kind, name, id });
        Ok(at + id_start + hash.id_len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(names: &[&str]) -> Vec<u8> {
        let entry = |name: &&str| [b"100644 ", name.as_bytes(), b"\0", &[7; 20]].concat();
        names.iter().flat_map(entry).collect()
    }

    #[test]
    fn reads_every_entry() {
        let mut names = Vec::new();
        let bytes = tree(&["a", "b.txt"]);
        let starts = Starts::read(&bytes, HashKind::Sha1, &mut |_, entry| names.push(entry.name.to_vec())).expect("well-formed");
        assert_eq!(names, [b"a".to_vec(), b"b.txt".to_vec()]);
        assert_eq!(starts.0, [0, 29]);
    }

    #[test]
    fn refuses_what_is_cut_off() {
        let bytes = tree(&["a"]);
        for end in 1..bytes.len() {
            assert!(Starts::read(&bytes[..end], HashKind::Sha1, &mut |_, _| {}).is_err(), "{end}");
        }
    }
}
