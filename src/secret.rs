//! A secret value that cannot be printed by accident.
//!
//! What is shown of a secret is decided here too: [`Secret::redacted`] is the only text about a
//! secret's content that reports may hold. Finding secrets lives in `detect`.

use std::fmt;

use zeroize::{Zeroize, Zeroizing};

/// A secret's bytes, wiped from memory on drop. It has no `Display`, no `Serialize` and a
/// `Debug` that shows nothing; [`Secret::expose`] is the one way to the bytes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Secret(Vec<u8>);

impl Secret {
    /// Takes ownership of the bytes; the caller's other copies are the caller's concern.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The bytes themselves.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// The text as UTF-8, or as Latin-1 where it is not valid UTF-8, so that nothing is lost.
    pub fn expose_text(&self) -> Zeroizing<String> {
        Zeroizing::new(match std::str::from_utf8(&self.0) {
            Ok(text) => text.to_owned(),
            Err(_) => self.0.iter().map(|&byte| char::from(byte)).collect(),
        })
    }

    /// Length in characters.
    pub fn length(&self) -> usize {
        self.expose_text().chars().count()
    }

    /// At most four characters, and at most a fifth of the secret, then a mask of fixed width.
    /// A secret of 19 characters or fewer shows fewer than four, one below five shows none.
    pub fn redacted(&self) -> String {
        let text = self.expose_text();
        if let Some(header) = pem_header(&text) {
            return format!("{header}…");
        }
        let shown = (self.length() / 5).min(4);
        let mut out: String = text.chars().take(shown).collect();
        out.push_str(MASK);
        out
    }
}

/// `-----BEGIN PRIVATE KEY-----`: nothing of the key itself, which may follow on the same line.
fn pem_header(text: &str) -> Option<&str> {
    const OPEN: &str = "-----BEGIN ";
    const CLOSE: &str = "-----";
    const LONGEST: usize = 48;
    let label = text.strip_prefix(OPEN)?.split(CLOSE).next()?;
    let header = text.get(..OPEN.len() + label.len() + CLOSE.len())?;
    (label.len() <= LONGEST && label.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b' '))
        .then_some(header)
}

/// What stands for the hidden part of a secret, whatever its length.
pub const MASK: &str = "********";

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(********)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Secret {
        Secret::new(text.as_bytes().to_vec())
    }

    #[test]
    fn shows_at_most_a_fifth_and_four_characters() {
        assert_eq!(secret("a").redacted(), "********");
        assert_eq!(secret("abcd").redacted(), "********");
        assert_eq!(secret("abcdefgh").redacted(), "a********");
        assert_eq!(secret("abcdefghijklmnopqrst").redacted(), "abcd********");
        assert_eq!(secret(&"z".repeat(2000)).redacted(), "zzzz********");
    }

    #[test]
    fn of_keys_on_one_line_only_the_header_is_shown() {
        let key = "-----BEGIN EC PRIVATE KEY-----";
        assert_eq!(secret(&format!("{key}\\nMHcCAQEEIK8s2kQ\\n")).redacted(), format!("{key}…"));
        assert_eq!(secret(&format!("{key}\nMHcCAQEEIK8s2kQ\n")).redacted(), format!("{key}…"));
        assert_eq!(secret("-----BEGIN MHcCAQEEIK8s2kQ-and-no-end").redacted(), "----********");
        assert_eq!(secret("-----BEGIN mHcCAQEEIK8s2kQ-----").redacted(), "----********");
    }

    #[test]
    fn debug_hides_the_value() {
        assert!(!format!("{:?}", secret("hunter2hunter2")).contains("hunter"));
    }

    #[test]
    fn bytes_that_are_not_utf8_are_read_as_latin1() {
        assert_eq!(Secret::new(vec![b'p', 0xe9, b's']).expose_text().as_str(), "pés");
    }
}
