//! `sopup exec-file`.

use std::ffi::OsString;
use std::path::PathBuf;

use super::child::{Shelter, command, exit_code};
use super::file::{FormatArg, InputType, read, store};
use super::keys::Keys;
use super::rules::ConfigArg;
use crate::cli::Exit;
use crate::cli::error::CliError;
use crate::cli::ui::Ui;
use crate::sops::ops::{self, MacCheck};
use crate::sops::store::Format;

/// Run a command with the decrypted file in a place of its own, in memory where there is one
///
/// `{}` in the command stands for the path of the file. One word is a line for the shell, several are a program and its
/// arguments. The file is gone when the command ends.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  sopup exec-file kubeconfig.enc.yaml 'kubectl --kubeconfig {} get nodes'
  sopup exec-file --filename app.json app.enc.json -- app --config {}")]
pub(in crate::cli) struct Args {
    /// The encrypted file
    file: PathBuf,

    /// The command
    #[arg(required = true, trailing_var_arg = true)]
    command: Vec<OsString>,

    /// Name of the decrypted file
    #[arg(long, value_name = "NAME", default_value = "tmp-file")]
    filename: String,

    /// For scripts made for sops: sopup never uses a pipe, which can be read only once
    #[arg(long, hide = true)]
    no_fifo: bool,

    /// Format of the decrypted file; without, that of the encrypted one
    #[arg(long, value_enum, value_name = "FORMAT")]
    output_type: Option<FormatArg>,

    #[command(flatten)]
    input_type: InputType,

    #[command(flatten)]
    config: ConfigArg,
}

pub(in crate::cli) fn run(args: &Args, ui: &Ui) -> Result<Exit, CliError> {
    if args.filename.contains(['/', '\\']) || matches!(args.filename.as_str(), "" | "." | "..") {
        return Err(CliError::new("`--filename` must be a name without folders", "the folder is made for this one run"));
    }
    let format = args.input_type.of(&args.file);
    let target = args.output_type.map_or(format, Format::from);
    let style = args.config.style(&args.file, ui)?;
    let (from, to) = (store(format, style), store(target, style));
    let bytes = read(&args.file)?;
    let plain = Keys::find().open(ui, |keyring| {
        let plain = if target == format {
            ops::decrypt(&*from, &bytes, keyring, MacCheck::Required)
        } else {
            ops::convert(&*from, &*to, &bytes, keyring, MacCheck::Required)
        };
        plain.map(crate::secret::Secret::new)
    })?;
    let shelter = Shelter::new(ui)?;
    let path = shelter.write(&args.filename, plain.expose())?;
    let mut command = command(&args.command, Some(&path))?;
    let program = command.get_program().to_string_lossy().into_owned();
    let status = shelter.run(&mut command).map_err(|error| {
        CliError::new(format!("cannot run {program}: {error}"), "name a program on the PATH, or put a line for the shell into quotes")
    })?;
    Ok(Exit::Child(exit_code(status)))
}
