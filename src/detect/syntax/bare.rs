//! Where a value without quotes ends.

use super::hints::Notation;
use super::named::Label;
use crate::rule::lexicon::USERS;
use crate::text::Span;

/// Where an unquoted value ends besides blanks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::detect) enum Stop {
    AtBlank,
    /// It is one of several: in a connection string, a flow mapping.
    AtList,
    /// It is one of several in a URL.
    InQuery,
}

/// Behind `?`, `&`, `#`, `;`, `{` or `,` a value ends where the next begins.
pub(in crate::detect) fn stop(text: &[u8], label: Label, literal: bool) -> Stop {
    match text[label.line.start..label.name.start].trim_ascii_end() {
        [.., b'?' | b'&'] => Stop::InQuery,
        // `https://shop.example/#access_token=…&token_type=bearer`
        [.., before, b'#'] if before.is_ascii_alphanumeric() || *before == b'/' => Stop::InQuery,
        [.., b';' | b'{' | b','] => Stop::AtList,
        _ if literal => Stop::AtList,
        _ => Stop::AtBlank,
    }
}

pub(in crate::detect) fn bare(text: &[u8], start: usize, end: usize, stop: Stop, notation: Notation) -> Span {
    let value = &text[start..end];
    // `token=1&client=ssh&target=x`: the body of a request.
    let body = stop == Stop::AtBlank && is_form(value);
    let closes = |(at, &byte): (usize, &u8)| match byte {
        b'&' if body => begins_assignment(&value[at + 1..]),
        b'&' | b';' if stop == Stop::AtList && is_ampersand(value, at) => false,
        // In a file of lines a mark between two characters is one of the value, as `#` is.
        b'"' | b'`' => notation != Notation::Lines || stop != Stop::AtBlank || !is_inner(value, at),
        b' ' | b'\t' | b'\0' => true,
        // `Walrus(!)Boat` closes what it opens.
        b')' if is_closing(&value[..at]) => false,
        b'&' | b';' | b'}' | b')' | b'\'' | b'\\' => stop != Stop::AtBlank,
        b'<' | b'>' => stop == Stop::InQuery,
        // `sshd=1#password=x#console=y`
        b'#' => stop == Stop::InQuery && begins_assignment(&value[at + 1..]),
        b',' => stop != Stop::AtBlank || begins_assignment(&text[start + at + 1..end]),
        _ => at > 0 && begins_clause(&value[at..]),
    };
    let length = text[start..end].iter().enumerate().position(closes).unwrap_or(end - start);
    Span::new(start, start + length)
}

/// Whether a bracket is open at the end of a value's beginning.
fn is_closing(before: &[u8]) -> bool {
    memchr::memchr_iter(b'(', before).count() > memchr::memchr_iter(b')', before).count()
}

/// Whether letters or digits stand on both sides of a mark, and no other mark like it follows or comes before.
fn is_inner(value: &[u8], at: usize) -> bool {
    let beside = |at: Option<usize>| at.and_then(|at| value.get(at)).is_some_and(|byte| byte.is_ascii_graphic() && !b"\"'`".contains(byte));
    beside(at.checked_sub(1)) && beside(Some(at + 1)) && value.iter().filter(|byte| **byte == value[at]).count() == 1
}

/// Whether `&amp;` around an offset writes a character of the value, and joins no parameters.
fn is_ampersand(value: &[u8], at: usize) -> bool {
    let open = if value[at] == b'&' { Some(at) } else { at.checked_sub(4) };
    open.is_some_and(|open| value[open..].strip_prefix(b"&amp;").is_some_and(|rest| !begins_assignment(rest)))
}

/// `name=` of the next item, as in `--set a=1,b=2`.
fn begins_assignment(rest: &[u8]) -> bool {
    let name = rest.iter().take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-' | b'[' | b']')).count();
    name > 0 && rest.get(name) == Some(&b'=')
}

/// Whether at least two more parameters follow a value in its word.
fn is_form(value: &[u8]) -> bool {
    let word = value.split(u8::is_ascii_whitespace).next().unwrap_or_default();
    memchr::memchr_iter(b'&', word).filter(|&at| begins_assignment(&word[at + 1..])).nth(1).is_some()
}

/// Whether a comma, a full stop, a colon, a semicolon or a bracket of Chinese or Japanese stands here, or a comma before a word
/// of theirs.
pub(in crate::detect) fn begins_clause(rest: &[u8]) -> bool {
    matches!(rest, [b',' | b';', 0xe3..=0xed, ..])
        || matches!(rest.first(), Some(0xe3 | 0xef))
            && ["，", "。", "；", "：", "、", "（", "）"].iter().any(|mark| rest.starts_with(mark.as_bytes()))
}

/// What may follow a value on its line without making it a sentence.
pub(in crate::detect) fn ends_value(rest: &[u8]) -> bool {
    begins_clause(rest)
        || [&b"#"[..], b"//", b"-->", b"|", b"*/", b";", b",", b"}", b"\\", b"<", b"("].iter().any(|end| rest.starts_with(end))
}

/// Without the punctuation that closes a sentence, a list or markup.
pub(in crate::detect) fn trim_end(text: &[u8], span: Span, notation: Notation) -> Span {
    let mut bytes = &text[span.range()];
    if let Some(at) = memchr::memmem::find(bytes, b"</") {
        bytes = &bytes[..at];
    }
    loop {
        let last = match bytes {
            [rest @ .., b',' | b';'] => rest,
            [rest @ .., b'.' | b':'] if notation != Notation::Lines => rest,
            // `password=x&` at the end of a line: the next parameter is on the next.
            [rest @ .., b'&'] if notation == Notation::Prose => rest,
            [rest @ .., b')'] if !rest.contains(&b'(') => rest,
            [rest @ .., b'}'] if !rest.contains(&b'{') => rest,
            [rest @ .., b']'] if !rest.contains(&b'[') => rest,
            [rest @ .., b'*', b'*'] if notation == Notation::Prose && !rest.contains(&b'*') => rest,
            _ => break,
        };
        bytes = last;
    }
    Span::new(span.start, span.start + bytes.len())
}

/// Whether a name is that of a variable, as in `${NAME` and `${shop.db.name`, of which it is the end.
pub(in crate::detect) fn is_of_variable(before: &[u8]) -> bool {
    let path = before.iter().rev().take_while(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(byte)).count();
    before[..before.len() - path].ends_with(b"${")
}

/// Where the default of `${NAME:default}`, `${NAME:-default}` and `${NAME:=default}` begins.
pub(in crate::detect) fn default_after(text: &[u8], label: Label, colon: usize) -> Option<usize> {
    let variable = is_of_variable(&text[label.line.start..label.name.start]);
    let start = match text[colon + 1..label.line.end].first() {
        Some(b'?' | b'+') | None => return None,
        Some(b'-' | b'=') => colon + 2,
        Some(_) => colon + 1,
    };
    // Another variable is read on its own.
    let is_literal = !text[start..label.line.end].starts_with(b"${");
    (variable && is_literal).then_some(start)
}

/// `&91a*x` of `${AES_KEY:-&91a*x}`: all up to the bracket that closes.
pub(in crate::detect) fn closed_default(text: &[u8], start: usize, end: usize) -> Option<Span> {
    let length = memchr::memchr(b'}', &text[start..end])?;
    let part = |byte: &u8| !byte.is_ascii_whitespace() && !b"\"'{".contains(byte);
    text[start..start + length].iter().all(part).then(|| Span::new(start, start + length))
}

/// Whether a line begins inside of a literal at the end of a text, as in `"server:\n  password: `.
pub(in crate::detect) fn begins_escaped_line(before: &[u8]) -> bool {
    let blanks = before.iter().rev().take_while(|byte| matches!(byte, b' ' | b'-')).count();
    before[..before.len() - blanks].ends_with(b"\\n")
}

/// What stands at a place up to the end of such a line.
pub(in crate::detect) fn to_escaped_end(text: &[u8], start: usize, end: usize) -> Span {
    let rest = &text[start..end];
    let ends = |at: &usize| matches!(&rest[*at..], [b'\\', b'n' | b'r', ..] | [b'"' | b'\'' | b' ', ..]);
    Span::new(start, start + (0..rest.len()).find(ends).unwrap_or(rest.len()))
}

/// Behind `user / password:`, where the second of two values begins.
pub(in crate::detect) fn second_of_pair(text: &[u8], label: Label, start: usize) -> Option<usize> {
    let before = text[label.line.start..label.name.start].trim_ascii_end().strip_suffix(b"/")?.trim_ascii_end();
    let word = before.rsplit(|byte| byte.is_ascii() && !byte.is_ascii_alphabetic()).next()?;
    let value = &text[start.min(label.line.end)..label.line.end];
    let slash = memchr::memchr(b'/', value).filter(|_| USERS.is(word))?;
    let user = value[..slash].iter().all(|byte| byte.is_ascii_alphanumeric() || b"._-@`\"' ".contains(byte));
    let blanks = value[slash + 1..].iter().take_while(|byte| **byte == b' ').count();
    // `/user:USER /password:PASSWORD /dc:NAME` has no pair.
    let even = slash > 0 && value[slash - 1].is_ascii_whitespace() == (blanks > 0);
    (user && even).then_some(start + slash + 1 + blanks)
}
