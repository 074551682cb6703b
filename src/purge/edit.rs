//! Objects without the values: blobs, commits, tags and trees, and nothing else of them changed.

use crate::sought::{Hit, Sought, Spelling};
use crate::source::object::{HashKind, ObjectId};
use crate::text::{Decoded, Encoding, decode, is_plain, spliced, squeezed};

/// What stands for a value that was taken out.
pub const REPLACEMENT: &str = "REMOVED";

/// Where values stand in bytes, however these are read; in order, none overlapping another.
pub(super) fn hits(bytes: &[u8], sought: &Sought) -> Vec<Hit> {
    let mut all = sought.hits(bytes);
    if is_plain(bytes) {
        return all;
    }
    let decoded = decode(bytes);
    if decoded.encoding != Encoding::Bytes {
        add_decoded(&mut all, bytes, &decoded, sought);
    }
    if let Some(other) = squeezed(bytes) {
        add_decoded(&mut all, bytes, &other, sought);
    }
    all
}

fn add_decoded(all: &mut Vec<Hit>, bytes: &[u8], decoded: &Decoded<'_>, sought: &Sought) {
    for hit in sought.hits(&decoded.text) {
        let span = decoded.in_file(bytes, hit.span);
        if !all.iter().any(|other| other.span.start < span.end && span.start < other.span.end) {
            all.push(Hit { span, ..hit });
        }
    }
    all.sort_by_key(|hit| hit.span.start);
}

/// The bytes with something else in the place of values.
pub(super) fn replaced(bytes: &[u8], hits: &[Hit]) -> Vec<u8> {
    spliced(bytes, hits.iter().map(|hit| hit.span), |number, found| substitute(found, hits[number].spelling))
}

/// What is put in the place of a value. Inside of a longer run of base64 or hexadecimal the length is kept, so that the
/// rest still decodes; line breaks stay where they are.
fn substitute(found: &[u8], spelling: Spelling) -> Vec<u8> {
    let filled = |with: u8| found.iter().map(|&byte| if byte.is_ascii_whitespace() || byte == b'\\' { byte } else { with }).collect();
    match spelling {
        Spelling::Base64 | Spelling::Base64Utf16 | Spelling::Body => filled(b'A'),
        Spelling::Hex => filled(b'0'),
        _ => match found {
            [0, second, ..] if *second != 0 => REPLACEMENT.encode_utf16().flat_map(u16::to_be_bytes).collect(),
            [first, 0, ..] if *first != 0 => REPLACEMENT.encode_utf16().flat_map(u16::to_le_bytes).collect(),
            _ => REPLACEMENT.into(),
        },
    }
}

/// What became of a commit or tag.
pub(super) struct Edited {
    pub(super) bytes: Vec<u8>,
    /// A signature was taken away, because it is not of this text.
    pub(super) unsigned: bool,
}

/// A commit or tag without values, and with the new names of objects in its header. `None` if nothing changes.
pub(super) fn edited(bytes: &[u8], sought: &Sought, new: impl Fn(&ObjectId) -> Option<ObjectId>) -> Option<Edited> {
    let hits = sought.hits(bytes);
    let clean = if hits.is_empty() { bytes.to_vec() } else { replaced(bytes, &hits) };
    let end = memchr::memmem::find(&clean, b"\n\n").map_or(clean.len(), |at| at + 1);
    let (head, rest) = clean.split_at(end);
    let (mut out, mut changed, mut signatures) = (Vec::with_capacity(clean.len()), !hits.is_empty(), Vec::new());
    for field in fields(head) {
        let renamed = renamed(field, &new);
        changed |= renamed.is_some();
        let field = renamed.unwrap_or_else(|| field.to_vec());
        if is_signature(&field) {
            signatures.push(out.len()..out.len() + field.len());
        }
        out.extend_from_slice(&field);
    }
    if !changed {
        return None;
    }
    let mut unsigned = !signatures.is_empty();
    for range in signatures.into_iter().rev() {
        out.drain(range);
    }
    let body = match trailing_signature(rest) {
        Some(at) if head.starts_with(b"object ") => {
            unsigned = true;
            &rest[..at]
        }
        _ => rest,
    };
    out.extend_from_slice(body);
    Some(Edited { bytes: out, unsigned })
}

/// Lines of a header, each with those that continue it.
fn fields(head: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = head;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let ends = memchr::memchr_iter(b'\n', rest).map(|at| at + 1);
        let end = ends.into_iter().find(|&end| rest.get(end) != Some(&b' ')).unwrap_or(rest.len());
        let (field, after) = rest.split_at(end);
        rest = after;
        Some(field)
    })
}

/// What is signed is the text as it was; a tag that was merged is quoted with its signature.
fn is_signature(field: &[u8]) -> bool {
    [&b"gpgsig "[..], b"gpgsig-sha256 ", b"mergetag "].iter().any(|name| field.starts_with(name))
}

/// Where the signature at the end of a tag begins.
fn trailing_signature(body: &[u8]) -> Option<usize> {
    [&b"\n-----BEGIN PGP SIGNATURE-----"[..], b"\n-----BEGIN SSH SIGNATURE-----", b"\n-----BEGIN SIGNED MESSAGE-----"]
        .iter()
        .find_map(|mark| memchr::memmem::rfind(body, mark))
        .map(|at| at + 1)
}

fn renamed(field: &[u8], new: &impl Fn(&ObjectId) -> Option<ObjectId>) -> Option<Vec<u8>> {
    let name = [&b"tree "[..], b"parent ", b"object "].into_iter().find(|name| field.starts_with(name))?;
    let id = ObjectId::from_hex(field[name.len()..].trim_ascii_end())?;
    Some([name, new(&id)?.to_string().as_bytes(), b"\n"].concat())
}

/// An entry of a tree as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) mode: Vec<u8>,
    pub(super) name: Vec<u8>,
    pub(super) id: ObjectId,
}

impl Entry {
    /// Whether it is a commit of another repository.
    pub(super) fn is_gitlink(&self) -> bool {
        is_gitlink(&self.mode)
    }

    pub(super) fn is_tree(&self) -> bool {
        is_tree(&self.mode)
    }

    /// Git sorts folders as if their names ended in a slash.
    fn key(&self) -> Vec<u8> {
        let mut key = self.name.clone();
        if self.is_tree() {
            key.push(b'/');
        }
        key
    }
}

fn is_gitlink(mode: &[u8]) -> bool {
    mode == b"160000"
}

fn is_tree(mode: &[u8]) -> bool {
    matches!(mode, b"40000" | b"040000")
}

/// An entry where it stands in a tree.
pub(super) struct Slot<'a> {
    mode: &'a [u8],
    pub(super) name: &'a [u8],
    pub(super) id: ObjectId,
    /// Where the bytes of its id are.
    pub(super) id_at: usize,
}

impl Slot<'_> {
    pub(super) fn is_gitlink(&self) -> bool {
        is_gitlink(self.mode)
    }

    pub(super) fn is_tree(&self) -> bool {
        is_tree(self.mode)
    }
}

/// Visits the entries of a tree; `None` if it makes no sense.
pub(super) fn each_slot<'a>(tree: &'a [u8], hash: HashKind, mut visit: impl FnMut(Slot<'a>)) -> Option<()> {
    let mut at = 0;
    while at < tree.len() {
        let blank = at + memchr::memchr(b' ', &tree[at..])?;
        let end = blank + memchr::memchr(0, &tree[blank..])?;
        let id = ObjectId::from_bytes(hash, tree.get(end + 1..end + 1 + hash.id_len())?)?;
        visit(Slot { mode: &tree[at..blank], name: &tree[blank + 1..end], id, id_at: end + 1 });
        at = end + 1 + hash.id_len();
    }
    Some(())
}

/// The entries of a tree; `None` if it makes no sense.
pub(super) fn entries(tree: &[u8], hash: HashKind) -> Option<Vec<Entry>> {
    let mut all = Vec::new();
    each_slot(tree, hash, |slot| all.push(Entry { mode: slot.mode.to_vec(), name: slot.name.to_vec(), id: slot.id }))?;
    Some(all)
}

/// A tree of these entries. Their order is kept unless names have changed.
pub(super) fn tree_of(mut entries: Vec<Entry>, renamed: bool) -> Vec<u8> {
    if renamed {
        entries.sort_by_cached_key(Entry::key);
    }
    let mut out = Vec::new();
    for entry in entries {
        out.extend_from_slice(&entry.mode);
        out.push(b' ');
        out.extend_from_slice(&entry.name);
        out.push(0);
        out.extend_from_slice(entry.id.as_bytes());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;
    use crate::source::object::ObjectKind;

    fn sought() -> Sought {
        Sought::new(&[Secret::new("gR4nite-Falcon-27".into())])
    }

    fn clean(bytes: &[u8]) -> Vec<u8> {
        let sought = sought();
        let out = replaced(bytes, &hits(bytes, &sought));
        assert!(hits(&out, &sought).is_empty());
        out
    }

    #[test]
    fn each_spelling_is_replaced_by_something_that_fits() {
        assert_eq!(clean(b"a gR4nite-Falcon-27 b"), b"a REMOVED b");
        assert_eq!(clean(b"x: Z1I0bml0ZS1GYWxjb24tMjc=\n"), b"x: AAAAAAAAAAAAAAAAAAAAAAc=\n");
        assert_eq!(clean(b"6752346e6974652d46616c636f6e2d3237"), b"0000000000000000000000000000000000");
        let wide = |text: &str| [&[0xff, 0xfe][..], &text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>()].concat();
        assert_eq!(clean(&wide("pw gR4nite-Falcon-27\r\n")), wide("pw REMOVED\r\n"));
    }

    #[test]
    fn a_commit_keeps_all_but_what_has_to_change() {
        let (old, new) = ("1111111111111111111111111111111111111111", "2222222222222222222222222222222222222222");
        let text = |tree: &str, signature: &str, message: &str| {
            format!("tree {tree}\nauthor A <a> 1 +0000\ncommitter A <a> 1 +0000\n{signature}encoding x\n\n{message}").into_bytes()
        };
        let signature = "gpgsig -----BEGIN\n more\n end\n";
        let map = |id: &ObjectId| (id.to_string() == old).then(|| ObjectId::from_hex(new.as_bytes()).expect("hex"));
        let signed = text(old, signature, "m gR4nite-Falcon-27\n\n\n");
        let new_text = edited(&signed, &sought(), map).expect("it changes");
        assert!(new_text.unsigned);
        assert_eq!(new_text.bytes, text(new, "", "m REMOVED\n\n\n"));
        assert!(edited(&text(new, signature, "m"), &sought(), map).is_none());
    }

    #[test]
    fn trees_come_out_as_they_went_in() {
        let id = HashKind::Sha1.id_of(ObjectKind::Blob, b"");
        let entry = |mode: &[u8], name: &[u8]| Entry { mode: mode.to_vec(), name: name.to_vec(), id };
        let all = vec![entry(b"100644", b"a-b"), entry(b"40000", b"a"), entry(b"120000", b"a0")];
        let tree = tree_of(all.clone(), false);
        assert_eq!(entries(&tree, HashKind::Sha1), Some(all));
        let unsorted = vec![entry(b"40000", b"a"), entry(b"100644", b"a-b")];
        assert_eq!(entries(&tree_of(unsorted, true), HashKind::Sha1).expect("sound")[0].name, b"a-b");
        assert_eq!(entries(&tree[..tree.len() - 1], HashKind::Sha1), None);
    }
}
