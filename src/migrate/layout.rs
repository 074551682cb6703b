//! [`Layout`]: in which folder the stores lie that any file may refer to.

use std::cell::OnceCell;

use super::naming;
use super::project::Projects;
use super::repo::Repo;
use crate::ledger::{OWNER_FILES, Owners};

/// In which folder the stores lie that any file may refer to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Layout {
    /// One at the top of the repository.
    #[default]
    Central,
    /// One in each project.
    Near,
    /// One at the top of the repository for each team that CODEOWNERS names.
    PerTeam,
}

/// The folders of these stores.
#[derive(Debug, Default)]
pub(super) struct Folders {
    name: OnceCell<&'static str>,
    owners: OnceCell<Owners>,
}

impl Folders {
    /// The one at the top: `secrets`, unless git ignores it.
    pub(super) fn central(&self, repo: &Repo) -> &'static str {
        let usable = |folder: &&str| !repo.is_ignored(&format!("{folder}/shared.enc.yaml"));
        self.name.get_or_init(|| ["secrets", "sops", "config/sops"].into_iter().find(usable).unwrap_or("secrets"))
    }

    /// The one for what a file holds.
    pub(super) fn of(&self, layout: Layout, file: &str, repo: &Repo, projects: &Projects) -> String {
        let central = self.central(repo);
        let folder = match layout {
            Layout::Central => return central.to_owned(),
            Layout::Near => format!("{}{central}", projects.of(repo, file)),
            Layout::PerTeam => {
                let read = || OWNER_FILES.iter().find_map(|path| repo.read(path)).map(|bytes| Owners::parse(&bytes)).unwrap_or_default();
                let owner = self.owners.get_or_init(read).of(file).first();
                // `@company/team`
                let team = owner.map(|owner| naming::dns(owner.rsplit('/').next().unwrap_or_default()));
                team.filter(|team| !team.is_empty()).map_or_else(|| central.to_owned(), |team| format!("{central}/{team}"))
            }
        };
        if repo.is_ignored(&format!("{folder}/shared.enc.yaml")) { central.to_owned() } else { folder }
    }
}
