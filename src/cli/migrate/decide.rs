//! What becomes of the steps of a plan: as the command line, a plan file, an earlier review and a person on the terminal
//! say.

use std::path::{Path, PathBuf};

use super::filter::Filter;
use super::review::{Review, Reviewed};
use super::{Run, show};
use crate::cli::Exit;
use crate::cli::error::CliError;
use crate::cli::output::write_file;
use crate::cli::what::note_unread;
use crate::file::{Access, put};
use crate::migrate::plan::{Decision, Plan};
use crate::migrate::{Drafts, News, Person, Wishes, policy_notes};
use crate::rule::RuleSet;
use crate::scan::Progress;

/// Who sits at the terminal, or what they said on the command line.
pub(super) struct Terminal<'a> {
    run: &'a Run<'a>,
    only: Filter,
    skip: Filter,
}

impl<'a> Terminal<'a> {
    pub(super) fn new(run: &'a Run<'a>, rules: &RuleSet) -> Result<Self, CliError> {
        Ok(Self { run, only: Filter::new(&run.args.only, rules)?, skip: Filter::new(&run.args.skip, rules)? })
    }
}

impl Person for Terminal<'_> {
    type Error = CliError;

    fn wait(&mut self, progress: &Progress, work: &mut dyn FnMut()) {
        self.run.ui.watched(progress, work);
    }

    fn hear(&mut self, news: News<'_>) -> Result<(), CliError> {
        let ui = self.run.ui;
        match news {
            News::Scanned(found) => note_unread(found, ui),
            News::Plan(plan) => self.show_plan(plan)?,
            News::KeyMade => {
                ui.note("`fingerprint_key` was added to .sopup.yaml: it names the allowed values, for everybody who has the file");
            }
            News::Changes { changes, files } => show::diff(changes, files, ui)?,
            News::Doubtful(left) => ui.note(&left.to_string()),
            News::Applied(_) => self.run.forget_review(),
        }
        Ok(())
    }

    fn decide(&mut self, drafts: &Drafts<'_>) -> Result<Plan, CliError> {
        let mut plan = match &self.run.args.apply {
            Some(file) => self.written(file, drafts)?,
            None if self.run.asks() && self.run.ui.has_somebody() => self.resumed(drafts),
            None => drafts.draft(&Wishes::default()),
        };
        for (option, filter) in [("--only", &self.only), ("--skip", &self.skip)] {
            filter.idle(&plan.steps).for_each(|text| self.run.ui.note(&format!("`{option} {text}` names no step of the plan")));
        }
        for step in &mut plan.steps {
            if (!self.only.is_empty() && !self.only.takes(step)) || self.skip.takes(step) {
                step.decision = Decision::Skipped;
            }
        }
        Ok(plan)
    }

    fn agree(&mut self, plan: &mut Plan, drafts: &Drafts<'_>) -> Result<bool, CliError> {
        let ui = self.run.ui;
        let nothing = |hint: &str| {
            ui.note(&format!("nothing was changed; {hint}"));
            Ok(false)
        };
        let nobody = || CliError::new("there is nobody to ask", "--dry-run shows what would happen, --yes applies what is safe");
        let question = "Apply the steps with a +? [y]es, [r]eview them one by one, [n]o?";
        const YES: &str = "`y`, or --yes, applies the plan";
        match ui.ask(question).ok_or_else(nobody)?.as_str() {
            "y" | "Y" | "yes" => return Ok(true),
            "r" => {
                let save = |plan: &Plan| self.run.save_review(plan, drafts);
                let review = Review { drafts, wishes: Wishes::default(), ui, save: &save };
                match review.run(plan)? {
                    Reviewed::Whole => {}
                    Reviewed::Saved => return nothing("what you said is kept; `sopup migrate` goes on with it"),
                    Reviewed::Nothing => return nothing(YES),
                }
            }
            _ => return nothing(YES),
        }
        self.show_plan(plan)?;
        match ui.ask("Apply the steps with a +? [y/N]").as_deref() {
            Some("y" | "Y" | "yes") => Ok(true),
            _ => nothing(YES),
        }
    }
}

impl Terminal<'_> {
    /// A plan, and who will be able to open what it encrypts.
    fn show_plan(&self, plan: &Plan) -> Result<(), CliError> {
        show::plan(plan, &policy_notes(plan, &self.run.policy, self.run.repo), self.run.ui)?;
        self.run.show_recipients(plan)
    }

    /// The plan as a file has it.
    fn written(&self, file: &Path, drafts: &Drafts<'_>) -> Result<Plan, CliError> {
        let text = std::fs::read_to_string(file)
            .map_err(|error| CliError::new(format!("cannot read {}: {error}", file.display()), "`--plan-out FILE` writes a plan"))?;
        drafts.taken_over(&text).map_err(|error| {
            CliError::new(format!("{}: {error}", file.display()), "make a new plan with --plan-out").exiting(Exit::Refused)
        })
    }

    /// A plan with the decisions of a review that was broken off, as long as the files are as they were then.
    fn resumed(&self, drafts: &Drafts<'_>) -> Plan {
        let said = std::fs::read_to_string(self.run.review_file()).ok().map(|text| drafts.taken_over(&text));
        match said {
            Some(Ok(resumed)) => {
                self.run.ui.note("what you said in a review that you saved holds; [r]eview goes on behind it");
                return resumed;
            }
            Some(Err(error)) => self.run.ui.note(&format!("a review that you saved cannot be gone on with: {error}")),
            None => {}
        }
        drafts.draft(&Wishes::default())
    }
}

impl Run<'_> {
    /// Where a review that is broken off is kept.
    fn review_file(&self) -> PathBuf {
        self.repo.git_dir.join("sopup").join("review.yaml")
    }

    fn save_review(&self, plan: &Plan, drafts: &Drafts<'_>) -> Result<(), CliError> {
        let written = put(&self.review_file(), drafts.written(plan).as_bytes(), Access::KeptOrPrivate);
        written.map(drop).map_err(|error| CliError::new(error.to_string(), "sopup keeps a review that you break off there"))
    }

    /// What was applied need not be gone on with.
    fn forget_review(&self) {
        let _ = std::fs::remove_file(self.review_file());
    }

    pub(super) fn write_plan(&self, file: &Path, written: &str) -> Result<(), CliError> {
        write_file(file, written.as_bytes(), Access::KeptOrPrivate)?;
        self.ui.note(&format!("the plan was written to {}; `sopup migrate --apply {0}` applies it", file.display()));
        Ok(())
    }

    /// Whether somebody has to say yes.
    pub(super) fn asks(&self) -> bool {
        !self.args.yes && !self.args.dry_run && self.args.apply.is_none() && self.args.plan_out.is_none()
    }
}
