//! Sentences that name both parts of a login, and then both values: `username and password are admin / secret`.

use super::{begins_with_account, is_and, is_marked, is_shown, is_user, joined_pair, of_login_in, same_twice, spaced_pair, weak_of_login};
use crate::detect::extract::name::{Context, NameClass};
use crate::detect::search::Search;
use crate::detect::syntax::sentence::{REACH, marked, unpunctuated, words_of};
use crate::detect::worth::weak;
use crate::rule::lexicon::{ACCOUNTS, CONJUNCTIONS, FILLERS, USERS, VERBS};
use crate::text::Span;

/// `username and password are admin / secret`, `the user is admin and the password is secret`: a sentence that names both parts
/// of a login, and then both values.
pub(in crate::detect::extract) fn read_pair(search: &mut Search<'_>, context: &Context) -> bool {
    if context.class != NameClass::Password {
        return false;
    }
    let text = search.text;
    let end = context.line.end.min(context.name.end + REACH);
    search.look(Span::new(context.line.start, end));
    let before = words_of(text, Span::new(context.line.start.max(context.name.start.saturating_sub(REACH)), context.name.start));
    let after = words_of(text, Span::new(context.name.end, end));
    let lower = |span: Span| String::from_utf8_lossy(&text[span.range()]).to_lowercase();
    let filler = |span: &&Span| !FILLERS.has(&lower(**span));
    let before: Vec<Span> = before.iter().filter(filler).copied().collect();
    let attached =
        before.last().is_some_and(|word| word.end == context.name.start && lower(*word).strip_suffix('/').is_some_and(is_user_word));
    let is_address = |word: &Span| text[word.range()].starts_with(b"(`") && text[word.range()].contains(&b'@');
    let address = after.iter().take(3).position(is_address);
    let value = match before.as_slice() {
        // ``change the default password now (`me@corp.net` / `secret`)``
        _ if address.is_some_and(|at| after.get(at + 1).is_some_and(|joint| &text[joint.range()] == b"/")) => {
            let secret = address.and_then(|at| after.get(at + 2)).and_then(|&secret| marked(text, secret, context.line.end));
            secret.filter(|secret| weak::is_literal(search.bytes(*secret)))
        }
        // ``**`admin`** (username) and **`secret`** (password)``
        _ if text[..context.name.start].ends_with(b"(") && text[context.name.end..].starts_with(b")") => {
            labelled_behind(text, Span::new(context.line.start, context.name.start - 1))
        }
        // ``用户名和密码是 `root`和`123456` ``
        _ if !search.bytes(context.name).is_ascii() && ends_with_user_and(&text[context.line.start..context.name.start]) => {
            second_of_marked(text, Span::new(context.name.end, end)).or_else(|| both(text, &after))
        }
        // `` `shop:secret` 为管理员账号密码 ``
        _ if !search.bytes(context.name).is_ascii() && USERS.ends(&text[context.line.start..context.name.start]) && after.len() <= 1 => {
            let shown = &text[context.line.start..context.name.start];
            let mut marks = memchr::memrchr_iter(b'`', shown);
            let pair = marks.next().zip(marks.next()).map(|(close, open)| (open, close));
            let told =
                |close: usize| VERBS.iter().any(|verb| !verb.is_ascii() && shown[close + 1..].trim_ascii().starts_with(verb.as_bytes()));
            pair.filter(|&(_, close)| told(close))
                .and_then(|(open, close)| joined_pair(text, Span::new(context.line.start + open, context.line.start + close + 1)))
        }
        // `the default password is admin/admin`
        _ if matches!(after.as_slice(), [verb, pair, ..] if matches!(&text[verb.range()], b"is" | b"are")
            && begins_with_account(&text[pair.range()])) =>
        {
            same_twice(text, after[1])
        }
        // `Use admin/secret as user/password credentials`
        [.., pair, joint, _] if attached && lower(*joint) == "as" && begins_with_account(&text[pair.range()]) => joined_pair(text, *pair),
        // ``the default account password `admin/secret` ``, `account/password is *admin/secret*`
        _ if (attached || before.last().is_some_and(|word| is_user_word(&lower(*word))))
            && after.iter().find(|word| !matches!(&text[word.range()], b"is" | b"are" | b":")).is_some_and(|&word| {
                let known = begins_with_account(&text[unpunctuated(text, word).range()]) && text[word.range()].contains(&b'/');
                known || is_same_twice(text, word)
            }) =>
        {
            after.iter().take(2).find_map(|&word| joined_pair(text, word))
        }
        // `the username/password combination admin/secret`
        _ if attached && matches!(after.first(), Some(word) if matches!(lower(*word).as_str(), "combination" | "pair" | "of")) => {
            both(text, &after)
        }
        // `` `admin` for both the username and password``
        [.., value, joint, both, user, and]
            if lower(*joint) == "for" && lower(*both) == "both" && is_and(lower(*and).as_bytes()) && is_user_word(&lower(*user)) =>
        {
            marked(text, *value, context.name.start)
        }
        // `username and password are admin / secret`
        [.., user, joint] if (is_and(lower(*joint).as_bytes()) || lower(*joint) == "/") && is_user_word(&lower(*user)) => {
            both(text, &after)
        }
        // `username is admin and password is secret`
        [.., user, verb, name, joint] if lower(*joint) == "and" && lower(*verb) == "is" && is_user_word(&lower(*user)) => {
            let secret = match after.as_slice() {
                [verb, secret, more @ ..] if lower(*verb) == "is" && (more.is_empty() || text[secret.end - 1] == b'.') => {
                    Some(unpunctuated(text, *secret)).filter(|secret| !text[secret.range()].ends_with(b"ed"))
                }
                _ => None,
            };
            secret.filter(|_| is_user(text, unpunctuated(text, *name)))
        }
        // `输入账号密码并登录：guest guest`
        _ if !search.bytes(context.name).is_ascii() && is_spaced_login(text, &after) => after.last().copied(),
        // `默认账号密码为 postgres/postgres`
        _ if !search.bytes(context.name).is_ascii() && after.iter().take(2).any(|&word| begins_with_account(&text[word.range()])) => {
            after.iter().take(2).find_map(|&word| joined_pair(text, word))
        }
        // `Log in with username admin and password admin.`
        [.., user, name, joint] if lower(*joint) == "and" && is_user_word(&lower(*user)) && is_plain_user(text, *name) => {
            let ends = |secret: Span| after.len() == 1 || matches!(text[secret.end - 1], b'.' | b',');
            let bare = |secret: Span| marked(text, secret, context.line.end).unwrap_or_else(|| unpunctuated(text, secret));
            after.first().filter(|secret| ends(**secret)).map(|&secret| bare(secret))
        }
        // ``email (`me@corp.net`) and password (`secret`)``
        [.., user, name, joint] if lower(*joint) == "and" && text[name.start] == b'(' && is_user_word(&lower(*user)) => {
            after.first().filter(|secret| text[secret.start] == b'(').and_then(|&secret| marked(text, secret, context.line.end))
        }
        _ => None,
    };
    match value {
        Some(value) => of_login_in(search, value, is_shown(text, value)) || weak_of_login(search, value),
        None => false,
    }
}

/// ``**`secret`** ``, before its label in brackets, if a user is labelled so before it.
fn labelled_behind(text: &[u8], before: Span) -> Option<Span> {
    let trimmed = text[before.range()].trim_ascii_end();
    let shown = trimmed.strip_suffix(b"**").unwrap_or(trimmed).strip_suffix(b"`")?;
    let open = shown.iter().rposition(|byte| *byte == b'`')?;
    let of_user = String::from_utf8_lossy(&shown[..open]).to_lowercase();
    let labelled = USERS.iter().any(|user| of_user.contains(&format!("({user})")));
    labelled.then(|| Span::new(before.start + open + 1, before.start + shown.len()))
}

/// `用户名和`
fn ends_with_user_and(before: &[u8]) -> bool {
    let joints = CONJUNCTIONS.iter().filter(|joint| !joint.is_ascii()).chain(["/"]);
    joints.into_iter().filter_map(|joint| before.strip_suffix(joint.as_bytes())).any(|user| USERS.ends(user))
}

/// ``是 `root`和`123456` ``: what stands in the second pair of marks.
fn second_of_marked(text: &[u8], rest: Span) -> Option<Span> {
    let mut marks = memchr::memchr_iter(b'`', &text[rest.range()]);
    let (_, close, open, end) = (marks.next()?, marks.next()?, marks.next()?, marks.next()?);
    let joint = text[rest.start + close + 1..rest.start + open].trim_ascii();
    (is_and(joint) || joint == b"/").then(|| Span::new(rest.start + open + 1, rest.start + end))
}

/// Whether a sentence ends with the customary name of an account and the same or another well-known word.
pub(super) fn is_spaced_login(text: &[u8], words: &[Span]) -> bool {
    let [.., user, secret] = words else { return false };
    let user = &text[user.range()];
    let user = user.rsplit(|byte| !byte.is_ascii()).next().unwrap_or_default();
    let secret = &text[secret.range()];
    words.len() <= 3 && ACCOUNTS.is(user) && (user == secret || weak::is_known(secret))
}

/// `` `shop/shop` ``: the same twice, with a slash.
fn is_same_twice(text: &[u8], word: Span) -> bool {
    let mut parts = text[unpunctuated(text, word).range()].split(|byte| *byte == b'/');
    matches!((parts.next(), parts.next(), parts.next()), (Some(user), Some(secret), None) if user == secret && user.len() >= 3)
}

/// Whether a word is the customary name of an account, or in marks.
fn is_plain_user(text: &[u8], word: Span) -> bool {
    is_marked(text, word) || begins_with_account(&text[unpunctuated(text, word).range()])
}

fn is_user_word(word: &str) -> bool {
    let word = word.trim_start_matches(['(', '`', '*', '"']);
    USERS.has(word)
}

/// The secret of `are admin / secret` or `: admin and secret`, each in marks.
fn both(text: &[u8], words: &[Span]) -> Option<Span> {
    // ``username and password are both `root` ``
    if let [_, both, value, ..] = words
        && &text[both.range()] == b"both"
        && is_marked(text, *value)
    {
        return marked(text, *value, value.end);
    }
    let connects = |word: Span| {
        matches!(
            &text[word.range()],
            b"are"
                | b"is"
                | b"combination"
                | b"pair"
                | b":"
                | b"\xef\xbc\x9a"
                | b"="
                | b"are:"
                | b"is:"
                | b"either"
                | b"of"
                | b"to"
                | b"to:"
                | b"default"
                | b"defaults"
        )
    };
    // `user and password from upstream is admin/admin`
    const APART: usize = 4;
    const APART_FROM_MARKED: usize = 10;
    let is_verb = |&(_, word): &(usize, &Span)| matches!(&text[word.range()], b"is" | b"are");
    let shown = |at: usize| words.get(at + 1).is_some_and(|&word| is_marked(text, word));
    let mut verbs = words.iter().enumerate().take(APART_FROM_MARKED).filter(is_verb).map(|(at, _)| at);
    let verb = verbs.find(|&at| at < APART || shown(at));
    let words = &words[verb.unwrap_or(0)..];
    let words = words.iter().position(|&word| !connects(word)).map(|at| &words[at..])?;
    let first = *words.first()?;
    // ``the login and password are `shop`.``
    if let Some(value) =
        marked(text, first, first.end).filter(|_| words.len() == 1 && verb.is_some() || text[first.range()].ends_with(b"`."))
    {
        let plain = text[value.range()].iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
        if plain {
            return Some(value);
        }
    }
    let customary = begins_with_account(&text[first.range()]);
    let parted = || matches!(words, [_, joint, _] if &text[joint.range()] == b"/");
    let whole = is_marked(text, first) || customary && (text[first.range()].contains(&b'/') || parted()) || is_same_twice(text, first);
    spaced_pair(text, words).or_else(|| joined_pair(text, first)).filter(|_| whole)
}
