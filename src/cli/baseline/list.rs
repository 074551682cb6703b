//! `sopup baseline list`.

use std::collections::BTreeSet;
use std::io::{self, Write};

use jiff::civil::Date;

use super::making::{Key, Reach, Subject, ended};
use crate::baseline::Entry;
use crate::cli::Exit;
use crate::cli::environment::today;
use crate::cli::error::CliError;
use crate::cli::ui::Ui;
use crate::report::{plural, safe};

/// Show the entries of the baseline
///
/// For programs the file itself is JSON, an entry a line.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Only entries whose value is nowhere any more; this scans files and history
    #[arg(long)]
    stale: bool,

    /// Only entries that have expired
    #[arg(long)]
    expired: bool,

    /// Only entries that nobody has looked at in an audit
    #[arg(long)]
    unaudited: bool,

    #[command(flatten)]
    subject: Subject,
}

pub(super) fn run(args: &Args, ui: &Ui) -> Result<Exit, CliError> {
    let (book, today) = (args.subject.book()?, today());
    let baseline = if args.stale { args.subject.baseline(&book)? } else { book.needed()? };
    let scanned = args.stale.then(|| args.subject.scan(Reach::Present, &Key::Shared, ui)).transpose()?;
    let findings = scanned.iter().flat_map(|scanned| &scanned.outcome.findings);
    let found: BTreeSet<_> = findings.map(|finding| &finding.fingerprint).collect();
    let is_asked = |entry: &&Entry| {
        !found.contains(&entry.id) && (!args.expired || entry.is_expired(today)) && (!args.unaudited || entry.verdict.is_none())
    };
    let shown: Vec<&Entry> = baseline.entries().filter(is_asked).collect();
    let mut out = ui.stdout();
    shown.iter().try_for_each(|entry| write(&mut out, entry, today))?;
    let of = if shown.len() < baseline.len() { format!(" of {}", baseline.len()) } else { String::new() };
    writeln!(out, "{}{of}", plural(shown.len() as u64, "entry", "entries"))?;
    out.flush()?;
    Ok(scanned.map_or(Exit::Clean, |scanned| ended(&scanned.outcome)))
}

/// An entry on one line.
pub(super) fn write(out: &mut impl Write, entry: &Entry, today: Date) -> io::Result<()> {
    let verdict = entry.verdict.map_or("not audited", |verdict| verdict.word());
    let until = match entry.expires {
        Some(day) if entry.is_expired(today) => format!(", expired on {day}"),
        Some(day) => format!(", until {day}"),
        None => String::new(),
    };
    let reason = entry.reason.as_ref().map(|reason| format!(": {}", safe::line(reason))).unwrap_or_default();
    let (rule, place, by) = (safe::line(&entry.rule), safe::line(&entry.place), safe::line(&entry.by));
    writeln!(out, "{} {rule} {place} ({verdict}{until}; {by}, {}){reason}", entry.id, entry.date)
}
