//! What leads to the values, made anew: blobs, the trees above them, the commits and tags that name them, and the refs.
//! Everything else keeps its name.

use std::collections::BTreeMap;

use foldhash::{HashMap, HashSet};

use super::edit::{self, Entry};
use super::find::Held;
use super::{Repository, TAGS, names};
use crate::source::history::{Wanted, leading_trees};
use crate::source::object::{ObjectId, ObjectKind, ReadError};

/// Notes lie at most so many folders deep: one for each byte of a name.
const DEEPEST_NOTE: usize = 32;

/// Why a history cannot be rewritten.
#[derive(Debug, thiserror::Error)]
pub enum RewriteError {
    /// An object that has to change cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A tree makes no sense.
    #[error("the tree {0} cannot be read: its entries make no sense")]
    Tree(ObjectId),
    /// Too many trees lead to the values.
    #[error("more trees lead to the values than can be followed")]
    Many,
    /// A new object could not be kept.
    #[error("{0}")]
    Write(String),
}

/// An object that was made.
pub(super) struct NewObject<'a> {
    pub(super) id: ObjectId,
    pub(super) kind: ObjectKind,
    pub(super) bytes: &'a [u8],
    /// Objects at one path are mostly much alike.
    pub(super) path: TreePath,
}

/// Takes new objects.
pub(super) trait Sink {
    /// Keeps one.
    fn put(&mut self, object: &NewObject<'_>) -> Result<(), RewriteError>;
}

/// Stands for a path. Two paths may have the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct TreePath(u64);

impl TreePath {
    /// Where the tree of a commit is.
    const TOP: Self = Self(0xCBF2_9CE4_8422_2325);
    /// Where notes are.
    const NOTES: Self = Self(1);
    /// Of what has no path.
    pub(super) const NONE: Self = Self(0);

    fn of_entry(self, name: &[u8]) -> Self {
        let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01B3);
        Self(name.iter().fold(step(self.0, &b'/'), step))
    }
}

/// A tree that waits for what it leads to.
struct Open {
    id: ObjectId,
    bytes: Vec<u8>,
    path: TreePath,
    /// What changes of it, and which of that is next.
    links: Vec<Link>,
    next: usize,
    /// A name in it holds a value.
    renamed: bool,
}

/// An entry of a tree that becomes another one.
#[derive(Clone, Copy)]
struct Link {
    id: ObjectId,
    id_at: usize,
    path: TreePath,
    is_tree: bool,
}

/// What a rewritten history is.
#[derive(Debug, Default)]
pub struct Rewritten {
    /// New names of commits that changed, parents first.
    pub commits: Vec<(ObjectId, ObjectId)>,
    /// Commits and tags that are signed no more.
    pub unsigned: Vec<ObjectId>,
    /// Refs as they are to be: name before, name now, object before, object now.
    pub refs: Vec<NewRef>,
    /// How many blobs and trees changed.
    pub blobs: usize,
    /// How many trees changed.
    pub trees: usize,
    /// Commits without a parent that changed.
    pub first: Vec<ObjectId>,
    /// All objects that others take the place of.
    pub replaced: Vec<ObjectId>,
}

impl Rewritten {
    /// Whether anything that refs lead to is another one now.
    #[must_use]
    pub fn is_change(&self) -> bool {
        self.refs.iter().any(NewRef::is_change)
    }
}

impl NewRef {
    /// Whether it has another name or leads elsewhere.
    #[must_use]
    pub fn is_change(&self) -> bool {
        self.new != self.old || self.name != self.old_name
    }
}

/// A ref of the mirror.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRef {
    /// Its name in the repository.
    pub old_name: Vec<u8>,
    /// Its name in the mirror.
    pub name: Vec<u8>,
    /// What it leads to in the repository.
    pub old: ObjectId,
    /// What it leads to in the mirror.
    pub new: ObjectId,
    /// The ref that it names, if it is symbolic.
    pub symbolic: Option<Vec<u8>>,
}

/// Makes what has to change.
pub(super) struct Rewriter<'a, S: Sink> {
    repository: &'a Repository<'a>,
    held: &'a Held,
    sink: &'a mut S,
    /// Blobs that hold a value.
    blobs: HashSet<ObjectId>,
    /// Trees that lead to a value.
    leading: HashSet<ObjectId>,
    /// New names.
    new: HashMap<ObjectId, ObjectId>,
    done: Rewritten,
}

impl<'a, S: Sink> Rewriter<'a, S> {
    pub(super) fn new(repository: &'a Repository<'a>, held: &'a Held, sink: &'a mut S) -> Result<Self, RewriteError> {
        let blobs: HashSet<ObjectId> = held.objects.iter().filter(|(_, hold)| hold.kind == ObjectKind::Blob).map(|(id, _)| *id).collect();
        let wanted = Wanted {
            blobs: blobs.iter().copied().collect(),
            names: held.names.iter().map(|name| name.clone().into_boxed_slice()).collect(),
        };
        let leading = leading_trees(repository.store, &wanted).ok_or(RewriteError::Many)?;
        Ok(Self { repository, held, sink, blobs, leading, new: HashMap::default(), done: Rewritten::default() })
    }

    pub(super) fn run(mut self) -> Result<Rewritten, RewriteError> {
        let notes = self.repository.reached(true);
        let others = self.repository.reached(false);
        for commit in (0..self.repository.graph.len()).filter(|&commit| others[commit]) {
            self.commit(commit as u32, false)?;
        }
        // Notes are named after commits, whose new names are known now.
        for commit in (0..self.repository.graph.len()).filter(|&commit| notes[commit] && !others[commit]) {
            self.commit(commit as u32, true)?;
        }
        self.refs()?;
        self.done.replaced = self.new.iter().filter(|(old, new)| old != new).map(|(old, _)| *old).collect();
        self.done.replaced.sort_unstable();
        Ok(self.done)
    }

    fn put(&mut self, old: ObjectId, kind: ObjectKind, bytes: &[u8], path: TreePath) -> Result<ObjectId, RewriteError> {
        let id = self.put_new(kind, bytes, path)?;
        self.new.insert(old, id);
        Ok(id)
    }

    fn put_new(&mut self, kind: ObjectKind, bytes: &[u8], path: TreePath) -> Result<ObjectId, RewriteError> {
        let id = self.repository.store.hash_kind().id_of(kind, bytes);
        self.sink.put(&NewObject { id, kind, bytes, path })?;
        Ok(id)
    }

    fn commit(&mut self, number: u32, of_notes: bool) -> Result<(), RewriteError> {
        let graph = self.repository.graph;
        let (id, tree) = (graph.id(number), graph.tree(number));
        let root = if of_notes { self.notes(tree)? } else { self.tree(tree, TreePath::TOP)? };
        let parents = graph.parents(number);
        let moved = root != tree || parents.iter().any(|&parent| self.new.contains_key(&graph.id(parent)));
        if !moved && !self.held.objects.contains_key(&id) {
            return Ok(());
        }
        let object = self.repository.store.read(&id)?;
        let new = |old: &ObjectId| if *old == tree { Some(root).filter(|root| *root != tree) } else { self.new.get(old).copied() };
        let Some(edited) = edit::edited(&object.bytes, self.repository.sought, new) else { return Ok(()) };
        if parents.iter().all(|&parent| !self.new.contains_key(&graph.id(parent))) {
            self.done.first.push(id);
        }
        let made = self.put(id, ObjectKind::Commit, &edited.bytes, TreePath::NONE)?;
        self.done.commits.push((id, made));
        if edited.unsigned {
            self.done.unsigned.push(id);
        }
        Ok(())
    }

    /// The new name of a tree and of all below it; its own if nothing in it changes. Trees may be nested deeper than the
    /// stack of a thread reaches.
    fn tree(&mut self, id: ObjectId, path: TreePath) -> Result<ObjectId, RewriteError> {
        let mut open = Vec::new();
        if self.leading.contains(&id) && !self.new.contains_key(&id) {
            open.push(self.opened(id, path)?);
        }
        while let Some(last) = open.last_mut() {
            let Some(&link) = last.links.get(last.next) else {
                open.pop().map(|tree| self.close(tree)).transpose()?;
                continue;
            };
            last.next += 1;
            match (self.new.contains_key(&link.id), link.is_tree) {
                (true, _) => {}
                (false, true) => open.push(self.opened(link.id, link.path)?),
                (false, false) => self.blob(link.id, link.path)?,
            }
        }
        Ok(self.new.get(&id).copied().unwrap_or(id))
    }

    fn opened(&self, id: ObjectId, path: TreePath) -> Result<Open, RewriteError> {
        let bytes = self.repository.store.read(&id)?.bytes;
        let (mut links, mut renamed) = (Vec::new(), false);
        let read = edit::each_slot(&bytes, self.repository.store.hash_kind(), |slot| {
            let is_tree = slot.is_tree();
            if if is_tree { self.leading.contains(&slot.id) } else { !slot.is_gitlink() && self.blobs.contains(&slot.id) } {
                links.push(Link { id: slot.id, id_at: slot.id_at, path: path.of_entry(slot.name), is_tree });
            }
            renamed |= !self.held.names.is_empty() && self.held.names.contains(slot.name);
        });
        read.ok_or(RewriteError::Tree(id))?;
        Ok(Open { id, bytes, path, links, next: 0, renamed })
    }

    /// Makes a tree whose parts are known.
    fn close(&mut self, Open { id, mut bytes, path, links, renamed, .. }: Open) -> Result<(), RewriteError> {
        for link in links {
            if let Some(new) = self.new.get(&link.id) {
                bytes[link.id_at..][..new.as_bytes().len()].copy_from_slice(new.as_bytes());
            }
        }
        if renamed {
            let mut entries = edit::entries(&bytes, self.repository.store.hash_kind()).ok_or(RewriteError::Tree(id))?;
            let renamed = names::clean(&mut entries, self.repository.sought);
            bytes = edit::tree_of(entries, renamed);
        }
        self.put(id, ObjectKind::Tree, &bytes, path)?;
        self.done.trees += 1;
        Ok(())
    }

    /// The new name of what an entry stands for, if it has one; made now if it was not before.
    fn moved(&mut self, entry: &Entry, path: TreePath) -> Result<Option<ObjectId>, RewriteError> {
        if entry.is_gitlink() {
            return Ok(None);
        }
        if entry.is_tree() {
            self.tree(entry.id, path)?;
        } else if self.blobs.contains(&entry.id) && !self.new.contains_key(&entry.id) {
            self.blob(entry.id, path)?;
        }
        Ok(self.new.get(&entry.id).copied())
    }

    fn blob(&mut self, id: ObjectId, path: TreePath) -> Result<(), RewriteError> {
        let bytes = if self.held.sealed.contains_key(&id) {
            format!("{}\n", edit::REPLACEMENT).into_bytes()
        } else {
            let object = self.repository.store.read(&id)?;
            edit::replaced(&object.bytes, &edit::hits(&object.bytes, self.repository.sought))
        };
        self.put(id, ObjectKind::Blob, &bytes, path)?;
        self.done.blobs += 1;
        Ok(())
    }

    /// A tree of notes, whose files are named after commits, with their new names.
    fn notes(&mut self, root: ObjectId) -> Result<ObjectId, RewriteError> {
        let mut files: Vec<(Vec<Vec<u8>>, Entry)> = Vec::new();
        let mut folders = vec![(Vec::new(), root)];
        let mut moved = false;
        while let Some((above, id)) = folders.pop() {
            let tree = self.repository.store.read(&id)?;
            let entries = edit::entries(&tree.bytes, self.repository.store.hash_kind()).ok_or(RewriteError::Tree(id))?;
            for mut entry in entries {
                let mut path: Vec<Vec<u8>> = above.clone();
                if entry.is_tree() && path.len() < DEEPEST_NOTE {
                    path.push(entry.name);
                    folders.push((path, entry.id));
                    continue;
                }
                if let Some(new) = self.moved(&entry, TreePath::NOTES.of_entry(&entry.name))? {
                    (entry.id, moved) = (new, true);
                }
                if let Some(name) = names::after_object(&path.concat(), &entry.name, |old| self.new.get(old).copied()) {
                    let lengths: Vec<usize> = path.iter().map(Vec::len).collect();
                    let mut rest = name.into_bytes();
                    path = lengths.into_iter().map(|length| rest.drain(..length).collect()).collect();
                    (entry.name, moved) = (rest, true);
                } else if let Some(name) = names::cleaned(&entry.name, self.repository.sought) {
                    (entry.name, moved) = (name, true);
                }
                files.push((path, entry));
            }
        }
        if moved { self.folder(files, 0) } else { Ok(root) }
    }

    fn folder(&mut self, files: Vec<(Vec<Vec<u8>>, Entry)>, depth: usize) -> Result<ObjectId, RewriteError> {
        let (mut entries, mut below): (Vec<Entry>, BTreeMap<Vec<u8>, Vec<_>>) = (Vec::new(), BTreeMap::new());
        for (path, entry) in files {
            match path.get(depth) {
                Some(folder) => below.entry(folder.clone()).or_default().push((path, entry)),
                None => entries.push(entry),
            }
        }
        for (name, files) in below {
            let id = self.folder(files, depth + 1)?;
            entries.push(Entry { mode: b"40000".to_vec(), name, id });
        }
        self.put_new(ObjectKind::Tree, &edit::tree_of(entries, true), TreePath::NOTES)
    }

    fn refs(&mut self) -> Result<(), RewriteError> {
        let carried: Vec<_> = self.repository.carried().cloned().collect();
        let mut taken: HashSet<Vec<u8>> = carried.iter().map(|one| one.name.clone()).collect();
        for one in carried {
            let Some(old) = one.id else { continue };
            let new = self.target(old)?;
            let mut name = match names::cleaned(&one.name, self.repository.sought) {
                Some(clean) => names::free(&clean, |name| taken.contains(name)),
                None => one.name.clone(),
            };
            // A replacement is named after what it replaces.
            if let Some(replaced) = one.name.strip_prefix(b"refs/replace/")
                && let Some(renamed) = names::after_object(b"", replaced, |old| self.new.get(old).copied())
            {
                name = format!("refs/replace/{renamed}").into_bytes();
            }
            taken.insert(name.clone());
            self.done.refs.push(NewRef { old_name: one.name, name, old, new, symbolic: one.symbolic });
        }
        Ok(())
    }

    /// The new name of what a ref leads to: a commit, a tag, rarely a blob or a tree.
    fn target(&mut self, id: ObjectId) -> Result<ObjectId, RewriteError> {
        let mut tags = Vec::new();
        let mut at = id;
        while !self.new.contains_key(&at) && tags.len() < TAGS {
            if self.leading.contains(&at) {
                self.tree(at, TreePath::NONE)?;
                break;
            }
            let object = self.repository.store.read(&at)?;
            match object.tagged() {
                Some(target) => {
                    tags.push((at, object));
                    at = target;
                }
                None => {
                    if self.blobs.contains(&at) {
                        self.blob(at, TreePath::NONE)?;
                    }
                    break;
                }
            }
        }
        for (tag, object) in tags.into_iter().rev() {
            let edited = edit::edited(&object.bytes, self.repository.sought, |old| self.new.get(old).copied());
            if let Some(edited) = edited {
                self.put(tag, ObjectKind::Tag, &edited.bytes, TreePath::NONE)?;
                if edited.unsigned {
                    self.done.unsigned.push(tag);
                }
            }
        }
        Ok(self.new.get(&id).copied().unwrap_or(id))
    }
}
