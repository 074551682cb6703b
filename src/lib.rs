//! sopup

pub mod source;
