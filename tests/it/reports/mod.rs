//! Every format on one repository with secrets in a file, its history, a message, a name and an archive: what it looks
//! like, that it holds no secret, and that programs which know the format can read it.

mod hostile;
mod layout;
mod where_to;

use std::path::Path;
use std::process::Command;

use regex::Regex;
use serde_json::Value;

use crate::support::{Place, TOKEN};

/// As in the table of formats; `every_format_is_tried` compares.
const FORMATS: [&str; 13] =
    ["human", "oneline", "json", "jsonl", "sarif", "github", "gitlab", "codeclimate", "junit", "rdjson", "csv", "markdown", "html"];
/// Planted values, none of which may be seen.
const PLANTED: [&str; 5] = [TOKEN, "Walrus88Timber", "Orchid.Meadow.898", "Pelican77Harbor", "Heron55Lantern"];

/// A repository with a secret in each sort of place, always with the same objects.
fn leaky() -> Place {
    let place = Place::repository();
    place.write("a.env", "DB_PASSWORD=Walrus88Timber\n").commit("First");
    place.write("a.env", "# ours\nDB_PASSWORD=Walrus88Timber\n").write("gone.md", "The password is `Heron55Lantern`.\n");
    place.commit("Use the new password: Orchid.Meadow.898");
    std::fs::remove_file(place.join("gone.md")).expect("it was there");
    place.write(&format!("docs/{TOKEN}.txt"), "See above.\n");
    place.write("backup.tar", archive("in.yml", "password: Pelican77Harbor\n"));
    place.commit("Clean up");
    place
}

fn archive(name: &str, text: &str) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(text.len() as u64);
    header.set_mode(0o644);
    header.set_cksum();
    archive.append_data(&mut header, name, text.as_bytes()).expect("written");
    archive.into_inner().expect("written")
}

/// A report of the repository in a place.
fn report(place: &Place, args: &[&str]) -> String {
    let mut command = place.command();
    let output = command.arg("scan").args(args).env("SOPUP_FINGERPRINT_KEY", "0123456789abcdef").output().expect("sopup runs");
    assert!(output.status.code().is_some_and(|code| code <= 3 && code != 2), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// What a reader that sopup did not write sees in a report.
fn read(what: &[&str], report: &str) -> Value {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("report");
    std::fs::write(&file, report).expect("written");
    let python = std::env::var_os("SOPUP_TEST_PYTHON").unwrap_or_else(|| "python3".into());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/reports/read.py");
    let output = Command::new(python).arg(script).args(what).arg(&file).output();
    let output = output.expect("Python runs: name the one of target/test-tools in SOPUP_TEST_PYTHON, as test.sh does");
    assert!(output.status.success(), "{what:?}: {}\n{report}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("it prints JSON")
}

fn schema(name: &str) -> String {
    format!("{}/schemas/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// Without what differs from run to run.
fn settled(report: &str) -> String {
    let patterns = [
        (r"[0-9]{4}-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9]Z", "TIME"),
        (r#"("(?:start|end)_time": ")[^"]*"#, "${1}TIME"),
        (r#"(timestamp=")[^"]*"#, "${1}TIME"),
        (r#"( time=")[0-9]+\.[0-9]+"#, "${1}0"),
        (r"scanned in [0-9.]+ m?s", "scanned in 0 ms"),
        (r#"("elapsed_ms": )[0-9]+"#, "${1}0"),
        (r"[0-9]{4}-[0-9][0-9]-[0-9][0-9] [0-9][0-9]:[0-9][0-9] UTC", "TIME"),
        (r"sha256-[A-Za-z0-9+/=]+", "sha256-HASH"),
        (r"(?s)<style>.*?</style>", "<style>STYLE</style>"),
        (r"(?s)<script>.*?</script>", "<script>SCRIPT</script>"),
    ];
    let text = patterns
        .iter()
        .fold(report.to_owned(), |text, (pattern, with)| Regex::new(pattern).expect("a pattern").replace_all(&text, *with).into_owned());
    text.replace(env!("CARGO_PKG_VERSION"), "VERSION")
}

#[test]
fn each_format_looks_like_this() {
    let place = leaky();
    for format in FORMATS {
        let text = settled(&report(&place, &["--format", format]));
        let name = place.path().file_name().expect("a name").to_str().expect("UTF-8");
        insta::assert_snapshot!(format, text.replace(name, "NAME"));
    }
}

#[test]
fn every_format_is_tried() {
    let run = Place::new().sopup(["scan", "--format", "none"]);
    let listed = run.stderr.split("[possible values: ").nth(1).and_then(|rest| rest.split(']').next()).expect("a list");
    assert_eq!(listed.split(", ").collect::<Vec<_>>(), FORMATS);
}

#[test]
fn no_format_holds_a_secret() {
    let place = leaky();
    for format in FORMATS {
        for scope in [&["--history"][..], &["--worktree"], &[]] {
            let report = report(&place, &[scope, &["--format", format]].concat());
            for planted in PLANTED {
                let tail = &planted[planted.len() - 6..];
                assert!(!report.contains(tail), "{format} {scope:?} shows {tail}: {report}");
            }
        }
    }
}

#[test]
fn a_secret_in_the_name_of_an_author_is_masked() {
    let place = Place::repository();
    place.write("a.env", "DB_PASSWORD=Walrus88Timber\n");
    place.git(["add", "--all"]);
    place.shell(&format!("GIT_AUTHOR_NAME='A {TOKEN}' git commit --quiet --message First"));
    for format in FORMATS {
        let report = report(&place, &["--format", format]);
        assert!(!report.contains(&TOKEN[TOKEN.len() - 6..]), "{format}: {report}");
    }
    let json = place.report([]).to_string();
    assert!(json.contains("\"author\":\"A ghp_******** <a@corp.net>\""), "{json}");
}

#[test]
fn formats_for_others_mask_whatever_is_asked_for() {
    let place = leaky();
    for format in FORMATS {
        let report = report(&place, &["--show-secrets", "--format", format]);
        let shows = matches!(format, "human" | "oneline" | "json" | "jsonl");
        assert_eq!(report.contains("Walrus88Timber"), shows, "{format}: {report}");
    }
}

#[test]
fn own_schemas_describe_what_is_written() {
    let place = leaky();
    place.write("secret.7z", b"7z\xbc\xaf\x27\x1c rest");
    for args in [&[][..], &["--show-secrets"], &["--worktree"], &["--range", "HEAD"]] {
        let json = report(&place, &[args, &["--format", "json"]].concat());
        assert_eq!(read(&["schema", &schema("sopup.report.v1.json")], &json), true);
        let lines = report(&place, &[args, &["--format", "jsonl"]].concat());
        assert_eq!(read(&["lines", &schema("sopup.report.v1.line.json")], &lines), lines.lines().count());
    }
    // With a baseline of which an entry expired and another is of nothing.
    let old = Place::repository();
    old.write("a.env", "DB_PASSWORD=Walrus88Timber\n").write("b.env", "DB_PASSWORD=Onyx77Glacier\n");
    assert_eq!(old.sopup(["baseline", "create", "--who", "Ann"]).code, 0);
    let lines = std::fs::read_to_string(old.join(".sopup-baseline")).expect("a baseline");
    old.write(".sopup-baseline", lines.replace("\"place\":\"a.env:1\"", "\"expires\":\"2020-01-31\",\"place\":\"a.env:1\""));
    std::fs::remove_file(old.join("b.env")).expect("it is there");
    let json = old.report([]).to_string();
    assert!(json.contains("\"expires\":\"2020-01-31\"") && json.contains("\"place\":\"b.env:1\""), "{json}");
    assert_eq!(read(&["schema", &schema("sopup.report.v1.json")], &json), true);
    let page = place.sopup(["verify", "--without-keys", "--format", "json"]).stdout;
    assert_eq!(read(&["schema", &schema("sopup.verify.v1.json")], &page), true);
    let clean = Place::repository();
    assert_eq!(read(&["schema", &schema("sopup.report.v1.json")], &report(&clean, &["--format", "json"])), true);
}

#[test]
fn sarif_follows_its_schema_and_githubs_rules() {
    let place = leaky();
    let log = read(&["sarif"], &report(&place, &["--format", "sarif"]));
    let run = &log["runs"][0];
    assert_eq!(run["invocations"][0]["executionSuccessful"], true);
    let rules = run["tool"]["driver"]["rules"].as_array().expect("rules");
    let results = run["results"].as_array().expect("results");
    assert!(results.len() >= 5, "{results:?}");
    let mut hashes = std::collections::BTreeSet::new();
    for result in results {
        let rule = &rules[result["ruleIndex"].as_u64().expect("an index") as usize];
        assert_eq!(rule["id"], result["ruleId"]);
        let severity: f64 = rule["properties"]["security-severity"].as_str().expect("text").parse().expect("a number");
        assert!(severity > 0.0 && severity <= 10.0);
        let place = &result["locations"][0]["physicalLocation"];
        assert!(place["region"]["startLine"].as_u64().is_some_and(|line| line > 0), "{result}");
        assert!(!place["artifactLocation"]["uri"].as_str().expect("a URI").starts_with('/'));
        assert!(hashes.insert(result["partialFingerprints"]["primaryLocationLineHash"].to_string()), "twice: {result}");
    }
    let gone = results.iter().find(|result| result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "gone.md");
    let gone = gone.expect("what only the history has is there");
    let commit = gone["properties"]["commit"].as_str().expect("a commit");
    assert!(gone["message"]["text"].as_str().expect("text").contains(&commit[..10]), "{gone}");

    place.write("secret.7z", b"7z\xbc\xaf\x27\x1c rest");
    let log = read(&["sarif"], &report(&place, &["--format", "sarif"]));
    let invocation = &log["runs"][0]["invocations"][0];
    assert_eq!(invocation["executionSuccessful"], false);
    assert!(invocation["toolExecutionNotifications"][0]["message"]["text"].as_str().expect("text").contains("secret.7z"));
}

/// No package has GitLab's schema; these are the demands of its version 15.0.7.
#[test]
fn gitlab_has_what_gitlab_demands() {
    let place = leaky();
    let report: Value = serde_json::from_str(&report(&place, &["--format", "gitlab"])).expect("JSON");
    assert!(Regex::new(r"^15\.[0-9]+\.[0-9]+$").expect("a pattern").is_match(report["version"].as_str().expect("a version")));
    let scan = &report["scan"];
    assert_eq!((&scan["type"], &scan["status"]), (&"secret_detection".into(), &"success".into()));
    let time = Regex::new(r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}$").expect("a pattern");
    for key in ["start_time", "end_time"] {
        assert!(time.is_match(scan[key].as_str().expect("a time")));
    }
    for key in ["analyzer", "scanner"] {
        for name in ["id", "name", "version"] {
            assert!(scan[key][name].as_str().is_some_and(|text| !text.is_empty()), "{key}.{name}");
        }
        assert!(scan[key]["vendor"]["name"].is_string());
    }
    let found = report["vulnerabilities"].as_array().expect("vulnerabilities");
    assert!(found.len() >= 5);
    let uuid = Regex::new("^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$").expect("a pattern");
    let mut ids = std::collections::BTreeSet::new();
    for one in found {
        let id = one["id"].as_str().expect("an id");
        assert!(uuid.is_match(id) && ids.insert(id), "{id}");
        assert!(["Info", "Unknown", "Low", "Medium", "High", "Critical"].contains(&one["severity"].as_str().expect("a severity")));
        assert!(one["name"].as_str().is_some_and(|name| name.chars().count() <= 255));
        for identifier in one["identifiers"].as_array().expect("identifiers") {
            assert!(["type", "name", "value"].iter().all(|key| identifier[*key].as_str().is_some_and(|text| !text.is_empty())));
        }
        assert!(one["location"]["commit"]["sha"].as_str().is_some_and(|sha| !sha.is_empty()), "{one}");
        let file = &one["location"]["file"];
        assert!(file.is_null() || one["location"]["start_line"].is_u64(), "{one}");
    }
}

#[test]
fn junit_is_read_as_failures() {
    let place = leaky();
    let seen = read(&["junit"], &report(&place, &["--format", "junit"]));
    assert_eq!(seen["failures"], seen["cases"].as_array().expect("cases").len());
    place.write("secret.7z", b"7z\xbc\xaf\x27\x1c rest");
    assert_eq!(read(&["junit"], &report(&place, &["--worktree", "--format", "junit"]))["errors"], 1);
    let clean = read(&["junit"], &report(&Place::new(), &["--format", "junit"]));
    assert_eq!((&clean["failures"], clean["cases"].as_array().map(Vec::len)), (&0.into(), Some(1)));
}

#[test]
fn csv_is_read_as_records() {
    let place = leaky();
    let records = read(&["csv"], &report(&place, &["--format", "csv"]));
    let json = place.report([]);
    let fingerprints = |list: &Value| list.as_array().expect("a list").len();
    assert!(fingerprints(&records) >= fingerprints(&json["findings"]));
    let env = records.as_array().expect("records").iter().find(|one| one["path"] == "a.env").expect("the file");
    assert_eq!((&env["line"], &env["in_head"], &env["author"]), (&"2".into(), &"true".into(), &"A <a@corp.net>".into()));
}

/// `reviewdog` and Code Climate have no schema in a package that Python or Rust can use.
#[test]
fn diagnostics_and_issues_have_what_is_demanded() {
    let place = leaky();
    let diagnostics: Value = serde_json::from_str(&report(&place, &["--format", "rdjson"])).expect("JSON");
    for one in diagnostics["diagnostics"].as_array().expect("diagnostics") {
        assert!(one["message"].is_string() && one["location"]["path"].as_str().is_some_and(|path| !path.is_empty()));
        assert!(["ERROR", "WARNING", "INFO"].contains(&one["severity"].as_str().expect("a severity")));
        let range = &one["location"]["range"];
        assert!(range.is_null() || range["start"]["line"].as_u64().is_some_and(|line| line > 0));
    }
    let issues: Value = serde_json::from_str(&report(&place, &["--format", "codeclimate"])).expect("JSON");
    let mut fingerprints = std::collections::BTreeSet::new();
    for one in issues.as_array().expect("issues") {
        assert_eq!((&one["type"], &one["categories"]), (&"issue".into(), &serde_json::json!(["Security"])));
        assert!(["info", "minor", "major", "critical", "blocker"].contains(&one["severity"].as_str().expect("a severity")));
        assert!(one["location"]["path"].is_string() && one["location"]["lines"]["begin"].is_u64());
        assert!(fingerprints.insert(one["fingerprint"].as_str().expect("a fingerprint")));
    }
}

#[test]
fn columns_of_diagnostics_count_bytes() {
    let place = Place::new();
    place.write("a.md", "Grüße: password: Walrus88Timber\n");
    let column = |report: &str, pointer: &str| {
        let report: Value = serde_json::from_str(report).expect("JSON");
        report.pointer(pointer).and_then(Value::as_u64)
    };
    assert_eq!(column(&report(&place, &["--format", "rdjson"]), "/diagnostics/0/location/range/start/column"), Some(20));
    let pointer = "/runs/0/results/0/locations/0/physicalLocation/region/startColumn";
    assert_eq!(column(&report(&place, &["--format", "sarif"]), pointer), Some(18));
}

#[test]
fn paths_are_relative_to_the_top_of_the_repository() {
    let place = Place::repository();
    place.write("sub/a.env", "DB_PASSWORD=Walrus88Timber\n").commit("First");
    let from = |folder: &str, args: &[&str]| {
        let mut command = place.command();
        let output = command.current_dir(place.join(folder)).arg("scan").args(args).output().expect("sopup runs");
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    for (folder, args) in [(".", &["sub"][..]), ("sub", &["."]), ("sub", &["a.env"]), (".", &["."]), (".", &["--range", "HEAD"])] {
        let report = from(folder, &[args, &["--format", "github"]].concat());
        assert!(report.contains("file=sub/a.env,line=1,"), "{folder} {args:?}: {report}");
    }
}
