//! A page with tables, whatever stands in them: it loads nothing, runs only its own script, and shows its first rows without
//! it. `page.js` sorts and filters the rows, which stand as JSON in the page, and shows some of them at a time.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::report::{safe, wire};

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");
/// Rows that are there without the script, which shows as many at first.
const FIRST: usize = 200;
/// Lines of a cell that are shown at first.
const LINES: usize = 3;

/// A table of a page.
#[derive(Debug, Serialize)]
pub struct Table {
    /// Of its element.
    pub id: &'static str,
    /// What its rows are, as in "3 of 20 places".
    pub rows_are: &'static str,
    /// The names of its columns.
    pub columns: &'static [&'static str],
    /// Columns by whose values rows can be chosen.
    pub filters: &'static [&'static str],
    /// What values of these columns are called there, if they have other names.
    pub names: BTreeMap<String, String>,
    /// The column that is searched; empty if all are.
    pub search: &'static str,
    /// A cell for each column.
    pub rows: Vec<Vec<Cell>>,
}

/// What stands in a cell, made harmless: the rows that are there without the script and those that it makes have the same text.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub struct Cell(Content);

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Content {
    Text(String),
    Number(usize),
    Lines(Vec<String>),
}

impl Cell {
    /// Text of one line.
    #[must_use]
    pub fn text(text: &str) -> Self {
        Self(Content::Text(safe::line(text)))
    }

    /// A number, which is sorted as one.
    #[must_use]
    pub fn number(number: usize) -> Self {
        Self(Content::Number(number))
    }

    /// Lines.
    pub fn lines<S: AsRef<str>>(lines: impl IntoIterator<Item = S>) -> Self {
        Self(Content::Lines(lines.into_iter().map(|line| safe::line(line.as_ref())).collect()))
    }

    /// The elements for it.
    fn markup(&self) -> String {
        match &self.0 {
            Content::Text(text) => safe::markup(text),
            Content::Number(number) => number.to_string(),
            Content::Lines(lines) => {
                let mut out = String::new();
                lines.iter().take(LINES).for_each(|line| _ = write!(out, "<div>{}</div>", safe::markup(line)));
                if lines.len() > LINES {
                    _ = write!(out, "<div>and {} more</div>", lines.len() - LINES);
                }
                out
            }
        }
    }
}

#[derive(Serialize)]
struct Data<'a> {
    first: usize,
    lines: usize,
    tables: &'a [&'a Table],
}

/// The page up to its tables.
pub(in crate::report) fn begin(out: &mut dyn Write, title: &str) -> io::Result<()> {
    let policy =
        format!("default-src 'none'; style-src '{}'; script-src '{}'; base-uri 'none'; form-action 'none'", source(STYLE), source(SCRIPT));
    writeln!(out, "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">")?;
    writeln!(out, "<meta http-equiv=\"Content-Security-Policy\" content=\"{}\">", safe::markup(&policy))?;
    writeln!(out, "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">")?;
    writeln!(out, "<meta name=\"referrer\" content=\"no-referrer\">")?;
    writeln!(out, "<title>{}</title>\n<style>{STYLE}</style>\n</head>\n<body>", safe::markup(title))
}

/// A table with its heading.
pub(in crate::report) fn table(out: &mut dyn Write, heading: &str, table: &Table) -> io::Result<()> {
    writeln!(out, "<section id=\"{}\">\n<h2>{}</h2>\n<form hidden></form>\n<p class=\"count\">", table.id, safe::markup(heading))?;
    if table.rows.len() > FIRST {
        writeln!(out, "The first {FIRST} of {}; with JavaScript all of them can be sorted and filtered.", table.rows.len())?;
    }
    writeln!(out, "</p>\n<table>\n<thead><tr>")?;
    table.columns.iter().try_for_each(|column| write!(out, "<th scope=\"col\">{column}</th>"))?;
    writeln!(out, "</tr></thead>\n<tbody>")?;
    for row in table.rows.iter().take(FIRST) {
        let class = row.first().map(Cell::markup).unwrap_or_default();
        let class = if table.columns.first() == Some(&"severity") { format!(" class=\"{class}\"") } else { String::new() };
        write!(out, "<tr{class}>")?;
        for (cell, column) in row.iter().zip(table.columns) {
            write!(out, "<td data-column=\"{column}\">{}</td>", cell.markup())?;
        }
        writeln!(out, "</tr>")?;
    }
    writeln!(out, "</tbody>\n</table>\n<p><button class=\"more\" type=\"button\" hidden>Show more</button></p>\n</section>")
}

/// The end of a page with these tables.
pub(in crate::report) fn end(out: &mut dyn Write, tables: &[&Table]) -> io::Result<()> {
    writeln!(out, "<script type=\"application/json\" id=\"data\">{}</script>", data(tables)?)?;
    writeln!(out, "<script>{SCRIPT}</script>\n</body>\n</html>")
}

/// A page of a title, what stands before the tables as elements, and tables with their headings.
///
/// # Errors
/// What the writer says.
pub fn page(out: &mut dyn Write, title: &str, before: &str, tables: &[(&str, &Table)]) -> io::Result<()> {
    begin(out, title)?;
    out.write_all(before.as_bytes())?;
    tables.iter().try_for_each(|(heading, one)| table(out, heading, one))?;
    end(out, &tables.iter().map(|(_, table)| *table).collect::<Vec<_>>())
}

/// What a policy allows of the text between two tags.
fn source(text: &str) -> String {
    format!("sha256-{}", STANDARD.encode(Sha256::digest(text)))
}

/// JSON that ends no script element; what is unsafe to show is escaped as in all reports.
fn data(tables: &[&Table]) -> io::Result<String> {
    let mut json = Vec::new();
    wire::line(&mut json, &Data { first: FIRST, lines: LINES, tables })?;
    let mut text = String::with_capacity(json.len());
    for character in String::from_utf8_lossy(&json).trim_end().chars() {
        match character {
            '<' | '>' | '&' => _ = write!(text, "\\u{:04x}", u32::from(character)),
            _ => text.push(character),
        }
    }
    Ok(text)
}
