//! `sopup allow`: one value more in `.sopup.yaml`.

use std::fs;

use crate::support::{Place, TOKEN};

const CONFIG: &str = "# ours\nallow:\n  - paths: ['vendor/**'] # theirs\n    reason: vendored\n\n# the rest\ndisable: []\n";

fn config(place: &Place) -> String {
    fs::read_to_string(place.join(".sopup.yaml")).expect("a configuration")
}

#[test]
fn a_line_is_allowed_as_the_value_that_it_is() {
    let place = Place::repository();
    place.write("docs/a.env", "DB_PASSWORD=Walrus88Timber\n").write(".sopup.yaml", CONFIG).commit("first");
    let run = place.sopup(["allow", "docs/a.env:1", "--reason", "a demo, nobody's"]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    assert!(run.stderr.contains("`fingerprint_key` was added") && !run.stdout.contains("Walrus"), "{}{}", run.stdout, run.stderr);
    let after = config(&place);
    let new: Vec<&str> = after.lines().filter(|line| !CONFIG.lines().any(|old| old == *line)).collect();
    assert_eq!(new.len(), 3, "{after}");
    assert!(new[0].starts_with("  - fingerprints: [") && new[1] == "    reason: 'a demo, nobody''s'", "{after}");
    assert!(new[2].starts_with("fingerprint_key: "), "{after}");
    assert!(CONFIG.lines().all(|old| after.lines().any(|line| line == old)), "{after}");
    let scan = place.sopup(["scan"]);
    assert_eq!(scan.code, 0, "{}", scan.stdout);

    // Another value in the same place is not allowed.
    place.write("docs/a.env", "DB_PASSWORD=Onyx77Glacier\n");
    assert_eq!(place.sopup(["scan", "--worktree"]).code, 1);
    place.write("docs/a.env", "DB_PASSWORD=Walrus88Timber\n");
    let again = place.sopup(["allow", "docs/a.env:1", "--reason", "again"]);
    assert!(again.code == 0 && again.stdout.contains("is allowed already"), "{}{}", again.stdout, again.stderr);
    assert_eq!(config(&place), after);
}

#[test]
fn fingerprints_of_one_report_are_allowed_one_after_the_other() {
    let place = Place::repository();
    place.write("a.env", format!("A_TOKEN={TOKEN}\n")).write("b.env", "B_PASSWORD=Walrus88Timber\n").commit("two");
    let report = place.report([]);
    // The first makes the key by which those of later reports are made.
    for finding in report["findings"].as_array().expect("findings") {
        let run = place.sopup(["allow", finding["fingerprint"].as_str().expect("one"), "--reason", "revoked"]);
        assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    }
    assert_eq!(place.sopup(["scan"]).code, 0);
}

#[test]
fn days_that_are_none_are_told() {
    let place = Place::repository();
    place.write("a.env", "A_PASSWORD=Walrus88Timber\n");
    for command in [&["allow", "a.env:1"][..], &["baseline", "create"]] {
        let run = place.sopup(command.iter().chain(&["--reason", "a demo", "--expires", "tomorrow"]));
        assert!(run.code == 2 && run.stderr.contains("a day looks like 2027-01-31"), "{}", run.stderr);
    }
}

#[test]
fn what_blocked_a_commit_is_allowed() {
    let place = Place::repository();
    place.write("a.env", "A_PASSWORD=Walrus88Timber\n").git(["add", "--all"]);
    let run = place.sopup(["allow", "--last", "--reason", "a demo"]);
    assert!(run.code == 0 && run.stdout.contains("(generic-password, a.env:1)"), "{}{}", run.stdout, run.stderr);
    assert_eq!(place.sopup(["scan", "--staged"]).code, 0);
    let run = place.sopup(["allow", "--last", "--reason", "a demo"]);
    assert!(run.code == 2 && run.stderr.contains("nothing that is staged looks like a secret"), "{}", run.stderr);
    place.write("b.env", format!("B_PASSWORD=Onyx77Glacier\nC_TOKEN={TOKEN}\n")).git(["add", "--all"]);
    let run = place.sopup(["allow", "--last", "--reason", "a demo"]);
    assert!(run.code == 2 && run.stderr.contains("2 values are staged") && run.stderr.contains("(generic-password)"), "{}", run.stderr);
}

#[test]
fn a_value_of_the_history_is_allowed_by_its_fingerprint() {
    let place = Place::repository();
    place.write("deploy.env", format!("GITHUB_TOKEN={TOKEN}\n")).commit("leak");
    place.git(["rm", "--quiet", "deploy.env"]);
    place.commit("hide");
    let report = place.report([]);
    let fingerprint = report["findings"][0]["fingerprint"].as_str().expect("one");
    let run = place.sopup(["allow", fingerprint, "--reason", "revoked", "--expires", "2999-12-31"]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    assert!(config(&place).contains("    expires: 2999-12-31\n"), "{}", config(&place));
    let scan = place.sopup(["scan"]);
    assert_eq!(scan.code, 0, "{}", scan.stdout);
    // With a key that is there, entries are added and nothing else.
    let before = config(&place);
    place.write("b.env", "DB_PASSWORD=Walrus88Timber\n");
    let run = place.sopup(["allow", "b.env:1", "--reason", "a demo"]);
    assert!(run.code == 0 && run.stderr.is_empty(), "{}{}", run.stdout, run.stderr);
    assert!(config(&place).starts_with(&before), "{}", config(&place));
    assert_eq!(place.sopup(["scan"]).code, 0);
}

#[test]
fn what_cannot_be_allowed_is_said_and_nothing_is_written() {
    let place = Place::repository();
    place.write("a.env", "DB_PASSWORD=Walrus88Timber\nMODE=fast\n");
    place.write("b.json", "{\"db_password\": \"Walrus88Timber\", \"api_password\": \"Onyx77Glacier\"}\n");
    for (args, said) in [
        (&["a.env:2", "--reason", "x"][..], "nothing that looks like a secret"),
        (&["a.env:3", "--reason", "x"], "a.env has 2 lines, and no line 3"),
        (&["b.json:1", "--reason", "x"], "2 values stand at b.json:1"),
        (&["a.env:1", "--reason", " "], "the reason is empty"),
        (&["a.env:1", "--reason", "it is Walrus88Timber"], "the reason holds the secret"),
        (&["a.env:1", "--reason", "x", "--expires", "2020-01-01"], "has passed"),
        (&["000000000000000000000000", "--reason", "x"], "no value in . has the fingerprint"),
        (&["nonsense", "--reason", "x"], "neither FILE:LINE nor a fingerprint"),
    ] {
        let run = place.sopup(["allow"].iter().chain(args));
        assert!(run.code == 2 && run.stderr.contains(said), "{args:?}: {}", run.stderr);
        assert!(!run.stderr.contains("Walrus88") && !place.join(".sopup.yaml").exists(), "{}", run.stderr);
    }
    place.write(".sopup.yaml", "allow: []\n");
    let run = place.sopup(["allow", "a.env:1", "--reason", "x"]);
    assert!(run.code == 4 && run.stderr.contains("by hand"), "{}", run.stderr);
    assert_eq!(config(&place), "allow: []\n");
}
