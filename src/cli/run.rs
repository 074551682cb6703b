//! `sopup run`.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::Exit;
use super::environment::git_dir;
use super::error::CliError;
use super::sops::child::command;
use super::sops::exec_env::{become_command, values};
use super::ui::Ui;
use crate::secret::Secret;
use crate::sops::doctor::looks_encrypted;
use crate::sops::store::Format;

/// Run a script or a command with the values that files need in its environment
///
/// FILEs are SOPS files, or scripts, compose files and the like in which `sopup migrate` left `sops exec-env STORE`: all the
/// SOPS files that they name are decrypted. Without a command, a single script is run itself. The values are in the
/// environment of the command alone; it takes the place of sopup.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  sopup run deploy.sh                                    runs ./deploy.sh
  sopup run compose.yaml db.env -- docker compose up
  sopup run dev.sops.env secrets/accounts.sops.env -- make deploy")]
pub(super) struct Args {
    /// What needs the values
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,

    /// The command; one word is a line for the shell
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

pub(super) fn run(args: &Args, ui: &Ui) -> Result<Exit, CliError> {
    let mut stores = Vec::new();
    for file in &args.files {
        for store in stores_of(file)? {
            if !stores.contains(&store) {
                stores.push(store);
            }
        }
    }
    let mut found = BTreeMap::<String, (Secret, PathBuf)>::new();
    for store in stores {
        for (name, value) in values(&store, Format::from_path(&store.to_string_lossy()), ui)? {
            let known = found.entry(name.clone()).or_insert_with(|| (value.clone(), store.clone()));
            if known.0 != value {
                let places = format!("{} and {}", known.1.display(), store.display());
                return Err(CliError::new(
                    format!("{name} has different values in {places}"),
                    "name one of them only, or give one of the values another name",
                ));
            }
        }
    }
    let mut command = program(args)?;
    for (name, (value, _)) in found {
        command.env(name, value.expose_text().as_str());
    }
    become_command(command)
}

/// What is run: the command, or the only file.
fn program(args: &Args) -> Result<Command, CliError> {
    match (args.command.as_slice(), args.files.as_slice()) {
        ([], [file]) if file.components().count() == 1 => Ok(Command::new(Path::new(".").join(file))),
        ([], [file]) => Ok(Command::new(file)),
        ([], _) => Err(CliError::new("no command is named", "put it behind `--`, as in `sopup run a.sh b.sops.env -- ./a.sh`")),
        (words, _) => command(words, None),
    }
}

/// The SOPS files that a file is or names.
fn stores_of(file: &Path) -> Result<Vec<PathBuf>, CliError> {
    let bytes = std::fs::read(file)
        .map_err(|error| CliError::new(format!("cannot read {}: {error}", file.display()), "name a file that is there"))?;
    if looks_encrypted(&bytes) {
        return Ok(vec![file.to_path_buf()]);
    }
    let text = String::from_utf8_lossy(&bytes);
    let top = file.parent().and_then(|folder| git_dir(if folder.as_os_str().is_empty() { Path::new(".") } else { folder }).ok());
    let top = top.and_then(|git| git.work_tree().map(Path::to_path_buf)).unwrap_or_default();
    let mut stores: Vec<PathBuf> = named(&text).map(|words| store_at(&top, words)).collect();
    stores.dedup();
    if stores.is_empty() {
        let hint = "name a SOPS file, or a file in which `sopup migrate` left `sops exec-env STORE`";
        return Err(CliError::new(format!("{} names no SOPS file", file.display()), hint));
    }
    Ok(stores)
}

/// What stands behind each `sops exec-env` of a text, up to what ends it: a quote, a brace, the end of the line.
fn named(text: &str) -> impl Iterator<Item = &str> {
    let behind = text.split("sops exec-env ").skip(1);
    behind.filter_map(|rest| match rest.chars().next()? {
        quote @ ('\'' | '"') => rest[1..].split([quote, '\n']).next(),
        _ => rest.split(['}', '`', '"', '\'', '\r', '\n']).next(),
    })
}

/// The file that words begin with: all of them if there is such a file, whose name then has blanks, else the first.
fn store_at(top: &Path, words: &str) -> PathBuf {
    let whole = top.join(words);
    if whole.exists() { whole } else { top.join(words.split_whitespace().next().unwrap_or_default()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stores_are_named_as_migrations_name_them() {
        let text = "# Values that read `changeme` are in a.sops.env: sops exec-env a.sops.env COMMAND\n\
                    X=\"${X:?set by sops exec-env my dir/b.sops.env}\"\n`sops exec-env 'it is/c.sops.env' make`\n";
        assert_eq!(named(text).collect::<Vec<_>>(), ["a.sops.env COMMAND", "my dir/b.sops.env", "it is/c.sops.env"]);
        assert_eq!(store_at(Path::new("/nowhere"), "a.sops.env COMMAND"), Path::new("/nowhere/a.sops.env"));
    }
}
