//! INI: sections of `key = value`, as go-ini reads them. All values are text.
//!
//! go-ini cuts values at `;` and `#`, strips quotes and joins lines; a file that uses any of this for a value is
//! refused rather than changed. Lines are kept as they are, only values and comments are replaced. Metadata stands
//! in a section `[sops]`. Measured on sops 3.11.

use std::collections::{BTreeMap, HashSet, VecDeque};

use super::{Layout, Limits, ReadError, Refusal, Source, Store, WriteError, flatten};
use crate::sops::metadata::Metadata;
use crate::sops::tree::{Comment, Entry, Map, MapItem, Node, Scalar, Text, Tree};

/// The section of keys that stand before any section.
pub const DEFAULT_SECTION: &str = "DEFAULT";
const METADATA_SECTION: &str = "sops";

/// The INI store.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ini {
    /// Bounds on what is read.
    pub limits: Limits,
}

/// What stood on a line.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Line {
    /// Kept as it is: blank lines and section headers.
    Kept { text: String, section: String },
    /// The sign and blanks before a comment's text.
    Comment { head: String, section: String },
    /// Everything before an entry's value.
    Entry { head: String, section: String, key: String },
    /// Part of the metadata section.
    Metadata,
}

impl Store for Ini {
    fn read_plain(&self, bytes: &[u8]) -> Result<Source, ReadError> {
        let source = self.read_encrypted(bytes)?;
        let empty = source.tree.documents.iter().all(|map| map.items.is_empty());
        if source.metadata.is_none() && empty { Err(ReadError::Empty) } else { Ok(source) }
    }

    fn read_encrypted(&self, bytes: &[u8]) -> Result<Source, ReadError> {
        let text = self.limits.text(bytes)?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut reader = Reader::default();
        let body = text.strip_suffix('\n').unwrap_or(text);
        for (at, line) in body.split('\n').enumerate() {
            reader.line(at + 1, line.strip_suffix('\r').unwrap_or(line))?;
        }
        reader.finish()
    }

    fn write(&self, tree: &Tree, metadata: Option<&Metadata>, source: Option<&Source>) -> Result<Vec<u8>, WriteError> {
        let [map] = tree.documents.as_slice() else { return Err(unrepresentable("more than one document")) };
        let mut writer = Writer { out: String::new(), sections: sections(map)? };
        if let Some(Layout::Ini(lines)) = source.map(|source| &source.layout) {
            writer.along(lines)?;
        }
        writer.rest()?;
        if let Some(metadata) = metadata {
            writer.out.push_str("\n[sops]\n");
            for (key, value) in flatten::flatten(metadata.fields()) {
                writer.out.push_str(&format!("{key} = {value}\n"));
            }
        }
        Ok(writer.out.into_bytes())
    }
}

#[derive(Default)]
struct Reader {
    map: Map,
    section: Option<String>,
    /// Comments that wait for the section or key below them.
    comments: Vec<(String, String)>,
    comment_places: Vec<usize>,
    fields: Vec<(String, String)>,
    has_metadata: bool,
    lines: Vec<Line>,
    refusals: Vec<Refusal>,
    seen: HashSet<(String, String)>,
}

impl Reader {
    fn line(&mut self, number: usize, line: &str) -> Result<(), ReadError> {
        let trimmed = line.trim();
        if self.section.as_deref() == Some(METADATA_SECTION) && !trimmed.starts_with('[') {
            return self.metadata(number, trimmed);
        }
        if trimmed.is_empty() {
            let section = self.section_name();
            self.lines.push(Line::Kept { text: line.to_owned(), section });
        } else if trimmed.starts_with([';', '#']) {
            let sign = trimmed.chars().next().unwrap_or(';');
            let text = trimmed.trim_start_matches([sign, ' ']);
            let head = line[..line.len() - text.len() - (line.len() - line.trim_end().len())].to_owned();
            self.comments.push((head, text.to_owned()));
            self.comment_places.push(self.lines.len());
            self.lines.push(Line::Metadata);
        } else if trimmed.starts_with('[') {
            self.header(number, line, trimmed)?;
        } else {
            self.entry(number, line)?;
        }
        Ok(())
    }

    fn header(&mut self, number: usize, line: &str, trimmed: &str) -> Result<(), ReadError> {
        let name = trimmed.strip_prefix('[').and_then(|rest| rest.split_once(']')).map(|(name, _)| name.trim());
        let name = name.filter(|name| !name.is_empty()).ok_or_else(|| syntax(number, "a section header without its `]`"))?;
        if name == METADATA_SECTION {
            self.has_metadata = true;
            self.section = Some(name.to_owned());
            self.lines.push(Line::Metadata);
            return Ok(());
        }
        if self.map.get(name).is_some() {
            self.refusals.push(Refusal { line: number, reason: format!("the section `{name}` stands twice") });
        }
        self.section = Some(name.to_owned());
        self.section_map();
        self.place_comments();
        self.lines.push(Line::Kept { text: line.to_owned(), section: name.to_owned() });
        Ok(())
    }

    fn entry(&mut self, number: usize, line: &str) -> Result<(), ReadError> {
        let at = line.find(['=', ':']).ok_or_else(|| syntax(number, "a line without `=`"))?;
        let key = line[..at].trim();
        if key.is_empty() {
            return Err(syntax(number, "a value without a key"));
        }
        let rest = &line[at + 1..];
        let head = &line[..line.len() - rest.trim_start().len()];
        let value = self.value(number, rest.trim());
        self.section_map();
        self.place_comments();
        let (section, key) = (self.section_name(), key.trim_matches(['"', '`']).to_owned());
        if let Some(Node::Map(map)) = self.map.get_mut(&section) {
            if !self.seen.insert((section.clone(), key.clone())) {
                self.refusals.push(Refusal { line: number, reason: format!("the key `{key}` stands twice in its section") });
            }
            map.items.push(MapItem::Entry(Entry { key: key.clone(), value: Node::text(&value) }));
        }
        self.lines.push(Line::Entry { head: head.to_owned(), section, key });
        Ok(())
    }

    /// A value as go-ini reads it, refusing what it would change.
    fn value(&mut self, number: usize, spelled: &str) -> String {
        let mut refuse = |reason: &str| self.refusals.push(Refusal { line: number, reason: reason.to_owned() });
        for quote in ["\"\"\"", "`"] {
            if let Some(inner) = spelled.strip_prefix(quote) {
                return match inner.strip_suffix(quote) {
                    Some(inner) => inner.to_owned(),
                    None => {
                        refuse("a value over several lines");
                        String::new()
                    }
                };
            }
        }
        if spelled.ends_with('\\') {
            refuse("a value that goes on in the next line (`\\` at the end)");
        }
        if spelled.contains([';', '#']) {
            refuse("`;` or `#` in a value: sops takes the rest for a comment; put the value in backquotes");
        }
        for quote in ['"', '\''] {
            if let Some(inner) = spelled.strip_prefix(quote).and_then(|inner| inner.strip_suffix(quote)) {
                return inner.to_owned();
            }
        }
        spelled.to_owned()
    }

    fn metadata(&mut self, number: usize, trimmed: &str) -> Result<(), ReadError> {
        self.lines.push(Line::Metadata);
        if trimmed.is_empty() || trimmed.starts_with([';', '#']) {
            return Ok(());
        }
        let (key, value) = trimmed.split_once('=').ok_or_else(|| syntax(number, "a line without `=` in [sops]"))?;
        self.fields.push((key.trim().to_owned(), value.trim().to_owned()));
        Ok(())
    }

    /// Comments belong to the section of what stands below them.
    fn place_comments(&mut self) {
        let section = self.section_name();
        let places = std::mem::take(&mut self.comment_places);
        for ((head, text), place) in std::mem::take(&mut self.comments).into_iter().zip(places) {
            if let Some(Node::Map(map)) = self.map.get_mut(&section) {
                map.items.push(MapItem::Comment(Comment(Text::from(text.as_str()))));
            }
            self.lines[place] = Line::Comment { head, section: section.clone() };
        }
    }

    fn section_name(&self) -> String {
        self.section.clone().unwrap_or_else(|| DEFAULT_SECTION.to_owned())
    }

    fn section_map(&mut self) {
        let name = self.section_name();
        if self.map.get(&name).is_none() {
            self.map.insert(&name, Node::Map(Map::default()));
        }
    }

    fn finish(mut self) -> Result<Source, ReadError> {
        if !self.comments.is_empty() {
            self.section = self.section.filter(|section| section != METADATA_SECTION);
            self.section_map();
            self.place_comments();
        }
        let pairs = self.fields.iter().map(|(key, value)| (key.as_str(), value.as_str()));
        let broken = || syntax(0, "the section [sops] contradicts itself");
        let metadata = if self.has_metadata { Some(flatten::unflatten(pairs).ok_or_else(broken)?) } else { None };
        let layout = Layout::Ini(self.lines);
        Ok(Source { tree: Tree { documents: vec![self.map] }, metadata, refusals: self.refusals, altered: Vec::new(), layout })
    }
}

/// What is still to be written of one section.
struct Section<'a> {
    name: &'a str,
    comments: VecDeque<&'a Comment>,
    entries: VecDeque<&'a Entry>,
}

struct Writer<'a> {
    out: String,
    sections: Vec<Section<'a>>,
}

fn sections(map: &Map) -> Result<Vec<Section<'_>>, WriteError> {
    let mut sections = Vec::new();
    for entry in map.entries() {
        let inner = entry.value.as_map().ok_or_else(|| unrepresentable("values outside a section"))?;
        sections.push(Section { name: &entry.key, comments: inner.comments().collect(), entries: inner.entries().collect() });
    }
    Ok(sections)
}

impl<'a> Writer<'a> {
    fn along(&mut self, lines: &[Line]) -> Result<(), WriteError> {
        let mut current = DEFAULT_SECTION.to_owned();
        let mut pending = BTreeMap::new();
        for (at, line) in lines.iter().enumerate() {
            if let Line::Entry { section, .. } = line {
                pending.insert(section.clone(), at);
            }
        }
        for (at, line) in lines.iter().enumerate() {
            match line {
                Line::Metadata => {}
                Line::Kept { text, section } => {
                    current.clone_from(section);
                    self.out.push_str(text);
                    self.out.push('\n');
                }
                Line::Comment { head, section } => {
                    if let Some(comment) = self.section(section).and_then(|section| section.comments.pop_front()) {
                        self.comment(head, comment)?;
                    }
                }
                Line::Entry { head, section, key } => {
                    let found = self.section(section).and_then(|section| {
                        let at = section.entries.iter().position(|entry| entry.key == *key)?;
                        section.entries.remove(at)
                    });
                    if let Some(entry) = found {
                        self.entry(head, entry)?;
                    }
                    if pending.get(section) == Some(&at) {
                        self.new_entries(section)?;
                    }
                }
            }
        }
        while self.out.ends_with("\n\n") {
            self.out.pop();
        }
        Ok(())
    }

    /// Entries of a section that no line stands for.
    fn new_entries(&mut self, name: &str) -> Result<(), WriteError> {
        while let Some(entry) = self.section(name).and_then(|section| section.entries.pop_front()) {
            self.entry(&format!("{} = ", entry.key), entry)?;
        }
        Ok(())
    }

    /// Sections that no line stands for.
    fn rest(&mut self) -> Result<(), WriteError> {
        let left: Vec<&str> = self.sections.iter().filter(|s| !s.entries.is_empty()).map(|s| s.name).collect();
        for name in left {
            if name != DEFAULT_SECTION {
                let gap = if self.out.is_empty() { "" } else { "\n" };
                self.out.push_str(&format!("{gap}[{name}]\n"));
            }
            while let Some(comment) = self.section(name).and_then(|section| section.comments.pop_front()) {
                self.comment("; ", comment)?;
            }
            self.new_entries(name)?;
        }
        Ok(())
    }

    fn section(&mut self, name: &str) -> Option<&mut Section<'a>> {
        self.sections.iter_mut().find(|section| section.name == name)
    }

    fn comment(&mut self, head: &str, comment: &Comment) -> Result<(), WriteError> {
        let text = comment.0.as_str().filter(|text| !text.contains('\n'));
        let text = text.ok_or_else(|| unrepresentable("comments of more than one line"))?;
        self.out.push_str(&format!("{head}{text}\n"));
        Ok(())
    }

    fn entry(&mut self, head: &str, entry: &Entry) -> Result<(), WriteError> {
        let scalar = match &entry.value {
            Node::Scalar(scalar) => scalar,
            _ => return Err(unrepresentable(&format!("the nested value of `{}`", entry.key))),
        };
        let text = match scalar {
            Scalar::Bool(value) => value.to_string(),
            scalar => String::from_utf8_lossy(&scalar.to_bytes()).into_owned(),
        };
        let quoted = quote(&text).ok_or_else(|| unrepresentable(&format!("the value of `{}`", entry.key)))?;
        self.out.push_str(&format!("{head}{quoted}\n"));
        Ok(())
    }
}

/// A value so that go-ini reads it back, on one line; `None` if there is no way.
fn quote(text: &str) -> Option<String> {
    let needs = text.contains([';', '#']) || text.trim() != text || text.ends_with('\\') || text.starts_with(['"', '\'', '`']);
    match (text.contains('\n'), needs, text.contains('`')) {
        (true, _, _) => None,
        (false, false, _) => Some(text.to_owned()),
        (false, true, false) => Some(format!("`{text}`")),
        (false, true, true) if !text.contains("\"\"\"") && !text.ends_with('"') => Some(format!("\"\"\"{text}\"\"\"")),
        (false, true, true) => None,
    }
}

fn syntax(line: usize, reason: &str) -> ReadError {
    ReadError::Syntax { line, reason: reason.to_owned() }
}

fn unrepresentable(what: &str) -> WriteError {
    WriteError::Unrepresentable { format: "INI", what: what.to_owned() }
}
