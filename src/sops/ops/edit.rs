//! Changing an encrypted file: set and unset values, draw a new data key, change who can open it.

use zeroize::Zeroizing;

use super::{Audience, DecryptError, EncryptError, MacCheck, Opened, open, wrap, wrap_age};
use crate::sops::cipher::CipherError;
use crate::sops::crypt::{self, CommentPolicy, CryptError, Rules};
use crate::sops::data_key::DataKey;
use crate::sops::foreign::{ForeignKey, ForeignName};
use crate::sops::keyring::Keyring;
use crate::sops::mac::{MacError, Protection};
use crate::sops::metadata::{KeyGroup, Metadata, WrappedKey};
use crate::sops::path::{PathError, TreePath};
use crate::sops::plugin::Plugins;
use crate::sops::recipient::{Recipient, RecipientError};
use crate::sops::selector::Selector;
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
    /// What to do about new values that the selector leaves plain.
    pub new_plain: NewPlain,
}

/// What to do about new values that the file's selector leaves plain.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum NewPlain {
    /// Refuse: whoever sets a value of an encrypted file expects that it is encrypted.
    #[default]
    Refuse,
    /// Write them, as sops does.
    Allow,
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
    #[error("the file also has the key {name}, which sopup cannot encrypt a new data key for; use sops for this")]
    ForeignKey {
        /// The key.
        name: ForeignName,
    },
    /// The rule names keys that the file lacks and that nothing can be wrapped for here.
    #[error("the creation rule names keys that the file lacks and that sopup cannot encrypt for: {}", join(.names))]
    CannotAdd {
        /// The keys.
        names: Vec<ForeignName>,
    },
    /// New values would stay plain.
    #[error("{} would stay plain text: the selector of the file, `{selector}`, does not cover it", .paths.join(", "))]
    StaysPlain {
        /// Keys, joined by dots, in backticks.
        paths: Vec<String>,
        /// The file's selector.
        selector: String,
    },
    /// The MAC cannot be made.
    #[error(transparent)]
    Cipher(#[from] CipherError),
    /// The result cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
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
    let source = store.read_plain(plain).map_err(|error| DecryptError::Read(error.or_conflict(plain)))?;
    let mut tree = source.tree.clone();
    if editor.new_plain == NewPlain::Refuse {
        refuse_new_plain(&opened.tree, &tree, opened.metadata.selector())?;
    }
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

fn change(
    store: &dyn Store,
    bytes: &[u8],
    editor: &Editor<'_>,
    edit: impl FnOnce(&mut Tree) -> Result<(), PathError>,
) -> Result<Vec<u8>, EditError> {
    let mut opened = checked(store, bytes, editor)?;
    let mut tree = opened.tree.clone();
    edit(&mut tree)?;
    if editor.new_plain == NewPlain::Refuse {
        refuse_new_plain(&opened.tree, &tree, opened.metadata.selector())?;
    }
    let metadata = reseal(&mut tree, &mut opened, editor.now, CommentPolicy::AsFound)?;
    Ok(store.write(&tree, Some(&metadata), Some(&opened.source))?)
}

/// Compares the values that the selector leaves plain; what is plain already may stay so.
fn refuse_new_plain(before: &Tree, after: &Tree, selector: &Selector) -> Result<(), EditError> {
    let mut known = plain_values(before, selector);
    let mut paths = Vec::new();
    for value in plain_values(after, selector) {
        match known.iter().position(|old| *old == value) {
            Some(at) => drop(known.swap_remove(at)),
            None => paths.push(format!("`{}`", value.0)),
        }
    }
    paths.dedup();
    if paths.is_empty() {
        return Ok(());
    }
    let (field, value) = selector.to_field();
    Err(EditError::StaysPlain { paths, selector: format!("{field}: {value}") })
}

/// The values that the selector leaves plain, with their places.
fn plain_values(tree: &Tree, selector: &Selector) -> Vec<(String, Zeroizing<Vec<u8>>)> {
    let mut found = Vec::new();
    crypt::inspect(&tree.documents, selector, &mut |path, value, protection| {
        let bytes = value.to_bytes();
        if protection == Protection::Plain && !bytes.is_empty() {
            found.push((path.join("."), bytes));
        }
    });
    found
}

pub(super) fn checked(store: &dyn Store, bytes: &[u8], editor: &Editor<'_>) -> Result<Opened, EditError> {
    let mut opened = open(store, bytes, editor.keyring)?;
    if editor.mac_check == MacCheck::Required {
        std::mem::replace(&mut opened.mac, Ok(()))?;
    }
    Ok(opened)
}

/// Encrypts a changed tree under the file's own key and updates MAC and time.
pub(super) fn reseal(tree: &mut Tree, opened: &mut Opened, now: &Timestamp, comments: CommentPolicy) -> Result<Metadata, EditError> {
    let mut metadata = opened.metadata.clone();
    let (mac, _) = crypt::encrypt(tree, &opened.key, Rules::of(&metadata, comments), &mut opened.stash)?;
    metadata.set_mac(mac.seal(&opened.key, now)?, now.clone());
    Ok(metadata)
}

pub(super) fn rotate_to(store: &dyn Store, mut opened: Opened, audience: &Audience, editor: &Editor<'_>) -> Result<Vec<u8>, EditError> {
    let by_service = editor.plugins.key_service().is_some() && audience.rule.is_some();
    if let Some(key) = kept_foreign_keys(&opened.metadata, audience).first().filter(|_| !by_service) {
        return Err(EditError::ForeignKey { name: key.name.clone() });
    }
    opened.key = DataKey::generate().map_err(CipherError::Random)?;
    opened.stash.forget_nonces();
    let groups = if by_service {
        wrap(&opened.key, audience, editor.plugins).map_err(Box::new)?
    } else {
        rewrap(&opened.key, audience, &[], editor)?
    };
    let threshold = audience.shamir_threshold.filter(|_| groups.len() > 1);
    let mut tree = std::mem::take(&mut opened.tree);
    opened.metadata.set_keys(groups, threshold);
    let metadata = reseal(&mut tree, &mut opened, editor.now, CommentPolicy::AsFound)?;
    Ok(store.write(&tree, Some(&metadata), Some(&opened.source))?)
}

/// Wraps the data key for the age recipients. A single group may have none if it keeps keys of other kinds.
pub(super) fn rewrap(key: &DataKey, audience: &Audience, kept: &[ForeignKey], editor: &Editor<'_>) -> Result<Vec<KeyGroup>, EditError> {
    if !kept.is_empty() && audience.groups.iter().all(Vec::is_empty) {
        return Ok(vec![KeyGroup::default()]);
    }
    Ok(wrap_age(key, audience, editor.plugins).map_err(Box::new)?)
}

/// Whether the audience names a key of another kind in the group at `at`.
pub(super) fn is_wanted(audience: &Audience, at: usize, name: &ForeignName) -> bool {
    audience.foreign.get(at).is_some_and(|names| names.iter().any(|wanted| wanted.is_same(name)))
}

/// The keys of other kinds that stay in the file.
pub(super) fn kept_foreign_keys(metadata: &Metadata, audience: &Audience) -> Vec<ForeignKey> {
    let groups = metadata.key_groups().iter().enumerate();
    groups.flat_map(|(at, group)| group.foreign.iter().filter(move |key| is_wanted(audience, at, &key.name)).cloned()).collect()
}

fn join(names: &[ForeignName]) -> String {
    names.iter().map(ForeignName::to_string).collect::<Vec<_>>().join("; ")
}

/// Who can open the file now.
fn audience_of(metadata: &Metadata) -> Result<Audience, EditError> {
    let parse = |key: &WrappedKey| Recipient::parse(&key.recipient);
    let groups = metadata.key_groups().iter().map(|group| group.age.iter().map(parse).collect());
    Ok(Audience {
        groups: groups.collect::<Result<_, RecipientError>>()?,
        foreign: metadata.key_groups().iter().map(|group| group.foreign.iter().map(|key| key.name.clone()).collect()).collect(),
        shamir_threshold: metadata.shamir_threshold(),
        rule: None,
    })
}

pub(super) fn recipients(groups: &[KeyGroup]) -> Vec<Vec<String>> {
    groups.iter().map(|group| group.age.iter().map(|key| key.recipient.clone()).collect()).collect()
}

fn opened_by(metadata: &Metadata, recipient: &Recipient) -> bool {
    recipients(metadata.key_groups()).iter().flatten().any(|known| known == recipient.as_str())
}
