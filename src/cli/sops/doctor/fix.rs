//! `sopup doctor --fix`: the repairs that keep every value, each by the function of the command that makes it. A file is
//! written once, after it was read back.

use std::collections::{BTreeMap, HashSet};

use super::case::Case;
use super::report::Mode;
use crate::cli::error::CliError;
use crate::cli::sops::KeyPrograms;
use crate::cli::sops::file::{hold, read_held, store};
use crate::cli::sops::keys::Keys;
use crate::cli::sops::merge_driver::committed;
use crate::cli::sops::now;
use crate::cli::sops::rules::note_mixed;
use crate::cli::sops::updatekeys::{agrees, editor, summary};
use crate::cli::ui::Ui;
use crate::file::Access;
use crate::report::plural;
use crate::sops::digest::Records;
use crate::sops::doctor::{Diagnosis, Left, Problem, Repair, State};
use crate::sops::keyring::Keyring;
use crate::sops::ops::{self, Audience, DataKeyFate, DecryptError, EditError, KeyChange, OnRemoval};
use crate::sops::recipient::short;
use crate::sops::store::{Format, Store};
use crate::sops::timestamp::Timestamp;
use crate::sops::tree::Tree;

/// A file after the repairs.
pub(super) struct Mended {
    /// What is wrong with it now.
    pub(super) found: Diagnosis,
    pub(super) fixed: Vec<(Repair, String)>,
    /// Why repairs were not made.
    pub(super) failed: BTreeMap<Repair, Left>,
}

impl Mended {
    /// A file that was only looked at.
    pub(super) fn of(found: Diagnosis) -> Self {
        Self { found, fixed: Vec::new(), failed: BTreeMap::new() }
    }
}

/// Who decides about recipients.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Consent {
    /// Somebody on the terminal is asked.
    Asked,
    /// The command line says yes.
    Given,
}

/// Mends files.
pub(super) struct Fixer<'a> {
    mode: Mode,
    consent: Consent,
    programs: &'a KeyPrograms<'a>,
    ui: &'a Ui,
    keys: Keys,
    now: Timestamp,
    /// The digests as they are to be kept, if that changes.
    records: Option<Records>,
    /// Whether a file could not be written.
    unwritten: bool,
}

/// A repair that was made.
struct Step {
    file: Vec<u8>,
    /// What the file must decrypt to.
    values: Tree,
    done: Vec<(Repair, String)>,
}

impl<'a> Fixer<'a> {
    pub(super) fn new(mode: Mode, consent: Consent, programs: &'a KeyPrograms<'a>, ui: &'a Ui) -> Self {
        Self { mode, consent, programs, ui, keys: Keys::find(), now: now(), records: None, unwritten: false }
    }

    /// The digests that take the place of those which are kept.
    pub(super) fn new_records(&self) -> Option<&Records> {
        self.records.as_ref().filter(|_| self.mode == Mode::Fix)
    }

    /// Whether a file could not be written.
    pub(super) fn is_unwritten(&self) -> bool {
        self.unwritten
    }

    /// Mends a file as far as that is safe.
    pub(super) fn mend(&mut self, case: &Case<'_>) -> Mended {
        let found = case.look(case.bytes, Some(&self.keys));
        if !Repair::ALL.iter().any(|repair| is_needed(*repair, &found)) {
            return Mended::of(found);
        }
        let mended =
            if self.mode == Mode::DryRun { self.repaired(case, case.bytes).map(|(mended, _)| mended) } else { self.replaced(case) };
        let mut mended = mended.unwrap_or_else(|error| {
            self.unwritten = true;
            let failed = Repair::ALL.map(|repair| (repair, reason(&error)));
            Mended { found: case.look(case.bytes, Some(&self.keys)), fixed: Vec::new(), failed: failed.into() }
        });
        self.keep_record(case, &found, &mut mended.found);
        mended
    }

    /// Mends a file where it is.
    fn replaced(&mut self, case: &Case<'_>) -> Result<Mended, CliError> {
        let mut held = hold(case.file)?;
        let bytes = read_held(&mut held)?;
        let (mended, file) = self.repaired(case, &bytes)?;
        if let Some(file) = file {
            if mended.fixed.iter().any(|(repair, _)| *repair == Repair::PlainValues) {
                held.replace_plain_text(&file, Access::KeptOrShared)?;
            } else {
                held.replace(&file, Access::KeptOrShared)?;
            }
        }
        Ok(mended)
    }

    /// Makes all repairs that a file needs, one after the other.
    fn repaired(&mut self, case: &Case<'_>, bytes: &[u8]) -> Result<(Mended, Option<Vec<u8>>), CliError> {
        let mut mended = Mended::of(case.look(bytes, Some(&self.keys)));
        if mended.found.problems.iter().any(|problem| matches!(problem, Problem::ChangedUnnoticed)) {
            let left = Left::new(
                "a new MAC would hide that it was changed without sops",
                "compare it with `git log -p -- FILE`, then `sopup doctor --record` and `sopup doctor --fix`",
            );
            mended.failed = Repair::ALL.map(|repair| (repair, left.clone())).into();
            return Ok((mended, None));
        }
        let mut file: Option<Vec<u8>> = None;
        for repair in Repair::ALL {
            if !is_needed(repair, &mended.found) {
                continue;
            }
            let bytes = file.as_deref().unwrap_or(bytes);
            let step = self.step(repair, case, bytes).and_then(|step| self.read_back(case, step));
            match step {
                Err(error) if repair == Repair::Recipients => _ = mended.failed.insert(repair, reason(&error)),
                Err(error) => {
                    // The next ones need what this one makes.
                    mended.failed = Repair::ALL.map(|repair| (repair, reason(&error))).into();
                    break;
                }
                Ok(step) => {
                    let found = case.look(&step.file, Some(&self.keys));
                    if is_needed(repair, &found) {
                        let left = Left::new("the repair would not have helped", "look at the file, and report its form");
                        mended.failed.insert(repair, left);
                        continue;
                    }
                    mended.found = found;
                    mended.fixed.extend(step.done);
                    file = Some(step.file);
                }
            }
        }
        Ok((mended, file))
    }

    fn step(&mut self, repair: Repair, case: &Case<'_>, bytes: &[u8]) -> Result<Step, CliError> {
        let store = store(Format::from_path(case.path), case.style);
        let Self { keys, ui, programs, now, .. } = self;
        let (programs, now) = (*programs, &*now);
        let sound = |keyring: &Keyring, bytes: &[u8]| sound_values(&*store, bytes, keyring);
        match repair {
            Repair::LineEnds => {
                let file = with_line_feeds(bytes);
                if is_needed(Repair::PlainValues, &case.look(&file, Some(&*keys))) {
                    // The MAC cannot be looked at before these are encrypted.
                    let mut step = self.step(Repair::PlainValues, case, &file)?;
                    step.done.insert(0, line_ends());
                    return Ok(step);
                }
                let values = keys.open(ui, |keyring| sound(keyring, &file))?;
                Ok(Step { file, values, done: vec![line_ends()] })
            }
            Repair::PlainValues => {
                let before = committed(case.file);
                let before = before.as_ref().map(|before| before.as_slice());
                let leaked = if before == Some(bytes) { "; the last commit has it in plain text, so change it" } else { "" };
                let done = keys.open(ui, |keyring| ops::encrypt_strays(&*store, bytes, before, &editor(keyring, programs, now)))?;
                let paths: Vec<String> = done.paths.iter().map(|path| format!("`{path}`")).collect();
                let how = format!("encrypted {}{leaked}", paths.join(", "));
                Ok(Step { file: done.file, values: done.tree, done: vec![(repair, how)] })
            }
            Repair::Recipients => self.with_recipients(case, bytes),
            Repair::DataKey => {
                let values = keys.open(ui, |keyring| sound(keyring, bytes))?;
                let file = keys.open(ui, |keyring| ops::rotate(&*store, bytes, &[], &[], &editor(keyring, programs, now)))?;
                let how = "a new data key, since a nonce was used twice; change those values, too".to_owned();
                Ok(Step { file, values, done: vec![(repair, how)] })
            }
        }
    }

    /// Lets those open a file whom its rule names, and nobody else, if somebody agrees.
    fn with_recipients(&mut self, case: &Case<'_>, bytes: &[u8]) -> Result<Step, CliError> {
        let Some(rule) = case.rule else { return Err(CliError::new("no creation rule covers it", "add one to .sops.yaml")) };
        let store = store(Format::from_path(case.path), case.style);
        let (audience, on_removal) = (&rule.audience, OnRemoval::Rotate);
        let (programs, now) = (self.programs, &self.now.clone());
        let change =
            self.keys.open(self.ui, |keyring| ops::key_change(&*store, bytes, audience, on_removal, &editor(keyring, programs, now)))?;
        if let Some(change) = &change {
            self.agree(case, audience, change)?;
        }
        let values = self.keys.open(self.ui, |keyring| sound_values(&*store, bytes, keyring))?;
        let update =
            self.keys.open(self.ui, |keyring| ops::update_keys(&*store, bytes, audience, on_removal, &editor(keyring, programs, now)))?;
        let done = vec![(Repair::Recipients, recipients(&update.change))];
        Ok(Step { file: update.file.unwrap_or_else(|| bytes.to_vec()), values, done })
    }

    /// Fails unless somebody agrees that these recipients come in and go out.
    fn agree(&self, case: &Case<'_>, audience: &Audience, change: &KeyChange) -> Result<(), CliError> {
        let nobody = "look at it with `sopup doctor --fix --dry-run`, then `sopup doctor --fix --yes`";
        if self.mode == Mode::DryRun {
            let reason = "sops would be given the data key for keys that are not of age, and a dry run gives it to nobody";
            let attempt = "`sopup doctor --fix`, which shows who comes in and asks";
            return if change.needs_service { Err(CliError::new(reason, attempt)) } else { Ok(()) };
        }
        if self.consent == Consent::Given {
            return Ok(());
        }
        if !self.ui.has_somebody() {
            return Err(CliError::new(counted(change), nobody));
        }
        let shown = summary(case.file, change);
        self.ui.note(&shown);
        note_mixed(audience.groups.iter().flatten(), self.ui);
        match agrees(&shown, self.ui) {
            Some(true) => Ok(()),
            Some(false) => {
                Err(CliError::new(format!("{}, and you did not agree", counted(change)), "correct .sops.yaml, or answer `y` next time"))
            }
            None => Err(CliError::new(counted(change), nobody)),
        }
    }

    /// A step whose file decrypts to what it must.
    fn read_back(&self, case: &Case<'_>, step: Step) -> Result<Step, CliError> {
        let store = store(Format::from_path(case.path), case.style);
        match ops::open(&*store, &step.file, self.keys.keyring()) {
            Ok(read) if read.mac.is_ok() && read.tree == step.values => Ok(step),
            Err(DecryptError::Open(_)) => Err(CliError::new(
                "none of your identities could open it afterwards, so it could not be read back",
                "name your own key in .sops.yaml, or run `sopup updatekeys FILE` if you are to lose access",
            )),
            _ => Err(CliError::new("it would not decrypt to the same values", "nothing was written; please report this")),
        }
    }

    /// A digest that held before the repair is taken anew: the values are the same.
    fn keep_record(&mut self, case: &Case<'_>, before: &Diagnosis, after: &mut Diagnosis) {
        let (Some(then), Some(now)) = (case.record(), &after.record) else { return };
        if before.record.as_ref() != Some(then) || then == now {
            return;
        }
        let Some(kept) = case.records else { return };
        let records = self.records.get_or_insert_with(|| Records(kept.0.clone()));
        records.0.insert(case.path.to_owned(), now.clone());
        after.problems.retain(|problem| !matches!(problem, Problem::DigestOutdated));
    }
}

fn line_ends() -> (Repair, String) {
    (Repair::LineEnds, "CRLF line ends are line feeds".to_owned())
}

fn with_line_feeds(bytes: &[u8]) -> Vec<u8> {
    let is_kept = |at: usize| bytes[at] != b'\r' || bytes.get(at + 1) != Some(&b'\n');
    (0..bytes.len()).filter(|at| is_kept(*at)).map(|at| bytes[at]).collect()
}

/// Whether a file has something that a repair mends.
fn is_needed(repair: Repair, found: &Diagnosis) -> bool {
    found.state != State::Plain && found.problems.iter().any(|problem| repair.mends(problem))
}

/// The values of a file whose MAC holds.
fn sound_values(store: &dyn Store, bytes: &[u8], keyring: &Keyring) -> Result<Tree, EditError> {
    let opened = ops::open(store, bytes, keyring)?;
    opened.mac?;
    Ok(opened.tree)
}

fn recipients(change: &KeyChange) -> String {
    let added = once(&change.added).into_iter().map(|recipient| format!("+ {}", short(recipient)));
    let removed = once(&change.removed).into_iter().map(|recipient| format!("- {}", short(recipient)));
    let mut parts: Vec<String> = added.chain(removed).collect();
    if change.data_key == DataKeyFate::Replaced {
        parts.push("a new data key".to_owned());
    }
    format!("recipients {}", parts.join(", "))
}

/// How many recipients come in and go out.
fn counted(change: &KeyChange) -> String {
    let (added, removed) = (once(&change.added).len(), once(&change.removed).len());
    let number = |count: usize| plural(count as u64, "recipient", "recipients");
    match (added, removed) {
        (0, removed) => format!("{} would be removed", number(removed)),
        (added, 0) => format!("{} would be added", number(added)),
        (added, removed) => format!("{} would be added and {removed} removed", number(added)),
    }
}

/// Each of them once: several groups may have the same one.
fn once(recipients: &[String]) -> Vec<&str> {
    let mut told = HashSet::new();
    recipients.iter().map(String::as_str).filter(|recipient| told.insert(*recipient)).collect()
}

/// Why a repair was not made, on one line.
fn reason(error: &CliError) -> Left {
    let line = |text: &str| text.lines().collect::<Vec<_>>().join("; ");
    Left { reason: line(&error.to_string()).into(), attempt: line(error.hint().unwrap_or_default()).into() }
}
