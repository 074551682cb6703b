//! Everything that people and git do to histories.

use std::collections::BTreeSet;
use std::process::{Command, Stdio};

use sopup::source::history::{CommitGraph, Wanted};
use sopup::source::object::{HashKind, Limits, ObjectId, ObjectStore};

use super::oracle::{Commit, Commits, check};
use crate::support::{Place, isolated};

/// A repository in which every commit has a time of its own.
struct History {
    place: Place,
    hash: HashKind,
    clock: i64,
}

impl History {
    fn new(hash: HashKind) -> Self {
        let place = Place::new();
        let format = if hash == HashKind::Sha1 { "--object-format=sha1" } else { "--object-format=sha256" };
        place.git(["init", "--quiet", "--initial-branch=main", format]);
        place.git(["config", "gc.auto", "0"]);
        Self { place, hash, clock: 1_700_000_000 }
    }

    fn git(&mut self, args: &[&str]) -> String {
        self.git_with(args, "")
    }

    /// Runs git a minute later than before.
    fn git_with(&mut self, args: &[&str], input: &str) -> String {
        self.clock += 60;
        let date = format!("{} +0130", self.clock);
        let mut git = Command::new("git");
        isolated(git.args(args)).env("GIT_AUTHOR_DATE", &date).env("GIT_COMMITTER_DATE", &date);
        git.current_dir(self.place.path()).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = git.spawn().expect("git runs");
        std::io::Write::write_all(&mut child.stdin.take().expect("piped"), input.as_bytes()).expect("git reads");
        let output = child.wait_with_output().expect("git ends");
        assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("UTF-8").trim_end().to_owned()
    }

    fn commit(&mut self, files: &[(&str, &str)]) -> &mut Self {
        for (path, text) in files {
            self.place.write(path, text);
        }
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "-m", "work"]);
        self
    }

    /// What git says of all commits it has, reachable or not.
    fn commits(&mut self) -> Commits {
        let listed = self.git(&["cat-file", "--batch-all-objects", "--batch-check=%(objecttype) %(objectname)"]);
        let ids: String = listed.lines().filter_map(|line| line.strip_prefix("commit ")).map(|id| format!("{id}\n")).collect();
        let log = self.git_with(&["log", "--no-walk=unsorted", "--stdin", "--format=%H %ct %P"], &ids);
        let mut commits = Commits::new();
        for line in log.lines() {
            let mut words = line.split_whitespace();
            let id = words.next().expect("an id");
            let time = words.next().expect("a time").parse().expect("a number");
            let parents = words.map(self::id).collect();
            let tree = self.git(&["ls-tree", "-r", "-t", "-z", "--full-tree", "--format=%(objectname) %(path)", id]);
            let entry = |line: &str| line.split_once(' ').map(|(object, path)| (path.to_owned(), self::id(object))).expect("two words");
            let content = tree.split('\0').filter(|line| !line.is_empty()).map(entry).collect();
            commits.insert(self::id(id), Commit { parents, time, content });
        }
        commits
    }

    /// Every blob, and every name, stored anywhere.
    fn everything(&mut self, commits: &Commits) -> Wanted {
        let listed = self.git(&["cat-file", "--batch-all-objects", "--batch-check=%(objecttype) %(objectname)"]);
        let blobs = listed.lines().filter_map(|line| line.strip_prefix("blob ")).map(id).collect();
        let paths = commits.values().flat_map(|commit| &commit.content).map(|(path, _)| path.as_str());
        let names: BTreeSet<&str> = paths.map(|path| path.rsplit('/').next().unwrap_or(path)).collect();
        Wanted { blobs, names: names.into_iter().map(|name| name.as_bytes().into()).collect() }
    }

    /// Checks everything, and each thing alone, however it is stored.
    #[track_caller]
    fn check(&mut self) {
        let commits = self.commits();
        let head = Some(id(&self.git(&["rev-parse", "HEAD"])));
        let wanted = self.everything(&commits);
        let objects = self.place.join(".git/objects");
        let found = check(&objects, self.hash, &commits, head, &wanted);
        assert!(!found.truncated);
        self.git(&["repack", "--quiet", "-d", "-f", "-k", "-a", "--depth=50"]);
        let packed = check(&objects, self.hash, &commits, head, &wanted);
        assert!(packed == found, "packed or loose makes no difference");
        for (blob, places) in wanted.blobs.iter().zip(&found.blobs).step_by(3) {
            let alone = check(&objects, self.hash, &commits, head, &Wanted { blobs: vec![*blob], names: Vec::new() });
            assert_eq!(alone.blobs, std::slice::from_ref(places));
        }
        self.check_refs(&commits);
    }

    /// Checks which refs reach each commit.
    fn check_refs(&mut self, commits: &Commits) {
        let store = ObjectStore::open(&self.place.join(".git/objects"), self.hash, Limits::default()).expect("opens");
        let graph = CommitGraph::read(&store);
        let listed = self.git(&["for-each-ref", "--format=%(refname) %(objectname) %(*objectname)"]);
        let refs: Vec<(&str, u32)> = listed
            .lines()
            .filter_map(|line| {
                let mut words = line.split_whitespace();
                let name = words.next()?;
                words.find_map(|object| graph.number(&id(object))).map(|commit| (name, commit))
            })
            .collect();
        let ids: Vec<&ObjectId> = commits.keys().collect();
        let sets: Vec<Vec<u32>> = ids.iter().map(|id| graph.number(id).into_iter().collect()).collect();
        let tips: Vec<u32> = refs.iter().map(|(_, tip)| *tip).collect();
        for (id, reached) in ids.iter().zip(graph.reached(&sets, &tips)) {
            let names: BTreeSet<&str> = reached.into_iter().map(|place| refs[place].0).collect();
            let contains = self.git(&["for-each-ref", "--format=%(refname)", "--contains", &id.to_string()]);
            assert_eq!(names, contains.lines().collect(), "{id}");
        }
    }
}

fn id(hex: &str) -> ObjectId {
    ObjectId::from_hex(hex.as_bytes()).expect("an id")
}

/// Enough files that git stores trees as deltas.
fn filler(history: &mut History) {
    for folder in ["", "lib/", "lib/deep/"] {
        for number in 0..30 {
            history.place.write(&format!("{folder}file{number}.txt"), format!("{folder} {number}\n"));
        }
    }
    history.commit(&[]);
}

fn both() -> [HashKind; 2] {
    [HashKind::Sha1, HashKind::Sha256]
}

#[test]
fn renames_deletes_and_returns() {
    for hash in both() {
        let mut history = History::new(hash);
        filler(&mut history);
        history.commit(&[("a.env", "one\n"), ("lib/b.env", "one\n"), ("lib/deep/c.env", "three\n")]);
        history.git(&["mv", "a.env", "lib/deep/moved.env"]);
        history.commit(&[("lib/deep/c.env", "four\n")]);
        history.git(&["rm", "--quiet", "lib/b.env", "lib/deep/moved.env"]);
        history.commit(&[("lib/deep/c.env", "three\n")]);
        history.commit(&[("lib/b.env", "one\n"), ("a.env/now/a/folder", "one\n")]);
        history.git(&["mv", "lib", "library"]);
        history.commit(&[]);
        history.git(&["rm", "-r", "--quiet", "."]);
        history.commit(&[]);
        history.commit(&[("a.env", "one\n")]);
        history.check();
    }
}

#[test]
fn merges_of_every_sort() {
    for hash in both() {
        let mut history = History::new(hash);
        filler(&mut history);
        history.commit(&[("main.env", "one\n")]);
        for side in ["a", "b", "c"] {
            history.git(&["checkout", "--quiet", "-b", side, "main"]);
            history.commit(&[(&format!("lib/{side}.env"), side), ("lib/deep/shared.env", "the same on all sides\n")]);
        }
        history.git(&["checkout", "--quiet", "main"]);
        history.git(&["merge", "--quiet", "--no-ff", "a"]);
        // An evil merge: what no parent has, and one side's file lost.
        history.git(&["merge", "--quiet", "--no-ff", "--no-commit", "b"]);
        history.git(&["rm", "--quiet", "--cached", "lib/b.env"]);
        history.place.write("evil.env", "evil\n");
        history.git(&["add", "evil.env"]);
        history.git(&["commit", "--quiet", "-m", "evil"]);
        std::fs::remove_file(history.place.join("lib/b.env")).expect("it is there");
        // An octopus, and merges that take one side whole.
        history.git(&["checkout", "--quiet", "-b", "octopus", "a"]);
        history.git(&["merge", "--quiet", "-m", "octopus", "b", "c"]);
        history.git(&["merge", "--quiet", "-s", "ours", "-m", "ours", "main"]);
        let theirs = history.git(&["commit-tree", "main^{tree}", "-p", "octopus", "-p", "main", "-p", "c", "-m", "theirs"]);
        history.git(&["branch", "theirs", &theirs]);
        history.git(&["revert", "--no-edit", "-m", "1", "octopus~1"]);
        history.check();
    }
}

#[test]
fn what_no_branch_has() {
    for hash in both() {
        let mut history = History::new(hash);
        filler(&mut history);
        history.commit(&[("kept.env", "one\n")]);
        history.commit(&[("lib/reset.env", "reset\n")]);
        history.git(&["reset", "--quiet", "--hard", "HEAD~1"]);
        history.git(&["notes", "add", "-m", "a note"]);
        history.place.write("untracked.env", "stashed\n").write("kept.env", "stashed too\n");
        history.git(&["stash", "--quiet", "--include-untracked"]);
        history.git(&["checkout", "--quiet", "--orphan", "other"]);
        history.commit(&[("lib/orphan.env", "orphan\n")]);
        history.git(&["tag", "--annotate", "v1", "-m", "a tag", "main"]);
        history.check();
    }
}

#[test]
fn folders_shared_between_paths() {
    let mut history = History::new(HashKind::Sha1);
    filler(&mut history);
    let shared = [("one/x/y/s.env", "s\n"), ("two/x/y/s.env", "s\n"), ("two/z/y/s.env", "s\n"), ("s.env", "s\n")];
    history.commit(&shared);
    history.git(&["rm", "--quiet", "two/x/y/s.env"]);
    history.commit(&[]);
    history.commit(&[("one/x/y/s.env", "t\n"), ("two/x/y/s.env", "s\n")]);
    history.git(&["mv", "one", "three"]);
    history.commit(&[("one/x/y/s.env", "t\n")]);
    history.check();
}

#[test]
fn clocks_that_go_backwards() {
    let mut history = History::new(HashKind::Sha1);
    filler(&mut history);
    for round in 0..6 {
        history.clock -= 400;
        history.commit(&[("a.env", if round % 2 == 0 { "even\n" } else { "odd\n" }), (&format!("lib/{round}.env"), "same\n")]);
        history.git(&["checkout", "--quiet", "-b", &format!("side{round}"), "HEAD~1"]);
        history.commit(&[("lib/side.env", "same\n")]);
        history.git(&["checkout", "--quiet", "main"]);
    }
    history.git(&["merge", "--quiet", "-m", "merge", "side2"]);
    history.check();
}

#[test]
fn a_long_history_whose_trees_are_deltas() {
    let mut history = History::new(HashKind::Sha1);
    filler(&mut history);
    for round in 0..60_usize {
        let folder = ["", "lib/", "lib/deep/"][round % 3];
        let path = format!("{folder}file{}.txt", round * 7 % 30);
        let new = format!("{folder}new{round}/x.txt");
        history.commit(&[(&path, &format!("{}\n", round % 11)), (&new, &format!("{}\n", round % 5))]);
        if round % 4 == 3 {
            history.git(&["rm", "--quiet", "-r", &format!("{folder}new{round}")]);
        }
    }
    history.check();
    let stored = history.git(&["cat-file", "--batch-all-objects", "--batch-check=%(objecttype) %(deltabase)"]);
    let whole = format!("tree {}", "0".repeat(40));
    let deltas = stored.lines().filter(|line| line.starts_with("tree") && **line != whole).count();
    assert!(deltas > 60, "{deltas} trees are deltas");
}

#[test]
fn outside_of_commits() {
    let mut history = History::new(HashKind::Sha1);
    history.commit(&[("a/known.env", "known\n")]);
    let known = id(&history.git(&["rev-parse", "HEAD:a/known.env"]));
    let bare = history.git_with(&["hash-object", "-w", "--stdin"], "bare\n");
    history.git(&["tag", "blob", &bare]);
    let lost = history.git_with(&["hash-object", "-w", "--stdin"], "lost\n");
    let inner = history.git_with(&["mktree"], &format!("100644 blob {lost}\tlost.env\n100644 blob {known}\tother.env\n"));
    let outer = history.git_with(&["mktree"], &format!("040000 tree {inner}\tfolder\n160000 commit {}\tmodule\n", "1".repeat(40)));
    history.git(&["tag", "tree", &outer]);
    let commits = history.commits();
    let wanted = Wanted { blobs: vec![id(&bare), id(&lost), known, id(&"2".repeat(40))], names: vec![b"module"[..].into()] };
    let found = check(&history.place.join(".git/objects"), HashKind::Sha1, &commits, None, &wanted);
    let paths = |places: &[sopup::source::history::Place]| -> Vec<(String, bool)> {
        places.iter().map(|place| (String::from_utf8_lossy(&place.path).into_owned(), place.last.is_some())).collect()
    };
    assert_eq!(paths(&found.blobs[0]), []);
    assert_eq!(paths(&found.blobs[1]), [("folder/lost.env".to_owned(), false)]);
    assert_eq!(paths(&found.blobs[2]), [("a/known.env".to_owned(), true)]);
    assert_eq!(paths(&found.blobs[3]), []);
    assert_eq!(paths(&found.names[0]), [("module".to_owned(), false)]);
}

#[test]
fn commits_and_trees_that_are_missing() {
    let mut history = History::new(HashKind::Sha1);
    filler(&mut history);
    history.commit(&[("a/b/c.env", "one\n"), ("d.env", "two\n")]);
    history.commit(&[("a/b/more.env", "three\n")]);
    history.commit(&[("a/b/c.env", "four\n")]);
    let clone = Place::new();
    let url = format!("file://{}", history.place.path().display());
    clone.git(["clone", "--quiet", "--depth=2", &url, "."]);
    let mut shallow = History { place: clone, hash: HashKind::Sha1, clock: 0 };
    shallow.check();

    let tree = history.git(&["rev-parse", "HEAD~1:a/b"]);
    let (blob, other) = (history.git(&["rev-parse", "HEAD:d.env"]), history.git(&["rev-parse", "HEAD~1:a/b/more.env"]));
    let mut commits = history.commits();
    // What leads through the missing tree is not known; the rest is.
    let middle = id(&history.git(&["rev-parse", "HEAD~1"]));
    commits.get_mut(&middle).expect("it is there").content.retain(|(path, _)| !path.starts_with("a/b/"));
    std::fs::remove_file(history.place.join(&format!(".git/objects/{}/{}", &tree[..2], &tree[2..]))).expect("it is loose");
    let wanted = Wanted { blobs: vec![id(&blob), id(&other)], names: vec![b"c.env"[..].into()] };
    check(&history.place.join(".git/objects"), HashKind::Sha1, &commits, None, &wanted);
}
