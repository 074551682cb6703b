//! `sopup allow`: one value more in the allowlist of `.sopup.yaml`.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use jiff::civil::Date;

use super::Exit;
use super::environment::{configuration_file, day, own_key, today};
use super::error::CliError;
use super::explain::inside::archive_of;
use super::settings::{Settings, missing_key};
use super::ui::Ui;
use super::what::What;
use crate::config::Config;
use crate::finding::{Allowlist, Finding, Fingerprint, FingerprintKey, InlineAllow, Occurrence};
use crate::migrate::{allowed, entry_of};
use crate::report::{plural, safe};
use crate::rule::Confidence;
use crate::scan::{Progress, Request, scan};
use crate::source::SourceKind;

/// Accept one value: write it to the allowlist of .sopup.yaml, with a reason
///
/// The entry is for this value alone, wherever it stands, now and in the history; another value in the same place is
/// reported. It names the value by its fingerprint. If there is no `fingerprint_key`, one is made. Everything else in
/// the file stays as it is.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  sopup allow docs/guide.md:12 --reason 'the example of the vendor'
  sopup allow --last --reason 'a demo'                    what just blocked a commit
  sopup allow 8e041dd8e99f7689d59af480 --reason 'revoked in March' --expires 2027-03-31")]
pub(super) struct Args {
    /// FILE:LINE, or a fingerprint from a report
    #[arg(value_name = "FILE:LINE|FINGERPRINT", required_unless_present = "last", default_value = "", hide_default_value = true)]
    value: String,

    /// The one value that is staged, as after a commit that was blocked
    #[arg(long, conflicts_with = "value")]
    last: bool,

    /// Why it is accepted, for those who read this later
    #[arg(long, value_name = "TEXT")]
    reason: String,

    /// The last day on which it is, as 2027-01-31
    #[arg(long, value_name = "DATE", value_parser = day)]
    expires: Option<Date>,

    /// Where a fingerprint is sought: a folder, or a repository with its history
    #[arg(long, value_name = "DIR", default_value = ".")]
    path: PathBuf,

    #[command(flatten)]
    what: What,
}

pub(super) fn run(args: &Args, ui: &Ui) -> Result<Exit, CliError> {
    check(args)?;
    let place = if args.last || Fingerprint::parse(&args.value).is_some() { None } else { Some(super::explain::place(&args.value)?) };
    let archive = place.as_ref().and_then(|(file, _)| archive_of(file));
    let root = archive.as_deref().or(place.as_ref().map(|(file, _)| file.as_path())).unwrap_or(&args.path);
    let file = args.what.config_file().map_or_else(|| configuration_file(root), |file| Ok(file.to_path_buf()))?;
    let request = match &place {
        Some(_) => args.what.of_file(root)?,
        None if args.last => args.what.staged(&args.path)?,
        None => args.what.everything(&args.path)?.0,
    };
    let request = Request { inline: InlineAllow::Ignored, min_confidence: Confidence::Low, ..request };
    let (request, known) = without_allowlist(request);
    let progress = Progress::default();
    let outcome = ui.watched(&progress, || scan(&request, &progress))?;
    let finding = match &place {
        Some(place) => on_line(&outcome.findings, place, archive.is_some(), &args.value)?,
        None if args.last => staged(&outcome.findings, &known)?,
        None => called(&outcome.findings, &args.value).ok_or_else(|| {
            let message = format!("no value in {} has the fingerprint {}", args.path.display(), args.value);
            CliError::new(message, "copy one from a report of this repository, made with the same `fingerprint_key`")
        })?,
    };
    let mut out = ui.told();
    check_reason(&args.reason, finding)?;
    if known.names(&finding.fingerprint) {
        writeln!(out, "{} is allowed already", finding.fingerprint)?;
        out.flush()?;
        return Ok(Exit::Clean);
    }
    let Allowed { fingerprint, has_new_key } = write(&args.reason, args.expires, &file, finding)?;
    if has_new_key {
        ui.note(
            "`fingerprint_key` was added to the file: it names the allowed values, for everybody who has the file. Fingerprints in \
             earlier reports were made with another key",
        );
    }
    let (rule, places) = (finding.rule.id, finding.occurrences.len());
    let first = &finding.occurrences[0];
    let more = if places > 1 { format!(" and {}", plural((places - 1) as u64, "more place", "more places")) } else { String::new() };
    let at = match place {
        Some(_) => safe::line(&args.value),
        None => safe::line(&format!("{}:{}", first.origin.path, first.start.line)),
    };
    writeln!(out, "{}: allowed {fingerprint} ({rule}, {at}{more})", file.display())?;
    writeln!(out, "Next: commit {}, so that others and CI know of it", file.display())?;
    out.flush()?;
    Ok(Exit::Clean)
}

/// What can be told before anything is read.
fn check(args: &Args) -> Result<(), CliError> {
    if args.reason.trim().is_empty() {
        return Err(CliError::new("the reason is empty", "say why this is no secret, or why it does no harm"));
    }
    match args.expires {
        Some(day) if day < today() => {
            Err(CliError::new(format!("{day} has passed: the entry would allow nothing"), "name a day to come, or leave `--expires` out"))
        }
        _ => Ok(()),
    }
}

/// The request with an empty allowlist, and the one that it had.
fn without_allowlist(mut request: Request) -> (Request, Allowlist) {
    let known = std::mem::take(&mut request.allow);
    (request, known)
}

/// The value with a fingerprint, which may be of a report made before there was a `fingerprint_key`.
fn called<'f>(findings: &'f [Finding], asked: &str) -> Option<&'f Finding> {
    let of_now = findings.iter().find(|finding| finding.fingerprint.to_string() == asked);
    of_now.or_else(|| {
        let key = own_key();
        findings.iter().find(|finding| key.fingerprint(&finding.secret).to_string() == asked)
    })
}

/// The one value that is staged and not allowed yet.
fn staged<'f>(findings: &'f [Finding], known: &Allowlist) -> Result<&'f Finding, CliError> {
    let found: Vec<&Finding> = findings.iter().filter(|one| !known.names(&one.fingerprint)).collect();
    match found[..] {
        [finding] => Ok(finding),
        [] => Err(CliError::new("nothing that is staged looks like a secret", "name a line or a fingerprint from a report")),
        _ => Err(CliError::new(format!("{} values are staged", found.len()), format!("name one by its fingerprint: {}", listed(&found)))),
    }
}

fn listed(found: &[&Finding]) -> String {
    found.iter().map(|one| format!("{} ({})", one.fingerprint, one.rule.id)).collect::<Vec<_>>().join(", ")
}

/// The one value on a line.
fn on_line<'f>(findings: &'f [Finding], (file, line): &(PathBuf, usize), packed: bool, asked: &str) -> Result<&'f Finding, CliError> {
    let is_in = |one: &Occurrence| match one.origin.source {
        SourceKind::Worktree => !packed,
        SourceKind::Archive => packed && file.to_string_lossy().ends_with(&one.origin.path),
        _ => false,
    };
    let is_there = |finding: &&Finding| {
        let mut on_disk = finding.occurrences.iter().filter(|one| is_in(one));
        on_disk.any(|one| (one.start.line..=one.end.line).contains(line))
    };
    let found: Vec<&Finding> = findings.iter().filter(is_there).collect();
    match found[..] {
        [finding] => Ok(finding),
        [] => {
            super::explain::check_place(file, *line)?;
            Err(CliError::new(
                format!("nothing that looks like a secret stands at {}", safe::line(asked)),
                "`sopup explain FILE:LINE` shows what was looked at there",
            ))
        }
        _ => Err(CliError::new(
            format!("{} values stand at {}", found.len(), safe::line(asked)),
            format!("name one by its fingerprint: {}", listed(&found)),
        )),
    }
}

fn check_reason(reason: &str, finding: &Finding) -> Result<(), CliError> {
    if memchr::memmem::find(reason.as_bytes(), finding.secret.expose()).is_some() {
        return Err(CliError::new("the reason holds the secret", "say why it is accepted without quoting it"));
    }
    if reason.trim().is_empty() {
        return Err(CliError::new("the reason is empty", "say why this is no secret, or why it does no harm"));
    }
    Ok(())
}

/// An entry that was written.
pub(super) struct Allowed {
    /// The fingerprint that it has.
    pub(super) fingerprint: Fingerprint,
    /// Whether the file had no key of fingerprints before.
    pub(super) has_new_key: bool,
}

/// Writes the entry.
pub(super) fn write(reason: &str, expires: Option<Date>, file: &Path, finding: &Finding) -> Result<Allowed, CliError> {
    check_reason(reason, finding)?;
    let settings = Settings { file, by_hand: "add the entry under `allow:` by hand" };
    let edit = |before: &str, known: &Config| {
        let made = missing_key(known)?;
        let fingerprint = match &made {
            Some(key) => {
                FingerprintKey::new(key.clone().into_bytes()).expect("a key made here is long enough").fingerprint(&finding.secret)
            }
            None => finding.fingerprint.clone(),
        };
        let entry = entry_of(&fingerprint, reason, expires);
        let after = allowed(before, &entry, made.as_deref()).map_err(|error| settings.refused(&error.to_string()))?;
        Ok((after, (fingerprint, made.is_some())))
    };
    let (fingerprint, has_new_key) = settings.change(edit, |read, (fingerprint, _)| read.allow.names(fingerprint))?;
    Ok(Allowed { fingerprint, has_new_key })
}
