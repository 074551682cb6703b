//! Logins before a word for it, behind an address, and in lists that a program reads.

use super::{begins_with_account, joined_pair, of_login, of_login_in, weak_of_login};
use crate::detect::search::Search;
use crate::detect::syntax::hints::Notation;
use crate::detect::syntax::line;
use crate::detect::syntax::sentence::{REACH, unpunctuated, words_of};
use crate::text::Span;

/// `用 admin/admin 登录`, `use admin/admin to log in`
pub(super) fn ahead(text: &[u8], line: Span, hit: Span) -> Option<Span> {
    let words = words_of(text, Span::new(line.start.max(hit.start.saturating_sub(REACH)), hit.start));
    let word = match words.as_slice() {
        [.., verb, word, to] if &text[to.range()] == b"to" && matches!(&text[verb.range()], b"use" | b"Use" | b"using" | b"with") => *word,
        [.., word] if !text[hit.range()].is_ascii() && word.end + 1 >= hit.start => *word,
        _ => return None,
    };
    if begins_with_account(&text[unpunctuated(text, word).range()]) { joined_pair(text, word) } else { None }
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
