//! Trees made to be endless: nested as deep as nobody would, and with more paths than can be
//! counted. What is honest beside them is still found.

use std::fs;
use std::time::{Duration, Instant};

use sirocco::Format;
use sirocco::deflate::Level;
use sopup::source::history::{Attribution, CommitGraph, Wanted, attribute};
use sopup::source::object::{HashKind, Limits, ObjectId, ObjectKind, ObjectStore};

/// Objects of a pack without an index.
struct Pack {
    bytes: Vec<u8>,
    count: u32,
}

impl Pack {
    fn new() -> Self {
        Self { bytes: b"PACK\0\0\0\x02\0\0\0\0".to_vec(), count: 0 }
    }

    fn add(&mut self, kind: ObjectKind, contents: &[u8]) -> ObjectId {
        let mut size = contents.len();
        let mut byte = (kind as u8 + 1) << 4 | (size & 15) as u8;
        size >>= 4;
        while size > 0 {
            self.bytes.push(byte | 0x80);
            byte = (size & 0x7f) as u8;
            size >>= 7;
        }
        self.bytes.push(byte);
        self.bytes.extend(sirocco::compress(Format::Zlib, Level::DEFAULT, contents));
        self.count += 1;
        HashKind::Sha1.id_of(kind, contents)
    }

    fn tree(&mut self, entries: &[(&str, &str, ObjectId)]) -> ObjectId {
        let entry = |(mode, name, id): &(&str, &str, ObjectId)| [mode.as_bytes(), b" ", name.as_bytes(), b"\0", id.as_bytes()].concat();
        let contents: Vec<u8> = entries.iter().flat_map(entry).collect();
        self.add(ObjectKind::Tree, &contents)
    }

    fn commit(&mut self, tree: ObjectId) {
        let text = format!("tree {tree}\nauthor A <a@corp.net> 5 +0000\ncommitter A <a@corp.net> 6 +0000\n\n");
        self.add(ObjectKind::Commit, text.as_bytes());
    }

    /// Attributes these blobs, in little time.
    fn attribute(mut self, blobs: Vec<ObjectId>) -> Attribution {
        let dir = tempfile::tempdir().expect("a temporary directory");
        fs::create_dir(dir.path().join("pack")).expect("created");
        self.bytes[8..12].copy_from_slice(&self.count.to_be_bytes());
        self.bytes.extend([0; 20]);
        fs::write(dir.path().join("pack/pack-1.pack"), &self.bytes).expect("written");
        let store = ObjectStore::open(dir.path(), HashKind::Sha1, Limits::default()).expect("opens");
        let graph = CommitGraph::read(&store);
        assert_eq!(graph.len(), 1);
        let start = Instant::now();
        let found = attribute(&store, &graph, Some(0), &Wanted { blobs, names: Vec::new() });
        assert!(start.elapsed() < Duration::from_secs(60), "{:?}", start.elapsed());
        found
    }
}

#[test]
fn a_hundred_thousand_folders_in_each_other() {
    let mut pack = Pack::new();
    let secret = pack.add(ObjectKind::Blob, b"everywhere");
    let honest = pack.add(ObjectKind::Blob, b"honest");
    let mut tree = pack.tree(&[("100644", "s", secret)]);
    for _ in 0..100_000 {
        tree = pack.tree(&[("40000", "d", tree), ("100644", "s", secret)]);
    }
    let root = pack.tree(&[("40000", "deep", tree), ("100644", "honest.env", honest)]);
    pack.commit(root);
    let found = pack.attribute(vec![secret, honest]);
    assert!(found.truncated);
    assert_eq!(found.blobs[0].len(), 256, "as deep as folders are followed");
    assert_eq!(found.blobs[1].len(), 1);
    assert_eq!((found.blobs[1][0].path.as_slice(), found.blobs[1][0].introduced.len()), (&b"honest.env"[..], 1));
}

#[test]
fn something_at_the_bottom_of_a_deep_well() {
    let mut pack = Pack::new();
    let secret = pack.add(ObjectKind::Blob, b"at the bottom");
    let mut tree = pack.tree(&[("100644", "s", secret)]);
    for _ in 0..5_000 {
        tree = pack.tree(&[("40000", "d", tree)]);
    }
    pack.commit(tree);
    let found = pack.attribute(vec![secret]);
    assert!(found.truncated, "no place, and it is said");
}

#[test]
fn more_paths_than_can_be_counted() {
    let mut pack = Pack::new();
    let secret = pack.add(ObjectKind::Blob, b"everywhere");
    let honest = pack.add(ObjectKind::Blob, b"honest");
    let mut tree = pack.tree(&[("100644", "s", secret)]);
    for _ in 0..60 {
        tree = pack.tree(&[("40000", "a", tree), ("40000", "b", tree), ("40000", "c", tree)]);
    }
    let lib = pack.tree(&[("100644", "honest.env", honest)]);
    let root = pack.tree(&[("40000", "lib", lib), ("40000", "many", tree)]);
    pack.commit(root);
    let found = pack.attribute(vec![secret, honest]);
    assert!(found.truncated);
    assert!(found.blobs[0].len() <= 1000);
    assert_eq!(found.blobs[1].len(), 1);
    assert_eq!((found.blobs[1][0].path.as_slice(), found.blobs[1][0].introduced.len()), (&b"lib/honest.env"[..], 1));
    assert!(found.blobs[1][0].in_head);
}

#[test]
fn one_name_at_more_paths_than_are_kept() {
    let mut pack = Pack::new();
    let secret = pack.add(ObjectKind::Blob, b"many");
    let names: Vec<String> = (0..1500).map(|number| format!("f{number:05}")).collect();
    let entries: Vec<(&str, &str, ObjectId)> = names.iter().map(|name| ("100644", name.as_str(), secret)).collect();
    let root = pack.tree(&entries);
    pack.commit(root);
    let found = pack.attribute(vec![secret]);
    assert!(found.truncated);
    assert_eq!(found.blobs[0].len(), 1000);
    assert!(found.blobs[0].iter().all(|place| place.introduced == [0] && place.in_head));
}

#[test]
fn trees_that_make_no_sense_say_what_they_can() {
    let mut pack = Pack::new();
    let secret = pack.add(ObjectKind::Blob, b"secret");
    let same_name_twice = pack.tree(&[("100644", "x", secret), ("040000", "x", secret), ("160000", "y", secret)]);
    let inner = pack.tree(&[("100644", "s", secret)]);
    let other = pack.tree(&[("100644", "t", secret), ("100644", "s", secret)]);
    let root = pack.tree(&[("0040000", "d", inner), ("40000", "d", other), ("40000", "e", same_name_twice)]);
    pack.add(ObjectKind::Tree, b"100644 cut\0");
    pack.commit(root);
    let found = pack.attribute(vec![secret]);
    let paths: Vec<&[u8]> = found.blobs[0].iter().map(|place| place.path.as_slice()).collect();
    assert_eq!(paths, [&b"d/s"[..], b"d/t", b"e/x"]);
    assert!(found.blobs[0].iter().all(|place| place.introduced == [0] && place.last == Some(0)));
    assert!(!found.truncated);
}
