//! Which identifier belongs to which secret: an access key ID beside its secret access key.

use std::collections::BTreeMap;

use super::{Finding, Fingerprint, Occurrence};
use crate::rule::{Kind, Matcher, Rule};

/// How many lines an identifier and its secret may be apart.
const NEAR: usize = 4;

/// A text, by its path, its source and its object.
type Text<'a> = (&'a str, &'static str, &'a str);

/// Notes with each identifier the secret of the same provider that every place of it is near to.
pub(super) fn pair(findings: &mut [Finding]) {
    if !findings.iter().any(|finding| is_identifier(finding.rule)) {
        return;
    }
    let mut secrets: BTreeMap<Text<'_>, Vec<(usize, &Finding)>> = BTreeMap::new();
    for finding in findings.iter().filter(|finding| matches!(finding.rule.kind, Kind::Token | Kind::Password)) {
        for place in &finding.occurrences {
            secrets.entry(text(place)).or_default().push((place.start.line, finding));
        }
    }
    let belongs: Vec<Option<Fingerprint>> = findings.iter().map(|finding| secret_of(finding, &secrets)).collect();
    for (finding, secret) in findings.iter_mut().zip(belongs) {
        finding.identifies = secret;
    }
}

fn secret_of(identifier: &Finding, secrets: &BTreeMap<Text<'_>, Vec<(usize, &Finding)>>) -> Option<Fingerprint> {
    if !is_identifier(identifier.rule) {
        return None;
    }
    let mut beside = identifier.occurrences.iter().map(|place| {
        let near = secrets
            .get(&text(place))?
            .iter()
            .filter(|(line, secret)| line.abs_diff(place.start.line) <= NEAR && secret.rule.provider == identifier.rule.provider);
        near.min_by_key(|(line, secret)| (line.abs_diff(place.start.line), secret.occurrences[0].bytes.start)).map(|(_, secret)| *secret)
    });
    let first = beside.next()??;
    beside.all(|other| other.is_some_and(|other| std::ptr::eq(other, first))).then(|| first.fingerprint.clone())
}

/// What a provider's format names, not account numbers.
fn is_identifier(rule: &Rule) -> bool {
    rule.kind == Kind::Identifier && matches!(rule.matcher, Matcher::Pattern(_))
}

fn text(place: &Occurrence) -> Text<'_> {
    let object = place.sighting.as_ref().map_or("", |sighting| sighting.object.as_str());
    (&place.origin.path, place.origin.source.code(), object)
}
