//! Three versions of a sequence, of lines or of items: what each side changed, side by side.

use std::hash::Hash;
use std::ops::Range;

use similar::{Algorithm, DiffOp, capture_diff_slices};

/// A part of the merged sequence.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Piece {
    /// Items of ours.
    Ours(Range<usize>),
    /// Items that theirs alone changed or added.
    Theirs(Range<usize>),
    /// Items that both sides changed, each in another way.
    Both {
        /// Where they are in the common ancestor.
        base: Range<usize>,
        /// What ours made of them.
        ours: Range<usize>,
        /// What theirs made of them.
        theirs: Range<usize>,
    },
}

/// Some items of the ancestor and what a side made of them.
#[derive(Clone, Debug)]
struct Edit {
    base: Range<usize>,
    new: Range<usize>,
}

/// Puts both sides' changes in order. Changes that stand side by side do not disturb each other; changes of the same items do,
/// unless they are equal.
pub(super) fn merge<T: Hash + Ord>(base: &[T], ours: &[T], theirs: &[T]) -> Vec<Piece> {
    let (mine, other) = (edits(base, ours), edits(base, theirs));
    let (mut mine, mut other) = (mine.as_slice(), other.as_slice());
    let mut pieces = Vec::new();
    // Where the walk stands in the ancestor and in ours.
    let (mut at, mut at_ours) = (0, 0);
    loop {
        let (in_ours, in_theirs, span) = group(mine, other);
        if in_ours + in_theirs == 0 {
            break;
        }
        let same = span.start - at;
        pieces.push(Piece::Ours(at_ours..at_ours + same));
        at_ours += same;
        let new_ours = new_range(&mine[..in_ours], &span, at_ours);
        at_ours = new_ours.end;
        at = span.end;
        if in_theirs == 0 {
            pieces.push(Piece::Ours(new_ours));
        } else {
            let new_theirs = new_range(&other[..in_theirs], &span, 0);
            if in_ours == 0 {
                pieces.push(Piece::Theirs(new_theirs));
            } else if ours[new_ours.clone()] == theirs[new_theirs.clone()] {
                pieces.push(Piece::Ours(new_ours));
            } else {
                pieces.push(Piece::Both { base: span, ours: new_ours, theirs: new_theirs });
            }
        }
        (mine, other) = (&mine[in_ours..], &other[in_theirs..]);
    }
    pieces.push(Piece::Ours(at_ours..ours.len()));
    pieces
}

/// What a side changed. Replacements of as many items as before are taken apart, item by item.
fn edits<T: Hash + Ord>(base: &[T], side: &[T]) -> Vec<Edit> {
    let mut edits = Vec::new();
    for op in capture_diff_slices(Algorithm::Myers, base, side) {
        match op {
            DiffOp::Equal { .. } => {}
            DiffOp::Delete { old_index, old_len, new_index } => {
                edits.push(Edit { base: old_index..old_index + old_len, new: new_index..new_index });
            }
            DiffOp::Insert { old_index, new_index, new_len } => {
                edits.push(Edit { base: old_index..old_index, new: new_index..new_index + new_len });
            }
            DiffOp::Replace { old_index, old_len, new_index, new_len } => {
                let pairs = old_len.min(new_len);
                edits.extend(
                    (0..pairs)
                        .map(|step| Edit { base: old_index + step..old_index + step + 1, new: new_index + step..new_index + step + 1 }),
                );
                if old_len != new_len {
                    edits.push(Edit { base: old_index + pairs..old_index + old_len, new: new_index + pairs..new_index + new_len });
                }
            }
        }
    }
    edits
}

/// How many of the next edits of each side belong together, and what of the ancestor they change.
fn group(mine: &[Edit], other: &[Edit]) -> (usize, usize, Range<usize>) {
    let first = match (mine.first(), other.first()) {
        (None, None) => return (0, 0, 0..0),
        (Some(one), Some(two)) if key(two) < key(one) => two,
        (Some(one), _) => one,
        (None, Some(two)) => two,
    };
    let mut span = first.base.clone();
    let (mut in_ours, mut in_theirs) = (0, 0);
    loop {
        let before = (in_ours, in_theirs);
        for (edits, count) in [(mine, &mut in_ours), (other, &mut in_theirs)] {
            while let Some(edit) = edits.get(*count).filter(|edit| meets(&span, &edit.base)) {
                span.end = span.end.max(edit.base.end);
                *count += 1;
            }
        }
        if before == (in_ours, in_theirs) {
            return (in_ours, in_theirs, span);
        }
    }
}

fn key(edit: &Edit) -> (usize, usize) {
    (edit.base.start, edit.base.end)
}

/// Whether two changes are of the same items, or insert at the same place.
fn meets(span: &Range<usize>, edit: &Range<usize>) -> bool {
    if span.is_empty() || edit.is_empty() {
        return span == edit || (span.start < edit.start && edit.start < span.end);
    }
    span.start < edit.end && edit.start < span.end
}

/// What a side made of a span of the ancestor. `start` counts where the side has no edit in it.
fn new_range(edits: &[Edit], span: &Range<usize>, start: usize) -> Range<usize> {
    match (edits.first(), edits.last()) {
        (Some(first), Some(last)) => {
            let before = first.base.start - span.start;
            let after = span.end - last.base.end;
            first.new.start - before..last.new.end + after
        }
        _ => start..start + span.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The merged text; what both sides changed in brackets.
    fn merged(base: &str, ours: &str, theirs: &str) -> String {
        let [base, ours, theirs] = [base, ours, theirs].map(|text| text.chars().collect::<Vec<_>>());
        let text = |of: &[char], range: &Range<usize>| of[range.clone()].iter().collect::<String>();
        merge(&base, &ours, &theirs)
            .iter()
            .map(|piece| match piece {
                Piece::Ours(range) => text(&ours, range),
                Piece::Theirs(range) => text(&theirs, range),
                Piece::Both { base: b, ours: o, theirs: t } => format!("[{}|{}|{}]", text(&base, b), text(&ours, o), text(&theirs, t)),
            })
            .collect()
    }

    #[test]
    fn changes_side_by_side_are_both_made() {
        assert_eq!(merged("abc", "Abc", "abC"), "AbC");
        assert_eq!(merged("abc", "aBc", "abC"), "aBC");
        assert_eq!(merged("abc", "ac", "abcd"), "acd");
        assert_eq!(merged("ab", "aB", "abc"), "aBc");
        assert_eq!(merged("abc", "bc", "ab"), "b");
        assert_eq!(merged("", "x", ""), "x");
        assert_eq!(merged("abc", "abc", "xabcy"), "xabcy");
        assert_eq!(merged("abcd", "aXYd", "abcZd"), "aXYZd");
    }

    #[test]
    fn changes_of_the_same_items_are_told() {
        assert_eq!(merged("abc", "aXc", "aYc"), "a[b|X|Y]c");
        assert_eq!(merged("abc", "aXc", "aXc"), "aXc");
        assert_eq!(merged("ab", "abx", "aby"), "ab[|x|y]");
        assert_eq!(merged("abc", "ac", "aXc"), "a[b||X]c");
        assert_eq!(merged("abcd", "ad", "abXcd"), "a[bc||bXc]d");
    }

    #[test]
    fn nothing_is_lost_or_doubled() {
        // Against an independent reading: one side unchanged gives the other side.
        for side in ["", "a", "ba", "abc", "xaybz", "cab", "aab"] {
            assert_eq!(merged("abc", "abc", side), side);
            assert_eq!(merged("abc", side, "abc"), side);
            assert_eq!(merged("abc", side, side), side);
        }
    }
}
