//! `sopup rules`.

use std::fs;
use std::io::{self, Read as _, Write};
use std::path::{Path, PathBuf};

use clap::Subcommand;
use owo_colors::OwoColorize as _;

use super::Exit;
use super::environment::{ConfigChoice, configuration};
use super::error::CliError;
use super::ui::Ui;
use super::what::load_rules;
use crate::config::GITLEAKS;
use crate::detect::{Hints, check_rule, check_shapes, detect};
use crate::report::json::{confidence, kind, severity};
use crate::report::{Show, safe};
use crate::rule::{Matcher, Rule, RuleSet, builtin};
use crate::secret::Secret;
use crate::text::{LineIndex, decode};

/// List, explain and prove rules
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  sopup rules list                        ids, names and severities
  sopup rules show github-personal-access-token
  sopup rules check --rules rules/        proves each rule by its examples
  sopup rules test generic-password sample.env")]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,

    /// Also use the rules in this folder; one with a known id replaces the built-in rule
    #[arg(long, global = true, value_name = "DIR")]
    rules: Vec<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List all rules: id, severity, kind, name
    List {
        /// Only rules whose id or name contains this text
        filter: Option<String>,
    },
    /// Explain a rule: what it finds, how to replace what it found
    Show {
        /// The rule's id
        id: String,
    },
    /// Prove every rule against its own examples
    Check,
    /// Run one rule on a text and show what it finds
    Test {
        /// The rule's id
        id: String,
        /// A file; standard input if left out
        file: Option<PathBuf>,

        /// Show what is found instead of masking it
        #[arg(long)]
        show_secrets: bool,
    },
}

pub(super) fn run(args: Args, ui: &Ui) -> Result<Exit, CliError> {
    let (config, _) = configuration(&ConfigChoice::Beside(PathBuf::from(".")))?;
    let rules = builtin().with(&load_rules(&config, &args.rules)?)?;
    let mut out = ui.stdout();
    let exit = match args.command {
        Command::List { filter } => list(&mut out, &rules, filter.as_deref()),
        Command::Show { id } => show(&mut out, find(&rules, &id)?),
        Command::Check => check(&mut out, &rules),
        Command::Test { id, file, show_secrets } => {
            let shown = if show_secrets { Show::InFull } else { Show::Masked };
            test(&mut out, find(&rules, &id)?, file.as_deref(), shown)
        }
    }?;
    out.flush()?;
    Ok(exit)
}

/// A rule by its id.
pub(super) fn find(rules: &RuleSet, id: &str) -> Result<&'static Rule, CliError> {
    rules.by_id(id).ok_or_else(|| {
        let similar = rules.similar(id);
        let hint = if similar.is_empty() {
            "`sopup rules list` shows all ids".to_owned()
        } else {
            format!("did you mean {}?", similar.join(", "))
        };
        CliError::new(format!("there is no rule `{id}`"), hint)
    })
}

fn list(out: &mut impl Write, rules: &RuleSet, filter: Option<&str>) -> Result<Exit, CliError> {
    let filter = filter.unwrap_or_default().to_lowercase();
    let shown = rules.rules().filter(|rule| rule.id.contains(&filter) || rule.name.to_lowercase().contains(&filter));
    for rule in shown {
        writeln!(out, "{:<50} {:<9} {:<15} {}", rule.id, severity(rule.severity), kind(rule.kind), rule.name)?;
    }
    Ok(Exit::Clean)
}

fn show(out: &mut impl Write, rule: &Rule) -> Result<Exit, CliError> {
    writeln!(out, "{} ({})", rule.name.bold(), rule.id)?;
    writeln!(out, "provider    {}", rule.provider)?;
    writeln!(out, "severity    {}", severity(rule.severity))?;
    writeln!(out, "kind        {}", kind(rule.kind))?;
    writeln!(out, "confidence  {} at most", confidence(rule.confidence))?;
    if let Some(env) = rule.env {
        writeln!(out, "variable    {env}")?;
    }
    match &rule.matcher {
        Matcher::Pattern(pattern) => {
            writeln!(out, "keywords    {}", rule.keywords.join(", "))?;
            writeln!(out, "pattern     {}", pattern.source.split_whitespace().collect::<Vec<_>>().join(" "))?;
        }
        Matcher::Extractor(_) => writeln!(out, "found by    code that reads names, values and sentences")?,
        Matcher::Known => writeln!(out, "found by    the values that it was told")?,
        Matcher::File => writeln!(out, "found by    a look at the whole file")?,
    }
    writeln!(out, "\n{}", "To replace it".bold())?;
    for (number, step) in rule.rotate_steps.iter().enumerate() {
        writeln!(out, "  {}. {step}", number + 1)?;
    }
    if let Some(url) = rule.rotate_url {
        writeln!(out, "  {url}")?;
    }
    if !rule.references.is_empty() {
        writeln!(out, "\n{}", "References".bold())?;
        rule.references.iter().try_for_each(|reference| writeln!(out, "  {reference}"))?;
    }
    Ok(Exit::Clean)
}

fn check(out: &mut impl Write, rules: &RuleSet) -> Result<Exit, CliError> {
    let texts = |rule: &'static Rule| check_rule(rule).iter().map(ToString::to_string).collect();
    // Rules of gitleaks have no examples.
    let of_rules = rules.rules().filter(|rule| rule.provider != GITLEAKS).map(|rule| (rule.id, texts(rule)));
    let (checked, failed) = check_all(out, of_rules)?;
    let (shapes, failed_shapes) = check_all(out, check_shapes())?;
    if failed + failed_shapes == 0 {
        writeln!(out, "{checked} rules and {shapes} shapes hold against their examples")?;
        return Ok(Exit::Clean);
    }
    out.flush()?;
    let failing = [(failed, checked, "rules"), (failed_shapes, shapes, "shapes")];
    let failing: Vec<String> =
        failing.iter().filter(|(failed, ..)| *failed > 0).map(|(failed, all, what)| format!("{failed} of {all} {what}")).collect();
    Err(CliError::new(
        format!("{} do not hold against their examples", failing.join(" and ")),
        "correct the pattern or the example; `sopup rules test ID FILE` shows what a rule finds in a text",
    ))
}

/// Names what is wrong with each; how many there are, and how many do not hold.
fn check_all(out: &mut impl Write, all: impl Iterator<Item = (&'static str, Vec<String>)>) -> io::Result<(usize, usize)> {
    let (mut checked, mut failed) = (0, 0);
    for (id, failures) in all {
        checked += 1;
        failed += usize::from(!failures.is_empty());
        for failure in failures {
            writeln!(out, "{} {id}: {}", "failed:".red().bold(), safe::line(&failure))?;
        }
    }
    Ok((checked, failed))
}

fn test(out: &mut impl Write, rule: &'static Rule, file: Option<&Path>, shown: Show) -> Result<Exit, CliError> {
    let unreadable = |name: String| {
        move |error: io::Error| CliError::new(format!("cannot read {name}: {error}"), "name a readable file, or pipe a text in")
    };
    let mut bytes = Vec::new();
    match file {
        Some(path) => bytes = fs::read(path).map_err(unreadable(path.display().to_string()))?,
        None => {
            std::io::stdin().lock().read_to_end(&mut bytes).map_err(unreadable("standard input".to_owned()))?;
        }
    }
    let decoded = decode(&bytes);
    let hints = file.map_or(Hints::NONE, |path| Hints::of_path(&path.to_string_lossy()));
    let alone = RuleSet::of(vec![rule])?;
    let index = LineIndex::new(&decoded.text);
    let found = detect(&decoded.text, hints.and_bytes(&decoded.text), &alone);
    for one in &found {
        let start = index.position(&decoded.text, one.span.start);
        let reasons: Vec<&str> = one.reasons.iter().map(|reason| reason.code()).collect();
        let secret = Secret::new(decoded.text[one.span.range()].to_vec());
        let value = match shown {
            Show::Masked => secret.redacted(),
            Show::InFull => secret.expose_text().to_string(),
        };
        writeln!(
            out,
            "{}:{}  {}  ({} confidence: {})",
            start.line,
            start.column,
            safe::line(&value),
            confidence(one.confidence),
            reasons.join(", ")
        )?;
    }
    writeln!(out, "{} found", found.len())?;
    Ok(if found.is_empty() { Exit::Clean } else { Exit::Findings })
}
