//! `sopup edit`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use zeroize::Zeroizing;

use super::IgnoreMac;
use super::child::Shelter;
use super::file::{InputType, hold, read, read_held, store};
use super::key_programs::SopsArg;
use super::keys::{Keys, variable};
use super::now;
use super::rules::{ConfigArg, PlanArgs};
use crate::cli::Exit;
use crate::cli::error::CliError;
use crate::cli::ui::Ui;
use crate::file::{Access, FileError, Held, create};
use crate::secret::Secret;
use crate::sops::identity_source::split_words;
use crate::sops::ops::{self, EditError, Editor, NewPlain};
use crate::sops::plugin::ProgramPlugins;
use crate::sops::store::{Format, Store};

/// Edit the values of a SOPS file in your editor
///
/// The editor is SOPS_EDITOR, else EDITOR. It works on a copy in memory, readable by you alone, that is wiped afterwards.
/// What did not change keeps its ciphertext. A file that does not exist is made by the rules of .sops.yaml.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: sopup edit secrets/prod.enc.yaml")]
pub(in crate::cli) struct Args {
    /// The file
    file: PathBuf,

    #[command(flatten)]
    input_type: InputType,

    #[command(flatten)]
    mac: IgnoreMac,

    #[command(flatten)]
    plan: PlanArgs,

    #[command(flatten)]
    sops: SopsArg,

    #[command(flatten)]
    config: ConfigArg,
}

/// What is edited.
enum Subject {
    /// A file that is there, held so that no other sopup changes it meanwhile.
    Old { held: Held<'static>, bytes: Zeroizing<Vec<u8>>, keys: Keys },
    /// One to be made.
    New(Box<ops::Plan>),
}

pub(in crate::cli) fn run(args: &Args, ui: &Ui) -> Result<Exit, CliError> {
    let format = args.input_type.of(&args.file);
    let store = store(format, args.config.style(&args.file, ui)?);
    let (mut subject, plain) = begin(args, &*store, ui)?;
    let shelter = Shelter::new(ui)?;
    let name = args.file.file_name().map(|name| name.to_string_lossy().into_owned());
    let copy = shelter.write(&name.unwrap_or_else(|| "plain".to_owned()), plain.expose())?;
    let mut new_plain = if args.plan.allow_plain { NewPlain::Allow } else { NewPlain::Refuse };
    loop {
        open_editor(&shelter, &copy)?;
        let edited = Secret::new(std::mem::take(&mut *read(&copy)?));
        if edited == plain {
            let outcome = match subject {
                Subject::Old { .. } => "stays as it is",
                Subject::New(_) => "was not made",
            };
            ui.note(&format!("nothing was changed; {} {outcome}", args.file.display()));
            return Ok(Exit::Clean);
        }
        let result = match &mut subject {
            Subject::Old { bytes, keys, .. } => {
                let now = now();
                let mut replace = |new_plain| {
                    keys.open(ui, |keyring| {
                        let editor = Editor { keyring, plugins: &ProgramPlugins, now: &now, mac_check: args.mac.check(), new_plain };
                        match ops::replace(&*store, bytes, edited.expose(), &editor) {
                            Err(EditError::StaysPlain { paths, .. }) if asks_about(&paths, ui) => Ok(None),
                            done => done.map(Some),
                        }
                    })
                };
                match replace(new_plain) {
                    Ok(None) => {
                        new_plain = NewPlain::Allow;
                        replace(new_plain).map(Option::unwrap_or_default)
                    }
                    done => done.map(Option::unwrap_or_default),
                }
            }
            Subject::New(plan) => ops::encrypt(&*store, edited.expose(), plan, &args.sops.programs(ui)?).map_err(CliError::from),
        };
        match result {
            Ok(encrypted) => return finish(subject, &args.file, &encrypted),
            Err(error) => {
                ui.error(&error);
                let answer = ui.ask("Enter opens the editor again, `q` gives the changes up:");
                if answer.is_none_or(|answer| answer.eq_ignore_ascii_case("q")) {
                    return Err(CliError::new("the changes were not saved", "nothing was written"));
                }
            }
        }
    }
}

/// Whether new values may stay plain; somebody must say so.
fn asks_about(paths: &[String], ui: &Ui) -> bool {
    let answer = ui.ask(&format!("{} would stay plain text in the file. Is that meant? [y/N]", paths.join(", ")));
    answer.is_some_and(|answer| matches!(answer.to_ascii_lowercase().as_str(), "y" | "yes"))
}

fn begin(args: &Args, store: &dyn Store, ui: &Ui) -> Result<(Subject, Secret), CliError> {
    if std::fs::symlink_metadata(&args.file).is_err() {
        let format = args.input_type.of(&args.file);
        let rules = args.config.find(&args.file, ui)?;
        let plan = args.plan.plan(rules.as_ref(), &args.file, format, &args.sops.programs(ui)?)?;
        return Ok((Subject::New(Box::new(plan)), Secret::new(example(format).to_vec())));
    }
    let mut held = hold(&args.file)?;
    let bytes = read_held(&mut held)?;
    let mut keys = Keys::find();
    let plain = keys.open(ui, |keyring| ops::decrypt(store, &bytes, keyring, args.mac.check()))?;
    Ok((Subject::Old { held, bytes, keys }, Secret::new(plain)))
}

/// What a new file starts with.
const fn example(format: Format) -> &'static [u8] {
    match format {
        Format::Yaml => b"# Put your values in the place of this one.\nexample: value\n",
        Format::Json => b"{\n\t\"example\": \"value\"\n}\n",
        Format::Dotenv => b"EXAMPLE=value\n",
        Format::Ini => b"[section]\nexample = value\n",
        Format::Binary => b"",
    }
}

fn finish(subject: Subject, file: &Path, encrypted: &[u8]) -> Result<Exit, CliError> {
    match subject {
        Subject::New(_) => create(file, encrypted, Access::KeptOrShared)?,
        Subject::Old { held, .. } => match held.replace(encrypted, Access::KeptOrShared) {
            Err(error @ FileError::Changed(_)) => return Err(keep_beside(file, encrypted, &error)),
            done => done?,
        },
    }
    Ok(Exit::Clean)
}

/// Another program changed the file while it was edited: neither version is lost.
fn keep_beside(file: &Path, encrypted: &[u8], error: &FileError) -> CliError {
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    let end = file.extension().map(|end| format!(".{}", end.to_string_lossy())).unwrap_or_default();
    let beside = file.with_file_name(format!("{stem}.edited{end}"));
    match create(&beside, encrypted, Access::KeptOrShared) {
        Ok(()) => CliError::new(
            error.to_string(),
            format!("your version is in {}, encrypted; put the two together with `sopup edit`", beside.display()),
        ),
        Err(second) => CliError::new(format!("{error}; {second}"), "your changes were not saved; edit the file again"),
    }
}

fn open_editor(shelter: &Shelter, copy: &Path) -> Result<(), CliError> {
    let words = editor()?;
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]).arg(copy);
    let status = shelter.run(&mut command).map_err(|error| {
        CliError::new(format!("cannot run the editor {}: {error}", words[0].to_string_lossy()), "name one in SOPS_EDITOR or EDITOR")
    })?;
    if status.success() {
        return Ok(());
    }
    Err(CliError::new(format!("the editor failed ({status})"), "nothing was written"))
}

/// The user's editor, else the first of a few that is there.
fn editor() -> Result<Vec<OsString>, CliError> {
    let named = ["SOPS_EDITOR", "EDITOR"].into_iter().find_map(|name| variable(name).filter(|value| !value.trim().is_empty()));
    if let Some(line) = named {
        let words = split_words(&line)
            .ok_or_else(|| CliError::new("the editor is not a valid command line", "check the quotes in SOPS_EDITOR and EDITOR"))?;
        return Ok(words.into_iter().map(OsString::from).collect());
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let is_there = |name: &&str| std::env::split_paths(&path).any(|folder| folder.join(name).is_file());
    let found = ["vim", "nano", "vi"].into_iter().find(is_there);
    let name = found.ok_or_else(|| CliError::new("there is no editor", "name one in SOPS_EDITOR or EDITOR"))?;
    Ok(vec![OsString::from(name)])
}
