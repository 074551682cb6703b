//! What no fact tells: which findings somebody has looked at, and which a plan has shown. By fingerprints alone, in the git
//! directory.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::cli::error::CliError;
use crate::file::{Access, RealDisk, private_folder, put, read};
use crate::source::refs::GitDir;

const SCHEMA: &str = "sopup.cleanup/v1";

/// What is remembered of a clean-up.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// Fingerprints of what was looked at.
    pub(super) looked: BTreeSet<String>,
    /// Fingerprints of what a plan of a purge has shown.
    pub(super) planned: BTreeSet<String>,
}

/// The file of it.
#[derive(Debug, Default, Serialize, Deserialize)]
struct MemoryV1 {
    schema: String,
    looked: BTreeSet<String>,
    planned: BTreeSet<String>,
}

impl Memory {
    pub(super) fn read(git: &GitDir) -> Result<Self, CliError> {
        let Some(bytes) = read(&place(git), &RealDisk)? else { return Ok(Self::default()) };
        let known: MemoryV1 = serde_json::from_slice(&bytes).ok().filter(|known: &MemoryV1| known.schema == SCHEMA).ok_or_else(|| {
            CliError::new(format!("{} makes no sense", place(git).display()), "`sopup cleanup --restart` removes it; nothing else is lost")
        })?;
        Ok(Self { looked: known.looked, planned: known.planned })
    }

    pub(super) fn write(&self, git: &GitDir) -> Result<(), CliError> {
        let path = place(git);
        let known = MemoryV1 { schema: SCHEMA.to_owned(), looked: self.looked.clone(), planned: self.planned.clone() };
        let text = serde_json::to_string_pretty(&known).map_err(|error| CliError::new(error.to_string(), "please report this"))?;
        private_folder(path.parent().unwrap_or(git.common()))?;
        put(&path, (text + "\n").as_bytes(), Access::Private)?;
        Ok(())
    }

    /// Forgets everything.
    pub(super) fn remove(git: &GitDir) -> Result<(), CliError> {
        match fs::remove_file(place(git)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }
}

fn place(git: &GitDir) -> PathBuf {
    git.common().join("sopup/cleanup.json")
}
