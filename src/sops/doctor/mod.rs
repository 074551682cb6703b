//! What is wrong with one SOPS file: a pure function over its bytes, its creation rule and the keys at hand.

mod problem;
mod remedy;

pub use problem::{Problem, Weight};
pub use remedy::{Left, Remedy, Repair};

use std::collections::HashMap;

use super::cipher::Envelope;
use super::creation_rule::CreationRule;
use super::crypt;
use super::digest::Record;
use super::foreign::ForeignName;
use super::keyring::{Keyring, OpenError};
use super::mac::{MacError, MacScope, Protection};
use super::metadata::Metadata;
use super::ops::{self, DecryptError};
use super::recipient::{Recipient, is_mixed};
use super::selector::Selector;
use super::store::{Format, Limits, ReadError, Source, Style, as_utf8};
use super::tree::{Map, Node, Scalar, Tree};

/// What is known about a file.
#[derive(Clone, Copy, Debug)]
pub struct Patient<'a> {
    /// Its bytes.
    pub bytes: &'a [u8],
    /// Its format.
    pub format: Format,
    /// The creation rule that covers it, if there is a configuration.
    pub rule: Option<&'a CreationRule>,
    /// The identities at hand; without, only what shows without decrypting is checked.
    pub keyring: Option<&'a Keyring>,
    /// What was recorded of it when it was known to be good.
    pub record: Option<&'a Record>,
}

/// What was found out about a file.
#[derive(Debug, Default)]
pub struct Diagnosis {
    /// What is wrong; empty means that nothing was found with what was given.
    pub problems: Vec<Problem>,
    /// Whether it is a SOPS file, and whether it could be opened.
    pub state: State,
    /// Whether a file that is not encrypted holds something to encrypt.
    pub has_values: bool,
    /// What is to be recorded of it; only if it was opened and its MAC holds.
    pub record: Option<Record>,
}

/// How far a file could be looked into.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum State {
    /// It is not encrypted with sops.
    #[default]
    Plain,
    /// It is, and there was no key to open it.
    Closed,
    /// It is, and it cannot be opened by anybody.
    Broken,
    /// It is, and was opened.
    Opened,
}

/// Whether the bytes could be a SOPS file: they hold something encrypted, and be it a MAC.
#[must_use]
pub fn looks_encrypted(bytes: &[u8]) -> bool {
    memchr::memmem::find(&as_utf8(bytes), b"ENC[AES256_GCM,").is_some()
}

/// Examines a file.
#[must_use]
pub fn examine(patient: &Patient<'_>) -> Diagnosis {
    let store = patient.format.store(Limits::default(), Style::default());
    let mut source = match store.read_encrypted(patient.bytes) {
        Ok(source) => source,
        Err(error) => return unreadable(patient, error),
    };
    let Some(fields) = source.metadata.take() else { return plain(patient, &source) };
    let mut found = Diagnosis { state: State::Closed, ..Diagnosis::default() };
    let problems = &mut found.problems;
    if patient.format == Format::Dotenv && patient.bytes.contains(&b'\r') {
        problems.push(Problem::CarriageReturns);
    }
    let metadata = match Metadata::parse(fields) {
        Ok(metadata) => metadata,
        Err(error) => {
            problems.push(Problem::BadMetadata(error));
            found.state = State::Broken;
            return found;
        }
    };
    values(&source, &metadata, problems);
    recipients(&metadata, patient.rule, problems);
    if let Some(rule) = patient.rule.filter(|_| patient.format != Format::Binary) {
        selector(&metadata, rule, problems);
    }
    if metadata.mac_scope() == MacScope::EncryptedOnly {
        problems.push(Problem::PlainValuesUnguarded);
    }
    match patient.keyring {
        Some(keyring) => decrypted(patient, keyring, &mut found),
        None if metadata.mac().is_empty() => problems.push(Problem::BadMac(MacError::Missing)),
        None => {}
    }
    found
}

/// A file that is not of its format. If nothing looks encrypted, it is none of our business, unless a rule says so.
fn unreadable(patient: &Patient<'_>, error: ReadError) -> Diagnosis {
    let problem = match patient.format {
        // There is nothing to encrypt.
        _ if matches!(error, ReadError::Empty) || patient.bytes.trim_ascii().is_empty() => return Diagnosis::default(),
        Format::Binary => patient.rule.map(|_| Problem::NotEncrypted),
        _ if looks_encrypted(patient.bytes) => Some(Problem::Unreadable(error.or_conflict(patient.bytes))),
        _ => patient.rule.map(|_| Problem::NotEncrypted),
    };
    Diagnosis { problems: problem.into_iter().collect(), has_values: true, ..Diagnosis::default() }
}

/// A file without metadata: fine, unless the rule would encrypt some of it or some of it is encrypted.
fn plain(patient: &Patient<'_>, source: &Source) -> Diagnosis {
    let selector = patient.rule.map(|rule| rule.selector.clone().unwrap_or_default());
    let (mut selected, mut sealed, mut has_values) = (false, false, false);
    let has_secrets = source.tree.documents.iter().any(is_kubernetes_secret);
    inspect(&source.tree, &selector.clone().unwrap_or_default(), |_, value, protection, part| {
        let is_value = part != Part::Name && !is_blank(value);
        has_values |= is_value;
        selected |= protection == Protection::Encrypted && is_value && (part == Part::Secret || !has_secrets);
        sealed |= matches!(value, Scalar::Text(text) if text.as_str().is_some_and(|text| Envelope::parse(text).is_ok()));
    });
    let problem = if sealed {
        Some(Problem::NoMetadata)
    } else if selector.is_some() && (selected || patient.format == Format::Binary) {
        Some(Problem::NotEncrypted)
    } else {
        None
    };
    Diagnosis { problems: problem.into_iter().collect(), has_values, ..Diagnosis::default() }
}

/// What a value of a document is to Kubernetes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Part {
    /// It says what a Secret is called and of what kind it is.
    Name,
    /// It is what a Secret holds.
    Secret,
    /// It stands in any other document.
    Other,
}

fn is_kubernetes_secret(document: &Map) -> bool {
    document.get("kind").and_then(Node::as_str) == Some("Secret")
}

/// Shows every value as [`crypt::inspect`] does, and what it is.
fn inspect(tree: &Tree, selector: &Selector, mut each: impl FnMut(&[String], &Scalar, Protection, Part)) {
    for document in &tree.documents {
        let is_secret = is_kubernetes_secret(document);
        crypt::inspect(std::slice::from_ref(document), selector, &mut |path, value, protection| {
            let part = match path.first().map(String::as_str) {
                _ if !is_secret => Part::Other,
                Some("data" | "stringData") => Part::Secret,
                _ => Part::Name,
            };
            each(path, value, protection, part);
        });
    }
}

/// Whether a value is empty, or one that something else fills in: `${NAME}`, `<NAME>`, JSON without a value.
fn is_blank(value: &Scalar) -> bool {
    let Scalar::Text(text) = value else { return value.to_bytes().is_empty() };
    text.as_str().map(str::trim).is_some_and(|text| {
        let between = |start, end| text.strip_prefix(start).and_then(|rest| rest.strip_suffix(end));
        let is_name = between("<", ">").is_some_and(|name: &str| !name.contains(['<', '>', '\n']));
        let json = || serde_json::from_str(text).is_ok_and(|json| is_empty_json(&json));
        text.is_empty() || between("${", "}").is_some() || is_name || text.starts_with(['{', '[']) && json()
    })
}

fn is_empty_json(value: &serde_json::Value) -> bool {
    match value {
        serde_json::Value::Object(fields) => fields.values().all(is_empty_json),
        serde_json::Value::Array(items) => items.iter().all(is_empty_json),
        serde_json::Value::String(text) => text.is_empty(),
        serde_json::Value::Null => true,
        _ => false,
    }
}

fn values(source: &Source, metadata: &Metadata, problems: &mut Vec<Problem>) {
    let mut nonces: HashMap<Vec<u8>, Vec<u8>> = HashMap::new();
    let (mut encrypted, mut plain) = (0, 0);
    inspect(&source.tree, metadata.selector(), |path, value, protection, part| {
        if value.to_bytes().is_empty() {
            // An empty value stays as it is; the selector matches it all the same.
            encrypted += usize::from(protection == Protection::Encrypted);
            return;
        }
        let text = if let Scalar::Text(text) = value { text.as_str() } else { None };
        let envelope = text.and_then(|text| Envelope::parse(text).ok());
        let is_damaged = envelope.is_none() && text.is_some_and(Envelope::looks_like);
        let path = path.join(".");
        match (&envelope, protection) {
            (None, Protection::Plain) => plain += usize::from(part != Part::Name),
            (None, Protection::Encrypted) if is_damaged => problems.push(Problem::DamagedValue { path: path.clone() }),
            (None, Protection::Encrypted) => problems.push(Problem::PlainValue { path: path.clone() }),
            (Some(_), Protection::Encrypted) => encrypted += 1,
            (Some(_), Protection::Plain) => problems.push(Problem::EncryptedInPlainPlace { path: path.clone() }),
        }
        if let Some(envelope) = envelope {
            let known = nonces.entry(envelope.nonce).or_insert_with(|| envelope.data.clone());
            if *known != envelope.data {
                problems.push(Problem::NonceReused { path });
            }
        }
    });
    if encrypted == 0 && plain > 0 {
        problems.push(Problem::NothingEncrypted { selector: shown(metadata), values: plain });
    }
}

fn recipients(metadata: &Metadata, rule: Option<&CreationRule>, problems: &mut Vec<Problem>) {
    let groups = metadata.key_groups();
    let found: Vec<&str> = groups.iter().flat_map(|group| &group.age).map(|key| key.recipient.as_str()).collect();
    if let [group] = groups
        && group.len() == 1
    {
        problems.push(Problem::SingleRecipient);
    }
    let known: Vec<Recipient> = found.iter().filter_map(|text| Recipient::parse(text).ok()).collect();
    if is_mixed(&known) {
        problems.push(Problem::MixedRecipients);
    }
    let Some(rule) = rule else { return };
    let named: Vec<&str> = rule.audience.groups.iter().flatten().map(Recipient::as_str).collect();
    for recipient in found.iter().filter(|recipient| !named.contains(recipient)) {
        problems.push(Problem::UnknownRecipient { recipient: (*recipient).to_owned() });
    }
    for recipient in named.iter().filter(|recipient| !found.contains(recipient)) {
        problems.push(Problem::MissingRecipient { recipient: (*recipient).to_owned() });
    }
    foreign_keys(metadata, rule, problems);
}

fn foreign_keys(metadata: &Metadata, rule: &CreationRule, problems: &mut Vec<Problem>) {
    let found: Vec<&ForeignName> = metadata.key_groups().iter().flat_map(|group| &group.foreign).map(|key| &key.name).collect();
    let named: Vec<&ForeignName> = rule.audience.foreign.iter().flatten().collect();
    for name in found.iter().filter(|name| !named.iter().any(|known| known.is_same(name))) {
        problems.push(Problem::UnknownRecipient { recipient: name.to_string() });
    }
    for name in named.iter().filter(|name| !found.iter().any(|known| known.is_same(name))) {
        problems.push(Problem::MissingRecipient { recipient: name.to_string() });
    }
}

fn selector(metadata: &Metadata, rule: &CreationRule, problems: &mut Vec<Problem>) {
    let expected = rule.selector.clone().unwrap_or_default();
    if expected != *metadata.selector() {
        problems.push(Problem::OtherSelector { found: described(metadata.selector()), expected: described(&expected) });
    }
}

/// A selector in words; the default one is hardly known as such.
fn described(selector: &Selector) -> String {
    if *selector == Selector::default() {
        return "the default one, which encrypts everything".to_owned();
    }
    let (field, value) = selector.to_field();
    format!("`{field}: {value}`")
}

fn decrypted(patient: &Patient<'_>, keyring: &Keyring, found: &mut Diagnosis) {
    let store = patient.format.store(Limits::default(), Style::default());
    let problems = &mut found.problems;
    match ops::open(&*store, patient.bytes, keyring) {
        // Being unable to open a file is no fault of the file.
        Err(DecryptError::Open(OpenError::NotForUs { .. } | OpenError::NoIdentities | OpenError::Threshold { .. })) => {}
        Err(error) => {
            found.state = State::Broken;
            if !is_told(&error, problems) {
                problems.push(Problem::DoesNotDecrypt(error));
            }
        }
        Ok(opened) => {
            found.state = State::Opened;
            if opened.tally.plain_comments > 0 {
                problems.push(Problem::PlainComments { count: opened.tally.plain_comments });
            }
            if opened.tally.broken_comments > 0 {
                problems.push(Problem::BrokenComments { count: opened.tally.broken_comments });
            }
            match opened.mac {
                Ok(()) => {
                    let now = Record::of(&opened.tree, &opened.key, &opened.metadata);
                    problems.extend(patient.record.and_then(|then| compare(then, &now)));
                    found.record = Some(now);
                }
                Err(error) => problems.push(Problem::BadMac(error)),
            }
        }
    }
}

/// Whether the value that does not decrypt is named already, with what is wrong with it.
fn is_told(error: &DecryptError, problems: &[Problem]) -> bool {
    let DecryptError::Crypt(error) = error else { return false };
    let is_same =
        |problem: &Problem| matches!(problem, Problem::PlainValue { path } | Problem::DamagedValue { path } if *path == error.path);
    problems.iter().any(is_same)
}

/// A new MAC is made by those who have the data key alone. The same MAC over another content is not.
fn compare(then: &Record, now: &Record) -> Option<Problem> {
    if then.mac() != now.mac() {
        return Some(Problem::DigestOutdated);
    }
    (then != now).then_some(Problem::ChangedUnnoticed)
}

fn shown(metadata: &Metadata) -> String {
    let (field, value) = metadata.selector().to_field();
    format!("{field}: {value}")
}
