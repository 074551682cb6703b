//! One text while it is being searched: the page, the rules, and what was found.

use std::cell::RefCell;
use std::ops::Deref;

use crate::detect::syntax::hints::Hints;
use crate::detect::syntax::page::Page;
use crate::detect::worth::judge;
use crate::detect::{Objection, Reason};
use crate::rule::{Confidence, Extractor, Judge, Matcher, RuleIndex, RuleSet};
use crate::text::Span;

/// A step that read no further than this from its hits, in bytes, and found nothing, is not kept.
/// Longer than any keyword.
pub(super) const NEAR: usize = 256;

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

impl Match {
    /// The same match in a file that is a test: what only looks like a secret is less sure there.
    #[must_use]
    pub fn in_test(mut self, rules: &RuleSet) -> Self {
        let rule = rules.rule(self.rule);
        let certain = match rule.matcher {
            Matcher::Pattern(_) => rule.judge == Judge::Format,
            Matcher::Extractor(extractor) => extractor == Extractor::AwsAccount,
            Matcher::Known | Matcher::File => true,
        };
        if !certain {
            // What a generator made is not worth less for standing in a test.
            if !self.reasons.contains(&Reason::Random) {
                self.confidence = judge::lower(self.confidence);
            }
            self.reasons.push(Reason::Test);
        }
        self
    }
}

/// One text while it is being searched.
pub(super) struct Search<'a> {
    page: Page<'a>,
    pub(super) rules: &'a RuleSet,
    /// What the current step found.
    pub(super) matches: Vec<Match>,
    /// What was looked at and is no match, if somebody wants to know.
    pub(super) rejected: Option<RefCell<Vec<(RuleIndex, Span, Objection)>>>,
    /// End of the last name that was read, so that `secret_key` is read once.
    pub(super) name_end: usize,
    /// End of the last table row looked at for credentials.
    pub(super) row_end: usize,
    /// AWS is mentioned somewhere in the text; worked out when first asked.
    pub(super) mentions_aws: Option<bool>,
}

/// What searches a text reads it first.
impl<'a> Deref for Search<'a> {
    type Target = Page<'a>;

    fn deref(&self) -> &Page<'a> {
        &self.page
    }
}

impl<'a> Search<'a> {
    pub(super) fn new(text: &'a [u8], hints: Hints, rules: &'a RuleSet) -> Self {
        let page = Page::new(text, hints);
        Self { page, rules, matches: Vec::new(), rejected: None, name_end: 0, row_end: 0, mentions_aws: None }
    }

    /// A step starts at a place.
    pub(super) fn begin(&mut self, at: Span) {
        self.matches.clear();
        self.page.begin(at);
    }

    /// Records what an extractor found, if its rule is on.
    pub(super) fn found(&mut self, extractor: Extractor, span: Span, confidence: Confidence, reasons: Vec<Reason>) {
        if let Some(rule) = self.rules.extractor(extractor) {
            self.matches.push(Match { rule, span, confidence, reasons });
        }
    }

    /// Notes why a value is no match.
    pub(super) fn reject(&self, rule: Option<RuleIndex>, span: Span, objection: Objection) {
        if let (Some(rejected), Some(rule)) = (&self.rejected, rule) {
            rejected.borrow_mut().push((rule, span, objection));
        }
    }
}
