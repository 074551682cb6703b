//! Reading compressed files, which may be several streams one after the other. The place that knows
//! which libraries do it.

use std::io::{self, Read};

use bzip2::read::MultiBzDecoder;
use lzma_rust2::XzReader;
use ruzstd::decoding::{FrameDecoder, StreamingDecoder};
use sirocco::Format;
use sirocco::inflate::Reader;

use super::form::Packing;

/// Memory that decoders may take for what they look back at, in bytes.
const WINDOW: u32 = 64 << 20;

/// What a compressed file holds.
pub(super) struct Unpacked<'a> {
    stream: Option<Stream<'a>>,
}

enum Stream<'a> {
    Gzip(Box<Reader<&'a [u8]>>),
    Bzip2(Box<MultiBzDecoder<&'a [u8]>>),
    Xz(Box<XzReader<&'a [u8]>>),
    Zstd(Box<StreamingDecoder<&'a [u8], FrameDecoder>>),
}

impl<'a> Unpacked<'a> {
    pub(super) fn new(bytes: &'a [u8], packing: Packing) -> io::Result<Self> {
        let stream = match packing {
            Packing::Gzip => Stream::Gzip(Box::new(Reader::new(Format::Gzip, bytes))),
            Packing::Bzip2 => Stream::Bzip2(Box::new(MultiBzDecoder::new(bytes))),
            Packing::Xz => Stream::Xz(Box::new(XzReader::new_mem_limit(bytes, true, WINDOW >> 10))),
            Packing::Zstd => Stream::Zstd(Box::new(frame(bytes)?)),
        };
        Ok(Self { stream: Some(stream) })
    }
}

impl Read for Unpacked<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = match &mut self.stream {
                None => return Ok(0),
                Some(Stream::Gzip(stream)) => stream.read(buffer)?,
                Some(Stream::Bzip2(stream)) => stream.read(buffer)?,
                Some(Stream::Xz(stream)) => stream.read(buffer)?,
                Some(Stream::Zstd(stream)) => stream.read(buffer)?,
            };
            if read > 0 || buffer.is_empty() {
                return Ok(read);
            }
            self.stream = self.stream.take().map(Stream::next).transpose()?.flatten();
        }
    }
}

impl Stream<'_> {
    /// The stream behind one that has come to its end. What follows the last one is not compressed,
    /// and is looked at with the bytes of the file itself.
    fn next(self) -> io::Result<Option<Self>> {
        match self {
            Self::Gzip(stream) => {
                let rest = stream.into_inner();
                Ok(rest.starts_with(&[0x1f, 0x8b]).then(|| Self::Gzip(Box::new(Reader::new(Format::Gzip, rest)))))
            }
            Self::Zstd(stream) => {
                let checksum = stream.decoder.get_checksum_from_data();
                if checksum.is_some() && checksum != stream.decoder.get_calculated_checksum() {
                    return Err(io::Error::new(io::ErrorKind::InvalidData, "the checksum differs"));
                }
                let rest = behind_skippable(stream.into_inner());
                let more = rest.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]);
                more.then(|| Ok(Self::Zstd(Box::new(frame(rest)?)))).transpose()
            }
            // These read all streams themselves.
            Self::Bzip2(_) | Self::Xz(_) => Ok(None),
        }
    }
}

fn frame(bytes: &[u8]) -> io::Result<StreamingDecoder<&[u8], FrameDecoder>> {
    let decoder = StreamingDecoder::new_with_max_window_size(bytes, u64::from(WINDOW));
    decoder.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error.to_string()))
}

/// Frames that hold what others have added (RFC 8878, 3.1.2).
fn behind_skippable(mut bytes: &[u8]) -> &[u8] {
    while let [0x50..=0x5f, 0x2a, 0x4d, 0x18, a, b, c, d, rest @ ..] = bytes {
        let length = u32::from_le_bytes([*a, *b, *c, *d]) as usize;
        bytes = rest.get(length..).unwrap_or_default();
    }
    bytes
}
