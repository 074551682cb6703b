//! What a migration starts from: the recipients, the lock, the steps that the user wants.

use std::fs::File;

use age::secrecy::ExposeSecret as _;
use globset::{Glob, GlobSetBuilder};

use super::Args;
use crate::cli::Exit;
use crate::cli::error::CliError;
use crate::file::{self, FileError};
use crate::migrate::change::ChangeError;
use crate::migrate::policy::Policy;
use crate::migrate::repo::Repo;
use crate::sops::creation_rule::{Config as SopsConfig, recipient_list};
use crate::sops::keyring::Keyring;
use crate::sops::ops::Audience;
use crate::sops::plugin::NoPlugins;

pub(super) fn policy(args: &Args, repo: &Repo) -> Result<Policy, CliError> {
    let wrong = |message: String| CliError::new(message, "correct .sops.yaml at the top of the repository, or name recipients with --age");
    let config = repo.read(".sops.yaml").map(|bytes| SopsConfig::parse(&bytes)).transpose();
    let config = config.map_err(|error| wrong(format!(".sops.yaml: {error}")))?;
    if let Some(fault) = config.iter().flat_map(SopsConfig::faults).next() {
        return Err(wrong(format!(".sops.yaml: {fault}")));
    }
    let recipients = args.age.as_deref().map(recipient_list).transpose();
    let recipients =
        recipients.map_err(|error| CliError::new(error.to_string(), "--age takes public keys (age1…), with commas between them"))?;
    let recipients = recipients.map(Audience::of);
    Ok(Policy { config, recipients })
}

/// Whether new stores could be opened by somebody.
pub(super) fn check_recipients(policy: &Policy) -> Result<(), CliError> {
    let hint = "`sopup init` writes a .sops.yaml; or name a recipient with --age age1…";
    policy.scheme("secrets/shared.enc.yaml").map(|_| ()).map_err(|error| CliError::new(error.to_string(), hint).exiting(Exit::Refused))
}

/// A policy with a recipient whose identity is made for this run and kept nowhere.
pub(super) fn stand_in(policy: &Policy) -> Result<(Policy, Keyring), CliError> {
    let identity = age::x25519::Identity::generate();
    let mut keyring = Keyring::new();
    let text = identity.to_string();
    let added = keyring.add_text(text.expose_secret().as_bytes(), "this dry run", &NoPlugins);
    added.map_err(|error| CliError::new(error.to_string(), "please report this"))?;
    let recipients =
        recipient_list(&identity.to_public().to_string()).map_err(|error| CliError::new(error.to_string(), "please report this"))?;
    Ok((Policy { config: policy.config.clone(), recipients: Some(Audience::of(recipients)) }, keyring))
}

/// One migration at a time.
pub(super) fn lock(repo: &Repo) -> Result<File, CliError> {
    let path = repo.git_dir.join("sopup").join("lock");
    file::lock(&path).map_err(|error| match error {
        FileError::Busy(_) => CliError::new("another sopup is migrating this repository", "wait until it has ended").exiting(Exit::Refused),
        error => CliError::from(error).with_hint("migrate keeps its journal there"),
    })
}

pub(super) fn refused(error: &ChangeError) -> CliError {
    let hint = match error {
        ChangeError::Store { .. } => {
            "the identities at hand must open what is encrypted for the recipients of .sops.yaml; nothing was changed"
        }
        ChangeError::Encrypt { .. } | ChangeError::Form { .. } => "--skip leaves this file out; nothing was changed",
        _ => "nothing was changed",
    };
    CliError::new(error.to_string(), hint).exiting(Exit::Refused)
}

/// Globs over paths, and fingerprints.
pub(super) struct Matching {
    globs: globset::GlobSet,
    words: Vec<String>,
}

impl Matching {
    pub(super) fn new(texts: &[String]) -> Result<Self, CliError> {
        let mut globs = GlobSetBuilder::new();
        let wrong = |error: globset::Error| CliError::new(error.to_string(), "--only and --skip take globs over paths, such as `docs/**`");
        for text in texts {
            globs.add(Glob::new(text).map_err(wrong)?);
        }
        Ok(Self { globs: globs.build().map_err(wrong)?, words: texts.to_vec() })
    }

    pub(super) fn matches(&self, path: &str) -> bool {
        self.globs.is_match(path)
    }

    pub(super) fn names(&self, fingerprint: &str) -> bool {
        self.words.iter().any(|word| word == fingerprint)
    }
}
