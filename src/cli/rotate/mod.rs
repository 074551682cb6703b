//! `sopup rotate`: the command of sops for one file, and beside it those that keep track of leaked credentials until they
//! are replaced.

mod check;
mod desk;
mod export;
mod list;
mod mark;
mod person;
mod record;
mod set;

use super::Exit;
use super::error::CliError;
use super::sops;
use super::ui::Ui;
pub(super) use desk::{Desk, stores_of};
pub(super) use person::person;
pub(super) use record::{Recorder, entry_of};

/// Encrypt a SOPS file anew under a new data key, or keep track of leaked credentials until they are replaced
///
/// With a file: whoever could decrypt older versions and kept them still can; change the values themselves if that
/// matters. The commands below do so for what leaked: they keep a ledger in .sopup/ledger.yaml, which is to be committed. It
/// holds no secret; its credentials are named by fingerprints, whose key lies in .sopup/ledger-key.sops.yaml.
#[derive(Debug, clap::Args)]
#[group(skip)]
#[command(
    args_conflicts_with_subcommands = true,
    disable_help_subcommand = true,
    after_help = "\
Examples:
  sopup rotate --in-place --rm-age age1… --add-age age1… prod.enc.yaml
  sopup rotate record                    what leaked goes into the ledger
  sopup rotate list --fail-unrotated     in CI
  sopup rotate set 3f9c                  asks for the new value and puts it where the old one is kept
  sopup rotate mark 3f9c revoked --evidence 'deleted at the provider'
  sopup rotate check                     proves that SOPS files hold other values than those that leaked
  sopup rotate export --format issues     a text for each owner

A file that is called like one of the commands is ./list."
)]
pub(super) struct Args {
    #[command(flatten)]
    data_key: sops::rotate::Args,

    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Record(Box<record::Args>),
    List(list::Args),
    Mark(mark::Args),
    Check(check::Args),
    Set(set::Args),
    Export(export::Args),
}

pub(super) fn run(args: &Args, ui: &Ui) -> Result<Exit, CliError> {
    match &args.command {
        None => sops::rotate::run(&args.data_key, ui),
        Some(Command::Record(args)) => record::run(args, ui),
        Some(Command::List(args)) => list::run(args, ui),
        Some(Command::Mark(args)) => mark::run(args, ui),
        Some(Command::Check(args)) => check::run(args, ui),
        Some(Command::Set(args)) => set::run(args, ui),
        Some(Command::Export(args)) => export::run(args, ui),
    }
}
