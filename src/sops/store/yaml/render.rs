//! Writes a changed tree into the text it was read from: only what differs is spliced, every other byte stays.

use std::collections::{HashMap, HashSet, VecDeque};
use std::ops::Range;

use super::emit::{self, Look};
use super::events::Notation;
use super::shape::{CommentShape, DocShape, EntryShape, ListShape, MapShape, ScalarShape, Shape, Stands};
use crate::sops::store::WriteError;
use crate::sops::tree::{Comment, List, Map, Node, Scalar};

/// The key of the metadata block.
pub(super) const METADATA_KEY: &str = "sops";

/// Collects splices over one text.
pub(super) struct Splices<'a> {
    text: &'a str,
    look: Look<'a>,
    edits: Vec<(Range<usize>, String)>,
    /// The header of an unchanged block scalar that ends where the text does, without a line end.
    unended: Option<Range<usize>>,
}

impl<'a> Splices<'a> {
    pub(super) const fn new(text: &'a str, look: Look<'a>) -> Self {
        Self { text, look, edits: Vec::new(), unended: None }
    }

    /// Compares one document with what it should become.
    pub(super) fn document(&mut self, shape: &DocShape, map: &Map) -> Result<(), WriteError> {
        let root = &shape.root;
        if root.entries.is_empty() {
            return self.fill_empty_root(shape, map);
        }
        self.map(root, map, Some(shape.end))
    }

    /// The text with all splices done.
    pub(super) fn finish(mut self) -> String {
        self.edits.sort_by_key(|(range, _)| (range.start, range.end));
        let mut out = String::with_capacity(self.text.len() + self.edits.iter().map(|(_, new)| new.len()).sum::<usize>());
        let mut at = 0;
        for (range, new) in &self.edits {
            if range.start >= at {
                out += &self.text[at..range.start];
                out += new;
                at = range.end;
            }
        }
        out += &self.text[at..];
        out
    }

    fn fill_empty_root(&mut self, shape: &DocShape, map: &Map) -> Result<(), WriteError> {
        let entries = self.look.map(&Map { items: map.entries().cloned().map(crate::sops::tree::MapItem::Entry).collect() }, 0)?;
        if entries.is_empty() {
            return Ok(());
        }
        self.comments(&shape.root.comments, map.comments(), 0)?;
        // `{}` or a spelled-out null gives way to the entries.
        let span = shape.root.span.clone();
        if !span.is_empty() {
            self.edits.push((span, String::new()));
        }
        self.insert_lines(shape.end, entries);
        Ok(())
    }

    fn map(&mut self, shape: &MapShape, map: &Map, document_end: Option<usize>) -> Result<(), WriteError> {
        self.comments(&shape.comments, map.comments(), shape.column)?;
        // A key may stand twice in what sops wrote.
        let mut old: HashMap<&str, VecDeque<&EntryShape>> = HashMap::new();
        shape.entries.iter().for_each(|entry| old.entry(&entry.key).or_default().push_back(entry));
        for entry in map.entries() {
            if let Some(known) = old.get_mut(entry.key.as_str()).and_then(VecDeque::pop_front) {
                self.entry(shape, known, &entry.value)?;
            }
        }
        let wanted: HashSet<&str> = map.entries().map(|entry| entry.key.as_str()).collect();
        let kept: Vec<bool> = shape.entries.iter().map(|entry| wanted.contains(entry.key.as_str())).collect();
        let fresh: Vec<_> = map.entries().filter(|entry| !old.contains_key(entry.key.as_str())).collect();
        if !kept.contains(&true) && fresh.is_empty() {
            return self.empty_map(shape, document_end);
        }
        self.remove_entries(shape, &kept);
        match shape.notation {
            Notation::Flow => {
                let mut text = String::new();
                for entry in fresh {
                    let comma = if kept.contains(&true) || !text.is_empty() { ", " } else { "" };
                    let key = emit::flow(&Node::text(&entry.key))?;
                    text += &format!("{comma}{key}: {}", emit::flow(&entry.value)?);
                }
                let at = shape.entries.last().map_or(shape.span.start + 1, |entry| entry.end);
                self.push(at..at, text);
            }
            Notation::Block => {
                for entry in fresh {
                    let lines = self.look.entry(&entry.key, &entry.value, shape.column)?;
                    let at = self.place_for(shape, &entry.key, document_end);
                    self.insert_lines(at, lines);
                }
            }
        }
        Ok(())
    }

    /// New entries follow the last one, but stay above the metadata; the metadata goes to the document's end.
    fn place_for(&self, shape: &MapShape, key: &str, document_end: Option<usize>) -> usize {
        if let (METADATA_KEY, Some(end)) = (key, document_end) {
            return end;
        }
        let is_metadata = |entry: &&EntryShape| document_end.is_some() && entry.key == METADATA_KEY;
        match shape.entries.iter().rev().find(|entry| !is_metadata(entry)) {
            Some(entry) => self.line_end(entry.end),
            None => self.line_start(shape.span.start),
        }
    }

    fn empty_map(&mut self, shape: &MapShape, document_end: Option<usize>) -> Result<(), WriteError> {
        let Some((first, last)) = shape.entries.first().zip(shape.entries.last()) else {
            return Ok(());
        };
        if let Some(pinned) = shape.entries.iter().find_map(|entry| entry.value.pinned()) {
            return Err(refused(shape.line, pinned));
        }
        let span = match shape.notation {
            Notation::Flow => shape.span.clone(),
            Notation::Block => first.key_span.start..last.end,
        };
        let braces = if document_end.is_some() || shape.notation == Notation::Flow { "{}".to_owned() } else { " {}".to_owned() };
        let span = match (shape.notation, document_end) {
            (Notation::Block, None) => {
                let before = self.text[..span.start].trim_end().len();
                before..span.end
            }
            _ => span,
        };
        self.push(span, braces);
        Ok(())
    }

    fn remove_entries(&mut self, shape: &MapShape, kept: &[bool]) {
        for (at, entry) in shape.entries.iter().enumerate().filter(|(at, _)| !kept[*at]) {
            let start = entry.key_span.start;
            let own_line = self.text[self.line_start(start)..start].trim().is_empty();
            let range = match (shape.notation, shape.entries.get(at + 1), at.checked_sub(1)) {
                (Notation::Block, _, _) if own_line => self.line_start(start)..self.line_end(entry.end),
                (_, Some(next), _) => start..next.key_span.start,
                (_, None, Some(before)) => shape.entries[before].end..entry.end,
                (_, None, None) => start..entry.end,
            };
            self.push(range, String::new());
        }
    }

    fn entry(&mut self, shape: &MapShape, old: &EntryShape, new: &Node) -> Result<(), WriteError> {
        let from = old.key_span.end;
        let colon = self.text[from..old.end.max(from)].find(':').map_or(old.end, |at| from + at + 1);
        if holds_comments_alone(&old.value, new) {
            // Without its items, nothing tells that it is a list.
            self.push(colon..colon, " []".to_owned());
        }
        if self.descend(&old.value, new, shape.notation, shape.column)? {
            return Ok(());
        }
        if let Some(pinned) = old.value.pinned() {
            return Err(refused(old.value.line(), pinned));
        }
        let text = match shape.notation {
            Notation::Block => self.look.value(new, shape.column)?,
            Notation::Flow => format!(" {}", emit::flow(new)?),
        };
        self.push(colon..old.end.max(colon), text);
        Ok(())
    }

    /// Edits inside a node that keeps its kind; `false` if it must be written anew.
    fn descend(&mut self, old: &Shape, new: &Node, notation: Notation, column: usize) -> Result<bool, WriteError> {
        match (old, new) {
            (Shape::Alias, Node::Alias(_)) => {}
            (Shape::Scalar(old), Node::Scalar(new)) => self.scalar(old, new, notation, column)?,
            (Shape::Map(old), Node::Map(new)) if !old.entries.is_empty() || new.entries().next().is_none() => self.map(old, new, None)?,
            (Shape::List(old), Node::List(new)) if !old.items.is_empty() || new.values().next().is_none() => {
                return self.list(old, new);
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn scalar(&mut self, old: &ScalarShape, new: &Scalar, notation: Notation, column: usize) -> Result<(), WriteError> {
        if same(&old.value, new) {
            if old.body.as_ref().is_some_and(|body| !self.text[body.end..].contains('\n')) {
                self.unended = Some(old.span.clone());
            }
            return Ok(());
        }
        if let Some(pinned) = old.pinned {
            return Err(refused(old.line, pinned));
        }
        let text = match notation {
            Notation::Block => self.look.scalar(new, column)?,
            Notation::Flow => emit::flow(&Node::Scalar(new.clone()))?,
        };
        let blank = if old.span.is_empty() { " " } else { "" };
        // A literal block's lines go below the line, after a comment that may follow the value.
        let (first, rest) = match text.find(self.look.eol).filter(|_| notation == Notation::Block) {
            Some(at) => text.split_at(at),
            None => (text.as_str(), ""),
        };
        self.push(old.span.clone(), format!("{blank}{first}"));
        match &old.body {
            Some(body) => self.push(body.clone(), rest.to_owned()),
            None if rest.is_empty() => {}
            None => {
                let end = self.text[old.span.end..].find('\n').map_or(self.text.len(), |at| old.span.end + at);
                let end = end - usize::from(self.text[..end].ends_with('\r'));
                self.push(end..end, rest.to_owned());
            }
        }
        Ok(())
    }

    fn list(&mut self, old: &ListShape, new: &List) -> Result<bool, WriteError> {
        let values: Vec<&Node> = new.values().collect();
        if values.is_empty() && old.items.is_empty() {
            self.comments(&old.comments, new.comments(), old.column)?;
            return Ok(true);
        }
        if values.is_empty() || (old.notation == Notation::Flow && values.len() != old.items.len()) {
            return Ok(values.len() == old.items.len());
        }
        self.comments(&old.comments, new.comments(), old.column)?;
        for (item, value) in old.items.iter().zip(&values) {
            if self.descend(&item.value, value, old.notation, old.column)? {
                continue;
            }
            if let Some(pinned) = item.value.pinned() {
                return Err(refused(item.value.line(), pinned));
            }
            match old.notation {
                Notation::Flow => self.push(item.dash..item.end, emit::flow(value)?),
                Notation::Block => {
                    let text = self.look.item(value, old.column)?;
                    let text = text.trim_start_matches(' ').trim_end_matches(['\r', '\n']).to_owned();
                    self.push(item.dash..item.end, text);
                }
            }
        }
        for item in old.items.iter().skip(values.len()) {
            if let Some(pinned) = item.value.pinned() {
                return Err(refused(item.value.line(), pinned));
            }
            self.push(self.line_start(item.dash)..self.line_end(item.end), String::new());
        }
        let end = old.items.last().map_or(old.span.end, |item| item.end);
        for value in values.iter().skip(old.items.len()) {
            let lines = self.look.item(value, old.column)?;
            self.insert_lines(self.line_end(end), lines);
        }
        Ok(true)
    }

    fn comments<'c>(&mut self, old: &[CommentShape], new: impl Iterator<Item = &'c Comment>, column: usize) -> Result<(), WriteError> {
        for (shape, comment) in old.iter().zip(new) {
            if shape.comment == *comment {
                continue;
            }
            let lines = self.look.comment(&comment.0, column)?;
            let lines = lines.trim_start_matches(' ').trim_end_matches(['\r', '\n']);
            match shape.stands {
                Stands::Item(Notation::Flow) => self.comment_in_flow(shape, lines, column),
                Stands::Comment | Stands::Item(Notation::Block) => self.push(shape.span.clone(), lines.to_owned()),
            }
        }
        Ok(())
    }

    /// A comment in the place of an item, and of the comma behind it; the line ends with it.
    fn comment_in_flow(&mut self, shape: &CommentShape, lines: &str, column: usize) {
        let behind = &self.text[shape.span.end..];
        let comma = behind.trim_start().strip_prefix(',').map(str::trim_start);
        let end = self.text.len() - comma.unwrap_or(behind).len();
        let gap = if self.text[..shape.span.start].ends_with([' ', '\n']) { "" } else { " " };
        let next =
            if lines_end_here(&self.text[end..]) { String::new() } else { format!("{}{:width$}", self.look.eol, "", width = column + 1) };
        self.push(shape.span.start..end, format!("{gap}{lines}{next}"));
    }

    fn push(&mut self, range: Range<usize>, new: String) {
        self.edits.push((range, new));
    }

    /// Inserts whole lines at the start of a line, or at the end of a text that may lack its last line end.
    fn insert_lines(&mut self, at: usize, lines: String) {
        let open_line = at > 0 && !self.text[..at].ends_with('\n');
        if let Some(header) = self.unended.take_if(|_| open_line) {
            // A line end that was not there must not become part of the value.
            let spelled = format!("{}-", self.text[header.clone()].trim_end_matches(['+', '-']));
            self.push(header, spelled);
        }
        let again = self.edits.iter().any(|(range, _)| *range == (at..at));
        let lines = if open_line && !again { format!("{}{lines}", self.look.eol) } else { lines };
        self.push(at..at, lines);
    }

    fn line_start(&self, at: usize) -> usize {
        self.text[..at].rfind('\n').map_or(0, |found| found + 1)
    }

    /// The start of the next line.
    fn line_end(&self, at: usize) -> usize {
        self.text[at..].find('\n').map_or(self.text.len(), |found| at + found + 1)
    }
}

/// Whether a text begins with the end of a line.
fn lines_end_here(text: &str) -> bool {
    text.starts_with(['\r', '\n'])
}

/// Whether a list whose items were encrypted comments becomes one of comments.
fn holds_comments_alone(old: &Shape, new: &Node) -> bool {
    let (Shape::List(old), Node::List(new)) = (old, new) else { return false };
    let empty = old.notation == Notation::Block && old.items.is_empty() && new.values().next().is_none();
    empty && old.comments.iter().zip(new.comments()).any(|(shape, comment)| shape.comment != *comment)
}

fn same(old: &Scalar, new: &Scalar) -> bool {
    match (old, new) {
        (Scalar::Float(a), Scalar::Float(b)) => a.to_bits() == b.to_bits(),
        _ => old == new,
    }
}

fn refused(line: usize, what: &str) -> WriteError {
    WriteError::Refused { line, reason: format!("{what} stands in the way of replacing the value; write the value out") }
}
