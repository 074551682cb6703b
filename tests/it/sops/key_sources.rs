//! Where identities are found (matrix case 16): every source opens a file on its own, for sopup as for sops.

use std::process::{Command, Stdio};

use super::bench::{Bench, text};

/// A bench whose key file is not named, with a file encrypted for its first recipient.
fn bench() -> Bench {
    let bench = Bench::with_keys(2);
    bench.put("x.yaml", b"a: opened\n");
    bench.sopup_prints(&["encrypt", "--age", &bench.recipients[0], "-i", "x.yaml"]);
    bench
}

fn decrypt(mut command: Command, variables: &[(&str, String)]) -> (bool, String) {
    command.env_remove("SOPS_AGE_KEY_FILE").envs(variables.iter().map(|(name, value)| (name, value)));
    let output = command.output().expect("runs");
    (output.status.success(), text(&output.stdout) + &text(&output.stderr))
}

fn assert_opens(bench: &Bench, what: &str, variables: &[(&str, String)]) {
    for command in [bench.sopup_command(&["decrypt", "x.yaml"]), bench.sops_command(&["decrypt", "x.yaml"])] {
        let (success, printed) = decrypt(command, variables);
        assert!(success && printed.contains("a: opened"), "{what}: {printed}");
    }
}

#[test]
fn case_16_identities_are_found_where_sops_finds_them() {
    let bench = bench();
    let (success, printed) = decrypt(bench.sopup_command(&["decrypt", "x.yaml"]), &[]);
    assert!(!success && printed.contains(".config/sops/age/keys.txt") && printed.contains("SOPS_AGE_KEY_FILE"), "{printed}");

    assert_opens(&bench, "variable", &[("SOPS_AGE_KEY", bench.key(0).to_owned())]);
    assert_opens(&bench, "two keys", &[("SOPS_AGE_KEY", format!("{}\n{}", bench.key(1), bench.key(0)))]);
    let file = bench.path("keys.txt").display().to_string();
    assert_opens(&bench, "file", &[("SOPS_AGE_KEY_FILE", file.clone())]);
    assert_opens(&bench, "program", &[("SOPS_AGE_KEY_CMD", format!("cat '{file}'"))]);
    let mixed = [("SOPS_AGE_KEY", bench.key(1).to_owned()), ("SOPS_AGE_KEY_FILE", file)];
    assert_opens(&bench, "the second of two sources", &mixed);
    bench.put("xdg/sops/age/keys.txt", bench.key(0).as_bytes());
    assert_opens(&bench, "XDG", &[("XDG_CONFIG_HOME", bench.path("xdg").display().to_string())]);
    bench.put(".config/sops/age/keys.txt", bench.key(0).as_bytes());
    assert_opens(&bench, "the default file", &[]);
}

#[test]
fn case_16_a_source_that_fails_is_named_only_if_nothing_opens_the_file() {
    let bench = bench();
    let absent = ("SOPS_AGE_KEY_FILE", "/absent/keys.txt".to_owned());
    let (success, printed) =
        decrypt(bench.sopup_command(&["decrypt", "x.yaml"]), &[absent.clone(), ("SOPS_AGE_KEY", bench.key(0).to_owned())]);
    assert!(success && !printed.contains("absent"), "{printed}");
    let (success, printed) = decrypt(bench.sopup_command(&["decrypt", "x.yaml"]), &[absent, ("SOPS_AGE_KEY", bench.key(1).to_owned())]);
    assert!(!success && printed.contains("not used: /absent/keys.txt") && printed.contains(&bench.recipients[0]), "{printed}");
}

/// An SSH key, perhaps with a passphrase, made by ssh-keygen; its recipient.
fn ssh_key(bench: &Bench, name: &str, passphrase: &str) -> String {
    bench.put(name, b"");
    std::fs::remove_file(bench.path(name)).expect("removes");
    let path = bench.path(name).display().to_string();
    let made = Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", passphrase, "-C", "", "-f", &path]).status();
    assert!(made.expect("ssh-keygen runs").success());
    text(&bench.get(&format!("{name}.pub"))).trim().to_owned()
}

#[test]
fn case_16_ssh_keys_are_found_in_the_home_directory_and_by_variable() {
    let bench = bench();
    for (name, variables) in [
        (".ssh/id_ed25519", Vec::new()),
        ("elsewhere/key", vec![("SOPS_AGE_SSH_PRIVATE_KEY_FILE", bench.path("elsewhere/key").display().to_string())]),
    ] {
        let recipient = ssh_key(&bench, name, "");
        bench.put("x.yaml", b"a: opened\n");
        bench.sopup_prints(&["encrypt", "--age", &recipient, "-i", "x.yaml"]);
        assert_opens(&bench, name, &variables);
    }
}

/// Runs sopup on a terminal of its own and types one line.
fn on_terminal(bench: &Bench, args: &str, line: &str) -> String {
    use std::io::Write as _;
    let mut command = Command::new("script");
    let program = env!("CARGO_BIN_EXE_sopup");
    command.args(["-qec", &format!("{program} {args}"), "/dev/null"]).current_dir(bench.dir()).env("HOME", bench.dir());
    command.env_remove("SOPS_AGE_KEY_FILE").env_remove("SOPS_AGE_KEY").env_remove("XDG_CONFIG_HOME").env_remove("XDG_RUNTIME_DIR");
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("script runs (util-linux)");
    let mut input = child.stdin.take().expect("it is piped");
    // Typed too early it would be shown by the terminal and perhaps dropped.
    std::thread::sleep(std::time::Duration::from_millis(1500));
    input.write_all(line.as_bytes()).expect("it reads");
    let output = child.wait_with_output().expect("ends");
    drop(input);
    text(&output.stdout)
}

#[test]
fn case_16_a_passphrase_is_asked_for_only_when_nothing_else_opens_the_file() {
    let bench = bench();
    let recipient = ssh_key(&bench, ".ssh/id_ed25519", "correct horse");
    bench.put(".config/sops/age/keys.txt", bench.key(0).as_bytes());
    let (success, printed) = decrypt(bench.sopup_command(&["decrypt", "x.yaml"]), &[]);
    assert!(success && printed == "a: opened\n", "{printed}");
    bench.put("x.yaml", b"a: opened\n");
    bench.sopup_prints(&["encrypt", "--age", &recipient, "-i", "x.yaml"]);
    let (success, printed) = decrypt(bench.sopup_command(&["decrypt", "x.yaml"]), &[]);
    assert!(!success && printed.contains("protected by a passphrase"), "{printed}");
    let printed = on_terminal(&bench, "decrypt x.yaml", "correct horse\n");
    assert!(printed.contains("Passphrase of") && printed.contains("a: opened") && !printed.contains("horse"), "{printed}");
    let printed = on_terminal(&bench, "decrypt x.yaml", "wrong\n");
    assert!(printed.contains("the right one was not given") && !printed.contains("a: opened"), "{printed}");
}

#[test]
fn set_asks_for_a_value_and_does_not_show_it() {
    let bench = bench();
    bench.put(".config/sops/age/keys.txt", bench.key(0).as_bytes());
    let printed = on_terminal(&bench, "set x.yaml '[\"a\"]'", "asked-for-value\n");
    assert!(printed.contains("Value for") && !printed.contains("asked-for-value"), "{printed}");
    let (success, plain) = decrypt(bench.sopup_command(&["decrypt", "x.yaml"]), &[]);
    assert!(success && plain == "a: asked-for-value\n", "{plain}");
}
