//! [`Hybrid`]: the key encapsulation MLKEM768-X25519 (X-Wing) for `hpke`, as in draft-ietf-hpke-pq and <https://filippo.io/hpke-pq>.
//!
//! ML-KEM-768, X25519 and SHA-3 are the crates that `age` uses. How they are put together is all there is here.

use hpke::generic_array::GenericArray;
use hpke::generic_array::typenum::{Sum, U32, U96, U192, U1024};
use hpke::kem::SharedSecret;
use hpke::rand_core::{CryptoRng, RngCore};
use hpke::{Deserializable, HpkeError, Kem, Serializable};
use ml_kem::kem::{Decapsulate, Encapsulate};
use ml_kem::{EncodedSizeUser, KemCore, MlKem768};
use sha3::digest::{ExtendableOutput, Update, XofReader};
use sha3::{Digest, Sha3_256, Shake256};
use x25519_dalek::StaticSecret;
use zeroize::Zeroizing;

type Lattice = <MlKem768 as KemCore>::EncapsulationKey;
type LatticeSecret = <MlKem768 as KemCore>::DecapsulationKey;

/// The part of public keys that is of ML-KEM-768.
const LATTICE_KEY: usize = 1184;
/// The part of encapsulated keys that is of ML-KEM-768.
const LATTICE_SHARE: usize = 1088;
const POINT: usize = 32;

/// The key encapsulation.
pub(super) struct Hybrid;

/// The seed of both keys.
#[derive(Clone, Eq, PartialEq)]
pub(super) struct PrivateKey(Zeroizing<[u8; 32]>);

/// A key of ML-KEM-768, whose numbers are all below its modulus, and a point of Curve25519.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct PublicKey([u8; LATTICE_KEY + POINT]);

/// A ciphertext of ML-KEM-768 and a point of Curve25519.
#[derive(Clone)]
pub(super) struct Share([u8; LATTICE_SHARE + POINT]);

impl Kem for Hybrid {
    type EncappedKey = Share;
    type NSecret = U32;
    type PrivateKey = PrivateKey;
    type PublicKey = PublicKey;

    const KEM_ID: u16 = 0x647a;

    fn sk_to_pk(secret: &PrivateKey) -> PublicKey {
        let (lattice, scalar) = secret.expand();
        PublicKey(joined(&lattice.encapsulation_key().as_bytes(), x25519_dalek::PublicKey::from(&scalar).as_bytes()))
    }

    fn derive_keypair(ikm: &[u8]) -> (PrivateKey, PublicKey) {
        let label = b"DeriveKeyPair";
        let lengths = [13u16.to_be_bytes(), 32u16.to_be_bytes()];
        let suite = [b"KEM".as_slice(), &Self::KEM_ID.to_be_bytes()].concat();
        let parts = [ikm, b"HPKE-v1", &suite, &lengths[0], label, &lengths[1]];
        let mut stream = parts.iter().fold(Shake256::default(), |hash, part| hash.chain(part)).finalize_xof();
        let secret = PrivateKey(taken(&mut stream));
        let public = Self::sk_to_pk(&secret);
        (secret, public)
    }

    fn decap(secret: &PrivateKey, sender: Option<&PublicKey>, share: &Share) -> Result<SharedSecret<Self>, HpkeError> {
        let (lattice, scalar) = secret.expand();
        let (ciphertext, point) = split::<LATTICE_SHARE>(&share.0);
        let known = lattice.decapsulate(&ciphertext.into()).map_err(|()| HpkeError::DecapError)?;
        let agreed = scalar.diffie_hellman(&point.into());
        // X-Wing cannot tell who sent something, and a point of low order has no secret in it.
        if sender.is_some() || !agreed.was_contributory() {
            return Err(HpkeError::DecapError);
        }
        Ok(SharedSecret(combined(&known, agreed.as_bytes(), &point, x25519_dalek::PublicKey::from(&scalar).as_bytes())))
    }

    fn encap<R: CryptoRng + RngCore>(
        public: &PublicKey,
        sender: Option<(&PrivateKey, &PublicKey)>,
        random: &mut R,
    ) -> Result<(SharedSecret<Self>, Share), HpkeError> {
        let (lattice, theirs) = split::<LATTICE_KEY>(&public.0);
        let (ciphertext, known) = Lattice::from_bytes(&lattice.into()).encapsulate(random).map_err(|()| HpkeError::EncapError)?;
        let scalar = StaticSecret::random_from_rng(random);
        let point = x25519_dalek::PublicKey::from(&scalar);
        let agreed = scalar.diffie_hellman(&theirs.into());
        if sender.is_some() || !agreed.was_contributory() {
            return Err(HpkeError::EncapError);
        }
        let secret = combined(&known, agreed.as_bytes(), point.as_bytes(), &theirs);
        Ok((SharedSecret(secret), Share(joined(&ciphertext, point.as_bytes()))))
    }
}

impl PrivateKey {
    fn expand(&self) -> (LatticeSecret, StaticSecret) {
        let mut stream = Shake256::default().chain(*self.0).finalize_xof();
        let (d, z, scalar) = (taken(&mut stream), taken(&mut stream), taken(&mut stream));
        (MlKem768::generate_deterministic(&(*d).into(), &(*z).into()).0, StaticSecret::from(*scalar))
    }
}

impl Serializable for PrivateKey {
    type OutputSize = U32;

    fn write_exact(&self, out: &mut [u8]) {
        out.copy_from_slice(&*self.0);
    }
}

impl Deserializable for PrivateKey {
    fn from_bytes(bytes: &[u8]) -> Result<Self, HpkeError> {
        exactly(bytes).map(|seed| Self(Zeroizing::new(seed)))
    }
}

impl Serializable for PublicKey {
    type OutputSize = Sum<U1024, U192>;

    fn write_exact(&self, out: &mut [u8]) {
        out.copy_from_slice(&self.0);
    }
}

impl Deserializable for PublicKey {
    fn from_bytes(bytes: &[u8]) -> Result<Self, HpkeError> {
        let key = exactly(bytes)?;
        let (lattice, _) = split::<LATTICE_KEY>(&key);
        // The crate reduces numbers that are too large, which FIPS 203 forbids (section 7.2).
        let reduced = Lattice::from_bytes(&lattice.into()).as_bytes();
        if reduced.as_slice() == lattice { Ok(Self(key)) } else { Err(HpkeError::ValidationError) }
    }
}

impl Serializable for Share {
    type OutputSize = Sum<U1024, U96>;

    fn write_exact(&self, out: &mut [u8]) {
        out.copy_from_slice(&self.0);
    }
}

impl Deserializable for Share {
    fn from_bytes(bytes: &[u8]) -> Result<Self, HpkeError> {
        exactly(bytes).map(Self)
    }
}

/// The secret of both: broken only if ML-KEM-768 and X25519 are.
fn combined(known: &[u8], agreed: &[u8], point: &[u8], public: &[u8]) -> GenericArray<u8, U32> {
    [known, agreed, point, public, br"\.//^\"].iter().fold(Sha3_256::new(), |hash, part| hash.chain_update(part)).finalize()
}

fn taken(stream: &mut impl XofReader) -> Zeroizing<[u8; 32]> {
    let mut bytes = Zeroizing::new([0; 32]);
    stream.read(&mut *bytes);
    bytes
}

fn exactly<const N: usize>(bytes: &[u8]) -> Result<[u8; N], HpkeError> {
    bytes.try_into().map_err(|_| HpkeError::IncorrectInputLength(N, bytes.len()))
}

fn joined<const N: usize>(lattice: &[u8], point: &[u8; POINT]) -> [u8; N] {
    let mut out = [0; N];
    let (first, second) = out.split_at_mut(lattice.len());
    first.copy_from_slice(lattice);
    second.copy_from_slice(point);
    out
}

fn split<const N: usize>(both: &[u8]) -> ([u8; N], [u8; POINT]) {
    let (mut lattice, mut point) = ([0; N], [0; POINT]);
    lattice.copy_from_slice(&both[..N]);
    point.copy_from_slice(&both[N..]);
    (lattice, point)
}
