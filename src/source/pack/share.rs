//! A part of a repository's objects, for one of several machines. Each object is in one share, together with all that builds
//! on it, so that no base is decoded twice.

use std::num::NonZeroU32;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::file::PackFile;
use super::tree::{NONE, Tree};
use crate::source::object::ObjectKind;

/// One of several shares of about equal size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Share {
    /// Which one, from 1.
    number: NonZeroU32,
    /// How many there are.
    of: NonZeroU32,
}

/// Why a text names no share.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("a share is written K/N, the K-th of N, as in 2/7")]
pub struct ShareError;

impl Share {
    /// The only one.
    pub const ALL: Self = Self { number: NonZeroU32::MIN, of: NonZeroU32::MIN };

    /// The share of this number, from 1; `None` if there are fewer.
    #[must_use]
    pub fn new(number: u32, of: u32) -> Option<Self> {
        let (number, of) = (NonZeroU32::new(number)?, NonZeroU32::new(of)?);
        (number <= of).then_some(Self { number, of })
    }

    /// Which one it is, from 1.
    #[must_use]
    pub fn number(self) -> u32 {
        self.number.get()
    }

    /// How many there are.
    #[must_use]
    pub fn of(self) -> u32 {
        self.of.get()
    }

    /// Whether it has the thing of a number.
    pub(crate) fn has(self, number: usize) -> bool {
        number % self.of.get() as usize == self.number.get() as usize - 1
    }

    /// Whether it has what begins at a place of something of this length.
    fn holds(self, place: u64, length: u64) -> bool {
        let share = u128::from(place) * u128::from(self.of.get()) / u128::from(length.max(1));
        share.min(u128::from(self.of.get() - 1)) == u128::from(self.number.get() - 1)
    }
}

impl TryFrom<String> for Share {
    type Error = ShareError;

    fn try_from(text: String) -> Result<Self, ShareError> {
        text.parse()
    }
}

impl From<Share> for String {
    fn from(share: Share) -> Self {
        format!("{}/{}", share.number, share.of)
    }
}

impl FromStr for Share {
    type Err = ShareError;

    fn from_str(text: &str) -> Result<Self, ShareError> {
        let (number, of) = text.split_once('/').ok_or(ShareError)?;
        let read = |text: &str| text.parse().map_err(|_| ShareError);
        Self::new(read(number)?, read(of)?).ok_or(ShareError)
    }
}

/// A share of a pack, and where the pack lies among all that are shared out, in bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Portion {
    pub(crate) share: Share,
    /// What comes before it.
    pub(crate) before: u64,
    /// Its own length.
    pub(crate) length: u64,
    /// All together.
    pub(crate) all: u64,
}

impl Portion {
    /// All of a pack.
    pub(crate) const WHOLE: Self = Self { share: Share::ALL, before: 0, length: 0, all: 0 };
}

impl Tree {
    /// The numbers of the jobs that belong to a portion: roots of the wanted kinds, by the bytes that they and all that builds
    /// on them take up, then what is adrift or broken.
    pub(super) fn jobs_of(&self, portion: Portion, pack: &PackFile, kinds: &[ObjectKind]) -> Vec<u32> {
        let roots = kinds.iter().flat_map(|&kind| self.roots(kind));
        let mut weights: Vec<u64> = roots.map(|&root| self.weight(root, pack)).collect();
        weights.resize(weights.len() + self.adrift.len() + self.broken.len(), 0);
        let all: u64 = weights.iter().sum();
        let mut before = 0;
        let holds = |(_, weight): &(u32, u64)| {
            // Other kinds are spread like these.
            let within = u128::from(before) * u128::from(portion.length) / u128::from(all.max(1));
            before += weight;
            portion.share.holds(portion.before + within as u64, portion.all)
        };
        (0..).zip(weights).filter(holds).map(|(job, _)| job).collect()
    }

    /// The bytes of a root and all that builds on it.
    fn weight(&self, root: u32, pack: &PackFile) -> u64 {
        let mut weight = 0;
        let mut open = vec![root];
        while let Some(entry) = open.pop() {
            let range = self.range(entry, pack);
            weight += range.end - range.start;
            let mut child = self.first_child(entry);
            while child != NONE {
                open.push(child);
                child = self.next_sibling(child);
            }
        }
        weight
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_thing_is_in_one_share() {
        for of in 1..9 {
            let shares: Vec<Share> = (1..=of).map(|number| Share::new(number, of).expect("one of them")).collect();
            for place in 0..50 {
                assert_eq!(shares.iter().filter(|share| share.holds(place, 40)).count(), 1, "{place} of {of}");
                assert_eq!(shares.iter().filter(|share| share.has(place as usize)).count(), 1, "{place} of {of}");
            }
        }
    }

    #[test]
    fn shares_are_written_as_k_of_n() {
        assert_eq!("2/7".parse(), Ok(Share::new(2, 7).expect("one of them")));
        for wrong in ["", "2", "0/3", "4/3", "1/0", "a/b", "1/2/3", "-1/2"] {
            assert_eq!(wrong.parse::<Share>(), Err(ShareError), "{wrong}");
        }
    }
}
