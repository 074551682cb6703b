//! `.sops.yaml`: where it is looked for, and how a new file is to be encrypted by it and by the command line.

use std::fs;
use std::path::{Component, Path, PathBuf};

use super::error::NO_RECIPIENTS;
use super::key_programs::KeyPrograms;
use super::keys::variable;
use super::now;
use crate::cli::error::CliError;
use crate::cli::ui::Ui;
use crate::sops::creation_rule::{Config, CreationRule, Warning, recipient_list};
use crate::sops::crypt::CommentPolicy;
use crate::sops::mac::MacScope;
use crate::sops::ops::{AlteredNumbers, Audience, NothingSelected, Plan};
use crate::sops::recipient::{Recipient, is_mixed};
use crate::sops::selector::Selector;
use crate::sops::store::{Format, Style};

/// The name of the configuration.
pub(in crate::cli) const FILE_NAME: &str = ".sops.yaml";

/// Which configuration is used.
#[derive(Debug, clap::Args)]
pub(super) struct ConfigArg {
    /// Use these rules instead of the nearest .sops.yaml: in this folder or above it, else beside the file
    #[arg(long, value_name = "FILE", env = "SOPS_CONFIG")]
    config: Option<PathBuf>,

    /// Blanks per level of YAML and JSON, whatever .sops.yaml says
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(0..=16))]
    indent: Option<u8>,
}

/// A configuration and where it was found.
pub(in crate::cli) struct Rules {
    pub(in crate::cli) config: Config,
    pub(in crate::cli) path: PathBuf,
}

impl ConfigArg {
    /// What the environment says, for commands without the option.
    pub(super) fn of_environment() -> Self {
        Self { config: variable("SOPS_CONFIG").map(PathBuf::from), indent: None }
    }

    /// The rules for a new file or for its keys, if there are any; says what is odd about them.
    pub(super) fn find(&self, file: &Path, ui: &Ui) -> Result<Option<Rules>, CliError> {
        let Some(path) = self.path(file) else { return Ok(None) };
        let rules = Rules::read(&path)?;
        for warning in &rules.config.warnings {
            ui.note(&format!("{}: {}", path.display(), describe(warning)));
        }
        Ok(Some(rules))
    }

    /// How a file that is there is laid out. Nothing else of the configuration counts for it, so a broken one is no reason to
    /// fail.
    pub(super) fn style(&self, file: &Path, ui: &Ui) -> Result<Style, CliError> {
        let Some(path) = self.path(file) else { return Ok(self.layout(None)) };
        match Rules::read(&path) {
            Ok(rules) => Ok(self.layout(Some(&rules))),
            Err(error) if self.config.is_some() => Err(error),
            Err(error) => {
                ui.note(&format!("{} is not used: {error}", path.display()));
                Ok(self.layout(None))
            }
        }
    }

    /// The layout that the rules ask for, unless the command line asks for another.
    pub(super) fn layout(&self, rules: Option<&Rules>) -> Style {
        let style = rules.map(|rules| rules.config.style).unwrap_or_default();
        let Some(typed) = self.indent.map(usize::from) else { return style };
        Style { yaml_indent: Some(typed).filter(|width| *width > 0), json_indent: Some(typed), binary_indent: Some(typed) }
    }

    fn path(&self, file: &Path) -> Option<PathBuf> {
        match &self.config {
            Some(path) => Some(path.clone()),
            None => above(Path::new(".")).or_else(|| above(file.parent().unwrap_or(Path::new("")))),
        }
    }
}

impl Rules {
    pub(in crate::cli) fn read(path: &Path) -> Result<Self, CliError> {
        let bytes = fs::read(path).map_err(|error| {
            CliError::new(format!("cannot read {}: {error}", path.display()), "name a file that exists with `--config` or SOPS_CONFIG")
        })?;
        // An empty file, such as /dev/null, holds no rules.
        let config = if bytes.trim_ascii().is_empty() { Config::default() } else { Config::parse(&bytes)? };
        Ok(Self { config, path: path.to_path_buf() })
    }

    /// The rule for a file; its path counts from the folder of the configuration.
    pub(in crate::cli) fn rule_for(&self, file: &Path) -> Result<Option<&CreationRule>, CliError> {
        Ok(self.config.rule_for(&self.relative(file))?)
    }

    fn relative(&self, file: &Path) -> String {
        let folder = absolute(&self.path).parent().map(Path::to_path_buf).unwrap_or_default();
        let file = absolute(file);
        let below = file.strip_prefix(&folder).unwrap_or(&file);
        let parts = below.components().map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>();
        // The root is a part of its own, called `/`.
        parts.join("/").replacen("//", "/", 1)
    }
}

/// The nearest `.sops.yaml` in a folder or above it.
pub(in crate::cli) fn above(folder: &Path) -> Option<PathBuf> {
    absolute(folder).ancestors().map(|folder| folder.join(FILE_NAME)).find(|path| path.is_file())
}

/// The whole path, with links of its folder resolved; the file need not exist.
fn absolute(path: &Path) -> PathBuf {
    let whole = without_dots(&std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf()));
    if let Ok(real) = whole.canonicalize()
        && real.is_dir()
    {
        return real;
    }
    let folder = whole.parent().and_then(|folder| folder.canonicalize().ok());
    match (folder, whole.file_name()) {
        (Some(folder), Some(name)) => folder.join(name),
        _ => whole,
    }
}

/// `a/../b` is `b`, whatever `a` is: sops counts so.
fn without_dots(path: &Path) -> PathBuf {
    let mut clean = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => _ = clean.pop(),
            Component::CurDir => {}
            part => clean.push(part),
        }
    }
    clean
}

/// Says that a file will not be safe from quantum computers, although some of its recipients are.
pub(super) fn note_mixed<'a>(recipients: impl IntoIterator<Item = &'a Recipient>, ui: &Ui) {
    if is_mixed(recipients) {
        ui.note("some recipients are post-quantum (age1pq1…) and others not: a quantum computer needs only one of the others");
    }
}

/// A warning in words.
pub(in crate::cli) fn describe(warning: &Warning) -> String {
    match warning {
        Warning::UnknownKey { place, key } if place.is_empty() => format!("sops does not know the key `{key}` and ignores it"),
        Warning::UnknownKey { place, key } => format!("sops does not know the key `{key}` of {place} and ignores it"),
        Warning::Unreachable { rule, hidden_by } => {
            format!("creation_rules[{rule}] is never used: creation_rules[{hidden_by}] matches every file")
        }
        Warning::NoKeys { rule } => format!("creation_rules[{rule}] names no keys: nobody could open its files"),
        Warning::NoRules => "it has no creation_rules, so sops ignores it".to_owned(),
    }
}

/// How a new file is to be encrypted, as far as the command line says.
#[derive(Debug, clap::Args)]
pub(super) struct PlanArgs {
    /// Who can decrypt: age recipients, separated by commas
    #[arg(short, long, value_name = "RECIPIENTS", env = "SOPS_AGE_RECIPIENTS")]
    age: Option<String>,

    /// Leave values plain below keys that end so [default: _unencrypted]
    #[arg(long, value_name = "SUFFIX", group = "selector")]
    unencrypted_suffix: Option<String>,

    /// Encrypt values below keys that end so, and no others
    #[arg(long, value_name = "SUFFIX", group = "selector")]
    encrypted_suffix: Option<String>,

    /// Leave values plain below keys that match
    #[arg(long, value_name = "REGEX", group = "selector")]
    unencrypted_regex: Option<String>,

    /// Encrypt values below keys that match, and no others
    #[arg(long, value_name = "REGEX", group = "selector")]
    encrypted_regex: Option<String>,

    /// Leave values plain whose comment matches
    #[arg(long, value_name = "REGEX", group = "selector")]
    unencrypted_comment_regex: Option<String>,

    /// Encrypt values whose comment matches, and no others
    #[arg(long, value_name = "REGEX", group = "selector")]
    encrypted_comment_regex: Option<String>,

    /// Let the MAC cover encrypted values only: plain ones can then be changed without sops
    #[arg(long)]
    mac_only_encrypted: bool,

    /// Number of key groups needed to decrypt [default: all]
    #[arg(long, value_name = "N")]
    shamir_secret_sharing_threshold: Option<usize>,

    /// Write the file even if the selector leaves every value plain, or a new one in `edit`
    #[arg(long)]
    pub(super) allow_plain: bool,
}

impl PlanArgs {
    /// The plan for a file: its creation rule, overridden by what was typed.
    pub(super) fn plan(&self, rules: Option<&Rules>, file: &Path, format: Format, programs: &KeyPrograms<'_>) -> Result<Plan, CliError> {
        let rule = match rules {
            Some(rules) => rules.rule_for(file)?,
            None => None,
        };
        let typed = self.selector()?;
        let selector = typed.or_else(|| rule.and_then(|rule| rule.selector.clone())).unwrap_or_default();
        let only =
            format != Format::Binary && (self.mac_only_encrypted || rule.is_some_and(|rule| rule.mac_scope == MacScope::EncryptedOnly));
        for name in ["SOPS_KMS_ARN", "SOPS_GCP_KMS_IDS", "SOPS_AZURE_KEYVAULT_URLS", "SOPS_VAULT_URIS", "SOPS_PGP_FP"] {
            if variable(name).is_some_and(|value| !value.is_empty()) {
                programs.ui().note(&format!("{name} is set, and not heeded: keys that are not of age are named in .sops.yaml"));
            }
        }
        let audience = self.audience(rule, programs)?;
        note_mixed(audience.groups.iter().flatten(), programs.ui());
        Ok(Plan {
            audience,
            selector: (format != Format::Binary).then_some(selector),
            mac_scope: if only { MacScope::EncryptedOnly } else { MacScope::AllValues },
            comments: CommentPolicy::Encrypt,
            nothing_selected: if self.allow_plain { NothingSelected::Allow } else { NothingSelected::Refuse },
            altered_numbers: AlteredNumbers::Refuse,
            now: now(),
        })
    }

    fn audience(&self, rule: Option<&CreationRule>, programs: &KeyPrograms<'_>) -> Result<Audience, CliError> {
        let typed = self.age.as_deref().map(recipient_list).transpose()?.filter(|recipients| !recipients.is_empty());
        let mut audience = match (typed, rule) {
            (Some(recipients), _) => Audience::of(recipients),
            (None, Some(rule)) => {
                programs.check(rule)?;
                rule.audience.clone()
            }
            (None, None) => {
                return Err(CliError::new("there are no recipients: no .sops.yaml with creation rules was found", NO_RECIPIENTS));
            }
        };
        audience.shamir_threshold = self.shamir_secret_sharing_threshold.or(audience.shamir_threshold);
        Ok(audience)
    }

    fn selector(&self) -> Result<Option<Selector>, CliError> {
        let typed = [
            ("unencrypted_suffix", &self.unencrypted_suffix),
            ("encrypted_suffix", &self.encrypted_suffix),
            ("unencrypted_regex", &self.unencrypted_regex),
            ("encrypted_regex", &self.encrypted_regex),
            ("unencrypted_comment_regex", &self.unencrypted_comment_regex),
            ("encrypted_comment_regex", &self.encrypted_comment_regex),
        ];
        let Some((field, value)) = typed.into_iter().find_map(|(field, value)| value.as_ref().map(|value| (field, value))) else {
            return Ok(None);
        };
        Selector::from_field(field, value).map_err(|error| {
            CliError::new(error.to_string(), "regular expressions are those of Go (RE2): without look-ahead and back-references")
        })
    }
}
