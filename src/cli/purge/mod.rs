//! `sopup purge`: the repository without the values that leaked, as a mirror or where it is.

mod in_place;
mod scripts;
mod show;
mod values;

use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::Exit;
use super::environment::git_dir;
use super::error::CliError;
use super::ui::Ui;
use crate::purge::{self, GitError, Held, MirrorError, Repository, find, foresee};
use crate::sought::Sought;
use crate::source::history::CommitGraph;
use crate::source::object::ObjectStore;
use crate::source::refs::{GitDir, Ref};
pub(super) use in_place::unended;
use values::{Chosen, ValueArgs};

/// Take leaked values out of the history: into a fresh mirror, or in place
///
/// The values are those that a scan finds in the history, and those that you name. They are replaced in every spelling
/// (base64, hexadecimal, escapes, UTF-16, wrapped keys) in files, messages, notes, and in the names of authors, files and
/// refs. Everything else keeps its name and every byte. Nothing is pushed, and this repository is only read, unless
/// `run --in-place` says otherwise.
///
/// Rotate first: what was pushed once is known to others, whatever becomes of the history.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  sopup purge plan                              what would change, and nothing is written
  sopup purge run                               writes ../NAME.purged.git
  sopup purge run --in-place                    rewrites this repository, and keeps the old history until
  sopup purge finish                            removes it, or
  sopup purge restore                           puts it back
  sopup purge run --values-from leaked.txt      these values alone, one a line
  sopup purge verify ../NAME.purged.git --values-from leaked.txt
  sopup purge export --to /run/user/1000/rules  for git filter-repo and BFG")]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Say which values would be taken out, which objects hold them, and which commits and refs change
    Plan(Common),
    /// Write a mirror without the values, or with `--in-place` rewrite the repository itself
    ///
    /// With `--in-place` all refs change in one step, and then the files of the working tree that hold a value; the old
    /// values of the refs stay below refs/sopup/backup/. Refused are changes that are not committed, a merge or rebase
    /// under way, linked working trees, stashes, shallow and partial clones, sparse checkouts, borrowed objects, a HEAD
    /// that leads to no branch, and tables of refs.
    Run(Run),
    /// Remove the old history after `run --in-place`: the backup, all reflogs, unreachable objects
    ///
    /// Runs `git reflog expire --expire=now --all` and `git gc --prune=now`, then looks whether any of the replaced objects
    /// is still there, and says what holds it.
    Finish(in_place::Finish),
    /// Take `run --in-place` back: refs and files as they were before
    Restore(in_place::Restore),
    /// Search a mirror for the values, and check that it is whole (`git fsck --full`)
    Verify(Verify),
    /// Write the rules for git filter-repo and BFG; these files hold the values
    Export(Export),
}

#[derive(Debug, clap::Args)]
struct Common {
    /// The repository
    #[arg(default_value = ".", value_name = "PATH")]
    path: PathBuf,

    #[command(flatten)]
    values: ValueArgs,
}

#[derive(Debug, clap::Args)]
struct Run {
    #[command(flatten)]
    common: Common,

    /// Where the mirror is written [default: NAME.purged.git beside the repository]
    #[arg(long, value_name = "DIR")]
    to: Option<PathBuf>,

    /// Rewrite this repository instead
    #[arg(long, conflicts_with = "to")]
    in_place: bool,

    /// Replace archives that hold a value, and blobs too large to be held, whole
    #[arg(long)]
    replace_sealed: bool,
}

#[derive(Debug, clap::Args)]
struct Verify {
    #[command(flatten)]
    common: Common,

    /// Search for the values alone
    #[arg(long)]
    no_fsck: bool,
}

#[derive(Debug, clap::Args)]
struct Export {
    #[command(flatten)]
    common: Common,

    /// A folder for the files, outside of the repository
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
}

pub(super) fn run(args: &Args, ui: &Ui) -> Result<Exit, CliError> {
    match &args.command {
        Command::Plan(common) => plan(common, ui),
        Command::Run(run) if run.in_place => in_place::run(run, ui),
        Command::Run(run) => write(run, ui),
        Command::Finish(args) => in_place::finish(args, ui),
        Command::Restore(args) => in_place::restore(args, ui),
        Command::Verify(args) => verify(args, ui),
        Command::Export(export) => {
            let chosen = export.common.values.choose(&export.common.path, ui)?;
            scripts::export(&chosen, &export.to, &export.common.path, ui)
        }
    }
}

/// A repository with its values and where they are.
struct Opened {
    git: GitDir,
    store: ObjectStore,
    graph: CommitGraph,
    refs: Vec<Ref>,
    chosen: Chosen,
    sought: Sought,
    held: Held,
}

impl Opened {
    fn open(common: &Common, ui: &Ui) -> Result<Self, CliError> {
        let git = git_dir(&common.path)?;
        let chosen = common.values.choose(&common.path, ui)?;
        let store = git.open_objects(common.values.what.limits(&git)).map_err(crate::scan::ScanError::from)?;
        let refs = git.refs();
        if let Some(skip) = refs.skipped.iter().chain(git.skipped()).next() {
            return Err(incomplete(&skip.to_string()));
        }
        let graph = CommitGraph::read(&store);
        let sought = Sought::new(&chosen.values);
        let held = find(&store, &sought);
        Ok(Self { git, store, graph, refs: refs.items, chosen, sought, held })
    }

    fn repository(&self) -> Repository<'_> {
        Repository { store: &self.store, graph: &self.graph, refs: &self.refs, sought: &self.sought }
    }

    /// What was not read might hold a value.
    fn whole(&self) -> Result<(), CliError> {
        if let Some(skip) = self.held.skipped.first() {
            return Err(incomplete(&skip.to_string()));
        }
        match self.graph.missing.first() {
            Some(id) => Err(incomplete(&format!("the commit {id} is not stored"))),
            None => Ok(()),
        }
    }
}

fn incomplete(what: &str) -> CliError {
    CliError::new(
        format!("the repository is not whole: {what}"),
        "purge a complete clone: `git fetch --unshallow`, or `git clone --mirror` of the original",
    )
    .exiting(Exit::Incomplete)
}

fn plan(common: &Common, ui: &Ui) -> Result<Exit, CliError> {
    let opened = Opened::open(common, ui)?;
    opened.whole()?;
    let rewritten = foresee(&opened.repository(), &opened.held).map_err(|error| incomplete(&error.to_string()))?;
    let mut out = ui.stdout();
    show::plan(&mut out, &opened, &rewritten)?;
    out.flush()?;
    Ok(if rewritten.is_change() { Exit::Findings } else { Exit::Clean })
}

fn write(run: &Run, ui: &Ui) -> Result<Exit, CliError> {
    let opened = Opened::open(&run.common, ui)?;
    opened.whole()?;
    run.refuse_sealed(&opened)?;
    let target = match &run.to {
        Some(path) => path.clone(),
        None => beside(&opened.git),
    };
    if opened.git.work_tree().is_some_and(|top| lies_in(&target, top)) {
        return Err(CliError::new(
            "the mirror would lie inside the working tree",
            "name a folder outside of the repository with `--to DIR`",
        )
        .exiting(Exit::Refused));
    }
    let made = match purge::mirror(&opened.git, &opened.repository(), &opened.held, &target) {
        Err(error @ MirrorError::NoChange) => {
            ui.note(&format!("{error}; nothing was written"));
            return Ok(Exit::Clean);
        }
        made => made?,
    };
    scripts::write(&made.path.join("sopup"), "..", &made.rewritten, &opened)?;
    let mut out = ui.stdout();
    show::made(&mut out, &opened, &made)?;
    out.flush()?;
    Ok(Exit::Clean)
}

impl Run {
    /// What can only be replaced whole is replaced if that is asked for.
    fn refuse_sealed(&self, opened: &Opened) -> Result<(), CliError> {
        if let Some((id, why)) = opened.held.sealed.iter().next().filter(|_| !self.replace_sealed) {
            return Err(CliError::new(
                format!("{} blobs hold a value where it cannot be replaced alone: {id} {why}", opened.held.sealed.len()),
                "`--replace-sealed` replaces such a blob whole; `sopup purge plan` lists them",
            )
            .exiting(Exit::Refused));
        }
        Ok(())
    }
}

/// Whether a path that need not exist lies in a folder.
fn lies_in(path: &Path, folder: &Path) -> bool {
    let Some(name) = path.file_name() else { return true };
    let above = path.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match (above.canonicalize(), folder.canonicalize()) {
        (Ok(above), Ok(folder)) => above.join(name).starts_with(folder),
        // What is not there yet cannot be written to either.
        _ => std::path::absolute(path).is_ok_and(|path| path.starts_with(folder)),
    }
}

/// `NAME.purged.git` beside the repository.
fn beside(git: &GitDir) -> PathBuf {
    let top = git.main_work_tree().or(git.work_tree()).unwrap_or(git.common());
    let name = top.file_name().unwrap_or_default().to_string_lossy();
    let name = name.strip_suffix(".git").unwrap_or(&name);
    top.with_file_name(format!("{name}.purged.git"))
}

fn verify(args: &Verify, ui: &Ui) -> Result<Exit, CliError> {
    let opened = Opened::open(&args.common, ui)?;
    let fsck = if args.no_fsck { None } else { Some(purge::fsck(opened.git.common())?) };
    let mut out = ui.stdout();
    show::verified(&mut out, &opened, fsck.as_ref().map(Option::as_deref))?;
    out.flush()?;
    let sound = !matches!(fsck, Some(Some(_)));
    Ok(match (opened.held.skipped.is_empty(), opened.held.objects.is_empty() && sound) {
        (false, _) => Exit::Incomplete,
        (true, true) => Exit::Clean,
        (true, false) => Exit::Findings,
    })
}

impl From<MirrorError> for CliError {
    fn from(error: MirrorError) -> Self {
        let hint = match error {
            MirrorError::NoChange => "a scan of the history shows what it holds",
            MirrorError::Exists(_) => "name another place with `--to DIR`, or remove it",
            MirrorError::Busy(_) => "wait for it to end",
            MirrorError::Git(error) => return error.into(),
            MirrorError::Left(_) | MirrorError::Unreadable(_) => "please report this; the repository itself was not changed",
            MirrorError::Rewrite(_) => "run `git fsck` in the repository; it was not changed",
            MirrorError::Io { .. } => "see that the disk has room; the repository itself was not changed",
        };
        let exit = if matches!(error, MirrorError::Exists(_) | MirrorError::Busy(_)) { Exit::Refused } else { Exit::Usage };
        Self::new(error.to_string(), hint).exiting(exit)
    }
}

impl From<GitError> for CliError {
    fn from(error: GitError) -> Self {
        let hint = if error.message.contains("File exists") {
            "if no other git is at work, one was killed: remove the file that it left (.lock, .new), then try again"
        } else {
            "git 2.31 or newer is needed; `git fsck` tells whether the repository is sound"
        };
        Self::new(error.to_string(), hint)
    }
}
