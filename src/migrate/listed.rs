//! Items added to a list in YAML text, without touching the rest.

use super::outline::{Outline, Part, Spelling};

/// The list cannot be extended.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not written as a list of lines; add to it by hand")]
pub struct NotLines(String);

/// Whether the text has this key at its top.
#[must_use]
pub fn has_key(text: &str, key: &str) -> bool {
    Outline::new(text).key(0, &[key]).is_some()
}

/// The text with items behind those of the list at a key of its top; the list is made if there is none. Items are lines
/// that start at the first column.
///
/// # Errors
/// If the list is written in one line.
pub fn with_items(text: &str, key: &str, items: &str) -> Result<String, NotLines> {
    let outline = Outline::new(text);
    let path = [Part::Key(key.to_owned())];
    let end = line_end(text);
    let Some(list) = outline.at(0, &path) else {
        return Ok(with_lines(text, &format!("{key}:\n{}", indented(items, 2, "\n"))));
    };
    if list.spelling != Spelling::None {
        return Err(NotLines(key.to_owned()));
    }
    let (at, column) = outline.children(0, &path).last().map_or((list.end, 2), |last| (last.end, last.column));
    let gap = if text[..at].ends_with('\n') { "" } else { end };
    Ok(format!("{}{gap}{}{}", &text[..at], indented(items, column, end), &text[at..]))
}

/// The text with lines at its end.
#[must_use]
pub fn with_lines(text: &str, lines: &str) -> String {
    if lines.is_empty() {
        return text.to_owned();
    }
    let end = line_end(text);
    let missing = if text.is_empty() || text.ends_with('\n') { "" } else { end };
    format!("{text}{missing}{}", indented(lines, 0, end))
}

fn line_end(text: &str) -> &'static str {
    if text.contains("\r\n") { "\r\n" } else { "\n" }
}

fn indented(lines: &str, column: usize, end: &str) -> String {
    lines.lines().map(|line| format!("{:column$}{line}{end}", "")).collect()
}
