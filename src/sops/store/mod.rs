//! File formats: how a [`Tree`] and its metadata are spelled in YAML, JSON, dotenv, INI and binary files.
//!
//! A store never encrypts. It reads bytes into a [`Source`] and writes a changed tree back, touching only what
//! changed where the format allows it.

pub mod binary;
pub mod dotenv;
mod flatten;
mod format;
pub mod ini;
pub mod json;
pub mod yaml;

pub use format::Format;

use std::borrow::Cow;

use super::cipher::Envelope;
use super::metadata::Metadata;
use super::tree::{Comment, Map, Node, Text, Tree};

/// A byte order mark, as some editors put it before a text.
const BOM: char = '\u{feff}';

/// Limits on what is read, so that a hostile file costs bounded time and memory.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The largest file in bytes.
    pub bytes: usize,
    /// The deepest nesting of maps and lists.
    pub depth: usize,
    /// The most nodes that aliases may stand for in one file.
    pub alias_nodes: usize,
}

/// How new lines are laid out.
#[derive(Clone, Copy, Debug, Default)]
pub struct Style {
    /// Blanks per level in YAML; `None` follows the file, or sops' default of 4.
    pub yaml_indent: Option<usize>,
    /// Blanks per level in JSON; `None` follows the file, or sops' default of one tab.
    pub json_indent: Option<usize>,
    /// Blanks per level in the JSON that holds a binary file; `None` follows the file, or sops' default of one tab.
    pub binary_indent: Option<usize>,
}

/// A file format.
pub trait Store {
    /// Reads a file that is not encrypted.
    ///
    /// # Errors
    /// [`ReadError`]; the message never repeats file content other than keys.
    fn read_plain(&self, bytes: &[u8]) -> Result<Source, ReadError>;

    /// Reads an encrypted file. `metadata` of the result is `None` if there is no `sops` block.
    ///
    /// # Errors
    /// [`ReadError`]; the message never repeats file content other than keys.
    fn read_encrypted(&self, bytes: &[u8]) -> Result<Source, ReadError>;

    /// Writes a tree. With a `source`, its bytes are kept wherever the tree is unchanged.
    ///
    /// # Errors
    /// [`WriteError`] when the format cannot hold the tree, or the source cannot be edited safely.
    fn write(&self, tree: &Tree, metadata: Option<&Metadata>, source: Option<&Source>) -> Result<Vec<u8>, WriteError>;

    /// A value on its own, neither a map nor a text, as `sops decrypt --extract` prints it.
    ///
    /// # Errors
    /// [`WriteError::Unrepresentable`] when the format holds texts alone.
    fn print_value(&self, node: &Node) -> Result<Vec<u8>, WriteError>;
}

/// sops writes a comment inside an encrypted list as an item `ENC[…,type:comment]`.
fn encrypted_comment(node: &Node) -> Option<Comment> {
    let text = node.as_str()?;
    (Envelope::looks_like(text) && text.ends_with(",type:comment]")).then(|| Comment(Text::from(text)))
}

/// A file that was read.
#[derive(Debug)]
pub struct Source {
    /// The values, without the `sops` block.
    pub tree: Tree,
    /// The `sops` block of the first document.
    pub metadata: Option<Map>,
    /// What cannot be encrypted in place without losing something.
    pub refusals: Vec<Refusal>,
    /// Numbers that encryption would write in another way.
    pub altered: Vec<Altered>,
    pub(crate) layout: Layout,
}

impl Source {
    /// The decrypted tree of this file as other formats are to hold it. JSON has one kind of number, and sops encrypts all of
    /// them as floats; a port is to stay `8080`.
    #[must_use]
    pub fn for_other_formats(&self, tree: Tree) -> Tree {
        match self.layout {
            Layout::Json(_) => json::with_integers(tree),
            _ => tree,
        }
    }
}

/// What a store remembers of the bytes it read.
#[derive(Debug)]
pub(crate) enum Layout {
    None,
    Yaml(yaml::Layout),
    Json(json::JsonLayout),
    Dotenv(Vec<dotenv::Line>),
    Ini(Vec<ini::Line>),
}

/// Something in a file that an encrypted form cannot keep.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Refusal {
    /// Line, from 1.
    pub line: usize,
    /// What it is and why it is refused.
    pub reason: String,
}

/// A number whose spelling an encrypted form does not keep: a leading zero, a sign, more digits than a float holds.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Altered {
    /// Line, from 1.
    pub line: usize,
    /// The keys that lead to it.
    pub path: Vec<String>,
}

/// Why a file cannot be read. Never holds values.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file is larger than the limit.
    #[error("the file has {bytes} bytes, more than the limit of {limit}")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// The file is not UTF-8 text.
    #[error("the file is not valid UTF-8 (byte {offset}); only the binary format takes such files")]
    NotUtf8 {
        /// Offset of the first bad byte.
        offset: usize,
    },
    /// The file has no content.
    #[error("the file is empty")]
    Empty,
    /// The top level is a list or a single value.
    #[error("line {line}: the top level of a document must be a map; sops takes no lists or single values")]
    TopLevel {
        /// Line, from 1.
        line: usize,
    },
    /// Both sides of a merge stand in the file.
    #[error("line {line}: a merge conflict: the file holds both sides of a merge, with git's markers between them")]
    Conflict {
        /// The line of the first marker, from 1.
        line: usize,
    },
    /// The text does not follow the format's grammar.
    #[error("line {line}: {reason}")]
    Syntax {
        /// Line, from 1.
        line: usize,
        /// What is wrong; never quotes the line.
        reason: String,
    },
}

/// Why a tree cannot be written. Never holds values.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The format has no way to say this.
    #[error("{format} files cannot hold {what}")]
    Unrepresentable {
        /// The format.
        format: &'static str,
        /// What cannot be said.
        what: String,
    },
    /// The source cannot be edited at this place.
    #[error("line {line}: {reason}")]
    Refused {
        /// Line, from 1.
        line: usize,
        /// Why.
        reason: String,
    },
    /// The edited bytes do not read back as the tree that was meant. Nothing was written.
    #[error("the edited file would not read back as intended; it was left alone")]
    NotFaithful,
}

impl ReadError {
    /// A syntax error that git's markers explain is a merge conflict.
    #[must_use]
    pub fn or_conflict(self, bytes: &[u8]) -> Self {
        match self {
            Self::Syntax { .. } | Self::TopLevel { .. } => conflict(bytes).map_or(self, |line| Self::Conflict { line }),
            other => other,
        }
    }
}

/// The line of the first marker, if all three stand there in order.
fn conflict(bytes: &[u8]) -> Option<usize> {
    let lines = || bytes.split(|byte| *byte == b'\n').enumerate();
    let marker = |sign: &'static [u8], after: usize| {
        let is_marker = move |line: &[u8]| line.strip_prefix(sign).is_some_and(|rest| matches!(rest.first(), None | Some(b' ' | b'\r')));
        lines().skip(after).find(|(_, line)| is_marker(line)).map(|(at, _)| at)
    };
    let first = marker(b"<<<<<<<", 0)?;
    let middle = marker(b"=======", first)?;
    marker(b">>>>>>>", middle).map(|_| first + 1)
}

/// The text in UTF-8: a byte order mark says that it is UTF-16, as PowerShell writes what a program prints.
#[must_use]
pub fn as_utf8(bytes: &[u8]) -> Cow<'_, [u8]> {
    let unit: fn([u8; 2]) -> u16 = match bytes {
        [0xff, 0xfe, ..] => u16::from_le_bytes,
        [0xfe, 0xff, ..] => u16::from_be_bytes,
        _ => return Cow::Borrowed(bytes),
    };
    let units: Vec<u16> = bytes[2..].chunks_exact(2).map(|pair| unit([pair[0], pair[1]])).collect();
    String::from_utf16(&units).map_or(Cow::Borrowed(bytes), |text| Cow::Owned(text.into_bytes()))
}

impl Default for Limits {
    fn default() -> Self {
        Self { bytes: 64 << 20, depth: 128, alias_nodes: 100_000 }
    }
}

impl Limits {
    /// Checks the size and the encoding.
    fn text<'a>(&self, bytes: &'a [u8]) -> Result<&'a str, ReadError> {
        self.size(bytes)?;
        std::str::from_utf8(bytes).map_err(|error| ReadError::NotUtf8 { offset: error.valid_up_to() })
    }

    fn size(&self, bytes: &[u8]) -> Result<(), ReadError> {
        if bytes.len() > self.bytes {
            return Err(ReadError::TooLarge { bytes: bytes.len(), limit: self.bytes });
        }
        Ok(())
    }
}
