//! `sopup set`.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::IgnoreMac;
use super::file::{FormatArg, InputType, hold, keeps_format, read, read_held, store};
use super::keys::Keys;
use super::merge_driver::stage;
use super::now;
use super::rules::ConfigArg;
use crate::cli::Exit;
use crate::cli::error::CliError;
use crate::cli::ui::Ui;
use crate::file::{Access, Held};
use crate::secret::Secret;
use crate::sops::ops::{self, Editor, MacCheck, NewPlain};
use crate::sops::path::TreePath;
use crate::sops::plugin::ProgramPlugins;
use crate::sops::store::{Format, Store, json};
use crate::sops::tree::{Node, Scalar};

/// Set one value of a SOPS file
///
/// The value is JSON, as in sops: a text stands in quotes. It comes from standard input, from a file, or is asked for; it is
/// not taken from the command line, which other users of the machine can see.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  sopup set prod.enc.yaml '[\"database\"][\"password\"]'             asks for the text
  pwgen 32 1 | sopup set --string --value-stdin prod.enc.yaml '[\"token\"]'
  echo '{\"host\": \"db\", \"port\": 5432}' | sopup set --value-stdin prod.enc.yaml '[\"database\"]'
  sopup set --string --value-file prod.enc.yaml '[\"tls\"][\"key\"]' server.key
  sopup set --theirs prod.enc.yaml '[\"token\"]'                     settles a conflict of `sopup merge-driver`")]
pub(in crate::cli) struct Args {
    /// The file
    file: PathBuf,

    /// Where the value goes: `["key"]["key"][0]`
    index: String,

    /// With `--value-file`: the file that holds the value
    #[arg(value_name = "VALUE_FILE")]
    value: Option<PathBuf>,

    /// Read the value from the file that is named last
    #[arg(long, requires = "value", conflicts_with = "value_stdin")]
    value_file: bool,

    /// Read the value from standard input
    #[arg(long)]
    value_stdin: bool,

    /// For lines made for sops: what is named last is the value itself
    #[arg(long, hide = true, requires = "value", conflicts_with_all = ["value_stdin", "value_file"])]
    value_typed: bool,

    /// The value is a text as it is, not JSON; one line feed at its end is dropped
    #[arg(long)]
    string: bool,

    /// In a merge that is not settled: take what their version of the file has there, or has not
    #[arg(long, conflicts_with_all = ["value", "value_stdin", "string"])]
    theirs: bool,

    /// Write nothing if the file has that value already
    #[arg(long)]
    idempotent: bool,

    /// Set the value even if the selector of the file leaves it plain
    #[arg(long)]
    allow_plain: bool,

    /// For lines made for sops: the format to write, and so an error if something is to be written
    #[arg(long, hide = true, requires = "idempotent")]
    output_type: Option<FormatArg>,

    #[command(flatten)]
    input_type: InputType,

    #[command(flatten)]
    mac: IgnoreMac,

    #[command(flatten)]
    config: ConfigArg,
}

pub(in crate::cli) fn run(args: &Args, ui: &Ui) -> Result<Exit, CliError> {
    let path = TreePath::parse(&args.index)?;
    if args.theirs {
        return take_theirs(args, &path, ui);
    }
    let value = value(args, ui)?;
    let mut held = hold(&args.file)?;
    let bytes = read_held(&mut held)?;
    let store = store(args.input_type.of(&args.file), args.config.style(&args.file, ui)?);
    let mut keys = Keys::find();
    if args.idempotent {
        let old = keys.open(ui, |keyring| ops::open(&*store, &bytes, keyring))?;
        if path.find(&old.tree).is_ok_and(|node| *node == value) {
            return Ok(Exit::Clean);
        }
    }
    if args.output_type.is_some_and(|wanted| Format::from(wanted) != args.input_type.of(&args.file)) {
        return Err(keeps_format("set"));
    }
    let new_plain = if args.allow_plain { NewPlain::Allow } else { NewPlain::Refuse };
    let change = Change { path: &path, value: Some(&value), mac_check: args.mac.check(), new_plain };
    change.make(held, &bytes, &*store, &mut keys, ui)?;
    Ok(Exit::Clean)
}

/// Puts the value of their version in the place of ours, or removes ours if theirs has none.
fn take_theirs(args: &Args, path: &TreePath, ui: &Ui) -> Result<Exit, CliError> {
    let mut held = hold(&args.file)?;
    let bytes = read_held(&mut held)?;
    let Some(theirs) = stage(3, &args.file)? else {
        return Err(CliError::new(
            format!("git has no version of {} called theirs", args.file.display()),
            "`--theirs` settles a merge: it works until `git add` or `git commit` has settled it",
        ));
    };
    let store = store(args.input_type.of(&args.file), args.config.style(&args.file, ui)?);
    let mut keys = Keys::find();
    let [theirs, ours] = [&theirs, &bytes].map(|bytes| keys.open(ui, |keyring| ops::open(&*store, bytes, keyring)));
    let (theirs, ours) = (theirs?, ours?);
    // What stands plain in their version may stand plain here, if the same selector says so.
    let same_selector = theirs.metadata.selector() == ours.metadata.selector();
    let new_plain = if args.allow_plain || same_selector { NewPlain::Allow } else { NewPlain::Refuse };
    if args.mac.check() == MacCheck::Required {
        theirs.mac.map_err(ops::DecryptError::Mac)?;
    }
    let value = path.find(&theirs.tree).ok();
    if value.is_none() && path.find(&ours.tree).is_err() {
        return Ok(Exit::Clean);
    }
    let change = Change { path, value, mac_check: args.mac.check(), new_plain };
    change.make(held, &bytes, &*store, &mut keys, ui)?;
    Ok(Exit::Clean)
}

/// Puts a text in the place of a value, as `sopup set --string` does.
pub(in crate::cli) fn put_text(file: &Path, path: &TreePath, text: &str, keys: &mut Keys, ui: &Ui) -> Result<(), CliError> {
    let mut held = hold(file)?;
    let bytes = read_held(&mut held)?;
    let store = store(Format::from_path(&file.to_string_lossy()), ConfigArg::of_environment().style(file, ui)?);
    let change = Change { path, value: Some(&Node::text(text)), mac_check: MacCheck::Required, new_plain: NewPlain::Refuse };
    change.make(held, &bytes, &*store, keys, ui)
}

/// A new value for a place, or none.
struct Change<'a> {
    path: &'a TreePath,
    value: Option<&'a Node>,
    mac_check: MacCheck,
    new_plain: NewPlain,
}

impl Change<'_> {
    fn make(&self, held: Held, bytes: &[u8], store: &dyn Store, keys: &mut Keys, ui: &Ui) -> Result<(), CliError> {
        let now = now();
        let changed = keys.open(ui, |keyring| {
            let editor = Editor { keyring, plugins: &ProgramPlugins, now: &now, mac_check: self.mac_check, new_plain: self.new_plain };
            match self.value {
                Some(value) => ops::set(store, bytes, self.path, value.clone(), &editor),
                None => ops::unset(store, bytes, self.path, &editor),
            }
        })?;
        Ok(held.replace(&changed, Access::KeptOrShared)?)
    }
}

/// A text from standard input or from whoever is asked; `None` if there is nobody.
pub(in crate::cli) fn new_text(from_stdin: bool, question: &str, ui: &Ui) -> Result<Option<Secret>, CliError> {
    if !from_stdin {
        return Ok(ui.ask_secret(question));
    }
    let mut bytes = Zeroizing::new(Vec::new());
    std::io::stdin().lock().read_to_end(&mut bytes)?;
    let text = std::str::from_utf8(&bytes).map_err(|_| not_text())?;
    Ok(Some(Secret::new(without_end(text).as_bytes().to_vec())))
}

fn without_end(text: &str) -> &str {
    text.strip_suffix('\n').map_or(text, |text| text.strip_suffix('\r').unwrap_or(text))
}

fn not_text() -> CliError {
    CliError::new("the value is not UTF-8 text", "encode it, for instance with base64")
}

fn value(args: &Args, ui: &Ui) -> Result<Node, CliError> {
    let bytes = match &args.value {
        Some(file) if args.value_file => read(file)?,
        Some(typed) if args.value_typed => {
            ui.note(
                "the value stood on the command line, where other users and the shell's history see it; `--value-stdin` reads it unseen",
            );
            Zeroizing::new(typed.as_os_str().as_encoded_bytes().to_vec())
        }
        Some(_) => {
            return Err(CliError::new(
                "the value stands on the command line, where other users and the shell's history see it",
                "give it with `--value-stdin` or `--value-file`, or leave it out to be asked; if it was a secret, consider it seen",
            ));
        }
        None if args.value_stdin => {
            let mut bytes = Zeroizing::new(Vec::new());
            std::io::stdin().lock().read_to_end(&mut bytes)?;
            bytes
        }
        None => {
            let answer = ui.ask_secret(&format!("Value for {}: ", args.index));
            let text = answer.ok_or_else(|| CliError::new("there is no value", "give it with `--value-stdin` or `--value-file`"))?;
            return Ok(Node::text(&text.expose_text()));
        }
    };
    let text = std::str::from_utf8(&bytes).map_err(|_| not_text())?;
    if args.string {
        return Ok(Node::text(without_end(text)));
    }
    let value = json::parse_value(text).map_err(|error| {
        CliError::new(format!("the value is not JSON: {error}"), "put a text in quotes, or say `--string` to take it as it is")
    })?;
    let holds_texts_alone = matches!(args.input_type.of(&args.file), Format::Dotenv | Format::Ini);
    Ok(match value {
        // The MAC covers how a value is typed, which such a file does not keep.
        Node::Scalar(Scalar::Bool(_) | Scalar::Int(_) | Scalar::Float(_)) if holds_texts_alone => Node::text(text.trim()),
        value => value,
    })
}
