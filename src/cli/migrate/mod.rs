//! `sopup migrate`.

mod setup;
mod show;

use std::collections::BTreeMap;
use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};

use super::Exit;
use super::environment::{ConfigChoice, configuration};
use super::error::CliError;
use super::scan::{key, prefix, rule_set};
use super::sops::keys::Keys;
use super::sops::now;
use super::ui::Ui;
use crate::file::{Access, put};
use crate::finding::{FingerprintKey, InlineAllow};
use crate::migrate::apply::{ApplyError, apply, resume, undo};
use crate::migrate::change::{Change, Tools, changes};
use crate::migrate::disk::RealDisk;
use crate::migrate::file::SourceFile;
use crate::migrate::journal::{self, Journal, State};
use crate::migrate::known::{Search, places};
use crate::migrate::plan::{Applicability, Decision, Plan};
use crate::migrate::plan_file::{self, Decisions};
use crate::migrate::policy::Policy;
use crate::migrate::preflight::refusals;
use crate::migrate::proof::{Judge, prove};
use crate::migrate::repo::Repo;
use crate::migrate::{KubernetesStyle, Settings, plan, survey};
use crate::rule::Confidence;
use crate::scan::{Outcome, Progress, Request, Scope, scan};
use crate::sops::keyring::Keyring;
use crate::sops::plugin::{NoPlugins, Plugins};
use crate::sops::timestamp::Timestamp;
use crate::source::Respect;
use setup::{Matching, lock, policy};

/// Move secrets into SOPS files and leave references that keep things working
///
/// Scans the files below PATH, plans for each secret which SOPS file receives it and what takes its place, shows the
/// plan, asks, writes the SOPS files, decrypts them again, and only then edits the files. Nothing is staged or
/// committed. `.sops.yaml` says who can open the SOPS files.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Steps are `safe` (the file stays valid, and whoever needs the value is led to it or stops with a message),
`needs-review` (something has to be run in another way first), or `manual` (sopup has no edit; the reason helps on).

Examples:
  sopup migrate --dry-run              what would happen, as a diff
  sopup migrate --yes                  apply what is safe
  sopup migrate --plan-out plan.yaml   write the plan, to be edited and applied with --apply plan.yaml
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

    /// Only steps in files that match the glob, or for the secret with this fingerprint
    #[arg(long, value_name = "GLOB")]
    only: Vec<String>,

    /// No steps in files that match the glob, or for the secret with this fingerprint
    #[arg(long, value_name = "GLOB")]
    skip: Vec<String>,

    /// Recipients of new SOPS files, instead of those of .sops.yaml
    #[arg(long, value_name = "RECIPIENTS", env = "SOPS_AGE_RECIPIENTS")]
    age: Option<String>,

    /// How encrypted Kubernetes Secrets reach the cluster
    #[arg(long, value_enum, value_name = "HOW", default_value_t = Kubernetes::Auto)]
    kubernetes: Kubernetes,

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

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Kubernetes {
    /// Through ksops if the repository uses it, else in place
    Auto,
    /// Among the resources, decrypted by what applies them, as Flux does
    InPlace,
    /// Through a ksops generator when kustomize builds
    Ksops,
}

/// What the steps of a run share.
struct Run<'a> {
    args: &'a Args,
    ui: &'a Ui,
    repo: &'a Repo,
    policy: Policy,
    keyring: &'a Keyring,
    now: Timestamp,
}

pub(super) fn run(args: &Args, ui: &Ui) -> Result<Exit, CliError> {
    let repo =
        Repo::open(&args.path).map_err(|error| CliError::new(error.to_string(), "run it inside a git repository with a working tree"))?;
    let keys = Keys::find();
    let run = Run { args, ui, repo: &repo, policy: policy(args, &repo)?, keyring: keys.keyring(), now: now() };
    if run.keyring.is_empty() {
        return Err(CliError::new(
            "there is no age identity at hand",
            "migrate decrypts what it encrypts before it edits anything: set SOPS_AGE_KEY_FILE or SOPS_AGE_KEY, as for sops",
        ));
    }
    let _lock = if args.dry_run { None } else { Some(lock(&repo)?) };
    let journals =
        journal::all(&repo.git_dir, &RealDisk).map_err(|error| CliError::new(error.to_string(), "the journals are below .git/sopup"))?;
    match &args.undo {
        Some(id) => return run.undo(journals, id),
        None if args.resume => return run.resume(journals),
        None => {}
    }
    if let Some(open) = journals.iter().find(|journal| matches!(journal.state(), State::Applying | State::Undoing)) {
        return Err(CliError::new(
            format!("the migration {} was interrupted", open.id()),
            "`sopup migrate --resume` finishes it, `sopup migrate --undo` puts everything back",
        )
        .exiting(Exit::Interrupted));
    }
    run.migrate()
}

impl Run<'_> {
    /// Scan, plan, show, ask, apply.
    fn migrate(&self) -> Result<Exit, CliError> {
        let (request, below) = self.request()?;
        let progress = Progress::default();
        let outcome = self.ui.watched(&progress, || scan(&request, &progress))?;
        let Scope::Worktree(walk) = &request.scope else { return Ok(Exit::Internal) };
        let search = Search { walk, allow: &request.allow, key: &request.key };
        let (files, unread) = survey(&outcome.findings, places(&outcome.findings, &search), self.repo, &below);
        let kubernetes = match self.args.kubernetes {
            Kubernetes::Auto => KubernetesStyle::Auto,
            Kubernetes::InPlace => KubernetesStyle::InPlace,
            Kubernetes::Ksops => KubernetesStyle::Ksops,
        };
        let settings = Settings { policy: &self.policy, keyring: self.keyring, kubernetes };
        let mut plan = plan(&files, self.repo, &settings);
        plan.notes.extend(unread.iter().map(|path| format!("{path} holds secrets and could not be read again; it is left alone")));
        self.decide(&mut plan, &files, &request.key)?;
        if let Some(file) = &self.args.plan_out {
            return self.write_plan(file, &plan, &files, &request.key);
        }
        let upto = if self.args.include_review { Applicability::NeedsReview } else { Applicability::Safe };
        if plan.chosen(upto).next().is_none() {
            show::plan(&plan, upto, self.ui)?;
            return Ok(exit(&outcome, !plan.steps.is_empty()));
        }
        let changes = changes(&plan, upto, &files, self.repo, self.tools()).map_err(|error| setup::refused(&error))?;
        let judge = Judge { rules: &request.rules, min_confidence: request.min_confidence };
        let left = prove(&plan, upto, &files, &changes, judge);
        if self.args.dry_run {
            show::diff(&changes, &files, self.ui)?;
        }
        show::plan(&plan, upto, self.ui)?;
        self.refuse(&changes, &left.iter().map(ToString::to_string).collect::<Vec<_>>())?;
        if self.args.dry_run {
            return Ok(Exit::Clean);
        }
        if !self.confirm(changes.len())? {
            return Err(CliError::new("nothing was changed", "answer `y`, or use --yes, to apply the plan").exiting(Exit::Refused));
        }
        let journal = self.write(&changes)?;
        self.conclude(&request, &below, (&plan, upto), &journal)
    }

    fn request(&self) -> Result<(Request, String), CliError> {
        let args = self.args;
        let choice = match &args.config {
            Some(file) => ConfigChoice::File(file.clone()),
            None if args.no_repo_config => ConfigChoice::Nothing,
            None => ConfigChoice::Beside(args.path.clone()),
        };
        let (config, folder) = configuration(&choice)?;
        let root = if args.path.is_dir() { args.path.clone() } else { args.path.parent().unwrap_or(Path::new("")).to_path_buf() };
        let root = if root.as_os_str().is_empty() { PathBuf::from(".") } else { root };
        let below = self.repo.relative(&root).map(|below| if below.is_empty() { below } else { format!("{below}/") });
        let below = below.ok_or_else(|| {
            CliError::new(format!("{} is not below the top of the repository", args.path.display()), "name a folder of it")
        })?;
        let allow_below = folder.map(|folder| prefix(&folder, &args.path)).unwrap_or_default();
        let request = Request {
            scope: Scope::worktree(args.path.clone(), Respect::Yes, 0),
            rules: rule_set(&config, &args.rules)?,
            inline: InlineAllow::Honoured,
            min_confidence: config.min_confidence.unwrap_or(Confidence::Medium),
            key: key(&config)?,
            allow: config.allow.below(allow_below),
        };
        Ok((request, below))
    }

    fn tools(&self) -> Tools<'_> {
        let plugins: &dyn Plugins = &NoPlugins;
        Tools { policy: &self.policy, keyring: self.keyring, plugins, now: &self.now }
    }

    /// What the command line and a plan file say about steps.
    fn decide(&self, plan: &mut Plan, files: &BTreeMap<String, SourceFile>, key: &FingerprintKey) -> Result<(), CliError> {
        if let Some(file) = &self.args.apply {
            let text = std::fs::read_to_string(file)
                .map_err(|error| CliError::new(format!("cannot read {}: {error}", file.display()), "`--plan-out FILE` writes a plan"))?;
            let decisions = Decisions::read(&text).and_then(|decisions| decisions.apply(plan, files, key));
            decisions.map_err(|error| {
                CliError::new(format!("{}: {error}", file.display()), "make a new plan with --plan-out").exiting(Exit::Refused)
            })?;
        }
        let (only, skip) = (Matching::new(&self.args.only)?, Matching::new(&self.args.skip)?);
        for step in &mut plan.steps {
            let matches = |filter: &Matching| {
                filter.matches(&step.file) || step.places.iter().any(|place| filter.names(&place.fingerprint.to_string()))
            };
            if (!self.args.only.is_empty() && !matches(&only)) || matches(&skip) {
                step.decision = Decision::Skipped;
            }
        }
        Ok(())
    }

    fn write_plan(&self, file: &Path, plan: &Plan, files: &BTreeMap<String, SourceFile>, key: &FingerprintKey) -> Result<Exit, CliError> {
        put(file, plan_file::write(plan, files, key).as_bytes(), Access::KeptOrPrivate)
            .map_err(|error| CliError::new(error.to_string(), "name a file in a folder that you can write to"))?;
        self.ui.note(&format!("the plan was written to {}; `sopup migrate --apply {0}` applies it", file.display()));
        Ok(Exit::Clean)
    }

    fn refuse(&self, changes: &[Change], left: &[String]) -> Result<(), CliError> {
        let refusals = refusals(changes, self.repo);
        if !refusals.is_empty() {
            let lines: Vec<String> = refusals.iter().map(ToString::to_string).collect();
            let hint = "nothing was changed; --skip leaves files out";
            return Err(CliError::new(lines.join("\n"), hint).exiting(Exit::Refused));
        }
        if left.is_empty() {
            return Ok(());
        }
        let hint = "nothing was changed; --skip leaves these files out, and please report what sopup left there";
        Err(CliError::new(left.join("\n"), hint).exiting(Exit::Refused))
    }

    fn confirm(&self, files: usize) -> Result<bool, CliError> {
        if self.args.yes || self.args.apply.is_some() {
            return Ok(true);
        }
        if !std::io::stdin().is_terminal() {
            return Err(CliError::new("there is nobody to ask", "--dry-run shows what would happen, --yes applies what is safe"));
        }
        let mut out = self.ui.stderr();
        write!(out, "Change {files} files? [y/N] ")?;
        out.flush()?;
        let mut answer = String::new();
        std::io::stdin().lock().read_line(&mut answer)?;
        Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
    }

    fn write(&self, changes: &[Change]) -> Result<Journal, CliError> {
        apply(changes, &self.repo.top, &self.repo.git_dir, self.tools(), &RealDisk).map_err(|error| self.interrupted(&error))
    }

    /// Whether an error left something to be finished, and what to try.
    fn interrupted(&self, error: &ApplyError) -> CliError {
        let journals = journal::all(&self.repo.git_dir, &RealDisk);
        let open = journals.is_ok_and(|all| all.iter().any(|journal| matches!(journal.state(), State::Applying | State::Undoing)));
        if open {
            let hint = "mend that, then `sopup migrate --resume` finishes it, or `sopup migrate --undo` puts everything back";
            CliError::new(error.to_string(), hint).exiting(Exit::Interrupted)
        } else {
            CliError::new(error.to_string(), "nothing was changed").exiting(Exit::Refused)
        }
    }

    /// Scans again and says what happened. What should be gone and is not puts everything back.
    fn conclude(&self, request: &Request, below: &str, (plan, upto): (&Plan, Applicability), journal: &Journal) -> Result<Exit, CliError> {
        let progress = Progress::default();
        let outcome = self.ui.watched(&progress, || scan(request, &progress))?;
        let moved = |finding: &crate::finding::Finding| {
            let all = plan.steps.iter().flat_map(|step| step.places.iter().map(move |place| (step, place)));
            let mut places = all.filter(|(_, place)| place.fingerprint == finding.fingerprint).peekable();
            places.peek().is_some() && places.all(|(step, _)| step.is_chosen(upto))
        };
        let left: Vec<String> =
            outcome.findings.iter().filter(|finding| moved(finding)).map(|finding| finding.occurrences[0].origin.path.clone()).collect();
        let (files, unread) = survey(&outcome.findings, Vec::new(), self.repo, below);
        let remaining = files.values().map(|file| file.sites.len()).sum::<usize>() + unread.len();
        show::summary(plan, upto, journal, remaining, self.ui)?;
        if !left.is_empty() {
            let hint = "`sopup migrate --undo` puts everything back; please report this";
            return Err(CliError::new(format!("still found after the migration: {}", left.join(", ")), hint));
        }
        Ok(exit(&outcome, remaining > 0))
    }

    fn undo(&self, journals: Vec<Journal>, id: &str) -> Result<Exit, CliError> {
        let wanted = |journal: &Journal| journal.state() != State::Undone && (id.is_empty() || journal.id() == id);
        let Some(mut journal) = journals.into_iter().rev().find(wanted) else {
            let what = if id.is_empty() { String::new() } else { format!(" `{id}`") };
            return Err(CliError::new(format!("there is no migration{what} to put back"), "`ls .git/sopup/journal` shows the ids")
                .exiting(Exit::Refused));
        };
        undo(&mut journal, &self.repo.top, self.tools(), &RealDisk).map_err(|error| self.back_failed(&error))?;
        self.ui.note(&format!("the migration {} was put back: {} files are as they were", journal.id(), journal.files().len()));
        Ok(Exit::Clean)
    }

    fn back_failed(&self, error: &ApplyError) -> CliError {
        if let ApplyError::Moved(_) = error {
            let hint =
                "nothing was put back; bring these files to the state right after the migration (`git diff` shows them), then try again";
            return CliError::new(error.to_string(), hint).exiting(Exit::Refused);
        }
        self.interrupted(error)
    }

    fn resume(&self, journals: Vec<Journal>) -> Result<Exit, CliError> {
        let Some(mut journal) = journals.into_iter().find(|journal| matches!(journal.state(), State::Applying | State::Undoing)) else {
            self.ui.note("there is nothing to finish");
            return Ok(Exit::Clean);
        };
        resume(&mut journal, &self.repo.top, self.tools(), &RealDisk).map_err(|error| self.interrupted(&error))?;
        let how = if journal.state() == State::Applied { "applied" } else { "put back" };
        self.ui.note(&format!("the migration {} is {how}: {} files", journal.id(), journal.files().len()));
        Ok(Exit::Clean)
    }
}

fn exit(outcome: &Outcome, remaining: bool) -> Exit {
    match (outcome.is_complete(), remaining) {
        (false, _) => Exit::Incomplete,
        (true, true) => Exit::Findings,
        (true, false) => Exit::Clean,
    }
}
