//! Packs that have no index: finding the entries by reading the pack from
//! front to back, and their names by hashing what they hold.

use std::collections::HashMap;
use std::io::Read;
use std::sync::{Mutex, PoisonError};

use super::delta::Delta;
use super::entry::{self, Header};
use super::file::{HEADER, PackFile, Window};
use super::index::PackIndex;
use super::inflate::compressed_len;
use super::marks::Marks;
use super::share::Portion;
use super::tree::Tree;
use super::walk::{Elsewhere, Walk};
use crate::source::object::{HashKind, Large, Limits, ObjectId, ObjectInfo, ObjectKind, Place, Skip, SkipReason, Visitor};

/// An index made from a pack, and what of the pack it does not cover.
pub(crate) struct Rebuilt {
    /// The entries whose names could be worked out.
    pub(crate) index: PackIndex,
    /// The others.
    pub(crate) skipped: Vec<Skip>,
}

/// Makes an index for a pack. Deltas may build on objects that lie elsewhere.
pub(crate) fn rebuild(pack: &PackFile, hash: HashKind, elsewhere: &dyn Elsewhere, limits: &Limits) -> Rebuilt {
    let (offsets, lost) = find_entries(pack, hash);
    let mut names: HashMap<u64, ObjectId> = HashMap::new();
    loop {
        let index = provisional(&offsets, &names, hash);
        let mut named = Marks::default();
        for id in names.values() {
            index.find(id).into_iter().for_each(|position| named.mark(position));
        }
        let hashing = Hashing { hash, found: Mutex::default(), skipped: Mutex::default() };
        let tree = Tree::build(pack, &index, &named, limits.threads);
        Walk::new((pack, &index, &tree), &named, &hashing, elsewhere, limits).run(Portion::WHOLE);
        let found = unlocked(hashing.found);
        let before = names.len();
        names.extend(found);
        if names.len() == before || names.len() == offsets.len() {
            let mut skipped = unlocked(hashing.skipped);
            if names.len() == offsets.len() {
                skipped.clear();
            }
            skipped.iter_mut().for_each(|skip| skip.id = None);
            skipped.extend(lost);
            let entries = names.into_iter().map(|(offset, id)| (id, offset));
            return Rebuilt { index: index_of(entries.collect(), hash), skipped };
        }
    }
}

/// The offsets of all entries, as far as they can be followed.
fn find_entries(pack: &PackFile, hash: HashKind) -> (Vec<u64>, Option<Skip>) {
    let mut window = Window::ahead();
    let mut offsets = Vec::new();
    let mut offset = HEADER;
    for _ in 0..pack.count() {
        match entry_len(pack, offset, hash, &mut window) {
            Ok(len) => {
                offsets.push(offset);
                offset += len;
            }
            Err(reason) => {
                let place = Place::Packed { pack: pack.path().clone(), offset };
                let left = pack.count() as usize - offsets.len();
                let reason = format!("{reason}; {left} entries from here on were not read");
                let reason = SkipReason::Unusable(reason);
                return (offsets, Some(Skip { id: None, place, reason }));
            }
        }
    }
    (offsets, None)
}

fn entry_len(pack: &PackFile, offset: u64, hash: HashKind, window: &mut Window) -> Result<u64, SkipReason> {
    let head = offset..pack.end().min(offset + entry::LONGEST);
    let header = Header::parse(pack.slice(head, window)?, hash)?;
    let body = offset + header.len as u64;
    // Most streams are short: a window's worth is tried before a whole stream.
    let near = body..pack.end().min(body + NEAR);
    let len = match compressed_len(pack.slice(near, window)?) {
        Ok(len) => len,
        Err(_) => compressed_len(pack.stream(body..pack.end()))?,
    };
    Ok(header.len as u64 + len)
}

/// Bytes of compressed data that are tried at first.
const NEAR: u64 = 16 << 10;

/// An index with the names that are known, and numbers in place of others.
fn provisional(offsets: &[u64], names: &HashMap<u64, ObjectId>, hash: HashKind) -> PackIndex {
    let entries = offsets.iter().map(|offset| {
        let id = names.get(offset).copied().unwrap_or_else(|| {
            let mut number = vec![0; hash.id_len()];
            number[..8].copy_from_slice(&offset.to_be_bytes());
            ObjectId::from_bytes(hash, &number).expect("as long as the hash")
        });
        (id, *offset)
    });
    index_of(entries.collect(), hash)
}

fn index_of(entries: Vec<(ObjectId, u64)>, hash: HashKind) -> PackIndex {
    PackIndex::from_entries(entries, hash).expect("a pack counts its entries with 32 bits")
}

/// Names every object by its contents.
struct Hashing {
    hash: HashKind,
    found: Mutex<Vec<(u64, ObjectId)>>,
    skipped: Mutex<Vec<Skip>>,
}

impl Visitor for Hashing {
    type Node = ();
    type Worker = Vec<(u64, ObjectId)>;

    fn worker(&self) -> Self::Worker {
        Vec::new()
    }

    fn finish(&self, worker: Self::Worker) {
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        found.extend(worker);
    }

    fn wants(&self, _: ObjectKind) -> bool {
        true
    }

    fn whole(&self, worker: &mut Self::Worker, object: &ObjectInfo<'_>, bytes: &[u8]) {
        worker.push((object.offset, self.hash.id_of(object.kind, bytes)));
    }

    fn delta(&self, worker: &mut Self::Worker, object: &ObjectInfo<'_>, delta: &Delta<'_>, (): &()) {
        self.whole(worker, object, delta.bytes());
    }

    fn large(&self, worker: &mut Self::Worker, object: &ObjectInfo<'_>, bytes: &mut dyn Read) -> Large {
        if let Ok(id) = self.hash.id_of_stream(object.kind, object.size, bytes) {
            worker.push((object.offset, id));
        }
        Large::Read
    }

    fn skipped(&self, skip: Skip) {
        let mut skipped = self.skipped.lock().unwrap_or_else(PoisonError::into_inner);
        skipped.push(skip);
    }
}

fn unlocked<T>(mutex: Mutex<T>) -> T {
    mutex.into_inner().unwrap_or_else(PoisonError::into_inner)
}
