//! `sopup rotate mark`.

use super::desk::{Desk, RepoArg, find};
use super::list::StateArg;
use super::person::person;
use crate::cli::Exit;
use crate::cli::environment::today;
use crate::cli::error::CliError;
use crate::cli::sops::keys::Keys;
use crate::cli::ui::Ui;
use crate::cli::verify::KnownValues;
use crate::detect::{Hints, detect};
use crate::finding::Fingerprint;
use crate::ledger::{Ledger, LogEntry, State, leaks_in};
use crate::rule::RuleSet;
use crate::sought::Sought;

/// Say how far the replacement of credentials is
///
/// Needs no key. The states follow each other: exposed, requested, rotated, revoked, verified.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: sopup rotate mark 3f9c 81d0 revoked --evidence 'deleted at the provider, OPS-12'")]
pub(super) struct Args {
    /// Ids, or how they begin
    #[arg(required = true, value_name = "ID")]
    ids: Vec<String>,

    /// The state they are in now
    #[arg(value_enum)]
    state: StateArg,

    /// How one knows: a ticket, a log, a page. No secret
    #[arg(long, value_name = "TEXT")]
    evidence: Option<String>,

    /// Who says so [default: user.name and user.email of git]
    #[arg(long, value_name = "NAME")]
    who: Option<String>,

    /// Go back to an earlier state, too
    #[arg(long)]
    force: bool,

    #[command(flatten)]
    repo: RepoArg,
}

pub(super) fn run(args: &Args, ui: &Ui) -> Result<Exit, CliError> {
    let desk = args.repo.desk()?;
    let ledger = desk.needed()?;
    let who = person(args.who.as_deref(), &desk.top)?;
    let (state, today) = (State::from(args.state), today());
    let texts: Vec<&str> = args.evidence.iter().chain([&who]).map(String::as_str).collect();
    refuse_secrets(&texts, &desk, &ledger, ui)?;
    let ids: Vec<Fingerprint> = args.ids.iter().map(|prefix| find(&ledger, prefix)).collect::<Result<_, _>>()?;
    desk.change(|ledger| {
        for id in &ids {
            let Some(entry) = ledger.get_mut(id) else {
                return Err(CliError::new(format!("the entry {id} is gone"), "somebody changed the ledger; try again"));
            };
            if entry.state > state && !args.force {
                return Err(CliError::new(
                    format!("{id} is {} already, and {state} comes before that", entry.state),
                    "`--force` goes back, for instance if it leaked again; nothing was changed",
                )
                .exiting(Exit::Refused));
            }
            entry.advance(LogEntry::new(state, today, &who, args.evidence.clone()));
        }
        Ok(())
    })?;
    ui.note(&format!("{} now {state}", crate::report::plural(ids.len() as u64, "credential is", "credentials are")));
    Ok(Exit::Clean)
}

/// Refuses texts that are to be committed and hold a secret: one that looks like it, one that leaked, one of a SOPS file. The
/// last two are known only with keys.
fn refuse_secrets(texts: &[&str], desk: &Desk, ledger: &Ledger, ui: &Ui) -> Result<(), CliError> {
    let refused = |why: &str| {
        let hint = "the ledger is committed: name a ticket or a page instead. Consider the value seen by others";
        Err(CliError::new(format!("what would be written holds {why}"), hint).exiting(Exit::Refused))
    };
    let any = |holds: &dyn Fn(&[u8]) -> bool| texts.iter().any(|text| holds(text.as_bytes()));
    let rules = RuleSet::builtin();
    if any(&|text| !detect(text, Hints::NONE, &rules).is_empty()) {
        return refused("something that looks like a secret");
    }
    let mut keys = Keys::find();
    if keys.keyring().is_empty() {
        return Ok(());
    }
    let wanted = ledger.wanted();
    if let Ok(Some(key)) = desk.key(&mut keys, ui)
        && any(&|text| !leaks_in(text, &key, &wanted).found.is_empty())
    {
        return refused("a value that leaked");
    }
    let known = Sought::new(&KnownValues::of(&desk.sops_files()?, &keys, &rules).values);
    if any(&|text| !known.hits(text).is_empty()) { refused("a value of a SOPS file") } else { Ok(()) }
}
