//! The commands that sops has too, beside the real sops: what they print, write and refuse.

use std::os::unix::fs::PermissionsExt as _;

use super::bench::{Bench, text};

const IDENTITY: &str = include_str!("../../../fixtures/sops/post-quantum/identity.txt");
const RECIPIENT: &str = include_str!("../../../fixtures/sops/post-quantum/recipient.txt");

const PLAIN: &str =
    "# head\ndb:\n  password: hunter2hunter2 # tail\n  port: 5432\nlist:\n  - a\n  - 2\non: true\nempty: \"\"\nnothing: null\n";

fn mode(bench: &Bench, name: &str) -> u32 {
    std::fs::metadata(bench.path(name)).expect("metadata").permissions().mode() & 0o777
}

/// An encrypted file made by the command.
fn encrypted(bench: &Bench, name: &str, plain: &str) {
    bench.put(name, plain.as_bytes());
    bench.sopup_prints(&["encrypt", "--age", &bench.recipients[0], "-i", name]);
}

#[test]
fn encrypt_and_decrypt_in_place() {
    let bench = Bench::new();
    encrypted(&bench, "x.yaml", PLAIN);
    let file = bench.get("x.yaml");
    assert!(!text(&file).contains("hunter2"));
    assert!(text(&bench.sops_decrypt("x.yaml", &file).expect("sops")).contains("password: hunter2hunter2"));
    bench.put("x.yaml", &file);
    let again = bench.sopup(&["encrypt", "--age", &bench.recipients[0], "-i", "x.yaml"]);
    assert_eq!((again.code, bench.get("x.yaml")), (0, file), "a second run changes nothing");
    assert!(again.stderr.contains("encrypted already"), "{}", again.stderr);
    assert_eq!(bench.sopup_prints(&["decrypt", "x.yaml"]), PLAIN);
    bench.sopup_prints(&["decrypt", "--in-place", "x.yaml"]);
    assert_eq!(text(&bench.get("x.yaml")), PLAIN);
}

#[test]
fn results_go_where_they_are_wanted() {
    let bench = Bench::new();
    bench.put("x.yaml", PLAIN.as_bytes());
    let recipient = bench.recipients[0].clone();
    bench.sopup_prints(&["encrypt", "--age", &recipient, "--output", "y.yaml", "x.yaml"]);
    assert_eq!(text(&bench.get("x.yaml")), PLAIN);
    bench.sopup_prints(&["decrypt", "--output", "z.yaml", "y.yaml"]);
    assert_eq!((text(&bench.get("z.yaml")).as_str(), mode(&bench, "z.yaml")), (PLAIN, 0o600), "plain text is its owner's alone");

    let piped = bench.sopup_reads(&["encrypt", "--age", &recipient, "--filename-override", "a/x.json"], b"{\"a\": 1}");
    assert_eq!(piped.code, 0, "{}", piped.stderr);
    assert_eq!(text(&bench.sops_decrypt("q.json", piped.stdout.as_bytes()).expect("sops")), "{\n\t\"a\": 1\n}\n");
    let back = bench.sopup_reads(&["decrypt", "--input-type", "json"], piped.stdout.as_bytes());
    assert_eq!(back.stdout, "{\"a\": 1}".replace("{", "{\n\t").replace("}", "\n}"));
    let nameless = bench.sopup_reads(&["decrypt"], piped.stdout.as_bytes());
    assert!(nameless.code == 2 && nameless.stderr.contains("--filename-override"), "{}", nameless.stderr);
    assert_eq!(bench.sopup(&["encrypt", "-i", "--age", &recipient]).code, 2);
    assert_eq!(bench.sopup(&["decrypt", "-i", "--output", "q", "y.yaml"]).code, 2);
}

#[test]
fn what_is_extracted_and_converted_is_what_sops_prints() {
    let bench = Bench::new();
    let file = bench.sops_encrypt("x.yaml", PLAIN.as_bytes(), &[]);
    bench.put("x.yaml", &file);
    for args in [
        &["--extract", "[\"db\"][\"password\"]"][..],
        &["--extract", "[\"db\"][\"port\"]"],
        &["--extract", "[\"list\"][0]"],
        &["--extract", "[\"list\"][1]"],
        &["--extract", "[\"on\"]"],
        &["--extract", "[\"empty\"]"],
        &["--extract", "[\"nothing\"]"],
        &["--extract", "[\"db\"]", "--output-type", "json"],
        &["--output-type", "json"],
    ] {
        let args: Vec<&str> = ["decrypt"].iter().chain(args).chain(&["x.yaml"]).copied().collect();
        assert_eq!(bench.sopup_prints(&args), text(&bench.sops(&args).stdout), "{args:?}");
    }
    let map = bench.sopup_prints(&["decrypt", "--extract", "[\"db\"]", "x.yaml"]);
    assert_eq!(map, "# tail\npassword: hunter2hunter2\nport: 5432\n");
    for (args, part) in [(["--extract", "[\"db\"][\"absent\"]"], "[\"absent\"]"), (["--extract", "db.password"], "not a path")] {
        let run = bench.sopup(&["decrypt", args[0], args[1], "x.yaml"]);
        assert!(run.code == 2 && run.stderr.contains(part) && !run.stderr.contains("hunter2"), "{}", run.stderr);
    }
    encrypted(&bench, "d.env", "A=1\nB=two\n");
    assert_eq!(bench.sopup_prints(&["decrypt", "--output-type", "yaml", "d.env"]), "A: \"1\"\nB: two\n");
    bench.put("p.env", b"A=1\n");
    let converted = bench.sopup_prints(&["encrypt", "--age", &bench.recipients[0], "--output-type", "json", "p.env"]);
    assert_eq!(text(&bench.sops_decrypt("c.json", converted.as_bytes()).expect("sops")), "{\n\t\"A\": \"1\"\n}\n");
}

#[test]
fn every_kind_of_value_is_extracted_as_sops_extracts_it() {
    let bench = Bench::new();
    let plain = "l: [a, 5, {x: y}]\nn: 5\nf: 1.5\nbig: 1e21\nmid: 1234567.5\nsmall: 0.00000025\nb: true\nt: 2024-01-02\nz: null\nm: {k: v}\ne: []\nd: !!float 3\n";
    bench.put("x.yaml", &bench.sops_encrypt("x.yaml", plain.as_bytes(), &[]));
    bench.put("x.json", &bench.sops_encrypt("p.yaml", plain.as_bytes(), &["--output-type", "json"]));
    for file in ["x.yaml", "x.json"] {
        for format in ["yaml", "json", "dotenv", "binary", "ini"] {
            for key in ["l", "n", "f", "big", "mid", "small", "b", "t", "z", "e", "d"] {
                // sops prints its inner form of lists as INI.
                if format == "ini" && (key == "l" || key == "e") {
                    continue;
                }
                let path = format!("[\"{key}\"]");
                let args = ["decrypt", "--output-type", format, "--extract", &path, file];
                let (theirs, ours) = (bench.sops(&args), bench.sopup(&args));
                assert_eq!((ours.code == 0, ours.stdout.as_str()), (theirs.status.success(), text(&theirs.stdout).as_str()), "{args:?}");
            }
        }
    }
}

#[test]
fn values_are_spelled_as_other_formats_take_them() {
    let bench = Bench::new();
    let plain = "s:\n  t: true\n  f: 1.0\n  g: 1000000.5\n  h: 0.00000025\n  i: 5\n  n: null\n";
    bench.put("x.yaml", &bench.sops_encrypt("x.yaml", plain.as_bytes(), &[]));
    bench.put("flat.yaml", &bench.sops_encrypt("flat.yaml", plain.replace("s:\n", "").replace("  ", "").as_bytes(), &[]));
    for (file, format) in [("flat.yaml", "dotenv"), ("x.yaml", "ini")] {
        let args = ["decrypt", "--output-type", format, file];
        assert_eq!(bench.sopup_prints(&args), text(&bench.sops(&args).stdout).replace("<nil>", ""), "{format}");
    }
    let args = ["exec-env", "--pristine", "flat.yaml", "/usr/bin/printenv t f g h i n"];
    assert_eq!(bench.sopup_prints(&args), text(&bench.sops(&args).stdout).replace("<nil>", ""));
    let json = b"{\"port\": 8080, \"big\": 123456789, \"part\": 1.5, \"list\": [1, {\"n\": 2}]}";
    bench.put("x.json", &bench.sops_encrypt("x.json", json, &[]));
    let converted = bench.sopup_prints(&["decrypt", "--output-type", "yaml", "x.json"]);
    assert_eq!(converted, "port: 8080\nbig: 123456789\npart: 1.5\nlist:\n    - 1\n    - \"n\": 2\n");
    bench.put("p.json", b"{\"port\": 8080, \"part\": 1.5}");
    bench.sopup_prints(&["encrypt", "--age", &bench.recipients[0], "-i", "p.json"]);
    assert_eq!(bench.sopup_prints(&["decrypt", "--output-type", "dotenv", "p.json"]), "port=8080\npart=1.5\n");
    assert_eq!(bench.sopup_prints(&["exec-env", "p.json", "echo $port"]), "8080\n");
}

#[test]
fn what_is_set_in_a_file_of_texts_is_a_text() {
    let bench = Bench::new();
    for (name, plain, path) in
        [("x.env", "a_unencrypted=x\n", "[\"a_unencrypted\"]"), ("x.ini", "[s]\na_unencrypted = x\n", "[\"s\"][\"a_unencrypted\"]")]
    {
        encrypted(&bench, name, &format!("{plain}b=secret\n"));
        for value in ["true", "1.0", "1e3"] {
            let run = bench.sopup_reads(&["set", "--allow-plain", "--value-stdin", name, path], value.as_bytes());
            assert_eq!(run.code, 0, "{}", run.stderr);
            let args = ["decrypt", "--extract", path, name];
            assert_eq!((bench.sopup_prints(&args).as_str(), text(&bench.sops(&args).stdout).as_str()), (value, value), "{name}");
        }
    }
}

#[test]
fn a_broken_mac_is_an_error_unless_it_is_ignored() {
    let bench = Bench::new();
    encrypted(&bench, "x.yaml", "a: b\nc_unencrypted: plain\n");
    let changed = text(&bench.get("x.yaml")).replace("plain", "other");
    bench.put("x.yaml", changed.as_bytes());
    let run = bench.sopup(&["decrypt", "x.yaml"]);
    assert!(run.code == 2 && run.stdout.is_empty() && run.stderr.contains("--ignore-mac"), "{}", run.stderr);
    assert_eq!(bench.sopup_prints(&["decrypt", "--ignore-mac", "x.yaml"]), "a: b\nc_unencrypted: other\n");
    assert_eq!(bench.sopup(&["exec-env", "x.yaml", "true"]).code, 2);
    assert_eq!(bench.sopup(&["exec-file", "x.yaml", "true"]).code, 2);
}

#[test]
fn selectors_and_rules_decide_what_is_encrypted() {
    let bench = Bench::with_keys(2);
    bench.put(
        ".sops.yaml",
        format!(
            "creation_rules:\n  - path_regex: ^k8s/\n    encrypted_regex: ^(data|stringData)$\n    age: {}\nstores:\n  yaml:\n    indent: 2\n",
            bench.recipients[0]
        )
        .as_bytes(),
    );
    let manifest = b"kind: Secret\nstringData:\n  password: hunter2hunter2\n";
    bench.put("k8s/deep/s.yaml", manifest);
    let file = bench.sopup_prints(&["encrypt", "k8s/deep/s.yaml"]);
    assert!(file.starts_with("kind: Secret\nstringData:\n  password: ENC["), "{file}");
    // From a folder below, by a name on standard input, and with other recipients.
    let mut below = bench.sopup_command(&["encrypt", "s.yaml"]);
    let below = below.current_dir(bench.path("k8s/deep")).output().expect("runs");
    assert!(text(&below.stdout).starts_with("kind: Secret\n"), "{}", text(&below.stderr));
    let other = bench.sopup_prints(&["encrypt", "--age", &bench.recipients[1], "k8s/deep/s.yaml"]);
    assert!(other.contains(&bench.recipients[1]) && !other.contains(&bench.recipients[0]) && other.starts_with("kind: Secret\n"));

    bench.put("x.yaml", manifest);
    let run = bench.sopup(&["encrypt", "x.yaml"]);
    assert!(run.code == 2 && run.stderr.contains("no creation rule") && run.stderr.contains("/dev/null"), "{}", run.stderr);
    let free = bench.sopup_prints(&["encrypt", "--config", "/dev/null", "--age", &bench.recipients[0], "x.yaml"]);
    assert!(free.starts_with("kind: ENC["));
    let args = ["encrypt", "--config", "/dev/null", "--age", &bench.recipients[0], "--encrypted-regex"];
    let run = bench.sopup(&[&args[..], &["nothing", "x.yaml"]].concat());
    assert!(run.code == 2 && run.stderr.contains("matches none") && run.stdout.is_empty(), "{}", run.stderr);
    let plain = bench.sopup_prints(&[&args[..], &["nothing", "--allow-plain", "x.yaml"]].concat());
    assert!(plain.starts_with("kind: Secret\n"));
    assert_eq!(bench.sopup(&[&args[..], &["(?!x)", "x.yaml"]].concat()).code, 2);
    assert_eq!(bench.sopup(&[&args[..], &["a", "--encrypted-suffix", "b", "x.yaml"]].concat()).code, 2);
    bench.put("pgp.yaml", b"creation_rules:\n  - pgp: 0123456789ABCDEF0123456789ABCDEF01234567\n");
    let run = bench.sopup(&["encrypt", "--config", "pgp.yaml", "x.yaml"]);
    assert!(run.code == 2 && run.stderr.contains("pgp"), "{}", run.stderr);
}

#[test]
fn set_takes_values_from_everywhere_but_the_command_line() {
    let bench = Bench::new();
    encrypted(&bench, "x.yaml", PLAIN);
    let before = bench.get("x.yaml");
    let run = bench.sopup(&["set", "x.yaml", "[\"db\"][\"password\"]", "\"t0p-s3cret\""]);
    assert!(run.code == 2 && run.stderr.contains("--value-stdin") && !run.stderr.contains("t0p"), "{}", run.stderr);
    assert_eq!(bench.get("x.yaml"), before);
    let run = bench.sopup_reads(&["set", "--value-stdin", "x.yaml", "[\"new\"][\"map\"]"], b"{\"k\": [1, true, \"x\"]}\n");
    assert_eq!(run.code, 0, "{}", run.stderr);
    let run = bench.sopup_reads(&["set", "--value-stdin", "--string", "x.yaml", "[\"db\"][\"password\"]"], b"0123\r\n");
    assert_eq!(run.code, 0, "{}", run.stderr);
    bench.put("value", b"line one\nline two\n");
    bench.sopup_prints(&["set", "--value-file", "--string", "x.yaml", "[\"list\"][0]", "value"]);
    let plain = text(&bench.sops_decrypt("x.yaml", &bench.get("x.yaml")).expect("sops"));
    assert!(plain.contains("password: \"0123\"") && plain.contains("line two") && plain.contains("- true"), "{plain}");

    let before = bench.get("x.yaml");
    let run = bench.sopup_reads(&["set", "--value-stdin", "x.yaml", "[\"a\"]"], b"t0p-s3cret");
    assert!(run.code == 2 && run.stderr.contains("--string") && !run.stderr.contains("t0p"), "{}", run.stderr);
    assert_eq!(bench.sopup(&["set", "x.yaml", "[\"a\"]"]).code, 2, "there is nobody to ask");
    let run = bench.sopup_reads(&["set", "--value-stdin", "--idempotent", "x.yaml", "[\"db\"][\"port\"]"], b"5432");
    assert_eq!((run.code, bench.get("x.yaml") == before), (0, true));
    assert_eq!(bench.sopup(&["unset", "x.yaml", "[\"absent\"]"]).code, 2);
    bench.sopup_prints(&["unset", "--idempotent", "x.yaml", "[\"absent\"]"]);
    assert!(bench.get("x.yaml") == before);
    bench.sopup_prints(&["unset", "x.yaml", "[\"db\"][\"port\"]"]);
    assert!(!text(&bench.sops_decrypt("x.yaml", &bench.get("x.yaml")).expect("sops")).contains("port"));
}

#[test]
fn rotate_and_updatekeys_change_who_can_decrypt() {
    let bench = Bench::with_keys(3);
    encrypted(&bench, "x.yaml", PLAIN);
    bench.sopup_prints(&["rotate", "-i", "--add-age", &bench.recipients[1], "x.yaml"]);
    let two = bench.get("x.yaml");
    assert!(text(&two).contains(&bench.recipients[1]));
    bench.sops_decrypt("x.yaml", &two).expect("sops");
    let absent = bench.sopup(&["rotate", "--rm-age", &bench.recipients[2], "x.yaml"]);
    assert!(absent.code == 0 && absent.stderr.contains("could not decrypt the file before"), "{}", absent.stderr);
    assert_eq!(bench.sopup(&["rotate", "--rm-age", &bench.recipients[..2].join(","), "x.yaml"]).code, 2, "somebody must be left");

    bench.put(".sops.yaml", format!("creation_rules:\n  - age: {},{}\n", bench.recipients[0], bench.recipients[2]).as_bytes());
    let asked = bench.sopup(&["updatekeys", "x.yaml"]);
    assert!(asked.code == 2 && asked.stderr.contains("--yes") && bench.get("x.yaml") == two, "{}", asked.stderr);
    let kept = bench.sopup(&["updatekeys", "-y", "--keep-data-key", "x.yaml"]);
    assert!(kept.code == 0 && kept.stderr.contains("THE DATA KEY IS KEPT"), "{}", kept.stderr);
    bench.put("x.yaml", &two);
    let run = bench.sopup(&["updatekeys", "--yes", "x.yaml"]);
    assert!(run.code == 0 && run.stderr.contains("data key is replaced"), "{}", run.stderr);
    for part in [format!("+ {}", bench.recipients[2]), format!("- {}", bench.recipients[1])] {
        assert!(run.stderr.contains(&part), "{}", run.stderr);
    }
    let new = text(&bench.get("x.yaml"));
    assert!(new.contains(&bench.recipients[2]) && !new.contains(&bench.recipients[1]));
    bench.sops_decrypt("x.yaml", new.as_bytes()).expect("sops");
    assert!(bench.sopup(&["updatekeys", "x.yaml"]).stderr.contains("up to date"));
}

#[test]
fn filestatus_prints_what_sops_prints() {
    let bench = Bench::new();
    encrypted(&bench, "enc.yaml", PLAIN);
    encrypted(&bench, "enc.bin", "any bytes");
    bench.put("plain.yaml", PLAIN.as_bytes());
    for name in ["enc.yaml", "enc.bin", "plain.yaml"] {
        assert_eq!(bench.sopup_prints(&["filestatus", name]).trim(), text(&bench.sops(&["filestatus", name]).stdout).trim(), "{name}");
    }
    bench.put("plain.bin", b"\xff\xfe");
    assert_eq!(bench.sopup_prints(&["filestatus", "plain.bin"]), "{\"encrypted\":false}\n");
    assert_eq!(bench.sopup(&["filestatus", "absent.yaml"]).code, 2);
    encrypted(&bench, "secrets.env", "A=b\n");
    bench.put("secrets.env.enc", &bench.get("secrets.env"));
    let run = bench.sopup(&["filestatus", "secrets.env.enc"]);
    assert!(run.code == 2 && run.stdout.is_empty() && run.stderr.contains("--input-type"), "{}", run.stderr);
    assert!(!bench.sops(&["filestatus", "secrets.env.enc"]).status.success());
    assert_eq!(bench.sopup_prints(&["filestatus", "--input-type", "dotenv", "secrets.env.enc"]), "{\"encrypted\":true}\n");
}

#[test]
fn edit_changes_what_was_changed() {
    let bench = Bench::new();
    encrypted(&bench, "x.yaml", PLAIN);
    let before = text(&bench.get("x.yaml"));
    let edit = |editor: &str, name: &str| {
        let run = bench.sopup_command(&["edit", name]).env("SOPS_EDITOR", editor).env("EDITOR", "false").output();
        crate::support::finish(run.expect("sopup runs"))
    };
    let run = edit("true", "x.yaml");
    assert!(run.code == 0 && run.stderr.contains("nothing was changed"), "{}", run.stderr);
    assert_eq!(text(&bench.get("x.yaml")), before);
    // The copy is in memory, its owner's alone, and called as the file, so that the editor knows its kind.
    bench.put(
        "look.sh",
        b"#!/bin/sh\nstat -c '%a %n' \"$1\" > seen\nstat -c %a \"$(dirname \"$1\")\" >> seen\nsed -i s/hunter2/hunter3/ \"$1\"\n",
    );
    std::fs::set_permissions(bench.path("look.sh"), std::fs::Permissions::from_mode(0o755)).expect("a mode");
    let run = edit("./look.sh", "x.yaml");
    assert_eq!(run.code, 0, "{}", run.stderr);
    let seen = text(&bench.get("seen"));
    assert!(seen.starts_with("600 /dev/shm/sopup-") && seen.contains("/x.yaml\n700\n"), "{seen}");
    assert!(!std::path::Path::new(seen.lines().next().expect("a line").trim_start_matches("600 ")).exists());
    let after = text(&bench.get("x.yaml"));
    let changed = after.lines().filter(|line| !before.lines().any(|old| old == *line)).count();
    assert!((2..=3).contains(&changed), "the value, mac and, in another second, lastmodified: {changed}");
    assert!(text(&bench.sops_decrypt("x.yaml", after.as_bytes()).expect("sops")).contains("hunter3hunter2"));

    for (editor, part) in [("sed -i 1s/.*/{/", "line"), ("false", "editor failed"), ("absent-editor", "cannot run"), ("'", "quotes")] {
        let run = edit(editor, "x.yaml");
        assert!(run.code == 2 && run.stderr.contains(part) && !run.stderr.contains("hunter3"), "{editor}: {}", run.stderr);
        assert_eq!(text(&bench.get("x.yaml")), after);
    }
    bench.put("plain.yaml", b"a: b\n");
    assert!(edit("true", "plain.yaml").stderr.contains("not encrypted"));
}

#[test]
fn edit_makes_new_files_by_the_rules() {
    let bench = Bench::new();
    bench.put(".sops.yaml", format!("creation_rules:\n  - age: {}\n", bench.recipients[0]).as_bytes());
    for name in ["n.yaml", "n.json", "n.env", "n.ini"] {
        let edit = |editor: &str| bench.sopup_command(&["edit", name]).env("EDITOR", editor).output().expect("runs");
        let unchanged = edit("true");
        assert!(unchanged.status.success() && text(&unchanged.stderr).contains("was not made") && !bench.path(name).exists());
        assert!(edit("sed -i s/value/hunter2hunter2/").status.success());
        let plain = bench.sops_decrypt(name, &bench.get(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(text(&plain).contains("hunter2hunter2"));
    }
}

#[test]
fn a_file_changed_by_sops_while_it_is_edited_is_not_overwritten() {
    let bench = Bench::new();
    encrypted(&bench, "x.yaml", PLAIN);
    let script =
        format!("#!/bin/sh\nsed -i s/hunter2/ours/ \"$1\"\n{} set x.yaml '[\"db\"][\"port\"]' 1\n", super::bench::sops_binary().display());
    bench.put("both.sh", script.as_bytes());
    std::fs::set_permissions(bench.path("both.sh"), std::fs::Permissions::from_mode(0o755)).expect("a mode");
    let run = bench.sopup_command(&["edit", "x.yaml"]).env("EDITOR", "./both.sh").output().expect("runs");
    let stderr = text(&run.stderr);
    assert!(!run.status.success() && stderr.contains("changed by another program") && stderr.contains("x.edited.yaml"), "{stderr}");
    let theirs = bench.sopup_prints(&["decrypt", "x.yaml"]);
    assert!(theirs.contains("port: 1") && theirs.contains("hunter2"), "{theirs}");
    let ours = bench.sopup_prints(&["decrypt", "x.edited.yaml"]);
    assert!(ours.contains("port: 5432") && ours.contains("ours"), "{ours}");
}

#[test]
fn case_55_errors_tell_nothing_of_the_values() {
    let bench = Bench::new();
    let secret = "hunter2hunter2";
    let recipient = bench.recipients[0].clone();
    for (name, plain) in [
        ("broken.yaml", format!("a: b\n c: {secret}\n")),
        ("list.yaml", format!("- {secret}\n")),
        ("alias.yaml", format!("a: &x {secret}\nb: *x\n")),
        ("tag.yaml", format!("a: !Ref {secret}\n")),
        ("broken.json", format!("{{\"a\": {secret}}}")),
        ("broken.env", format!("A=1\n{secret}\n")),
        ("broken.ini", format!("{secret}\n[x\n")),
    ] {
        bench.put(name, plain.as_bytes());
        let run = bench.sopup(&["encrypt", "--age", &recipient, "-i", name]);
        assert!(run.code == 2 && !run.stderr.contains(secret) && run.stderr.contains("hint:"), "{name}: {}", run.stderr);
        assert_eq!(text(&bench.get(name)), plain, "nothing is written");
    }
    encrypted(&bench, "nested.yaml", &format!("m:\n  k: {secret}\n"));
    let run = bench.sopup(&["exec-env", "nested.yaml", "true"]);
    assert!(run.code == 2 && run.stderr.contains("`m`") && !run.stderr.contains(secret), "{}", run.stderr);
    let run = bench.sopup(&["encrypt", "--age", "AGE-SECRET-KEY-1QQQ", "nested.yaml"]);
    assert!(!run.stderr.contains("QQQ"), "{}", run.stderr);
}

#[test]
fn case_15_post_quantum_keys_are_those_of_sops() {
    let bench = Bench::new();
    let recipient = RECIPIENT.trim();
    bench.put(".sops.yaml", format!("creation_rules:\n  - age: {recipient}\n").as_bytes());
    bench.put("pq.txt", format!("# post-quantum\n{IDENTITY}").as_bytes());
    let sources = [("SOPS_AGE_KEY", IDENTITY.to_owned()), ("SOPS_AGE_KEY_FILE", bench.path("pq.txt").display().to_string())];
    bench.put("ours.yaml", b"a: hunter2hunter2\n");
    bench.sopup_prints(&["encrypt", "-i", "ours.yaml"]);
    bench.put("theirs.yaml", &bench.sops_encrypt("theirs.yaml", b"a: hunter2hunter2\n", &["--age", recipient]));
    for name in ["ours.yaml", "theirs.yaml"] {
        for (variable, value) in &sources {
            for mut command in [bench.sopup_command(&["decrypt", name]), bench.sops_command(&["decrypt", name])] {
                let output = command.env_remove("SOPS_AGE_KEY_FILE").env(variable, value).output().expect("runs");
                assert_eq!(text(&output.stdout), "a: hunter2hunter2\n", "{name}: {}", text(&output.stderr));
            }
        }
        let run = bench.sopup(&["decrypt", name]);
        assert!(run.code == 2 && run.stderr.contains("age1pq1") && !run.stderr.contains(recipient), "{}", run.stderr);
    }
    // `updatekeys` and `rotate` wrap the data key, `doctor` knows both forms.
    let with_key = |args: &[&str]| bench.sopup_command(args).env("SOPS_AGE_KEY", IDENTITY).output().expect("runs");
    bench.put("classic.yaml", &bench.sops_encrypt("classic.yaml", b"a: b\n", &["--age", &bench.recipients[0]]));
    let output = with_key(&["updatekeys", "--yes", "classic.yaml"]);
    assert!(output.status.success() && text(&output.stderr).contains("+ age1pq1"), "{}", text(&output.stderr));
    let output = with_key(&["rotate", "-i", "classic.yaml"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let output = bench.sops_command(&["decrypt", "classic.yaml"]).env("SOPS_AGE_KEY", IDENTITY).output().expect("runs");
    assert_eq!(text(&output.stdout), "a: b\n", "{}", text(&output.stderr));
    assert!(!text(&with_key(&["doctor", "classic.yaml"]).stdout).contains("post-quantum and classic"));
    let wrong = recipient.replace("age1pq1x", "age1pq1q");
    bench.put("plain.yaml", b"a: b\n");
    let run = bench.sopup(&["encrypt", "--age", &wrong, "-i", "plain.yaml"]);
    assert!(run.code == 2 && run.stderr.contains("is not an age recipient"), "{}", run.stderr);
    assert_eq!(bench.get("plain.yaml"), b"a: b\n", "no broken file is left");
}

#[test]
fn case_15_a_mixture_is_written_as_sops_does_and_told() {
    let bench = Bench::new();
    let both = format!("{},{}", RECIPIENT.trim(), bench.recipients[0]);
    bench.put("x.yaml", b"a: hunter2hunter2\n");
    let run = bench.sopup(&["encrypt", "--age", &both, "-i", "x.yaml"]);
    assert!(run.code == 0 && run.stderr.contains("a quantum computer needs only one of the others"), "{}", run.stderr);
    bench.put("z.yaml", &bench.sops_encrypt("z.yaml", b"a: b\n", &["--age", &bench.recipients[0]]));
    let run = bench.sopup(&["rotate", "-i", "--add-age", RECIPIENT.trim(), "z.yaml"]);
    assert!(run.code == 0 && run.stderr.contains("a quantum computer needs only one of the others"), "{}", run.stderr);
    let run = bench.sopup(&["rotate", "-i", "--rm-age", RECIPIENT.trim(), "z.yaml"]);
    assert!(run.code == 0 && run.stderr.is_empty(), "{}", run.stderr);
    let theirs = bench.sops_encrypt("y.yaml", b"a: hunter2hunter2\n", &["--age", &both]);
    bench.put("y.yaml", &theirs);
    for name in ["x.yaml", "y.yaml"] {
        assert_eq!(bench.sopup_prints(&["decrypt", name]), "a: hunter2hunter2\n");
        assert_eq!(bench.sops_decrypt(name, &bench.get(name)).expect("sops opens it"), b"a: hunter2hunter2\n");
        assert!(bench.sopup(&["doctor", name]).stdout.contains("post-quantum and classic"));
    }
}

#[test]
fn case_41_new_lines_are_indented_as_the_rules_say() {
    let bench = Bench::new();
    bench.put(".sops.yaml", format!("creation_rules:\n  - age: {}\nstores:\n  yaml:\n    indent: 2\n", bench.recipients[0]).as_bytes());
    bench.put("x.yaml", b"a: b\n");
    bench.sopup_prints(&["encrypt", "-i", "x.yaml"]);
    let run = bench.sopup_reads(&["set", "--value-stdin", "x.yaml", "[\"m\"]"], b"{\"k\": {\"l\": [\"x\"]}}");
    assert_eq!(run.code, 0, "{}", run.stderr);
    let before = text(&bench.get("x.yaml"));
    assert!(before.contains("\nm:\n  k:\n    l:\n      - ENC["), "{before}");
    assert!(bench.sops(&["set", "x.yaml", "[\"a\"]", "\"c\""]).status.success());
    let after = text(&bench.get("x.yaml"));
    let changed = after.lines().filter(|line| !before.lines().any(|old| old == *line)).count();
    assert!(changed <= 3, "sops finds the indentation it expects: {changed} lines\n{before}\n{after}");
}
