//! Objects of git in one file: bundles, and packs that lie outside of repositories. They are read
//! in memory, front to back; what a repository holds is read by [`crate::source::object`].

use std::collections::{HashMap, HashSet};

use super::CommitText;
use super::trees::{EntryKind, Starts};
use crate::source::object::{HashKind, Object, ObjectId, ObjectKind, SkipReason};
use crate::source::pack::{Base, Header, apply, inflate_prefix, parse_ops};

/// What every pack of git starts with (gitformat-pack); the version follows, and the number of entries.
const PACK: &[u8] = b"PACK";
/// Bytes before the first entry of a pack.
const PACK_HEADER: usize = 12;
/// Entries of trees that are followed, each tree counted once for each of its paths: a few trees can lead to endlessly many.
const MOST_ENTRIES: usize = 2 << 20;

/// The objects that a file holds.
#[derive(Debug)]
pub struct Bundle {
    hash: HashKind,
    objects: HashMap<ObjectId, Object>,
}

/// Why some of the objects of a file were not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lack {
    /// The bytes make no sense, or a checksum differs.
    Damaged,
    /// Together they come to more than was asked for.
    TooMuch,
    /// They build on objects that the file does not hold.
    Elsewhere,
}

/// A bundle's objects that are waiting for what they build on.
struct Pending {
    offset: usize,
    base: Base,
    instructions: Vec<u8>,
}

impl Bundle {
    /// Whether a file that begins like this is one: a pack, or a bundle (gitformat-bundle).
    pub fn is_one(head: &[u8]) -> bool {
        [&b"PACK\0\0\0\x02"[..], b"# v2 git bundle\n", b"# v3 git bundle\n"].iter().any(|start| head.starts_with(start))
    }

    /// Reads the objects of a file, at most as many bytes of them as `most`, and says what is lacking.
    pub fn read(file: &[u8], most: u64) -> (Self, Option<Lack>) {
        let (hash, pack) = if file.starts_with(PACK) { (None, file) } else { behind_refs(file) };
        let whole = |hash: HashKind| {
            let (body, trailer) = pack.split_at_checked(pack.len().checked_sub(hash.id_len())?)?;
            (hash.digest(body).as_bytes() == trailer).then_some(hash)
        };
        let sound = hash.map_or_else(|| whole(HashKind::Sha1).or_else(|| whole(HashKind::Sha256)), whole);
        let hash = sound.or(hash).unwrap_or(HashKind::Sha1);
        let mut reader = Reader { hash, left: most, offsets: HashMap::new(), objects: HashMap::new() };
        let lack = reader.pack(pack).err().or((sound.is_none()).then_some(Lack::Damaged));
        (Self { hash, objects: reader.objects }, lack)
    }

    /// Every file of every commit, the newest commits first, each content once for each of its paths:
    /// `0f1e2d3c4b/config/app.env`, where the first part is the newest commit that has it so. Then what
    /// no commit leads to, and the messages of commits and tags. Says whether all paths were followed.
    ///
    /// # Errors
    /// Those of `visit`, which end it.
    pub fn each_text<E>(&self, mut visit: impl FnMut(&str, &[u8]) -> Result<(), E>) -> Result<Option<Lack>, E> {
        let mut commits: Vec<(CommitText, &ObjectId)> = Vec::new();
        for (id, object) in self.objects.iter().filter(|(_, object)| object.kind == ObjectKind::Commit) {
            commits.extend(CommitText::parse(&object.bytes).map(|commit| (commit, id)));
        }
        commits.sort_unstable_by(|(one, a), (other, b)| (other.committed, a.as_bytes()).cmp(&(one.committed, b.as_bytes())));
        let mut listing = Listing { left: MOST_ENTRIES, seen: HashSet::new(), files: Vec::new() };
        let followed = commits.iter().all(|(commit, id)| listing.tree(self, commit.tree, id));
        for (name, id) in &listing.files {
            visit(name, &self.objects[id].bytes)?;
        }
        let named: HashSet<ObjectId> = listing.files.iter().map(|(_, id)| *id).collect();
        let mut others: Vec<(&ObjectId, &Object)> =
            self.objects.iter().filter(|(id, object)| object.kind != ObjectKind::Tree && !named.contains(id)).collect();
        others.sort_unstable_by_key(|(id, object)| (object.kind.name(), id.as_bytes()));
        for (id, object) in others {
            visit(&format!("{} {id}", object.kind.name()), &object.bytes)?;
        }
        Ok((!followed).then_some(Lack::TooMuch))
    }
}

/// Takes the files of trees together, each tree once for each of its paths.
struct Listing {
    left: usize,
    seen: HashSet<(ObjectId, String)>,
    files: Vec<(String, ObjectId)>,
}

impl Listing {
    /// Whether all below the tree of a commit was taken. What the file does not hold is left out.
    fn tree(&mut self, bundle: &Bundle, top: ObjectId, commit: &ObjectId) -> bool {
        let commit = &commit.to_string()[..10];
        let mut open = vec![(top, String::new())];
        while let Some((id, path)) = open.pop() {
            let Some(tree) = bundle.objects.get(&id).filter(|object| object.kind == ObjectKind::Tree) else { continue };
            if !self.seen.insert((id, path.clone())) {
                continue;
            }
            let (mut below, mut files) = (Vec::new(), Vec::new());
            // What a malformed tree names before the fault is taken.
            let _ = Starts::read(&tree.bytes, bundle.hash, &mut |_, entry| {
                let path = format!("{path}{}", String::from_utf8_lossy(entry.name));
                match entry.kind {
                    EntryKind::Tree => below.push((entry.id, format!("{path}/"))),
                    EntryKind::Blob => files.push((path, entry.id)),
                    EntryKind::Gitlink => {}
                }
            });
            let Some(left) = self.left.checked_sub(below.len() + files.len()) else { return false };
            self.left = left;
            open.extend(below.into_iter().rev());
            for (path, id) in files {
                if bundle.objects.contains_key(&id) && self.seen.insert((id, path.clone())) {
                    self.files.push((format!("{commit}/{path}"), id));
                }
            }
        }
        true
    }
}

/// The hash that a bundle names, and its pack, which follows the refs.
fn behind_refs(file: &[u8]) -> (Option<HashKind>, &[u8]) {
    let start = memchr::memmem::find(file, b"\n\n").map_or(file.len(), |end| end + 2);
    let (header, pack) = file.split_at(start);
    let sha256 = header.split(|&byte| byte == b'\n').any(|line| line == b"@object-format=sha256");
    (Some(if sha256 { HashKind::Sha256 } else { HashKind::Sha1 }), pack)
}

struct Reader {
    hash: HashKind,
    left: u64,
    offsets: HashMap<usize, ObjectId>,
    objects: HashMap<ObjectId, Object>,
}

impl Reader {
    fn pack(&mut self, pack: &[u8]) -> Result<(), Lack> {
        let count = pack.get(8..PACK_HEADER).filter(|_| pack.starts_with(PACK)).ok_or(Lack::Damaged)?;
        let count = count.iter().fold(0_u32, |count, byte| count << 8 | u32::from(*byte));
        let mut pending = Vec::new();
        let read = self.entries(pack, count, &mut pending);
        // Bases may follow what builds on them.
        loop {
            let before = pending.len();
            let mut rest = Vec::new();
            for one in pending {
                rest.extend(self.delta(one)?);
            }
            if rest.is_empty() || rest.len() == before {
                let missing = if rest.is_empty() { Ok(()) } else { Err(Lack::Elsewhere) };
                return read.and(missing);
            }
            pending = rest;
        }
    }

    fn entries(&mut self, pack: &[u8], count: u32, pending: &mut Vec<Pending>) -> Result<(), Lack> {
        let mut offset = PACK_HEADER;
        for _ in 0..count {
            let rest = pack.get(offset..).unwrap_or_default();
            let header = Header::parse(rest, self.hash).map_err(|_| Lack::Damaged)?;
            self.take(header.size)?;
            let size = usize::try_from(header.size).map_err(|_| Lack::TooMuch)?;
            let (bytes, length) = inflate_prefix(&rest[header.len..], size).map_err(|_| Lack::Damaged)?;
            match header.base {
                Base::Whole(kind) => self.keep(offset, Object { kind, bytes }),
                base => pending.extend(self.delta(Pending { offset, base, instructions: bytes })?),
            }
            offset += header.len + length;
        }
        Ok(())
    }

    /// Keeps what a delta makes; gives it back while its base is not known.
    fn delta(&mut self, pending: Pending) -> Result<Option<Pending>, Lack> {
        let id = match pending.base {
            Base::Named(id) => Some(id),
            Base::Before(distance) => {
                let base = usize::try_from(distance).ok().and_then(|distance| pending.offset.checked_sub(distance));
                self.offsets.get(&base.ok_or(Lack::Damaged)?).copied()
            }
            Base::Whole(_) => None,
        };
        let Some(base) = id.and_then(|id| self.objects.get(&id)) else { return Ok(Some(pending)) };
        let mut ops = Vec::new();
        let most = usize::try_from(self.left).unwrap_or(usize::MAX);
        let size = match parse_ops(&pending.instructions, base.bytes.len(), most, &mut ops) {
            Ok(size) => size,
            Err(SkipReason::Damaged(_)) => return Err(Lack::Damaged),
            Err(_) => return Err(Lack::TooMuch),
        };
        let mut bytes = Vec::new();
        apply(&base.bytes, &pending.instructions, &ops, &mut bytes);
        let kind = base.kind;
        self.take(size as u64)?;
        self.keep(pending.offset, Object { kind, bytes });
        Ok(None)
    }

    fn keep(&mut self, offset: usize, object: Object) {
        let id = self.hash.id_of(object.kind, &object.bytes);
        self.offsets.insert(offset, id);
        self.objects.insert(id, object);
    }

    fn take(&mut self, bytes: u64) -> Result<(), Lack> {
        self.left = self.left.checked_sub(bytes).ok_or(Lack::TooMuch)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::pack::PackWriter;

    fn texts(file: &[u8], most: u64) -> (Vec<String>, Option<Lack>) {
        let (bundle, lack) = Bundle::read(file, most);
        let mut names = Vec::new();
        let followed = bundle.each_text(|name, _| {
            names.push(name.to_owned());
            Ok::<(), ()>(())
        });
        (names, lack.or(followed.expect("nothing ends it")))
    }

    /// A commit whose tree leads to ten times as many paths with every level.
    fn nested(levels: u32) -> Vec<u8> {
        let mut writer = PackWriter::default();
        let mut add = |kind: ObjectKind, bytes: &[u8]| {
            writer.add(kind, bytes);
            HashKind::Sha1.id_of(kind, bytes)
        };
        let mut below = add(ObjectKind::Blob, b"text");
        for level in 0..levels {
            let mode = if level == 0 { "100644" } else { "40000" };
            let tree: Vec<u8> = (0..10).flat_map(|name| [format!("{mode} {name}\0").as_bytes(), below.as_bytes()].concat()).collect();
            below = add(ObjectKind::Tree, &tree);
        }
        add(ObjectKind::Commit, format!("tree {below}\n\nmessage\n").as_bytes());
        writer.take(HashKind::Sha1).expect("a pack")
    }

    #[test]
    fn paths_are_bounded_and_so_are_bytes() {
        let (names, lack) = texts(&nested(3), 1 << 20);
        assert_eq!((names.len(), lack), (1001, None));
        assert!(names[0].ends_with("/0/0/0") && names[1000].starts_with("commit "), "{names:?}");
        assert_eq!(texts(&nested(9), 1 << 20).1, Some(Lack::TooMuch));
        assert_eq!(texts(&nested(3), 300).1, Some(Lack::TooMuch));
    }

    #[test]
    fn damage_anywhere_is_told() {
        let pack = nested(2);
        for at in 0..pack.len() {
            let mut wrong = pack.clone();
            wrong[at] ^= 0x55;
            assert!(texts(&wrong, 1 << 20).1.is_some(), "byte {at}");
            assert!(texts(&pack[..at], 1 << 20).1.is_some(), "cut at {at}");
        }
    }
}
