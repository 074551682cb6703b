//! `sopup verify`: red for the right reasons, green when there are none, and no secret on the page.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::support::{Place, Run, finish, identity};

/// The value that a SOPS file keeps.
const VALUE: &str = "gR4nite-Falcon-27";

/// A repository with a SOPS file and the identity that opens it.
struct Kept {
    place: Place,
    home: Place,
}

impl Kept {
    fn new() -> Self {
        let (place, home) = (Place::repository(), Place::new());
        let recipient = identity(&home, "keys.txt");
        place.write(".sops.yaml", format!("creation_rules:\n  - path_regex: ^secrets/\n    age: {recipient}\n"));
        let kept = Self { place, home };
        kept.place.write("secrets/prod.yaml", format!("db:\n  password: {VALUE}\n  host: db.corp.net\n  mode: enabled\n"));
        let run = kept.sopup(&["encrypt", "-i", "secrets/prod.yaml"]);
        assert_eq!(run.code, 0, "{}", run.stderr);
        kept.place.commit("one");
        kept
    }

    fn sopup(&self, args: &[&str]) -> Run {
        let mut command = self.place.command();
        command.args(args).env("SOPS_AGE_KEY_FILE", self.home.join("keys.txt")).env("HOME", self.home.path());
        let run = finish(command.output().expect("sopup runs"));
        for output in [&run.stdout, &run.stderr] {
            let shown = spellings().into_iter().find(|(_, bytes)| memchr::memmem::find(output.as_bytes(), bytes).is_some());
            assert!(shown.is_none(), "a secret is printed {}: {output}", shown.map(|(name, _)| name).unwrap_or_default());
        }
        run
    }

    fn verify(&self, args: &[&str]) -> (i32, serde_json::Value) {
        let run = self.sopup(&[&["verify", "--format", "json"], args].concat());
        (run.code, serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}: {}{}", run.stdout, run.stderr)))
    }

    /// The state of every line.
    fn states(&self, args: &[&str]) -> (i32, String) {
        let (code, page) = self.verify(args);
        let lines = page["lines"].as_array().expect("lines").iter();
        (
            code,
            lines
                .map(|line| format!("{}={}", line["id"].as_str().expect("id"), line["state"].as_str().expect("state")))
                .collect::<Vec<_>>()
                .join(" "),
        )
    }

    fn evidence(&self, id: &str) -> Vec<String> {
        let (_, page) = self.verify(&[]);
        let line = page["lines"].as_array().expect("lines").iter().find(|line| line["id"] == id).expect("the line");
        let text = |one: &serde_json::Value| format!("{}: {}", one["place"].as_str().expect("place"), one["text"].as_str().expect("text"));
        line["evidence"].as_array().expect("evidence").iter().map(text).collect()
    }
}

/// The value in every spelling, each as a file would have it.
fn spellings() -> Vec<(&'static str, Vec<u8>)> {
    let utf16 = |bytes: fn(u16) -> [u8; 2]| VALUE.encode_utf16().flat_map(bytes).collect::<Vec<_>>();
    let hex = |upper: bool| VALUE.bytes().map(|byte| if upper { format!("{byte:02X}") } else { format!("{byte:02x}") }).collect::<String>();
    let inside = |before: &str| STANDARD.encode(format!("{before}{VALUE}{}", "z".repeat(90)));
    let wrapped = inside(&"y".repeat(50)).as_bytes().chunks(64).map(|line| String::from_utf8_lossy(line).into_owned()).collect::<Vec<_>>();
    vec![
        ("as it is", VALUE.into()),
        ("in base64", STANDARD.encode(VALUE).into()),
        ("in base64, one byte further", inside("a").into()),
        ("in base64, two bytes further", inside("ab").into()),
        ("in base64 of UTF-16", STANDARD.encode(utf16(u16::to_le_bytes)).into()),
        ("in hexadecimal", hex(false).into()),
        ("in hexadecimal with capitals", hex(true).into()),
        ("in UTF-16, low bytes first", utf16(u16::to_le_bytes)),
        ("in UTF-16, high bytes first", utf16(u16::to_be_bytes)),
        ("in wrapped base64", wrapped.join("\n").into()),
    ]
}

#[test]
fn a_clean_repository_is_proven_so() {
    let kept = Kept::new();
    assert_eq!(kept.states(&[]), (0, "secrets=holds known=holds stores=holds encrypted=holds rotated=holds complete=holds".to_owned()));
    let run = kept.sopup(&["verify"]);
    assert!(run.stdout.contains("clean: ."), "{}", run.stdout);
    assert!(run.stdout.contains("1 value of SOPS files sought"), "hosts and modes are no secrets: {}", run.stdout);
}

#[test]
fn a_known_value_is_found_however_it_is_written() {
    for (name, bytes) in spellings() {
        let kept = Kept::new();
        kept.place.write("notes/x.txt", [&b"first line\n"[..], &bytes, b"\nlast line\n"].concat());
        let (code, states) = kept.states(&[]);
        assert_eq!(code, 1, "{name}");
        assert!(states.contains("known=fails"), "{name}: {states}");
        let evidence = kept.evidence("known");
        assert!(
            evidence.iter().any(|one| one.starts_with("notes/x.txt:") && one.contains("secrets/prod.yaml db.password")),
            "{name}: {evidence:?}"
        );
    }
}

#[test]
fn a_known_value_is_found_wherever_git_keeps_it() {
    type Hide = fn(&Place);
    let hide: [(&str, Hide); 8] = [
        ("a deleted file", |place| {
            place.write("old.txt", VALUE).commit("old");
            place.git(["rm", "--quiet", "old.txt"]);
            place.commit("gone");
        }),
        ("a stash", |place| {
            place.write(".sops.yaml", format!("# {VALUE}\n"));
            place.git(["stash", "--quiet"]);
        }),
        ("the index", |place| {
            place.write("staged.txt", VALUE);
            place.git(["add", "staged.txt"]);
            place.shell("rm staged.txt");
        }),
        ("a message", |place| _ = place.commit(VALUE)),
        ("the name of a file", |place| _ = place.write(&format!("{VALUE}.txt"), "x").commit("named")),
        ("the name of a branch", |place| _ = place.git(["branch", VALUE])),
        ("an unreachable object", |place| {
            place.write("x.txt", VALUE);
            place.shell("git hash-object -w x.txt && rm x.txt");
        }),
        ("a compressed file", |place| {
            place.write("x.txt", VALUE);
            place.shell("gzip x.txt");
        }),
    ];
    for (name, hide) in hide {
        let kept = Kept::new();
        hide(&kept.place);
        let (code, states) = kept.states(&[]);
        assert_eq!(code, 1, "{name}: {states}");
        assert!(states.contains("known=fails"), "{name}: {states}");
    }
}

#[test]
fn each_fault_is_named_on_its_line() {
    let kept = Kept::new();
    kept.place.write("secrets/plain.yaml", "key: value\n");
    kept.place.write("other.enc.yaml", "key: value\n");
    assert_eq!(kept.states(&[]), (1, "secrets=holds known=holds stores=holds encrypted=fails rotated=holds complete=holds".to_owned()));
    assert_eq!(kept.evidence("encrypted").len(), 2);

    let kept = Kept::new();
    let text = std::fs::read_to_string(kept.place.join("secrets/prod.yaml")).expect("readable");
    kept.place.write("secrets/prod.yaml", text.replacen("mac: ENC[AES256_GCM,data:", "mac: ENC[AES256_GCM,data:AA", 1));
    let (code, states) = kept.states(&[]);
    assert_eq!(code, 1, "{states}");
    assert!(states.contains("stores=fails"), "{states}");

    let kept = Kept::new();
    kept.place.write("app.env", "API_PASSWORD=Walrus88Timber!\n");
    assert_eq!(kept.states(&[]), (1, "secrets=fails known=holds stores=holds encrypted=holds rotated=holds complete=holds".to_owned()));

    let kept = Kept::new();
    kept.place.shell("rm .git/objects/$(git rev-parse HEAD:.sops.yaml | sed 's,..,&/,')");
    let (code, states) = kept.states(&[]);
    assert_eq!(code, 3, "{states}");
    assert!(states.contains("complete=unchecked"), "{states}");
}

#[test]
fn without_keys_what_needs_one_is_never_called_proven() {
    let kept = Kept::new();
    let without =
        finish(kept.place.command().args(["verify", "--format", "json"]).env("HOME", kept.place.path()).output().expect("sopup runs"));
    assert_eq!(without.code, 3, "{}", without.stdout);
    let (code, states) = kept.states(&["--without-keys"]);
    assert_eq!((code, states.as_str()), (0, "secrets=holds known=left-out stores=left-out encrypted=holds rotated=holds complete=holds"));
    let (_, page) = kept.verify(&["--without-keys"]);
    assert_eq!(page["complete"], false);
    assert_eq!(kept.states(&["--only", "secrets,complete"]), (0, "secrets=holds complete=holds".to_owned()));
}

#[test]
fn what_is_accepted_is_counted() {
    let kept = Kept::new();
    kept.place.write("app.env", "API_PASSWORD=Walrus88Timber! # sopup:allow\n");
    let run = kept.sopup(&["verify"]);
    assert_eq!(run.code, 0, "{}", run.stdout);
    assert!(run.stdout.contains("accepted: 1 by `sopup:allow`"), "{}", run.stdout);
}

#[test]
fn a_secret_that_is_also_a_name_is_shown_nowhere() {
    let kept = Kept::new();
    let other = "Zq9wLm2xTr7pKd";
    kept.place.write(&format!("app/{other}.txt"), "x").write("app.env", format!("API_PASSWORD={other}\n"));
    for args in [&["verify"][..], &["scan"], &["scan", "--format", "json"]] {
        let run = kept.sopup(args);
        assert_eq!(run.code, 1, "{}", run.stdout);
        assert!(!run.stdout.contains(other), "{args:?}: {}", run.stdout);
    }
}

#[test]
fn a_value_in_a_file_and_in_its_history_is_listed_once() {
    let kept = Kept::new();
    kept.place.write("a.env", "DB_PASSWORD=Walrus88Timber\n").commit("two");
    kept.place.write("b.env", format!("DB_PASSWORD={VALUE}\n")).commit("three");
    kept.place.write("gone.env", "DB_PASSWORD=Onyx77Glacier\n").commit("four");
    std::fs::remove_file(kept.place.join("gone.env")).expect("it was there");
    kept.place.commit("five");
    let count = |id: &str, place: &str| kept.evidence(id).iter().filter(|one| one.contains(place)).count();
    assert_eq!((count("secrets", "a.env:1:13"), count("secrets", "b.env:1:13"), count("secrets", "gone.env:1:13")), (1, 1, 1));
    assert_eq!(count("known", "b.env:1:13"), 1, "{:?}", kept.evidence("known"));
    // The history is not forgotten.
    let page = kept.sopup(&["verify"]).stdout;
    let line = page.lines().find(|line| line.contains("a.env:1:13")).unwrap_or_else(|| panic!("{page}"));
    assert!(line.contains("in history since"), "{line}");
}
