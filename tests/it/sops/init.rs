//! `sopup init`: the rules it writes work in sops, and the key it makes is nobody else's.

use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use super::bench::{Bench, text};
use crate::support::{Run, finish, isolated};

const KEY_FILE: &str = "home/.config/sops/age/keys.txt";

/// A repository in `repo` and a home directory without keys in `home`.
fn bench() -> Bench {
    let bench = Bench::with_keys(2);
    bench.put("home/.keep", b"");
    bench.put("repo/a.yaml", b"a:\n    b: c\n");
    bench.put("repo/b.yaml", b"a:\n    b: c\n");
    bench.put("repo/c.yaml", b"a:\n  b: c\n");
    for args in [&["init", "--quiet"][..], &["add", "--all"]] {
        let output = isolated(Command::new("git").args(args)).current_dir(bench.path("repo")).output().expect("git runs");
        assert!(output.status.success(), "{}", text(&output.stderr));
    }
    bench
}

fn init(bench: &Bench, args: &[&str]) -> Run {
    let args: Vec<&str> = ["init"].iter().chain(args).copied().collect();
    finish(in_repo(bench, bench.sopup_command(&args)).output().expect("sopup runs"))
}

fn in_repo(bench: &Bench, mut command: Command) -> Command {
    command.current_dir(bench.path("repo")).env_remove("SOPS_AGE_KEY_FILE").env("HOME", bench.path("home"));
    command
}

fn mode(bench: &Bench, name: &str) -> u32 {
    std::fs::metadata(bench.path(name)).expect("metadata").permissions().mode() & 0o777
}

#[test]
fn a_new_key_is_private_and_never_shown() {
    let bench = bench();
    let run = init(&bench, &["--generate-key"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let keys = text(&bench.get(KEY_FILE));
    let secret = keys.lines().find(|line| line.starts_with("AGE-SECRET-KEY-1")).expect("a key");
    assert!(!run.stderr.contains(secret) && !run.stdout.contains("AGE-SECRET"), "the key is not shown");
    assert_eq!((mode(&bench, KEY_FILE), mode(&bench, "home/.config/sops/age")), (0o600, 0o700));
    let rules = text(&bench.get("repo/.sops.yaml"));
    let public = keys.lines().find_map(|line| line.strip_prefix("# public key: ")).expect("a recipient");
    assert!(rules.contains(public) && !rules.contains(secret) && rules.contains("indent: 4"), "{rules}");

    // sops encrypts by the rules, and both find the key.
    bench.put("repo/x.enc.yaml", b"a:\n    b: hunter2\n");
    let sops = |args: &[&str]| in_repo(&bench, bench.sops_command(args)).output().expect("sops runs");
    let out = sops(&["encrypt", "-i", "x.enc.yaml"]);
    assert!(out.status.success(), "{}", text(&out.stderr));
    let plain = in_repo(&bench, bench.sopup_command(&["decrypt", "x.enc.yaml"])).output().expect("runs");
    assert_eq!(text(&plain.stdout), "a:\n    b: hunter2\n", "{}", text(&plain.stderr));
    assert_eq!(text(&sops(&["decrypt", "x.enc.yaml"]).stdout), "a:\n    b: hunter2\n");
    assert!(!sops(&["encrypt", "a.yaml"]).status.success(), "no rule is for this file");

    let again = init(&bench, &["--generate-key"]);
    assert!(again.code == 2 && again.stderr.contains("exists already"), "{}", again.stderr);
    assert_eq!(text(&bench.get(KEY_FILE)), keys, "no second key is made for nothing");
}

#[test]
fn keys_that_are_there_are_kept() {
    let bench = bench();
    bench.put(KEY_FILE, bench.key(0).as_bytes());
    assert_eq!(init(&bench, &["--generate-key", "--age", &bench.recipients[1]]).code, 0);
    let keys = text(&bench.get(KEY_FILE));
    assert!(keys.starts_with(&format!("{}\n# created", bench.key(0))), "the old key stands first");
    assert_eq!((mode(&bench, KEY_FILE), keys.matches("AGE-SECRET-KEY-1").count()), (0o600, 2));
    assert_eq!(text(&bench.get("repo/.sops.yaml")).matches("age1").count(), 2);
    std::fs::remove_file(bench.path("repo/.sops.yaml")).expect("removes");
    bench.put(KEY_FILE, b"age-encryption.org/v1\n");
    let run = init(&bench, &["--generate-key"]);
    assert!(run.code == 2 && run.stderr.contains("passphrase") && !bench.path("repo/.sops.yaml").exists(), "{}", run.stderr);
}

#[test]
fn rules_are_written_as_wished() {
    let bench = bench();
    let run = init(&bench, &["--age", &bench.recipients.join(","), "--path-regex", "^k8s/it's", "--encrypted-regex", "^data$"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(!bench.path(KEY_FILE).exists());
    bench.put("repo/k8s/it's.yaml", b"kind: Secret\ndata:\n    a: b\n");
    let out = in_repo(&bench, bench.sops_command(&["encrypt", "k8s/it's.yaml"])).output().expect("sops runs");
    let printed = text(&out.stdout);
    assert!(printed.starts_with("kind: Secret\ndata:\n    a: ENC["), "{printed}{}", text(&out.stderr));
    assert!(bench.recipients.iter().all(|recipient| printed.contains(recipient)));
}

#[test]
fn what_cannot_work_is_refused_before_anything_is_made() {
    let bench = bench();
    for args in [
        &[][..],
        &["--age", "age1nonsense"],
        &["--age", "AGE-SECRET-KEY-1QQQ"],
        &["--generate-key", "--path-regex", "(?!x)"],
        &["--generate-key", "--encrypted-regex", "("],
    ] {
        let run = init(&bench, args);
        assert!(run.code == 2 && run.stderr.contains("hint:") && !run.stderr.contains("QQQ"), "{args:?}: {}", run.stderr);
        assert!(!bench.path("repo/.sops.yaml").exists() && !bench.path(KEY_FILE).exists(), "{args:?}");
    }
    // A home directory that is a repository, as some keep their settings.
    let mut command = in_repo(&bench, bench.sopup_command(&["init", "--generate-key"]));
    let run = finish(command.env("HOME", bench.path("repo")).output().expect("runs"));
    assert!(run.code == 2 && run.stderr.contains("inside the repository"), "{}", run.stderr);
    assert!(!bench.path("repo/.config").exists());
}
