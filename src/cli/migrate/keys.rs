//! The user's identities, from where sops looks for them.

use std::io::{self, Read as _};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::secret::Secret;
use crate::sops::identity_source::{IdentityReader, Platform, fill, sources};
use crate::sops::keyring::{Keyring, NoPrompt};
use crate::sops::plugin::ProgramPlugins;

/// The largest key file that is read.
const LARGEST: u64 = 1 << 20;

/// All identities at hand, and what was wrong with others.
pub(in crate::cli) fn keyring() -> (Keyring, Vec<String>) {
    let platform = match () {
        () if cfg!(target_os = "macos") => Platform::MacOs,
        () if cfg!(windows) => Platform::Windows,
        () => Platform::Unix,
    };
    let home = std::env::home_dir();
    let sources = sources(&|name| std::env::var(name).ok(), home.as_deref(), platform);
    let (keyring, errors) = fill(&sources, &Reader, &NoPrompt, &ProgramPlugins);
    (keyring, errors.iter().map(ToString::to_string).collect())
}

struct Reader;

impl IdentityReader for Reader {
    fn file(&self, path: &Path) -> io::Result<Option<Secret>> {
        let file = match std::fs::File::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file?,
        };
        let mut bytes = Vec::new();
        file.take(LARGEST).read_to_end(&mut bytes)?;
        Ok(Some(Secret::new(bytes)))
    }

    fn command(&self, program: &[String]) -> io::Result<Secret> {
        let (name, arguments) = program.split_first().ok_or(io::ErrorKind::InvalidInput)?;
        let output = Command::new(name).args(arguments).stdin(Stdio::null()).stderr(Stdio::inherit()).output()?;
        let printed = Secret::new(output.stdout);
        if output.status.success() { Ok(printed) } else { Err(io::Error::other("it failed")) }
    }
}
