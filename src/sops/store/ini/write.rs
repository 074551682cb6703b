//! Writing INI: along the lines that were read, then what no line stands for.

use std::collections::{BTreeMap, VecDeque};

use super::{DEFAULT_SECTION, Line, METADATA_SECTION, unrepresentable};
use crate::sops::metadata::Metadata;
use crate::sops::store::{WriteError, flatten};
use crate::sops::tree::{Comment, Entry, Map, MapItem, Node};

pub(super) fn write(map: &Map, lines: &[Line], metadata: Option<&Metadata>) -> Result<String, WriteError> {
    let mut writer = Writer { out: String::new(), sections: sections(map)? };
    writer.along(lines)?;
    writer.rest()?;
    if let Some(metadata) = metadata {
        let fields = flatten::flatten(metadata.fields());
        let entries = fields.iter().map(|(key, value)| Ok(Row::Entry(key.clone(), quoted(key, value)?)));
        let rows = entries.collect::<Result<Vec<_>, WriteError>>()?;
        writer.section(METADATA_SECTION, &rows);
    }
    Ok(writer.out)
}

/// What is still to be written of one section.
struct Section<'a> {
    name: &'a str,
    items: VecDeque<&'a MapItem>,
}

struct Writer<'a> {
    out: String,
    sections: Vec<Section<'a>>,
}

/// A line of a new section.
enum Row {
    Comment(String),
    Entry(String, String),
}

fn sections(map: &Map) -> Result<Vec<Section<'_>>, WriteError> {
    let mut sections = Vec::new();
    for entry in map.entries() {
        let inner = entry.value.as_map().ok_or_else(|| unrepresentable("values outside a section"))?;
        sections.push(Section { name: &entry.key, items: inner.items.iter().collect() });
    }
    Ok(sections)
}

impl<'a> Writer<'a> {
    fn along(&mut self, lines: &[Line]) -> Result<(), WriteError> {
        let mut last_entries = BTreeMap::new();
        for (at, line) in lines.iter().enumerate() {
            if let Line::Entry { section, .. } = line {
                last_entries.insert(section.as_str(), at);
            }
        }
        for (at, line) in lines.iter().enumerate() {
            match line {
                Line::Kept { text, .. } => self.put(text),
                Line::Comment { head, text, lines, section } => match self.take_comment(section) {
                    Some(comment) if comment.0.expose() == text.as_bytes() => self.put(lines),
                    Some(comment) => {
                        let text = comment_lines(head, comment)?;
                        self.put(&text);
                    }
                    None => {}
                },
                Line::Entry { head, section, key } => {
                    if let Some(entry) = self.take_entry(section, |entry| entry.key == *key) {
                        let value = value(entry)?;
                        self.put(&format!("{head}{value}"));
                    }
                    if last_entries.get(section.as_str()) == Some(&at) {
                        while let Some(entry) = self.take_entry(section, |_| true) {
                            let value = value(entry)?;
                            self.put(&format!("{} = {value}", key_spelled(&entry.key)));
                        }
                    }
                }
            }
        }
        while self.out.ends_with("\n\n") {
            self.out.pop();
        }
        Ok(())
    }

    /// Sections that no line stands for.
    fn rest(&mut self) -> Result<(), WriteError> {
        let has_entries = |section: &Section<'_>| section.items.iter().any(|item| matches!(item, MapItem::Entry(_)));
        let left: Vec<Section<'a>> = std::mem::take(&mut self.sections).into_iter().filter(has_entries).collect();
        for Section { name, items } in left {
            let row = |item: &MapItem| {
                Ok(match item {
                    MapItem::Comment(comment) => Row::Comment(comment_lines("; ", comment)?),
                    MapItem::Entry(entry) => Row::Entry(key_spelled(&entry.key), value(entry)?),
                })
            };
            let rows = items.into_iter().map(row).collect::<Result<Vec<_>, WriteError>>()?;
            self.section(name, &rows);
        }
        Ok(())
    }

    /// A new section, its values one below the other as sops writes them.
    fn section(&mut self, name: &str, rows: &[Row]) {
        if !self.out.is_empty() {
            self.out.push('\n');
        }
        if name != DEFAULT_SECTION || !self.out.is_empty() {
            self.put(&format!("[{name}]"));
        }
        let width = rows.iter().map(|row| if let Row::Entry(key, _) = row { key.len() } else { 0 }).max().unwrap_or(0);
        for row in rows {
            match row {
                Row::Comment(text) => self.put(text),
                Row::Entry(key, value) => self.put(&format!("{key}{:pad$} = {value}", "", pad = width - key.len())),
            }
        }
    }

    fn put(&mut self, text: &str) {
        self.out.push_str(text);
        self.out.push('\n');
    }

    fn take_comment(&mut self, section: &str) -> Option<&'a Comment> {
        match self.take(section, |item| matches!(item, MapItem::Comment(_)))? {
            MapItem::Comment(comment) => Some(comment),
            MapItem::Entry(_) => None,
        }
    }

    fn take_entry(&mut self, section: &str, wanted: impl Fn(&Entry) -> bool) -> Option<&'a Entry> {
        match self.take(section, |item| matches!(item, MapItem::Entry(entry) if wanted(entry)))? {
            MapItem::Entry(entry) => Some(entry),
            MapItem::Comment(_) => None,
        }
    }

    fn take(&mut self, section: &str, wanted: impl Fn(&MapItem) -> bool) -> Option<&'a MapItem> {
        // A section may stand in several places.
        let mut places = self.sections.iter_mut().filter(|known| known.name == section);
        places.find_map(|Section { items, .. }| items.remove(items.iter().position(|item| wanted(item))?))
    }
}

/// The lines of a comment; from the second on they bring their signs along.
fn comment_lines(head: &str, comment: &Comment) -> Result<String, WriteError> {
    let text = comment.0.as_str().ok_or_else(|| unrepresentable("a comment that is not UTF-8 text"))?;
    let mut lines = text.split('\n');
    let mut out = format!("{head}{}", lines.next().unwrap_or_default());
    for line in lines {
        let sign = if line.starts_with([';', '#']) { "" } else { "; " };
        out.push_str(&format!("\n{sign}{line}"));
    }
    Ok(out)
}

/// A key as go-ini reads it back.
fn key_spelled(key: &str) -> String {
    if key.contains('`') {
        format!("\"\"\"{key}\"\"\"")
    } else if key.contains(['"', '=', ':']) || key.starts_with(['[', ';', '#']) {
        format!("`{key}`")
    } else {
        key.to_owned()
    }
}

fn value(entry: &Entry) -> Result<String, WriteError> {
    let scalar = match &entry.value {
        Node::Scalar(scalar) => scalar,
        _ => return Err(unrepresentable(&format!("the nested value of `{}`", entry.key))),
    };
    quoted(&entry.key, &String::from_utf8_lossy(&scalar.to_plain_text()))
}

/// Whether go-ini takes quotes around a value for no part of it. Those around its beginning alone stay.
fn loses_quotes(text: &str) -> bool {
    let surrounds = |quote: char| text.strip_prefix(quote).is_some_and(|rest| rest.find(quote).is_some_and(|at| at + 1 == rest.len()));
    surrounds('"') || surrounds('\'') || text.starts_with("\"\"\"")
}

/// A value so that go-ini reads it back. Three quotes alone on a line open nothing for it.
pub(super) fn quoted(key: &str, text: &str) -> Result<String, WriteError> {
    let alone = text.starts_with('\n') || text.starts_with("\r\n");
    if text.contains('`') || text.contains('\n') && !alone {
        let fits = !alone && !text.contains("\"\"\"");
        return if fits { Ok(format!("\"\"\"{text}\"\"\"")) } else { Err(unrepresentable(&format!("the value of `{key}`"))) };
    }
    let needs = text.contains([';', '#']) || text.trim() != text || text.ends_with('\\') || loses_quotes(text);
    Ok(if needs { format!("`{text}`") } else { text.to_owned() })
}
