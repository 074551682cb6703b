//! `sopup baseline`: secrets that were there before sopup was, so that a scan reports only new ones.

mod audit;
mod book;
mod create;
mod import;
mod list;
mod making;
mod prune;
mod update;

use super::Exit;
use super::error::CliError;
use super::ui::Ui;
pub(super) use book::{BaselineArgs, Book};

/// Take the secrets that are there as known, so that scans and hooks report only new ones
///
/// The baseline is the file .sopup-baseline, which is to be committed: one line for each value, with its rule, a place, who
/// wrote the line and when. It names values by keyed fingerprints, so an entry follows its value through moves and renames,
/// and another value in the old place is reported. Every scan counts what the baseline silenced.
#[derive(Debug, clap::Args)]
#[command(
    disable_help_subcommand = true,
    after_help = "\
Examples:
  sopup baseline create --reason 'before we used sopup' --expires 2027-12-31
  sopup scan                            only what is new since then
  sopup baseline update                 takes in what is new now
  sopup baseline audit                  goes through the entries: real, false alarm, to rotate
  sopup baseline list --stale           entries whose value is nowhere any more
  sopup baseline prune                  removes those
  sopup baseline import .secrets.baseline       what another scanner knows
  sopup scan --no-baseline              everything"
)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Create(create::Args),
    Update(update::Args),
    Audit(audit::Args),
    Prune(prune::Args),
    Import(import::Args),
    List(list::Args),
}

pub(super) fn run(args: &Args, ui: &Ui) -> Result<Exit, CliError> {
    match &args.command {
        Command::Create(args) => create::run(args, ui),
        Command::Update(args) => update::run(args, ui),
        Command::Audit(args) => audit::run(args, ui),
        Command::Prune(args) => prune::run(args, ui),
        Command::Import(args) => import::run(args, ui),
        Command::List(args) => list::run(args, ui),
    }
}
