//! Creation rules that name keys which are not of age: the real sops and gpg encrypt the data key for them, and see no value.

use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};

use super::bench::{Bench, sops_binary, text};
use crate::support::{Run, finish};

const PLAIN: &str = "a: Pebble-Orbit-55-Lantern\nb:\n    c: 5\n";

/// A bench with a PGP key in a keyring of its own.
struct Pgp {
    bench: Bench,
    fingerprint: String,
}

impl Pgp {
    fn new(keys: usize) -> Self {
        let bench = Bench::with_keys(keys);
        bench.put("gnupg/.keep", b"");
        let home = bench.path("gnupg");
        std::fs::set_permissions(&home, std::fs::Permissions::from_mode(0o700)).expect("it is ours");
        let gpg = |args: &[&str]| {
            let output = Command::new("gpg").args(["--batch", "--quiet", "--homedir"]).arg(&home).args(args).output();
            let output = output.expect("gpg runs: install it (apt-get install gnupg)");
            assert!(output.status.success(), "gpg {args:?}: {}", text(&output.stderr));
            text(&output.stdout)
        };
        gpg(&["--passphrase", "", "--quick-generate-key", "Team <team@corp.net>", "rsa2048", "encr", "never"]);
        let listed = gpg(&["--list-keys", "--with-colons"]);
        let fingerprint = listed.lines().find_map(|line| line.strip_prefix("fpr:")).expect("a fingerprint").replace(':', "");
        Self { bench, fingerprint }
    }

    fn rule(&self, rule: &str) {
        let rule = rule.replace("PGP", &self.fingerprint);
        let rule = (0..self.bench.recipients.len()).fold(rule, |rule, at| rule.replace(&format!("AGE{at}"), &self.bench.recipients[at]));
        self.bench.put(".sops.yaml", format!("creation_rules:\n{rule}\n").as_bytes());
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = self.bench.sopup_command(args);
        command.env("GNUPGHOME", self.bench.path("gnupg"));
        command
    }

    /// sopup with the real sops on PATH.
    fn sopup(&self, args: &[&str]) -> Run {
        let folder = sops_binary().parent().expect("a folder").display().to_string();
        finish(self.command(args).env("PATH", format!("{folder}:/usr/bin:/bin")).output().expect("sopup runs"))
    }

    fn ok(&self, args: &[&str]) {
        let run = self.sopup(args);
        assert_eq!(run.code, 0, "sopup {args:?}: {}", run.stderr);
    }

    /// What the real sops makes of a file, with the PGP key, and with an age key if one is named.
    fn sops_decrypts(&self, file: &str, key: Option<usize>) -> Result<String, String> {
        self.bench.put("only.txt", key.map_or("", |at| self.bench.key(at)).as_bytes());
        let mut sops = self.bench.sops_command(&["decrypt", file]);
        sops.env("GNUPGHOME", self.bench.path("gnupg")).env("SOPS_AGE_KEY_FILE", self.bench.path("only.txt"));
        let output = sops.output().expect("sops runs");
        if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
    }
}

impl Drop for Pgp {
    fn drop(&mut self) {
        // gpg leaves an agent behind.
        let _ = Command::new("gpgconf").arg("--homedir").arg(self.bench.path("gnupg")).args(["--kill", "all"]).output();
    }
}

#[test]
fn encrypt_asks_sops_to_wrap_and_tells_it_no_value() {
    let pgp = Pgp::new(1);
    pgp.rule("  - age: AGE0\n    pgp: PGP");
    pgp.bench.put("x.yaml", PLAIN.as_bytes());
    // Without sops nothing is left out in silence.
    let run = finish(pgp.command(&["encrypt", "--in-place", "x.yaml"]).output().expect("sopup runs"));
    assert!(run.code == 2 && run.stderr.contains(&format!("by itself: pgp {}", pgp.fingerprint)), "{}", run.stderr);
    assert!(run.stderr.contains("install sops 3.8 or newer") && text(&pgp.bench.get("x.yaml")) == PLAIN, "{}", run.stderr);
    // A sops that keeps what it was given.
    let seen = pgp.bench.path("seen");
    let spy = format!("#!/bin/sh\nenv > {0}\ncat .sops.yaml keys.yaml >> {0}\nexec {1} \"$@\"\n", seen.display(), sops_binary().display());
    pgp.bench.put("spy", spy.as_bytes());
    std::fs::set_permissions(pgp.bench.path("spy"), std::fs::Permissions::from_mode(0o755)).expect("it is ours");
    let mut command = pgp.command(&["encrypt", "--sops", "./spy", "--in-place", "x.yaml"]);
    command.env("SOPS_AGE_KEY", pgp.bench.key(0)).env("OTHER_TOKEN", "Basalt-Ferry");
    let run = finish(command.env("AWS_PROFILE", "team").output().expect("sopup runs"));
    assert_eq!(run.code, 0, "{}", run.stderr);
    let seen = text(&std::fs::read(seen).expect("sops was run"));
    assert!(seen.contains("AWS_PROFILE=team") && seen.contains("made_by: ENC[") && seen.contains(&pgp.fingerprint), "{seen}");
    for secret in ["Pebble", "Basalt", "OTHER_TOKEN", pgp.bench.key(0), &pgp.bench.recipients[0]] {
        assert!(!seen.contains(secret), "sops was told {secret}");
    }
    let file = text(&pgp.bench.get("x.yaml"));
    assert_eq!(file.matches("recipient: ").count(), 1, "the recipient made for sops is gone: {file}");
    assert_eq!(pgp.sops_decrypts("x.yaml", None).as_deref(), Ok(PLAIN), "with the PGP key");
    assert_eq!(pgp.bench.sopup_prints(&["decrypt", "x.yaml"]), PLAIN, "with the age key");
}

#[test]
fn a_rule_may_name_pgp_alone_or_key_groups() {
    let pgp = Pgp::new(2);
    for (name, plain) in [("p.json", "{\n\t\"a\": \"Pebble-Orbit\"\n}\n"), ("p.env", "A=Pebble-Orbit\n")] {
        pgp.rule("  - pgp: PGP");
        pgp.bench.put(name, plain.as_bytes());
        pgp.ok(&["encrypt", "--in-place", name]);
        assert_eq!(pgp.sops_decrypts(name, None).as_deref(), Ok(plain));
    }
    pgp.rule("  - shamir_threshold: 2\n    key_groups:\n      - pgp: [PGP]\n        age: [AGE1]\n      - age: [AGE0]\n      - merge:\n          - pgp: [PGP]");
    pgp.bench.put("x.yaml", PLAIN.as_bytes());
    pgp.ok(&["encrypt", "--in-place", "x.yaml"]);
    assert_eq!(pgp.sops_decrypts("x.yaml", Some(0)).as_deref(), Ok(PLAIN));
    assert_eq!(pgp.sops_decrypts("x.yaml", None).as_deref(), Ok(PLAIN), "the PGP key opens two groups");
    assert_eq!(pgp.bench.sopup_prints(&["decrypt", "x.yaml"]), PLAIN, "both age keys");
    pgp.rule("  - key_groups:\n      - pgp: [PGP]\n      - age: [AGE0]");
    pgp.ok(&["updatekeys", "--yes", "x.yaml"]);
    assert_eq!(pgp.sops_decrypts("x.yaml", Some(0)).as_deref(), Ok(PLAIN));
    assert!(pgp.sops_decrypts("x.yaml", None).is_err(), "both groups are needed");
}

#[test]
fn updatekeys_adds_keys_and_draws_a_new_data_key_with_sops() {
    let pgp = Pgp::new(2);
    pgp.rule("  - age: AGE0,AGE1");
    pgp.bench.put("x.yaml", PLAIN.as_bytes());
    pgp.ok(&["encrypt", "--in-place", "x.yaml"]);
    let value = |file: &str| file.lines().find(|line| line.starts_with("a: ")).expect("a value").to_owned();
    let before = text(&pgp.bench.get("x.yaml"));
    pgp.rule("  - age: AGE0,AGE1\n    pgp: PGP");
    let run = pgp.sopup(&["updatekeys", "--yes", "x.yaml"]);
    assert!(run.code == 0 && run.stderr.contains(&format!("+ pgp {}", pgp.fingerprint)), "{}", run.stderr);
    let added = text(&pgp.bench.get("x.yaml"));
    assert_eq!(value(&added), value(&before));
    assert!(before.lines().filter(|line| line.len() == 76).all(|line| added.contains(line)), "age keys stay as they are");
    assert_eq!(pgp.sops_decrypts("x.yaml", None).as_deref(), Ok(PLAIN));
    let run = pgp.sopup(&["updatekeys", "--yes", "x.yaml"]);
    assert!(run.stderr.contains("is up to date"), "{}", run.stderr);
    // Whoever leaves does not know the new data key; the PGP key does.
    pgp.rule("  - age: AGE0\n    pgp: PGP");
    pgp.ok(&["updatekeys", "--yes", "x.yaml"]);
    let rotated = text(&pgp.bench.get("x.yaml"));
    assert!(value(&rotated) != value(&added) && !rotated.contains(&pgp.bench.recipients[1]), "{rotated}");
    assert_eq!(pgp.sops_decrypts("x.yaml", None).as_deref(), Ok(PLAIN));
    assert_eq!(pgp.bench.sopup_prints(&["decrypt", "x.yaml"]), PLAIN);
}

#[test]
fn what_sops_cannot_do_is_said_and_nothing_changes() {
    let pgp = Pgp::new(1);
    pgp.rule("  - age: AGE0\n    pgp: 0123456789ABCDEF0123456789ABCDEF01234567");
    pgp.bench.put("x.yaml", PLAIN.as_bytes());
    let run = pgp.sopup(&["encrypt", "--in-place", "x.yaml"]);
    assert!(run.code == 2 && run.stderr.contains("0123456789ABCDEF") && run.stderr.contains("ends with exit status"), "{}", run.stderr);
    assert_eq!(text(&pgp.bench.get("x.yaml")), PLAIN);
    let run = pgp.sopup(&["encrypt", "--sops", "absent", "x.yaml"]);
    assert!(run.code == 2 && run.stderr.contains("there is no absent"), "{}", run.stderr);
    // A sops that says that all is well and does nothing is not believed.
    pgp.bench.put("idle", b"#!/bin/sh\nexit 0\n");
    std::fs::set_permissions(pgp.bench.path("idle"), std::fs::Permissions::from_mode(0o755)).expect("it is ours");
    let run = pgp.sopup(&["encrypt", "--sops", "idle", "--in-place", "x.yaml"]);
    assert!(run.code == 2 && run.stderr.contains("sops did not encrypt the data key for pgp 0123"), "{}", run.stderr);
    assert_eq!(text(&pgp.bench.get("x.yaml")), PLAIN);
    // sopup under the name of sops is not taken for it, and a copy does not call itself for ever.
    pgp.bench.put("bin/.keep", b"");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_sopup"), pgp.bench.path("bin/sops")).expect("a link");
    let path = format!("{}:/usr/bin:/bin", pgp.bench.path("bin").display());
    let run = finish(pgp.command(&["encrypt", "x.yaml"]).env("PATH", path).output().expect("sopup runs"));
    assert!(run.code == 2 && run.stderr.contains("cannot encrypt for by itself"), "{}", run.stderr);
    std::fs::create_dir(pgp.bench.path("copy")).expect("a folder");
    std::fs::copy(env!("CARGO_BIN_EXE_sopup"), pgp.bench.path("copy/sops")).expect("a copy");
    let run = finish(pgp.command(&["encrypt", "--sops", "copy/sops", "x.yaml"]).output().expect("sopup runs"));
    assert!(run.code == 2 && run.stderr.contains("cannot encrypt for"), "{}", run.stderr);
}

#[test]
fn keys_behind_a_key_service_are_used() {
    let pgp = Pgp::new(1);
    pgp.rule("  - age: AGE0\n    pgp: PGP");
    pgp.bench.put("x.yaml", PLAIN.as_bytes());
    let socket = pgp.bench.path("keys.sock");
    let address = socket.display().to_string();
    let mut service = pgp.bench.sops_command(&["keyservice", "--net", "unix", "--addr", &address]);
    let mut service =
        service.env("GNUPGHOME", pgp.bench.path("gnupg")).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("sops runs");
    while !socket.exists() {
        assert!(service.try_wait().expect("it can be asked").is_none(), "the service ended");
        std::thread::yield_now();
    }
    // The keyring is the service's alone.
    let mut command = pgp.bench.sopup_command(&["encrypt", "--in-place", "x.yaml", "--sops"]);
    command.arg(sops_binary()).env("SOPS_KEYSERVICE", format!("unix://{address}"));
    let run = finish(command.output().expect("sopup runs"));
    service.kill().expect("it runs");
    service.wait().expect("it ends");
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(pgp.sops_decrypts("x.yaml", None).as_deref(), Ok(PLAIN));
}

#[test]
fn migrate_encrypts_new_stores_for_all_keys_of_the_rule() {
    let pgp = Pgp::new(1);
    pgp.rule("  - age: AGE0\n    pgp: PGP");
    pgp.bench.put(".env", b"DATABASE_PASSWORD=Pebble-Orbit-55-Lantern-Walrus\n");
    pgp.bench.put(
        "compose.yaml",
        b"services:\n  db:\n    image: postgres\n    environment:\n      POSTGRES_PASSWORD: Granite.Willow.Comet.77\n",
    );
    let git = |args: &[&str]| {
        let mut git = Command::new("git");
        crate::support::isolated(&mut git).args(args).current_dir(pgp.bench.dir());
        assert!(git.output().expect("git runs").status.success());
    };
    pgp.bench.put(".gitignore", b"gnupg\nkeys.txt\nonly.txt\n.local\n");
    git(&["init", "--quiet"]);
    git(&["add", "--all"]);
    git(&["commit", "--quiet", "--message", "all"]);
    let dry = pgp.sopup(&["migrate", "--dry-run", "--include-review"]);
    let said = format!("{}{}", dry.stdout, dry.stderr);
    assert!(said.contains(&format!("sops encrypts the new files for the other keys of the rule: pgp {}", pgp.fingerprint)), "{said}");
    let run = finish(pgp.command(&["migrate", "--dry-run", "--include-review"]).output().expect("sopup runs"));
    let said = format!("{}{}", run.stdout, run.stderr);
    assert!(said.contains("run `sops updatekeys` on the new files") && said.contains(&pgp.fingerprint), "{said}");
    let run = pgp.sopup(&["migrate", "--yes", "--include-review"]);
    assert!(run.code < 2, "{}{}", run.stdout, run.stderr);
    let listed = Command::new("grep")
        .args(["-rl", "--exclude-dir=.git", "ENC.AES256_GCM"])
        .current_dir(pgp.bench.dir())
        .output()
        .expect("grep runs");
    let stores: Vec<String> = text(&listed.stdout).lines().map(str::to_owned).collect();
    assert!(!stores.is_empty(), "{}{}", run.stdout, run.stderr);
    for store in &stores {
        assert!(pgp.sops_decrypts(store, None).expect("the PGP key opens it").contains(['P', 'G']), "{store}");
    }
    pgp.ok(&["migrate", "--undo"]);
    assert!(text(&pgp.bench.get("compose.yaml")).contains("Granite.Willow.Comet.77"));
}
