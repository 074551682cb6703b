//! [`is_intact`]: whether a file is read as before outside of the places that an edit is about, by the same reader.

use std::collections::BTreeSet;

use super::scalar::{Scalars, parses};
use crate::text::Span;

/// Bytes of a text and what takes their place.
pub(super) type Splice<'a> = (Span, &'a str);

/// Whether a text still parses if it did before, and has the same values where nothing was replaced.
pub(super) fn is_intact(path: &str, before: &str, after: &str, splices: &BTreeSet<Splice<'_>>) -> bool {
    if parses(path, before) && !parses(path, after) {
        return false;
    }
    let (mut old, mut new, mut grown) = (Vec::new(), Vec::new(), 0);
    for (span, text) in splices {
        old.push((*span, span.end));
        let start = span.start + grown - old[..old.len() - 1].iter().map(|(span, _)| span.len()).sum::<usize>();
        new.push((Span::new(start, start + text.len()), span.end));
        grown += text.len();
    }
    untouched(path, before, &old) == untouched(path, after, &new)
}

/// The values that no replaced piece touches: where they stand in the text as it was, and what they are. A piece comes
/// with the offset that its end had there.
fn untouched<'t>(path: &str, text: &'t str, pieces: &[(Span, usize)]) -> Vec<(usize, &'t str)> {
    let scalars = Scalars::of(path, text);
    let outside = scalars.spans().filter_map(|span| {
        let behind = pieces.partition_point(|(piece, _)| piece.end <= span.start);
        let is_touched = pieces.get(behind).is_some_and(|(piece, _)| piece.start < span.end);
        let start = behind.checked_sub(1).map_or(span.start, |last| span.start - pieces[last].0.end + pieces[last].1);
        (!is_touched).then(|| (start, &text[span.range()]))
    });
    outside.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edited(path: &str, before: &str, edits: &[(&str, &str)]) -> bool {
        let splices: BTreeSet<Splice<'_>> = edits
            .iter()
            .map(|(old, new)| {
                let at = before.find(old).expect("is there");
                (Span::new(at, at + old.len()), *new)
            })
            .collect();
        let mut after = before.to_owned();
        for (span, text) in splices.iter().rev() {
            after.replace_range(span.range(), text);
        }
        is_intact(path, before, &after, &splices)
    }

    #[test]
    fn edits_that_change_nothing_else_are_intact() {
        assert!(edited("a.yml", "a: SECRET\nb: c\n", &[("SECRET", "${X:?y}"), ("a: ", "# z\na: ")]));
        assert!(edited("a.yml", "a: {b: SECRET, c: d}\n", &[("SECRET", "'${X:?y}'")]));
        assert!(edited("a.yml", "a:\n  b: SECRET\n  c: d\n---\ne: f\n", &[("  b: SECRET\n", "")]));
        assert!(edited("a.json", "{\"a\": \"SECRET\", \"b\": 1}", &[("SECRET", "x")]));
        assert!(edited("a.toml", "a = \"SECRET\"\nb = 'c'\n", &[("SECRET", "ref+x")]));
        assert!(edited("a.tpl.yaml", "{{- if x }}\na: SECRET\nb: c\n", &[("SECRET", "x")]));
    }

    #[test]
    fn what_breaks_or_changes_something_else_is_told() {
        assert!(!edited("a.yml", "a: {b: SECRET, c: d}\n", &[("SECRET", "${X:?y}")]));
        assert!(!edited("a.yml", "a: SECRET\nb: c\n", &[("SECRET", "x: y")]));
        assert!(!edited("a.yml", "a: SECRET\nb: c\n", &[("SECRET\n", "x ")]));
        assert!(!edited("a.yml", "a: [SECRET, c]\n", &[("SECRET", "x # y")]));
        assert!(!edited("a.yml", "a: b\n---\nc: SECRET\nd: e\n", &[("SECRET", "\"x")]));
        assert!(!edited("a.json", "{\"a\": \"SECRET\"}", &[("SECRET", "x\"y")]));
        assert!(!edited("a.toml", "a = \"SECRET\"\n", &[("SECRET", "x\"y")]));
        assert!(!edited("a.toml", "a = \"SECRET\"\nb = \"c\"\n", &[("SECRET", "x\\")]));
        assert!(!edited("a.xml", "<a b=\"SECRET\" c=\"d\"/>", &[("SECRET", "x\" y")]));
        assert!(!edited("a.tpl.yaml", "{{- if x }}\na: SECRET\nb: c\n", &[("SECRET\n", "x ")]));
    }
}
