//! Scanning history: what is said about where a secret was.

use std::fs;
use std::process::{Command, Stdio};

use crate::support::{Place, TOKEN, isolated, places};

/// What a git command prints that reads this.
fn output(place: &Place, args: &[&str], input: &str) -> String {
    let mut command = Command::new("git");
    isolated(&mut command).args(args).current_dir(place.path()).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().expect("git runs");
    std::io::Write::write_all(&mut child.stdin.take().expect("piped"), input.as_bytes()).expect("git reads");
    let output = child.wait_with_output().expect("git ends");
    assert!(output.status.success(), "git {args:?}");
    String::from_utf8(output.stdout).expect("UTF-8").trim().to_owned()
}

#[test]
fn a_bare_repository_and_one_with_sha256() {
    for format in ["sha1", "sha256"] {
        let place = Place::new();
        place.git(["init", "--quiet", "--object-format", format, "work"]);
        let work = place.path().join("work");
        let git = |args: &[&str]| output(&place, &[&["-C", work.to_str().expect("UTF-8")], args].concat(), "");
        place.write("work/a.yaml", "db_password: \"Walrus88Timber\"\n");
        git(&["add", "a.yaml"]);
        git(&["commit", "--quiet", "-m", "one"]);
        git(&["rm", "--quiet", "a.yaml"]);
        git(&["commit", "--quiet", "-m", "two"]);
        place.git(["clone", "--quiet", "--bare", "work", "bare"]);
        for path in ["work", "bare"] {
            let report = place.report(["--show-secrets", "--history", path]);
            let occurrence = &report["findings"][0]["occurrences"][0];
            assert_eq!(occurrence["path"], "a.yaml", "{format} {path}: {report}");
            assert_eq!(occurrence["in_head"], false);
            assert_eq!(report["summary"]["complete"], true, "{report}");
        }
    }
}

#[test]
fn a_place_tells_when_it_came_and_went() {
    let place = Place::repository();
    place.write("a/x.env", format!("TOKEN={TOKEN}\n"));
    place.commit("one");
    let first = place.git(["rev-parse", "HEAD"]).trim().to_owned();
    place.write("a/x.env", format!("# more\nTOKEN={TOKEN}\n"));
    place.commit("two");
    let last = place.git(["rev-parse", "HEAD"]).trim().to_owned();
    place.git(["rm", "-r", "--quiet", "a"]);
    place.commit("three");
    let report = place.report([]);
    let occurrence = &report["findings"][0]["occurrences"][0];
    assert_eq!((occurrence["path"].as_str(), occurrence["source"].as_str()), (Some("a/x.env"), Some("history")));
    assert_eq!((occurrence["commit"].as_str(), occurrence["last_commit"].as_str()), (Some(first.as_str()), Some(last.as_str())));
    assert_eq!((occurrence["line"].as_u64(), occurrence["versions"].as_u64()), (Some(1), Some(2)));
    assert_eq!(occurrence["in_head"], false);
    assert_eq!(report["findings"].as_array().map(Vec::len), Some(1));
}

#[test]
fn a_stash_is_named_also_when_newer_ones_are_above_it() {
    let place = Place::repository();
    place.write("a.env", "").commit("one");
    for value in ["Walrus88Timber", "Quince41Harbor"] {
        place.write("a.env", format!("DB_PASSWORD={value}\n"));
        place.git(["stash", "--quiet"]);
    }
    let report = place.report(["--show-secrets"]);
    let named = |value: &str| {
        let finding = report["findings"].as_array().into_iter().flatten().find(|finding| finding["secret"]["value"] == value);
        let occurrence = &finding.expect("found")["occurrences"][0];
        (occurrence["source"].clone(), occurrence["refs"].clone())
    };
    assert_eq!(named("Walrus88Timber"), ("stash".into(), serde_json::json!(["refs/stash@{1}"])));
    assert_eq!(named("Quince41Harbor"), ("stash".into(), serde_json::json!(["refs/stash", "refs/stash@{0}"])));
}

#[test]
fn a_mark_in_the_newest_version_accepts_the_older_ones() {
    let place = Place::repository();
    place.write("a.yaml", format!("token: {TOKEN}\n"));
    place.commit("one");
    assert_eq!(place.sopup(["scan"]).code, 1);
    place.write("a.yaml", format!("token: {TOKEN} # sopup:allow\n"));
    place.commit("two");
    let run = place.sopup(["scan"]);
    assert_eq!(run.code, 0, "{}", run.stdout);
}

#[test]
fn a_broken_repository_is_never_taken_for_a_folder() {
    for part in ["HEAD", "objects", "refs"] {
        let place = Place::repository();
        place.write("a.txt", "nothing\n").commit("one");
        fs::rename(place.join(&format!(".git/{part}")), place.join(".git/gone")).expect("moved");
        for args in [&["scan"][..], &["scan", "--history"]] {
            let run = place.sopup(args);
            assert_eq!(run.code, 2, "{part}: {}", run.stdout);
            assert!(run.stderr.contains("is not a git directory") && run.stderr.contains("--worktree --no-ignore"), "{}", run.stderr);
        }
        assert_eq!(place.sopup(["scan", "--worktree"]).code, 3, "what git tracks although it is ignored cannot be told");
        assert_eq!(place.sopup(["scan", "--worktree", "--no-ignore"]).code, 0, "{part}");
    }
}

#[test]
fn submodules_are_scanned_when_asked_for() {
    let (library, place) = (Place::repository(), Place::repository());
    library.write("app.env", "DB_PASSWORD=Walrus88Timber\n").commit("one");
    library.git(["rm", "--quiet", "app.env"]);
    library.write("kept.env", "DB_PASSWORD=Quince41Harbor\n").commit("two");
    let url = library.path().display().to_string();
    place.git(["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", "--name", "group/library", &url, "libs/dep"]);
    place.commit("add a library");
    let found = |args: &[&str]| {
        let run = place.sopup([&["scan", "--format", "json"], args].concat());
        let report: serde_json::Value = serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}: {}", run.stderr));
        assert_eq!(report["summary"]["complete"], true, "{}", report["summary"]);
        places(&report)
    };
    assert_eq!(found(&["--history"]), Vec::<String>::new());
    for args in [&["--history", "--submodules"], &["--history", "--submodules"], &["--submodules", "--no-cache"]] {
        let mut found = found(args);
        found.sort();
        found.dedup();
        assert_eq!(found, ["libs/dep/app.env:1:13", "libs/dep/kept.env:1:13"], "{args:?}");
    }
    for args in [&["scan", "--submodules", "libs"][..], &["scan", "--submodules", "--range", "HEAD"]] {
        let run = place.sopup(args);
        assert!(run.code == 2 && run.stderr.contains("goes with the scan of a whole history"), "{}", run.stderr);
    }
}

#[test]
fn what_sopupignore_leaves_out_counts_for_the_history_too() {
    let place = Place::repository();
    let secret = "DB_PASSWORD=Walrus88Timber\n";
    place.write("vendor/a.env", secret).write("src/a.env", secret).write("src/gone/a.env", secret).commit("one");
    place.git(["rm", "--quiet", "-r", "vendor", "src"]);
    place.write(".sopupignore", "vendor/\n").write("src/.sopupignore", "gone\n").commit("two");
    let all = ["src/a.env:1:13", "src/gone/a.env:1:13", "vendor/a.env:1:13"];
    assert_eq!(places(&place.report(["--history"])), all[..1]);
    assert_eq!(places(&place.report(["--range", "HEAD"])), all[..1]);
    assert_eq!(places(&place.report(["--history", "--no-ignore"])), all);
    all.iter().for_each(|path| _ = place.write(path.split(':').next().expect("a path"), secret));
    place.git(["add", "."]);
    assert_eq!(places(&place.report(["--staged"])), all[..1]);
}

#[test]
fn globs_count_from_the_top_wherever_the_scan_begins() {
    let place = Place::repository();
    place.write("docs/old.yaml", format!("token: {TOKEN}\n"));
    place.write("app/sub/a.txt", "nothing\n");
    place.write(".sopup.yaml", "allow:\n  - paths: ['docs/**']\n    reason: invented\n");
    place.commit("all");
    for folder in [".", "docs", "app/sub"] {
        let run = place.sopup(["scan", "--history", folder]);
        assert_eq!(run.code, 0, "{folder}: {}{}", run.stdout, run.stderr);
    }
}
