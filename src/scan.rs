//! The scan on one screen: texts from a source, through `detect`, past what is allowed, to
//! findings. Where texts come from is `source`; what is printed is `report`.

mod added;
mod archived;
mod around;
mod conclude;
mod examined;
mod groups;
mod history;
mod known;
mod names;
mod parallel;
mod scope;
mod shard;
mod sweep;
mod tips;

use std::collections::BTreeMap;
use std::io::Read;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{LazyLock, Mutex};

use jiff::civil::Date;

use crate::baseline::{Baseline, Silenced};
use crate::detect::{Hints, detect_bytes};
use crate::finding::{Allowlist, Base, Finding, FingerprintKey, InlineAllow, Located, Severities, Suppression, locate};
use crate::rule::{Confidence, RuleSet};
use crate::source::object::{Limits, OpenError};
use crate::source::range::RangeError;
use crate::source::refs::GitDir;
use crate::source::{Chunk, Origin, Skip, SkipReason, SourceKind, Target, Walk, each_chunk, staged, walk};
use crate::text::{LineIndex, Position};

use archived::Gathered;
use conclude::conclude;

pub use added::{Added, Asked, Selection};
pub use examined::{Examine, Fault};
pub use history::History;
pub use known::{Memory, digest as rules_digest};
pub use scope::{Scope, Submodules};
pub use shard::{Part, Parts, PartsError, scan_share};

/// What to scan and by which rules.
pub struct Request {
    /// Where texts come from.
    pub scope: Scope,
    /// What to look for.
    pub rules: RuleSet,
    /// What not to report.
    pub allow: Allowlist,
    /// How severe findings are where the team says so.
    pub severities: Severities,
    /// What was known before and is not reported either, and the day on which that is asked.
    pub baseline: Option<(Baseline, Date)>,
    /// Where the scanned files lie below the top of their working tree, with `/` at the end; the whole path tells how a
    /// file is read.
    pub below: String,
    /// The working tree whose `.sopupignore` files count for paths of the history and the index too.
    pub top: Option<PathBuf>,
    /// Whether `sopup:allow` in a text counts.
    pub inline: InlineAllow,
    /// What is less sure is not reported.
    pub min_confidence: Confidence,
    /// Keys fingerprints; made when the first one is needed.
    pub key: LazyKey,
    /// What belongs to the scope and could not even be opened.
    pub unread: Vec<Skip>,
    /// Looks at whole files that commits add or change; nobody does if there is none.
    pub examine: Option<Box<Examine>>,
}

/// A key that is read or made only when there is something to fingerprint.
pub type LazyKey = LazyLock<FingerprintKey, Box<dyn FnOnce() -> FingerprintKey + Send + Sync>>;

/// What a scan found and what it saw.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Most severe first.
    pub findings: Vec<Finding>,
    /// What was not read.
    pub skipped: Vec<Skip>,
    /// How much was read.
    pub seen: Seen,
    /// Places allowed by `sopup:allow`.
    pub allowed_inline: usize,
    /// Places less sure than asked for.
    pub below_confidence: usize,
    /// What each entry of the allowlist did.
    pub suppressions: Vec<Suppression>,
    /// What the baseline did, if there is one.
    pub baseline: Option<Silenced>,
    /// Files, folders and places that `.sopupignore` left out.
    pub left_out: u64,
    /// Names of files and refs that hold a secret, and how they may be shown.
    pub masked_names: BTreeMap<String, String>,
}

/// How much was read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Seen {
    /// Files and links.
    pub files: u64,
    /// Blobs of a repository.
    pub blobs: u64,
    /// Objects that an earlier scan has read.
    pub known: u64,
    /// Bytes of both.
    pub bytes: u64,
}

/// Counts that can be watched while a scan runs.
#[derive(Debug, Default)]
pub struct Progress {
    /// Files, links and blobs read so far.
    pub texts: AtomicU64,
    /// Bytes read so far.
    pub bytes: AtomicU64,
}

/// Runs a scan.
pub fn scan(request: &Request, progress: &Progress) -> Result<Outcome, ScanError> {
    let (rules, inline) = (&request.rules, request.inline);
    let scanner = Scanner::new(request, progress);
    request.unread.iter().for_each(|skip| scanner.skip(skip.clone()));
    let (mut blobs, mut known) = (0, 0);
    match &request.scope {
        Scope::Worktree(walks) => walks.iter().for_each(|walk| _ = scanner.files(walk)),
        Scope::Repository { files, history, submodules } => {
            let mut below = Vec::new();
            if let Some(files) = files {
                below = scanner.files(files);
                scanner.other_worktrees(&history.git, files);
            }
            // Texts of the git directory are neither files nor blobs.
            let (files, bytes) = (progress.texts.load(Ordering::Relaxed), progress.bytes.load(Ordering::Relaxed));
            scanner.git_texts(&history.git);
            progress.bytes.store(bytes, Ordering::Relaxed);
            (blobs, known) = history::scan(&scanner, history, request.min_confidence)?;
            let inside = scanner.inside(history, &below, *submodules);
            for (path, history) in &inside {
                let inside = Scanner { rules, inline, below: "", examine: None, progress, found: Mutex::default() };
                inside.git_texts(&history.git);
                let (more, more_known) = history::scan(&inside, history, request.min_confidence)?;
                (blobs, known) = (blobs + more, known + more_known);
                scanner.take_over(inside, path);
            }
            progress.texts.store(files + blobs, Ordering::Relaxed);
        }
        Scope::Added(added) => {
            blobs = added::scan(&scanner, added)?;
            progress.texts.store(blobs, Ordering::Relaxed);
        }
        Scope::Staged { git, limits } => scanner.index(git, limits)?,
        Scope::Stdin { name } => scanner.read(std::io::stdin().lock(), name, SourceKind::Stdin),
        Scope::Text { name, bytes } => scanner.text(bytes, &Origin { path: name.clone(), source: SourceKind::Stdin }),
    }
    let raw = scanner.found.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    let (texts, bytes) = (progress.texts.load(Ordering::Relaxed), progress.bytes.load(Ordering::Relaxed));
    let blobs = if matches!(request.scope, Scope::Staged { .. }) { texts } else { blobs };
    let outcome = conclude(raw, Seen { files: texts - blobs, blobs, known, bytes }, request);
    Ok(Outcome { masked_names: names::masked(&outcome, &request.rules, request.min_confidence), ..outcome })
}

/// Why nothing could be scanned.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    /// The objects of the repository cannot be read at all.
    #[error(transparent)]
    Objects(#[from] OpenError),
    /// Parts are not of this repository.
    #[error(transparent)]
    Parts(#[from] PartsError),
    /// There is no history where one was asked for.
    #[error("a share is one of a repository's history")]
    NoHistory,
    /// The commits that were asked for cannot be told.
    #[error("{source}")]
    Range {
        /// Why.
        source: Box<RangeError>,
        /// What to try.
        hint: String,
    },
}

/// What the threads of a scan share.
struct Scanner<'a> {
    rules: &'a RuleSet,
    inline: InlineAllow,
    below: &'a str,
    examine: Option<&'a Examine>,
    progress: &'a Progress,
    found: Mutex<Raw>,
}

#[derive(Debug, Default)]
struct Raw {
    located: Vec<Located>,
    skipped: Vec<Skip>,
    left_out: u64,
    /// The tops of other working trees of the repository, each ending in `/`.
    other_tops: Vec<String>,
}

impl<'a> Scanner<'a> {
    fn new(request: &'a Request, progress: &'a Progress) -> Self {
        let below = if matches!(request.scope, Scope::Worktree(_)) { &request.below[..] } else { "" };
        let (rules, inline, examine) = (&request.rules, request.inline, request.examine.as_deref());
        Self { rules, inline, below, examine, progress, found: Mutex::default() }
    }
}

impl Scanner<'_> {
    /// Scans the files of a walk; gives the repositories below.
    fn files(&self, files: &Walk) -> Vec<PathBuf> {
        let walked = walk(files, &|target| self.target(target));
        self.lock().left_out += walked.left_out;
        walked.repositories
    }

    fn target(&self, target: Target) {
        match target {
            Target::File { path, file } => self.read(file, &path, SourceKind::Worktree),
            Target::Link { path, target } => {
                self.name(&path);
                self.text(&target, &Origin { path, source: SourceKind::Worktree });
            }
            Target::Skipped(skip) => self.skip(skip),
        }
    }

    fn index(&self, git: &GitDir, limits: &Limits) -> Result<(), OpenError> {
        let staged = staged(git, limits)?;
        staged.skipped.into_iter().for_each(|skip| self.skip(skip));
        for file in staged.files {
            if file.is_new {
                self.name(&file.path);
            }
            let Some(content) = &file.content else { continue };
            let origin = Origin { path: file.path.clone(), source: SourceKind::Index };
            self.count(content.len() as u64);
            let located = self.guarded(&file.path, || self.new_lines(content, &origin, || file.added_lines()));
            self.add(located);
            self.add(self.examined(content, &origin));
        }
        Ok(())
    }

    /// What stands in lines of a text that a commit adds, and in the files inside it.
    fn new_lines<F: Fn(usize, usize) -> bool>(&self, bytes: &[u8], origin: &Origin, added: impl FnOnce() -> F) -> Vec<Located> {
        let mut located = self.located(bytes, origin, Base::START, 0..bytes.len());
        if !located.is_empty() {
            let added = added();
            located.retain(|one| added(one.occurrence.start.line, one.occurrence.end.line));
        }
        self.with_members(located, bytes, origin)
    }

    /// Scans a text of any size, and its name.
    fn read(&self, reader: impl Read, path: &str, source: SourceKind) {
        thread_local!(static BUFFER: std::cell::RefCell<Vec<u8>> = const { std::cell::RefCell::new(Vec::new()) });
        if source != SourceKind::Stdin {
            self.name(path);
        }
        let origin = Origin { path: path.to_owned(), source };
        let located = self.guarded(path, || {
            let mut position = Position { line: 1, column: 1 };
            let mut archive = Gathered::default();
            let mut located = Vec::new();
            let read = BUFFER.with_borrow_mut(|buffer| {
                each_chunk(reader, buffer, |chunk| {
                    located.extend(self.chunk(&chunk, &origin, &mut position));
                    archive.gather(&chunk);
                })
            });
            match read {
                Ok(bytes) => self.count(bytes),
                Err(error) => self.skip(Skip { what: path.to_owned(), reason: SkipReason::Unreadable(error.to_string()) }),
            }
            match archive.bytes() {
                Some(bytes) => self.with_members(located, bytes, &origin),
                None => located,
            }
        });
        self.add(located);
    }

    /// Scans one chunk and moves `position` to where the next one starts.
    fn chunk(&self, chunk: &Chunk<'_>, origin: &Origin, position: &mut Position) -> Vec<Located> {
        let base = Base { offset: chunk.offset, position: *position };
        let located = self.located(chunk.bytes, origin, base, chunk.owned.clone());
        if let Some(next) = chunk.next {
            let passed = &chunk.bytes[..next];
            let end = LineIndex::new(passed).position(passed, next);
            let column = if end.line == 1 { end.column + position.column - 1 } else { end.column };
            *position = Position { line: position.line + end.line - 1, column };
        }
        located
    }

    fn text(&self, bytes: &[u8], origin: &Origin) {
        self.count(bytes.len() as u64);
        let located = self.guarded(&origin.path, || self.located(bytes, origin, Base::START, 0..bytes.len()));
        self.add(located);
    }

    /// Scans the name of a file.
    fn name(&self, path: &str) {
        let origin = Origin { path: path.to_owned(), source: SourceKind::Path };
        let located = self.guarded(path, || self.located_name(path, &origin));
        self.add(located);
    }

    fn located(&self, bytes: &[u8], origin: &Origin, base: Base, owned: std::ops::Range<usize>) -> Vec<Located> {
        self.located_as(bytes, self.hints(&origin.path), origin, base, owned)
    }

    /// How a file is read: by its path from the top of the working tree, wherever the scan begins.
    fn hints(&self, path: &str) -> Hints {
        if self.below.is_empty() { Hints::of_path(path) } else { Hints::of_path(&format!("{}{path}", self.below)) }
    }

    fn located_as(&self, bytes: &[u8], hints: Hints, origin: &Origin, base: Base, owned: std::ops::Range<usize>) -> Vec<Located> {
        let readings = detect_bytes(bytes, hints, self.rules).into_iter();
        let located = readings.flat_map(|(decoded, mut matches)| {
            matches.retain(|found| owned.contains(&decoded.in_file(bytes, found.span).start));
            locate(bytes, &decoded, matches, self.rules, origin, base, self.inline)
        });
        located.collect()
    }

    fn located_name(&self, name: &str, origin: &Origin) -> Vec<Located> {
        self.located_as(name.as_bytes(), Hints::NONE, origin, Base::START, 0..name.len())
    }

    /// A panic while one text is scanned costs that text alone.
    fn guarded(&self, what: &str, scan: impl FnOnce() -> Vec<Located>) -> Vec<Located> {
        catch_unwind(AssertUnwindSafe(scan)).unwrap_or_else(|_| {
            self.skip(Skip { what: what.to_owned(), reason: SkipReason::Panicked });
            Vec::new()
        })
    }

    fn count(&self, bytes: u64) {
        self.progress.texts.fetch_add(1, Ordering::Relaxed);
        self.progress.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    fn add(&self, located: Vec<Located>) {
        if !located.is_empty() {
            self.lock().located.extend(located);
        }
    }

    fn skip(&self, skip: Skip) {
        self.lock().skipped.push(skip);
    }

    /// What could not be read so far, which is not named any more.
    fn take_skips(&self) -> Vec<Skip> {
        std::mem::take(&mut self.lock().skipped)
    }

    /// How much could not be read so far.
    fn skips(&self) -> usize {
        self.lock().skipped.len()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Raw> {
        self.found.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
