//! `sopup doctor`.

mod kustomize;
mod meant;
mod repeated;
mod report;

use std::collections::HashMap;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use clap::ValueEnum;

use super::keys::Keys;
use super::rules::{FILE_NAME, Rules, above, describe};
use crate::cli::Exit;
use crate::cli::error::CliError;
use crate::cli::ui::Ui;
use crate::file::{Access, put};
use crate::rule::{BROKEN_SOPS_FILE, PLAIN_SOPS_FILE};
use crate::scan::{Examine, Fault};
use crate::sops::creation_rule::CreationRule;
use crate::sops::digest::Records;
use crate::sops::doctor::{Diagnosis, Patient, Problem, State, Weight, examine, looks_encrypted};
use crate::sops::store::Format;
use crate::source::{Respect, Target, Walk, walk};
use kustomize::Kustomizations;
use meant::{is_in_samples, is_meant, is_store_by_name};
pub(in crate::cli) use report::{Found, Report};

/// Where digests are kept, at the top of what is examined.
const RECORDS: &str = ".sopup.digests";

/// The largest file that is looked into.
const LARGEST: u64 = 64 << 20;

/// Examine every SOPS file below a folder: is it sound, is everything encrypted that should be, who can decrypt it
///
/// Errors are what nobody can want: a MAC that does not hold, values that are plain although the selector says otherwise,
/// files that a creation rule covers and that hold secrets in plain text, recipients that no rule names. Warnings may be
/// meant so. A creation rule says how a file is encrypted, not that it must be: what it covers besides is passed over.
///
/// sops' MAC does not cover keys, empty values and the borders between values. `--record` keeps a digest of all of that in
/// .sopup.digests, keyed with each file's data key; commit it, and later runs tell what was changed without sops.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  sopup doctor
  sopup doctor --no-decrypt --format json     in CI without keys
  sopup doctor --record                       after looking at the files")]
pub(in crate::cli) struct Args {
    /// A folder or file
    #[arg(default_value = ".")]
    path: PathBuf,

    /// Look only at what shows without keys
    #[arg(long)]
    no_decrypt: bool,

    /// Keep digests of the files as they are, unless they have errors
    #[arg(long, conflicts_with = "no_decrypt")]
    record: bool,

    /// Exit with 1 for warnings too
    #[arg(long)]
    strict: bool,

    /// Form of the report
    #[arg(long, value_enum, default_value_t = ReportFormat::Human)]
    format: ReportFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ReportFormat {
    /// For people
    Human,
    /// One document, `sopup.doctor/v1`
    Json,
}

pub(in crate::cli) fn run(args: &Args, ui: &Ui) -> Result<Exit, CliError> {
    let keys = (!args.no_decrypt).then(Keys::find);
    let Examined { base, mut report, records: new, .. } = examined(&args.path, keys.as_ref())?;
    if args.record {
        let outdated = |problem: &Problem| matches!(problem, Problem::NoDigest | Problem::DigestOutdated | Problem::ChangedUnnoticed);
        report.files.iter_mut().for_each(|file| file.problems.retain(|problem| !outdated(problem)));
        report.sort();
        let written = put(&base.join(RECORDS), new.print().as_bytes(), Access::KeptOrShared)?;
        ui.note(&format!("digests of {} files are in {}; commit it", new.0.len(), written.display()));
    }
    match args.format {
        ReportFormat::Human => report.human(keys.is_some(), &mut ui.stdout())?,
        ReportFormat::Json => report.json(&mut ui.stdout())?,
    }
    Ok(exit(&report, args))
}

/// What an examination brings to light.
pub(in crate::cli) struct Examined {
    /// The folder that paths start from.
    base: PathBuf,
    pub(in crate::cli) report: Report,
    /// Digests of the files that are sound.
    records: Records,
    /// The SOPS files themselves.
    pub(in crate::cli) files: Vec<(String, Vec<u8>)>,
}

/// Examines all files below a folder, or one file.
pub(in crate::cli) fn examined(path: &Path, keys: Option<&Keys>) -> Result<Examined, CliError> {
    fs::metadata(path)
        .map_err(|error| CliError::new(format!("cannot read {}: {error}", path.display()), "name a folder or file that exists"))?;
    let base = if path.is_dir() { path.to_path_buf() } else { path.parent().unwrap_or(Path::new("")).to_path_buf() };
    let base = if base.as_os_str().is_empty() { PathBuf::from(".") } else { base };
    let records = fs::read_to_string(base.join(RECORDS)).ok().map(|text| Records::parse(&text));
    let mut rules = RuleBook::default();
    let Gathered { mut files, kustomizations, mut report } = gather(path, &base, &mut rules);
    let listed = kustomizations.of();
    let mut new = Records::default();
    files.retain(|(path, bytes)| {
        let rule = rules.rule_for(&base.join(path));
        let mut found = look(path, bytes, rule, keys, records.as_ref());
        if let Some(record) = found.record.take().filter(|_| found.problems.iter().all(is_recordable)) {
            new.0.insert(path.clone(), record);
        }
        if let Some(list) = listed.get(path).filter(|_| found.state != State::Plain) {
            found.problems.push(Problem::Undecrypted { kustomization: (*list).to_owned() });
        }
        let state = found.state;
        report.files.push(Found { path: path.clone(), state, problems: found.problems });
        state != State::Plain
    });
    report.rules(rules, &base);
    report.say_once();
    report.sort();
    Ok(Examined { base, report, records: new, files })
}

/// A digest is not recorded of a file that is not sound.
fn is_recordable(problem: &Problem) -> bool {
    problem.weight() == Weight::Warning || matches!(problem, Problem::ChangedUnnoticed)
}

/// What is below a folder.
#[derive(Default)]
struct Gathered {
    /// The files that are to be examined.
    files: Vec<(String, Vec<u8>)>,
    kustomizations: Kustomizations,
    /// What could not be read.
    report: Report,
}

fn gather(root: &Path, base: &Path, rules: &mut RuleBook) -> Gathered {
    let found = Mutex::new((Gathered::default(), rules));
    let visit = |target: Target| {
        let (path, file) = match target {
            Target::File { path, file } => (path, file),
            Target::Link { .. } => return,
            Target::Skipped(skip) => {
                found.lock().unwrap_or_else(PoisonError::into_inner).0.report.skipped.push((skip.what, skip.reason.to_string()));
                return;
            }
        };
        let mut bytes = Vec::new();
        let read = file.take(LARGEST + 1).read_to_end(&mut bytes);
        let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
        let (found, rules) = &mut *found;
        match read {
            Err(error) => found.report.skipped.push((path, error.to_string())),
            Ok(length) if length as u64 > LARGEST => {
                if looks_encrypted(&bytes) {
                    found.report.skipped.push((path, format!("larger than {LARGEST} bytes")));
                }
            }
            Ok(_) => {
                found.kustomizations.note(&path, &bytes);
                if is_examined(&path, &bytes, rules.rule_for(&base.join(&path))) {
                    found.files.push((path, bytes));
                }
            }
        }
    };
    walk(&Walk { root: root.to_path_buf(), named: String::new(), respect_gitignore: Respect::Yes, threads: 0 }, &visit);
    found.into_inner().unwrap_or_else(PoisonError::into_inner).0
}

/// Looks at files that commits add: what shows without keys, by the creation rules of a working tree. Rules that are off
/// report nothing.
pub(in crate::cli) fn examiner(top: Option<PathBuf>, off: Vec<String>) -> Box<Examine> {
    let book = Mutex::new(RuleBook::default());
    Box::new(move |path, bytes| {
        let mut book = book.lock().unwrap_or_else(PoisonError::into_inner);
        let rule = top.as_ref().and_then(|top| book.rule_for(&top.join(path)));
        if !is_examined(path, bytes, rule) {
            return None;
        }
        let found = look(path, bytes, rule, None, None);
        let problem = found.problems.into_iter().find(|problem| problem.weight() == Weight::Error)?;
        let is_plain =
            matches!(problem, Problem::NotEncrypted | Problem::PlainStore | Problem::PlainValue { .. } | Problem::NothingEncrypted { .. });
        let rule = if is_plain { &PLAIN_SOPS_FILE } else { &BROKEN_SOPS_FILE };
        (!off.iter().any(|id| id == rule.id)).then(|| Fault { rule, what: problem.to_string() })
    })
}

/// Whether a file is one for the doctor: it looks encrypted, or its name or a creation rule says that it should be.
fn is_examined(path: &str, bytes: &[u8], rule: Option<&CreationRule>) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let is_setting = [FILE_NAME, RECORDS, ".sopup.yaml", ".gitattributes", ".gitignore"].contains(&name);
    !is_setting && (looks_encrypted(bytes) || is_store_by_name(name) || rule.is_some_and(is_selective))
}

/// A rule for every file does not mean that every file is a secret.
fn is_selective(rule: &CreationRule) -> bool {
    !rule.matches_everything()
}

fn look(path: &str, bytes: &[u8], rule: Option<&CreationRule>, keys: Option<&Keys>, records: Option<&Records>) -> Diagnosis {
    let record = records.and_then(|records| records.0.get(path));
    let keyring = keys.map(Keys::keyring);
    let mut found = examine(&Patient { bytes, format: Format::from_path(path), rule, keyring, record });
    if !rule.is_some_and(|rule| is_selective(rule) && is_meant(path, bytes, rule)) {
        found.problems.retain(|problem| !matches!(problem, Problem::NotEncrypted));
    }
    let unnamed = found.state == State::Plain && found.problems.is_empty();
    if unnamed && found.has_values && is_store_by_name(path.rsplit('/').next().unwrap_or(path)) && !is_in_samples(path) {
        found.problems.push(Problem::PlainStore);
    }
    if found.state == State::Opened && records.is_some() && record.is_none() {
        found.problems.push(Problem::NoDigest);
    }
    found
}

/// The `.sops.yaml` files that count, each read once.
#[derive(Default)]
struct RuleBook {
    /// Which one is nearest to a folder.
    nearest: HashMap<PathBuf, Option<PathBuf>>,
    read: HashMap<PathBuf, Result<Rules, CliError>>,
}

impl RuleBook {
    fn rule_for(&mut self, file: &Path) -> Option<&CreationRule> {
        let folder = file.parent().unwrap_or(Path::new("")).to_path_buf();
        let path = self.nearest.entry(folder).or_insert_with_key(|folder| above(folder)).clone()?;
        let rules = self.read.entry(path).or_insert_with_key(|path| Rules::read(path)).as_ref().ok()?;
        rules.rule_for(file).ok().flatten()
    }
}

impl Report {
    /// Adds what is wrong with the rules themselves.
    fn rules(&mut self, book: RuleBook, base: &Path) {
        let base = base.canonicalize().unwrap_or_else(|_| base.to_path_buf());
        for (path, rules) in book.read {
            let shown = path.strip_prefix(&base).unwrap_or(&path).display().to_string();
            if is_in_samples(&shown) {
                continue;
            }
            match rules {
                Ok(rules) => {
                    self.advice.extend(rules.config.warnings.iter().map(|warning| (shown.clone(), Weight::Warning, describe(warning))));
                    self.advice.extend(rules.config.faults().map(|fault| (shown.clone(), Weight::Error, format!(".sops.yaml: {fault}"))));
                }
                Err(error) => self.advice.push((shown, Weight::Error, error.to_string())),
            }
        }
    }
}

fn exit(report: &Report, args: &Args) -> Exit {
    let unopened = !args.no_decrypt && report.count_in(State::Closed) > 0;
    if unopened || !report.skipped.is_empty() {
        Exit::Incomplete
    } else if report.count(Weight::Error) > 0 || args.strict && report.count(Weight::Warning) > 0 {
        Exit::Findings
    } else {
        Exit::Clean
    }
}
