//! Scanning several paths at once, and a part of a repository: names, scope and outcome fit what was asked for.

use crate::support::{Place, TOKEN, places};

#[test]
fn several_files_and_folders_in_one_call() {
    let place = Place::repository();
    place.write("a.py", TOKEN).write("deploy/b.env", format!("T={TOKEN}\n")).write("deploy/c/d.txt", TOKEN).write("other.txt", TOKEN);
    let report = place.report(["a.py", "deploy"]);
    assert_eq!(places(&report), ["a.py:1:1", "deploy/b.env:1:3", "deploy/c/d.txt:1:1"]);
    assert_eq!(report["target"]["scope"], "files below a.py and deploy");
    let run = place.sopup(["scan", "a.py", "deploy/b.env"]);
    assert_eq!(run.code, 1, "{}", run.stdout);
    assert!(run.stdout.contains("a.py:1:1") && run.stdout.contains("deploy/b.env:1:3"), "{}", run.stdout);
}

#[test]
fn a_path_below_another_is_read_once() {
    let place = Place::new();
    place.write("x/y/a.txt", TOKEN).write("z.txt", "nothing");
    let report = place.report(["x/y/a.txt", "x", "x/y", "z.txt", "x"]);
    assert_eq!(places(&report), ["x/y/a.txt:1:1"]);
    assert_eq!(report["summary"]["files"], 2, "{report}");
}

#[test]
fn names_count_from_the_folder_that_holds_all_paths() {
    let place = Place::new();
    place.write("x/y/a.txt", TOKEN).write("x/z/b.txt", TOKEN);
    std::fs::create_dir(place.join("elsewhere")).expect("a folder");
    let run = place.command().current_dir(place.join("elsewhere")).args(["scan", "--format", "json", "../x/y", "../x/z/b.txt"]).output();
    let report: serde_json::Value = serde_json::from_slice(&run.expect("it ends").stdout).expect("JSON");
    assert_eq!(places(&report), ["y/a.txt:1:1", "z/b.txt:1:1"]);
    assert!(report["target"]["root"].as_str().expect("a root").ends_with("/x"), "{report}");
}

#[test]
fn configuration_and_ignores_count_for_several_paths() {
    let place = Place::repository();
    place.write("a/one.txt", TOKEN).write("b/two.txt", TOKEN).write("b/three.txt", TOKEN);
    place.write(".sopup.yaml", "allow:\n  - paths: [\"b/two.txt\"]\n    reason: invented\n").write(".sopupignore", "one.txt\n");
    assert_eq!(places(&place.report(["a", "b"])), ["b/three.txt:1:1"]);
}

#[test]
fn what_belongs_to_one_repository_takes_one_path() {
    let place = Place::repository();
    place.write("a.txt", "x").write("b.txt", "y").commit("one");
    for scope in ["--staged", "--history", "--range=HEAD"] {
        let run = place.sopup(["scan", scope, "a.txt", "b.txt"]);
        assert_eq!(run.code, 2, "{scope}");
        assert!(run.stderr.contains("several paths were named"), "{}", run.stderr);
    }
    let missing = place.sopup(["scan", "a.txt", "missing.txt"]);
    assert_eq!(missing.code, 2);
    assert!(missing.stderr.contains("cannot scan missing.txt"), "{}", missing.stderr);
}

/// A folder is a test wherever the scan begins.
#[test]
fn a_part_of_a_repository_is_read_as_in_the_whole() {
    let place = Place::repository();
    place.write("tests/data/app.yaml", "database:\n  password: admin\n").write("data/app.yaml", "database:\n  password: admin\n");
    let whole = place.report(["--worktree", "."]);
    assert_eq!(places(&whole), ["data/app.yaml:2:13"]);
    for args in [["--worktree", "tests"], ["--worktree", "tests/data"], ["--worktree", "tests/data/app.yaml"]] {
        let report = place.report(args);
        assert_eq!(places(&report), [""; 0], "{args:?}");
        let unsure = place.report([args[0], args[1], "--min-confidence", "low"]);
        assert_eq!(places(&unsure).len(), 1, "{unsure}");
    }
    assert_eq!(places(&place.report(["tests", "data"])), ["data/app.yaml:2:13"]);
}
