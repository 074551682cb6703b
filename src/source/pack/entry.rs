//! Entry headers: type, size and delta base of one object in a pack
//! (git's `Documentation/gitformat-pack`, "Object entry header").

use crate::source::object::{Damage, HashKind, ObjectId, ObjectKind};

/// What stands before an entry's zlib stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    /// How the entry is stored.
    pub(crate) base: Base,
    /// Bytes that the zlib stream claims to hold: the object, or for a delta
    /// its instructions.
    pub(crate) size: u64,
    /// Bytes of the header itself.
    pub(crate) len: usize,
}

/// What an entry is made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Base {
    /// Nothing: it is stored whole.
    Whole(ObjectKind),
    /// The entry that starts this many bytes earlier in the same pack.
    Before(u64),
    /// The object of this name.
    Named(ObjectId),
}

/// More bytes than any header has: 10 of size, 10 of distance or 32 of id.
pub(crate) const LONGEST: u64 = 48;

impl Header {
    /// Reads the header that `bytes` start with.
    pub(crate) fn parse(bytes: &[u8], hash: HashKind) -> Result<Self, Damage> {
        let mut rest = bytes.iter();
        let mut byte = *rest.next().ok_or(Damage::Header)?;
        let number = byte >> 4 & 7;
        let mut size = u64::from(byte & 15);
        let mut shift = 4;
        while byte & 0x80 != 0 {
            byte = *rest.next().ok_or(Damage::Header)?;
            size |= shifted(u64::from(byte & 0x7f), shift).ok_or(Damage::Header)?;
            shift += 7;
        }
        let len = bytes.len() - rest.len();
        let (base, base_len) = base_of(number, rest.as_slice(), hash)?;
        Ok(Self { base, size, len: len + base_len })
    }
}

fn base_of(number: u8, rest: &[u8], hash: HashKind) -> Result<(Base, usize), Damage> {
    Ok(match number {
        1 => (Base::Whole(ObjectKind::Commit), 0),
        2 => (Base::Whole(ObjectKind::Tree), 0),
        3 => (Base::Whole(ObjectKind::Blob), 0),
        4 => (Base::Whole(ObjectKind::Tag), 0),
        6 => {
            let (distance, len) = distance(rest)?;
            (Base::Before(distance), len)
        }
        7 => {
            let id = rest.get(..hash.id_len()).ok_or(Damage::Header)?;
            let id = ObjectId::from_bytes(hash, id).ok_or(Damage::Header)?;
            (Base::Named(id), hash.id_len())
        }
        unknown => return Err(Damage::UnknownType(unknown)),
    })
}

/// A number in the offset encoding, and how many bytes it takes.
pub(crate) fn varint(bytes: &[u8]) -> Option<(usize, usize)> {
    let (value, len) = distance(bytes).ok()?;
    Some((usize::try_from(value).ok()?, len))
}

/// The offset encoding: seven bits a byte, most significant first, and each
/// further byte adds one so that no number has two spellings.
fn distance(bytes: &[u8]) -> Result<(u64, usize), Damage> {
    let mut value = 0u64;
    for (at, &byte) in bytes.iter().enumerate() {
        value = shifted(value, 7).ok_or(Damage::Header)? | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Ok((value, at + 1));
        }
        value = value.checked_add(1).ok_or(Damage::Header)?;
    }
    Err(Damage::Header)
}

/// `value << shift` unless bits would fall off.
fn shifted(value: u64, shift: u32) -> Option<u64> {
    let moved = value.checked_shl(shift)?;
    (moved >> shift == value).then_some(moved)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_distances_are_read() {
        let header = Header::parse(&[0xb5, 0x0a, 0xff], HashKind::Sha1).expect("fine");
        assert_eq!(header.base, Base::Whole(ObjectKind::Blob));
        assert_eq!((header.size, header.len), (5 + (10 << 4), 2));
        let header = Header::parse(&[0x61, 0x80, 0x00], HashKind::Sha1).expect("fine");
        assert_eq!((header.base, header.len), (Base::Before(128), 3));
    }

    #[test]
    fn cut_and_overflowing_headers_are_named() {
        assert_eq!(Header::parse(&[], HashKind::Sha1), Err(Damage::Header));
        assert_eq!(Header::parse(&[0xff; 40], HashKind::Sha1), Err(Damage::Header));
        assert_eq!(Header::parse(&[0x70, 1], HashKind::Sha1), Err(Damage::Header));
        assert_eq!(Header::parse(&[0x50], HashKind::Sha1), Err(Damage::UnknownType(5)));
        let mut far = vec![0x60];
        far.extend([0xff; 12]);
        assert_eq!(Header::parse(&far, HashKind::Sha1), Err(Damage::Header));
    }
}
