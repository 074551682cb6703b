//! `sopup rotate export`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use clap::ValueEnum;

use super::desk::RepoArg;
use super::list::places;
use crate::cli::Exit;
use crate::cli::environment::{ConfigChoice, configuration};
use crate::cli::error::CliError;
use crate::cli::ui::Ui;
use crate::cli::what::rule_set;
use crate::file::{Access, put};
use crate::ledger::{Entry, State};
use crate::report::cell as text;
use crate::rule::RuleSet;

/// Write what is to be done as a checklist, or as issues, one per owner
///
/// Needs no key; no value is in it. What is verified is left out.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Form of the export
    #[arg(long, value_enum, default_value_t = Format::Markdown)]
    format: Format,

    /// A folder for the files; without, all goes to standard output
    #[arg(long, value_name = "DIR")]
    to: Option<PathBuf>,

    #[command(flatten)]
    repo: RepoArg,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// One checklist
    Markdown,
    /// A text for an issue of each owner
    Issues,
}

pub(super) fn run(args: &Args, ui: &Ui) -> Result<Exit, CliError> {
    let desk = args.repo.desk()?;
    let ledger = desk.needed()?;
    let (config, _) = configuration(&ConfigChoice::Beside(desk.top))?;
    let rules = rule_set(&config, &[])?;
    let open: Vec<&Entry> = ledger.entries().filter(|entry| entry.state != State::Verified).collect();
    let texts = match args.format {
        Format::Markdown => BTreeMap::from([("rotation".to_owned(), checklist("Leaked credentials", &open, &rules))]),
        Format::Issues => issues(&open, &rules),
    };
    let Some(folder) = &args.to else {
        let all: Vec<String> = texts.into_values().collect();
        ui.print_bytes(all.join("\n").as_bytes())?;
        return Ok(Exit::Clean);
    };
    fs::create_dir_all(folder)
        .map_err(|error| CliError::new(format!("cannot make {}: {error}", folder.display()), "name another folder with `--to DIR`"))?;
    for (name, body) in &texts {
        put(&folder.join(format!("{name}.md")), body.as_bytes(), Access::KeptOrShared)?;
    }
    ui.note(&format!("{} in {}", crate::report::plural(texts.len() as u64, "file is", "files are"), folder.display()));
    Ok(Exit::Clean)
}

/// A text for each owner, by the name of its file.
fn issues(entries: &[&Entry], rules: &RuleSet) -> BTreeMap<String, String> {
    let mut by_owner = BTreeMap::<&str, Vec<&Entry>>::new();
    for entry in entries {
        by_owner.entry(entry.owner.as_deref().unwrap_or_default()).or_default().push(entry);
    }
    let mut texts = BTreeMap::new();
    for (owner, entries) in by_owner {
        let title = if owner.is_empty() {
            "Replace leaked credentials (no owner)".to_owned()
        } else {
            format!("Replace leaked credentials of {}", text(owner))
        };
        let mut name = slug(owner);
        // Names of two owners may differ in signs alone.
        while texts.contains_key(&name) {
            name.push_str("-2");
        }
        texts.insert(name, checklist(&title, &entries, rules));
    }
    texts
}

fn slug(owner: &str) -> String {
    let kept: String =
        owner.chars().map(|character| if character.is_ascii_alphanumeric() { character.to_ascii_lowercase() } else { '-' }).collect();
    let words: Vec<&str> = kept.split('-').filter(|word| !word.is_empty()).collect();
    let slug: String = words.join("-").chars().take(80).collect();
    if slug.is_empty() { "no-owner".to_owned() } else { slug }
}

fn checklist(title: &str, entries: &[&Entry], rules: &RuleSet) -> String {
    let mut out = format!("# {title}\n\n");
    if entries.is_empty() {
        out.push_str("Nothing is left to do.\n");
    }
    for entry in entries {
        // Writing to a `String` cannot fail.
        _ = write_entry(&mut out, entry, rules);
    }
    out
}

fn write_entry(out: &mut String, entry: &Entry, rules: &RuleSet) -> std::fmt::Result {
    let rule = rules.by_id(&entry.rule);
    let name = rule.map_or(entry.rule.as_str(), |rule| rule.name);
    writeln!(out, "## {} `{}`: {}\n", text(name), entry.id, entry.state)?;
    if let Some(owner) = &entry.owner {
        writeln!(out, "- Owner: {}", text(owner))?;
    }
    writeln!(out, "- Found in: {}", text(&places(entry)))?;
    if let Some(first) = &entry.first {
        writeln!(out, "- In the history since {} ({})", first.date, text(&first.commit.chars().take(10).collect::<String>()))?;
    }
    for place in &entry.stores {
        writeln!(out, "- Kept in: {}", text(&place.to_string()))?;
    }
    out.push('\n');
    let done = |state: State| if entry.state >= state { "x" } else { " " };
    let steps = rule.map(|rule| rule.rotate_steps).unwrap_or(&["Replace it where it was issued."]);
    for step in steps {
        writeln!(out, "- [{}] {}", done(State::Revoked), text(step))?;
    }
    if let Some(url) = rule.and_then(|rule| rule.rotate_url) {
        writeln!(out, "  <{url}>")?;
    }
    if !entry.stores.is_empty() {
        writeln!(out, "- [{}] `sopup rotate set {}` puts the new value into its SOPS file", done(State::Rotated), entry.id)?;
    }
    for state in [State::Rotated, State::Revoked, State::Verified] {
        writeln!(out, "- [{}] `sopup rotate mark {} {state}`", done(state), entry.id)?;
    }
    out.push('\n');
    Ok(())
}
