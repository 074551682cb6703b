//! Text from scanned files made harmless for terminals: control characters, and characters that
//! reorder or hide text, are shown by their code points.

/// Whether a character can change how the text around it is shown.
pub fn is_unsafe(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_what_a_terminal_would_obey() {
        assert_eq!(line("a\u{1b}[31mb\r\n\u{9b}c\u{202e}d\te"), "a\\u{1b}[31mb\\u{d}\\u{a}\\u{9b}c\\u{202e}d e");
        assert_eq!(line("grün ✓ 密码"), "grün ✓ 密码");
    }
}
