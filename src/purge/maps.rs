//! What a purge leaves to be looked up: names of commits and refs before and after, as git filter-repo writes them.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;

use super::Repository;
use super::rewrite::Rewritten;
use crate::source::object::ObjectId;

/// Writes `commit-map` and `ref-map` into a folder.
pub(super) fn write_maps(folder: &Path, repository: &Repository<'_>, rewritten: &Rewritten) -> io::Result<()> {
    let new: HashMap<ObjectId, ObjectId> = rewritten.commits.iter().copied().collect();
    let width = repository.store.hash_kind().id_len() * 2;
    let mut commits = io::BufWriter::new(File::create(folder.join("commit-map"))?);
    writeln!(commits, "{:<width$} new", "old")?;
    let all = (0..repository.graph.len()).map(|commit| repository.graph.id(commit as u32));
    for old in all {
        writeln!(commits, "{old} {}", new.get(&old).unwrap_or(&old))?;
    }
    commits.flush()?;
    let mut refs = io::BufWriter::new(File::create(folder.join("ref-map"))?);
    writeln!(refs, "{:<width$} {:<width$} ref", "old", "new")?;
    for one in &rewritten.refs {
        write!(refs, "{} {} ", one.old, one.new)?;
        refs.write_all(&one.name)?;
        writeln!(refs)?;
    }
    refs.flush()
}
