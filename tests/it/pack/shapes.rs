//! Every shape in which git stores objects reads the same as with git.

use std::fs;
use std::path::Path;

use sopup::source::object::{Alternates, Beside, HashKind, Limits, ObjectKind, ObjectStore, SkipReason};

use super::repo::Repo;
use super::visit::{see, see_kinds};

#[test]
fn an_empty_repository() {
    Repo::new().assert_same_as_git();
}

#[test]
fn only_loose_objects() {
    let repo = Repo::new();
    repo.grow(30);
    let pack = repo.pack();
    let away = repo.path().join("away.pack");
    fs::rename(pack, &away).expect("renamed");
    fs::remove_file(&repo.files("idx")[0]).expect("removed");
    repo.git_with(&["unpack-objects", "-q"], &fs::read(away).expect("read"));
    assert!(repo.store(Limits::default()).counts().loose > 60);
    repo.assert_same_as_git();
}

#[test]
fn a_pack_as_fast_import_writes_it() {
    let repo = Repo::new();
    repo.grow(200);
    repo.assert_same_as_git();
    assert!(repo.see().deltas > 300);
}

#[test]
fn offset_deltas_at_the_usual_depth() {
    let repo = Repo::new();
    repo.grow(300);
    repo.repack(&["-c", "pack.depth=50"]);
    repo.assert_same_as_git();
    assert!(repo.see().deltas > 300);
}

#[test]
fn deltas_at_the_greatest_depth() {
    let repo = Repo::new();
    repo.grow(1200);
    repo.repack(&["-c", "pack.depth=4095", "-c", "pack.window=4", "-c", "pack.threads=1"]);
    repo.assert_same_as_git();
}

#[test]
fn deltas_that_name_their_base() {
    let repo = Repo::new();
    repo.grow(200);
    repo.repack(&["-c", "repack.useDeltaBaseOffset=false"]);
    repo.assert_same_as_git();
    assert!(repo.see().deltas > 200);
}

#[test]
fn sha256_packed_and_loose() {
    for reference in ["true", "false"] {
        let repo = Repo::with_hash(HashKind::Sha256);
        repo.grow(100);
        repo.repack(&["-c", &format!("repack.useDeltaBaseOffset={reference}")]);
        repo.git_with(&["hash-object", "-w", "--stdin"], b"loose");
        repo.assert_same_as_git();
    }
}

#[test]
fn an_index_of_version_one() {
    let repo = Repo::new();
    repo.grow(50);
    repo.repack(&["-c", "pack.indexVersion=1"]);
    let index = fs::read(&repo.files("idx")[0]).expect("read");
    assert_ne!(index[..4], *b"\xfftOc");
    repo.assert_same_as_git();
}

#[test]
fn an_index_with_large_offsets() {
    let repo = Repo::new();
    repo.grow(50);
    let pack = repo.pack();
    let index = pack.with_extension("idx");
    fs::remove_file(&index).expect("removed");
    let (pack, index) = (text(&pack), text(&index));
    repo.git(&["index-pack", "--index-version=2,0x40", "-o", index, pack]);
    repo.assert_same_as_git();
}

#[test]
fn packs_that_overlap_each_other_and_loose_objects() {
    let repo = Repo::new();
    repo.grow(40);
    repo.git(&["repack", "-q", "-d"]);
    repo.grow(90);
    let objects = repo.git(&["rev-list", "--objects", "--all", "--no-object-names"]);
    repo.git_with(&["pack-objects", "-q", "objects/pack/pack"], &objects);
    let some: Vec<u8> = objects.split_inclusive(|&byte| byte == b'\n').take(40).flatten().copied().collect();
    repo.git_with(&["pack-objects", "-q", "objects/pack/pack"], &some);
    repo.git_with(&["hash-object", "-w", "--stdin"], b"loose and alone");
    assert!(repo.files("pack").len() >= 3);
    repo.assert_same_as_git();
    repo.git(&["multi-pack-index", "write"]);
    repo.assert_same_as_git();
}

#[test]
fn cruft_packs_and_kept_packs() {
    let repo = Repo::new();
    repo.grow(60);
    repo.git(&["update-ref", "refs/heads/main", "refs/heads/main~30"]);
    repo.git(&["tag", "-d", "v1"]);
    repo.git(&["reflog", "expire", "--expire=now", "--all"]);
    repo.git(&["repack", "-q", "-d", "--cruft"]);
    assert_eq!(repo.files("mtimes").len(), 1);
    let kept = repo.files("pack")[0].with_extension("keep");
    fs::write(kept, "").expect("written");
    repo.assert_same_as_git();
    let store = repo.store(Limits::default());
    let cruft = store.packs().filter(|pack| pack.flags.cruft == Beside::Present);
    let keep = store.packs().filter(|pack| pack.flags.keep == Beside::Present);
    assert_eq!((cruft.count(), keep.count()), (1, 1));
}

#[test]
fn a_pack_without_its_index() {
    for settings in [&["-c", "pack.depth=20"][..], &["-c", "repack.useDeltaBaseOffset=false"]] {
        for hash in [HashKind::Sha1, HashKind::Sha256] {
            let repo = Repo::with_hash(hash);
            repo.grow(100);
            repo.repack(settings);
            let expected = repo.objects();
            fs::remove_file(&repo.files("idx")[0]).expect("removed");
            let seen = repo.see();
            assert_eq!(seen.skips, []);
            assert!(seen.objects == expected);
        }
    }
}

#[test]
fn alternates_are_named_or_followed_inside_their_root() {
    let lender = Repo::new();
    lender.grow(20);
    let borrower = Repo::new();
    borrower.git_with(&["hash-object", "-w", "--stdin"], b"its own");
    let list = borrower.objects_dir().join("info/alternates");
    fs::write(list, format!("# a comment\n{}\n", text(&lender.objects_dir()))).expect("written");

    let seen = borrower.see();
    assert_eq!(seen.objects.len(), 1);
    assert_eq!(seen.skips.len(), 1);
    assert_eq!(seen.skips[0].reason, SkipReason::Outside);

    let within = |root: &Path| Limits { alternates: Alternates::Within(vec![root.to_owned()]), ..Limits::default() };
    let elsewhere = see(&borrower.store(within(borrower.path())));
    assert_eq!((elsewhere.objects.len(), elsewhere.skips.len()), (1, 1));
    let followed = see(&borrower.store(within(lender.path())));
    assert_eq!(followed.skips, []);
    assert!(followed.objects == borrower.objects());
}

#[test]
fn only_the_wanted_kinds_are_handed_over() {
    let repo = Repo::new();
    repo.grow(60);
    repo.git_with(&["hash-object", "-w", "--stdin"], b"a loose blob");
    let mut expected = repo.objects();
    for kind in ObjectKind::ALL {
        let seen = see_kinds(&repo.store(Limits::default()), &[kind]);
        assert!(!seen.objects.is_empty());
        let alike = |_: &_, value: &mut (ObjectKind, Vec<u8>)| value.0 == kind;
        assert!(seen.objects == expected.extract_if(.., alike).collect());
    }
}

#[test]
fn large_objects_are_streamed() {
    let repo = Repo::new();
    let large: Vec<u8> = (0..3_000_000u32).flat_map(|n| (n.wrapping_mul(n) / 7).to_le_bytes()).collect();
    repo.git_with(&["hash-object", "-w", "--stdin"], &large);
    let zeros = vec![0; 20 << 20];
    repo.git_with(&["hash-object", "-w", "--stdin"], &zeros);
    let expected = repo.objects();
    let limits = Limits { memory: 8 << 20, ..Limits::default() };
    let ids: Vec<u8> = expected.keys().flat_map(|id| format!("{id}\n").into_bytes()).collect();
    let loose = see(&repo.store(limits.clone()));
    repo.git_with(&["pack-objects", "-q", "objects/pack/pack"], &ids);
    repo.git(&["prune-packed"]);
    let packed = see(&repo.store(limits.clone()));
    fs::remove_file(&repo.files("idx")[0]).expect("removed");
    let without_index = see(&repo.store(limits));
    for seen in [loose, packed, without_index] {
        assert_eq!((seen.skips.len(), seen.streamed), (0, 2));
        assert!(seen.objects == expected);
    }
}

#[test]
fn a_directory_that_is_not_there_is_an_error() {
    let missing = Path::new("/nonexistent/objects");
    let opened = ObjectStore::open(missing, HashKind::Sha1, Limits::default());
    assert!(opened.is_err());
}

fn text(path: &Path) -> &str {
    path.to_str().expect("utf-8")
}
