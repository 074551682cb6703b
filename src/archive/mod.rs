//! The files inside archives and compressed files, also of archives inside archives, in bounded
//! memory. Whatever of an archive was not read has a reason. What a file holds is for others to judge.

mod form;
mod open;
mod unpack;

pub use form::Form;

use serde::{Deserialize, Serialize};

/// The largest archive that is opened, in bytes.
pub const LARGEST: usize = 32 << 20;
/// The largest file that is taken out of one, in bytes.
const LARGEST_MEMBER: u64 = 64 << 20;
/// How much all files of an archive may come to, in bytes.
const MOST_BYTES: u64 = 256 << 20;
/// How many files an archive may have.
const MOST_MEMBERS: usize = 10_000;
/// How many times its own size an archive may come to, once that is more than [`LARGEST_FREE`].
const MOST_RATIO: u64 = 200;
/// What any archive may come to, in bytes.
const LARGEST_FREE: u64 = 8 << 20;
/// Archives inside archives are opened this deep; a compressed tar is one archive.
const DEEPEST: usize = 3;

/// Why an archive, or something in it, was not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum Unread {
    /// It is larger than [`LARGEST`].
    #[error("an archive of more than {} MiB", LARGEST >> 20)]
    Large,
    /// It has more files than are read.
    #[error("an archive of more than {MOST_MEMBERS} files")]
    Members,
    /// One of its files, or all together, come to more than is read.
    #[error("an archive that unpacks to more than {} MiB, or to {MOST_RATIO} times its size", MOST_BYTES >> 20)]
    Bomb,
    /// A sort of archive or compression that is not read.
    #[error("an archive or a compression of a sort that sopup does not read")]
    Unsupported,
    /// A bundle or a pack of git without what it builds on.
    #[error("objects of git that build on others: fetch the bundle into the repository it was made from, and scan that")]
    Elsewhere,
    /// It needs a password.
    #[error("an archive with encrypted files")]
    Encrypted,
    /// It is cut off, its bytes make no sense, or a checksum differs.
    #[error("a damaged or incomplete archive")]
    Damaged,
    /// Archives in it are nested deeper than is read.
    #[error("archives inside archives, more than {DEEPEST} deep")]
    TooDeep,
}

impl Unread {
    /// Every one.
    pub const ALL: [Self; 8] =
        [Self::Large, Self::Members, Self::Bomb, Self::Unsupported, Self::Elsewhere, Self::Encrypted, Self::Damaged, Self::TooDeep];
}

/// Hands over every file of an archive with its path in it; that of a compressed file is empty. Of
/// what is damaged, that which came before the damage is handed over as well.
///
/// # Errors
/// When something in it was not read: the first reason.
pub fn each_member(archive: &[u8], form: Form, visit: &mut dyn FnMut(&str, &[u8])) -> Result<(), Unread> {
    if archive.len() > LARGEST {
        return Err(Unread::Large);
    }
    let most = LARGEST_FREE.max(archive.len() as u64 * MOST_RATIO).min(MOST_BYTES);
    let budget = Budget { bytes: most, members: MOST_MEMBERS };
    open::open(archive, form, budget, visit)
}

/// The path of a file in an archive: `backup.zip!etc/app.yaml`, `dump.sql.gz!dump.sql`.
pub fn path_inside(archive: &str, member: &str) -> String {
    if !member.is_empty() {
        return format!("{archive}!{member}");
    }
    let name = archive.rsplit(['/', '!']).next().unwrap_or(archive);
    let stem = [".gz", ".bz2", ".xz", ".zst"].iter().find_map(|ending| name.strip_suffix(ending)).filter(|stem| !stem.is_empty());
    format!("{archive}!{}", stem.unwrap_or(name))
}

/// What may still be taken out.
struct Budget {
    bytes: u64,
    members: usize,
}

#[cfg(test)]
mod tests;
