//! Damaged SOPS files, plan files, rules and configurations: whatever is in them, sopup says what is wrong and does not panic.
//!
//! The damage is the same in every run. `SOPUP_MUTATIONS` says how many variants of each seed are tried.

use std::panic::{AssertUnwindSafe, catch_unwind};

use sopup::config::{Config, KeySource};
use sopup::migrate::Decisions;
use sopup::rule::load_text;
use sopup::sops::creation_rule::Config as SopsConfig;
use sopup::sops::keyring::Keyring;
use sopup::sops::ops::{self, MacCheck};
use sopup::sops::plugin::NoPlugins;

use crate::sops::bench::{Bench, store};
use crate::support::Numbers;

const USUAL: u64 = 400;

/// What parsers stumble over.
const PIECES: &[&str] = &[
    "",
    "\n",
    "\r\n",
    "\t",
    " ",
    "\0",
    "\u{feff}",
    "é",
    "𝄞",
    "{",
    "}",
    "[",
    "]",
    "- ",
    ": ",
    "&a ",
    "*a",
    "!!binary ",
    "<<: *a",
    "---\n",
    "...\n",
    "|\n",
    ">-\n",
    "\"",
    "'",
    "#",
    "=",
    "null",
    "~",
    "true",
    "-1",
    "1e999",
    "99999999999999999999",
    "0x",
    ".inf",
    "2026-13-45T99:99:99Z",
    "ENC[AES256_GCM,data:,iv:,tag:,type:str]",
    "ENC[",
    "\\u0000",
    "\\ud800",
    "sops:",
    "\"sops\":",
    "sops_mac=",
    "[sops]\n",
    "age1",
    "(?P<",
    "\\p{",
    "a{1000}{1000}",
    "**/[",
    "/../",
];

fn mutated(seed: &[u8], numbers: &mut Numbers) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for _ in 0..=numbers.below(4) {
        let (at, other) = (numbers.below(bytes.len() + 1), numbers.below(bytes.len() + 1));
        let (from, to) = (at.min(other), at.max(other).min(at.min(other) + 200));
        match numbers.below(7) {
            0 => bytes.truncate(at),
            1 => drop(bytes.drain(from..to)),
            2 => {
                let copy = bytes[from..to].to_vec();
                bytes.splice(other..other, copy);
            }
            3 if at < bytes.len() => bytes[at] = numbers.next().to_le_bytes()[0],
            4 if at < bytes.len() => bytes[at] ^= 1 << numbers.below(8),
            _ => {
                let piece = PIECES[numbers.below(PIECES.len())].repeat(1 + numbers.below(3));
                bytes.splice(at..at, piece.into_bytes());
            }
        }
    }
    bytes
}

/// Reads damaged variants of a seed; returns how many were tried.
fn damage(name: &str, seed: &[u8], read: impl Fn(&[u8]) -> bool) -> u64 {
    assert!(read(seed), "{name} is read as it is");
    let count = std::env::var("SOPUP_MUTATIONS").ok().and_then(|count| count.parse().ok()).unwrap_or(USUAL);
    let mut numbers = Numbers(seed.len() as u64);
    for number in 0..count {
        let bytes = mutated(seed, &mut numbers);
        let run = catch_unwind(AssertUnwindSafe(|| read(&bytes)));
        assert!(run.is_ok(), "{name}, variant {number}: {:?}", String::from_utf8_lossy(&bytes));
    }
    count
}

#[test]
fn damaged_sops_files_are_refused() {
    let bench = Bench::new();
    let mut keyring = Keyring::new();
    keyring.add_text(bench.key(0).as_bytes(), "keys.txt", &NoPlugins).expect("a key");
    let plain: [(&str, &[u8]); 6] = [
        ("x.yaml", b"a: text\n# note\nb: [1, 2.5, true, null]\nc:\n  d: |\n    lines\n    more\n"),
        ("many.yaml", b"a: 1\n---\nb: two\n"),
        ("x.json", b"{\"a\": \"text\", \"b\": [1, 2.5, true, null], \"c\": {\"d\": \"x\"}}"),
        ("x.env", b"A=text\n# note\nB=2\n"),
        ("x.ini", b"top = 1\n[s]\n; note\na = text\n"),
        ("x.bin", b"\0\x01\xfftext"),
    ];
    let mut tried = 0;
    for (name, plain) in plain {
        bench.put(name, plain);
        bench.sopup_prints(&["encrypt", "--age", &bench.recipients[0], "-i", name]);
        let store = store(name);
        tried += damage(name, &bench.get(name), |bytes| {
            let checked = ops::decrypt(&*store, bytes, &keyring, MacCheck::Required).is_ok();
            ops::decrypt(&*store, bytes, &keyring, MacCheck::Ignored).is_ok() && checked
        });
    }
    assert!(tried >= 6 * USUAL.min(tried / 6), "{tried}");
}

#[test]
fn damaged_settings_are_refused() {
    let today = jiff::civil::date(2026, 1, 2);
    let place = tempfile::tempdir().expect("a folder");
    let file = place.path().join(".sopup.yaml");
    let settings = b"min_confidence: low\nallow:\n  - paths: ['docs/**']\n    reason: examples\n    expires: 2030-01-01\nrules: []\n";
    damage(".sopup.yaml", settings, |bytes| {
        std::fs::write(&file, bytes).expect("a file");
        Config::read(&file, today, KeySource::Unknown).is_ok()
    });
    let rules = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/patterns/github.yaml")).expect("rules");
    damage("rules", rules.as_bytes(), |bytes| load_text(&String::from_utf8_lossy(bytes), "rules").is_ok());
    let key = age::x25519::Identity::generate().to_public();
    let sops = format!(
        "keys: [&a {key}]\ncreation_rules:\n  - path_regex: '\\.enc\\.yaml$'\n    encrypted_regex: ^(data|stringData)$\n    age: *a\nstores:\n  yaml: {{indent: 2}}\n"
    );
    damage(".sops.yaml", sops.as_bytes(), |bytes| SopsConfig::parse(bytes).map(|config| config.faults().count()).is_ok());
}

#[test]
fn damaged_plans_are_refused() {
    let bench = crate::migrate::bench::Bench::new();
    bench.place.write("b.env", "DB_PASSWORD=Orchid.Meadow.Tundra.898\n").write("docs/a.md", "The password is Orchid.Meadow.Tundra.898.\n");
    bench.commit();
    bench.sopup(["migrate", "--plan-out", ".git/plan.yaml", "--no-history"]);
    let plan = std::fs::read(bench.place.join(".git/plan.yaml")).expect("a plan");
    damage("a plan", &plan, |bytes| Decisions::read(&String::from_utf8_lossy(bytes)).is_ok());
}
