//! A name for a secret value that tells nothing about it to whoever lacks the key.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::secret::Secret;
use crate::text::hex;

/// HMAC-SHA-256 of a value, cut to 96 bits, in hexadecimal. Without the key not even a short
/// password can be guessed from it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(String);

/// What fingerprints are keyed with; shared by a team, or kept by one user.
pub struct FingerprintKey(Zeroizing<Vec<u8>>);

const LENGTH: usize = 12;

impl FingerprintKey {
    /// A key of at least 16 bytes; `None` if it is shorter.
    pub fn new(bytes: Vec<u8>) -> Option<Self> {
        (bytes.len() >= 16).then(|| Self(Zeroizing::new(bytes)))
    }

    /// The fingerprint of a value.
    pub fn fingerprint(&self, secret: &Secret) -> Fingerprint {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes keys of any length");
        mac.update(b"sopup fingerprint v1\0");
        mac.update(secret.expose());
        let digest = mac.finalize().into_bytes();
        Fingerprint(hex(&digest[..LENGTH]))
    }
}

impl Fingerprint {
    /// From a configuration; `None` if it cannot be one.
    pub fn parse(text: &str) -> Option<Self> {
        (text.len() == 2 * LENGTH && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))).then(|| Self(text.to_owned()))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depend_on_value_and_key() {
        let key = |byte| FingerprintKey::new(vec![byte; 32]).expect("long enough");
        let secret = |text: &str| Secret::new(text.as_bytes().to_vec());
        let one = key(1).fingerprint(&secret("a"));
        assert_eq!(one, key(1).fingerprint(&secret("a")));
        assert_ne!(one, key(1).fingerprint(&secret("b")));
        assert_ne!(one, key(2).fingerprint(&secret("a")));
        assert_eq!(Fingerprint::parse(&one.to_string()), Some(one));
        assert_eq!(Fingerprint::parse("zz"), None);
        assert!(FingerprintKey::new(vec![0; 8]).is_none());
    }
}
