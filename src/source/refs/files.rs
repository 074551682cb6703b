//! Files below a git directory: found without following links, read up to a size.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::source::object::{FileError, Place, Skip, SkipReason, is_absent, open_regular};

/// The longest file that is read as a whole, in bytes.
const LARGEST: u64 = 128 << 20;

/// Something below the root that is no directory.
#[derive(Debug)]
pub(super) struct Entry {
    /// Relative to the root.
    pub(super) path: PathBuf,
    pub(super) kind: EntryKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EntryKind {
    /// A regular file.
    File,
    /// A symbolic link, to whatever.
    Link,
    /// A pipe, socket or device.
    Special,
}

/// Everything below a folder that a test lets in, in the order of names, one folder at a time.
pub(super) struct Below<'a> {
    root: PathBuf,
    wanted: Box<dyn Fn(&Path) -> bool + Send + 'a>,
    /// Relative to the root; the next one is last.
    pending: Vec<PathBuf>,
}

impl<'a> Below<'a> {
    /// `wanted` is asked with paths relative to the root, of folders as well as files.
    pub(super) fn new(root: &Path, wanted: impl Fn(&Path) -> bool + Send + 'a) -> Self {
        Self { root: root.to_owned(), wanted: Box::new(wanted), pending: vec![PathBuf::new()] }
    }

    fn enter(&mut self, folder: &Path) -> io::Result<()> {
        let mut names = Vec::new();
        for entry in fs::read_dir(self.root.join(folder))? {
            let path = folder.join(entry?.file_name());
            if (self.wanted)(&path) {
                names.push(path);
            }
        }
        names.sort_unstable_by(|a, b| b.cmp(a));
        self.pending.append(&mut names);
        Ok(())
    }
}

impl Iterator for Below<'_> {
    type Item = Result<Entry, Skip>;

    fn next(&mut self) -> Option<Self::Item> {
        while let Some(path) = self.pending.pop() {
            let full = self.root.join(&path);
            let kind = match fs::symlink_metadata(&full) {
                Ok(metadata) => metadata.file_type(),
                // Git removes files at any time.
                Err(error) if is_absent(error.kind()) => continue,
                Err(error) => return Some(Err(skip(full, error))),
            };
            let kind = match kind {
                kind if kind.is_dir() => match self.enter(&path) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => return Some(Err(skip(full, error))),
                    _ => continue,
                },
                kind if kind.is_file() => EntryKind::File,
                kind if kind.is_symlink() => EntryKind::Link,
                _ => EntryKind::Special,
            };
            return Some(Ok(Entry { path, kind }));
        }
        None
    }
}

/// A regular file as a whole; `None` if there is none of this name.
pub(in crate::source) fn read(path: &Path) -> Result<Option<Vec<u8>>, Skip> {
    read_up_to(path, LARGEST)
}

/// The same for a file that should be shorter.
pub(in crate::source) fn read_up_to(path: &Path, largest: u64) -> Result<Option<Vec<u8>>, Skip> {
    let read = || -> Result<Vec<u8>, SkipReason> {
        let (file, size) = open_regular(path)?;
        if size > largest {
            return Err(SkipReason::TooLarge { size });
        }
        let mut bytes = Vec::new();
        file.take(largest).read_to_end(&mut bytes).map_err(FileError::Io)?;
        Ok(bytes)
    };
    match read() {
        Ok(bytes) => Ok(Some(bytes)),
        Err(SkipReason::Io(kind)) if is_absent(kind) => Ok(None),
        Err(reason) => Err(skip(path.to_owned(), reason)),
    }
}

/// Whether a file can be opened by who does not look what it is: a regular one of a sensible size, or none at all.
pub(super) fn regular(path: &Path) -> Result<(), Skip> {
    match open_regular(path) {
        Ok((_, size)) if size > LARGEST => Err(skip(path.to_owned(), SkipReason::TooLarge { size })),
        Err(FileError::Io(error)) if is_absent(error.kind()) => Ok(()),
        Err(error) => Err(skip(path.to_owned(), error)),
        Ok(_) => Ok(()),
    }
}

/// Names a file as skipped.
pub(super) fn skip(path: PathBuf, reason: impl Into<SkipReason>) -> Skip {
    Skip { id: None, place: Place::File(Arc::new(path)), reason: reason.into() }
}

/// Names a link as skipped.
pub(super) fn not_followed(link: PathBuf, root: &Path) -> Skip {
    let inside = fs::canonicalize(&link).is_ok_and(|to| to.starts_with(root));
    skip(link, if inside { SkipReason::NotAFile } else { SkipReason::Outside })
}
