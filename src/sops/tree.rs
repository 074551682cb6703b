//! The neutral form of a file: an ordered tree of maps, lists, scalars and comments.
//!
//! The order is the order of the file, because sops' MAC depends on it. How a tree is spelled in YAML, JSON and
//! the other formats is the business of [`super::store`].

use std::fmt;

use super::timestamp::Timestamp;
use crate::secret::Secret;

/// A whole file: one map per document (only YAML has more than one).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tree {
    /// The documents in file order.
    pub documents: Vec<Map>,
}

/// An ordered map with the comments between its entries.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Map {
    /// Entries and comments in file order.
    pub items: Vec<MapItem>,
}

/// One line of a [`Map`].
#[derive(Clone, Debug, PartialEq)]
pub enum MapItem {
    /// A comment standing before the next entry, or at the end of the map.
    Comment(Comment),
    /// A key and its value.
    Entry(Entry),
}

/// A key and its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The key. Keys are never encrypted.
    pub key: String,
    /// The value below the key.
    pub value: Node,
}

/// Any value.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    /// A nested map.
    Map(Map),
    /// A nested list.
    List(List),
    /// A leaf.
    Scalar(Scalar),
    /// A copy of a node that the file spells as an alias (`*name`). sops hashes it as if it were written out.
    Alias(Box<Node>),
}

/// An ordered list with the comments between its items.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct List {
    /// Items and comments in file order.
    pub items: Vec<ListItem>,
}

/// One line of a [`List`].
#[derive(Clone, Debug, PartialEq)]
pub enum ListItem {
    /// A comment standing before the next item, or at the end of the list.
    Comment(Comment),
    /// An item.
    Value(Node),
}

/// The text after the comment sign, leading blanks included.
#[derive(Clone, Debug, PartialEq)]
pub struct Comment(pub Text);

/// A leaf value with its type, which sops stores beside the ciphertext.
#[derive(Clone, PartialEq)]
pub enum Scalar {
    /// No value. Never encrypted, never hashed.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number in the range of `i64`.
    Int(i64),
    /// A floating-point number.
    Float(f64),
    /// A point in time.
    Time(Timestamp),
    /// Text, or raw bytes in a binary file.
    Text(Text),
}

/// Bytes that may be secret: wiped on drop, not printable.
#[derive(Clone, Eq, PartialEq)]
pub struct Text(Secret);

impl Map {
    /// The value below `key`, if the map has it.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entries().find(|entry| entry.key == key).map(|entry| &entry.value)
    }

    /// The value below `key` for changing it, if the map has it.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Node> {
        self.items.iter_mut().find_map(|item| match item {
            MapItem::Entry(entry) if entry.key == key => Some(&mut entry.value),
            _ => None,
        })
    }

    /// Sets the value below `key`, at its old place or at the end.
    pub fn insert(&mut self, key: &str, value: Node) {
        match self.get_mut(key) {
            Some(slot) => *slot = value,
            None => self.items.push(MapItem::Entry(Entry { key: key.to_owned(), value })),
        }
    }

    /// Removes and returns the value below `key`.
    pub fn remove(&mut self, key: &str) -> Option<Node> {
        let is_it = |item: &MapItem| matches!(item, MapItem::Entry(entry) if entry.key == key);
        let at = self.items.iter().position(is_it)?;
        match self.items.remove(at) {
            MapItem::Entry(entry) => Some(entry.value),
            MapItem::Comment(_) => None,
        }
    }

    /// The entries without the comments.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.items.iter().filter_map(|item| match item {
            MapItem::Entry(entry) => Some(entry),
            MapItem::Comment(_) => None,
        })
    }

    /// The comments without the entries.
    pub fn comments(&self) -> impl Iterator<Item = &Comment> {
        self.items.iter().filter_map(|item| match item {
            MapItem::Comment(comment) => Some(comment),
            MapItem::Entry(_) => None,
        })
    }
}

impl List {
    /// The items without the comments.
    pub fn values(&self) -> impl Iterator<Item = &Node> {
        self.items.iter().filter_map(|item| match item {
            ListItem::Value(node) => Some(node),
            ListItem::Comment(_) => None,
        })
    }

    /// The items without the comments, for changing them.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut Node> {
        self.items.iter_mut().filter_map(|item| match item {
            ListItem::Value(node) => Some(node),
            ListItem::Comment(_) => None,
        })
    }

    /// The item at `index`, comments not counted.
    pub fn get_mut(&mut self, index: usize) -> Option<&mut Node> {
        self.values_mut().nth(index)
    }

    /// The comments without the items.
    pub fn comments(&self) -> impl Iterator<Item = &Comment> {
        self.items.iter().filter_map(|item| match item {
            ListItem::Comment(comment) => Some(comment),
            ListItem::Value(_) => None,
        })
    }
}

impl Node {
    /// A text leaf.
    #[must_use]
    pub fn text(value: &str) -> Self {
        Self::Scalar(Scalar::Text(Text::from(value)))
    }

    /// The text of a text leaf that is valid UTF-8.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Scalar(Scalar::Text(text)) => text.as_str(),
            Self::Alias(node) => node.as_str(),
            _ => None,
        }
    }

    /// The map, if the node is one.
    #[must_use]
    pub fn as_map(&self) -> Option<&Map> {
        match self {
            Self::Map(map) => Some(map),
            Self::Alias(node) => node.as_map(),
            _ => None,
        }
    }

    /// The list, if the node is one.
    #[must_use]
    pub fn as_list(&self) -> Option<&List> {
        match self {
            Self::List(list) => Some(list),
            Self::Alias(node) => node.as_list(),
            _ => None,
        }
    }
}

impl Text {
    /// Wraps raw bytes.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Secret::new(bytes))
    }

    /// The bytes.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        self.0.expose()
    }

    /// The text, if the bytes are valid UTF-8.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        std::str::from_utf8(self.expose()).ok()
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self::new(text.as_bytes().to_vec())
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Text({} bytes)", self.expose().len())
    }
}

impl fmt::Debug for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Null => "Null",
            Self::Bool(_) => "Bool(..)",
            Self::Int(_) => "Int(..)",
            Self::Float(_) => "Float(..)",
            Self::Time(_) => "Time(..)",
            Self::Text(_) => "Text(..)",
        })
    }
}
