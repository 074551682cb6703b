//! Opening an archive, and what in it is one.

use std::io::{BufReader, Cursor, Read};

use sirocco::Format;
use sirocco::inflate::Reader;
use zip::read::ZipFile;
use zip::{CompressionMethod, ZipArchive};

use super::form::{Form, Packing, TAR_HEADER, is_tar};
use super::unpack::Unpacked;
use super::{Budget, DEEPEST, LARGEST_MEMBER, Unread, path_inside};
use crate::source::history::{Bundle, Lack};

/// Takes a path inside the outermost archive, and a file.
type Visit<'a> = &'a mut dyn FnMut(&str, &[u8]);

struct Opener<'a> {
    budget: Budget,
    visit: Visit<'a>,
    /// The first thing that was not read.
    unread: Option<Unread>,
}

/// A bound is met: nothing more is taken out.
struct Full;

pub(super) fn open(archive: &[u8], form: Form, budget: Budget, visit: Visit<'_>) -> Result<(), Unread> {
    let mut opener = Opener { budget, visit, unread: None };
    let _ = opener.archive(archive, form, "", 1);
    opener.unread.map_or(Ok(()), Err)
}

impl Opener<'_> {
    /// An archive whose members' names follow `path`, which is empty for the outermost.
    fn archive(&mut self, bytes: &[u8], form: Form, path: &str, depth: usize) -> Result<(), Full> {
        if depth > DEEPEST {
            self.note(Unread::TooDeep);
            return Ok(());
        }
        match form {
            Form::Packed(packing) => self.packed(bytes, packing, path, depth),
            Form::Zip => self.zip(bytes, path, depth),
            Form::Tar => self.tar(bytes, path, depth),
            Form::Ar => self.ar(bytes, path, depth),
            Form::GitObjects => self.bundle(bytes, path, depth),
            Form::Other => {
                form.unread().into_iter().for_each(|unread| self.note(unread));
                Ok(())
            }
        }
    }

    /// A file of an archive, which may be an archive.
    fn member(&mut self, path: &str, bytes: &[u8], depth: usize) -> Result<(), Full> {
        match Form::of(bytes) {
            Some(form) if form.unread().is_none() && depth < DEEPEST => self.archive(bytes, form, path, depth + 1),
            Some(form) => {
                self.note(form.unread().unwrap_or(Unread::TooDeep));
                (self.visit)(path, bytes);
                Ok(())
            }
            None => {
                (self.visit)(path, bytes);
                Ok(())
            }
        }
    }

    fn packed(&mut self, bytes: &[u8], packing: Packing, path: &str, depth: usize) -> Result<(), Full> {
        self.count()?;
        let Ok(mut unpacked) = Unpacked::new(bytes, packing) else {
            self.note(Unread::Damaged);
            return Ok(());
        };
        let mut head = Vec::new();
        let failed = (&mut unpacked).take(TAR_HEADER as u64).read_to_end(&mut head).is_err();
        let plain = if failed {
            self.note(Unread::Damaged);
            head
        } else if is_tar(&head) {
            return self.tar(Cursor::new(head).chain(unpacked), path, depth);
        } else {
            self.read(Cursor::new(head).chain(unpacked))?
        };
        let name = if path.is_empty() { String::new() } else { path_inside(path, "") };
        self.member(&name, &plain, depth)
    }

    fn tar(&mut self, bytes: impl Read, path: &str, depth: usize) -> Result<(), Full> {
        let mut tar = tar::Archive::new(bytes);
        tar.set_ignore_zeros(true);
        let Ok(entries) = tar.entries() else {
            self.note(Unread::Damaged);
            return Ok(());
        };
        for entry in entries {
            // Behind a damaged header nothing can be found.
            let Ok(entry) = entry else {
                self.note(Unread::Damaged);
                return Ok(());
            };
            self.count()?;
            let size = entry.size();
            if entry.header().entry_type().is_file() {
                let name = inside(path, &String::from_utf8_lossy(&entry.path_bytes()));
                let plain = self.read(entry)?;
                if (plain.len() as u64) < size {
                    self.note(Unread::Damaged);
                }
                self.member(&name, &plain, depth)?;
            }
        }
        Ok(())
    }

    fn zip(&mut self, bytes: &[u8], path: &str, depth: usize) -> Result<(), Full> {
        let Ok(mut zip) = ZipArchive::new(Cursor::new(bytes)) else {
            self.note(Unread::Damaged);
            return Ok(());
        };
        for number in 0..zip.len() {
            self.count()?;
            let Ok(file) = zip.by_index_raw(number) else {
                self.note(Unread::Damaged);
                continue;
            };
            if file.is_dir() {
                continue;
            }
            if file.encrypted() {
                self.note(Unread::Encrypted);
                continue;
            }
            let (name, checksum, size) = (inside(path, &String::from_utf8_lossy(file.name_raw())), file.crc32(), file.size());
            let Some(plain) = self.unzipped(file)? else { continue };
            if plain.len() as u64 != size || crc32fast::hash(&plain) != checksum {
                self.note(Unread::Damaged);
            }
            self.member(&name, &plain, depth)?;
        }
        Ok(())
    }

    /// The content of a file in a zip archive; `None` if its compression is not read.
    fn unzipped(&mut self, file: ZipFile<'_, Cursor<&[u8]>>) -> Result<Option<Vec<u8>>, Full> {
        let packing = match file.compression() {
            CompressionMethod::STORE => return self.read(file).map(Some),
            CompressionMethod::DEFLATE => return self.read(Reader::new(Format::Deflate, BufReader::new(file))).map(Some),
            CompressionMethod::BZIP2 => Packing::Bzip2,
            CompressionMethod::XZ => Packing::Xz,
            CompressionMethod::ZSTD => Packing::Zstd,
            _ => {
                self.note(Unread::Unsupported);
                return Ok(None);
            }
        };
        let packed = self.read(file)?;
        match Unpacked::new(&packed, packing) {
            Ok(unpacked) => self.read(unpacked).map(Some),
            Err(_) => {
                self.note(Unread::Damaged);
                Ok(None)
            }
        }
    }

    /// Headers of 60 bytes: a name of 16, the size in decimal digits at 48, and a mark; contents
    /// start at even places.
    fn ar(&mut self, bytes: &[u8], path: &str, depth: usize) -> Result<(), Full> {
        let mut at = 8;
        while let Some(header) = bytes.get(at..at + 60) {
            self.count()?;
            let size = std::str::from_utf8(&header[48..58]).ok().and_then(|digits| digits.trim().parse::<usize>().ok());
            let content = size.and_then(|size| bytes.get(at + 60..(at + 60).checked_add(size)?));
            let Some(content) = content.filter(|_| header.ends_with(b"`\n")) else {
                self.note(Unread::Damaged);
                return Ok(());
            };
            let name = String::from_utf8_lossy(&header[..16]);
            let plain = self.read(content)?;
            self.member(&inside(path, name.trim_end().trim_end_matches('/')), &plain, depth)?;
            at += (60 + content.len()).next_multiple_of(2);
        }
        if at < bytes.len() {
            self.note(Unread::Damaged);
        }
        Ok(())
    }

    /// A file that holds a history: every version of every file, under the path it has there.
    fn bundle(&mut self, bytes: &[u8], path: &str, depth: usize) -> Result<(), Full> {
        let (bundle, lack) = Bundle::read(bytes, self.budget.bytes);
        let followed = bundle.each_text(|name, plain| {
            self.count()?;
            let plain = self.read(plain)?;
            self.member(&inside(path, name), &plain, depth)
        })?;
        lack.or(followed).into_iter().for_each(|lack| self.note(lack.into()));
        Ok(())
    }

    /// Reads a file; of a damaged one what came before the damage.
    fn read(&mut self, reader: impl Read) -> Result<Vec<u8>, Full> {
        let most = self.budget.bytes.min(LARGEST_MEMBER);
        let mut plain = Vec::new();
        if reader.take(most + 1).read_to_end(&mut plain).is_err() {
            self.note(Unread::Damaged);
        }
        match self.budget.bytes.checked_sub(plain.len() as u64) {
            Some(left) if plain.len() as u64 <= most => {
                self.budget.bytes = left;
                Ok(plain)
            }
            _ => self.full(Unread::Bomb),
        }
    }

    fn count(&mut self) -> Result<(), Full> {
        match self.budget.members.checked_sub(1) {
            Some(left) => {
                self.budget.members = left;
                Ok(())
            }
            None => self.full(Unread::Members),
        }
    }

    fn full<T>(&mut self, why: Unread) -> Result<T, Full> {
        // That something else was not read before matters less than that nothing is read any more.
        self.unread = Some(why);
        Err(Full)
    }

    fn note(&mut self, why: Unread) {
        self.unread.get_or_insert(why);
    }
}

impl From<Lack> for Unread {
    fn from(lack: Lack) -> Self {
        match lack {
            Lack::Damaged => Self::Damaged,
            Lack::TooMuch => Self::Bomb,
            Lack::Elsewhere => Self::Elsewhere,
        }
    }
}

fn inside(archive: &str, member: &str) -> String {
    if archive.is_empty() { member.to_owned() } else { path_inside(archive, member) }
}
