//! `sopup rotate set`.

use std::collections::BTreeSet;

use super::desk::{RepoArg, find};
use super::person::person;
use crate::cli::Exit;
use crate::cli::environment::today;
use crate::cli::error::CliError;
use crate::cli::sops::keys::Keys;
use crate::cli::sops::set::{new_text, put_text};
use crate::cli::ui::Ui;
use crate::finding::Fingerprint;
use crate::ledger::{Entry, LogEntry, Proof, State, StorePlace, Stores, leaks_in, prove};
use crate::secret::Secret;

/// Put a new value in the place of a leaked one
///
/// Asks for it, or reads it from standard input; it is not taken from the command line. It goes to every place of a SOPS file
/// that holds the leaked value, and the credential is marked as rotated. Let it work at the provider first, and revoke the
/// old one afterwards.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: pwgen -s 32 1 | sopup rotate set --value-stdin 3f9c")]
pub(super) struct Args {
    /// The id, or how it begins
    id: String,

    /// Read the value from standard input; one line feed at its end is dropped
    #[arg(long)]
    value_stdin: bool,

    /// Who says so [default: user.name and user.email of git]
    #[arg(long, value_name = "NAME")]
    who: Option<String>,

    #[command(flatten)]
    repo: RepoArg,
}

pub(super) fn run(args: &Args, ui: &Ui) -> Result<Exit, CliError> {
    let desk = args.repo.desk()?;
    let ledger = desk.needed()?;
    let id = find(&ledger, &args.id)?;
    let Some(entry) = ledger.get(&id) else { return Ok(Exit::Internal) };
    let who = person(args.who.as_deref(), &desk.top)?;
    let mut keys = Keys::find();
    let key = desk.needed_key(&mut keys, ui)?;
    let stores = desk.stores(&keys, &key, &ledger.wanted())?;
    let places = targets(entry, &stores)?;
    let shown = places.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ");
    if places.iter().any(|place| place.held.as_ref() != Some(&id)) {
        ui.note(&format!("{shown} holds more than the credential, or an encoding of it: the new value takes the place of all of that"));
    }
    let nothing = || CliError::new("there is no value", "give it with `--value-stdin`, or run it on a terminal");
    let value = new_text(args.value_stdin, &format!("New value for {shown}: "), ui)?.filter(|value| !value.expose().is_empty());
    let value = value.ok_or_else(nothing)?;
    refuse_leaked(&value, &key, entry)?;
    for place in &places {
        let Some(path) = &place.key else { continue };
        put_text(&desk.top.join(&place.file), path, &value.expose_text(), &mut keys, ui).map_err(|error| error.of(&place.file))?;
    }
    desk.change(|ledger| {
        if let Some(entry) = ledger.get_mut(&id) {
            let state = entry.state.max(State::Rotated);
            entry.advance(LogEntry::new(state, today(), &who, Some(format!("a new value was put into {shown}"))));
        }
        Ok(())
    })
    .map_err(|error| error.with_hint("the new value is in its place; `sopup rotate check --update` marks the credential as rotated"))?;
    ui.note(&format!("{shown} has a new value, and {id} is rotated; revoke the old one, then `sopup rotate mark {id} revoked`"));
    Ok(Exit::Clean)
}

/// Where the new value goes: every place that holds the leaked one, if one value fits them all. These are files that were found
/// in the working tree, whatever paths the ledger names.
fn targets(entry: &Entry, stores: &Stores) -> Result<Vec<StorePlace>, CliError> {
    let refused = |message: String, hint: &str| Err(CliError::new(message, hint).exiting(Exit::Refused));
    let by_hand = "set it with `sopup set FILE KEY`, then `sopup rotate check --update`";
    let places = match prove(entry, stores) {
        Proof::Leaked(places) => places,
        Proof::Replaced(places) => {
            let shown = places.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ");
            let hint = "`sopup rotate check --update` marks the credential as rotated; `sopup set` changes any value";
            return refused(format!("{shown} holds another value already"), hint);
        }
        Proof::Unproven(doubt) => return refused(format!("it is not known where the new value belongs: {doubt}"), by_hand),
    };
    let shapes: BTreeSet<Option<&Fingerprint>> = places.iter().map(|place| place.held.as_ref()).collect();
    if shapes.len() > 1 {
        let shown = places.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ");
        return refused(format!("{shown} hold it in different forms"), by_hand);
    }
    if let Some(place) = places.iter().find(|place| place.key.is_none()) {
        return refused(
            format!("no path leads to the value in {}", place.file),
            "change it with `sopup edit`, then `sopup rotate check --update`",
        );
    }
    Ok(places)
}

fn refuse_leaked(value: &Secret, key: &crate::finding::FingerprintKey, entry: &Entry) -> Result<(), CliError> {
    let leaked: BTreeSet<Fingerprint> = entry.leaked().cloned().collect();
    if leaks_in(value.expose(), key, &leaked).found.is_empty() {
        return Ok(());
    }
    Err(CliError::new("the new value is the leaked one, or holds it", "draw a new one; nothing was changed").exiting(Exit::Refused))
}
