//! Keys of other kinds than age (KMS, PGP, Vault, …): another program encrypts data keys for them.
//!
//! That program is sops. It is given a file that holds nothing but a word, under the data key in question, which an age identity
//! made for this purpose opens; and a `.sops.yaml` that names the keys of other kinds. It never sees a value. What it gives back
//! is opened with that identity, so that each group is known to hold what it should, and the identity is forgotten.

use age::secrecy::ExposeSecret;
use zeroize::Zeroizing;

use super::data_key::DataKey;
use super::foreign::{self, ForeignKey, ForeignName};
use super::keyring::Keyring;
use super::mac::MacScope;
use super::metadata::Metadata;
use super::ops::{self, AlteredNumbers, Audience, NothingSelected, Plan};
use super::plugin::NoPlugins;
use super::recipient::Recipient;
use super::shamir::{self, Share};
use super::store::Store;
use super::store::yaml::Yaml;
use super::timestamp::Timestamp;
use super::tree::{List, ListItem, Map, Node, Tree};

/// Runs the program.
pub trait KeyService: Sync {
    /// Brings the keys of a file in line with a configuration, as `sops updatekeys --yes` does, and gives the new file.
    ///
    /// # Errors
    /// What the program said.
    fn update_keys(&self, errand: &Errand) -> Result<Vec<u8>, String>;
}

/// What the program is given.
pub struct Errand {
    /// The content of `.sops.yaml`.
    pub config: Vec<u8>,
    /// The file; its name ends in `.yaml`.
    pub file: Vec<u8>,
    /// The identity that opens the file, and nothing else.
    pub identity: Zeroizing<String>,
}

/// Why the data key was not encrypted for keys of other kinds.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// The program failed.
    #[error("sops could not encrypt the data key for {}:\n{reason}", join(.names))]
    Failed {
        /// The keys.
        names: Vec<ForeignName>,
        /// What it said.
        reason: String,
    },
    /// What it gave back lacks a key, or holds another data key.
    #[error("sops did not encrypt the data key for {}", join(.names))]
    Lacking {
        /// The keys.
        names: Vec<ForeignName>,
    },
    /// The file for the program cannot be made.
    #[error("cannot prepare a file for sops: {0}")]
    Prepare(String),
}

/// The keys of other kinds of one group, and what all keys of the group encrypt.
pub(super) struct Wrapped {
    pub(super) share: Share,
    pub(super) keys: Vec<ForeignKey>,
}

/// Lets the program encrypt a data key for the keys of other kinds of an audience.
pub(super) fn wrap(service: &dyn KeyService, key: &DataKey, audience: &Audience) -> Result<Vec<Wrapped>, ServiceError> {
    let names: Vec<ForeignName> = audience.foreign.iter().flatten().cloned().collect();
    let identity = age::x25519::Identity::generate();
    let errand = prepare(key, audience, &identity)?;
    let file = service.update_keys(&errand).map_err(|reason| ServiceError::Failed { names: names.clone(), reason })?;
    read(&file, key, audience, &errand.identity).ok_or(ServiceError::Lacking { names })
}

fn prepare(key: &DataKey, audience: &Audience, identity: &age::x25519::Identity) -> Result<Errand, ServiceError> {
    let failed = |error: &dyn std::fmt::Display| ServiceError::Prepare(error.to_string());
    let recipient = identity.to_public().to_string();
    let rule = audience.rule.as_ref().map(|rule| foreign::rule_without_age(rule, &recipient)).unwrap_or_default();
    let mut config = Map::default();
    config.insert("creation_rules", Node::List(List { items: vec![ListItem::Value(Node::Map(rule))] }));
    let store = Yaml::default();
    let config = store.write(&Tree { documents: vec![config] }, None, None).map_err(|error| failed(&error))?;
    let mut values = Map::default();
    values.insert("made_by", Node::text("sopup"));
    let mut tree = Tree { documents: vec![values] };
    let plan = Plan {
        audience: Audience::of(vec![Recipient::parse(&recipient).map_err(|error| failed(&error))?]),
        selector: Some(Default::default()),
        mac_scope: MacScope::AllValues,
        comments: Default::default(),
        nothing_selected: NothingSelected::Refuse,
        altered_numbers: AlteredNumbers::Refuse,
        now: Timestamp::parse_rfc3339("2000-01-01T00:00:00Z").expect("it is a time"),
    };
    let mut metadata = ops::seal(&mut tree, key, &plan, &NoPlugins).map_err(|error| failed(&error))?;
    if audience.groups.len() > 1 {
        // sops takes the threshold from the file, not from the rule.
        metadata.set_threshold_of_one_group(needed(audience));
    }
    let file = store.write(&tree, Some(&metadata), None).map_err(|error| failed(&error))?;
    Ok(Errand { config, file, identity: Zeroizing::new(identity.to_string().expose_secret().to_owned()) })
}

/// How many key groups open the file.
fn needed(audience: &Audience) -> usize {
    audience.shamir_threshold.unwrap_or(audience.groups.len())
}

/// What the program made of the file; `None` if a group does not open, or lacks a key.
fn read(file: &[u8], key: &DataKey, audience: &Audience, identity: &str) -> Option<Vec<Wrapped>> {
    let mut keyring = Keyring::new();
    keyring.add_text(identity.as_bytes(), "sopup", &NoPlugins).ok()?;
    let metadata = Metadata::parse(Yaml::default().read_encrypted(file).ok()?.metadata?).ok()?;
    let groups = metadata.key_groups();
    if groups.len() != audience.groups.len() {
        return None;
    }
    let wrapped: Option<Vec<Wrapped>> = groups
        .iter()
        .zip(&audience.foreign)
        .map(|(group, wanted)| {
            let has = |name: &ForeignName| group.foreign.iter().any(|key| key.name.is_same(name));
            let share = keyring.open_group(group)?;
            wanted.iter().all(has).then(|| Wrapped { share, keys: group.foreign.clone() })
        })
        .collect();
    let wrapped = wrapped?;
    let whole = match &wrapped[..] {
        [one] => one.share.clone(),
        more => shamir::combine(&more.iter().take(needed(audience)).map(|group| group.share.clone()).collect::<Vec<_>>()).ok()?,
    };
    (whole.as_slice() == key.expose()).then_some(wrapped)
}

fn join(names: &[ForeignName]) -> String {
    names.iter().map(ForeignName::to_string).collect::<Vec<_>>().join(", ")
}
