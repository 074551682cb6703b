//! What is explained in the history: a file as a commit has it, and places of a value that no file has any more.

use std::path::Path;

use super::inside::member;
use super::{Args, Passage, sought};
use crate::cli::environment::git_dir;
use crate::cli::error::CliError;
use crate::cli::versions::Versions;
use crate::finding::Fingerprint;
use crate::report::safe;
use crate::scan::{ScanError, Scope, Submodules};
use crate::source::Respect;
use crate::source::SourceKind;
use crate::source::object::{Limits, ObjectId};
use crate::source::refs::GitDirError;

/// A file, from the top of the repository, as a commit has it.
pub(super) fn of_commit(folder: &Path, commit: &str, path: &str) -> Result<Passage, CliError> {
    let versions = Versions::open(folder)?;
    let bytes = versions.file(commit, path)?.ok_or_else(|| {
        let message = format!("{} has no file {}", safe::line(commit), safe::line(path));
        CliError::new(message, "name one commit, and the file from the top of the repository, as reports do")
    })?;
    let beside = versions.git.work_tree().unwrap_or(folder).to_path_buf();
    Ok(Passage { name: format!("{commit}:{path}"), path: path.to_owned(), bytes, beside, source: SourceKind::History })
}

/// Where the history has the value of a fingerprint; nowhere if there is no repository.
pub(super) fn of_value(args: &Args, fingerprint: &Fingerprint) -> Result<Vec<(Passage, usize)>, CliError> {
    let git = match git_dir(&args.path) {
        Err(GitDirError::NotFound(_)) => return Ok(Vec::new()),
        git => git?,
    };
    let scope = Scope::repository(git.clone(), Limits::default(), None, None::<Respect>, Submodules::Not);
    let Some(finding) = sought(args, fingerprint, scope)? else { return Ok(Vec::new()) };
    let store = git.open_objects(Limits::default()).map_err(ScanError::from)?;
    let beside = git.work_tree().unwrap_or(&args.path);
    let mut found = Vec::new();
    for one in &finding.occurrences {
        let Some(sighting) = &one.sighting else { continue };
        let Some(object) = ObjectId::from_hex(sighting.object.as_bytes()).and_then(|id| store.read(&id).ok()) else { continue };
        let path = &one.origin.path;
        let commit = sighting.commit.as_ref().map(|commit| format!("{}:", &commit.id[..12])).unwrap_or_default();
        let name = if one.origin.source == SourceKind::History { format!("{commit}{path}") } else { path.clone() };
        let source = one.origin.source;
        let (path, bytes) = match path.split_once('!').and_then(|(archive, _)| member(archive, &object.bytes, path)) {
            Some(inside) => inside,
            None => (path.clone(), object.bytes),
        };
        let passage = Passage { name, path, bytes, beside: beside.to_path_buf(), source };
        found.push((passage, one.start.line));
    }
    Ok(found)
}
