//! Why a value was or was not taken for a secret.

use std::collections::BTreeSet;
use std::fmt;

use super::{Hints, Match, Trace};
use crate::rule::{RuleIndex, RuleSet};
use crate::text::Span;

/// What speaks so strongly against a value that it is no match at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Objection {
    /// Too short or too long for its sort.
    Length,
    /// It stands in for a secret, or refers to one, or is encrypted.
    Placeholder,
    /// A path, an address, a hash, code or markup.
    Structure,
    /// What it encodes is no secret.
    Encodes,
    /// It is the name of something, a number with a unit, or several words.
    Name,
    /// A machine's secret would look generated.
    NotGenerated,
    /// Its characters vary too little for its format.
    Entropy,
    /// The rule names it as an exception.
    Exception,
    /// A checksum or an inner structure is wrong.
    Invalid,
    /// In a binary file it would have to be surer.
    Binary,
}

impl fmt::Display for Objection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Length => "its length is not that of a secret",
            Self::Placeholder => "it is a placeholder, a reference, or encrypted",
            Self::Structure => "it is a path, an address, a hash, code or markup",
            Self::Encodes => "what it encodes is no secret",
            Self::Name => "it is a name, a measure, or several words",
            Self::NotGenerated => "a token would look generated",
            Self::Entropy => "its characters vary too little for this format",
            Self::Exception => "the rule lists it as an exception",
            Self::Invalid => "its checksum or inner structure is wrong",
            Self::Binary => "the file is binary, where only sure values count",
        })
    }
}

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
        for (text, value, objection) in [
            ("DB_PASSWORD=changeme", "changeme", Objection::Placeholder),
            ("DB_PASSWORD=${DB_PASSWORD}", "${DB_PASSWORD}", Objection::Placeholder),
            ("password: /run/secrets/db", "/run/secrets/db", Objection::Structure),
            ("API_TOKEN=notrandom", "notrandom", Objection::NotGenerated),
            ("password: db-credentials", "db-credentials", Objection::Name),
            ("password: ab", "ab", Objection::Length),
        ] {
            assert_eq!(fates(text), [(value.to_owned(), Fate::Rejected(objection))], "{text}");
        }
    }
}
