//! `sopup hook`: where hooks come from and go to. What a hook does is `scan`.

mod agent;
mod git;
mod manager;
mod message;
mod native;
mod run;
mod script;

use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::{Subcommand, ValueEnum};
use owo_colors::OwoColorize as _;

use super::Exit;
use super::error::CliError;
use super::ui::Ui;
use super::what::What;
use git::Place;
use manager::{Manager, Removal};
use native::State;

/// Let git stop commits and pushes that carry secrets
///
/// A hook that is there already is kept: it is renamed, and runs first. Where husky, lefthook, prek or pre-commit run
/// the hooks, the lines that their configuration needs are shown, and written with `--write`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  sopup hook install                 pre-commit, pre-merge-commit, commit-msg and pre-push; in a bare repository pre-receive
  sopup hook install pre-commit
  sopup hook status
  sopup hook uninstall               everything is as it was before
  sopup hook run pre-commit          what the hook does, for managers of hooks
  sopup hook agent                   for coding agents: JSON on standard input, 2 stops them")]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Install hooks that scan what is committed, its message, and what is pushed or received
    Install {
        #[command(flatten)]
        which: Which,

        /// Write to the configuration of husky, lefthook, prek or pre-commit what it needs
        #[arg(long, conflicts_with = "native")]
        write: bool,

        /// Install git's own hooks although another program manages them
        #[arg(long)]
        native: bool,

        /// Install them although `core.hooksPath` leads out of the repository, to hooks of other repositories too
        #[arg(long)]
        shared: bool,
    },
    /// Take hooks away, and what `--write` added, and put back what was there before
    Uninstall {
        #[command(flatten)]
        which: Which,

        /// Take them away although `core.hooksPath` leads out of the repository, from other repositories too
        #[arg(long)]
        shared: bool,
    },
    /// Show which hooks are installed
    Status {
        #[command(flatten)]
        which: Which,
    },
    /// Stop a coding agent that is about to write, run or send a secret
    ///
    /// Reads the JSON that the agent gives to its hook on standard input. Ends with 0 if nothing is found; with 2, which
    /// agents take for "blocked", and the reason on standard error, if a secret is new there or the input cannot be read.
    #[command(after_help = "\
Example, as the command of a `PreToolUse` hook of Claude Code, or of `beforeShellExecution` of Cursor:
  sopup hook agent")]
    Agent(Box<What>),
    /// Do what a hook is for: scan what git tells it
    Run {
        /// The hook
        hook: Name,

        /// What git gives to it
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<std::ffi::OsString>,
    },
}

#[derive(Debug, clap::Args)]
struct Which {
    /// The hooks [default: pre-commit, pre-merge-commit, commit-msg, pre-push; in a bare repository pre-receive]
    #[arg(value_name = "HOOK")]
    hooks: Vec<Name>,

    /// A folder of the repository
    #[arg(short = 'C', long, value_name = "DIR", default_value = ".")]
    path: PathBuf,
}

/// A hook of git that sopup can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Name {
    PreCommit,
    PreMergeCommit,
    CommitMsg,
    PrePush,
    PreReceive,
}

impl Name {
    const ALL: [Self; 5] = [Self::PreCommit, Self::PreMergeCommit, Self::CommitMsg, Self::PrePush, Self::PreReceive];

    fn as_str(self) -> &'static str {
        match self {
            Self::PreCommit => "pre-commit",
            Self::PreMergeCommit => "pre-merge-commit",
            Self::CommitMsg => "commit-msg",
            Self::PrePush => "pre-push",
            Self::PreReceive => "pre-receive",
        }
    }

    /// Whether git tells it on standard input what it is about.
    fn reads_input(self) -> bool {
        matches!(self, Self::PrePush | Self::PreReceive)
    }

    /// What it means that the hook fails.
    fn stopped(self) -> &'static str {
        match self {
            Self::PreCommit | Self::CommitMsg => "the commit was blocked",
            Self::PreMergeCommit => "the merge was stopped",
            Self::PrePush => "the push was blocked",
            Self::PreReceive => "the push was refused",
        }
    }
}

/// What a hook is called that was there before.
fn before(name: &str) -> String {
    format!("{name}.before-sopup")
}

pub(super) fn run(args: &Args, ui: &Ui) -> Result<Exit, CliError> {
    match &args.command {
        Command::Install { which, write, native, shared } => {
            let place = Place::of(&which.path)?;
            let (by_git, by_manager): (Vec<Name>, Vec<Name>) = match place.manager().filter(|_| !native) {
                // No manager runs on servers.
                Some(_) => chosen(which, &place).into_iter().partition(|&hook| hook == Name::PreReceive),
                None => (chosen(which, &place), Vec::new()),
            };
            if !by_git.is_empty() {
                install(&by_git, &place, *shared, ui)?;
            }
            match place.manager() {
                Some(manager) if !by_manager.is_empty() => through(&manager, &by_manager, &place, *write, ui),
                _ => Ok(Exit::Clean),
            }
        }
        Command::Uninstall { which, shared } => uninstall(which, *shared, ui),
        Command::Status { which } => status(which, ui),
        Command::Agent(what) => agent::run(what, ui),
        Command::Run { hook, arguments } => run::run(*hook, arguments, ui),
    }
}

fn chosen(which: &Which, place: &Place) -> Vec<Name> {
    match (&which.hooks[..], &place.top) {
        ([], Some(_)) => vec![Name::PreCommit, Name::PreMergeCommit, Name::CommitMsg, Name::PrePush],
        ([], None) => vec![Name::PreReceive],
        (named, _) => named.to_vec(),
    }
}

fn install(hooks: &[Name], place: &Place, shared: bool, ui: &Ui) -> Result<(), CliError> {
    refuse_shared(place, shared)?;
    let program = std::env::current_exe()
        .map_err(|error| CliError::new(format!("cannot tell where sopup is: {error}"), "start it by its whole path"))?;
    let mut out = ui.told();
    for &hook in hooks {
        let kept = native::install(&place.hooks, hook, &program)?;
        let path = place.hooks.join(hook.as_str());
        let after = if kept { format!("; the hook that was there is now {} and runs first", before(hook.as_str())) } else { String::new() };
        writeln!(out, "installed {}{after}", path.display())?;
    }
    Ok(out.flush()?)
}

/// Shows what a manager of hooks needs, or writes it.
fn through(manager: &Manager, hooks: &[Name], place: &Place, write: bool, ui: &Ui) -> Result<Exit, CliError> {
    let top = place.top.as_deref().unwrap_or(Path::new("."));
    let is_there = |hook: &&Name| manager.changes(&[**hook], top).iter().all(|change| change.is_there(top));
    let (there, missing): (Vec<Name>, Vec<Name>) = hooks.iter().partition(is_there);
    if write {
        return write_to(manager, &there, &missing, top, ui);
    }
    let mut out = ui.stdout();
    if missing.is_empty() {
        writeln!(out, "{} runs the hooks of this repository, and is told about sopup", manager.name())?;
        out.flush()?;
        return Ok(Exit::Clean);
    }
    writeln!(out, "{} runs the hooks of this repository. Add this:", manager.name())?;
    let mut target = String::new();
    for change in manager.changes(&missing, top) {
        if target != change.target() {
            target = change.target();
            writeln!(out, "\n{}", target.bold())?;
        }
        change.shown().lines().try_for_each(|line| writeln!(out, "  {line}"))?;
    }
    out.flush()?;
    Err(CliError::new(
        "nothing was installed",
        format!("`sopup hook install --write` adds these lines; `--native` installs git's own hooks beside {}", manager.name()),
    )
    .exiting(Exit::Refused))
}

/// Writes what a manager needs. What cannot be written is an error only after all the rest.
fn write_to(manager: &Manager, there: &[Name], missing: &[Name], top: &Path, ui: &Ui) -> Result<Exit, CliError> {
    let mut out = ui.told();
    let mut files: Vec<(String, bool)> = Vec::new();
    let mut failed: Option<CliError> = None;
    let of = |hooks: &[Name]| if hooks.is_empty() { Vec::new() } else { manager.changes(hooks, top) };
    for change in of(missing).into_iter().chain(of(there)) {
        let wrote = match change.write(top) {
            Ok(wrote) => wrote,
            Err(error) => {
                failed = Some(match failed {
                    None => error,
                    Some(first) => first.and(error),
                });
                continue;
            }
        };
        match files.iter_mut().find(|(file, _)| *file == change.file) {
            Some((_, before)) => *before |= wrote,
            None => files.push((change.file, wrote)),
        }
    }
    for (file, wrote) in &files {
        let said = if *wrote { "wrote" } else { "is there already:" };
        writeln!(out, "{said} {file}")?;
    }
    if let Some(next) = manager.next(&[there, missing].concat()).filter(|_| !files.is_empty()) {
        writeln!(out, "{} `{next}` makes git run them", "Next:".bold())?;
    }
    out.flush()?;
    failed.map_or(Ok(Exit::Clean), Err)
}

fn uninstall(which: &Which, shared: bool, ui: &Ui) -> Result<Exit, CliError> {
    let place = Place::of(&which.path)?;
    let hooks = if which.hooks.is_empty() { Name::ALL.to_vec() } else { which.hooks.clone() };
    for &hook in &hooks {
        if native::is_ours(&place.hooks, hook)? {
            refuse_shared(&place, shared)?;
        }
    }
    let mut out = ui.told();
    let mut any = false;
    for &hook in &hooks {
        let path = place.hooks.join(hook.as_str());
        match native::uninstall(&place.hooks, hook)? {
            native::Gone::Nothing => continue,
            native::Gone::Removed => writeln!(out, "removed {}", path.display())?,
            native::Gone::PutBack => writeln!(out, "put back {} as it was", path.display())?,
        }
        any = true;
    }
    let mut left = Vec::new();
    if let (Some(manager), Some(top)) = (place.manager(), &place.top) {
        for removal in manager::take_out(manager, &hooks, top)? {
            any = true;
            match removal {
                Removal::Taken(file) => writeln!(out, "took sopup out of {file}")?,
                Removal::Removed(file) => writeln!(out, "removed {file}")?,
                Removal::Left(file, line) => left.push(format!("{file}:{line}")),
            }
        }
    }
    if !any {
        writeln!(out, "no hook of sopup in {}", place.hooks.display())?;
    }
    out.flush()?;
    note_passed_over(&place, &hooks, ui)?;
    if !left.is_empty() {
        ui.note(&format!("{} still runs sopup: it is not as sopup wrote it, and left to you", left.join(", ")));
    }
    Ok(Exit::Clean)
}

/// Refuses what would concern other repositories, too, unless it is meant.
fn refuse_shared(place: &Place, shared: bool) -> Result<(), CliError> {
    if shared || place.is_inside(&place.hooks) {
        return Ok(());
    }
    Err(CliError::new(
        format!("`core.hooksPath` leads out of this repository, to {}: hooks there run in other repositories too", place.hooks.display()),
        "add `--shared` if that is what you want, or give this repository hooks of its own: `git config core.hooksPath .git/hooks`",
    )
    .exiting(Exit::Refused))
}

fn status(which: &Which, ui: &Ui) -> Result<Exit, CliError> {
    let place = Place::of(&which.path)?;
    let mut out = ui.stdout();
    writeln!(out, "hooks in {}", place.hooks.display())?;
    let manager = place.manager();
    for hook in chosen(which, &place) {
        let state = native::state(&place.hooks, hook)?;
        let told = match (state, manager.filter(|_| hook != Name::PreReceive)) {
            (State::Edited, _) => "installed, and changed by hand since".to_owned(),
            (State::Ours(program), _) => {
                let chained =
                    if native::has_before(&place.hooks, hook) { format!(", after {}", before(hook.as_str())) } else { String::new() };
                let gone = if program.is_file() { "" } else { " (gone; sopup is sought on PATH)" };
                format!("installed{chained}, runs {}{gone}", program.display())
            }
            (state, Some(manager)) => told_by(manager, hook, &place, &state),
            (State::Missing, None) => "not installed".to_owned(),
            (State::Foreign, None) => "a hook that is not sopup's".to_owned(),
        };
        writeln!(out, "  {:<16} {told}", hook.as_str())?;
    }
    if let Some(manager) = manager {
        writeln!(out, "{} runs hooks here", manager.name())?;
    }
    out.flush()?;
    note_passed_over(&place, &chosen(which, &place), ui)?;
    Ok(Exit::Clean)
}

/// Says that hooks of sopup lie where git does not look any more.
fn note_passed_over(place: &Place, hooks: &[Name], ui: &Ui) -> Result<(), CliError> {
    let Some(folder) = place.passed_over() else { return Ok(()) };
    let mut ours = Vec::new();
    for &hook in hooks {
        if matches!(native::state(&folder, hook)?, State::Ours(_) | State::Edited) {
            ours.push(hook.as_str());
        }
    }
    if !ours.is_empty() {
        ui.note(&format!(
            "git passes over {} in {}, because `core.hooksPath` names another folder; `sopup hook install` installs them there",
            ours.join(", "),
            folder.display()
        ));
    }
    Ok(())
}

/// Whether a hook runs sopup through a manager.
fn told_by(manager: Manager, hook: Name, place: &Place, state: &State) -> String {
    let top = place.top.as_deref().unwrap_or(Path::new("."));
    let name = manager.name();
    let changes = manager.changes(&[hook], top);
    let Some(change) = changes.iter().find(|change| !change.is_there(top)).or(changes.first()) else { return String::new() };
    let file = &change.file;
    if !change.is_there(top) {
        return format!("not covered: {file} does not run sopup; `sopup hook install --write` adds it");
    }
    if let Some(end) = change.ended_before(top) {
        return format!("not covered: {file} ends before it comes to sopup ({end}); move sopup's line up");
    }
    if *state == State::Missing {
        let next = manager.next(&[hook]).unwrap_or_else(|| "npx husky".to_owned());
        return format!("not covered: {file} runs sopup, but git does not run {name}; `{next}` makes it");
    }
    format!("covered: {name} runs sopup ({file})")
}
