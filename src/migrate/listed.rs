//! Items added to a list in YAML text, without touching the rest.

use super::outline::{Outline, Spelling};

/// The list cannot be extended.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not written as a list of lines; add to it by hand")]
pub struct NotLines(String);

/// Whether the text has a key below these at its top.
#[must_use]
pub fn has_key(text: &str, keys: &[&str]) -> bool {
    Outline::new(text).key(0, keys).is_some()
}

/// The text with items behind those of the list or map at a path of keys; a list at the top is made if there is none. Items
/// are lines that start at the first column.
///
/// # Errors
/// If the list is written in one line, or is not there.
pub fn with_items(text: &str, keys: &[&str], items: &str) -> Result<String, NotLines> {
    let outline = Outline::new(text);
    let end = line_end(text);
    let missing = || NotLines(keys.join(": "));
    let Some(list) = outline.key(0, keys) else {
        let [key] = keys else { return Err(missing()) };
        return Ok(with_lines(text, &format!("{key}:\n{}", indented(items, 2, "\n"))));
    };
    if list.spelling != Spelling::None {
        return Err(missing());
    }
    let children = outline.children(0, &list.path);
    let (at, column) = children.last().map_or((list.end, list.column + 2), |last| (last.end, last.column));
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
