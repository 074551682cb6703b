//! Objects of git in one file: bundles, and packs that lie outside of repositories. They are read
//! in memory, front to back; what a repository holds is read by [`crate::source::object`].

use std::collections::{HashMap, HashSet};

use super::CommitText;
use super::trees::{EntryKind, Starts};
use crate::source::object::{HashKind, Object, ObjectId, ObjectKind, SkipReason};
use crate::source::pack::{Base, HEADER, Header, apply, inflate_prefix, parse_ops};

/// What every pack of git starts with (gitformat-pack); the version follows, and the number of entries.
const PACK: &[u8] = b"PACK";
/// Entries of trees that are followed, each tree counted once for each of its paths: a few trees can lead to endlessly many.
const MOST_ENTRIES: usize = 2 << 20;
/// What the paths of these entries may come to, in bytes: trees in each other make long ones of few names.
const MOST_NAMES: usize = 128 << 20;

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

/// A delta, and where its entry begins.
struct Delta {
    offset: usize,
    instructions: Vec<u8>,
}

/// What a delta builds on.
#[derive(PartialEq, Eq, Hash)]
enum On {
    /// The entry that begins there.
    Offset(usize),
    Object(ObjectId),
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
        let mut reader = Reader { hash, left: most, offsets: HashMap::new(), objects: HashMap::new(), waiting: HashMap::new() };
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
        let mut listing = Listing { entries: MOST_ENTRIES, names: MOST_NAMES, seen: HashSet::new(), files: Vec::new() };
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
    /// So many entries may follow.
    entries: usize,
    /// So long may their paths be together, in bytes.
    names: usize,
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
            let (mut below, mut files) = (Vec::<(ObjectId, String)>::new(), Vec::<(String, ObjectId)>::new());
            let mut within = true;
            // What a malformed tree names before the fault is taken.
            let _ = Starts::read(&tree.bytes, bundle.hash, &mut |_, entry| {
                within = within && self.may_take(path.len() + entry.name.len());
                if !within {
                    return;
                }
                let path = format!("{path}{}", String::from_utf8_lossy(entry.name));
                match entry.kind {
                    EntryKind::Tree => below.push((entry.id, format!("{path}/"))),
                    EntryKind::Blob => files.push((path, entry.id)),
                    EntryKind::Gitlink => {}
                }
            });
            if !within {
                return false;
            }
            open.extend(below.into_iter().rev());
            for (path, id) in files {
                if bundle.objects.contains_key(&id) && self.seen.insert((id, path.clone())) {
                    self.files.push((format!("{commit}/{path}"), id));
                }
            }
        }
        true
    }

    /// Whether one more path, of so many bytes, is within the bounds.
    fn may_take(&mut self, bytes: usize) -> bool {
        let (Some(entries), Some(names)) = (self.entries.checked_sub(1), self.names.checked_sub(bytes)) else { return false };
        (self.entries, self.names) = (entries, names);
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
    /// Deltas whose bases are not read yet: bases may follow what builds on them.
    waiting: HashMap<On, Vec<Delta>>,
}

impl Reader {
    fn pack(&mut self, pack: &[u8]) -> Result<(), Lack> {
        let header = pack.get(..HEADER as usize).filter(|_| pack.starts_with(PACK)).ok_or(Lack::Damaged)?;
        let count = header[8..].iter().fold(0_u32, |count, byte| count << 8 | u32::from(*byte));
        self.entries(pack, count)?;
        if self.waiting.is_empty() { Ok(()) } else { Err(Lack::Elsewhere) }
    }

    fn entries(&mut self, pack: &[u8], count: u32) -> Result<(), Lack> {
        let mut offset = HEADER as usize;
        for _ in 0..count {
            let rest = pack.get(offset..).unwrap_or_default();
            let header = Header::parse(rest, self.hash).map_err(|_| Lack::Damaged)?;
            self.take(header.size)?;
            let size = usize::try_from(header.size).map_err(|_| Lack::TooMuch)?;
            let (bytes, length) = inflate_prefix(&rest[header.len..], size).map_err(|_| Lack::Damaged)?;
            match header.base {
                Base::Whole(kind) => self.keep(offset, Object { kind, bytes })?,
                Base::Named(id) => self.delta(On::Object(id), Delta { offset, instructions: bytes })?,
                Base::Before(distance) => {
                    let base = usize::try_from(distance).ok().and_then(|distance| offset.checked_sub(distance)).ok_or(Lack::Damaged)?;
                    let on = self.offsets.get(&base).map_or(On::Offset(base), |id| On::Object(*id));
                    self.delta(on, Delta { offset, instructions: bytes })?;
                }
            }
            offset += header.len + length;
        }
        Ok(())
    }

    /// Keeps what a delta makes, or the delta until its base is there.
    fn delta(&mut self, on: On, delta: Delta) -> Result<(), Lack> {
        match &on {
            On::Object(id) if self.objects.contains_key(id) => {
                let object = self.made(*id, &delta.instructions)?;
                self.keep(delta.offset, object)
            }
            _ => {
                self.waiting.entry(on).or_default().push(delta);
                Ok(())
            }
        }
    }

    /// What a delta makes of an object that is there.
    fn made(&mut self, base: ObjectId, instructions: &[u8]) -> Result<Object, Lack> {
        let base = &self.objects[&base];
        let mut ops = Vec::new();
        let most = usize::try_from(self.left).unwrap_or(usize::MAX);
        let size = match parse_ops(instructions, base.bytes.len(), most, &mut ops) {
            Ok(size) => size,
            Err(SkipReason::Damaged(_)) => return Err(Lack::Damaged),
            Err(_) => return Err(Lack::TooMuch),
        };
        let mut bytes = Vec::new();
        apply(&base.bytes, instructions, &ops, &mut bytes);
        let kind = base.kind;
        self.take(size as u64)?;
        Ok(Object { kind, bytes })
    }

    /// Keeps an object, and what waits for it, each delta once.
    fn keep(&mut self, offset: usize, object: Object) -> Result<(), Lack> {
        let mut new = vec![(offset, object)];
        while let Some((offset, object)) = new.pop() {
            let id = self.hash.id_of(object.kind, &object.bytes);
            self.offsets.insert(offset, id);
            self.objects.insert(id, object);
            for on in [On::Offset(offset), On::Object(id)] {
                for delta in self.waiting.remove(&on).unwrap_or_default() {
                    new.push((delta.offset, self.made(id, &delta.instructions)?));
                }
            }
        }
        Ok(())
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
    fn long_paths_of_trees_in_each_other_are_bounded() {
        let mut writer = PackWriter::default();
        let mut below = HashKind::Sha1.id_of(ObjectKind::Tree, b"");
        writer.add(ObjectKind::Tree, b"");
        let name = "n".repeat(250);
        for _ in 0..2000 {
            let tree = [format!("40000 {name}\0").as_bytes(), below.as_bytes()].concat();
            writer.add(ObjectKind::Tree, &tree);
            below = HashKind::Sha1.id_of(ObjectKind::Tree, &tree);
        }
        writer.add(ObjectKind::Commit, format!("tree {below}\n\nmessage\n").as_bytes());
        let pack = writer.take(HashKind::Sha1).expect("a pack");
        assert_eq!(texts(&pack, 64 << 20), (vec![texts(&pack, 64 << 20).0[0].clone()], Some(Lack::TooMuch)), "the message alone");
    }

    /// Every delta names the next entry's object as its base, and the last entry is whole.
    #[test]
    fn bases_that_follow_are_waited_for_once() {
        const DELTAS: usize = 20_000;
        let text = |number: usize| format!("{number:08}").into_bytes();
        let id = |number: usize| HashKind::Sha1.id_of(ObjectKind::Blob, &text(number));
        let packed = |bytes: &[u8]| {
            let mut writer = sirocco::deflate::Writer::new(sirocco::Format::Zlib, sirocco::deflate::Level::default(), Vec::new());
            std::io::Write::write_all(&mut writer, bytes).expect("memory takes it");
            writer.finish().expect("memory takes it")
        };
        let mut pack = [&b"PACK\0\0\0\x02"[..], &(DELTAS as u32 + 1).to_be_bytes()].concat();
        for number in 0..DELTAS {
            // Sizes of base and result, and an insertion of eight bytes.
            let delta = [&[8, 8, 8][..], &text(number)].concat();
            pack.push(7 << 4 | delta.len() as u8);
            pack.extend([id(number + 1).as_bytes(), &packed(&delta)].concat());
        }
        pack.push(3 << 4 | 8);
        pack.extend(packed(&text(DELTAS)));
        let sum = HashKind::Sha1.digest(&pack);
        pack.extend_from_slice(sum.as_bytes());
        let (names, lack) = texts(&pack, 64 << 20);
        assert_eq!((names.len(), lack), (DELTAS + 1, None));
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
