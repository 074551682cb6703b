//! What git is told about SOPS files: in its configuration how they are merged and shown, in `.gitattributes` which they are.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::Place;
use crate::cli::Exit;
use crate::cli::environment::git_dir;
use crate::cli::error::CliError;
use crate::cli::git::ask;
use crate::cli::sops::file::read;
use crate::cli::ui::Ui;
use crate::file::{Access, change};
use crate::sops::doctor::looks_encrypted;
use crate::text::shell_quoted;

const ATTRIBUTES: &str = ".gitattributes";
const SECTIONS: [&str; 2] = ["merge.sopup", "diff.sopup"];

pub(super) fn install(place: &Place, write: bool, ui: &Ui) -> Result<Exit, CliError> {
    let program = std::env::current_exe()
        .map_err(|error| CliError::new(format!("cannot tell where sopup is: {error}"), "start it by its whole path"))?;
    let program = shell_quoted(&program.to_string_lossy());
    let top = top(place)?;
    let settings = [
        ("merge.sopup.name", "SOPS files, merged by their values".to_owned()),
        ("merge.sopup.driver", format!("{program} merge-driver run -- %O %A %B %P")),
        ("diff.sopup.textconv", format!("{program} textconv --")),
        // What is decrypted must not be kept among git's objects.
        ("diff.sopup.cachetextconv", "false".to_owned()),
    ];
    let mut out = ui.stdout();
    for (name, value) in &settings {
        config(&top, place, &[name, value])?;
        writeln!(out, "set {name} = {value}")?;
    }
    let lines = missing_lines(&top)?;
    if lines.is_empty() {
        writeln!(out, "every SOPS file here has `merge=sopup` and `diff=sopup`")?;
    } else if write {
        append(&top.join(ATTRIBUTES), &lines)?;
        lines.iter().try_for_each(|line| writeln!(out, "wrote to {ATTRIBUTES}: {line}"))?;
        writeln!(out, "Next: commit {ATTRIBUTES}; every clone needs its own `sopup merge-driver install`")?;
    } else {
        writeln!(out, "Add to {ATTRIBUTES}, or let `sopup merge-driver install --write` do it:")?;
        lines.iter().try_for_each(|line| writeln!(out, "  {line}"))?;
    }
    out.flush()?;
    Ok(Exit::Clean)
}

pub(super) fn uninstall(place: &Place, ui: &Ui) -> Result<Exit, CliError> {
    let top = top(place)?;
    let mut out = ui.stdout();
    for section in SECTIONS {
        let there = git(&top, place, &["--get-regexp", &format!("^{}\\.", section.replace('.', "\\."))])?;
        if there.is_some() {
            config(&top, place, &["--remove-section", section])?;
            writeln!(out, "removed {section}")?;
        } else {
            writeln!(out, "{section} is not there")?;
        }
    }
    out.flush()?;
    ui.note(&format!("lines with `merge=sopup` in {ATTRIBUTES} may stay: git then merges these files like any other"));
    Ok(Exit::Clean)
}

/// The top of the working tree.
fn top(place: &Place) -> Result<PathBuf, CliError> {
    let git = git_dir(&place.path)?;
    let top = git.work_tree().map(Path::to_path_buf);
    top.ok_or_else(|| CliError::new("this repository has no working tree, and nothing is merged in it", "run it in a clone"))
}

/// Changes git's configuration.
fn config(top: &Path, place: &Place, words: &[&str]) -> Result<(), CliError> {
    let done = git(top, place, words)?;
    done.map(drop).ok_or_else(|| {
        CliError::new(
            format!("git cannot write {} to its configuration", words[0]),
            "`git config --list --show-origin` says where it is kept",
        )
    })
}

fn git(top: &Path, place: &Place, words: &[&str]) -> Result<Option<Vec<u8>>, CliError> {
    let scope = if place.global { "--global" } else { "--local" };
    ask(top, [&["config", scope], words].concat(), b"")
}

/// The lines that `.gitattributes` lacks, so that every SOPS file is merged and shown by its values.
fn missing_lines(top: &Path) -> Result<BTreeSet<String>, CliError> {
    let listed = ask(top, ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], b"")?.unwrap_or_default();
    let mut wanted = Vec::new();
    for name in listed.split(|byte| *byte == 0).filter_map(|name| std::str::from_utf8(name).ok()).filter(|name| !name.is_empty()) {
        let path = top.join(name);
        let is_file = fs::symlink_metadata(&path).is_ok_and(|about| about.is_file());
        if is_file && read(&path).is_ok_and(|bytes| looks_encrypted(&bytes)) {
            wanted.push(name.to_owned());
        }
    }
    let input: Vec<u8> = wanted.iter().flat_map(|name| name.bytes().chain([0])).collect();
    let told = ask(top, ["check-attr", "-z", "--stdin", "merge", "diff"], &input)?.unwrap_or_default();
    let words: Vec<&[u8]> = told.split(|byte| *byte == 0).collect();
    let lacks = |name: &&String| {
        let mut values = words.chunks_exact(3).filter(|row| row[0] == name.as_bytes());
        values.clone().count() == 0 || values.any(|row| row[2] != b"sopup")
    };
    Ok(wanted.iter().filter(lacks).map(|name| format!("{} merge=sopup diff=sopup", pattern(name))).collect())
}

/// The pattern for a file: by the end of its name if that says that it is encrypted, else the file alone.
fn pattern(path: &str) -> String {
    let name = path.rsplit('/').next().unwrap_or(path);
    let mut parts = name.rsplitn(3, '.');
    let (end, mark) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    if parts.next().is_some() && ["enc", "sops"].contains(&mark) && end.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return format!("*.{mark}.{end}");
    }
    let mut escaped = String::from("/");
    for character in path.chars() {
        if "*?[]\\".contains(character) {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    let needs_quotes = escaped.contains(|character: char| character.is_whitespace() || character == '"');
    if needs_quotes { format!("\"{}\"", escaped.replace('\\', "\\\\").replace('"', "\\\"")) } else { escaped }
}

/// Adds lines at the end of a file.
fn append(file: &Path, lines: &BTreeSet<String>) -> Result<(), CliError> {
    change(file, 1 << 20, Access::KeptOrShared, |before| {
        let mut text = before.unwrap_or_default().to_vec();
        if !text.is_empty() && !text.ends_with(b"\n") {
            text.push(b'\n');
        }
        lines.iter().for_each(|line| text.extend_from_slice(format!("{line}\n").as_bytes()));
        Ok((text, ()))
    })
}

#[cfg(test)]
mod tests {
    use super::pattern;

    #[test]
    fn patterns_match_like_files_or_one_file() {
        assert_eq!(pattern("k8s/db.enc.yaml"), "*.enc.yaml");
        assert_eq!(pattern("a.b.sops.env"), "*.sops.env");
        assert_eq!(pattern("secrets/prod.yaml"), "/secrets/prod.yaml");
        assert_eq!(pattern("enc.yaml"), "/enc.yaml");
        assert_eq!(pattern("my secrets/a[1].json"), "\"/my secrets/a\\\\[1\\\\].json\"");
    }
}
