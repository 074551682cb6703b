//! JSON: an ordered reader that keeps numbers exact, and a writer with sops' layout.
//!
//! sops up to 3.13.1 reads every number as a float, later versions keep whole numbers; both are read, whole numbers
//! in the range of `i64` are written as `int`. There are no comments in JSON but those that sops makes items of a list.

use super::{Altered, BOM, Layout, Limits, ReadError, Source, Store, Style, WriteError, encrypted_comment};
use crate::sops::cipher::Envelope;
use crate::sops::metadata::Metadata;
use crate::sops::scalar::{float_text, json_float, same_number};
use crate::sops::tree::{Entry, List, ListItem, Map, MapItem, Node, Scalar, Text, Tree};

/// The JSON store.
#[derive(Clone, Copy, Debug, Default)]
pub struct Json {
    /// Bounds on what is read.
    pub limits: Limits,
    /// How the output looks.
    pub style: Style,
}

/// What is kept of a JSON file: how it is indented.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct JsonLayout {
    pub(crate) indent: String,
    pub(crate) final_newline: bool,
}

impl Store for Json {
    fn read_plain(&self, bytes: &[u8]) -> Result<Source, ReadError> {
        self.read_encrypted(bytes)
    }

    fn read_encrypted(&self, bytes: &[u8]) -> Result<Source, ReadError> {
        let text = self.limits.text(bytes)?;
        let text = text.strip_prefix(BOM).unwrap_or(text);
        if text.trim().is_empty() {
            return Err(ReadError::Empty);
        }
        let mut parser = Parser::new(text, &self.limits);
        let Node::Map(mut map) = parser.document()? else {
            return Err(ReadError::TopLevel { line: 1 });
        };
        let metadata = match map.get("sops") {
            Some(Node::Map(_)) => map.remove("sops"),
            _ => None,
        };
        let metadata = match metadata {
            Some(Node::Map(metadata)) => Some(metadata),
            _ => None,
        };
        let layout = Layout::Json(JsonLayout { indent: indent_of(text), final_newline: text.ends_with('\n') });
        Ok(Source { tree: Tree { documents: vec![map] }, metadata, refusals: Vec::new(), altered: parser.altered, layout })
    }

    fn write(&self, tree: &Tree, metadata: Option<&Metadata>, source: Option<&Source>) -> Result<Vec<u8>, WriteError> {
        let [document] = tree.documents.as_slice() else {
            return Err(unrepresentable("more than one document"));
        };
        let found = match source.map(|source| &source.layout) {
            Some(Layout::Json(layout)) => layout.clone(),
            _ => JsonLayout { indent: "\t".to_owned(), final_newline: true },
        };
        let indent = self.style.json_indent.map_or(found.indent, |width| " ".repeat(width));
        let mut document = document.clone();
        if let Some(metadata) = metadata {
            document.insert("sops", Node::Map(metadata.fields().clone()));
        }
        let mut out = String::new();
        print(&Node::Map(document), &indent, 0, &mut out)?;
        if found.final_newline {
            out.push('\n');
        }
        Ok(out.into_bytes())
    }

    fn print_value(&self, node: &Node) -> Result<Vec<u8>, WriteError> {
        let indent = self.style.json_indent.map_or("\t".to_owned(), |width| " ".repeat(width));
        let mut out = String::new();
        print(node, &indent, 0, &mut out)?;
        Ok(out.into_bytes())
    }
}

/// Reads one JSON value of any kind, for values given on their own.
///
/// # Errors
/// [`ReadError::Syntax`].
pub fn parse_value(text: &str) -> Result<Node, ReadError> {
    let limits = Limits::default();
    Parser::new(text, &limits).document()
}

/// The tree with floats that are whole numbers as integers.
pub(super) fn with_integers(mut tree: Tree) -> Tree {
    tree.documents.iter_mut().for_each(make_integers);
    tree
}

fn make_integers(map: &mut Map) {
    for item in &mut map.items {
        if let MapItem::Entry(entry) = item {
            make_integer(&mut entry.value);
        }
    }
}

fn make_integer(node: &mut Node) {
    match node {
        Node::Map(map) => make_integers(map),
        Node::List(list) => list.values_mut().for_each(make_integer),
        Node::Alias(target) => make_integer(target),
        Node::Scalar(scalar) => {
            if let Some(number) = integer_of(scalar) {
                *scalar = Scalar::Int(number);
            }
        }
    }
}

/// The integer that the text of a float spells.
fn integer_of(scalar: &Scalar) -> Option<i64> {
    let Scalar::Float(number) = scalar else { return None };
    Some(float_text(*number)).filter(|text| text != "-0")?.parse().ok()
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
    limits: &'a Limits,
    /// The keys around.
    path: Vec<String>,
    altered: Vec<Altered>,
}

/// From here on not every whole number is a float, and numbers of JSON are floats for sops.
const LARGEST_EXACT: u64 = 1 << 53;

impl<'a> Parser<'a> {
    const fn new(text: &'a str, limits: &'a Limits) -> Self {
        Self { text, at: 0, depth: 0, limits, path: Vec::new(), altered: Vec::new() }
    }

    fn document(&mut self) -> Result<Node, ReadError> {
        let node = self.value()?;
        self.blanks();
        if self.at == self.text.len() { Ok(node) } else { Err(self.error("text after the end of the JSON value")) }
    }

    fn value(&mut self) -> Result<Node, ReadError> {
        self.blanks();
        match self.peek() {
            Some(b'{') => self.nested(Self::object),
            Some(b'[') => self.nested(Self::array),
            Some(b'"') => Ok(Node::Scalar(Scalar::Text(Text::new(self.string()?.into_bytes())))),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => {
                let words = [("true", Scalar::Bool(true)), ("false", Scalar::Bool(false)), ("null", Scalar::Null)];
                for (word, value) in words {
                    if self.text[self.at..].starts_with(word) {
                        self.at += word.len();
                        return Ok(Node::Scalar(value));
                    }
                }
                Err(self.error("a JSON value is expected"))
            }
        }
    }

    fn nested(&mut self, inner: fn(&mut Self) -> Result<Node, ReadError>) -> Result<Node, ReadError> {
        self.depth += 1;
        if self.depth > self.limits.depth {
            return Err(self.error("nested too deeply"));
        }
        self.at += 1;
        let node = inner(self)?;
        self.depth -= 1;
        Ok(node)
    }

    fn object(&mut self) -> Result<Node, ReadError> {
        let mut map = Map::default();
        self.blanks();
        while !self.take(b'}') {
            if !map.items.is_empty() {
                self.expect(b',', "`,` or `}` is expected")?;
                self.blanks();
            }
            if self.peek() != Some(b'"') {
                return Err(self.error("a key in quotes is expected"));
            }
            let key = self.string()?;
            self.blanks();
            self.expect(b':', "`:` is expected after a key")?;
            self.path.push(key.clone());
            let value = self.value()?;
            self.path.pop();
            map.items.push(MapItem::Entry(Entry { key, value }));
            self.blanks();
        }
        Ok(Node::Map(map))
    }

    fn array(&mut self) -> Result<Node, ReadError> {
        let mut list = List::default();
        self.blanks();
        while !self.take(b']') {
            if !list.items.is_empty() {
                self.expect(b',', "`,` or `]` is expected")?;
            }
            let value = self.value()?;
            list.items.push(encrypted_comment(&value).map_or(ListItem::Value(value), ListItem::Comment));
            self.blanks();
        }
        Ok(Node::List(list))
    }

    fn number(&mut self) -> Result<Node, ReadError> {
        let rest = &self.text[self.at..];
        let width = rest.bytes().take_while(|b| b.is_ascii_digit() || b"+-.eE".contains(b)).count();
        let spelled = &rest[..width];
        let digits = spelled.strip_prefix('-').unwrap_or(spelled);
        let leading_zero = digits.len() > 1 && digits.starts_with('0') && digits.as_bytes()[1].is_ascii_digit();
        let bare_point = digits.starts_with('.') || digits.contains("..") || digits.ends_with('.') || digits.contains(".e");
        if leading_zero || bare_point || digits.is_empty() {
            return Err(self.error("not a JSON number"));
        }
        let scalar = match spelled.parse::<i64>() {
            Ok(number) if spelled != "-0" => Scalar::Int(number),
            _ => match spelled.parse::<f64>() {
                Ok(number) if number.is_finite() => Scalar::Float(number),
                _ => return Err(self.error("not a JSON number that sops can hold")),
            },
        };
        let kept = match &scalar {
            Scalar::Int(number) => number.unsigned_abs() <= LARGEST_EXACT,
            Scalar::Float(number) => same_number(spelled, &float_text(*number)),
            _ => true,
        };
        if !kept {
            self.altered.push(Altered { line: self.line(), path: self.path.clone() });
        }
        self.at += width;
        Ok(Node::Scalar(scalar))
    }

    /// Reads a string. Its end is found here, its escapes are read by serde_json.
    fn string(&mut self) -> Result<String, ReadError> {
        let bytes = self.text.as_bytes();
        let mut end = self.at + 1;
        loop {
            match bytes.get(end) {
                Some(b'"') => break,
                Some(b'\\') => end += 2,
                Some(_) => end += 1,
                None => return Err(self.error("a string without its closing quote")),
            }
        }
        let spelled = self.text.get(self.at..=end).ok_or_else(|| self.error("a broken string"))?;
        let value = serde_json::from_str(spelled).map_err(|_| self.error("a string with a bad escape or control character"))?;
        self.at = end + 1;
        Ok(value)
    }

    fn blanks(&mut self) {
        let rest = &self.text.as_bytes()[self.at..];
        self.at += rest.iter().take_while(|b| b" \t\r\n".contains(b)).count();
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, byte: u8, reason: &str) -> Result<(), ReadError> {
        if self.take(byte) { Ok(()) } else { Err(self.error(reason)) }
    }

    fn line(&self) -> usize {
        self.text.as_bytes()[..self.at].iter().filter(|b| **b == b'\n').count() + 1
    }

    fn error(&self, reason: &str) -> ReadError {
        ReadError::Syntax { line: self.line(), reason: format!("not valid JSON: {reason}") }
    }
}

fn print(node: &Node, indent: &str, depth: usize, out: &mut String) -> Result<(), WriteError> {
    match node {
        Node::Scalar(scalar) => out.push_str(&print_scalar(scalar)?),
        Node::Alias(target) => print(target, indent, depth, out)?,
        Node::Map(map) => {
            let entries: Vec<&Entry> = map.entries().collect();
            bracketed(['{', '}'], &entries, indent, depth, out, |entry, out| {
                out.push_str(&quoted(&entry.key));
                out.push_str(": ");
                print(&entry.value, indent, depth + 1, out)
            })?;
        }
        Node::List(list) => {
            let items: Vec<&ListItem> = list.items.iter().filter(|item| is_kept(item)).collect();
            bracketed(['[', ']'], &items, indent, depth, out, |item, out| match item {
                ListItem::Value(value) => print(value, indent, depth + 1, out),
                ListItem::Comment(comment) => print(&Node::Scalar(Scalar::Text(comment.0.clone())), indent, depth + 1, out),
            })?;
        }
    }
    Ok(())
}

/// Comments have no place in JSON, unless they are encrypted in a list.
fn is_kept(item: &ListItem) -> bool {
    match item {
        ListItem::Value(_) => true,
        ListItem::Comment(comment) => comment.0.as_str().is_some_and(Envelope::looks_like),
    }
}

fn bracketed<T>(
    signs: [char; 2],
    items: &[T],
    indent: &str,
    depth: usize,
    out: &mut String,
    each: impl Fn(&T, &mut String) -> Result<(), WriteError>,
) -> Result<(), WriteError> {
    out.push(signs[0]);
    for (at, item) in items.iter().enumerate() {
        out.push_str(if at == 0 { "\n" } else { ",\n" });
        out.push_str(&indent.repeat(depth + 1));
        each(item, out)?;
    }
    if !items.is_empty() {
        out.push('\n');
        out.push_str(&indent.repeat(depth));
    }
    out.push(signs[1]);
    Ok(())
}

/// A leaf as JSON.
pub(super) fn print_scalar(scalar: &Scalar) -> Result<String, WriteError> {
    Ok(match scalar {
        Scalar::Null => "null".to_owned(),
        Scalar::Bool(value) => value.to_string(),
        Scalar::Int(number) => number.to_string(),
        Scalar::Float(number) if number.is_finite() => json_float(*number),
        Scalar::Float(_) => return Err(unrepresentable("infinite numbers and NaN")),
        Scalar::Time(time) => quoted(time.as_str()),
        Scalar::Text(text) => quoted(text.as_str().ok_or_else(|| unrepresentable("bytes that are not UTF-8 text"))?),
    })
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// The blanks before the first key.
fn indent_of(text: &str) -> String {
    let second_line = text.lines().skip_while(|line| !line.trim_start().starts_with('{')).nth(1).unwrap_or_default();
    let blanks: String = second_line.chars().take_while(|c| *c == ' ' || *c == '\t').collect();
    if blanks.is_empty() || blanks.len() > 16 { "\t".to_owned() } else { blanks }
}

fn unrepresentable(what: &str) -> WriteError {
    WriteError::Unrepresentable { format: "JSON", what: what.to_owned() }
}
