//! The bytes of a pack file, read in windows. What the bytes mean is decided
//! elsewhere.
//!
//! A pack is never held as a whole: measured on packs of 100 to 500 MB, that
//! is no faster than windows of the right size and costs the memory.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use thiserror::Error;

use crate::source::object::{FileError, HashKind, SkipReason, open_regular};

/// Why a pack cannot be read at all.
#[derive(Debug, Error)]
pub(crate) enum PackFileError {
    /// Not a regular file, or the system said no.
    #[error(transparent)]
    File(#[from] FileError),
    /// It does not begin as packs do, or is shorter than an empty one.
    #[error("this is not a pack of version 2 or 3")]
    NotAPack,
}

impl From<PackFileError> for SkipReason {
    fn from(error: PackFileError) -> Self {
        match error {
            PackFileError::File(error) => error.into(),
            PackFileError::NotAPack => Self::Unusable(error.to_string()),
        }
    }
}

/// An open pack.
#[derive(Debug)]
pub(crate) struct PackFile {
    path: Arc<PathBuf>,
    file: File,
    /// Where the last entry must have ended, in bytes from the start.
    end: u64,
    /// The count its header gives.
    count: u32,
}

/// A part of a pack that one reader has in memory.
#[derive(Debug)]
pub(crate) struct Window {
    start: u64,
    bytes: Vec<u8>,
    /// Bytes read at a time, if more than that are not asked for.
    read: u64,
}

/// Bytes of a pack before its first entry.
pub(crate) const HEADER: u64 = 12;

/// Bytes read at a time from front to back: large enough to make calls rare.
const AHEAD: u64 = 256 << 10;

/// Bytes read at a time when going to and fro: what is asked for next is often
/// near, but copying what is not asked for costs more than another call.
const NEAR: u64 = 8 << 10;

impl PackFile {
    /// Opens a pack and checks its header.
    pub(crate) fn open(path: &Path, hash: HashKind) -> Result<Self, PackFileError> {
        let (file, len) = open_regular(path)?;
        let end = len.checked_sub(hash.id_len() as u64).filter(|&end| end >= HEADER).ok_or(PackFileError::NotAPack)?;
        let mut header = [0; HEADER as usize];
        file.read_exact_at(&mut header, 0).map_err(FileError::Io)?;
        let [b'P', b'A', b'C', b'K', 0, 0, 0, 2 | 3, a, b, c, d] = header else {
            return Err(PackFileError::NotAPack);
        };
        Ok(Self { path: Arc::new(path.to_owned()), file, end, count: u32::from_be_bytes([a, b, c, d]) })
    }

    /// Where it lies.
    pub(crate) fn path(&self) -> &Arc<PathBuf> {
        &self.path
    }

    /// How many entries its header announces.
    pub(crate) fn count(&self) -> u32 {
        self.count
    }

    /// Where its entries end, in bytes from its start.
    pub(crate) fn end(&self) -> u64 {
        self.end
    }

    /// The checksum it ends with.
    pub(crate) fn checksum(&self, hash: HashKind) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; hash.id_len()];
        self.file.read_exact_at(&mut bytes, self.end)?;
        Ok(bytes)
    }

    /// The bytes of a range that lies before [`end`](Self::end).
    pub(crate) fn slice<'a>(&self, range: Range<u64>, window: &'a mut Window) -> io::Result<&'a [u8]> {
        if range.end > self.end || range.start > range.end {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if !window.holds(&range) {
            window.fill(&self.file, range.start, range.end.max(self.end.min(range.start + window.read)))?;
        }
        let start = (range.start - window.start) as usize;
        Ok(&window.bytes[start..start + (range.end - range.start) as usize])
    }

    /// Replaces what `bytes` holds by up to `len` bytes from an offset on.
    pub(crate) fn read(&self, offset: u64, len: u64, bytes: &mut Vec<u8>) -> io::Result<()> {
        let end = self.end.min(offset.saturating_add(len));
        let len = end.saturating_sub(offset) as usize;
        bytes.resize(len, 0);
        self.file.read_exact_at(bytes, offset)
    }

    /// Reads a range piece by piece.
    pub(crate) fn stream(&self, range: Range<u64>) -> BufReader<Section<'_>> {
        let file = &self.file;
        BufReader::with_capacity(AHEAD as usize, Section { file, range })
    }
}

impl Window {
    /// For reading from front to back.
    pub(crate) fn ahead() -> Self {
        Self { start: 0, bytes: Vec::new(), read: AHEAD }
    }

    /// For reading to and fro.
    pub(crate) fn near() -> Self {
        Self { read: NEAR, ..Self::ahead() }
    }

    fn holds(&self, range: &Range<u64>) -> bool {
        range.start >= self.start && range.end <= self.start + self.bytes.len() as u64
    }

    fn fill(&mut self, file: &File, start: u64, end: u64) -> io::Result<()> {
        let len = usize::try_from(end - start).map_err(|_| io::ErrorKind::OutOfMemory)?;
        if self.bytes.capacity() > 4 * AHEAD as usize && len <= AHEAD as usize {
            self.bytes = Vec::new();
        }
        self.bytes.resize(len, 0);
        self.start = start;
        if let Err(error) = file.read_exact_at(&mut self.bytes, start) {
            self.bytes.clear();
            return Err(error);
        }
        Ok(())
    }
}

/// A part of a file, read from its beginning on.
#[derive(Debug)]
pub(crate) struct Section<'a> {
    file: &'a File,
    range: Range<u64>,
}

impl Read for Section<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.range.end.saturating_sub(self.range.start)).unwrap_or(usize::MAX);
        let len = into.len().min(left);
        let read = self.file.read_at(&mut into[..len], self.range.start)?;
        self.range.start += read as u64;
        Ok(read)
    }
}
