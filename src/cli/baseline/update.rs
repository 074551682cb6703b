//! `sopup baseline update`.

use std::collections::BTreeSet;
use std::io::Write as _;

use super::making::{Key, Reach, Say, Subject, ended};
use crate::cli::Exit;
use crate::cli::environment::today;
use crate::cli::error::CliError;
use crate::cli::nameable::Nameable;
use crate::cli::ui::Ui;
use crate::report::{plural, safe};

/// Add what a scan of files and history finds and the baseline does not have yet
///
/// Entries that are there stay as they are, those whose value is gone too. Those that expired stay expired, unless `--renew`
/// takes their values in again.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: sopup baseline update --reason 'came with the import of the old repository'")]
pub(super) struct Args {
    /// Make entries that expired count again: with the last day of `--expires`, or without one
    #[arg(long)]
    renew: bool,

    #[command(flatten)]
    say: Say,

    #[command(flatten)]
    subject: Subject,
}

pub(super) fn run(args: &Args, ui: &Ui) -> Result<Exit, CliError> {
    args.say.check()?;
    let (book, today) = (args.subject.book()?, today());
    args.subject.baseline(&book)?;
    let by = args.subject.person(args.say.who.as_deref())?;
    let scanned = args.subject.scan(Reach::Reported, &Key::Shared, ui)?;
    let names = Nameable::of(&scanned.outcome);
    args.say.refuse_secrets(&by, &names)?;
    let findings = &scanned.outcome.findings;
    let (mut added, mut expired) = (0_u64, 0_u64);
    let stale = book.change(|baseline| {
        for finding in findings {
            match baseline.get_mut(&finding.fingerprint) {
                None => {
                    baseline.add(args.say.entry(finding, &names, &by));
                    added += 1;
                }
                Some(known) if known.is_expired(today) => {
                    expired += 1;
                    if args.renew {
                        (known.expires, known.date, known.by) = (args.say.expires, today, by.clone());
                        known.reason = args.say.reason.clone().or(known.reason.take());
                    }
                }
                Some(_) => {}
            }
        }
        let found: BTreeSet<_> = findings.iter().map(|finding| &finding.fingerprint).collect();
        baseline.entries().filter(|entry| !found.contains(&entry.id)).count() as u64
    })?;
    let mut out = ui.stdout();
    let file = safe::line(&book.path.to_string_lossy());
    writeln!(out, "{file}: {} added", plural(added, "secret", "secrets"))?;
    if expired > 0 {
        let entries = plural(expired, "entry has", "entries have");
        let what = if args.renew { "been renewed" } else { "expired; `--renew` lets them count again" };
        writeln!(out, "{entries} {what}")?;
    }
    if stale > 0 {
        let entries = plural(stale, "entry is", "entries are");
        writeln!(out, "{entries} of nothing that this scan reports; `sopup baseline prune` removes those whose value is gone")?;
    }
    out.flush()?;
    Ok(ended(&scanned.outcome))
}
