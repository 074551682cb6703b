//! Passwords that a command line hands to `passwd` or `chpasswd`: `echo X | passwd --stdin root`,
//! `echo "root:X" | chpasswd`; or that it writes to a file or a store that is called like a secret:
//! `printf '%s' 'X' > secrets/db_password.txt`, `echo X | docker secret create db_password -`.

use super::name::NameClass;
use super::report::report;
use crate::detect::Reason;
use crate::detect::search::Search;
use crate::detect::syntax::line;
use crate::detect::syntax::named::Value;
use crate::text::Span;

/// `passwd` or `chpasswd` was seen: if it reads what `echo` or `printf` writes, reports that.
pub(super) fn read(search: &mut Search<'_>, hit: Span) {
    let whole = search.line_around(hit.start);
    let before = Span::new(whole.start, hit.start);
    let pairs = search.bytes(hit).ends_with(b"chpasswd") || search.bytes(before).ends_with(b"ch");
    if let Some(value) = written(search, before).and_then(|text| password(search, text, pairs)) {
        report(search, NameClass::Password, &Value { span: value, uncertain: false }, Reason::Name);
    }
}

/// A name of a secret was seen: if a command line keeps under it what `echo` or `printf` writes, reports that.
pub(super) fn read_kept(search: &mut Search<'_>, hit: Span) {
    const LONGEST: usize = 96;
    search.look(Span::new(hit.start.saturating_sub(LONGEST), hit.start));
    let before = &search.text[hit.start.saturating_sub(LONGEST)..hit.start];
    let path = before.iter().rev().take_while(|byte| byte.is_ascii_alphanumeric() || b"_./-".contains(byte)).count();
    let command = before[..before.len() - path].trim_ascii_end();
    let joint = [&b">"[..], b"secret create"].into_iter().find(|joint| command.ends_with(joint));
    let Some(joint) = joint.map(|joint| hit.start - before.len() + command.len() - joint.len()) else { return };
    let whole = search.line_around(hit.start);
    if joint <= whole.start {
        return;
    }
    let piped = search.text[joint] != b'>';
    let before = Span::new(whole.start, joint);
    let text = if piped { written(search, before) } else { printed(search, before) };
    if let Some(value) = text.and_then(|text| password(search, text, false)) {
        report(search, NameClass::Password, &Value { span: value, uncertain: false }, Reason::Name);
    }
}

/// What stands between the last `echo` or `printf` and the end.
fn printed(search: &Search<'_>, before: Span) -> Option<Span> {
    let bytes = search.bytes(before);
    let commands = [&b"echo "[..], b"printf "];
    let start = commands.iter().filter_map(|name| memchr::memmem::rfind(bytes, name).map(|at| at + name.len())).max()?;
    let text = line::trim(search.text, Span::new(before.start + start, before.end));
    // `printf '%s\n' 'X'`
    let formats = [&b"'%s' "[..], b"\"%s\" ", b"'%s\\n' ", b"\"%s\\n\" ", b"%s "];
    let format = formats.iter().find(|format| search.bytes(text).starts_with(format)).map_or(0, |format| format.len());
    Some(line::trim(search.text, Span::new(text.start + format, text.end)))
}

/// What stands between the last `echo` or `printf` and the pipe.
fn written(search: &Search<'_>, before: Span) -> Option<Span> {
    let bytes = search.bytes(before);
    let pipe = memchr::memrchr(b'|', bytes)?;
    // `| sudo`, `| /usr/sbin/`
    let rest = &bytes[pipe + 1..];
    let command = rest.iter().all(|byte| byte.is_ascii_alphabetic() || b" /-".contains(byte)) && rest.len() <= 32;
    if command { printed(search, Span::new(before.start, before.start + pipe)) } else { None }
}

/// The password in what is written: behind options, without quotes, the first of two equal lines, behind the user.
fn password(search: &Search<'_>, mut text: Span, pairs: bool) -> Option<Span> {
    while search.bytes(text).starts_with(b"-") {
        let option = memchr::memchr(b' ', search.bytes(text))?;
        text = line::trim(search.text, Span::new(text.start + option, text.end));
    }
    let bytes = search.bytes(text);
    if let [quote @ (b'"' | b'\''), .., last] = bytes
        && quote == last
        && bytes.len() > 2
    {
        text = Span::new(text.start + 1, text.end - 1);
    }
    let bytes = search.bytes(text);
    let end = memchr::memmem::find(bytes, b"\\n").unwrap_or(bytes.len());
    let start = if pairs { memchr::memchr(b':', &bytes[..end])? + 1 } else { 0 };
    let value = Span::new(text.start + start, text.start + end);
    let one = !search.bytes(value).iter().any(|byte| byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\''));
    (one && !value.is_empty()).then_some(value)
}
