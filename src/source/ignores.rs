//! Which files below a folder are left out: by `.gitignore` and its kin as git does it, and by
//! `.sopupignore`. Ignore files are opened like anything else that somebody else has put there: only
//! regular ones, up to a size; git follows no links to them either.

use std::ffi::OsString;
use std::io::Read as _;
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use foldhash::HashMap;
use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

use super::object::{FileError, is_absent, open_regular};
use super::worktree::Respect;
use super::{Skip, SkipReason};

/// File of patterns, in the syntax of `.gitignore`, of what is not to be scanned.
const IGNORE_FILE: &str = ".sopupignore";
/// A larger ignore file is not read, in bytes.
const LARGEST: u64 = 8 << 20;

/// The ignore files of a folder and of those around it.
pub struct Ignores {
    respect: Respect,
    /// No ignore file outside of this folder counts: the top of the working tree, or of the walk.
    top: PathBuf,
    /// `info/exclude`, and the user's own patterns; none outside of a repository.
    shared: Vec<Arc<Gitignore>>,
    in_repository: bool,
    folders: RwLock<HashMap<OsString, Arc<Folder>>>,
    left_out: AtomicU64,
    skipped: Mutex<Vec<Skip>>,
}

/// What counts for the entries of one folder.
#[derive(Clone, Default)]
struct Folder {
    /// Patterns of git, those of the innermost folder first.
    git: Vec<Arc<Gitignore>>,
    /// Those of `.sopupignore` files.
    own: Vec<Arc<Gitignore>>,
    in_repository: bool,
}

impl Ignores {
    /// For what lies below `top`. `exclude` is the `info/exclude` of its repository, if it is in one.
    pub fn new(top: &Path, exclude: Option<PathBuf>, respect: Respect) -> Self {
        let mut ignores = Self {
            respect,
            top: top.to_owned(),
            shared: Vec::new(),
            in_repository: exclude.is_some(),
            folders: RwLock::default(),
            left_out: AtomicU64::new(0),
            skipped: Mutex::default(),
        };
        if let Some(exclude) = exclude.filter(|_| respect != Respect::No) {
            let of_repository = ignores.read(&exclude, top);
            let (of_user, _) = GitignoreBuilder::new(top).build_global();
            ignores.shared = of_repository.into_iter().chain([of_user].map(Arc::new)).filter(|shared| !shared.is_empty()).collect();
        }
        ignores
    }

    /// Whether an entry of a walk is left out; of one that is not, nothing around it is.
    pub fn leaves_out(&self, path: &Path, is_folder: bool) -> bool {
        match self.own(path, is_folder) {
            Match::Ignore(()) => {
                self.left_out.fetch_add(1, Ordering::Relaxed);
                true
            }
            Match::Whitelist(()) => false,
            Match::None => self.ignored_by_git(path, is_folder),
        }
    }

    /// Whether `.sopupignore` files leave out a file, or a folder around it.
    pub fn leaves_out_file(&self, path: &Path) -> bool {
        let Ok(below) = path.strip_prefix(&self.top) else { return false };
        let mut reached = self.top.clone();
        let mut parts = below.components().peekable();
        while let Some(part) = parts.next() {
            reached.push(part);
            if matches!(self.own(&reached, parts.peek().is_some()), Match::Ignore(())) {
                self.left_out.fetch_add(1, Ordering::Relaxed);
                return true;
            }
        }
        false
    }

    /// The same for a path as the history has it, with `/` between its parts; a file inside an archive is left out with it.
    pub fn leaves_out_name(&self, path: &str) -> bool {
        let plain = |path: &str| !path.is_empty() && Path::new(path).components().all(|part| matches!(part, Component::Normal(_)));
        let left_out = |path: &str| plain(path) && self.leaves_out_file(&self.top.join(path));
        left_out(path) || path.match_indices('!').any(|(end, _)| left_out(&path[..end]))
    }

    /// How many files and folders `.sopupignore` has left out, a folder for all that is in it.
    pub fn left_out(&self) -> u64 {
        self.left_out.load(Ordering::Relaxed)
    }

    /// Ignore files that could not be read.
    pub fn skipped(&self) -> Vec<Skip> {
        std::mem::take(&mut self.skipped.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn own(&self, path: &Path, is_folder: bool) -> Match<()> {
        if self.respect != Respect::Yes {
            return Match::None;
        }
        let Some(folder) = self.around(path) else { return Match::None };
        first_match(folder.own.iter().map(Arc::as_ref), path, is_folder)
    }

    fn ignored_by_git(&self, path: &Path, is_folder: bool) -> bool {
        // Outside of a repository `.gitignore` means nothing.
        let Some(folder) = self.around(path).filter(|folder| folder.in_repository && self.respect != Respect::No) else { return false };
        first_match(folder.git.iter().map(Arc::as_ref), path, is_folder).is_ignore()
    }

    /// What counts for what lies beside a path; `None` outside of the top.
    fn around(&self, path: &Path) -> Option<Arc<Folder>> {
        let folder = path.parent()?;
        folder.starts_with(&self.top).then(|| self.folder(folder))
    }

    fn folder(&self, folder: &Path) -> Arc<Folder> {
        if let Some(known) = self.folders.read().unwrap_or_else(PoisonError::into_inner).get(folder.as_os_str()) {
            return Arc::clone(known);
        }
        let is_top = folder == self.top;
        let outer = if is_top { None } else { folder.parent().map(|parent| self.folder(parent)) };
        let mut read = match outer {
            Some(outer) => Folder::clone(&outer),
            None => Folder { git: self.shared.clone(), own: Vec::new(), in_repository: self.in_repository },
        };
        // A repository that begins here knows nothing of what is ignored further out. If it cannot be told, more is read.
        let begins = || folder.join(".git").symlink_metadata().map_or_else(|error| !is_absent(error.kind()), |_| true);
        if !is_top && begins() {
            read = Folder { git: Vec::new(), own: read.own, in_repository: true };
        }
        if self.respect != Respect::No {
            read.git.splice(0..0, self.read(&folder.join(".gitignore"), folder));
        }
        if self.respect == Respect::Yes {
            read.own.splice(0..0, self.read(&folder.join(IGNORE_FILE), folder));
        }
        let read = Arc::new(read);
        self.folders.write().unwrap_or_else(PoisonError::into_inner).insert(folder.as_os_str().to_owned(), Arc::clone(&read));
        read
    }

    /// The patterns of a file, which count below `root`; `None` if it is not there or a link.
    fn read(&self, file: &Path, root: &Path) -> Option<Arc<Gitignore>> {
        let text = match open_regular(file) {
            Ok((_, size)) if size > LARGEST => Err(SkipReason::Unreadable(format!("larger than {} MiB, and not obeyed", LARGEST >> 20))),
            Ok((open, _)) => {
                let mut text = Vec::new();
                let read = open.take(LARGEST).read_to_end(&mut text);
                read.map(|_| text).map_err(|error| SkipReason::Unreadable(error.to_string()))
            }
            Err(FileError::Io(error)) if is_absent(error.kind()) => return None,
            Err(FileError::Io(error)) => Err(SkipReason::Unreadable(error.to_string())),
            Err(FileError::NotAFile) if file.symlink_metadata().is_ok_and(|about| about.is_symlink() || about.is_dir()) => return None,
            Err(FileError::NotAFile) => Err(SkipReason::NotAFile),
        };
        match text {
            Ok(text) => {
                let mut builder = GitignoreBuilder::new(root);
                for line in String::from_utf8_lossy(&text).trim_start_matches('\u{feff}').lines() {
                    // A pattern that makes no sense matches nothing, as in git.
                    let _ = builder.add_line(None, line);
                }
                builder.build().ok().filter(|built| !built.is_empty()).map(Arc::new)
            }
            Err(reason) => {
                let what = file.strip_prefix(&self.top).unwrap_or(file).display().to_string();
                self.skipped.lock().unwrap_or_else(PoisonError::into_inner).push(Skip { what, reason });
                None
            }
        }
    }
}

/// What the first of some patterns that know a path say about it.
fn first_match<'a>(mut patterns: impl Iterator<Item = &'a Gitignore>, path: &Path, is_folder: bool) -> Match<()> {
    let matched = patterns.find_map(|patterns| Some(patterns.matched(path, is_folder)).filter(|matched| !matched.is_none()));
    matched.map_or(Match::None, |matched| matched.map(|_| ()))
}
