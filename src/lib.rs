//! Finds leaked secrets.
//!
//! The rooms, from the bottom up; each uses only those above it in this list:
//!
//! - [`text`], [`secret`]: bytes, spans, lines, encodings; values that cannot be printed.
//! - [`mod@file`]: files written whole or not at all, one writer at a time; private places for plain text.
//! - [`archive`]: the files inside archives. [`sought`]: known values, found however they are written.
//! - [`rule`]: what a credential looks like, as data. [`source`]: where texts come from.
//!   [`sops`]: a small SOPS library that has never heard of findings.
//! - [`detect`]: a text and rules in, matches out; pure.
//! - [`finding`]: matches located, merged, fingerprinted, allowed.
//! - [`baseline`]: secrets that a team knows of, as lines of a file.
//! - [`scan`]: source → detect → finding, on one screen.
//! - [`ledger`]: leaked credentials, and whether they were replaced.
//! - [`migrate`]: findings → SOPS files and references to them.
//! - [`purge`]: a copy of a repository without some values.
//! - [`report`]: findings as text or JSON. [`config`]: `.sopup.yaml`.
//! - [`cli`]: the only room with clap, printing and exit codes.

pub mod archive;
pub mod baseline;
pub mod cli;
pub mod config;
pub mod detect;
pub mod file;
pub mod finding;
pub mod fleet;
pub mod ledger;
pub mod migrate;
pub mod purge;
pub mod report;
pub mod rule;
pub mod scan;
pub mod secret;
pub mod sops;
pub mod sought;
pub mod source;
pub mod text;
