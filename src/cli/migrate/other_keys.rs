//! New stores whose creation rule names keys that are not of age (KMS, PGP, Vault, …): sops encrypts their data keys for those.

use zeroize::Zeroizing;

use super::Run;
use crate::cli::Exit;
use crate::cli::error::CliError;
use crate::cli::sops::KeyPrograms;
use crate::migrate::Change;
use crate::sops::doctor::looks_encrypted;
use crate::sops::ops::{self, Editor, MacCheck, NewPlain, OnRemoval};
use crate::sops::store::{Format, Limits};

impl Run<'_> {
    /// Adds the keys of the rules to stores that are about to be written. Nothing is written if one cannot be added.
    pub(super) fn add_other_keys(&self, changes: &mut [Change], programs: &KeyPrograms<'_>) -> Result<(), CliError> {
        let is_new = |change: &Change| change.expected.is_some() && !change.before.as_ref().is_some_and(|before| looks_encrypted(before));
        for change in changes.iter_mut().filter(|change| is_new(change)) {
            let Ok(scheme) = self.policy.scheme(&change.path) else { continue };
            if scheme.foreign.is_empty() {
                continue;
            }
            let store = Format::from_path(&change.path).store(Limits::default(), scheme.style);
            let editor = Editor {
                keyring: self.keyring,
                plugins: programs,
                now: &self.now,
                mac_check: MacCheck::Required,
                new_plain: NewPlain::Allow,
            };
            let update = ops::update_keys(&*store, &change.after, &scheme.audience, OnRemoval::Keep, &editor);
            let update = update.map_err(|error| CliError::from(error).of(&change.path).exiting(Exit::Refused))?;
            if let Some(file) = update.file {
                change.after = Zeroizing::new(file);
            }
        }
        Ok(())
    }
}
