//! `sopup baseline`: what was there before is known, what is new is reported.

use std::fs;

use base64::Engine as _;
use sha1::Digest as _;

use crate::support::{Place, Run, TOKEN, finish, places};

const OLD: &str = "Walrus88Timber";
const OTHER: &str = "gR4nite-Falcon-27";
const NEW: &str = "Onyx77Glacier";

/// A repository with an old secret in a file, and one that only the history has.
fn old_repository() -> Place {
    let place = Place::repository();
    place.write("docs/a.env", format!("DB_PASSWORD={OLD}\n")).write("gone.env", format!("API_PASSWORD={OTHER}\n")).commit("old");
    place.git(["rm", "--quiet", "gone.env"]);
    place.commit("hide");
    place
}

/// The same with a baseline, all committed.
fn known_repository() -> Place {
    let place = old_repository();
    let run = baseline(&place, &["create", "--reason", "before sopup"]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    place.commit("baseline");
    place
}

fn baseline(place: &Place, args: &[&str]) -> Run {
    let who: &[&str] = if matches!(args[0], "list" | "prune") { &[] } else { &["--who", "Ann"] };
    place.sopup(["baseline"].iter().chain(args).chain(who))
}

fn text(place: &Place, path: &str) -> String {
    fs::read_to_string(place.join(path)).expect("a file")
}

/// The lines of entries.
fn entries(place: &Place) -> Vec<String> {
    text(place, ".sopup-baseline").lines().filter(|line| line.starts_with("{\"id\"")).map(str::to_owned).collect()
}

fn assert_clean(place: &Place, args: &[&str]) {
    let run = place.sopup(["scan"].iter().chain(args));
    assert_eq!(run.code, 0, "{args:?}: {}{}", run.stdout, run.stderr);
}

fn assert_reported(place: &Place, args: &[&str], places_of: &[&str]) {
    let run = place.sopup(["scan", "--format", "json"].iter().chain(args));
    assert_eq!(run.code, 1, "{args:?}: {}{}", run.stdout, run.stderr);
    assert_eq!(places(&serde_json::from_str(&run.stdout).expect("a report")), places_of, "{args:?}");
}

#[test]
fn a_bare_repository_keeps_no_baseline() {
    let place = Place::repository();
    place.write("a.env", "DB_PASSWORD=Walrus88Timber\n").commit("one");
    place.git(["clone", "--quiet", "--bare", ".", "bare.git"]);
    let run = place.sopup(["baseline", "create", "--path", "bare.git"]);
    assert!(run.code == 2 && run.stderr.contains("bare repository") && !place.join("bare.git/.sopup-baseline").exists(), "{}", run.stderr);
    let run = place.sopup(["baseline", "create", "--path", "bare.git", "--baseline", "known", "--reason", "old", "--who", "clerk"]);
    assert!(run.code == 0 && place.join("known").is_file(), "{}{}", run.stdout, run.stderr);
}

#[test]
fn what_was_there_is_known_wherever_it_goes() {
    let place = old_repository();
    assert_eq!(place.sopup(["scan"]).code, 1);
    let run = baseline(&place, &["create", "--reason", "before sopup"]);
    assert!(run.code == 0 && run.stdout.contains("2 secrets are known from now on"), "{}{}", run.stdout, run.stderr);
    assert!(run.stderr.contains("`fingerprint_key` was added") && run.stderr.contains("merge=union"), "{}", run.stderr);
    place.commit("baseline");
    let run = place.sopup(["scan"]);
    assert!(run.code == 0 && run.stdout.contains("2 secrets known from the baseline"), "{}{}", run.stdout, run.stderr);
    let summary = &place.report([])["summary"]["baseline"];
    assert_eq!(summary["secrets"], 2, "{summary}");
    assert_eq!((&summary["expired"], &summary["stale"]), (&serde_json::json!([]), &serde_json::json!([])));
    for format in ["sarif", "markdown", "html"] {
        let run = place.sopup(["scan", "--format", format]);
        let counted = if format == "sarif" { "\"inBaseline\":" } else { "2 secrets known from the baseline" };
        assert!(run.stdout.contains(counted) && !run.stdout.contains("\"inBaseline\": 0"), "{format}: {}", run.stdout);
    }
    for scope in ["--worktree", "--history", "docs/a.env"] {
        assert_clean(&place, &[scope]);
    }
    // Moved, renamed and copied, it is the same value.
    place.git(["mv", "docs/a.env", "b.env"]);
    place.write("c.yaml", format!("# more\n\ndb:\n  password: {OLD}\n")).commit("move");
    assert_clean(&place, &[]);
    assert_clean(&place, &["--range", "HEAD~1..HEAD"]);
    // Who does not want it sees everything.
    for args in [&["--no-baseline"][..], &["--no-repo-config"]] {
        assert_eq!(place.sopup(["scan"].iter().chain(args)).code, 1, "{args:?}");
    }
    place.write(".git/other/config.yaml", "");
    assert_eq!(place.sopup(["scan", "--config", ".git/other/config.yaml"]).code, 1, "the repository's own does not count then");
    fs::rename(place.join(".sopup-baseline"), place.join("known.jsonl")).expect("moved");
    assert_eq!(place.sopup(["scan"]).code, 1);
    assert_clean(&place, &["--baseline", "known.jsonl"]);
}

#[test]
fn another_value_in_an_old_place_is_reported() {
    let place = known_repository();
    place.write("docs/a.env", format!("DB_PASSWORD={NEW}\n"));
    assert_reported(&place, &["--worktree"], &["docs/a.env:1:13"]);
    place.git(["add", "--all"]);
    assert_reported(&place, &["--staged"], &["docs/a.env:1:13"]);
    place.commit("new");
    assert_reported(&place, &["--range", "HEAD~1..HEAD"], &["docs/a.env:1:13"]);
    let run = baseline(&place, &["update"]);
    assert!(run.code == 0 && run.stdout.contains("1 secret added"), "{}{}", run.stdout, run.stderr);
    assert_clean(&place, &[]);
    assert_eq!(entries(&place).len(), 3);
}

#[test]
fn hooks_obey_it() {
    let place = known_repository();
    place.write("again.env", format!("OLD_PASSWORD={OTHER}\n")).git(["add", "--all"]);
    let run = place.sopup(["hook", "run", "pre-commit"]);
    assert!(run.code == 0 && run.stdout.contains("1 secret known from the baseline"), "{}{}", run.stdout, run.stderr);
    place.write(".git/message", format!("The password is {OLD}.\n"));
    let run = place.sopup(["hook", "run", "commit-msg", ".git/message"]);
    assert!(run.code == 0 && run.stdout.contains("1 secret known from the baseline"), "{}{}", run.stdout, run.stderr);
    place.write("again.env", format!("NEW_PASSWORD={NEW}\n")).git(["add", "--all"]);
    assert_eq!(place.sopup(["hook", "run", "pre-commit"]).code, 1);
    let run = place.sopup(["explain", "docs/a.env:1"]);
    assert!(run.stdout.contains("not reported: allowed by the baseline: before sopup"), "{}", run.stdout);
}

#[test]
fn branches_that_both_add_merge_without_a_conflict() {
    let place = known_repository();
    // The second finds those of the first in the history.
    for (branch, values, added) in [("one", [NEW, "Copper31Meadow"], 2), ("two", ["Tundra54Orchid", "Copper31Meadow"], 3)] {
        place.git(["checkout", "--quiet", "-b", branch, "main"]);
        for (number, value) in (1..).zip(values) {
            place.write(&format!("{branch}{number}.env"), format!("DB_PASSWORD={value}\n"));
        }
        let run = baseline(&place, &["update", "--reason", branch]);
        assert!(run.stdout.contains(&format!("{added} secrets added")), "{}{}", run.stdout, run.stderr);
        place.commit(branch);
    }
    place.git(["merge", "--quiet", "--message", "both", "one"]);
    // Both branches wrote lines for the values that both have, and git may take a common line from each.
    assert!(entries(&place).len() >= 7, "{:#?}", entries(&place));
    assert_clean(&place, &[]);
    let run = baseline(&place, &["list"]);
    assert!(run.stdout.ends_with("5 entries\n"), "{}", run.stdout);
    baseline(&place, &["update"]);
    let lines = entries(&place);
    assert!(lines.len() == 5 && lines.is_sorted(), "{lines:#?}");
}

#[test]
fn an_entry_that_expired_counts_no_more() {
    let place = known_repository();
    let before = text(&place, ".sopup-baseline");
    let after = before.replace("\"place\":\"docs/a.env:1\"", "\"expires\":\"2020-01-31\",\"place\":\"docs/a.env:1\"");
    place.write(".sopup-baseline", &after);
    let run = place.sopup(["scan"]);
    assert_eq!(run.code, 1, "{}", run.stdout);
    assert!(run.stdout.contains("(generic-password, docs/a.env:1) expired on 2020-01-31"), "{}", run.stdout);
    assert!(run.stdout.contains("1 secret known from the baseline"), "{}", run.stdout);
    let expired = &place.report([])["summary"]["baseline"]["expired"];
    assert_eq!((&expired[0]["place"], &expired[0]["expires"]), (&"docs/a.env:1".into(), &"2020-01-31".into()), "{expired}");
    // A scan that does not meet the value says nothing of it.
    assert!(!place.sopup(["scan", "--staged"]).stdout.contains("expired"));
    assert!(baseline(&place, &["list", "--expired"]).stdout.ends_with("1 entry of 2\n"));
    let run = baseline(&place, &["update"]);
    assert!(run.stdout.contains("0 secrets added") && run.stdout.contains("1 entry has expired;"), "{}", run.stdout);
    assert_eq!(place.sopup(["scan"]).code, 1);
    let run = baseline(&place, &["update", "--renew", "--expires", "2999-12-31"]);
    assert!(run.stdout.contains("1 entry has been renewed"), "{}", run.stdout);
    assert_clean(&place, &[]);
    let run = baseline(&place, &["create", "--force", "--expires", "2020-01-31"]);
    assert!(run.code == 2 && run.stderr.contains("has passed"), "{}", run.stderr);
}

#[test]
fn a_value_that_is_gone_leaves_a_stale_entry() {
    let place = known_repository();
    place.write("draft.env", format!("DB_PASSWORD={NEW}\n"));
    baseline(&place, &["update"]);
    assert_clean(&place, &[]);
    fs::remove_file(place.join("draft.env")).expect("it is there");
    let run = place.sopup(["scan"]);
    assert!(run.code == 0 && run.stdout.contains("1 entry of the baseline matched nothing"), "{}", run.stdout);
    assert_eq!(place.report([])["summary"]["baseline"]["stale"][0]["place"], "draft.env:1");
    assert!(place.report(["--worktree"])["summary"]["baseline"].get("stale").is_none(), "part of it tells nothing of that");
    let run = baseline(&place, &["list", "--stale"]);
    assert!(run.stdout.contains("draft.env:1") && run.stdout.ends_with("1 entry of 3\n"), "{}", run.stdout);
    let run = baseline(&place, &["update"]);
    assert!(
        run.stdout.contains("0 secrets added") && run.stdout.contains("baseline prune") && entries(&place).len() == 3,
        "{}",
        run.stdout
    );
    assert!(baseline(&place, &["prune", "--dry-run"]).stdout.contains("1 entry would be removed, 2 left"));
    // What could not be read may hold it.
    place.write("damaged.zip", b"PK\x03\x04 and no more");
    let run = baseline(&place, &["prune"]);
    assert!(run.code == 3 && run.stderr.contains("nothing was removed") && entries(&place).len() == 3, "{}{}", run.stdout, run.stderr);
    fs::remove_file(place.join("damaged.zip")).expect("it is there");
    let run = baseline(&place, &["prune"]);
    assert!(run.code == 0 && run.stdout.contains("1 entry removed, 2 left"), "{}{}", run.stdout, run.stderr);
    assert_eq!(entries(&place).len(), 2);
    assert_clean(&place, &[]);
}

#[test]
fn the_file_holds_no_secret_and_no_hash_of_one() {
    let place = old_repository();
    place.write(&format!("keys/{TOKEN}.env"), format!("GITHUB_TOKEN={TOKEN}\n"));
    let run = baseline(&place, &["create", "--reason", &format!("it was {TOKEN}")]);
    assert!(run.code == 4 && !run.stderr.contains(TOKEN) && !place.join(".sopup-baseline").exists(), "{}", run.stderr);
    assert_eq!(baseline(&place, &["create"]).code, 0);
    assert_clean(&place, &[]);
    let (file, config) = (text(&place, ".sopup-baseline"), text(&place, ".sopup.yaml"));
    assert_eq!(entries(&place).len(), 3, "{file}");
    let hexadecimal = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    for value in [OLD, OTHER, TOKEN] {
        let hashes =
            [hexadecimal(&sha1::Sha1::digest(value)), hexadecimal(&sha2::Sha256::digest(value)), hexadecimal(&sha2::Sha512::digest(value))];
        let texts = [value.to_owned(), base64::engine::general_purpose::STANDARD_NO_PAD.encode(value), hexadecimal(value.as_bytes())];
        for part in hashes.iter().map(|hash| &hash[..16]).chain(texts.iter().map(String::as_str)) {
            assert!(!file.contains(part) && !config.contains(part), "{value} as {part}: {file}");
        }
    }
    // With another key every name is another.
    place.write(".sopup.yaml", "");
    fs::remove_file(place.join(".sopup-baseline")).expect("it is there");
    assert_eq!(baseline(&place, &["create"]).code, 0);
    let ids =
        |text: &str| text.lines().filter_map(|line| line.strip_prefix("{\"id\":\"")).map(|rest| rest[..24].to_owned()).collect::<Vec<_>>();
    let again = text(&place, ".sopup-baseline");
    assert!(ids(&again).iter().all(|id| !file.contains(id.as_str())), "{again}");
}

#[test]
fn without_the_right_key_nothing_is_passed_over() {
    let place = known_repository();
    let config = text(&place, ".sopup.yaml");
    let (file, lines) = (text(&place, ".sopup-baseline"), entries(&place));
    for (config, said) in [("", "there is no key"), ("fingerprint_key: another one for this\n", "made with another key")] {
        place.write(".sopup.yaml", config);
        for args in [&["scan"][..], &["scan", "--staged"], &["baseline", "update", "--who", "Ann"], &["baseline", "prune"]] {
            let run = place.sopup(args);
            assert!(run.code == 2 && run.stderr.contains(said) && run.stderr.contains("hint:"), "{args:?}: {}", run.stderr);
        }
        assert_eq!(place.sopup(["scan", "--no-baseline"]).code, 1);
    }
    // The key may be kept outside of the repository.
    let key = config.trim().strip_prefix("fingerprint_key: ").expect("a key");
    place.write(".sopup.yaml", "");
    let output = place.command().arg("scan").env("SOPUP_FINGERPRINT_KEY", key).output().expect("sopup runs");
    assert_eq!(finish(output).code, 0);
    place.write(".sopup.yaml", &config);
    for (damaged, said) in [
        (format!("{file}<<<<<<< HEAD\n"), "merge conflict"),
        (file.replace("\"version\":1", "\"version\":9"), "version is 9"),
        (format!("{file}{{\"id\":\"x\"}}\n"), ":6: not an entry"),
        (lines.join("\n"), "`made_with` is missing"),
    ] {
        place.write(".sopup-baseline", damaged);
        let run = place.sopup(["scan"]);
        assert!(run.code == 2 && run.stderr.contains(said), "{said}: {}", run.stderr);
    }
    fs::remove_file(place.join(".sopup-baseline")).expect("it is there");
    place.write(".git/elsewhere", &file);
    std::os::unix::fs::symlink(".git/elsewhere", place.join(".sopup-baseline")).expect("a link");
    let run = place.sopup(["scan", "--worktree"]);
    assert!(run.code == 2 && run.stderr.contains("link"), "{}", run.stderr);
    fs::remove_file(place.join(".sopup-baseline")).expect("it is there");
    for args in [&["scan", "--baseline", "none"][..], &["baseline", "list"], &["baseline", "update", "--who", "Ann"]] {
        let run = place.sopup(args);
        assert!(run.code == 2 && run.stderr.contains("there is no baseline"), "{args:?}: {}", run.stderr);
    }
}

#[test]
fn a_baseline_that_is_there_is_not_replaced_unasked() {
    let place = known_repository();
    let (file, attributes) = (text(&place, ".sopup-baseline"), text(&place, ".gitattributes"));
    let run = baseline(&place, &["create"]);
    assert!(run.code == 4 && run.stderr.contains("baseline update"), "{}", run.stderr);
    assert_eq!(text(&place, ".sopup-baseline"), file);
    assert_eq!(baseline(&place, &["create", "--force"]).code, 0);
    assert!(!text(&place, ".sopup-baseline").contains("before sopup"));
    assert_eq!(text(&place, ".gitattributes"), attributes, "the line is there once");
    // Without a repository and without a name for the author.
    let place = Place::new();
    place.write("a.env", format!("DB_PASSWORD={OLD}\n"));
    let run = place.sopup(["baseline", "create"]);
    assert!(run.code == 2 && run.stderr.contains("--who"), "{}", run.stderr);
    assert_eq!(baseline(&place, &["create"]).code, 0);
    assert_clean(&place, &[]);
    assert!(!place.join(".gitattributes").exists());
}

#[test]
fn an_audit_goes_through_the_entries() {
    let place = known_repository();
    place.write("more.env", format!("DB_PASSWORD={NEW}\n"));
    baseline(&place, &["update"]);
    let run = baseline(&place, &["audit"]);
    assert!(run.code == 2 && run.stderr.contains("nobody to ask") && run.stderr.contains("on a terminal"), "{}", run.stderr);
    let audit = |answers: &str, more: &[&str]| {
        let mut command = place.command_on_terminal(answers);
        finish(command.args(["baseline", "audit", "--who", "Bob"]).args(more).output().expect("python3 runs"))
    };
    // The first is real, then not: back, and a false alarm. What was said is kept on quit.
    let run = audit("r\nb\nf\nan example\nx\ns\nq\n", &[]);
    assert_eq!(run.code, 0, "{}", run.stdout);
    for shown in
        ["1 of 3:", "1 of 3, real just now:", "3 of 3:", "[r]eal, [f]alse alarm, to ro[t]ate, [s]kip, [b]ack, [q]uit?", "1 entry with"]
    {
        assert!(run.stdout.contains(shown), "{shown}: {}", run.stdout);
    }
    for secret in [OLD, OTHER, NEW] {
        assert!(!run.stdout.contains(secret), "{secret} was shown");
    }
    let lines = entries(&place);
    assert!(lines[0].contains("\"verdict\":\"false-alarm\",\"reason\":\"an example\",\"by\":\"Bob\""), "{}", lines[0]);
    assert!(!lines[1].contains("verdict") && !lines[2].contains("verdict"), "{lines:#?}");
    // Those that are left; a reason may not quote the value.
    let run = audit(&format!("t\nf\n{OLD} {OTHER} {NEW}\nr\n"), &[]);
    assert!(
        run.stdout.contains("1 of 2:") && run.stdout.contains("holds a secret") && run.stdout.contains("sopup rotate record"),
        "{}",
        run.stdout
    );
    let lines = entries(&place);
    assert!(lines[1].contains("\"verdict\":\"to-rotate\"") && lines[2].contains("\"verdict\":\"real\""), "{lines:#?}");
    let run = audit("q\n", &["--all"]);
    assert!(run.stdout.contains("1 of 3:"), "{}", run.stdout);
    assert!(audit("", &[]).stdout.contains("0 entries with"));
    assert_clean(&place, &[]);
    assert!(baseline(&place, &["list", "--unaudited"]).stdout.ends_with("0 entries of 3\n"));
}
