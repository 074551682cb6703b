//! Many secrets at a glance: how many of each severity, rule and folder.

use std::collections::BTreeMap;
use std::io::{self, Write};

use owo_colors::OwoColorize as _;

use super::by_severity;
use crate::finding::Finding;
use crate::report::places::{View, place, secrets_in_places};
use crate::report::rows::places;

/// Rules and folders listed by name.
const LISTED: usize = 10;

pub(super) fn write(out: &mut dyn Write, findings: &[Finding], view: &View<'_>) -> io::Result<()> {
    let places: usize = findings.iter().map(|finding| places(finding).len()).sum();
    let head = secrets_in_places(findings.len() as u64, places as u64);
    writeln!(out, "{}: {}\n", head.bold(), by_severity(findings))?;
    table(out, "rule", findings.iter().map(|finding| (finding.rule.id.to_owned(), finding.rule.name)))?;
    table(out, "folder", findings.iter().map(|finding| (folder(&place(&finding.occurrences[0], view)), "")))
}

/// Names with how often they come, the most frequent first.
fn table<'a>(out: &mut dyn Write, what: &str, names: impl Iterator<Item = (String, &'a str)>) -> io::Result<()> {
    let mut counts: BTreeMap<(String, &str), u64> = BTreeMap::new();
    for name in names {
        *counts.entry(name).or_default() += 1;
    }
    let mut counts: Vec<((String, &str), u64)> = counts.into_iter().collect();
    counts.sort_by_key(|&(_, count)| std::cmp::Reverse(count));
    writeln!(out, "{}", format!("By {what}").bold())?;
    for ((name, about), count) in counts.iter().take(LISTED) {
        writeln!(out, "{count:>7}  {}", format!("{name:<32}  {about}").trim_end())?;
    }
    if counts.len() > LISTED {
        let rest: u64 = counts[LISTED..].iter().map(|(_, count)| count).sum();
        writeln!(out, "{rest:>7}  in {} more", counts.len() - LISTED)?;
    }
    writeln!(out)
}

/// The topmost folder of a path as it is shown.
fn folder(path: &str) -> String {
    match path.trim_start_matches("./").split_once('/') {
        Some(("", rest)) => format!("/{}", rest.split('/').next().unwrap_or_default()),
        Some((folder, _)) => format!("{folder}/"),
        None => "(top)".to_owned(),
    }
}
