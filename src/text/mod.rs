//! Text as bytes: spans, line numbers, character encodings. Knows nothing of secrets or rules.

mod encoding;
mod span;

pub use encoding::{Decoded, Encoding, decode};
pub use span::{LineIndex, Position, Span};
