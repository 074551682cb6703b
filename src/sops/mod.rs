//! A small SOPS library: bytes in, values out. It has never heard of findings and does no file or network I/O.
//!
//! A file passes through these rooms: [`store`] reads bytes into a [`tree`] and its [`metadata`]; [`keyring`] opens
//! the [`data_key`] (or [`recipient`] wraps it, after [`shamir`] has split it among key groups); [`crypt`] walks the
//! tree, asks the [`selector`] about each leaf, lets [`cipher`] seal or open it and feeds the [`mac`]; the store
//! splices the result back into the user's bytes. [`ops`] tells these stories from end to end. Beside them stand
//! [`creation_rule`] (`.sops.yaml`), [`identity_source`] (where keys are looked for), [`doctor`] (what is wrong with
//! a file), [`merge`] (two versions with a common ancestor) and [`digest`] (what sops' MAC does not cover).
//!
//! Programs are run for age plugins and keys of other kinds only, and only if the caller passes something that does
//! ([`plugin::ProgramPlugins`], a [`key_service`]).

pub mod cipher;
pub mod creation_rule;
pub mod crypt;
pub mod data_key;
pub mod digest;
pub mod doctor;
pub mod foreign;
mod hybrid;
pub mod identity_source;
pub mod key_service;
pub mod keyring;
pub mod mac;
pub mod merge;
pub mod metadata;
pub mod ops;
pub mod path;
pub mod plugin;
pub mod recipient;
pub mod scalar;
pub mod selector;
pub mod shamir;
pub mod store;
pub mod timestamp;
pub mod tree;
