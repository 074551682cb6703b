//! `sopup decrypt`.

use super::IgnoreMac;
use super::file::{FormatArg, Input, Output, read_held, store};
use super::keys::Keys;
use super::rules::ConfigArg;
use crate::cli::Exit;
use crate::cli::error::CliError;
use crate::cli::ui::Ui;
use crate::file::Access;
use crate::sops::ops;
use crate::sops::path::TreePath;
use crate::sops::store::{Format, ReadError};

/// Decrypt a SOPS file, or one value of it
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  sopup decrypt secrets/prod.enc.yaml
  sopup decrypt --extract '[\"database\"][\"password\"]' secrets/prod.enc.yaml
  sopup decrypt --output-type dotenv config.enc.json
  git show HEAD~1:prod.enc.yaml | sopup decrypt --filename-override prod.enc.yaml")]
pub(in crate::cli) struct Args {
    #[command(flatten)]
    input: Input,

    #[command(flatten)]
    output: Output,

    /// Only the value at this path: `["key"]["key"][0]`
    #[arg(long, value_name = "PATH")]
    extract: Option<String>,

    /// Format of the result; without, that of the input
    #[arg(long, value_enum, value_name = "FORMAT")]
    output_type: Option<FormatArg>,

    #[command(flatten)]
    mac: IgnoreMac,

    #[command(flatten)]
    config: ConfigArg,
}

pub(in crate::cli) fn run(args: &Args, ui: &Ui) -> Result<Exit, CliError> {
    let path = args.extract.as_deref().map(TreePath::parse).transpose()?;
    if path.is_some() && args.output.in_place {
        return Err(CliError::new(
            "`--extract` with `--in-place` would leave one value of the file",
            "write it elsewhere with `--output FILE`",
        ));
    }
    let (name, format) = args.input.resolve()?;
    let mut held = args.output.hold(&args.input)?;
    let bytes = match &mut held {
        Some(held) => read_held(held)?,
        None => args.input.read()?,
    };
    let style = args.config.style(&name, ui)?;
    let target = args.output_type.map_or(format, Format::from);
    let (from, to) = (store(format, style), store(target, style));
    let check = args.mac.check();
    let mut keys = Keys::find();
    let plain = match path {
        Some(path) => {
            let node = keys.open(ui, |keyring| ops::extract(&*from, &bytes, &path, keyring, check))?;
            ops::print(&node, &*to)?
        }
        None => {
            let plain = keys.open(ui, |keyring| {
                let plain = if target == format {
                    ops::decrypt(&*from, &bytes, keyring, check)
                } else {
                    ops::convert(&*from, &*to, &bytes, keyring, check)
                };
                plain.map_err(|error| name_format(error, format))
            })?;
            crate::secret::Secret::new(plain)
        }
    };
    args.output.write(held, plain.expose(), Access::KeptOrPrivate, ui)?;
    Ok(Exit::Clean)
}

/// A file that its name makes binary and that is none is better explained.
fn name_format(error: ops::DecryptError, format: Format) -> ops::DecryptError {
    match error {
        ops::DecryptError::Read(ReadError::Syntax { line, .. }) if format == Format::Binary => {
            let reason = "its name makes this a binary file, and sops keeps those as JSON, which this is not".to_owned();
            ops::DecryptError::Read(ReadError::Syntax { line, reason })
        }
        error => error,
    }
}
