//! Scanning history: one secret in every place where a repository can hide one, and what is said
//! about where it was.

use std::fs;
use std::process::{Command, Stdio};

use crate::support::{Place, TOKEN, isolated};

/// A distinct password for each place, as a line that is found in any text.
struct Secrets(Vec<(&'static str, String)>);

impl Secrets {
    fn value(&mut self, place: &'static str) -> String {
        let number = self.0.len() as u32;
        // Letters that differ from value to value, so that none is part of another.
        let letters: String = (0..6).map(|at| char::from(b'a' + ((number * 7 + at * 11 + number * at) % 26) as u8)).collect();
        let value = format!("Kw{letters}{:03}", 100 + number);
        self.0.push((place, value.clone()));
        value
    }

    /// In a binary only what has a provider's format is held to be a secret.
    fn key(&mut self, place: &'static str) -> String {
        let value = "AKIAQXWUN4ZB6RKCMV2J".to_owned();
        self.0.push((place, value.clone()));
        value
    }

    fn line(&mut self, place: &'static str) -> String {
        format!("db_password: \"{}\"\n", self.value(place))
    }

    fn missed(&self, report: &serde_json::Value) -> Vec<&'static str> {
        let findings = report["findings"].as_array().expect("a list");
        let found =
            |value: &str| findings.iter().any(|finding| finding["secret"]["value"].as_str().is_some_and(|text| text.contains(value)));
        self.0.iter().filter(|(_, value)| !found(value)).map(|(place, _)| *place).collect()
    }
}

/// What a git command prints that reads this.
fn output(place: &Place, args: &[&str], input: &str) -> String {
    let mut command = Command::new("git");
    isolated(&mut command).args(args).current_dir(place.path()).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().expect("git runs");
    std::io::Write::write_all(&mut child.stdin.take().expect("piped"), input.as_bytes()).expect("git reads");
    let output = child.wait_with_output().expect("git ends");
    assert!(output.status.success(), "git {args:?}");
    String::from_utf8(output.stdout).expect("UTF-8").trim().to_owned()
}

fn utf16(text: &str) -> Vec<u8> {
    [0xff, 0xfe].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect()
}

/// Fills a repository; what git itself would clean away is made last.
fn hide(place: &Place, secrets: &mut Secrets) {
    place.write("kept.yaml", secrets.line("in HEAD"));
    place.commit("begin");
    place.write("deleted.yaml", secrets.line("a deleted file"));
    place.write("changed.yaml", secrets.line("an old version"));
    place.write("deep/er/and/deeper/a.yaml", secrets.line("a folder that went away"));
    place.write("wide.txt", utf16(&secrets.line("UTF-16")));
    place.write("nul.bin", format!("\0\0{}\0\0", secrets.key("a NUL-bearing blob")));
    place.write(".gitattributes", "*.nodiff -diff\n").write("a.nodiff", secrets.line("a -diff file"));
    place.write(&format!("password={}", secrets.value("a file name")), "nothing");
    place.write(&format!("password={}/x.txt", secrets.value("a folder name")), "nothing");
    std::os::unix::fs::symlink(format!("password={}", secrets.value("a symlink target")), place.path().join("link")).expect("a link");
    place.commit(&format!("work\n\n{}", secrets.line("a commit message")));
    place.git(["rm", "-r", "--quiet", "."]);
    place.write("kept.yaml", "").write("changed.yaml", "db_password: \"${DB_PASSWORD}\"\n");
    place.commit("clean up");

    place.git(["checkout", "--quiet", "-b", "side"]);
    place.write("side.yaml", secrets.line("another branch"));
    place.commit("side");
    place.git(["checkout", "--quiet", "-"]);
    place.commit("main goes on");
    place.git(["merge", "--quiet", "--no-commit", "--no-ff", "side"]);
    place.write("merged.yaml", secrets.line("a merge alone"));
    place.commit("merge");

    let note = secrets.line("a note");
    place.git(["notes", "add", "--message", &note]);
    let tagged = secrets.line("a tag's message");
    place.git(["tag", "--annotate", "v1", "--message", &tagged]);
    let blob = output(place, &["hash-object", "-w", "--stdin"], &secrets.line("a blob that a tag points at"));
    place.git(["tag", "blob", &blob]);
    let name = format!("refs/heads/password={}", secrets.value("a ref's name"));
    place.git(["update-ref", &name, "HEAD"]);
    let author = format!("password={} <a@example.org>", secrets.value("an author"));
    place.git(["commit", "--quiet", "--allow-empty", "--author", &author, "--message", "by someone"]);

    place.write("stashed.yaml", secrets.line("a stashed file")).write("kept.yaml", secrets.line("a stashed change"));
    place.git(["stash", "--include-untracked", "--quiet"]);
    place.write("older.yaml", secrets.line("an older stash"));
    place.git(["stash", "--include-untracked", "--quiet"]);

    place.git(["repack", "-a", "-d", "--quiet"]);
    place.write("loose.yaml", secrets.line("a loose object"));
    place.commit("loose");
    place.git(["repack", "--quiet"]);
    place.write("second.yaml", secrets.line("a second pack"));
    place.commit("second");
    place.git(["repack", "--quiet"]);
    place.git(["multi-pack-index", "write"]);

    place.write("reset.yaml", secrets.line("a commit that only the reflog has"));
    place.commit("reset me");
    place.git(["reset", "--quiet", "--hard", "HEAD~1"]);
    let message = format!("commit: {}", secrets.line("a reflog message"));
    place.git(["update-ref", "--create-reflog", "-m", message.trim(), "refs/heads/logged", "HEAD"]);
    output(place, &["hash-object", "-w", "--stdin"], &secrets.line("a dangling blob"));
    let tree = output(
        place,
        &["mktree"],
        &format!("100644 blob {}\tx.yaml\n", output(place, &["hash-object", "-w", "--stdin"], &secrets.line("a dangling tree"))),
    );
    output(place, &["commit-tree", &tree, "-m", "dangling"], "");
    let old = output(place, &["hash-object", "-w", "--stdin"], &secrets.line("behind a replace ref"));
    let new = output(place, &["hash-object", "-w", "--stdin"], "harmless\n");
    place.git(["replace", &old, &new]);

    let remote = format!("https://ada:{}@git.corp.net/x.git", secrets.value("a remote's URL"));
    place.git(["config", "remote.origin.url", &remote]);
    place.write(".git/hooks/pre-push", secrets.line("a hook"));
    place.write(".git/info/exclude", format!("# {}", secrets.line("info/exclude")));

    place.write("staged.yaml", secrets.line("the index alone"));
    place.git(["add", "staged.yaml"]);
    place.write("staged.yaml", "nothing\n");
    place.write("untracked.yaml", secrets.line("an untracked file"));
    place.write("config/.hidden.yaml", secrets.line("a hidden file"));
}

#[test]
fn every_hiding_place_is_found() {
    let place = Place::repository();
    let mut secrets = Secrets(Vec::new());
    hide(&place, &mut secrets);
    let elsewhere = tempfile::tempdir().expect("a folder");
    let linked = elsewhere.path().join("linked");
    place.git(["worktree", "add", "--quiet", "--detach", linked.to_str().expect("UTF-8")]);
    fs::write(linked.join("draft.yaml"), secrets.line("an uncommitted file of a linked worktree")).expect("written");
    let report = place.report(["--show-secrets"]);
    assert_eq!(secrets.missed(&report), [""; 0]);
    assert!(secrets.0.len() >= 34, "{} places", secrets.0.len());
    assert_eq!(report["summary"]["complete"], true, "{}", report["summary"]);
}

#[test]
fn a_bare_repository_and_one_with_sha256() {
    for format in ["sha1", "sha256"] {
        let place = Place::new();
        place.git(["init", "--quiet", "--object-format", format, "work"]);
        let work = place.path().join("work");
        let git = |args: &[&str]| output(&place, &[&["-C", work.to_str().expect("UTF-8")], args].concat(), "");
        place.write("work/a.yaml", "db_password: \"Walrus88Timber\"\n");
        git(&["add", "a.yaml"]);
        git(&["commit", "--quiet", "-m", "one"]);
        git(&["rm", "--quiet", "a.yaml"]);
        git(&["commit", "--quiet", "-m", "two"]);
        place.git(["clone", "--quiet", "--bare", "work", "bare"]);
        for path in ["work", "bare"] {
            let report = place.report(["--show-secrets", "--history", path]);
            let occurrence = &report["findings"][0]["occurrences"][0];
            assert_eq!(occurrence["path"], "a.yaml", "{format} {path}: {report}");
            assert_eq!(occurrence["in_head"], false);
            assert_eq!(report["summary"]["complete"], true, "{report}");
        }
    }
}

#[test]
fn a_place_tells_when_it_came_and_went() {
    let place = Place::repository();
    place.write("a/x.env", format!("TOKEN={TOKEN}\n"));
    place.commit("one");
    let first = place.git(["rev-parse", "HEAD"]).trim().to_owned();
    place.write("a/x.env", format!("# more\nTOKEN={TOKEN}\n"));
    place.commit("two");
    let last = place.git(["rev-parse", "HEAD"]).trim().to_owned();
    place.git(["rm", "-r", "--quiet", "a"]);
    place.commit("three");
    let report = place.report([]);
    let occurrence = &report["findings"][0]["occurrences"][0];
    assert_eq!((occurrence["path"].as_str(), occurrence["source"].as_str()), (Some("a/x.env"), Some("history")));
    assert_eq!((occurrence["commit"].as_str(), occurrence["last_commit"].as_str()), (Some(first.as_str()), Some(last.as_str())));
    assert_eq!((occurrence["line"].as_u64(), occurrence["versions"].as_u64()), (Some(1), Some(2)));
    assert_eq!(occurrence["in_head"], false);
    assert_eq!(report["findings"].as_array().map(Vec::len), Some(1));
}

#[test]
fn what_a_clone_left_out_is_never_clean() {
    let place = Place::repository();
    place.write("a.txt", "one\n");
    place.commit("one");
    place.write("a.txt", "two\n");
    place.commit("two");
    let all = tempfile::tempdir().expect("a folder");
    let url = format!("file://{}", place.path().display());
    for (name, option) in [("shallow", "--depth=1"), ("partial", "--filter=blob:none")] {
        place.git(["config", "uploadpack.allowFilter", "true"]);
        let clone = all.path().join(name);
        place.git(["clone", "--quiet", "--bare", option, &url, clone.to_str().expect("UTF-8")]);
        let run = place.sopup(["scan", "--history", clone.to_str().expect("UTF-8")]);
        assert_eq!(run.code, 3, "{name}: {}", run.stdout);
        assert!(run.stdout.contains("object is not in the repository"), "{name}: {}", run.stdout);
    }
}

#[test]
fn a_mark_in_the_newest_version_accepts_the_older_ones() {
    let place = Place::repository();
    place.write("a.yaml", format!("token: {TOKEN}\n"));
    place.commit("one");
    assert_eq!(place.sopup(["scan"]).code, 1);
    place.write("a.yaml", format!("token: {TOKEN} # sopup:allow\n"));
    place.commit("two");
    let run = place.sopup(["scan"]);
    assert_eq!(run.code, 0, "{}", run.stdout);
}

#[test]
fn a_broken_repository_is_never_taken_for_a_folder() {
    for part in ["HEAD", "objects", "refs"] {
        let place = Place::repository();
        place.write("a.txt", "nothing\n").commit("one");
        fs::rename(place.join(&format!(".git/{part}")), place.join(".git/gone")).expect("moved");
        for args in [&["scan"][..], &["scan", "--history"]] {
            let run = place.sopup(args);
            assert_eq!(run.code, 2, "{part}: {}", run.stdout);
            assert!(run.stderr.contains("cannot open the git repository") && run.stderr.contains("--worktree"), "{}", run.stderr);
        }
        assert_eq!(place.sopup(["scan", "--worktree"]).code, 0, "{part}");
    }
}
