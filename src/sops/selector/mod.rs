//! [`Selector`]: which leaves of a file are encrypted, decided exactly as sops decides.
//!
//! sops tests a selector against every part of a leaf's path, unanchored, and swallows a regular expression that
//! does not compile (then nothing is encrypted). Here such an expression is an error.
//! Source: sops' `shouldBeEncrypted`, measured on sops 3.11.

mod classes;
mod go;

use regex::{Regex, RegexBuilder};

use super::mac::Protection;

/// The suffix sops assumes when a file names no selector.
pub const DEFAULT_UNENCRYPTED_SUFFIX: &str = "_unencrypted";

/// Which leaves are encrypted.
#[derive(Clone, Debug, PartialEq)]
pub enum Selector {
    /// All but those below a key ending in this.
    UnencryptedSuffix(String),
    /// Only those below a key ending in this.
    EncryptedSuffix(String),
    /// All but those below a key this matches.
    UnencryptedRegex(Pattern),
    /// Only those below a key this matches.
    EncryptedRegex(Pattern),
    /// All but those below or after a comment this matches.
    UnencryptedCommentRegex(Pattern),
    /// Only those below or after a comment this matches.
    EncryptedCommentRegex(Pattern),
}

/// A regular expression with the meaning that Go gives it.
#[derive(Clone, Debug)]
pub struct Pattern {
    source: String,
    regex: Regex,
}

/// Why a regular expression is refused.
#[derive(Debug, thiserror::Error)]
pub enum PatternError {
    /// It does not compile; sops would then silently encrypt nothing.
    #[error("the regular expression `{pattern}` is not one of Go, and sops would silently leave everything plain: {reason}")]
    Invalid {
        /// The expression.
        pattern: String,
        /// What the compiler says.
        reason: String,
    },
}

/// Whether a comment that the selector looks for governs a leaf.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Marked {
    /// Such a comment stands before it, or before a map or list around it.
    Yes,
    /// There is none.
    No,
}

impl Pattern {
    /// Compiles an expression. Classes such as `\w` are ASCII, `.` and `(?i)` work on characters, as in Go.
    ///
    /// # Errors
    /// [`PatternError`] for anything that sops would not read the same way.
    pub fn new(source: &str) -> Result<Self, PatternError> {
        let invalid = |reason: String| PatternError::Invalid { pattern: source.to_owned(), reason };
        let translated = go::translate(source).map_err(|what| invalid(what.to_owned()))?;
        let regex = RegexBuilder::new(&translated)
            .size_limit(4 << 20)
            .build()
            .map_err(|error| invalid(error.to_string().lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()))?;
        Ok(Self { source: source.to_owned(), regex })
    }

    /// The expression as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.source
    }

    /// Whether the expression is found anywhere in `text`.
    #[must_use]
    pub fn is_match(&self, text: &[u8]) -> bool {
        // Bytes that are no UTF-8 are one replacement character each for Go, too.
        self.regex.is_match(&String::from_utf8_lossy(text))
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl Default for Selector {
    fn default() -> Self {
        Self::UnencryptedSuffix(DEFAULT_UNENCRYPTED_SUFFIX.to_owned())
    }
}

impl Selector {
    /// The names of the six selectors in metadata and in `.sops.yaml`.
    pub const FIELDS: [&'static str; 6] = [
        "unencrypted_suffix",
        "encrypted_suffix",
        "unencrypted_regex",
        "encrypted_regex",
        "unencrypted_comment_regex",
        "encrypted_comment_regex",
    ];

    /// Builds the selector that metadata or a creation rule names; `None` for a field that is no selector.
    ///
    /// # Errors
    /// [`PatternError`] when the value is a regular expression and not a usable one.
    pub fn from_field(field: &str, value: &str) -> Result<Option<Self>, PatternError> {
        Ok(Some(match field {
            "unencrypted_suffix" => Self::UnencryptedSuffix(value.to_owned()),
            "encrypted_suffix" => Self::EncryptedSuffix(value.to_owned()),
            "unencrypted_regex" => Self::UnencryptedRegex(Pattern::new(value)?),
            "encrypted_regex" => Self::EncryptedRegex(Pattern::new(value)?),
            "unencrypted_comment_regex" => Self::UnencryptedCommentRegex(Pattern::new(value)?),
            "encrypted_comment_regex" => Self::EncryptedCommentRegex(Pattern::new(value)?),
            _ => return Ok(None),
        }))
    }

    /// The field and value to store in metadata.
    #[must_use]
    pub fn to_field(&self) -> (&'static str, &str) {
        match self {
            Self::UnencryptedSuffix(suffix) => ("unencrypted_suffix", suffix),
            Self::EncryptedSuffix(suffix) => ("encrypted_suffix", suffix),
            Self::UnencryptedRegex(pattern) => ("unencrypted_regex", pattern.as_str()),
            Self::EncryptedRegex(pattern) => ("encrypted_regex", pattern.as_str()),
            Self::UnencryptedCommentRegex(pattern) => ("unencrypted_comment_regex", pattern.as_str()),
            Self::EncryptedCommentRegex(pattern) => ("encrypted_comment_regex", pattern.as_str()),
        }
    }

    /// Whether a comment is one that the selector looks for.
    #[must_use]
    pub fn is_marker(&self, comment: &[u8]) -> bool {
        match self {
            Self::UnencryptedCommentRegex(pattern) | Self::EncryptedCommentRegex(pattern) => pattern.is_match(comment),
            _ => false,
        }
    }

    /// Decides for one leaf or comment.
    ///
    /// `path` holds the map keys from the root; list indices do not count. `marked` says whether a marker comment
    /// stands before the leaf or before something around it; a marker to encrypt does not mark itself, so that it
    /// stays readable, while a marker to leave plain does.
    #[must_use]
    pub fn protection(&self, path: &[String], marked: Marked) -> Protection {
        let key_matches = |pattern: &Pattern| path.iter().any(|key| pattern.is_match(key.as_bytes()));
        let encrypted = match self {
            Self::UnencryptedSuffix(suffix) if suffix.is_empty() => true,
            Self::UnencryptedSuffix(suffix) => !path.iter().any(|key| key.ends_with(suffix)),
            Self::EncryptedSuffix(suffix) => path.iter().any(|key| key.ends_with(suffix)),
            Self::UnencryptedRegex(pattern) => !key_matches(pattern),
            Self::EncryptedRegex(pattern) => key_matches(pattern),
            Self::UnencryptedCommentRegex(_) => marked == Marked::No,
            Self::EncryptedCommentRegex(_) => marked == Marked::Yes,
        };
        if encrypted { Protection::Encrypted } else { Protection::Plain }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(keys: &[&str]) -> Vec<String> {
        keys.iter().map(|key| (*key).to_owned()).collect()
    }

    #[test]
    fn a_parent_covers_its_subtree() {
        let selector = Selector::EncryptedRegex(Pattern::new("^(data|stringData)$").expect("compiles"));
        let ask = |keys: &[&str]| selector.protection(&path(keys), Marked::No);
        assert_eq!(ask(&["data", "password"]), Protection::Encrypted);
        assert_eq!(ask(&["metadata", "annotations", "data"]), Protection::Encrypted);
        assert_eq!(ask(&["metadata", "name"]), Protection::Plain);
    }

    #[test]
    fn what_sops_would_swallow_is_refused() {
        let bad = [
            "(",
            ")",
            "a)",
            "^(?!x)",
            "(?<=x)a",
            "(?x)a b",
            "a{2000}",
            "(?:a{100}){100}",
            "a**",
            "a*+",
            "*a",
            "|*",
            "(*a)",
            r"\1",
            r"(a)\1",
            r"\Z",
            r"\C",
            r"\u00e9",
            r"\h",
            "[z-a]",
            r"[a-\d]",
            "[[:foo:]]",
            r"\p{greek}",
            r"\p{Grek}",
            r"\pX",
            "(?P<a>x)(?P<a>y)",
            "[a",
            r"\",
            "a{3,2}",
            "(?i",
            "(?-)",
            r"\é",
        ];
        for bad in bad {
            assert!(Pattern::new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn expressions_mean_what_they_mean_in_go() {
        let cases: [(&str, &[&str], &[&str]); 27] = [
            ("^cl.$", &["clé", "cla"], &["cl", "cléé", "cl\n"]),
            ("(?i)пароль", &["ПАРОЛЬ", "Пароль"], &["парол"]),
            ("(?i)^k$", &["k", "K", "\u{212a}"], &["x"]),
            (r"^\w+$", &["abc_1"], &["clé"]),
            (r"^\W$", &["é", "-"], &["a"]),
            (r"^\d$", &["1"], &["\u{661}"]),
            (r"^\s$", &[" ", "\t"], &["\u{a0}", "\u{b}"]),
            (r"\bl", &["él", "l"], &["al"]),
            (r"a\B", &["ab"], &["aéa", "a"]),
            ("^[^a]$", &["é", "\n"], &["a", "éé"]),
            ("^[[p]$", &["[", "p"], &["a"]),
            ("^[a&&b]$", &["a", "&", "b"], &["c"]),
            ("^[+--b]$", &["+", ",", "-", "b"], &["a"]),
            ("^[]a]$", &["]", "a"], &["b"]),
            (r"^\Qa.b\E$", &["a.b"], &["axb"]),
            (r"^\Qab\E*$", &["abb", "a"], &["abab"]),
            (r"^\pL+$", &["clé"], &["a1"]),
            (r"^\p{Cyrillic}+$", &["пароль"], &["abc"]),
            (r"^\P{Lu}$", &["a", "1"], &["A", "É"]),
            (r"^\p{^Lu}$", &["a"], &["A"]),
            ("^a{,2}$", &["a{,2}"], &["aa"]),
            ("^a{2}$", &["aa"], &["a"]),
            (r"^\x{e9}\x41\101$", &["éAA"], &["eAA"]),
            ("(?P<x>a)|(?<y>b)", &["a", "b"], &["c"]),
            ("^(?i:A)b$", &["ab", "Ab"], &["aB"]),
            ("^a #b$", &["a #b"], &["ab"]),
            (r"^[\]\-\d.]+$", &["]-1."], &["\\"]),
        ];
        for (pattern, hits, misses) in cases {
            let compiled = Pattern::new(pattern).expect(pattern);
            hits.iter().for_each(|text| assert!(compiled.is_match(text.as_bytes()), "{pattern} {text}"));
            misses.iter().for_each(|text| assert!(!compiled.is_match(text.as_bytes()), "{pattern} {text}"));
        }
    }
}
