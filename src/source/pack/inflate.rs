//! Inflating zlib streams whose size is known beforehand or must be bounded.
//! The one place that knows which library does it.

use std::io::{self, BufRead, Read};

use sirocco::Format;
use sirocco::inflate::{Decoder, Error, Reader, Scanner};
use thiserror::Error;

use crate::source::object::Damage;

/// Why a stream did not give what it should.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum InflateError {
    /// Damaged, or the checksum differs.
    #[error("damaged zlib stream")]
    Damaged,
    /// The input ends before the stream does.
    #[error("truncated zlib stream")]
    Truncated,
    /// It holds more or less than announced.
    #[error("not of the announced size")]
    Size,
}

impl InflateError {
    /// The damage of an entry that declares `declared` bytes.
    pub(crate) fn of_entry(self, declared: u64) -> Damage {
        match self {
            Self::Damaged => Damage::Zlib,
            Self::Truncated => Damage::Truncated,
            Self::Size => Damage::Size { declared },
        }
    }
}

impl From<Error> for InflateError {
    fn from(error: Error) -> Self {
        match error {
            Error::Truncated => Self::Truncated,
            Error::BufferFull | Error::InsufficientSpace => Self::Size,
            _ => Self::Damaged,
        }
    }
}

/// Inflates one stream after another without allocating tables anew.
#[derive(Debug)]
pub(crate) struct Inflater {
    decoder: Box<Decoder>,
}

/// What a stream gave that was inflated up to a bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stream {
    /// All of it: this many bytes.
    Ended(usize),
    /// The buffer is full and there may be more.
    Full,
}

/// Room behind the wanted bytes that lets the decoder stay in its fast loop
/// to the end and shows streams that hold too much.
const SLACK: usize = 320;

/// No byte of deflate gives more than this many bytes.
const MOST_PER_BYTE: u64 = 1032;

impl Inflater {
    /// An inflater ready for its first stream.
    pub(crate) fn new() -> Self {
        Self { decoder: Box::new(Decoder::new(Format::Zlib)) }
    }

    /// Replaces what `out` holds by the `size` bytes that the stream at the
    /// start of `input` must hold. A size that `input` cannot possibly give is
    /// refused before anything is allocated for it.
    pub(crate) fn exact(&mut self, input: &[u8], size: usize, out: &mut Vec<u8>) -> Result<(), InflateError> {
        if size as u64 > input.len() as u64 * MOST_PER_BYTE {
            return Err(InflateError::Size);
        }
        if out.len() < size + SLACK || out.len() > 2 * (size + SLACK) {
            out.resize(size + SLACK, 0);
        }
        let given = self.bounded(input, out)?;
        if given != Stream::Ended(size) {
            return Err(InflateError::Size);
        }
        out.truncate(size);
        Ok(())
    }

    /// As [`exact`](Self::exact) into a scratch buffer whose length never
    /// shrinks; gives the part that was filled.
    pub(crate) fn scratch<'a>(&mut self, input: &[u8], size: usize, out: &'a mut Vec<u8>) -> Result<&'a [u8], InflateError> {
        if size as u64 > input.len() as u64 * MOST_PER_BYTE {
            return Err(InflateError::Size);
        }
        if out.len() < size + SLACK {
            out.resize((size + SLACK).next_multiple_of(4096), 0);
        }
        if self.bounded(input, &mut out[..size + SLACK])? != Stream::Ended(size) {
            return Err(InflateError::Size);
        }
        Ok(&out[..size])
    }

    /// Fills `out` from the stream at the start of `input`, as far as it goes.
    pub(crate) fn bounded(&mut self, input: &[u8], out: &mut [u8]) -> Result<Stream, InflateError> {
        self.decoder.reset();
        let progress = self.decoder.decompress(input, out, true)?;
        Ok(if progress.done { Stream::Ended(progress.output.len()) } else { Stream::Full })
    }
}

/// Reads what the stream at the start of `input` holds, piece by piece.
pub(crate) fn inflating<R: BufRead>(input: R) -> impl Read {
    Reader::new(Format::Zlib, input)
}

/// The `size` bytes that the stream at the start of `input` holds, and how many bytes it takes up.
pub(crate) fn inflate_prefix(input: &[u8], size: usize) -> Result<(Vec<u8>, usize), InflateError> {
    let mut out = Vec::new();
    Inflater::new().exact(input, size, &mut out)?;
    let used = compressed_len(input).map_err(|_| InflateError::Damaged)?;
    Ok((out, used as usize))
}

/// How many bytes the stream at the start of `input` takes up.
pub(crate) fn compressed_len(input: impl BufRead) -> io::Result<u64> {
    Ok(Scanner::new(Format::Zlib).scan_reader(input)?.compressed)
}
