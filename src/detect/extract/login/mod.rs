//! Logins in sentences and columns: a user and a secret, of which only their places say what they are.

mod beside;

pub(super) use beside::{read_accounts_below, read_behind_address};

use super::name::{Context, NameClass};
use crate::detect::Reason;
use crate::detect::search::Search;
use crate::detect::syntax::cells::undecorated;
use crate::detect::syntax::columns::Purpose;
use crate::detect::syntax::hints::Notation;
use crate::detect::syntax::sentence::{REACH, marked, unpunctuated, words_of};
use crate::detect::syntax::table;
use crate::detect::worth::randomness::is_generated;
use crate::detect::worth::{judge, weak};
use crate::rule::lexicon::{ACCOUNTS, CONJUNCTIONS, STAND_IN_USERS, USERS, VALUE_NAMES};
use crate::rule::{Confidence, Extractor, Judge};
use crate::text::Span;

/// `Login to X: admin / secret`, `sign in with admin/secret`.
pub(super) fn read(search: &mut Search<'_>, hit: Span) {
    let whole = search.line_around(hit.start);
    if search.bytes(hit).eq_ignore_ascii_case(b"admin/admin") {
        return beside::read_same(search, whole, hit);
    }
    let prose = matches!(search.notation_at(whole), Notation::Prose | Notation::Unknown);
    let settings = search.hints.notation.is_settings();
    let remark = settings && search.bytes(whole).trim_ascii_start().starts_with(b"#");
    if !prose && !remark {
        // Settings hold texts for people, too.
        let words = words_of(search.text, Span::new(hit.end, whole.end.min(hit.end + REACH)));
        let value = pair(search.text, &words).filter(|&value| settings && is_customary_field(search, whole, hit, value));
        return value.into_iter().for_each(|value| _ = of_login(search, value) || weak_of_login(search, value));
    }
    if table::is_header(search, whole) {
        login_column(search, whole, hit);
        return;
    }
    // Where no spaces stand between words, what follows the cue can be a part of the sentence.
    let unspaced = search.text[hit.end..whole.end].iter().take_while(|byte| !byte.is_ascii()).count();
    let start = hit.end + if search.bytes(hit).is_ascii() { 0 } else { unspaced };
    let words = words_of(search.text, Span::new(start, whole.end.min(start + REACH)));
    let cue = search.bytes(hit).to_ascii_lowercase();
    // ``credentials (`admin/secret`)``: a pair in marks shows a login, whatever its parts are.
    let shown = !cue.is_ascii() || [&b"cred"[..], b"log", b"sign"].iter().any(|word| cue.starts_with(word));
    let is_default = search.text[whole.start..hit.start].trim_ascii_end().to_ascii_lowercase().ends_with(b"default");
    let value = if cue.ends_with(b":") {
        of_account(search, whole, hit, &words)
    } else if cue.starts_with(b"rotated") || cue.ends_with(b"value") {
        words.iter().take(3).find_map(|&word| marked(search.text, word, whole.end)).filter(|&span| is_generated(search.bytes(span)))
    } else if cue == b"- admin/" {
        // `- admin/admin123`, an item of its own; a path has no such word.
        let item = whole.start + search.bytes(whole).len() - search.bytes(whole).trim_ascii_start().len() == hit.start;
        let word = words.first().copied().filter(|word| item && words.len() == 1 && word.start == hit.end);
        word.filter(|&word| weak::is_known(search.bytes(word)) && search.bytes(word).iter().any(u8::is_ascii_digit))
    } else if cue.ends_with(b"/ ") {
        let free = search.text[..hit.start].last().is_none_or(|byte| !byte.is_ascii_alphanumeric() && !matches!(byte, b'/' | b'.' | b'-'));
        words.first().map(|&word| unpunctuated(search.text, word)).filter(|&word| free && is_generated(search.bytes(word)))
    } else if cue.ends_with(b" is") {
        spaced_pair(search.text, &words)
    } else {
        pair(search.text, &words)
            .or_else(|| words.first().filter(|_| is_default || start > hit.end).and_then(|&word| same_twice(search.text, word)))
            // `(default login admin / secret)`
            .or_else(|| {
                let account = words.first().is_some_and(|word| is_default && begins_with_account(search.bytes(*word)));
                spaced_pair(search.text, &words).filter(|_| account)
            })
    };
    // `登录帐号test 123456`
    let spaced = || {
        words
            .get(..2)
            .filter(|words| !cue.is_ascii() && words[0].start == start && is_spaced_login(search.text, words))
            .map(|words| words[1])
    };
    let value = value.or_else(|| beside::ahead(search.text, whole, hit)).or_else(spaced);
    if let Some(value) = value {
        let certain = shown
            && (value.end <= hit.start || is_default || is_shown(search.text, value) || is_customary_field(search, whole, hit, value));
        // `账号：admin/123456`
        let known = (!cue.is_ascii() || cue.starts_with(b"-")) && weak::is_known(search.bytes(value));
        if !of_login_in(search, value, certain) && (certain || known || shown && is_end_of_customary(search, whole, value)) {
            weak_of_login(search, value);
        }
    }
}

/// `- credentials: guest/guest`, `Default credentials: shop / shop123`: a field of its own line, which holds nothing else than the login
/// of a customary account or one whose secret begins with its name.
fn is_customary_field(search: &Search<'_>, line: Span, hit: Span, value: Span) -> bool {
    let label = |byte: &u8| byte.is_ascii_alphabetic() || !byte.is_ascii() || matches!(byte, b' ' | b'-' | b'*' | b'#' | b'\t');
    let between = search.text.get(hit.end..value.start).unwrap_or_default().trim_ascii();
    let Some(login) = between.strip_prefix(b":").or(between.strip_prefix(b"**:")).map(<[u8]>::trim_ascii) else { return false };
    let user = before_joint(login);
    let own = search.text[line.start..hit.start].iter().all(label) && search.text[value.end..line.end].trim_ascii().is_empty();
    own && !user.is_empty() && (begins_with_account(user) || search.bytes(value).starts_with(user)) && !STAND_IN_USERS.is(user)
}

/// What stands before the slash or colon that a text ends with.
fn before_joint(text: &[u8]) -> &[u8] {
    let text = text.trim_ascii();
    text.strip_suffix(b"/").or(text.strip_suffix(b":")).unwrap_or_default().trim_ascii_end()
}

/// `login using: tech_user / secret`: the pair ends its line, and its user is no word of a sentence.
fn is_end_of_customary(search: &Search<'_>, line: Span, value: Span) -> bool {
    let rest = search.text[value.end..line.end].trim_ascii();
    let user = before_joint(&search.text[line.start..value.start]).rsplit(u8::is_ascii_whitespace).next().unwrap_or_default();
    let user = user.strip_prefix(b"(").unwrap_or(user);
    let known = begins_with_account(user) || user.contains(&b'_') || search.bytes(value) == user && user.len() > 3;
    matches!(rest, [] | b"." | b")" | b").") && known && !STAND_IN_USERS.is(user)
}

/// Whether a value ends where marks end: `` `admin/secret` ``.
fn is_shown(text: &[u8], value: Span) -> bool {
    matches!(text.get(value.end), Some(b'`' | b'"' | b'*' | b'\''))
}

/// `username and password are admin / secret`, `the user is admin and the password is secret`: a sentence that names both parts
/// of a login, and then both values.
pub(super) fn read_pair(search: &mut Search<'_>, context: &Context) -> bool {
    if context.class != NameClass::Password {
        return false;
    }
    let text = search.text;
    let end = context.line.end.min(context.name.end + REACH);
    search.look(Span::new(context.line.start, end));
    let before = words_of(text, Span::new(context.line.start.max(context.name.start.saturating_sub(REACH)), context.name.start));
    let after = words_of(text, Span::new(context.name.end, end));
    let lower = |span: Span| String::from_utf8_lossy(&text[span.range()]).to_lowercase();
    let filler = |span: &&Span| !matches!(lower(**span).as_str(), "the" | "its" | "default" | "a" | "your" | "initial");
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
            let told = |close: usize| ["为", "是"].iter().any(|verb| shown[close + 1..].trim_ascii().starts_with(verb.as_bytes()));
            pair.filter(|&(_, close)| told(close))
                .and_then(|(open, close)| joined_pair(text, Span::new(context.line.start + open, context.line.start + close + 1)))
        }
        // `the default password is admin/admin`
        _ if matches!(after.as_slice(), [verb, pair, ..] if matches!(&text[verb.range()], b"is" | b"are")
            && begins_with_account(&text[pair.range()])) =>
        {
            same_twice(text, after[1])
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
    let joint = ["和", "、", "与", "/"].iter().find_map(|joint| before.strip_suffix(joint.as_bytes()));
    joint.is_some_and(|user| USERS.ends(user))
}

/// ``是 `root`和`123456` ``: what stands in the second pair of marks.
fn second_of_marked(text: &[u8], rest: Span) -> Option<Span> {
    let mut marks = memchr::memchr_iter(b'`', &text[rest.range()]);
    let (_, close, open, end) = (marks.next()?, marks.next()?, marks.next()?, marks.next()?);
    let joint = text[rest.start + close + 1..rest.start + open].trim_ascii();
    let joined = is_and(joint) || matches!(joint, b"/") || ["和", "、", "与"].iter().any(|word| joint == word.as_bytes());
    joined.then(|| Span::new(rest.start + open + 1, rest.start + end))
}

/// Whether a sentence ends with the customary name of an account and the same or another well-known word.
fn is_spaced_login(text: &[u8], words: &[Span]) -> bool {
    let [.., user, secret] = words else { return false };
    let user = &text[user.range()];
    let user = user.rsplit(|byte| !byte.is_ascii()).next().unwrap_or_default();
    let secret = &text[secret.range()];
    words.len() <= 3 && ACCOUNTS.is(user) && (user == secret || weak::is_known(secret))
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
    let verb = verbs.find(|&at| at < APART || shown(at)).unwrap_or(0);
    let words = &words[verb..];
    let words = words.iter().position(|&word| !connects(word)).map(|at| &words[at..])?;
    let first = *words.first()?;
    // ``the login and password are `shop`.``
    if let Some(value) = marked(text, first, first.end).filter(|_| words.len() == 1 && verb > 0 || text[first.range()].ends_with(b"`.")) {
        let plain = text[value.range()].iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
        if plain {
            return Some(value);
        }
    }
    let customary = begins_with_account(&text[first.range()]);
    let parted = || matches!(words, [_, joint, _] if &text[joint.range()] == b"/");
    let whole = is_marked(text, first) || customary && (text[first.range()].contains(&b'/') || parted());
    spaced_pair(text, words).or_else(|| joined_pair(text, first)).filter(|_| whole)
}

/// A weak password that a sentence shows together with its user.
fn weak_of_login(search: &mut Search<'_>, value: Span) -> bool {
    let bytes = search.bytes(value);
    let text = String::from_utf8_lossy(bytes);
    let is_weak = weak::is_literal(bytes) && (!VALUE_NAMES.has(&text) || text == "password") && !bytes.starts_with(b"-");
    if is_weak {
        search.found(Extractor::WeakPassword, value, Confidence::Medium, vec![Reason::Prose, Reason::Weak]);
    }
    is_weak
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

fn of_login(search: &mut Search<'_>, value: Span) -> bool {
    of_login_in(search, value, false)
}

/// The same; `certain` if the place says that a login is shown.
fn of_login_in(search: &mut Search<'_>, value: Span, certain: bool) -> bool {
    let verdict = judge::judge(search.bytes(value), Judge::Password).filter(|verdict| verdict.confidence >= Confidence::Medium);
    let Some(verdict) = verdict else { return false };
    let reasons = std::iter::once(Reason::Prose).chain(verdict.reasons).collect();
    let confidence = if certain { Confidence::Medium } else { judge::lower(verdict.confidence) };
    search.found(Extractor::Password, value, confidence, reasons);
    true
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
    // ``Login (`admin/secret`)``, `Login **admin/secret**`, ``credentials `boss:secret` ``, ``(default credentials `boss` / `secret`)``
    let marks = |word: Span| text[word.range()].iter().take_while(|byte| matches!(byte, b'`' | b'*' | b'(' | b'"')).count();
    let shows = |word: Span| {
        let shown = &text[word.start + marks(word)..word.end];
        marks(word) > 0 && (begins_with_account(shown) || is_pair_in_marks(shown))
    };
    let two = || matches!(words, [user, joint, ..] if marks(*user) > 0 && matches!(&text[joint.range()], b"/" | b":"));
    let opens = words.first().is_some_and(|&word| text[word.range()].starts_with(b"(`") || shows(word)) || two();
    let words = if opens { words } else { words.get(words.iter().position(|&word| connects(word))? + 1..)? };
    // ``with account `admin:secret` ``
    let words =
        if words.len() > 1 && matches!(&text[words[0].range()], b"account" | b"credentials" | b"user") { &words[1..] } else { words };
    spaced_pair(text, words).or_else(|| joined_pair(text, *words.first()?))
}

/// `default credentials shop/shop`: a user whose password is the same.
fn same_twice(text: &[u8], word: Span) -> Option<Span> {
    let whole = unpunctuated(text, word);
    let bytes = &text[whole.range()];
    let slash = memchr::memchr2(b'/', b':', bytes)?;
    let same = bytes[..slash] == bytes[slash + 1..] || ACCOUNTS.has(&String::from_utf8_lossy(&bytes[..slash]));
    if same { joined_pair(text, word) } else { None }
}

/// ``boss:secret` ``: one pair, up to the mark that closes it.
fn is_pair_in_marks(shown: &[u8]) -> bool {
    let Some(close) = memchr::memchr2(b'`', b'*', shown) else { return false };
    let parts: Vec<&[u8]> = shown[..close].split(|&byte| byte == b':').collect();
    matches!(parts.as_slice(), [user, secret] if !user.is_empty() && !STAND_IN_USERS.is(user) && secret.len() >= 3)
}

/// The second part of `user/secret` or `user:secret`, and of `` `user`:`secret` ``.
fn joined_pair(text: &[u8], word: Span) -> Option<Span> {
    if let Some(at) =
        [&b"`:`"[..], b"`/`", b"`//`", b"\":\"", b"\"/\""].iter().find_map(|joint| memchr::memmem::find(&text[word.range()], joint))
    {
        let user = Span::new(word.start, word.start + at + 1);
        let secret =
            text[user.end..word.end].iter().position(|byte| matches!(byte, b'`' | b'"')).map(|mark| Span::new(user.end + mark, word.end));
        return secret.filter(|_| is_user(text, user)).and_then(|secret| marked(text, secret, word.end));
    }
    // `` `elastic:123456`可以登录 ``
    let closed = text[word.range()].strip_prefix(b"`").and_then(|rest| memchr::memchr(b'`', rest)).map(|at| word.start + at + 2);
    let word =
        Span::new(word.start, closed.filter(|&end| text[end..word.end].first().is_some_and(|byte| !byte.is_ascii())).unwrap_or(word.end));
    let quote = usize::from(matches!(text[word.start], b'"' | b'\''));
    let whole = unpunctuated(text, Span::new(word.start + quote, word.end));
    let slash = memchr::memchr2(b'/', b':', &text[whole.range()])?;
    let user = Span::new(whole.start, whole.start + slash);
    // `system:nodes`: a group of Kubernetes.
    let group = &text[user.range()] == b"system" && text[user.end] == b':';
    (!group && is_user(text, user)).then(|| undecorated(text, Span::new(user.end + 1, whole.end)))
}

/// The second part of `user / secret`, or of `` `user` and `secret` ``.
fn spaced_pair(text: &[u8], words: &[Span]) -> Option<Span> {
    let [user, joint, secret, ..] = words else { return None };
    let joint = &text[joint.range()];
    // `` `admin / secret` ``
    let marks = text[user.range()].iter().take_while(|byte| matches!(byte, b'`' | b'*' | b'"' | b'(')).count();
    let open = Span::new((user.start + marks).min(user.end), user.end);
    let (user, secret) = match is_user(text, *user) {
        true => (user, secret),
        false => {
            // `` `user : admin` ``
            if USERS.is(&text[open.range()]) {
                return None;
            }
            let close = text[secret.range()].iter().position(|byte| matches!(byte, b'`' | b'*' | b'"')).unwrap_or(secret.len());
            (&open, &Span::new(secret.start, secret.start + close))
        }
    };
    let joined = matches!(joint, b"/" | b"//" | b":") || is_and(joint) && is_marked(text, *user) && is_marked(text, *secret);
    let inside = |secret: Span| marked(text, secret, secret.end).filter(|_| text[secret.start] == b'"');
    // `` `username` and `password` ``: what fields are called.
    let named = USERS.is(&text[undecorated(text, *user).range()]);
    (joined && !named && is_user(text, *user)).then(|| inside(*secret).unwrap_or_else(|| unpunctuated(text, *secret)))
}

/// Whether what stands before a slash or a colon is the customary name of an account: `root/…`.
pub(super) fn begins_with_account(pair: &[u8]) -> bool {
    let user = pair.split(|byte| matches!(byte, b'/' | b':')).next().unwrap_or_default();
    ACCOUNTS.has(&String::from_utf8_lossy(user).to_lowercase()) && !STAND_IN_USERS.is(user)
}

fn is_and(word: &[u8]) -> bool {
    matches!(word, b":" | b"&") || std::str::from_utf8(word).is_ok_and(|word| CONJUNCTIONS.has(word))
}

fn is_marked(text: &[u8], word: Span) -> bool {
    matches!(text[word.start], b'`' | b'*' | b'"')
}

fn is_user(text: &[u8], span: Span) -> bool {
    let span = undecorated(text, span);
    let bytes = &text[span.range()];
    let known = || bytes.contains(&b'@') || ACCOUNTS.has(&String::from_utf8_lossy(bytes).to_lowercase());
    bytes.first().is_some_and(|first| !first.is_ascii_uppercase() || known())
        && bytes.len() <= 64
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b'@'))
}
