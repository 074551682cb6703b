//! How sorts of archives are told from their first bytes.

use super::Unread;
use crate::source::history::Bundle;

/// A sort of archive or compressed file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Something compressed: one file, or a tar archive.
    Packed(Packing),
    /// APPNOTE.TXT of PKWARE; also jar, docx and their kin.
    Zip,
    /// POSIX.1-1988 and later, and what was before.
    Tar,
    /// Unix `ar`: packages of Debian, static libraries.
    Ar,
    /// A pack or a bundle of git.
    GitObjects,
    /// Known to be an archive, and not read: 7z, RAR, LZ4, lzip, RPM, cabinet, `compress`.
    Other,
}

/// A compression of single files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packing {
    /// RFC 1952
    Gzip,
    /// bzip2
    Bzip2,
    /// xz (.xz file format 1.2)
    Xz,
    /// RFC 8878
    Zstd,
}

/// What a tar archive's first header takes.
pub(super) const TAR_HEADER: usize = 512;

impl Form {
    /// Why its files are not read, if they never are.
    pub(super) fn unread(self) -> Option<Unread> {
        match self {
            Self::Other => Some(Unread::Unsupported),
            _ => None,
        }
    }

    /// The form of an archive that begins like this, if it is one.
    pub fn of(head: &[u8]) -> Option<Self> {
        match head {
            [0x1f, 0x8b, 8, ..] => Some(Self::Packed(Packing::Gzip)),
            [b'B', b'Z', b'h', b'1'..=b'9', 0x31, 0x41, 0x59, 0x26, 0x53, 0x59, ..] => Some(Self::Packed(Packing::Bzip2)),
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Some(Self::Packed(Packing::Xz)),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(Self::Packed(Packing::Zstd)),
            [b'P', b'K', 3, 4, ..] => Some(Self::Zip),
            _ if head.starts_with(b"!<arch>\n") => Some(Self::Ar),
            _ if Bundle::is_one(head) => Some(Self::GitObjects),
            _ if is_unread(head) => Some(Self::Other),
            _ if is_tar(head) => Some(Self::Tar),
            _ => None,
        }
    }
}

fn is_unread(head: &[u8]) -> bool {
    const STARTS: [&[u8]; 7] =
        [b"7z\xbc\xaf\x27\x1c", b"Rar!\x1a\x07", b"\x04\x22\x4d\x18", b"LZIP\x01", b"\xed\xab\xee\xdb", b"MSCF\0\0\0\0", b"\x1f\x9d\x90"];
    STARTS.iter().any(|start| head.starts_with(start))
}

/// A header with the mark of POSIX, or, without one, with the checksum that it should have.
pub(super) fn is_tar(head: &[u8]) -> bool {
    if head.get(257..262) == Some(b"ustar") {
        return true;
    }
    let Some(header) = head.get(..TAR_HEADER).filter(|header| header[0] != 0) else { return false };
    let digits = header[148..156].iter().skip_while(|byte| **byte == b' ').take_while(|byte| byte.is_ascii_digit());
    let told = digits.fold(0_u32, |sum, digit| sum.wrapping_mul(8).wrapping_add(u32::from(digit & 7)));
    let sum = |range: std::ops::Range<usize>| header[range].iter().map(|&byte| u32::from(byte)).sum::<u32>();
    told != 0 && told == sum(0..148) + sum(156..TAR_HEADER) + 8 * u32::from(b' ')
}
