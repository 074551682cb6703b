//! Secrets in sentences: `the password is X`, ``use `X` as the password``, `login: admin / X`.

use super::assign::{self, Context, Value, notation_at};
use super::{Notation, Reason, Search, judge, table};
use crate::rule::{Confidence, Extractor, Judge};
use crate::text::Span;

/// Words looked at behind a name.
const WORDS: usize = 12;
/// How far a sentence is followed, in bytes.
const REACH: usize = 160;

/// A name that means a secret stands in a sentence: looks for the secret after and before it.
pub(super) fn around(search: &mut Search<'_>, context: &Context) {
    if !matches!(notation_at(search, context.line), Notation::Prose | Notation::Unknown) {
        return;
    }
    let value = behind(search, context)
        .or_else(|| ahead(search.text, context).filter(|value| worth(search, context, value.span) >= Some(Confidence::Medium)));
    if let Some(value) = value {
        assign::report(search, context.class, &value, Reason::Prose);
    }
}

fn worth(search: &Search<'_>, context: &Context, span: Span) -> Option<Confidence> {
    judge::judge(search.bytes(span), context.class.judge()).map(|verdict| verdict.confidence)
}

/// `password X`, `password is X`, `password was changed to X`, `token for the API: X`.
fn behind(search: &Search<'_>, context: &Context) -> Option<Value> {
    let text = search.text;
    let end = context.line.end.min(context.name.end + REACH);
    if search.bytes(context.name).eq_ignore_ascii_case(b"pass") {
        return None;
    }
    let parted = text.get(context.name.end).is_some_and(u8::is_ascii_whitespace);
    let mut joint = if parted { Joint::Direct } else { Joint::Quoted };
    for (count, word) in words_of(text, Span::new(context.name.end, end)).into_iter().take(WORDS).enumerate() {
        let bytes = &text[word.range()];
        match marked(text, word, end) {
            Some(span) if joint != Joint::None && worth(search, context, span) >= Some(Confidence::Medium) => {
                return Some(Value { span, uncertain: false });
            }
            _ => {}
        }
        let bare = unpunctuated(text, word);
        if joint.lets_bare(count) && is_bare_secret(search.bytes(bare), joint) && worth(search, context, bare) >= Some(Confidence::Medium) {
            return Some(Value { span: bare, uncertain: true });
        }
        joint = Joint::of(bytes, count);
        if bytes.ends_with(b".") || bytes.ends_with(b";") {
            return None;
        }
    }
    None
}

/// Whether a word without quotes reads as no word of a sentence: no markup or flag, and after
/// anything but a verb digits together with capitals or symbols.
fn is_bare_secret(word: &[u8], joint: Joint) -> bool {
    let clean = !word
        .iter()
        .any(|byte| matches!(byte, b'|' | b'(' | b')' | b'[' | b']' | b'<' | b'>' | b'{' | b'}' | b',' | b'/' | b'\\' | b'`' | b'"'))
        && !word.starts_with(b"-");
    let mixed = word.iter().any(u8::is_ascii_digit)
        && word.iter().any(|byte| byte.is_ascii_uppercase() || byte.is_ascii_punctuation() && !matches!(byte, b'-' | b'.' | b'_' | b'\''));
    clean && (joint == Joint::Verb || mixed)
}

/// How a word ties what follows it to the name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Joint {
    /// Nothing stands between.
    Direct,
    /// `is`, `was`, `=`: a bare word can follow.
    Verb,
    /// `to`, as in "was changed to".
    To,
    /// Only what is quoted can follow.
    Quoted,
    /// Nothing can.
    None,
}

impl Joint {
    /// Whether a word without quotes can follow; `to` loses its force with distance.
    fn lets_bare(self, count: usize) -> bool {
        matches!(self, Self::Direct | Self::Verb) || self == Self::To && count <= 3
    }

    fn of(word: &[u8], count: usize) -> Self {
        match word.to_ascii_lowercase().as_slice() {
            b"is" | b"was" | b"=" | b":" | b"is:" | b"=>" | b"->" => Self::Verb,
            b"to" | b"to:" => Self::To,
            b"be" | b"are" | b"as" | b"now" | b"still" | b"currently" => Self::Quoted,
            b"-" | b"*" | b"**" | b"\xe2\x80\x93" if count == 0 => Self::Quoted,
            other if other.ends_with(b":") => Self::Quoted,
            _ => Self::None,
        }
    }
}

/// ``use `X` as the password``, ``X` is the password``.
fn ahead(text: &[u8], context: &Context) -> Option<Value> {
    let start = context.line.start.max(context.name.start.saturating_sub(REACH));
    let before = &text[start..context.name.start];
    let close = before.iter().rposition(|byte| matches!(byte, b'`' | b'"' | b'\''))?;
    let quote = before[close];
    let open = before[..close].iter().rposition(|&byte| byte == quote)?;
    let between = String::from_utf8_lossy(&before[close + 1..]).to_lowercase();
    let joins = [" as ", " is the ", " is your ", " is our ", " for the ", " (the "].iter().any(|join| between.starts_with(join));
    let short = between.split_whitespace().count() <= 5 && !between.contains(['.', ',', ';']);
    (joins && short && close > open + 1).then(|| Value { span: Span::new(start + open + 1, start + close), uncertain: false })
}

/// Runs of non-blanks.
fn words_of(text: &[u8], span: Span) -> Vec<Span> {
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

/// The content of a quoted or back-ticked word that opens at `word`.
fn marked(text: &[u8], word: Span, end: usize) -> Option<Span> {
    let skip = text[word.range()].iter().take_while(|byte| matches!(byte, b'(' | b'*' | b'[')).count();
    let open = word.start + skip;
    let quote = *text.get(open).filter(|byte| matches!(byte, b'`' | b'"' | b'\''))?;
    let length = memchr::memchr(quote, &text[open + 1..end])?;
    Some(Span::new(open + 1, open + 1 + length)).filter(|span| !span.is_empty())
}

fn unpunctuated(text: &[u8], word: Span) -> Span {
    let without = |span: Span, marks: &[u8]| {
        let kept = span.len() - text[span.range()].iter().rev().take_while(|byte| marks.contains(byte)).count();
        Span::new(span.start, span.start + kept)
    };
    let bare = without(word, b".,;)");
    let inner = table::undecorated(text, bare);
    if inner == bare { without(bare, b"*") } else { inner }
}

/// `Login to X: admin / secret`, `sign in with admin/secret`.
pub(super) fn login_at(search: &mut Search<'_>, hit: Span) {
    let whole = search.line_around(hit.start);
    if !matches!(notation_at(search, whole), Notation::Prose | Notation::Unknown) {
        return;
    }
    let words = words_of(search.text, Span::new(hit.end, whole.end.min(hit.end + REACH)));
    let Some(value) = pair(search.text, &words) else { return };
    if let Some(verdict) = judge::judge(search.bytes(value), Judge::Password).filter(|verdict| verdict.confidence >= Confidence::Medium) {
        let reasons = std::iter::once(Reason::Prose).chain(verdict.reasons).collect();
        search.found(Extractor::Password, value, judge::lower(verdict.confidence), reasons);
    }
}

/// The second part of the first `user / secret` or `user/secret` behind a connecting word.
fn pair(text: &[u8], words: &[Span]) -> Option<Span> {
    let connects = |word: Span| {
        let bytes = text[word.range()].to_ascii_lowercase();
        bytes.ends_with(b":") || matches!(bytes.as_slice(), b"with" | b"as" | b"using" | b"are" | b"is" | b"=")
    };
    let at = words.iter().position(|&word| connects(word))?;
    match words.get(at + 1..)? {
        [user, slash, secret, ..] if &text[slash.range()] == b"/" && is_user(text, *user) => Some(unpunctuated(text, *secret)),
        [both, ..] => {
            let whole = unpunctuated(text, *both);
            let slash = memchr::memchr(b'/', &text[whole.range()])?;
            let user = Span::new(whole.start, whole.start + slash);
            (is_user(text, user)).then(|| Span::new(user.end + 1, whole.end))
        }
        _ => None,
    }
}

fn is_user(text: &[u8], span: Span) -> bool {
    let span = table::undecorated(text, span);
    let bytes = &text[span.range()];
    !bytes.is_empty()
        && bytes.len() <= 64
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b'@'))
}
