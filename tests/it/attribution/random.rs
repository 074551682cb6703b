//! Random small histories: what comes out is what was put in.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::process::{Command, Stdio};

use proptest::prelude::*;
use sopup::source::history::{Wanted, entry_names};
use sopup::source::object::{HashKind, Limits, ObjectId, ObjectKind, ObjectStore};

use super::oracle::{Commit, Commits, check};
use crate::support::{Place, isolated};

/// Folders and names that make paths; a folder is in most trees, so that trees are deltas.
const PATHS: &[&str] = &["a", "z", "d/a", "d/b", "d/e/a", "f/a", "f/e/a", "f/e/b", "x/y/z/a", "x/y/z/d", "long/er/name.txt"];

#[derive(Debug, Clone)]
struct Made {
    /// How far back each parent is.
    parents: Vec<usize>,
    time: i64,
    changes: Vec<Change>,
}

#[derive(Debug, Clone)]
enum Change {
    /// A path gets a text of this number.
    Put(usize, usize),
    Remove(usize),
    /// A path becomes what a parent has there.
    Take(usize, usize),
    /// Everything below a folder moves to another one.
    Move(usize, usize),
}

fn change() -> impl Strategy<Value = Change> {
    let path = 0..PATHS.len();
    prop_oneof![
        4 => (path.clone(), 0..6_usize).prop_map(|(path, text)| Change::Put(path, text)),
        2 => path.clone().prop_map(Change::Remove),
        1 => (0..3_usize, path).prop_map(|(parent, path)| Change::Take(parent, path)),
        1 => (0..4_usize, 0..4_usize).prop_map(|(from, to)| Change::Move(from, to)),
    ]
}

fn made() -> impl Strategy<Value = Made> {
    let parents = prop_oneof![1 => Just(vec![]), 6 => Just(vec![1]), 6 => prop::collection::vec(1..6_usize, 1..4)];
    (parents, 0..12_i64, prop::collection::vec(change(), 0..4)).prop_map(|(parents, time, changes)| Made { parents, time, changes })
}

/// Paths and the numbers of their texts.
type Files = BTreeMap<String, usize>;

fn changed(files: &mut Files, change: &Change, parents: &[Files]) {
    const FOLDERS: [&str; 4] = ["d/", "f/", "x/y/", "moved/here/"];
    match *change {
        Change::Put(path, text) => _ = files.insert(PATHS[path].to_owned(), text),
        Change::Remove(path) => _ = files.remove(PATHS[path]),
        Change::Take(parent, path) => {
            if let Some(&text) = parents.get(parent).and_then(|parent| parent.get(PATHS[path])) {
                files.insert(PATHS[path].to_owned(), text);
            }
        }
        Change::Move(from, to) => {
            let moved: Vec<(String, usize)> =
                files.iter().filter_map(|(path, text)| Some((path.strip_prefix(FOLDERS[from])?.to_owned(), *text))).collect();
            files.retain(|path, _| !path.starts_with(FOLDERS[from]));
            files.extend(moved.into_iter().map(|(rest, text)| (format!("{}{rest}", FOLDERS[to]), text)));
        }
    }
}

fn text(number: usize) -> String {
    format!("text {number}\n")
}

fn blob(hash: HashKind, number: usize) -> ObjectId {
    hash.id_of(ObjectKind::Blob, text(number).as_bytes())
}

/// The contents of all commits, with files that never change around them.
fn contents(history: &[Made]) -> Vec<(Vec<usize>, Files)> {
    let mut all: Vec<(Vec<usize>, Files)> = Vec::new();
    for (number, made) in history.iter().enumerate() {
        let parents: BTreeSet<usize> = made.parents.iter().filter_map(|back| number.checked_sub(*back)).collect();
        let theirs: Vec<Files> = parents.iter().map(|&parent| all[parent].1.clone()).collect();
        let mut files = theirs.first().cloned().unwrap_or_default();
        for folder in ["", "d/", "x/y/"] {
            files.extend((0..12).map(|number| (format!("{folder}filler{number}"), 100)));
        }
        made.changes.iter().for_each(|change| changed(&mut files, change, &theirs));
        all.push((parents.into_iter().collect(), files));
    }
    all
}

/// Everything as a stream for `git fast-import`.
fn stream(history: &[Made], contents: &[(Vec<usize>, Files)]) -> String {
    let mut stream = String::new();
    for (number, (made, (parents, files))) in history.iter().zip(contents).enumerate() {
        let (mark, time, message) = (number + 1, 1_700_000_000 + made.time, format!("{number}\n"));
        let _ = write!(stream, "commit refs/heads/c{number}\nmark :{mark}\ncommitter A <a@corp.net> {time} +0000\n");
        let _ = write!(stream, "data {}\n{message}", message.len());
        for (place, parent) in parents.iter().enumerate() {
            let _ = writeln!(stream, "{} :{}", if place == 0 { "from" } else { "merge" }, parent + 1);
        }
        stream.push_str("deleteall\n");
        for (path, content) in files {
            let content = text(*content);
            let _ = write!(stream, "M 100644 inline {path}\ndata {}\n{content}", content.len());
        }
    }
    stream
}

fn git(place: &Place, args: &[&str], input: &str) {
    let mut git = Command::new("git");
    isolated(git.args(args)).current_dir(place.path()).stdin(Stdio::piped());
    let mut child = git.spawn().expect("git runs");
    std::io::Write::write_all(&mut child.stdin.take().expect("piped"), input.as_bytes()).expect("git reads");
    assert!(child.wait().expect("git ends").success(), "git {args:?}");
}

/// All that is in a commit: files and the folders they are in. A folder's object does not matter
/// here, for only its name is looked for.
fn everything(hash: HashKind, files: &Files) -> BTreeSet<(String, ObjectId)> {
    let folder = hash.id_of(ObjectKind::Tree, b"any");
    let folders = files.keys().flat_map(|path| path.match_indices('/').map(|(end, _)| (path[..end].to_owned(), folder)));
    files.iter().map(|(path, text)| (path.clone(), blob(hash, *text))).chain(folders).collect()
}

fn same_as_put_in(history: &[Made], hash: HashKind, some: u8) {
    let place = Place::new();
    let format = if hash == HashKind::Sha1 { "--object-format=sha1" } else { "--object-format=sha256" };
    git(&place, &["init", "--quiet", "--bare", format], "");
    let contents = contents(history);
    let import = ["-c", "fastimport.unpackLimit=0", "fast-import", "--quiet", "--export-marks=marks"];
    git(&place, &import, &stream(history, &contents));
    let marks = std::fs::read_to_string(place.join("marks")).expect("marks");
    let id_of_mark = |line: &str| -> Option<(usize, ObjectId)> {
        let (mark, id) = line.strip_prefix(':')?.split_once(' ')?;
        Some((mark.parse().ok()?, ObjectId::from_hex(id.as_bytes())?))
    };
    let ids: BTreeMap<usize, ObjectId> = marks.lines().map(|line| id_of_mark(line).expect("a mark and an id")).collect();
    let commit = |(number, (made, (parents, files))): (usize, (&Made, &(Vec<usize>, Files)))| {
        let parents = parents.iter().map(|parent| ids[&(parent + 1)]).collect();
        (ids[&(number + 1)], Commit { parents, time: 1_700_000_000 + made.time, content: everything(hash, files) })
    };
    let commits: Commits = history.iter().zip(&contents).enumerate().map(commit).collect();
    let picked = |number: &usize| some >> number & 1 == 1;
    let blobs = (0..6).filter(picked).map(|number| blob(hash, number)).collect();
    let names = ["a", "e", "d", "here"].iter().enumerate().filter(|(number, _)| some >> number & 1 == 0);
    let wanted = Wanted { blobs, names: names.map(|(_, name)| name.as_bytes().into()).collect() };
    let head = ids.values().last().copied();
    let objects = place.join("objects");
    let imported = check(&objects, hash, &commits, head, &wanted);
    git(&place, &["repack", "-a", "-d", "-f", "--quiet", "--depth=30"], "");
    assert_eq!(check(&objects, hash, &commits, head, &wanted), imported);

    let all: BTreeSet<(String, ObjectId)> = commits.values().flat_map(|commit| commit.content.iter().cloned()).collect();
    let store = ObjectStore::open(&objects, hash, Limits::default()).expect("opens");
    let names = entry_names(&store, |name| if name == b"a" { 1 } else { 2 });
    let expected: BTreeSet<&[u8]> = all.iter().map(|(path, _)| path.rsplit('/').next().unwrap_or(path).as_bytes()).collect();
    assert_eq!(names.names.iter().map(AsRef::as_ref).collect::<BTreeSet<&[u8]>>(), expected);
    for (id, marks) in &names.marks {
        let paths = all.iter().filter(|(_, other)| other == id);
        let expected = paths.fold(0, |marks, (path, _)| marks | if path.rsplit('/').next() == Some("a") { 1 } else { 2 });
        assert_eq!(*marks, expected, "{id}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(40) })]

    #[test]
    fn a_random_history_is_told_as_it_was_made(history in prop::collection::vec(made(), 1..14), some in any::<u8>(), sha256 in any::<bool>()) {
        same_as_put_in(&history, if sha256 { HashKind::Sha256 } else { HashKind::Sha1 }, some);
    }
}
