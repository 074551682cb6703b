//! The review: a person goes through a plan step by step, and says what is moved, where to, and what is no secret.

use std::collections::BTreeMap;
use std::io;

use super::show;
use crate::cli::ui::Ui;
use crate::finding::FingerprintKey;
use crate::migrate::file::SourceFile;
use crate::migrate::plan::{Applicability, Decision, Plan, Readers};
use crate::migrate::wish::{Wish, Wishes};

/// What a person reviews.
pub(super) struct Review<'a> {
    pub(super) files: &'a BTreeMap<String, SourceFile>,
    /// Makes the plan anew with other names.
    pub(super) draft: &'a dyn Fn(&Wishes) -> Plan,
    pub(super) key: &'a FingerprintKey,
    pub(super) wishes: Wishes,
    pub(super) ui: &'a Ui,
}

/// What was said about a step.
enum Answer {
    /// The next step.
    Next,
    /// The same step again.
    Again,
    /// No more steps.
    Rest,
    /// Nothing is to be changed.
    Quit,
}

impl Review<'_> {
    /// Goes through all steps; `None` if nothing is to be changed.
    pub(super) fn run(mut self, mut plan: Plan, upto: Applicability) -> io::Result<Option<Plan>> {
        let mut at = 0;
        while at < plan.steps.len() {
            show::step(&plan, at, upto, self.files, self.ui)?;
            match self.ask(&mut plan, at) {
                Answer::Next => at += 1,
                Answer::Again => {}
                Answer::Rest => break,
                Answer::Quit => return Ok(None),
            }
        }
        Ok(Some(plan))
    }

    fn ask(&mut self, plan: &mut Plan, at: usize) -> Answer {
        let manual = plan.steps[at].applicability == Applicability::Manual;
        let question = match (manual, self.movable(plan, at)) {
            (true, _) => "[n]ext, [f]alse alarm, [a]ll the rest as planned, [q]uit?",
            (false, true) => "[y]es, [n]o, other [k]ey, other [s]tore, [f]alse alarm, [a]ll the rest as planned, [q]uit?",
            (false, false) => "[y]es, [n]o, [f]alse alarm, [a]ll the rest as planned, [q]uit?",
        };
        let Some(answer) = self.ui.ask(question) else { return Answer::Quit };
        match answer.as_str() {
            "y" if !manual => plan.steps[at].decision = Decision::Accepted,
            "n" => plan.steps[at].decision = Decision::Skipped,
            "k" | "s" if self.movable(plan, at) => return self.rename(plan, at, answer == "s"),
            "f" => match self.ui.ask("Why is it no secret?").filter(|reason| !reason.is_empty()) {
                Some(reason) => plan.steps[at].decision = Decision::Dismissed(reason),
                None => return Answer::Again,
            },
            "a" => return Answer::Rest,
            "q" => return Answer::Quit,
            _ => return Answer::Again,
        }
        Answer::Next
    }

    /// Whether the value of a step can have another name.
    fn movable(&self, plan: &Plan, at: usize) -> bool {
        matches!(plan.steps[at].entries.as_slice(), [id] if plan.entry(*id).1.readers == Readers::References)
    }

    fn rename(&mut self, plan: &mut Plan, at: usize, store: bool) -> Answer {
        let [id] = plan.steps[at].entries[..] else { return Answer::Again };
        let (known, entry) = plan.entry(id);
        let (path, key) = (known.path.clone(), entry.path.join("."));
        let question = if store { format!("Store instead of {path}:") } else { format!("Key instead of {key}:") };
        let Some(answer) = self.ui.ask(&question).filter(|answer| !answer.is_empty()) else { return Answer::Again };
        let wish = if store { Wish::new(&answer, &key) } else { Wish::new(&path, &answer) };
        match wish {
            Ok(wish) => {
                self.wishes.insert(self.key.fingerprint(&entry.value), wish);
                let mut again = (self.draft)(&self.wishes);
                again.decide_as(plan);
                *plan = again;
            }
            Err(error) => self.ui.note(&error.to_string()),
        }
        Answer::Again
    }
}
