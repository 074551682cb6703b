//! What tests need: a folder of their own, the program, git without the user's configuration.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// A secret that every rule set finds: a token with a valid checksum.
pub(crate) const TOKEN: &str = "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";

/// Runs a program on a terminal, types its first argument there, and shows what appears. The terminal stays open until all of
/// that is read, so that nothing is lost when the program ends.
const TERMINAL: &str = "
import fcntl, os, pty, select, subprocess, sys, termios
terminal, own = pty.openpty()
child = subprocess.Popen(
    sys.argv[2:], stdin=own, stdout=own, stderr=own, start_new_session=True,
    preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
)
os.write(terminal, sys.argv[1].encode())
while True:
    ended = child.poll() is not None
    if select.select([terminal], [], [], 0.05)[0]:
        sys.stdout.buffer.write(os.read(terminal, 4096))
    elif ended:
        break
sys.stdout.flush()
sys.exit(child.returncode)
";

/// A folder, perhaps a repository, in which a test works.
pub(crate) struct Place {
    folder: TempDir,
}

/// How the program ended.
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a temporary folder") }
    }

    /// With an empty repository in it.
    pub(crate) fn repository() -> Self {
        let place = Self::new();
        place.git(["init", "--quiet", "--initial-branch=main"]);
        place
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn join(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    /// Writes a file, with the folders above it.
    pub(crate) fn write(&self, path: &str, content: impl AsRef<[u8]>) -> &Self {
        let file = self.join(path);
        fs::create_dir_all(file.parent().expect("a file has a folder")).expect("folders");
        fs::write(file, content).expect("a file");
        self
    }

    /// Runs git; panics if it fails.
    pub(crate) fn git<const N: usize>(&self, args: [&str; N]) -> String {
        let output = isolated(Command::new("git").args(args)).current_dir(self.path()).output().expect("git runs");
        assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("git prints UTF-8 here")
    }

    /// Runs a shell script here; panics if it fails.
    pub(crate) fn shell(&self, script: &str) -> String {
        let output = isolated(Command::new("sh").args(["-ec", script])).current_dir(self.path()).output().expect("sh runs");
        assert!(output.status.success(), "{script}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("it prints UTF-8 here")
    }

    /// Stages and commits everything.
    pub(crate) fn commit(&self, message: &str) -> &Self {
        self.git(["add", "--all"]);
        self.git(["commit", "--quiet", "--allow-empty", "--message", message]);
        self
    }

    /// Runs the program in this folder.
    pub(crate) fn sopup<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Run {
        self.sopup_with(args, "")
    }

    /// The same with a text on standard input.
    pub(crate) fn sopup_with<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>, stdin: impl AsRef<[u8]>) -> Run {
        use std::io::Write as _;
        let mut child =
            self.command().args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("sopup starts");
        // The program may end before it has read everything.
        let _ = child.stdin.take().expect("it is piped").write_all(stdin.as_ref());
        finish(child.wait_with_output().expect("sopup ends"))
    }

    /// The program, not yet started.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sopup"));
        isolated(&mut command).current_dir(self.path()).env("XDG_STATE_HOME", self.path().join(".git/state"));
        command
    }

    /// The program on a terminal on which somebody types `answers`, not yet started.
    pub(crate) fn command_on_terminal(&self, answers: &str) -> Command {
        let mut command = on_terminal(answers);
        isolated(&mut command).current_dir(self.path());
        command.env("XDG_STATE_HOME", self.path().join(".git/state"));
        command
    }

    /// The report `sopup.report/v1` of a scan.
    pub(crate) fn report<const N: usize>(&self, args: [&str; N]) -> serde_json::Value {
        let run = self.sopup(["scan", "--format", "json"].into_iter().chain(args));
        serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}: {}{}", run.stdout, run.stderr))
    }
}

/// The program on a terminal on which somebody types `answers`.
pub(crate) fn on_terminal(answers: &str) -> Command {
    let mut command = Command::new("python3");
    command.args(["-c", TERMINAL, answers, env!("CARGO_BIN_EXE_sopup")]);
    command
}

/// Runs the program in a folder of a place as another user, who may not do what root may, through another program if
/// one is named.
pub(crate) fn unprivileged(place: &Place, user: u32, through: &[String], folder: &str, args: &[&str]) -> Output {
    let program = Place::new();
    let copy = program.join("sopup");
    fs::copy(env!("CARGO_BIN_EXE_sopup"), &copy).expect("a copy");
    for folder in [program.path(), place.path()] {
        fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).expect("it is ours");
    }
    loop {
        let mut command = Command::new("setpriv");
        isolated(&mut command).args([format!("--reuid={user}"), format!("--regid={user}"), "--clear-groups".to_owned()]);
        command.args(through).arg(&copy).args(args).current_dir(place.join(folder)).env("HOME", "/nonexistent");
        let output = command.output().expect("setpriv runs");
        // Another test that starts a program just now may still hold the copy open for writing.
        if !String::from_utf8_lossy(&output.stderr).contains("Text file busy") {
            return output;
        }
    }
}

pub(crate) fn finish(output: Output) -> Run {
    Run {
        code: output.status.code().expect("no signal ended it"),
        stdout: String::from_utf8(output.stdout).expect("UTF-8"),
        stderr: String::from_utf8(output.stderr).expect("UTF-8"),
    }
}

/// Makes an age identity, keeps it in a file, and gives its recipient.
pub(crate) fn identity(place: &Place, file: &str) -> String {
    let identity = age::x25519::Identity::generate();
    place.write(file, age::secrecy::ExposeSecret::expose_secret(&identity.to_string()));
    identity.to_public().to_string()
}

/// The folder of the program under test.
pub(crate) fn binaries() -> PathBuf {
    Path::new(env!("CARGO_BIN_EXE_sopup")).parent().expect("a folder").to_path_buf()
}

/// PATH with further folders before it.
pub(crate) fn path_with(folders: impl IntoIterator<Item = PathBuf>) -> OsString {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::join_paths(folders.into_iter().chain(std::env::split_paths(&path))).expect("no colon in a name")
}

/// Without anything the user has configured.
pub(crate) fn isolated(command: &mut Command) -> &mut Command {
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("GIT_") || name.to_string_lossy().starts_with("SOPUP_CONFIG") {
            command.env_remove(name);
        }
    }
    let now = "2026-01-02T03:04:05Z";
    command
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_SYSTEM", "/dev/null")
        .env("GIT_AUTHOR_NAME", "A")
        .env("GIT_AUTHOR_EMAIL", "a@corp.net")
        .env("GIT_COMMITTER_NAME", "A")
        .env("GIT_COMMITTER_EMAIL", "a@corp.net")
        .env("GIT_AUTHOR_DATE", now)
        .env("GIT_COMMITTER_DATE", now)
        .env_remove("NO_COLOR")
        .env_remove("CLICOLOR_FORCE")
        .env_remove("SOPUP_FINGERPRINT_KEY")
}

/// Paths, lines and values of a report, in order.
pub(crate) fn places(report: &serde_json::Value) -> Vec<String> {
    let of = |finding: &serde_json::Value| -> Vec<String> {
        let occurrences = finding["occurrences"].as_array().expect("occurrences").iter();
        occurrences.map(|place| format!("{}:{}:{}", place["path"].as_str().expect("a path"), place["line"], place["column"])).collect()
    };
    report["findings"].as_array().expect("findings").iter().flat_map(of).collect()
}

/// What the real kustomize makes of a folder.
pub(crate) fn kustomize(folder: &Path) -> String {
    let kubectl = std::env::var_os("SOPUP_TEST_KUBECTL").unwrap_or_else(|| "kubectl".into());
    let output = Command::new(kubectl).arg("kustomize").arg(folder).output();
    let output = output.expect("kubectl runs: install it, or name it in SOPUP_TEST_KUBECTL");
    assert!(output.status.success(), "{}: {}", folder.display(), String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// A small generator of numbers that is the same everywhere (splitmix64).
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % (end.max(1) as u64)).expect("smaller than a length")
    }
}
