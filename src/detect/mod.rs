//! Bytes in, matches out: which parts of a text are secrets, how sure that is, and why.
//!
//! Pure: no files, no git, no clock. One pass of the prefilter finds keywords; each sets off a
//! rule's pattern (`candidate`) or code that understands the text around it (`assign`, `prose`,
//! `table`, `kubernetes`, `url`, `account`). What a value is worth is decided by `judge`.
//! Where texts come from is `source`; what is done with matches is `finding`.

mod account;
mod assign;
mod candidate;
mod check;
mod encoded;
mod hints;
mod judge;
mod kubernetes;
mod lexicon;
mod line;
mod placeholder;
mod prose;
mod randomness;
mod reason;
mod table;
mod url;
mod validator;

pub use check::{CheckFailure, check_rule};
pub use hints::{Hints, Notation};
pub use reason::Reason;

use crate::rule::{Confidence, Cue, Extractor, RuleIndex, RuleSet, Trigger};
use crate::text::Span;

/// A part of a text that a rule holds to be a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Match {
    /// The rule, by its place in the set.
    pub rule: RuleIndex,
    /// The secret alone, as it stands in the text.
    pub span: Span,
    /// How sure it is.
    pub confidence: Confidence,
    /// What speaks for it and against it.
    pub reasons: Vec<Reason>,
}

/// One text while it is being searched.
struct Search<'a> {
    text: &'a [u8],
    hints: Hints,
    rules: &'a RuleSet,
    matches: Vec<Match>,
    /// End of the last name read by `assign`, so that `secret_key` is read once.
    name_end: usize,
    /// End of the last table row looked at for credentials.
    row_end: usize,
    /// AWS is mentioned somewhere in the text; worked out when first asked.
    mentions_aws: Option<bool>,
}

/// Finds the secrets of one text, in order of position, none overlapping another.
pub fn detect(text: &[u8], hints: Hints, rules: &RuleSet) -> Vec<Match> {
    let mut search = Search { text, hints, rules, matches: Vec::new(), name_end: 0, row_end: 0, mentions_aws: None };
    let mut candidates = candidate::Windows::new();
    rules.prefilter().find(text, |keyword, start| {
        let length = usize::from(rules.prefilter().lengths[usize::from(keyword)]);
        let hit = Span::new(start, start + length);
        for trigger in rules.triggers(keyword) {
            match *trigger {
                Trigger::Rule(rule) => candidates.add(&mut search, rule, hit),
                Trigger::Cue(cue) => search.follow(cue, hit),
            }
        }
    });
    candidates.finish(&mut search);
    account::spread(&mut search);
    resolve(search.matches, rules)
}

impl Search<'_> {
    fn follow(&mut self, cue: Cue, hit: Span) {
        match cue {
            Cue::Password | Cue::Token if self.hints.generic => {
                assign::at(self, cue, hit);
            }
            Cue::Url => {
                url::at(self, hit);
                table::credentials(self, hit);
            }
            Cue::Cell => table::credentials(self, hit),
            Cue::Account if self.hints.generic => account::at(self, hit),
            Cue::Login if self.hints.generic => prose::login_at(self, hit),
            _ => {}
        }
    }

    /// Records what an extractor found, if its rule is on.
    fn found(&mut self, extractor: Extractor, span: Span, confidence: Confidence, reasons: Vec<Reason>) {
        if let Some(rule) = self.rules.extractor(extractor) {
            self.matches.push(Match { rule, span, confidence, reasons });
        }
    }

    fn bytes(&self, span: Span) -> &[u8] {
        &self.text[span.range()]
    }
}

/// Of overlapping matches the most telling one stays: a provider's format before a generic name,
/// then confidence, then length.
fn resolve(mut matches: Vec<Match>, rules: &RuleSet) -> Vec<Match> {
    let rank = |found: &Match| {
        let by_format = matches!(rules.rule(found.rule).matcher, crate::rule::Matcher::Pattern(_));
        (by_format && rules.rule(found.rule).judge == crate::rule::Judge::Format, found.confidence, found.span.len())
    };
    matches.sort_by(|a, b| rank(b).cmp(&rank(a)).then(a.span.cmp(&b.span)).then(a.rule.cmp(&b.rule)));
    let mut kept: Vec<Match> = Vec::with_capacity(matches.len());
    let mut taken = std::collections::BTreeMap::new();
    for found in matches {
        let before = taken.range(..found.span.end).next_back();
        if before.is_some_and(|(_, &end)| end > found.span.start) {
            continue;
        }
        taken.insert(found.span.start, found.span.end);
        kept.push(found);
    }
    kept.sort_by_key(|found| found.span);
    kept
}
