//! One file of an examination, and what counts for it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::RECORDS;
use super::meant::{is_in_samples, is_meant, is_store_by_name};
use crate::cli::error::CliError;
use crate::cli::sops::keys::Keys;
use crate::cli::sops::rules::{FILE_NAME, Rules, above};
use crate::sops::creation_rule::CreationRule;
use crate::sops::digest::{Record, Records};
use crate::sops::doctor::{Diagnosis, Patient, Problem, State, examine, looks_encrypted};
use crate::sops::store::{Format, Style};

/// One file, and what counts for it.
pub(super) struct Case<'a> {
    /// Its path below what is examined.
    pub(super) path: &'a str,
    /// Where it is.
    pub(super) file: &'a Path,
    /// Its bytes when it was read.
    pub(super) bytes: &'a [u8],
    pub(super) rule: Option<&'a CreationRule>,
    /// How its configuration wants files to be laid out.
    pub(super) style: Style,
    /// The digests that are kept, if any are.
    pub(super) records: Option<&'a Records>,
}

impl Case<'_> {
    pub(super) fn record(&self) -> Option<&Record> {
        self.records.and_then(|records| records.0.get(self.path))
    }

    /// What is wrong with the file if it holds these bytes.
    pub(super) fn look(&self, bytes: &[u8], keys: Option<&Keys>) -> Diagnosis {
        let Self { path, rule, .. } = *self;
        let record = self.record();
        let keyring = keys.map(Keys::keyring);
        let mut found = examine(&Patient { bytes, format: Format::from_path(path), rule, keyring, record });
        if !rule.is_some_and(|rule| is_selective(rule) && is_meant(path, bytes, rule)) {
            found.problems.retain(|problem| !matches!(problem, Problem::NotEncrypted));
        }
        let unnamed = found.state == State::Plain && found.problems.is_empty();
        if unnamed && found.has_values && is_store_by_name(path.rsplit('/').next().unwrap_or(path)) && !is_in_samples(path) {
            found.problems.push(Problem::PlainStore);
        }
        if found.state == State::Opened && self.records.is_some() && record.is_none() {
            found.problems.push(Problem::NoDigest);
        }
        found
    }
}

/// Whether a file is one for the doctor: it looks encrypted, or its name or a creation rule says that it should be.
pub(super) fn is_examined(path: &str, bytes: &[u8], rule: Option<&CreationRule>) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let is_setting = [FILE_NAME, RECORDS, ".sopup.yaml", ".gitattributes", ".gitignore"].contains(&name);
    !is_setting && (looks_encrypted(bytes) || is_store_by_name(name) || rule.is_some_and(is_selective))
}

/// A rule for every file does not mean that every file is a secret.
fn is_selective(rule: &CreationRule) -> bool {
    !rule.matches_everything()
}

/// The `.sops.yaml` files that count, each read once.
pub(super) struct RuleBook {
    /// The one that somebody named; it counts for all files.
    named: Option<PathBuf>,
    /// Which one is nearest to a folder.
    nearest: HashMap<PathBuf, Option<PathBuf>>,
    pub(super) read: HashMap<PathBuf, Result<Rules, CliError>>,
}

impl RuleBook {
    /// By the nearest configuration of each file, or by a named one.
    pub(super) fn new(named: Option<PathBuf>) -> Self {
        Self { named, nearest: HashMap::new(), read: HashMap::new() }
    }

    pub(super) fn rule_for(&mut self, file: &Path) -> Option<&CreationRule> {
        self.covering(file).0
    }

    /// The rule for a file, and the layout that its configuration asks for.
    pub(super) fn covering(&mut self, file: &Path) -> (Option<&CreationRule>, Style) {
        let Some(rules) = self.rules_near(file) else { return (None, Style::default()) };
        (rules.rule_for(file).ok().flatten(), rules.config.style)
    }

    fn rules_near(&mut self, file: &Path) -> Option<&Rules> {
        let folder = file.parent().unwrap_or(Path::new("")).to_path_buf();
        let path = match &self.named {
            Some(path) => path.clone(),
            None => self.nearest.entry(folder).or_insert_with_key(|folder| above(folder)).clone()?,
        };
        self.read.entry(path).or_insert_with_key(|path| Rules::read(path)).as_ref().ok()
    }
}
