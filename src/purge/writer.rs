//! New objects, written as packs into a bare repository that borrows those that are there.

use std::collections::VecDeque;
use std::fs;
use std::path::Path;

use foldhash::{HashMap, HashSet};

use super::git::{Git, GitError};
use super::mirror::MirrorError;
use super::rewrite::{NewObject, RewriteError, Rewriter, Rewritten, Sink, TreePath};
use super::{Held, Repository, find};
use crate::source::object::{HashKind, ObjectId, ObjectKind};
use crate::source::pack::{PackWriter, delta, shared_ends};
use crate::source::refs::GitDir;

/// So much of new objects is held before it is written.
const HELD: usize = 64 << 20;
/// So many objects of one path are remembered, because branches take turns.
const VERSIONS: usize = 4;
/// So much of objects is remembered.
const REMEMBERED: usize = 64 << 20;
/// Deltas of deltas go so deep, as those of git do.
const DEEPEST: usize = 50;

/// Where a git directory names what it borrows.
pub(super) const BORROWED: &str = "objects/info/alternates";

/// Makes what has to change of a repository in a folder that becomes a bare repository and borrows the rest.
pub(super) fn rewrite_into(part: &Path, git: &GitDir, repository: &Repository<'_>, held: &Held) -> Result<Rewritten, MirrorError> {
    let borrowed = part.join(BORROWED);
    let wrong = |source| MirrorError::Io { path: borrowed.clone(), source };
    fs::create_dir_all(part.join("objects/info")).map_err(wrong)?;
    let format = match repository.store.hash_kind() {
        HashKind::Sha1 => "--object-format=sha1",
        HashKind::Sha256 => "--object-format=sha256",
    };
    Git::at(part).run("init", &["--bare", "--quiet", "--template=", format], b"")?;
    fs::write(&borrowed, [git.objects().as_os_str().as_encoded_bytes(), b"\n"].concat()).map_err(wrong)?;
    let mut writer = Writer::new(part, repository.store.hash_kind());
    let rewritten = Rewriter::new(repository, held, &mut writer)?.run()?;
    if !rewritten.is_change() {
        return Err(MirrorError::NoChange);
    }
    writer.flush()?;
    Ok(rewritten)
}

/// Refuses a repository whose objects, all of them read again, hold a value.
pub(super) fn check_clean(part: &Path, repository: &Repository<'_>) -> Result<(), MirrorError> {
    let unreadable = |error: &dyn std::fmt::Display| MirrorError::Unreadable(error.to_string());
    let git = GitDir::at(part).map_err(|error| unreadable(&error))?;
    let store = git.open_objects(repository.store.limits().clone()).map_err(|error| unreadable(&error))?;
    let held = find(&store, repository.sought);
    match (held.skipped.first(), held.objects.len()) {
        (Some(skip), _) => Err(unreadable(skip)),
        (None, 0) => Ok(()),
        (None, left) => Err(MirrorError::Left(left)),
    }
}

/// Holds new objects and hands them to git as packs. git works out the names of all of them again.
struct Writer<'p> {
    part: &'p Path,
    hash: HashKind,
    pack: PackWriter,
    written: HashSet<ObjectId>,
    recent: Recent,
}

impl<'p> Writer<'p> {
    fn new(part: &'p Path, hash: HashKind) -> Self {
        Self { part, hash, pack: PackWriter::default(), written: HashSet::default(), recent: Recent::default() }
    }

    fn flush(&mut self) -> Result<(), GitError> {
        self.recent = Recent::default();
        match self.pack.take(self.hash) {
            Some(pack) => Git::at(self.part).run("index-pack", &["--stdin"], &pack).map(drop),
            None => Ok(()),
        }
    }
}

impl Sink for Writer<'_> {
    fn put(&mut self, object: &NewObject<'_>) -> Result<(), RewriteError> {
        if !self.written.insert(object.id) {
            return Ok(());
        }
        let base = self.recent.like(object);
        let delta = base.and_then(|base| Some((base, delta(&base.bytes, object.bytes, object.bytes.len() / 2)?)));
        let (place, depth) = match delta {
            Some((base, delta)) => (self.pack.add_delta(base.place, &delta), base.depth + 1),
            None => (self.pack.add(object.kind, object.bytes), 0),
        };
        self.recent.add(object, place, depth);
        if self.pack.size() > HELD { self.flush().map_err(|error| RewriteError::Write(error.to_string())) } else { Ok(()) }
    }
}

/// Objects of the pack that later ones may be deltas of, by path.
#[derive(Default)]
struct Recent {
    by_path: HashMap<(ObjectKind, TreePath), VecDeque<Version>>,
    bytes: usize,
}

/// An object that was at a path.
struct Version {
    bytes: Vec<u8>,
    /// Where it is in the pack.
    place: u64,
    /// It is a delta of a delta, so many times.
    depth: usize,
}

impl Recent {
    /// The object of the same path that has most in common with this one.
    fn like(&self, object: &NewObject<'_>) -> Option<&Version> {
        let versions = self.by_path.get(&(object.kind, object.path))?.iter().filter(|version| version.depth < DEEPEST);
        versions.max_by_key(|version| {
            let (before, behind) = shared_ends(&version.bytes, object.bytes);
            before + behind
        })
    }

    fn add(&mut self, object: &NewObject<'_>, place: u64, depth: usize) {
        if object.path == TreePath::NONE || object.bytes.len() > REMEMBERED / 8 {
            return;
        }
        self.bytes += object.bytes.len();
        if self.bytes > REMEMBERED {
            *self = Self { bytes: object.bytes.len(), ..Self::default() };
        }
        let versions = self.by_path.entry((object.kind, object.path)).or_default();
        versions.push_back(Version { bytes: object.bytes.to_vec(), place, depth });
        if versions.len() > VERSIONS {
            self.bytes -= versions.pop_front().map_or(0, |version| version.bytes.len());
        }
    }
}
