//! `sopup scan`.

use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::ValueEnum;
use jiff::civil::Date;

use super::Exit;
use super::baseline::BaselineArgs;
use super::environment::{self, git_dir, hook_git_dir};
use super::error::CliError;
use super::output::write_file;
use super::paths::{Paths, below_top, cannot_scan, prefix};
use super::reports::ReportArgs;
use super::ui::Ui;
use super::what::What;
use crate::baseline::Baseline;
use crate::config::{Config, Problem};
use crate::file::Access;
use crate::report::{Context, Covered, Show, plural};
use crate::rule::Severity;
use crate::scan::{Added, Memory, Outcome, Progress, Request, Scope, Seen, Selection, Submodules, scan, scan_share};
use crate::source::pack::Share;
use crate::source::refs::{GitDir, GitDirError};
use crate::source::{Respect, Skip, SkipReason};

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
  sopup scan a.env deploy/ $FILES      several files and folders
  sopup scan --staged                  what the next commit would add (for hooks)
  sopup scan --merge-base origin/main  what a pull request adds (for CI)
  kubectl get cm -o yaml | sopup scan --stdin
  sopup scan --report sarif=leaks.sarif --report html=leaks.html
  sopup scan --format github           annotations in a GitHub workflow
  sopup scan --group-by path --all     every secret with its line, file by file

A line that ends with `sopup:allow`, or `sopup:allow RULE-ID`, is accepted. What `.sopup-baseline` names is counted and not
reported, see `sopup baseline`.")]
pub(super) struct Args {
    /// Folders and files; several are scanned without history
    #[arg(default_value = ".", value_name = "PATH")]
    paths: Vec<PathBuf>,

    /// Scan the files below each PATH alone
    #[arg(long, group = "scope", conflicts_with = "submodules")]
    worktree: bool,

    /// Scan all that the repository stores, and not the files of its working tree
    #[arg(long, group = "scope", visible_alias = "objects")]
    history: bool,

    /// Scan what the next commit would add: the index against HEAD, new lines alone
    #[arg(long, group = "scope", conflicts_with = "submodules")]
    staged: bool,

    /// Scan standard input
    #[arg(long, group = "scope", conflicts_with = "submodules")]
    stdin: bool,

    /// Name that standard input should have, which decides how it is read
    #[arg(long, value_name = "NAME", requires = "stdin", default_value = "", hide_default_value = true)]
    stdin_name: String,

    #[command(flatten)]
    judged: Judged,

    /// Search one of N shares of the history and write what `sopup merge` needs of it, for histories that several machines
    /// search together
    #[arg(long, value_name = "K/N", requires = "history", conflicts_with_all = ["submodules", "format", "report", "group_by", "all"])]
    shard: Option<Share>,

    /// Read what an earlier scan of the history has read as well, and do not remember what is read now
    #[arg(long)]
    no_cache: bool,

    /// Say on standard error what is read, and how long each phase takes; `--quiet` comes first
    #[arg(short, long)]
    verbose: bool,

    /// What a hook has read, in place of standard input
    #[arg(skip)]
    pub(super) text: Option<Vec<u8>>,

    #[command(flatten)]
    pub(super) what: What,

    #[command(flatten)]
    pub(super) baseline: BaselineArgs,

    #[command(flatten)]
    reports: ReportArgs,

    #[command(flatten)]
    commits: super::commits::CommitArgs,
}

impl Args {
    /// What decides the report of a repository, as it was typed.
    pub(super) fn deciding(&self) -> String {
        format!("{:?}", ((&self.paths, self.worktree, self.history, &self.commits), &self.judged, &self.what, &self.baseline))
    }
}

/// What is shown of what was found, and what counts as a failure.
#[derive(Debug, clap::Args)]
pub(super) struct Judged {
    /// Show what was found instead of masking it (`human`, `oneline`, `json` and `jsonl`; other formats always mask)
    #[arg(long)]
    show_secrets: bool,

    /// Exit with 1 only for findings at least this severe [default: low]
    #[arg(long, value_enum, value_name = "SEVERITY", env = "SOPUP_FAIL_ON")]
    fail_on: Option<SeverityArg>,

    /// Exit with 0 even if secrets were found
    #[arg(long)]
    exit_zero: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum SeverityArg {
    Low,
    Medium,
    High,
    Critical,
}

pub(super) fn run(args: &Args, ui: &Ui) -> Result<Exit, CliError> {
    args.reports.check()?;
    let paths = if args.stdin { Paths::of(&[PathBuf::from(".")])? } else { Paths::of(&args.paths)? };
    let clock = Clock::start(args.verbose);
    let resolved = resolve(args, &paths)?;
    name_unsupported(resolved.unsupported.as_ref(), ui);
    clock.say(ui, "prepared", || format!("{} rules; {}", resolved.request.rules.rules().count(), resolved.covered.what));
    if let Some(share) = args.shard {
        return shard(&resolved.request, share, args.reports.file(), ui);
    }
    let root = if args.stdin || args.staged { String::new() } else { paths.root.to_string_lossy().into_owned() };
    scan_and_report(resolved, &root, (&args.judged, &args.reports), &clock, ui)
}

/// Scans, and reports what was found.
pub(super) fn scan_and_report(
    resolved: Resolved,
    root: &str,
    (judged, reports): (&Judged, &ReportArgs),
    clock: &Clock,
    ui: &Ui,
) -> Result<Exit, CliError> {
    let Resolved { request, head, fail_on, covered, .. } = resolved;
    let progress = Progress::default();
    let outcome = ui.watched(&progress, || scan(&request, &progress))?;
    let Seen { files, blobs, known, bytes } = outcome.seen;
    let unread = outcome.skipped.len();
    clock.say(ui, "scanned", || {
        format!("{files} files, {blobs} blobs, {known} objects known from before, {bytes} bytes; {unread} not read")
    });
    let context = Context {
        root,
        head: head.as_deref(),
        begun: clock.begun,
        elapsed: clock.started.elapsed(),
        secrets: if judged.show_secrets { Show::InFull } else { Show::Masked },
        covered,
        layout: reports.layout(Path::new(if root.is_empty() { "." } else { root }), ui),
    };
    reports.write(&outcome, &context, ui)?;
    clock.say(ui, "reported", || format!("{} secrets", outcome.findings.len()));
    let fail_on = judged.fail_on.map(Severity::from).or(fail_on).unwrap_or(Severity::Low);
    Ok(exit(&outcome, fail_on, judged.exit_zero))
}

/// Searches one share of a history.
fn shard(request: &Request, share: Share, file: Option<&Path>, ui: &Ui) -> Result<Exit, CliError> {
    let progress = Progress::default();
    let part = ui.watched(&progress, || scan_share(request, share, &progress))?;
    match file {
        Some(file) => write_file(file, part.written().as_bytes(), Access::Private)?,
        None => ui.print_bytes(part.written().as_bytes())?,
    }
    let (number, of) = (share.number(), share.of());
    let ((blobs, bytes), objects) = (part.seen(), part.objects());
    let (blobs, objects) = (plural(blobs, "blob", "blobs"), plural(objects as u64, "object", "objects"));
    ui.note(&format!("part {number} of {of}: {blobs}, {bytes} bytes read; something was found in {objects}"));
    Ok(if part.is_complete() { Exit::Clean } else { Exit::Incomplete })
}

/// When a command began, and whether it says how long its phases take.
pub(super) struct Clock {
    begun: jiff::Timestamp,
    started: Instant,
    verbose: bool,
}

impl Clock {
    pub(super) fn start(verbose: bool) -> Self {
        Self { begun: jiff::Timestamp::now(), started: Instant::now(), verbose }
    }

    fn say(&self, ui: &Ui, phase: &str, what: impl FnOnce() -> String) {
        if self.verbose {
            ui.note(&format!("{phase} ({} ms): {}", self.started.elapsed().as_millis(), what()));
        }
    }
}

/// What of a configuration of gitleaks has no counterpart.
pub(super) fn name_unsupported(unsupported: Option<&(String, Vec<Problem>)>, ui: &Ui) {
    for (name, problem) in unsupported.iter().flat_map(|(name, problems)| problems.iter().map(move |problem| (name, problem))) {
        ui.note(&format!("{name}:{}: {}", problem.line, problem.message));
    }
}

/// What is meant.
pub(super) struct Resolved {
    pub(super) request: Request,
    pub(super) head: Option<String>,
    /// What the configuration says.
    pub(super) fail_on: Option<Severity>,
    pub(super) covered: Covered,
    /// What of a configuration of gitleaks has no counterpart.
    pub(super) unsupported: Option<(String, Vec<Problem>)>,
}

/// What counts in a place, whatever of it is scanned.
pub(super) struct Settings {
    config: Config,
    /// Where the globs of the configuration start from.
    folder: Option<PathBuf>,
    baseline: Option<(Baseline, Date)>,
    head: Option<String>,
    top: Option<PathBuf>,
}

impl Settings {
    pub(super) fn of(what: &What, baseline: &BaselineArgs, place: &Path, git: Option<&GitDir>) -> Result<Self, CliError> {
        let (config, folder) = what.configuration(place)?;
        let baseline = baseline.in_force(&what.config_choice(place), &config)?;
        let head = git.and_then(|git| git.head().ok().flatten()).map(|id| id.to_string());
        let top = git.and_then(GitDir::work_tree).map(Path::to_path_buf);
        Ok(Self { config, folder, baseline, head, top })
    }

    /// A scan of something in this place.
    pub(super) fn resolve(self, what: &What, scope: Scope, place: &Path, covered: Covered) -> Result<Resolved, CliError> {
        let Self { config, folder, baseline, head, top } = self;
        let (fail_on, unsupported) = (config.fail_on, config.unsupported.clone());
        // What is stored has paths from the top of the repository, wherever in it the scan began.
        let of_files = matches!(scope, Scope::Worktree(_) | Scope::Stdin { .. } | Scope::Text { .. });
        let root = top.as_deref().filter(|_| !of_files).unwrap_or(place);
        let prefix = folder.map(|folder| prefix(&folder, root)).transpose()?.unwrap_or_default();
        let adds = matches!(scope, Scope::Added(_) | Scope::Staged { .. });
        let examine = adds.then(|| super::sops::doctor::examiner(top.clone(), config.disable.clone()));
        let below = covered.below.clone();
        let request = Request { baseline, examine, below, ..what.request(config, scope, top, prefix)? };
        Ok(Resolved { request, head, fail_on, covered, unsupported })
    }
}

/// From what was typed to what is meant.
fn resolve(args: &Args, paths: &Paths) -> Result<Resolved, CliError> {
    let (what, beside) = (&args.what, paths.beside());
    let here = if args.stdin { None } else { git_dir(beside).ok() };
    let settings = Settings::of(what, &args.baseline, beside, here.as_ref())?;
    let mut unread = Vec::new();
    let scope = if args.stdin {
        let name = args.stdin_name.clone();
        args.text.clone().map_or(Scope::Stdin { name: name.clone() }, |bytes| Scope::Text { name, bytes })
    } else if args.staged {
        let git = hook_git_dir(repository(paths)?)?;
        Scope::Staged { limits: what.limits(&git), git }
    } else if let Some(commits) = args.commits.selection()? {
        if what.submodules {
            return Err(of_all_history());
        }
        let is_hook = matches!(commits, Selection::Push { .. } | Selection::Updates(_));
        let path = repository(paths)?;
        let git = if is_hook { hook_git_dir(path)? } else { git_dir(path)? };
        let limits = what.limits(&git);
        Scope::Added(Added { git, limits, commits })
    } else {
        stored(args, paths, &mut unread)?
    };
    let covered = covered(args, paths, &scope, here.as_ref());
    let resolved = settings.resolve(what, scope, beside, covered)?;
    Ok(Resolved { request: Request { unread, ..resolved.request }, ..resolved })
}

/// The repository at PATH with its history, or files. A repository that cannot be opened is unread.
fn stored(args: &Args, paths: &Paths, unread: &mut Vec<Skip>) -> Result<Scope, CliError> {
    let (what, respect) = (&args.what, args.what.respect());
    let files = Scope::Worktree(paths.walks(respect, what.jobs)?);
    if args.worktree || paths.single().is_none() && !args.history && !what.submodules {
        return Ok(files);
    }
    let here = repository(paths)?;
    let git = match git_dir(here) {
        Err(GitDirError::NotFound(_)) if !args.history => return Ok(files),
        // The files can be read all the same.
        Err(error @ (GitDirError::Io { .. } | GitDirError::Skip(_))) if !args.history && respect != Respect::No => {
            unread.push(Skip { what: ".git".to_owned(), reason: SkipReason::Unreadable(error.to_string()) });
            return Ok(files);
        }
        git => git?,
    };
    let top = git.work_tree().unwrap_or(git.path());
    let limits = what.limits(&git);
    let path = here.canonicalize().map_err(|error| cannot_scan(here, &error))?;
    let at_top = path == top;
    let files = match (args.history, at_top) {
        (true, _) => None,
        (false, true) => Some(respect),
        (false, false) if what.submodules => return Err(of_all_history()),
        (false, false) => return Ok(files),
    };
    let memory = if args.no_cache { None } else { environment::kept_key().map(|key| Memory::of(&git, &key)) };
    let inside = if what.submodules { Submodules::Scanned } else { Submodules::Not };
    Ok(Scope::repository(git, limits, memory, files, inside))
}

/// The one path, for what belongs to a repository.
fn repository(paths: &Paths) -> Result<&Path, CliError> {
    paths.single().ok_or_else(|| {
        CliError::new(
            "what is staged, committed or stored belongs to one repository, and several paths were named",
            "name one folder of it; several paths are scanned without history",
        )
    })
}

fn of_all_history() -> CliError {
    CliError::new(
        "`--submodules` goes with the scan of a whole history",
        "scan the top of a repository, or add `--history`; what commits add to a submodule is scanned inside of it",
    )
}

/// What was in scope.
fn covered(args: &Args, paths: &Paths, scope: &Scope, here: Option<&GitDir>) -> Covered {
    let path = paths.shown();
    let is_shallow = here.is_some_and(|git| !git.shallow().is_empty());
    let mut covered = Covered { is_shallow, name: paths.name(scope, here), ..Covered::default() };
    covered.what = match scope {
        Scope::Worktree(_) => {
            covered.below = below_top(paths.beside(), here);
            let has_folder = paths.all.iter().any(|path| path.is_dir());
            covered.is_whole = has_folder && paths.single().is_some() && covered.below.is_empty();
            if here.is_some() && !args.worktree && has_folder {
                let missing = "the history of the repository was not scanned; run it at the top, or add `--history`";
                covered.missing = Some(missing.to_owned());
            }
            match (has_folder, paths.single()) {
                (true, _) => format!("files below {path}"),
                (false, Some(_)) => format!("the file {path}"),
                (false, None) => format!("the files {path}"),
            }
        }
        Scope::Repository { files: Some(_), .. } => {
            covered.is_whole = true;
            format!("files and history of {path}")
        }
        Scope::Repository { files: None, .. } => format!("history of {path}"),
        Scope::Added(_) => "what the commits add".to_owned(),
        Scope::Staged { .. } => "what is staged".to_owned(),
        Scope::Stdin { .. } => "standard input".to_owned(),
        Scope::Text { name, .. } => name.clone(),
    };
    covered
}

fn exit(outcome: &Outcome, fail_on: Severity, exit_zero: bool) -> Exit {
    if !outcome.is_complete() {
        return Exit::Incomplete;
    }
    let severe = outcome.findings.iter().any(|finding| finding.severity >= fail_on);
    if severe && !exit_zero { Exit::Findings } else { Exit::Clean }
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
