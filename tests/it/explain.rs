//! `sopup explain`: why something was or was not reported.

use super::support::{Place, TOKEN};

#[test]
fn a_line_is_explained_without_its_secrets() {
    let place = Place::new();
    place.write(
        "a.env",
        "DB_PASSWORD=Walrus88Timber\nAPI_TOKEN=changeme\nOTHER_PASSWORD=walrus\nMODE=fast\nX_PASSWORD=Onyx77Glacier # sopup:allow\n",
    );
    place.write(".sopup.yaml", "allow:\n  - paths: [b.env]\n    reason: a sandbox\n");
    place.write("b.env", "DB_PASSWORD=Walrus88Timber\n").write("tests/c.env", "OTHER_PASSWORD=walrus\n");
    let line = |what: &str| {
        let run = place.sopup(["explain", what]);
        assert_eq!(run.code, 0, "{}", run.stderr);
        assert!(!run.stdout.contains("88Timber") && !run.stdout.contains("77Glacier"), "{}", run.stdout);
        run.stdout
    };
    assert!(line("a.env:1").contains("generic-password  reported (high confidence: name, random)"));
    assert!(line("a.env:2").contains("generic-token  not reported: it is a word that stands in for a secret (stand-in)"));
    assert!(line("a.env:3").contains("weak-password  reported (medium confidence: name, weak)"));
    assert!(line("tests/c.env:1").contains("not reported: below the threshold `medium` (low confidence: name, weak, test)"));
    assert!(line("a.env:4").contains("no rule looked at anything here"));
    assert!(line("a.env:5").contains("not reported: allowed by `sopup:allow` on its line"));
    assert!(line("b.env:1").contains("not reported: allowed by the allowlist: a sandbox"));
}

#[test]
fn a_fingerprint_leads_to_all_its_places() {
    let place = Place::new();
    place.write("a.env", "DB_PASSWORD=Walrus88Timber\n").write("docs/b.md", "The password is `Walrus88Timber`.\n");
    let report = place.sopup(["scan", "--format", "json", "."]).stdout;
    let fingerprint = report.split("\"fingerprint\": \"").nth(1).and_then(|rest| rest.get(..24)).expect("a finding has a fingerprint");
    let run = place.sopup(["explain", fingerprint]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(run.stdout.contains("a.env:1") && run.stdout.contains("docs/b.md:1"), "{}", run.stdout);
    let other = place.sopup(["explain", "000000000000000000000000"]);
    assert_eq!(other.code, 2);
    assert!(other.stderr.contains("no value below . has the fingerprint"), "{}", other.stderr);
}

#[test]
fn what_is_neither_is_refused() {
    let run = Place::new().sopup(["explain", "nonsense"]);
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("neither FILE:LINE nor a fingerprint"), "{}", run.stderr);
}

#[test]
fn a_line_that_is_not_there_is_refused() {
    let place = Place::repository();
    place.write("a.env", "MODE=fast\nMODE=slow\n").write("b.env", "MODE=fast").write("c.env", "").commit("one");
    for (asked, said) in [
        ("a.env:3", "a.env has 2 lines, and no line 3"),
        ("b.env:99999", "b.env has 1 line, and no line 99999"),
        ("c.env:1", "c.env has 0 lines, and no line 1"),
        ("HEAD:a.env:3", "HEAD:a.env has 2 lines, and no line 3"),
    ] {
        let run = place.sopup(["explain", asked]);
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{asked}");
        assert!(run.stderr.contains(said), "{asked}: {}", run.stderr);
    }
    for asked in ["a.env:2", "b.env:1"] {
        assert_eq!(place.sopup(["explain", asked]).code, 0, "{asked}");
    }
}

#[test]
fn what_only_the_history_has_is_explained() {
    let place = Place::repository();
    place.write("deploy.env", format!("MODE=fast\nGITHUB_TOKEN={TOKEN}\n")).commit("leak");
    place.git(["rm", "--quiet", "deploy.env"]);
    place.commit("hide");
    let report = place.report([]);
    let fingerprint = report["findings"][0]["fingerprint"].as_str().expect("one");
    for what in ["HEAD~1:deploy.env:2", fingerprint] {
        let run = place.sopup(["explain", what]);
        assert_eq!(run.code, 0, "{}", run.stderr);
        assert!(run.stdout.contains(":deploy.env:2\n") && run.stdout.contains("github-personal-access-token  reported"), "{}", run.stdout);
        assert!(!run.stdout.contains(TOKEN), "{}", run.stdout);
    }
    assert!(place.sopup(["explain", "HEAD~1:deploy.env:1"]).stdout.contains("no rule looked at anything here"));
    for (what, said) in [("HEAD:deploy.env:2", "HEAD has no file deploy.env"), ("nowhere:deploy.env:2", "nowhere")] {
        let run = place.sopup(["explain", what]);
        assert!(run.code == 2 && run.stderr.contains(said), "{}", run.stderr);
    }
    place.write(".sopup.yaml", "allow:\n  - paths: [deploy.env]\n    reason: revoked\n");
    assert!(place.sopup(["explain", "HEAD~1:deploy.env:2"]).stdout.contains("allowed by the allowlist: revoked"));
}

#[test]
fn names_that_are_not_utf_8_are_taken_as_reports_print_them() {
    let place = Place::repository();
    place.shell("mkdir \"$(printf 'd\\351p\\364t')\"; echo 'DB_PASSWORD=Walrus88Timber' > \"$(printf 'd\\351p\\364t/caf\\351.env')\"");
    place.commit("one");
    let report = place.report(["--worktree"]);
    let at = format!("{}:1", report["findings"][0]["occurrences"][0]["path"].as_str().expect("a path"));
    assert_eq!(at, "d\u{fffd}p\u{fffd}t/caf\u{fffd}.env:1");
    for what in [&at, &format!("HEAD:{at}")] {
        let run = place.sopup(["explain", what]);
        assert!(run.code == 0 && run.stdout.contains("  1:13  Wa**"), "{what}: {}{}", run.stdout, run.stderr);
    }
    let run = place.sopup(["allow", &at, "--reason", "a demo"]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    assert_eq!(place.sopup(["scan", "--worktree"]).code, 0);
}

#[test]
fn what_reports_name_inside_archives_is_explained_and_allowed() {
    let place = Place::repository();
    place.write("conf/app.env", "A=1\nDB_PASSWORD=Walrus88Timber\n");
    place.shell("tar -czf demo.tgz conf && rm -r conf");
    place.commit("packed");
    let report = place.report(["--worktree"]);
    let finding = &report["findings"][0];
    let at = format!("{}:{}", finding["occurrences"][0]["path"].as_str().expect("a path"), finding["occurrences"][0]["line"]);
    assert_eq!(at, "demo.tgz!conf/app.env:2");
    let fingerprint = finding["fingerprint"].as_str().expect("one");
    for what in [at.as_str(), fingerprint] {
        let run = place.sopup(["explain", what]);
        assert!(run.code == 0 && run.stdout.contains("demo.tgz!conf/app.env:2\n  2:13  Wa**"), "{what}: {}{}", run.stdout, run.stderr);
    }
    let run = place.sopup(["explain", "demo.tgz!conf/other.env:2"]);
    assert!(run.code == 2 && run.stderr.contains("demo.tgz holds no file demo.tgz!conf/other.env"), "{}", run.stderr);
    let run = place.sopup(["allow", &at, "--reason", "a demo"]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    assert_eq!(place.sopup(["scan", "--worktree"]).code, 0);

    // The history names the file of the archive, too.
    place.git(["rm", "--quiet", "demo.tgz"]);
    place.commit("gone");
    let run = place.sopup(["explain", fingerprint]);
    assert!(run.code == 2 || run.stdout.contains("demo.tgz!conf/app.env:2\n  2:13  Wa**"), "{}{}", run.stdout, run.stderr);
}
