//! The index of a work tree, in every version, and the index of a pack.

#![no_main]

use std::fs;
use std::path::PathBuf;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use sopup::source::object::HashKind;
use sopup::source::pack::PackIndex;
use sopup::source::read_index;

static FILE: LazyLock<PathBuf> = LazyLock::new(|| std::env::temp_dir().join(format!("sopup-fuzz-index-{}", std::process::id())));

fuzz_target!(|bytes: &[u8]| {
    for hash in [HashKind::Sha1, HashKind::Sha256] {
        if let Ok(index) = PackIndex::parse(bytes.to_vec(), hash) {
            for position in 0..index.count().min(64) {
                let id = index.id(position);
                let _ = (index.offset(position), index.checksum(position), index.find(&id));
            }
        }
    }
    fs::write(&*FILE, bytes).expect("the folder for temporary files can be written to");
    for hash in [HashKind::Sha1, HashKind::Sha256] {
        if let Ok(entries) = read_index(&FILE, hash) {
            let _ = entries.iter().filter(|entry| entry.is_blob() && !entry.is_submodule()).count();
        }
    }
});
