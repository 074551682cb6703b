//! `sopup baseline import`.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::ValueEnum;

use super::making::{Key, Reach, Say, Scanned, Subject, ended, merge_by_union};
use crate::baseline::foreign::{self, ForeignError, Format, Record};
use crate::baseline::{Baseline, Matcher, Mismatch};
use crate::cli::Exit;
use crate::cli::environment::git_dir;
use crate::cli::error::CliError;
use crate::cli::nameable::Nameable;
use crate::cli::ui::Ui;
use crate::cli::versions::Versions;
use crate::file::{self, RealDisk};
use crate::finding::Finding;
use crate::report::{plural, safe};
use crate::rule::Confidence;
use crate::scan::{Outcome, Progress, Request, Scope, scan};

/// A report is not larger, in bytes.
const LARGEST: u64 = 256 << 20;

/// Take over what another scanner knows, as far as sopup finds the same values
///
/// Scans files and history, looks up each value or place that the file names, and writes an entry for what stands there. A
/// record that tells a value, or the hash of one, is matched only with that value. What cannot be matched is listed with the
/// reason.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  sopup baseline import .gitleaksignore
  sopup baseline import .secrets.baseline         detect-secrets, with what its audit said
  sopup baseline import leaks.json                a report of gitleaks, betterleaks, trufflehog or kingfisher")]
pub(super) struct Args {
    /// What the other scanner wrote
    file: PathBuf,

    /// How it is written [default: told by the content]
    #[arg(long, value_enum, value_name = "FORMAT")]
    format: Option<FormatArg>,

    #[command(flatten)]
    say: Say,

    #[command(flatten)]
    subject: Subject,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum FormatArg {
    /// A list of fingerprints, `.gitleaksignore`
    Gitleaksignore,
    /// A JSON report of gitleaks
    Gitleaks,
    /// A JSON report of betterleaks
    Betterleaks,
    /// `.secrets.baseline` of detect-secrets
    DetectSecrets,
    /// JSON of trufflehog, one object a line
    Trufflehog,
    /// A JSON report of kingfisher
    Kingfisher,
    /// A baseline of kingfisher
    KingfisherBaseline,
}

pub(super) fn run(args: &Args, ui: &Ui) -> Result<Exit, CliError> {
    args.say.check()?;
    let (format, records) = records(args)?;
    let book = args.subject.book()?;
    let known = book.read()?.is_some();
    let key = if known { args.subject.baseline(&book).map(|_| Key::Shared)? } else { args.subject.key()? };
    let by = args.subject.person(args.say.who.as_deref())?;
    let Scanned { mut request, mut outcome, threshold } = args.subject.scan(Reach::Present, &key, ui)?;
    let top = top(&args.subject.path);
    leave_out(&args.file, &top, &mut outcome);
    let matches = matched(&records, &top, &outcome, &mut request, threshold)?;
    let names = Nameable::of(&outcome);
    args.say.refuse_secrets(&by, &names)?;
    let reason = args.say.reason.clone().or_else(|| Some(format!("from a {}", format.name())));
    let say = Say { reason, ..args.say.clone() };
    let pairs = || records.iter().zip(&matches);
    let mut entries = Vec::new();
    for (record, found) in pairs() {
        for finding in found.iter().flatten() {
            let mut entry = say.entry(finding, &names, &by);
            entry.verdict = record.verdict;
            entries.push(entry);
        }
    }
    if !known {
        args.subject.keep(&key, ui)?;
        book.write(&Baseline::new(&request.key))?;
        merge_by_union(&book, ui)?;
    }
    let added = book.change(|baseline| {
        let before = baseline.len();
        for entry in entries {
            match baseline.get_mut(&entry.id) {
                Some(known) => known.verdict = known.verdict.or(entry.verdict),
                None => baseline.add(entry),
            }
        }
        baseline.len() - before
    })?;
    let mut out = ui.stdout();
    for (record, mismatch) in pairs().filter_map(|(record, found)| Some((record, found.as_ref().err()?))) {
        writeln!(out, "not matched: {}: {mismatch}", named(record, &names))?;
    }
    let matched = matches.iter().filter(|found| found.is_ok()).count();
    let of = plural(records.len() as u64, "record", "records");
    let new = plural(added as u64, "secret", "secrets");
    writeln!(out, "{}: {matched} of {of} matched, {new} added", safe::line(&book.path.to_string_lossy()))?;
    out.flush()?;
    Ok(ended(&outcome))
}

fn records(args: &Args) -> Result<(Format, Vec<Record>), CliError> {
    let file = args.file.display();
    let unreadable = |why: String| CliError::new(format!("cannot read {file}: {why}"), "name a report or a baseline of another scanner");
    if std::fs::metadata(&args.file).is_ok_and(|about| about.len() > LARGEST) {
        return Err(unreadable(format!("it has more than {LARGEST} bytes")));
    }
    let bytes = zeroize::Zeroizing::new(std::fs::read(&args.file).map_err(|error| unreadable(error.to_string()))?);
    let text = std::str::from_utf8(&bytes).map_err(|_| unreadable("it is not UTF-8".to_owned()))?;
    let text = text.trim_start_matches('\u{feff}');
    let wrong = |error: ForeignError| {
        let hint = match error {
            ForeignError::Unknown => "name the format with `--format`: gitleaks, detect-secrets, trufflehog and kingfisher are known",
            _ => "let the scanner write it again, or name another format with `--format`",
        };
        CliError::new(format!("{file}: {error}"), hint)
    };
    let format = args.format.map_or_else(|| Format::of(text), |format| Ok(format.into())).map_err(wrong)?;
    Ok((format, foreign::read(text, format).map_err(wrong)?))
}

/// The folder that paths of findings start from, links resolved.
fn top(path: &Path) -> PathBuf {
    let top = git_dir(path).ok().and_then(|git| git.work_tree().map(Path::to_path_buf));
    let top = top.unwrap_or_else(|| path.to_path_buf());
    top.canonicalize().unwrap_or(top)
}

/// Takes the file of the other scanner out of an outcome: a report has the values that it names.
fn leave_out(file: &Path, top: &Path, outcome: &mut Outcome) {
    let Some(file) = file.canonicalize().ok().and_then(|file| file.strip_prefix(top).ok().map(Path::to_path_buf)) else { return };
    outcome.findings.retain_mut(|finding| {
        finding.occurrences.retain(|place| Path::new(&place.origin.path) != file);
        !finding.occurrences.is_empty()
    });
}

/// What each record means among the findings.
fn matched<'f>(
    records: &[Record],
    top: &Path,
    outcome: &'f Outcome,
    request: &mut Request,
    threshold: Confidence,
) -> Result<Vec<Result<Vec<&'f Finding>, Mismatch>>, CliError> {
    let versions = Versions::open(top).ok();
    let mut matcher = Matcher::new(&outcome.findings, threshold, &top.to_string_lossy());
    for record in records {
        let Some((commit, path)) = matcher.wants(record) else { continue };
        let is_id = commit.bytes().all(|byte| byte.is_ascii_hexdigit());
        let bytes = versions.as_ref().filter(|_| is_id).and_then(|versions| versions.file(&commit, &path).ok().flatten());
        let found = match bytes {
            Some(bytes) => {
                request.scope = Scope::Text { name: path.clone(), bytes };
                Some(scan(request, &Progress::default())?.findings)
            }
            None => None,
        };
        matcher.learn((commit, path), found.as_deref());
    }
    let line_of = |path: &str, line: usize| {
        let bytes = file::read(&top.join(path), &RealDisk).ok().flatten()?;
        bytes.split(|byte| *byte == b'\n').nth(line - 1).map(<[u8]>::to_vec)
    };
    Ok(records.iter().map(|record| matcher.find(record, line_of)).collect())
}

/// A record, as people are told of it.
fn named(record: &Record, names: &Nameable<'_>) -> String {
    let at = record.place.as_ref().map(|place| format!(" at {}:{}", safe::line(&names.name(&place.path)), place.line));
    let rule = if record.rule.is_empty() { String::new() } else { format!(" ({})", safe::line(&names.name(&record.rule))) };
    format!("{}{rule}{}", record.number, at.unwrap_or_default())
}

impl From<FormatArg> for Format {
    fn from(format: FormatArg) -> Self {
        match format {
            FormatArg::Gitleaksignore => Self::GitleaksIgnore,
            FormatArg::Gitleaks => Self::Gitleaks,
            FormatArg::Betterleaks => Self::Betterleaks,
            FormatArg::DetectSecrets => Self::DetectSecrets,
            FormatArg::Trufflehog => Self::Trufflehog,
            FormatArg::Kingfisher => Self::Kingfisher,
            FormatArg::KingfisherBaseline => Self::KingfisherBaseline,
        }
    }
}
