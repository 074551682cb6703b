//! The paths of what is wanted, and what commits did to them. All commits' contents are followed
//! down together, shallow paths first, so that what many commits share is looked at once and a tree
//! whose paths cannot be counted keeps nobody else from being found.

use std::collections::{HashMap, VecDeque};

use super::contents::{Contents, EMPTY, Kid};
use super::graph::CommitGraph;
use super::links::Leaf;

/// No commit.
const NONE: u32 = u32::MAX;

/// Bounds that only a repository made to exceed them, or one of many millions of findings, meets.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// Folders deeper than this are not followed.
    pub(super) depth: usize,
    /// Paths of one blob or name.
    pub(super) paths: u32,
    /// Folders that are looked into.
    pub(super) folders: u32,
    /// Kids of contents that are looked at.
    pub(super) steps: usize,
}

/// What is known of something wanted at a path.
#[derive(Debug, Default)]
pub(super) struct Fact {
    pub(super) introduced: Vec<u32>,
    pub(super) last: Option<u32>,
    pub(super) in_head: bool,
}

/// Everything that is known, by path and leaf.
pub(super) struct Places<'a> {
    contents: &'a Contents<'a>,
    bounds: Bounds,
    paths: Vec<Path>,
    path_of: HashMap<(u32, u32), u32>,
    facts: HashMap<(u32, Leaf), Fact>,
    /// How many paths each leaf has.
    counts: HashMap<Leaf, u32>,
    pub(super) truncated: bool,
}

/// A path: another one and a name. The first is the top.
struct Path {
    folder: u32,
    name: u32,
    depth: usize,
}

/// A content at a path.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen {
    /// Its number.
    pub(super) node: u32,
    /// The place in the order of time of the newest commit that has it there, if one has.
    pub(super) newest: Option<u32>,
    /// Whether HEAD has it there.
    pub(super) in_head: bool,
}

impl<'a> Places<'a> {
    pub(super) fn new(contents: &'a Contents<'a>, bounds: Bounds) -> Self {
        let top = Path { folder: NONE, name: NONE, depth: 0 };
        let (path_of, facts, counts) = (HashMap::new(), HashMap::new(), HashMap::new());
        Self { contents, bounds, paths: vec![top], path_of, facts, counts, truncated: false }
    }

    /// Whether a leaf has a path.
    pub(super) fn has(&self, leaf: Leaf) -> bool {
        self.counts.contains_key(&leaf)
    }

    /// Finds every path below these contents of the leaves that are `wanted`. `by_time` are the
    /// commits in the order of time.
    pub(super) fn find(&mut self, tops: Vec<Seen>, by_time: &[u32], wanted: impl Fn(Leaf) -> bool) {
        let (mut steps, mut folders) = (self.bounds.steps, self.bounds.folders);
        let mut left = VecDeque::from([(0, tops)]);
        while let Some((folder, contents)) = left.pop_front() {
            let fewer = steps.checked_sub(contents.iter().map(|seen| self.contents.kids(seen.node).len()).sum());
            let Some(fewer) = fewer else {
                self.truncated = true;
                return;
            };
            steps = fewer;
            for kids in self.kids(&contents).chunk_by(|(name, ..), (next, ..)| name == next) {
                let mut nodes = Vec::new();
                for &(name, kid, seen) in kids {
                    match kid {
                        Kid::Leaf(leaf) if wanted(leaf) => self.seen(folder, name, leaf, seen, by_time),
                        Kid::Leaf(_) => {}
                        Kid::Node(node) => nodes.push(Seen { node, ..seen }),
                    }
                }
                if nodes.is_empty() {
                    continue;
                }
                if folders == 0 || self.paths[folder as usize].depth >= self.bounds.depth {
                    self.truncated = true;
                } else {
                    folders -= 1;
                    left.push_back((self.path(folder, kids[0].0), nodes));
                }
            }
        }
    }

    /// What is below these contents, by name; the same once.
    fn kids(&self, contents: &[Seen]) -> Vec<(u32, Kid, Seen)> {
        let below = |&seen: &Seen| self.contents.kids(seen.node).iter().map(move |&(name, kid)| (name, kid, seen));
        let mut kids: Vec<_> = contents.iter().flat_map(below).collect();
        kids.sort_unstable_by_key(|&(name, kid, _)| (name, kid));
        kids.dedup_by(|(name, kid, seen), (kept_name, kept_kid, kept)| {
            let same = (*name, *kid) == (*kept_name, *kept_kid);
            if same {
                kept.newest = kept.newest.max(seen.newest);
                kept.in_head |= seen.in_head;
            }
            same
        });
        kids
    }

    fn seen(&mut self, folder: u32, name: u32, leaf: Leaf, seen: Seen, by_time: &[u32]) {
        let count = self.counts.entry(leaf).or_default();
        if *count == self.bounds.paths {
            self.truncated = true;
            return;
        }
        *count += 1;
        let last = seen.newest.map(|place| by_time[place as usize]);
        let path = self.path(folder, name);
        self.facts.insert((path, leaf), Fact { introduced: Vec::new(), last, in_head: seen.in_head });
    }

    fn path(&mut self, folder: u32, name: u32) -> u32 {
        let next = self.paths.len() as u32;
        let number = *self.path_of.entry((folder, name)).or_insert(next);
        if number == next {
            let depth = self.paths[folder as usize].depth + 1;
            self.paths.push(Path { folder, name, depth });
        }
        number
    }

    /// Compares every commit's content with those of its parents: what none of them has, the
    /// commit brought.
    pub(super) fn compare(&mut self, graph: &CommitGraph, roots: &[u32]) {
        let mut steps = self.bounds.steps;
        for commit in 0..graph.len() as u32 {
            let root = roots[commit as usize];
            let mut parents: Vec<u32> = graph.parents(commit).iter().map(|&parent| roots[parent as usize]).collect();
            if root != EMPTY && !parents.contains(&root) {
                parents.sort_unstable();
                parents.dedup();
                self.brought((0, root), &parents, commit, &mut steps);
            }
        }
        self.truncated |= steps == 0;
        for fact in self.facts.values_mut() {
            fact.introduced.sort_unstable_by_key(|&commit| (graph.time(commit), commit));
        }
    }

    /// What a content at a path has and others there have not. As deep as paths are.
    fn brought(&mut self, (path, node): (u32, u32), others: &[u32], commit: u32, steps: &mut usize) {
        let contents = self.contents;
        for &(name, kid) in contents.kids(node) {
            *steps = steps.saturating_sub(1 + others.len());
            if *steps == 0 {
                return;
            }
            let same = |other: &u32| contents.kids(*other).binary_search(&(name, kid)).is_ok();
            if others.iter().any(same) {
                continue;
            }
            // Without a number the path was left out.
            let Some(&path) = self.path_of.get(&(path, name)) else { continue };
            match kid {
                Kid::Leaf(leaf) => {
                    let fact = self.facts.get_mut(&(path, leaf)).map(|fact| &mut fact.introduced);
                    if let Some(introduced) = fact.filter(|introduced| introduced.last() != Some(&commit)) {
                        introduced.push(commit);
                    }
                }
                Kid::Node(node) => {
                    let others: Vec<u32> = others.iter().flat_map(|&other| contents.below(other, name)).collect();
                    self.brought((path, node), &others, commit, steps);
                }
            }
        }
    }

    /// Every leaf and path with what is known of it, in no fixed order.
    pub(super) fn into_facts(mut self, names: &[Box<[u8]>]) -> Vec<(Leaf, Vec<u8>, Fact)> {
        let facts = std::mem::take(&mut self.facts);
        facts.into_iter().map(|((path, leaf), fact)| (leaf, self.written(path, names), fact)).collect()
    }

    fn written(&self, mut path: u32, names: &[Box<[u8]>]) -> Vec<u8> {
        let mut parts: Vec<&[u8]> = Vec::new();
        while let Path { folder, name, .. } = self.paths[path as usize]
            && folder != NONE
        {
            parts.push(&names[name as usize]);
            path = folder;
        }
        parts.reverse();
        parts.join(&b'/')
    }
}
