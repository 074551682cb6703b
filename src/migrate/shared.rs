//! Names of variables that several files use for different values: where one file runs another, its value would reach that one.

use std::collections::BTreeMap;

use super::file::{SourceFile, SourceFiles, folder_of};
use super::plan::{Applicability, Plan, Step};
use crate::sops::store::Format;

/// What reads variables of its environment and may run others that do.
const READERS: [&str; 4] = ["shell", "makefile", "compose", "terraform"];

/// Steps whose variable has another value in a file that theirs runs, or is run by, or is read together with, need review.
pub(super) fn keep_apart(plan: &mut Plan, files: &SourceFiles) {
    let mut by_name = BTreeMap::<String, Vec<usize>>::new();
    for (at, step) in plan.steps.iter().enumerate().filter(|(_, step)| READERS.contains(&step.rewriter)) {
        let variables = step.entries.iter().map(|id| plan.entry(*id)).filter(|(store, _)| store.format == Format::Dotenv);
        for (_, entry) in variables {
            by_name.entry(entry.path.join(".")).or_default().push(at);
        }
    }
    let mut doubtful = BTreeMap::new();
    for (name, steps) in by_name {
        for (nth, one) in steps.iter().enumerate() {
            for other in &steps[nth + 1..] {
                let (a, b) = (&plan.steps[*one], &plan.steps[*other]);
                if a.file != b.file && value(plan, a, &name) != value(plan, b, &name) && meet(a, b, files) {
                    doubtful.insert(*one, (name.clone(), b.file.clone()));
                    doubtful.insert(*other, (name.clone(), a.file.clone()));
                }
            }
        }
    }
    for (at, (name, other)) in doubtful {
        let step = &mut plan.steps[at];
        if step.applicability == Applicability::Safe {
            step.doubt(&format!("{name} has another value in {other}, and both may meet in one environment"));
        }
    }
}

fn value<'p>(plan: &'p Plan, step: &Step, name: &str) -> Option<&'p crate::secret::Secret> {
    let entries = step.entries.iter().map(|id| plan.entry(*id).1);
    entries.into_iter().find(|entry| entry.path.join(".") == name).map(|entry| &entry.value)
}

/// Whether two files may get one environment: they are read together, or one names the other.
fn meet(a: &Step, b: &Step, files: &SourceFiles) -> bool {
    let together = ["compose", "terraform"].contains(&a.rewriter) && a.rewriter == b.rewriter && folder_of(&a.file) == folder_of(&b.file);
    let names = |one: &Step, other: &Step| {
        let text = files.get(&one.file).and_then(SourceFile::text).unwrap_or_default();
        let file = other.file.rsplit('/').next().unwrap_or(&other.file);
        let folder = folder_of(&other.file).trim_end_matches('/').rsplit('/').next().unwrap_or_default();
        let by_folder = one.rewriter == "makefile" || other.rewriter == "makefile";
        text.contains(file) && file.contains('.') || by_folder && !folder.is_empty() && text.contains(folder)
    };
    together || names(a, b) || names(b, a)
}
