//! To which map or list a comment belongs, and before which of its entries it stands.
//!
//! sops binds an encrypted comment to the keys of its map, so this follows go-yaml v3's habits: a comment directly
//! above a node belongs to it, one after a value to that value, one followed by a blank line to what it is indented
//! with. Measured on sops 3.11; where go-yaml is subtler, decryption tries the neighbouring maps as well.

use std::collections::HashMap;

use super::events::{CommentEv, Ev, EvKind, Notation, Stream};

/// A place for a comment: in the collection started by one event, before the entry started by another (or last).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) struct Slot {
    pub(super) collection: usize,
    pub(super) before: Option<usize>,
}

/// The comments (by index) of every place, in file order.
pub(super) type Placement = HashMap<Slot, Vec<usize>>;

/// What is known of each event's surroundings.
struct Outline {
    /// The collection an event stands in.
    parent: Vec<Option<usize>>,
    /// The key or list item an event belongs to within its parent.
    slot: Vec<usize>,
    /// Whether the event is the value of a key.
    is_value: Vec<bool>,
    /// For collections: the column of their entries.
    column: Vec<usize>,
    /// For collections: the column as go-yaml counts it; a list under its key's column does not count.
    indent: Vec<usize>,
    /// For collections: their direct keys or items.
    slots: HashMap<usize, Vec<usize>>,
    /// The collection that an end event closes.
    opener: Vec<usize>,
}

/// Places all comments.
pub(super) fn place(stream: &Stream, text: &str) -> Placement {
    let outline = Outline::new(&stream.events, text);
    let finder = Finder { stream, outline, text };
    let mut placement = Placement::new();
    let mut at = 0;
    while at < stream.comments.len() {
        let end = finder.group_end(at);
        if let Some(slot) = finder.slot(at, end) {
            placement.entry(slot).or_default().extend(at..end);
        }
        at = end;
    }
    placement
}

/// What ends a comment that belongs to what stands above it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Ending {
    /// A blank line.
    Blank,
    /// Something further left, or the end of the document.
    Dedent,
}

struct Finder<'a> {
    stream: &'a Stream,
    outline: Outline,
    text: &'a str,
}

impl Finder<'_> {
    /// Own-line comments on consecutive lines go together; a trailing comment stands alone.
    fn group_end(&self, at: usize) -> usize {
        let comments = &self.stream.comments;
        let mut end = at + 1;
        if comments[at].trailing {
            return end;
        }
        while end < comments.len() {
            let (last, next) = (&comments[end - 1], &comments[end]);
            let apart = next.trailing || next.line != last.line + 1 || next.before != last.before;
            if apart || self.dedents(&comments[at], next.column) {
                break;
            }
            end += 1;
        }
        end
    }

    /// Whether what follows a comment stands outside the block that was open, and not below the comment.
    fn dedents(&self, comment: &CommentEv, next_column: usize) -> bool {
        let open = previous_node(&self.stream.events, comment).and_then(|node| self.outline.open_block(&self.stream.events, node));
        let indent = open.map_or(0, |collection| self.outline.indent[collection]);
        next_column < indent && next_column != comment.column
    }

    fn slot(&self, at: usize, end: usize) -> Option<Slot> {
        let events = &self.stream.events;
        let (first, last) = (&self.stream.comments[at], &self.stream.comments[end - 1]);
        let next = next_node(events, last.before);
        if first.trailing {
            // A comment right after a dash stands before what the dash is for.
            let after_dash = next.filter(|_| self.only_dashes_before(first));
            return match after_dash {
                Some(node) => Some(self.outline.head(events, node)),
                None => self.outline.trailing(events, first),
            };
        }
        let follower = self.stream.comments.get(end).filter(|next| next.line == last.line + 1 && next.before == last.before);
        let above = next.filter(|node| follower.is_none() && events[*node].line == last.line + 1);
        let next_column = follower.map(|next| next.column).or_else(|| above.map(|node| self.line_column(events[node].start)));
        let foot_of_previous = next_column.is_some_and(|column| self.dedents(first, column));
        if let Some(node) = above.filter(|_| !foot_of_previous) {
            return Some(self.outline.head(events, node));
        }
        let ending = match (next_column, self.stream.comments.get(end), next) {
            (None, Some(_), _) | (None, _, Some(_)) => Ending::Blank,
            _ => Ending::Dedent,
        };
        let previous = previous_node(events, first).filter(|node| !self.outline.awaits_value(events, *node, first));
        let foot = previous.and_then(|node| self.outline.foot(events, node, first, next, ending));
        let blank_above = previous.is_some_and(|node| self.last_line(&events[node]) + 1 < first.line);
        match (foot, next) {
            (Some(slot), None) => Some(slot),
            (Some(slot), Some(_)) if !blank_above => Some(slot),
            (_, Some(node)) => Some(self.outline.head(events, node)),
            (None, None) => root(events, last.before).map(|collection| Slot { collection, before: None }),
        }
    }

    /// The line a token's text ends on.
    fn last_line(&self, event: &Ev) -> usize {
        event.line + self.text[event.span.clone()].trim_end().matches('\n').count()
    }

    fn only_dashes_before(&self, comment: &CommentEv) -> bool {
        let start = self.text[..comment.span.start].rfind('\n').map_or(0, |at| at + 1);
        self.text[start..comment.span.start].chars().all(|c| c == '-' || c == ' ' || c == '\t')
    }

    /// The column of the first thing on a line.
    fn line_column(&self, offset: usize) -> usize {
        let start = self.text[..offset].rfind('\n').map_or(0, |at| at + 1);
        self.text[start..].chars().take_while(|c| *c == ' ').count()
    }
}

fn is_node(event: &Ev) -> bool {
    matches!(event.kind, EvKind::MapStart(_) | EvKind::ListStart(_) | EvKind::Scalar { .. } | EvKind::Alias(_))
}

/// The next node of the same document.
fn next_node(events: &[Ev], from: usize) -> Option<usize> {
    for (at, event) in events.iter().enumerate().skip(from) {
        match event.kind {
            EvKind::DocumentEnd => return None,
            _ if is_node(event) => return Some(at),
            _ => {}
        }
    }
    None
}

/// The last leaf or closed flow collection before a comment, in the same document.
fn previous_node(events: &[Ev], comment: &CommentEv) -> Option<usize> {
    for at in (0..comment.before).rev() {
        match &events[at].kind {
            EvKind::DocumentStart | EvKind::DocumentEnd => return None,
            EvKind::Scalar { .. } | EvKind::Alias(_) if events[at].span.start < comment.span.start => {
                return Some(at);
            }
            EvKind::MapEnd | EvKind::ListEnd if !events[at].span.is_empty() => return Some(at),
            EvKind::MapStart(Notation::Flow) | EvKind::ListStart(Notation::Flow) => {
                return Some(at);
            }
            _ => {}
        }
    }
    None
}

fn root(events: &[Ev], from: usize) -> Option<usize> {
    let start = events[..from].iter().rposition(|event| event.kind == EvKind::DocumentStart);
    let start = start.or_else(|| events[from..].iter().position(|e| e.kind == EvKind::DocumentStart).map(|at| at + from))?;
    let node = start + 1;
    is_node(events.get(node)?).then_some(node)
}

impl Outline {
    fn new(events: &[Ev], text: &str) -> Self {
        let count = events.len();
        let mut outline = Self {
            parent: vec![None; count],
            slot: (0..count).collect(),
            is_value: vec![false; count],
            column: vec![0; count],
            indent: vec![0; count],
            slots: HashMap::new(),
            opener: (0..count).collect(),
        };
        // Each open collection with the key that waits for its value.
        let mut open: Vec<(usize, Option<usize>)> = Vec::new();
        for (at, event) in events.iter().enumerate() {
            match event.kind {
                EvKind::MapEnd | EvKind::ListEnd => {
                    if let Some((collection, _)) = open.pop() {
                        outline.opener[at] = collection;
                        outline.parent[at] = outline.parent[collection];
                    }
                }
                EvKind::DocumentStart | EvKind::DocumentEnd => open.clear(),
                _ => outline.enter(events, text, at, &mut open),
            }
            if matches!(event.kind, EvKind::MapStart(_) | EvKind::ListStart(_)) {
                open.push((at, None));
            }
        }
        outline
    }

    fn enter(&mut self, events: &[Ev], text: &str, at: usize, open: &mut [(usize, Option<usize>)]) {
        let Some((collection, waiting)) = open.last_mut() else {
            return;
        };
        self.parent[at] = Some(*collection);
        let in_map = matches!(events[*collection].kind, EvKind::MapStart(_));
        if let (true, Some(key)) = (in_map, waiting.take()) {
            self.slot[at] = key;
            self.is_value[at] = true;
            return;
        }
        if in_map {
            *waiting = Some(at);
        }
        let slots = self.slots.entry(*collection).or_default();
        if slots.is_empty() {
            let column = if in_map { events[at].column } else { dash_column(text, events[at].start) };
            let flow = matches!(events[*collection].kind, EvKind::MapStart(Notation::Flow) | EvKind::ListStart(Notation::Flow));
            self.column[*collection] = column;
            self.indent[*collection] = if flow { 0 } else { column };
        }
        slots.push(at);
    }

    /// The place before a node that a comment stands directly above.
    fn head(&self, events: &[Ev], node: usize) -> Slot {
        let block = matches!(events[node].kind, EvKind::MapStart(Notation::Block) | EvKind::ListStart(Notation::Block));
        let opens_here = block && (self.is_value[node] || self.parent[node].is_none());
        if opens_here {
            let before = self.slots.get(&node).and_then(|slots| slots.first()).copied();
            return Slot { collection: node, before };
        }
        match self.parent[node] {
            Some(collection) => Slot { collection, before: Some(self.slot[node]) },
            None => Slot { collection: node, before: None },
        }
    }

    fn trailing(&self, events: &[Ev], comment: &CommentEv) -> Option<Slot> {
        let on_line = |at: &usize| events[*at].span.start < comment.span.start && events[*at].line <= comment.line;
        let last = (0..comment.before.min(events.len())).rev().find(|at| {
            let closed_flow = matches!(events[*at].kind, EvKind::MapEnd | EvKind::ListEnd) && !events[*at].span.is_empty();
            let opened_flow = matches!(events[*at].kind, EvKind::MapStart(Notation::Flow) | EvKind::ListStart(Notation::Flow));
            let leaf = matches!(events[*at].kind, EvKind::Scalar { .. } | EvKind::Alias(_));
            on_line(at) && (closed_flow || opened_flow || leaf)
        });
        let Some(last) = last else {
            return self.before_all(events, comment);
        };
        match events[last].kind {
            EvKind::MapEnd | EvKind::ListEnd => Some(Slot { collection: self.opener[last], before: None }),
            EvKind::MapStart(_) | EvKind::ListStart(_) => {
                let before = self.slots.get(&last).and_then(|slots| slots.first()).copied();
                Some(Slot { collection: last, before })
            }
            _ => self.parent[last].map(|collection| Slot { collection, before: Some(self.slot[last]) }),
        }
    }

    /// A comment on the `---` line.
    fn before_all(&self, events: &[Ev], comment: &CommentEv) -> Option<Slot> {
        next_node(events, comment.before).map(|node| self.head(events, node))
    }

    /// The block collection that is open after a node.
    fn open_block(&self, events: &[Ev], node: usize) -> Option<usize> {
        let mut at = self.parent[node]?;
        while matches!(events[at].kind, EvKind::MapStart(Notation::Flow) | EvKind::ListStart(Notation::Flow)) {
            at = self.parent[at]?;
        }
        Some(at)
    }

    /// Whether a node is a key whose value starts after the comment.
    fn awaits_value(&self, events: &[Ev], node: usize, comment: &CommentEv) -> bool {
        let in_map = self.parent[node].is_some_and(|at| matches!(events[at].kind, EvKind::MapStart(_)));
        let leaf = matches!(events[node].kind, EvKind::Scalar { .. } | EvKind::Alias(_));
        let value_follows = events.get(node + 1).is_some_and(|next| next.span.start > comment.span.start);
        leaf && in_map && !self.is_value[node] && value_follows
    }

    /// The end of the innermost open collection that the comment is indented with; not one that the next node is
    /// nested in more deeply.
    fn foot(&self, events: &[Ev], previous: usize, comment: &CommentEv, next: Option<usize>, ending: Ending) -> Option<Slot> {
        let opened = matches!(events[previous].kind, EvKind::MapStart(_) | EvKind::ListStart(_));
        let mut collection = if opened { Some(previous) } else { self.parent[previous] };
        let next_parent = next.and_then(|node| self.parent[node]);
        while let Some(at) = collection {
            let flow = matches!(events[at].kind, EvKind::MapStart(Notation::Flow) | EvKind::ListStart(Notation::Flow));
            let list = matches!(events[at].kind, EvKind::ListStart(_));
            let flush = ending == Ending::Dedent && list && self.parent[at].is_some_and(|parent| self.column[parent] == self.column[at]);
            let inside = self.column[at] + usize::from(flush) <= comment.column;
            if flow || inside || next_parent == Some(at) {
                let later = |slot: &&usize| events[**slot].span.start > comment.span.start;
                let before = self.slots.get(&at).and_then(|slots| slots.iter().find(later)).copied();
                return Some(Slot { collection: at, before });
            }
            collection = self.parent[at];
        }
        None
    }
}

/// The column of the `-` before a list item, from 0.
fn dash_column(text: &str, item: usize) -> usize {
    let before = text[..item].trim_end();
    match before.strip_suffix('-') {
        Some(head) => head.chars().rev().take_while(|c| *c != '\n').count(),
        None => 0,
    }
}
