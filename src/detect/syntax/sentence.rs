//! Words of sentences, with and without what marks them.

use super::bare::begins_clause;
use super::cells::{tag, undecorated};
use super::quote::typographic;
use crate::text::Span;

/// How far a sentence is followed, in bytes.
pub(in crate::detect) const REACH: usize = 160;

/// Runs of non-blanks.
pub(in crate::detect) fn words_of(text: &[u8], span: Span) -> Vec<Span> {
    let mut words = Vec::new();
    let mut at = span.start;
    while at < span.end {
        let length = text[at..span.end].iter().take_while(|byte| !byte.is_ascii_whitespace()).count();
        if length > 0 {
            words.push(Span::new(at, at + length));
        }
        at += length.max(1);
    }
    words
}

/// Whether two words of a sentence follow: `password=secret is not a good idea`.
pub(in crate::detect) fn goes_on(rest: &[u8]) -> bool {
    let mut words = rest.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    let spoken = |word: Option<&[u8]>| {
        let word = word.map(|word| word.strip_suffix(b"!").or(word.strip_suffix(b".")).unwrap_or(word));
        word.is_some_and(|word| !word.is_empty() && word.iter().all(u8::is_ascii_lowercase))
    };
    spoken(words.next()) && spoken(words.next())
}

/// What a sentence says behind a password that something comes with.
const IS_DEFAULT: [&[u8]; 2] = [b" is default", b" is the default"];

/// Whether what follows a value says that it is the default.
pub(in crate::detect) fn says_default(behind: &[u8]) -> bool {
    IS_DEFAULT.iter().any(|said| behind.starts_with(said))
}

/// `of the web server, word is default.`
pub(in crate::detect) fn word_before_default(text: &[u8], span: Span) -> Option<Span> {
    let rest = &text[span.range()];
    let end = IS_DEFAULT.iter().find_map(|said| memchr::memmem::find(rest, said))?;
    let word = &rest[..end];
    let start = word.iter().rposition(u8::is_ascii_whitespace).map_or(0, |at| at + 1);
    Some(undecorated(text, Span::new(span.start + start, span.start + end))).filter(|word| !word.is_empty())
}

/// The content of a quoted or back-ticked word that opens at `word`.
pub(in crate::detect) fn marked(text: &[u8], word: Span, end: usize) -> Option<Span> {
    let skip = text[word.range()].iter().take_while(|byte| matches!(byte, b'(' | b'*' | b'[' | b'_')).count();
    let open = word.start + skip;
    if let Some(width) = tag(&text[open..end]) {
        let start = open + width;
        let length = memchr::memchr(b'<', &text[start..end])?;
        return Some(Span::new(start, start + length)).filter(|span| !span.is_empty());
    }
    if let Some(inner) = text[open..end].strip_prefix(b"``") {
        let length = memchr::memmem::find(inner, b"``")?;
        let span = Span::new(open + 2, open + 2 + length);
        return Some(undecorated(text, span)).filter(|span| !span.is_empty());
    }
    if let Some(span) = typographic(text, open, end) {
        return Some(span);
    }
    let quote = *text.get(open).filter(|byte| matches!(byte, b'`' | b'"' | b'\''))?;
    // "`X`"
    if quote == b'"' && text[open + 1..end].starts_with(b"`") {
        let inner = marked(text, Span::new(open + 1, word.end.max(open + 1)), end)?;
        return Some(inner).filter(|inner| text.get(inner.end + 1) == Some(&b'"'));
    }
    let length = memchr::memchr(quote, &text[open + 1..end])?;
    let span = undecorated(text, Span::new(open + 1, open + 1 + length));
    Some(span).filter(|span| !span.is_empty())
}

pub(in crate::detect) fn unpunctuated(text: &[u8], word: Span) -> Span {
    let clause = (word.start + 1..word.end).find(|&at| begins_clause(&text[at..word.end]));
    let end = clause.unwrap_or(word.end);
    // ``(`admin/secret`):``
    let closed = text[word.start..end].ends_with(b"):");
    let word = Span::new(word.start, if closed { end - 1 } else { end });
    let without = |span: Span, marks: &[u8]| {
        let kept = span.len() - text[span.range()].iter().rev().take_while(|byte| marks.contains(byte)).count();
        Span::new(span.start, span.start + kept)
    };
    let bare = without(word, b".,;)'\"");
    let bare = if text[word.start] == b'(' && bare.end < word.end { Span::new(word.start + 1, bare.end) } else { bare };
    let inner = undecorated(text, bare);
    if inner == bare { without(bare, b"*") } else { inner }
}
