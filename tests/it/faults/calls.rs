//! Each call that reads, of each scan, fails once (`strace --inject`). What happens before `main`, in the dynamic
//! loader, is left alone: it ends the program by itself.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::process::{Command, Stdio};

use super::repository::{MODES, build};
use super::{bounded, expected, fault, is_full, sample, scan_args, try_all};
use crate::support::{Place, isolated};

/// Calls that look at files, and how they fail. What only tells about a name cannot be interrupted.
const CALLS: [(&str, &[&str]); 14] = [
    ("openat", &["EIO", "EACCES", "EINTR", "ENOSPC"]),
    ("open", &["EIO", "EACCES", "EINTR"]),
    ("read", &["EIO", "EINTR"]),
    ("pread64", &["EIO", "EINTR"]),
    ("statx", &["EIO", "EACCES"]),
    ("newfstatat", &["EIO", "EACCES"]),
    ("fstat", &["EIO"]),
    ("lstat", &["EIO", "EACCES"]),
    ("stat", &["EIO", "EACCES"]),
    ("readlink", &["EIO", "EACCES"]),
    ("getdents64", &["EIO"]),
    ("lseek", &["EIO"]),
    ("getcwd", &["EIO", "EACCES"]),
    ("fcntl", &["EIO"]),
];

struct Point<'a> {
    args: &'a [&'a str],
    call: &'static str,
    error: &'static str,
    number: usize,
    line: String,
}

/// The calls of an undisturbed scan, without those of the loader: Rust looks with `poll` whether the standard streams
/// are open, before anything else.
fn points<'a>(place: &Place, args: &'a [&'a str]) -> Vec<Point<'a>> {
    let log = place.join("trace");
    let mut command = Command::new("strace");
    isolated(&mut command).arg("-f").arg("-o").arg(&log).arg(env!("CARGO_BIN_EXE_sopup")).args(scan_args(args));
    command.current_dir(place.join("repo")).env("XDG_STATE_HOME", "/nonexistent").env("HOME", "/nonexistent");
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).status();
    assert_eq!(status.expect("strace runs: install it").code(), Some(1), "{args:?}");
    let log = String::from_utf8_lossy(&std::fs::read(&log).expect("a log")).into_owned();
    let threads: BTreeSet<_> = log.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert_eq!(threads.len(), 1, "one job is one thread, so that calls can be counted");
    let (mut points, mut counts, mut begun) = (Vec::new(), HashMap::<&str, usize>::new(), false);
    for line in log.lines() {
        let Some((call, _)) = line.split_once(' ').and_then(|(_, rest)| rest.trim_start().split_once('(')) else { continue };
        begun |= call == "poll";
        let Some((call, errors)) = CALLS.iter().find(|(name, _)| *name == call) else { continue };
        let number = counts.entry(call).or_default();
        *number += 1;
        if begun {
            let point = |&error| Point { args, call, error, number: *number, line: line.chars().take(160).collect() };
            points.extend(errors.iter().map(point));
        }
    }
    points
}

fn disturbed(at: &Path, point: &Point<'_>) -> std::process::Output {
    let mut command = bounded("strace");
    command.args(["-f", "--seccomp-bpf", "-o", "/dev/null", "-e", &format!("trace={}", point.call), "-e"]);
    command.arg(format!("inject={}:error={}:when={}", point.call, point.error, point.number));
    command.arg(env!("CARGO_BIN_EXE_sopup")).args(scan_args(point.args));
    command.current_dir(at).env("XDG_STATE_HOME", "/nonexistent").env("HOME", "/nonexistent").output().expect("strace runs")
}

#[test]
fn calls_that_fail_lose_nothing_unseen() {
    let place = build("files");
    let at = place.join("repo");
    let found: Vec<_> = MODES.iter().map(|args| (*args, expected(&at, args))).collect();
    let all: Vec<_> = MODES.iter().flat_map(|args| points(&place, args)).collect();
    assert!(all.len() > 3000, "{}", all.len());
    let points = sample(all, 100);
    try_all("calls that fail", &points, |point| {
        let expected = &found.iter().find(|(args, _)| *args == point.args).expect("each mode").1;
        let why = fault(&disturbed(&at, point), expected)?;
        Some(format!("{:?} {} at {}: {why}\n    {}", point.args, point.error, point.number, point.line))
    });
}

/// The cache that one scan leaves must not make a later one miss something.
#[test]
fn what_a_disturbed_scan_remembers_is_true() {
    let place = build("files");
    let at = place.join("repo");
    let args = ["--no-cache", "--submodules", "--no-repo-config"];
    let found = expected(&at, &args);
    let all = points(&place, &args);
    let points: Vec<_> =
        all.into_iter().filter(|point| matches!(point.call, "read" | "pread64" | "openat") && point.error == "EIO").collect();
    let points = if is_full() { points } else { sample(points, 25) };
    for point in points {
        let state = place.join("state");
        let _ = std::fs::remove_dir_all(at.join(".git/sopup"));
        for (number, inject) in [true, false].into_iter().enumerate() {
            let mut command = if inject { bounded("strace") } else { bounded(env!("CARGO_BIN_EXE_sopup")) };
            if inject {
                let what = format!("inject={}:error={}:when={}", point.call, point.error, point.number);
                command.args(["-f", "--seccomp-bpf", "-o", "/dev/null", "-e", &format!("trace={}", point.call), "-e", &what]);
                command.arg(env!("CARGO_BIN_EXE_sopup"));
            }
            command.args(scan_args(&args[1..])).current_dir(&at).env("XDG_STATE_HOME", &state).env("HOME", "/nonexistent");
            let why = fault(&command.output().expect("strace runs"), &found);
            assert_eq!(why, None, "scan {number}, {} {} at {}", point.error, point.call, point.number);
        }
    }
}
