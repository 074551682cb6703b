//! From the chosen steps of a plan to the new bytes of each file. Nothing is written here; every store is
//! decrypted again and compared before it is handed on.

use std::collections::{BTreeMap, BTreeSet};

use rayon::iter::{IntoParallelIterator as _, ParallelIterator as _};
use zeroize::Zeroizing;

use super::creation_rules::{cover, schemes};
use super::dismiss::NotAList;
use super::file::{SourceFile, SourceFiles};
use super::plan::{Action, Entry, Piece, Plan, Shape, Step, Store as PlannedStore};
use super::policy::{NoRecipients, Policy, SECRET_SELECTOR};
use super::repo::Repo;
use super::store_check::{Expected, StoreFault, check};
use crate::sops::crypt::CommentPolicy;
use crate::sops::keyring::Keyring;
use crate::sops::ops::{self, AlteredNumbers, DecryptError, EditError, Editor, EncryptError, MacCheck, NewPlain, NothingSelected};
use crate::sops::path::{PathError, TreePath};
use crate::sops::plugin::Plugins;
use crate::sops::store::{Format, Limits, ReadError, Style, WriteError};
use crate::sops::timestamp::Timestamp;
use crate::sops::tree::{List, ListItem, Map, Node, Scalar, Text, Tree};
use crate::text::{Encoding, Span};

/// The new bytes of one file.
pub struct Change {
    /// Relative to the top of the repository.
    pub path: String,
    /// The bytes that were planned on; `None` for a new file.
    pub before: Option<Zeroizing<Vec<u8>>>,
    /// The bytes that take their place.
    pub after: Zeroizing<Vec<u8>>,
    /// What a store must decrypt to; `None` for a text.
    pub expected: Option<Expected>,
}

/// What encryption needs.
#[derive(Clone, Copy)]
pub struct Tools<'a> {
    /// Who may open new stores.
    pub policy: &'a Policy,
    /// Opens stores.
    pub keyring: &'a Keyring,
    /// Wraps keys for plugin recipients.
    pub plugins: &'a dyn Plugins,
    /// The time that stores record.
    pub now: &'a Timestamp,
}

/// Why a plan cannot be turned into files. Nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// Nobody could open a store.
    #[error(transparent)]
    NoRecipients(#[from] NoRecipients),
    /// A store cannot be encrypted.
    #[error("{path}: {source}")]
    Encrypt {
        /// The store.
        path: String,
        /// Why.
        source: Box<EncryptError>,
    },
    /// A store cannot be extended.
    #[error("{path}: {source}")]
    Edit {
        /// The store.
        path: String,
        /// Why.
        source: Box<EditError>,
    },
    /// A store cannot be opened.
    #[error("{path}: {source}")]
    Open {
        /// The store.
        path: String,
        /// Why.
        source: Box<DecryptError>,
    },
    /// A store's plain form cannot be read or written.
    #[error("{path}: {message}")]
    Form {
        /// The store.
        path: String,
        /// Why.
        message: String,
    },
    /// What was encrypted does not come back.
    #[error("{path}: {source}")]
    Store {
        /// The store.
        path: String,
        /// Why.
        source: StoreFault,
    },
    /// A file that the plan edits is not there.
    #[error("{0}: the file is gone or not a regular file")]
    Gone(String),
    /// The allowlist cannot take the false alarms.
    #[error(transparent)]
    Allowlist(#[from] NotAList),
    /// Two edits want the same bytes.
    #[error("{0}: two edits overlap; skip one of them")]
    Overlap(String),
    /// A new file would take the place of another.
    #[error("{0}: a file of this name exists already")]
    Exists(String),
}

/// The changes of the steps that a run accepts: stores first, then texts, each group in order of path.
///
/// # Errors
/// [`ChangeError`].
pub(super) fn changes(plan: &Plan, files: &SourceFiles, repo: &Repo, tools: Tools<'_>) -> Result<Vec<Change>, ChangeError> {
    let mut stores = stores(plan, repo, tools)?;
    let rules = cover(plan, &schemes(plan, tools.policy), tools.policy, repo).map(|rules| rules.action);
    let before = |path: &str| files.get(path).map(|file| file.bytes.clone()).or_else(|| repo.read(path).map(Zeroizing::new));
    let wanted: Vec<_> = by_file(plan, rules.as_ref()).into_iter().map(|(path, actions)| (before(&path), path, actions)).collect();
    let made: Vec<Result<Change, ChangeError>> =
        wanted.into_par_iter().map(|(before, path, actions)| text(&path, before, &actions, files, tools)).collect();
    let mut texts = Vec::new();
    for change in made {
        let change = change?;
        if change.expected.is_some() { stores.push(change) } else { texts.push(change) }
    }
    texts.retain(|change| change.before.as_deref().map(Vec::as_slice) != Some(change.after.as_slice()));
    stores.append(&mut texts);
    Ok(stores)
}

fn by_file<'p>(plan: &'p Plan, rules: Option<&'p Action>) -> BTreeMap<String, BTreeSet<&'p Action>> {
    let mut by_file = BTreeMap::<String, BTreeSet<&Action>>::new();
    for action in plan.chosen().flat_map(|step| &step.actions).chain(rules) {
        by_file.entry(action.file().to_owned()).or_default().insert(action);
    }
    by_file
}

fn stores(plan: &Plan, repo: &Repo, tools: Tools<'_>) -> Result<Vec<Change>, ChangeError> {
    let mut wanted = BTreeMap::<usize, BTreeSet<usize>>::new();
    for id in plan.chosen().flat_map(|step| &step.entries) {
        wanted.entry(id.store).or_default().insert(id.entry);
    }
    let wanted: Vec<_> = wanted.into_iter().map(|(at, entries)| (&plan.stores[at], entries)).collect();
    let wanted: Vec<_> = wanted.into_iter().map(|(store, entries)| (repo.read(&store.path).map(Zeroizing::new), store, entries)).collect();
    let made: Vec<Result<Option<Change>, ChangeError>> =
        wanted.into_par_iter().map(|(before, store, entries)| filled(store, before, &entries, tools)).collect();
    let mut changes: Vec<Change> = made.into_iter().filter_map(Result::transpose).collect::<Result<_, _>>()?;
    changes.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(changes)
}

/// A store with these entries; `None` if it holds them already.
pub(super) fn filled(
    store: &PlannedStore,
    before: Option<Zeroizing<Vec<u8>>>,
    entries: &BTreeSet<usize>,
    tools: Tools<'_>,
) -> Result<Option<Change>, ChangeError> {
    let entries: Vec<&Entry> = entries.iter().map(|&entry| &store.entries[entry]).collect();
    let after = match &before {
        Some(bytes) => extended(store, bytes, &entries, tools)?,
        None => Some(fresh(store, &entries, tools)?),
    };
    let Some(after) = after else { return Ok(None) };
    let expected = Expected::Entries(entries.into_iter().map(|entry| (store.shape.locate(&entry.path), entry.value.clone())).collect());
    checked(&store.path, &after, &expected, tools)?;
    Ok(Some(Change { path: store.path.clone(), before, after: Zeroizing::new(after), expected: Some(expected) }))
}

fn checked(path: &str, bytes: &[u8], expected: &Expected, tools: Tools<'_>) -> Result<(), ChangeError> {
    check(path, bytes, expected, tools.keyring).map_err(|source| ChangeError::Store { path: path.to_owned(), source })
}

fn fresh(store: &PlannedStore, entries: &[&Entry], tools: Tools<'_>) -> Result<Vec<u8>, ChangeError> {
    let form = |message: String| ChangeError::Form { path: store.path.clone(), message };
    let scheme = tools.policy.scheme_to_make(&store.path)?;
    let mut tree = Tree { documents: vec![frame(&store.shape)] };
    put(&mut tree, store, entries).map_err(|error| form(error.to_string()))?;
    let format = store.format.store(Limits::default(), scheme.style);
    let plain = Zeroizing::new(format.write(&tree, None, None).map_err(|error| form(error.to_string()))?);
    let paths: Vec<Vec<String>> = entries.iter().map(|entry| store.shape.keys(&entry.path)).collect();
    let otherwise = (store.shape != Shape::Keys).then_some(SECRET_SELECTOR);
    let plan = ops::Plan {
        audience: scheme.audience.clone(),
        selector: Some(scheme.selector_for(paths.iter().map(Vec::as_slice), otherwise)),
        mac_scope: scheme.mac_scope,
        comments: CommentPolicy::Keep,
        nothing_selected: NothingSelected::Refuse,
        altered_numbers: AlteredNumbers::Refuse,
        now: tools.now.clone(),
    };
    let encrypted = ops::encrypt(&*format, &plain, &plan, tools.plugins);
    encrypted.map_err(|source| ChangeError::Encrypt { path: store.path.clone(), source: Box::new(source) })
}

/// The version of `SopsSecret`s that sopup writes.
pub(super) const SOPS_SECRET_VERSION: &str = "isindir.github.com/v1alpha3";

/// What a new store holds beside its entries.
fn frame(shape: &Shape) -> Map {
    let (version, kind, name, namespace) = match shape {
        Shape::Keys => return Map::default(),
        Shape::KubernetesSecret { name, namespace } => ("v1", "Secret", name, namespace),
        Shape::SopsSecret { name, namespace } => (SOPS_SECRET_VERSION, "SopsSecret", name, namespace),
    };
    let namespace = namespace.as_deref().map(|namespace| ("namespace", Node::text(namespace)));
    let metadata = std::iter::once(("name", Node::text(name))).chain(namespace);
    let of_kind =
        |rest| map([("apiVersion", Node::text(version)), ("kind", Node::text(kind)), ("metadata", Node::Map(map(metadata))), rest]);
    match shape {
        Shape::SopsSecret { .. } => {
            let template = Node::Map(map([("name", Node::text(name)), ("type", Node::text("Opaque"))]));
            let templates = Node::List(List { items: vec![ListItem::Value(template)] });
            of_kind(("spec", Node::Map(map([("secretTemplates", templates)]))))
        }
        _ => of_kind(("type", Node::text("Opaque"))),
    }
}

fn map<'k>(entries: impl IntoIterator<Item = (&'k str, Node)>) -> Map {
    let mut map = Map::default();
    for (key, node) in entries {
        map.insert(key, node);
    }
    map
}

/// Puts entries into a tree; whether anything changed.
fn put(tree: &mut Tree, store: &PlannedStore, entries: &[&Entry]) -> Result<bool, PathError> {
    let mut changed = false;
    for entry in entries {
        let path = TreePath::new(store.shape.locate(&entry.path));
        let known = path.find(tree).ok().and_then(Node::as_str).is_some_and(|text| text.as_bytes() == entry.value.expose());
        if !known {
            path.set(tree, Node::Scalar(Scalar::Text(Text::new(entry.value.expose().to_vec()))))?;
            changed = true;
        }
    }
    Ok(changed)
}

/// A store with more entries; `None` if it holds them all.
fn extended(store: &PlannedStore, bytes: &[u8], entries: &[&Entry], tools: Tools<'_>) -> Result<Option<Vec<u8>>, ChangeError> {
    let form = |message: String| ChangeError::Form { path: store.path.clone(), message };
    let style = tools.policy.config.as_ref().map(|config| config.style).unwrap_or_default();
    let format = store.format.store(Limits::default(), style);
    let plain = ops::decrypt(&*format, bytes, tools.keyring, MacCheck::Required)
        .map(Zeroizing::new)
        .map_err(|source| ChangeError::Open { path: store.path.clone(), source: Box::new(source) })?;
    let source = format.read_plain(&plain).map_err(|error: ReadError| form(error.to_string()))?;
    let mut tree = source.tree.clone();
    if !put(&mut tree, store, entries).map_err(|error| form(error.to_string()))? {
        return Ok(None);
    }
    let plain = format.write(&tree, None, Some(&source)).map_err(|error: WriteError| form(error.to_string()))?;
    let plain = Zeroizing::new(plain);
    let editor = Editor {
        keyring: tools.keyring,
        plugins: tools.plugins,
        now: tools.now,
        mac_check: MacCheck::Required,
        new_plain: NewPlain::Refuse,
    };
    let after = ops::replace(&*format, bytes, &plain, &editor);
    after.map(Some).map_err(|source| ChangeError::Edit { path: store.path.clone(), source: Box::new(source) })
}

fn text(
    path: &str,
    before: Option<Zeroizing<Vec<u8>>>,
    actions: &BTreeSet<&Action>,
    files: &SourceFiles,
    tools: Tools<'_>,
) -> Result<Change, ChangeError> {
    let mut after = before.clone().unwrap_or_default();
    let splices: Vec<(Span, &str)> = actions.iter().filter_map(|action| splice_of(action)).collect();
    if !splices.is_empty() {
        let bytes = before.as_ref().ok_or_else(|| ChangeError::Gone(path.to_owned()))?;
        let encoding = files.get(path).map_or(Encoding::Bytes, SourceFile::encoding);
        after = Zeroizing::new(spliced(bytes, splices, encoding).ok_or_else(|| ChangeError::Overlap(path.to_owned()))?);
    }
    let mut expected = None;
    for action in actions {
        match action {
            Action::Splice { .. } => {}
            Action::Extract { from, pieces, .. } => {
                let source = files.get(from).ok_or_else(|| ChangeError::Gone(from.clone()))?;
                if before.is_some() && from != path {
                    return Err(ChangeError::Exists(path.to_owned()));
                }
                after = composed(&source.bytes, pieces).ok_or_else(|| ChangeError::Gone(from.clone()))?;
            }
            Action::Create { text, .. } => match &before {
                None => after = Zeroizing::new(text.clone().into_bytes()),
                Some(known) if known.as_slice() == text.as_bytes() => {}
                Some(_) => return Err(ChangeError::Exists(path.to_owned())),
            },
            Action::Append { line, .. } => append(&mut after, line),
            Action::Encrypt { selector, .. } => {
                let (bytes, tree) = in_place(path, &after, selector, tools)?;
                (after, expected) = (Zeroizing::new(bytes), Some(Expected::Tree(tree)));
            }
        }
    }
    if let Some(expected) = &expected {
        checked(path, &after, expected, tools)?;
    }
    Ok(Change { path: path.to_owned(), before, after, expected })
}

/// Content put together of pieces; `None` if one lies outside of the file.
fn composed(bytes: &[u8], pieces: &[Piece]) -> Option<Zeroizing<Vec<u8>>> {
    let mut out = Zeroizing::new(Vec::with_capacity(2 * bytes.len()));
    for piece in pieces {
        match piece {
            Piece::Bytes(span) => out.extend_from_slice(bytes.get(span.range())?),
            Piece::Text(text) => out.extend_from_slice(text.as_bytes()),
        }
    }
    Some(out)
}

/// The bytes of a step's own file with its splices made; as they are if that cannot be.
pub fn preview(step: &Step, file: &SourceFile) -> Zeroizing<Vec<u8>> {
    let splice = |action: &'_ Action| matches!(action, Action::Splice { file, .. } if *file == step.file);
    let splices = step.actions.iter().filter(|action| splice(action)).filter_map(splice_of).collect();
    spliced(&file.bytes, splices, file.encoding()).map_or_else(|| file.bytes.clone(), Zeroizing::new)
}

pub(super) fn splice_of(action: &Action) -> Option<(Span, &str)> {
    match action {
        Action::Splice { span, text, .. } => Some((*span, text.as_str())),
        _ => None,
    }
}

/// Bytes with spans replaced, in order of place; `None` if spans overlap or lie outside. Insertions at one
/// place are made in the order of their texts.
fn spliced(bytes: &[u8], mut splices: Vec<(Span, &str)>, encoding: Encoding) -> Option<Vec<u8>> {
    splices.sort();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    for (span, text) in splices {
        out.extend_from_slice(bytes.get(at..span.start)?);
        encode(text, encoding, &mut out);
        at = span.end;
    }
    out.extend_from_slice(bytes.get(at..)?);
    Some(out)
}

fn encode(text: &str, encoding: Encoding, out: &mut Vec<u8>) {
    match encoding {
        Encoding::Bytes | Encoding::Squeezed => out.extend_from_slice(text.as_bytes()),
        Encoding::Utf16Le => out.extend(text.encode_utf16().flat_map(u16::to_le_bytes)),
        Encoding::Utf16Be => out.extend(text.encode_utf16().flat_map(u16::to_be_bytes)),
        Encoding::Utf32Le => out.extend(text.chars().flat_map(|c| u32::from(c).to_le_bytes())),
        Encoding::Utf32Be => out.extend(text.chars().flat_map(|c| u32::from(c).to_be_bytes())),
    }
}

fn append(bytes: &mut Vec<u8>, line: &str) {
    if bytes.split(|byte| *byte == b'\n').any(|known| known.trim_ascii() == line.as_bytes()) {
        return;
    }
    let end: &[u8] = if memchr::memmem::find(bytes, b"\r\n").is_some() { b"\r\n" } else { b"\n" };
    if !bytes.is_empty() && !bytes.ends_with(b"\n") {
        bytes.extend_from_slice(end);
    }
    bytes.extend_from_slice(line.as_bytes());
    bytes.extend_from_slice(end);
}

fn in_place(path: &str, plain: &[u8], selector: &str, tools: Tools<'_>) -> Result<(Vec<u8>, Tree), ChangeError> {
    let scheme = tools.policy.scheme_to_make(path)?;
    let format = Format::from_path(path).store(Limits::default(), Style::default());
    let form = |message: String| ChangeError::Form { path: path.to_owned(), message };
    let tree = format.read_plain(plain).map_err(|error| form(error.to_string()))?.tree;
    let data = [vec!["data".to_owned()], vec!["stringData".to_owned()]];
    let plan = ops::Plan {
        selector: Some(scheme.selector_for(data.iter().map(Vec::as_slice), Some(selector))),
        audience: scheme.audience,
        mac_scope: scheme.mac_scope,
        comments: CommentPolicy::Encrypt,
        nothing_selected: NothingSelected::Refuse,
        altered_numbers: AlteredNumbers::Refuse,
        now: tools.now.clone(),
    };
    let bytes = ops::encrypt(&*format, plain, &plan, tools.plugins)
        .map_err(|source| ChangeError::Encrypt { path: path.to_owned(), source: Box::new(source) })?;
    Ok((bytes, tree))
}
