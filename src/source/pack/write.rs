//! Packs: writing one, entry by entry.

use sirocco::Format;
use sirocco::deflate::{Encoder, Flush, Level, compress_bound};

use crate::source::object::{HashKind, ObjectKind};

/// What a pack begins with: its mark, its version, and room for the number of entries.
const HEAD: &[u8] = b"PACK\0\0\0\x02\0\0\0\0";
/// The number of a delta whose base is given by its distance.
const BEFORE: u8 = 6;

/// A pack that is being written.
pub struct PackWriter {
    bytes: Vec<u8>,
    count: u32,
    encoder: Encoder,
}

impl std::fmt::Debug for PackWriter {
    /// Sizes only: the bytes may be secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PackWriter").field("len", &self.bytes.len()).field("count", &self.count).finish_non_exhaustive()
    }
}

impl Default for PackWriter {
    fn default() -> Self {
        Self { bytes: HEAD.to_vec(), count: 0, encoder: Encoder::new(Format::Zlib, Level::DEFAULT) }
    }
}

impl PackWriter {
    /// So many bytes are written.
    #[must_use]
    pub fn size(&self) -> usize {
        self.bytes.len()
    }

    /// Adds an object as it is. Gives its place.
    pub fn add(&mut self, kind: ObjectKind, contents: &[u8]) -> u64 {
        let place = self.bytes.len() as u64;
        let number = match kind {
            ObjectKind::Commit => 1,
            ObjectKind::Tree => 2,
            ObjectKind::Blob => 3,
            ObjectKind::Tag => 4,
        };
        self.head(number, contents.len());
        self.body(contents);
        place
    }

    /// Adds an object as a delta of one that was added before, at `base`. Gives its place.
    pub fn add_delta(&mut self, base: u64, delta: &[u8]) -> u64 {
        let place = self.bytes.len() as u64;
        self.head(BEFORE, delta.len());
        self.distance(place - base);
        self.body(delta);
        place
    }

    /// The pack, if anything was added; the next one begins.
    pub fn take(&mut self, hash: HashKind) -> Option<Vec<u8>> {
        if self.count == 0 {
            return None;
        }
        let mut pack = std::mem::replace(&mut self.bytes, HEAD.to_vec());
        pack[8..12].copy_from_slice(&std::mem::take(&mut self.count).to_be_bytes());
        let sum = hash.digest(&pack);
        pack.extend_from_slice(sum.as_bytes());
        Some(pack)
    }

    fn head(&mut self, number: u8, size: usize) {
        let mut byte = number << 4 | (size & 15) as u8;
        let mut size = size >> 4;
        while size > 0 {
            self.bytes.push(byte | 0x80);
            byte = (size & 0x7f) as u8;
            size >>= 7;
        }
        self.bytes.push(byte);
        self.count += 1;
    }

    /// Seven bits a byte, the highest first; each further byte adds one, so that no number has two spellings.
    fn distance(&mut self, distance: u64) {
        let mut digits = vec![(distance & 0x7f) as u8];
        let mut left = distance >> 7;
        while left > 0 {
            left -= 1;
            digits.push((left & 0x7f) as u8 | 0x80);
            left >>= 7;
        }
        self.bytes.extend(digits.into_iter().rev());
    }

    fn body(&mut self, contents: &[u8]) {
        let start = self.bytes.len();
        self.bytes.resize(start + compress_bound(Format::Zlib, contents.len()), 0);
        let done = self.encoder.compress(contents, &mut self.bytes[start..], Flush::Finish);
        let len = done.output.len();
        self.bytes.truncate(start + len);
    }
}

#[cfg(test)]
mod tests {
    use super::super::entry::{Base, Header};
    use super::super::inflate::Inflater;
    use super::*;

    #[test]
    fn entries_are_read_as_they_were_written() {
        let mut pack = PackWriter::default();
        let texts: Vec<Vec<u8>> = [0_usize, 5, 15, 16, 2_047, 2_048, 300_000].map(|len| vec![7; len]).into();
        let mut places: Vec<u64> = texts.iter().map(|text| pack.add(ObjectKind::Blob, text)).collect();
        // Far enough away for distances of one, two and three bytes.
        let noise: Vec<u8> = (0..40_000_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
        places.push(pack.add(ObjectKind::Tree, &noise));
        let bases = [places[7], places[6], places[0]];
        let deltas = bases.map(|base| (pack.add_delta(base, b"a delta"), base));
        let size = pack.size();
        let bytes = pack.take(HashKind::Sha1).expect("not empty");
        assert_eq!(bytes.len(), size + 20);
        assert_eq!(bytes[..12], *b"PACK\0\0\0\x02\0\0\0\x0b");
        let read = |place: u64| {
            let header = Header::parse(&bytes[place as usize..], HashKind::Sha1).expect("sound");
            let mut out = Vec::new();
            Inflater::new().exact(&bytes[place as usize + header.len..], header.size as usize, &mut out).expect("sound");
            (header.base, out)
        };
        for (text, place) in texts.into_iter().zip(&places) {
            assert_eq!(read(*place), (Base::Whole(ObjectKind::Blob), text));
        }
        for (place, base) in deltas {
            assert_eq!(read(place), (Base::Before(place - base), b"a delta".to_vec()));
        }
        assert_eq!(pack.take(HashKind::Sha1), None);
    }
}
