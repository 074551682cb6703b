//! Which file a command works on, as what format it is read, and where the result goes.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use zeroize::Zeroizing;

use crate::cli::error::CliError;
use crate::cli::ui::Ui;
use crate::file::{Access, Held, PATIENCE, put};
use crate::sops::store::{Format, Limits, Store, Style};

/// The largest file that is read, as in [`Limits::default`].
const LARGEST: u64 = 64 << 20;

/// A format as it is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum FormatArg {
    Yaml,
    Json,
    Dotenv,
    Ini,
    Binary,
}

impl From<FormatArg> for Format {
    fn from(format: FormatArg) -> Self {
        match format {
            FormatArg::Yaml => Self::Yaml,
            FormatArg::Json => Self::Json,
            FormatArg::Dotenv => Self::Dotenv,
            FormatArg::Ini => Self::Ini,
            FormatArg::Binary => Self::Binary,
        }
    }
}

/// How the file is to be read.
#[derive(Debug, clap::Args)]
pub(super) struct InputType {
    /// Format of the file; without, the end of its name decides (.yaml, .yml, .json, .env, .ini, else binary)
    #[arg(long, value_enum, value_name = "FORMAT")]
    input_type: Option<FormatArg>,
}

impl InputType {
    pub(super) fn of(&self, path: &Path) -> Format {
        self.input_type.map_or_else(|| Format::from_path(&path.to_string_lossy()), Format::from)
    }

    pub(super) fn is_given(&self) -> bool {
        self.input_type.is_some()
    }
}

/// The error of a command that is to write another format into a file that it changes.
pub(super) fn keeps_format(command: &str) -> CliError {
    CliError::new(
        format!("`{command}` leaves a file in its format, and `--output-type` asks for another one"),
        "decrypt it with `--output-type` and `--output`, then encrypt what that gives",
    )
}

/// The file of a command that may also read standard input.
#[derive(Debug, clap::Args)]
pub(super) struct Input {
    /// The file; without, standard input is read
    pub(super) file: Option<PathBuf>,

    /// Take the input for a file of this name: for its format and for the rules of .sops.yaml
    #[arg(long, value_name = "NAME", allow_hyphen_values = true)]
    filename_override: Option<PathBuf>,

    #[command(flatten)]
    input_type: InputType,
}

impl Input {
    /// The name that decides about format and rules, and the format.
    pub(super) fn resolve(&self) -> Result<(PathBuf, Format), CliError> {
        let name = self.filename_override.as_ref().or(self.file.as_ref());
        match name {
            Some(name) => Ok((name.clone(), self.input_type.of(name))),
            None if self.input_type.is_given() => Ok((PathBuf::from("stdin"), self.input_type.of(Path::new("")))),
            None => Err(CliError::new(
                "standard input has no name that tells its format",
                "give it one with `--filename-override NAME`, or name the format with `--input-type`",
            )),
        }
    }

    pub(super) fn read(&self) -> Result<Zeroizing<Vec<u8>>, CliError> {
        match &self.file {
            Some(file) => read(file),
            None => read_from(&mut std::io::stdin().lock(), "standard input"),
        }
    }
}

/// Where a result goes.
#[derive(Debug, clap::Args)]
pub(super) struct Output {
    /// Put the result in the place of the file
    #[arg(short, long, conflicts_with = "output")]
    pub(super) in_place: bool,

    /// Write the result to this file
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl Output {
    /// The file taken for a change, if it is to be changed in place.
    pub(super) fn hold(&self, input: &Input) -> Result<Option<Held<'static>>, CliError> {
        match (self.in_place, &input.file) {
            (false, _) => Ok(None),
            (true, Some(file)) => hold(file).map(Some),
            (true, None) => Err(CliError::new("`--in-place` needs a file", "name the file, or leave `--in-place` out")),
        }
    }

    /// Writes the encrypted form of a plain file, which is gone with the same step.
    pub(super) fn write_sealed(&self, held: Option<Held>, content: &[u8], ui: &Ui) -> Result<(), CliError> {
        match held {
            Some(held) => Ok(held.replace_plain_text(content, Access::KeptOrShared)?),
            None => self.write(None, content, Access::KeptOrShared, ui),
        }
    }

    /// Writes the result. A new file with plain text is readable by its owner alone.
    pub(super) fn write(&self, held: Option<Held>, content: &[u8], new: Access, ui: &Ui) -> Result<(), CliError> {
        match (held, &self.output) {
            (Some(held), _) => Ok(held.replace(content, Access::KeptOrShared)?),
            (None, Some(path)) => Ok(put(path, content, new).map(drop)?),
            (None, None) => Ok(ui.print_bytes(content)?),
        }
    }
}

/// Takes a file for a change.
pub(super) fn hold(file: &Path) -> Result<Held<'static>, CliError> {
    Ok(Held::take(file, PATIENCE)?)
}

/// Reads a file that was taken for a change.
pub(super) fn read_held(held: &mut Held) -> Result<Zeroizing<Vec<u8>>, CliError> {
    Ok(held.read(LARGEST)?)
}

/// Reads a file that will not be changed.
pub(super) fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, CliError> {
    let opened = File::open(path).map_err(|error| unreadable(&path.display().to_string(), &error))?;
    read_from(&mut &opened, &path.display().to_string())
}

fn read_from(input: &mut dyn std::io::Read, name: &str) -> Result<Zeroizing<Vec<u8>>, CliError> {
    let mut bytes = Zeroizing::new(Vec::new());
    input.take(LARGEST + 1).read_to_end(&mut bytes).map_err(|error| unreadable(name, &error))?;
    Ok(bytes)
}

fn unreadable(name: &str, error: &std::io::Error) -> CliError {
    CliError::new(format!("cannot read {name}: {error}"), "name a file that exists and that you can read")
}

/// The store of a format with sops' limits and the layout that `.sops.yaml` asks for.
pub(super) fn store(format: Format, style: Style) -> Box<dyn Store> {
    format.store(Limits::default(), style)
}
