//! Where a repository keeps its things, and what its configuration says about how.

use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::config::{Setting, settings};
use super::{GitVariables, files};
use crate::source::object::{Alternates, HashKind, Limits, ObjectId, ObjectStore, OpenError, Skip, SkipReason, is_absent, object_dirs};

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
    bare: bool,
    promised: bool,
    shallow: Vec<ObjectId>,
    skipped: Vec<Skip>,
    told: GitVariables,
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
            if is_git_dir(folder)? {
                return Self::at(folder);
            }
            let link = folder.join(".git");
            match fs::symlink_metadata(&link) {
                Err(error) if is_absent(error.kind()) => {}
                Err(source) => return Err(GitDirError::Io { path: link, source }),
                Ok(kind) if kind.is_dir() && is_broken(&link)? => return Err(GitDirError::NotAGitDir(link)),
                Ok(kind) if kind.is_dir() && !is_git_dir(&link)? => {}
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

    /// The repository that holds a path, unless the variables that git gives to its hooks say
    /// where it lies. They are about the repository of the current folder; another one's things
    /// are looked for where they usually are.
    ///
    /// # Errors
    /// When there is none, or one that cannot be read.
    pub fn told(path: &Path, variables: &GitVariables) -> Result<Self, GitDirError> {
        if variables.dir.is_some() {
            let named = Self::named(variables)?;
            if named.holds(&canonical(path)?) {
                return Ok(named);
            }
        }
        let found = Self::discover(path)?;
        if *variables == GitVariables::default() {
            return Ok(found);
        }
        let is_own = match Self::discover(Path::new(".")) {
            Ok(own) => own.dir == found.dir,
            Err(GitDirError::NotFound(_)) => false,
            Err(error) => return Err(error),
        };
        Ok(if is_own { Self { told: variables.clone(), ..found } } else { found })
    }

    /// The repository that `GIT_DIR` names, with the working tree that git would use.
    fn named(variables: &GitVariables) -> Result<Self, GitDirError> {
        let dir = variables.dir.as_deref().unwrap_or(Path::new("."));
        let mut git = Self::at(dir)?;
        if let Some(common) = &variables.common {
            git = Self { dir: git.dir.clone(), ..Self::at(common)? };
        }
        let here = canonical(Path::new("."))?;
        git.work_tree = match &variables.work_tree {
            Some(named) => Some(canonical(named)?),
            None if git.bare || here.starts_with(&git.dir) => None,
            None => Some(named_work_tree(&git.dir)?.unwrap_or(here)),
        };
        git.told = variables.clone();
        Ok(git)
    }

    fn holds(&self, path: &Path) -> bool {
        path.starts_with(&self.dir) || self.work_tree.as_ref().is_some_and(|top| path.starts_with(top))
    }

    /// The repository whose git directory this is.
    ///
    /// # Errors
    /// When it is not one, or cannot be read.
    pub fn at(dir: &Path) -> Result<Self, GitDirError> {
        let dir = canonical(dir)?;
        if !is_git_dir(&dir)? {
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
            storage: storage(&config, &common)?,
            promised: config.iter().any(is_promise),
            shallow: shallow.unwrap_or_default().split(|&byte| byte == b'\n').filter_map(ObjectId::from_hex).collect(),
            bare: config.iter().rev().find(|one| one.is("core", "bare")).is_some_and(Setting::is_true),
            work_tree: None,
            dir,
            common,
            skipped,
            told: GitVariables::default(),
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
        self.told.objects.clone().unwrap_or_else(|| self.common.join("objects"))
    }

    /// Opens its objects, and those that git told its hook to look for elsewhere.
    ///
    /// # Errors
    /// When a directory cannot be read.
    pub fn open_objects(&self, limits: Limits) -> Result<ObjectStore, OpenError> {
        let own = self.objects();
        let dirs: Vec<&Path> = std::iter::once(&own).chain(&self.told.alternates).map(PathBuf::as_path).collect();
        ObjectStore::open_all(&dirs, self.hash, limits)
    }

    /// The index of this working tree.
    #[must_use]
    pub fn index(&self) -> PathBuf {
        self.dir.join("index")
    }

    /// The index that a commit is being made from: what git told its hook, or that of this working tree.
    ///
    /// # Errors
    /// When git named a file that is not there.
    pub fn staged_index(&self) -> Result<PathBuf, Skip> {
        let usual = self.index();
        let Some(told) = &self.told.index else { return Ok(usual) };
        // A hook may have left the folder that git started it in.
        let places = std::iter::once(told.clone()).chain(self.work_tree.as_ref().map(|top| top.join(told)));
        for place in places {
            match fs::symlink_metadata(&place) {
                Ok(_) => return Ok(place),
                Err(error) if is_absent(error.kind()) => {}
                Err(error) => return Err(files::skip(place, error)),
            }
        }
        // Before the first commit there need not be one.
        let is_usual = told.file_name() == usual.file_name()
            && told.parent().is_some_and(|folder| canonical(folder).is_ok_and(|folder| folder == self.dir));
        if is_usual {
            Ok(usual)
        } else {
            Err(files::skip(told.clone(), SkipReason::Unusable("GIT_INDEX_FILE names it as the index, and it is not there".to_owned())))
        }
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

    /// Whether libgit2 may open it. It opens some files by name without a look at what they are, and borrows objects
    /// from any folder that is named.
    ///
    /// # Errors
    /// When one of these is no regular file, cannot be read, or leads outside.
    pub fn safe_for_libgit2(&self) -> Result<(), Skip> {
        let shared = ["config", "packed-refs", "shallow", "info/exclude", "info/attributes", "info/grafts"];
        let own = ["HEAD", "index", "config.worktree", "MERGE_HEAD", "MERGE_MSG", "ORIG_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD"];
        let shared = shared.iter().map(|name| self.common.join(name));
        shared.chain(own.iter().map(|name| self.dir.join(name))).try_for_each(|file| files::regular(&file))?;
        let mut outside = Vec::new();
        object_dirs(&self.objects(), &Alternates::Within(vec![self.common.clone()]), &mut outside);
        outside.pop().map_or(Ok(()), Err)
    }

    /// The configuration file that includes others, if one does. They are not followed here.
    ///
    /// # Errors
    /// When a configuration cannot be read.
    pub fn includes(&self) -> Result<Option<PathBuf>, Skip> {
        let files = [self.common.join("config"), self.common.join("config.worktree"), self.dir.join("config.worktree")];
        for file in files {
            let text = files::read(&file)?.unwrap_or_default();
            if settings(&text).iter().any(|one| one.key == "path" && (one.section == "include" || one.section == "includeif")) {
                return Ok(Some(file));
            }
        }
        Ok(None)
    }

    /// What could not be read on opening.
    #[must_use]
    pub fn skipped(&self) -> &[Skip] {
        &self.skipped
    }
}

/// A file that names a path after a word (or none), resolved against the file's folder.
pub(super) fn target_of(file: &Path, word: &[u8]) -> Result<PathBuf, GitDirError> {
    canonical(&named_in(file, word)?)
}

/// The same as it is written.
pub(super) fn named_in(file: &Path, word: &[u8]) -> Result<PathBuf, GitDirError> {
    let unclear = || GitDirError::Unclear(file.to_owned());
    let text = files::read_up_to(file, LONGEST_LINK).map_err(GitDirError::Skip)?.ok_or_else(unclear)?;
    let named = text.strip_prefix(word).ok_or_else(unclear)?.trim_ascii();
    if named.is_empty() || named.contains(&b'\n') {
        return Err(unclear());
    }
    Ok(file.parent().unwrap_or(Path::new("")).join(Path::new(std::ffi::OsStr::from_bytes(named))))
}

/// Whether a git directory says that it belongs to this working tree: as a linked working tree by
/// its file `gitdir`, as a submodule by `core.worktree`.
fn leads_back(dir: &Path, work_tree: &Path) -> Result<bool, GitDirError> {
    let linked = dir.join("gitdir");
    if is_there(&linked)? {
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
    match canonical(&dir.join(Path::new(std::ffi::OsStr::from_bytes(&named)))) {
        Ok(there) => Ok(Some(there)),
        Err(GitDirError::Io { source, .. }) if is_absent(source.kind()) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The shared directory of a linked working tree's, which must hold it; else the directory itself.
fn common_of(dir: &Path) -> Result<PathBuf, GitDirError> {
    let link = dir.join("commondir");
    if !is_there(&link)? {
        return Ok(dir.to_owned());
    }
    let common = target_of(&link, b"")?;
    if dir.parent() == Some(&common.join("worktrees")) { Ok(common) } else { Err(GitDirError::OneSided { link, dir: common }) }
}

/// Git's own test: `HEAD`, `objects` and `refs`, or `commondir` in place of the latter two. What
/// may not be looked at is an error, not a no.
pub(super) fn is_git_dir(dir: &Path) -> Result<bool, GitDirError> {
    let folder = |name: &str| about(dir.join(name), |path| fs::metadata(path)).map(|about| about.is_some_and(|about| about.is_dir()));
    Ok(is_there(&dir.join("HEAD"))? && (is_there(&dir.join("commondir"))? || folder("objects")? && folder("refs")?))
}

fn is_there(path: &Path) -> Result<bool, GitDirError> {
    about(path.to_owned(), |path| fs::symlink_metadata(path)).map(|about| about.is_some())
}

fn about(path: PathBuf, look: impl Fn(&Path) -> io::Result<fs::Metadata>) -> Result<Option<fs::Metadata>, GitDirError> {
    match look(&path) {
        Ok(about) => Ok(Some(about)),
        Err(error) if is_absent(error.kind()) => Ok(None),
        Err(source) => Err(GitDirError::Io { path, source }),
    }
}

/// Meant to be a git directory, and none.
fn is_broken(dir: &Path) -> Result<bool, GitDirError> {
    if is_git_dir(dir)? {
        return Ok(false);
    }
    Ok(is_there(&dir.join("HEAD"))? || is_there(&dir.join("objects"))? || is_there(&dir.join("refs"))?)
}

fn storage(config: &[Setting], common: &Path) -> Result<RefStorage, GitDirError> {
    let asked = config.iter().any(|one| one.is("extensions", "refstorage") && one.value.as_deref() == Some(b"reftable"));
    let tables = asked || is_there(&common.join("reftable/tables.list"))?;
    Ok(if tables { RefStorage::Reftable } else { RefStorage::Files })
}

fn is_promise(setting: &Setting) -> bool {
    let is_filter = setting.is("remote", "partialclonefilter") || setting.is("extensions", "partialclone");
    is_filter || setting.is("remote", "promisor") && setting.is_true()
}

fn canonical(path: &Path) -> Result<PathBuf, GitDirError> {
    fs::canonicalize(path).map_err(|source| GitDirError::Io { path: path.to_owned(), source })
}
