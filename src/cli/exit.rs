//! How the process ends.

use std::process::{ExitCode, Termination};

/// Exit codes; the numbers are part of the interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Everything was read and nothing was found.
    Clean = 0,
    /// Secrets were found.
    Findings = 1,
    /// The command line, a configuration, a rule or a file named by the user is wrong.
    Usage = 2,
    /// Something in scope could not be read; there may be findings too.
    Incomplete = 3,
    /// Refused; nothing was changed.
    Refused = 4,
    /// A change was interrupted and waits to be finished or undone.
    Interrupted = 5,
    /// A bug.
    Internal = 70,
}

/// The table at the end of `--help`.
pub(super) const HELP: &str = "Exit codes: 0 clean · 1 secrets found · 2 wrong usage, configuration or rule · \
3 incomplete, something could not be read · 4 refused, nothing changed · 5 an interrupted change waits · 70 internal error";

impl Termination for Exit {
    fn report(self) -> ExitCode {
        ExitCode::from(self as u8)
    }
}
