//! Values assigned to names that mean a secret, in whatever notation: a separator, a value. The joint is in `separator`, where the
//! value begins is in `value`, literals that a name is compared with are in `compared`.

mod called;
pub(super) mod compared;
mod separator;
mod value;

use super::name::{Context, NAME_REACH, NameClass, is_variable};
use super::report::report;
use super::signing;
use crate::detect::Reason;
use crate::detect::search::Search;
use crate::detect::syntax::hints::Notation;
use crate::detect::syntax::named::Value;
use crate::detect::syntax::quote::is_hashed;
use crate::detect::worth::words::words;
use crate::detect::worth::{judge, passphrase};
use crate::rule::Confidence;
use crate::rule::lexicon::{ACCOUNTS, BEFORE_PASSWORD, CONNECTION_FIELDS, SERVICE_WORDS, STAND_IN_USERS};
use crate::text::Span;

/// Reports what is assigned to a name; returns whether anything is.
pub(super) fn read(search: &mut Search<'_>, context: &Context) -> bool {
    let class = context.class;
    let Some(values) = value::after(search, context) else { return false };
    if values.iter().any(|value| is_entry_point(search, context, value.span)) {
        return true;
    }
    // `password: password` is a value only where nothing but values can stand.
    let settings = class == NameClass::Password && (search.hints.notation.is_settings() || is_field_of_example(search, context));
    // ``Default password = `password` ``
    let is_default = search.text[context.line.start..context.name.start].to_ascii_lowercase().ends_with(b"default ");
    let settings = settings || class == NameClass::Password && is_default;
    let repeats = |value: &Value| {
        let (bytes, name) = (search.bytes(value.span), search.bytes(context.name));
        // `"PGPASSWORD": "password"`, `AuthReqPassword: "password"`: to a program what one is called elsewhere.
        let ends = search.hints.notation == Notation::Source
            && class == NameClass::Password
            && name.len() > bytes.len()
            && name.is_ascii()
            && !is_variable(name)
            && name[name.len() - bytes.len()..].eq_ignore_ascii_case(bytes)
            && bytes.first().is_some_and(u8::is_ascii_lowercase)
            && search.text[context.name.end..value.span.start].contains(&b':');
        // `:password => "passwd"`: what another program calls the field.
        let other = search.hints.notation == Notation::Source && class == NameClass::Password && bytes == b"passwd";
        // `PASS_WORD = "password"`
        let letters = || name.iter().filter(|byte| **byte != b'_').copied().collect::<Vec<u8>>();
        let same = ends
            || other
            || bytes.eq_ignore_ascii_case(name)
            || bytes.eq_ignore_ascii_case(&letters())
            || is_of_fields(search, context, value.span)
            || names_field(search, context, value.span);
        let meant = || {
            settings
                || is_hashed(search.text, value.span)
                || is_beside_user(search, context, value.span)
                || class == NameClass::Token && signing::is_of_client(search, value.span)
        };
        same && !meant()
    };
    // `$password = "password";` may be meant.
    let literal = |value: &Value| search.hints.notation == Notation::Source && search.text.get(value.span.end) == Some(&b'"');
    let values = values.into_iter().filter_map(|value| match repeats(&value) {
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

/// `RUNNER_PASSWORD = "password"`: a constant of a program with the last word of its own name, unless the words before say whose
/// password it is: `DB_PASSWORD`, `DEFAULT_PASSWORD`.
fn names_field(search: &Search<'_>, context: &Context, value: Span) -> bool {
    let assigned = search.text[context.name.end..value.start].contains(&b'=');
    let (name, value) = (search.bytes(context.name), search.bytes(value));
    search.hints.notation == Notation::Source
        && context.class == NameClass::Password
        && assigned
        && ends_constant(name, value)
        && value.iter().all(u8::is_ascii_lowercase)
        && {
            let whose = words(&String::from_utf8_lossy(&name[..name.len() - value.len()]));
            let owner = |word: &String| [&ACCOUNTS, &SERVICE_WORDS, &BEFORE_PASSWORD].iter().any(|list| list.has(word));
            !whose.iter().any(owner)
        }
}

/// `RUNNER_HOST = "host"` above or below `RUNNER_PASSWORD = "password"`: what fields are called.
fn is_of_fields(search: &Search<'_>, context: &Context, value: Span) -> bool {
    let source = search.hints.notation == Notation::Source && is_variable(search.bytes(context.name));
    source && field_named_in(search.bytes(context.line)).is_some() && {
        let near = [search.line_before(context.line), search.line_after(context.line)];
        let other = |line: &Span| field_named_in(search.bytes(*line)).is_some_and(|field| field != search.bytes(value));
        near.iter().flatten().any(other)
    }
}

/// `host` of `RUNNER_HOST = "host"`: a literal that ends the name of its constant.
fn field_named_in(line: &[u8]) -> Option<&[u8]> {
    let (name, rest) = line.split_at(line.iter().position(|byte| *byte == b'=')?);
    let name = name.trim_ascii_end().rsplit(|byte| !byte.is_ascii_alphanumeric() && *byte != b'_').next().unwrap_or_default();
    let literal = rest[1..].trim_ascii();
    let literal = literal.strip_suffix(b";").or(literal.strip_suffix(b",")).unwrap_or(literal);
    let [open @ (b'"' | b'\''), field @ .., close] = literal else { return None };
    (open == close && ends_constant(name, field)).then_some(field)
}

/// Whether a literal is what the name of a constant ends with.
fn ends_constant(name: &[u8], literal: &[u8]) -> bool {
    let (length, ends) = (name.len(), literal.len());
    ends > 2 && length > ends && name[length - ends - 1] == b'_' && name[length - ends..].eq_ignore_ascii_case(literal) && is_variable(name)
}

/// `username: 'shop',` a line or two above or below `password: 'password',`: a login, and no list of what fields are called.
fn is_beside_user(search: &Search<'_>, context: &Context, value: Span) -> bool {
    let quote = |byte: Option<&u8>| matches!(byte, Some(b'"' | b'\''));
    let quoted = quote(search.text[..value.start].last()) && quote(search.text.get(value.end));
    if context.class != NameClass::Password || !quoted || search.hints.notation == Notation::Lines {
        return false;
    }
    let above = search.line_before(context.line);
    let below = search.line_after(context.line);
    let further = [above.and_then(|line| search.line_before(line)), below.and_then(|line| search.line_after(line))];
    [above, below].into_iter().chain(further).flatten().any(|line| is_field_of_login(search.bytes(line)))
}

/// `username: 'shop',`, `"port": 5432,`: what a connection is given besides a password.
fn is_field_of_login(line: &[u8]) -> bool {
    let line = line.trim_ascii();
    let Some(at) = line.iter().position(|byte| matches!(byte, b':' | b'=')) else { return false };
    let trim = |text: &[u8]| String::from_utf8_lossy(text.trim_ascii()).trim_matches(['"', '\'', ',', '>', ' ']).to_lowercase();
    let (name, value) = (trim(&line[..at]), trim(&line[at + 1..]));
    let literal = line[at + 1..].iter().any(|byte| matches!(byte, b'"' | b'\'')) || value.bytes().all(|byte| byte.is_ascii_digit());
    let known = CONNECTION_FIELDS.has(&name) || name == "port";
    known && literal && !value.is_empty() && value != name && !STAND_IN_USERS.has(&value)
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

/// `    password: "password"` and ``- Password: `password` `` in a document: a line that has a name and its quoted value alone.
fn is_field_of_example(search: &Search<'_>, context: &Context) -> bool {
    let line = search.bytes(context.line).trim_ascii();
    // ``- **Password:** `password` ``
    let before = search.text[context.line.start..context.name.start].trim_ascii();
    let before = before.strip_suffix(b"**").map_or(before, <[u8]>::trim_ascii_end);
    let rest = search.text[context.name.end..context.line.end].trim_ascii();
    let rest = rest.strip_prefix(b"**").unwrap_or(rest);
    let value = rest.strip_prefix(b":").map(|value| value.strip_prefix(b"**").unwrap_or(value).trim_ascii_start()).unwrap_or_default();
    let quoted = matches!(value, [open @ (b'"' | b'\'' | b'`'), inner @ .., close] if open == close && !inner.contains(open));
    // `- PASSWORD=password`
    let capitals = !search.bytes(context.name).iter().any(u8::is_ascii_lowercase);
    let variable = capitals && rest.strip_prefix(b"=").is_some_and(|value| value.iter().all(u8::is_ascii_alphanumeric));
    let example = matches!(search.hints.notation, Notation::Prose | Notation::Unknown);
    example && line.len() < 2 * NAME_REACH && matches!(before, b"" | b"-" | b"*") && (quoted || variable)
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
        () => None,
    }
}

/// `https://shop.test/order?token=`: a page's own parameter, often of a link that anybody may follow.
fn is_of_link(search: &Search<'_>, context: &Context) -> bool {
    let before = &search.text[context.line.start..context.name.start];
    let address = before.rsplit(|byte| byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'' | b'`' | b'(' | b'<')).next();
    let http = |address: &[u8]| [&b"?"[..], b"&", b"&amp;", b"&#x26;"].iter().any(|mark| address.ends_with(mark));
    search.bytes(context.name) == b"token" && address.is_some_and(|part| http(part) && part.starts_with(b"http"))
}
