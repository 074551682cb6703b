//! Half-open byte spans and the lines they lie on.

use std::ops::Range;

use super::work;

/// A half-open range of byte offsets into one text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// The byte after the last.
    pub end: usize,
}

impl Span {
    /// The span from `start` up to and without `end`.
    pub fn new(start: usize, end: usize) -> Self {
        debug_assert!(start <= end, "a span does not run backwards");
        Self { start, end }
    }

    /// Length in bytes.
    pub fn len(self) -> usize {
        self.end - self.start
    }

    /// Whether it covers nothing.
    pub fn is_empty(self) -> bool {
        self.start == self.end
    }

    /// Whether both cover a common byte.
    pub fn overlaps(self, other: Self) -> bool {
        self.start < other.end && other.start < self.end
    }

    /// The same bytes, `by` further on.
    #[must_use]
    pub fn shifted(self, by: usize) -> Self {
        Self::new(self.start + by, self.end + by)
    }

    /// For slicing.
    pub fn range(self) -> Range<usize> {
        self.start..self.end
    }
}

/// Line and column, both counted from 1; columns count characters (bytes that do not continue a
/// UTF-8 sequence).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

/// Where each line of a text starts. Lines end at `\n`, as git and editors count them; in a text without one, at `\r`.
#[derive(Debug)]
pub struct LineIndex {
    starts: Vec<usize>,
    /// Characters before every `STEP`th byte, so that a place far out on a long line costs no more than others.
    characters: Vec<usize>,
}

/// Bytes between two counts of characters.
const STEP: usize = 1024;

impl LineIndex {
    /// Reads the whole text once.
    pub fn new(text: &[u8]) -> Self {
        let mut starts = vec![0];
        starts.extend(memchr::memchr_iter(b'\n', text).map(|at| at + 1));
        if starts.len() == 1 {
            starts.extend(memchr::memchr_iter(b'\r', text).map(|at| at + 1));
        }
        let counts = text.chunks(STEP).scan(0, |total, chunk| {
            let before = *total;
            *total += characters(chunk);
            Some(before)
        });
        Self { starts, characters: counts.collect() }
    }

    /// Number of the line that holds `offset`, from 0.
    fn row(&self, offset: usize) -> usize {
        self.starts.partition_point(|&start| start <= offset) - 1
    }

    /// The position of a byte offset in the text the index was made of.
    pub fn position(&self, text: &[u8], offset: usize) -> Position {
        let row = self.row(offset);
        let start = self.starts[row];
        let end = offset.min(text.len());
        let counted = if end - start <= STEP { characters(&text[start..end]) } else { self.before(text, end) - self.before(text, start) };
        Position { line: row + 1, column: 1 + counted }
    }

    /// Characters before a place.
    fn before(&self, text: &[u8], at: usize) -> usize {
        let step = (at / STEP).min(self.characters.len().saturating_sub(1));
        self.characters.get(step).map_or(0, |counted| counted + characters(&text[step * STEP..at]))
    }

    /// How many lines the text has; the end of its last line begins none.
    pub fn count(&self, text: &[u8]) -> usize {
        self.starts.iter().filter(|&&start| start < text.len()).count()
    }

    /// The bytes of a line (from 1), without its end.
    pub fn line<'t>(&self, text: &'t [u8], line: usize) -> &'t [u8] {
        let Some(&start) = self.starts.get(line.wrapping_sub(1)) else {
            return &[];
        };
        let end = self.starts.get(line).copied().unwrap_or(text.len());
        let mut bytes = &text[start..end];
        while let [rest @ .., b'\n' | b'\r'] = bytes {
            bytes = rest;
        }
        bytes
    }

    /// Where a line (from 1) starts.
    pub fn start(&self, line: usize) -> usize {
        self.starts[line - 1]
    }
}

/// Bytes that do not continue a character of UTF-8.
fn characters(bytes: &[u8]) -> usize {
    work::add(bytes.len());
    bytes.iter().filter(|&&byte| byte & 0xc0 != 0x80).count()
}

/// A text with other bytes in the place of some spans, which are in order; of spans that overlap the first counts.
pub fn spliced(text: &[u8], spans: impl IntoIterator<Item = Span>, with: impl Fn(usize, &[u8]) -> Vec<u8>) -> Vec<u8> {
    let (mut out, mut at) = (Vec::with_capacity(text.len()), 0);
    for (number, span) in spans.into_iter().enumerate().filter(|(_, span)| span.start < span.end) {
        if span.start < at {
            continue;
        }
        out.extend_from_slice(&text[at..span.start]);
        out.extend_from_slice(&with(number, &text[span.range()]));
        at = span.end;
    }
    out.extend_from_slice(&text[at..]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_lines_of_every_kind_of_ending() {
        let text = b"a\nb\r\nc\rd";
        let index = LineIndex::new(text);
        let at = |offset| index.position(text, offset);
        assert_eq!(at(0), Position { line: 1, column: 1 });
        assert_eq!(at(2), Position { line: 2, column: 1 });
        assert_eq!(at(5), Position { line: 3, column: 1 });
        assert_eq!(at(7), Position { line: 3, column: 3 });
        assert_eq!(index.line(text, 2), b"b");
        assert_eq!(index.line(text, 3), b"c\rd");
        assert_eq!(index.line(text, 4), b"");
        assert_eq!(LineIndex::new(b"a\rb\rc").line(b"a\rb\rc", 2), b"b");
        for (text, count) in [(&text[..], 3), (b"a\r\n", 1), (b"\n\n", 2), (b"a\rb\rc", 3), (b"", 0)] {
            assert_eq!(LineIndex::new(text).count(text), count);
        }
    }

    #[test]
    fn columns_count_characters() {
        let text = "mot de passe, é: x".as_bytes();
        let index = LineIndex::new(text);
        assert_eq!(index.position(text, text.len() - 1).column, 18);
    }

    #[test]
    fn columns_of_long_lines_count_characters_too() {
        let text = format!("x\n{}", "añb\u{20ac}".repeat(3000));
        let index = LineIndex::new(text.as_bytes());
        for (count, (at, _)) in text.char_indices().skip(2).enumerate().step_by(97) {
            assert_eq!(index.position(text.as_bytes(), at), Position { line: 2, column: count + 1 });
        }
        assert_eq!(index.position(text.as_bytes(), text.len()).column, 12_001);
        let full = vec![b'a'; 2 * STEP];
        assert_eq!(LineIndex::new(&full).position(&full, full.len()).column, 2 * STEP + 1);
    }
}
