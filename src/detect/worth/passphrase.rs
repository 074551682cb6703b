//! Passwords made of words: as dice choose them, or a team, a role and a generated word.

use super::lexicon::{ABOUT, NO_VALUES, PASSWORDS, TECHNICAL, VALUE_NAMES};
use super::randomness;

/// `tarantula-subtitle-seducing-ceramics`: at least four different words that have nothing to do
/// with secrets or machines, as dice choose them.
pub(super) fn is_passphrase(value: &[u8]) -> bool {
    const SHORTEST: usize = 4;
    let words: Vec<&[u8]> = value.split(|byte| matches!(byte, b'-' | b'_' | b'.')).collect();
    let plain = |word: &&[u8]| {
        let letters = word.iter().take_while(|byte| byte.is_ascii_lowercase()).count();
        let text = String::from_utf8_lossy(&word[..letters]);
        let named = VALUE_NAMES.has(&text) || TECHNICAL.has(&text) || PASSWORDS.has(&text) || IN_NAMES.contains(&text.as_ref());
        (SHORTEST..=12).contains(&letters) && word.len() - letters <= 2 && !named && randomness::reads_as_words(&word[..letters])
    };
    let mut sorted = words.clone();
    sorted.sort_unstable();
    sorted.dedup();
    sorted.len() == words.len() && (4..=10).contains(&words.len()) && words.iter().all(plain)
}

/// `velvet hammock 9 rivers`: words in lower case that make no sentence, at least four with their numbers.
pub(super) fn is_spaced_passphrase(value: &[u8]) -> bool {
    if !value.contains(&b' ') || value.len() < 16 {
        return false;
    }
    let words: Vec<&[u8]> = value.split(|&byte| byte == b' ').collect();
    let number = |word: &&&[u8]| (1..=4).contains(&word.len()) && word.iter().all(u8::is_ascii_digit);
    let plain = |word: &&&[u8]| {
        let text = String::from_utf8_lossy(word);
        let spoken = NO_VALUES.has(&text) || ABOUT.has(&text) || PASSWORDS.has(&text) || VALUE_NAMES.has(&text);
        (3..=12).contains(&word.len()) && word.iter().all(u8::is_ascii_lowercase) && !spoken && !IN_SENTENCES.contains(&text.as_ref())
    };
    let mut sorted = words.clone();
    sorted.sort_unstable();
    sorted.dedup();
    (4..=10).contains(&words.len())
        && sorted.len() == words.len()
        && words.iter().all(|word| number(&word) || plain(&word))
        && words.iter().filter(plain).count() >= 3
}

/// Words of sentences about passwords, which passwords of words are not made of.
const IN_SENTENCES: [&str; 24] = [
    "must",
    "should",
    "can",
    "cannot",
    "will",
    "has",
    "have",
    "been",
    "be",
    "do",
    "does",
    "did",
    "if",
    "when",
    "then",
    "than",
    "but",
    "also",
    "please",
    "least",
    "characters",
    "were",
    "which",
    "using",
];

/// `Not all, who wander; 42 lost`: words and a number, with marks between them, in which nothing is said about passwords.
pub(in crate::detect) fn is_phrase_with_marks(value: &[u8]) -> bool {
    let words: Vec<&[u8]> = value.split(|&byte| byte == b' ').collect();
    let number = |word: &&[u8]| word.iter().any(u8::is_ascii_digit);
    (4..=12).contains(&words.len()) && (16..=100).contains(&value.len()) && is_phrase_of(&words) && words.iter().any(number)
}

/// Whether words, with their marks, can be those of a password.
fn is_phrase_of(words: &[&[u8]]) -> bool {
    let typed = |byte: &u8| byte.is_ascii_alphanumeric() || b",.;:!?'-_#&+@$*".contains(byte);
    let plain = |word: &[u8]| {
        let text = String::from_utf8_lossy(word).to_lowercase();
        let text = text.trim_matches(|c: char| c.is_ascii_punctuation());
        !ABOUT.has(text) && !PASSWORDS.has(text) && !VALUE_NAMES.has(text) && !IN_SENTENCES.contains(&text)
    };
    words.iter().all(|word| !word.is_empty() && word.iter().all(typed) && plain(word))
}

/// `Onyx: Sparrow#66`: up to four words, one of them with letters, digits and a mark, in which nothing is said about passwords.
pub(in crate::detect) fn is_few_words_with_marks(value: &[u8]) -> bool {
    let words: Vec<&[u8]> = value.split(|&byte| byte == b' ').collect();
    let mixed = |word: &&[u8]| {
        let digits = word.iter().filter(|byte| byte.is_ascii_digit()).count();
        let letters = word.iter().filter(|byte| byte.is_ascii_alphabetic()).count();
        digits >= 2 && letters >= 3 && word.iter().any(|byte| b"#!@$&+*".contains(byte))
    };
    (2..=4).contains(&words.len()) && words.iter().any(mixed) && is_phrase_of(&words) && value.len() >= 10
}

/// Words that names of services, clusters and their parts are made of.
const IN_NAMES: [&str; 40] = [
    "admin",
    "agent",
    "analytics",
    "application",
    "backend",
    "backup",
    "base",
    "client",
    "cluster",
    "config",
    "controller",
    "dashboard",
    "data",
    "database",
    "default",
    "development",
    "external",
    "frontend",
    "gateway",
    "global",
    "grafana",
    "internal",
    "kube",
    "kubernetes",
    "local",
    "manager",
    "monitoring",
    "network",
    "operator",
    "production",
    "proxy",
    "public",
    "registry",
    "server",
    "service",
    "shared",
    "staging",
    "storage",
    "system",
    "test",
];

/// `ops_prod_xedue`: a team, an environment or role, and a few letters that are no usual name.
pub(super) fn is_role_password(value: &[u8]) -> bool {
    const ROLES: [&[u8]; 10] = [b"dev", b"stg", b"stage", b"staging", b"prod", b"production", b"root", b"admin", b"app", b"rw"];
    const NAMES: [&[u8]; 20] = [
        b"database",
        b"service",
        b"account",
        b"backup",
        b"default",
        b"master",
        b"server",
        b"shared",
        b"system",
        b"cluster",
        b"primary",
        b"replica",
        b"reader",
        b"writer",
        b"public",
        b"private",
        b"network",
        b"config",
        b"manager",
        b"client",
    ];
    let parts: Vec<&[u8]> = value.split(|byte| matches!(byte, b'-' | b'_')).collect();
    matches!(parts.as_slice(), [_, role, last] if ROLES.contains(role) && (5..=10).contains(&last.len()) && !NAMES.contains(last))
}
