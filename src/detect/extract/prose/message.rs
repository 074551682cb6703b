//! Sentences outside of documents: in texts that programs show, in literals, in remarks of settings and scripts.

use super::behind;
use super::later::{default_in_brackets, is_foreign};
use crate::detect::extract::name::Context;
use crate::detect::search::Search;
use crate::detect::syntax::hints::Notation;
use crate::detect::syntax::named::Value;
use crate::detect::syntax::quote::inside_literal;
use crate::detect::worth::randomness::is_generated;

/// `Enter Secret Key: X`: a line of a text that a program shows, with no mark of a program on it.
pub(super) fn is_label(search: &Search<'_>, context: &Context) -> bool {
    let line = search.bytes(context.line).trim_ascii();
    let word = |byte: &u8| byte.is_ascii_alphanumeric() || b" :/+_-".contains(byte);
    let (label, value) = line.iter().rposition(|byte| *byte == b' ').map_or((line, &line[..0]), |at| line.split_at(at));
    label.ends_with(b":") && label.contains(&b' ') && label[0].is_ascii_uppercase() && line.iter().all(word) && value.len() > 20
}

/// `log("using password X for app")`: the name is a word between others in a literal.
pub(super) fn is_in_message(text: &[u8], context: &Context) -> bool {
    let (before, after) = (text[..context.name.start].last(), text.get(context.name.end));
    before == Some(&b' ') && matches!(after, Some(b' ' | b':')) && inside_literal(text, context.line, context.name.start)
}

/// What a message of a program says a password is: only what looks generated, since such texts are templates otherwise.
pub(super) fn in_message(search: &Search<'_>, context: &Context) -> Vec<Value> {
    let values = behind(search, context).into_iter().filter(|value| is_generated(search.bytes(value.span)));
    values.map(|value| Value { uncertain: true, ..value }).collect()
}

/// Whether a name stands in a remark of a file of settings or of a script.
pub(super) fn is_remark(search: &Search<'_>, context: &Context) -> bool {
    let parted = search.text[..context.name.start].last() == Some(&b' ') && search.text.get(context.name.end) == Some(&b' ');
    (parted || is_foreign(search, context))
        && search.notation_at(context.line).is_settings()
        && search.bytes(context.line).trim_ascii_start().starts_with(b"#")
}

/// `# The default password is "X"`: what a remark says in quotes; `# 密码为：harbour88`, where no English name can be meant.
pub(super) fn in_remark(search: &Search<'_>, context: &Context) -> Vec<Value> {
    let quote = |byte: Option<&u8>| matches!(byte, Some(b'"' | b'`' | b'\''));
    let quoted = |value: &Value| quote(search.text[..value.span.start].last()) && quote(search.text.get(value.span.end));
    let foreign = is_foreign(search, context);
    let mut values: Vec<Value> = behind(search, context).into_iter().filter(|value| quoted(value) || foreign && !value.uncertain).collect();
    values.extend(default_in_brackets(search, context));
    values
}

/// `"prompt": "创建用户，密码为 'Harbour@123456'"`: what a sentence in a literal says in quotes, where no English name can be meant.
pub(super) fn in_literal(search: &Search<'_>, context: &Context) -> Vec<Value> {
    // `echo "默认密码harbour123"`
    let attached = |value: &Value| {
        let bytes = search.bytes(value.span);
        let typed = bytes.len() >= 6 && bytes.iter().any(u8::is_ascii_digit) && bytes.iter().any(u8::is_ascii_lowercase);
        value.span.start == context.name.end && search.hints.notation.is_settings() && typed
    };
    behind(search, context).into_iter().filter(|value| is_in_apostrophes(search, value) || attached(value)).collect()
}

/// Whether a name is a word of a sentence in an object or a field of settings: `description: A store with password 'x'`.
pub(super) fn is_described(search: &Search<'_>, context: &Context) -> bool {
    let blank = |byte: Option<&u8>| byte == Some(&b' ');
    let parted = blank(search.text[..context.name.start].last()) && blank(search.text.get(context.name.end));
    parted
        && match search.notation_at(context.line) {
            Notation::Quoted => inside_literal(search.text, context.line, context.name.start),
            Notation::Yaml => search.text[context.line.start..context.name.start].contains(&b':'),
            _ => false,
        }
}

/// What such a sentence says in quotes of its own.
pub(super) fn in_description(search: &Search<'_>, context: &Context) -> Vec<Value> {
    behind(search, context).into_iter().filter(|value| is_in_apostrophes(search, value)).collect()
}

fn is_in_apostrophes(search: &Search<'_>, value: &Value) -> bool {
    search.text[..value.span.start].last() == Some(&b'\'') && search.text.get(value.span.end) == Some(&b'\'')
}
