//! [`Repo`]: the repository that is migrated, as planning sees it: its files by name and content, what git
//! ignores, and whether something is going on in it.

use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeSet, HashMap};
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use super::file::folder_of;
use super::manifests::{Manifests, is_kustomization};
use super::scripts::Scripts;
use super::yaml::is_yaml;
use crate::source::{Repository, Respect, Target, Walk, walk};

/// A repository with a working tree.
pub struct Repo {
    /// The top of the working tree.
    pub top: PathBuf,
    /// The git directory of this working tree.
    pub git_dir: PathBuf,
    git: git2::Repository,
    manifests: OnceCell<Manifests>,
    scripts: OnceCell<Scripts>,
    /// Whether folders are repositories of their own.
    nested: RefCell<HashMap<String, bool>>,
}

/// The texts of manifests and scripts, as a walk through the repository meets them.
#[derive(Default)]
pub struct Texts {
    /// Whether there was a walk.
    seen: AtomicBool,
    manifests: Mutex<Vec<(String, String)>>,
    scripts: Mutex<Vec<(String, String)>>,
}

impl Texts {
    /// Keeps the text of a file that planning reads.
    pub fn see(&self, path: &str, bytes: &[u8]) {
        self.seen.store(true, Ordering::Relaxed);
        let largest = usize::try_from(LARGEST).unwrap_or(usize::MAX);
        let text = || std::str::from_utf8(&bytes[..bytes.len().min(largest)]).ok();
        for (wanted, texts) in [(is_manifest(path), &self.manifests), (Scripts::wants(path) && Scripts::takes(path, bytes), &self.scripts)]
        {
            if let Some(text) = wanted.then(text).flatten() {
                texts.lock().unwrap_or_else(PoisonError::into_inner).push((path.to_owned(), text.to_owned()));
            }
        }
    }
}

/// Those of a walk, in order.
fn sorted(texts: Mutex<Vec<(String, String)>>) -> Vec<(String, String)> {
    let mut texts = texts.into_inner().unwrap_or_else(PoisonError::into_inner);
    texts.sort();
    texts
}

fn is_manifest(path: &str) -> bool {
    is_yaml(path) || is_kustomization(path)
}

/// Why a repository cannot be migrated.
#[derive(Debug, thiserror::Error)]
pub enum RepoError {
    /// There is none.
    #[error(transparent)]
    Repository(#[from] crate::source::RepositoryError),
    /// It has no working tree.
    #[error("{0} has no working tree")]
    Bare(PathBuf),
    /// libgit2 cannot open it.
    #[error("cannot read the repository at {path}: {message}")]
    Git {
        /// Where.
        path: PathBuf,
        /// What libgit2 said.
        message: String,
    },
}

/// Folders that tools fill with other people's code.
const VENDORED: [&str; 14] = [
    "vendor",
    "node_modules",
    "bower_components",
    "third_party",
    "third-party",
    "thirdparty",
    "Godeps",
    "Pods",
    "site-packages",
    "_site",
    "wp-includes",
    "wp-admin",
    ".yarn",
    "Carthage",
];

/// The largest manifest that is read to find out who uses what.
const LARGEST: u64 = 1 << 20;

/// `octokit-4.25.1`
fn is_versioned(name: &str) -> bool {
    name.rsplit_once('-').is_some_and(|(_, version)| version.starts_with(|c: char| c.is_ascii_digit()) && version.contains('.'))
}

impl Repo {
    /// Opens the repository that holds `path`.
    ///
    /// # Errors
    /// [`RepoError`].
    pub fn open(path: &Path) -> Result<Self, RepoError> {
        let found = Repository::discover(path)?;
        let top = found.workdir().ok_or_else(|| RepoError::Bare(path.to_path_buf()))?;
        let wrong = |error: std::io::Error| RepoError::Git { path: top.to_path_buf(), message: error.to_string() };
        let top = top.canonicalize().map_err(wrong)?;
        let git = found.into_libgit2();
        let git_dir = git.path().to_path_buf();
        Ok(Self { top, git_dir, git, manifests: OnceCell::new(), scripts: OnceCell::new(), nested: RefCell::default() })
    }

    /// Where a path of the plan lies on disk.
    pub fn locate(&self, path: &str) -> PathBuf {
        self.top.join(path)
    }

    /// Whether something stands at a path, a broken link too.
    pub fn exists(&self, path: &str) -> bool {
        std::fs::symlink_metadata(self.locate(path)).is_ok()
    }

    /// Whether a file can be run by its name.
    pub fn is_executable(&self, path: &str) -> bool {
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            std::fs::metadata(self.locate(path)).is_ok_and(|about| about.permissions().mode() & 0o100 != 0)
        }
        #[cfg(not(unix))]
        self.exists(path)
    }

    /// Whose file it is, if it is not one of this repository itself: a submodule's, a nested repository's, a copy of
    /// somebody else's code.
    pub fn foreign_owner(&self, path: &str) -> Option<&'static str> {
        let mut folder = String::new();
        for part in folder_of(path).split('/').filter(|part| !part.is_empty()) {
            if VENDORED.contains(&part) || folder.ends_with("gems/") && is_versioned(part) || folder.ends_with(".yarn/") {
                return Some("in a copy of somebody else's code, which the next update would bring back");
            }
            folder.push_str(part);
            if self.is_nested(&folder) {
                return Some("in a submodule or another repository inside of this one: migrate that one itself");
            }
            folder.push('/');
        }
        None
    }

    fn is_nested(&self, folder: &str) -> bool {
        if let Some(&known) = self.nested.borrow().get(folder) {
            return known;
        }
        let nested = self.exists(&format!("{folder}/.git")) || self.is_submodule(folder);
        self.nested.borrow_mut().insert(folder.to_owned(), nested);
        nested
    }

    fn is_submodule(&self, folder: &str) -> bool {
        const COMMIT: u32 = 0o160_000;
        let entry = self.git.index().ok().and_then(|index| index.get_path(Path::new(folder), 0));
        entry.is_some_and(|entry| entry.mode == COMMIT)
    }

    /// Where a path leads that has symbolic links in it; `None` without links, and if it leads out of the repository.
    pub fn beyond_links(&self, path: &str) -> Option<String> {
        let real = self.locate(path).canonicalize().ok()?;
        let real = real.strip_prefix(&self.top).ok()?.to_str()?;
        (real != path).then(|| real.to_owned())
    }

    /// The bytes of a regular file.
    pub fn read(&self, path: &str) -> Option<Vec<u8>> {
        let place = self.locate(path);
        std::fs::symlink_metadata(&place).ok().filter(std::fs::Metadata::is_file)?;
        std::fs::read(place).ok()
    }

    /// Paths and texts of the files of a folder whose names end like this, in order. `folder` is empty or ends in `/`.
    pub fn beside(&self, folder: &str, ends: &[&str]) -> Vec<(String, String)> {
        let entries = std::fs::read_dir(self.locate(folder)).into_iter().flatten().flatten();
        let names =
            entries.filter_map(|entry| entry.file_name().into_string().ok()).filter(|name| ends.iter().any(|end| name.ends_with(end)));
        let text = |path: &str| self.read(path).and_then(|bytes| String::from_utf8(bytes).ok());
        let paths = names.map(|name| format!("{folder}{name}"));
        let mut found: Vec<(String, String)> = paths.filter_map(|path| text(&path).map(|text| (path, text))).collect();
        found.sort();
        found
    }

    /// Whether git would not add a file at this path. Tracked files are never ignored.
    pub fn is_ignored(&self, path: &str) -> bool {
        let tracked = self.git.index().is_ok_and(|index| index.get_path(Path::new(path), 0).is_some());
        !tracked && self.git.is_path_ignored(path).unwrap_or(false)
    }

    /// What the repository is in the middle of, such as a merge.
    pub fn operation(&self) -> Option<&'static str> {
        match self.git.state() {
            git2::RepositoryState::Clean => None,
            git2::RepositoryState::Merge => Some("a merge"),
            git2::RepositoryState::Revert | git2::RepositoryState::RevertSequence => Some("a revert"),
            git2::RepositoryState::CherryPick | git2::RepositoryState::CherryPickSequence => Some("a cherry-pick"),
            git2::RepositoryState::Bisect => Some("a bisection"),
            git2::RepositoryState::Rebase | git2::RepositoryState::RebaseInteractive | git2::RepositoryState::RebaseMerge => {
                Some("a rebase")
            }
            git2::RepositoryState::ApplyMailbox | git2::RepositoryState::ApplyMailboxOrRebase => Some("applying patches"),
        }
    }

    /// Those of some files that are tracked and differ from what is committed; all of them if git cannot tell.
    pub fn dirty<'p>(&self, paths: impl Iterator<Item = &'p str>) -> BTreeSet<String> {
        let paths: Vec<&str> = paths.collect();
        let mut options = git2::StatusOptions::new();
        options.include_untracked(false).disable_pathspec_match(true);
        paths.iter().for_each(|path| _ = options.pathspec(path));
        let clean = git2::Status::CURRENT | git2::Status::WT_NEW | git2::Status::IGNORED;
        match self.git.statuses(Some(&mut options)) {
            Ok(found) => {
                let dirty = found.iter().filter(|entry| !clean.contains(entry.status()));
                dirty.map(|entry| String::from_utf8_lossy(entry.path_bytes()).into_owned()).collect()
            }
            Err(_) => paths.into_iter().map(str::to_owned).collect(),
        }
    }

    /// Whether the index differs from what is committed.
    pub fn has_staged(&self) -> bool {
        let head = self.git.head().and_then(|head| head.peel_to_tree()).ok();
        let diff = self.git.diff_tree_to_index(head.as_ref(), None, None);
        diff.map_or(true, |diff| diff.deltas().len() > 0)
    }

    /// Whether git would pass a file through a program before it stores it.
    pub fn is_filtered(&self, path: &str) -> bool {
        let filter = self.git.get_attr(Path::new(path), "filter", git2::AttrCheckFlags::default());
        filter.is_ok_and(|filter| filter.is_some())
    }

    /// Whether git knows who commits.
    pub fn has_committer(&self) -> bool {
        self.git.signature().is_ok()
    }

    /// Commits files as they are now, and returns the short name of the commit.
    ///
    /// # Errors
    /// What libgit2 said.
    pub fn commit(&self, paths: &[&str], message: &str) -> Result<String, git2::Error> {
        let mut index = self.git.index()?;
        index.read(true)?;
        for path in paths {
            index.add_path(Path::new(path))?;
        }
        index.write()?;
        let tree = self.git.find_tree(index.write_tree()?)?;
        let who = self.git.signature()?;
        let parent = self.git.head().and_then(|head| head.peel_to_commit()).ok();
        let parents: Vec<&git2::Commit<'_>> = parent.iter().collect();
        let id = self.git.commit(Some("HEAD"), &who, &who, message, &tree, &parents)?;
        Ok(id.to_string()[..12].to_owned())
    }

    /// The YAML files, read once.
    pub fn manifests(&self) -> &Manifests {
        self.manifests.get_or_init(|| Manifests::new(self.texts(&self.top, "", Respect::Yes, is_manifest).0))
    }

    /// What a walk through all of the repository met, which then need not be read again.
    pub fn keep(&self, texts: Texts) {
        if !texts.seen.into_inner() {
            return;
        }
        self.manifests.get_or_init(|| Manifests::new(sorted(texts.manifests)));
        self.scripts.get_or_init(|| Scripts::new(sorted(texts.scripts)));
    }

    /// The scripts and Dockerfiles, read once.
    pub fn scripts(&self) -> &Scripts {
        self.scripts.get_or_init(|| Scripts::new(self.texts(&self.top, "", Respect::Yes, Scripts::wants).0))
    }

    /// Paths and texts of all files below a folder, those too that git ignores, in order; `None` if one of them is a
    /// link, no text or too large. `folder` ends in `/`.
    pub fn below(&self, folder: &str) -> Option<Vec<(String, String)>> {
        let (found, is_whole) = self.texts(&self.locate(folder), folder, Respect::No, |_| true);
        is_whole.then_some(found)
    }

    /// Also tells whether every wanted file was read to its end.
    fn texts(&self, root: &Path, named: &str, respect: Respect, wanted: impl Fn(&str) -> bool + Sync) -> (Vec<(String, String)>, bool) {
        let found = Mutex::new((Vec::new(), true));
        let files = Walk { root: root.to_path_buf(), named: named.to_owned(), respect_gitignore: respect, threads: 0 };
        walk(&files, &|target| {
            use std::io::Read as _;
            let mut text = String::new();
            let read = match target {
                Target::File { path, .. } if !wanted(&path) => return,
                Target::File { path, file } => file.take(LARGEST).read_to_string(&mut text).ok().map(|read| (path, read as u64)),
                Target::Link { .. } | Target::Skipped(_) => None,
            };
            let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
            found.1 &= read.as_ref().is_some_and(|(_, read)| *read < LARGEST);
            found.0.extend(read.map(|(path, _)| (path, text)));
        });
        let mut found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
        found.0.sort();
        found
    }

    /// A path as plans name it, of a path relative to the current folder.
    pub fn relative(&self, path: &Path) -> Option<String> {
        let below = path.canonicalize().ok()?;
        let below = below.strip_prefix(&self.top).ok()?;
        let parts: Vec<String> = below
            .components()
            .filter_map(|part| match part {
                Component::Normal(name) => Some(name.to_string_lossy().into_owned()),
                _ => None,
            })
            .collect();
        Some(parts.join("/"))
    }
}
