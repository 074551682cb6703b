//! Names that hold a secret, as reports are to show them.

use std::collections::{BTreeMap, BTreeSet};

use super::Outcome;
use crate::detect::detect_name;
use crate::rule::{Confidence, RuleSet};
use crate::secret::Secret;

/// Paths, refs and authors of an outcome in which something is a secret, with that masked.
pub(super) fn masked(outcome: &Outcome, rules: &RuleSet, least: Confidence) -> BTreeMap<String, String> {
    let mut names: BTreeSet<&str> = outcome.skipped.iter().map(|skip| skip.what.as_str()).collect();
    for place in outcome.findings.iter().flat_map(|finding| &finding.occurrences) {
        names.insert(&place.origin.path);
        names.extend(place.sighting.iter().flat_map(|sighting| &sighting.refs).map(String::as_str));
        names.extend(place.sighting.iter().filter_map(|sighting| sighting.commit.as_ref()).map(|commit| commit.author.as_str()));
    }
    names.into_iter().filter_map(|name| Some((name.to_owned(), without_secrets(name, rules, least)?))).collect()
}

fn without_secrets(name: &str, rules: &RuleSet, least: Confidence) -> Option<String> {
    let mut found = detect_name(name.as_bytes(), rules);
    found.retain(|one| one.confidence >= least);
    found.sort_by_key(|one| one.span.start);
    let (mut shown, mut at) = (Vec::new(), 0);
    for one in found.iter().filter(|one| one.span.start < one.span.end) {
        if one.span.start < at {
            continue;
        }
        shown.extend_from_slice(&name.as_bytes()[at..one.span.start]);
        shown.extend_from_slice(Secret::new(name.as_bytes()[one.span.range()].to_vec()).redacted().as_bytes());
        at = one.span.end;
    }
    shown.extend_from_slice(&name.as_bytes()[at..]);
    (at > 0).then(|| String::from_utf8_lossy(&shown).into_owned())
}
