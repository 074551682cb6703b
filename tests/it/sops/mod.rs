//! sopup's SOPS library and commands against the real `sops` and `age`.

pub(crate) mod bench;
mod commands;
mod comments;
mod diffs;
mod doctor;
mod edits;
mod execs;
mod fix;
mod foreign;
mod ini;
mod init;
mod interrupts;
mod key_sources;
mod keys;
mod line;
mod merge_driver;
mod merges;
mod other_keys;
mod plain;
mod properties;
mod rules;
mod selectors;
mod stores;
mod tamper;
mod values;
mod yaml;
