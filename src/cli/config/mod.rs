//! `sopup config`: what is wrong with a configuration, what counts and where it comes from, and the schema.

mod show;

use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::Subcommand;

use super::Exit;
use super::environment::{ConfigChoice, configuration, configuration_of, key_source, today};
use super::error::CliError;
use super::ui::Ui;
use super::what::load_rules;
use crate::config::{Config, Problem, SCHEMA};
use crate::detect::check_rule;
use crate::report::safe;
use crate::rule::builtin;

/// Check the configuration, show what counts, print its schema
///
/// What is typed comes before variables, and they before .sopup.yaml.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  sopup config check
  sopup config show                       what counts here, and where it comes from")]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Check(CheckArgs),
    Show(Box<show::Args>),
    /// Print the JSON Schema of .sopup.yaml, for editors that complete and check it
    #[command(
        after_help = "Example: sopup config schema > sopup.schema.json, and `# yaml-language-server: $schema=sopup.schema.json` in .sopup.yaml"
    )]
    Schema,
}

/// List everything that is wrong with .sopup.yaml, each with its line
///
/// Rules of your own are proven against their examples, as `sopup rules check` does.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  sopup config check
  sopup config check ci/strict.sopup.yaml
  sopup config check --rules rules/      ids of the rules in that folder are known")]
struct CheckArgs {
    /// The file, or a folder whose repository has it
    #[arg(default_value = ".", value_name = "PATH", env = "SOPUP_CONFIG", hide_env = true)]
    path: PathBuf,

    /// Also use the rules in this folder; one with a known id replaces the built-in rule
    #[arg(long, value_name = "DIR")]
    rules: Vec<PathBuf>,
}

pub(super) fn run(args: &Args, ui: &Ui) -> Result<Exit, CliError> {
    match &args.command {
        Command::Check(args) => check(args, ui),
        Command::Show(args) => show::run(args, ui),
        Command::Schema => {
            let mut out = ui.stdout();
            out.write_all(SCHEMA.as_bytes())?;
            out.flush()?;
            Ok(Exit::Clean)
        }
    }
}

fn check(args: &CheckArgs, ui: &Ui) -> Result<Exit, CliError> {
    let mut out = ui.stdout();
    let choice = ConfigChoice::of(Some(&args.path).filter(|path| !path.is_dir()).map(PathBuf::as_path), false, &args.path);
    let Some(file) = configuration_of(&choice)? else {
        writeln!(out, "there is no .sopup.yaml: the built-in rules and levels count")?;
        out.flush()?;
        return Ok(Exit::Clean);
    };
    let name = safe::line(&file.display().to_string());
    let (problems, mut notes) = problems(&file, &args.rules)?;
    let gitleaks = if problems.is_empty() { configuration(&ConfigChoice::File(file.clone()))?.0.unsupported } else { None };
    if let Some((name, unsupported)) = gitleaks {
        for problem in &unsupported {
            writeln!(out, "{}:{}: note: {}", safe::line(&name), problem.line, safe::line(&problem.message))?;
        }
    } else if problems.is_empty() && file.with_file_name(".gitleaks.toml").is_file() {
        let message = "`.gitleaks.toml` is there and not read; `gitleaks_config: .gitleaks.toml` makes its rules and allowlists count";
        notes.push(Problem { line: 1, message: message.to_owned() });
    }
    for problem in &problems {
        writeln!(out, "{name}:{}: {}", problem.line, safe::line(&problem.message))?;
    }
    for note in &notes {
        writeln!(out, "{name}:{}: note: {}", note.line, safe::line(&note.message))?;
    }
    if problems.is_empty() {
        writeln!(out, "{name} is sound")?;
    }
    out.flush()?;
    match problems.len() {
        0 => Ok(Exit::Clean),
        count => {
            let problems = if count == 1 { "1 problem".to_owned() } else { format!("{count} problems") };
            let hint = "correct these lines; docs/src/configuration.md of sopup lists the keys of .sopup.yaml";
            Err(CliError::new(format!("{name} has {problems}"), hint))
        }
    }
}

/// What a scan would end for, and what it would pass over.
fn problems(file: &Path, folders: &[PathBuf]) -> Result<(Vec<Problem>, Vec<Problem>), CliError> {
    let unreadable = |error| CliError::new(format!("cannot read {}: {error}", file.display()), "name a configuration that you can read");
    let text = std::fs::read_to_string(file).map_err(unreadable)?;
    let (config, mut problems) = Config::parse_parts(&text, file, today());
    if config.lacks_key(key_source()) {
        let message = "`allow` names fingerprints, but there is no `fingerprint_key`, so they differ from user to user; add one of 16 \
                       random characters or more";
        problems.push(Problem { line: config.line_of("allow").unwrap_or(1), message: message.to_owned() });
    }
    for rule in &config.rules {
        let line = config.line_of_rule(rule.id);
        problems.extend(check_rule(rule).iter().map(|failure| Problem { line, message: format!("rule `{}`: {failure}", rule.id) }));
    }
    let mut notes = config.expired.clone();
    let rules = builtin().with(&load_rules(&config, folders)?)?;
    for unknown in config.unknown_rules(&rules) {
        if unknown.is_error { problems.push(unknown.problem) } else { notes.push(unknown.problem) }
    }
    problems.sort_by_key(|problem| problem.line);
    Ok((problems, notes))
}
