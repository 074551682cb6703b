//! From all that was found to what is reported.

use std::collections::HashMap;

use super::{Outcome, Raw, Request, Seen};
use crate::baseline::Meeting;
use crate::finding::{Located, merge};
use crate::source::{Ignores, Origin, Respect, SourceKind};

/// Leaves out what is allowed or unsure, and merges the rest.
pub(super) fn conclude(raw: Raw, seen: Seen, request: &Request) -> Outcome {
    let mut outcome = Outcome { skipped: raw.skipped, left_out: raw.left_out, seen, ..Outcome::default() };
    let ignores = request.top.as_ref().map(|top| Ignores::new(top, None, Respect::Yes));
    outcome.skipped.sort();
    outcome.skipped.dedup();
    let mut kept = Vec::new();
    let mut baseline = request.baseline.as_ref().map(|(baseline, today)| Meeting::new(baseline, *today));
    let mut ignored = Ignored { ignores: ignores.as_ref(), known: HashMap::new() };
    for located in raw.located {
        if ignored.leaves_out(&located.occurrence.origin) {
            outcome.left_out += 1;
            continue;
        }
        let known = baseline.as_mut().and_then(|baseline| baseline.meet(request.key.fingerprint(&located.secret)));
        if located.confidence < request.min_confidence {
            outcome.below_confidence += 1;
        } else if located.allowed_inline {
            outcome.allowed_inline += 1;
        } else if !is_allowed(&located, &raw.other_tops, request) {
            match baseline.as_mut().zip(known) {
                Some((baseline, known)) => baseline.silence(known),
                None => kept.push(located),
            }
        }
    }
    if !kept.is_empty() {
        outcome.findings = merge(kept, &request.key, &request.severities);
    }
    outcome.suppressions = request.allow.report();
    let is_all = outcome.is_complete() && request.scope.is_everything();
    outcome.baseline = baseline.map(if is_all { Meeting::end_of_all } else { Meeting::end });
    outcome
}

/// Whether the list allows a place: one of another working tree by its path in that tree.
fn is_allowed(located: &Located, other_tops: &[String], request: &Request) -> bool {
    let fingerprint = || request.key.fingerprint(&located.secret);
    let path = &located.occurrence.origin.path;
    match other_tops.iter().find_map(|top| path.strip_prefix(top.as_str())) {
        Some(path) => request.allow.allows_at(path, located, fingerprint),
        None => request.allow.allows(located, fingerprint),
    }
}

/// What the `.sopupignore` files of a working tree say about paths of its history and its index.
struct Ignored<'a> {
    ignores: Option<&'a Ignores>,
    known: HashMap<String, bool>,
}

impl Ignored<'_> {
    fn leaves_out(&mut self, Origin { path, source }: &Origin) -> bool {
        use SourceKind::{History, Index, Path, Stash};
        let Some(ignores) = self.ignores.filter(|_| matches!(source, History | Index | Path | Stash)) else { return false };
        if let Some(&known) = self.known.get(path) {
            return known;
        }
        let left_out = ignores.leaves_out_name(path);
        self.known.insert(path.clone(), left_out);
        left_out
    }
}
