//! `sopup config show`: what counts, and where it comes from.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::CommandFactory as _;
use clap::parser::ValueSource;

use super::super::environment::{ConfigChoice, KEY_VARIABLE, configuration_of, fingerprint_key};
use super::super::error::CliError;
use super::super::scan::SeverityArg;
use super::super::ui::Ui;
use super::super::what::{What, rule_set};
use super::super::{Cli, Exit};
use crate::config::{Config, FILE_NAME};
use crate::report::json::{confidence, severity};
use crate::report::safe;
use crate::rule::{Confidence, Severity};
use crate::source::Respect;

/// Show what counts for a scan, and where each setting comes from
///
/// Takes the options of `sopup scan` that settings depend on, and shows what they do.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  sopup config show
  sopup config show --fail-on high
  SOPUP_FAIL_ON=high sopup config show")]
pub(super) struct Args {
    /// A file or folder that is to be scanned
    #[arg(default_value = ".", value_name = "PATH")]
    path: PathBuf,

    /// Exit with 1 only for findings at least this severe [default: low]
    #[arg(long, value_enum, value_name = "SEVERITY", env = "SOPUP_FAIL_ON")]
    fail_on: Option<SeverityArg>,

    #[command(flatten)]
    what: What,
}

/// What gitleaks calls its configuration.
const GITLEAKS_FILE: &str = ".gitleaks.toml";

/// A setting with its value and where that comes from.
struct Row(&'static str, String, String);

pub(super) fn run(args: &Args, ui: &Ui) -> Result<Exit, CliError> {
    let choice = args.what.config_choice(&args.path);
    let (config, _) = args.what.configuration(&args.path)?;
    let file = configuration_of(&choice)?;
    let rows = rows(args, &choice, &config, file.as_deref())?;
    let width = |column: fn(&Row) -> &str| rows.iter().map(|row| column(row).chars().count()).max().unwrap_or(0);
    let (names, values) = (width(|row| row.0), width(|row| &row.1));
    let mut out = ui.stdout();
    for Row(name, value, from) in &rows {
        writeln!(out, "{name:names$}  {value:values$}  {from}")?;
    }
    out.flush()?;
    Ok(Exit::Clean)
}

fn rows(args: &Args, choice: &ConfigChoice, config: &Config, file: Option<&Path>) -> Result<Vec<Row>, CliError> {
    let given = Given::now();
    let shown = |path: &Path| safe::line(&path.display().to_string());
    let name = file.map(shown);
    let of_file = |key: &str| config.line_of(key).zip(name.as_deref()).map(|(line, name)| format!("{name}:{line}"));
    // What is typed or in a variable, else what the file says, else the default.
    let from = |id: &str, option: &str, variable: &str, key: &str| {
        given.source(id, option, variable).or_else(|| of_file(key)).unwrap_or_else(|| "default".to_owned())
    };
    let listed = |key: &'static str, value: String| Row(key, value, of_file(key).unwrap_or_else(|| "default".to_owned()));
    let fail_on = args.fail_on.map(Severity::from).or(config.fail_on).unwrap_or(Severity::Low);
    let min_confidence = args.what.min_confidence(config.min_confidence).unwrap_or(Confidence::Medium);
    let sure = confidence(min_confidence).to_owned();
    let from_file = match choice {
        ConfigChoice::File(_) => given.source("config", "--config", "SOPUP_CONFIG").unwrap_or_default(),
        ConfigChoice::Nothing => "--no-repo-config".to_owned(),
        ConfigChoice::Beside(_) if file.is_some() => "beside what is scanned".to_owned(),
        ConfigChoice::Beside(_) => format!("no {FILE_NAME} beside what is scanned"),
    };
    let rules = rule_set(config, args.what.rule_folders())?;
    let folders: Vec<String> = args.what.rule_folders().iter().map(|folder| shown(folder)).collect();
    let more = if folders.is_empty() {
        String::new()
    } else {
        format!("{} and --rules {}", of_file("rules").unwrap_or_default(), folders.join(", "))
    };
    let own = Row(
        "rules",
        format!("{} in force, {} of them from {FILE_NAME}", rules.rules().count(), config.rules.len()),
        more.trim_start_matches(" and ").to_owned(),
    );
    let is_keyed = fingerprint_key(config.fingerprint_key.as_deref())?.is_some();
    let key = match (std::env::var_os(KEY_VARIABLE), of_file("fingerprint_key")) {
        (Some(_), _) => format!("variable {KEY_VARIABLE}"),
        (None, Some(place)) => place,
        (None, None) => "a file of your own".to_owned(),
    };
    let ignore = match args.what.respect() {
        Respect::Yes => Row("ignore files", "obeyed".to_owned(), "default".to_owned()),
        Respect::Git => Row("ignore files", ".gitignore alone".to_owned(), "--no-repo-config".to_owned()),
        Respect::No => Row("ignore files", "not obeyed".to_owned(), "--no-ignore".to_owned()),
    };
    let own = if own.2.is_empty() { listed("rules", own.1) } else { own };
    Ok(vec![
        Row("configuration", name.clone().unwrap_or_else(|| "none".to_owned()), from_file),
        Row("min_confidence", sure, from("min_confidence", "--min-confidence", "SOPUP_MIN_CONFIDENCE", "min_confidence")),
        Row("fail_on", severity(fail_on).to_owned(), from("fail_on", "--fail-on", "SOPUP_FAIL_ON", "fail_on")),
        own,
        listed("disable", if config.disable.is_empty() { "nothing".to_owned() } else { safe::line(&config.disable.join(", ")) }),
        listed("severity", entries(config.severity.count())),
        listed("allow", entries(config.allow.count())),
        foreign(args, config, file, of_file("gitleaks_config")),
        Row("fingerprint_key", if is_keyed { "set, not shown" } else { "not set" }.to_owned(), key),
        ignore,
    ])
}

/// The configuration of gitleaks.
fn foreign(args: &Args, config: &Config, file: Option<&Path>, by_file: Option<String>) -> Row {
    let from = if args.what.names_gitleaks() { Some("--gitleaks-config".to_owned()) } else { by_file };
    let (value, default) = match (&config.unsupported, file.map(|file| file.with_file_name(GITLEAKS_FILE))) {
        (Some((name, _)), _) => (safe::line(name), "default"),
        (None, Some(beside)) if beside.is_file() => ("none; .gitleaks.toml is there and not read".to_owned(), "default"),
        (None, _) => ("none".to_owned(), "default"),
    };
    Row("gitleaks_config", value, from.unwrap_or_else(|| default.to_owned()))
}

fn entries(count: usize) -> String {
    if count == 1 { "1 entry".to_owned() } else { format!("{count} entries") }
}

/// What was typed, and what variables gave.
struct Given(Option<clap::ArgMatches>);

impl Given {
    fn now() -> Self {
        let all = Cli::command().try_get_matches_from(std::env::args_os()).ok();
        Self(all.and_then(|all| all.subcommand_matches("config")?.subcommand_matches("show").cloned()))
    }

    /// The option or the variable, if one of them gave the value.
    fn source(&self, id: &str, option: &str, variable: &str) -> Option<String> {
        match self.0.as_ref()?.value_source(id)? {
            ValueSource::CommandLine => Some(option.to_owned()),
            ValueSource::EnvVariable => Some(format!("variable {variable}")),
            _ => None,
        }
    }
}
