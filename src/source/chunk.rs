//! Texts of any size in bounded memory: a small one whole, a large one in chunks that overlap.
//!
//! Each chunk owns the bytes from `owned.start` up to `owned.end`; what starts there is seen with
//! at least [`MARGIN`] bytes of context on either side, so nothing is lost or found twice.

use std::io::{self, Read};
use std::ops::Range;

/// The most that is held at once, in bytes.
const CHUNK: usize = 8 << 20;
/// Context on either side of what a chunk owns, in bytes; more than any rule reaches.
const MARGIN: usize = 128 << 10;

/// Part of a text.
#[derive(Debug)]
pub struct Chunk<'b> {
    /// The bytes.
    pub bytes: &'b [u8],
    /// Where they start in the whole.
    pub offset: u64,
    /// The part of `bytes` in which this chunk alone reports what starts there.
    pub owned: Range<usize>,
    /// Where in `bytes` the next chunk starts, if there is one.
    pub next: Option<usize>,
}

/// Reads everything and hands it over piece by piece. `buffer` is kept between calls so that many
/// small files cost one allocation. Returns the number of bytes read.
pub fn each_chunk(mut reader: impl Read, buffer: &mut Vec<u8>, mut visit: impl FnMut(Chunk<'_>)) -> io::Result<u64> {
    buffer.clear();
    let mut offset = 0;
    loop {
        let room = CHUNK - buffer.len();
        let read = reader.by_ref().take(room as u64).read_to_end(buffer)?;
        let last = read < room;
        let first = offset == 0;
        let start = if first { 0 } else { MARGIN };
        let end = if last { buffer.len() } else { CHUNK - MARGIN };
        let kept = CHUNK - 2 * MARGIN;
        visit(Chunk { bytes: buffer, offset, owned: start..end.max(start), next: (!last).then_some(kept) });
        if last {
            return Ok(offset + buffer.len() as u64);
        }
        buffer.copy_within(kept.., 0);
        buffer.truncate(CHUNK - kept);
        offset += kept as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_owned_once() {
        for size in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK + 17] {
            let data = vec![7_u8; size];
            let mut next = 0_u64;
            let read = each_chunk(data.as_slice(), &mut Vec::new(), |chunk| {
                assert_eq!(chunk.offset + chunk.owned.start as u64, next);
                next = chunk.offset + chunk.owned.end as u64;
                assert!(chunk.bytes.len() <= CHUNK);
            });
            assert_eq!(read.expect("memory is readable"), size as u64);
            assert_eq!(next, size as u64);
        }
    }
}
