//! `sopup fleet merge`: one report of all results.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::clones::Clone;
use super::{read_plan, text_of, work, write};
use crate::cli::Exit;
use crate::cli::error::CliError;
use crate::cli::ui::Ui;
use crate::file::{Access, PrivateDir};
use crate::fleet::{self, Incomplete, Merged, Plan, RepoResult, Task};
use crate::report::{plural, safe};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The plan
    #[arg(long, value_name = "FILE")]
    plan: PathBuf,

    /// The folder with the results
    #[arg(long, value_name = "DIR")]
    results: PathBuf,

    /// The form of the report
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = Form::Markdown)]
    format: Form,

    /// Write it to a file
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// An earlier report in JSON: what is new since, and what is gone
    #[arg(long, value_name = "FILE")]
    previous: Option<PathBuf>,

    /// Where the workers kept their clones, for repositories that several of them searched together
    #[arg(long, value_name = "DIR")]
    clones: Option<PathBuf>,

    /// The options that the workers had for `sopup scan`, behind `--`; they matter for these repositories
    #[arg(last = true, value_name = "OPTIONS")]
    options: Vec<OsString>,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Form {
    /// For programs, and for `--previous`
    Json,
    /// A page that loads nothing
    Html,
    /// For a comment or an issue
    Markdown,
    /// A line for each secret in each repository
    Csv,
}

pub(super) fn run(args: &Args, ui: &Ui) -> Result<Exit, CliError> {
    let plan = read_plan(&args.plan)?;
    let mut results = Vec::new();
    for path in result_files(&args.results)? {
        let read = std::fs::read(&path).map_err(|error| error.to_string());
        match read.and_then(|bytes| fleet::read(&bytes).map_err(|error| error.to_string())) {
            Ok(read) => results.extend(read),
            // Its repositories are named as missing.
            Err(error) => ui.note(&format!("{}: {error}", path.display())),
        }
    }
    let keys: BTreeSet<&String> = results.iter().filter_map(|result| result.key.as_ref()).collect();
    if keys.len() > 1 {
        let hint = "a secret has another name under each key: scan again with one SOPUP_FINGERPRINT_KEY for all workers";
        return Err(CliError::new(format!("the results were made with {} different keys", keys.len()), hint));
    }
    let previous = args.previous.as_deref().map(|file| {
        let hint = "name a report that `fleet merge --format json` wrote";
        Merged::read(&text_of(file, hint)?).map_err(|error| CliError::new(format!("{}: {error}", file.display()), hint))
    });
    let unanswered = tasks_without_results(&plan, &results);
    let results = whole(&plan, results, args);
    let merged = fleet::merge(&plan, results, previous.transpose()?.as_ref());
    let text = match args.format {
        Form::Json => format!("{}\n", serde_json::to_string_pretty(&merged).unwrap_or_default()),
        Form::Html => fleet::html(&merged),
        Form::Markdown => fleet::markdown(&merged),
        Form::Csv => fleet::csv(&merged),
    };
    write(args.output.as_deref(), &text, Access::Private, ui)?;
    if let Some(told) = told(&unanswered) {
        ui.note(&told);
    }
    let failed: Vec<_> = merged.incomplete().filter(|(_, why)| matches!(why, Incomplete::Failed(_))).collect();
    for (repository, why) in failed.iter().take(NAMED) {
        ui.note(&format!("{}: {}", safe::line(&repository.id), safe::line(&why.to_string())));
    }
    if let Some(more) = failed.len().checked_sub(NAMED).filter(|more| *more > 0) {
        ui.note(&format!("… and {more} more"));
    }
    match (merged.incomplete().count(), merged.secrets.len()) {
        (0, 0) => Ok(Exit::Clean),
        (0, _) => Ok(Exit::Findings),
        (count, _) => {
            let of = plural(merged.repositories.len() as u64, "repository", "repositories");
            ui.note(&format!("{count} of {of} {} not known in full", if count == 1 { "is" } else { "are" }));
            Ok(Exit::Incomplete)
        }
    }
}

/// The tasks of which a repository has no result.
fn tasks_without_results(plan: &Plan, results: &[RepoResult]) -> Vec<String> {
    let known: BTreeSet<_> = results.iter().map(|result| (result.id.as_str(), result.shard.as_deref())).collect();
    let is_whole = |task: &Task| task.repositories.iter().all(|repo| known.contains(&(repo.id.as_str(), repo.shard.as_deref())));
    plan.tasks.iter().enumerate().filter(|(_, task)| !is_whole(task)).map(|(index, _)| index.to_string()).collect()
}

/// That tasks have no results, and how they get some.
fn told(tasks: &[String]) -> Option<String> {
    let (first, count) = (tasks.first()?, tasks.len());
    let named = tasks[..count.min(NAMED)].join(", ");
    Some(match count {
        1 => format!(
            "task {named} has no results: run `sopup fleet work --index {first} …`, or have the engine do it (Slurm: `sbatch --array={first} job.sh`)"
        ),
        2..=NAMED => {
            let array = tasks.join(",");
            format!(
                "tasks {named} have no results: run `sopup fleet work --index {first} …` and so on, or have the engine do them \
                 (Slurm: `sbatch --array={array} job.sh`)"
            )
        }
        _ => {
            let more = count - NAMED;
            format!("tasks {named} … and {more} more have no results: run all tasks again; results that are there are taken over")
        }
    })
}

/// The results with those of shares put together.
fn whole(plan: &Plan, results: Vec<RepoResult>, args: &Args) -> Vec<RepoResult> {
    let (shares, mut whole): (Vec<RepoResult>, Vec<RepoResult>) = results.into_iter().partition(|result| result.shard.is_some());
    let mut by_id = BTreeMap::<String, Vec<RepoResult>>::new();
    for share in shares {
        by_id.entry(share.id.clone()).or_default().push(share);
    }
    for (id, shares) in by_id {
        let (state, key) = (shares[0].state.clone(), shares[0].key.clone());
        let made = of_shares(plan, &id, &shares, args).map(|report| RepoResult::scanned(&id, state, key, report));
        whole.push(made.unwrap_or_else(|why| RepoResult::failed(&id, why)));
    }
    whole
}

/// The report that the shares of a repository make.
fn of_shares(plan: &Plan, id: &str, shares: &[RepoResult], args: &Args) -> Result<serde_json::Value, String> {
    if let Some(why) = shares.iter().find_map(|share| share.error.as_ref()) {
        return Err(why.clone());
    }
    let repo = plan.repositories().find(|repo| repo.id == id).ok_or("it is not in the plan")?;
    let clone = Clone::present(repo, args.clones.as_deref())
        .ok_or("several workers searched it, and its clone is not on this machine: name its folder with --clones")?;
    let folder = PrivateDir::create(&[], &std::env::temp_dir()).map_err(|error| error.to_string())?;
    let mut files = Vec::new();
    for (number, part) in shares.iter().filter_map(|share| share.part.as_ref()).enumerate() {
        let file = folder.path().join(number.to_string());
        std::fs::write(&file, part.to_string()).map_err(|error| error.to_string())?;
        files.push(file);
    }
    work::put_together(&clone.dir, &files, &args.options)
}

/// Repositories that are named one by one.
const NAMED: usize = 20;

/// The files of results, in order of the tasks.
fn result_files(folder: &Path) -> Result<Vec<PathBuf>, CliError> {
    let entries = std::fs::read_dir(folder).map_err(|error| {
        CliError::new(format!("cannot read {}: {error}", folder.display()), "name the folder that the workers wrote to")
    })?;
    let mut files: Vec<PathBuf> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.to_string_lossy().ends_with(work::SUFFIX) && path.is_file())
        .collect();
    files.sort();
    Ok(files)
}
