//! Repositories that lie: every lie ends in a name, and what is sound beside
//! it is still read.

use std::fs;
use std::path::PathBuf;

use sopup::source::object::{Damage, HashKind, Limits, ObjectKind, ObjectStore, SkipReason};

use super::repo::{Objects, Repo};
use super::visit::{Seen, see};
use super::writer::{Entry, PackWriter, deflated, made_up};

/// A delta of a base of this size that inserts one byte.
fn small_delta(base: u8) -> Vec<u8> {
    vec![base, 1, 1, b'x']
}

fn one_sound() -> PackWriter {
    let mut pack = PackWriter::new(HashKind::Sha1);
    pack.add(Entry::Blob(b"sound"));
    pack
}

#[test]
fn cycles_of_deltas_are_named() {
    let mut pack = one_sound();
    let hash = HashKind::Sha1;
    pack.add(Entry::Named(made_up(hash, 1), &small_delta(1)));
    pack.add(Entry::Named(made_up(hash, 3), &small_delta(1)));
    let third = pack.add(Entry::Named(made_up(hash, 2), &small_delta(1)));
    pack.add(Entry::Before(third, &small_delta(1)));
    pack.assert_skips(&[b"sound"], &vec![SkipReason::Cycle; 4]);
    let dir = pack.write(&pack.names(&[b"sound"]));
    let store = ObjectStore::open(dir.path(), hash, Limits::default()).expect("opens");
    assert!(store.read(&made_up(hash, 1)).is_err());
    assert!(store.read(&made_up(hash, 4)).is_err());
}

#[test]
fn missing_bases_are_named_and_what_builds_on_them() {
    let mut pack = one_sound();
    let nowhere = made_up(HashKind::Sha1, 99);
    let adrift = pack.add(Entry::Named(nowhere, &small_delta(1)));
    pack.add(Entry::Before(adrift, &small_delta(1)));
    pack.add(Entry::Raw(6, 4, &[0x05]));
    pack.add(Entry::Raw(6, 4, &[0x00]));
    let offset = SkipReason::Damaged(Damage::BaseOffset);
    let expected = [SkipReason::MissingBase(nowhere), SkipReason::BaseSkipped, offset.clone(), offset];
    pack.assert_skips(&[b"sound"], &expected);
}

#[test]
fn a_thin_pack_builds_on_what_lies_elsewhere() {
    let hash = HashKind::Sha1;
    let base = hash.id_of(ObjectKind::Blob, b"base!");
    let (first, second) = (&b"a base!"[..], &b"a base!?"[..]);
    let mut pack = one_sound();
    let child = pack.add(Entry::Named(base, &[5, 7, 2, b'a', b' ', 0x90, 5]));
    pack.add(Entry::Before(child, &[7, 8, 0x90, 7, 1, b'?']));
    let contents = [b"sound", first, second];
    let dir = pack.write(&pack.names(&contents));
    let (start, rest) = (base.to_string()[..2].to_owned(), base.to_string()[2..].to_owned());
    fs::create_dir(dir.path().join(&start)).expect("created");
    fs::write(dir.path().join(start).join(rest), deflated(b"blob 5\0base!")).expect("written");
    let look = || see(&ObjectStore::open(dir.path(), hash, Limits::default()).expect("opens"));
    for seen in [look(), {
        fs::remove_file(dir.path().join("pack/pack-1.idx")).expect("removed");
        look()
    }] {
        assert_eq!(seen.skips, []);
        assert_eq!(seen.objects.len(), 4);
        for contents in contents {
            let id = hash.id_of(ObjectKind::Blob, contents);
            assert_eq!(seen.objects[&id].1, contents);
        }
    }
}

#[test]
fn lying_sizes_are_named() {
    let mut pack = one_sound();
    let stream = deflated(&[7; 1000]);
    for size in [0, 10, 999, 1001, 50_000, 7 << 20] {
        pack.add(Entry::Raw(3, size, &stream));
    }
    let expected = [0, 10, 999, 1001, 50_000, 7 << 20].map(|declared| Damage::Size { declared }.into());
    pack.assert_skips(&[b"sound"], &expected);
}

#[test]
fn absurd_sizes_cost_nothing() {
    let mut pack = one_sound();
    for size in [10 << 30, u64::MAX >> 8, u64::MAX] {
        pack.add(Entry::Raw(3, size, &deflated(b"short")));
    }
    let expected = [10 << 30, u64::MAX >> 8, u64::MAX].map(|declared| Damage::Size { declared }.into());
    pack.assert_skips(&[b"sound"], &expected);
}

#[test]
fn bombs_are_not_held_in_memory() {
    let mut pack = one_sound();
    let bomb = deflated(&vec![0; 100 << 20]);
    pack.add(Entry::Raw(3, 10, &bomb));
    pack.add(Entry::Raw(6, 100 << 20, &[&[0x0f], &bomb[..]].concat()));
    // A result of 16 MiB from each byte: two sizes, then copies of 64 KiB.
    let mut copies = vec![5, 0x80, 0x80, 0x80, 0x80, 0x7f];
    copies.extend(vec![0x80; 5000]);
    pack.add(Entry::Before(0, &copies));
    let mut seen = pack.see(&[b"sound"]);
    seen.skips.sort_by_key(|skip| skip.id);
    assert_eq!(seen.objects.len(), 1);
    assert_eq!(seen.skips[0].reason, Damage::Size { declared: 10 }.into());
    assert_eq!(seen.skips[1].reason, Damage::BaseOffset.into());
    assert!(matches!(seen.skips[2].reason, SkipReason::TooLarge { size } if size > 1 << 30));
}

#[test]
fn unknown_types_and_broken_streams_are_named() {
    let mut pack = one_sound();
    let stream = deflated(b"some contents that are long enough to be cut");
    pack.add(Entry::Raw(0, 44, &stream));
    pack.add(Entry::Raw(5, 44, &stream));
    pack.add(Entry::Raw(3, 44, &stream[..20]));
    pack.add(Entry::Raw(3, 44, b"no zlib at all"));
    let mut flipped = stream;
    let last = flipped.len() - 1;
    flipped[last] ^= 1;
    pack.add(Entry::Raw(3, 44, &flipped));
    pack.add(Entry::Raw(3, 44, b""));
    let mut seen = pack.see(&[b"sound"]);
    assert_eq!((seen.objects.len(), seen.skips.len()), (1, 6));
    seen.skips.sort_by_key(|skip| skip.id);
    assert_eq!(seen.skips[0].reason, Damage::UnknownType(0).into());
    assert_eq!(seen.skips[1].reason, Damage::UnknownType(5).into());
    assert_eq!(seen.skips[2].reason, Damage::Truncated.into());
    assert_eq!(seen.skips[3].reason, Damage::Zlib.into());
    assert_eq!(seen.skips[4].reason, Damage::Zlib.into());
}

#[test]
fn wrong_deltas_are_named() {
    let mut pack = one_sound();
    let deltas: [&[u8]; 8] = [
        b"",                    // no sizes
        &[6, 1, 1, b'x'],       // for another base
        &[5, 2, 1, b'x'],       // promises more than it makes
        &[5, 1, 2, b'x', b'y'], // makes more than it promises
        &[5, 1, 0],             // the reserved instruction
        &[5, 6, 0x90, 6],       // copies beyond the base
        &[5, 1, 0x91],          // a copy that is cut off
        &[5, 9, 9, b'x'],       // an insert that is cut off
    ];
    for delta in deltas {
        pack.add(Entry::Before(0, delta));
    }
    let mut expected = vec![SkipReason::Damaged(Damage::Delta); 8];
    expected[1] = Damage::DeltaBase.into();
    pack.assert_skips(&[b"sound"], &expected);
}

#[test]
fn lying_indexes_are_named() {
    let mut pack = one_sound();
    pack.offsets.extend([pack.offsets[0], 5_000_000, 3]);
    let damages = [Damage::SamePlace, Damage::OutsidePack, Damage::OutsidePack];
    let seen = pack.see(&[b"sound"]);
    assert_eq!(seen.objects.len(), 1);
    let mut given: Vec<_> = seen.skips.into_iter().map(|skip| skip.reason).collect();
    given.sort_by_key(|reason| *reason != Damage::SamePlace.into());
    assert_eq!(given, damages.map(SkipReason::from));
}

#[test]
fn a_pack_whose_index_is_unusable_is_read_without_it() {
    let pack = one_sound();
    let dir = pack.write(&pack.names(&[b"sound"]));
    let index = dir.path().join("pack/pack-1.idx");
    let sound = fs::read(&index).expect("read");
    let mut absurd = sound.clone();
    absurd[8..8 + 1024].fill(0x7f);
    for broken in [&absurd[..], b"", &sound[..900], b"\xfftOc\0\0\0\x03"] {
        fs::write(&index, broken).expect("written");
        let store = ObjectStore::open(dir.path(), HashKind::Sha1, Limits::default());
        let seen = see(&store.expect("opens"));
        assert_eq!((seen.objects.len(), seen.skips.len()), (1, 1));
        assert!(matches!(seen.skips[0].reason, SkipReason::Unusable(_)));
    }
}

#[test]
fn only_regular_files_are_opened() {
    let pack = one_sound();
    let dir = pack.write(&pack.names(&[b"sound"]));
    let inside = |name: &str| dir.path().join(name);
    fs::create_dir(inside("pack/pack-2.pack")).expect("created");
    std::os::unix::fs::symlink("/dev/zero", inside("pack/pack-3.pack")).expect("linked");
    pipe(inside("pack/pack-4.pack"));
    fs::create_dir(inside("aa")).expect("created");
    pipe(inside(&format!("aa/{}", "1".repeat(38))));
    std::os::unix::fs::symlink("/etc", inside("ab")).expect("linked");
    let store = ObjectStore::open(dir.path(), HashKind::Sha1, Limits::default());
    let seen = see(&store.expect("opens"));
    assert_eq!(seen.objects.len(), 1);
    let mut reasons: Vec<_> = seen.skips.into_iter().map(|skip| skip.reason).collect();
    reasons.sort_by_key(|reason| *reason == SkipReason::Outside);
    let mut expected = vec![SkipReason::NotAFile; 4];
    expected.push(SkipReason::Outside);
    assert_eq!(reasons, expected);
}

fn pipe(path: PathBuf) {
    let made = std::process::Command::new("mkfifo").arg(path).status();
    assert!(made.expect("mkfifo runs").success());
}

#[test]
fn damaged_loose_objects_are_named() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    fs::create_dir(dir.path().join("aa")).expect("created");
    let put = |name: char, contents: &[u8]| {
        let path = dir.path().join("aa").join(name.to_string().repeat(38));
        fs::write(path, contents).expect("written");
    };
    let whole = deflated(b"blob 5\0sound");
    put('0', &whole);
    put('1', &whole[..whole.len() - 3]);
    put('2', &deflated(b"blob 6\0sound"));
    put('3', &deflated(b"blob 4\0sound"));
    put('4', &deflated(b"blog 5\0sound"));
    put('5', &deflated(b"blob 99999999999999999999\0sound"));
    put('6', &deflated(b"blob 12345678901\0sound"));
    put('7', b"");
    put('8', &deflated(&[b"blob 3\0".to_vec(), vec![0; 50 << 20]].concat()));
    put('9', &deflated(b"no header whatsoever in the first so many bytes"));
    let store = ObjectStore::open(dir.path(), HashKind::Sha1, Limits::default());
    let seen = see(&store.expect("opens"));
    assert_eq!((seen.objects.len(), seen.skips.len()), (1, 9));
}

/// Everything git knew is handed over with its true contents, or something is
/// named.
#[track_caller]
fn assert_nothing_silent(expected: &Objects, seen: &Seen, what: &str) {
    let mut given: Vec<_> = seen.objects.values().collect();
    given.sort();
    let lost = expected.values().any(|object| given.binary_search(&object).is_err());
    assert!(!lost || !seen.skips.is_empty(), "{what}: lost without a word");
}

#[test]
fn no_flipped_byte_is_silent() {
    let repo = Repo::new();
    repo.grow(12);
    repo.repack(&["-c", "pack.indexVersion=2"]);
    let expected = repo.objects();
    for extension in ["pack", "idx"] {
        let path = &repo.files(extension)[0];
        fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o644)).expect("set");
        let sound = fs::read(path).expect("read");
        for at in (0..sound.len()).step_by(sound.len() / 150) {
            for flip in [0x01, 0x10, 0x80, 0xff] {
                let mut bytes = sound.clone();
                bytes[at] ^= flip;
                fs::write(path, &bytes).expect("written");
                let what = format!("{extension} byte {at} ^ {flip:#x}");
                assert_nothing_silent(&expected, &repo.see(), &what);
            }
        }
        for len in (0..sound.len()).step_by(sound.len() / 60) {
            fs::write(path, &sound[..len]).expect("written");
            let what = format!("{extension} cut at {len}");
            assert_nothing_silent(&expected, &repo.see(), &what);
        }
        fs::write(path, &sound).expect("written");
    }
    assert!(repo.see().objects == expected);
}

#[test]
fn a_damaged_copy_is_replaced_by_a_sound_one() {
    let repo = Repo::new();
    repo.grow(20);
    let ids: Vec<u8> = repo.objects().keys().flat_map(|id| format!("{id}\n").into_bytes()).collect();
    let expected = repo.objects();
    repo.git_with(&["pack-objects", "-q", "--window=0", "objects/pack/pack"], &ids);
    let path = &repo.files("pack")[0];
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o644)).expect("set");
    for path in repo.files("pack") {
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o644)).expect("set");
        let sound = fs::read(&path).expect("read");
        let mut bytes = sound.clone();
        let end = bytes.len() - 20;
        bytes[100..end].fill(0xaa);
        fs::write(&path, &bytes).expect("written");
        let seen = repo.see();
        assert_eq!(seen.skips, []);
        assert!(seen.objects == expected);
        fs::write(&path, &sound).expect("written");
    }
}
