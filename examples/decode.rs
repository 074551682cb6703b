//! Decodes all objects of an object directory and prints how many, how large
//! and how fast. For measuring the reader alone; not part of the tool.
//!
//! `decode OBJECTS_DIR [blobs|trees|all] [bytes|new|hash] [THREADS] [MEMORY_MIB]`
//!
//! `bytes` puts every object together, `new` only what others build on, `hash`
//! checks every name.

use std::error::Error;
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use sopup::source::object::{Alternates, HashKind, Limits, ObjectInfo, ObjectKind, ObjectStore, Skip, Visitor};
use sopup::source::pack::Delta;

#[derive(Clone, Copy, PartialEq)]
enum Depth {
    Bytes,
    New,
    Hash,
}

#[derive(Default)]
struct Tally {
    objects: u64,
    deltas: u64,
    bytes: u64,
    wrong: u64,
}

struct Decode {
    kinds: Vec<ObjectKind>,
    depth: Depth,
    hash: HashKind,
    total: Mutex<Tally>,
    skips: Mutex<Vec<Skip>>,
}

impl Visitor for Decode {
    type Node = ();
    type Worker = Tally;

    fn worker(&self) -> Tally {
        Tally::default()
    }

    fn finish(&self, worker: Tally) {
        let mut total = self.total.lock().unwrap_or_else(PoisonError::into_inner);
        total.objects += worker.objects;
        total.deltas += worker.deltas;
        total.bytes += worker.bytes;
        total.wrong += worker.wrong;
    }

    fn wants(&self, kind: ObjectKind) -> bool {
        self.kinds.contains(&kind)
    }

    fn whole(&self, tally: &mut Tally, object: &ObjectInfo<'_>, bytes: &[u8]) {
        tally.objects += 1;
        tally.bytes += bytes.len() as u64;
        if self.depth == Depth::Hash && self.hash.id_of(object.kind, bytes) != object.id {
            tally.wrong += 1;
        }
    }

    fn delta(&self, tally: &mut Tally, object: &ObjectInfo<'_>, delta: &Delta<'_>, (): &()) {
        tally.deltas += 1;
        if self.depth == Depth::New {
            tally.objects += 1;
            tally.bytes += delta.size() as u64;
        } else {
            self.whole(tally, object, delta.bytes());
        }
    }

    fn skipped(&self, skip: Skip) {
        let mut skips = self.skips.lock().unwrap_or_else(PoisonError::into_inner);
        skips.push(skip);
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let arg = |at: usize| args.get(at).map(String::as_str);
    let dir = Path::new(arg(0).ok_or("which object directory?")?);
    let kinds = match arg(1) {
        Some("all") => ObjectKind::ALL.to_vec(),
        Some("trees") => vec![ObjectKind::Tree],
        _ => vec![ObjectKind::Blob],
    };
    let depth = match arg(2) {
        Some("hash") => Depth::Hash,
        Some("new") => Depth::New,
        _ => Depth::Bytes,
    };
    let mut limits = Limits { alternates: Alternates::Refuse, ..Limits::default() };
    if let Some(threads) = arg(3) {
        limits.threads = threads.parse()?;
    }
    if let Some(memory) = arg(4) {
        limits.memory = memory.parse::<u64>()? << 20;
    }
    let config = std::fs::read(dir.join("../config")).unwrap_or_default();
    let hash = HashKind::from_config(&config);
    let start = Instant::now();
    let store = ObjectStore::open(dir, hash, limits)?;
    let opened = start.elapsed();
    let decode = Decode { kinds, depth, hash, total: Mutex::default(), skips: Mutex::default() };
    store.visit(&decode);
    report(&decode, opened.as_secs_f64(), start.elapsed().as_secs_f64())?;
    Ok(())
}

fn report(decode: &Decode, opened: f64, seconds: f64) -> io::Result<()> {
    let total = decode.total.lock().unwrap_or_else(PoisonError::into_inner);
    let skips = decode.skips.lock().unwrap_or_else(PoisonError::into_inner);
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "{} objects ({} as deltas), {} bytes, {} misnamed, {} skipped, {seconds:.3} s (open {opened:.3})",
        total.objects,
        total.deltas,
        total.bytes,
        total.wrong,
        skips.len(),
    )?;
    for skip in skips.iter().take(10) {
        writeln!(out, "skipped {skip}")?;
    }
    Ok(())
}
