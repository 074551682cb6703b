//! sopup's SOPS library against the real `sops` and `age`.

mod bench;
mod edits;
mod keys;
mod properties;
mod rules;
mod selectors;
mod stores;
mod tamper;
mod values;
mod yaml;
