//! `sopup purge run --in-place`, and what ends it or takes it back: `sopup purge finish`, `sopup purge restore`.

use std::io::Write as _;
use std::path::PathBuf;

use super::{Opened, Run, scripts, show};
use crate::cli::Exit;
use crate::cli::environment::{git_dir, memory_budget};
use crate::cli::error::CliError;
use crate::cli::ui::Ui;
use crate::file::FileError;
use crate::purge::MirrorError;
use crate::purge::in_place::{InPlaceError, Place};
use crate::report::plural;
use crate::source::object::{Alternates, Limits};
use crate::source::refs::GitDir;

#[derive(Debug, clap::Args)]
pub(super) struct Finish {
    /// The repository
    #[arg(default_value = ".", value_name = "PATH")]
    path: PathBuf,

    /// Do not ask
    #[arg(short, long)]
    yes: bool,
}

#[derive(Debug, clap::Args)]
pub(super) struct Restore {
    /// The repository
    #[arg(default_value = ".", value_name = "PATH")]
    path: PathBuf,
}

/// The repository, taken for a change; a command that was interrupted is brought to its end first.
fn taken(git: &GitDir, ui: &Ui) -> Result<(Place, bool), CliError> {
    let place = Place::take(git)?;
    let settled = place.settle()?;
    if settled {
        ui.note("an interrupted change of the history was brought to its end: the working tree is as HEAD says");
    }
    Ok((place, settled))
}

pub(super) fn run(run: &Run, ui: &Ui) -> Result<Exit, CliError> {
    let git = git_dir(&run.common.path)?;
    let (place, settled) = taken(&git, ui)?;
    let mut out = ui.stdout();
    if settled && !place.backup()?.is_empty() {
        show::next_in_place(&mut out, &place.folder())?;
        out.flush()?;
        return Ok(Exit::Clean);
    }
    place.refuse()?;
    let opened = Opened::open(&run.common, ui)?;
    opened.whole()?;
    run.refuse_sealed(&opened)?;
    let done = place.rewrite(&opened.repository(), &opened.held, |folder, rewritten| scripts::write(folder, "../..", rewritten, &opened));
    let done = match done {
        Err(InPlaceError::Objects(error @ MirrorError::NoChange)) => {
            ui.note(&format!("{error}; nothing was changed"));
            return Ok(Exit::Clean);
        }
        done => done?,
    };
    show::made_in_place(&mut out, &opened, &done, &place.folder())?;
    out.flush()?;
    Ok(Exit::Clean)
}

pub(super) fn finish(args: &Finish, ui: &Ui) -> Result<Exit, CliError> {
    let git = git_dir(&args.path)?;
    let (place, _) = taken(&git, ui)?;
    let limits = limits(&git);
    let Some(waiting) = place.waiting(&limits)? else {
        ui.note("there is nothing to end: no replaced object and no refs/sopup/backup/ is here");
        return Ok(Exit::Clean);
    };
    let old = plural(waiting as u64, "replaced object", "replaced objects");
    if !args.yes {
        let question = format!("Remove the backup of the refs, all reflogs and {old} for good? There is no way back. [y/N]");
        let nobody = || CliError::new("there is nobody to ask", "`--yes` removes the old history without asking").exiting(Exit::Refused);
        if !matches!(ui.ask(&question).ok_or_else(nobody)?.as_str(), "y" | "Y" | "yes") {
            return Err(CliError::new("nothing was removed", "answer `y`, or use --yes").exiting(Exit::Refused));
        }
    }
    let finished = place.finish(&limits)?;
    let mut out = ui.stdout();
    show::finished(&mut out, &finished)?;
    out.flush()?;
    Ok(if finished.left.is_empty() { Exit::Clean } else { Exit::Findings })
}

pub(super) fn restore(args: &Restore, ui: &Ui) -> Result<Exit, CliError> {
    let git = git_dir(&args.path)?;
    let (place, settled) = taken(&git, ui)?;
    if settled && place.backup()?.is_empty() {
        return Ok(Exit::Clean);
    }
    let count = place.restore()?;
    let refs = plural(count as u64, "ref leads", "refs lead");
    ui.note(&format!("{refs} where they did before the purge, and the working tree is as it was; the values are back, too"));
    Ok(Exit::Clean)
}

/// Whether a purge in place waits to be ended.
pub(in crate::cli) fn unended(git: &GitDir) -> Result<bool, CliError> {
    Ok(Place::take(git)?.waiting(&limits(git))?.is_some())
}

fn limits(git: &GitDir) -> Limits {
    let standard = Limits::default();
    Limits { memory: memory_budget(standard.memory), alternates: Alternates::Within(vec![git.common().to_owned()]), ..standard }
}

impl From<InPlaceError> for CliError {
    fn from(error: InPlaceError) -> Self {
        let (hint, exit) = match error {
            InPlaceError::Objects(error) => return error.into(),
            InPlaceError::File(FileError::Busy(_)) => {
                return Self::new("another sopup is changing this repository", "wait until it has ended").exiting(Exit::Refused);
            }
            InPlaceError::File(error) => return error.into(),
            InPlaceError::Git(error) => return error.into(),
            InPlaceError::Refused(_) => ("nothing was changed; see to what is named, then run the command again", Exit::Refused),
            InPlaceError::Moved(_) => (
                "nothing was changed; wait for other programs, or if one was killed, remove the file that it left (.lock, .new), then try again",
                Exit::Refused,
            ),
            InPlaceError::Edited(_) => {
                ("look at them (`git diff HEAD`), then `git restore FILE` or take the value out yourself", Exit::Incomplete)
            }
            InPlaceError::Unread(_) => ("run `git fsck` in the repository", Exit::Incomplete),
            InPlaceError::Io { .. } => ("see that the disk has room and that you can write there, then run the command again", Exit::Usage),
        };
        Self::new(error.to_string(), hint).exiting(exit)
    }
}
