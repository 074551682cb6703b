//! Where a repository keeps its things, and what its configuration says about how.

use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::config::{Setting, settings};
use super::files;
use crate::source::object::{HashKind, ObjectId, Skip};

/// The longest `.git` or `commondir` file, in bytes: a path and a few letters.
const LONGEST_LINK: u64 = 8 << 10;

/// The directory of a repository, found and understood.
#[derive(Debug, Clone)]
pub struct GitDir {
    dir: PathBuf,
    common: PathBuf,
    work_tree: Option<PathBuf>,
    hash: HashKind,
    storage: RefStorage,
    promised: bool,
    shallow: Vec<ObjectId>,
    skipped: Vec<Skip>,
}

/// How refs are stored (`extensions.refStorage`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefStorage {
    /// A file for each ref, and `packed-refs`.
    Files,
    /// Tables in `reftable/`. They are not read; listing refs names them as skipped.
    Reftable,
}

/// Why there is no repository to read.
#[derive(Debug, Error)]
pub enum GitDirError {
    /// Neither the folder nor one above it holds a repository.
    #[error("{} is not inside a git repository", .0.display())]
    NotFound(PathBuf),
    /// The folder has no shape of a git directory.
    #[error("{} is not a git directory; it should hold HEAD, objects and refs", .0.display())]
    NotAGitDir(PathBuf),
    /// A file that says where the repository lies makes no sense.
    #[error("{} should name a git directory, as `gitdir: PATH`", .0.display())]
    Unclear(PathBuf),
    /// A file leads to a repository that does not know it.
    #[error("{} leads to {}, which does not lead back; to scan that repository, name it directly", link.display(), dir.display())]
    OneSided {
        /// The file that leads there.
        link: PathBuf,
        /// Where it leads.
        dir: PathBuf,
    },
    /// The system refused.
    #[error("cannot read {}: {source}", path.display())]
    Io {
        /// What was to be read.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file of the repository could not be read.
    #[error("cannot read {0}")]
    Skip(Skip),
}

impl GitDir {
    /// The repository that holds a path: a working tree, a linked one, a submodule, a bare
    /// repository, or any folder inside of these.
    ///
    /// # Errors
    /// When there is none, or one that cannot be read or that is not sure to belong to the path.
    pub fn discover(path: &Path) -> Result<Self, GitDirError> {
        let start = canonical(path)?;
        for folder in start.ancestors() {
            if is_git_dir(folder) {
                return Self::at(folder);
            }
            let link = folder.join(".git");
            match fs::symlink_metadata(&link) {
                Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {}
                Err(source) => return Err(GitDirError::Io { path: link, source }),
                Ok(kind) if kind.is_dir() && is_broken(&link) => return Err(GitDirError::NotAGitDir(link)),
                Ok(kind) if kind.is_dir() && !is_git_dir(&link) => {}
                Ok(kind) if kind.is_dir() => return Ok(Self { work_tree: Some(folder.to_owned()), ..Self::at(&link)? }),
                Ok(kind) => {
                    let dir = if kind.is_symlink() { canonical(&link)? } else { target_of(&link, b"gitdir:")? };
                    if !dir.starts_with(folder) && !leads_back(&dir, folder)? {
                        return Err(GitDirError::OneSided { link, dir });
                    }
                    return Ok(Self { work_tree: Some(folder.to_owned()), ..Self::at(&dir)? });
                }
            }
        }
        Err(GitDirError::NotFound(path.to_owned()))
    }

    /// The repository whose git directory this is.
    ///
    /// # Errors
    /// When it is not one, or cannot be read.
    pub fn at(dir: &Path) -> Result<Self, GitDirError> {
        let dir = canonical(dir)?;
        if !is_git_dir(&dir) {
            return Err(GitDirError::NotAGitDir(dir));
        }
        let common = common_of(&dir)?;
        let text = files::read(&common.join("config")).map_err(GitDirError::Skip)?.unwrap_or_default();
        let config = settings(&text);
        let mut skipped = Vec::new();
        let shallow = files::read(&common.join("shallow")).unwrap_or_else(|skip| {
            skipped.push(skip);
            None
        });
        Ok(Self {
            hash: HashKind::from_config(&text),
            storage: storage(&config, &common),
            promised: config.iter().any(is_promise),
            shallow: shallow.unwrap_or_default().split(|&byte| byte == b'\n').filter_map(ObjectId::from_hex).collect(),
            work_tree: None,
            dir,
            common,
            skipped,
        })
    }

    /// The directory of this working tree: `.git`, or `.git/worktrees/NAME`.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.dir
    }

    /// The directory that all working trees share. Names and paths that this module gives are
    /// relative to it.
    #[must_use]
    pub fn common(&self) -> &Path {
        &self.common
    }

    /// The working tree through which the repository was found.
    #[must_use]
    pub fn work_tree(&self) -> Option<&Path> {
        self.work_tree.as_deref()
    }

    /// The object directory.
    #[must_use]
    pub fn objects(&self) -> PathBuf {
        self.common.join("objects")
    }

    /// The hash that names objects.
    #[must_use]
    pub fn hash(&self) -> HashKind {
        self.hash
    }

    /// How refs are stored.
    #[must_use]
    pub fn ref_storage(&self) -> RefStorage {
        self.storage
    }

    /// Commits whose parents a shallow clone lacks; empty for a complete one.
    #[must_use]
    pub fn shallow(&self) -> &[ObjectId] {
        &self.shallow
    }

    /// Whether objects may be missing because a server promised them, as in a partial clone.
    #[must_use]
    pub fn is_partial(&self) -> bool {
        self.promised
    }

    /// What could not be read on opening.
    #[must_use]
    pub fn skipped(&self) -> &[Skip] {
        &self.skipped
    }
}

/// A file that names a path after a word (or none), resolved against the file's folder.
pub(super) fn target_of(file: &Path, word: &[u8]) -> Result<PathBuf, GitDirError> {
    let unclear = || GitDirError::Unclear(file.to_owned());
    let text = files::read_up_to(file, LONGEST_LINK).map_err(GitDirError::Skip)?.ok_or_else(unclear)?;
    let named = text.strip_prefix(word).ok_or_else(unclear)?.trim_ascii();
    if named.is_empty() || named.contains(&b'\n') {
        return Err(unclear());
    }
    canonical(&file.parent().unwrap_or(Path::new("")).join(Path::new(std::ffi::OsStr::from_bytes(named))))
}

/// Whether a git directory says that it belongs to this working tree: as a linked working tree by
/// its file `gitdir`, as a submodule by `core.worktree`.
fn leads_back(dir: &Path, work_tree: &Path) -> Result<bool, GitDirError> {
    let linked = dir.join("gitdir");
    if fs::symlink_metadata(&linked).is_ok() {
        return Ok(target_of(&linked, b"").is_ok_and(|back| back == work_tree.join(".git")));
    }
    Ok(named_work_tree(dir)?.is_some_and(|back| back == work_tree))
}

/// The working tree that the configuration of a git directory names, if it is there.
pub(super) fn named_work_tree(dir: &Path) -> Result<Option<PathBuf>, GitDirError> {
    let config = files::read(&dir.join("config")).map_err(GitDirError::Skip)?.unwrap_or_default();
    let mut named = settings(&config);
    named.retain(|setting| setting.is("core", "worktree"));
    let named = named.pop().and_then(|setting| setting.value).unwrap_or_default();
    Ok(fs::canonicalize(dir.join(Path::new(std::ffi::OsStr::from_bytes(&named)))).ok())
}

/// The shared directory of a linked working tree's, which must hold it; else the directory itself.
fn common_of(dir: &Path) -> Result<PathBuf, GitDirError> {
    let link = dir.join("commondir");
    if fs::symlink_metadata(&link).is_err() {
        return Ok(dir.to_owned());
    }
    let common = target_of(&link, b"")?;
    if dir.parent() == Some(&common.join("worktrees")) { Ok(common) } else { Err(GitDirError::OneSided { link, dir: common }) }
}

/// Git's own test: `HEAD`, `objects` and `refs`, or `commondir` in place of the latter two.
pub(super) fn is_git_dir(dir: &Path) -> bool {
    let has = |name| fs::symlink_metadata(dir.join(name)).is_ok();
    has("HEAD") && (has("commondir") || dir.join("objects").is_dir() && dir.join("refs").is_dir())
}

/// Meant to be a git directory, and none.
fn is_broken(dir: &Path) -> bool {
    !is_git_dir(dir) && ["HEAD", "objects", "refs"].iter().any(|part| dir.join(part).exists())
}

fn storage(config: &[Setting], common: &Path) -> RefStorage {
    let asked = config.iter().any(|one| one.is("extensions", "refstorage") && one.value.as_deref() == Some(b"reftable"));
    if asked || common.join("reftable/tables.list").exists() { RefStorage::Reftable } else { RefStorage::Files }
}

fn is_promise(setting: &Setting) -> bool {
    let is_filter = setting.is("remote", "partialclonefilter") || setting.is("extensions", "partialclone");
    is_filter || setting.is("remote", "promisor") && setting.is_true()
}

fn canonical(path: &Path) -> Result<PathBuf, GitDirError> {
    fs::canonicalize(path).map_err(|source| GitDirError::Io { path: path.to_owned(), source })
}
