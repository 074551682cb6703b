//! A store that no plan asks for: one value that a command keeps encrypted beside the rest.

use super::change::{Change, ChangeError, Tools, filled};
use super::plan::{Entry, Readers, Shape, Store};
use crate::secret::Secret;
use crate::sops::store::Format;

/// A new SOPS file with one value, for the recipients that the creation rules name, decrypted again and compared.
///
/// # Errors
/// [`ChangeError`].
pub fn new_store(path: &str, key: &str, value: Secret, tools: Tools<'_>) -> Result<Change, ChangeError> {
    let entry = Entry { path: vec![key.to_owned()], value, readers: Readers::Programs };
    let store = Store { path: path.to_owned(), format: Format::from_path(path), shape: Shape::Keys, entries: vec![entry] };
    let change = filled(&store, None, &std::collections::BTreeSet::from([0]), tools)?;
    change.ok_or_else(|| ChangeError::Exists(path.to_owned()))
}

/// Whether the identities at hand open what is encrypted for the recipients.
pub fn opens(tools: Tools<'_>) -> bool {
    new_store("secrets/shared.enc.yaml", "known", Secret::new(b"text".to_vec()), tools).is_ok()
}
