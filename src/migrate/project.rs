//! [`Projects`]: which folders of a repository belong together, so that no file is led to a store of another project.

use std::cell::RefCell;
use std::collections::HashMap;

use super::file::folder_of;
use super::repo::Repo;

/// Files that stand at the top of a project.
const MARKERS: [&str; 18] = [
    "docker-compose.yml",
    "docker-compose.yaml",
    "compose.yml",
    "compose.yaml",
    "package.json",
    "go.mod",
    "Cargo.toml",
    "pyproject.toml",
    "setup.py",
    "pom.xml",
    "build.gradle",
    "build.gradle.kts",
    "composer.json",
    "Gemfile",
    "mix.exs",
    "Chart.yaml",
    "helmfile.yaml",
    "Pulumi.yaml",
];

/// The projects of a repository, each looked up once.
#[derive(Debug, Default)]
pub(super) struct Projects(RefCell<HashMap<String, bool>>);

impl Projects {
    /// The folder of the project that a file is in; empty if that is the repository.
    pub(super) fn of<'p>(&self, repo: &Repo, path: &'p str) -> &'p str {
        let mut folder = folder_of(path);
        while !folder.is_empty() && !self.is_top(repo, folder) {
            folder = folder_of(&folder[..folder.len() - 1]);
        }
        folder
    }

    fn is_top(&self, repo: &Repo, folder: &str) -> bool {
        let has_marker = || MARKERS.iter().any(|name| repo.exists(&format!("{folder}{name}")));
        *self.0.borrow_mut().entry(folder.to_owned()).or_insert_with(has_marker)
    }

    /// Whether a file may refer to a store: both are of one project, or the project of one is inside that of the other.
    pub(super) fn share(&self, repo: &Repo, file: &str, store: &str) -> bool {
        let (file, store) = (self.of(repo, file), self.of(repo, store));
        file.starts_with(store) || store.starts_with(file)
    }
}

/// How many folders two paths have in common.
pub(super) fn common_folders(a: &str, b: &str) -> usize {
    let folders = |path| folder_of(path).split_terminator('/');
    folders(a).zip(folders(b)).take_while(|(a, b)| a == b).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn projects_are_told_by_the_files_at_their_tops() {
        let top = tempfile::tempdir().expect("a folder");
        git2::Repository::init(top.path()).expect("a repository");
        for path in ["a/compose.yaml", "z/package.json", "z/web/package.json"] {
            let path = top.path().join(path);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("is made");
            std::fs::write(path, "").expect("is written");
        }
        let repo = Repo::open(top.path()).expect("opens");
        let projects = Projects::default();
        assert_eq!(projects.of(&repo, "z/web/src/x.ts"), "z/web/");
        assert_eq!(projects.of(&repo, "docs/x.md"), "");
        for (file, store, shared) in [
            ("a/README.md", "a/compose.sops.env", true),
            ("z/README.md", "a/compose.sops.env", false),
            ("z/web/x.md", "z/local.sops.env", true),
            ("z/README.md", "z/web/local.sops.env", true),
            ("README.md", "a/compose.sops.env", true),
            ("a/x.md", "secrets/shared.enc.yaml", true),
        ] {
            assert_eq!(projects.share(&repo, file, store), shared, "{file} {store}");
        }
        assert_eq!(common_folders("a/b/x", "a/b/c/y"), 2);
        assert_eq!(common_folders("x", "a/y"), 0);
    }
}
