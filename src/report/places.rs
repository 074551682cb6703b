//! Where a secret was found, as a person reads it: its place in a file or a repository, and what the history says.

use super::names::Names;
use super::{Context, safe};
use crate::finding::Occurrence;
use crate::source::{Commit, Sighting, SourceKind};

/// What places are seen with.
#[derive(Debug)]
pub struct View<'a> {
    /// What was scanned.
    pub context: &'a Context<'a>,
    /// How names may be shown.
    pub names: Names<'a>,
}

/// When it came, when it went, and who still leads to it.
pub fn in_history(sighting: &Sighting, names: &Names<'_>) -> String {
    let named = |commit: &Commit| format!("{} ({})", &commit.id[..commit.id.len().min(10)], day(commit));
    let span = match (&sighting.commit, &sighting.last) {
        (Some(first), Some(last)) if first.id != last.id => format!("in history from {} to {}", named(first), named(last)),
        (Some(first), _) if sighting.in_head => format!("in history since {}", named(first)),
        (Some(first), _) => format!("in history in {}", named(first)),
        (None, _) => "in the object store, in no commit".to_owned(),
    };
    let versions = if sighting.versions > 1 { format!(", {} versions", sighting.versions) } else { String::new() };
    // HEAD is another name of a branch.
    let named_refs: Vec<&String> = sighting.refs.iter().filter(|name| *name != "HEAD" || sighting.ref_count == 1).collect();
    let ref_count = sighting.ref_count - (sighting.refs.len() - named_refs.len());
    let refs = match (named_refs.first(), ref_count) {
        (None, _) if sighting.commit.is_some() && !sighting.in_head => ", no ref leads to it".to_owned(),
        (None, _) => String::new(),
        (Some(name), 1) => format!(", on {}", safe::line(short(&names.masked(name)))),
        (Some(name), count) => {
            format!(", on {} and {}", safe::line(short(&names.masked(name))), plural(count as u64 - 1, "other ref", "other refs"))
        }
    };
    format!("{span}{versions}{refs}")
}

fn short(name: &str) -> &str {
    name.strip_prefix("refs/heads/").or(name.strip_prefix("refs/")).unwrap_or(name)
}

fn day(commit: &Commit) -> String {
    let (seconds, minutes) = commit.date;
    super::local(seconds, minutes).map_or_else(|| "no date".to_owned(), |time| time.strftime("%Y-%m-%d").to_string())
}

/// A place as it is opened: path, line and column.
pub fn position(occurrence: &Occurrence, view: &View<'_>) -> String {
    let path = place(occurrence, view);
    format!("{path}:{}:{}", occurrence.start.line, occurrence.start.column)
}

/// A place's path as a person types it, with its source where that is not the file itself.
pub(super) fn place(occurrence: &Occurrence, view: &View<'_>) -> String {
    let path = safe::line(&view.names.masked(&occurrence.origin.path));
    match occurrence.origin.source {
        SourceKind::Stdin if path.is_empty() => "<stdin>".to_owned(),
        SourceKind::Stdin | SourceKind::Index | SourceKind::History | SourceKind::Message => path,
        SourceKind::Note => format!("{path} (a note)"),
        SourceKind::Stash => format!("{path} (stashed)"),
        SourceKind::Ref => format!("{path} (a ref's name)"),
        SourceKind::Path => format!("{} (its name)", joined(view.context.root, &path)),
        SourceKind::Worktree | SourceKind::Archive | SourceKind::Git => joined(view.context.root, &path),
    }
}

fn joined(root: &str, path: &str) -> String {
    match root {
        "" | "." => path.to_owned(),
        _ if path.starts_with('/') => path.to_owned(),
        _ => format!("{}/{path}", safe::line(root.trim_end_matches('/'))),
    }
}

/// How many secrets there are, and in how many places.
pub(super) fn secrets_in_places(secrets: u64, places: u64) -> String {
    format!("{} in {}", plural(secrets, "secret", "secrets"), plural(places, "place", "places"))
}

/// A number with its noun.
pub fn plural(count: u64, one: &str, many: &str) -> String {
    let digits = count.to_string();
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    format!("{grouped} {}", if count == 1 { one } else { many })
}
