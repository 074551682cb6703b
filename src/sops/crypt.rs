//! Encrypting and decrypting a whole [`Tree`] under a data key, and computing its MAC on the way.
//!
//! Source: sops' `Tree.Encrypt` and `Tree.Decrypt`; the walk visits leaves in document order, list indices are not
//! part of a leaf's path.

mod strays;

pub use strays::{OnStray, each_stray};

use super::cipher::{self, CipherError, Envelope, Stash};
use super::data_key::DataKey;
use super::mac::{MacBuilder, MacScope, PlainMac, Protection};
use super::metadata::Metadata;
use super::scalar::{NotThatType, ValueType};
use super::selector::{Marked, Selector};
use super::tree::{Comment, List, ListItem, Map, MapItem, Node, Scalar, Text, Tree};

/// What of a tree is encrypted and what its MAC covers.
#[derive(Clone, Copy, Debug)]
pub struct Rules<'a> {
    /// Which leaves are encrypted.
    pub selector: &'a Selector,
    /// What the MAC covers.
    pub mac_scope: MacScope,
    /// What happens to comments in encrypted places.
    pub comments: CommentPolicy,
}

/// What happens to comments that stand where values are encrypted.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum CommentPolicy {
    /// They are encrypted, as sops does.
    #[default]
    Encrypt,
    /// They stay readable; sops warns about them on stderr when it decrypts.
    Keep,
    /// Those that were encrypted in the file before are encrypted again.
    AsFound,
}

/// How many leaves and comments were in which state.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Tally {
    /// Values that are encrypted in the file.
    pub encrypted: usize,
    /// Values that the selector leaves plain; null and the empty text are not counted.
    pub plain: usize,
    /// Comments in encrypted places that stand in the file as plain text.
    pub plain_comments: usize,
    /// Comments that look encrypted and do not open.
    pub broken_comments: usize,
}

/// Why a tree cannot be encrypted or decrypted. Names the place, never the value.
#[derive(Debug, thiserror::Error)]
#[error("{}: {fault}", if .path.is_empty() { "at the top level" } else { .path })]
pub struct CryptError {
    /// The keys leading to the leaf, joined by dots.
    pub path: String,
    /// What is wrong there.
    #[source]
    pub fault: Fault,
}

/// What is wrong with one leaf.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The cipher refuses.
    #[error(transparent)]
    Cipher(#[from] CipherError),
    /// The plain bytes do not fit the type.
    #[error(transparent)]
    Type(#[from] NotThatType),
    /// A value that should be encrypted is a number, a bool or the like.
    #[error("the selector says this value is encrypted, but it is not a text")]
    NotText,
    /// A comment's ciphertext stands where a value belongs.
    #[error("a comment's ciphertext stands in the place of a value")]
    CommentAsValue,
    /// sops looks at comments before it decrypts them.
    #[error("the selector for comments also matches encrypted comments, and sops could not decrypt the file; anchor it with `^`")]
    SealedMarker,
    /// An alias repeats a value that should be encrypted.
    #[error("an alias repeats a value that must be encrypted; write the value out")]
    Alias,
}

impl<'a> Rules<'a> {
    /// The rules a file's metadata states.
    #[must_use]
    pub const fn of(metadata: &'a Metadata, comments: CommentPolicy) -> Self {
        Self { selector: metadata.selector(), mac_scope: metadata.mac_scope(), comments }
    }
}

/// Encrypts in place and returns the MAC. Values the stash knows keep their nonce.
///
/// # Errors
/// [`CryptError`]; the tree is then half done and to be thrown away.
pub fn encrypt(tree: &mut Tree, key: &DataKey, rules: Rules<'_>, stash: &mut Stash) -> Result<(PlainMac, Tally), CryptError> {
    let mut pass = Encrypting { key, rules, stash, mac: MacBuilder::new(rules.mac_scope), tally: Tally::default() };
    walk(tree, rules.selector, &mut pass)?;
    Ok((pass.mac.finish(), pass.tally))
}

/// Decrypts in place and returns the MAC of what was found. The stash learns the nonces.
///
/// # Errors
/// [`CryptError`]; the tree is then half done and to be thrown away.
pub fn decrypt(tree: &mut Tree, key: &DataKey, rules: Rules<'_>, stash: &mut Stash) -> Result<(PlainMac, Tally), CryptError> {
    let mut pass = Decrypting { key, stash, mac: MacBuilder::new(rules.mac_scope), tally: Tally::default() };
    walk(tree, rules.selector, &mut pass)?;
    Ok((pass.mac.finish(), pass.tally))
}

/// The additional data that binds a ciphertext to its place.
#[must_use]
pub fn additional_data(path: &[String]) -> String {
    let mut text = path.join(":");
    text.push(':');
    text
}

/// Where the walk stands.
struct Place<'a> {
    path: &'a [String],
    protection: Protection,
    /// Keys standing next to a comment: a comment may belong to a neighbouring map.
    neighbours: &'a [String],
    inside_alias: bool,
}

trait Pass {
    fn value(&mut self, value: &mut Scalar, place: &Place<'_>) -> Result<(), Fault>;
    fn comment(&mut self, comment: &mut Comment, place: &Place<'_>) -> Result<(), Fault>;
}

struct Encrypting<'a> {
    key: &'a DataKey,
    rules: Rules<'a>,
    stash: &'a mut Stash,
    mac: MacBuilder,
    tally: Tally,
}

impl Pass for Encrypting<'_> {
    fn value(&mut self, value: &mut Scalar, place: &Place<'_>) -> Result<(), Fault> {
        self.mac.absorb(value, place.protection);
        let plain = value.to_bytes();
        let Some(kind) = value.value_type().filter(|_| !plain.is_empty()) else {
            return Ok(());
        };
        if place.protection == Protection::Plain {
            self.tally.plain += 1;
            return Ok(());
        }
        if place.inside_alias {
            return Err(Fault::Alias);
        }
        self.tally.encrypted += 1;
        let envelope = cipher::seal(self.key, &additional_data(place.path), kind, &plain, self.stash)?;
        *value = Scalar::Text(Text::new(envelope.to_string().into_bytes()));
        Ok(())
    }

    fn comment(&mut self, comment: &mut Comment, place: &Place<'_>) -> Result<(), Fault> {
        let plain = comment.0.expose();
        let sealed = comment.0.as_str().is_some_and(|text| Envelope::parse(text).is_ok());
        if place.protection == Protection::Plain || plain.is_empty() || sealed || place.inside_alias {
            return Ok(());
        }
        let aad = additional_data(place.path);
        let wanted = match self.rules.comments {
            CommentPolicy::Encrypt => true,
            CommentPolicy::Keep => false,
            CommentPolicy::AsFound => self.stash.knows(&aad, ValueType::Comment, plain),
        };
        if !wanted {
            self.tally.plain_comments += 1;
            return Ok(());
        }
        for _ in 0..ATTEMPTS {
            let sealed = cipher::seal(self.key, &aad, ValueType::Comment, plain, self.stash)?.to_string();
            let misleads = matches!(self.rules.selector, Selector::UnencryptedCommentRegex(regex) if regex.is_match(sealed.as_bytes()));
            if !misleads {
                comment.0 = Text::new(sealed.into_bytes());
                return Ok(());
            }
        }
        Err(Fault::SealedMarker)
    }
}

/// How often a comment is encrypted until its ciphertext does not read like one that leaves values plain.
const ATTEMPTS: usize = 200;

struct Decrypting<'a> {
    key: &'a DataKey,
    stash: &'a mut Stash,
    mac: MacBuilder,
    tally: Tally,
}

impl Pass for Decrypting<'_> {
    fn value(&mut self, value: &mut Scalar, place: &Place<'_>) -> Result<(), Fault> {
        let empty = matches!(value, Scalar::Null) || value.to_bytes().is_empty();
        if place.protection == Protection::Encrypted && !empty {
            let Scalar::Text(text) = value else {
                return Err(Fault::NotText);
            };
            let text = text.as_str().ok_or(Fault::NotText)?;
            let envelope = Envelope::parse(text)?;
            if envelope.kind == ValueType::Comment {
                return Err(Fault::CommentAsValue);
            }
            let aad = additional_data(place.path);
            let plain = cipher::open(self.key, &aad, &envelope)?;
            *value = Scalar::from_bytes(envelope.kind, &plain)?;
            let canonical = value.to_bytes();
            let kind = value.value_type().unwrap_or(envelope.kind);
            self.stash.remember(&aad, kind, &canonical, &envelope.nonce);
            self.tally.encrypted += 1;
        } else if !empty {
            self.tally.plain += 1;
        }
        self.mac.absorb(value, place.protection);
        Ok(())
    }

    fn comment(&mut self, comment: &mut Comment, place: &Place<'_>) -> Result<(), Fault> {
        let envelope = comment.0.as_str().filter(|text| Envelope::looks_like(text)).map(Envelope::parse);
        let Some(Ok(envelope)) = envelope else {
            let readable = place.protection == Protection::Encrypted && !comment.0.expose().is_empty();
            self.tally.plain_comments += usize::from(readable);
            return Ok(());
        };
        for aad in comment_places(place) {
            if let Ok(plain) = cipher::open(self.key, &aad, &envelope) {
                self.stash.remember(&additional_data(place.path), ValueType::Comment, &plain, &envelope.nonce);
                comment.0 = Text::new(plain.to_vec());
                return Ok(());
            }
        }
        self.tally.broken_comments += usize::from(place.protection == Protection::Encrypted);
        Ok(())
    }
}

/// The places a comment's ciphertext may be bound to: its map, the maps next to it, the maps around it.
/// go-yaml decides to which map a comment belongs by blank lines and indentation, and a hand-edited file moves it.
fn comment_places(place: &Place<'_>) -> Vec<String> {
    let mut places = vec![additional_data(place.path)];
    for key in place.neighbours {
        let mut path = place.path.to_vec();
        path.push(key.clone());
        places.push(additional_data(&path));
    }
    places.extend((0..place.path.len()).rev().map(|depth| additional_data(&place.path[..depth])));
    places
}

fn walk(tree: &mut Tree, selector: &Selector, pass: &mut dyn Pass) -> Result<(), CryptError> {
    for document in &mut tree.documents {
        let mut walker = Walker { selector, pass, path: Vec::new(), marked: Vec::new(), aliases: 0 };
        walker.map(document)?;
    }
    Ok(())
}

struct Walker<'a> {
    selector: &'a Selector,
    pass: &'a mut dyn Pass,
    path: Vec<String>,
    /// For each map and list around: whether a marker comment stands before the current item.
    marked: Vec<bool>,
    aliases: usize,
}

impl Walker<'_> {
    fn map(&mut self, map: &mut Map) -> Result<(), CryptError> {
        self.marked.push(false);
        for at in 0..map.items.len() {
            let neighbours = neighbours(map, at);
            match &mut map.items[at] {
                MapItem::Comment(comment) => self.comment(comment, &neighbours)?,
                MapItem::Entry(entry) => {
                    self.path.push(entry.key.clone());
                    self.node(&mut entry.value)?;
                    self.path.pop();
                    self.unmark();
                }
            }
        }
        self.marked.pop();
        Ok(())
    }

    fn list(&mut self, list: &mut List) -> Result<(), CryptError> {
        self.marked.push(false);
        for item in &mut list.items {
            match item {
                ListItem::Comment(comment) => self.comment(comment, &[])?,
                ListItem::Value(node) => {
                    self.node(node)?;
                    self.unmark();
                }
            }
        }
        self.marked.pop();
        Ok(())
    }

    fn node(&mut self, node: &mut Node) -> Result<(), CryptError> {
        match node {
            Node::Map(map) => self.map(map),
            Node::List(list) => self.list(list),
            Node::Scalar(Scalar::Null) => Ok(()),
            Node::Scalar(value) => {
                let protection = self.selector.protection(&self.path, self.is_marked());
                let place = Place { path: &self.path, protection, neighbours: &[], inside_alias: self.aliases > 0 };
                let done = self.pass.value(value, &place);
                done.map_err(|fault| self.error(fault))
            }
            Node::Alias(target) => {
                self.aliases += 1;
                self.node(target)?;
                self.aliases -= 1;
                Ok(())
            }
        }
    }

    fn comment(&mut self, comment: &mut Comment, neighbours: &[String]) -> Result<(), CryptError> {
        let marker = self.selector.is_marker(comment.0.expose());
        let stays_readable = matches!(self.selector, Selector::EncryptedCommentRegex(_));
        let marked = if marker && !stays_readable { Marked::Yes } else { self.is_marked() };
        let protection = self.selector.protection(&self.path, marked);
        if let Some(level) = self.marked.last_mut() {
            *level |= marker;
        }
        let place = Place { path: &self.path, protection, neighbours, inside_alias: self.aliases > 0 };
        let done = self.pass.comment(comment, &place);
        done.map_err(|fault| self.error(fault))
    }

    fn is_marked(&self) -> Marked {
        if self.marked.contains(&true) { Marked::Yes } else { Marked::No }
    }

    fn unmark(&mut self) {
        if let Some(level) = self.marked.last_mut() {
            *level = false;
        }
    }

    fn error(&self, fault: Fault) -> CryptError {
        CryptError { path: self.path.join("."), fault }
    }
}

/// How far a comment looks for the entries next to it.
const NEIGHBOURHOOD: usize = 16;

/// The keys of the entries before and after the item at `at`, if the item is a comment.
fn neighbours(map: &Map, at: usize) -> Vec<String> {
    if matches!(map.items[at], MapItem::Entry(_)) {
        return Vec::new();
    }
    let key = |item: &MapItem| match item {
        MapItem::Entry(entry) => Some(entry.key.clone()),
        MapItem::Comment(_) => None,
    };
    let before = map.items[..at].iter().rev().take(NEIGHBOURHOOD).find_map(key);
    let after = map.items[at..].iter().take(NEIGHBOURHOOD).find_map(key);
    before.into_iter().chain(after).collect()
}

/// Shows every value with its path and whether the selector says it is encrypted; nothing is decrypted.
pub fn inspect(documents: &[Map], selector: &Selector, each: &mut dyn FnMut(&[String], &Scalar, Protection)) {
    struct Looking<'a>(&'a mut dyn FnMut(&[String], &Scalar, Protection));
    impl Pass for Looking<'_> {
        fn value(&mut self, value: &mut Scalar, place: &Place<'_>) -> Result<(), Fault> {
            (self.0)(place.path, value, place.protection);
            Ok(())
        }
        fn comment(&mut self, _: &mut Comment, _: &Place<'_>) -> Result<(), Fault> {
            Ok(())
        }
    }
    // Looking never fails.
    let _ = walk(&mut Tree { documents: documents.to_vec() }, selector, &mut Looking(each));
}
