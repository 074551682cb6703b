//! Who says that something happened.

use std::path::{Path, PathBuf};

use crate::cli::environment::git_dir;
use crate::cli::error::CliError;
use crate::source::refs::person_in;

/// The largest configuration of a user.
const LARGEST: u64 = 1 << 20;

/// Whoever was named, else the user as git knows them.
pub(in crate::cli) fn person(named: Option<&str>, top: &Path) -> Result<String, CliError> {
    let known = match named {
        Some(name) => Some(name.trim().to_owned()).filter(|name| !name.is_empty()),
        None => match git_dir(top) {
            Ok(git) => git.person(&own_configurations()).ok().flatten(),
            Err(_) => person_in(&own_configurations()),
        },
    };
    known.ok_or_else(|| {
        CliError::new("git does not know who you are", "set user.name and user.email for git, or say `--who NAME` where a command has it")
    })
}

/// The user's own configuration, the strongest last. What it includes is not followed.
fn own_configurations() -> Vec<Vec<u8>> {
    let home = std::env::home_dir();
    let below =
        |name: &str, below: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(|folder| PathBuf::from(folder).join(below));
    let files = match std::env::var_os("GIT_CONFIG_GLOBAL") {
        Some(file) => vec![Some(PathBuf::from(file))],
        None => vec![
            below("XDG_CONFIG_HOME", "git/config").or_else(|| home.as_ref().map(|home| home.join(".config/git/config"))),
            home.map(|home| home.join(".gitconfig")),
        ],
    };
    let is_small = |file: &PathBuf| std::fs::metadata(file).is_ok_and(|about| about.is_file() && about.len() <= LARGEST);
    files.into_iter().flatten().filter(is_small).filter_map(|file| std::fs::read(file).ok()).collect()
}
