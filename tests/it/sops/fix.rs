//! `sopup doctor --fix`: what it mends decrypts to the same values with the real sops, and the rest stays byte for byte.

use std::collections::BTreeMap;
use std::process::Command;

use sopup::sops::cipher::{self, Envelope, Stash};
use sopup::sops::ops;
use sopup::sops::scalar::ValueType;

use super::bench::{Bench, store, text};
use crate::support::{Run, isolated, on_terminal};

const SECRET: &str = "Walrus88Timber";

/// A folder whose rules name the first two of three keys.
fn bench() -> Bench {
    let bench = Bench::with_keys(3);
    let (a, b) = (&bench.recipients[0], &bench.recipients[1]);
    bench.put("repo/.sops.yaml", format!("creation_rules:\n  - path_regex: \\.enc\\.\n    age: {a},{b}\n").as_bytes());
    bench
}

/// Encrypts a file of the folder as the rules say, with the real sops.
fn sealed(bench: &Bench, name: &str, plain: &str) -> String {
    let both = format!("{},{}", bench.recipients[0], bench.recipients[1]);
    let bytes = bench.sops_encrypt(name, plain.as_bytes(), &["--age", &both]);
    bench.put(&format!("repo/{name}"), &bytes);
    text(&bytes)
}

fn fix(bench: &Bench, more: &[&str]) -> Run {
    let args: Vec<&str> = ["doctor", "--fix", "repo"].iter().chain(more).copied().collect();
    let run = bench.sopup(&args);
    let said = format!("{}{}", run.stdout, run.stderr);
    assert!(!said.contains(SECRET) && !said.contains("hunter2"), "{said}");
    run
}

fn report(bench: &Bench, more: &[&str]) -> serde_json::Value {
    let run = fix(bench, &[&["--format", "json"], more].concat());
    serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}: {}{}", run.stdout, run.stderr))
}

/// The files of the folder.
fn files(bench: &Bench) -> BTreeMap<String, Vec<u8>> {
    let entries = std::fs::read_dir(bench.path("repo")).expect("a folder").map(|entry| entry.expect("readable").path());
    let files = entries.filter(|path| path.is_file());
    files.map(|path| (path.display().to_string(), std::fs::read(&path).expect("reads"))).collect()
}

/// Nothing is written by a dry run, which ends as the real one does.
fn fix_after_dry_run(bench: &Bench) -> Run {
    let before = files(bench);
    let dry = fix(bench, &["--dry-run"]);
    assert_eq!(files(bench), before, "{}", dry.stdout);
    let run = fix(bench, &["--yes"]);
    assert_eq!(dry.code, run.code, "{}{}", dry.stdout, run.stdout);
    let told = dry.stdout.replace("would fix:", "fixed:").replace(" would be fixed, nothing was written", " fixed");
    assert_eq!(told, run.stdout);
    assert!(files(bench).keys().eq(before.keys()), "it leaves files behind");
    run
}

fn sops_reads(bench: &Bench, name: &str) -> String {
    text(&bench.sops_decrypt(name, &bench.get(&format!("repo/{name}"))).unwrap_or_else(|error| panic!("{name}: {error}")))
}

/// The envelopes of a file, but for the MAC.
fn envelopes(file: &str) -> Vec<&str> {
    // Ciphertext can hold the word by chance.
    let envelopes = file.lines().filter_map(|line| line.split_once("ENC["));
    envelopes.filter(|(name, _)| !name.contains("mac")).map(|(_, rest)| rest).collect()
}

#[test]
fn recipients_follow_the_rules() {
    let bench = bench();
    let plain = "a: hunter2hunter2\nport: 3\n";
    for (name, keys) in [("joined.enc.yaml", [0, 0]), ("left.enc.json", [0, 2])] {
        let both = keys.map(|at| bench.recipients[at].as_str()).join(",");
        let plain = if name.ends_with("json") { "{\"a\": \"hunter2hunter2\"}" } else { plain };
        let bytes = bench.sops_encrypt(name, plain.as_bytes(), &["--age", &both]);
        bench.put(&format!("repo/{name}"), &bytes);
    }
    let before = text(&bench.get("repo/joined.enc.yaml"));
    let run = fix_after_dry_run(&bench);
    let [added, removed] = [1, 2].map(|at| sopup::sops::recipient::short(&bench.recipients[at]).to_string());
    let fixed: Vec<&str> = run.stdout.lines().collect();
    assert_eq!(
        fixed,
        [
            format!("fixed: joined.enc.yaml: recipients + {added}"),
            format!("fixed: left.enc.json: recipients + {added}, - {removed}, a new data key"),
            "2 SOPS files: 0 errors, 0 warnings; 2 fixed".to_owned()
        ]
    );
    assert_eq!(run.code, 0);
    bench.put("keys.txt", bench.key(1).as_bytes());
    assert_eq!(sops_reads(&bench, "joined.enc.yaml"), plain);
    assert!(sops_reads(&bench, "left.enc.json").contains("hunter2hunter2"));
    assert_eq!(envelopes(&before), envelopes(&text(&bench.get("repo/joined.enc.yaml"))), "values keep their ciphertext");
    bench.put("keys.txt", bench.key(2).as_bytes());
    assert!(bench.sops_decrypt("left.enc.json", &bench.get("repo/left.enc.json")).is_err());

    bench.put("keys.txt", [bench.key(0), bench.key(1)].join("\n").as_bytes());
    let before = files(&bench);
    let again = fix(&bench, &["--strict"]);
    assert_eq!((again.code, again.stdout.as_str()), (0, "2 SOPS files: 0 errors, 0 warnings; 0 fixed\n"));
    assert_eq!(files(&bench), before);
}

/// Runs a repair on a terminal, on which somebody answers.
fn asked(bench: &Bench, answer: &str) -> (i32, String) {
    asked_with(bench, answer, &[])
}

fn asked_with(bench: &Bench, answer: &str, more: &[&str]) -> (i32, String) {
    let mut command = on_terminal(answer);
    command.args(["doctor", "--fix", "repo"]).args(more).current_dir(bench.dir()).env("HOME", bench.dir());
    let out = command.env("SOPS_AGE_KEY_FILE", bench.path("keys.txt")).output().expect("python3 runs");
    (out.status.code().expect("it ends"), text(&out.stdout))
}

#[test]
fn nobody_comes_in_or_goes_out_unasked() {
    let bench = bench();
    let [_, new, old] = [0, 1, 2].map(|at| sopup::sops::recipient::short(&bench.recipients[at]).to_string());
    let both = format!("{},{}", bench.recipients[0], bench.recipients[2]);
    let sealed = text(&bench.sops_encrypt("p.enc.yaml", b"a: hunter2hunter2\n", &["--age", &both]));
    let file = sealed.replace("sops:\n", &format!("b: {SECRET}\nsops:\n"));
    let opens = |key: &str| {
        bench.put("one.txt", key.as_bytes());
        let mut command = bench.sops_command(&["decrypt", "repo/p.enc.yaml"]);
        command.env("SOPS_AGE_KEY_FILE", bench.path("one.txt")).output().expect("sops runs").status.success()
    };

    bench.put("repo/p.enc.yaml", file.as_bytes());
    let run = fix(&bench, &[]);
    let left = "  left: 1 recipient would be added and 1 removed; try: look at it with `sopup doctor --fix --dry-run`, then `sopup doctor --fix --yes`\n";
    assert!(run.code == 1 && run.stdout.contains(left) && run.stdout.contains("fixed: p.enc.yaml: encrypted `b`\n"), "{}", run.stdout);
    assert!(!opens(bench.key(1)) && opens(bench.key(2)), "the other repairs are made, and no recipient is another");

    for answer in ["n\n", "\n"] {
        let before = files(&bench);
        let (code, shown) = asked(&bench, answer);
        assert!(shown.contains(&format!("+ {new}\r\n- {old}\r\nthe data key is replaced")), "{shown}");
        assert!(code == 1 && shown.contains("1 recipient would be added and 1 removed, and you did not agree"), "{shown}");
        assert_eq!(files(&bench), before);
    }
    let (code, shown) = asked_with(&bench, "n\n", &["--quiet"]);
    assert!(code == 1 && shown.contains(&format!("+ {new}\r\n- {old}\r\n")), "a question says what it is about: {shown}");
    let (code, shown) = asked(&bench, "y\n");
    assert!(code == 0 && shown.contains("Is this right? [y/N]") && shown.contains("; 1 fixed"), "{shown}");
    assert!(opens(bench.key(1)) && !opens(bench.key(2)));

    // Somebody who is only added is asked for, too.
    let one = bench.sops_encrypt("p.enc.yaml", b"a: b\n", &["--age", &bench.recipients[0]]);
    bench.put("repo/p.enc.yaml", &one);
    let run = fix(&bench, &[]);
    assert_eq!((run.code, bench.get("repo/p.enc.yaml")), (0, one), "{}", run.stdout);
    assert!(run.stdout.contains("  left: 1 recipient would be added; try: "), "{}", run.stdout);
    assert_eq!(bench.sopup(&["doctor", "--yes", "repo"]).code, 2);
}

#[cfg(unix)]
#[test]
fn no_service_is_given_the_data_key_unasked() {
    use std::os::unix::fs::PermissionsExt as _;
    let bench = Bench::new();
    let rule =
        format!("creation_rules:\n  - age: {}\n    hc_vault_transit_uri: https://vault.corp.net/v1/transit/keys/a\n", bench.recipients[0]);
    bench.put("repo/.sops.yaml", rule.as_bytes());
    let sealed = bench.sops_encrypt("p.enc.yaml", b"a: b\n", &["--age", &bench.recipients[0]]);
    bench.put("repo/p.enc.yaml", &sealed);
    bench.put("sops", format!("#!/bin/sh\ntouch {}\nexit 1\n", bench.path("called").display()).as_bytes());
    std::fs::set_permissions(bench.path("sops"), std::fs::Permissions::from_mode(0o755)).expect("it is ours");
    let was_called = || bench.path("called").exists();
    let unasked: [&[&str]; 3] =
        [&["updatekeys", "repo/p.enc.yaml"], &["doctor", "--fix", "repo"], &["doctor", "--fix", "--dry-run", "repo"]];
    for args in unasked {
        let run = bench.sopup(&[args, &["--sops", "sops"]].concat());
        let said = format!("{}{}", run.stdout, run.stderr);
        assert!(said.contains("hc_vault") || said.contains("vault.corp.net"), "{args:?}: {said}");
        assert!(!was_called(), "{args:?}: {said}");
    }
    let run = bench.sopup(&["doctor", "--fix", "--yes", "--sops", "sops", "repo"]);
    assert!(was_called() && run.stdout.contains("  left: "), "{}{}", run.stdout, run.stderr);
    assert_eq!(bench.get("repo/p.enc.yaml"), sealed);
}

#[test]
fn plain_values_are_encrypted_in_every_format() {
    let bench = bench();
    let (yaml, json, env, ini) = ("a: one\nl:\n  - x\n  - x\n", "{\"a\": \"one\"}", "A=one\n", "[s]\na = one\n");
    let name = |format: &str| format!("p.enc.{format}");
    for (format, plain, at, added) in [
        ("yaml", yaml, "sops:\n", format!("b: {SECRET}\nm:\n  port: 5432\n  live: true\nsops:\n")),
        ("json", json, "\t\"sops\": {", format!("\t\"b\": \"{SECRET}\",\n\t\"sops\": {{")),
        ("env", env, "A=", format!("B={SECRET}\nA=")),
        ("ini", ini, "[s]\n", format!("[s]\nb = {SECRET}\n")),
    ] {
        let good = sealed(&bench, &name(format), plain);
        assert!(good.contains(at), "{good}");
        bench.put(&format!("repo/{}", name(format)), good.replacen(at, &added, 1).as_bytes());
        assert!(bench.sops_decrypt(&name(format), &bench.get(&format!("repo/{}", name(format)))).is_err());
    }
    let run = fix_after_dry_run(&bench);
    assert_eq!(run.code, 0, "{}", run.stdout);
    assert!(run.stdout.contains("fixed: p.enc.yaml: encrypted `b`, `m.port`, `m.live`\n"), "{}", run.stdout);
    assert!(run.stdout.ends_with("4 SOPS files: 0 errors, 0 warnings; 4 fixed\n"), "{}", run.stdout);
    for format in ["yaml", "json", "env", "ini"] {
        let (new, values) = (text(&bench.get(&format!("repo/{}", name(format)))), sops_reads(&bench, &name(format)));
        assert!(!new.contains(SECRET) && values.contains(SECRET) && values.contains("one"), "{format}: {new}{values}");
    }
    let values = sops_reads(&bench, "p.enc.yaml");
    assert!(values.contains("port: 5432") && values.contains("live: true"), "types are kept: {values}");
}

#[test]
fn only_what_stood_plain_is_encrypted_anew() {
    let bench = bench();
    let good = sealed(&bench, "p.enc.yaml", "a: one\nl:\n    - x\n    - x\nb: two\nx_unencrypted: v1\n");
    bench.put("repo/p.enc.yaml", good.replace("sops:\n", &format!("c: {SECRET}\nsops:\n")).as_bytes());
    assert_eq!(fix_after_dry_run(&bench).code, 0);
    let new = text(&bench.get("repo/p.enc.yaml"));
    let (before, after) = (envelopes(&good), envelopes(&new));
    assert!(after.len() == before.len() + 1 && after.iter().zip(&before).all(|(new, old)| new == old), "{good}{new}");
    assert!(new.contains("x_unencrypted: v1\n"), "{new}");
    let changed: Vec<&str> = new.lines().filter(|line| !good.contains(line)).collect();
    let is_expected = |line: &&str| ["c: ", "    mac: ", "    lastmodified: "].iter().any(|start| line.starts_with(start));
    assert!(changed.iter().all(is_expected), "{changed:?}");
}

#[test]
fn values_under_a_wider_selector_are_encrypted() {
    let bench = Bench::with_keys(1);
    let rules = |regex: &str| format!("creation_rules:\n  - age: {}\n    encrypted_regex: {regex}\n", bench.recipients[0]);
    bench.put("repo/.sops.yaml", rules("^(a|b)$").as_bytes());
    let plain = format!("a: one\nb: {SECRET}\n");
    let good = text(&bench.sops_encrypt("p.enc.yaml", plain.as_bytes(), &["--encrypted-regex", "^a$"]));
    bench.put("repo/p.enc.yaml", good.replace("^a$", "^(a|b)$").as_bytes());
    let run = fix_after_dry_run(&bench);
    assert!(run.code == 0 && run.stdout.contains("fixed: p.enc.yaml: encrypted `b`\n"), "{}", run.stdout);
    assert_eq!(sops_reads(&bench, "p.enc.yaml"), plain);
    assert!(!text(&bench.get("repo/p.enc.yaml")).contains(SECRET));
}

fn git(bench: &Bench, args: &[&str]) {
    let mut command = Command::new("git");
    isolated(&mut command).args(args).current_dir(bench.path("repo"));
    let out = command.output().expect("git runs");
    assert!(out.status.success(), "git {args:?}: {}", text(&out.stderr));
}

#[test]
fn a_replaced_value_needs_the_committed_version() {
    let bench = bench();
    let good = sealed(&bench, "p.enc.yaml", "a: one\nb: two\nx_unencrypted: v1\n");
    let line = good.lines().find(|line| line.starts_with("b: ")).expect("a line");
    let changed = good.replace(line, &format!("b: {SECRET}"));
    bench.put("repo/p.enc.yaml", changed.as_bytes());
    let run = fix_after_dry_run(&bench);
    assert_eq!((run.code, text(&bench.get("repo/p.enc.yaml"))), (1, changed.clone()), "{}", run.stdout);
    assert!(
        run.stdout.contains("  left: its MAC holds neither with nor without the plain values, so something else may have been changed, too; try: restore an older version, then put the values in with `sopup set`\n"),
        "{}",
        run.stdout
    );

    bench.put("repo/p.enc.yaml", good.as_bytes());
    git(&bench, &["init", "-q"]);
    git(&bench, &["add", "."]);
    git(&bench, &["-c", "user.name=A", "-c", "user.email=a@corp.net", "commit", "-qm", "one"]);
    bench.put("repo/p.enc.yaml", changed.replace("x_unencrypted: v1", "x_unencrypted: v2").as_bytes());
    assert_eq!(fix_after_dry_run(&bench).code, 1, "another value was changed, too");
    bench.put("repo/p.enc.yaml", changed.as_bytes());
    let run = fix_after_dry_run(&bench);
    assert!(run.code == 0 && run.stdout.contains("fixed: p.enc.yaml: encrypted `b`\n"), "{}", run.stdout);
    assert_eq!(sops_reads(&bench, "p.enc.yaml"), format!("a: one\nb: {SECRET}\nx_unencrypted: v1\n"));

    // In a list, values have no path of their own.
    let good = sealed(&bench, "l.enc.yaml", "l:\n    - a: one\n      none: null\n    - two\n");
    git(&bench, &["add", "."]);
    git(&bench, &["-c", "user.name=A", "-c", "user.email=a@corp.net", "commit", "-qm", "list"]);
    let line = good.lines().find(|line| line.starts_with("    - ENC[")).expect("a line");
    bench.put("repo/l.enc.yaml", good.replace(line, &format!("    - {SECRET}")).as_bytes());
    let run = fix_after_dry_run(&bench);
    assert!(run.code == 0 && run.stdout.contains("fixed: l.enc.yaml: encrypted `l`\n"), "{}", run.stdout);
    assert_eq!(sops_reads(&bench, "l.enc.yaml"), format!("l:\n    - a: one\n      none: null\n    - {SECRET}\n"));
    let line = good.lines().find(|line| line.starts_with("    - a: ENC[")).expect("a line");
    let emptied = good.replace(line, "    - a: null").replace("sops:\n", &format!("c: {SECRET}\nsops:\n"));
    bench.put("repo/l.enc.yaml", emptied.as_bytes());
    assert_eq!((fix_after_dry_run(&bench).code, text(&bench.get("repo/l.enc.yaml"))), (1, emptied));
    bench.put("repo/l.enc.yaml", good.as_bytes());

    // What is in the last commit already is in other clones, too.
    let good = text(&bench.get("repo/p.enc.yaml"));
    bench.put("repo/p.enc.yaml", good.replace("sops:\n", &format!("c: {SECRET}\nsops:\n")).as_bytes());
    git(&bench, &["-c", "user.name=A", "-c", "user.email=a@corp.net", "commit", "-qam", "two"]);
    let run = fix_after_dry_run(&bench);
    assert!(run.stdout.contains("encrypted `c`; the last commit has it in plain text, so change it\n"), "{}", run.stdout);
}

#[test]
fn what_encryption_would_alter_or_hide_stays() {
    let bench = bench();
    let good = sealed(&bench, "p.enc.yaml", "a: one\n");
    for (added, said) in [
        ("b: 0123\n", "the number at `b` would be written in another way after decryption; try: put it in quotes"),
        ("b: &x hunter2hunter2\nc: *x\n", "an alias repeats a value that must be encrypted"),
        ("b: ENC[AES256_GCM,data:AAAA\n", "what is damaged cannot be made from the rest"),
        ("b: !vault hunter2hunter2\n", "line 2: "),
    ] {
        let changed = good.replace("sops:\n", &format!("{added}sops:\n"));
        bench.put("repo/p.enc.yaml", changed.as_bytes());
        let run = fix_after_dry_run(&bench);
        assert!(run.code == 1 && run.stdout.contains(said), "{added}: {}", run.stdout);
        assert_eq!(text(&bench.get("repo/p.enc.yaml")), changed, "{added}");
    }
}

#[test]
fn line_ends_of_dotenv_files_are_mended_if_the_mac_says_so() {
    let bench = bench();
    let good = sealed(&bench, "p.enc.env", "#note\nA=hunter2hunter2\nB_unencrypted=x\n");
    let crlf = good.replace('\n', "\r\n");
    let mixed: String = good.lines().map(|line| format!("{line}{}", if line.starts_with("sops_mac=") { "\n" } else { "\r\n" })).collect();
    for changed in [&crlf, &mixed] {
        bench.put("repo/p.enc.env", changed.as_bytes());
        assert!(bench.sops_decrypt("p.enc.env", changed.as_bytes()).is_err());
        let run = fix_after_dry_run(&bench);
        assert!(run.code == 0 && run.stdout.contains("fixed: p.enc.env: CRLF line ends are line feeds\n"), "{}", run.stdout);
        assert_eq!(text(&bench.get("repo/p.enc.env")), good);
        assert_eq!(sops_reads(&bench, "p.enc.env"), "#note\nA=hunter2hunter2\nB_unencrypted=x\n");
    }
    let tampered = crlf.replace("B_unencrypted=x", "B_unencrypted=y");
    bench.put("repo/p.enc.env", tampered.as_bytes());
    assert_eq!(fix_after_dry_run(&bench).code, 1);
    assert_eq!(text(&bench.get("repo/p.enc.env")), tampered);
}

#[test]
fn several_faults_of_one_file_are_mended_at_once() {
    let bench = bench();
    let one = text(&bench.sops_encrypt("p.enc.env", b"A=one\n", &["--age", &bench.recipients[0]]));
    bench.put("repo/p.enc.env", format!("B={SECRET}\n{one}").replace('\n', "\r\n").as_bytes());
    let run = fix_after_dry_run(&bench);
    let line = run.stdout.lines().next().expect("a line");
    assert!(run.code == 0 && line.contains("line feeds; encrypted `B`; recipients + age1"), "{}", run.stdout);
    assert_eq!(sops_reads(&bench, "p.enc.env"), format!("B={SECRET}\nA=one\n"));
}

#[test]
fn a_nonce_used_twice_means_a_new_data_key() {
    let bench = bench();
    let file = text(&bench.encrypt_as("p.enc.yaml", b"a: one\nb: two\n", &bench.plan_for(&[0, 1])).expect("encrypts"));
    let opened = ops::open(&*store("p.enc.yaml"), file.as_bytes(), &bench.keyring(&[0])).expect("opens");
    let value = |name: &str| file.lines().find_map(|line| line.strip_prefix(&format!("{name}: "))).expect("a value").to_owned();
    let nonce = Envelope::parse(&value("a")).expect("an envelope").nonce;
    let mut stash = Stash::new().expect("random bytes");
    stash.remember("b:", ValueType::Str, b"two", &nonce);
    let twin = cipher::seal(&opened.key, "b:", ValueType::Str, b"two", &mut stash).expect("seals");
    bench.put("repo/p.enc.yaml", file.replace(&value("b"), &twin.to_string()).as_bytes());
    let run = fix_after_dry_run(&bench);
    assert!(run.code == 0 && run.stdout.contains("fixed: p.enc.yaml: a new data key, since a nonce was used twice"), "{}", run.stdout);
    assert_eq!(sops_reads(&bench, "p.enc.yaml"), "a: one\nb: two\n");
}

#[test]
fn without_a_key_the_file_stays_and_the_others_are_mended() {
    let bench = bench();
    let ours = bench.sops_encrypt("ours.enc.yaml", b"a: b\n", &["--age", &bench.recipients[0]]);
    let theirs = bench.sops_encrypt("theirs.enc.yaml", b"a: b\n", &["--age", &bench.recipients[2]]);
    bench.put("repo/ours.enc.yaml", &ours);
    bench.put("repo/theirs.enc.yaml", &theirs);
    bench.put("keys.txt", bench.key(0).as_bytes());
    let run = fix_after_dry_run(&bench);
    assert_eq!((run.code, bench.get("repo/theirs.enc.yaml")), (3, theirs), "{}", run.stdout);
    assert!(run.stdout.contains("fixed: ours.enc.yaml: recipients + ") && run.stdout.contains("; 1 fixed\n"), "{}", run.stdout);
    assert!(run.stdout.contains("  left: no identity at hand opens the file"), "{}", run.stdout);
    assert!(run.stdout.contains("1 file could not be opened"), "{}", run.stdout);
}

#[test]
fn nobody_locks_themselves_out() {
    let bench = bench();
    let bytes = bench.sops_encrypt("p.enc.yaml", b"a: b\n", &["--age", &bench.recipients[2]]);
    bench.put("repo/p.enc.yaml", &bytes);
    bench.put("keys.txt", bench.key(2).as_bytes());
    let run = fix_after_dry_run(&bench);
    assert_eq!((run.code, bench.get("repo/p.enc.yaml")), (1, bytes), "{}", run.stdout);
    assert!(run.stdout.contains("  left: none of your identities could open it afterwards"), "{}", run.stdout);
}

#[test]
fn a_broken_mac_is_never_made_whole() {
    let bench = bench();
    let good = sealed(&bench, "p.enc.yaml", "a: hunter2hunter2\nx_unencrypted: v1\n");
    let one = text(&bench.sops_encrypt("q.enc.yaml", b"a: b\nx_unencrypted: v1\n", &["--age", &bench.recipients[0]]));
    let [changed, stale] = [good, one].map(|file| file.replace("x_unencrypted: v1", "x_unencrypted: v2"));
    bench.put("repo/p.enc.yaml", changed.as_bytes());
    bench.put("repo/q.enc.yaml", stale.as_bytes());
    let run = fix_after_dry_run(&bench);
    assert!(run.code == 1 && run.stdout.contains("  left: a new MAC would hide what was changed; try: "), "{}", run.stdout);
    assert_eq!([text(&bench.get("repo/p.enc.yaml")), text(&bench.get("repo/q.enc.yaml"))], [changed, stale], "{}", run.stdout);
}

#[test]
fn reports_for_programs_say_what_was_mended_and_why_the_rest_stays() {
    let bench = bench();
    let one = bench.sops_encrypt("one.enc.yaml", b"a: b\n", &["--age", &bench.recipients[0]]);
    bench.put("repo/one.enc.yaml", &one);
    bench.put("repo/plain.enc.yaml", format!("a: {SECRET}\n").as_bytes());
    let before: serde_json::Value = serde_json::from_str(&bench.sopup(&["doctor", "repo", "--format", "json"]).stdout).expect("JSON");
    assert!(!before.to_string().contains("\"fixed\"") && !before.to_string().contains("\"left\""), "{before:#}");
    let dry = report(&bench, &["--dry-run"]);
    let done = report(&bench, &["--yes"]);
    assert_eq!((&dry["dry_run"], &done["dry_run"]), (&true.into(), &false.into()));
    for found in [dry, done] {
        assert_eq!((&found["schema"], &found["summary"]["fixed"]), (&"sopup.doctor/v1".into(), &1.into()), "{found:#}");
        let [one, plain] = [0, 1].map(|at| &found["files"][at]);
        assert_eq!((&one["fixed"][0]["repair"], &one["problems"]), (&"recipients".into(), &serde_json::json!([])), "{found:#}");
        assert!(one["fixed"][0]["message"].as_str().is_some_and(|how| how.starts_with("recipients + age1")), "{found:#}");
        assert_eq!((&plain["fixed"], &plain["problems"][0]["code"]), (&serde_json::json!([]), &"not-encrypted".into()), "{found:#}");
        assert_eq!(plain["problems"][0]["left"]["try"], "`sopup encrypt --in-place FILE`", "{found:#}");
    }
    for args in [["doctor", "--dry-run", ".", "."], ["doctor", "--fix", "--no-decrypt", "."], ["doctor", "--fix", "--record", "."]] {
        assert_eq!(bench.sopup(&args).code, 2, "{args:?}");
    }
}

#[test]
fn digests_that_held_are_taken_anew() {
    let bench = bench();
    let removed = format!("{},{},{}", bench.recipients[0], bench.recipients[1], bench.recipients[2]);
    for name in ["p.enc.yaml", "q.enc.yaml"] {
        bench.put(&format!("repo/{name}"), &bench.sops_encrypt(name, b"a: b\nx_unencrypted: v1\n", &["--age", &removed]));
    }
    // Unknown recipients are errors, and files with errors are not recorded.
    let rules = bench.get("repo/.sops.yaml");
    bench.put("repo/.sops.yaml", format!("creation_rules:\n  - age: {removed}\n").as_bytes());
    assert_eq!(bench.sopup(&["doctor", "--record", "repo"]).code, 0);
    bench.put("repo/.sops.yaml", &rules);
    let renamed = text(&bench.get("repo/q.enc.yaml")).replace("x_unencrypted", "y_unencrypted");
    bench.put("repo/q.enc.yaml", renamed.as_bytes());
    let run = fix(&bench, &["--yes"]);
    assert_eq!((run.code, text(&bench.get("repo/q.enc.yaml"))), (1, renamed), "a new MAC would hide the change: {}", run.stdout);
    assert!(run.stdout.contains("fixed: p.enc.yaml: recipients - "), "{}", run.stdout);
    let after = bench.sopup(&["doctor", "repo"]);
    assert!(after.stdout.contains("q.enc.yaml: keys, empty values or plain values were changed"), "{}", after.stdout);
    assert!(!after.stdout.contains("p.enc.yaml"), "{}", after.stdout);
}

#[cfg(unix)]
#[test]
fn a_file_that_cannot_be_written_is_named() {
    let bench = bench();
    let one = bench.sops_encrypt("one.enc.yaml", b"a: b\n", &["--age", &bench.recipients[0]]);
    bench.put("repo/one.enc.yaml", &one);
    std::fs::hard_link(bench.path("repo/one.enc.yaml"), bench.path("other-name")).expect("links");
    let run = fix(&bench, &["--yes"]);
    assert_eq!((run.code, bench.get("repo/one.enc.yaml")), (3, one), "{}", run.stdout);
    assert!(run.stdout.contains("  left: ") && run.stdout.contains("hard links"), "{}", run.stdout);
}
