//! Command lines that a user of sops types: by a link called `sops` and behind `sopup sops`, beside the real sops.

use std::process::Command;

use super::bench::{Bench, text};
use crate::support::{Run, finish};

/// Runs sopup by the name of sops.
fn linked(bench: &Bench, args: &[&str]) -> Run {
    finish(linked_command(bench, args).output().expect("sopup runs"))
}

fn linked_command(bench: &Bench, args: &[&str]) -> Command {
    let link = bench.path("bin/sops");
    if !link.exists() {
        std::fs::create_dir_all(bench.path("bin")).expect("creates a folder");
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_sopup"), &link).expect("links");
    }
    let mut command = Command::new(link);
    command.args(args).current_dir(bench.dir()).env_clear().stdin(std::process::Stdio::null());
    command.env("HOME", bench.dir()).env("SOPS_AGE_KEY_FILE", bench.path("keys.txt")).env("PATH", "/usr/bin:/bin");
    command
}

/// A bench with rules, a plain file and an encrypted one.
fn bench() -> Bench {
    let bench = Bench::new();
    bench.put("rules.yaml", format!("creation_rules:\n  - age: {}\n", bench.recipients[0]).as_bytes());
    bench.put("p.yaml", b"a: hunter2\nl:\n  - 1\n  - two\nm:\n  k: v\n");
    let file = bench.sops_encrypt("e.yaml", b"a: hunter2\nl:\n    - 1\n    - two\nm:\n    k: v\n", &[]);
    bench.put("e.yaml", &file);
    bench
}

#[test]
fn lines_that_print_print_what_sops_prints() {
    let bench = bench();
    for line in [
        "-d e.yaml",
        "--decrypt e.yaml",
        "-d --verbose e.yaml",
        "--verbose decrypt e.yaml",
        "-config rules.yaml -d e.yaml",
        "-d --input-type yaml --output-type json e.yaml",
        "--indent 3 --output-type json -d e.yaml",
        "-d --extract [\"l\"] e.yaml",
        "-d --ignore-mac --age age1unused --pgp 0123 e.yaml",
        "decrypt --extract [\"m\"] --output-type json e.yaml",
        "decrypt --decryption-order age,pgp --enable-local-keyservice=true e.yaml",
        "decrypt --in-place=false e.yaml",
        "filestatus e.yaml",
        "exec-env --same-process env.env printenv\u{1f}A",
        "exec-file --no-fifo e.yaml cat\u{1f}{}",
    ] {
        bench.put("env.env", &bench.sops_encrypt("env.env", b"A=b\n", &[]));
        let args: Vec<String> = line.split(' ').map(|word| word.replace('\u{1f}', " ")).collect();
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let theirs = bench.sops(&args);
        assert!(theirs.status.success(), "{line}: {}", text(&theirs.stderr));
        for run in [linked(&bench, &args), bench.sopup(&[&["sops"], &args[..]].concat())] {
            assert_eq!((run.code, run.stdout.trim_end()), (0, text(&theirs.stdout).trim_end()), "{line}: {}", run.stderr);
        }
    }
}

#[test]
fn lines_that_write_write_what_sops_reads() {
    let bench = bench();
    let plain = text(&bench.get("p.yaml"));
    let reads = |name: &str| text(&bench.sops_decrypt(name, &bench.get(name)).expect("sops reads it"));
    for line in [
        "--config rules.yaml -e -i c.yaml",
        "-e -i --config rules.yaml c.yaml",
        "--config rules.yaml encrypt --in-place c.yaml",
        "encrypt -i --config rules.yaml c.yaml",
        "--config rules.yaml --mac-only-encrypted -e --output c.yaml p.yaml",
        "-e p.yaml --output c.yaml --config rules.yaml",
    ] {
        bench.put("c.yaml", plain.as_bytes());
        let run = linked(&bench, &line.split(' ').collect::<Vec<_>>());
        assert_eq!(run.code, 0, "{line}: {}", run.stderr);
        let file = text(&bench.get("c.yaml"));
        assert!(file.starts_with("a: ENC["), "{line}: {file}");
        assert_eq!(file.contains("mac_only_encrypted: true"), line.contains("mac-only"), "{line}");
        assert!(reads("c.yaml").contains("a: hunter2"), "{line}");
    }
    let before = text(&bench.get("c.yaml"));
    assert_eq!(linked(&bench, &["-r", "-i", "c.yaml"]).code, 0);
    assert!(text(&bench.get("c.yaml")) != before && reads("c.yaml").contains("a: hunter2"));
    let run = linked(&bench, &["--set", "[\"m\"][\"k\"] {\"deep\": true}", "c.yaml"]);
    assert!(run.code == 0 && run.stderr.contains("--value-stdin"), "{}", run.stderr);
    let run = linked(&bench, &["set", "--output-type", "yaml", "c.yaml", "[\"a\"]", "\"new\""]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let same = linked(&bench, &["set", "--output-type", "json", "--idempotent", "c.yaml", "[\"a\"]", "\"new\""]);
    assert_eq!(same.code, 0, "{}", same.stderr);
    assert_eq!(linked(&bench, &["unset", "c.yaml", "[\"l\"][0]"]).code, 0);
    let read = reads("c.yaml");
    assert!(read.contains("a: new") && read.contains("deep: true") && !read.contains("- 1"), "{read}");
    // A file alone is edited.
    let run = linked_command(&bench, &["c.yaml"]).env("EDITOR", "sed -i s/new/newer/").output().expect("runs");
    assert!(run.status.success(), "{}", text(&run.stderr));
    assert!(reads("c.yaml").contains("a: newer"));
    assert_eq!(linked(&bench, &["-d", "-i", "c.yaml"]).code, 0);
    assert!(text(&bench.get("c.yaml")).contains("a: newer"));
}

#[test]
fn the_value_of_set_stays_off_the_command_line_unless_the_line_is_one_of_sops() {
    let bench = bench();
    let run = bench.sopup(&["set", "e.yaml", "[\"a\"]", "\"new\""]);
    assert!(run.code == 2 && run.stderr.contains("--value-stdin"), "{}", run.stderr);
    assert_eq!(bench.sopup(&["sops", "set", "e.yaml", "[\"a\"]", "\"new\""]).code, 0);
    assert!(text(&bench.sops_decrypt("e.yaml", &bench.get("e.yaml")).expect("sops")).contains("a: new"));
}

#[test]
fn an_encrypted_file_is_an_error_to_encrypt_under_the_name_of_sops() {
    let bench = bench();
    bench.put("twice.yaml", &bench.sops_encrypt("twice.yaml", b"a: b\n", &[]));
    let args = ["encrypt", "--age", &bench.recipients[0], "twice.yaml"];
    let (theirs, ours) = (bench.sops(&args), linked(&bench, &args));
    assert_eq!((ours.code, Some(ours.code), ours.stdout.as_str()), (203, theirs.status.code(), ""), "{}", ours.stderr);
    assert_eq!(bench.sopup(&args).code, 0);
    let named = ["encrypt", "--age", &bench.recipients[0], "--filename-override", "-x.yaml"];
    assert_eq!(bench.sopup_reads(&named, b"a: b\n").code, 0);
}

#[test]
fn what_sopup_cannot_do_is_refused_with_the_reason() {
    let bench = bench();
    let before = bench.get("e.yaml");
    for (line, reason) in [
        ("publish e.yaml", "talks to no servers"),
        ("keyservice", "talks to no servers"),
        ("groups add", "key_groups"),
        ("-e --kms arn:aws:kms:eu-west-1:111122223333:key/x p.yaml", "age and SSH keys only"),
        ("encrypt -p 0123 p.yaml", "age and SSH keys only"),
        ("rotate -i --add-pgp 0123 e.yaml", "age and SSH keys only"),
        ("-e -d e.yaml", "keep one"),
        ("-d", "no file"),
        ("--set [\"a\"] e.yaml", "an index and a value"),
        ("set --output-type json e.yaml [\"a\"] 1", "leaves a file in its format"),
        ("set --output-type json --idempotent e.yaml [\"a\"] 1", "leaves a file in its format"),
        ("exec-env --user nobody e.yaml true", "sudo"),
        ("exec-env --background e.yaml true", "&"),
        ("decrypt --nonsense e.yaml", "--nonsense"),
    ] {
        let run = linked(&bench, &line.split(' ').collect::<Vec<_>>());
        assert!(run.code == 2 && run.stdout.is_empty() && run.stderr.contains(reason), "{line}: {}{}", run.stdout, run.stderr);
    }
    assert_eq!(bench.get("e.yaml"), before);
}

#[test]
fn help_version_and_completions_speak_of_sops() {
    let bench = bench();
    assert!(linked(&bench, &["--version"]).stdout.starts_with("sops 3.11.0 (sopup "));
    for args in [&["--help"][..], &["-h"], &["help"], &[]] {
        let run = linked(&bench, args);
        assert!(run.code == 0 && run.stdout.contains("Different on purpose"), "{args:?}: {}{}", run.stdout, run.stderr);
    }
    assert!(linked(&bench, &["help", "decrypt"]).stdout.contains("Usage: sops decrypt"));
    assert!(bench.sopup(&["sops", "decrypt", "--help"]).stdout.contains("Usage: sopup decrypt"));
    for shell in ["bash", "zsh"] {
        let script = linked(&bench, &["completion", shell]).stdout;
        assert!(script.contains("updatekeys") && !script.contains("migrate"), "{shell}");
    }
    assert!(bench.sopup(&["completion", "bash"]).stdout.contains("migrate"));
}
