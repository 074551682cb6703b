//! The bytes of one entry, as they lie in the pack, for a walk.

use super::entry::{Header, LONGEST};
use super::file::Window;
use super::walk::Walk;
use crate::source::object::{SkipReason, Visitor};

/// An entry's header.
pub(super) fn header<V: Visitor>(walk: &Walk<'_, V>, window: &mut Window, entry: u32) -> Result<Header, SkipReason> {
    let pack = walk.pack;
    let range = walk.tree.range(entry, pack);
    let head = range.start..range.end.min(range.start + LONGEST);
    Ok(Header::parse(pack.slice(head, window)?, walk.index.hash())?)
}

/// Whether an entry's bytes have the checksum that the index names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trust {
    /// It has, or the index names none.
    Sound,
    /// It has not.
    Doubtful,
}

/// The bytes that begin with an entry's zlib stream. They reach to the next
/// entry, but no further than a stream of the declared size can.
pub(super) fn body<'a, V: Visitor>(
    walk: &Walk<'_, V>,
    window: &'a mut Window,
    entry: u32,
    header: Header,
) -> Result<(&'a [u8], Trust), SkipReason> {
    let pack = walk.pack;
    let range = walk.tree.range(entry, pack);
    let longest = header.size.saturating_add(header.size / 64 + 4096);
    let end = range.end.min(range.start.saturating_add(longest));
    let bytes = pack.slice(range.start..end, window)?;
    let checksum = walk.index.checksum(walk.tree.position(entry));
    let trust = match checksum {
        Some(checksum) if checksum != crc32fast::hash(bytes) => Trust::Doubtful,
        _ => Trust::Sound,
    };
    Ok((&bytes[header.len..], trust))
}
