//! `sopup rotate`.

use super::IgnoreMac;
use super::file::{Input, Output, read_held, store};
use super::keys::Keys;
use super::now;
use super::rules::{ConfigArg, note_mixed};
use crate::cli::Exit;
use crate::cli::error::CliError;
use crate::cli::ui::Ui;
use crate::file::Access;
use crate::sops::creation_rule::recipient_list;
use crate::sops::metadata::Metadata;
use crate::sops::ops::{self, Editor, NewPlain};
use crate::sops::plugin::ProgramPlugins;
use crate::sops::recipient::{Recipient, short};
use crate::sops::store::Store;

/// Encrypt a SOPS file anew under a new data key
///
/// Whoever could decrypt older versions and kept them still can; change the values themselves if that matters.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: sopup rotate --in-place --rm-age age1… --add-age age1… prod.enc.yaml")]
pub(in crate::cli) struct Args {
    #[command(flatten)]
    input: Input,

    #[command(flatten)]
    output: Output,

    /// Let these age recipients decrypt it too, separated by commas
    #[arg(long, value_name = "RECIPIENTS")]
    add_age: Option<String>,

    /// Lock these age recipients out, separated by commas
    #[arg(long, value_name = "RECIPIENTS")]
    rm_age: Option<String>,

    #[command(flatten)]
    mac: IgnoreMac,

    #[command(flatten)]
    config: ConfigArg,
}

pub(in crate::cli) fn run(args: &Args, ui: &Ui) -> Result<Exit, CliError> {
    let list = |text: &Option<String>| text.as_deref().map(recipient_list).transpose().map(Option::unwrap_or_default);
    let (add, remove) = (list(&args.add_age)?, list(&args.rm_age)?);
    let (name, format) = args.input.resolve()?;
    let mut held = args.output.hold(&args.input)?;
    let bytes = match &mut held {
        Some(held) => read_held(held)?,
        None => args.input.read()?,
    };
    let store = store(format, args.config.style(&name, ui)?);
    let before = readers(&*store, &bytes);
    for recipient in remove.iter().filter(|recipient| !before.contains(recipient)) {
        ui.note(&format!("{} could not decrypt the file before either", short(recipient.as_str())));
    }
    let now = now();
    let rotated = Keys::find().open(ui, |keyring| {
        let editor = Editor { keyring, plugins: &ProgramPlugins, now: &now, mac_check: args.mac.check(), new_plain: NewPlain::Allow };
        ops::rotate(&*store, &bytes, &add, &remove, &editor)
    })?;
    note_mixed(&readers(&*store, &rotated), ui);
    args.output.write(held, &rotated, Access::KeptOrShared, ui)?;
    Ok(Exit::Clean)
}

/// The age recipients of a file, as far as it can be read.
fn readers(store: &dyn Store, bytes: &[u8]) -> Vec<Recipient> {
    let fields = store.read_encrypted(bytes).ok().and_then(|source| source.metadata);
    let Some(Ok(metadata)) = fields.map(Metadata::parse) else { return Vec::new() };
    let keys = metadata.key_groups().iter().flat_map(|group| &group.age);
    keys.filter_map(|key| Recipient::parse(&key.recipient).ok()).collect()
}
