//! Literals that a name is compared with: `password == "X"`, `"X".equals(password)`.

use crate::detect::Reason;
use crate::detect::extract::name::{Context, NameClass};
use crate::detect::search::Search;
use crate::detect::syntax::hints::Notation;
use crate::detect::syntax::named::Value;
use crate::detect::syntax::quote::quoted;
use crate::detect::worth::{judge, weak};
use crate::rule::Confidence;
use crate::text::Span;

/// Methods that compare.
const METHODS: [&[u8]; 4] = [b".equals", b".equalsIgnoreCase", b".eql?", b".isEqualTo"];
/// Operators that compare, longer ones first.
const OPERATORS: [&[u8]; 6] = [b"===", b"!==", b"==", b"!=", b"-eq ", b"-ne "];

/// The literal that a program compares a secret with, if it is none of the words that stand for "none" or "any".
pub(in crate::detect::extract) fn literal(search: &Search<'_>, context: &Context) -> Option<Value> {
    if !matches!(search.hints.notation, Notation::Source | Notation::Unknown) {
        return None;
    }
    let span = behind(search.text, context).or_else(|| ahead(search.text, context))?;
    let value = search.bytes(span);
    let mixed = value.iter().any(u8::is_ascii_digit) && value.iter().any(u8::is_ascii_alphabetic);
    // `$password == "letmein1"`: no name of a field has a digit behind a well-known word.
    let tried = context.class == NameClass::Password && weak::is_known(value) && mixed;
    // `user == "ops" && password == "harbour"`: both are of one login.
    let login = || context.class == NameClass::Password && is_beside_user(search, context) && weak::is_chosen(value);
    if tried || login() {
        return Some(Value { span, uncertain: false });
    }
    let verdict = judge::judge(value, context.class.judge())?;
    // Both are compared with names of fields and kinds as well; what a generator made is no name, nor is a word with digits.
    let uncertain = context.class == NameClass::Password && !(mixed && verdict.confidence >= Confidence::Medium);
    let fits = match context.class {
        NameClass::Password => !verdict.is_weak(),
        NameClass::Token => verdict.reasons.contains(&Reason::Random),
    };
    fits.then_some(Value { span, uncertain })
}

/// Whether the name of a user is compared on the same line.
fn is_beside_user(search: &Search<'_>, context: &Context) -> bool {
    let line = search.bytes(context.line).to_ascii_lowercase();
    let count = |mark: &[u8]| memchr::memmem::find_iter(&line, mark).count();
    // Of `!==` the end is `==`.
    let compared = count(b"==") + count(b"!=") - count(b"!==") + count(b".eq") + count(b"-eq ") + count(b"-ne ");
    compared >= 2 && [&b"user"[..], b"login", b"email", b"account"].iter().any(|word| memchr::memmem::find(&line, word).is_some())
}

/// `form["password"] == "X"`, `apiKey.equals("X")`.
fn behind(text: &[u8], context: &Context) -> Option<Span> {
    let end = context.line.end;
    let blanks = |at: usize| at + text[at..end].iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    let name = &text[context.name.range()];
    if METHODS.iter().any(|method| name.ends_with(method)) {
        let open = blanks(context.name.end);
        return (text.get(open) == Some(&b'(')).then(|| quoted(text, blanks(open + 1), end)).flatten();
    }
    let closers = text[context.name.end..end].iter().take(4).take_while(|byte| matches!(byte, b'"' | b'\'' | b')' | b']')).count();
    let at = blanks(context.name.end + closers);
    let operator = OPERATORS.iter().find(|operator| text[at..end].starts_with(operator))?;
    quoted(text, blanks(at + operator.len()), end)
}

/// `"X".equals(password)`, `"X" == password`.
fn ahead(text: &[u8], context: &Context) -> Option<Span> {
    let before = text[context.line.start..context.name.start].trim_ascii_end();
    let literal = match before.strip_suffix(b"(") {
        Some(call) => METHODS.iter().find_map(|method| call.strip_suffix(*method)),
        None => OPERATORS.iter().find_map(|operator| before.strip_suffix(*operator)),
    }?;
    let literal = literal.trim_ascii_end();
    let (quote, inner) = literal.split_last().filter(|(quote, _)| matches!(quote, b'"' | b'\''))?;
    let open = memchr::memrchr(*quote, inner)? + 1;
    (open < inner.len()).then(|| Span::new(context.line.start + open, context.line.start + inner.len()))
}
