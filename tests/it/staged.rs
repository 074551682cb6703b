//! `--staged`: the index against HEAD, new lines alone, blobs and not files.

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
