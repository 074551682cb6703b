//! Which trees lead to something wanted, and by which entries: worked out level by level from the
//! links of all trees, without reading anything again.

use super::links::{Child, Links, Part};

/// An entry that leads on: its name and what is there.
pub(super) type Lead = (u32, Child);

/// For each list of links those that lead to something wanted.
#[derive(Debug, Default)]
pub(super) struct Leads {
    of_list: Vec<Vec<Lead>>,
    /// Some were left out: too deep, or too many.
    pub(super) truncated: bool,
}

/// The links of each list that lead on at one level: places in the list, names, what is there.
#[derive(Default)]
struct Level {
    links: Vec<(u32, Lead)>,
    /// Where those of each list end.
    ends: Vec<usize>,
}

impl Leads {
    /// Finds those up to `deepest` levels above something wanted, `most` altogether.
    pub(super) fn of(links: &Links, deepest: usize, most: usize) -> Self {
        let mut leads = Self { of_list: vec![Vec::new(); links.len() as usize], truncated: false };
        let mut room = most;
        let mut level = Level::of(links, room, |child| matches!(child, Child::Leaf(_)));
        for _ in 0..deepest {
            leads.truncated |= level.links.len() == room;
            room -= level.links.len();
            let new = leads.add(&level);
            if room == 0 || !new.contains(&true) {
                return leads;
            }
            level = Level::of(links, room, |child| match child {
                Child::Tree(list) => new.get(list as usize).is_some_and(|new| *new),
                Child::Leaf(_) => false,
            });
        }
        leads.truncated |= !level.links.is_empty();
        leads
    }

    /// The links of a list that lead on.
    pub(super) fn list(&self, number: u32) -> &[Lead] {
        &self.of_list[number as usize]
    }

    /// Adds a level, and gives the lists that had no lead before.
    fn add(&mut self, level: &Level) -> Vec<bool> {
        let add = |(number, leads): (u32, &mut Vec<Lead>)| {
            let links = level.list(number);
            let new = leads.is_empty() && !links.is_empty();
            leads.extend(links.iter().map(|(_, lead)| *lead));
            new
        };
        (0..).zip(&mut self.of_list).map(add).collect()
    }
}

impl Level {
    fn of(links: &Links, most: usize, leads: impl Fn(Child) -> bool) -> Self {
        let mut level = Self::default();
        for number in 0..links.len() {
            let (base, parts) = links.list(number);
            let mut place = 0;
            for part in parts {
                if level.links.len() == most {
                    break;
                }
                match *part {
                    Part::New(name, child) => {
                        if leads(child) {
                            level.links.push((place, (name, child)));
                        }
                        place += 1;
                    }
                    Part::Taken(first, count) => {
                        level.take(base, first..first + count, place, most);
                        place += count;
                    }
                }
            }
            level.ends.push(level.links.len());
        }
        level
    }

    /// Takes over links of the base at these places.
    fn take(&mut self, base: u32, places: std::ops::Range<u32>, to: u32, most: usize) {
        let range = self.range(base);
        let links = &self.links[range.clone()];
        let first = range.start + links.partition_point(|(place, _)| *place < places.start);
        let end = range.start + links.partition_point(|(place, _)| *place < places.end);
        for at in first..end.min(first + most - self.links.len()) {
            let (place, lead) = self.links[at];
            self.links.push((place - places.start + to, lead));
        }
    }

    fn range(&self, list: u32) -> std::ops::Range<usize> {
        let list = list as usize;
        let start = list.checked_sub(1).map_or(0, |before| self.ends[before]);
        start..self.ends[list]
    }

    fn list(&self, number: u32) -> &[(u32, Lead)] {
        &self.links[self.range(number)]
    }
}
