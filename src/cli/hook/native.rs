//! Hooks that git runs itself: files in its folder of hooks. What was there keeps its bytes, mode and kind, under another
//! name.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::script::{Kind, kind, script};
use super::{Name, before};
use crate::cli::Exit;
use crate::cli::error::CliError;
use crate::file::{Access, create, put};
use crate::source::object::is_absent;

/// What stands in the place of a hook.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Nothing.
    Missing,
    /// A hook of ours, which runs this program.
    Ours(PathBuf),
    /// A hook of ours that somebody has changed.
    Edited,
    /// Something else.
    Foreign,
}

/// What was done about a hook that is not wanted any more.
pub(super) enum Gone {
    /// There was none of ours.
    Nothing,
    /// It was removed.
    Removed,
    /// It was replaced by what was there before it.
    PutBack,
}

pub(super) fn state(folder: &Path, hook: Name) -> Result<State, CliError> {
    let path = folder.join(hook.as_str());
    let about = match fs::symlink_metadata(&path) {
        Err(error) if is_absent(error.kind()) => return Ok(State::Missing),
        about => about.map_err(|error| failed("look at", &path, &error))?,
    };
    if !about.is_file() {
        return Ok(State::Foreign);
    }
    let content = fs::read(&path).map_err(|error| failed("read", &path, &error))?;
    Ok(match kind(hook, &content) {
        Kind::Ours(program) => State::Ours(program),
        Kind::Edited => State::Edited,
        Kind::Foreign => State::Foreign,
    })
}

/// Whether a hook was there before ours.
pub(super) fn has_before(folder: &Path, hook: Name) -> bool {
    fs::symlink_metadata(folder.join(before(hook.as_str()))).is_ok()
}

/// Whether [`uninstall`] would change anything.
pub(super) fn is_ours(folder: &Path, hook: Name) -> Result<bool, CliError> {
    Ok(match state(folder, hook)? {
        State::Foreign => false,
        State::Missing => has_before(folder, hook),
        State::Ours(_) | State::Edited => true,
    })
}

/// Installs a hook; gives whether another one was there, which now runs first.
pub(super) fn install(folder: &Path, hook: Name, program: &Path) -> Result<bool, CliError> {
    fs::create_dir_all(folder).map_err(|error| failed("make", folder, &error))?;
    let (path, kept) = (folder.join(hook.as_str()), folder.join(before(hook.as_str())));
    let text = script(hook, program);
    let moved = match state(folder, hook)? {
        State::Edited => return Err(edited(&path)),
        State::Ours(known) if known == program => return runnable(&path).map(|()| has_before(folder, hook)),
        State::Ours(_) => {
            put(&path, text.as_bytes(), Access::KeptOrShared)?;
            return runnable(&path).map(|()| has_before(folder, hook));
        }
        State::Missing => false,
        State::Foreign if path.is_dir() => return Err(in_the_way(&path)),
        State::Foreign if has_before(folder, hook) => return Err(in_the_way(&kept)),
        State::Foreign => true,
    };
    if moved {
        fs::rename(&path, &kept).map_err(|error| failed("rename", &path, &error))?;
    }
    let made = create(&path, text.as_bytes(), Access::KeptOrShared).map_err(CliError::from).and_then(|()| runnable(&path));
    if made.is_err() && moved {
        // The hook that was there is not to be missed because ours cannot be written.
        fs::rename(&kept, &path).map_err(|error| failed("put back", &path, &error))?;
    }
    made.map(|()| has_before(folder, hook))
}

/// Takes a hook of ours away.
pub(super) fn uninstall(folder: &Path, hook: Name) -> Result<Gone, CliError> {
    let (path, kept) = (folder.join(hook.as_str()), folder.join(before(hook.as_str())));
    match (state(folder, hook)?, has_before(folder, hook)) {
        (State::Edited, _) => Err(edited(&path)),
        (State::Foreign, _) | (State::Missing, false) => Ok(Gone::Nothing),
        (State::Ours(_) | State::Missing, true) => {
            fs::rename(&kept, &path).map_err(|error| failed("put back", &path, &error))?;
            Ok(Gone::PutBack)
        }
        (State::Ours(_), false) => {
            fs::remove_file(&path).map_err(|error| failed("remove", &path, &error))?;
            Ok(Gone::Removed)
        }
    }
}

/// Git passes over hooks that may not be executed.
fn runnable(path: &Path) -> Result<(), CliError> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(path).map_err(|error| failed("look at", path, &error))?.permissions().mode();
        // Whoever may read it may run it.
        let mode = mode | 0o100 | ((mode & 0o444) >> 2);
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).map_err(|error| failed("make executable", path, &error))?;
    }
    Ok(())
}

fn failed(verb: &str, path: &Path, error: &io::Error) -> CliError {
    CliError::new(format!("cannot {verb} {}: {error}", path.display()), "let somebody do this who may write to the folder of hooks")
}

fn edited(path: &Path) -> CliError {
    CliError::new(
        format!("{} was made by sopup and changed by hand since", path.display()),
        "save what you added elsewhere, remove the file, and try again",
    )
    .exiting(Exit::Refused)
}

fn in_the_way(path: &Path) -> CliError {
    CliError::new(format!("{} is in the way", path.display()), "move it to another name, and try again").exiting(Exit::Refused)
}
