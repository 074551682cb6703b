//! `sopup fleet work`: the repositories of one task, each scanned by a process of its own, so that none can take others along.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use hmac::Mac as _;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::read_plan;
use crate::cli::Exit;
use crate::cli::environment::KEY_VARIABLE;
use crate::cli::error::CliError;
use crate::cli::output::write_file;
use crate::cli::ui::Ui;
use crate::file::Access;
use crate::fleet::{self, Repo, RepoResult, Status};
use crate::report::safe;
use crate::source::refs::GitDir;
use crate::text::{hex, shell_word};

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
    results: PathBuf,

    /// Which task; without, what JOB_COMPLETION_INDEX, SLURM_ARRAY_TASK_ID, AWS_BATCH_JOB_ARRAY_INDEX or PARALLEL_SEQ says
    #[arg(long, value_name = "N", conflicts_with = "all")]
    index: Option<usize>,

    /// All tasks, one after another
    #[arg(long)]
    all: bool,

    /// How a repository is fetched that is not on this machine; `{url}` and `{dir}` are quoted for the shell
    #[arg(long, value_name = "COMMAND")]
    fetch: Option<String>,

    /// How one is brought up to date that is among the clones already
    #[arg(long, value_name = "COMMAND", default_value = "git --git-dir {dir} remote update --prune")]
    update: String,

    /// Where clones are kept, for the next time; without, they are removed once they are scanned
    #[arg(long, value_name = "DIR")]
    clones: Option<PathBuf>,

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
        let of = |repo: &Repo| of_repo(args, repo, known.get(&(repo.id.clone(), repo.shard.clone())), ui);
        let results: Vec<RepoResult> = task.repositories.iter().map(of).collect();
        write_file(&file, &fleet::written(&results), Access::KeptOrShared)?;
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
fn of_repo(args: &Args, repo: &Repo, known: Option<&RepoResult>, ui: &Ui) -> RepoResult {
    let failed = |why| told(RepoResult::failed(&repo.id, why).of_shard(repo.shard.clone()), ui);
    let (git, clone) = match Clone::of(args, repo).and_then(|clone| Ok((repository(&clone.dir)?, clone))) {
        Ok(opened) => opened,
        Err(why) => return failed(why),
    };
    let state = state(&git, &args.options);
    if let Some(known) = known.filter(|known| state.is_some() && known.state == state && known.status == Status::Scanned) {
        return known.clone();
    }
    let done = match &repo.shard {
        None => scanned(&clone.dir, &args.options).map(|report| RepoResult::scanned(&repo.id, state, key(), report)),
        Some(shard) => searched(&clone.dir, shard, &args.options).map(|part| RepoResult::searched(&repo.id, state, key(), shard, part)),
    };
    done.unwrap_or_else(failed)
}

fn told(result: RepoResult, ui: &Ui) -> RepoResult {
    ui.note(&format!("{}: {}", safe::line(&result.id), safe::line(result.error.as_deref().unwrap_or_default())));
    result
}

/// A repository on this machine.
struct Clone {
    dir: PathBuf,
    /// It goes once it is scanned.
    temporary: bool,
}

impl Clone {
    fn of(args: &Args, repo: &Repo) -> Result<Self, String> {
        let local = Path::new(&repo.url);
        if local.exists() {
            return Ok(Self { dir: local.to_path_buf(), temporary: false });
        }
        let Some(fetch) = &args.fetch else {
            return Err("it is not on this machine, and no --fetch says how to get it".to_owned());
        };
        let folder = args.clones.clone().unwrap_or_else(|| args.results.join(format!(".clones-{}", std::process::id())));
        std::fs::create_dir_all(&folder).map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
        let name = name_of(repo);
        let dir = folder.join(format!("{name}.git"));
        if dir.exists() && run_line(&filled(&args.update, repo, &dir)).is_ok() {
            return Ok(Self { dir, temporary: false });
        }
        // One that was interrupted, or cannot be brought up to date.
        let _ = std::fs::remove_dir_all(&dir);
        // What is at its place is whole: a fetch that is broken off leaves nothing there.
        let part = folder.join(format!("{name}.part-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&part);
        let fetched = run_line(&filled(fetch, repo, &part)).and_then(|()| std::fs::rename(&part, &dir).map_err(|error| error.to_string()));
        fetched.map_err(|error| {
            let _ = std::fs::remove_dir_all(&part);
            let _ = std::fs::remove_dir(&folder);
            format!("it cannot be fetched: {}", without_credentials(&error))
        })?;
        Ok(Self { dir, temporary: args.clones.is_none() })
    }
}

impl Drop for Clone {
    fn drop(&mut self) {
        if self.temporary {
            let _ = std::fs::remove_dir_all(&self.dir);
            // Only if it is empty.
            let _ = self.dir.parent().map(std::fs::remove_dir);
        }
    }
}

/// What the clone of a repository is called.
fn name_of(repo: &Repo) -> String {
    hex(&Sha256::digest(&repo.url)[..16])
}

/// Where a repository of a plan is on this machine: at its path, or among the clones.
pub(super) fn place_of(repo: &Repo, clones: Option<&Path>) -> Option<PathBuf> {
    let clone = || clones.map(|folder| folder.join(format!("{}.git", name_of(repo))));
    let local = Path::new(&repo.url);
    if local.exists() { Some(local.to_path_buf()) } else { clone().filter(|dir| dir.exists()) }
}

/// A text without the users and passwords of addresses in it.
fn without_credentials(text: &str) -> String {
    let word = |word: &str| match word.split_once("://") {
        Some((scheme, rest)) => format!("{scheme}://{}", rest.rsplit('@').next().unwrap_or(rest)),
        None => word.to_owned(),
    };
    text.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

fn filled(template: &str, repo: &Repo, dir: &Path) -> String {
    template.replace("{url}", &shell_word(&repo.url)).replace("{dir}", &shell_word(&dir.to_string_lossy()))
}

/// Runs a line for the shell; the last line of what it said if it fails.
fn run_line(line: &str) -> Result<(), String> {
    let mut command = Command::new("sh");
    command.args(["-c", line]).env("GIT_TERMINAL_PROMPT", "0").stdin(Stdio::null()).stdout(Stdio::null());
    let output = command.stderr(Stdio::piped()).output().map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let last = said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
    Err(format!("{}: {last}", output.status))
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
        _ => {
            let said = String::from_utf8_lossy(&output.stderr);
            let first = said.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
            Err(format!("{} ({})", first.trim_start_matches("error: "), output.status))
        }
    }
}

/// What the refs of a bare repository lead to, and how it is scanned, as a keyed hash; `None` if it may change without that.
fn state(git: &GitDir, options: &[OsString]) -> Option<String> {
    let refs = git.refs();
    if git.work_tree().is_some() || !refs.skipped.is_empty() {
        return None;
    }
    let mut mac = keyed()?;
    mac.update(env!("CARGO_PKG_VERSION").as_bytes());
    options.iter().for_each(|option| mac.update(&[option.as_encoded_bytes(), b"\0"].concat()));
    for one in &refs.items {
        mac.update(&one.name);
        mac.update(format!("\0{:?}\0{:?}\n", one.id, one.symbolic).as_bytes());
    }
    Some(hex(mac.finalize().into_bytes()))
}

/// What stands for the key, so that results with different ones are not taken for one.
fn key() -> Option<String> {
    let mut mac = keyed()?;
    mac.update(b"sopup fleet key");
    Some(hex(&mac.finalize().into_bytes()[..8]))
}

fn keyed() -> Option<hmac::Hmac<Sha256>> {
    let key = std::env::var_os(KEY_VARIABLE)?;
    <hmac::Hmac<Sha256> as hmac::KeyInit>::new_from_slice(key.as_encoded_bytes()).ok()
}
