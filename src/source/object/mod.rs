//! Git objects: their ids and kinds, what a reader of all objects gets and
//! must do, and the store that finds them. How packs are laid out on disk
//! lives in [`crate::source::pack`]; which commit or path an object belongs
//! to is none of this module's business.

mod alternates;
mod file;
mod id;
mod kind;
mod limits;
mod loose;
mod loose_visit;
mod open;
mod read;
mod skip;
mod store;
mod visitor;

pub use id::{HashKind, ObjectId};
pub use kind::ObjectKind;
pub use limits::{Alternates, Limits};
pub use open::{Beside, OpenError, PackFlags};
pub use read::{Object, ReadError, tag_target};
pub use skip::{Damage, Place, Skip, SkipReason};
pub use store::{Counts, ObjectStore, PackSummary};
pub use visitor::{Large, ObjectInfo, Visitor};

pub(crate) use alternates::object_dirs;
pub(crate) use file::{FileError, is_absent, open_regular};
