//! JSON, dotenv, INI and binary files (matrix cases 34 to 38, 44 to 46, 53).

use sopup::sops::doctor::{Patient, Problem, examine};
use sopup::sops::ops::{self, AlteredNumbers, EncryptError, FileStatus, MacCheck, Plan};
use sopup::sops::store::Format;

use super::bench::{Bench, store, text};

#[test]
fn case_34_metadata_in_other_shapes() {
    let bench = Bench::new();
    let ours = text(&bench.encrypt("x.yaml", b"a: hello\n").expect("encrypts"));
    let at = ours.find("sops:\n").expect("a block");
    let first = format!("{}{}", &ours[at..], &ours[..at]);
    let legacy = ours.replace("sops:\n", "sops:\n    kms: []\n    gcp_kms: []\n    azure_kv: []\n    hc_vault: []\n    pgp: []\n");
    let unknown = ours.replace("    version:", "    future_field:\n        deep: [1, x]\n    version:");
    let json = text(&bench.encrypt("x.json", b"{\"a\": \"hello\"}").expect("encrypts"));
    for shape in [&first, &legacy, &unknown, &json.replace('\t', " ")] {
        bench.sops_decrypt("x.yaml", shape.as_bytes()).expect("sops");
        assert!(text(&bench.decrypt("x.yaml", shape.as_bytes()).expect("we")).contains("hello"));
    }
    let path = sopup::sops::path::TreePath::parse("[\"b\"]").expect("a path");
    let keyring = bench.keyring(&[0]);
    let now = super::bench::now();
    let editor = ops::Editor {
        keyring: &keyring,
        plugins: &sopup::sops::plugin::NoPlugins,
        now: &now,
        mac_check: MacCheck::Required,
        new_plain: ops::NewPlain::Refuse,
    };
    let edited = ops::set(&*store("x.yaml"), unknown.as_bytes(), &path, sopup::sops::tree::Node::text("new"), &editor).expect("sets");
    assert!(text(&edited).contains("    future_field:\n        deep: [1, x]\n"));
    bench.sops_decrypt("x.yaml", &edited).expect("sops");
}

#[test]
fn case_35_json_numbers_escapes_and_duplicates() {
    let bench = Bench::new();
    let plain = r#"{"big_unencrypted": 9007199254740993, "big": 9007199254740993, "float": 1e3, "neg": -7, "esc": "\u003c\u00e9\ud83d\ude00\n", "dup": "1", "dup": "2"}"#;
    let theirs = bench.sops_encrypt("x.json", plain.as_bytes(), &[]);
    let ours_plain = text(&bench.decrypt("x.json", &theirs).expect("we read the floats of sops 3.11"));
    assert!(ours_plain.contains("\"big\": 9007199254740992") && ours_plain.contains("\"neg\": -7"));
    let without_big = plain.replace("\"big_unencrypted\": 9007199254740993, ", "");
    assert!(matches!(bench.encrypt("x.json", without_big.as_bytes()), Err(EncryptError::Refused(_))), "sops would change it");
    let exact = Plan { altered_numbers: AlteredNumbers::Allow, ..bench.plan() };
    let ours = bench.encrypt_as("x.json", without_big.as_bytes(), &exact).expect("encrypts");
    let theirs_plain = text(&bench.sops_decrypt("x.json", &ours).expect("sops reads our ints"));
    assert!(theirs_plain.contains("9007199254740993"), "{theirs_plain}");
    let again = text(&bench.decrypt("x.json", &ours).expect("decrypts"));
    assert!(again.contains("\"big\": 9007199254740993") && again.matches("\"dup\"").count() == 2);
    for bad in ["[1]", "\"x\"", "", "{\"a\": 01}", "{\"a\": 1,}", "{a: 1}", "{\"a\": 1} x"] {
        assert!(bench.encrypt("x.json", bad.as_bytes()).is_err(), "{bad}");
    }
    let tabs = "{\n\t\"a\": \"b\"\n}\n";
    let two = "{\n  \"a\": \"b\"\n}\n";
    for layout in [tabs, two] {
        let ours = bench.encrypt("x.json", layout.as_bytes()).expect("encrypts");
        assert_eq!(text(&bench.decrypt("x.json", &ours).expect("decrypts")), layout);
    }
}

const DOTENV: &str = "# a comment\nPLAIN=value\nexport EXPORTED=x\n\nQUOTED=\"two words\"\nEQ=a=b==\nHASH=a # b\n BLANK = y \nEMPTY=\nLF=one\\ntwo\nx_unencrypted=readable\n\n#last\nEND='q'\n";

#[test]
fn case_36_dotenv() {
    let bench = Bench::new();
    let ours = bench.encrypt("x.env", DOTENV.as_bytes()).expect("encrypts");
    let theirs_plain = text(&bench.sops_decrypt("x.env", &ours).expect("sops decrypts"));
    assert_eq!(theirs_plain, DOTENV.replace("\n\n", "\n"), "sops drops blank lines");
    assert_eq!(text(&bench.decrypt("x.env", &ours).expect("decrypts")), DOTENV);
    let theirs = bench.sops_encrypt("x.env", DOTENV.as_bytes(), &[]);
    assert_eq!(text(&bench.decrypt("x.env", &theirs).expect("decrypts")), DOTENV.replace("\n\n", "\n"));
    let mut shuffled: Vec<String> = text(&theirs).lines().map(str::to_owned).collect();
    let at = shuffled.iter().position(|line| line.starts_with("sops_")).expect("metadata");
    shuffled[at..].reverse();
    let metadata = shuffled.split_off(at);
    let shuffled = format!("{}\n\n{}\n", metadata.join("\n"), shuffled.join("\n"));
    bench.sops_decrypt("x.env", shuffled.as_bytes()).expect("sops");
    bench.decrypt("x.env", shuffled.as_bytes()).expect("we");
}

#[test]
fn case_36_and_53_carriage_returns() {
    let bench = Bench::new();
    let crlf = "A=b\r\nC=d\r\n";
    let ours = bench.encrypt("x.env", crlf.as_bytes()).expect("encrypts");
    assert_eq!(text(&bench.sops_decrypt("x.env", &ours).expect("sops")), crlf);
    assert_eq!(text(&bench.decrypt("x.env", &ours).expect("we")), crlf);
    let converted = text(&bench.encrypt("x.env", b"A=b\n").expect("encrypts")).replace('\n', "\r\n");
    assert!(bench.sops_decrypt("x.env", converted.as_bytes()).is_err());
    assert_eq!(text(&bench.decrypt("x.env", converted.as_bytes()).expect("we")), "A=b\n");
    let patient = Patient { bytes: converted.as_bytes(), format: Format::Dotenv, rule: None, keyring: None, record: None };
    let problems = examine(&patient).problems;
    assert!(problems.iter().any(|problem| matches!(problem, Problem::CarriageReturns | Problem::BadMetadata(_))), "{problems:?}");
    let yaml = text(&bench.encrypt("x.yaml", b"a: b\nc:\n  - d\n").expect("encrypts")).replace('\n', "\r\n");
    bench.sops_decrypt("x.yaml", yaml.as_bytes()).expect("sops");
    bench.decrypt("x.yaml", yaml.as_bytes()).expect("we");
}

const INI: &str =
    "; top comment\nroot = 1\n\n[db]\n; the password\npassword = hunter2\nurl=http://x/y?a=b\nempty =\n\n[db.sub]\nk : v\nb = `a;b#c`\n";

#[test]
fn case_37_ini() {
    let bench = Bench::new();
    let ours = bench.encrypt("x.ini", INI.as_bytes()).expect("encrypts");
    let theirs_plain = bench.sops_decrypt("x.ini", &ours).expect("sops decrypts");
    let theirs = bench.sops_encrypt("x.ini", INI.as_bytes(), &[]);
    assert_eq!(text(&theirs_plain), text(&bench.sops_decrypt("x.ini", &theirs).expect("sops decrypts")));
    assert_eq!(text(&bench.decrypt("x.ini", &ours).expect("decrypts")), INI);
    let ours_plain = text(&bench.decrypt("x.ini", &theirs).expect("decrypts"));
    for expected in ["password = hunter2", "[db.sub]", "root = 1", "; the password"] {
        assert!(ours_plain.contains(expected), "{ours_plain}");
    }
}

#[test]
fn encrypted_comments_in_lists_are_comments_in_json_and_between_brackets() {
    let bench = Bench::new();
    let plain = "a:\n    # first\n    - x\n    # second\n    - y\n    # last\nb: z\n";
    let json = bench.sops_encrypt("x.yaml", plain.as_bytes(), &["--output-type", "json"]);
    assert!(text(&json).contains("type:comment]"));
    let expected = "{\n\t\"a\": [\n\t\t\"x\",\n\t\t\"y\"\n\t],\n\t\"b\": \"z\"\n}\n";
    assert_eq!(text(&bench.sops_decrypt("x.json", &json).expect("sops")), expected);
    assert_eq!(text(&bench.decrypt("x.json", &json).expect("we")), expected);
    // A change elsewhere keeps them.
    bench.put("x.json", &json);
    assert_eq!(bench.sopup_reads(&["set", "--value-stdin", "x.json", "[\"b\"]"], b"\"w\"").code, 0);
    assert_eq!(text(&bench.get("x.json")).matches("type:comment]").count(), 3);
    bench.sops_decrypt("x.json", &bench.get("x.json")).expect("sops");

    // The same file as PyYAML writes it with flow style.
    let yaml = text(&bench.sops_encrypt("x.yaml", plain.as_bytes(), &[]));
    let block: Vec<String> = yaml.lines().skip(1).take(5).map(|line| format!("'{}'", line.trim().trim_start_matches("- "))).collect();
    let (_, rest) = yaml.split_once("b: ").expect("the rest");
    for flow in [format!("a: [{}]", block.join(", ")), format!("a: [{}]", block.join(",\n  ")), format!("a: [ {} ]", block.join(" , "))] {
        let file = format!("{flow}\nb: {rest}");
        let by_sops = text(&bench.sops_decrypt("x.yaml", file.as_bytes()).expect("sops"));
        assert!(!by_sops.contains("ENC["), "{by_sops}");
        let by_us = text(&bench.decrypt("x.yaml", file.as_bytes()).unwrap_or_else(|error| panic!("{flow}: {error}")));
        let values: serde_yaml::Value = serde_yaml::from_str(&by_us).expect("YAML");
        assert_eq!(
            (values["a"][0].as_str(), values["a"][1].as_str(), values["a"].as_sequence().map(Vec::len)),
            (Some("x"), Some("y"), Some(2))
        );
        for comment in ["# first\n", "# second\n", "# last\n"] {
            assert!(by_us.contains(comment), "{by_us}");
        }
    }
}

#[test]
fn case_38_binary() {
    let bench = Bench::new();
    let plan = Plan { selector: None, ..bench.plan() };
    let all_bytes: Vec<u8> = (0..=255).cycle().take(5 << 20).collect();
    for plain in [&all_bytes[..], b"", b"text\n", b"{\"a\": 1}", &all_bytes[..256]] {
        let ours = bench.encrypt_as("x.bin", plain, &plan).expect("encrypts");
        assert_eq!(bench.sops_decrypt("x.bin", &ours).expect("sops decrypts"), plain);
        assert_eq!(bench.decrypt("x.bin", &ours).expect("decrypts"), plain);
        let theirs = bench.sops_encrypt("x.bin", plain, &[]);
        assert_eq!(bench.decrypt("x.bin", &theirs).expect("decrypts"), plain);
    }
    for (name, format) in [
        (".env.example", Format::Binary),
        ("a.sops.env", Format::Dotenv),
        ("app.toml", Format::Binary),
        ("x.enc.yaml", Format::Yaml),
        (".env", Format::Dotenv),
    ] {
        assert_eq!(Format::from_path(name), format, "{name}");
    }
}

#[test]
fn case_44_encrypting_twice_is_refused() {
    let bench = Bench::new();
    for (name, plain) in [("x.yaml", "a: b\n"), ("x.json", "{\"a\": \"b\"}"), ("x.env", "A=b\n"), ("x.ini", "[a]\nb = c\n")] {
        assert_eq!(ops::file_status(&*store(name), plain.as_bytes()).expect("reads"), FileStatus::Plain);
        let ours = bench.encrypt(name, plain.as_bytes()).expect("encrypts");
        assert_eq!(ops::file_status(&*store(name), &ours).expect("reads"), FileStatus::Encrypted);
        assert!(matches!(bench.encrypt(name, &ours), Err(EncryptError::AlreadyEncrypted)), "{name}");
        bench.put(name, &ours);
        assert_eq!(bench.sops(&["encrypt", "--age", &bench.recipients[0], name]).status.code(), Some(203));
        let status = bench.sops(&["filestatus", name]);
        assert_eq!(text(&status.stdout).trim(), "{\"encrypted\":true}");
    }
}

#[test]
fn case_45_the_key_sops_is_reserved() {
    let bench = Bench::new();
    for (name, plain) in [("x.yaml", "sops: 1\na: b\n"), ("x.json", "{\"sops\": \"x\"}"), ("x.env", "sops_a=b\n")] {
        bench.put(name, plain.as_bytes());
        assert!(!bench.sops(&["encrypt", "--age", &bench.recipients[0], name]).status.success());
        assert!(bench.encrypt(name, plain.as_bytes()).is_err(), "{name}");
    }
    let nested = "a:\n    sops: b\n";
    let ours = bench.encrypt("x.yaml", nested.as_bytes()).expect("nested keys are free");
    assert_eq!(text(&bench.sops_decrypt("x.yaml", &ours).expect("sops")), nested);
}

#[test]
fn case_46_what_other_tools_look_for() {
    let bench = Bench::new();
    let yaml = text(&bench.encrypt("x.yaml", b"a: b\n").expect("encrypts"));
    assert!(yaml.lines().any(|line| line == "sops:"), "helm-secrets: grep -x 'sops:'");
    assert!(yaml.lines().any(|line| line.contains("mac: ENC[") && line.contains(",type:str]")), "helm-secrets and Flux");
    let json = text(&bench.encrypt("x.json", b"{\"a\": \"b\"}").expect("encrypts"));
    assert!(json.contains("\"mac\": \"ENC["), "Flux");
    assert!(text(&bench.encrypt("x.env", b"A=b\n").expect("encrypts")).contains("\nsops_mac=ENC["), "Flux");
    assert!(text(&bench.encrypt("x.ini", b"[a]\nb = c\n").expect("encrypts")).contains("\n[sops]\n"), "Flux");
}

#[test]
fn case_47_sorted_keys_decrypt_without_the_mac() {
    let bench = Bench::new();
    let ours = bench.encrypt("x.json", b"{\"b\": \"1\", \"a\": {\"d\": \"2\", \"c\": \"3\"}}").expect("encrypts");
    let mut sorted = serde_json::from_slice::<serde_json::Value>(&ours).expect("JSON");
    sorted.sort_all_objects();
    let sorted = sorted.to_string();
    assert!(bench.decrypt("x.json", sorted.as_bytes()).is_err(), "the MAC notices");
    let plain = ops::decrypt(&*store("x.json"), sorted.as_bytes(), &bench.keyring(&[0]), MacCheck::Ignored).expect("decrypts");
    let values = |bytes: &[u8]| serde_json::from_slice::<serde_json::Value>(bytes).expect("JSON");
    assert_eq!(values(&plain), values(b"{\"b\": \"1\", \"a\": {\"d\": \"2\", \"c\": \"3\"}}"));
    let theirs = bench.sops_decrypt_with("x.json", sorted.as_bytes(), &["--ignore-mac"]).expect("sops");
    assert_eq!(values(&theirs), values(&plain));
}
