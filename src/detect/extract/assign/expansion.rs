//! Literals within what a shell or a template puts in the place of something: `${OTHER:-x}`, `$(command x)`, `{{ .x | default "x" }}`.

use super::called::skip_blanks;
use crate::detect::syntax::quote::quoted;
use crate::detect::worth::randomness::is_unlike_others;
use crate::text::Span;

/// `ROOT_PASSWORD: ${OTHER:-x}`: what is taken if no such variable is set.
pub(super) fn default_of_expansion(text: &[u8], start: usize, end: usize) -> Option<Span> {
    let quote = usize::from(matches!(text[start], b'"' | b'\''));
    let name = text[start + quote..end].strip_prefix(b"${")?;
    let length = name.iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_').count();
    let default = name[length..].strip_prefix(b":-")?;
    let value = end - default.len();
    let close = memchr::memchr(b'}', &text[value..end])?;
    let ends = text[value + close + 1..end].trim_ascii().iter().all(|byte| matches!(byte, b'"' | b'\'' | b',' | b';'));
    let plain = !text[value..value + close].iter().any(|byte| b"${\"'` ".contains(byte));
    (length > 0 && close > 0 && ends && plain).then(|| Span::new(value, value + close))
}

/// `TOKEN=$(bin/token producer kbOF…xn)`: of the words of a command, what only a generator makes.
pub(super) fn argument_of_command(text: &[u8], start: usize, end: usize) -> Option<Span> {
    let command = text[start..end].strip_prefix(b"$(")?;
    let command = &command[..memchr::memchr(b')', command)?];
    let word = command.split(u8::is_ascii_whitespace).skip(1).find(|word| is_unlike_others(word))?;
    let at = start + 2 + memchr::memmem::find(command, word)?;
    Some(Span::new(at, at + word.len()))
}

/// The literal of `{{ .Values.x | default "literal" }}`.
pub(super) fn action_default(text: &[u8], start: usize, end: usize) -> Option<Span> {
    let close = start + memchr::memmem::find(&text[start..end], b"}}")?;
    // `{{ 'X' | password_hash('sha512') }}`
    let first = skip_blanks(text, start + 2, close);
    if let Some(span) = quoted(text, first, close).filter(|span| span.start == first + 1) {
        return Some(span).filter(|span| text[span.end + 1..close].trim_ascii_start().starts_with(b"|"));
    }
    // `| default "X"`, `| default('X')`, `| d("X")`
    const DEFAULTS: [&[u8]; 4] = [b"default \"", b"default('", b"default(\"", b"d(\""];
    let found = |mark: &&[u8]| memchr::memmem::find(&text[start..close], mark).map(|at| start + at + mark.len() - 1);
    quoted(text, DEFAULTS.iter().find_map(found)?, close)
}
