//! What stands around each event of a YAML text: the collection, the key, the column.

use std::collections::HashMap;

use super::comments::Slot;
use super::events::{CommentEv, Ev, EvKind, Notation};

/// What is known of each event's surroundings.
pub(super) struct Outline {
    /// The collection an event stands in.
    pub(super) parent: Vec<Option<usize>>,
    /// The key or list item an event belongs to within its parent.
    slot: Vec<usize>,
    /// Whether the event is the value of a key.
    is_value: Vec<bool>,
    /// For collections: the column of their entries.
    column: Vec<usize>,
    /// For collections: the column as go-yaml counts it; a list under its key's column does not count.
    pub(super) indent: Vec<usize>,
    /// For collections: their direct keys or items.
    slots: HashMap<usize, Vec<usize>>,
    /// The collection that an end event closes.
    opener: Vec<usize>,
}

fn is_node(event: &Ev) -> bool {
    matches!(event.kind, EvKind::MapStart(_) | EvKind::ListStart(_) | EvKind::Scalar { .. } | EvKind::Alias(_))
}

/// The next node of the same document.
pub(super) fn next_node(events: &[Ev], from: usize) -> Option<usize> {
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
pub(super) fn previous_node(events: &[Ev], comment: &CommentEv) -> Option<usize> {
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

pub(super) fn root(events: &[Ev], from: usize) -> Option<usize> {
    let start = events[..from].iter().rposition(|event| event.kind == EvKind::DocumentStart);
    let start = start.or_else(|| events[from..].iter().position(|e| e.kind == EvKind::DocumentStart).map(|at| at + from))?;
    let node = start + 1;
    is_node(events.get(node)?).then_some(node)
}

impl Outline {
    pub(super) fn new(events: &[Ev], text: &str) -> Self {
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
            self.column[*collection] = column;
            self.indent[*collection] = if is_flow(&events[*collection]) { 0 } else { column };
        }
        slots.push(at);
    }

    /// The place before a node that a comment stands directly above.
    pub(super) fn head(&self, events: &[Ev], node: usize) -> Slot {
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

    pub(super) fn trailing(&self, events: &[Ev], comment: &CommentEv) -> Option<Slot> {
        let on_line = |at: &usize| events[*at].span.start < comment.span.start && events[*at].line <= comment.line;
        let last = (0..comment.before.min(events.len())).rev().find(|at| {
            let closed_flow = matches!(events[*at].kind, EvKind::MapEnd | EvKind::ListEnd) && !events[*at].span.is_empty();
            let opened_flow = is_flow(&events[*at]);
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
    pub(super) fn open_block(&self, events: &[Ev], node: usize) -> Option<usize> {
        let mut at = self.parent[node]?;
        while is_flow(&events[at]) {
            at = self.parent[at]?;
        }
        Some(at)
    }

    /// Whether a node is a key whose value starts after the comment.
    pub(super) fn awaits_value(&self, events: &[Ev], node: usize, comment: &CommentEv) -> bool {
        let leaf = matches!(events[node].kind, EvKind::Scalar { .. } | EvKind::Alias(_));
        let value_follows = events.get(node + 1).is_some_and(|next| next.span.start > comment.span.start);
        leaf && self.is_key(events, node) && value_follows
    }

    /// The end of the innermost open collection that a comment at the end of a document is indented with.
    pub(super) fn foot(&self, events: &[Ev], previous: usize, comment: &CommentEv) -> Option<Slot> {
        let opened = matches!(events[previous].kind, EvKind::MapStart(_) | EvKind::ListStart(_));
        let mut collection = if opened { Some(previous) } else { self.parent[previous] };
        while let Some(at) = collection {
            let inside = self.column[at] + usize::from(self.is_flush(events, at)) <= comment.column;
            if is_flow(&events[at]) || inside {
                return Some(self.place_in(events, at, comment));
            }
            collection = self.parent[at];
        }
        None
    }

    /// The place behind a value, in the map or list that it stands in.
    pub(super) fn after(&self, events: &[Ev], node: usize, comment: &CommentEv) -> Option<Slot> {
        let opened = matches!(events[node].kind, EvKind::MapStart(_) | EvKind::ListStart(_));
        let collection = if opened { Some(node) } else { self.parent[node] };
        collection.map(|at| self.place_in(events, at, comment))
    }

    /// The end of a block; that of a list is behind the key it belongs to.
    pub(super) fn end_of(&self, events: &[Ev], collection: usize, comment: &CommentEv) -> Option<Slot> {
        let list = matches!(events[collection].kind, EvKind::ListStart(_));
        let at = if list { self.parent[collection].unwrap_or(collection) } else { collection };
        Some(self.place_in(events, at, comment))
    }

    /// The place behind the first leaf or entry of a value or an item: there go-yaml puts a comment that no block takes.
    pub(super) fn behind_first(&self, events: &[Ev], node: usize) -> Option<Slot> {
        let mut first = node;
        while matches!(events[first].kind, EvKind::ListStart(_)) {
            first = *self.slots.get(&first)?.first()?;
        }
        let (collection, slot) = match events[first].kind {
            EvKind::MapStart(_) => (first, *self.slots.get(&first)?.first()?),
            _ => (self.parent[first]?, self.slot[first]),
        };
        Some(Slot { collection, before: self.next_slot(collection, |other| other <= slot) })
    }

    /// The first key or item of a collection that does not stand before a place.
    fn next_slot(&self, collection: usize, is_before: impl Fn(usize) -> bool) -> Option<usize> {
        let slots = self.slots.get(&collection)?;
        slots.get(slots.partition_point(|slot| is_before(*slot))).copied()
    }

    /// Whether a node is the key of an entry.
    pub(super) fn is_key(&self, events: &[Ev], node: usize) -> bool {
        let in_map = self.parent[node].is_some_and(|at| matches!(events[at].kind, EvKind::MapStart(_)));
        in_map && !self.is_value[node]
    }

    /// Whether a block list stands in the column of its key, so that go-yaml sees no block of its own.
    pub(super) fn is_flush(&self, events: &[Ev], collection: usize) -> bool {
        let list = matches!(events[collection].kind, EvKind::ListStart(_));
        list && self.parent[collection].is_some_and(|parent| self.column[parent] == self.column[collection])
    }

    /// The place in a collection that the lines give a comment.
    fn place_in(&self, events: &[Ev], collection: usize, comment: &CommentEv) -> Slot {
        let before = self.next_slot(collection, |slot| events[slot].span.start <= comment.span.start);
        Slot { collection, before }
    }
}

fn is_flow(event: &Ev) -> bool {
    matches!(event.kind, EvKind::MapStart(Notation::Flow) | EvKind::ListStart(Notation::Flow))
}

/// The column of the `-` before a list item, from 0.
fn dash_column(text: &str, item: usize) -> usize {
    let before = text[..item].trim_end();
    match before.strip_suffix('-') {
        Some(head) => head.chars().rev().take_while(|c| *c != '\n').count(),
        None => 0,
    }
}
