//! The recipients of one file, told together: a file that missed an `updatekeys` differs from its rule in many of them.

use crate::sops::doctor::Problem;
use crate::sops::recipient::short;

/// As many recipients are named; the rest is counted.
const NAMED: usize = 3;

/// A problem in words, or several in a row about recipients in one sentence, and how many they are.
pub(super) fn told(problems: &[Problem]) -> (String, usize) {
    let first = &problems[0];
    let alike = problems.iter().map_while(|problem| recipient(problem).filter(|_| problem.code() == first.code()));
    let names: Vec<String> = alike.map(|name| format!("`{}`", short(name))).collect();
    if names.len() < 2 {
        return (first.to_string(), 1);
    }
    let named = if names.len() > NAMED + 1 {
        format!("{} and {} more", names[..NAMED].join(", "), names.len() - NAMED)
    } else {
        format!("{} and {}", names[..names.len() - 1].join(", "), names[names.len() - 1])
    };
    let text = if matches!(first, Problem::UnknownRecipient { .. }) {
        format!("{named} can open it and are not named by its creation rule; run updatekeys")
    } else {
        format!("{named} are named by its creation rule and cannot open it; run updatekeys")
    };
    (text, names.len())
}

fn recipient(problem: &Problem) -> Option<&str> {
    match problem {
        Problem::UnknownRecipient { recipient } | Problem::MissingRecipient { recipient } => Some(recipient),
        _ => None,
    }
}
