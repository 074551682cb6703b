//! Where everything stands in a YAML text: the byte spans that editing in place needs.

use std::ops::Range;

use super::events::Notation;
use crate::sops::tree::{Comment, Scalar};

/// One document.
#[derive(Debug)]
pub(super) struct DocShape {
    pub(super) root: MapShape,
    /// Where new top-level entries go: the start of a line, or the end of the text.
    pub(super) end: usize,
}

/// A node of the text.
#[derive(Debug)]
pub(super) enum Shape {
    Scalar(ScalarShape),
    Alias,
    Map(MapShape),
    List(ListShape),
}

/// A leaf.
#[derive(Debug)]
pub(super) struct ScalarShape {
    /// The bytes that a new value replaces: a core tag, the quotes, a block scalar's header.
    pub(super) span: Range<usize>,
    /// The lines of a block scalar, from the end of the header's line; a comment may stand between the two.
    pub(super) body: Option<Range<usize>>,
    pub(super) line: usize,
    /// The value as it was read.
    pub(super) value: Scalar,
    /// Why the leaf must not be replaced.
    pub(super) pinned: Option<&'static str>,
}

/// A map.
#[derive(Debug)]
pub(super) struct MapShape {
    pub(super) notation: Notation,
    /// `{…}` for flow notation; from the first key to the end of the last value for block notation.
    pub(super) span: Range<usize>,
    pub(super) line: usize,
    /// Column of the keys, from 0.
    pub(super) column: usize,
    pub(super) entries: Vec<EntryShape>,
    pub(super) comments: Vec<CommentShape>,
}

/// A key and its value.
#[derive(Debug)]
pub(super) struct EntryShape {
    pub(super) key: String,
    pub(super) key_span: Range<usize>,
    pub(super) value: Shape,
    /// Where the value's text ends, trailing blanks and comments excluded.
    pub(super) end: usize,
}

/// A list.
#[derive(Debug)]
pub(super) struct ListShape {
    pub(super) notation: Notation,
    pub(super) span: Range<usize>,
    pub(super) line: usize,
    /// Column of the dashes, from 0.
    pub(super) column: usize,
    pub(super) items: Vec<ItemShape>,
    pub(super) comments: Vec<CommentShape>,
}

/// An item of a list.
#[derive(Debug)]
pub(super) struct ItemShape {
    /// Offset of the dash; the item's own start in flow notation.
    pub(super) dash: usize,
    pub(super) value: Shape,
    pub(super) end: usize,
}

/// A comment.
#[derive(Debug)]
pub(super) struct CommentShape {
    /// From the `#`, or the whole item that holds an encrypted comment, its dash included.
    pub(super) span: Range<usize>,
    pub(super) comment: Comment,
    pub(super) stands: Stands,
}

/// As what a comment stands in the text.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Stands {
    /// Behind a `#`.
    Comment,
    /// As an item of a list, which is how sops writes comments in encrypted lists.
    Item(Notation),
}

impl Shape {
    pub(super) const fn line(&self) -> usize {
        match self {
            Self::Scalar(scalar) => scalar.line,
            Self::Alias => 0,
            Self::Map(map) => map.line,
            Self::List(list) => list.line,
        }
    }

    pub(super) fn is_null(&self) -> bool {
        matches!(self, Self::Scalar(scalar) if scalar.value == Scalar::Null)
    }

    /// Where a key stands, in a map or in those below it.
    pub(super) fn key_at(&self, key: &str) -> Option<usize> {
        match self {
            Self::Map(map) => {
                let own = map.entries.iter().find(|entry| entry.key == key).map(|entry| entry.key_span.start);
                own.or_else(|| map.entries.iter().find_map(|entry| entry.value.key_at(key)))
            }
            Self::List(list) => list.items.iter().find_map(|item| item.value.key_at(key)),
            Self::Scalar(_) | Self::Alias => None,
        }
    }

    /// Why some leaf below must not be replaced.
    pub(super) fn pinned(&self) -> Option<&'static str> {
        match self {
            Self::Scalar(scalar) => scalar.pinned,
            Self::Alias => Some("an alias"),
            Self::Map(map) => map.entries.iter().find_map(|entry| entry.value.pinned()),
            Self::List(list) => list.items.iter().find_map(|item| item.value.pinned()),
        }
    }
}
