//! `sopup unset`.

use std::path::PathBuf;

use super::IgnoreMac;
use super::file::{InputType, hold, read_held, store};
use super::keys::Keys;
use super::now;
use super::rules::ConfigArg;
use crate::cli::Exit;
use crate::cli::error::CliError;
use crate::cli::ui::Ui;
use crate::file::Access;
use crate::sops::ops::{self, Editor, NewPlain};
use crate::sops::path::TreePath;
use crate::sops::plugin::ProgramPlugins;

/// Remove one value of a SOPS file
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: sopup unset prod.enc.yaml '[\"database\"][\"password\"]'")]
pub(in crate::cli) struct Args {
    /// The file
    file: PathBuf,

    /// Where the value stands: `["key"]["key"][0]`
    index: String,

    /// Do nothing if there is no such value
    #[arg(long)]
    idempotent: bool,

    #[command(flatten)]
    input_type: InputType,

    #[command(flatten)]
    mac: IgnoreMac,

    #[command(flatten)]
    config: ConfigArg,
}

pub(in crate::cli) fn run(args: &Args, ui: &Ui) -> Result<Exit, CliError> {
    let path = TreePath::parse(&args.index)?;
    let mut held = hold(&args.file)?;
    let bytes = read_held(&mut held)?;
    let store = store(args.input_type.of(&args.file), args.config.style(&args.file, ui)?);
    let mut keys = Keys::find();
    if args.idempotent {
        let old = keys.open(ui, |keyring| ops::open(&*store, &bytes, keyring))?;
        if path.find(&old.tree).is_err() {
            return Ok(Exit::Clean);
        }
    }
    let now = now();
    let changed = keys.open(ui, |keyring| {
        let editor = Editor { keyring, plugins: &ProgramPlugins, now: &now, mac_check: args.mac.check(), new_plain: NewPlain::Allow };
        ops::unset(&*store, &bytes, &path, &editor)
    })?;
    held.replace(&changed, Access::KeptOrShared)?;
    Ok(Exit::Clean)
}
