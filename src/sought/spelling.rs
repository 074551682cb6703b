//! The ways in which one value may be written.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

/// How a value is written where it was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Spelling {
    /// As it is.
    Plain,
    /// With other ends of lines.
    LineEnds,
    /// A key in a text form without its header, however its lines are broken.
    Body,
    /// Two bytes a character.
    Utf16,
    /// In base64, at any place of a longer run.
    Base64,
    /// In base64 of two bytes a character.
    Base64Utf16,
    /// In hexadecimal.
    Hex,
    /// As in URLs and forms.
    Percent,
    /// With the escapes of JSON or of a quoted YAML scalar.
    Escaped,
    /// With the entities of XML and HTML.
    Entities,
    /// In single quotes of a shell or of YAML.
    Quoted,
    /// With every `$` doubled, as in compose files.
    Doubled,
}

impl fmt::Display for Spelling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plain => "as it is",
            Self::LineEnds => "with other ends of lines",
            Self::Body => "without its header",
            Self::Utf16 => "in UTF-16",
            Self::Base64 => "in base64",
            Self::Base64Utf16 => "in base64 of UTF-16",
            Self::Hex => "in hexadecimal",
            Self::Percent => "percent-encoded",
            Self::Escaped => "with escapes",
            Self::Entities => "with entities",
            Self::Quoted => "with escaped quotes",
            Self::Doubled => "with doubled dollars",
        })
    }
}

/// The bytes of a spelling.
pub(super) type Bytes = Zeroizing<Vec<u8>>;

/// What URLs need not escape, beside letters and digits (RFC 3986, section 2.3).
pub(super) const UNRESERVED: &[u8] = b"-._~";

/// All spellings of a value, each once; the plain one first.
pub(super) fn spellings(value: &[u8]) -> Vec<(Spelling, Bytes)> {
    let mut all: Vec<(Spelling, Bytes)> = vec![(Spelling::Plain, Zeroizing::new(value.to_vec()))];
    let mut add = |spelling, bytes: Vec<u8>| {
        if all.iter().all(|(_, known)| **known != bytes) {
            all.push((spelling, Zeroizing::new(bytes)));
        }
    };
    if value.contains(&b'\n') {
        let lines: Vec<&[u8]> = value.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line)).collect();
        add(Spelling::LineEnds, lines.join(&b"\n"[..]));
        add(Spelling::LineEnds, lines.join(&b"\r\n"[..]));
        let body = lines.iter().filter(|line| !line.starts_with(b"-----")).flat_map(|line| line.trim_ascii().iter().copied());
        add(Spelling::Body, body.collect());
    }
    for (spelling, bytes) in [(Spelling::Base64, value.to_vec()), (Spelling::Base64Utf16, utf16(value, u16::to_le_bytes))] {
        for shift in 0..3 {
            add(spelling, base64(&STANDARD_NO_PAD, &bytes, shift));
            add(spelling, base64(&URL_SAFE_NO_PAD, &bytes, shift));
        }
    }
    add(Spelling::Utf16, utf16(value, u16::to_le_bytes));
    add(Spelling::Utf16, utf16(value, u16::to_be_bytes));
    add(Spelling::Hex, value.iter().flat_map(|byte| format!("{byte:02x}").into_bytes()).collect());
    add(Spelling::Hex, value.iter().flat_map(|byte| format!("{byte:02X}").into_bytes()).collect());
    // What is left as it is differs: the standard's characters, those of JavaScript, or letters and digits alone.
    for kept in [UNRESERVED, b"-_.!~*'()", b""] {
        for (upper, blank) in [(true, "%20"), (false, "%20"), (true, "+"), (false, "+")] {
            add(Spelling::Percent, percent(value, kept, upper, blank));
        }
    }
    for wide in [Wide::Kept, Wide::Lower, Wide::Upper, Wide::Short] {
        for (slash, html) in [(false, false), (false, true), (true, false), (true, true)] {
            add(Spelling::Escaped, escaped(value, slash, html, wide));
        }
    }
    for quotes in [("&quot;", "&#39;"), ("&quot;", "&apos;"), ("&#34;", "&#39;"), ("\"", "'")] {
        add(Spelling::Entities, entities(value, quotes));
    }
    add(Spelling::Quoted, replaced(value, b'\'', b"'\\''"));
    add(Spelling::Quoted, replaced(value, b'\'', b"''"));
    add(Spelling::Doubled, replaced(value, b'$', b"$$"));
    all
}

/// What base64 of a longer text holds wherever the value begins in it: the characters that the value alone decides.
fn base64(engine: &impl Engine, value: &[u8], shift: usize) -> Vec<u8> {
    let mut shifted = vec![0; shift];
    shifted.extend_from_slice(value);
    let whole = shifted.len() * 8 / 6;
    let mut text = engine.encode(Zeroizing::new(shifted)).into_bytes();
    text.truncate(whole);
    text.drain(..[0, 2, 3][shift]);
    text
}

fn utf16(value: &[u8], bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    let text = Zeroizing::new(String::from_utf8_lossy(value).into_owned());
    text.encode_utf16().flat_map(bytes).collect()
}

/// As in URLs: everything but letters, digits and what is `kept`.
pub(super) fn percent(value: &[u8], kept: &[u8], upper: bool, blank: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(value.len());
    for &byte in value {
        match byte {
            b' ' => out.extend_from_slice(blank.as_bytes()),
            _ if byte.is_ascii_alphanumeric() || kept.contains(&byte) => out.push(byte),
            _ if upper => out.extend_from_slice(format!("%{byte:02X}").as_bytes()),
            _ => out.extend_from_slice(format!("%{byte:02x}").as_bytes()),
        }
    }
    out
}

/// How writers of JSON and of quoted YAML scalars write what is not ASCII.
#[derive(Clone, Copy)]
enum Wide {
    /// As it is, like JavaScript and Go.
    Kept,
    /// By its number, like Python and PHP.
    Lower,
    /// By its number, like .NET.
    Upper,
    /// By a number as short as can be, like PyYAML.
    Short,
}

/// In double quotes; a `slash` as PHP writes it, and what has a meaning in HTML as Go does.
fn escaped(value: &[u8], slash: bool, html: bool, wide: Wide) -> Vec<u8> {
    let mut out = Vec::with_capacity(value.len());
    let text = Zeroizing::new(String::from_utf8_lossy(value).into_owned());
    for character in text.chars() {
        let (mut buffer, mut units) = ([0; 4], [0; 2]);
        let by_units = |units: &[u16], upper: bool| -> Vec<u8> {
            let written = |unit: &u16| if upper { format!("\\u{unit:04X}") } else { format!("\\u{unit:04x}") };
            units.iter().flat_map(|unit| written(unit).into_bytes()).collect()
        };
        match (character, wide) {
            ('"' | '\\', _) => out.extend_from_slice(&[b'\\', character as u8]),
            ('\n', _) => out.extend_from_slice(b"\\n"),
            ('\r', _) => out.extend_from_slice(b"\\r"),
            ('\t', _) => out.extend_from_slice(b"\\t"),
            ('/', _) if slash => out.extend_from_slice(b"\\/"),
            ('<' | '>' | '&', _) if html => out.extend_from_slice(&by_units(&[character as u16], false)),
            (_, Wide::Lower | Wide::Upper) if !character.is_ascii() => {
                out.extend_from_slice(&by_units(character.encode_utf16(&mut units), matches!(wide, Wide::Upper)));
            }
            (_, Wide::Short) if !character.is_ascii() => out.extend_from_slice(&match character as u32 {
                number @ ..=0xff => format!("\\x{number:02X}").into_bytes(),
                number @ ..=0xffff => format!("\\u{number:04X}").into_bytes(),
                number => format!("\\U{number:08X}").into_bytes(),
            }),
            _ => out.extend_from_slice(character.encode_utf8(&mut buffer).as_bytes()),
        }
    }
    out
}

fn entities(value: &[u8], (double, single): (&str, &str)) -> Vec<u8> {
    let mut out = Vec::with_capacity(value.len());
    for &byte in value {
        match byte {
            b'&' => out.extend_from_slice(b"&amp;"),
            b'<' => out.extend_from_slice(b"&lt;"),
            b'>' => out.extend_from_slice(b"&gt;"),
            b'"' => out.extend_from_slice(double.as_bytes()),
            b'\'' => out.extend_from_slice(single.as_bytes()),
            _ => out.push(byte),
        }
    }
    out
}

fn replaced(value: &[u8], what: u8, by: &[u8]) -> Vec<u8> {
    value.iter().flat_map(|&byte| if byte == what { by.to_vec() } else { vec![byte] }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::engine::general_purpose::STANDARD;

    #[test]
    fn base64_is_found_at_every_place_of_a_longer_text() {
        let value = b"gR4nite-Falcon-27";
        let all = spellings(value);
        for before in 0..7 {
            for after in 0..7 {
                let mut text = vec![b'x'; before];
                text.extend_from_slice(value);
                text.extend(vec![b'y'; after]);
                let encoded = STANDARD.encode(&text);
                let found = all
                    .iter()
                    .any(|(spelling, bytes)| *spelling == Spelling::Base64 && memchr::memmem::find(encoded.as_bytes(), bytes).is_some());
                assert!(found, "{before} bytes before, {after} behind");
            }
        }
    }

    #[test]
    fn what_is_written_differently_is_a_spelling_of_its_own() {
        let all = spellings("a \"b\"&'c'$/ü".as_bytes());
        let has = |spelling, text: &str| all.iter().any(|(how, bytes)| *how == spelling && bytes.as_slice() == text.as_bytes());
        assert!(has(Spelling::Escaped, "a \\\"b\\\"&'c'$/ü"));
        assert!(has(Spelling::Escaped, "a \\\"b\\\"\\u0026'c'$\\/\\u00fc"));
        // As Python, Go, PHP, .NET and PyYAML write it.
        for text in ["&'c'$/\\u00fc", "\\u0026'c'$/ü", "&'c'$\\/\\u00fc", "&'c'$/\\u00FC", "&'c'$/\\xFC"] {
            assert!(has(Spelling::Escaped, &format!("a \\\"b\\\"{text}")), "{text}");
        }
        assert!(has(Spelling::Percent, "a+%22b%22%26%27c%27%24%2F%C3%BC"));
        assert!(has(Spelling::Entities, "a &quot;b&quot;&amp;&#39;c&#39;$/ü"));
        assert!(has(Spelling::Quoted, "a \"b\"&''c''$/ü"));
        assert!(has(Spelling::Doubled, "a \"b\"&'c'$$/ü"));
    }

    #[test]
    fn a_value_of_letters_has_few_spellings() {
        let all = spellings(b"Walrus88Timber");
        let of = |wanted| all.iter().filter(|(spelling, _)| *spelling == wanted).count();
        assert_eq!((of(Spelling::Plain), of(Spelling::Base64), of(Spelling::Hex), of(Spelling::Escaped)), (1, 3, 2, 0));
    }
}
