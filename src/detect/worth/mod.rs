//! What a value is worth: bytes in, a verdict out.
//!
//! `judge` weighs a value by the sort of name that it stands under; the others know what is no
//! secret, what looks generated and what somebody typed. Nothing here knows where a value stood.

pub(in crate::detect) mod digest;
pub(in crate::detect) mod encoding;
pub(in crate::detect) mod identifier;
pub(in crate::detect) mod judge;
pub(in crate::detect) mod lexicon;
pub(in crate::detect) mod measure;
pub(in crate::detect) mod passphrase;
pub(in crate::detect) mod placeholder;
pub(in crate::detect) mod randomness;
pub(in crate::detect) mod reference;
pub(in crate::detect) mod structure;
pub(in crate::detect) mod validator;
pub(in crate::detect) mod weak;
pub(in crate::detect) mod words;
