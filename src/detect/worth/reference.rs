//! Values that a program resolves or decrypts: variables, templates, calls, places in secret
//! stores, ciphertexts. What people write in place of a secret is in `placeholder`.

use super::words::words;
use crate::rule::lexicon::{CIPHERTEXT_STARTS, PASSWORDS, REFERENCE_STARTS, VALUE_NAMES};

/// Something that a program resolves to the value: variables, templates, calls, store references.
pub(in crate::detect) fn is_reference(value: &[u8]) -> bool {
    let has = |needle: &[u8]| memchr::memmem::find(value, needle).is_some();
    let starts = |prefix: &[u8]| value.starts_with(prefix);
    if has(b"${")
        || has(b"$(")
        || has(b"{{")
        || has(b"}}")
        || has(b"<%")
        || has(b"#{")
        || has(b"%(")
        || has(b"$[[")
        || has(b"{%")
        || has(b"%{")
        || has(b"%s")
        || has(b"%v")
        || memchr::memmem::rfind(value, b"%d").is_some_and(|at| !value.get(at + 2).is_some_and(u8::is_ascii_alphanumeric))
        || holds_numbered_verb(value)
    {
        return true;
    }
    let names_variable = |at: usize| value[at + 1..].iter().take_while(|byte| byte.is_ascii_uppercase() || **byte == b'_').count() >= 3;
    if memchr::memchr_iter(b'$', value).any(names_variable) {
        return true;
    }
    if let [b'$', first, ..] = value {
        // `$NAME`, `$env:NAME`, `$1`; a password may start with a dollar sign but then goes on unlike a name.
        let name = value[1..].iter().all(|byte| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':' | b'.' | b'>' | b'-' | b'[' | b']' | b'\'' | b'"' | b'/')
        });
        // `$keys:project/place`
        let name = name && (!has(b"/") || memchr::memchr(b':', value) < memchr::memchr(b'/', value) && has(b":"));
        // `$credential.GetNetworkCredential().Password`
        let member = first.is_ascii_alphabetic() && has(b".") && (has(b"()") || has(b"->"));
        if member || name && (first.is_ascii_alphabetic() || *first == b'_' || value.len() <= 3) {
            return true;
        }
    }
    // `$env:ROOT\file`, and nothing but a path behind it.
    if starts(b"$env:") && has(b"\\") {
        return true;
    }
    let lower = value[..value.len().min(32)].to_ascii_lowercase();
    REFERENCE_STARTS.iter().any(|store| lower.starts_with(store.as_bytes()) && value.len() > store.len())
        || is_variable_of_windows(value)
        || starts(b"@{") && value.ends_with(b"}")
        || is_variable_of_psql(value)
        || is_parameter_of_sql(value)
}

/// `${NAME}`, `$(name …)`, `{{ name }}`, `<% name %>`, `#{name}`, `%{name}`: with both ends, and
/// between them a name of at least three letters.
pub(super) fn holds_reference(value: &[u8]) -> bool {
    const PAIRS: [(&[u8], &[u8]); 7] =
        [(b"${", b"}"), (b"$(", b")"), (b"{{", b"}}"), (b"<%", b"%>"), (b"#{", b"}"), (b"%{", b"}"), (b"%(", b")")];
    let named = |inner: &[u8]| {
        let name = inner.trim_ascii().trim_ascii_start();
        let letters = name.iter().filter(|byte| byte.is_ascii_alphabetic()).count();
        // `${NAME:?message}`
        letters >= 3 && (is_demanded(name) || name.iter().all(|byte| byte.is_ascii_alphanumeric() || b"._-:[]'\"/ ".contains(byte)))
    };
    // `${NAME:?message of several words}`, as far as the first blank.
    let demanded = value.strip_prefix(b"${").is_some_and(|name| !name.starts_with(b":") && !name.starts_with(b"?") && is_demanded(name));
    // `${bindPwdFile1`, of a list that was cut at its commas.
    let cut = value.strip_prefix(b"${").is_some_and(|name| name.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_'));
    demanded
        || cut
        || PAIRS.iter().any(|(open, close)| {
            let inner = |start: usize| memchr::memmem::find(&value[start..], close).map(|length| &value[start..start + length]);
            memchr::memmem::find_iter(value, open).filter_map(|at| inner(at + open.len())).any(named)
        })
}

/// `NAME:?message`, `NAME?message`: a variable that must be set.
fn is_demanded(name: &[u8]) -> bool {
    let end = name.iter().position(|byte| !(byte.is_ascii_alphanumeric() || *byte == b'_'));
    end.is_some_and(|end| name[end..].starts_with(b":?") || name[end..].starts_with(b"?"))
}

/// `$SSL_KEY_B64`, `$NM_sha256`: words of one case each, joined as the names of variables are.
pub(super) fn is_joined_variable(value: &[u8]) -> bool {
    let Some(name) = value.strip_prefix(b"$") else { return false };
    let capitals = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
    let small = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let part = |part: &[u8]| part.iter().all(capitals) || part.len() >= 3 && part.iter().all(small);
    name.contains(&b'_') && name.first().is_some_and(u8::is_ascii_alphabetic) && name.split(|byte| *byte == b'_').all(part)
}

/// `%[3]s` of Go's formats.
pub(super) fn holds_numbered_verb(value: &[u8]) -> bool {
    memchr::memmem::find(value, b"%[").is_some_and(|at| value.get(at + 2).is_some_and(u8::is_ascii_digit))
}

/// `%NAME%`, `%db_password%`; `%Kb27fox%` mixes what names do not mix.
fn is_variable_of_windows(value: &[u8]) -> bool {
    let [b'%', name @ .., b'%'] = value else { return false };
    let has = |sort: fn(&u8) -> bool| name.iter().any(sort);
    let mixed = has(u8::is_ascii_digit) && has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase);
    !name.is_empty() && !mixed
}

/// `:'name'` and `:"name"`.
fn is_variable_of_psql(value: &[u8]) -> bool {
    let quoted = |quote: &[u8]| value.strip_prefix(b":").and_then(|rest| rest.strip_prefix(quote)?.strip_suffix(quote));
    let name = quoted(b"'").or_else(|| quoted(b"\""));
    name.is_some_and(|name| !name.is_empty() && name.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_'))
}

/// `@password`, `:new_password`: a parameter of a statement, called as what it is for.
fn is_parameter_of_sql(value: &[u8]) -> bool {
    let [b'@' | b':', name @ ..] = value else { return false };
    let Ok(name) = std::str::from_utf8(name) else { return false };
    let word = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_';
    name.bytes().all(word) && words(name).last().is_some_and(|word| PASSWORDS.has(word) || VALUE_NAMES.has(word))
}

/// Already encrypted: SOPS, ansible-vault, Jasypt, Spring Cloud Config, eyaml, git-crypt, age, PGP.
pub(super) fn is_encrypted(value: &[u8]) -> bool {
    // `'ENC[AES256_GCM,data:`, whose quotes close on another line.
    let value = value.strip_prefix(b"'").or(value.strip_prefix(b"\"")).unwrap_or(value);
    CIPHERTEXT_STARTS.begins(value) || is_sealed(value) || is_of_maven(value)
}

/// `{COQLCE6DU6GtcS5P=}`: base64 in braces, as Maven encrypts passwords.
fn is_of_maven(value: &[u8]) -> bool {
    let inner = value.strip_prefix(b"{").and_then(|rest| rest.strip_suffix(b"}"));
    inner.is_some_and(|inner| inner.ends_with(b"=") && inner.iter().all(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(byte)))
}

/// A value sealed by sealed-secrets: a two-byte length of an RSA block (0x0200 for 4096 bits),
/// then the block, in base64 (<https://github.com/bitnami-labs/sealed-secrets>).
fn is_sealed(value: &[u8]) -> bool {
    value.len() >= 100
        && value.starts_with(b"Ag")
        && value.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'='))
}
