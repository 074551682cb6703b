//! Text as bytes: spans, line numbers, character encodings. Knows nothing of secrets or rules.

mod copied;
mod display;
mod encoding;
mod hex;
mod nesting;
mod shell;
mod span;
#[doc(hidden)]
pub mod work;

pub use copied::{Copied, joined};
pub use display::is_unsafe;
pub use encoding::{Decoded, Encoding, decode, is_plain, squeezed};
pub use hex::hex;
pub use nesting::{DOCUMENTS, SETTINGS, check_nesting};
pub use shell::{shell_quoted, shell_word};
pub use span::{LineIndex, Position, Span, spliced};
