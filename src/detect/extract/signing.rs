//! Secrets that programs sign, encrypt or prove themselves with, where somebody typed one: `JWT_SECRET = 'winteriscoming'`.
//!
//! Under most names of a machine's secret only what a generator made is one. These names hold no name of something that is
//! kept elsewhere, so that words under them are the secret itself.

use super::name::{is_of_cluster, is_unqualified_key, is_variable, last_name};
use crate::detect::search::Search;
use crate::detect::syntax::hints::Notation;
use crate::detect::syntax::quote::before_quote;
use crate::detect::worth::weak;
use crate::detect::worth::words::words;
use crate::rule::lexicon::{PLAIN_SECRETS, SIGNED_SECTIONS, SIGNING_WORDS, TOKENS, VALUE_NAMES};
use crate::text::Span;

/// How far above a setting its section is looked for, in lines.
const SECTION_REACH: usize = 6;

/// `clientSecret: loginsecret`: a word before the word for a secret, for a client of a server that lets people log in.
pub(super) fn is_secret_of_client(before: &[u8], value: &[u8]) -> bool {
    let words = words(&String::from_utf8_lossy(last_name(before)));
    matches!(words.as_slice(), [.., client, secret] if client == "client" && secret == "secret") && weak::is_word_and_secret(value)
}

/// Whether the name before a value is that of such a secret and the value one that somebody typed for it.
pub(super) fn is_typed(search: &Search<'_>, before: &[u8], value: Span) -> bool {
    let name = last_name(without_call(before));
    let field = name.rsplit(|byte| *byte == b'.').next().unwrap_or_default();
    let words = words(&String::from_utf8_lossy(field));
    // `nginx.ingress.kubernetes.io/auth-secret: basic-auth`: an annotation names a secret.
    if memchr::memmem::rfind(before, name).is_some_and(|at| before[..at].ends_with(b"/")) {
        return false;
    }
    let of_session = || is_of_session(search, value);
    let signs = match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["secret"] if field == b"SECRET" || of_session() || is_of_client(search, value) => true,
        ["secret"] => section(search, value).is_some_and(|section| section.iter().any(|word| SIGNED_SECTIONS.has(word))),
        // `- secretKey: client-id` of an ExternalSecret: which key of a secret.
        ["secret", "key"] if name == b"secretKey" && !is_secret_key(before, search.bytes(value)) => false,
        [.., "secret", "key" | "base"] | [.., "secret", "key", "base"] | ["secret", "or", "key"] => true,
        [.., before, "secret"] => SIGNING_WORDS.has(before),
        ["shared", "key"] => search.hints.notation.is_settings(),
        [.., before, "key"] => matches!(*before, "jwt" | "signing" | "hmac" | "encryption") && !is_unqualified_key(name),
        ["masterkey"] | [.., "node" | "erlang", "cookie"] => true,
        [word] => word.strip_suffix("secret").or(word.strip_suffix("secretkey")).is_some_and(|stem| SIGNING_WORDS.has(stem)),
        _ => false,
    };
    let in_settings = search.hints.notation.is_settings();
    // `filter = some.auth_token:part` names no token.
    let shown = || in_settings && is_access_token(&words) && begins_line(before, name);
    let bytes = search.bytes(value);
    // Under `jwt:`, or in a file of settings that is no YAML, no object of a cluster is named.
    let settings = search.hints.notation == Notation::Lines && field != b"SECRET";
    let named = || weak::may_name_object(bytes) && field != b"secret" && !settings;
    let lower = String::from_utf8_lossy(bytes).to_lowercase();
    // `SECRET_KEY = "secretKey"` is the name of a field.
    let plain =
        || PLAIN_SECRETS.has(&lower) && (bytes == lower.as_bytes() || !words.concat().ends_with(&lower) && bytes[0].is_ascii_lowercase());
    if signs && bytes.contains(&b' ') {
        return (field.eq_ignore_ascii_case(b"secret_key") || of_session()) && weak::is_typed_phrase(bytes);
    }
    // `DRONE_RPC_SECRET=secret`
    let variable = || is_variable(field) && field.ends_with(b"_SECRET") && !is_of_cluster(field) && search.hints.notation.is_settings();
    let holds = signs || shown();
    // `app.secret_key = 'walrus'`: of Flask and Django.
    let of_app = || {
        let word = bytes.len() >= 4 && bytes.iter().all(u8::is_ascii_lowercase) && !VALUE_NAMES.has(&lower) && !TOKENS.has(&lower);
        let assigned = before_quote(before).is_some_and(|open| open.trim_ascii_end().ends_with(b"="));
        search.hints.notation == Notation::Source
            && field.eq_ignore_ascii_case(b"secret_key")
            && assigned
            && word
            && weak::is_literal(bytes)
    };
    // `ACCESS_TOKEN_SECRET = "12345"`
    let counted = || signs && bytes.len() >= 5 && b"1234567890".starts_with(bytes);
    of_app() || counted() || (holds || variable()) && plain() || holds && weak::is_typed_key(bytes, &words, in_settings) && !named()
}

/// `"clientId": "shop"` or `"credentials": {` and, a few lines below, `"secret": "secret"`, as exports of realms and adapters of
/// Keycloak have them.
pub(super) fn is_of_client(search: &Search<'_>, value: Span) -> bool {
    const LINES: usize = 14;
    search.hints.notation == Notation::Quoted
        && stands_above(search, value, LINES, &[b"\"clientId\"", b"\"client_id\"", b"\"credentials\""])
}

/// `session({` and, at most two lines below it, `secret: 'keyboard cat'`.
fn is_of_session(search: &Search<'_>, value: Span) -> bool {
    matches!(search.hints.notation, Notation::Source | Notation::Prose) && stands_above(search, value, 3, &[b"ession("])
}

/// Whether one of these stands on the line of a value or on one of those above it, so many lines in all.
fn stands_above(search: &Search<'_>, value: Span, lines: usize, texts: &[&[u8]]) -> bool {
    let mut line = Some(search.line_around(value.start));
    (0..lines).any(|_| {
        let Some(at) = line else { return false };
        line = search.line_before(at);
        texts.iter().any(|text| memchr::memmem::find(search.bytes(at), text).is_some())
    })
}

/// Whether a value is no name of a key, as `- secretKey: id_ed25519` has it.
fn is_secret_key(before: &[u8], value: &[u8]) -> bool {
    value.iter().any(u8::is_ascii_digit) && !before.trim_ascii_start().starts_with(b"- ")
}

/// Whether nothing stands before a name on its line but the mark of an entry.
pub(super) fn begins_line(before: &[u8], name: &[u8]) -> bool {
    let at = memchr::memmem::find(before, name).unwrap_or(0);
    matches!(before[..at].trim_ascii(), b"" | b"-" | b"export" | b"\"" | b"'")
}

/// `xxl.job.accessToken`: what one program shows another.
fn is_access_token(words: &[String]) -> bool {
    matches!(words, [.., before, last] if matches!(before.as_str(), "access" | "auth" | "admin") && last == "token")
}

/// Without what makes bytes of a literal, or a default of it: `[]byte("`, `b'`, `) or '`.
fn without_call(before: &[u8]) -> &[u8] {
    let Some(open) = before_quote(before) else { return before };
    if let Some(call) = open.strip_suffix(b") or ") {
        return call;
    }
    let open = open.strip_suffix(b"[]byte(").or(open.strip_suffix(b"b")).unwrap_or(open);
    if open.trim_ascii_end().ends_with(b"=") { open } else { before }
}

/// The words of the section that a setting of a YAML file stands in.
fn section(search: &Search<'_>, value: Span) -> Option<Vec<String>> {
    if search.hints.notation != Notation::Yaml {
        return None;
    }
    let indent = |line: &[u8]| line.iter().take_while(|byte| **byte == b' ').count();
    let mut at = search.line_around(value.start);
    let own = indent(search.bytes(at));
    for _ in 0..SECTION_REACH {
        at = search.line_before(at)?;
        let line = search.bytes(at);
        if !line.trim_ascii().is_empty() && indent(line) < own {
            let name = line.trim_ascii().strip_suffix(b":")?;
            return Some(words(&String::from_utf8_lossy(name)));
        }
    }
    None
}
