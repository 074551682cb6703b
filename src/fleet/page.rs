//! The report of a fleet for people: a page that opens from a disk and loads nothing, Markdown, and CSV.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use super::merge::{Merged, SecretAcross};
use crate::report::safe::markup;
use crate::report::{cell, csv_field, plural};

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");
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

fn day(secret: &SecretAcross) -> &str {
    secret.first.as_deref().and_then(|date| date.get(..10)).unwrap_or_default()
}

/// A page.
pub fn html(merged: &Merged) -> String {
    let counts = Counts::of(merged);
    let hash = |text: &str| format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text)));
    let policy = format!("default-src 'none'; style-src {}; script-src {}", hash(STYLE), hash(SCRIPT));
    let mut out = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>Secrets in {} repositories</title>\n<style>{STYLE}</style>\n</head>\n<body>\n\
         <h1>{} in {} of {} repositories</h1>\n<p>{} still in files of today",
        counts.repositories,
        plural(counts.secrets as u64, "secret", "secrets"),
        counts.leaking,
        counts.repositories,
        counts.in_head
    );
    if merged.secrets.iter().any(|secret| secret.new.is_some()) || !merged.gone.is_empty() {
        _ = write!(out, "; since the last report {} new, {} gone", counts.new, merged.gone.len());
    }
    _ = write!(
        out,
        ". {} not known in full.</p>\n<p><input id=\"filter\" type=\"search\" placeholder=\"Filter\" aria-label=\"Filter\"></p>\n",
        plural(counts.incomplete as u64, "repository is", "repositories are")
    );
    table(
        &mut out,
        "secrets",
        &["severity", "rule", "secret", "first commit", "today", "repositories", "where"],
        merged.secrets.iter().map(|secret| marked_up(&secret_row(secret)).chain([places(secret)]).collect()),
    );
    out += "<h2>Repositories</h2>\n";
    let row = |repository: &super::merge::Repository| {
        let told = repository.incomplete.as_ref().map(ToString::to_string).unwrap_or_default();
        marked_up(&[repository.id.clone(), repository.secrets.to_string(), repository.places.to_string(), told]).collect()
    };
    let mut repositories: Vec<_> = merged.repositories.iter().collect();
    repositories.sort_by(|a, b| b.secrets.cmp(&a.secrets).then_with(|| a.id.cmp(&b.id)));
    table(&mut out, "repositories", &["repository", "secrets", "places", "not known"], repositories.into_iter().map(row));
    _ = write!(out, "<script>{SCRIPT}</script>\n</body>\n</html>\n");
    out
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

/// A line for each repository that has a secret, as it stands in a page.
fn places(secret: &SecretAcross) -> String {
    let lines = secret.repositories.iter().map(|place| markup(&format!("{} {} ({})", place.id, place.example, place.places)));
    lines.collect::<Vec<_>>().join("\n")
}

fn marked_up(texts: &[String]) -> impl Iterator<Item = String> {
    texts.iter().map(|text| markup(text))
}

/// A table of what is marked up already.
fn table(out: &mut String, id: &str, heads: &[&str], rows: impl Iterator<Item = Vec<String>>) {
    _ = write!(out, "<table id=\"{id}\">\n<thead><tr>");
    heads.iter().for_each(|head| _ = write!(out, "<th><button>{head}</button></th>"));
    *out += "</tr></thead>\n<tbody>\n";
    for row in rows {
        *out += "<tr>";
        row.iter().for_each(|cell| _ = write!(out, "<td>{cell}</td>"));
        *out += "</tr>\n";
    }
    *out += "</tbody>\n</table>\n";
}

/// A summary in Markdown.
pub fn markdown(merged: &Merged) -> String {
    let counts = Counts::of(merged);
    let mut out = format!(
        "## {} in {} of {} repositories\n\n{} still in files of today; {} not known in full.\n",
        plural(counts.secrets as u64, "secret", "secrets"),
        counts.leaking,
        counts.repositories,
        counts.in_head,
        plural(counts.incomplete as u64, "repository is", "repositories are")
    );
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
