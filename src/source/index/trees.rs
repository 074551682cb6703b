//! The trees that a commit of an index would have.

use std::collections::HashMap;

use super::file::{EntryState, FOLDER, IndexEntry, KIND};
use crate::source::object::{HashKind, ObjectId, ObjectKind};

/// Trees by their names; none of them needs to be stored.
pub(super) struct Trees {
    top: ObjectId,
    bytes: HashMap<ObjectId, Vec<u8>>,
}

impl Trees {
    /// The tree of the commit.
    pub(super) fn top(&self) -> ObjectId {
        self.top
    }

    pub(super) fn get(&self, id: &ObjectId) -> Option<&[u8]> {
        self.bytes.get(id).map(Vec::as_slice)
    }
}

/// A folder whose entries are not all known yet.
struct Open {
    /// How many bytes of the path lead to its entries.
    below: usize,
    bytes: Vec<u8>,
}

/// Builds the trees of all paths that belong to the commit.
pub(super) fn of(hash: HashKind, mut entries: Vec<IndexEntry>) -> Trees {
    entries.retain(|entry| entry.state == EntryState::Staged);
    if !entries.is_sorted_by(|a, b| a.path <= b.path) {
        entries.sort_by(|a, b| a.path.cmp(&b.path));
    }
    let mut trees = Trees { top: hash.id_of(ObjectKind::Tree, b""), bytes: HashMap::new() };
    let mut open = vec![Open { below: 0, bytes: Vec::new() }];
    let mut last: Vec<u8> = Vec::new();
    for IndexEntry { path, id, mode, .. } in entries {
        // A folder that is not expanded is written with a slash at its end.
        let path = path.strip_suffix(b"/").map(<[u8]>::to_vec).unwrap_or(path);
        while open.len() > 1 && !path.starts_with(&last[..open[open.len() - 1].below]) {
            close(hash, &mut open, &last, &mut trees);
        }
        let start = open[open.len() - 1].below;
        for slash in memchr::memchr_iter(b'/', &path[start..]) {
            open.push(Open { below: start + slash + 1, bytes: Vec::new() });
        }
        let innermost = open.last_mut().expect("the top stays open");
        let mode = if mode & KIND == FOLDER { FOLDER } else { mode };
        write_entry(&mut innermost.bytes, mode, &path[innermost.below..], &id);
        last = path;
    }
    while open.len() > 1 {
        close(hash, &mut open, &last, &mut trees);
    }
    let top = open.pop().expect("the top stays open").bytes;
    trees.top = hash.id_of(ObjectKind::Tree, &top);
    trees.bytes.insert(trees.top, top);
    trees
}

/// Enters the innermost folder, in which `path` lies, into the one around it.
fn close(hash: HashKind, open: &mut Vec<Open>, path: &[u8], trees: &mut Trees) {
    let Some(Open { below, bytes }) = open.pop() else { return };
    let id = hash.id_of(ObjectKind::Tree, &bytes);
    if let Some(around) = open.last_mut() {
        write_entry(&mut around.bytes, FOLDER, &path[around.below..below - 1], &id);
    }
    trees.bytes.insert(id, bytes);
}

fn write_entry(tree: &mut Vec<u8>, mode: u32, name: &[u8], id: &ObjectId) {
    tree.extend_from_slice(format!("{mode:o} ").as_bytes());
    tree.extend_from_slice(name);
    tree.push(0);
    tree.extend_from_slice(id.as_bytes());
}
