//! `sopup textconv` and `sopup diff`, with the real git.

use super::bench::Bench;
use crate::support::{Place, Run, finish, isolated};

const FILE: &str = "my secrets/prod.enc.yaml";
const PLAIN: &str = "# Production\ndb:\n    host: db.corp.net\n    password: Pebble-Orbit-55-Lantern\n    port_unencrypted: 5432\n";

/// A repository with an encrypted file, and a key to it.
struct Repo {
    place: Place,
    bench: Bench,
}

impl Repo {
    fn new() -> Self {
        let repo = Self { place: Place::repository(), bench: Bench::with_keys(2) };
        repo.place.write(FILE, PLAIN);
        repo.ok(&["encrypt", "--in-place", "--age", &repo.bench.recipients[0], FILE]);
        repo.place.commit("base");
        repo
    }

    fn sopup(&self, args: &[&str]) -> Run {
        let mut command = self.place.command();
        command.args(args).env("HOME", self.bench.dir()).env("SOPS_AGE_KEY_FILE", self.bench.path("keys.txt"));
        finish(command.stdin(std::process::Stdio::null()).output().expect("sopup runs"))
    }

    fn ok(&self, args: &[&str]) -> String {
        let run = self.sopup(args);
        assert_eq!(run.code, 0, "sopup {args:?}: {}", run.stderr);
        run.stdout
    }

    fn set(&self, index: &str, value: &str) {
        self.place.write("value", value);
        self.ok(&["set", "--string", "--value-file", FILE, index, "value"]);
        std::fs::remove_file(self.place.join("value")).expect("it was written");
    }

    fn git(&self, args: &[&str]) -> String {
        let mut git = std::process::Command::new("git");
        isolated(&mut git).args(args).current_dir(self.place.path());
        git.env("HOME", self.bench.dir()).env("SOPS_AGE_KEY_FILE", self.bench.path("keys.txt"));
        let run = finish(git.env("XDG_STATE_HOME", self.place.join(".git/state")).output().expect("git runs"));
        assert_eq!(run.code, 0, "git {args:?}: {}", run.stderr);
        run.stdout
    }
}

/// The lines that a diff adds and removes, without the names of files.
fn changed(diff: &str) -> Vec<&str> {
    diff.lines().filter(|line| line.starts_with(['+', '-']) && !line.starts_with("+++") && !line.starts_with("---")).collect()
}

#[test]
fn git_diff_shows_which_values_changed_and_none_of_them() {
    let repo = Repo::new();
    repo.ok(&["merge-driver", "install", "--write"]);
    repo.place.commit("attributes");
    repo.set("[\"db\"][\"password\"]", "Basalt-Ferry-Quince-204");
    let diff = repo.git(&["diff"]);
    let lines = changed(&diff);
    assert_eq!(lines.len(), 2, "{diff}");
    assert!(lines.iter().all(|line| line[1..].starts_with("    password: (hidden ")), "{diff}");
    assert_ne!(lines[0][1..], lines[1][1..]);
    assert!(diff.contains("port_unencrypted: 5432") && diff.contains("# (hidden "), "{diff}");
    for secret in ["Lantern", "Quince", "db.corp.net", "Production", "ENC["] {
        assert!(!diff.contains(secret), "{diff}");
    }
    // A new data key and a new recipient are no change of values.
    repo.place.commit("changed");
    repo.ok(&["rotate", "--in-place", "--add-age", &repo.bench.recipients[1], FILE]);
    let diff = repo.git(&["diff"]);
    let lines = changed(&diff);
    assert_eq!(lines.len(), 3, "{diff}");
    assert!(lines.contains(&format!("+# sops: for {}", repo.bench.recipients[1]).as_str()), "{diff}");
    assert!(lines.iter().filter(|line| line[1..].starts_with("# sops: data key (hidden ")).count() == 2, "{diff}");
    // Nothing decrypted is kept in the repository.
    assert!(repo.git(&["log", "--oneline", "--textconv", "-p"]).contains("(hidden "));
    assert!(!repo.git(&["for-each-ref"]).contains("notes"));
}

#[test]
fn git_diff_never_fails_on_a_file_that_cannot_be_opened() {
    let repo = Repo::new();
    repo.place.write(".gitattributes", "* diff=sopup\n");
    repo.place.write("plain.enc.yaml", "a: [broken\n").write("image.png", b"\x89PNG\0one");
    repo.ok(&["merge-driver", "install"]);
    repo.place.commit("more files");
    repo.place.write("plain.enc.yaml", "a: [still broken\n").write("image.png", b"\x89PNG\0two");
    repo.set("[\"db\"][\"password\"]", "Basalt-Ferry-Quince-204");
    repo.bench.put("keys.txt", b"");
    let diff = repo.git(&["diff"]);
    assert!(diff.contains("-a: [broken\n+a: [still broken\n"), "{diff}");
    assert!(diff.contains("+    password: ENC[AES256_GCM,"), "{diff}");
    let binary = format!("+(binary, 8 bytes, {})", repo.git(&["hash-object", "image.png"]).trim());
    assert!(diff.contains(&binary), "{diff}");
}

#[test]
fn sopup_diff_needs_no_set_up() {
    let repo = Repo::new();
    repo.set("[\"db\"][\"password\"]", "Basalt-Ferry-Quince-204");
    repo.place.write("note.txt", "new\n");
    repo.place.commit("changed");
    for arguments in [&["HEAD~1..HEAD", "--", FILE][..], &["HEAD~1", "HEAD"], &["HEAD~1"]] {
        let diff = repo.ok(&[&["diff"], arguments].concat());
        assert!(changed(&diff)[0].starts_with("-    password: (hidden ") && !diff.contains("Quince"), "{diff}");
    }
    let diff = repo.ok(&["diff", "--show-secrets", "HEAD~1", "--", FILE]);
    assert_eq!(changed(&diff), ["-    password: Pebble-Orbit-55-Lantern", "+    password: Basalt-Ferry-Quince-204"]);
    let stat = repo.ok(&["diff", "--stat", "HEAD~1"]);
    assert!(stat.contains("2 files changed"), "{stat}");
    // Two files, also outside a repository.
    let old = repo.git(&["show", &format!("HEAD~1:{FILE}")]);
    repo.bench.put("old.yaml", old.as_bytes());
    repo.bench.put("new.yaml", &std::fs::read(repo.place.join(FILE)).expect("reads"));
    let run = repo.bench.sopup(&["diff", "old.yaml", "new.yaml"]);
    assert_eq!(run.code, 1, "as git says that files differ: {}", run.stderr);
    assert!(changed(&run.stdout).len() == 2 && run.stdout.contains("+    password: (hidden "), "{}", run.stdout);
}

#[test]
fn every_format_is_shown_and_a_broken_mac_is_named() {
    let bench = Bench::new();
    for (name, plain) in [
        ("x.json", "{\n\t\"a\": \"Pebble-Orbit\",\n\t\"n\": 5,\n\t\"l\": [\n\t\t\"Pebble-Orbit\"\n\t]\n}\n"),
        ("x.env", "# about\nA=Pebble-Orbit\n"),
        ("x.ini", "[s]\n; about\na = Pebble-Orbit\n"),
        ("x.pem", "Pebble-Orbit\n"),
    ] {
        let sealed = bench.encrypt(name, plain.as_bytes()).expect("encrypts");
        bench.put(name, &sealed);
        let shown = bench.sopup_prints(&["textconv", name]);
        assert!(shown.contains("(hidden ") && !shown.contains("Pebble") && !shown.contains("about"), "{name}: {shown}");
        assert!(shown.contains(&format!("# sops: for {}", bench.recipients[0])) && !shown.contains("does not"), "{name}: {shown}");
        assert!(bench.sopup_prints(&["textconv", "--show-secrets", name]).starts_with(plain), "{name}");
    }
    let sealed = String::from_utf8(bench.encrypt("x.yaml", b"a: Pebble-Orbit\nb_unencrypted: 1\n").expect("encrypts")).expect("UTF-8");
    bench.put("x.yaml", sealed.replace("b_unencrypted: 1", "b_unencrypted: 2").as_bytes());
    let shown = bench.sopup_prints(&["textconv", "x.yaml"]);
    assert!(shown.lines().last().is_some_and(|line| line.starts_with("# sops: ") && line.contains("MAC")), "{shown}");
}
