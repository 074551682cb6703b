//! The index file, versions 2 to 4: which blob stands at which path
//! (git's `Documentation/gitformat-index`).

use std::fs;
use std::path::Path;

use super::object::{HashKind, ObjectId};
use super::{Skip, SkipReason};

/// A path of the index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexEntry {
    /// Raw, with `/` between its parts.
    pub path: Vec<u8>,
    /// The blob.
    pub id: ObjectId,
}

/// Bytes of an entry before the id.
const STAT: usize = 40;

/// The files of an index; none if there is no index.
pub fn read_index(file: &Path, hash: HashKind) -> Result<Vec<IndexEntry>, Skip> {
    let fail = |why: &str| Skip { what: file.display().to_string(), reason: SkipReason::Unreadable(why.to_owned()) };
    let bytes = match fs::read(file) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(fail(&error.to_string())),
    };
    parse(&bytes, hash).map_err(fail)
}

fn parse(bytes: &[u8], hash: HashKind) -> Result<Vec<IndexEntry>, &'static str> {
    const CUT: &str = "the index is cut off";
    let number = |at: usize| Some(u32::from_be_bytes(*bytes.get(at..)?.first_chunk()?));
    if !bytes.starts_with(b"DIRC") {
        return Err("not an index");
    }
    let version = number(4).ok_or(CUT)?;
    if !(2..=4).contains(&version) {
        return Err("an index of an unknown version");
    }
    let count = number(8).ok_or(CUT)?;
    let mut entries: Vec<IndexEntry> = Vec::new();
    let mut last: Vec<u8> = Vec::new();
    let mut at = 12;
    for _ in 0..count {
        let start = at;
        let mode = number(at + 24).ok_or(CUT)?;
        let id = bytes.get(at + STAT..at + STAT + hash.id_len()).and_then(|id| ObjectId::from_bytes(hash, id)).ok_or(CUT)?;
        at += STAT + hash.id_len();
        let flags = u16::from_be_bytes(*bytes.get(at..).and_then(<[u8]>::first_chunk).ok_or(CUT)?);
        at += if version >= 3 && flags & 0x4000 != 0 { 4 } else { 2 };
        if version == 4 {
            let (cut, used) = varint(bytes.get(at..).ok_or(CUT)?).ok_or(CUT)?;
            at += used;
            last.truncate(last.len().checked_sub(cut).ok_or(CUT)?);
        } else {
            last.clear();
        }
        let rest = bytes.get(at..).ok_or(CUT)?;
        let length = memchr::memchr(0, rest).ok_or(CUT)?;
        last.extend_from_slice(&rest[..length]);
        at += length + 1;
        if version < 4 {
            at = start + (at - start).next_multiple_of(8);
        }
        const FILE: u32 = 0o100_000;
        const LINK: u32 = 0o120_000;
        if matches!(mode & 0o170_000, FILE | LINK) {
            entries.push(IndexEntry { path: last.clone(), id });
        }
    }
    let end = bytes.len().saturating_sub(hash.id_len());
    while let Some(name) = bytes.get(at..at + 4).filter(|_| at + 8 <= end) {
        if name == b"link" {
            return Err("a split index is not read");
        }
        at += 8 + number(at + 4).ok_or(CUT)? as usize;
    }
    Ok(entries)
}

/// A number as in pack offsets: seven bits a byte, most significant first, each further byte one
/// more.
fn varint(bytes: &[u8]) -> Option<(usize, usize)> {
    let mut value = 0_usize;
    for (used, &byte) in bytes.iter().take(8).enumerate() {
        value = if used == 0 { 0 } else { value + 1 };
        value = value << 7 | usize::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Some((value, used + 1));
        }
    }
    None
}
