//! `sopup completions`.

use std::io::Write;

use clap::{CommandFactory as _, ValueEnum};
use clap_complete::generate;
use clap_complete_nushell::Nushell;

use super::error::CliError;
use super::ui::Ui;
use super::{Cli, Exit};

/// Print completions for a shell
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  sopup completions bash > ~/.local/share/bash-completion/completions/sopup
  sopup completions nushell | save sopup.nu    and `source sopup.nu` in config.nu")]
pub(super) struct Args {
    /// The shell
    shell: Shell,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Shell {
    Bash,
    Elvish,
    Fish,
    Nushell,
    Powershell,
    Zsh,
}

pub(super) fn run(args: &Args, ui: &Ui) -> Result<Exit, CliError> {
    use clap_complete::Shell as Known;
    let (mut script, mut command) = (Vec::new(), Cli::command());
    let mut known = |shell: Known| generate(shell, &mut command, "sopup", &mut script);
    match args.shell {
        Shell::Bash => known(Known::Bash),
        Shell::Elvish => known(Known::Elvish),
        Shell::Fish => known(Known::Fish),
        Shell::Powershell => known(Known::PowerShell),
        Shell::Zsh => known(Known::Zsh),
        Shell::Nushell => generate(Nushell, &mut Cli::command(), "sopup", &mut script),
    }
    let mut out = ui.stdout();
    out.write_all(&script)?;
    out.flush()?;
    Ok(Exit::Clean)
}
