//! Loose objects: one zlib file each, `<kind> <size>\0` before the contents.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::{Damage, FileError, ObjectId, ObjectKind, SkipReason, open_regular};
use crate::source::pack::{InflateError, Inflater, Stream, inflating};

/// Why a loose object could not be read.
#[derive(Debug, Error)]
pub(super) enum LooseError {
    /// Too large to hold; it can be streamed.
    #[error("larger than the limit ({size} bytes)")]
    TooLarge {
        /// Its kind.
        kind: ObjectKind,
        /// Its size in bytes.
        size: u64,
    },
    /// Anything else.
    #[error(transparent)]
    Skip(#[from] SkipReason),
}

impl From<Damage> for LooseError {
    fn from(damage: Damage) -> Self {
        Self::Skip(damage.into())
    }
}

impl From<LooseError> for SkipReason {
    fn from(error: LooseError) -> Self {
        match error {
            LooseError::TooLarge { size, .. } => Self::TooLarge { size },
            LooseError::Skip(reason) => reason,
        }
    }
}

/// What the first bytes of a loose object say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LooseHeader {
    pub(super) kind: ObjectKind,
    pub(super) size: u64,
    /// Bytes up to and with the zero byte.
    len: usize,
}

/// Buffers for reading one loose object after another.
#[derive(Debug)]
pub(super) struct LooseReader {
    inflater: Inflater,
    file: Vec<u8>,
    contents: Vec<u8>,
    largest: usize,
}

/// The longest header: `commit`, a space, 20 digits, a zero byte.
const LONGEST_HEADER: usize = 32;

/// The file of a loose object in an object directory.
pub(super) fn path_of(dir: &Path, id: &ObjectId) -> PathBuf {
    let hex = id.to_string();
    let (first, rest) = hex.split_at(2);
    dir.join(first).join(rest)
}

impl LooseReader {
    /// A reader that holds objects of `largest` bytes at most.
    pub(super) fn new(largest: usize) -> Self {
        Self { inflater: Inflater::new(), file: Vec::new(), contents: Vec::new(), largest }
    }

    /// Kind and contents of a loose object; no contents if its kind is not
    /// wanted.
    pub(super) fn read(&mut self, path: &Path, wants: impl Fn(ObjectKind) -> bool) -> Result<(ObjectKind, Option<&[u8]>), LooseError> {
        let (file, len) = open_regular(path).map_err(SkipReason::from)?;
        if len > self.largest as u64 {
            return Err(large_file(file));
        }
        self.file.clear();
        file.take(len).read_to_end(&mut self.file).map_err(|error| SkipReason::from(FileError::Io(error)))?;
        let guess = (4 * self.file.len()).clamp(LONGEST_HEADER, self.largest.max(LONGEST_HEADER));
        if self.contents.len() < guess {
            self.contents.resize(guess.next_multiple_of(4096), 0);
        }
        let given = self.inflater.bounded(&self.file, &mut self.contents).map_err(|error| error.of_entry(0))?;
        let header = LooseHeader::parse(&self.contents)?;
        if !wants(header.kind) {
            return Ok((header.kind, None));
        }
        let contents = self.finish(header, given)?;
        Ok((header.kind, Some(contents)))
    }

    /// The rest of an object whose beginning was inflated.
    fn finish(&mut self, header: LooseHeader, given: Stream) -> Result<&[u8], LooseError> {
        let LooseHeader { kind, size, len } = header;
        if size > self.largest as u64 {
            return Err(LooseError::TooLarge { kind, size });
        }
        let all = len + size as usize;
        let exact = match given {
            Stream::Ended(ended) if ended == all => Ok(()),
            Stream::Ended(_) => Err(InflateError::Size),
            Stream::Full => self.inflater.exact(&self.file, all, &mut self.contents),
        };
        exact.map_err(|error| error.of_entry(size))?;
        Ok(&self.contents[len..all])
    }
}

/// The contents of a loose object that is too large to hold.
pub(super) fn stream(path: &Path) -> Result<(LooseHeader, impl Read), SkipReason> {
    let (file, _) = open_regular(path)?;
    let mut contents = inflating(BufReader::new(file));
    let header = LooseHeader::read(&mut contents)?;
    Ok((header, contents))
}

fn large_file(file: File) -> LooseError {
    match LooseHeader::read(&mut inflating(BufReader::new(file))) {
        Ok(LooseHeader { kind, size, .. }) => LooseError::TooLarge { kind, size },
        Err(reason) => LooseError::Skip(reason),
    }
}

impl LooseHeader {
    fn parse(bytes: &[u8]) -> Result<Self, Damage> {
        let head = &bytes[..bytes.len().min(LONGEST_HEADER)];
        let end = head.iter().position(|&byte| byte == 0).ok_or(Damage::Header)?;
        let space = head[..end].iter().position(|&byte| byte == b' ').ok_or(Damage::Header)?;
        let kind = ObjectKind::from_name(&head[..space]).ok_or(Damage::Header)?;
        let digits = &head[space + 1..end];
        let fine = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
        let size = fine.then(|| std::str::from_utf8(digits).ok()?.parse().ok()).flatten();
        Ok(Self { kind, size: size.ok_or(Damage::Header)?, len: end + 1 })
    }

    fn read(contents: &mut impl Read) -> Result<Self, SkipReason> {
        let mut head = Vec::new();
        while head.len() < LONGEST_HEADER && head.last() != Some(&0) {
            let mut byte = [0];
            contents.read_exact(&mut byte).map_err(|error| zlib(&error))?;
            head.push(byte[0]);
        }
        Ok(Self::parse(&head)?)
    }
}

fn zlib(error: &io::Error) -> SkipReason {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => Damage::Truncated.into(),
        io::ErrorKind::InvalidData => Damage::Zlib.into(),
        kind => SkipReason::Io(kind),
    }
}
