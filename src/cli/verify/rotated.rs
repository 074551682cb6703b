//! The line about leaked credentials: each replaced, and none still in a SOPS file.

use std::path::Path;

use super::page::{Evidence, Line, State};
use super::{Check, Checked};
use crate::cli::error::CliError;
use crate::cli::rotate::{Desk, stores_of};
use crate::cli::sops::doctor::Examined;
use crate::cli::sops::keys::Keys;
use crate::cli::ui::Ui;
use crate::finding::FingerprintKey;
use crate::ledger::{Entry, FILE, KEY_FILE, Ledger, Proof, Stores, prove};
use crate::report::plural;
use crate::secret::Secret;

/// The ledger, and what can be told with its key.
pub(super) struct Rotation {
    /// `None` if there is none.
    ledger: Option<Result<Ledger, CliError>>,
    opened: Result<(FingerprintKey, Stores), String>,
}

impl Rotation {
    /// Of the ledger of a path, below which these SOPS files are.
    pub(super) fn of(path: &Path, examined: &Examined, keys: Option<&mut Keys>, ui: &Ui) -> Result<Self, CliError> {
        let closed = |why: &str| Err(format!("{KEY_FILE}: {why}"));
        let Ok(desk) = Desk::of(path) else { return Ok(Self { ledger: None, opened: closed("there is no working tree") }) };
        let ledger = desk.ledger().transpose();
        let opened = match (&ledger, keys) {
            (Some(Ok(ledger)), Some(keys)) => match desk.needed_key(keys, ui) {
                Ok(key) => {
                    let is_top = path.canonicalize().is_ok_and(|path| path == desk.top);
                    let wanted = ledger.wanted();
                    let stores = if is_top { stores_of(examined, keys, &key, &wanted) } else { desk.stores(keys, &key, &wanted)? };
                    Ok((key, stores))
                }
                Err(error) => Err(error.to_string()),
            },
            _ => closed("not opened"),
        };
        Ok(Self { ledger, opened })
    }

    /// Names the entry of a value, where there is one.
    pub(super) fn named(&self, secret: &Secret) -> String {
        let (Some(Ok(ledger)), Ok((key, _))) = (&self.ledger, &self.opened) else { return String::new() };
        ledger.get(&key.fingerprint(secret)).map(|entry| format!(", {} in the ledger ({})", entry.id, entry.state)).unwrap_or_default()
    }
}

impl Checked<'_> {
    pub(super) fn rotated(&self) -> Line {
        let line = |state, summary: String, evidence, mend: Option<&str>| Line {
            check: Check::Rotated,
            state,
            summary,
            evidence,
            mend: mend.map(str::to_owned),
        };
        let ledger = match &self.rotation.ledger {
            None => return line(State::Holds, "there is no ledger".to_owned(), Vec::new(), None),
            Some(Ok(ledger)) => ledger,
            Some(Err(error)) => {
                let evidence = vec![Evidence { place: FILE.to_owned(), text: error.to_string() }];
                return line(State::Unchecked, "the ledger cannot be read".to_owned(), evidence, Some("restore it from an older version"));
            }
        };
        let count = plural(ledger.entries().count() as u64, "leaked credential", "leaked credentials");
        let stores = self.rotation.opened.as_ref().ok().map(|(_, stores)| stores);
        let failing: Vec<Evidence> = ledger.entries().filter_map(|entry| evidence(entry, stores)).collect();
        if !failing.is_empty() {
            return line(State::Fails, format!("{} of {count} not replaced", failing.len()), failing, Some("sopup rotate list"));
        }
        let unproven: Vec<Evidence> = match &self.rotation.opened {
            Err(_) if ledger.is_empty() => Vec::new(),
            Err(why) => vec![Evidence { place: KEY_FILE.to_owned(), text: why.clone() }],
            Ok((_, stores)) => {
                let closed = stores.closed().iter();
                let closed = closed.map(|(file, why)| Evidence { place: file.clone(), text: format!("not opened: {why}") });
                closed.chain(ledger.entries().filter_map(|entry| doubtful(entry, stores))).collect()
            }
        };
        if unproven.is_empty() {
            return line(State::Holds, format!("{count} replaced, and none of them in a SOPS file"), Vec::new(), None);
        }
        let mend = "name an identity with SOPS_AGE_KEY_FILE, or accept this with --without-keys; `sopup rotate check` says more";
        let mend = (!self.args.without_keys).then_some(mend);
        line(self.unkeyed(), format!("{count} replaced by what the ledger says; not proven"), unproven, mend)
    }
}

/// Why a credential counts as not replaced; nothing if it does not.
fn evidence(entry: &Entry, stores: Option<&Stores>) -> Option<Evidence> {
    let place = entry.places.first().cloned().unwrap_or_default();
    if let Some(Proof::Leaked(places)) = stores.map(|stores| prove(entry, stores)) {
        let places = places.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        return Some(Evidence { place, text: format!("{} {} ({}), still in {places}", entry.id, entry.rule, entry.state) });
    }
    (!entry.state.is_rotated()).then(|| Evidence { place, text: format!("{} {} ({})", entry.id, entry.rule, entry.state) })
}

/// A store that was to tell and does not.
fn doubtful(entry: &Entry, stores: &Stores) -> Option<Evidence> {
    match prove(entry, stores) {
        Proof::Unproven(doubt @ crate::ledger::Doubt::TooLarge(_)) => {
            Some(Evidence { place: entry.id.to_string(), text: doubt.to_string() })
        }
        _ => None,
    }
}
