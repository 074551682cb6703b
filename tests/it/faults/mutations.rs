//! Inputs made from sound ones by chance, but the same every time, through everything that reads what somebody else
//! wrote: no panic. `SOPUP_TEST_FULL` tries more than 100,000.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::Command;

use sopup::archive::{Form, each_member};
use sopup::config::{Config, KeySource};
use sopup::detect::{Hints, detect_bytes};
use sopup::migrate::Decisions;
use sopup::rule::builtin;
use sopup::sops::creation_rule::Config as CreationRules;
use sopup::sops::doctor::{Patient, examine};
use sopup::sops::keyring::Keyring;
use sopup::sops::ops::{self, MacCheck};
use sopup::sops::plugin::NoPlugins;
use sopup::sops::store::{Format, Limits as StoreLimits, Style};
use sopup::source::object::{HashKind, Limits, ObjectInfo, ObjectKind, ObjectStore, Skip, SkipReason, Visitor};
use sopup::source::pack::Delta;
use sopup::source::read_index;
use sopup::source::refs::GitDir;

use super::is_full;
use super::repository::build;
use crate::support::{Place, TOKEN};

/// Numbers by chance (xorshift), the same every time.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % end.max(1)
    }

    /// A few changes, each of a kind that readers get wrong.
    fn mutate(&mut self, seed: &[u8]) -> Vec<u8> {
        const TELLING: [&[u8]; 12] = [
            b"\0",
            b"\xff\xff\xff\xff",
            b"\x80\0\0\0",
            b"\n",
            b"\xef\xbb\xbf",
            b"[",
            b"{{",
            b": &a *a",
            b"\"",
            b"ENC[",
            b"\xff\xfe",
            b"99999999999999999999",
        ];
        let mut bytes = seed.to_vec();
        for _ in 0..=self.below(4) {
            let at = self.below(bytes.len() + 1);
            let end = (at + self.below(64)).min(bytes.len());
            match self.below(7) {
                0 if at < bytes.len() => bytes[at] ^= 1 << self.below(8),
                1 if at < bytes.len() => bytes[at] = self.below(256) as u8,
                2 => bytes.truncate(at),
                3 => drop(bytes.drain(at..end)),
                4 => {
                    let part = bytes[at..end].to_vec();
                    let to = self.below(bytes.len() + 1);
                    bytes.splice(to..to, part);
                }
                5 => drop(bytes.splice(at..at, TELLING[self.below(TELLING.len())].iter().copied())),
                _ => drop(bytes.splice(at..end, TELLING[self.below(TELLING.len())].iter().copied())),
            }
        }
        bytes
    }
}

/// Reads everything, and panics if something in the store did.
struct Reading;

impl Visitor for Reading {
    type Node = usize;
    type Worker = ();

    fn worker(&self) {}

    fn finish(&self, (): ()) {}

    fn wants(&self, _: ObjectKind) -> bool {
        true
    }

    fn whole(&self, (): &mut (), _: &ObjectInfo<'_>, bytes: &[u8]) -> usize {
        bytes.len()
    }

    fn delta(&self, (): &mut (), _: &ObjectInfo<'_>, delta: &Delta<'_>, _: &usize) -> usize {
        delta.bytes().len()
    }

    fn skipped(&self, skip: Skip) {
        assert!(skip.reason != SkipReason::Panicked, "{skip}");
    }
}

/// What reads an input.
type Reader<'a> = Box<dyn Fn(&[u8]) + 'a>;

/// What takes an input, and sound inputs.
struct Target<'a> {
    name: &'static str,
    seeds: Vec<Vec<u8>>,
    read: Reader<'a>,
}

/// Puts each input into the place of a file, then reads what that belongs to.
fn in_file<'a>(file: &'a Path, read: impl Fn() + 'a) -> Reader<'a> {
    Box::new(move |bytes| {
        std::fs::write(file, bytes).expect("room");
        read();
    })
}

fn try_target(target: &Target<'_>, times: usize) -> Vec<String> {
    let mut wrong = Vec::new();
    for number in 0..times {
        let mut chance = Chance(0x9e37_79b9_7f4a_7c15 ^ (number as u64 + 1).wrapping_mul(0x2545_f491_4f6c_dd1d));
        let seed = &target.seeds[number % target.seeds.len()];
        let input = chance.mutate(seed);
        if catch_unwind(AssertUnwindSafe(|| (target.read)(&input))).is_err() {
            wrong.push(format!("{} number {number}: {:?}", target.name, String::from_utf8_lossy(&input[..input.len().min(400)])));
        }
    }
    wrong
}

fn read_file(place: &Place, path: &str) -> Vec<u8> {
    std::fs::read(place.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn only(place: &Place, pattern: &str) -> String {
    place.shell(&format!("ls {pattern} | head -n 1")).trim().to_owned()
}

fn key_of(place: &Place) -> (Vec<u8>, String) {
    let made = Command::new("age-keygen").output().expect("age-keygen runs");
    let key = String::from_utf8(made.stdout).expect("UTF-8");
    let recipient = key.lines().find_map(|line| line.strip_prefix("# public key: ")).expect("a recipient").to_owned();
    place.write("key.txt", &key);
    (key.into_bytes(), recipient)
}

#[test]
fn mutated_inputs_make_nothing_panic() {
    let times = if is_full() { 12_000 } else { 300 };
    let (place, tables) = (build("files"), build("reftable"));
    let (key, recipient) = key_of(&place);
    let mut keyring = Keyring::new();
    keyring.add_text(&key, "the test", &NoPlugins).expect("a key");
    let rules = builtin();
    let plain = "# notes\nhost: db\npassword: Walrus88Timber\nlist:\n  - a: 1\n    b: [x, 'y']\nempty: {}\n";
    let texts = [
        plain.to_owned(),
        format!("| user | password |\n|---|---|\n| a | Walrus88Timber |\n\n{TOKEN}\n"),
        "export A_PASSWORD=\"Walrus88Timber\"\nINSERT INTO users (password) VALUES ('Walrus88Timber');\n<tr><th>password</th></tr>\n"
            .to_owned(),
    ];
    place.write("secrets.yaml", plain).write("secrets.json", "{\"password\": \"Walrus88Timber\", \"list\": [1, true, null]}");
    place
        .write("secrets.env", "A=1\nPASSWORD=Walrus88Timber\n")
        .write("secrets.ini", "[a]\npassword = Walrus88Timber\n")
        .write("secrets.bin", "Walrus88Timber");
    let encrypted = |name: &str| {
        let run = place.sopup(["encrypt", "--age", &recipient, name]);
        assert_eq!(run.code, 0, "{}", run.stderr);
        run.stdout.into_bytes()
    };
    let formats = [
        ("secrets.yaml", Format::Yaml),
        ("secrets.json", Format::Json),
        ("secrets.env", Format::Dotenv),
        ("secrets.ini", Format::Ini),
        ("secrets.bin", Format::Binary),
    ];
    place.shell("tar cf a.tar secrets.yaml secrets.env; gzip -k a.tar; python3 -c \"import zipfile; z = zipfile.ZipFile('a.zip', 'w', zipfile.ZIP_DEFLATED); z.write('secrets.yaml'); z.write('a.tar.gz')\"");
    let objects = place.join("repo/.git/objects");
    let store = || {
        let store = ObjectStore::open(&objects, HashKind::Sha1, Limits { memory: 64 << 20, ..Limits::default() }).expect("a directory");
        store.visit(&Reading);
        for id in store.loose().copied().take(3) {
            let _ = store.read(&id);
        }
    };
    let at = |path: &str| place.join(path);
    let pack = only(&place, "repo/.git/objects/pack/*.pack");
    let (pack_file, index_file) = (at(&pack), at(&pack.replace(".pack", ".idx")));
    place.shell("chmod -R u+w repo/.git/objects");
    let loose = only(&place, "repo/.git/objects/[0-9a-f][0-9a-f]/*");
    let loose_file = at(&loose);
    let table = only(&tables, "repo/.git/reftable/*.ref");
    let (table_file, tables_at, files_at) = (tables.join(&table), tables.join("repo/.git"), at("repo/.git"));
    let git = |at: &Path| {
        if let Ok(git) = GitDir::at(at) {
            let _ = (git.refs(), git.head(), git.each_log_entry(&mut |_| {}), git.worktrees(), git.texts().count());
        }
    };
    let (index, packed, config, log) =
        (at("repo/.git/index"), at("repo/.git/packed-refs"), at("repo/.git/config"), at("repo/.git/logs/HEAD"));
    let own = at("own/.sopup.yaml");
    place.write("own/.sopup.yaml", "");
    let rule_files = vec![read_file(&place, "repo/.sopup.yaml"), b"allow:\n  - paths: [a/**]\n    rules: [generic-password]\n    reason: x\n    expires: 2027-01-31\nmin_confidence: low\ndisable: [npm-access-token]\n".to_vec()];
    let creation = format!(
        "creation_rules:\n  - path_regex: secrets/.*\\.yaml$\n    encrypted_regex: ^(data|stringData)$\n    age: {recipient}\n    key_groups:\n      - age: [{recipient}]\n    shamir_threshold: 1\nstores:\n  yaml:\n    indent: 2\n"
    );
    let planned =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/migrate").join(first_plan())).expect("a plan");
    let mut targets = vec![
        Target {
            name: "text",
            seeds: texts.iter().map(|text| text.clone().into_bytes()).collect(),
            read: Box::new(|bytes| {
                for hints in [Hints::NONE, Hints::of_path("a/values.yaml"), Hints::of_path("a.md"), Hints::of_path(".env")] {
                    detect_bytes(bytes, hints, &rules);
                }
            }),
        },
        Target {
            name: "archive",
            seeds: ["a.tar", "a.tar.gz", "a.zip"].iter().map(|name| read_file(&place, name)).collect(),
            read: Box::new(|bytes| {
                if let Some(form) = Form::of(bytes) {
                    let _ = each_member(bytes, form, &mut |_, _| {});
                }
            }),
        },
        Target {
            name: "index",
            seeds: vec![unsummed(read_file(&place, "repo/.git/index"))],
            read: in_file(&index, || drop(read_index(&index, HashKind::Sha1))),
        },
        Target { name: "pack", seeds: vec![read_file(&place, &pack)], read: in_file(&pack_file, store) },
        Target { name: "pack index", seeds: vec![read_file(&place, &pack.replace(".pack", ".idx"))], read: in_file(&index_file, store) },
        Target { name: "loose object", seeds: vec![read_file(&place, &loose)], read: in_file(&loose_file, store) },
        Target { name: "reftable", seeds: vec![read_file(&tables, &table)], read: in_file(&table_file, || git(&tables_at)) },
        Target { name: "packed-refs", seeds: vec![read_file(&place, "repo/.git/packed-refs")], read: in_file(&packed, || git(&files_at)) },
        Target { name: "git config", seeds: vec![read_file(&place, "repo/.git/config")], read: in_file(&config, || git(&files_at)) },
        Target { name: "reflog", seeds: vec![read_file(&place, "repo/.git/logs/HEAD")], read: in_file(&log, || git(&files_at)) },
        Target {
            name: ".sopup.yaml",
            seeds: rule_files,
            read: in_file(&own, || drop(Config::read(&own, jiff::civil::date(2026, 1, 2), KeySource::Unknown))),
        },
        Target {
            name: ".sops.yaml",
            seeds: vec![creation.into_bytes()],
            read: Box::new(|bytes| {
                if let Ok(rules) = CreationRules::parse(bytes) {
                    let _ = (rules.rule_for("secrets/a.yaml").is_ok(), rules.faults().count());
                }
            }),
        },
        Target {
            name: "plan",
            seeds: vec![planned.into_bytes()],
            read: Box::new(|bytes| drop(Decisions::read(&String::from_utf8_lossy(bytes)))),
        },
    ];
    for (name, format) in formats {
        let keyring = &keyring;
        targets.push(Target {
            name,
            seeds: vec![encrypted(name)],
            read: Box::new(move |bytes| {
                let store = format.store(StoreLimits::default(), Style::default());
                let _ = ops::decrypt(&*store, bytes, keyring, MacCheck::Ignored);
                let _ = examine(&Patient { bytes, format, rule: None, keyring: Some(keyring), record: None });
            }),
        });
    }
    let mut wrong = Vec::new();
    for target in &targets {
        // What fails must not be the sound input.
        target.seeds.iter().for_each(|seed| (target.read)(seed));
        // Each decryption costs as much as a hundred of the others.
        let times = if target.name.starts_with("secrets.") { times / 4 } else { times };
        wrong.extend(try_target(target, times));
        (target.read)(&target.seeds[0]);
    }
    assert!(wrong.is_empty(), "{} panics:\n{}", wrong.len(), wrong.join("\n"));
}

/// Without its checksum, which would otherwise be all that is ever looked at (`index.skipHash`).
fn unsummed(mut index: Vec<u8>) -> Vec<u8> {
    let end = index.len() - 20;
    index[end..].fill(0);
    index
}

fn first_plan() -> String {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/migrate");
    let mut names: Vec<String> = std::fs::read_dir(cases)
        .expect("the cases")
        .map(|entry| entry.expect("a case").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    format!("{}/plan.yaml", names.first().expect("one"))
}
