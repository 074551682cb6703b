//! The report for people: readable with five secrets and with five thousand, and right about what to do next.

use std::fmt::Write as _;
use std::process::Command;

use super::{leaky, read, report};
use crate::support::{Place, TOKEN, isolated};

/// Files with many different passwords.
fn many(count: usize) -> Place {
    let place = Place::new();
    for folder in 0..5 {
        let mut text = String::new();
        for number in (folder..count).step_by(5) {
            let _ = writeln!(text, "DB_PASSWORD_{number}=Walrus{number}Timber{folder}x");
        }
        place.write(&format!("dir{folder}/a.env"), text);
    }
    place.write("top.txt", TOKEN);
    place
}

#[test]
fn many_secrets_begin_with_an_overview() {
    let place = many(600);
    let text = report(&place, &[]);
    assert!(text.starts_with("601 secrets in 601 places: 1 critical, 600 high\n\nBy rule\n    600  generic-password"), "{text}");
    assert!(text.contains("By folder\n    120  dir0/"), "{text}");
    assert_eq!(text.matches("\n -->").count() + text.matches("\n  -->").count(), 20, "{text}");
    assert_eq!(text.lines().filter(|line| line.starts_with("high[generic-password] dir")).count(), 581);
    assert!(text.contains("581 secrets have one line each; `--all` shows every block"), "{text}");
    assert!(text.lines().count() < 900);
    let all = report(&place, &["--all"]);
    assert_eq!(all.matches("--> ").count(), 601);
    assert!(!all.contains("one line each"));
}

#[test]
fn groups_have_headings() {
    let place = Place::new();
    place
        .write("a.env", "DB_PASSWORD=Walrus88Timber\nX_PASSWORD=Heron55Lantern\n")
        .write("b.txt", TOKEN)
        .write("c.md", "AWS account 296733347720\n");
    let headings = |what: &str| -> Vec<String> {
        let text = report(&place, &["--group-by", what]);
        text.lines().filter_map(|line| line.strip_prefix("== ")).map(str::to_owned).collect()
    };
    assert_eq!(headings("path"), ["b.txt: 1 secret in 1 place", "a.env: 2 secrets in 2 places", "c.md: 1 secret in 1 place"]);
    let by_severity = ["critical: 1 secret in 1 place", "high: 2 secrets in 2 places", "low: 1 secret in 1 place"];
    assert_eq!(headings("severity"), by_severity);
    assert_eq!(headings("rule").len(), 3);
}

#[test]
fn a_file_and_its_history_are_one_place() {
    let text = report(&leaky(), &[]);
    let block = text.split("\n\n").find(|block| block.contains(" a.env:2:13\n")).expect("its block");
    assert!(block.contains("= also in history since ") && !block.contains("also a.env"), "{block}");
    assert!(
        block.ends_with("2 versions, on main\n   = fingerprint 1d6c5b90c9de1f5b1d2a3f0c") || block.contains("2 versions, on main\n"),
        "{block}"
    );
}

#[test]
fn what_is_next_depends_on_where_secrets_are() {
    let in_files = report(&leaky(), &[]);
    assert!(in_files.contains("`sopup migrate --dry-run`") && in_files.contains("`sopup explain a.env:2`"), "{in_files}");
    assert!(!in_files.contains("purge plan"), "{in_files}");

    let place = Place::repository();
    place.write("a.env", "DB_PASSWORD=Walrus88Timber\n").commit("First");
    place.write("a.env", "").commit("Second");
    let gone = report(&place, &[]);
    assert!(gone.contains("`sopup purge plan`") && !gone.contains("migrate") && !gone.contains("explain"), "{gone}");

    let own = "rules:\n  - id: own-token\n    name: Own token\n    severity: high\n    keywords: [own_]\n    pattern: '\\b own_ [a-z]{12} \\b'\n    \
               rotate: {steps: [Ask.]}\n    examples: ['own_qwhdkzmvbxlp', 'x own_kzqmwvnbhtxr']\n    negatives: ['own_abc', 'own']\n";
    let place = Place::repository();
    place.write(".sopup.yaml", own).write("b.txt", "own_hqzkmwvxtbdr\n");
    let text = report(&place, &[]);
    assert!(text.contains("[own-token]") && !text.contains("rules show"), "{text}");
}

#[test]
fn clean_says_what_was_in_scope() {
    let place = Place::repository();
    place.write("sub/a.txt", "plain\n").commit("First");
    assert!(report(&place, &[]).contains("(files and history of .)"));
    assert!(report(&place, &["--history"]).contains("(history of .)"));
    assert!(report(&place, &["--staged"]).contains("(what is staged)"));
    let below = report(&place, &["sub"]);
    assert!(below.contains("(files below sub)") && below.contains("the history of the repository was not scanned"), "{below}");
    assert!(!report(&place, &["--worktree"]).contains("was not scanned"));
    let empty = Place::new();
    assert!(report(&empty, &[]).contains("there was nothing to scan"));
}

#[test]
fn a_shallow_clone_is_told_how_to_get_the_rest() {
    let place = Place::repository();
    place.write("a.txt", "one\n").commit("First");
    place.write("a.txt", "two\n").commit("Second");
    place.git(["clone", "--quiet", "--depth=1", "--no-local", ".", "clone"]);
    let mut command = place.command();
    let output = command.current_dir(place.join("clone")).arg("scan").output().expect("sopup runs");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    assert_eq!(output.status.code(), Some(3), "{text}");
    assert!(text.contains("`git fetch --unshallow`"), "{text}");

    // Others that lack objects are told something else.
    let lacking = Place::repository();
    lacking.write("a.txt", "one\n").commit("First");
    let blob = lacking.git(["rev-parse", "HEAD:a.txt"]);
    std::fs::remove_file(lacking.join(&format!(".git/objects/{}/{}", &blob[..2], blob[2..].trim()))).expect("is removed");
    let text = lacking.sopup(["scan"]).stdout;
    assert!(text.contains("hint: the repository lacks objects: `git fsck` lists them") && !text.contains("--unshallow"), "{text}");
}

/// What a terminal of 60 columns is shown.
fn on_a_terminal(place: &Place, term: &str) -> String {
    let python = std::env::var_os("SOPUP_TEST_PYTHON").unwrap_or_else(|| "python3".into());
    let script = "import fcntl, os, pty, struct, sys, termios\n\
                  pid, terminal = pty.fork()\n\
                  if pid == 0:\n    os.read(0, 1)\n    os.execv(sys.argv[1], sys.argv[1:])\n\
                  fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack('HHHH', 24, 60, 0, 0))\n\
                  os.write(terminal, b'\\n')\n\
                  while True:\n    try:\n        data = os.read(terminal, 4096)\n    except OSError:\n        break\n    \
                  if not data: break\n    sys.stdout.buffer.write(data)\n";
    let mut command = Command::new(python);
    isolated(command.args(["-c", script, env!("CARGO_BIN_EXE_sopup"), "scan"])).current_dir(place.path());
    let output = command.env("TERM", term).env("XDG_STATE_HOME", place.path().join("state")).output().expect("Python runs");
    String::from_utf8(output.stdout).expect("UTF-8")
}

#[test]
fn lines_fit_the_terminal_and_paths_are_links() {
    let place = Place::new();
    place.write("a.env", format!("{} DB_PASSWORD=Walrus88Timber # {}\n", "x ".repeat(30), "note ".repeat(20)));
    let text = on_a_terminal(&place, "xterm-256color");
    let link =
        format!("\u{1b}]8;;file://{}/a.env\u{1b}\\a.env:1:74\u{1b}]8;;\u{1b}\\", place.path().canonicalize().expect("a folder").display());
    assert!(text.contains(&link), "{text:?}");
    let styles = regex::Regex::new("\u{1b}\\[[0-9;]*m").expect("a pattern");
    let plain = styles.replace_all(&text, "").into_owned();
    let line = plain.lines().find(|line| line.starts_with("1 | ")).expect("the line");
    assert!(line.chars().count() <= 60 && line.contains("DB_PASSWORD=Wa******** #") && line.trim_end().ends_with('…'), "{line}");
    assert!(!on_a_terminal(&place, "dumb").contains("\u{1b}]8"));
}

/// A secret access key and the ID beside it, so many times.
fn pairs(count: usize) -> Place {
    let place = Place::new();
    let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    let letter = |number: usize, factor: usize| char::from(letters[(number * factor + number / 26 + 3) % 26]);
    for number in 0..count {
        let (a, b, c) = (letter(number, 1), letter(number, 7), letter(number, 11));
        place.write(
            &format!("{number}.env"),
            format!(
                "aws_access_key_id = AKIAQX5ZL3TR{a}W7V{b}HP{c}\naws_secret_access_key = kV7dQ2mX9pL4sT8{a}wZ1cB6{b}nR3yH5jF0gE7u{c}2iM\n"
            ),
        );
    }
    place
}

#[test]
fn all_formats_count_alike() {
    let place = pairs(1);
    let found: serde_json::Value = serde_json::from_str(&report(&place, &["--format", "json"])).expect("JSON");
    assert_eq!(found["findings"].as_array().map(Vec::len), Some(2));
    let text = report(&place, &[]);
    assert!(text.contains("\n2 secrets in 2 places (1 critical, 1 low): ") || text.contains("\n2 secrets in 2 places ("), "{text}");
    assert_eq!((text.matches("--> ").count(), text.matches("   = with AWS access key ID ").count()), (1, 1), "{text}");
    assert!(report(&place, &["--format", "markdown"]).contains("2 secrets in 2 places"));
    assert_eq!(report(&place, &["--format", "oneline"]).lines().count(), 2);
    // Below headings by which they differ they stand apart.
    let rules = report(&place, &["--group-by", "rule"]);
    assert_eq!((rules.matches("\n== ").count() + 1, rules.matches(": 1 secret in 1 place\n").count()), (2, 2), "{rules}");
    let paths = report(&place, &["--group-by", "path"]);
    assert!(paths.starts_with("== 0.env: 2 secrets in 2 places\n"), "{paths}");

    let place = pairs(40);
    let count = report(&place, &["--format", "oneline"]).lines().count();
    let text = report(&place, &[]);
    assert!(
        text.starts_with(&format!("{count} secrets in {count} places: "))
            && text.contains(&format!("\n{count} secrets in {count} places (")),
        "{text}"
    );
    let short: Vec<&str> = text.lines().filter(|line| line.contains(", with [aws-access-key-id] AKIA")).collect();
    assert_eq!((count, short.len()), (80, 20), "{text}");
}

#[test]
fn pages_have_filters_by_name_and_count() {
    let place = pairs(3);
    let page = report(&place, &["--format", "html"]);
    let data = page.split("id=\"data\">").nth(1).and_then(|rest| rest.split("</script>").next()).expect("data");
    let data: serde_json::Value = serde_json::from_str(data).expect("JSON");
    let table = &data["tables"][0];
    assert_eq!(table["filters"], serde_json::json!(["severity", "rule", "author", "source"]));
    let rules: std::collections::BTreeSet<&str> =
        table["rows"].as_array().expect("rows").iter().filter_map(|row| row[1].as_str()).collect();
    let names = table["names"].as_object().expect("names");
    assert!(rules.len() == 2 && rules.iter().all(|rule| names[*rule].as_str().is_some_and(|name| name.starts_with("AWS "))), "{table}");
}

#[test]
fn five_thousand_secrets_fit_each_format() {
    let place = many(5000);
    let page = report(&place, &["--format", "html"]);
    assert!(page.len() < 3_000_000, "{} bytes", page.len());
    let seen = read(&["html"], &page);
    assert_eq!((seen["rows"].as_array().map(Vec::len), &seen["tags"]["tr"]), (Some(5001), &201.into()));
    let summary = report(&place, &["--format", "markdown"]);
    assert!(summary.len() < 65_536 && summary.contains("more places; another format"), "{} bytes", summary.len());
    let short = report(&place, &[]);
    assert!(short.lines().count() < 5_300, "{}", short.lines().count());
    assert_eq!(report(&place, &["--format", "oneline"]).lines().count(), 5001);
}
