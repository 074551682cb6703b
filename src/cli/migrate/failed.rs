//! What is said when a migration does not come to its end, and what to try.

use super::{Run, setup, show};
use crate::cli::Exit;
use crate::cli::error::CliError;
use crate::file::RealDisk;
use crate::migrate::{ApplyError, Journal, MigrateError, journals};

impl Run<'_> {
    pub(super) fn failed(&self, error: MigrateError<CliError>) -> CliError {
        let message = error.to_string();
        let refused = |hint: &str| CliError::new(message.clone(), hint).exiting(Exit::Refused);
        match error {
            MigrateError::Stopped(error) => error,
            MigrateError::Scan(error) => error.into(),
            MigrateError::Change(error) => setup::refused(&error),
            MigrateError::Apply(error) => self.interrupted(&error),
            MigrateError::NoFiles => CliError::new(message, "name a folder or file").exiting(Exit::Internal),
            MigrateError::Refused(_) => refused("nothing was changed; --skip leaves out the steps that change a file"),
            MigrateError::Left(_) => refused("nothing was changed; --skip leaves these files out, and please report what sopup left there"),
            MigrateError::Differs(compared) => match show::differences(&compared, self.ui) {
                Ok(()) => CliError::new(
                    "what kustomize renders would differ, as told above",
                    "nothing was changed; --skip leaves files out, --no-render does not compare",
                )
                .exiting(Exit::Refused),
                Err(error) => error.into(),
            },
            MigrateError::Still(_) => CliError::new(message, "`sopup migrate --undo` puts everything back; please report this"),
            MigrateError::Commit(_) => CliError::new(message, "commit them with git").exiting(Exit::Usage),
        }
    }

    /// Whether an error left something to be finished, and what to try.
    pub(super) fn interrupted(&self, error: &ApplyError) -> CliError {
        let journals = journals(&self.repo.git_dir, &RealDisk);
        if journals.is_ok_and(|all| all.iter().any(Journal::is_open)) {
            let hint = "mend that, then `sopup migrate --resume` finishes it, or `sopup migrate --undo` puts everything back";
            CliError::new(error.to_string(), hint).exiting(Exit::Interrupted)
        } else {
            CliError::new(error.to_string(), "nothing was changed").exiting(Exit::Refused)
        }
    }
}
