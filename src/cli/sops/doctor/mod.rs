//! `sopup doctor`.

mod case;
mod fix;
mod kustomize;
mod meant;
mod repeated;
mod report;
mod together;

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use clap::ValueEnum;

use super::SopsArg;
use super::keys::{Keys, variable};
use super::rules::describe;
use crate::cli::Exit;
use crate::cli::error::CliError;
use crate::cli::ui::Ui;
use crate::file::{Access, put};
use crate::rule::{BROKEN_SOPS_FILE, PLAIN_SOPS_FILE};
use crate::scan::{Examine, Fault};
use crate::sops::digest::Records;
use crate::sops::doctor::{Problem, State, Weight, looks_encrypted};
use crate::sops::store::Style;
use crate::source::{Respect, Target, Walk, walk};
use case::{Case, RuleBook, is_examined};
use fix::{Consent, Fixer, Mended};
use kustomize::Kustomizations;
use meant::is_in_samples;
use report::{Advice, Mode};
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
///
/// `--fix` mends what can be mended and keeps all values: plain values where the selector says encrypted, CRLF in .env
/// files, nonces that were used twice, and recipients. As with `updatekeys`, nobody comes in or goes out unless you agree,
/// on the terminal or with `--yes`. Each file is decrypted again before it is written. What stays is listed, with the reason
/// and what to try.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  sopup doctor
  sopup doctor --no-decrypt --format json     in CI without keys
  sopup doctor --record                       after looking at the files
  sopup doctor --fix --dry-run                what would be mended
  sopup doctor --fix                          mend it; asks before recipients change
  sopup doctor --fix --yes                    mend it, with the recipients that .sops.yaml names")]
pub(in crate::cli) struct Args {
    /// A folder or file
    #[arg(default_value = ".")]
    path: PathBuf,

    /// Use these rules instead of the nearest .sops.yaml of each file
    #[arg(long, value_name = "FILE", env = "SOPS_CONFIG")]
    config: Option<PathBuf>,

    /// Look only at what shows without keys
    #[arg(long)]
    no_decrypt: bool,

    /// Keep digests of the files as they are, unless they have errors
    #[arg(long, conflicts_with = "no_decrypt")]
    record: bool,

    /// Mend what can be mended without changing a value, and say why the rest stays
    #[arg(long, conflicts_with_all = ["no_decrypt", "record"])]
    fix: bool,

    /// Only show what `--fix` would do
    #[arg(long, requires = "fix")]
    dry_run: bool,

    /// Agree to the recipients that `--fix` adds and removes
    #[arg(short, long, requires = "fix")]
    yes: bool,

    #[command(flatten)]
    sops: SopsArg,

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
    if args.fix {
        return mend(args, ui);
    }
    let keys = (!args.no_decrypt).then(Keys::find);
    let rules = RuleBook::new(args.config.clone());
    let looked = &mut |case: &Case<'_>| Mended::of(case.look(case.bytes, keys.as_ref()));
    let Examined { base, mut report, records: new, .. } = examine_all(&args.path, rules, looked)?;
    if args.record {
        let outdated = |problem: &Problem| matches!(problem, Problem::NoDigest | Problem::DigestOutdated | Problem::ChangedUnnoticed);
        report.files.iter_mut().for_each(|file| file.problems.retain(|problem| !outdated(problem)));
        report.sort();
        let written = put(&base.join(RECORDS), new.print().as_bytes(), Access::KeptOrShared)?;
        ui.note(&format!("digests of {} files are in {}; commit it", new.0.len(), written.display()));
    }
    tell(&report, keys.is_some(), args, ui)
}

/// Examines, mends, and examines what was mended.
fn mend(args: &Args, ui: &Ui) -> Result<Exit, CliError> {
    let programs = args.sops.programs(ui)?;
    let mode = if args.dry_run { Mode::DryRun } else { Mode::Fix };
    let consent = if args.yes { Consent::Given } else { Consent::Asked };
    let mut fixer = Fixer::new(mode, consent, &programs, ui);
    let Examined { base, mut report, .. } = examine_all(&args.path, RuleBook::new(args.config.clone()), &mut |case| fixer.mend(case))?;
    report.mode = mode;
    let exit = tell(&report, true, args, ui)?;
    if let Some(records) = fixer.new_records() {
        put(&base.join(RECORDS), records.print().as_bytes(), Access::KeptOrShared)?;
    }
    Ok(if fixer.is_unwritten() { Exit::Incomplete } else { exit })
}

fn tell(report: &Report, with_keys: bool, args: &Args, ui: &Ui) -> Result<Exit, CliError> {
    match args.format {
        ReportFormat::Human => report.human(with_keys, &mut ui.stdout())?,
        ReportFormat::Json => report.json(&mut ui.stdout())?,
    }
    Ok(exit(report, args))
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
    examine_all(path, rules_of_environment(), &mut |case| Mended::of(case.look(case.bytes, keys)))
}

/// What commands go by that have no `--config` for SOPS files.
fn rules_of_environment() -> RuleBook {
    RuleBook::new(variable("SOPS_CONFIG").map(PathBuf::from))
}

/// Has each file looked at.
fn examine_all(path: &Path, mut rules: RuleBook, each: &mut dyn FnMut(&Case<'_>) -> Mended) -> Result<Examined, CliError> {
    fs::metadata(path)
        .map_err(|error| CliError::new(format!("cannot read {}: {error}", path.display()), "name a folder or file that exists"))?;
    let base = if path.is_dir() { path.to_path_buf() } else { path.parent().unwrap_or(Path::new("")).to_path_buf() };
    let base = if base.as_os_str().is_empty() { PathBuf::from(".") } else { base };
    let records = fs::read_to_string(base.join(RECORDS)).ok().map(|text| Records::parse(&text));
    let Gathered { mut files, kustomizations, mut report } = gather(path, &base, &mut rules);
    let listed = kustomizations.of();
    let mut new = Records::default();
    files.retain(|(path, bytes)| {
        let file = base.join(path);
        let (rule, style) = rules.covering(&file);
        let Mended { mut found, fixed, failed } = each(&Case { path, file: &file, bytes, rule, style, records: records.as_ref() });
        if let Some(record) = found.record.take().filter(|_| found.problems.iter().all(is_recordable)) {
            new.0.insert(path.clone(), record);
        }
        if let Some(list) = listed.get(path).filter(|_| found.state != State::Plain) {
            found.problems.push(Problem::Undecrypted { kustomization: (*list).to_owned() });
        }
        let state = found.state;
        report.files.push(Found { path: path.clone(), state, problems: found.problems, fixed, failed });
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
    let book = Mutex::new(rules_of_environment());
    Box::new(move |path, bytes| {
        let mut book = book.lock().unwrap_or_else(PoisonError::into_inner);
        let rule = top.as_ref().and_then(|top| book.rule_for(&top.join(path)));
        if !is_examined(path, bytes, rule) {
            return None;
        }
        let file = Path::new(path);
        let found = Case { path, file, bytes, rule, style: Style::default(), records: None }.look(bytes, None);
        let problem = found.problems.into_iter().find(|problem| problem.weight() == Weight::Error)?;
        let is_plain =
            matches!(problem, Problem::NotEncrypted | Problem::PlainStore | Problem::PlainValue { .. } | Problem::NothingEncrypted { .. });
        let rule = if is_plain { &PLAIN_SOPS_FILE } else { &BROKEN_SOPS_FILE };
        (!off.iter().any(|id| id == rule.id)).then(|| Fault { rule, what: problem.to_string() })
    })
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
                    let warnings = rules.config.warnings.iter();
                    self.advice.extend(warnings.map(|warning| Advice::on_rules(&shown, Weight::Warning, describe(warning))));
                    let faults = rules.config.faults();
                    self.advice.extend(faults.map(|fault| Advice::on_rules(&shown, Weight::Error, format!(".sops.yaml: {fault}"))));
                }
                Err(error) => self.advice.push(Advice::on_rules(&shown, Weight::Error, error.to_string())),
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
