//! A stronger digest than sops' MAC: it covers keys, types, empty values and the structure as well.
//!
//! sops' MAC does not notice a renamed plain key, an added null or empty value, or text moved between neighbouring
//! plain values. This digest does. It is keyed with the data key, so it tells nothing about the values, and it is
//! kept outside the file, because sops drops fields it does not know.

use std::collections::BTreeMap;

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest as _, Sha256};

use super::data_key::DataKey;
use super::metadata::Metadata;
use super::tree::{Map, Node, Tree};

/// HMAC-SHA-256 of a plain tree under its data key, in lower-case hexadecimal. Comments are not covered.
#[must_use]
pub fn strong_digest(tree: &Tree, key: &DataKey) -> String {
    let mut digest = Digest(Hmac::<Sha256>::new_from_slice(key.expose()).expect("HMAC takes keys of any length"));
    digest.field("sopup.digest/v1", &[]);
    for document in &tree.documents {
        digest.map(document);
    }
    hex(&digest.0.finalize().into_bytes())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What is kept of a file that was known to be good.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Record {
    digest: String,
    mac: String,
}

impl Record {
    /// The record of an opened file.
    #[must_use]
    pub fn of(tree: &Tree, key: &DataKey, metadata: &Metadata) -> Self {
        Self { digest: strong_digest(tree, key), mac: hex(&Sha256::digest(metadata.mac())) }
    }

    /// Which MAC the file had: a digest of its encrypted form.
    #[must_use]
    pub fn mac(&self) -> &str {
        &self.mac
    }
}

/// Records of many files, by path.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Records(pub BTreeMap<String, Record>);

impl Records {
    /// Reads what [`Records::print`] wrote. Lines of another form are passed over.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let is_hex = |text: &str| text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let record = |line: &str| {
            let (digest, rest) = line.split_once(' ')?;
            let (mac, path) = rest.split_once(' ')?;
            (is_hex(digest) && is_hex(mac)).then(|| (path.to_owned(), Record { digest: digest.to_owned(), mac: mac.to_owned() }))
        };
        Self(text.lines().filter_map(record).collect())
    }

    /// One line for each file: its digest, that of its MAC, its path.
    #[must_use]
    pub fn print(&self) -> String {
        self.0.iter().map(|(path, record)| format!("{} {} {path}\n", record.digest, record.mac)).collect()
    }
}

struct Digest(Hmac<Sha256>);

impl Digest {
    /// A tag and bytes, each with its length, so that no two trees give the same bytes.
    fn field(&mut self, tag: &str, bytes: &[u8]) {
        for part in [tag.as_bytes(), bytes] {
            self.0.update(&(part.len() as u64).to_le_bytes());
            self.0.update(part);
        }
    }

    fn map(&mut self, map: &Map) {
        self.field("map", &(map.entries().count() as u64).to_le_bytes());
        for entry in map.entries() {
            self.field("key", entry.key.as_bytes());
            self.node(&entry.value);
        }
    }

    fn node(&mut self, node: &Node) {
        match node {
            Node::Map(map) => self.map(map),
            Node::List(list) => {
                self.field("list", &(list.values().count() as u64).to_le_bytes());
                list.values().for_each(|value| self.node(value));
            }
            Node::Alias(target) => self.node(target),
            Node::Scalar(scalar) => self.field(scalar.value_type().map_or("null", |kind| kind.name()), &scalar.to_bytes()),
        }
    }
}
