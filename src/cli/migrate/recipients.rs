//! Who will be able to open what a migration encrypts, and where each of them is named.

use std::collections::BTreeMap;
use std::io::Write as _;

use owo_colors::OwoColorize as _;

use super::Run;
use crate::cli::error::CliError;
use crate::migrate::plan::Plan;
use crate::migrate::{Named, readers};
use crate::report::safe;
use crate::sops::recipient::short;

/// Files that are named for one recipient.
const FILES: usize = 3;
/// The variable that names recipients.
const VARIABLE: &str = "SOPS_AGE_RECIPIENTS";

impl Run<'_> {
    /// Shows the recipients of what the chosen steps encrypt; nothing if they encrypt nothing.
    pub(super) fn show_recipients(&self, plan: &Plan) -> Result<(), CliError> {
        let readers = readers(plan, self.repo, &self.policy);
        if readers.is_empty() {
            return Ok(());
        }
        let mut out = self.ui.stdout();
        writeln!(out, "{}", "These recipients can open what is encrypted:".bold())?;
        // Several stores of one recipient are one line.
        let mut by_place = BTreeMap::<(String, String), Vec<String>>::new();
        for reader in readers {
            by_place.entry((reader.recipient, self.place(&reader.named))).or_default().extend(reader.files);
        }
        for ((recipient, place), files) in by_place {
            let more = if files.len() > FILES { format!(" and {} more", files.len() - FILES) } else { String::new() };
            let shown = files[..files.len().min(FILES)].join(", ");
            writeln!(out, "  {} ({place}): {}{more}", safe::line(&short(&recipient)), safe::line(&shown))?;
        }
        out.flush()?;
        Ok(())
    }

    fn place(&self, named: &Named) -> String {
        match named {
            Named::ByUser => {
                let from_environment = std::env::var(VARIABLE).is_ok_and(|value| Some(&value) == self.args.age.as_ref());
                if from_environment { VARIABLE.to_owned() } else { "--age".to_owned() }
            }
            Named::InRules(lines) if lines.is_empty() => ".sops.yaml".to_owned(),
            Named::InRules(lines) => {
                let lines: Vec<String> = lines.iter().map(usize::to_string).collect();
                format!(".sops.yaml:{}", lines.join(", "))
            }
            Named::InStore(_) => "a recipient of the file already".to_owned(),
        }
    }
}
