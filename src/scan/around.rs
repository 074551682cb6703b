//! What belongs to a repository besides its objects and the files of its working tree: the texts of
//! the git directory, other working trees, submodules.

use std::path::{Path, PathBuf};
use std::sync::PoisonError;

use super::{History, Scanner};
use crate::source::refs::GitDir;
use crate::source::{Skip, SkipReason, SourceKind, Target, Walk, walk};

impl Scanner<'_> {
    /// The files of other worktrees of the repository, by their full paths.
    pub(super) fn other_worktrees(&self, git: &GitDir, files: &Walk) {
        let linked = git.worktrees();
        linked.skipped.iter().for_each(|skip| self.skip(Skip::from(skip)));
        let linked = linked.items.into_iter().map(|worktree| worktree.path);
        let others = git.main_work_tree().map(Path::to_path_buf).into_iter().chain(linked);
        for root in others.filter(|top| Some(top.as_path()) != git.work_tree()) {
            let full = |path: String| root.join(path).display().to_string();
            let files = Walk { root: root.clone(), ..files.clone() };
            walk(&files, &|target| {
                self.target(match target {
                    Target::File { path, file } => Target::File { path: full(path), file },
                    Target::Link { path, target } => Target::Link { path: full(path), target },
                    Target::Skipped(skip) => Target::Skipped(Skip { what: full(skip.what), ..skip }),
                });
            });
        }
    }

    /// The repositories of submodules, with the paths of their working trees.
    pub(super) fn submodules(&self, history: &History) -> Vec<(String, History)> {
        let found = history.git.submodules();
        found.skipped.iter().for_each(|skip| self.skip(Skip::from(skip)));
        let open = |dir: PathBuf| match GitDir::at(&dir) {
            Ok(git) => {
                let memory = history.memory.as_ref().map(|memory| memory.beside(&git));
                Some((history.git.place_of(&git), History { limits: history.limits.clone(), memory, git }))
            }
            Err(error) => {
                self.skip(Skip { what: dir.display().to_string(), reason: SkipReason::Unreadable(error.to_string()) });
                None
            }
        };
        found.items.into_iter().filter_map(open).collect()
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
