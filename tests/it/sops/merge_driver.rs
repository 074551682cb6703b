//! `sopup merge-driver` in real repositories, its results read by the real sops.

use std::process::Command;

use super::bench::{Bench, text};
use crate::support::{Run, finish, isolated};

const FILE: &str = "my secrets/prod.enc.yaml";
const PLAIN: &str = "# Production
db:
  host: db.corp.net
  password: Pebble-Orbit-55-Lantern

# Mail
mail:
  token: Basalt-Ferry-Quince-204
";

/// A repository with an encrypted file on two branches, and the driver installed by a program whose path has a blank.
struct Repo {
    bench: Bench,
}

impl Repo {
    fn new(keys: usize) -> Self {
        Self::with(keys, FILE, PLAIN)
    }

    fn with(keys: usize, file: &str, plain: &str) -> Self {
        let repo = Self { bench: Bench::with_keys(keys) };
        repo.bench.put("my repo/.gitkeep", b"");
        repo.bench.put("my tools/.keep", b"");
        std::fs::hard_link(env!("CARGO_BIN_EXE_sopup"), repo.bench.path("my tools/sopup"))
            .or_else(|_| std::fs::copy(env!("CARGO_BIN_EXE_sopup"), repo.bench.path("my tools/sopup")).map(drop))
            .expect("a program");
        repo.git(&["init", "--quiet", "--initial-branch=main"]);
        repo.put(file, plain);
        repo.ok(&["encrypt", "--in-place", "--age", &repo.bench.recipients[0], file]);
        repo.ok(&["merge-driver", "install", "--write"]);
        repo.commit("base");
        repo.git(&["branch", "theirs"]);
        repo
    }

    fn command(&self, program: impl AsRef<std::ffi::OsStr>, args: &[&str]) -> Command {
        let mut command = Command::new(program);
        isolated(&mut command).args(args).current_dir(self.bench.path("my repo"));
        command.env("HOME", self.bench.dir()).env("SOPS_AGE_KEY_FILE", self.bench.path("keys.txt"));
        command.env("XDG_STATE_HOME", self.bench.path("state"));
        command
    }

    fn run_git(&self, args: &[&str]) -> Run {
        finish(self.command("git", args).output().expect("git runs"))
    }

    fn git(&self, args: &[&str]) -> String {
        let run = self.run_git(args);
        assert_eq!(run.code, 0, "git {args:?}: {}{}", run.stdout, run.stderr);
        run.stdout
    }

    fn sopup(&self, args: &[&str]) -> Run {
        finish(self.command(self.bench.path("my tools/sopup"), args).output().expect("sopup runs"))
    }

    fn ok(&self, args: &[&str]) -> Run {
        let run = self.sopup(args);
        assert_eq!(run.code, 0, "sopup {args:?}: {}", run.stderr);
        run
    }

    fn put(&self, file: &str, content: &str) {
        self.bench.put(&format!("my repo/{file}"), content.as_bytes());
    }

    fn get(&self, file: &str) -> String {
        text(&self.bench.get(&format!("my repo/{file}")))
    }

    /// Replaces texts in the plain form of a file, as an editor does.
    fn edit(&self, file: &str, changes: &[(&str, &str)]) {
        let mut script = "set -e\n".to_owned();
        for (at, (from, to)) in changes.iter().enumerate() {
            self.bench.put(&format!("from{at}"), from.as_bytes());
            self.bench.put(&format!("to{at}"), to.as_bytes());
            let [from, to] = ["from", "to"].map(|name| self.bench.path(&format!("{name}{at}")).display().to_string());
            script += &format!(
                "python3 -c 'import sys; n, f, t = sys.argv[1:]; s = open(n).read(); f = open(f).read(); assert f in s, f; open(n, \"w\").write(s.replace(f, open(t).read()))' \"$1\" {from} {to}\n"
            );
        }
        self.bench.put("editor.sh", script.as_bytes());
        let editor = format!("sh {}", self.bench.path("editor.sh").display());
        let run = self.command(self.bench.path("my tools/sopup"), &["edit", file]).env("EDITOR", editor).output().expect("sopup runs");
        assert!(run.status.success(), "{}", text(&run.stderr));
    }

    fn commit(&self, message: &str) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message", message]);
    }

    /// Changes the file on both branches, and merges theirs into main.
    fn merge(&self, ours: impl Fn(&Self), theirs: impl Fn(&Self)) -> Run {
        self.git(&["checkout", "--quiet", "theirs"]);
        theirs(self);
        self.commit("theirs");
        self.git(&["checkout", "--quiet", "main"]);
        ours(self);
        self.commit("ours");
        self.run_git(&["merge", "--no-edit", "theirs"])
    }

    fn sops_decrypts(&self, file: &str) -> String {
        let mut sops = self.command(super::bench::sops_binary(), &["decrypt", file]);
        let output = sops.output().expect("sops runs");
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stdout)
    }
}

/// The lines of a file that hold ciphertexts or keys of values.
fn line<'a>(file: &'a str, key: &str) -> &'a str {
    file.lines().find(|line| line.trim_start().starts_with(&format!("{key}:"))).unwrap_or_else(|| panic!("no {key} in\n{file}"))
}

#[test]
fn both_sides_add_change_and_comment() {
    let repo = Repo::new(1);
    let base = repo.get(FILE);
    let theirs = |repo: &Repo| {
        repo.edit(FILE, &[("  host: db.corp.net\n", "  host: db2.corp.net\n"), ("204\n", "204\n  # for alerts\n  user: walrus\n")]);
    };
    let ours = |repo: &Repo| repo.edit(FILE, &[("Lantern\n", "Lantern\n  port: 5432\n"), ("204\n", "204\n  # the sender\n  from: ops\n")]);
    let run = repo.merge(ours, theirs);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    let plain = "# Production
db:
  host: db2.corp.net
  password: Pebble-Orbit-55-Lantern
  port: 5432

# Mail
mail:
  token: Basalt-Ferry-Quince-204
  # the sender
  from: ops
  # for alerts
  user: walrus
";
    assert_eq!(repo.ok(&["decrypt", FILE]).stdout, plain);
    assert!(repo.sops_decrypts(FILE).contains("user: walrus"));
    let (merged, theirs) = (repo.get(FILE), repo.git(&["show", &format!("theirs:{FILE}")]));
    for key in ["password", "token"] {
        assert_eq!(line(&merged, key), line(&base, key));
    }
    for key in ["host", "user"] {
        assert_eq!(line(&merged, key), line(&theirs, key), "it is taken over as it is");
    }
    assert_eq!(merged.matches("type:comment").count(), 4, "comments stay encrypted");
}

#[test]
fn a_conflict_names_the_key_and_shows_no_value() {
    let repo = Repo::new(1);
    let theirs = |repo: &Repo| repo.edit(FILE, &[("Pebble-Orbit-55-Lantern", "Theirs-Copper-71"), ("204", "205")]);
    let ours = |repo: &Repo| repo.edit(FILE, &[("Pebble-Orbit-55-Lantern", "Ours-Granite-72")]);
    let run = repo.merge(ours, theirs);
    assert_eq!(run.code, 1, "{}{}", run.stdout, run.stderr);
    assert_eq!(repo.git(&["status", "--short"]), "UU \"my secrets/prod.enc.yaml\"\n");
    for wanted in
        ["[\"db\"][\"password\"]", "sopup set --theirs 'my secrets/prod.enc.yaml' '[\"db\"][\"password\"]'", "git add 'my secrets"]
    {
        assert!(run.stderr.contains(wanted), "{wanted}: {}", run.stderr);
    }
    for secret in ["Copper", "Granite", "Lantern"] {
        assert!(!run.stderr.contains(secret) && !run.stdout.contains(secret) && !repo.get(FILE).contains(secret), "{secret} is shown");
    }
    let plain = repo.sops_decrypts(FILE);
    assert!(plain.contains("Ours-Granite-72") && plain.contains("Quince-205"), "all else is merged");
    // What was advised settles it.
    repo.ok(&["set", "--theirs", FILE, "[\"db\"][\"password\"]"]);
    let plain = repo.sops_decrypts(FILE);
    assert!(plain.contains("Theirs-Copper-71") && plain.contains("Quince-205"), "{plain}");
    // git can make the conflict anew.
    repo.git(&["checkout", "-m", "--", FILE]);
    assert!(repo.sops_decrypts(FILE).contains("Ours-Granite-72"));
    repo.commit("merged");
    let run = repo.sopup(&["set", "--theirs", FILE, "[\"db\"][\"password\"]"]);
    assert!(run.code == 2 && run.stderr.contains("settles a merge"), "{}", run.stderr);
}

#[test]
fn what_one_side_removed_and_the_other_changed_is_a_conflict() {
    let repo = Repo::new(1);
    let theirs = |repo: &Repo| _ = repo.ok(&["unset", FILE, "[\"mail\"]"]);
    let ours = |repo: &Repo| repo.edit(FILE, &[("204", "206")]);
    let run = repo.merge(ours, theirs);
    assert!(run.code == 1 && run.stderr.contains("[\"mail\"] (changed in ours, removed in theirs)"), "{}", run.stderr);
    assert!(repo.sops_decrypts(FILE).contains("Quince-206"));
    repo.ok(&["set", "--theirs", FILE, "[\"mail\"]"]);
    assert!(!repo.sops_decrypts(FILE).contains("mail:"));
}

#[test]
fn without_an_identity_the_file_stays_and_can_be_merged_later() {
    let repo = Repo::new(1);
    let keys = text(&repo.bench.get("keys.txt"));
    let theirs = |repo: &Repo| repo.edit(FILE, &[("204", "207")]);
    let ours = |repo: &Repo| {
        repo.edit(FILE, &[("host: db", "host: db3")]);
        repo.bench.put("keys.txt", b"# lost\n");
    };
    let run = repo.merge(ours, theirs);
    assert_eq!(run.code, 1, "{}", run.stderr);
    assert!(
        run.stderr.contains("left as it is in our version") && run.stderr.contains("there is no age identity at hand"),
        "{}",
        run.stderr
    );
    assert_eq!(repo.get(FILE), repo.git(&["show", &format!("main:{FILE}")]));
    repo.bench.put("keys.txt", keys.as_bytes());
    let run = repo.run_git(&["checkout", "-m", "--", FILE]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let plain = repo.sops_decrypts(FILE);
    assert!(plain.contains("Quince-207") && plain.contains("db3.corp.net"), "{plain}");
}

#[test]
fn recipients_of_both_sides_are_merged() {
    let repo = Repo::new(4);
    let [_, second, third, fourth] = [0, 1, 2, 3].map(|at| repo.bench.recipients[at].clone());
    repo.ok(&["rotate", "--in-place", "--add-age", &second, FILE]);
    repo.commit("two recipients");
    repo.git(&["branch", "--force", "theirs"]);
    // Theirs locks the second out, which draws a new data key; ours lets two others in and adds a value.
    let theirs = |repo: &Repo| _ = repo.ok(&["rotate", "--in-place", "--rm-age", &second, "--add-age", &third, FILE]);
    let ours = |repo: &Repo| {
        repo.put(".sops.yaml", &format!("creation_rules:\n  - age: {}\n", [repo.bench.recipients[0].as_str(), &second, &fourth].join(",")));
        repo.ok(&["updatekeys", "--yes", FILE]);
        repo.edit(FILE, &[("204\n", "204\n  user: walrus\n")]);
    };
    let run = repo.merge(ours, theirs);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    let (merged, theirs) = (repo.get(FILE), repo.git(&["show", &format!("theirs:{FILE}")]));
    assert!(merged.contains(&third) && merged.contains(&fourth) && !merged.contains(&second), "{merged}");
    assert_eq!(line(&merged, "password"), line(&theirs, "password"), "the new data key goes on");
    for (at, opens) in [(0, true), (1, false), (2, true), (3, true)] {
        repo.bench.put("keys.txt", repo.bench.key(at).as_bytes());
        let output = repo.command(super::bench::sops_binary(), &["decrypt", FILE]).output().expect("sops runs");
        assert_eq!(output.status.success(), opens, "key {at}: {}", text(&output.stderr));
    }
}

#[test]
fn two_rotations_that_lock_out_different_people_need_a_new_data_key() {
    let repo = Repo::new(3);
    let [_, second, third] = [0, 1, 2].map(|at| repo.bench.recipients[at].clone());
    repo.ok(&["rotate", "--in-place", "--add-age", &format!("{second},{third}"), FILE]);
    repo.commit("three recipients");
    repo.git(&["branch", "--force", "theirs"]);
    let rotated = |away: &str| {
        let away = away.to_owned();
        move |repo: &Repo| _ = repo.ok(&["rotate", "--in-place", "--rm-age", &away, FILE])
    };
    let run = repo.merge(rotated(&second), rotated(&third));
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(run.stderr.contains("under a new data key"), "{}", run.stderr);
    let merged = repo.get(FILE);
    assert!(!merged.contains(&second) && !merged.contains(&third));
    for side in ["main", "theirs"] {
        let side = if side == "main" { "main~1" } else { side };
        assert_ne!(line(&merged, "password"), line(&repo.git(&["show", &format!("{side}:{FILE}")]), "password"));
    }
    assert!(repo.sops_decrypts(FILE).contains("Pebble-Orbit-55-Lantern"));
}

#[test]
fn whoever_joined_later_merges_with_an_ancestor_that_was_not_for_them() {
    let repo = Repo::new(2);
    let second = repo.bench.recipients[1].clone();
    repo.put(".sops.yaml", &format!("creation_rules:\n  - age: {},{second}\n", repo.bench.recipients[0]));
    repo.commit("rules");
    repo.git(&["branch", "--force", "theirs"]);
    let joined = |text: (&'static str, &'static str)| {
        move |repo: &Repo| {
            repo.ok(&["updatekeys", "--yes", FILE]);
            repo.edit(FILE, &[text]);
        }
    };
    let ours = |repo: &Repo| {
        joined(("204", "208"))(repo);
        repo.bench.put("keys.txt", repo.bench.key(1).as_bytes());
    };
    let run = repo.merge(ours, joined(("host: db", "host: db4")));
    assert_eq!(run.code, 0, "{}", run.stderr);
    let plain = repo.sops_decrypts(FILE);
    assert!(plain.contains("Quince-208") && plain.contains("db4"), "{plain}");
}

#[test]
fn files_that_both_sides_added_or_that_are_plain() {
    let repo = Repo::new(1);
    let added = |text: &'static str| {
        move |repo: &Repo| {
            repo.put("new.enc.json", text);
            repo.ok(&["encrypt", "--in-place", "--age", &repo.bench.recipients[0], "new.enc.json"]);
            repo.put("plain.enc.env", text);
        }
    };
    repo.put("plain.enc.env", "base\n");
    repo.commit("a plain file with the attribute");
    repo.put(".gitattributes", "*.enc.* merge=sopup\n");
    repo.commit("attributes");
    repo.git(&["branch", "--force", "theirs"]);
    let run = repo.merge(added("{\"a\": \"one\", \"same\": \"x\"}"), added("{\"b\": \"two\", \"same\": \"x\"}"));
    assert_eq!(run.code, 1, "the plain file has a conflict: {}", run.stderr);
    assert_eq!(repo.git(&["status", "--short"]), "M  new.enc.json\nUU plain.enc.env\n");
    assert!(repo.get("plain.enc.env").contains("<<<<<<< ours\n{\"a\""), "{}", repo.get("plain.enc.env"));
    let plain = repo.sops_decrypts("new.enc.json");
    assert!(plain.contains("one") && plain.contains("two"), "{plain}");
}

#[test]
fn one_side_encrypts_what_the_other_edits() {
    let repo = Repo::new(1);
    repo.put("x.enc.env", "A=first-value\nB=second-value\n");
    repo.put(".gitattributes", "*.enc.* merge=sopup\n");
    repo.commit("plain");
    repo.git(&["branch", "--force", "theirs"]);
    let ours = |repo: &Repo| _ = repo.ok(&["encrypt", "--in-place", "--age", &repo.bench.recipients[0], "x.enc.env"]);
    let theirs = |repo: &Repo| repo.put("x.enc.env", "A=first-value\nB=second-value\n# more\nC=third-value\n");
    let run = repo.merge(ours, theirs);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(repo.sops_decrypts("x.enc.env"), "A=first-value\nB=second-value\n# more\nC=third-value\n");
    assert!(!repo.get("x.enc.env").contains("third-value") && !repo.get("x.enc.env").contains("# more"));
}

#[test]
fn what_cannot_be_merged_is_left_alone() {
    // Decrypted on one side; a MAC that does not hold; a selector that both changed.
    let repo = Repo::new(1);
    let decrypted = |repo: &Repo| _ = repo.ok(&["decrypt", "--in-place", FILE]);
    let tampered = |repo: &Repo| {
        let file = repo.get(FILE);
        repo.put(
            FILE,
            &file
                .replace("  token:", "  extra: plain\n  token:")
                .replace("unencrypted_suffix: _unencrypted", "encrypted_regex: ^(host|password|token)$"),
        );
    };
    let reset = || repo.git(&["reset", "--quiet", "--hard"]);
    let edit = |repo: &Repo| repo.edit(FILE, &[("204", "209")]);
    let run = repo.merge(edit, decrypted);
    assert!(run.code == 1 && run.stderr.contains("plain in their version"), "{}", run.stderr);
    assert_eq!(repo.get(FILE), repo.git(&["show", &format!("main:{FILE}")]));
    reset();
    repo.git(&["branch", "--force", "theirs", "main~1"]);
    let run = repo.merge(|repo| repo.edit(FILE, &[("209", "210")]), tampered);
    assert!(run.code == 1 && run.stderr.contains("their version: "), "{}", run.stderr);
    assert_eq!(repo.get(FILE), repo.git(&["show", &format!("main:{FILE}")]));
    reset();
    repo.git(&["branch", "--force", "theirs", "main~2"]);
    let selected = |regex: &'static str| {
        move |repo: &Repo| {
            repo.put(FILE, PLAIN);
            repo.ok(&["encrypt", "--in-place", "--age", &repo.bench.recipients[0], "--encrypted-regex", regex, FILE]);
        }
    };
    let run = repo.merge(selected("^(password|token)$"), selected("^(password|token|host)$"));
    assert!(run.code == 1 && run.stderr.contains("both sides changed [\"encrypted_regex\"]"), "{}", run.stderr);
}

#[test]
fn lists_and_documents() {
    let file = "l.enc.yaml";
    let plain = "hosts:\n  - name: a\n    key: one-secret\n  - name: b\n    key: two-secret\n---\nother: three-secret\n";
    let repo = Repo::with(1, file, plain);
    let ours = |repo: &Repo| repo.edit(file, &[("one-secret", "ONE-secret"), ("three", "THREE")]);
    let theirs = |repo: &Repo| repo.edit(file, &[("two-secret\n", "TWO-secret\n  - name: c\n    key: four-secret\n")]);
    let run = repo.merge(ours, theirs);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let wanted = "hosts:\n  - name: a\n    key: ONE-secret\n  - name: b\n    key: TWO-secret\n  - name: c\n    key: four-secret\n---\nother: THREE-secret\n";
    assert_eq!(repo.ok(&["decrypt", file]).stdout, wanted);
    repo.sops_decrypts(file);
    // Both append to one list: which comes first cannot be told.
    repo.git(&["branch", "--force", "theirs"]);
    let appended = |name: &'static str| {
        move |repo: &Repo| repo.edit(file, &[("four-secret\n", &format!("four-secret\n  - name: {name}\n    key: five-secret\n"))])
    };
    let run = repo.merge(appended("d"), appended("e"));
    assert!(run.code == 1 && run.stderr.contains("  [\"hosts\"]\n"), "{}", run.stderr);
}

#[test]
fn the_driver_is_installed_once_and_goes_without_a_trace() {
    let repo = Repo::new(1);
    let before = repo.get(".gitattributes");
    assert_eq!(before, "*.enc.yaml merge=sopup diff=sopup\n");
    let run = repo.ok(&["merge-driver", "install", "-C", "my secrets", "--write"]);
    assert!(run.stdout.contains("every SOPS file here has"), "{}", run.stdout);
    assert_eq!(repo.get(".gitattributes"), before);
    // A file whose name does not tell, with what globs take for signs.
    repo.put("a [1].yaml", PLAIN);
    repo.ok(&["encrypt", "--in-place", "--age", &repo.bench.recipients[0], "a [1].yaml"]);
    let run = repo.ok(&["merge-driver", "install"]);
    assert!(run.stdout.contains("Add to .gitattributes") && run.stdout.contains("\"/a \\\\[1\\\\].yaml\" merge=sopup"), "{}", run.stdout);
    repo.ok(&["merge-driver", "install", "--write"]);
    assert_eq!(repo.git(&["check-attr", "merge", "a [1].yaml", "a 1.yaml"]), "a [1].yaml: merge: sopup\na 1.yaml: merge: unspecified\n");
    repo.ok(&["merge-driver", "uninstall"]);
    assert!(!repo.get(".git/config").contains("sopup"));
    assert_eq!(repo.ok(&["merge-driver", "uninstall"]).stdout, "merge.sopup is not there\ndiff.sopup is not there\n");
    let run = repo.command(repo.bench.path("my tools/sopup"), &["merge-driver", "install", "--global"]);
    let mut run = run;
    run.env("GIT_CONFIG_GLOBAL", repo.bench.path("global"));
    assert!(run.output().expect("sopup runs").status.success());
    assert!(text(&repo.bench.get("global")).contains("[merge \"sopup\"]") && !repo.get(".git/config").contains("sopup"));
}
