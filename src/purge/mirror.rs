//! The mirror: a bare repository beside the old one, with what was made anew and what did not have to change.
//!
//! New objects go through libgit2. What is taken over is packed by git itself, which copies the deltas that are there.
//! The mirror borrows the old objects until then, and gets its name only when it is whole.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::Repository;
use super::find::{Held, find};
use super::rewrite::{RewriteError, Rewriter, Rewritten, Sink};
use crate::source::object::{ObjectId, ObjectKind};
use crate::source::refs::GitDir;

/// So much of new objects is held before it is written.
const HELD: usize = 64 << 20;
/// New objects are written to memory before anywhere else.
const FIRST: i32 = 1000;
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
    /// libgit2 refused.
    #[error("cannot write the mirror: {0}")]
    Objects(#[from] git2::Error),
    /// There is nothing to take out.
    #[error("no ref leads to any of the values")]
    NoChange,
    /// Values are still there.
    #[error("{0} objects of the mirror would still hold a value; it was not kept")]
    Left(usize),
    /// The mirror cannot be read.
    #[error("the mirror cannot be read: {0}")]
    Unreadable(String),
    /// git failed.
    #[error("`git {command}` failed in the mirror: {message}")]
    Git {
        /// What it was to do.
        command: &'static str,
        /// What it said.
        message: String,
    },
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
        fn put(&mut self, _: ObjectKind, _: &[u8]) -> Result<(), RewriteError> {
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
    let borrowed = part.join("objects/info/alternates");
    let made = git2::Repository::init_opts(part, &options())?;
    fs::create_dir_all(part.join("objects/info")).map_err(wrong(&borrowed))?;
    let objects = git.objects();
    fs::write(&borrowed, [objects.as_os_str().as_encoded_bytes(), b"\n"].concat()).map_err(wrong(&borrowed))?;
    let odb = made.odb()?;
    let mut writer = Writer::new(&made, &odb)?;
    let rewritten = Rewriter::new(repository, held, &mut writer)?.run()?;
    if !rewritten.is_change() {
        return Err(MirrorError::NoChange);
    }
    writer.flush()?;
    let packed = part.join("packed-refs");
    write_refs(part, git, repository, &rewritten).map_err(wrong(&packed))?;
    pack(part)?;
    fs::remove_file(&borrowed).map_err(wrong(&borrowed))?;
    let left = what_is_left(part, repository)?;
    if left > 0 {
        return Err(MirrorError::Left(left));
    }
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

fn options() -> git2::RepositoryInitOptions {
    let mut options = git2::RepositoryInitOptions::new();
    options.bare(true).external_template(false).mkdir(false);
    options
}

/// How many objects of a mirror hold a value, all of them read again.
fn what_is_left(part: &Path, repository: &Repository<'_>) -> Result<usize, MirrorError> {
    let unreadable = |error: &dyn std::fmt::Display| MirrorError::Unreadable(error.to_string());
    let git = GitDir::at(part).map_err(|error| unreadable(&error))?;
    let store = git.open_objects(repository.store.limits().clone()).map_err(|error| unreadable(&error))?;
    let held = find(&store, repository.sought);
    match held.skipped.first() {
        Some(skip) => Err(unreadable(skip)),
        None => Ok(held.objects.len()),
    }
}

/// Holds new objects and writes them as packs.
struct Writer<'r> {
    repository: &'r git2::Repository,
    odb: &'r git2::Odb<'r>,
    new: git2::Mempack<'r>,
    names: Vec<git2::Oid>,
    held: usize,
}

impl<'r> Writer<'r> {
    fn new(repository: &'r git2::Repository, odb: &'r git2::Odb<'r>) -> Result<Self, git2::Error> {
        Ok(Self { repository, odb, new: odb.add_new_mempack_backend(FIRST)?, names: Vec::new(), held: 0 })
    }

    fn flush(&mut self) -> Result<(), git2::Error> {
        if std::mem::take(&mut self.held) == 0 {
            return Ok(());
        }
        let mut builder = self.repository.packbuilder()?;
        builder.set_threads(0);
        for name in self.names.drain(..) {
            builder.insert_object(name, None)?;
        }
        let mut pack = git2::Buf::new();
        builder.write_buf(&mut pack)?;
        let mut writer = self.odb.packwriter()?;
        writer.write_all(&pack).map_err(|error| git2::Error::from_str(&error.to_string()))?;
        writer.commit()?;
        self.new.reset()
    }
}

impl Sink for Writer<'_> {
    fn put(&mut self, kind: ObjectKind, bytes: &[u8]) -> Result<(), RewriteError> {
        let kind = match kind {
            ObjectKind::Blob => git2::ObjectType::Blob,
            ObjectKind::Tree => git2::ObjectType::Tree,
            ObjectKind::Commit => git2::ObjectType::Commit,
            ObjectKind::Tag => git2::ObjectType::Tag,
        };
        let wrong = |error: git2::Error| RewriteError::Write(error.to_string());
        self.names.push(self.odb.write(kind, bytes).map_err(wrong)?);
        self.held += bytes.len() + 1;
        if self.held > HELD { self.flush().map_err(wrong) } else { Ok(()) }
    }
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

/// The maps that git filter-repo writes: names of commits and refs before and after.
fn write_maps(folder: &Path, repository: &Repository<'_>, rewritten: &Rewritten) -> io::Result<()> {
    let new: HashMap<ObjectId, ObjectId> = rewritten.commits.iter().copied().collect();
    let width = repository.store.hash_kind().id_len() * 2;
    let mut commits = io::BufWriter::new(File::create(folder.join("commit-map"))?);
    writeln!(commits, "{:<width$} new", "old")?;
    let all = (0..repository.graph.len()).map(|commit| repository.graph.id(commit as u32));
    for old in all {
        writeln!(commits, "{old} {}", new.get(&old).unwrap_or(&old))?;
    }
    commits.flush()?;
    let mut refs = io::BufWriter::new(File::create(folder.join("ref-map"))?);
    writeln!(refs, "{:<width$} {:<width$} ref", "old", "new")?;
    for one in &rewritten.refs {
        write!(refs, "{} {} ", one.old, one.new)?;
        refs.write_all(&one.name)?;
        writeln!(refs)?;
    }
    refs.flush()
}

fn os(name: &[u8]) -> &std::ffi::OsStr {
    std::os::unix::ffi::OsStrExt::from_bytes(name)
}

/// Packs all that refs lead to, what is borrowed as well, and takes the packs away that it came from.
fn pack(part: &Path) -> Result<(), MirrorError> {
    let folder = part.join("objects/pack");
    let wrong = |source| MirrorError::Io { path: folder.clone(), source };
    let files = || fs::read_dir(&folder).and_then(Iterator::collect::<io::Result<Vec<_>>>).map_err(wrong);
    let before = files()?;
    let options = ["--all", "--non-empty", "--keep-true-parents", "--delta-base-offset", "--quiet"];
    if let Some(message) = git(part, "pack-objects", &[&options[..], &["objects/pack/pack"]].concat())? {
        return Err(MirrorError::Git { command: "pack-objects", message });
    }
    let (old, all) = (before.iter().map(fs::DirEntry::path).collect::<Vec<_>>(), files()?);
    if all.len() == old.len() {
        // The same objects as before, in one pack of the same name.
        return Ok(());
    }
    old.iter().try_for_each(fs::remove_file).map_err(wrong)
}

/// What `git fsck --full` has to say about a git directory; `None` if nothing.
pub fn fsck(dir: &Path) -> Result<Option<String>, MirrorError> {
    git(dir, "fsck", &["--full", "--no-progress", "--no-dangling"])
}

/// Runs git on a git directory, with no other configuration. What it says if it fails; `None` if it does not.
fn git(dir: &Path, command: &'static str, args: &[&str]) -> Result<Option<String>, MirrorError> {
    let mut git = Command::new("git");
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("GIT_") {
            git.env_remove(name);
        }
    }
    git.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_NO_REPLACE_OBJECTS", "1");
    git.current_dir(dir).args(["--git-dir=.", "-c", "core.fsmonitor=false", command]).args(args).stdin(Stdio::null());
    let output = git.output().map_err(|source| MirrorError::Git { command, message: format!("it cannot be started: {source}") })?;
    Ok((!output.status.success()).then(|| String::from_utf8_lossy(&output.stderr).trim().to_owned()))
}
