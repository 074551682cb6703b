//! Which steps of a plan somebody wants or leaves out: by file, value and rule, and by how sure and how severe it is.

use globset::{Glob, GlobMatcher};

use crate::cli::error::CliError;
use crate::cli::rules::find;
use crate::migrate::plan::{Applicability, Place, Step};
use crate::report::json::{confidence, severity};
use crate::rule::{Confidence, RuleSet, Severity};

/// What `--only` and `--skip` take.
pub(super) const SYNTAX: &str = "`docs`, `docs/**`, a fingerprint, `rule:ID`, `severity:high`, `confidence:medium` or `is:needs-review`";

/// Files that match a glob, or are below a folder.
struct Below {
    glob: GlobMatcher,
    folder: String,
}

impl Below {
    fn parse(text: &str) -> Result<Self, CliError> {
        let path = text.strip_prefix("./").unwrap_or(text);
        let glob = Glob::new(path).map_err(|error| CliError::new(error.to_string(), format!("--only and --skip take {SYNTAX}")))?;
        Ok(Self { glob: glob.compile_matcher(), folder: format!("{}/", path.trim_end_matches('/')) })
    }

    fn takes(&self, path: &str) -> bool {
        self.glob.is_match(path) || path.starts_with(&self.folder) || self.folder == "./"
    }
}

/// Files that any of some texts names.
pub(super) struct Files(Vec<Below>);

impl Files {
    pub(super) fn new(texts: &[String]) -> Result<Self, CliError> {
        texts.iter().map(|text| Below::parse(text)).collect::<Result<_, _>>().map(Self)
    }

    pub(super) fn takes(&self, path: &str) -> bool {
        self.0.iter().any(|below| below.takes(path))
    }
}

/// One way to name steps.
enum Want {
    Files(Below),
    Fingerprint(String),
    Rule(&'static str),
    Severity(Severity),
    Confidence(Confidence),
    Applicability(Applicability),
}

/// Steps that any of some texts names.
pub(super) struct Filter(Vec<(String, Want)>);

impl Filter {
    pub(super) fn new(texts: &[String], rules: &RuleSet) -> Result<Self, CliError> {
        texts.iter().map(|text| Ok((text.clone(), Want::parse(text, rules)?))).collect::<Result<_, _>>().map(Self)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn takes(&self, step: &Step) -> bool {
        self.0.iter().any(|(_, want)| want.takes(step))
    }

    /// Texts that name none of these steps: mostly slips of the pen.
    pub(super) fn idle<'f>(&'f self, steps: &'f [Step]) -> impl Iterator<Item = &'f str> {
        self.0.iter().filter(|(_, want)| !steps.iter().any(|step| want.takes(step))).map(|(text, _)| text.as_str())
    }
}

impl Want {
    fn parse(text: &str, rules: &RuleSet) -> Result<Self, CliError> {
        let wrong = |message: String| CliError::new(message, format!("--only and --skip take {SYNTAX}"));
        let unknown = |words: &str| wrong(format!("`{text}`: it must be one of {words}"));
        match text.split_once(':') {
            Some(("rule", id)) => find(rules, id).map(|rule| Self::Rule(rule.id)),
            Some(("severity", word)) => {
                let all = [Severity::Low, Severity::Medium, Severity::High, Severity::Critical];
                let known = all.into_iter().find(|known| severity(*known) == word).map(Self::Severity);
                known.ok_or_else(|| unknown("low, medium, high and critical"))
            }
            Some(("confidence", word)) => {
                let all = [Confidence::Low, Confidence::Medium, Confidence::High];
                let known = all.into_iter().find(|known| confidence(*known) == word).map(Self::Confidence);
                known.ok_or_else(|| unknown("low, medium and high"))
            }
            Some(("is", word)) => {
                let all = [Applicability::Safe, Applicability::NeedsReview, Applicability::Manual];
                let known = all.into_iter().find(|known| known.code() == word).map(Self::Applicability);
                known.ok_or_else(|| unknown("safe, needs-review and manual"))
            }
            _ if text.len() == 24 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) => Ok(Self::Fingerprint(text.to_owned())),
            _ => Below::parse(text).map(Self::Files),
        }
    }

    fn takes(&self, step: &Step) -> bool {
        let any = |test: &dyn Fn(&Place) -> bool| step.places.iter().any(test);
        match self {
            Self::Files(below) => below.takes(&step.file),
            Self::Fingerprint(wanted) => any(&|place| place.fingerprint.to_string() == *wanted),
            Self::Rule(id) => any(&|place| place.rule == *id),
            Self::Severity(severity) => any(&|place| place.severity == *severity),
            Self::Confidence(confidence) => any(&|place| place.confidence == *confidence),
            Self::Applicability(applicability) => step.applicability == *applicability,
        }
    }
}
