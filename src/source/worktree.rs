//! Files and symbolic links below a folder: tracked and untracked ones, hidden ones too, without
//! what git ignores and never inside `.git`. A tracked file is read even if it is ignored.

use std::collections::HashSet;
use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::Mutex;

use ignore::gitignore::GitignoreBuilder;
use ignore::{DirEntry, WalkBuilder, WalkState};

use super::refs::{GitDir, GitDirError};
use super::{IndexEntry, Skip, SkipReason, read_index};

/// File of patterns, in the syntax of `.gitignore`, of what is not to be scanned.
const IGNORE_FILE: &str = ".sopupignore";

/// What to walk.
#[derive(Debug, Clone)]
pub struct Walk {
    /// A folder or a file.
    pub root: PathBuf,
    /// Whether `.gitignore` and its kin count.
    pub respect_gitignore: Respect,
    /// Number of threads; 0 for one per core.
    pub threads: usize,
}

/// Whether ignore files are honoured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Respect {
    /// Ignored files are left out.
    Yes,
    /// Everything is read.
    No,
}

/// Something to be scanned.
#[derive(Debug)]
pub enum Target {
    /// A regular file, opened.
    File {
        /// Relative to the root.
        path: String,
        /// Open for reading.
        file: File,
    },
    /// A symbolic link; it is not followed.
    Link {
        /// Relative to the root.
        path: String,
        /// What it points at, raw.
        target: Vec<u8>,
    },
    /// Something that cannot be scanned.
    Skipped(Skip),
}

/// Visits everything below the root, on several threads.
pub fn walk(walk: &Walk, visit: &(impl Fn(Target) + Sync)) {
    let base = if walk.root.is_dir() { walk.root.clone() } else { walk.root.parent().unwrap_or(Path::new("")).to_path_buf() };
    let seen = Mutex::new(HashSet::new());
    builder(walk).build_parallel().run(|| {
        let mut mine = Seen { paths: Vec::new(), all: &seen };
        let base = &base;
        Box::new(move |entry| {
            match entry {
                Ok(entry) => {
                    mine.paths.push(hash(entry.path()));
                    visit_entry(&entry, base, visit);
                }
                Err(error) => skips(&error, base).into_iter().for_each(|skip| visit(Target::Skipped(skip))),
            }
            WalkState::Continue
        })
    });
    if walk.respect_gitignore == Respect::Yes {
        let seen = seen.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        visit_tracked(&walk.root, &base, &seen, visit);
    }
}

/// Paths one thread has seen, added to those of all when it ends.
struct Seen<'a> {
    paths: Vec<u64>,
    all: &'a Mutex<HashSet<u64>>,
}

impl Drop for Seen<'_> {
    fn drop(&mut self) {
        let mut all = self.all.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        all.extend(self.paths.drain(..));
    }
}

fn hash(path: &Path) -> u64 {
    let mut hasher = DefaultHasher::new();
    path.hash(&mut hasher);
    hasher.finish()
}

fn builder(walk: &Walk) -> WalkBuilder {
    let respect = walk.respect_gitignore == Respect::Yes;
    let mut builder = WalkBuilder::new(&walk.root);
    builder
        .hidden(false)
        .ignore(false)
        .git_ignore(respect)
        .git_global(respect)
        .git_exclude(respect)
        .follow_links(false)
        .threads(walk.threads)
        .filter_entry(|entry| entry.file_name() != ".git" || entry.depth() == 0);
    if respect {
        builder.add_custom_ignore_filename(IGNORE_FILE);
    }
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
        Ok(Some(file)) => Target::File { path: name, file },
        Ok(None) => skipped(SkipReason::Changed),
        Err(error) => skipped(unreadable(&error)),
    }
}

/// Opens without following a link or waiting for a pipe that took the file's place meanwhile;
/// `None` if that happened.
fn open_regular(path: &Path) -> io::Result<Option<File>> {
    let mut options = File::options();
    options.read(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, libc::O_NOFOLLOW | libc::O_NONBLOCK);
    let file = options.open(path)?;
    Ok(file.metadata()?.is_file().then_some(file))
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
fn visit_tracked(root: &Path, base: &Path, seen: &HashSet<u64>, visit: &impl Fn(Target)) {
    let listed = match GitDir::discover(if base.as_os_str().is_empty() { Path::new(".") } else { base }) {
        Err(GitDirError::NotFound(_)) => return,
        Err(error) => Err(error.to_string()),
        Ok(git) => match git.work_tree() {
            Some(top) => {
                read_index(&git.index(), git.hash()).map(|entries| (top.to_owned(), entries)).map_err(|skip| skip.reason.to_string())
            }
            None => return,
        },
    };
    let (top, tracked) = match listed {
        Ok(listed) => listed,
        Err(error) => {
            let reason = SkipReason::Unreadable(format!(
                "files that git both tracks and ignores cannot be told: {error}; --no-ignore scans them all"
            ));
            return visit(Target::Skipped(Skip { what: ".git".to_owned(), reason }));
        }
    };
    let Ok(real_root) = root.canonicalize() else { return };
    for entry in tracked.into_iter().filter(IndexEntry::is_blob) {
        let absolute = top.join(path_of(&entry.path));
        let Ok(below) = absolute.strip_prefix(&real_root) else { continue };
        let path = if below.as_os_str().is_empty() { root.to_path_buf() } else { root.join(below) };
        if seen.contains(&hash(&path)) || is_excluded(&path, root) {
            continue;
        }
        if let Ok(metadata) = fs::symlink_metadata(&path)
            && !metadata.is_dir()
        {
            visit(open(&path, metadata.file_type(), base));
        }
    }
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

/// Whether a `.sopupignore` between the top of a working tree and a path, as the history has it, leaves the path out.
pub fn leaves_out(top: &Path, path: &str) -> bool {
    let plain = |path: &str| Path::new(path).components().all(|part| matches!(part, Component::Normal(_)));
    let excluded = |path: &str| !path.is_empty() && is_excluded(&top.join(path), top);
    // A file inside an archive is left out with the archive.
    plain(path) && (excluded(path) || path.match_indices('!').any(|(end, _)| excluded(&path[..end])))
}

/// Whether a `.sopupignore` between root and file leaves the file out.
fn is_excluded(path: &Path, root: &Path) -> bool {
    let folders = path.ancestors().skip(1).take_while(|folder| folder.starts_with(root));
    folders.into_iter().any(|folder| {
        let file = folder.join(IGNORE_FILE);
        if !file.try_exists().unwrap_or(false) {
            return false;
        }
        let mut builder = GitignoreBuilder::new(folder);
        builder.add(file);
        builder.build().is_ok_and(|ignore| ignore.matched_path_or_any_parents(path, false).is_ignore())
    })
}
