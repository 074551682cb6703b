//! The versions of texts in real packs, of which only what is new is searched: the outcome must be that of searching
//! each of them whole. `SOPUP_TEST_REPOSITORY` names a further git directory to be looked at.

use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use sopup::detect::{Hints, Trace};
use sopup::rule::{RuleSet, builtin};
use sopup::source::object::{HashKind, Limits, ObjectInfo, ObjectKind, ObjectStore, Skip, Visitor};
use sopup::source::pack::Delta;
use sopup::text::{Encoding, decode};

use crate::support::Place;

/// Searches every blob both ways.
struct Both {
    rules: RuleSet,
    hints: Hints,
    deltas: AtomicUsize,
    with_matches: AtomicUsize,
    wrong: Mutex<Vec<String>>,
}

impl Visitor for Both {
    type Node = Option<Trace>;
    type Worker = ();

    fn worker(&self) {}

    fn finish(&self, (): ()) {}

    fn wants(&self, kind: ObjectKind) -> bool {
        kind == ObjectKind::Blob
    }

    fn whole(&self, (): &mut (), _: &ObjectInfo<'_>, bytes: &[u8]) -> Self::Node {
        (decode(bytes).encoding == Encoding::Bytes).then(|| Trace::read(bytes, self.hints.and_bytes(bytes), &self.rules))
    }

    fn delta(&self, worker: &mut (), object: &ObjectInfo<'_>, delta: &Delta<'_>, base: &Self::Node) -> Self::Node {
        let bytes = delta.bytes();
        let whole = self.whole(worker, object, bytes)?;
        let Some(base) = base else { return Some(whole) };
        let trace = Trace::reread(bytes, self.hints.and_bytes(bytes), &self.rules, base, &delta.copied());
        let (some, all) = (trace.matches(bytes, &self.rules), whole.matches(bytes, &self.rules));
        self.deltas.fetch_add(1, Ordering::Relaxed);
        self.with_matches.fetch_add(usize::from(!all.is_empty()), Ordering::Relaxed);
        if some != all {
            let told = format!("{}: {some:?} instead of {all:?}", object.id);
            self.wrong.lock().expect("no panic").push(told);
        }
        // What follows builds on what was inherited, as in a scan.
        Some(trace)
    }

    fn skipped(&self, skip: Skip) {
        panic!("{skip:?}");
    }
}

/// Compares all deltas of a repository, read as a kind of text; gives how many there were and how many had matches.
fn compared(objects: &Path, hints: Hints) -> (usize, usize) {
    let store = ObjectStore::open(objects, HashKind::Sha1, Limits::default()).expect("a repository");
    let both = Both { rules: builtin(), hints, deltas: AtomicUsize::new(0), with_matches: AtomicUsize::new(0), wrong: Mutex::default() };
    store.visit(&both);
    let wrong = both.wrong.into_inner().expect("no panic");
    assert!(wrong.is_empty(), "{} of {}: {}", wrong.len(), both.deltas.into_inner(), wrong[0]);
    (both.deltas.into_inner(), both.with_matches.into_inner())
}

/// The texts of the detection fixtures, without their marks.
fn texts() -> Vec<Vec<String>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/detect");
    let mut paths: Vec<_> = fs::read_dir(folder).expect("fixtures").map(|entry| entry.expect("a file").path()).collect();
    paths.sort();
    let lines = |text: String| text.replace(['«', '»'], "").lines().map(str::to_owned).collect();
    paths.iter().map(|path| lines(fs::read_to_string(path).expect("text"))).collect()
}

/// A repository whose files were edited often, packed by git.
fn repository() -> Place {
    let place = Place::repository();
    let mut texts = texts();
    // Numbers that are the same in each run.
    let mut state = 7_u64;
    let mut random = move |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below.max(1)
    };
    for version in 0..40 {
        for (at, lines) in texts.iter_mut().enumerate() {
            for _ in 0..3 {
                let (from, to) = (random(lines.len()), random(lines.len()));
                match random(4) {
                    0 if lines.len() > 4 => _ = lines.remove(from),
                    1 => lines.swap(from, to),
                    2 => lines[from] = format!("{} {version}", lines[to]),
                    _ => lines.insert(to, lines[from].clone()),
                }
            }
            place.write(&format!("text-{at}.md"), lines.join("\n"));
        }
        place.commit("edited");
    }
    place.git(["repack", "-adfq", "--depth=50", "--window=20"]);
    place
}

#[test]
fn real_packs_are_searched_like_whole_texts() {
    let place = repository();
    let named = std::env::var_os("SOPUP_TEST_REPOSITORY").map(|repository| Path::new(&repository).join("objects"));
    for name in ["a.md", "a.yaml", "a.py", "a.env", "a"] {
        let hints = Hints::of_path(name);
        let (deltas, with_matches) = compared(&place.join(".git/objects"), hints);
        assert!(deltas > 300 && with_matches > 200, "{name}: {deltas} deltas, {with_matches} with matches");
        if let Some(objects) = &named {
            assert!(compared(objects, hints).0 > 0, "{} has no deltas", objects.display());
        }
    }
}
