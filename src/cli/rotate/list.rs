//! `sopup rotate list`.

use std::io::{self, Write};

use clap::ValueEnum;
use jiff::civil::Date;
use owo_colors::OwoColorize as _;
use serde_json::{Map, Value};

use super::desk::{RepoArg, no_ledger};
use crate::cli::Exit;
use crate::cli::environment::today;
use crate::cli::error::CliError;
use crate::cli::ui::Ui;
use crate::ledger::{Entry, State, form};
use crate::report::{cell, document, plural, safe};

/// List leaked credentials and how far each is on its way to be replaced
///
/// Needs no key. `--fail-unrotated` is for CI: exit code 1 if a credential still works for whoever has it.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Only what is in this state
    #[arg(long, value_enum)]
    state: Vec<StateArg>,

    /// Only what this owner answers for; `none` for what nobody does
    #[arg(long, value_name = "OWNER")]
    owner: Option<String>,

    /// Only what came into the ledger before so many days: 30d, 2w
    #[arg(long, value_name = "AGE", value_parser = days)]
    older_than: Option<i64>,

    /// Exit with 1 if one of them is exposed or requested
    #[arg(long)]
    fail_unrotated: bool,

    /// Form of the list
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,

    #[command(flatten)]
    repo: RepoArg,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Human,
    /// One document, `sopup.ledger/v1`
    Json,
    /// A table for a pull request
    Markdown,
}

/// A state as it is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum StateArg {
    /// Others may know it, and it works
    Exposed,
    /// Whoever can replace it was asked to
    Requested,
    /// A new one is in use
    Rotated,
    /// The old one no longer works
    Revoked,
    /// Somebody made sure of that
    Verified,
}

impl From<StateArg> for State {
    fn from(state: StateArg) -> Self {
        match state {
            StateArg::Exposed => Self::Exposed,
            StateArg::Requested => Self::Requested,
            StateArg::Rotated => Self::Rotated,
            StateArg::Revoked => Self::Revoked,
            StateArg::Verified => Self::Verified,
        }
    }
}

fn days(text: &str) -> Result<i64, String> {
    let (number, unit) = match text.trim_end_matches(|character: char| character.is_ascii_alphabetic()) {
        number if number.len() == text.len() => (number, "d"),
        number => (number, &text[number.len()..]),
    };
    let per = match unit {
        "d" => 1,
        "w" => 7,
        _ => return Err("write days or weeks: 30d, 2w".to_owned()),
    };
    number.parse::<u32>().map(|number| i64::from(number) * per).map_err(|_| "write days or weeks: 30d, 2w".to_owned())
}

pub(super) fn run(args: &Args, ui: &Ui) -> Result<Exit, CliError> {
    let Some(ledger) = args.repo.desk()?.ledger()? else {
        if args.fail_unrotated {
            return Err(no_ledger());
        }
        ui.note("there is no ledger; `sopup rotate record` makes one of what a scan finds");
        return Ok(Exit::Clean);
    };
    let today = today();
    let shown: Vec<&Entry> = ledger.entries().filter(|entry| args.is_asked(entry, today)).collect();
    let mut out = ui.stdout();
    match args.format {
        Format::Human => human(&shown, today, &mut out)?,
        Format::Json => json(&shown, today, &mut out)?,
        Format::Markdown => markdown(&shown, today, &mut out)?,
    }
    out.flush()?;
    let fails = args.fail_unrotated && shown.iter().any(|entry| !entry.state.is_rotated());
    Ok(if fails { Exit::Findings } else { Exit::Clean })
}

impl Args {
    fn is_asked(&self, entry: &Entry, today: Date) -> bool {
        let state = self.state.is_empty() || self.state.iter().any(|state| State::from(*state) == entry.state);
        let owners = || entry.owner.as_deref().unwrap_or("none").split_whitespace();
        let owner = self.owner.as_deref().is_none_or(|asked| owners().any(|owner| owner == asked));
        // Of what has no date it is not known that it is young.
        let old = self.older_than.is_none_or(|days| age(entry, today).is_none_or(|age| age > days));
        state && owner && old
    }
}

/// Days since it came into the ledger.
fn age(entry: &Entry, today: Date) -> Option<i64> {
    let span = today.since(entry.since()?).ok()?;
    Some(i64::from(span.get_days()))
}

fn aged(entry: &Entry, today: Date) -> String {
    age(entry, today).map_or_else(|| "no date".to_owned(), |days| plural(days.unsigned_abs(), "day", "days"))
}

fn human(entries: &[&Entry], today: Date, out: &mut impl Write) -> io::Result<()> {
    for entry in entries {
        let state = format!("{:<9}", entry.state.word());
        let state = if entry.state.is_rotated() { state.green().to_string() } else { state.red().bold().to_string() };
        let owner = entry.owner.as_deref().map(|owner| format!(", {}", safe::line(owner))).unwrap_or_default();
        writeln!(out, "{} {state} {} ({}{owner})", entry.id, safe::line(&entry.rule), aged(entry, today))?;
        writeln!(out, "    found in {}", places(entry))?;
        for store in &entry.stores {
            writeln!(out, "    kept in {}", safe::line(&store.to_string()))?;
        }
        if let Some(log) = entry.log.last().filter(|log| log.state != State::Exposed || log.evidence.is_some()) {
            let evidence = log.evidence.as_deref().map(|evidence| format!(": {}", safe::line(evidence))).unwrap_or_default();
            writeln!(out, "    {} on {} by {}{evidence}", log.state, log.date, safe::line(&log.who))?;
        }
    }
    let count = |state: State| entries.iter().filter(|entry| entry.state == state).count();
    let states: Vec<String> =
        State::ALL.into_iter().filter(|state| count(*state) > 0).map(|state| format!("{} {state}", count(state))).collect();
    let states = if states.is_empty() { String::new() } else { format!(": {}", states.join(", ")) };
    writeln!(out, "{}{states}", plural(entries.len() as u64, "credential", "credentials"))
}

/// Some of the places, and how many more there are.
pub(super) fn places(entry: &Entry) -> String {
    const SHOWN: usize = 3;
    let shown: Vec<String> = entry.places.iter().take(SHOWN).map(|place| safe::line(place)).collect();
    let more = entry.place_count.saturating_sub(shown.len());
    match (shown.is_empty(), more) {
        (true, _) => "no file".to_owned(),
        (false, 0) => shown.join(", "),
        (false, more) => format!("{} and {}", shown.join(", "), plural(more as u64, "other place", "other places")),
    }
}

fn json(entries: &[&Entry], today: Date, out: &mut impl Write) -> io::Result<()> {
    let entry = |entry: &&Entry| {
        let mut fields: Map<String, Value> = form::fields(entry).into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        fields.insert("age_days".to_owned(), age(entry, today).into());
        Value::Object(fields)
    };
    let listed = serde_json::json!({ "schema": "sopup.ledger/v1", "entries": entries.iter().map(entry).collect::<Vec<_>>() });
    document(out, &listed)
}

fn markdown(entries: &[&Entry], today: Date, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "| id | state | what | owner | age | found in | kept in |\n| --- | --- | --- | --- | --- | --- | --- |")?;
    for entry in entries {
        let stores: Vec<String> = entry.stores.iter().map(ToString::to_string).collect();
        let cells = [&entry.rule, entry.owner.as_deref().unwrap_or_default(), &aged(entry, today), &places(entry), &stores.join(", ")];
        let cells: Vec<String> = cells.iter().map(|text| cell(text)).collect();
        writeln!(out, "| `{}` | {} | {} |", entry.id, entry.state, cells.join(" | "))?;
    }
    Ok(())
}
