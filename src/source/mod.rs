//! Where bytes come from.

pub mod object;
pub mod pack;
