//! How the words of a sentence tie a value to a name.

use crate::rule::lexicon::{AUXILIARIES, PREPOSITIONS, VERBS};

/// How a word ties what follows it to the name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Joint {
    /// Nothing stands between.
    Direct,
    /// `is`, `was`, `=`: a bare word can follow.
    Verb,
    /// `to`, as in "was changed to".
    To,
    /// A colon or a dash after other words: a bare word can follow that ends the line.
    Label,
    /// Only what is quoted can follow.
    Quoted,
    /// Nothing can.
    None,
}

impl Joint {
    /// Whether what follows is the value and nothing about it.
    pub(super) fn points(self) -> bool {
        matches!(self, Self::Verb | Self::Direct | Self::Label)
    }

    /// Whether a word without quotes can follow; `to` loses its force with distance.
    pub(super) fn lets_bare(self, count: usize, last: bool) -> bool {
        matches!(self, Self::Direct | Self::Verb) || self == Self::To && count <= 3 || self == Self::Label && last
    }

    pub(super) fn of(word: &[u8], count: usize) -> Self {
        let lower = word.to_ascii_lowercase();
        match std::str::from_utf8(&lower).unwrap_or_default() {
            word if VERBS.has(word) || word.strip_suffix(':').is_some_and(|word| VERBS.has(word)) => return Self::Verb,
            word if PREPOSITIONS.has(word.strip_suffix(':').unwrap_or(word)) => return Self::To,
            word if AUXILIARIES.has(word) => return Self::Quoted,
            _ => {}
        }
        match lower.as_slice() {
            b"=" | b":" | b"=>" | b"->" | b"\xe2\x86\x92" | b"\xe2\x87\x92" => Self::Verb,
            b"\xef\xbc\x9a" => Self::Verb,
            b"*" | b"**" if count == 0 => Self::Quoted,
            b"-" | b"\xe2\x80\x93" | b"\xe2\x80\x94" => Self::Label,
            b"user:" | b"username:" | b"account:" | b"email:" | b"id:" | b"host:" | b"url:" | b"port:" => Self::None,
            other if other.ends_with(b":") || other.ends_with(b":**") => Self::Label,
            _ => Self::None,
        }
    }
}
