//! A repository with a key, a `.sops.yaml`, and the real `sops` to judge what was encrypted.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::sops::bench::sops_binary;
use crate::support::{Place, Run, finish, identity, isolated, path_with};

/// A repository to migrate.
pub(crate) struct Bench {
    pub(crate) place: Place,
    pub(crate) recipient: String,
    fingerprint_key: Option<&'static str>,
}

/// Files by path: content and mode.
pub(crate) type Tree = BTreeMap<String, (Vec<u8>, u32)>;

impl Bench {
    /// An empty repository with a key outside of its working tree.
    pub(crate) fn new() -> Self {
        let place = Place::repository();
        let recipient = identity(&place, ".git/keys.txt");
        place.write(".sops.yaml", format!("creation_rules:\n  - age: {recipient}\n"));
        Self { place, recipient, fingerprint_key: Some("fixed for the tests of plans") }
    }

    /// Without a key that is given: each user has an own one.
    pub(crate) fn without_fingerprint_key(&mut self) {
        self.fingerprint_key = None;
    }

    /// Commits what is there.
    pub(crate) fn commit(&self) -> &Self {
        self.place.commit("all");
        self
    }

    fn with_key<'c>(&self, command: &'c mut Command) -> &'c mut Command {
        // The kubectl of the tests is the one that sopup finds.
        if let Some(kubectl) = std::env::var_os("SOPUP_TEST_KUBECTL") {
            let beside = Path::new(&kubectl).parent().map(Path::to_path_buf);
            // Behind what a test has put on it.
            let set = command.get_envs().find(|(name, _)| *name == "PATH").and_then(|(_, path)| path);
            let before: Vec<PathBuf> = set.iter().flat_map(std::env::split_paths).collect();
            command.env("PATH", path_with(before.into_iter().chain(beside)));
        }
        if let Some(key) = self.fingerprint_key {
            command.env("SOPUP_FINGERPRINT_KEY", key);
        }
        command
            .env("SOPS_AGE_KEY_FILE", self.place.join(".git/keys.txt"))
            .env("HOME", self.place.join(".git"))
            .env_remove("SOPS_AGE_RECIPIENTS")
            .env_remove("SOPS_AGE_KEY")
    }

    /// Runs `sopup migrate`.
    pub(crate) fn migrate<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Run {
        let mut command = self.place.command();
        finish(self.with_key(command.arg("migrate").args(args)).output().expect("sopup runs"))
    }

    /// Runs `sopup migrate` with nothing but a folder on the PATH.
    pub(crate) fn migrate_with<S: AsRef<OsStr>>(&self, path: &Path, args: impl IntoIterator<Item = S>) -> Run {
        let mut command = self.place.command();
        finish(self.with_key(command.arg("migrate").args(args)).env("PATH", path).output().expect("sopup runs"))
    }

    /// Runs `sopup migrate` on a terminal on which somebody types `answers`.
    pub(crate) fn migrate_on_terminal(&self, answers: &str, args: &[&str]) -> Run {
        let mut command = self.place.command_on_terminal(answers);
        finish(self.with_key(command.arg("migrate").args(args)).output().expect("python3 runs"))
    }

    /// Runs another program here.
    pub(crate) fn run(&self, command: &mut Command) -> Run {
        finish(self.with_key(isolated(command).current_dir(self.place.path())).output().expect("it runs"))
    }

    /// Runs another command of sopup.
    pub(crate) fn sopup<const N: usize>(&self, args: [&str; N]) -> Run {
        let mut command = self.place.command();
        finish(self.with_key(command.args(args)).output().expect("sopup runs"))
    }

    /// What the real sops decrypts a file to.
    pub(crate) fn decrypt(&self, path: &str) -> String {
        self.decrypt_with(&["decrypt", path])
    }

    /// The same as JSON.
    pub(crate) fn decrypt_as_json(&self, path: &str) -> String {
        self.decrypt_with(&["decrypt", "--output-type", "json", path])
    }

    fn decrypt_with(&self, args: &[&str]) -> String {
        let mut command = Command::new(sops_binary());
        let output = self.with_key(isolated(command.args(args))).current_dir(self.place.path()).output().expect("sops runs");
        assert!(output.status.success(), "sops {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    /// The working tree.
    pub(crate) fn tree(&self) -> Tree {
        let mut found = Tree::new();
        walk(self.place.path(), self.place.path(), &mut found);
        found
    }

    /// The places that a scan of the working tree reports.
    pub(crate) fn findings(&self) -> Vec<String> {
        crate::support::places(&self.place.report(["--worktree"]))
    }
}

fn walk(folder: &Path, top: &Path, found: &mut Tree) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.strip_prefix(top).expect("below").to_string_lossy().into_owned();
        if name == ".git" {
            continue;
        }
        if path.is_dir() {
            walk(&path, top, found);
        } else {
            let mode = std::os::unix::fs::PermissionsExt::mode(&fs::symlink_metadata(&path).expect("a file").permissions());
            found.insert(name, (fs::read(&path).unwrap_or_default(), mode));
        }
    }
}

/// Whether a file is one of sops.
pub(crate) fn is_encrypted(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    text.contains("ENC[AES256_GCM,") && (text.contains("\nsops:") || text.contains("sops_mac=") || text.contains("\"sops\""))
}
