//! What must come out, by brute force: the whole content of every commit, compared one by one.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::path::Path;

use sopup::source::history::{Attribution, CommitGraph, Place, Wanted, attribute};
use sopup::source::object::{HashKind, Limits, ObjectId, ObjectStore};

/// A commit by itself.
#[derive(Debug, Clone, Default)]
pub(super) struct Commit {
    pub(super) parents: Vec<ObjectId>,
    pub(super) time: i64,
    /// Everything in its tree, folders too: path and object.
    pub(super) content: BTreeSet<(String, ObjectId)>,
}

/// All commits there are.
pub(super) type Commits = BTreeMap<ObjectId, Commit>;

/// What a place must say; of the last commits any, for they are equally new.
#[derive(Debug, Default, PartialEq, Eq)]
struct Expected {
    introduced: BTreeSet<ObjectId>,
    last: BTreeSet<ObjectId>,
    in_head: bool,
}

/// The commits that have something at a path, told by `has`.
fn expected(commits: &Commits, head: Option<ObjectId>, has: impl Fn(&Commit) -> bool) -> Expected {
    let having: BTreeMap<&ObjectId, &Commit> = commits.iter().filter(|(_, commit)| has(commit)).collect();
    let newest = having.values().map(|commit| commit.time).max();
    let brought = |commit: &Commit| !commit.parents.iter().any(|parent| having.contains_key(parent));
    Expected {
        introduced: having.iter().filter(|(_, commit)| brought(commit)).map(|(id, _)| **id).collect(),
        last: having.iter().filter(|(_, commit)| Some(commit.time) == newest).map(|(id, _)| **id).collect(),
        in_head: head.is_some_and(|head| having.contains_key(&head)),
    }
}

fn name_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Compares all places of everything wanted with what brute force finds.
#[track_caller]
fn compare(commits: &Commits, graph: &CommitGraph, head: Option<ObjectId>, wanted: &Wanted, found: &Attribution) {
    let everything: BTreeSet<&(String, ObjectId)> = commits.values().flat_map(|commit| &commit.content).collect();
    for (id, places) in wanted.blobs.iter().zip(&found.blobs) {
        let paths: BTreeSet<&str> = everything.iter().filter(|(_, other)| other == id).map(|(path, _)| path.as_str()).collect();
        let has = |commit: &Commit, path: &str| commit.content.contains(&(path.to_owned(), *id));
        all_paths(commits, graph, head, (paths, places), has);
    }
    for (name, places) in wanted.names.iter().zip(&found.names) {
        let named = |path: &&str| name_of(path).as_bytes() == &**name;
        let paths: BTreeSet<&str> = everything.iter().map(|(path, _)| path.as_str()).filter(named).collect();
        let has = |commit: &Commit, path: &str| commit.content.iter().any(|(other, _)| other == path);
        all_paths(commits, graph, head, (paths, places), has);
    }
}

#[track_caller]
fn all_paths(
    commits: &Commits,
    graph: &CommitGraph,
    head: Option<ObjectId>,
    (paths, places): (BTreeSet<&str>, &[Place]),
    has: impl Fn(&Commit, &str) -> bool,
) {
    let with_commit: Vec<&Place> = places.iter().filter(|place| place.last.is_some()).collect();
    let found: Vec<&str> = with_commit.iter().map(|place| std::str::from_utf8(&place.path).expect("UTF-8")).collect();
    assert_eq!(found, paths.iter().copied().collect::<Vec<_>>(), "sorted, each once");
    assert!(with_commit.is_empty() || with_commit.len() == places.len(), "{places:?}");
    for (path, place) in paths.into_iter().zip(with_commit) {
        let expected = expected(commits, head, |commit| has(commit, path));
        let introduced: Vec<ObjectId> = place.introduced.iter().map(|&commit| graph.id(commit)).collect();
        assert_eq!(introduced.len(), expected.introduced.len(), "{path}: {introduced:?} {expected:?}");
        assert_eq!(introduced.iter().copied().collect::<BTreeSet<_>>(), expected.introduced, "{path}");
        let times: Vec<i64> = introduced.iter().map(|id| commits[id].time).collect();
        assert!(times.is_sorted(), "{path}: oldest first");
        let last = place.last.map(|commit| graph.id(commit)).expect("it has one");
        assert!(expected.last.contains(&last), "{path}: {last} {expected:?}");
        assert_eq!(place.in_head, expected.in_head, "{path}");
    }
}

/// Attributes everything wanted with different numbers of threads, checks that the outcome is the
/// same and right, and gives it.
#[track_caller]
pub(super) fn check(objects: &Path, hash: HashKind, commits: &Commits, head: Option<ObjectId>, wanted: &Wanted) -> Attribution {
    let mut outcomes = [1, 2, 4].into_iter().map(|threads| {
        let limits = Limits { threads: NonZeroUsize::new(threads).expect("not zero"), ..Limits::default() };
        let store = ObjectStore::open(objects, hash, limits).expect("opens");
        let graph = CommitGraph::read(&store);
        assert_eq!(graph.len(), commits.len(), "commits");
        let number = head.map(|id| graph.number(&id).expect("HEAD is stored"));
        let found = attribute(&store, &graph, number, wanted);
        compare(commits, &graph, head, wanted, &found);
        found
    });
    let first = outcomes.next().expect("there are some");
    assert!(outcomes.all(|other| other == first), "threads make no difference");
    first
}
