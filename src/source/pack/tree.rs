//! The delta tree of one pack: which entries build on which, worked out from
//! index and entry headers alone. Nothing is inflated here.

use std::num::NonZeroUsize;
use std::ops::Range;
use std::thread;

use super::entry::{self, Base, Header};
use super::file::{HEADER, PackFile, Window};
use super::index::PackIndex;
use super::marks::Marks;
use crate::source::object::{Damage, ObjectId, ObjectKind, SkipReason};

/// No entry.
pub(super) const NONE: u32 = u32::MAX;

/// The entries of a pack in the order of their offsets, as trees.
///
/// Children are listed in the order of their offsets, but the one with the
/// most descendants comes last: when it is reached, its base is needed no
/// longer, so that walking depth-first never holds more than log2(entries)
/// bases.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    offsets: Vec<u64>,
    positions: Vec<u32>,
    first_child: Vec<u32>,
    next_sibling: Vec<u32>,
    /// Entries stored whole, by [`ObjectKind`] in the order of
    /// [`ObjectKind::ALL`].
    roots: [Vec<u32>; 4],
    /// Deltas whose base is in no place of this pack, with its name.
    pub(super) adrift: Vec<(u32, ObjectId)>,
    /// Entries that cannot be decoded, and why.
    pub(super) broken: Vec<(u32, SkipReason)>,
    /// Index positions that lead to no entry, with the offset they give.
    pub(super) unplaced: Vec<(u32, u64, Damage)>,
}

/// What an entry builds on. Eight bytes, for there is one per entry.
enum Link {
    Root(ObjectKind),
    /// The entry of this number.
    Entry(u32),
    /// The entry of the object at this index position.
    Position(u32),
    /// The object of the name, or whatever the reason says, that stands next
    /// in the list of rarities.
    Rare,
}

/// The links of a stretch of entries.
#[derive(Default)]
struct Links {
    links: Vec<Link>,
    rare: Vec<Result<ObjectId, SkipReason>>,
}

impl Tree {
    /// Reads the entry headers and builds the tree. Entries at positions that `leave` marks are kept only
    /// if others that are not marked build on them.
    pub(crate) fn build(pack: &PackFile, index: &PackIndex, leave: &Marks, threads: NonZeroUsize) -> Self {
        let mut tree = Self::default();
        tree.place(pack, index);
        let links = tree.links(pack, index, threads);
        let mut parents = tree.parents(links, index.count());
        let order = tree.order(&parents);
        tree.break_cycles(&mut parents, &order);
        tree.list_children(&parents, &order, leave);
        let needed = |entry: &u32| {
            let own = !leave.has(tree.positions[*entry as usize]);
            own || tree.first_child[*entry as usize] != NONE
        };
        for roots in &mut tree.roots {
            roots.retain(needed);
        }
        tree.adrift.retain(|(entry, _)| needed(entry));
        tree.broken.retain(|(entry, _)| needed(entry));
        tree
    }

    /// How many entries there are.
    pub(super) fn len(&self) -> usize {
        self.offsets.len()
    }

    /// The entries of one kind that are stored whole.
    pub(super) fn roots(&self, kind: ObjectKind) -> &[u32] {
        &self.roots[kind as usize]
    }

    /// The first child of an entry, or [`NONE`].
    pub(super) fn first_child(&self, entry: u32) -> u32 {
        self.first_child[entry as usize]
    }

    /// The child of the same base that follows, or [`NONE`].
    pub(super) fn next_sibling(&self, entry: u32) -> u32 {
        self.next_sibling[entry as usize]
    }

    /// Where the index has the entry's name.
    pub(super) fn position(&self, entry: u32) -> u32 {
        self.positions[entry as usize]
    }

    /// The bytes of the pack that the entry takes up at most.
    pub(super) fn range(&self, entry: u32, pack: &PackFile) -> Range<u64> {
        let entry = entry as usize;
        let end = self.offsets.get(entry + 1).copied();
        self.offsets[entry]..end.unwrap_or(pack.end())
    }

    /// Sorts the index's offsets, leaving out those that cannot be.
    fn place(&mut self, pack: &PackFile, index: &PackIndex) {
        let mut places = Vec::with_capacity(index.count() as usize);
        for position in 0..index.count() {
            match index.offset(position) {
                Some(offset) if (HEADER..pack.end()).contains(&offset) => {
                    places.push((offset, position));
                }
                offset => self.unplaced.push((position, offset.unwrap_or(0), Damage::OutsidePack)),
            }
        }
        places.sort_unstable();
        self.offsets.reserve_exact(places.len());
        self.positions.reserve_exact(places.len());
        for (offset, position) in places {
            if self.offsets.last() == Some(&offset) {
                self.unplaced.push((position, offset, Damage::SamePlace));
            } else {
                self.offsets.push(offset);
                self.positions.push(position);
            }
        }
    }

    /// Reads every entry's header, a stretch of the pack per thread.
    fn links(&self, pack: &PackFile, index: &PackIndex, threads: NonZeroUsize) -> Links {
        let stretch = self.len().div_ceil(threads.get()).max(4096);
        let mut starts = (0..self.len()).step_by(stretch);
        let read = |start: usize| -> Links {
            let mut window = Window::ahead();
            let mut links = Links::default();
            for entry in start..self.len().min(start + stretch) {
                let link = self.link(entry, pack, index, &mut window);
                links.push(link);
            }
            links
        };
        thread::scope(|scope| {
            let first = starts.next().unwrap_or(0);
            let others: Vec<_> = starts.map(|start| (start, thread::Builder::new().spawn_scoped(scope, move || read(start)))).collect();
            let mut links = read(first);
            for (start, other) in others {
                let more = other.map_or_else(|_| read(start), |other| other.join().expect("reading headers does not panic"));
                links.links.extend(more.links);
                links.rare.extend(more.rare);
            }
            links
        })
    }

    fn link(&self, entry: usize, pack: &PackFile, index: &PackIndex, window: &mut Window) -> Result<Link, Result<ObjectId, SkipReason>> {
        let mut range = self.range(entry as u32, pack);
        range.end = range.end.min(range.start + entry::LONGEST);
        let bytes = pack.slice(range, window).map_err(|error| Err(error.into()))?;
        let header = Header::parse(bytes, index.hash()).map_err(|damage| Err(damage.into()))?;
        match header.base {
            Base::Whole(kind) => Ok(Link::Root(kind)),
            Base::Before(distance) => match self.entry_before(entry, distance) {
                Some(base) => Ok(Link::Entry(base)),
                None => Err(Err(Damage::BaseOffset.into())),
            },
            Base::Named(base) => index.find(&base).map(Link::Position).ok_or(Ok(base)),
        }
    }

    /// The entry that starts exactly `distance` bytes before another. Bases
    /// are mostly near, so the search widens backwards.
    fn entry_before(&self, entry: usize, distance: u64) -> Option<u32> {
        let offset = self.offsets[entry].checked_sub(distance)?;
        let mut step = 4;
        let mut high = entry;
        let mut low = entry.saturating_sub(step);
        while low > 0 && self.offsets[low] > offset {
            high = low;
            step *= 4;
            low = low.saturating_sub(step);
        }
        let found = self.offsets[low..high].binary_search(&offset).ok()?;
        Some((low + found) as u32)
    }

    /// Turns links into the number of each entry's base, or [`NONE`].
    fn parents(&mut self, links: Links, count: u32) -> Vec<u32> {
        let mut entry_of = Vec::new();
        let mut parents = vec![NONE; links.links.len()];
        let mut rare = links.rare.into_iter();
        for (entry, link) in (0..).zip(links.links) {
            match link {
                Link::Root(kind) => self.roots[kind as usize].push(entry),
                Link::Entry(base) => parents[entry as usize] = base,
                Link::Position(position) => {
                    if entry_of.is_empty() {
                        entry_of = self.entries_by_position(count);
                    }
                    match entry_of[position as usize] {
                        NONE => self.broken.push((entry, SkipReason::BaseSkipped)),
                        base => parents[entry as usize] = base,
                    }
                }
                Link::Rare => match rare.next().expect("one for each rare link") {
                    Ok(base) => self.adrift.push((entry, base)),
                    Err(reason) => self.broken.push((entry, reason)),
                },
            }
        }
        parents
    }

    fn entries_by_position(&self, count: u32) -> Vec<u32> {
        let mut entry_of = vec![NONE; count as usize];
        for (entry, &position) in (0..).zip(&self.positions) {
            entry_of[position as usize] = entry;
        }
        entry_of
    }

    /// All entries that can be reached, bases before what builds on them.
    fn order(&self, parents: &[u32]) -> Order {
        let later = |(entry, &base): (usize, &u32)| base == NONE || (base as usize) < entry;
        if parents.iter().enumerate().all(later) {
            return Order::ByOffset;
        }
        let (first, next) = lists(parents, |_| true);
        let mut order: Vec<u32> = (0..).zip(parents).filter_map(|(entry, &base)| (base == NONE).then_some(entry)).collect();
        let mut done = 0;
        while let Some(&base) = order.get(done) {
            done += 1;
            let mut child = first[base as usize];
            while child != NONE {
                order.push(child);
                child = next[child as usize];
            }
        }
        Order::Listed(order)
    }

    /// Names the entries that no root leads to, and cuts them loose.
    fn break_cycles(&mut self, parents: &mut [u32], order: &Order) {
        let Order::Listed(order) = order else { return };
        if order.len() == parents.len() {
            return;
        }
        let mut reached = Marks::default();
        order.iter().for_each(|&entry| reached.mark(entry));
        for (entry, base) in (0..).zip(parents) {
            if !reached.has(entry) {
                *base = NONE;
                self.broken.push((entry, SkipReason::Cycle));
            }
        }
    }

    fn list_children(&mut self, parents: &[u32], order: &Order, leave: &Marks) {
        let mut weight: Vec<u32> = self.positions.iter().map(|&position| u32::from(!leave.has(position))).collect();
        order.backwards(parents.len(), |entry| {
            let base = parents[entry];
            if base != NONE {
                weight[base as usize] += weight[entry];
            }
        });
        let mut heaviest = vec![NONE; parents.len()];
        for (entry, &base) in (0..).zip(parents) {
            if base == NONE {
                continue;
            }
            let best = &mut heaviest[base as usize];
            if *best == NONE || weight[*best as usize] <= weight[entry as usize] {
                *best = entry;
            }
        }
        let needed = |entry: u32| weight[entry as usize] > 0;
        (self.first_child, self.next_sibling) =
            lists(parents, |entry| needed(entry) && heaviest[parents[entry as usize] as usize] != entry);
        self.append_heaviest(&heaviest, needed);
    }

    fn append_heaviest(&mut self, heaviest: &[u32], needed: impl Fn(u32) -> bool) {
        for (base, &heavy) in heaviest.iter().enumerate() {
            if heavy == NONE || !needed(heavy) {
                continue;
            }
            let mut last = self.first_child[base];
            if last == NONE {
                self.first_child[base] = heavy;
                continue;
            }
            while self.next_sibling[last as usize] != NONE {
                last = self.next_sibling[last as usize];
            }
            self.next_sibling[last as usize] = heavy;
        }
    }
}

impl Links {
    fn push(&mut self, link: Result<Link, Result<ObjectId, SkipReason>>) {
        self.links.push(link.unwrap_or_else(|rare| {
            self.rare.push(rare);
            Link::Rare
        }));
    }
}

/// An order in which bases come before what builds on them.
enum Order {
    /// That of the offsets.
    ByOffset,
    /// This one; entries that are missing are in cycles.
    Listed(Vec<u32>),
}

impl Order {
    fn backwards(&self, len: usize, visit: impl FnMut(usize)) {
        match self {
            Self::ByOffset => (0..len).rev().for_each(visit),
            Self::Listed(order) => order.iter().rev().map(|&entry| entry as usize).for_each(visit),
        }
    }
}

/// First child and next sibling of each entry, in the order of their numbers,
/// of the entries that are wanted.
fn lists(parents: &[u32], wanted: impl Fn(u32) -> bool) -> (Vec<u32>, Vec<u32>) {
    let mut first = vec![NONE; parents.len()];
    let mut next = vec![NONE; parents.len()];
    for (entry, &base) in parents.iter().enumerate().rev() {
        if base != NONE && wanted(entry as u32) {
            next[entry] = first[base as usize];
            first[base as usize] = entry as u32;
        }
    }
    (first, next)
}
