//! The text of an open document, and places in it as the protocol counts them: lines from 0, and UTF-16 units in a line.

use lsp_types::{Position, Range, TextDocumentContentChangeEvent};

/// A text with the beginnings of its lines.
#[derive(Debug)]
pub(super) struct Buffer {
    text: String,
    lines: Vec<usize>,
}

impl Buffer {
    pub(super) fn new(text: String) -> Self {
        Self { lines: starts(&text), text }
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Takes over a change: a part of the text, or all of it.
    pub(super) fn change(&mut self, change: TextDocumentContentChangeEvent) {
        match change.range {
            Some(range) => {
                let (start, end) = (self.offset(range.start), self.offset(range.end));
                self.text.replace_range(start..end.max(start), &change.text);
            }
            None => self.text = change.text,
        }
        self.lines = starts(&self.text);
    }

    /// Where bytes of the text are.
    pub(super) fn range(&self, bytes: &std::ops::Range<u64>) -> Range {
        let offset = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX);
        Range { start: self.position(offset(bytes.start)), end: self.position(offset(bytes.end)) }
    }

    fn position(&self, offset: usize) -> Position {
        let offset = floor(&self.text, offset);
        let line = self.lines.partition_point(|start| *start <= offset) - 1;
        let units = self.text[self.lines[line]..offset].encode_utf16().count();
        Position { line: u32::try_from(line).unwrap_or(u32::MAX), character: u32::try_from(units).unwrap_or(u32::MAX) }
    }

    /// What lies behind the end of a line or of the text is that end.
    fn offset(&self, position: Position) -> usize {
        let line = position.line as usize;
        let Some(&start) = self.lines.get(line) else { return self.text.len() };
        let end = self.lines.get(line + 1).copied().unwrap_or(self.text.len());
        let text = self.text[start..end].trim_end_matches(['\n', '\r']);
        let mut units = 0;
        for (at, c) in text.char_indices() {
            if units >= position.character as usize {
                return start + at;
            }
            units += c.len_utf16();
        }
        start + text.len()
    }
}

/// Lines end with `\n`, `\r\n` or `\r`.
fn starts(text: &str) -> Vec<usize> {
    let bytes = text.as_bytes();
    let ends = memchr::memchr2_iter(b'\n', b'\r', bytes).filter(|&at| bytes[at] == b'\n' || bytes.get(at + 1) != Some(&b'\n'));
    std::iter::once(0).chain(ends.map(|at| at + 1)).collect()
}

/// The place itself, or the beginning of the character that it is in.
fn floor(text: &str, offset: usize) -> usize {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    offset
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(line: u32, character: u32) -> Position {
        Position { line, character }
    }

    #[test]
    fn changes_of_parts() {
        let mut buffer = Buffer::new("a😀b\r\nc\rd\n".to_owned());
        let mut change = |start, end, text: &str| {
            let range = Some(Range { start, end });
            buffer.change(TextDocumentContentChangeEvent { range, range_length: None, text: text.to_owned() });
            buffer.text().to_owned()
        };
        assert_eq!(change(at(0, 3), at(0, 4), "x"), "a😀x\r\nc\rd\n");
        assert_eq!(change(at(1, 0), at(1, 99), "cc"), "a😀x\r\ncc\rd\n");
        assert_eq!(change(at(0, 4), at(1, 0), ""), "a😀xcc\rd\n");
        assert_eq!(change(at(9, 9), at(9, 9), "end"), "a😀xcc\rd\nend");
        assert_eq!(change(at(0, 0), at(9, 0), "new\n"), "new\n");
    }

    #[test]
    fn places() {
        let buffer = Buffer::new("é😀x\nyz".to_owned());
        assert_eq!(buffer.range(&(6..7)), Range { start: at(0, 3), end: at(0, 4) });
        assert_eq!(buffer.range(&(8..10)), Range { start: at(1, 0), end: at(1, 2) });
        assert_eq!(buffer.range(&(3..1000)), Range { start: at(0, 1), end: at(1, 2) });
        for offset in [0, 2, 6, 7, 8, 10] {
            assert_eq!(buffer.offset(buffer.position(offset)), offset);
        }
    }
}
