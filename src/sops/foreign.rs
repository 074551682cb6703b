//! [`ForeignKey`]: keys of other kinds than age (KMS, PGP, Vault, …). They are named, compared, kept and removed; nothing is
//! encrypted or decrypted with them.
//!
//! Names are those that sops prints, so that a key in a file and the same key in `.sops.yaml` have one name.

use std::fmt;

use super::tree::{List, ListItem, Map, Node, Scalar};

/// The fields of metadata that hold such keys.
pub const KINDS: [&str; 6] = ["kms", "gcp_kms", "hckms", "azure_kv", "hc_vault", "pgp"];

/// The fields of `.sops.yaml` that name such keys, with the field of metadata that holds them.
const RULE_FIELDS: [(&str, &str); 7] = [
    ("kms", "kms"),
    ("gcp_kms", "gcp_kms"),
    ("hckms", "hckms"),
    ("azure_keyvault", "azure_kv"),
    ("hc_vault_transit_uri", "hc_vault"),
    ("hc_vault", "hc_vault"),
    ("pgp", "pgp"),
];

/// How many digits a long id has.
const LONG_ID: usize = 16;

/// The name of a key of another kind.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct ForeignName {
    /// The field of metadata: `kms`, `pgp`, …
    pub kind: &'static str,
    /// An ARN, a fingerprint, an address, …
    pub name: String,
}

/// The data key or a share of it, encrypted for a key of another kind.
#[derive(Clone, Debug, PartialEq)]
pub struct ForeignKey {
    /// Which key it is.
    pub name: ForeignName,
    /// The entry as it stands in the metadata.
    pub entry: Node,
}

impl fmt::Display for ForeignName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.name)
    }
}

impl ForeignName {
    /// Whether both name one key. A rule may leave out the version of an Azure key; the file then has the version that was
    /// current. Fingerprints are hexadecimal, and a long id of a PGP key is the end of its fingerprint.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        if self.kind != other.kind {
            return false;
        }
        match self.kind {
            "pgp" => is_end_of(&self.name, &other.name) || is_end_of(&other.name, &self.name),
            "azure_kv" => self.name == other.name || is_version_of(&self.name, &other.name) || is_version_of(&other.name, &self.name),
            _ => self.name == other.name,
        }
    }
}

impl ForeignKey {
    /// Reads an entry of the metadata field `kind`.
    #[must_use]
    pub fn of_entry(kind: &'static str, entry: &Node) -> Self {
        let name = entry.as_map().map(|map| entry_name(kind, map)).unwrap_or_default();
        Self { name: ForeignName { kind, name }, entry: entry.clone() }
    }
}

/// The keys of other kinds that a creation rule or one of its key groups names.
#[must_use]
pub fn named_by(rule: &Map) -> Vec<ForeignName> {
    let mut found: Vec<ForeignName> = Vec::new();
    for (field, kind) in RULE_FIELDS {
        let names = rule.get(field).map(|node| names(kind, node)).unwrap_or_default();
        for name in names.into_iter().map(|name| ForeignName { kind, name }) {
            if !found.iter().any(|known| known.is_same(&name)) {
                found.push(name);
            }
        }
    }
    found
}

/// A creation rule with the keys of other kinds as they are written, and `recipient` as the only age key of each group.
#[must_use]
pub fn rule_without_age(rule: &Map, recipient: &str) -> Map {
    let groups = rule.get("key_groups").and_then(Node::as_list).filter(|list| list.values().any(|node| node.as_map().is_some()));
    let mut made = group_without_age(rule);
    match groups {
        None => made.insert("age", Node::text(recipient)),
        Some(groups) => {
            let with_age = |map: &Map| {
                let mut group = group_without_age(map);
                let list = List { items: vec![ListItem::Value(Node::text(recipient))] };
                group.insert("age", Node::List(list));
                ListItem::Value(Node::Map(group))
            };
            let items = groups.values().filter_map(Node::as_map).map(with_age).collect();
            made.insert("key_groups", Node::List(List { items }));
        }
    }
    made
}

/// The fields of a rule or a key group that other programs need.
fn group_without_age(map: &Map) -> Map {
    let mut made = Map::default();
    for entry in map.entries().filter(|entry| is_rule_field(&entry.key) || entry.key == "aws_profile") {
        made.insert(&entry.key, entry.value.clone());
    }
    if let Some(merged) = map.get("merge").and_then(Node::as_list) {
        let items = merged.values().filter_map(Node::as_map).map(|map| ListItem::Value(Node::Map(group_without_age(map)))).collect();
        made.insert("merge", Node::List(List { items }));
    }
    made
}

/// Whether a field of a creation rule names such keys.
#[must_use]
pub fn is_rule_field(field: &str) -> bool {
    RULE_FIELDS.iter().any(|(known, _)| *known == field)
}

/// A text with commas, a list of such texts, or a list of maps.
fn names(kind: &'static str, node: &Node) -> Vec<String> {
    match node {
        Node::Alias(target) => names(kind, target),
        Node::List(list) => list.values().flat_map(|node| names(kind, node)).collect(),
        Node::Map(map) => Some(group_name(kind, map)).filter(|name| !name.is_empty()).into_iter().collect(),
        Node::Scalar(_) => {
            let texts = node.as_str().unwrap_or_default().split(',');
            let names = texts.map(|text| text.split_whitespace().collect::<String>()).filter(|text| !text.is_empty());
            names.map(|text| text.trim_end_matches('/').to_owned()).collect()
        }
    }
}

/// The name of a key that a key group of `.sops.yaml` gives as a map.
fn group_name(kind: &str, map: &Map) -> String {
    match kind {
        "azure_kv" => azure(text(map, "vaultUrl"), text(map, "key"), text(map, "version")),
        _ => entry_name(kind, map),
    }
}

/// The name of a key in the metadata of a file.
fn entry_name(kind: &str, map: &Map) -> String {
    match kind {
        "kms" => {
            let mut name = text(map, "arn").to_owned();
            if !text(map, "role").is_empty() {
                name.push_str(&format!("+{}", text(map, "role")));
            }
            let context = map.get("context").and_then(Node::as_map);
            let mut pairs: Vec<String> = context
                .iter()
                .flat_map(|map| map.entries())
                .map(|entry| format!("{}:{}", entry.key, entry.value.as_str().unwrap_or_default()))
                .collect();
            pairs.sort();
            if pairs.is_empty() { name } else { format!("{name}|{}", pairs.join(",")) }
        }
        "gcp_kms" => text(map, "resource_id").to_owned(),
        "hckms" => text(map, "key_id").to_owned(),
        "azure_kv" => azure(text(map, "vault_url"), text(map, "name"), text(map, "version")),
        "hc_vault" => {
            let (address, engine) = (text(map, "vault_address"), text(map, "engine_path"));
            format!("{}/v1/{}/keys/{}", address.trim_end_matches('/'), engine.trim_matches('/'), text(map, "key_name"))
        }
        _ => text(map, "fp").to_owned(),
    }
}

fn azure(vault: &str, key: &str, version: &str) -> String {
    format!("{}/keys/{key}/{version}", vault.trim_end_matches('/')).trim_end_matches('/').to_owned()
}

/// Whether `long` is the Azure key `short` in a certain version.
fn is_version_of(long: &str, short: &str) -> bool {
    let key = short.split_once("/keys/").map(|(_, key)| key);
    let version = long.strip_prefix(short).and_then(|rest| rest.strip_prefix('/'));
    key.is_some_and(|key| !key.contains('/')) && version.is_some_and(|version| !version.contains('/'))
}

/// Whether `short` is the PGP key `long`, given by its fingerprint or its long id.
fn is_end_of(short: &str, long: &str) -> bool {
    let bare = |name: &str| name.trim_start_matches("0x").to_ascii_lowercase();
    let (short, long) = (bare(short), bare(long));
    short == long || (short.len() >= LONG_ID && long.ends_with(&short))
}

fn text<'a>(map: &'a Map, field: &str) -> &'a str {
    match map.get(field) {
        Some(Node::Alias(target)) => target.as_str().unwrap_or_default(),
        Some(node @ Node::Scalar(Scalar::Text(_))) => node.as_str().unwrap_or_default(),
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_and_a_file_name_the_same_keys() {
        let pairs = [
            ("azure_kv", "https://a.vault.azure.net/keys/k", "https://a.vault.azure.net/keys/k/0123", true),
            ("azure_kv", "https://a.vault.azure.net/keys/k/1", "https://a.vault.azure.net/keys/k/2", false),
            ("azure_kv", "https://a.vault.azure.net/keys/k", "https://a.vault.azure.net/keys/kk", false),
            ("pgp", "abcd", "ABCD", true),
            ("pgp", "FEB9EA0B2906786F", "1E89C0FFEE0000000000F00DFEB9EA0B2906786F", true),
            ("pgp", "2906786F", "1E89C0FFEE0000000000F00DFEB9EA0B2906786F", false),
            ("kms", "arn:aws:kms:a", "arn:aws:kms:A", false),
        ];
        for (kind, a, b, same) in pairs {
            let name = |name: &str| ForeignName { kind, name: name.to_owned() };
            assert_eq!((name(a).is_same(&name(b)), name(b).is_same(&name(a))), (same, same), "{a} {b}");
        }
    }
}
