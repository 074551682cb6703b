//! The hook before the real `git commit`, in all the ways that a commit is made: what is committed
//! is scanned, and nothing else. Once as git's own hook, once under the real `pre-commit`.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{Place, Run, finish, isolated};

const SECRET: &str = "DB_PASSWORD=Cedar-Bellow-19\n";

/// How the hook is set up.
#[derive(Clone, Copy, Debug)]
enum Hook {
    /// `.git/hooks/pre-commit` starts sopup.
    Native,
    /// `pre-commit install` wrote it.
    PreCommit,
}

const BOTH: [Hook; 2] = [Hook::Native, Hook::PreCommit];

/// A repository with two committed files and a hook.
fn hooked(hook: Hook) -> Place {
    let place = Place::repository();
    place.write("a.env", "A=1\n").write("b.env", "B=1\n").commit("first");
    install(&place, hook, &place.join(".git"));
    place
}

fn install(place: &Place, hook: Hook, git_dir: &Path) {
    let program = env!("CARGO_BIN_EXE_sopup");
    match hook {
        Hook::Native => {
            let file = git_dir.join("hooks/pre-commit");
            std::fs::create_dir_all(git_dir.join("hooks")).expect("a folder");
            std::fs::write(&file, format!("#!/bin/sh\nexec '{program}' scan --staged\n")).expect("a hook");
            std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("it may run");
        }
        Hook::PreCommit => {
            let config = format!(
                "repos:\n  - repo: local\n    hooks:\n      - id: sopup\n        name: sopup\n        entry: {program} scan --staged\n        \
                 language: system\n        pass_filenames: false\n"
            );
            place.write(".pre-commit-config.yaml", config).commit("hook");
            let run = tool(place, &pre_commit(), ["install"]);
            assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
        }
    }
}

fn pre_commit() -> PathBuf {
    std::env::var_os("SOPUP_TEST_PRE_COMMIT").map_or_else(|| "pre-commit".into(), PathBuf::from)
}

fn tool<'a>(place: &Place, program: &Path, args: impl IntoIterator<Item = &'a str>) -> Run {
    let mut command = Command::new(program);
    isolated(&mut command).args(args).current_dir(place.path());
    command.env("PRE_COMMIT_HOME", place.join(".git/pre-commit")).env("XDG_STATE_HOME", place.join(".git/state")).env("GIT_EDITOR", "true");
    let output = command.output().unwrap_or_else(|error| panic!("{}: {error}; ./test.sh installs it", program.display()));
    finish(output)
}

/// Runs git; whether it went well.
fn git(place: &Place, args: &str) -> bool {
    let run = tool(place, Path::new("git"), args.split_whitespace());
    let said = format!("{}{}", run.stdout, run.stderr);
    assert!(!said.contains("hint: `git fsck`") && !said.contains("internal error"), "{args}: {said}");
    assert!(run.code == 0 || said.contains("1 secret in 1 place"), "{args} fails for another reason: {said}");
    run.code == 0
}

/// Makes the working tree as HEAD is.
fn reset(place: &Place) {
    place.git(["reset", "--quiet", "--hard"]);
    place.git(["clean", "--quiet", "--force", "-d"]);
}

fn append(place: &Place, file: &str, text: &str) {
    let old = std::fs::read_to_string(place.join(file)).unwrap_or_default();
    place.write(file, old + text);
}

#[test]
fn what_is_committed_is_scanned_and_nothing_else() {
    for hook in BOTH {
        let place = hooked(hook);
        for command in
            ["commit -qam x", "commit -qm x a.env", "commit -qm x -i a.env", "commit -q --amend --no-edit -a", "commit -qm x --only a.env"]
        {
            append(&place, "a.env", SECRET);
            assert!(!git(&place, command), "{hook:?}: {command} with the secret");
            reset(&place);
            append(&place, "b.env", "B=2\n");
            append(&place, "a.env", "A=2\n");
            assert!(git(&place, command), "{hook:?}: {command} without");
            reset(&place);
        }
        append(&place, "a.env", SECRET);
        place.git(["add", "a.env"]);
        assert!(!git(&place, "commit -qm x"), "{hook:?}: staged");
        append(&place, "b.env", "B=3\n");
        assert!(git(&place, "commit -qm x b.env"), "{hook:?}: a file beside the one with the secret");
        assert!(!git(&place, "commit -q --amend --no-edit"), "{hook:?}: what is staged, into the last commit");
        reset(&place);
        assert!(git(&place, "commit -q --amend --allow-empty -m y"), "{hook:?}: only the message");
    }
}

#[test]
fn files_that_are_only_announced() {
    for hook in BOTH {
        let place = hooked(hook);
        place.write("n.env", SECRET).git(["add", "--intent-to-add", "n.env"]);
        // The framework refuses to run at all then; that is its own matter.
        if matches!(hook, Hook::Native) {
            assert!(git(&place, "commit -q --allow-empty -m x"), "{hook:?}: it is not part of the commit");
        }
        assert!(!git(&place, "commit -qam x"), "{hook:?}: now it is");
    }
}

#[test]
fn a_part_of_a_file() {
    for hook in BOTH {
        let place = hooked(hook);
        place.write("p.env", "ONE=1\n\n\n\n\n\n\n\n\nTWO=2\n").git(["add", "p.env"]);
        place.git(["commit", "--quiet", "--no-verify", "--message", "p"]);
        place.write("p.env", format!("ONE=1\nX=2\n\n\n\n\n\n\n\n\nTWO=2\n{SECRET}"));
        let part = |answers: &str| {
            let script = format!("printf '{answers}' | git commit --quiet -p -m part p.env");
            tool(&place, Path::new("sh"), ["-c", &script]).code == 0
        };
        assert!(part("y\\nn\\n"), "{hook:?}: the part without the secret");
        assert!(!part("y\\n"), "{hook:?}: the part with it");
    }
}

#[test]
fn merges_picks_and_rebases() {
    for hook in BOTH {
        let place = hooked(hook);
        place.git(["checkout", "--quiet", "-b", "side"]);
        place.write("side.env", SECRET).git(["add", "side.env"]);
        place.git(["commit", "--quiet", "--no-verify", "--message", "side"]);
        place.git(["checkout", "--quiet", "main"]);
        append(&place, "a.env", "A=3\n");
        place.git(["commit", "--quiet", "--no-verify", "--all", "--message", "main"]);
        place.git(["merge", "--quiet", "--no-commit", "--no-ff", "side"]);
        append(&place, "a.env", SECRET);
        assert!(!git(&place, "commit -qam merge"), "{hook:?}: a merge that adds one of its own");
        place.git(["checkout", "HEAD", "a.env"]);
        assert!(git(&place, "commit -qm merge"), "{hook:?}: what comes with a branch was committed there");
        place.git(["reset", "--quiet", "--hard", "HEAD~1"]);
        place.git(["cherry-pick", "--no-commit", "side"]);
        assert!(!git(&place, "commit -qm picked"), "{hook:?}: a pick made into a commit");
        reset(&place);
        place.shell("GIT_SEQUENCE_EDITOR='sed -i 1s/pick/edit/' git rebase --quiet -i HEAD~1");
        append(&place, "b.env", SECRET);
        assert!(!git(&place, "commit -q -a --amend --no-edit"), "{hook:?}: in the middle of a rebase");
        place.git(["checkout", "--", "b.env"]);
        append(&place, "b.env", "B=9\n");
        assert!(git(&place, "commit -q -a --amend --no-edit"), "{hook:?}: in the middle of a rebase, without");
    }
}

#[test]
fn linked_working_trees_and_submodules() {
    for hook in BOTH {
        let place = hooked(hook);
        place.git(["worktree", "add", "--quiet", "wt", "-b", "wt"]);
        for (command, file) in [("commit -qam x", "wt/a.env"), ("commit -qm x a.env", "wt/a.env")] {
            append(&place, file, SECRET);
            assert!(!git(&place, &format!("-C wt {command}")), "{hook:?}: {command} in a linked working tree");
            place.git(["-C", "wt", "reset", "--quiet", "--hard"]);
            append(&place, file, "A=4\n");
            assert!(git(&place, &format!("-C wt {command}")), "{hook:?}: {command} there, without");
        }
        let inner = Place::repository();
        inner.write("a.env", "A=1\n").write(".pre-commit-config.yaml", "repos: []\n").commit("inner");
        let inner_path = inner.path().display().to_string();
        place.git(["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", &inner_path, "sub"]);
        install(&place, Hook::Native, &place.join(".git/modules/sub"));
        append(&place, "sub/a.env", SECRET);
        assert!(!git(&place, "-C sub commit -qam x"), "{hook:?}: in a submodule");
        place.git(["-C", "sub", "reset", "--quiet", "--hard"]);
        append(&place, "sub/a.env", "A=5\n");
        assert!(git(&place, "-C sub commit -qam x"), "{hook:?}: in a submodule, without");
        assert!(git(&place, "commit -qam submodule"), "{hook:?}: the submodule itself");
    }
}

/// Dotfile managers keep the repository beside the files, which lie in another one.
#[test]
fn a_git_directory_elsewhere() {
    let place = Place::repository();
    place.write("outer.env", SECRET).git(["add", "outer.env"]);
    place.git(["init", "--quiet", "--bare", "dot.git"]);
    install(&place, Hook::Native, &place.join("dot.git"));
    let dot = "--git-dir=dot.git --work-tree=home";
    place.write("home/.zshrc", "export EDITOR=vi\n");
    assert!(git(&place, &format!("{dot} add .zshrc")), "it is added");
    assert!(git(&place, &format!("{dot} commit -qm x")), "what is staged in the repository around is not its matter");
    append(&place, "home/.zshrc", &format!("export {SECRET}"));
    assert!(!git(&place, &format!("{dot} commit -qam x")), "with the secret");
}
