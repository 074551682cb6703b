//! The git directory of a repository, read without libgit2: where it is, what it is like, its refs
//! and index, its other worktrees, and the files in it that hold text. Nothing is executed, and
//! symbolic links are not followed.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::object::{HashKind, ObjectId};
use super::{Skip, SkipReason};

/// Files of a git directory that are larger are not read as a whole, in bytes.
const LARGEST: u64 = 256 << 20;
/// Folders of a git directory are followed so deep.
const DEEPEST: usize = 64;

/// A git directory.
#[derive(Debug, Clone)]
pub struct GitDir {
    /// Of the worktree at hand.
    pub dir: PathBuf,
    /// Shared by all worktrees; the same if there is only one.
    pub common: PathBuf,
    /// The top of the working tree; `None` if it is bare.
    pub workdir: Option<PathBuf>,
    /// What names its objects.
    pub hash: HashKind,
}

/// Refs by name.
#[derive(Debug, Default)]
pub struct Refs {
    /// What each leads to; symbolic ones are followed.
    pub by_name: BTreeMap<String, ObjectId>,
    /// What could not be read.
    pub skipped: Vec<Skip>,
}

impl GitDir {
    /// The repository that holds a path.
    pub fn discover(path: &Path) -> Option<Self> {
        let full = fs::canonicalize(path).ok()?;
        let mut folder = if full.is_dir() { full.as_path() } else { full.parent()? };
        loop {
            let dot = folder.join(".git");
            if is_git_dir(&dot) {
                return Self::at(dot, Some(folder));
            }
            if let Some(dir) = linked(&dot) {
                return Self::at(dir, Some(folder));
            }
            if is_git_dir(folder) {
                return Self::at(folder.to_path_buf(), None);
            }
            folder = folder.parent()?;
        }
    }

    /// Whether a folder has a `.git` that is meant to be a repository and is none.
    pub fn is_broken_at(folder: &Path) -> bool {
        let dot = folder.join(".git");
        let meant = dot.is_file() || ["HEAD", "objects", "refs"].iter().any(|part| dot.join(part).exists());
        meant && !is_git_dir(&dot) && linked(&dot).is_none()
    }

    fn at(dir: PathBuf, workdir: Option<&Path>) -> Option<Self> {
        let common = match small(&dir.join("commondir")) {
            Some(text) => fs::canonicalize(dir.join(text.trim())).ok()?,
            None => dir.clone(),
        };
        let hash = HashKind::from_config(&fs::read(common.join("config")).unwrap_or_default());
        Some(Self { dir, common, workdir: workdir.map(Path::to_path_buf), hash })
    }

    /// Where its objects are.
    pub fn objects(&self) -> PathBuf {
        self.common.join("objects")
    }

    /// The commit that HEAD leads to.
    pub fn head(&self, refs: &Refs) -> Option<ObjectId> {
        let text = small(&self.dir.join("HEAD"))?;
        match text.trim().strip_prefix("ref:") {
            Some(name) => refs.by_name.get(name.trim()).copied(),
            None => ObjectId::from_hex(text.trim().as_bytes()),
        }
    }

    /// All refs, also those of other worktrees.
    pub fn refs(&self) -> Refs {
        let mut refs = Refs::default();
        if self.common.join("reftable").is_dir() {
            let what = self.common.join("reftable").display().to_string();
            refs.skipped.push(Skip { what, reason: SkipReason::Unreadable("refs in this format are not read".to_owned()) });
        }
        for line in small(&self.common.join("packed-refs")).unwrap_or_default().lines() {
            if let Some((id, name)) = line.split_once(' ')
                && let Some(id) = ObjectId::from_hex(id.as_bytes())
            {
                refs.by_name.insert(name.to_owned(), id);
            }
        }
        let mut dirs = vec![(self.common.clone(), String::new())];
        dirs.extend(self.worktree_dirs().into_iter().map(|(name, dir)| (dir, format!("worktrees/{name}/"))));
        for (dir, prefix) in dirs {
            let tops = fs::read_dir(&dir).into_iter().flatten().flatten().map(|entry| entry.path());
            let heads = tops.filter(|path| path.is_file() && name_of(path).ends_with("HEAD"));
            for file in heads.chain(files_below(&dir.join("refs"), &mut refs.skipped)) {
                let Ok(name) = file.strip_prefix(&dir) else { continue };
                let Some(text) = small(&file) else { continue };
                // FETCH_HEAD has many lines.
                let ids = text.lines().filter_map(|line| ObjectId::from_hex(line.split(['\t', ' ']).next()?.as_bytes()));
                for id in ids {
                    refs.by_name.insert(format!("{prefix}{}", name.to_string_lossy()), id);
                }
            }
        }
        if let Some(head) = self.head(&refs) {
            refs.by_name.insert("HEAD".to_owned(), head);
        }
        refs
    }

    fn worktree_dirs(&self) -> Vec<(String, PathBuf)> {
        let dirs = fs::read_dir(self.common.join("worktrees")).into_iter().flatten().flatten();
        let mut dirs: Vec<_> = dirs.map(|entry| (entry.file_name().to_string_lossy().into_owned(), entry.path())).collect();
        dirs.sort();
        dirs
    }

    /// The tops of the other worktrees: those whose `.git` file leads back here.
    pub fn other_worktrees(&self) -> Vec<PathBuf> {
        let leads_back = |(_, dir): (String, PathBuf)| {
            let dot = dir.join(small(&dir.join("gitdir"))?.trim());
            let back = fs::canonicalize(linked(&dot)?).ok()?;
            let top = dot.parent()?.to_path_buf();
            (back == fs::canonicalize(&dir).ok()? && fs::canonicalize(&top).ok() != self.workdir).then_some(top)
        };
        self.worktree_dirs().into_iter().filter_map(leads_back).collect()
    }

    /// Files that hold text somebody wrote: configuration, logs, messages, patches of a rebase,
    /// hooks. Objects, indexes, submodules and sample hooks are left out.
    pub fn texts(&self, skipped: &mut Vec<Skip>) -> Vec<PathBuf> {
        let top = fs::read_dir(&self.common).into_iter().flatten().flatten().map(|entry| entry.path());
        let left_out =
            |path: &Path| matches!(name_of(path).as_str(), "objects" | "modules" | "lfs" | "refs" | "index" | "reftable" | "sopup");
        let mut texts = Vec::new();
        for path in top.filter(|path| !left_out(path)) {
            match fs::symlink_metadata(&path) {
                Ok(about) if about.is_dir() => texts.extend(files_below(&path, skipped)),
                Ok(about) if about.is_file() => texts.push(path),
                _ => {}
            }
        }
        texts.retain(|path| !matches!(name_of(path).as_str(), "index") && path.extension().is_none_or(|ending| ending != "sample"));
        texts.sort();
        texts
    }
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn is_git_dir(dir: &Path) -> bool {
    dir.join("HEAD").exists() && (dir.join("objects").is_dir() && dir.join("refs").is_dir() || dir.join("commondir").is_file())
}

/// Where a `.git` file leads.
fn linked(file: &Path) -> Option<PathBuf> {
    let text = small(file)?;
    let dir = file.parent()?.join(text.trim().strip_prefix("gitdir:")?.trim());
    is_git_dir(&dir).then_some(dir)
}

/// A regular file of reasonable size.
fn small(path: &Path) -> Option<String> {
    fs::symlink_metadata(path).ok().filter(|about| about.is_file() && about.len() <= LARGEST)?;
    Some(String::from_utf8_lossy(&fs::read(path).ok()?).into_owned())
}

/// Regular files below a folder.
fn files_below(top: &Path, skipped: &mut Vec<Skip>) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![(top.to_path_buf(), 0)];
    while let Some((folder, depth)) = folders.pop() {
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => {
                skipped.push(Skip { what: folder.display().to_string(), reason: SkipReason::Unreadable(error.to_string()) });
                continue;
            }
        };
        for entry in entries.flatten() {
            match entry.file_type() {
                Ok(kind) if kind.is_dir() && depth < DEEPEST => folders.push((entry.path(), depth + 1)),
                Ok(kind) if kind.is_file() => files.push(entry.path()),
                _ => {}
            }
        }
    }
    files
}
