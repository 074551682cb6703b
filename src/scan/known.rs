//! What earlier scans of a repository know: packs whose objects were all searched by the same rules, and the objects in
//! which something was found. Packs never change, so that a later scan reads only what came since.
//!
//! The file is in the git directory and holds no secret, only names of objects. It is sealed with a key of the user's
//! own: one that came with a repository, or was changed, counts as none.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::groups::Placed;
use super::sweep::Text;
use super::{archived, parallel};
use crate::archive::Unread;
use crate::detect::{DETECTOR, Hints};
use crate::file::{Access, private_folder, put};
use crate::rule::{Confidence, RuleSet};
use crate::source::object::{ObjectId, ObjectKind, ObjectStore};
use crate::source::refs::{GitDir, Ref};
use crate::source::{IndexEntry, Skip, SkipReason};
use crate::text::hex;

const MAGIC: &str = "sopup scanned 4 ";
/// A longer file is not read, in bytes.
const LONGEST: u64 = 512 << 20;

/// Where a scan keeps what it knows, and the key that seals it.
pub struct Memory {
    /// The file.
    file: PathBuf,
    key: Zeroizing<Vec<u8>>,
}

impl std::fmt::Debug for Memory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Memory").field("file", &self.file).finish_non_exhaustive()
    }
}

/// The contents of the file.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Known {
    /// Stands for the rules and for how they are applied.
    rules: String,
    packs: Vec<KnownPack>,
    /// Objects in which something was found, and in which way of reading them.
    texts: Vec<KnownText>,
    /// What could not be read, and cannot be unless the repository changes.
    #[serde(flatten)]
    gaps: Gaps,
    /// The places of all that was found, if the repository is still in this state.
    places: Option<(String, Vec<Placed>)>,
}

/// What a repository itself makes impossible to read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Gaps {
    /// Objects that others name but nobody stored, as in a partial clone.
    pub(super) missing: BTreeSet<ObjectId>,
    /// Archives that were not read to their ends.
    pub(super) archives: BTreeMap<ObjectId, Unread>,
}

impl Gaps {
    /// Adds what was met elsewhere.
    pub(super) fn add(&mut self, more: Self) {
        self.missing.extend(more.missing);
        self.archives.extend(more.archives);
    }

    /// Adds what an earlier scan met and is still so.
    pub(super) fn take_over(&mut self, before: &Self, store: &ObjectStore) {
        self.missing.extend(before.missing.iter().filter(|id| !store.contains(id)));
        self.archives.extend(before.archives.iter().filter(|(id, _)| store.contains(id)));
    }

    /// Each as something that was not read.
    pub(super) fn skips(&self) -> impl Iterator<Item = Skip> {
        let archives = self.archives.iter().map(|(id, why)| archived::unread(format!("object {id}"), *why));
        archives.chain(self.missing.iter().map(|id| Skip { what: id.to_string(), reason: SkipReason::Missing }))
    }
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct KnownPack {
    /// The checksum that the pack ends with.
    checksum: String,
    bytes: u64,
    stamp: u64,
    /// For each object, in the order of the index, the ways it was read: two bytes, in base64.
    ways: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct KnownText {
    id: ObjectId,
    commit: bool,
    tag: bool,
    class: u8,
}

/// What is left to do.
#[derive(Debug, Default)]
pub(super) struct Rest {
    /// Packs, by their numbers in the store, that need not be read.
    pub(super) packs: Vec<bool>,
    /// Objects in these packs that have to be read all the same, and the ways.
    pub(super) again: Again,
}

impl Memory {
    /// The file of a repository, sealed with this key.
    #[must_use]
    pub fn of(git: &GitDir, key: &[u8]) -> Self {
        Self { file: git.common().join("sopup/scanned"), key: Zeroizing::new(key.to_vec()) }
    }

    /// That of another repository of the same user.
    pub(super) fn beside(&self, git: &GitDir) -> Self {
        Self::of(git, &self.key)
    }

    /// What the last complete scan by these rules knew; nothing if the file is not there, not whole or not the user's.
    pub(super) fn recall(&self, rules: &str) -> Known {
        let known = std::fs::symlink_metadata(&self.file).ok().filter(|about| about.is_file() && about.len() <= LONGEST);
        let text = known.and_then(|_| std::fs::read_to_string(&self.file).ok());
        let known = text.as_deref().and_then(|text| self.unseal(text)).filter(|known| known.rules == rules);
        known.unwrap_or_else(|| Known { rules: rules.to_owned(), ..Known::default() })
    }

    fn unseal(&self, text: &str) -> Option<Known> {
        let (seal, body) = text.strip_prefix(MAGIC)?.split_once('\n')?;
        let seal = STANDARD_NO_PAD.decode(seal).ok()?;
        self.mac(body).verify_slice(&seal).ok()?;
        serde_json::from_str(body).ok()
    }

    /// Keeps what is known now. That it cannot be kept only costs time.
    pub(super) fn keep(&self, known: &Known) {
        let Ok(body) = serde_json::to_string(known) else { return };
        let seal = STANDARD_NO_PAD.encode(self.mac(&body).finalize().into_bytes());
        let folder = self.file.parent().unwrap_or(&self.file);
        let _ = private_folder(folder);
        let _ = put(&self.file, format!("{MAGIC}{seal}\n{body}").as_bytes(), Access::Private);
    }

    fn mac(&self, body: &str) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).expect("HMAC takes keys of any length");
        mac.update(MAGIC.as_bytes());
        mac.update(self.file.as_os_str().as_encoded_bytes());
        mac.update(&[0]);
        mac.update(body.as_bytes());
        mac
    }
}

impl Known {
    /// What could not be read.
    pub(super) fn gaps(&self) -> &Gaps {
        &self.gaps
    }

    /// What was found in this state of the repository.
    pub(super) fn places(&self, state: &str) -> Option<&[Placed]> {
        self.places.as_ref().filter(|(known, _)| known == state).map(|(_, places)| places.as_slice())
    }

    /// Remembers the places of all that was found.
    pub(super) fn place(&mut self, state: String, places: Vec<Placed>) {
        self.places = Some((state, places));
    }

    /// What a store holds that these do not know.
    pub(super) fn rest(&self, store: &ObjectStore, ways: impl Fn(&ObjectId) -> u16) -> Rest {
        let by_checksum: HashMap<&str, &KnownPack> = self.packs.iter().map(|pack| (pack.checksum.as_str(), pack)).collect();
        let gone = by_checksum.len() > store.packs().filter(|pack| by_checksum.contains_key(hex(pack.checksum).as_str())).count();
        if gone && self.gaps != Gaps::default() {
            // What named the missing objects may be gone as well.
            return Rest { packs: vec![false; store.packs().count()], ..Rest::default() };
        }
        let mut rest = Rest::default();
        let mut again: HashMap<ObjectId, u16> = HashMap::new();
        for (number, pack) in store.packs().enumerate() {
            let known = by_checksum.get(hex(pack.checksum).as_str()).filter(|known| (known.bytes, known.stamp) == (pack.bytes, pack.stamp));
            let before =
                known.and_then(|known| STANDARD_NO_PAD.decode(&known.ways).ok()).filter(|before| before.len() == 2 * pack.objects as usize);
            rest.packs.push(before.is_some());
            for (id, before) in store.ids(number).zip(before.iter().flat_map(|before| before.chunks_exact(2))) {
                let more = ways(&id) & !u16::from_le_bytes([before[0], before[1]]);
                if more != 0 {
                    *again.entry(id).or_default() |= more;
                }
            }
        }
        let blobs = again.into_iter().map(|(id, ways)| (id, (ObjectKind::Blob, ways))).collect();
        rest.again = again_of(blobs, self.texts.iter().filter(|text| store.contains(&text.id)));
        rest
    }

    /// What is known after a complete scan.
    pub(super) fn after(self, store: &ObjectStore, ways: impl Fn(&ObjectId) -> u16 + Sync, texts: &[Text], gaps: Gaps) -> Self {
        let ways_of = |number: usize| {
            let ids: Vec<ObjectId> = store.ids(number).collect();
            parallel::each(store.threads(), &ids, |id| ways(id).to_le_bytes()).concat()
        };
        let packs = store.packs().enumerate().map(|(number, pack)| KnownPack {
            checksum: hex(pack.checksum),
            bytes: pack.bytes,
            stamp: pack.stamp,
            ways: STANDARD_NO_PAD.encode(ways_of(number)),
        });
        Self { rules: self.rules, packs: packs.collect(), texts: texts.iter().map(KnownText::of).collect(), gaps, places: None }
    }
}

impl KnownText {
    pub(super) fn of(text: &Text) -> Self {
        let (commit, tag) = (text.kind == ObjectKind::Commit, text.kind == ObjectKind::Tag);
        Self { id: text.id, commit, tag, class: text.hints.class() }
    }

    pub(super) fn id(&self) -> ObjectId {
        self.id
    }

    fn kind(&self) -> ObjectKind {
        match (self.commit, self.tag) {
            (true, _) => ObjectKind::Commit,
            (_, true) => ObjectKind::Tag,
            _ => ObjectKind::Blob,
        }
    }
}

/// Objects with the ways to read them, sorted.
pub(super) type Again = Vec<(ObjectId, ObjectKind, Vec<Hints>)>;

/// What is to be read again of texts in which something was found.
pub(super) fn again<'a>(texts: impl Iterator<Item = &'a KnownText>) -> Again {
    again_of(HashMap::new(), texts)
}

fn again_of<'a>(mut all: HashMap<ObjectId, (ObjectKind, u16)>, texts: impl Iterator<Item = &'a KnownText>) -> Again {
    for text in texts {
        let (kind, ways) = all.entry(text.id).or_insert((ObjectKind::Blob, 0));
        *kind = text.kind();
        *ways |= 1 << text.class;
    }
    let mut again: Again = all.into_iter().map(|(id, (kind, ways))| (id, kind, classes(ways))).collect();
    again.sort_unstable_by_key(|(id, ..)| *id);
    again
}

fn classes(ways: u16) -> Vec<Hints> {
    (0..Hints::CLASSES).filter(|class| ways >> class & 1 == 1).map(Hints::of_class).collect()
}

/// Whether files count as the same if they are copies of one another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Copies {
    /// As in another clone.
    Same,
    /// A file that took the place of another may hold something else.
    Differ,
}

/// Stands for everything in a repository that decides what is reported of its history.
pub(super) fn state(store: &ObjectStore, git: &GitDir, (refs, index): (&[Ref], &[IndexEntry]), copies: Copies) -> String {
    let mut digest = Sha256::new();
    let mut add = |part: &[u8]| {
        digest.update((part.len() as u64).to_le_bytes());
        digest.update(part);
    };
    for pack in store.packs() {
        add(pack.checksum);
        add(&pack.bytes.to_le_bytes());
        if copies == Copies::Differ {
            add(&pack.stamp.to_le_bytes());
        }
    }
    add(b"loose");
    match copies {
        Copies::Differ => add(&store.loose_stamp().to_le_bytes()),
        Copies::Same => store.loose().for_each(|id| add(id.as_bytes())),
    }
    add(b"refs");
    add(&git.head_name());
    // What a fetch left is of one clone.
    for one in refs.iter().filter(|one| copies == Copies::Differ || !one.is_leftover()) {
        add(&one.name);
        add(one.id.as_ref().map_or(&[], |id| id.as_bytes()));
    }
    add(b"index");
    for entry in index {
        add(&entry.path);
        add(entry.id.as_bytes());
    }
    git.shallow().iter().for_each(|id| add(id.as_bytes()));
    if copies == Copies::Differ {
        store.skipped().iter().for_each(|skip| add(skip.to_string().as_bytes()));
    }
    hex(digest.finalize())
}

/// Stands for rules and for how they are applied; differs if anything of it does.
#[must_use]
pub fn digest(rules: &RuleSet, least: Confidence) -> String {
    let mut digest = Sha256::new();
    digest.update(DETECTOR);
    digest.update(format!("{least:?}"));
    for rule in rules.rules() {
        digest.update(rule.identity());
        digest.update([0]);
    }
    hex(digest.finalize())
}
