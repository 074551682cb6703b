//! YAML that stays the user's (matrix cases 29 to 34, 41, 43 to 46, 53).

use sopup::sops::crypt::CommentPolicy;
use sopup::sops::ops::{EncryptError, Plan};
use sopup::sops::selector::{Pattern, Selector};

use super::bench::{Bench, text};

const MANIFEST: &str = include_str!("../../../fixtures/sops/yaml/manifest.yaml");
const MANIFEST_OUTLINE: &str = include_str!("../../../fixtures/sops/yaml/manifest.outline.yaml");
const COMMENTS: &str = include_str!("../../../fixtures/sops/yaml/comments.yaml");

fn regex_plan(bench: &Bench, regex: &str) -> Plan {
    Plan { selector: Some(Selector::EncryptedRegex(Pattern::new(regex).expect("compiles"))), ..bench.plan() }
}

/// The file with every ciphertext shortened and the metadata blocks cut out.
fn outline(encrypted: &str) -> String {
    let mut out = String::new();
    let mut in_block = false;
    for line in encrypted.split_inclusive('\n') {
        in_block = line.starts_with("sops:") || (in_block && line.starts_with(' '));
        if in_block {
            continue;
        }
        let mut rest = line;
        while let Some(at) = rest.find("ENC[") {
            out += &rest[..at];
            out += "ENC[]";
            rest = rest[at..].split_once(']').map_or("", |(_, rest)| rest);
        }
        out += rest;
    }
    out
}

#[test]
fn only_the_selected_values_change() {
    let bench = Bench::new();
    let ours = bench.encrypt_as("x.yaml", MANIFEST.as_bytes(), &regex_plan(&bench, "^(data|stringData)$")).expect("encrypts");
    let ours = text(&ours);
    assert_eq!(outline(&ours), MANIFEST_OUTLINE);
    let theirs = text(&bench.sops_decrypt("x.yaml", ours.as_bytes()).expect("sops decrypts"));
    assert!(!theirs.contains("ENC["), "{theirs}");
    let again = text(&bench.decrypt("x.yaml", ours.as_bytes()).expect("decrypts"));
    let values = |s: &str| {
        serde_yaml::Deserializer::from_str(s)
            .map(|d| serde_yaml::with::singleton_map::deserialize::<serde_yaml::Value, _>(d).expect("YAML"))
            .collect::<Vec<_>>()
    };
    assert_eq!(values(&again), values(MANIFEST));
    assert_eq!(values(&theirs).len(), values(MANIFEST).len());
}

#[test]
fn line_ends_and_bom_stay() {
    let bench = Bench::new();
    let plain = "\u{feff}# note\r\na: secret\r\nb:\r\n  c: x # tail\r\n\r\n  d: |\r\n    two\r\n    lines\r\n";
    let ours = bench.encrypt("x.yaml", plain.as_bytes()).expect("encrypts");
    let ours = text(&ours);
    assert!(ours.starts_with('\u{feff}') && !ours.replace("\r\n", "").contains('\n'));
    bench.sops_decrypt("x.yaml", ours.as_bytes()).expect("sops decrypts");
    let again = text(&bench.decrypt("x.yaml", ours.as_bytes()).expect("decrypts"));
    assert_eq!(again.replace("|-", "|"), plain);
}

#[test]
fn utf_16_is_read_and_utf_8_written() {
    let bench = Bench::new();
    let utf_16 = |text: &str| [0xfeff].into_iter().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    let plain = "a: gr\u{fc}n\r\nb: 1\r\n";
    let ours = bench.encrypt("x.yaml", &utf_16(plain)).expect("encrypts");
    bench.sops_decrypt("x.yaml", &ours).expect("sops decrypts");
    let encrypted = utf_16(&text(&bench.sops_encrypt("x.yaml", plain.as_bytes(), &[])));
    bench.put("x.yaml", &encrypted);
    assert_eq!(bench.sopup_prints(&["decrypt", "x.yaml"]), text(&bench.sops(&["decrypt", "x.yaml"]).stdout));
    assert_eq!(bench.sopup_prints(&["filestatus", "x.yaml"]), "{\"encrypted\":true}\n");
    bench.put(".sops.yaml", format!("creation_rules:\n  - path_regex: x.yaml\n    age: {}\n", bench.recipients[0]).as_bytes());
    assert!(bench.sopup_prints(&["doctor", "x.yaml"]).ends_with("1 SOPS file: 0 errors, 1 warning\n"));
    assert_eq!(bench.sopup_reads(&["set", "--value-stdin", "x.yaml", "[\"b\"]"], b"2").code, 0);
    let set = bench.get("x.yaml");
    assert!(text(&bench.sops_decrypt("x.yaml", &set).expect("sops decrypts")).contains("gr\u{fc}n"));
    assert!(text(&set).starts_with("a: ENC"));
}

#[test]
fn case_33_comments_of_all_kinds_open_in_sops() {
    let bench = Bench::new();
    let ours = bench.encrypt("x.yaml", COMMENTS.as_bytes()).expect("encrypts");
    let ours = text(&ours);
    let body: String = ours.split_inclusive('\n').take_while(|line| *line != "sops:\n").collect();
    let plain_comment = |line: &&str| line.trim_start().starts_with("# ");
    assert_eq!(body.lines().filter(plain_comment).count(), 0, "{body}");
    let theirs = text(&bench.sops_decrypt("x.yaml", ours.as_bytes()).expect("sops decrypts"));
    let broken: Vec<&str> = theirs.lines().filter(|line| line.contains("ENC[")).collect();
    assert_eq!(broken.len(), 0, "sops could not open comments:\n{theirs}");
    assert_eq!(text(&bench.decrypt("x.yaml", ours.as_bytes()).expect("decrypts")), COMMENTS);
}

#[test]
fn case_33_comments_of_sops_open_here() {
    let bench = Bench::new();
    let theirs = bench.sops_encrypt("x.yaml", COMMENTS.as_bytes(), &[]);
    let ours = text(&bench.decrypt("x.yaml", &theirs).expect("decrypts"));
    assert!(!ours.contains("ENC["), "{ours}");
    let expected = text(&bench.sops_decrypt("x.yaml", &theirs).expect("sops decrypts"));
    let lines = |s: &str| {
        let mut lines: Vec<String> = s.lines().filter(|l| l.contains('#')).map(|l| l.trim().to_owned()).collect();
        lines.sort();
        lines
    };
    assert_eq!(lines(&ours), lines(&expected));
}

#[test]
fn case_33_comments_of_empty_lists_and_maps() {
    let bench = Bench::new();
    let plain = "a: [] # none yet\nb:\n    c: {} # empty\n    d: [] # x\ne: f\n";
    let ours = bench.encrypt("x.yaml", plain.as_bytes()).expect("encrypts");
    let theirs = text(&bench.sops_decrypt("x.yaml", &ours).expect("sops decrypts"));
    assert!(!theirs.contains("ENC[") && theirs.contains("none yet"), "{theirs}");
    assert_eq!(text(&bench.decrypt("x.yaml", &ours).expect("decrypts")), plain);
    let theirs = bench.sops_encrypt("x.yaml", plain.as_bytes(), &[]);
    let opened = text(&bench.decrypt("x.yaml", &theirs).expect("decrypts"));
    assert!(!opened.contains("ENC[") && opened.contains("a: []") && opened.contains("# none yet"), "{opened}");
}

#[test]
fn case_33_comments_may_stay_readable() {
    let bench = Bench::new();
    let plan = Plan { comments: CommentPolicy::Keep, ..bench.plan() };
    let ours = text(&bench.encrypt_as("x.yaml", b"# why\na: b # here\n", &plan).expect("encrypts"));
    assert!(ours.starts_with("# why\na: ENC[") && ours.contains("] # here\n"));
    bench.sops_decrypt("x.yaml", ours.as_bytes()).expect("sops decrypts");
}

#[test]
fn case_29_several_documents() {
    let bench = Bench::new();
    let plain = "---\na: one\n# foot\n---\nb: two\n...\n---\n# third\nc:\n  d: three\n";
    let ours = text(&bench.encrypt("x.yaml", plain.as_bytes()).expect("encrypts"));
    assert_eq!(ours.matches("\nsops:\n").count(), 3, "{ours}");
    let theirs = text(&bench.sops_decrypt("x.yaml", ours.as_bytes()).expect("sops decrypts"));
    assert!(theirs.contains("a: one") && theirs.contains("d: three"));
    assert_eq!(text(&bench.decrypt("x.yaml", ours.as_bytes()).expect("decrypts")), plain);
    let theirs = bench.sops_encrypt("x.yaml", plain.as_bytes(), &[]);
    bench.decrypt("x.yaml", &theirs).expect("we decrypt theirs");

    // The second block may be missing; a dropped or swapped document is noticed.
    let documents: Vec<&str> = ours.split_inclusive("\n---\n").collect();
    let without_block = |doc: &str| doc.split("sops:\n").next().unwrap_or_default().to_owned();
    let third = without_block(documents[2]);
    let missing_block = [documents[0], documents[1], &third].concat();
    bench.sops_decrypt("x.yaml", missing_block.as_bytes()).expect("sops accepts");
    bench.decrypt("x.yaml", missing_block.as_bytes()).expect("so do we");
    let dropped = documents[0].to_owned();
    assert!(bench.decrypt("x.yaml", dropped.as_bytes()).is_err());
    assert!(bench.sops_decrypt("x.yaml", dropped.as_bytes()).is_err());
    let swapped = format!("{}{}", documents[1].replace("...\n", ""), documents[0].trim_start_matches("---\n").trim_end_matches("---\n"));
    assert!(bench.decrypt("x.yaml", swapped.as_bytes()).is_err());
}

#[test]
fn case_30_anchors_outside_encrypted_values_stay() {
    let bench = Bench::new();
    let plain = "base: &base\n  image: x\n  port: 80\nweb:\n  <<: *base\n  name: w\nlist:\n  - *base\nsecret:\n  password: p\n";
    let ours = bench.encrypt_as("x.yaml", plain.as_bytes(), &regex_plan(&bench, "^secret$")).expect("encrypts");
    assert_eq!(outline(&text(&ours)), plain.replace("password: p", "password: ENC[]"));
    bench.sops_decrypt("x.yaml", &ours).expect("sops decrypts");
    assert_eq!(text(&bench.decrypt("x.yaml", &ours).expect("decrypts")), plain);
    // sops writes the aliases out, with `!!merge <<:`.
    let theirs = bench.sops_encrypt("x.yaml", plain.as_bytes(), &["--encrypted-regex", "^secret$"]);
    assert!(text(&theirs).contains("!!merge <<:"));
    bench.decrypt("x.yaml", &theirs).expect("we decrypt what sops re-emits");
    let all = bench.sops_encrypt("x.yaml", plain.as_bytes(), &[]);
    bench.decrypt("x.yaml", &all).expect("we decrypt what sops re-emits");
}

#[test]
fn case_30_anchors_in_encrypted_values_are_refused() {
    let bench = Bench::new();
    for plain in ["a: &x secret\nb: *x\n", "a: &x\n  k: v\nb: *x\n"] {
        let error = bench.encrypt("x.yaml", plain.as_bytes()).expect_err("refused").to_string();
        assert!(error.contains("write the value out"), "{error}");
    }
}

#[test]
fn anchors_that_no_alias_uses_go() {
    let bench = Bench::new();
    let plain = "n: &app traefik\nl:\n  - &one x\nb: &text |\n  y\n";
    let ours = bench.encrypt("x.yaml", plain.as_bytes()).expect("encrypts");
    let theirs = bench.sops_encrypt("x.yaml", plain.as_bytes(), &[]);
    let by_sops = |encrypted: &[u8]| text(&bench.sops_decrypt("x.yaml", encrypted).expect("sops decrypts")).replace("&text ", "");
    assert_eq!(by_sops(&ours), by_sops(&theirs));
}

#[test]
fn keys_that_stand_twice_in_what_sops_wrote_are_read() {
    let bench = Bench::new();
    for (encrypted_by_sops, plain) in [(true, "a: 1\n---\nb: 2\nb: 3\nc: x\n"), (false, "a:\n    b: 2\n    c: 1\n")] {
        assert_eq!(bench.encrypt("x.yaml", plain.as_bytes()).is_err(), encrypted_by_sops);
        let file = bench.sops_encrypt("x.yaml", plain.as_bytes(), &[]);
        // Whoever adds a key by hand: the MAC is ignored then.
        let line = text(&file).lines().find(|line| line.trim_start().starts_with("b: ")).expect("a value").to_owned();
        let file = if encrypted_by_sops { text(&file) } else { text(&file).replacen(&line, &format!("{line}\n{line}"), 1) };
        bench.put("x.yaml", file.as_bytes());
        let args: &[&str] = if encrypted_by_sops { &["decrypt", "x.yaml"] } else { &["decrypt", "--ignore-mac", "x.yaml"] };
        assert_eq!(bench.sopup_prints(args), text(&bench.sops(args).stdout));
        let doctor = bench.sopup(&["doctor", "x.yaml"]);
        assert!(!doctor.stdout.contains("cannot be read"), "{}", doctor.stdout);
    }
}

#[test]
fn case_31_custom_tags_are_refused() {
    let bench = Bench::new();
    for plain in ["a: !Ref x\nb: c\n", "b: c\na: !GetAtt [x, y]\n", "a: !vault |\n  x\n", "a: !!binary aGk=\n"] {
        let error = bench.encrypt("x.yaml", plain.as_bytes()).expect_err("refused");
        assert!(matches!(error, EncryptError::Refused(_)) && error.to_string().contains("line"), "{error}");
    }
}

#[test]
fn case_32_what_sops_refuses_is_refused() {
    let bench = Bench::new();
    let files = [
        "- a\n- b\n",
        "just text\n",
        "",
        "# only a comment\n",
        "a: 1\na: 2\n",
        "1: x\n",
        "1.5: x\n",
        "~: x\n",
        "true: x\n",
        "2024-01-02: x\n",
        "a: &x [*x]\n",
        "a: {{ .Values.x }}\n",
        "{{- if x }}\na: b\n{{- end }}\n",
        "a: 'x\n",
        "? [a]\n: b\n",
        "a:\n\t- b\n",
        "a: \"x\\/y\"\n",
    ];
    for plain in files {
        bench.put("x.yaml", plain.as_bytes());
        let theirs = bench.sops(&["encrypt", "--age", &bench.recipients[0], "x.yaml"]);
        assert!(!theirs.status.success(), "sops takes {plain:?}");
        assert!(bench.encrypt("x.yaml", plain.as_bytes()).is_err(), "we take {plain:?}");
    }
    let accepted = ["yes: x\non: y\n", "\"1\": x\n", "---\n# c\n---\na: b\n", "a: b\n---", "{a: b, c: [d, 'e']}\n"];
    for plain in accepted {
        bench.sops_encrypt("x.yaml", plain.as_bytes(), &[]);
        let ours = bench.encrypt("x.yaml", plain.as_bytes()).expect("we take what sops takes");
        bench.sops_decrypt("x.yaml", &ours).unwrap_or_else(|e| panic!("{plain:?}: {e}\n{}", text(&ours)));
        bench.decrypt("x.yaml", &ours).expect("decrypts");
    }
}

#[test]
fn what_go_yaml_reads_otherwise_is_refused() {
    let bench = Bench::new();
    for (bad, line) in [
        ("{ ?foo: bar }\n", 1),
        ("a: [x, ?y]\n", 1),
        ("%YAML 1.2\n---\na: 1\n", 3),
        ("a: 1\n...\n%YAML 1.2\n---\nb: 2\n", 5),
        ("? foo\n: bar\nx: y\n", 1),
        ("a: 1\n? foo\n: bar\n", 2),
        ("!!str : x\na: b\n", 1),
        ("a: !!binary aGVsbG8=\n", 1),
        ("data:\n  - &users:\n    - x\n", 2),
        ("a: &x: b\n", 1),
        ("a: &x?\n  b: c\n", 1),
    ] {
        let error = bench.encrypt("x.yaml", bad.as_bytes()).expect_err(bad).to_string();
        assert!(error.starts_with(&format!("line {line}: ")), "{bad}: {error}");
    }
    bench.put("x.yaml", b"data:\n  - &users:\n    - x\n");
    let theirs = bench.sops(&["encrypt", "--age", &bench.recipients[0], "x.yaml"]);
    assert!(text(&theirs.stderr).contains("non-string key"), "sops takes the name of an anchor for a key");
    for good in ["%YAML 1.1\n---\na: 1\n", "a: what?\nb: 2\n", "# why?\na: 1\n# what?\nb: 2\n", "{ ? a : b }\n", "?a: b\n"] {
        let ours = bench.encrypt("x.yaml", good.as_bytes()).unwrap_or_else(|error| panic!("{good}: {error}"));
        bench.sops_decrypt("x.yaml", &ours).unwrap_or_else(|error| panic!("{good}: {error}"));
        assert_eq!(text(&bench.decrypt("x.yaml", &ours).expect("decrypts")), good);
    }
}

#[test]
fn a_block_scalar_without_a_line_end_keeps_its_value() {
    let bench = Bench::new();
    let plan = regex_plan(&bench, "^data$");
    for block in
        ["note: |\n  text", "note: >\n  text\n  more", "note: |+\n  text", "note: |2\n  text", "l:\n  - |\n    text", "note: |-\n  text"]
    {
        let plain = format!("data: x\n{block}");
        let ours = bench.encrypt_as("x.yaml", plain.as_bytes(), &plan).unwrap_or_else(|error| panic!("{block}: {error}"));
        let values = |text: &str| serde_yaml::from_str::<serde_yaml::Value>(text).expect("YAML");
        let by_sops = text(&bench.sops_decrypt("x.yaml", &ours).expect("sops decrypts"));
        assert_eq!(values(&by_sops), values(&plain), "{block}");
        assert_eq!(values(&text(&bench.decrypt("x.yaml", &ours).expect("decrypts"))), values(&plain), "{block}");
    }
}
