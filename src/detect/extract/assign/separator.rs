//! What joins a name and its value: a sign, a bracket, the border of a cell, or nothing but blanks.

use super::called::skip_blanks;
use crate::detect::extract::name::{Context, FULLWIDTH_COLON};
use crate::detect::syntax::bare;
use crate::detect::syntax::hints::Notation;
use crate::rule::lexicon::PASSWORDS;

/// What opens a constant of Erlang.
pub(super) const CONSTANT: &[u8] = b"-define(";

/// What joins a name and a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Separator {
    /// `=`, `:=`, `=>`.
    Equals,
    /// `:`.
    Colon,
    /// `,` or `(`: only a quoted literal can follow.
    Argument,
    /// `>` of an XML element.
    Element,
    /// `|` of a table with rows of names and values.
    Cell,
    /// Nothing but blanks, after a flag or in a file of lines.
    Blank,
}

/// What stands between a name and its value, and where that begins.
pub(super) fn separator(text: &[u8], context: &Context, notation: Notation) -> Option<(Separator, usize)> {
    let end = context.line.end;
    let element = context.name.start.checked_sub(1).is_some_and(|at| text[at] == b'<');
    // `host/auth:tag`, `a:auth:b`, `!PSK:!DSS`: part of an address or a list, where a colon assigns nothing.
    let attached = context.name.start.checked_sub(1).is_some_and(|at| matches!(text[at], b'/' | b':' | b'|' | b'#' | b'@' | b'!'));
    // `tool.exe /user:app /password:X`
    let attached = attached && !(text[..context.name.start].ends_with(b" /") && notation.takes_bare_values());
    let mut at = context.name.end;
    let mut closers = 0;
    let mut was_quoted = false;
    while at < end && closers < 6 && matches!(text[at], b'"' | b'\'' | b'`' | b'*' | b')' | b']' | b'\\' | b'?' | b'!' | b'_') {
        was_quoted |= matches!(text[at], b'"' | b'\'' | b'`');
        closers += 1;
        at += 1;
    }
    // `<<"password">> => <<"x">>`, as Erlang has them.
    at += if was_quoted && text[at..end].starts_with(b">>") { 2 } else { 0 };
    let joined = at;
    at = skip_blanks(text, at, end);
    let rest = &text[at..end];
    let found = |separator, width: usize| Some((separator, skip_blanks(text, at + width, end)));
    if rest.starts_with(b":") && !rest.starts_with(b":=") && is_no_label(text, context) {
        return bare::default_after(text, context.label(), at).map(|start| (Separator::Equals, start));
    }
    match rest {
        [b':', b'=', ..] | [b'=', b'>', ..] => found(Separator::Equals, 2),
        [b':', b':', b' ', ..] if matches!(notation, Notation::Prose | Notation::Unknown) => found(Separator::Colon, 2),
        [b'=', b'=' | b'~', ..] | [b':', b':', ..] => None,
        _ if rest.starts_with(FULLWIDTH_COLON) => found(Separator::Colon, FULLWIDTH_COLON.len()),
        [b'=', ..] => found(Separator::Equals, 1),
        [b':', next, ..] if attached && !matches!(next, b' ' | b'\t' | b'"' | b'\'' | b'`' | b'*') => None,
        [b':', ..] => found(Separator::Colon, 1),
        // A Ruby symbol, an atom in a tuple of Erlang, a constant of it, or a quoted name.
        [b',', ..]
            if was_quoted && !text[context.name.end..joined].contains(&b']')
                || closers == 0 && context.name.start > 0 && matches!(text[context.name.start - 1], b':' | b'{')
                || text[..context.name.start].ends_with(CONSTANT) =>
        {
            found(Separator::Argument, 1)
        }
        [b'(', ..] if closers == 0 && at == joined => found(Separator::Argument, 1),
        // `let(:token) { 'x' }`, as RSpec has them.
        [b'{', ..] if [&b"let(:"[..], b"let!(:"].iter().any(|open| text[..context.name.start].ends_with(open)) => {
            found(Separator::Argument, 1)
        }
        // `getenv('DB_PASSWORD') ?: 'x'`, `process.env.DB_PASSWORD || 'x'`, `$options['pass'] ?? 'x'`
        [b'?', b':' | b'?', ..] | [b'|', b'|', ..]
            if was_quoted && text[context.name.end..joined].iter().any(|byte| matches!(byte, b')' | b']'))
                || is_of_environment(text, context) =>
        {
            found(Separator::Equals, 2)
        }
        // `env:"API_KEY,default=x"`, `env:"API_KEY" envDefault:"x"`, as Go has them in tags.
        _ if rest.starts_with(b",default=") => found(Separator::Equals, 9),
        _ if rest.starts_with(b"envDefault:") => found(Separator::Equals, 11),
        // `var dbPassword string = "x"`
        _ if rest.starts_with(b"string = ") && at > joined => found(Separator::Equals, 8),
        [b'>', ..] if element => found(Separator::Element, 1),
        // `| corp.net/go/auth | Apache-2.0 |`: the end of a path.
        [b'|', ..] if text[..context.name.start].ends_with(b"/") => None,
        [b'|', ..] if starts_row(&text[context.line.range()]) => found(Separator::Cell, 1),
        _ => blank(text, context, notation, at, joined).map(|start| (Separator::Blank, start)),
    }
}

/// `process.env.DB_PASSWORD`
fn is_of_environment(text: &[u8], context: &Context) -> bool {
    let held = memchr::memmem::find(&text[context.name.range()], b"env.").is_some();
    held || text[context.line.start..context.name.start].ends_with(b"env.")
}

/// Whether a colon behind the name labels nothing: `${PASSWORD:+x}`, `$PWD:/app`, `$(pwd):/app`, `$(shell pwd):/app`,
/// `--- PASS: TestX`.
fn is_no_label(text: &[u8], context: &Context) -> bool {
    let before = &text[context.line.start..context.name.start];
    [&b"$"[..], b"$(", b"$(shell "].iter().any(|open| before.ends_with(open))
        || bare::is_of_variable(before)
        || [&b"---"[..], b"===", b"***"].iter().any(|mark| before.trim_ascii_end().ends_with(mark))
}

/// Whether a line is a row of a table; `|one|two|three` may be the alternatives of an expression.
fn starts_row(line: &[u8]) -> bool {
    let line = line.trim_ascii();
    line.starts_with(b"|") && (line.ends_with(b"|") || memchr::memmem::find(line, b" |").is_some())
}

/// `--password X`, `requirepass X`, `password X` of netrc, `ENV DB_PASSWORD X`.
fn blank(text: &[u8], context: &Context, notation: Notation, at: usize, joined: usize) -> Option<usize> {
    let name = &text[context.name.range()];
    // `--password --user-domain-name x`: the next option; `-p | --password) PWD=$2`: a case of a script.
    let option = matches!(&text[at..context.line.end], [b'-', b'-', b'a'..=b'z', ..] | [b'-', b'a'..=b'z', b'a'..=b'z', b'a'..=b'z', ..]);
    // `-p|--password password`: what a program says of its options.
    let usage = text[..context.name.start].ends_with(b"|");
    if at == joined || at >= context.line.end || option || usage || text[context.name.end..joined].contains(&b')') {
        return None;
    }
    let before = text[context.line.start..context.name.start].trim_ascii();
    // `mysql -ppassword shop` has the password itself.
    let attached = name.strip_prefix(b"-p").is_some_and(|rest| PASSWORDS.is(rest)) && name != b"-pass";
    let flag = name.starts_with(b"--") || name.starts_with(b"-") && name.len() > 2 && !attached;
    let first = before.is_empty() || before.ends_with(b"ENV") || before.ends_with(b"ARG");
    let directive = [&b"SetEnv"[..], b"fastcgi_param", b"uwsgi_param"].iter().any(|known| before.eq_ignore_ascii_case(known));
    let setting = [&b"requirepass"[..], b"masterauth", b"insecure-password", b"auth_pass"].contains(&name);
    let single = !text[at..context.line.end].trim_ascii().contains(&b' ');
    // `-p,--password        the password for SSH`: what a program says of its options.
    if flag && at > joined + 1 && !single && text[..context.name.start].trim_ascii_end().ends_with(b",") {
        return None;
    }
    let shown = notation == Notation::Prose && matches!(before, b"ENV" | b"ARG") && single;
    // `unencrypted_password 'x'`, as Ruby hands arguments on.
    let literal = matches!(text[at..context.line.end].trim_ascii_end(), [open @ (b'"' | b'\''), inner @ .., close] if open == close && !inner.contains(open));
    let argument = literal && before.is_empty() && matches!(notation, Notation::Source | Notation::Prose);
    (flag || argument || shown || notation == Notation::Lines && first && single || directive && single || setting).then_some(at)
}
