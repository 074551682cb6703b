//! Passwords made of words: as dice choose them, or a team, a role and a generated word.

use super::randomness;
use crate::rule::lexicon::{ABOUT, NO_VALUES, PASSWORDS, SENTENCE_WORDS, SERVICE_WORDS, TECHNICAL, VALUE_NAMES};

/// `tarantula-subtitle-seducing-ceramics`: at least four different words that have nothing to do
/// with secrets or machines, as dice choose them.
pub(super) fn is_passphrase(value: &[u8]) -> bool {
    const SHORTEST: usize = 4;
    let words: Vec<&[u8]> = value.split(|byte| matches!(byte, b'-' | b'_' | b'.')).collect();
    let plain = |word: &&[u8]| {
        let letters = word.iter().take_while(|byte| byte.is_ascii_lowercase()).count();
        let text = String::from_utf8_lossy(&word[..letters]);
        let named = VALUE_NAMES.has(&text) || TECHNICAL.has(&text) || PASSWORDS.has(&text) || SERVICE_WORDS.has(&text);
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
        (3..=12).contains(&word.len()) && word.iter().all(u8::is_ascii_lowercase) && !spoken && !SENTENCE_WORDS.has(&text)
    };
    let mut sorted = words.clone();
    sorted.sort_unstable();
    sorted.dedup();
    (4..=10).contains(&words.len())
        && sorted.len() == words.len()
        && words.iter().all(|word| number(&word) || plain(&word))
        && words.iter().filter(plain).count() >= 3
}

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
        !ABOUT.has(text) && !PASSWORDS.has(text) && !VALUE_NAMES.has(text) && !SENTENCE_WORDS.has(text)
    };
    words.iter().all(|word| !word.is_empty() && word.iter().all(typed) && plain(word))
}

/// `Mr. H4rbour`, `uss walrus`: a few words, in which nothing is said about passwords.
pub(in crate::detect) fn is_few_words(value: &[u8]) -> bool {
    let words: Vec<&[u8]> = value.split(|&byte| byte == b' ').collect();
    (2..=6).contains(&words.len()) && (8..=40).contains(&value.len()) && is_phrase_of(&words)
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
