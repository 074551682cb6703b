//! Packs made by hand, sound or not, with an index for them.

use std::fs;

use sirocco::Format;
use sirocco::deflate::Level;
use sopup::source::object::{HashKind, Limits, ObjectId, ObjectKind, ObjectStore, SkipReason};
use tempfile::TempDir;

use super::visit::{Seen, see};

/// An entry of a pack made by hand.
#[derive(Clone, Copy)]
pub(super) enum Entry<'a> {
    Blob(&'a [u8]),
    /// A delta on an earlier entry.
    Before(usize, &'a [u8]),
    /// A delta on the object of this name.
    Named(ObjectId, &'a [u8]),
    /// Whatever this is: type number, size, bytes after the header.
    Raw(u8, u64, &'a [u8]),
}

/// Writes packs entry by entry, and an index for them.
pub(super) struct PackWriter {
    hash: HashKind,
    bytes: Vec<u8>,
    pub(super) offsets: Vec<u64>,
}

impl PackWriter {
    pub(super) fn new(hash: HashKind) -> Self {
        Self { hash, bytes: b"PACK\0\0\0\x02\0\0\0\0".to_vec(), offsets: Vec::new() }
    }

    pub(super) fn add(&mut self, entry: Entry<'_>) -> usize {
        let offset = self.bytes.len() as u64;
        match entry {
            Entry::Blob(contents) => {
                self.header(3, contents.len() as u64);
                self.bytes.extend(deflated(contents));
            }
            Entry::Before(base, delta) => {
                self.header(6, delta.len() as u64);
                self.distance(offset - self.offsets[base]);
                self.bytes.extend(deflated(delta));
            }
            Entry::Named(base, delta) => {
                self.header(7, delta.len() as u64);
                self.bytes.extend_from_slice(base.as_bytes());
                self.bytes.extend(deflated(delta));
            }
            Entry::Raw(number, size, rest) => {
                self.header(number, size);
                self.bytes.extend_from_slice(rest);
            }
        }
        self.offsets.push(offset);
        self.offsets.len() - 1
    }

    fn header(&mut self, number: u8, mut size: u64) {
        let mut byte = number << 4 | (size & 15) as u8;
        size >>= 4;
        while size > 0 {
            self.bytes.push(byte | 0x80);
            byte = (size & 0x7f) as u8;
            size >>= 7;
        }
        self.bytes.push(byte);
    }

    fn distance(&mut self, mut value: u64) {
        let mut bytes = vec![(value & 0x7f) as u8];
        while value > 0x7f {
            value = (value >> 7) - 1;
            bytes.push(0x80 | (value & 0x7f) as u8);
        }
        bytes.reverse();
        self.bytes.extend(bytes);
    }

    /// The names of the entries: those of the given contents, made up beyond.
    pub(super) fn names(&self, contents: &[&[u8]]) -> Vec<ObjectId> {
        (0..self.offsets.len())
            .map(|at| match contents.get(at) {
                Some(contents) => self.hash.id_of(ObjectKind::Blob, contents),
                None => made_up(self.hash, at),
            })
            .collect()
    }

    /// The index; positions of `offsets` are those of `names`.
    fn index(&self, names: &[ObjectId]) -> Vec<u8> {
        let mut rows: Vec<_> = names.iter().zip(&self.offsets).collect();
        rows.sort();
        let mut index = b"\xfftOc\0\0\0\x02".to_vec();
        for first in 0..=255u8 {
            let below = rows.iter().filter(|(id, _)| id.as_bytes()[0] <= first).count();
            index.extend((below as u32).to_be_bytes());
        }
        rows.iter().for_each(|(id, _)| index.extend(id.as_bytes()));
        for (_, offset) in &rows {
            let from = (**offset as usize).min(self.bytes.len());
            let after = self.offsets.iter().filter(|other| *other > *offset).min();
            let to = after.map_or(self.bytes.len(), |after| (*after as usize).min(self.bytes.len()));
            index.extend(crc32fast::hash(&self.bytes[from..to]).to_be_bytes());
        }
        for (_, offset) in &rows {
            index.extend((**offset as u32).to_be_bytes());
        }
        index.resize(index.len() + 2 * self.hash.id_len(), 0);
        index
    }

    /// Writes pack and index into a new object directory.
    pub(super) fn write(&self, names: &[ObjectId]) -> TempDir {
        let dir = tempfile::tempdir().expect("a temporary directory");
        fs::create_dir(dir.path().join("pack")).expect("created");
        let mut pack = self.bytes.clone();
        pack[8..12].copy_from_slice(&(self.offsets.len() as u32).to_be_bytes());
        pack.resize(pack.len() + self.hash.id_len(), 0);
        fs::write(dir.path().join("pack/pack-1.pack"), pack).expect("written");
        fs::write(dir.path().join("pack/pack-1.idx"), self.index(names)).expect("written");
        dir
    }

    pub(super) fn see(&self, contents: &[&[u8]]) -> Seen {
        let dir = self.write(&self.names(contents));
        let limits = Limits { memory: 64 << 20, ..Limits::default() };
        see(&ObjectStore::open(dir.path(), self.hash, limits).expect("opens"))
    }

    /// Sees everything and checks that exactly these reasons are given, for
    /// the entries from `first` on, while those before it are all read.
    #[track_caller]
    pub(super) fn assert_skips(&self, contents: &[&[u8]], reasons: &[SkipReason]) {
        let mut seen = self.see(contents);
        let mut read: Vec<_> = seen.objects.into_values().map(|(_, bytes)| bytes).collect();
        let mut sound: Vec<_> = contents.iter().map(|contents| contents.to_vec()).collect();
        read.sort();
        sound.sort();
        assert!(read == sound, "{} sound objects are read", contents.len());
        seen.skips.sort_by_key(|skip| skip.id);
        let given: Vec<_> = seen.skips.into_iter().map(|skip| skip.reason).collect();
        assert_eq!(given, reasons);
    }
}

/// The name of the entry of a number whose contents are not known.
pub(super) fn made_up(hash: HashKind, number: usize) -> ObjectId {
    let mut bytes = vec![0xee; hash.id_len()];
    bytes[8..16].copy_from_slice(&(number as u64).to_be_bytes());
    ObjectId::from_bytes(hash, &bytes).expect("the right length")
}

/// A zlib stream of these contents.
pub(super) fn deflated(contents: &[u8]) -> Vec<u8> {
    sirocco::compress(Format::Zlib, Level::DEFAULT, contents)
}
