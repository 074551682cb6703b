//! Which leaves are encrypted (matrix cases 24 to 28).

use sopup::sops::doctor::{Patient, Problem, examine};
use sopup::sops::ops::{EncryptError, NothingSelected, Plan};
use sopup::sops::selector::{Pattern, Selector};
use sopup::sops::store::Format;

use super::bench::{Bench, text};

const PLAIN: &str = "\
data:
    user: one
    nested:
        - two
        - k: three
metadata:
    name: four
    annotations:
        data: five
top_secret: six
note_unencrypted: seven
group_unencrypted:
    inner: eight
# mark: private
marked: nine
list:
    # mark: private
    - ten
    - eleven
tail: twelve # mark: private
";

/// For every value in file order, whether it is ciphertext.
fn encrypted(file: &[u8]) -> Vec<bool> {
    let file = text(file);
    let comment =
        |line: &&str| line.trim_start().starts_with('#') || (line.trim_start().starts_with("- ENC[") && line.ends_with("type:comment]"));
    let values = file.lines().take_while(|line| *line != "sops:").filter(|line| !comment(line) && !line.ends_with(':'));
    values.map(|line| line.contains("type:str]")).collect()
}

fn check(bench: &Bench, field: &str, value: &str) {
    let selector = Selector::from_field(field, value).expect("compiles");
    let plan = Plan { selector, ..bench.plan() };
    let ours = bench.encrypt_as("x.yaml", PLAIN.as_bytes(), &plan).expect("encrypts");
    bench.put(".sops.yaml", format!("creation_rules:\n  - age: {}\n    {field}: {value}\n", bench.recipients[0]).as_bytes());
    let theirs = bench.sops_encrypt("x.yaml", PLAIN.as_bytes(), &[]);
    let theirs_plain = bench.sops_decrypt("x.yaml", &theirs).expect("sops decrypts its own");
    assert_eq!(text(&bench.sops_decrypt("x.yaml", &ours).expect("sops decrypts ours")), text(&theirs_plain), "{field}: {value}");
    assert_eq!(encrypted(&ours), encrypted(&theirs), "{field}: {value}\n{}\n{}", text(&ours), text(&theirs));
    let again = text(&bench.decrypt("x.yaml", &theirs).expect("we decrypt theirs"));
    assert!(!again.contains("ENC["), "{again}");
    assert_eq!(text(&bench.decrypt("x.yaml", &ours).expect("we decrypt ours")), PLAIN);
}

#[test]
fn case_24_25_and_28_all_six_selectors_choose_what_sops_chooses() {
    let bench = Bench::new();
    let selectors = [
        ("unencrypted_suffix", "_unencrypted"),
        ("encrypted_suffix", "_secret"),
        ("unencrypted_regex", "^(metadata|list)$"),
        ("encrypted_regex", "^(data|stringData)$"),
        ("encrypted_regex", "data|nested"),
        ("encrypted_comment_regex", "mark. private"),
        ("unencrypted_comment_regex", "mark. private"),
    ];
    for (field, value) in selectors {
        check(&bench, field, value);
    }
}

#[test]
fn case_26_useless_expressions_are_refused_and_found() {
    let bench = Bench::new();
    for bad in ["(", "^(?!x)", "[z-a]"] {
        assert!(Pattern::new(bad).is_err(), "{bad}");
    }
    bench.put(".sops.yaml", format!("creation_rules:\n  - age: {}\n    encrypted_regex: '^(?!x)'\n", bench.recipients[0]).as_bytes());
    let theirs = bench.sops_encrypt("x.yaml", PLAIN.as_bytes(), &[]);
    assert!(text(&theirs).contains("name: four"), "sops left it plain");
    let patient = Patient { bytes: &theirs, format: Format::Yaml, rule: None, keyring: None, record: None };
    assert!(examine(&patient).problems.iter().any(|problem| matches!(problem, Problem::BadMetadata(_))));

    let nothing = Selector::EncryptedRegex(Pattern::new("^absent$").expect("compiles"));
    let plan = Plan { selector: Some(nothing), ..bench.plan() };
    let refused = bench.encrypt_as("x.yaml", PLAIN.as_bytes(), &plan).expect_err("refused");
    assert!(matches!(refused, EncryptError::NothingSelected { .. }));
    let allowed = Plan { nothing_selected: NothingSelected::Allow, ..plan };
    let file = bench.encrypt_as("x.yaml", PLAIN.as_bytes(), &allowed).expect("encrypts nothing");
    let patient = Patient { bytes: &file, format: Format::Yaml, rule: None, keyring: None, record: None };
    assert!(examine(&patient).problems.iter().any(|problem| matches!(problem, Problem::NothingEncrypted { .. })));
}

#[test]
fn case_27_two_selectors_are_refused_and_none_means_the_default() {
    let bench = Bench::new();
    let ours = text(&bench.encrypt("x.yaml", PLAIN.as_bytes()).expect("encrypts"));
    let suffix = "    unencrypted_suffix: _unencrypted\n";
    let none = ours.replace(suffix, "");
    bench.sops_decrypt("x.yaml", none.as_bytes()).expect("sops");
    bench.decrypt("x.yaml", none.as_bytes()).expect("we");
    let two = ours.replace(suffix, &format!("{suffix}    encrypted_regex: a\n"));
    assert!(bench.sops_decrypt("x.yaml", two.as_bytes()).is_err());
    assert!(bench.decrypt("x.yaml", two.as_bytes()).is_err());
}

#[test]
fn regular_expressions_choose_the_keys_that_sops_chooses() {
    let bench = Bench::new();
    let keys = [
        "clé",
        "cl",
        "cla",
        "ПАРОЛЬ",
        "пароль",
        "k",
        "K",
        "\u{212a}",
        "abc_1",
        "é",
        "a",
        "b",
        "ab",
        "aéa",
        "[",
        "a.b",
        "abb",
        "A1",
        "É",
        "a{,2}",
        "aa",
        "a b",
    ];
    let plain: String = keys.iter().map(|key| format!("{}: v\n", serde_json::Value::from(*key))).collect();
    bench.put("x.yaml", plain.as_bytes());
    let patterns = [
        "^cl.$",
        "(?i)пароль",
        "(?i)^k$",
        r"^\w+$",
        r"^\W+$",
        r"^\S{2}$",
        r"\bl",
        r"a\B",
        r"\B",
        r"\Ba",
        "^[^a]$",
        "^[[p]$",
        "^[a&&b]$",
        "^[]a]$",
        r"^\Qa.b\E$",
        r"^\Qab\E*$",
        r"^\pL+$",
        r"^\p{Cyrillic}+$",
        r"^\P{Lu}$",
        r"^\p{^Lu}",
        "^a{,2}$",
        "^a{2}$",
        r"^\x{e9}$",
        "(?P<x>a)|(?<y>b)",
        "^(?i:A)b$",
        "^a b$",
        r"^[\]\-\d.b]",
        "(?U)a+",
        "(?s).b$",
        "(?m)^a$",
        "^*a$",
        "a|",
        "^[[:alpha:]]+$",
        "(?i)^[[:^upper:]]$",
        "^[a-b\\pN]",
        "(?-s)^.$",
        "^(?:a|b){1,2}$",
        r"^\141$",
        // Not taken by Go, or not taken here either.
        "^(?!x)",
        "(?x)a b",
        r"\b{start}x",
        "a{2000}",
        "(?:a{100}){100}",
        "a**",
        "*a",
        "(*a)",
        r"(a)\1",
        r"\Z",
        r"\C",
        r"\u00e9",
        r"\<",
        "[z-a]",
        r"[a-\d]",
        "[[:foo:]]",
        r"\p{Grek}",
        r"\pX",
        "(?P<a>x)(?P<a>y)",
        "a{3,2}",
        r"\é",
        "[a--b]",
    ];
    for pattern in patterns {
        let sealed = |file: &str| -> Vec<bool> {
            let lines = file.lines().take(keys.len());
            lines.map(|line| line.contains("ENC[")).collect()
        };
        let theirs = bench.sops(&["encrypt", "--age", &bench.recipients[0], "--encrypted-regex", pattern, "x.yaml"]);
        let theirs = sealed(&text(&theirs.stdout));
        match Pattern::new(pattern) {
            Err(error) => assert!(!theirs.contains(&true), "{pattern}: {error}"),
            Ok(regex) => {
                let ours: Vec<bool> = keys.iter().map(|key| regex.is_match(key.as_bytes())).collect();
                assert_eq!(ours, theirs, "{pattern}");
            }
        }
    }
}
