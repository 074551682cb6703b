//! Provider formats: each rule's pattern runs only around its keywords, and windows that touch
//! run as one, so that a text full of keywords is still read once per rule.

use super::{Match, Reason, Search, judge, placeholder, validator};
use crate::rule::{Block, Confidence, Judge, Matcher, Pattern, Rule, RuleIndex};
use crate::text::Span;

/// How far a PEM block may reach, in bytes.
const BLOCK_REACH: usize = 64 * 1024;

/// The window not yet searched, for each rule whose keyword was seen.
pub(super) struct Windows(Vec<(RuleIndex, Span)>);

impl Windows {
    pub(super) fn new() -> Self {
        Self(Vec::new())
    }

    /// A keyword of a rule was seen.
    pub(super) fn add(&mut self, search: &mut Search<'_>, index: RuleIndex, hit: Span) {
        let Matcher::Pattern(pattern) = &search.rules.rule(index).matcher else { return };
        if !search.rules.is_on(index) {
            return;
        }
        // One byte more than a match can reach, so that `\b` sees what follows it.
        let reach = pattern.reach + 1;
        let window = Span::new(hit.start.saturating_sub(reach), (hit.end + reach).min(search.text.len()));
        match self.0.iter_mut().find(|(rule, _)| *rule == index) {
            Some((_, open)) if window.start <= open.end => open.end = window.end,
            Some((_, open)) => run(search, index, std::mem::replace(open, window)),
            None => self.0.push((index, window)),
        }
    }

    /// Searches what is left.
    pub(super) fn finish(self, search: &mut Search<'_>) {
        for (rule, window) in self.0 {
            run(search, rule, window);
        }
    }
}

fn run(search: &mut Search<'_>, index: RuleIndex, window: Span) {
    let rule = search.rules.rule(index);
    let Matcher::Pattern(pattern) = &rule.matcher else { return };
    let regex = pattern.regex();
    let haystack = &search.text[..window.end];
    let mut at = window.start;
    while let Some(captures) = regex.captures_at(haystack, at) {
        let whole = captures.get(0).expect("group 0 is the match");
        at = if whole.end() > whole.start() { whole.end() } else { whole.end() + 1 };
        let secret = captures.name("secret").unwrap_or(whole);
        let span = Span::new(secret.start(), secret.end());
        if let Some(found) = assess(search, index, rule, pattern, span) {
            search.matches.push(found);
        }
        if at > haystack.len() {
            break;
        }
    }
}

/// Whether what a pattern captured is a credential.
fn assess(search: &Search<'_>, index: RuleIndex, rule: &Rule, pattern: &Pattern, span: Span) -> Option<Match> {
    let span = match pattern.block {
        Some(Block::Pem) => pem(search.text, span)?,
        None => span,
    };
    let value = search.bytes(span);
    if rule.min_entropy.is_some_and(|least| validator::entropy(value) < least) || rule.rejects(value) {
        return None;
    }
    if pattern.block.is_none() && placeholder::is_fake_token(value) {
        return None;
    }
    if !rule.validators.iter().all(|&check| validator::passes(check, value)) {
        return None;
    }
    let mut reasons = vec![Reason::Format];
    let mut confidence = rule.confidence;
    if !rule.validators.is_empty() {
        reasons.push(Reason::Validated);
    }
    if rule.judge != Judge::Format {
        let verdict = judge::judge(value, rule.judge, search.hints)?;
        confidence = confidence.min(verdict.confidence);
        reasons.extend(verdict.reasons);
    }
    if search.hints.binary && rule.validators.is_empty() && confidence < Confidence::High {
        return None;
    }
    Some(Match { rule: index, span, confidence, reasons })
}

/// From a `-----BEGIN X-----` to its `-----END X-----`, with at least a key's worth of base64
/// between them.
fn pem(text: &[u8], begin: Span) -> Option<Span> {
    const SHORTEST_BODY: usize = 64;
    let end_of_reach = (begin.end + BLOCK_REACH).min(text.len());
    let body = &text[begin.end..end_of_reach];
    let end = memchr::memmem::find(body, b"-----END")?;
    let tail = &body[end + 8..];
    let dashes = memchr::memmem::find(&tail[..tail.len().min(80)], b"-----")?;
    let encoded = body[..end].iter().filter(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=')).count();
    let elided = memchr::memmem::find(&body[..end], b"...").is_some() || placeholder::is_repetitive(&body[..end]);
    (encoded >= SHORTEST_BODY && !elided).then(|| Span::new(begin.start, begin.end + end + 8 + dashes + 5))
}
