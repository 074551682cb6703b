//! INI: sections of `key = value`, as go-ini reads them. All values are text.
//!
//! go-ini cuts values at `;` and `#`, strips quotes and joins lines; a file that uses any of this for a value is
//! refused rather than changed. Lines are kept as they are, only values and comments are replaced. All comment lines
//! above a key or a section are one comment. Metadata stands in a section `[sops]`. Measured on sops 3.11.

mod read;
mod write;

use super::{BOM, Layout, Limits, ReadError, Source, Store, WriteError};
use crate::sops::metadata::Metadata;
use crate::sops::tree::{Node, Tree};

/// The section of keys that stand before any section.
pub const DEFAULT_SECTION: &str = "DEFAULT";
const METADATA_SECTION: &str = "sops";

/// The INI store.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ini {
    /// Bounds on what is read.
    pub limits: Limits,
}

/// What stood on a line, or on several that belong together.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Line {
    /// Kept as it is: blank lines and section headers.
    Kept { text: String, section: String },
    /// A comment: what stood before its text, the text, and the lines as they were.
    Comment { head: String, text: String, lines: String, section: String },
    /// Everything before an entry's value.
    Entry { head: String, section: String, key: String },
}

impl Store for Ini {
    fn read_plain(&self, bytes: &[u8]) -> Result<Source, ReadError> {
        let source = self.read_encrypted(bytes)?;
        let empty = source.tree.documents.iter().all(|map| map.items.is_empty());
        if source.metadata.is_none() && empty { Err(ReadError::Empty) } else { Ok(source) }
    }

    fn read_encrypted(&self, bytes: &[u8]) -> Result<Source, ReadError> {
        let text = self.limits.text(bytes)?;
        read::read(text.strip_prefix(BOM).unwrap_or(text))
    }

    fn write(&self, tree: &Tree, metadata: Option<&Metadata>, source: Option<&Source>) -> Result<Vec<u8>, WriteError> {
        let [map] = tree.documents.as_slice() else { return Err(unrepresentable("more than one document")) };
        let lines = match source.map(|source| &source.layout) {
            Some(Layout::Ini(lines)) => lines.as_slice(),
            _ => &[],
        };
        let text = write::write(map, lines, metadata)?;
        // One byte order mark at the start is none of the text.
        let marked = text.starts_with(BOM);
        Ok(if marked { format!("{BOM}{text}") } else { text }.into_bytes())
    }

    fn print_value(&self, node: &Node) -> Result<Vec<u8>, WriteError> {
        match node {
            Node::Scalar(scalar) => super::json::print_scalar(scalar).map(String::into_bytes),
            _ => Err(unrepresentable("lists")),
        }
    }
}

fn unrepresentable(what: &str) -> WriteError {
    WriteError::Unrepresentable { format: "INI", what: what.to_owned() }
}
#[cfg(test)]
mod tests {
    use super::*;
    use crate::sops::tree::Map;

    #[test]
    fn values_and_keys_that_begin_oddly_read_back() {
        let ini = Ini::default();
        for text in ["\nsecond", "\r\nsecond # line", "first\nwith `marks`", "`"] {
            let mut section = Map::default();
            section.insert("a", Node::text("1"));
            section.insert("key", Node::text(text));
            section.insert("z", Node::text("2"));
            let mut map = Map::default();
            map.insert("shop", Node::Map(section));
            let tree = Tree { documents: vec![map] };
            let written = ini.write(&tree, None, None).expect("it can be written");
            let read = ini.read_plain(&written).expect("it is read");
            assert_eq!(read.tree, tree, "{}", String::from_utf8_lossy(&written));
        }
        let source = ini.read_plain("\u{feff}\u{feff}[a:".as_bytes()).expect("a key that begins with the mark");
        let written = ini.write(&source.tree, None, Some(&source)).expect("it can be written");
        assert_eq!(ini.read_plain(&written).expect("it is read").tree, source.tree);
        // Three quotes alone on a line open nothing, and backquotes end at the next one.
        assert!(write::quoted("key", "\nwith `marks`").is_err());
    }
}
