//! Refs: loose ones, packed ones, symbolic ones, and `HEAD` and its kin, of all working trees.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::files::{self, Below, Entry, EntryKind, not_followed, skip};
use super::worktrees::{in_worktree, per_worktree};
use super::{Found, GitDir, RefStorage};
use crate::source::object::{ObjectId, Skip, SkipReason, is_absent};

/// The longest loose ref, in bytes: an id, or the name of another ref.
const LONGEST_REF: u64 = 64 << 10;
/// Symbolic refs are followed this often, as in git.
const DEEPEST: usize = 5;

/// A name for an object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ref {
    /// `refs/heads/main`, `HEAD`, `worktrees/NAME/HEAD`; raw.
    pub name: Vec<u8>,
    /// The object it leads to, through other refs if it is symbolic; `None` if nothing is there
    /// yet, like a branch without a commit. Of a file with several, like `FETCH_HEAD`, each id
    /// makes a `Ref`.
    pub id: Option<ObjectId>,
    /// The object behind an annotated tag, where `packed-refs` tells.
    pub peeled: Option<ObjectId>,
    /// The ref it names, if it is symbolic.
    pub symbolic: Option<Vec<u8>>,
}

impl Ref {
    /// Whether an operation of git left it behind: `FETCH_HEAD`, `ORIG_HEAD` and their kin.
    #[must_use]
    pub fn is_leftover(&self) -> bool {
        let name = in_worktree(Path::new(OsStr::from_bytes(&self.name))).1;
        is_pseudo(name) && name != Path::new("HEAD")
    }
}

/// What one ref is, by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    Ids(Vec<ObjectId>),
    Packed { id: ObjectId, peeled: Option<ObjectId> },
    Symbolic(Vec<u8>),
}

impl GitDir {
    /// All refs, by name: those of `refs/`, `packed-refs` and reftables, `HEAD`, `FETCH_HEAD`, `ORIG_HEAD` and
    /// their kin, and those of linked working trees as `worktrees/NAME/…`.
    #[must_use]
    pub fn refs(&self) -> Found<Ref> {
        let mut found = Found::default();
        let mut values = BTreeMap::new();
        let tables = self.ref_storage() == RefStorage::Reftable;
        if tables {
            for (prefix, table) in self.tables(&mut found.skipped) {
                let named = table.refs.into_iter().map(|(name, value)| ([&prefix[..], &name].concat(), value));
                values.extend(named);
            }
        } else {
            packed(self, &mut values, &mut found.skipped);
        }
        // Beside tables stand a HEAD and refs/heads for programs that do not know of tables.
        let wanted =
            |path: &Path| if tables { is_pseudo(path) && path != Path::new("HEAD") } else { path.starts_with("refs") || is_pseudo(path) };
        for entry in Below::new(self.common(), per_worktree(wanted)) {
            match entry.and_then(|entry| self.loose(&entry)) {
                Ok(Some((name, value))) => drop(values.insert(name, value)),
                Ok(None) => {}
                Err(skip) => found.skipped.push(skip),
            }
        }
        found.items = values.iter().flat_map(|(name, value)| refs_of(name, value, &values)).collect();
        found
    }

    /// The name of this working tree's `HEAD` among all refs.
    #[must_use]
    pub fn head_name(&self) -> Vec<u8> {
        let own = self.path().strip_prefix(self.common()).unwrap_or(Path::new(""));
        own.join("HEAD").as_os_str().as_bytes().to_vec()
    }

    /// The commit of this working tree's `HEAD`, without reading more refs than it leads through;
    /// `None` if it names a branch that has no commit yet.
    ///
    /// # Errors
    /// When it cannot be told.
    pub fn head(&self) -> Result<Option<ObjectId>, Skip> {
        if self.ref_storage() == RefStorage::Reftable {
            let found = self.refs();
            let head = found.items.into_iter().find(|one| one.name == self.head_name());
            return match (head, found.skipped.into_iter().next()) {
                (Some(head), _) => Ok(head.id),
                (None, Some(skip)) => Err(skip),
                (None, None) => Err(self.no_head()),
            };
        }
        let mut name = self.head_name();
        let mut values = BTreeMap::new();
        for _ in 0..=DEEPEST {
            let value = match self.loose_named(&name)? {
                Some(value) => Some(value),
                None => {
                    let mut skipped = Vec::new();
                    packed(self, &mut values, &mut skipped);
                    if let Some(skip) = skipped.pop() {
                        return Err(skip);
                    }
                    values.remove(&name)
                }
            };
            match value {
                Some(Value::Ids(ids)) => return Ok(ids.first().copied()),
                Some(Value::Packed { id, .. }) => return Ok(Some(id)),
                Some(Value::Symbolic(to)) => name = to,
                None if name == self.head_name() => return Err(self.no_head()),
                None => return Ok(None),
            }
        }
        Err(skip(self.path().join("HEAD"), SkipReason::Unusable("it leads through too many names".to_owned())))
    }

    /// What is being merged into `HEAD`; nothing unless a merge is under way.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn merge_heads(&self) -> Result<Vec<ObjectId>, Skip> {
        let text = files::read_up_to(&self.path().join("MERGE_HEAD"), LONGEST_REF)?.unwrap_or_default();
        Ok(text.split(|&byte| byte == b'\n').filter_map(|line| ObjectId::from_hex(line.trim_ascii())).collect())
    }

    fn no_head(&self) -> Skip {
        skip(self.path().join("HEAD"), SkipReason::Unusable("there is no HEAD".to_owned()))
    }

    /// A ref that has a file of its own.
    fn loose_named(&self, name: &[u8]) -> Result<Option<Value>, Skip> {
        let path = Path::new(OsStr::from_bytes(name));
        let kind = match fs::symlink_metadata(self.common().join(path)) {
            Ok(metadata) if metadata.is_file() => EntryKind::File,
            Ok(metadata) if metadata.is_symlink() => EntryKind::Link,
            // A folder of further refs.
            Ok(metadata) if metadata.is_dir() => return Ok(None),
            Ok(_) => EntryKind::Special,
            Err(error) if is_absent(error.kind()) => return Ok(None),
            Err(error) => return Err(skip(self.common().join(path), error)),
        };
        Ok(self.loose(&Entry { path: path.to_owned(), kind })?.map(|(_, value)| value))
    }

    fn loose(&self, entry: &Entry) -> Result<Option<(Vec<u8>, Value)>, Skip> {
        let name = entry.path.as_os_str().as_bytes().to_vec();
        // Git's own locks: a ref that is just being written.
        if name.ends_with(b".lock") {
            return Ok(None);
        }
        let full = self.common().join(&entry.path);
        if entry.kind == EntryKind::Link {
            // In former times a symbolic ref was a link.
            let to = fs::read_link(&full).map_err(|error| skip(full.clone(), error))?.into_os_string();
            let symbolic = to.as_bytes().starts_with(b"refs/") && !to.as_bytes().windows(2).any(|two| two == b"..");
            return if symbolic {
                Ok(Some((name, Value::Symbolic(to.as_bytes().to_vec()))))
            } else {
                Err(not_followed(full, self.common()))
            };
        }
        let text = if is_list(&entry.path) { files::read(&full)? } else { files::read_up_to(&full, LONGEST_REF)? };
        let Some(text) = text else { return Ok(None) };
        if let Some(to) = text.strip_prefix(b"ref:") {
            return Ok(Some((name, Value::Symbolic(to.trim_ascii().to_vec()))));
        }
        let digits = 2 * self.hash().id_len();
        let ids: Vec<_> = text.split(|&byte| byte == b'\n').filter_map(|line| ObjectId::from_hex(line.get(..digits)?)).collect();
        if ids.is_empty() && !is_list(&entry.path) {
            return Err(skip(full, SkipReason::Unusable("not a ref".to_owned())));
        }
        Ok(Some((name, Value::Ids(ids))))
    }
}

fn refs_of(name: &[u8], value: &Value, all: &BTreeMap<Vec<u8>, Value>) -> Vec<Ref> {
    let one = |id| Ref { name: name.to_vec(), id, peeled: None, symbolic: None };
    match value {
        Value::Ids(ids) => ids.iter().map(|&id| one(Some(id))).collect(),
        Value::Packed { id, peeled } => vec![Ref { peeled: *peeled, ..one(Some(*id)) }],
        Value::Symbolic(to) => {
            let (id, peeled) = follow(name, to, all);
            vec![Ref { symbolic: Some(to.clone()), peeled, ..one(id) }]
        }
    }
}

/// Where a symbolic ref leads. What is one working tree's own (`refs/bisect`, `refs/worktree`,
/// `refs/rewritten`) is looked for there first.
fn follow(from: &[u8], to: &[u8], all: &BTreeMap<Vec<u8>, Value>) -> (Option<ObjectId>, Option<ObjectId>) {
    let own = in_worktree(Path::new(OsStr::from_bytes(from))).0;
    let mut to = to;
    for _ in 0..DEEPEST {
        let local = own.map(|own| [b"worktrees/", own.as_encoded_bytes(), b"/", to].concat());
        match local.and_then(|local| all.get(&local)).or_else(|| all.get(to)) {
            Some(Value::Ids(ids)) => return (ids.first().copied(), None),
            Some(Value::Packed { id, peeled }) => return (Some(*id), *peeled),
            Some(Value::Symbolic(next)) => to = next,
            None => break,
        }
    }
    (None, None)
}

/// `<id> <name>` lines, each perhaps followed by `^<id>`, the object behind the tag.
fn packed(dir: &GitDir, values: &mut BTreeMap<Vec<u8>, Value>, skipped: &mut Vec<Skip>) {
    let path = dir.common().join("packed-refs");
    let text = files::read(&path).unwrap_or_else(|skip| {
        skipped.push(skip);
        None
    });
    let mut last: Option<&mut Value> = None;
    for line in text.as_deref().unwrap_or_default().split(|&byte| byte == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() || line.starts_with(b"#") {
            continue;
        }
        if let Some(behind) = line.strip_prefix(b"^").and_then(ObjectId::from_hex) {
            if let Some(Value::Packed { peeled, .. }) = &mut last {
                *peeled = Some(behind);
            }
            continue;
        }
        let space = 2 * dir.hash().id_len();
        let named = line.split_at_checked(space).and_then(|(id, name)| Some((ObjectId::from_hex(id)?, name.strip_prefix(b" ")?)));
        match named {
            Some((id, name)) => {
                let value = values.entry(name.to_vec()).or_insert(Value::Packed { id, peeled: None });
                *value = Value::Packed { id, peeled: None };
                last = Some(value);
            }
            None => {
                skipped.push(skip(path, SkipReason::Unusable("a line is not a ref".to_owned())));
                return;
            }
        }
    }
}

/// Files beside `refs/` that name objects.
fn is_pseudo(path: &Path) -> bool {
    let name = path.as_os_str().as_bytes();
    let plain = name.iter().all(|byte| byte.is_ascii_uppercase() || *byte == b'_');
    plain && (name.ends_with(b"HEAD") || [&b"AUTO_MERGE"[..], b"BISECT_EXPECTED_REV"].contains(&name))
}

/// Files that name any number of objects.
fn is_list(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == "FETCH_HEAD" || name == "MERGE_HEAD") && !in_worktree(path).1.starts_with("refs")
}
