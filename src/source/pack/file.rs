//! The bytes of a pack file: held whole where the budget allows, read in
//! windows otherwise. What the bytes mean is decided elsewhere.

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
    whole: Option<Vec<u8>>,
}

/// A part of a pack that one reader has in memory.
#[derive(Debug, Default)]
pub(crate) struct Window {
    start: u64,
    bytes: Vec<u8>,
}

/// Bytes of a pack before its first entry.
pub(crate) const HEADER: u64 = 12;

/// Bytes read at a time: large enough to make calls rare, small enough for
/// one buffer a thread.
const WINDOW: u64 = 256 << 10;

impl PackFile {
    /// Opens a pack and checks its header.
    pub(crate) fn open(path: &Path, hash: HashKind) -> Result<Self, PackFileError> {
        let (file, len) = open_regular(path)?;
        let end = len
            .checked_sub(hash.id_len() as u64)
            .filter(|&end| end >= HEADER)
            .ok_or(PackFileError::NotAPack)?;
        let mut header = [0; HEADER as usize];
        file.read_exact_at(&mut header, 0).map_err(FileError::Io)?;
        let [b'P', b'A', b'C', b'K', 0, 0, 0, 2 | 3, a, b, c, d] = header else {
            return Err(PackFileError::NotAPack);
        };
        Ok(Self {
            path: Arc::new(path.to_owned()),
            file,
            end,
            count: u32::from_be_bytes([a, b, c, d]),
            whole: None,
        })
    }

    /// The same pack, held in memory as a whole.
    pub(crate) fn load(&self) -> io::Result<Self> {
        let mut bytes = Vec::with_capacity(usize::try_from(self.end).unwrap_or(0));
        let section = Section {
            file: &self.file,
            range: 0..self.end,
        };
        section.take(self.end).read_to_end(&mut bytes)?;
        if bytes.len() as u64 != self.end {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(Self {
            path: Arc::clone(&self.path),
            file: self.file.try_clone()?,
            end: self.end,
            count: self.count,
            whole: Some(bytes),
        })
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
    pub(crate) fn slice<'a>(
        &'a self,
        range: Range<u64>,
        window: &'a mut Window,
    ) -> io::Result<&'a [u8]> {
        if range.end > self.end || range.start > range.end {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if let Some(whole) = &self.whole {
            return Ok(&whole[range.start as usize..range.end as usize]);
        }
        if !window.holds(&range) {
            window.fill(
                &self.file,
                range.start,
                range.end.max(self.end.min(range.start + WINDOW)),
            )?;
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
        BufReader::with_capacity(WINDOW as usize, Section { file, range })
    }
}

impl Window {
    fn holds(&self, range: &Range<u64>) -> bool {
        range.start >= self.start && range.end <= self.start + self.bytes.len() as u64
    }

    fn fill(&mut self, file: &File, start: u64, end: u64) -> io::Result<()> {
        let len = usize::try_from(end - start).map_err(|_| io::ErrorKind::OutOfMemory)?;
        if self.bytes.capacity() > 4 * WINDOW as usize && len <= WINDOW as usize {
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
        let left =
            usize::try_from(self.range.end.saturating_sub(self.range.start)).unwrap_or(usize::MAX);
        let len = into.len().min(left);
        let read = self.file.read_at(&mut into[..len], self.range.start)?;
        self.range.start += read as u64;
        Ok(read)
    }
}
