//! Whether an encrypted file holds what it should: decrypted, MAC-checked, compared, and nothing of it plain.

use crate::secret::Secret;
use crate::sops::keyring::Keyring;
use crate::sops::mac::MacError;
use crate::sops::ops::{DecryptError, Opened, open};
use crate::sops::path::{Step, TreePath};
use crate::sops::store::{Format, Limits, ReadError, Style};
use crate::sops::tree::{List, ListItem, Map, Node, Scalar, Tree};

/// What a store must decrypt to.
#[derive(Debug)]
pub enum Expected {
    /// These values at these paths, among others.
    Entries(Vec<(Vec<Step>, Secret)>),
    /// This tree.
    Tree(Tree),
}

/// Why a store is not trusted. Never holds values.
#[derive(Debug, thiserror::Error)]
pub enum StoreFault {
    /// The identity at hand does not open it.
    #[error("the identities at hand cannot decrypt what was encrypted: {0}")]
    Decrypt(#[from] Box<DecryptError>),
    /// Its MAC is broken.
    #[error(transparent)]
    Mac(#[from] MacError),
    /// It cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A value is missing or another one.
    #[error("{0} does not decrypt to the value that was put there")]
    Differs(String),
    /// A value stands there in plain.
    #[error("{0} is not encrypted")]
    Plain(String),
}

/// Decrypts a store and compares it.
///
/// # Errors
/// [`StoreFault`].
pub(super) fn check(path: &str, bytes: &[u8], expected: &Expected, keyring: &Keyring) -> Result<(), StoreFault> {
    let store = Format::from_path(path).store(Limits::default(), Style::default());
    let opened = open(&*store, bytes, keyring).map_err(Box::new)?;
    let raw = store.read_encrypted(bytes)?;
    match expected {
        Expected::Entries(entries) => {
            for (path, value) in entries {
                let steps = TreePath::new(path.clone());
                let shown: String = path.iter().map(ToString::to_string).collect();
                let found = steps.find(&opened.tree).ok().and_then(Node::as_str);
                if found.map(str::as_bytes) != Some(value.expose()) {
                    return Err(StoreFault::Differs(shown));
                }
                if !steps.find(&raw.tree).is_ok_and(is_sealed) {
                    return Err(StoreFault::Plain(shown));
                }
            }
        }
        Expected::Tree(tree) => {
            if !same(tree, &opened) {
                return Err(StoreFault::Differs(path.to_owned()));
            }
            for (map, key) in raw.tree.documents.iter().flat_map(secrets).flat_map(|map| [(map, "data"), (map, "stringData")]) {
                if let Some(entry) = map.get(key).and_then(Node::as_map).and_then(|map| map.entries().find(|e| !is_sealed(&e.value))) {
                    return Err(StoreFault::Plain(format!("{key}.{}", entry.key)));
                }
            }
        }
    }
    opened.mac?;
    Ok(())
}

/// The Secrets that a document is or makes.
fn secrets(document: &Map) -> Vec<&Map> {
    let templates = document.get("spec").and_then(Node::as_map).and_then(|spec| spec.get("secretTemplates"));
    let listed = templates.and_then(Node::as_list).into_iter().flat_map(List::values).filter_map(Node::as_map);
    std::iter::once(document).chain(listed).collect()
}

fn is_sealed(node: &Node) -> bool {
    let empty = matches!(node, Node::Scalar(Scalar::Text(text)) if text.expose().is_empty());
    empty || node.as_str().is_some_and(|text| text.starts_with("ENC[AES256_GCM,"))
}

/// Whether two trees hold the same values; comments do not count.
fn same(tree: &Tree, opened: &Opened) -> bool {
    fn plain(node: &Node) -> Node {
        match node {
            Node::Map(map) => {
                let mut out = Map::default();
                for entry in map.entries() {
                    out.insert(&entry.key, plain(&entry.value));
                }
                Node::Map(out)
            }
            Node::List(list) => {
                let items = list.values().map(plain).map(ListItem::Value).collect();
                Node::List(List { items })
            }
            Node::Scalar(_) => node.clone(),
            Node::Alias(target) => plain(target),
        }
    }
    let of = |tree: &Tree| tree.documents.iter().map(|map| plain(&Node::Map(map.clone()))).collect::<Vec<_>>();
    of(tree) == of(&opened.tree)
}
