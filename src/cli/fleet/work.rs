//! `sopup fleet work`: the repositories of one task, each scanned by a process of its own, so that none can take others along.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use serde_json::Value;

use super::clones::Clone;
use super::read_plan;
use super::state::{Asked, key, objects};
use crate::archive::Unread;
use crate::cli::Exit;
use crate::cli::environment::KEY_VARIABLE;
use crate::cli::error::CliError;
use crate::cli::output::write_file;
use crate::cli::ui::Ui;
use crate::file::Access;
use crate::fleet::{self, Repo, RepoResult, Status};
use crate::report::safe;
use crate::scan::Part;
use crate::source::SkipReason;
use crate::source::refs::GitDir;

/// How files of results end.
pub(super) const SUFFIX: &str = ".jsonl.zst";

/// Engines that tell a worker its index, and what they count from.
const INDEXES: [(&str, usize); 4] =
    [("JOB_COMPLETION_INDEX", 0), ("SLURM_ARRAY_TASK_ID", 0), ("AWS_BATCH_JOB_ARRAY_INDEX", 0), ("PARALLEL_SEQ", 1)];

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The plan
    #[arg(long, value_name = "FILE")]
    plan: PathBuf,

    /// The folder for the results; what is there and still true is taken over
    #[arg(long, value_name = "DIR")]
    pub(super) results: PathBuf,

    /// Which task; without, what JOB_COMPLETION_INDEX, SLURM_ARRAY_TASK_ID, AWS_BATCH_JOB_ARRAY_INDEX or PARALLEL_SEQ says
    #[arg(long, value_name = "N", conflicts_with = "all")]
    index: Option<usize>,

    /// All tasks, one after another
    #[arg(long)]
    all: bool,

    /// How a repository is fetched that is not on this machine; `{url}` and `{dir}` are quoted for the shell
    #[arg(long, value_name = "COMMAND")]
    pub(super) fetch: Option<String>,

    /// How one is brought up to date that is among the clones already
    #[arg(long, value_name = "COMMAND", default_value = "git --git-dir {dir} remote update --prune")]
    pub(super) update: String,

    /// Where clones are kept, for the next time; without, they are removed once they are scanned
    #[arg(long, value_name = "DIR")]
    pub(super) clones: Option<PathBuf>,

    /// Options for `sopup scan`, behind `--`
    #[arg(last = true, value_name = "OPTIONS")]
    options: Vec<OsString>,
}

pub(super) fn run(args: &Args, ui: &Ui) -> Result<Exit, CliError> {
    let plan = read_plan(&args.plan)?;
    if std::env::var_os(KEY_VARIABLE).is_none() {
        let hint = "all workers need one: make it with `openssl rand -hex 32`, keep it, and set the variable";
        return Err(CliError::new(
            format!("{KEY_VARIABLE} is not set, and without it no two repositories have the same names for a secret"),
            hint,
        ));
    }
    let asked = match Asked::of(&args.options) {
        Ok(asked) => asked,
        Err(exit) => return Ok(exit),
    };
    let indexes = if args.all { (0..plan.tasks.len()).collect() } else { vec![index(args)?] };
    std::fs::create_dir_all(&args.results).map_err(|error| {
        CliError::new(format!("cannot make {}: {error}", args.results.display()), "name a folder that you can write to")
    })?;
    let mut exit = Exit::Clean;
    for index in indexes {
        let Some(task) = plan.tasks.get(index) else {
            let hint = format!("the plan has the tasks 0 to {}", plan.tasks.len().saturating_sub(1));
            return Err(CliError::new(format!("there is no task {index}"), hint));
        };
        let file = args.results.join(format!("{index:05}{SUFFIX}"));
        let known = std::fs::read(&file).ok().and_then(|bytes| fleet::read(&bytes).ok()).unwrap_or_default();
        let known: BTreeMap<_, RepoResult> = known.into_iter().map(|result| ((result.id.clone(), result.shard.clone()), result)).collect();
        let of = |repo: &Repo| of_repo(args, &asked, repo, known.get(&(repo.id.clone(), repo.shard.clone())), ui);
        let results: Vec<RepoResult> = task.repositories.iter().map(of).collect();
        write_file(&file, &fleet::written(&results), Access::Private)?;
        if results.iter().any(|result| result.status == Status::Failed) {
            exit = Exit::Incomplete;
        }
    }
    Ok(exit)
}

fn index(args: &Args) -> Result<usize, CliError> {
    if let Some(index) = args.index {
        return Ok(index);
    }
    let told = INDEXES.iter().find_map(|(name, first)| Some((*name, std::env::var(name).ok()?, *first)));
    let Some((name, text, first)) = told else {
        return Err(CliError::new(
            "no task is named",
            "--index N does one, --all does all; engines set a variable such as JOB_COMPLETION_INDEX",
        ));
    };
    let index = text.parse::<usize>().ok().and_then(|index| index.checked_sub(first));
    index.ok_or_else(|| CliError::new(format!("{name} is `{text}`, which is no index of a task"), "--index N names the task"))
}

/// What comes of a repository; a fault of one is a result, too.
fn of_repo(args: &Args, asked: &Asked, repo: &Repo, known: Option<&RepoResult>, ui: &Ui) -> RepoResult {
    let failed = |why| told(RepoResult::failed(&repo.id, why).of_shard(repo.shard.clone()), ui);
    let (git, clone) = match Clone::of(args, repo).and_then(|clone| Ok((repository(&clone.dir)?, clone))) {
        Ok(opened) => opened,
        Err(why) => return failed(why),
    };
    let state = asked.state(&git, &clone.dir);
    let holds = |known: &RepoResult| is_complete(known) || known.objects.is_some() && known.objects == objects(&git);
    if let Some(known) = known.filter(|known| state.is_some() && known.state == state && holds(known)) {
        return in_part_told(known.clone(), ui);
    }
    let objects = objects(&git);
    let done = match &repo.shard {
        None => scanned(&clone.dir, &args.options).map(|report| RepoResult::scanned(&repo.id, state, key(), report)),
        Some(shard) => searched(&clone.dir, shard, &args.options).map(|part| RepoResult::searched(&repo.id, state, key(), shard, part)),
    };
    done.map_or_else(failed, |mut result| {
        result.objects = objects.filter(|_| lies_in_objects(&result));
        in_part_told(result, ui)
    })
}

/// A result, told if it is of a part, every time.
fn in_part_told(result: RepoResult, ui: &Ui) -> RepoResult {
    if !is_complete(&result) {
        ui.note(&format!("{}: {}", safe::line(&result.id), in_part(&result)));
    }
    result
}

/// Whether what the stored objects are, and nothing else, is why a repository was not read in full.
fn lies_in_objects(result: &RepoResult) -> bool {
    let skipped = skipped(result);
    !skipped.is_empty() && skipped.iter().all(|one| one["reason"].as_str().is_some_and(lasts))
}

/// What the report of a result says was not read.
fn skipped(result: &RepoResult) -> &[Value] {
    result.report.as_ref().and_then(|report| report["summary"]["skipped"].as_array()).map_or(&[], Vec::as_slice)
}

/// Whether a reason holds as long as the stored objects are the same: another attempt would find no more.
fn lasts(said: &str) -> bool {
    said == SkipReason::Missing.to_string() || Unread::ALL.iter().any(|why| why.to_string() == said)
}

/// What of a repository was not read. Its result holds for the rest, so the task is done, and to do it again would bring no more.
fn in_part(result: &RepoResult) -> String {
    let skipped = skipped(result);
    let text = |one: &Value, key: &str| safe::line(one[key].as_str().unwrap_or_default());
    let first = skipped.first().map(|first| format!(", {}: {}", text(first, "path"), text(first, "reason"))).unwrap_or_default();
    let more = if skipped.len() > 1 { format!(", and {} more", skipped.len() - 1) } else { String::new() };
    format!("not read in full{first}{more}; `sopup fleet merge` ends with 3 for it")
}

/// Whether everything was read.
fn is_complete(result: &RepoResult) -> bool {
    let is_whole = |part: &Value| Part::read(&part.to_string()).is_ok_and(|part| part.is_complete());
    result.report.as_ref().is_some_and(|report| report["summary"]["complete"] == true) || result.part.as_ref().is_some_and(is_whole)
}

fn told(result: RepoResult, ui: &Ui) -> RepoResult {
    ui.note(&format!("{}: {}", safe::line(&result.id), safe::line(result.error.as_deref().unwrap_or_default())));
    result
}

/// The repository at a path, and none above it: a damaged one must not pass for files.
fn repository(dir: &Path) -> Result<GitDir, String> {
    let git = GitDir::discover(dir).map_err(|error| error.to_string())?;
    let real = |path: &Path| path.canonicalize().map_err(|error| error.to_string());
    if real(git.path())?.starts_with(real(dir)?) || git.work_tree().is_some_and(|top| real(top).ok() == real(dir).ok()) {
        Ok(git)
    } else {
        Err("it is no git repository, or a damaged one".to_owned())
    }
}

/// The report of a scan in a process of its own.
fn scanned(dir: &Path, options: &[OsString]) -> Result<Value, String> {
    report_of(|command| _ = command.args(["scan", "--format", "json"]).args(options).arg("--").arg(dir))
}

/// What a search of one share says.
fn searched(dir: &Path, shard: &str, options: &[OsString]) -> Result<Value, String> {
    report_of(|command| _ = command.args(["scan", "--history", "--shard", shard]).args(options).arg("--").arg(dir))
}

/// The report that all shares of a repository make, in files.
pub(super) fn put_together(dir: &Path, parts: &[PathBuf], options: &[OsString]) -> Result<Value, String> {
    report_of(|command| _ = command.args(["merge", "--format", "json", "--repository"]).arg(dir).args(options).arg("--").args(parts))
}

/// The JSON that sopup prints in a process of its own.
fn report_of(asked: impl FnOnce(&mut Command)) -> Result<Value, String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let mut command = Command::new(program);
    command.args(["--color", "never", "--quiet"]);
    asked(&mut command);
    let output = command.stdin(Stdio::null()).output().map_err(|error| error.to_string())?;
    let report = || serde_json::from_slice(&output.stdout).map_err(|error| format!("its report cannot be read: {error}"));
    match output.status.code() {
        Some(0 | 1 | 3) => report(),
        None => Err(killed(output.status)),
        Some(_) => {
            let said = String::from_utf8_lossy(&output.stderr);
            let first = said.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
            Err(format!("{} ({})", first.trim_start_matches("error: "), output.status))
        }
    }
}

/// That a process was ended, and by what.
fn killed(status: ExitStatus) -> String {
    match status.signal() {
        // What the system sends if memory runs out.
        Some(9) => "its scan was killed (signal 9; out of memory?)".to_owned(),
        Some(signal) => format!("its scan was killed (signal {signal})"),
        None => format!("its scan was killed ({status})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scan_that_was_killed_is_named_so() {
        assert_eq!(killed(ExitStatus::from_raw(9)), "its scan was killed (signal 9; out of memory?)");
        assert_eq!(killed(ExitStatus::from_raw(6)), "its scan was killed (signal 6)");
    }
}
