//! From a file's bytes to text that rules can read, and back from text offsets to file offsets.
//!
//! UTF-8, Latin-1 and everything unknown are read as they are: rules match bytes. UTF-16 and
//! UTF-32, with or without a byte order mark, are turned into UTF-8 with a map of offsets. What a
//! file seems to be is a guess: where zeros or a mark could mislead it, the bytes that are no zeros
//! are read as well ([`squeezed`]), which shows text in files of mixed encodings.
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
    /// One byte of the file is one of the text, without those that are zero.
    Squeezed,
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
/// Fewer zeros say nothing about the rest.
const LEAST_ZEROS: usize = 4;

/// Reads a file's bytes as text; copies only UTF-16 and UTF-32.
pub fn decode(bytes: &[u8]) -> Decoded<'_> {
    let Sniffed { encoding, mark, .. } = sniff(bytes);
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

/// The bytes of a file that are no zeros, if they may be a text that [`decode`] does not show: where
/// a mark stands before something else, or zeros in something that is a text otherwise.
pub fn squeezed(bytes: &[u8]) -> Option<Decoded<'_>> {
    let sniffed = sniff(bytes);
    if sniffed.is_plain(bytes) {
        return None;
    }
    let mut text = Vec::with_capacity(bytes.len() / 2);
    let mut checkpoints = Vec::new();
    for (at, &byte) in bytes.iter().enumerate().skip(sniffed.mark).filter(|(_, byte)| **byte != 0) {
        if text.len() % STEP == 0 {
            checkpoints.push((at, text.len()));
        }
        text.push(byte);
    }
    Some(Decoded { text: Cow::Owned(text), encoding: Encoding::Squeezed, checkpoints, file_len: bytes.len() })
}

/// Whether bytes are read just as they are: [`decode`] changes nothing, and [`squeezed`] has nothing to add.
pub fn is_plain(bytes: &[u8]) -> bool {
    sniff(bytes).is_plain(bytes)
}

/// Whether hardly any byte but zeros is one that no text has.
fn is_text_but_for_zeros(bytes: &[u8]) -> bool {
    let most = bytes.len() / 100;
    let strange = |byte: &&u8| matches!(byte, 1..=8 | 0x0e..=0x1a | 0x1c..=0x1f | 0x7f);
    bytes.iter().filter(strange).nth(most).is_none()
}

impl Decoded<'_> {
    /// The file's bytes behind a span of the text.
    pub fn in_file(&self, file: &[u8], span: Span) -> Span {
        match self.encoding {
            Encoding::Bytes => span,
            Encoding::Squeezed if span.start < span.end => Span::new(self.nth(file, span.start), self.nth(file, span.end - 1) + 1),
            Encoding::Squeezed => Span::new(self.nth(file, span.start), self.nth(file, span.start)),
            _ => Span::new(self.offset_in_file(file, span.start), self.offset_in_file(file, span.end)),
        }
    }

    /// Where the byte of the text at an offset is in the file, if the text is that without zeros.
    fn nth(&self, file: &[u8], offset: usize) -> usize {
        let nearest = self.checkpoints.partition_point(|&(_, text)| text <= offset);
        let Some(&(at, text)) = nearest.checked_sub(1).and_then(|i| self.checkpoints.get(i)) else { return self.file_len };
        let bytes = file.get(at..).unwrap_or_default().iter().enumerate().filter(|(_, byte)| **byte != 0);
        bytes.map(|(further, _)| at + further).nth(offset - text).unwrap_or(self.file_len)
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

/// What the bytes of a file say about how it is stored.
struct Sniffed {
    encoding: Encoding,
    /// The length of its byte order mark.
    mark: usize,
    /// Whether there are zeros in what has no mark.
    has_zeros: bool,
}

impl Sniffed {
    /// Whether the bytes are the text, and no other text may be hidden in them.
    fn is_plain(&self, bytes: &[u8]) -> bool {
        self.encoding == Encoding::Bytes && !(self.has_zeros && is_text_but_for_zeros(bytes))
    }
}

fn sniff(bytes: &[u8]) -> Sniffed {
    let marked = match bytes {
        [0xff, 0xfe, 0, 0, ..] => Some((Encoding::Utf32Le, 4)),
        [0, 0, 0xfe, 0xff, ..] => Some((Encoding::Utf32Be, 4)),
        [0xff, 0xfe, ..] => Some((Encoding::Utf16Le, 2)),
        [0xfe, 0xff, ..] => Some((Encoding::Utf16Be, 2)),
        _ => None,
    };
    if let Some((encoding, mark)) = marked {
        return Sniffed { encoding, mark, has_zeros: false };
    }
    let has_zeros = memchr::memchr(0, bytes).is_some();
    let encoding = if has_zeros { unmarked(bytes) } else { Encoding::Bytes };
    Sniffed { encoding, mark: 0, has_zeros }
}

/// What zeros say about a file without a mark.
fn unmarked(bytes: &[u8]) -> Encoding {
    let head = &bytes[..bytes.len().min(SNIFF) & !3];
    if head.len() < 8 {
        return Encoding::Bytes;
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
    match (zero, full) {
        ([_, true, true, true], [true, ..]) => Encoding::Utf32Le,
        ([true, true, true, _], [.., true]) => Encoding::Utf32Be,
        ([_, true, _, true], [true, _, true, _]) => Encoding::Utf16Le,
        ([true, _, true, _], [_, true, _, true]) => Encoding::Utf16Be,
        _ => by_parity(bytes),
    }
}

/// UTF-16 in which most characters are not ASCII: zeros are then rare, and all in bytes of one parity.
fn by_parity(bytes: &[u8]) -> Encoding {
    let (mut even, mut odd, mut last) = (0_usize, 0_usize, usize::MAX);
    for at in memchr::memchr_iter(0, bytes) {
        if at % 2 == 0 {
            even += 1
        } else {
            odd += 1
        }
        // No text has two zeros side by side, nor as many on the wrong side.
        if at.checked_sub(1) == Some(last) || even.min(odd) > 0 {
            return Encoding::Bytes;
        }
        last = at;
    }
    match (even, odd) {
        (0, LEAST_ZEROS..) => Encoding::Utf16Le,
        (LEAST_ZEROS.., 0) => Encoding::Utf16Be,
        _ => Encoding::Bytes,
    }
}

/// The next character and its width in the file; `None` at the end. Broken units read as U+FFFD.
fn next_character(bytes: &[u8], encoding: Encoding) -> Option<(char, usize)> {
    let unit16 = |at: usize| -> Option<u16> {
        let pair = [*bytes.get(at)?, *bytes.get(at + 1)?];
        Some(if encoding == Encoding::Utf16Le { u16::from_le_bytes(pair) } else { u16::from_be_bytes(pair) })
    };
    match encoding {
        Encoding::Bytes | Encoding::Squeezed => bytes.first().map(|&byte| (char::from(byte), 1)),
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
    fn what_is_squeezed_leads_back_to_the_file() {
        let mixed = [b"plain \0\0\n".to_vec(), utf16("secret = geheim\n", false, true), b"end".to_vec()].concat();
        let read = squeezed(&mixed).expect("there are zeros");
        assert_eq!(read.text.as_ref(), b"plain \nsecret = geheim\nend");
        let span = read.in_file(&mixed, Span::new(16, 22));
        assert_eq!(&mixed[span.range()], b"g\0e\0h\0e\0i\0m");
        assert_eq!(squeezed(b"\xff\xfeplain").expect("a mark").text.as_ref(), b"plain");
        let long = [vec![0; 9000], "word ".repeat(5000).into_bytes(), b"geheim".to_vec()].concat();
        let read = squeezed(&long).expect("there are zeros");
        let at = read.text.len() - 6;
        assert_eq!(read.in_file(&long, Span::new(at, at + 6)), Span::new(long.len() - 6, long.len()));
        for none in [&b"plain"[..], b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0\x3e\0\x01\0", b""] {
            assert!(squeezed(none).is_none());
        }
    }

    #[test]
    fn utf16_without_a_mark_that_is_hardly_ascii() {
        let text = format!("{}secret\n", "\u{5bc6}\u{7801}\u{8bf4}\u{660e}\n".repeat(30));
        for little in [true, false] {
            round_trip(&utf16(&text, false, little), "secret", &utf16("secret", false, little));
        }
    }

    #[test]
    fn plain_latin1_and_binary_stay_as_they_are() {
        for bytes in [&b"plain"[..], b"caf\xe9 au lait", b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0"] {
            assert!(matches!(decode(bytes).text, Cow::Borrowed(_)));
        }
    }
}
