//! Comparing a tree with those of its parents, all at once: what differs from every one of them.

use std::collections::HashMap;

use crate::source::object::{HashKind, Object, ObjectId, ObjectKind, ReadError};

/// Folders are followed this deep.
const DEEPEST: usize = 1024;
/// So many names of one commit are compared; a tree can be made that has more than any disk.
const MOST: usize = 20_000_000;

/// A file or link whose content or name no parent has.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Changed {
    pub(super) path: Vec<u8>,
    /// Its content; `None` for a submodule, and if it only moved.
    pub(super) blob: Option<ObjectId>,
    /// What the parents have under this path.
    pub(super) old: Vec<ObjectId>,
}

/// Why trees cannot be compared.
#[derive(Debug)]
pub(super) enum TreeError {
    Read(ReadError),
    /// The object is no tree.
    Damaged(ObjectId),
    /// Deeper or larger than any tree that somebody made to be used.
    TooLarge(ObjectId),
}

/// Reads one object.
pub(super) type Read<'a> = &'a (dyn Fn(&ObjectId) -> Result<Object, ReadError> + Sync);

/// Hands over what `tree` has and no parent has. A file that only moved (from where a parent has it
/// and the tree has not) counts as a name alone. A subtree that cannot be read costs itself alone.
pub(super) fn compare(hash: HashKind, read: Read<'_>, tree: ObjectId, parents: &[ObjectId]) -> (Vec<Changed>, Vec<TreeError>) {
    let mut work = Compare { hash, read, names: 0, changed: Vec::new(), gone: Vec::new(), errors: Vec::new() };
    let mut pending = vec![Folder { path: Vec::new(), depth: 0, tree, parents: parents.to_vec() }];
    while let Some(folder) = pending.pop() {
        if let Err(error) = work.folder(&folder, &mut pending) {
            work.errors.push(error);
        }
    }
    work.leave_out_moved();
    work.changed.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    (work.changed, work.errors)
}

/// A subtree and what the parents have in its place.
struct Folder {
    path: Vec<u8>,
    depth: usize,
    tree: ObjectId,
    parents: Vec<ObjectId>,
}

struct Compare<'a> {
    hash: HashKind,
    read: Read<'a>,
    names: usize,
    changed: Vec<Changed>,
    /// Entries of parents that the tree has not.
    gone: Vec<(EntryKind, ObjectId)>,
    errors: Vec<TreeError>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum EntryKind {
    Tree,
    Blob,
    Submodule,
}

struct Entry<'a> {
    kind: EntryKind,
    name: &'a [u8],
    id: ObjectId,
}

impl Compare<'_> {
    fn folder(&mut self, folder: &Folder, pending: &mut Vec<Folder>) -> Result<(), TreeError> {
        if folder.parents.contains(&folder.tree) {
            return Ok(());
        }
        if folder.depth > DEEPEST || self.names > MOST {
            return Err(TreeError::TooLarge(folder.tree));
        }
        let bytes = self.tree(&folder.tree)?;
        // Without a parent's tree everything in it counts as new.
        let mut old = Vec::with_capacity(folder.parents.len());
        for parent in &folder.parents {
            match self.tree(parent) {
                Ok(bytes) => old.push((parent, bytes)),
                Err(error) => self.errors.push(error),
            }
        }
        let mut parents = Vec::with_capacity(old.len());
        for (id, bytes) in &old {
            let entries = entries(self.hash, bytes).ok_or(TreeError::Damaged(**id))?;
            parents.push(entries.into_iter().map(|entry| (entry.name, entry)).collect::<HashMap<_, _>>());
        }
        let entries = entries(self.hash, &bytes).ok_or(TreeError::Damaged(folder.tree))?;
        self.names += entries.len();
        for entry in &entries {
            let same: Vec<_> = parents.iter_mut().filter_map(|parent| parent.remove(entry.name)).collect();
            self.entry(folder, entry, &same, pending);
        }
        self.gone.extend(parents.iter().flat_map(|parent| parent.values()).map(|entry| (entry.kind, entry.id)));
        Ok(())
    }

    /// One name; `same` are the parents' entries of that name.
    fn entry(&mut self, folder: &Folder, entry: &Entry<'_>, same: &[Entry<'_>], pending: &mut Vec<Folder>) {
        let alike = || same.iter().filter(|old| old.kind == entry.kind).map(|old| old.id);
        self.gone.extend(same.iter().filter(|old| old.kind != entry.kind).map(|old| (old.kind, old.id)));
        if alike().any(|id| id == entry.id) {
            return;
        }
        let mut path = folder.path.clone();
        if !path.is_empty() {
            path.push(b'/');
        }
        path.extend_from_slice(entry.name);
        match entry.kind {
            EntryKind::Tree => pending.push(Folder { path, depth: folder.depth + 1, tree: entry.id, parents: alike().collect() }),
            EntryKind::Blob => self.changed.push(Changed { path, blob: Some(entry.id), old: alike().collect() }),
            EntryKind::Submodule if same.is_empty() => self.changed.push(Changed { path, blob: None, old: Vec::new() }),
            EntryKind::Submodule => {}
        }
    }

    /// A new file whose content lay elsewhere in a parent and is gone from there only moved.
    fn leave_out_moved(&mut self) {
        if self.gone.is_empty() || !self.changed.iter().any(|one| one.old.is_empty()) {
            return;
        }
        let mut gone: HashMap<ObjectId, usize> = HashMap::new();
        let mut names = 0;
        while let Some((kind, id)) = self.gone.pop() {
            match kind {
                EntryKind::Blob => *gone.entry(id).or_default() += 1,
                EntryKind::Tree if names < MOST => {
                    // What cannot be read hides no move: the file counts as new.
                    let bytes = self.tree(&id).unwrap_or_default();
                    let entries = entries(self.hash, &bytes).unwrap_or_default();
                    names += entries.len();
                    self.gone.extend(entries.iter().map(|entry| (entry.kind, entry.id)));
                }
                _ => {}
            }
        }
        self.changed.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        for one in self.changed.iter_mut().filter(|one| one.old.is_empty()) {
            if let Some(left) = one.blob.and_then(|blob| gone.get_mut(&blob)).filter(|left| **left > 0) {
                *left -= 1;
                one.blob = None;
            }
        }
    }

    fn tree(&self, id: &ObjectId) -> Result<Vec<u8>, TreeError> {
        match (self.read)(id) {
            Ok(Object { kind: ObjectKind::Tree, bytes }) => Ok(bytes),
            // Git knows the empty tree without storing it.
            _ if *id == self.hash.id_of(ObjectKind::Tree, b"") => Ok(Vec::new()),
            Ok(_) => Err(TreeError::Damaged(*id)),
            Err(error) => Err(TreeError::Read(error)),
        }
    }
}

/// `<octal mode> <name>\0<id>`, one after the other.
fn entries(hash: HashKind, tree: &[u8]) -> Option<Vec<Entry<'_>>> {
    let mut found = Vec::new();
    let mut rest = tree;
    while !rest.is_empty() {
        let space = memchr::memchr(b' ', rest)?;
        let end = space + memchr::memchr(0, &rest[space..])?;
        let (id, after) = rest[end + 1..].split_at_checked(hash.id_len())?;
        let kind = match &rest[..space] {
            b"40000" | b"040000" => EntryKind::Tree,
            b"160000" => EntryKind::Submodule,
            _ => EntryKind::Blob,
        };
        found.push(Entry { kind, name: &rest[space + 1..end], id: ObjectId::from_bytes(hash, id)? });
        rest = after;
    }
    Some(found)
}
