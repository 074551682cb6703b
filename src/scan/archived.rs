//! Files inside archives, searched as files of their own: `backup.zip!etc/app.yaml`.

use std::cell::RefCell;

use super::Scanner;
use crate::archive::{Form, LARGEST, Unread, each_member, path_inside};
use crate::detect::Hints;
use crate::finding::{Base, Located};
use crate::source::{Chunk, Origin, Skip, SkipReason, SourceKind};

/// An archive that is read in chunks, put together again; of other files nothing.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    bytes: Vec<u8>,
    /// It is none.
    other: bool,
}

impl Gathered {
    /// Takes the next chunk; of an archive that is too large one byte more than is allowed.
    pub(super) fn gather(&mut self, chunk: &Chunk<'_>) {
        self.other |= chunk.offset == 0 && Form::of(chunk.bytes).is_none();
        let room = (LARGEST + 1).saturating_sub(self.bytes.len());
        if self.other || room == 0 {
            return;
        }
        // Chunks overlap.
        let known = (self.bytes.len() as u64).checked_sub(chunk.offset).map_or(usize::MAX, |known| known as usize);
        let new = chunk.bytes.get(known..).unwrap_or_default();
        self.bytes.extend_from_slice(&new[..new.len().min(room)]);
    }

    /// The archive, if there is one.
    pub(super) fn bytes(&self) -> Option<&[u8]> {
        (!self.other).then_some(self.bytes.as_slice())
    }
}

/// How a file inside an archive is read. What is only compressed has no name of its own.
pub(super) fn hints(member: &str) -> Hints {
    if member.is_empty() { Hints::NONE } else { Hints::of_path(member) }
}

impl Scanner<'_> {
    /// Adds what is found in the files of an archive to what was found in its bytes; the same value is shown inside alone.
    pub(super) fn with_members(&self, mut located: Vec<Located>, bytes: &[u8], origin: &Origin) -> Vec<Located> {
        let Some(form) = Form::of(bytes) else { return located };
        let source = if origin.source == SourceKind::Worktree { SourceKind::Archive } else { origin.source };
        let test = self.hints(&origin.path).test;
        let inside = RefCell::new(Vec::new());
        let visited = each_member(bytes, form, &mut |name, bytes| {
            let origin = Origin { path: path_inside(&origin.path, name), source };
            let hints = Hints { test: test || hints(name).test, ..hints(name) };
            let found = self.guarded(&origin.path, || self.located_as(bytes, hints, &origin, Base::START, 0..bytes.len()));
            inside.borrow_mut().extend(found);
        });
        if let Err(why) = visited {
            self.skip(unread(origin.path.clone(), why));
        }
        let inside = inside.into_inner();
        located.retain(|one| inside.iter().all(|other| other.secret != one.secret));
        located.extend(inside);
        located
    }
}

/// An archive that was not read to its end.
pub(super) fn unread(what: String, why: Unread) -> Skip {
    Skip { what, reason: SkipReason::Unreadable(why.to_string()) }
}
