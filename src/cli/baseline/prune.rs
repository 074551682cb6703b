//! `sopup baseline prune`.

use std::collections::BTreeSet;
use std::io::Write as _;

use super::list;
use super::making::{Key, Reach, Subject};
use crate::baseline::Entry;
use crate::cli::Exit;
use crate::cli::environment::today;
use crate::cli::error::CliError;
use crate::cli::ui::Ui;
use crate::report::plural;

/// Remove the entries whose value is nowhere any more, in no file and no version of one
///
/// Nothing is removed if something could not be read: the value may be there.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Remove the entries that have expired, too
    #[arg(long)]
    expired: bool,

    /// Only show what would be removed
    #[arg(long)]
    dry_run: bool,

    #[command(flatten)]
    subject: Subject,
}

pub(super) fn run(args: &Args, ui: &Ui) -> Result<Exit, CliError> {
    let (book, today) = (args.subject.book()?, today());
    let baseline = args.subject.baseline(&book)?;
    let present = args.subject.scan(Reach::Present, &Key::Shared, ui)?;
    if !present.outcome.is_complete() {
        let hint = "`sopup scan` names it; get what is missing (such as the rest of a shallow clone) and try again";
        return Err(CliError::new("not everything could be read, so nothing was removed", hint).exiting(Exit::Incomplete));
    }
    let found: BTreeSet<_> = present.outcome.findings.iter().map(|finding| &finding.fingerprint).collect();
    let goes = |entry: &&Entry| !found.contains(&entry.id) || args.expired && entry.is_expired(today);
    let going: Vec<&Entry> = baseline.entries().filter(goes).collect();
    if !args.dry_run {
        book.change(|baseline| going.iter().for_each(|entry| baseline.remove(&entry.id)))?;
    }
    let mut out = ui.stdout();
    going.iter().try_for_each(|entry| list::write(&mut out, entry, today))?;
    let done = if args.dry_run { "would be removed" } else { "removed" };
    let left = baseline.len() - going.len();
    writeln!(out, "{} {done}, {left} left", plural(going.len() as u64, "entry", "entries"))?;
    out.flush()?;
    Ok(Exit::Clean)
}
