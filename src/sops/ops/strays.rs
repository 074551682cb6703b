//! Encrypting what stands plain in an encrypted file although its selector says otherwise. Nothing opens such a file, and its
//! MAC holds for another content, so what else was changed must be ruled out first.

use super::edit::reseal;
use super::{DecryptError, EditError, Editor, Opened, open, read_sealed};
use crate::sops::cipher::{self, Envelope, Stash};
use crate::sops::crypt::{self, CommentPolicy, CryptError, Rules, additional_data, each_stray};
use crate::sops::data_key::DataKey;
use crate::sops::keyring::Keyring;
use crate::sops::metadata::Metadata;
use crate::sops::store::{Refusal, Source, Store};
use crate::sops::tree::{Entry, ListItem, Map, MapItem, Node, Scalar, Text, Tree};

/// A file whose values are encrypted again.
#[derive(Debug)]
pub struct Completed {
    /// The new file.
    pub file: Vec<u8>,
    /// What it decrypts to: the values as they stood, encrypted or plain.
    pub tree: Tree,
    /// Keys of the values that stood plain, joined by dots.
    pub paths: Vec<String>,
}

/// Why such values were not encrypted.
#[derive(Debug, thiserror::Error)]
pub enum StrayError {
    /// The file cannot be opened or written.
    #[error(transparent)]
    Edit(#[from] EditError),
    /// The file holds things that cannot be kept.
    #[error("line {}: {}", .0.line, .0.reason)]
    Refused(Refusal),
    /// A number would be another text after decryption.
    #[error("the number at `{path}` would be written in another way after decryption")]
    Altered {
        /// The keys, joined by dots.
        path: String,
    },
    /// Neither the MAC nor an older version tells what else was changed.
    #[error("its MAC holds neither with nor without the plain values, so something else may have been changed, too")]
    Unproven,
}

impl From<DecryptError> for StrayError {
    fn from(error: DecryptError) -> Self {
        Self::Edit(error.into())
    }
}

impl From<CryptError> for StrayError {
    fn from(error: CryptError) -> Self {
        Self::Edit(error.into())
    }
}

/// Encrypts the values that stand plain against the selector, under the file's own data key. The others keep their
/// ciphertext.
///
/// That nothing else was changed is proved by the MAC, which holds with these values (they were covered as they are) or
/// without them (they were added), or by `before`, a version that is sound and that differs in nothing else.
///
/// # Errors
/// [`StrayError`].
pub fn encrypt_strays(store: &dyn Store, bytes: &[u8], before: Option<&[u8]>, editor: &Editor<'_>) -> Result<Completed, StrayError> {
    let (source, metadata) = read_sealed(store, bytes)?;
    let key = editor.keyring.open(&metadata).map_err(DecryptError::Open)?;
    if let Some(refusal) = source.refusals.first() {
        return Err(StrayError::Refused(refusal.clone()));
    }
    let mut paths: Vec<Vec<String>> = Vec::new();
    let mut sealed = source.tree.clone();
    each_stray(&mut sealed, metadata.selector(), &mut |path, value| {
        if let Some(kind) = value.value_type() {
            let envelope = cipher::seal(&key, &additional_data(path), kind, &value.to_bytes(), &mut Stash::default())?;
            *value = Scalar::Text(Text::new(envelope.to_string().into_bytes()));
            paths.push(path.to_vec());
        }
        Ok(())
    })?;
    if let Some(number) = source.altered.iter().find(|number| paths.contains(&number.path)) {
        return Err(StrayError::Altered { path: number.path.join(".") });
    }
    let mut stash = Stash::new().map_err(DecryptError::Cipher)?;
    let (tree, covered) = decrypted(sealed, &key, &metadata, &mut stash)?;
    let is_proved = covered
        || holds_without(&source, &key, &metadata)?
        || before.is_some_and(|old| is_else_equal(store, old, &source, &metadata, editor.keyring));
    if !is_proved {
        return Err(StrayError::Unproven);
    }
    let mut new = tree.clone();
    let mut opened = Opened { tree: Tree::default(), metadata, key, tally: crypt::Tally::default(), mac: Ok(()), stash, source };
    let metadata = reseal(&mut new, &mut opened, editor.now, CommentPolicy::AsFound)?;
    let file = store.write(&new, Some(&metadata), Some(&opened.source)).map_err(EditError::Write)?;
    Ok(Completed { file, tree, paths: paths.iter().map(|path| path.join(".")).collect() })
}

/// The values, and whether the MAC holds for them.
fn decrypted(mut tree: Tree, key: &DataKey, metadata: &Metadata, stash: &mut Stash) -> Result<(Tree, bool), StrayError> {
    let (mac, _) = crypt::decrypt(&mut tree, key, Rules::of(metadata, CommentPolicy::AsFound), stash)?;
    let holds = mac.verify(key, metadata.mac(), metadata.last_modified()).is_ok();
    Ok((tree, holds))
}

/// Whether the MAC holds for the file without the plain values.
fn holds_without(source: &Source, key: &DataKey, metadata: &Metadata) -> Result<bool, StrayError> {
    let mut rest = source.tree.clone();
    each_stray(&mut rest, metadata.selector(), &mut |_, value| {
        *value = Scalar::Null;
        Ok(())
    })?;
    let mut unused = Stash::new().map_err(DecryptError::Cipher)?;
    Ok(decrypted(rest, key, metadata, &mut unused)?.1)
}

/// Whether an older version is sound and equal to this one, but for the values that stand plain.
fn is_else_equal(store: &dyn Store, old: &[u8], source: &Source, metadata: &Metadata, keyring: &Keyring) -> bool {
    let Ok(old) = open(store, old, keyring) else { return false };
    let (mut now, then) = (source.tree.clone(), &old.source.tree.documents);
    // Nothing in a file is equal to random bytes.
    let Ok(mark) = DataKey::generate().map(|key| Scalar::Text(Text::new(key.expose().to_vec()))) else { return false };
    let marked = each_stray(&mut now, metadata.selector(), &mut |_, value| {
        *value = mark.clone();
        Ok(())
    });
    let is_same = || now.documents.len() == then.len() && now.documents.iter().zip(then).all(|(now, then)| same_map(now, then, &mark));
    marked.is_ok() && old.mac.is_ok() && old.metadata == *metadata && is_same()
}

/// Whether two maps are equal, but for values that are marked: they were encrypted then, or not there.
fn same_map(now: &Map, then: &Map, mark: &Scalar) -> bool {
    let is_new = |entry: &Entry| matches!(&entry.value, Node::Scalar(value) if value == mark) && then.get(&entry.key).is_none();
    let now: Vec<&MapItem> = now.items.iter().filter(|item| !matches!(item, MapItem::Entry(entry) if is_new(entry))).collect();
    let same = |(now, then): (&&MapItem, &MapItem)| match (now, then) {
        (MapItem::Entry(now), MapItem::Entry(then)) => now.key == then.key && same_node(&now.value, &then.value, mark),
        (now, then) => **now == *then,
    };
    now.len() == then.items.len() && now.iter().zip(&then.items).all(same)
}

fn same_node(now: &Node, then: &Node, mark: &Scalar) -> bool {
    match (now, then) {
        (Node::Scalar(value), then) if value == mark => then.as_str().is_some_and(|text| Envelope::parse(text).is_ok()),
        (Node::Map(now), Node::Map(then)) => same_map(now, then, mark),
        (Node::List(now), Node::List(then)) => {
            let same = |(now, then): (&ListItem, &ListItem)| match (now, then) {
                (ListItem::Value(now), ListItem::Value(then)) => same_node(now, then, mark),
                (now, then) => now == then,
            };
            now.items.len() == then.items.len() && now.items.iter().zip(&then.items).all(same)
        }
        (now, then) => now == then,
    }
}
