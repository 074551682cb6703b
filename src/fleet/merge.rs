//! [`Merged`]: one report of many repositories. A secret is one entry however many repositories hold it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::plan::Plan;
use super::result::{RepoResult, Status};

const SCHEMA: &str = "sopup.fleet/v1";

/// One report of many repositories, without secrets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Merged {
    schema: String,
    /// Every repository of the plan, in order of their ids.
    pub repositories: Vec<Repository>,
    /// Every secret, the most severe ones first.
    pub secrets: Vec<SecretAcross>,
    /// Fingerprints that the report before had and this one has not, of repositories that were scanned both times.
    pub gone: Vec<String>,
}

/// What came of a repository.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Repository {
    /// As in the plan.
    pub id: String,
    /// How many secrets it holds.
    pub secrets: usize,
    /// How many places.
    pub places: usize,
    /// Why nothing is known about it, or not all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incomplete: Option<Incomplete>,
}

/// Why a repository is not known in full.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Incomplete {
    /// No task has a result for it.
    Missing,
    /// It was not scanned.
    Failed(String),
    /// So many items of it could not be read.
    Partly(usize),
}

/// A secret, in all repositories.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SecretAcross {
    /// Stands for the value, here and in each repository.
    pub fingerprint: String,
    /// What found it.
    pub rule: String,
    /// What that is called.
    pub name: String,
    /// As in reports.
    pub severity: String,
    /// As in reports.
    pub confidence: String,
    /// The value, masked.
    pub redacted: String,
    /// Whether a file of today has it.
    pub in_head: bool,
    /// When it was committed first, anywhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<String>,
    /// Whether the report before did not have it; `None` without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new: Option<bool>,
    /// Where it is, a line for each repository.
    pub repositories: Vec<SecretPlace>,
}

/// A secret in one repository.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretPlace {
    /// As in the plan.
    pub id: String,
    /// How many places.
    pub places: usize,
    /// One of them, as `path:line`.
    pub example: String,
}

const SEVERITIES: [&str; 4] = ["low", "medium", "high", "critical"];

/// One report of the results of all tasks. Of several results for one repository that of the later task counts if it was
/// scanned. `before` is the report to compare with.
pub fn merge(plan: &Plan, results: Vec<RepoResult>, before: Option<&Merged>) -> Merged {
    let mut by_id = BTreeMap::<String, RepoResult>::new();
    for result in results {
        if result.status == Status::Scanned || !by_id.contains_key(&result.id) {
            by_id.insert(result.id.clone(), result);
        }
    }
    let mut repositories = Vec::new();
    let mut secrets = BTreeMap::<String, SecretAcross>::new();
    let ids: BTreeSet<&str> = plan.repositories().map(|repo| repo.id.as_str()).collect();
    for id in ids {
        let result = by_id.get(id);
        let report = result.and_then(|result| result.report.as_ref());
        let (mut count, mut places) = (0, 0);
        for finding in report.iter().flat_map(|report| report["findings"].as_array()).flatten() {
            count += 1;
            places += add(&mut secrets, id, finding);
        }
        repositories.push(Repository { id: id.to_owned(), secrets: count, places, incomplete: incomplete(result) });
    }
    let mut secrets: Vec<SecretAcross> = secrets.into_values().collect();
    let rank = |secret: &SecretAcross| SEVERITIES.iter().position(|known| *known == secret.severity);
    secrets.sort_by(|a, b| {
        rank(b).cmp(&rank(a)).then_with(|| b.repositories.len().cmp(&a.repositories.len())).then_with(|| a.fingerprint.cmp(&b.fingerprint))
    });
    let mut merged = Merged { schema: SCHEMA.to_owned(), repositories, secrets, gone: Vec::new() };
    if let Some(before) = before {
        merged.compare(before);
    }
    merged
}

fn incomplete(result: Option<&RepoResult>) -> Option<Incomplete> {
    let Some(result) = result else { return Some(Incomplete::Missing) };
    if result.status == Status::Failed {
        return Some(Incomplete::Failed(result.error.clone().unwrap_or_default()));
    }
    let Some(report) = &result.report else { return Some(Incomplete::Failed("its result has no report".to_owned())) };
    let summary = &report["summary"];
    let skipped = summary["skipped"].as_array().map_or(0, Vec::len);
    (summary["complete"] != true).then_some(Incomplete::Partly(skipped))
}

/// Adds a finding of a repository; how many places it has.
fn add(secrets: &mut BTreeMap<String, SecretAcross>, id: &str, finding: &Value) -> usize {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let fingerprint = text(&finding["fingerprint"]);
    let secret = secrets.entry(fingerprint.clone()).or_insert_with(|| SecretAcross {
        fingerprint,
        rule: text(&finding["rule"]),
        name: text(&finding["name"]),
        severity: text(&finding["severity"]),
        confidence: text(&finding["confidence"]),
        redacted: text(&finding["secret"]["redacted"]),
        in_head: false,
        first: None,
        new: None,
        repositories: Vec::new(),
    });
    let places = finding["occurrences"].as_array().map(Vec::as_slice).unwrap_or_default();
    let at = |place: &Value| format!("{}:{}", place["path"].as_str().unwrap_or_default(), place["line"]);
    secret.in_head |= places.iter().any(|place| place["source"] == "worktree" || place["in_head"] == true);
    let dates = places.iter().filter_map(|place| place["date"].as_str());
    let instant = |date: &str| date.parse::<jiff::Timestamp>().ok();
    let first = dates.chain(secret.first.as_deref()).min_by_key(|date| instant(date)).map(str::to_owned);
    secret.first = first;
    secret.repositories.push(SecretPlace { id: id.to_owned(), places: places.len(), example: places.first().map(at).unwrap_or_default() });
    places.len()
}

impl Merged {
    /// Reads a report.
    ///
    /// # Errors
    /// What is wrong.
    pub fn read(text: &str) -> Result<Self, String> {
        let merged: Self = serde_json::from_str(text).map_err(|error| error.to_string())?;
        if merged.schema == SCHEMA { Ok(merged) } else { Err(format!("its schema is `{}`", merged.schema)) }
    }

    /// Repositories that are not known in full.
    pub fn incomplete(&self) -> impl Iterator<Item = (&Repository, &Incomplete)> {
        self.repositories.iter().filter_map(|repository| Some((repository, repository.incomplete.as_ref()?)))
    }

    fn compare(&mut self, before: &Self) {
        let known: BTreeSet<&str> = before.secrets.iter().map(|secret| secret.fingerprint.as_str()).collect();
        self.secrets.iter_mut().for_each(|secret| secret.new = Some(!known.contains(secret.fingerprint.as_str())));
        // What was in a repository that nobody could read now, or looked at, may still be there.
        let known_now = self.repositories.iter().filter(|repository| repository.incomplete.is_none());
        let known_now: BTreeSet<&str> = known_now.map(|repository| repository.id.as_str()).collect();
        let now: BTreeSet<&str> = self.secrets.iter().map(|secret| secret.fingerprint.as_str()).collect();
        let is_gone = |secret: &&SecretAcross| {
            !now.contains(secret.fingerprint.as_str()) && secret.repositories.iter().all(|place| known_now.contains(place.id.as_str()))
        };
        self.gone = before.secrets.iter().filter(is_gone).map(|secret| secret.fingerprint.clone()).collect();
    }
}

impl std::fmt::Display for Incomplete {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Missing => write!(f, "no task has a result for it"),
            Self::Failed(why) => write!(f, "not scanned: {why}"),
            Self::Partly(count) => write!(f, "{count} of its items could not be read"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::listing;

    fn finding(fingerprint: &str, severity: &str, date: &str) -> Value {
        serde_json::json!({"rule": "r", "name": "R", "severity": severity, "confidence": "high", "fingerprint": fingerprint,
            "secret": {"redacted": "x***"}, "occurrences": [{"path": "a.md", "line": 3, "source": "history", "date": date, "in_head": false}]})
    }

    fn scanned(id: &str, findings: &[Value]) -> RepoResult {
        RepoResult::scanned(id, None, None, serde_json::json!({"summary": {"complete": true, "skipped": []}, "findings": findings}))
    }

    #[test]
    fn a_secret_of_several_repositories_is_one_entry() {
        let plan = Plan::new(listing("a\nb\nc\nd\n").expect("a list"), Some(2), |_| 1);
        let (late, early) = ("2026-02-01T10:00:00+00:00", "2026-02-01T10:30:00+02:00");
        let results = vec![
            RepoResult::failed("a", "it was interrupted".to_owned()),
            scanned("a", &[finding("f1", "high", late), finding("f2", "critical", late)]),
            scanned("b", &[finding("f1", "high", early)]),
            RepoResult::failed("c", "git cannot read it".to_owned()),
        ];
        let merged = merge(&plan, results, None);
        let order: Vec<(&str, usize)> =
            merged.secrets.iter().map(|secret| (secret.fingerprint.as_str(), secret.repositories.len())).collect();
        assert_eq!(order, [("f2", 1), ("f1", 2)]);
        assert_eq!(merged.secrets[1].first.as_deref(), Some(early), "instants count, not texts");
        assert!(!merged.secrets[1].in_head);
        let told: Vec<String> = merged.incomplete().map(|(repository, why)| format!("{}: {why}", repository.id)).collect();
        assert_eq!(told, ["c: not scanned: git cannot read it", "d: no task has a result for it"]);
        assert_eq!(Merged::read(&serde_json::to_string(&merged).expect("JSON")).expect("reads"), merged);
    }

    #[test]
    fn what_is_new_and_what_is_gone_is_told() {
        let plan = Plan::new(listing("a\nb\n").expect("a list"), None, |_| 1);
        let date = "2026-02-01T10:00:00Z";
        let before = merge(&plan, vec![scanned("a", &[finding("f1", "high", date)]), scanned("b", &[finding("f2", "high", date)])], None);
        let now =
            merge(&plan, vec![scanned("a", &[finding("f3", "low", date)]), RepoResult::failed("b", "gone".to_owned())], Some(&before));
        assert_eq!(now.secrets[0].new, Some(true));
        assert_eq!(now.gone, ["f1"], "f2 may still be in what could not be read");
    }
}
