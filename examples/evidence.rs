//! What each rule and each piece of evidence does for labelled lines of real repositories: how many secrets it finds or
//! hides, how many lines that are no secret it reports or spares. It decides what is kept.
//!
//! `cargo run --release --example evidence -- LABELS.tsv TREES`: tab-separated labels with the columns `repo`, `path`, `line`
//! and `judged` (`T` a secret, `F` none; others are left out), and a folder that has each repository as `OWNER+NAME`.

use std::collections::{BTreeMap, HashMap};
use std::error::Error;
use std::fs;
use std::path::Path;

use sopup::detect::{Fate, Hints, explain};
use sopup::rule::{Confidence, builtin};

/// How often something spoke for or against lines that are secrets, and lines that are none.
#[derive(Default)]
struct Tally {
    of_secrets: usize,
    of_others: usize,
}

impl Tally {
    fn count(&mut self, is_secret: bool) {
        *(if is_secret { &mut self.of_secrets } else { &mut self.of_others }) += 1;
    }
}

/// Of one file: whether a labelled line is a secret.
type Lines = HashMap<usize, bool>;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [labels, trees] = arguments.as_slice() else { return Err("usage: evidence LABELS.tsv TREES".into()) };
    let rules = builtin();
    let mut reported: BTreeMap<String, Tally> = BTreeMap::new();
    let mut rejected: BTreeMap<&str, Tally> = BTreeMap::new();
    let mut unseen = Tally::default();
    for ((repository, path), lines) in files(&fs::read_to_string(labels)?)? {
        let Ok(bytes) = fs::read(Path::new(trees).join(repository.replace('/', "+")).join(&path)) else { continue };
        let hints = Hints::of_path(&path).and_bytes(&bytes);
        let starts: Vec<usize> = std::iter::once(0).chain(memchr::memchr_iter(b'\n', &bytes).map(|at| at + 1)).collect();
        let mut found: HashMap<usize, bool> = HashMap::new();
        for candidate in explain(&bytes, hints, &rules) {
            let line = starts.partition_point(|&start| start <= candidate.span.start);
            let Some(&is_secret) = lines.get(&line) else { continue };
            match candidate.fate {
                Fate::Match(found_here) if found_here.confidence >= Confidence::Medium => {
                    reported.entry(rules.rule(candidate.rule).id.to_owned()).or_default().count(is_secret);
                    found.insert(line, true);
                }
                Fate::Match(_) => {
                    rejected.entry("low confidence").or_default().count(is_secret);
                    found.entry(line).or_default();
                }
                Fate::Rejected(objection) => {
                    rejected.entry(objection.code()).or_default().count(is_secret);
                    found.entry(line).or_default();
                }
                Fate::Covered => {}
            }
        }
        lines.iter().filter(|(line, _)| !found.contains_key(line)).for_each(|(_, &is_secret)| unseen.count(is_secret));
    }
    print("rule", ["secrets found", "others reported"], &reported);
    print("evidence against", ["secrets hidden", "others spared"], &rejected);
    print("nothing", ["secrets unseen", "others unseen"], &BTreeMap::from([("no rule looked at the line", unseen)]));
    Ok(())
}

/// The labelled lines of each file.
fn files(labels: &str) -> Result<BTreeMap<(String, String), Lines>, Box<dyn Error>> {
    let mut rows = labels.lines().map(|line| line.split('\t').collect::<Vec<_>>());
    let header = rows.next().ok_or("the labels are empty")?;
    let column = |name: &str| header.iter().position(|column| *column == name).ok_or(format!("the labels have no column `{name}`"));
    let (repository, path, line, judged) = (column("repo")?, column("path")?, column("line")?, column("judged")?);
    let mut files: BTreeMap<(String, String), Lines> = BTreeMap::new();
    for row in rows.filter(|row| row.len() == header.len() && matches!(row[judged], "T" | "F")) {
        let lines = files.entry((row[repository].to_owned(), row[path].to_owned())).or_default();
        lines.insert(row[line].parse()?, row[judged] == "T");
    }
    Ok(files)
}

#[expect(clippy::print_stdout, reason = "what the program is for")]
fn print(what: &str, columns: [&str; 2], tallies: &BTreeMap<impl AsRef<str>, Tally>) {
    let mut rows: Vec<_> = tallies.iter().collect();
    rows.sort_by_key(|(_, tally)| std::cmp::Reverse(tally.of_secrets + tally.of_others));
    println!("| {what} | {} | {} |\n| --- | ---: | ---: |", columns[0], columns[1]);
    for (name, tally) in rows {
        println!("| {} | {} | {} |", name.as_ref(), tally.of_secrets, tally.of_others);
    }
    println!();
}
