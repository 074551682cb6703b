//! Reading an INI text line by line, as go-ini does.

use std::collections::HashSet;
use std::str::Split;

use super::{DEFAULT_SECTION, Line, METADATA_SECTION};
use crate::sops::cipher::Envelope;
use crate::sops::store::{Layout, ReadError, Refusal, Source, flatten};
use crate::sops::tree::{Comment, Entry, Map, MapItem, Node, Text, Tree};

pub(super) fn read(text: &str) -> Result<Source, ReadError> {
    let body = text.strip_suffix('\n').unwrap_or(text);
    let mut reader = Reader::new(body.split('\n'));
    while let Some(line) = reader.next_line() {
        let content = line.strip_suffix('\r').unwrap_or(line);
        reader.carriage = if content.len() < line.len() { "\r" } else { "" };
        reader.line(content)?;
    }
    reader.finish()
}

struct Reader<'t> {
    rest: Split<'t, char>,
    /// The line that was read last, from 1.
    number: usize,
    /// What stands between the line and its line feed.
    carriage: &'static str,
    map: Map,
    section: Option<String>,
    /// Comments that wait for the section or key below them.
    pending: Vec<Group>,
    fields: Vec<(String, String)>,
    has_metadata: bool,
    lines: Vec<Line>,
    refusals: Vec<Refusal>,
    seen: HashSet<(String, String)>,
}

/// Comment lines that are one comment, and the blank lines below them.
struct Group {
    /// The sign and blanks before the text.
    head: String,
    text: String,
    lines: String,
    blanks: Vec<String>,
}

fn section_entry(name: &str) -> MapItem {
    MapItem::Entry(Entry { key: name.to_owned(), value: Node::Map(Map::default()) })
}

impl<'t> Reader<'t> {
    fn new(rest: Split<'t, char>) -> Self {
        Self {
            rest,
            number: 0,
            carriage: "",
            map: Map::default(),
            section: None,
            pending: Vec::new(),
            fields: Vec::new(),
            has_metadata: false,
            lines: Vec::new(),
            refusals: Vec::new(),
            seen: HashSet::new(),
        }
    }

    fn next_line(&mut self) -> Option<&'t str> {
        self.number += 1;
        self.rest.next()
    }

    fn line(&mut self, line: &str) -> Result<(), ReadError> {
        let trimmed = line.trim();
        if trimmed.starts_with('[') {
            return self.header(line, trimmed);
        }
        let in_metadata = self.section.as_deref() == Some(METADATA_SECTION);
        match trimmed.chars().next() {
            None | Some(';' | '#') if in_metadata => {}
            None => self.blank(line),
            Some(sign @ (';' | '#')) => self.comment(sign, line),
            Some(_) if in_metadata => {
                let (key, _, value) = self.key_and_value(line)?;
                self.fields.push((key, value));
            }
            Some(_) => self.entry(line)?,
        }
        Ok(())
    }

    fn blank(&mut self, line: &str) {
        match self.pending.last_mut() {
            Some(group) => group.blanks.push(line.to_owned()),
            None => {
                let section = self.section_name();
                self.lines.push(Line::Kept { text: line.to_owned(), section });
            }
        }
    }

    /// A comment line goes on where the one above it ended. Ciphertexts stay apart: an older sopup wrote one per line.
    fn comment(&mut self, sign: char, line: &str) {
        let trimmed = line.trim();
        let text = trimmed.trim_start_matches([sign, ' ']);
        let above = self.pending.last_mut().filter(|group| !Envelope::looks_like(text) && !Envelope::looks_like(&group.text));
        let Some(group) = above else {
            let head = line.trim_end().strip_suffix(text).unwrap_or_default().to_owned();
            self.pending.push(Group { head, text: text.to_owned(), lines: line.to_owned(), blanks: Vec::new() });
            return;
        };
        group.text.push_str(&format!("\n{trimmed}"));
        for line in group.blanks.drain(..).chain([line.to_owned()]) {
            group.lines.push_str(&format!("\n{line}"));
        }
    }

    fn header(&mut self, line: &str, trimmed: &str) -> Result<(), ReadError> {
        let name = trimmed.strip_prefix('[').and_then(|rest| rest.rsplit_once(']'));
        let (name, behind) = name.filter(|(name, _)| !name.is_empty()).ok_or_else(|| self.syntax("a section header without its `]`"))?;
        if name == METADATA_SECTION {
            self.place_comments();
            self.has_metadata = true;
            self.section = Some(name.to_owned());
            return Ok(());
        }
        if behind.contains([';', '#']) {
            self.refuse("a comment behind the header of a section: put it on a line of its own");
        }
        if self.map.get(name).is_some() {
            self.refuse(&format!("the section `{name}` stands twice"));
            // Both stay sections of their own, in their places: the MAC goes by the order.
            self.map.items.push(section_entry(name));
        }
        self.section = Some(name.to_owned());
        self.place_comments();
        self.section_map();
        self.lines.push(Line::Kept { text: line.to_owned(), section: name.to_owned() });
        Ok(())
    }

    /// A key's comment follows it in the tree, as in that of sops: comments that select values select the next one.
    fn entry(&mut self, line: &str) -> Result<(), ReadError> {
        let (key, head, value) = self.key_and_value(line)?;
        if key == "-" {
            self.refuse("the key `-`, which sops gives a number");
        }
        let section = self.section_name();
        if !self.seen.insert((section.clone(), key.clone())) {
            self.refuse(&format!("the key `{key}` stands twice in its section"));
        }
        self.section_map().items.push(MapItem::Entry(Entry { key: key.clone(), value: Node::text(&value) }));
        self.place_comments();
        self.lines.push(Line::Entry { head, section, key });
        Ok(())
    }

    /// The key, everything before the value, and the value, which may go on below.
    fn key_and_value(&mut self, line: &str) -> Result<(String, String, String), ReadError> {
        let blanks = line.len() - line.trim_start().len();
        let (key, width) = split_key(line.trim_start()).ok_or_else(|| self.syntax("a line without `=`"))?;
        if key.is_empty() {
            return Err(self.syntax("a value without a key"));
        }
        let rest = &line[blanks + width..];
        let head = line[..line.len() - rest.trim_start().len()].to_owned();
        Ok((key.to_owned(), head, self.value(rest.trim_start())?))
    }

    /// A value as go-ini reads it, refusing what it would change.
    fn value(&mut self, spelled: &str) -> Result<String, ReadError> {
        for quote in ["\"\"\"", "`"] {
            if let Some(inner) = spelled.strip_prefix(quote).filter(|_| spelled.len() > quote.len() || quote == "`") {
                return self.quoted(inner, quote);
            }
        }
        let spelled = spelled.trim_end();
        if spelled.ends_with('\\') {
            self.refuse("a value that goes on in the next line (`\\` at the end)");
        }
        if spelled.contains([';', '#']) {
            self.refuse("`;` or `#` in a value: sops takes the rest for a comment; put the value in backquotes");
        }
        for quote in ['"', '\''] {
            let inner = spelled.strip_prefix(quote).and_then(|inner| inner.strip_suffix(quote));
            if let Some(inner) = inner.filter(|inner| !inner.contains(quote)) {
                return Ok(inner.to_owned());
            }
        }
        Ok(spelled.to_owned())
    }

    /// The text up to the last closing quote of the line, or of the next line that has one.
    fn quoted(&mut self, inner: &str, quote: &str) -> Result<String, ReadError> {
        if let Some(end) = inner.rfind(quote) {
            return Ok(inner[..end].to_owned());
        }
        let mut value = format!("{inner}{}", self.carriage);
        let first = self.number;
        while let Some(line) = self.next_line() {
            value.push('\n');
            if let Some(end) = line.rfind(quote) {
                value.push_str(&line[..end]);
                return Ok(value);
            }
            value.push_str(line);
        }
        self.number = first;
        Err(self.syntax("a quoted value without its end"))
    }

    /// Comments belong to the section of what stands below them.
    fn place_comments(&mut self) {
        let section = self.section_name();
        for Group { head, text, lines, blanks } in std::mem::take(&mut self.pending) {
            self.section_map().items.push(MapItem::Comment(Comment(Text::from(text.as_str()))));
            self.lines.push(Line::Comment { head, text, lines, section: section.clone() });
            self.lines.extend(blanks.into_iter().map(|text| Line::Kept { text, section: section.clone() }));
        }
    }

    fn section_name(&self) -> String {
        self.section.clone().unwrap_or_else(|| DEFAULT_SECTION.to_owned())
    }

    fn section_map(&mut self) -> &mut Map {
        let name = self.section_name();
        let is_last = |item: &MapItem| matches!(item, MapItem::Entry(entry) if entry.key == name);
        let at = self.map.items.iter().rposition(is_last).unwrap_or_else(|| {
            self.map.items.push(section_entry(&name));
            self.map.items.len() - 1
        });
        match &mut self.map.items[at] {
            MapItem::Entry(Entry { value: Node::Map(map), .. }) => map,
            _ => unreachable!("it was put there"),
        }
    }

    fn finish(mut self) -> Result<Source, ReadError> {
        self.place_comments();
        let pairs = self.fields.iter().map(|(key, value)| (key.as_str(), value.as_str()));
        let broken = || ReadError::Syntax { line: 0, reason: "the section [sops] contradicts itself".to_owned() };
        let metadata = if self.has_metadata { Some(flatten::unflatten(pairs).ok_or_else(broken)?) } else { None };
        let layout = Layout::Ini(self.lines);
        Ok(Source { tree: Tree { documents: vec![self.map] }, metadata, refusals: self.refusals, altered: Vec::new(), layout })
    }

    fn refuse(&mut self, reason: &str) {
        self.refusals.push(Refusal { line: self.number, reason: reason.to_owned() });
    }

    fn syntax(&self, reason: &str) -> ReadError {
        ReadError::Syntax { line: self.number, reason: reason.to_owned() }
    }
}

/// The key of a line and how many bytes it takes with its `=` or `:`.
fn split_key(line: &str) -> Option<(&str, usize)> {
    let quote = ["\"\"\"", "\"", "`"].into_iter().find(|quote| line.starts_with(quote)).unwrap_or_default();
    let start = quote.len();
    let close = if quote.is_empty() { 0 } else { start + line[start..].find(quote)? };
    let behind = close + start;
    let sign = behind + line[behind..].find(['=', ':'])?;
    let key = if quote.is_empty() { &line[..sign] } else { &line[start..close] };
    Some((key.trim(), sign + 1))
}
