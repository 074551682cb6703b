//! Values that say no more than their names: `password: "password"` tells what a field is called, unless nothing but a value can
//! stand there.

use crate::detect::extract::name::{Context, NameClass, is_variable};
use crate::detect::extract::signing;
use crate::detect::search::Search;
use crate::detect::syntax::hints::Notation;
use crate::detect::syntax::named::NAME_REACH;
use crate::detect::syntax::quote::is_hashed;
use crate::detect::worth::words::words;
use crate::rule::lexicon::{ACCOUNTS, BEFORE_PASSWORD, CONNECTION_FIELDS, SERVICE_WORDS, STAND_IN_USERS};
use crate::text::Span;

/// Whether a value only repeats its name.
pub(super) fn repeats_name(search: &Search<'_>, context: &Context, value: Span) -> bool {
    is_in_name(search, context, value) && !is_meant(search, context, value)
}

/// Whether a name, or its end, is the value, or programs call the field so.
fn is_in_name(search: &Search<'_>, context: &Context, value: Span) -> bool {
    let (bytes, name) = (search.bytes(value), search.bytes(context.name));
    // `PASS_WORD = "password"`
    let letters = name.iter().filter(|byte| **byte != b'_').map(u8::to_ascii_lowercase);
    bytes.eq_ignore_ascii_case(name)
        || letters.eq(bytes.iter().map(u8::to_ascii_lowercase))
        || search.hints.notation == Notation::Source && is_end_of_name(search, context, value)
        || is_of_receiver(search, context, value)
}

/// `this.password = password;`, in a program that a document shows.
fn is_of_receiver(search: &Search<'_>, context: &Context, value: Span) -> bool {
    let name = search.bytes(context.name);
    let ends = name.strip_suffix(search.bytes(value)).is_some_and(|before| before.ends_with(b"."));
    ends && search.text.get(value.end) == Some(&b';') && search.text[..value.start].ends_with(b" ")
}

/// In a program, what one calls the field elsewhere.
fn is_end_of_name(search: &Search<'_>, context: &Context, value: Span) -> bool {
    let (bytes, name) = (search.bytes(value), search.bytes(context.name));
    let password = context.class == NameClass::Password;
    let field = || search.text[context.name.end..value.start].contains(&b':');
    // `"PGPASSWORD": "password"`, `AuthReqPassword: "password"`
    let ends = || {
        name.len() > bytes.len()
            && name.is_ascii()
            && !is_variable(name)
            && name[name.len() - bytes.len()..].eq_ignore_ascii_case(bytes)
            && bytes.first().is_some_and(u8::is_ascii_lowercase)
            && field()
    };
    // `[Brand.KeePass]: "KeePass"`
    let segment = || {
        let last = name.rsplit(|byte| *byte == b'.').next().unwrap_or_default();
        last.len() < name.len() && last.eq_ignore_ascii_case(bytes) && field()
    };
    // `:password => "passwd"`
    repeats_words(name, bytes)
        || segment()
        || password && (bytes == b"passwd" || ends() || names_field(search, context, value))
        || is_of_fields(search, context, value)
}

/// `ATTR_UNIX_PW_BIND = "unix_pw_bind"`, `[TYPE_PASS_REPLACE] = "Pass-Replace"`: a constant with several words of its own name.
fn repeats_words(name: &[u8], value: &[u8]) -> bool {
    let several = value.iter().any(|byte| matches!(byte, b'_' | b'-'));
    let plain = |byte: &u8| if *byte == b'-' { b'_' } else { byte.to_ascii_lowercase() };
    several && name.len() > value.len() && is_variable(name) && {
        let (before, end) = name.split_at(name.len() - value.len());
        before.ends_with(b"_") && end.iter().map(plain).eq(value.iter().map(plain))
    }
}

/// Whether nothing but a value can stand there.
fn is_meant(search: &Search<'_>, context: &Context, value: Span) -> bool {
    // ``Default password = `password` ``
    let is_default = || search.text[context.line.start..context.name.start].to_ascii_lowercase().ends_with(b"default ");
    let of_client = || context.class == NameClass::Token && signing::is_of_client(search, value);
    // `password: "password"` beside `password_confirmation: "password"`: a user is made.
    let confirms = |line: Span| memchr::memmem::find(search.bytes(line), b"password_confirmation").is_some();
    let confirmed = || search.lines_beside(context.line).into_iter().flatten().any(confirms);
    let set = || search.hints.notation.is_settings() || is_field_of_example(search, context) || is_default() || confirmed();
    context.class == NameClass::Password && set() || is_hashed(search.text, value) || is_beside_user(search, context, value) || of_client()
}

/// `RUNNER_PASSWORD = "password"`: a constant of a program with the last word of its own name, unless the words before say whose
/// password it is: `DB_PASSWORD`, `DEFAULT_PASSWORD`.
fn names_field(search: &Search<'_>, context: &Context, value: Span) -> bool {
    let assigned = search.text[context.name.end..value.start].contains(&b'=');
    let (name, value) = (search.bytes(context.name), search.bytes(value));
    assigned && ends_constant(name, value) && value.iter().all(u8::is_ascii_lowercase) && {
        let whose = words(&String::from_utf8_lossy(&name[..name.len() - value.len()]));
        let owner = |word: &String| [&ACCOUNTS, &SERVICE_WORDS, &BEFORE_PASSWORD].iter().any(|list| list.has(word));
        !whose.iter().any(owner)
    }
}

/// `RUNNER_HOST = "host"` above or below `RUNNER_PASSWORD = "password"`: what fields are called.
fn is_of_fields(search: &Search<'_>, context: &Context, value: Span) -> bool {
    is_variable(search.bytes(context.name)) && field_named_in(search.bytes(context.line)).is_some() && {
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
    // `create_user(:display_name => "olaf", :password => "password", …)`
    let beside = || search.bytes(context.line).split(|byte| matches!(byte, b',' | b'(' | b'{')).any(is_field_of_login);
    search.lines_beside(context.line).into_iter().flatten().any(|line| is_field_of_login(search.bytes(line))) || beside()
}

/// `username: 'shop',`, `"port": 5432,`: what a connection is given besides a password.
fn is_field_of_login(line: &[u8]) -> bool {
    let line = line.trim_ascii();
    let line = line.strip_prefix(b":").unwrap_or(line);
    let Some(at) = line.iter().position(|byte| matches!(byte, b':' | b'=')) else { return false };
    let trim = |text: &[u8]| String::from_utf8_lossy(text.trim_ascii()).trim_matches(['"', '\'', ',', '>', ' ']).to_lowercase();
    let (name, value) = (trim(&line[..at]), trim(&line[at + 1..]));
    let literal = line[at + 1..].iter().any(|byte| matches!(byte, b'"' | b'\'')) || value.bytes().all(|byte| byte.is_ascii_digit());
    let known = CONNECTION_FIELDS.has(&name) || matches!(name.as_str(), "port" | "email");
    known && literal && !value.is_empty() && value != name && !STAND_IN_USERS.has(&value)
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
