//! From what was asked for to commits: `A..B`, `A...B`, a branch, a merge base, a start.

use std::num::NonZeroUsize;

use super::{Range, RangeError, Ranges, date};
use crate::source::object::ObjectId;
use crate::source::refs::Ref;

/// What was asked for.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    /// Which commits.
    pub commits: Commits<'a>,
    /// Only those since a date, or those that cannot be reached from a commit.
    pub since: Option<&'a str>,
    /// Only those fewer steps than this away from where the range starts.
    pub max_depth: Option<NonZeroUsize>,
}

/// Which commits.
#[derive(Debug, Clone, Copy)]
pub enum Commits<'a> {
    /// Those that any ref or HEAD leads to.
    All,
    /// `A..B` (an empty side is HEAD), `A...B`, or a revision and all before it.
    Range(&'a str),
    /// Those of one branch, local or of a remote.
    Branch(&'a str),
    /// Those of HEAD since it parted from this revision.
    MergeBase(&'a str),
}

impl Ranges<'_> {
    /// Works out a range; `now` is in seconds since 1970.
    ///
    /// # Errors
    /// When something that was named is not there.
    pub fn resolve(&self, ask: &Ask<'_>, now: i64) -> Result<Range, RangeError> {
        let refs = self.git.refs().items;
        let mut range = Range { max_depth: ask.max_depth, ..Range::default() };
        match ask.commits {
            Commits::All => range.include = refs.iter().filter_map(|one| one.id).collect(),
            Commits::Range(text) => self.parse(&refs, text, &mut range)?,
            Commits::Branch(name) => range.include.push(branch(&refs, name)?),
            Commits::MergeBase(base) => {
                let (head, base_id) = (self.find(&refs, "HEAD")?, self.find(&refs, base)?);
                if !self.related(head, base_id) {
                    return Err(RangeError::Unrelated(base.to_owned(), "HEAD".to_owned()));
                }
                // What HEAD has and the merge base has not is what HEAD has and the other has not.
                range.include.push(head);
                range.exclude.push(base_id);
            }
        }
        range.include.sort_unstable();
        range.include.dedup();
        if let Some(start) = ask.since {
            match date::parse(start, now) {
                Some(time) => range.since = Some(time),
                None => range.exclude.push(self.find(&refs, start).map_err(|error| match error {
                    RangeError::Unknown(_) => RangeError::NoStart(start.to_owned()),
                    other => other,
                })?),
            }
        }
        Ok(range)
    }

    fn parse(&self, refs: &[Ref], text: &str, range: &mut Range) -> Result<(), RangeError> {
        let side = |name: &str| self.find(refs, if name.is_empty() { "HEAD" } else { name });
        if let Some((left, right)) = text.split_once("...") {
            range.symmetric = Some((side(left)?, side(right)?));
        } else if let Some((left, right)) = text.split_once("..") {
            range.exclude.push(side(left)?);
            range.include.push(side(right)?);
        } else {
            range.include.push(side(text)?);
        }
        Ok(())
    }
}

/// A local branch, else one of a remote (`origin/x`, or `x` if only one remote has it).
fn branch(refs: &[Ref], name: &str) -> Result<ObjectId, RangeError> {
    let exact = |prefix: &str| refs.iter().find(|one| one.name == format!("{prefix}{name}").as_bytes());
    let remote = || {
        let suffix = format!("/{name}");
        let mut remotes = refs.iter().filter(|one| {
            let below = one.name.strip_prefix(b"refs/remotes/").and_then(|below| below.strip_suffix(suffix.as_bytes()));
            below.is_some_and(|remote| !remote.contains(&b'/'))
        });
        remotes.next().filter(|_| remotes.next().is_none())
    };
    let found = exact("refs/heads/").or_else(|| exact("refs/remotes/")).or_else(remote);
    found.and_then(|found| found.id).ok_or_else(|| RangeError::NoBranch(name.to_owned()))
}
