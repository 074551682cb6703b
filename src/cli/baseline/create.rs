//! `sopup baseline create`.

use std::io::Write as _;

use super::making::{Reach, Say, Subject, ended, merge_by_union};
use crate::baseline::Baseline;
use crate::cli::Exit;
use crate::cli::error::CliError;
use crate::cli::nameable::Nameable;
use crate::cli::ui::Ui;
use crate::report::{plural, safe};

/// Take all that a scan of files and history finds as known
///
/// Writes .sopup-baseline beside .sopup.yaml, a `fingerprint_key` to .sopup.yaml if there is none, and a line for git to
/// .gitattributes. Commit all of them.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: sopup baseline create --reason 'before we used sopup' --expires 2027-12-31")]
pub(super) struct Args {
    /// Begin anew if there is a baseline; what its entries say is lost
    #[arg(long)]
    force: bool,

    #[command(flatten)]
    say: Say,

    #[command(flatten)]
    subject: Subject,
}

pub(super) fn run(args: &Args, ui: &Ui) -> Result<Exit, CliError> {
    args.say.check()?;
    args.subject.refuse_bare()?;
    let book = args.subject.book()?;
    if !args.force && std::fs::symlink_metadata(&book.path).is_ok() {
        let hint = "`sopup baseline update` adds what is new; `--force` begins anew";
        return Err(CliError::new(format!("there is a baseline already: {}", book.path.display()), hint).exiting(Exit::Refused));
    }
    let by = args.subject.person(args.say.who.as_deref())?;
    let key = args.subject.key()?;
    let scanned = args.subject.scan(Reach::Reported, &key, ui)?;
    let names = Nameable::of(&scanned.outcome);
    args.say.refuse_secrets(&by, &names)?;
    let mut baseline = Baseline::new(&scanned.request.key);
    scanned.outcome.findings.iter().for_each(|finding| baseline.add(args.say.entry(finding, &names, &by)));
    args.subject.keep(&key, ui)?;
    book.write(&baseline)?;
    merge_by_union(&book, ui)?;
    let mut out = ui.told();
    let file = safe::line(&book.path.to_string_lossy());
    writeln!(out, "{file}: {} known from now on; scans report only new ones", plural(baseline.len() as u64, "secret is", "secrets are"))?;
    writeln!(out, "Next: commit it; `sopup baseline audit` goes through the entries: what is real is still exposed")?;
    out.flush()?;
    Ok(ended(&scanned.outcome))
}
