//! A summary in Markdown, short enough for a comment on a pull request whatever was found.

use std::io::{self, Write};

use super::json::severity;
use super::places::{plural, secrets_in_places};
use super::rows::{Row, rows, unread};
use super::{Context, human, safe};
use crate::scan::Outcome;

/// A comment on GitHub holds 65,536 characters.
const LONGEST: usize = 60_000;
/// What was not read, listed by name.
const UNREAD: usize = 20;

pub(super) fn write(out: &mut dyn Write, outcome: &Outcome, context: &Context<'_>) -> io::Result<()> {
    let (rows, unread) = (rows(outcome, context), unread(outcome));
    let mut text = head(outcome, rows.len(), unread.len());
    if !rows.is_empty() {
        text += "\n\n| severity | rule | place | value | history |\n| --- | --- | --- | --- | --- |\n";
    }
    let mut listed = 0;
    for row in &rows {
        let line = line(row);
        if text.len() + line.len() > LONGEST {
            break;
        }
        text += &line;
        listed += 1;
    }
    if listed < rows.len() {
        let left = plural((rows.len() - listed) as u64, "more place", "more places");
        text += &format!("\nand {left}; another format, such as `html`, lists them all\n");
    }
    if !unread.is_empty() {
        text += "\n\nNot scanned:\n\n";
        for (what, reason) in unread.iter().take(UNREAD) {
            text += &format!("- {}: {}\n", code(&cut(what)), cell(&cut(reason)));
        }
        if unread.len() > UNREAD {
            text += &format!("- and {} more\n", unread.len() - UNREAD);
        }
    }
    writeln!(out, "{}", text.trim_end())
}

fn head(outcome: &Outcome, places: usize, unread: usize) -> String {
    let secrets = outcome.findings.len();
    let read = format!("{}{}", human::quantity(outcome), human::in_baseline(outcome));
    let incomplete = if unread > 0 { format!("; {} not scanned", plural(unread as u64, "item", "items")) } else { String::new() };
    if secrets == 0 {
        let verdict = if unread > 0 { "incomplete, nothing found in what could be read" } else { "no secrets found" };
        return format!("### sopup: {verdict}\n\n{read}{incomplete}");
    }
    let found = secrets_in_places(secrets as u64, places as u64);
    format!("### sopup: {found}\n\n{}; {read}{incomplete}", human::by_severity(&outcome.findings))
}

fn line(row: &Row<'_>) -> String {
    let at = row.place.at.start;
    let rule = row.finding.rule;
    format!(
        "| {} | {} | {} | {} | {} |\n",
        severity(row.finding.severity),
        cell(rule.name),
        code(&format!("{}:{}:{}", cut(&row.path), at.line, at.column)),
        code(&row.masked()),
        if row.history.contains('@') { code(&cut(&row.history)) } else { cell(&cut(&row.history)) },
    )
}

/// A code span, in which forges look for neither markup nor names of users.
fn code(text: &str) -> String {
    let text = safe::line(text);
    let longest = text.split(|character| character != '`').map(str::len).max().unwrap_or_default();
    let fence = "`".repeat(longest + 1);
    let pad = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{fence}{pad}{}{pad}{fence}", text.replace('|', "\\|"))
}

/// A name of any length, short enough for a table.
fn cut(text: &str) -> String {
    const LONGEST: usize = 300;
    match text.char_indices().nth(LONGEST) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

/// Text that forges show as it is.
#[must_use]
pub fn cell(text: &str) -> String {
    let mut out = String::new();
    for character in safe::line(text).chars() {
        if matches!(character, '|' | '<' | '>' | '`' | '*' | '_' | '[' | ']' | '\\' | '@' | '#' | '~') {
            out.push('\\');
        }
        out.push(character);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_stays_text() {
        assert_eq!(code("a|b"), "`a\\|b`");
        assert_eq!(code("a`b``"), "``` a`b`` ```");
        assert_eq!(code("a\n| b"), "`a\\u{a}\\| b`");
        assert_eq!(cell("<img> [a](b) @c"), "\\<img\\> \\[a\\](b) \\@c");
        assert_eq!(cut(&"ü".repeat(400)).chars().count(), 301);
    }
}
