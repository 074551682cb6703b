//! Events to a [`Tree`] and, in the same pass, the [`DocShape`]s that say where everything stands.

use std::collections::{HashMap, HashSet};

use super::comments::{self, Placement, Slot};
use super::events::{Ev, EvKind, Form, Notation, Stream};
use super::resolve::{self, Resolved};
use super::shape::{CommentShape, DocShape, EntryShape, ItemShape, ListShape, MapShape, Shape, Stands};
use crate::sops::store::{Altered, Limits, ReadError, Refusal, encrypted_comment};
use crate::sops::tree::{Comment, Entry, List, ListItem, Map, MapItem, Node, Scalar, Text, Tree};

/// A YAML text that was read.
#[derive(Debug)]
pub(super) struct Built {
    pub(super) tree: Tree,
    pub(super) shapes: Vec<DocShape>,
    pub(super) refusals: Vec<Refusal>,
    pub(super) altered: Vec<Altered>,
}

/// As what a text is read, which decides about the keys that a map may have.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Reading {
    /// A file that is to be encrypted: texts, each once.
    Plain,
    /// A file of sops: texts. sops looks for keys that stand twice at the top of the first document alone, so what it wrote may
    /// have them elsewhere.
    Encrypted,
    /// Settings: each once, and numbers and the like too, which may stand where nobody looks.
    Settings,
}

const ODD_ANCHOR: &str = "an anchor whose name has other signs than letters, digits, `_` and `-`: sops' YAML parser ends the name there";

/// Builds tree and shapes.
pub(super) fn build(text: &str, stream: &Stream, limits: &Limits, reading: Reading) -> Result<Built, ReadError> {
    let mut builder = Builder {
        text,
        events: &stream.events,
        stream,
        placement: comments::place(stream, text),
        anchors: HashMap::new(),
        used: stream.events.iter().filter_map(|event| if let EvKind::Alias(id) = event.kind { Some(id) } else { None }).collect(),
        alias_nodes: limits.alias_nodes,
        depth: limits.depth,
        reading,
        documents: 0,
        flow: 0,
        at: 0,
        last_end: 0,
        refusals: Vec::new(),
        path: Vec::new(),
        altered: Vec::new(),
    };
    let mut built = Built { tree: Tree::default(), shapes: Vec::new(), refusals: Vec::new(), altered: Vec::new() };
    while builder.at < builder.events.len() {
        let (map, shape) = builder.document()?;
        built.tree.documents.push(map);
        built.shapes.push(shape);
    }
    let odd = stream.odd_anchors.iter().map(|line| Refusal { line: *line, reason: ODD_ANCHOR.to_owned() });
    built.refusals = odd.chain(builder.refusals).collect();
    built.altered = builder.altered;
    Ok(built)
}

pub(super) struct Builder<'a> {
    pub(super) text: &'a str,
    events: &'a [Ev],
    stream: &'a Stream,
    placement: Placement,
    anchors: HashMap<usize, Node>,
    /// The anchors that aliases lead to.
    used: HashSet<usize>,
    /// How many more nodes aliases may stand for.
    alias_nodes: usize,
    depth: usize,
    reading: Reading,
    /// How many documents are read.
    documents: usize,
    /// How many flow collections are open.
    pub(super) flow: usize,
    at: usize,
    /// Where the last token's text ended.
    pub(super) last_end: usize,
    pub(super) refusals: Vec<Refusal>,
    /// The keys around.
    pub(super) path: Vec<String>,
    pub(super) altered: Vec<Altered>,
}

impl<'a> Builder<'a> {
    fn document(&mut self) -> Result<(Map, DocShape), ReadError> {
        self.anchors.clear();
        let start = self.next()?;
        let first = self.peek()?;
        self.check_directives(self.last_end, first);
        self.last_end = start.span.end;
        let (map, root) = match &first.kind {
            EvKind::MapStart(_) => match self.node()? {
                (Node::Map(map), Shape::Map(shape)) => (map, shape),
                _ => return Err(syntax(first, "the document is not a map")),
            },
            EvKind::Scalar { text, form: Form::Plain } if text.is_empty() || resolves_to_null(text) => self.null_document(first),
            EvKind::DocumentEnd => return Err(syntax(first, "the document is empty")),
            _ => {
                return Err(ReadError::TopLevel { line: first.line });
            }
        };
        let end = self.next()?;
        let end = self.document_end(end);
        self.documents += 1;
        Ok((map, DocShape { root, end }))
    }

    /// A document without content is an empty map.
    fn null_document(&mut self, event: &Ev) -> (Map, MapShape) {
        let here = self.at;
        self.at += 1;
        let mut map = Map::default();
        let mut comments = Vec::new();
        self.comments_before(here, None, &mut comments, |c| map.items.push(MapItem::Comment(c)));
        let (span, line) = (event.span.clone(), event.line);
        (map, MapShape { notation: Notation::Block, span, line, column: 0, entries: Vec::new(), comments })
    }

    /// Where a document's text ends: before `...`, before the next `---`, or at the end of the text.
    fn document_end(&self, end: &Ev) -> usize {
        let last = self.at >= self.events.len();
        let offset = if end.span.is_empty() && last { self.text.len() } else { end.span.start };
        let line_start = self.text[..offset].rfind('\n').map_or(0, |at| at + 1);
        if self.text[line_start..offset].trim().is_empty() {
            return line_start.max(if offset == self.text.len() { offset } else { 0 });
        }
        self.text[offset..].find('\n').map_or(self.text.len(), |at| offset + at + 1)
    }

    fn node(&mut self) -> Result<(Node, Shape), ReadError> {
        let event = self.next()?;
        let (node, shape) = match &event.kind {
            EvKind::MapStart(notation) => self.map(event, *notation)?,
            EvKind::ListStart(notation) => self.list(event, *notation)?,
            EvKind::Scalar { text, form } => self.scalar(event, text, *form)?,
            EvKind::Alias(id) => self.alias(event, *id)?,
            _ => return Err(syntax(event, "unexpected structure")),
        };
        if event.anchor != 0 {
            self.anchors.insert(event.anchor, node.clone());
        }
        Ok((node, shape))
    }

    fn map(&mut self, start: &'a Ev, notation: Notation) -> Result<(Node, Shape), ReadError> {
        let here = self.at - 1;
        self.check_collection_tag(start, "map");
        let mut map = Map::default();
        let mut shape = MapShape {
            notation,
            span: start.span.clone(),
            line: start.line,
            column: start.column,
            entries: Vec::new(),
            comments: Vec::new(),
        };
        self.flow += usize::from(notation == Notation::Flow);
        let mut seen = HashSet::new();
        while self.peek()?.kind != EvKind::MapEnd {
            let key_at = self.at;
            self.comments_before(here, Some(key_at), &mut shape.comments, |c| map.items.push(MapItem::Comment(c)));
            let key_event = self.next()?;
            let key = self.key(key_event)?;
            self.check_key(key_event, &key, notation);
            if shape.entries.is_empty() {
                shape.column = key_event.column;
                shape.span.start = shape.span.start.min(key_event.start);
            }
            if !seen.insert(key.clone()) && !self.takes_keys_twice() {
                return Err(syntax(key_event, &format!("the key `{key}` stands twice in one map")));
            }
            self.last_end = key_event.span.end;
            self.path.push(key.clone());
            let (node, value) = self.node()?;
            self.path.pop();
            let key_span = key_event.start..key_event.span.end;
            shape.entries.push(EntryShape { key: key.clone(), key_span, value, end: self.last_end });
            map.items.push(MapItem::Entry(Entry { key, value: node }));
        }
        self.comments_before(here, None, &mut shape.comments, |c| map.items.push(MapItem::Comment(c)));
        shape.span.end = self.close(notation)?;
        Ok((Node::Map(map), Shape::Map(shape)))
    }

    /// Whether sops takes a key that stands twice in the map that is being read.
    fn takes_keys_twice(&self) -> bool {
        self.reading == Reading::Encrypted && (self.documents > 0 || !self.path.is_empty())
    }

    fn list(&mut self, start: &'a Ev, notation: Notation) -> Result<(Node, Shape), ReadError> {
        let here = self.at - 1;
        self.check_collection_tag(start, "seq");
        let mut list = List::default();
        let mut shape = ListShape {
            notation,
            span: start.span.clone(),
            line: start.line,
            column: start.column,
            items: Vec::new(),
            comments: Vec::new(),
        };
        self.flow += usize::from(notation == Notation::Flow);
        while self.peek()?.kind != EvKind::ListEnd {
            let item_at = self.at;
            self.comments_before(here, Some(item_at), &mut shape.comments, |c| list.items.push(ListItem::Comment(c)));
            let event = &self.events[item_at];
            let dash = if notation == Notation::Block { self.dash(event)? } else { event.start };
            if shape.items.is_empty() && notation == Notation::Block {
                shape.column = column_of(self.text, dash);
                shape.span.start = dash;
            }
            self.last_end = self.last_end.max(dash + usize::from(notation == Notation::Block));
            let (node, value) = self.node()?;
            match encrypted_comment(&node) {
                Some(comment) => {
                    let span = dash..self.last_end;
                    shape.comments.push(CommentShape { span, comment: comment.clone(), stands: Stands::Item(notation) });
                    list.items.push(ListItem::Comment(comment));
                }
                None => {
                    shape.items.push(ItemShape { dash, value, end: self.last_end });
                    list.items.push(ListItem::Value(node));
                }
            }
        }
        self.comments_before(here, None, &mut shape.comments, |c| list.items.push(ListItem::Comment(c)));
        shape.span.end = self.close(notation)?;
        Ok((Node::List(list), Shape::List(shape)))
    }

    /// Whether an alias leads to an anchor; one that none does goes with the value that it stands before, as with sops.
    pub(super) fn is_used(&self, anchor: usize) -> bool {
        self.used.contains(&anchor)
    }

    /// Takes the end event; a flow collection's closing sign is text.
    fn close(&mut self, notation: Notation) -> Result<usize, ReadError> {
        let end = self.next()?;
        if notation == Notation::Flow {
            self.flow -= 1;
            self.last_end = end.span.end;
        }
        Ok(self.last_end)
    }

    fn alias(&mut self, event: &Ev, id: usize) -> Result<(Node, Shape), ReadError> {
        let target = self.anchors.get(&id).ok_or_else(|| syntax(event, "an alias inside its own anchor"))?;
        let size = count(target);
        if size > self.alias_nodes || depth(target) > self.depth {
            return Err(syntax(event, "the aliases of this file stand for too many nodes"));
        }
        self.alias_nodes -= size;
        let node = Node::Alias(Box::new(target.clone()));
        self.last_end = event.span.end;
        Ok((node, Shape::Alias))
    }

    fn key(&mut self, event: &Ev) -> Result<String, ReadError> {
        let not_text = || {
            let line = self.text.lines().nth(event.line.saturating_sub(1)).unwrap_or_default();
            let hint = if line.contains("{{") { " (a template? encrypt its values file instead)" } else { "" };
            syntax(event, &format!("a key that is not a text; sops takes only text keys{hint}"))
        };
        let EvKind::Scalar { text, form } = &event.kind else {
            return Err(not_text());
        };
        match (event.tag.as_deref(), form) {
            (Some("str" | "merge"), _) | (None | Some("!"), Form::Quoted | Form::Block(_)) => {}
            _ if self.reading == Reading::Settings => {}
            (None, Form::Plain) => match resolve::resolve(text) {
                Resolved::Merge | Resolved::Value(Scalar::Text(_)) => {}
                _ => return Err(not_text()),
            },
            _ => return Err(not_text()),
        }
        if event.anchor != 0 {
            self.refuse(event, "an anchor on a key".to_owned());
        }
        Ok(text.clone())
    }

    fn comments_before(&mut self, collection: usize, before: Option<usize>, shapes: &mut Vec<CommentShape>, mut add: impl FnMut(Comment)) {
        for at in self.placement.remove(&Slot { collection, before }).unwrap_or_default() {
            let span = self.stream.comments[at].span.clone();
            let comment = Comment(Text::from(&self.text[span.start + 1..span.end]));
            add(comment.clone());
            shapes.push(CommentShape { span, comment, stands: Stands::Comment });
        }
    }

    /// The dash of a block list's item, looking back over blanks and comments.
    fn dash(&self, item: &Ev) -> Result<usize, ReadError> {
        let mut end = item.start;
        if let EvKind::Scalar { form: Form::Block(sign), .. } = item.kind {
            let from = self.last_end.min(end);
            end = self.text[from..end].find(sign).map_or(end, |at| from + at);
        }
        loop {
            let before = self.text[..end].trim_end();
            if before.ends_with('-') {
                return Ok(before.len() - 1);
            }
            let comments = &self.stream.comments;
            let found = comments.binary_search_by_key(&before.len(), |comment| comment.span.end);
            match found {
                Ok(at) if comments[at].span.start < end => end = comments[at].span.start,
                _ => return Err(syntax(item, "a list item without a dash")),
            }
        }
    }

    fn peek(&self) -> Result<&'a Ev, ReadError> {
        self.events.get(self.at).ok_or_else(|| ReadError::Syntax { line: 0, reason: "the document breaks off".to_owned() })
    }

    fn next(&mut self) -> Result<&'a Ev, ReadError> {
        let event = self.peek()?;
        self.at += 1;
        Ok(event)
    }
}

fn resolves_to_null(text: &str) -> bool {
    resolve::resolve(text) == Resolved::Value(Scalar::Null)
}

fn count(node: &Node) -> usize {
    match node {
        Node::Scalar(_) => 1,
        Node::Map(map) => 1 + map.entries().map(|entry| count(&entry.value)).sum::<usize>(),
        Node::List(list) => 1 + list.values().map(count).sum::<usize>(),
        Node::Alias(target) => count(target),
    }
}

fn depth(node: &Node) -> usize {
    match node {
        Node::Scalar(_) => 0,
        Node::Map(map) => 1 + map.entries().map(|entry| depth(&entry.value)).max().unwrap_or(0),
        Node::List(list) => 1 + list.values().map(depth).max().unwrap_or(0),
        Node::Alias(target) => depth(target),
    }
}

fn column_of(text: &str, offset: usize) -> usize {
    text[..offset].chars().rev().take_while(|c| *c != '\n').count()
}

pub(super) fn syntax(event: &Ev, reason: &str) -> ReadError {
    ReadError::Syntax { line: event.line, reason: reason.to_owned() }
}
