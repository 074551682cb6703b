//! Repositories made by the real `git`, and what it says is in them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use sopup::source::object::{HashKind, Limits, ObjectId, ObjectKind, ObjectStore};
use tempfile::TempDir;

use super::visit::{Seen, see};

/// Every object: its kind and contents.
pub(super) type Objects = BTreeMap<ObjectId, (ObjectKind, Vec<u8>)>;

/// A bare repository in a directory of its own.
pub(super) struct Repo {
    dir: TempDir,
    hash: HashKind,
}

impl Repo {
    pub(super) fn new() -> Self {
        Self::with_hash(HashKind::Sha1)
    }

    pub(super) fn with_hash(hash: HashKind) -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let repo = Self { dir, hash };
        let format = match hash {
            HashKind::Sha1 => "--object-format=sha1",
            HashKind::Sha256 => "--object-format=sha256",
        };
        repo.git(&["init", "-q", "--bare", "-b", "main", format, "."]);
        repo
    }

    pub(super) fn path(&self) -> &Path {
        self.dir.path()
    }

    pub(super) fn objects_dir(&self) -> PathBuf {
        self.path().join("objects")
    }

    /// Runs git and gives what it prints.
    pub(super) fn git(&self, args: &[&str]) -> Vec<u8> {
        self.git_with(args, b"")
    }

    pub(super) fn git_with(&self, args: &[&str], input: &[u8]) -> Vec<u8> {
        let mut child = Command::new("git")
            .args(["-c", "gc.auto=0", "-c", "maintenance.auto=false"])
            .args(args)
            .current_dir(self.path())
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .envs([("GIT_AUTHOR_NAME", "a"), ("GIT_AUTHOR_EMAIL", "a@example.org")])
            .envs([("GIT_COMMITTER_NAME", "a"), ("GIT_COMMITTER_EMAIL", "a@example.org")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("git runs");
        let mut stdin = child.stdin.take().expect("it is piped");
        let input = input.to_vec();
        let writer = std::thread::spawn(move || stdin.write_all(&input));
        let output = child.wait_with_output().expect("git ends");
        writer.join().expect("no panic").expect("git reads its input");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "git {args:?}: {said}");
        output.stdout
    }

    /// `versions` commits, each changing some of a few files, and a tag.
    pub(super) fn grow(&self, versions: usize) {
        let mut stream = String::new();
        for version in 0..versions {
            let _ =
                write!(stream, "commit refs/heads/main\ncommitter a <a@example.org> {} +0000\ndata 8\nmessage\n", 1_700_000_000 + version);
            for file in 0..4 {
                if version % (file + 1) == 0 {
                    let text = text(file, version);
                    let _ = writeln!(stream, "M 644 inline dir{file}/file{file}.txt");
                    let _ = write!(stream, "data {}\n{text}\n", text.len());
                }
            }
        }
        stream.push_str("tag v1\nfrom refs/heads/main\ntagger a <a@example.org> 1 +0000\ndata 3\ntag\n");
        self.git_with(&["-c", "fastimport.unpackLimit=0", "fast-import", "--quiet", "--force"], stream.as_bytes());
    }

    /// Puts everything into one pack, made anew with these settings.
    pub(super) fn repack(&self, settings: &[&str]) {
        let mut args = settings.to_vec();
        args.extend(["repack", "-a", "-d", "-f", "-q"]);
        self.git(&args);
    }

    /// The only pack.
    pub(super) fn pack(&self) -> PathBuf {
        let mut packs = self.files("pack");
        assert_eq!(packs.len(), 1, "one pack");
        packs.remove(0)
    }

    /// The files of the pack directory with this extension.
    pub(super) fn files(&self, extension: &str) -> Vec<PathBuf> {
        let dir = self.objects_dir().join("pack");
        let entries = std::fs::read_dir(dir).expect("the pack directory");
        let mut files: Vec<_> = entries
            .map(|entry| entry.expect("an entry").path())
            .filter(|path| path.extension().is_some_and(|has| has == extension))
            .collect();
        files.sort();
        files
    }

    /// What git says is in the repository.
    pub(super) fn objects(&self) -> Objects {
        let listed = self.git(&["cat-file", "--batch-all-objects", "--batch", "--buffer"]);
        let mut objects = Objects::new();
        let mut rest = &listed[..];
        while !rest.is_empty() {
            let end = rest.iter().position(|&byte| byte == b'\n').expect("a line");
            let line = std::str::from_utf8(&rest[..end]).expect("ascii");
            let words: Vec<_> = line.split(' ').collect();
            let size: usize = words[2].parse().expect("a size");
            let id = ObjectId::from_hex(words[0].as_bytes()).expect("an id");
            let kind = ObjectKind::from_name(words[1].as_bytes()).expect("a kind");
            objects.insert(id, (kind, rest[end + 1..][..size].to_vec()));
            rest = &rest[end + 1 + size + 1..];
        }
        objects
    }

    pub(super) fn store(&self, limits: Limits) -> ObjectStore {
        ObjectStore::open(&self.objects_dir(), self.hash, limits).expect("the directory is there")
    }

    pub(super) fn see(&self) -> Seen {
        see(&self.store(Limits::default()))
    }

    /// Checks that a visit and single reads give what git gives, with
    /// different numbers of threads and budgets.
    #[track_caller]
    pub(super) fn assert_same_as_git(&self) {
        let expected = self.objects();
        for (threads, memory) in [(1, 1 << 30), (2, 1 << 30), (4, 1 << 20)] {
            let limits = Limits { threads: std::num::NonZeroUsize::new(threads).expect("not zero"), memory, ..Limits::default() };
            let store = self.store(limits);
            let seen = see(&store);
            assert_eq!(seen.skips, [], "nothing is skipped");
            assert!(seen.objects == expected, "the same objects with {threads} threads");
            assert_eq!(seen.repeated, 0, "each once");
            let counts = store.counts();
            assert_eq!(counts.packed + counts.loose, expected.len() as u64);
        }
        let store = self.store(Limits::default());
        for (id, (kind, bytes)) in &expected {
            let object = store.read(id).expect("it is there");
            assert!(object.kind == *kind && object.bytes == *bytes, "{id}");
        }
    }
}

/// A file of some lines, of which one changes with each version and one is
/// added with some.
fn text(file: usize, version: usize) -> String {
    let lines = 40 + version / 7;
    let line = |number: usize| {
        let changes = if number == version % lines { version } else { 0 };
        let noise = (number * 2_654_435_761 + file * 97) % 1_000_003;
        format!("line {number} of file {file}: {noise} {changes}\n")
    };
    (0..lines).map(line).collect()
}
