//! [`Vault`]: a SOPS file that exists and could take more values.

use super::plan::Shape;
use crate::secret::Secret;
use crate::sops::keyring::Keyring;
use crate::sops::mac::Protection;
use crate::sops::ops::{DecryptError, open};
use crate::sops::path::{Step, TreePath};
use crate::sops::selector::{Marked, Selector};
use crate::sops::store::{Format, Limits, Style};
use crate::sops::tree::{Node, Tree};

/// An opened SOPS file.
pub(super) struct Vault {
    tree: Tree,
    selector: Selector,
}

/// Why a file cannot take more values.
#[derive(Debug, thiserror::Error)]
pub(super) enum VaultError {
    /// There is no regular file.
    #[error("it is not a regular file")]
    NotAFile,
    /// It cannot be opened.
    #[error(transparent)]
    Decrypt(#[from] DecryptError),
}

impl Vault {
    /// Opens a file; a broken MAC is an error.
    pub(super) fn open(path: &str, bytes: &[u8], keyring: &Keyring) -> Result<Self, VaultError> {
        let store = Format::from_path(path).store(Limits::default(), Style::default());
        let opened = open(&*store, bytes, keyring)?;
        opened.mac.map_err(DecryptError::from)?;
        Ok(Self { tree: opened.tree, selector: opened.metadata.selector().clone() })
    }

    /// What surrounds its entries.
    pub(super) fn shape(&self) -> Shape {
        let first = self.tree.documents.first();
        let text = |keys: &[&str]| {
            let steps = keys.iter().map(|key| Step::Key((*key).to_owned())).collect();
            TreePath::new(steps).find(&self.tree).ok().and_then(Node::as_str).map(str::to_owned)
        };
        let (name, namespace) = (text(&["metadata", "name"]).unwrap_or_default(), text(&["metadata", "namespace"]));
        match first.and_then(|map| map.get("kind")).and_then(Node::as_str) {
            Some("Secret") => Shape::KubernetesSecret { name, namespace },
            Some("SopsSecret") => Shape::SopsSecret { name, namespace },
            _ => Shape::Keys,
        }
    }

    /// Whether what stands at a path would be encrypted.
    pub(super) fn seals(&self, path: &[String]) -> bool {
        self.selector.protection(&self.shape().keys(path), Marked::No) == Protection::Encrypted
    }

    /// Whether a value can be put at a path: nothing else stands there or above it, and it would be encrypted.
    pub(super) fn takes(&self, path: &[String], value: &Secret) -> bool {
        let steps = self.shape().locate(path);
        let sealed = self.seals(path);
        for length in 1..=steps.len() {
            match TreePath::new(steps[..length].to_vec()).find(&self.tree) {
                Err(_) => return sealed,
                Ok(Node::Map(_) | Node::List(_)) => {}
                Ok(node) => {
                    let same = node.as_str().is_some_and(|text| text.as_bytes() == value.expose());
                    return sealed && same && length == steps.len();
                }
            }
        }
        false
    }
}
