//! Where git can hide a secret: one repository with all such places, and clones of it that are not
//! complete.

mod build;
mod plant;
mod purged;

use std::collections::BTreeSet;

use build::build;
use plant::Hidden;

use crate::support::Place;

/// Values that a report lists.
fn values(report: &serde_json::Value) -> BTreeSet<String> {
    let findings = report["findings"].as_array().expect("findings").iter();
    findings.map(|finding| finding["secret"]["value"].as_str().expect("--show-secrets").to_owned()).collect()
}

/// The default scan: exit code and report.
fn scanned(place: &Place) -> (i32, serde_json::Value) {
    let run = place.sopup(["scan", "--format", "json", "--show-secrets", "--no-repo-config"]);
    (run.code, serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}: {}{}", run.stdout, run.stderr)))
}

#[test]
fn every_secret_is_in_its_place() {
    for format in ["sha1", "sha256"] {
        let hidden = build(format);
        hidden.assert_in_place();
        let names: BTreeSet<_> = hidden.planted.iter().map(|one| one.name).collect();
        let distinct: BTreeSet<_> = hidden.planted.iter().map(|one| &one.value).collect();
        assert_eq!((names.len(), distinct.len()), (hidden.planted.len(), hidden.planted.len()));
        assert!(names.len() >= 79, "{}", names.len());
    }
}

#[test]
fn every_secret_has_a_form_that_is_found_in_a_file() {
    let Hidden { planted, .. } = build("sha1");
    let files = Place::new();
    for (number, one) in planted.iter().enumerate() {
        files.write(&format!("{number}/{}", one.file), &one.bytes);
    }
    let found = values(&files.report(["--show-secrets"]));
    let missed: Vec<_> = planted.iter().filter(|one| !found.contains(&one.value)).map(|one| (one.name, &one.value)).collect();
    assert!(missed.is_empty(), "{missed:#?}");
}

#[test]
fn clones_have_some_of_the_places() {
    let hidden = build("sha1");
    let names = |options: &[&str]| {
        let clone = hidden.clone_with(options);
        hidden.in_objects_of(&clone).into_iter().map(|one| one.name).collect::<BTreeSet<_>>()
    };
    let (bare, shallow, partial) = (names(&["--mirror"]), names(&["--depth=2"]), names(&["--filter=blob:none"]));
    assert!(bare.contains("a deleted file") && bare.contains("a pull request's ref") && !bare.contains("a dangling blob"));
    assert!(shallow.contains("a file of HEAD") && !shallow.contains("a deleted file"));
    assert!(partial.contains("a commit message") && partial.contains("the name of a file") && !partial.contains("a file of HEAD"));
}

#[test]
fn every_hiding_place_is_found() {
    for format in ["sha1", "sha256"] {
        let hidden = build(format);
        let (code, report) = scanned(&hidden.place);
        let found = values(&report);
        let missed: Vec<_> = hidden.planted.iter().filter(|one| !found.contains(&one.value)).map(|one| one.name).collect();
        assert!(missed.is_empty(), "{format}: {missed:#?}");
        assert_eq!(code, 1, "{format}: {report}");
    }
}

#[test]
fn clones_that_are_not_complete_are_never_clean() {
    let hidden = build("sha1");
    for (options, expected) in [(&["--mirror"][..], 1), (&["--depth=2"], 3), (&["--filter=blob:none"], 3)] {
        let clone = hidden.clone_with(options);
        let (code, report) = scanned(&clone);
        assert_eq!(code, expected, "{options:?}: {}", report["skipped"]);
        let found = values(&report);
        let missed: Vec<_> =
            hidden.in_objects_of(&clone).into_iter().filter(|one| !found.contains(&one.value)).map(|one| one.name).collect();
        assert!(missed.is_empty(), "{options:?}: {missed:#?}");
    }
}
