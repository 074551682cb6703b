//! Reading one object by its name: follow its delta bases down to one that is
//! whole or remembered, then apply the deltas on the way back. For all objects
//! [`ObjectStore::visit`] is many times cheaper.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, PoisonError};

use thiserror::Error;

use super::loose::{self, LooseReader};
use super::store::Pack;
use super::{Damage, ObjectId, ObjectKind, ObjectStore, SkipReason};
use crate::source::pack::{Base, DeltaOp, Header, Inflater, apply, parse_ops};

/// An object in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// What it is.
    pub kind: ObjectKind,
    /// Its contents.
    pub bytes: Vec<u8>,
}

impl Object {
    /// What it leads to, if it is an annotated tag.
    #[must_use]
    pub fn tagged(&self) -> Option<ObjectId> {
        (self.kind == ObjectKind::Tag).then(|| tag_target(&self.bytes)).flatten()
    }
}

/// What the text of an annotated tag leads to.
#[must_use]
pub fn tag_target(tag: &[u8]) -> Option<ObjectId> {
    let line = tag.split(|&byte| byte == b'\n').next()?;
    ObjectId::from_hex(line.strip_prefix(b"object ")?)
}

/// Why an object could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ReadError {
    /// No pack and no file has it.
    #[error("object {0} is not there")]
    Missing(ObjectId),
    /// It is there, but every copy is unreadable; this is why the first is.
    #[error("object {id} cannot be read")]
    Unreadable {
        /// The object.
        id: ObjectId,
        /// Why.
        source: SkipReason,
    },
}

/// A chain of more deltas is taken for endless; git makes at most 4,095.
const LONGEST_CHAIN: usize = 1 << 15;

/// A place in a pack: the pack's number and the offset in bytes.
type Spot = (usize, u64);

/// A delta on the way to its base, with the bytes of its instructions.
struct Pending {
    spot: Spot,
    instructions: Vec<u8>,
}

impl ObjectStore {
    /// Kind and contents of an object.
    ///
    /// # Errors
    /// When it is nowhere, or no copy of it can be decoded within the limits.
    pub fn read(&self, id: &ObjectId) -> Result<Object, ReadError> {
        let mut failed = None;
        for (number, pack) in self.packs.iter().enumerate() {
            let Some(position) = pack.index.find(id) else {
                continue;
            };
            match self.packed_object(number, position) {
                Ok(object) => return Ok(object),
                Err(reason) => failed = failed.or(Some(reason)),
            }
        }
        match self.loose_object(id) {
            Some(Ok(object)) => return Ok(object),
            Some(Err(reason)) => failed = failed.or(Some(reason)),
            None => {}
        }
        Err(match failed {
            Some(source) => ReadError::Unreadable { id: *id, source },
            None => ReadError::Missing(*id),
        })
    }

    /// An object from any place but one pack.
    pub(super) fn read_outside(&self, id: &ObjectId, pack: usize) -> Option<Object> {
        let packed = self.packs.iter().enumerate().filter(|&(number, _)| number != pack);
        let mut found = packed.filter_map(|(number, other)| {
            let position = other.index.find(id)?;
            self.packed_object(number, position).ok()
        });
        found.next().or_else(|| self.loose_object(id)?.ok())
    }

    fn loose_object(&self, id: &ObjectId) -> Option<Result<Object, SkipReason>> {
        let mut dirs = self.loose.iter().filter(|dir| dir.has(id));
        let path = loose::path_of(&dirs.next()?.dir, id);
        let mut reader = LooseReader::new(self.limits.largest());
        let read = reader.read(&path, |_| true).map_err(SkipReason::from);
        Some(read.and_then(|(kind, bytes)| {
            let bytes = bytes.ok_or(Damage::Header)?.to_vec();
            Ok(Object { kind, bytes })
        }))
    }

    fn packed_object(&self, number: usize, position: u32) -> Result<Object, SkipReason> {
        let offset = self.packs[number].index.offset(position);
        let offset = offset.ok_or(Damage::OutsidePack)?;
        let mut scratch = self.with_scratch(Vec::pop).unwrap_or_else(Scratch::new);
        let object = self.resolve((number, offset), &mut scratch);
        self.with_scratch(|free| free.push(scratch));
        object
    }

    fn resolve(&self, start: Spot, scratch: &mut Scratch) -> Result<Object, SkipReason> {
        let mut pending: Vec<Pending> = Vec::new();
        let mut held = 0;
        let mut spot = start;
        let mut object = loop {
            if let Some(known) = self.with_cache(|cache| cache.get(spot)) {
                break (*known).clone();
            }
            let pack = &self.packs[spot.0];
            let (header, bytes) = scratch.inflate(pack, spot.1, self.limits.largest())?;
            let base = match header.base {
                Base::Whole(kind) => break Object { kind, bytes },
                Base::Before(distance) => {
                    let offset = spot.1.checked_sub(distance).filter(|_| distance > 0);
                    Ok((spot.0, offset.ok_or(Damage::BaseOffset)?))
                }
                Base::Named(base) => self.base_spot(&base, spot.0),
            };
            held += bytes.len() as u64;
            if pending.len() >= LONGEST_CHAIN {
                return Err(SkipReason::Cycle);
            }
            if held > self.limits.memory / 4 {
                return Err(SkipReason::OverBudget { size: held });
            }
            pending.push(Pending { spot, instructions: bytes });
            match base {
                Ok(next) => spot = next,
                Err(id) => {
                    let loose = self.loose_object(&id).ok_or(SkipReason::MissingBase(id))?;
                    break loose?;
                }
            }
        };
        while let Some(Pending { spot, instructions }) = pending.pop() {
            let largest = self.limits.largest();
            parse_ops(&instructions, object.bytes.len(), largest, &mut scratch.ops)?;
            let mut bytes = Vec::new();
            apply(&object.bytes, &instructions, &scratch.ops, &mut bytes);
            object.bytes = bytes;
            self.with_cache(|cache| cache.put(spot, &object));
        }
        Ok(object)
    }

    /// Where a base lies that is given by its name: best in the same pack.
    fn base_spot(&self, id: &ObjectId, pack: usize) -> Result<Spot, ObjectId> {
        let numbers = std::iter::once(pack).chain(0..self.packs.len());
        let mut spots = numbers.filter_map(|number| {
            let index = &self.packs[number].index;
            Some((number, index.offset(index.find(id)?)?))
        });
        spots.next().ok_or(*id)
    }

    fn with_cache<T>(&self, use_it: impl FnOnce(&mut Cache) -> T) -> T {
        use_it(&mut self.cache.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn with_scratch<T>(&self, use_it: impl FnOnce(&mut Vec<Scratch>) -> T) -> T {
        use_it(&mut self.scratch.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What one reader needs and the next can use again.
#[derive(Debug)]
pub(super) struct Scratch {
    inflater: Inflater,
    ops: Vec<DeltaOp>,
    input: Vec<u8>,
}

impl Scratch {
    fn new() -> Self {
        Self { inflater: Inflater::new(), ops: Vec::new(), input: Vec::new() }
    }

    /// An entry's header and what its stream holds.
    fn inflate(&mut self, pack: &Pack, offset: u64, largest: usize) -> Result<(Header, Vec<u8>), SkipReason> {
        pack.file.read(offset, SHORT, &mut self.input)?;
        let header = Header::parse(&self.input, pack.index.hash())?;
        let size = header.size;
        if size > largest as u64 {
            return Err(SkipReason::TooLarge { size });
        }
        let longest = header.len as u64 + size + size / 64 + 4096;
        if longest > SHORT {
            pack.file.read(offset, longest, &mut self.input)?;
        }
        let body = self.input.get(header.len..).ok_or(Damage::Header)?;
        let mut bytes = Vec::new();
        self.inflater.exact(body, size as usize, &mut bytes).map_err(|error| error.of_entry(size))?;
        Ok((header, bytes))
    }
}

/// Bytes that are read of an entry before its size is known.
const SHORT: u64 = 8 << 10;

/// Objects read lately that others may build on, the oldest dropped first.
#[derive(Debug)]
pub(super) struct Cache {
    objects: HashMap<Spot, Arc<Object>>,
    order: VecDeque<Spot>,
    bytes: usize,
    most: usize,
}

impl Cache {
    /// An empty cache that takes a 32nd of the budget, 32 MiB at most.
    pub(super) fn new(memory: u64) -> Self {
        Self { objects: HashMap::new(), order: VecDeque::new(), bytes: 0, most: (memory / 32).min(32 << 20) as usize }
    }

    fn get(&self, spot: Spot) -> Option<Arc<Object>> {
        self.objects.get(&spot).cloned()
    }

    fn put(&mut self, spot: Spot, object: &Object) {
        if object.bytes.len() > self.most / 8 || self.objects.contains_key(&spot) {
            return;
        }
        self.bytes += object.bytes.len();
        self.objects.insert(spot, Arc::new(object.clone()));
        self.order.push_back(spot);
        while self.bytes > self.most {
            let Some(oldest) = self.order.pop_front() else {
                return;
            };
            if let Some(object) = self.objects.remove(&oldest) {
                self.bytes -= object.bytes.len();
            }
        }
    }
}
