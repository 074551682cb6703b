//! The review: a person goes through the steps of a plan, and says what is moved, where to, and what is no secret.

use std::io::{self, Write as _};

use super::show;
use crate::cli::error::CliError;
use crate::cli::ui::Ui;
use crate::migrate::plan::{Applicability, Decision, Plan, Readers, Step};
use crate::migrate::{Drafts, Wish, Wishes};

/// What a person reviews.
pub(super) struct Review<'a> {
    /// Make the plan anew with other names.
    pub(super) drafts: &'a Drafts<'a>,
    pub(super) wishes: Wishes,
    pub(super) ui: &'a Ui,
    /// Keeps what was said for another time.
    pub(super) save: &'a dyn Fn(&Plan) -> Result<(), CliError>,
}

/// How a review ended.
pub(super) enum Reviewed {
    /// With decisions.
    Whole,
    /// Kept, to be gone on with.
    Saved,
    /// Nothing is to be changed.
    Nothing,
}

/// What was said about a step.
enum Answer {
    /// The next step.
    Next,
    /// The step before.
    Back,
    /// The same step again.
    Again,
    /// In another order, or fewer of them.
    Reorder,
    /// No more steps.
    Rest,
    /// Nothing more now; what was said is to be kept.
    Save,
    /// Nothing is to be changed.
    Quit,
}

/// What steps stand together by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Group {
    File,
    Store,
    Rule,
}

/// Which steps are shown, and in which order.
struct View {
    group: Group,
    /// Only steps that nobody has decided about and that need a review.
    only_review: bool,
}

const HELP: &str = "\
  y, n  move it, or leave it          Y, N  the same for this step and all later ones like it (same rule, same kind of edit)
  k, s  another key or store for it   f     a false alarm: it is allowed, with your reason
  b     back to the step before       o     only steps that need review, or all of them again
  g     group by store, rule or file  a     all the rest as planned
  w     write down what you said and stop; `sopup migrate` goes on with it
  q     stop; nothing is changed
";

impl Review<'_> {
    /// Goes through the steps that nobody has decided about yet.
    pub(super) fn run(mut self, plan: &mut Plan) -> Result<Reviewed, CliError> {
        let mut view = View { group: Group::File, only_review: false };
        let mut order = view.order(plan);
        // What was said before is there to go back to.
        let mut at = order.iter().position(|step| plan.steps[*step].decision == Decision::Open).unwrap_or(0);
        while at < order.len() {
            show::step(plan, order[at], (at, order.len()), self.drafts.files(), self.ui)?;
            match self.ask(plan, &order[at..], &mut view)? {
                Answer::Next => at += 1,
                Answer::Back => at = at.saturating_sub(1),
                Answer::Again => {}
                Answer::Reorder => {
                    let now = order[at];
                    order = view.order(plan);
                    at = order.iter().position(|step| *step == now).unwrap_or(0);
                }
                Answer::Rest => break,
                Answer::Save => {
                    (self.save)(plan)?;
                    return Ok(Reviewed::Saved);
                }
                Answer::Quit => return Ok(Reviewed::Nothing),
            }
        }
        Ok(Reviewed::Whole)
    }

    /// Asks about the first of some steps.
    fn ask(&mut self, plan: &mut Plan, steps: &[usize], view: &mut View) -> io::Result<Answer> {
        let at = steps[0];
        let manual = plan.steps[at].applicability == Applicability::Manual;
        let question = match (manual, self.movable(plan, at)) {
            (true, _) => "[n]ext, [f]alse alarm, [b]ack, [a]ll the rest as planned, [q]uit, [?] help?",
            (false, true) => "[y]es, [n]o, other [k]ey, other [s]tore, [f]alse alarm, [b]ack, [a]ll the rest as planned, [q]uit, [?] help?",
            (false, false) => "[y]es, [n]o, [f]alse alarm, [b]ack, [a]ll the rest as planned, [q]uit, [?] help?",
        };
        let Some(answer) = self.ui.ask(question) else { return Ok(Answer::Quit) };
        match answer.as_str() {
            "y" if !manual => plan.steps[at].decision = Decision::Accepted,
            "n" => plan.steps[at].decision = Decision::Skipped,
            "Y" if !manual => decide_alike(plan, steps, &Decision::Accepted),
            "N" => decide_alike(plan, steps, &Decision::Skipped),
            "k" | "s" if self.movable(plan, at) => return Ok(self.rename(plan, at, answer == "s")),
            "f" => match self.ui.ask("Why is it no secret?").filter(|reason| !reason.is_empty()) {
                Some(reason) => plan.steps[at].decision = Decision::Dismissed(reason),
                None => return Ok(Answer::Again),
            },
            "b" => return Ok(Answer::Back),
            "o" => {
                view.only_review = !view.only_review;
                return Ok(Answer::Reorder);
            }
            "g" => {
                view.group = view.group.next();
                return Ok(Answer::Reorder);
            }
            "a" => return Ok(Answer::Rest),
            "w" => return Ok(Answer::Save),
            "q" => return Ok(Answer::Quit),
            _ => {
                let mut out = self.ui.stdout();
                out.write_all(HELP.as_bytes())?;
                out.flush()?;
                return Ok(Answer::Again);
            }
        }
        Ok(Answer::Next)
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
                self.wishes.insert(self.drafts.key().fingerprint(&entry.value), wish);
                let mut again = self.drafts.draft(&self.wishes);
                again.decide_as(plan);
                *plan = again;
            }
            Err(error) => self.ui.note(&error.to_string()),
        }
        Answer::Again
    }
}

/// Decides about the first of some steps, and those of the others that are like it and that nobody has decided about.
fn decide_alike(plan: &mut Plan, steps: &[usize], decision: &Decision) {
    let kind = |step: &Step| (step.rewriter, step.applicability, step.places.first().map(|place| place.rule));
    let wanted = kind(&plan.steps[steps[0]]);
    for (nth, at) in steps.iter().enumerate() {
        let step = &mut plan.steps[*at];
        if nth == 0 || kind(step) == wanted && step.decision == Decision::Open {
            step.decision = decision.clone();
        }
    }
}

impl Group {
    fn next(self) -> Self {
        match self {
            Self::File => Self::Store,
            Self::Store => Self::Rule,
            Self::Rule => Self::File,
        }
    }
}

impl View {
    /// The steps that are shown, in order.
    fn order(&self, plan: &Plan) -> Vec<usize> {
        let shown = |step: &Step| !self.only_review || step.applicability == Applicability::NeedsReview && step.decision == Decision::Open;
        let mut order: Vec<usize> = (0..plan.steps.len()).filter(|at| shown(&plan.steps[*at])).collect();
        let store = |step: &Step| step.entries.first().map(|id| plan.entry(*id).0.path.as_str());
        let rule = |step: &Step| step.places.first().map(|place| place.rule);
        match self.group {
            // Plans are in order of file.
            Group::File => {}
            Group::Store => order.sort_by_key(|at| store(&plan.steps[*at])),
            Group::Rule => order.sort_by_key(|at| rule(&plan.steps[*at])),
        }
        order
    }
}
