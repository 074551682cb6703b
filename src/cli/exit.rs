//! How the process ends.

use std::process::{ExitCode, Termination};

/// Exit codes; the numbers are part of the interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Everything was read and nothing was found.
    Clean,
    /// Secrets were found.
    Findings,
    /// The command line, a configuration, a rule or a file named by the user is wrong.
    Usage,
    /// Something in scope could not be read; there may be findings too.
    Incomplete,
    /// Refused; nothing was changed.
    Refused,
    /// A change was interrupted and waits to be finished or undone.
    Interrupted,
    /// A bug.
    Internal,
    /// That of a program which was run with decrypted values.
    Child(u8),
}

/// The exit code of a program that Ctrl-C ended.
pub(super) const INTERRUPTED: i32 = 130;

/// Ends the program at once, wherever it is.
#[cfg(unix)]
#[expect(clippy::exit, reason = "a signal came, and other threads are at work")]
pub(super) fn now(code: i32) -> ! {
    std::process::exit(code)
}

/// The table at the end of `--help`.
pub(super) const HELP: &str = "\
Examples:
  sopup scan                        the files below . with all of the history
  sopup migrate --dry-run           how the findings would move to SOPS files
  sopup hook install                no commit brings a new one
  sopup render app.conf --output /run/app.conf
  sopup filestatus prod.enc.yaml

Exit codes: 0 clean · 1 secrets found · 2 wrong usage, configuration or rule · \
3 incomplete, something could not be read · 4 refused, nothing changed · 5 an interrupted change waits · 70 internal error · 130 interrupted";

impl Termination for Exit {
    fn report(self) -> ExitCode {
        ExitCode::from(match self {
            Self::Clean => 0,
            Self::Findings => 1,
            Self::Usage => 2,
            Self::Incomplete => 3,
            Self::Refused => 4,
            Self::Interrupted => 5,
            Self::Internal => 70,
            Self::Child(code) => code,
        })
    }
}
