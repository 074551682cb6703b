//! Proves a rule against its own examples: each example is found with exactly its span, no
//! negative example is.

use super::{Hints, detect};
use crate::rule::{Rule, RuleSet};
use crate::text::Span;

/// What is wrong with a rule, as a person should read it. The texts are the rule's own.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckFailure {
    /// No example.
    #[error("has no example; write one, with «…» around the secret in it")]
    NoExample,
    /// An example without `«…»`.
    #[error("example {0:?} does not mark its secret; write «…» around it")]
    Unmarked(&'static str),
    /// An example in which the rule finds nothing.
    #[error("finds nothing in its example {0:?}")]
    Missed(&'static str),
    /// An example in which the rule finds something else.
    #[error("finds {found:?} in its example {example:?}")]
    OtherSpan {
        /// The example.
        example: &'static str,
        /// What was found in it.
        found: String,
    },
    /// A negative example in which the rule finds something.
    #[error("finds {found:?} in its negative {example:?}")]
    Found {
        /// The negative example.
        example: &'static str,
        /// What was found in it.
        found: String,
    },
}

/// Checks one rule on its own.
pub fn check_rule(rule: &'static Rule) -> Vec<CheckFailure> {
    let alone = RuleSet::of(vec![rule]).expect("the keywords of one rule fit");
    let mut failures = Vec::new();
    if rule.examples.is_empty() {
        failures.push(CheckFailure::NoExample);
    }
    failures.extend(rule.examples.iter().filter_map(|example| check_example(&alone, example)));
    failures.extend(rule.negatives.iter().filter_map(|example| {
        let spans = spans(&alone, example);
        spans.first().map(|span| CheckFailure::Found { example, found: example[span.range()].to_owned() })
    }));
    failures
}

fn check_example(rules: &RuleSet, example: &'static str) -> Option<CheckFailure> {
    let Some((text, marked)) = unmark(example) else { return Some(CheckFailure::Unmarked(example)) };
    let spans = spans(rules, &text);
    match spans.iter().find(|&&span| span == marked).or(spans.first()) {
        None => Some(CheckFailure::Missed(example)),
        Some(&span) if span == marked => None,
        Some(&span) => Some(CheckFailure::OtherSpan { example, found: text[span.range()].to_owned() }),
    }
}

/// An example without its marks, and the span they enclosed.
fn unmark(example: &str) -> Option<(String, Span)> {
    let (before, rest) = example.split_once('«')?;
    let (secret, after) = rest.split_once('»')?;
    let span = Span::new(before.len(), before.len() + secret.len());
    Some((format!("{before}{secret}{after}"), span))
}

fn spans(rules: &RuleSet, text: &str) -> Vec<Span> {
    detect(text.as_bytes(), Hints::NONE, rules).into_iter().map(|found| found.span).collect()
}
