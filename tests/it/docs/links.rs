//! Links: every relative one leads to a file that is there, and to a heading that is in it.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::{name_of, pages, text_of, top};

/// A page without its blocks of code.
fn prose(text: &str) -> String {
    let mut fence: Option<String> = None;
    let mut prose = String::new();
    for line in text.lines() {
        let ticks: String = line.chars().take_while(|c| *c == '`').collect();
        match &fence {
            Some(open) if *open == line => fence = None,
            None if ticks.len() >= 3 => fence = Some(ticks),
            None => {
                prose.push_str(line);
                prose.push('\n');
            }
            Some(_) => {}
        }
    }
    prose
}

/// What a heading is called in links, on forges and in mdBook alike.
fn anchors(text: &str) -> HashSet<String> {
    let headings = text.lines().filter(|line| line.starts_with('#')).map(|line| line.trim_start_matches('#').trim());
    let anchor = |heading: &str| {
        let kept = heading.to_lowercase().chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_')).collect::<String>();
        kept.replace(' ', "-")
    };
    headings.map(anchor).collect()
}

/// Targets of links, with their lines.
fn links(prose: &str) -> Vec<String> {
    let ends = prose.match_indices("](").map(|(at, _)| &prose[at + 2..]);
    ends.filter_map(|rest| rest.split_once(')')).map(|(target, _)| target.split(' ').next().unwrap_or_default().to_owned()).collect()
}

fn documents() -> Vec<PathBuf> {
    let others = ["ARCHITECTURE.md", "SECURITY.md", "CHANGELOG.md", "patterns/README.md"];
    pages().into_iter().chain(others.iter().map(|name| top().join(name))).collect()
}

#[test]
fn links_lead_somewhere() {
    let mut wrong = Vec::new();
    let mut followed = 0;
    for page in documents() {
        let text = prose(&text_of(&page));
        for link in links(&text).into_iter().filter(|link| !link.contains("://") && !link.starts_with("mailto:")) {
            followed += 1;
            let (file, heading) = link.split_once('#').unwrap_or((&link, ""));
            let target = if file.is_empty() { page.clone() } else { page.parent().expect("a folder").join(file) };
            if !target.exists() {
                wrong.push(format!("{}: {link}: no such file", name_of(&page)));
            } else if !heading.is_empty() && !anchors(&prose(&text_of(&target))).contains(heading) {
                wrong.push(format!("{}: {link}: no such heading", name_of(&page)));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(followed > 50, "only {followed} links");
}

#[test]
fn every_page_is_in_the_summary() {
    let folder = top().join("docs/src");
    let summary = text_of(&folder.join("SUMMARY.md"));
    let listed: HashSet<PathBuf> = links(&summary).iter().map(|link| folder.join(link)).collect();
    let is_page = |page: &Path| page.starts_with(&folder) && !page.ends_with("SUMMARY.md");
    for page in pages().iter().filter(|page| is_page(page)) {
        assert!(listed.contains(page), "{} is not in docs/src/SUMMARY.md", name_of(page));
    }
}
