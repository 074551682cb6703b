//! Files written whole or not at all.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::Path;
use std::time::Duration;

use sopup::file::{Access, FileError, Held, PATIENCE, PrivateDir, RealDisk, create, put, read};

use crate::support::Place;

const LIMIT: u64 = 1 << 20;

fn names(place: &Place) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(place.path())
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8"))
        .collect();
    names.sort();
    names
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("metadata").mode() & 0o7777
}

fn replace(path: &Path, content: &[u8]) -> Result<(), FileError> {
    let mut held = Held::take(path, PATIENCE)?;
    held.read(LIMIT)?;
    held.replace(content, Access::KeptOrPrivate)
}

#[test]
fn a_replaced_file_keeps_its_mode_its_owner_and_its_attributes() {
    let place = Place::new();
    place.write("a", "old");
    let path = place.join("a");
    fs::set_permissions(&path, Permissions::from_mode(0o640)).expect("a mode");
    // Only root can give files away; anybody else keeps their own.
    let given = std::os::unix::fs::chown(&path, Some(1234), Some(5678)).is_ok();
    let tagged = rustix::fs::setxattr(&path, "user.note", b"kept", rustix::fs::XattrFlags::empty()).is_ok();
    let before = fs::metadata(&path).expect("metadata");
    replace(&path, b"new").expect("replaces");
    let after = fs::metadata(&path).expect("metadata");
    assert_eq!((fs::read(&path).expect("reads").as_slice(), after.mode()), (b"new".as_slice(), before.mode()));
    assert_eq!((after.uid(), after.gid()), (before.uid(), before.gid()));
    assert!(!given || after.uid() == 1234);
    if tagged {
        let mut value = [0; 16];
        let length = rustix::fs::getxattr(&path, "user.note", &mut value[..]).expect("an attribute");
        assert_eq!(&value[..length], b"kept");
    }
    assert_eq!(names(&place), ["a"]);
}

#[test]
fn links_stay_and_their_file_is_changed() {
    let place = Place::new();
    place.write("real", "old").write("sub/x", "");
    symlink("../real", place.join("sub/link")).expect("a link");
    let written = put(&place.join("sub/link"), b"new", Access::KeptOrShared).expect("writes");
    assert_eq!(written, place.join("real").canonicalize().expect("a path"));
    assert_eq!(fs::read(place.join("real")).expect("reads"), b"new");
    assert!(fs::symlink_metadata(place.join("sub/link")).expect("metadata").is_symlink());
    symlink("nowhere", place.join("dangling")).expect("a link");
    assert!(matches!(put(&place.join("dangling"), b"new", Access::KeptOrShared), Err(FileError::Exists(_))));
}

#[test]
fn what_cannot_be_replaced_safely_is_refused() {
    let place = Place::new();
    place.write("a", "old");
    fs::hard_link(place.join("a"), place.join("b")).expect("a hard link");
    assert!(matches!(replace(&place.join("a"), b"new"), Err(FileError::HardLinks { names: 2, .. })));
    assert!(matches!(replace(place.path(), b"new"), Err(FileError::NotAFile(_))));
    assert!(matches!(put(place.path(), b"new", Access::Private), Err(FileError::NotAFile(_))));
    assert!(matches!(replace(&place.join("absent"), b"new"), Err(FileError::Io { .. })));
    rustix::fs::mknodat(rustix::fs::CWD, place.join("pipe"), rustix::fs::FileType::Fifo, rustix::fs::Mode::RWXU, 0).expect("a pipe");
    assert!(matches!(replace(&place.join("pipe"), b"new"), Err(FileError::NotAFile(_))));
    place.write("large", vec![b'x'; 100]);
    let mut held = Held::take(&place.join("large"), PATIENCE).expect("taken");
    assert!(matches!(held.read(99), Err(FileError::TooLarge { limit: 99, .. })));
    assert_eq!(fs::read(place.join("b")).expect("reads"), b"old");
}

#[test]
fn what_another_program_wrote_in_between_is_not_lost() {
    let place = Place::new();
    let path = place.join("a");
    let in_place: fn(&Path) = |path| fs::write(path, "theirs").expect("writes");
    let by_rename: fn(&Path) = |path| {
        fs::write(path.with_extension("new"), "theirs").expect("writes");
        fs::rename(path.with_extension("new"), path).expect("renames");
    };
    for write in [in_place, by_rename] {
        place.write("a", "read by us");
        let mut held = Held::take(&path, PATIENCE).expect("taken");
        assert_eq!(held.read(LIMIT).expect("reads").as_slice(), b"read by us");
        write(&path);
        assert!(matches!(held.replace(b"ours", Access::KeptOrPrivate), Err(FileError::Changed(_))));
        assert_eq!(fs::read(&path).expect("reads"), b"theirs");
        assert_eq!(names(&place), ["a"]);
    }
}

#[test]
fn plain_text_is_replaced_only_if_it_is_the_one_that_was_read() {
    let place = Place::new();
    let path = place.join("a");
    for theirs in [None, Some("theirs")] {
        place.write("a", "read by us");
        let mut held = Held::take(&path, PATIENCE).expect("taken");
        held.read(LIMIT).expect("reads");
        if let Some(theirs) = theirs {
            place.write("a", theirs);
        }
        let done = held.replace_plain_text(b"ours", Access::KeptOrPrivate);
        assert_eq!(matches!(done, Err(FileError::Changed(_))), theirs.is_some(), "{done:?}");
        assert_eq!(fs::read(&path).expect("reads"), theirs.unwrap_or("ours").as_bytes());
        assert_eq!(names(&place), ["a"]);
    }
}

#[test]
fn a_file_is_held_by_one_at_a_time() {
    let place = Place::new();
    place.write("a", "0");
    let path = place.join("a");
    let held = Held::take(&path, PATIENCE).expect("taken");
    assert!(matches!(Held::take(&path, Duration::from_millis(30)), Err(FileError::Busy(_))));
    drop(held);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..100 {
                    let mut held = Held::take(&path, Duration::from_secs(60)).expect("taken");
                    let number: u32 =
                        String::from_utf8(held.read(LIMIT).expect("reads").to_vec()).expect("UTF-8").parse().expect("a number");
                    held.replace((number + 1).to_string().as_bytes(), Access::KeptOrPrivate).expect("replaces");
                }
            });
        }
    });
    assert_eq!(fs::read_to_string(&path).expect("reads"), "400");
}

#[test]
fn a_new_file_appears_whole_and_once() {
    let place = Place::new();
    let path = place.join("a");
    let made: usize = std::thread::scope(|scope| {
        let makers: Vec<_> = (0..8)
            .map(|number| {
                scope.spawn({
                    let path = &path;
                    move || create(path, &[number; 5000], Access::Private).is_ok()
                })
            })
            .collect();
        makers.into_iter().map(|maker| usize::from(maker.join().expect("no panic"))).sum()
    });
    assert_eq!(made, 1);
    let content = fs::read(&path).expect("reads");
    assert!(content.len() == 5000 && content.iter().all(|byte| *byte == content[0]));
    assert_eq!(mode(&path), 0o600);
    assert!(matches!(create(&path, b"", Access::Private), Err(FileError::Exists(_))));
    put(&place.join("shared"), b"x", Access::KeptOrShared).expect("writes");
    File::create(place.join("usual")).expect("a file");
    assert_eq!(mode(&place.join("shared")), mode(&place.join("usual")));
    assert_eq!(names(&place), ["a", "shared", "usual"]);
}

#[test]
fn a_private_file_is_private_even_if_it_was_not() {
    let place = Place::new();
    place.write("report", "old");
    fs::set_permissions(place.join("report"), Permissions::from_mode(0o644)).expect("a mode");
    put(&place.join("report"), b"new", Access::Private).expect("writes");
    assert_eq!(mode(&place.join("report")), 0o600);
}

#[test]
fn drafts_of_an_interrupted_run_are_cleared() {
    let place = Place::new();
    place.write("a", "old").write(".a.0123456789abcdef.sopup-draft", "left").write(".a.notes.sopup-draft", "not ours");
    replace(&place.join("a"), b"new").expect("replaces");
    assert_eq!(names(&place), [".a.notes.sopup-draft", "a"]);
}

#[test]
fn links_are_not_followed_where_the_file_itself_is_meant() {
    let place = Place::new();
    place.write("real", "old").write("folder/x", "");
    symlink("real", place.join("link")).expect("a link");
    let taken = |name: &str| Held::take_if_there(&place.join(name), &RealDisk);
    assert!(matches!(taken("link"), Err(FileError::Link(_))));
    assert!(matches!(taken("folder"), Err(FileError::NotAFile(_))));
    assert!(matches!(taken("absent"), Ok(None)));
    assert!(matches!(read(&place.join("link"), &RealDisk), Err(FileError::Link(_))));
    assert!(matches!(read(&place.join("folder"), &RealDisk), Err(FileError::NotAFile(_))));
    assert!(read(&place.join("real/x"), &RealDisk).is_ok_and(|bytes| bytes.is_none()));
    let mut held = taken("real").expect("taken").expect("there");
    held.read(LIMIT).expect("reads");
    place.write("real", "theirs");
    assert!(matches!(held.remove(), Err(FileError::Changed(_))));
    taken("real").expect("taken").expect("there").remove().expect("removes");
    assert_eq!(names(&place), ["folder", "link"]);
}

#[test]
fn names_of_any_length_have_drafts() {
    let place = Place::new();
    let name = "ä".repeat(127);
    put(&place.join(&name), b"old", Access::Private).expect("writes");
    replace(&place.join(&name), b"new").expect("replaces");
    assert_eq!(names(&place), [name]);
}

#[test]
fn a_lock_is_had_by_one_and_is_private() {
    let place = Place::new();
    let path = place.join("own/lock");
    let had = sopup::file::lock(&path).expect("locks");
    assert!(matches!(sopup::file::lock(&path), Err(FileError::Busy(_))));
    drop(had);
    sopup::file::lock(&path).expect("locks");
    assert_eq!((mode(&place.join("own")), mode(&path)), (0o700, 0o600));
}

#[test]
fn what_a_killed_run_left_in_memory_goes_with_the_next() {
    let place = Place::new();
    place.write("sopup-0123456789abcdef/deep/plain.yaml", "a: b").write("sopup-notes/x", "not ours");
    fs::hard_link(place.join("sopup-0123456789abcdef/deep/plain.yaml"), place.join("seen")).expect("a hard link");
    let other = PrivateDir::create(&[], place.path()).expect("a folder");
    let kept = other.write("x", b"in use").expect("writes");
    let next = PrivateDir::create(&[], place.path()).expect("a folder");
    assert_eq!(fs::read(&kept).expect("reads"), b"in use");
    assert_eq!(fs::read(place.join("seen")).expect("reads"), [0; 4]);
    drop((other, next));
    assert_eq!(names(&place), ["seen", "sopup-notes"]);
}

#[test]
fn a_private_folder_is_in_memory_and_leaves_nothing() {
    let place = Place::new();
    let private = PrivateDir::create(&["/absent".into(), "/dev/shm".into()], place.path()).expect("a folder");
    let on_disk = PrivateDir::create(&["/absent".into()], place.path()).expect("a folder");
    assert!(private.is_in_memory(), "/dev/shm is in memory on Linux");
    assert!(on_disk.path().starts_with(place.path()));
    for folder in [&private, &on_disk] {
        let file = folder.write("plain.yaml", b"a: b").expect("writes");
        assert_eq!((mode(folder.path()), mode(&file)), (0o700, 0o600));
        // What an editor leaves behind goes as well; a link out of the folder is not followed.
        fs::create_dir(folder.path().join("backup")).expect("a folder");
        fs::write(folder.path().join("backup/plain.yaml~"), "a: b").expect("writes");
        place.write("outside", "stays");
        symlink(place.join("outside"), folder.path().join("link")).expect("a link");
    }
    // A second name keeps the file's bytes in sight: they are zeros.
    fs::hard_link(on_disk.path().join("plain.yaml"), place.join("seen")).expect("a hard link");
    drop((private, on_disk));
    assert_eq!(fs::read(place.join("seen")).expect("reads"), [0; 4]);
    assert_eq!(fs::read(place.join("outside")).expect("reads"), b"stays");
    assert_eq!(names(&place), ["outside", "seen"]);
}
