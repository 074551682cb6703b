//! The report of a fleet for people: a page that opens from a disk and loads nothing, Markdown, and CSV.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::merge::{Merged, Repository, SecretAcross};
use crate::report::safe::markup;
use crate::report::{Cell, Table, VERSION, cell, csv_field, page, plural};

/// Rows of Markdown; a comment on a forge holds no more.
const ROWS: usize = 200;

/// Counts that every form begins with.
struct Counts {
    secrets: usize,
    in_head: usize,
    new: usize,
    repositories: usize,
    leaking: usize,
    incomplete: usize,
}

impl Counts {
    fn of(merged: &Merged) -> Self {
        Self {
            secrets: merged.secrets.len(),
            in_head: merged.secrets.iter().filter(|secret| secret.in_head).count(),
            new: merged.secrets.iter().filter(|secret| secret.new == Some(true)).count(),
            repositories: merged.repositories.len(),
            leaking: merged.repositories.iter().filter(|repository| repository.secrets > 0).count(),
            incomplete: merged.incomplete().count(),
        }
    }
}

impl Counts {
    fn heading(&self) -> String {
        let repositories = plural(self.repositories as u64, "repository", "repositories");
        format!("{} in {} of {repositories}", plural(self.secrets as u64, "secret", "secrets"), grouped(self.leaking))
    }

    fn in_head(&self) -> String {
        grouped(self.in_head)
    }

    fn not_known(&self) -> String {
        format!("{} not known in full", plural(self.incomplete as u64, "repository is", "repositories are"))
    }
}

/// A number as in sentences.
fn grouped(number: usize) -> String {
    plural(number as u64, "", "").trim_end().to_owned()
}

fn day(secret: &SecretAcross) -> &str {
    secret.first.as_deref().and_then(|date| date.get(..10)).unwrap_or_default()
}

/// A page.
pub fn html(merged: &Merged) -> String {
    let secrets = Table {
        id: "secrets",
        rows_are: "secrets",
        columns: &["severity", "rule", "secret", "first commit", "today", "repositories", "where"],
        filters: &["severity", "rule", "today"],
        names: BTreeMap::new(),
        search: "",
        rows: merged.secrets.iter().map(secret_cells).collect(),
    };
    let mut sorted: Vec<_> = merged.repositories.iter().collect();
    sorted.sort_by(|a, b| b.secrets.cmp(&a.secrets).then_with(|| a.id.cmp(&b.id)));
    let repositories = Table {
        id: "repositories",
        rows_are: "repositories",
        columns: &["repository", "secrets", "places", "not known"],
        filters: &[],
        names: BTreeMap::new(),
        search: "",
        rows: sorted.into_iter().map(repository_cells).collect(),
    };
    let title = format!("Secrets in {}", plural(merged.repositories.len() as u64, "repository", "repositories"));
    let mut out = Vec::new();
    let tables = [("Secrets", &secrets), ("Repositories", &repositories)];
    page(&mut out, &title, &summary(merged), &tables).expect("memory takes what is written to it");
    String::from_utf8_lossy(&out).into_owned()
}

/// What stands above the tables of a page.
fn summary(merged: &Merged) -> String {
    let counts = Counts::of(merged);
    let by_severity = ["critical", "high", "medium", "low"].map(|severity| {
        let count = merged.secrets.iter().filter(|secret| secret.severity == severity).count();
        (count > 0).then(|| plural(count as u64, severity, severity))
    });
    let by_severity = by_severity.into_iter().flatten().collect::<Vec<_>>().join(", ");
    let end = if by_severity.is_empty() { "" } else { ". " };
    let mut out = format!("<h1>{}</h1>\n<p>{by_severity}{end}{} still in files of today", counts.heading(), counts.in_head());
    if merged.secrets.iter().any(|secret| secret.new.is_some()) || !merged.gone.is_empty() {
        _ = write!(out, "; since the last report {} new, {} gone", counts.new, merged.gone.len());
    }
    _ = writeln!(
        out,
        ". {}; see <a href=\"#repositories\">repositories</a>. Values are masked. (sopup {})</p>",
        counts.not_known(),
        markup(VERSION)
    );
    out
}

fn secret_cells(secret: &SecretAcross) -> Vec<Cell> {
    let [severity, rule, redacted, first, today, _] = &secret_row(secret);
    let places =
        |place: &super::merge::SecretPlace| format!("{} {} ({})", place.id, place.example, plural(place.places as u64, "place", "places"));
    let mut cells: Vec<Cell> = [severity, rule, redacted, first, today].map(|text| Cell::text(text)).into();
    cells.extend([Cell::number(secret.repositories.len()), Cell::lines(secret.repositories.iter().map(places))]);
    cells
}

fn repository_cells(repository: &Repository) -> Vec<Cell> {
    let told = repository.incomplete.as_ref().map(ToString::to_string).unwrap_or_default();
    vec![Cell::text(&repository.id), Cell::number(repository.secrets), Cell::number(repository.places), Cell::text(&told)]
}

/// What tells a secret, but for its places.
fn secret_row(secret: &SecretAcross) -> [String; 6] {
    let today = if secret.in_head { "yes" } else { "history only" };
    let new = if secret.new == Some(true) { " (new)" } else { "" };
    [
        secret.severity.clone(),
        format!("{}{new}", secret.rule),
        secret.redacted.clone(),
        day(secret).to_owned(),
        today.to_owned(),
        secret.repositories.len().to_string(),
    ]
}

/// A summary in Markdown.
pub fn markdown(merged: &Merged) -> String {
    let counts = Counts::of(merged);
    let mut out = format!("## {}\n\n{} still in files of today; {}.\n", counts.heading(), counts.in_head(), counts.not_known());
    if !merged.secrets.is_empty() {
        out += "\n| severity | rule | secret | first commit | today | repositories |\n| --- | --- | --- | --- | --- | --- |\n";
    }
    for secret in merged.secrets.iter().take(ROWS) {
        let row: Vec<String> = secret_row(secret)[..5].iter().map(|text| cell(text)).collect();
        let ids = secret.repositories.iter().map(|place| cell(&place.id)).collect::<Vec<_>>().join(", ");
        _ = writeln!(out, "| {} | {ids} |", row.join(" | "));
    }
    if merged.secrets.len() > ROWS {
        _ = writeln!(out, "\nand {} more; `html` lists them all", merged.secrets.len() - ROWS);
    }
    if counts.incomplete > 0 {
        out += "\n### Not known in full\n\n";
        merged.incomplete().for_each(|(repository, why)| _ = writeln!(out, "- {}: {}", cell(&repository.id), cell(&why.to_string())));
    }
    out
}

/// A line for each secret in each repository, for spreadsheets; nothing in it is a formula.
pub fn csv(merged: &Merged) -> String {
    let mut out = "severity,rule,fingerprint,secret,first,today,repository,places,example\n".to_owned();
    for secret in &merged.secrets {
        for place in &secret.repositories {
            let today = if secret.in_head { "yes" } else { "no" };
            let fields = [
                &secret.severity,
                &secret.rule,
                &secret.fingerprint,
                &secret.redacted,
                day(secret),
                today,
                &place.id,
                &place.places.to_string(),
                &place.example,
            ];
            let fields: Vec<String> = fields.into_iter().map(csv_field).collect();
            _ = writeln!(out, "{}", fields.join(","));
        }
    }
    out
}
