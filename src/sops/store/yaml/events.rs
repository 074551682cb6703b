//! YAML text to a flat list of events with byte spans, by the granit parser. Comments are kept apart.

use std::ops::Range;

use granit_parser::{Event, Parser, ScalarStyle, ScanError, Span, StructureStyle, Tag};

use crate::sops::store::{Limits, ReadError};

/// The flat form of a YAML text.
#[derive(Debug, Default)]
pub(super) struct Stream {
    pub(super) events: Vec<Ev>,
    pub(super) comments: Vec<CommentEv>,
    /// Lines of anchors whose names sops' YAML parser ends elsewhere.
    pub(super) odd_anchors: Vec<usize>,
}

/// One event.
#[derive(Debug)]
pub(super) struct Ev {
    pub(super) kind: EvKind,
    /// Bytes of the token; block collections have an empty span.
    pub(super) span: Range<usize>,
    /// Where the node starts, its tag and anchor included.
    pub(super) start: usize,
    /// Line, from 1.
    pub(super) line: usize,
    /// Column, from 0, in characters.
    pub(super) column: usize,
    pub(super) tag: Option<String>,
    pub(super) anchor: usize,
}

#[derive(Debug, PartialEq)]
pub(super) enum EvKind {
    DocumentStart,
    DocumentEnd,
    MapStart(Notation),
    MapEnd,
    ListStart(Notation),
    ListEnd,
    Scalar { text: String, form: Form },
    Alias(usize),
}

/// Block or flow notation.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Notation {
    Block,
    Flow,
}

/// How a scalar is written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Form {
    Plain,
    Quoted,
    /// `|` or `>`
    Block(char),
}

/// A comment.
#[derive(Debug)]
pub(super) struct CommentEv {
    /// Index of the event that follows.
    pub(super) before: usize,
    /// Bytes, the sign included.
    pub(super) span: Range<usize>,
    pub(super) line: usize,
    pub(super) column: usize,
    /// Whether something stands before it on its line.
    pub(super) trailing: bool,
}

/// Parses a text. A tag is given in full, without the `tag:yaml.org,2002:` of core types.
pub(super) fn parse(text: &str, limits: &Limits) -> Result<Stream, ReadError> {
    let options = granit_parser::options! {
        emit_anchor_events: true,
        block_scalar_eof_without_line_feed: true,
        max_buffered_comment_events: usize::MAX,
        block_nesting_limit: limits.depth,
        flow_nesting_limit: limits.depth,
    };
    let mut stream = Stream::default();
    for next in Parser::new_from_str_with_options(text, options) {
        let (event, span) = next.map_err(|error| syntax(text, &error))?;
        stream.push(text, event, span);
    }
    stream.comments.sort_by_key(|comment| comment.span.start);
    Ok(stream)
}

impl Stream {
    fn push(&mut self, text: &str, event: Event<'_>, span: Span) {
        let range = span.byte_range().unwrap_or_default();
        let (line, column) = (span.start.line(), span.start.col());
        let (kind, anchor, tag) = match event {
            Event::DocumentStart(..) => (EvKind::DocumentStart, 0, None),
            Event::DocumentEnd => (EvKind::DocumentEnd, 0, None),
            Event::MappingStart(style, anchor, tag) => (EvKind::MapStart(notation(style)), anchor, tag),
            Event::MappingEnd => (EvKind::MapEnd, 0, None),
            Event::SequenceStart(style, anchor, tag) => (EvKind::ListStart(notation(style)), anchor, tag),
            Event::SequenceEnd => (EvKind::ListEnd, 0, None),
            Event::Scalar(value, style, anchor, tag) => {
                let empty = style == ScalarStyle::Plain && range.is_empty();
                let value = if empty { String::new() } else { value.into_owned() };
                (EvKind::Scalar { text: value, form: form(style) }, anchor, tag)
            }
            Event::Alias(id) => (EvKind::Alias(id), 0, None),
            Event::Anchor(..) => return self.anchor(text, &range, line),
            Event::Comment(..) => return self.comment(text, range, line, column),
            _ => return,
        };
        let start = span.tag_start().and_then(|mark| mark.byte_offset()).unwrap_or(range.start).min(range.start);
        let tag = tag.map(|tag| tag_text(&tag));
        self.events.push(Ev { kind, span: range, start, line, column, tag, anchor });
    }

    /// An anchor is announced after its node, and stands before it. To sops' parser, a name has letters, digits, `_` and `-`
    /// alone: `&users:` is the anchor of a map there.
    fn anchor(&mut self, text: &str, range: &Range<usize>, line: usize) {
        let name = text[range.clone()].trim_start_matches('&');
        if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte)) {
            self.odd_anchors.push(line);
        }
        if let Some(node) = self.events.last_mut() {
            node.start = node.start.min(range.start);
        }
    }

    fn comment(&mut self, text: &str, span: Range<usize>, line: usize, column: usize) {
        let line_start = text[..span.start].rfind('\n').map_or(0, |at| at + 1);
        let trailing = !text[line_start..span.start].trim().is_empty();
        let span = span.start..span.start + text[span].trim_end_matches('\r').len();
        self.comments.push(CommentEv { before: self.events.len(), span, line, column, trailing });
    }
}

fn notation(style: StructureStyle) -> Notation {
    match style {
        StructureStyle::Block => Notation::Block,
        StructureStyle::Flow => Notation::Flow,
    }
}

fn form(style: ScalarStyle) -> Form {
    match style {
        ScalarStyle::Plain => Form::Plain,
        ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => Form::Quoted,
        ScalarStyle::Literal => Form::Block('|'),
        ScalarStyle::Folded => Form::Block('>'),
    }
}

fn tag_text(tag: &Tag) -> String {
    let full = tag.to_string();
    let core = full.strip_prefix("tag:yaml.org,2002:").or_else(|| full.strip_prefix("!!"));
    match tag.core_suffix().or(core) {
        Some(suffix) => suffix.to_owned(),
        None => full,
    }
}

/// The parser's messages say what is wrong and quote at most a sign or a name, but one made by hand might quote more.
fn syntax(text: &str, error: &ScanError) -> ReadError {
    let line = error.marker().line();
    let templated = text.lines().nth(line.saturating_sub(1)).is_some_and(|line| line.contains("{{"));
    let reason = if templated {
        "this is a template (`{{ … }}`), not YAML; encrypt the file it renders, or its values file".to_owned()
    } else {
        format!("not valid YAML: {}", error.info())
    };
    ReadError::Syntax { line, reason }
}
