//! sopup's SOPS library against the real `sops` and `age`.

mod bench;
mod values;
mod yaml;
