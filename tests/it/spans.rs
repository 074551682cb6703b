//! Whole files of many kinds: what is found in them, at medium confidence or above, is exactly
//! what `«…»` marks, from the first byte to the last. In `fixtures/detect` a file of a fixture
//! starts with a line `=== PATH`; every value is invented.

use std::fs;
use std::path::Path;

use sopup::detect::{Hints, detect};
use sopup::rule::{Confidence, Kind, RuleSet, builtin};

/// A text without its marks, and the values that they enclosed with their places.
fn unmark(marked: &str) -> (String, Vec<(usize, String)>) {
    let mut text = String::new();
    let mut values = Vec::new();
    let mut rest = marked;
    while let Some((before, after)) = rest.split_once('«') {
        let (value, after) = after.split_once('»').expect("a mark is closed");
        text.push_str(before);
        values.push((text.len(), value.to_owned()));
        text.push_str(value);
        rest = after;
    }
    text.push_str(rest);
    (text, values)
}

fn found(text: &str, path: &str, rules: &RuleSet) -> Vec<(usize, String)> {
    let hints = Hints::of_path(path).and_bytes(text.as_bytes());
    detect(text.as_bytes(), hints, rules)
        .into_iter()
        .filter(|found| found.confidence >= Confidence::Medium && rules.rule(found.rule).kind != Kind::Hash)
        .map(|found| (found.span.start, text[found.span.range()].to_owned()))
        .collect()
}

#[test]
fn what_is_marked_is_found_and_nothing_else() {
    let rules = builtin();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/detect");
    let mut wrong = Vec::new();
    let mut values = 0;
    for entry in fs::read_dir(folder).expect("fixtures") {
        let fixture = entry.expect("a fixture").path();
        let content = fs::read_to_string(&fixture).expect("a fixture is UTF-8");
        let files = content.strip_prefix("=== ").expect("a fixture starts with a path").split("\n=== ");
        for file in files {
            let (path, marked) = file.split_once('\n').expect("a path and a text");
            let (text, expected) = unmark(marked);
            let found = found(&text, path, &rules);
            values += expected.len();
            let of = |what: &str, (at, value): &(usize, String)| {
                let line = text[..*at].lines().count();
                format!("{what} {} {path}:{line} {value:?}", fixture.file_stem().unwrap_or_default().to_string_lossy())
            };
            wrong.extend(expected.iter().filter(|one| !found.contains(one)).map(|one| of("missed", one)));
            wrong.extend(found.iter().filter(|one| !expected.contains(one)).map(|one| of("also found", one)));
        }
    }
    assert!(values > 300, "only {values} values are marked");
    assert!(wrong.is_empty(), "{} of {values}:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn hashes_are_findings_of_their_own_kind() {
    let rules = builtin();
    let text = "admin:$2b$12$abcdefghijklmnopqrstuuW9K1cX0vZr8yT6mPq4LhJ2nDs5FgB7e\n";
    for one in detect(text.as_bytes(), Hints::of_path("htpasswd"), &rules) {
        assert_eq!((rules.rule(one.rule).kind, rules.rule(one.rule).severity), (Kind::Hash, sopup::rule::Severity::Low));
    }
}
