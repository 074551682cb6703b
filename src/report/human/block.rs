//! One secret: its block with the line it stands on, or one line where there are many.

use std::io::{self, Write};

use owo_colors::OwoColorize as _;
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use crate::finding::{Excerpt, Finding, Occurrence};
use crate::report::json::{confidence, severity};
use crate::report::places::{View, in_history, plural, position};
use crate::report::rows::{Place, places};
use crate::report::{Show, safe};
use crate::rule::Severity;
use crate::source::SourceKind;

/// Other places listed by name below the first.
const OTHERS: usize = 5;

pub(super) fn write(out: &mut dyn Write, finding: &Finding, identifiers: &[&Finding], view: &View<'_>) -> io::Result<()> {
    let rule = finding.rule;
    let title = format!("{} ({} confidence)", rule.name, confidence(finding.confidence));
    writeln!(out, "{}{} {}", label(finding), ":".bold(), title.bold())?;
    let places = places(finding);
    frame(out, finding, view)?;
    if let Some(past) = places[0].past {
        let also = if places[0].is_gone() { "" } else { "also " };
        writeln!(out, "   {} {also}{}", "=".blue().bold(), in_history(past, &view.names))?;
    }
    others(out, &places[1..], view)?;
    for identifier in identifiers {
        identified(out, identifier, view)?;
    }
    writeln!(out, "   {} fingerprint {}\n", "=".blue().bold(), finding.fingerprint)
}

/// A secret on one line, with the identifiers that belong to it.
pub(super) fn line(out: &mut dyn Write, finding: &Finding, identifiers: &[&Finding], view: &View<'_>) -> io::Result<()> {
    let places = places(finding);
    let more = if places.len() > 1 { format!(" (+{})", places.len() - 1) } else { String::new() };
    let past = if places[0].is_gone() { " in history" } else { "" };
    let value = Shown::of(places[0].at, finding, view.context.secrets).secret;
    write!(out, "{} {} {value}{past}{more}", label(finding), linked(places[0].at, view))?;
    for identifier in identifiers {
        let value = Shown::of(&identifier.occurrences[0], identifier, view.context.secrets).secret;
        write!(out, ", with [{}] {value}", identifier.rule.id)?;
    }
    writeln!(out)
}

/// A rule with its severity, in that one's colour.
fn label(finding: &Finding) -> String {
    let label = format!("{}[{}]", severity(finding.severity), finding.rule.id);
    match finding.severity {
        Severity::Critical | Severity::High => label.red().bold().to_string(),
        Severity::Medium => label.yellow().bold().to_string(),
        Severity::Low => label.cyan().bold().to_string(),
    }
}

/// The identifier that stands beside a secret, on a line of its own.
fn identified(out: &mut dyn Write, identifier: &Finding, view: &View<'_>) -> io::Result<()> {
    let first = &identifier.occurrences[0];
    let shown = Shown::of(first, identifier, view.context.secrets).secret;
    let (name, at) = (identifier.rule.name, position(first, view));
    writeln!(out, "   {} with {name} {shown} at {at}, fingerprint {}", "=".blue().bold(), identifier.fingerprint)
}

/// The first place: where it is, its line, and marks below the secret.
fn frame(out: &mut dyn Write, finding: &Finding, view: &View<'_>) -> io::Result<()> {
    let first = &finding.occurrences[0];
    let number = first.start.line.to_string();
    let gutter = " ".repeat(number.len());
    let bar = "|".blue().bold().to_string();
    let room = view.context.layout.width.map(|width| width.saturating_sub(number.len() + 3));
    let shown = Shown::of(first, finding, view.context.secrets).fitted(room);
    writeln!(out, "{gutter}{} {}", "-->".blue().bold(), linked(first, view))?;
    writeln!(out, "{gutter} {bar}")?;
    writeln!(out, "{} {bar} {}{}{}", number.blue().bold(), shown.before, shown.secret, shown.after)?;
    let marks = "^".repeat(shown.secret.width().max(1));
    let label = if shown.label.is_empty() { String::new() } else { format!(" {}", shown.label.red()) };
    writeln!(out, "{gutter} {bar} {}{}{label}", " ".repeat(shown.before.width()), marks.red().bold())
}

/// A place, as a link to the file where the terminal knows links.
fn linked(at: &Occurrence, view: &View<'_>) -> String {
    let text = position(at, view);
    let is_on_disk = at.sighting.is_none() && at.origin.source == SourceKind::Worktree;
    match &view.context.layout.linked {
        Some(folder) if is_on_disk => {
            let target = safe::uri(&folder.join(&at.origin.path).to_string_lossy());
            format!("\u{1b}]8;;file://{target}\u{1b}\\{text}\u{1b}]8;;\u{1b}\\")
        }
        _ => text,
    }
}

fn others(out: &mut dyn Write, places: &[Place<'_>], view: &View<'_>) -> io::Result<()> {
    for place in places.iter().take(OTHERS) {
        let past = match place.past {
            None => String::new(),
            Some(past) if place.is_gone() => format!(" {}", in_history(past, &view.names)),
            Some(past) => format!(", {}", in_history(past, &view.names)),
        };
        writeln!(out, "   {} also {}{past}", "=".blue().bold(), linked(place.at, view))?;
    }
    if places.len() > OTHERS {
        writeln!(out, "   {} and {}", "=".blue().bold(), plural((places.len() - OTHERS) as u64, "more place", "more places"))?;
    }
    Ok(())
}

/// A line as it is shown: harmless, the secret masked unless it was asked for.
struct Shown {
    before: String,
    secret: String,
    after: String,
    label: String,
}

impl Shown {
    fn of(occurrence: &Occurrence, finding: &Finding, secrets: Show) -> Self {
        let Excerpt { text, mark } = &occurrence.excerpt;
        let lines = occurrence.end.line - occurrence.start.line + 1;
        Self {
            before: safe::line(&text[..mark.start]),
            secret: match secrets {
                Show::Masked => safe::line(&text[mark.clone()]),
                Show::InFull => safe::line(&finding.secret.expose_text()),
            },
            after: safe::line(&text[mark.end..]),
            label: if lines > 1 { format!("{lines} lines") } else { String::new() },
        }
    }

    /// The same in a number of columns, if that can be: the end of the line goes first, then its beginning.
    fn fitted(self, room: Option<usize>) -> Self {
        let Some(room) = room else { return self };
        let rest = room.saturating_sub(self.secret.width());
        let least = rest / 4;
        let before = if self.before.width() + self.after.width().min(least) > rest {
            let room = rest.saturating_sub(self.after.width().min(least));
            last_columns(&self.before, room)
        } else {
            self.before
        };
        let after = first_columns(&self.after, rest.saturating_sub(before.width()));
        Self { before, after, ..self }
    }
}

fn first_columns(text: &str, room: usize) -> String {
    if text.width() <= room {
        return text.to_owned();
    }
    let mut left = room.saturating_sub(1);
    let fitting = text.chars().take_while(|character| {
        let width = character.width().unwrap_or_default();
        let fits = width <= left;
        left = left.saturating_sub(width);
        fits
    });
    let cut: String = fitting.collect();
    if room == 0 { String::new() } else { cut + "…" }
}

fn last_columns(text: &str, room: usize) -> String {
    let reversed: String = text.chars().rev().collect();
    first_columns(&reversed, room).chars().rev().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_cut_around_the_secret() {
        let shown = |before: &str, after: &str, room| {
            let shown = Shown { before: before.to_owned(), secret: "********".to_owned(), after: after.to_owned(), label: String::new() };
            let shown = shown.fitted(Some(room));
            format!("{}{}{}", shown.before, shown.secret, shown.after)
        };
        assert_eq!(shown("password: ", " # note", 40), "password: ******** # note");
        assert_eq!(shown("password: ", " # a note that is long", 24), "password: ******** # a …");
        assert_eq!(shown("export THE_LONG_PASSWORD=", " # note", 24), "…G_PASSWORD=******** # …");
        assert_eq!(shown("密码密码密码密码", "", 16), "…码密码********");
        assert_eq!(shown("a", "b", 2), "********");
    }
}
