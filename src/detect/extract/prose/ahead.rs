//! What a sentence says before the name: ``use `X` as the password``.

use crate::detect::extract::name::{Context, NameClass};
use crate::detect::syntax::named::Value;
use crate::detect::syntax::sentence::{REACH, words_of};
use crate::detect::worth::randomness::is_generated;
use crate::rule::lexicon::USING;
use crate::text::Span;

/// ``use `X` as the password``, ``X` is the password``.
pub(super) fn ahead(text: &[u8], context: &Context) -> Option<Value> {
    let start = context.line.start.max(context.name.start.saturating_sub(REACH));
    let before = &text[start..context.name.start];
    if let Some(word) = bare_ahead(before) {
        return Some(Value { span: Span::new(start + word.start, start + word.end), uncertain: true });
    }
    let close = before.iter().rposition(|byte| matches!(byte, b'`' | b'"' | b'\''))?;
    let quote = before[close];
    let open = before[..close].iter().rposition(|&byte| byte == quote)?;
    let between = String::from_utf8_lossy(&before[close + 1..]).to_lowercase();
    let joins = [" as ", " is the ", " is your ", " is our ", " for the ", " (the "].iter().any(|join| between.starts_with(join));
    let short = between.split_whitespace().count() <= 5 && !between.contains(['.', ',', ';']);
    (joins && short && close > open + 1).then(|| Value { span: Span::new(start + open + 1, start + close), uncertain: false })
}

/// ``use `X` as the password``, ``a user with `X` as their password``: what is typed.
pub(super) fn is_used_as(text: &[u8], context: &Context, value: Span) -> bool {
    let before = &text[context.line.start..value.start.max(context.line.start)];
    let Some((mark, before)) = before.split_last().filter(|(mark, _)| matches!(mark, b'`' | b'"' | b'\'')) else { return false };
    let verb = before.trim_ascii_end().rsplit(|byte| !byte.is_ascii_alphabetic()).next().unwrap_or_default();
    let told = USING.is(verb) && text[value.end..].strip_prefix(&[*mark]).is_some_and(|rest| rest.starts_with(b" as "));
    told && context.class == NameClass::Password && value.end < context.name.start
}

/// `Use X as password`: the word before `as`, if it is no word of a sentence.
fn bare_ahead(before: &[u8]) -> Option<Span> {
    let words = words_of(before, Span::new(0, before.len()));
    let at = words.iter().rposition(|word| before[word.range()] == *b"as").filter(|at| words.len() - at <= 3)?;
    let [.., verb, word] = &words[..at] else { return None };
    let verb = &before[verb.range()];
    let value = &before[word.range()];
    let plain = value.iter().all(|byte| byte.is_ascii_graphic() && !b"`\"'/<>()[]{}".contains(byte));
    (USING.is(verb) && plain && is_generated(value)).then_some(*word)
}
