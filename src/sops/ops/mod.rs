//! What can be done with a file. Each function takes bytes and keys and gives bytes.

mod audience;
mod edit;
mod strays;

pub use self::audience::{DataKeyFate, KeyChange, KeyUpdate, OnRemoval, key_change, update_keys};
pub use self::edit::{EditError, Editor, NewPlain, replace, rotate, set, unset};
pub use self::strays::{Completed, StrayError, encrypt_strays};

use crate::secret::Secret;
use crate::sops::cipher::{CipherError, Stash};
use crate::sops::crypt::{self, CommentPolicy, CryptError, Rules, Tally};
use crate::sops::data_key::DataKey;
use crate::sops::foreign::ForeignName;
use crate::sops::key_service::{self, ServiceError};
use crate::sops::keyring::{Keyring, OpenError};
use crate::sops::mac::{MacError, MacScope, Protection};
use crate::sops::metadata::{KeyGroup, Metadata, MetadataError, NewMetadata, WrappedKey};
use crate::sops::path::{PathError, TreePath};
use crate::sops::plugin::Plugins;
use crate::sops::recipient::{Recipient, RecipientError};
use crate::sops::selector::{Marked, Selector};
use crate::sops::shamir::ShamirError;
use crate::sops::store::{ReadError, Refusal, Source, Store, WriteError};
use crate::sops::timestamp::Timestamp;
use crate::sops::tree::{Map, Node, Scalar, Tree};

/// Who can open a file.
#[derive(Clone, Debug, Default)]
pub struct Audience {
    /// The key groups; one group for the usual case.
    pub groups: Vec<Vec<Recipient>>,
    /// The keys of other kinds in each group. Nothing is encrypted for them here; other programs can do it, and files may have
    /// them.
    pub foreign: Vec<Vec<ForeignName>>,
    /// The creation rule that names all this, for such programs.
    pub rule: Option<Map>,
    /// How many groups are needed to open the file; `None` means all. Only for two groups or more.
    pub shamir_threshold: Option<usize>,
}

/// How a file is to be encrypted.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Who can open it.
    pub audience: Audience,
    /// Which leaves are encrypted; `None` for binary files.
    pub selector: Option<Selector>,
    /// What the MAC covers.
    pub mac_scope: MacScope,
    /// What happens to comments in encrypted places.
    pub comments: CommentPolicy,
    /// What to do when the selector leaves every value plain.
    pub nothing_selected: NothingSelected,
    /// What to do about numbers that change their spelling.
    pub altered_numbers: AlteredNumbers,
    /// The time to record.
    pub now: Timestamp,
}

/// What to do about numbers whose spelling an encrypted form does not keep, such as `0123`.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum AlteredNumbers {
    /// Refuse: a password of digits would be another one after decryption.
    #[default]
    Refuse,
    /// Write the number as sops does.
    Allow,
}

/// What to do when the selector leaves every value plain.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum NothingSelected {
    /// Refuse: sops would write a file that looks encrypted and is not.
    #[default]
    Refuse,
    /// Write it, as sops does.
    Allow,
}

/// A decrypted file.
#[derive(Debug)]
pub struct Opened {
    /// The plain values.
    pub tree: Tree,
    /// The metadata.
    pub metadata: Metadata,
    /// The data key.
    pub key: DataKey,
    /// What was found encrypted and what not.
    pub tally: Tally,
    /// Whether the MAC holds; the caller decides what a broken one means.
    pub mac: Result<(), MacError>,
    /// The nonces of the values, for writing unchanged ones unchanged.
    pub stash: Stash,
    /// The bytes' layout.
    pub source: Source,
}

/// Whether a broken MAC stops a decryption.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum MacCheck {
    /// It does.
    #[default]
    Required,
    /// It does not (`--ignore-mac`): whoever can write the file may have changed it.
    Ignored,
}

/// Whether a file is encrypted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum FileStatus {
    /// With sops.
    Encrypted,
    /// Not, or not usably.
    Plain,
}

/// Why a file was not encrypted.
#[derive(Debug, thiserror::Error)]
pub enum EncryptError {
    /// The file cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// It is encrypted already.
    #[error("the file is already encrypted with sops")]
    AlreadyEncrypted,
    /// It uses the key that sops needs for its metadata.
    #[error("the file has a top-level key `sops`, which sops needs for its metadata; rename it")]
    ReservedKey,
    /// It holds things that cannot be kept.
    #[error("{}", list(.0))]
    Refused(Vec<Refusal>),
    /// Nobody could open it.
    #[error("there are no recipients: nobody could decrypt the file")]
    NoRecipients,
    /// The selector leaves everything plain.
    #[error("the selector `{}: {}` matches none of the {plain} values: the file would look encrypted and not be", .selector.0, .selector.1)]
    NothingSelected {
        /// Field and value of the selector.
        selector: (&'static str, String),
        /// How many values would stay plain.
        plain: usize,
    },
    /// The data key cannot be wrapped.
    #[error(transparent)]
    Recipient(#[from] RecipientError),
    /// Another program could not encrypt the data key for keys of other kinds.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// The data key cannot be split.
    #[error(transparent)]
    Shamir(#[from] ShamirError),
    /// A value cannot be encrypted.
    #[error(transparent)]
    Crypt(#[from] CryptError),
    /// The MAC or data key cannot be made.
    #[error(transparent)]
    Cipher(#[from] CipherError),
    /// The result cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// Why a file was not decrypted.
#[derive(Debug, thiserror::Error)]
pub enum DecryptError {
    /// The file cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// There is no `sops` block.
    #[error("the file has no sops metadata: it is not encrypted with sops")]
    NotEncrypted,
    /// The `sops` block is not usable.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
    /// The data key cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// A value cannot be decrypted.
    #[error(transparent)]
    Crypt(#[from] CryptError),
    /// The MAC is broken.
    #[error(transparent)]
    Mac(#[from] MacError),
    /// The path leads nowhere.
    #[error(transparent)]
    Path(#[from] PathError),
    /// The stash could not be made.
    #[error(transparent)]
    Cipher(#[from] CipherError),
    /// The result cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}

impl Audience {
    /// One group of age recipients.
    #[must_use]
    pub fn of(recipients: Vec<Recipient>) -> Self {
        Self { groups: vec![recipients], ..Self::default() }
    }

    /// The same with somebody who can open all of it: a recipient of every group.
    #[must_use]
    pub fn with(mut self, recipient: &Recipient) -> Self {
        self.groups.iter_mut().for_each(|group| group.push(recipient.clone()));
        self
    }

    /// Whether nobody is named.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.groups.iter().all(Vec::is_empty) && self.foreign.iter().all(Vec::is_empty)
    }
}

/// Encrypts a plain file.
///
/// # Errors
/// [`EncryptError`]; nothing of the plain text is in it.
pub fn encrypt(store: &dyn Store, plain: &[u8], plan: &Plan, plugins: &dyn Plugins) -> Result<Vec<u8>, EncryptError> {
    let mut source = store.read_plain(plain).map_err(|error| error.or_conflict(plain))?;
    if source.metadata.is_some() {
        return Err(EncryptError::AlreadyEncrypted);
    }
    if source.tree.documents.iter().any(|document| document.get("sops").is_some()) {
        return Err(EncryptError::ReservedKey);
    }
    if !source.refusals.is_empty() {
        return Err(EncryptError::Refused(std::mem::take(&mut source.refusals)));
    }
    if plan.altered_numbers == AlteredNumbers::Refuse {
        refuse_altered(&source, plan.selector.as_ref())?;
    }
    let key = DataKey::generate().map_err(CipherError::Random)?;
    let mut tree = source.tree.clone();
    let metadata = seal(&mut tree, &key, plan, plugins)?;
    Ok(store.write(&tree, Some(&metadata), Some(&source))?)
}

/// Refuses numbers that would be encrypted and not keep their spelling; those left plain keep it.
fn refuse_altered(source: &Source, selector: Option<&Selector>) -> Result<(), EncryptError> {
    let assumed = Selector::default();
    let selector = selector.unwrap_or(&assumed);
    let is_encrypted = |path: &[String]| [Marked::Yes, Marked::No].iter().any(|m| selector.protection(path, *m) == Protection::Encrypted);
    let reason = |path: &[String]| {
        format!("the number at `{}` would be another one, or written in another way, after decryption; put it in quotes", path.join("."))
    };
    let altered = source.altered.iter().filter(|number| is_encrypted(&number.path));
    let refusals: Vec<Refusal> = altered.map(|number| Refusal { line: number.line, reason: reason(&number.path) }).collect();
    if refusals.is_empty() { Ok(()) } else { Err(EncryptError::Refused(refusals)) }
}

/// Encrypts a tree in place and makes its metadata.
pub(super) fn seal(tree: &mut Tree, key: &DataKey, plan: &Plan, plugins: &dyn Plugins) -> Result<Metadata, EncryptError> {
    let key_groups = wrap(key, &plan.audience, plugins)?;
    let selector = plan.selector.clone().unwrap_or_default();
    let rules = Rules { selector: &selector, mac_scope: plan.mac_scope, comments: plan.comments };
    let (mac, tally) = crypt::encrypt(tree, key, rules, &mut Stash::default())?;
    if tally.encrypted == 0 && tally.plain > 0 && plan.nothing_selected == NothingSelected::Refuse {
        let (field, value) = selector.to_field();
        return Err(EncryptError::NothingSelected { selector: (field, value.to_owned()), plain: tally.plain });
    }
    Ok(Metadata::create(NewMetadata {
        shamir_threshold: plan.audience.shamir_threshold.filter(|_| key_groups.len() > 1),
        key_groups,
        mac: mac.seal(key, &plan.now)?,
        last_modified: plan.now.clone(),
        selector: plan.selector.clone(),
        mac_scope: plan.mac_scope,
    }))
}

/// Encrypts a data key for its audience. Keys of other kinds are left out if there is no program for them.
pub(super) fn wrap(key: &DataKey, audience: &Audience, plugins: &dyn Plugins) -> Result<Vec<KeyGroup>, EncryptError> {
    match plugins.key_service().filter(|_| !audience.foreign.iter().all(Vec::is_empty)) {
        None => wrap_age(key, audience, plugins),
        Some(service) => {
            let foreign = key_service::wrap(service, key, audience)?;
            let groups = audience.groups.iter().zip(foreign);
            groups.map(|(age, group)| Ok(KeyGroup { age: wrap_group(age, &group.share, plugins)?, foreign: group.keys })).collect()
        }
    }
}

/// Encrypts a data key for the age recipients of its audience.
pub(super) fn wrap_age(key: &DataKey, audience: &Audience, plugins: &dyn Plugins) -> Result<Vec<KeyGroup>, EncryptError> {
    if audience.groups.is_empty() || audience.groups.iter().any(Vec::is_empty) {
        return Err(EncryptError::NoRecipients);
    }
    let shares = key.shares(audience.groups.len(), audience.shamir_threshold)?;
    let groups = audience.groups.iter().zip(&shares);
    groups.map(|(group, share)| Ok(KeyGroup { age: wrap_group(group, share, plugins)?, foreign: Vec::new() })).collect()
}

fn wrap_group(recipients: &[Recipient], share: &[u8], plugins: &dyn Plugins) -> Result<Vec<WrappedKey>, RecipientError> {
    let mut keys: Vec<WrappedKey> = Vec::with_capacity(recipients.len());
    for recipient in recipients {
        if keys.iter().all(|key| key.recipient != recipient.as_str()) {
            let armor = recipient.wrap(share, plugins)?;
            keys.push(WrappedKey { recipient: recipient.as_str().to_owned(), armor });
        }
    }
    Ok(keys)
}

/// Opens an encrypted file: its values, its keys and the state of its MAC.
///
/// # Errors
/// [`DecryptError`]; a broken MAC is not one of them here.
pub fn open(store: &dyn Store, bytes: &[u8], keyring: &Keyring) -> Result<Opened, DecryptError> {
    let (source, metadata) = read_sealed(store, bytes)?;
    let key = keyring.open(&metadata)?;
    open_under(source, metadata, key, Stash::new()?)
}

/// An encrypted file with its values still encrypted.
pub(super) fn read_sealed(store: &dyn Store, bytes: &[u8]) -> Result<(Source, Metadata), DecryptError> {
    let mut source = store.read_encrypted(bytes).map_err(|error| error.or_conflict(bytes))?;
    let metadata = Metadata::parse(source.metadata.take().ok_or(DecryptError::NotEncrypted)?)?;
    Ok((source, metadata))
}

/// Decrypts the values of a file under a data key that is known.
pub(super) fn open_under(source: Source, metadata: Metadata, key: DataKey, mut stash: Stash) -> Result<Opened, DecryptError> {
    let mut tree = source.tree.clone();
    let rules = Rules::of(&metadata, CommentPolicy::AsFound);
    let (mac, tally) = crypt::decrypt(&mut tree, &key, rules, &mut stash)?;
    let mac = mac.verify(&key, metadata.mac(), metadata.last_modified());
    Ok(Opened { tree, metadata, key, tally, mac, stash, source })
}

/// Decrypts the value at a path.
///
/// # Errors
/// [`DecryptError`].
pub fn extract(store: &dyn Store, bytes: &[u8], path: &TreePath, keyring: &Keyring, check: MacCheck) -> Result<Node, DecryptError> {
    let opened = open(store, bytes, keyring)?;
    if check == MacCheck::Required {
        opened.mac?;
    }
    Ok(path.find(&opened.tree)?.clone())
}

/// A value on its own, as sops prints it: text as it is, a map as a file of the format, else what the format makes of it.
///
/// # Errors
/// [`WriteError`] if the format cannot hold the value.
pub fn print(node: &Node, to: &dyn Store) -> Result<Secret, WriteError> {
    let bytes = match node {
        Node::Alias(target) => return print(target, to),
        Node::Map(map) => to.write(&Tree { documents: vec![map.clone()] }, None, None)?,
        Node::Scalar(scalar @ Scalar::Text(_)) => scalar.to_bytes().to_vec(),
        node => to.print_value(node)?,
    };
    Ok(Secret::new(bytes))
}

/// Decrypts a file into another format (`--output-type`).
///
/// # Errors
/// [`DecryptError`].
pub fn convert(from: &dyn Store, to: &dyn Store, bytes: &[u8], keyring: &Keyring, check: MacCheck) -> Result<Vec<u8>, DecryptError> {
    let opened = open(from, bytes, keyring)?;
    if check == MacCheck::Required {
        opened.mac?;
    }
    Ok(to.write(&opened.source.for_other_formats(opened.tree), None, None)?)
}

/// Whether a file is encrypted with sops, as `sops filestatus` says it: it has a usable `sops` block.
///
/// # Errors
/// [`ReadError`] when the file cannot be read at all.
pub fn file_status(store: &dyn Store, bytes: &[u8]) -> Result<FileStatus, ReadError> {
    let source = store.read_encrypted(bytes)?;
    let usable = source.metadata.is_some_and(|fields| Metadata::parse(fields).is_ok());
    Ok(if usable { FileStatus::Encrypted } else { FileStatus::Plain })
}

/// Decrypts a file to its plain form.
///
/// # Errors
/// [`DecryptError`].
pub fn decrypt(store: &dyn Store, bytes: &[u8], keyring: &Keyring, check: MacCheck) -> Result<Vec<u8>, DecryptError> {
    let opened = open(store, bytes, keyring)?;
    if check == MacCheck::Required {
        opened.mac?;
    }
    Ok(store.write(&opened.tree, None, Some(&opened.source))?)
}

fn list(refusals: &[Refusal]) -> String {
    let lines: Vec<String> = refusals.iter().map(|refusal| format!("line {}: {}", refusal.line, refusal.reason)).collect();
    lines.join("\n")
}
