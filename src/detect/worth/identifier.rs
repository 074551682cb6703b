//! Values that name something and are no generated secrets: members, labels, places in a store.

use super::{randomness, words};

/// Whether a value under a name that means a machine's secret names one, or something else.
pub(super) fn is_identifier(value: &[u8]) -> bool {
    is_path(value)
        || is_label(value)
        || is_member(value)
        || is_constant(value)
        || is_of_library(value)
        || is_versioned(value)
        || is_fingerprint(value)
}

/// `TICKETS-1870`, `CVE-2031-12345`: a project, perhaps a year, and the number of one of its issues.
pub(super) fn is_ticket(value: &[u8]) -> bool {
    let Some(dash) = memchr::memchr(b'-', value) else { return false };
    let (project, number) = (&value[..dash], &value[dash + 1..]);
    let number = number.iter().rposition(|&byte| byte == b'-').filter(|&at| at == 4).map_or(number, |at| &number[at + 1..]);
    (2..=10).contains(&project.len())
        && project.iter().all(u8::is_ascii_uppercase)
        && (1..=6).contains(&number.len())
        && number.iter().all(u8::is_ascii_digit)
}

/// `#normal_login_password`, `.login-form`: a selector of a style sheet or a test.
pub(super) fn is_selector(value: &[u8]) -> bool {
    let Some(name) = value.strip_prefix(b"#").or(value.strip_prefix(b".")) else { return false };
    let rules = memchr::memchr(b'{', name).filter(|_| name.contains(&b'}'));
    let name = name[..rules.unwrap_or(name.len())].trim_ascii_end();
    let word = |part: &[u8]| part.len() >= 2 && part.iter().all(u8::is_ascii_alphabetic);
    let parts = || name.split(|byte| matches!(byte, b'-' | b'_'));
    parts().all(word) && (parts().count() >= 2 || rules.is_some())
}

/// `search-back:nav:v1`: words, and which version of what they name.
fn is_versioned(value: &[u8]) -> bool {
    let mut parts = value.split(|byte| matches!(byte, b'-' | b'_' | b':' | b'.' | b'/'));
    let version = |part: &[u8]| matches!(part, [b'v', rest @ ..] if (1..=3).contains(&rest.len()) && rest.iter().all(u8::is_ascii_digit));
    let word = |part: &[u8]| part.len() >= 2 && part.iter().all(u8::is_ascii_lowercase) && randomness::reads_as_words(part);
    parts.next_back().is_some_and(version) && parts.all(word) || is_titled_version(value)
}

/// `RecentItemsV3`
fn is_titled_version(value: &[u8]) -> bool {
    let digits = value.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let Some(name) = value[..value.len() - digits].strip_suffix(b"V").filter(|_| (1..=2).contains(&digits)) else { return false };
    let words = words::words(&String::from_utf8_lossy(name));
    name.iter().all(u8::is_ascii_alphabetic)
        && words.len() >= 2
        && words.iter().all(|word| word.len() >= 3)
        && randomness::reads_as_words(name)
}

/// Forty hexadecimal digits in capitals: the fingerprint of a certificate or of a key of OpenPGP.
fn is_fingerprint(value: &[u8]) -> bool {
    value.len() == 40 && randomness::is_hex(value, 40) && value.iter().any(u8::is_ascii_uppercase)
}

/// `ECC_NIST_P521`: words in capitals, and something short.
fn is_constant(value: &[u8]) -> bool {
    let capitals = |part: &[u8]| part.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    let word = |part: &&[u8]| part.len() >= 3 && part.iter().all(u8::is_ascii_uppercase);
    let parts = || value.split(|&byte| byte == b'_');
    parts().count() >= 3 && parts().all(|part| (1..=8).contains(&part.len()) && capitals(part)) && parts().filter(word).count() >= 2
}

/// `advapi32.AllocateAndInitializeSid`: a function of a library.
fn is_of_library(value: &[u8]) -> bool {
    let Some(dot) = memchr::memchr(b'.', value) else { return false };
    let (library, name) = (&value[..dot], &value[dot + 1..]);
    let letters = library.iter().take_while(|byte| byte.is_ascii_lowercase()).count();
    let numbered = letters >= 3 && library.len() - letters <= 2 && library[letters..].iter().all(u8::is_ascii_digit);
    let titled = name.first().is_some_and(u8::is_ascii_uppercase) && name.iter().all(u8::is_ascii_alphabetic);
    numbered && titled && words::words(&String::from_utf8_lossy(name)).len() >= 2
}

/// `repo_erlang26_jul_2026`, `Clientgeheim`: words and counts that are joined, or one word.
fn is_label(value: &[u8]) -> bool {
    let count = |part: &[u8]| (1..=4).contains(&part.len()) && part.iter().all(u8::is_ascii_digit);
    let word = |part: &[u8]| {
        let letters = part.iter().take_while(|byte| byte.is_ascii_lowercase()).count();
        letters >= 3 && part.len() - letters <= 2 && part[letters..].iter().all(u8::is_ascii_digit) && randomness::reads_as_words(part)
    };
    let capital = matches!(value, [b'A'..=b'Z', rest @ ..] if rest.iter().all(u8::is_ascii_lowercase));
    let parts = || value.split(|&byte| byte == b'_');
    capital || parts().count() >= 4 && parts().all(|part| count(part) || word(part)) && parts().filter(|part| word(part)).count() >= 3
}

/// `setHostnameAsFQDN`: several words of letters alone, the first of which starts small.
fn is_member(value: &[u8]) -> bool {
    if !value.first().is_some_and(u8::is_ascii_lowercase) || !value.iter().all(u8::is_ascii_alphabetic) {
        return false;
    }
    let words = words::words(&String::from_utf8_lossy(value));
    words.len() >= 3 && words.iter().all(|word| word.len() >= 2) && value.len() >= 4 * words.len()
}

/// `shop2/staging/db`: where a secret is kept.
fn is_path(value: &[u8]) -> bool {
    let name = |part: &[u8]| {
        part == b"*"
            || !part.is_empty()
                && !randomness::is_random(part)
                && part.iter().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_'))
    };
    value.split(|&byte| byte == b'/').count() >= 3 && value.split(|&byte| byte == b'/').all(name)
}
