//! What a later part of a sentence says, in languages without spaces between words.

use crate::detect::extract::name::{Context, FULLWIDTH_COLON, NameClass};
use crate::detect::search::Search;
use crate::detect::syntax::named::Value;
use crate::detect::syntax::sentence::REACH;
use crate::detect::worth::weak;
use crate::rule::lexicon::TELLING;
use crate::text::Span;

/// `密码首次访问必须重新设置，我习惯设置为：aa123456`: where no spaces stand between words, a later part of the sentence says it.
pub(super) fn told_later(search: &Search<'_>, context: &Context) -> Option<Value> {
    const SHORTEST: usize = 6;
    if !is_foreign(search, context) || context.class != NameClass::Password {
        return None;
    }
    let end = context.line.end.min(context.name.end + REACH);
    search.look(Span::new(context.name.start, end));
    let rest = &search.text[context.name.end..end];
    let typed = |byte: &&u8| byte.is_ascii_alphanumeric() || b"!@#$%^&*_.".contains(byte);
    let value = |phrase: &str| {
        let start = memchr::memmem::find(rest, phrase.as_bytes())? + phrase.len();
        let colon = FULLWIDTH_COLON.len() * usize::from(rest[start..].starts_with(FULLWIDTH_COLON));
        let colon = colon.max(usize::from(rest[start..].starts_with(b":")));
        let start = start + colon + rest[start + colon..].iter().take_while(|byte| **byte == b' ').count();
        let length = rest[start..].iter().take_while(typed).count();
        let bytes = &rest[start..start + length];
        let digits = bytes.iter().filter(|byte| byte.is_ascii_digit()).count();
        // Numbers that people count to, and no port or length.
        let counted = digits == length && b"1234567890".starts_with(bytes);
        let fits = length >= SHORTEST && (counted || digits > 0 && digits < length && weak::is_literal(bytes));
        fits.then(|| Span::new(context.name.end + start, context.name.end + start + length))
    };
    let span = TELLING.iter().filter_map(value).min_by_key(|span| span.start)?;
    Some(Value { span, uncertain: false })
}

/// Whether a name ends with a letter that English lacks.
pub(super) fn is_foreign(search: &Search<'_>, context: &Context) -> bool {
    search.bytes(context.name).last().is_some_and(|byte| !byte.is_ascii())
}
