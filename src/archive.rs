//! The files inside gzip, zip and tar archives: one level, in bounded memory. A compressed tar
//! counts as one archive. What a file holds is for others to judge.

use std::io::{Cursor, Read};

use serde::{Deserialize, Serialize};
use sirocco::Format;
use sirocco::inflate::Reader;
use zip::{CompressionMethod, ZipArchive};

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

/// A sort of archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// RFC 1952; holds one file, or a tar archive.
    Gzip,
    /// APPNOTE.TXT of PKWARE.
    Zip,
    /// POSIX.1-1988 and later.
    Tar,
}

/// Why an archive was not read to its end.
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
    /// A file is compressed by another method than deflate.
    #[error("an archive with a compression that sopup does not know")]
    Method,
}

impl Form {
    /// The form of an archive that begins like this, if it is one.
    pub fn of(head: &[u8]) -> Option<Self> {
        match head {
            [0x1f, 0x8b, 8, ..] => Some(Self::Gzip),
            [b'P', b'K', 3, 4, ..] => Some(Self::Zip),
            _ if head.get(257..262) == Some(b"ustar") => Some(Self::Tar),
            _ => None,
        }
    }
}

/// Hands over every file of an archive with its name; that of a file in gzip is empty. What is
/// encrypted or damaged is passed over.
pub fn each_member(archive: &[u8], form: Form, visit: &mut dyn FnMut(&str, &[u8])) -> Result<(), Unread> {
    if archive.len() > LARGEST {
        return Err(Unread::Large);
    }
    let most = LARGEST_FREE.max(archive.len() as u64 * MOST_RATIO).min(MOST_BYTES);
    let mut budget = Budget { bytes: most, members: MOST_MEMBERS };
    match form {
        Form::Tar => of_tar(archive, &mut budget, visit),
        Form::Zip => of_zip(archive, &mut budget, visit),
        Form::Gzip => {
            let plain = of_gzip(archive, &mut budget)?;
            if Form::of(&plain) == Some(Form::Tar) {
                budget.bytes = most;
                return of_tar(&plain, &mut budget, visit);
            }
            visit("", &plain);
            Ok(())
        }
    }
}

/// The path of a file in an archive: `backup.zip!etc/app.yaml`, `dump.sql.gz!dump.sql`.
pub fn path_inside(archive: &str, member: &str) -> String {
    if !member.is_empty() {
        return format!("{archive}!{member}");
    }
    let name = archive.rsplit('/').next().unwrap_or(archive);
    format!("{archive}!{}", name.strip_suffix(".gz").filter(|stem| !stem.is_empty()).unwrap_or(name))
}

/// What may still be taken out.
struct Budget {
    bytes: u64,
    members: usize,
}

impl Budget {
    /// Reads a file; of a damaged one what came before the damage.
    fn read(&mut self, reader: impl Read) -> Result<Vec<u8>, Unread> {
        let most = self.bytes.min(LARGEST_MEMBER);
        let mut plain = Vec::new();
        let _ = reader.take(most + 1).read_to_end(&mut plain);
        self.bytes = self.bytes.checked_sub(plain.len() as u64).ok_or(Unread::Bomb)?;
        if plain.len() as u64 > most { Err(Unread::Bomb) } else { Ok(plain) }
    }

    fn count(&mut self) -> Result<(), Unread> {
        self.members = self.members.checked_sub(1).ok_or(Unread::Members)?;
        Ok(())
    }
}

/// All members of a gzip stream, one after the other.
fn of_gzip(archive: &[u8], budget: &mut Budget) -> Result<Vec<u8>, Unread> {
    let mut plain = Vec::new();
    let mut rest = archive;
    while Form::of(rest) == Some(Form::Gzip) {
        budget.count()?;
        let mut reader = Reader::new(Format::Gzip, rest);
        let part = budget.read(&mut reader)?;
        let left = reader.into_inner();
        plain.extend(part);
        if left.len() == rest.len() {
            break;
        }
        rest = left;
    }
    Ok(plain)
}

fn of_tar(archive: &[u8], budget: &mut Budget, visit: &mut dyn FnMut(&str, &[u8])) -> Result<(), Unread> {
    let mut tar = tar::Archive::new(archive);
    let Ok(entries) = tar.entries() else { return Ok(()) };
    for entry in entries {
        // Behind a damaged header nothing can be found.
        let Ok(entry) = entry else { return Ok(()) };
        budget.count()?;
        if entry.header().entry_type().is_file() {
            let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
            let plain = budget.read(entry)?;
            visit(&name, &plain);
        }
    }
    Ok(())
}

fn of_zip(archive: &[u8], budget: &mut Budget, visit: &mut dyn FnMut(&str, &[u8])) -> Result<(), Unread> {
    let Ok(mut zip) = ZipArchive::new(Cursor::new(archive)) else { return Ok(()) };
    let mut unknown = false;
    for number in 0..zip.len() {
        budget.count()?;
        let Ok(file) = zip.by_index_raw(number) else { continue };
        if file.is_dir() || file.encrypted() {
            continue;
        }
        let name = String::from_utf8_lossy(file.name_raw()).into_owned();
        let method = file.compression();
        let plain = match method {
            CompressionMethod::STORE => budget.read(file)?,
            CompressionMethod::DEFLATE => budget.read(Reader::new(Format::Deflate, std::io::BufReader::new(file)))?,
            _ => {
                unknown = true;
                continue;
            }
        };
        visit(&name, &plain);
    }
    if unknown { Err(Unread::Method) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use sirocco::deflate::{Level, Writer};

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut writer = Writer::new(Format::Gzip, Level::default(), Vec::new());
        writer.write_all(bytes).expect("memory takes it");
        writer.finish().expect("memory takes it")
    }

    fn tar(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        for (name, bytes) in files {
            let mut header = tar::Header::new_ustar();
            header.set_size(bytes.len() as u64);
            header.set_mode(0o644);
            builder.append_data(&mut header, name, *bytes).expect("memory takes it");
        }
        builder.into_inner().expect("memory takes it")
    }

    fn members(archive: &[u8]) -> Result<Vec<(String, usize)>, Unread> {
        let mut found = Vec::new();
        let form = Form::of(archive).expect("an archive");
        each_member(archive, form, &mut |name, bytes| found.push((name.to_owned(), bytes.len()))).map(|()| found)
    }

    #[test]
    fn gzip_tar_and_both() {
        let plain = tar(&[("a/b.yaml", b"one"), ("c", b"")]);
        let expected = Ok(vec![("a/b.yaml".to_owned(), 3), ("c".to_owned(), 0)]);
        assert_eq!(members(&plain), expected);
        assert_eq!(members(&gzip(&plain)), expected);
        let twice = [gzip(b"one"), gzip(b"two!")].concat();
        assert_eq!(members(&twice), Ok(vec![(String::new(), 7)]));
    }

    #[test]
    fn bounds_hold() {
        assert_eq!(members(&gzip(&vec![0; 20 << 20])), Err(Unread::Bomb));
        let many: Vec<(String, &[u8])> = (0..=MOST_MEMBERS).map(|number| (number.to_string(), &b""[..])).collect();
        let many: Vec<(&str, &[u8])> = many.iter().map(|(name, bytes)| (name.as_str(), *bytes)).collect();
        assert_eq!(members(&tar(&many)), Err(Unread::Members));
        let mut large = b"PK\x03\x04".to_vec();
        large.resize(LARGEST + 1, 0);
        assert_eq!(members(&large), Err(Unread::Large));
    }

    #[test]
    fn damaged_ones_give_what_they_can() {
        let mut cut = gzip(&(0..20_000_u32).flat_map(u32::to_le_bytes).collect::<Vec<u8>>());
        cut.truncate(cut.len() / 2);
        let found = members(&cut).expect("no bound is met");
        assert!(found[0].1 > 1000 && found[0].1 < 80_000, "{found:?}");
        assert_eq!(members(b"PK\x03\x04nothing"), Ok(Vec::new()));
    }

    #[test]
    fn paths_name_archive_and_member() {
        assert_eq!(path_inside("a/b.zip", "c/d"), "a/b.zip!c/d");
        assert_eq!(path_inside("a/dump.sql.gz", ""), "a/dump.sql.gz!dump.sql");
        assert_eq!(path_inside("blob", ""), "blob!blob");
    }
}
