//! A small SOPS library: bytes in, values out. It has never heard of findings and does no file or network I/O.

pub mod cipher;
pub mod creation_rule;
pub mod crypt;
pub mod data_key;
pub mod digest;
pub mod doctor;
pub mod identity_source;
pub mod keyring;
pub mod mac;
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
