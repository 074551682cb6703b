//! Keys of other kinds than age in files and in rules: compared, named, removed, and never added in silence.

use super::bench::{Bench, text};

/// For each kind: its block in a file, a creation rule that names the same key, the name that is shown.
pub(super) const KINDS: [(&str, &str, &str); 6] = [
    (
        "    kms:\n        - arn: arn:aws:kms:us-east-1:111122223333:key/aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee\n          role: arn:aws:iam::111122223333:role/x\n          created_at: \"2024-01-01T00:00:00Z\"\n          enc: AQICAHh=\n          aws_profile: \"\"\n",
        "kms: arn:aws:kms:us-east-1:111122223333:key/aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee+arn:aws:iam::111122223333:role/x",
        "kms arn:aws:kms:us-east-1:111122223333:key/aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee+arn:aws:iam::111122223333:role/x",
    ),
    (
        "    gcp_kms:\n        - resource_id: projects/p/locations/global/keyRings/r/cryptoKeys/k\n          created_at: \"2024-01-01T00:00:00Z\"\n          enc: AQICAHh=\n",
        "gcp_kms: [projects/p/locations/global/keyRings/r/cryptoKeys/k]",
        "gcp_kms projects/p/locations/global/keyRings/r/cryptoKeys/k",
    ),
    (
        "    azure_kv:\n        - vault_url: https://v.vault.azure.net\n          name: k\n          version: 0a1b\n          created_at: \"2024-01-01T00:00:00Z\"\n          enc: AQICAHh=\n",
        "azure_keyvault: https://v.vault.azure.net/keys/k/0a1b",
        "azure_kv https://v.vault.azure.net/keys/k/0a1b",
    ),
    (
        "    hc_vault:\n        - vault_address: https://vault.example.com:8200\n          engine_path: sops\n          key_name: k\n          created_at: \"2024-01-01T00:00:00Z\"\n          enc: vault:v1:AQIC=\n",
        "hc_vault_transit_uri: https://vault.example.com:8200/v1/sops/keys/k",
        "hc_vault https://vault.example.com:8200/v1/sops/keys/k",
    ),
    (
        "    pgp:\n        - created_at: \"2024-01-01T00:00:00Z\"\n          enc: |-\n            -----BEGIN PGP MESSAGE-----\n\n            hQ==\n            -----END PGP MESSAGE-----\n          fp: 0123456789ABCDEF0123456789ABCDEF01234567\n",
        "pgp: 0123456789ABCDEF0123456789ABCDEF01234567",
        "pgp 0123456789ABCDEF0123456789ABCDEF01234567",
    ),
    (
        "    hckms:\n        - key_id: tr-west-1:abc-123\n          created_at: \"2024-01-01T00:00:00Z\"\n          enc: AQICAHh=\n",
        "hckms: [\"tr-west-1:abc-123\"]",
        "hckms tr-west-1:abc-123",
    ),
];

fn rule(bench: &Bench, more: &str) {
    bench.put(".sops.yaml", format!("creation_rules:\n  - age: {}\n    {more}\n", bench.recipients[0]).as_bytes());
}

/// A file with an age key and a key of another kind.
pub(super) fn with_block(bench: &Bench, block: &str) -> Vec<u8> {
    rule(bench, "");
    let file = text(&bench.encrypt("x.yaml", b"a: hello\n").expect("encrypts"));
    let file = file.replacen("sops:\n", &format!("sops:\n{block}"), 1).into_bytes();
    bench.sops_decrypt("x.yaml", &file).expect("sops takes the file");
    file
}

#[test]
fn keys_that_the_rule_no_longer_names_are_removed() {
    let bench = Bench::new();
    for (block, _, name) in KINDS {
        let file = with_block(&bench, block);
        bench.put("theirs.yaml", &file);
        bench.put("x.yaml", &file);
        let field = name.split(' ').next().expect("a kind");
        let doctor = bench.sopup(&["doctor", "x.yaml"]);
        assert!(doctor.code == 1 && doctor.stdout.contains(&format!("`{name}` can open it")), "{}", doctor.stdout);
        let run = bench.sopup(&["updatekeys", "--yes", "x.yaml"]);
        assert!(run.code == 0 && run.stderr.contains(&format!("- {name}")) && run.stderr.contains("is replaced"), "{}", run.stderr);
        let out = bench.sops(&["updatekeys", "--yes", "theirs.yaml"]);
        assert!(out.status.success(), "{}", text(&out.stderr));
        for path in ["x.yaml", "theirs.yaml"] {
            assert!(!text(&bench.get(path)).contains(&format!("{field}:\n")), "{path}: {name}");
        }
        let plain = bench.sops_decrypt("x.yaml", &bench.get("x.yaml")).expect("sops decrypts");
        assert_eq!(text(&plain), "a: hello\n");
    }
}

#[test]
fn keys_that_the_rule_names_are_recognised_as_sops_does() {
    let bench = Bench::new();
    for (block, names, name) in KINDS {
        let file = with_block(&bench, block);
        rule(&bench, names);
        bench.put("x.yaml", &file);
        let out = bench.sops(&["updatekeys", "--yes", "x.yaml"]);
        assert!(out.status.success() && text(&out.stderr).contains("already up to date"), "{name}: {}", text(&out.stderr));
        let run = bench.sopup(&["updatekeys", "--yes", "x.yaml"]);
        assert!(run.code == 0 && run.stderr.contains("is up to date"), "{name}: {}", run.stderr);
        assert!(bench.get("x.yaml") == file);
        assert_eq!(bench.sopup(&["doctor", "x.yaml"]).stdout, "1 SOPS file: 0 errors, 0 warnings\n");
    }
}

#[test]
fn keys_that_cannot_be_added_are_named_and_nothing_changes() {
    let bench = Bench::with_keys(2);
    for (_, names, name) in KINDS {
        rule(&bench, "");
        let file = bench.encrypt("x.yaml", b"a: hello\n").expect("encrypts");
        bench.put("x.yaml", &file);
        rule(&bench, names);
        let run = bench.sopup(&["updatekeys", "--yes", "x.yaml"]);
        assert!(run.code == 2 && run.stderr.contains(name) && run.stderr.contains("nothing was changed"), "{}", run.stderr);
        assert!(bench.get("x.yaml") == file);
        let doctor = bench.sopup(&["doctor", "x.yaml"]).stdout;
        assert!(doctor.contains(&format!("`{name}` is named by its creation rule and cannot open it")), "{doctor}");
    }
}

#[test]
fn a_kept_key_of_another_kind_survives_and_forbids_a_new_data_key() {
    let bench = Bench::with_keys(2);
    let (block, names, name) = KINDS[0];
    let file = with_block(&bench, block);
    bench.put("x.yaml", &file);
    let second = &bench.recipients[1];
    bench.put(".sops.yaml", format!("creation_rules:\n  - age: {second}\n    {names}\n").as_bytes());
    let run = bench.sopup(&["updatekeys", "--yes", "x.yaml"]);
    assert!(run.code == 2 && run.stderr.contains(name) && bench.get("x.yaml") == file, "{}", run.stderr);
    let run = bench.sopup(&["updatekeys", "--yes", "--keep-data-key", "x.yaml"]);
    let changed = text(&bench.get("x.yaml"));
    assert!(run.code == 0 && changed.contains(block) && changed.contains(second) && !changed.contains(&bench.recipients[0]), "{changed}");
    bench.sops_decrypt("x.yaml", changed.as_bytes()).expect("sops decrypts");
}

#[test]
fn errors_say_whose_key_is_missing_or_damaged() {
    let bench = Bench::new();
    let ours = text(&bench.encrypt("x.yaml", b"a: b\n").expect("encrypts"));
    // Without the age key only another kind is left.
    let (before, rest) = ours.split_once("    age:\n").expect("keys");
    let (_, rest) = rest.split_once("    lastmodified:").expect("the time");
    bench.put("x.yaml", format!("{before}{}    lastmodified:{rest}", KINDS[1].0).as_bytes());
    for keys in ["keys.txt", "absent.txt"] {
        let run = bench.sopup_command(&["decrypt", "x.yaml"]).env("SOPS_AGE_KEY_FILE", bench.path(keys)).output().expect("runs");
        let error = text(&run.stderr);
        assert!(error.contains(KINDS[1].2) && error.contains("no age keys") && !error.contains("SOPS_AGE_KEY_FILE,"), "{error}");
    }
    let armor = ours.lines().position(|line| line.contains("BEGIN AGE")).expect("armor");
    let damaged: String = ours.lines().enumerate().filter(|(at, _)| *at != armor + 2).map(|(_, line)| format!("{line}\n")).collect();
    bench.put("x.yaml", damaged.as_bytes());
    let run = bench.sopup(&["decrypt", "x.yaml"]);
    assert!(run.code == 2 && run.stderr.contains("which is yours, is damaged") && run.stderr.contains("older version"), "{}", run.stderr);
}
