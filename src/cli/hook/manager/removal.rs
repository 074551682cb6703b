//! Lines of ours taken out of the files of a manager, as far as nobody has changed them.

use std::fs;
use std::path::Path;

use super::super::Name;
use super::change::runs;
use super::{Manager, husky, indented, lefthook_command, pre_commit, pre_commit_hook, prek, text_of};
use crate::cli::error::CliError;
use crate::file::{Access, put};

/// What became of a file.
pub(in crate::cli::hook) enum Removal {
    /// Our lines are gone from it.
    Taken(String),
    /// There was nothing else in it.
    Removed(String),
    /// This line of it still runs sopup.
    Left(String, usize),
}

/// Takes hooks of ours out of the files of a manager in a working tree.
///
/// # Errors
/// If a file cannot be read or written.
pub(in crate::cli::hook) fn take_out(manager: Manager, hooks: &[Name], top: &Path) -> Result<Vec<Removal>, CliError> {
    let mut done = Vec::new();
    let files: Vec<(String, Vec<Name>)> = match manager {
        Manager::Husky => hooks.iter().map(|&hook| (format!(".husky/{}", hook.as_str()), vec![hook])).collect(),
        Manager::Lefthook(file) | Manager::Prek(file) | Manager::PreCommit(file) => vec![(file.to_owned(), hooks.to_vec())],
    };
    for (file, hooks) in files {
        let path = top.join(&file);
        let Some(text) = text_of(top, &file, "take the lines out by hand")? else { continue };
        let rest = forms(manager, &hooks).iter().fold(text.clone(), |text, lines| without(&text, lines, manager));
        if rest.is_empty() && !text.is_empty() {
            fs::remove_file(&path).map_err(|error| CliError::new(format!("cannot remove {file}: {error}"), "remove it by hand"))?;
            done.push(Removal::Removed(file));
            continue;
        }
        if rest != text {
            put(&path, rest.as_bytes(), Access::KeptOrShared)?;
            done.push(Removal::Taken(file.clone()));
        }
        let runs_ours = |line: &str| hooks.iter().any(|hook| runs(line, &format!("sopup hook run {}", hook.as_str())));
        let left = rest.lines().enumerate().filter(|(_, line)| runs_ours(line));
        done.extend(left.map(|(number, _)| Removal::Left(file.clone(), number + 1)));
    }
    Ok(done)
}

/// The lines that were written for hooks, larger pieces first.
fn forms(manager: Manager, hooks: &[Name]) -> Vec<String> {
    match manager {
        Manager::Husky => {
            // Without `exit`, as earlier versions wrote it.
            hooks.iter().flat_map(|&hook| [husky(hook), husky(hook).replace(" || exit $?", "")]).collect()
        }
        Manager::Lefthook(_) => hooks.iter().flat_map(|&hook| lefthook_forms(hook)).collect(),
        Manager::Prek("prek.toml") => hooks.iter().map(|&hook| prek(hook)).collect(),
        Manager::Prek(_) | Manager::PreCommit(_) => {
            let lists = subsets(hooks).into_iter().map(|hooks| pre_commit(&hooks));
            let with_key = |list: String| [format!("repos:\n{}", indented(&list, 2)), list];
            lists.flat_map(with_key).chain(hooks.iter().map(|&hook| pre_commit_hook(hook))).collect()
        }
    }
}

fn lefthook_forms(hook: Name) -> [String; 4] {
    let inner = lefthook_command(hook);
    let command = format!("sopup:\n{}", indented(&inner, 2));
    let commands = format!("commands:\n{}", indented(&command, 2));
    [format!("{}:\n{}", hook.as_str(), indented(&commands, 2)), commands, command, format!("- name: sopup\n{}", indented(&inner, 2))]
}

/// All choices of some hooks, in their order, larger ones first.
fn subsets(hooks: &[Name]) -> Vec<Vec<Name>> {
    let pick = |set: u32| hooks.iter().enumerate().filter(move |(at, _)| set & (1 << at) != 0).map(|(_, &hook)| hook).collect();
    let mut all: Vec<Vec<Name>> = (1..1_u32 << hooks.len()).map(pick).collect();
    all.sort_by_key(|set| std::cmp::Reverse(set.len()));
    all
}

/// The text without these lines, at whatever column they begin, if they are there and nothing was added below them.
fn without(text: &str, lines: &str, manager: Manager) -> String {
    let all: Vec<&str> = text.split_inclusive('\n').collect();
    let wanted: Vec<&str> = lines.lines().collect();
    let column = |line: &str| line.len() - line.trim_start_matches(' ').len();
    let first = |at: usize| all[at..].iter().copied().find(|line| !line.trim().is_empty()).map_or(0, column);
    let is_here = |at: usize| {
        let margin = first(at);
        let here = all.get(at..at + wanted.len()).is_some_and(|here| {
            here.iter().zip(&wanted).all(|(line, wanted)| {
                let line = line.trim_end();
                if wanted.is_empty() {
                    line.is_empty()
                } else {
                    column(line) == margin + column(wanted) && line.trim_start() == wanted.trim()
                }
            })
        });
        let next =
            all[at + wanted.len().min(all.len() - at)..].iter().find(|line| !line.trim().is_empty() && !line.trim().starts_with('#'));
        here && match manager {
            Manager::Husky => true,
            Manager::Prek("prek.toml") => next.is_none_or(|line| line.starts_with('[')),
            _ => next.is_none_or(|line| column(line) <= margin),
        }
    };
    match (0..all.len()).find(|&at| is_here(at)) {
        Some(at) => [&all[..at], &all[at + wanted.len()..]].concat().concat(),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEFTHOOK: Manager = Manager::Lefthook("lefthook.yml");

    fn taken(text: &str) -> String {
        forms(LEFTHOOK, &[Name::PrePush]).iter().fold(text.to_owned(), |text, lines| without(&text, lines, LEFTHOOK))
    }

    #[test]
    fn only_what_was_written_is_taken_out() {
        let ours = "    sopup:\n      run: sopup hook run pre-push {1}\n      use_stdin: true\n";
        let other = "    lint:\n      run: lint\n";
        assert_eq!(taken(&format!("a: 1\npre-push:\n  commands:\n{ours}")), "a: 1\n");
        assert_eq!(taken(&format!("pre-push:\n  commands:\n{ours}{other}")), format!("pre-push:\n  commands:\n{other}"));
        assert_eq!(taken(&format!("pre-push:\n  commands:\n{other}{ours}")), format!("pre-push:\n  commands:\n{other}"));
        assert_eq!(taken(&format!("pre-push:\n  commands:\n{ours}  parallel: true\n")), "pre-push:\n  parallel: true\n");
        let edited = format!("pre-push:\n  commands:\n{ours}      tags: mine\n");
        assert_eq!(taken(&edited), edited);
    }
}
