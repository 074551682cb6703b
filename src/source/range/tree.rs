//! Comparing a tree with those of its parents, all at once: what differs from every one of them.

use std::collections::HashMap;

use crate::source::object::{HashKind, Object, ObjectId, ObjectKind, ReadError};

/// Folders are followed this deep.
const DEEPEST: usize = 1024;
/// So many names of one commit are compared; a tree can be made that has more than any disk.
const MOST: usize = 20_000_000;
/// Bytes of paths that are held of one commit.
const HELD: usize = 256 << 20;

/// A file or link whose content or name no parent has.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::source) struct Changed {
    pub(in crate::source) path: Vec<u8>,
    /// Its content; `None` for a submodule, and if it only moved.
    pub(in crate::source) blob: Option<ObjectId>,
    /// What the parents have under this path.
    pub(in crate::source) old: Vec<ObjectId>,
}

/// Why trees cannot be compared.
#[derive(Debug)]
pub(in crate::source) enum TreeError {
    Read(ReadError),
    /// The object is no tree.
    Damaged(ObjectId),
    /// Deeper or larger than any tree that somebody made to be used.
    TooLarge(ObjectId),
}

/// Reads one object.
pub(in crate::source) type Read<'a> = &'a (dyn Fn(&ObjectId) -> Result<Object, ReadError> + Sync);

/// Hands over what `tree` has and no parent has, in an order that depends on the trees alone. A file
/// that only moved (from where a parent has it and the tree has not) counts as a name alone. A
/// subtree that cannot be read costs itself alone.
pub(in crate::source) fn compare(
    hash: HashKind,
    read: Read<'_>,
    (tree, parents): (ObjectId, &[ObjectId]),
    visit: &mut dyn FnMut(Changed),
) -> Vec<TreeError> {
    let mut work =
        Compare { hash, read, names: 0, held: 0, changed: Vec::new(), gone: Vec::new(), entered: HashMap::new(), errors: Vec::new() };
    let mut pending = vec![Folder { path: Vec::new(), depth: 0, tree, parents: parents.to_vec() }];
    while let Some(folder) = pending.pop() {
        work.held -= folder.path.len();
        if let Err(error) = work.folder(&folder, &mut pending) {
            work.errors.push(error);
        }
        if work.held > HELD || work.names > MOST {
            work.errors.push(TreeError::TooLarge(tree));
            break;
        }
        if parents.is_empty() {
            // Nothing can have moved.
            work.held -= work.changed.iter().map(|one| one.path.len()).sum::<usize>();
            work.changed.drain(..).for_each(&mut *visit);
        }
    }
    work.leave_out_moved();
    work.changed.into_iter().for_each(visit);
    work.errors
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
    /// Bytes of the paths of `changed` and of folders that wait.
    held: usize,
    changed: Vec<Changed>,
    /// Entries of parents that the tree has not.
    gone: Vec<(EntryKind, ObjectId)>,
    /// Trees that no parent has a like of, and how often they were met.
    entered: HashMap<ObjectId, usize>,
    errors: Vec<TreeError>,
}

/// A tree is entered in so many of its places.
const MOST_PLACES: usize = 100;

/// Whether a tree is not yet known from many other places.
fn is_first(entered: &mut HashMap<ObjectId, usize>, tree: ObjectId) -> bool {
    let times = entered.entry(tree).or_default();
    *times += 1;
    *times <= MOST_PLACES
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
        if folder.depth > DEEPEST {
            return Err(TreeError::TooLarge(folder.tree));
        }
        // The same tree in many places has nothing new after a while; names alone could go on for ever.
        if folder.parents.is_empty() && !is_first(&mut self.entered, folder.tree) {
            return Ok(());
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
        let length = path.len();
        match entry.kind {
            EntryKind::Tree => pending.push(Folder { path, depth: folder.depth + 1, tree: entry.id, parents: alike().collect() }),
            EntryKind::Blob => self.changed.push(Changed { path, blob: Some(entry.id), old: alike().collect() }),
            EntryKind::Submodule if same.is_empty() => self.changed.push(Changed { path, blob: None, old: Vec::new() }),
            EntryKind::Submodule => return,
        }
        self.held += length;
    }

    /// A new file whose content lay elsewhere in a parent and is gone from there only moved.
    fn leave_out_moved(&mut self) {
        self.changed.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        if self.gone.is_empty() || !self.changed.iter().any(|one| one.old.is_empty()) {
            return;
        }
        let mut gone: HashMap<ObjectId, usize> = HashMap::new();
        let mut names = 0;
        let mut entered: HashMap<ObjectId, usize> = HashMap::new();
        while let Some((kind, id)) = self.gone.pop() {
            match kind {
                EntryKind::Blob => *gone.entry(id).or_default() += 1,
                EntryKind::Tree if names < MOST && is_first(&mut entered, id) => {
                    // What cannot be read hides no move: the file counts as new.
                    let bytes = self.tree(&id).unwrap_or_default();
                    let entries = entries(self.hash, &bytes).unwrap_or_default();
                    names += entries.len();
                    self.gone.extend(entries.iter().map(|entry| (entry.kind, entry.id)));
                }
                _ => {}
            }
        }
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

/// The file or link at a path below a tree, if all of that can be read. Bytes of names that are not UTF-8 may be replaced, as in
/// reports.
pub(super) fn find(hash: HashKind, read: Read<'_>, tree: ObjectId, path: &[u8]) -> Option<ObjectId> {
    let mut at = tree;
    let mut parts = path.split(|&byte| byte == b'/').peekable();
    while let Some(part) = parts.next() {
        let bytes = read(&at).ok().filter(|object| object.kind == ObjectKind::Tree)?.bytes;
        let wanted = if parts.peek().is_some() { EntryKind::Tree } else { EntryKind::Blob };
        let entries = entries(hash, &bytes)?;
        let called = |is: &dyn Fn(&[u8]) -> bool| entries.iter().find(|entry| entry.kind == wanted && is(entry.name));
        at = called(&|name| name == part).or_else(|| called(&|name| String::from_utf8_lossy(name).as_bytes() == part))?.id;
    }
    Some(at)
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

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: HashKind = HashKind::Sha1;

    fn id(number: u32) -> ObjectId {
        ObjectId::from_bytes(HASH, &[[0xee; 16].as_slice(), &number.to_be_bytes()].concat()).expect("20 bytes")
    }

    fn tree(entries: &[(&str, &str, ObjectId)]) -> Vec<u8> {
        entries.iter().flat_map(|(mode, name, id)| [format!("{mode} {name}\0").as_bytes(), id.as_bytes()].concat()).collect()
    }

    fn run(trees: &HashMap<ObjectId, Vec<u8>>, tree: u32, parents: &[u32]) -> (Vec<String>, Vec<TreeError>) {
        let read = |id: &ObjectId| match trees.get(id) {
            Some(bytes) => Ok(Object { kind: ObjectKind::Tree, bytes: bytes.clone() }),
            None => Err(ReadError::Missing(*id)),
        };
        let parents: Vec<_> = parents.iter().map(|&number| id(number)).collect();
        let mut paths = Vec::new();
        let errors = compare(HASH, &read, (id(tree), &parents), &mut |one| paths.push(String::from_utf8(one.path).expect("ASCII")));
        (paths, errors)
    }

    #[test]
    fn a_subtree_that_is_missing_costs_itself_alone() {
        let files = [("40000", "gone", id(9)), ("100644", "here", id(5))];
        let trees = HashMap::from([(id(1), tree(&files)), (id(2), tree(&[])), (id(3), b"40000 cut off".to_vec())]);
        for parents in [&[][..], &[2]] {
            let (paths, errors) = run(&trees, 1, parents);
            assert_eq!(paths, ["here"]);
            assert!(matches!(errors[..], [TreeError::Read(ReadError::Missing(missing))] if missing == id(9)));
        }
        let (paths, errors) = run(&trees, 1, &[3]);
        assert!(paths.is_empty() && matches!(errors[..], [TreeError::Damaged(damaged)] if damaged == id(3)), "{errors:?}");
    }

    #[test]
    fn trees_that_hold_themselves_come_to_an_end() {
        let narrow = HashMap::from([(id(1), tree(&[("40000", "again", id(1)), ("100644", "file", id(2))]))]);
        let (paths, errors) = run(&narrow, 1, &[]);
        assert_eq!((paths.len(), errors.len()), (MOST_PLACES, 0));
        let names: Vec<_> = (0..900).map(|number| format!("{number:0200}")).collect();
        let entries: Vec<_> = names.iter().map(|name| ("40000", name.as_str(), id(1))).collect();
        let wide = HashMap::from([(id(1), tree(&entries)), (id(2), tree(&[]))]);
        assert!(run(&wide, 1, &[2]).0.is_empty());
    }

    #[test]
    fn a_tree_in_ever_more_places_is_read_a_few_times() {
        // Ten folders that are the same, ten times inside each other: ten thousand million paths to one file.
        let mut trees: HashMap<_, _> = (1..=10)
            .map(|level| {
                let names: Vec<_> = (0..10).map(|number| format!("d{number}")).collect();
                let entries: Vec<_> = names.iter().map(|name| ("40000", name.as_str(), id(level + 1))).collect();
                (id(level), tree(&entries))
            })
            .collect();
        trees.insert(id(11), tree(&[("100644", "file", id(12))]));
        trees.insert(id(13), tree(&[("100644", "new", id(14))]));
        let (paths, errors) = run(&trees, 1, &[]);
        assert!((1..=MOST_PLACES).contains(&paths.len()) && errors.is_empty(), "{}", paths.len());
        assert_eq!(run(&trees, 13, &[1]).0, ["new"], "and what is gone as well");
    }
}
