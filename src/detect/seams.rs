//! Where a text made from parts of another one is new, and which spans of the other one are in it whole.

use crate::text::{Copied, Span};

/// The shortest part that is worth to be known from another text, in bytes.
const SHORTEST: usize = 256;

/// Whether all that a step read was copied. What it read up to an edge of the old text must lie
/// at that edge of the new one.
pub(super) fn holds(run: &Copied, looked: Span, old: usize, new: usize) -> bool {
    let starts = looked.start > run.from || looked.start == run.from && (looked.start > 0 || run.to == 0);
    let end = run.from + run.len;
    let ends = looked.end <= end && (looked.end < old || run.to + run.len == new);
    starts && ends
}

/// Shorter ones are treated as new: each costs two seams.
pub(super) fn worthwhile(copied: &[Copied]) -> Vec<Copied> {
    copied.iter().filter(|run| run.len >= SHORTEST).copied().collect()
}

/// The parts of a new text that were not copied, and the points where copied parts meet that did
/// not do so before; also where one text ends and the other does not.
pub(super) fn seams(old: usize, new: usize, copied: &[Copied]) -> Vec<Span> {
    let mut seams = Vec::new();
    let mut to = 0;
    let mut from = 0;
    for run in copied {
        if run.to != to || run.from != from {
            seams.push(Span::new(to, run.to));
        }
        (to, from) = (run.to + run.len, run.from + run.len);
    }
    if to != new || from != old {
        seams.push(Span::new(to, new));
    }
    seams
}

/// Spans with a margin on either side; those that touch become one.
pub(super) fn widened(seams: &[Span], margin: usize, len: usize) -> Vec<Span> {
    let mut wide: Vec<Span> = Vec::with_capacity(seams.len());
    for seam in seams {
        let span = Span::new(seam.start.saturating_sub(margin), (seam.end + margin).min(len));
        match wide.last_mut() {
            Some(last) if span.start <= last.end => last.end = span.end,
            _ => wide.push(span),
        }
    }
    wide
}

/// Whether one of several sorted spans holds a hit.
pub(super) fn holding(spans: &[Span], hit: Span) -> bool {
    let next = spans.partition_point(|span| span.end < hit.end);
    spans.get(next).is_some_and(|span| span.start <= hit.start)
}

/// Whether a hit touches one of several sorted spans.
pub(super) fn touches(spans: &[Span], hit: Span) -> bool {
    let next = spans.partition_point(|span| span.end < hit.start);
    spans.get(next).is_some_and(|span| span.start <= hit.end)
}
