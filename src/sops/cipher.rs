//! One encrypted value: the `ENC[AES256_GCM,…]` envelope and AES-256-GCM under the data key.
//!
//! Which values are encrypted is decided in [`super::crypt`]. Facts (32-byte nonce on write, nonce length as given
//! on read, tag stored apart) are measured on sops 3.11 and agree with its `aes/cipher.go`.

use std::collections::{HashMap, HashSet};
use std::fmt;

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::aes::Aes256;
use aes_gcm::aes::cipher::consts::{U12, U16, U32};
use aes_gcm::{AesGcm, Nonce};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::data_key::DataKey;
use super::scalar::ValueType;

/// Length in bytes of the nonces sops writes.
pub const NONCE_LEN: usize = 32;
const TAG_LEN: usize = 16;
const PREFIX: &str = "ENC[AES256_GCM,";

/// An encrypted value taken apart.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Envelope {
    /// The ciphertext without the tag. Never empty: sops leaves the empty text alone.
    pub data: Vec<u8>,
    /// The nonce: 32 bytes from sops, 12 from some other tools.
    pub nonce: Vec<u8>,
    /// The 16-byte authentication tag.
    pub tag: Vec<u8>,
    /// The type of the plain value. Not authenticated by the cipher.
    pub kind: ValueType,
}

/// Why a value could not be opened or sealed. Carries no part of the value.
#[derive(Debug, thiserror::Error)]
pub enum CipherError {
    /// The text is not an envelope.
    #[error("not an encrypted value of the form ENC[AES256_GCM,data:…,iv:…,tag:…,type:…]")]
    NotAnEnvelope,
    /// The envelope is there, one of its parts is not.
    #[error("the encrypted value has a malformed `{part}`")]
    MalformedPart {
        /// `data`, `iv`, `tag` or `type`.
        part: &'static str,
    },
    /// A nonce length nobody writes.
    #[error("the nonce has {bytes} bytes; 12, 16 and 32 are understood")]
    NonceLength {
        /// Length in bytes.
        bytes: usize,
    },
    /// Wrong key, wrong place in the file, or changed bytes.
    #[error("the value does not authenticate: it was changed, moved or encrypted under another key")]
    NotAuthentic,
    /// The value is larger than the cipher can take.
    #[error("the value is too large to encrypt")]
    TooLarge,
    /// The operating system gave no random bytes.
    #[error("no random bytes from the operating system: {0}")]
    Random(#[from] getrandom::Error),
}

impl Envelope {
    /// Whether the text starts as an encrypted value does.
    #[must_use]
    pub fn looks_like(text: &str) -> bool {
        text.starts_with(PREFIX)
    }

    /// Takes an envelope apart.
    ///
    /// # Errors
    /// [`CipherError::NotAnEnvelope`] or [`CipherError::MalformedPart`].
    pub fn parse(text: &str) -> Result<Self, CipherError> {
        let inner = text.strip_prefix(PREFIX).and_then(|rest| rest.strip_suffix(']')).ok_or(CipherError::NotAnEnvelope)?;
        let mut parts = inner.split(',');
        let mut part = |name: &'static str| {
            let value = parts.next().and_then(|part| part.strip_prefix(name)?.strip_prefix(':'));
            value.filter(|value| !value.is_empty()).ok_or(CipherError::MalformedPart { part: name })
        };
        let data = decode("data", part("data")?)?;
        let nonce = decode("iv", part("iv")?)?;
        let tag = decode("tag", part("tag")?)?;
        let kind = ValueType::from_name(part("type")?).ok_or(CipherError::MalformedPart { part: "type" })?;
        if tag.len() != TAG_LEN {
            return Err(CipherError::MalformedPart { part: "tag" });
        }
        match parts.next() {
            None => Ok(Self { data, nonce, tag, kind }),
            Some(_) => Err(CipherError::NotAnEnvelope),
        }
    }
}

impl fmt::Display for Envelope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [data, nonce, tag] = [&self.data, &self.nonce, &self.tag].map(|bytes| STANDARD.encode(bytes));
        write!(f, "{PREFIX}data:{data},iv:{nonce},tag:{tag},type:{}]", self.kind.name())
    }
}

/// Encrypts `plain` (not empty) so that it opens only with the same `aad`.
///
/// # Errors
/// [`CipherError::Random`], [`CipherError::TooLarge`], or [`CipherError::NonceLength`] for a remembered nonce.
pub fn seal(key: &DataKey, aad: &str, kind: ValueType, plain: &[u8], stash: &mut Stash) -> Result<Envelope, CipherError> {
    let nonce = match stash.take(aad, kind, plain) {
        Some(nonce) => nonce,
        None => {
            let mut nonce = vec![0; NONCE_LEN];
            getrandom::fill(&mut nonce)?;
            nonce
        }
    };
    let payload = Payload { msg: plain, aad: aad.as_bytes() };
    let mut data = run(key, &nonce, payload, Direction::Seal)?.map_err(|_| CipherError::TooLarge)?;
    let tag = data.split_off(data.len() - TAG_LEN);
    Ok(Envelope { data: std::mem::take(&mut data), nonce, tag, kind })
}

/// Decrypts an envelope that was sealed with this key and `aad`.
///
/// # Errors
/// [`CipherError::NotAuthentic`] or [`CipherError::NonceLength`].
pub fn open(key: &DataKey, aad: &str, envelope: &Envelope) -> Result<Zeroizing<Vec<u8>>, CipherError> {
    let mut sealed = Vec::with_capacity(envelope.data.len() + TAG_LEN);
    sealed.extend_from_slice(&envelope.data);
    sealed.extend_from_slice(&envelope.tag);
    let payload = Payload { msg: &sealed, aad: aad.as_bytes() };
    let plain = run(key, &envelope.nonce, payload, Direction::Open)?;
    plain.map(Zeroizing::new).map_err(|_| CipherError::NotAuthentic)
}

/// Remembers the nonce of every value read, so that a value which did not change is written with the same
/// ciphertext and an edit touches only the lines it must. Holds salted digests, not values.
#[derive(Clone, Debug, Default)]
pub struct Stash {
    salt: [u8; 32],
    nonces: HashMap<[u8; 32], Vec<Vec<u8>>>,
}

impl Stash {
    /// An empty stash.
    ///
    /// # Errors
    /// [`CipherError::Random`] when no salt could be drawn.
    pub fn new() -> Result<Self, CipherError> {
        let mut salt = [0; 32];
        getrandom::fill(&mut salt)?;
        Ok(Self { salt, nonces: HashMap::new() })
    }

    /// Remembers the nonce under which `plain` stood at `aad`.
    pub fn remember(&mut self, aad: &str, kind: ValueType, plain: &[u8], nonce: &[u8]) {
        let digest = self.digest(aad, kind, plain);
        self.nonces.entry(digest).or_default().push(nonce.to_vec());
    }

    /// Whether `plain` stood encrypted at `aad`.
    #[must_use]
    pub fn knows(&self, aad: &str, kind: ValueType, plain: &[u8]) -> bool {
        self.nonces.contains_key(&self.digest(aad, kind, plain))
    }

    /// Drops the nonces and keeps the memory of what was encrypted: for a new data key.
    pub fn forget_nonces(&mut self) {
        self.nonces.values_mut().for_each(Vec::clear);
    }

    /// An empty stash that can be joined with this one.
    pub(super) fn sibling(&self) -> Self {
        Self { salt: self.salt, nonces: HashMap::new() }
    }

    /// Learns what a sibling knows. A nonce that both have is that of one value, and is kept once.
    pub(super) fn join(&mut self, sibling: Self) {
        for (digest, more) in sibling.nonces {
            let queue = self.nonces.entry(digest).or_default();
            let known: HashSet<Vec<u8>> = queue.iter().cloned().collect();
            queue.extend(more.into_iter().filter(|nonce| !known.contains(nonce)));
        }
    }

    /// Gives each remembered nonce back once, in the order of the file: two equal list items keep two nonces.
    fn take(&mut self, aad: &str, kind: ValueType, plain: &[u8]) -> Option<Vec<u8>> {
        if self.nonces.is_empty() {
            return None;
        }
        let digest = self.digest(aad, kind, plain);
        let queue = self.nonces.get_mut(&digest)?;
        if queue.is_empty() { None } else { Some(queue.remove(0)) }
    }

    fn digest(&self, aad: &str, kind: ValueType, plain: &[u8]) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(self.salt);
        hash.update((aad.len() as u64).to_le_bytes());
        hash.update(aad);
        hash.update(kind.name());
        hash.update([0]);
        hash.update(plain);
        hash.finalize().into()
    }
}

#[derive(Clone, Copy)]
enum Direction {
    Seal,
    Open,
}

type CipherResult = Result<Vec<u8>, aes_gcm::Error>;

fn run(key: &DataKey, nonce: &[u8], payload: Payload<'_, '_>, way: Direction) -> Result<CipherResult, CipherError> {
    macro_rules! with_nonce {
        ($size:ty) => {{
            let cipher = AesGcm::<Aes256, $size>::new(key.expose().into());
            let nonce = Nonce::<$size>::try_from(nonce).map_err(|_| CipherError::NonceLength { bytes: nonce.len() })?;
            match way {
                Direction::Seal => cipher.encrypt(&nonce, payload),
                Direction::Open => cipher.decrypt(&nonce, payload),
            }
        }};
    }
    match nonce.len() {
        NONCE_LEN => Ok(with_nonce!(U32)),
        12 => Ok(with_nonce!(U12)),
        16 => Ok(with_nonce!(U16)),
        bytes => Err(CipherError::NonceLength { bytes }),
    }
}

fn decode(part: &'static str, text: &str) -> Result<Vec<u8>, CipherError> {
    STANDARD.decode(text).map_err(|_| CipherError::MalformedPart { part })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed(stash: &mut Stash) -> (DataKey, Envelope) {
        let key = DataKey::generate().expect("random bytes");
        let envelope = seal(&key, "a:b:", ValueType::Str, b"value", stash).expect("seals");
        (key, envelope)
    }

    #[test]
    fn opens_what_it_sealed_and_only_there() {
        let (key, envelope) = sealed(&mut Stash::default());
        assert_eq!(envelope.nonce.len(), NONCE_LEN);
        let read = Envelope::parse(&envelope.to_string()).expect("parses");
        assert_eq!(read, envelope);
        assert_eq!(open(&key, "a:b:", &read).expect("opens").as_slice(), b"value");
        assert!(matches!(open(&key, "a:b", &read), Err(CipherError::NotAuthentic)));
    }

    #[test]
    fn remembered_nonces_are_used_once_each() {
        let (key, first) = sealed(&mut Stash::default());
        let mut stash = Stash::new().expect("random bytes");
        stash.remember("a:b:", ValueType::Str, b"value", &first.nonce);
        let again = seal(&key, "a:b:", ValueType::Str, b"value", &mut stash).expect("seals");
        assert_eq!(again, first);
        let third = seal(&key, "a:b:", ValueType::Str, b"value", &mut stash).expect("seals");
        assert_ne!(third.nonce, first.nonce);
    }

    #[test]
    fn malformed_envelopes_are_refused() {
        let bad = ["", "ENC[", "ENC[AES256_GCM,data:,iv:AA==,tag:AA==,type:str]", "ENC[AES256_GCM,data:AA==,iv:AA==]x"];
        for text in bad {
            assert!(Envelope::parse(text).is_err(), "{text}");
        }
    }
}
