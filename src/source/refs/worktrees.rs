//! Linked working trees, and git directories of submodules.

use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};

use super::files::{Below, skip};
use super::git_dir::{is_git_dir, named_in, named_work_tree, target_of};
use super::{Found, GitDir, GitDirError};
use crate::source::object::{SkipReason, is_absent};

/// A working tree of its own index and HEAD, made by `git worktree add`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Worktree {
    /// The name of its folder in `worktrees/`.
    pub name: String,
    /// Where its files lie.
    pub path: PathBuf,
    /// Its own git directory, with its index.
    pub git_dir: PathBuf,
}

impl GitDir {
    /// Linked working trees that are there. One whose folder does not lead back to this
    /// repository is named as skipped; one whose folder is gone has nothing to read.
    #[must_use]
    pub fn worktrees(&self) -> Found<Worktree> {
        let mut found = Found::default();
        let wanted = |path: &Path| match path.components().count() {
            1 => path == Path::new("worktrees"),
            2 => true,
            3 => path.ends_with("gitdir") || path.ends_with("HEAD"),
            _ => false,
        };
        for entry in Below::new(self.common(), wanted) {
            let entry = match entry {
                Ok(entry) if entry.path.ends_with("gitdir") => entry,
                Ok(entry) => {
                    let gitdir = self.common().join(&entry.path).with_file_name("gitdir");
                    if entry.path.ends_with("HEAD") && gitdir.is_dir() {
                        found.skipped.push(skip(gitdir, SkipReason::NotAFile));
                    }
                    continue;
                }
                Err(skip) => {
                    found.skipped.push(skip);
                    continue;
                }
            };
            let file = self.common().join(&entry.path);
            let git_dir = file.parent().unwrap_or(self.common()).to_owned();
            let link = match target_of(&file, b"") {
                Ok(link) => link,
                // A working tree that was removed, unless what should lead there is damaged.
                Err(GitDirError::Io { source, .. })
                    if is_absent(source.kind()) && named_in(&file, b"").is_ok_and(|named| named.ends_with(".git")) =>
                {
                    continue;
                }
                Err(error) => {
                    found.skipped.push(skip(file, SkipReason::Unusable(error.to_string())));
                    continue;
                }
            };
            match (target_of(&link, b"gitdir:"), link.parent()) {
                (Ok(back), Some(path)) if back == git_dir => {
                    let name = git_dir.file_name().unwrap_or_default().to_string_lossy().into_owned();
                    found.items.push(Worktree { name, path: path.to_owned(), git_dir });
                }
                _ => found.skipped.push(skip(link, SkipReason::Outside)),
            }
        }
        found
    }

    /// The working tree beside the common directory, if it has one: what linked working trees
    /// were made from.
    #[must_use]
    pub fn main_work_tree(&self) -> Option<&Path> {
        let folder = self.common().parent().filter(|_| self.common().file_name() == Some(OsStr::new(".git")));
        folder.or_else(|| self.work_tree().filter(|_| self.path() == self.common()))
    }

    /// The git directories of submodules, in `modules/`, at any depth. They are repositories of
    /// their own; [`GitDir::at`] opens them.
    #[must_use]
    pub fn submodules(&self) -> Found<PathBuf> {
        let mut found = Found::default();
        let folder = |path: &Path| path.parent().map_or_else(|| self.common().to_owned(), |above| self.common().join(above));
        let wanted = |path: &Path| path.ends_with("modules") || path.ends_with("HEAD") || !is_git_dir(&folder(path)).unwrap_or(false);
        for entry in Below::new(self.common(), wanted) {
            match entry {
                Ok(entry) if entry.path.ends_with("HEAD") && entry.path.starts_with("modules") => {
                    found.items.extend(Some(folder(&entry.path)).filter(|path| is_git_dir(path).unwrap_or(true)));
                }
                Ok(_) => {}
                Err(skip) => found.skipped.push(skip),
            }
        }
        found.items.sort();
        found
    }
}

impl GitDir {
    /// Where a submodule's files lie below the working tree, with `/` between its parts; that of its git directory if it says
    /// nothing usable.
    #[must_use]
    pub fn place_of(&self, submodule: &Self) -> String {
        let files = named_work_tree(submodule.common()).ok().flatten();
        let top = self.main_work_tree().and_then(|top| top.canonicalize().ok());
        let inside = files.zip(top).and_then(|(files, top)| files.strip_prefix(top).map(Path::to_path_buf).ok());
        let place = inside.filter(|path| !path.as_os_str().is_empty()).unwrap_or_else(|| submodule.common().to_owned());
        place.to_string_lossy().into_owned()
    }
}

/// A path in the common directory: of which linked working tree it is, and its path there.
pub(super) fn in_worktree(path: &Path) -> (Option<&OsStr>, &Path) {
    let mut parts = path.components();
    if parts.next() == Some(Component::Normal(OsStr::new("worktrees")))
        && let Some(Component::Normal(name)) = parts.next()
    {
        return (Some(name), parts.as_path());
    }
    (None, path)
}

/// A test for [`Below`] that asks another one for each working tree alike.
pub(super) fn per_worktree(wanted: impl Fn(&Path) -> bool + Send) -> impl Fn(&Path) -> bool + Send {
    move |path| match in_worktree(path) {
        (Some(_), rest) => rest.as_os_str().is_empty() || wanted(rest),
        (None, path) => path == Path::new("worktrees") || wanted(path),
    }
}
