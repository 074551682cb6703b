//! `sopup rotate record`.

use std::collections::BTreeSet;
use std::path::PathBuf;

use jiff::civil::Date;

use super::desk::Desk;
use super::person::person;
use crate::cli::Exit;
use crate::cli::choice::Choice;
use crate::cli::environment::today;
use crate::cli::error::CliError;
use crate::cli::nameable::Nameable;
use crate::cli::sops::keys::Keys;
use crate::cli::ui::Ui;
use crate::cli::what::What;
use crate::finding::{Finding, Fingerprint, FingerprintKey};
use crate::ledger::{Entry, FILE, LogEntry, MOST_PLACES, Owners, Seen, State, StorePlace};
use crate::report::json::kind;
use crate::report::{local, plural};
use crate::scan::{Outcome, Progress, scan};
use crate::source::Commit;

/// Add to the ledger what a scan of files and history finds and it does not have yet
///
/// Values of SOPS files that hold a leaked credential are remembered as the places where it lives now: `rotate set` puts the
/// new one there, `rotate check` proves that it is another one.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The repository
    #[arg(default_value = ".", value_name = "PATH")]
    path: PathBuf,

    /// Who can open the key of a new ledger, instead of those whom .sops.yaml names
    #[arg(long, value_name = "RECIPIENTS", env = "SOPS_AGE_RECIPIENTS")]
    age: Option<String>,

    /// Who records this [default: user.name and user.email of git]
    #[arg(long, value_name = "NAME")]
    who: Option<String>,

    #[command(flatten)]
    choice: Choice,

    #[command(flatten)]
    what: What,
}

pub(super) fn run(args: &Args, ui: &Ui) -> Result<Exit, CliError> {
    let desk = Desk::of(&args.path)?;
    let known = desk.ledger()?;
    let (request, _) = args.what.everything(&args.path)?;
    let progress = Progress::default();
    let outcome = ui.watched(&progress, || scan(&request, &progress))?;
    let chosen: Vec<&Finding> = outcome.findings.iter().filter(|finding| args.choice.is_asked(finding)).collect();
    if !outcome.is_complete() {
        ui.note(&format!("{} could not be read; `sopup scan` names them", plural(outcome.skipped.len() as u64, "item", "items")));
    }
    if chosen.is_empty() {
        ui.note("nothing was found that could be recorded");
        return Ok(exit(&outcome));
    }
    let who = person(args.who.as_deref(), &desk.top)?;
    let mut keys = Keys::find();
    let (key, made) = match desk.key(&mut keys, ui)? {
        Some(key) => (key, None),
        None => desk.new_key(args.age.as_deref(), &keys).map(|(key, change)| (key, Some(change)))?,
    };
    let recorder = Recorder::new(&outcome, desk.owners()?, &key, &who);
    let mut entries: Vec<Entry> = chosen.into_iter().map(|finding| entry_of(finding, &recorder)).collect();
    let ids: BTreeSet<Fingerprint> = entries.iter().map(|entry| entry.id.clone()).collect();
    let stores = desk.stores(&keys, &key, &ids)?;
    for entry in &mut entries {
        entry.stores = recorder.nameable(stores.holding(&entry.id).map(|value| value.place.clone()));
    }
    if !stores.closed().is_empty() {
        let files = plural(stores.closed().len() as u64, "SOPS file was", "SOPS files were");
        ui.note(&format!("{files} not opened: it is not known whether they hold what was found"));
    }
    let is_new = known.is_none();
    if let Some(made) = &made {
        desk.keep(made)?;
    }
    let (total, new) = desk.change(|ledger| {
        let total = entries.len();
        Ok((total, entries.into_iter().filter(|entry| add(ledger, entry)).count()))
    })?;
    ui.note(&format!("{} recorded in {FILE}, {} there before", plural(new as u64, "credential was", "credentials were"), total - new));
    if is_new {
        ui.note(
            "commit .sopup/: it holds no secret in plain text; `.sopup/ledger.yaml merge=union` in .gitattributes keeps what branches add",
        );
    }
    Ok(exit(&outcome))
}

/// Of a credential that is known, only what was not known of it is added.
fn add(ledger: &mut crate::ledger::Ledger, entry: &Entry) -> bool {
    let mut entry = entry.clone();
    if ledger.get(&entry.id).is_some() {
        entry.log.clear();
    }
    ledger.add(entry)
}

fn exit(outcome: &Outcome) -> Exit {
    if outcome.is_complete() { Exit::Clean } else { Exit::Incomplete }
}

/// What entries are made with.
pub(in crate::cli) struct Recorder<'a> {
    names: Nameable<'a>,
    owners: Owners,
    key: &'a FingerprintKey,
    who: &'a str,
    today: Date,
}

impl<'a> Recorder<'a> {
    pub(in crate::cli) fn new(outcome: &'a Outcome, owners: Owners, key: &'a FingerprintKey, who: &'a str) -> Self {
        Self { names: Nameable::of(outcome), owners, key, who, today: today() }
    }

    /// The stores that can be named without a secret.
    pub(in crate::cli) fn nameable(&self, stores: impl IntoIterator<Item = StorePlace>) -> Vec<StorePlace> {
        stores.into_iter().filter(|store| !self.names.holds(&store.to_string())).collect()
    }
}

/// A finding as the ledger keeps it.
pub(in crate::cli) fn entry_of(finding: &Finding, recorder: &Recorder<'_>) -> Entry {
    let mut entry = Entry::new(recorder.key.fingerprint(&finding.secret), finding.rule.id, kind(finding.rule.kind));
    let (mut places, mut owners) = (Vec::new(), Vec::new());
    for occurrence in &finding.occurrences {
        let path = occurrence.origin.path.as_str();
        if path.is_empty() || places.contains(&path) {
            continue;
        }
        places.push(path);
        for owner in recorder.owners.of(path) {
            if !owners.contains(&owner.as_str()) {
                owners.push(owner);
            }
        }
    }
    entry.place_count = places.len();
    entry.places = places.iter().take(MOST_PLACES).map(|path| recorder.names.name(path)).collect();
    entry.owner = Some(owners.join(" ")).filter(|owners| !owners.is_empty());
    let sightings = || finding.occurrences.iter().map(|place| place.sighting.as_deref());
    entry.first = sightings().flatten().filter_map(|sighting| seen(sighting.commit.as_ref()?)).min_by_key(|seen| seen.date);
    let is_here = sightings().any(|sighting| sighting.is_none_or(|sighting| sighting.in_head));
    if !is_here {
        let last = sightings().flatten().filter_map(|sighting| seen(sighting.last.as_ref().or(sighting.commit.as_ref())?));
        entry.last = last.max_by_key(|seen| seen.date);
    }
    entry.log.push(LogEntry::new(State::Exposed, recorder.today, recorder.who, None));
    entry
}

fn seen(commit: &Commit) -> Option<Seen> {
    let (seconds, minutes) = commit.date;
    Some(Seen { commit: commit.id.clone(), date: local(seconds, minutes)?.date() })
}
