//! Post-quantum keys of age: recipients `age1pq1…` and identities `AGE-SECRET-KEY-PQ-1…`.
//!
//! The crate `age` does not have them yet. Here are the texts of both and the stanza `mlkem768x25519` of the age format
//! (<https://c2sp.org/age>): the key of a file, sealed with HPKE for [`kem::Hybrid`].

use std::collections::HashSet;

use age::secrecy::ExposeSecret;
use age::{DecryptError, EncryptError};
use age_core::format::{FileKey, Stanza};
use age_core::primitives::{bech32_decode, bech32_encode, hpke_open};
use base64::Engine;
use base64::prelude::BASE64_STANDARD_NO_PAD;
use bech32::Hrp;
use hpke::aead::ChaCha20Poly1305;
use hpke::kdf::HkdfSha256;
use hpke::rand_core::OsRng;
use hpke::{Deserializable, Kem, OpModeS, Serializable, single_shot_seal};
use zeroize::Zeroizing;

use self::kem::{Hybrid, PrivateKey, PublicKey, Share};

mod kem;

const RECIPIENT_PREFIX: &str = "age1pq";
const IDENTITY_PREFIX: &str = "age-secret-key-pq-";
const STANZA_TAG: &str = "mlkem768x25519";
const INFO: &[u8] = b"age-encryption.org/mlkem768x25519";
/// With this label age refuses to put a recipient into one age file with others that a quantum computer breaks.
const LABEL: &str = "postquantum";
/// A file key and the tag of its encryption.
const BODY_LEN: usize = 16 + 16;

/// `age1pq1…`
pub(super) struct Recipient(PublicKey);

/// `AGE-SECRET-KEY-PQ-1…`
pub(super) struct Identity(PrivateKey);

impl Recipient {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let bytes = decode(RECIPIENT_PREFIX, text)?;
        let canonical = encode(RECIPIENT_PREFIX, &bytes) == text;
        PublicKey::from_bytes(&bytes).ok().filter(|_| canonical).map(Self)
    }
}

impl Identity {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let bytes = Zeroizing::new(decode(IDENTITY_PREFIX, text)?);
        let lower = Zeroizing::new(encode(IDENTITY_PREFIX, &bytes));
        let canonical = lower.bytes().map(|byte| byte.to_ascii_uppercase()).eq(text.bytes());
        PrivateKey::from_bytes(&bytes).ok().filter(|_| canonical).map(Self)
    }

    /// The recipient that this identity answers to.
    pub(super) fn public(&self) -> String {
        encode(RECIPIENT_PREFIX, &Hybrid::sk_to_pk(&self.0).to_bytes())
    }
}

impl age::Recipient for Recipient {
    fn wrap_file_key(&self, file_key: &FileKey) -> Result<(Vec<Stanza>, HashSet<String>), EncryptError> {
        let sealed = single_shot_seal::<ChaCha20Poly1305, HkdfSha256, Hybrid, _>(
            &OpModeS::Base,
            &self.0,
            INFO,
            file_key.expose_secret(),
            &[],
            &mut OsRng,
        );
        let (share, body) = sealed.map_err(|error| EncryptError::Io(std::io::Error::other(error.to_string())))?;
        let args = vec![BASE64_STANDARD_NO_PAD.encode(share.to_bytes())];
        Ok((vec![Stanza { tag: STANZA_TAG.to_owned(), args, body }], HashSet::from([LABEL.to_owned()])))
    }
}

impl age::Identity for Identity {
    fn unwrap_stanza(&self, stanza: &Stanza) -> Option<Result<FileKey, DecryptError>> {
        if stanza.tag != STANZA_TAG {
            return None;
        }
        let Some(share) = share_of(stanza) else { return Some(Err(DecryptError::InvalidHeader)) };
        // A stanza for somebody else does not open.
        let plain = Zeroizing::new(hpke_open::<Hybrid>(&share, &self.0, INFO, &stanza.body).ok()?);
        Some(Ok(FileKey::init_with_mut(|key| key.copy_from_slice(&plain))))
    }
}

/// The encapsulated key of a stanza whose form is as it must be.
fn share_of(stanza: &Stanza) -> Option<Share> {
    let [share] = stanza.args.as_slice() else { return None };
    let share = BASE64_STANDARD_NO_PAD.decode(share).ok()?;
    Share::from_bytes(&share).ok().filter(|_| stanza.body.len() == BODY_LEN)
}

fn decode(prefix: &str, text: &str) -> Option<Vec<u8>> {
    let expected = |found: Hrp| if found == Hrp::parse_unchecked(prefix) { Ok(()) } else { Err(()) };
    bech32_decode(text, |_| (), expected, |_, bytes| Ok(bytes.collect())).ok()
}

fn encode(prefix: &str, bytes: &[u8]) -> String {
    bech32_encode(Hrp::parse_unchecked(prefix), bytes)
}

#[cfg(test)]
mod tests;
