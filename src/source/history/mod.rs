//! What a repository's history says about its objects: the names of blobs (`names`), the graph of
//! commits (`graph`), where and when a blob was in the tree (`attribute`), and the texts of a history
//! that lies in one file (`bundle`). Objects are read by [`crate::source::object`]; what is in a blob
//! is none of this module's business.

mod attribute;
mod bundle;
mod contents;
mod graph;
mod leading;
mod leads;
mod links;
mod names;
mod places;
mod recent;
mod trees;

pub use attribute::{Attribution, Place, Wanted, attribute};
pub use bundle::{Bundle, Lack};
pub use graph::{Commit, CommitGraph, CommitText};
pub use leading::leading_trees;
pub use names::{EntryNames, entry_names};
