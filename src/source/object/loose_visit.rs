//! Handing all loose objects to a visitor, on all threads.

use std::io::Read;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use super::loose::{self, LooseError, LooseReader};
use super::{Damage, Large, Limits, ObjectId, ObjectInfo, ObjectKind, Place, Skip, SkipReason, Visitor};

/// A loose object and the object directory that has it.
pub(super) type Loose<'a> = (ObjectId, &'a Path);

/// Objects a thread takes at a time.
const CHUNK: usize = 16;

/// Fewer objects are not worth a second thread.
const FEW: usize = 64;

/// Objects up to this many bytes are held by each thread, larger ones by one
/// at a time.
const OWN: usize = 4 << 20;

struct Readers<'a> {
    own: LooseReader,
    large: &'a Mutex<LooseReader>,
}

/// Hands over every object of the list.
pub(super) fn visit<V: Visitor>(objects: &[Loose<'_>], visitor: &V, limits: &Limits) {
    if objects.is_empty() {
        return;
    }
    let threads = if objects.len() < FEW { 1 } else { limits.threads.get() };
    let next = AtomicUsize::new(0);
    let large = Mutex::new(LooseReader::new(limits.largest()));
    let work = || {
        let mut worker = visitor.worker();
        let mut readers = Readers { own: LooseReader::new(limits.largest().min(OWN)), large: &large };
        loop {
            let start = next.fetch_add(CHUNK, Ordering::Relaxed).min(objects.len());
            let chunk = &objects[start..objects.len().min(start + CHUNK)];
            if chunk.is_empty() {
                break;
            }
            for object in chunk {
                one(object, visitor, &mut worker, &mut readers);
            }
        }
        visitor.finish(worker);
    };
    thread::scope(|scope| {
        for _ in 1..threads {
            // What a thread that cannot be started does not do, the others do.
            let _ = thread::Builder::new().spawn_scoped(scope, work);
        }
        work();
    });
}

fn one<V: Visitor>((id, dir): &Loose<'_>, visitor: &V, worker: &mut V::Worker, readers: &mut Readers<'_>) {
    let path = loose::path_of(dir, id);
    let outcome = if visitor.cancelled() {
        Err(SkipReason::Cancelled)
    } else {
        let visit = || hand_over((*id, &path), visitor, worker, readers);
        catch_unwind(AssertUnwindSafe(visit)).unwrap_or(Err(SkipReason::Panicked))
    };
    if let Err(reason) = outcome {
        visitor.skipped(Skip { id: Some(*id), place: Place::File(Arc::new(path)), reason });
    }
}

fn hand_over<V: Visitor>(
    (id, file): (ObjectId, &Path),
    visitor: &V,
    worker: &mut V::Worker,
    readers: &mut Readers<'_>,
) -> Result<(), SkipReason> {
    let mut visit = |reader: &mut LooseReader| {
        let (kind, bytes) = reader.read(file, |kind| visitor.wants(kind))?;
        if let Some(bytes) = bytes {
            let info = info((id, file), kind, bytes.len() as u64);
            visitor.whole(worker, &info, bytes);
        }
        Ok(())
    };
    let mut outcome = visit(&mut readers.own);
    if matches!(outcome, Err(LooseError::TooLarge { .. })) {
        let mut large = readers.large.lock().unwrap_or_else(PoisonError::into_inner);
        outcome = visit(&mut large);
    }
    match outcome {
        Ok(()) => Ok(()),
        Err(LooseError::TooLarge { kind, .. }) if !visitor.wants(kind) => Ok(()),
        Err(LooseError::TooLarge { kind, size }) => large(&info((id, file), kind, size), visitor, worker),
        Err(LooseError::Skip(reason)) => Err(reason),
    }
}

fn info((id, file): (ObjectId, &Path), kind: ObjectKind, size: u64) -> ObjectInfo<'_> {
    ObjectInfo { id, kind, size, file, offset: 0 }
}

fn large<V: Visitor>(info: &ObjectInfo<'_>, visitor: &V, worker: &mut V::Worker) -> Result<(), SkipReason> {
    let size = info.size;
    let (_, contents) = loose::stream(info.file)?;
    let mut contents = contents.take(size.saturating_add(1));
    if visitor.large(worker, info, &mut contents) == Large::Skipped {
        return Err(SkipReason::TooLarge { size });
    }
    let left = contents.limit();
    if left != 1 || !matches!(contents.read(&mut [0]), Ok(0)) {
        return Err(Damage::Size { declared: size }.into());
    }
    Ok(())
}
