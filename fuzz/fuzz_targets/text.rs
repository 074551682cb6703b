//! Texts in every notation and encoding: whatever they hold, what is found lies in them and does not overlap.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use sopup::detect::{Hints, detect, detect_bytes, detect_name};
use sopup::rule::{RuleSet, builtin};

static RULES: LazyLock<RuleSet> = LazyLock::new(builtin);

fuzz_target!(|data: (u8, &[u8])| {
    let (class, bytes) = data;
    let hints = Hints::of_class(class % Hints::CLASSES).and_bytes(bytes);
    let mut end = 0;
    for found in detect(bytes, hints, &RULES) {
        assert!(end <= found.span.start && found.span.start < found.span.end && found.span.end <= bytes.len());
        end = found.span.end;
    }
    for (decoded, found) in detect_bytes(bytes, hints, &RULES) {
        for one in found {
            let span = decoded.in_file(bytes, one.span);
            assert!(span.start <= span.end && span.end <= bytes.len());
        }
    }
    let _ = detect_name(&bytes[..bytes.len().min(200)], &RULES);
});
