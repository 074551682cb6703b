//! Reflogs: what each ref was, of all working trees.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::files::{self, Below, EntryKind, not_followed, skip};
use super::worktrees::{in_worktree, per_worktree};
use super::{GitDir, RefStorage};
use crate::source::object::{ObjectId, Skip, SkipReason};

/// One change of a ref.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogEntry<'a> {
    /// The ref, named as in [`Ref`](super::Ref).
    pub name: &'a [u8],
    /// The file it is in, relative to the common directory.
    pub file: &'a Path,
    /// Its line there, from 1.
    pub line: usize,
    /// What the ref was; `None` if it was not there.
    pub old: Option<ObjectId>,
    /// What it became; `None` if it was removed.
    pub new: Option<ObjectId>,
    /// Name and address of who changed it, raw.
    pub who: &'a [u8],
    /// When, in seconds since 1970.
    pub when: Option<i64>,
    /// Why, raw.
    pub message: &'a [u8],
}

impl GitDir {
    /// Hands over every entry of every reflog, file by file and line by line. Gives what could not
    /// be read.
    #[must_use]
    pub fn each_log_entry(&self, visit: &mut dyn FnMut(&LogEntry<'_>)) -> Vec<Skip> {
        let mut skipped = Vec::new();
        if self.ref_storage() == RefStorage::Reftable {
            for (name, file, text) in self.table_logs(&mut skipped) {
                skipped.extend(self.read_lines(&name, Path::new(&file), &text, visit).err());
            }
            return skipped;
        }
        for entry in Below::new(self.common(), per_worktree(|path| path.starts_with("logs"))) {
            let read = entry.and_then(|entry| match entry.kind {
                EntryKind::File => self.read_log(&entry.path, visit),
                EntryKind::Link => Err(not_followed(self.common().join(&entry.path), self.common())),
                EntryKind::Special => Err(skip(self.common().join(&entry.path), SkipReason::NotAFile)),
            });
            skipped.extend(read.err());
        }
        skipped
    }

    fn read_log(&self, file: &Path, visit: &mut dyn FnMut(&LogEntry<'_>)) -> Result<(), Skip> {
        let Some(text) = files::read(&self.common().join(file))? else { return Ok(()) };
        self.read_lines(&ref_of(file), file, &text, visit)
    }

    /// Logs that are stored in tables, oldest entries first: of which ref, the file that git would
    /// keep it in otherwise, and its text there.
    pub(super) fn table_logs(&self, skipped: &mut Vec<Skip>) -> Vec<(Vec<u8>, String, Vec<u8>)> {
        let mut all = Vec::new();
        for (prefix, tables) in self.tables(skipped) {
            let prefix = String::from_utf8_lossy(&prefix).into_owned();
            all.extend(tables.logs.into_iter().map(|(name, entries)| {
                let file = format!("{prefix}logs/{}", String::from_utf8_lossy(&name));
                let lines: Vec<Vec<u8>> = entries.into_values().map(|line| [&line[..], b"\n"].concat()).collect();
                ([prefix.as_bytes(), &name].concat(), file, lines.concat())
            }));
        }
        all
    }

    fn read_lines(&self, name: &[u8], file: &Path, text: &[u8], visit: &mut dyn FnMut(&LogEntry<'_>)) -> Result<(), Skip> {
        let mut wrong = None;
        for (at, text) in text.split(|&byte| byte == b'\n').enumerate().filter(|(_, text)| !text.is_empty()) {
            match parse(text, 2 * self.hash().id_len()) {
                Some(entry) => visit(&LogEntry { name, file, line: at + 1, ..entry }),
                None => wrong = wrong.or(Some(at + 1)),
            }
        }
        match wrong {
            Some(line) => Err(skip(self.common().join(file), SkipReason::Unusable(format!("line {line} is not an entry of a reflog")))),
            None => Ok(()),
        }
    }
}

/// `worktrees/w/logs/HEAD` is the log of `worktrees/w/HEAD`.
fn ref_of(file: &Path) -> Vec<u8> {
    let (worktree, rest) = in_worktree(file);
    let rest = rest.strip_prefix("logs").unwrap_or(rest).as_os_str().as_bytes();
    match worktree {
        Some(worktree) => [b"worktrees/", worktree.as_encoded_bytes(), b"/", rest].concat(),
        None => rest.to_vec(),
    }
}

/// `<old> <new> <who> <seconds> <zone>`, a tab and a message. Name, file and line are left open.
fn parse(text: &[u8], digits: usize) -> Option<LogEntry<'_>> {
    let id = |from: usize| ObjectId::from_hex(text.get(from..from + digits)?);
    let (old, new) = (id(0)?, id(digits + 1)?);
    let rest = text.get(2 * digits + 2..)?;
    let (head, message) = rest.iter().position(|&byte| byte == b'\t').map_or((rest, &b""[..]), |tab| (&rest[..tab], &rest[tab + 1..]));
    let end = head.iter().rposition(|&byte| byte == b'>').map_or(head.len(), |at| at + 1);
    let (who, time) = head.split_at(end);
    let seconds = time.split(|&byte| byte == b' ').find(|word| !word.is_empty());
    let when = seconds.and_then(|word| std::str::from_utf8(word).ok()?.parse().ok());
    let known = |id: ObjectId| Some(id).filter(|id| id.as_bytes().iter().any(|&byte| byte != 0));
    Some(LogEntry { name: b"", file: Path::new(""), line: 0, old: known(old), new: known(new), who, when, message })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_of_a_log() {
        let (zero, one) = ("0".repeat(40), "1".repeat(40));
        let line = format!("{zero} {one} A > B <a@b.c> 1700000000 +0100\tcommit: x\ty");
        let entry = parse(line.as_bytes(), 40).expect("it is one");
        assert_eq!((entry.old, entry.new), (None, ObjectId::from_hex(one.as_bytes())));
        assert_eq!((entry.who, entry.when, entry.message), (&b"A > B <a@b.c>"[..], Some(1_700_000_000), &b"commit: x\ty"[..]));
        assert_eq!(parse(b"not an entry", 40), None);
        assert_eq!(parse(line.as_bytes(), 64), None);
    }

    #[test]
    fn the_ref_of_a_log() {
        assert_eq!(ref_of(Path::new("logs/refs/heads/a/b")), b"refs/heads/a/b");
        assert_eq!(ref_of(Path::new("worktrees/w/logs/HEAD")), b"worktrees/w/HEAD");
    }
}
