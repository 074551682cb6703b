//! `sopup exec-env`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::child::command;
use super::file::{InputType, read, store};
use super::keys::Keys;
use crate::cli::Exit;
use crate::cli::error::CliError;
use crate::cli::ui::Ui;
use crate::secret::Secret;
use crate::sops::ops;
use crate::sops::store::{Format, Style};
use crate::sops::tree::{Entry, Node, Tree};

/// Run a command with the decrypted values in its environment
///
/// Values are passed on as they stand: quotes in a dotenv file are part of them. One word is a line for the shell, several
/// are a program and its arguments. The command takes the place of sopup.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  sopup exec-env dev.sops.env 'docker compose up'
  sopup exec-env dev.sops.env -- cargo run --release")]
pub(in crate::cli) struct Args {
    /// The encrypted file; its values must stand at the top level
    file: PathBuf,

    /// The command
    #[arg(required = true, trailing_var_arg = true)]
    command: Vec<OsString>,

    /// Pass on nothing but the decrypted values
    #[arg(long)]
    pristine: bool,

    /// For scripts made for sops: this is always so
    #[arg(long, hide = true)]
    same_process: bool,

    #[command(flatten)]
    input_type: InputType,
}

pub(in crate::cli) fn run(args: &Args, ui: &Ui) -> Result<Exit, CliError> {
    let values = values(&args.file, args.input_type.of(&args.file), ui)?;
    let mut command = command(&args.command, None)?;
    if args.pristine {
        command.env_clear();
    }
    for (name, value) in values {
        command.env(name, value.expose_text().as_str());
    }
    become_command(command)
}

/// What a SOPS file holds for the environment.
pub(in crate::cli) fn values(file: &Path, format: Format, ui: &Ui) -> Result<Vec<(String, Secret)>, CliError> {
    let store = store(format, Style::default());
    let bytes = read(file)?;
    let tree = Keys::find().open(ui, |keyring| {
        let opened = ops::open(&*store, &bytes, keyring)?;
        opened.mac?;
        Ok::<_, ops::DecryptError>(opened.source.for_other_formats(opened.tree))
    })?;
    let values = variables(&tree)?;
    let is_quoted = |(_, value): &&(String, Secret)| matches!(value.expose(), [b'"', .., b'"'] | [b'\'', .., b'\'']);
    let quoted: Vec<&str> = values.iter().filter(is_quoted).map(|(name, _)| name.as_str()).collect();
    if format == Format::Dotenv && !quoted.is_empty() {
        ui.note(&format!("the quotes around {} are part of the values: neither sops nor sopup takes them off", quoted.join(", ")));
    }
    Ok(values)
}

/// The top level as names and values.
fn variables(tree: &Tree) -> Result<Vec<(String, Secret)>, CliError> {
    let entries = tree.documents.iter().take(1).flat_map(|map| map.entries());
    entries.map(variable).collect()
}

fn variable(entry: &Entry) -> Result<(String, Secret), CliError> {
    // `export NAME=value` is a name to sops, blank and all, and usable by nobody.
    let name = entry.key.strip_prefix("export ").unwrap_or(&entry.key).trim();
    let wrong = |what: &str| {
        CliError::new(
            format!("`{}` cannot be a variable: {what}", entry.key),
            "values for the environment stand at the top level, below names without `=`; `sopup exec-file` passes on whole files",
        )
    };
    if name.is_empty() || name.contains(['=', '\0']) {
        return Err(wrong("its name is not one of a variable"));
    }
    let mut node = &entry.value;
    while let Node::Alias(target) = node {
        node = target;
    }
    let value = match node {
        Node::Map(_) | Node::List(_) => return Err(wrong("it holds more than one value")),
        Node::Scalar(scalar) => Secret::new(scalar.to_plain_text().to_vec()),
        Node::Alias(_) => unreachable!("aliases were followed"),
    };
    if value.expose().contains(&0) {
        return Err(wrong("its value holds a NUL, which ends variables"));
    }
    Ok((name.to_owned(), value))
}

/// Replaces this process, so that signals and the exit code need no help and nothing decrypted stays behind.
#[cfg(unix)]
pub(in crate::cli) fn become_command(mut command: Command) -> Result<Exit, CliError> {
    let error = std::os::unix::process::CommandExt::exec(&mut command);
    Err(not_run(&command, &error))
}

#[cfg(not(unix))]
pub(in crate::cli) fn become_command(mut command: Command) -> Result<Exit, CliError> {
    let status = command.status().map_err(|error| not_run(&command, &error))?;
    Ok(Exit::Child(super::child::exit_code(status)))
}

fn not_run(command: &Command, error: &std::io::Error) -> CliError {
    let program = command.get_program().to_string_lossy().into_owned();
    CliError::new(format!("cannot run {program}: {error}"), "name a program on the PATH, or put a line for the shell into quotes")
}
