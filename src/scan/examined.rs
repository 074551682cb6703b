//! What is wrong with a whole file that a commit adds or changes. Who examines it is told by the request.

use super::Scanner;
use crate::finding::{Excerpt, Located, Occurrence};
use crate::rule::{Confidence, Rule};
use crate::secret::Secret;
use crate::source::Origin;
use crate::text::Position;

/// Looks at the bytes of a file at a path, relative to the top of the repository.
pub type Examine = dyn Fn(&str, &[u8]) -> Option<Fault> + Send + Sync;

/// What is wrong with a file.
#[derive(Debug, Clone)]
pub struct Fault {
    /// Which kind of thing.
    pub rule: &'static Rule,
    /// In words, without any value of the file.
    pub what: String,
}

impl Scanner<'_> {
    /// What is wrong with a file, as something found at its beginning. In place of a value it has the path: an entry of
    /// the allowlist is for this file.
    pub(super) fn examined(&self, bytes: &[u8], origin: &Origin) -> Vec<Located> {
        let Some(examine) = self.examine else { return Vec::new() };
        self.guarded(&origin.path, || examine(&origin.path, bytes).map(|fault| located(fault, origin)).into_iter().collect())
    }
}

fn located(Fault { rule, what }: Fault, origin: &Origin) -> Located {
    let start = Position { line: 1, column: 1 };
    let excerpt = Excerpt { mark: 0..what.len(), text: what };
    Located {
        rule,
        secret: Secret::new(format!("{}:{}", rule.id, origin.path).into_bytes()),
        confidence: Confidence::High,
        reasons: Vec::new(),
        occurrence: Occurrence { origin: origin.clone(), start, end: start, bytes: 0..0, excerpt, sighting: None },
        allowed_inline: false,
    }
}
