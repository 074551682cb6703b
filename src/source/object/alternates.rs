//! Other object directories that a repository names in
//! `objects/info/alternates`, and directories that are links.

use std::fs;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Alternates, FileError, Place, Skip, SkipReason, is_absent, open_regular};

/// Object directories named by others are followed this deep, as in git.
const DEEPEST: usize = 5;

/// A longer list is not read, in bytes.
const LONGEST_LIST: u64 = 1 << 20;

/// The object directories to read: the given one and those it leads to.
pub(crate) fn object_dirs(first: &Path, alternates: &Alternates, skipped: &mut Vec<Skip>) -> Vec<PathBuf> {
    let mut dirs = vec![first.to_owned()];
    let mut seen: Vec<_> = fs::canonicalize(first).into_iter().collect();
    let mut level = 0..1;
    for _ in 0..DEEPEST {
        for at in level.clone() {
            let from = dirs[at].clone();
            for named in listed(&from, skipped) {
                match allowed(&named, alternates) {
                    Ok(real) if seen.contains(&real) => {}
                    Ok(real) => {
                        seen.push(real.clone());
                        dirs.push(real);
                    }
                    Err(reason) => skipped.push(skip(named, reason)),
                }
            }
        }
        level = level.end..dirs.len();
    }
    for dir in &dirs[level] {
        let list = dir.join("info/alternates");
        match fs::symlink_metadata(&list) {
            Ok(_) => skipped.push(skip(list, SkipReason::Outside)),
            Err(error) if is_absent(error.kind()) => {}
            Err(error) => skipped.push(skip(list, error.into())),
        }
    }
    dirs
}

/// Whether a directory may be read: yes if it is one, by the rule for
/// alternates if it is a link to one.
pub(super) fn may_enter(dir: &Path, alternates: &Alternates) -> Result<(), SkipReason> {
    if fs::symlink_metadata(dir)?.is_symlink() {
        allowed(dir, alternates)?;
    }
    Ok(())
}

fn allowed(dir: &Path, alternates: &Alternates) -> Result<PathBuf, SkipReason> {
    let Alternates::Within(roots) = alternates else {
        return Err(SkipReason::Outside);
    };
    let real = fs::canonicalize(dir)?;
    let inside = |root: &PathBuf| fs::canonicalize(root).is_ok_and(|root| real.starts_with(root));
    if roots.iter().any(inside) { Ok(real) } else { Err(SkipReason::Outside) }
}

/// The lines of an `alternates` file: paths, relative to the directory.
fn listed(dir: &Path, skipped: &mut Vec<Skip>) -> Vec<PathBuf> {
    let path = dir.join("info/alternates");
    let text = match read(&path) {
        Ok(text) => text,
        Err(SkipReason::Io(kind)) if is_absent(kind) => return Vec::new(),
        Err(reason) => {
            skipped.push(skip(path, reason));
            return Vec::new();
        }
    };
    text.split(|&byte| byte == b'\n')
        .filter(|line| !line.is_empty() && !line.starts_with(b"#"))
        .map(|line| dir.join(Path::new(std::ffi::OsStr::from_bytes(line))))
        .collect()
}

fn read(path: &Path) -> Result<Vec<u8>, SkipReason> {
    let (file, len) = open_regular(path)?;
    if len > LONGEST_LIST {
        return Err(SkipReason::TooLarge { size: len });
    }
    let mut text = Vec::new();
    file.take(LONGEST_LIST).read_to_end(&mut text).map_err(FileError::Io)?;
    Ok(text)
}

fn skip(path: PathBuf, reason: SkipReason) -> Skip {
    Skip { id: None, place: Place::File(Arc::new(path)), reason }
}
