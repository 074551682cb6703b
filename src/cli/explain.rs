//! `sopup explain`.

pub(super) mod inside;
mod past;

use std::io::Write;
use std::path::{Path, PathBuf};

use jiff::civil::Date;
use owo_colors::OwoColorize as _;

use super::Exit;
use super::baseline::BaselineArgs;
use super::environment::{ConfigChoice, configuration};
use super::error::CliError;
use super::paths::{below, prefix, reported};
use super::ui::Ui;
use super::what::{key, rule_set};
use crate::baseline::Baseline;
use crate::config::Config;
use crate::detect::{Fate, Hints, Match, explain};
use crate::finding::{Allowlist, Base, Finding, Fingerprint, InlineAllow, Severities, locate};
use crate::report::json::confidence;
use crate::report::{plural, safe};
use crate::rule::{Confidence, RuleSet};
use crate::scan::{LazyKey, Progress, Request, Scope, scan};
use crate::secret::Secret;
use crate::source::{Origin, Respect, SourceKind};
use crate::text::{LineIndex, decode};

/// Show why something was or was not reported
///
/// Lists every value that a rule looked at: what was found, how sure that is and why, and what
/// was left out and for what reason. Values are masked.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  sopup explain docs/guide.md:12
  sopup explain HEAD~3:docs/guide.md:12         a file as a commit has it
  sopup explain 8e041dd8e99f7689d59af480        a fingerprint from a report: in the files below ., else in the history")]
pub(super) struct Args {
    /// FILE:LINE, COMMIT:FILE:LINE, or a fingerprint from a report
    #[arg(value_name = "[COMMIT:]FILE:LINE|FINGERPRINT")]
    what: String,

    /// Where a fingerprint is sought
    #[arg(long, value_name = "DIR", default_value = ".")]
    path: PathBuf,

    /// Use this configuration instead of .sopup.yaml
    #[arg(long, value_name = "FILE", env = "SOPUP_CONFIG")]
    config: Option<PathBuf>,

    /// Also use the rules in this folder; one with a known id replaces the built-in rule
    #[arg(long, value_name = "DIR")]
    rules: Vec<PathBuf>,
}

/// What decides about a candidate besides the text.
struct Surroundings {
    rules: RuleSet,
    allow: Allowlist,
    baseline: Option<(Baseline, Date)>,
    threshold: Confidence,
    key: LazyKey,
}

pub(super) fn run(args: &Args, ui: &Ui) -> Result<Exit, CliError> {
    let mut out = ui.stdout();
    for (passage, line) in passages(args)? {
        one(args, &mut out, &passage, line)?;
    }
    out.flush()?;
    Ok(Exit::Clean)
}

/// What was asked for, with the lines.
fn passages(args: &Args) -> Result<Vec<(Passage, usize)>, CliError> {
    let Some(fingerprint) = Fingerprint::parse(&args.what) else {
        let (file, line) = place(&args.what)?;
        let passage = match file.to_str().and_then(|text| text.split_once(':')) {
            Some((commit, path)) if !file.exists() => past::of_commit(&args.path, commit, path)?,
            _ => Passage::of_file(&file)?,
        };
        return Ok(vec![(passage, line)]);
    };
    if let Some(places) = places_of(args, &fingerprint)? {
        return places.into_iter().map(|(file, line)| Ok((Passage::of_file(&file)?, line))).collect();
    }
    let found = past::of_value(args, &fingerprint)?;
    if found.is_empty() {
        let message = format!("no value below {} has the fingerprint {fingerprint}", args.path.display());
        return Err(CliError::new(message, "search another folder with `--path`; fingerprints of another key are not found"));
    }
    Ok(found)
}

/// A text that holds what is explained.
struct Passage {
    /// What it is called.
    name: String,
    /// Its path below the configuration's folder, or below `beside`.
    path: String,
    bytes: Vec<u8>,
    /// Tells which configuration counts.
    beside: PathBuf,
    source: SourceKind,
}

impl Passage {
    fn of_file(file: &Path) -> Result<Self, CliError> {
        if let Some(archive) = inside::archive_of(file) {
            return Self::inside(&archive, file);
        }
        let bytes = std::fs::read(file).map_err(|error| cannot_read(file, &error))?;
        let path = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let name = file.to_string_lossy().into_owned();
        Ok(Self { name, path, bytes, beside: file.to_path_buf(), source: SourceKind::Worktree })
    }
}

fn cannot_read(file: &Path, error: &std::io::Error) -> CliError {
    CliError::new(format!("cannot read {}: {error}", file.display()), "name a file that exists and that you can read")
}

/// `FILE:LINE`, taken apart.
pub(super) fn place(what: &str) -> Result<(PathBuf, usize), CliError> {
    let parts = what.rsplit_once(':').and_then(|(file, line)| Some((reported(Path::new(file)), line.parse().ok()?)));
    parts.filter(|&(_, line)| line > 0).ok_or_else(|| {
        let message = format!("`{}` is neither FILE:LINE nor a fingerprint", safe::line(what));
        CliError::new(message, "name a line, as in `sopup explain docs/guide.md:12`, or copy a fingerprint of 24 digits from a report")
    })
}

/// Fails if a text has no such line.
fn check_line(name: &str, index: &LineIndex, text: &[u8], line: usize) -> Result<(), CliError> {
    match index.count(text) {
        count if line <= count => Ok(()),
        count => {
            let lines = plural(count as u64, "line", "lines");
            Err(CliError::new(format!("{} has {lines}, and no line {line}", safe::line(name)), "name one of its lines, as reports do"))
        }
    }
}

/// Fails if a file has no such line.
pub(super) fn check_place(file: &Path, line: usize) -> Result<(), CliError> {
    let Passage { name, bytes, .. } = Passage::of_file(file)?;
    let decoded = decode(&bytes);
    check_line(&name, &LineIndex::new(&decoded.text), &decoded.text, line)
}

/// Every value with a fingerprint in a scope, whether it is reported or not.
fn sought(args: &Args, fingerprint: &Fingerprint, scope: Scope) -> Result<Option<Finding>, CliError> {
    let surroundings = surroundings(args, &args.path)?;
    let request = Request {
        scope,
        rules: surroundings.rules,
        allow: Allowlist::default(),
        severities: Severities::default(),
        baseline: None,
        top: None,
        inline: InlineAllow::Ignored,
        min_confidence: Confidence::Low,
        key: surroundings.key,
        unread: Vec::new(),
        examine: None,
        below: below(&args.path),
    };
    let outcome = scan(&request, &Progress::default())?;
    Ok(outcome.findings.into_iter().find(|finding| finding.fingerprint == *fingerprint))
}

/// Where the value of a fingerprint is in the files below a folder.
fn places_of(args: &Args, fingerprint: &Fingerprint) -> Result<Option<Vec<(PathBuf, usize)>>, CliError> {
    let files = Scope::worktree(args.path.clone(), Respect::Yes, 0);
    let Some(finding) = sought(args, fingerprint, files)? else { return Ok(None) };
    let root = if args.path.is_file() { args.path.parent().unwrap_or(Path::new("")) } else { &args.path };
    let on_disk = finding.occurrences.iter().filter(|one| matches!(one.origin.source, SourceKind::Worktree | SourceKind::Archive));
    let mut places: Vec<(PathBuf, usize)> = on_disk.map(|one| (root.join(&one.origin.path), one.start.line)).collect();
    places.dedup();
    Ok(Some(places))
}

fn surroundings(args: &Args, beside: &Path) -> Result<Surroundings, CliError> {
    let choice = ConfigChoice::of(args.config.as_deref(), false, beside);
    let (config, folder): (Config, _) = configuration(&choice)?;
    Ok(Surroundings {
        baseline: BaselineArgs::default().in_force(&choice, &config)?,
        rules: rule_set(&config, &args.rules)?,
        threshold: config.min_confidence.unwrap_or(Confidence::Medium),
        key: key(&config)?,
        allow: config.allow.below(folder.map(|folder| prefix(&folder, beside)).transpose()?.unwrap_or_default()),
    })
}

impl Surroundings {
    /// What the baseline says of a value that it names.
    fn in_baseline(&self, value: &Secret) -> Option<String> {
        let (baseline, today) = self.baseline.as_ref()?;
        let entry = baseline.get(&self.key.fingerprint(value)).filter(|entry| !entry.is_expired(*today))?;
        let reason = entry.reason.as_ref().map(|reason| format!(": {}", safe::line(reason))).unwrap_or_default();
        Some(format!("the baseline{reason}"))
    }
}

/// Explains a line of a text.
fn one(args: &Args, out: &mut impl Write, passage: &Passage, line: usize) -> Result<(), CliError> {
    let Passage { name, path, bytes, beside, source } = passage;
    let surroundings = surroundings(args, beside)?;
    let decoded = decode(bytes);
    let text = decoded.text.as_ref();
    let index = LineIndex::new(text);
    check_line(name, &index, text, line)?;
    let origin = Origin { path: path.clone(), source: *source };
    let hints = match source {
        SourceKind::Message => Hints::NONE,
        SourceKind::Worktree => Hints::of_path(&format!("{}{path}", below(beside))).and_bytes(text),
        _ => Hints::of_path(path).and_bytes(text),
    };
    writeln!(out, "{}:{line}", safe::line(name))?;
    let mut any = false;
    for candidate in explain(text, hints, &surroundings.rules) {
        let (start, end) = (index.position(text, candidate.span.start), index.position(text, candidate.span.end));
        if !(start.line..=end.line).contains(&line) {
            continue;
        }
        any = true;
        let value = Secret::new(text[candidate.span.range()].to_vec()).redacted();
        let rule = surroundings.rules.rule(candidate.rule).id;
        let verdict = match candidate.fate {
            Fate::Match(found) => {
                let reasons: Vec<&str> = found.reasons.iter().map(|reason| reason.code()).collect();
                let sure = format!("{} confidence: {}", confidence(found.confidence), reasons.join(", "));
                let located =
                    locate(bytes, &decoded, vec![found.clone()], &surroundings.rules, &origin, Base::START, InlineAllow::Honoured);
                let by_sops = located.is_empty().then(|| "sops: it names a key in the metadata of a SOPS file".to_owned());
                let allowed = located.first().map_or(by_sops, |located| {
                    let by_list = surroundings.allow.allows(located, || surroundings.key.fingerprint(&located.secret));
                    let reason = || surroundings.allow.report().into_iter().find(|entry| entry.used > 0).map(|entry| entry.reason);
                    if located.allowed_inline {
                        Some("`sopup:allow` on its line".to_owned())
                    } else if by_list {
                        reason().map(|reason| format!("the allowlist: {}", safe::line(&reason)))
                    } else {
                        surroundings.in_baseline(&located.secret)
                    }
                });
                fate(&found, allowed, surroundings.threshold, &sure)
            }
            Fate::Covered => format!("{}: a more telling rule reports this place", "not reported".yellow()),
            Fate::Rejected(objection) => format!("{}: {objection}", "not reported".yellow()),
        };
        writeln!(out, "  {}:{}  {}  {rule}  {verdict}", start.line, start.column, safe::line(&value))?;
    }
    if !any {
        writeln!(out, "  no rule looked at anything here: no name, format or sentence that announces a secret was recognised")?;
    }
    Ok(())
}

fn fate(found: &Match, allowed: Option<String>, threshold: Confidence, sure: &str) -> String {
    match allowed {
        _ if found.confidence < threshold => {
            format!("{}: below the threshold `{}` ({sure})", "not reported".yellow(), confidence(threshold))
        }
        Some(by) => format!("{}: allowed by {by} ({sure})", "not reported".yellow()),
        None => format!("{} ({sure})", "reported".red()),
    }
}
