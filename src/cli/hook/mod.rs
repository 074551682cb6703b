//! `sopup hook`: where hooks come from and go to. What a hook does is `scan`.

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
use git::Place;
use manager::Manager;
use native::State;

/// Let git stop commits and pushes that carry secrets
///
/// A hook that is there already is kept: it is renamed, and runs first. Where husky, lefthook, prek or pre-commit run
/// the hooks, the lines that their configuration needs are shown, and written with `--write`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  sopup hook install                 pre-commit, commit-msg and pre-push; pre-receive in a bare repository
  sopup hook install pre-commit
  sopup hook status
  sopup hook uninstall               everything is as it was before")]
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
    /// Take hooks away, and put back what was there before
    Uninstall {
        #[command(flatten)]
        which: Which,
    },
    /// Show which hooks are installed
    Status {
        #[command(flatten)]
        which: Which,
    },
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
    /// The hooks [default: pre-commit, commit-msg, pre-push; in a bare repository pre-receive]
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
    CommitMsg,
    PrePush,
    PreReceive,
}

impl Name {
    const ALL: [Self; 4] = [Self::PreCommit, Self::CommitMsg, Self::PrePush, Self::PreReceive];

    fn as_str(self) -> &'static str {
        match self {
            Self::PreCommit => "pre-commit",
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
        Command::Uninstall { which } => uninstall(which, ui),
        Command::Status { which } => status(which, ui),
        Command::Run { hook, arguments } => run::run(*hook, arguments, ui),
    }
}

fn chosen(which: &Which, place: &Place) -> Vec<Name> {
    match (&which.hooks[..], &place.top) {
        ([], Some(_)) => vec![Name::PreCommit, Name::CommitMsg, Name::PrePush],
        ([], None) => vec![Name::PreReceive],
        (named, _) => named.to_vec(),
    }
}

fn install(hooks: &[Name], place: &Place, shared: bool, ui: &Ui) -> Result<(), CliError> {
    if !shared && !place.is_inside(&place.hooks) {
        return Err(CliError::new(
            format!(
                "`core.hooksPath` leads out of this repository, to {}: hooks there run in other repositories too",
                place.hooks.display()
            ),
            "add `--shared` if that is what you want, or give this repository hooks of its own: `git config core.hooksPath .git/hooks`",
        )
        .exiting(Exit::Refused));
    }
    let program = std::env::current_exe()
        .map_err(|error| CliError::new(format!("cannot tell where sopup is: {error}"), "start it by its whole path"))?;
    let mut out = ui.stdout();
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
    let mut out = ui.stdout();
    let changes = manager.changes(hooks);
    if !write {
        writeln!(out, "{} runs the hooks of this repository. Add this:", manager.name())?;
        for change in &changes {
            writeln!(out, "\n{}", change.file.bold())?;
            change.lines.lines().try_for_each(|line| writeln!(out, "  {line}"))?;
        }
        out.flush()?;
        return Err(CliError::new(
            "nothing was installed",
            format!("`sopup hook install --write` adds these lines; `--native` installs git's own hooks beside {}", manager.name()),
        )
        .exiting(Exit::Refused));
    }
    let mut files: Vec<(String, bool)> = Vec::new();
    for change in changes {
        let wrote = change.write(top)?;
        match files.iter_mut().find(|(file, _)| *file == change.file) {
            Some((_, before)) => *before |= wrote,
            None => files.push((change.file, wrote)),
        }
    }
    for (file, wrote) in files {
        let said = if wrote { "wrote" } else { "is there already:" };
        writeln!(out, "{said} {file}")?;
    }
    if let Some(next) = manager.next(hooks) {
        writeln!(out, "{} `{next}` makes git run them", "Next:".bold())?;
    }
    out.flush()?;
    Ok(Exit::Clean)
}

fn uninstall(which: &Which, ui: &Ui) -> Result<Exit, CliError> {
    let place = Place::of(&which.path)?;
    let hooks = if which.hooks.is_empty() { Name::ALL.to_vec() } else { which.hooks.clone() };
    let mut out = ui.stdout();
    let mut any = false;
    for hook in hooks {
        let path = place.hooks.join(hook.as_str());
        match native::uninstall(&place.hooks, hook)? {
            native::Gone::Nothing => continue,
            native::Gone::Removed => writeln!(out, "removed {}", path.display())?,
            native::Gone::PutBack => writeln!(out, "put back {} as it was", path.display())?,
        }
        any = true;
    }
    if !any {
        writeln!(out, "no hook of sopup in {}", place.hooks.display())?;
    }
    out.flush()?;
    if let Some(manager) = place.manager() {
        ui.note(&format!("{} runs hooks here as well; what its configuration says about sopup is left to you", manager.name()));
    }
    Ok(Exit::Clean)
}

fn status(which: &Which, ui: &Ui) -> Result<Exit, CliError> {
    let place = Place::of(&which.path)?;
    let mut out = ui.stdout();
    writeln!(out, "hooks in {}", place.hooks.display())?;
    for hook in chosen(which, &place) {
        let state = match native::state(&place.hooks, hook)? {
            State::Missing => "not installed".to_owned(),
            State::Foreign => "a hook that is not sopup's".to_owned(),
            State::Edited => "installed, and changed by hand since".to_owned(),
            State::Ours(program) => {
                let chained =
                    if native::has_before(&place.hooks, hook) { format!(", after {}", before(hook.as_str())) } else { String::new() };
                let gone = if program.is_file() { "" } else { " (gone; sopup is sought on PATH)" };
                format!("installed{chained}, runs {}{gone}", program.display())
            }
        };
        writeln!(out, "  {:<12} {state}", hook.as_str())?;
    }
    if let Some(manager) = place.manager() {
        let top = place.top.as_deref().unwrap_or(Path::new("."));
        let named = manager.changes(&chosen(which, &place)).iter().any(|change| change.is_there(top));
        let is = if named { "names sopup" } else { "does not name sopup; `sopup hook install` shows what to add" };
        writeln!(out, "{} runs hooks here, and its configuration {is}", manager.name())?;
    }
    out.flush()?;
    Ok(Exit::Clean)
}
