//! What a migration shows: the plan, a diff without secrets, and what is left to do.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write as _};

use aho_corasick::{AhoCorasick, MatchKind};
use owo_colors::OwoColorize as _;
use similar::{ChangeTag, TextDiff};

use crate::cli::ui::Ui;
use crate::migrate::change::Change;
use crate::migrate::file::SourceFile;
use crate::migrate::journal::Journal;
use crate::migrate::plan::{Applicability, Plan, Step};
use crate::report::safe;
use crate::secret::Secret;
use crate::text::decode;

/// One line for each step, and what else is to know.
pub(super) fn plan(plan: &Plan, upto: Applicability, ui: &Ui) -> io::Result<()> {
    let mut out = ui.stdout();
    for step in &plan.steps {
        let sign = if step.is_chosen(upto) { "+".green().to_string() } else { "-".dimmed().to_string() };
        writeln!(
            out,
            "{sign} {} {}:{} {}{}",
            code(step.applicability),
            safe::line(&step.file),
            step.line(),
            masks(step),
            target(plan, step)
        )?;
        let settled = step.applicability == Applicability::Safe && step.is_chosen(upto);
        if !settled && !step.reason.is_empty() {
            writeln!(out, "    {}", safe::line(&step.reason).dimmed())?;
        }
    }
    for note in &plan.notes {
        writeln!(out, "{} {}", "note:".cyan().bold(), safe::line(note))?;
    }
    let count = |wanted| plan.steps.iter().filter(|step| step.applicability == wanted).map(|step| step.places.len()).sum::<usize>();
    let [safe, review, manual] = [Applicability::Safe, Applicability::NeedsReview, Applicability::Manual].map(count);
    writeln!(out, "{} places: {safe} safe, {review} need review, {manual} manual", safe + review + manual)?;
    out.flush()
}

fn code(applicability: Applicability) -> String {
    match applicability {
        Applicability::Safe => applicability.code().green().to_string(),
        Applicability::NeedsReview => applicability.code().yellow().to_string(),
        Applicability::Manual => applicability.code().red().to_string(),
    }
}

fn masks(step: &Step) -> String {
    step.places.iter().map(|place| safe::line(&place.redacted)).collect::<Vec<_>>().join(", ")
}

fn target(plan: &Plan, step: &Step) -> String {
    let mut targets: Vec<String> = step
        .entries
        .iter()
        .map(|id| plan.entry(*id))
        .map(|(store, entry)| format!("{} {}", safe::line(&store.path), safe::line(&entry.path.join("."))))
        .collect();
    if targets.is_empty() && step.applicability != Applicability::Manual {
        targets.push("encrypted in place".to_owned());
    }
    if targets.is_empty() { String::new() } else { format!(" → {}", targets.join(", ")) }
}

/// What would change in texts; stores are named only.
pub(super) fn diff(changes: &[Change], files: &BTreeMap<String, SourceFile>, ui: &Ui) -> io::Result<()> {
    let mask = Mask::new(files);
    let mut out = ui.stdout();
    for change in changes {
        let path = safe::line(&change.path);
        match (&change.expected, &change.before) {
            (Some(_), None) => writeln!(out, "{}", format!("new SOPS file {path}").bold())?,
            (Some(_), Some(_)) => writeln!(out, "{}", format!("SOPS file {path}").bold())?,
            (None, before) => {
                writeln!(out, "{}", format!("--- {path}").bold())?;
                let old = before.as_ref().map(|bytes| mask.text(bytes)).unwrap_or_default();
                let new = mask.text(&change.after);
                for line in TextDiff::from_lines(&old, &new).iter_all_changes() {
                    let text = safe::line(line.value().trim_end_matches(['\n', '\r']));
                    match line.tag() {
                        ChangeTag::Delete => writeln!(out, "{}", format!("-{text}").red())?,
                        ChangeTag::Insert => writeln!(out, "{}", format!("+{text}").green())?,
                        ChangeTag::Equal => {}
                    }
                }
            }
        }
    }
    out.flush()
}

/// Puts masks in the place of every known secret.
struct Mask {
    finder: Option<AhoCorasick>,
    masks: Vec<String>,
}

impl Mask {
    fn new(files: &BTreeMap<String, SourceFile>) -> Self {
        let secrets: BTreeSet<&Secret> = files.values().flat_map(|file| &file.sites).map(|site| &site.secret).collect();
        let finder = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(secrets.iter().map(|secret| secret.expose()));
        Self { finder: finder.ok(), masks: secrets.iter().map(|secret| secret.redacted()).collect() }
    }

    fn text(&self, bytes: &[u8]) -> String {
        let decoded = decode(bytes);
        let masked = match &self.finder {
            Some(finder) => finder.replace_all_bytes(&decoded.text, &self.masks),
            // Without masks nothing may be shown.
            None => Vec::new(),
        };
        String::from_utf8_lossy(&masked).into_owned()
    }
}

/// What happened and what is left to do.
pub(super) fn summary(plan: &Plan, upto: Applicability, journal: &Journal, left: usize, ui: &Ui) -> io::Result<()> {
    let mut out = ui.stdout();
    let chosen: Vec<&Step> = plan.chosen(upto).collect();
    let secrets: BTreeSet<_> = chosen.iter().flat_map(|step| step.places.iter().map(|place| &place.fingerprint)).collect();
    let places: usize = chosen.iter().map(|step| step.places.len()).sum();
    writeln!(out, "Moved {} secrets from {places} places; {} files changed. Nothing is staged.", secrets.len(), journal.files().len())?;
    if left > 0 {
        writeln!(out, "{left} places are left; `sopup migrate --dry-run` says why.")?;
    }
    let hows: BTreeSet<&str> = chosen.iter().map(|step| step.reason.as_str()).filter(|reason| !reason.is_empty()).collect();
    if !hows.is_empty() {
        writeln!(out, "{}", "From now on:".bold())?;
        for how in hows {
            writeln!(out, "  {}", safe::line(how))?;
        }
    }
    writeln!(
        out,
        "The old values stay in history, clones and backups: replace each of them where it was issued (`sopup rules show RULE` says how)."
    )?;
    writeln!(out, "`sopup migrate --undo={}` puts everything back.", journal.id())?;
    out.flush()
}
