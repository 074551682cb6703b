//! Names that hold a secret, as reports are to show them.

use std::collections::{BTreeMap, BTreeSet};

use super::Outcome;
use crate::detect::detect_name;
use crate::finding::Finding;
use crate::rule::{Confidence, Extractor, Matcher, RuleSet};
use crate::secret::Secret;
use crate::sought::{Sought, is_common};
use crate::text::{Span, spliced};

/// Paths, refs and authors of an outcome in which something is a secret, with that masked.
pub(super) fn masked(outcome: &Outcome, rules: &RuleSet, least: Confidence) -> BTreeMap<String, String> {
    let mut names: BTreeSet<&str> = outcome.skipped.iter().map(|skip| skip.what.as_str()).collect();
    for place in outcome.findings.iter().flat_map(|finding| &finding.occurrences) {
        names.insert(&place.origin.path);
        names.extend(place.sighting.iter().flat_map(|sighting| &sighting.refs).map(String::as_str));
        names.extend(place.sighting.iter().filter_map(|sighting| sighting.commit.as_ref()).map(|commit| commit.author.as_str()));
    }
    // A secret that was found elsewhere is one in a name as well, unless names have it by chance.
    let weak = |finding: &&Finding| matches!(finding.rule.matcher, Matcher::Extractor(Extractor::WeakPassword));
    let strong = outcome.findings.iter().filter(|finding| !weak(finding)).map(|finding| &finding.secret);
    let found = Sought::new(strong.filter(|secret| !is_common(secret.expose())));
    names.into_iter().filter_map(|name| Some((name.to_owned(), without_secrets(name, &found, rules, least)?))).collect()
}

fn without_secrets(name: &str, known: &Sought, rules: &RuleSet, least: Confidence) -> Option<String> {
    let seen = detect_name(name.as_bytes(), rules).into_iter().filter(|one| one.confidence >= least).map(|one| one.span);
    let mut found: Vec<Span> = seen.chain(known.hits(name.as_bytes()).into_iter().map(|hit| hit.span)).collect();
    found.sort_by_key(|span| span.start);
    found.retain(|span| span.start < span.end);
    let masked = || spliced(name.as_bytes(), found.iter().copied(), |_, value| Secret::new(value.to_vec()).redacted().into_bytes());
    (!found.is_empty()).then(|| String::from_utf8_lossy(&masked()).into_owned())
}
