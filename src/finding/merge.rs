//! One finding per secret value, in an order that does not depend on how the work was shared out.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::{Finding, FingerprintKey, Located, Occurrence, Severities, pair};
use crate::rule::{Confidence, Judge, Matcher, Rule};
use crate::source::SourceKind;

/// Merges places of the same value; severe and sure findings come first.
pub fn merge(located: Vec<Located>, key: &FingerprintKey, severities: &Severities) -> Vec<Finding> {
    let mut by_value: BTreeMap<Vec<u8>, Vec<Located>> = BTreeMap::new();
    for one in located {
        by_value.entry(one.secret.expose().to_vec()).or_default().push(one);
    }
    let mut findings: Vec<Finding> = by_value.into_values().map(|places| finding(places, key, severities)).collect();
    pair::pair(&mut findings);
    findings.sort_by_cached_key(|finding| (Reverse(finding.severity), Reverse(finding.confidence), place(&finding.occurrences[0])));
    findings
}

fn finding(mut places: Vec<Located>, key: &FingerprintKey, severities: &Severities) -> Finding {
    places.sort_by_cached_key(|one| (place(&one.occurrence), one.rule.id));
    let best =
        places.iter().max_by_key(|one| (rank(one.rule, one.confidence), Reverse(place(&one.occurrence)))).expect("a value has a place");
    let mut occurrences: Vec<Occurrence> = places.iter().map(|one| one.occurrence.clone()).collect();
    // A file as it is staged is the same place as the file.
    let on_disk = |one: &Occurrence| matches!(one.origin.source, SourceKind::Worktree | SourceKind::Archive);
    let files: BTreeSet<(String, u64)> =
        occurrences.iter().filter(|one| on_disk(one)).map(|one| (one.origin.path.clone(), one.bytes.start)).collect();
    occurrences.retain(|one| one.origin.source != SourceKind::Index || !files.contains(&(one.origin.path.clone(), one.bytes.start)));
    occurrences.dedup_by(|a, b| a.origin == b.origin && a.bytes == b.bytes);
    let of_rule = places.iter().filter(|one| one.rule.id == best.rule.id);
    Finding {
        rule: best.rule,
        severity: of_rule.map(|one| severities.of(one)).max().unwrap_or(best.rule.severity),
        fingerprint: key.fingerprint(&best.secret),
        confidence: places.iter().map(|one| one.confidence).max().unwrap_or(best.confidence),
        reasons: places.iter().flat_map(|one| one.reasons.iter().copied()).collect(),
        secret: best.secret.clone(),
        occurrences,
        identifies: None,
    }
}

/// A provider's format says more than a name, then confidence, then severity.
fn rank(rule: &Rule, confidence: Confidence) -> (bool, Confidence, crate::rule::Severity, Reverse<&'static str>) {
    let by_format = matches!(rule.matcher, Matcher::Pattern(_)) && rule.judge == Judge::Format;
    (by_format, confidence, rule.severity, Reverse(rule.id))
}

/// What can be opened comes before what only the history has.
fn place(occurrence: &Occurrence) -> (bool, String, u64, SourceKind) {
    let past = occurrence.sighting.is_some();
    (past, occurrence.origin.path.clone(), occurrence.bytes.start, occurrence.origin.source)
}
