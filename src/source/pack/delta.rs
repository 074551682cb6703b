//! Deltas: reading their instructions and applying them to a base
//! (git's `Documentation/gitformat-pack`, "Deltified representation").

use std::cell::{Cell, OnceCell};
use std::fmt;

use crate::source::object::{Damage, SkipReason};
use crate::text::{Copied, joined};

/// So many bytes of the largest object allow for one instruction.
const OPS_SHARE: usize = 16;

/// So many instructions are always allowed.
const FEW_OPS: usize = 1 << 16;

/// One instruction of a delta. Offsets and lengths are in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeltaOp {
    /// Next come these bytes of the base.
    Copy {
        /// Where they start in the base.
        from: u32,
        /// How many they are.
        len: u32,
    },
    /// Next come new bytes.
    Insert {
        /// Where they start in the delta.
        from: u32,
        /// How many they are, at most 127.
        len: u32,
    },
}

impl DeltaOp {
    /// How many bytes of the result it makes.
    #[must_use]
    pub fn size(self) -> usize {
        match self {
            Self::Copy { len, .. } | Self::Insert { len, .. } => len as usize,
        }
    }
}

/// One piece of a delta's result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part<'a> {
    /// Where the piece starts in the result, in bytes.
    pub start: usize,
    /// Its bytes.
    pub bytes: &'a [u8],
    /// Where it starts in the base if it is copied; `None` if it is new.
    pub copied_from: Option<usize>,
}

/// An object stored as a delta, with its base at hand. The object's bytes are
/// put together when they are asked for, at the latest when other objects
/// build on them: who needs only the new parts need not pay for the whole.
pub struct Delta<'a> {
    base: &'a [u8],
    data: &'a [u8],
    ops: &'a [DeltaOp],
    size: usize,
    whole: OnceCell<Vec<u8>>,
    spare: Cell<Vec<u8>>,
}

impl<'a> Delta<'a> {
    /// A delta of this base and data, whose instructions and size were read by
    /// [`parse_ops`].
    pub(crate) fn new((base, data): (&'a [u8], &'a [u8]), ops: &'a [DeltaOp], size: usize, spare: Vec<u8>) -> Self {
        Self { base, data, ops, size, whole: OnceCell::new(), spare: Cell::new(spare) }
    }

    /// The base's bytes.
    #[must_use]
    pub fn base(&self) -> &'a [u8] {
        self.base
    }

    /// The instructions, in the order of the result.
    #[must_use]
    pub fn ops(&self) -> &'a [DeltaOp] {
        self.ops
    }

    /// The result's pieces, in order.
    pub fn parts(&self) -> impl Iterator<Item = Part<'a>> {
        let (base, data) = (self.base, self.data);
        self.ops.iter().scan(0, move |at, &op| {
            let start = *at;
            *at += op.size();
            let (bytes, copied_from) = match op {
                DeltaOp::Copy { from, .. } => (&base[from as usize..][..op.size()], Some(from as usize)),
                DeltaOp::Insert { from, .. } => (&data[from as usize..][..op.size()], None),
            };
            Some(Part { start, bytes, copied_from })
        })
    }

    /// What is copied from the base, in order; neighbours in both are one.
    #[must_use]
    pub fn copied(&self) -> Vec<Copied> {
        joined(self.ops.iter().scan(0, |at, &op| {
            let to = *at;
            *at += op.size();
            Some(match op {
                DeltaOp::Copy { from, len } => Copied { from: from as usize, to, len: len as usize },
                DeltaOp::Insert { from, .. } => Copied { from: from as usize, to, len: 0 },
            })
        }))
    }

    /// The result's size in bytes.
    #[must_use]
    pub fn size(&self) -> usize {
        self.size
    }

    /// The result's bytes.
    pub fn bytes(&self) -> &[u8] {
        self.whole.get_or_init(|| {
            let mut out = self.spare.take();
            apply(self.base, self.data, self.ops, &mut out);
            out
        })
    }

    /// The buffer, holding the result's bytes only if they were asked for.
    pub(crate) fn into_buffer(mut self) -> Vec<u8> {
        match self.whole.take() {
            Some(bytes) => bytes,
            None => self.spare.take(),
        }
    }
}

impl fmt::Debug for Delta<'_> {
    /// Sizes only: the bytes may be secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delta")
            .field("base", &self.base.len())
            .field("ops", &self.ops.len())
            .field("size", &self.size)
            .finish_non_exhaustive()
    }
}

/// Reads a delta's instructions into `ops` and gives the size of the result,
/// which may be `largest` at most. After it, every copy lies inside a base of
/// `base_len` bytes, every insert inside `data`, and their lengths add up to
/// the size.
pub(crate) fn parse_ops(data: &[u8], base_len: usize, largest: usize, ops: &mut Vec<DeltaOp>) -> Result<usize, SkipReason> {
    ops.clear();
    let mut rest = data;
    if read_size(&mut rest)? != base_len as u64 {
        return Err(Damage::DeltaBase.into());
    }
    let size = read_size(&mut rest)?;
    if size > largest as u64 {
        return Err(SkipReason::TooLarge { size });
    }
    let most = (largest / OPS_SHARE).max(FEW_OPS);
    let mut made = 0u64;
    while let Some((&code, after)) = rest.split_first() {
        rest = after;
        let op = if code & 0x80 != 0 {
            read_copy(code, &mut rest, base_len)?
        } else {
            let from = data.len() - rest.len();
            rest = rest.get(usize::from(code)..).ok_or(Damage::Delta)?;
            if code == 0 {
                return Err(Damage::Delta.into());
            }
            DeltaOp::Insert { from: u32::try_from(from).map_err(|_| Damage::Delta)?, len: u32::from(code) }
        };
        made += op.size() as u64;
        if made > size {
            return Err(Damage::Delta.into());
        }
        if ops.len() >= most {
            return Err(SkipReason::OverBudget { size });
        }
        ops.push(op);
    }
    if made != size {
        return Err(Damage::Delta.into());
    }
    Ok(size as usize)
}

/// Replaces what `out` holds by the result of instructions that were checked
/// by [`parse_ops`].
pub(crate) fn apply(base: &[u8], data: &[u8], ops: &[DeltaOp], out: &mut Vec<u8>) {
    out.clear();
    out.reserve_exact(ops.iter().map(|op| op.size()).sum());
    for op in ops {
        match *op {
            DeltaOp::Copy { from, len } => {
                out.extend_from_slice(&base[from as usize..][..len as usize]);
            }
            DeltaOp::Insert { from, len } => {
                out.extend_from_slice(&data[from as usize..][..len as usize]);
            }
        }
    }
}

/// A copy's offset and length: each present byte has a bit in `code`. Which
/// are present is as good as random, so there is no branch for each.
fn read_copy(code: u8, rest: &mut &[u8], base_len: usize) -> Result<DeltaOp, Damage> {
    let mut bytes = match rest.first_chunk() {
        Some(bytes) => u64::from_le_bytes(*bytes),
        None => {
            let mut last = [0; 8];
            last[..rest.len()].copy_from_slice(rest);
            u64::from_le_bytes(last)
        }
    };
    let mut fields = 0u64;
    for field in 0..7 {
        let present = u64::from(code >> field & 1);
        fields |= (bytes & (0xff * present)) << (8 * field);
        bytes >>= 8 * present;
    }
    let used = (code & 0x7f).count_ones() as usize;
    *rest = rest.get(used..).ok_or(Damage::Delta)?;
    let from = fields as u32;
    let len = match (fields >> 32) as u32 {
        0 => 0x10000,
        len => len,
    };
    if u64::from(from) + u64::from(len) > base_len as u64 {
        return Err(Damage::Delta);
    }
    Ok(DeltaOp::Copy { from, len })
}

/// A size: seven bits a byte, least significant first.
fn read_size(rest: &mut &[u8]) -> Result<u64, Damage> {
    let mut size = 0u64;
    for shift in (0..63).step_by(7) {
        let (&byte, after) = rest.split_first().ok_or(Damage::Delta)?;
        *rest = after;
        size |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(size);
        }
    }
    Err(Damage::Delta)
}
