//! Where and when something wanted was in the tree.
//!
//! One pass over all trees gives the entries that lead on (`links`); which of them lead to something
//! wanted (`leads`) is worked out in memory. What is below each tree is then numbered (`contents`),
//! so that commits are compared by their numbers (`places`).

use super::contents::{Contents, EMPTY};
use super::graph::CommitGraph;
use super::leads::Leads;
use super::links::{Child, Leaf, Links};
use super::places::{Bounds, Places, Seen};
use crate::source::object::{ObjectId, ObjectStore, Skip};

/// Links of trees that are kept; the largest repositories have half as many. 16 bytes each.
pub(super) const LINKS: usize = 32 << 20;

const BOUNDS: Bounds = Bounds { depth: 256, paths: 1000, folders: 1 << 20, steps: 32 << 20 };

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
    /// The path, raw. For what no commit has, that in the tree that has it and is in no other.
    pub path: Vec<u8>,
    /// The commits that brought it there, none of whose parents has it; oldest first by the
    /// committer's clock. None if no commit has it there.
    pub introduced: Vec<u32>,
    /// The newest commit that has it, by the committer's clock.
    pub last: Option<u32>,
    /// Whether HEAD has it.
    pub in_head: bool,
}

/// What is known of everything wanted.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Attribution {
    /// For each blob, by its place in the list, its places by path.
    pub blobs: Vec<Vec<Place>>,
    /// For each name, by its place in the list, its places by path.
    pub names: Vec<Vec<Place>>,
    /// Not everything was followed: too deep, or too many paths.
    pub truncated: bool,
    /// Trees that could not be read.
    pub skipped: Vec<Skip>,
}

/// Finds the places of everything wanted in all commits of the graph, and in trees outside of them
/// for what no commit has.
pub fn attribute(store: &ObjectStore, graph: &CommitGraph, head: Option<u32>, wanted: &Wanted) -> Attribution {
    let links = Links::read(store, wanted, LINKS);
    let leads = Leads::of(&links, BOUNDS.depth, LINKS);
    let mut contents = Contents::new(&leads, links.len());
    let mut number = |tree: &ObjectId| links.of_tree.get(tree).map_or(EMPTY, |&list| contents.number(list));
    let roots: Vec<u32> = (0..graph.len() as u32).map(|commit| number(&graph.tree(commit))).collect();
    let outside: Vec<u32> = tops(&links, &leads).into_iter().map(|list| contents.number(list)).collect();

    let by_time = by_time(graph);
    let mut places = Places::new(&contents, BOUNDS);
    places.find(commits(&roots, &by_time, head), &by_time, |_| true);
    places.compare(graph, &roots);
    let mut left: Vec<Leaf> = all(wanted).filter(|&leaf| !places.has(leaf)).collect();
    left.sort_unstable();
    if !left.is_empty() {
        places.find(trees(outside), &by_time, |leaf| left.binary_search(&leaf).is_ok());
    }

    let truncated = links.truncated || leads.truncated || places.truncated;
    let mut attribution = Attribution {
        blobs: vec![Vec::new(); wanted.blobs.len()],
        names: vec![Vec::new(); wanted.names.len()],
        truncated,
        skipped: Vec::new(),
    };
    for (leaf, path, fact) in places.into_facts(&links.names) {
        let places = match leaf {
            Leaf::Blob(number) => &mut attribution.blobs[number as usize],
            Leaf::Name(number) => &mut attribution.names[number as usize],
        };
        places.push(Place { path, introduced: fact.introduced, last: fact.last, in_head: fact.in_head });
    }
    let everything = attribution.blobs.iter_mut().chain(&mut attribution.names);
    everything.for_each(|places| places.sort_unstable_by(|one, other| one.path.cmp(&other.path)));
    attribution.skipped = links.skipped;
    attribution
}

fn all(wanted: &Wanted) -> impl Iterator<Item = Leaf> {
    let blobs = (0..wanted.blobs.len() as u32).map(Leaf::Blob);
    blobs.chain((0..wanted.names.len() as u32).map(Leaf::Name))
}

/// Commits by time; of equal ones, parents first.
fn by_time(graph: &CommitGraph) -> Vec<u32> {
    let mut commits: Vec<u32> = (0..graph.len() as u32).collect();
    commits.sort_unstable_by_key(|&commit| (graph.time(commit), commit));
    commits
}

/// The contents of commits, each once, with the newest commit that has it.
fn commits(roots: &[u32], by_time: &[u32], head: Option<u32>) -> Vec<Seen> {
    let head = head.map_or(EMPTY, |head| roots[head as usize]);
    let in_time = by_time.iter().zip(0..).map(|(&commit, place)| (roots[commit as usize], place));
    let mut contents: Vec<Seen> = in_time.map(|(node, place)| Seen { node, newest: Some(place), in_head: node == head }).collect();
    contents.sort_unstable_by_key(|seen| (seen.node, std::cmp::Reverse(seen.newest)));
    contents.dedup_by_key(|seen| seen.node);
    contents
}

fn trees(nodes: Vec<u32>) -> Vec<Seen> {
    nodes.into_iter().map(|node| Seen { node, newest: None, in_head: false }).collect()
}

/// Lists of links that lead to something wanted and to which no other tree leads.
fn tops(links: &Links, leads: &Leads) -> Vec<u32> {
    let mut top: Vec<bool> = (0..links.len()).map(|list| !leads.list(list).is_empty()).collect();
    for list in 0..links.len() {
        for (_, child) in leads.list(list) {
            if let Child::Tree(below) = child {
                top[*below as usize] = false;
            }
        }
    }
    (0..).zip(top).filter(|(_, top)| *top).map(|(list, _)| list).collect()
}
