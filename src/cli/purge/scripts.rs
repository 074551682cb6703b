//! The files beside a mirror: commands to push it, a script for other clones, a letter for the provider; and rules for
//! other tools.

use std::fmt::Write as _;
use std::io;
use std::path::Path;

use super::Opened;
use super::values::Chosen;
use crate::cli::Exit;
use crate::cli::error::CliError;
use crate::cli::ui::Ui;
use crate::file::{Access, FileError, put};
use crate::purge::{REPLACEMENT, Rewritten};
use crate::secret::Secret;
use crate::text::shell_word;

/// Writes what somebody needs to go on into a folder, from which `up` leads to the git directory.
pub(super) fn write(folder: &Path, up: &str, rewritten: &Rewritten, opened: &Opened) -> Result<(), FileError> {
    let texts = [("push.sh", push(rewritten, up)), ("clean-clone.sh", clean_clone(rewritten)), ("provider.txt", letter(rewritten, opened))];
    for (name, text) in texts {
        put(&folder.join(name), text.as_bytes(), Access::KeptOrShared)?;
    }
    Ok(())
}

/// Nobody's push in between is overwritten: each ref is pushed only if it still leads where it did. Nothing is deleted: a
/// ref whose name holds a value cannot be named here, and others may lead to the same commit.
fn push(rewritten: &Rewritten, up: &str) -> String {
    let mut text = format!(
        "#!/bin/sh\n# Replaces the old history on a server: push.sh URL\n# A ref that somebody has pushed to since is left alone, and the push fails.\n\
         set -eu\nurl=${{1:?name the server: push.sh URL}}\ncd \"$(dirname \"$0\")/{up}\"\n",
    );
    let mut left = String::new();
    for one in rewritten.refs.iter().filter(|one| one.is_change()) {
        let name = String::from_utf8_lossy(&one.name);
        let pushed = ["refs/heads/", "refs/tags/", "refs/notes/"].iter().any(|space| name.starts_with(space));
        if !pushed {
            continue;
        }
        let lease = if one.name == one.old_name {
            shell_word(&format!("--force-with-lease={name}:{}", one.old)) + " "
        } else {
            let _ = writeln!(left, "echo 'a ref at {} has a value in its name: delete it on the server yourself' >&2", one.old);
            String::new()
        };
        let _ = writeln!(text, "git push {lease}\"$url\" {}", shell_word(&format!("{name}:{name}")));
    }
    text + &left
}

fn clean_clone(rewritten: &Rewritten) -> String {
    let mut text = String::from(
        "#!/bin/sh\n# Takes the old history out of a clone, after the new one was pushed. Run it inside the clone: clean-clone.sh [REMOTE]\n\
         # Commits of your own that are on no server must be moved first: git rebase --onto NEW OLD BRANCH\n\
         set -eu\nremote=${1:-origin}\n\
         if [ -n \"$(git status --porcelain --untracked-files=no)\" ] || [ -n \"$(git stash list)\" ]; then\n\
         \x20 echo 'there are changes or stashes here: commit, push or drop them first' >&2\n  exit 1\nfi\n\
         git tag -l | xargs -r git tag -d >/dev/null\ngit fetch --prune --tags --force \"$remote\"\n\
         git for-each-ref --format='%(refname:short)' refs/heads | while read -r branch; do\n\
         \x20 git rev-parse -q --verify \"refs/remotes/$remote/$branch\" >/dev/null || continue\n\
         \x20 if [ \"$branch\" = \"$(git symbolic-ref -q --short HEAD)\" ]; then git reset --hard \"refs/remotes/$remote/$branch\"\n\
         \x20 else git branch -f \"$branch\" \"refs/remotes/$remote/$branch\"; fi\ndone\n\
         git update-ref -d ORIG_HEAD 2>/dev/null || true\nrm -f \"$(git rev-parse --git-path FETCH_HEAD)\"\n\
         git reflog expire --expire=now --all\ngit gc --prune=now --quiet\nleft=0\n",
    );
    for id in &rewritten.first {
        let _ = writeln!(text, "git cat-file -e {id} 2>/dev/null && {{ echo 'still here: {id}' >&2; left=1; }}");
    }
    text.push_str("[ $left = 0 ] && echo 'the old history is gone from this clone'\nexit $left\n");
    text
}

fn letter(rewritten: &Rewritten, opened: &Opened) -> String {
    let mut text = String::from(
        "Please remove cached views and pull-request refs of this repository that still show commits which we have replaced,\n\
         and run garbage collection on it and its forks. Credentials had been committed; they have been rotated.\n\nThe first commits that changed:\n",
    );
    for id in &rewritten.first {
        let _ = writeln!(text, "  {id}");
    }
    let pulls =
        opened.refs.iter().filter(|one| [&b"refs/pull/"[..], b"refs/merge-requests/"].iter().any(|space| one.name.starts_with(space)));
    let _ = writeln!(text, "\nRefs of pull requests known to us: {}\nChanged commits: {}", pulls.count(), rewritten.commits.len());
    text
}

/// Writes rules for other tools. They hold the values, so they may not lie in the repository.
pub(super) fn export(chosen: &Chosen, folder: &Path, repository: &Path, ui: &Ui) -> Result<Exit, CliError> {
    let wrong =
        |error: io::Error| CliError::new(format!("cannot write to {}: {error}", folder.display()), "name a folder that you can write to");
    std::fs::create_dir_all(folder).map_err(wrong)?;
    let (folder, repository) = (folder.canonicalize().map_err(wrong)?, repository.canonicalize().map_err(wrong)?);
    if folder.starts_with(&repository) {
        return Err(CliError::new(
            "the rules hold the values in plain text, and would lie inside the repository",
            "name a folder outside of it with `--to DIR`, best one in memory",
        )
        .exiting(Exit::Refused));
    }
    let mut values: Vec<&Secret> = chosen.values.iter().collect();
    // A value that is the beginning of another one must come later.
    values.sort_by_key(|value| std::cmp::Reverse(value.expose().len()));
    let rules: Vec<u8> = values.iter().flat_map(|value| filter_repo(value.expose())).collect();
    let single = values.iter().filter(|value| !value.expose().contains(&b'\n'));
    let bfg: Vec<u8> = single.flat_map(|value| bfg(value.expose())).collect();
    for (name, bytes) in [("replace-text.txt", &rules), ("replace-message.txt", &rules), ("bfg.txt", &bfg)] {
        put(&folder.join(name), bytes, Access::Private)?;
    }
    let shown = folder.display();
    ui.note(&format!(
        "rules for {} values are in {shown}; they are plain text: remove them afterwards\n\
         git filter-repo --replace-text {shown}/replace-text.txt --replace-message {shown}/replace-message.txt\n\
         bfg --replace-text {shown}/bfg.txt --no-blob-protection\n\
         Neither of them replaces base64 and other encodings, UTF-16 files, or names; `sopup purge run` does.",
        values.len()
    ));
    Ok(Exit::Clean)
}

/// A rule of git filter-repo: the last `==>` parts it, and `literal:` keeps it from being read as something else.
fn filter_repo(value: &[u8]) -> Vec<u8> {
    if value.contains(&b'\n') {
        let lines: Vec<String> =
            value.split(|&byte| byte == b'\n').map(|line| regex_of(line.strip_suffix(b"\r").unwrap_or(line))).collect();
        return format!("regex:{}==>{REPLACEMENT}\n", lines.join("\\r?\\n")).into_bytes();
    }
    [b"literal:", value, b"==>", REPLACEMENT.as_bytes(), b"\n"].concat()
}

/// Rules of BFG are expressions of lines.
fn bfg(value: &[u8]) -> Vec<u8> {
    format!("regex:{}==>{REPLACEMENT}\n", regex_of(value)).into_bytes()
}

/// An expression that matches these bytes alone, for Python and Java alike.
fn regex_of(bytes: &[u8]) -> String {
    let escaped = |byte: &u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' => char::from(*byte).to_string(),
        _ => format!("\\x{byte:02x}"),
    };
    bytes.iter().map(escaped).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traps_of_the_format_are_avoided() {
        assert_eq!(filter_repo(b"regex:a==>b"), b"literal:regex:a==>b==>REMOVED\n");
        assert_eq!(filter_repo(b"a.\nb"), b"regex:a\\x2e\\r?\\nb==>REMOVED\n");
        assert_eq!(bfg(b"a$\xff"), b"regex:a\\x24\\xff==>REMOVED\n");
    }
}
