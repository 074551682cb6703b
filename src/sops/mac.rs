//! The MAC of a file: SHA-512 over the bytes of all leaves in document order, encrypted with the data key.
//!
//! Keys and comments are not part of it; that is sops' format, not a choice made here.
//! Source: sops' `Tree.Encrypt` and `Tree.Decrypt`, measured on sops 3.11.

use sha2::{Digest, Sha512};
use zeroize::Zeroizing;

use super::cipher::{self, CipherError, Envelope, Stash};
use super::data_key::DataKey;
use super::scalar::{ValueType, float_text};
use super::timestamp::Timestamp;
use super::tree::Scalar;

/// What the MAC covers.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum MacScope {
    /// Every leaf, encrypted or not.
    #[default]
    AllValues,
    /// Only the encrypted leaves (`mac_only_encrypted: true`).
    EncryptedOnly,
}

/// SHA-256 of `sops`: the first bytes hashed when only encrypted leaves are covered.
const ENCRYPTED_ONLY_PREFIX: [u8; 32] = [
    0x8a, 0x3f, 0xd2, 0xad, 0x54, 0xce, 0x66, 0x52, 0x7b, 0x10, 0x34, 0xf3, 0xd1, 0x47, 0xbe, 0x0b, 0x0b, 0x97, 0x5b, 0x3b, 0xf4, 0x4f,
    0x72, 0xc6, 0xfd, 0xad, 0xec, 0x81, 0x76, 0xf2, 0x7d, 0x69,
];

/// Collects the leaves of a file in document order.
#[derive(Clone, Debug)]
pub struct MacBuilder {
    hash: Sha512,
    /// The same hash with whole numbers read as floats, once the two differ: up to sops 3.13.1 the JSON store
    /// read every number as a float, which rounds above 2^53.
    rounded: Option<Sha512>,
    scope: MacScope,
}

/// The plain MACs of a file: upper-case hexadecimal SHA-512.
#[derive(Debug)]
pub struct PlainMac {
    exact: Zeroizing<String>,
    rounded: Option<Zeroizing<String>>,
}

/// Why a file's MAC is not accepted.
#[derive(Debug, thiserror::Error)]
pub enum MacError {
    /// There is no MAC, or an empty one.
    #[error("the file has no MAC: nothing proves that it is unchanged")]
    Missing,
    /// The MAC itself does not open: it or `lastmodified` was changed.
    #[error("the MAC cannot be decrypted: `mac` or `lastmodified` was changed")]
    Unreadable(#[source] CipherError),
    /// The MAC opens and says something else.
    #[error("the MAC does not match: a value was changed, added, removed or reordered outside sops")]
    Mismatch,
}

/// Whether a leaf is stored encrypted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Protection {
    /// The selector says: encrypt.
    Encrypted,
    /// The selector says: leave plain.
    Plain,
}

impl MacBuilder {
    /// Starts a MAC.
    #[must_use]
    pub fn new(scope: MacScope) -> Self {
        let mut hash = Sha512::new();
        if scope == MacScope::EncryptedOnly {
            hash.update(ENCRYPTED_ONLY_PREFIX);
        }
        Self { hash, rounded: None, scope }
    }

    /// Adds the next leaf.
    pub fn absorb(&mut self, value: &Scalar, protection: Protection) {
        if self.scope == MacScope::EncryptedOnly && protection == Protection::Plain {
            return;
        }
        let bytes = value.to_bytes();
        #[allow(clippy::cast_precision_loss, reason = "the loss is what older sops versions do")]
        let rounded = match (value, protection) {
            (Scalar::Int(number), Protection::Plain) => float_text(*number as f64).into_bytes(),
            _ => bytes.to_vec(),
        };
        let rounded = Zeroizing::new(rounded);
        if self.rounded.is_none() && *rounded != *bytes {
            self.rounded = Some(self.hash.clone());
        }
        if let Some(hash) = &mut self.rounded {
            hash.update(&*rounded);
        }
        self.hash.update(&*bytes);
    }

    /// The finished MAC.
    #[must_use]
    pub fn finish(self) -> PlainMac {
        PlainMac { exact: hex(self.hash), rounded: self.rounded.map(hex) }
    }
}

impl PlainMac {
    /// Encrypts the MAC for the metadata; it is bound to `last_modified`.
    ///
    /// # Errors
    /// [`CipherError`] when no random bytes are to be had.
    pub fn seal(&self, key: &DataKey, last_modified: &Timestamp) -> Result<String, CipherError> {
        let aad = last_modified.whole_seconds();
        let envelope = cipher::seal(key, &aad, ValueType::Str, self.exact.as_bytes(), &mut Stash::default())?;
        Ok(envelope.to_string())
    }

    /// Compares with the MAC stored in a file.
    ///
    /// # Errors
    /// [`MacError`] when the stored MAC is absent, does not open or differs.
    pub fn verify(&self, key: &DataKey, stored: &str, last_modified: &Timestamp) -> Result<(), MacError> {
        if stored.is_empty() {
            return Err(MacError::Missing);
        }
        let envelope = Envelope::parse(stored).map_err(MacError::Unreadable)?;
        let plain = cipher::open(key, &last_modified.whole_seconds(), &envelope).map_err(MacError::Unreadable)?;
        let same = |mac: &str| plain.as_slice() == mac.as_bytes();
        if same(&self.exact) || self.rounded.as_ref().is_some_and(|mac| same(mac)) { Ok(()) } else { Err(MacError::Mismatch) }
    }
}

fn hex(hash: Sha512) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(128));
    for byte in hash.finalize() {
        for nibble in [byte >> 4, byte & 15] {
            text.push(char::from(b"0123456789ABCDEF"[usize::from(nibble)]));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use sha2::Sha256;

    use super::*;

    #[test]
    fn the_prefix_is_the_digest_of_sops() {
        let digest: [u8; 32] = Sha256::digest(b"sops").into();
        assert_eq!(digest, ENCRYPTED_ONLY_PREFIX);
    }

    #[test]
    fn null_and_empty_text_do_not_count() {
        let mut with = MacBuilder::new(MacScope::AllValues);
        with.absorb(&Scalar::Null, Protection::Plain);
        let without = MacBuilder::new(MacScope::AllValues);
        assert_eq!(with.finish().exact, without.finish().exact);
    }
}
