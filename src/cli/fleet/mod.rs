//! `sopup fleet`.

mod work;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use super::Exit;
use super::error::CliError;
use super::output::write_file;
use super::ui::Ui;
use crate::file::{Access, PrivateDir};
use crate::fleet::{self, Engine, Incomplete, Merged, Plan, Repo, RepoResult, Settings};
use crate::report::safe;

/// Scan many repositories: a plan of tasks, workers for them, and one report of all
///
/// `plan` makes tasks of about equal work from a list of repositories. `work` does one of them; any engine can run it: a
/// Kubernetes Job, Slurm, GNU parallel, and `manifest` writes the file for it. `merge` makes one report, in which a secret is
/// one entry however many repositories hold it. All workers need the same SOPUP_FINGERPRINT_KEY. sopup itself opens no
/// connection: repositories are fetched by the command that you name.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  gh repo list my-team --limit 4000 --json nameWithOwner,url,diskUsage | sopup fleet plan --repos - --output plan.json
  sopup fleet manifest kubernetes --plan plan.json --image registry.corp.net/sopup-git:1 > job.yaml
  sopup fleet work --plan plan.json --results results --index 3 --fetch 'git clone --mirror {url} {dir}'
  sopup fleet merge --plan plan.json --results results --format html --output fleet.html")]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Spread repositories over tasks of about equal work
    Plan(PlanArgs),
    /// Scan the repositories of one task
    Work(work::Args),
    /// Make one report of all results
    Merge(MergeArgs),
    /// Write the file with which an engine runs the tasks
    Manifest(ManifestArgs),
}

#[derive(Debug, clap::Args)]
struct PlanArgs {
    /// A list of repositories, `-` for standard input: an address or path a line, with a size in bytes behind it if it is known;
    /// or the JSON of `gh repo list`, `glab`, ghorg or the forges' APIs
    #[arg(long, value_name = "FILE", required_unless_present = "folder")]
    repos: Option<PathBuf>,

    /// All repositories below a folder, at most three levels deep, bare ones too
    #[arg(long, value_name = "DIR", conflicts_with = "repos")]
    folder: Option<PathBuf>,

    /// How many tasks; without, one for about each GiB
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    tasks: Option<u32>,

    /// Let several tasks search a repository together that is larger than this, in MiB. Each of them needs the same clone, and
    /// `merge` needs it, too; clones with a working tree are left whole
    #[arg(long, value_name = "MIB", value_parser = clap::value_parser!(u64).range(1..=1 << 24))]
    shard_above: Option<u64>,

    /// Write the plan to a file
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
struct MergeArgs {
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

#[derive(Debug, clap::Args)]
struct ManifestArgs {
    /// The engine
    #[arg(value_enum, value_name = "ENGINE")]
    engine: EngineArg,

    /// The plan
    #[arg(long, value_name = "FILE")]
    plan: PathBuf,

    /// How many tasks run at a time
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    parallel: u32,

    /// An image with sopup and git
    #[arg(long, value_name = "IMAGE", default_value = "sopup-git")]
    image: String,

    /// The folder for the results, as workers without containers see it
    #[arg(long, value_name = "DIR", default_value = "results")]
    results: String,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum EngineArg {
    /// An Indexed Job
    Kubernetes,
    /// A Workflow of Argo
    Argo,
    /// A job array
    Slurm,
    /// A matrix of GitHub Actions
    Github,
    /// GNU parallel
    Parallel,
}

pub(super) fn run(args: &Args, ui: &Ui) -> Result<Exit, CliError> {
    match &args.command {
        Command::Plan(args) => plan(args, ui),
        Command::Work(args) => work::run(args, ui),
        Command::Merge(args) => merge(args, ui),
        Command::Manifest(args) => {
            let plan = read_plan(&args.plan)?;
            let engine = match args.engine {
                EngineArg::Kubernetes => Engine::Kubernetes,
                EngineArg::Argo => Engine::Argo,
                EngineArg::Slurm => Engine::Slurm,
                EngineArg::Github => Engine::GitHub,
                EngineArg::Parallel => Engine::Parallel,
            };
            let (path, parallel) = (args.plan.to_string_lossy(), args.parallel as usize);
            let settings = Settings { tasks: plan.tasks.len(), parallel, image: &args.image, plan: &path, results: &args.results };
            write(None, &fleet::manifest(engine, &settings), ui)
        }
    }
}

fn plan(args: &PlanArgs, ui: &Ui) -> Result<Exit, CliError> {
    let repos = match (&args.repos, &args.folder) {
        (_, Some(folder)) => below(folder)?,
        (Some(file), None) => {
            let text = text_of(file)?;
            let listed = fleet::listing(&text);
            listed.map_err(|error| CliError::new(format!("{}: {error}", file.display()), "list an address or path a line, or JSON"))?
        }
        (None, None) => Vec::new(),
    };
    let repos: Vec<Repo> = repos.into_iter().map(with_size).collect();
    let count = repos.len();
    const MOST: u64 = 1000;
    let shares = |repo: &Repo| match (args.shard_above, repo.bytes) {
        (Some(most), Some(bytes)) if !Path::new(&repo.url).join(".git").exists() => bytes.div_ceil(most << 20).clamp(1, MOST),
        _ => 1,
    };
    let plan = Plan::new(repos, args.tasks.map(|tasks| tasks as usize), shares);
    let exit = write(args.output.as_deref(), &plan.write(), ui)?;
    ui.note(&format!("{count} repositories in {} tasks", plan.tasks.len()));
    Ok(exit)
}

/// Repositories in a folder.
fn below(folder: &Path) -> Result<Vec<Repo>, CliError> {
    const DEEPEST: usize = 3;
    let mut found = Vec::new();
    let mut next = vec![(folder.to_path_buf(), 0)];
    while let Some((path, depth)) = next.pop() {
        // A damaged one is a repository, too: its result says so.
        let is_bare = path.join("HEAD").is_file() && (path.join("objects").exists() || path.join("refs").exists());
        if path.join(".git").exists() || is_bare {
            let url = path.to_string_lossy().into_owned();
            found.push(Repo { id: url.trim_end_matches(".git").to_owned(), url, bytes: None, shard: None });
            continue;
        }
        if depth == DEEPEST {
            continue;
        }
        let entries = std::fs::read_dir(&path)
            .map_err(|error| CliError::new(format!("cannot read {}: {error}", path.display()), "name a folder of repositories"))?;
        // Links to clones are followed; the depth ends what goes round.
        let folders = entries.flatten().map(|entry| entry.path()).filter(|path| path.is_dir());
        next.extend(folders.map(|path| (path, depth + 1)));
    }
    if found.is_empty() {
        return Err(CliError::new(format!("there is no repository below {}", folder.display()), "name a folder of repositories"));
    }
    found.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(found)
}

/// A repository on this machine with its size, if the list does not say it.
fn with_size(repo: Repo) -> Repo {
    let path = Path::new(&repo.url);
    if repo.bytes.is_some() || !path.exists() {
        return repo;
    }
    // Packs, and the folders of loose objects.
    let within = |folder: PathBuf| std::fs::read_dir(folder).into_iter().flatten().flatten();
    let folders = [path.join("objects"), path.join(".git/objects")].into_iter().flat_map(within);
    let files = folders.map(|entry| entry.path()).filter(|path| path.is_dir()).flat_map(within);
    let bytes: u64 = files.filter_map(|entry| entry.metadata().ok()).map(|metadata| metadata.len()).sum();
    // A few commits more make no other plan.
    let bytes = bytes - bytes % (64 << 10);
    Repo { bytes: Some(bytes), ..repo }
}

fn merge(args: &MergeArgs, ui: &Ui) -> Result<Exit, CliError> {
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
        Merged::read(&text_of(file)?)
            .map_err(|error| CliError::new(format!("{}: {error}", file.display()), "name a report that `fleet merge --format json` wrote"))
    });
    let results = whole(&plan, results, args);
    let merged = fleet::merge(&plan, results, previous.transpose()?.as_ref());
    let text = match args.format {
        Form::Json => format!("{}\n", serde_json::to_string_pretty(&merged).unwrap_or_default()),
        Form::Html => fleet::html(&merged),
        Form::Markdown => fleet::markdown(&merged),
        Form::Csv => fleet::csv(&merged),
    };
    write(args.output.as_deref(), &text, ui)?;
    for (repository, why) in merged.incomplete().filter(|(_, why)| !matches!(why, Incomplete::Partly(_))).take(NAMED) {
        ui.note(&format!("{}: {}", safe::line(&repository.id), safe::line(&why.to_string())));
    }
    match (merged.incomplete().count(), merged.secrets.len()) {
        (0, 0) => Ok(Exit::Clean),
        (0, _) => Ok(Exit::Findings),
        (count, _) => {
            ui.note(&format!("{count} of {} repositories are not known in full", merged.repositories.len()));
            Ok(Exit::Incomplete)
        }
    }
}

/// The results with those of shares put together.
fn whole(plan: &Plan, results: Vec<RepoResult>, args: &MergeArgs) -> Vec<RepoResult> {
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
fn of_shares(plan: &Plan, id: &str, shares: &[RepoResult], args: &MergeArgs) -> Result<serde_json::Value, String> {
    if let Some(why) = shares.iter().find_map(|share| share.error.as_ref()) {
        return Err(why.clone());
    }
    let repo = plan.repositories().find(|repo| repo.id == id).ok_or("it is not in the plan")?;
    let dir = work::place_of(repo, args.clones.as_deref())
        .ok_or("several workers searched it, and its clone is not on this machine: name its folder with --clones")?;
    let folder = PrivateDir::create(&[], &std::env::temp_dir()).map_err(|error| error.to_string())?;
    let mut files = Vec::new();
    for (number, part) in shares.iter().filter_map(|share| share.part.as_ref()).enumerate() {
        let file = folder.path().join(number.to_string());
        std::fs::write(&file, part.to_string()).map_err(|error| error.to_string())?;
        files.push(file);
    }
    work::put_together(&dir, &files, &args.options)
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

fn read_plan(file: &Path) -> Result<Plan, CliError> {
    Plan::read(&text_of(file)?).map_err(|error| CliError::new(format!("{}: {error}", file.display()), "`sopup fleet plan` writes one"))
}

fn text_of(file: &Path) -> Result<String, CliError> {
    let mut text = String::new();
    let read = if file == Path::new("-") {
        std::io::stdin().lock().read_to_string(&mut text).map(|_| text)
    } else {
        std::fs::read_to_string(file)
    };
    read.map_err(|error| CliError::new(format!("cannot read {}: {error}", file.display()), "name a text file, or `-` for standard input"))
}

fn write(file: Option<&Path>, text: &str, ui: &Ui) -> Result<Exit, CliError> {
    match file {
        None => ui.print_bytes(text.as_bytes())?,
        Some(file) => write_file(file, text.as_bytes(), Access::KeptOrShared)?,
    }
    Ok(Exit::Clean)
}
