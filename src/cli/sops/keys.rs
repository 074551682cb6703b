//! The user's identities: where sops looks for them, and a passphrase only when nothing else opens the file.

use std::fs;
use std::io::{self, Read as _};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::cli::error::CliError;
use crate::cli::ui::Ui;
use crate::ledger::KeyError;
use crate::secret::Secret;
use crate::sops::foreign::KINDS;
use crate::sops::identity_source::{self, IdentityReader, IdentitySource, Platform, SourceError, fill};
use crate::sops::keyring::{IdentityError, Keyring, NoPrompt, OpenError, Prompt};
use crate::sops::ops::{DecryptError, EditError, StrayError};
use crate::sops::plugin::ProgramPlugins;

/// The largest key file.
const LARGEST: u64 = 1 << 20;

/// The user's identities.
pub(in crate::cli) struct Keys {
    keyring: Keyring,
    /// What needs a passphrase and has not been asked for.
    locked: Vec<IdentitySource>,
    failed: Vec<SourceError>,
}

/// An error that other identities might mend.
pub(in crate::cli) trait NeedsKey {
    fn missing_key(&self) -> Option<&OpenError>;
}

impl Keys {
    /// All identities that can be had without asking.
    pub(in crate::cli) fn find() -> Self {
        let mut keys = Self { keyring: Keyring::new(), locked: Vec::new(), failed: Vec::new() };
        let home = std::env::home_dir();
        for source in identity_source::sources(&variable, home.as_deref(), platform()) {
            let (found, failed) = fill(std::slice::from_ref(&source), &Programs, &NoPrompt, &ProgramPlugins);
            keys.keyring.append(found);
            if failed.iter().any(|error| matches!(error, SourceError::Identity(IdentityError::Passphrase { .. }))) {
                keys.locked.push(source);
            } else {
                keys.failed.extend(failed);
            }
        }
        keys
    }

    /// Takes more identities.
    pub(in crate::cli) fn add(&mut self, more: Keyring) {
        self.keyring.append(more);
    }

    /// The identities found so far.
    pub(in crate::cli) const fn keyring(&self) -> &Keyring {
        &self.keyring
    }

    /// Does something that needs a key; if none fits, asks for passphrases and tries again.
    pub(in crate::cli) fn open<T, E: NeedsKey + Into<CliError>>(
        &mut self,
        ui: &Ui,
        attempt: impl Fn(&Keyring) -> Result<T, E>,
    ) -> Result<T, CliError> {
        match attempt(&self.keyring) {
            Err(error) if error.missing_key().is_some() => {
                if self.unlock(&error, ui) {
                    return attempt(&self.keyring).map_err(|error| self.explain(error));
                }
                Err(self.explain(error))
            }
            result => result.map_err(E::into),
        }
    }

    /// Asks for the passphrases of what is locked; `false` if there was nothing to ask for.
    fn unlock(&mut self, error: &dyn NeedsKey, ui: &Ui) -> bool {
        let for_ssh = match error.missing_key() {
            Some(OpenError::NotForUs { recipients }) => recipients.iter().any(|recipient| recipient.starts_with("ssh-")),
            _ => true,
        };
        let is_ssh = |source: &IdentitySource| {
            matches!(source, IdentitySource::SshFile(_) | IdentitySource::DefaultSshFile(_) | IdentitySource::SshCommand(_))
        };
        let (ask, keep): (Vec<_>, Vec<_>) = self.locked.drain(..).partition(|source| for_ssh || !is_ssh(source));
        self.locked = keep;
        let (found, failed) = fill(&ask, &Programs, &Terminal(ui), &ProgramPlugins);
        self.keyring.append(found);
        self.failed.extend(failed);
        !ask.is_empty()
    }

    /// Says where identities were looked for and what was wrong there.
    fn explain<E: NeedsKey + Into<CliError>>(&self, error: E) -> CliError {
        let mut hint = match error.missing_key() {
            Some(OpenError::NoIdentities) => {
                "put an age identity (AGE-SECRET-KEY-1…) into ".to_owned()
                    + &default_key_file().map_or_else(|| "a file".to_owned(), |file| file.display().to_string())
                    + ", or name a file with SOPS_AGE_KEY_FILE; `sopup init` makes a new one"
            }
            Some(OpenError::NotForUs { recipients }) if recipients.iter().all(|name| is_foreign(name)) => {
                "these are no age keys: `sops` with access to one of them decrypts the file; `sops rotate -i --add-age` adds yours"
                    .to_owned()
            }
            _ => {
                "use the identity of one of these recipients (SOPS_AGE_KEY_FILE, SOPS_AGE_KEY), or ask one of them to add yours".to_owned()
            }
        };
        for failure in &self.failed {
            hint.push_str(&format!("\nnot used: {failure}"));
        }
        error.into().with_hint(hint)
    }
}

impl NeedsKey for DecryptError {
    fn missing_key(&self) -> Option<&OpenError> {
        match self {
            Self::Open(error @ (OpenError::NoIdentities | OpenError::NotForUs { .. } | OpenError::Threshold { .. })) => Some(error),
            _ => None,
        }
    }
}

impl NeedsKey for KeyError {
    fn missing_key(&self) -> Option<&OpenError> {
        match self {
            Self::Open(error) => error.missing_key(),
            _ => None,
        }
    }
}

impl NeedsKey for EditError {
    fn missing_key(&self) -> Option<&OpenError> {
        match self {
            Self::Decrypt(error) => error.missing_key(),
            _ => None,
        }
    }
}

impl NeedsKey for StrayError {
    fn missing_key(&self) -> Option<&OpenError> {
        match self {
            Self::Edit(error) => error.missing_key(),
            _ => None,
        }
    }
}

/// The file that sops reads identities from without being told.
pub(super) fn default_key_file() -> Option<std::path::PathBuf> {
    identity_source::default_key_file(&variable, std::env::home_dir().as_deref(), platform())
}

/// A variable of the environment.
pub(super) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

const fn platform() -> Platform {
    if cfg!(target_os = "macos") {
        Platform::MacOs
    } else if cfg!(windows) {
        Platform::Windows
    } else {
        Platform::Unix
    }
}

/// Reads key files and runs what `SOPS_AGE_KEY_CMD` names.
struct Programs;

impl IdentityReader for Programs {
    fn file(&self, path: &Path) -> io::Result<Option<Secret>> {
        let file = match fs::File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut bytes = Vec::with_capacity(usize::try_from(file.metadata()?.len().min(LARGEST)).unwrap_or(0) + 1);
        file.take(LARGEST).read_to_end(&mut bytes)?;
        Ok(Some(Secret::new(bytes)))
    }

    fn command(&self, program: &[String]) -> io::Result<Secret> {
        let (name, arguments) = program.split_first().ok_or(io::ErrorKind::InvalidInput)?;
        let output = Command::new(name).args(arguments).stdin(Stdio::null()).stderr(Stdio::inherit()).output()?;
        let printed = Secret::new(output.stdout);
        if output.status.success() { Ok(printed) } else { Err(io::Error::other(format!("it failed ({})", output.status))) }
    }
}

/// Asks for passphrases on the terminal.
struct Terminal<'a>(&'a Ui);

impl Prompt for Terminal<'_> {
    fn passphrase(&self, what: &str) -> Option<Secret> {
        self.0.ask_secret(&format!("Passphrase of {what}: "))
    }
}

/// Whether the name of a key begins with a kind other than age.
fn is_foreign(name: &str) -> bool {
    KINDS.iter().any(|kind| name.strip_prefix(kind).is_some_and(|rest| rest.starts_with(' ')))
}
