//! `.sops.yaml`: which rule applies to a new file, and warnings where sops is silent.
//!
//! Finding and reading the configuration file is the caller's business. The rules of evaluation (order, first match
//! wins, the path is relative to the configuration's directory) are measured on sops 3.11 and agree with its
//! `config/config.go`.

use super::mac::MacScope;
use super::ops::Audience;
use super::recipient::{Recipient, RecipientError};
use super::selector::{Pattern, PatternError, Selector};
use super::store::yaml::Yaml;
use super::store::{ReadError, Store, Style};
use super::tree::{Map, Node, Scalar};

/// A parsed `.sops.yaml`.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// The creation rules in order; `None` if the file has no `creation_rules` (sops then ignores it).
    pub rules: Option<Vec<CreationRule>>,
    /// How files are to be indented.
    pub style: Style,
    /// What sops would not mention.
    pub warnings: Vec<Warning>,
}

/// One creation rule.
#[derive(Clone, Debug)]
pub struct CreationRule {
    /// Which paths it is for; `None` is for all.
    pub path_regex: Option<Pattern>,
    /// The age recipients.
    pub audience: Audience,
    /// The kinds of keys (`kms`, `pgp`, …) it names besides age.
    pub foreign: Vec<String>,
    /// Which leaves are encrypted; `None` means sops' default.
    pub selector: Option<Selector>,
    /// What the MAC covers.
    pub mac_scope: MacScope,
}

/// Something in a `.sops.yaml` that sops passes over in silence.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Warning {
    /// A key that sops does not know, perhaps misspelled.
    UnknownKey {
        /// Where: `creation_rules[0]`, or empty for the top level.
        place: String,
        /// The key.
        key: String,
    },
    /// A rule behind one that matches every path.
    Unreachable {
        /// Index of the rule, from 0.
        rule: usize,
        /// Index of the rule that hides it.
        hidden_by: usize,
    },
    /// A rule without any key: nobody could open its files.
    NoKeys {
        /// Index of the rule, from 0.
        rule: usize,
    },
    /// The rules are missing, so the file does nothing.
    NoRules,
}

/// Why a `.sops.yaml` cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// It is not YAML as sops reads it.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A field has the wrong type.
    #[error("{place}: `{field}` is malformed")]
    Field {
        /// Where: `creation_rules[0]`.
        place: String,
        /// The field.
        field: &'static str,
    },
    /// More than one selector in a rule.
    #[error("{place}: more than one of: {}", Selector::FIELDS.join(", "))]
    ManySelectors {
        /// Where.
        place: String,
    },
    /// A regular expression is unusable.
    #[error("{place}: {source}")]
    Pattern {
        /// Where.
        place: String,
        /// Why.
        source: PatternError,
    },
    /// A recipient is unusable.
    #[error("{place}: {source}")]
    Recipient {
        /// Where.
        place: String,
        /// Why.
        source: RecipientError,
    },
}

/// No rule matches a path, though there are rules.
#[derive(Debug, thiserror::Error)]
#[error("no creation rule in .sops.yaml matches `{path}`")]
pub struct NoMatchingRule {
    /// The path, relative to the configuration's directory.
    pub path: String,
}

const TOP_KEYS: [&str; 3] = ["creation_rules", "destination_rules", "stores"];
const FOREIGN_KEYS: [&str; 7] = ["kms", "gcp_kms", "hckms", "azure_keyvault", "hc_vault_transit_uri", "hc_vault", "pgp"];
const OTHER_KEYS: [&str; 6] = ["path_regex", "age", "key_groups", "shamir_threshold", "mac_only_encrypted", "aws_profile"];

impl Config {
    /// Reads a `.sops.yaml`.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn parse(bytes: &[u8]) -> Result<Self, ConfigError> {
        let source = Yaml::default().read_encrypted(bytes)?;
        let top = source.tree.documents.into_iter().next().unwrap_or_default();
        let mut config = Self { style: style(&top), ..Self::default() };
        config.warn_unknown("", &top, |key| TOP_KEYS.contains(&key));
        let Some(node) = top.get("creation_rules").filter(|node| !is_null(node)) else {
            config.warnings.push(Warning::NoRules);
            return Ok(config);
        };
        let wrong = || ConfigError::Field { place: "the top level".to_owned(), field: "creation_rules" };
        let list = node.as_list().ok_or_else(wrong)?;
        let mut rules = Vec::new();
        for (at, node) in list.values().enumerate() {
            let place = format!("creation_rules[{at}]");
            let map = node.as_map().ok_or_else(wrong)?;
            config.warn_unknown(&place, map, |key| {
                OTHER_KEYS.contains(&key) || FOREIGN_KEYS.contains(&key) || Selector::FIELDS.contains(&key)
            });
            rules.push(rule(map, &place)?);
        }
        config.warn_rules(&rules);
        config.rules = Some(rules);
        Ok(config)
    }

    /// The rule for a path relative to the configuration's directory, with `/` between its parts; `None` if the
    /// file has no rules at all.
    ///
    /// # Errors
    /// [`NoMatchingRule`] if there are rules and none matches; sops refuses to encrypt then.
    pub fn rule_for(&self, path: &str) -> Result<Option<&CreationRule>, NoMatchingRule> {
        let Some(rules) = &self.rules else { return Ok(None) };
        let found = rules.iter().find(|rule| rule.matches(path));
        found.map(Some).ok_or_else(|| NoMatchingRule { path: path.to_owned() })
    }

    fn warn_unknown(&mut self, place: &str, map: &Map, known: impl Fn(&str) -> bool) {
        for entry in map.entries().filter(|entry| !known(&entry.key)) {
            self.warnings.push(Warning::UnknownKey { place: place.to_owned(), key: entry.key.clone() });
        }
    }

    fn warn_rules(&mut self, rules: &[CreationRule]) {
        let catch_all = rules.iter().position(CreationRule::matches_everything);
        for (at, rule) in rules.iter().enumerate() {
            if let Some(hidden_by) = catch_all.filter(|first| *first < at) {
                self.warnings.push(Warning::Unreachable { rule: at, hidden_by });
            }
            if rule.foreign.is_empty() && rule.audience.groups.iter().all(Vec::is_empty) {
                self.warnings.push(Warning::NoKeys { rule: at });
            }
        }
    }
}

impl CreationRule {
    /// Whether the rule is for a path.
    #[must_use]
    pub fn matches(&self, path: &str) -> bool {
        self.path_regex.as_ref().is_none_or(|pattern| pattern.is_match(path.as_bytes()))
    }

    /// Whether the rule is for all paths.
    #[must_use]
    pub fn matches_everything(&self) -> bool {
        self.path_regex.as_ref().is_none_or(|pattern| matches!(pattern.as_str(), "" | ".*" | "^.*$" | "^" | "^.*" | ".*$"))
    }
}

fn rule(map: &Map, place: &str) -> Result<CreationRule, ConfigError> {
    let pattern = |source| ConfigError::Pattern { place: place.to_owned(), source };
    let path_regex = text(map, "path_regex", place)?.filter(|regex| !regex.is_empty());
    let path_regex = path_regex.map(Pattern::new).transpose().map_err(pattern)?;
    let mut selector = None;
    for field in Selector::FIELDS {
        let Some(value) = text(map, field, place)?.filter(|value| !value.is_empty()) else { continue };
        if selector.is_some() {
            return Err(ConfigError::ManySelectors { place: place.to_owned() });
        }
        selector = Selector::from_field(field, value).map_err(pattern)?;
    }
    let mac_scope = match map.get("mac_only_encrypted") {
        Some(Node::Scalar(Scalar::Bool(true))) => MacScope::EncryptedOnly,
        None | Some(Node::Scalar(Scalar::Bool(false) | Scalar::Null)) => MacScope::AllValues,
        Some(_) => return Err(ConfigError::Field { place: place.to_owned(), field: "mac_only_encrypted" }),
    };
    let shamir_threshold = match map.get("shamir_threshold") {
        None | Some(Node::Scalar(Scalar::Null | Scalar::Int(0))) => None,
        Some(Node::Scalar(Scalar::Int(number))) => usize::try_from(*number).ok(),
        Some(_) => return Err(ConfigError::Field { place: place.to_owned(), field: "shamir_threshold" }),
    };
    let (groups, foreign) = groups(map, place)?;
    Ok(CreationRule { path_regex, audience: Audience { groups, shamir_threshold }, foreign, selector, mac_scope })
}

type Groups = (Vec<Vec<Recipient>>, Vec<String>);

/// The key groups of a rule; keys beside `key_groups` are ignored by sops when there are groups.
fn groups(map: &Map, place: &str) -> Result<Groups, ConfigError> {
    let Some(node) = map.get("key_groups").filter(|node| !is_null(node)) else {
        let mut foreign = Vec::new();
        let group = group(map, place, &mut foreign)?;
        return Ok((vec![group], foreign));
    };
    let wrong = || ConfigError::Field { place: place.to_owned(), field: "key_groups" };
    let (mut groups, mut foreign) = (Vec::new(), Vec::new());
    for node in node.as_list().ok_or_else(wrong)?.values() {
        groups.push(group(node.as_map().ok_or_else(wrong)?, place, &mut foreign)?);
    }
    Ok((groups, foreign))
}

fn group(map: &Map, place: &str, foreign: &mut Vec<String>) -> Result<Vec<Recipient>, ConfigError> {
    foreign.extend(FOREIGN_KEYS.iter().filter(|key| map.get(key).is_some_and(|n| !is_null(n))).map(|key| (*key).to_owned()));
    let mut recipients = recipients(map.get("age"), place)?;
    let merged = map.get("merge").and_then(Node::as_list);
    for node in merged.iter().flat_map(|list| list.values()) {
        let inner = node.as_map().ok_or_else(|| ConfigError::Field { place: place.to_owned(), field: "merge" })?;
        for recipient in group(inner, place, foreign)? {
            if !recipients.contains(&recipient) {
                recipients.push(recipient);
            }
        }
    }
    Ok(recipients)
}

/// `age:` is a text with commas or a list.
fn recipients(node: Option<&Node>, place: &str) -> Result<Vec<Recipient>, ConfigError> {
    let wrong = || ConfigError::Field { place: place.to_owned(), field: "age" };
    let texts: Vec<&str> = match node {
        None | Some(Node::Scalar(Scalar::Null)) => Vec::new(),
        Some(Node::List(list)) => list.values().map(|node| node.as_str().ok_or_else(wrong)).collect::<Result<_, _>>()?,
        Some(node) => node.as_str().ok_or_else(wrong)?.split(',').collect(),
    };
    parse_recipients(texts.into_iter()).map_err(|source| ConfigError::Recipient { place: place.to_owned(), source })
}

/// Reads a list of recipients as in `--age` or `SOPS_AGE_RECIPIENTS`: commas, blanks and line feeds around them.
///
/// # Errors
/// [`RecipientError`] for the first bad one.
pub fn recipient_list(text: &str) -> Result<Vec<Recipient>, RecipientError> {
    parse_recipients(text.split(','))
}

fn parse_recipients<'a>(texts: impl Iterator<Item = &'a str>) -> Result<Vec<Recipient>, RecipientError> {
    texts.map(str::trim).filter(|text| !text.is_empty()).map(Recipient::parse).collect()
}

fn style(top: &Map) -> Style {
    let indent = |format: &str| -> Option<usize> {
        let store = top.get("stores")?.as_map()?.get(format)?.as_map()?;
        match store.get("indent")? {
            Node::Scalar(Scalar::Int(number)) => usize::try_from(*number).ok().filter(|n| (1..=16).contains(n)),
            _ => None,
        }
    };
    Style { yaml_indent: indent("yaml"), json_indent: indent("json") }
}

fn text<'a>(map: &'a Map, field: &'static str, place: &str) -> Result<Option<&'a str>, ConfigError> {
    match map.get(field) {
        None => Ok(None),
        Some(node) if is_null(node) => Ok(None),
        Some(node) => node.as_str().map(Some).ok_or_else(|| ConfigError::Field { place: place.to_owned(), field }),
    }
}

const fn is_null(node: &Node) -> bool {
    matches!(node, Node::Scalar(Scalar::Null))
}
