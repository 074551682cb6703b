//! [`Selector`]: which leaves of a file are encrypted, decided exactly as sops decides.
//!
//! sops tests a selector against every part of a leaf's path, unanchored, and swallows a regular expression that
//! does not compile (then nothing is encrypted). Here such an expression is an error.
//! Source: sops' `shouldBeEncrypted`, measured on sops 3.11.

use regex::bytes::{Regex, RegexBuilder};

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

/// A compiled regular expression that Go and Rust read alike.
#[derive(Clone, Debug)]
pub struct Pattern {
    source: String,
    regex: Regex,
}

/// Why a regular expression is refused.
#[derive(Debug, thiserror::Error)]
pub enum PatternError {
    /// It does not compile; sops would then silently encrypt nothing.
    #[error("the regular expression `{pattern}` is invalid, and sops would silently leave everything plain: {reason}")]
    Invalid {
        /// The expression.
        pattern: String,
        /// What the compiler says.
        reason: String,
    },
    /// It compiles here and not in Go, or means something else there.
    #[error("the regular expression `{pattern}` uses {what}, which sops' regular expressions do not have")]
    NotGo {
        /// The expression.
        pattern: String,
        /// The construct.
        what: &'static str,
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
    /// Compiles an expression. Classes such as `\w` are ASCII, as in Go.
    ///
    /// # Errors
    /// [`PatternError`] for anything that sops would not read the same way.
    pub fn new(source: &str) -> Result<Self, PatternError> {
        if let Some(what) = not_go(source) {
            return Err(PatternError::NotGo { pattern: source.to_owned(), what });
        }
        let built = RegexBuilder::new(source).unicode(false).size_limit(4 << 20).build();
        match built {
            Ok(regex) => Ok(Self { source: source.to_owned(), regex }),
            Err(error) => {
                let reason = error.to_string().lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
                Err(PatternError::Invalid { pattern: source.to_owned(), reason })
            }
        }
    }

    /// The expression as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.source
    }

    /// Whether the expression is found anywhere in `text`.
    #[must_use]
    pub fn is_match(&self, text: &[u8]) -> bool {
        self.regex.is_match(text)
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

/// Finds constructs that the `regex` crate accepts and Go's RE2 does not.
fn not_go(source: &str) -> Option<&'static str> {
    let bytes = source.as_bytes();
    let mut in_class = false;
    let mut at = 0;
    while at < bytes.len() {
        let rest = &source.as_bytes()[at..];
        match rest {
            [b'\\', b'<' | b'>', ..] => return Some("\\< or \\>"),
            [b'\\', b'b', b'{', ..] => return Some("\\b{…}"),
            [b'\\', b'u' | b'U', ..] => return Some("\\u or \\U"),
            [b'\\', ..] => at += 1,
            [b'[', b':', ..] if in_class => {}
            [b'[', ..] if in_class => return Some("nested classes"),
            [b'&', b'&', ..] | [b'-', b'-', ..] | [b'~', b'~', ..] if in_class => {
                return Some("class set operations");
            }
            [b'[', ..] => {
                in_class = true;
                at += usize::from(rest.get(1) == Some(&b'^'));
                at += usize::from(bytes.get(at + 1) == Some(&b']'));
            }
            [b']', ..] => in_class = false,
            [b'{', count @ ..] if !in_class && above_thousand(count) => {
                return Some("a repetition above 1000");
            }
            [b'(', b'?', flags @ ..] if !in_class && unknown_flag(flags) => {
                return Some("the flags x, u or R");
            }
            _ => {}
        }
        at += 1;
    }
    None
}

fn above_thousand(count: &[u8]) -> bool {
    let inner: Vec<u8> = count.iter().copied().take_while(|b| b.is_ascii_digit() || *b == b',').collect();
    let numbers = inner.split(|b| *b == b',');
    numbers.into_iter().any(|n| n.len() > 4 || (n.len() == 4 && n > b"1000".as_slice()))
}

fn unknown_flag(flags: &[u8]) -> bool {
    let letters = flags.iter().take_while(|b| b.is_ascii_alphabetic() || **b == b'-');
    let named = flags.starts_with(b"P<") || flags.starts_with(b"<");
    !named && letters.into_iter().any(|b| b"xuR".contains(b))
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
        for bad in ["(", "^(?!x)", r"\Qa\E", "(?x)a b", "[a&&b]", r"\b{start}x", "a{2000}"] {
            assert!(Pattern::new(bad).is_err(), "{bad}");
        }
        for good in ["^(data|stringData)$", "[]a]", r"[[:alpha:]]\d+", "(?i)pass", "(?P<x>a)", "[^]&]"] {
            assert!(Pattern::new(good).is_ok(), "{good}");
        }
    }
}
