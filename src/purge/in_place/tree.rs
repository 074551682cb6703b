//! The working tree and the index follow a rewritten `HEAD`. Only files whose content or name changed are touched, each in one
//! step; one that somebody changed meanwhile is left as it is.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::refusal::{Refusal, refused};
use super::{Git, GitError, InPlaceError};
use crate::file::{Access, FileError, Held, PATIENCE, RealDisk, create, read};
use crate::purge::mirror::os;
use crate::source::object::ObjectId;

/// A working tree.
pub(super) struct Tree<'a> {
    pub(super) git: Git<'a>,
    pub(super) top: &'a Path,
}

/// A file that differs between two commits.
struct Changed {
    path: Vec<u8>,
    old: Option<Version>,
    new: Option<Version>,
}

/// A file as a commit has it.
struct Version {
    mode: String,
    id: String,
}

/// What a file is on the disk.
#[derive(PartialEq, Eq)]
enum Content {
    File(Vec<u8>),
    Link(PathBuf),
}

impl Tree<'_> {
    /// Files that differ from the index, or of the index from `HEAD`.
    pub(super) fn dirty(&self) -> Result<Option<Refusal>, InPlaceError> {
        let args = ["--porcelain=v1", "-z", "--untracked-files=no", "--ignore-submodules=dirty", "--no-renames"];
        let lines = self.git.run("status", &args, b"")?;
        let files: Vec<String> = lines.split(|&byte| byte == 0).filter_map(|line| line.get(3..)).map(word).collect();
        Ok(Some(files).filter(|files| !files.is_empty()).map(Refusal::Dirty))
    }

    pub(super) fn refuse_dirty(&self) -> Result<(), InPlaceError> {
        refused(self.dirty()?.into_iter().collect())
    }

    /// The files that would change. What cannot be done with them is refused.
    pub(super) fn foresee(&self, old: &ObjectId, new: &ObjectId) -> Result<Vec<String>, InPlaceError> {
        let changed = self.changed(old, new)?;
        let paths: Vec<u8> = changed.iter().flat_map(|one| [&one.path[..], b"\0"].concat()).collect();
        let told = self.git.run("check-attr", &["-z", "--stdin", "filter"], &paths)?;
        let fields: Vec<&[u8]> = told.split(|&byte| byte == 0).collect();
        let filtered = fields.chunks_exact(3).filter(|fields| ![&b"unspecified"[..], b"unset"].contains(&fields[2]));
        let filtered: Vec<String> = filtered.map(|fields| word(fields[0])).collect();
        let mut all = Vec::new();
        if !filtered.is_empty() {
            all.push(Refusal::Filtered(filtered));
        }
        let added = changed.iter().filter(|one| one.old.is_none());
        let taken = added.filter(|one| fs::symlink_metadata(self.top.join(os(&one.path))).is_ok());
        all.extend(taken.map(|one| Refusal::Taken(word(&one.path))));
        refused(all)?;
        Ok(changed.iter().filter(|one| one.new.is_some()).map(|one| word(&one.path)).collect())
    }

    /// Brings files and index from one commit to another. It may be called again after it was interrupted.
    pub(super) fn follow(&self, old: &ObjectId, new: &ObjectId) -> Result<(), InPlaceError> {
        let mut edited = Vec::new();
        for one in self.changed(old, new)? {
            if !self.replace(&one)? {
                edited.push(word(&one.path));
            }
        }
        self.git.run("read-tree", &["-i", "-m", &old.to_string(), &new.to_string()], b"")?;
        // It fails if files differ, which is told below.
        let _ = self.git.output("update-index", &["-q", "--refresh"], b"")?;
        if edited.is_empty() { Ok(()) } else { Err(InPlaceError::Edited(edited)) }
    }

    fn changed(&self, old: &ObjectId, new: &ObjectId) -> Result<Vec<Changed>, GitError> {
        let args = ["-r", "-z", "--raw", "--no-renames", "--no-ext-diff", "--no-abbrev", &old.to_string(), &new.to_string()];
        let told = self.git.run("diff-tree", &args, b"")?;
        let mut fields = told.split(|&byte| byte == 0);
        let mut all = Vec::new();
        while let (Some(about), Some(path)) = (fields.next().filter(|about| !about.is_empty()), fields.next()) {
            // `:OLD-MODE NEW-MODE OLD-ID NEW-ID LETTER`
            let about = word(about);
            let words: Vec<&str> = about.trim_start_matches(':').split(' ').collect();
            if let [old_mode, new_mode, old, new, ..] = words[..] {
                let version =
                    |mode: &str, id: &str| Some(Version { mode: mode.to_owned(), id: id.to_owned() }).filter(|_| mode != "000000");
                all.push(Changed { path: path.to_vec(), old: version(old_mode, old), new: version(new_mode, new) });
            }
        }
        Ok(all)
    }

    /// Replaces, removes or makes a file, unless it is neither as it was nor as it is to be. Gives whether it is now.
    fn replace(&self, one: &Changed) -> Result<bool, InPlaceError> {
        let path = self.top.join(os(&one.path));
        if !self.is_inside(&path) {
            return Ok(one.new.is_none());
        }
        let here = content(&path)?;
        let new = one.new.as_ref().map(|version| self.content_of(one, version)).transpose()?;
        if here == new {
            return Ok(true);
        }
        let is_old = match (&here, &one.old) {
            (None, None) => true,
            // git was told that this file need not be there.
            (None, Some(_)) => return Ok(true),
            (Some(_), None) => false,
            (Some(here), Some(old)) => *here == self.content_of(one, old)? || self.is_stored_as(one, here, old)?,
        };
        if !is_old {
            return Ok(false);
        }
        let wrong = |source| InPlaceError::Io { path: path.clone(), source };
        match (new, here) {
            (None, _) => self.remove(&path).map_err(wrong)?,
            (Some(Content::Link(to)), _) => {
                let draft = path.with_file_name(format!(".sopup-purge-{}", std::process::id()));
                symlink(to, &draft).and_then(|()| fs::rename(&draft, &path)).map_err(wrong)?;
            }
            (Some(Content::File(bytes)), Some(Content::File(_))) => {
                let mut held = Held::take(&path, PATIENCE)?;
                held.read(u64::MAX - 1)?;
                held.replace_plain_text(&bytes, Access::KeptOrShared)?;
            }
            (Some(Content::File(bytes)), _) => {
                fs::create_dir_all(path.parent().unwrap_or(self.top)).map_err(wrong)?;
                create(&path, &bytes, Access::KeptOrShared)?;
                if one.new.as_ref().is_some_and(|version| version.mode == "100755") {
                    make_executable(&path).map_err(wrong)?;
                }
            }
        }
        Ok(true)
    }

    /// Whether the folder of a file is one of the working tree, and none that a link leads to.
    fn is_inside(&self, path: &Path) -> bool {
        let there = path.ancestors().skip(1).find(|folder| fs::symlink_metadata(folder).is_ok());
        there.is_some_and(|there| there.canonicalize().is_ok_and(|real| real == there && real.starts_with(self.top)))
    }

    /// What git would write into the working tree.
    fn content_of(&self, one: &Changed, version: &Version) -> Result<Content, GitError> {
        if version.mode == "120000" {
            return Ok(Content::Link(os(&self.git.run("cat-file", &["blob", &version.id], b"")?).into()));
        }
        // The path decides about ends of lines; git reads it from the top.
        let path = format!("--path={}", word(&one.path));
        Ok(Content::File(self.git.run("cat-file", &["--filters", &path, &version.id], b"")?))
    }

    /// Whether git would store a file as it was, if not byte for byte: ends of lines may differ.
    fn is_stored_as(&self, one: &Changed, here: &Content, version: &Version) -> Result<bool, GitError> {
        let Content::File(bytes) = here else { return Ok(false) };
        let path = format!("--path={}", word(&one.path));
        let id = self.git.run("hash-object", &["--stdin", &path], bytes)?;
        Ok(word(id.trim_ascii()) == version.id)
    }

    fn remove(&self, path: &Path) -> std::io::Result<()> {
        fs::remove_file(path)?;
        for folder in path.ancestors().skip(1).take_while(|folder| *folder != self.top) {
            if fs::remove_dir(folder).is_err() {
                break;
            }
        }
        Ok(())
    }
}

fn content(path: &Path) -> Result<Option<Content>, FileError> {
    if let Ok(to) = fs::read_link(path) {
        return Ok(Some(Content::Link(to)));
    }
    Ok(read(path, &RealDisk)?.map(|bytes| Content::File(bytes.to_vec())))
}

fn make_executable(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = fs::metadata(path)?.permissions().mode();
    fs::set_permissions(path, fs::Permissions::from_mode(mode | ((mode & 0o444) >> 2)))
}

fn word(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
