//! Why a value was or was not taken for a secret.

use std::collections::BTreeSet;

use super::{Hints, Match, Objection, Trace};
use crate::rule::{RuleIndex, RuleSet};
use crate::text::Span;

/// A value that a rule looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The rule, by its place in the set.
    pub rule: RuleIndex,
    /// The value.
    pub span: Span,
    /// What became of it.
    pub fate: Fate,
}

/// What became of a candidate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// It is a match.
    Match(Match),
    /// A more telling rule reports the same place.
    Covered,
    /// It is none.
    Rejected(Objection),
}

/// Every value that a rule looked at in a text, by place.
pub fn explain(text: &[u8], hints: Hints, rules: &RuleSet) -> Vec<Candidate> {
    let (trace, rejected) = Trace::read_with_rejected(text, hints, rules);
    let matches = trace.matches(text, rules);
    let mut candidates: Vec<Candidate> =
        matches.iter().map(|found| Candidate { rule: found.rule, span: found.span, fate: Fate::Match(found.clone()) }).collect();
    let reported: BTreeSet<(Span, RuleIndex)> = matches.iter().map(|found| (found.span, found.rule)).collect();
    for found in trace.all_matches().filter(|found| !reported.contains(&(found.span, found.rule))) {
        candidates.push(Candidate { rule: found.rule, span: found.span, fate: Fate::Covered });
    }
    for (rule, span, objection) in rejected {
        candidates.push(Candidate { rule, span, fate: Fate::Rejected(objection) });
    }
    candidates.sort_by_key(|candidate| (candidate.span, candidate.rule));
    candidates.dedup_by(|a, b| a.span == b.span && a.rule == b.rule);
    candidates
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::builtin;

    fn fates(text: &str) -> Vec<(String, Fate)> {
        let rules = builtin();
        explain(text.as_bytes(), Hints::NONE, &rules)
            .into_iter()
            .map(|candidate| (text[candidate.span.range()].to_owned(), candidate.fate))
            .collect()
    }

    #[test]
    fn says_what_became_of_each_value() {
        let found = fates("DB_PASSWORD=Walrus88Timber");
        assert!(matches!(found.as_slice(), [(value, Fate::Match(_))] if value == "Walrus88Timber"), "{found:?}");
        for (text, value, code) in [
            ("DB_PASSWORD=changeme", "changeme", "stand-in"),
            ("DB_PASSWORD=${DB_PASSWORD}", "${DB_PASSWORD}", "reference"),
            ("DB_PASSWORD=<grafana_7>", "<grafana_7>", "slot"),
            ("password: /run/secrets/db", "/run/secrets/db", "path"),
            ("password: config.db.password", "config.db.password", "dotted-path"),
            ("API_TOKEN=notrandom", "notrandom", "not-generated"),
            ("password: db-credentials", "db-credentials", "name-of-secret"),
            ("password: ab", "ab", "length"),
        ] {
            let [(found, Fate::Rejected(objection))] = &fates(text)[..] else { panic!("{text}: {:?}", fates(text)) };
            assert_eq!((found.as_str(), objection.code()), (value, code), "{text}");
        }
    }
}
