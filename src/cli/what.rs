//! What `scan` and its kin are told about how to scan: rules, configuration, what counts, what it may cost.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use clap::ValueEnum;

use super::environment::{self, ConfigChoice, configuration_with, fingerprint_key, git_dir, own_key};
use super::error::CliError;
use super::paths::{below, below_top, prefix};
use super::ui::Ui;
use crate::config::Config;
use crate::finding::InlineAllow;
use crate::report::plural;
use crate::rule::{Confidence, Rule, RuleSet, builtin, load_dir, rule_files};
use crate::scan::{LazyKey, Outcome, Request, Scope, Submodules};
use crate::source::Respect;
use crate::source::object::{Alternates, Limits};
use crate::source::refs::{GitDir, GitDirError};

/// By which rules, and how, something is scanned.
#[derive(Debug, clap::Args)]
pub(super) struct What {
    /// Leave out what is less sure [default: medium]
    #[arg(help_heading = "What counts", long, value_enum, value_name = "LEVEL", env = "SOPUP_MIN_CONFIDENCE")]
    min_confidence: Option<ConfidenceArg>,

    /// Also use the rules in this folder; one with a known id replaces the built-in rule
    #[arg(help_heading = "What counts", long, value_name = "DIR")]
    rules: Vec<PathBuf>,

    /// Use this configuration instead of .sopup.yaml
    #[arg(help_heading = "What counts", long, value_name = "FILE", env = "SOPUP_CONFIG")]
    config: Option<PathBuf>,

    /// Also use the rules and allowlists of this configuration of gitleaks, in place of the one that .sopup.yaml names
    #[arg(help_heading = "What counts", long, value_name = "FILE")]
    gitleaks_config: Option<PathBuf>,

    /// Do not obey .sopup.yaml and .sopupignore of the scanned repository
    #[arg(help_heading = "What counts", long)]
    no_repo_config: bool,

    /// Report lines marked `sopup:allow` as well
    #[arg(help_heading = "What counts", long)]
    no_inline_allow: bool,

    /// Scan what .gitignore and .sopupignore leave out as well
    #[arg(help_heading = "What counts", long)]
    no_ignore: bool,

    /// Memory for objects of the history, in MiB [default: a quarter of the machine's, 1024 at most]
    #[arg(help_heading = "How it is read", long, value_name = "MIB", value_parser = clap::value_parser!(u64).range(16..=1 << 20))]
    pub(super) memory: Option<u64>,

    /// Scan the history of submodules as well
    #[arg(help_heading = "How it is read", long)]
    pub(super) submodules: bool,

    /// Also read objects that the repository borrows from repositories below DIR
    #[arg(help_heading = "How it is read", long, value_name = "DIR")]
    alternates: Option<PathBuf>,

    /// Number of threads; 0 for one per core
    #[arg(help_heading = "How it is read", short, long, value_name = "N", default_value_t = 0)]
    pub(super) jobs: usize,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum ConfidenceArg {
    Low,
    Medium,
    High,
}

impl What {
    /// Which configuration counts for what is scanned.
    pub(super) fn config_choice(&self, path: &Path) -> ConfigChoice {
        ConfigChoice::of(self.config.as_deref(), self.no_repo_config, path)
    }

    /// The configuration that counts for what is scanned, and the folder its globs start from.
    pub(super) fn configuration(&self, path: &Path) -> Result<(Config, Option<PathBuf>), CliError> {
        configuration_with(&self.config_choice(path), self.gitleaks_config.as_deref())
    }

    /// The files that say how something is scanned: configurations, and rules.
    pub(super) fn files(&self, path: &Path) -> Result<Vec<PathBuf>, CliError> {
        let config = environment::configuration_of(&self.config_choice(path))?;
        let gitleaks = match (&self.gitleaks_config, &config) {
            (Some(file), _) => Some(file.clone()),
            (None, Some(config)) => {
                environment::gitleaks_beside(&Config::read(config, environment::today(), environment::key_source())?, config)?
            }
            (None, None) => None,
        };
        let rules = self.rules.iter().map(|folder| rule_files(folder)).collect::<Result<Vec<_>, _>>()?.concat();
        Ok(config.into_iter().chain(gitleaks).chain(rules).collect())
    }

    /// The configuration that was named.
    pub(super) fn config_file(&self) -> Option<&Path> {
        self.config.as_deref()
    }

    /// What was asked for, else what the configuration says.
    pub(super) fn min_confidence(&self, configured: Option<Confidence>) -> Option<Confidence> {
        self.min_confidence.map(Confidence::from).or(configured)
    }

    /// Whether a configuration of gitleaks was named.
    pub(super) fn names_gitleaks(&self) -> bool {
        self.gitleaks_config.is_some()
    }

    /// Folders of rules.
    pub(super) fn rule_folders(&self) -> &[PathBuf] {
        &self.rules
    }

    /// A scan of one file.
    pub(super) fn of_file(&self, file: &Path) -> Result<Request, CliError> {
        let (config, folder) = self.configuration(file)?;
        let prefix = folder.map(|folder| prefix(&folder, file)).transpose()?.unwrap_or_default();
        let request = self.request(config, Scope::worktree(file.to_path_buf(), Respect::No, self.jobs), None, prefix)?;
        Ok(Request { below: below(file), ..request })
    }

    /// A scan of what the next commit adds.
    pub(super) fn staged(&self, path: &Path) -> Result<Request, CliError> {
        let (config, folder) = self.configuration(path)?;
        let git = git_dir(path)?;
        let top = git.work_tree().map(Path::to_path_buf);
        let prefix = folder.map(|folder| prefix(&folder, top.as_deref().unwrap_or(path))).transpose()?.unwrap_or_default();
        self.request(config, Scope::Staged { limits: self.limits(&git), git }, top, prefix)
    }

    /// Which files are left out.
    pub(super) fn respect(&self) -> Respect {
        match (self.no_ignore, self.no_repo_config) {
            (true, _) => Respect::No,
            (false, true) => Respect::Git,
            (false, false) => Respect::Yes,
        }
    }

    /// What reading objects may cost.
    pub(super) fn limits(&self, git: &GitDir) -> Limits {
        let alternates = Alternates::Within(self.alternates.iter().cloned().chain([git.common().to_owned()]).collect());
        let standard = Limits::default();
        let threads = NonZeroUsize::new(self.jobs).unwrap_or(standard.threads);
        let memory = self.memory.map_or_else(|| environment::memory_budget(standard.memory), |mebibytes| mebibytes << 20);
        Limits { memory, threads, alternates, ..standard }
    }

    /// A scan of something. `top` is the working tree whose `.sopupignore` counts, `prefix` where the scanned root lies
    /// below the folder of the configuration.
    pub(super) fn request(&self, config: Config, scope: Scope, top: Option<PathBuf>, prefix: String) -> Result<Request, CliError> {
        Ok(Request {
            rules: rule_set(&config, &self.rules)?,
            scope,
            inline: if self.no_inline_allow { InlineAllow::Ignored } else { InlineAllow::Honoured },
            min_confidence: self.min_confidence(config.min_confidence).unwrap_or(Confidence::Medium),
            key: key(&config)?,
            severities: config.severity.below(prefix.clone()),
            allow: config.allow.below(prefix),
            baseline: None,
            unread: Vec::new(),
            examine: None,
            below: String::new(),
            top: top.filter(|_| !self.no_ignore && !self.no_repo_config),
        })
    }

    /// A scan of all that a repository has, read anew, or of a folder that is in none. Also gives the commit at HEAD.
    pub(super) fn everything(&self, path: &Path) -> Result<(Request, Option<String>), CliError> {
        let (config, folder) = self.configuration(path)?;
        let git = match git_dir(path) {
            Err(GitDirError::NotFound(_)) => {
                let prefix = folder.map(|folder| prefix(&folder, path)).transpose()?.unwrap_or_default();
                let scope = Scope::worktree(path.to_path_buf(), self.respect(), self.jobs);
                let request = self.request(config, scope, None, prefix)?;
                return Ok((Request { below: below_top(path, None), ..request }, None));
            }
            git => git?,
        };
        let head = git.head().ok().flatten().map(|id| id.to_string());
        let top = git.work_tree().map(Path::to_path_buf);
        let inside = if self.submodules { Submodules::Scanned } else { Submodules::Not };
        let scope = Scope::repository(git.clone(), self.limits(&git), None, Some(self.respect()), inside);
        Ok((self.request(config, scope, top, String::new())?, head))
    }
}

/// Says that a scan did not read all, if it did not; such a command ends with 3.
pub(super) fn note_unread(outcome: &Outcome, ui: &Ui) {
    if !outcome.is_complete() {
        ui.note(&format!("{} could not be read; `sopup scan` names them", plural(outcome.skipped.len() as u64, "item", "items")));
    }
}

/// The rules of a configuration and those in folders.
pub(super) fn load_rules(config: &Config, folders: &[PathBuf]) -> Result<Vec<&'static Rule>, CliError> {
    let mut more = [&config.rules[..], &config.foreign_rules].concat();
    for folder in folders {
        more.extend(load_dir(folder)?);
    }
    Ok(more)
}

pub(super) fn rule_set(config: &Config, folders: &[PathBuf]) -> Result<RuleSet, CliError> {
    let mut rules = builtin().with(&load_rules(config, folders)?)?;
    if let Some(unknown) = config.unknown_rules(&rules).into_iter().find(|unknown| unknown.is_error) {
        return Err(CliError::new(unknown.problem.message, "`sopup rules list` shows all ids"));
    }
    config.disable.iter().for_each(|id| _ = rules.disable(id));
    Ok(rules)
}

pub(super) fn key(config: &Config) -> Result<LazyKey, CliError> {
    let given = fingerprint_key(config.fingerprint_key.as_deref())?;
    Ok(LazyLock::new(Box::new(|| given.unwrap_or_else(own_key))))
}

impl From<ConfidenceArg> for Confidence {
    fn from(level: ConfidenceArg) -> Self {
        match level {
            ConfidenceArg::Low => Self::Low,
            ConfidenceArg::Medium => Self::Medium,
            ConfidenceArg::High => Self::High,
        }
    }
}
