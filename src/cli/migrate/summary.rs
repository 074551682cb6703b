//! What a migration did, or would do, for those who read a pull request and for programs: all of it, without secrets.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::Run;
use super::show::together;
use crate::cli::error::CliError;
use crate::cli::output::write_file;
use crate::cli::rotate::Desk;
use crate::file::Access;
use crate::ledger::Owners;
use crate::migrate::plan::{Applicability, Plan, Step};
use crate::report::cell;
use crate::report::json::{confidence, severity};

const SCHEMA: &str = "sopup.migration/v1";

/// A file that a summary is written to.
#[derive(Debug, Clone)]
pub(super) struct Target {
    form: Form,
    path: PathBuf,
}

#[derive(Debug, Clone, Copy)]
enum Form {
    Markdown,
    Json,
}

/// `markdown=FILE`
pub(super) fn target(text: &str) -> Result<Target, String> {
    let (form, path) = text.split_once('=').filter(|(_, path)| !path.is_empty()).ok_or("name a file too, as in `markdown=summary.md`")?;
    let form = match form {
        "markdown" | "md" => Form::Markdown,
        "json" => Form::Json,
        other => return Err(format!("there is no format `{other}`; the formats are markdown and json")),
    };
    Ok(Target { form, path: PathBuf::from(path) })
}

/// What happened: nothing for a plan or a dry run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Done<'a> {
    pub(super) id: &'a str,
    pub(super) commit: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct SummaryV1<'a> {
    schema: &'static str,
    /// What `sopup migrate --undo=ID` takes; `null` if nothing was changed.
    migration: Option<&'a str>,
    commit: Option<&'a str>,
    moved: Vec<StepV1<'a>>,
    to_review: Vec<StepV1<'a>>,
    by_hand: Vec<StepV1<'a>>,
    /// A line for each secret that others know, in the order of its first place.
    to_replace: Vec<SecretV1<'a>>,
    /// Entries with one value: whoever changes one changes all.
    change_together: Vec<Vec<String>>,
    /// What is to know about running things from now on.
    from_now_on: Vec<&'a str>,
}

#[derive(Debug, Serialize)]
struct StepV1<'a> {
    file: &'a str,
    line: usize,
    secrets: Vec<&'a str>,
    entries: Vec<String>,
    reason: String,
    owners: Vec<&'a str>,
}

#[derive(Debug, Serialize)]
struct SecretV1<'a> {
    secret: &'a str,
    fingerprint: String,
    rule: &'a str,
    severity: &'static str,
    confidence: &'static str,
    file: &'a str,
    line: usize,
    owners: Vec<&'a str>,
}

impl Run<'_> {
    /// Whether the summaries can be written: what a migration did must not be lost because of one.
    pub(super) fn check_summaries(&self) -> Result<(), CliError> {
        let folder = |target: &Target| target.path.parent().filter(|folder| !folder.as_os_str().is_empty()).map(Path::to_path_buf);
        match self.args.summary.iter().filter_map(folder).find(|folder| !folder.is_dir()) {
            Some(folder) => Err(CliError::new(
                format!("there is no folder {}", folder.display()),
                "--summary takes FORMAT=FILE, in a folder that is there",
            )),
            None => Ok(()),
        }
    }

    /// Writes the summaries that were asked for.
    pub(super) fn summarise(&self, plan: &Plan, done: Option<Done<'_>>) -> Result<(), CliError> {
        if self.args.summary.is_empty() {
            return Ok(());
        }
        let owners = Desk::of(&self.repo.top)?.owners()?;
        let summary = Summary::of(plan, done, &owners);
        self.args.summary.iter().try_for_each(|target| summary.write(target))
    }
}

/// A summary of a plan.
struct Summary<'a>(SummaryV1<'a>);

impl<'a> Summary<'a> {
    fn of(plan: &'a Plan, done: Option<Done<'a>>, owners: &'a Owners) -> Self {
        let of_file = |path: &str| owners.of(path).iter().map(String::as_str).collect::<Vec<_>>();
        let step = |step: &'a Step| StepV1 {
            file: &step.file,
            line: step.line(),
            secrets: step.places.iter().map(|place| place.redacted.as_str()).collect(),
            entries: step.entries.iter().map(|id| plan.name_of(*id)).collect(),
            reason: step.why(),
            owners: of_file(&step.file),
        };
        let left = |wanted: Applicability| {
            plan.steps.iter().filter(move |step| step.applicability == wanted && !plan.is_chosen(step) && !step.is_dismissed())
        };
        let mut seen = BTreeSet::new();
        let places = plan.chosen().flat_map(|step| step.places.iter().map(move |place| (step, place)));
        let secrets = places.filter(|(_, place)| place.is_secret() && seen.insert(&place.fingerprint)).map(|(step, place)| SecretV1 {
            secret: &place.redacted,
            fingerprint: place.fingerprint.to_string(),
            rule: place.rule,
            severity: severity(place.severity),
            confidence: confidence(place.confidence),
            file: &step.file,
            line: place.line,
            owners: of_file(&step.file),
        });
        let hows: BTreeSet<&str> = plan.chosen().map(|step| step.reason.as_str()).filter(|reason| !reason.is_empty()).collect();
        Self(SummaryV1 {
            schema: SCHEMA,
            migration: done.map(|done| done.id),
            commit: done.and_then(|done| done.commit),
            moved: plan.chosen().map(step).collect(),
            to_review: left(Applicability::NeedsReview).chain(left(Applicability::Safe)).map(step).collect(),
            by_hand: left(Applicability::Manual).map(step).collect(),
            to_replace: secrets.collect(),
            change_together: together(plan).into_iter().map(|ids| ids.into_iter().map(|id| plan.name_of(id)).collect()).collect(),
            from_now_on: hows.into_iter().collect(),
        })
    }

    fn write(&self, target: &Target) -> Result<(), CliError> {
        let text = match target.form {
            Form::Markdown => self.markdown(),
            Form::Json => format!("{}\n", serde_json::to_string_pretty(&self.0).unwrap_or_default()),
        };
        write_file(&target.path, text.as_bytes(), Access::KeptOrShared)
    }

    fn markdown(&self) -> String {
        let summary = &self.0;
        let places = |steps: &[StepV1<'_>]| steps.iter().map(|step| step.secrets.len()).sum::<usize>();
        let (moved, review, hand) = (places(&summary.moved), places(&summary.to_review), places(&summary.by_hand));
        let title =
            if summary.migration.is_some() { "Secrets moved into SOPS files" } else { "What a migration would move into SOPS files" };
        let mut out = format!(
            "## {title}\n\n**{} to replace**; {moved} places moved, {review} to review, {hand} to do by hand.\n",
            super::show::number(summary.to_replace.len(), "secret")
        );
        if let Some(id) = summary.migration {
            _ = writeln!(out, "\n`sopup migrate --undo={id}` puts everything back.");
        }
        table(&mut out, "Moved", ["place", "secret", "now in"], &summary.moved, |step| step.entries.join(", "));
        table(&mut out, "To review", ["place", "secret", "why"], &summary.to_review, |step| step.reason.clone());
        table(&mut out, "By hand", ["place", "secret", "why"], &summary.by_hand, |step| step.reason.clone());
        self.replace(&mut out);
        if !summary.change_together.is_empty() {
            out += "\n### Entries with one value, which change together\n\n";
            summary.change_together.iter().for_each(|entries| _ = writeln!(out, "- {}", cell(&entries.join(", "))));
        }
        if !summary.from_now_on.is_empty() {
            out += "\n### From now on\n\n";
            summary.from_now_on.iter().for_each(|how| _ = writeln!(out, "- {}", cell(how)));
        }
        out
    }

    /// Check lists of what is to be replaced, one for each owner.
    fn replace(&self, out: &mut String) {
        let mut by_owner = BTreeMap::<String, Vec<&SecretV1<'_>>>::new();
        for secret in &self.0.to_replace {
            by_owner.entry(secret.owners.join(" ")).or_default().push(secret);
        }
        if by_owner.is_empty() {
            return;
        }
        *out += "\n### To replace where they were issued\n";
        for (owner, secrets) in by_owner {
            if !owner.is_empty() {
                _ = write!(out, "\n#### {}\n", cell(&owner));
            }
            *out += "\n";
            for secret in secrets {
                let (place, value) = (cell(&format!("{}:{}", secret.file, secret.line)), cell(secret.secret));
                _ = writeln!(out, "- [ ] {value} ({}, {}): {place}", secret.rule, secret.severity);
            }
        }
    }
}

fn table(out: &mut String, title: &str, [place, secret, last]: [&str; 3], steps: &[StepV1<'_>], what: impl Fn(&StepV1<'_>) -> String) {
    if steps.is_empty() {
        return;
    }
    _ = write!(out, "\n### {title}\n\n| {place} | {secret} | {last} |\n| --- | --- | --- |\n");
    for step in steps {
        let place = cell(&format!("{}:{}", step.file, step.line));
        _ = writeln!(out, "| {place} | {} | {} |", cell(&step.secrets.join(", ")), cell(&what(step)));
    }
}
