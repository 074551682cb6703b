//! Literals between quotes of any sort.

use super::hints::Notation;
use crate::rule::lexicon::HASHING_CALLS;
use crate::text::Span;

/// A quote as texts in HTML write it.
pub(in crate::detect) const ENTITY_QUOTE: &[u8] = b"&quot;";

/// What stands before the quote that a text ends with.
pub(in crate::detect) fn before_quote(text: &[u8]) -> Option<&[u8]> {
    text.strip_suffix(b"\"").or(text.strip_suffix(b"'"))
}

/// Whether a literal is what a call makes a hash of: `Hash::make('X')`, `bcrypt.hashSync("X", 10)`.
pub(in crate::detect) fn is_hashed(text: &[u8], literal: Span) -> bool {
    const LONGEST: usize = 48;
    let call = before_quote(&text[literal.start.saturating_sub(LONGEST)..literal.start]).and_then(|before| before.strip_suffix(b"("));
    call.is_some_and(|call| HASHING_CALLS.ends(call.strip_suffix(b"[]byte").unwrap_or(call)))
}

/// The call whose first argument is the literal that opens at the end of a line's beginning: `os.environ.get` of `os.environ.get("`.
pub(in crate::detect) fn call_before(before: &[u8]) -> &[u8] {
    before_quote(before).and_then(|before| before.strip_suffix(b"(")).unwrap_or_default()
}

/// A quoted literal at `start`, also with escaped quotes (`\"x\"`) and with a letter before
/// (`b"x"`, `r'x'`, `N'x'` of SQL), and Erlang's `<<"x">>`.
pub(in crate::detect) fn quoted(text: &[u8], start: usize, end: usize) -> Option<Span> {
    let rest = &text[start..end];
    if rest.first().is_some_and(|first| !first.is_ascii()) {
        return typographic(text, start, end);
    }
    let prefix = match rest {
        [b'b' | b'r' | b'u' | b'@' | b'B' | b'R' | b'U', b'"' | b'\'', ..] => 1,
        [b'S' | b's', b'"', ..] | [b'N' | b'E', b'\'', ..] => 1,
        [b'<', b'<', b'"', ..] => 2,
        _ => 0,
    };
    match rest.get(prefix..)? {
        [b'\\', quote @ (b'"' | b'\''), ..] => {
            let open = start + prefix + 2;
            let length = memchr::memmem::find(&text[open..end], &[b'\\', *quote])?;
            Some(Span::new(open, open + length))
        }
        [b'"', b'"', b'"', ..] | [b'\'', b'\'', b'\'', ..] => fenced(text, start + prefix, end, 3),
        [b'`', b'`', next, ..] if *next != b'`' => fenced(text, start + prefix, end, 2),
        // A literal in a literal of SQL: `'user=app password=''x'' port=1'`.
        [b'\'', b'\'', next, ..] if next.is_ascii_alphanumeric() => fenced(text, start + prefix, end, 2),
        [quote @ (b'"' | b'\'' | b'`'), ..] => {
            let open = start + prefix + 1;
            let close = closing(text, open, end, *quote)?;
            Some(Span::new(open, if *quote == b'`' { close } else { behind_doubled(text, open, close, end) }))
        }
        _ => None,
    }
}

/// The same in a notation: in YAML two single quotes always write one.
pub(in crate::detect) fn quoted_in(text: &[u8], start: usize, end: usize, notation: Notation) -> Option<Span> {
    let span = quoted(text, start, end)?;
    if notation != Notation::Yaml || text[start] != b'\'' || span.start != start + 1 || span.is_empty() {
        return Some(span);
    }
    let mut close = span.end;
    while text[..end].get(close + 1) == Some(&b'\'') {
        close += 2 + memchr::memchr(b'\'', &text[close + 2..end])?;
    }
    Some(Span::new(span.start, close))
}

/// Where the next quote stands that no backslash escapes.
fn closing(text: &[u8], from: usize, end: usize, quote: u8) -> Option<usize> {
    let mut escaped = false;
    let closes = |&byte: &u8| {
        let closes = byte == quote && !escaped;
        escaped = byte == b'\\' && !escaped && quote != b'`';
        closes
    };
    text[from..end].iter().position(closes).map(|length| from + length)
}

/// Where a literal ends in which two quotes write one, as in YAML, SQL and CSV: `'a''b'`. No blank and nothing that closes
/// or separates stands beside them, so that no empty literal beside it is read into it.
fn behind_doubled(text: &[u8], open: usize, mut close: usize, end: usize) -> usize {
    let quote = text[close];
    let inside =
        |at: usize| at < end && text[at].is_ascii_graphic() && !b"\"'`,;:()[]{}".contains(&text[at]) || at < end && !text[at].is_ascii();
    while close > open && inside(close - 1) && text[..end].get(close + 1) == Some(&quote) && inside(close + 2) {
        match closing(text, close + 2, end, quote) {
            Some(next) => close = next,
            None => break,
        }
    }
    close
}

/// What quotation marks of typesetting enclose: `“X”`, `„X“`, `« X »`, `「X」`.
pub(super) fn typographic(text: &[u8], start: usize, end: usize) -> Option<Span> {
    const MARKS: [(&str, &[&str]); 7] =
        [("“", &["”"]), ("‘", &["’"]), ("„", &["“", "”"]), ("«", &["»"]), ("‹", &["›"]), ("「", &["」"]), ("『", &["』"])];
    const BLANKS: [&[u8]; 3] = [b" ", "\u{a0}".as_bytes(), "\u{202f}".as_bytes()];
    let (open, closers) = MARKS.iter().find(|(open, _)| text[start..end].starts_with(open.as_bytes()))?;
    let mut from = start + open.len();
    let mut to = closers.iter().filter_map(|close| memchr::memmem::find(&text[from..end], close.as_bytes())).min()? + from;
    while let Some(blank) = BLANKS.iter().find(|blank| text[from..to].starts_with(blank)) {
        from += blank.len();
    }
    while let Some(blank) = BLANKS.iter().find(|blank| text[from..to].ends_with(blank)) {
        to -= blank.len();
    }
    (from < to).then(|| Span::new(from, to))
}

/// What stands between a mark of so many quotes and the next such mark.
fn fenced(text: &[u8], start: usize, end: usize, width: usize) -> Option<Span> {
    let open = start + width;
    let length = memchr::memmem::find(text.get(open..end)?, &text[start..open])?;
    Some(Span::new(open, open + length))
}

/// The quoted literals of a call's arguments on one line, from `start` on, three at most.
pub(in crate::detect) fn quoted_literals(text: &[u8], start: usize, end: usize) -> Vec<Span> {
    let mut found = Vec::new();
    let mut at = start;
    while found.len() < 3 && at < end && text[at] != b')' {
        match quoted(text, at, end) {
            Some(span) => {
                found.push(span);
                at = span.end + 1;
            }
            None => at += 1,
        }
    }
    found
}

/// Whether a template's action `{{ … }}` is open at the end of a line's beginning.
pub(in crate::detect) fn is_inside_action(before: &[u8]) -> bool {
    let open = memchr::memmem::rfind(before, b"{{");
    open.is_some_and(|at| memchr::memmem::find(&before[at..], b"}}").is_none())
}

/// Whether a place in a line lies inside a string literal: an odd number of quotes before it.
pub(in crate::detect) fn inside_literal(text: &[u8], line: Span, at: usize) -> bool {
    [b'"', b'\'', b'`'].iter().any(|&quote| is_open(&text[line.start..at], quote))
}

/// Whether a quote stands open at the end of a line's beginning.
pub(in crate::detect) fn is_open(before: &[u8], quote: u8) -> bool {
    let mut escaped = false;
    let counts = |&&byte: &&u8| {
        let counts = byte == quote && !escaped;
        escaped = byte == b'\\' && !escaped;
        counts
    };
    before.iter().filter(counts).count() % 2 == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_quotes_of_yaml_are_one() {
        let read = |text: &str| quoted_in(text.as_bytes(), 0, text.len(), Notation::Yaml).map(|span| text[span.range()].to_owned());
        assert_eq!(read("'ab''\"''c', x"), Some("ab''\"''c".to_owned()));
        assert_eq!(read("'ab'''"), Some("ab''".to_owned()));
        assert_eq!(read("'', 'ab'"), Some(String::new()));
        assert_eq!(read("'ab', 'cd'"), Some("ab".to_owned()));
    }

    #[test]
    fn doubled_quotes_are_part_of_a_literal() {
        let read = |text: &str| quoted(text.as_bytes(), 0, text.len()).map(|span| text[span.range()].to_owned());
        assert_eq!(read("'ab''cd'"), Some("ab''cd".to_owned()));
        assert_eq!(read("\"ab\"\"cd\"\"ef\" x"), Some("ab\"\"cd\"\"ef".to_owned()));
        assert_eq!(read("'ab'''"), Some("ab".to_owned()));
        assert_eq!(read("'ab''cd"), Some("ab".to_owned()));
        assert_eq!(read("\"ab\", \"cd\""), Some("ab".to_owned()));
        assert_eq!(read(r"'ab\'cd'"), Some(r"ab\'cd".to_owned()));
    }
}
