//! Which of the matches of a text stay, and where else in it their values are.

use super::worth::randomness;
use super::{Match, Reason};
use crate::rule::{Confidence, Judge, Kind, Matcher, RuleSet};
use crate::text::{Span, work};

/// Matches in order of position, none overlapping another, with the other places of their values.
pub(super) fn settle(text: &[u8], matches: Vec<Match>, rules: &RuleSet) -> Vec<Match> {
    let mut matches = resolve(matches, rules);
    let again = repeated(text, &matches, rules);
    if again.is_empty() {
        return matches;
    }
    matches.extend(again);
    resolve(matches, rules)
}

/// Other places of long values that are secrets. The matches are in order and lie apart.
fn repeated(text: &[u8], matches: &[Match], rules: &RuleSet) -> Vec<Match> {
    const SHORTEST: usize = 12;
    const MOST: usize = 64;
    let joins = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    let free = |span: Span| {
        let before = span.start.checked_sub(1).map(|at| &text[at]);
        !before.is_some_and(joins) && !text.get(span.end).is_some_and(joins)
    };
    let telling = |found: &&Match| {
        let value = &text[found.span.range()];
        found.confidence == Confidence::High
            && found.span.len() >= SHORTEST
            && (randomness::is_random(value) || matches!(rules.rule(found.rule).matcher, Matcher::Pattern(_)))
            && rules.rule(found.rule).kind != Kind::Identifier
            && !value.contains(&b'\n')
    };
    let mut values: Vec<&[u8]> = Vec::new();
    let mut again = Vec::new();
    for found in matches.iter().filter(telling) {
        let value = &text[found.span.range()];
        if values.contains(&value) {
            continue;
        }
        values.push(value);
        let places = memchr::memmem::find_iter(text, value).map(|at| Span::new(at, at + value.len()));
        work::add(text.len());
        let is_known = |span: Span| {
            let next = matches.partition_point(|known| known.span.end <= span.start);
            matches.get(next).is_some_and(|known| known.span.start < span.end)
        };
        let others = places.filter(|&span| free(span) && !is_known(span)).take(MOST);
        again.extend(others.map(|span| Match { span, reasons: vec![Reason::SeenElsewhere], ..found.clone() }));
        if values.len() == MOST {
            break;
        }
    }
    again
}

/// Of overlapping matches the most telling one stays: a provider's format before a generic name,
/// then confidence, then length.
fn resolve(mut matches: Vec<Match>, rules: &RuleSet) -> Vec<Match> {
    let rank = |found: &Match| {
        let by_format = matches!(rules.rule(found.rule).matcher, Matcher::Pattern(_));
        (by_format && rules.rule(found.rule).judge == Judge::Format, found.confidence, found.span.len())
    };
    let order = |found: &Match| (found.span, found.rule);
    matches.sort_by(|a, b| rank(b).cmp(&rank(a)).then(order(a).cmp(&order(b))).then_with(|| a.reasons.cmp(&b.reasons)));
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
