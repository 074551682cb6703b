//! Every other file of a git directory: a secret can be in the configuration, in a message being
//! written, in a hook, in a reflog, in a patch of a rebase, and in the name of a ref.

use std::fs::{self, File};
use std::io::{Cursor, Read};
use std::path::Path;

use super::files::{Below, Entry, EntryKind, skip};
use super::worktrees::in_worktree;
use super::{GitDir, RefStorage};
use crate::source::object::{FileError, Place, Skip, SkipReason, is_absent, open_regular};

/// A file of the git directory, opened. Its path is worth scanning as well: it holds names of refs.
pub struct Text {
    /// Relative to the common directory; bytes that are not UTF-8 are replaced.
    pub path: String,
    /// What sort of text it is.
    pub kind: TextKind,
    /// Its content; of a link, which is not followed, what it points at.
    pub content: Box<dyn Read + Send>,
}

/// What sort of text a file of the git directory holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TextKind {
    /// Names of refs: a loose ref, or `packed-refs`.
    Ref,
    /// A reflog, one entry on each line.
    Reflog,
    /// A message that is or was being written.
    Message,
    /// Anything else: configuration, hooks, state of a rebase.
    File,
}

impl GitDir {
    /// All files of the git directory, those of linked working trees too, but for objects, indexes,
    /// the samples that git puts into `hooks/`, and submodules' git directories.
    pub fn texts(&self) -> impl Iterator<Item = Result<Text, Skip>> + Send + '_ {
        let files = Below::new(self.common(), is_text);
        // What sopup remembers for another user is theirs alone.
        let own = self.common().join("sopup");
        let is_others = move |skip: &Skip| matches!(&skip.place, Place::File(path) if **path == own);
        let files = files.filter(move |entry| !entry.as_ref().is_err_and(&is_others));
        let texts = files.filter_map(|entry| entry.and_then(|entry| self.text(&entry)).transpose());
        self.texts_of_tables().into_iter().chain(texts)
    }

    /// Reflogs that have no files of their own. The refs in tables are told by [`refs`](Self::refs).
    fn texts_of_tables(&self) -> Vec<Result<Text, Skip>> {
        if self.ref_storage() != RefStorage::Reftable {
            return Vec::new();
        }
        let mut skipped = Vec::new();
        let logs = self.table_logs(&mut skipped).into_iter();
        let texts = logs.map(|(_, path, text)| Ok(Text { path, kind: TextKind::Reflog, content: Box::new(Cursor::new(text)) }));
        let texts: Vec<_> = texts.collect();
        skipped.into_iter().map(Err).chain(texts).collect()
    }

    fn text(&self, entry: &Entry) -> Result<Option<Text>, Skip> {
        let full = self.common().join(&entry.path);
        let content: Box<dyn Read + Send> = match entry.kind {
            EntryKind::Special => return Err(skip(full, SkipReason::NotAFile)),
            EntryKind::Link => match fs::read_link(&full) {
                Ok(to) => Box::new(Cursor::new(to.into_os_string().into_encoded_bytes())),
                Err(error) => return Err(skip(full, error)),
            },
            EntryKind::File => match open(&full) {
                Ok(Some(file)) => Box::new(file),
                Ok(None) => return Ok(None),
                Err(reason) => return Err(skip(full, reason)),
            },
        };
        Ok(Some(Text { path: entry.path.to_string_lossy().into_owned(), kind: kind_of(&entry.path), content }))
    }
}

/// Opens a file; `None` if git removed it meanwhile.
fn open(path: &Path) -> Result<Option<File>, SkipReason> {
    match open_regular(path) {
        Ok((file, _)) => Ok(Some(file)),
        Err(FileError::Io(error)) if is_absent(error.kind()) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn is_text(path: &Path) -> bool {
    let (_, rest) = in_worktree(path);
    let name = path.file_name().unwrap_or_default().as_encoded_bytes();
    let mut parts = rest.iter().map(|part| part.as_encoded_bytes());
    match parts.next().unwrap_or_default() {
        // Where a clone borrows objects from, perhaps an address with a password.
        b"objects" => match rest.iter().count() {
            1 => true,
            2 => name == b"info",
            _ => name.ends_with(b"alternates"),
        },
        b"hooks" => !name.ends_with(b".sample"),
        // What sopup itself remembers: names of objects, sealed.
        b"sopup" => name != b"scanned",
        b"modules" | b"reftable" | b"index" | b"index.lock" => false,
        first => !first.starts_with(b"sharedindex.") && !first.starts_with(b"fsmonitor--daemon"),
    }
}

fn kind_of(path: &Path) -> TextKind {
    let (_, rest) = in_worktree(path);
    let name = rest.as_os_str().as_encoded_bytes();
    if rest.starts_with("refs") || name == b"packed-refs" || name.ends_with(b"HEAD") && !name.contains(&b'/') {
        TextKind::Ref
    } else if rest.starts_with("logs") {
        TextKind::Reflog
    } else if !name.contains(&b'/') && (name.ends_with(b"_MSG") || name.ends_with(b"EDITMSG") || name.ends_with(b"DESCRIPTION")) {
        TextKind::Message
    } else {
        TextKind::File
    }
}
