//! The object store of a repository: what it holds, and the visit of all of
//! it. Finding its files is in `open`, reading single objects in `read`.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::num::NonZero;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock};

use super::loose;
use super::loose_visit::{self, Loose};
use super::open::PackFlags;
use super::read::{Cache, Scratch};
use super::{HashKind, Limits, Object, ObjectId, Skip, Visitor};
use crate::source::pack::{Elsewhere, Marks, PackFile, PackIndex, Portion, Share, Tree, Walk};

/// All packs and loose objects of an object directory and those it leads to.
#[derive(Debug)]
pub struct ObjectStore {
    pub(super) hash: HashKind,
    pub(super) limits: Limits,
    /// The largest first.
    pub(super) packs: Vec<Pack>,
    pub(super) loose: Vec<LooseDir>,
    pub(super) skipped: Vec<Skip>,
    pub(super) cache: Mutex<Cache>,
    pub(super) scratch: Mutex<Vec<Scratch>>,
    leave: OnceLock<Vec<Marks>>,
}

/// A pack and its index.
#[derive(Debug)]
pub(super) struct Pack {
    pub(super) file: PackFile,
    pub(super) index: PackIndex,
    pub(super) flags: PackFlags,
    /// Which entries build on which; built for the first visit.
    pub(super) tree: OnceLock<Tree>,
}

/// The loose objects of one object directory, sorted.
#[derive(Debug)]
pub(super) struct LooseDir {
    pub(super) dir: PathBuf,
    pub(super) ids: Vec<ObjectId>,
}

/// How much there is, known without decoding anything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Packs.
    pub packs: usize,
    /// Objects in packs, each counted once however many packs hold it.
    pub packed: u64,
    /// Loose objects that are in no pack.
    pub loose: u64,
}

/// One pack, for reports.
#[derive(Clone, Copy, Debug)]
pub struct PackSummary<'a> {
    /// Where it lies.
    pub path: &'a Path,
    /// Bytes of entries.
    pub bytes: u64,
    /// Objects that its index names.
    pub objects: u32,
    /// What files stand beside it.
    pub flags: PackFlags,
    /// The checksum that it ends with.
    pub checksum: &'a [u8],
    /// Changes if another file takes its place.
    pub stamp: u64,
}

impl ObjectStore {
    pub(super) fn new(hash: HashKind, limits: Limits) -> Self {
        Self {
            hash,
            packs: Vec::new(),
            loose: Vec::new(),
            skipped: Vec::new(),
            cache: Mutex::new(Cache::new(limits.memory)),
            limits,
            scratch: Mutex::default(),
            leave: OnceLock::new(),
        }
    }

    /// Hands every object of the wanted kinds to the visitor, once each,
    /// wherever and however often it is stored, and names everything that
    /// could not be read.
    pub fn visit<V: Visitor>(&self, visitor: &V) {
        self.visit_except(visitor, |_| false);
    }

    /// The same without the packs of these numbers, as [`packs`](Self::packs) lists them.
    pub fn visit_except<V: Visitor>(&self, visitor: &V, known: impl Fn(usize) -> bool) {
        self.visit_part(visitor, known, Share::ALL);
    }

    /// The same, of one share alone.
    pub fn visit_share<V: Visitor>(&self, visitor: &V, share: Share) {
        self.visit_part(visitor, |_| false, share);
    }

    fn visit_part<V: Visitor>(&self, visitor: &V, known: impl Fn(usize) -> bool, share: Share) {
        for skip in &self.skipped {
            visitor.skipped(skip.clone());
        }
        let mut portion = Portion { share, before: 0, length: 0, all: self.packs.iter().map(|pack| pack.file.end()).sum() };
        for (number, pack) in self.packs.iter().enumerate().filter(|(number, _)| !known(*number)) {
            let elsewhere = Others { store: self, number };
            let leave = &self.leave()[number];
            let tree = pack.tree.get_or_init(|| Tree::build(&pack.file, &pack.index, leave, self.limits.threads));
            portion.length = pack.file.end();
            Walk::new((&pack.file, &pack.index, tree), leave, visitor, &elsewhere, &self.limits).run(portion);
            portion.before += portion.length;
        }
        let loose = self.loose_only().into_iter().enumerate();
        let loose: Vec<Loose<'_>> = loose.filter(|(number, _)| share.has(*number)).map(|(_, object)| object).collect();
        loose_visit::visit(&loose, visitor, &self.limits);
    }

    /// How many threads may read it.
    #[must_use]
    pub fn threads(&self) -> NonZero<usize> {
        self.limits.threads
    }

    /// What reading may cost.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// What names its objects.
    #[must_use]
    pub fn hash_kind(&self) -> HashKind {
        self.hash
    }

    /// How much there is.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let named: u64 = self.packs.iter().map(|pack| u64::from(pack.index.count())).sum();
        let repeated: u64 = self.leave().iter().map(Marks::count).sum();
        Counts { packs: self.packs.len(), packed: named - repeated, loose: self.loose_only().len() as u64 }
    }

    /// The packs, the largest first.
    pub fn packs(&self) -> impl Iterator<Item = PackSummary<'_>> {
        self.packs.iter().map(|pack| PackSummary {
            path: pack.file.path(),
            bytes: pack.file.end(),
            objects: pack.index.count(),
            flags: pack.flags,
            checksum: pack.index.pack_checksum(),
            stamp: stamp(pack.file.path(), Times::CountNot),
        })
    }

    /// Changes if a loose object does, or one comes or goes.
    #[must_use]
    pub fn loose_stamp(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        for dir in &self.loose {
            dir.ids.iter().for_each(|id| (id, stamp(&loose::path_of(&dir.dir, id), Times::Count)).hash(&mut hasher));
        }
        hasher.finish()
    }

    /// The objects of the pack of a number, by id.
    pub fn ids(&self, pack: usize) -> impl Iterator<Item = ObjectId> {
        let index = &self.packs[pack].index;
        (0..index.count()).map(|position| index.id(position))
    }

    /// Loose objects, in an order that depends on their names and directories alone.
    pub fn loose(&self) -> impl Iterator<Item = &ObjectId> {
        self.loose.iter().flat_map(|dir| &dir.ids)
    }

    /// What could not even be opened; a visit names these as well.
    #[must_use]
    pub fn skipped(&self) -> &[Skip] {
        &self.skipped
    }

    /// Whether an object of this name is stored.
    #[must_use]
    pub fn contains(&self, id: &ObjectId) -> bool {
        self.packed(id) || self.loose.iter().any(|dir| dir.has(id))
    }

    fn packed(&self, id: &ObjectId) -> bool {
        self.packs.iter().any(|pack| pack.index.find(id).is_some())
    }

    /// The loose objects that no pack holds.
    fn loose_only(&self) -> Vec<Loose<'_>> {
        let all = self.loose.iter().flat_map(|dir| {
            let path = dir.dir.as_path();
            dir.ids.iter().map(move |&id| (id, path))
        });
        let mut loose: Vec<_> = all.filter(|(id, _)| !self.packed(id)).collect();
        if self.loose.len() > 1 {
            loose.sort_by_key(|&(id, _)| id);
            loose.dedup_by_key(|&mut (id, _)| id);
        }
        loose
    }

    /// For each pack, the positions of objects that an earlier pack holds too.
    fn leave(&self) -> &[Marks] {
        self.leave.get_or_init(|| {
            let mut leave = vec![Marks::default(); self.packs.len()];
            if self.packs.len() > 1 {
                mark_repeated(&self.packs, &mut leave);
            }
            leave
        })
    }
}

/// Stands for the file that is at a path. Git touches files that it would have written again, so that packs tell no more by
/// the time of their last change.
fn stamp(path: &Path, times: Times) -> u64 {
    let mut hasher = DefaultHasher::new();
    if let Ok(about) = fs::symlink_metadata(path) {
        (about.dev(), about.ino(), about.len()).hash(&mut hasher);
        if times == Times::Count {
            (about.mtime(), about.mtime_nsec(), about.ctime(), about.ctime_nsec()).hash(&mut hasher);
        }
    }
    hasher.finish()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Times {
    Count,
    CountNot,
}

impl LooseDir {
    pub(super) fn has(&self, id: &ObjectId) -> bool {
        self.ids.binary_search(id).is_ok()
    }
}

/// Merges the sorted ids of all packs and marks every occurrence but the first.
fn mark_repeated(packs: &[Pack], leave: &mut [Marks]) {
    let head = |pack: usize, position: u32| {
        let index = &packs[pack].index;
        (position < index.count()).then(|| Reverse((index.id_bytes(position), pack, position)))
    };
    let mut heads: BinaryHeap<_> = (0..packs.len()).filter_map(|pack| head(pack, 0)).collect();
    let mut last: &[u8] = &[];
    while let Some(Reverse((id, pack, position))) = heads.pop() {
        if id == last {
            leave[pack].mark(position);
        }
        last = id;
        heads.extend(head(pack, position + 1));
    }
}

/// The store as one of its packs sees it.
pub(super) struct Others<'a> {
    pub(super) store: &'a ObjectStore,
    pub(super) number: usize,
}

impl Elsewhere for Others<'_> {
    fn base(&self, id: &ObjectId) -> Option<Object> {
        self.store.read(id).ok()
    }

    fn copy(&self, id: &ObjectId) -> Option<Object> {
        self.store.read_outside(id, self.number)
    }
}
