//! Shell scripts that husky runs: where a line of ours goes, and whether a line is reached.

/// The script with a line before its first command.
pub(super) fn with_first(text: &str, line: &str) -> String {
    let at = head(text);
    let gap = if text[..at].is_empty() || text[..at].ends_with('\n') { "" } else { "\n" };
    format!("{}{gap}{line}{}", &text[..at], &text[at..])
}

/// Where the lines end that only prepare a script: `#!`, comments with a blank line behind them, `set`, and files that are sourced.
fn head(text: &str) -> usize {
    let (mut read, mut end) = (0, 0);
    for line in text.split_inclusive('\n') {
        read += line.len();
        let line = line.trim();
        if line.starts_with("#!") || ["", "set", ".", "source"].contains(&first_word(line)) {
            end = read;
        } else if !line.starts_with('#') {
            break;
        }
    }
    end
}

/// The number of the line, and the line, that ends a script before a command is reached.
pub(super) fn ended_before<'t>(text: &'t str, command: &str) -> Option<(usize, &'t str)> {
    let mut depth = 0_i32;
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.starts_with('#') {
            continue;
        }
        if line.contains(command) {
            return None;
        }
        if depth == 0 && ends(line) {
            return Some((number + 1, line));
        }
        depth = (depth + nesting(line)).max(0);
    }
    None
}

/// Whether nothing behind a command is run.
fn ends(line: &str) -> bool {
    let is_redirection = |word: &str| word.trim_start_matches(|c: char| c.is_ascii_digit() || c == '&').starts_with(['<', '>']);
    match first_word(line) {
        "exit" | "exit;" => true,
        "exec" => line.split_whitespace().nth(1).is_some_and(|word| !is_redirection(word)),
        _ => false,
    }
}

/// How many `if`, loops, groups and functions a line opens and does not close.
fn nesting(line: &str) -> i32 {
    let opens: i32 = line
        .split(';')
        .map(|part| match first_word(part) {
            "if" | "for" | "while" | "until" | "case" => 1,
            "fi" | "done" | "esac" => -1,
            word if word.starts_with(['}', ')']) => -1,
            _ => 0,
        })
        .sum();
    opens + i32::from(line.ends_with(['{', '(']))
}

fn first_word(line: &str) -> &str {
    line.split_whitespace().next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_goes_before_the_first_command() {
        let first = |text| with_first(text, "X\n");
        assert_eq!(first(""), "X\n");
        assert_eq!(first("echo lint\nexit 0"), "X\necho lint\nexit 0");
        assert_eq!(first("#!/bin/sh"), "#!/bin/sh\nX\n");
        assert_eq!(first("#!/bin/sh\n# lints\nexec lint"), "#!/bin/sh\nX\n# lints\nexec lint");
        assert_eq!(first("# About.\n\nset -e\n. ./_/husky.sh\n\nlint\n"), "# About.\n\nset -e\n. ./_/husky.sh\n\nX\nlint\n");
    }

    #[test]
    fn what_ends_a_script_is_found() {
        let ended = |text: &str| ended_before(text, "sopup hook").map(|(number, _)| number);
        assert_eq!(ended("echo a\nexit 0\nsopup hook"), Some(2));
        assert_eq!(ended("exec lint \"$@\"\nsopup hook"), Some(1));
        assert_eq!(ended("if x; then\n  exit 1\nfi\nexit\nsopup hook"), Some(4));
        for reached in [
            "sopup hook\nexit 0",
            "# exit 0\n[ -n \"$CI\" ] && exit 0\nsopup hook",
            "if x; then\nexit 0\nfi\nsopup hook",
            "if x; then exit 0; fi\nexec 2>log\nexec >&2\nsopup hook",
            "f() {\nexit 1\n}\ncase x in\na) y ;;\nesac\nsopup hook",
        ] {
            assert_eq!(ended(reached), None, "{reached}");
        }
    }
}
