//! Logins before a word for it, behind an address, and in lists that a program reads.

use super::{begins_with_account, joined_pair, of_login, of_login_in, weak_of_login};
use crate::detect::search::Search;
use crate::detect::syntax::hints::Notation;
use crate::detect::syntax::line;
use crate::detect::syntax::sentence::{REACH, marked, unpunctuated, words_of};
use crate::rule::lexicon::{OPENING_WORDS, USERS, USING};
use crate::text::Span;

/// `用 admin/admin 登录`, `use admin/admin to log in`
pub(super) fn ahead(text: &[u8], line: Span, hit: Span) -> Option<Span> {
    let words = words_of(text, Span::new(line.start.max(hit.start.saturating_sub(REACH)), hit.start));
    // ``use `admin` / `secret` to log in``
    if let [.., verb, user, joint, secret, to] = words.as_slice()
        && USING.is(&text[verb.range()])
        && matches!((&text[joint.range()], &text[to.range()]), (b"/" | b"and", b"to"))
        && begins_with_account(text[user.range()].strip_prefix(b"`").and_then(|user| user.strip_suffix(b"`")).unwrap_or_default())
    {
        return marked(text, *secret, secret.end);
    }
    // ``using the `admin:secret` credentials``
    if let [.., pair] = words.as_slice()
        && text[hit.range()].to_ascii_lowercase().starts_with(b"cred")
        && text[pair.range()].starts_with(b"`")
        && begins_with_account(&text[pair.start + 1..pair.end])
    {
        return joined_pair(text, *pair);
    }
    let word = match words.as_slice() {
        [.., verb, word, to] if &text[to.range()] == b"to" && USING.is(&text[verb.range()]) => *word,
        [.., word] if !text[hit.range()].is_ascii() && word.end + 1 >= hit.start => *word,
        _ => return None,
    };
    // ``创建一个`reader:123456`帐号``
    let marked = text[word.range()].strip_suffix(b"`").and_then(|rest| memchr::memrchr(b'`', rest)).filter(|at| *at > 0);
    let word = Span::new(word.start + marked.unwrap_or(0), word.end);
    let pair = &text[unpunctuated(text, word).range()];
    if begins_with_account(pair.strip_prefix(b"`").unwrap_or(pair)) { joined_pair(text, word) } else { None }
}

/// How long the account is that a cue has twice: `admin/admin`, `Admin/admin`, `guest", "guest`.
pub(super) fn same_account(cue: &[u8]) -> Option<usize> {
    let length = cue.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    if length == 0 || cue.len() <= 2 * length {
        return None;
    }
    let (first, last) = (&cue[..length], &cue[cue.len() - length..]);
    let listed = matches!(cue[length], b'"' | b'\'');
    let twice = first == last || !listed && first.eq_ignore_ascii_case(last);
    twice.then_some(length)
}

/// `Admin user created: admin/admin`, `connect("localhost", "guest", "guest")`: in a sentence, a message of a program or a call
/// that opens something, and no path.
pub(super) fn read_same(search: &mut Search<'_>, line: Span, hit: Span, account: usize) {
    let (before, behind) = (&search.text[line.start..hit.start], &search.text[hit.end..line.end]);
    let free = before.last().is_none_or(|byte| byte.is_ascii_whitespace() || b"(\"'`".contains(byte) || !byte.is_ascii());
    let ends = match behind {
        [] => true,
        [b'.' | b',' | b';' | b':' | b'!', rest @ ..] => {
            rest.first().is_none_or(|byte| byte.is_ascii_whitespace() || b"\"'`".contains(byte))
        }
        [byte, ..] => byte.is_ascii_whitespace() || b")\"'`".contains(byte) || !byte.is_ascii(),
    };
    let lower = String::from_utf8_lossy(before).to_lowercase();
    let listed = matches!(search.bytes(hit)[account], b'"' | b'\'');
    let said =
        || USERS.iter().chain(["login", "log in", "credential", "user", "sign in", "password", "auth:"]).any(|word| lower.contains(word));
    let told = match listed {
        true => OPENING_WORDS.within(lower.as_bytes()),
        false => {
            let alone = search.notation_at(line) == Notation::Prose && behind.trim_ascii().is_empty();
            search.bytes(hit).starts_with(b"guest") || said() || alone
        }
    };
    if free && ends && told {
        let value = Span::new(hit.end - account, hit.end);
        let _ = weak_of_login(search, value);
    }
}

/// `http://localhost:3000 (admin/secret)`: a pair in brackets behind an address.
pub(in crate::detect::extract) fn read_behind_address(search: &mut Search<'_>, hit: Span) {
    let line = search.line_around(hit.start);
    if search.notation_at(line) != Notation::Prose {
        return;
    }
    let words = words_of(search.text, Span::new(hit.end, line.end.min(hit.end + REACH)));
    let [_, pair, ..] = words.as_slice() else { return };
    let Some(inner) = search.bytes(*pair).strip_prefix(b"(").and_then(|pair| pair.iter().position(|byte| *byte == b')')) else { return };
    let pair = Span::new(pair.start + 1, pair.start + 1 + inner);
    if begins_with_account(search.bytes(pair))
        && search.bytes(pair).contains(&b'/')
        && let Some(value) = joined_pair(search.text, pair)
    {
        let _ = of_login_in(search, value, true) || weak_of_login(search, value);
    }
}

/// `user:secret`, a line each, as chpasswd reads them from a list of cloud-init or a here document.
pub(in crate::detect::extract) fn read_accounts_below(search: &mut Search<'_>, hit: Span) {
    const LINES: usize = 16;
    let header = search.line_around(hit.start);
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
        let account = begins_with_account(&bytes[skip..]);
        if parted && one && !of_login(search, value) && account {
            weak_of_login(search, value);
        }
        next = search.line_after(line);
    }
}
