//! What is wrong with one SOPS file: a pure function over its bytes, its creation rule and the keys at hand.

use std::collections::HashMap;

use super::cipher::Envelope;
use super::creation_rule::CreationRule;
use super::crypt;
use super::keyring::{Keyring, OpenError};
use super::mac::{MacError, MacScope, Protection};
use super::metadata::{Metadata, MetadataError};
use super::ops::{self, DecryptError};
use super::recipient::{Kind, Recipient};
use super::store::{Format, Limits, ReadError, Source, Style};
use super::tree::Scalar;

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
}

/// Something wrong.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// The file cannot be read.
    #[error("cannot be read: {0}")]
    Unreadable(ReadError),
    /// A creation rule covers the file and nobody encrypted it.
    #[error("a creation rule covers this file, and it is not encrypted")]
    NotEncrypted,
    /// The metadata is unusable.
    #[error("its sops metadata is unusable: {0}")]
    BadMetadata(MetadataError),
    /// The file holds no MAC, or it does not hold.
    #[error("{0}")]
    BadMac(MacError),
    /// The file does not decrypt.
    #[error("does not decrypt: {0}")]
    DoesNotDecrypt(DecryptError),
    /// A value stands plain where the selector promises encryption.
    #[error("`{path}` is plain text, although the selector says it is encrypted")]
    PlainValue {
        /// The keys, joined by dots.
        path: String,
    },
    /// An encrypted value where the selector says plain: sops would hand out the ciphertext.
    #[error("`{path}` is encrypted, although the selector says it is plain; sops will not decrypt it")]
    EncryptedInPlainPlace {
        /// The keys, joined by dots.
        path: String,
    },
    /// The selector matches nothing.
    #[error("nothing is encrypted: the selector `{selector}` matches none of the {values} values")]
    NothingEncrypted {
        /// The selector.
        selector: String,
        /// How many values there are.
        values: usize,
    },
    /// Comments stand readable among encrypted values.
    #[error("{count} comment(s) among encrypted values are readable")]
    PlainComments {
        /// How many.
        count: usize,
    },
    /// Comments that look encrypted and do not open.
    #[error("{count} encrypted comment(s) do not open")]
    BrokenComments {
        /// How many.
        count: usize,
    },
    /// Two different values under one nonce: their contents can be computed from one another.
    #[error("`{path}` and another value share a nonce with different contents; rotate the data key")]
    NonceReused {
        /// The keys, joined by dots.
        path: String,
    },
    /// CRLF line ends break dotenv files.
    #[error("has CRLF line ends, which sops takes for part of the values; add `*.env text eol=lf` to .gitattributes")]
    CarriageReturns,
    /// Somebody can open the file whom the rule does not name.
    #[error("`{recipient}` can open it and is not named by its creation rule; run updatekeys")]
    UnknownRecipient {
        /// The recipient.
        recipient: String,
    },
    /// Somebody named by the rule cannot open the file.
    #[error("`{recipient}` is named by its creation rule and cannot open it; run updatekeys")]
    MissingRecipient {
        /// The recipient.
        recipient: String,
    },
    /// The selector is not that of the rule.
    #[error("its selector `{found}` is not that of its creation rule, `{expected}`")]
    OtherSelector {
        /// The file's.
        found: String,
        /// The rule's.
        expected: String,
    },
    /// Only one key opens the file: if it is lost, so is the file.
    #[error("only one key can open it; if that is lost, so are its values")]
    SingleRecipient,
    /// Post-quantum and classic recipients together.
    #[error("it is encrypted for post-quantum and classic recipients: a quantum computer needs only the classic one")]
    MixedRecipients,
    /// The MAC covers only encrypted values.
    #[error("plain values can be changed unnoticed, because the MAC covers only encrypted ones (mac_only_encrypted)")]
    PlainValuesUnguarded,
}

/// Examines a file. An empty list means: nothing found with what was given.
#[must_use]
pub fn examine(patient: &Patient<'_>) -> Vec<Problem> {
    let store = patient.format.store(Limits::default(), Style::default());
    let mut source = match store.read_encrypted(patient.bytes) {
        Ok(source) => source,
        Err(error) => return unreadable(patient, error),
    };
    let Some(fields) = source.metadata.take() else {
        return if patient.rule.is_some() { vec![Problem::NotEncrypted] } else { Vec::new() };
    };
    let metadata = match Metadata::parse(fields) {
        Ok(metadata) => metadata,
        Err(error) => return vec![Problem::BadMetadata(error)],
    };
    let mut problems = Vec::new();
    if patient.format == Format::Dotenv && patient.bytes.contains(&b'\r') {
        problems.push(Problem::CarriageReturns);
    }
    values(&source, &metadata, &mut problems);
    recipients(&metadata, patient.rule, &mut problems);
    if let Some(rule) = patient.rule {
        selector(&metadata, rule, &mut problems);
    }
    if metadata.mac_scope() == MacScope::EncryptedOnly {
        problems.push(Problem::PlainValuesUnguarded);
    }
    match patient.keyring {
        Some(keyring) => decrypted(patient, keyring, &mut problems),
        None if metadata.mac().is_empty() => problems.push(Problem::BadMac(MacError::Missing)),
        None => {}
    }
    problems
}

/// A binary file is anything, so one that is no JSON is simply not encrypted.
fn unreadable(patient: &Patient<'_>, error: ReadError) -> Vec<Problem> {
    match (patient.format, patient.rule) {
        (Format::Binary, Some(_)) => vec![Problem::NotEncrypted],
        (Format::Binary, None) => Vec::new(),
        _ => vec![Problem::Unreadable(error)],
    }
}

fn values(source: &Source, metadata: &Metadata, problems: &mut Vec<Problem>) {
    let mut nonces: HashMap<Vec<u8>, Vec<u8>> = HashMap::new();
    let (mut encrypted, mut plain) = (0, 0);
    crypt::inspect(&source.tree, metadata.selector(), &mut |path, value, protection| {
        if value.to_bytes().is_empty() {
            return;
        }
        let envelope = match value {
            Scalar::Text(text) => text.as_str().and_then(|text| Envelope::parse(text).ok()),
            _ => None,
        };
        let path = path.join(".");
        match (&envelope, protection) {
            (None, Protection::Plain) => plain += 1,
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
    let quantum = |text: &str| matches!(Recipient::parse(text).map(|r| r.kind().clone()), Ok(Kind::Plugin(name)) if name == "pq");
    if found.iter().any(|text| quantum(text)) && !found.iter().all(|text| quantum(text)) {
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
}

fn selector(metadata: &Metadata, rule: &CreationRule, problems: &mut Vec<Problem>) {
    let expected = rule.selector.clone().unwrap_or_default();
    if expected != *metadata.selector() {
        let (field, value) = expected.to_field();
        problems.push(Problem::OtherSelector { found: shown(metadata), expected: format!("{field}: {value}") });
    }
}

fn decrypted(patient: &Patient<'_>, keyring: &Keyring, problems: &mut Vec<Problem>) {
    let store = patient.format.store(Limits::default(), Style::default());
    match ops::open(&*store, patient.bytes, keyring) {
        // Being unable to open a file is no fault of the file.
        Err(DecryptError::Open(OpenError::NotForUs { .. } | OpenError::NoIdentities | OpenError::Threshold { .. })) => {}
        Err(error) => problems.push(Problem::DoesNotDecrypt(error)),
        Ok(opened) => {
            problems.extend(opened.mac.err().map(Problem::BadMac));
            if opened.tally.plain_comments > 0 {
                problems.push(Problem::PlainComments { count: opened.tally.plain_comments });
            }
            if opened.tally.broken_comments > 0 {
                problems.push(Problem::BrokenComments { count: opened.tally.broken_comments });
            }
        }
    }
}

fn shown(metadata: &Metadata) -> String {
    let (field, value) = metadata.selector().to_field();
    format!("{field}: {value}")
}
