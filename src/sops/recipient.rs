//! [`Recipient`]: somebody who may open a file, and the wrapping of a data key (or share) for them.
//!
//! As in sops, every recipient gets an age file of their own, ASCII-armored.

use std::borrow::Cow;
use std::io::Write;

use age::armor::{ArmoredWriter, Format};

use super::hybrid;
use super::plugin::{self, PluginError, Plugins};

const POST_QUANTUM: &str = "age1pq1";

/// A recipient as sops writes it in metadata and `.sops.yaml`.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Recipient {
    text: String,
    kind: Kind,
}

/// The kind of key behind a [`Recipient`].
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum Kind {
    /// `age1…`
    X25519,
    /// `ssh-ed25519 …` or `ssh-rsa …`
    Ssh,
    /// `age1pq1…`, which no quantum computer breaks
    PostQuantum,
    /// `age1NAME1…`: needs the program `age-plugin-NAME`.
    Plugin(String),
}

/// Why a recipient is not usable.
#[derive(Debug, thiserror::Error)]
pub enum RecipientError {
    /// Not a recipient at all.
    #[error("`{text}` is not an age recipient (age1…, age1pq1…, ssh-ed25519 …, ssh-rsa …)")]
    Malformed {
        /// The text, shortened.
        text: String,
    },
    /// An identity (private key) stands where a recipient belongs. Its text is not repeated.
    #[error("a private key stands where a recipient belongs; give the public key (age1…) instead")]
    PrivateKey,
    /// An SSH key type that age does not know.
    #[error("ssh keys of type `{kind}` cannot be age recipients; use ssh-ed25519 or ssh-rsa")]
    SshType {
        /// The type.
        kind: String,
    },
    /// The recipient needs a plugin that is not to be had.
    #[error(transparent)]
    Plugin(#[from] PluginError),
    /// age could not wrap the key.
    #[error("age could not encrypt the data key for `{text}`: {reason}")]
    Wrap {
        /// The recipient, shortened.
        text: String,
        /// What age says.
        reason: String,
    },
}

impl Recipient {
    /// Reads a recipient.
    ///
    /// # Errors
    /// [`RecipientError`] when it is none, or one that age cannot encrypt to.
    pub fn parse(text: &str) -> Result<Self, RecipientError> {
        let text = text.trim();
        let upper = text.to_ascii_uppercase();
        if upper.starts_with("AGE-SECRET-KEY-") || upper.starts_with("AGE-PLUGIN-") || text.contains("PRIVATE KEY") {
            return Err(RecipientError::PrivateKey);
        }
        Ok(Self { text: text.to_owned(), kind: kind_of(text)? })
    }

    /// The recipient as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The kind of key.
    #[must_use]
    pub const fn kind(&self) -> &Kind {
        &self.kind
    }

    /// Encrypts a data key or share for this recipient; the result is an armored age file.
    ///
    /// # Errors
    /// [`RecipientError`] when the plugin is missing or age refuses.
    pub fn wrap(&self, share: &[u8], plugins: &dyn Plugins) -> Result<String, RecipientError> {
        let wrong = |reason: String| RecipientError::Wrap { text: shorten(&self.text), reason };
        let recipient = self.to_age(plugins)?;
        let encryptor = age::Encryptor::with_recipients(std::iter::once(&*recipient)).map_err(|e| wrong(e.to_string()))?;
        let write = || -> std::io::Result<Vec<u8>> {
            let armor = ArmoredWriter::wrap_output(Vec::new(), Format::AsciiArmor)?;
            let mut writer = encryptor.wrap_output(armor)?;
            writer.write_all(share)?;
            writer.finish()?.finish()
        };
        let armored = write().map_err(|e| wrong(e.to_string()))?;
        String::from_utf8(armored).map_err(|_| wrong("the armor is not text".to_owned()))
    }

    fn to_age(&self, plugins: &dyn Plugins) -> Result<Box<dyn age::Recipient>, RecipientError> {
        let malformed = || RecipientError::Malformed { text: shorten(&self.text) };
        Ok(match &self.kind {
            Kind::X25519 => Box::new(self.text.parse::<age::x25519::Recipient>().map_err(|_| malformed())?),
            Kind::Ssh => Box::new(ssh(&self.text).ok_or_else(malformed)?),
            Kind::PostQuantum => Box::new(hybrid::Recipient::parse(&self.text).ok_or_else(malformed)?),
            Kind::Plugin(_) => plugins.recipient(&self.text)?,
        })
    }
}

fn kind_of(text: &str) -> Result<Kind, RecipientError> {
    let malformed = || RecipientError::Malformed { text: shorten(text) };
    if text.parse::<age::x25519::Recipient>().is_ok() {
        return Ok(Kind::X25519);
    }
    if text.starts_with(POST_QUANTUM) {
        return hybrid::Recipient::parse(text).map(|_| Kind::PostQuantum).ok_or_else(malformed);
    }
    if text.starts_with("age1") {
        return plugin::recipient_plugin(text).map(Kind::Plugin).map_err(|_| malformed());
    }
    match text.split_whitespace().next() {
        Some("ssh-ed25519" | "ssh-rsa") => ssh(text).map(|_| Kind::Ssh).ok_or_else(malformed),
        Some(kind) if kind.starts_with("ssh-") || kind.starts_with("ecdsa-") || kind.starts_with("sk-") => {
            Err(RecipientError::SshType { kind: kind.to_owned() })
        }
        _ => Err(malformed()),
    }
}

/// Reads `TYPE BASE64 [COMMENT]`; age takes the first two parts only.
fn ssh(text: &str) -> Option<age::ssh::Recipient> {
    let mut parts = text.split_whitespace();
    let line = format!("{} {}", parts.next()?, parts.next()?);
    line.parse().ok()
}

/// A recipient as messages show it: nobody reads the 1,959 characters of a post-quantum one.
#[must_use]
pub fn short(text: &str) -> Cow<'_, str> {
    if text.starts_with(POST_QUANTUM) { Cow::Owned(shorten(text)) } else { Cow::Borrowed(text) }
}

/// Whether some recipients are post-quantum and others not. Each has an age file of their own in sops, so age, which refuses such
/// a mixture within one file, never sees it.
pub fn is_mixed<'a>(recipients: impl IntoIterator<Item = &'a Recipient>) -> bool {
    let (strong, others): (Vec<_>, Vec<_>) = recipients.into_iter().partition(|recipient| recipient.kind == Kind::PostQuantum);
    !strong.is_empty() && !others.is_empty()
}

fn shorten(text: &str) -> String {
    let mut short: String = text.chars().take(24).filter(|c| !c.is_control()).collect();
    if text.chars().nth(24).is_some() {
        short.push('…');
    }
    short
}
