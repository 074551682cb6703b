//! What must not go wrong in silence: values that stay plain, numbers that change, files that are no maps or in a merge.

use super::bench::{Bench, text};
use crate::support::Place;

fn rule(bench: &Bench, selector: &str) {
    bench.put(".sops.yaml", format!("creation_rules:\n  - age: {}\n    encrypted_regex: {selector}\n", bench.recipients[0]).as_bytes());
}

#[test]
fn set_writes_no_plain_value_unless_told() {
    let bench = Bench::new();
    rule(&bench, "^(password)$");
    bench.put("a.yaml", b"password: Amber-Kettle-44\nname: app\nlist:\n    - one\n");
    bench.sopup_prints(&["encrypt", "-i", "a.yaml"]);
    rule(&bench, "^(password|token)$");
    let file = bench.get("a.yaml");
    for index in ["[\"token\"]", "[\"name\"]", "[\"list\"][1]", "[\"deep\"][\"er\"]"] {
        let run = bench.sopup_reads(&["set", "--value-stdin", "a.yaml", index], b"\"zq81kfQ0\"");
        assert!(run.code == 2 && bench.get("a.yaml") == file, "{index}: {}", run.stderr);
        for said in ["would stay plain text", "encrypted_regex: ^(password)$", "--allow-plain"] {
            assert!(run.stderr.contains(said), "{index}: {}", run.stderr);
        }
        assert!(!run.stderr.contains("zq81kfQ0"), "{}", run.stderr);
    }
    for (index, value) in [("[\"password\"]", "\"new\""), ("[\"name\"]", "\"app\""), ("[\"deep\"]", "{\"password\": \"p\", \"e\": \"\"}")] {
        let run = bench.sopup_reads(&["set", "--value-stdin", "a.yaml", index], value.as_bytes());
        assert_eq!(run.code, 0, "{index}: {}", run.stderr);
    }
    let run = bench.sopup_reads(&["set", "--allow-plain", "--value-stdin", "a.yaml", "[\"name\"]"], b"\"other\"");
    assert_eq!(run.code, 0, "{}", run.stderr);
    bench.sopup_prints(&["unset", "a.yaml", "[\"list\"]"]);
    let plain = text(&bench.sops_decrypt("a.yaml", &bench.get("a.yaml")).expect("sops decrypts"));
    assert_eq!(plain, "password: new\nname: other\ndeep:\n    password: p\n    e: \"\"\n");
}

#[test]
fn edit_asks_before_it_writes_a_plain_value() {
    let bench = Bench::new();
    rule(&bench, "^(password)$");
    bench.put("a.yaml", b"password: one\nname: app\n");
    bench.sopup_prints(&["encrypt", "-i", "a.yaml"]);
    let file = bench.get("a.yaml");
    bench.put("editor.sh", b"#!/bin/sh\necho 'token: zq81kfQ0' >> \"$1\"\n");
    let edit = |args: &[&str]| {
        let mut command = bench.sopup_command(args);
        let output = command.env("EDITOR", "sh editor.sh").output().expect("runs");
        (output.status.code(), text(&output.stderr))
    };
    let (code, said) = edit(&["edit", "a.yaml"]);
    assert!(code == Some(2) && said.contains("`token` would stay plain text") && bench.get("a.yaml") == file, "{said}");
    let (code, said) = edit(&["edit", "--allow-plain", "a.yaml"]);
    assert!(code == Some(0) && text(&bench.get("a.yaml")).contains("token: zq81kfQ0"), "{said}");
}

#[test]
fn numbers_that_sops_changes_are_refused_with_their_line() {
    let bench = Bench::new();
    let encrypt = |name: &str, plain: &str, selector: &str| {
        bench.put(name, plain.as_bytes());
        bench.sopup(&["encrypt", "--age", &bench.recipients[0], "--encrypted-regex", selector, name])
    };
    for number in
        ["0123", "08123", "+1", "+1.5", "00", "1_000", "0x1F", "0b11", "0o17", "-007", "12345678901234567890123", "0.12345678901234567890"]
    {
        let plain = format!("a: x\nb:\n  - c: 1\n  - c: {number}\n");
        let run = encrypt("x.yaml", &plain, ".");
        assert!(run.code == 2 && run.stderr.contains("line 4") && run.stderr.contains("`b.c`"), "{number}: {}", run.stderr);
        assert!(!run.stderr.contains(number), "{}", run.stderr);
        // sops, for comparison, gives back something else.
        let theirs = bench.sops_encrypt("x.yaml", plain.as_bytes(), &[]);
        assert_ne!(text(&bench.sops_decrypt("x.yaml", &theirs).expect("sops")).lines().last(), plain.lines().last(), "{number}");
        // In quotes, and left plain, it stays what it is.
        let quoted = encrypt("x.yaml", &plain.replace(number, &format!("\"{number}\"")), ".");
        assert_eq!(quoted.code, 0, "{number}: {}", quoted.stderr);
        let left = encrypt("x.yaml", &plain, "^a$");
        assert!(left.code == 0 && left.stdout.contains(&format!("c: {number}\n")), "{number}: {}", left.stderr);
    }
    for number in ["839299365868340225", "12345678901234567890", "0.12345678901234567890", "-9007199254740993"] {
        let run = encrypt("x.json", &format!("{{\n\"a\": \"x\",\n\"b\": [{{\"c\": {number}}}]}}"), ".");
        assert!(run.code == 2 && run.stderr.contains("line 3") && run.stderr.contains("`b.c`"), "{number}: {}", run.stderr);
    }
    for (name, plain) in [
        ("x.yaml", "a: 1\nb: -0.5\nc: 1.50\nd: 1e3\ne: 9223372036854775807\nf: 0\ng: .inf\n"),
        ("x.json", "{\"a\": 9007199254740992, \"b\": 0.10, \"c\": 0.0, \"d\": 1E5, \"e\": -1}"),
    ] {
        let run = encrypt(name, plain, ".");
        assert_eq!(run.code, 0, "{}", run.stderr);
    }
}

#[test]
fn dotenv_files_whose_line_ends_git_turned_decrypt() {
    let bench = Bench::new();
    let plain = b"A=Amber-Kettle-44\n# note\n\nB=two\\nlines\nC_unencrypted=3\n";
    let theirs = bench.sops_encrypt("a.env", plain, &[]);
    let want = text(&bench.sops_decrypt("a.env", &theirs).expect("sops"));
    bench.put("a.env", text(&theirs).replace('\n', "\r\n").as_bytes());
    assert_eq!(bench.sopup_prints(&["decrypt", "a.env"]), want);
    let run = bench.sopup_reads(&["set", "--value-stdin", "a.env", "[\"A\"]"], b"\"new\"");
    assert_eq!(run.code, 0, "{}", run.stderr);
    let plain = text(&bench.sops_decrypt("a.env", &bench.get("a.env")).expect("sops takes the file again"));
    assert_eq!(plain, want.replace("Amber-Kettle-44", "new"));
    // Carriage returns that were there before the encryption are part of the values, as for sops.
    let theirs = bench.sops_encrypt("a.env", b"A=x\r\nC_unencrypted=3\r\n", &[]);
    bench.put("a.env", &theirs);
    assert_eq!(bench.sopup_prints(&["decrypt", "a.env"]), "A=x\r\nC_unencrypted=3\r\n");
}

#[test]
fn lists_and_single_values_have_a_way_out() {
    let bench = Bench::new();
    let recipient = &bench.recipients[0];
    for (name, plain) in
        [("a.yaml", "---\n- password: Amber-Kettle-44\n"), ("b.yaml", "hello\n"), ("c.json", "[{\"a\": 1}]\n"), ("d.json", "5\n")]
    {
        bench.put(name, plain.as_bytes());
        let run = bench.sopup(&["encrypt", "--age", recipient, "-i", name]);
        assert!(run.code == 2 && run.stderr.contains("--input-type binary"), "{name}: {}", run.stderr);
        assert_eq!(text(&bench.get(name)), plain);
        bench.sopup_prints(&["encrypt", "--age", recipient, "-i", "--input-type", "binary", name]);
        assert_eq!(bench.sopup_prints(&["decrypt", "--input-type", "binary", name]), plain);
        let theirs = bench.sops(&["decrypt", "--input-type", "binary", "--output-type", "binary", name]);
        assert_eq!(text(&theirs.stdout), plain, "{}", text(&theirs.stderr));
    }
}

#[test]
fn a_merge_conflict_is_named() {
    let bench = Bench::new();
    rule(&bench, ".");
    for (name, plain) in
        [("a.yaml", "a: one\nb: two\n"), ("a.json", "{\n\"a\": \"one\"\n}\n"), ("a.env", "A=one\n"), ("a.ini", "[s]\na = one\n")]
    {
        let file = text(&bench.sops_encrypt(name, plain.as_bytes(), &[]));
        let mut lines: Vec<&str> = file.lines().collect();
        let changed = lines[1];
        lines.splice(1..2, ["<<<<<<< HEAD", changed, "=======", changed, ">>>>>>> other"]);
        bench.put(name, (lines.join("\n") + "\n").as_bytes());
        let run = bench.sopup(&["decrypt", name]);
        assert!(run.code == 2 && run.stderr.contains("line 2: a merge conflict"), "{name}: {}", run.stderr);
        let doctor = bench.sopup(&["doctor", name]);
        assert!(doctor.code == 1 && doctor.stdout.contains("a merge conflict"), "{name}: {}", doctor.stdout);
    }
}

#[test]
fn names_in_the_metadata_of_sops_are_no_findings() {
    let bench = Bench::new();
    let block = "    kms:\n        - arn: arn:aws:kms:us-east-1:384756102938:key/aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee\n          created_at: \"2024-01-01T00:00:00Z\"\n          enc: AQICAHh=\n          aws_profile: \"\"\n";
    let file = text(&bench.encrypt("x.yaml", b"a: hello\n").expect("encrypts")).replacen("sops:\n", &format!("sops:\n{block}"), 1);
    let scan = |text: &str| bench.sopup_reads(&["scan", "--stdin", "--stdin-name", "x.yaml"], text.as_bytes());
    assert_eq!(scan(&file).code, 0, "{}", scan(&file).stdout);
    let outside = file.replacen("a: ", "arn: arn:aws:kms:us-east-1:384756102938:key/a\na: ", 1);
    assert!(scan(&outside).code == 1 && scan(&outside).stdout.matches("384756102938").count() <= 1, "{}", scan(&outside).stdout);

    let place = Place::repository();
    place.write("x.yaml", &file).commit("one").write("x.yaml", file.replacen("a: ", "# changed\na: ", 1)).commit("two");
    place.git(["gc", "--quiet"]);
    let other = place.write("y/x.yaml", &file).git(["hash-object", "-w", "y/x.yaml"]);
    std::fs::remove_dir_all(place.join("y")).expect("it was written");
    place.git(["update-index", "--add", "--cacheinfo", &format!("100644,{},z.json", other.trim())]);
    let run = place.sopup(["scan"]);
    assert!(run.code == 0 && run.stdout.contains("no secrets found"), "{}{}", run.stdout, run.stderr);
    place.write("x.yaml", &outside).commit("three");
    assert_eq!(place.sopup(["scan"]).code, 1);
}

#[test]
fn versions_are_read_as_sops_reads_them() {
    let bench = Bench::new();
    let file = text(&bench.encrypt("x.yaml", b"a: hello\n").expect("encrypts"));
    for version in ["1.13", "v3.8.0", "1", "3.8.0-rc1", "3.11.0+x", "v", "3.x.0", "sopup-1"] {
        bench.put("x.yaml", file.replace("version: 3.11.0", &format!("version: \"{version}\"")).as_bytes());
        let theirs = bench.sops(&["decrypt", "x.yaml"]).status.success();
        assert_eq!(bench.sopup(&["decrypt", "x.yaml"]).code == 0, theirs, "{version}");
    }
}

#[test]
fn texts_that_other_readers_take_for_numbers_keep_their_quotes() {
    let bench = Bench::new();
    let values = ["22:22", "12:30", "190:20:30", "2001-12-14 21:59:43.10 -5", "yes", "0123", "1e3", "10.0.0.1:80", "a:b"];
    let plain: String = values.iter().map(|value| format!("- \"{value}\"\n")).collect();
    bench.put("x.yaml", format!("l:\n{plain}").as_bytes());
    for encrypt in [
        bench.sops(&["encrypt", "--age", &bench.recipients[0], "x.yaml"]).stdout,
        bench.encrypt("x.yaml", &bench.get("x.yaml")).expect("encrypts"),
    ] {
        bench.put("y.yaml", &encrypt);
        let quoted = |out: &str| out.lines().skip(1).map(|line| line.contains(['"', '\''])).collect::<Vec<bool>>();
        let ours = bench.sopup_prints(&["decrypt", "y.yaml"]);
        let theirs = text(&bench.sops(&["decrypt", "y.yaml"]).stdout);
        // sops leaves the odd time plain, which PyYAML reads as one.
        assert_eq!(quoted(&ours), [true, true, true, true, true, true, true, false, false], "{ours}");
        assert!(quoted(&ours).iter().zip(quoted(&theirs)).all(|(ours, theirs)| *ours || !theirs), "{ours}{theirs}");
    }
}
