//! No fault of the system and no damage makes a scan call something clean: it finds all that it finds otherwise, or
//! names what it could not read. By default a sample is tried, which is the same every time; with `SOPUP_TEST_FULL`
//! in the environment everything is.

mod calls;
mod damage;
mod mutations;
mod outside;
mod repository;

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::support::isolated;

/// Whether everything is to be tried.
pub(crate) fn is_full() -> bool {
    std::env::var_os("SOPUP_TEST_FULL").is_some()
}

/// All of it, or `most` of it at even distances.
fn sample<T>(all: Vec<T>, most: usize) -> Vec<T> {
    let step = if is_full() { 1 } else { all.len().div_ceil(most).max(1) };
    all.into_iter().step_by(step).collect()
}

/// A value and the name of the file it is in.
type Finds = BTreeSet<(String, String)>;

/// What a report lists.
fn finds(report: &serde_json::Value) -> Finds {
    let findings = report["findings"].as_array().expect("findings").iter();
    let of = |finding: &serde_json::Value| -> Vec<(String, String)> {
        let value = finding["secret"]["value"].as_str().expect("--show-secrets");
        let name = |path: &str| path.rsplit('/').next().expect("a name").to_owned();
        let places = finding["occurrences"].as_array().expect("occurrences").iter();
        places.map(|place| (value.to_owned(), name(place["path"].as_str().expect("a path")))).collect()
    };
    findings.flat_map(of).collect()
}

/// Why a run that should have found this was wrong; `None` if it was right.
fn fault(output: &Output, expected: &Finds) -> Option<String> {
    let report: Option<serde_json::Value> = serde_json::from_slice(&output.stdout).ok();
    let told = String::from_utf8_lossy(&output.stderr);
    match (output.status.code(), report) {
        (Some(0 | 1), Some(report)) => {
            let lost: Vec<_> = expected.difference(&finds(&report)).cloned().collect();
            (!lost.is_empty()).then(|| format!("complete, but without {lost:?}"))
        }
        (Some(3), Some(report)) => {
            let named = report["summary"]["skipped"].as_array().is_some_and(|skipped| !skipped.is_empty());
            (!named).then(|| "incomplete, but nothing is named".to_owned())
        }
        (Some(2), _) => told.trim().is_empty().then(|| "exit code 2 without a word".to_owned()),
        (code, _) => Some(format!("ends with {code:?}: {told}")),
    }
}

/// A program that may take a minute and 256 MB.
fn bounded(program: &str) -> Command {
    let mut command = Command::new("timeout");
    isolated(&mut command).args(["--signal=KILL", "60", "prlimit", "--data=256000000", program]).stdin(Stdio::null());
    command
}

/// The scan of a repository with these arguments, as a report.
fn scan(at: &Path, args: &[&str]) -> Output {
    let mut command = bounded(env!("CARGO_BIN_EXE_sopup"));
    command.args(scan_args(args)).current_dir(at).env("XDG_STATE_HOME", "/nonexistent").env("HOME", "/nonexistent");
    command.output().expect("timeout and prlimit run")
}

fn scan_args<'a>(args: &[&'a str]) -> Vec<&'a str> {
    [&["scan", "--format", "json", "--show-secrets", "--jobs", "1"], args].concat()
}

/// What a scan without a fault finds.
fn expected(at: &Path, args: &[&str]) -> Finds {
    let output = scan(at, args);
    assert_eq!(output.status.code(), Some(1), "{args:?}: {}", String::from_utf8_lossy(&output.stdout));
    finds(&serde_json::from_slice(&output.stdout).expect("a report"))
}

/// Tries all points on two threads, and fails with what went wrong.
fn try_all<T: Sync>(what: &str, points: &[T], attempt: impl Fn(&T) -> Option<String> + Sync) {
    let (next, wrong) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(point) = points.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Some(why) = attempt(point) {
                        wrong.lock().expect("no attempt panics").push(why);
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().expect("no attempt panics");
    let _ = writeln!(std::io::stderr(), "{what}: {} points, {} wrong", points.len(), wrong.len());
    assert!(wrong.is_empty(), "{what}: {} of {} points:\n{}", wrong.len(), points.len(), wrong.join("\n"));
}
