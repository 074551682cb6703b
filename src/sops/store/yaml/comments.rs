//! To which map or list a comment belongs, and before which of its entries it stands.
//!
//! sops binds an encrypted comment to the keys of its map, and a selector for comments goes by their order, so this follows
//! go-yaml v3's habits: a comment directly above a node belongs to it, one after a value to that value, one followed by a
//! blank line or by something further left to what is above it. Measured on sops 3.11 with generated files
//! (`comment_selectors_choose_what_sops_chooses`); decryption tries the neighbouring maps as well.

use std::collections::HashMap;
use std::ops::Range;

use super::events::{CommentEv, Ev, Stream};
use super::outline::{Outline, next_node, previous_node, root};

/// A place for a comment: in the collection started by one event, before the entry started by another (or last).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) struct Slot {
    pub(super) collection: usize,
    pub(super) before: Option<usize>,
}

/// The comments (by index) of every place, in file order.
pub(super) type Placement = HashMap<Slot, Vec<usize>>;

/// Places all comments.
pub(super) fn place(stream: &Stream, text: &str) -> Placement {
    let finder = Finder { stream, outline: Outline::new(&stream.events, text), text };
    let mut placement = Placement::new();
    let mut put = |slot: Option<Slot>, comments: Range<usize>| {
        if let Some(slot) = slot {
            placement.entry(slot).or_default().extend(comments);
        }
    };
    let mut at = 0;
    while at < stream.comments.len() {
        if stream.comments[at].trailing {
            put(finder.trailing(&stream.comments[at]), at..at + 1);
            at += 1;
            continue;
        }
        let run = finder.run(at);
        let pieces = finder.pieces(&run);
        for piece in &pieces {
            put(finder.slot(piece, &pieces), piece.comments.clone());
        }
        at = run.end;
    }
    placement
}

struct Finder<'a> {
    stream: &'a Stream,
    outline: Outline,
    text: &'a str,
}

/// Comments on lines of their own that go together.
struct Piece {
    comments: Range<usize>,
    belongs: Belongs,
}

/// What go-yaml decides about a piece when it reads it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Belongs {
    /// To the value right above it, wherever it is indented.
    Above,
    /// To a block that ends there and is indented like it, else to what follows.
    Around,
    /// To what follows.
    Below,
}

impl Finder<'_> {
    /// The comments on lines of their own between two nodes.
    fn run(&self, at: usize) -> Range<usize> {
        let comments = &self.stream.comments;
        let apart = |next: &CommentEv| next.trailing || next.before != comments[at].before;
        at..comments[at..].iter().position(apart).map_or(comments.len(), |count| at + count)
    }

    /// Parts a run as go-yaml does: at a line further left than the block that is open, and at the first blank line.
    fn pieces(&self, run: &Range<usize>) -> Vec<Piece> {
        let comments = &self.stream.comments;
        let first = &comments[run.start];
        let indent = self.indent_at(first);
        let last_line = previous_node(&self.stream.events, first).map(|node| self.last_line(&self.stream.events[node]));
        let mut may_part_at_blank = last_line.is_none_or(|line| line + 1 >= first.line);
        let is_right_below = may_part_at_blank && self.previous(first).is_some();
        let (mut pieces, mut start) = (Vec::new(), run.start);
        for at in run.clone() {
            let Some((line, column)) = self.below(at) else { break };
            let opening = &comments[start];
            if line > comments[at].line + 1 {
                let dedented = opening.column < indent;
                if may_part_at_blank && (is_right_below || dedented) {
                    let belongs = if dedented || start > run.start { Belongs::Around } else { Belongs::Above };
                    pieces.push(Piece { comments: start..at + 1, belongs });
                    start = at + 1;
                }
                may_part_at_blank = false;
            }
            if start <= at && column < indent && column != opening.column {
                let belongs = if start > run.start { Belongs::Around } else { Belongs::Above };
                pieces.push(Piece { comments: start..at + 1, belongs });
                start = at + 1;
            }
        }
        if start < run.end {
            pieces.push(Piece { comments: start..run.end, belongs: Belongs::Below });
        }
        pieces
    }

    fn slot(&self, piece: &Piece, pieces: &[Piece]) -> Option<Slot> {
        let events = &self.stream.events;
        let first = &self.stream.comments[piece.comments.start];
        let Some(next) = next_node(events, first.before) else {
            let foot = self.previous(first).and_then(|node| self.outline.foot(events, node, first));
            return foot.or_else(|| root(events, first.before).map(|collection| Slot { collection, before: None }));
        };
        let found = match (piece.belongs, previous_node(events, first)) {
            (Belongs::Above, Some(node)) if self.previous(first).is_some() => self.outline.after(events, node, first),
            (Belongs::Above, _) => self.left_over(next),
            (Belongs::Around, Some(node)) => self.around(piece, pieces, node, next),
            _ => None,
        };
        Some(found.unwrap_or_else(|| self.outline.head(events, next)))
    }

    /// Where a comment goes that belongs to nothing above: before the next key, else behind the first thing that follows.
    fn left_over(&self, next: usize) -> Option<Slot> {
        let events = &self.stream.events;
        if self.outline.is_key(events, next) { None } else { self.outline.behind_first(events, next) }
    }

    /// The end of the block that a piece is indented with, of those that end above the next node.
    fn around(&self, piece: &Piece, pieces: &[Piece], previous: usize, next: usize) -> Option<Slot> {
        let events = &self.stream.events;
        let next_column = self.line_column(events[next].start);
        let mut block = self.outline.open_block(events, previous);
        let mut ends_at = None;
        while let Some(at) = block.filter(|at| self.outline.indent[*at] > next_column) {
            if !self.outline.is_flush(events, at) {
                let is_level = |other: &&Piece| self.stream.comments[other.comments.start].column == self.outline.indent[at];
                ends_at = pieces.iter().find(is_level).map(|other| other.comments.start).or(ends_at);
                if ends_at.is_some_and(|start| start >= piece.comments.start) {
                    return self.outline.end_of(events, at, &self.stream.comments[piece.comments.start]);
                }
            }
            block = self.outline.parent[at];
        }
        self.left_over(next)
    }

    fn trailing(&self, comment: &CommentEv) -> Option<Slot> {
        let events = &self.stream.events;
        // A comment right after a dash stands before what the dash is for.
        match next_node(events, comment.before).filter(|_| self.only_dashes_before(comment)) {
            Some(node) => Some(self.outline.head(events, node)),
            None => self.outline.trailing(events, comment),
        }
    }

    /// Line and column of what follows a comment on a line of its own.
    fn below(&self, at: usize) -> Option<(usize, usize)> {
        let (events, comment) = (&self.stream.events, &self.stream.comments[at]);
        let follower = self.stream.comments.get(at + 1).filter(|next| next.before == comment.before);
        if let Some(next) = follower {
            return Some((next.line, self.line_column(next.span.start)));
        }
        let next = &events[next_node(events, comment.before)?];
        Some((next.line, self.line_column(next.start)))
    }

    /// The column of the block that is open above a comment, as go-yaml counts it.
    fn indent_at(&self, comment: &CommentEv) -> usize {
        let open = previous_node(&self.stream.events, comment).and_then(|node| self.outline.open_block(&self.stream.events, node));
        open.map_or(0, |collection| self.outline.indent[collection])
    }

    /// The node that a comment may belong to from below; a key whose value follows is none.
    fn previous(&self, comment: &CommentEv) -> Option<usize> {
        let events = &self.stream.events;
        previous_node(events, comment).filter(|node| !self.outline.awaits_value(events, *node, comment))
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
