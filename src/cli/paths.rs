//! The files and folders that a command is given: where they lie, and what their names are counted from.

use std::path::{Path, PathBuf};

use super::environment::{folder_of, git_dir};
use super::error::CliError;
use crate::scan::Scope;
use crate::source::refs::GitDir;
use crate::source::{Respect, Walk};

/// One path, or several that are not below one another, with the folder that names count from.
#[derive(Debug)]
pub(super) struct Paths {
    /// As typed, or without links where there are several.
    pub(super) all: Vec<PathBuf>,
    /// What holds them all; it may be empty, for the current folder.
    pub(super) root: PathBuf,
}

impl Paths {
    /// The paths that were typed, at least one.
    pub(super) fn of(typed: &[PathBuf]) -> Result<Self, CliError> {
        typed.iter().try_for_each(|path| std::fs::symlink_metadata(path).map(drop).map_err(|error| cannot_scan(path, &error)))?;
        if let [path] = typed {
            let root = if path.is_file() { path.parent().unwrap_or(Path::new("")).to_path_buf() } else { path.clone() };
            return Ok(Self { all: vec![path.clone()], root });
        }
        let mut all = typed.iter().map(|path| whole(path)).collect::<Result<Vec<_>, _>>()?;
        all.sort();
        // What is below one before it is part of that.
        all.dedup_by(|later, earlier| later.starts_with(earlier));
        let mut root = folder_of(&all[0])?.to_path_buf();
        for path in &all[1..] {
            let folder = folder_of(path)?;
            while !folder.starts_with(&root) {
                root.pop();
            }
        }
        let here = std::env::current_dir().unwrap_or_default();
        let root = root.strip_prefix(&here).map_or_else(|_| root.clone(), Path::to_path_buf);
        Ok(Self { all, root })
    }

    /// The one path, if it is one.
    pub(super) fn single(&self) -> Option<&Path> {
        match &self.all[..] {
            [path] => Some(path),
            _ => None,
        }
    }

    /// What tells the configuration and the repository.
    pub(super) fn beside(&self) -> &Path {
        match self.single() {
            Some(path) => path,
            None if self.root.as_os_str().is_empty() => Path::new("."),
            None => &self.root,
        }
    }

    /// What the repository that is scanned is called on disk; without one, the one folder.
    pub(super) fn name(&self, scope: &Scope, git: Option<&GitDir>) -> String {
        let folder = match git {
            _ if matches!(scope, Scope::Stdin { .. } | Scope::Text { .. }) => None,
            Some(git) => Some(git.work_tree().unwrap_or(git.path()).to_path_buf()),
            None => self.single().and_then(|path| path.canonicalize().ok()).filter(|path| path.is_dir()),
        };
        let name = folder.as_deref().and_then(Path::file_name).unwrap_or_default().to_string_lossy();
        name.strip_suffix(".git").unwrap_or(&name).to_owned()
    }

    /// The files of all, named from the root.
    pub(super) fn walks(&self, respect_gitignore: Respect, threads: usize) -> Result<Vec<Walk>, CliError> {
        let walk = |root: &PathBuf| {
            let named = if self.all.len() > 1 { prefix(self.beside(), root)? } else { String::new() };
            Ok(Walk { root: root.clone(), named, respect_gitignore, threads })
        };
        self.all.iter().map(walk).collect()
    }

    /// The paths, for people.
    pub(super) fn shown(&self) -> String {
        let here = std::env::current_dir().unwrap_or_default();
        let short = |path: &PathBuf| path.strip_prefix(&here).unwrap_or(path).display().to_string();
        match &self.all[..] {
            [path] => path.display().to_string(),
            [first, second] => format!("{} and {}", short(first), short(second)),
            [first, others @ ..] => format!("{} and {} more paths", short(first), others.len()),
            [] => String::new(),
        }
    }
}

/// A path without links on the way to it; what it names itself may be one.
fn whole(path: &Path) -> Result<PathBuf, CliError> {
    let fail = |error: std::io::Error| cannot_scan(path, &error);
    match path.file_name() {
        Some(name) if !path.is_dir() => Ok(folder_of(path)?.canonicalize().map_err(fail)?.join(name)),
        _ => path.canonicalize().map_err(fail),
    }
}

/// The path of a file that is called like this in reports, which replace bytes that are not UTF-8.
pub(super) fn reported(path: &Path) -> PathBuf {
    if path.exists() || !path.to_string_lossy().contains('\u{fffd}') {
        return path.to_path_buf();
    }
    path.components().fold(PathBuf::new(), |folder, part| {
        let part = part.as_os_str();
        let here = if folder.as_os_str().is_empty() { Path::new(".") } else { &folder };
        let named = std::fs::read_dir(here).into_iter().flatten().flatten().map(|entry| entry.file_name());
        let name =
            if folder.join(part).exists() { None } else { named.into_iter().find(|name| name.to_string_lossy() == part.to_string_lossy()) };
        folder.join(name.as_deref().unwrap_or(part))
    })
}

/// Where the folder of a path lies below the top of its working tree, or else below the current folder.
pub(super) fn below(path: &Path) -> String {
    below_top(path, git_dir(path).ok().as_ref())
}

/// The same, if its repository is known.
pub(super) fn below_top(path: &Path, git: Option<&GitDir>) -> String {
    let top = git.and_then(GitDir::work_tree).map(Path::to_path_buf);
    let top = top.unwrap_or_else(|| std::env::current_dir().unwrap_or_default());
    prefix(&top, path).unwrap_or_default()
}

/// Where the folder of a path lies below another, with `/` at the end.
pub(super) fn prefix(folder: &Path, path: &Path) -> Result<String, CliError> {
    let real = |path: &Path| path.canonicalize().map_err(|error| cannot_scan(path, &error));
    let (folder, root) = (real(folder)?, real(folder_of(path)?)?);
    Ok(match root.strip_prefix(&folder) {
        Ok(below) if !below.as_os_str().is_empty() => format!("{}/", below.display()),
        _ => String::new(),
    })
}

pub(super) fn cannot_scan(path: &Path, error: &std::io::Error) -> CliError {
    CliError::new(
        format!("cannot scan {}: {error}", path.display()),
        "name a file or folder that exists; `-` is not needed for standard input, use `--stdin`",
    )
}
