//! Every operation on the disk fails once, or the process ends there, in every migration below; afterwards the files
//! are all old or all new, and no draft and no plain secret lies about.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use zeroize::Zeroizing;

use super::apply::{apply, resume, undo};
use super::change::{Change, Tools};
use super::journal::{self, Journal};
use super::policy::Policy;
use crate::file::{Access, Disk, Lost, RealDisk};
use crate::sops::keyring::Keyring;
use crate::sops::ops::Audience;
use crate::sops::plugin::NoPlugins;
use crate::sops::recipient::Recipient;
use crate::sops::timestamp::Timestamp;

/// How the disk breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// One operation fails.
    Once,
    /// From one operation on, all fail: a full or unplugged disk.
    Always,
    /// The process ends there: half of what was being written is on the disk, nothing runs afterwards.
    Crash,
}

/// A disk whose operation number `at` breaks.
struct FaultyDisk {
    fault: Fault,
    at: usize,
    count: AtomicUsize,
}

impl FaultyDisk {
    fn new(fault: Fault, at: usize) -> Self {
        Self { fault, at, count: AtomicUsize::new(0) }
    }

    fn step(&self) -> io::Result<()> {
        self.outcome(self.count.fetch_add(1, Ordering::SeqCst))
    }

    fn outcome(&self, now: usize) -> io::Result<()> {
        let broken = if self.fault == Fault::Once { now == self.at } else { now >= self.at };
        if broken { Err(io::Error::other("the disk is broken")) } else { Ok(()) }
    }

    fn fired(&self) -> bool {
        self.count.load(Ordering::SeqCst) > self.at
    }
}

impl Disk for FaultyDisk {
    fn read(&self, file: &File, limit: u64) -> io::Result<Zeroizing<Vec<u8>>> {
        self.step()?;
        RealDisk.read(file, limit)
    }

    fn create(&self, path: &Path, access: Access) -> io::Result<File> {
        self.step()?;
        RealDisk.create(path, access)
    }

    fn write(&self, file: &File, bytes: &[u8]) -> io::Result<()> {
        let now = self.count.fetch_add(1, Ordering::SeqCst);
        self.outcome(now).inspect_err(|_| {
            if self.fault != Fault::Always && now == self.at {
                let _ = RealDisk.write(file, &bytes[..bytes.len() / 2]);
            }
        })?;
        RealDisk.write(file, bytes)
    }

    fn copy_attributes(&self, from: &File, to: &File, access: Access) -> Result<(), Lost> {
        self.step().map_err(|source| Lost { what: "the mode", source })?;
        RealDisk.copy_attributes(from, to, access)
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        self.step()?;
        RealDisk.sync(file)
    }

    fn exchange(&self, a: &Path, b: &Path) -> io::Result<()> {
        self.step()?;
        RealDisk.exchange(a, b)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.step()?;
        RealDisk.rename(from, to)
    }

    fn rename_to_nothing(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.step()?;
        RealDisk.rename_to_nothing(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.step()?;
        RealDisk.remove(path)
    }

    fn make_folder(&self, path: &Path, access: Access) -> io::Result<()> {
        self.step()?;
        RealDisk.make_folder(path, access)
    }

    fn remove_folder(&self, path: &Path) -> io::Result<()> {
        self.step()?;
        RealDisk.remove_folder(path)
    }
}

/// What stands in for a password in the old files.
const SECRET: &str = "Orchid.Meadow.Tundra.898";

struct Bench {
    top: tempfile::TempDir,
    policy: Policy,
    keyring: Keyring,
    now: Timestamp,
}

impl Bench {
    fn new() -> Self {
        let identity = age::x25519::Identity::generate();
        let mut keyring = Keyring::new();
        let text = age::secrecy::ExposeSecret::expose_secret(&identity.to_string()).to_owned();
        keyring.add_text(text.as_bytes(), "test", &NoPlugins).expect("an identity");
        let recipient = Recipient::parse(&identity.to_public().to_string()).expect("a recipient");
        let policy = Policy {
            config: None,
            recipients: Some(Audience { groups: vec![vec![recipient]], ..Audience::default() }),
            ..Policy::default()
        };
        let now = Timestamp::parse_rfc3339("2026-01-02T03:04:05Z").expect("a time");
        let bench = Self { top: tempfile::tempdir().expect("a folder"), policy, keyring, now };
        fs::create_dir(bench.git_dir()).expect("a folder");
        fs::create_dir(bench.path("docs")).expect("a folder");
        fs::write(bench.path("docs/a.md"), format!("The password is {SECRET}.\r\n")).expect("a file");
        fs::write(bench.path("b.env"), format!("\u{feff}A={SECRET}")).expect("a file");
        bench
    }

    fn path(&self, path: &str) -> PathBuf {
        self.top.path().join(path)
    }

    fn git_dir(&self) -> PathBuf {
        self.path(".git")
    }

    fn tools(&self) -> Tools<'_> {
        Tools { policy: &self.policy, keyring: &self.keyring, plugins: &NoPlugins, now: &self.now }
    }

    /// A store in a new folder, then two texts.
    fn changes(&self) -> Vec<Change> {
        let change = |path: &str, after: &str| Change {
            path: path.to_owned(),
            before: fs::read(self.path(path)).ok().map(Zeroizing::new),
            after: Zeroizing::new(after.as_bytes().to_vec()),
            expected: None,
        };
        vec![
            change("secrets/deep/x.enc.yaml", "encrypted: 1\n"),
            change("b.env", "\u{feff}A=changeme"),
            change("docs/a.md", "The password is elsewhere.\r\n"),
        ]
    }

    /// All files outside the git directory, and folders.
    fn files(&self) -> BTreeMap<String, Vec<u8>> {
        fn walk(folder: &Path, top: &Path, found: &mut BTreeMap<String, Vec<u8>>) {
            for entry in fs::read_dir(folder).expect("a folder").flatten() {
                let path = entry.path();
                let name = path.strip_prefix(top).expect("below").to_string_lossy().into_owned();
                if path.is_dir() && name != ".git" {
                    found.insert(format!("{name}/"), Vec::new());
                    walk(&path, top, found);
                } else if path.is_file() {
                    found.insert(name, fs::read(&path).expect("a file"));
                }
            }
        }
        let mut found = BTreeMap::new();
        walk(self.top.path(), self.top.path(), &mut found);
        found
    }

    fn old_and_new() -> (BTreeMap<String, Vec<u8>>, BTreeMap<String, Vec<u8>>) {
        let bench = Self::new();
        let old = bench.files();
        apply(&bench.changes(), bench.top.path(), &bench.git_dir(), bench.tools(), &RealDisk).expect("applies");
        (old, bench.files())
    }

    /// Nothing below the git directory or beside the files shows the secret.
    fn no_secret_lies_about(&self, old: &BTreeMap<String, Vec<u8>>) {
        let shows = |bytes: &[u8]| memchr::memmem::find(bytes, SECRET.as_bytes()).is_some();
        let mut folders = vec![self.top.path().to_path_buf()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).expect("a folder").flatten() {
                let path = entry.path();
                let name = path.strip_prefix(self.top.path()).expect("below").to_string_lossy().into_owned();
                if path.is_dir() {
                    folders.push(path);
                } else if !old.contains_key(&name) {
                    let name_is_draft = name.contains(".sopup-") && !name.starts_with(".git/");
                    assert!(name_is_draft || !shows(&fs::read(&path).expect("a file")), "{name} holds the secret");
                }
            }
        }
    }
}

/// Runs a migration with one fault, brings it to an end, and says how it ended.
fn one(fault: Fault, at: usize, finish: impl Fn(&Bench), old: &BTreeMap<String, Vec<u8>>) -> Option<BTreeMap<String, Vec<u8>>> {
    let bench = Bench::new();
    let disk = FaultyDisk::new(fault, at);
    let result = apply(&bench.changes(), bench.top.path(), &bench.git_dir(), bench.tools(), &disk);
    if !disk.fired() {
        assert!(result.is_ok());
        return None;
    }
    bench.no_secret_lies_about(old);
    finish(&bench);
    Some(bench.files())
}

fn open_journal(bench: &Bench) -> Option<Journal> {
    let all = journal::all(&bench.git_dir(), &RealDisk).expect("readable");
    all.into_iter().find(Journal::is_open)
}

fn finish_by_resuming(bench: &Bench) {
    if let Some(mut journal) = open_journal(bench) {
        resume(&mut journal, bench.top.path(), bench.tools(), &RealDisk).expect("resumes");
    }
}

fn finish_by_undoing(bench: &Bench) {
    if let Some(mut journal) = open_journal(bench) {
        undo(&mut journal, bench.top.path(), bench.tools(), &RealDisk).expect("undoes");
    }
}

#[test]
fn every_fault_ends_in_old_or_new_files() {
    let (old, new) = Bench::old_and_new();
    let mut faults = 0;
    for fault in [Fault::Once, Fault::Always, Fault::Crash] {
        for finish in [finish_by_resuming as fn(&Bench), finish_by_undoing] {
            for at in 0.. {
                let Some(files) = one(fault, at, finish, &old) else { break };
                faults += 1;
                assert!(files == old || files == new, "{fault:?} at {at}: {:?}", files.keys());
            }
        }
    }
    assert!(faults >= 300, "{faults} faults only");
}

#[test]
fn every_fault_in_an_undo_can_be_finished() {
    let (old, _) = Bench::old_and_new();
    let mut faults = 0;
    for fault in [Fault::Once, Fault::Always, Fault::Crash] {
        for at in 0.. {
            let bench = Bench::new();
            let mut journal = apply(&bench.changes(), bench.top.path(), &bench.git_dir(), bench.tools(), &RealDisk).expect("applies");
            let disk = FaultyDisk::new(fault, at);
            let result = undo(&mut journal, bench.top.path(), bench.tools(), &disk);
            if !disk.fired() {
                assert!(result.is_ok());
                break;
            }
            faults += 1;
            let mut journal = journal::all(&bench.git_dir(), &RealDisk).expect("readable").pop().expect("the journal");
            undo(&mut journal, bench.top.path(), bench.tools(), &RealDisk).expect("undoes");
            assert_eq!(bench.files().keys().collect::<Vec<_>>(), old.keys().collect::<Vec<_>>(), "{fault:?} at {at}");
            assert!(bench.files() == old, "{fault:?} at {at}");
        }
    }
    assert!(faults >= 100, "{faults} faults only");
}

#[test]
fn a_resume_that_breaks_can_be_resumed() {
    let (old, new) = Bench::old_and_new();
    let mut faults = 0;
    for first in [20, 26, 32, 38, 44, 50] {
        for second in 0.. {
            let bench = Bench::new();
            let _ = apply(&bench.changes(), bench.top.path(), &bench.git_dir(), bench.tools(), &FaultyDisk::new(Fault::Crash, first));
            let Some(mut journal) = open_journal(&bench) else { break };
            let disk = FaultyDisk::new(Fault::Crash, second);
            let _ = resume(&mut journal, bench.top.path(), bench.tools(), &disk);
            let fired = disk.fired();
            finish_by_resuming(&bench);
            let files = bench.files();
            assert!(files == new || files == old, "{first} then {second}: {:?}", files.keys());
            if !fired {
                break;
            }
            faults += 1;
        }
    }
    assert!(faults >= 150, "{faults} faults only");
}

#[test]
fn somebody_elses_work_is_left_alone() {
    let bench = Bench::new();
    let mut journal = apply(&bench.changes(), bench.top.path(), &bench.git_dir(), bench.tools(), &RealDisk).expect("applies");
    fs::write(bench.path("docs/a.md"), "my own work\n").expect("writes");
    let before = bench.files();
    let error = undo(&mut journal, bench.top.path(), bench.tools(), &RealDisk).expect_err("refuses");
    assert!(error.to_string().contains("docs/a.md"), "{error}");
    assert!(bench.files() == before);
}

#[test]
fn files_that_changed_since_the_plan_are_not_touched() {
    let bench = Bench::new();
    let changes = bench.changes();
    fs::write(bench.path("b.env"), "A=other\n").expect("writes");
    let before = bench.files();
    assert!(apply(&changes, bench.top.path(), &bench.git_dir(), bench.tools(), &RealDisk).is_err());
    assert!(bench.files() == before);
    assert!(open_journal(&bench).is_none());
}
