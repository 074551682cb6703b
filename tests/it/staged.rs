//! `--staged`: the index against HEAD, new lines alone, blobs and not files.

use std::fs;
use std::time::{Duration, Instant};

use crate::support::{Place, TOKEN, places};

fn staged(place: &Place) -> Vec<String> {
    places(&place.report(["--staged"]))
}

#[test]
fn reads_the_index_and_not_the_disk() {
    let place = Place::repository();
    place.write("a.txt", TOKEN).git(["add", "a.txt"]);
    place.write("a.txt", "clean again");
    assert_eq!(staged(&place), ["a.txt:1:1"]);
    place.git(["add", "a.txt"]);
    place.write("a.txt", TOKEN);
    assert_eq!(place.sopup(["scan", "--staged"]).code, 0);
}

#[test]
fn only_lines_that_the_commit_adds() {
    let place = Place::repository();
    place.write("a.txt", format!("one\n{TOKEN}\nthree\n")).commit("old");
    place.write("a.txt", format!("one\n{TOKEN}\nthree\nDB_PASSWORD=Walrus88Timber\n")).git(["add", "a.txt"]);
    assert_eq!(staged(&place), ["a.txt:4:13"]);
}

#[test]
fn a_moved_file_adds_nothing_but_a_copy_does() {
    let place = Place::repository();
    place.write("a.txt", format!("one\ntwo\n{TOKEN}\n")).commit("old");
    place.git(["mv", "a.txt", "b.txt"]);
    assert_eq!(staged(&place), [""; 0]);
    place.write("c.txt", format!("one\ntwo\n{TOKEN}\n")).git(["add", "c.txt"]);
    assert_eq!(staged(&place).len(), 1);
}

#[test]
fn the_first_commit_and_files_that_diff_calls_binary() {
    let place = Place::repository();
    place.write(".gitattributes", "*.txt -diff\n").write("a.txt", format!("x\0y\n{TOKEN}\n")).git(["add", "--all"]);
    assert_eq!(staged(&place), ["a.txt:2:1"]);
    place.commit("first");
    place.write("a.txt", format!("x\0y\n{TOKEN}\none more line\n")).git(["add", "a.txt"]);
    assert_eq!(place.sopup(["scan", "--staged"]).code, 0, "the old line is not new");
}

#[test]
fn a_merge_reports_what_no_parent_has() {
    let place = Place::repository();
    place.write("base.txt", "base\n").commit("base");
    place.git(["checkout", "--quiet", "-b", "side"]);
    place.write("side.txt", TOKEN).commit("side");
    place.git(["checkout", "--quiet", "main"]);
    place.write("main.txt", "main\n").commit("main");
    place.git(["merge", "--quiet", "--no-commit", "--no-ff", "side"]);
    assert_eq!(staged(&place), [""; 0], "side.txt was committed on its branch");
    place.write("evil.txt", "DB_PASSWORD=Walrus88Timber\n").git(["add", "evil.txt"]);
    assert_eq!(staged(&place), ["evil.txt:1:13"]);
}

#[test]
fn staged_links_and_names() {
    let place = Place::repository();
    std::os::unix::fs::symlink(format!("https://x:{TOKEN}@corp.net"), place.join("link")).expect("a link");
    place.git(["add", "link"]);
    assert_eq!(staged(&place), ["link:1:11"]);
}

#[test]
fn from_a_folder_below_the_top() {
    let place = Place::repository();
    place.write("deep/er/a.txt", TOKEN).git(["add", "--all"]);
    assert_eq!(places(&place.report(["--staged", "deep/er"])), ["deep/er/a.txt:1:1"]);
}

#[test]
fn outside_a_repository_it_says_so() {
    let place = Place::new();
    let run = place.sopup(["scan", "--staged"]);
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("is not inside a git repository") && run.stderr.contains("hint:"), "{}", run.stderr);
}

/// `git update-index --split-index`, SHA-256, tables of refs, sparse indexes, all versions of the format.
#[test]
fn every_kind_of_repository_and_index() {
    let clean_and_leak = |place: &Place, what: &str| {
        let leak = format!("deep/{}.txt", what.replace(' ', "-"));
        place.write("fine.txt", format!("fine {what}\n")).git(["add", "--sparse", "fine.txt"]);
        let run = place.sopup(["scan", "--staged"]);
        assert_eq!(run.code, 0, "{what}: {}{}", run.stdout, run.stderr);
        place.write(&leak, format!("{TOKEN}\n")).git(["add", "--sparse", &leak]);
        assert_eq!(staged(place), [format!("{leak}:1:1")], "{what}");
        place.git(["commit", "--quiet", "--message", "leak"]);
        // A later change of the file that has it is no news.
        place.write(&leak, format!("{TOKEN}\nmore {what}\n")).git(["add", "--sparse", &leak]);
        assert_eq!(staged(place), [""; 0], "{what}");
    };
    for options in [&["--object-format=sha256"][..], &["--ref-format=reftable"], &["--ref-format=reftable", "--object-format=sha256"]] {
        let place = Place::new();
        place.shell(&format!("git init --quiet --initial-branch=main {}", options.join(" ")));
        clean_and_leak(&place, "before the first commit");
        clean_and_leak(&place, "later");
    }
    for (what, script) in [
        ("split", "git config core.splitIndex true; git config splitIndex.maxPercentChange 100; git update-index --split-index"),
        ("version 4", "git update-index --index-version 4"),
        ("without a checksum", "git config index.skipHash true; git update-index --force-write-index"),
        ("sparse", "git sparse-checkout set --cone --sparse-index deep"),
    ] {
        let place = Place::repository();
        for number in 0..40 {
            place.write(&format!("other/{number}/file.txt"), format!("{number}\n"));
        }
        place.write("deep/old.txt", "old\n").write("z.txt", "z\n").commit("first");
        place.shell(script);
        if what == "sparse" {
            assert!(place.git(["ls-files", "--sparse"]).contains("other/\n"), "the index is sparse");
        }
        place.git(["rm", "--quiet", "--cached", "deep/old.txt"]);
        place.write("z.txt", "z\nz\n").git(["add", "z.txt"]);
        if what == "split" {
            let own = fs::read(place.join(".git/index")).expect("an index");
            assert!(own.windows(4).any(|word| word == b"link"), "the index is split");
        }
        clean_and_leak(&place, what);
    }
}

#[test]
fn a_shared_index_that_is_gone_is_named() {
    let place = Place::repository();
    place.write("a.txt", "a\n").commit("first");
    place.shell("git update-index --split-index; rm .git/sharedindex.*");
    let run = place.sopup(["scan", "--staged"]);
    assert_eq!(run.code, 3);
    assert!(run.stdout.contains("builds on sharedindex."), "{}", run.stdout);
}

#[test]
fn no_flipped_bit_of_the_index_hides_a_file() {
    let place = Place::repository();
    place.write("a.txt", "a\n").commit("first");
    place.write("secret.txt", TOKEN).git(["add", "secret.txt"]);
    let file = place.join(".git/index");
    let whole = fs::read(&file).expect("an index");
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << (at % 8);
        fs::write(&file, bytes).expect("it is written");
        if at % 7 == 0 {
            assert_eq!(place.sopup(["scan", "--staged"]).code, 3, "byte {at}");
        }
    }
    fs::write(&file, &whole[..whole.len() / 2]).expect("it is written");
    assert_eq!(place.sopup(["scan", "--staged"]).code, 3, "cut off");
}

#[test]
fn a_new_file_that_is_assumed_unchanged_is_committed_and_scanned() {
    let place = Place::repository();
    place.write("a.txt", "a\n").commit("first");
    place.write("b.txt", TOKEN).git(["add", "b.txt"]);
    place.git(["update-index", "--assume-unchanged", "b.txt"]);
    assert_eq!(staged(&place), ["b.txt:1:1"]);
}

/// What a power cut leaves.
#[test]
fn objects_that_are_cut_off_or_gone_are_named_at_once() {
    for keep in [0, 2, 20] {
        for what in ["HEAD", "HEAD^{tree}", ":b.txt"] {
            let place = Place::repository();
            place.write("a.txt", "a\n").commit("first");
            place.write("b.txt", format!("{TOKEN}\n")).git(["add", "b.txt"]);
            let id = place.git(["rev-parse", what]);
            let file = place.join(&format!(".git/objects/{}/{}", &id[..2], id[2..].trim()));
            let whole = fs::read(&file).expect("a loose object");
            fs::remove_file(&file).expect("it goes");
            if keep > 0 {
                fs::write(&file, &whole[..keep]).expect("it is written");
            }
            let begun = Instant::now();
            let run = place.sopup(["scan", "--staged"]);
            assert!(begun.elapsed() < Duration::from_secs(20), "it ends");
            assert_eq!(run.code, 3, "{what}, {keep} bytes left: {}{}", run.stdout, run.stderr);
        }
    }
}

#[test]
fn objects_that_are_borrowed_are_asked_for_only_where_they_are_needed() {
    let place = Place::repository();
    place.write("a.txt", "a\n").commit("first");
    let clone = Place::new();
    let origin = place.path().display().to_string();
    clone.git(["clone", "--quiet", "--shared", &origin, "."]);
    clone.write("b.txt", TOKEN).git(["add", "b.txt"]);
    let run = clone.sopup(["scan", "--staged"]);
    assert_eq!(run.code, 3, "HEAD lies elsewhere: {}", run.stdout);
    assert!(run.stdout.contains("b.txt:1:1") && run.stdout.contains("not followed"), "{}", run.stdout);
    assert_eq!(places(&clone.report(["--staged", "--alternates", &origin])), ["b.txt:1:1"]);
    clone.git(["repack", "--quiet", "-a", "-d"]);
    let run = clone.sopup(["scan", "--staged"]);
    assert_eq!(run.code, 1, "nothing is borrowed any more, whatever the list says: {}", run.stdout);
}
