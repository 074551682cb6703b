//! INI files beside the real sops: comments of several lines, quoted values, sections with brackets in their names.

use super::bench::{Bench, text};

const PLAIN: &str = "\
; top
; of the file
root = 1

; about a
; and more of it
[a]
; one
; two
; three
x = 1
# sharp
; mixed
y = `p;q`
z = \"\"\"m
n\"\"\"

[[!.]*.adoc]
indent = 2
`k=1` = v
";

/// As sops prints it: comments and values in order, blank lines and alignment aside.
fn squeezed(ini: &str) -> Vec<String> {
    let lines = ini.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    lines.filter(|line| !line.is_empty()).map(|line| line.replacen('#', ";", usize::from(line.starts_with('#')))).collect()
}

#[test]
fn both_read_what_the_other_wrote() {
    let bench = Bench::new();
    let ours = bench.encrypt("x.ini", PLAIN.as_bytes()).expect("encrypts");
    let theirs = bench.sops_encrypt("x.ini", PLAIN.as_bytes(), &[]);
    for name in ["top", "about a", "one", "three", "mixed"] {
        assert!(!text(&ours).contains(name), "{name} is readable: {}", text(&ours));
    }
    for file in [&ours, &theirs] {
        let by_us = text(&bench.decrypt("x.ini", file).expect("we decrypt"));
        let by_sops = text(&bench.sops_decrypt("x.ini", file).expect("sops decrypts"));
        assert_eq!(squeezed(&by_us), squeezed(PLAIN), "{by_us}");
        assert_eq!(squeezed(&by_sops), squeezed(PLAIN), "{by_sops}");
    }
    assert_eq!(text(&bench.decrypt("x.ini", &ours).expect("we decrypt")), PLAIN);
}

#[test]
fn ciphertexts_on_lines_of_their_own_are_comments_of_their_own() {
    let bench = Bench::new();
    let ours = text(&bench.encrypt("x.ini", b"[a]\n; one\nx = 1\n; two\ny = 2\n").expect("encrypts"));
    let mut lines: Vec<&str> = ours.lines().collect();
    lines.swap(2, 3);
    let plain = bench.decrypt("x.ini", lines.join("\n").as_bytes()).expect("decrypts");
    assert_eq!(text(&plain), "[a]\n; one\n; two\nx = 1\ny = 2\n");
}

#[test]
fn an_edit_keeps_comments_of_several_lines() {
    let bench = Bench::new();
    bench.put("x.ini", &bench.sops_encrypt("x.ini", PLAIN.as_bytes(), &[]));
    let run = bench.sopup_command(&["edit", "x.ini"]).env("EDITOR", "sed -i s/three/four/").output().expect("runs");
    assert!(run.status.success(), "{}", text(&run.stderr));
    let read = text(&bench.sops_decrypt("x.ini", &bench.get("x.ini")).expect("sops"));
    assert_eq!(squeezed(&read), squeezed(&PLAIN.replace("three", "four")));
}

#[test]
fn metadata_in_quotes_over_several_lines_is_read() {
    let bench = Bench::new();
    let ours = text(&bench.encrypt("x.ini", b"[a]\nb = c\n").expect("encrypts"));
    // sops 3.13.0 and 3.13.1 write it so.
    let quoted: String = ours
        .lines()
        .map(|line| match line.split_once(" = ") {
            Some((key, value)) if key.trim_end().ends_with("map_enc") => format!("{key} = \"\"\"{}\"\"\"\n", value.replace("\\n", "\n")),
            _ => format!("{line}\n"),
        })
        .collect();
    assert!(quoted.contains("FILE-----\n"), "{quoted}");
    for file in [&quoted, &quoted.replace('\n', "\r\n")] {
        assert_eq!(text(&bench.decrypt("x.ini", file.as_bytes()).expect("we decrypt")).trim_end(), "[a]\nb = c");
    }
    assert_eq!(text(&bench.sops_decrypt("x.ini", quoted.as_bytes()).expect("sops decrypts")), "[a]\nb = c\n");
}

#[test]
fn new_sections_are_aligned_as_sops_aligns_them() {
    let bench = Bench::new();
    let yaml = "s:\n    a: 1\n    longer: two\n    tick: a`b\n    semi: a;b\nt:\n    x: \"l1\\nl2\"\n";
    let file = bench.sops_encrypt("x.yaml", yaml.as_bytes(), &[]);
    bench.put("x.yaml", &file);
    let ours = bench.sopup_prints(&["decrypt", "--output-type", "ini", "x.yaml"]);
    let theirs = text(&bench.sops(&["decrypt", "--output-type", "ini", "x.yaml"]).stdout);
    assert_eq!(ours.trim_end(), theirs.trim_end());
    // The section of metadata too: `sops` reads a selector with signs of comments in it.
    let args = ["encrypt", "--age", &bench.recipients[0], "--encrypted-regex", "^(b|#)$", "p.ini"];
    bench.put("p.ini", b"[a]\nb = c\n");
    let encrypted = bench.sopup_prints(&args);
    assert_eq!(text(&bench.sops_decrypt("p.ini", encrypted.as_bytes()).expect("sops")), "[a]\nb = c\n");
    assert_eq!(text(&bench.decrypt("p.ini", encrypted.as_bytes()).expect("we")), "[a]\nb = c\n");
    let columns: Vec<_> = encrypted.lines().skip_while(|line| *line != "[sops]").filter_map(|line| line.find(" = ")).collect();
    assert!(columns.len() > 3 && columns.windows(2).all(|pair| pair[0] == pair[1]), "{encrypted}");
}

#[test]
fn a_section_in_several_places_keeps_them() {
    let bench = Bench::new();
    let plain = "[a]\n; one\nx = 1\n\n[b]\ny = 2\n\n[a]\n; two\nx = 3\nz = 4\n\n[c]\n\n[b]\nw = 5\n";
    let theirs = bench.sops_encrypt("x.ini", plain.as_bytes(), &[]);
    let ours = text(&bench.decrypt("x.ini", &theirs).expect("the MAC holds"));
    assert_eq!(squeezed(&ours), squeezed(plain));
    bench.put("x.ini", &theirs);
    let set = bench.sopup(&["rotate", "--in-place", "x.ini"]);
    assert_eq!(set.code, 0, "{}", set.stderr);
    assert_eq!(squeezed(&text(&bench.sops_decrypt("x.ini", &bench.get("x.ini")).expect("sops"))), squeezed(plain));
}

#[test]
fn only_quotes_that_would_be_lost_are_quoted() {
    let bench = Bench::new();
    let plain = "[a]\nexec = \"/usr/bin/x\" --y\nquote = \"\napostrophe = 's\nboth = `\"all\"`\nthree = `\"\"\"x`\nempty = `\"\"`\ntwo = \"a\" \"b\"\n";
    let theirs = bench.sops_encrypt("x.ini", plain.as_bytes(), &[]);
    let ours = bench.decrypt("x.ini", &theirs).expect("decrypts");
    assert_eq!(squeezed(&text(&ours)), squeezed(plain));
    let (again, by_sops) = (bench.sops_encrypt("x.ini", &ours, &[]), bench.encrypt("x.ini", &ours).expect("encrypts"));
    for file in [again, by_sops] {
        bench.put("again.ini", &file);
        bench.put("first.ini", &theirs);
        let json = |name: &str| text(&bench.sops(&["decrypt", "--output-type", "json", name]).stdout);
        assert!(json("first.ini").contains("\"both\": \"\\\"all\\\"\""), "{}", json("first.ini"));
        assert_eq!(json("again.ini"), json("first.ini"));
    }
}

#[test]
fn what_go_ini_would_change_is_refused() {
    let bench = Bench::new();
    for (bad, line) in [
        ("[a]\nk = v ; c\n", 2),
        ("[a]\nk = v#1\n", 2),
        ("[a]\nk = x\\\ny = 2\n", 2),
        ("[a]\nk=1\nk=2\n", 3),
        ("[a] ; c\nk = 1\n", 1),
        ("[a]\n- = 1\n", 2),
        ("[a]\nk = \"\"\"x\ny\n", 2),
    ] {
        let error = bench.encrypt("x.ini", bad.as_bytes()).expect_err("refused").to_string();
        assert!(error.contains(&format!("line {line}:")), "{bad}: {error}");
    }
}
