//! What a value is worth: bytes in, a verdict out.
//!
//! `judge` weighs a value by the sort of name that it stands under; the others know what is no
//! secret, what looks generated and what somebody typed. Nothing here knows where a value stood.

mod digest;
pub(in crate::detect) mod encoding;
mod identifier;
pub(in crate::detect) mod judge;
mod measure;
pub(in crate::detect) mod passphrase;
mod path;
pub(in crate::detect) mod placeholder;
pub(in crate::detect) mod randomness;
mod reference;
pub(in crate::detect) mod shapes;
mod structure;
pub(in crate::detect) mod validator;
pub(in crate::detect) mod weak;
pub(in crate::detect) mod words;
