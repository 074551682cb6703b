//! Passwords in the user information of URLs: `scheme://user:password@host`.

use crate::detect::Reason;
use crate::detect::search::Search;
use crate::detect::worth::{judge, randomness, weak};
use crate::rule::lexicon::{ACCOUNTS, EXAMPLE_HOSTS, STAND_IN_USERS};
use crate::rule::{Confidence, Extractor, Judge};
use crate::text::Span;

/// The longest authority looked at, in bytes.
const REACH: usize = 512;

/// `://` was seen.
pub(super) fn read(search: &mut Search<'_>, hit: Span) {
    let text = search.text;
    if search.bytes(hit).starts_with(b"%") {
        encoded_at(search, hit);
        return;
    }
    let scheme = text[..hit.start]
        .iter()
        .rev()
        .take(24)
        .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
        .count();
    if scheme == 0 {
        return;
    }
    search.look(Span::new(hit.start.saturating_sub(25), hit.end));
    if matches!(&text[hit.start - scheme..hit.start], b"maven" | b"mvn") {
        return;
    }
    if let Some(token) = lone(search, hit.end) {
        return search.found(Extractor::ConnectionUrl, token, Confidence::Medium, vec![Reason::UrlUserinfo, Reason::Random]);
    }
    let mut start = hit.end;
    while let Some((user, password, next)) = userinfo(search, start) {
        consider(search, hit, user, password);
        match next {
            Some(next) => start = next,
            None => break,
        }
    }
}

/// `https://TOKEN@host/`: what a generator made, in place of user and password. Keys of Sentry, which are hexadecimal, are public.
fn lone(search: &Search<'_>, start: usize) -> Option<Span> {
    const SHORTEST: usize = 20;
    let part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    let length = search.text[start..].iter().take(REACH).take_while(|byte| part(byte)).count();
    search.look(Span::new(start, start + length + 1));
    let token = Span::new(start, start + length);
    let bytes = search.bytes(token);
    let hexadecimal = || bytes.iter().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(byte));
    let fits = length >= SHORTEST && search.text.get(token.end) == Some(&b'@') && !hexadecimal() && randomness::is_random(bytes);
    fits.then_some(token)
}

/// Judges the password of one user at one host.
fn consider(search: &mut Search<'_>, hit: Span, user: Span, password: Span) {
    let text = search.text;
    // `http://host:15672,node=x@y`: a port, and fields behind it.
    let digits = search.bytes(password).iter().take_while(|byte| byte.is_ascii_digit()).count();
    if (2..=5).contains(&digits) && search.bytes(password).get(digits) == Some(&b',') {
        return;
    }
    let host = host_after(text, password.end + 1);
    search.look(Span::new(hit.start, password.end + 2 + host.len()));
    let settings = search.hints.notation.is_settings();
    let sample = || settings && ACCOUNTS.has(&String::from_utf8_lossy(search.bytes(user))) && weak::is_sample(search.bytes(password));
    if (is_chosen(search.bytes(user), search.bytes(password), settings) || sample()) && !is_example(host) {
        return search.found(Extractor::WeakPassword, password, Confidence::Medium, vec![Reason::UrlUserinfo, Reason::Weak]);
    }
    let Some(verdict) = judge::judge(search.bytes(password), Judge::Password) else { return };
    let is_weak = verdict.is_weak();
    // `KEY:DOMAIN@host`
    let word = is_weak && search.bytes(password).iter().all(|byte| byte.is_ascii_uppercase() || *byte == b'_');
    let default = search.bytes(user) == search.bytes(password) || is_local(host) && is_weak || word;
    let mut reasons = vec![Reason::UrlUserinfo];
    reasons.extend(verdict.reasons);
    // In a URL even a dictionary word is a password, but the defaults of local databases are not worth a finding.
    let confidence = match verdict.confidence {
        Confidence::Low if is_weak && !default && search.bytes(password).len() >= 6 && !is_example(host) => Confidence::Medium,
        confidence => confidence,
    };
    if default {
        reasons.push(Reason::Default);
    }
    let confidence = if is_example(host) { judge::lower(confidence) } else { confidence };
    search.found(Extractor::ConnectionUrl, password, if default { Confidence::Low } else { confidence }, reasons);
}

/// A weak password of a real account: not `user:pass`, which only shows what stands where, nor `USER:WORD`.
fn is_chosen(user: &[u8], password: &[u8], settings: bool) -> bool {
    let strong = user != password && judge::judge(password, Judge::Password).is_some_and(|verdict| !verdict.is_weak());
    let word = password.iter().all(|byte| byte.is_ascii_uppercase() || *byte == b'_');
    let port = password.len() <= 5 && password.iter().all(u8::is_ascii_digit) && user.contains(&b'.');
    // `orguser:orgtoken`
    let lower = |text: &[u8]| String::from_utf8_lossy(text).to_lowercase();
    let stem = |text: &[u8]| lower(text).trim_end_matches(|c: char| c.is_ascii_digit()).to_owned();
    let shows = stem(user).ends_with("user")
        && ["token", "pass", "password", "secret", "pw", "pwd"].iter().any(|end| stem(password).ends_with(end));
    // `boatclub_user:boatclub_password`, `boatclubuser:boatclubpassword`, where a program reads it.
    let stem_of = |text: &[u8], ends: &[&str]| ends.iter().find_map(|end| lower(text).strip_suffix(end).map(str::to_owned));
    let stem_of_user = stem_of(user, &["user"]).filter(|stem| stem.len() >= 4 && !matches!(stem.as_str(), "your" | "some" | "test"));
    let run_together = || settings && stem_of_user.is_some() && stem_of_user == stem_of(password, &["password", "pass"]);
    let told = weak::is_joined_choice(password) || weak::is_sample_of_settings(password);
    let joined = settings && told || run_together();
    // `dbuser:secret@mysql`, where a program reads it.
    let read = settings && password == b"secret";
    let account = (!shows || joined || read) && user.iter().all(|byte| byte.is_ascii_alphanumeric() || b"._-@".contains(byte));
    // `redis://:gitea@host`: a server with no users.
    let named = settings || !user.is_empty();
    !strong && !word && !port && account && named && (read || !STAND_IN_USERS.is(user)) && (weak::is_literal(password) || joined)
}

/// `%3A%2F%2Fuser%3Apassword%40host`: a URL inside another one.
fn encoded_at(search: &mut Search<'_>, hit: Span) {
    let text = search.text;
    let window = &text[hit.end..(hit.end + REACH).min(text.len())];
    let length = window
        .iter()
        .position(|byte| !byte.is_ascii_graphic() || matches!(byte, b'&' | b'"' | b'\'' | b'<' | b'>' | b')'))
        .unwrap_or(window.len());
    search.look(Span::new(hit.start, hit.end + length + 1));
    let authority = window[..length].to_ascii_lowercase();
    let authority = &authority[..memchr::memmem::find(&authority, b"%2f").unwrap_or(length)];
    let Some(at) = memchr::memmem::rfind(authority, b"%40") else { return };
    let Some(colon) = memchr::memmem::find(&authority[..at], b"%3a") else { return };
    let password = Span::new(hit.end + colon + 3, hit.end + at);
    if let Some(verdict) = judge::judge(search.bytes(password), Judge::Password) {
        let reasons = std::iter::once(Reason::UrlUserinfo).chain(verdict.reasons).collect();
        search.found(Extractor::ConnectionUrl, password, verdict.confidence, reasons);
    }
}

/// User and password between `://` and the last `@` before the path, and where the next host's
/// begin: `amqp://user:password@host:5672,user:password@host:5672/`.
fn userinfo(search: &Search<'_>, start: usize) -> Option<(Span, Span, Option<usize>)> {
    let text = search.text;
    let window = &text[start..(start + REACH).min(text.len())];
    let end = window
        .iter()
        .position(|byte| byte.is_ascii_whitespace() || matches!(byte, b'/' | b'"' | b'\'' | b'`' | b'<' | b'>' | b'|' | b'\\' | 0..=31))
        .unwrap_or(window.len());
    search.look(Span::new(start, start + end + 1));
    let comma = memchr::memchr_iter(b',', &window[..end]).find(|&comma| ends_host(&window[..comma]));
    let next = comma.filter(|&comma| window[comma..end].contains(&b'@')).map(|comma| start + comma + 1);
    let at = memchr::memrchr(b'@', &window[..comma.unwrap_or(end)])?;
    let colon = memchr::memchr(b':', &window[..at])?;
    (colon + 1 < at).then(|| (Span::new(start, start + colon), Span::new(start + colon + 1, start + at), next))
}

/// Whether this ends with `@host:1234`.
fn ends_host(before: &[u8]) -> bool {
    let Some(at) = memchr::memrchr(b'@', before) else { return false };
    let port = before.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let host = &before[at + 1..before.len() - port];
    let name = host.strip_suffix(b":").filter(|_| port > 0);
    name.is_some_and(|name| !name.is_empty() && name.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-')))
}

fn host_after(text: &[u8], start: usize) -> &[u8] {
    let window = &text[start..(start + 256).min(text.len())];
    let end = window.iter().position(|byte| !byte.is_ascii_alphanumeric() && !matches!(byte, b'.' | b'-' | b'_')).unwrap_or(window.len());
    &window[..end]
}

fn is_local(host: &[u8]) -> bool {
    matches!(host, b"localhost" | b"127.0.0.1" | b"0.0.0.0" | b"host.docker.internal") || !host.contains(&b'.')
}

/// Names reserved for documentation (RFC 2606, RFC 6761).
fn is_example(host: &[u8]) -> bool {
    let host = host.to_ascii_lowercase();
    EXAMPLE_HOSTS.ends(&host) || matches!(host.as_slice(), b"host" | b"hostname" | b"server" | b"example")
}
