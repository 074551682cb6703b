//! The entries of trees. Of a tree that is stored as a delta only the entries in new parts are
//! parsed; where the others are is known from its base.

use std::ops::Range;

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

/// More bytes than a mode and the blank after it take up.
const LONGEST_MODE: usize = 16;

impl EntryKind {
    /// As git reads it: an octal number whose upper bits are the type.
    fn of_mode(mode: &[u8]) -> Self {
        let number = mode.iter().fold(0u64, |number, byte| number << 3 | u64::from(byte & 7));
        match number & 0o170_000 {
            0o040_000 => Self::Tree,
            0o160_000 => Self::Gitlink,
            _ => Self::Blob,
        }
    }
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
    /// All of it, as it is stored.
    pub(super) raw: &'a [u8],
}

/// What a tree stored as a delta is made of, in order.
#[derive(Debug)]
pub(super) enum Step<'a> {
    /// An entry that was parsed, and where it starts.
    Parsed(u32, Entry<'a>),
    /// Entries of these numbers in the base, and where the first starts here.
    Taken(Range<usize>, u32),
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
        let mut at = 0;
        while at < tree.len() {
            at = starts.one(tree, hash, at, entry)?;
        }
        Ok(starts)
    }

    /// Parses what is new in a tree that is stored as a delta against this one.
    pub(super) fn follow(&self, delta: &Delta<'_>, hash: HashKind, step: &mut impl FnMut(Step<'_>)) -> Result<Self, Malformed> {
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
                    step(Step::Taken(next..last, at as u32));
                    let by = run.to.wrapping_sub(run.from) as u32;
                    starts.0.extend(self.0[next..last].iter().map(|start| start.wrapping_add(by)));
                    at = self.0.get(last).map_or(base.len(), |&start| start as usize) - run.from + run.to;
                    break;
                }
                at = starts.one(tree, hash, at, &mut |start, entry| step(Step::Parsed(start, entry)))?;
            }
        }
        while at < tree.len() {
            at = starts.one(tree, hash, at, &mut |start, entry| step(Step::Parsed(start, entry)))?;
        }
        Ok(starts)
    }

    /// Where the entry of a number starts; past the last one, no entry does.
    pub(super) fn start(&self, number: usize) -> u32 {
        self.0.get(number).copied().unwrap_or(u32::MAX)
    }

    /// How many entries end at or before a place.
    fn ending_by(&self, place: usize, len: usize) -> usize {
        if place >= len {
            return self.0.len();
        }
        self.0.partition_point(|&start| start as usize <= place).saturating_sub(1)
    }

    /// Parses the entry at a place and returns where the next one starts.
    fn one(&mut self, tree: &[u8], hash: HashKind, at: usize, entry: &mut impl FnMut(u32, Entry<'_>)) -> Result<usize, Malformed> {
        let rest = tree.get(at..).ok_or(Malformed)?;
        let blank = memchr::memchr(b' ', &rest[..rest.len().min(LONGEST_MODE)]).ok_or(Malformed)?;
        let length = memchr::memchr(0, &rest[blank + 1..]).ok_or(Malformed)?;
        let name = &rest[blank + 1..blank + 1 + length];
        let id_start = blank + 1 + length + 1;
        let id = rest.get(id_start..id_start + hash.id_len()).and_then(|bytes| ObjectId::from_bytes(hash, bytes)).ok_or(Malformed)?;
        let kind = EntryKind::of_mode(&rest[..blank]);
        let start = u32::try_from(at).map_err(|_| Malformed)?;
        self.0.push(start);
        let end = id_start + hash.id_len();
        entry(start, Entry { kind, name, id, raw: &rest[..end] });
        Ok(at + end)
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
