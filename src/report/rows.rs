//! Places of findings, one by one: what stands in a file and in its history is one place. Also the words and ids that
//! the reports for other tools share; values are masked there, whatever was asked for.

use std::collections::HashMap;

use sha2::{Digest as _, Sha256};

use super::json::confidence;
use super::names::Names;
use super::{Context, Show, in_history, is_length_told, safe};
use crate::finding::{Finding, Occurrence};
use crate::scan::Outcome;
use crate::source::{Sighting, SourceKind};
use crate::text::hex;

/// Where a secret is, and what the history says of this place.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The file on disk, if it is in one.
    pub at: &'a Occurrence,
    /// What the history says of it.
    pub past: Option<&'a Sighting>,
}

impl Place<'_> {
    /// Whether only the history has it.
    pub(super) fn is_gone(&self) -> bool {
        self.at.sighting.is_some()
    }
}

/// The places of a finding. What the history has at the path of a file on disk goes with that file.
pub fn places(finding: &Finding) -> Vec<Place<'_>> {
    let mut places: Vec<Place<'_>> = Vec::new();
    let mut by_start: HashMap<(bool, &str, Option<u64>), usize> = HashMap::new();
    for at in &finding.occurrences {
        let (is_name, path, start) = (at.origin.source == SourceKind::Path, at.origin.path.as_str(), at.bytes.start);
        let past = at.sighting.as_deref();
        if past.is_some() && matches!(at.origin.source, SourceKind::History | SourceKind::Path) {
            let known = by_start.get(&(is_name, path, Some(start))).or_else(|| by_start.get(&(is_name, path, None)));
            if let Some(&known) = known {
                places[known].past = older(places[known].past, past);
                continue;
            }
        }
        if matches!(at.origin.source, SourceKind::Worktree | SourceKind::Archive | SourceKind::Index | SourceKind::Path) && past.is_none() {
            by_start.entry((is_name, path, Some(start))).or_insert(places.len());
            by_start.entry((is_name, path, None)).or_insert(places.len());
        }
        places.push(Place { at, past });
    }
    places
}

fn older<'a>(one: Option<&'a Sighting>, other: Option<&'a Sighting>) -> Option<&'a Sighting> {
    let begun = |sighting: &Sighting| sighting.commit.as_ref().map_or(i64::MAX, |commit| commit.date.0);
    match (one, other) {
        (Some(a), Some(b)) if begun(b) < begun(a) => Some(b),
        (Some(a), _) => Some(a),
        (None, other) => other,
    }
}

/// The mask of a value, or what is wrong with a file.
pub(super) fn masked(finding: &Finding, place: Place<'_>) -> String {
    let state = finding.rule.is_of_file().then(|| place.at.excerpt.text.clone());
    safe::line(&state.unwrap_or_else(|| finding.secret.redacted()))
}

/// A place as other tools are told of it.
pub(super) struct Row<'a> {
    pub(super) finding: &'a Finding,
    pub(super) place: Place<'a>,
    /// Relative to the top of the repository, or what stands for a path where there is none.
    pub(super) path: String,
    /// What the history says, in words; may be empty.
    pub(super) history: String,
    /// Whose commit brought it there; may be empty.
    pub(super) author: String,
    /// Stays the same while the value is at this path; different for every row.
    pub(super) id: String,
}

/// All places, the most severe first.
pub(super) fn rows<'a>(outcome: &'a Outcome, context: &Context<'_>) -> Vec<Row<'a>> {
    let names = Names::of(outcome, Show::Masked);
    let mut rows = Vec::new();
    let mut seen: HashMap<(String, &str), usize> = HashMap::new();
    for finding in &outcome.findings {
        for place in places(finding) {
            let path = path(place.at, &names, &context.covered.below);
            let number = seen.entry((format!("{}\0{path}", finding.fingerprint), place.at.origin.source.code())).or_default();
            *number += 1;
            let id = id(finding, place.at, &path, *number);
            let history = place.past.map(|past| in_history(past, &names)).unwrap_or_default();
            let author = place.past.and_then(|past| past.commit.as_ref()).map(|commit| names.masked(&commit.author).into_owned());
            rows.push(Row { finding, place, path, history, author: author.unwrap_or_default(), id });
        }
    }
    rows
}

/// What was not read and why, names masked and harmless.
pub(super) fn unread(outcome: &Outcome) -> Vec<(String, String)> {
    let names = Names::of(outcome, Show::Masked);
    outcome.skipped.iter().map(|skip| (safe::line(&names.masked(&skip.what)), safe::line(&skip.reason.to_string()))).collect()
}

fn path(at: &Occurrence, names: &Names<'_>, below: &str) -> String {
    let path = names.masked(&at.origin.path);
    match at.origin.source {
        SourceKind::Worktree | SourceKind::Archive | SourceKind::Path if at.sighting.is_none() => format!("{below}{path}"),
        SourceKind::Stdin if path.is_empty() => "stdin".to_owned(),
        _ => path.into_owned(),
    }
}

/// Made of the fingerprint, which is keyed, and of what is shown anyway.
fn id(finding: &Finding, at: &Occurrence, path: &str, number: usize) -> String {
    let parts = format!("{}\0{}\0{}\0{path}\0{number}", finding.fingerprint, finding.rule.id, at.origin.source.code());
    hex(Sha256::digest(parts))
}

impl<'a> Row<'a> {
    /// The place as it is opened: path, line and column.
    pub(super) fn position(&self) -> String {
        let start = self.place.at.start;
        format!("{}:{}:{}", self.path, start.line, start.column)
    }

    /// Whether the path is that of a file, now or once.
    pub(super) fn is_file(&self) -> bool {
        use SourceKind::{Archive, History, Index, Path, Stash, Worktree};
        matches!(self.place.at.origin.source, Worktree | Archive | Index | Path | History | Stash) && !self.path.starts_with(".git/")
    }

    /// Whether line and column count in the text at the path, and not in its name.
    pub(super) fn is_in_text(&self) -> bool {
        !matches!(self.place.at.origin.source, SourceKind::Path | SourceKind::Ref)
    }

    pub(super) fn line(&self) -> usize {
        if self.is_in_text() { self.place.at.start.line } else { 1 }
    }

    /// Where it ends, if that may be told.
    pub(super) fn end(&self) -> Option<(usize, usize)> {
        let end = self.place.at.end;
        (self.is_in_text() && is_length_told(self.finding, Show::Masked)).then_some((end.line, end.column))
    }

    pub(super) fn masked(&self) -> String {
        masked(self.finding, self.place)
    }

    /// What it is and how sure that is; nothing of the value but its mask.
    pub(super) fn message(&self) -> String {
        let rule = self.finding.rule.name;
        let inside = match self.place.at.origin.source {
            SourceKind::Path => " in the name of a file",
            SourceKind::Ref => " in the name of a ref",
            SourceKind::Message => " in a message",
            SourceKind::Note => " in a note",
            SourceKind::Stash => " in a stash",
            SourceKind::Archive => " in an archive",
            SourceKind::Git => " in a text of the git directory",
            _ => "",
        };
        let history = if self.history.is_empty() { String::new() } else { format!("; {}", self.history) };
        format!("{rule}{inside}: {} ({} confidence){history}", self.masked(), confidence(self.finding.confidence))
    }

    /// The commit that brought it there.
    pub(super) fn commit(&self) -> Option<&'a str> {
        self.place.past.and_then(|past| past.commit.as_ref()).map(|commit| commit.id.as_str())
    }

    /// When that was, RFC 3339.
    pub(super) fn date(&self) -> Option<String> {
        self.place.past.and_then(|past| past.commit.as_ref()).map(|commit| super::json::date(commit.date))
    }

    pub(super) fn url(&self) -> Option<&'static str> {
        link(self.finding.rule)
    }
}

/// A page that tells more about what a rule finds.
pub(super) fn link(rule: &crate::rule::Rule) -> Option<&'static str> {
    let is_web = |url: &&'static str| url.starts_with("https://") || url.starts_with("http://");
    rule.rotate_url.filter(is_web).or_else(|| rule.references.iter().copied().find(is_web))
}
