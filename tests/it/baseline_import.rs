//! `sopup baseline import`: files that other scanners wrote. detect-secrets, kingfisher, gitleaks and betterleaks run here; what
//! trufflehog 3 writes is shown by example.

use std::ffi::OsString;
use std::fs;
use std::process::Command;

use serde_json::{Value, json};

use crate::support::{Place, Run, TOKEN, isolated};

const OLD: &str = "gR4nite-Falcon-27";
const GONE: &str = "T3Jj9wQpLmZx82";
const IN_URL: &str = "Orchid7Meadow";

/// A repository with secrets in a file, and in one that only the history has.
fn repository() -> (Place, String) {
    let place = Place::repository();
    place.write("src/app.py", format!("import os\nGITHUB_TOKEN = \"{TOKEN}\"\npassword = \"{OLD}\"\n"));
    place.write("conf/prod.env", format!("DB_PASSWORD={GONE}\nDATABASE_URL=postgres://app:{IN_URL}@db.corp.net/app\n")).commit("one");
    place.git(["rm", "--quiet", "conf/prod.env"]);
    place.commit("two");
    let first = place.git(["rev-parse", "HEAD~1"]).trim().to_owned();
    (place, first)
}

fn import(place: &Place, file: &str, more: &[&str]) -> Run {
    let run = place.sopup(["baseline", "import", file, "--who", "Ann"].iter().chain(more));
    for secret in [TOKEN, OLD, GONE, IN_URL] {
        assert!(!run.stdout.contains(secret) && !run.stderr.contains(secret), "{}{}", run.stdout, run.stderr);
    }
    run
}

/// The same of a text, kept out of the repository.
fn imported(place: &Place, content: &str, more: &[&str]) -> Run {
    let outside = Place::new();
    outside.write("foreign", content);
    import(place, outside.join("foreign").to_str().expect("UTF-8"), more)
}

/// What is still reported: paths and lines.
fn left(place: &Place) -> Vec<String> {
    let report = place.report([]);
    let findings = report["findings"].as_array().expect("findings").iter();
    let mut left: Vec<String> = findings
        .map(|one| format!("{}:{}", one["occurrences"][0]["path"].as_str().expect("a path"), one["occurrences"][0]["line"]))
        .collect();
    left.sort();
    left
}

/// Runs another scanner; `variable` names it, or it is on the PATH.
fn scanner(place: &Place, variable: &str, name: &str, args: &[&str]) -> String {
    let program = std::env::var_os(variable).unwrap_or_else(|| OsString::from(name));
    let mut command = Command::new(&program);
    let cache = place.join(".git/cache");
    let output = isolated(command.args(args)).current_dir(place.path()).env("HOME", &cache).env("XDG_CACHE_HOME", &cache).output();
    let output = output.unwrap_or_else(|error| panic!("{}: {error}; ./test.sh installs it", program.display()));
    String::from_utf8(output.stdout).expect("UTF-8")
}

#[test]
fn a_baseline_of_detect_secrets_is_matched_by_its_hashes() {
    let (place, _) = repository();
    let written = scanner(&place, "SOPUP_TEST_DETECT_SECRETS", "detect-secrets", &["scan"]);
    let mut audited: Value = serde_json::from_str(&written).expect("JSON");
    let secrets = audited["results"]["src/app.py"].as_array_mut().expect("secrets");
    assert!(secrets.len() >= 2, "{written}");
    secrets.iter_mut().for_each(|one| one["is_secret"] = json!(one["line_number"] != 3));
    let run = imported(&place, &audited.to_string(), &[]);
    assert!(run.code == 0 && run.stdout.contains("2 secrets added") && !run.stdout.contains("not matched"), "{}{}", run.stdout, run.stderr);
    assert_eq!(left(&place), ["conf/prod.env:1", "conf/prod.env:2"]);
    let file = fs::read_to_string(place.join(".sopup-baseline")).expect("a baseline");
    assert!(file.contains("\"verdict\":\"real\"") && file.contains("\"verdict\":\"false-alarm\""), "{file}");
    assert!(file.contains("from a baseline of detect-secrets"), "{file}");

    // The value of a line is another one now; and one that is hashed with more than the value around it.
    let place = Place::repository();
    place.write("a.env", "DB_PASSWORD=Onyx77Glacier\n").write("b.env", "URL=postgres://app:Orchid7Meadow@db.corp.net/app\n");
    let hash = |text: &str| <sha1::Sha1 as sha1::Digest>::digest(text).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let one = |file: &str, hash: String| json!([{"type": "Secret Keyword", "filename": file, "hashed_secret": hash, "line_number": 1}]);
    let results = json!({
        "a.env": one("a.env", hash("Walrus88Timber")),
        "b.env": one("b.env", hash("app:Orchid7Meadow@db")),
        "c.env": one("c.env", hash("Walrus88Timber")),
    });
    let run = imported(&place, &json!({"version": "1.5.0", "plugins_used": [], "results": results}).to_string(), &[]);
    assert!(
        run.stdout.contains("not matched: 1 (Secret Keyword) at a.env:1: another value stands there now"),
        "{}{}",
        run.stdout,
        run.stderr
    );
    assert!(run.stdout.contains("at c.env:1: sopup takes nothing there for a secret"), "{}", run.stdout);
    assert!(run.stdout.contains("1 of 3 records matched, 1 secret added"), "{}", run.stdout);
    assert_eq!(left(&place), ["a.env:1"]);
}

#[test]
fn reports_and_baselines_of_kingfisher_are_read() {
    let kingfisher = |place: &Place, more: &[&str]| {
        let args = ["scan", ".", "--no-validate", "--no-update-check", "--no-rule-cache"];
        let args: Vec<&str> = args.iter().chain(more).copied().collect();
        scanner(place, "SOPUP_TEST_KINGFISHER", "kingfisher", &args)
    };
    for format in ["json", "jsonl"] {
        let (place, _) = repository();
        let written = kingfisher(&place, &["--format", format]);
        let run = imported(&place, &written, &[]);
        assert!(run.code == 0 && run.stdout.contains("2 secrets added"), "{format}: {}{}", run.stdout, run.stderr);
        assert_eq!(left(&place), ["conf/prod.env:1", "src/app.py:3"], "{format}");
    }
    // Its baseline tells places alone.
    let (place, _) = repository();
    kingfisher(&place, &["--manage-baseline", "--baseline-file", ".git/kingfisher.yaml"]);
    let run = import(&place, ".git/kingfisher.yaml", &[]);
    assert!(run.code == 0 && run.stdout.contains("2 secrets added"), "{}{}", run.stdout, run.stderr);
    assert_eq!(left(&place), ["conf/prod.env:1", "src/app.py:3"]);
    let (place, _) = repository();
    let old = "ExactFindings:\n  matches:\n    - filepath: src/app.py\n      fingerprint: 0a1b\n      linenum: 3\n      lastupdated: x\n";
    assert!(imported(&place, old, &[]).stdout.contains("1 of 1 record matched, 1 secret added"));
}

#[test]
fn reports_that_gitleaks_and_betterleaks_write_are_read() {
    // gitleaks asks more of a password in a program, and takes no URLs.
    let gitleaks = |place: &Place, more: &[&str]| {
        let args = ["git", ".", "--no-banner", "--log-level", "error", "--report-format", "json", "--report-path", ".git/report"];
        scanner(place, "SOPUP_TEST_GITLEAKS", "gitleaks", &[&args, more].concat());
        (".git/report".to_owned(), vec!["conf/prod.env:2", "src/app.py:3"])
    };
    let betterleaks = |place: &Place, more: &[&str]| {
        let file = if more.contains(&"lines") { ".git/report.jsonl" } else { ".git/report.json" };
        let more: Vec<&str> = more.iter().copied().filter(|one| *one != "lines").collect();
        let args = ["git", ".", "--no-banner", "--log-level", "error", "--silent", "--output", file];
        scanner(place, "SOPUP_TEST_BETTERLEAKS", "betterleaks", &[&args, more.as_slice()].concat());
        (file.to_owned(), vec![])
    };
    type Write<'a> = &'a dyn Fn(&Place, &[&str]) -> (String, Vec<&'static str>);
    let runs: [(Write<'_>, &[&str], &str); 5] = [
        (&gitleaks, &[], "2 of 2 records matched, 2 secrets added"),
        (&gitleaks, &["--redact"], "2 of 2 records matched, 2 secrets added"),
        (&betterleaks, &[], "4 of 4 records matched, 4 secrets added"),
        (&betterleaks, &["--redact"], "4 of 4 records matched, 4 secrets added"),
        (&betterleaks, &["lines"], "4 of 4 records matched, 4 secrets added"),
    ];
    for (write, more, said) in runs {
        let (place, _) = repository();
        let (file, rest) = write(&place, more);
        let run = import(&place, &file, &[]);
        assert!(run.code == 0 && run.stdout.contains(said), "{file} {more:?}: {}{}", run.stdout, run.stderr);
        assert_eq!(left(&place), rest, "{file} {more:?}");
    }
    // What gitleaks calls a fingerprint, in the list that it reads.
    let (place, _) = repository();
    gitleaks(&place, &[]);
    let report: Value = serde_json::from_str(&fs::read_to_string(place.join(".git/report")).expect("a report")).expect("JSON");
    let list: Vec<&str> = report.as_array().expect("a list").iter().filter_map(|one| one["Fingerprint"].as_str()).collect();
    place.write(".gitleaksignore", list.join("\n") + "\n");
    assert!(import(&place, ".gitleaksignore", &[]).stdout.contains("2 of 2 records matched, 2 secrets added"));
}

/// A finding as gitleaks writes it.
fn leak(rule: &str, file: &str, line: usize, secret: &str, commit: &str) -> Value {
    json!({
        "RuleID": rule, "Description": "", "StartLine": line, "EndLine": line, "StartColumn": 1, "EndColumn": 26,
        "Match": secret, "Secret": secret, "File": file, "SymlinkFile": "", "Commit": commit, "Entropy": 3.8, "Author": "A",
        "Email": "a@corp.net", "Date": "2026-11-28T11:20:11Z", "Message": "one", "Tags": [],
        "Fingerprint": format!("{commit}:{file}:{rule}:{line}"),
    })
}

#[test]
fn reports_of_gitleaks_are_matched_by_value_then_place() {
    let (place, first) = repository();
    let top = place.path().canonicalize().expect("a folder").display().to_string();
    let report = json!([
        leak("generic-api-key", "conf/prod.env", 1, GONE, &first),
        leak("github-pat", &format!("{top}/src/app.py"), 2, "ghp_X06gWO60Rp2J...", ""),
        leak("generic-api-key", "./src/app.py", 3, "REDACTED", ""),
        leak("uri", "conf/prod.env", 2, &format!("postgres://app:{IN_URL}@db.corp.net/app"), &first),
        leak("generic-api-key", "src/app.py", 3, "Walrus88Timber", ""),
        leak("generic-api-key", "src/app.py", 1, "REDACTED", ""),
        leak("generic-api-key", "src/app.py", 3, "Walr...", ""),
        leak("generic-api-key", "conf/prod.env", 9, "Walrus88Timber", &"0".repeat(40)),
    ]);
    let run = imported(&place, &report.to_string(), &["--format", "betterleaks"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    for said in [
        "not matched: 5 (generic-api-key) at src/app.py:3: another value stands there now",
        "not matched: 6 (generic-api-key) at src/app.py:1: sopup takes nothing there for a secret",
        "not matched: 7 (generic-api-key) at src/app.py:3: another value stands there now",
        "not matched: 8 (generic-api-key) at conf/prod.env:9: the repository has no such file in that commit",
        "4 of 8 records matched, 4 secrets added",
    ] {
        assert!(run.stdout.contains(said), "{said}: {}", run.stdout);
    }
    assert_eq!(left(&place), [""; 0]);

    // A report that lies in the repository is no place of what it names.
    let (place, _) = repository();
    place.write(
        "leaks.json",
        json!([leak("github-pat", "src/app.py", 2, TOKEN, ""), leak("x", "a.py", 1, "Walrus88Timber", "")]).to_string(),
    );
    let run = import(&place, "leaks.json", &[]);
    assert!(run.stdout.contains("not matched: 2 (x) at a.py:1: the value is nowhere"), "{}{}", run.stdout, run.stderr);
    let file = fs::read_to_string(place.join(".sopup-baseline")).expect("a baseline");
    assert!(file.contains("\"place\":\"src/app.py:2\"") && !file.contains("leaks.json"), "{file}");
}

#[test]
fn fingerprints_of_gitleaksignore_lead_to_values() {
    let (place, first) = repository();
    // A later version of the file has the value elsewhere: gitleaks tells that commit and that line.
    place.write("src/app.py", format!("import os, sys\n\n\nGITHUB_TOKEN = \"{TOKEN}\"\npassword = \"{OLD}\"\n")).commit("three");
    let third = place.git(["rev-parse", "HEAD"]).trim().to_owned();
    place.write("src/app.py", format!("GITHUB_TOKEN = \"{TOKEN}\"\npassword = \"{OLD}\"; api_password = \"{IN_URL}\"\n")).commit("four");
    let list = format!(
        "# old leaks\n{first}:conf/prod.env:generic-api-key:1\n\n{third}:src/app.py:github-pat:4\nsrc/app.py:generic-api-key:2\n\
         src/app.py:generic-api-key:40\n"
    );
    place.write(".gitleaksignore", list);
    let run = import(&place, ".gitleaksignore", &["--reason", "old"]);
    assert!(
        run.stdout.contains("not matched: 5 (generic-api-key) at src/app.py:2: several values stand there"),
        "{}{}",
        run.stdout,
        run.stderr
    );
    assert!(run.stdout.contains("not matched: 6 (generic-api-key) at src/app.py:40: sopup takes nothing"), "{}", run.stdout);
    assert!(run.stdout.contains("2 of 4 records matched, 2 secrets added"), "{}", run.stdout);
    assert_eq!(left(&place), ["src/app.py:2", "src/app.py:2"]);
    // Told again, nothing changes.
    let before = fs::read_to_string(place.join(".sopup-baseline")).expect("a baseline");
    assert!(import(&place, ".gitleaksignore", &[]).stdout.contains("0 secrets added"));
    assert_eq!(fs::read_to_string(place.join(".sopup-baseline")).expect("a baseline"), before);
}

#[test]
fn findings_of_trufflehog_are_matched() {
    let (place, first) = repository();
    let found = |data: Value, raw: &str| {
        let line = json!({
            "SourceMetadata": {"Data": data}, "SourceID": 1, "SourceType": 16, "SourceName": "trufflehog - git", "DetectorType": 8,
            "DetectorName": "Github", "DecoderName": "PLAIN", "Verified": false, "Raw": raw, "RawV2": "", "Redacted": "",
            "ExtraData": null, "StructuredData": null,
        });
        format!("{line}\n")
    };
    let log = "{\"level\":\"info-0\",\"logger\":\"trufflehog\",\"msg\":\"finished scanning\"}\n";
    let git = json!({"Git": {"commit": first, "file": "conf/prod.env", "email": "A <a@corp.net>", "repository": "x", "line": 2}});
    let lines = [
        log.to_owned(),
        found(json!({"Filesystem": {"file": "src/app.py", "line": 2}}), TOKEN),
        found(git, &format!("postgres://app:{IN_URL}@db.corp.net/app")),
        found(json!({"Docker": {"image": "x"}}), "Walrus88Timber"),
    ];
    let run = imported(&place, &lines.concat(), &[]);
    assert!(run.stdout.contains("not matched: 4 (Github): the value is nowhere in files and history"), "{}{}", run.stdout, run.stderr);
    assert!(run.stdout.contains("2 of 3 records matched, 2 secrets added"), "{}", run.stdout);
    assert_eq!(left(&place), ["conf/prod.env:1", "src/app.py:3"]);
}

#[test]
fn what_cannot_be_read_is_said_and_nothing_is_written() {
    let (place, _) = repository();
    for (content, args, said) in [
        ("hello: world\n", &[][..], "in no format that is known"),
        ("[{\"RuleID\": \"x\"", &[], "in no format that is known"),
        ("[{\"RuleID\": \"x\"", &["--format", "gitleaks"], "not JSON: it ends too early"),
        ("[{\"RuleID\": \"x\", \"File\": \"a\"}]", &[], "record 1: `StartLine` is missing"),
        ("a.py:x:1\nnonsense\n", &["--format", "gitleaksignore"], "line 2: no fingerprint of gitleaks"),
        ("repositories:\n- findings: 3\n", &[], "not a baseline of kingfisher"),
        (&format!("{{\"Raw\": \"{TOKEN}\", oh}}"), &["--format", "trufflehog"], "line 1: not JSON"),
    ] {
        let run = imported(&place, content, args);
        assert!(run.code == 2 && run.stderr.contains(said) && run.stderr.contains("hint:"), "{content}: {}", run.stderr);
    }
    let run = import(&place, "none.json", &[]);
    assert!(run.code == 2 && run.stderr.contains("cannot read none.json"), "{}", run.stderr);
    assert!(!place.join(".sopup-baseline").exists() && !place.join(".sopup.yaml").exists());
}
