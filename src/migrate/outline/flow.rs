//! Flow collections of YAML, and JSON: `{user: app, tags: [a, b]}`, on one line or many.

use super::{Item, Part, Spelling};
use crate::text::Span;

/// How deep collections may be nested.
const DEEPEST: usize = 32;

/// Reads one collection.
pub(super) struct Flow<'t> {
    pub(super) text: &'t str,
    pub(super) document: usize,
    pub(super) items: Vec<Item>,
    /// Where the line begins that was read up to `seen`.
    line: usize,
    seen: usize,
}

impl<'t> Flow<'t> {
    pub(super) fn new(text: &'t str, document: usize) -> Self {
        Self { text, document, items: Vec::new(), line: 0, seen: 0 }
    }

    /// Where a place stands on its line; places come in order.
    fn column(&mut self, at: usize) -> usize {
        if let Some(end) = self.text[self.seen..at].rfind('\n') {
            self.line = self.seen + end + 1;
        }
        self.seen = at;
        at - self.line
    }

    /// Reads the collection that opens at a place and gives where it ends; `None` if it is none.
    pub(super) fn read(&mut self, at: usize, path: &[Part], depth: usize) -> Option<usize> {
        let is_map = match self.text.as_bytes().get(at)? {
            b'{' => true,
            b'[' => false,
            _ => return None,
        };
        let close = if is_map { b'}' } else { b']' };
        let mut at = self.blanks(at + 1);
        for count in 0.. {
            if *self.text.as_bytes().get(at)? == close {
                return Some(at + 1);
            }
            let start = at;
            let step = if is_map {
                let (key, behind) = self.key(at)?;
                at = self.blanks(behind);
                Part::Key(key)
            } else {
                Part::Index(count)
            };
            let index = self.items.len();
            let column = self.column(start);
            let path: Vec<Part> = path.iter().cloned().chain([step]).collect();
            // Before what is in it.
            let (document, value) = (self.document, Span::new(at, at));
            self.items.push(Item { document, path: path.clone(), start, column, value, spelling: Spelling::None, end: at });
            let (end, spelling) = self.value(at, &path, depth)?;
            let item = &mut self.items[index];
            (item.value, item.spelling, item.end) = (Span::new(at, end), spelling, end);
            at = self.blanks(end);
            match self.text.as_bytes().get(at)? {
                b',' => at = self.blanks(at + 1),
                byte if *byte == close => {}
                _ => return None,
            }
        }
        None
    }

    /// Where a value ends, and how it is spelled.
    fn value(&mut self, at: usize, path: &[Part], depth: usize) -> Option<(usize, Spelling)> {
        match self.text.as_bytes().get(at)? {
            b'{' | b'[' if depth < DEEPEST => Some((self.read(at, path, depth + 1)?, Spelling::Flow)),
            quote @ (b'"' | b'\'') => {
                let spelling = if *quote == b'"' { Spelling::Double } else { Spelling::Single };
                Some((self.quoted(at)?, spelling))
            }
            b'&' | b'*' | b'!' | b'|' | b'>' | b'{' | b'[' => None,
            _ => {
                let rest = &self.text[at..];
                let end = rest.find([',', '}', ']', '\n', '{', '[']).unwrap_or(rest.len());
                Some((at + rest[..end].trim_end().len(), Spelling::Plain))
            }
        }
    }

    /// A key, and where its value may begin.
    fn key(&self, at: usize) -> Option<(String, usize)> {
        let rest = &self.text[at..];
        match rest.as_bytes().first()? {
            quote @ (b'"' | b'\'') => {
                let end = self.quoted(at)?;
                let raw = &self.text[at..end];
                let key = match quote {
                    b'"' => serde_yaml::from_str(raw).ok()?,
                    _ => raw[1..raw.len() - 1].replace("''", "'"),
                };
                let colon = self.blanks(end);
                (self.text.as_bytes().get(colon) == Some(&b':')).then_some((key, colon + 1))
            }
            b'{' | b'[' | b'?' | b'&' | b'*' | b'!' | b'%' => None,
            _ => {
                let end = rest.find(": ").or_else(|| rest.find(":\n"))?;
                let key = &rest[..end];
                (!key.contains([',', '}', ']', '\n', '#'])).then(|| (key.trim_end().to_owned(), at + end + 1))
            }
        }
    }

    /// Where a quoted text ends that begins at a place.
    fn quoted(&self, at: usize) -> Option<usize> {
        let bytes = self.text.as_bytes();
        let quote = bytes[at];
        let mut end = at + 1;
        loop {
            match (*bytes.get(end)?, bytes.get(end + 1)) {
                (b'\\', _) if quote == b'"' => end += 2,
                (b'\'', Some(b'\'')) if quote == b'\'' => end += 2,
                (byte, _) if byte == quote => return Some(end + 1),
                _ => end += 1,
            }
        }
    }

    /// Past blanks, line ends and comments.
    fn blanks(&self, mut at: usize) -> usize {
        let bytes = self.text.as_bytes();
        loop {
            match bytes.get(at) {
                Some(b' ' | b'\t' | b'\r' | b'\n') => at += 1,
                Some(b'#') if bytes[at - 1].is_ascii_whitespace() => at += self.text[at..].find('\n').unwrap_or(self.text.len() - at),
                _ => return at,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_those_of_their_lines() {
        let mut flow = Flow::new("x: 1\ny: {a: 1,\n  b: {c: 2, d: [3,\n 4]}, e: 5}\n", 0);
        let end = flow.read(8, &[], 0);
        let columns: Vec<usize> = flow.items.iter().map(|item| item.column).collect();
        assert_eq!((end.is_some(), columns), (true, vec![4, 2, 6, 12, 16, 1, 6]));
    }
}
