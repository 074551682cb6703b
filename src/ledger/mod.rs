//! The rotation ledger: which credentials leaked, and how far each is on its way to be replaced. It is committed and
//! holds no secret: a credential is named by a keyed fingerprint.
//!
//! [`Ledger`] is the file, entry by entry; [`form`] how it is written. [`Stores`] knows which values SOPS files hold, and
//! [`prove`] tells from that whether a credential is still in use. [`Owners`] reads CODEOWNERS. Nothing is read from or
//! written to disk here.

mod entry;
pub mod form;
mod key;
mod leaks;
mod owners;
mod proof;

pub use entry::{Entry, Ledger, LogEntry, MOST_PLACES, Seen, State, StorePlace};
pub use form::FormError;
pub use key::{KEY_FIELD, KEY_FILE, KeyError, key_of};
pub use leaks::{Leaks, leaks_in};
pub use owners::{Owners, PLACES as OWNER_FILES};
pub use proof::{Doubt, Proof, Stores, Value, prove};

/// Where the ledger lies, from the top of the working tree.
pub const FILE: &str = ".sopup/ledger.yaml";
