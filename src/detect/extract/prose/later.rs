//! What a later part of a sentence says: in languages without spaces between words, and of variables and options.

use crate::detect::extract::name::{Context, FULLWIDTH_COLON, NameClass, is_variable};
use crate::detect::search::Search;
use crate::detect::syntax::cells::undecorated;
use crate::detect::syntax::named::Value;
use crate::detect::syntax::sentence::{REACH, word_before_default};
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
        let start = start + colon + rest[start + colon..].iter().take_while(|byte| matches!(byte, b' ' | b'`')).count();
        let start = start + if rest[start..].starts_with("“".as_bytes()) { "“".len() } else { 0 };
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

/// `DB_PASSWORD (default: x)`: what a remark says of a variable.
pub(super) fn default_in_brackets(search: &Search<'_>, context: &Context) -> Option<Value> {
    const OPENERS: [&[u8]; 3] = [b"(default: ", b"(defaults to ", b"(default "];
    if context.class != NameClass::Password || !is_variable(search.bytes(context.name)) {
        return None;
    }
    let rest = search.text[context.name.end..context.line.end].trim_ascii_start();
    let inner = OPENERS.iter().find_map(|opener| rest.strip_prefix(*opener))?;
    let start = context.line.end - inner.len();
    let span = undecorated(search.text, Span::new(start, start + memchr::memchr(b')', inner)?));
    weak::is_literal(search.bytes(span)).then_some(Value { span, uncertain: false })
}

/// `` `DB_PASSWORD`: password of the database. Default: `x` ``, ``--password (default `x`)``: what a variable or an option is if nobody
/// sets it.
pub(super) fn default_told(search: &Search<'_>, context: &Context) -> Option<Value> {
    let name = search.bytes(context.name);
    let variable = name.contains(&b'_') && !name.iter().any(u8::is_ascii_lowercase);
    // `The password for the root user. Defaults to`: a sentence, or a cell, that begins with the name.
    let before = search.text[context.line.start..context.name.start].rsplit(|byte| *byte == b'|').next().unwrap_or_default();
    let begins = before.len() <= 24 && !before.iter().any(|byte| matches!(byte, b'.' | b',' | b';' | b'`'));
    if context.class != NameClass::Password || !(variable || begins || name.starts_with(b"--")) {
        return None;
    }
    let end = context.line.end.min(context.name.end + REACH);
    search.look(Span::new(context.name.start, end));
    let rest = &search.text[context.name.end..end];
    const DEFAULT: &[u8] = b"default";
    let lower = rest.to_ascii_lowercase();
    let told = word_before_default(search.text, Span::new(context.name.end, end)).filter(|_| variable);
    if let Some(span) = told.filter(|span| weak::is_literal(search.bytes(*span))) {
        return Some(Value { span, uncertain: false });
    }
    let mut at = memchr::memmem::find(&lower, DEFAULT)? + DEFAULT.len();
    // `s to `, ` value is `, `: `
    loop {
        let word = lower[at..].iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
        if word > 0 && !matches!(&lower[at..at + word], b"s" | b"ed" | b"value" | b"is" | b"to") {
            return None;
        }
        at += word;
        match lower.get(at)? {
            b' ' | b':' | b'=' => at += 1,
            b'`' => break,
            _ => return None,
        }
    }
    let length = memchr::memchr(b'`', &rest[at + 1..])?;
    let span = Span::new(context.name.end + at + 1, context.name.end + at + 1 + length);
    weak::is_literal(search.bytes(span)).then_some(Value { span, uncertain: false })
}
