//! New YAML text: scalars, entries and items that are not in the file yet.

use std::fmt::Write;

use super::resolve;
use crate::sops::scalar::{float_text, short_float};
use crate::sops::store::WriteError;
use crate::sops::tree::{List, ListItem, Map, MapItem, Node, Scalar, Text};

/// How new lines look.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look<'a> {
    /// Blanks per level.
    pub(super) indent: usize,
    /// `\n` or `\r\n`.
    pub(super) eol: &'a str,
}

impl Look<'_> {
    /// The column of what stands below something at `column`: the next multiple of the indent, as go-yaml does.
    pub(super) const fn below(self, column: usize) -> usize {
        (column + self.indent) / self.indent * self.indent
    }

    /// A value on the line of its key or dash, from the blank on; more lines follow for collections and long text.
    /// `column` is that of the key or dash.
    pub(super) fn value(self, node: &Node, column: usize) -> Result<String, WriteError> {
        Ok(match node {
            Node::Scalar(scalar) => format!(" {}", self.scalar(scalar, column)?),
            Node::Map(map) if map.items.is_empty() => " {}".to_owned(),
            Node::List(list) if list.items.is_empty() => " []".to_owned(),
            Node::Map(map) => format!("{}{}", self.eol, self.map(map, self.below(column))?.trim_end_matches(['\r', '\n'])),
            Node::List(list) => format!("{}{}", self.eol, self.list(list, self.below(column))?.trim_end_matches(['\r', '\n'])),
            Node::Alias(target) => self.value(target, column)?,
        })
    }

    /// The lines of a map.
    pub(super) fn map(self, map: &Map, column: usize) -> Result<String, WriteError> {
        let mut out = String::new();
        for item in &map.items {
            match item {
                MapItem::Comment(comment) => out += &self.comment(&comment.0, column)?,
                MapItem::Entry(entry) => out += &self.entry(&entry.key, &entry.value, column)?,
            }
        }
        Ok(out)
    }

    /// The lines of an entry.
    pub(super) fn entry(self, key: &str, value: &Node, column: usize) -> Result<String, WriteError> {
        Ok(format!("{:column$}{}:{}{}", "", text_inline(key), self.value(value, column)?, self.eol))
    }

    /// The lines of a list.
    pub(super) fn list(self, list: &List, column: usize) -> Result<String, WriteError> {
        let mut out = String::new();
        for item in &list.items {
            match item {
                ListItem::Comment(comment) => out += &self.comment(&comment.0, column)?,
                ListItem::Value(node) => out += &self.item(node, column)?,
            }
        }
        Ok(out)
    }

    /// A value that stands in no map: a list, or a leaf on a line of its own.
    pub(super) fn alone(self, node: &Node) -> Result<String, WriteError> {
        Ok(match node {
            Node::Alias(target) => self.alone(target)?,
            Node::Map(map) => self.map(map, 0)?,
            Node::List(list) if !list.items.is_empty() => self.list(list, 0)?,
            Node::Scalar(Scalar::Float(number)) if number.is_finite() => format!("{}{}", short_float(*number), self.eol),
            node => format!("{}{}", self.value(node, 0)?.trim_start(), self.eol),
        })
    }

    /// The lines of a list item.
    pub(super) fn item(self, node: &Node, column: usize) -> Result<String, WriteError> {
        let inner = match node {
            Node::Map(map) if !map.items.is_empty() => self.map(map, column + 2)?,
            Node::List(list) if !list.items.is_empty() => self.list(list, column + 2)?,
            _ => {
                return Ok(format!("{:column$}-{}{}", "", self.value(node, column)?, self.eol));
            }
        };
        // The first line of the inner collection moves up to the dash.
        Ok(format!("{:column$}- {}", "", inner.trim_start_matches(' ')))
    }

    /// A comment, one line per line of its text.
    pub(super) fn comment(self, text: &Text, column: usize) -> Result<String, WriteError> {
        let text = utf8(text)?;
        let mut out = String::new();
        for line in text.split('\n') {
            let _ = write!(out, "{:column$}#{}{}", "", line, self.eol);
        }
        Ok(out)
    }

    /// A leaf in block notation. Long text becomes a literal block below `column`.
    pub(super) fn scalar(self, scalar: &Scalar, column: usize) -> Result<String, WriteError> {
        let Scalar::Text(text) = scalar else {
            return Ok(bare(scalar));
        };
        let text = utf8(text)?;
        if !fits_literal(text) {
            return Ok(text_inline(text));
        }
        let (sign, body) = match text.strip_suffix('\n') {
            Some(body) => ("|", body),
            None => ("|-", text),
        };
        let mut out = sign.to_owned();
        let below = self.below(column);
        for line in body.split('\n') {
            out += self.eol;
            if !line.is_empty() {
                let _ = write!(out, "{:below$}{line}", "");
            }
        }
        Ok(out)
    }
}

/// Any node in flow notation.
pub(super) fn flow(node: &Node) -> Result<String, WriteError> {
    Ok(match node {
        Node::Scalar(Scalar::Text(text)) => match utf8(text)? {
            word if is_plain(word) && word.chars().all(|c| c.is_alphanumeric() || "-_./".contains(c)) => word.to_owned(),
            text => quoted(text),
        },
        Node::Scalar(scalar) => bare(scalar),
        Node::Map(map) => {
            let entries = map.entries().map(|entry| Ok(format!("{}: {}", quoted(&entry.key), flow(&entry.value)?)));
            format!("{{{}}}", entries.collect::<Result<Vec<_>, WriteError>>()?.join(", "))
        }
        Node::List(list) => {
            let items = list.values().map(flow).collect::<Result<Vec<_>, WriteError>>()?;
            format!("[{}]", items.join(", "))
        }
        Node::Alias(target) => flow(target)?,
    })
}

/// A text on one line: plain if it reads back as itself, else double-quoted.
pub(super) fn text_inline(text: &str) -> String {
    if is_plain(text) { text.to_owned() } else { quoted(text) }
}

/// A leaf other than text.
fn bare(scalar: &Scalar) -> String {
    match scalar {
        Scalar::Null | Scalar::Text(_) => "null".to_owned(),
        Scalar::Bool(value) => value.to_string(),
        Scalar::Int(number) => number.to_string(),
        Scalar::Float(number) if number.is_nan() => ".nan".to_owned(),
        Scalar::Float(number) if number.is_infinite() => if *number > 0.0 { ".inf" } else { "-.inf" }.to_owned(),
        Scalar::Float(number) => {
            let text = float_text(*number);
            if text.contains('.') { text } else { text + ".0" }
        }
        Scalar::Time(time) => time.as_str().to_owned(),
    }
}

fn utf8(text: &Text) -> Result<&str, WriteError> {
    text.as_str().ok_or(WriteError::Unrepresentable { format: "YAML", what: "bytes that are not UTF-8 text".to_owned() })
}

fn is_plain(text: &str) -> bool {
    let Some(first) = text.chars().next() else {
        return false;
    };
    let blank_ends = text.starts_with(' ') || text.ends_with(' ');
    let confusing = text.contains(": ") || text.contains(" #") || text.ends_with(':');
    let marker = text.starts_with("---") || text.starts_with("...");
    !blank_ends
        && !confusing
        && !marker
        && !"-?:,[]{}#&*!|>'\"%@`=<".contains(first)
        && text.chars().all(printable)
        && resolve::is_plain_text(text)
}

/// Whether a literal block holds the text exactly.
fn fits_literal(text: &str) -> bool {
    let starts_odd = text.starts_with([' ', '\n', '\t']);
    let body = text.strip_suffix('\n').unwrap_or(text);
    text.contains('\n')
        && !body.is_empty()
        && !starts_odd
        && !body.ends_with('\n')
        && body.split('\n').all(|line| line.is_empty() || !line.trim_matches([' ', '\t']).is_empty())
        && text.chars().all(|c| c == '\n' || c == '\t' || printable(c))
}

fn printable(c: char) -> bool {
    matches!(c, ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
        && !matches!(c, '\u{feff}' | '\u{2028}' | '\u{2029}' | '\u{fff9}'..='\u{fffb}')
        && !('\u{202a}'..='\u{202e}').contains(&c)
}

fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out += "\\\"",
            '\\' => out += "\\\\",
            '\n' => out += "\\n",
            '\t' => out += "\\t",
            '\r' => out += "\\r",
            '\0' => out += "\\0",
            c if printable(c) => out.push(c),
            c if u32::from(c) < 0x1_0000 => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => {
                let _ = write!(out, "\\U{:08x}", u32::from(c));
            }
        }
    }
    out.push('"');
    out
}
