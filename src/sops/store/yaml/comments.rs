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
    /// For collections: their direct keys or items.
    slots: HashMap<usize, Vec<usize>>,
    /// The collection that an end event closes.
    opener: Vec<usize>,
}

/// Places all comments.
pub(super) fn place(stream: &Stream, text: &str) -> Placement {
    let outline = Outline::new(&stream.events, text);
    let mut placement = Placement::new();
    let mut at = 0;
    while at < stream.comments.len() {
        let end = group_end(&stream.comments, at);
        if let Some(slot) = slot_of(stream, &outline, at, end) {
            placement.entry(slot).or_default().extend(at..end);
        }
        at = end;
    }
    placement
}

/// Own-line comments on consecutive lines go together; a trailing comment stands alone.
fn group_end(comments: &[CommentEv], at: usize) -> usize {
    let mut end = at + 1;
    if comments[at].trailing {
        return end;
    }
    while end < comments.len() {
        let (last, next) = (&comments[end - 1], &comments[end]);
        if next.trailing || next.line != last.line + 1 || next.before != last.before {
            break;
        }
        end += 1;
    }
    end
}

fn slot_of(stream: &Stream, outline: &Outline, at: usize, end: usize) -> Option<Slot> {
    let first = &stream.comments[at];
    if first.trailing {
        return outline.trailing(&stream.events, first);
    }
    let last = &stream.comments[end - 1];
    let next = next_node(&stream.events, last.before);
    let above = next.filter(|node| stream.events[*node].line == last.line + 1);
    if let Some(node) = above {
        return Some(outline.head(&stream.events, node));
    }
    let previous = previous_node(&stream.events, first);
    let foot = previous.and_then(|node| outline.foot(&stream.events, node, first));
    let blank_above = previous.is_some_and(|node| last_line(&stream.events[node], stream) + 1 < first.line);
    match (foot, next) {
        (Some(slot), None) => Some(slot),
        (Some(slot), Some(_)) if !blank_above => Some(slot),
        (_, Some(node)) => Some(outline.head(&stream.events, node)),
        (None, None) => root(&stream.events, last.before).map(|collection| Slot { collection, before: None }),
    }
}

/// The line a node's text ends on, as far as its events tell.
fn last_line(event: &Ev, _: &Stream) -> usize {
    match &event.kind {
        EvKind::Scalar { text, .. } => event.line + text.trim_end_matches('\n').matches('\n').count(),
        _ => event.line,
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
            EvKind::Scalar { .. } | EvKind::Alias(_) if events[at].span.start < comment.span.start => return Some(at),
            EvKind::MapEnd | EvKind::ListEnd if !events[at].span.is_empty() => return Some(at),
            EvKind::MapStart(Notation::Flow) | EvKind::ListStart(Notation::Flow) => return Some(at),
            _ => {}
        }
    }
    None
}

fn root(events: &[Ev], from: usize) -> Option<usize> {
    let start = events[..from].iter().rposition(|event| event.kind == EvKind::DocumentStart);
    let start = start.or_else(|| events[from..].iter().position(|e| e.kind == EvKind::DocumentStart).map(|at| at + from))?;
    let node = start + 1;
    matches!(events.get(node)?.kind, EvKind::MapStart(_)).then_some(node)
}

impl Outline {
    fn new(events: &[Ev], text: &str) -> Self {
        let count = events.len();
        let mut outline = Self {
            parent: vec![None; count],
            slot: (0..count).collect(),
            is_value: vec![false; count],
            column: vec![0; count],
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
        let Some((collection, waiting)) = open.last_mut() else { return };
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
            self.column[*collection] = if in_map { events[at].column } else { dash_column(text, events[at].start) };
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
        let Some(last) = last else { return self.before_all(events, comment) };
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

    /// The end of the innermost open collection that the comment is indented with.
    fn foot(&self, events: &[Ev], previous: usize, comment: &CommentEv) -> Option<Slot> {
        let mut collection = match events[previous].kind {
            EvKind::MapEnd | EvKind::ListEnd => self.parent[previous],
            EvKind::MapStart(_) | EvKind::ListStart(_) => Some(previous),
            _ => self.parent[previous],
        };
        while let Some(at) = collection {
            let flow = matches!(events[at].kind, EvKind::MapStart(Notation::Flow) | EvKind::ListStart(Notation::Flow));
            if flow || self.column[at] <= comment.column {
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
