//! Changes of `.sopup.yaml` that leave the rest of it as it is.

use std::path::Path;

use super::Exit;
use super::environment::{fingerprint_key, key_source, new_key, today};
use super::error::CliError;
use crate::config::Config;
use crate::file::{self, Access};

/// A configuration is not larger, in bytes.
const LARGEST: u64 = 16 << 20;

/// A configuration that is to be changed.
pub(super) struct Settings<'a> {
    /// Where it is, or will be.
    pub(super) file: &'a Path,
    /// What to do if it is written in a way that cannot be changed.
    pub(super) by_hand: &'a str,
}

impl Settings<'_> {
    /// Writes what `edit` makes of the text and its meaning, if `is_right` says so of the new meaning. Gives what `edit` told.
    pub(super) fn change<T>(
        &self,
        edit: impl FnOnce(&str, &Config) -> Result<(String, T), CliError>,
        is_right: impl FnOnce(&Config, &T) -> bool,
    ) -> Result<T, CliError> {
        file::change(self.file, LARGEST, Access::KeptOrShared, |before| {
            let before = std::str::from_utf8(before.unwrap_or_default()).map_err(|_| self.refused("it is not UTF-8"))?;
            let known = Config::parse(before, self.file, today(), key_source())?;
            let (after, told) = edit(before, &known)?;
            let read = Config::parse(&after, self.file, today(), key_source()).map_err(|error| self.refused(&error.to_string()))?;
            if !is_right(&read, &told) {
                return Err(self.refused("the entry would not be read as one"));
            }
            Ok((after.into_bytes(), told))
        })
    }

    pub(super) fn refused(&self, why: &str) -> CliError {
        CliError::new(format!("{} was not changed: {why}", self.file.display()), self.by_hand).exiting(Exit::Refused)
    }
}

/// A new key of fingerprints, if neither the environment nor a configuration has one.
pub(super) fn missing_key(config: &Config) -> Result<Option<String>, CliError> {
    Ok(if fingerprint_key(config.fingerprint_key.as_deref())?.is_some() { None } else { Some(new_key()) })
}
