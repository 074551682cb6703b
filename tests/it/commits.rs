//! Scanning what some commits add: ranges, and the hooks of git that are told which.

use std::os::unix::fs::PermissionsExt as _;

use crate::support::{Place, Run, isolated};

const OLD: &str = "Walrus88Timber";
const NEW: &str = "Quince41Harbor";
const SIDE: &str = "Maple73Lantern";

/// `main` with a secret in its first commit, a clean second one; `side` with another secret.
fn branches() -> Place {
    let place = Place::repository();
    place.write("app.env", format!("DB_PASSWORD={OLD}\n")).commit("one");
    place.git(["tag", "start"]);
    place.write("notes.txt", "nothing\n").commit("two");
    place.git(["checkout", "--quiet", "-b", "side"]);
    place.write("app.env", format!("# first\nDB_PASSWORD={OLD}\nAPI_PASSWORD={SIDE}\n")).commit("on the side");
    place.git(["checkout", "--quiet", "main"]);
    place
}

fn found(place: &Place, args: &[&str]) -> Vec<String> {
    let run = place.sopup([&["scan", "--format", "json", "--show-secrets"], args].concat());
    let report: serde_json::Value = serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}: {}", run.stderr));
    let values =
        report["findings"].as_array().expect("a list").iter().map(|one| one["secret"]["value"].as_str().expect("shown").to_owned());
    let mut values: Vec<_> = values.collect();
    values.sort();
    assert_eq!(run.code, i32::from(!values.is_empty()), "{}", run.stdout);
    values
}

#[test]
fn only_what_the_commits_add() {
    let place = branches();
    assert_eq!(found(&place, &["--range", "start..side"]), [SIDE]);
    assert_eq!(found(&place, &["--range", "main...side"]), [SIDE]);
    assert_eq!(found(&place, &["--range", "start..main"]), [""; 0]);
    assert_eq!(found(&place, &["--range", "start"]), [OLD]);
    assert_eq!(found(&place, &["--branch", "main"]), [OLD]);
    assert_eq!(found(&place, &["--branch", "side"]), [SIDE, OLD]);
    assert_eq!(found(&place, &["--since", "start"]), [SIDE]);
    assert_eq!(found(&place, &["--since", "2000-01-01"]), [SIDE, OLD]);
    assert_eq!(found(&place, &["--since", "2100-01-01"]), [""; 0]);
    assert_eq!(found(&place, &["--branch", "side", "--max-depth", "1"]), [SIDE]);
    place.git(["checkout", "--quiet", "side"]);
    assert_eq!(found(&place, &["--merge-base", "main"]), [SIDE]);
}

#[test]
fn a_place_names_its_commit_and_the_new_line() {
    let place = branches();
    place.git(["checkout", "--quiet", "side"]);
    place.write("app.env", format!("# first\n\nDB_PASSWORD={OLD}\nAPI_PASSWORD={SIDE}\nMORE={NEW}\nAPI_PASSWORD={SIDE}\n")).commit("again");
    let report = place.report(["--merge-base", "main", "--show-secrets"]);
    let finding = report["findings"].as_array().expect("a list").iter().find(|one| one["secret"]["value"] == SIDE).expect("found");
    assert_eq!(finding["occurrences"].as_array().map(Vec::len), Some(1));
    let place_of = &finding["occurrences"][0];
    assert_eq!((place_of["line"].as_u64(), place_of["versions"].as_u64()), (Some(3), Some(2)));
    assert_eq!(place_of["commit"].as_str(), Some(place.git(["rev-parse", "HEAD~1"]).trim()));
    assert_eq!((place_of["in_head"].as_bool(), &place_of["refs"]), (Some(true), &serde_json::json!(["refs/heads/side", "HEAD"])));
}

#[test]
fn names_and_messages_count_too() {
    let place = branches();
    place.write(&format!("password={NEW}"), "nothing\n").commit(&format!("set\n\ndb_password: {SIDE}"));
    assert_eq!(found(&place, &["--range", "HEAD~1..HEAD"]), [SIDE, NEW]);
}

#[test]
fn what_cannot_be_told_is_an_error() {
    let place = branches();
    for (args, message, hint) in [
        (&["--range", "no..main"][..], "there is no commit `no`", "git branch --all"),
        (&["--branch", "nothing"], "there is no branch `nothing`", "git fetch"),
        (&["--since", "whenever"], "neither a date nor a commit", "2026-01-31"),
        (&["--pre-receive"], "is not `<old id> <new id> <ref>`", "--range A..B"),
        (&["--range", "a..b", "--staged"], "cannot be used with", "--help"),
    ] {
        let run = place.sopup_with([&["scan"], args].concat(), "what git would not write\n");
        assert_eq!(run.code, 2, "{args:?}: {}", run.stdout);
        assert!(run.stderr.contains(message) && run.stderr.contains(hint), "{args:?}: {}", run.stderr);
    }
    place.git(["checkout", "--quiet", "--orphan", "lonely"]);
    place.commit("alone");
    assert!(place.sopup(["scan", "--merge-base", "main"]).stderr.contains("no common ancestor"));
}

#[test]
fn a_shallow_clone_is_never_clean() {
    let (place, clone) = (branches(), Place::new());
    let url = format!("file://{}", place.path().display());
    clone.git(["clone", "--quiet", "--depth", "1", &url, "."]);
    let run = clone.sopup(["scan", "--since", "2000-01-01"]);
    assert_eq!(run.code, 3, "{}", run.stdout);
    assert!(run.stdout.contains("shallow"), "{}", run.stdout);
}

fn hook(place: &Place, name: &str, command: &str) {
    let program = env!("CARGO_BIN_EXE_sopup");
    let script = format!("#!/bin/sh\nXDG_STATE_HOME=/tmp/none exec '{program}' scan {command} >&2\n");
    place.write(name, script);
    std::fs::set_permissions(place.join(name), std::fs::Permissions::from_mode(0o755)).expect("set");
}

fn push(place: &Place, to: &str) -> Run {
    let mut command = std::process::Command::new("git");
    isolated(&mut command).args(["push", "--quiet", "origin", to]).current_dir(place.path());
    crate::support::finish(command.output().expect("git runs"))
}

#[test]
fn a_push_is_stopped_on_either_side() {
    for on_server in [false, true] {
        let server = branches();
        server.git(["config", "receive.denyCurrentBranch", "ignore"]);
        let clone = Place::new();
        clone.git(["clone", "--quiet", server.path().to_str().expect("UTF-8"), "."]);
        if on_server {
            hook(&server, ".git/hooks/pre-receive", "--pre-receive");
        } else {
            hook(&clone, ".git/hooks/pre-push", "--pre-push --remote \"$1\"");
        }
        clone.write("more.txt", "harmless\n").commit("good");
        let good = push(&clone, "HEAD:refs/heads/good");
        assert_eq!(good.code, 0, "what was there before does not matter: {}", good.stderr);
        clone.write("more.env", format!("DB_PASSWORD={NEW}\n")).commit("bad");
        clone.git(["rm", "--quiet", "more.env"]);
        clone.commit("hidden");
        let bad = push(&clone, "HEAD:refs/heads/bad");
        assert_ne!(bad.code, 0);
        assert!(bad.stderr.contains("more.env:1:") && !bad.stderr.contains(NEW), "{}", bad.stderr);
        assert_eq!(push(&clone, ":refs/heads/good").code, 0, "a deletion adds nothing");
    }
}

#[test]
fn pre_commit_tells_a_push_in_variables() {
    let place = branches();
    let run = |variables: &[(&str, &str)]| {
        let mut command = place.command();
        command.args(["scan", "--pre-push"]).envs(variables.iter().copied()).stdin(std::process::Stdio::null());
        crate::support::finish(command.output().expect("sopup runs"))
    };
    assert_eq!(run(&[("PRE_COMMIT_FROM_REF", "start"), ("PRE_COMMIT_TO_REF", "main")]).code, 0);
    assert_eq!(run(&[("PRE_COMMIT_FROM_REF", "start"), ("PRE_COMMIT_TO_REF", "side")]).code, 1);
    assert_eq!(run(&[("PRE_COMMIT_LOCAL_BRANCH", "refs/heads/main")]).code, 1);
    assert_eq!(run(&[]).code, 0, "git says that nothing is pushed");
}
