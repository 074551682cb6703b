//! From all that was found to what is reported.

use std::collections::HashMap;

use super::{Outcome, Raw, Request, Seen};
use crate::finding::merge;
use crate::source::{Ignores, Origin, Respect, SourceKind};

/// Leaves out what is allowed or unsure, and merges the rest.
pub(super) fn conclude(raw: Raw, seen: Seen, request: &Request) -> Outcome {
    let mut outcome = Outcome { skipped: raw.skipped, left_out: raw.left_out, seen, ..Outcome::default() };
    let ignores = request.top.as_ref().map(|top| Ignores::new(top, None, Respect::Yes));
    outcome.skipped.sort();
    outcome.skipped.dedup();
    let mut kept = Vec::new();
    let mut ignored = Ignored { ignores: ignores.as_ref(), known: HashMap::new() };
    for located in raw.located {
        if ignored.leaves_out(&located.occurrence.origin) {
            outcome.left_out += 1;
            continue;
        }
        if located.confidence < request.min_confidence {
            outcome.below_confidence += 1;
        } else if located.allowed_inline {
            outcome.allowed_inline += 1;
        } else if !request.allow.allows(&located, || request.key.fingerprint(&located.secret)) {
            kept.push(located);
        }
    }
    if !kept.is_empty() {
        outcome.findings = merge(kept, &request.key);
    }
    outcome.suppressions = request.allow.report();
    outcome
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
