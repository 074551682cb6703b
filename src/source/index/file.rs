//! The index file, versions 2 to 4: which blob stands at which path
//! (git's `Documentation/gitformat-index`). An index in two parts is put together in `split`.

use std::path::Path;

use super::split;
use crate::source::object::{HashKind, ObjectId};
use crate::source::pack::varint;
use crate::source::refs::files;
use crate::source::{Skip, SkipReason};

/// A path of the index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexEntry {
    /// Raw, with `/` between its parts.
    pub path: Vec<u8>,
    /// Its object.
    pub id: ObjectId,
    /// Mode and kind, as trees have it.
    pub mode: u32,
    /// What a commit would make of it.
    pub state: EntryState,
}

/// What a commit would make of a path of the index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryState {
    /// It belongs to the commit.
    Staged,
    /// One side of a merge that is not resolved; git makes no commit until it is.
    Unmerged,
    /// Announced with `git add --intent-to-add`, without a content; no part of the commit.
    Announced,
}

/// What kind of object a mode of the index or of a tree stands for.
pub(super) const KIND: u32 = 0o170_000;
/// A folder that is not expanded, in a sparse index.
pub(super) const FOLDER: u32 = 0o040_000;
const FILE: u32 = 0o100_000;
const LINK: u32 = 0o120_000;
const SUBMODULE: u32 = 0o160_000;

impl IndexEntry {
    /// Whether it is a commit of another repository.
    #[must_use]
    pub fn is_submodule(&self) -> bool {
        self.mode & KIND == SUBMODULE
    }

    /// Whether it is a file or link, rather than a submodule or a folder that is not expanded.
    #[must_use]
    pub fn is_blob(&self) -> bool {
        matches!(self.mode & KIND, FILE | LINK)
    }
}

/// The paths of an index; none if there is no index.
///
/// # Errors
/// When it cannot be read, or not as a whole.
pub fn read_index(file: &Path, hash: HashKind) -> Result<Vec<IndexEntry>, Skip> {
    let fail = |why: &str| Skip { what: file.display().to_string(), reason: SkipReason::Unreadable(why.to_owned()) };
    let Some(bytes) = read(file).map_err(|why| fail(&why))? else { return Ok(Vec::new()) };
    let (own, link) = parse(&bytes, hash).map_err(fail)?;
    let Some(link) = link else { return Ok(own) };
    let Some(name) = link.shared_name() else { return Ok(own) };
    // The part that is shared lies in the git directory, also where git uses another file as index for a while.
    let folder = file.parent().unwrap_or(Path::new(""));
    let shared = read(&folder.join(&name)).map_err(|why| fail(&why))?;
    let shared = shared.ok_or_else(|| fail(&format!("the index builds on {name}, which is not there")))?;
    match parse(&shared, hash).map_err(fail)? {
        (shared, None) => link.applied(shared, own).map_err(fail),
        (_, Some(_)) => Err(fail("the index that it builds on builds on a further one")),
    }
}

fn read(file: &Path) -> Result<Option<Vec<u8>>, String> {
    files::read_up_to(file, LARGEST).map_err(|skip| skip.reason.to_string())
}

/// The largest index that is read, in bytes: a few million paths.
const LARGEST: u64 = 1 << 30;
/// Bytes of an entry before the id.
const STAT: usize = 40;
const CUT: &str = "the index is cut off";

/// The paths that the file itself names, and what it says about one that it builds on.
fn parse(bytes: &[u8], hash: HashKind) -> Result<(Vec<IndexEntry>, Option<split::Link>), &'static str> {
    if !bytes.starts_with(b"DIRC") {
        return Err("not an index");
    }
    let end = bytes.len().checked_sub(hash.id_len()).ok_or(CUT)?;
    let (bytes, checksum) = bytes.split_at(end);
    // Git can be told to leave the checksum out (`index.skipHash`).
    if checksum.iter().any(|&byte| byte != 0) && hash.digest(bytes).as_bytes() != checksum {
        return Err("the index is damaged: it has not the checksum that it ends with");
    }
    let number = |at: usize| Some(u32::from_be_bytes(*bytes.get(at..)?.first_chunk()?));
    let version = number(4).ok_or(CUT)?;
    if !(2..=4).contains(&version) {
        return Err("an index of an unknown version");
    }
    let count = number(8).ok_or(CUT)?;
    let mut entries: Vec<IndexEntry> = Vec::new();
    let mut path: Vec<u8> = Vec::new();
    let mut at = 12;
    for _ in 0..count {
        let start = at;
        let mode = number(at + 24).ok_or(CUT)?;
        let id = bytes.get(at + STAT..at + STAT + hash.id_len()).and_then(|id| ObjectId::from_bytes(hash, id)).ok_or(CUT)?;
        at += STAT + hash.id_len();
        let flags = u16::from_be_bytes(*bytes.get(at..).and_then(<[u8]>::first_chunk).ok_or(CUT)?);
        at += 2;
        let mut more = 0;
        if version >= 3 && flags & 0x4000 != 0 {
            more = u16::from_be_bytes(*bytes.get(at..).and_then(<[u8]>::first_chunk).ok_or(CUT)?);
            at += 2;
        }
        if version == 4 {
            let (cut, used) = varint(bytes.get(at..).ok_or(CUT)?).ok_or(CUT)?;
            at += used;
            path.truncate(path.len().checked_sub(cut).ok_or(CUT)?);
        } else {
            path.clear();
        }
        let rest = bytes.get(at..).ok_or(CUT)?;
        let length = memchr::memchr(0, rest).ok_or(CUT)?;
        path.extend_from_slice(&rest[..length]);
        at += length + 1;
        if version < 4 {
            at = start + (at - start).next_multiple_of(8);
        }
        let state = match () {
            () if flags & 0x3000 != 0 => EntryState::Unmerged,
            () if more & 0x2000 != 0 => EntryState::Announced,
            () => EntryState::Staged,
        };
        entries.push(IndexEntry { path: path.clone(), id, mode, state });
    }
    let mut link = None;
    while let Some(header) = bytes.get(at..at + 8) {
        let length = u32::from_be_bytes(*header[4..].first_chunk().ok_or(CUT)?) as usize;
        let content = bytes.get(at + 8..(at + 8).checked_add(length).ok_or(CUT)?).ok_or(CUT)?;
        match &header[..4] {
            b"link" => link = Some(split::Link::parse(content, hash).ok_or("the index names another one in a way that makes no sense")?),
            // Extensions in capitals may be passed over.
            [first, ..] if first.is_ascii_uppercase() => {}
            // Folders that are not expanded are marked by their modes.
            b"sdir" => {}
            _ => return Err("the index has an extension that is not known and must not be passed over"),
        }
        at += 8 + length;
    }
    Ok((entries, link))
}
