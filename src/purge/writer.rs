//! New objects, written by libgit2 into a bare repository that borrows those that are there.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use super::mirror::MirrorError;
use super::rewrite::{RewriteError, Rewriter, Rewritten, Sink};
use super::{Held, Repository, find};
use crate::source::object::ObjectKind;
use crate::source::refs::GitDir;

/// So much of new objects is held before it is written.
const HELD: usize = 64 << 20;
/// New objects are written to memory before anywhere else.
const FIRST: i32 = 1000;

/// Where a git directory names what it borrows.
pub(super) const BORROWED: &str = "objects/info/alternates";

/// Makes what has to change of a repository in a folder that becomes a bare repository and borrows the rest.
pub(super) fn rewrite_into(part: &Path, git: &GitDir, repository: &Repository<'_>, held: &Held) -> Result<Rewritten, MirrorError> {
    let borrowed = part.join(BORROWED);
    let wrong = |source| MirrorError::Io { path: borrowed.clone(), source };
    let made = git2::Repository::init_opts(part, &options())?;
    fs::create_dir_all(part.join("objects/info")).map_err(wrong)?;
    fs::write(&borrowed, [git.objects().as_os_str().as_encoded_bytes(), b"\n"].concat()).map_err(wrong)?;
    let odb = made.odb()?;
    let mut writer = Writer::new(&made, &odb)?;
    let rewritten = Rewriter::new(repository, held, &mut writer)?.run()?;
    if !rewritten.is_change() {
        return Err(MirrorError::NoChange);
    }
    writer.flush()?;
    Ok(rewritten)
}

/// Refuses a repository whose objects, all of them read again, hold a value.
pub(super) fn check_clean(part: &Path, repository: &Repository<'_>) -> Result<(), MirrorError> {
    let unreadable = |error: &dyn std::fmt::Display| MirrorError::Unreadable(error.to_string());
    let git = GitDir::at(part).map_err(|error| unreadable(&error))?;
    let store = git.open_objects(repository.store.limits().clone()).map_err(|error| unreadable(&error))?;
    let held = find(&store, repository.sought);
    match (held.skipped.first(), held.objects.len()) {
        (Some(skip), _) => Err(unreadable(skip)),
        (None, 0) => Ok(()),
        (None, left) => Err(MirrorError::Left(left)),
    }
}

fn options() -> git2::RepositoryInitOptions {
    let mut options = git2::RepositoryInitOptions::new();
    options.bare(true).external_template(false).mkdir(false);
    options
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
