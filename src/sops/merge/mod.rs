//! Merges two versions of a SOPS file that have a common ancestor, by their decrypted values.
//!
//! Two merges are made. The one of the values, key by key (`values`), says what the result is. The one of the lines says how
//! it looks: comments, blank lines and order. If the lines hold other values than the first merge says, they are dropped, and
//! the values go into the text of ours. Nothing of this touches a disk; what was merged is encrypted in memory.

mod keys;
mod sequence;
mod values;

pub use values::{Clash, ClashKind};

use std::collections::HashSet;

use zeroize::Zeroizing;

use self::keys::{Keys, Sealed, same_key};
use self::sequence::Piece;
use self::values::{NewKeys, same_tree};
use crate::sops::cipher::{CipherError, Stash};
use crate::sops::crypt::{self, CommentPolicy, Rules};
use crate::sops::data_key::DataKey;
use crate::sops::keyring::Keyring;
use crate::sops::metadata::{Metadata, MetadataError};
use crate::sops::ops::{self, DataKeyFate, DecryptError, EditError};
use crate::sops::plugin::Plugins;
use crate::sops::store::{Layout, ReadError, Source, Store};
use crate::sops::timestamp::Timestamp;
use crate::sops::tree::Tree;

/// Three versions of a file.
#[derive(Clone, Copy, Debug)]
pub struct Versions<'a> {
    /// The common ancestor; empty if both sides added the file.
    pub base: &'a [u8],
    /// What the merge goes into.
    pub ours: &'a [u8],
    /// What is merged into it.
    pub theirs: &'a [u8],
}

/// What a merge needs besides the versions.
#[derive(Clone, Copy)]
pub struct Tools<'a> {
    /// Opens the versions.
    pub keyring: &'a Keyring,
    /// Wraps the data key for plugin recipients.
    pub plugins: &'a dyn Plugins,
    /// The time to record.
    pub now: &'a Timestamp,
}

/// A merged file.
#[derive(Debug)]
pub struct Merged {
    /// The encrypted file. Where both sides changed something, it has what ours has.
    pub file: Vec<u8>,
    /// The places that both sides changed, each in another way.
    pub clashes: Vec<Clash>,
    /// Whether the values are under a data key that neither side has.
    pub data_key: DataKeyFate,
    /// How many comments of theirs could not be kept.
    pub lost_comments: usize,
}

/// One of the three versions.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Version {
    /// The common ancestor.
    Base,
    /// What the merge goes into.
    Ours,
    /// What is merged into it.
    Theirs,
}

/// Why nothing was merged.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    /// No side is encrypted.
    #[error("neither side is encrypted with sops")]
    NotEncrypted,
    /// A side took the encryption away.
    #[error("the file is encrypted in the common ancestor, and plain in {version}")]
    Decrypted {
        /// Which side.
        version: Version,
    },
    /// A version cannot be opened.
    #[error("{version}: {source}")]
    Open {
        /// Which version.
        version: Version,
        /// Why.
        source: DecryptError,
    },
    /// Both sides changed who can open the file, in ways that do not go together.
    #[error("both sides changed the key groups, or removed keys so that nobody is left")]
    Keys,
    /// Both sides changed a setting.
    #[error("both sides changed {place} of the `sops` block, each in another way")]
    Setting {
        /// The setting.
        place: String,
    },
    /// The settings of both sides do not go together.
    #[error("the `sops` blocks of both sides do not go together: {0}")]
    Metadata(MetadataError),
    /// The sides have different numbers of documents.
    #[error("both sides changed how many documents the file has")]
    Documents,
    /// The merged file cannot be encrypted.
    #[error(transparent)]
    Edit(#[from] EditError),
    /// The merged file does not open to what was merged.
    #[error("the merged file would not decrypt to what was merged")]
    NotFaithful,
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Base => "the common ancestor",
            Self::Ours => "our version",
            Self::Theirs => "their version",
        })
    }
}

impl From<CipherError> for MergeError {
    fn from(error: CipherError) -> Self {
        Self::Edit(error.into())
    }
}

/// Merges three versions of a file.
///
/// # Errors
/// [`MergeError`]; nothing of the plain text is in it.
pub fn merge(store: &dyn Store, versions: Versions<'_>, tools: &Tools<'_>) -> Result<Merged, MergeError> {
    let [base, ours, theirs] = &open(store, versions, tools.keyring)?;
    let Keys { metadata, key, fate } = match (ours.sealed(), theirs.sealed()) {
        (Some(mine), Some(other)) => keys::merge(base.sealed(), mine, other, tools.plugins)?,
        // One side encrypted the file.
        (Some(side), None) | (None, Some(side)) => Keys { metadata: side.metadata.clone(), key: side.key.clone(), fate: DataKeyFate::Kept },
        (None, None) => return Err(MergeError::NotEncrypted),
    };
    let spliced = matches!(ours.source.layout, Layout::Yaml(_) | Layout::Dotenv(_) | Layout::Ini(_));
    let new_keys = if spliced { NewKeys::AtEnd } else { NewKeys::InPlace };
    let (tree, clashes) = values::merge(&base.tree, &ours.tree, &theirs.tree, new_keys).ok_or(MergeError::Documents)?;
    let text = if spliced { lines(base, ours, theirs) } else { Zeroizing::new(Vec::new()) };
    let sealing = Sealing { store, key: &key, metadata: &metadata, now: tools.now, sides: [ours, theirs] };
    let from_lines = store.read_plain(&text).ok().filter(|source| spliced && same_tree(&source.tree, &tree));
    if let Some(source) = from_lines {
        let lost_comments = missing_comments(&text, base, theirs);
        for (side, bytes) in [(ours, versions.ours), (theirs, versions.theirs)] {
            if *side.text == *text && side.metadata.as_ref() == Some(&metadata) {
                return Ok(Merged { file: bytes.to_vec(), clashes, data_key: DataKeyFate::Kept, lost_comments });
            }
        }
        if let Ok(file) = sealing.seal(source.tree.clone(), &source) {
            return Ok(Merged { file, clashes, data_key: fate, lost_comments });
        }
    }
    let file = sealing.seal(tree, &ours.source)?;
    let lost_comments = if spliced { missing_comments(&ours.text, base, theirs) } else { 0 };
    Ok(Merged { file, clashes, data_key: fate, lost_comments })
}

/// One version, decrypted.
struct Side {
    tree: Tree,
    source: Source,
    /// The plain text.
    text: Zeroizing<Vec<u8>>,
    /// For a version that is encrypted.
    metadata: Option<Metadata>,
    key: Option<DataKey>,
    stash: Stash,
}

impl Side {
    fn sealed(&self) -> Option<Sealed<'_>> {
        Some(Sealed { metadata: self.metadata.as_ref()?, key: self.key.as_ref()? })
    }

    fn plain(source: Source, text: &[u8]) -> Self {
        let text = Zeroizing::new(text.to_vec());
        Self { tree: source.tree.clone(), source, text, metadata: None, key: None, stash: Stash::default() }
    }
}

/// Decrypts all three. A data key that opens one of them is tried on the others: whoever joined later is no recipient of the
/// common ancestor.
fn open(store: &dyn Store, versions: Versions<'_>, keyring: &Keyring) -> Result<[Side; 3], MergeError> {
    let all = [(Version::Ours, versions.ours), (Version::Theirs, versions.theirs), (Version::Base, versions.base)];
    let (mut known, mut opened): (Vec<DataKey>, Vec<Option<Side>>) = (Vec::new(), vec![None, None, None]);
    let salt = Stash::new()?;
    let mut failed = Vec::new();
    for _ in 0..2 {
        failed.clear();
        for (at, (version, bytes)) in all.iter().enumerate().filter(|(at, _)| opened[*at].is_none()).collect::<Vec<_>>() {
            match open_one(store, bytes, *version, keyring, &known, &salt) {
                Ok(side) => {
                    known.extend(side.key.clone());
                    opened[at] = Some(side);
                }
                Err(source) => failed.push(MergeError::Open { version: *version, source }),
            }
        }
    }
    let [Some(ours), Some(theirs), Some(base)] = <[Option<Side>; 3]>::try_from(opened).unwrap_or_default() else {
        return Err(failed.swap_remove(0));
    };
    for (side, version) in [(&ours, Version::Ours), (&theirs, Version::Theirs)] {
        if base.metadata.is_some() && side.metadata.is_none() {
            return Err(MergeError::Decrypted { version });
        }
    }
    Ok([base, ours, theirs])
}

fn open_one(
    store: &dyn Store,
    bytes: &[u8],
    version: Version,
    keyring: &Keyring,
    known: &[DataKey],
    salt: &Stash,
) -> Result<Side, DecryptError> {
    let (source, metadata) = match ops::read_sealed(store, bytes) {
        Err(DecryptError::NotEncrypted) => return Ok(Side::plain(store.read_plain(bytes)?, bytes)),
        // Git gives an empty file where there is no ancestor.
        Err(DecryptError::Read(ReadError::Empty)) if version == Version::Base => {
            let layout = Layout::None;
            let tree = Tree::default();
            return Ok(Side::plain(Source { tree, metadata: None, refusals: Vec::new(), altered: Vec::new(), layout }, bytes));
        }
        read => read?,
    };
    let fits = |key: &&DataKey| {
        let mut tree = source.tree.clone();
        let found = crypt::decrypt(&mut tree, key, Rules::of(&metadata, CommentPolicy::AsFound), &mut Stash::default());
        found.is_ok_and(|(mac, _)| mac.verify(key, metadata.mac(), metadata.last_modified()).is_ok())
    };
    let key = match known.iter().find(fits) {
        Some(key) => key.clone(),
        None => keyring.open(&metadata)?,
    };
    let mut opened = ops::open_under(source, metadata, key, salt.sibling())?;
    if version != Version::Base {
        std::mem::replace(&mut opened.mac, Ok(()))?;
    }
    let text = Zeroizing::new(store.write(&opened.tree, None, Some(&opened.source))?);
    let (metadata, key) = (Some(opened.metadata), Some(opened.key));
    Ok(Side { tree: opened.tree, source: opened.source, text, metadata, key, stash: opened.stash })
}

/// Merges the plain texts line by line; of lines that both sides changed, ours stay, and of lines that both added, ours come first.
fn lines(base: &Side, ours: &Side, theirs: &Side) -> Zeroizing<Vec<u8>> {
    let [old, mine, other] = [base, ours, theirs].map(|side| {
        let mut text = side.text.to_vec();
        if !text.is_empty() && !text.ends_with(b"\n") {
            text.push(b'\n');
        }
        Zeroizing::new(text)
    });
    let [old, mine, other] = [&old, &mine, &other].map(|text| text.split_inclusive(|byte| *byte == b'\n').collect::<Vec<_>>());
    let mut merged = Zeroizing::new(Vec::new());
    for piece in sequence::merge(&old, &mine, &other) {
        match piece {
            Piece::Ours(range) => mine[range].iter().for_each(|line| merged.extend_from_slice(line)),
            Piece::Theirs(range) => other[range].iter().for_each(|line| merged.extend_from_slice(line)),
            Piece::Both { base, ours, theirs } => {
                mine[ours].iter().for_each(|line| merged.extend_from_slice(line));
                if base.is_empty() {
                    other[theirs].iter().for_each(|line| merged.extend_from_slice(line));
                }
            }
        }
    }
    merged
}

/// What the merged values are encrypted with.
struct Sealing<'a> {
    store: &'a dyn Store,
    key: &'a DataKey,
    metadata: &'a Metadata,
    now: &'a Timestamp,
    sides: [&'a Side; 2],
}

impl Sealing<'_> {
    /// Encrypts a tree into the text of a source. Values that a side has under the same data key keep their ciphertext.
    fn seal(&self, mut tree: Tree, source: &Source) -> Result<Vec<u8>, MergeError> {
        let plain = tree.clone();
        let mut stash = Stash::new()?;
        if let Some(first) = self.sides.iter().find(|side| side.key.is_some()) {
            stash = first.stash.sibling();
        }
        for side in self.sides {
            let mut known = side.stash.clone();
            if !side.key.as_ref().is_some_and(|key| same_key(key, self.key)) {
                known.forget_nonces();
            }
            stash.join(known);
        }
        // A side that is not encrypted may have comments that are to be.
        let all_sealed = self.sides.iter().all(|side| side.key.is_some());
        let comments = if all_sealed { CommentPolicy::AsFound } else { CommentPolicy::Encrypt };
        let mut metadata = self.metadata.clone();
        let sealed = crypt::encrypt(&mut tree, self.key, Rules::of(&metadata, comments), &mut stash);
        let (mac, _) = sealed.map_err(EditError::from)?;
        metadata.set_mac(mac.seal(self.key, self.now)?, self.now.clone());
        let file = self.store.write(&tree, Some(&metadata), Some(source)).map_err(EditError::from)?;
        self.check(&file, &plain).map(|()| file)
    }

    /// Does the file open to what was merged?
    fn check(&self, file: &[u8], plain: &Tree) -> Result<(), MergeError> {
        let unfaithful = |_: DecryptError| MergeError::NotFaithful;
        let (source, metadata) = ops::read_sealed(self.store, file).map_err(unfaithful)?;
        let opened = ops::open_under(source, metadata, self.key.clone(), Stash::new()?).map_err(unfaithful)?;
        if opened.mac.is_ok() && same_tree(&opened.tree, plain) { Ok(()) } else { Err(MergeError::NotFaithful) }
    }
}

/// How many comments that theirs has and the ancestor has not are missing in a text.
fn missing_comments(text: &[u8], base: &Side, theirs: &Side) -> usize {
    fn comments(text: &[u8]) -> impl Iterator<Item = &[u8]> {
        text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| line.starts_with(b"#") || line.starts_with(b";"))
    }
    let known: HashSet<&[u8]> = comments(text).chain(comments(&base.text)).collect();
    comments(&theirs.text).filter(|comment| !known.contains(comment)).count()
}
