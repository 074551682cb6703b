//! Values assigned to names that mean a secret, in whatever notation: a separator, a value. The joint is in `separator`, where the
//! value begins is in `value`, what only repeats its name is in `repeated`, literals that a name is compared with are in `compared`.

mod called;
pub(super) mod compared;
mod expansion;
mod repeated;
mod separator;
mod value;

use super::name::{Context, NameClass};
use super::report::report;
use crate::detect::Reason;
use crate::detect::search::Search;
use crate::detect::syntax::hints::Notation;
use crate::detect::syntax::named::Value;
use crate::detect::worth::{judge, passphrase};
use crate::rule::Confidence;
use crate::rule::lexicon::USERS;
use crate::text::Span;

/// Reports what is assigned to a name; returns whether anything is.
pub(super) fn read(search: &mut Search<'_>, context: &Context) -> bool {
    let class = context.class;
    let Some(values) = value::after(search, context) else { return false };
    if values.iter().any(|value| is_entry_point(search, context, value.span)) {
        return true;
    }
    // `$password = "password";` may be meant.
    let literal = |value: &Value| search.hints.notation == Notation::Source && search.text.get(value.span.end) == Some(&b'"');
    let values = values.into_iter().filter_map(|value| match repeated::repeats_name(search, context, value.span) {
        false => Some(value),
        true => literal(&value).then_some(Value { uncertain: true, ..value }),
    });
    // `sed 's/DB_PASSWORD=123/DB_PASSWORD=changeit/'`
    let mark = b"/|#,".iter().copied().find(|&mark| is_replaced(search, context, mark));
    let part = |value: Value| {
        let end = mark.and_then(|mark| memchr::memchr(mark, search.bytes(value.span)));
        Value { span: end.map_or(value.span, |end| Span::new(value.span.start, value.span.start + end)), ..value }
    };
    let values: Vec<Value> = values.map(part).collect();
    let linked = class == NameClass::Token && is_of_link(search, context);
    for value in values {
        if let Some(confidence) = phrase(search, context, value.span) {
            search.found(class.extractor(), value.span, confidence, vec![Reason::Name, Reason::Words]);
            continue;
        }
        // A link in a text is there for whoever reads it.
        if linked && search.hints.notation == Notation::Prose {
            if judge::judge(search.bytes(value.span), class.judge()).is_some() {
                search.found(class.extractor(), value.span, Confidence::Low, vec![Reason::Name]);
            }
            continue;
        }
        report(search, class, &Value { uncertain: value.uncertain || linked, ..value }, Reason::Name);
    }
    true
}

/// `factory: shop.common.auth_password:filter_factory`: a module, and a function of it. `shop.db.password:word` on a line of its own
/// is a setting.
fn is_entry_point(search: &Search<'_>, context: &Context, value: Span) -> bool {
    let letter = |byte: &u8| byte.is_ascii_lowercase() || *byte == b'_';
    let line = &search.text[context.line.start..context.name.end];
    let path = line.iter().rev().take_while(|byte| letter(byte) || **byte == b'.').count();
    let (before, path) = line.split_at(line.len() - path);
    let assigned = matches!(before.trim_ascii_end(), [.., b':' | b'=' | b'"' | b'\'']);
    assigned && path.contains(&b'.') && search.text[context.name.end..value.start] == *b":" && search.bytes(value).iter().all(letter)
}

/// Whether a name stands in what an expression such as `s/old/new/` takes out or puts in, with this mark between the two.
fn is_replaced(search: &Search<'_>, context: &Context, mark: u8) -> bool {
    let before = &search.text[context.line.start..context.name.start];
    let Some(at) = memchr::memmem::rfind(before, &[b's', mark]) else { return false };
    let opens = before[..at].last().is_some_and(|byte| matches!(byte, b'\'' | b'"' | b' '));
    let rest = &search.text[context.name.end..context.line.end];
    let marks = memchr::memchr_iter(mark, &before[at + 2..]).count() + memchr::memchr_iter(mark, rest).count();
    opens && marks >= 2 && memchr::memmem::find(before, b"sed ").is_some()
}

/// `passphrase: "Not all, who wander; 42 lost"`, `password: "Onyx: Sparrow#66"`: blanks and marks in quotes. Where the name asks
/// for a phrase, words and a number will do.
fn phrase(search: &Search<'_>, context: &Context, value: Span) -> Option<Confidence> {
    let class = context.class;
    let settings = matches!(search.hints.notation, Notation::Yaml | Notation::Lines | Notation::Quoted);
    let named = || String::from_utf8_lossy(search.bytes(context.name)).to_lowercase().contains("phrase");
    let quoted = || matches!(search.text.get(value.end), Some(b'"' | b'\''));
    if class != NameClass::Password || !settings || !search.bytes(value).contains(&b' ') || !quoted() {
        return None;
    }
    let bytes = search.bytes(value);
    match () {
        () if passphrase::is_few_words_with_marks(bytes) => Some(Confidence::High),
        () if named() && passphrase::is_phrase_with_marks(bytes) => Some(Confidence::Medium),
        () if is_below_account(search, context) && passphrase::is_few_words(bytes) => Some(Confidence::Medium),
        () => None,
    }
}

/// `email: olaf@shop.test`, `username: olaf` a line or two above or below: the password of an account, and no text about one.
fn is_below_account(search: &Search<'_>, context: &Context) -> bool {
    let part = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"@._+-".contains(byte);
    let names = |line: Span| {
        let line = search.bytes(line).trim_ascii();
        let line = line.strip_prefix(b"- ").unwrap_or(line);
        let Some(colon) = memchr::memchr(b':', line) else { return false };
        let quotes = |text: &[u8]| String::from_utf8_lossy(text.trim_ascii()).trim_matches(['"', '\'', ',']).to_owned();
        let (key, user) = (quotes(&line[..colon]), quotes(&line[colon + 1..]));
        USERS.has(&key.to_lowercase()) && key != "name" && user != key && !user.is_empty() && user.bytes().all(|byte| part(&byte))
    };
    search.lines_beside(context.line).into_iter().flatten().any(names)
}

/// `https://shop.test/order?token=`: a page's own parameter, often of a link that anybody may follow.
fn is_of_link(search: &Search<'_>, context: &Context) -> bool {
    let before = &search.text[context.line.start..context.name.start];
    let address = before.rsplit(|byte| byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'' | b'`' | b'(' | b'<')).next();
    let http = |address: &[u8]| [&b"?"[..], b"&", b"&amp;", b"&#x26;"].iter().any(|mark| address.ends_with(mark));
    search.bytes(context.name) == b"token" && address.is_some_and(|part| http(part) && part.starts_with(b"http"))
}
