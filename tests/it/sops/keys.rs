//! Recipients, identities and key groups (matrix cases 12 to 18).

use std::process::Command;

use sopup::secret::Secret;
use sopup::sops::identity_source::{self, IdentityReader, Platform};
use sopup::sops::keyring::{Keyring, NoPrompt, Prompt};
use sopup::sops::metadata::Metadata;
use sopup::sops::ops::{self, Audience, MacCheck, Plan};
use sopup::sops::plugin::{NoPlugins, ProgramPlugins};
use sopup::sops::recipient::{Kind, Recipient, RecipientError};

use super::bench::{Bench, age_binary, store, text};

const PLAIN: &str = "a: hello\nb:\n  - c\n";

fn recipient(text: &str) -> Recipient {
    Recipient::parse(text).expect("a recipient")
}

/// Makes an SSH key pair with the system's ssh-keygen; returns (private path, public line).
fn ssh_key(bench: &Bench, kind: &str) -> (std::path::PathBuf, String) {
    let path = bench.path(&format!("id_{kind}"));
    let out = Command::new("ssh-keygen").args(["-q", "-t", kind, "-N", "", "-C", "someone@here", "-f"]).arg(&path).output();
    assert!(out.expect("ssh-keygen is installed").status.success());
    (path.clone(), text(&std::fs::read(path.with_extension("pub")).expect("a public key")).trim().to_owned())
}

#[test]
fn case_12_each_recipient_alone_opens_and_a_stranger_does_not() {
    let bench = Bench::with_keys(6);
    for keys in [vec![0, 1], vec![0, 1, 2, 3, 4]] {
        let ours = bench.encrypt_as("x.yaml", PLAIN.as_bytes(), &bench.plan_for(&keys)).expect("encrypts");
        for key in &keys {
            bench.put("keys.txt", bench.key(*key).as_bytes());
            bench.sops_decrypt("x.yaml", &ours).expect("sops decrypts with each key");
            ops::decrypt(&*store("x.yaml"), &ours, &bench.keyring(&[*key]), MacCheck::Required).expect("so do we");
        }
        bench.put("keys.txt", bench.key(5).as_bytes());
        assert!(bench.sops_decrypt("x.yaml", &ours).expect_err("a stranger").contains("rc Some(128)"));
        let error = ops::decrypt(&*store("x.yaml"), &ours, &bench.keyring(&[5]), MacCheck::Required).expect_err("a stranger");
        assert!(error.to_string().contains(&bench.recipients[0]), "{error}");
        assert!(ops::decrypt(&*store("x.yaml"), &ours, &Keyring::new(), MacCheck::Required).is_err());
    }
}

#[test]
fn case_13_ssh_keys_both_ways() {
    let bench = Bench::new();
    for kind in ["ed25519", "rsa"] {
        let (path, public) = ssh_key(&bench, kind);
        let audience = Audience { groups: vec![vec![recipient(&public)]], ..Audience::default() };
        let ours = bench.encrypt_as("x.yaml", PLAIN.as_bytes(), &Plan { audience, ..bench.plan() }).expect("encrypts");
        bench.put("x.yaml", &ours);
        let out = bench.sops_command(&["decrypt", "x.yaml"]).env("SOPS_AGE_SSH_PRIVATE_KEY_FILE", &path).output().expect("runs");
        assert!(out.status.success(), "{}", text(&out.stderr));
        let theirs = bench.sops_encrypt("x.yaml", PLAIN.as_bytes(), &["--age", &public]);
        let mut keyring = Keyring::new();
        keyring.add_ssh(&std::fs::read(&path).expect("reads"), "ssh", &NoPrompt).expect("a key");
        for file in [&ours, &theirs] {
            ops::decrypt(&*store("x.yaml"), file, &keyring, MacCheck::Required).expect("we decrypt");
        }
    }
    let ecdsa = ssh_key(&bench, "ecdsa").1;
    assert!(matches!(Recipient::parse(&ecdsa), Err(RecipientError::SshType { .. })));
}

#[test]
fn case_14_and_15_plugins_and_post_quantum_recipients() {
    let bench = Bench::new();
    let recipient = recipient("age1yubikey1qwt50d05nh5vutpdzmlg5wn80xq5negm4uj9ghv0snvdd3yysf5yw3rhl3t");
    assert_eq!(*recipient.kind(), Kind::Plugin("yubikey".to_owned()));
    let error = recipient.wrap(&[0; 32], &NoPlugins).expect_err("plugins are off").to_string();
    assert!(error.contains("age-plugin-yubikey") && error.contains("not enabled"), "{error}");
    let error = recipient.wrap(&[0; 32], &ProgramPlugins).expect_err("no such program").to_string();
    assert!(error.contains("age-plugin-yubikey is not on the PATH"), "{error}");
    let audience = Audience { groups: vec![vec![recipient]], ..Audience::default() };
    assert!(bench.encrypt_as("x.yaml", PLAIN.as_bytes(), &Plan { audience, ..bench.plan() }).is_err());
    assert!(Recipient::parse("age1pq1notbech32").is_err());
    for private in [bench.key(0), "AGE-PLUGIN-X-1QQ", "AGE-SECRET-KEY-PQ-1X"] {
        let error = Recipient::parse(private).expect_err("a private key");
        assert!(matches!(error, RecipientError::PrivateKey) && !error.to_string().contains(private));
    }
}

/// A directory as the only file system.
struct Files<'a>(&'a Bench);

impl IdentityReader for Files<'_> {
    fn file(&self, path: &std::path::Path) -> std::io::Result<Option<Secret>> {
        Ok(std::fs::read(path).ok().map(Secret::new))
    }

    fn command(&self, program: &[String]) -> std::io::Result<Secret> {
        let out = Command::new(&program[0]).args(&program[1..]).current_dir(self.0.dir()).output()?;
        Ok(Secret::new(out.stdout))
    }
}

struct Passphrase(&'static str);

impl Prompt for Passphrase {
    fn passphrase(&self, _: &str) -> Option<Secret> {
        Some(Secret::new(self.0.as_bytes().to_vec()))
    }
}

fn opens_with(bench: &Bench, file: &[u8], variables: &[(&str, &str)], home: &str) -> bool {
    let variable = |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
    let home = bench.path(home);
    let sources = identity_source::sources(&variable, Some(&home), Platform::Unix);
    let (keyring, _) = identity_source::fill(&sources, &Files(bench), &Passphrase("correct horse"), &NoPlugins);
    let ours = ops::decrypt(&*store("x.yaml"), file, &keyring, MacCheck::Required).is_ok();
    bench.put("x.yaml", file);
    let mut command = bench.sops_command(&["decrypt", "x.yaml"]);
    command.env_remove("SOPS_AGE_KEY_FILE").env("HOME", &home).envs(variables.iter().copied());
    let locked = variables.iter().any(|(_, value)| value.ends_with("locked.txt"));
    let theirs = locked || command.output().expect("runs").status.success();
    assert_eq!(ours, theirs, "{variables:?}");
    ours
}

#[test]
fn case_16_every_source_of_identities() {
    let bench = Bench::with_keys(2);
    let file = bench.encrypt("x.yaml", PLAIN.as_bytes()).expect("encrypts");
    let key = bench.key(0).to_owned();
    let newline_list = format!("{}\n# note\n\n{key}\n", bench.key(1));
    bench.put("one.txt", newline_list.as_bytes());
    let path = bench.path("one.txt").display().to_string();
    let command = format!("cat '{path}'");
    assert!(opens_with(&bench, &file, &[("SOPS_AGE_KEY", &key)], "nobody"));
    assert!(opens_with(&bench, &file, &[("SOPS_AGE_KEY", &newline_list)], "nobody"));
    assert!(opens_with(&bench, &file, &[("SOPS_AGE_KEY_FILE", &path)], "nobody"));
    assert!(opens_with(&bench, &file, &[("SOPS_AGE_KEY_CMD", &command)], "nobody"));
    assert!(!opens_with(&bench, &file, &[("SOPS_AGE_KEY", bench.key(1))], "nobody"));
    assert!(!opens_with(&bench, &file, &[], "nobody"));
    bench.put("home/.config/sops/age/keys.txt", key.as_bytes());
    assert!(opens_with(&bench, &file, &[], "home"));
    bench.put("xdg/sops/age/keys.txt", key.as_bytes());
    assert!(opens_with(&bench, &file, &[("XDG_CONFIG_HOME", &bench.path("xdg").display().to_string())], "nobody"));

    let (private, public) = ssh_key(&bench, "ed25519");
    bench.put("sshhome/.ssh/id_ed25519", &std::fs::read(private).expect("reads"));
    let audience = Audience { groups: vec![vec![recipient(&public)]], ..Audience::default() };
    let for_ssh = bench.encrypt_as("x.yaml", PLAIN.as_bytes(), &Plan { audience, ..bench.plan() }).expect("encrypts");
    assert!(opens_with(&bench, &for_ssh, &[], "sshhome"));

    let mut scrypt = age::scrypt::Recipient::new(age::secrecy::SecretString::from("correct horse".to_owned()));
    scrypt.set_work_factor(10);
    bench.put("locked.txt", &age::encrypt(&scrypt, key.as_bytes()).expect("encrypts"));
    let locked = bench.path("locked.txt").display().to_string();
    assert!(opens_with(&bench, &file, &[("SOPS_AGE_KEY_FILE", &locked)], "nobody"));
}

#[test]
fn case_17_key_groups() {
    let bench = Bench::with_keys(3);
    for (groups, threshold) in [(2, None), (3, Some(2))] {
        let group = |at: usize| vec![recipient(&bench.recipients[at])];
        let audience = Audience { groups: (0..groups).map(group).collect(), shamir_threshold: threshold, ..Audience::default() };
        let ours = bench.encrypt_as("x.yaml", PLAIN.as_bytes(), &Plan { audience, ..bench.plan() }).expect("encrypts");
        let ages: Vec<String> = (0..groups).map(|at| format!("      - age: [{}]\n", bench.recipients[at])).collect();
        let config = format!("creation_rules:\n  - shamir_threshold: {}\n    key_groups:\n{}", threshold.unwrap_or(groups), ages.concat());
        bench.put(".sops.yaml", config.as_bytes());
        bench.put("y.yaml", PLAIN.as_bytes());
        let theirs = bench.sops(&["encrypt", "y.yaml"]);
        assert!(theirs.status.success(), "{}", text(&theirs.stderr));
        std::fs::remove_file(bench.path(".sops.yaml")).expect("removes");
        for file in [&ours, &theirs.stdout] {
            for (keys, opens) in [(vec![0], false), (vec![0, 1], true), (vec![1, 2], groups == 3), (vec![0, 1, 2], true)] {
                let lines: Vec<&str> = keys.iter().map(|at| bench.key(*at)).collect();
                bench.put("keys.txt", lines.join("\n").as_bytes());
                assert_eq!(bench.sops_decrypt("x.yaml", file).is_ok(), opens, "sops, {groups} groups, keys {keys:?}");
                let got = ops::decrypt(&*store("x.yaml"), file, &bench.keyring(&keys), MacCheck::Required);
                assert_eq!(got.is_ok(), opens, "we, {groups} groups, keys {keys:?}");
            }
        }
    }
    let audience = Audience { groups: vec![vec![recipient(&bench.recipients[0])]; 2], shamir_threshold: Some(1), ..Audience::default() };
    assert!(bench.encrypt_as("x.yaml", PLAIN.as_bytes(), &Plan { audience, ..bench.plan() }).is_err());
}

#[test]
fn case_18_armor_in_odd_shapes_and_real_age() {
    let bench = Bench::new();
    let plain = "{\"a\": \"hello\"}";
    let theirs = text(&bench.sops_encrypt("x.json", plain.as_bytes(), &[]));
    let end = "-----END AGE ENCRYPTED FILE-----\\n";
    assert!(theirs.contains(end));
    let shapes = [
        theirs.replace(end, "-----END AGE ENCRYPTED FILE-----"),
        theirs.replace(end, "-----END AGE ENCRYPTED FILE-----\\n\\n"),
        theirs.replace("FILE-----\\n", "FILE-----\\r\\n"),
    ];
    for shape in shapes {
        bench.sops_decrypt("x.json", shape.as_bytes()).expect("sops decrypts");
        bench.decrypt("x.json", shape.as_bytes()).expect("we decrypt");
    }
    // The real age opens what we wrap, grease and all.
    let ours = bench.encrypt("x.json", plain.as_bytes()).expect("encrypts");
    let source = store("x.json").read_encrypted(&ours).expect("reads");
    let metadata = Metadata::parse(source.metadata.expect("metadata")).expect("parses");
    bench.put("data.age", metadata.key_groups()[0].age[0].armor.as_bytes());
    let out = Command::new(age_binary()).args(["-d", "-i"]).arg(bench.path("keys.txt")).arg(bench.path("data.age")).output();
    assert_eq!(out.expect("age runs").stdout.len(), 32);
    // And we open what the real age wraps.
    let mut age = Command::new(age_binary());
    age.args(["-a", "-r", &bench.recipients[0], "-o"]).arg(bench.path("new.age")).arg(bench.path("key.bin"));
    bench.put("key.bin", bench.keyring(&[0]).open(&metadata).expect("opens").expose());
    assert!(age.status().expect("age runs").success());
    let armor = text(&bench.get("new.age"));
    let swapped = text(&ours).replace(&metadata.key_groups()[0].age[0].armor.replace('\n', "\\n"), &armor.replace('\n', "\\n"));
    bench.decrypt("x.json", swapped.as_bytes()).expect("we decrypt");
}

const PLUGIN_RECIPIENT: &str = "age1test1d9h8vetww3jkgkh565y";
const PLUGIN_IDENTITY: &str = "AGE-PLUGIN-TEST-1M7420Z";

/// Writes a file for a plugin recipient to `$SOPUP_TEST_DIR` and opens it and sops' file from there.
#[test]
#[ignore = "run by case_14 in a process whose PATH holds the plugin"]
fn plugin_child() {
    let dir = std::path::PathBuf::from(std::env::var_os("SOPUP_TEST_DIR").expect("set by case_14"));
    let bench = Bench::new();
    let audience = Audience { groups: vec![vec![recipient(PLUGIN_RECIPIENT)]], ..Audience::default() };
    let plan = Plan { audience, ..bench.plan() };
    let ours = ops::encrypt(&*store("x.yaml"), PLAIN.as_bytes(), &plan, &ProgramPlugins).expect("encrypts");
    std::fs::write(dir.join("ours.yaml"), &ours).expect("writes");
    let mut keyring = Keyring::new();
    keyring.add_text(PLUGIN_IDENTITY.as_bytes(), "a test key", &ProgramPlugins).expect("a plugin identity");
    let theirs = std::fs::read(dir.join("theirs.yaml")).expect("reads");
    for file in [&ours, &theirs] {
        ops::decrypt(&*store("x.yaml"), file, &keyring, MacCheck::Required).expect("the plugin opens it");
    }
}

#[test]
fn case_14_a_plugin_both_ways() {
    let bench = Bench::new();
    let plugins = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/sops");
    let path = format!("{}:/usr/bin:/bin", plugins.display());
    bench.put("x.yaml", PLAIN.as_bytes());
    let theirs = bench.sops_command(&["encrypt", "--age", PLUGIN_RECIPIENT, "x.yaml"]).env("PATH", &path).output().expect("sops runs");
    assert!(theirs.status.success(), "{}", text(&theirs.stderr));
    bench.put("theirs.yaml", &theirs.stdout);
    let child = Command::new(std::env::current_exe().expect("this test"))
        .args(["--exact", "sops::keys::plugin_child", "--ignored"])
        .env("PATH", &path)
        .env("SOPUP_TEST_DIR", bench.dir())
        .output()
        .expect("runs");
    assert!(child.status.success(), "{}", text(&child.stdout));
    let mut command = bench.sops_command(&["decrypt", "ours.yaml"]);
    let opened =
        command.env("PATH", &path).env_remove("SOPS_AGE_KEY_FILE").env("SOPS_AGE_KEY", PLUGIN_IDENTITY).output().expect("sops runs");
    assert!(opened.status.success(), "{}", text(&opened.stderr));
}
