//! Command lines as sops takes them, made into those of sopup: `sops -d FILE`, options before the command, `sops FILE`.

mod options;

use std::ffi::{OsStr, OsString};
use std::io::Write as _;
use std::path::Path;

use clap::{Args as _, CommandFactory as _};

use super::file::keeps_format;
use crate::cli::error::CliError;
use crate::cli::ui::Ui;
use crate::cli::{Cli, Exit};
use crate::sops::metadata::VERSION;
use crate::sops::store::Format;
use options::{Known, Means, known};

/// Take a command line made for sops
///
/// Names, positions and options are those of sops 3.11: `-d`, `-e`, `-r`, `--set`, `sops FILE` to edit, options before
/// the command and after it. A program called `sops` that is a link to sopup does the same.
///
/// Different on purpose: exit codes are those of sopup. Keys are age and SSH keys; options for other kinds are refused where
/// they would encrypt for them. `publish`, `keyservice` and `groups` are refused. `--output-type` of commands that change a
/// file must be the format the file has. `exec-env` and `exec-file` run no command in the background and for no other user.
#[derive(Debug, clap::Args)]
#[command(
    disable_help_flag = true,
    disable_version_flag = true,
    after_help = "\
Examples:
  sopup sops -d -i secrets/prod.enc.yaml
  sopup sops --config other.yaml --output prod.enc.json -e prod.json
  ln -s \"$(command -v sopup)\" ~/.local/bin/sops"
)]
pub(in crate::cli) struct Args {
    /// What would follow `sops`
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "WORDS")]
    words: Vec<OsString>,
}

/// The commands of sops that sopup has under the same name.
const COMMANDS: [&str; 10] = ["encrypt", "decrypt", "rotate", "edit", "set", "unset", "exec-env", "exec-file", "updatekeys", "filestatus"];

/// Those it does not have, and why.
const REFUSED: [(&str, &str); 3] = [
    ("publish", "it puts files into S3, GCS or Vault, and sopup talks to no servers; use sops for it"),
    ("keyservice", "it lends keys to other machines, and sopup talks to no servers; use sops for it"),
    ("groups", "key groups are written into .sops.yaml (`key_groups`); `updatekeys` then brings files in line with them"),
];

/// What a command line of sops asks for.
#[derive(Debug, PartialEq)]
pub(in crate::cli) enum Asked {
    /// A command of sopup, and what is to be said before.
    Run { words: Vec<OsString>, notes: Vec<String> },
    /// The version.
    Version,
    /// Help for everything.
    Help,
    /// Completions for a shell.
    Completion(OsString),
}

/// Whether the program was called by the name of sops.
pub(in crate::cli) fn is_called_sops(program: Option<&OsString>) -> bool {
    program.is_some_and(|program| Path::new(program).file_stem() == Some(OsStr::new("sops")))
}

/// The words for sopup's own parser; `None` if there is nothing left to do.
pub(in crate::cli) fn words(args: &Args, ui: &Ui) -> Result<Option<Vec<OsString>>, CliError> {
    match asked(&args.words)? {
        Asked::Run { words, notes } => {
            notes.iter().for_each(|note| ui.note(note));
            return Ok(Some(words));
        }
        Asked::Version => print(ui, format!("sops {VERSION} (sopup {})\n", env!("CARGO_PKG_VERSION")).as_bytes())?,
        Asked::Help => {
            let mut command = Cli::command();
            let help = command.find_subcommand_mut("sops").map(|command| command.render_long_help().to_string());
            print(ui, help.unwrap_or_default().as_bytes())?;
        }
        Asked::Completion(shell) => {
            let shell = shell.to_str().and_then(|name| name.parse::<clap_complete::Shell>().ok());
            let shell = shell.ok_or_else(|| CliError::new("there are no completions for that shell", "try bash or zsh"))?;
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut completed(), "sops", &mut script);
            print(ui, &script)?;
        }
    }
    Ok(None)
}

fn print(ui: &Ui, text: &[u8]) -> Result<(), CliError> {
    let mut out = ui.stdout();
    out.write_all(text)?;
    Ok(out.flush()?)
}

/// The commands that completions know.
fn completed() -> clap::Command {
    let own = Cli::command();
    let shared = own.get_subcommands().filter(|command| COMMANDS.contains(&command.get_name()) && command.get_name() != "rotate");
    let rotate = super::rotate::Args::augment_args(clap::Command::new("rotate"));
    clap::Command::new("sops").subcommands(shared.cloned()).subcommand(rotate).subcommand(clap::Command::new("completion"))
}

/// What was typed.
#[derive(Default)]
struct Line {
    command: Option<&'static str>,
    /// Options with what they mean, those before the command marked.
    options: Vec<Typed>,
    /// File, index, value, program.
    operands: Vec<OsString>,
}

struct Typed {
    known: &'static Known,
    value: Option<OsString>,
    before_command: bool,
}

/// Reads a command line of sops.
pub(in crate::cli) fn asked(words: &[OsString]) -> Result<Asked, CliError> {
    let mut line = Line::default();
    let mut rest = words.iter();
    let mut passed = Vec::new();
    while let Some(word) = rest.next() {
        let text = word.to_string_lossy();
        let is_option = text.len() > 1 && text.starts_with('-') && text != "--";
        if !is_option {
            if let Some(done) = line.operand(word, &mut rest)? {
                return Ok(done);
            }
            continue;
        }
        let (name, glued) = split(&text);
        match (name, line.command) {
            ("h" | "help", None) => return Ok(Asked::Help),
            ("v" | "version", None) => return Ok(Asked::Version),
            _ => {}
        }
        let Some(known) = known(name) else {
            passed.push(word.clone());
            continue;
        };
        let value = match (glued, known.takes_value) {
            (Some(value), _) => Some(OsString::from(value)),
            (None, true) => Some(rest.next().cloned().ok_or_else(|| no_value(name))?),
            (None, false) => None,
        };
        // Switches of Go can be given a value.
        if known.takes_value || value.as_deref() != Some(OsStr::new("false")) {
            let before_command = line.command.is_none();
            line.options.push(Typed { known, value: value.filter(|_| known.takes_value), before_command });
        }
    }
    line.finish(passed)
}

/// Name and value of `--name=value`; Go's options may begin with one dash.
fn split(text: &str) -> (&str, Option<&str>) {
    let bare = text.strip_prefix("--").or_else(|| text.strip_prefix('-')).unwrap_or(text);
    bare.split_once('=').map_or((bare, None), |(name, value)| (name, Some(value)))
}

fn no_value(name: &str) -> CliError {
    CliError::new(format!("`{}` needs a value", options::spelled(name)), "`sops --help` describes the options")
}

impl Line {
    /// A word that is no option: the command, or something it works on.
    fn operand(&mut self, word: &OsString, rest: &mut std::slice::Iter<'_, OsString>) -> Result<Option<Asked>, CliError> {
        let text = word.to_string_lossy();
        if text == "--" {
            self.operands.extend(rest.by_ref().cloned());
        } else if self.command.is_some() || !self.operands.is_empty() {
            self.operands.push(word.clone());
            if matches!(self.command, Some("exec-env" | "exec-file")) {
                self.operands.extend(rest.by_ref().cloned());
            }
        } else if let Some(name) = COMMANDS.into_iter().find(|name| *name == text) {
            self.command = Some(name);
        } else if let Some((name, reason)) = REFUSED.into_iter().find(|(name, _)| *name == text) {
            return Err(CliError::new(format!("sopup has no `{name}`"), reason));
        } else if text == "completion" {
            return Ok(Some(Asked::Completion(rest.next().cloned().unwrap_or_default())));
        } else if matches!(&*text, "help" | "h") {
            let about = rest.next().map(|command| vec![command.clone(), OsString::from("--help")]);
            return Ok(Some(about.map_or(Asked::Help, |words| Asked::Run { words, notes: Vec::new() })));
        } else {
            self.operands.push(word.clone());
        }
        Ok(None)
    }

    fn finish(mut self, passed: Vec<OsString>) -> Result<Asked, CliError> {
        let asks_for_help = passed.iter().any(|word| word == "--help" || word == "-h");
        let Some(command) = self.command_or_mode()? else { return Ok(Asked::Help) };
        if self.operands.is_empty() && self.command.is_none() && !asks_for_help {
            return Err(CliError::new("no file is named", "name one: `sops -d FILE`"));
        }
        let accepted = accepted(command);
        let mut words = vec![OsString::from(command)];
        let mut notes = Vec::new();
        self.check_output_type(command)?;
        for typed in &self.options {
            match typed.known.means {
                Means::Same if typed.before_command && !accepted.iter().any(|name| name == typed.name()) => {}
                Means::Same => typed.put(&mut words),
                Means::Mode(_) | Means::Nothing => {}
                Means::Set => self.operands.extend(set_operands(typed.value.as_deref().unwrap_or_default())?),
                Means::Note(why) => notes.push(format!("`{}` has no effect: {why}", options::spelled(typed.name()))),
                Means::ForeignKeys => match command {
                    "encrypt" | "rotate" => return Err(typed.refused(options::FOREIGN_KEYS)),
                    "edit" => notes.push(format!("`{}` has no effect: {}", options::spelled(typed.name()), options::FOREIGN_KEYS)),
                    _ => {}
                },
                Means::Refused(why) => return Err(typed.refused(why)),
            }
        }
        let named = |name: &str| self.options.iter().any(|typed| typed.name() == name);
        if command == "set" && self.operands.len() > 2 && !named("value-file") && !named("value-stdin") {
            words.push(OsString::from("--value-typed"));
        }
        if command == "encrypt" {
            words.push(OsString::from("--only-plain"));
        }
        words.extend(passed);
        if !self.operands.is_empty() {
            words.push(OsString::from("--"));
        }
        words.append(&mut self.operands);
        Ok(Asked::Run { words, notes })
    }

    /// The command, named or by an option as in older versions: without either, the file is edited.
    fn command_or_mode(&self) -> Result<Option<&'static str>, CliError> {
        if self.command.is_some() {
            return Ok(self.command);
        }
        let mode = |typed: &Typed| match typed.known.means {
            Means::Mode(command) => Some(command),
            Means::Set => Some("set"),
            _ => None,
        };
        let mut modes: Vec<&'static str> = self.options.iter().filter_map(mode).collect();
        modes.dedup();
        match modes.as_slice() {
            [] if self.operands.is_empty() && self.options.is_empty() => Ok(None),
            [] => Ok(Some("edit")),
            [command] => Ok(Some(command)),
            _ => Err(CliError::new("more than one of --encrypt, --decrypt, --rotate and --set", "keep one of them")),
        }
    }

    /// A file that is changed keeps its format: under its name it could not be read as another. `set --idempotent` may have
    /// nothing to change, and looks itself.
    fn check_output_type(&mut self, command: &str) -> Result<(), CliError> {
        if !matches!(command, "set" | "unset" | "edit" | "rotate") {
            return Ok(());
        }
        let value = |name: &str| self.options.iter().rev().find(|typed| typed.name() == name).and_then(|typed| typed.value.clone());
        let Some(wanted) = value("output-type") else { return Ok(()) };
        let decides_later = command == "set" && self.options.iter().any(|typed| typed.name() == "idempotent");
        let file = value("filename-override").or_else(|| self.operands.first().cloned()).unwrap_or_default();
        let named = value("input-type").and_then(|name| Format::from_name(&name.to_string_lossy()));
        let format = named.unwrap_or_else(|| Format::from_path(&file.to_string_lossy()));
        if Format::from_name(&wanted.to_string_lossy()) != Some(format) {
            return if decides_later { Ok(()) } else { Err(keeps_format(command)) };
        }
        self.options.retain(|typed| typed.name() != "output-type");
        Ok(())
    }
}

impl Typed {
    fn name(&self) -> &'static str {
        self.known.names[0]
    }

    fn put(&self, words: &mut Vec<OsString>) {
        let mut word = OsString::from(format!("--{}", self.name()));
        if let Some(value) = &self.value {
            word.push("=");
            word.push(value);
        }
        words.push(word);
    }

    fn refused(&self, why: &str) -> CliError {
        CliError::new(format!("`{}` is not for sopup", options::spelled(self.name())), why)
    }
}

/// The long options of one of sopup's commands.
fn accepted(command: &str) -> Vec<String> {
    let own = Cli::command();
    let found = own.find_subcommand(command);
    found.into_iter().flat_map(clap::Command::get_arguments).filter_map(|arg| arg.get_long().map(str::to_owned)).collect()
}

/// Index and value of `--set '["key"] "value"'`.
fn set_operands(text: &OsStr) -> Result<[OsString; 2], CliError> {
    let text = text.to_str().and_then(|text| text.split_once("] "));
    let (index, value) =
        text.ok_or_else(|| CliError::new("`--set` needs an index and a value", "for instance --set '[\"key\"] \"value\"'"))?;
    Ok([OsString::from(format!("{index}]")), OsString::from(value)])
}

/// Runs what a command line of sops means.
pub(in crate::cli) fn run(args: &Args, ui: &Ui, run: impl FnOnce(Vec<OsString>) -> Exit) -> Result<Exit, CliError> {
    Ok(words(args, ui)?.map_or(Exit::Clean, run))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The words for sopup, joined by blanks.
    fn made_of(line: &str) -> String {
        let words: Vec<OsString> = line.split_whitespace().map(OsString::from).collect();
        match asked(&words) {
            Ok(Asked::Run { words, .. }) => words.iter().map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" "),
            Ok(other) => format!("{other:?}"),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn lines_of_sops_become_lines_of_sopup() {
        for (typed, made) in [
            ("-d f", "decrypt -- f"),
            ("f", "edit -- f"),
            ("--verbose -e -i --age=x f", "encrypt --in-place --age=x --only-plain -- f"),
            ("-d f --output o", "decrypt --output=o -- f"),
            ("-config c decrypt f", "decrypt --config=c -- f"),
            ("--config c decrypt --extract p f", "decrypt --config=c --extract=p -- f"),
            ("-d --age x --kms y f", "decrypt -- f"),
            ("--in-place=false -d f", "decrypt -- f"),
            ("decrypt", "decrypt"),
            ("set f i v", "set --value-typed -- f i v"),
            ("set --value-file f i v", "set --value-file -- f i v"),
            ("exec-env --pristine f cmd --verbose", "exec-env --pristine -- f cmd --verbose"),
            ("decrypt --nonsense f", "decrypt --nonsense -- f"),
            ("set --output-type yaml f.yaml i v", "set --value-typed -- f.yaml i v"),
            ("set --output-type json --idempotent f.yaml i v", "set --output-type=json --idempotent --value-typed -- f.yaml i v"),
            ("--version", "Version"),
            ("", "Help"),
        ] {
            assert_eq!(made_of(typed), made, "sops {typed}");
        }
        for refused in ["publish f", "encrypt --kms x f", "-e -d f", "-d", "set --output-type json f.yaml i v", "exec-env --user u f c"] {
            let made = made_of(refused);
            assert!(!made.contains(" -- "), "sops {refused}: {made}");
        }
    }
}
