//! `sopup hook` with the real git, and with the real managers of hooks.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{Place, Run, TOKEN, binaries, finish, isolated, path_with};

/// A command that finds the program under test on PATH.
fn with_path(place: &Place, program: &str, args: &[&str]) -> Run {
    let mut command = Command::new(program);
    isolated(&mut command).args(args).current_dir(place.path()).env("PATH", path_with([binaries()])).env("HOME", place.join(".git"));
    command.env("XDG_STATE_HOME", place.join(".git/state")).env("PRE_COMMIT_HOME", place.join(".git/pre-commit"));
    command.env("PREK_HOME", place.join(".git/prek"));
    finish(command.output().unwrap_or_else(|error| panic!("{program}: {error}; ./test.sh installs it")))
}

/// git, which may fail.
fn git(place: &Place, args: &[&str]) -> Run {
    with_path(place, "git", args)
}

/// A tool of `test.sh`.
fn tool(name: &str) -> String {
    let folder = std::env::var_os("SOPUP_TEST_PRE_COMMIT").map(PathBuf::from).and_then(|path| path.parent().map(Path::to_path_buf));
    let tool = folder.map(|folder| folder.join(name)).filter(|tool| tool.exists());
    tool.map_or_else(|| name.to_owned(), |tool| tool.to_str().expect("UTF-8").to_owned())
}

fn script(place: &Place, path: &str, text: &str) {
    place.write(path, text);
    fs::set_permissions(place.join(path), fs::Permissions::from_mode(0o755)).expect("it is ours");
}

fn leak(place: &Place) {
    place.write("deploy.env", format!("GITHUB_TOKEN={TOKEN}\n")).git(["add", "--all"]);
}

#[test]
fn quiet_says_nothing_of_what_went_well_and_a_foreign_folder_is_named() {
    let place = Place::repository();
    let run = place.sopup(["--quiet", "hook", "install"]);
    assert_eq!((run.code, run.stdout.as_str(), run.stderr.as_str()), (0, "", ""));
    assert!(place.join(".git/hooks/pre-commit").is_file());
    place.git(["config", "core.hooksPath", "elsewhere"]);
    for command in ["status", "uninstall"] {
        let run = place.sopup(["hook", command]);
        assert!(
            run.code == 0 && run.stderr.contains("git passes over pre-commit, ") && run.stderr.contains("core.hooksPath"),
            "{}",
            run.stderr
        );
    }
    place.git(["config", "--unset", "core.hooksPath"]);
    let run = place.sopup(["--quiet", "hook", "uninstall"]);
    assert_eq!((run.code, run.stdout.as_str(), run.stderr.as_str()), (0, "", ""));
    assert!(!place.join(".git/hooks/pre-commit").exists());
}

#[test]
fn git_stops_a_commit_its_message_and_a_push() {
    let place = Place::repository();
    place.write("a.txt", "nothing\n").commit("first");
    place.git(["init", "--quiet", "--bare", ".git/remote.git"]);
    place.git(["remote", "add", "origin", ".git/remote.git"]);
    let run = place.sopup(["hook", "install"]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    assert_eq!(place.sopup(["hook", "install"]).code, 0, "again is fine");

    leak(&place);
    let run = git(&place, &["commit", "--quiet", "--message", "leak"]);
    assert_eq!(run.code, 1, "{}", run.stderr);
    assert!(run.stderr.contains("the commit was blocked") && run.stderr.contains("--no-verify"), "{}", run.stderr);
    assert!(!run.stderr.contains(TOKEN), "{}", run.stderr);
    place.git(["reset", "--quiet", "--hard"]);

    // Without an editor git keeps lines that look like comments.
    let run = git(&place, &["commit", "--quiet", "--allow-empty", "--message", &format!("use\n\n# {TOKEN}")]);
    assert_eq!(run.code, 1, "{}", run.stderr);
    assert!(run.stderr.contains("COMMIT_EDITMSG") && !run.stderr.contains(TOKEN), "{}", run.stderr);
    // With one it drops them.
    let editor = format!("core.editor=printf 'title\\n# {TOKEN}\\n' >");
    let run = git(&place, &["-c", &editor, "commit", "--quiet", "--allow-empty"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(!place.git(["log", "-1", "--format=%B"]).contains(TOKEN));

    assert_eq!(git(&place, &["push", "--quiet", "origin", "main"]).code, 0);
    leak(&place);
    place.git(["checkout", "--quiet", "-b", "side"]);
    place.git(["commit", "--quiet", "--no-verify", "--message", "past the hook"]);
    place.git(["checkout", "--quiet", "main"]);
    let run = git(&place, &["merge", "--quiet", "--no-ff", "--no-edit", "side"]);
    assert_eq!(run.code, 1, "{}", run.stderr);
    assert!(run.stderr.contains("the merge was stopped") && !run.stderr.contains(TOKEN), "{}", run.stderr);
    place.git(["merge", "--abort"]);
    place.git(["merge", "--quiet", "side"]);
    let run = git(&place, &["push", "--quiet", "origin", "main"]);
    assert_ne!(run.code, 0);
    assert!(run.stderr.contains("the push was blocked") && !run.stderr.contains(TOKEN), "{}", run.stderr);
}

#[test]
fn a_server_refuses_what_its_hook_finds() {
    let place = Place::repository();
    place.git(["init", "--quiet", "--bare", "remote.git"]);
    assert_eq!(place.sopup(["hook", "install", "-C", "remote.git"]).code, 0);
    assert!(place.join("remote.git/hooks/pre-receive").is_file() && !place.join("remote.git/hooks/pre-commit").exists());
    script(&place, "remote.git/hooks/pre-receive.before-sopup", "#!/bin/sh\ncat > seen\n");
    place.write("a.txt", "nothing\n").write(".gitignore", "remote.git\n").commit("first");
    assert_eq!(git(&place, &["push", "--quiet", "remote.git", "main"]).code, 0);
    let head = place.git(["rev-parse", "HEAD"]);
    let seen = fs::read_to_string(place.join("remote.git/seen")).expect("it ran");
    assert_eq!(seen, format!("{} {} refs/heads/main\n", "0".repeat(40), head.trim()));
    leak(&place);
    place.commit("leak");
    let run = git(&place, &["push", "--quiet", "remote.git", "main"]);
    assert_ne!(run.code, 0);
    assert!(run.stderr.contains("the push was refused") && !run.stderr.contains(TOKEN), "{}", run.stderr);
}

#[test]
fn a_hook_that_is_there_runs_first_and_comes_back_as_it_was() {
    let place = Place::repository();
    place.write("a.txt", "nothing\n").commit("first");
    let text = "#!/bin/sh\necho \"first $0 $#\" >> .git/ran\n[ ! -e .git/veto ]\n";
    script(&place, ".git/hooks/pre-commit", text);
    fs::set_permissions(place.join(".git/hooks/pre-commit"), fs::Permissions::from_mode(0o750)).expect("it is ours");
    script(&place, ".git/hooks/push.sh", "#!/bin/sh\ncat > .git/input\necho \"$@\" > .git/arguments\n");
    symlink("push.sh", place.join(".git/hooks/pre-push")).expect("a link");
    let run = place.sopup(["hook", "install"]);
    assert!(run.code == 0 && run.stdout.contains("pre-commit.before-sopup"), "{}{}", run.stdout, run.stderr);
    let status = place.sopup(["hook", "status"]).stdout;
    assert!(status.contains("installed, after pre-commit.before-sopup"), "{status}");

    leak(&place);
    assert_eq!(git(&place, &["commit", "--quiet", "--message", "leak"]).code, 1);
    assert!(fs::read_to_string(place.join(".git/ran")).expect("it ran").starts_with("first "));
    place.git(["reset", "--quiet", "--hard"]);
    place.write(".git/veto", "");
    assert_eq!(git(&place, &["commit", "--quiet", "--allow-empty", "--message", "clean"]).code, 1, "the other hook's word counts");
    fs::remove_file(place.join(".git/veto")).expect("it is ours");
    assert_eq!(git(&place, &["commit", "--quiet", "--allow-empty", "--message", "clean"]).code, 0);
    place.git(["init", "--quiet", "--bare", ".git/remote.git"]);
    assert_eq!(git(&place, &["push", "--quiet", ".git/remote.git", "main"]).code, 0);
    assert!(fs::read_to_string(place.join(".git/input")).expect("it ran").starts_with("refs/heads/main "));
    assert_eq!(fs::read_to_string(place.join(".git/arguments")).expect("it ran"), ".git/remote.git .git/remote.git\n");

    assert_eq!(place.sopup(["hook", "uninstall"]).code, 0);
    let back = place.join(".git/hooks/pre-commit");
    assert_eq!(fs::read_to_string(&back).expect("it is back"), text);
    assert_eq!(fs::metadata(&back).expect("it is back").permissions().mode() & 0o777, 0o750);
    assert_eq!(fs::read_link(place.join(".git/hooks/pre-push")).expect("still a link"), Path::new("push.sh"));
    let left = place.shell("ls .git/hooks | grep -v sample");
    assert_eq!(left, "pre-commit\npre-push\npush.sh\n");
}

#[test]
fn nothing_is_overwritten() {
    let place = Place::repository();
    script(&place, ".git/hooks/pre-commit", "#!/bin/sh\n");
    script(&place, ".git/hooks/pre-commit.before-sopup", "#!/bin/sh\n# older\n");
    let run = place.sopup(["hook", "install", "pre-commit"]);
    assert!(run.code == 4 && run.stderr.contains("is in the way"), "{}", run.stderr);
    assert_eq!(fs::read_to_string(place.join(".git/hooks/pre-commit")).expect("still there"), "#!/bin/sh\n");
    fs::remove_file(place.join(".git/hooks/pre-commit.before-sopup")).expect("it is ours");

    assert_eq!(place.sopup(["hook", "install", "pre-commit"]).code, 0);
    let hook = place.join(".git/hooks/pre-commit");
    let text = fs::read_to_string(&hook).expect("installed");
    fs::write(&hook, format!("{text}echo mine\n")).expect("it is ours");
    for command in ["install", "uninstall"] {
        let run = place.sopup(["hook", command, "pre-commit"]);
        assert!(run.code == 4 && run.stderr.contains("changed by hand"), "{}", run.stderr);
    }
    assert!(fs::read_to_string(&hook).expect("still there").ends_with("echo mine\n"));
}

#[test]
fn a_hook_without_sopup_stops_and_says_so() {
    let place = Place::repository();
    let copy = place.join(".git/sopup copy's");
    // What was just written may still be open in a child of another thread, and cannot be run then.
    let program = env!("CARGO_BIN_EXE_sopup");
    fs::hard_link(program, &copy).or_else(|_| fs::copy(program, &copy).map(drop)).expect("a copy");
    let quoted = copy.to_str().expect("UTF-8").replace('\'', r"'\''");
    place.shell(&format!("'{quoted}' hook install pre-commit"));
    fs::remove_file(&copy).expect("it is ours");
    // On PATH there is another one.
    assert_eq!(git(&place, &["commit", "--quiet", "--allow-empty", "--message", "found"]).code, 0);
    let mut without = Command::new("git");
    isolated(&mut without).args(["commit", "--quiet", "--allow-empty", "--message", "gone"]).current_dir(place.path());
    let run = finish(without.env("PATH", "/usr/bin:/bin").output().expect("git runs"));
    assert_eq!(run.code, 1, "{}", run.stderr);
    assert!(run.stderr.contains("the commit was blocked, because sopup is gone"), "{}", run.stderr);
}

#[test]
fn hooks_go_where_git_looks_for_them() {
    let place = Place::repository();
    place.write("a.txt", "nothing\n").commit("first");
    place.git(["worktree", "add", "--quiet", "linked"]);
    assert_eq!(place.sopup(["hook", "install", "-C", "linked"]).code, 0);
    assert!(place.join(".git/hooks/pre-commit").is_file());
    place.write("linked/deploy.env", format!("GITHUB_TOKEN={TOKEN}\n"));
    place.git(["-C", "linked", "add", "--all"]);
    assert_eq!(git(&place, &["-C", "linked", "commit", "--quiet", "--message", "leak"]).code, 1);

    let own = Place::repository();
    own.git(["config", "core.hooksPath", ".githooks"]);
    assert_eq!(own.sopup(["hook", "install"]).code, 0);
    assert!(own.join(".githooks/pre-commit").is_file() && !own.join(".git/hooks/pre-commit").exists());

    let elsewhere = Place::new();
    own.git(["config", "core.hooksPath", elsewhere.path().to_str().expect("UTF-8")]);
    let run = own.sopup(["hook", "install"]);
    assert!(run.code == 4 && run.stderr.contains("other repositories"), "{}", run.stderr);
    assert_eq!(fs::read_dir(elsewhere.path()).expect("a folder").count(), 0);
    assert_eq!(own.sopup(["hook", "install", "--shared"]).code, 0);
    assert!(elsewhere.join("pre-commit").is_file());
    let run = own.sopup(["hook", "uninstall"]);
    assert!(run.code == 4 && run.stderr.contains("--shared") && elsewhere.join("pre-commit").is_file(), "{}", run.stderr);
    assert_eq!(own.sopup(["hook", "uninstall", "--shared"]).code, 0);
    assert!(!elsewhere.join("pre-commit").exists());
}

/// Installs through a manager and lets git commit and push.
fn stops_through(place: &Place, file: &str, install: &[&str]) {
    let before = fs::read_to_string(place.join(file)).unwrap_or_default();
    let run = place.sopup(["hook", "install"]);
    assert_eq!(run.code, 4, "{}{}", run.stdout, run.stderr);
    assert!(run.stdout.contains("sopup hook run") && run.stdout.contains(file), "{}", run.stdout);
    assert_eq!(fs::read_to_string(place.join(file)).unwrap_or_default(), before, "nothing without --write");
    let run = place.sopup(["hook", "install", "--write"]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    let after = fs::read_to_string(place.join(file)).expect("written");
    let is_kept = before.lines().all(|line| after.lines().any(|kept| kept == line));
    assert!(is_kept && after.len() > before.len(), "{after}");
    let again = place.sopup(["hook", "install", "--write"]);
    assert!(again.code == 0 && again.stdout.contains("is there already"), "{}{}", again.stdout, again.stderr);
    assert_eq!(fs::read_to_string(place.join(file)).expect("written"), after);
    let run = with_path(place, install[0], &install[1..]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    let status = place.sopup(["hook", "status"]).stdout;
    assert_eq!(status.matches(" covered: ").count(), 4, "{status}");

    place.git(["add", "--all"]);
    let run = git(place, &["commit", "--quiet", "--message", "clean"]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    place.git(["init", "--quiet", "--bare", ".git/remote.git"]);
    place.git(["remote", "add", "origin", ".git/remote.git"]);
    let run = git(place, &["push", "--quiet", "origin", "main"]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    let run = git(place, &["commit", "--quiet", "--allow-empty", "--message", TOKEN]);
    assert!(run.code == 1 && format!("{}{}", run.stdout, run.stderr).contains("COMMIT_EDITMSG"), "{}{}", run.stdout, run.stderr);
    leak(place);
    let run = git(place, &["commit", "--quiet", "--message", "leak"]);
    assert!(run.code == 1 && format!("{}{}", run.stdout, run.stderr).contains("deploy.env:1:14"), "{}{}", run.stdout, run.stderr);
    place.git(["commit", "--quiet", "--no-verify", "--message", "past the hook"]);
    let run = git(place, &["push", "--quiet", "origin", "main"]);
    assert!(run.code != 0 && format!("{}{}", run.stdout, run.stderr).contains("deploy.env:1:14"), "{}{}", run.stdout, run.stderr);

    let run = place.sopup(["hook", "uninstall"]);
    assert!(run.code == 0 && run.stdout.contains(&format!("took sopup out of {file}")), "{}{}", run.stdout, run.stderr);
    assert_eq!(fs::read_to_string(place.join(file)).expect("still there"), before);
    assert!(place.sopup(["hook", "uninstall"]).stdout.contains("no hook of sopup"));
}

const TYPES: [&str; 8] =
    ["--hook-type", "pre-commit", "--hook-type", "pre-merge-commit", "--hook-type", "commit-msg", "--hook-type", "pre-push"];

#[test]
fn pre_commit_runs_what_was_written() {
    let place = Place::repository();
    place.write(".pre-commit-config.yaml", "# ours\nrepos:\n- repo: meta\n  hooks:\n  - id: identity # shows names\n");
    stops_through(&place, ".pre-commit-config.yaml", &[&[&*tool("pre-commit"), "install"][..], &TYPES].concat());
}

#[test]
fn prek_runs_what_was_written() {
    let place = Place::repository();
    place.write("prek.toml", "# ours\n[[repos]]\nrepo = \"meta\"\nhooks = [{ id = \"identity\" }]\n");
    stops_through(&place, "prek.toml", &[&[&*tool("prek"), "install"][..], &TYPES].concat());
}

#[test]
fn prek_is_told_from_pre_commit_by_what_it_installed() {
    let place = Place::repository();
    place.write(".pre-commit-config.yaml", "repos: []\n");
    assert!(place.sopup(["hook", "status"]).stdout.contains("pre-commit runs hooks here"));
    assert_eq!(with_path(&place, &tool("prek"), &["install"]).code, 0);
    assert!(place.sopup(["hook", "status"]).stdout.contains("prek runs hooks here"));
    let run = place.sopup(["hook", "install", "--write"]);
    assert!(run.code == 4 && run.stderr.contains("by hand"), "{}", run.stderr);
    assert_eq!(fs::read_to_string(place.join(".pre-commit-config.yaml")).expect("still there"), "repos: []\n");
}

#[test]
fn lefthook_runs_what_was_written() {
    let place = Place::repository();
    place.write("lefthook.yml", "# ours\npost-checkout:\n  commands:\n    note:\n      run: echo out\n");
    stops_through(&place, "lefthook.yml", &[&tool("lefthook"), "install"]);
}

#[test]
fn status_tells_what_a_manager_does_not_cover() {
    let place = Place::repository();
    place.write("lefthook.yml", "# ours\n");
    assert_eq!(place.sopup(["hook", "install", "--write", "commit-msg"]).code, 0);
    let status = place.sopup(["hook", "status"]).stdout;
    assert!(
        status.contains("commit-msg       not covered: lefthook.yml runs sopup, but git does not run lefthook; `lefthook install`"),
        "{status}"
    );
    assert!(status.contains("pre-commit       not covered: lefthook.yml does not run sopup"), "{status}");
    let place = Place::repository();
    place.write(".pre-commit-config.yaml", "repos:\n- repo: https://github.com/sopup/sopup\n  hooks:\n  - id: sopup-python # ours\n");
    let status = place.sopup(["hook", "status"]).stdout;
    assert!(status.contains("pre-commit       not covered: .pre-commit-config.yaml runs sopup, but"), "{status}");
    assert!(status.contains("pre-push         not covered: .pre-commit-config.yaml does not run"), "{status}");
}

#[test]
fn lefthook_sections_that_are_there_are_extended() {
    for section in [
        "pre-commit:\n  commands:\n    old:\n      run: echo old\n",
        "pre-commit:\n  jobs:\n    - name: old\n      run: echo old\n",
        "pre-commit:\n  parallel: true\n",
    ] {
        let place = Place::repository();
        place.write("lefthook.yml", format!("# ours\n{section}post-checkout:\n  commands:\n    note:\n      run: echo out\n"));
        stops_through(&place, "lefthook.yml", &[&tool("lefthook"), "install"]);
        place.sopup(["hook", "install", "--write"]);
        let run = with_path(&place, &tool("lefthook"), &["validate"]);
        assert_eq!(run.code, 0, "{section}: {}{}", run.stdout, run.stderr);
    }
}

#[test]
fn what_cannot_be_added_is_shown_as_it_is_pasted_and_the_rest_is_written() {
    let place = Place::repository();
    place.write("lefthook.yml", "pre-commit:\n  commands: {old: {run: echo old}}\n");
    let run = place.sopup(["hook", "install", "--write"]);
    assert_eq!(run.code, 4, "{}{}", run.stdout, run.stderr);
    assert!(run.stderr.contains("add this by hand below `pre-commit:`, `commands:`:"), "{}", run.stderr);
    assert!(run.stderr.contains("    sopup:\n") && run.stderr.contains("      run: sopup hook run pre-commit\n"), "{}", run.stderr);
    assert!(!run.stderr.contains("commit-msg"), "{}", run.stderr);
    let text = fs::read_to_string(place.join("lefthook.yml")).expect("written");
    assert!(text.contains("run: sopup hook run commit-msg {1}") && text.contains("run: sopup hook run pre-push {1}"), "{text}");
    assert_eq!(with_path(&place, &tool("lefthook"), &["validate"]).code, 0);
    let edited = text.replace("use_stdin: true", "use_stdin: true\n      tags: mine");
    place.write("lefthook.yml", edited);
    let run = place.sopup(["hook", "uninstall"]);
    assert!(run.code == 0 && run.stderr.contains("still runs sopup"), "{}{}", run.stdout, run.stderr);
}

/// What `husky` 9 puts into a repository, as far as git runs it.
fn husky() -> Place {
    let place = Place::repository();
    let runner =
        "#!/usr/bin/env sh\nn=$(basename \"$0\")\ns=$(dirname \"$(dirname \"$0\")\")/$n\n[ ! -f \"$s\" ] && exit 0\nsh -e \"$s\" \"$@\"\n";
    for hook in ["pre-commit", "pre-merge-commit", "commit-msg", "pre-push"] {
        script(&place, &format!(".husky/_/{hook}"), runner);
    }
    place.write(".husky/_/.gitignore", "*").git(["config", "core.hooksPath", ".husky/_"]);
    place
}

#[test]
fn husky_runs_what_was_written() {
    let place = husky();
    place.write(".husky/pre-commit", "echo ours\n");
    stops_through(&place, ".husky/pre-commit", &["true"]);
    assert!(!place.join(".husky/commit-msg").exists(), "it held nothing but our line");
    place.write(".husky/pre-push", "git lfs pre-push \"$@\"\n");
    let run = place.sopup(["hook", "install", "--write", "pre-push"]);
    assert!(run.code == 4 && run.stderr.contains("put the line before them"), "{}", run.stderr);
}

#[test]
fn husky_comes_to_the_line_whatever_the_script_ends_with() {
    for script in ["echo lint\nexit 0", "#!/bin/sh\n# lints\nexec true\n", "set +e\ntrue\n"] {
        let place = husky();
        place.write(".husky/pre-commit", script);
        assert_eq!(place.sopup(["hook", "install", "--write"]).code, 0);
        leak(&place);
        let run = git(&place, &["commit", "--quiet", "--message", "leak"]);
        assert!(run.code == 1 && run.stderr.contains("deploy.env:1:14"), "{script}: {}{}", run.stdout, run.stderr);
    }
}

#[test]
fn a_line_that_husky_never_comes_to_is_named() {
    let place = husky();
    let text = "echo lint\nexit 0\nsopup hook run pre-commit \"$@\"\n";
    place.write(".husky/pre-commit", text);
    let status = place.sopup(["hook", "status"]);
    assert!(status.stdout.contains("line 2, `exit 0`"), "{}", status.stdout);
    let run = place.sopup(["hook", "install", "--write", "pre-commit"]);
    assert!(run.code == 4 && run.stderr.contains("never reached") && run.stderr.contains("line 2, `exit 0`"), "{}", run.stderr);
    assert_eq!(fs::read_to_string(place.join(".husky/pre-commit")).expect("still there"), text);
}

#[test]
fn a_file_that_was_written_is_named_once() {
    let place = Place::repository();
    place.write("lefthook.yml", "# ours\n");
    let named = |args: &[&str]| {
        let run = place.sopup(["hook", "install", "--write"].iter().chain(args));
        assert_eq!(run.code, 0, "{}", run.stderr);
        run.stdout.lines().filter(|line| line.contains(" lefthook.yml")).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(named(&["pre-commit"]), ["wrote lefthook.yml"]);
    assert_eq!(named(&[]), ["wrote lefthook.yml"]);
    assert_eq!(named(&[]), ["is there already: lefthook.yml"]);
}
