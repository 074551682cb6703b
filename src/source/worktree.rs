//! Files and symbolic links below a folder: tracked and untracked ones, hidden ones too, without
//! what git ignores and never inside `.git`. A tracked file is read even if it is ignored.

use std::collections::HashSet;
use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::available_parallelism;

use ignore::{DirEntry, WalkBuilder, WalkState};

use super::ignores::Ignores;
use super::object::{FileError, is_absent, open_regular};
use super::refs::{GitDir, GitDirError};
use super::{IndexEntry, Skip, SkipReason, read_index, startable};

/// What to walk.
#[derive(Debug, Clone)]
pub struct Walk {
    /// A folder or a file.
    pub root: PathBuf,
    /// What names begin with before the path relative to the root.
    pub named: String,
    /// Whether `.gitignore` and its kin count.
    pub respect_gitignore: Respect,
    /// Number of threads; 0 for one per core.
    pub threads: usize,
}

/// Which ignore files are honoured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Respect {
    /// Those of git and `.sopupignore`.
    Yes,
    /// Those of git alone.
    Git,
    /// None: everything is read.
    No,
}

/// Something to be scanned.
#[derive(Debug)]
pub enum Target {
    /// A regular file, opened.
    File {
        /// Relative to the root, and with what names begin with.
        path: String,
        /// Open for reading.
        file: File,
    },
    /// A symbolic link; it is not followed.
    Link {
        /// As of files.
        path: String,
        /// What it points at, raw.
        target: Vec<u8>,
    },
    /// Something that cannot be scanned.
    Skipped(Skip),
}

/// What a walk passed by.
#[derive(Debug, Default)]
pub struct Walked {
    /// Files and folders that `.sopupignore` left out.
    pub left_out: u64,
    /// Working trees of other repositories below the root.
    pub repositories: Vec<PathBuf>,
}

impl Target {
    /// With something before its name.
    fn below(self, folder: &str) -> Self {
        let full = |name: String| if folder.is_empty() { name } else { format!("{folder}{name}") };
        match self {
            Self::File { path, file } => Self::File { path: full(path), file },
            Self::Link { path, target } => Self::Link { path: full(path), target },
            Self::Skipped(skip) => Self::Skipped(Skip { what: full(skip.what), ..skip }),
        }
    }
}

/// Visits everything below the root, on several threads.
pub fn walk(walk: &Walk, visit: &(impl Fn(Target) + Sync)) -> Walked {
    let visit = &|target: Target| visit(target.below(&walk.named));
    let (root, base) = match real(&walk.root) {
        Ok(found) => found,
        Err(error) => {
            visit(Target::Skipped(Skip { what: walk.root.display().to_string(), reason: unreadable(&error) }));
            return Walked::default();
        }
    };
    let git = match GitDir::discover(&base) {
        Ok(git) => Some(git).filter(|git| git.work_tree().is_some_and(|top| base.starts_with(top))),
        Err(GitDirError::NotFound(_)) => None,
        Err(error) => {
            if walk.respect_gitignore != Respect::No {
                visit(untold(&error.to_string()));
            }
            None
        }
    };
    let top = git.as_ref().and_then(GitDir::work_tree).unwrap_or(&base);
    let ignores = Arc::new(Ignores::new(top, git.as_ref().map(|git| git.common().join("info/exclude")), walk.respect_gitignore));
    let repositories = Arc::new(Mutex::new(Vec::new()));
    let seen = Mutex::new(HashSet::new());
    let look = |mine: &mut Seen<'_>, entry: Result<DirEntry, ignore::Error>| match entry {
        Ok(entry) => {
            mine.paths.push(hash(entry.path()));
            visit_entry(&entry, &base, visit);
        }
        Err(error) => skips(&error, &base).into_iter().for_each(|skip| visit(Target::Skipped(skip))),
    };
    let mut builder = builder(&root, &ignores, &repositories);
    // One thread more would only wait for the other.
    let threads = Some(wanted_threads(walk.threads)).filter(|wanted| *wanted > 1).map_or(0, startable);
    match threads {
        0 | 1 => {
            let mut mine = Seen { paths: Vec::new(), all: &seen };
            builder.build().for_each(|entry| look(&mut mine, entry));
        }
        threads => builder.threads(threads).build_parallel().run(|| {
            let mut mine = Seen { paths: Vec::new(), all: &seen };
            let look = &look;
            Box::new(move |entry| {
                look(&mut mine, entry);
                WalkState::Continue
            })
        }),
    }
    if let Some(git) = git.filter(|_| walk.respect_gitignore != Respect::No) {
        let seen = seen.into_inner().unwrap_or_else(PoisonError::into_inner);
        visit_tracked(&git, (&root, &base), &ignores, &seen, visit);
    }
    ignores.skipped().into_iter().for_each(|skip| visit(Target::Skipped(skip)));
    let mut repositories = std::mem::take(&mut *repositories.lock().unwrap_or_else(PoisonError::into_inner));
    repositories.sort();
    Walked { left_out: ignores.left_out(), repositories }
}

/// The root without links on the way to it, and the folder from which names start.
fn real(root: &Path) -> io::Result<(PathBuf, PathBuf)> {
    match fs::metadata(root) {
        Ok(about) if about.is_dir() => {
            let root = root.canonicalize()?;
            return Ok((root.clone(), root));
        }
        Err(error) if !is_absent(error.kind()) && !fs::symlink_metadata(root)?.is_symlink() => return Err(error),
        // A file, or a link that leads nowhere.
        _ => {}
    }
    let folder = root.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new(".")).canonicalize()?;
    Ok((folder.join(root.file_name().unwrap_or_default()), folder))
}

/// Paths one thread has seen, added to those of all when it ends.
struct Seen<'a> {
    paths: Vec<u64>,
    all: &'a Mutex<HashSet<u64>>,
}

impl Drop for Seen<'_> {
    fn drop(&mut self) {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        all.extend(self.paths.drain(..));
    }
}

fn hash(path: &Path) -> u64 {
    let mut hasher = DefaultHasher::new();
    path.hash(&mut hasher);
    hasher.finish()
}

/// At most as many as the walker starts by itself: more do not help a disk.
fn wanted_threads(asked: usize) -> usize {
    if asked > 0 { asked } else { available_parallelism().map_or(1, usize::from).min(12) }
}

fn builder(root: &Path, ignores: &Arc<Ignores>, repositories: &Arc<Mutex<Vec<PathBuf>>>) -> WalkBuilder {
    let (ignores, repositories) = (Arc::clone(ignores), Arc::clone(repositories));
    let mut builder = WalkBuilder::new(root);
    builder.standard_filters(false).follow_links(false).filter_entry(move |entry| {
        if entry.depth() == 0 {
            return true;
        }
        if entry.file_name() == ".git" {
            if entry.depth() > 1 {
                let folder = entry.path().parent().unwrap_or(entry.path()).to_owned();
                repositories.lock().unwrap_or_else(PoisonError::into_inner).push(folder);
            }
            return false;
        }
        !ignores.leaves_out(entry.path(), entry.file_type().is_some_and(|kind| kind.is_dir()))
    });
    builder
}

fn visit_entry(entry: &DirEntry, base: &Path, visit: &impl Fn(Target)) {
    let Some(kind) = entry.file_type() else { return };
    if !kind.is_dir() {
        visit(open(entry.path(), kind, base));
    }
}

fn open(path: &Path, kind: fs::FileType, base: &Path) -> Target {
    let name = relative(path, base);
    let skipped = |reason| Target::Skipped(Skip { what: name.clone(), reason });
    if kind.is_symlink() {
        return match fs::read_link(path) {
            Ok(target) => Target::Link { path: name, target: target.into_os_string().into_encoded_bytes() },
            Err(error) => skipped(unreadable(&error)),
        };
    }
    if !kind.is_file() {
        return skipped(SkipReason::NotAFile);
    }
    match open_regular(path) {
        Ok((file, _)) => Target::File { path: name, file },
        Err(FileError::NotAFile) => skipped(SkipReason::Changed),
        Err(FileError::Io(error)) => skipped(unreadable(&error)),
    }
}

fn unreadable(error: &io::Error) -> SkipReason {
    SkipReason::Unreadable(match error.kind() {
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        io::ErrorKind::NotFound => "vanished before it was read".to_owned(),
        _ => error.to_string(),
    })
}

fn relative(path: &Path, base: &Path) -> String {
    let path = path.strip_prefix(base).unwrap_or(path);
    let text = path.to_string_lossy();
    if std::path::MAIN_SEPARATOR == '/' { text.into_owned() } else { text.replace(std::path::MAIN_SEPARATOR, "/") }
}

/// What a walk's error means for the scan; problems inside ignore files mean nothing.
fn skips(error: &ignore::Error, base: &Path) -> Vec<Skip> {
    match error {
        ignore::Error::Partial(errors) => errors.iter().flat_map(|error| skips(error, base)).collect(),
        ignore::Error::WithPath { path, err } => match innermost_io(err) {
            Some(io) => vec![Skip { what: relative(path, base), reason: unreadable(io) }],
            None => Vec::new(),
        },
        ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => skips(err, base),
        other => innermost_io(other).map(|io| Skip { what: base.display().to_string(), reason: unreadable(io) }).into_iter().collect(),
    }
}

fn innermost_io(error: &ignore::Error) -> Option<&io::Error> {
    match error {
        ignore::Error::Io(io) => Some(io),
        ignore::Error::WithPath { err, .. } | ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => {
            innermost_io(err)
        }
        _ => None,
    }
}

/// Files that git tracks although they are ignored.
fn visit_tracked(git: &GitDir, (root, base): (&Path, &Path), ignores: &Ignores, seen: &HashSet<u64>, visit: &impl Fn(Target)) {
    let Some(top) = git.work_tree() else { return };
    let tracked = match read_index(&git.index(), git.hash()) {
        Ok(tracked) => tracked,
        Err(skip) => return visit(untold(&skip.reason.to_string())),
    };
    for entry in tracked.into_iter().filter(IndexEntry::is_blob) {
        let path = top.join(path_of(&entry.path));
        if !path.starts_with(root) || seen.contains(&hash(&path)) || ignores.leaves_out_file(&path) {
            continue;
        }
        match fs::symlink_metadata(&path) {
            Ok(metadata) if !metadata.is_dir() => visit(open(&path, metadata.file_type(), base)),
            Ok(_) => {}
            // It is deleted, but not yet in a commit.
            Err(error) if is_absent(error.kind()) => {}
            Err(error) => visit(Target::Skipped(Skip { what: relative(&path, base), reason: unreadable(&error) })),
        }
    }
}

fn untold(why: &str) -> Target {
    let reason = format!("files that git both tracks and ignores cannot be told: {why}; --no-ignore scans them all");
    Target::Skipped(Skip { what: ".git".to_owned(), reason: SkipReason::Unreadable(reason) })
}

#[cfg(unix)]
fn path_of(raw: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStrExt as _;
    PathBuf::from(std::ffi::OsStr::from_bytes(raw))
}

#[cfg(not(unix))]
fn path_of(raw: &[u8]) -> PathBuf {
    PathBuf::from(String::from_utf8_lossy(raw).into_owned())
}
