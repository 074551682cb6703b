//! Deciding about a plan: step by step on a terminal, and in a plan file.

use std::fs;

use super::bench::Bench;

const PASSWORD: &str = "Orchid.Meadow.Tundra.898";
const OTHER: &str = "gR4nite-Falcon-27";
const THIRD: &str = "W1ll0wC0pp3r54";

fn bench() -> Bench {
    let bench = Bench::new();
    bench
        .place
        .write("a.md", format!("The password is `{PASSWORD}`.\n"))
        .write("b.md", format!("The password is `{OTHER}`.\n"))
        .write("c.sh", format!("PGPASSWORD={THIRD} psql\n"));
    bench.commit();
    bench
}

#[test]
fn each_step_is_decided_on_a_terminal() {
    let bench = bench();
    // a.md goes elsewhere, b.md is no secret, c.sh stays.
    let answers = "r\nk\ndb.password\ns\nconfig/../x.yaml\ns\nconfig/app.enc.yaml\ny\nf\nan example\nn\ny\n";
    let run = bench.migrate_on_terminal(answers, &[]);
    assert_eq!(run.code, 1, "{}{}", run.stdout, run.stderr);
    for shown in
        ["1 of 3", "-The password is `Orch********`.", "is no path of a file below the top", "3 of 3", "other [k]ey", "1 place left"]
    {
        assert!(run.stdout.contains(shown), "{shown}: {}", run.stdout);
    }
    for secret in [PASSWORD, OTHER, THIRD] {
        assert!(!run.stdout.contains(secret), "{secret} was shown");
    }
    assert_eq!(bench.decrypt("config/app.enc.yaml"), format!("db:\n    password: {PASSWORD}\n"));
    let text = |path: &str| fs::read_to_string(bench.place.join(path)).expect("a file");
    assert!(text("a.md").contains("sops decrypt --extract '[\"db\"][\"password\"]' config/app.enc.yaml"), "{}", text("a.md"));
    assert!(text(".sopup.yaml").starts_with("allow:\n  - fingerprints: ["), "{}", text(".sopup.yaml"));
    assert!(text(".sopup.yaml").ends_with("]\n    reason: 'an example'\n"), "{}", text(".sopup.yaml"));
    assert_eq!(bench.place.git(["status", "--porcelain"]), " M a.md\n?? .sopup.yaml\n?? config/\n");
    let run = bench.migrate(["--dry-run"]);
    assert!(run.stdout.contains("1 place: 1 safe"), "what is no secret is not asked again: {}", run.stdout);
    assert_eq!(bench.migrate(["--undo"]).code, 0);
    assert_eq!(bench.place.git(["status", "--porcelain"]), "");
}

/// Without a key that all share, one is made: the verdict on one value is none on what comes to its place later.
#[test]
fn a_false_alarm_is_one_value() {
    let mut bench = bench();
    bench.without_fingerprint_key();
    let run = bench.migrate_on_terminal("r\nn\nf\nan example\nn\ny\n", &[]);
    assert!(run.stdout.contains("`fingerprint_key` was added"), "{}", run.stdout);
    let config = fs::read_to_string(bench.place.join(".sopup.yaml")).expect("a file");
    assert!(config.starts_with("fingerprint_key: ") && config.contains("  - fingerprints: [") && !config.contains("paths"), "{config}");
    let found = |bench: &Bench| {
        crate::support::places(
            &serde_json::from_str(&bench.sopup(["scan", "--format", "json", "--worktree", "b.md"]).stdout).expect("a report"),
        )
    };
    assert_eq!(found(&bench), [""; 0]);
    bench.place.write("b.md", format!("The password is `{OTHER}`.\nThe new password is `{PASSWORD}`.\n"));
    assert_eq!(found(&bench), ["b.md:2:22"]);
}

#[test]
fn nothing_happens_unless_somebody_says_yes() {
    for answers in ["n\n", "\n", "r\nq\n", "r\ny\ny\ny\nn\n", "r\na\n\n"] {
        let bench = bench();
        let run = bench.migrate_on_terminal(answers, &[]);
        assert_eq!(run.code, 4, "{answers:?}: {}", run.stdout);
        assert!(run.stdout.contains("nothing was changed; `") && !run.stdout.contains("error:"), "{}", run.stdout);
        assert_eq!(bench.place.git(["status", "--porcelain"]), "", "{answers:?}");
    }
    let bench = bench();
    assert_eq!(bench.migrate_on_terminal("y\n", &[]).code, 0);
    assert!(bench.findings().is_empty());
}

#[test]
fn a_plan_file_says_the_same() {
    let bench = bench();
    assert_eq!(bench.migrate(["--plan-out", ".git/plan.yaml"]).code, 0);
    let plan = bench.place.join(".git/plan.yaml");
    let edited = |changes: &[(&str, &str)]| {
        let mut text = fs::read_to_string(&plan).expect("a plan");
        for (old, new) in changes {
            assert!(text.contains(old), "{old} is not in {text}");
            text = text.replacen(old, new, 1);
        }
        bench.place.write(".git/edited.yaml", text);
        bench.migrate(["--apply", ".git/edited.yaml"])
    };
    let run = edited(&[("key: C_PGPASSWORD", "key: OTHER")]);
    assert_eq!(run.code, 4, "{}", run.stdout);
    assert!(run.stderr.contains("c.sops.env C_PGPASSWORD: a program reads it by this name"), "{}", run.stderr);
    let run = edited(&[("store: secrets/shared.enc.yaml", "store: .git/x.yaml")]);
    assert_eq!(run.code, 4, "{}", run.stdout);
    let run = edited(&[
        ("store: secrets/shared.enc.yaml\n  key: a.password", "store: config/app.enc.yaml\n  key: db.password"),
        ("apply: null", "apply: true"),
        ("apply: null", "apply: null\n  false_alarm: an example"),
    ]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    assert_eq!(bench.decrypt("config/app.enc.yaml"), format!("db:\n    password: {PASSWORD}\n"));
    assert!(fs::read_to_string(bench.place.join(".sopup.yaml")).expect("a file").contains("reason: 'an example'"));
}

/// Types Ctrl-C when a question has appeared, and tells how the program ended, as shells do.
const INTERRUPTED: &str = "
import os, pty, signal, sys
child, terminal = pty.fork()
if child == 0:
    os.execv(sys.argv[1], sys.argv[1:])
signal.alarm(60)
shown = b''
while b'[r]eview' not in shown:
    shown += os.read(terminal, 4096)
os.write(terminal, b'\\x03')
status = os.waitpid(child, 0)[1]
print(128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status))
";

#[test]
fn ctrl_c_at_a_question_ends_it_and_changes_nothing() {
    let bench = Bench::new();
    bench.place.write("docs/a.md", "The password is `Walrus88Timber`.\n");
    bench.commit();
    let before = bench.tree();
    let mut command = std::process::Command::new("python3");
    command.args(["-c", INTERRUPTED, env!("CARGO_BIN_EXE_sopup"), "migrate"]);
    let ended = bench.run(&mut command);
    assert_eq!((ended.code, ended.stdout.trim()), (0, "130"), "{}", ended.stderr);
    assert!(bench.tree() == before);
}

/// Answers that go back, decide for all alike, and come back another day.
#[test]
fn a_review_can_be_gone_back_in_and_on_with() {
    let bench = bench();
    // Both pages at once, then back to the first, which is to stay after all; the script is left for another day.
    let run = bench.migrate_on_terminal("r\nY\nb\nb\nn\nw\n", &[]);
    assert_eq!(run.code, 4, "{}", run.stdout);
    assert!(run.stdout.contains("what you said is kept"), "{}", run.stdout);
    let saved = fs::read_to_string(bench.place.join(".git/sopup/review.yaml")).expect("a review");
    assert!(!saved.contains(PASSWORD) && !saved.contains(OTHER), "{saved}");
    assert_eq!(bench.place.git(["status", "--porcelain"]), "");
    let run = bench.migrate_on_terminal("r\nn\ny\n", &[]);
    assert!(run.stdout.contains("what you said in a review that you saved holds"), "{}", run.stdout);
    assert_eq!(run.stdout.matches("[y]es, [n]o, ").count(), 1, "only the script is asked about: {}", run.stdout);
    let text = |path: &str| fs::read_to_string(bench.place.join(path)).expect("a file");
    assert!(text("a.md").contains(PASSWORD) && !text("b.md").contains(OTHER) && text("c.sh").contains(THIRD), "{}", run.stdout);
    assert!(!bench.place.join(".git/sopup/review.yaml").exists());
}

#[test]
fn a_saved_review_of_other_files_is_told() {
    let bench = bench();
    assert_eq!(bench.migrate_on_terminal("r\nn\nw\n", &[]).code, 4);
    bench.place.write("a.md", format!("Now the password is `{PASSWORD}`.\n"));
    bench.commit();
    let run = bench.migrate_on_terminal("n\n", &[]);
    assert!(run.stdout.contains("cannot be gone on with: changed since the plan was made: a.md"), "{}", run.stdout);
}

#[test]
fn steps_are_chosen_by_what_they_are() {
    let bench = bench();
    bench.place.write("docs/d.md", "aws_access_key_id = AKIAQ3EGRIBZ2TLKD7XN\n").write("app.ini", "[db]\npassword = Zq9wLm2xTr7pKd\n");
    bench.commit();
    let chosen = |args: &[&str]| {
        let run = bench.migrate([&["--dry-run", "--include-review"], args].concat());
        let places = run.stdout.lines().filter_map(|line| line.strip_prefix("+ ")).filter_map(|line| line.split(' ').nth(1));
        places.map(|place| place.split(':').next().unwrap_or_default().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(chosen(&["--only", "docs"]), ["docs/d.md"]);
    assert_eq!(chosen(&["--only", "rule:aws-access-key-id"]), ["docs/d.md"]);
    assert_eq!(chosen(&["--only", "is:needs-review"]), ["app.ini"]);
    assert_eq!(chosen(&["--skip", "is:safe", "--skip", "./docs/"]), ["app.ini"]);
    assert_eq!(chosen(&["--only", "*.md", "--skip", "rule:generic-password"]), ["docs/d.md"]);
    assert_eq!(chosen(&["--only", "confidence:high", "--skip", "severity:high", "--skip", "severity:critical"]), ["docs/d.md"]);
    let run = bench.migrate(["--dry-run", "--skip", "docz"]);
    assert!(run.stderr.contains("`--skip docz` names no step of the plan"), "{}", run.stderr);
    for (text, told) in [
        ("rule:aws-access-key", "did you mean aws-access-key-id"),
        ("severity:hi", "it must be one of low, medium, high and critical"),
        ("is:done", "it must be one of safe, needs-review and manual"),
    ] {
        let run = bench.migrate(["--dry-run", "--only", text]);
        assert!(run.code == 2 && run.stderr.contains(told), "{text}: {}", run.stderr);
    }
}
