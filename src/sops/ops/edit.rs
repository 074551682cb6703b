//! Changing an encrypted file: set and unset values, draw a new data key, change who can open it.

use super::{Audience, DecryptError, EncryptError, MacCheck, Opened, open, wrap};
use crate::sops::cipher::CipherError;
use crate::sops::crypt::{self, CommentPolicy, CryptError, Rules};
use crate::sops::data_key::DataKey;
use crate::sops::keyring::Keyring;
use crate::sops::mac::MacError;
use crate::sops::metadata::{KeyGroup, Metadata, WrappedKey};
use crate::sops::path::{PathError, TreePath};
use crate::sops::plugin::Plugins;
use crate::sops::recipient::{Recipient, RecipientError};
use crate::sops::store::{Store, WriteError};
use crate::sops::timestamp::Timestamp;
use crate::sops::tree::{Node, Tree};

/// A change to an encrypted file needs a key, a time and a decision about broken MACs.
#[derive(Clone, Copy)]
pub struct Editor<'a> {
    /// Opens the file.
    pub keyring: &'a Keyring,
    /// Wraps keys for plugin recipients.
    pub plugins: &'a dyn Plugins,
    /// The time to record.
    pub now: &'a Timestamp,
    /// What a broken MAC means; an edit would make it whole again, so ignoring it hides tampering.
    pub mac_check: MacCheck,
}

/// Why a file was not changed.
#[derive(Debug, thiserror::Error)]
pub enum EditError {
    /// The file cannot be opened.
    #[error(transparent)]
    Decrypt(#[from] DecryptError),
    /// The MAC is broken.
    #[error(transparent)]
    Mac(#[from] MacError),
    /// The path leads nowhere.
    #[error(transparent)]
    Path(#[from] PathError),
    /// A value cannot be encrypted.
    #[error(transparent)]
    Crypt(#[from] CryptError),
    /// The new keys cannot be made.
    #[error(transparent)]
    Keys(#[from] Box<EncryptError>),
    /// A recipient cannot be used.
    #[error(transparent)]
    Recipient(#[from] RecipientError),
    /// The file has keys that cannot be wrapped here.
    #[error("the file also has a {kind} key, which sopup cannot encrypt the new data key for; use sops for this")]
    ForeignKey {
        /// `kms`, `pgp`, …
        kind: &'static str,
    },
    /// The MAC cannot be made.
    #[error(transparent)]
    Cipher(#[from] CipherError),
    /// The result cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// What `update_keys` did.
#[derive(Debug)]
pub struct KeyUpdate {
    /// The new file; `None` if it names the right keys already.
    pub file: Option<Vec<u8>>,
    /// Recipients that can now open the file and could not before.
    pub added: Vec<String>,
    /// Recipients that could open the file before. They may have kept the old data key.
    pub removed: Vec<String>,
    /// Whether the values are under a new data key.
    pub data_key: DataKeyFate,
}

/// What became of the data key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum DataKeyFate {
    /// It is the same: whoever kept it can read what is written later.
    Kept,
    /// It was replaced, and all values were encrypted anew.
    Replaced,
}

/// What a removal of recipients does to the data key.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum OnRemoval {
    /// Draw a new one.
    #[default]
    Rotate,
    /// Keep it, as sops does.
    Keep,
}

/// Sets a value; it is encrypted if the selector says so. Only what changes is rewritten.
///
/// # Errors
/// [`EditError`].
pub fn set(store: &dyn Store, bytes: &[u8], path: &TreePath, value: Node, editor: &Editor<'_>) -> Result<Vec<u8>, EditError> {
    change(store, bytes, editor, |tree| path.set(tree, value))
}

/// Removes a value.
///
/// # Errors
/// [`EditError`].
pub fn unset(store: &dyn Store, bytes: &[u8], path: &TreePath, editor: &Editor<'_>) -> Result<Vec<u8>, EditError> {
    change(store, bytes, editor, |tree| path.unset(tree).map(drop))
}

/// Replaces the values by those of an edited plain file; values that did not change keep their ciphertext.
/// The plain file's own layout is kept.
///
/// # Errors
/// [`EditError`].
pub fn replace(store: &dyn Store, bytes: &[u8], plain: &[u8], editor: &Editor<'_>) -> Result<Vec<u8>, EditError> {
    let mut opened = checked(store, bytes, editor)?;
    let source = store.read_plain(plain).map_err(DecryptError::Read)?;
    let mut tree = source.tree.clone();
    let metadata = reseal(&mut tree, &mut opened, editor.now, CommentPolicy::Encrypt)?;
    Ok(store.write(&tree, Some(&metadata), Some(&source))?)
}

/// Draws a new data key and encrypts everything anew, for the same recipients plus `add` less `remove`.
///
/// # Errors
/// [`EditError`].
pub fn rotate(store: &dyn Store, bytes: &[u8], add: &[Recipient], remove: &[Recipient], editor: &Editor<'_>) -> Result<Vec<u8>, EditError> {
    let opened = checked(store, bytes, editor)?;
    let mut audience = audience_of(&opened.metadata)?;
    for group in &mut audience.groups {
        group.retain(|recipient| !remove.contains(recipient));
    }
    if let Some(first) = audience.groups.first_mut() {
        first.extend(add.iter().filter(|recipient| !opened_by(&opened.metadata, recipient)).cloned());
    }
    rotate_to(store, opened, &audience, editor)
}

/// Makes `audience` the ones who can open the file. Kept recipients keep their wrapped key.
///
/// # Errors
/// [`EditError`].
pub fn update_keys(
    store: &dyn Store,
    bytes: &[u8],
    audience: &Audience,
    on_removal: OnRemoval,
    editor: &Editor<'_>,
) -> Result<KeyUpdate, EditError> {
    let mut opened = checked(store, bytes, editor)?;
    let before = recipients(opened.metadata.key_groups());
    let after: Vec<Vec<String>> = audience.groups.iter().map(|group| group.iter().map(|r| r.as_str().to_owned()).collect()).collect();
    let fresh = |from: &[Vec<String>], to: &[Vec<String>]| -> Vec<String> {
        let known: Vec<&String> = from.iter().flatten().collect();
        to.iter().flatten().filter(|recipient| !known.contains(recipient)).cloned().collect()
    };
    let (added, removed) = (fresh(&before, &after), fresh(&after, &before));
    let threshold = audience.shamir_threshold.filter(|_| after.len() > 1);
    if before == after && (after.len() < 2 || opened.metadata.shamir_threshold() == Some(threshold.unwrap_or(after.len()))) {
        return Ok(KeyUpdate { file: None, added, removed, data_key: DataKeyFate::Kept });
    }
    if !removed.is_empty() && on_removal == OnRemoval::Rotate {
        let file = rotate_to(store, opened, audience, editor)?;
        return Ok(KeyUpdate { file: Some(file), added, removed, data_key: DataKeyFate::Replaced });
    }
    if after.len() > 1 || before.len() > 1 {
        no_foreign_keys(&opened.metadata)?;
    }
    let mut groups = wrap(&opened.key, audience, editor.plugins).map_err(Box::new)?;
    if let ([group], [old]) = (groups.as_mut_slice(), opened.metadata.key_groups()) {
        keep_wrapped(group, old);
    }
    opened.metadata.set_keys(groups, threshold);
    // Values and MAC stay as they are.
    let file = store.write(&opened.source.tree, Some(&opened.metadata), Some(&opened.source))?;
    Ok(KeyUpdate { file: Some(file), added, removed, data_key: DataKeyFate::Kept })
}

fn change(
    store: &dyn Store,
    bytes: &[u8],
    editor: &Editor<'_>,
    edit: impl FnOnce(&mut Tree) -> Result<(), PathError>,
) -> Result<Vec<u8>, EditError> {
    let mut opened = checked(store, bytes, editor)?;
    let mut tree = std::mem::take(&mut opened.tree);
    edit(&mut tree)?;
    let metadata = reseal(&mut tree, &mut opened, editor.now, CommentPolicy::AsFound)?;
    Ok(store.write(&tree, Some(&metadata), Some(&opened.source))?)
}

fn checked(store: &dyn Store, bytes: &[u8], editor: &Editor<'_>) -> Result<Opened, EditError> {
    let mut opened = open(store, bytes, editor.keyring)?;
    if editor.mac_check == MacCheck::Required {
        std::mem::replace(&mut opened.mac, Ok(()))?;
    }
    Ok(opened)
}

/// Encrypts a changed tree under the file's own key and updates MAC and time.
fn reseal(tree: &mut Tree, opened: &mut Opened, now: &Timestamp, comments: CommentPolicy) -> Result<Metadata, EditError> {
    let mut metadata = opened.metadata.clone();
    let (mac, _) = crypt::encrypt(tree, &opened.key, Rules::of(&metadata, comments), &mut opened.stash)?;
    metadata.set_mac(mac.seal(&opened.key, now)?, now.clone());
    Ok(metadata)
}

fn rotate_to(store: &dyn Store, mut opened: Opened, audience: &Audience, editor: &Editor<'_>) -> Result<Vec<u8>, EditError> {
    no_foreign_keys(&opened.metadata)?;
    opened.key = DataKey::generate().map_err(CipherError::Random)?;
    opened.stash.forget_nonces();
    let groups = wrap(&opened.key, audience, editor.plugins).map_err(Box::new)?;
    let threshold = audience.shamir_threshold.filter(|_| groups.len() > 1);
    let mut tree = std::mem::take(&mut opened.tree);
    opened.metadata.set_keys(groups, threshold);
    let metadata = reseal(&mut tree, &mut opened, editor.now, CommentPolicy::AsFound)?;
    Ok(store.write(&tree, Some(&metadata), Some(&opened.source))?)
}

fn no_foreign_keys(metadata: &Metadata) -> Result<(), EditError> {
    match metadata.key_groups().iter().flat_map(|group| &group.foreign).next() {
        Some(kind) => Err(EditError::ForeignKey { kind }),
        None => Ok(()),
    }
}

fn audience_of(metadata: &Metadata) -> Result<Audience, EditError> {
    let parse = |key: &WrappedKey| Recipient::parse(&key.recipient);
    let groups = metadata.key_groups().iter().map(|group| group.age.iter().map(parse).collect());
    Ok(Audience { groups: groups.collect::<Result<_, RecipientError>>()?, shamir_threshold: metadata.shamir_threshold() })
}

fn recipients(groups: &[KeyGroup]) -> Vec<Vec<String>> {
    groups.iter().map(|group| group.age.iter().map(|key| key.recipient.clone()).collect()).collect()
}

fn opened_by(metadata: &Metadata, recipient: &Recipient) -> bool {
    recipients(metadata.key_groups()).iter().flatten().any(|known| known == recipient.as_str())
}

fn keep_wrapped(group: &mut [WrappedKey], old: &KeyGroup) {
    for key in group {
        if let Some(known) = old.age.iter().find(|known| known.recipient == key.recipient) {
            key.armor.clone_from(&known.armor);
        }
    }
}
