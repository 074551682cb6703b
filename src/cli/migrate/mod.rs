//! `sopup migrate`.

mod back;
mod decide;
mod failed;
mod filter;
mod kustomize;
mod ledger;
mod other_keys;
mod recipients;
mod review;
pub(super) mod setup;
mod show;
mod summary;

use std::path::{Path, PathBuf};

use super::Exit;
use super::environment::{ConfigChoice, configuration, fingerprint_key, kept_key, memory_budget, new_key};
use super::error::CliError;
use super::paths::prefix;
use super::sops::keys::Keys;
use super::sops::{KeyPrograms, SopsArg, now};
use super::ui::Ui;
use super::what::{key, rule_set};
use crate::file::RealDisk;
use crate::finding::InlineAllow;
use crate::migrate::plan::{Applicability, Plan};
use crate::migrate::rendering::Renderer;
use crate::migrate::{self, Change, Consent, End, Extent, Helpers, OtherKeys, Policy, Repo, Request, Tools, journals};
use crate::rule::Confidence;
use crate::scan::{self, Memory, Outcome, Scope, Submodules};
use crate::sops::keyring::Keyring;
use crate::sops::plugin::{NoPlugins, Plugins};
use crate::sops::timestamp::Timestamp;
use crate::source::Respect;
use crate::source::object::Limits;
use crate::source::refs::GitDir;
use decide::Terminal;
use kustomize::Kitchen;
use setup::{Kubernetes, Layout, check_recipients, lock, policy};
use summary::Done;

/// Move secrets into SOPS files and leave references that keep things working
///
/// Scans the files below PATH, plans for each secret which SOPS file receives it and what takes its place, shows the
/// plan, asks, writes the SOPS files, decrypts them again, and only then edits the files. Nothing is staged or
/// committed unless `--commit` says so. `.sops.yaml` says who can open the SOPS files.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Steps are `safe` (the file stays valid, and whoever needs the value is led to it or stops with a message),
`needs-review` (something has to be run in another way first), or `manual` (sopup has no edit; the reason helps on).

Examples:
  sopup migrate --dry-run              what would happen, as a diff
  sopup migrate --yes                  apply what is safe
  sopup migrate --only is:needs-review review the rest, one by one
  sopup migrate --plan-out plan.yaml   write the plan, to be edited and applied with --apply plan.yaml
  sopup migrate --yes --summary markdown=summary.md
  sopup migrate --undo                 put back what the last migration changed")]
pub(super) struct Args {
    /// A folder or file of the repository
    #[arg(default_value = ".", value_name = "PATH")]
    path: PathBuf,

    /// Show what would happen and change nothing
    #[arg(long)]
    dry_run: bool,

    /// Apply without asking
    #[arg(short, long, conflicts_with = "dry_run")]
    yes: bool,

    /// Also apply steps that need review
    #[arg(long)]
    include_review: bool,

    /// Write the plan to a file and change nothing
    #[arg(long, value_name = "FILE", conflicts_with_all = ["dry_run", "apply"])]
    plan_out: Option<PathBuf>,

    /// Apply a plan that was written before
    #[arg(long, value_name = "FILE")]
    apply: Option<PathBuf>,

    /// Only steps that this names: a folder, a glob, a fingerprint, `rule:ID`, `severity:high`, `confidence:high`,
    /// `is:needs-review`. With --undo, only these files are put back
    #[arg(long, value_name = "WHAT")]
    only: Vec<String>,

    /// No steps that this names
    #[arg(long, value_name = "WHAT")]
    skip: Vec<String>,

    /// Recipients of new SOPS files, instead of those of .sops.yaml
    #[arg(long, value_name = "RECIPIENTS", env = "SOPS_AGE_RECIPIENTS")]
    age: Option<String>,

    #[command(flatten)]
    sops: SopsArg,

    /// How encrypted Kubernetes Secrets reach the cluster
    #[arg(long, value_enum, value_name = "HOW", default_value_t = Kubernetes::Auto)]
    kubernetes: Kubernetes,

    /// Where new SOPS files lie that any file may refer to; those beside a file or for Kubernetes stay where they are
    #[arg(long, value_enum, value_name = "WHERE", default_value_t = Layout::Central)]
    layout: Layout,

    /// Commit what was changed; nothing else may be staged. Hooks are not run
    #[arg(long, conflicts_with_all = ["dry_run", "plan_out"])]
    commit: bool,

    /// Do not look which of the values the history still holds
    #[arg(long)]
    no_history: bool,

    /// Keep what is moved in the ledger of `sopup rotate`; without, only if there is one
    #[arg(long)]
    ledger: bool,

    /// Also write what happened, or would happen, to a file: `markdown=FILE` for a pull request, `json=FILE` for programs
    #[arg(long, value_name = "FORMAT=FILE", value_parser = summary::target)]
    summary: Vec<summary::Target>,

    /// Do not compare what kustomize renders before and after
    #[arg(long)]
    no_render: bool,

    /// Put back what the last migration changed, or the one with this id
    #[arg(long, value_name = "ID", num_args = 0..=1, require_equals = true, default_missing_value = "", conflicts_with_all = ["dry_run", "yes", "apply", "plan_out", "resume"])]
    undo: Option<String>,

    /// Finish a migration that was interrupted
    #[arg(long, conflicts_with_all = ["dry_run", "yes", "apply", "plan_out"])]
    resume: bool,

    /// Use this configuration instead of .sopup.yaml
    #[arg(long, value_name = "FILE", env = "SOPUP_CONFIG")]
    config: Option<PathBuf>,

    /// Do not obey a .sopup.yaml of the repository
    #[arg(long, conflicts_with = "config")]
    no_repo_config: bool,

    /// Also use the rules in this folder
    #[arg(long, value_name = "DIR")]
    rules: Vec<PathBuf>,
}

/// What the steps of a run share.
struct Run<'a> {
    args: &'a Args,
    ui: &'a Ui,
    repo: &'a Repo,
    policy: Policy,
    keyring: &'a Keyring,
    /// What encrypts for keys that are not of age, if there is something.
    programs: Option<&'a KeyPrograms<'a>>,
    now: Timestamp,
}

pub(super) fn run(args: &Args, ui: &Ui) -> Result<Exit, CliError> {
    let repo = Repo::open(&args.path)?;
    let mut keys = Keys::find();
    let mut policy = policy(args.age.as_deref(), &repo)?;
    let programs = args.sops.programs(ui)?;
    let programs = programs.key_service().is_some().then_some(&programs);
    if programs.is_some() {
        policy.other_keys = OtherKeys::Sops;
    }
    if args.dry_run {
        let known = !keys.keyring().is_empty() && check_recipients(&policy).is_ok();
        if !known {
            ui.note(
                "no age identity or no age recipient is known, so this dry run encrypts for a key that nobody keeps; \
                 a migration needs both (`sopup init` makes them where there is no .sops.yaml)",
            );
        } else if !migrate::opens(Tools { policy: &policy, keyring: keys.keyring(), plugins: &NoPlugins, now: &now() }) {
            ui.note(
                "the identities at hand do not open what is encrypted for the recipients here, so this dry run encrypts for \
                 one more key that nobody keeps; the migration itself needs an identity of one of them",
            );
        }
        let (witness, key) = setup::witness()?;
        keys.add(key);
        policy.witness = Some(witness);
    }
    // What was done can be taken back without them.
    if args.undo.is_none() && !args.resume && !args.dry_run {
        check_recipients(&policy)?;
    }
    let run = Run { args, ui, repo: &repo, policy, keyring: keys.keyring(), programs, now: now() };
    if run.keyring.is_empty() {
        let why = match args.undo {
            Some(_) => "what a migration replaced is kept encrypted",
            None => "migrate decrypts what it encrypts before it edits anything",
        };
        return Err(CliError::new(
            "there is no age identity at hand",
            format!("{why}: set SOPS_AGE_KEY_FILE or SOPS_AGE_KEY, as for sops"),
        ));
    }
    let _lock = if args.dry_run { None } else { Some(lock(&repo)?) };
    let journals =
        journals(&repo.git_dir, &RealDisk).map_err(|error| CliError::new(error.to_string(), "the journals are below .git/sopup"))?;
    match &args.undo {
        Some(id) => return run.undo(journals, id),
        None if args.resume => return run.resume(journals),
        None => {}
    }
    if let Some(open) = journals.iter().find(|journal| journal.is_open()) {
        return Err(CliError::new(
            format!("the migration {} was interrupted", open.id()),
            "`sopup migrate --resume` finishes it, `sopup migrate --undo` puts everything back",
        )
        .exiting(Exit::Interrupted));
    }
    run.check_summaries()?;
    run.migrate()
}

impl Run<'_> {
    /// Scan, plan, show, ask, apply; and say what became of it.
    fn migrate(&self) -> Result<Exit, CliError> {
        let request = self.request()?;
        let mut person = Terminal::new(self, &request.scan.rules)?;
        let outcome = migrate::run(request, &mut person).map_err(|error| self.failed(error))?;
        match &outcome.end {
            End::Planned(written) => {
                self.args.plan_out.iter().try_for_each(|file| self.write_plan(file, written))?;
                return Ok(Exit::Clean);
            }
            End::Declined => return Ok(Exit::Refused),
            End::Nothing | End::Rehearsed => self.summarise(&outcome.plan, None)?,
            End::Applied(applied) => {
                self.summarise(&outcome.plan, Some(Done { id: applied.journal.id(), commit: applied.commit.as_deref() }))?;
                show::summary(&outcome.plan, applied, self.repo.exists(crate::ledger::FILE), self.ui)?;
            }
        }
        Ok(match (outcome.is_complete, outcome.leaves_something()) {
            (false, _) => Exit::Incomplete,
            (true, true) => Exit::Findings,
            (true, false) => Exit::Clean,
        })
    }

    fn request(&self) -> Result<Request<'_, CliError>, CliError> {
        let args = self.args;
        let (config, folder) = configuration(&ConfigChoice::of(args.config.as_deref(), args.no_repo_config, &args.path))?;
        let root = if args.path.is_dir() { args.path.clone() } else { args.path.parent().unwrap_or(Path::new("")).to_path_buf() };
        let root = if root.as_os_str().is_empty() { PathBuf::from(".") } else { root };
        let below = self.repo.relative(&root).map(|below| if below.is_empty() { below } else { format!("{below}/") });
        let below = below.ok_or_else(|| {
            CliError::new(format!("{} is not below the top of the repository", args.path.display()), "name a folder of it")
        })?;
        let allow_below = folder.map(|folder| prefix(&folder, &args.path)).transpose()?.unwrap_or_default();
        let is_key_shared = fingerprint_key(config.fingerprint_key.as_deref())?.is_some();
        let scan = scan::Request {
            scope: Scope::worktree(args.path.clone(), Respect::Yes, 0),
            rules: rule_set(&config, &args.rules)?,
            inline: InlineAllow::Honoured,
            min_confidence: config.min_confidence.unwrap_or(Confidence::Medium),
            key: key(&config)?,
            severities: config.severity.below(allow_below.clone()),
            allow: config.allow.below(allow_below),
            baseline: None,
            top: Some(self.repo.top.clone()),
            unread: Vec::new(),
            examine: None,
            below,
        };
        let extent = match (&args.plan_out, args.dry_run) {
            (Some(_), _) => Extent::Plan,
            (None, true) => Extent::Rehearsal,
            (None, false) => Extent::Whole,
        };
        Ok(Request {
            repo: self.repo,
            scan,
            history: if args.no_history || extent != Extent::Whole { None } else { Some(self.history()?) },
            tools: self.tools(),
            kubernetes: args.kubernetes.style(),
            layout: args.layout.into(),
            upto: if args.include_review { Applicability::NeedsReview } else { Applicability::Safe },
            extent,
            consent: match args.apply {
                Some(_) => Consent::Written,
                None if self.asks() => Consent::Asked,
                None => Consent::Given,
            },
            renders: !args.no_render,
            commits: args.commit,
            new_key: (!is_key_shared).then(new_key),
            helpers: self,
        })
    }

    fn history(&self) -> Result<Scope, CliError> {
        let git = GitDir::discover(&self.repo.top)?;
        let standard = Limits::default();
        let limits = Limits { memory: memory_budget(standard.memory), ..standard };
        let memory = kept_key().map(|key| Memory::of(&git, &key));
        Ok(Scope::repository(git, limits, memory, None, Submodules::Not))
    }

    fn tools(&self) -> Tools<'_> {
        let plugins: &dyn Plugins = &NoPlugins;
        Tools { policy: &self.policy, keyring: self.keyring, plugins, now: &self.now }
    }
}

impl Helpers<CliError> for Run<'_> {
    fn renderer(&self) -> Result<Box<dyn Renderer + '_>, String> {
        Ok(Box::new(Kitchen::open(self.ui)?))
    }

    fn accompany(&self, plan: &Plan, found: &Outcome, changes: &mut Vec<Change>) -> Result<(), CliError> {
        self.enter(plan, found, changes)
    }

    fn seal(&self, changes: &mut [Change]) -> Result<(), CliError> {
        self.programs.map_or(Ok(()), |programs| self.add_other_keys(changes, programs))
    }
}
