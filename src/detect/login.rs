//! Logins in sentences and columns: a user and a secret, of which only their places say what they are.

use super::assign::notation_at;
use super::columns::Purpose;
use super::lexicon::ACCOUNTS;
use super::prose::{REACH, is_generated, marked, unpunctuated, words_of};
use super::{Notation, Reason, Search, judge, line, pipe, table};
use crate::rule::{Confidence, Extractor, Judge};
use crate::text::Span;

/// `Login to X: admin / secret`, `sign in with admin/secret`.
pub(super) fn at(search: &mut Search<'_>, hit: Span) {
    let whole = search.line_around(hit.start);
    if search.bytes(hit).ends_with(b"chpasswd") {
        pipe::at(search, hit);
        accounts_below(search, whole);
        return;
    }
    let prose = matches!(notation_at(search, whole), Notation::Prose | Notation::Unknown);
    let remark =
        matches!(search.hints.notation, Notation::Yaml | Notation::Lines) && search.bytes(whole).trim_ascii_start().starts_with(b"#");
    if !prose && !remark {
        return;
    }
    if table::is_header(search, whole) {
        login_column(search, whole, hit);
        return;
    }
    let words = words_of(search.text, Span::new(hit.end, whole.end.min(hit.end + REACH)));
    let cue = search.bytes(hit).to_ascii_lowercase();
    let value = if cue.ends_with(b":") {
        of_account(search, whole, hit, &words)
    } else if cue.starts_with(b"rotated") || cue.ends_with(b"value") {
        words.iter().take(3).find_map(|&word| marked(search.text, word, whole.end)).filter(|&span| is_generated(search.bytes(span)))
    } else if cue.ends_with(b"/ ") {
        let free = search.text[..hit.start].last().is_none_or(|byte| !byte.is_ascii_alphanumeric() && !matches!(byte, b'/' | b'.' | b'-'));
        words.first().map(|&word| unpunctuated(search.text, word)).filter(|&word| free && is_generated(search.bytes(word)))
    } else if cue.ends_with(b" is") {
        spaced_pair(search.text, &words)
    } else {
        pair(search.text, &words)
    };
    if let Some(value) = value {
        of_login(search, value);
    }
}

/// `user:secret`, a line each, as chpasswd reads them from a list of cloud-init or a here document.
fn accounts_below(search: &mut Search<'_>, header: Span) {
    const LINES: usize = 16;
    let mut next = search.line_after(header);
    for _ in 0..LINES {
        let Some(line) = next else { break };
        let entry = line::trim(search.text, line);
        let bytes = search.bytes(entry);
        let skip = if bytes.starts_with(b"- ") { 2 } else { 0 };
        let user = bytes[skip..].iter().take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')).count();
        let value = Span::new((entry.start + skip + user + 1).min(entry.end), entry.end);
        let parted = user > 0 && bytes.get(skip + user) == Some(&b':');
        let one = !value.is_empty()
            && !search.bytes(value).starts_with(b"/")
            && !search.bytes(value).iter().any(|byte| byte.is_ascii_whitespace() || *byte == b':');
        if parted && one {
            of_login(search, value);
        }
        next = search.line_after(line);
    }
}

/// The cells under a header `Login` or `Credentials` that hold `user / secret`.
fn login_column(search: &mut Search<'_>, header: Span, hit: Span) {
    for cell in table::column(search, header, hit.start, Purpose::Logins).cells() {
        let words = words_of(search.text, cell);
        let one = |text| words.first().filter(|_| words.len() == 1).and_then(|&word| joined_pair(text, word));
        if let Some(value) = spaced_pair(search.text, &words).or_else(|| one(search.text)) {
            of_login(search, value);
        }
    }
}

fn of_login(search: &mut Search<'_>, value: Span) {
    if let Some(verdict) = judge::judge(search.bytes(value), Judge::Password).filter(|verdict| verdict.confidence >= Confidence::Medium) {
        let reasons = std::iter::once(Reason::Prose).chain(verdict.reasons).collect();
        search.found(Extractor::Password, value, judge::lower(verdict.confidence), reasons);
    }
}

/// `grafana admin: X`, with nothing behind it.
fn of_account(search: &Search<'_>, line: Span, hit: Span, words: &[Span]) -> Option<Span> {
    let before = search.text[..hit.start].last();
    let whole = before.is_none_or(|byte| !byte.is_ascii_alphanumeric() && !matches!(byte, b'_' | b'-' | b'.' | b'"'));
    let [word] = words else { return None };
    let bytes = search.bytes(*word);
    let mixed = bytes.len() >= 10 && bytes.iter().any(u8::is_ascii_digit) && bytes.iter().any(u8::is_ascii_uppercase);
    let clean = bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'!' | b'#' | b'+'));
    (whole && mixed && clean && word.end == line.end).then_some(*word)
}

/// The second part of the first `user / secret` or `user/secret` behind a connecting word.
fn pair(text: &[u8], words: &[Span]) -> Option<Span> {
    let connects = |word: Span| {
        let bytes = text[word.range()].to_ascii_lowercase();
        let arrow = ["→", "–", "—"].iter().any(|arrow| bytes == arrow.as_bytes());
        arrow || bytes.ends_with(b":") || matches!(bytes.as_slice(), b"with" | b"as" | b"using" | b"are" | b"is" | b"=")
    };
    // `credentials admin : secret`
    if let Some(secret) = words.get(..3).filter(|words| &text[words[1].range()] == b":").and_then(|words| spaced_pair(text, words)) {
        return Some(secret);
    }
    let at = words.iter().position(|&word| connects(word))?;
    let words = words.get(at + 1..)?;
    spaced_pair(text, words).or_else(|| joined_pair(text, *words.first()?))
}

/// The second part of `user/secret` or `user:secret`.
fn joined_pair(text: &[u8], word: Span) -> Option<Span> {
    let whole = unpunctuated(text, word);
    let slash = memchr::memchr2(b'/', b':', &text[whole.range()])?;
    let user = Span::new(whole.start, whole.start + slash);
    is_user(text, user).then(|| Span::new(user.end + 1, whole.end))
}

/// The second part of `user / secret`, or of `` `user` and `secret` ``.
fn spaced_pair(text: &[u8], words: &[Span]) -> Option<Span> {
    let [user, joint, secret, ..] = words else { return None };
    let joint = &text[joint.range()];
    let joined = joint == b"/" || joint == b":" || is_and(joint) && is_marked(text, *user) && is_marked(text, *secret);
    (joined && is_user(text, *user)).then(|| unpunctuated(text, *secret))
}

fn is_and(word: &[u8]) -> bool {
    matches!(word, b":" | b"and" | b"&" | b"und" | b"y" | b"et" | b"e" | b"with")
}

fn is_marked(text: &[u8], word: Span) -> bool {
    matches!(text[word.start], b'`' | b'*' | b'"')
}

fn is_user(text: &[u8], span: Span) -> bool {
    let span = table::undecorated(text, span);
    let bytes = &text[span.range()];
    let known = || bytes.contains(&b'@') || ACCOUNTS.has(&String::from_utf8_lossy(bytes).to_lowercase());
    bytes.first().is_some_and(|first| !first.is_ascii_uppercase() || known())
        && bytes.len() <= 64
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b'@'))
}
