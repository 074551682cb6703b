//! Reads the names of all blobs, then works out where some of them were, and prints how long each
//! took. For measuring `source::history` alone; not part of the tool.
//!
//! `attribute OBJECTS_DIR [BLOBS] [THREADS] [list]`
//!
//! BLOBS are picked evenly; `list` prints each of their places.

use std::error::Error;
use std::io::{self, Write};
use std::path::Path;
use std::time::Instant;

use sopup::source::history::{Attribution, CommitGraph, Wanted, attribute, entry_names};
use sopup::source::object::{HashKind, Limits, ObjectId, ObjectStore};

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let arg = |at: usize| args.get(at).map(String::as_str);
    let dir = Path::new(arg(0).ok_or("which object directory?")?);
    let count: usize = arg(1).map_or(Ok(0), str::parse)?;
    let mut limits = Limits::default();
    if let Some(threads) = arg(2) {
        limits.threads = threads.parse()?;
    }
    let hash = HashKind::from_config(&std::fs::read(dir.join("../config")).unwrap_or_default());
    let store = ObjectStore::open(dir, hash, limits)?;
    let mut out = io::stdout().lock();

    let start = Instant::now();
    let names = entry_names(&store, |_| 1);
    let (blobs, skipped) = (names.marks.len(), names.skipped.len());
    writeln!(out, "names: {:.3} s, {blobs} blobs, {} names, {skipped} skipped", start.elapsed().as_secs_f64(), names.names.len())?;
    if count == 0 {
        return Ok(());
    }
    let mut ids: Vec<ObjectId> = names.marks.into_keys().collect();
    ids.sort_unstable();
    let step = (ids.len() / count).max(1);
    let wanted = Wanted { blobs: ids.into_iter().step_by(step).take(count).collect(), names: Vec::new() };

    let start = Instant::now();
    let graph = CommitGraph::read(&store);
    writeln!(out, "graph: {:.3} s, {} commits, {} missing", start.elapsed().as_secs_f64(), graph.len(), graph.missing.len())?;
    let start = Instant::now();
    let attribution = attribute(&store, &graph, None, &wanted);
    let places: usize = attribution.blobs.iter().map(Vec::len).sum();
    let seconds = start.elapsed().as_secs_f64();
    writeln!(out, "attribution: {seconds:.3} s, {} blobs at {places} places, truncated: {}", wanted.blobs.len(), attribution.truncated)?;
    if arg(3) == Some("list") {
        list(&mut out, &graph, &wanted, &attribution)?;
    }
    Ok(())
}

fn list(out: &mut dyn Write, graph: &CommitGraph, wanted: &Wanted, attribution: &Attribution) -> io::Result<()> {
    for (id, places) in wanted.blobs.iter().zip(&attribution.blobs) {
        for place in places {
            let introduced: Vec<String> = place.introduced.iter().map(|&commit| graph.id(commit).to_string()).collect();
            let last = place.last.map_or_else(String::new, |last| graph.id(last).to_string());
            writeln!(out, "{id}\t{}\t{}\t{last}", String::from_utf8_lossy(&place.path), introduced.join(","))?;
        }
    }
    Ok(())
}
