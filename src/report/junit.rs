//! JUnit XML: a failure for each place, an error for each thing that was not read.

use std::io::{self, Write};

use super::rows::{rows, unread};
use super::{Context, safe};
use crate::scan::Outcome;

pub(super) fn write(out: &mut dyn Write, outcome: &Outcome, context: &Context<'_>) -> io::Result<()> {
    let (rows, unread) = (rows(outcome, context), unread(outcome));
    let is_clean = rows.is_empty() && unread.is_empty();
    let counts = format!(
        r#"tests="{}" failures="{}" errors="{}" time="{:.3}""#,
        (rows.len() + unread.len()).max(1),
        rows.len(),
        unread.len(),
        context.elapsed.as_secs_f64()
    );
    writeln!(out, r#"<?xml version="1.0" encoding="UTF-8"?>"#)?;
    writeln!(out, r#"<testsuites name="sopup" {counts}>"#)?;
    let begun = context.begun.strftime("%Y-%m-%dT%H:%M:%S");
    writeln!(out, r#"  <testsuite name="secrets" timestamp="{begun}" hostname="localhost" skipped="0" {counts}>"#)?;
    for row in &rows {
        let (rule, name) = (row.finding.rule, row.position());
        let file = if row.is_file() { format!(r#" file="{}""#, escaped(&row.path)) } else { String::new() };
        writeln!(out, r#"    <testcase classname="{}" name="{}"{file} time="0">"#, escaped(rule.id), escaped(&name))?;
        let steps = rule.rotate_steps.join(" ");
        let text = format!("{name}\n{}\nTo replace it: {}\nfingerprint {}", row.message(), steps, row.finding.fingerprint);
        let text: Vec<String> = text.lines().map(escaped).collect();
        writeln!(out, r#"      <failure type="{}" message="{}">{}</failure>"#, escaped(rule.id), escaped(&row.message()), text.join("\n"))?;
        writeln!(out, "    </testcase>")?;
    }
    for (what, reason) in &unread {
        writeln!(out, r#"    <testcase classname="not-scanned" name="{}" time="0">"#, escaped(what))?;
        writeln!(out, r#"      <error type="not-scanned" message="{}"/>"#, escaped(reason))?;
        writeln!(out, "    </testcase>")?;
    }
    if is_clean {
        writeln!(out, r#"    <testcase classname="sopup" name="no secrets found" time="0"/>"#)?;
    }
    writeln!(out, "  </testsuite>\n</testsuites>")
}

/// Text for elements and attributes; XML has no way to write some characters.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in safe::markup(text).chars() {
        match character {
            '\u{fffe}' | '\u{ffff}' => out.extend(character.escape_unicode()),
            _ => out.push(character),
        }
    }
    out
}
