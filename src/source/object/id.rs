//! Object ids, SHA-1 and SHA-256, and the hash of an object's contents.

use std::fmt;
use std::io::{self, Read};

use serde::{Deserialize, Serialize};
use sha1::{Digest, Sha1};
use sha2::Sha256;

use super::ObjectKind;

/// The hash a repository names its objects with
/// (`extensions.objectFormat`, git's `Documentation/gitformat-pack`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HashKind {
    /// 20 bytes: what repositories have unless they say otherwise.
    Sha1,
    /// 32 bytes.
    Sha256,
}

impl HashKind {
    /// The length of an id in bytes.
    #[must_use]
    pub const fn id_len(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
        }
    }

    /// The hash a repository's `config` file asks for: SHA-256 when
    /// `extensions.objectformat` says so, SHA-1 otherwise.
    #[must_use]
    pub fn from_config(config: &[u8]) -> Self {
        let mut inside = false;
        for line in config.split(|&byte| byte == b'\n') {
            let line = line.trim_ascii().to_ascii_lowercase();
            if line.starts_with(b"[") {
                inside = line.starts_with(b"[extensions]");
            } else if inside && line.starts_with(b"objectformat") && line.ends_with(b"sha256") {
                return Self::Sha256;
            }
        }
        Self::Sha1
    }

    /// The id of an object with these contents: the hash over
    /// `<kind> <length>\0<contents>`.
    #[must_use]
    pub fn id_of(self, kind: ObjectKind, contents: &[u8]) -> ObjectId {
        let mut hasher = Hasher::new(self, kind, contents.len() as u64);
        hasher.update(contents);
        hasher.finish()
    }

    /// The hash of any bytes, as files of git end with.
    #[must_use]
    pub fn digest(self, bytes: &[u8]) -> ObjectId {
        let mut hasher = Hasher::empty(self);
        hasher.update(bytes);
        hasher.finish()
    }

    /// The id of an object of `size` bytes whose contents are read to the end;
    /// the right one only if there are as many.
    ///
    /// # Errors
    /// When reading fails.
    pub fn id_of_stream(self, kind: ObjectKind, size: u64, contents: &mut dyn Read) -> io::Result<ObjectId> {
        let mut hasher = Hasher::new(self, kind, size);
        let mut piece = vec![0; 64 << 10];
        loop {
            match contents.read(&mut piece)? {
                0 => return Ok(hasher.finish()),
                read => hasher.update(&piece[..read]),
            }
        }
    }
}

/// The name of an object: 20 bytes of SHA-1 or 32 of SHA-256.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct ObjectId {
    bytes: [u8; 32],
    hash: HashKind,
}

impl ObjectId {
    /// The id made of exactly `hash.id_len()` bytes; `None` for any other length.
    #[must_use]
    pub fn from_bytes(hash: HashKind, bytes: &[u8]) -> Option<Self> {
        if bytes.len() != hash.id_len() {
            return None;
        }
        let mut id = [0; 32];
        id[..bytes.len()].copy_from_slice(bytes);
        Some(Self { bytes: id, hash })
    }

    /// The id written as 40 or 64 hexadecimal digits; `None` if it is not one.
    #[must_use]
    pub fn from_hex(hex: &[u8]) -> Option<Self> {
        let hash = match hex.len() {
            40 => HashKind::Sha1,
            64 => HashKind::Sha256,
            _ => return None,
        };
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(hex.chunks_exact(2)) {
            *byte = digit(pair[0])? << 4 | digit(pair[1])?;
        }
        Some(Self { bytes, hash })
    }

    /// The bytes of the id, 20 or 32.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.hash.id_len()]
    }

    /// Which hash this id is of.
    #[must_use]
    pub fn hash(&self) -> HashKind {
        self.hash
    }
}

impl std::hash::Hash for ObjectId {
    /// A part of a hash is one.
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        let [a, b, c, d, e, f, g, h, ..] = self.bytes;
        state.write_u64(u64::from_ne_bytes([a, b, c, d, e, f, g, h]));
    }
}

impl PartialOrd for ObjectId {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ObjectId {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.as_bytes().cmp(other.as_bytes())
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_bytes().iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl From<ObjectId> for String {
    fn from(id: ObjectId) -> Self {
        id.to_string()
    }
}

impl TryFrom<String> for ObjectId {
    type Error = &'static str;

    fn try_from(hex: String) -> Result<Self, Self::Error> {
        Self::from_hex(hex.as_bytes()).ok_or("not 40 or 64 hexadecimal digits")
    }
}

impl fmt::Debug for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ObjectId({self})")
    }
}

/// A hash under way.
enum Hasher {
    Sha1(Sha1),
    Sha256(Sha256),
}

impl Hasher {
    fn new(hash: HashKind, kind: ObjectKind, size: u64) -> Self {
        let mut hasher = Self::empty(hash);
        hasher.update(format!("{kind} {size}\0").as_bytes());
        hasher
    }

    fn empty(hash: HashKind) -> Self {
        match hash {
            HashKind::Sha1 => Self::Sha1(Sha1::new()),
            HashKind::Sha256 => Self::Sha256(Sha256::new()),
        }
    }

    fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha1(hasher) => hasher.update(bytes),
            Self::Sha256(hasher) => hasher.update(bytes),
        }
    }

    fn finish(self) -> ObjectId {
        let mut bytes = [0; 32];
        match self {
            Self::Sha1(hasher) => {
                bytes[..20].copy_from_slice(&hasher.finalize());
                ObjectId { bytes, hash: HashKind::Sha1 }
            }
            Self::Sha256(hasher) => {
                bytes.copy_from_slice(&hasher.finalize());
                ObjectId { bytes, hash: HashKind::Sha256 }
            }
        }
    }
}

fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_empty_blob_has_its_well_known_names() {
        let sha1 = HashKind::Sha1.id_of(ObjectKind::Blob, b"");
        assert_eq!(sha1.to_string(), "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391");
        let sha256 = HashKind::Sha256.id_of(ObjectKind::Blob, b"");
        assert!(sha256.to_string().starts_with("473a0f4c3be8a93681a267e3b1e9a7dc"));
        for id in [sha1, sha256] {
            assert_eq!(ObjectId::from_hex(id.to_string().as_bytes()), Some(id));
        }
    }

    #[test]
    fn the_configuration_names_the_hash() {
        let sha256 = b"[core]\n\tbare = true\n[extensions]\n\tobjectFormat = sha256\n";
        assert_eq!(HashKind::from_config(sha256), HashKind::Sha256);
        let other = b"[other]\n\tobjectformat = sha256\n";
        assert_eq!(HashKind::from_config(other), HashKind::Sha1);
    }
}
