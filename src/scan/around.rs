//! What belongs to a repository besides its objects and the files of its working tree: the texts of
//! the git directory, other working trees, submodules.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::PoisonError;

use super::{History, Scanner, Submodules};
use crate::source::refs::GitDir;
use crate::source::{Skip, SkipReason, SourceKind, Walk, read_index};

impl Scanner<'_> {
    /// The files of other worktrees of the repository, by their full paths.
    pub(super) fn other_worktrees(&self, git: &GitDir, files: &Walk) {
        let linked = git.worktrees();
        linked.skipped.iter().for_each(|skip| self.skip(Skip::from(skip)));
        let linked = linked.items.into_iter().map(|worktree| worktree.path);
        let others = git.main_work_tree().map(Path::to_path_buf).into_iter().chain(linked);
        for root in others.filter(|top| Some(top.as_path()) != git.work_tree()) {
            let named = format!("{}/", root.display());
            self.lock().other_tops.push(named.clone());
            self.files(&Walk { root, named, ..files.clone() });
        }
    }

    /// The repositories inside this one, with the paths of their working trees: submodules, and those that lie `below` it
    /// without being known to it. If they are not to be scanned, the latter are named.
    pub(super) fn inside(&self, history: &History, below: &[PathBuf], submodules: Submodules) -> Vec<(String, History)> {
        let found = history.git.submodules();
        let known = found.items.iter().filter_map(|dir| GitDir::at(dir).ok()).map(|git| git.path().to_owned());
        let known: Vec<PathBuf> = known.chain(history.git.worktrees().items.into_iter().map(|tree| tree.git_dir)).collect();
        let top = history.git.work_tree().unwrap_or(history.git.path());
        let links = self.gitlinks(history);
        let mut inside = Vec::new();
        for folder in below {
            let path = folder.strip_prefix(top).unwrap_or(folder).display().to_string();
            match GitDir::discover(folder) {
                Ok(git) if known.iter().any(|dir| dir == git.path()) || git.path() == history.git.path() => {}
                Ok(git) if submodules == Submodules::Scanned => inside.push((path, self.history_of(history, git))),
                Ok(_) if links.contains(&path) => {}
                Ok(_) => {
                    let reason = "a repository of its own, whose history is not scanned; --submodules scans it as well";
                    self.skip(Skip { what: format!("{path}/.git"), reason: SkipReason::Unreadable(reason.to_owned()) });
                }
                Err(error) => self.skip(Skip { what: format!("{path}/.git"), reason: SkipReason::Unreadable(error.to_string()) }),
            }
        }
        if submodules == Submodules::Not {
            return inside;
        }
        found.skipped.iter().for_each(|skip| self.skip(Skip::from(skip)));
        for dir in found.items {
            match GitDir::at(&dir) {
                Ok(git) => inside.push((history.git.place_of(&git), self.history_of(history, git))),
                Err(error) => self.skip(Skip { what: dir.display().to_string(), reason: SkipReason::Unreadable(error.to_string()) }),
            }
        }
        inside
    }

    fn history_of(&self, around: &History, git: GitDir) -> History {
        let memory = around.memory.as_ref().map(|memory| memory.beside(&git));
        History { limits: around.limits.clone(), memory, git, parts: None }
    }

    /// The paths of submodules in the index; what is wrong with it is told where it is read.
    fn gitlinks(&self, history: &History) -> BTreeSet<String> {
        let entries = read_index(&history.git.index(), history.git.hash()).unwrap_or_default();
        let links = entries.into_iter().filter(|entry| entry.is_submodule());
        links.map(|entry| String::from_utf8_lossy(&entry.path).into_owned()).collect()
    }

    /// Takes what was found in a repository inside this one.
    pub(super) fn take_over(&self, inside: Scanner<'_>, path: &str) {
        let raw = inside.found.into_inner().unwrap_or_else(PoisonError::into_inner);
        let below = |inner: &str| if inner.starts_with('/') { inner.to_owned() } else { format!("{path}/{inner}") };
        let mut all = self.lock();
        all.located.extend(raw.located.into_iter().map(|mut located| {
            located.occurrence.origin.path = below(&located.occurrence.origin.path);
            located
        }));
        all.skipped.extend(raw.skipped.into_iter().map(|skip| Skip { what: below(&skip.what), ..skip }));
    }

    /// Texts in the git directory that are no objects.
    pub(super) fn git_texts(&self, git: &GitDir) {
        let folder = git.work_tree().map_or(Path::new(""), |top| git.common().strip_prefix(top).unwrap_or(git.common()));
        for text in git.texts() {
            match text {
                Ok(text) => self.read(text.content, &folder.join(text.path).to_string_lossy(), SourceKind::Git),
                Err(skip) => self.skip(Skip::from(&skip)),
            }
        }
    }
}
