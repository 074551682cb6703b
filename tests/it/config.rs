//! `sopup config`: problems with lines, where settings come from, and a schema that agrees with the program.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::docs::config::accepted;
use crate::support::{Place, TOKEN};

const WRONG: &str = "\
# ours
min_confidance: high
fail_on: hihg
disable: [generic-pasword]
allow:
  - paths: ['[']
    reason: x
  - value: '('
    reason: x
    expires: soon
  - rules: [gone-rule]
    resaon: x
severity:
  - rules: [no-rule]
    severity: low
  - severity: high
rules:
  - id: acme-token
    pattern: '(?<secret> acme_ [0-9a-z]{20} )'
    examples: ['acme_ no']
  - id: acme-other
    pattern: '('
    examples: []
fingerprint_key: Walrus88Timber
";

#[test]
fn all_problems_are_listed_with_their_lines() {
    let place = Place::repository();
    place.write(".sopup.yaml", WRONG);
    let run = place.sopup(["config", "check"]);
    assert_eq!(run.code, 2, "{}{}", run.stdout, run.stderr);
    for said in [
        ":2: unknown field `min_confidance`",
        "did you mean `min_confidence`?",
        ":3: unknown variant `hihg`, expected one of `low`, `medium`, `high`, `critical`; did you mean `high`?",
        ":4: `disable` names the rule `generic-pasword`, which does not exist; did you mean generic-password",
        ":6: entry 1 of `allow`: `[` is not a glob",
        ":10: entry 2 of `allow`: `expires: soon` is not a date",
        ":12: unknown field `resaon`",
        "did you mean `reason`?",
        ":11: entry 3 of `allow`: add a `reason`",
        ":14: `severity` names the rule `no-rule`",
        ":16: entry 2 of `severity`: it would change every finding",
        ":18: rule `acme-token`: ",
        ":22: rule `acme-other`: not a regular expression",
        ":24: the key of fingerprints is shorter",
        ":11: note: `allow` names the rule `gone-rule`",
    ] {
        assert!(run.stdout.contains(said), "{said}: {}", run.stdout);
    }
    let found = run.stdout.lines().filter(|line| !line.contains(": note: ")).count();
    assert!(run.stderr.contains(&format!("has {found} problems")), "{found}: {}{}", run.stdout, run.stderr);
    assert!(!run.stdout.contains("Walrus88"), "{}", run.stdout);
    // A scan names the first, and how many more there are that end it.
    let scan = place.sopup(["scan"]);
    assert!(
        scan.code == 2 && scan.stderr.contains(".sopup.yaml:2: ") && scan.stderr.contains("more: `sopup config check`"),
        "{}",
        scan.stderr
    );

    place.write(".sopup.yaml", "allow:\n  - value: 5\n    reason: 2027\nfail_on: high\n");
    let run = place.sopup(["config", "check"]);
    assert!(run.code == 0 && run.stdout.contains("is sound"), "{}{}", run.stdout, run.stderr);
    place.write(".sopup.yaml", "allow:\n  - paths: [a.env]\n    reason: old\n    expires: 2025-01-31\n");
    let run = place.sopup(["config", "check"]);
    let note = ":4: note: entry 1 of `allow` allows nothing any more: 2025-01-31 was its last day";
    assert!(run.code == 0 && run.stdout.contains(note), "{}{}", run.stdout, run.stderr);
    place.write(".sopup.yaml", "allow: Walrus88Timber\n");
    let run = place.sopup(["config", "check"]);
    assert!(run.code == 2 && run.stdout.contains(":1: invalid type: a text, expected a sequence"), "{}", run.stdout);
    assert!(Place::repository().sopup(["config", "check"]).stdout.contains("there is no .sopup.yaml"));
}

#[test]
fn a_configuration_of_another_name_is_not_passed_over() {
    let place = Place::repository();
    place.write(".sopup.yml", "fail_on: high\n");
    let scan = place.sopup(["scan"]);
    assert!(scan.code == 2 && scan.stderr.contains(".sopup.yml is not read: the configuration is called .sopup.yaml"), "{}", scan.stderr);
    assert_eq!(place.sopup(["scan", "--no-repo-config"]).code, 0);
}

#[test]
fn what_is_typed_comes_before_variables_and_they_before_the_file() {
    let place = Place::repository();
    place.write("a.env", "DB_PASSWORD=Walrus88Timber\n").write(".sopup.yaml", "fail_on: critical\nmin_confidence: high\n");
    let run = |args: &[&str], variables: &[(&str, &str)]| {
        let output = place.command().args(args).envs(variables.iter().copied()).output().expect("sopup runs");
        (output.status.code().expect("it ended"), String::from_utf8(output.stdout).expect("UTF-8"))
    };
    let (by_variable, scan) = (&[("SOPUP_FAIL_ON", "low")][..], &["scan", "--worktree"][..]);
    assert_eq!(run(scan, &[]).0, 0);
    assert_eq!(run(scan, by_variable).0, 1);
    assert_eq!(run(&["scan", "--worktree", "--fail-on", "critical"], by_variable).0, 0);
    // An empty variable is none.
    let empty = &[("SOPUP_FAIL_ON", ""), ("SOPUP_CONFIG", "")][..];
    assert_eq!(run(&["scan", "--worktree"], empty).0, run(&["scan", "--worktree"], &[]).0);

    for (args, variables, row) in [
        (&["config", "show"][..], &[][..], ["fail_on", "critical", ".sopup.yaml:1"]),
        (&["config", "show"], by_variable, ["fail_on", "low", "variable SOPUP_FAIL_ON"]),
        (&["config", "show", "--fail-on", "medium"], by_variable, ["fail_on", "medium", "--fail-on"]),
        (&["config", "show", "--no-repo-config"], &[], ["fail_on", "low", "default"]),
        (&["config", "show"], &[], ["min_confidence", "high", ".sopup.yaml:2"]),
        (&["config", "show"], &[("SOPUP_FINGERPRINT_KEY", "Orchid.Meadow.Tundra")], ["fingerprint_key", "set, not shown", "variable"]),
        (&["config", "show", "--no-repo-config"], &[("SOPUP_CONFIG", "other.yaml")], ["configuration", "other.yaml", "SOPUP_CONFIG"]),
    ] {
        place.write("other.yaml", "disable: []\n");
        let (code, shown) = run(args, variables);
        let line = shown.lines().find(|line| line.starts_with(row[0])).unwrap_or_else(|| panic!("{row:?}: {shown}"));
        assert!(code == 0 && row.iter().all(|part| line.contains(part)), "{row:?}: {line}");
        assert!(!shown.contains("Orchid"), "{shown}");
    }
}

#[test]
fn weak_passwords_can_be_switched_off_everywhere() {
    let place = Place::repository();
    // `admin`, twice.
    place.write("a.env", "DB_PASSWORD=gitea\n").write("curl.sh", format!("curl -H 'Authorization: Basic {}'\n", "YWRtaW46YWRtaW4="));
    assert_eq!(place.report([])["findings"].as_array().map(Vec::len), Some(2));
    place.write(".sopup.yaml", "disable: [weak-password]\n");
    assert_eq!(place.report([])["findings"].as_array().map(Vec::len), Some(0));
}

#[test]
fn severities_are_those_of_the_configuration() {
    let place = Place::repository();
    let config = "severity:\n  - rules: [generic-password]\n    severity: critical\n  - paths: ['demo/**']\n    severity: low\n";
    place.write(".sopup.yaml", config);
    place.write("a.env", "DB_PASSWORD=Walrus88Timber\n").write("demo/b.env", "DB_PASSWORD=Onyx77Glacier\n");
    place.write("c.env", format!("GITHUB_TOKEN={TOKEN}\n")).write("demo/c.env", format!("GITHUB_TOKEN={TOKEN}\n"));
    let report = place.report([]);
    let found: BTreeSet<(&str, &str)> = report["findings"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| (one["occurrences"][0]["path"].as_str().expect("a path"), one["severity"].as_str().expect("one")))
        .collect();
    // The token stands in two places, and the severest counts.
    let token = found.iter().find(|(path, _)| *path == "c.env").expect("the token").1;
    assert!(token == "high" || token == "critical", "{found:?}");
    assert!(found.contains(&("a.env", "critical")) && found.contains(&("demo/b.env", "low")), "{found:?}");
    // Globs start at the folder of the file, wherever the scan begins.
    let below = place.report(["demo/b.env"]);
    assert_eq!(below["findings"][0]["severity"], "low");
    assert_eq!(place.sopup(["scan", "demo/b.env", "--fail-on", "medium"]).code, 0);
    for format in ["human", "oneline", "csv", "markdown"] {
        let run = place.sopup(["scan", "--worktree", "demo/b.env", "--format", format]);
        assert!(run.stdout.contains("low") && !run.stdout.contains("critical"), "{format}: {}", run.stdout);
    }
}

/// Configurations that are good, and that are bad.
const GOOD: [&str; 7] = [
    "",
    "min_confidence: low\nfail_on: critical\ndisable: [generic-password]\n",
    "allow: [{paths: ['**'], reason: x, expires: '2030-01-01'}, {value: 5, reason: y}]\n",
    "fingerprint_key: 0123456789abcdef\nallow: [{fingerprints: [0123456789abcdef01234567], reason: x}]\n",
    "severity: [{rules: [generic-password], severity: low}, {paths: [a], rules: [], severity: high}]\n",
    "rules: [{id: acme-token, pattern: '(?<secret> acme_ [0-9a-z]{20} )', examples: ['«acme_0a1b2c3d4e5f6g7h8i9j»'], rotate: {steps: [x]}}]\n",
    "rules: [{id: acme-token, severity: low, kind: private-key, judge: token, validators: [uuid], min_entropy: 3, \
     pattern: 'acme: (?<secret> [0-9a-f-]{36} )', examples: ['acme:«3f1c09ea-7b52-4d86-9e0a-5c2817bd64f3»']}]\n",
];
const BAD: [&str; 15] = [
    "nothing: 1\n",
    "fail_on: hihg\n",
    "min_confidence: critical\n",
    "disable: generic-password\n",
    "fingerprint_key: short\n",
    "allow: [{paths: ['**']}]\n",
    "allow: [{reason: x}]\n",
    "allow: [{reason: x, paths: []}]\n",
    "allow: [{reason: ' ', paths: [a]}]\n",
    "allow: [{reason: x, paths: [a], expires: soon}]\n",
    "allow: [{reason: x, fingerprints: [abc]}]\n",
    "severity: [{severity: low}]\n",
    "severity: [{rules: [generic-password], severity: none}]\n",
    "rules: [{id: Acme, pattern: acme_, examples: []}]\n",
    "rules: [{id: acme-token, pattern: 'acme_[0-9]{3}', examples: [], unknown: 1}]\n",
];

#[test]
fn the_schema_and_the_program_agree() {
    let place = Place::repository();
    let schema = place.sopup(["config", "schema"]).stdout;
    place.write("schema.json", &schema);
    let script = "import json, sys, yaml, jsonschema\n\
                  schema = json.load(open(sys.argv[1]))\n\
                  validator = jsonschema.validators.validator_for(schema)\n\
                  validator.check_schema(schema)\n\
                  sys.exit(0 if validator(schema).is_valid(yaml.safe_load(open(sys.argv[2]))) else 1)\n";
    let python = std::env::var_os("SOPUP_TEST_PYTHON").unwrap_or_else(|| "python3".into());
    for (text, code) in GOOD.iter().map(|text| (text, 0)).chain(BAD.iter().map(|text| (text, 1))) {
        place.write(".sopup.yaml", text);
        let run = place.sopup(["config", "check"]);
        assert_eq!(run.code, code * 2, "{text}: {}{}", run.stdout, run.stderr);
        let output = Command::new(&python).args(["-c", script, "schema.json", ".sopup.yaml"]).current_dir(place.path()).output();
        let output = output.expect("python runs");
        assert_eq!(output.status.code(), Some(code), "{text}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn the_schema_has_the_keys_that_are_read() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas/sopup.config.v1.json");
    let schema: Value = serde_json::from_str(&std::fs::read_to_string(file).expect("readable")).expect("JSON");
    let keys = |part: &Value| part["properties"].as_object().expect("properties").keys().cloned().collect::<BTreeSet<String>>();
    assert_eq!(keys(&schema), accepted("not_a_key: 1\n"));
    assert_eq!(keys(&schema["$defs"]["allow"]), accepted("allow: [{not_a_key: 1}]\n"));
    assert_eq!(keys(&schema["$defs"]["severity"]), accepted("severity: [{not_a_key: 1}]\n"));
    assert_eq!(keys(&schema["$defs"]["rule"]), accepted("rules: [{not_a_key: 1}]\n"));
    assert_eq!(keys(&schema["$defs"]["rule"]["properties"]["rotate"]), accepted("rules: [{id: a-b, rotate: {not_a_key: 1}}]\n"));
    let checks = schema["$defs"]["rule"]["properties"]["validators"]["items"]["enum"].as_array().expect("a list");
    let checks: BTreeSet<String> = checks.iter().filter_map(Value::as_str).map(str::to_owned).collect();
    assert_eq!(checks, accepted("rules: [{id: a-b, examples: [], validators: [not_a_check]}]\n"));
}

#[test]
fn what_is_allowed_is_allowed_in_every_working_tree() {
    let place = Place::repository();
    let outside = tempfile::tempdir().expect("a folder");
    let linked = outside.path().join("linked");
    let linked = linked.to_str().expect("a path in UTF-8");
    place.write(".sopup.yaml", "allow:\n  - paths: ['examples/**']\n    reason: invented\n");
    place.write("examples/a.env", "DB_PASSWORD=Walrus88Timber\n").commit("one");
    place.git(["worktree", "add", "--quiet", linked, "-b", "linked"]);
    for folder in [".", linked] {
        let run = place.sopup(["scan", folder]);
        assert_eq!(run.code, 0, "{folder}: {}{}", run.stdout, run.stderr);
    }
    std::fs::write(outside.path().join("linked/b.env"), "DB_PASSWORD=Walrus99Timber\n").expect("a file");
    let run = place.sopup(["scan", "."]);
    assert!(run.code == 1 && run.stdout.contains("linked/b.env:1"), "{}{}", run.stdout, run.stderr);
}
