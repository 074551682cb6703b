//! dotenv: `KEY=VALUE` lines as sops reads them, which is not as a shell reads them.
//!
//! A `#` in column 0 makes a comment; otherwise everything before the first `=` is the key (with blanks and `export`)
//! and everything after it the value (with quotes). The two characters `\n` stand for a line feed. Blank lines are
//! kept, which sops does not. Metadata stands in `sops_…` keys. Measured on sops 3.11.

use std::collections::{BTreeMap, VecDeque};

use super::{Layout, Limits, ReadError, Refusal, Source, Store, WriteError, flatten};
use crate::sops::metadata::Metadata;
use crate::sops::tree::{Comment, Entry, Map, MapItem, Node, Scalar, Text, Tree};

const PREFIX: &str = "sops_";

/// The dotenv store.
#[derive(Clone, Copy, Debug, Default)]
pub struct Dotenv {
    /// Bounds on what is read.
    pub limits: Limits,
}

/// What stood on a line.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Line {
    Blank,
    Comment,
    Entry(String),
    /// A metadata line, its key without the prefix.
    Metadata(String),
}

impl Store for Dotenv {
    fn read_plain(&self, bytes: &[u8]) -> Result<Source, ReadError> {
        let source = self.read_encrypted(bytes)?;
        if source.metadata.is_none() && source.tree.documents.iter().all(|map| map.items.is_empty()) {
            return Err(ReadError::Empty);
        }
        Ok(source)
    }

    fn read_encrypted(&self, bytes: &[u8]) -> Result<Source, ReadError> {
        let text = self.limits.text(bytes)?;
        let marks = ["sops_mac=", "sops_version=", "sops_lastmodified="];
        let encrypted = text.lines().any(|line| marks.iter().any(|mark| line.starts_with(mark)));
        let mut map = Map::default();
        let mut fields: Vec<(String, String)> = Vec::new();
        let mut lines = Vec::new();
        let mut refusals = Vec::new();
        let body = text.strip_suffix('\n').unwrap_or(text);
        // sops ends its own lines with a line feed alone; carriage returns there come from git or an editor.
        let converted = encrypted && text.split('\n').any(|line| line.starts_with("sops_mac=") && line.ends_with('\r'));
        for (at, line) in body.split('\n').enumerate() {
            let line = if converted { line.strip_suffix('\r').unwrap_or(line) } else { line };
            if line.is_empty() {
                lines.push(Line::Blank);
                continue;
            }
            if let Some(comment) = line.strip_prefix('#') {
                map.items.push(MapItem::Comment(Comment(Text::from(comment))));
                lines.push(Line::Comment);
                continue;
            }
            let reason = || "a line without `=`; sops reads only `KEY=VALUE`, `#` comments in the first column and blank lines".to_owned();
            let (key, value) = line.split_once('=').ok_or_else(|| ReadError::Syntax { line: at + 1, reason: reason() })?;
            match key.strip_prefix(PREFIX) {
                Some(field) if encrypted => {
                    fields.push((field.to_owned(), value.to_owned()));
                    lines.push(Line::Metadata(field.to_owned()));
                }
                reserved => {
                    if reserved.is_some() {
                        let reason = "keys starting with `sops_` are reserved for sops' metadata".to_owned();
                        refusals.push(Refusal { line: at + 1, reason });
                    }
                    let value = Node::text(&value.replace("\\n", "\n"));
                    map.items.push(MapItem::Entry(Entry { key: key.to_owned(), value }));
                    lines.push(Line::Entry(key.to_owned()));
                }
            }
        }
        let pairs = fields.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let broken = || ReadError::Syntax { line: 0, reason: "the sops_… lines contradict one another".to_owned() };
        let metadata = if encrypted { Some(flatten::unflatten(pairs).ok_or_else(broken)?) } else { None };
        Ok(Source { tree: Tree { documents: vec![map] }, metadata, refusals, altered: Vec::new(), layout: Layout::Dotenv(lines) })
    }

    fn write(&self, tree: &Tree, metadata: Option<&Metadata>, source: Option<&Source>) -> Result<Vec<u8>, WriteError> {
        let [map] = tree.documents.as_slice() else {
            return Err(unrepresentable("more than one document"));
        };
        let lines: &[Line] = match source.map(|source| &source.layout) {
            Some(Layout::Dotenv(lines)) => lines,
            _ => &[],
        };
        let mut fields = metadata.map(|metadata| flatten::flatten(metadata.fields())).unwrap_or_default();
        let mut out = Vec::new();
        if lines.is_empty() {
            write_items(map, &mut out)?;
        } else {
            write_along(lines, map, &mut fields, &mut out)?;
        }
        for (name, value) in fields {
            out.extend_from_slice(format!("{PREFIX}{name}={value}\n").as_bytes());
        }
        Ok(out)
    }

    fn print_value(&self, _: &Node) -> Result<Vec<u8>, WriteError> {
        Err(unrepresentable("values other than text"))
    }
}

fn write_items(map: &Map, out: &mut Vec<u8>) -> Result<(), WriteError> {
    for item in &map.items {
        match item {
            MapItem::Comment(comment) => write_comment(comment, out)?,
            MapItem::Entry(entry) => write_entry(entry, out)?,
        }
    }
    Ok(())
}

/// Writes in the order of the lines that were read; new entries follow the last old one.
fn write_along(lines: &[Line], map: &Map, fields: &mut BTreeMap<String, String>, out: &mut Vec<u8>) -> Result<(), WriteError> {
    let mut comments: VecDeque<&Comment> = map.comments().collect();
    let mut entries: VecDeque<&Entry> = map.entries().collect();
    let last = lines.iter().rposition(|line| matches!(line, Line::Entry(_) | Line::Comment)).map_or(0, |at| at + 1);
    for (at, line) in lines.iter().enumerate() {
        if at == last {
            write_rest(&mut entries, out)?;
        }
        match line {
            Line::Blank => out.push(b'\n'),
            Line::Comment => {
                if let Some(comment) = comments.pop_front() {
                    write_comment(comment, out)?;
                }
            }
            Line::Entry(key) => {
                if let Some(entry) = entries.iter().position(|entry| entry.key == *key).and_then(|found| entries.remove(found)) {
                    write_entry(entry, out)?;
                }
            }
            Line::Metadata(name) => {
                if let Some(value) = fields.remove(name) {
                    out.extend_from_slice(format!("{PREFIX}{name}={value}\n").as_bytes());
                }
            }
        }
    }
    write_rest(&mut entries, out)
}

/// Entries that no line of the file stands for.
fn write_rest(entries: &mut VecDeque<&Entry>, out: &mut Vec<u8>) -> Result<(), WriteError> {
    while let Some(entry) = entries.pop_front() {
        write_entry(entry, out)?;
    }
    Ok(())
}

fn write_comment(comment: &Comment, out: &mut Vec<u8>) -> Result<(), WriteError> {
    if comment.0.expose().contains(&b'\n') {
        return Err(unrepresentable("comments of more than one line"));
    }
    out.push(b'#');
    out.extend_from_slice(comment.0.expose());
    out.push(b'\n');
    Ok(())
}

fn write_entry(entry: &Entry, out: &mut Vec<u8>) -> Result<(), WriteError> {
    let odd_key = entry.key.is_empty() || entry.key.starts_with('#') || entry.key.contains(['\n', '=']);
    if odd_key {
        return Err(unrepresentable(&format!("the key `{}`", entry.key.escape_debug())));
    }
    let scalar = scalar(&entry.value).ok_or_else(|| unrepresentable(&format!("the nested value of `{}`", entry.key)))?;
    let bytes = scalar.to_plain_text();
    let text = std::str::from_utf8(&bytes).map_err(|_| unrepresentable("bytes that are not UTF-8 text"))?;
    out.extend_from_slice(entry.key.as_bytes());
    out.push(b'=');
    out.extend_from_slice(text.replace('\n', "\\n").as_bytes());
    out.push(b'\n');
    Ok(())
}

fn scalar(node: &Node) -> Option<&Scalar> {
    match node {
        Node::Scalar(scalar) => Some(scalar),
        Node::Alias(target) => scalar(target),
        Node::Map(_) | Node::List(_) => None,
    }
}

fn unrepresentable(what: &str) -> WriteError {
    WriteError::Unrepresentable { format: "dotenv", what: what.to_owned() }
}
