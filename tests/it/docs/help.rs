//! What the pages say about commands is what the help says: names, options, formats, exit codes.

use std::collections::{BTreeMap, BTreeSet};

use super::{name_of, pages, text_of, top};
use crate::support::Place;

fn help(words: &[&str]) -> String {
    let run = Place::new().sopup(words.iter().copied().chain(["--help"]));
    assert_eq!(run.code, 0, "{words:?}: {}", run.stderr);
    run.stdout
}

/// Names of the commands in a help text.
fn subcommands(help: &str) -> Vec<String> {
    let list = help.split_once("\nCommands:\n").map_or("", |(_, list)| list.split("\n\n").next().unwrap_or_default());
    let names = list.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    names.filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help").map(str::to_owned).collect()
}

/// Options by command.
fn options() -> BTreeMap<String, BTreeSet<String>> {
    let mut found = BTreeMap::new();
    let mut waiting = subcommands(&help(&[]));
    while let Some(command) = waiting.pop() {
        let text = help(&command.split(' ').collect::<Vec<_>>());
        waiting.extend(subcommands(&text).iter().map(|name| format!("{command} {name}")));
        let words = text.split(|c: char| !(c.is_ascii_lowercase() || c == '-'));
        found.insert(command, words.filter(|word| word.starts_with("--") && word.len() > 2).map(str::to_owned).collect());
    }
    found
}

/// Calls of sopup in a page: in blocks and between backticks.
fn calls(text: &str) -> Vec<&str> {
    let starts = text.match_indices("sopup ").filter(|(at, _)| *at == 0 || text[..*at].ends_with(['\n', ' ', '`', '(']));
    starts.map(|(at, _)| text[at + 6..].split(['\n', '`', '#', '|', ')']).next().unwrap_or_default()).collect()
}

#[test]
fn options_that_pages_name_exist() {
    let known = options();
    let mut checked = 0;
    for page in pages() {
        let text = text_of(&page);
        for call in calls(&text) {
            let words: Vec<&str> =
                call.split_whitespace().take_while(|word| !matches!(*word, "--" | "-->" | "&&" | ">") && !word.starts_with('\'')).collect();
            let named = [2, 1].iter().filter(|count| words.len() >= **count).map(|count| words[..*count].join(" "));
            let Some((command, options)) = named.filter_map(|name| known.get_key_value(&name)).next() else { continue };
            if command == "sops" {
                continue; // What follows are words of sops.
            }
            let given = words.iter().filter(|word| word.starts_with("--"));
            for option in given.map(|word| word.split(['=', '[']).next().unwrap_or_default().trim_end_matches(['.', ',', ';', ':'])) {
                checked += 1;
                assert!(options.contains(option), "{}: `sopup {command}` has no {option}: {call}", name_of(&page));
            }
        }
    }
    assert!(checked > 100, "only {checked} options");
}

#[test]
fn every_command_has_a_page() {
    let all: String = pages().iter().map(|page| text_of(page)).collect();
    for command in options().keys() {
        assert!(all.contains(&format!("sopup {command}")), "no page says what `sopup {command}` is for");
    }
}

/// First column of the first table of a page.
fn first_column(page: &str) -> BTreeSet<String> {
    let text = text_of(&top().join("docs/src").join(page));
    let rows = text.lines().skip_while(|line| !line.starts_with("| ---")).skip(1).take_while(|line| line.starts_with('|'));
    rows.flat_map(|row| row.split('|').nth(1).unwrap_or_default().split(',')).map(|cell| cell.trim().replace('`', "")).collect()
}

#[test]
fn tables_of_formats_and_exit_codes_are_complete() {
    let formats = sopup::report::FORMATS.iter().map(|format| format.name.to_owned()).collect();
    assert_eq!(first_column("reports.md"), formats);
    let text = help(&[]).replace('\n', " ");
    let codes = text.split_once("Exit codes: ").expect("help names them").1.split('·');
    let codes = codes.map(|code| code.split_whitespace().next().unwrap_or_default().to_owned()).collect();
    assert_eq!(first_column("exit-codes.md"), codes);
}

#[test]
fn every_command_shows_how_it_is_called() {
    let all = options();
    for command in all.keys() {
        let text = help(&command.split(' ').collect::<Vec<_>>());
        // Long lines are broken.
        let examples = text.split_once("Example").map_or("", |(_, examples)| examples);
        assert!(examples.contains(&format!("sopup {command}")), "sopup {command}: {text}");
    }
    assert!(help(&[]).contains("Examples:"));
}
