//! Refs and reflogs stored as tables (git's `Documentation/technical/reftable`): a list of files, of
//! which later ones outdo earlier ones. All records are read in the order of the file; the blocks that
//! only help to find one faster are passed over.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::GitDir;
use super::files::{self, Below, skip};
use super::list::Value;
use super::worktrees::in_worktree;
use crate::source::object::{HashKind, ObjectId, Skip, SkipReason};
use crate::source::pack::{inflate_prefix, varint};

/// More than any list of tables has, in bytes.
const LONGEST_LIST: u64 = 1 << 20;
/// Refs are read from tables up to this size, in bytes.
const LARGEST: u64 = 1 << 30;

/// What the tables of one working tree say.
#[derive(Debug, Default)]
pub(super) struct Tables {
    pub(super) refs: BTreeMap<Vec<u8>, Value>,
    /// The entries of each ref's log, by their numbers, as lines of a reflog.
    pub(super) logs: BTreeMap<Vec<u8>, BTreeMap<u64, Vec<u8>>>,
}

impl GitDir {
    /// The tables that all working trees share, and those of linked ones with `worktrees/NAME/`.
    pub(super) fn tables(&self, skipped: &mut Vec<Skip>) -> Vec<(Vec<u8>, Tables)> {
        let wanted = |path: &Path| {
            let (worktree, rest) = in_worktree(path);
            path == Path::new("worktrees")
                || worktree.is_some() && rest.as_os_str().is_empty()
                || rest == Path::new("reftable")
                || rest == Path::new("reftable/tables.list")
        };
        let mut all = Vec::new();
        for entry in Below::new(self.common(), wanted) {
            let entry = match entry {
                Ok(entry) if entry.path.ends_with("tables.list") => entry,
                Ok(_) => continue,
                Err(skip) => {
                    skipped.push(skip);
                    continue;
                }
            };
            let prefix = in_worktree(&entry.path).0.map(|name| [b"worktrees/", name.as_encoded_bytes(), b"/"].concat());
            let mut tables = Tables::default();
            if let Err(skip) = tables.read(&self.common().join(&entry.path), self.hash()) {
                skipped.push(skip);
            }
            all.push((prefix.unwrap_or_default(), tables));
        }
        if !all.iter().any(|(prefix, _)| prefix.is_empty()) {
            let list = self.common().join("reftable/tables.list");
            skipped.push(skip(list, SkipReason::Unusable("the list of tables is not there".to_owned())));
        }
        all
    }
}

impl Tables {
    /// Reads all tables of a list, the oldest first.
    fn read(&mut self, list: &Path, hash: HashKind) -> Result<(), Skip> {
        let names = files::read_up_to(list, LONGEST_LIST)?.unwrap_or_default();
        for name in names.split(|&byte| byte == b'\n').filter(|name| !name.is_empty()) {
            let unusable = |path: PathBuf, why: &str| skip(path, SkipReason::Unusable(why.to_owned()));
            let name = std::str::from_utf8(name).ok().filter(|name| !name.contains('/') && *name != "..");
            let Some(name) = name else { return Err(unusable(list.to_owned(), "it does not name tables")) };
            let file = list.with_file_name(name);
            let bytes = files::read_up_to(&file, LARGEST)?.ok_or_else(|| unusable(file.clone(), "the table is not there"))?;
            self.add(&bytes, hash).ok_or_else(|| unusable(file, "the table is damaged"))?;
        }
        Ok(())
    }

    /// Adds the records of one table; `None` if it makes no sense.
    fn add(&mut self, table: &[u8], hash: HashKind) -> Option<()> {
        if !table.starts_with(b"REFT") {
            return None;
        }
        let (header, footer) = match table.get(4)? {
            1 => (24, 68),
            2 => (28, 72),
            _ => return None,
        };
        let block_size = u24(table, 5)?;
        let end = table.len().checked_sub(footer)?;
        let checksum = u32::from_be_bytes(*table.get(table.len() - 4..)?.first_chunk()?);
        // The footer repeats the header, and has a checksum.
        if crc32fast::hash(&table[end..table.len() - 4]) != checksum || table[..header] != table[end..end + header] {
            return None;
        }
        let mut at = 0;
        while at < end {
            // The first block shares its place with the header.
            let start = if at == 0 { header } else { at };
            let kind = *table.get(start)?;
            let length = u24(table, start + 1)?;
            match kind {
                b'r' => {
                    let block = table.get(start..at + length).filter(|_| at + length <= end)?;
                    self.add_refs(block, hash)?;
                }
                b'g' => {
                    let packed = table.get(start + 4..end)?;
                    let inside = (length + at).checked_sub(start + 4)?;
                    let (records, used) = inflate_prefix(packed, inside).ok()?;
                    // Offsets in the block count from its start.
                    self.add_logs(&[&table[start..start + 4], &records].concat(), hash)?;
                    at = start + 4 + used;
                    continue;
                }
                b'i' | b'o' => {}
                // Room up to where the next block must start.
                0 => {
                    at = (at + 1).next_multiple_of(block_size.max(1));
                    continue;
                }
                _ => return None,
            }
            at += length;
        }
        Some(())
    }

    fn add_refs(&mut self, block: &[u8], hash: HashKind) -> Option<()> {
        each_record(block, &mut |name, kind, rest| {
            let (_, used) = varint(rest)?;
            let mut at = used;
            let mut id = || {
                let id = ObjectId::from_bytes(hash, rest.get(at..at + hash.id_len())?);
                at += hash.id_len();
                id
            };
            let value = match kind {
                0 => None,
                1 => Some(Value::Packed { id: id()?, peeled: None }),
                2 => Some(Value::Packed { id: id()?, peeled: Some(id()?) }),
                3 => {
                    let (length, used) = varint(rest.get(at..)?)?;
                    let target = rest.get(at + used..(at + used).checked_add(length)?)?;
                    at += used + length;
                    Some(Value::Symbolic(target.to_vec()))
                }
                _ => return None,
            };
            match value {
                Some(value) => drop(self.refs.insert(name.to_vec(), value)),
                None => drop(self.refs.remove(name)),
            }
            Some(at)
        })
    }

    fn add_logs(&mut self, block: &[u8], hash: HashKind) -> Option<()> {
        each_record(block, &mut |key, kind, rest| {
            let (name, number) = key.split_at_checked(key.len().checked_sub(9)?)?;
            // Later entries come first: their numbers are stored the other way round.
            let number = !u64::from_be_bytes(*number.get(1..)?.first_chunk()?);
            if kind == 0 {
                if let Some(log) = self.logs.get_mut(name) {
                    log.remove(&number);
                }
                return Some(0);
            }
            let ids = 2 * hash.id_len();
            let (old, new) = rest.get(..ids)?.split_at(hash.id_len());
            let (old, new) = (ObjectId::from_bytes(hash, old)?, ObjectId::from_bytes(hash, new)?);
            let mut at = ids;
            let text = |at: &mut usize| {
                let (length, used) = varint(rest.get(*at..)?)?;
                let text = rest.get(*at + used..(*at + used).checked_add(length)?)?;
                *at += used + length;
                Some(text)
            };
            let (who, address) = (text(&mut at)?, text(&mut at)?);
            let (seconds, used) = varint(rest.get(at..)?)?;
            at += used;
            let zone = i16::from_be_bytes(*rest.get(at..)?.first_chunk()?);
            at += 2;
            let message = text(&mut at)?;
            let mut line = format!("{old} {new} ").into_bytes();
            line.extend_from_slice(&[who, b" <", address, b"> "].concat());
            line.extend_from_slice(format!("{seconds} {zone:+05}\t").as_bytes());
            line.extend_from_slice(message.trim_ascii_end());
            self.logs.entry(name.to_vec()).or_default().insert(number, line);
            Some(at)
        })
    }
}

/// Takes a key, a kind and what follows; says how many bytes of that are the value.
type Visit<'a> = &'a mut dyn FnMut(&[u8], usize, &[u8]) -> Option<usize>;

/// Hands over the records of a block: the whole key, the kind and what follows.
fn each_record(block: &[u8], visit: Visit<'_>) -> Option<()> {
    let restarts = u16::from_be_bytes(*block.get(block.len().checked_sub(2)?..)?.first_chunk()?) as usize;
    let records = block.get(4..block.len().checked_sub(2 + 3 * restarts)?)?;
    let mut key: Vec<u8> = Vec::new();
    let mut at = 0;
    while at < records.len() {
        let (shared, used) = varint(&records[at..])?;
        at += used;
        let (own, used) = varint(records.get(at..)?)?;
        at += used;
        let (own, kind) = (own >> 3, own & 7);
        let suffix = records.get(at..at.checked_add(own)?)?;
        at += own;
        if shared > key.len() {
            return None;
        }
        key.truncate(shared);
        key.extend_from_slice(suffix);
        at += visit(&key, kind, records.get(at..)?)?;
    }
    Some(())
}

fn u24(bytes: &[u8], at: usize) -> Option<usize> {
    let [a, b, c] = *bytes.get(at..)?.first_chunk()?;
    Some(usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c))
}
