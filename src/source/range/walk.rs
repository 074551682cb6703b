//! Which commits a range holds. Commits are visited from the latest on, by their clocks; a commit is
//! left out as soon as a way from the excluded ones to it is seen, however late that is. The visit
//! ends a while after only excluded ones are left: with clocks that are wrong by more than that, a
//! commit too many may be read, never one too few.

use std::collections::{BinaryHeap, HashMap, HashSet};

use super::commit::{Commit, commit, tag_time, tagged};
use super::tree::Read;
use super::{Range, Ranges};
use crate::source::object::{HashKind, ObjectId, ObjectKind, ReadError, SkipReason};

/// Excluded commits visited after the last one that may be in the range.
const MORE: usize = 64;
/// How far clocks may be behind: commits older than `since` by more end the visit.
const SKEW: i64 = 60 * 24 * 60 * 60;

/// What a range holds.
#[derive(Debug, Default)]
pub(super) struct Selected {
    /// From the latest on.
    pub(super) commits: Vec<(ObjectId, Commit)>,
    /// Annotated tags, and trees and blobs that tags or refs point at.
    pub(super) others: Vec<(ObjectId, ObjectKind)>,
    /// Commits whose parents are to be read too, but are cut off in a shallow clone.
    pub(super) cut: Vec<ObjectId>,
    /// What should be there and cannot be read.
    pub(super) unread: Vec<ReadError>,
    /// Commits and tags that make no sense.
    pub(super) damaged: Vec<ObjectId>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Side {
    Included,
    Excluded,
}

struct Node {
    commit: Commit,
    side: Side,
}

struct Walk<'a> {
    ranges: &'a Ranges<'a>,
    nodes: HashMap<ObjectId, Node>,
    queue: BinaryHeap<(i64, ObjectId)>,
    shallow: HashSet<ObjectId>,
    selected: Selected,
}

impl Ranges<'_> {
    pub(super) fn select(&self, range: &Range) -> Selected {
        if let Some((left, right)) = range.symmetric {
            return self.select_either(range, left, right);
        }
        let shallow = self.git.shallow().iter().copied().collect();
        let mut walk = Walk { ranges: self, nodes: HashMap::new(), queue: BinaryHeap::new(), shallow, selected: Selected::default() };
        let (included, mut others) = walk.tips(&range.include, Side::Included, range.since);
        let (excluded, others_excluded) = walk.tips(&range.exclude, Side::Excluded, None);
        others.retain(|one| !others_excluded.contains(one));
        walk.selected.others = others;
        let near = range.max_depth.map(|depth| walk.near(&included, depth.get()));
        excluded.into_iter().for_each(|id| walk.enter(id, Side::Excluded));
        included.into_iter().for_each(|id| walk.enter(id, Side::Included));
        walk.run(range.since, near.as_ref());
        walk.finish(range.since, near.as_ref())
    }

    /// `A...B`: what one side has and the other has not.
    fn select_either(&self, range: &Range, left: ObjectId, right: ObjectId) -> Selected {
        let one = |include, other| {
            let exclude = range.exclude.iter().copied().chain([other]).collect();
            self.select(&Range { include: vec![include], exclude, symmetric: None, ..range.clone() })
        };
        let (mut all, mut more) = (one(left, right), one(right, left));
        all.commits.append(&mut more.commits);
        all.others.append(&mut more.others);
        all.cut.append(&mut more.cut);
        all.unread.append(&mut more.unread);
        all.damaged.append(&mut more.damaged);
        all
    }

    /// Whether two commits have a common ancestor, or one is the other's.
    pub(super) fn related(&self, one: ObjectId, other: ObjectId) -> bool {
        let mut seen: HashMap<ObjectId, Side> = HashMap::new();
        let mut pending = BinaryHeap::from([(i64::MAX, one, Side::Included), (i64::MAX, other, Side::Excluded)]);
        while let Some((_, id, side)) = pending.pop() {
            match seen.insert(id, side) {
                Some(before) if before == side => continue,
                Some(_) => return true,
                None => {}
            }
            let parents = load(self.read, self.git.hash(), &id).map(|commit| commit.parents).unwrap_or_default();
            for parent in parents {
                if let Ok(commit) = load(self.read, self.git.hash(), &parent) {
                    pending.push((commit.time, parent, side));
                }
            }
        }
        false
    }
}

impl Walk<'_> {
    /// The commits that ids lead to, and what else lies on the way, without tags made before `since`.
    fn tips(&mut self, ids: &[ObjectId], side: Side, since: Option<i64>) -> (Vec<ObjectId>, Vec<(ObjectId, ObjectKind)>) {
        let (mut commits, mut others) = (Vec::new(), Vec::new());
        for &id in ids {
            let mut at = id;
            let mut seen = HashSet::new();
            loop {
                let object = match (self.ranges.read)(&at) {
                    Ok(object) => object,
                    Err(error) => {
                        // What cannot be read excludes nothing.
                        self.selected.unread.extend(Some(error).filter(|_| side == Side::Included));
                        break;
                    }
                };
                if object.kind == ObjectKind::Commit {
                    commits.push(at);
                    break;
                }
                let old =
                    since.is_some_and(|since| object.kind == ObjectKind::Tag && tag_time(&object.bytes).is_some_and(|time| time < since));
                if !old {
                    others.push((at, object.kind));
                }
                if object.kind != ObjectKind::Tag {
                    break;
                }
                match tagged(self.ranges.git.hash(), &object.bytes) {
                    // An id never names what holds it, but files can lie.
                    Some(next) if seen.insert(next) => at = next,
                    _ => {
                        self.selected.damaged.extend(Some(at).filter(|_| side == Side::Included));
                        break;
                    }
                }
            }
        }
        others.sort_unstable();
        others.dedup();
        (commits, others)
    }

    /// Commits fewer than `depth` steps away from these.
    fn near(&mut self, tips: &[ObjectId], depth: usize) -> HashSet<ObjectId> {
        let mut near: HashSet<ObjectId> = tips.iter().copied().collect();
        let mut level: Vec<ObjectId> = near.iter().copied().collect();
        for _ in 1..depth {
            let mut next = Vec::new();
            for id in level {
                match load(self.ranges.read, self.ranges.git.hash(), &id) {
                    Ok(commit) => next.extend(commit.parents.into_iter().filter(|parent| near.insert(*parent))),
                    Err(Unloaded::Read(error)) => self.selected.unread.push(error),
                    Err(Unloaded::Damaged) => self.selected.damaged.push(id),
                }
            }
            if next.is_empty() {
                break;
            }
            level = next;
        }
        near
    }

    fn enter(&mut self, id: ObjectId, side: Side) {
        if let Some(node) = self.nodes.get(&id) {
            if side == Side::Excluded && node.side == Side::Included {
                self.exclude(id);
            }
            return;
        }
        match load(self.ranges.read, self.ranges.git.hash(), &id) {
            Ok(commit) => {
                self.queue.push((commit.time, id));
                self.nodes.insert(id, Node { commit, side });
            }
            Err(_) if side == Side::Excluded => {}
            Err(Unloaded::Read(error)) => self.selected.unread.push(error),
            Err(Unloaded::Damaged) => self.selected.damaged.push(id),
        }
    }

    /// A commit turns out to be excluded, and with it all that was reached through it.
    fn exclude(&mut self, id: ObjectId) {
        let mut pending = vec![id];
        while let Some(id) = pending.pop() {
            if let Some(node) = self.nodes.get_mut(&id).filter(|node| node.side == Side::Included) {
                node.side = Side::Excluded;
                pending.extend(&node.commit.parents);
            }
        }
    }

    fn run(&mut self, since: Option<i64>, near: Option<&HashSet<ObjectId>>) {
        let mut more = 0;
        while let Some((time, id)) = self.queue.pop() {
            let node = &self.nodes[&id];
            let (side, parents) = (node.side, node.commit.parents.clone());
            let open = side == Side::Included && since.is_none_or(|since| time.saturating_add(SKEW) >= since);
            more = if open { 0 } else { more + 1 };
            if more > MORE {
                if !self.any_open(since) {
                    return;
                }
                more = 0;
            }
            let shallow = self.shallow.contains(&id);
            for parent in parents {
                let far = side == Side::Included && near.is_some_and(|near| !near.contains(&parent));
                // In a shallow clone the parents are missing by design.
                let cut = shallow && !self.nodes.contains_key(&parent) && (self.ranges.read)(&parent).is_err();
                if !far && !cut {
                    self.enter(parent, side);
                } else if cut && !far && side == Side::Included {
                    self.selected.cut.push(id);
                }
            }
        }
    }

    /// Whether a commit waits that may be in the range.
    fn any_open(&self, since: Option<i64>) -> bool {
        let young = |time: i64| since.is_none_or(|since| time.saturating_add(SKEW) >= since);
        self.queue.iter().any(|(time, id)| young(*time) && self.nodes[id].side == Side::Included)
    }

    fn finish(mut self, since: Option<i64>, near: Option<&HashSet<ObjectId>>) -> Selected {
        let wanted = |id: &ObjectId, node: &Node| {
            node.side == Side::Included && since.is_none_or(|since| node.commit.time >= since) && near.is_none_or(|near| near.contains(id))
        };
        self.selected.commits = self.nodes.into_iter().filter(|(id, node)| wanted(id, node)).map(|(id, node)| (id, node.commit)).collect();
        self.selected.commits.sort_unstable_by_key(|(id, commit)| (std::cmp::Reverse(commit.time), *id));
        let held: HashSet<ObjectId> = self.selected.commits.iter().map(|(id, _)| *id).collect();
        self.selected.cut.retain(|id| held.contains(id));
        self.selected.cut.sort_unstable();
        self.selected.cut.dedup();
        self.selected
    }
}

/// Why a commit is not known.
pub(super) enum Unloaded {
    Read(ReadError),
    Damaged,
}

/// The tree of a commit.
pub(in crate::source) fn tree_of(read: Read<'_>, hash: HashKind, id: &ObjectId) -> Result<ObjectId, ReadError> {
    load(read, hash, id).map(|commit| commit.tree).map_err(|error| match error {
        Unloaded::Read(error) => error,
        Unloaded::Damaged => ReadError::Unreadable { id: *id, source: SkipReason::Unusable("not a commit, or a damaged one".to_owned()) },
    })
}

pub(super) fn load(read: Read<'_>, hash: HashKind, id: &ObjectId) -> Result<Commit, Unloaded> {
    let object = read(id).map_err(Unloaded::Read)?;
    let parsed = if object.kind == ObjectKind::Commit { commit(hash, &object.bytes) } else { None };
    parsed.ok_or(Unloaded::Damaged)
}
