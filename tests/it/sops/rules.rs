//! `.sops.yaml` and the doctor (matrix case 42).

use sopup::sops::creation_rule::{Config, RuleError, Warning, recipient_list};
use sopup::sops::doctor::{Patient, Problem, examine};
use sopup::sops::mac::MacScope;
use sopup::sops::selector::Selector;
use sopup::sops::store::Format;

use super::bench::{Bench, text};

/// Which recipients sops takes for a path: those whose key opens the result.
fn sops_choice(bench: &Bench, path: &str) -> Option<String> {
    bench.put(path, b"a: b\n");
    let out = bench.sops(&["encrypt", path]);
    out.status.success().then(|| text(&out.stdout))
}

fn config(bench: &Bench) -> String {
    let [a, b, c] = [0, 1, 2].map(|at| bench.recipients[at].clone());
    format!(
        "creation_rules:\n  - path_regex: ^prod/.*\\.yaml$\n    age: {a},\n      {b}\n  - path_regex: secrets\n    encrypted_regex: ^a$\n    \
         key_groups:\n      - age: [{b}]\n  - path_regex: \\.dev\\.yaml$\n    age: [{c}]\n    mac_only_encrypted: true\n    unencrypted_suffix: _plain\n"
    )
}

#[test]
fn case_42_rules_are_chosen_as_sops_chooses() {
    let bench = Bench::with_keys(3);
    let text = config(&bench);
    bench.put(".sops.yaml", text.as_bytes());
    bench.put(".sops.yml", b"creation_rules: [broken");
    let parsed = Config::parse(text.as_bytes()).expect("parses");
    assert_eq!(parsed.warnings, []);
    for path in ["prod/x.yaml", "prod/deep/secrets/y.yaml", "a/secrets.yaml", "x.dev.yaml", "sub/prod/z.yaml", "none.yaml"] {
        let ours = parsed.rule_for(path);
        match (sops_choice(&bench, path), ours) {
            (None, Err(error)) => assert!(error.to_string().contains(path)),
            (Some(file), Ok(Some(rule))) => {
                let recipients: Vec<&str> = rule.audience.groups.iter().flatten().map(|r| r.as_str()).collect();
                let named: Vec<&str> = bench.recipients.iter().map(String::as_str).filter(|r| file.contains(*r)).collect();
                assert_eq!(recipients, named, "{path}");
                let (field, value) = rule.selector.clone().unwrap_or_default().to_field_owned();
                assert!(file.contains(&format!("{field}: {value}")), "{path}: {file}");
                assert_eq!(rule.mac_scope == MacScope::EncryptedOnly, file.contains("mac_only_encrypted: true"));
            }
            (theirs, ours) => panic!("{path}: sops {theirs:?}, we {ours:?}"),
        }
    }
}

trait Owned {
    fn to_field_owned(&self) -> (&'static str, String);
}

impl Owned for Selector {
    fn to_field_owned(&self) -> (&'static str, String) {
        let (field, value) = self.to_field();
        (field, value.to_owned())
    }
}

#[test]
fn case_42_what_sops_passes_over_is_reported() {
    let bench = Bench::new();
    let key = &bench.recipients[0];
    let text = format!(
        "creation_rule: []\nstores:\n  yaml:\n    indent: 2\ncreation_rules:\n  - path_regx: x\n    age: {key}\n  - path_regex: y\n    \
         encrypted_regx: z\n    age: {key}\n  - path_regex: n\ndestination_rules: []\n"
    );
    let parsed = Config::parse(text.as_bytes()).expect("parses");
    assert_eq!(parsed.style.yaml_indent, Some(2));
    let unknown = |place: &str, key: &str| Warning::UnknownKey { place: place.to_owned(), key: key.to_owned() };
    assert!(parsed.warnings.contains(&unknown("", "creation_rule")));
    assert!(parsed.warnings.contains(&unknown("creation_rules[0]", "path_regx")));
    assert!(parsed.warnings.contains(&unknown("creation_rules[1]", "encrypted_regx")));
    assert!(parsed.warnings.contains(&Warning::Unreachable { rule: 1, hidden_by: 0 }));
    assert!(parsed.warnings.contains(&Warning::NoKeys { rule: 2 }));
    let empty = Config::parse(b"stores: {}\n").expect("parses");
    assert!(empty.rule_for("x").expect("no rules").is_none() && empty.warnings == [Warning::NoRules]);
    assert!(Config::parse(b"creation_rules: []\n").expect("parses").rule_for("x").is_err());
}

#[test]
fn case_42_unusable_rules_are_errors() {
    let bench = Bench::new();
    let key = &bench.recipients[0];
    let rules = [
        format!("path_regex: '('\n    age: {key}"),
        format!("encrypted_regex: '^(?!x)'\n    age: {key}"),
        format!("encrypted_regex: a\n    unencrypted_regex: b\n    age: {key}"),
        "age: age1notarecipient".to_owned(),
        format!("age: {}", bench.key(0)),
    ];
    for rule in rules {
        let config = Config::parse(format!("creation_rules:\n  - {rule}\n").as_bytes()).expect("is YAML");
        let error = config.rule_for("x.yaml").expect_err("unusable");
        assert!(matches!(error, RuleError::Broken(_)) && config.faults().count() == 1, "{error}");
        assert!(!error.to_string().contains(bench.key(0)));
    }
    assert_eq!(recipient_list(&format!(" {key} ,\n{key},")).expect("a list").len(), 2);
}

#[test]
fn a_faulty_rule_stops_only_what_it_is_for() {
    let bench = Bench::new();
    let key = &bench.recipients[0];
    for fault in ["age: CHANGEME", "encrypted_regex: '('", "encrypted_regex: a\n    unencrypted_regex: b"] {
        bench.put(".sops.yaml", format!("creation_rules:\n  - path_regex: templates/\n    {fault}\n  - age: {key}\n").as_bytes());
        bench.put("x.yaml", b"a: hello\n");
        bench.sopup_prints(&["encrypt", "-i", "x.yaml"]);
        let sops = bench.sops(&["decrypt", "x.yaml"]);
        assert_eq!((sops.status.code(), bench.sopup_prints(&["decrypt", "x.yaml"])), (Some(0), text(&sops.stdout)), "{fault}");
        for args in [&["set", "--value-stdin", "x.yaml", "[\"b\"]"][..], &["rotate", "-i", "x.yaml"], &["updatekeys", "-y", "x.yaml"]] {
            let run = bench.sopup_reads(args, b"1");
            assert_eq!(run.code, 0, "{args:?}: {}", run.stderr);
        }
        let encrypted = bench.sopup_reads(&["encrypt", "--filename-override", "templates/x.yaml"], b"a: 1\n");
        assert_eq!((encrypted.code, encrypted.stdout.as_str()), (2, ""), "{fault}");
        let doctor = bench.sopup(&["doctor"]);
        assert!(doctor.code == 1 && doctor.stdout.contains("creation_rules[0]"), "{}", doctor.stdout);
    }
    // A configuration that is no YAML stops neither.
    bench.put(".sops.yaml", b"creation_rules: [");
    let run = bench.sopup(&["decrypt", "x.yaml"]);
    assert!(run.code == 0 && run.stderr.contains("is not used"), "{}", run.stderr);
}

#[test]
fn fields_of_wrong_types_stop_everything_as_with_sops() {
    let bench = Bench::new();
    let key = &bench.recipients[0];
    bench.put("x.yaml", b"a: hello\n");
    for (field, line) in [
        ("path_regex: {a: b}\n    age: none".to_owned(), Some(4)),
        (format!("key_groups:\n      - age: {key}"), Some(6)),
        ("key_groups:\n      - pgp: ABCD".to_owned(), Some(6)),
        ("encrypted_regex: [a]".to_owned(), Some(5)),
        ("shamir_threshold: x".to_owned(), Some(5)),
        ("mac_only_encrypted: foo".to_owned(), Some(5)),
        ("age: {a: b}".to_owned(), None),
        ("shamir_threshold: 1.5".to_owned(), None),
        ("encrypted_regex: 1.5".to_owned(), None),
        ("encrypted_regex: 2024-01-02".to_owned(), None),
        ("path_regex: '('".to_owned(), Some(0)),
    ] {
        let after = if field.starts_with("path_regex") { "" } else { "path_regex: y\n    " };
        let config = format!("creation_rules:\n  - path_regex: x\n    age: {key}\n  - {after}{field}\n");
        bench.put(".sops.yaml", config.as_bytes());
        let (theirs, ours) = (bench.sops(&["encrypt", "x.yaml"]), bench.sopup(&["encrypt", "x.yaml"]));
        let stops = line.is_some_and(|line| line > 0);
        assert_eq!((ours.code != 0, !theirs.status.success()), (stops, stops), "{field}: {}", ours.stderr);
        let named = line.filter(|_| stops).is_none_or(|line| ours.stderr.contains(&format!("line {line}: creation_rules[1]")));
        assert!(named, "{field}: {}", ours.stderr);
    }
    let other = bench.sopup_reads(&["encrypt", "--filename-override", "q.yaml"], b"a: b\n");
    assert!(other.code == 2 && other.stderr.contains("no regular expression of Go") && !other.stderr.contains("plain"), "{}", other.stderr);
}

#[test]
fn the_configuration_is_read_as_yaml() {
    let bench = Bench::with_keys(2);
    let (a, b) = (&bench.recipients[0], &bench.recipients[1]);
    let utf16 = |text: &str| [vec![0xff, 0xfe], text.encode_utf16().flat_map(u16::to_le_bytes).collect()].concat();
    let cases = [
        format!("all: &all\n  - {a}\n  - {b}\ncreation_rules:\n  - age: *all\n").into_bytes(),
        format!("keys:\n  - &a {a}\n  - &b {b}\ncreation_rules:\n  - key_groups:\n      - age: [*a, *b]\n").into_bytes(),
        format!("d: &d\n  encrypted_regex: ^data$\n  age: none\ncreation_rules:\n  - <<: *d\n    age: {a}\n").into_bytes(),
        format!("d: &d\n  age: {a}\ne: &e\n  age: {b}\n  encrypted_regex: ^data$\ncreation_rules:\n  - <<: [*d, *e]\n").into_bytes(),
        format!("creation_rules:\n  - age: [{a}]\n    kms: []\n    pgp: \"\"\n    gcp_kms: []\n    azure_keyvault: []\n    hc_vault_transit_uri: []\n").into_bytes(),
        format!("creation_rules:\n  - age: [\"{a},{b}\"]\n    mac_only_encrypted: yes\n").into_bytes(),
        format!("creation_rules:\n  - age: {a}\n    mac_only_encrypted: \"Off\"\n    key_groups: []\n").into_bytes(),
        utf16(&format!("creation_rules:\n  - age: {a}\n    encrypted_regex: ^data$\n")),
    ];
    for case in cases {
        bench.put(".sops.yaml", &case);
        bench.put("q.yaml", b"data:\n  p: x\nkind: Secret\n");
        let seen = |file: &str| -> Vec<String> {
            let lines =
                file.lines().filter(|line| ["recipient:", "_regex:", "_suffix:", "mac_only"].iter().any(|word| line.contains(word)));
            lines.map(|line| line.trim().to_owned()).collect()
        };
        let theirs = bench.sops(&["encrypt", "q.yaml"]);
        assert!(theirs.status.success(), "{}", text(&theirs.stderr));
        let ours = bench.sopup(&["encrypt", "q.yaml"]);
        let shown = String::from_utf8_lossy(&case);
        assert_eq!((ours.code, ours.stderr.as_str()), (0, ""), "{shown}");
        assert_eq!(seen(&ours.stdout), seen(&text(&theirs.stdout)), "{shown}");
    }
}

#[test]
fn the_layout_that_the_configuration_asks_for() {
    let bench = Bench::new();
    for indent in [0, 2] {
        let config = format!(
            "creation_rules:\n  - age: {}\nstores:\n  json_binary:\n    indent: {indent}\n  json:\n    indent: {indent}\n",
            bench.recipients[0]
        );
        bench.put(".sops.yaml", config.as_bytes());
        bench.put("x.bin", b"hello\n");
        bench.put("x.json", b"{\"a\": {\"b\": 1}}");
        for name in ["x.bin", "x.json"] {
            let shape = |file: &str| -> Vec<String> {
                file.lines().take(2).map(|line| line.chars().take_while(|c| *c == ' ' || *c == '\t').collect()).collect()
            };
            let theirs = text(&bench.sops(&["encrypt", name]).stdout);
            assert_eq!(shape(&bench.sopup_prints(&["encrypt", name])), shape(&theirs), "{name} {indent}: {theirs}");
        }
    }
}

#[test]
fn the_doctor_compares_a_file_with_its_rule() {
    let bench = Bench::with_keys(2);
    let file = bench.encrypt("x.yaml", b"# note\na: secret\nb_unencrypted: plain\n").expect("encrypts");
    let rule = format!("creation_rules:\n  - age: {}\n    encrypted_regex: ^a$\n", bench.recipients[1]);
    let config = Config::parse(rule.as_bytes()).expect("parses");
    let rule = config.rule_for("x.yaml").expect("a rule");
    let keyring = bench.keyring(&[0]);
    let look = |bytes: &[u8]| examine(&Patient { bytes, format: Format::Yaml, rule, keyring: Some(&keyring), record: None }).problems;
    let found = look(&file);
    for expected in ["is not named by its creation rule", "cannot open it", "that of its creation rule is", "only one key"] {
        assert!(found.iter().any(|problem| problem.to_string().contains(expected)), "{expected}: {found:?}");
    }
    assert!(look(b"a: b\n").iter().any(|problem| matches!(problem, Problem::NotEncrypted)));
    let changed = text(&file).replace("b_unencrypted: plain", "b_unencrypted: other");
    assert!(look(changed.as_bytes()).iter().any(|problem| matches!(problem, Problem::BadMac(_))));
    let plain_value = text(&file).replace("sops:\n", "new: readable\nsops:\n");
    assert!(look(plain_value.as_bytes()).iter().any(|problem| matches!(problem, Problem::PlainValue { path } if path == "new")));
    let comment = text(&file).replace("sops:\n", "# leaked\nsops:\n");
    assert!(look(comment.as_bytes()).iter().any(|problem| matches!(problem, Problem::PlainComments { count: 1 })));
    assert!(!found.iter().any(|problem| problem.to_string().contains("secret")));
}

/// What a rule makes of a manifest: exit code 0 or not, the recipients, selector and MAC scope of the result.
fn made(bench: &Bench, run: (bool, String)) -> (bool, usize, Vec<String>) {
    let (done, file) = run;
    let recipients = bench.recipients.iter().filter(|recipient| file.contains(recipient.as_str())).count();
    let fields = ["_regex:", "_suffix:", "mac_only_encrypted:"];
    let selector = file.lines().filter(|line| fields.iter().any(|field| line.contains(field))).map(|line| line.trim().replace('"', "'"));
    (done, recipients, selector.map(|line| line.replace('\'', "")).collect())
}

#[test]
fn configurations_mean_what_they_mean_to_sops() {
    let bench = Bench::with_keys(2);
    let [a, b] = [0, 1].map(|at| bench.recipients[at].clone());
    let rule = |more: &str| format!("creation_rules:\n  - age: {a}\n    {more}\n");
    let configurations = [
        format!("all: &all\n  - {a}\n  - {b}\ncreation_rules:\n  - age: *all\n"),
        format!("keys:\n  - &a {a}\n  - &b {b}\ncreation_rules:\n  - key_groups:\n    - age: [*a, *b]\n"),
        format!("d: &d\n  encrypted_regex: ^data$\ncreation_rules:\n  - <<: *d\n    age: {a}\n"),
        format!("x: &x {{age: {a}}}\ny: &y {{encrypted_regex: ^data, age: {b}}}\ncreation_rules:\n  - <<: [*x, *y]\n"),
        format!("x: &x {{encrypted_regex: nope}}\ncreation_rules:\n  - <<: *x\n    encrypted_regex: ^data$\n    age: {a}\n"),
        format!("creation_rules:\n  - age: [\"{a},{b}\"]\n    kms: []\n    pgp: ''\n    hc_vault: []\n    gcp_kms:\n"),
        format!("creation_rules:\n  - age: [{a}, null]\n"),
        format!("creation_rules:\n  - null\n  - age: {a}\n"),
        format!("creation_rules:\n  - age: >-\n      {a},\n      {b}\n"),
        format!("other:\n  1: a\n  true: b\ncreation_rules:\n  - age: {a}\n    7: x\n"),
        format!("creation_rules:\n  - age: !!str {a}\n    encrypted_regex: !!binary ZGF0YQ==\n"),
        rule("mac_only_encrypted: yes"),
        rule("mac_only_encrypted: off"),
        rule("mac_only_encrypted: 'yes'"),
        rule("mac_only_encrypted: 'true'"),
        rule("mac_only_encrypted: 1"),
        rule("encrypted_regex: '\\pL'"),
        rule("encrypted_regex: '\\p{Cyrillic}|data'"),
        rule("encrypted_regex: '\\Qdata\\E'"),
        rule("encrypted_regex: '[[p]'"),
        rule("encrypted_regex: ~"),
        rule("encrypted_regex: [data]"),
        rule("path_regex: ~"),
        rule("path_regex: ^secrets/q"),
        rule("age: x"),
        rule("shamir_threshold: '2'"),
        "creation_rules: {}\n".to_owned(),
    ];
    bench.put("q.yaml", b"data: {p: x}\nkind: Secret\n");
    for configuration in configurations {
        bench.put(".sops.yaml", configuration.as_bytes());
        // `..` is followed in the name, not on the disk.
        for name in ["q.yaml", "zz/../secrets/q.yaml"] {
            let args = ["encrypt", "--filename-override", name, "q.yaml"];
            let (theirs, ours) = (bench.sops(&args), bench.sopup(&args));
            let theirs = made(&bench, (theirs.status.success(), text(&theirs.stdout)));
            assert_eq!(made(&bench, (ours.code == 0, ours.stdout)), theirs, "{name}\n{configuration}{}", ours.stderr);
            assert!(!ours.stderr.contains("does not know the key `keys`"), "{}", ours.stderr);
        }
    }
    let utf16: Vec<u8> = [0xfeff].into_iter().chain(rule("encrypted_regex: data").encode_utf16()).flat_map(u16::to_le_bytes).collect();
    bench.put(".sops.yaml", &utf16);
    assert!(bench.sopup_prints(&["encrypt", "q.yaml"]).contains("kind: Secret"));
}

#[test]
fn stores_are_laid_out_as_sops_lays_them_out() {
    let bench = Bench::new();
    let plain = [("x.yaml", "a:\n    b: c\n"), ("x.json", "{\"a\": {\"b\": \"c\"}}"), ("x.bin", "bytes")];
    for (format, indent) in [("yaml", 2), ("yaml", 0), ("json", 3), ("json", 0), ("json_binary", 5), ("json_binary", 0)] {
        let rules = format!("creation_rules:\n  - age: {}\nstores:\n  {format}:\n    indent: {indent}\n", bench.recipients[0]);
        bench.put(".sops.yaml", rules.as_bytes());
        for (name, content) in plain {
            bench.put(name, content.as_bytes());
            let theirs = text(&bench.sops(&["encrypt", name]).stdout);
            let ours = bench.sopup_prints(&["encrypt", name]);
            // The plain YAML file keeps its own indentation.
            let line = |file: &str, start: &str| file.lines().find(|line| line.trim_start().starts_with(start)).map(str::to_owned);
            let width = |file: &str, start: &str| line(file, start).map(|line| line.len() - line.trim_start().len());
            let key = if name == "x.yaml" { "lastmodified:" } else { "\"lastmodified\"" };
            assert_eq!(width(&ours, key), width(&theirs, key), "{format} {indent} {name}\n{ours}\n{theirs}");
        }
    }
    // A binary file is one value: the MAC always covers it.
    bench.put(".sops.yaml", format!("creation_rules:\n  - age: {}\n    mac_only_encrypted: true\n", bench.recipients[0]).as_bytes());
    for run in [bench.sopup_prints(&["encrypt", "x.bin"]), text(&bench.sops(&["encrypt", "x.bin"]).stdout)] {
        assert!(run.contains("\"data\"") && !run.contains("mac_only_encrypted"), "{run}");
    }
}
