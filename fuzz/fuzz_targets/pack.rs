//! Packs without an index that is of use: every object is handed over or named, and nothing is decoded twice.

#![no_main]

use std::fs;
use std::io::Read;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use libfuzzer_sys::fuzz_target;
use sopup::source::object::{HashKind, Large, Limits, ObjectInfo, ObjectKind, ObjectStore, Skip, Visitor};
use sopup::source::pack::Delta;

/// Adds up what it sees.
#[derive(Default)]
struct Sizes {
    bytes: AtomicUsize,
}

impl Visitor for Sizes {
    type Node = usize;
    type Worker = ();

    fn worker(&self) {}

    fn finish(&self, (): ()) {}

    fn wants(&self, _: ObjectKind) -> bool {
        true
    }

    fn whole(&self, (): &mut (), object: &ObjectInfo<'_>, bytes: &[u8]) -> usize {
        assert_eq!(object.size, bytes.len() as u64);
        self.bytes.fetch_add(bytes.len(), Ordering::Relaxed);
        bytes.len()
    }

    fn delta(&self, (): &mut (), object: &ObjectInfo<'_>, delta: &Delta<'_>, base: &usize) -> usize {
        assert_eq!(delta.base().len(), *base);
        assert_eq!(object.size, delta.bytes().len() as u64);
        assert!(delta.copied().iter().all(|part| part.from + part.len <= *base && part.to + part.len <= delta.size()));
        self.bytes.fetch_add(delta.size(), Ordering::Relaxed);
        delta.size()
    }

    fn large(&self, (): &mut (), _: &ObjectInfo<'_>, bytes: &mut dyn Read) -> Large {
        let _ = std::io::copy(bytes, &mut std::io::sink());
        Large::Read
    }

    fn skipped(&self, _: Skip) {}
}

static OBJECTS: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = std::env::temp_dir().join(format!("sopup-fuzz-objects-{}", std::process::id()));
    fs::create_dir_all(folder.join("pack")).expect("the folder for temporary files can be written to");
    folder
});

fuzz_target!(|entries: &[u8]| {
    let pack = OBJECTS.join("pack").join(format!("pack-{}.pack", "5".repeat(40)));
    // A header that promises as many objects as there may be, and a trailer.
    let mut bytes = b"PACK\0\0\0\x02\0\0\0\x10".to_vec();
    bytes.extend_from_slice(entries);
    bytes.extend_from_slice(&[0; 20]);
    fs::write(&pack, bytes).expect("the folder for temporary files can be written to");
    fs::write(pack.with_extension("idx"), b"of no use").expect("the folder for temporary files can be written to");
    let limits = Limits { memory: 16 << 20, threads: NonZeroUsize::MIN, ..Limits::default() };
    if let Ok(store) = ObjectStore::open(&OBJECTS, HashKind::Sha1, limits) {
        store.visit(&Sizes::default());
    }
});
