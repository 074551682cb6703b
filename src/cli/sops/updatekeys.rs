//! `sopup updatekeys`.

use std::path::{Path, PathBuf};

use super::file::{InputType, hold, read_held, store};
use super::key_programs::SopsArg;
use super::keys::Keys;
use super::now;
use super::rules::{ConfigArg, note_mixed};
use crate::cli::Exit;
use crate::cli::error::CliError;
use crate::cli::ui::Ui;
use crate::file::Access;
use crate::sops::keyring::Keyring;
use crate::sops::ops::{self, DataKeyFate, Editor, KeyChange, MacCheck, NewPlain, OnRemoval};
use crate::sops::plugin::Plugins;
use crate::sops::recipient::short;
use crate::sops::timestamp::Timestamp;

/// Let those decrypt SOPS files whom .sops.yaml names, and nobody else
///
/// If that locks somebody out, the values are encrypted anew under a new data key: who kept the old one could go on reading
/// the file. sops keeps it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: sopup updatekeys --yes secrets/*.enc.yaml")]
pub(in crate::cli) struct Args {
    /// The files
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,

    /// Do not ask
    #[arg(short, long)]
    yes: bool,

    /// Keep the data key even if somebody is locked out, as sops does
    #[arg(long)]
    keep_data_key: bool,

    #[command(flatten)]
    sops: SopsArg,

    #[command(flatten)]
    input_type: InputType,

    #[command(flatten)]
    config: ConfigArg,
}

pub(in crate::cli) fn run(args: &Args, ui: &Ui) -> Result<Exit, CliError> {
    let mut keys = Keys::find();
    for file in &args.files {
        update(file, args, &mut keys, ui).map_err(|error| error.about(file))?;
    }
    Ok(Exit::Clean)
}

fn update(file: &Path, args: &Args, keys: &mut Keys, ui: &Ui) -> Result<(), CliError> {
    let rules = args.config.find(file, ui)?;
    let rule = match &rules {
        Some(rules) => rules.rule_for(file)?,
        None => None,
    };
    let (Some(rules), Some(rule)) = (&rules, rule) else {
        return Err(CliError::new(
            "no .sops.yaml with creation rules was found",
            "`sopup init` writes one; `sopup rotate --add-age --rm-age` changes recipients without one",
        ));
    };
    let mut held = hold(file)?;
    let bytes = read_held(&mut held)?;
    let store = store(args.input_type.of(file), args.config.layout(Some(rules)));
    let on_removal = if args.keep_data_key { OnRemoval::Keep } else { OnRemoval::Rotate };
    let now = now();
    let programs = args.sops.programs(ui)?;
    let audience = &rule.audience;
    let change = keys.open(ui, |keyring| ops::key_change(&*store, &bytes, audience, on_removal, &editor(keyring, &programs, &now)))?;
    let Some(change) = change else {
        ui.note(&format!("{} is up to date", file.display()));
        return Ok(());
    };
    let shown = summary(file, &change);
    ui.note(&shown);
    note_mixed(audience.groups.iter().flatten(), ui);
    // Before anybody is given the data key, and be it in vain.
    match if args.yes { Some(true) } else { agrees(&shown, ui) } {
        Some(true) => {}
        Some(false) => {
            ui.note(&format!("{} stays as it is", file.display()));
            return Ok(());
        }
        None => return Err(CliError::new("there is nobody to confirm the change", "look at it above, then say `--yes`")),
    }
    let update = keys.open(ui, |keyring| ops::update_keys(&*store, &bytes, audience, on_removal, &editor(keyring, &programs, &now)))?;
    update.file.map_or(Ok(()), |new| Ok(held.replace(&new, Access::KeptOrShared)?))
}

/// Whoever changes recipients; a broken MAC is not made whole, and values stay as they are.
pub(super) fn editor<'a>(keyring: &'a Keyring, plugins: &'a dyn Plugins, now: &'a Timestamp) -> Editor<'a> {
    Editor { keyring, plugins, now, mac_check: MacCheck::Required, new_plain: NewPlain::Allow }
}

/// Whether somebody on the terminal agrees to what was shown; `None` if there is nobody.
pub(super) fn agrees(shown: &str, ui: &Ui) -> Option<bool> {
    // What is asked about is no note that `--quiet` leaves out.
    let shown = if ui.is_quiet() { format!("{shown}\n") } else { String::new() };
    let answer = ui.ask(&format!("{shown}Is this right? [y/N]"))?;
    Some(matches!(answer.to_ascii_lowercase().as_str(), "y" | "yes"))
}

/// What a change of keys does, for whoever is to agree to it.
pub(super) fn summary(file: &Path, change: &KeyChange) -> String {
    let mut text = format!("{}:", file.display());
    change.added.iter().for_each(|recipient| text.push_str(&format!("\n+ {}", short(recipient))));
    change.removed.iter().for_each(|recipient| text.push_str(&format!("\n- {}", short(recipient))));
    if change.added.is_empty() && change.removed.is_empty() {
        text.push_str("\nthe same recipients in other groups or another order");
    }
    match (change.data_key, change.removed.is_empty()) {
        (DataKeyFate::Replaced, _) => {
            text.push_str("\nthe data key is replaced; older versions stay readable to those removed, so change values that matter");
        }
        (DataKeyFate::Kept, false) => {
            text.push_str("\nTHE DATA KEY IS KEPT: whoever of those removed saved it can read this file and all its later versions");
        }
        (DataKeyFate::Kept, true) => {}
    }
    text
}
