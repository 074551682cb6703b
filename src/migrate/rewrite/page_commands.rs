//! Which lines of a page are commands, and where each begins.

use super::page::Block;
use super::quote::{Quote, shell_quote};
use crate::text::Span;

/// Whether a block of this language is for a shell.
pub(super) fn is_shell(info: &str) -> bool {
    ["bash", "sh", "shell", "zsh", "console", "shell-session", "terminal"].contains(&info)
}

/// What blocks are called whose language is not told.
pub(super) const NO_LANGUAGES: [&str; 5] = ["", "text", "txt", "none", "plain"];

/// Whether a line looks like a command, or like the rest of one.
pub(super) fn is_command(text: &str, line: Span) -> bool {
    let (own, above) = (text[line.range()].trim_start(), text[..line.start].trim_end_matches(['\r', '\n']));
    let assigns = || {
        own.split_once('=').is_some_and(|(name, _)| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_'))
    };
    let options = || own.contains(" -") && !own.starts_with('-') && !own.contains(": ");
    options() || assigns() && own.contains(' ') || own.starts_with("export ") || own.starts_with("$ ") || above.ends_with('\\')
}

/// `1. sudo docker exec db sqlcmd -P 'x'`: a command in a list, which no other mark tells.
pub(super) fn is_listed_command(text: &str, line: Span) -> bool {
    let whole = text[line.range()].trim_start();
    let command = without_marks(&text[line.range()]);
    let program = command.split(' ').next().unwrap_or_default();
    let named =
        !program.is_empty() && program.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-/".contains(&byte));
    let option = |word: &str| word.strip_prefix('-').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_alphabetic() || c == '-'));
    command.len() < whole.len() && named && command.split(' ').skip(1).any(option)
}

/// Without the mark of a list and the prompt that a line may begin with.
pub(super) fn without_marks(line: &str) -> &str {
    let line = line.trim_start();
    let number = line.trim_start_matches(|c: char| c.is_ascii_digit());
    let item = if number.len() < line.len() { number.strip_prefix(". ").or(number.strip_prefix(") ")) } else { None };
    let item = item.or(line.strip_prefix("- ")).or(line.strip_prefix("* ")).unwrap_or(line).trim_start();
    item.strip_prefix("$ ").unwrap_or(item)
}

/// Where the command begins that a line of a block belongs to: the lines above it may end within quotes, or with `\`.
pub(super) fn command_start(text: &str, line: Span, block: &Block) -> usize {
    const LINES: usize = 30;
    let above = block.above(text, line);
    let mut at = line.start - above.len();
    let mut start = at;
    for part in above.split_inclusive('\n') {
        let so_far = text[start..at + part.len()].trim_end();
        let remark = start == at && so_far.trim_start().starts_with('#');
        let goes_on = !remark && (so_far.ends_with('\\') || shell_quote(so_far, so_far.len()) != Quote::Bare);
        at += part.len();
        if !goes_on {
            start = at;
        }
    }
    // A stray apostrophe is no quote.
    if text[start..line.start].lines().count() > LINES { line.start } else { start }
}

/// Whether a line of a shell block is what a command printed: the block has prompts, and this is no line that one begins or
/// that the last one is continued on.
pub(super) fn is_output(above: &str, line: &str) -> bool {
    let is_prompt = |line: &str| ["$ ", "# ", "% ", "> "].iter().any(|prompt| line.trim_start().starts_with(prompt));
    let continued = above.lines().next_back().is_some_and(|line| line.trim_end().ends_with('\\'));
    let prompted = above.lines().any(|line| line.trim_start().starts_with("$ "));
    prompted && !continued && !is_prompt(line)
}

/// `C:\\>ktpass -pass x`, `PS> login x`: a line for a shell that knows no `$(…)` as others do.
pub(super) fn is_of_windows(line: &str) -> bool {
    let line = line.trim_start().trim_start_matches(['`', '>', ' ']);
    let drive = matches!(line.as_bytes(), [letter, b':', b'\\', ..] if letter.is_ascii_uppercase()) && line.contains('>');
    drive || line.starts_with("PS>") || line.starts_with("PS C:")
}
