//! The scan of what a range of commits adds: new lines, new names, messages; one place for each
//! value and path, shown as the oldest of these commits has it.

use std::collections::{HashMap, HashSet};
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use memchr::memmem;

use super::tips::{NAMED, Tips, described, head};
use super::{ScanError, Scanner};
use crate::detect::Hints;
use crate::finding::{Base, Located};
use crate::secret::Secret;
use crate::source::history::CommitGraph;
use crate::source::object::{Limits, ObjectId, ObjectKind, ObjectStore};
use crate::source::range::{Ask, BlobChange, Change, Commits, Push, Range, RangeError, Ranges, Update};
use crate::source::refs::{GitDir, Ref};
use crate::source::{Origin, Sighting, Skip, SourceKind};
use crate::text::decode;

/// A repository and a part of its history.
#[derive(Debug, Clone)]
pub struct Added {
    /// Where it is.
    pub git: GitDir,
    /// What reading may cost.
    pub limits: Limits,
    /// Which commits.
    pub commits: Selection,
}

/// Commits, as they were asked for.
#[derive(Debug, Clone)]
pub enum Selection {
    /// By name, date and number.
    Asked {
        /// Which commits.
        commits: Asked,
        /// Only those since a date, or those that cannot be reached from a commit.
        since: Option<String>,
        /// Only those fewer steps than this away from where the range starts.
        max_depth: Option<NonZeroUsize>,
        /// Seconds since 1970.
        now: i64,
    },
    /// What a push would send, as `pre-push` is told.
    Push {
        /// The refs to be pushed.
        pushes: Vec<Push>,
        /// The name of the remote, if it matters which one.
        remote: Option<String>,
    },
    /// What a server is about to take, as `pre-receive` is told: the refs to be updated.
    Updates(Vec<Update>),
}

/// As [`Commits`], with names of its own.
#[derive(Debug, Clone)]
pub enum Asked {
    /// Those that any ref or HEAD leads to.
    All,
    /// `A..B`, `A...B`, or a revision and all before it.
    Range(String),
    /// Those of one branch, local or of a remote.
    Branch(String),
    /// Those of HEAD since it parted from this revision.
    MergeBase(String),
}

/// Something found, and where it is new.
struct Addition {
    located: Vec<Located>,
    /// The path, raw; of a message its id.
    path: Vec<u8>,
    object: ObjectId,
    commit: ObjectId,
}

/// Scans what the commits add, and gives how many blobs that were.
pub(super) fn scan(scanner: &Scanner<'_>, added: &Added) -> Result<u64, ScanError> {
    let git = &added.git;
    let store = git.open_objects(added.limits.clone())?;
    store.skipped().iter().chain(git.skipped()).for_each(|skip| scanner.skip(Skip::from(skip)));
    let read = |id: &ObjectId| store.read(id);
    let ranges = Ranges { git, read: &read, threads: added.limits.threads };
    let refs = git.refs();
    refs.skipped.iter().for_each(|skip| scanner.skip(Skip::from(skip)));
    let range = resolve(&ranges, &added.commits, &refs.items)?;
    let (found, blobs) = (Mutex::new(Vec::new()), AtomicU64::new(0));
    let changes = ranges.changes(&range, &|change| {
        blobs.fetch_add(u64::from(matches!(change, Change::Blob(_))), Ordering::Relaxed);
        let addition = look(scanner, &change);
        if !addition.located.is_empty() {
            found.lock().unwrap_or_else(PoisonError::into_inner).push(addition);
        }
    });
    changes.skipped.iter().for_each(|skip| scanner.skip(Skip::from(skip)));
    let found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    if !found.is_empty() {
        conclude(scanner, &ranges, &store, &refs.items, found);
    }
    Ok(blobs.into_inner())
}

fn resolve(ranges: &Ranges<'_>, selection: &Selection, refs: &[Ref]) -> Result<Range, ScanError> {
    let failed = |source: RangeError| ScanError::Range { hint: source.hint(ranges.git), source: Box::new(source) };
    match selection {
        Selection::Asked { commits, since, max_depth, now } => {
            let commits = match commits {
                Asked::All => Commits::All,
                Asked::Range(range) => Commits::Range(range),
                Asked::Branch(branch) => Commits::Branch(branch),
                Asked::MergeBase(revision) => Commits::MergeBase(revision),
            };
            ranges.resolve(&Ask { commits, since: since.as_deref(), max_depth: *max_depth }, *now).map_err(failed)
        }
        Selection::Push { pushes, remote } => Ok(Range::of_push(pushes, remote.as_deref(), refs)),
        Selection::Updates(updates) => Ok(Range::of_updates(updates, refs)),
    }
}

fn look(scanner: &Scanner<'_>, change: &Change<'_>) -> Addition {
    match change {
        Change::Message { id, kind, bytes } => {
            scanner.count(bytes.len() as u64);
            let path = format!("{} {id}", if *kind == ObjectKind::Tag { "tag" } else { "commit" });
            let origin = Origin { path: path.clone(), source: SourceKind::Message };
            let located = scanner.guarded(&path, || scanner.located_as(bytes, Hints::NONE, &origin, Base::START, 0..bytes.len()));
            Addition { located, path: id.as_bytes().to_vec(), object: *id, commit: *id }
        }
        Change::Path { commit, path } => {
            let name = String::from_utf8_lossy(path).into_owned();
            let origin = Origin { path: name.clone(), source: SourceKind::Path };
            let located = scanner.guarded(&name, || scanner.located_name(&name, &origin));
            Addition { located, path: path.to_vec(), object: *commit, commit: *commit }
        }
        Change::Blob(blob) => {
            scanner.count(blob.bytes.len() as u64);
            let mut located = new_lines(scanner, blob);
            located.extend(examined(scanner, blob));
            Addition { located, path: blob.path.to_vec(), object: blob.id, commit: blob.commit }
        }
    }
}

fn new_lines(scanner: &Scanner<'_>, blob: &BlobChange<'_>) -> Vec<Located> {
    let path = if blob.path.is_empty() { format!("blob {}", blob.id) } else { String::from_utf8_lossy(blob.path).into_owned() };
    let origin = Origin { path, source: SourceKind::History };
    scanner.guarded(&origin.path, || scanner.new_lines(blob.bytes, &origin, || blob.added_lines()))
}

/// What is wrong with the file as a whole. A blob that a tag points at is no file.
fn examined(scanner: &Scanner<'_>, blob: &BlobChange<'_>) -> Vec<Located> {
    if blob.path.is_empty() {
        return Vec::new();
    }
    let path = String::from_utf8_lossy(blob.path).into_owned();
    scanner.examined(blob.bytes, &Origin { path, source: SourceKind::History })
}

/// What is new of one value at one path: in the order of commits.
type Versions = Vec<(Vec<Located>, ObjectId, ObjectId)>;

/// One place for each value and path, with what is known of its history.
fn conclude(scanner: &Scanner<'_>, ranges: &Ranges<'_>, store: &ObjectStore, refs: &[Ref], found: Vec<Addition>) {
    let graph = CommitGraph::read(store);
    graph.skipped.iter().for_each(|skip| scanner.skip(Skip::from(skip)));
    // Of commits of one second, parents come first.
    let time = |commit: &ObjectId| graph.number(commit).map(|commit| (graph.time(commit), commit));
    let places: Vec<_> = by_place(found).into_iter().collect();
    let sets: Vec<Vec<u32>> =
        places.iter().map(|(_, versions)| versions.iter().filter_map(|(.., commit)| graph.number(commit)).collect()).collect();
    let tips = Tips::of(store, refs, &graph);
    let leading = tips.leading(&graph, &sets);
    let head = head(ranges.git, refs);
    for (((value, path, source), mut versions), refs) in places.into_iter().zip(leading) {
        versions.sort_by_key(|(_, object, commit)| (time(commit), *object));
        let objects: HashSet<ObjectId> = versions.iter().map(|(_, object, _)| *object).collect();
        let allowed = versions.last().is_some_and(|(located, ..)| located.iter().all(|one| one.allowed_inline));
        let now = || head.and_then(|head| ranges.content(&head, &path));
        let is_of_file = versions.iter().any(|(located, ..)| located.iter().any(|one| one.rule.is_of_file()));
        let is_still = |bytes: Vec<u8>| {
            let origin = Origin { path: String::from_utf8_lossy(&path).into_owned(), source };
            scanner.examined(&bytes, &origin).iter().any(|one| one.secret == value)
        };
        let in_head = match source {
            SourceKind::History if is_of_file => now().is_some_and(is_still),
            SourceKind::History => now().is_some_and(|bytes| memmem::find(&decode(&bytes).text, value.expose()).is_some()),
            SourceKind::Path => now().is_some(),
            _ => false,
        };
        let (located, object, commit) = versions.swap_remove(0);
        let sighting = Sighting {
            object: object.to_string(),
            commit: described(store, &commit),
            last: None,
            in_head,
            versions: objects.len(),
            ref_count: refs.len(),
            refs: refs.into_iter().take(NAMED).map(str::to_owned).collect(),
        };
        let shown = located.into_iter().map(|mut one| {
            one.allowed_inline |= allowed;
            one.occurrence.sighting = Some(Box::new(sighting.clone()));
            one
        });
        scanner.add(shown.collect());
    }
}

/// By value, path and source.
fn by_place(found: Vec<Addition>) -> HashMap<(Secret, Vec<u8>, SourceKind), Versions> {
    let mut places: HashMap<_, Versions> = HashMap::new();
    for Addition { located, path, object, commit } in found {
        let mut by_value: HashMap<Secret, Vec<Located>> = HashMap::new();
        for one in located {
            by_value.entry(one.secret.clone()).or_default().push(one);
        }
        for (value, located) in by_value {
            let source = located[0].occurrence.origin.source;
            places.entry((value, path.clone(), source)).or_default().push((located, object, commit));
        }
    }
    places
}
