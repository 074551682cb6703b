//! What git tells its hooks and the programs it starts by environment variables (`git help git`,
//! "The Git Repository"): which repository, which index, which objects.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The variables that say where things of a repository lie. Paths are relative to the current
/// folder, as git understands them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GitVariables {
    /// `GIT_DIR`
    pub dir: Option<PathBuf>,
    /// `GIT_COMMON_DIR`
    pub common: Option<PathBuf>,
    /// `GIT_WORK_TREE`
    pub work_tree: Option<PathBuf>,
    /// `GIT_INDEX_FILE`: of a commit that is not made from the usual index (`git commit -a`, `git
    /// commit FILE`).
    pub index: Option<PathBuf>,
    /// `GIT_QUARANTINE_PATH`, or `GIT_OBJECT_DIRECTORY`
    pub objects: Option<PathBuf>,
    /// `GIT_ALTERNATE_OBJECT_DIRECTORIES`
    pub alternates: Vec<PathBuf>,
}

impl GitVariables {
    /// Reads the variables; empty ones count as not set.
    pub fn read(variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let value = |name| variable(name).filter(|value| !value.is_empty());
        let path = |name| value(name).map(PathBuf::from);
        let alternates = value("GIT_ALTERNATE_OBJECT_DIRECTORIES").unwrap_or_default();
        Self {
            dir: path("GIT_DIR"),
            common: path("GIT_COMMON_DIR"),
            work_tree: path("GIT_WORK_TREE"),
            index: path("GIT_INDEX_FILE"),
            objects: path("GIT_QUARANTINE_PATH").or_else(|| path("GIT_OBJECT_DIRECTORY")),
            alternates: std::env::split_paths(&alternates).filter(|path| path != Path::new("")).collect(),
        }
    }

    /// Those that say which repository it is, without those that only hooks are to obey.
    #[must_use]
    pub fn of_repository(&self) -> Self {
        Self { dir: self.dir.clone(), common: self.common.clone(), work_tree: self.work_tree.clone(), ..Self::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_git_tells() {
        let set = |name: &str| match name {
            "GIT_INDEX_FILE" => Some(OsString::from(".git/index.lock")),
            "GIT_DIR" => Some(OsString::new()),
            "GIT_QUARANTINE_PATH" => Some(OsString::from("/repo/objects/incoming")),
            "GIT_OBJECT_DIRECTORY" => Some(OsString::from("/other")),
            "GIT_ALTERNATE_OBJECT_DIRECTORIES" => Some(OsString::from("/repo/objects:/more")),
            _ => None,
        };
        let read = GitVariables::read(set);
        let expected = GitVariables {
            index: Some(".git/index.lock".into()),
            objects: Some("/repo/objects/incoming".into()),
            alternates: vec!["/repo/objects".into(), "/more".into()],
            ..GitVariables::default()
        };
        assert_eq!(read, expected);
        assert_eq!(read.of_repository(), GitVariables::default());
    }
}
