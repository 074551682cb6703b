//! What sopup takes from the user's surroundings: the day, the key of fingerprints, the
//! configuration beside what is scanned.

use std::fs;
use std::path::{Component, Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use jiff::civil::Date;

use super::error::CliError;
use super::paths::cannot_scan;
use crate::config::{Config, FILE_NAME, KeySource};
use crate::file::{Access, create, private_folder};
use crate::finding::FingerprintKey;
use crate::source::object::is_absent;
use crate::source::refs::{GitDir, GitDirError, GitVariables};

/// Holds the key of fingerprints where the configuration should not.
pub(super) const KEY_VARIABLE: &str = "SOPUP_FINGERPRINT_KEY";

/// Today, in the system's time zone.
pub(super) fn today() -> Date {
    jiff::Zoned::now().date()
}

/// Memory that may be used for objects, in bytes: a quarter of what the machine has, `most` at
/// most and where that is not known.
pub(super) fn memory_budget(most: u64) -> u64 {
    const LEAST: u64 = 64 << 20;
    let total = fs::read_to_string("/proc/meminfo").ok().and_then(|text| {
        let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
        line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()
    });
    total.map_or(most, |kibibytes| (kibibytes * 1024 / 4).clamp(LEAST, most))
}

/// The repository that holds a path, or that `GIT_DIR` names, as for git itself.
pub(super) fn git_dir(path: &Path) -> Result<GitDir, GitDirError> {
    GitDir::told(path, &GitVariables::read(|name| std::env::var_os(name)).of_repository())
}

/// As [`git_dir`], for what runs as a hook: there git also tells which index a commit is made from
/// and where new objects lie.
pub(super) fn hook_git_dir(path: &Path) -> Result<GitDir, GitDirError> {
    GitDir::told(path, &GitVariables::read(|name| std::env::var_os(name)))
}

/// Which configuration to use.
#[derive(Debug)]
pub(super) enum ConfigChoice {
    /// This file.
    File(PathBuf),
    /// The one beside what is scanned, if there is one.
    Beside(PathBuf),
    /// None.
    Nothing,
}

impl ConfigChoice {
    /// The file that was named, nothing if that was asked for, or what stands beside a path.
    pub(super) fn of(file: Option<&Path>, nothing: bool, path: &Path) -> Self {
        match file {
            Some(file) => Self::File(file.to_path_buf()),
            None if nothing => Self::Nothing,
            None => Self::Beside(path.to_path_buf()),
        }
    }
}

/// A configuration and the folder its globs start from.
pub(super) fn configuration(choice: &ConfigChoice) -> Result<(Config, Option<PathBuf>), CliError> {
    configuration_with(choice, None)
}

/// The same with a configuration of gitleaks, if one is named, in place of the one that it names itself.
pub(super) fn configuration_with(choice: &ConfigChoice, gitleaks: Option<&Path>) -> Result<(Config, Option<PathBuf>), CliError> {
    let path = configuration_of(choice)?;
    let config = path.as_deref().map_or_else(|| Ok(Config::default()), |path| Config::read(path, today(), key_source()))?;
    let named = match (gitleaks, path.as_deref()) {
        (Some(file), _) => Some(file.to_path_buf()),
        (None, Some(path)) => gitleaks_beside(&config, path)?,
        (None, None) => None,
    };
    let config = match named {
        Some(file) => {
            let unreadable = |error| CliError::new(format!("cannot read {}: {error}", file.display()), "name a file that you can read");
            config.with_gitleaks(&fs::read_to_string(&file).map_err(unreadable)?, &file)?
        }
        None => config,
    };
    let folder = path.filter(|_| matches!(choice, ConfigChoice::Beside(_))).and_then(|path| path.parent().map(Path::to_path_buf));
    Ok((config, folder))
}

/// The configuration of gitleaks that a configuration names: a file below its folder, and no link.
pub(super) fn gitleaks_beside(config: &Config, path: &Path) -> Result<Option<PathBuf>, CliError> {
    let Some(named) = config.gitleaks_config.as_deref() else { return Ok(None) };
    let is_below = Path::new(named).components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let file = folder.join(named.strip_prefix("./").unwrap_or(named));
    let is_file = fs::symlink_metadata(&file).is_ok_and(|about| about.is_file());
    let real = |path: &Path| path.canonicalize().ok();
    if is_below && is_file && real(&file).zip(real(folder)).is_some_and(|(file, folder)| file.starts_with(folder)) {
        return Ok(Some(file));
    }
    Err(CliError::new(
        format!("`gitleaks_config` of {} names {named}, which is not a regular file below its folder", path.display()),
        "write the path from the folder of that file, or name another one with `--gitleaks-config`",
    ))
}

/// The file of a configuration, if there is one.
pub(super) fn configuration_of(choice: &ConfigChoice) -> Result<Option<PathBuf>, CliError> {
    match choice {
        ConfigChoice::Nothing => Ok(None),
        ConfigChoice::File(path) => Ok(Some(path.clone())),
        ConfigChoice::Beside(root) => beside(root),
    }
}

/// Whether the environment has a key of fingerprints.
pub(super) fn key_source() -> KeySource {
    if std::env::var_os(KEY_VARIABLE).is_some() { KeySource::Environment } else { KeySource::Unknown }
}

/// Where `.sopup.yaml` is, or would be: at the top of the repository, or in the scanned folder outside one.
pub(super) fn configuration_file(root: &Path) -> Result<PathBuf, CliError> {
    let folder = folder_of(root)?;
    // What is wrong with a repository is named by what reads it.
    let top = match git_dir(folder) {
        Ok(git) => git.work_tree().map(Path::to_path_buf),
        Err(GitDirError::Io { .. } | GitDirError::Skip(_)) => marked_top(folder)?,
        Err(_) => None,
    };
    Ok(top.unwrap_or_else(|| folder.to_path_buf()).join(FILE_NAME))
}

/// `.sopup.yaml`, if it is there.
fn beside(root: &Path) -> Result<Option<PathBuf>, CliError> {
    let path = configuration_file(root)?;
    match fs::symlink_metadata(&path) {
        Ok(about) if about.is_file() => Ok(Some(path)),
        Ok(_) => Err(CliError::new(
            format!("{} is not a regular file, and not read", path.display()),
            "put a file in its place, name another one with `--config`, or use `--no-repo-config`",
        )),
        Err(error) if is_absent(error.kind()) => {
            let other = path.with_extension("yml");
            if !other.exists() {
                return Ok(None);
            }
            let message = format!("{} is not read: the configuration is called {FILE_NAME}", other.display());
            Err(CliError::new(message, format!("rename it to {FILE_NAME}, or use `--no-repo-config`")))
        }
        Err(error) => Err(CliError::new(format!("cannot read {}: {error}", path.display()), "`--no-repo-config` scans without it")),
    }
}

/// The first folder from here up that has something of the name `.git`.
fn marked_top(folder: &Path) -> Result<Option<PathBuf>, CliError> {
    let start = folder.canonicalize().map_err(|error| cannot_scan(folder, &error))?;
    let marked = start.ancestors().find(|folder| {
        let about = fs::symlink_metadata(folder.join(".git"));
        about.map_or_else(|error| !is_absent(error.kind()), |_| true)
    });
    Ok(marked.map(Path::to_path_buf))
}

/// The folder of what is scanned.
pub(super) fn folder_of(root: &Path) -> Result<&Path, CliError> {
    match fs::metadata(root) {
        Ok(about) if about.is_dir() => Ok(root),
        Err(error) if !is_absent(error.kind()) => Err(cannot_scan(root, &error)),
        _ => Ok(root.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))),
    }
}

/// A day on the command line.
pub(super) fn day(text: &str) -> Result<Date, String> {
    text.parse().map_err(|_| "a day looks like 2027-01-31".to_owned())
}

/// The key of fingerprints: from the environment, the configuration, or this user's own file,
/// which is made if there is none.
pub(super) fn fingerprint_key(configured: Option<&str>) -> Result<Option<FingerprintKey>, CliError> {
    let given = std::env::var(KEY_VARIABLE).ok().or_else(|| configured.map(str::to_owned));
    let Some(text) = given else { return Ok(None) };
    FingerprintKey::new(text.into_bytes()).map(Some).ok_or_else(|| {
        CliError::new("the key of fingerprints is shorter than 16 characters", format!("use a random one, such as {}", new_key()))
    })
}

/// This user's own key, or one for this run alone where no file can be kept.
pub(super) fn own_key() -> FingerprintKey {
    let bytes = kept_key().map_or_else(|| new_key().into_bytes(), |key| key.to_vec());
    FingerprintKey::new(bytes).expect("a key made here is long enough")
}

/// This user's own key, if it can be kept: nobody else has it, whatever a repository or its configuration says.
pub(super) fn kept_key() -> Option<zeroize::Zeroizing<Vec<u8>>> {
    let file = key_file()?;
    let text = fs::read_to_string(&file).ok().filter(|text| text.len() >= 16);
    text.or_else(|| keep(&file, &new_key()).ok()).map(|text| zeroize::Zeroizing::new(text.into_bytes()))
}

/// 32 random bytes in base64.
pub(super) fn new_key() -> String {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).expect("the system has a source of randomness");
    STANDARD_NO_PAD.encode(bytes)
}

fn key_file() -> Option<PathBuf> {
    let state = std::env::var_os("XDG_STATE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let home = || std::env::home_dir().map(|home| home.join(".local/state"));
    state.or_else(home).map(|folder| folder.join("sopup/fingerprint.key"))
}

/// Writes the key so that whoever comes first wins, and returns the one that is kept.
fn keep(file: &Path, key: &str) -> std::io::Result<String> {
    private_folder(file.parent().unwrap_or(Path::new(".")))?;
    match create(file, key.as_bytes(), Access::Private) {
        Ok(()) => Ok(key.to_owned()),
        Err(_) => fs::read_to_string(file),
    }
}
