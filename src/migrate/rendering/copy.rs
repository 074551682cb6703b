//! [`gather`]: everything that a kustomization is rendered of, read by sopup itself, to be rendered from a copy. A file
//! behind a symbolic link, outside of the repository, or named in a way that is not understood is a reason not to render.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use zeroize::Zeroizing;

use super::kustomization::{self, Kustomization, NAMES, Reference};

/// The files of a copy, by their paths from the top of the repository.
pub type Files = BTreeMap<String, Zeroizing<Vec<u8>>>;

/// The largest file that is copied.
const LARGEST: u64 = 8 << 20;
/// The most files and bytes of one copy.
const MOST_FILES: usize = 4096;
const MOST_BYTES: usize = 64 << 20;

/// The files of a repository, as they are or as a migration would make them.
#[derive(Clone, Copy)]
pub(super) struct Tree<'a> {
    /// The top of the working tree.
    pub top: &'a Path,
    /// New bytes of files, by path.
    pub planned: &'a BTreeMap<&'a str, &'a [u8]>,
}

/// What stands at a path.
#[derive(Debug)]
enum Entry {
    File(Zeroizing<Vec<u8>>),
    Folder,
    Nothing,
    /// Something that is not followed or cannot be read.
    Other(&'static str),
}

/// All files that the kustomization of a folder and those below it are made of. `folder` is relative to the top.
///
/// # Errors
/// Why it is not to be rendered, for people to read.
pub(super) fn gather(tree: Tree<'_>, folder: &str) -> Result<Files, String> {
    let mut files = Files::new();
    let mut next = vec![folder.to_owned()];
    let mut known: BTreeSet<String> = next.iter().cloned().collect();
    while let Some(folder) = next.pop() {
        let found = kustomization_of(tree, &folder)?;
        for reference in &found.references {
            let (Reference::File(name) | Reference::Folder(name) | Reference::Either(name)) = reference;
            let path = inside(&folder, name).ok_or("it takes something from outside of the repository")?;
            match (tree.read(&path), reference) {
                (Entry::File(bytes), Reference::File(_) | Reference::Either(_)) if !is_named_like_one(&path) => {
                    files.insert(path, bytes);
                }
                (Entry::Folder, Reference::Folder(_) | Reference::Either(_)) => {
                    if known.insert(path.clone()) {
                        next.push(path);
                    }
                }
                (Entry::Other(why), _) => return Err(format!("{path} is {why}")),
                (Entry::Nothing, _) => return Err(format!("{path} is not there")),
                _ => return Err(format!("{path} is not what its kustomization takes it for")),
            }
        }
        files.insert(joined(&folder, NAMES[0]), Zeroizing::new(found.json.into_bytes()));
        if files.len() > MOST_FILES || files.values().map(|bytes| bytes.len()).sum::<usize>() > MOST_BYTES {
            return Err("it is made of more than sopup copies".to_owned());
        }
    }
    Ok(files)
}

/// The one kustomization of a folder.
fn kustomization_of(tree: Tree<'_>, folder: &str) -> Result<Kustomization, String> {
    let mut texts = Vec::new();
    for name in NAMES {
        match tree.read(&joined(folder, name)) {
            Entry::File(bytes) => texts.push(bytes),
            Entry::Nothing => {}
            Entry::Folder => return Err(format!("{} is a folder", joined(folder, name))),
            Entry::Other(why) => return Err(format!("{} is {why}", joined(folder, name))),
        }
    }
    let [bytes] = texts.as_slice() else {
        return Err(format!("{} has {} kustomizations", if folder.is_empty() { "." } else { folder }, texts.len()));
    };
    let text = std::str::from_utf8(bytes).map_err(|_| "its kustomization is not UTF-8")?;
    kustomization::read(text)
}

/// Whether kustomize could take a file for a kustomization.
fn is_named_like_one(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    NAMES.iter().any(|known| known.eq_ignore_ascii_case(name))
}

fn joined(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

/// A path below the top; `None` if it leads out of it, or into a git directory.
fn inside(folder: &str, name: &str) -> Option<String> {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in name.split('/') {
        match part {
            "" | "." => {}
            ".." => _ = parts.pop()?,
            part if part.eq_ignore_ascii_case(".git") => return None,
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

impl Tree<'_> {
    fn read(&self, path: &str) -> Entry {
        if let Some(bytes) = self.planned.get(path) {
            return Entry::File(Zeroizing::new(bytes.to_vec()));
        }
        let folder = format!("{path}/");
        match read(self.top, path) {
            Entry::Nothing if self.planned.keys().any(|planned| planned.starts_with(&folder)) => Entry::Folder,
            found => found,
        }
    }
}

/// Reads what stands at a path without following a link anywhere on the way.
#[cfg(unix)]
fn read(top: &Path, path: &str) -> Entry {
    use rustix::fs::{CWD, Mode, OFlags, openat};
    use rustix::io::Errno;
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let mut at = match openat(CWD, top, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()) {
        Ok(top) => top,
        Err(_) => return Entry::Other("not readable"),
    };
    for part in path.split('/').filter(|part| !part.is_empty()) {
        at = match openat(&at, part, flags, Mode::empty()) {
            Ok(next) => next,
            Err(Errno::NOENT | Errno::NOTDIR) => return Entry::Nothing,
            Err(Errno::LOOP) => return Entry::Other("behind a symbolic link"),
            Err(_) => return Entry::Other("not readable"),
        };
    }
    content(std::fs::File::from(at))
}

#[cfg(not(unix))]
fn read(top: &Path, path: &str) -> Entry {
    let mut place = top.to_path_buf();
    for part in path.split('/').filter(|part| !part.is_empty()) {
        place.push(part);
        match std::fs::symlink_metadata(&place) {
            Ok(metadata) if metadata.is_symlink() => return Entry::Other("behind a symbolic link"),
            Ok(_) => {}
            Err(_) => return Entry::Nothing,
        }
    }
    if place.is_dir() {
        return Entry::Folder;
    }
    std::fs::File::open(&place).map_or(Entry::Other("not readable"), content)
}

fn content(file: std::fs::File) -> Entry {
    use std::io::Read as _;
    match file.metadata() {
        Ok(metadata) if metadata.is_dir() => return Entry::Folder,
        Ok(metadata) if !metadata.is_file() => return Entry::Other("not a regular file"),
        Ok(metadata) if metadata.len() > LARGEST => return Entry::Other("too large to be copied"),
        Ok(_) => {}
        Err(_) => return Entry::Other("not readable"),
    }
    let mut bytes = Zeroizing::new(Vec::new());
    match file.take(LARGEST).read_to_end(&mut bytes) {
        Ok(_) => Entry::File(bytes),
        Err(_) => Entry::Other("not readable"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repository(files: &[(&str, &str)]) -> tempfile::TempDir {
        let top = tempfile::tempdir().expect("a folder");
        for (path, text) in files {
            let path = top.path().join(path);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            std::fs::write(path, text).expect("a file");
        }
        top
    }

    fn as_it_is(top: &tempfile::TempDir) -> Tree<'_> {
        static NOTHING: BTreeMap<&str, &[u8]> = BTreeMap::new();
        Tree { top: top.path(), planned: &NOTHING }
    }

    const SOUND: [(&str, &str); 5] = [
        ("overlay/kustomization.yml", "resources: [../base]\nsecretGenerator: [{name: a, files: [k=../keys/a.key]}]\n"),
        ("base/Kustomization", "resources: [app.yaml]\n"),
        ("base/app.yaml", "kind: Deployment\n"),
        ("base/other.yaml", "kind: Secret\n"),
        ("keys/a.key", "invented\n"),
    ];

    #[test]
    fn a_copy_holds_what_is_named_and_nothing_else() {
        let top = repository(&SOUND);
        let files = gather(as_it_is(&top), "overlay").expect("is understood");
        let wanted = ["base/app.yaml", "base/kustomization.yaml", "keys/a.key", "overlay/kustomization.yaml"];
        assert_eq!(files.keys().collect::<Vec<_>>(), wanted);
        assert_eq!(files["base/kustomization.yaml"].as_slice(), br#"{"resources":["app.yaml"]}"#);
    }

    #[test]
    fn what_is_planned_stands_in_the_place_of_what_is() {
        let top = repository(&SOUND);
        let planned = BTreeMap::from([
            ("base/Kustomization", &b"resources: [app.yaml, ../new]\n"[..]),
            ("new/kustomization.yaml", b"resources: [s.enc.yaml]\n"),
            ("new/s.enc.yaml", b"kind: Secret\n"),
        ]);
        let files = gather(Tree { top: top.path(), planned: &planned }, "overlay").expect("is understood");
        assert!(files.contains_key("new/s.enc.yaml") && files.contains_key("base/app.yaml"), "{:?}", files.keys());
    }

    #[test]
    fn what_cannot_be_copied_is_named() {
        for (path, text, told) in [
            ("overlay/kustomization.yml", "resources: [../../x.yaml]\n", "it takes something from outside of the repository"),
            ("overlay/kustomization.yml", "resources: [../.git/config]\n", "it takes something from outside of the repository"),
            ("overlay/kustomization.yml", "resources: [missing.yaml]\n", "overlay/missing.yaml is not there"),
            ("overlay/kustomization.yml", "patches: [{path: ../base}]\n", "base is not what its kustomization takes it for"),
            (
                "overlay/kustomization.yml",
                "resources: [../base/Kustomization]\n",
                "base/Kustomization is not what its kustomization takes it for",
            ),
            ("overlay/kustomization.yaml", "resources: []\n", "overlay has 2 kustomizations"),
            ("base/Kustomization", "helmCharts: []\n", "its kustomization has the key `helmCharts`, which sopup does not let run"),
        ] {
            let top = repository(&SOUND);
            std::fs::write(top.path().join(path), text).expect("a file");
            assert_eq!(gather(as_it_is(&top), "overlay").expect_err(text), told);
        }
    }

    #[cfg(unix)]
    #[test]
    fn links_are_not_followed() {
        for (link, to) in [("base", "elsewhere"), ("base/app.yaml", "../elsewhere/app.yaml"), ("base/Kustomization", "../elsewhere/k")] {
            let top = repository(&[&SOUND[..], &[("elsewhere/app.yaml", "x: y\n"), ("elsewhere/k", "resources: []\n")]].concat());
            let place = top.path().join(link);
            if place.is_dir() { std::fs::remove_dir_all(&place) } else { std::fs::remove_file(&place) }.expect("removed");
            std::os::unix::fs::symlink(to, &place).expect("a link");
            let why = gather(as_it_is(&top), "overlay").expect_err(link);
            assert!(why.ends_with("is behind a symbolic link"), "{link}: {why}");
        }
    }
}
