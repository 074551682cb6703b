//! `sopup purge` is killed wherever it may be: by chance, alone or with the git that it runs, and at the system calls that
//! write. The repository is sound, all refs are old or all are new, and the same command then comes to its end.
//! `SOPUP_TEST_FULL` does it more than 100 times to each kind of run.

use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::purge::{Leaky, VALUE, left_in, state};
use crate::purge_in_place::{files, refs};
use crate::support::{Numbers, Run, isolated};

/// System calls by which files and refs appear and go.
const WRITING: &str = "rename,renameat,renameat2,link,linkat,unlink,unlinkat,symlink,symlinkat,mkdir,fsync";

/// How often each command is killed.
fn rounds(of: usize) -> usize {
    if std::env::var_os("SOPUP_TEST_FULL").is_some() { of * 32 } else { of }
}

fn leaky() -> Leaky {
    let leaky = Leaky::new();
    for number in 0..30 {
        leaky.commit(&format!("app{}.env", number % 5), format!("N={number}\nPASSWORD={VALUE}\n"), "more");
        if number % 3 == 0 {
            leaky.git(&["branch", &format!("b/{number}")]);
            leaky.git(&["tag", "-a", "-m", "x", &format!("v{number}")]);
        }
    }
    leaky.git(&["pack-refs", "--all"]);
    leaky.git(&["update-ref", "refs/remotes/origin/main", "main~2"]);
    leaky.git(&["branch", "loose", "main~4"]);
    leaky.place.write("values", format!("{VALUE}\n"));
    leaky
}

fn copy(of: &Leaky) -> Leaky {
    let copy = Leaky::new();
    std::fs::remove_dir_all(copy.repo()).expect("removed");
    copy.place.shell(&format!("cp -a '{}'/. .", of.place.path().display()));
    copy
}

/// What a killed command is followed by.
struct Expected {
    old: String,
    new: String,
}

impl Expected {
    /// Of a repository like the others, in which nothing is killed.
    fn of(leaky: &Leaky) -> Self {
        let old = refs(leaky);
        let run = leaky.purge(&["run", "--in-place"]);
        assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
        Self { old, new: refs(leaky) }
    }

    /// Looks that the repository is sound; gives whether its refs are new.
    fn is_new(&self, leaky: &Leaky, how: &str) -> bool {
        let now = refs(leaky);
        assert!(now == self.old || now == self.new, "{how}: a mixture of refs:\n{now}\nold:\n{}", self.old);
        leaky.git(&["fsck", "--full"]);
        now == self.new
    }

    /// Looks that all is new, and that files and index are as `HEAD` says.
    fn assert_new(&self, leaky: &Leaky, how: &str) {
        assert!(self.is_new(leaky, how), "{how}");
        assert_eq!(leaky.git(&["status", "--porcelain"]), "", "{how}");
        assert!(files(leaky).values().all(|(_, content)| !content.contains(VALUE)), "{how}");
        assert_eq!(leaky.place.shell("find repo/.git -name '*.lock' -not -path '*/sopup/*'"), "", "{how}");
    }
}

/// Starts a command in the repository and kills it at the point of this number; gives how.
fn killed(leaky: &Leaky, args: &[&str], point: usize, numbers: &mut Numbers) -> String {
    let program = env!("CARGO_BIN_EXE_sopup");
    let (mut command, how) = if point.is_multiple_of(2) {
        let call = 1 + numbers.below(180);
        let mut command = Command::new("strace");
        command.args(["-f", "-qqq", "-o", "/dev/null", "-e", &format!("trace={WRITING}")]);
        command.args(["-e", &format!("inject={WRITING}:signal=KILL:when={call}"), program]);
        (command, format!("{args:?} killed at writing call {call}"))
    } else {
        (Command::new(program), String::new())
    };
    isolated(&mut command).arg("purge").args(args).current_dir(leaky.repo()).env("XDG_STATE_HOME", leaky.place.join("state"));
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0).spawn().expect("it starts");
    if !how.is_empty() {
        let _ = child.wait();
        return how;
    }
    let micros = numbers.below(140_000) as u64;
    std::thread::sleep(Duration::from_micros(micros));
    let id = rustix::process::Pid::from_child(&child);
    let with_git = point % 4 == 1;
    let _ = if with_git {
        rustix::process::kill_process_group(id, rustix::process::Signal::KILL)
    } else {
        rustix::process::kill_process(id, rustix::process::Signal::KILL)
    };
    let _ = child.wait();
    // The git of a killed sopup may go on; it is over when nobody holds its group any more.
    while rustix::process::test_kill_process_group(id).is_ok() {
        std::thread::sleep(Duration::from_millis(2));
    }
    format!("{args:?} killed after {micros} µs, git too: {with_git}")
}

/// The command again. What a killed git left locked, git and sopup ask to be removed.
fn again(leaky: &Leaky, args: &[&str]) -> Run {
    loop {
        let run = leaky.sopup(args);
        let is_locked = run.code != 0 && run.stderr.contains("remove the file that it left");
        let removed = is_locked.then(|| leaky.place.shell("find repo/.git '(' -name '*.lock' -o -name packed-refs.new ')' -print -delete"));
        if removed.is_none_or(|removed| removed.is_empty()) {
            return run;
        }
    }
}

const IN_PLACE: &[&str] = &["run", "--in-place", "--values-from", "../values"];

#[test]
fn a_mirror() {
    let mut numbers = Numbers(1);
    let leaky = leaky();
    let before = state(&leaky.repo());
    for point in 0..rounds(4) {
        let how = killed(&leaky, &["run", "--values-from", "../values"], point, &mut numbers);
        assert_eq!(state(&leaky.repo()), before, "{how}");
        let mirror = leaky.place.join("repo.purged.git");
        if !mirror.exists() {
            let run = leaky.purge(&["run"]);
            assert_eq!(run.code, 0, "{how}: {}{}", run.stdout, run.stderr);
        }
        assert_eq!(left_in(&mirror), [""; 0], "{how}: a mirror has its name only when it is whole");
        std::fs::remove_dir_all(mirror).expect("removed");
        assert!(!leaky.place.join(".repo.purged.git.part").exists(), "{how}");
    }
}

#[test]
fn a_repository_in_place_then_its_end() {
    let mut numbers = Numbers(2);
    let template = leaky();
    let expected = Expected::of(&copy(&template));
    let mut seen = [0, 0];
    for point in 0..rounds(4) {
        let leaky = copy(&template);
        let before = files(&leaky);
        let how = killed(&leaky, IN_PLACE, point, &mut numbers);
        let is_new = expected.is_new(&leaky, &how);
        seen[usize::from(is_new)] += 1;
        if !is_new {
            assert_eq!(files(&leaky), before, "{how}: files change only after the refs");
        }
        let run = again(&leaky, &[&["purge"], IN_PLACE].concat());
        let was_done = is_new && run.code == 4 && run.stderr.contains("of an earlier purge are kept");
        assert!(run.code == 0 || was_done, "{how}: {}{}", run.stdout, run.stderr);
        expected.assert_new(&leaky, &how);
        let how = killed(&leaky, &["finish", "--yes"], point, &mut numbers);
        assert!(expected.is_new(&leaky, &how), "{how}");
        let run = again(&leaky, &["purge", "finish", "--yes"]);
        assert_eq!(run.code, 0, "{how}: {}{}", run.stdout, run.stderr);
        expected.assert_new(&leaky, &how);
        assert_eq!(left_in(&leaky.repo().join(".git")), [""; 0], "{how}");
    }
    assert!(seen[0] > 0, "{seen:?}: no run was killed before its refs changed");
}

#[test]
fn a_way_back() {
    let mut numbers = Numbers(3);
    let leaky = leaky();
    let expected = Expected::of(&copy(&leaky));
    let before = files(&leaky);
    for point in 0..rounds(2) {
        let run = leaky.purge(&["run", "--in-place"]);
        assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
        let how = killed(&leaky, &["restore"], point, &mut numbers);
        let is_new = expected.is_new(&leaky, &how);
        let run = again(&leaky, &["purge", "restore"]);
        let was_done = !is_new && run.code == 4 && run.stderr.contains("waits to be ended or taken back");
        assert!(run.code == 0 || was_done, "{how}: {}{}", run.stdout, run.stderr);
        assert_eq!(refs(&leaky), expected.old, "{how}");
        assert_eq!(leaky.git(&["for-each-ref", "refs/sopup"]), "", "{how}");
        assert_eq!((files(&leaky), leaky.git(&["status", "--porcelain"])), (before.clone(), String::new()), "{how}");
    }
}
