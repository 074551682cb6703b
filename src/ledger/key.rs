//! The key of the ledger's fingerprints. It lies in a SOPS file of its own, so that whoever may open secrets can compare
//! them with what leaked, and nobody else can guess a short password from the ledger.

use crate::finding::FingerprintKey;
use crate::sops::keyring::Keyring;
use crate::sops::mac::MacError;
use crate::sops::ops::{self, DecryptError};
use crate::sops::path::{PathError, Step, TreePath};
use crate::sops::store::{Format, Limits, Style};

/// The SOPS file, from the top of the working tree.
pub const KEY_FILE: &str = ".sopup/ledger-key.sops.yaml";
/// Its one field.
pub const KEY_FIELD: &str = "key";

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file cannot be opened.
    #[error(transparent)]
    Open(#[from] DecryptError),
    /// It was changed without sops.
    #[error(transparent)]
    Mac(#[from] MacError),
    /// It has no key.
    #[error(transparent)]
    Path(#[from] PathError),
    /// What it has is none.
    #[error("`{KEY_FIELD}` is no text of at least 16 characters")]
    Short,
}

/// The key that a SOPS file has.
///
/// # Errors
/// [`KeyError`].
pub fn key_of(bytes: &[u8], keyring: &Keyring) -> Result<FingerprintKey, KeyError> {
    let store = Format::Yaml.store(Limits::default(), Style::default());
    let opened = ops::open(&*store, bytes, keyring)?;
    opened.mac?;
    let node = TreePath::new(vec![Step::Key(KEY_FIELD.to_owned())]).find(&opened.tree)?.as_str().map(|text| text.as_bytes().to_vec());
    node.and_then(FingerprintKey::new).ok_or(KeyError::Short)
}
