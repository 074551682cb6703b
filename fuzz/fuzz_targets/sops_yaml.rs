//! The yaml store: no input panics, and what it writes reads back.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sopup::sops::store::{Format, Limits, Style};

fuzz_target!(|bytes: &[u8]| {
    let store = Format::Yaml.store(Limits::default(), Style::default());
    let _ = store.read_encrypted(bytes);
    let Ok(source) = store.read_plain(bytes) else { return };
    // Nothing changed, so nothing may change; without its metadata a file may become empty.
    if let (Ok(written), None) = (store.write(&source.tree, None, Some(&source)), &source.metadata) {
        let again = store.read_plain(&written).expect("what was written is read");
        assert!(again.tree.documents.len() == source.tree.documents.len());
    }
    let _ = store.write(&source.tree, None, None);
});
