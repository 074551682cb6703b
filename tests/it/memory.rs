//! What a scan of the history remembers: a second one reads only what is new, finds the same, and believes nothing that
//! somebody else wrote.

use std::fs;

use crate::support::Place;

const OLD: &str = "Walrus88Timber";
const NEW: &str = "Quince41Harbor";

/// A repository of one pack with a secret in its history.
fn packed() -> Place {
    let place = Place::repository();
    place.write("app.env", format!("DB_PASSWORD={OLD}\n")).write("more.txt", "nothing\n").commit("one");
    place.git(["rm", "--quiet", "app.env"]);
    place.commit("two");
    place.git(["repack", "-a", "-d", "--quiet"]);
    place
}

/// Values found, and how many objects were known.
fn scan(place: &Place, args: &[&str]) -> (Vec<String>, u64) {
    let run = place.sopup([&["scan", "--history", "--format", "json", "--show-secrets"], args].concat());
    let report: serde_json::Value = serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}: {}", run.stderr));
    let values = report["findings"].as_array().expect("a list").iter();
    let mut values: Vec<_> = values.map(|one| one["secret"]["value"].as_str().expect("shown").to_owned()).collect();
    values.sort();
    (values, report["summary"]["known_objects"].as_u64().expect("a number"))
}

fn kept(place: &Place) -> std::path::PathBuf {
    place.join(".git/sopup/scanned")
}

#[test]
fn a_second_scan_reads_what_is_new() {
    let place = packed();
    assert_eq!(scan(&place, &[]), (vec![OLD.to_owned()], 0));
    let (found, known) = scan(&place, &[]);
    assert_eq!(found, [OLD]);
    assert!(known >= 4, "{known}");
    assert!(!fs::read_to_string(kept(&place)).expect("it is kept").contains(OLD));
    place.write("new.env", format!("DB_PASSWORD={NEW}\n")).commit("three");
    assert_eq!(scan(&place, &[]), (vec![NEW.to_owned(), OLD.to_owned()], known));
    place.git(["repack", "--quiet"]);
    assert_eq!(scan(&place, &[]), (vec![NEW.to_owned(), OLD.to_owned()], known));
    let (found, more) = scan(&place, &[]);
    assert!(found == [NEW, OLD] && more > known, "{found:?} {more}");
    assert_eq!(scan(&place, &["--no-cache"]), (vec![NEW.to_owned(), OLD.to_owned()], 0));
    let run = place.sopup(["scan"]);
    assert!(run.stdout.contains("objects known from an earlier scan"), "{}", run.stdout);
}

#[test]
fn what_has_a_new_name_is_read_anew() {
    let place = Place::repository();
    // Without its name this is no assignment.
    let text = "default\n\"password\", \"Walrus88Timber\"\nmachine db.corp.net login app password Quince41Harbor\n";
    place.write("a.lock", text).commit("one");
    place.git(["repack", "-a", "-d", "--quiet"]);
    let (before, _) = scan(&place, &[]);
    place.git(["mv", "a.lock", "a.env"]);
    place.commit("two");
    let (after, known) = scan(&place, &[]);
    let (whole, _) = scan(&place, &["--no-cache"]);
    assert!(known > 0 && after == whole && before != after, "{before:?} {after:?} {whole:?}");
}

#[test]
fn what_is_reported_does_not_change() {
    let place = packed();
    place.write("kept.env", format!("DB_PASSWORD={NEW}\n")).commit("three");
    place.write("kept.env", format!("DB_PASSWORD={NEW} # sopup:allow\n")).commit("four");
    let report = |args: &[&str]| {
        let run = place.sopup([&["scan", "--history", "--format", "json", "--show-secrets"], args].concat());
        let report: serde_json::Value = serde_json::from_str(&run.stdout).expect("JSON");
        (run.code, report["findings"].clone(), report["summary"]["suppressed"].clone())
    };
    for args in [&[][..], &["--no-inline-allow"]] {
        let whole = report(&[args, &["--no-cache"]].concat());
        for _ in 0..2 {
            assert_eq!(report(args), whole, "{args:?}");
        }
    }
    // The refs that lead to a place are told as they are now.
    let before = report(&[]);
    place.git(["branch", "other"]);
    let after = report(&[]);
    assert_ne!(before.1, after.1);
    assert_eq!(after, report(&["--no-cache"]));
}

#[test]
fn other_rules_know_nothing() {
    let place = packed();
    scan(&place, &[]);
    assert_eq!(scan(&place, &["--min-confidence", "high"]).1, 0);
    place.write(".sopup.yaml", "disable: [npm-access-token]\n");
    assert_eq!(scan(&place, &[]).1, 0);
}

#[test]
fn nothing_is_believed_that_another_wrote() {
    let place = packed();
    scan(&place, &[]);
    let file = kept(&place);
    let genuine = fs::read(&file).expect("it is kept");
    let body = genuine.iter().position(|&byte| byte == b'\n').expect("a line") + 1;
    let without_texts = String::from_utf8(genuine.clone()).expect("UTF-8");
    let at = without_texts.find("\"texts\":[").expect("texts");
    let end = at + without_texts[at..].find(']').expect("the end");
    let without_texts = format!("{}{}", &without_texts[..at + 9], &without_texts[end..]);
    let mut flipped = genuine.clone();
    flipped[body + 20] ^= 1;
    for forged in [without_texts.into_bytes(), flipped, genuine[..genuine.len() / 2].to_vec(), Vec::new(), b"sopup scanned 1 \n{}".to_vec()]
    {
        fs::write(&file, forged).expect("written");
        assert_eq!(scan(&place, &[]), (vec![OLD.to_owned()], 0));
    }
    // From another repository, or under another key.
    let other = packed();
    fs::copy(&file, kept(&other).parent().map(|folder| (fs::create_dir_all(folder), kept(&other)).1).expect("a folder")).expect("copied");
    fs::create_dir_all(other.join(".git/state/sopup")).expect("a folder");
    fs::copy(place.join(".git/state/sopup/fingerprint.key"), other.join(".git/state/sopup/fingerprint.key")).expect("copied");
    assert_eq!(scan(&other, &[]).1, 0);
    fs::write(place.join(".git/state/sopup/fingerprint.key"), "another key of this user").expect("written");
    assert_eq!(scan(&place, &[]).1, 0);
}

/// The exit code, what was not read, and how many objects were known.
fn unread(place: &Place, args: &[&str]) -> (i32, serde_json::Value, u64) {
    let run = place.sopup([&["scan", "--history", "--format", "json"], args].concat());
    let report: serde_json::Value = serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}: {}", run.stderr));
    let known = report["summary"]["known_objects"].as_u64().expect("a number");
    (run.code, report["summary"]["skipped"].clone(), known)
}

#[test]
fn what_is_missing_is_said_every_time() {
    let place = packed();
    let none = unread(&place, &["--no-cache"]);
    // A commit that speaks of a tree nobody has, and a tree that speaks of such a blob.
    let broken = format!("tree {}\nauthor A <a@b> 1 +0000\ncommitter A <a@b> 1 +0000\n\nx\n", "1".repeat(40));
    place.write("broken", broken);
    place.git(["hash-object", "-t", "commit", "-w", "--literally", "broken"]);
    let mut tree = b"100644 gone.env\0".to_vec();
    tree.extend([0x22; 20]);
    place.write("tree", tree);
    place.git(["hash-object", "-t", "tree", "-w", "--literally", "tree"]);
    let whole = unread(&place, &["--no-cache"]);
    assert!(whole.0 == 3 && whole.1.as_array().expect("a list").len() == 2 && none.1.as_array().expect("a list").is_empty(), "{whole:?}");
    assert_eq!(unread(&place, &[]), whole);
    for more in ["one\n", "two\n"] {
        let (code, skipped, known) = unread(&place, &[]);
        assert!(known > 0 && (code, &skipped) == (3, &whole.1), "{code} {skipped} {known}");
        // The second time something is new.
        place.write("more.txt", more).commit(more);
    }
    // Packs that named it are gone: what they said counts no more.
    for id in [&whole.1[0], &whole.1[1]] {
        assert!(["1".repeat(40), "2".repeat(40)].contains(&id["path"].as_str().expect("a name").to_owned()), "{id}");
    }
    place.git(["prune", "--expire=now"]);
    place.git(["repack", "-a", "-d", "--quiet"]);
    assert_eq!((none.0, none.1), (unread(&place, &[]).0, unread(&place, &[]).1));
}

#[test]
fn what_could_not_be_read_is_not_remembered() {
    let place = packed();
    let pack = place.git(["rev-parse", "--git-path", "objects/pack"]);
    let files = fs::read_dir(place.join(pack.trim())).expect("packs").map(|entry| entry.expect("an entry").path());
    let pack = files.into_iter().find(|path| path.extension().is_some_and(|end| end == "pack")).expect("a pack");
    let mut bytes = fs::read(&pack).expect("readable");
    bytes[20] ^= 0x55;
    fs::remove_file(&pack).expect("removed");
    fs::write(&pack, bytes).expect("written");
    for _ in 0..2 {
        let (code, skipped, known) = unread(&place, &[]);
        assert!(code == 3 && known == 0, "{code} {skipped} {known}");
    }
    assert!(!kept(&place).exists());
}
