//! Planting secrets in a repository, and looking with the real `git` whether they are there.

use std::collections::{HashMap, HashSet};
use std::io::Write as _;
use std::process::{Command, Stdio};

use crate::support::{Place, isolated};

/// A repository that hides secrets.
pub(super) struct Hidden {
    pub(super) place: Place,
    pub(super) planted: Vec<Planted>,
}

/// A secret in a place of its own.
pub(super) struct Planted {
    /// Where it is, in words.
    pub(super) name: &'static str,
    /// The secret as a report gives it.
    pub(super) value: String,
    /// The name of a file that would be found out if it held `bytes`.
    pub(super) file: String,
    /// What is stored there: all of a blob, part of anything else.
    pub(super) bytes: Vec<u8>,
    pub(super) at: Where,
}

/// Where git keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Where {
    /// In an object of this id.
    Object(String, Reach),
    /// In a file, relative to the top of the working tree.
    File(String),
    /// In the name of a ref that is a file.
    LooseRef(String),
    /// In the name of a ref in `packed-refs`.
    PackedRef(String),
}

/// What leads to an object; the first that does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    Head,
    /// Any ref, or the HEAD of a linked working tree.
    Refs,
    /// A reflog.
    Reflog,
    /// An index.
    Index,
    Nothing,
}

impl Hidden {
    pub(super) fn new(format: &str) -> Self {
        let place = Place::new();
        place.git(["init", "--quiet", "--initial-branch=main", &format!("--object-format={format}")]);
        place.git(["config", "gc.auto", "0"]);
        place.git(["config", "maintenance.auto", "false"]);
        Self { place, planted: Vec::new() }
    }

    /// A password that is nowhere else, found where something calls it one.
    pub(super) fn password(&self) -> String {
        const WORDS: [&str; 8] = ["Walrus", "Timber", "Quartz", "Falcon", "Bramble", "Cobalt", "Juniper", "Lantern"];
        let number = self.planted.len();
        format!("{}{}{}!{:02}", WORDS[number % 8], 31 + number, WORDS[(number / 8 + 3) % 8], (number * 37 + 11) % 100)
    }

    /// An access token that is nowhere else, found wherever it is.
    pub(super) fn token(&self) -> String {
        const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
        let mut state = 0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(self.planted.len() as u64 + 3);
        let digit = |_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            char::from(DIGITS[(state >> 40) as usize % 62])
        };
        format!("glpat-{}", (0..20).map(digit).collect::<String>())
    }

    pub(super) fn plant(&mut self, name: &'static str, value: &str, file: &str, bytes: impl AsRef<[u8]>, at: Where) {
        self.planted.push(Planted { name, value: value.to_owned(), file: file.to_owned(), bytes: bytes.as_ref().to_vec(), at });
    }

    /// Runs git and gives the first line that it prints.
    pub(super) fn git(&self, args: &[&str]) -> String {
        self.git_with(&[], args, b"")
    }

    pub(super) fn git_with(&self, variables: &[(&str, &str)], args: &[&str], input: &[u8]) -> String {
        let output = run(&self.place, variables, args, input);
        String::from_utf8(output).expect("UTF-8").trim_end().to_owned()
    }

    /// Commits everything and gives the id of the commit.
    pub(super) fn commit(&self, message: &str) -> String {
        self.git(&["add", "--all", "--force"]);
        self.git(&["commit", "--quiet", "--allow-empty", "--message", message]);
        self.git(&["rev-parse", "HEAD"])
    }

    /// Commits a file with a secret and removes it again, unless it is to stay.
    pub(super) fn in_file(&mut self, name: &'static str, path: &str, value: &str, bytes: impl AsRef<[u8]>) {
        self.place.write(path, &bytes);
        self.commit("add a file");
        let id = self.git(&["rev-parse", &format!("HEAD:{path}")]);
        self.git(&["rm", "--quiet", path]);
        self.commit("remove it");
        self.plant(name, value, path, bytes, Where::Object(id, Reach::Head));
    }

    /// A secret in a file, in the usual form.
    pub(super) fn in_yaml(&mut self, name: &'static str, path: &str) {
        let value = self.password();
        self.in_file(name, path, &value, line(&value));
    }

    /// Writes an object that nothing leads to.
    pub(super) fn object(&self, kind: &str, content: impl AsRef<[u8]>) -> String {
        self.git_with(&[], &["hash-object", "-w", "-t", kind, "--stdin"], content.as_ref())
    }

    /// Checks that every secret is where it should be.
    pub(super) fn assert_in_place(&self) {
        let reaches = self.reaches();
        for one in &self.planted {
            match &one.at {
                Where::Object(id, reach) => {
                    let kind = self.git_with(PLAIN, &["cat-file", "-t", id], b"");
                    let content = run(&self.place, PLAIN, &["cat-file", &kind, id], b"");
                    assert!(kind != "blob" || content == one.bytes, "{}: the content of {id}", one.name);
                    assert!(contains(&content, &one.bytes), "{}: part of {id}", one.name);
                    assert_eq!(reaches.get(id.as_str()).copied().unwrap_or(Reach::Nothing), *reach, "{}: {kind} {id}", one.name);
                }
                Where::File(path) => {
                    let file = self.place.join(path);
                    let content = std::fs::read(&file).unwrap_or_else(|error| panic!("{}: {path}: {error}", one.name));
                    assert!(contains(&content, &one.bytes), "{}: {path}", one.name);
                }
                Where::LooseRef(name) => assert!(self.place.join(".git").join(name).is_file(), "{}", one.name),
                Where::PackedRef(name) => {
                    assert!(!self.place.join(".git").join(name).exists(), "{}", one.name);
                    assert_eq!(self.git(&["rev-parse", name]).len(), self.git(&["rev-parse", "HEAD"]).len(), "{}", one.name);
                }
            }
        }
    }

    /// A clone made with these options, bare if they say so.
    pub(super) fn clone_with(&self, options: &[&str]) -> Place {
        self.git(&["config", "uploadpack.allowFilter", "true"]);
        let clone = Place::new();
        let url = format!("file://{}", self.place.path().display());
        // A graft makes git send less than it promises.
        let grafts = ["info/grafts", "grafts-aside"].map(|name| self.place.join(".git").join(name));
        std::fs::rename(&grafts[0], &grafts[1]).expect("there are grafts");
        run(&clone, &[], &[&["clone", "--quiet", "--no-checkout"], options, &[&url, "."]].concat(), b"");
        std::fs::rename(&grafts[1], &grafts[0]).expect("they were put aside");
        clone
    }

    /// Which secrets are in objects that a clone has.
    pub(super) fn in_objects_of(&self, clone: &Place) -> Vec<&Planted> {
        let listed = run(clone, PLAIN, &["cat-file", "--batch-all-objects", "--batch-check=%(objectname)"], b"");
        let listed: HashSet<_> = String::from_utf8_lossy(&listed).lines().map(str::to_owned).collect();
        self.planted.iter().filter(|one| matches!(&one.at, Where::Object(id, _) if listed.contains(id))).collect()
    }

    /// What leads to which object.
    fn reaches(&self) -> HashMap<String, Reach> {
        let mut reaches = HashMap::new();
        for (from, reach) in
            [("HEAD", Reach::Head), ("--all", Reach::Refs), ("--reflog", Reach::Reflog), ("--indexed-objects", Reach::Index)]
        {
            let listed = run(&self.place, PLAIN, &["rev-list", "--objects", from], b"");
            for line in String::from_utf8_lossy(&listed).lines() {
                reaches.entry(line.split(' ').next().expect("an id").to_owned()).or_insert(reach);
            }
        }
        reaches
    }
}

/// Git without grafts and replace refs.
const PLAIN: &[(&str, &str)] = &[("GIT_NO_REPLACE_OBJECTS", "1"), ("GIT_GRAFT_FILE", "/dev/null")];

/// A secret in its usual form.
pub(super) fn line(value: &str) -> String {
    format!("db_password: \"{value}\"\n")
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    memchr::memmem::find(text, part).is_some()
}

fn run(place: &Place, variables: &[(&str, &str)], args: &[&str], input: &[u8]) -> Vec<u8> {
    let mut child = isolated(Command::new("git").args(args))
        .envs(variables.iter().copied())
        .current_dir(place.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("git runs");
    // Git may end before it has read everything.
    let _ = child.stdin.take().expect("it is piped").write_all(input);
    let output = child.wait_with_output().expect("git ends");
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}
