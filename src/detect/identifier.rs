//! Values that name something and are no generated secrets: members, labels, places in a store.

use super::{assign, randomness};

/// Whether a value under a name that means a machine's secret names one, or something else.
pub(super) fn is_identifier(value: &[u8]) -> bool {
    is_path(value) || is_label(value) || is_member(value) || is_constant(value) || is_of_library(value)
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
    numbered && titled && assign::words(&String::from_utf8_lossy(name)).len() >= 2
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
    let words = assign::words(&String::from_utf8_lossy(value));
    words.len() >= 3 && words.iter().all(|word| word.len() >= 2) && value.len() >= 4 * words.len()
}

/// `shop2/staging/db`: where a secret is kept.
fn is_path(value: &[u8]) -> bool {
    let name = |part: &[u8]| {
        !part.is_empty()
            && !randomness::is_random(part)
            && part.iter().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_'))
    };
    value.split(|&byte| byte == b'/').count() >= 3 && value.split(|&byte| byte == b'/').all(name)
}
