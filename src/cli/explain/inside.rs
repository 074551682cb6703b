//! Files inside archives, named as reports do: `app.jar!config/app.yaml`.

use std::path::{Path, PathBuf};

use super::{Passage, cannot_read};
use crate::archive::{Form, each_member, path_inside};
use crate::cli::error::CliError;
use crate::cli::paths::reported;
use crate::report::safe;
use crate::source::SourceKind;

/// The archive that such a path leads into; `None` for a file of its own.
pub(in crate::cli) fn archive_of(file: &Path) -> Option<PathBuf> {
    if file.exists() {
        return None;
    }
    let path = file.to_str()?;
    path.match_indices('!').map(|(at, _)| reported(Path::new(&path[..at]))).find(|archive| archive.is_file())
}

/// The file of an archive with a path below the archive's own; its name inside and its bytes.
pub(super) fn member(archive: &str, bytes: &[u8], path: &str) -> Option<(String, Vec<u8>)> {
    let mut found = None;
    // What cannot be read is no place that a report names.
    let _ = each_member(bytes, Form::of(bytes)?, &mut |name, bytes| {
        if found.is_none() && path_inside(archive, name) == path {
            found = Some((name.to_owned(), bytes.to_vec()));
        }
    });
    found
}

impl Passage {
    pub(super) fn inside(archive: &Path, file: &Path) -> Result<Self, CliError> {
        let bytes = std::fs::read(archive).map_err(|error| cannot_read(archive, &error))?;
        let name = file.to_string_lossy().into_owned();
        let (path, bytes) = member(&archive.to_string_lossy(), &bytes, &name).ok_or_else(|| {
            let message = format!("{} holds no file {}", safe::line(&archive.to_string_lossy()), safe::line(&name));
            CliError::new(message, "copy the path with all its `!` from a report")
        })?;
        Ok(Self { name, path, bytes, beside: archive.to_path_buf(), source: SourceKind::Archive })
    }
}
