//! A repository with a secret in every place, purged: none is left in the mirror, for sopup, for a byte search, for kingfisher.

use std::process::Command;

use super::build::build;
use super::plant::Where;
use crate::purge::{left_of, spellings_of};
use crate::support::{Place, finish, isolated};

#[test]
fn no_secret_of_any_hiding_place_is_left() {
    for format in ["sha1", "sha256"] {
        let hidden = build(format);
        let beside = Place::new();
        let values: Vec<&str> = hidden.planted.iter().map(|one| one.value.as_str()).collect();
        beside.write("values", values.join("\n"));
        let sopup = |args: &[&str]| finish(hidden.place.command().args(args).output().expect("sopup runs"));
        let (list, mirror) = (beside.join("values"), beside.join("mirror.git"));
        let (list, mirror) = (list.to_str().expect("UTF-8"), mirror.to_str().expect("UTF-8"));
        let run = sopup(&["purge", "run", "--values-from", list, "--replace-sealed", "--to", mirror]);
        assert_eq!(run.code, 0, "{format}: {}{}", run.stdout, run.stderr);
        let spellings = spellings_of(&values);
        let before = left_of(&spellings, &hidden.place.join(".git"));
        assert!(before.iter().any(|place| place.ends_with("in objects")), "the search finds something: {before:?}");
        assert_eq!(left_of(&spellings, &beside.join("mirror.git")), [""; 0], "{format}");
        let verified = sopup(&["purge", "verify", mirror, "--values-from", list]);
        assert_eq!(verified.code, 0, "{format}: {}{}", verified.stdout, verified.stderr);
        let verified = sopup(&["verify", mirror]);
        assert_eq!(verified.code, 0, "{format}: {}{}", verified.stdout, verified.stderr);
        let led_to = hidden.planted.iter().filter(|one| matches!(one.at, Where::Object(..))).count();
        assert!(led_to > 50, "{led_to}");
    }
}

#[test]
fn kingfisher_finds_no_secret_in_the_mirror() {
    let hidden = build("sha1");
    let beside = Place::new();
    let values: Vec<&str> = hidden.planted.iter().map(|one| one.value.as_str()).collect();
    beside.write("values", values.join("\n"));
    let mut command = hidden.place.command();
    command.args(["purge", "run", "--replace-sealed", "--values-from"]).arg(beside.join("values"));
    let run = finish(command.arg("--to").arg(beside.join("mirror.git")).output().expect("sopup runs"));
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    let program = std::env::var("SOPUP_TEST_KINGFISHER").unwrap_or_else(|_| "kingfisher".into());
    let found = |folder: &std::path::Path| {
        let mut command = Command::new(&program);
        command.args(["scan", "--format", "json", "--no-validate", "--confidence", "low"]).arg(folder);
        let output = isolated(&mut command).env("HOME", beside.path()).output().expect("kingfisher runs");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let mut documents = serde_json::Deserializer::from_str(&text).into_iter::<serde_json::Value>();
        let report = documents.next().and_then(Result::ok).unwrap_or_else(|| panic!("{text}{}", String::from_utf8_lossy(&output.stderr)));
        let findings = report["findings"].as_array().expect("findings").iter();
        findings.map(|finding| finding["finding"]["snippet"].as_str().expect("a snippet").to_owned()).collect::<Vec<_>>()
    };
    assert!(found(hidden.place.path()).len() > 5, "it finds something in the repository");
    // It takes what stands for the password of an address for one.
    let left: Vec<String> = found(&beside.join("mirror.git")).into_iter().filter(|snippet| snippet != "REMOVED").collect();
    assert_eq!(left, [""; 0]);
}
