//! One page with everything: it loads nothing, runs only its own script, and shows its first rows without it.
//! `page.js` sorts and filters the rows, which stand as JSON in the page.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::json::{confidence, severity};
use super::places::{plural, secrets_in_places};
use super::rows::{Row, rows, unread};
use super::{Context, VERSION, human, safe, wire};
use crate::scan::Outcome;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");
/// Rows that are there without the script, which shows as many at first.
const FIRST: usize = 200;
/// Months in the timeline; of a longer one only the last.
const MONTHS: usize = 240;

#[derive(Serialize)]
struct Data<'a> {
    first: usize,
    rows: Vec<Cells<'a>>,
}

/// In the order of the columns.
#[derive(Serialize)]
struct Cells<'a>(&'a str, &'a str, String, String, &'a str, String, &'a str, String, &'a str);

pub(super) fn write(out: &mut dyn Write, outcome: &Outcome, context: &Context<'_>) -> io::Result<()> {
    let rows = rows(outcome, context);
    let title = match outcome.findings.len() as u64 {
        0 if outcome.is_complete() => "no secrets found".to_owned(),
        0 => "incomplete, nothing found in what could be read".to_owned(),
        secrets => secrets_in_places(secrets, rows.len() as u64),
    };
    let policy =
        format!("default-src 'none'; style-src '{}'; script-src '{}'; base-uri 'none'; form-action 'none'", source(STYLE), source(SCRIPT));
    writeln!(out, "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">")?;
    writeln!(out, "<meta http-equiv=\"Content-Security-Policy\" content=\"{}\">", safe::markup(&policy))?;
    writeln!(out, "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">")?;
    writeln!(out, "<meta name=\"referrer\" content=\"no-referrer\">")?;
    writeln!(out, "<title>sopup: {}</title>\n<style>{STYLE}</style>\n</head>\n<body>", safe::markup(&title))?;
    writeln!(out, "<h1>sopup: {}</h1>\n<p>{}</p>", safe::markup(&title), safe::markup(&about(outcome, context)))?;
    not_scanned(out, outcome)?;
    timeline(out, &rows)?;
    table(out, &rows)?;
    writeln!(out, "<script type=\"application/json\" id=\"data\">{}</script>", data(&rows)?)?;
    writeln!(out, "<script>{SCRIPT}</script>\n</body>\n</html>")
}

/// What a policy allows of the text between two tags.
fn source(text: &str) -> String {
    format!("sha256-{}", STANDARD.encode(Sha256::digest(text)))
}

fn about(outcome: &Outcome, context: &Context<'_>) -> String {
    let head = context.head.map(|head| format!(" at commit {head}")).unwrap_or_default();
    let counts = match human::by_severity(&outcome.findings) {
        counts if counts.is_empty() => counts,
        counts => format!("{counts}. "),
    };
    let what = if context.covered.what.is_empty() { context.root } else { &context.covered.what };
    let day = context.begun.strftime("%Y-%m-%d %H:%M UTC");
    let read = format!("{}{}", human::quantity(outcome), human::in_baseline(outcome));
    format!("{counts}Scanned: {what}{head}; {read} ({day}, sopup {VERSION}). Values are masked.")
}

fn not_scanned(out: &mut dyn Write, outcome: &Outcome) -> io::Result<()> {
    let unread = unread(outcome);
    if unread.is_empty() {
        return Ok(());
    }
    let count = plural(unread.len() as u64, "item was", "items were");
    writeln!(out, "<details><summary>{count} not scanned: there may be more</summary>\n<ul>")?;
    for (what, reason) in unread {
        writeln!(out, "<li>{}: {}</li>", safe::markup(&what), safe::markup(&reason))?;
    }
    writeln!(out, "</ul></details>")
}

/// Since when places have been exposed: a bar for each month, by the commits that brought them there.
fn timeline(out: &mut dyn Write, rows: &[Row<'_>]) -> io::Result<()> {
    let mut months: BTreeMap<i32, u64> = BTreeMap::new();
    for date in rows.iter().filter_map(Row::date) {
        let parts = date.get(..7).and_then(|month| month.split_once('-'));
        if let Some((Ok(year), Ok(month))) = parts.map(|(year, month)| (year.parse::<i32>(), month.parse::<i32>())) {
            *months.entry(year * 12 + month - 1).or_default() += 1;
        }
    }
    let Some((&last, _)) = months.last_key_value() else { return Ok(()) };
    let first = months.keys().copied().find(|month| last - month < MONTHS as i32).unwrap_or(last);
    let most = months.values().copied().max().unwrap_or(1);
    let name = |month: i32| format!("{}-{:02}", month.div_euclid(12), month.rem_euclid(12) + 1);
    let span = last - first + 1;
    writeln!(
        out,
        "<h2>Since when</h2>\n<figure><svg viewBox=\"0 0 {} 60\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"Places by the month of their first commit\">",
        span * 10
    )?;
    for (month, count) in months.range(first..=last) {
        let height = (count * 56).div_ceil(most).max(2);
        let label = format!("{}: {}", name(*month), plural(*count, "place", "places"));
        writeln!(
            out,
            "<rect x=\"{}\" y=\"{}\" width=\"8\" height=\"{height}\"><title>{label}</title></rect>",
            (month - first) * 10 + 1,
            60 - height
        )?;
    }
    writeln!(out, "</svg><figcaption><span>{}</span><span>{}</span></figcaption></figure>", name(first), name(last))
}

const COLUMNS: [&str; 9] = ["severity", "rule", "place", "value", "confidence", "since", "source", "history", "author"];

fn table(out: &mut dyn Write, rows: &[Row<'_>]) -> io::Result<()> {
    writeln!(out, "<h2>Places</h2>\n<form id=\"filters\" hidden></form>\n<p id=\"count\">")?;
    if rows.len() > FIRST {
        writeln!(out, "The first {FIRST} of {}; with JavaScript all of them can be sorted and filtered.", rows.len())?;
    }
    writeln!(out, "</p>\n<table>\n<thead><tr>")?;
    COLUMNS.iter().try_for_each(|column| write!(out, "<th scope=\"col\">{column}</th>"))?;
    writeln!(out, "</tr></thead>\n<tbody>")?;
    for row in rows.iter().take(FIRST) {
        let Cells(severity, rule, place, value, confidence, since, source, history, author) = &cells(row);
        write!(out, "<tr class=\"{severity}\">")?;
        for (text, column) in [severity, rule, place.as_str(), value, confidence, since, source, history, author].iter().zip(COLUMNS) {
            write!(out, "<td data-column=\"{column}\">{}</td>", safe::markup(text))?;
        }
        writeln!(out, "</tr>")?;
    }
    writeln!(out, "</tbody>\n</table>\n<p><button id=\"more\" type=\"button\" hidden>Show more</button></p>")
}

fn cells<'a>(row: &'a Row<'_>) -> Cells<'a> {
    let (rule, at) = (row.finding.rule, row.place.at);
    let since = row.date().map(|date| date.chars().take(10).collect()).unwrap_or_default();
    let sure = confidence(row.finding.confidence);
    let history = row.history.clone();
    Cells(severity(row.finding.severity), rule.id, row.position(), row.masked(), sure, since, at.origin.source.code(), history, &row.author)
}

/// JSON that ends no script element; what is unsafe to show is escaped as in all reports.
fn data(rows: &[Row<'_>]) -> io::Result<String> {
    let mut json = Vec::new();
    wire::line(&mut json, &Data { first: FIRST, rows: rows.iter().map(cells).collect() })?;
    let mut text = String::new();
    for character in String::from_utf8_lossy(&json).trim_end().chars() {
        match character {
            '<' | '>' | '&' => _ = write!(text, "\\u{:04x}", u32::from(character)),
            _ => text.push(character),
        }
    }
    Ok(text)
}
