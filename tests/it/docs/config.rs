//! The reference of `.sopup.yaml` names every key that the program accepts, and no other.

use std::collections::BTreeSet;

use super::{text_of, top};
use crate::support::Place;

/// What the program accepts beside an unknown key, by its own error.
pub(crate) fn accepted(config: &str) -> BTreeSet<String> {
    let place = Place::new();
    place.write(".sopup.yaml", config);
    let run = place.sopup(["scan"]);
    assert_eq!(run.code, 2, "{}{}", run.stdout, run.stderr);
    let (_, expected) = run.stderr.split_once(", expected ").unwrap_or_else(|| panic!("{}", run.stderr));
    let expected = expected.lines().next().unwrap_or_default().split(" (and ").next().unwrap_or_default();
    expected.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// Keys of the table below a heading of a page: the words in its first column.
fn listed(page: &str, heading: &str) -> BTreeSet<String> {
    let text = text_of(&top().join("docs/src").join(page));
    let section = text.split_once(&format!("\n{heading}\n")).unwrap_or_else(|| panic!("{page} has no `{heading}`")).1;
    let rows = section.lines().skip_while(|line| !line.starts_with('|')).take_while(|line| line.starts_with('|'));
    rows.filter_map(|row| row.strip_prefix("| `")?.split_once('`')).map(|(key, _)| key.to_owned()).collect()
}

#[test]
fn the_configuration_reference_names_every_key() {
    assert_eq!(listed("configuration.md", "## Keys"), accepted("not_a_key: 1\n"));
    assert_eq!(listed("configuration.md", "## Entries of `allow`"), accepted("allow: [{not_a_key: 1}]\n"));
    assert_eq!(listed("configuration.md", "## Entries of `severity`"), accepted("severity: [{not_a_key: 1}]\n"));
    assert_eq!(listed("writing-rules.md", "## Fields"), accepted("rules: [{not_a_key: 1}]\n"));
    assert_eq!(accepted("rules: [{id: a-b, rotate: {not_a_key: 1}}]\n"), BTreeSet::from(["url", "steps"].map(str::to_owned)));
}
