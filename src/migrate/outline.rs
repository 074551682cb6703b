//! [`Outline`]: the keys of a YAML text with their places, block style read line by line, so that texts with
//! template expressions in them can be read too. It edits nothing and understands no anchors and tags beyond where
//! such a value begins and ends.

mod flow;

use std::collections::HashMap;

use crate::text::Span;

/// A step into a YAML text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    /// Into a map.
    Key(String),
    /// Into a list, from 0.
    Index(usize),
}

/// How a value is spelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spelling {
    /// Without quotes.
    Plain,
    /// In `'`.
    Single,
    /// In `"`.
    Double,
    /// After `|` or `>`, on lines of its own.
    Block,
    /// In `[` or `{`.
    Flow,
    /// There is none on this line.
    None,
}

/// A key or list item with what stands after it.
#[derive(Debug, Clone)]
pub(super) struct Item {
    /// Number of the document in the file, from 0.
    pub(super) document: usize,
    /// From the root of the document.
    pub(super) path: Vec<Part>,
    /// Where the key or dash starts.
    pub(super) start: usize,
    /// Column of that, from 0.
    pub(super) column: usize,
    /// The value with its quotes; for block text, the lines. Empty if there is none.
    pub(super) value: Span,
    /// How the value is spelled.
    pub(super) spelling: Spelling,
    /// Where everything below it ends: after the last line end.
    pub(super) end: usize,
}

/// The keys of a text.
#[derive(Debug)]
pub(super) struct Outline<'t> {
    text: &'t str,
    items: Vec<Item>,
}

impl<'t> Outline<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self::read(text, false)
    }

    /// With the keys and items inside collections in flow style, and of JSON. What edits whole lines does without.
    pub(super) fn with_flow(text: &'t str) -> Self {
        Self::read(text, true)
    }

    fn read(text: &'t str, flow: bool) -> Self {
        let reader =
            Reader { text, items: Vec::new(), open: Vec::new(), counts: HashMap::new(), document: 0, block: None, flow, passed: 0 };
        let mut items = reader.read();
        close(&mut items, text);
        Self { text, items }
    }

    pub(super) fn items(&self) -> &[Item] {
        &self.items
    }

    /// The innermost item whose value holds a span.
    pub(super) fn holding(&self, span: Span) -> Option<&Item> {
        let holds = |item: &&Item| item.value.start <= span.start && span.end <= item.value.end && !item.value.is_empty();
        self.items.iter().rev().find(holds)
    }

    /// The item at a path.
    pub(super) fn at(&self, document: usize, path: &[Part]) -> Option<&Item> {
        self.items.iter().find(|item| item.document == document && item.path == path)
    }

    /// The item at a path of keys.
    pub(super) fn key(&self, document: usize, keys: &[&str]) -> Option<&Item> {
        let path: Vec<Part> = keys.iter().map(|key| Part::Key((*key).to_owned())).collect();
        self.at(document, &path)
    }

    /// The text of a value, without quotes; `None` for flow and block values.
    pub(super) fn scalar(&self, item: &Item) -> Option<String> {
        let raw = &self.text[item.value.range()];
        match item.spelling {
            Spelling::Plain => Some(raw.to_owned()),
            Spelling::Single => Some(raw[1..raw.len() - 1].replace("''", "'")),
            Spelling::Double => serde_yaml::from_str::<String>(raw).ok(),
            Spelling::Block | Spelling::Flow | Spelling::None => None,
        }
    }

    /// The text at a path of keys.
    pub(super) fn text_at(&self, document: usize, keys: &[&str]) -> Option<String> {
        self.key(document, keys).and_then(|item| self.scalar(item))
    }

    /// Items directly below a path.
    pub(super) fn children<'o>(&'o self, document: usize, path: &'o [Part]) -> impl Iterator<Item = &'o Item> {
        self.items.iter().filter(move |item| item.document == document && item.path.len() == path.len() + 1 && item.path.starts_with(path))
    }

    /// How many documents there are.
    pub(super) fn documents(&self) -> usize {
        self.items.last().map_or(0, |item| item.document + 1)
    }
}

impl Item {
    /// The last key of its path.
    pub(super) fn name(&self) -> Option<&str> {
        self.path.last().and_then(|part| match part {
            Part::Key(key) => Some(key.as_str()),
            Part::Index(_) => None,
        })
    }

    /// The keys of its path, if it leads through maps alone.
    pub(super) fn keys(&self) -> Option<Vec<&str>> {
        self.path.iter().map(|part| if let Part::Key(key) = part { Some(key.as_str()) } else { None }).collect()
    }

    /// The path above it.
    pub(super) fn parent(&self) -> &[Part] {
        &self.path[..self.path.len().saturating_sub(1)]
    }
}

struct Reader<'t> {
    text: &'t str,
    items: Vec<Item>,
    /// Open items: column and index.
    open: Vec<(usize, usize)>,
    /// How many list items each item (or document) has so far.
    counts: HashMap<(usize, Option<usize>), usize>,
    document: usize,
    /// The item whose block text is being read, and the column of its key.
    block: Option<(usize, usize)>,
    /// Whether collections in flow style are read.
    flow: bool,
    /// Where the last of them ended.
    passed: usize,
}

impl Reader<'_> {
    fn read(mut self) -> Vec<Item> {
        let mut start = usize::from(self.text.starts_with('\u{feff}')) * 3;
        for line in self.text[start..].split_inclusive('\n') {
            let content = line.trim_end_matches(['\n', '\r']);
            if start >= self.passed {
                self.line(start, content);
            }
            start += line.len();
        }
        self.items
    }

    fn line(&mut self, start: usize, line: &str) {
        let column = line.len() - line.trim_start_matches(' ').len();
        let content = &line[column..];
        if let Some((item, key)) = self.block {
            if content.is_empty() || column > key {
                if !content.is_empty() {
                    let value = &mut self.items[item].value;
                    *value = Span::new(if value.is_empty() { start } else { value.start }, start + line.len());
                }
                return;
            }
            self.block = None;
        }
        if column == 0 && (content == "---" || content.starts_with("--- ")) {
            self.document += usize::from(!self.items.is_empty() && self.items.last().is_some_and(|item| item.document == self.document));
            self.open.clear();
            return;
        }
        if content.is_empty() || content.starts_with('#') || content.starts_with("{{") {
            return;
        }
        self.content(start + column, content, column);
    }

    fn content(&mut self, at: usize, content: &str, column: usize) {
        if content == "-" || content.starts_with("- ") {
            let path = self.below(column, true);
            let count = self.counts.entry((self.document, self.open.last().map(|&(_, item)| item))).or_default();
            let path: Vec<Part> = path.into_iter().chain([Part::Index(*count)]).collect();
            *count += 1;
            let rest = content[1..].trim_start_matches(' ');
            let inner = content.len() - rest.len();
            let nested = rest.starts_with("- ") || split_key(rest).is_some();
            self.push(at, column, &path, if nested { (at + content.len(), "") } else { (at + inner, rest) });
            if nested {
                self.content(at + inner, rest, column + inner);
            }
        } else if let Some((key, value)) = split_key(content) {
            let mut path = self.below(column, false);
            path.push(Part::Key(key));
            let offset = content.len() - value.len();
            self.push(at, column, &path, (at + offset, value));
        } else if self.flow && content.starts_with(['{', '[']) {
            self.collection(at, &[]);
        }
    }

    /// Reads what is in a collection in flow style, and gives where it ends.
    fn collection(&mut self, at: usize, path: &[Part]) -> Option<usize> {
        let mut flow = flow::Flow::new(self.text, self.document);
        let end = flow.read(at, path, 0)?;
        self.items.append(&mut flow.items);
        self.passed = end;
        Some(end)
    }

    /// The path above a line at a column. Items of a list may stand at the column of their key.
    fn below(&mut self, column: usize, dash: bool) -> Vec<Part> {
        while let Some(&(open, item)) = self.open.last() {
            let is_key = matches!(self.items[item].path.last(), Some(Part::Key(_)));
            if open < column || (dash && open == column && is_key) {
                break;
            }
            self.open.pop();
        }
        self.open.last().map(|&(_, item)| self.items[item].path.clone()).unwrap_or_default()
    }

    fn push(&mut self, start: usize, column: usize, path: &[Part], (at, value): (usize, &str)) {
        let (length, spelling) = measure(value);
        let item =
            Item { document: self.document, path: path.to_vec(), start, column, value: Span::new(at, at + length), spelling, end: start };
        self.items.push(item);
        let index = self.items.len() - 1;
        self.open.push((column, index));
        if spelling == Spelling::Block {
            self.items[index].value = Span::new(at, at);
            // Text of a list item is deeper than its dash.
            self.block = Some((index, column));
        }
        if self.flow
            && spelling == Spelling::Flow
            && let Some(end) = self.collection(at, path)
        {
            self.items[index].value = Span::new(at, end);
        }
    }
}

/// Key and what follows it: `key: value`, `"key": value`, `key:`.
fn split_key(content: &str) -> Option<(String, &str)> {
    let (key, rest) = match content.chars().next()? {
        quote @ ('"' | '\'') => {
            let end = 1 + content[1..].find(quote)?;
            (content[1..end].to_owned(), content[end + 1..].trim_start().strip_prefix(':')?)
        }
        '{' | '[' | '#' | '|' | '>' | '&' | '*' | '!' | '@' | '`' => return None,
        _ => {
            let end = content
                .match_indices(':')
                .map(|(at, _)| at)
                .find(|at| matches!(content.as_bytes().get(at + 1), None | Some(b' ' | b'\t')))?;
            let key = content[..end].trim_end();
            if key.contains(" #") {
                return None;
            }
            (key.to_owned(), &content[end + 1..])
        }
    };
    (rest.is_empty() || rest.starts_with([' ', '\t'])).then(|| (key, rest.trim_start()))
}

/// The length of a value without the comment behind it, and how it is spelled.
fn measure(value: &str) -> (usize, Spelling) {
    let bytes = value.as_bytes();
    match bytes.first() {
        None | Some(b'#') => (0, Spelling::None),
        Some(b'|' | b'>') => (0, Spelling::Block),
        Some(b'\'') => {
            let mut at = 1;
            while at < bytes.len() {
                match (bytes[at], bytes.get(at + 1)) {
                    (b'\'', Some(b'\'')) => at += 2,
                    (b'\'', _) => return (at + 1, Spelling::Single),
                    _ => at += 1,
                }
            }
            (plain_end(value), Spelling::Flow)
        }
        Some(b'"') => {
            let mut at = 1;
            while at < bytes.len() {
                match bytes[at] {
                    b'\\' => at += 2,
                    b'"' => return (at + 1, Spelling::Double),
                    _ => at += 1,
                }
            }
            (plain_end(value), Spelling::Flow)
        }
        Some(b'{' | b'[' | b'&' | b'*' | b'!') => (plain_end(value), Spelling::Flow),
        Some(_) => (plain_end(value), Spelling::Plain),
    }
}

fn plain_end(value: &str) -> usize {
    let end = value.find(" #").unwrap_or(value.len());
    value[..end].trim_end().len()
}

/// Where everything below each item ends: at the next line that is not deeper.
fn close(items: &mut [Item], text: &str) {
    let breaks: Vec<usize> = memchr::memchr_iter(b'\n', text.as_bytes()).collect();
    for at in 0..items.len() {
        let inside =
            items[at + 1..].iter().take_while(|next| next.document == items[at].document && next.path.starts_with(&items[at].path));
        let last = inside.last().map_or(items[at].value.end.max(items[at].start), |last| last.value.end.max(last.start));
        let next = breaks.partition_point(|&at| at < last);
        items[at].end = breaks.get(next).map_or(text.len(), |found| found + 1);
    }
}

#[cfg(test)]
mod tests;
