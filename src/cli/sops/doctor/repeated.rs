//! What many files have in common, said once and with a count: it is about a rule, not about each file.

use std::collections::BTreeMap;

use super::report::Report;
use crate::sops::doctor::{Problem, Weight};

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
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for text in self.files.iter().flat_map(|file| &file.problems).filter_map(&words) {
            *counts.entry(text).or_default() += 1;
        }
        counts.retain(|_, count| *count > few);
        let is_counted = |problem: &Problem| words(problem).is_some_and(|text| counts.contains_key(&text));
        self.files.iter_mut().for_each(|file| file.problems.retain(|problem| !is_counted(problem)));
        let told = counts.iter().map(|(text, count)| (".".to_owned(), Weight::Warning, format!("{count} files {text}")));
        self.advice.extend(told);
    }
}
