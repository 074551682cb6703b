//! What stands around a value on its line: an option of a command, a label, a field of a connection, quotes.

use super::name::{is_variable, last_name};
use crate::detect::search::Search;
use crate::detect::syntax::hints::Notation;
use crate::detect::syntax::line;
use crate::detect::syntax::quote::{ENTITY_QUOTE, before_quote};
use crate::rule::lexicon::{CONNECTION_FIELDS, STAND_IN_USERS};
use crate::text::Span;

/// How far before a value its name and what it belongs to are, in bytes.
const BEFORE: usize = 96;

/// Whether the name before a colon stands in quotes.
pub(super) fn name_is_quoted(before: &[u8]) -> bool {
    before.trim_ascii_end().strip_suffix(b":").is_some_and(|name| matches!(name.trim_ascii_end().last(), Some(b'"' | b'\'')))
}

/// `export NAME="`, `- NAME=` or `NAME=` and nothing before it, as in the scripts and containers of documents.
pub(super) fn is_line_of_shell(before: &[u8]) -> bool {
    let line = before.trim_ascii_start();
    let line = line.strip_prefix(b"$ ").or(line.strip_prefix(b"- ")).unwrap_or(line);
    let line = line.strip_prefix(b"export ").unwrap_or(line);
    let name = before_quote(line).unwrap_or(line).strip_suffix(b"=");
    name.is_some_and(|name| name.len() > 3 && name.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'_'))
}

/// `"DB_PASSWORD=word"`: a literal that sets a variable.
pub(super) fn is_variable_in_literal(search: &Search<'_>, before: &[u8], span: Span) -> bool {
    let name = before.strip_suffix(b"=").map(last_name).unwrap_or_default();
    let open = &before[..before.len().saturating_sub(name.len() + 1)];
    let quote = open.last().copied().filter(|byte| matches!(byte, b'"' | b'\''));
    is_variable(name) && quote.is_some() && behind(search, span).first() == quote.as_ref()
}

/// `@Value("${shop.db.password:`
pub(super) fn is_default_of_variable(before: &[u8]) -> bool {
    let name = before.strip_suffix(b":").map(last_name).unwrap_or_default();
    !name.is_empty() && before[..before.len() - 1 - name.len()].ends_with(b"${")
}

/// `--from-literal=password=`: what an option of a command is given.
pub(super) fn is_option(before: &[u8]) -> bool {
    let word = before.rsplit(|byte| byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'')).next().unwrap_or_default();
    word.starts_with(b"--") && word.ends_with(b"=")
}

/// `"Server=db;Username=app;Password=`, `"host=db user=app password=`: a field of a string that opens a connection.
pub(super) fn is_in_connection(before: &[u8], value: &[u8]) -> bool {
    let start = before.iter().rposition(|byte| matches!(byte, b'"' | b'\'' | b'`')).map_or(0, |at| at + 1);
    let fields = String::from_utf8_lossy(&before[start..]).to_lowercase();
    let fields = fields.split([';', ' ', '\t', '&', '?']).filter_map(|field| field.trim().split_once('='));
    let known: Vec<(&str, &str)> = fields.filter(|(name, _)| CONNECTION_FIELDS.has(name)).collect();
    // `User=%s, Pass=%#v`, `user=username password=password`: what shows where they stand.
    let shows = |text: &str| text.starts_with('%') || STAND_IN_USERS.is(text.as_bytes());
    before.ends_with(b"=") && !known.is_empty() && !value.starts_with(b"%") && !known.iter().any(|(_, text)| shows(text))
}

/// Whether a line begins as remarks do in programs.
pub(super) fn is_remark(before: &[u8]) -> bool {
    [&b"--"[..], b"//", b"#", b"*"].iter().any(|mark| before.trim_ascii_start().starts_with(mark))
}

/// `- **Password**: `: nothing but a label.
pub(super) fn is_label(before: &[u8]) -> bool {
    let label = before.trim_ascii();
    let label = label.strip_prefix(b"- ").or(label.strip_prefix(b"* ")).unwrap_or(label);
    let mut letters = label.iter().filter(|byte| !matches!(byte, b'*' | b'_'));
    label.contains(&b':') && letters.all(|byte| byte.is_ascii_alphabetic() || matches!(byte, b':' | b' '))
}

/// Nothing but a quote, a comma or a remark follows the value on its line.
pub(super) fn ends_field(search: &Search<'_>, span: Span) -> bool {
    let rest = behind(search, span).trim_ascii_start();
    let rest = rest.strip_prefix(b"\"").or(rest.strip_prefix(b"'")).or(rest.strip_prefix(b"`")).unwrap_or(rest).trim_ascii();
    matches!(rest, [] | b"\\" | b"`" | [b'#' | b',' | b'}' | b']' | b';', ..]) || rest.starts_with(b"-e ") || rest.starts_with(b"--env ")
}

/// `-pass`, and `` `-pass`` in a sentence: whether a text ends with an option of a command.
pub(super) fn is_behind_option(before: &[u8]) -> bool {
    let word = before.rsplit(u8::is_ascii_whitespace).next().unwrap_or_default();
    word.strip_prefix(b"`").unwrap_or(word).starts_with(b"-")
}

/// `--password `: an option of a command stands before a value.
pub(super) fn stands_behind_option(before: &[u8]) -> bool {
    let option = before.trim_ascii_end().rsplit(u8::is_ascii_whitespace).next().unwrap_or_default();
    option.len() > 3 && option.starts_with(b"--") && before.len() > option.len() + 1
}

/// What stands before a value on its line.
pub(super) fn before<'a>(search: &'a Search<'_>, span: Span) -> &'a [u8] {
    let line = line::around(search.text, span.start);
    search.look(Span::new(line.start.saturating_sub(4), span.end));
    &search.text[line.start.max(span.start.saturating_sub(BEFORE))..span.start]
}

/// What stands behind a value on its line.
pub(super) fn behind<'a>(search: &'a Search<'_>, span: Span) -> &'a [u8] {
    let line = line::around(search.text, span.start);
    search.look(Span::new(span.start, line.end + 4));
    &search.text[span.end.min(line.end)..line.end]
}

/// `<password>word</password>`
pub(super) fn is_element(search: &Search<'_>, span: Span) -> bool {
    search.look(Span::new(span.start.saturating_sub(1), span.end + 2));
    span.start > 0 && search.text[span.start - 1] == b'>' && search.text[span.end..].starts_with(b"</")
}

/// Between a pair of quotes.
pub(super) fn is_quoted(search: &Search<'_>, span: Span) -> bool {
    let mark = |byte: u8| matches!(byte, b'"' | b'\'' | b'`');
    let open = span.start.checked_sub(1).map(|at| search.text[at]);
    search.look(Span::new(span.start.saturating_sub(ENTITY_QUOTE.len()), span.end + 1));
    open.is_some_and(mark) && search.text.get(span.end).is_some_and(|&close| mark(close) || close == b'\\')
        || search.text[..span.start].ends_with(ENTITY_QUOTE)
}

/// `spring.datasource.password=root_pwd`: a line that is nothing but the setting of a program.
pub(super) fn is_property(search: &Search<'_>, value: Span) -> bool {
    let line = search.bytes(search.line_around(value.start)).trim_ascii();
    let Some((name, value)) = line.iter().position(|byte| *byte == b'=').map(|at| line.split_at(at)) else { return false };
    let part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    name.contains(&b'.') && name.trim_ascii().iter().all(part) && !value.iter().any(u8::is_ascii_whitespace)
}

/// `aws_secret_access_key = minio123`: a name, a sign and a word on a line, in a file of no known kind.
pub(super) fn is_setting_alone(search: &Search<'_>, value: Span) -> bool {
    let before = before(search, value).trim_ascii();
    let name = before.strip_suffix(b"=").map(<[u8]>::trim_ascii_end).unwrap_or_default();
    let part = |byte: &u8| byte.is_ascii_lowercase() || *byte == b'_';
    search.hints.notation == Notation::Unknown && !name.is_empty() && name.iter().all(part) && behind(search, value).trim_ascii().is_empty()
}
