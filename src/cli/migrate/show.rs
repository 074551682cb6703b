//! What a migration shows: the plan, a diff without secrets, and what is left to do.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write as _};

use aho_corasick::{AhoCorasick, MatchKind};
use owo_colors::OwoColorize as _;
use similar::{ChangeTag, TextDiff};

use crate::cli::ui::Ui;
use crate::detect::is_known;
use crate::finding::Fingerprint;
use crate::migrate::plan::{Action, Applicability, Decision, EntryId, Place, Plan, Step};
use crate::migrate::rendering::Compared;
use crate::migrate::{Applied, Change, Held, SourceFiles, is_distinct, preview};
use crate::report::safe;
use crate::secret::Secret;
use crate::source::Commit;
use crate::text::decode;

/// One line for each step, and what else is to know.
pub(super) fn plan(plan: &Plan, notes: &[String], ui: &Ui) -> io::Result<()> {
    let mut out = ui.stdout();
    for step in &plan.steps {
        line(plan, step, &mut out)?;
    }
    for note in plan.notes.iter().chain(notes) {
        writeln!(out, "{} {}", "note:".cyan().bold(), safe::line(note))?;
    }
    let count = |wanted| plan.steps.iter().filter(|step| step.applicability == wanted).map(|step| step.places.len()).sum::<usize>();
    let [safe, review, manual] = [Applicability::Safe, Applicability::NeedsReview, Applicability::Manual].map(count);
    writeln!(out, "{}: {safe} safe, {review} need review, {manual} manual", number(safe + review + manual, "place"))?;
    let is_open = |step: &Step| step.applicability == Applicability::NeedsReview && step.decision == Decision::Open;
    if plan.upto == Applicability::Safe && plan.steps.iter().any(is_open) && !plan.changes_something() {
        writeln!(out, "Next: `sopup migrate --dry-run --include-review` shows what needs review, with the changes")?;
    }
    out.flush()
}

/// One step of a review, the `nth` of so many: its line, and what would change in its file.
pub(super) fn step(plan: &Plan, at: usize, (nth, of): (usize, usize), files: &SourceFiles, ui: &Ui) -> io::Result<()> {
    let mut out = ui.stdout();
    let step = &plan.steps[at];
    writeln!(out, "{}", format!("{} of {of}", nth + 1).dimmed())?;
    line(plan, step, &mut out)?;
    if let Some(file) = files.get(&step.file) {
        let mask = Mask::new(files);
        let after = preview(step, file);
        lines(&mask.text(&file.bytes), &mask.text(&after), &mut out)?;
    }
    out.flush()
}

fn line(plan: &Plan, step: &Step, out: &mut impl io::Write) -> io::Result<()> {
    let sign = if plan.is_chosen(step) { "+".green().to_string() } else { "-".dimmed().to_string() };
    let (place, masks) = (format!("{}:{}", safe::line(&step.file), step.line()), masks(step));
    writeln!(out, "{sign} {} {place} {masks}{}", code(step.applicability), target(plan, step))?;
    let settled = step.applicability == Applicability::Safe && plan.is_chosen(step);
    let why = step.why();
    if !settled && !why.is_empty() {
        writeln!(out, "    {}", safe::line(&why).dimmed())?;
    }
    Ok(())
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
    let mut targets: Vec<String> = step.entries.iter().map(|id| safe::line(&plan.name_of(*id))).collect();
    if targets.is_empty() && step.applicability != Applicability::Manual {
        let cut_out = |action: &Action| match action {
            Action::Extract { file, .. } if *file != step.file => Some(safe::line(file)),
            _ => None,
        };
        targets.extend(step.actions.iter().filter_map(cut_out));
        if targets.is_empty() {
            targets.push("encrypted in place".to_owned());
        }
    }
    if targets.is_empty() { String::new() } else { format!(" → {}", targets.join(", ")) }
}

/// What would change in texts; stores are named only.
pub(super) fn diff(changes: &[Change], files: &SourceFiles, ui: &Ui) -> io::Result<()> {
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
                lines(&old, &new, &mut out)?;
            }
        }
    }
    out.flush()
}

/// The lines that differ.
fn lines(old: &str, new: &str, out: &mut impl io::Write) -> io::Result<()> {
    for line in TextDiff::from_lines(old, new).iter_all_changes() {
        let text = safe::line(line.value().trim_end_matches(['\n', '\r']));
        match line.tag() {
            ChangeTag::Delete => writeln!(out, "{}", format!("-{text}").red())?,
            ChangeTag::Insert => writeln!(out, "{}", format!("+{text}").green())?,
            ChangeTag::Equal => {}
        }
    }
    Ok(())
}

/// Puts masks in the place of every known secret; a password that everybody tries first is no secret within `secret_key_base`.
struct Mask {
    finder: Option<AhoCorasick>,
    masks: Vec<String>,
    /// Whether each is a password that everybody tries first.
    common: Vec<bool>,
}

impl Mask {
    fn new(files: &SourceFiles) -> Self {
        let secrets: BTreeSet<&Secret> = files.values().flat_map(|file| &file.sites).map(|site| &site.secret).collect();
        let finder = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(secrets.iter().map(|secret| secret.expose()));
        let common = secrets.iter().map(|secret| is_known(secret.expose())).collect();
        Self { finder: finder.ok(), masks: secrets.iter().map(|secret| secret.redacted()).collect(), common }
    }

    fn text(&self, bytes: &[u8]) -> String {
        let decoded = decode(bytes);
        let text = &decoded.text;
        let mut masked = Vec::with_capacity(text.len());
        // Without masks nothing may be shown.
        let Some(finder) = &self.finder else { return String::new() };
        finder.replace_all_with_bytes(text, &mut masked, |found, value, masked| {
            let within = text[..found.start()].ends_with(b"_") || text[found.end()..].starts_with(b"_");
            let at = found.pattern().as_usize();
            masked.extend_from_slice(if self.common[at] && within { value } else { self.masks[at].as_bytes() });
            true
        });
        String::from_utf8_lossy(&masked).into_owned()
    }
}

/// How many kustomizations are named that were not compared for one reason.
const FOLDERS: usize = 5;
/// How many files are named for which one thing holds.
const FILES: usize = 3;
/// How many secrets a summary names one by one.
const NAMED: usize = 40;

const LISTED: &str = "`sopup rotate list` shows them until they are replaced.";
const NOT_LISTED: &str = "`sopup rotate record` keeps track of them until they are replaced.";

/// What happened and what is left to do.
pub(super) fn summary(plan: &Plan, after: &Applied, has_ledger: bool, ui: &Ui) -> io::Result<()> {
    let mut out = ui.stdout();
    let chosen: Vec<&Step> = plan.chosen().collect();
    let places: Vec<(&Step, &Place)> = chosen.iter().flat_map(|step| step.places.iter().map(move |place| (*step, place))).collect();
    let secrets: BTreeSet<&Fingerprint> = places.iter().map(|(_, place)| &place.fingerprint).collect();
    let committed = after.commit.as_ref().map_or_else(|| "Nothing is staged.".to_owned(), |id| format!("Committed as {id}."));
    let (count, files) = (places.len(), after.journal.files().len());
    writeln!(
        out,
        "Moved {} from {}; {} changed. {committed}",
        number(secrets.len(), "secret"),
        number(count, "place"),
        number(files, "file")
    )?;
    if after.remaining > 0 {
        writeln!(out, "{} left; `sopup migrate --dry-run` says why.", number(after.remaining, "place"))?;
    }
    if after.by_value > 0 {
        let places = number(after.by_value, "place");
        writeln!(
            out,
            "{places} of these held values that were moved elsewhere, and nothing else tells of them: `sopup verify` names them."
        )?;
    }
    from_now_on(plan, &chosen, &mut out)?;
    replace(&places, after.history.as_ref(), &mut out)?;
    let together = together(plan);
    if !together.is_empty() {
        writeln!(out, "{}", "Entries with one value, which change together:".bold())?;
    }
    for ids in together {
        let names: Vec<String> = ids.into_iter().map(|id| plan.name_of(id)).collect();
        writeln!(out, "  {}", safe::line(&names.join(", ")))?;
    }
    if places.iter().any(|(_, place)| place.is_secret()) {
        writeln!(out, "{}", if has_ledger { LISTED } else { NOT_LISTED })?;
    }
    after.rendering.as_ref().map_or(Ok(()), |compared| rendering(compared, &mut out))?;
    writeln!(out, "`sopup migrate --undo={}` puts everything back.", after.journal.id())?;
    out.flush()
}

/// What those who use the files do from now on, with the files that it is about.
fn from_now_on(plan: &Plan, chosen: &[&Step], out: &mut impl io::Write) -> io::Result<()> {
    // By what holds whatever the SOPS file is, then by what holds whatever the file is.
    let mut hows = BTreeMap::<String, BTreeMap<String, BTreeMap<&str, &str>>>::new();
    for step in chosen.iter().filter(|step| !step.reason.is_empty()) {
        let how = step.reason.replace(&step.file, "FILE");
        hows.entry(in_general(plan, step, &how)).or_default().entry(how).or_default().insert(&step.file, &step.reason);
    }
    if hows.is_empty() {
        return Ok(());
    }
    writeln!(out, "{}", "From now on:".bold())?;
    for (general, hows) in hows {
        if hows.len() > FILES {
            let all: BTreeMap<&str, &str> = hows.into_values().flatten().collect();
            told(&all, &general, out)?;
        } else {
            hows.iter().try_for_each(|(how, files)| told(files, how, out))?;
        }
    }
    Ok(())
}

/// What holds for some files is said once, for one file as it can be run.
fn told(files: &BTreeMap<&str, &str>, how: &str, out: &mut impl io::Write) -> io::Result<()> {
    let how = files.values().next().filter(|_| files.len() == 1).copied().unwrap_or(how);
    let more = if files.len() > FILES { format!(" and {} more", files.len() - FILES) } else { String::new() };
    let files = files.keys().copied().take(FILES).collect::<Vec<_>>().join(", ");
    writeln!(out, "  {}: {}", safe::line(&format!("{files}{more}")), safe::line(how))
}

/// What is to do for a step with a word for its SOPS files.
fn in_general(plan: &Plan, step: &Step, how: &str) -> String {
    step.entries.iter().fold(how.to_owned(), |text, id| text.replace(plan.stores[id.store].path.as_str(), "SOPS-FILE"))
}

/// Whether kustomizations do what they did.
fn rendering(compared: &Compared, out: &mut impl io::Write) -> io::Result<()> {
    if compared.same > 0 {
        let what = number(compared.same, "kustomization");
        let (render, their) = if compared.same == 1 { ("renders", "its") } else { ("render", "their") };
        writeln!(out, "{what} {render} before and after; {their} containers see the same values.")?;
    }
    let mut reasons = BTreeMap::<&str, Vec<String>>::new();
    for (folder, why) in &compared.not_compared {
        reasons.entry(why).or_default().push(safe::line(folder));
    }
    for (why, folders) in reasons {
        let more = if folders.len() > FOLDERS { format!(", and {} more", folders.len() - FOLDERS) } else { String::new() };
        let shown = folders[..folders.len().min(FOLDERS)].join(", ");
        writeln!(out, "Not rendered and compared, because {}: {shown}{more}.", safe::line(why))?;
    }
    Ok(())
}

/// What kustomize would make something else of.
pub(super) fn differences(compared: &Compared, ui: &Ui) -> io::Result<()> {
    let mut out = ui.stdout();
    writeln!(out, "{}", "What kustomize renders would differ:".bold())?;
    for (folder, difference) in &compared.differences {
        writeln!(out, "  {}: {}", safe::line(folder), safe::line(difference))?;
    }
    out.flush()
}

/// The secrets that are known to whoever could read the files, and where the old values still are.
fn replace(places: &[(&Step, &Place)], history: Option<&Held>, out: &mut impl io::Write) -> io::Result<()> {
    let mut seen = BTreeSet::new();
    let secrets = places.iter().filter(|(_, place)| place.is_secret() && seen.insert(&place.fingerprint));
    let secrets: Vec<&(&Step, &Place)> = secrets.collect();
    if secrets.is_empty() {
        return Ok(());
    }
    writeln!(out, "{}", "Replace where they were issued; clones and backups keep the old values:".bold())?;
    for (step, place) in secrets.iter().take(NAMED) {
        let held = match history.and_then(|held| held.get(&place.fingerprint)) {
            Some(Some(commit)) => format!(", in history since {} ({})", &commit.id[..commit.id.len().min(12)], day(commit)),
            Some(None) => ", in history".to_owned(),
            None => String::new(),
        };
        writeln!(out, "  {} {}:{} ({}){held}", safe::line(&place.redacted), safe::line(&step.file), place.line, place.rule)?;
    }
    if secrets.len() > NAMED {
        writeln!(out, "  … and {} more", secrets.len() - NAMED)?;
    }
    writeln!(out, "`sopup rules show RULE` says how to replace them.")?;
    if let Some(held) = history {
        let count = secrets.iter().filter(|(_, place)| held.contains_key(&place.fingerprint)).count();
        writeln!(out, "History still holds {count} of {}.", secrets.len())?;
    }
    Ok(())
}

/// The entries of the chosen steps that hold one value: each time that two or more do.
pub(super) fn together(plan: &Plan) -> Vec<Vec<EntryId>> {
    let ids: BTreeSet<EntryId> = plan.chosen().flat_map(|step| step.entries.iter().copied()).collect();
    let mut by_value = BTreeMap::<&Secret, Vec<EntryId>>::new();
    for id in ids.into_iter().filter(|id| is_distinct(&plan.entry(*id).1.value)) {
        by_value.entry(&plan.entry(id).1.value).or_default().push(id);
    }
    let mut together: Vec<Vec<EntryId>> = by_value.into_values().filter(|ids| ids.len() > 1).collect();
    together.sort();
    together
}

fn day(commit: &Commit) -> String {
    let time = jiff::Timestamp::from_second(commit.date.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    jiff::tz::Offset::UTC.to_datetime(time).date().to_string()
}

pub(super) fn number(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}
