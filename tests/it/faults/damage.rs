//! Every file of the git directory that a scan reads, damaged in every way: nothing is lost unseen, nothing hangs.

use std::fs;
use std::os::unix::fs::{FileTypeExt, PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use super::repository::{build, copied, files};
use super::{Finds, expected, fault, sample, scan, try_all};

/// What happens to a file. The numbers are parts of its length, in eighths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Damage {
    Flipped(usize),
    Cut(usize),
    Empty,
    Zeros,
    Garbage,
    Appended,
    Deleted,
    Folder,
    Pipe,
    Socket,
    Device,
    Circle,
    LeadsNowhere,
    LeadsElsewhere,
}

const KINDS: [Damage; 20] = [
    Damage::Flipped(0),
    Damage::Flipped(2),
    Damage::Flipped(4),
    Damage::Flipped(7),
    Damage::Cut(1),
    Damage::Cut(4),
    Damage::Cut(7),
    Damage::Empty,
    Damage::Zeros,
    Damage::Garbage,
    Damage::Appended,
    Damage::Deleted,
    Damage::Folder,
    Damage::Pipe,
    Damage::Socket,
    Damage::Device,
    Damage::Circle,
    Damage::LeadsNowhere,
    Damage::LeadsElsewhere,
    Damage::Cut(8),
];

impl Damage {
    fn does(self, file: &Path) {
        let bytes = fs::read(file).expect("it is there");
        fs::set_permissions(file, fs::Permissions::from_mode(0o644)).expect("it is ours");
        let at = |eighths: usize| (bytes.len() * eighths / 8).min(bytes.len().saturating_sub(1));
        let put = |bytes: &[u8]| fs::write(file, bytes).expect("it is ours");
        let gone = || fs::remove_file(file).expect("it is there");
        match self {
            Self::Flipped(eighths) if !bytes.is_empty() => {
                let mut bytes = bytes.clone();
                bytes[at(eighths)] ^= 0x10;
                put(&bytes);
            }
            Self::Flipped(_) => {}
            // Eight eighths: all but the last byte.
            Self::Cut(eighths) => put(&bytes[..at(eighths)]),
            Self::Empty => put(b""),
            Self::Zeros => put(&vec![0; bytes.len()]),
            Self::Garbage => {
                let byte = |number: usize| (number.wrapping_mul(2_654_435_761) >> 13) as u8;
                put(&(1..=bytes.len()).map(byte).collect::<Vec<u8>>());
            }
            Self::Appended => put(&[&bytes[..], b"\x07more\n"].concat()),
            Self::Deleted => gone(),
            Self::Folder => {
                gone();
                fs::create_dir(file).expect("room for it");
            }
            Self::Pipe => {
                gone();
                let status = std::process::Command::new("mkfifo").arg(file).status();
                assert!(status.expect("mkfifo runs").success());
            }
            Self::Socket => {
                // A socket's path may have 108 bytes.
                gone();
                let short = tempfile::tempdir().expect("a folder");
                let socket = short.path().join("s");
                drop(UnixListener::bind(&socket).expect("a socket"));
                fs::rename(&socket, file).expect("the same disk");
                assert!(fs::symlink_metadata(file).expect("it is there").file_type().is_socket());
            }
            Self::Device => {
                gone();
                symlink("/dev/zero", file).expect("a link");
            }
            Self::Circle => {
                gone();
                symlink(file, file).expect("a link");
            }
            Self::LeadsNowhere => {
                gone();
                symlink("nowhere", file).expect("a link");
            }
            Self::LeadsElsewhere => {
                let aside = file.with_extension("aside");
                fs::rename(file, &aside).expect("it is there");
                symlink(aside.file_name().expect("a name"), file).expect("a link");
            }
        }
    }
}

/// Whether git itself takes a repository with this damage for a sound one that has less: what it does not miss, nobody
/// can. A file of refs that is not there names nothing; without its `gitdir` a linked working tree is unknown.
fn is_sound(file: &Path, damage: Damage) -> bool {
    let name = file.strip_prefix("repo/.git").expect("a file of it").to_string_lossy().into_owned();
    let is_text = name.starts_with("logs/") || name.contains("/logs/") || name.ends_with("FETCH_HEAD") || name == "config";
    let is_list = name == "objects/info/alternates";
    match damage {
        Damage::Deleted => !name.starts_with("objects/pack/pack-") && name != "HEAD" || name.ends_with(".rev") || name.ends_with(".bitmap"),
        Damage::Empty | Damage::Cut(_) => is_text || is_list,
        // A changed path leads to a folder that is not there, like that of a working tree that was removed.
        Damage::Flipped(_) if name.ends_with("/gitdir") => true,
        Damage::Zeros | Damage::Garbage | Damage::Flipped(_) | Damage::Appended => is_text,
        _ => false,
    }
}

fn damaged(refs: &str, most: usize) {
    let original = build(refs);
    // What is damaged is git's; rules of the repository would take most of the time.
    let args: [&[&str]; 2] = [&["--no-cache", "--submodules", "--no-repo-config"], &["--staged", "--no-repo-config"]];
    let found: Vec<Finds> = args.iter().map(|args| expected(&original.join("repo"), args)).collect();
    let all: Vec<(PathBuf, Damage)> = files(&original).into_iter().flat_map(|file| KINDS.map(|kind| (file.clone(), kind))).collect();
    assert!(all.len() >= 500, "{}", all.len());
    try_all(&format!("damages, refs as {refs}"), &sample(all, most), |(file, damage)| {
        let copy = copied(&original);
        damage.does(&copy.join(file.to_str().expect("UTF-8")));
        let mut wrong = Vec::new();
        for (args, found) in args.iter().zip(&found) {
            let output = scan(&copy.join("repo"), args);
            let why = fault(&output, found).filter(|why| !(is_sound(file, *damage) && why.starts_with("complete")));
            wrong.extend(why.map(|why| format!("{} {damage:?} {args:?}: {why}", file.display())));
        }
        (!wrong.is_empty()).then(|| wrong.join("\n"))
    });
}

#[test]
fn damaged_files_are_missed() {
    damaged("files", 120);
}

#[test]
fn damaged_tables_are_missed() {
    damaged("reftable", 60);
}
