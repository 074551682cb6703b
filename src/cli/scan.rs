//! `sopup scan`.

use std::io::Write;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::Instant;

use clap::ValueEnum;

use super::Exit;
use super::environment::{self, ConfigChoice, configuration, fingerprint_key, folder_of, git_dir, hook_git_dir, own_key};
use super::error::CliError;
use super::ui::Ui;
use crate::config::Config;
use crate::file;
use crate::finding::InlineAllow;
use crate::report::{self, Show};
use crate::rule::{Confidence, RuleSet, Severity, builtin, load_dir};
use crate::scan::{Added, LazyKey, Memory, Outcome, Progress, Request, Scope, Selection, Submodules, scan};
use crate::source::object::{Alternates, Limits};
use crate::source::refs::{GitDir, GitDirError};
use crate::source::{Respect, Skip, SkipReason, startable};

/// Find secrets in files, in history, in what is staged, or in standard input
///
/// At the top of a git repository everything is scanned: the files (tracked and untracked, hidden
/// ones too, without what git ignores), those of linked worktrees, the index, and all that the
/// repository stores, reachable or not: every version of every file, messages, notes, stashes,
/// names, refs, and the texts in the git directory. Elsewhere the files below PATH are scanned.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  sopup scan                           this repository with its history, or this folder
  sopup scan --worktree                files alone
  sopup scan --history                 history alone
  sopup scan docs/guide.md             one file
  sopup scan --staged                  what the next commit would add (for hooks)
  sopup scan --merge-base origin/main  what a pull request adds (for CI)
  kubectl get cm -o yaml | sopup scan --stdin
  sopup scan --format json -o leaks.json --exit-zero

A line that ends with `sopup:allow`, or `sopup:allow RULE-ID`, is accepted.")]
pub(super) struct Args {
    /// A folder or file
    #[arg(default_value = ".", value_name = "PATH")]
    path: PathBuf,

    /// Scan the files below PATH alone
    #[arg(long, group = "scope")]
    worktree: bool,

    /// Scan all that the repository stores, and not the files of its working tree
    #[arg(long, group = "scope", visible_alias = "objects")]
    history: bool,

    /// Scan what the next commit would add: the index against HEAD, new lines alone
    #[arg(long, group = "scope")]
    staged: bool,

    /// Scan standard input
    #[arg(long, group = "scope")]
    stdin: bool,

    /// Name that standard input should have, which decides how it is read
    #[arg(long, value_name = "NAME", requires = "stdin", default_value = "")]
    stdin_name: String,

    /// Form of the report
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,

    /// Write the report to a file, readable by you alone
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Show what was found instead of masking it
    #[arg(long)]
    show_secrets: bool,

    /// Leave out what is less sure [default: medium]
    #[arg(long, value_enum, value_name = "LEVEL")]
    min_confidence: Option<ConfidenceArg>,

    /// Exit with 1 only for findings at least this severe [default: low]
    #[arg(long, value_enum, value_name = "SEVERITY")]
    fail_on: Option<SeverityArg>,

    /// Exit with 0 even if secrets were found
    #[arg(long)]
    exit_zero: bool,

    /// Also use the rules in this folder; one with a known id replaces the built-in rule
    #[arg(long, value_name = "DIR")]
    rules: Vec<PathBuf>,

    /// Use this configuration instead of .sopup.yaml
    #[arg(long, value_name = "FILE", env = "SOPUP_CONFIG")]
    config: Option<PathBuf>,

    /// Do not obey .sopup.yaml and .sopupignore of the scanned repository
    #[arg(long, conflicts_with = "config")]
    no_repo_config: bool,

    /// Report lines marked `sopup:allow` as well
    #[arg(long)]
    no_inline_allow: bool,

    /// Scan what .gitignore and .sopupignore leave out as well
    #[arg(long)]
    no_ignore: bool,

    /// Read what an earlier scan of the history has read as well, and do not remember what is read now
    #[arg(long)]
    no_cache: bool,

    /// Memory for objects of the history, in MiB [default: a quarter of the machine's, 1024 at most]
    #[arg(long, value_name = "MIB", value_parser = clap::value_parser!(u64).range(16..=1 << 20))]
    memory: Option<u64>,

    /// Scan the history of submodules as well
    #[arg(long, conflicts_with_all = ["worktree", "staged", "stdin"])]
    submodules: bool,

    /// Also read objects that the repository borrows from repositories below DIR
    #[arg(long, value_name = "DIR")]
    alternates: Option<PathBuf>,

    /// Number of threads; 0 for one per core
    #[arg(short, long, value_name = "N", default_value_t = 0)]
    jobs: usize,

    #[command(flatten)]
    commits: super::commits::CommitArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Human,
    /// One document, `sopup.report/v1`
    Json,
    /// One finding per line
    Jsonl,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum ConfidenceArg {
    Low,
    Medium,
    High,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum SeverityArg {
    Low,
    Medium,
    High,
    Critical,
}

pub(super) fn run(args: &Args, ui: &Ui) -> Result<Exit, CliError> {
    let begun = Instant::now();
    let fail_on = args.fail_on;
    let (request, head, fail_by_config) = resolve(args)?;
    let progress = Progress::default();
    let outcome = ui.watched(&progress, || scan(&request, &progress))?;
    let root = root_of(args);
    let context = report::Context {
        root: &root,
        head: head.as_deref(),
        elapsed: begun.elapsed(),
        secrets: if args.show_secrets { Show::InFull } else { Show::Masked },
    };
    write(args, &outcome, &context, ui)?;
    let fail_on = fail_on.map(Severity::from).or(fail_by_config).unwrap_or(Severity::Low);
    Ok(exit(&outcome, fail_on, args.exit_zero))
}

/// From what was typed to what is meant.
fn resolve(args: &Args) -> Result<(Request, Option<String>, Option<Severity>), CliError> {
    check_path(args)?;
    let (config, folder) = configuration(&config_choice(args))?;
    let here = if args.stdin { None } else { git_dir(&args.path).ok() };
    let head = here.as_ref().and_then(|git| git.head().ok().flatten()).map(|id| id.to_string());
    let mut unread = Vec::new();
    let scope = if args.stdin {
        Scope::Stdin { name: args.stdin_name.clone() }
    } else if args.staged {
        let git = hook_git_dir(&args.path)?;
        Scope::Staged { limits: limits(args, &git), git }
    } else if let Some(commits) = args.commits.selection()? {
        if args.submodules {
            return Err(of_all_history());
        }
        let is_hook = matches!(commits, Selection::Push { .. } | Selection::Updates(_));
        let git = if is_hook { hook_git_dir(&args.path)? } else { git_dir(&args.path)? };
        let limits = limits(args, &git);
        Scope::Added(Added { git, limits, commits })
    } else {
        stored(args, &mut unread)?
    };
    let top = if args.no_ignore || args.no_repo_config || args.stdin {
        None
    } else {
        here.and_then(|git| git.work_tree().map(Path::to_path_buf))
    };
    let prefix =
        if args.staged { String::new() } else { folder.map(|folder| prefix(&folder, &args.path)).transpose()?.unwrap_or_default() };
    let request = Request {
        rules: rule_set(&config, &args.rules)?,
        scope,
        inline: if args.no_inline_allow { InlineAllow::Ignored } else { InlineAllow::Honoured },
        min_confidence: args.min_confidence.map(Confidence::from).or(config.min_confidence).unwrap_or(Confidence::Medium),
        key: key(&config)?,
        allow: config.allow.below(prefix),
        top,
        unread,
    };
    Ok((request, head, config.fail_on))
}

/// The repository at PATH with its history, or files. A repository that cannot be opened is unread.
fn stored(args: &Args, unread: &mut Vec<Skip>) -> Result<Scope, CliError> {
    let respect = match (args.no_ignore, args.no_repo_config) {
        (true, _) => Respect::No,
        (false, true) => Respect::Git,
        (false, false) => Respect::Yes,
    };
    let files = Scope::worktree(args.path.clone(), respect, args.jobs);
    if args.worktree {
        return Ok(files);
    }
    let git = match git_dir(&args.path) {
        Err(GitDirError::NotFound(_)) if !args.history => return Ok(files),
        // The files can be read all the same.
        Err(error @ (GitDirError::Io { .. } | GitDirError::Skip(_))) if !args.history && respect != Respect::No => {
            unread.push(Skip { what: ".git".to_owned(), reason: SkipReason::Unreadable(error.to_string()) });
            return Ok(files);
        }
        git => git?,
    };
    let top = git.work_tree().unwrap_or(git.path());
    let limits = limits(args, &git);
    let path = args.path.canonicalize().map_err(|error| cannot_scan(&args.path, &error))?;
    let at_top = path == top;
    let files = match (args.history, at_top) {
        (true, _) => None,
        (false, true) => Some(respect),
        (false, false) if args.submodules => return Err(of_all_history()),
        (false, false) => return Ok(files),
    };
    let memory = if args.no_cache { None } else { environment::kept_key().map(|key| Memory::of(&git, &key)) };
    let inside = if args.submodules { Submodules::Scanned } else { Submodules::Not };
    Ok(Scope::repository(git, limits, memory, files, inside))
}

fn of_all_history() -> CliError {
    CliError::new(
        "`--submodules` goes with the scan of a whole history",
        "scan the top of a repository, or add `--history`; what commits add to a submodule is scanned inside of it",
    )
}

fn limits(args: &Args, git: &GitDir) -> Limits {
    let alternates = Alternates::Within(args.alternates.iter().cloned().chain([git.common().to_owned()]).collect());
    let standard = Limits::default();
    let wanted = NonZeroUsize::new(args.jobs).unwrap_or(standard.threads);
    let threads = NonZeroUsize::MIN.saturating_add(startable(wanted.get() - 1));
    let memory = args.memory.map_or_else(|| environment::memory_budget(standard.memory), |mebibytes| mebibytes << 20);
    Limits { memory, threads, alternates, ..standard }
}

fn check_path(args: &Args) -> Result<(), CliError> {
    match std::fs::symlink_metadata(&args.path) {
        _ if args.stdin => Ok(()),
        Ok(_) => Ok(()),
        Err(error) => Err(cannot_scan(&args.path, &error)),
    }
}

pub(super) fn cannot_scan(path: &Path, error: &std::io::Error) -> CliError {
    CliError::new(
        format!("cannot scan {}: {error}", path.display()),
        "name a file or folder that exists; `-` is not needed for standard input, use `--stdin`",
    )
}

fn config_choice(args: &Args) -> ConfigChoice {
    match &args.config {
        Some(file) => ConfigChoice::File(file.clone()),
        None if args.no_repo_config => ConfigChoice::Nothing,
        None if args.stdin => ConfigChoice::Beside(PathBuf::from(".")),
        None => ConfigChoice::Beside(args.path.clone()),
    }
}

/// Where the scanned root lies below the folder of the configuration.
pub(super) fn prefix(folder: &Path, root: &Path) -> Result<String, CliError> {
    let real = |path: &Path| path.canonicalize().map_err(|error| cannot_scan(path, &error));
    let (folder, root) = (real(folder)?, real(folder_of(root)?)?);
    Ok(match root.strip_prefix(&folder) {
        Ok(below) if !below.as_os_str().is_empty() => format!("{}/", below.display()),
        _ => String::new(),
    })
}

pub(super) fn rule_set(config: &Config, folders: &[PathBuf]) -> Result<RuleSet, CliError> {
    let mut more = config.rules.clone();
    for folder in folders {
        more.extend(load_dir(folder)?);
    }
    let mut rules = builtin().with(&more)?;
    for id in &config.disable {
        if !rules.disable(id) {
            return Err(CliError::new(
                format!("`disable` names the rule `{id}`, which does not exist"),
                "`sopup rules list` shows all ids",
            ));
        }
    }
    Ok(rules)
}

pub(super) fn key(config: &Config) -> Result<LazyKey, CliError> {
    let given = fingerprint_key(config.fingerprint_key.as_deref())?;
    Ok(LazyLock::new(Box::new(|| given.unwrap_or_else(own_key))))
}

fn root_of(args: &Args) -> String {
    if args.stdin || args.staged {
        return String::new();
    }
    let root = if args.path.is_file() { args.path.parent().unwrap_or(Path::new("")) } else { &args.path };
    root.to_string_lossy().into_owned()
}

fn write(args: &Args, outcome: &Outcome, context: &report::Context<'_>, ui: &Ui) -> Result<(), CliError> {
    let Some(path) = &args.output else {
        let mut out = ui.stdout();
        render(args.format, &mut out, outcome, context)?;
        return Ok(out.flush()?);
    };
    let mut report = anstream::StripStream::new(Vec::new());
    render(args.format, &mut report, outcome, context)?;
    file::put(path, &report.into_inner(), file::Access::Private)
        .map_err(|error| CliError::from(error).with_hint("name a file in a folder that you can write to"))?;
    if args.format == Format::Human {
        ui.note(&format!("report written to {}", path.display()));
    }
    Ok(())
}

fn render(format: Format, out: &mut impl Write, outcome: &Outcome, context: &report::Context<'_>) -> std::io::Result<()> {
    match format {
        Format::Human => report::human::write(out, outcome, context),
        Format::Json => report::json::write_report(out, outcome, context),
        Format::Jsonl => report::json::write_lines(out, outcome, context),
    }
}

fn exit(outcome: &Outcome, fail_on: Severity, exit_zero: bool) -> Exit {
    if !outcome.is_complete() {
        return Exit::Incomplete;
    }
    let severe = outcome.findings.iter().any(|finding| finding.rule.severity >= fail_on);
    if severe && !exit_zero { Exit::Findings } else { Exit::Clean }
}

impl From<ConfidenceArg> for Confidence {
    fn from(level: ConfidenceArg) -> Self {
        match level {
            ConfidenceArg::Low => Self::Low,
            ConfidenceArg::Medium => Self::Medium,
            ConfidenceArg::High => Self::High,
        }
    }
}

impl From<SeverityArg> for Severity {
    fn from(severity: SeverityArg) -> Self {
        match severity {
            SeverityArg::Low => Self::Low,
            SeverityArg::Medium => Self::Medium,
            SeverityArg::High => Self::High,
            SeverityArg::Critical => Self::Critical,
        }
    }
}
