//! The message of a commit as git will keep it, seen from its hook.

/// What follows the mark of a comment where the part begins that git cuts off.
const SCISSORS: &[u8] = b" ------------------------ >8 ------------------------";

/// How git cleans a message up.
pub(super) struct Cleanup<'a> {
    /// Whether an editor was opened; without, git keeps comments by default.
    pub(super) is_edited: bool,
    /// `commit.cleanup`
    pub(super) mode: Option<&'a str>,
    /// What a comment starts with; `None` if git chooses something that the message does not have.
    pub(super) comment: Option<&'a str>,
}

/// The lines that may become part of the commit; others are emptied, so that the numbers of lines stay.
pub(super) fn kept(message: &[u8], how: &Cleanup<'_>) -> Vec<u8> {
    let (has_comments, has_scissors) = match how.mode.unwrap_or("default") {
        "strip" => (false, how.is_edited),
        "default" => (!how.is_edited, how.is_edited),
        "scissors" => (true, how.is_edited),
        _ => (true, false),
    };
    let is_scissors = |line: &[u8]| match how.comment {
        Some(comment) => line.strip_prefix(comment.as_bytes()).is_some_and(|line| line.starts_with(SCISSORS)),
        None => line.get(1..).is_some_and(|line| line.starts_with(SCISSORS)),
    };
    let mut kept = Vec::with_capacity(message.len());
    for line in message.split_inclusive(|&byte| byte == b'\n') {
        if has_scissors && is_scissors(line) {
            break;
        }
        let is_comment = !has_comments && how.comment.is_some_and(|comment| line.starts_with(comment.as_bytes()));
        kept.extend_from_slice(if is_comment { b"\n" } else { line });
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_git_drops_is_not_read_and_nothing_else_is_dropped() {
        let message = b"title\n# note\n# ------------------------ >8 ------------------------\ndiff\n";
        let of = |is_edited, mode| String::from_utf8(kept(message, &Cleanup { is_edited, mode, comment: Some("#") })).expect("UTF-8");
        assert_eq!(of(true, None), "title\n\n");
        assert_eq!(of(true, Some("scissors")), "title\n# note\n");
        assert_eq!(of(false, None).as_bytes(), message);
        assert_eq!(of(false, Some("strip")), "title\n\n\ndiff\n");
        assert_eq!(of(true, Some("verbatim")).as_bytes(), message);
        assert_eq!(of(true, Some("whitespace")).as_bytes(), message);
        let other = Cleanup { is_edited: true, mode: None, comment: Some(";") };
        assert_eq!(kept(message, &other), message);
        let chosen = Cleanup { is_edited: true, mode: None, comment: None };
        assert_eq!(kept(message, &chosen), b"title\n# note\n");
    }
}
