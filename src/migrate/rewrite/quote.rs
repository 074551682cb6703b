//! How a value is quoted where it stands, and how to quote what takes its place.

use std::borrow::Cow;

use crate::migrate::file::{Site, SourceFile};
use crate::secret::Secret;
use crate::text::{Span, shell_word};

/// The quotes around a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Quote {
    /// None.
    Bare,
    /// `'…'`
    Single,
    /// `"…"`
    Double,
}

/// The quotes of a shell around an offset, told from the start of its line. Those of a remark end with it.
pub(super) fn shell_quote(line: &str, at: usize) -> Quote {
    let mut quote = Quote::Bare;
    let (mut escaped, mut remark, mut before) = (false, false, b' ');
    for byte in line.bytes().take(at) {
        match (quote, byte) {
            (_, b'\n') if remark => (quote, remark, escaped) = (Quote::Bare, false, false),
            _ if escaped => escaped = false,
            (Quote::Bare, b'#') if before.is_ascii_whitespace() => remark = true,
            (Quote::Bare | Quote::Double, b'\\') => escaped = true,
            (Quote::Bare, b'\'') => quote = Quote::Single,
            (Quote::Bare, b'"') => quote = Quote::Double,
            (Quote::Single, b'\'') | (Quote::Double, b'"') => quote = Quote::Bare,
            _ => {}
        }
        before = byte;
    }
    quote
}

/// A command line that runs a command with the values of a store in its environment.
pub(super) fn exec_env(store: &str, command: &str) -> String {
    format!("sops exec-env {} {command}", shell_word(store))
}

/// What a reference says about where its value comes from. Paths that a shell, make or YAML would read as more than a name are
/// left out: they would run, or end the reference.
pub(super) fn told(store: &str) -> String {
    if is_plain(store) { format!("set by sops exec-env {store}") } else { "set by sops exec-env".to_owned() }
}

fn is_plain(path: &str) -> bool {
    path.chars().all(|c| c.is_alphanumeric() || "/._-+@%=, ".contains(c))
}

/// A command line that runs something with what a file needs: from its one store, or from all that it names where account
/// IDs are in a store of their own.
pub(super) fn run_with(file: &SourceFile, store: &str, command: &str) -> String {
    let accounts = file.sites.iter().filter(|site| site.is_account()).count();
    match shell_word(&file.path) {
        _ if accounts == 0 || accounts == file.sites.len() || !is_plain(&file.path) => exec_env(store, command),
        path if command == script(&file.path) => format!("sopup run {path}"),
        path => format!("sopup run {path} -- {command}"),
    }
}

/// A script of the repository as `sops exec-env` takes it: a line for a shell, in one word.
pub(super) fn script(path: &str) -> String {
    let word = shell_word(path);
    let line = if path.contains('/') { word } else { format!("./{word}") };
    if line.contains('\'') && !line.contains(['"', '$', '`', '\\', '!']) { format!("\"{line}\"") } else { shell_word(&line) }
}

/// A shell expansion where a value stood: quoted so that it stays one word.
pub(super) fn expand(expansion: &str, quote: Quote) -> String {
    match quote {
        Quote::Bare => format!("\"{expansion}\""),
        Quote::Double => expansion.to_owned(),
        Quote::Single => format!("'\"{expansion}\"'"),
    }
}

/// What a shell makes of a text in these quotes.
pub(super) fn shell_value(raw: &str, quote: Quote) -> Secret {
    let mut out = String::with_capacity(raw.len());
    let mut chars = raw.chars().peekable();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Quote::Bare, '\\') => out.extend(chars.next()),
            (Quote::Double, '\\') if chars.peek().is_some_and(|next| "$`\"\\".contains(*next)) => out.extend(chars.next()),
            _ => out.push(c),
        }
    }
    Secret::new(out.into_bytes())
}

/// The string literal whose content is exactly a span: the span with its quotes.
pub(super) fn literal(text: &str, span: Span) -> Option<(Span, char)> {
    let before = text[..span.start].chars().next_back()?;
    let after = text[span.end..].chars().next()?;
    (before == after && matches!(before, '"' | '\'' | '`')).then(|| (Span::new(span.start - 1, span.end + 1), before))
}

/// What the notation of a file makes of a place, or of a part of a value; `None` if it cannot be read.
pub(super) fn decoded(file: &SourceFile, site: &Site) -> Option<Secret> {
    let Some(text) = file.text() else { return Some(site.value()) };
    let Some(scalar) = file.scalars().around(site.span) else { return Some(site.value()) };
    match scalar.decode(&text[site.span.range()])? {
        Cow::Borrowed(_) => Some(site.value()),
        Cow::Owned(plain) => Some(Secret::new(plain.into_bytes())),
    }
}

/// What a text in double quotes stands for, where backslashes escape as in JSON; as it is if it cannot be read.
pub(super) fn unescaped(raw: &str) -> Option<Secret> {
    if !raw.contains('\\') {
        return Some(Secret::new(raw.as_bytes().to_vec()));
    }
    serde_json::from_str::<String>(&format!("\"{raw}\"")).ok().map(|text| Secret::new(text.into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_are_told_from_the_line() {
        let line = r#"a 'b "c' "d 'e" f\" g"#;
        let quotes: Vec<Quote> =
            ["a", "b", "c", "d", "e", "f", "g"].iter().map(|c| shell_quote(line, line.find(c).expect("is there"))).collect();
        use Quote::{Bare, Double, Single};
        assert_eq!(shell_quote("# the project's\nlogin x", 23), Bare);
        assert_eq!(quotes, [Bare, Single, Single, Double, Double, Bare, Bare]);
    }

    #[test]
    fn commands_hold_paths_as_words() {
        assert_eq!(exec_env("a/b.env", &script("run.sh")), "sops exec-env a/b.env ./run.sh");
        assert_eq!(exec_env("My App/b.env", &script("My App/run.sh")), "sops exec-env 'My App/b.env' \"'My App/run.sh'\"");
        let run =
            |line: String| std::process::Command::new("sh").args(["-c", &format!("printf %s {line}")]).output().expect("sh runs").stdout;
        for path in ["run.sh", "it's/run.sh", "a b/r$n.sh", "a\"b'c.sh"] {
            // What the outer shell hands to the inner one names the file.
            let inner = String::from_utf8(run(script(path))).expect("UTF-8");
            let named = String::from_utf8(run(inner)).expect("UTF-8");
            assert_eq!(named.strip_prefix("./").unwrap_or(&named), path);
        }
    }

    #[test]
    fn values_are_what_the_shell_makes_of_them() {
        assert_eq!(shell_value(r"a\$b", Quote::Double).expose(), b"a$b");
        assert_eq!(shell_value(r"a\nb", Quote::Double).expose(), br"a\nb");
        assert_eq!(shell_value(r"a\ b", Quote::Bare).expose(), b"a b");
        assert_eq!(shell_value(r"a\b", Quote::Single).expose(), br"a\b");
    }
}
