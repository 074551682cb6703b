//! The integration tests, one binary.

mod sops;
