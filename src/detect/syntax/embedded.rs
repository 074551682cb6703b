//! Texts inside of programs: YAML in a literal of several lines, such as the examples in the documentation of a module.

use super::page::Page;
use crate::text::Span;

/// Lines that are followed up to the beginning of a literal.
const LINES: usize = 64;

/// Whether a line of a program is one of a literal that holds YAML up to here.
pub(in crate::detect) fn is_yaml(page: &Page<'_>, line: Span) -> bool {
    let mut at = line;
    for _ in 0..LINES {
        let Some(above) = page.line_before(at).filter(|_| is_line_of_yaml(page.bytes(at))) else { return false };
        if opens(page.bytes(above)) {
            return true;
        }
        at = above;
    }
    false
}

/// `EXAMPLES = r'''`, ``const manifest = ` ``
fn opens(line: &[u8]) -> bool {
    let line = line.trim_ascii_end();
    let line = line.strip_suffix(b"\\").unwrap_or(line);
    let opened = [&b"\"\"\""[..], b"'''", b"`"].iter().find_map(|quote| line.strip_suffix(*quote));
    opened.is_some_and(|before| matches!(before.trim_ascii_end(), [.., b'=' | b'(' | b',' | b':' | b'r']))
}

/// `- name: x`, `key: value`, `key:`, `[section]`, a remark, or nothing.
fn is_line_of_yaml(line: &[u8]) -> bool {
    let line = line.trim_ascii();
    let item = line.strip_prefix(b"- ").unwrap_or(line).trim_ascii_start();
    let key = item.iter().take_while(|byte| byte.is_ascii_alphanumeric() || b"_-./\"'".contains(byte)).count();
    let keyed = key > 0 && matches!(item[key..], [b':'] | [b':', b' ', ..]);
    // `[server]`, as INI has it
    let section =
        || matches!(line, [b'[', name @ .., b']'] if name.iter().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(byte)));
    keyed && !matches!(line, [.., b',' | b';' | b'{'])
        || matches!(line, [] | [b'#', ..] | b"---" | b"...")
        || line.starts_with(b"- ")
        || section()
}
