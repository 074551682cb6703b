//! Many secrets at a glance: how many of each severity, rule and folder.

use std::collections::BTreeMap;
use std::io::{self, Write};

use owo_colors::OwoColorize as _;

use super::by_severity;
use crate::finding::Finding;
use crate::report::places::{View, place, secrets_in_places};
use crate::report::rows::places;

/// Rules and folders listed by name.
const LISTED: usize = 10;

pub(super) fn write(out: &mut dyn Write, findings: &[Finding], view: &View<'_>) -> io::Result<()> {
    let places: usize = findings.iter().map(|finding| places(finding).len()).sum();
    let head = secrets_in_places(findings.len() as u64, places as u64);
    writeln!(out, "{}: {}\n", head.bold(), by_severity(findings))?;
    table(out, "rule", findings.iter().map(|finding| (finding.rule.id.to_owned(), finding.rule.name)))?;
    let paths: Vec<String> = findings.iter().map(|finding| place(&finding.occurrences[0], view)).collect();
    let shared = shared_folders(&paths);
    let below = if shared == 0 { "folder".to_owned() } else { format!("folder below {}", &paths[0][..shared]) };
    table(out, &below, paths.iter().map(|path| (folder(&path[shared..]), "")))
}

/// Names with how often they come, the most frequent first.
fn table<'a>(out: &mut dyn Write, what: &str, names: impl Iterator<Item = (String, &'a str)>) -> io::Result<()> {
    let mut counts: BTreeMap<(String, &str), u64> = BTreeMap::new();
    for name in names {
        *counts.entry(name).or_default() += 1;
    }
    let mut counts: Vec<((String, &str), u64)> = counts.into_iter().collect();
    counts.sort_by_key(|&(_, count)| std::cmp::Reverse(count));
    writeln!(out, "{}", format!("By {what}").bold())?;
    for ((name, about), count) in counts.iter().take(LISTED) {
        writeln!(out, "{count:>7}  {}", format!("{name:<32}  {about}").trim_end())?;
    }
    if counts.len() > LISTED {
        let rest: u64 = counts[LISTED..].iter().map(|(_, count)| count).sum();
        writeln!(out, "{rest:>7}  in {} more", counts.len() - LISTED)?;
    }
    writeln!(out)
}

/// How much of the paths names folders that all of them are in: they tell nothing apart.
fn shared_folders(paths: &[String]) -> usize {
    let Some(first) = paths.first() else { return 0 };
    let same = |path: &String| first.bytes().zip(path.bytes()).take_while(|(one, other)| one == other).count();
    let length = paths.iter().map(same).min().unwrap_or(0);
    first.as_bytes()[..length].iter().rposition(|byte| *byte == b'/').map_or(0, |at| at + 1)
}

/// The topmost folder of a path.
fn folder(path: &str) -> String {
    path.split_once('/').map_or_else(|| "(top)".to_owned(), |(folder, _)| format!("{folder}/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folders(paths: &[&str]) -> (String, Vec<String>) {
        let paths: Vec<String> = paths.iter().map(|&path| path.to_owned()).collect();
        let shared = shared_folders(&paths);
        (paths[0][..shared].to_owned(), paths.iter().map(|path| folder(&path[shared..])).collect())
    }

    #[test]
    fn folders_that_all_paths_share_tell_nothing_apart() {
        assert_eq!(
            folders(&["/srv/apps/shop/a.env", "/srv/apps/blog/b/c.env"]),
            ("/srv/apps/".to_owned(), vec!["shop/".into(), "blog/".into()])
        );
        assert_eq!(folders(&["deploy/a.env", "docs/b.md"]), (String::new(), vec!["deploy/".into(), "docs/".into()]));
        assert_eq!(folders(&["a.env"]), (String::new(), vec!["(top)".into()]));
        assert_eq!(folders(&["büro/a.env", "bücher/b.env"]), (String::new(), vec!["büro/".into(), "bücher/".into()]));
    }
}
