//! The report for people: one block per secret with its line, then what was scanned, what was not, and what to do
//! next. Many secrets begin with an overview, and only the most severe have blocks. Styled; whoever prints it takes the
//! styles out where they do not belong.

mod block;
mod ending;
mod overview;

use std::collections::{HashMap, HashSet};
use std::io::{self, Write};

use owo_colors::OwoColorize as _;

pub use ending::summary;
pub(super) use ending::{by_severity, in_baseline, quantity};

use super::Context;
use super::json::severity;
use super::names::Names;
use super::places::{View, plural, secrets_in_places};
use super::rows::places;
use crate::finding::{Finding, Fingerprint};
use crate::scan::Outcome;

/// More secrets than this begin with an overview.
const MANY: usize = 30;
/// Of many secrets, as many have blocks.
const BLOCKS: usize = 20;

/// How the report is laid out.
#[derive(Debug, Default)]
pub struct Layout {
    /// What stands together under one heading.
    pub group: Option<GroupBy>,
    /// Whether each secret has its block, however many there are.
    pub all: bool,
    /// Whether it ends with what was found, without a summary and what to do next; what was not read is said all the same.
    pub terse: bool,
    /// Columns of the terminal, if it is one.
    pub width: Option<usize>,
    /// The folder in which paths are links to files; none where links are not understood.
    pub linked: Option<std::path::PathBuf>,
}

/// What secrets may have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GroupBy {
    /// The rule that found them.
    Rule,
    /// The path of the first place.
    Path,
    /// The severity.
    Severity,
}

pub(super) fn write(out: &mut dyn Write, outcome: &Outcome, context: &Context<'_>) -> io::Result<()> {
    let view = &View { context, names: Names::of(outcome, context.secrets) };
    let folds = context.layout.folds();
    let shown = grouped(outcome.findings.iter().filter(|finding| !folds || is_alone(finding)).collect(), view);
    let is_many = shown.len() > MANY;
    if is_many {
        overview::write(out, &outcome.findings, view)?;
    }
    let full = if is_many && !context.layout.all { BLOCKS } else { usize::MAX };
    let blocks = outcome.findings.iter().filter(|finding| !folds || is_alone(finding)).take(full);
    let severe: HashSet<*const Finding> = blocks.map(std::ptr::from_ref).collect();
    let mut identifiers: HashMap<&Fingerprint, Vec<&Finding>> = HashMap::new();
    for finding in outcome.findings.iter().filter(|_| folds) {
        finding.identifies.iter().for_each(|secret| identifiers.entry(secret).or_default().push(finding));
    }
    let with = |finding: &Finding| identifiers.get(&finding.fingerprint).map(Vec::as_slice).unwrap_or_default();
    let members = members(&shown, with);
    let mut group = None;
    for (finding, key) in &shown {
        if key.is_some() && group != *key {
            group = key.clone();
            heading(out, key.as_deref().unwrap_or_default(), members[key])?;
        }
        if severe.contains(&std::ptr::from_ref(*finding)) {
            block::write(out, finding, with(finding), view)?;
        } else {
            block::line(out, finding, with(finding), view)?;
        }
    }
    if severe.len() < shown.len() {
        let rest = plural((shown.len() - severe.len()) as u64, "secret has", "secrets have");
        writeln!(
            out,
            "\n{} {rest} one line each; `--all` shows every block, `--report html=FILE` writes a page with everything\n",
            "note:".cyan().bold()
        )?;
    }
    ending::skipped(out, outcome, view)?;
    if context.layout.terse {
        return Ok(());
    }
    ending::allowlist(out, outcome, context.covered.is_whole)?;
    ending::baseline(out, outcome)?;
    ending::write(out, outcome, context)
}

impl Layout {
    /// Whether identifiers are shown with their secrets; not where they would stand under another heading.
    fn folds(&self) -> bool {
        matches!(self.group, None | Some(GroupBy::Path))
    }
}

/// Whether a finding is no identifier that belongs to a secret.
fn is_alone(finding: &Finding) -> bool {
    finding.identifies.is_none()
}

/// Findings with the headings they stand under; groups come in the order of their most severe finding.
fn grouped<'a>(findings: Vec<&'a Finding>, view: &View<'_>) -> Vec<(&'a Finding, Option<String>)> {
    let key = |finding: &Finding| match view.context.layout.group? {
        GroupBy::Rule => Some(format!("{} ({})", finding.rule.name, finding.rule.id)),
        GroupBy::Severity => Some(severity(finding.severity).to_owned()),
        GroupBy::Path => Some(super::places::place(&finding.occurrences[0], view)),
    };
    let mut shown: Vec<(&Finding, Option<String>)> = findings.into_iter().map(|finding| (finding, key(finding))).collect();
    let mut first: HashMap<Option<String>, usize> = HashMap::new();
    for (at, (_, key)) in shown.iter().enumerate() {
        first.entry(key.clone()).or_insert(at);
    }
    shown.sort_by_key(|(_, key)| first[key]);
    shown
}

/// Secrets and places below each heading, with the identifiers that are shown with them.
fn members<'a>(
    shown: &[(&'a Finding, Option<String>)],
    with: impl Fn(&'a Finding) -> &'a [&'a Finding],
) -> HashMap<Option<String>, (u64, u64)> {
    let mut members: HashMap<Option<String>, (u64, u64)> = HashMap::new();
    for (finding, key) in shown {
        let counts = members.entry(key.clone()).or_default();
        for one in std::iter::once(finding).chain(with(finding)) {
            *counts = (counts.0 + 1, counts.1 + places(one).len() as u64);
        }
    }
    members
}

fn heading(out: &mut dyn Write, key: &str, (secrets, found): (u64, u64)) -> io::Result<()> {
    let counts = secrets_in_places(secrets, found);
    writeln!(out, "{} {counts}\n", format!("== {key}:").bold())
}
