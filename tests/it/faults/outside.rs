//! A repository that names programs, files elsewhere and servers wherever git or kustomize would obey: sopup starts
//! no program but `kubectl` on its own copy, connects to nothing and opens nothing of what is outside.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::support::{Place, identity, isolated, path_with};

/// In the name of everything outside that must not be opened.
const OUTSIDE: &str = "outside-of-it";

/// Whether the repository also has what makes sopup refuse to open it for a migration.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Worst {
    Included,
    Not,
}

fn hostile(worst: Worst) -> Place {
    let place = Place::new();
    let recipient = identity(&place, "keys.txt");
    place.shell("git init --quiet --initial-branch=main repo; mkdir outside-of-it");
    place.write("outside-of-it/more.config", "[user]\n\tname = X\n\temail = x@corp.net\n");
    place.write("repo/app/values.yaml", "db_password: \"Walrus31Quartz!11\"\n");
    place.write("repo/.sops.yaml", format!("creation_rules:\n  - age: {recipient}\n"));
    place.write(
        "repo/app/kustomization.yaml",
        "resources:\n  - https://127.0.0.1:9/x//y?ref=main\n  - \"file:///x//y?version=--upload-pack=touch outside-of-it\"\n  - values.yaml\n",
    );
    place.shell("cd repo; git add -A; git commit --quiet -m one; echo 'api_password: \"Timber32Falcon!48\"' > app/new.yaml; git add -A");
    let marker = place.join(OUTSIDE).join("ran");
    let marker = marker.display();
    place.write("outside-of-it/run", format!("#!/bin/sh\ntouch {marker}\n"));
    place.write(".git-attributes", "");
    place.write("repo/app/kept.enc.yaml", "a: 1\n");
    place.write("repo/.gitattributes", "*.yaml diff=evil filter=evil\n");
    place.shell("chmod 755 outside-of-it/run; mkdir -p outside-of-it/objects/pack");
    let run = place.join(OUTSIDE).join("run");
    let run = run.display();
    place.shell(&format!(
        "cd repo; git config core.fsmonitor {run}; git config core.hooksPath {OUTSIDE}; git config filter.evil.clean {run}; \
         git config filter.evil.smudge {run}; git config filter.evil.process {run}; git config diff.evil.textconv {run}; \
         git config diff.evil.command {run}; git config core.sshCommand {run}; git config gpg.program {run}; git config core.editor {run}; \
         mkdir -p .git/hooks; for hook in pre-commit post-index-change post-checkout reference-transaction; do cp ../outside-of-it/run .git/hooks/$hook; done; \
         mkdir nested; echo 'gitdir: ../../outside-of-it/git' > nested/.git"
    ));
    if worst == Worst::Included {
        place.write("repo/.git/objects/info/alternates", format!("{}\n", place.join(OUTSIDE).join("objects").display()));
        place.shell("ln -s ../../../outside-of-it/more.config repo/.git/info/attributes");
        place.shell(&format!("cd repo; git config include.path ../../{OUTSIDE}/more.config"));
    }
    place
}

/// What a command did that it must not do.
fn deeds(place: &Place, args: &[&str]) -> (i32, Vec<String>) {
    let log = place.join("calls");
    let mut command = Command::new("strace");
    isolated(&mut command).args(["-f", "-s", "400", "-o"]).arg(&log);
    command.args(["-e", "trace=execve,execveat,connect,openat,open"]).arg(env!("CARGO_BIN_EXE_sopup")).args(args);
    command.current_dir(place.join("repo")).env("XDG_STATE_HOME", place.join("state")).env("HOME", place.path());
    command.env("SOPS_AGE_KEY_FILE", place.join("keys.txt"));
    if let Some(kubectl) = std::env::var_os("SOPUP_TEST_KUBECTL").map(PathBuf::from) {
        command.env("PATH", path_with(kubectl.parent().map(Path::to_path_buf)));
    }
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status().expect("strace runs: install it");
    assert!(matches!(status.code(), Some(0..=5)), "{args:?} ends with {status}");
    let log = String::from_utf8_lossy(&std::fs::read(&log).expect("a log")).into_owned();
    let copy = |line: &str| line.contains("kubectl") && !line.contains(&place.path().display().to_string());
    let wrong = |line: &&str| {
        let (call, failed) = (line.split_once(' ').map_or("", |(_, rest)| rest.trim_start()), line.contains("= -1 ENOENT"));
        if call.starts_with("execve") {
            return !failed && !copy(line);
        }
        call.starts_with("connect(") || call.starts_with("open") && line.contains(OUTSIDE)
    };
    // The first is sopup itself.
    (status.code().expect("it ended"), log.lines().skip(1).filter(wrong).map(str::to_owned).collect())
}

#[test]
fn nothing_outside_is_run_opened_or_called() {
    let commands: [&[&str]; 25] = [
        &["scan"],
        &["scan", "--submodules", "--no-cache"],
        &["scan", "--worktree"],
        &["scan", "--history"],
        &["scan", "--staged"],
        &["scan", "--range", "HEAD"],
        &["scan", "--range", "@{0}"],
        &["scan", "--merge-base", "main"],
        &["explain", "app/values.yaml:1"],
        &["rules", "list"],
        &["doctor"],
        &["doctor", "--fix"],
        &["encrypt", "app/new.yaml"],
        &["encrypt", "-i", "app/kept.enc.yaml"],
        &["set", "app/kept.enc.yaml", "[\"b\"]", "2"],
        &["decrypt", "app/kept.enc.yaml"],
        &["rotate", "-i", "app/kept.enc.yaml"],
        &["filestatus", "app/new.yaml"],
        &["verify"],
        &["purge", "plan"],
        &["cleanup", "--status"],
        &["render", "app/new.yaml"],
        &["migrate", "--dry-run"],
        &["migrate", "--yes", "--include-review"],
        &["migrate", "--undo"],
    ];
    for worst in [Worst::Included, Worst::Not] {
        let place = hostile(worst);
        for args in commands {
            let (code, deeds) = deeds(&place, args);
            assert!(deeds.is_empty(), "sopup {args:?}:\n{}", deeds.join("\n"));
            if args == ["migrate", "--yes", "--include-review"] {
                assert_eq!(code == 2, worst == Worst::Included, "the migration is refused, or done: {code}");
            }
        }
        assert!(!place.join(OUTSIDE).join("ran").exists());
    }
}
