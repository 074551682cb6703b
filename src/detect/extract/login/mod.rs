//! Logins in sentences and columns: a user and a secret, of which only their places say what they are.

mod beside;
mod both;

pub(super) use beside::{read_accounts_below, read_behind_address};
use both::is_spaced_login;
pub(super) use both::read_pair;

use crate::detect::Reason;
use crate::detect::search::Search;
use crate::detect::syntax::cells::undecorated;
use crate::detect::syntax::columns::Purpose;
use crate::detect::syntax::hints::Notation;
use crate::detect::syntax::sentence::{REACH, marked, unpunctuated, words_of};
use crate::detect::syntax::table;
use crate::detect::worth::randomness::is_generated;
use crate::detect::worth::{judge, weak};
use crate::rule::lexicon::{ACCOUNTS, CONJUNCTIONS, DEFAULTS, STAND_IN_USERS, USERS, VALUE_NAMES, VERBS};
use crate::rule::{Confidence, Extractor, Judge};
use crate::text::Span;

/// `Login to X: admin / secret`, `sign in with admin/secret`.
pub(super) fn read(search: &mut Search<'_>, hit: Span) {
    let whole = search.line_around(hit.start);
    if let Some(account) = beside::same_account(search.bytes(hit)) {
        return beside::read_same(search, whole, hit, account);
    }
    let prose = matches!(search.notation_at(whole), Notation::Prose | Notation::Unknown);
    let settings = search.hints.notation.is_settings();
    let remark = settings && search.bytes(whole).trim_ascii_start().starts_with(b"#");
    if !prose && !remark {
        // Settings hold texts for people, too.
        let words = words_of(search.text, Span::new(hit.end, whole.end.min(hit.end + REACH)));
        // `echo "login credentials are admin:secret"`
        let message = search.bytes(whole).trim_ascii_start().starts_with(b"echo ");
        let beside_account = |value: Span| {
            let user = before_joint(&search.text[hit.end..value.start]).rsplit(u8::is_ascii_whitespace).next().unwrap_or_default();
            let default = || search.text[whole.start..hit.start].to_ascii_lowercase().ends_with(b"default ");
            message && !user.is_empty() && (begins_with_account(user) || default())
        };
        let told = |value: Span| settings && (is_customary_field(search, whole, hit, value) || beside_account(value));
        let value = pair(search.text, &words).filter(|&value| told(value));
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
    let before = &search.text[whole.start..hit.start];
    let shown = !cue.is_ascii() || [&b"cred"[..], b"log", b"sign", b"default", b"demo"].iter().any(|word| cue.starts_with(word));
    let is_default = cue.starts_with(b"default")
        || before.trim_ascii_end().to_ascii_lowercase().ends_with(b"default")
        || !cue.is_ascii() && DEFAULTS.iter().any(|word| memchr::memmem::find(before, word.as_bytes()).is_some());
    let value = if cue.ends_with(b":") {
        of_account(search, whole, hit, &words)
    } else if cue.starts_with(b"rotated") || cue.ends_with(b"value") {
        words.iter().take(3).find_map(|&word| marked(search.text, word, whole.end)).filter(|&span| is_generated(search.bytes(span)))
    } else if cue == b"- admin/" {
        // `- admin/admin123`, an item of its own; a path has no such word.
        let item = whole.start + search.bytes(whole).len() - search.bytes(whole).trim_ascii_start().len() == hit.start;
        let word = words.first().copied().filter(|word| item && words.len() == 1 && word.start == hit.end);
        word.filter(|&word| weak::is_known(search.bytes(word)) && search.bytes(word).iter().any(u8::is_ascii_digit))
    } else if cue == b"` / `" {
        shown_beside_address(search, whole, hit)
    } else if cue.ends_with(b"/ ") {
        let free = search.text[..hit.start].last().is_none_or(|byte| !byte.is_ascii_alphanumeric() && !matches!(byte, b'/' | b'.' | b'-'));
        words.first().map(|&word| unpunctuated(search.text, word)).filter(|&word| free && is_generated(search.bytes(word)))
    } else if cue.ends_with(b" is") {
        spaced_pair(search.text, &words)
    } else {
        pair(search.text, &words)
            .or_else(|| words.first().filter(|_| is_default || start > hit.end).and_then(|&word| same_twice(search.text, word)))
            // `用户账户,分别为 admin/harbour`
            .or_else(|| {
                let (told, pair) = (search.bytes(*words.first()?), *words.get(1).filter(|_| !cue.is_ascii())?);
                let shown = begins_with_account(search.bytes(pair)) && search.bytes(pair).contains(&b'/');
                let said = VERBS.iter().any(|verb| !verb.is_ascii() && told.ends_with(verb.as_bytes()));
                if shown && said { joined_pair(search.text, pair) } else { None }
            })
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
        if !of_login_in(search, value, certain) && (certain || known || shown && is_end_of_customary(search, whole, hit, value)) {
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
    own && !user.is_empty()
        && (begins_with_account(user) || user.contains(&b'@') || search.bytes(value).starts_with(user))
        && !STAND_IN_USERS.is(user)
}

/// What stands before the slash or colon that a text ends with.
fn before_joint(text: &[u8]) -> &[u8] {
    let text = text.trim_ascii();
    text.strip_suffix(b"/").or(text.strip_suffix(b":")).unwrap_or_default().trim_ascii_end()
}

/// `login using: tech_user / secret`: the pair ends its line, and its user is no word of a sentence.
fn is_end_of_customary(search: &Search<'_>, line: Span, hit: Span, value: Span) -> bool {
    let rest = search.text[value.end..line.end].trim_ascii();
    let user = before_joint(&search.text[line.start..value.start]).rsplit(u8::is_ascii_whitespace).next().unwrap_or_default();
    let user = user.strip_prefix(b"(").unwrap_or(user);
    let known = begins_with_account(user) || user.contains(&b'_') || search.bytes(value) == user && user.len() > 3;
    // `(log in with anna/harbour)`
    let apart = rest.starts_with(b")") && search.text[..hit.start].ends_with(b"(");
    (matches!(rest, [] | b"." | b")" | b").") || rest.starts_with(b"(default")) && (known || apart) && !STAND_IN_USERS.is(user)
}

/// `` `me@corp.net` / `secret1` ``: what stands behind the address of a user, both in marks.
fn shown_beside_address(search: &Search<'_>, line: Span, hit: Span) -> Option<Span> {
    let before = &search.text[line.start..hit.start];
    let user = &before[memchr::memrchr(b'`', before)? + 1..];
    let value = Span::new(hit.end, hit.end + memchr::memchr(b'`', &search.text[hit.end..line.end])?);
    let address = user.contains(&b'@') && !user.iter().any(u8::is_ascii_whitespace);
    let odd = search.bytes(value).iter().any(u8::is_ascii_digit) || weak::is_known(search.bytes(value));
    (address && odd).then_some(value)
}

/// Whether a value ends where marks end: `` `admin/secret` ``.
fn is_shown(text: &[u8], value: Span) -> bool {
    matches!(text.get(value.end), Some(b'`' | b'"' | b'*' | b'\''))
}

/// A weak password that a sentence shows together with its user.
fn weak_of_login(search: &mut Search<'_>, value: Span) -> bool {
    let bytes = search.bytes(value);
    let text = String::from_utf8_lossy(bytes);
    let is_weak =
        weak::is_literal(bytes) && (!VALUE_NAMES.has(&text) || matches!(&*text, "password" | "secret")) && !bytes.starts_with(b"-");
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
    // A word would be reported as a weak password here.
    let certain = certain || weak::is_literal(search.bytes(value));
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
    // ``credentials `boss` and `harbour` ``
    let both = |joint: Span, secret: Option<&Span>| is_and(&text[joint.range()]) && secret.is_some_and(|secret| marks(*secret) > 0);
    let two = || matches!(words, [user, joint, rest @ ..] if marks(*user) > 0 && (matches!(&text[joint.range()], b"/" | b":") || both(*joint, rest.first())));
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
    let bytes = &bytes[bytes.iter().take_while(|byte| **byte == b'*').count()..];
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
    let stars = text[word.range()].iter().take_while(|byte| **byte == b'*').count();
    let quote = stars.max(usize::from(matches!(text[word.start], b'"' | b'\'')));
    let whole = unpunctuated(text, Span::new(word.start + quote, word.end));
    let slash = memchr::memchr2(b'/', b':', &text[whole.range()])?;
    let user = Span::new(whole.start, whole.start + slash);
    // `system:nodes`: a group of Kubernetes.
    let group = &text[user.range()] == b"system" && text[user.end] == b':';
    // `http://…`, `login/…`: an address, a path.
    let path = text[user.end + 1..].starts_with(b"/");
    (!group && !path && is_user(text, user)).then(|| undecorated(text, Span::new(user.end + 1, whole.end)))
}

/// The second part of `user / secret`, or of `` `user` and `secret` ``.
fn spaced_pair(text: &[u8], words: &[Span]) -> Option<Span> {
    let [user, joint, secret, ..] = words else { return None };
    let joint = &text[joint.range()];
    // ``(`admin` / `secret`)``
    let bracket = usize::from(text[user.range()].starts_with(b"(`") && text[user.end - 1] == b'`');
    let user = &Span::new(user.start + bracket, user.end);
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
    let pair = &pair[pair.iter().take_while(|byte| matches!(byte, b'*' | b'`')).count()..];
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
