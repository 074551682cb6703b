//! Where sops looks for identities, in order, and the filling of a keyring from there.
//!
//! The decisions are here; files and programs are read by the caller through [`IdentityReader`]. All sources are
//! merged, and a source that fails does not stop the others. Source: sops' `age/keysource.go`, measured on sops 3.11.

use std::path::{Path, PathBuf};

use super::keyring::{IdentityError, Keyring, Prompt};
use super::plugin::Plugins;
use crate::secret::Secret;

/// One place where identities may be.
#[derive(Debug)]
pub enum IdentitySource {
    /// An SSH private key that the user named.
    SshFile(PathBuf),
    /// An SSH private key that is tried if it is there.
    DefaultSshFile(PathBuf),
    /// Identities in the environment (`SOPS_AGE_KEY`).
    Text(Secret),
    /// A key file that the user named (`SOPS_AGE_KEY_FILE`).
    KeyFile(PathBuf),
    /// The key file that is tried if it is there.
    DefaultKeyFile(PathBuf),
    /// A program that prints identities (`SOPS_AGE_KEY_CMD`), as program and arguments.
    Command(Vec<String>),
    /// A program that prints an SSH private key (`SOPS_AGE_SSH_PRIVATE_KEY_CMD`).
    SshCommand(Vec<String>),
}

/// The operating system, for the default paths.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Platform {
    /// Linux and other Unixes.
    Unix,
    /// macOS.
    MacOs,
    /// Windows.
    Windows,
}

/// Reads files and runs programs for [`fill`].
pub trait IdentityReader {
    /// The bytes of a file; `Ok(None)` if there is none.
    ///
    /// # Errors
    /// When the file is there and cannot be read.
    fn file(&self, path: &Path) -> std::io::Result<Option<Secret>>;

    /// What a program prints on its standard output.
    ///
    /// # Errors
    /// When it cannot be started or fails.
    fn command(&self, program: &[String]) -> std::io::Result<Secret>;
}

/// Why a source gave no identities.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// A file that the user named is not there.
    #[error("{path} does not exist")]
    Missing {
        /// The path.
        path: String,
    },
    /// Reading failed.
    #[error("{origin}: {source}")]
    Io {
        /// The path or program.
        origin: String,
        /// Why.
        source: std::io::Error,
    },
    /// What was read is no identity.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The command line cannot be split into words.
    #[error("{variable} is not a valid command line")]
    CommandLine {
        /// The variable.
        variable: &'static str,
    },
}

/// The sources that apply, in sops' order. `variable` looks up the environment; `home` is the home directory.
#[must_use]
pub fn sources(variable: &dyn Fn(&str) -> Option<String>, home: Option<&Path>, platform: Platform) -> Vec<IdentitySource> {
    let set = |name: &str| variable(name).filter(|value| !value.is_empty());
    let mut found = Vec::new();
    found.extend(set("SOPS_AGE_SSH_PRIVATE_KEY_FILE").map(|path| IdentitySource::SshFile(path.into())));
    found.extend(set("SOPS_AGE_SSH_PRIVATE_KEY_CMD").and_then(|line| split_words(&line)).map(IdentitySource::SshCommand));
    for name in ["id_ed25519", "id_rsa"] {
        found.extend(home.map(|home| IdentitySource::DefaultSshFile(home.join(".ssh").join(name))));
    }
    found.extend(set("SOPS_AGE_KEY").map(|text| IdentitySource::Text(Secret::new(text.into_bytes()))));
    found.extend(set("SOPS_AGE_KEY_FILE").map(|path| IdentitySource::KeyFile(path.into())));
    found.extend(set("SOPS_AGE_KEY_CMD").and_then(|line| split_words(&line)).map(IdentitySource::Command));
    found.extend(default_key_file(variable, home, platform).map(IdentitySource::DefaultKeyFile));
    found
}

/// Where sops keeps its key file: `<config directory>/sops/age/keys.txt`.
#[must_use]
pub fn default_key_file(variable: &dyn Fn(&str) -> Option<String>, home: Option<&Path>, platform: Platform) -> Option<PathBuf> {
    let set = |name: &str| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let directory = match platform {
        Platform::Unix => set("XDG_CONFIG_HOME").or_else(|| home.map(|home| home.join(".config"))),
        Platform::MacOs => set("XDG_CONFIG_HOME").or_else(|| home.map(|home| home.join("Library").join("Application Support"))),
        Platform::Windows => set("AppData").or_else(|| set("APPDATA")),
    };
    directory.map(|directory| directory.join("sops").join("age").join("keys.txt"))
}

/// Fills a keyring from all sources; what failed is returned beside it.
pub fn fill(
    sources: &[IdentitySource],
    reader: &dyn IdentityReader,
    prompt: &dyn Prompt,
    plugins: &dyn Plugins,
) -> (Keyring, Vec<SourceError>) {
    let mut keyring = Keyring::new();
    let errors = sources.iter().filter_map(|source| add(source, &mut keyring, reader, prompt, plugins).err()).collect();
    (keyring, errors)
}

fn add(
    source: &IdentitySource,
    keyring: &mut Keyring,
    reader: &dyn IdentityReader,
    prompt: &dyn Prompt,
    plugins: &dyn Plugins,
) -> Result<(), SourceError> {
    let run = |words: &[String]| {
        let origin = words.first().cloned().unwrap_or_default();
        reader.command(words).map_err(|source| SourceError::Io { origin, source })
    };
    match source {
        IdentitySource::SshFile(path) => keyring.add_ssh(named(reader, path)?.expose(), &shown(path), prompt)?,
        IdentitySource::DefaultSshFile(path) => {
            if let Some(bytes) = read(reader, path)? {
                keyring.add_ssh(bytes.expose(), &shown(path), prompt)?;
            }
        }
        IdentitySource::Text(text) => {
            let lines = one_per_line(text.expose());
            keyring.add_text(lines.expose(), "SOPS_AGE_KEY", plugins)?;
        }
        IdentitySource::KeyFile(path) => keyring.add_key_file(named(reader, path)?.expose(), &shown(path), prompt, plugins)?,
        IdentitySource::DefaultKeyFile(path) => {
            if let Some(bytes) = read(reader, path)? {
                keyring.add_key_file(bytes.expose(), &shown(path), prompt, plugins)?;
            }
        }
        IdentitySource::Command(words) => keyring.add_key_file(run(words)?.expose(), "SOPS_AGE_KEY_CMD", prompt, plugins)?,
        IdentitySource::SshCommand(words) => keyring.add_ssh(run(words)?.expose(), "SOPS_AGE_SSH_PRIVATE_KEY_CMD", prompt)?,
    }
    Ok(())
}

/// sops 3.13 also takes blanks between identities; comment lines keep theirs.
fn one_per_line(text: &[u8]) -> Secret {
    let mut out = Vec::with_capacity(text.len());
    for line in text.split_inclusive(|b| *b == b'\n') {
        let comment = line.trim_ascii_start().starts_with(b"#");
        out.extend(line.iter().map(|b| if *b == b' ' && !comment { b'\n' } else { *b }));
    }
    Secret::new(out)
}

fn read(reader: &dyn IdentityReader, path: &Path) -> Result<Option<Secret>, SourceError> {
    reader.file(path).map_err(|source| SourceError::Io { origin: shown(path), source })
}

fn named(reader: &dyn IdentityReader, path: &Path) -> Result<Secret, SourceError> {
    read(reader, path)?.ok_or_else(|| SourceError::Missing { path: shown(path) })
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

/// Splits a command line into words as a shell does, without running one: quotes and backslashes, nothing else.
#[must_use]
pub fn split_words(line: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match c {
            ' ' | '\t' | '\n' | '\r' => words.extend(word.take()),
            '\\' => word.get_or_insert_default().push(chars.next()?),
            '\'' => {
                let inner = word.get_or_insert_default();
                loop {
                    match chars.next()? {
                        '\'' => break,
                        c => inner.push(c),
                    }
                }
            }
            '"' => {
                let inner = word.get_or_insert_default();
                loop {
                    match chars.next()? {
                        '"' => break,
                        '\\' => match chars.next()? {
                            c @ ('"' | '\\' | '$' | '`') => inner.push(c),
                            c => inner.extend(['\\', c]),
                        },
                        c => inner.push(c),
                    }
                }
            }
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    (!words.is_empty()).then_some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_come_in_sops_order() {
        let variable = |name: &str| match name {
            "SOPS_AGE_KEY" => Some("AGE-SECRET-KEY-1X".to_owned()),
            "SOPS_AGE_KEY_FILE" => Some("/k".to_owned()),
            "SOPS_AGE_KEY_CMD" => Some("cat 'a b'".to_owned()),
            _ => None,
        };
        let found = sources(&variable, Some(Path::new("/h")), Platform::Unix);
        let shown: Vec<String> = found.iter().map(|source| format!("{source:?}")).collect();
        assert_eq!(shown.len(), 6);
        assert!(shown[0].contains("id_ed25519") && shown[1].contains("id_rsa"));
        assert!(shown[2].starts_with("Text") && !shown[2].contains("AGE-SECRET"));
        assert!(shown[4].contains("a b") && shown[5].contains("/h/.config/sops/age/keys.txt"));
    }

    #[test]
    fn words_are_split_without_a_shell() {
        assert_eq!(split_words(r#"a "b \"c" 'd $e' f\ g"#), Some(vec!["a".into(), "b \"c".into(), "d $e".into(), "f g".into()]));
        assert_eq!(split_words("a 'b"), None);
        assert_eq!(split_words("  "), None);
    }
}
