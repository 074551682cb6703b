//! What brings an interrupted migration to its end, or a migration back.

use super::Run;
use super::filter::Files;
use super::show::number;
use crate::cli::Exit;
use crate::cli::error::CliError;
use crate::file::RealDisk;
use crate::migrate::{ApplyError, Journal, State, resume, undo, undo_files};

/// How many files are named where none fits.
const NAMED: usize = 5;

impl Run<'_> {
    pub(super) fn undo(&self, journals: Vec<Journal>, id: &str) -> Result<Exit, CliError> {
        let wanted = |journal: &Journal| journal.state() != State::Undone && (id.is_empty() || journal.id() == id);
        let Some(mut journal) = journals.into_iter().rev().find(wanted) else {
            let what = if id.is_empty() { String::new() } else { format!(" `{id}`") };
            return Err(CliError::new(format!("there is no migration{what} to put back"), "`ls .git/sopup/journal` shows the ids")
                .exiting(Exit::Refused));
        };
        if !self.args.only.is_empty() {
            return self.undo_files(&journal);
        }
        undo(&mut journal, &self.repo.top, self.tools(), &RealDisk).map_err(|error| self.back_failed(&error))?;
        self.ui.note(&format!("the migration {} was put back: {} files are as they were", journal.id(), journal.files().len()));
        Ok(Exit::Clean)
    }

    /// Puts back the files that `--only` names.
    fn undo_files(&self, journal: &Journal) -> Result<Exit, CliError> {
        let files = Files::new(&self.args.only)?;
        let count = undo_files(journal, &|path| files.takes(path), &self.repo.top, self.tools(), &RealDisk)
            .map_err(|error| self.back_failed(&error))?;
        if count == 0 {
            let names: Vec<&str> = journal.files().iter().map(|file| file.path.as_str()).take(NAMED).collect();
            let hint = format!("it changed {} and so on", names.join(", "));
            return Err(CliError::new(format!("--only names no file of the migration {}", journal.id()), hint).exiting(Exit::Refused));
        }
        self.ui.note(&format!("{} of the migration {} put back; the SOPS files keep the values", number(count, "file"), journal.id()));
        Ok(Exit::Clean)
    }

    fn back_failed(&self, error: &ApplyError) -> CliError {
        if let ApplyError::Referred(_) = error {
            let hint = "name files with references alone; `sopup migrate --undo` puts everything back";
            return CliError::new(error.to_string(), hint).exiting(Exit::Refused);
        }
        if let ApplyError::Moved(_) = error {
            let hint =
                "nothing was put back; bring these files to the state right after the migration (`git diff` shows them), then try again";
            return CliError::new(error.to_string(), hint).exiting(Exit::Refused);
        }
        self.interrupted(error)
    }

    pub(super) fn resume(&self, journals: Vec<Journal>) -> Result<Exit, CliError> {
        let Some(mut journal) = journals.into_iter().find(Journal::is_open) else {
            self.ui.note("there is nothing to finish");
            return Ok(Exit::Clean);
        };
        resume(&mut journal, &self.repo.top, self.tools(), &RealDisk).map_err(|error| self.interrupted(&error))?;
        let how = if journal.state() == State::Applied { "applied" } else { "put back" };
        self.ui.note(&format!("the migration {} is {how}: {} files", journal.id(), journal.files().len()));
        Ok(Exit::Clean)
    }
}
