//! Configurations of gitleaks: their rules find, their allowlists allow, and what has no counterpart is named.

use std::collections::BTreeSet;

use crate::support::Place;

const CONFIG: &str = r#"
title = "ours"

[extend]
useDefault = true
disabledRules = ["generic-password", "no-such-rule"]
path = "other.toml"

[[rules]]
id = "Acme_Live.Key"
description = "Acme live key"
regex = '''acme_live_([0-9a-z]{16,})'''
entropy = 2.5
keywords = ["acme_live_"]
tags = ["acme"]

[[rules]]
id = "acme-id"
regex = '''(?i)\bacme[\s#]id\s*[:=]\s*["']?(x|y)-([0-9]{8})["'&&]?'''
secretGroup = 2
path = '''\.ini$'''
skipReport = true
  [[rules.allowlists]]
  regexTarget = "line"
  regexes = ['''# sample$''']

[[rules]]
id = "key-files"
path = '''\.p12$'''

[[rules]]
id = "hex"
regex = '''[0-9a-f]{40}'''

[[rules]]
id = "look"
regex = '''acme(?=_)'''

[[allowlists]]
description = "samples"
paths = ['''^samples/''']

[[allowlists]]
condition = "AND"
paths = ['''\.env$''']
regexes = ['''^0000''']

[[allowlists]]
targetRules = ["acme-live-key"]
stopwords = ["Demo"]
regexTarget = "match"
regexes = ['''live_1111''']

[[allowlists]]
targetRules = ["gone"]
stopwords = ["x"]

[[allowlists]]
condition = "AND"
paths = ['''(''']
stopwords = ["q"]
"#;

fn acme(rest: &str) -> String {
    format!("acme_live_{rest}\n")
}

fn found(report: &serde_json::Value) -> BTreeSet<(String, String)> {
    let text = |value: &serde_json::Value| value.as_str().expect("a text").to_owned();
    let findings = report["findings"].as_array().expect("a list");
    let places = findings.iter().flat_map(|one| {
        let rule = text(&one["rule"]);
        one["occurrences"].as_array().expect("a list").iter().map(move |place| (rule.clone(), text(&place["path"]))).collect::<Vec<_>>()
    });
    places.collect()
}

#[test]
fn rules_find_and_allowlists_allow() {
    let place = Place::repository();
    place.write(".gitleaks.toml", CONFIG).write(".sopup.yaml", "gitleaks_config: .gitleaks.toml\n");
    place.write("a.txt", acme("7f3k9q2m5x8w1c4v6b")).write("samples/b.txt", acme("8g4l0r3n6y9x2d5w7c"));
    place.write("c.env", acme("0000q2m5x8w1c4v6b9")).write("c.txt", acme("0000r3n6y9x2d5w7c1"));
    place.write("d.txt", acme("9demo4s7z0y3e6x8d2")).write("e.txt", acme("1111s4o7z0y3e6x8d2"));
    place.write("f.ini", "acme id = 'x-20480719'\n").write("f.txt", "acme id = 'x-30591826'\n");
    place.write("g.ini", "acme#id: y-41602937 # sample\n").write("h.env", "DB_PASSWORD=Walrus88Timber\n");
    let report = place.report(["--worktree"]);
    let expected = [("acme-live-key", "a.txt"), ("acme-live-key", "c.txt"), ("acme-id", "f.ini")];
    assert_eq!(found(&report), expected.map(|(rule, path)| (rule.to_owned(), path.to_owned())).into());
    let column = |rule: &str| {
        let findings = report["findings"].as_array().expect("a list");
        findings.iter().find(|one| one["rule"] == rule).expect("found")["occurrences"][0]["column"].as_u64()
    };
    // The group is the value, not the match.
    assert_eq!((column("acme-id"), column("acme-live-key")), (Some(14), Some(11)));
    assert_eq!(report["summary"]["suppressed"], 6, "{}", report["summary"]);

    // The option comes before the file, and works without it; nothing is read unasked.
    place.write("other.toml", "[[rules]]\nid = \"other\"\nregex = '''acme_live_7[0-9a-z]+'''\n");
    let other = found(&place.report(["--worktree", "--gitleaks-config", "other.toml"]));
    assert!(other.contains(&("other".to_owned(), "a.txt".to_owned())) && other.iter().all(|(rule, _)| rule != "acme-id"), "{other:?}");
    for args in [&["--worktree", "--no-repo-config"][..], &["--worktree"]] {
        let report = place.sopup(["scan", "--format", "json"].iter().chain(args)).stdout;
        assert_eq!(report.contains("acme-live-key"), args.len() == 1, "{args:?}: {report}");
        assert_eq!(report.contains("h.env"), args.len() == 2, "{args:?}: {report}");
    }
    std::fs::remove_file(place.join(".sopup.yaml")).expect("it was there");
    assert!(!place.sopup(["scan", "--format", "json"]).stdout.contains("acme-live-key"));
}

#[test]
fn commits_are_allowed() {
    let place = Place::repository();
    place.write("a.txt", acme("7f3k9q2m5x8w1c4v6b")).commit("leak");
    let commit = place.git(["rev-parse", "HEAD"]);
    place.git(["rm", "--quiet", "a.txt"]);
    place.commit("hide");
    let rule = "[[rules]]\nid = \"acme\"\nregex = '''acme_live_[0-9a-z]+'''\n";
    place.write("rule.toml", rule);
    place.write("allow.toml", format!("{rule}[allowlist]\ncommits = [\"{}\"]\n", commit.trim()));
    assert_eq!(place.sopup(["scan", "--history", "--gitleaks-config", "rule.toml"]).code, 1);
    assert_eq!(place.sopup(["scan", "--history", "--gitleaks-config", "allow.toml"]).code, 0);
}

#[test]
fn what_has_no_counterpart_is_named_with_its_line() {
    let place = Place::repository();
    place.write(".gitleaks.toml", CONFIG).write(".sopup.yaml", "gitleaks_config: .gitleaks.toml\n");
    let check = place.sopup(["config", "check"]);
    assert_eq!(check.code, 0, "{}{}", check.stdout, check.stderr);
    let expected = [
        ":6: note: `disabledRules` names `no-such-rule`",
        ":7: note: `path` in [extend] is not supported; copy",
        ":22: note: `skipReport` in the rule `acme-id` is not supported",
        ":27: note: the rule `key-files` is left out",
        ":31: note: the rule `hex` is left out: no text of three characters",
        ":35: note: the rule `look` is left out: not a regular expression",
        ":55: note: `targetRules` names `gone`",
        ":60: note: `(` is left out",
        ":58: note: an allowlist is left out, as one of its conditions cannot be read",
    ];
    for said in expected {
        assert!(check.stdout.contains(said), "{said}: {}", check.stdout);
    }
    assert_eq!(check.stdout.matches(": note: ").count(), expected.len(), "{}", check.stdout);
    // A scan says the same.
    let scan = place.sopup(["scan"]);
    assert_eq!(scan.stderr.matches("note: ").count(), expected.len(), "{}", scan.stderr);
    assert!(place.sopup(["rules", "check"]).code == 0);

    place.write(".gitleaks.toml", "title = \"x\"\nrules = [\n");
    let broken = place.sopup(["scan"]);
    assert!(broken.code == 2 && broken.stderr.contains(".gitleaks.toml:"), "{}", broken.stderr);
    for named in ["../x.toml", "/etc/passwd", "none.toml", "link.toml"] {
        let _ = std::os::unix::fs::symlink(".gitleaks.toml", place.join("link.toml"));
        place.write(".sopup.yaml", format!("gitleaks_config: {named}\n"));
        let refused = place.sopup(["scan"]);
        assert!(refused.code == 2 && refused.stderr.contains("not a regular file below its folder"), "{named}: {}", refused.stderr);
    }
}
