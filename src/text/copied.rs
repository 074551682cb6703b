//! Parts of a text that were copied from another one.

use super::Span;

/// A part of a text that was copied from another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Copied {
    /// Where it starts in the other text, in bytes.
    pub from: usize,
    /// Where it starts in the new text, in bytes.
    pub to: usize,
    /// Its length in bytes.
    pub len: usize,
}

impl Copied {
    /// Whether a span of the old text lies in it.
    pub fn covers(&self, span: Span) -> bool {
        span.start >= self.from && span.end <= self.from + self.len
    }

    /// Where a span of the old text, covered by this part, lies in the new one.
    pub fn moved(&self, span: Span) -> Span {
        Span::new(span.start - self.from + self.to, span.end - self.from + self.to)
    }
}

/// Parts that were neighbours in the old text and are so in the new one, as one.
pub fn joined(copied: impl IntoIterator<Item = Copied>) -> Vec<Copied> {
    let mut runs: Vec<Copied> = Vec::new();
    for run in copied.into_iter().filter(|run| run.len > 0) {
        match runs.last_mut() {
            Some(last) if last.from + last.len == run.from && last.to + last.len == run.to => last.len += run.len,
            _ => runs.push(run),
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_become_one() {
        let run = |from, to, len| Copied { from, to, len };
        assert_eq!(joined([run(0, 0, 4), run(4, 4, 2), run(6, 8, 1), run(3, 9, 0)]), [run(0, 0, 6), run(6, 8, 1)]);
    }
}
