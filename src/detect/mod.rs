//! Bytes in, matches out: which parts of a text are secrets, how sure that is, and why.
//!
//! Pure: no files, no git, no clock. One pass of the prefilter finds keywords; each sets off a
//! rule's pattern (`candidate`) or code that understands the text around it (`assign`, `prose`,
//! `table`, `grid`, `html`, `sql`, `kubernetes`, `manifest`, `url`, `account`). What a value is worth is decided by `judge`.
//! Where texts come from is `source`; what is done with matches is `finding`.

mod account;
mod assign;
mod candidate;
mod check;
mod columns;
mod encoded;
mod explain;
mod grid;
mod hints;
mod html;
mod keyword;
mod kubernetes;
mod line;
mod login;
mod manifest;
mod pipe;
mod prose;
mod readings;
mod reason;
mod settle;
mod sql;
mod table;
mod trace;
mod url;
mod weak;
mod worth;

pub use check::{CheckFailure, check_rule};
pub use explain::{Candidate, Fate, explain};
pub use hints::{Hints, Notation};
pub use readings::{Reading, detect_bytes, detect_name};
pub use reason::{Objection, Reason};
pub use trace::Trace;

use std::cell::{Cell, RefCell};

use columns::Columns;

use worth::judge;

use crate::rule::{Confidence, Cue, Extractor, Judge, Matcher, RuleIndex, RuleSet};
use crate::text::{Span, work};

/// Differs whenever the code of this room does.
pub const DETECTOR: &str = env!("SOPUP_DETECTOR");

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
struct Search<'a> {
    text: &'a [u8],
    hints: Hints,
    rules: &'a RuleSet,
    /// What the current step found.
    matches: Vec<Match>,
    /// What the current step read of the text.
    looked: Cell<Span>,
    /// What was looked at and is no match, if somebody wants to know.
    rejected: Option<RefCell<Vec<(RuleIndex, Span, Objection)>>>,
    /// End of the last name read by `assign`, so that `secret_key` is read once.
    name_end: usize,
    /// End of the last table row looked at for credentials.
    row_end: usize,
    /// Columns of tables that were read.
    columns: RefCell<Columns>,
    /// AWS is mentioned somewhere in the text; worked out when first asked.
    mentions_aws: Option<bool>,
}

/// Finds the secrets of one text, in order of position, none overlapping another.
pub fn detect(text: &[u8], hints: Hints, rules: &RuleSet) -> Vec<Match> {
    Trace::read(text, hints, rules).matches(text, rules)
}

impl<'a> Search<'a> {
    fn new(text: &'a [u8], hints: Hints, rules: &'a RuleSet) -> Self {
        let looked = Cell::new(Span::new(0, 0));
        Self {
            text,
            hints,
            rules,
            matches: Vec::new(),
            looked,
            rejected: None,
            name_end: 0,
            row_end: 0,
            columns: RefCell::default(),
            mentions_aws: None,
        }
    }

    /// A step starts at a place: until it ends, `looked` covers all that its outcome depends on.
    fn begin(&mut self, at: Span) {
        self.matches.clear();
        self.looked.set(at);
    }

    /// A step reads this part of the text. What lies outside the text counts as read to its edge.
    fn look(&self, span: Span) {
        work::add(span.end.min(self.text.len()).saturating_sub(span.start));
        self.depend(span);
    }

    /// The outcome of a step depends on this part of the text, which it need not read itself.
    fn depend(&self, span: Span) {
        let looked = self.looked.get();
        self.looked.set(Span::new(looked.start.min(span.start), looked.end.max(span.end.min(self.text.len()))));
    }

    /// The line that holds a place, with the line ends around it.
    fn line_around(&self, at: usize) -> Span {
        self.looked_at_line(line::around(self.text, at))
    }

    /// The next line after one, or `None` at the end of the text.
    fn line_after(&self, span: Span) -> Option<Span> {
        self.look(Span::new(span.end, span.end + 3));
        line::after(self.text, span).map(|span| self.looked_at_line(span))
    }

    /// Like [`Self::line_after`], to the end of the line however long it is: for what reads each line once.
    fn whole_line_after(&self, span: Span) -> Option<Span> {
        self.look(Span::new(span.end, span.end + 3));
        line::whole_after(self.text, span).map(|span| self.looked_at_line(span))
    }

    /// Like [`Self::line_before`], to the start of the line however long it is.
    fn whole_line_before(&self, span: Span) -> Option<Span> {
        line::whole_before(self.text, span).map(|span| self.looked_at_line(span))
    }

    /// The line before one, or `None` at the start of the text.
    fn line_before(&self, span: Span) -> Option<Span> {
        line::before(self.text, span).map(|span| self.looked_at_line(span))
    }

    fn looked_at_line(&self, line: Span) -> Span {
        // A byte order mark's length before it, an ellipsis behind it.
        self.look(Span::new(line.start.saturating_sub(4), line.end + 4));
        line
    }

    fn follow(&mut self, cue: Cue, hit: Span) {
        match cue {
            Cue::Password | Cue::Token if self.hints.generic => {
                assign::at(self, cue, hit);
            }
            Cue::Url => {
                url::at(self, hit);
                if !self.hints.binary {
                    table::credentials(self, hit);
                }
            }
            _ if self.hints.binary => {}
            Cue::Cell => table::credentials(self, hit),
            Cue::Account if self.hints.generic => account::at(self, hit),
            Cue::Login if self.hints.generic => login::at(self, hit),
            _ => {}
        }
    }

    /// Records what an extractor found, if its rule is on.
    fn found(&mut self, extractor: Extractor, span: Span, confidence: Confidence, reasons: Vec<Reason>) {
        if let Some(rule) = self.rules.extractor(extractor) {
            self.matches.push(Match { rule, span, confidence, reasons });
        }
    }

    /// Notes why a value is no match.
    fn reject(&self, rule: Option<RuleIndex>, span: Span, objection: Objection) {
        if let (Some(rejected), Some(rule)) = (&self.rejected, rule) {
            rejected.borrow_mut().push((rule, span, objection));
        }
    }

    fn bytes(&self, span: Span) -> &[u8] {
        &self.text[span.range()]
    }
}
