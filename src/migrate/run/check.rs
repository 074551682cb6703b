//! Before a migration writes: the new bytes, the proof that they are clean, and what stands in the way.

use std::cell::LazyCell;

use super::{MigrateError, Request};
use crate::file::RealDisk;
use crate::migrate::change::{Change, ChangeError, changes};
use crate::migrate::file::SourceFiles;
use crate::migrate::journal::{self, Journal, Payload, State};
use crate::migrate::plan::Plan;
use crate::migrate::preflight::{commit_refusals, ignored_stores, refusals};
use crate::migrate::proof::{Leftover, prove};
use crate::migrate::rendering::{Compared, compared};

/// New bytes of files, and what they would leave behind.
pub(super) struct Proven {
    pub(super) changes: Vec<Change>,
    pub(super) left: Vec<Leftover>,
    /// What kustomize makes of copies; `None` if nothing of it is touched, or nobody asked.
    pub(super) rendering: Option<Compared>,
}

impl<E> Request<'_, E> {
    /// Makes the changes of a plan in memory and looks at what they would leave behind.
    pub(super) fn proven(&self, plan: &Plan, files: &SourceFiles) -> Result<Proven, ChangeError> {
        let changes = changes(plan, files, self.repo, self.tools)?;
        let left = prove(plan, files, &changes, self.judge());
        let clean = left.iter().all(Leftover::is_doubtful);
        let rendering = if clean && self.renders {
            compared(&changes, (plan, files), (self.repo, self.tools.keyring), || self.helpers.renderer())
        } else {
            None
        };
        Ok(Proven { changes, left, rendering })
    }

    /// Leaves steps to people whose files would not be clean afterwards, or not do what they did, until the rest is proven.
    pub(super) fn leave_unproven(&self, plan: &mut Plan, files: &SourceFiles) -> Result<Proven, ChangeError> {
        loop {
            let proven = self.proven(plan, files)?;
            let mut any = false;
            for left in proven.left.iter().filter(|left| !left.is_doubtful()) {
                any |= plan.leave(left.path(), &format!("left alone, as it would not be clean afterwards: {left}"));
            }
            for path in ignored_stores(&proven.changes, self.repo) {
                any |= plan
                    .leave(path, "left alone, as git ignores its SOPS file, which would be lost: change .gitignore, or name another store");
            }
            let rendering = proven.rendering.iter();
            for (folder, difference) in rendering.flat_map(|compared| compared.differences.iter()) {
                let files = proven.rendering.iter().flat_map(|compared| compared.files.get(folder)).flatten();
                let reason = format!("left alone, as what kustomize makes of {folder} would differ: {difference}");
                files.for_each(|file| any |= plan.leave(file, &reason));
            }
            if !any {
                return Ok(proven);
            }
        }
    }

    /// Earlier migrations that can be put back: they may be why a file differs from what is committed.
    fn earlier(&self) -> Vec<(Journal, Payload)> {
        let journals = journal::all(&self.repo.git_dir, &RealDisk).unwrap_or_default();
        let applied = journals.into_iter().filter(|journal| journal.state() == State::Applied);
        applied.filter_map(|journal| journal.payload(self.tools, &RealDisk).ok().map(|payload| (journal, payload))).collect()
    }

    /// Refuses changes of files that may not be changed now, and those that leave something behind.
    pub(super) fn refuse(&self, changes: &[Change], left: Vec<Leftover>) -> Result<(), MigrateError<E>> {
        let earlier = LazyCell::new(|| self.earlier());
        let is_own = |path: &str| {
            let bytes = self.repo.read(path).unwrap_or_default();
            earlier.iter().any(|(journal, payload)| journal.left(payload, path, &bytes))
        };
        let mut refusals = refusals(changes, self.repo, &is_own);
        if self.commits {
            refusals.extend(commit_refusals(changes, self.repo));
        }
        if !refusals.is_empty() {
            return Err(MigrateError::Refused(refusals));
        }
        if left.is_empty() { Ok(()) } else { Err(MigrateError::Left(left)) }
    }
}
