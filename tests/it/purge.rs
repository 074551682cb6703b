//! `sopup purge`: a mirror without the values, everything else as it was, and a repository that is only read.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};

use crate::support::{Place, Run, finish, isolated};

/// Has bytes that each encoding writes differently.
pub(crate) const VALUE: &str = "gR4nite~Falcon&27?ø>>";
/// Inside names only some characters may stand.
pub(crate) const NAME: &str = "Walrus88Timber";

/// A repository inside of a folder, so that the mirror can lie beside it.
pub(crate) struct Leaky {
    pub(crate) place: Place,
}

impl Leaky {
    pub(crate) fn new() -> Self {
        let place = Place::new();
        place.git(["init", "--quiet", "--initial-branch=main", "repo"]);
        Self { place }
    }

    pub(crate) fn git(&self, args: &[&str]) -> String {
        let mut command = Command::new("git");
        let output = isolated(&mut command).args(args).current_dir(self.repo()).output().expect("git runs");
        assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("UTF-8").trim().to_owned()
    }

    pub(crate) fn commit(&self, path: &str, content: impl AsRef<[u8]>, message: &str) -> String {
        self.place.write(&format!("repo/{path}"), content);
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "-m", message]);
        self.git(&["rev-parse", "HEAD"])
    }

    pub(crate) fn repo(&self) -> std::path::PathBuf {
        self.place.join("repo")
    }

    fn mirror(&self) -> std::path::PathBuf {
        self.place.join("repo.purged.git")
    }

    pub(crate) fn purge(&self, args: &[&str]) -> Run {
        self.sopup(&[&["purge"], args, &["--values-from", "../values"]].concat())
    }

    /// Runs the program in the repository, and looks that it prints no value.
    pub(crate) fn sopup(&self, args: &[&str]) -> Run {
        self.place.write("values", format!("{VALUE}\n{NAME}\n"));
        let mut command = self.place.command();
        command.args(args).current_dir(self.repo());
        let run = finish(command.env("XDG_STATE_HOME", self.place.join("state")).output().expect("sopup runs"));
        for (name, spelled) in spellings() {
            for output in [&run.stdout, &run.stderr] {
                assert!(memchr::memmem::find(output.as_bytes(), &spelled).is_none(), "prints a value {name}: {output}");
            }
        }
        run
    }

    fn purged(&self) -> Run {
        let run = self.purge(&["run"]);
        assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
        run
    }

    fn in_mirror(&self, args: &[&str]) -> String {
        let mirror = self.mirror();
        let mut all = vec!["--git-dir", mirror.to_str().expect("UTF-8")];
        all.extend(args);
        self.git(&all)
    }
}

/// The values as independent code writes them.
fn spellings() -> Vec<(String, Vec<u8>)> {
    spellings_of(&[VALUE, NAME])
}

/// Values as independent code writes them.
pub(crate) fn spellings_of(values: &[&str]) -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    for &value in values {
        let utf16 = |bytes: fn(u16) -> [u8; 2]| value.encode_utf16().flat_map(bytes).collect::<Vec<_>>();
        let percent: String = value
            .bytes()
            .map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") })
            .collect();
        let mut add = |name: &str, bytes: Vec<u8>| all.push((format!("{name} of {}", value.len()), bytes));
        add("plain", value.into());
        add("percent", percent.into());
        add("hex", value.bytes().flat_map(|byte| format!("{byte:02x}").into_bytes()).collect());
        add("HEX", value.bytes().flat_map(|byte| format!("{byte:02X}").into_bytes()).collect());
        add("utf-16le", utf16(u16::to_le_bytes));
        add("utf-16be", utf16(u16::to_be_bytes));
        let json = serde_json::to_string(value).expect("JSON").trim_matches('"').to_owned();
        add("json", json.clone().into());
        let ascii = |character: char| {
            if character.is_ascii() { character.to_string() } else { format!("\\u{:04x}", character as u32) }
        };
        add("json in ASCII", json.chars().map(ascii).collect::<String>().into());
        for shift in 0..3 {
            // Of the encoded text what does not depend on the neighbours.
            let text = [&vec![b'~'; shift][..], value.as_bytes()].concat();
            for engine in [&STANDARD, &URL_SAFE] {
                let encoded = engine.encode(&text);
                let known = text.len() * 8 / 6;
                add("base64", encoded.as_bytes()[(shift * 8).div_ceil(6)..known].to_vec());
            }
        }
    }
    all
}

/// All objects of a repository, reachable or not, as git prints them.
fn objects(git_dir: &Path) -> Vec<u8> {
    let mut command = Command::new("git");
    let all = ["cat-file", "--batch-all-objects", "--batch", "--unordered"];
    let output = isolated(&mut command).arg("--git-dir").arg(git_dir).args(all).stdin(Stdio::null()).output().expect("git runs");
    assert!(output.status.success());
    output.stdout
}

/// What an independent search finds in a git directory: in its objects, and in all files beside them.
pub(crate) fn left_in(git_dir: &Path) -> Vec<String> {
    left_of(&spellings(), git_dir)
}

/// The same for other values.
pub(crate) fn left_of(spellings: &[(String, Vec<u8>)], git_dir: &Path) -> Vec<String> {
    let mut texts = vec![("objects".to_owned(), objects(git_dir))];
    let mut folders = vec![git_dir.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("readable") {
            let path = entry.expect("readable").path();
            if path.is_dir() {
                texts.push((path.display().to_string(), path.display().to_string().into_bytes()));
                folders.push(path);
            } else {
                texts.push((path.display().to_string(), std::fs::read(&path).expect("readable")));
            }
        }
    }
    let found = |text: &[u8]| spellings.iter().find(|(_, bytes)| memchr::memmem::find(text, bytes).is_some()).map(|(name, _)| name);
    texts.iter().filter_map(|(place, text)| found(text).map(|name| format!("{name} in {place}"))).collect()
}

/// Every file below a folder with its content.
pub(crate) fn state(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut all = BTreeMap::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("readable") {
            let path = entry.expect("readable").path();
            if path.is_dir() {
                folders.push(path)
            } else {
                _ = all.insert(path.display().to_string(), std::fs::read(&path).expect("readable"))
            }
        }
    }
    all
}

#[test]
fn nothing_is_left_in_any_spelling_or_place() {
    let leaky = Leaky::new();
    leaky.commit("clean.txt", "nothing\n", "clean");
    for (number, (_, bytes)) in spellings().into_iter().enumerate() {
        let align = if number % 2 == 0 { &b"x: "[..] } else { b"" };
        leaky.commit(&format!("{number}.txt"), [align, &bytes, b"\nmore\n"].concat(), "one more");
    }
    let wide: Vec<u8> = format!("\u{feff}password {VALUE}\r\n").encode_utf16().flat_map(u16::to_le_bytes).collect();
    leaky.commit("wide.txt", wide, "a UTF-16 file");
    let inside = STANDARD.encode(format!("{}{VALUE}{}", "a".repeat(70), "b".repeat(80)));
    let wrapped: Vec<&str> = inside.as_bytes().chunks(76).map(|line| std::str::from_utf8(line).expect("ASCII")).collect();
    leaky.commit("wrapped.txt", wrapped.join("\n"), "wrapped base64");
    leaky.commit("deep/er/x.bin", [&b"\0\x01\x02"[..], VALUE.as_bytes(), b"\0"].concat(), "a binary file");
    leaky.commit(&format!("{NAME}/file.txt"), "x", "a folder's name");
    leaky.commit("m.txt", "m", &format!("the password is {VALUE}"));
    leaky.git(&["commit", "--quiet", "--allow-empty", "--author", &format!("{NAME} <a@corp.net>"), "-m", "an author"]);
    leaky.git(&["tag", "-a", "-m", VALUE, "v1"]);
    leaky.git(&["notes", "add", "-m", VALUE, "HEAD"]);
    leaky.git(&["branch", &format!("fix-{NAME}")]);
    leaky.place.write("repo/clean.txt", VALUE);
    leaky.git(&["stash", "--quiet"]);
    assert!(!left_in(&leaky.repo().join(".git")).is_empty());
    let before = state(&leaky.repo());
    leaky.purged();
    assert_eq!(left_in(&leaky.mirror()), [""; 0]);
    assert_eq!(state(&leaky.repo()), before, "the repository itself is only read");
    leaky.in_mirror(&["fsck", "--full", "--strict"]);
    let verified = {
        let mut command = leaky.place.command();
        command.args(["purge", "verify", "repo.purged.git", "--values-from", "values"]);
        finish(command.output().expect("sopup runs"))
    };
    assert_eq!(verified.code, 0, "{}{}", verified.stdout, verified.stderr);
    let names = leaky.in_mirror(&["for-each-ref", "--format=%(refname)"]);
    assert_eq!(names, "refs/heads/fix-REMOVED\nrefs/heads/main\nrefs/notes/commits\nrefs/stash\nrefs/tags/v1");
    assert_eq!(leaky.in_mirror(&["show", "main:REMOVED/file.txt"]), "x");
    assert_eq!(leaky.in_mirror(&["log", "-1", "--format=%an", "main"]), "REMOVED");
    assert_eq!(leaky.in_mirror(&["notes", "show", "main"]), "REMOVED", "notes follow their commits");
    assert_eq!(leaky.in_mirror(&["show", "stash:clean.txt"]), "REMOVED");
}

#[test]
fn what_need_not_change_keeps_its_name() {
    let leaky = Leaky::new();
    let first = leaky.commit("a.txt", "a\n", "first");
    let second = leaky.commit("b/b.txt", "b\n", "second");
    leaky.git(&["branch", "old"]);
    let third = leaky.commit("config/app.env", format!("A=1\nPASSWORD={VALUE}\nB=2\n"), "third");
    leaky.git(&["checkout", "--quiet", "-b", "side", "old"]);
    let side = leaky.commit("side.txt", "s\n", "side");
    leaky.git(&["checkout", "--quiet", "main"]);
    leaky.git(&["merge", "--quiet", "--no-ff", "-m", "merged", "side"]);
    leaky.git(&["tag", "-a", "-m", "tagged\n\n-----BEGIN PGP SIGNATURE-----\nx\n-----END PGP SIGNATURE-----", "v2"]);
    leaky.git(&["tag", "v0", "old"]);
    leaky.git(&["symbolic-ref", "refs/heads/alias", "refs/heads/main"]);
    leaky.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{first},sub")]);
    leaky.git(&["-c", "i18n.commitEncoding=ISO-8859-1", "commit", "--quiet", "-m", "with a submodule"]);
    leaky.purged();
    let log = |git: &dyn Fn(&[&str]) -> String, format: &str| git(&["log", "--all", "--topo-order", &format!("--format={format}")]);
    let (old, new) = (|args: &[&str]| leaky.git(args), |args: &[&str]| leaky.in_mirror(args));
    for format in ["%s", "%an %ae %ad %cn %ce %cd", "%B", "%e", "%d"] {
        assert_eq!(log(&old, format), log(&new, format), "{format}");
    }
    for id in [&first, &second, &side] {
        assert_eq!(leaky.in_mirror(&["cat-file", "-t", id]), "commit");
    }
    assert!(!leaky.in_mirror(&["rev-list", "--all"]).contains(&third));
    assert_eq!(leaky.in_mirror(&["show", "main:config/app.env"]), "A=1\nPASSWORD=REMOVED\nB=2");
    assert_eq!(leaky.in_mirror(&["rev-parse", "main:sub"]), first);
    assert_eq!(leaky.in_mirror(&["rev-parse", "main:b"]), leaky.git(&["rev-parse", "main:b"]));
    assert_eq!(leaky.in_mirror(&["symbolic-ref", "HEAD"]), "refs/heads/main");
    assert_eq!(leaky.in_mirror(&["rev-parse", "alias"]), leaky.in_mirror(&["rev-parse", "main"]));
    assert_eq!(leaky.in_mirror(&["rev-parse", "v0"]), second);
    assert!(!leaky.in_mirror(&["cat-file", "tag", "v2"]).contains("SIGNATURE"), "it is of another text");
    let objects = |git: &dyn Fn(&[&str]) -> String| -> BTreeSet<String> {
        git(&["rev-list", "--objects", "--all"]).lines().map(|line| line.split(' ').next().unwrap_or_default().to_owned()).collect()
    };
    let (before, after) = (objects(&old), objects(&new));
    // The blob, its folder, three top folders, three commits and the tag.
    assert_eq!(before.difference(&after).count(), 1 + 1 + 3 + 3 + 1, "{:?}", before.difference(&after));
    let map = std::fs::read_to_string(leaky.mirror().join("sopup/commit-map")).expect("readable");
    assert!(map.contains(&format!("{first} {first}\n")) && !map.contains(&format!("{third} {third}")), "{map}");
}

#[test]
fn the_plan_writes_nothing_and_says_what_would_change() {
    let leaky = Leaky::new();
    leaky.commit("a.txt", "a\n", "first");
    leaky.commit("config/app.env", format!("PASSWORD={VALUE}\n"), "second");
    let before = state(leaky.place.path());
    let run = leaky.purge(&["plan"]);
    assert_eq!(run.code, 1, "{}", run.stderr);
    assert!(run.stdout.contains("1 of 2 commits would get new names"), "{}", run.stdout);
    let mut after = state(leaky.place.path());
    after.retain(|path, _| before.contains_key(path));
    assert_eq!(after, before);
    assert!(!leaky.mirror().exists());
}

#[test]
fn identifiers_that_are_left_out_are_counted() {
    let leaky = Leaky::new();
    leaky.commit("main.tf", "account_id = \"249169352986\" # aws account id\n", "one");
    let none = leaky.sopup(&["purge", "plan"]);
    assert!(
        none.code == 2 && none.stderr.contains("1 in the history are identifiers") && none.stderr.contains("`--identifiers`"),
        "{}",
        none.stderr
    );
    leaky.commit("app.env", format!("PASSWORD={VALUE}\n"), "two");
    let plan = leaky.sopup(&["purge", "plan"]).stdout;
    assert!(
        plan.contains("1 value sought") && plan.contains("1 identifier is left out, such as account numbers; `--identifiers`"),
        "{plan}"
    );
    let plan = leaky.sopup(&["purge", "plan", "--identifiers"]).stdout;
    assert!(plan.contains("2 values sought") && !plan.contains("left out"), "{plan}");
    let verified = leaky.sopup(&["verify"]).stdout;
    assert!(verified.contains("mend: sopup migrate, then sopup purge plan --identifiers for the history\n"), "{verified}");
    leaky.commit("app.env", "", "three");
    let verified = leaky.sopup(&["verify"]).stdout;
    let mend = "mend: sopup migrate for the 1 that files still hold, then sopup purge plan --identifiers for the history\n";
    assert!(verified.contains(mend), "{verified}");
    let absent = leaky.sopup(&["purge", "plan", "../missing"]);
    assert!(absent.code == 2 && absent.stderr.contains("name a folder that exists"), "{}", absent.stderr);
}

#[test]
fn archives_are_replaced_only_when_that_is_asked() {
    let leaky = Leaky::new();
    leaky.place.write("repo/x.txt", format!("PASSWORD={VALUE}\n"));
    leaky.place.shell("gzip repo/x.txt");
    leaky.git(&["add", "--all"]);
    leaky.git(&["commit", "--quiet", "-m", "sealed"]);
    let refused = leaky.purge(&["run"]);
    assert_eq!(refused.code, 4, "{}", refused.stdout);
    assert!(refused.stderr.contains("--replace-sealed") && !leaky.mirror().exists(), "{}", refused.stderr);
    let run = leaky.purge(&["run", "--replace-sealed"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(leaky.in_mirror(&["show", "main:x.txt.gz"]), "REMOVED");
}

#[test]
fn what_cannot_be_done_safely_is_refused() {
    let leaky = Leaky::new();
    leaky.commit("app.env", format!("PASSWORD={VALUE}\n"), "first");
    leaky.commit("b.txt", "b", "second");
    let inside = leaky.purge(&["run", "--to", "mirror.git"]);
    assert_eq!(inside.code, 4, "{}", inside.stderr);
    let beside = leaky.purge(&["run", "--to", "../beside.git"]);
    assert_eq!(beside.code, 0, "{}", beside.stderr);
    leaky.purged();
    let again = leaky.purge(&["run"]);
    assert_eq!(again.code, 4, "{}", again.stderr);
    assert!(again.stderr.contains("exists"), "{}", again.stderr);
    let export = leaky.purge(&["export", "--to", "rules"]);
    assert_eq!(export.code, 4, "{}", export.stderr);

    let shallow = Leaky::new();
    std::fs::remove_dir_all(shallow.repo()).expect("removed");
    shallow.place.git(["clone", "--quiet", "--depth=1", &format!("file://{}", leaky.repo().display()), "repo"]);
    let run = shallow.purge(&["run"]);
    assert_eq!(run.code, 3, "{}{}", run.stdout, run.stderr);
    assert!(run.stderr.contains("--unshallow"), "{}", run.stderr);
}

#[test]
fn the_scripts_push_the_mirror_and_clean_a_clone() {
    let leaky = Leaky::new();
    let leaked = leaky.commit("app.env", format!("PASSWORD={VALUE}\n"), "first");
    leaky.commit("b.txt", "b", "second");
    leaky.git(&["tag", "v1"]);
    leaky.place.git(["clone", "--quiet", "--mirror", "repo", "server.git"]);
    leaky.place.git(["clone", "--quiet", "server.git", "colleague"]);
    leaky.purged();
    leaky.place.shell("sh repo.purged.git/sopup/push.sh \"$PWD/server.git\" 2>&1");
    assert_eq!(leaky.place.git(["--git-dir", "server.git", "show", "main:app.env"]), "PASSWORD=REMOVED\n");
    leaky.place.shell("cd colleague && sh ../repo.purged.git/sopup/clean-clone.sh 2>&1");
    assert_eq!(left_in(&leaky.place.join("colleague/.git")), [""; 0]);
    assert_eq!(leaky.place.git(["-C", "colleague", "status", "--porcelain"]), "");
    assert!(leaky.place.shell(&format!("git -C colleague cat-file -e {leaked} 2>/dev/null || echo gone")).contains("gone"));
    // Somebody who pushed in between is not overwritten.
    leaky.place.shell("cd colleague && echo new > new.txt && git add . && git commit -qm new && git push -q origin main 2>&1");
    let run = Command::new("sh").arg(leaky.mirror().join("sopup/push.sh")).arg(leaky.place.join("server.git")).output().expect("sh runs");
    assert!(!run.status.success());
    assert_eq!(leaky.place.git(["--git-dir", "server.git", "show", "main:new.txt"]), "new\n");
}

#[test]
fn the_script_deletes_no_ref() {
    let leaky = Leaky::new();
    leaky.commit("app.env", format!("PASSWORD={VALUE}\n"), "first");
    leaky.git(&["branch", &format!("a-{NAME}")]);
    leaky.git(&["branch", "zebra"]);
    leaky.place.git(["clone", "--quiet", "--mirror", "repo", "server.git"]);
    // Somebody branches off what is to be replaced.
    leaky.place.git(["--git-dir", "server.git", "branch", "later", "main"]);
    leaky.purged();
    let said = leaky.place.shell("sh repo.purged.git/sopup/push.sh \"$PWD/server.git\" 2>&1");
    assert!(said.contains("delete it on the server yourself"), "{said}");
    let names = leaky.place.git(["--git-dir", "server.git", "for-each-ref", "--format=%(refname:short)"]);
    assert_eq!(names.lines().collect::<Vec<_>>(), ["a-REMOVED", &format!("a-{NAME}"), "later", "main", "zebra"]);
    for name in ["a-REMOVED", "main", "zebra"] {
        assert_eq!(leaky.place.git(["--git-dir", "server.git", "show", &format!("{name}:app.env")]), "PASSWORD=REMOVED\n");
    }
}
