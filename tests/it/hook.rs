//! The hooks of `.pre-commit-hooks.yaml`, run by the real `pre-commit`.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use crate::support::{Place, Run, TOKEN, binaries, finish, isolated, path_with};

/// The program under test set up as `pre-commit` would find it, with the real `pre-commit`.
fn pre_commit(place: &Place, hook: &str, options: &[&str]) -> Run {
    let program = std::env::var_os("SOPUP_TEST_PRE_COMMIT").map_or_else(|| PathBuf::from("pre-commit"), PathBuf::from);
    let mut command = Command::new(&program);
    isolated(&mut command).args(["try-repo", hooks().to_str().expect("UTF-8"), hook, "--verbose"]).args(options).current_dir(place.path());
    command
        .env("PATH", path_with([binaries()]))
        .env("PRE_COMMIT_HOME", place.join(".git/pre-commit"))
        .env("XDG_STATE_HOME", place.join(".git/state"));
    let output = command.output().unwrap_or_else(|error| panic!("{}: {error}; ./test.sh installs it", program.display()));
    finish(output)
}

/// A repository that holds nothing but the hooks, so that trying them does not copy this one.
fn hooks() -> &'static Path {
    static HOOKS: LazyLock<PathBuf> = LazyLock::new(made_hooks);
    &HOOKS
}

fn made_hooks() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("hooks-{}", std::process::id()));
    if !folder.join(".git").exists() {
        std::fs::create_dir_all(&folder).expect("a folder");
        std::fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join(".pre-commit-hooks.yaml"), folder.join(".pre-commit-hooks.yaml"))
            .expect("a copy");
        for args in [&["init", "--quiet"][..], &["add", "--all"], &["commit", "--quiet", "--message", "hooks"]] {
            let output = isolated(Command::new("git").args(args)).current_dir(&folder).output().expect("git runs");
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        }
    }
    folder
}

#[test]
fn the_system_hook_blocks_a_secret_and_passes_a_clean_commit() {
    let place = Place::repository();
    place.write("a.txt", "nothing\n").commit("first");
    place.write("deploy.env", format!("GITHUB_TOKEN={TOKEN}\n")).git(["add", "--all"]);
    let run = pre_commit(&place, "sopup-system", &[]);
    assert_eq!(run.code, 1, "{}{}", run.stdout, run.stderr);
    assert!(run.stdout.contains("github-personal-access-token") && run.stdout.contains("deploy.env:1:14"), "{}", run.stdout);
    assert!(!run.stdout.contains(TOKEN));

    place.write("deploy.env", "GITHUB_TOKEN=${GITHUB_TOKEN}\n").git(["add", "--all"]);
    let run = pre_commit(&place, "sopup-system", &[]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    assert!(run.stdout.contains("Passed"), "{}", run.stdout);
}

#[test]
fn the_hook_for_pushes_looks_at_every_commit() {
    let place = Place::repository();
    place.write("a.txt", "nothing\n").commit("first");
    place.write("deploy.env", format!("GITHUB_TOKEN={TOKEN}\n")).commit("leak");
    place.git(["rm", "--quiet", "deploy.env"]);
    place.commit("hide");
    let stage = ["--hook-stage", "pre-push", "--from-ref", "HEAD~2", "--to-ref", "HEAD"];
    let run = pre_commit(&place, "sopup-push-system", &stage);
    assert_eq!(run.code, 1, "{}{}", run.stdout, run.stderr);
    assert!(run.stdout.contains("deploy.env:1:14") && !run.stdout.contains(TOKEN), "{}", run.stdout);
    let run = pre_commit(&place, "sopup-push-system", &["--hook-stage", "pre-push", "--from-ref", "HEAD~1", "--to-ref", "HEAD"]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
}

#[test]
fn the_hook_for_messages_reads_what_git_will_keep() {
    let place = Place::repository();
    place.write("a.txt", "nothing\n").commit("first");
    for (message, code) in [(format!("use {TOKEN}\n"), 1), ("nothing\n".to_owned(), 0)] {
        place.write(".git/COMMIT_EDITMSG", message);
        let stage = ["--hook-stage", "commit-msg", "--commit-msg-filename", ".git/COMMIT_EDITMSG"];
        let run = pre_commit(&place, "sopup-message-system", &stage);
        assert_eq!(run.code, code, "{}{}", run.stdout, run.stderr);
        assert!(!run.stdout.contains(TOKEN), "{}", run.stdout);
    }
}

#[test]
fn hooks_are_well_formed() {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(".pre-commit-hooks.yaml")).expect("hooks");
    for part in [
        "id: sopup\n",
        "language: rust\n",
        "id: sopup-system\n",
        "language: system\n",
        "entry: sopup hook run pre-commit\n",
        "id: sopup-push\n",
        "entry: sopup hook run pre-push\n",
        "pass_filenames: false\n",
    ] {
        assert!(text.contains(part), "{part:?}");
    }
}
