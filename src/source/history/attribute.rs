//! Where and when blobs were in the tree.
//!
//! Trees that lead to a wanted blob are found level by level, each level in one pass over all
//! trees in the order of the packs. What they lead to is then numbered so that equal contents have
//! equal numbers: a commit's whole relevant content is one number, and only where it differs from
//! a parent's is there anything to compare.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

use super::graph::CommitGraph;
use super::trees::{Entry, EntryKind, Starts};
use crate::source::object::{HashKind, ObjectId, ObjectInfo, ObjectKind, ObjectStore, Skip, Visitor};
use crate::source::pack::Delta;

/// Folders deeper than this are not followed.
const DEEPEST: usize = 256;
/// Comings and goings looked at before the rest is left out.
const EVENTS: usize = 4_000_000;

/// What to look for.
#[derive(Debug, Default)]
pub struct Wanted {
    /// Blobs.
    pub blobs: Vec<ObjectId>,
    /// Names of files or folders.
    pub names: Vec<Box<[u8]>>,
}

/// One path at which something wanted was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The path, raw.
    pub path: Vec<u8>,
    /// The commits that brought it there, none of whose parents has it; oldest first.
    pub introduced: Vec<u32>,
    /// The newest commit that has it.
    pub last: Option<u32>,
    /// Whether HEAD has it.
    pub in_head: bool,
}

/// What is known of everything wanted.
#[derive(Debug, Default)]
pub struct Attribution {
    /// For each blob, by its place in the list.
    pub blobs: Vec<Vec<Place>>,
    /// For each name, by its place in the list.
    pub names: Vec<Vec<Place>>,
    /// Not everything was followed: too deep, or too many comings and goings.
    pub truncated: bool,
}

/// Finds the places of everything wanted in all commits of the graph.
pub fn attribute(store: &ObjectStore, graph: &CommitGraph, head: Option<u32>, wanted: &Wanted) -> Attribution {
    let mut linked = Linked::default();
    let complete = linked.find(store, wanted);
    let mut contents = Contents::of(linked);
    let roots: Vec<u32> = (0..graph.len() as u32).map(|commit| contents.number(&graph.tree(commit))).collect();
    let mut places = Places { contents: &contents, found: BTreeMap::new(), events: 0 };
    places.compare(graph, &roots);
    let truncated = !complete || places.events >= EVENTS;
    if let Some(head) = head {
        places.mark_head(roots[head as usize]);
    }
    let found = places.found;
    let mut attribution =
        Attribution { blobs: vec![Vec::new(); wanted.blobs.len()], names: vec![Vec::new(); wanted.names.len()], truncated };
    for ((leaf, path), fact) in found {
        let place = Place { path: contents.path(&path), introduced: fact.introduced, last: fact.last, in_head: fact.in_head };
        match leaf {
            Leaf::Blob(number) => attribution.blobs[number as usize].push(place),
            Leaf::Name(number) => attribution.names[number as usize].push(place),
        }
    }
    attribution
}

/// Something wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Leaf {
    Blob(u32),
    Name(u32),
}

/// What an entry of a tree leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Child {
    Leaf(Leaf),
    /// A tree, by its number.
    Tree(u32),
}

/// Trees that lead to something wanted.
#[derive(Debug, Default)]
struct Linked {
    names: Vec<Box<[u8]>>,
    numbers: HashMap<ObjectId, u32>,
    /// For each tree the entries that lead on: name and what is there.
    children: Vec<Vec<(u32, Child)>>,
}

impl Linked {
    /// Whether everything was found.
    fn find(&mut self, store: &ObjectStore, wanted: &Wanted) -> bool {
        let mut ids: HashMap<ObjectId, Child> =
            (0..).zip(&wanted.blobs).map(|(number, id)| (*id, Child::Leaf(Leaf::Blob(number)))).collect();
        let mut names: HashMap<&[u8], u32> = wanted.names.iter().map(AsRef::as_ref).zip(0..).collect();
        let mut interned: HashMap<Box<[u8]>, u32> = HashMap::new();
        for _ in 0..DEEPEST {
            if ids.is_empty() && names.is_empty() {
                return true;
            }
            let pass = Pass { hash: store.hash_kind(), ids: &ids, names: &names, interned: Mutex::new(interned), found: Mutex::default() };
            store.visit(&pass);
            interned = pass.interned.into_inner().unwrap_or_else(PoisonError::into_inner);
            let mut found = pass.found.into_inner().unwrap_or_else(PoisonError::into_inner);
            found.sort_unstable_by_key(|(id, _)| *id);
            let mut next = HashMap::new();
            for (id, children) in found {
                let fresh = self.children.len() as u32;
                let number = *self.numbers.entry(id).or_insert(fresh);
                if number == fresh {
                    self.children.push(Vec::new());
                    next.insert(id, Child::Tree(number));
                }
                self.children[number as usize].extend(children);
            }
            ids = next;
            names.clear();
            self.names = vec![Box::default(); interned.len()];
            for (name, number) in &interned {
                self.names[*number as usize].clone_from(name);
            }
        }
        false
    }
}

/// One pass over all trees.
struct Pass<'a> {
    hash: HashKind,
    ids: &'a HashMap<ObjectId, Child>,
    names: &'a HashMap<&'a [u8], u32>,
    interned: Mutex<HashMap<Box<[u8]>, u32>>,
    found: Mutex<Vec<Tree>>,
}

/// A tree and its entries that lead to something wanted.
type Tree = (ObjectId, Vec<(u32, Child)>);

/// An entry that leads to something wanted, by where it starts.
type Link = (u32, u32, Child);

impl Pass<'_> {
    fn look(&self, links: &mut Vec<Link>, start: u32, entry: Entry<'_>) {
        if let Some(&child) = self.ids.get(&entry.id)
            && entry.kind != EntryKind::Gitlink
        {
            links.push((start, self.name(entry.name), child));
        }
        if !self.names.is_empty()
            && let Some(&number) = self.names.get(entry.name)
        {
            links.push((start, self.name(entry.name), Child::Leaf(Leaf::Name(number))));
        }
    }

    fn name(&self, name: &[u8]) -> u32 {
        let mut interned = self.interned.lock().unwrap_or_else(PoisonError::into_inner);
        match interned.get(name) {
            Some(&number) => number,
            None => {
                let number = interned.len() as u32;
                interned.insert(name.into(), number);
                number
            }
        }
    }

    fn done(found: &mut Vec<Tree>, object: &ObjectInfo<'_>, links: &[Link]) {
        if !links.is_empty() {
            found.push((object.id, links.iter().map(|&(_, name, child)| (name, child)).collect()));
        }
    }
}

impl Visitor for Pass<'_> {
    type Node = Option<(Starts, Vec<Link>)>;
    type Worker = Vec<Tree>;

    fn worker(&self) -> Self::Worker {
        Vec::new()
    }

    fn finish(&self, worker: Self::Worker) {
        self.found.lock().unwrap_or_else(PoisonError::into_inner).extend(worker);
    }

    fn wants(&self, kind: ObjectKind) -> bool {
        kind == ObjectKind::Tree
    }

    fn whole(&self, found: &mut Self::Worker, object: &ObjectInfo<'_>, bytes: &[u8]) -> Self::Node {
        let mut links = Vec::new();
        let starts = Starts::read(bytes, self.hash, &mut |start, entry| self.look(&mut links, start, entry)).ok();
        Self::done(found, object, &links);
        starts.map(|starts| (starts, links))
    }

    fn delta(&self, found: &mut Self::Worker, object: &ObjectInfo<'_>, delta: &Delta<'_>, base: &Self::Node) -> Self::Node {
        let Some((base, known)) = base else { return self.whole(found, object, delta.bytes()) };
        let mut links = Vec::new();
        let mut kept = Vec::new();
        let look = &mut |start, entry: Entry<'_>| self.look(&mut links, start, entry);
        let starts = base.follow(delta, self.hash, look, |entries, to| {
            let from = base.start(entries.start);
            let first = known.partition_point(|&(start, _, _)| start < from);
            let past = |start: u32| base.number(start).is_none_or(|number| number >= entries.end);
            let inherited = known[first..].iter().take_while(|&&(start, _, _)| !past(start));
            kept.extend(inherited.map(|&(start, name, child)| (start - from + to, name, child)));
        });
        let starts = starts.ok()?;
        links.extend(kept);
        links.sort_unstable();
        Self::done(found, object, &links);
        Some((starts, links))
    }

    /// Named by whoever reads all trees for their names.
    fn skipped(&self, _: Skip) {}
}

/// Relevant contents of trees, each distinct one once.
struct Contents {
    linked: Linked,
    /// Number 0 is empty.
    nodes: Vec<Vec<(u32, Kid)>>,
    known: HashMap<Vec<(u32, Kid)>, u32>,
    of_tree: Vec<Option<u32>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Kid {
    Leaf(Leaf),
    Node(u32),
}

impl Contents {
    fn of(linked: Linked) -> Self {
        let of_tree = vec![None; linked.children.len()];
        Self { linked, nodes: vec![Vec::new()], known: HashMap::from([(Vec::new(), 0)]), of_tree }
    }

    /// The number of a tree's relevant content.
    fn number(&mut self, tree: &ObjectId) -> u32 {
        self.linked.numbers.get(tree).copied().map_or(0, |tree| self.number_of(tree))
    }

    /// As deep as there were passes.
    fn number_of(&mut self, tree: u32) -> u32 {
        if let Some(number) = self.of_tree[tree as usize] {
            return number;
        }
        // Trees cannot hold themselves unless the hash is broken; then they hold nothing.
        self.of_tree[tree as usize] = Some(0);
        let children = self.linked.children[tree as usize].clone();
        let mut kids: Vec<(u32, Kid)> = children
            .into_iter()
            .map(|(name, child)| match child {
                Child::Leaf(leaf) => (name, Kid::Leaf(leaf)),
                Child::Tree(tree) => (name, Kid::Node(self.number_of(tree))),
            })
            .collect();
        kids.sort_unstable();
        kids.dedup();
        let fresh = self.nodes.len() as u32;
        let number = *self.known.entry(kids.clone()).or_insert(fresh);
        if number == fresh {
            self.nodes.push(kids);
        }
        self.of_tree[tree as usize] = Some(number);
        number
    }

    fn path(&self, names: &[u32]) -> Vec<u8> {
        let parts: Vec<&[u8]> = names.iter().map(|&name| self.linked.names[name as usize].as_ref()).collect();
        parts.join(&b'/')
    }

    fn folder(&self, node: u32, name: u32) -> u32 {
        let kids = &self.nodes[node as usize];
        let first = kids.partition_point(|&(other, _)| other < name);
        let of_name = kids[first..].iter().take_while(|(other, _)| *other == name);
        of_name.filter_map(|(_, kid)| if let Kid::Node(node) = kid { Some(*node) } else { None }).next().unwrap_or(0)
    }

    fn has(&self, node: u32, path: &[u32], leaf: Leaf) -> bool {
        let Some((&name, folders)) = path.split_last() else { return false };
        let node = folders.iter().fold(node, |node, &name| self.folder(node, name));
        self.nodes[node as usize].binary_search(&(name, Kid::Leaf(leaf))).is_ok()
    }

    /// What `this` has that `other` has not.
    fn differ(&self, this: u32, other: u32, path: &mut Vec<u32>, each: &mut impl FnMut(Leaf, &[u32]) -> bool) -> bool {
        for &(name, kid) in &self.nodes[this as usize] {
            if other != 0 && self.nodes[other as usize].binary_search(&(name, kid)).is_ok() {
                continue;
            }
            path.push(name);
            let go_on = match kid {
                Kid::Leaf(leaf) => each(leaf, path),
                Kid::Node(node) => self.differ(node, self.folder(other, name), path, each),
            };
            path.pop();
            if !go_on {
                return false;
            }
        }
        true
    }
}

#[derive(Debug, Default)]
struct Fact {
    introduced: Vec<u32>,
    last: Option<u32>,
    in_head: bool,
}

struct Places<'a> {
    contents: &'a Contents,
    found: BTreeMap<(Leaf, Vec<u32>), Fact>,
    events: usize,
}

impl Places<'_> {
    /// Follows every commit's relevant content, parents first.
    fn compare(&mut self, graph: &CommitGraph, roots: &[u32]) {
        let mut childless: HashSet<u32> = (0..graph.len() as u32).collect();
        for commit in 0..graph.len() as u32 {
            let root = roots[commit as usize];
            let parents = graph.parents(commit);
            let (first, others) = parents.split_first().map_or((0, &[][..]), |(first, others)| (roots[*first as usize], others));
            if root != first && others.iter().all(|&other| roots[other as usize] != root) {
                self.each(root, first, |places, leaf, path| {
                    if !others.iter().any(|&other| places.contents.has(roots[other as usize], path, leaf)) {
                        places.fact(leaf, path).introduced.push(commit);
                    }
                });
            }
            for &parent in parents {
                childless.remove(&parent);
                let before = roots[parent as usize];
                if before != root {
                    self.each(before, root, |places, leaf, path| places.seen(leaf, path, parent, graph));
                }
            }
        }
        // Of tips with equal content the newest counts.
        let mut newest: HashMap<u32, u32> = HashMap::new();
        for tip in childless {
            let best = newest.entry(roots[tip as usize]).or_insert(tip);
            if (graph.time(tip), tip) > (graph.time(*best), *best) {
                *best = tip;
            }
        }
        for (root, tip) in newest {
            self.each(root, 0, |places, leaf, path| places.seen(leaf, path, tip, graph));
        }
    }

    fn seen(&mut self, leaf: Leaf, path: &[u32], commit: u32, graph: &CommitGraph) {
        let last = &mut self.fact(leaf, path).last;
        *last = Some(last.map_or(commit, |known| if (graph.time(known), known) < (graph.time(commit), commit) { commit } else { known }));
    }

    fn mark_head(&mut self, root: u32) {
        self.each(root, 0, |places, leaf, path| places.fact(leaf, path).in_head = true);
    }

    fn each(&mut self, this: u32, other: u32, mut note: impl FnMut(&mut Self, Leaf, &[u32])) {
        let contents = self.contents;
        contents.differ(this, other, &mut Vec::new(), &mut |leaf, path| {
            self.events += 1;
            if self.events <= EVENTS {
                note(self, leaf, path);
            }
            self.events <= EVENTS
        });
    }

    fn fact(&mut self, leaf: Leaf, path: &[u32]) -> &mut Fact {
        self.found.entry((leaf, path.to_vec())).or_default()
    }
}
