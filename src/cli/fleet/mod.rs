//! `sopup fleet`.

mod clones;
mod merge;
mod state;
mod work;

use std::io::Read as _;
use std::path::{Path, PathBuf};

use super::Exit;
use super::error::CliError;
use super::output::write_file;
use super::ui::Ui;
use crate::file::Access;
use crate::fleet::{self, Engine, Plan, Repo, Settings};
use crate::report::{plural, safe};

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
    Merge(merge::Args),
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
        Command::Merge(args) => merge::run(args, ui),
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
            let shared = plan.repositories().any(|repo| repo.shard.is_some());
            let settings = Settings { tasks: plan.tasks.len(), parallel, image: &args.image, plan: &path, results: &args.results, shared };
            if let Some(limit) = fleet::exceeded(engine, &settings, plan.write().len()) {
                ui.note(limit);
            }
            write(None, &fleet::manifest(engine, &settings), Access::KeptOrShared, ui)
        }
    }
}

fn plan(args: &PlanArgs, ui: &Ui) -> Result<Exit, CliError> {
    let repos = match (&args.repos, &args.folder) {
        (_, Some(folder)) => {
            let found = below(folder)?;
            for repo in
                found.iter().filter(|repo| !Path::new(&repo.url).join(".git").exists() && !Path::new(&repo.url).join("HEAD").is_file())
            {
                ui.note(&format!("{}: damaged, there is no HEAD; no worker can scan it", safe::line(&repo.url)));
            }
            found
        }
        (Some(file), None) => {
            let text = text_of(file, "name a text file, or `-` for standard input")?;
            let listed = fleet::listing(&text);
            listed.map_err(|error| CliError::new(format!("{}: {error}", file.display()), "list an address or path a line, or JSON"))?
        }
        (None, None) => Vec::new(),
    };
    let repos: Vec<Repo> = repos.into_iter().map(with_size).collect();
    let count = repos.len() as u64;
    const MOST: u64 = 1000;
    let shares = |repo: &Repo| match (args.shard_above, repo.bytes) {
        (Some(most), Some(bytes)) if !Path::new(&repo.url).join(".git").exists() => bytes.div_ceil(most << 20).clamp(1, MOST),
        _ => 1,
    };
    let plan = Plan::new(repos, args.tasks.map(|tasks| tasks as usize), shares);
    let exit = write(args.output.as_deref(), &plan.write(), Access::KeptOrShared, ui)?;
    let tasks = plural(plan.tasks.len() as u64, "task", "tasks");
    ui.note(&format!("{} in {tasks}", plural(count, "repository", "repositories")));
    Ok(exit)
}

/// Repositories in a folder.
fn below(folder: &Path) -> Result<Vec<Repo>, CliError> {
    const DEEPEST: usize = 3;
    let mut found = Vec::new();
    let mut next = vec![(folder.to_path_buf(), 0)];
    while let Some((path, depth)) = next.pop() {
        if path.join(".git").exists() || is_bare(&path) {
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

/// Whether a folder is a bare repository. A damaged one is one, too: its result says so.
fn is_bare(path: &Path) -> bool {
    let has = |name: &str| path.join(name).exists();
    match path.join("HEAD").is_file() {
        true => has("objects") || has("refs") || path.extension().is_some_and(|extension| extension == "git"),
        false => has("objects/pack") && (has("refs") || has("packed-refs")),
    }
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

fn read_plan(file: &Path) -> Result<Plan, CliError> {
    let hint = "`sopup fleet plan` writes one";
    Plan::read(&text_of(file, hint)?).map_err(|error| CliError::new(format!("{}: {error}", file.display()), hint))
}

fn text_of(file: &Path, hint: &str) -> Result<String, CliError> {
    let mut text = String::new();
    let read = if file == Path::new("-") {
        std::io::stdin().lock().read_to_string(&mut text).map(|_| text)
    } else {
        std::fs::read_to_string(file)
    };
    read.map_err(|error| CliError::new(format!("cannot read {}: {error}", file.display()), hint))
}

fn write(file: Option<&Path>, text: &str, access: Access, ui: &Ui) -> Result<Exit, CliError> {
    match file {
        None => ui.print_bytes(text.as_bytes())?,
        Some(file) => write_file(file, text.as_bytes(), access)?,
    }
    Ok(Exit::Clean)
}
