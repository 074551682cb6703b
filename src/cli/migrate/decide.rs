//! What becomes of the steps of a plan: as the command line, a plan file, an earlier review and a person on the terminal
//! say.

use std::path::{Path, PathBuf};

use super::filter::Filter;
use super::review::{Review, Reviewed};
use super::{Run, show};
use crate::cli::Exit;
use crate::cli::error::CliError;
use crate::cli::output::write_file;
use crate::file::{Access, put};
use crate::finding::FingerprintKey;
use crate::migrate::file::SourceFiles;
use crate::migrate::plan::{Decision, Plan};
use crate::migrate::plan_file::{self, Decisions, PlanFileError};
use crate::migrate::wish::Wishes;
use crate::scan::Request;

impl Run<'_> {
    /// The plan, with what the command line and a plan file say about it.
    pub(super) fn decided(&self, draft: &dyn Fn(&Wishes) -> Plan, files: &SourceFiles, request: &Request) -> Result<Plan, CliError> {
        let mut plan = draft(&Wishes::default());
        if let Some(file) = &self.args.apply {
            let text = std::fs::read_to_string(file)
                .map_err(|error| CliError::new(format!("cannot read {}: {error}", file.display()), "`--plan-out FILE` writes a plan"))?;
            plan = taken_over(&text, plan, draft, files, &request.key).map_err(|error| {
                CliError::new(format!("{}: {error}", file.display()), "make a new plan with --plan-out").exiting(Exit::Refused)
            })?;
        }
        if self.asks() && self.ui.has_somebody() {
            plan = self.resumed(plan, draft, files, &request.key);
        }
        let (only, skip) = (Filter::new(&self.args.only, &request.rules)?, Filter::new(&self.args.skip, &request.rules)?);
        for (option, filter) in [("--only", &only), ("--skip", &skip)] {
            filter.idle(&plan.steps).for_each(|text| self.ui.note(&format!("`{option} {text}` names no step of the plan")));
        }
        for step in &mut plan.steps {
            if (!only.is_empty() && !only.takes(step)) || skip.takes(step) {
                step.decision = Decision::Skipped;
            }
        }
        Ok(plan)
    }

    /// The plan with the decisions of a review that was broken off, as long as the files are as they were then.
    fn resumed(&self, plan: Plan, draft: &dyn Fn(&Wishes) -> Plan, files: &SourceFiles, key: &FingerprintKey) -> Plan {
        let Ok(text) = std::fs::read_to_string(self.review_file()) else { return plan };
        match taken_over(&text, draft(&Wishes::default()), draft, files, key) {
            Ok(resumed) => {
                self.ui.note("what you said in a review that you saved holds; [r]eview goes on behind it");
                resumed
            }
            Err(error) => {
                self.ui.note(&format!("a review that you saved cannot be gone on with: {error}"));
                plan
            }
        }
    }

    /// Where a review that is broken off is kept.
    fn review_file(&self) -> PathBuf {
        self.repo.git_dir.join("sopup").join("review.yaml")
    }

    pub(super) fn save_review(&self, plan: &Plan, files: &SourceFiles, key: &FingerprintKey) -> Result<(), CliError> {
        let file = self.review_file();
        let written = put(&file, plan_file::write(plan, files, key).as_bytes(), Access::KeptOrPrivate);
        written.map(drop).map_err(|error| CliError::new(error.to_string(), "sopup keeps a review that you break off there"))
    }

    /// What was applied need not be gone on with.
    pub(super) fn forget_review(&self) {
        let _ = std::fs::remove_file(self.review_file());
    }

    pub(super) fn write_plan(&self, file: &Path, plan: &Plan, files: &SourceFiles, key: &FingerprintKey) -> Result<Exit, CliError> {
        write_file(file, plan_file::write(plan, files, key).as_bytes(), Access::KeptOrPrivate)?;
        self.ui.note(&format!("the plan was written to {}; `sopup migrate --apply {0}` applies it", file.display()));
        Ok(Exit::Clean)
    }

    /// Whether somebody has to say yes.
    pub(super) fn asks(&self) -> bool {
        !self.args.yes && !self.args.dry_run && self.args.apply.is_none() && self.args.plan_out.is_none()
    }

    /// The plan that somebody on the terminal agrees to, if somebody does.
    pub(super) fn confirmed(&self, mut plan: Plan, review: Review<'_>) -> Result<Option<Plan>, CliError> {
        let nothing = |hint: &str| {
            self.ui.note(&format!("nothing was changed; {hint}"));
            Ok(None)
        };
        let nobody = || CliError::new("there is nobody to ask", "--dry-run shows what would happen, --yes applies what is safe");
        let question = "Apply the steps with a +? [y]es, [r]eview them one by one, [n]o?";
        const YES: &str = "`y`, or --yes, applies the plan";
        match self.ui.ask(question).ok_or_else(nobody)?.as_str() {
            "y" | "Y" | "yes" => return Ok(Some(plan)),
            "r" => match review.run(plan)? {
                Reviewed::Plan(reviewed) => plan = reviewed,
                Reviewed::Saved => return nothing("what you said is kept; `sopup migrate` goes on with it"),
                Reviewed::Nothing => return nothing(YES),
            },
            _ => return nothing(YES),
        }
        show::plan(&plan, self.ui)?;
        self.show_recipients(&plan)?;
        match self.ui.ask("Apply the steps with a +? [y/N]").as_deref() {
            Some("y" | "Y" | "yes") => Ok(Some(plan)),
            _ => nothing(YES),
        }
    }
}

/// A plan made now, with the decisions and names of one that was written down.
fn taken_over(
    text: &str,
    mut plan: Plan,
    draft: &dyn Fn(&Wishes) -> Plan,
    files: &SourceFiles,
    key: &FingerprintKey,
) -> Result<Plan, PlanFileError> {
    let decisions = Decisions::read(text)?;
    decisions.apply(&mut plan, files, key)?;
    let wishes = decisions.wishes(&plan, key)?;
    if wishes.is_empty() {
        return Ok(plan);
    }
    let mut renamed = draft(&wishes);
    renamed.decide_as(&plan);
    Ok(renamed)
}
