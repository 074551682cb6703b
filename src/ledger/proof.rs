//! Whether a leaked credential is still in use, told from the SOPS files that are to hold the new one.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::entry::{Entry, Ledger, StorePlace};
use super::leaks::leaks_in;
use crate::finding::{Fingerprint, FingerprintKey};
use crate::secret::Secret;
use crate::sops::keyring::Keyring;
use crate::sops::ops;
use crate::sops::path::{Step, TreePath};
use crate::sops::store::{Format, Limits, Style};
use crate::sops::tree::{Node, Scalar, Tree};

/// What SOPS files hold, as far as it has to do with what leaked.
#[derive(Debug, Default)]
pub struct Stores {
    values: Vec<Value>,
    /// Files that were opened.
    opened: BTreeSet<String>,
    /// The others, and why they were not.
    closed: BTreeMap<String, String>,
}

/// A value of a SOPS file.
#[derive(Debug)]
pub struct Value {
    /// Where it is, and what stands for it.
    pub place: StorePlace,
    /// The leaked values in it.
    pub leaks: BTreeSet<Fingerprint>,
    /// Whether it was too large to be looked at in all its parts.
    pub is_cut: bool,
}

/// What the stores say about a credential.
#[derive(Debug, PartialEq, Eq)]
pub enum Proof {
    /// They still hold it, here.
    Leaked(Vec<StorePlace>),
    /// They hold another one in its places.
    Replaced(Vec<StorePlace>),
    /// They do not tell.
    Unproven(Doubt),
}

/// Why the stores do not tell.
#[derive(Debug, PartialEq, Eq)]
pub enum Doubt {
    /// It is not known where it lives.
    NoStore,
    /// A store was not opened.
    Closed {
        /// The store.
        file: String,
        /// Why.
        reason: String,
    },
    /// A store no longer has the place.
    Gone(StorePlace),
    /// A value is too large to be compared in all its parts.
    TooLarge(StorePlace),
}

impl Stores {
    /// Opens SOPS files and looks in every value for leaked ones.
    pub fn read<'f>(
        files: impl IntoIterator<Item = (&'f str, &'f [u8])>,
        keyring: &Keyring,
        key: &FingerprintKey,
        wanted: &BTreeSet<Fingerprint>,
    ) -> Self {
        let mut stores = Self::default();
        for (file, bytes) in files {
            let store = Format::from_path(file).store(Limits::default(), Style::default());
            match ops::open(&*store, bytes, keyring) {
                Err(error) => _ = stores.closed.insert(file.to_owned(), error.to_string()),
                // Whoever can write the file may have put any value there.
                Ok(ops::Opened { mac: Err(error), .. }) => _ = stores.closed.insert(file.to_owned(), error.to_string()),
                Ok(opened) => {
                    stores.opened.insert(file.to_owned());
                    each_value(&opened.tree, &mut |path, value| {
                        let leaks = leaks_in(value, key, wanted);
                        let held = Some(key.fingerprint(&Secret::new(value.to_vec())));
                        let place = StorePlace { file: file.to_owned(), key: path, held };
                        stores.values.push(Value { place, leaks: leaks.found, is_cut: leaks.is_cut });
                    });
                }
            }
        }
        stores
    }

    /// The values that hold a leaked one.
    pub fn holding<'s>(&'s self, leaked: &'s Fingerprint) -> impl Iterator<Item = &'s Value> {
        self.values.iter().filter(move |value| value.leaks.contains(leaked))
    }

    /// Files that were not opened, and why.
    pub fn closed(&self) -> &BTreeMap<String, String> {
        &self.closed
    }
}

impl Ledger {
    /// What to look for in stores: the credentials, and what stood in their places.
    pub fn wanted(&self) -> BTreeSet<Fingerprint> {
        self.entries().flat_map(Entry::leaked).cloned().collect()
    }
}

/// What stores say about a credential. They must have been read with [`Ledger::wanted`].
pub fn prove(entry: &Entry, stores: &Stores) -> Proof {
    let mut leaked: Vec<StorePlace> = Vec::new();
    for value in entry.leaked().flat_map(|leaked| stores.holding(leaked)) {
        if !leaked.contains(&value.place) {
            leaked.push(value.place.clone());
        }
    }
    if !leaked.is_empty() {
        return Proof::Leaked(leaked);
    }
    if entry.stores.is_empty() {
        return Proof::Unproven(Doubt::NoStore);
    }
    let doubt = entry.stores.iter().find_map(|place| doubt(place, stores));
    doubt.map_or_else(|| Proof::Replaced(entry.stores.clone()), Proof::Unproven)
}

fn doubt(place: &StorePlace, stores: &Stores) -> Option<Doubt> {
    if let Some(reason) = stores.closed.get(&place.file) {
        return Some(Doubt::Closed { file: place.file.clone(), reason: reason.clone() });
    }
    if !stores.opened.contains(&place.file) {
        return Some(Doubt::Gone(place.clone()));
    }
    let is_here = |value: &&Value| value.place.file == place.file && place.key.as_ref().is_none_or(|_| value.place.key == place.key);
    let mut here = stores.values.iter().filter(is_here).peekable();
    if here.peek().is_none() {
        return Some(Doubt::Gone(place.clone()));
    }
    here.any(|value| value.is_cut).then(|| Doubt::TooLarge(place.clone()))
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoStore => f.write_str("no SOPS file is known to hold it"),
            Self::Closed { file, reason } => write!(f, "{file} was not opened: {reason}"),
            Self::Gone(place) => write!(f, "{place} is gone"),
            Self::TooLarge(place) => write!(f, "{place} is too large to be compared in all its parts"),
        }
    }
}

/// Every value with its path; those of a second document have none.
fn each_value(tree: &Tree, each: &mut dyn FnMut(Option<TreePath>, &[u8])) {
    let mut open: Vec<(Vec<Step>, bool, &Node)> = Vec::new();
    for (number, document) in tree.documents.iter().enumerate() {
        let steps = document.entries().map(|entry| (vec![Step::Key(entry.key.clone())], number == 0, &entry.value));
        open.extend(steps);
    }
    open.reverse();
    while let Some((steps, is_addressed, node)) = open.pop() {
        let below = |step: Step| steps.iter().cloned().chain([step]).collect::<Vec<_>>();
        match node {
            Node::Scalar(Scalar::Null | Scalar::Bool(_)) => {}
            Node::Scalar(scalar) => each(is_addressed.then(|| TreePath::new(steps)), &scalar.to_bytes()),
            Node::Alias(target) => open.push((steps, is_addressed, target)),
            Node::Map(map) => open.extend(map.entries().map(|entry| (below(Step::Key(entry.key.clone())), is_addressed, &entry.value))),
            Node::List(list) => {
                open.extend(list.values().enumerate().map(|(at, value)| (below(Step::Index(at)), is_addressed, value)));
            }
        }
    }
}
