//! `exec-env` and `exec-file` beside the shell and the real sops (matrix case 49).

use std::collections::BTreeMap;
use std::process::{Command, Stdio};

use super::bench::{Bench, text};

fn environment(printed: &str) -> BTreeMap<String, String> {
    let lines = printed.split('\0').filter_map(|line| line.split_once('='));
    lines
        .filter(|(name, _)| !["PWD", "SHLVL", "_", "OLDPWD"].contains(name))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

fn with_env(bench: &Bench, plain: &str) {
    bench.put("x.env", plain.as_bytes());
    bench.sopup_prints(&["encrypt", "--age", &bench.recipients[0], "-i", "x.env"]);
}

#[test]
fn case_49_a_dotenv_gives_the_environment_that_a_shell_makes_of_it() {
    let bench = Bench::new();
    let plain = "# comment\nA=1\nURL=https://x.corp.net/?a=b\nexport EXPORTED=yes\nEMPTY=\n";
    bench.put("plain.env", plain.as_bytes());
    with_env(&bench, plain);
    let ours = environment(&bench.sopup_prints(&["exec-env", "--pristine", "x.env", "env -0"]));
    let shell = Command::new("sh").args(["-c", "set -a; . ./plain.env; env -0"]).current_dir(bench.dir()).env_clear().output().expect("sh");
    assert_eq!(ours, environment(&text(&shell.stdout)));
    // The environment around is passed on, and overridden.
    let mut command = bench.sopup_command(&["exec-env", "x.env", "--", "env", "-0"]);
    let run = command.env("A", "outer").env("OUTER", "kept").output().expect("runs");
    let all = environment(&text(&run.stdout));
    assert_eq!((all["A"].as_str(), all["OUTER"].as_str()), ("1", "kept"));
}

#[test]
fn case_49_values_are_those_of_sops() {
    let bench = Bench::new();
    let file = bench.sops_encrypt("x.yaml", b"s: text\ni: 0777\nf: 1.50\nb: true\ne: \"\"\nt: 2024-01-02\nml: \"a\\nb\"\n", &[]);
    bench.put("x.yaml", &file);
    let args = ["exec-env", "--pristine", "x.yaml", "env -0"];
    assert_eq!(environment(&bench.sopup_prints(&args)), environment(&text(&bench.sops(&args).stdout)));
    with_env(&bench, "Q=\"quoted\"\nP=plain\n");
    let run = bench.sopup(&["exec-env", "x.env", "echo $Q"]);
    assert!(run.stdout == "\"quoted\"\n" && run.stderr.contains("quotes around Q are"), "{}", run.stderr);
    for plain in ["{\"a\": {\"b\": 1}}", "{\"a=b\": \"c\"}", "{\"a\": \"\\u0000\"}"] {
        bench.put("x.json", plain.as_bytes());
        bench.sopup_prints(&["encrypt", "--age", &bench.recipients[0], "-i", "x.json"]);
        let run = bench.sopup(&["exec-env", "x.json", "true"]);
        assert!(run.code == 2 && run.stderr.contains("cannot be a variable"), "{}", run.stderr);
    }
}

#[test]
fn exit_codes_are_those_of_the_command() {
    let bench = Bench::new();
    with_env(&bench, "A=1\n");
    for command in ["exec-env", "exec-file"] {
        assert_eq!(bench.sopup(&[command, "x.env", "exit 7"]).code, 7);
        assert_eq!(bench.sopup(&[command, "x.env", "--", "sh", "-c", "exit 9"]).code, 9);
        let run = bench.sopup(&[command, "x.env", "--", "absent-program", "x"]);
        assert!(run.code == 2 && run.stderr.contains("cannot run absent-program"), "{}", run.stderr);
        assert_eq!(bench.sopup(&[command, "x.env"]).code, 2);
    }
    assert_eq!(bench.sopup(&["exec-file", "x.env", "kill -9 $$"]).code, 137);
}

#[test]
fn exec_file_lends_the_plain_file_and_takes_it_back() {
    let bench = Bench::new();
    with_env(&bench, "A=1\n");
    let printed = bench.sopup_prints(&["exec-file", "--no-fifo", "--filename", "app.env", "x.env", "stat -c '%a %n' {}; cat {} {}"]);
    let (first, rest) = printed.split_once('\n').expect("lines");
    assert!(first.starts_with("600 /dev/shm/sopup-") && first.ends_with("/app.env"), "{first}");
    assert_eq!(rest, "A=1\nA=1\n", "it can be read twice, which the pipe of sops cannot");
    assert!(!std::path::Path::new(first.trim_start_matches("600 ")).exists());
    assert_eq!(bench.sopup_prints(&["exec-file", "--output-type", "json", "x.env", "--", "cat", "{}"]), "{\n\t\"A\": \"1\"\n}\n");
    assert_eq!(bench.sopup(&["exec-file", "--filename", "../x", "x.env", "true"]).code, 2);
}

#[test]
fn case_50_nested_values_are_found_by_the_paths_of_other_tools() {
    let bench = Bench::new();
    let plain = b"db:\n    password: hunter2hunter2\n    replica:\n        password: onyx77glacier\n";
    bench.put("secrets.enc.yaml", &bench.encrypt("secrets.enc.yaml", plain).expect("encrypts"));
    // vals names a value by slashes.
    let uri = |path: &str| format!("a: ref+sops://secrets.enc.yaml#/{path}\nb: x\n");
    for (path, extract, value) in [
        ("db/password", r#"["db"]["password"]"#, "hunter2hunter2"),
        ("db/replica/password", r#"["db"]["replica"]["password"]"#, "onyx77glacier"),
    ] {
        bench.put("config.txt", uri(path).as_bytes());
        let run = bench.sopup(&["render", "config.txt"]);
        assert_eq!((run.code, run.stdout), (0, format!("a: {value}\nb: x\n")), "{path}: {}", run.stderr);
        let theirs = bench.sops(&["decrypt", "--extract", extract, "secrets.enc.yaml"]);
        assert_eq!(text(&theirs.stdout), value, "{extract}: {}", text(&theirs.stderr));
    }
    bench.put("config.txt", uri("db/absent").as_bytes());
    let run = bench.sopup(&["render", "config.txt"]);
    assert!(run.code != 0 && run.stdout.is_empty() && run.stderr.contains("absent"), "{}", run.stderr);
}

#[test]
fn signals_reach_the_program_and_nothing_plain_is_left() {
    let bench = Bench::new();
    with_env(&bench, "A=1\n");
    // The program says where the file is, then waits; it ends in its own way when the signal comes.
    let script = "trap 'echo caught; exit 4' TERM; echo {} > where; while :; do sleep 0.05; done";
    let mut command = bench.sopup_command(&["exec-file", "x.env", script]);
    let child = command.stdout(Stdio::piped()).spawn().expect("runs");
    let path = wait_for(&bench, "where");
    assert!(std::path::Path::new(&path).exists());
    signal(child.id(), rustix::process::Signal::TERM);
    let output = child.wait_with_output().expect("ends");
    assert_eq!((output.status.code(), text(&output.stdout).as_str()), (Some(4), "caught\n"));
    assert!(!std::path::Path::new(&path).exists());
}

#[test]
fn a_terminated_edit_leaves_nothing_plain() {
    let bench = Bench::new();
    with_env(&bench, "A=1\n");
    bench.put("editor.sh", b"echo \"$1\" > where; while :; do sleep 0.05; done\n");
    let child = bench.sopup_command(&["edit", "x.env"]).env("EDITOR", "sh editor.sh").stderr(Stdio::piped()).spawn().expect("runs");
    let path = wait_for(&bench, "where");
    assert!(std::path::Path::new(&path).exists());
    signal(child.id(), rustix::process::Signal::HUP);
    let output = child.wait_with_output().expect("ends");
    assert!(!output.status.success());
    assert!(!std::path::Path::new(&path).parent().expect("a folder").exists(), "{}", text(&output.stderr));
}

fn signal(id: u32, signal: rustix::process::Signal) {
    let id = i32::try_from(id).ok().and_then(rustix::process::Pid::from_raw).expect("a process");
    rustix::process::kill_process(id, signal).expect("it is there");
}

/// The line that a file holds as soon as it is there.
fn wait_for(bench: &Bench, name: &str) -> String {
    for _ in 0..1000 {
        if let Some(line) = std::fs::read_to_string(bench.path(name)).ok().filter(|text| text.ends_with('\n')) {
            return line.trim().to_owned();
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    panic!("{name} does not appear");
}
