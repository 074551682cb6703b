//! [`Metadata`]: the `sops` block of a file. Reads what it knows and keeps what it does not.
//!
//! How the block is spelled in each format is the business of [`super::store`]; here it is an ordered map.
//! Fields and rules are measured on sops 3.11 and agree with its `stores/stores.go`.

use super::foreign::{self, ForeignKey};
use super::mac::MacScope;
use super::selector::{PatternError, Selector};
use super::timestamp::Timestamp;
use super::tree::{Entry, List, ListItem, Map, MapItem, Node, Scalar};

/// The version written into new files: the one whose format this is.
pub const VERSION: &str = "3.11.0";

/// The metadata of one file.
#[derive(Clone, Debug, PartialEq)]
pub struct Metadata {
    fields: Map,
    key_groups: Vec<KeyGroup>,
    shamir_threshold: Option<usize>,
    last_modified: Timestamp,
    mac: String,
    selector: Selector,
    mac_scope: MacScope,
    version: String,
}

/// Keys that all encrypt the same thing: the data key, or one share of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct KeyGroup {
    /// The age keys.
    pub age: Vec<WrappedKey>,
    /// Keys of other kinds, which are kept and cannot be used here.
    pub foreign: Vec<ForeignKey>,
}

/// The data key or a share of it, encrypted for one age recipient.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct WrappedKey {
    /// The recipient as written.
    pub recipient: String,
    /// The armored age file.
    pub armor: String,
}

/// What a new file's metadata is made of.
#[derive(Clone, Debug)]
pub struct NewMetadata {
    /// The key groups with the data key already wrapped.
    pub key_groups: Vec<KeyGroup>,
    /// How many groups are needed; only for two groups or more.
    pub shamir_threshold: Option<usize>,
    /// When the file was made.
    pub last_modified: Timestamp,
    /// The encrypted MAC.
    pub mac: String,
    /// Which leaves are encrypted; `None` for binary files, which name no selector.
    pub selector: Option<Selector>,
    /// What the MAC covers.
    pub mac_scope: MacScope,
}

/// Why a `sops` block cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum MetadataError {
    /// A field is missing or has the wrong type.
    #[error("the metadata field `{field}` is missing or malformed")]
    Field {
        /// Its name.
        field: &'static str,
    },
    /// The version is not one that sops reads.
    #[error("the metadata version `{version}` is not a version number, and sops refuses such files")]
    Version {
        /// What stands there.
        version: String,
    },
    /// More than one selector.
    #[error("the metadata names more than one of: {}", Selector::FIELDS.join(", "))]
    ManySelectors,
    /// The selector's regular expression is unusable.
    #[error(transparent)]
    Pattern(#[from] PatternError),
}

impl KeyGroup {
    /// How many keys the group has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.age.len() + self.foreign.len()
    }

    /// Whether the group has no keys.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Metadata {
    /// Reads a `sops` block.
    ///
    /// # Errors
    /// [`MetadataError`] for what sops refuses as well.
    pub fn parse(fields: Map) -> Result<Self, MetadataError> {
        let version = text(&fields, "version")?;
        if !is_version(&version) {
            return Err(MetadataError::Version { version });
        }
        let threshold = match fields.get("shamir_threshold") {
            None | Some(Node::Scalar(Scalar::Null)) => None,
            Some(node) => Some(whole_number(node).ok_or(MetadataError::Field { field: "shamir_threshold" })?),
        };
        Ok(Self {
            key_groups: key_groups(&fields)?,
            shamir_threshold: threshold.filter(|number| *number > 0),
            last_modified: time(&fields, "lastmodified")?,
            mac: match fields.get("mac") {
                None | Some(Node::Scalar(Scalar::Null)) => String::new(),
                Some(_) => text(&fields, "mac")?,
            },
            selector: selector(&fields)?,
            mac_scope: mac_scope(&fields)?,
            version,
            fields,
        })
    }

    /// Makes the metadata of a new file, fields in sops' order.
    #[must_use]
    pub fn create(new: NewMetadata) -> Self {
        let mut fields = Map::default();
        set_keys(&mut fields, &new.key_groups, new.shamir_threshold);
        fields.insert("lastmodified", Node::text(new.last_modified.as_str()));
        fields.insert("mac", Node::text(&new.mac));
        if let Some((field, value)) = new.selector.as_ref().map(Selector::to_field) {
            fields.insert(field, Node::text(value));
        }
        if new.mac_scope == MacScope::EncryptedOnly {
            fields.insert("mac_only_encrypted", Node::Scalar(Scalar::Bool(true)));
        }
        fields.insert("version", Node::text(VERSION));
        Self {
            fields,
            key_groups: new.key_groups,
            shamir_threshold: new.shamir_threshold,
            last_modified: new.last_modified,
            mac: new.mac,
            selector: new.selector.unwrap_or_default(),
            mac_scope: new.mac_scope,
            version: VERSION.to_owned(),
        }
    }

    /// The block as it is to be written, unknown fields included.
    #[must_use]
    pub const fn fields(&self) -> &Map {
        &self.fields
    }

    /// The key groups; one if the keys are listed flat.
    #[must_use]
    pub fn key_groups(&self) -> &[KeyGroup] {
        &self.key_groups
    }

    /// How many key groups are needed, if the file says so.
    #[must_use]
    pub const fn shamir_threshold(&self) -> Option<usize> {
        self.shamir_threshold
    }

    /// When the file was last written.
    #[must_use]
    pub const fn last_modified(&self) -> &Timestamp {
        &self.last_modified
    }

    /// The encrypted MAC; empty if the file has none.
    #[must_use]
    pub fn mac(&self) -> &str {
        &self.mac
    }

    /// Which leaves are encrypted.
    #[must_use]
    pub const fn selector(&self) -> &Selector {
        &self.selector
    }

    /// What the MAC covers.
    #[must_use]
    pub const fn mac_scope(&self) -> MacScope {
        self.mac_scope
    }

    /// The version of sops that made the file.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Records a new MAC and its time; the only two fields an edit changes.
    pub fn set_mac(&mut self, mac: String, last_modified: Timestamp) {
        self.fields.insert("lastmodified", Node::text(last_modified.as_str()));
        self.fields.insert("mac", Node::text(&mac));
        self.mac = mac;
        self.last_modified = last_modified;
    }

    /// Writes down how many key groups the file is to need when it has several.
    pub(super) fn set_threshold_of_one_group(&mut self, needed: usize) {
        put_first(&mut self.fields, "shamir_threshold", Node::Scalar(Scalar::Int(i64::try_from(needed).unwrap_or(i64::MAX))));
        self.shamir_threshold = Some(needed);
    }

    /// Replaces all keys.
    pub fn set_keys(&mut self, groups: Vec<KeyGroup>, shamir_threshold: Option<usize>) {
        set_keys(&mut self.fields, &groups, shamir_threshold);
        self.key_groups = groups;
        self.shamir_threshold = shamir_threshold;
    }
}

/// Writes the keys into the block, at their old place or at the front.
fn set_keys(fields: &mut Map, groups: &[KeyGroup], threshold: Option<usize>) {
    if let [group] = groups {
        fields.remove("key_groups");
        fields.remove("shamir_threshold");
        put_group(fields, group);
        return;
    }
    put_group(fields, &KeyGroup::default());
    let as_group = |group: &KeyGroup| {
        let mut map = Map::default();
        put_group(&mut map, group);
        ListItem::Value(Node::Map(map))
    };
    put_first(fields, "key_groups", Node::List(List { items: groups.iter().map(as_group).collect() }));
    let needed = threshold.unwrap_or(groups.len());
    put_first(fields, "shamir_threshold", Node::Scalar(Scalar::Int(i64::try_from(needed).unwrap_or(i64::MAX))));
}

/// Writes the keys of one group. Empty lists, as old versions of sops write them, stay.
fn put_group(map: &mut Map, group: &KeyGroup) {
    let mut put = |field: &str, keys: Node| {
        if keys.as_list().is_some_and(|list| list.items.is_empty()) {
            if map.get(field).and_then(Node::as_list).is_some_and(|list| !list.items.is_empty()) {
                map.remove(field);
            }
        } else {
            put_first(map, field, keys);
        }
    };
    put("age", wrapped_list(&group.age));
    for kind in foreign::KINDS {
        let entries = group.foreign.iter().filter(|key| key.name.kind == kind).map(|key| ListItem::Value(key.entry.clone()));
        put(kind, Node::List(List { items: entries.collect() }));
    }
}

fn put_first(fields: &mut Map, key: &str, value: Node) {
    match fields.get_mut(key) {
        Some(slot) => *slot = value,
        None => fields.items.insert(0, MapItem::Entry(Entry { key: key.to_owned(), value })),
    }
}

fn wrapped_list(keys: &[WrappedKey]) -> Node {
    let as_item = |key: &WrappedKey| {
        let mut map = Map::default();
        map.insert("recipient", Node::text(&key.recipient));
        map.insert("enc", Node::text(&key.armor));
        ListItem::Value(Node::Map(map))
    };
    Node::List(List { items: keys.iter().map(as_item).collect() })
}

fn key_groups(fields: &Map) -> Result<Vec<KeyGroup>, MetadataError> {
    let listed: Vec<&Node> = fields.get("key_groups").and_then(Node::as_list).map(|list| list.values().collect()).unwrap_or_default();
    if listed.is_empty() {
        return Ok(vec![key_group(fields)?]);
    }
    let wrong = MetadataError::Field { field: "key_groups" };
    let maps: Option<Vec<&Map>> = listed.into_iter().map(Node::as_map).collect();
    maps.ok_or(wrong)?.into_iter().map(key_group).collect()
}

fn key_group(map: &Map) -> Result<KeyGroup, MetadataError> {
    let items =
        |field: &str| -> Vec<&Node> { map.get(field).and_then(Node::as_list).map(|list| list.values().collect()).unwrap_or_default() };
    let mut group = KeyGroup::default();
    for node in items("age") {
        let entry = node.as_map().ok_or(MetadataError::Field { field: "age" })?;
        group.age.push(WrappedKey { recipient: text(entry, "recipient")?, armor: text(entry, "enc")? });
    }
    for kind in foreign::KINDS {
        group.foreign.extend(items(kind).into_iter().map(|entry| ForeignKey::of_entry(kind, entry)));
    }
    Ok(group)
}

fn selector(fields: &Map) -> Result<Selector, MetadataError> {
    let mut found = None;
    for field in Selector::FIELDS {
        let value = match fields.get(field) {
            None | Some(Node::Scalar(Scalar::Null)) => continue,
            Some(_) => text(fields, field)?,
        };
        if value.is_empty() {
            continue;
        }
        if found.is_some() {
            return Err(MetadataError::ManySelectors);
        }
        found = Selector::from_field(field, &value)?;
    }
    Ok(found.unwrap_or_default())
}

fn mac_scope(fields: &Map) -> Result<MacScope, MetadataError> {
    let on = match fields.get("mac_only_encrypted") {
        None | Some(Node::Scalar(Scalar::Null)) => false,
        Some(Node::Scalar(Scalar::Bool(on))) => *on,
        Some(node) => match node.as_str() {
            Some("true") => true,
            Some("false" | "") => false,
            _ => {
                return Err(MetadataError::Field { field: "mac_only_encrypted" });
            }
        },
    };
    Ok(if on { MacScope::EncryptedOnly } else { MacScope::AllValues })
}

fn text(map: &Map, field: &'static str) -> Result<String, MetadataError> {
    map.get(field).and_then(Node::as_str).map(str::to_owned).ok_or(MetadataError::Field { field })
}

fn time(map: &Map, field: &'static str) -> Result<Timestamp, MetadataError> {
    let found = match map.get(field) {
        Some(Node::Scalar(Scalar::Time(time))) => Some(time.clone()),
        Some(node) => node.as_str().and_then(Timestamp::parse_rfc3339),
        None => None,
    };
    found.ok_or(MetadataError::Field { field })
}

fn whole_number(node: &Node) -> Option<usize> {
    match node {
        Node::Scalar(Scalar::Int(number)) => usize::try_from(*number).ok(),
        Node::Scalar(Scalar::Float(number)) => number.to_string().parse().ok(),
        node => node.as_str()?.parse().ok(),
    }
}

/// Whether sops' version parser takes the text: two or three numbers with an optional `v` before and `-…` or `+…` behind.
fn is_version(version: &str) -> bool {
    let core = version.strip_prefix('v').unwrap_or(version).split(['-', '+']).next().unwrap_or_default();
    let parts: Vec<&str> = core.split('.').collect();
    (2..=3).contains(&parts.len()) && parts.iter().all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()))
}
