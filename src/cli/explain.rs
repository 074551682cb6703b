//! `sopup explain`.

use std::io::Write;
use std::path::{Path, PathBuf};

use owo_colors::OwoColorize as _;

use super::Exit;
use super::environment::{ConfigChoice, configuration};
use super::error::CliError;
use super::ui::Ui;
use super::what::{key, prefix, rule_set};
use crate::config::Config;
use crate::detect::{Fate, Hints, Match, explain};
use crate::finding::{Allowlist, Base, Fingerprint, InlineAllow, locate};
use crate::report::json::confidence;
use crate::report::safe;
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
  sopup explain 8e041dd8e99f7689d59af480        a fingerprint from a report, sought in the files below .")]
pub(super) struct Args {
    /// FILE:LINE, or a fingerprint from a report
    #[arg(value_name = "FILE:LINE|FINGERPRINT")]
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
    threshold: Confidence,
    key: LazyKey,
}

pub(super) fn run(args: &Args, ui: &Ui) -> Result<Exit, CliError> {
    let mut out = ui.stdout();
    let places = match Fingerprint::parse(&args.what) {
        Some(fingerprint) => places_of(args, &fingerprint)?,
        None => vec![place(&args.what)?],
    };
    for (file, line) in places {
        one(args, &mut out, &file, line)?;
    }
    out.flush()?;
    Ok(Exit::Clean)
}

/// `FILE:LINE`, taken apart.
pub(super) fn place(what: &str) -> Result<(PathBuf, usize), CliError> {
    let parts = what.rsplit_once(':').and_then(|(file, line)| Some((PathBuf::from(file), line.parse().ok()?)));
    parts.filter(|&(_, line)| line > 0).ok_or_else(|| {
        let message = format!("`{}` is neither FILE:LINE nor a fingerprint", safe::line(what));
        CliError::new(message, "name a line, as in `sopup explain docs/guide.md:12`, or copy a fingerprint of 24 digits from a report")
    })
}

/// Where the value of a fingerprint is in the files below a folder.
fn places_of(args: &Args, fingerprint: &Fingerprint) -> Result<Vec<(PathBuf, usize)>, CliError> {
    let surroundings = surroundings(args, &args.path)?;
    let request = Request {
        scope: Scope::worktree(args.path.clone(), Respect::Yes, 0),
        rules: surroundings.rules,
        allow: Allowlist::default(),
        top: None,
        inline: InlineAllow::Ignored,
        min_confidence: Confidence::Low,
        key: surroundings.key,
        unread: Vec::new(),
        examine: None,
    };
    let outcome = scan(&request, &Progress::default())?;
    let finding = outcome.findings.into_iter().find(|finding| finding.fingerprint == *fingerprint).ok_or_else(|| {
        let message = format!("no value below {} has the fingerprint {fingerprint}", args.path.display());
        CliError::new(message, "search another folder with `--path`; fingerprints of another key or of the history alone are not found")
    })?;
    let root = if args.path.is_file() { args.path.parent().unwrap_or(Path::new("")) } else { &args.path };
    let on_disk = finding.occurrences.iter().filter(|one| one.origin.source == SourceKind::Worktree);
    let mut places: Vec<(PathBuf, usize)> = on_disk.map(|one| (root.join(&one.origin.path), one.start.line)).collect();
    places.dedup();
    Ok(places)
}

fn surroundings(args: &Args, beside: &Path) -> Result<Surroundings, CliError> {
    let choice = args.config.clone().map_or_else(|| ConfigChoice::Beside(beside.to_path_buf()), ConfigChoice::File);
    let (config, folder): (Config, _) = configuration(&choice)?;
    Ok(Surroundings {
        rules: rule_set(&config, &args.rules)?,
        threshold: config.min_confidence.unwrap_or(Confidence::Medium),
        key: key(&config)?,
        allow: config.allow.below(folder.map(|folder| prefix(&folder, beside)).transpose()?.unwrap_or_default()),
    })
}

/// Explains a line of a file.
fn one(args: &Args, out: &mut impl Write, file: &Path, line: usize) -> Result<(), CliError> {
    let bytes = std::fs::read(file).map_err(|error| {
        CliError::new(format!("cannot read {}: {error}", file.display()), "name a file that exists and that you can read")
    })?;
    let surroundings = surroundings(args, file)?;
    let decoded = decode(&bytes);
    let text = decoded.text.as_ref();
    let index = LineIndex::new(text);
    let origin = Origin { path: file.file_name().unwrap_or_default().to_string_lossy().into_owned(), source: SourceKind::Worktree };
    let hints = Hints::of_path(&file.to_string_lossy()).and_bytes(text);
    writeln!(out, "{}:{line}", safe::line(&file.to_string_lossy()))?;
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
                    locate(&bytes, &decoded, vec![found.clone()], &surroundings.rules, &origin, Base::START, InlineAllow::Honoured);
                let by_sops = located.is_empty().then(|| "sops: it names a key in the metadata of a SOPS file".to_owned());
                let allowed = located.first().map_or(by_sops, |located| {
                    let by_list = surroundings.allow.allows(located, || surroundings.key.fingerprint(&located.secret));
                    let reason = || surroundings.allow.report().into_iter().find(|entry| entry.used > 0).map(|entry| entry.reason);
                    if located.allowed_inline {
                        Some("`sopup:allow` on its line".to_owned())
                    } else {
                        by_list.then(reason).flatten().map(|reason| format!("the allowlist: {}", safe::line(&reason)))
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
