//! `sopup filestatus`.

use std::path::PathBuf;

use super::file::{InputType, read, store};
use crate::cli::Exit;
use crate::cli::error::CliError;
use crate::cli::ui::Ui;
use crate::sops::doctor::looks_encrypted;
use crate::sops::ops::{FileStatus, file_status};
use crate::sops::store::{Format, Style};

/// Say whether a file is encrypted: {"encrypted":true} or {"encrypted":false}
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// The file
    file: PathBuf,

    #[command(flatten)]
    input_type: InputType,
}

pub(in crate::cli) fn run(args: &Args, ui: &Ui) -> Result<Exit, CliError> {
    let format = args.input_type.of(&args.file);
    let bytes = read(&args.file)?;
    let status = match file_status(&*store(format, Style::default()), &bytes) {
        Err(_) if format == Format::Binary && looks_encrypted(&bytes) => {
            return Err(CliError::new(
                format!("{} holds encrypted values and is no encrypted binary file, which its name makes it", args.file.display()),
                "name its format with `--input-type`",
            ));
        }
        // Any other bytes can be a binary file that is not encrypted.
        Err(_) if format == Format::Binary => FileStatus::Plain,
        status => status?,
    };
    ui.print_bytes(format!("{{\"encrypted\":{}}}\n", status == FileStatus::Encrypted).as_bytes())?;
    Ok(Exit::Clean)
}
