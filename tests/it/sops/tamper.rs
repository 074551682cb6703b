//! Changed files (matrix cases 19 to 23, 43 and 55), and what hostile files may cost.

use std::time::{Duration, Instant};

use proptest::prelude::*;
use sopup::sops::cipher::{self, Envelope, Stash};
use sopup::sops::data_key::DataKey;
use sopup::sops::digest::strong_digest;
use sopup::sops::doctor::{Patient, Problem, examine};
use sopup::sops::mac::MacScope;
use sopup::sops::ops::{self, MacCheck, Plan};
use sopup::sops::scalar::ValueType;
use sopup::sops::selector::{Pattern, Selector};
use sopup::sops::store::Format;

use super::bench::{Bench, store, text};

const PLAIN: &str = "a: hello\nb: world\nl:\n  - one\n  - two\nx_unencrypted: v1\ny_unencrypted: Secret\n";

fn file() -> (Bench, String) {
    let bench = Bench::new();
    let ours = text(&bench.encrypt("x.yaml", PLAIN.as_bytes()).expect("encrypts"));
    (bench, ours)
}

/// The text from `start` to the end of its line.
fn line<'a>(file: &'a str, start: &str) -> &'a str {
    let at = file.find(start).unwrap_or_else(|| panic!("no {start} in {file}"));
    file[at..].lines().next().expect("a line")
}

/// Both refuse.
fn refused(bench: &Bench, what: &str, changed: &str) {
    assert!(bench.sops_decrypt("x.yaml", changed.as_bytes()).is_err(), "sops accepts: {what}");
    let error = bench.decrypt("x.yaml", changed.as_bytes()).expect_err(what).to_string();
    for secret in ["hello", "world", "Secret"] {
        assert!(!error.contains(secret), "{error}");
    }
}

#[test]
fn case_19_short_nonces_are_read_and_bytes_do_no_harm() {
    let bench = Bench::new();
    let ours = text(&bench.encrypt("x.json", b"{\"a\": \"hello\"}").expect("encrypts"));
    let opened = ops::open(&*store("x.json"), ours.as_bytes(), &bench.keyring(&[0])).expect("opens");
    let mut stash = Stash::new().expect("random");
    stash.remember("a:", ValueType::Str, b"hello", &[7; 12]);
    let short = cipher::seal(&opened.key, "a:", ValueType::Str, b"hello", &mut stash).expect("seals");
    assert_eq!(short.nonce.len(), 12);
    let old = serde_json::from_str::<serde_json::Value>(&ours).expect("JSON")["a"].as_str().expect("text").to_owned();
    let with_short = ours.replace(&old, &short.to_string());
    assert_eq!(text(&bench.sops_decrypt("x.json", with_short.as_bytes()).expect("sops")).trim(), "{\n\t\"a\": \"hello\"\n}");
    bench.decrypt("x.json", with_short.as_bytes()).expect("we");
    let as_bytes = ours.replace("type:str]\",\n\t\"sops\"", "type:bytes]\",\n\t\"sops\"");
    assert_ne!(as_bytes, ours);
    bench.decrypt("x.json", as_bytes.as_bytes()).expect("bytes are read as text");
}

#[test]
fn case_20_mac_and_time() {
    let (bench, ours) = file();
    let mac = line(&ours, "    mac: ");
    refused(&bench, "no mac", &ours.replace(&format!("{mac}\n"), ""));
    refused(&bench, "another mac", &ours.replace(mac, &mac.replace("data:", "data:AAAA")));
    refused(&bench, "edited time", &ours.replace("03:04:05Z", "03:04:06Z"));
    let fraction = ours.replace("03:04:05Z", "03:04:05.5Z");
    // The time is cut to seconds for the check, so a fraction alone changes nothing for both.
    assert_eq!(bench.sops_decrypt("x.yaml", fraction.as_bytes()).is_ok(), bench.decrypt("x.yaml", fraction.as_bytes()).is_ok());
    let opened = ops::open(&*store("x.yaml"), ours.as_bytes(), &bench.keyring(&[0])).expect("opens");
    let lower = "ab".repeat(64);
    let sealed = cipher::seal(&opened.key, "2026-01-02T03:04:05Z", ValueType::Str, lower.as_bytes(), &mut Stash::default());
    refused(&bench, "lower case", &ours.replace(mac, &format!("    mac: {}", sealed.expect("seals"))));
    let plain = ops::decrypt(&*store("x.yaml"), ours.replace(&format!("{mac}\n"), "").as_bytes(), &bench.keyring(&[0]), MacCheck::Ignored);
    assert!(plain.is_ok(), "--ignore-mac");
}

#[test]
fn case_21_changed_moved_or_reordered_values() {
    let (bench, ours) = file();
    let (a, b) = (line(&ours, "a: ENC"), line(&ours, "b: ENC"));
    for part in ["data:", "iv:", "tag:"] {
        let at = a.find(part).expect("a part") + part.len();
        let flipped = if &a[at..=at] == "A" { "B" } else { "A" };
        refused(&bench, part, &ours.replace(a, &format!("{}{flipped}{}", &a[..at], &a[at + 1..])));
    }
    refused(&bench, "renamed key", &ours.replace("a: ENC", "aa: ENC"));
    refused(
        &bench,
        "swapped values",
        &ours.replace(a, "@").replace(b, &a.replacen("a:", "b:", 1)).replace('@', &b.replacen("b:", "a:", 1)),
    );
    refused(&bench, "reordered keys", &ours.replace(a, "@").replace(b, a).replace('@', b));
    let items: Vec<&str> = ours.lines().filter(|line| line.starts_with("  - ENC")).collect();
    refused(&bench, "reordered list", &ours.replace(items[0], "@").replace(items[1], items[0]).replace('@', items[1]));
    refused(&bench, "dropped value", &ours.replace(&format!("{b}\n"), ""));
}

#[test]
fn case_22_plain_values_and_the_scope_of_the_mac() {
    let (bench, ours) = file();
    refused(&bench, "plain value", &ours.replace("x_unencrypted: v1", "x_unencrypted: v2"));
    let plan = Plan { mac_scope: MacScope::EncryptedOnly, ..bench.plan() };
    let ours = text(&bench.encrypt_as("x.yaml", PLAIN.as_bytes(), &plan).expect("encrypts"));
    assert!(ours.contains("mac_only_encrypted: true"));
    let changed = ours.replace("x_unencrypted: v1", "x_unencrypted: v2");
    bench.sops_decrypt("x.yaml", ours.as_bytes()).expect("sops decrypts");
    bench.sops_decrypt("x.yaml", changed.as_bytes()).expect("sops accepts");
    bench.decrypt("x.yaml", changed.as_bytes()).expect("so do we");
    let patient = Patient { bytes: changed.as_bytes(), format: Format::Yaml, rule: None, keyring: None, record: None };
    assert!(examine(&patient).problems.iter().any(|problem| matches!(problem, Problem::PlainValuesUnguarded)));
    bench.put(".sops.yaml", format!("creation_rules:\n  - age: {}\n    mac_only_encrypted: true\n", bench.recipients[0]).as_bytes());
    let theirs = bench.sops_encrypt("x.yaml", PLAIN.as_bytes(), &[]);
    assert!(text(&theirs).contains("mac_only_encrypted: true"));
    bench.decrypt("x.yaml", &theirs).expect("we decrypt theirs");
}

#[test]
fn case_23_what_sops_does_not_notice_the_strong_digest_does() {
    let (bench, ours) = file();
    let digest = |file: &str| {
        let opened = ops::open(&*store("x.yaml"), file.as_bytes(), &bench.keyring(&[0])).expect("opens");
        assert!(opened.mac.is_ok());
        strong_digest(&opened.tree, &opened.key)
    };
    let honest = digest(&ours);
    let tampered = [
        ours.replace("x_unencrypted", "z_unencrypted"),
        ours.replace("sops:\n", "extra: null\nsops:\n"),
        ours.replace("sops:\n", "extra: \"\"\nsops:\n"),
        ours.replace("sops:\n", "extra: []\nsops:\n"),
        ours.replace("x_unencrypted: v1\ny_unencrypted: Secret", "x_unencrypted: v1S\ny_unencrypted: ecret"),
    ];
    for file in tampered {
        assert_ne!(file, ours);
        bench.sops_decrypt("x.yaml", file.as_bytes()).expect("sops does not notice");
        assert_ne!(digest(&file), honest);
    }
    assert_eq!(digest(&ours), honest);
}

#[test]
fn case_43_versions() {
    let (bench, ours) = file();
    assert!(ours.contains("    version: 3.11.0\n"));
    refused(&bench, "no version", &ours.replace("    version: 3.11.0\n", ""));
    refused(&bench, "odd version", &ours.replace("version: 3.11.0", "version: sopup-1"));
    for version in ["99.0.0", "3.11.0+sopup"] {
        let file = ours.replace("version: 3.11.0", &format!("version: {version}"));
        bench.sops_decrypt("x.yaml", file.as_bytes()).expect("sops");
        bench.decrypt("x.yaml", file.as_bytes()).expect("we");
    }
}

#[test]
fn case_55_errors_do_not_repeat_content() {
    let bench = Bench::new();
    let secret = "hunter2hunter2";
    let broken = [
        ("x.env", format!("A=b\n{secret} without equals\n")),
        ("x.yaml", format!("a: '{secret}\nb: [\n")),
        ("x.json", format!("{{\"a\": \"{secret}\", }}")),
        ("x.ini", format!("[a]\n{secret}\n")),
        ("x.yaml", format!("a: b\n{secret}\n")),
    ];
    for (name, plain) in broken {
        let error = bench.encrypt(name, plain.as_bytes()).expect_err("malformed");
        assert!(!format!("{error} {error:?}").contains(secret), "{name}: {error:?}");
    }
}

#[test]
fn hostile_files_cost_little() {
    let bench = Bench::new();
    let mut laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let before = level - 1;
        let refs = vec![format!("*a{before}"); 9].join(", ");
        laughs.push_str(&format!("a{level}: &a{level} [{refs}]\n"));
    }
    let deep_map: String = (0..3000).map(|depth| format!("{}k:\n", " ".repeat(depth))).collect();
    let many = |n: usize| (0..n).map(|at| format!("        - recipient: age1x{at}\n          enc: x\n")).collect::<String>();
    let crowd =
        format!("a: ENC[x]\nsops:\n    age:\n{}    lastmodified: \"2026-01-02T03:04:05Z\"\n    mac: x\n    version: 3.11.0\n", many(5000));
    let files = [
        ("x.yaml", laughs),
        ("x.yaml", "[".repeat(100_000)),
        ("x.yaml", "- ".repeat(50_000)),
        ("x.yaml", "{a: ".repeat(20_000)),
        ("x.yaml", deep_map),
        ("x.yaml", "a: &a [*a]\n".to_owned()),
        ("x.yaml", "# c\n".repeat(200_000)),
        ("x.yaml", format!("a: b\n{}c: d\n", "# c\n".repeat(100_000))),
        ("x.yaml", format!("a: b\n{}c: d\n", "# c\n\n".repeat(50_000))),
        ("x.yaml", (0..100_000).map(|at| format!("k{at}: v\n")).collect()),
        ("x.yaml", format!("a: [{}]\n", "x, ".repeat(100_000))),
        ("x.yaml", format!("a:\n{}", "- # c\n  x\n".repeat(50_000))),
        ("x.yaml", crowd),
        ("x.json", "[".repeat(100_000)),
        ("x.json", "{\"a\":".repeat(100_000)),
        ("x.env", "=".repeat(100_000)),
        ("x.ini", "[".repeat(100_000)),
        ("x.env", "sops_mac=x\nsops_age__list_99999999999__map_enc=x\n".to_owned()),
    ];
    for (name, content) in files {
        let start = Instant::now();
        let _ = bench.encrypt(name, content.as_bytes());
        assert!(bench.decrypt(name, content.as_bytes()).is_err(), "{name}: {}", &content[..20]);
        // What takes more than its size allows would take hours.
        assert!(start.elapsed() < Duration::from_secs(180), "{name}: {}… took {:?}", &content[..20], start.elapsed());
    }
}

#[test]
fn truncated_files_never_open() {
    let (bench, ours) = file();
    // The last line end alone can go; how long the file is differs from run to run.
    for cut in (0..ours.trim_end().len()).step_by(37) {
        let _ = examine(&Patient { bytes: &ours.as_bytes()[..cut], format: Format::Yaml, rule: None, keyring: None, record: None });
        assert!(bench.decrypt("x.yaml", &ours.as_bytes()[..cut]).is_err(), "cut at {cut}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_flipped_bit_is_rejected(plain in proptest::collection::vec(any::<u8>(), 1..200), which in 0usize..3, at in any::<usize>(), bit in 0u8..8) {
        let key = DataKey::generate().expect("random");
        let mut envelope = cipher::seal(&key, "a:b:", ValueType::Str, &plain, &mut Stash::default()).expect("seals");
        prop_assert_eq!(cipher::open(&key, "a:b:", &envelope).expect("opens").to_vec(), plain);
        prop_assert!(Envelope::parse(&envelope.to_string()).expect("parses") == envelope);
        let part = [&mut envelope.data, &mut envelope.nonce, &mut envelope.tag][which].as_mut_slice();
        let at = at % part.len();
        part[at] ^= 1 << bit;
        prop_assert!(cipher::open(&key, "a:b:", &envelope).is_err());
    }

    #[test]
    fn another_place_is_rejected(place in "[a-z:]{0,12}") {
        let key = DataKey::generate().expect("random");
        let envelope = cipher::seal(&key, "a:b:", ValueType::Str, b"x", &mut Stash::default()).expect("seals");
        prop_assert_eq!(cipher::open(&key, &place, &envelope).is_ok(), place == "a:b:");
    }
}

#[test]
fn a_flipped_bit_anywhere_in_mac_or_values_is_rejected() {
    let (bench, ours) = file();
    let keyring = bench.keyring(&[0]);
    let opened = ops::open(&*store("x.yaml"), ours.as_bytes(), &keyring).expect("opens");
    let mac = Envelope::parse(opened.metadata.mac()).expect("parses");
    for at in 0..mac.data.len() * 8 {
        let mut changed = mac.clone();
        changed.data[at / 8] ^= 1 << (at % 8);
        assert!(cipher::open(&opened.key, "2026-01-02T03:04:05Z", &changed).is_err());
    }
    let selector = Selector::EncryptedRegex(Pattern::new("^a$").expect("compiles"));
    let plan = Plan { selector: Some(selector), ..bench.plan() };
    bench.encrypt_as("x.yaml", PLAIN.as_bytes(), &plan).expect("encrypts");
}
