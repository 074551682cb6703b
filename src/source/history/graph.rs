//! The graph of all stored commits, reachable or not.

use std::sync::{Mutex, PoisonError};

use foldhash::HashMap;

use crate::source::object::{ObjectId, ObjectInfo, ObjectKind, ObjectStore, Skip, Visitor};
use crate::source::pack::Delta;

/// No commit.
const NONE: u32 = u32::MAX;

/// Commits by number, parents before children as far as there are no cycles.
#[derive(Debug, Default)]
pub struct CommitGraph {
    ids: Vec<ObjectId>,
    trees: Vec<ObjectId>,
    /// Seconds since 1970, of the committer.
    times: Vec<i64>,
    parent_starts: Vec<u32>,
    parents: Vec<u32>,
    by_id: HashMap<ObjectId, u32>,
    /// Parents that are not stored, as in a shallow clone.
    pub missing: Vec<ObjectId>,
    /// Commits that could not be read.
    pub skipped: Vec<Skip>,
}

/// The parts of a commit object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitText {
    /// Its tree.
    pub tree: ObjectId,
    /// Its parents.
    pub parents: Vec<ObjectId>,
    /// Name and address of the author; bytes that are not UTF-8 are replaced.
    pub author: String,
    /// When it was written: seconds since 1970 and minutes east of UTC.
    pub authored: (i64, i32),
    /// When it was committed, in seconds since 1970.
    pub committed: i64,
}

impl CommitText {
    /// Reads the header of a commit; `None` if it has no tree.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let mut commit = None;
        for line in bytes.split(|&byte| byte == b'\n').take_while(|line| !line.is_empty()) {
            if let Some(id) = line.strip_prefix(b"tree ").filter(|_| commit.is_none()) {
                let tree = ObjectId::from_hex(id)?;
                commit = Some(Self { tree, parents: Vec::new(), author: String::new(), authored: (0, 0), committed: 0 });
            }
            let commit = commit.as_mut()?;
            if let Some(id) = line.strip_prefix(b"parent ") {
                commit.parents.extend(ObjectId::from_hex(id));
            } else if let Some(rest) = line.strip_prefix(b"author ") {
                let (who, when) = identity(rest);
                commit.author = String::from_utf8_lossy(who).into_owned();
                commit.authored = when;
            } else if let Some(rest) = line.strip_prefix(b"committer ") {
                commit.committed = identity(rest).1.0;
                break;
            }
        }
        commit
    }
}

/// `Name <address> seconds +hhmm`, taken apart.
pub(super) fn identity(line: &[u8]) -> (&[u8], (i64, i32)) {
    let Some(end) = memchr::memrchr(b'>', line) else { return (line, (0, 0)) };
    let rest = String::from_utf8_lossy(&line[end + 1..]).into_owned();
    let mut words = rest.split_ascii_whitespace();
    let seconds = words.next().and_then(|word| word.parse().ok()).unwrap_or(0);
    let zone: i32 = words.next().and_then(|word| word.parse().ok()).unwrap_or(0);
    (&line[..=end], (seconds, zone / 100 * 60 + zone % 100))
}

impl CommitGraph {
    /// Reads all commits.
    pub fn read(store: &ObjectStore) -> Self {
        let reader = Commits::default();
        store.visit(&reader);
        let skipped = reader.skipped.into_inner().unwrap_or_else(PoisonError::into_inner);
        Self { skipped, ..Self::of(reader.all.into_inner().unwrap_or_else(PoisonError::into_inner)) }
    }

    /// The graph of these commits, each of which is there once.
    pub fn of(mut commits: Vec<Commit>) -> Self {
        commits.sort_unstable_by_key(|commit| (commit.time, commit.id));
        let by_id: HashMap<ObjectId, u32> = (0..).zip(&commits).map(|(number, commit)| (commit.id, number)).collect();
        let order = parents_first(&commits, &by_id);
        let mut graph = Self::default();
        let mut number_of = vec![NONE; commits.len()];
        for (number, &old) in (0..).zip(&order) {
            number_of[old as usize] = number;
        }
        graph.parent_starts.push(0);
        for &old in &order {
            let commit = &commits[old as usize];
            graph.ids.push(commit.id);
            graph.trees.push(commit.tree);
            graph.times.push(commit.time);
            for parent in &commit.parents {
                match by_id.get(parent) {
                    Some(&old) => graph.parents.push(number_of[old as usize]),
                    None => graph.missing.push(*parent),
                }
            }
            graph.parent_starts.push(graph.parents.len() as u32);
        }
        graph.by_id = (0..).zip(&graph.ids).map(|(number, id)| (*id, number)).collect();
        graph
    }

    /// How many commits there are.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// The number of a commit.
    pub fn number(&self, id: &ObjectId) -> Option<u32> {
        self.by_id.get(id).copied()
    }

    /// The number of the commit that an object is, or leads to through at most so many annotated tags.
    pub fn behind(&self, store: &ObjectStore, id: ObjectId, most: usize) -> Option<u32> {
        let mut id = id;
        for _ in 0..most {
            if let Some(commit) = self.number(&id) {
                return Some(commit);
            }
            id = store.read(&id).ok()?.tagged()?;
        }
        None
    }

    /// The name of a commit.
    pub fn id(&self, commit: u32) -> ObjectId {
        self.ids[commit as usize]
    }

    /// The tree of a commit.
    pub fn tree(&self, commit: u32) -> ObjectId {
        self.trees[commit as usize]
    }

    /// When a commit was made, in seconds since 1970.
    pub fn time(&self, commit: u32) -> i64 {
        self.times[commit as usize]
    }

    /// The parents that are stored.
    pub fn parents(&self, commit: u32) -> &[u32] {
        let commit = commit as usize;
        &self.parents[self.parent_starts[commit] as usize..self.parent_starts[commit + 1] as usize]
    }

    /// For each set of commits, which of `tips` have one of the set among themselves and their
    /// ancestors: places in `tips`, in order.
    pub fn reached(&self, sets: &[Vec<u32>], tips: &[u32]) -> Vec<Vec<usize>> {
        const BATCH: usize = 256;
        type Bits = [u64; BATCH / 64];
        let mut reached = Vec::with_capacity(sets.len());
        for batch in sets.chunks(BATCH) {
            let mut bits: Vec<Bits> = vec![[0; BATCH / 64]; self.len()];
            for (place, set) in batch.iter().enumerate() {
                for &commit in set {
                    bits[commit as usize][place / 64] |= 1 << (place % 64);
                }
            }
            for commit in 0..self.len() as u32 {
                for &parent in self.parents(commit) {
                    let from = bits[parent as usize];
                    bits[commit as usize].iter_mut().zip(from).for_each(|(to, from)| *to |= from);
                }
            }
            let has = |tip: u32, place: usize| bits[tip as usize][place / 64] >> (place % 64) & 1 == 1;
            reached.extend((0..batch.len()).map(|place| (0..tips.len()).filter(|&at| has(tips[at], place)).collect()));
        }
        reached
    }
}

/// Numbers of commits such that parents come first. Commits in a cycle, which only a broken hash
/// can make, come last.
fn parents_first(commits: &[Commit], by_id: &HashMap<ObjectId, u32>) -> Vec<u32> {
    let mut waits = vec![0_u32; commits.len()];
    let mut first_child = vec![NONE; commits.len()];
    let mut links: Vec<(u32, u32)> = Vec::new();
    for (number, commit) in (0..).zip(commits) {
        for parent in commit.parents.iter().filter_map(|parent| by_id.get(parent)) {
            waits[number as usize] += 1;
            links.push((number, first_child[*parent as usize]));
            first_child[*parent as usize] = links.len() as u32 - 1;
        }
    }
    let mut ready: std::collections::BinaryHeap<std::cmp::Reverse<u32>> =
        (0..).zip(&waits).filter(|(_, waits)| **waits == 0).map(|(number, _)| std::cmp::Reverse(number)).collect();
    let mut order = Vec::with_capacity(commits.len());
    let mut placed = vec![false; commits.len()];
    while let Some(std::cmp::Reverse(number)) = ready.pop() {
        order.push(number);
        placed[number as usize] = true;
        let mut link = first_child[number as usize];
        while link != NONE {
            let (child, next) = links[link as usize];
            waits[child as usize] -= 1;
            if waits[child as usize] == 0 {
                ready.push(std::cmp::Reverse(child));
            }
            link = next;
        }
    }
    order.extend((0..).zip(&placed).filter(|(_, placed)| !**placed).map(|(number, _)| number));
    order
}

/// What a graph needs to know of a commit.
#[derive(Debug)]
pub struct Commit {
    id: ObjectId,
    tree: ObjectId,
    time: i64,
    parents: Vec<ObjectId>,
}

impl Commit {
    /// The commit of a name; `None` if its tree has a name of another kind.
    pub fn new(id: ObjectId, text: CommitText) -> Option<Self> {
        (text.tree.hash() == id.hash()).then_some(Self { id, tree: text.tree, time: text.committed, parents: text.parents })
    }

    /// Its tree and its parents.
    pub fn names(&self) -> impl Iterator<Item = ObjectId> {
        self.parents.iter().copied().chain([self.tree])
    }
}

#[derive(Default)]
struct Commits {
    all: Mutex<Vec<Commit>>,
    skipped: Mutex<Vec<Skip>>,
}

impl Visitor for Commits {
    type Node = ();
    type Worker = Vec<Commit>;

    fn worker(&self) -> Self::Worker {
        Vec::new()
    }

    fn finish(&self, worker: Self::Worker) {
        self.all.lock().unwrap_or_else(PoisonError::into_inner).extend(worker);
    }

    fn wants(&self, kind: ObjectKind) -> bool {
        kind == ObjectKind::Commit
    }

    fn whole(&self, commits: &mut Self::Worker, object: &ObjectInfo<'_>, bytes: &[u8]) {
        commits.extend(CommitText::parse(bytes).and_then(|text| Commit::new(object.id, text)));
    }

    fn delta(&self, commits: &mut Self::Worker, object: &ObjectInfo<'_>, delta: &Delta<'_>, (): &()) {
        self.whole(commits, object, delta.bytes());
    }

    fn skipped(&self, skip: Skip) {
        self.skipped.lock().unwrap_or_else(PoisonError::into_inner).push(skip);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::object::HashKind;

    fn id(byte: u8) -> ObjectId {
        ObjectId::from_bytes(HashKind::Sha1, &[byte; 20]).expect("20 bytes")
    }

    fn graph(commits: &[(u8, i64, &[u8])]) -> CommitGraph {
        let commit = |&(number, time, parents): &(u8, i64, &[u8])| Commit {
            id: id(number),
            tree: id(0),
            time,
            parents: parents.iter().map(|&parent| id(parent)).collect(),
        };
        CommitGraph::of(commits.iter().map(commit).collect())
    }

    #[test]
    fn parents_come_first_whatever_the_clocks_say() {
        let graph = graph(&[(1, 50, &[]), (2, 10, &[1]), (3, 20, &[2, 9])]);
        let order: Vec<ObjectId> = (0..3).map(|number| graph.id(number)).collect();
        assert_eq!(order, [id(1), id(2), id(3)]);
        assert_eq!(graph.missing, [id(9)]);
    }

    #[test]
    fn tips_reach_their_ancestors() {
        let graph = graph(&[(1, 1, &[]), (2, 2, &[1]), (3, 3, &[1]), (4, 4, &[2, 3])]);
        let number = |byte| graph.number(&id(byte)).expect("known");
        let tips = [number(2), number(3), number(4)];
        let sets = [vec![number(1)], vec![number(2)], vec![number(4)]];
        assert_eq!(graph.reached(&sets, &tips), [vec![0, 1, 2], vec![0, 2], vec![2]]);
    }

    #[test]
    fn commits_are_taken_apart() {
        let text =
            format!("tree {}\nparent {}\nauthor A B <a@b> 1700000000 +0530\ncommitter C <c> 1700000001 -0800\n\nparent x\n", id(1), id(2));
        let commit = CommitText::parse(text.as_bytes()).expect("a commit");
        assert_eq!((commit.tree, commit.parents.as_slice()), (id(1), &[id(2)][..]));
        assert_eq!((commit.author.as_str(), commit.authored, commit.committed), ("A B <a@b>", (1_700_000_000, 330), 1_700_000_001));
    }
}
