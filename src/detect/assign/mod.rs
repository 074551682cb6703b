//! Values assigned to names that mean a secret, in whatever notation: a name around the cue, a
//! separator, a value. What the name means is in `name`, where the value begins in
//! `value`, where one without quotes ends in `bare`.

mod bare;
mod compared;
mod name;
mod quote;
mod scalar;
mod value;

use super::{Notation, Objection, Reason, Search, kubernetes, pipe, prose, sql, table, weak};
use crate::detect::worth::lexicon::TECHNICAL;
use crate::detect::worth::{judge, passphrase};
use crate::rule::{Confidence, Cue, Extractor, Judge};
use crate::text::Span;
pub(super) use name::NameClass;
pub(super) use quote::{quoted_literals, typographic};
pub(super) use value::{Value, tag};

/// How far a name reaches to either side of its cue, in bytes.
const NAME_REACH: usize = 96;

/// How long a reference may be before its last name, in bytes.
const REFERENCE_REACH: usize = 256;

/// `：`, as Chinese and Japanese texts write it.
const FULLWIDTH_COLON: &[u8] = "：".as_bytes();

/// A cue was seen: reads the name around it and reports what is assigned to it.
pub(super) fn at(search: &mut Search<'_>, cue: Cue, hit: Span) {
    if hit.start < search.name_end {
        return;
    }
    let reach = NAME_REACH + 1;
    search.look(Span::new(hit.start.saturating_sub(reach), hit.end + reach));
    let Some(name) = name_around(search.text, hit) else { return };
    search.name_end = name.end;
    search.look(Span::new(name.start.saturating_sub(reach), name.end));
    if is_reference(search, name.start) || is_type(search.text, name) || is_file(search.text, name) {
        return;
    }
    let full = Span::new(name.start - path_before(search.text, name.start), name.end);
    if search.bytes(name) == b"passwd" && !search.hints.binary {
        pipe::at(search, name);
    }
    let Some(class) = name::class_of_bytes(search.bytes(full), cue) else { return };
    let whole = search.line_around(name.start);
    let context = Context { name, line: whole, class };
    let before = search.matches.len();
    if let Some(value) = compared::with(search, &context) {
        return report(search, class, &value, Reason::Name);
    }
    let assigned = value::after(search, &context);
    // `password: password` is a value only where nothing but values can stand.
    let settings = class == NameClass::Password
        && (matches!(search.hints.notation, Notation::Yaml | Notation::Lines) || is_field_of_example(search, &context));
    let repeats = |value: &Value| !settings && search.text[value.span.range()].eq_ignore_ascii_case(&search.text[name.range()]);
    let assigned = assigned.map(|values| values.into_iter().filter(|value| !repeats(value)).collect::<Vec<_>>());
    let linked = class == NameClass::Token && is_of_link(search, &context);
    for value in assigned.iter().flatten() {
        if let Some(confidence) = phrase(search, &context, value.span) {
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
        report(search, class, &Value { uncertain: value.uncertain || linked, ..*value }, Reason::Name);
    }
    let sure = search.matches[before..].iter().any(|found| found.confidence >= Confidence::Medium);
    if sure || search.hints.binary {
        return;
    }
    kubernetes::at(search, &context);
    table::below(search, &context);
    sql::inserted(search, &context);
    if assigned.is_none() && search.matches.len() == before {
        prose::around(search, &context);
    }
}

/// `    password: "password"` and ``- Password: `password` `` in a document: a line that has a name and its quoted value alone.
fn is_field_of_example(search: &Search<'_>, context: &Context) -> bool {
    let line = search.bytes(context.line).trim_ascii();
    let before = search.text[context.line.start..context.name.start].trim_ascii();
    let rest = search.text[context.name.end..context.line.end].trim_ascii();
    let value = rest.strip_prefix(b":").map(<[u8]>::trim_ascii_start).unwrap_or_default();
    let quoted = matches!(value, [open @ (b'"' | b'\'' | b'`'), inner @ .., close] if open == close && !inner.contains(open));
    // `- PASSWORD=password`
    let capitals = !search.bytes(context.name).iter().any(u8::is_ascii_lowercase);
    let variable = capitals && rest.strip_prefix(b"=").is_some_and(|value| value.iter().all(u8::is_ascii_alphanumeric));
    let example = matches!(search.hints.notation, Notation::Prose | Notation::Unknown);
    example && line.len() < 2 * NAME_REACH && matches!(before, b"" | b"-" | b"*") && (quoted || variable)
}

/// A name that means a secret, where it stands, and what sort it means.
pub(super) struct Context {
    pub(super) name: Span,
    pub(super) line: Span,
    pub(super) class: NameClass,
}

impl NameClass {
    pub(super) fn judge(self) -> Judge {
        match self {
            Self::Password => Judge::Password,
            Self::Token => Judge::Token,
        }
    }

    pub(super) fn extractor(self) -> Extractor {
        match self {
            Self::Password => Extractor::Password,
            Self::Token => Extractor::Token,
        }
    }
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

/// Judges a value and records it.
pub(super) fn report(search: &mut Search<'_>, class: NameClass, value: &Value, why: Reason) {
    let value = match class {
        NameClass::Password => *value,
        NameClass::Token => Value { span: without_user(search.text, value.span), ..*value },
    };
    let value = Value { span: without_scheme(search.bytes(value.span), value.span), ..value };
    let verdict = match judge::weigh(&scalar::folded(search.bytes(value.span)), class.judge()) {
        Ok(verdict) if !verdict.is_weak() => verdict,
        outcome => {
            if !weak::report(search, class, &value, why) {
                let objection = outcome.err().unwrap_or(Objection::Name);
                search.reject(search.rules.extractor(class.extractor()), value.span, objection);
            }
            return;
        }
    };
    if is_elided(search.text, value.span) || is_ciphertext(search.text, value.span) {
        return search.reject(search.rules.extractor(class.extractor()), value.span, Objection::Placeholder);
    }
    if search.hints.binary {
        in_binary(search, class, value, verdict, why);
        return;
    }
    // `storageKey: 'order-table-columns'`: to a program words that are joined are a name.
    let named = class == NameClass::Token && search.hints.notation == Notation::Source && verdict.reasons == [Reason::Words];
    let confidence = if value.uncertain || named { judge::lower(verdict.confidence) } else { verdict.confidence };
    let reasons = std::iter::once(why).chain(verdict.reasons).collect();
    search.found(class.extractor(), value.span, confidence, reasons);
}

/// Programs are full of names and texts about secrets: only a value that cannot be either counts.
fn in_binary(search: &mut Search<'_>, class: NameClass, value: Value, verdict: judge::Verdict, why: Reason) {
    let printable = search.bytes(value.span).iter().all(|byte| byte.is_ascii_graphic());
    if verdict.confidence < Confidence::High || !printable || value.uncertain {
        search.reject(search.rules.extractor(class.extractor()), value.span, Objection::Binary);
    } else {
        let reasons = std::iter::once(why).chain(verdict.reasons).chain([Reason::Binary]).collect();
        search.found(class.extractor(), value.span, Confidence::Medium, reasons);
    }
}

/// Of `pass:secret`, as OpenSSL's options have it, and of `{noop}secret`, as Spring Security and LDAP do, the secret.
fn without_scheme(bytes: &[u8], value: Span) -> Span {
    const SCHEMES: [&[u8]; 4] = [b"pass:", b"{noop}", b"{plain}", b"{cleartext}"];
    let scheme = SCHEMES.iter().find(|scheme| bytes.len() > scheme.len() && bytes[..scheme.len()].eq_ignore_ascii_case(scheme));
    Span::new(value.start + scheme.map_or(0, |scheme| scheme.len()), value.end)
}

/// Of `admin:secret`, as in `auth = "admin:secret"`, the secret.
fn without_user(text: &[u8], value: Span) -> Span {
    let bytes = &text[value.range()];
    let user = bytes.iter().take_while(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_')).count();
    let pair = (1..=32).contains(&user)
        && bytes[0].is_ascii_lowercase()
        && !TECHNICAL.has(&String::from_utf8_lossy(&bytes[..user]))
        && bytes.get(user) == Some(&b':')
        && !bytes[user..].starts_with(b"://");
    if pair { Span::new(value.start + user + 1, value.end) } else { value }
}

/// Whether a value is cut short by dots: `eyJhbGciOi...`.
fn is_elided(text: &[u8], value: Span) -> bool {
    let rest = &text[value.end..];
    rest.starts_with(b"...") || rest.starts_with("…".as_bytes())
}

/// Whether a value is a part of `ENC[AES256_GCM,data:…Pw=,iv:…,tag:…,type:str]`, whose base64 can look like a name.
fn is_ciphertext(text: &[u8], value: Span) -> bool {
    let value = &text[value.range()];
    [&b",iv:"[..], b",tag:", b",type:"].iter().any(|part| value.starts_with(part))
}

/// The name that a cue belongs to; `None` for a run of letters too long to be one.
fn name_around(text: &[u8], hit: Span) -> Option<Span> {
    let part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.') || *byte >= 0x80;
    let low = hit.start.saturating_sub(NAME_REACH);
    let high = (hit.end + NAME_REACH).min(text.len());
    // A cue such as `pw:` ends with its separator, which is not part of the name.
    let cue = &text[hit.range()];
    if is_unspaced(cue) {
        return Some(hit);
    }
    let core = hit.start + cue.iter().rposition(part).map_or(0, |at| at + 1);
    let before = text[low..hit.start].iter().rev().take_while(|byte| part(byte)).count();
    let mut end = core;
    if core == hit.end {
        end += text[core..high].iter().take_while(|byte| part(byte)).count();
    }
    if before == NAME_REACH || end == hit.end + NAME_REACH {
        return None;
    }
    if let Some(colon) = memchr::memmem::find(&text[core..end], FULLWIDTH_COLON) {
        end = core + colon;
    }
    while end > core && matches!(text[end - 1], b'.' | b'-') {
        end -= 1;
    }
    Some(Span::new(hit.start - before + escape_before(text, hit.start - before), end))
}

/// Length of the rest of an escape that only looks like a part of the name: `\u0026pageToken`.
fn escape_before(text: &[u8], start: usize) -> usize {
    let escaped = start > 0 && text[start - 1] == b'\\';
    match &text[start..] {
        [b'u', a, b, c, d, ..] if escaped && [a, b, c, d].iter().all(|digit| digit.is_ascii_hexdigit()) => 5,
        _ => 0,
    }
}

/// Whether a name is the end of a reference, of an address, of a system file's path or of the address of a badge:
/// `ref+sops://prod.yaml#/db/password`, `/etc/passwd`, `badge.svg?token`.
fn is_reference(search: &mut Search<'_>, start: usize) -> bool {
    let before = Span::new(start.saturating_sub(REFERENCE_REACH), start);
    search.look(before);
    let bytes = search.bytes(before);
    let mut parts = bytes.rsplit(|byte| byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'' | b'`' | b'(' | b'<'));
    const ROOTS: [&[u8]; 7] = [b"/etc/", b"/usr/", b"/var/", b"/opt/", b"/run/", b"/home/", b"/tmp/"];
    parts.next().is_some_and(|part| {
        let file = ROOTS.iter().any(|root| part.starts_with(root)) && part.ends_with(b"/");
        let badge = part.ends_with(b".svg?");
        // `[go-password](https://github.com/owner/go-password) | v0.3.1`
        let address = part.ends_with(b"/") && memchr::memmem::find(part, b"://").is_some();
        file || badge || address || memchr::memmem::find(part, b"ref+").is_some()
    })
}

/// `AWS::SecretsManager::Secret`: the last part of a type's name; `shop::db::Password` is a variable's.
fn is_type(text: &[u8], name: Span) -> bool {
    let Some(before) = text[..name.start].strip_suffix(b"::") else { return false };
    let capital = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_uppercase);
    let part = before.iter().rev().take(NAME_REACH).take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_').count();
    capital(text.get(name.start)) && capital(before[before.len() - part..].first())
}

/// `lib/swarm_join_token.rb`, `manifests/root_password.pp`: a path of a file, as lists of checksums have them.
fn is_file(text: &[u8], name: Span) -> bool {
    let last = text[name.range()].rsplit(|&byte| byte == b'.').next().unwrap_or_default();
    let extension = last.len() < name.len() && (1..=5).contains(&last.len()) && last.iter().all(u8::is_ascii_alphanumeric);
    extension && name.start > 0 && text[name.start - 1] == b'/'
}

/// `https://shop.test/order?token=`: a page's own parameter, often of a link that anybody may follow.
fn is_of_link(search: &Search<'_>, context: &Context) -> bool {
    let before = &search.text[context.line.start..context.name.start];
    let address = before.rsplit(|byte| byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'' | b'`' | b'(' | b'<')).next();
    let http = |address: &[u8]| address.ends_with(b"?") || address.ends_with(b"&");
    search.bytes(context.name) == b"token" && address.is_some_and(|part| http(part) && part.starts_with(b"http"))
}

/// Whether a cue is of a script that puts no spaces between words: Thai, Chinese, Japanese, Korean.
fn is_unspaced(cue: &[u8]) -> bool {
    matches!(cue, [0xe0, 0xb8..=0xbf, ..] | [0xe3..=0xed, ..])
}

/// Length of a path segment before a name: `checksum/` of `checksum/secret`.
fn path_before(text: &[u8], start: usize) -> usize {
    if start == 0 || text[start - 1] != b'/' {
        return 0;
    }
    let segment = text[start.saturating_sub(NAME_REACH)..start - 1].iter().rev();
    1 + segment.take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')).count()
}

/// Whether a place in a line lies inside a string literal: an odd number of quotes before it.
pub(super) fn inside_literal(text: &[u8], line: Span, at: usize) -> bool {
    let before = &text[line.start..at];
    [b'"', b'\'', b'`'].iter().any(|quote| {
        let mut escaped = false;
        let count = before
            .iter()
            .filter(|&&byte| {
                let counts = byte == *quote && !escaped;
                escaped = byte == b'\\' && !escaped;
                counts
            })
            .count();
        count % 2 == 1
    })
}

/// Whether a line is a comment in most languages.
pub(super) fn is_comment(line: &[u8]) -> bool {
    let line = line.trim_ascii_start();
    [&b"//"[..], b"#", b"*", b"/*", b"--", b";", b"<!--", b"%", b"REM "].iter().any(|marker| line.starts_with(marker))
}

/// The notation to read a place in: comments of programs are prose.
pub(super) fn notation_at(search: &Search<'_>, line: Span) -> Notation {
    match search.hints.notation {
        Notation::Source | Notation::Quoted if is_comment(search.bytes(line)) => Notation::Prose,
        notation => notation,
    }
}

/// What a name means, for extractors that find names themselves.
pub(super) fn class_of_name(name: &str, cue: Cue) -> Option<NameClass> {
    name::classify(name, cue)
}
