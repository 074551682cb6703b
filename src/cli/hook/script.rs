//! The script that git runs as its hook, and how it is recognised again.

use std::path::{Path, PathBuf};

use super::Name;
use crate::text::shell_quoted;

/// The second line of every script of ours.
const MARK: &str = "# sopup-hook v1: made by `sopup hook install`; `sopup hook uninstall` takes it away.";
const HEAD: &str = "#!/bin/sh\n";

/// What a file in the place of a hook is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// As made by [`script`], with this program.
    Ours(PathBuf),
    /// Made by it, and changed since.
    Edited,
    /// Somebody else's.
    Foreign,
}

/// The script for a hook. It runs what was there before, with the same arguments and the same input, and then sopup. It
/// neither passes nor stops silently if sopup is gone.
pub(super) fn script(hook: Name, program: &Path) -> String {
    let name = hook.as_str();
    let program = shell_quoted(&program.to_string_lossy());
    let before = super::before(name);
    let (input, run_before, run) = if hook.reads_input() {
        (
            "# Both read what git writes; the dot keeps line ends at its end.\ninput=$(cat; echo .)\ninput=${input%.}\n",
            "printf '%s' \"$input\" | \"$before\" \"$@\" || exit",
            "printf '%s' \"$input\" | \"$sopup\"",
        )
    } else {
        ("", "\"$before\" \"$@\" || exit", "exec \"$sopup\"")
    };
    format!(
        "{HEAD}{MARK}
sopup={program}
before=\"$(dirname \"$0\")/{before}\"
{input}
if [ -x \"$before\" ]; then
  {run_before}
fi
[ -x \"$sopup\" ] || sopup=$(command -v sopup) || {{
  echo \"sopup: {what}, because sopup is gone: it is not on PATH, and its place was\" {program} >&2
  echo \"sopup: install it again; or take this hook away: rm '$0', and rename '$before' to it if that is there\" >&2
  exit 1
}}
{run} hook run {name} \"$@\"
",
        what = hook.stopped(),
    )
}

/// What the content of a hook is.
pub(super) fn kind(hook: Name, content: &[u8]) -> Kind {
    let Ok(text) = std::str::from_utf8(content) else { return Kind::Foreign };
    let Some(rest) = text.strip_prefix(HEAD).and_then(|text| text.strip_prefix(MARK)) else { return Kind::Foreign };
    let program = rest.lines().nth(1).and_then(|line| unquoted(line.strip_prefix("sopup=")?)).map(PathBuf::from);
    program.filter(|program| script(hook, program) == text).map_or(Kind::Edited, Kind::Ours)
}

/// The word that was quoted.
fn unquoted(word: &str) -> Option<String> {
    Some(word.strip_prefix('\'')?.strip_suffix('\'')?.replace(r"'\''", "'"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_is_known_again_until_it_is_edited() {
        let program = Path::new("/opt/it's here/sopup");
        for hook in Name::ALL {
            let text = script(hook, program);
            assert_eq!(kind(hook, text.as_bytes()), Kind::Ours(program.to_path_buf()));
            assert_eq!(kind(hook, format!("{text}echo more\n").as_bytes()), Kind::Edited);
        }
        assert_eq!(kind(Name::PreCommit, script(Name::PrePush, program).as_bytes()), Kind::Edited);
        assert_eq!(kind(Name::PreCommit, b"#!/bin/sh\nexec lefthook\n"), Kind::Foreign);
    }
}
