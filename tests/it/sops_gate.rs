//! What commits add is examined as `sopup doctor` does without keys: files that should be encrypted, and SOPS files.

use serde_json::Value;

use crate::support::{Place, places};

const ONE: &str = "age18nd6atyjra5gfechwz7a9td7usr03vy8pvvn6u095kpwnzl0qeuqpkz3ms";
const OTHER: &str = "age1mzn4tqgvzztrephd35x08yanpatgyj0934upadxx4emhvqhydc8qakx9az";

/// A repository whose `*.enc.yaml` and `*.env` below `prod/` are to be encrypted.
fn repository() -> Place {
    let place = Place::repository();
    let rules = format!("creation_rules:\n  - path_regex: (\\.enc\\.yaml|^prod/.*\\.env)$\n    age: {ONE}\n");
    place.write(".sops.yaml", rules).write("a.txt", "nothing\n").commit("first");
    place
}

/// Rules and places of a report.
fn found(report: &Value) -> Vec<(String, String)> {
    let rules = report["findings"].as_array().expect("findings").iter();
    rules
        .map(|finding| finding["rule"]["id"].as_str().or(finding["rule"].as_str()).expect("a rule").to_owned())
        .zip(places(report))
        .collect()
}

fn one(rule: &str, place: &str) -> Vec<(String, String)> {
    vec![(rule.to_owned(), place.to_owned())]
}

#[test]
fn a_plain_file_that_a_rule_covers_stops_the_commit() {
    let place = repository();
    place.write("prod.enc.yaml", "api:\n  user: svc\n  color: summer\n").git(["add", "--all"]);
    let run = place.sopup(["scan", "--staged"]);
    assert_eq!(run.code, 1, "{}{}", run.stdout, run.stderr);
    assert!(run.stdout.contains("a creation rule covers this file, and it is not encrypted"), "{}", run.stdout);
    // What to do next is about this file, and every format says what is wrong.
    assert!(run.stdout.contains("Next: `sopup encrypt --in-place prod.enc.yaml` encrypts it"), "{}", run.stdout);
    assert!(run.stdout.contains("`- {rules: [plain-sops-file], paths: ['prod.enc.yaml'], reason: TEXT}`"), "{}", run.stdout);
    assert!(!run.stdout.contains("sopup explain") && !run.stdout.contains("sopup allow"), "{}", run.stdout);
    for format in ["oneline", "github", "gitlab", "csv", "junit", "markdown"] {
        let run = place.sopup(["scan", "--staged", "--format", format]);
        assert!(run.stdout.contains("a creation rule covers this file"), "{format}: {}", run.stdout);
    }
    assert_eq!(found(&place.report(["--staged"])), one("plain-sops-file", "prod.enc.yaml:1:1"));
    assert_eq!(place.sopup(["rules", "show", "plain-sops-file"]).code, 0);

    let run = place.sopup(["encrypt", "-i", "prod.enc.yaml"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    place.git(["add", "--all"]);
    let run = place.sopup(["scan", "--staged"]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
}

#[test]
fn a_name_that_promises_encryption_is_taken_at_its_word() {
    let place = Place::repository();
    place.write("db.sops.env", "COLOR=summer\n").write("db.sops.example.env", "COLOR=summer\n").write("plain.yaml", "color: summer\n");
    place.git(["add", "--all"]);
    assert_eq!(found(&place.report(["--staged"])), one("plain-sops-file", "db.sops.env:1:1"));
    place.write(".sopup.yaml", "disable: [plain-sops-file]\n");
    assert_eq!(place.sopup(["scan", "--staged"]).code, 0);
    place.write(".sopup.yaml", "allow:\n  - rules: [plain-sops-file]\n    paths: [db.sops.env]\n    reason: colours\n");
    assert_eq!(place.sopup(["scan", "--staged"]).code, 0);
}

#[test]
fn a_sops_file_that_is_damaged_or_open_to_others_stops_the_commit() {
    let place = repository();
    place.write("prod.enc.yaml", "color: summer\n");
    assert_eq!(place.sopup(["encrypt", "-i", "prod.enc.yaml"]).code, 0);
    let sound = std::fs::read_to_string(place.join("prod.enc.yaml")).expect("encrypted");
    place.commit("sound");
    assert_eq!(place.sopup(["scan", "--range", "HEAD~1..HEAD"]).code, 0);

    let without_mac: String = sound.lines().filter(|line| !line.contains("mac:")).map(|line| format!("{line}\n")).collect();
    assert_ne!(without_mac, sound);
    let with_plain = format!("shape: round\n{sound}");
    for (content, rule) in [(without_mac, "broken-sops-file"), (with_plain, "plain-sops-file")] {
        place.write("prod.enc.yaml", content).git(["add", "--all"]);
        assert_eq!(found(&place.report(["--staged"])), one(rule, "prod.enc.yaml:1:1"));
    }
    // Somebody can open it whom the rule does not name any more.
    let rules = format!("creation_rules:\n  - path_regex: \\.enc\\.yaml$\n    age: {OTHER}\n");
    place.write(".sops.yaml", rules).write("prod.enc.yaml", format!("# touched\n{sound}")).git(["add", "--all"]);
    let run = place.sopup(["scan", "--staged"]);
    assert!(run.code == 1 && run.stdout.contains("broken-sops-file") && run.stdout.contains("updatekeys"), "{}", run.stdout);
}

#[test]
fn commits_of_a_range_are_examined_and_what_head_has_is_told() {
    let place = repository();
    place.write("prod/a.env", "COLOR=summer\n").commit("plain");
    place.write("prod/b.env", "COLOR=winter\n").commit("plain too");
    place.git(["rm", "--quiet", "prod/b.env"]);
    place.commit("gone");
    for scope in [["--range", "HEAD~3..HEAD"], ["--merge-base", "HEAD~3"]] {
        let report = place.report(scope);
        let mut all = found(&report);
        all.sort();
        let expected = ["prod/a.env:1:1", "prod/b.env:1:1"].map(|place| ("plain-sops-file".to_owned(), place.to_owned()));
        assert_eq!(all, expected);
        for finding in report["findings"].as_array().expect("findings") {
            let place = &finding["occurrences"][0];
            let in_head = place["history"]["in_head"].as_bool().or(place["in_head"].as_bool());
            assert_eq!(in_head, Some(place["path"] == "prod/a.env"), "{place}");
        }
        assert_eq!(place.sopup(["scan"].iter().chain(&scope)).code, 1);
    }
    // What is not new is not reported.
    place.write("a.txt", "more\n").commit("other");
    assert_eq!(place.sopup(["scan", "--range", "HEAD~1..HEAD"]).code, 0);
}
