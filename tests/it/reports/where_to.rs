//! Where reports go: files, standard output, several in one run.

use std::os::unix::fs::PermissionsExt as _;

use super::leaky;
use crate::support::{Place, TOKEN};

#[test]
fn one_run_writes_several_reports() {
    let place = leaky();
    let run = place.sopup(["scan", "--report", "sarif=a.sarif", "--report", "html=b.html", "--report", "json=c.json"]);
    assert_eq!(run.code, 1);
    assert!(run.stdout.contains("high[generic-password]"), "{}", run.stdout);
    for (file, begin) in [("a.sarif", "{"), ("b.html", "<!doctype html>"), ("c.json", "{")] {
        let text = std::fs::read_to_string(place.join(file)).expect("a report");
        assert!(text.starts_with(begin), "{file}: {text}");
        let mode = std::fs::metadata(place.join(file)).expect("a report").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
        assert!(run.stderr.contains(&format!("report written to {file}")), "{}", run.stderr);
    }
}

#[test]
fn a_report_on_standard_output_stands_alone() {
    let place = Place::new();
    place.write("a.txt", TOKEN);
    let run = place.sopup(["scan", "--report", "oneline=-"]);
    assert_eq!((run.code, run.stdout.as_str()), (1, "a.txt:1:1: critical github-personal-access-token ghp_********\n"));
    let run = place.sopup(["scan", "--report", "oneline=-", "--output", "people.txt"]);
    assert!(run.stdout.starts_with("a.txt:1:1: ") && run.stderr.contains("1 secret in 1 place (1 critical)"), "{}", run.stderr);
    assert!(std::fs::read_to_string(place.join("people.txt")).expect("a report").contains("Next: "));
}

#[test]
fn reports_that_would_mix_are_refused_before_the_scan() {
    let place = Place::new();
    place.write("a.txt", TOKEN);
    let cases: [(&[&str], &str); 5] = [
        (&["--report", "sarif=-", "--format", "json"], "two reports would go to standard output"),
        (&["--report", "sarif=-", "--report", "csv=-"], "two reports would go to standard output"),
        (&["--report", "sarif=x", "--report", "csv=x"], "two reports would go to x"),
        (&["--report", "sarif=x", "--output", "x"], "two reports would go to x"),
        (&["--report", "sarif"], "write FORMAT=FILE"),
    ];
    for (args, message) in cases {
        let run = place.sopup([&["scan"], args].concat());
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{args:?}");
        assert!(run.stderr.contains(message), "{args:?}: {}", run.stderr);
        assert!(!place.join("x").exists());
    }
    let run = place.sopup(["scan", "--report", "srif=x"]);
    assert!(run.code == 2 && run.stderr.contains("a similar value exists: 'sarif'"), "{}", run.stderr);
}

#[test]
fn a_report_that_goes_to_a_file_leaves_a_word() {
    let place = Place::new();
    place.write("a.txt", TOKEN);
    let run = place.sopup(["scan", "--format", "json", "--output", "a.json"]);
    assert_eq!((run.code, run.stdout.as_str()), (1, ""));
    assert!(
        run.stderr.contains("1 secret in 1 place (1 critical)") && run.stderr.contains("json report written to a.json"),
        "{}",
        run.stderr
    );
}
