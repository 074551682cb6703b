//! sopup

pub mod secret;
pub mod sops;
