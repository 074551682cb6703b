//! Searches files for the keywords of all rules, and then for secrets, and prints how fast. For measuring; not part of
//! the tool.
//!
//! `prefilter FILE…`

use std::error::Error;
use std::io::{self, Write};
use std::time::Instant;

use sopup::detect::{Hints, detect};
use sopup::rule::{RuleSet, builtin};

fn main() -> Result<(), Box<dyn Error>> {
    let rules: RuleSet = builtin();
    let mut files = Vec::new();
    for path in std::env::args().skip(1) {
        if let Ok(bytes) = std::fs::read(&path) {
            files.push((Hints::of_path(&path), bytes));
        }
    }
    let total: usize = files.iter().map(|(_, bytes)| bytes.len()).sum();
    let mut out = io::stdout().lock();
    let mut report = |what: &str, begun: Instant, count: usize| {
        let seconds = begun.elapsed().as_secs_f64();
        writeln!(out, "{what}: {count} in {total} bytes, {:.0} MB/s", total as f64 / seconds / 1e6)
    };
    for _ in 0..3 {
        let begun = Instant::now();
        let mut hits = 0;
        for (_, bytes) in &files {
            rules.prefilter().find(bytes, |_, _| hits += 1);
        }
        report("keywords", begun, hits)?;
        let begun = Instant::now();
        let found: usize = files.iter().map(|(hints, bytes)| detect(bytes, hints.and_bytes(bytes), &rules).len()).sum();
        report("secrets", begun, found)?;
    }
    Ok(())
}
