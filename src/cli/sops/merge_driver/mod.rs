//! `sopup merge-driver`: git merges SOPS files by their values.

mod install;
mod run;

pub(super) use run::{committed, stage};

use std::path::PathBuf;

use clap::Subcommand;

use super::rules::ConfigArg;
use crate::cli::Exit;
use crate::cli::error::CliError;
use crate::cli::ui::Ui;

/// Let git merge SOPS files by their values
///
/// Keys that one side added, changed or removed are merged, as are recipients. What nobody changed keeps its ciphertext. Where
/// both sides changed one value, the merge stops as for any other file: ours stays in it, still encrypted, and what to do is said.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  sopup merge-driver install             for this clone; shows the lines for .gitattributes
  sopup merge-driver install --write     writes them too
  sopup merge-driver uninstall
  sopup merge-driver run %O %A %B %P     what git runs")]
pub(in crate::cli) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Tell git to merge SOPS files by their values, and to show in `git diff` which values changed
    Install {
        #[command(flatten)]
        place: Place,

        /// Write to .gitattributes which files are meant
        #[arg(long)]
        write: bool,
    },
    /// Take that out of git's configuration
    Uninstall {
        #[command(flatten)]
        place: Place,
    },
    /// Merge three versions of a file, as git asks for it; the result is put in the place of OURS
    ///
    /// Exits with 1 if both sides changed one value, or if the file was left alone because a version cannot be decrypted.
    Run {
        /// The common ancestor (`%O`); empty if there is none
        base: PathBuf,

        /// Our version, and where the result goes (`%A`)
        ours: PathBuf,

        /// Their version (`%B`)
        theirs: PathBuf,

        /// The name of the file in the repository (`%P`)
        path: PathBuf,

        #[command(flatten)]
        config: ConfigArg,
    },
}

/// Whose configuration is changed.
#[derive(Debug, clap::Args)]
struct Place {
    /// A folder of the repository
    #[arg(short = 'C', long, value_name = "DIR", default_value = ".")]
    path: PathBuf,

    /// Change your own configuration, for all repositories, instead of that of this clone
    #[arg(long)]
    global: bool,
}

pub(in crate::cli) fn run(args: &Args, ui: &Ui) -> Result<Exit, CliError> {
    match &args.command {
        Command::Install { place, write } => install::install(place, *write, ui),
        Command::Uninstall { place } => install::uninstall(place, ui),
        Command::Run { base, ours, theirs, path, config } => run::run([base, ours, theirs], path, config, ui),
    }
}
