//! What a scan found, as a page with a table of all places.

mod page;

use std::collections::BTreeMap;
use std::io::{self, Write};

pub use page::{Cell, Table, page};

use super::json::{confidence, severity};
use super::names::Names;
use super::places::{plural, secrets_in_places};
use super::rows::{Row, rows, unread};
use super::{Context, Show, VERSION, human, safe};
use crate::scan::Outcome;

/// Months in the timeline; of a longer one only the last.
const MONTHS: usize = 240;

pub(super) fn write(out: &mut dyn Write, outcome: &Outcome, context: &Context<'_>) -> io::Result<()> {
    let rows = rows(outcome, context);
    let title = match outcome.findings.len() as u64 {
        0 if outcome.is_complete() => "no secrets found".to_owned(),
        0 => "incomplete, nothing found in what could be read".to_owned(),
        secrets => secrets_in_places(secrets, rows.len() as u64),
    };
    let name = Names::of(outcome, Show::Masked).masked(&context.covered.name).into_owned();
    let title = if name.is_empty() { format!("sopup: {title}") } else { format!("sopup: {name}: {title}") };
    page::begin(out, &title)?;
    writeln!(out, "<h1>{}</h1>\n<p>{}</p>", safe::markup(&title), safe::markup(&about(outcome, context, &name)))?;
    not_scanned(out, outcome)?;
    timeline(out, &rows)?;
    let table = places(&rows);
    page::table(out, "Places", &table)?;
    page::end(out, &[&table])
}

fn about(outcome: &Outcome, context: &Context<'_>, name: &str) -> String {
    let head = context.head.map(|head| format!(" at commit {head}")).unwrap_or_default();
    let counts = match human::by_severity(&outcome.findings) {
        counts if counts.is_empty() => counts,
        counts => format!("{counts}. "),
    };
    let what = if context.covered.what.is_empty() { context.root } else { &context.covered.what };
    // A page is passed on to people for whom `.` is another folder.
    let what =
        what.strip_suffix('.').filter(|what| what.ends_with(' ') && !name.is_empty()).map_or(what.into(), |what| format!("{what}{name}"));
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

fn places(rows: &[Row<'_>]) -> Table {
    Table {
        id: "places",
        rows_are: "places",
        columns: &["severity", "rule", "place", "value", "confidence", "since", "source", "history", "author"],
        filters: &["severity", "rule", "author", "source"],
        names: rows.iter().map(|row| (safe::line(row.finding.rule.id), safe::line(row.finding.rule.name))).collect(),
        search: "place",
        rows: rows.iter().map(cells).collect(),
    }
}

/// In the order of the columns.
fn cells(row: &Row<'_>) -> Vec<Cell> {
    let (rule, at) = (row.finding.rule, row.place.at);
    let since: String = row.date().map(|date| date.chars().take(10).collect()).unwrap_or_default();
    let sure = confidence(row.finding.confidence);
    let (severity, source) = (severity(row.finding.severity), at.origin.source.code());
    let texts = [severity, rule.id, &row.position(), &row.masked(), sure, &since, source, &row.history, &row.author];
    texts.map(Cell::text).into()
}
