//! Text from scanned files made harmless for terminals: control characters, and characters that
//! reorder or hide text, are shown by their code points.

pub use crate::text::is_unsafe;

/// The text on one line, tabs as blanks, the rest of what is unsafe as `\u{…}`.
pub fn line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\t' => out.push(' '),
            _ if is_unsafe(character) => out.extend(character.escape_unicode()),
            _ => out.push(character),
        }
    }
    out
}

/// Text for elements and quoted attributes of HTML and XML, on one line.
pub fn markup(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in line(text).chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(character),
        }
    }
    out
}

/// A path as part of a URI: what is neither a letter, a digit nor one of `-._~/` is percent-encoded.
pub fn uri(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for &byte in path.as_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_what_a_terminal_would_obey() {
        assert_eq!(line("a\u{1b}[31mb\r\n\u{9b}c\u{202e}d\te"), "a\\u{1b}[31mb\\u{d}\\u{a}\\u{9b}c\\u{202e}d e");
        assert_eq!(line("grün ✓ 密码"), "grün ✓ 密码");
    }
    #[test]
    fn paths_become_parts_of_uris() {
        assert_eq!(uri("a b/ü:#?%.md"), "a%20b/%C3%BC%3A%23%3F%25.md");
    }
}
