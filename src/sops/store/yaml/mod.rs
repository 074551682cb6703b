//! YAML: read as go-yaml v3 reads it, written by splicing bytes into the user's text.
//!
//! The text is never printed from a tree as long as there is a text to splice into, so comments, blank lines, quotes,
//! indentation and line ends outside the changed values stay byte for byte. Every result is read back and compared. As
//! sops does, it reads UTF-16 too, and writes UTF-8.

mod build;
mod checks;
mod comments;
mod emit;
mod events;
mod outline;
mod render;
mod resolve;
mod scalars;
mod shape;

use self::build::Reading;
use self::emit::Look;
use self::render::{METADATA_KEY, Splices};
use self::shape::{DocShape, Shape};
use super::{BOM, Layout as AnyLayout, Limits, ReadError, Refusal, Source, Store, Style, WriteError, as_utf8};
use crate::sops::metadata::Metadata;
use crate::sops::tree::{Comment, Map, Node, Scalar, Tree};

/// The indentation sops uses unless told otherwise.
const DEFAULT_INDENT: usize = 4;

/// The YAML store.
#[derive(Clone, Copy, Debug, Default)]
pub struct Yaml {
    /// Bounds on what is read.
    pub limits: Limits,
    /// How new lines look.
    pub style: Style,
}

/// The text of a file and where everything stands in it.
#[derive(Debug)]
pub(crate) struct Layout {
    text: String,
    has_bom: bool,
    shapes: Vec<DocShape>,
}

impl Store for Yaml {
    fn read_plain(&self, bytes: &[u8]) -> Result<Source, ReadError> {
        let mut source = self.read(bytes, Reading::Plain)?;
        if let Some(refusal) = libyaml_refusal(&as_utf8(bytes)) {
            source.refusals.push(refusal);
        }
        Ok(source)
    }

    fn read_encrypted(&self, bytes: &[u8]) -> Result<Source, ReadError> {
        self.read(bytes, Reading::Encrypted)
    }

    fn write(&self, tree: &Tree, metadata: Option<&Metadata>, source: Option<&Source>) -> Result<Vec<u8>, WriteError> {
        let layout = match source.map(|source| &source.layout) {
            Some(AnyLayout::Yaml(layout)) => layout,
            _ => return self.print(tree, metadata),
        };
        let eol = if layout.text.contains("\r\n") { "\r\n" } else { "\n" };
        let indent = self.style.yaml_indent.or_else(|| layout.indent()).unwrap_or(DEFAULT_INDENT).clamp(2, 16);
        let mut splices = Splices::new(&layout.text, Look { indent, eol });
        for (shape, document) in layout.shapes.iter().zip(&tree.documents) {
            splices.document(shape, &with_metadata(document, metadata))?;
        }
        let text = splices.finish();
        self.check(&text, tree, metadata)?;
        let bom = if layout.has_bom { BOM.to_string() } else { String::new() };
        Ok((bom + &text).into_bytes())
    }

    fn print_value(&self, node: &Node) -> Result<Vec<u8>, WriteError> {
        Ok(self.look().alone(node)?.into_bytes())
    }
}

impl Yaml {
    /// The first document of a file of settings, in which keys need not be texts.
    ///
    /// # Errors
    /// [`ReadError`]; the message never repeats file content other than keys.
    pub fn read_settings(&self, bytes: &[u8]) -> Result<Map, ReadError> {
        let source = self.read(bytes, Reading::Settings)?;
        Ok(source.tree.documents.into_iter().next().unwrap_or_default())
    }

    /// The line of a field in a map of a list of settings, empty items not counted; of what is in it, if it stands deeper.
    #[must_use]
    pub fn line_of(&self, bytes: &[u8], list: &str, item: usize, field: &str) -> Option<usize> {
        let source = self.read(bytes, Reading::Settings).ok()?;
        let AnyLayout::Yaml(layout) = &source.layout else { return None };
        let entry = layout.shapes.first()?.root.entries.iter().find(|entry| entry.key == list)?;
        let Shape::List(items) = &entry.value else { return None };
        let map = items.items.iter().map(|item| &item.value).filter(|value| !value.is_null()).nth(item)?;
        let at = map.key_at(field)?;
        Some(layout.text[..at].matches('\n').count() + 1)
    }

    fn read(&self, bytes: &[u8], reading: Reading) -> Result<Source, ReadError> {
        let decoded = as_utf8(bytes);
        let whole = self.limits.text(&decoded)?;
        let text = whole.strip_prefix(BOM).unwrap_or(whole);
        let stream = events::parse(text, &self.limits)?;
        if stream.events.is_empty() {
            return Err(ReadError::Empty);
        }
        let built = build::build(text, &stream, &self.limits, reading)?;
        let mut tree = built.tree;
        let mut metadata = None;
        for (at, document) in tree.documents.iter_mut().enumerate() {
            if document.get(METADATA_KEY).is_some_and(|node| node.as_map().is_some()) {
                let block = document.remove(METADATA_KEY);
                if let (0, Some(Node::Map(map))) = (at, block) {
                    metadata = Some(map);
                }
            }
        }
        let layout = Layout { text: text.to_owned(), has_bom: whole.len() != text.len(), shapes: built.shapes };
        Ok(Source { tree, metadata, refusals: built.refusals, altered: built.altered, layout: AnyLayout::Yaml(layout) })
    }

    /// Prints a tree that comes from no YAML text.
    fn print(&self, tree: &Tree, metadata: Option<&Metadata>) -> Result<Vec<u8>, WriteError> {
        let look = self.look();
        let mut parts = Vec::new();
        for document in &tree.documents {
            let document = with_metadata(document, metadata);
            let text = look.map(&document, 0)?;
            parts.push(if document.entries().next().is_none() { format!("{text}{{}}\n") } else { text });
        }
        let text = parts.join("---\n");
        self.check(&text, tree, metadata)?;
        Ok(text.into_bytes())
    }

    /// How text looks that has no place in a file yet.
    fn look(&self) -> Look<'static> {
        Look { indent: self.style.yaml_indent.unwrap_or(DEFAULT_INDENT).clamp(2, 16), eol: "\n" }
    }

    /// Reads the result back: the values must be those that were meant, in the same order.
    fn check(&self, text: &str, tree: &Tree, metadata: Option<&Metadata>) -> Result<(), WriteError> {
        let read = self.read(text.as_bytes(), Reading::Encrypted).map_err(|_| WriteError::NotFaithful)?;
        let same_metadata = match (metadata, &read.metadata) {
            (None, None) => true,
            (Some(metadata), Some(map)) => Metadata::parse(map.clone()).is_ok_and(|found| {
                found.mac() == metadata.mac() && same_keys(&found, metadata) && found.last_modified() == metadata.last_modified()
            }),
            _ => false,
        };
        let same_count = tree.documents.len() == read.tree.documents.len();
        let same = same_count
            && tree.documents.iter().zip(&read.tree.documents).all(|(a, b)| same_map(a, b) && comment_lines(a) == comment_lines(b));
        if same && same_metadata { Ok(()) } else { Err(WriteError::NotFaithful) }
    }
}

impl Layout {
    /// The indentation of the first nested block map.
    fn indent(&self) -> Option<usize> {
        self.shapes.iter().find_map(|doc| {
            let nested = doc.root.entries.iter().find_map(|entry| match &entry.value {
                Shape::Map(map) if map.notation == events::Notation::Block => map.column.checked_sub(doc.root.column),
                _ => None,
            });
            nested.filter(|indent| *indent >= 2)
        })
    }
}

fn with_metadata(document: &Map, metadata: Option<&Metadata>) -> Map {
    let mut document = document.clone();
    if let Some(metadata) = metadata {
        document.insert(METADATA_KEY, Node::Map(metadata.fields().clone()));
    }
    document
}

fn same_keys(a: &Metadata, b: &Metadata) -> bool {
    let keys = |metadata: &Metadata| -> Vec<(String, String)> {
        let all = metadata.key_groups().iter().flat_map(|group| &group.age);
        all.map(|key| (key.recipient.clone(), key.armor.trim().to_owned())).collect()
    };
    keys(a) == keys(b)
}

/// Equal values in equal order.
fn same_map(a: &Map, b: &Map) -> bool {
    a.entries().count() == b.entries().count() && a.entries().zip(b.entries()).all(|(a, b)| a.key == b.key && same_node(&a.value, &b.value))
}

/// All comment lines of a document, sorted: which map a comment belongs to may change with the text around it.
fn comment_lines(map: &Map) -> Vec<Vec<u8>> {
    fn collect(node: &Node, lines: &mut Vec<Vec<u8>>) {
        let mut add = |comment: &Comment| lines.extend(comment.0.expose().split(|b| *b == b'\n').map(<[u8]>::to_vec));
        match node {
            Node::Map(map) => {
                map.comments().for_each(&mut add);
                map.entries().for_each(|entry| collect(&entry.value, lines));
            }
            Node::List(list) => {
                list.comments().for_each(&mut add);
                list.values().for_each(|value| collect(value, lines));
            }
            Node::Scalar(_) | Node::Alias(_) => {}
        }
    }
    let mut lines = Vec::new();
    collect(&Node::Map(map.clone()), &mut lines);
    lines.sort();
    lines
}

fn same_node(a: &Node, b: &Node) -> bool {
    match (a, b) {
        (Node::Alias(a), b) => same_node(a, b),
        (a, Node::Alias(b)) => same_node(a, b),
        (Node::Map(a), Node::Map(b)) => same_map(a, b),
        (Node::List(a), Node::List(b)) => {
            a.values().count() == b.values().count() && a.values().zip(b.values()).all(|(a, b)| same_node(a, b))
        }
        (Node::Scalar(Scalar::Float(a)), Node::Scalar(Scalar::Float(b))) => a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan()),
        (Node::Scalar(a), Node::Scalar(b)) => a == b,
        _ => false,
    }
}

/// sops' parser is a descendant of libyaml; what libyaml rejects, sops rejects.
fn libyaml_refusal(bytes: &[u8]) -> Option<Refusal> {
    let text = std::str::from_utf8(bytes).ok()?.trim_start_matches(BOM);
    for document in serde_yaml::Deserializer::from_str(text) {
        if let Err(error) = <serde::de::IgnoredAny as serde::Deserialize>::deserialize(document) {
            let line = error.location().map_or(0, |at| at.line());
            return Some(Refusal { line, reason: "sops' YAML parser does not accept this file".to_owned() });
        }
    }
    None
}
