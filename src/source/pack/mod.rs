//! Pack files: indexes, entries, deltas, and the walk that decodes every
//! entry once. Which packs there are, loose objects and reading one object by
//! name live in [`crate::source::object`].
//!
//! The format is that of git's `Documentation/gitformat-pack`. Everything in
//! a pack is taken for hostile: offsets, sizes and counts are checked before
//! they are used, and what does not fit ends in a named
//! [`Skip`](crate::source::object::Skip).

mod body;
mod budget;
mod delta;
mod diff;
mod entry;
mod file;
mod index;
mod inflate;
mod marks;
mod pool;
mod queue;
mod rebuild;
mod share;
mod tree;
mod walk;
mod worker;
mod write;

pub use delta::{Delta, DeltaOp, Part};
pub use diff::{delta, shared_ends};
pub use index::{IndexError, PackIndex};
pub use share::{Share, ShareError};
pub use write::PackWriter;

pub(crate) use delta::{apply, parse_ops};
pub(crate) use entry::{Base, Header, varint};
pub(crate) use file::{HEADER, PackFile};
pub(crate) use inflate::{InflateError, Inflater, Stream, inflate_prefix, inflating};
pub(crate) use marks::Marks;
pub(crate) use rebuild::rebuild;
pub(crate) use share::Portion;
pub(crate) use tree::Tree;
pub(crate) use walk::{Elsewhere, Walk};
