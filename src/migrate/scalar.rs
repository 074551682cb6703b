//! [`Scalars`]: the values of a file as its notation writes them, so that a place can be compared with the whole value
//! that it stands in. Nothing is judged here.

use std::borrow::Cow;

use granit_parser::{Event, Parser, ScalarStyle, StructureStyle};

use super::outline::{Outline, Spelling};
use crate::text::Span;

/// How a value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Written {
    /// YAML without quotes.
    Plain,
    /// YAML without quotes inside `{…}` or `[…]`.
    FlowPlain,
    /// In `'`, where `''` stands for one.
    Doubled,
    /// In `"`, where a backslash escapes as in JSON.
    Escaped,
    /// In quotes, with nothing that escapes.
    Literal,
    /// An attribute or a text of XML.
    Markup,
    /// The rest of a line behind a name.
    Line,
}

/// A value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Scalar {
    /// Its text without quotes.
    pub(super) content: Span,
    /// How it is written.
    pub(super) written: Written,
}

/// The values of a file, in order of place.
#[derive(Debug, Default)]
pub(super) struct Scalars(Vec<Scalar>);

impl Scalars {
    /// The values of a text, by what its path says about the notation; none for notations that are not known here.
    pub(super) fn of(path: &str, text: &str) -> Self {
        let name = path.rsplit('/').next().unwrap_or(path);
        let end = name.rsplit_once('.').map_or("", |(_, end)| end);
        Self(match end {
            "yaml" | "yml" => yaml(text).unwrap_or_else(|| outlined(text)),
            "json" => strings(text, b"\"", &[]).0,
            "toml" => toml(text).0,
            _ if is_markup(path) => markup(text),
            "ini" | "cfg" | "properties" => lines(text),
            _ if name.starts_with(".env") || name.split('.').any(|part| part == "env") => lines(text),
            _ => Vec::new(),
        })
    }

    /// Where they are.
    pub(super) fn spans(&self) -> impl Iterator<Item = Span> {
        self.0.iter().map(|scalar| scalar.content)
    }

    /// The value that holds a span.
    pub(super) fn around(&self, span: Span) -> Option<Scalar> {
        let before = self.0.partition_point(|scalar| scalar.content.start <= span.start);
        self.0[..before].last().copied().filter(|scalar| span.end <= scalar.content.end)
    }
}

impl Scalar {
    /// What a part of the value stands for; `None` if its escapes cannot be read.
    pub(super) fn decode(self, raw: &str) -> Option<Cow<'_, str>> {
        match self.written {
            Written::Doubled => Some(Cow::Owned(raw.replace("''", "'"))),
            Written::Escaped if raw.contains('\\') => serde_json::from_str::<String>(&format!("\"{raw}\"")).ok().map(Cow::Owned),
            Written::Markup => Some(unescape_markup(raw)),
            _ => Some(Cow::Borrowed(raw)),
        }
    }
}

/// Whether a file is one of XML or HTML.
pub(super) fn is_markup(path: &str) -> bool {
    let end = path.rsplit_once('.').map_or("", |(_, end)| end);
    ["xml", "config", "csproj", "plist", "html", "htm", "xhtml"].contains(&end)
}

/// Whether a text is valid in the notation that its path says; of notations that are not known here, every text is.
pub(super) fn parses(path: &str, text: &str) -> bool {
    match path.rsplit_once('.').map_or("", |(_, end)| end) {
        "yaml" | "yml" => yaml(text).is_some(),
        "json" => serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok(),
        "toml" => toml(text).1,
        _ => true,
    }
}

/// The five entities that XML itself knows.
pub(super) const ENTITIES: [(&str, &str); 5] = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&")];

/// A text as it can stand anywhere in XML.
pub(super) fn escape_markup(text: &str) -> String {
    let entity = |c: char| ENTITIES.iter().find(|(_, plain)| plain.starts_with(c)).map(|(entity, _)| *entity);
    text.chars().fold(String::with_capacity(text.len()), |mut out, c| {
        match entity(c) {
            Some(entity) => out.push_str(entity),
            None => out.push(c),
        }
        out
    })
}

fn unescape_markup(raw: &str) -> Cow<'_, str> {
    if !raw.contains('&') {
        return Cow::Borrowed(raw);
    }
    // What `&amp;` becomes begins no entity, so it comes last.
    Cow::Owned(ENTITIES.iter().fold(raw.to_owned(), |text, (entity, c)| text.replace(entity, c)))
}

/// The scalars of YAML that parses.
fn yaml(text: &str) -> Option<Vec<Scalar>> {
    let (mut found, mut open) = (Vec::new(), Vec::new());
    for next in Parser::new_from_str(text) {
        let (event, span) = next.ok()?;
        match event {
            Event::MappingStart(style, ..) | Event::SequenceStart(style, ..) => open.push(style == StructureStyle::Flow),
            Event::MappingEnd | Event::SequenceEnd => _ = open.pop(),
            Event::Scalar(_, style, ..) => {
                let Some(range) = span.byte_range().filter(|range| !range.is_empty()) else { continue };
                let inside = Span::new(range.start + 1, (range.end.max(range.start + 2)) - 1);
                let (content, written) = match style {
                    ScalarStyle::SingleQuoted => (inside, Written::Doubled),
                    ScalarStyle::DoubleQuoted => (inside, Written::Escaped),
                    ScalarStyle::Plain if open.last() == Some(&true) => (Span::new(range.start, range.end), Written::FlowPlain),
                    ScalarStyle::Plain => (Span::new(range.start, range.end), Written::Plain),
                    ScalarStyle::Literal | ScalarStyle::Folded => continue,
                };
                found.push(Scalar { content, written });
            }
            _ => {}
        }
    }
    Some(found)
}

/// The scalars of YAML with template expressions, line by line.
fn outlined(text: &str) -> Vec<Scalar> {
    let outline = Outline::new(text);
    let scalar = |item: &super::outline::Item| {
        let inside = || Span::new(item.value.start + 1, item.value.end - 1);
        let (content, written) = match item.spelling {
            Spelling::Plain => (item.value, Written::Plain),
            Spelling::Single => (inside(), Written::Doubled),
            Spelling::Double => (inside(), Written::Escaped),
            Spelling::Block | Spelling::Flow | Spelling::None => return None,
        };
        Some(Scalar { content, written })
    };
    let mut found: Vec<Scalar> = outline.items().iter().filter_map(scalar).collect();
    found.sort_by_key(|scalar| scalar.content.start);
    found
}

/// The strings of TOML, and whether nothing follows any of them that cannot.
fn toml(text: &str) -> (Vec<Scalar>, bool) {
    let (found, closed) = strings(text, b"\"'", b"#");
    let follows = |scalar: &Scalar| {
        let rest = text[scalar.content.end + 1..].trim_start_matches([' ', '\t']);
        rest.is_empty() || rest.starts_with(['\n', '\r', '#', ',', ']', '}', '=', '.'])
    };
    let sound = closed && found.iter().all(follows);
    (found, sound)
}

/// Strings between these quotes, and whether each is closed on its line; in `"` a backslash escapes.
fn strings(text: &str, quotes: &[u8], comment: &[u8]) -> (Vec<Scalar>, bool) {
    let (mut found, mut closed) = (Vec::new(), true);
    let (bytes, mut at) = (text.as_bytes(), 0);
    while at < bytes.len() {
        let byte = bytes[at];
        if comment.contains(&byte) {
            at += memchr::memchr(b'\n', &bytes[at..]).unwrap_or(bytes.len() - at);
        } else if quotes.contains(&byte) {
            let triple = [byte; 3];
            if bytes[at..].starts_with(&triple) {
                at += 3 + memchr::memmem::find(&bytes[at + 3..], &triple).map_or(bytes.len() - at - 3, |length| length + 3);
                continue;
            }
            match closing(bytes, at) {
                Some(end) => {
                    let written = if byte == b'"' { Written::Escaped } else { Written::Literal };
                    found.push(Scalar { content: Span::new(at + 1, end), written });
                    at = end + 1;
                }
                None => (at, closed) = (at + 1, false),
            }
        } else {
            at += 1;
        }
    }
    (found, closed)
}

/// Where the quote at an offset is closed, on the same line.
pub(super) fn closing(bytes: &[u8], open: usize) -> Option<usize> {
    let quote = bytes[open];
    let mut escaped = false;
    for (at, &byte) in bytes.iter().enumerate().skip(open + 1) {
        match byte {
            b'\n' => return None,
            _ if escaped => escaped = false,
            b'\\' if quote != b'\'' => escaped = true,
            _ if byte == quote => return Some(at),
            _ => {}
        }
    }
    None
}

/// Attributes and texts.
fn markup(text: &str) -> Vec<Scalar> {
    let (bytes, mut at, mut found) = (text.as_bytes(), 0, Vec::new());
    while let Some(open) = memchr::memchr(b'<', &bytes[at..]).map(|length| at + length) {
        let plain = text[at..open].trim();
        if !plain.is_empty() {
            let start = at + text[at..open].find(plain).unwrap_or(0);
            found.push(Scalar { content: Span::new(start, start + plain.len()), written: Written::Markup });
        }
        at = match ["-->", "]]>"].into_iter().zip(["<!--", "<![CDATA["]).find(|(_, mark)| text[open..].starts_with(mark)) {
            Some((end, _)) => text[open..].find(end).map_or(bytes.len(), |length| open + length + end.len()),
            None => tag(bytes, open, &mut found),
        };
    }
    found
}

/// Reads the attributes of a tag; where it ends.
fn tag(bytes: &[u8], open: usize, found: &mut Vec<Scalar>) -> usize {
    let mut at = open + 1;
    while at < bytes.len() && bytes[at] != b'>' {
        let quote = matches!(bytes[at], b'"' | b'\'').then(|| memchr::memchr(bytes[at], &bytes[at + 1..])).flatten();
        if let Some(length) = quote {
            found.push(Scalar { content: Span::new(at + 1, at + 1 + length), written: Written::Markup });
            at += length + 1;
        }
        at += 1;
    }
    at + usize::from(at < bytes.len())
}

/// What stands behind the names of lines such as `name = value`.
fn lines(text: &str) -> Vec<Scalar> {
    let (mut found, mut start) = (Vec::new(), 0);
    for line in text.split_inclusive('\n') {
        let content = line.trim_end();
        let is_comment = content.trim_start().starts_with(['#', ';', '!']);
        if let Some(sign) = content.find(['=', ':']).filter(|_| !is_comment) {
            let value = content[sign + 1..].trim_start();
            let at = start + content.len() - value.len();
            let scalar = |from: usize, to: usize, written| Scalar { content: Span::new(at + from, at + to), written };
            let quoted = value.starts_with(['"', '\'']).then(|| closing(value.as_bytes(), 0)).flatten();
            let quoted = quoted.filter(|end| matches!(value[end + 1..].trim_start().chars().next(), None | Some('#' | ';')));
            found.extend(match quoted {
                Some(end) if value.starts_with('"') => Some(scalar(1, end, Written::Escaped)),
                Some(end) => Some(scalar(1, end, Written::Literal)),
                None => {
                    let end = [" #", "\t#", " ;"].iter().filter_map(|mark| value.find(mark)).min().unwrap_or(value.len());
                    (end > 0).then(|| scalar(0, value[..end].trim_end().len(), Written::Line))
                }
            });
        }
        start += line.len();
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(path: &str, text: &str) -> Vec<(String, Written)> {
        Scalars::of(path, text).0.iter().map(|scalar| (text[scalar.content.range()].to_owned(), scalar.written)).collect()
    }

    #[test]
    fn values_are_seen_in_their_notations() {
        let is = |path: &str, text: &str, wanted: &[(&str, Written)]| {
            let wanted: Vec<_> = wanted.iter().map(|(text, written)| ((*text).to_owned(), *written)).collect();
            assert_eq!(all(path, text), wanted, "{text}");
        };
        use Written::{Doubled, Escaped, FlowPlain, Line, Literal, Markup, Plain};
        is("a.yml", "a: 'b''c'\nd: {e: f}\n", &[("a", Plain), ("b''c", Doubled), ("d", Plain), ("e", FlowPlain), ("f", FlowPlain)]);
        is("a.yaml", "{{- if x }}\nb: c\"d,\n", &[("c\"d,", Plain)]);
        is("a.json", r#"{"a": "b\"c"}"#, &[("a", Escaped), (r#"b\"c"#, Escaped)]);
        is("a.toml", "a = \"b\\\"c\" # \"\nd = 'e\\'\nf = \"\"\"\n\"g\n\"\"\"\n", &[("b\\\"c", Escaped), ("e\\", Literal)]);
        is("a.xml", "<a b=\"c&quot;d\">e &amp; f<!-- \"g\" --></a>", &[("c&quot;d", Markup), ("e &amp; f", Markup)]);
        is("a.ini", "[x]\n; a = b\nc = d\"e # f\n", &[("d\"e", Line)]);
        is(".env", "A='b' # c\nB=\"c\"d\nC=e\"f\n", &[("b", Literal), ("\"c\"d", Line), ("e\"f", Line)]);
    }

    #[test]
    fn values_are_decoded() {
        let decoded = |written, raw: &str| Scalar { content: Span::new(0, 0), written }.decode(raw).map(Cow::into_owned);
        assert_eq!(decoded(Written::Doubled, "a''b"), Some("a'b".to_owned()));
        assert_eq!(decoded(Written::Escaped, r#"a\"b\\"#), Some("a\"b\\".to_owned()));
        assert_eq!(decoded(Written::Escaped, r"a\q"), None);
        assert_eq!(decoded(Written::Markup, "a&amp;lt;b&quot;"), Some("a&lt;b\"".to_owned()));
        assert_eq!(decoded(Written::Line, r"a\\b''"), Some(r"a\\b''".to_owned()));
    }
}
