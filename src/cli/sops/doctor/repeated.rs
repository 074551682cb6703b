//! What many files have in common, said once and with a count: it is about a rule, not about each file.

use std::collections::BTreeMap;

use super::report::{Advice, Report};
use crate::sops::doctor::{Problem, Remedy, Weight};

/// How many files are named one by one before they are counted.
const NAMED: usize = 3;

impl Report {
    /// Says what many files have in common once.
    pub(super) fn say_once(&mut self) {
        self.count_together(1, |problem| match problem {
            Problem::SingleRecipient => Some("can each be opened by one key only; if that is lost, so are their values".to_owned()),
            _ => None,
        });
        self.count_together(NAMED, |problem| match problem {
            Problem::PlainValuesUnguarded => Some(
                "have plain values that can be changed unnoticed, because the MAC covers only encrypted ones (mac_only_encrypted)"
                    .to_owned(),
            ),
            Problem::OtherSelector { found, expected } => {
                Some(format!("have another selector than their creation rule: theirs is {found}, that of the rule is {expected}"))
            }
            _ => None,
        });
    }

    /// Replaces problems that are told in the same words of more than `few` files.
    fn count_together(&mut self, few: usize, words: impl Fn(&Problem) -> Option<String>) {
        let mut counts: BTreeMap<String, (usize, Remedy)> = BTreeMap::new();
        for problem in self.files.iter().flat_map(|file| &file.problems) {
            if let Some(text) = words(problem) {
                counts.entry(text).or_insert_with(|| (0, problem.remedy())).0 += 1;
            }
        }
        counts.retain(|_, (count, _)| *count > few);
        let is_counted = |problem: &Problem| words(problem).is_some_and(|text| counts.contains_key(&text));
        self.files.iter_mut().for_each(|file| file.problems.retain(|problem| !is_counted(problem)));
        let told = counts.into_iter().map(|(text, (count, remedy))| Advice {
            path: ".".to_owned(),
            weight: Weight::Warning,
            text: format!("{count} files {text}"),
            left: match remedy {
                Remedy::None(left) => Some(left),
                Remedy::By(_) => None,
            },
        });
        self.advice.extend(told);
    }
}
