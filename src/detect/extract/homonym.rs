//! Names that read like a secret's and mean something else where they stand: a part of a type, a path or an address, a field of
//! something else.

use crate::detect::search::Search;
use crate::detect::syntax::named::NAME_REACH;
use crate::rule::lexicon::SYSTEM_FOLDERS;
use crate::text::Span;

/// How long a reference may be before its last name, in bytes.
const REFERENCE_REACH: usize = 256;

/// Whether a name is a part of a type, a file, a host, a reference or the working folder.
pub(super) fn is_part_of_other(search: &Search<'_>, name: Span) -> bool {
    let text = search.text;
    is_type(text, name) || is_file(text, name) || is_working_folder(text, name) || is_host(text, name) || is_reference(search, name.start)
}

/// Whether the lines around a name say that it is a field of something else.
pub(super) fn is_field_of_other(search: &Search<'_>, name: Span) -> bool {
    match search.bytes(name) {
        b"pass" => is_action(search, name) || is_route(search, name),
        b"PW" => is_country(search, name),
        b"token" => is_signed(search, name) || is_of_beacon(search, name),
        _ => false,
    }
}

/// `action:` and, below it, `pass: tea`: where a request is passed on to.
fn is_action(search: &Search<'_>, name: Span) -> bool {
    let own = search.line_around(name.start);
    let above = search.line_before(own);
    let inline = memchr::memmem::find(&search.text[own.start..name.start], b"\"action\":").is_some();
    inline
        || above.is_some_and(|above| {
            matches!(search.bytes(above).trim_ascii(), b"action:" | b"- action:" | b"defaultAction:" | b"\"action\": {")
        })
}

/// `"pass": "applications/shop"`: where NGINX Unit passes requests on to.
fn is_route(search: &Search<'_>, name: Span) -> bool {
    let rest = search.text[name.end..search.line_around(name.start).end].trim_ascii_start();
    let value = rest.strip_prefix(b"\":").unwrap_or(rest).trim_ascii_start();
    [&b"\"applications/"[..], b"\"routes/", b"\"upstreams/"].iter().any(|target| value.starts_with(target))
}

/// `'PT' => 'Portugal'` beside `'PW' => 'Palau'`.
fn is_country(search: &Search<'_>, name: Span) -> bool {
    search
        .lines_beside(search.line_around(name.start))
        .into_iter()
        .flatten()
        .any(|line| matches!(search.bytes(line).trim_ascii(), [b'"' | b'\'', b'A'..=b'Z', b'A'..=b'Z', b'"' | b'\'', ..]))
}

/// `"token": "…"` between `"timestamp"` and `"signature"`: what a webhook's sender signed.
fn is_signed(search: &Search<'_>, name: Span) -> bool {
    let fields =
        search.lines_beside(search.line_around(name.start)).map(|line| line.map_or(&b""[..], |line| search.bytes(line).trim_ascii_start()));
    [&b"\"timestamp\""[..], b"\"signature\""].iter().all(|key| fields.iter().any(|field| field.starts_with(key)))
}

/// `data-cf-beacon='{"token": "…"}'`: which site a page counts its readers for.
fn is_of_beacon(search: &Search<'_>, name: Span) -> bool {
    let before = &search.text[search.line_around(name.start).start..name.start];
    before.ends_with(b"{\"") && memchr::memmem::find(before, b"data-cf-beacon=").is_some()
}

/// `"encompass.com": `: a host among the keys of a list.
fn is_host(text: &[u8], name: Span) -> bool {
    const TOPS: [&[u8]; 8] = [b".com", b".net", b".org", b".de", b".io", b".eu", b".fr", b".co"];
    let quoted = name.start.checked_sub(1).is_some_and(|at| text[at] == b'"') && text.get(name.end) == Some(&b'"');
    quoted && TOPS.iter().any(|top| text[name.range()].ends_with(top))
}

/// `$PWD`
fn is_working_folder(text: &[u8], name: Span) -> bool {
    text[name.range()] == *b"PWD" && text[..name.start].ends_with(b"$")
}

/// Whether a name is the end of a reference, of an address, of a system file's path or of the address of a badge:
/// `ref+sops://prod.yaml#/db/password`, `/etc/passwd`, `badge.svg?token`.
fn is_reference(search: &Search<'_>, start: usize) -> bool {
    let before = Span::new(start.saturating_sub(REFERENCE_REACH), start);
    search.look(before);
    let bytes = search.bytes(before);
    let mut parts = bytes.rsplit(|byte| byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'' | b'`' | b'(' | b'<'));
    parts.next().is_some_and(|part| {
        let file = SYSTEM_FOLDERS.begins(part) && part.ends_with(b"/");
        let badge = part.ends_with(b".svg?");
        // `[go-password](https://github.com/owner/go-password) | v0.3.1`
        let address = part.ends_with(b"/") && memchr::memmem::find(part, b"://").is_some();
        file || badge || address || memchr::memmem::find(part, b"ref+").is_some()
    })
}

/// `AWS::SecretsManager::Secret`: the last part of a type's name; `shop::db::Password` is a variable's, and
/// `Shop::Application.config.secret` a field's.
fn is_type(text: &[u8], name: Span) -> bool {
    if text[name.range()].contains(&b'.') {
        return false;
    }
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
