//! Who takes part in a migration: a [`Person`] who decides, [`Helpers`] that know other programs and files.

use super::Request;
use crate::finding::FingerprintKey;
use crate::migrate::change::{Change, Tools};
use crate::migrate::file::SourceFiles;
use crate::migrate::journal::Journal;
use crate::migrate::layout::Layout;
use crate::migrate::plan::{Applicability, Plan};
use crate::migrate::plan_file::{self, Decisions, PlanFileError};
use crate::migrate::proof::Leftover;
use crate::migrate::rendering::Renderer;
use crate::migrate::repo::Repo;
use crate::migrate::survey::Survey;
use crate::migrate::wish::Wishes;
use crate::migrate::{KubernetesStyle, Settings, plan, policy_notes};
use crate::scan::{Outcome, Progress};

/// Who has a say in a migration: somebody at a terminal, or the options of a command in their place.
pub trait Person {
    /// What ends a migration before its time.
    type Error;

    /// Lets work be done, once; `progress` says how far it got.
    fn wait(&mut self, progress: &Progress, work: &mut dyn FnMut());

    /// Hears what happened, or would happen.
    ///
    /// # Errors
    /// If it cannot be told.
    fn hear(&mut self, news: News<'_>) -> Result<(), Self::Error>;

    /// Says what becomes of each step.
    ///
    /// # Errors
    /// If that cannot be told.
    fn decide(&mut self, drafts: &Drafts<'_>) -> Result<Plan, Self::Error>;

    /// Whether a plan that was shown is carried out, possibly after changes to it.
    ///
    /// # Errors
    /// If there is nobody to ask.
    fn agree(&mut self, plan: &mut Plan, drafts: &Drafts<'_>) -> Result<bool, Self::Error>;
}

/// What a person hears, in the order of a migration.
pub enum News<'a> {
    /// What the first scan found.
    Scanned(&'a Outcome),
    /// What is planned.
    Plan(&'a Plan),
    /// The team has a key for its allowlist now.
    KeyMade,
    /// What would be written.
    Changes {
        /// All of it.
        changes: &'a [Change],
        /// The texts that secrets were found in.
        files: &'a SourceFiles,
    },
    /// A value also stands where it may be by chance.
    Doubtful(&'a Leftover),
    /// Everything is written.
    Applied(&'a Journal),
}

/// What other programs and files have to do with a migration.
pub trait Helpers<E> {
    /// What renders kustomizations.
    ///
    /// # Errors
    /// Why there is nothing that does, for people to read.
    fn renderer(&self) -> Result<Box<dyn Renderer + '_>, String>;

    /// Adds changes of further files that belong to the migration, such as the ledger of leaked credentials.
    ///
    /// # Errors
    /// If they cannot be made.
    fn accompany(&self, plan: &Plan, found: &Outcome, changes: &mut Vec<Change>) -> Result<(), E>;

    /// Encrypts the data keys of new stores for keys that are not of age.
    ///
    /// # Errors
    /// If one cannot be; then nothing is written.
    fn seal(&self, changes: &mut [Change]) -> Result<(), E>;
}

/// Plans of what was found, as often as somebody wants another one.
pub struct Drafts<'a> {
    survey: &'a Survey,
    repo: &'a Repo,
    key: &'a FingerprintKey,
    tools: Tools<'a>,
    kubernetes: KubernetesStyle,
    layout: Layout,
    upto: Applicability,
}

impl<'a> Drafts<'a> {
    pub(super) fn new<E>(survey: &'a Survey, request: &'a Request<'_, E>) -> Self {
        let Request { repo, tools, kubernetes, layout, upto, .. } = *request;
        Self { survey, repo, key: &request.scan.key, tools, kubernetes, layout, upto }
    }

    /// A plan in which values go where people want them.
    pub fn draft(&self, wishes: &Wishes) -> Plan {
        let Self { kubernetes, layout, key, upto, .. } = *self;
        plan(self.survey, self.repo, &Settings { keyring: self.tools.keyring, kubernetes, layout, wishes, key, upto })
    }

    /// A plan with the decisions and names of one that was written down.
    ///
    /// # Errors
    /// If it does not fit any more.
    pub fn taken_over(&self, text: &str) -> Result<Plan, PlanFileError> {
        let mut plan = self.draft(&Wishes::default());
        let decisions = Decisions::read(text)?;
        decisions.apply(&mut plan, self.files(), self.key)?;
        let wishes = decisions.wishes(&plan, self.key)?;
        if wishes.is_empty() {
            return Ok(plan);
        }
        let mut renamed = self.draft(&wishes);
        renamed.decide_as(&plan);
        Ok(renamed)
    }

    /// A plan as a file that people can change.
    pub fn written(&self, plan: &Plan) -> String {
        plan_file::write(plan, policy_notes(plan, self.tools.policy, self.repo), self.files(), self.key)
    }

    /// The texts that secrets were found in.
    pub fn files(&self) -> &'a SourceFiles {
        &self.survey.files
    }

    /// What names values.
    pub fn key(&self) -> &'a FingerprintKey {
        self.key
    }
}
