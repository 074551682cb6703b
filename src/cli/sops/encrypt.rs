//! `sopup encrypt`.

use super::file::{FormatArg, Input, Output, read_held, store};
use super::key_programs::SopsArg;
use super::keys::Keys;
use super::rules::{ConfigArg, PlanArgs};
use crate::cli::Exit;
use crate::cli::error::CliError;
use crate::cli::ui::Ui;
use crate::file::Access;
use crate::sops::ops::{self, EncryptError, FileStatus};
use crate::sops::store::{Format, Store};

/// The exit code of sops for a file that is encrypted already.
const ENCRYPTED_ALREADY: u8 = 203;

/// Encrypt the values of a file, as sops does
///
/// Keys, comments outside of encrypted places and the layout of YAML files stay as they are. Who can decrypt is said by
/// the creation rules of .sops.yaml or by `--age`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  sopup encrypt --in-place secrets/prod.enc.yaml
  sopup encrypt --age age1… --encrypted-regex '^(data|stringData)$' secret.yaml > secret.enc.yaml
  generate-config | sopup encrypt --filename-override app.enc.json > app.enc.json")]
pub(in crate::cli) struct Args {
    #[command(flatten)]
    input: Input,

    #[command(flatten)]
    output: Output,

    /// Format of the result; without, that of the input
    #[arg(long, value_enum, value_name = "FORMAT")]
    output_type: Option<FormatArg>,

    /// End with 203 if the file is encrypted already, as scripts made for sops expect
    #[arg(long, hide = true)]
    only_plain: bool,

    #[command(flatten)]
    plan: PlanArgs,

    #[command(flatten)]
    sops: SopsArg,

    #[command(flatten)]
    config: ConfigArg,
}

pub(in crate::cli) fn run(args: &Args, ui: &Ui) -> Result<Exit, CliError> {
    let (name, format) = args.input.resolve()?;
    let mut held = args.output.hold(&args.input)?;
    let plain = match &mut held {
        Some(held) => read_held(held)?,
        None => args.input.read()?,
    };
    let rules = args.config.find(&name, ui)?;
    let style = args.config.layout(rules.as_ref());
    let target = args.output_type.map_or(format, Format::from);
    let (from, to) = (store(format, style), store(target, style));
    // sops fails here; a second run changing nothing is more use.
    if ops::file_status(&*from, &plain).is_ok_and(|status| status == FileStatus::Encrypted) {
        if args.only_plain {
            return Err(CliError::from(EncryptError::AlreadyEncrypted).about(&name).exiting(Exit::Child(ENCRYPTED_ALREADY)));
        }
        ui.note(&format!("{} is encrypted already; `sopup updatekeys` changes who can decrypt it", name.display()));
        if held.is_none() {
            args.output.write(None, &plain, Access::KeptOrShared, ui)?;
        }
        return Ok(Exit::Clean);
    }
    let programs = args.sops.programs(ui)?;
    let plan = args.plan.plan(rules.as_ref(), &name, target, &programs)?;
    let converted = if format == target { None } else { Some(to.write(&from.read_plain(&plain)?.tree, None, None)?) };
    let plain = converted.as_ref().unwrap_or(&plain);
    let encrypted = ops::encrypt(&*to, plain, &plan, &programs)?;
    if held.is_some() {
        check(&*to, plain, &encrypted, ui)?;
    }
    args.output.write_sealed(held, &encrypted, ui)?;
    Ok(Exit::Clean)
}

/// Before the plain text goes: does the result decrypt to it? Only where the user has a key.
fn check(store: &dyn Store, plain: &[u8], encrypted: &[u8], ui: &Ui) -> Result<(), CliError> {
    match ops::open(store, encrypted, Keys::find().keyring()) {
        Ok(opened) if opened.mac.is_ok() && store.read_plain(plain).is_ok_and(|source| source.tree == opened.tree) => Ok(()),
        Err(ops::DecryptError::Open(_)) => {
            ui.note("no identity of yours can decrypt it; make sure that somebody has one");
            Ok(())
        }
        _ => Err(CliError::new("the encrypted file would not decrypt to what it was made of", "nothing was written; please report this")),
    }
}
