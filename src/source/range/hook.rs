//! What git tells its hooks (`git help hooks`) and which commits that means: what a push would send,
//! and what a server is about to take.

use std::collections::HashSet;

use thiserror::Error;

use super::Range;
use crate::source::object::ObjectId;
use crate::source::refs::Ref;

/// A line that `pre-push` reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Push {
    /// The local name: a ref, `HEAD~`, `(delete)`; raw.
    pub local: Vec<u8>,
    /// What is pushed; `None` for a deletion.
    pub new: Option<ObjectId>,
    /// The ref to be written there; raw.
    pub remote: Vec<u8>,
    /// What is there now, as far as is known; `None` if nothing.
    pub old: Option<ObjectId>,
}

/// A line that `pre-receive` reads, or the arguments of `update`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Update {
    /// What the ref is; `None` if it is new.
    pub old: Option<ObjectId>,
    /// What it becomes; `None` for a deletion.
    pub new: Option<ObjectId>,
    /// The ref; raw.
    pub name: Vec<u8>,
}

/// Standard input is not what git gives to this hook.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("line {line} of standard input is not `{expected}`")]
pub struct HookError {
    /// From 1.
    pub line: usize,
    /// What should be there.
    pub expected: &'static str,
}

/// Reads `<local ref> <local id> <remote ref> <remote id>` lines.
///
/// # Errors
/// When a line is something else.
pub fn pre_push(input: &[u8]) -> Result<Vec<Push>, HookError> {
    let expected = "<local ref> <local id> <remote ref> <remote id>";
    each_line(input, expected, |line| {
        // A local name may hold blanks, as `main@{2 days ago}` does; the rest may not.
        let mut words = line.rsplitn(4, |&byte| byte == b' ');
        let (old, remote, new) = (known(words.next()?)?, words.next()?.to_vec(), known(words.next()?)?);
        Some(Push { local: words.next()?.to_vec(), new, remote, old })
    })
}

/// Reads `<old id> <new id> <ref>` lines.
///
/// # Errors
/// When a line is something else.
pub fn pre_receive(input: &[u8]) -> Result<Vec<Update>, HookError> {
    each_line(input, "<old id> <new id> <ref>", |line| {
        let mut words = line.splitn(3, |&byte| byte == b' ');
        Some(Update { old: known(words.next()?)?, new: known(words.next()?)?, name: words.next()?.to_vec() })
    })
}

fn each_line<T>(input: &[u8], expected: &'static str, read: impl Fn(&[u8]) -> Option<T>) -> Result<Vec<T>, HookError> {
    let lines = input.split(|&byte| byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line)).enumerate();
    lines.filter(|(_, line)| !line.is_empty()).map(|(at, line)| read(line).ok_or(HookError { line: at + 1, expected })).collect()
}

/// An id; `Some(None)` for the one of zeros, which stands for nothing.
fn known(hex: &[u8]) -> Option<Option<ObjectId>> {
    let id = ObjectId::from_hex(hex)?;
    Some(Some(id).filter(|id| id.as_bytes().iter().any(|&byte| byte != 0)))
}

impl Range {
    /// What a push adds to a remote: without what it has as far as is known, by its tracking
    /// branches (those of all remotes if it has no name) and by what it said about the refs to be
    /// written.
    #[must_use]
    pub fn of_push(pushes: &[Push], remote: Option<&str>, refs: &[Ref]) -> Self {
        let prefix = remote.map_or_else(|| "refs/remotes/".to_owned(), |remote| format!("refs/remotes/{remote}/"));
        let tracking = refs.iter().filter(|one| one.name.starts_with(prefix.as_bytes())).filter_map(|one| one.id);
        let exclude = tracking.chain(pushes.iter().filter_map(|push| push.old));
        Self::between(pushes.iter().filter_map(|push| push.new), exclude)
    }

    /// What an update adds to a repository: without what its refs lead to already.
    #[must_use]
    pub fn of_updates(updates: &[Update], refs: &[Ref]) -> Self {
        // `FETCH_HEAD` and its kin are files, not refs; what they name may be gone any time.
        let stored = refs.iter().filter(|one| one.name.starts_with(b"refs/")).filter_map(|one| one.id);
        Self::between(updates.iter().filter_map(|update| update.new), stored)
    }

    fn between(include: impl Iterator<Item = ObjectId>, exclude: impl Iterator<Item = ObjectId>) -> Self {
        let set = |ids: &mut dyn Iterator<Item = ObjectId>| {
            let mut ids: Vec<_> = ids.collect::<HashSet<_>>().into_iter().collect();
            ids.sort_unstable();
            ids
        };
        let (mut include, mut exclude) = (include, exclude);
        Self { include: set(&mut include), exclude: set(&mut exclude), ..Self::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(digit: &str) -> ObjectId {
        ObjectId::from_hex(digit.repeat(40).as_bytes()).expect("an id")
    }

    fn named(name: &str, digit: &str) -> Ref {
        Ref { name: name.as_bytes().to_vec(), id: Some(id(digit)), peeled: None, symbolic: None }
    }

    #[test]
    fn what_a_push_sends() {
        let [zero, one, two] = ["0", "1", "2"].map(|digit| digit.repeat(40));
        let text = format!(
            "refs/heads/a {one} refs/heads/a {two}\nmain@{{2 days ago}} {two} refs/heads/new {zero}\n(delete) {zero} refs/heads/old {one}\n"
        );
        let pushes = pre_push(text.as_bytes()).expect("it is what git writes");
        assert_eq!(pushes[1].local, b"main@{2 days ago}");
        assert_eq!((pushes[2].new, pushes[2].old), (None, Some(id("1"))));
        let refs = [named("refs/remotes/origin/x", "3"), named("refs/remotes/origin2/x", "4"), named("refs/heads/x", "5")];
        let range = Range::of_push(&pushes, Some("origin"), &refs);
        assert_eq!((range.include, range.exclude), (vec![id("1"), id("2")], vec![id("1"), id("2"), id("3")]));
        let only_deletes = pre_push(format!("(delete) {zero} refs/heads/old {one}").as_bytes()).expect("it is what git writes");
        assert!(Range::of_push(&only_deletes, None, &refs).include.is_empty());
    }

    #[test]
    fn what_a_server_takes() {
        let [zero, one, two] = ["0", "1", "2"].map(|digit| digit.repeat(40));
        let text = format!("{one} {two} refs/heads/a b\r\n{zero} {one} refs/heads/new\n{one} {zero} refs/heads/old\n");
        let updates = pre_receive(text.as_bytes()).expect("it is what git writes");
        assert_eq!((&updates[0].name[..], updates[1].old, updates[2].new), (&b"refs/heads/a b"[..], None, None));
        let refs = [named("refs/heads/a", "1"), named("FETCH_HEAD", "2")];
        let range = Range::of_updates(&updates, &refs);
        assert_eq!((range.include, range.exclude), (vec![id("1"), id("2")], vec![id("1")]));
    }

    #[test]
    fn what_git_would_not_write() {
        let error = |line| HookError { line, expected: "<old id> <new id> <ref>" };
        assert_eq!(pre_receive(b"\nabc def refs/heads/x\n"), Err(error(2)));
        assert_eq!(pre_receive(format!("{0} {0}", "1".repeat(40)).as_bytes()), Err(error(1)));
        assert_eq!(pre_push(b"x").map_err(|error| error.line), Err(1));
        assert_eq!(pre_push(b""), Ok(Vec::new()));
    }
}
