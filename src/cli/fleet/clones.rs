//! [`Clone`]: a repository on this machine. Workers share a folder of clones: each clone has a lock, which one takes alone to
//! fetch it or to bring it up to date, and all together to read it.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use sha2::{Digest as _, Sha256};

use super::work::Args;
use crate::file::is_at;
use crate::fleet::Repo;
use crate::text::{hex, shell_word};

/// Where clones are that nobody wants to keep, below the folder of the results.
const TEMPORARY: &str = ".clones";

/// A repository on this machine.
pub(super) struct Clone {
    pub(super) dir: PathBuf,
    /// While it is held, no other worker changes the clone.
    lock: Option<File>,
    /// It goes once it is scanned, unless another worker reads it.
    temporary: bool,
}

impl Clone {
    /// The repository, fetched if it has to be. Of several workers that want it at once, the first one fetches it or brings it up
    /// to date, and the others take what that one made.
    pub(super) fn of(args: &Args, repo: &Repo) -> Result<Self, String> {
        if let Some(local) = Self::local(repo) {
            return Ok(local);
        }
        let Some(fetch) = &args.fetch else {
            let missing = "it is not on this machine, nor among the clones, and no --fetch says how to get it";
            return Self::present(repo, args.clones.as_deref()).ok_or_else(|| missing.to_owned());
        };
        let folder = args.clones.clone().unwrap_or_else(|| args.results.join(TEMPORARY));
        let dir = place(&folder, repo);
        let temporary = args.clones.is_none();
        let unlocked = |error: io::Error| format!("cannot lock {}: {error}; --clones names a folder that can be locked", dir.display());
        loop {
            // Another worker may have removed the folder when there was no clone in it any more.
            fs::create_dir_all(&folder).map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
            if let Some(lock) = lock_alone(&dir).map_err(unlocked)? {
                let brought = bring(fetch, &args.update, repo, &dir, &lock);
                remove_empty(&dir, temporary);
                brought?;
                // What the commands left running may have the file open.
                lock.unlock().map_err(unlocked)?;
            }
            if let Some(lock) = lock_to_read(&dir).map_err(unlocked)? {
                return Ok(Self { dir, lock: Some(lock), temporary });
            }
        }
    }

    /// One that is here already: at its path, or among the clones.
    pub(super) fn present(repo: &Repo, clones: Option<&Path>) -> Option<Self> {
        if let Some(local) = Self::local(repo) {
            return Some(local);
        }
        let dir = place(clones?, repo);
        if !dir.exists() {
            return None;
        }
        match lock_to_read(&dir) {
            Ok(lock) => lock.map(|lock| Self { dir, lock: Some(lock), temporary: false }),
            // In a folder that cannot be written, nobody changes a clone.
            Err(_) => Some(Self { dir, lock: None, temporary: false }),
        }
    }

    fn local(repo: &Repo) -> Option<Self> {
        let dir = Path::new(&repo.url);
        dir.exists().then(|| Self { dir: dir.to_path_buf(), lock: None, temporary: false })
    }
}

impl Drop for Clone {
    fn drop(&mut self) {
        drop(self.lock.take());
        if self.temporary
            && let Ok(Some(_lock)) = lock_alone(&self.dir)
        {
            let _ = fs::remove_dir_all(&self.dir);
            remove_empty(&self.dir, true);
        }
    }
}

/// Where the clone of a repository is.
fn place(folder: &Path, repo: &Repo) -> PathBuf {
    folder.join(format!("{}.git", hex(&Sha256::digest(&repo.url)[..16])))
}

fn lock_of(dir: &Path) -> PathBuf {
    dir.with_extension("lock")
}

/// `None` if another worker has just removed the folder.
fn open_lock(dir: &Path) -> io::Result<Option<File>> {
    // NFS locks only what is open for writing.
    match File::options().read(true).write(true).create(true).truncate(false).open(lock_of(dir)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        opened => opened.map(Some),
    }
}

/// The lock of a clone for one worker alone; `None` if others have it.
fn lock_alone(dir: &Path) -> io::Result<Option<File>> {
    let Some(lock) = open_lock(dir)? else { return Ok(None) };
    match lock.try_lock() {
        Ok(()) => Ok(Some(lock).filter(|lock| is_at(lock, &lock_of(dir)))),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// The lock of a clone for all who read it, once nobody changes it; `None` if there is no clone then.
fn lock_to_read(dir: &Path) -> io::Result<Option<File>> {
    let Some(lock) = open_lock(dir)? else { return Ok(None) };
    lock.lock_shared()?;
    Ok(Some(lock).filter(|lock| is_at(lock, &lock_of(dir)) && dir.exists()))
}

/// Removes the lock of a clone that is not there, by whoever holds it, and a folder that nobody needs then.
fn remove_empty(dir: &Path, temporary: bool) {
    if !dir.exists() {
        let _ = fs::remove_file(lock_of(dir));
    }
    if temporary {
        // Only if it is empty.
        let _ = dir.parent().map(fs::remove_dir);
    }
}

/// Fetches a clone, or brings it up to date, while nobody else uses it.
fn bring(fetch: &str, update: &str, repo: &Repo, dir: &Path, lock: &File) -> Result<(), String> {
    // A fetch that was killed left it; what stands at the place of the clone is whole.
    let part = dir.with_extension("part");
    let _ = fs::remove_dir_all(&part);
    if dir.exists() && run_line(&filled(update, repo, dir), lock).is_ok() {
        return Ok(());
    }
    let told = |error: io::Error| error.to_string();
    let fetched = run_line(&filled(fetch, repo, &part), lock).and_then(|()| {
        if dir.exists() {
            fs::remove_dir_all(dir).map_err(told)?;
        }
        fs::rename(&part, dir).map_err(told)
    });
    fetched.map_err(|error| {
        let _ = fs::remove_dir_all(&part);
        format!("it cannot be fetched: {}", without_credentials(&error))
    })
}

/// A text without the users and passwords of addresses in it.
fn without_credentials(text: &str) -> String {
    let word = |word: &str| match word.split_once("://") {
        Some((scheme, rest)) => format!("{scheme}://{}", rest.rsplit('@').next().unwrap_or(rest)),
        None => word.to_owned(),
    };
    text.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

fn filled(template: &str, repo: &Repo, dir: &Path) -> String {
    template.replace("{url}", &shell_word(&repo.url)).replace("{dir}", &shell_word(&dir.to_string_lossy()))
}

/// Runs a line for the shell; the last line of what it said if it fails. The empty file of the lock is its standard input: if
/// the worker is killed, the lock lasts as long as what still writes to the clone.
fn run_line(line: &str, lock: &File) -> Result<(), String> {
    let told = |error: io::Error| error.to_string();
    let mut command = Command::new("sh");
    command.args(["-c", line]).env("GIT_TERMINAL_PROMPT", "0").stdin(lock.try_clone().map_err(told)?).stdout(Stdio::null());
    // No pack goes away in the background, while the clone is read.
    let count = std::env::var("GIT_CONFIG_COUNT").ok().and_then(|count| count.parse::<usize>().ok()).unwrap_or(0);
    command.env(format!("GIT_CONFIG_KEY_{count}"), "gc.autoDetach").env(format!("GIT_CONFIG_VALUE_{count}"), "false");
    let output = command.env("GIT_CONFIG_COUNT", (count + 1).to_string()).stderr(Stdio::piped()).output().map_err(told)?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let last = said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
    Err(format!("{}: {last}", output.status))
}
