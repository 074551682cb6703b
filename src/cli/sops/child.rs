//! Programs that are given plain text: in files that go when they end, or when a signal ends sopup.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::sync::{Arc, Mutex, PoisonError};

use crate::cli::error::CliError;
use crate::cli::ui::Ui;
use crate::file::PrivateDir;

/// A private folder and the program that may be using it.
pub(in crate::cli) struct Shelter {
    state: Arc<Mutex<State>>,
}

struct State {
    folder: Option<PrivateDir>,
    child: Option<u32>,
}

impl Shelter {
    /// Makes the folder and watches for signals.
    pub(in crate::cli) fn new(ui: &Ui) -> Result<Self, CliError> {
        let places: Vec<PathBuf> = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).into_iter().chain(["/dev/shm".into()]).collect();
        let folder = PrivateDir::create(&places, &std::env::temp_dir())?;
        if !folder.is_in_memory() {
            ui.note(&format!("there is no place in memory; for now the plain text is in {}", folder.path().display()));
        }
        let state = Arc::new(Mutex::new(State { folder: Some(folder), child: None }));
        watch(&state)?;
        Ok(Self { state })
    }

    /// Writes a file into the folder.
    pub(in crate::cli) fn write(&self, name: &str, content: &[u8]) -> Result<PathBuf, CliError> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = state.folder.as_ref().ok_or_else(|| io::Error::other("a signal has ended this"))?;
        Ok(folder.write(name, content)?)
    }

    /// The folder.
    pub(in crate::cli) fn path(&self) -> Result<PathBuf, CliError> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = state.folder.as_ref().ok_or_else(|| io::Error::other("a signal has ended this"))?;
        Ok(folder.path().to_path_buf())
    }

    /// Runs a program to its end. Signals from the terminal reach it without sopup; others are passed on.
    pub(super) fn run(&self, command: &mut Command) -> io::Result<ExitStatus> {
        let mut child = command.spawn()?;
        self.state.lock().unwrap_or_else(PoisonError::into_inner).child = Some(child.id());
        let status = child.wait();
        self.state.lock().unwrap_or_else(PoisonError::into_inner).child = None;
        status
    }
}

impl Drop for Shelter {
    fn drop(&mut self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).folder = None;
    }
}

/// On a signal: passes it on to the program, or wipes the folder and ends sopup as the signal would have.
#[cfg(unix)]
fn watch(state: &Arc<Mutex<State>>) -> io::Result<()> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
    let mut signals = signal_hook::iterator::Signals::new([SIGHUP, SIGINT, SIGQUIT, SIGTERM])?;
    let state = Arc::clone(state);
    std::thread::spawn(move || {
        for signal in &mut signals {
            let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
            match state.child.and_then(|child| i32::try_from(child).ok()).and_then(rustix::process::Pid::from_raw) {
                Some(_) if matches!(signal, SIGINT | SIGQUIT) => {}
                Some(child) => {
                    let signal = if signal == SIGHUP { rustix::process::Signal::HUP } else { rustix::process::Signal::TERM };
                    let _ = rustix::process::kill_process(child, signal);
                }
                None => {
                    state.folder = None;
                    let _ = signal_hook::low_level::emulate_default_handler(signal);
                }
            }
        }
    });
    Ok(())
}

#[cfg(not(unix))]
fn watch(_: &Arc<Mutex<State>>) -> io::Result<()> {
    Ok(())
}

/// A command as it was typed: one word is a line for the shell, as in sops; several are a program and its arguments.
/// `{}` stands for `file` where one is given.
pub(in crate::cli) fn command(words: &[OsString], file: Option<&Path>) -> Result<Command, CliError> {
    let none = || CliError::new("there is no command to run", "name it behind the file, or behind `--`");
    let (first, rest) = words.split_first().ok_or_else(none)?;
    let filled = |word: &OsString| match (file, word.to_str()) {
        (Some(file), Some(text)) => OsString::from(text.replace("{}", &file.to_string_lossy())),
        _ => word.clone(),
    };
    if rest.is_empty() {
        let mut command = Command::new(if cfg!(windows) { "cmd.exe" } else { "/bin/sh" });
        command.arg(if cfg!(windows) { "/C" } else { "-c" }).arg(filled(first));
        return Ok(command);
    }
    let mut command = Command::new(filled(first));
    command.args(rest.iter().map(filled));
    Ok(command)
}

/// The exit code of a program; 128 and the signal's number if one ended it, as shells say it.
pub(super) fn exit_code(status: ExitStatus) -> u8 {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return u8::try_from(128 + signal).unwrap_or(u8::MAX);
    }
    status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
}
