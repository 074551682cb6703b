//! `sopup man`.

use std::io::Write;
use std::path::PathBuf;

use super::error::CliError;
use super::ui::Ui;
use super::{Exit, whole};

/// Print the manual page, or write one per command into a folder
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: sopup man | man -l -")]
pub(super) struct Args {
    /// Folder for one page per command
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

pub(super) fn run(args: &Args, ui: &Ui) -> Result<Exit, CliError> {
    match &args.dir {
        Some(folder) => {
            let hint = "name a folder that you can write to";
            std::fs::create_dir_all(folder)
                .and_then(|()| clap_mangen::generate_to(whole(), folder))
                .map_err(|error| CliError::new(format!("cannot write to {}: {error}", folder.display()), hint))?;
        }
        None => {
            let mut page = Vec::new();
            clap_mangen::Man::new(whole()).render(&mut page)?;
            let mut out = ui.stdout();
            out.write_all(&page)?;
            out.flush()?;
        }
    }
    Ok(Exit::Clean)
}
