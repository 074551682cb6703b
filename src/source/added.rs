//! Which lines of a text are new.

use git2::{DiffOptions, Patch};

/// The lines (from 1) that no older text has, as a test for a range of lines: whether one of them
/// is new in the face of each. Without an older text, all are.
pub(super) fn added_lines<T: AsRef<[u8]>>(old: &[T], new: &[u8]) -> impl Fn(usize, usize) -> bool + use<T> {
    let added: Vec<Vec<usize>> = old.iter().map(|old| lines_added(old.as_ref(), new)).collect();
    move |first, last| added.iter().all(|lines| lines.iter().any(|line| (first..=last).contains(line)))
}

fn lines_added(old: &[u8], new: &[u8]) -> Vec<usize> {
    let mut options = DiffOptions::new();
    options.context_lines(0).force_text(true);
    let all = || (1..=memchr::memchr_iter(b'\n', new).count() + 1).collect();
    let Ok(patch) = Patch::from_buffers(old, None, new, None, Some(&mut options)) else { return all() };
    let mut lines = Vec::new();
    for hunk in 0..patch.num_hunks() {
        for line in 0..patch.num_lines_in_hunk(hunk).unwrap_or(0) {
            if let Ok(line) = patch.line_in_hunk(hunk, line)
                && line.origin() == '+'
            {
                lines.extend(line.new_lineno().map(|number| number as usize));
            }
        }
    }
    lines
}
