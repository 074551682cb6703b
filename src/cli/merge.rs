//! `sopup merge`.

use std::path::{Path, PathBuf};

use super::Exit;
use super::baseline::BaselineArgs;
use super::environment::git_dir;
use super::error::CliError;
use super::reports::ReportArgs;
use super::scan::{Clock, Judged, Settings, name_unsupported, scan_and_report};
use super::ui::Ui;
use super::what::What;
use crate::report::Covered;
use crate::scan::{Part, Parts, Scope};
use crate::source::object::open_regular;

/// Report on a history that was searched in shares
///
/// `sopup scan --history --shard K/N` searches one of N shares, on whatever machine has the repository, and writes a part. From
/// all N parts and the repository this makes the report that one scan of the whole history would have made. A part holds no
/// secret; only the objects that it names are read again. The repository must be as it was, and the rules the same; the folder
/// it is in does not matter.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  sopup scan --history --shard 1/2 -o part-1.json       on one machine
  sopup scan --history --shard 2/2 -o part-2.json       on another
  sopup merge part-1.json part-2.json                   in the repository
  sopup merge --repository app.git --format sarif part-*.json")]
pub(super) struct Args {
    /// What `sopup scan --shard` wrote, all of it
    #[arg(required = true, value_name = "PART")]
    parts: Vec<PathBuf>,

    /// The repository
    #[arg(long, value_name = "DIR", default_value = ".")]
    repository: PathBuf,

    #[command(flatten)]
    judged: Judged,

    #[command(flatten)]
    what: What,

    #[command(flatten)]
    baseline: BaselineArgs,

    #[command(flatten)]
    reports: ReportArgs,
}

pub(super) fn run(args: &Args, ui: &Ui) -> Result<Exit, CliError> {
    args.reports.check()?;
    let (what, path) = (&args.what, args.repository.as_path());
    if what.submodules {
        return Err(CliError::new("shares are of one repository", "scan the repositories of submodules by themselves"));
    }
    let clock = Clock::start(false);
    let parts = args.parts.iter().map(|file| read(file)).collect::<Result<Vec<Part>, CliError>>()?;
    let parts = Parts::of(parts).map_err(|error| {
        CliError::new(error.to_string(), "`sopup scan --history --shard K/N` writes one part of N; give all of one repository")
    })?;
    let git = git_dir(path)?;
    let covered = Covered { what: format!("history of {}", path.display()), is_shallow: !git.shallow().is_empty(), ..Covered::default() };
    let settings = Settings::of(what, &args.baseline, path, Some(&git))?;
    let resolved = settings.resolve(what, Scope::searched(git.clone(), what.limits(&git), parts), path, covered)?;
    name_unsupported(resolved.unsupported.as_ref(), ui);
    scan_and_report(resolved, &path.to_string_lossy(), (&args.judged, &args.reports), &clock, ui)
}

fn read(file: &Path) -> Result<Part, CliError> {
    let wrong = |why: String| {
        CliError::new(format!("cannot read the part {}: {why}", file.display()), "`sopup scan --history --shard K/N` writes parts")
    };
    let text = open_regular(file)
        .map_err(|error| wrong(error.to_string()))
        .and_then(|(file, _)| std::io::read_to_string(file).map_err(|error| wrong(error.to_string())))?;
    Part::read(&text).map_err(wrong)
}
