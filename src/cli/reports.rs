//! Where the reports of a scan go: the options that name formats and files, and writing them. Each file is written
//! whole or not at all, readable by its owner alone.

use std::ffi::OsStr;
use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::error::CliError;
use super::ui::Ui;
use crate::file;
use crate::report::{Context, FORMATS, Format, GroupBy, Layout, summary};
use crate::scan::Outcome;

/// What stands for standard output.
const STDOUT: &str = "-";

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Reports")]
pub(super) struct ReportArgs {
    /// Form of the report [default: human]
    #[arg(long, value_name = "FORMAT", value_parser = FormatParser)]
    format: Option<&'static Format>,

    /// Write the report to a file, readable by you alone
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Write one more report to a file; can be repeated. `-` is standard output, in place of the report for people
    #[arg(long, value_name = "FORMAT=FILE", value_parser = ReportParser)]
    report: Vec<Report>,

    /// Report for people: put together what has this in common
    #[arg(long, value_enum, value_name = "WHAT")]
    group_by: Option<GroupArg>,

    /// Report for people: show every secret with its line, however many there are
    #[arg(long)]
    all: bool,
}

/// A report and where it goes.
#[derive(Debug, Clone)]
struct Report {
    format: &'static Format,
    file: PathBuf,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum GroupArg {
    Rule,
    Path,
    Severity,
}

impl ReportArgs {
    /// Refuses what cannot all be written; so nothing is scanned in vain.
    pub(super) fn check(&self) -> Result<(), CliError> {
        let mut files: Vec<&Path> = self.report.iter().map(|report| report.file.as_path()).collect();
        match (&self.output, self.format) {
            (Some(file), _) => files.push(file),
            (None, Some(_)) => files.push(Path::new(STDOUT)),
            (None, None) => (),
        }
        files.sort_unstable();
        match files.windows(2).find(|pair| pair[0] == pair[1]) {
            None => Ok(()),
            Some(pair) if pair[0] == Path::new(STDOUT) => Err(CliError::new(
                "two reports would go to standard output",
                "give all but one of them a file: `--report FORMAT=FILE`, or `--output FILE` for that of `--format`",
            )),
            Some(pair) => Err(CliError::new(format!("two reports would go to {}", pair[0].display()), "give each a file of its own")),
        }
    }

    /// The file that `--output` names.
    pub(super) fn file(&self) -> Option<&Path> {
        self.output.as_deref()
    }

    /// How the report for people is laid out.
    pub(super) fn layout(&self, root: &Path, ui: &Ui) -> Layout {
        let is_main = self.output.is_none() && std::io::stdout().is_terminal();
        Layout {
            group: self.group_by.map(GroupBy::from),
            all: self.all,
            terse: ui.is_quiet(),
            width: if is_main { width() } else { None },
            linked: if is_main && ui.has_links() { root.canonicalize().ok() } else { None },
        }
    }

    /// Writes all reports; a summary goes to standard error where no report for people is printed.
    pub(super) fn write(&self, outcome: &Outcome, context: &Context<'_>, ui: &Ui) -> Result<(), CliError> {
        let mut reports = self.report.clone();
        let main = self.format.unwrap_or(&FORMATS[0]);
        let is_taken = reports.iter().any(|report| report.file == Path::new(STDOUT));
        if let Some(file) = &self.output {
            reports.push(Report { format: main, file: file.clone() });
        } else if self.format.is_some() || !is_taken {
            reports.push(Report { format: main, file: STDOUT.into() });
        }
        let (printed, files): (Vec<Report>, Vec<Report>) = reports.into_iter().partition(|report| report.file == Path::new(STDOUT));
        for report in &files {
            let mut text = anstream::StripStream::new(Vec::new());
            report.format.write(&mut text, outcome, context)?;
            file::put(&report.file, &text.into_inner(), file::Access::Private)
                .map_err(|error| CliError::from(error).with_hint("name a file in a folder that you can write to"))?;
        }
        for report in &printed {
            let mut out = ui.stdout();
            report.format.write(&mut out, outcome, context)?;
            out.flush()?;
        }
        if !files.is_empty() && !ui.is_quiet() && !printed.iter().any(|report| report.format.is_for_people()) {
            let mut out = ui.stderr();
            summary(&mut out, outcome, context)?;
            out.flush()?;
        }
        for report in &files {
            ui.note(&format!("{} report written to {}", report.format.name, report.file.display()));
        }
        Ok(())
    }
}

/// Columns of the terminal that standard output is.
fn width() -> Option<usize> {
    #[cfg(unix)]
    {
        let size = rustix::termios::tcgetwinsize(std::io::stdout()).ok()?;
        (size.ws_col >= 20).then_some(usize::from(size.ws_col))
    }
    #[cfg(not(unix))]
    None
}

/// The name of a format.
#[derive(Debug, Clone)]
struct FormatParser;

fn possible_formats() -> impl Iterator<Item = PossibleValue> {
    FORMATS.iter().map(|format| PossibleValue::new(format.name).help(format.about))
}

impl TypedValueParser for FormatParser {
    type Value = &'static Format;

    fn parse_ref(&self, command: &clap::Command, arg: Option<&clap::Arg>, value: &OsStr) -> Result<Self::Value, clap::Error> {
        let name = PossibleValuesParser::new(possible_formats()).parse_ref(command, arg, value)?;
        Format::named(&name).ok_or_else(|| clap::Error::new(ErrorKind::InvalidValue).with_cmd(command))
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(possible_formats()))
    }
}

/// `FORMAT=FILE`.
#[derive(Debug, Clone)]
struct ReportParser;

impl TypedValueParser for ReportParser {
    type Value = Report;

    fn parse_ref(&self, command: &clap::Command, arg: Option<&clap::Arg>, value: &OsStr) -> Result<Report, clap::Error> {
        let text = value.to_string_lossy();
        let parts = text.split_once('=').filter(|(_, file)| !file.is_empty());
        let Some((name, _)) = parts else {
            let mut error = clap::Error::new(ErrorKind::ValueValidation).with_cmd(command);
            let argument = arg.map_or_else(|| "--report".to_owned(), ToString::to_string);
            error.insert(ContextKind::InvalidArg, ContextValue::String(argument));
            error.insert(ContextKind::InvalidValue, ContextValue::String(text.clone().into_owned()));
            let advice = "write FORMAT=FILE, as in `--report sarif=leaks.sarif`".to_owned();
            error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![advice.into()]));
            return Err(error);
        };
        let format = FormatParser.parse_ref(command, arg, OsStr::new(name))?;
        Ok(Report { format, file: file_of(value, name.len() + 1) })
    }
}

/// The rest of a value as the system has it: names of files need not be UTF-8.
fn file_of(value: &OsStr, start: usize) -> PathBuf {
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt as _;
        PathBuf::from(OsStr::from_bytes(&value.as_bytes()[start..]))
    }
    #[cfg(not(unix))]
    PathBuf::from(&value.to_string_lossy()[start..])
}

impl From<GroupArg> for GroupBy {
    fn from(group: GroupArg) -> Self {
        match group {
            GroupArg::Rule => Self::Rule,
            GroupArg::Path => Self::Path,
            GroupArg::Severity => Self::Severity,
        }
    }
}
