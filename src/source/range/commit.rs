//! The headers of commits and tags.

use crate::source::object::{HashKind, ObjectId, tag_target};

/// What a commit says about its place in history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Commit {
    pub(super) tree: ObjectId,
    pub(super) parents: Vec<ObjectId>,
    /// By the committer's clock, in seconds since 1970; the earliest if it makes no sense.
    pub(super) time: i64,
}

/// Reads a commit; `None` if it is none.
pub(super) fn commit(hash: HashKind, bytes: &[u8]) -> Option<Commit> {
    let mut lines = bytes.split(|&byte| byte == b'\n').take_while(|line| !line.is_empty());
    let id = |hex: &[u8]| ObjectId::from_hex(hex).filter(|id| id.hash() == hash);
    let mut commit = Commit { tree: id(lines.next()?.strip_prefix(b"tree ")?)?, parents: Vec::new(), time: i64::MIN };
    for line in lines {
        if let Some(parent) = line.strip_prefix(b"parent ") {
            commit.parents.push(id(parent)?);
        } else if let Some(committer) = line.strip_prefix(b"committer ") {
            commit.time = time(committer).unwrap_or(i64::MIN);
            break;
        }
    }
    Some(commit)
}

/// `NAME <ADDRESS> SECONDS ZONE`.
fn time(person: &[u8]) -> Option<i64> {
    let end = person.iter().rposition(|&byte| byte == b'>')?;
    std::str::from_utf8(&person[end + 1..]).ok()?.split_ascii_whitespace().next()?.parse().ok()
}

/// What an annotated tag points at.
pub(super) fn tagged(hash: HashKind, bytes: &[u8]) -> Option<ObjectId> {
    tag_target(bytes).filter(|id| id.hash() == hash)
}

/// When an annotated tag was made; old ones do not tell.
pub(super) fn tag_time(bytes: &[u8]) -> Option<i64> {
    let mut lines = bytes.split(|&byte| byte == b'\n').take_while(|line| !line.is_empty());
    time(lines.find_map(|line| line.strip_prefix(b"tagger "))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_and_a_tag() {
        let [one, two] = ["1", "2"].map(|digit| digit.repeat(40));
        let id = |hex: &str| ObjectId::from_hex(hex.as_bytes()).expect("an id");
        let text = format!("tree {one}\nparent {two}\nauthor A <a> 7 +0000\ncommitter A <b> 5> 9 +0100\n\nparent {one}\n");
        let read = commit(HashKind::Sha1, text.as_bytes()).expect("a commit");
        assert_eq!(read, Commit { tree: id(&one), parents: vec![id(&two)], time: 9 });
        assert_eq!(commit(HashKind::Sha256, text.as_bytes()), None);
        let tag = format!("object {one}\ntype blob\ntag x\ntagger A <a> 7 +0000\n\ntagger B <b> 8 +0000\n");
        assert_eq!((tagged(HashKind::Sha1, tag.as_bytes()), tag_time(tag.as_bytes())), (Some(id(&one)), Some(7)));
        assert_eq!(tag_time(b"object x\n\ntagger B <b> 8 +0000\n"), None);
    }
}
