//! The one way in which a candidate under a name becomes a match: it is judged, and recorded with
//! what speaks for it, or with why it is none.

use super::login::begins_with_account;
use super::name::NameClass;
use super::weak;
use crate::detect::search::Search;
use crate::detect::syntax::hints::Notation;
use crate::detect::syntax::named::Value;
use crate::detect::syntax::scalar;
use crate::detect::worth::judge;
use crate::detect::worth::placeholder::CUT_OR_ENCRYPTED;
use crate::detect::worth::weak::is_told;
use crate::detect::{Objection, Reason};
use crate::rule::lexicon::TECHNICAL;
use crate::rule::{Confidence, Extractor};
use crate::text::Span;

/// The scheme of Spring's passwords that are not hashed.
const NOOP: &[u8] = b"{noop}";

/// Judges a value and records it.
pub(super) fn report(search: &mut Search<'_>, class: NameClass, value: &Value, why: Reason) {
    let (class, value) = match class {
        NameClass::Password => (class, Value { span: without_account(search.bytes(value.span), value.span), ..*value }),
        // `COUCHDB_AUTH: admin:secret`: what follows a user is its password.
        NameClass::Token => {
            let span = without_user(search.text, value.span);
            let user = &search.text[value.span.start..span.start];
            let of_account = begins_with_account(user) || user.strip_suffix(b":") == Some(search.bytes(span));
            let of_account = of_account && judge::judge(search.bytes(span), class.judge()).is_none();
            (if of_account { NameClass::Password } else { class }, Value { span, ..*value })
        }
    };
    let value = Value { span: without_quotes(search.bytes(value.span), value.span), ..value };
    let whole = value.span;
    let value = Value { span: without_scheme(search.bytes(value.span), value.span), ..value };
    // `{noop}secret`: Spring compares with what follows, whatever it is.
    let compared = search.bytes(whole).starts_with(NOOP);
    if compared && is_told(search.bytes(value.span)) {
        return search.found(Extractor::WeakPassword, value.span, Confidence::Medium, vec![why, Reason::Weak]);
    }
    let class = if compared { NameClass::Password } else { class };
    if is_elided(search.text, value.span) || is_ciphertext(search.text, value.span) {
        return search.reject(search.rules.extractor(class.extractor()), value.span, Objection::Is(CUT_OR_ENCRYPTED));
    }
    let verdict = match judge::weigh(&scalar::folded(search.bytes(value.span)), class.judge()) {
        Ok(verdict) if !verdict.is_weak() => {
            // A word that is hardly random is what somebody typed, if its place says so.
            if verdict.confidence == Confidence::Low && weak::report(search, class, &value, why) {
                return;
            }
            verdict
        }
        outcome => {
            if !weak::report(search, class, &value, why) {
                let objection = outcome.err().unwrap_or(Objection::Is(&judge::WORD));
                search.reject(search.rules.extractor(class.extractor()), value.span, objection);
            }
            return;
        }
    };
    if search.hints.binary {
        in_binary(search, class, value, verdict, why);
        return;
    }
    // `storageKey: 'order-table-columns'`, ``the secret `shop-webhook-clients` ``: words that are joined are a name.
    let told = matches!(search.hints.notation, Notation::Source | Notation::Prose);
    let named = class == NameClass::Token && told && verdict.reasons == [Reason::Words];
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

/// Of `'"secret"'` and `"\"secret\""`, as settings of a build hand literals on, the secret.
fn without_quotes(bytes: &[u8], value: Span) -> Span {
    let part = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_+/=.:@!#%*".contains(byte);
    let mark = [&b"\\\""[..], b"\"", b"'"].into_iter().find(|mark| {
        bytes.strip_prefix(*mark).and_then(|rest| rest.strip_suffix(*mark)).is_some_and(|inner| !inner.is_empty() && inner.iter().all(part))
    });
    let mark = mark.map_or(0, <[u8]>::len);
    Span::new(value.start + mark, value.end - mark)
}

/// Of `pass:secret`, as OpenSSL's options have it, and of `{noop}secret`, as Spring Security and LDAP do, the secret.
fn without_scheme(bytes: &[u8], value: Span) -> Span {
    const SCHEMES: [&[u8]; 4] = [b"pass:", NOOP, b"{plain}", b"{cleartext}"];
    let scheme = SCHEMES.iter().find(|scheme| bytes.len() > scheme.len() && bytes[..scheme.len()].eq_ignore_ascii_case(scheme));
    Span::new(value.start + scheme.map_or(0, |scheme| scheme.len()), value.end)
}

/// Of `admin/secret`, `admin:secret` and `admin / secret`, as in `login and password: admin/secret`, and of `shop/shop`, the secret.
fn without_account(bytes: &[u8], value: Span) -> Span {
    // `admin:secret`, `me@corp.net:secret`
    if let Some(at) = memchr::memchr(b':', bytes)
        && !bytes[at + 1..].is_empty()
        && !bytes[at + 1..].iter().any(|byte| matches!(byte, b':' | b'/'))
        && bytes[..at].iter().all(|byte| byte.is_ascii_alphanumeric() || b"._-@".contains(byte))
        && (begins_with_account(bytes) || bytes[..at].contains(&b'@') || bytes[..at] == bytes[at + 1..])
    {
        return Span::new(value.start + at + 1, value.end);
    }
    let spaced = memchr::memmem::find(bytes, b" / ").map(|at| (&bytes[..at], &bytes[at + 3..]));
    if let Some((user, secret)) = spaced
        && begins_with_account(user)
        && !secret.is_empty()
    {
        return Span::new(value.end - secret.len(), value.end);
    }
    let mut parts = bytes.split(|byte| *byte == b'/');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(user), Some(secret), None) if !secret.is_empty() && (begins_with_account(user) || user == secret) => {
            Span::new(value.start + user.len() + 1, value.end)
        }
        _ => value,
    }
}

/// Of `admin:secret`, as in `auth = "admin:secret"`, the secret.
fn without_user(text: &[u8], value: Span) -> Span {
    let bytes = &text[value.range()];
    let user = bytes.iter().take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')).count();
    let pair = (1..=32).contains(&user)
        && bytes[0].is_ascii_lowercase()
        && !TECHNICAL.has(&String::from_utf8_lossy(&bytes[..user]))
        && !bytes.starts_with(b"hmac-")
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
