//! From a file's bytes to text that rules can read, and back from text offsets to file offsets.
//!
//! UTF-8, Latin-1 and everything unknown are read as they are: rules match bytes. UTF-16 and
//! UTF-32, with or without a byte order mark, are turned into UTF-8 with a map of offsets.
//! Base64 and other encodings of single values belong to `detect`.

use std::borrow::Cow;

use crate::text::Span;

/// How a file stores characters, as far as offsets are concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// One byte of the file is one byte of the text: UTF-8, Latin-1, binary.
    Bytes,
    /// Two-byte units, low byte first.
    Utf16Le,
    /// Two-byte units, high byte first.
    Utf16Be,
    /// Four-byte units, low byte first.
    Utf32Le,
    /// Four-byte units, high byte first.
    Utf32Be,
}

/// A text and the way back to the file it came from.
#[derive(Debug)]
pub struct Decoded<'b> {
    /// What rules read.
    pub text: Cow<'b, [u8]>,
    /// How it was stored.
    pub encoding: Encoding,
    /// File and text offsets at the start of every `STEP`th character of a decoded text.
    checkpoints: Vec<(usize, usize)>,
    file_len: usize,
}

const STEP: usize = 1024;
/// How much of a file decides its encoding.
const SNIFF: usize = 4096;

/// Reads a file's bytes as text; copies only UTF-16 and UTF-32.
pub fn decode(bytes: &[u8]) -> Decoded<'_> {
    let (encoding, mark) = sniff(bytes);
    if encoding == Encoding::Bytes {
        return Decoded { text: Cow::Borrowed(bytes), encoding, checkpoints: Vec::new(), file_len: bytes.len() };
    }
    let mut text = Vec::with_capacity(bytes.len() / 2);
    let mut checkpoints = Vec::with_capacity(bytes.len() / (2 * STEP) + 1);
    let mut at = mark;
    let mut count = 0;
    while let Some((character, width)) = next_character(&bytes[at..], encoding) {
        if count % STEP == 0 {
            checkpoints.push((at, text.len()));
        }
        count += 1;
        at += width;
        let mut buffer = [0; 4];
        text.extend_from_slice(character.encode_utf8(&mut buffer).as_bytes());
    }
    Decoded { text: Cow::Owned(text), encoding, checkpoints, file_len: bytes.len() }
}

impl Encoding {
    /// What the first bytes of a file say about it.
    pub fn of(bytes: &[u8]) -> Self {
        sniff(bytes).0
    }
}

impl Decoded<'_> {
    /// The file's bytes behind a span of the text.
    pub fn in_file(&self, file: &[u8], span: Span) -> Span {
        match self.encoding {
            Encoding::Bytes => span,
            _ => Span::new(self.offset_in_file(file, span.start), self.offset_in_file(file, span.end)),
        }
    }

    fn offset_in_file(&self, file: &[u8], offset: usize) -> usize {
        let nearest = self.checkpoints.partition_point(|&(_, text)| text <= offset);
        let Some(&(mut at, mut text)) = nearest.checked_sub(1).and_then(|i| self.checkpoints.get(i)) else {
            return 0;
        };
        while text < offset {
            let Some((character, width)) = next_character(&file[at..], self.encoding) else {
                return self.file_len;
            };
            at += width;
            text += character.len_utf8();
        }
        at
    }
}

/// The encoding and the length of its byte order mark.
fn sniff(bytes: &[u8]) -> (Encoding, usize) {
    match bytes {
        [0xff, 0xfe, 0, 0, ..] => return (Encoding::Utf32Le, 4),
        [0, 0, 0xfe, 0xff, ..] => return (Encoding::Utf32Be, 4),
        [0xff, 0xfe, ..] => return (Encoding::Utf16Le, 2),
        [0xfe, 0xff, ..] => return (Encoding::Utf16Be, 2),
        _ => {}
    }
    let head = &bytes[..bytes.len().min(SNIFF) & !3];
    if head.len() < 8 || memchr::memchr(0, head).is_none() {
        return (Encoding::Bytes, 0);
    }
    // Mostly ASCII text without a mark: nearly every high byte is zero and nearly no low byte.
    let mut zeros = [0usize; 4];
    for unit in head.chunks_exact(4) {
        for (slot, &byte) in zeros.iter_mut().zip(unit) {
            *slot += usize::from(byte == 0);
        }
    }
    let units = head.len() / 4;
    let zero = zeros.map(|n| n * 10 >= units * 9);
    let full = zeros.map(|n| n * 10 <= units);
    let encoding = match (zero, full) {
        ([_, true, true, true], [true, ..]) => Encoding::Utf32Le,
        ([true, true, true, _], [.., true]) => Encoding::Utf32Be,
        ([_, true, _, true], [true, _, true, _]) => Encoding::Utf16Le,
        ([true, _, true, _], [_, true, _, true]) => Encoding::Utf16Be,
        _ => Encoding::Bytes,
    };
    (encoding, 0)
}

/// The next character and its width in the file; `None` at the end. Broken units read as U+FFFD.
fn next_character(bytes: &[u8], encoding: Encoding) -> Option<(char, usize)> {
    let unit16 = |at: usize| -> Option<u16> {
        let pair = [*bytes.get(at)?, *bytes.get(at + 1)?];
        Some(if encoding == Encoding::Utf16Le { u16::from_le_bytes(pair) } else { u16::from_be_bytes(pair) })
    };
    match encoding {
        Encoding::Bytes => bytes.first().map(|&byte| (char::from(byte), 1)),
        Encoding::Utf16Le | Encoding::Utf16Be => {
            let first = unit16(0)?;
            let pair = [first, unit16(2).unwrap_or(0)];
            match char::decode_utf16(pair).next() {
                Some(Ok(character)) => Some((character, character.len_utf16() * 2)),
                _ => Some((char::REPLACEMENT_CHARACTER, 2)),
            }
        }
        Encoding::Utf32Le | Encoding::Utf32Be => {
            let quad: [u8; 4] = bytes.get(..4)?.try_into().ok()?;
            let value = if encoding == Encoding::Utf32Le { u32::from_le_bytes(quad) } else { u32::from_be_bytes(quad) };
            Some((char::from_u32(value).unwrap_or(char::REPLACEMENT_CHARACTER), 4))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utf16(text: &str, mark: bool, little: bool) -> Vec<u8> {
        let mark = mark.then_some(0xfeff_u16);
        mark.into_iter().chain(text.encode_utf16()).flat_map(|unit| if little { unit.to_le_bytes() } else { unit.to_be_bytes() }).collect()
    }

    fn round_trip(file: &[u8], needle: &str, encoded: &[u8]) {
        let decoded = decode(file);
        let text = String::from_utf8(decoded.text.to_vec()).expect("decoding yields UTF-8");
        let start = text.find(needle).expect("the text holds the needle");
        let span = decoded.in_file(file, Span::new(start, start + needle.len()));
        assert_eq!(&file[span.range()], encoded);
    }

    #[test]
    fn utf16_spans_lead_back_to_the_file() {
        let text = format!("{}päss 😀: geheim\nend", "lang ".repeat(3000));
        for (mark, little) in [(true, true), (true, false), (false, true), (false, false)] {
            round_trip(&utf16(&text, mark, little), "geheim", &utf16("geheim", false, little));
        }
    }

    #[test]
    fn utf32_is_read_in_both_orders() {
        let text = "password = geheim\n".repeat(4);
        let little: Vec<u8> = text.chars().flat_map(|c| u32::from(c).to_le_bytes()).collect();
        let big: Vec<u8> = text.chars().flat_map(|c| u32::from(c).to_be_bytes()).collect();
        assert_eq!(decode(&little).encoding, Encoding::Utf32Le);
        assert_eq!(decode(&big).encoding, Encoding::Utf32Be);
        assert_eq!(decode(&big).text.as_ref(), text.as_bytes());
    }

    #[test]
    fn plain_latin1_and_binary_stay_as_they_are() {
        for bytes in [&b"plain"[..], b"caf\xe9 au lait", b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0"] {
            assert!(matches!(decode(bytes).text, Cow::Borrowed(_)));
        }
    }
}
