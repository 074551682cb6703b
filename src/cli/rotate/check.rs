//! `sopup rotate check`.

use std::io::Write as _;

use owo_colors::OwoColorize as _;

use super::desk::RepoArg;
use super::person::person;
use crate::cli::Exit;
use crate::cli::environment::today;
use crate::cli::error::CliError;
use crate::cli::sops::keys::Keys;
use crate::cli::ui::Ui;
use crate::finding::Fingerprint;
use crate::ledger::{Entry, FILE, LogEntry, Proof, State, StorePlace, Stores, prove};
use crate::report::{plural, safe};

/// Prove that SOPS files hold other values than those that leaked
///
/// Opens all SOPS files and compares fingerprints: a leaked value is known there as it is, encoded, and as a part of another
/// one, such as the password of a URL. Exit code 1: one is still in use. 3: of one it cannot be told, because no SOPS file is
/// known to hold it, or none of your identities opens the file.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Mark what is proven as rotated
    #[arg(long)]
    update: bool,

    /// Do not look for identities; what needs one is left out of the verdict
    #[arg(long, conflicts_with = "update")]
    without_keys: bool,

    /// Who says so [default: user.name and user.email of git]
    #[arg(long, value_name = "NAME", requires = "update")]
    who: Option<String>,

    #[command(flatten)]
    repo: RepoArg,
}

pub(super) fn run(args: &Args, ui: &Ui) -> Result<Exit, CliError> {
    let desk = args.repo.desk()?;
    let Some(ledger) = desk.ledger()? else {
        ui.note("there is no ledger; `sopup rotate record` makes one of what a scan finds");
        return Ok(Exit::Clean);
    };
    let who = if args.update { person(args.who.as_deref(), &desk.top)? } else { String::new() };
    if args.without_keys {
        ui.note(&format!(
            "{} not checked: without keys no SOPS file can be opened",
            plural(ledger.entries().count() as u64, "credential", "credentials")
        ));
        return Ok(Exit::Clean);
    }
    let mut keys = Keys::find();
    let key = desk.needed_key(&mut keys, ui)?;
    let stores = desk.stores(&keys, &key, &ledger.wanted())?;
    let verdicts: Vec<(&Entry, Verdict)> = ledger.entries().map(|entry| (entry, Verdict::of(entry, &stores))).collect();
    let mut out = ui.stdout();
    for (entry, verdict) in &verdicts {
        let id = entry.id.to_string();
        match verdict {
            Verdict::Leaked(places) => writeln!(out, "{} {id} still leaked: {}", "✗".red().bold(), named(places))?,
            Verdict::Proven(places) => writeln!(out, "{} {id} another value: {}", "✓".green().bold(), named(places))?,
            Verdict::Told => {
                writeln!(out, "{} {id} {} by what the ledger says; no SOPS file is known to hold it", "-".cyan(), entry.state)?
            }
            Verdict::Unproven(why) => writeln!(out, "{} {id} not proven: {}", "?".yellow().bold(), safe::line(why))?,
        }
    }
    let count = |wanted: fn(&Verdict) -> bool| verdicts.iter().filter(|(_, verdict)| wanted(verdict)).count();
    let leaked = count(|verdict| matches!(verdict, Verdict::Leaked(_)));
    let unproven = count(|verdict| matches!(verdict, Verdict::Unproven(_)));
    let proven: Vec<(&Entry, &[StorePlace])> = verdicts
        .iter()
        .filter(|(entry, _)| !entry.state.is_rotated())
        .filter_map(|(entry, verdict)| if let Verdict::Proven(places) = verdict { Some((*entry, places.as_slice())) } else { None })
        .collect();
    writeln!(out, "{}: {leaked} still leaked, {unproven} not proven", plural(verdicts.len() as u64, "credential", "credentials"))?;
    out.flush()?;
    if args.update {
        let proven: Vec<(Fingerprint, String)> = proven.iter().map(|(entry, places)| (entry.id.clone(), evidence(places))).collect();
        desk.change(|ledger| {
            for (id, evidence) in &proven {
                // Somebody else may have gone further meanwhile.
                if let Some(entry) = ledger.get_mut(id).filter(|entry| !entry.state.is_rotated()) {
                    entry.advance(LogEntry::new(State::Rotated, today(), &who, Some(evidence.clone())));
                }
            }
            Ok(())
        })?;
        ui.note(&format!("{} marked as rotated in {FILE}", plural(proven.len() as u64, "credential was", "credentials were")));
    } else if !proven.is_empty() {
        ui.note(&format!("`sopup rotate check --update` marks {} as rotated", plural(proven.len() as u64, "credential", "credentials")));
    }
    Ok(match (unproven, leaked) {
        (0, 0) => Exit::Clean,
        (0, _) => Exit::Findings,
        (_, _) => Exit::Incomplete,
    })
}

/// What can be said of a credential.
enum Verdict {
    /// It is still in use.
    Leaked(Vec<StorePlace>),
    /// Another one is in use.
    Proven(Vec<StorePlace>),
    /// A person says so, and no SOPS file has to do with it.
    Told,
    /// It cannot be told.
    Unproven(String),
}

impl Verdict {
    fn of(entry: &Entry, stores: &Stores) -> Self {
        match prove(entry, stores) {
            Proof::Leaked(places) => Self::Leaked(places),
            Proof::Replaced(places) => Self::Proven(places),
            Proof::Unproven(_) if entry.stores.is_empty() && entry.state.is_rotated() => Self::Told,
            Proof::Unproven(doubt) => Self::Unproven(doubt.to_string()),
        }
    }
}

/// How one knows that a credential was replaced.
fn evidence(places: &[StorePlace]) -> String {
    format!("the value in {} is another one", places.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and "))
}

fn named(places: &[StorePlace]) -> String {
    places.iter().map(|place| safe::line(&place.to_string())).collect::<Vec<_>>().join(", ")
}
