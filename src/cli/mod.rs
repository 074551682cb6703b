//! The only room that knows clap, prints, and decides exit codes. One file per command; what was
//! typed is turned into what is meant there, and nothing of clap goes further.

mod allow;
mod baseline;
mod choice;
mod cleanup;
mod commits;
mod completions;
mod config;
mod environment;
mod error;
mod exit;
mod explain;
mod fleet;
mod git;
mod hook;
mod lsp;
mod man;
mod merge;
mod migrate;
mod nameable;
mod output;
mod paths;
mod purge;
mod render;
mod reports;
mod rotate;
mod rules;
mod run;
mod scan;
mod settings;
mod sops;
mod ui;
mod verify;
mod versions;
mod what;

use std::ffi::OsString;
use std::panic::{AssertUnwindSafe, catch_unwind};

use clap::{ColorChoice, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use error::CliError;
pub use exit::Exit;
use ui::Ui;

/// Finds leaked secrets, and keeps secrets in SOPS files
///
/// Nothing is sent anywhere, nothing found in a repository is executed, and secrets are masked in
/// everything that is printed.
#[derive(Debug, Parser)]
#[command(name = "sopup", version, propagate_version = true, max_term_width = 100, after_help = exit::HELP)]
pub struct Cli {
    /// When to use colours
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    color: ColorChoice,

    /// Say only what was found or went wrong: no notes, progress, summaries or proposals
    #[arg(short, long, global = true)]
    quiet: bool,

    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Scan(Box<scan::Args>),
    Explain(explain::Args),
    Allow(Box<allow::Args>),
    Baseline(Box<baseline::Args>),
    Hook(hook::Args),
    Lsp(Box<lsp::Args>),
    Merge(Box<merge::Args>),
    Migrate(Box<migrate::Args>),
    Verify(Box<verify::Args>),
    Purge(Box<purge::Args>),
    Fleet(Box<fleet::Args>),
    Cleanup(cleanup::Args),
    Render(render::Args),
    Run(run::Args),
    Init(sops::init::Args),
    Doctor(sops::doctor::Args),
    Encrypt(Box<sops::encrypt::Args>),
    Decrypt(sops::decrypt::Args),
    Edit(Box<sops::edit::Args>),
    Set(sops::set::Args),
    Unset(sops::unset::Args),
    Rotate(Box<rotate::Args>),
    #[command(name = "updatekeys")]
    UpdateKeys(sops::updatekeys::Args),
    #[command(name = "filestatus")]
    FileStatus(sops::filestatus::Args),
    ExecEnv(sops::exec_env::Args),
    ExecFile(sops::exec_file::Args),
    Diff(sops::diff::Args),
    #[command(name = "textconv")]
    TextConv(sops::textconv::Args),
    MergeDriver(sops::merge_driver::Args),
    Sops(sops::line::Args),
    Rules(rules::Args),
    Config(config::Args),
    #[command(alias = "completion")]
    Completions(completions::Args),
    Man(man::Args),
}

/// Parses the command line, runs the command and says how the process should end.
pub fn main() -> Exit {
    let mut words: Vec<OsString> = std::env::args_os().collect();
    if sops::line::is_called_sops(words.first()) {
        words.insert(1, OsString::from("sops"));
    }
    let cli = match parse(words) {
        Ok(cli) => cli,
        Err(exit) => return exit,
    };
    let ui = Ui::new(cli.color).quiet(cli.quiet);
    say_where_panics_are();
    catch_unwind(AssertUnwindSafe(|| run(cli.command, &ui))).unwrap_or_else(|_| {
        ui.error(&CliError::new(
            "internal error: the command did not come to its end",
            "this is a bug: please report it with the place named above and what you ran",
        ));
        Exit::Internal
    })
}

fn parse(words: Vec<OsString>) -> Result<Cli, Exit> {
    let matches = with_set_variables(whole()).try_get_matches_from(words);
    matches.and_then(|matches| Cli::from_arg_matches(&matches)).map_err(|error| {
        // Help and version are errors to clap, but not to the user.
        let exit = if error.use_stderr() { Exit::Usage } else { Exit::Clean };
        let _ = error.print();
        exit
    })
}

/// All commands; those without examples of their own have those of the command above that are about them.
fn whole() -> clap::Command {
    with_examples(Cli::command(), "sopup")
}

fn with_examples(command: clap::Command, path: &str) -> clap::Command {
    let text = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    command.mut_subcommands(|sub| {
        let path = format!("{path} {}", sub.get_name());
        let is_about = |line: &&str| {
            line.match_indices(&path).any(|(at, _)| !line[at + path.len()..].starts_with(|c: char| c.is_ascii_alphanumeric() || c == '-'))
        };
        let lines: Vec<&str> = text.lines().filter(is_about).collect();
        let inherits = sub.get_after_help().is_none() && !lines.is_empty();
        let sub = if inherits { sub.after_help(format!("Examples:\n{}", lines.join("\n"))) } else { sub };
        with_examples(sub, &path)
    })
}

/// Without the variables of the environment that are empty: they are not set.
fn with_set_variables(command: clap::Command) -> clap::Command {
    let is_empty = |arg: &clap::Arg| arg.get_env().is_some_and(|name| std::env::var_os(name).is_some_and(|value| value.is_empty()));
    let command = command.mut_args(|arg| if is_empty(&arg) { arg.env(None::<&str>) } else { arg });
    command.mut_subcommands(with_set_variables)
}

/// Runs a command that was typed as one of sops, or is a step of a clean-up.
fn run_words(words: Vec<OsString>, ui: &Ui) -> Exit {
    let program = std::env::args_os().next().unwrap_or_default();
    match parse([vec![program], words].concat()) {
        Ok(cli) => run(cli.command, ui),
        Err(exit) => exit,
    }
}

/// What a panic says may quote the text that was being read, so only its place is shown.
fn say_where_panics_are() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(|place| format!(" at {}:{}", place.file(), place.line())).unwrap_or_default();
        Ui::new(ColorChoice::Auto).note(&format!("an error of sopup{place}; please report it"));
    }));
}

fn run(command: Command, ui: &Ui) -> Exit {
    let result = match command {
        Command::Scan(args) => scan::run(&args, ui),
        Command::Explain(args) => explain::run(&args, ui),
        Command::Allow(args) => allow::run(&args, ui),
        Command::Baseline(args) => baseline::run(&args, ui),
        Command::Hook(args) => hook::run(&args, ui),
        Command::Lsp(args) => lsp::run(&args, ui),
        Command::Merge(args) => merge::run(&args, ui),
        Command::Migrate(args) => migrate::run(&args, ui),
        Command::Verify(args) => verify::run(&args, ui),
        Command::Purge(args) => purge::run(&args, ui),
        Command::Fleet(args) => fleet::run(&args, ui),
        Command::Cleanup(args) => cleanup::run(&args, ui, &|words| run_words(words, ui)),
        Command::Render(args) => render::run(&args, ui),
        Command::Run(args) => run::run(&args, ui),
        Command::Init(args) => sops::init::run(&args, ui),
        Command::Doctor(args) => sops::doctor::run(&args, ui),
        Command::Encrypt(args) => sops::encrypt::run(&args, ui),
        Command::Decrypt(args) => sops::decrypt::run(&args, ui),
        Command::Edit(args) => sops::edit::run(&args, ui),
        Command::Set(args) => sops::set::run(&args, ui),
        Command::Unset(args) => sops::unset::run(&args, ui),
        Command::Rotate(args) => rotate::run(&args, ui),
        Command::UpdateKeys(args) => sops::updatekeys::run(&args, ui),
        Command::FileStatus(args) => sops::filestatus::run(&args, ui),
        Command::ExecEnv(args) => sops::exec_env::run(&args, ui),
        Command::ExecFile(args) => sops::exec_file::run(&args, ui),
        Command::Diff(args) => sops::diff::run(&args, ui),
        Command::TextConv(args) => sops::textconv::run(&args, ui),
        Command::MergeDriver(args) => sops::merge_driver::run(&args, ui),
        Command::Sops(args) => sops::line::run(&args, ui, |words| run_words(words, ui)),
        Command::Rules(args) => rules::run(args, ui),
        Command::Config(args) => config::run(&args, ui),
        Command::Completions(args) => completions::run(&args, ui),
        Command::Man(args) => man::run(&args, ui),
    };
    result.unwrap_or_else(|error| {
        ui.error(&error);
        error.exit()
    })
}
