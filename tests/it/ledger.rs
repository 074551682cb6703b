//! The ledger of leaked credentials: from the leak to the proof that another value is in use, and no value on the way.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::support::{Place, Run, finish, identity};

/// What leaks.
const LEAKED: &str = "gR4nite-Falcon-27";
/// What takes its place.
const NEW: &str = "Tundra.Walrus.8841";
const ENV: &str = "app/prod.env";

/// A repository with a `.sops.yaml`, and the identity that opens its stores.
struct Team {
    place: Place,
    home: Place,
}

impl Team {
    fn new() -> Self {
        let (place, home) = (Place::repository(), Place::new());
        let recipient = identity(&home, "keys.txt");
        place.write(".sops.yaml", format!("creation_rules:\n  - age: {recipient}\n"));
        place.write(".github/CODEOWNERS", "* @corp/all\n/app/ @corp/app @ada\n");
        place.git(["config", "user.name", "Ada"]);
        place.git(["config", "user.email", "ada@corp.net"]);
        place.commit("one");
        place.write(ENV, format!("DB_PASSWORD={LEAKED}\n"));
        Self { place, home }
    }

    fn sopup(&self, args: &[&str]) -> Run {
        self.sopup_with(args, "", true)
    }

    fn without_keys(&self, args: &[&str]) -> Run {
        self.sopup_with(args, "", false)
    }

    fn sopup_with(&self, args: &[&str], stdin: &str, has_keys: bool) -> Run {
        use std::io::Write as _;
        use std::process::Stdio;
        let mut command = self.place.command();
        command.args(args).env("HOME", self.home.path()).env_remove("SOPS_AGE_KEY").env_remove("SOPS_AGE_RECIPIENTS");
        if has_keys {
            command.env("SOPS_AGE_KEY_FILE", self.home.join("keys.txt"));
        }
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("sopup starts");
        // The program may end before it has read everything.
        let _ = child.stdin.take().expect("it is piped").write_all(stdin.as_bytes());
        let run = finish(child.wait_with_output().expect("sopup ends"));
        no_value(&run.stdout, &args.join(" "));
        no_value(&run.stderr, &args.join(" "));
        run
    }

    /// Runs a command that must end so.
    fn ends(&self, code: i32, args: &[&str]) -> Run {
        let run = self.sopup(args);
        assert_eq!(run.code, code, "{args:?}: {}{}", run.stdout, run.stderr);
        run
    }

    fn ledger(&self) -> String {
        let text = std::fs::read_to_string(self.place.join(".sopup/ledger.yaml")).expect("a ledger");
        no_value(&text, "the ledger");
        text
    }

    fn entries(&self) -> Vec<serde_json::Value> {
        let run = self.ends(0, &["rotate", "list", "--format", "json"]);
        let document: serde_json::Value = serde_json::from_str(&run.stdout).expect("JSON");
        document["entries"].as_array().expect("entries").clone()
    }

    /// The id of the only entry.
    fn id(&self) -> String {
        let entries = self.entries();
        assert_eq!(entries.len(), 1, "{entries:?}");
        entries[0]["id"].as_str().expect("an id").to_owned()
    }

    fn migrate(&self, more: &[&str]) {
        self.ends(0, &[&["migrate", "--yes", "--include-review", "--no-history"], more].concat());
    }

    fn set(&self, file: &str, key: &str, value: &str) {
        let run = self.sopup_with(&["set", "--string", "--value-stdin", file, key], value, true);
        assert_eq!(run.code, 0, "{}", run.stderr);
    }

    /// The only place where the only entry is kept.
    fn store(&self) -> (String, String) {
        let stores = self.entries()[0]["stores"].as_array().expect("stores").clone();
        assert_eq!(stores.len(), 1, "{stores:?}");
        let text = |field: &str| stores[0][field].as_str().expect("a text").to_owned();
        (text("file"), text("key"))
    }

    /// What a command prints that is to print a value.
    fn print(&self, args: &[&str]) -> String {
        let mut command = self.place.command();
        let output = command.args(args).env("SOPS_AGE_KEY_FILE", self.home.join("keys.txt")).output().expect("sopup runs");
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    fn states(&self) -> (i32, String) {
        let run = self.sopup(&["verify", "--format", "json"]);
        let page: serde_json::Value = serde_json::from_str(&run.stdout).expect("JSON");
        let lines = page["lines"].as_array().expect("lines").iter();
        (
            run.code,
            lines
                .map(|line| format!("{}={}", line["id"].as_str().expect("id"), line["state"].as_str().expect("state")))
                .collect::<Vec<_>>()
                .join(" "),
        )
    }
}

/// No value in any spelling.
fn no_value(text: &str, what: &str) {
    for value in [LEAKED, NEW] {
        let hex: String = value.bytes().map(|byte| format!("{byte:02x}")).collect();
        for spelled in [value.to_owned(), STANDARD.encode(value), STANDARD.encode(format!("{value}\n")), hex] {
            assert!(!text.to_lowercase().contains(&spelled.to_lowercase()), "{what} holds {value}: {text}");
        }
    }
}

#[test]
fn from_the_leak_to_the_proof_that_another_value_is_in_use() {
    let team = Team::new();
    team.ends(0, &["rotate", "record"]);
    let text = team.ledger();
    assert!(text.contains("rule: \"generic-password\"") && text.contains("owner: \"@corp/app @ada\""), "{text}");
    assert!(text.contains("\"who\":\"Ada <ada@corp.net>\""), "{text}");
    let id = team.id();
    team.ends(1, &["rotate", "list", "--fail-unrotated"]);
    team.ends(0, &["rotate", "list", "--fail-unrotated", "--older-than", "30d"]);
    team.ends(3, &["rotate", "check"]);

    team.ends(0, &["rotate", "mark", &id[..8], "requested", "--evidence", "OPS-12"]);
    let told = team.ledger();
    team.ends(0, &["rotate", "mark", &id[..8], "requested", "--evidence", "OPS-12"]);
    assert_eq!(team.ledger(), told, "told twice, it is told once");
    team.ends(4, &["rotate", "mark", &id, "exposed"]);
    team.place.git(["add", ".sopup"]);
    team.place.git(["commit", "--quiet", "-m", "ledger"]);
    team.migrate(&[]);
    let (file, key) = team.store();
    assert_eq!(team.entries()[0]["state"], "requested", "a migration does not go back");
    let check = team.ends(1, &["rotate", "check"]);
    assert!(check.stdout.contains(&format!("still leaked: {file} {key}")), "{}", check.stdout);
    let (code, states) = team.states();
    assert!(code == 1 && states.contains("rotated=fails"), "{states}");

    for same in [LEAKED.to_owned(), format!("{LEAKED}\n"), STANDARD.encode(LEAKED), format!("x:{LEAKED}@y")] {
        let run = team.sopup_with(&["rotate", "set", "--value-stdin", &id], &same, true);
        assert_eq!(run.code, 4, "{}", run.stderr);
    }
    assert_eq!(team.sopup_with(&["rotate", "set", "--value-stdin", &id], "\n", true).code, 2);
    let run = team.sopup_with(&["rotate", "set", "--value-stdin", &id], &format!("{NEW}\n"), true);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(team.entries()[0]["state"], "rotated");
    assert_eq!(team.print(&["decrypt", "--extract", &key, &file]), NEW);
    let check = team.ends(0, &["rotate", "check"]);
    assert!(check.stdout.contains(&format!("another value: {file} {key}")), "{}", check.stdout);
    team.ends(0, &["rotate", "list", "--fail-unrotated"]);
    let green = "secrets=holds known=holds stores=holds encrypted=holds rotated=holds complete=holds";
    assert_eq!(team.states(), (0, green.to_owned()));

    team.set(&file, &key, LEAKED);
    team.ends(1, &["rotate", "check"]);
    let (code, states) = team.states();
    assert!(code == 1 && states.contains("rotated=fails"), "{states}");
    team.set(&file, &key, NEW);
    team.ends(0, &["rotate", "mark", &id, "verified"]);
    assert_eq!(team.states().0, 0);
    let left = team.ends(0, &["rotate", "export"]);
    assert!(left.stdout.contains("Nothing is left to do"), "{}", left.stdout);
}

#[test]
fn a_value_that_was_set_otherwise_is_proven_and_one_inside_of_another_is_not_missed() {
    let team = Team::new();
    team.place.write("secrets/db.enc.yaml", format!("url: postgres://app:{LEAKED}@db.corp.net/app\nhost: db.corp.net\n"));
    team.ends(0, &["encrypt", "-i", "secrets/db.enc.yaml"]);
    team.ends(0, &["rotate", "record"]);
    let id = team.id();
    assert_eq!(team.store(), ("secrets/db.enc.yaml".to_owned(), "[\"url\"]".to_owned()));
    team.ends(1, &["rotate", "check"]);
    // Another host is no other password.
    team.set("secrets/db.enc.yaml", "[\"url\"]", &format!("postgres://app:{LEAKED}@db2.corp.net/app"));
    team.ends(1, &["rotate", "check", "--update"]);
    team.set("secrets/db.enc.yaml", "[\"url\"]", &format!("postgres://app:{NEW}@db2.corp.net/app"));
    team.ends(0, &["rotate", "check", "--update"]);
    assert_eq!(team.entries()[0]["state"], "rotated");
    assert!(team.ledger().contains("the value in secrets/db.enc.yaml [\\\"url\\\"] is another one"), "{}", team.ledger());
    team.ends(4, &["rotate", "set", "--value-stdin", &id]);
    // A key that is gone proves nothing, and neither does a file that was changed without sops.
    team.ends(0, &["unset", "secrets/db.enc.yaml", "[\"url\"]"]);
    team.ends(3, &["rotate", "check"]);
}

#[test]
fn a_file_that_was_changed_without_sops_proves_nothing() {
    let team = Team::new();
    team.place.write("secrets/db.enc.yaml", format!("password: {LEAKED}\n"));
    team.ends(0, &["encrypt", "-i", "secrets/db.enc.yaml"]);
    team.ends(0, &["rotate", "record"]);
    team.set("secrets/db.enc.yaml", "[\"password\"]", NEW);
    team.ends(0, &["rotate", "check"]);
    let text = std::fs::read_to_string(team.place.join("secrets/db.enc.yaml")).expect("readable");
    let at = text.find("    lastmodified:").expect("a time");
    team.place.write(
        "secrets/db.enc.yaml",
        format!("{}    lastmodified: \"2020-01-01T00:00:00Z\"\n{}", &text[..at], text[at..].split_once('\n').expect("a line").1),
    );
    let run = team.ends(3, &["rotate", "check", "--update"]);
    assert!(run.stdout.contains("secrets/db.enc.yaml was not opened"), "{}", run.stdout);
    assert_eq!(team.entries()[0]["state"], "exposed");
}

#[test]
fn a_migration_keeps_a_ledger_and_its_undo_takes_it_back() {
    let team = Team::new();
    let before = team.place.shell("find . -path ./.git -prune -o -type f -print | sort");
    team.migrate(&[]);
    assert!(!team.place.join(".sopup").exists(), "nobody asked for a ledger");
    team.ends(0, &["migrate", "--undo"]);
    let run = team.ends(0, &["migrate", "--yes", "--include-review", "--no-history", "--ledger"]);
    assert!(run.stdout.contains("sopup rotate list"), "{}", run.stdout);
    let (file, key) = team.store();
    assert!(team.ledger().contains(&file) && !key.is_empty());
    assert_eq!(team.entries()[0]["state"], "exposed");
    team.ends(1, &["rotate", "check"]);
    team.ends(0, &["migrate", "--undo"]);
    assert_eq!(team.place.shell("find . -path ./.git -prune -o -type f -print | sort"), before);
    assert!(!team.place.join(".sopup").exists());
}

#[test]
fn what_two_branches_add_is_merged() {
    let team = Team::new();
    team.ends(0, &["rotate", "record"]);
    let first = team.id();
    team.place.write(".gitattributes", ".sopup/ledger.yaml merge=union\n");
    team.place.git(["add", ".sopup", ".gitattributes"]);
    team.place.git(["commit", "--quiet", "-m", "ledger"]);
    for (branch, state, value) in [("a", "rotated", "Orchid.Meadow.Tundra.898"), ("b", "requested", "Canyon.Comet.Walnut.109")] {
        team.place.git(["checkout", "--quiet", "-b", branch, "main"]);
        team.place.write("other.env", format!("API_PASSWORD={value}\n"));
        team.ends(0, &["rotate", "record"]);
        team.ends(0, &["rotate", "mark", &first, state]);
        team.place.git(["add", ".sopup"]);
        team.place.git(["commit", "--quiet", "-m", branch]);
    }
    team.place.git(["merge", "--quiet", "--no-edit", "a"]);
    let entries = team.entries();
    assert_eq!(entries.len(), 3, "{}", team.ledger());
    let one = entries.iter().find(|entry| entry["id"] == first.as_str()).expect("the first");
    assert_eq!((&one["state"], one["log"].as_array().expect("a log").len()), (&serde_json::json!("rotated"), 3));
    // The next change writes it as if it had never been two.
    team.ends(0, &["rotate", "mark", &first, "revoked"]);
    assert_eq!(team.ledger().matches(&first).count(), 1);
}

#[test]
fn without_an_identity_the_lists_work_and_the_proofs_say_what_is_closed() {
    let team = Team::new();
    assert_eq!(team.without_keys(&["rotate", "record"]).code, 4, "nobody could open the key of the ledger");
    assert!(!team.place.join(".sopup").exists());
    team.ends(0, &["rotate", "record"]);
    let id = team.id();
    for (code, args) in [
        (0, &["rotate", "list"][..]),
        (1, &["rotate", "list", "--fail-unrotated"]),
        (0, &["rotate", "export", "--format", "issues"]),
        (0, &["rotate", "mark", &id, "rotated", "--evidence", "OPS-12"]),
        (0, &["rotate", "check", "--without-keys"]),
        (3, &["rotate", "check"]),
        (3, &["rotate", "record"]),
        (3, &["rotate", "set", "--value-stdin", &id]),
    ] {
        let run = team.without_keys(args);
        assert_eq!(run.code, code, "{args:?}: {}{}", run.stdout, run.stderr);
        assert!(code != 3 || run.stderr.contains(".sopup/ledger-key.sops.yaml"), "{args:?}: {}", run.stderr);
    }
    let page = team.without_keys(&["verify", "--only", "rotated"]);
    assert_eq!(page.code, 3, "{}", page.stdout);
    assert_eq!(team.without_keys(&["verify", "--only", "rotated", "--without-keys"]).code, 0);
    team.ends(0, &["verify", "--only", "rotated"]);
}

#[test]
fn how_commands_end() {
    let team = Team::new();
    team.ends(0, &["rotate", "list"]);
    team.ends(2, &["rotate", "list", "--fail-unrotated"]);
    team.ends(0, &["rotate", "check"]);
    team.ends(2, &["rotate", "mark", "0123", "rotated"]);
    team.ends(2, &["rotate", "export"]);
    team.ends(0, &["rotate", "record"]);
    let id = team.id();
    team.ends(2, &["rotate", "mark", "zz", "rotated"]);
    team.ends(2, &["rotate", "mark", &id]);
    team.ends(2, &["rotate", "set", &id, "a-value-on-the-command-line"]);
    team.ends(2, &["rotate", "list", "--older-than", "soon"]);
    for evidence in [LEAKED.to_owned(), STANDARD.encode(LEAKED), format!("it was {LEAKED}!"), crate::support::TOKEN.to_owned()] {
        let run = team.ends(4, &["rotate", "mark", &id, "rotated", "--evidence", &evidence]);
        assert!(!run.stderr.contains(&evidence), "{}", run.stderr);
    }
    assert_eq!(team.entries()[0]["state"], "exposed");
    team.ends(0, &["rotate", "mark", &id, "revoked"]);
    team.ends(0, &["rotate", "mark", &id, "exposed", "--force"]);
    let lost = Team::new();
    lost.place.write(".sops.yaml", "creation_rules: []\n");
    let run = lost.ends(4, &["rotate", "record"]);
    assert!(run.stderr.contains("sopup init"), "{}", run.stderr);
    assert!(!lost.place.join(".sopup").exists());
}

#[test]
fn the_command_of_sops_is_what_it_was() {
    let team = Team::new();
    for name in ["list", "x.yaml"] {
        team.place.write(name, "a: one\n");
        team.ends(0, &["encrypt", "-i", "--input-type", "yaml", name]);
    }
    let before = std::fs::read(team.place.join("x.yaml")).expect("readable");
    team.ends(0, &["rotate", "-i", "x.yaml"]);
    assert_ne!(std::fs::read(team.place.join("x.yaml")).expect("readable"), before);
    let run = team.ends(0, &["rotate", "x.yaml"]);
    assert!(run.stdout.contains("ENC[AES256_GCM,"), "{}", run.stdout);
    for path in [&["rotate", "./list"][..], &["rotate", "--in-place", "list"]] {
        let args: Vec<&str> = [path, &["--input-type", "yaml"]].concat();
        let run = team.ends(0, &args);
        assert!(!run.stdout.contains("credential"), "{args:?}: {}", run.stdout);
    }
}

#[test]
fn names_places_and_history_tell_no_value() {
    let team = Team::new();
    team.place.write(&format!("app/{LEAKED}.txt"), format!("password: {LEAKED}\n"));
    team.place.commit("leak");
    team.place.git(["rm", "--quiet", "-r", "app"]);
    team.place.commit("gone");
    team.ends(0, &["rotate", "record"]);
    let entry = team.entries().into_iter().find(|entry| entry["first"].is_object()).expect("one of the history");
    assert_eq!((&entry["first"]["date"], &entry["last"]["date"]), (&serde_json::json!("2026-01-02"), &serde_json::json!("2026-01-02")));
    team.ledger();
    for format in ["markdown", "issues"] {
        team.ends(0, &["rotate", "export", "--format", format, "--to", "out"]);
    }
    let names = team.place.shell("ls out");
    assert!(names.contains("rotation.md") && names.contains("corp-app-ada.md"), "{names}");
    for name in names.lines() {
        let text = std::fs::read_to_string(team.place.join("out").join(name)).expect("readable");
        no_value(&text, name);
        assert!(text.contains("- [ ]") && text.contains("rotate mark"), "{text}");
    }
    assert!(team.ends(0, &["rotate", "list", "--owner", "@ada"]).stdout.contains("1 credential"));
    assert!(team.ends(0, &["rotate", "list", "--owner", "none"]).stdout.contains("0 credentials"));
    let table = team.ends(0, &["rotate", "list", "--format", "markdown", "--state", "exposed"]);
    assert!(table.stdout.starts_with("| id |") && table.stdout.contains("exposed"), "{}", table.stdout);
    let report = team.place.report(["--worktree", ".sopup"]);
    assert_eq!(crate::support::places(&report), Vec::<String>::new(), "the ledger itself is clean");
}

#[test]
fn a_page_of_verify_names_the_entry_of_what_it_finds() {
    let team = Team::new();
    team.ends(0, &["rotate", "record"]);
    let id = team.id();
    let page = team.ends(1, &["verify", "--only", "secrets"]);
    assert!(page.stdout.contains(&format!(", {id} in the ledger (exposed)")), "{}", page.stdout);
    // Behind a value of a SOPS file, the same.
    team.place.write("secrets/db.enc.yaml", format!("password: {LEAKED}\n"));
    team.ends(0, &["encrypt", "-i", "secrets/db.enc.yaml"]);
    let page = team.ends(1, &["verify", "--only", "known"]);
    assert!(page.stdout.contains(&format!("as it is, {id} in the ledger (exposed)")), "{}", page.stdout);
}

#[test]
fn hostile_ledgers_change_nothing() {
    let team = Team::new();
    team.place.write("secrets/db.enc.yaml", format!("password: {LEAKED}\n"));
    team.ends(0, &["encrypt", "-i", "secrets/db.enc.yaml"]);
    team.ends(0, &["rotate", "record"]);
    let (id, text) = (team.id(), team.ledger());
    for (hostile, told) in [
        (text.replace("secrets/db.enc.yaml", "../db.enc.yaml"), "no path inside"),
        (text.replace("\"exposed\"", "\"gone\""), "no state"),
        (text.replace("version: 1", "version: 9"), "version is 9"),
        (text.replace("entries:", "entries: &a [*a]\nmore:"), "ledger.yaml:"),
        (format!("{text}<<<<<<< HEAD\n"), "ledger.yaml:"),
        (format!("version: 1\nentries: {}", "[".repeat(100_000)), "nested"),
    ] {
        team.place.write(".sopup/ledger.yaml", &hostile);
        for args in [&["rotate", "list"][..], &["rotate", "mark", &id, "rotated"], &["rotate", "check"], &["rotate", "record"]] {
            let run = team.ends(2, args);
            assert!(run.stderr.contains(told) && run.stderr.contains(".sopup/ledger.yaml:"), "{told}: {}", run.stderr);
        }
        let page = team.ends(3, &["verify", "--only", "rotated"]);
        assert!(page.stdout.contains("cannot be read"), "{}", page.stdout);
        assert_eq!(std::fs::read_to_string(team.place.join(".sopup/ledger.yaml")).expect("readable"), hostile);
    }
    team.place.write(".sopup/ledger.yaml", text.replace("@corp", "\u{1b}[31m@corp").replace('\u{1b}', "\\u001b"));
    assert!(!team.ends(0, &["rotate", "list"]).stdout.contains('\u{1b}'));
    // A link leads anywhere: the file behind it is none of this working tree.
    team.place.write(".sopup/ledger.yaml", &text);
    let outside = Place::new();
    team.place.shell(&format!("mv secrets '{0}/' && ln -s '{0}/secrets' secrets", outside.path().display()));
    let before = std::fs::read(outside.join("secrets/db.enc.yaml")).expect("readable");
    let run = team.sopup_with(&["rotate", "set", "--value-stdin", &id], NEW, true);
    assert_eq!(run.code, 4, "{}", run.stderr);
    assert_eq!(std::fs::read(outside.join("secrets/db.enc.yaml")).expect("readable"), before);
    team.place.shell("mv .sopup/ledger.yaml l.yaml && ln -s ../l.yaml .sopup/ledger.yaml");
    team.ends(2, &["rotate", "list"]);
    team.ends(2, &["rotate", "mark", &id, "rotated"]);
    team.place.shell("mv .sopup other && ln -s other .sopup");
    team.ends(2, &["rotate", "list"]);
    assert_eq!(std::fs::read_to_string(team.place.join("l.yaml")).expect("readable"), text);
}
