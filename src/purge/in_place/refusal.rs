//! What has to be done before a repository is rewritten where it is: what would be lost, would keep the old history, or
//! would be left half done.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;

use super::{CREATED, Git, InPlaceError, Place, file_of};
use crate::purge::rewrite::Rewritten;
use crate::source::object::ObjectId;
use crate::source::refs::{Ref, RefStorage};

/// Names that a refusal shows.
const SHOWN: usize = 5;

/// A reason, which is shown with what to try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// A purge is not ended.
    Backup(usize),
    /// There is nothing to put back.
    NoBackup,
    /// Refs are kept in tables.
    Reftable,
    /// There are other working trees.
    Worktrees(Vec<String>),
    /// It was called in one of them.
    InWorktree,
    /// git is in the middle of something.
    Underway(&'static str),
    /// git is writing, or was killed while it did.
    Locked,
    /// There are stashes.
    Stashes,
    /// Objects are borrowed.
    Borrows,
    /// Older commits are not here.
    Shallow,
    /// Objects are left on a server, or a pack says so; git does not repack it.
    Partial,
    /// git was told to keep packs as they are.
    Kept(Vec<String>),
    /// Not all files are in the working tree.
    Sparse,
    /// Files or the index differ from `HEAD`.
    Dirty(Vec<String>),
    /// `HEAD` leads to no branch.
    Detached,
    /// What a symbolic ref names would be called otherwise.
    Renamed(String),
    /// A ref that belongs to one working tree alone.
    Private(String),
    /// Files go through a filter, which is not run.
    Filtered(Vec<String>),
    /// A file that is there has the name that another one would get.
    Taken(String),
    /// Refs lead elsewhere since.
    Moved(Vec<String>),
    /// A hook says which old objects are kept.
    Hook,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Backup(count) => write!(
                f,
                "{count} refs of an earlier purge are kept below refs/sopup/backup/: `sopup purge finish` removes the old history, \
                 `sopup purge restore` takes the purge back"
            ),
            Self::NoBackup => {
                f.write_str("there is no refs/sopup/backup/: no `sopup purge run --in-place` waits to be ended or taken back")
            }
            Self::Reftable => f.write_str("refs are kept in tables (reftable): `sopup purge run` without --in-place writes a mirror"),
            Self::Worktrees(names) => {
                write!(f, "linked working trees ({}): `git worktree remove NAME`, `git worktree prune`", shown(names))
            }
            Self::InWorktree => f.write_str("this is a linked working tree: run it in the main one, after `git worktree remove`"),
            Self::Underway(what) => write!(f, "a {what} is under way: finish or abort it"),
            Self::Locked => {
                f.write_str("git is at work here, or was killed: wait, or remove the file that it left, index.lock in the git directory")
            }
            Self::Stashes => f.write_str("stashes are not rewritten: apply or drop them (`git stash list`)"),
            Self::Borrows => f.write_str(
                "objects are borrowed from another repository (objects/info/alternates): `git repack -a -d`, then remove that file",
            ),
            Self::Shallow => f.write_str("a shallow clone: `git fetch --unshallow`"),
            Self::Partial => f.write_str("a partial clone, whose packs are not repacked: make a complete one with `git clone --no-local`"),
            Self::Kept(files) => write!(f, "packs that git is told to keep ({}): remove these files", shown(files)),
            Self::Sparse => f.write_str("a sparse checkout: `git sparse-checkout disable`"),
            Self::Dirty(files) => write!(f, "changes that are not committed ({}): commit them", shown(files)),
            Self::Detached => f.write_str("HEAD leads to no branch: `git switch BRANCH`"),
            Self::Renamed(name) => {
                write!(f, "{name} names a branch with a value in its name: rename the branch first (`git branch -m NEW`)")
            }
            Self::Private(name) => write!(f, "{name} belongs to this working tree alone: delete it (`git update-ref -d`)"),
            Self::Filtered(files) => {
                write!(
                    f,
                    "files with a value go through a filter (.gitattributes), and none is run: {}; change and commit them",
                    shown(files)
                )
            }
            Self::Taken(file) => write!(f, "{file} would get in the way of a file whose name holds a value: move it away"),
            Self::Moved(names) => write!(
                f,
                "refs lead elsewhere than the purge left them ({}): what was committed since would be lost; keep it on a branch, \
                 and move the ref back to its new name in ref-map",
                shown(names)
            ),
            Self::Hook => f.write_str(
                "gc.recentObjectsHook is configured, which keeps old objects and is not run: `git config --unset-all gc.recentObjectsHook`",
            ),
        }
    }
}

fn shown(names: &[String]) -> String {
    let more = if names.len() > SHOWN { format!(" and {} more", names.len() - SHOWN) } else { String::new() };
    names[..names.len().min(SHOWN)].join(", ") + &more
}

impl Place {
    /// What stands in the way of a purge, told before anything is read at length.
    ///
    /// # Errors
    /// [`InPlaceError::Refused`] with all reasons.
    pub fn refuse(&self) -> Result<(), InPlaceError> {
        let backup = self.backup()?.len();
        if backup > 0 {
            return Err(InPlaceError::Refused(vec![Refusal::Backup(backup)]));
        }
        let mut all = self.unhandled()?;
        if let Some(tree) = self.tree()?.filter(|_| !all.contains(&Refusal::Locked)) {
            all.extend(tree.dirty()?);
        }
        refused(all)
    }

    fn unhandled(&self) -> Result<Vec<Refusal>, InPlaceError> {
        let (git, mut all) = (&self.git, Vec::new());
        let (own, shared) = (|name: &str| git.path().join(name), |name: &str| git.common().join(name));
        let mut add = |is_so: bool, refusal: Refusal| all.extend(Some(refusal).filter(|_| is_so));
        add(git.ref_storage() == RefStorage::Reftable, Refusal::Reftable);
        let linked = fs::read_dir(shared("worktrees")).into_iter().flatten().flatten();
        let linked: Vec<String> = linked.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        add(!linked.is_empty(), Refusal::Worktrees(linked));
        add(git.path() != git.common(), Refusal::InWorktree);
        let underway = [
            ("MERGE_HEAD", "merge"),
            ("CHERRY_PICK_HEAD", "cherry-pick"),
            ("REVERT_HEAD", "revert"),
            ("rebase-merge", "rebase"),
            ("rebase-apply", "rebase"),
            ("sequencer", "cherry-pick or revert"),
            ("BISECT_LOG", "bisect"),
        ];
        if let Some((_, what)) = underway.iter().find(|(name, _)| own(name).exists()) {
            add(true, Refusal::Underway(what));
        }
        add(own("index.lock").exists(), Refusal::Locked);
        add(self.refs()?.iter().any(|one| one.name == b"refs/stash"), Refusal::Stashes);
        let borrows = ["alternates", "http-alternates"].iter().any(|name| git.objects().join("info").join(name).exists());
        add(borrows, Refusal::Borrows);
        add(!git.shallow().is_empty(), Refusal::Shallow);
        let packs = super::files_with(&git.objects().join("pack"), &["promisor", "keep"]);
        let (promised, kept): (Vec<_>, Vec<_>) =
            packs.into_iter().partition(|path| path.extension().is_some_and(|kind| kind == "promisor"));
        add(git.is_partial() || !promised.is_empty(), Refusal::Partial);
        add(!kept.is_empty(), Refusal::Kept(kept.iter().map(|path| path.display().to_string()).collect()));
        let sparse = Git::at(git.common()).output("config", &["--includes", "--type=bool", "--get", "core.sparseCheckout"], b"")?;
        add(sparse.is_ok_and(|value| value.starts_with(b"true")), Refusal::Sparse);
        Ok(all)
    }

    /// Refs that cannot change in the same step as all others.
    pub(super) fn refuse_refs(&self, refs: &[Ref], rewritten: &Rewritten) -> Result<(), InPlaceError> {
        let mut all = Vec::new();
        let head = refs.iter().find(|one| one.name == self.git.head_name());
        if head.is_none_or(|head| head.symbolic.is_none()) {
            all.push(Refusal::Detached);
        }
        let renamed = |target: &[u8]| rewritten.refs.iter().any(|one| one.old_name == target && one.name != one.old_name);
        let symbolic = refs.iter().filter(|one| one.symbolic.as_deref().is_some_and(renamed));
        // A symbolic ref may be called after the branch.
        let clean = |one: &&Ref| one.name == self.git.head_name() || rewritten.refs.iter().any(|new| new.name == one.name);
        all.extend(symbolic.map(|one| Refusal::Renamed(if clean(&one) { word(&one.name) } else { "a symbolic ref".to_owned() })));
        let private =
            |name: &[u8]| [&b"refs/bisect/"[..], b"refs/worktree/", b"refs/rewritten/"].iter().any(|space| name.starts_with(space));
        let changed = rewritten.refs.iter().filter(|one| one.is_change());
        all.extend(changed.filter(|one| private(&one.old_name)).map(|one| Refusal::Private(word(&one.name))));
        refused(all)
    }

    /// What would be lost if the refs of the backup were put back.
    pub(super) fn refuse_restore(&self, backup: &BTreeMap<Vec<u8>, ObjectId>, refs: &[Ref]) -> Result<(), InPlaceError> {
        if backup.is_empty() {
            return Err(InPlaceError::Refused(vec![Refusal::NoBackup]));
        }
        let mut all = self.unhandled()?;
        let (left, created) = (self.new_values()?, self.list(CREATED)?);
        let now = |name: &[u8]| refs.iter().find(|one| one.name == name).and_then(|one| one.id);
        let is_moved = |name: &&Vec<u8>| now(name).is_some_and(|id| left.get(*name) != Some(&id.to_string()));
        let moved: Vec<String> = backup.keys().chain(&created).filter(is_moved).map(|name| word(name)).collect();
        if !moved.is_empty() {
            all.push(Refusal::Moved(moved));
        }
        if let Some(tree) = self.tree()? {
            all.extend(tree.dirty()?);
        }
        refused(all)
    }

    /// What a purge made refs lead to, by `ref-map`.
    fn new_values(&self) -> Result<BTreeMap<Vec<u8>, String>, InPlaceError> {
        let lines = self.list("ref-map")?;
        let parts = lines.iter().skip(1).filter_map(|line| {
            let mut parts = line.splitn(3, |&byte| byte == b' ').skip(1);
            Some((parts.next()?, parts.next()?))
        });
        Ok(parts.map(|(new, name)| (name.to_vec(), word(new))).collect())
    }

    /// Why old objects could not be removed.
    pub(super) fn refuse_finish(&self) -> Result<(), InPlaceError> {
        let hooks = Git::at(self.git.common()).settings_like(r"^gc\.recentobjectshook$")?;
        refused(if hooks.is_empty() { Vec::new() } else { vec![Refusal::Hook] })
    }

    /// Whether a ref of this name is there.
    pub(super) fn has_ref(&self, name: &[u8]) -> Result<bool, InPlaceError> {
        Ok(file_of(&self.git, name).is_file() || self.refs()?.iter().any(|one| one.name == name))
    }
}

pub(super) fn refused(all: Vec<Refusal>) -> Result<(), InPlaceError> {
    if all.is_empty() { Ok(()) } else { Err(InPlaceError::Refused(all)) }
}

fn word(name: &[u8]) -> String {
    String::from_utf8_lossy(name).into_owned()
}
