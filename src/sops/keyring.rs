//! [`Keyring`]: the identities at hand, and the opening of a file's data key with them.
//!
//! Where identities come from is decided in [`super::identity_source`]; here are only their bytes.

use std::io::{BufReader, Read};

use age::armor::ArmoredReader;
use age::secrecy::SecretString;
use zeroize::Zeroizing;

use super::data_key::DataKey;
use super::hybrid;
use super::metadata::{KeyGroup, Metadata, WrappedKey};
use super::plugin::{PluginError, Plugins};
use super::recipient::short;
use super::shamir::{self, ShamirError, Share};
use crate::secret::Secret;

/// The most wrapped keys that are looked at in one file.
pub const MAX_WRAPPED_KEYS: usize = 4096;
const MAX_ARMOR_LEN: usize = 1 << 16;
const MAX_KEY_FILE_LEN: u64 = 1 << 20;
/// The highest scrypt work factor (log2) accepted for a key file: about a few seconds.
const MAX_WORK_FACTOR: u8 = 20;

/// Asks a person.
pub trait Prompt {
    /// The passphrase of `what`; `None` when nobody can be asked.
    fn passphrase(&self, what: &str) -> Option<Secret>;
}

/// Asks nobody.
#[derive(Clone, Copy, Debug)]
pub struct NoPrompt;

/// Identities that may open files.
#[derive(Default)]
pub struct Keyring {
    held: Vec<Held>,
}

struct Held {
    /// The recipient this identity answers to, where it can be told.
    public: Option<String>,
    identity: Box<dyn age::Identity + Send + Sync>,
}

/// Why an identity cannot be taken into the keyring. Never holds the key.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// A line that is no identity.
    #[error("line {line} of {origin} is not an age identity (AGE-SECRET-KEY-1…, AGE-SECRET-KEY-PQ-1…, AGE-PLUGIN-…)")]
    Malformed {
        /// Where the text comes from.
        origin: String,
        /// Line, from 1.
        line: usize,
    },
    /// The SSH key is of a type or form age cannot use.
    #[error("{origin} is not an SSH private key that age can use (ed25519 or RSA, OpenSSH or PEM form)")]
    Ssh {
        /// Where the key comes from.
        origin: String,
    },
    /// The file or key is protected by a passphrase and nobody gave the right one.
    #[error("{origin} is protected by a passphrase, and the right one was not given")]
    Passphrase {
        /// Where the key comes from.
        origin: String,
    },
    /// The identity needs a plugin that is not to be had.
    #[error(transparent)]
    Plugin(#[from] PluginError),
}

/// Why no data key could be had.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Nobody can open the file.
    #[error("the file names no keys")]
    NoKeys,
    /// The keyring is empty.
    #[error("there is no age identity at hand; set SOPS_AGE_KEY_FILE or SOPS_AGE_KEY")]
    NoIdentities,
    /// More wrapped keys than anybody needs.
    #[error("the file names more than {MAX_WRAPPED_KEYS} keys")]
    TooManyKeys,
    /// None of the identities fits.
    #[error("no identity at hand opens the file; it is encrypted for: {}", listed(.recipients))]
    NotForUs {
        /// The recipients of the file, at most ten.
        recipients: Vec<String>,
    },
    /// The data key is encrypted for an identity at hand, and does not open.
    #[error("the key for {}, which is yours, is damaged in the file", short(.recipient))]
    Damaged {
        /// The recipient.
        recipient: String,
    },
    /// Fewer key groups could be opened than the threshold asks for.
    #[error("{opened} of the {needed} key groups needed could be opened")]
    Threshold {
        /// Groups opened.
        opened: usize,
        /// Groups needed.
        needed: usize,
    },
    /// What was unwrapped is no data key.
    #[error("the unwrapped key is not a data key of 32 bytes")]
    NotADataKey,
    /// The shares do not fit.
    #[error(transparent)]
    Shamir(#[from] ShamirError),
}

impl Prompt for NoPrompt {
    fn passphrase(&self, _: &str) -> Option<Secret> {
        None
    }
}

impl std::fmt::Debug for Keyring {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Keyring({} identities)", self.held.len())
    }
}

impl Keyring {
    /// An empty keyring.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether there is no identity.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// Takes over the identities of another keyring.
    pub fn append(&mut self, mut other: Self) {
        self.held.append(&mut other.held);
    }

    /// The recipients whose files the keyring opens, as far as they can be told without a plugin.
    pub fn recipients(&self) -> impl Iterator<Item = &str> {
        self.held.iter().filter_map(|held| held.public.as_deref())
    }

    /// Adds the identities of an age key file, which may itself be encrypted with a passphrase.
    ///
    /// # Errors
    /// [`IdentityError`]; what stands before the faulty line has been added.
    pub fn add_key_file(&mut self, bytes: &[u8], origin: &str, prompt: &dyn Prompt, plugins: &dyn Plugins) -> Result<(), IdentityError> {
        let armored = bytes.starts_with(b"-----BEGIN AGE ENCRYPTED FILE-----");
        if armored || bytes.starts_with(b"age-encryption.org/") {
            let plain = open_key_file(bytes, origin, prompt)?;
            return self.add_text(&plain, origin, plugins);
        }
        self.add_text(bytes, origin, plugins)
    }

    /// Adds identities written one per line, as in `SOPS_AGE_KEY`.
    ///
    /// # Errors
    /// [`IdentityError`]; what stands before the faulty line has been added.
    pub fn add_text(&mut self, bytes: &[u8], origin: &str, plugins: &dyn Plugins) -> Result<(), IdentityError> {
        for (number, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
            let malformed = || IdentityError::Malformed { origin: origin.to_owned(), line: number + 1 };
            let line = std::str::from_utf8(line).map_err(|_| malformed())?.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if line.starts_with("AGE-SECRET-KEY-PQ-") {
                let identity = hybrid::Identity::parse(line).ok_or_else(malformed)?;
                self.held.push(Held { public: Some(identity.public()), identity: Box::new(identity) });
                continue;
            }
            if line.starts_with("AGE-PLUGIN-") {
                self.held.push(Held { public: None, identity: plugins.identity(line)? });
                continue;
            }
            let identity: age::x25519::Identity = line.parse().map_err(|_| malformed())?;
            let public = Some(identity.to_public().to_string());
            self.held.push(Held { public, identity: Box::new(identity) });
        }
        Ok(())
    }

    /// Adds an SSH private key in OpenSSH or PEM form.
    ///
    /// # Errors
    /// [`IdentityError`].
    pub fn add_ssh(&mut self, bytes: &[u8], origin: &str, prompt: &dyn Prompt) -> Result<(), IdentityError> {
        let unusable = || IdentityError::Ssh { origin: origin.to_owned() };
        let parsed = age::ssh::Identity::from_buffer(bytes, None).map_err(|_| unusable())?;
        let identity = match parsed {
            age::ssh::Identity::Unencrypted(_) => parsed,
            age::ssh::Identity::Encrypted(key) => {
                let locked = || IdentityError::Passphrase { origin: origin.to_owned() };
                let passphrase = secret_string(prompt.passphrase(origin).ok_or_else(locked)?).ok_or_else(locked)?;
                age::ssh::Identity::Unencrypted(key.decrypt(passphrase).map_err(|_| locked())?)
            }
            age::ssh::Identity::Unsupported(_) => return Err(unusable()),
        };
        let public = age::ssh::Recipient::try_from(identity.clone()).ok().map(|recipient| recipient.to_string());
        self.held.push(Held { public, identity: Box::new(identity) });
        Ok(())
    }

    /// Opens the data key of a file.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(&self, metadata: &Metadata) -> Result<DataKey, OpenError> {
        let groups = metadata.key_groups();
        let total: usize = groups.iter().map(KeyGroup::len).sum();
        if total == 0 {
            return Err(OpenError::NoKeys);
        }
        if total > MAX_WRAPPED_KEYS {
            return Err(OpenError::TooManyKeys);
        }
        if self.held.is_empty() && groups.iter().any(|group| !group.age.is_empty()) {
            return Err(OpenError::NoIdentities);
        }
        if let [group] = groups {
            let share = self.open_group(group).ok_or_else(|| self.not_for_us(groups))?;
            return DataKey::from_bytes(&share).ok_or(OpenError::NotADataKey);
        }
        let needed = metadata.shamir_threshold().unwrap_or(groups.len());
        let shares: Vec<Share> = groups.iter().filter_map(|group| self.open_group(group)).collect();
        match shares.len() {
            0 => Err(self.not_for_us(groups)),
            opened if opened < needed => Err(OpenError::Threshold { opened, needed }),
            _ => DataKey::from_bytes(&shamir::combine(&shares)?).ok_or(OpenError::NotADataKey),
        }
    }

    /// Opens one group's share: first the keys that name one of our recipients, then the others.
    pub(super) fn open_group(&self, group: &KeyGroup) -> Option<Share> {
        let (first, rest): (Vec<_>, Vec<_>) = group.age.iter().partition(|key| self.is_ours(key));
        first.into_iter().chain(rest).find_map(|key| self.unwrap(key))
    }

    fn is_ours(&self, key: &WrappedKey) -> bool {
        self.recipients().any(|public| same_recipient(public, &key.recipient))
    }

    fn not_for_us(&self, groups: &[KeyGroup]) -> OpenError {
        let all = || groups.iter().flat_map(|group| &group.age);
        if let Some(key) = all().find(|key| self.is_ours(key)) {
            return OpenError::Damaged { recipient: key.recipient.clone() };
        }
        let mut recipients: Vec<String> = all().map(|key| key.recipient.clone()).collect();
        recipients.extend(groups.iter().flat_map(|group| &group.foreign).map(|key| key.name.to_string()));
        recipients.truncate(10);
        OpenError::NotForUs { recipients }
    }

    fn unwrap(&self, key: &WrappedKey) -> Option<Share> {
        let armor = key.armor.trim();
        if armor.len() > MAX_ARMOR_LEN {
            return None;
        }
        let decryptor = age::Decryptor::new(ArmoredReader::new(armor.as_bytes())).ok()?;
        let identities = self.held.iter().map(|held| &*held.identity as &dyn age::Identity);
        let mut reader = decryptor.decrypt(identities).ok()?.take(64);
        let mut share = Zeroizing::new(Vec::with_capacity(64));
        reader.read_to_end(&mut share).ok()?;
        Some(share)
    }
}

fn listed(recipients: &[String]) -> String {
    recipients.iter().map(|recipient| short(recipient)).collect::<Vec<_>>().join(", ")
}

/// Two spellings of one recipient: SSH keys may carry a comment.
fn same_recipient(a: &str, b: &str) -> bool {
    let words = |text: &str| text.split_whitespace().take(2).map(str::to_owned).collect::<Vec<_>>();
    a == b || (a.starts_with("ssh-") && words(a) == words(b))
}

fn open_key_file(bytes: &[u8], origin: &str, prompt: &dyn Prompt) -> Result<Zeroizing<Vec<u8>>, IdentityError> {
    let locked = || IdentityError::Passphrase { origin: origin.to_owned() };
    let passphrase = secret_string(prompt.passphrase(origin).ok_or_else(locked)?).ok_or_else(locked)?;
    let mut identity = age::scrypt::Identity::new(passphrase);
    identity.set_max_work_factor(MAX_WORK_FACTOR);
    let trimmed = if bytes.starts_with(b"-----") { bytes.trim_ascii() } else { bytes };
    let decryptor = age::Decryptor::new(ArmoredReader::new(BufReader::new(trimmed))).map_err(|_| locked())?;
    let identities = std::iter::once(&identity as &dyn age::Identity);
    let reader = decryptor.decrypt(identities).map_err(|_| locked())?;
    let mut plain = Zeroizing::new(Vec::new());
    reader.take(MAX_KEY_FILE_LEN).read_to_end(&mut plain).map_err(|_| locked())?;
    Ok(plain)
}

fn secret_string(secret: Secret) -> Option<SecretString> {
    let text = std::str::from_utf8(secret.expose()).ok()?.to_owned();
    drop(secret);
    Some(SecretString::from(text))
}
