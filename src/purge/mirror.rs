//! The mirror: a bare repository beside the old one, with what was made anew and what did not have to change.
//!
//! What is taken over is packed by git itself, which copies the deltas that are there.
//! The mirror borrows the old objects until then, and gets its name only when it is whole.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::Repository;
use super::find::Held;
use super::git::{Git, GitError};
use super::maps::write_maps;
use super::rewrite::{NewObject, RewriteError, Rewriter, Rewritten, Sink};
use super::writer::{BORROWED, check_clean, rewrite_into};
use crate::source::refs::GitDir;

/// Where the maps lie in the mirror.
const MAPS: &str = "sopup";

/// Why there is no mirror.
#[derive(Debug, thiserror::Error)]
pub enum MirrorError {
    /// The history cannot be rewritten.
    #[error(transparent)]
    Rewrite(#[from] RewriteError),
    /// Something of that name exists.
    #[error("{} exists", .0.display())]
    Exists(PathBuf),
    /// Another purge is at work.
    #[error("another purge is writing {}", .0.display())]
    Busy(PathBuf),
    /// The disk or the system refused.
    #[error("cannot write {}: {source}", path.display())]
    Io {
        /// What was to be written.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// There is nothing to take out.
    #[error("no ref leads to any of the values")]
    NoChange,
    /// Values are still there.
    #[error("{0} new objects would still hold a value; they were not kept")]
    Left(usize),
    /// The mirror cannot be read.
    #[error("new objects cannot be read: {0}")]
    Unreadable(String),
    /// git failed.
    #[error(transparent)]
    Git(#[from] GitError),
}

/// A mirror that was made.
#[derive(Debug)]
pub struct Made {
    /// Where it is.
    pub path: PathBuf,
    /// What was rewritten.
    pub rewritten: Rewritten,
}

/// What a mirror would be, without making one.
pub fn foresee(repository: &Repository<'_>, held: &Held) -> Result<Rewritten, RewriteError> {
    struct Nowhere;
    impl Sink for Nowhere {
        fn put(&mut self, _: &NewObject<'_>) -> Result<(), RewriteError> {
            Ok(())
        }
    }
    Rewriter::new(repository, held, &mut Nowhere)?.run()
}

/// Makes a mirror of a repository without values, at a path where nothing is.
pub fn mirror(git: &GitDir, repository: &Repository<'_>, held: &Held, path: &Path) -> Result<Made, MirrorError> {
    if fs::symlink_metadata(path).is_ok() {
        return Err(MirrorError::Exists(path.to_path_buf()));
    }
    let part = draft_of(path);
    let lock = claim(&part)?;
    let rewritten = made(git, repository, held, &part).inspect_err(|_| _ = fs::remove_dir_all(&part))?;
    let wrong = |source| MirrorError::Io { path: path.to_path_buf(), source };
    fs::remove_file(part.join(LOCK)).map_err(wrong)?;
    fs::rename(&part, path).map_err(wrong)?;
    drop(lock);
    Ok(Made { path: path.to_path_buf(), rewritten })
}

fn made(git: &GitDir, repository: &Repository<'_>, held: &Held, part: &Path) -> Result<Rewritten, MirrorError> {
    let wrong = |path: &Path| {
        let path = path.to_path_buf();
        move |source| MirrorError::Io { path, source }
    };
    let borrowed = part.join(BORROWED);
    let rewritten = rewrite_into(part, git, repository, held)?;
    let packed = part.join("packed-refs");
    write_refs(part, git, repository, &rewritten).map_err(wrong(&packed))?;
    pack(part)?;
    fs::remove_file(&borrowed).map_err(wrong(&borrowed))?;
    check_clean(part, repository)?;
    let maps = part.join(MAPS);
    fs::create_dir_all(&maps).and_then(|()| write_maps(&maps, repository, &rewritten)).map_err(wrong(&maps))?;
    rustix::fs::syncfs(File::open(part).map_err(wrong(part))?).map_err(|error| wrong(part)(error.into()))?;
    Ok(rewritten)
}

const LOCK: &str = "sopup.lock";

/// Where a mirror is made before it has its name.
fn draft_of(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.part"))
}

/// Takes the place of the draft; what an interrupted purge left there goes.
fn claim(part: &Path) -> Result<File, MirrorError> {
    let wrong = |source| MirrorError::Io { path: part.to_path_buf(), source };
    let lock = part.join(LOCK);
    if fs::symlink_metadata(part).is_ok_and(|about| about.is_dir()) {
        let held = File::open(&lock).is_ok_and(|file| matches!(file.try_lock(), Err(fs::TryLockError::WouldBlock)));
        if held {
            return Err(MirrorError::Busy(part.to_path_buf()));
        }
        fs::remove_dir_all(part).map_err(wrong)?;
    }
    fs::create_dir(part).map_err(wrong)?;
    let file = File::create_new(&lock).map_err(wrong)?;
    file.try_lock().map_err(|error| wrong(io::Error::other(error)))?;
    Ok(file)
}

/// `HEAD` and all refs, as files of git.
fn write_refs(part: &Path, git: &GitDir, repository: &Repository<'_>, rewritten: &Rewritten) -> io::Result<()> {
    let mut packed = Vec::new();
    let new_name = |old: &[u8]| {
        let known = rewritten.refs.iter().find(|one| one.old_name == old);
        known.map_or_else(|| old.to_vec(), |one| one.name.clone())
    };
    let mut plain: Vec<_> = rewritten.refs.iter().filter(|one| one.symbolic.is_none()).collect();
    plain.sort_by(|a, b| a.name.cmp(&b.name));
    for one in plain {
        packed.extend_from_slice(format!("{} ", one.new).as_bytes());
        packed.extend_from_slice(&one.name);
        packed.push(b'\n');
    }
    fs::write(part.join("packed-refs"), packed)?;
    let symbolic = rewritten.refs.iter().filter_map(|one| Some((one.name.clone(), one.symbolic.clone()?)));
    for (name, target) in symbolic {
        let file = part.join(os(&name));
        fs::create_dir_all(file.parent().unwrap_or(part))?;
        fs::write(file, [b"ref: ", &new_name(&target)[..], b"\n"].concat())?;
    }
    let head = repository.refs.iter().find(|one| one.name == git.head_name());
    let content = match head {
        Some(head) => match (&head.symbolic, head.id) {
            (Some(target), _) => [b"ref: ", &new_name(target)[..], b"\n"].concat(),
            (None, Some(id)) => {
                let new = rewritten.commits.iter().find(|(old, _)| *old == id).map_or(id, |(_, new)| *new);
                format!("{new}\n").into_bytes()
            }
            (None, None) => b"ref: refs/heads/main\n".to_vec(),
        },
        None => b"ref: refs/heads/main\n".to_vec(),
    };
    fs::write(part.join("HEAD"), content)
}

pub(super) fn os(name: &[u8]) -> &std::ffi::OsStr {
    std::os::unix::ffi::OsStrExt::from_bytes(name)
}

/// Packs all that refs lead to, what is borrowed as well, and takes the packs away that it came from.
fn pack(part: &Path) -> Result<(), MirrorError> {
    let folder = part.join("objects/pack");
    let wrong = |source| MirrorError::Io { path: folder.clone(), source };
    let files = || fs::read_dir(&folder).and_then(Iterator::collect::<io::Result<Vec<_>>>).map_err(wrong);
    let before = files()?;
    let options = ["--all", "--non-empty", "--keep-true-parents", "--delta-base-offset", "--quiet"];
    Git::at(part).run("pack-objects", &[&options[..], &["objects/pack/pack"]].concat(), b"")?;
    let (old, all) = (before.iter().map(fs::DirEntry::path).collect::<Vec<_>>(), files()?);
    if all.len() == old.len() {
        // The same objects as before, in one pack of the same name.
        return Ok(());
    }
    old.iter().try_for_each(fs::remove_file).map_err(wrong)
}
