//! `sopup migrate`.

mod after;
mod back;
mod decide;
mod filter;
mod kustomize;
mod ledger;
mod other_keys;
mod prove;
mod recipients;
mod review;
pub(super) mod setup;
mod show;
mod summary;

use std::path::{Path, PathBuf};

use super::Exit;
use super::environment::{ConfigChoice, configuration, fingerprint_key, new_key};
use super::error::CliError;
use super::paths::prefix;
use super::sops::keys::Keys;
use super::sops::{KeyPrograms, SopsArg, now};
use super::ui::Ui;
use super::what::{key, note_unread, rule_set};
use crate::file::RealDisk;
use crate::finding::{FingerprintKey, InlineAllow};
use crate::migrate::apply::apply;
use crate::migrate::change::{Change, Tools};
use crate::migrate::dismiss;
use crate::migrate::journal::{self, Journal, State};
use crate::migrate::known::{Search, places};
use crate::migrate::plan::{Applicability, Plan};
use crate::migrate::policy::{OtherKeys, Policy};
use crate::migrate::proof::{Judge, Leftover};
use crate::migrate::repo::{Repo, Texts};
use crate::migrate::wish::Wishes;
use crate::migrate::{Settings, Survey, plan, survey};
use crate::rule::Confidence;
use crate::scan::{Outcome, Progress, Request, Scope, scan};
use crate::sops::keyring::Keyring;
use crate::sops::plugin::{NoPlugins, Plugins};
use crate::sops::timestamp::Timestamp;
use crate::source::Respect;
use prove::Proven;
use review::Review;
use setup::{Kubernetes, Layout, check_recipients, lock, policy};

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
    /// Who could open new stores, if a rehearsal encrypts for somebody else.
    rehearsed: Option<Policy>,
    keyring: &'a Keyring,
    /// What encrypts for keys that are not of age, if there is something.
    programs: Option<&'a KeyPrograms<'a>>,
    now: Timestamp,
}

pub(super) fn run(args: &Args, ui: &Ui) -> Result<Exit, CliError> {
    let repo =
        Repo::open(&args.path).map_err(|error| CliError::new(error.to_string(), "run it inside a git repository with a working tree"))?;
    let mut keys = Keys::find();
    let mut policy = policy(args.age.as_deref(), &repo)?;
    let programs = args.sops.programs(ui)?;
    let programs = programs.key_service().is_some().then_some(&programs);
    if programs.is_some() {
        policy.other_keys = OtherKeys::Sops;
    }
    let mut rehearsed = None;
    if args.dry_run && (keys.keyring().is_empty() || check_recipients(&policy).is_err()) {
        ui.note(
            "no age identity or no recipient is known, so this dry run encrypts for a key that nobody keeps; \
             `sopup init` makes what a migration needs",
        );
        let (stand_in, key) = setup::stand_in(&policy)?;
        keys.add(key);
        rehearsed = Some(std::mem::replace(&mut policy, stand_in));
    }
    // What was done can be taken back without them.
    if args.undo.is_none() && !args.resume {
        check_recipients(&policy)?;
    }
    let run = Run { args, ui, repo: &repo, policy, rehearsed, keyring: keys.keyring(), programs, now: now() };
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
    run.check_summaries()?;
    run.migrate()
}

impl Run<'_> {
    /// Scan, plan, show, ask, apply.
    fn migrate(&self) -> Result<Exit, CliError> {
        let (request, below, is_key_shared) = self.request()?;
        let progress = Progress::default();
        let outcome = self.ui.watched(&progress, || scan(&request, &progress))?;
        note_unread(&outcome, self.ui);
        let Scope::Worktree(walks) = &request.scope else { return Ok(Exit::Internal) };
        let texts = Texts::default();
        let whole = below.is_empty() && self.args.path.is_dir();
        let search = Search { walks, allow: &request.allow, key: &request.key, texts: whole.then_some(&texts) };
        let further = places(&outcome.findings, &search);
        self.repo.keep(texts);
        let survey = survey(&outcome.findings, further, self.repo, &below);
        let files = &survey.files;
        let draft = |wishes: &Wishes| self.draft(wishes, &survey, &request.key);
        let mut plan = self.decided(&draft, files, &request)?;
        if let Some(file) = &self.args.plan_out {
            return self.write_plan(file, &plan, files, &request.key);
        }
        let judge = Judge { rules: &request.rules, min_confidence: request.min_confidence };
        // A plan that nobody looks at leaves out what could not be proven.
        let early = !self.asks() && self.args.apply.is_none();
        let proven = if early { Some(self.leave_unproven(&mut plan, files, judge)?) } else { None };
        let nothing = !plan.changes_something() && (!self.asks() || plan.steps.is_empty());
        // Behind a diff, the plan says in short what was long.
        if nothing || !self.args.dry_run {
            show::plan(&plan, self.ui)?;
        }
        if nothing {
            self.summarise(&plan, None)?;
            return Ok(exit(&outcome, plan.leaves_something()));
        }
        if !self.args.dry_run {
            self.show_recipients(&plan)?;
        }
        if self.asks() {
            let saved = |plan: &Plan| self.save_review(plan, files, &request.key);
            let review = Review { files, draft: &draft, key: &request.key, wishes: Wishes::default(), ui: self.ui, save: &saved };
            let Some(agreed) = self.confirmed(plan, review)? else { return Ok(Exit::Refused) };
            plan = agreed;
        }
        let Proven { mut changes, left, rendering } = proven.map_or_else(|| self.proven(&plan, files, judge), Ok)?;
        changes.extend(self.dismissed(&plan, &outcome, is_key_shared)?);
        self.enter(&plan, &outcome, &mut changes)?;
        if self.args.dry_run {
            show::diff(&changes, files, self.ui)?;
            show::plan(&plan, self.ui)?;
            self.show_recipients(&plan)?;
        }
        let (doubtful, left): (Vec<Leftover>, Vec<Leftover>) = left.into_iter().partition(Leftover::is_doubtful);
        self.refuse(&changes, &left.iter().map(ToString::to_string).collect::<Vec<_>>())?;
        doubtful.iter().for_each(|left| self.ui.note(&left.to_string()));
        self.refuse_rendering(rendering.as_ref())?;
        if self.args.dry_run {
            self.summarise(&plan, None)?;
            return Ok(exit(&outcome, plan.leaves_something()));
        }
        if let Some(programs) = self.programs {
            self.add_other_keys(&mut changes, programs)?;
        }
        let journal = self.write(&changes)?;
        self.forget_review();
        self.conclude(request, &below, &plan, (&journal, rendering))
    }

    /// False alarms, each allowed as the value that it is; the key that names values is made if there is none.
    fn dismissed(&self, plan: &Plan, outcome: &Outcome, is_key_shared: bool) -> Result<Option<Change>, CliError> {
        let text = new_key();
        let made = FingerprintKey::new(text.clone().into_bytes()).expect("a key made here is long enough");
        let renamed = outcome.findings.iter().map(|one| (one.fingerprint.clone(), made.fingerprint(&one.secret))).collect();
        let key = if is_key_shared { dismiss::Key::Shared } else { dismiss::Key::Made { text: &text, renamed: &renamed } };
        let change = dismiss::change(plan, self.repo, key).map_err(|error| setup::refused(&error.into()))?;
        if change.is_some() && !is_key_shared {
            self.ui.note("`fingerprint_key` was added to .sopup.yaml: it names the allowed values, for everybody who has the file");
        }
        Ok(change)
    }

    fn draft(&self, wishes: &Wishes, survey: &Survey, key: &FingerprintKey) -> Plan {
        let upto = if self.args.include_review { Applicability::NeedsReview } else { Applicability::Safe };
        let settings = Settings {
            policy: &self.policy,
            keyring: self.keyring,
            kubernetes: self.args.kubernetes.style(),
            layout: self.args.layout.into(),
            wishes,
            key,
            upto,
        };
        plan(survey, self.repo, &settings)
    }

    fn request(&self) -> Result<(Request, String, bool), CliError> {
        let args = self.args;
        let (config, folder) = configuration(&ConfigChoice::of(args.config.as_deref(), args.no_repo_config, &args.path))?;
        let root = if args.path.is_dir() { args.path.clone() } else { args.path.parent().unwrap_or(Path::new("")).to_path_buf() };
        let root = if root.as_os_str().is_empty() { PathBuf::from(".") } else { root };
        let below = self.repo.relative(&root).map(|below| if below.is_empty() { below } else { format!("{below}/") });
        let below = below.ok_or_else(|| {
            CliError::new(format!("{} is not below the top of the repository", args.path.display()), "name a folder of it")
        })?;
        let allow_below = folder.map(|folder| prefix(&folder, &args.path)).transpose()?.unwrap_or_default();
        let shared = fingerprint_key(config.fingerprint_key.as_deref())?.is_some();
        let request = Request {
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
            below: below.clone(),
        };
        Ok((request, below, shared))
    }

    fn tools(&self) -> Tools<'_> {
        let plugins: &dyn Plugins = &NoPlugins;
        Tools { policy: &self.policy, keyring: self.keyring, plugins, now: &self.now }
    }

    fn write(&self, changes: &[Change]) -> Result<Journal, CliError> {
        apply(changes, &self.repo.top, &self.repo.git_dir, self.tools(), &RealDisk).map_err(|error| self.interrupted(&error))
    }
}

fn exit(outcome: &Outcome, remaining: bool) -> Exit {
    match (outcome.is_complete(), remaining) {
        (false, _) => Exit::Incomplete,
        (true, true) => Exit::Findings,
        (true, false) => Exit::Clean,
    }
}
