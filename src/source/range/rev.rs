//! Revisions: ids, names of refs, `~N` and `^N`. What else git understands (a few digits of an id,
//! `@{upstream}`, `main@{1}`) is left to libgit2.

use super::walk::load;
use super::{RangeError, Ranges};
use crate::source::object::{ObjectId, ObjectKind};
use crate::source::refs::Ref;
use crate::source::{Repository, RepositoryError};

/// A step from a commit to an ancestor.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    /// `^N`: the parent of this number, from 1; 0 is the commit itself.
    Parent(usize),
    /// `~N`: so many first parents back.
    Back(usize),
}

impl Ranges<'_> {
    /// The object that a revision stands for.
    pub(super) fn find(&self, refs: &[Ref], rev: &str) -> Result<ObjectId, RangeError> {
        let (name, steps) = split(rev).unwrap_or((rev, Vec::new()));
        let Some(start) = self.named(refs, name)? else {
            return self.shorthand(rev);
        };
        steps.iter().try_fold(start, |id, step| self.step(id, step)).map_err(|error| match error {
            RangeError::Unknown(_) => RangeError::Unknown(rev.to_owned()),
            other => other,
        })
    }

    /// A full id or the name of a ref, by the rules of `git help revisions`.
    fn named(&self, refs: &[Ref], name: &str) -> Result<Option<ObjectId>, RangeError> {
        if let Some(id) = ObjectId::from_hex(name.as_bytes()).filter(|id| id.hash() == self.git.hash()) {
            return (self.read)(&id).map(|_| Some(id)).map_err(|_| RangeError::Unknown(name.to_owned()));
        }
        let name = if name == "@" { "HEAD" } else { name };
        let own = self.git.path().strip_prefix(self.git.common()).ok().filter(|own| !own.as_os_str().is_empty());
        let own = own.map(|own| format!("{}/{name}", own.display()));
        let rules = [("", ""), ("refs/", ""), ("refs/tags/", ""), ("refs/heads/", ""), ("refs/remotes/", ""), ("refs/remotes/", "/HEAD")];
        let names = own.into_iter().chain(rules.map(|(before, after)| format!("{before}{name}{after}")));
        let found = names.filter_map(|name| refs.iter().find(|one| one.name == name.as_bytes())).next();
        match found {
            Some(Ref { id: None, .. }) if name == "HEAD" => Err(RangeError::Unborn),
            found => Ok(found.and_then(|found| found.id)),
        }
    }

    fn step(&self, id: ObjectId, step: &Step) -> Result<ObjectId, RangeError> {
        let missing = || RangeError::Unknown(String::new());
        let parent = |id: ObjectId, number: usize| {
            let commit = load(self.read, self.git.hash(), &id).map_err(|_| missing())?;
            commit.parents.get(number - 1).copied().filter(|id| (self.read)(id).is_ok()).ok_or_else(missing)
        };
        let id = self.commit_behind(id).ok_or_else(missing)?;
        match *step {
            Step::Parent(0) => Ok(id),
            Step::Parent(number) => parent(id, number),
            Step::Back(count) => (0..count).try_fold(id, |id, _| parent(id, 1)),
        }
    }

    /// The commit that an annotated tag leads to.
    fn commit_behind(&self, mut id: ObjectId) -> Option<ObjectId> {
        // Tags of tags are rare; files that lie could make a circle of them.
        for _ in 0..16 {
            let object = (self.read)(&id).ok()?;
            match object.kind {
                ObjectKind::Commit => return Some(id),
                ObjectKind::Tag => id = super::commit::tagged(self.git.hash(), &object.bytes)?,
                ObjectKind::Tree | ObjectKind::Blob => return None,
            }
        }
        None
    }

    fn shorthand(&self, rev: &str) -> Result<ObjectId, RangeError> {
        let unknown = || RangeError::Unknown(rev.to_owned());
        let repository = match Repository::discover(self.git.work_tree().unwrap_or(self.git.path())) {
            Ok(repository) => repository,
            Err(error @ (RepositoryError::Open { .. } | RepositoryError::Includes(_))) if is_shorthand(rev) => {
                return Err(RangeError::Shorthand { what: rev.to_owned(), message: error.to_string() });
            }
            Err(_) => return Err(unknown()),
        };
        match repository.git.revparse_single(rev) {
            Ok(object) => ObjectId::from_hex(object.id().to_string().as_bytes()).ok_or_else(unknown),
            Err(error) if error.code() == git2::ErrorCode::Ambiguous => Err(RangeError::Ambiguous(rev.to_owned())),
            Err(_) => Err(unknown()),
        }
    }
}

fn is_shorthand(rev: &str) -> bool {
    let digits = rev.len() >= 4 && rev.bytes().all(|byte| byte.is_ascii_hexdigit());
    digits || rev.contains("@{") || rev.contains(':') || split(rev).is_none()
}

/// A name and the steps after it; `None` if there is something else in it.
fn split(rev: &str) -> Option<(&str, Vec<Step>)> {
    let end = rev.find(['~', '^']).unwrap_or(rev.len());
    let (name, mut rest) = rev.split_at(end);
    let mut steps = Vec::new();
    while let Some(sign) = rest.chars().next() {
        rest = &rest[1..];
        if let Some(after) = rest.strip_prefix("{commit}").or_else(|| rest.strip_prefix("{}")).filter(|_| sign == '^') {
            steps.push(Step::Parent(0));
            rest = after;
            continue;
        }
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let count = if digits == 0 { 1 } else { rest[..digits].parse().ok()? };
        rest = &rest[digits..];
        steps.push(match sign {
            '~' => Step::Back(count),
            '^' => Step::Parent(count),
            _ => return None,
        });
    }
    Some((name, steps))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_steps() {
        assert_eq!(split("main"), Some(("main", vec![])));
        assert_eq!(split("a/b~2^^3~"), Some(("a/b", vec![Step::Back(2), Step::Parent(1), Step::Parent(3), Step::Back(1)])));
        assert_eq!(split("v1^{commit}~1"), Some(("v1", vec![Step::Parent(0), Step::Back(1)])));
        assert_eq!(split("v1^{tree}"), None);
        assert_eq!(split("main~99999999999999999999999"), None);
        assert!(is_shorthand("abcd12") && is_shorthand("@{u}") && !is_shorthand("main") && !is_shorthand("v1~2"));
    }
}
