//! "No secrets found" is said only of what was read: what a repository lacks, hides or will not
//! show is named, and the scan is incomplete.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::faults::is_full;
use crate::support::{Place, Run, TOKEN, finish, places, unprivileged};

const LEAK: &str = "DB_PASSWORD=Walrus88Timber\n";

fn incomplete(run: &Run, named: &str) {
    assert_eq!(run.code, 3, "{}{}", run.stdout, run.stderr);
    assert!(run.stdout.contains(named), "no {named:?} in {}", run.stdout);
}

fn as_nobody(place: &Place, args: &[&str]) -> Run {
    finish(unprivileged(place, 65_534, &[], ".", args))
}

#[test]
fn what_refs_and_logs_name_must_be_there() {
    let place = Place::repository();
    place.write("a.txt", "nothing\n").commit("one");
    place.git(["repack", "-a", "-d", "--quiet"]);
    place.git(["checkout", "--quiet", "--orphan", "secret"]);
    place.write("b.env", LEAK).commit("two");
    place.git(["repack", "-d", "--quiet"]);
    place.git(["checkout", "--quiet", "main"]);
    let packs = place.shell(
        "for i in .git/objects/pack/*.idx; do git verify-pack -v $i | grep -q $(git rev-parse secret) && echo ${i%.idx}; done; true",
    );
    for pack in packs.lines() {
        place.shell(&format!("rm -f {pack}.*"));
    }
    for _ in 0..2 {
        incomplete(&place.sopup(["scan"]), "object is not in the repository");
    }
    place.shell("git update-ref -d refs/heads/secret; rm -f .git/logs/refs/heads/secret");
    incomplete(&place.sopup(["scan"]), "object is not in the repository");
    place.shell("rm -rf .git/logs");
    assert_eq!(place.sopup(["scan"]).code, 0, "nothing names it any more");

    let bare = Place::new();
    bare.git(["clone", "--quiet", "--bare", place.path().to_str().expect("UTF-8"), "."]);
    bare.shell("rm -rf objects/?? objects/pack/*");
    incomplete(&bare.sopup(["scan"]), "object is not in the repository");
}

#[test]
fn a_git_directory_that_may_not_be_entered() {
    for mode in [0o000, 0o444, 0o600, 0o700] {
        let place = Place::repository();
        place.write("a.env", LEAK).commit("one");
        place.git(["rm", "--quiet", "a.env"]);
        place.write("b.txt", "nothing\n").commit("two");
        fs::set_permissions(place.join(".git"), fs::Permissions::from_mode(mode)).expect("it is ours");
        let run = as_nobody(&place, &["scan"]);
        fs::set_permissions(place.join(".git"), fs::Permissions::from_mode(0o755)).expect("it is ours");
        incomplete(&run, ".git");
    }
}

#[test]
fn a_text_between_encodings_is_read_as_all_of_them() {
    let utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    let swapped = |text: &str| text.encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<u8>>();
    let han = "\u{5bc6}\u{7801}\u{8bf4}\u{660e}\n".repeat(20);
    let cases: [(&str, Vec<u8>); 8] = [
        ("a mark before ASCII", [b"\xff\xfe", LEAK.as_bytes()].concat()),
        ("the other mark before ASCII", [b"\xfe\xff", LEAK.as_bytes()].concat()),
        ("a mark of UTF-32 before ASCII", [b"\xff\xfe\0\0", LEAK.as_bytes()].concat()),
        ("UTF-16, then a shell appended", [b"\xff\xfe".to_vec(), utf16("notes\r\n"), LEAK.as_bytes().to_vec()].concat()),
        ("ASCII, then PowerShell appended", [b"plain notes\n".to_vec(), utf16(LEAK)].concat()),
        ("UTF-16 without a mark that begins in Chinese", utf16(&format!("{han}{LEAK}"))),
        ("the same in the other order", swapped(&format!("{han}{LEAK}"))),
        ("text behind zeros", [vec![0; 5000], LEAK.as_bytes().to_vec()].concat()),
    ];
    for (what, bytes) in cases {
        let place = Place::repository();
        place.write("a.env", &bytes);
        let found = places(&place.report(["--worktree"]));
        assert_eq!(found.len(), 1, "{what}: {found:?}");
        place.commit("one");
        place.git(["rm", "--quiet", "a.env"]);
        place.commit("two");
        assert_eq!(places(&place.report(["--history"])).len(), 1, "{what}, in the history");
    }
}

#[test]
fn objects_that_were_replaced_are_read_again() {
    let place = Place::repository();
    place.write("a.env", "DB_PASSWORD=changeme\n").commit("one");
    place.git(["rm", "--quiet", "a.env"]);
    place.commit("two");
    assert_eq!(place.sopup(["scan"]).code, 0);
    let id = place.git(["rev-parse", "HEAD~1:a.env"]);
    let file = place.join(&format!(".git/objects/{}/{}", &id[..2], id[2..].trim()));
    fs::remove_file(&file).expect("it goes");
    let other = place.write("other", LEAK).git(["hash-object", "-w", "other"]);
    fs::remove_file(place.join("other")).expect("it goes");
    fs::rename(place.join(&format!(".git/objects/{}/{}", &other[..2], other[2..].trim())), &file).expect("it takes its place");
    assert_eq!(place.sopup(["scan"]).code, 1);
}

#[test]
fn repositories_inside_are_named_or_scanned() {
    let place = Place::repository();
    place.write("a.txt", "nothing\n").commit("one");
    place.git(["init", "--quiet", "sub"]);
    place.write("sub/b.env", LEAK);
    place.shell("cd sub && git add -A && git commit --quiet -m leak && git rm --quiet b.env && git commit --quiet -m gone");
    incomplete(&place.sopup(["scan"]), "sub/.git: a repository of its own");
    assert_eq!(places(&place.report(["--submodules"])), ["sub/b.env:1:13"]);
}

#[test]
fn what_sopupignore_leaves_out_is_counted() {
    let place = Place::repository();
    place.write("a.env", LEAK).write("deep/b.env", LEAK).commit("one");
    place.write(".sopupignore", "*\n");
    let run = place.sopup(["scan"]);
    assert_eq!(run.code, 0);
    assert!(run.stdout.contains("left out by .sopupignore"), "{}", run.stdout);
    assert!(place.report([])["summary"]["left_out"].as_u64().expect("a number") >= 2);
    for option in ["--no-ignore", "--no-repo-config"] {
        assert_eq!(place.sopup(["scan", option]).code, 1, "{option}");
        assert_eq!(place.sopup(["scan", "--history", option]).code, 1, "{option}");
    }
}

#[test]
fn objects_that_are_a_link_elsewhere_are_not_read() {
    let (place, other) = (Place::repository(), Place::repository());
    other.write("a.env", LEAK).commit("one");
    place.write("b.txt", "nothing\n").commit("one");
    fs::remove_dir_all(place.join(".git/objects")).expect("it goes");
    symlink(other.join(".git/objects"), place.join(".git/objects")).expect("a link");
    let run = place.sopup(["scan", "--history"]);
    incomplete(&run, "lies outside the repository");
    assert!(!run.stdout.contains("a.env"), "{}", run.stdout);
}

/// Pipes, sockets, devices and endless files in the place of everything that is opened by name.
#[test]
fn special_files_neither_hang_nor_fill_the_memory() {
    let names = [
        ".gitignore",
        ".sopupignore",
        "deep/.gitignore",
        "deep/.sopupignore",
        ".sopup.yaml",
        ".git/info/exclude",
        ".git/index",
        ".git/config",
        ".git/MERGE_HEAD",
        ".git/HEAD",
        ".git/shallow",
        ".git/info/grafts",
        ".git/objects/info/alternates",
        ".git/packed-refs",
    ];
    let sparse = if is_full() { "truncate -s 3G" } else { "truncate -s 9M" };
    let socket = "python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])'";
    let kinds: [(&str, &str); 5] =
        [("pipe", "mkfifo"), ("socket", socket), ("zero", "ln -sf /dev/zero"), ("sparse", sparse), ("folder", "mkdir")];
    let commands: [&[&str]; 7] = [
        &["scan"],
        &["scan", "--staged"],
        &["scan", "--worktree"],
        &["scan", "--history"],
        &["scan", "--range", "HEAD"],
        &["explain", "deep/a.env:1"],
        &["doctor"],
    ];
    for (kind, make) in kinds {
        for name in names {
            let place = Place::repository();
            place.write("deep/a.env", LEAK).commit("one");
            place.write("deep/new.env", format!("{TOKEN}\n")).git(["add", "."]);
            place.shell(&format!("rm -rf '{name}'; mkdir -p \"$(dirname '{name}')\"; {make} '{name}'"));
            for args in commands {
                let begun = Instant::now();
                let mut limited = Command::new("prlimit");
                limited.args(["--data=256000000", env!("CARGO_BIN_EXE_sopup")]).args(args).current_dir(place.path());
                limited.env("XDG_STATE_HOME", place.join(".git/state")).env("HOME", place.path()).stdin(Stdio::null());
                let mut child = limited.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("prlimit runs");
                while child.try_wait().expect("it is ours").is_none() {
                    if begun.elapsed() > Duration::from_secs(150) {
                        let _ = child.kill();
                        panic!("{kind} at {name}: sopup {args:?} hangs");
                    }
                    std::thread::sleep(Duration::from_millis(3));
                }
                let run = finish(child.wait_with_output().expect("it ended"));
                assert!(matches!(run.code, 0..=4), "{kind} at {name}: sopup {args:?} ends with {}: {}", run.code, run.stderr);
                let found = args[0] != "scan" || run.stdout.contains(if args.contains(&"--range") { "a.env" } else { "new.env" });
                assert!(found || run.code >= 2, "{kind} at {name}: sopup {args:?} calls it clean: {}", run.stdout);
            }
        }
    }
}

#[test]
fn secrets_in_names_are_masked_everywhere() {
    let place = Place::repository();
    let name = "password=Walrus88Timber";
    place.write(&format!("{name}/a.txt"), "nothing\n").write("b.env", LEAK).commit("one");
    place.git(["branch", &format!("b-{name}")]);
    place.git(["tag", &format!("t-{name}")]);
    place.write(&format!("{name}.zip"), b"PK\x03\x04 cut off");
    for args in
        [&["scan"][..], &["scan", "--history"], &["scan", "--format", "json"], &["scan", "--format", "jsonl"], &["scan", "--range", "HEAD"]]
    {
        let run = place.sopup(args);
        assert!(run.code == 1 || run.code == 3, "{args:?}");
        for out in [&run.stdout, &run.stderr] {
            assert!(!out.contains("Walrus88Timber"), "{args:?}: {out}");
        }
    }
    assert!(place.sopup(["scan", "--show-secrets"]).stdout.contains(name));
}
