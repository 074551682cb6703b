//! Where a page happens: a shell in a fresh repository `~/shop` of somebody called Ada.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::page::{Page, Step};
use crate::sops::bench::sops_binary;
use crate::support::path_with;

/// What a step printed, on standard output and standard error, and how it ended.
#[derive(Default)]
pub(crate) struct Printed {
    pub(crate) text: String,
    pub(crate) status: i32,
}

/// Comes before the number and the status of a step that has ended.
const MARK: char = '\u{1e}';

const GIT_CONFIG: &str = "[user]\n\tname = Ada\n\temail = ada@corp.net\n[init]\n\tdefaultBranch = main\n[advice]\n\tdetachedHead = false\n";

/// Pages name values by fingerprints.
const FINGERPRINT_KEY: &str = "the same on every run of the docs";

/// Runs all steps of a page, in order.
pub(crate) fn run(page: &Page) -> Vec<Printed> {
    let work = tempfile::tempdir().expect("a temporary folder");
    let top = work.path().canonicalize().expect("it is there");
    let home = top.join("home/ada");
    fs::create_dir_all(home.join("shop")).expect("a home");
    fs::write(home.join(".gitconfig"), GIT_CONFIG).expect("a configuration");
    fs::create_dir_all(home.join(".local/state/sopup")).expect("folders");
    fs::write(home.join(".local/state/sopup/fingerprint.key"), FINGERPRINT_KEY).expect("a key");
    fs::write(top.join("script"), script(page, &top)).expect("a script");
    let printed = File::create(top.join("printed")).expect("a file");
    let status = Command::new("bash")
        .arg(top.join("script"))
        .current_dir(home.join("shop"))
        .env_clear()
        .env("PATH", tools(&top))
        .envs([("LC_ALL", "C.UTF-8"), ("USER", "ada"), ("GIT_CONFIG_SYSTEM", "/dev/null")])
        .envs([("GIT_AUTHOR_DATE", "2026-11-20T10:00:00Z"), ("GIT_COMMITTER_DATE", "2026-11-20T10:00:00Z")])
        .env("HOME", &home)
        .stdin(Stdio::null())
        .stdout(printed.try_clone().expect("a handle"))
        .stderr(printed)
        .status()
        .expect("bash runs");
    let text = String::from_utf8_lossy(&fs::read(top.join("printed")).expect("it was written")).into_owned();
    assert!(status.success(), "the shell ended with {status}: {text}");
    let text = text.replace(env!("CARGO_BIN_EXE_sopup"), "/home/ada/.cargo/bin/sopup").replace(top.to_str().expect("UTF-8"), "");
    split(&text, page.steps.len())
}

/// One shell script, so that `cd`, variables and `$?` reach the next step.
fn script(page: &Page, top: &Path) -> String {
    let mut script = "git init --quiet\n".to_owned();
    for (number, step) in page.steps.iter().enumerate() {
        match step {
            Step::Command { command, .. } => writeln!(script, "{command}"),
            Step::Setup { script: hidden, .. } => writeln!(script, "(exit 0)\n{hidden}"),
            Step::File { path, content } => {
                let kept = top.join(number.to_string());
                fs::write(&kept, content).expect("a file");
                writeln!(script, "mkdir -p \"$(dirname '{path}')\" && cp '{}' '{path}'", kept.display())
            }
        }
        .expect("texts grow");
        writeln!(script, "status=$?; printf '\\n{MARK}%d %d\\n' {number} $status; (exit $status)").expect("texts grow");
    }
    script.push_str("exit 0\n");
    script
}

/// A PATH that begins with this sopup and the tools of the tests.
fn tools(top: &Path) -> std::ffi::OsString {
    let folder = top.join("bin");
    fs::create_dir(&folder).expect("a folder");
    let kubectl = std::env::var_os("SOPUP_TEST_KUBECTL").map(PathBuf::from);
    let named = [("sopup", Some(PathBuf::from(env!("CARGO_BIN_EXE_sopup")))), ("sops", Some(sops_binary())), ("kubectl", kubectl)];
    for (name, program) in named {
        if let Some(program) = program {
            symlink(program, folder.join(name)).expect("a link");
        }
    }
    path_with([folder])
}

fn split(text: &str, steps: usize) -> Vec<Printed> {
    let mut all = Vec::new();
    let mut before = String::new();
    for piece in text.split_inclusive('\n') {
        let Some((number, status)) = piece.strip_prefix(MARK).and_then(|mark| mark.trim_end().split_once(' ')) else {
            before.push_str(piece);
            continue;
        };
        assert_eq!(number, all.len().to_string(), "a step ended the shell: {before}");
        all.push(Printed { text: std::mem::take(&mut before), status: status.parse().expect("a number") });
    }
    assert_eq!(all.len(), steps, "the shell ended early: {before}");
    all
}
