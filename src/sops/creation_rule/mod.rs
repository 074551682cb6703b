//! `.sops.yaml`: which rule applies to a new file, and warnings where sops is silent.
//!
//! Finding and reading the configuration file is the caller's business. The rules of evaluation (order, first match
//! wins, the path is relative to the configuration's directory) are measured on sops 3.11 and agree with its
//! `config/config.go`. A rule is judged when it applies: a fault in another one is no reason to fail, but for a field of
//! the wrong type, which is an error of the whole file.

mod rule;
mod settle;

pub use rule::recipient_list;

use std::sync::Arc;

use super::foreign::is_rule_field;
use super::mac::MacScope;
use super::ops::Audience;
use super::recipient::RecipientError;
use super::selector::{Pattern, PatternError, Selector};
use super::store::yaml::Yaml;
use super::store::{ReadError, Style};
use super::tree::{Map, Node, Scalar};

/// A parsed `.sops.yaml`.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// The creation rules in order; `None` if the file has no `creation_rules` (sops then ignores it).
    rules: Option<Vec<Listed>>,
    /// How files are to be indented.
    pub style: Style,
    /// What sops would not mention.
    pub warnings: Vec<Warning>,
}

/// A rule as it stands in the file, sound or not.
#[derive(Clone, Debug)]
struct Listed {
    path_regex: Result<Option<Pattern>, Arc<ConfigError>>,
    rule: Result<CreationRule, Arc<ConfigError>>,
}

/// One creation rule.
#[derive(Clone, Debug)]
pub struct CreationRule {
    /// Which paths it is for; `None` is for all.
    pub path_regex: Option<Pattern>,
    /// Who can open the files: age recipients and keys of other kinds.
    pub audience: Audience,
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
    /// A field has the wrong type; sops then rejects the whole file.
    #[error("{place}: `{field}` is malformed")]
    Field {
        /// Where: `creation_rules[0]`.
        place: String,
        /// The field.
        field: &'static str,
    },
    /// The recipients are neither a text nor a list of texts; sops says so only of the rule that applies.
    #[error("{place}: `age` is malformed")]
    AgeKeys {
        /// Where.
        place: String,
    },
    /// The paths of a rule are not told by a regular expression of Go.
    #[error("{place}: `path_regex` is no regular expression of Go, and sops encrypts nothing once it comes to this rule: {reason}")]
    PathPattern {
        /// Where.
        place: String,
        /// What the compiler says.
        reason: String,
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

/// Why there is no rule for a path.
#[derive(Debug, thiserror::Error)]
pub enum RuleError {
    /// No rule matches the path, though there are rules.
    #[error("no creation rule in .sops.yaml matches `{path}`")]
    NoMatch {
        /// The path, relative to the configuration's directory.
        path: String,
    },
    /// The rule that applies is unusable, or one before it whose paths cannot be told.
    #[error(transparent)]
    Broken(Arc<ConfigError>),
}

const TOP_KEYS: [&str; 3] = ["creation_rules", "destination_rules", "stores"];
const OTHER_KEYS: [&str; 6] = ["path_regex", "age", "key_groups", "shamir_threshold", "mac_only_encrypted", "aws_profile"];

impl Config {
    /// Reads a `.sops.yaml`, in UTF-16 too.
    ///
    /// # Errors
    /// [`ConfigError`] for what is no configuration at all. A rule that cannot be used fails when it applies.
    pub fn parse(bytes: &[u8]) -> Result<Self, ConfigError> {
        let written = Yaml::default().read_settings(bytes)?;
        let mut config = Self::default();
        config.warn_unknown_top(&written);
        let top = settle::settled(&written)?;
        config.style = style(&top);
        let Some(node) = top.get("creation_rules").filter(|node| !is_null(node)) else {
            config.warnings.push(Warning::NoRules);
            return Ok(config);
        };
        let wrong = || ConfigError::Field { place: "the top level".to_owned(), field: "creation_rules" };
        let mut rules = Vec::new();
        for (at, node) in node.as_list().ok_or_else(wrong)?.values().filter(|node| !is_null(node)).enumerate() {
            let place = format!("creation_rules[{at}]");
            let map = node.as_map().ok_or_else(wrong)?;
            config.warn_unknown(&place, map);
            rules.push(Listed::read(map, &place).map_err(|error| error.with_line(bytes, at))?);
        }
        config.warn_rules(&rules);
        config.rules = Some(rules);
        Ok(config)
    }

    /// The rule for a path relative to the configuration's directory, with `/` between its parts; `None` if the
    /// file has no rules at all.
    ///
    /// # Errors
    /// [`RuleError`] if there are rules and none matches, or the one that does is unusable; sops refuses to encrypt then.
    pub fn rule_for(&self, path: &str) -> Result<Option<&CreationRule>, RuleError> {
        let Some(rules) = &self.rules else { return Ok(None) };
        for listed in rules {
            let path_regex = listed.path_regex.as_ref().map_err(|error| RuleError::Broken(Arc::clone(error)))?;
            if path_regex.as_ref().is_none_or(|pattern| pattern.is_match(path.as_bytes())) {
                return listed.rule.as_ref().map(Some).map_err(|error| RuleError::Broken(Arc::clone(error)));
            }
        }
        Err(RuleError::NoMatch { path: path.to_owned() })
    }

    /// Whether the file has creation rules.
    #[must_use]
    pub const fn has_rules(&self) -> bool {
        self.rules.is_some()
    }

    /// The rules that can be used.
    pub fn sound_rules(&self) -> impl Iterator<Item = &CreationRule> {
        self.rules.iter().flatten().filter_map(|listed| listed.rule.as_ref().ok())
    }

    /// What is wrong with the others.
    pub fn faults(&self) -> impl Iterator<Item = &ConfigError> {
        self.rules
            .iter()
            .flatten()
            .filter_map(|listed| listed.path_regex.as_ref().err().or(listed.rule.as_ref().err()))
            .map(|error| &**error)
    }

    /// Keys whose anchors are used elsewhere, such as `keys:`, are the place where such things are written.
    fn warn_unknown_top(&mut self, top: &Map) {
        let mut targets = Vec::new();
        top.entries().for_each(|entry| settle::alias_targets(&entry.value, &mut targets));
        for entry in top.entries().filter(|entry| !TOP_KEYS.contains(&entry.key.as_str()) && !settle::is_lent(&entry.value, &targets)) {
            self.warnings.push(Warning::UnknownKey { place: String::new(), key: entry.key.clone() });
        }
    }

    fn warn_unknown(&mut self, place: &str, rule: &Map) {
        let known = |key: &str| OTHER_KEYS.contains(&key) || is_rule_field(key) || Selector::FIELDS.contains(&key);
        for entry in rule.entries().filter(|entry| !known(&entry.key)) {
            self.warnings.push(Warning::UnknownKey { place: place.to_owned(), key: entry.key.clone() });
        }
    }

    fn warn_rules(&mut self, rules: &[Listed]) {
        let catch_all = rules.iter().position(|listed| listed.path_regex.as_ref().is_ok_and(|regex| matches_everything(regex.as_ref())));
        for (at, listed) in rules.iter().enumerate() {
            if let Some(hidden_by) = catch_all.filter(|first| *first < at) {
                self.warnings.push(Warning::Unreachable { rule: at, hidden_by });
            }
            if listed.rule.as_ref().is_ok_and(|rule| rule.audience.is_empty()) {
                self.warnings.push(Warning::NoKeys { rule: at });
            }
        }
    }
}

impl CreationRule {
    /// Whether the rule is for all paths.
    #[must_use]
    pub fn matches_everything(&self) -> bool {
        matches_everything(self.path_regex.as_ref())
    }
}

impl ConfigError {
    /// The same error with the line of its field, if it is about one of a rule.
    fn with_line(self, bytes: &[u8], rule: usize) -> Self {
        let Self::Field { place, field } = self else { return self };
        let line = Yaml::default().line_of(bytes, "creation_rules", rule, field);
        Self::Field { place: line.map_or(place.clone(), |line| format!("line {line}: {place}")), field }
    }
}

impl Listed {
    /// What is wrong with the types of its fields is an error of the whole file.
    fn read(map: &Map, place: &str) -> Result<Self, ConfigError> {
        let path_regex = judged(rule::path_regex(map, place))?;
        let rule = judged(rule::read(map, place, path_regex.as_ref().ok().cloned().flatten()))?;
        let rule = path_regex.as_ref().map_err(Arc::clone).and(rule);
        Ok(Self { path_regex, rule })
    }
}

fn judged<T>(read: Result<T, ConfigError>) -> Result<Result<T, Arc<ConfigError>>, ConfigError> {
    match read {
        Err(error @ ConfigError::Field { .. }) => Err(error),
        read => Ok(read.map_err(Arc::new)),
    }
}

fn matches_everything(path_regex: Option<&Pattern>) -> bool {
    path_regex.is_none_or(|pattern| matches!(pattern.as_str(), "" | ".*" | "^.*$" | "^" | "^.*" | ".*$"))
}

fn style(top: &Map) -> Style {
    let indent = |format: &str| -> Option<usize> {
        let store = top.get("stores")?.as_map()?.get(format)?.as_map()?;
        match store.get("indent")? {
            Node::Scalar(Scalar::Int(number)) => usize::try_from(*number).ok().filter(|n| *n <= 16),
            _ => None,
        }
    };
    Style { yaml_indent: indent("yaml").filter(|width| *width > 0), json_indent: indent("json"), binary_indent: indent("json_binary") }
}

const fn is_null(node: &Node) -> bool {
    matches!(node, Node::Scalar(Scalar::Null))
}
