//! `sopup completions`.

use std::io::Write;

use clap::CommandFactory as _;
use clap_complete::Shell;

use super::error::CliError;
use super::ui::Ui;
use super::{Cli, Exit};

/// Print completions for a shell
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: sopup completions bash > ~/.local/share/bash-completion/completions/sopup")]
pub(super) struct Args {
    /// The shell
    shell: Shell,
}

pub(super) fn run(args: &Args, ui: &Ui) -> Result<Exit, CliError> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "sopup", &mut script);
    let mut out = ui.stdout();
    out.write_all(&script)?;
    out.flush()?;
    Ok(Exit::Clean)
}
