//! Where in a program a literal stands: whether a look-up can take its place, and whether all of the program stops there.

use super::language::language;
use crate::migrate::file::{Site, SourceFile};
use crate::text::Span;

/// Whether a place is in a function or in what catches errors, as far as the indentation of the lines above it tells.
pub(super) fn is_in_function(file: &SourceFile, text: &str, site: &Site) -> bool {
    let indentation = |line: &str| line.len() - line.trim_start().len();
    let line = file.line_at(site.span.start);
    let mut least = indentation(&text[line.range()]);
    for above in text[..line.start].lines().rev().filter(|line| !matches!(line.trim(), "" | "{")) {
        if least == 0 {
            break;
        }
        if indentation(above) < least {
            least = indentation(above);
            if opens_function(language(file), above.trim()) {
                return true;
            }
        }
    }
    false
}

/// Whether a line opens a function, or what catches errors.
fn opens_function(language: &str, line: &str) -> bool {
    let begins = |words: &[&str]| words.iter().any(|word| line.starts_with(word));
    match language {
        "py" => begins(&["def ", "async def ", "try:", "except", "finally"]),
        "rb" => begins(&["def ", "begin", "rescue", "ensure"]),
        "ex" | "exs" => begins(&["def ", "defp ", "defmacro", "try ", "rescue"]) || line.contains("fn "),
        "pl" | "pm" | "t" => begins(&["sub ", "eval"]) || line.contains("sub {"),
        _ => {
            let is_type =
                ["class ", "interface ", "enum ", "record ", "object ", "struct ", "namespace "].iter().any(|word| line.contains(word));
            !is_type && (line.contains('(') && !line.starts_with('@') || begins(&["try", "catch", "finally", "else", "init"]))
        }
    }
}

/// Whether a literal is what a field of an object has at first, in languages whose objects others may fill otherwise.
pub(super) fn is_field_of_object(file: &SourceFile, line: &str) -> bool {
    let of_object = matches!(language(file), "java" | "groovy" | "cs") || language(file).starts_with("kt") && line.starts_with([' ', '\t']);
    of_object && !line.split_whitespace().any(|word| word == "static")
}

/// Whether a literal is a constant of Java, which annotations and `case` may take by its name.
pub(super) fn is_constant(language: &str, before: &str) -> bool {
    language == "java" && before.contains("static final ")
}

/// Whether a literal is one of several side by side, which Python joins.
pub(super) fn is_joined(text: &str, literal: Span) -> bool {
    let quotes = |c: char| matches!(c, '"' | '\'');
    text[..literal.start].trim_end().ends_with(quotes) || text[literal.end..].trim_start().starts_with(quotes)
}

/// Whether a literal that may span lines is open at the end of a text: between three quotes, or, except in Python, back-ticks; in
/// PHP and Perl any that began on an earlier line.
pub(super) fn is_in_long_literal(before: &str, language: &str) -> bool {
    let any = matches!(language, "php" | "pl" | "pm" | "t");
    let before = if any { &before[..before.rfind('\n').map_or(0, |at| at + 1)] } else { before };
    let long = match language {
        "py" => &["\"\"\"", "'''"][..],
        _ if any => &["\"", "'"],
        _ => &["\"\"\"", "'''", "`"],
    };
    let comment = if matches!(language, "py" | "pl" | "pm" | "t") { "#" } else { "//" };
    let mut open: Option<&str> = None;
    let mut at = 0;
    while at < before.len() {
        let rest = &before[at..];
        at += match open {
            Some(_) if rest.starts_with('\\') => 1 + rest[1..].chars().next().map_or(0, char::len_utf8),
            Some(mark) if rest.starts_with(mark) => {
                open = None;
                mark.len()
            }
            Some(mark) if mark.len() == 1 && !long.contains(&mark) && rest.starts_with('\n') => {
                open = None;
                1
            }
            None if rest.starts_with(comment) => rest.find('\n').unwrap_or(rest.len()),
            None => {
                open = long.iter().chain(&["\"", "'"]).find(|mark| rest.starts_with(**mark)).copied();
                open.map_or_else(|| rest.chars().next().map_or(1, char::len_utf8), str::len)
            }
            Some(_) => rest.chars().next().map_or(1, char::len_utf8),
        };
    }
    open.is_some_and(|mark| long.contains(&mark))
}

/// Whether a literal in double quotes holds more than the text of its value: `"x_$name"`, `"x#{name}"`.
pub(super) fn is_interpolated(text: &str, span: Span, language: &str) -> bool {
    let value = &text[span.range()];
    let variable = |sign: char| {
        value.match_indices(sign).any(|(at, _)| value[at + 1..].starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '{' | '_')))
    };
    let double = text[..span.start].rfind(['"', '\'']).is_some_and(|at| text[at..].starts_with('"'));
    double
        && match language {
            "php" | "pl" | "pm" | "t" | "kt" | "kts" | "groovy" | "gradle" => variable('$'),
            "rb" | "ex" | "exs" => value.contains("#{"),
            _ => false,
        }
}

/// Whether a statement of PHP is open that declares something, whose value is known when it is compiled.
pub(super) fn is_in_declaration_of_php(file: &SourceFile, before: &str) -> bool {
    let statement = before.rsplit([';', '{', '}']).next().unwrap_or(before).trim_start();
    let statement = statement.lines().find(|line| !line.trim_start().starts_with(['*', '/', '#'])).unwrap_or_default().trim_start();
    language(file) == "php" && declares(statement)
}

/// Whether a line or statement of PHP begins as a declaration does.
fn declares(text: &str) -> bool {
    ["private ", "protected ", "public ", "readonly ", "const ", "static ", "var "].iter().any(|word| text.starts_with(word))
}

/// Whether the string that is open at the end of a line's beginning has a letter or sign before it that says how it is read:
/// `f"…"`, `b"…"`, `@"…"`, `$"…"`. Its parts would need the same, and bytes are no text.
pub(super) fn is_prefixed(before: &str) -> bool {
    open_quote(before).is_some_and(|at| before[..at].ends_with(|c: char| c.is_ascii_alphanumeric() || "_@$#".contains(c)))
}

/// Whether the brackets of an annotation are open at the end of a text in Java, Kotlin and their like.
pub(super) fn is_in_annotation(language: &str, before: &str) -> bool {
    const LINES: usize = 12;
    if !matches!(language, "java" | "kt" | "groovy" | "scala") {
        return false;
    }
    let mut open = 0_isize;
    for line in before.rsplit('\n').take(LINES) {
        open += line.matches('(').count() as isize - line.matches(')').count() as isize;
        if line.trim_start().starts_with('@') {
            return open > 0;
        }
    }
    false
}

/// Whether a line is one where only constants can stand.
pub(super) fn needs_constant(language: &str, line: &str) -> bool {
    let line = line.trim_start();
    let says = |word: &str| line.split(|c: char| !c.is_ascii_alphanumeric()).any(|part| part == word);
    match language {
        "cs" => says("const") || line.starts_with('[') || line.starts_with("case ") || is_default_of_parameter(line),
        "php" => declares(line) || says("const") || says("function"),
        "py" => line.starts_with("case "),
        "kt" | "kts" => says("const") || line.starts_with('@'),
        "java" | "groovy" | "scala" => line.starts_with('@') || line.starts_with("case "),
        _ => false,
    }
}

/// `void Open(string password = "…")`: whether the line declares a parameter with a value.
fn is_default_of_parameter(line: &str) -> bool {
    let Some((before, _)) = line.split_once("= \"") else { return false };
    before.matches('(').count() > before.matches(')').count() && before.contains("string ")
}

/// Where the quote stands that is open at the end of a line's beginning.
pub(super) fn open_quote(before: &str) -> Option<usize> {
    let (mut open, mut escaped) = (None, false);
    for (at, c) in before.char_indices() {
        match (open, c) {
            _ if escaped => escaped = false,
            (Some(_), '\\') => escaped = true,
            (None, '"' | '\'' | '`') => open = Some((c, at)),
            (Some((mark, _)), _) if c == mark => open = None,
            _ => {}
        }
    }
    open.map(|(_, at)| at)
}
