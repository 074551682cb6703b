//! What the commits of a range add, handed over commit by commit from several threads.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use super::commit::Commit;
use super::tree::{Read, TreeError, compare, find};
use super::walk::{Selected, load};
use super::{Range, Ranges};
use crate::source::added::added_lines;
use crate::source::object::{ObjectId, ObjectKind, Place, ReadError, Skip, SkipReason};

/// Something that a range adds.
pub enum Change<'a> {
    /// A commit or an annotated tag as it is stored: people and message.
    Message {
        /// Its id.
        id: ObjectId,
        /// Which of the two.
        kind: ObjectKind,
        /// All of it.
        bytes: &'a [u8],
    },
    /// A name that no parent has, of a file, a link or a submodule.
    Path {
        /// Where it is new; a commit, or a tree that a tag points at.
        commit: ObjectId,
        /// From the top, raw.
        path: &'a [u8],
    },
    /// A content that differs from that of every parent: of a file, or what a link points at.
    Blob(BlobChange<'a>),
}

/// A content that a commit adds or changes.
pub struct BlobChange<'a> {
    /// The commit; or the tree or the blob itself, where a tag points at one.
    pub commit: ObjectId,
    /// From the top, raw; empty for a blob that a tag points at.
    pub path: &'a [u8],
    /// The blob.
    pub id: ObjectId,
    /// Its content.
    pub bytes: &'a [u8],
    old: &'a [ObjectId],
    read: Read<'a>,
}

impl BlobChange<'_> {
    /// The lines (from 1) that the commit adds, as a test for a range of lines: those that no
    /// parent has in a file of this name. Without one that can be read, all of them.
    pub fn added_lines(&self) -> impl Fn(usize, usize) -> bool + use<> {
        let old: Vec<_> = self.old.iter().filter_map(|id| (self.read)(id).ok()).map(|object| object.bytes).collect();
        added_lines(&old, self.bytes)
    }
}

/// How much there was in a range.
#[derive(Debug, Default)]
pub struct Changes {
    /// Commits that were compared with their parents.
    pub commits: usize,
    /// What could not be read, by object.
    pub skipped: Vec<Skip>,
}

impl Ranges<'_> {
    /// Hands over what a range adds, in no fixed order; the set of it depends on the repository
    /// alone. A blob comes as often as commits add it.
    pub fn changes(&self, range: &Range, visit: &(impl Fn(Change<'_>) + Sync)) -> Changes {
        let selected = self.select(range);
        let work = Work { ranges: self, visit, skipped: Mutex::default() };
        work.name_unread(&selected);
        let jobs = selected.commits.len() + selected.others.len();
        let next = AtomicUsize::new(0);
        let run = || {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                match selected.commits.get(number) {
                    Some((id, commit)) => work.commit(*id, commit),
                    None if number < jobs => work.other(selected.others[number - selected.commits.len()]),
                    None => return,
                }
            }
        };
        thread::scope(|scope| {
            for _ in 1..self.threads.get().min(jobs) {
                scope.spawn(run);
            }
            run();
        });
        let skipped = work.skipped.into_inner().unwrap_or_else(PoisonError::into_inner);
        Changes { commits: selected.commits.len(), skipped: skipped.into_values().collect() }
    }
}

impl Ranges<'_> {
    /// What a commit has at a path, of a file or a link.
    #[must_use]
    pub fn content(&self, commit: &ObjectId, path: &[u8]) -> Option<Vec<u8>> {
        let tree = load(self.read, self.git.hash(), commit).ok()?.tree;
        let blob = find(self.git.hash(), self.read, tree, path)?;
        Some((self.read)(&blob).ok()?.bytes)
    }
}

struct Work<'a, V> {
    ranges: &'a Ranges<'a>,
    visit: &'a V,
    skipped: Mutex<BTreeMap<ObjectId, Skip>>,
}

impl<V: Fn(Change<'_>) + Sync> Work<'_, V> {
    fn name_unread(&self, selected: &Selected) {
        for id in &selected.cut {
            let reason = "its parents are not in this shallow clone, and what it adds cannot be told from what was there";
            self.skip(*id, SkipReason::Unusable(reason.to_owned()));
        }
        selected.unread.iter().for_each(|error| self.unread(error));
        selected.damaged.iter().for_each(|&id| self.skip(id, SkipReason::Unusable("not a commit, or a damaged one".to_owned())));
    }

    fn commit(&self, id: ObjectId, commit: &Commit) {
        self.message(id, ObjectKind::Commit);
        let hash = self.ranges.git.hash();
        // The walk has named parents that cannot be read.
        let parents: Vec<_> = commit.parents.iter().filter_map(|id| Some(load(self.ranges.read, hash, id).ok()?.tree)).collect();
        self.tree(id, commit.tree, &parents);
    }

    /// What a tag points at, or a tag.
    fn other(&self, (id, kind): (ObjectId, ObjectKind)) {
        match kind {
            ObjectKind::Blob => self.blob(id, id, b"", &[]),
            ObjectKind::Tree => self.tree(id, id, &[]),
            ObjectKind::Commit | ObjectKind::Tag => self.message(id, kind),
        }
    }

    fn message(&self, id: ObjectId, kind: ObjectKind) {
        match (self.ranges.read)(&id) {
            Ok(object) => (self.visit)(Change::Message { id, kind, bytes: &object.bytes }),
            Err(error) => self.unread(&error),
        }
    }

    fn tree(&self, commit: ObjectId, tree: ObjectId, parents: &[ObjectId]) {
        let errors = compare(self.ranges.git.hash(), self.ranges.read, (tree, parents), &mut |one| {
            if one.old.is_empty() {
                (self.visit)(Change::Path { commit, path: &one.path });
            }
            if let Some(blob) = one.blob {
                self.blob(commit, blob, &one.path, &one.old);
            }
        });
        for error in errors {
            match error {
                TreeError::Read(error) => self.unread(&error),
                TreeError::Damaged(id) => self.skip(id, SkipReason::Unusable("not a tree".to_owned())),
                TreeError::TooLarge(id) => self.skip(id, SkipReason::Unusable("a tree too deep or too large".to_owned())),
            }
        }
    }

    fn blob(&self, commit: ObjectId, id: ObjectId, path: &[u8], old: &[ObjectId]) {
        match (self.ranges.read)(&id) {
            Ok(object) => (self.visit)(Change::Blob(BlobChange { commit, path, id, bytes: &object.bytes, old, read: self.ranges.read })),
            Err(error) => self.unread(&error),
        }
    }

    fn unread(&self, error: &ReadError) {
        match error {
            ReadError::Missing(id) => self.skip(*id, SkipReason::Missing),
            ReadError::Unreadable { id, source } => self.skip(*id, source.clone()),
        }
    }

    fn skip(&self, id: ObjectId, reason: SkipReason) {
        let place = Place::File(Arc::<PathBuf>::new(self.ranges.git.objects()));
        let mut skipped = self.skipped.lock().unwrap_or_else(PoisonError::into_inner);
        skipped.entry(id).or_insert(Skip { id: Some(id), place, reason });
    }
}
