//! The whole proof: `sopup verify` is red for what is there, green after everything was moved, replaced and purged, and red again
//! for each thing that comes back. No secret stands in what is written or passed on the way.

use std::process::{Command, Stdio};

use crate::purge::{left_of, spellings_of};
use crate::support::{Place, Run, finish, identity, isolated};

/// What leaks in a file of settings, in one of YAML, and in a file that is gone.
const LEAKED: [&str; 3] = ["Orchid.Meadow&Tundra.898", "Walrus88?Timber>>Lantern", "Quartz.Bramble.Juniper.41"];
/// What takes the place of the first two.
const NEW: [&str; 2] = ["Basalt.Ferry.Quince.204", "Saffron.Heron.Cobalt.617"];
const CLEAN: &str = "secrets=holds known=holds stores=holds encrypted=holds rotated=holds complete=holds";

struct Team {
    place: Place,
    home: Place,
}

impl Team {
    fn new() -> Self {
        let (place, home) = (Place::repository(), Place::new());
        let recipient = identity(&home, "keys.txt");
        place.write(".sops.yaml", format!("creation_rules:\n  - age: {recipient}\n"));
        place.git(["config", "user.name", "Ada"]);
        place.git(["config", "user.email", "ada@corp.net"]);
        place.commit("one");
        place.write("old/queue.env", format!("API_PASSWORD={}\n", LEAKED[2])).commit("two");
        place.git(["rm", "--quiet", "old/queue.env"]);
        place.write("app/app.env", format!("HOST=db.corp.net\nDB_PASSWORD={}\n", LEAKED[0]));
        place.write("config/settings.yaml", format!("db:\n  host: db.corp.net\n  password: {:?}\n", LEAKED[1])).commit("three");
        Self { place, home }
    }

    /// A copy, in which something can come back.
    fn copied(&self) -> Self {
        let copy = Self { place: Place::new(), home: Place::new() };
        for (from, to) in [(&self.place, &copy.place), (&self.home, &copy.home)] {
            to.shell(&format!("cp -a '{}'/. .", from.path().display()));
        }
        copy
    }

    fn command(&self, command: &mut Command) -> Run {
        command.env("SOPS_AGE_KEY_FILE", self.home.join("keys.txt")).env("HOME", self.home.path());
        command.env("XDG_STATE_HOME", self.home.path()).env_remove("SOPS_AGE_RECIPIENTS").env_remove("SOPS_AGE_KEY");
        let run = finish(command.output().expect("it runs"));
        no_value(&run.stdout, "what is printed");
        no_value(&run.stderr, "what is printed");
        run
    }

    fn ends(&self, code: i32, args: &[&str]) -> Run {
        let run = self.command(self.place.command().args(args));
        assert_eq!(run.code, code, "{args:?}: {}{}", run.stdout, run.stderr);
        run
    }

    /// The exit code of `verify` and the state of each line; the evidence of the lines that fail.
    fn verified(&self) -> (i32, String, Vec<String>) {
        let run = self.command(self.place.command().args(["verify", "--format", "json"]));
        let page: serde_json::Value =
            serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}: {}{}", run.stdout, run.stderr));
        let text = |value: &serde_json::Value| value.as_str().expect("a text").to_owned();
        let (mut states, mut evidence) = (Vec::new(), Vec::new());
        for line in page["lines"].as_array().expect("lines") {
            states.push(format!("{}={}", text(&line["id"]), text(&line["state"])));
            if line["state"] == "fails" {
                assert!(line["mend"].is_string(), "{line}");
                let all = line["evidence"].as_array().expect("evidence").iter();
                evidence.extend(all.map(|one| format!("{} {}: {}", text(&line["id"]), text(&one["place"]), text(&one["text"]))));
            }
        }
        (run.code, states.join(" "), evidence)
    }

    /// Brings it to the state in which all is proven.
    fn cleaned(&self) {
        self.ends(0, &["migrate", "--yes", "--include-review"]);
        self.ends(0, &["rotate", "record"]);
        let listed = self.ends(0, &["rotate", "list", "--format", "json"]).stdout;
        let listed: serde_json::Value = serde_json::from_str(&listed).expect("JSON");
        let mut new = NEW.into_iter();
        for entry in listed["entries"].as_array().expect("entries") {
            let id = entry["id"].as_str().expect("an id");
            if entry["stores"].as_array().is_none_or(Vec::is_empty) {
                self.ends(0, &["rotate", "mark", id, "rotated", "--evidence", "OPS-12"]);
                continue;
            }
            self.home.write("new", new.next().expect("two are kept in stores"));
            let value = std::fs::File::open(self.home.join("new")).expect("it is there");
            let set = self.command(self.place.command().args(["rotate", "set", "--value-stdin", id]).stdin(value));
            assert_eq!(set.code, 0, "{}", set.stderr);
        }
        assert_eq!(new.next(), None);
        std::fs::remove_file(self.home.join("new")).expect("it was there");
        self.place.commit("four");
        assert!(self.ends(1, &["purge", "plan"]).stdout.contains("would get new names"));
        self.ends(0, &["purge", "run", "--in-place"]);
        no_value_in(&self.place, "after purge run, but for objects", &[".sopup", ".git/sopup", ".git/logs"]);
        self.ends(0, &["purge", "finish", "--yes"]);
    }
}

/// No value in any spelling.
fn no_value(text: impl AsRef<[u8]>, what: &str) {
    let found = spellings_of(&[&LEAKED[..], &NEW].concat());
    let found = found.iter().find(|(_, bytes)| memchr::memmem::find(text.as_ref(), bytes).is_some());
    assert!(found.is_none(), "{what}: {} {}", found.expect("one").0, String::from_utf8_lossy(text.as_ref()));
}

fn no_value_in(place: &Place, when: &str, folders: &[&str]) {
    for folder in folders.iter().map(|folder| place.join(folder)).filter(|folder| folder.exists()) {
        for (path, bytes) in crate::purge::state(&folder) {
            no_value(bytes, &format!("{path} {when}"));
        }
    }
}

#[test]
fn red_then_green_then_red_for_what_comes_back() {
    let team = Team::new();
    let (code, states, evidence) = team.verified();
    assert_eq!((code, states.as_str()), (1, "secrets=fails known=holds stores=holds encrypted=holds rotated=holds complete=holds"));
    for place in ["app/app.env:2:13", "config/settings.yaml:3:14", "old/queue.env:1:14"] {
        assert!(evidence.iter().any(|one| one.starts_with(&format!("secrets {place}"))), "{place}: {evidence:#?}");
    }
    assert_eq!(evidence.len(), 3, "{evidence:#?}");
    team.cleaned();
    assert_eq!(team.verified(), (0, CLEAN.to_owned(), Vec::new()));
    let all = spellings_of(&[&LEAKED[..], &NEW].concat());
    assert_eq!(left_of(&all, &team.place.join(".git")), [""; 0]);
    no_value_in(&team.place, "at the end", &[".sopup", "app", "config"]);

    // A fault in a copy each: what is done to it, the only line that may fail, and what it must say.
    type Fault = fn(&Place);
    let faults: [(&str, Fault, &[&str], &str); 5] = [
        (
            "one byte of a store",
            |place| {
                let path = place.shell("grep -l 'data:' app/* config/* | head -n 1").trim().to_owned();
                let text = std::fs::read_to_string(place.join(&path)).expect("a store");
                let at = text.find("data:").expect("a value") + 5;
                let other = if text.as_bytes()[at] == b'A' { "B" } else { "A" };
                place.write(&path, [&text[..at], other, &text[at + 1..]].concat());
            },
            &["stores"],
            "stores ",
        ),
        ("a value of a store beside it", |place| _ = place.write("notes.txt", NEW[0]), &["known", "secrets"], "known notes.txt:1:1"),
        (
            "a value that leaked, put back",
            |place| _ = place.write("back.env", format!("DB_PASSWORD={}\n", LEAKED[0])).commit("back"),
            &["secrets"],
            "secrets back.env:1:13",
        ),
        (
            "a secret in a stash",
            |place| {
                place.write(".sops.yaml", format!("{}# API_PASSWORD={}\n", place.shell("cat .sops.yaml"), LEAKED[2]));
                place.git(["stash", "--quiet"]);
            },
            &["secrets"],
            "secrets .sops.yaml (stashed):",
        ),
        (
            "a plain file that is to be encrypted",
            |place| _ = place.write("more.sops.yaml", "key: value\n"),
            &["encrypted"],
            "encrypted more.sops.yaml",
        ),
    ];
    for (name, fault, failing, says) in faults {
        let copy = team.copied();
        fault(&copy.place);
        let (code, states, evidence) = copy.verified();
        // What a store that does not open holds cannot be sought elsewhere.
        let expected = if failing == ["stores"] { 3 } else { 1 };
        assert_eq!(code, expected, "{name}: {states} {evidence:#?}");
        for state in states.split(' ').filter(|state| state.ends_with("=fails")) {
            assert!(failing.contains(&state.trim_end_matches("=fails")), "{name}: {states} {evidence:#?}");
        }
        assert!(evidence.iter().any(|one| one.starts_with(says)), "{name}: {evidence:#?}");
    }
}

#[test]
fn no_program_is_told_a_value_and_no_file_keeps_one() {
    let team = Team::new();
    let mirror = team.home.join("mirror.git");
    let mirror = mirror.to_str().expect("UTF-8");
    let commands: [&[&str]; 4] =
        [&["verify"], &["purge", "plan"], &["purge", "run", "--to", mirror], &["purge", "verify", mirror, "--values-from", "values"]];
    for args in commands {
        if args.contains(&"values") {
            // Not part of the repository any more, and named by its owner.
            team.place.write("values", LEAKED.join("\n"));
        }
        let trace = team.home.join("trace");
        let mut command = Command::new("strace");
        command.args(["-f", "-qqq", "-s", "65536", "-e", "trace=execve,openat,open,creat,rename,renameat2,write", "-o"]).arg(&trace);
        command.arg(env!("CARGO_BIN_EXE_sopup")).args(args);
        isolated(&mut command).current_dir(team.place.path()).env("HOME", team.home.path()).env("XDG_STATE_HOME", team.home.path());
        command.env("SOPS_AGE_KEY_FILE", team.home.join("keys.txt")).stdin(Stdio::null());
        let run = finish(command.output().expect("strace runs"));
        no_value(&run.stdout, "what is printed");
        no_value(&run.stderr, "what is printed");
        let traced = std::fs::read_to_string(&trace).expect("a trace");
        assert!(traced.contains("execve("), "{args:?}: {}{}", run.stdout, run.stderr);
        std::fs::remove_file(&trace).expect("it was there");
        // strace writes bytes beyond ASCII with escapes; the values here have none. Packs are compressed, all else is seen.
        no_value(&traced, &format!("arguments, names or contents of files of {args:?}"));
    }
    no_value_in(&team.home, "the mirror with its maps, scripts and letter", &["mirror.git"]);
    let names: Vec<String> =
        ["commit-map", "ref-map", "push.sh", "clean-clone.sh", "provider.txt"].map(|name| format!("mirror.git/sopup/{name}")).into();
    assert!(names.iter().all(|name| team.home.join(name).is_file()));
}
