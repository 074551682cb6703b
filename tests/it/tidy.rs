//! The house rules that a compiler does not check.

use std::fs;
use std::path::{Path, PathBuf};

/// Rooms and the rooms they may use, from the bottom up.
const ROOMS: &[(&str, &[&str])] = &[
    ("text", &[]),
    ("secret", &[]),
    ("file", &[]),
    ("archive", &[]),
    ("sought", &["text", "secret"]),
    ("rule", &["text", "sought"]),
    ("source", &["text"]),
    ("sops", &["secret"]),
    ("detect", &["text", "rule", "sought"]),
    ("finding", &["text", "secret", "rule", "source", "detect"]),
    ("baseline", &["text", "secret", "rule", "source", "finding"]),
    ("scan", &["text", "secret", "file", "archive", "sought", "rule", "source", "detect", "finding", "baseline"]),
    ("ledger", &["text", "secret", "sought", "rule", "sops", "finding"]),
    ("migrate", &["text", "secret", "sought", "rule", "source", "sops", "file", "detect", "finding"]),
    ("purge", &["text", "secret", "file", "archive", "sought", "source"]),
    ("report", &["text", "secret", "rule", "source", "finding", "baseline", "scan"]),
    ("config", &["text", "rule", "finding"]),
    ("fleet", &["text", "report"]),
    (
        "cli",
        &[
            "text", "secret", "sought", "purge", "rule", "source", "sops", "file", "detect", "finding", "baseline", "ledger", "scan",
            "migrate", "report", "config", "fleet",
        ],
    ),
];

/// Lines after which a file is asked to be split; tests at its end do not count.
const LONGEST: usize = 400;

fn files(room: &str) -> Vec<PathBuf> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let single = src.join(format!("{room}.rs"));
    let mut found = Vec::new();
    if single.is_file() {
        found.push(single);
    }
    let mut folders = vec![src.join(room)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten() {
            let path = entry.expect("readable").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    assert!(!found.is_empty(), "the room {room} is gone; correct this table");
    found
}

fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).expect("readable");
    text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default().to_owned()
}

#[test]
fn rooms_use_only_rooms_below_them() {
    for (room, allowed) in ROOMS {
        for path in files(room) {
            for (number, line) in code(&path).lines().enumerate() {
                let Some(at) = line.find("crate::").filter(|_| !line.trim_start().starts_with("//")) else { continue };
                let used: String = line[at + 7..].chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
                let fine = used == *room || allowed.contains(&used.as_str()) || used.is_empty();
                assert!(fine, "{}:{}: {room} uses {used}", path.display(), number + 1);
            }
        }
    }
}

#[test]
fn files_start_with_their_purpose_and_stay_short() {
    for (room, _) in ROOMS {
        for path in files(room) {
            let text = code(&path);
            assert!(text.starts_with("//!"), "{} does not say what lives in it", path.display());
            assert!(text.lines().count() <= LONGEST, "{} has more than {LONGEST} lines", path.display());
        }
    }
}

#[test]
fn only_the_command_line_prints_or_exits() {
    for (room, _) in ROOMS.iter().filter(|(room, _)| *room != "cli") {
        for path in files(room) {
            let text = code(&path);
            for word in ["println!", "print!(", "process::exit", "clap::"] {
                assert!(!text.contains(word), "{} has {word}", path.display());
            }
        }
    }
}

#[test]
fn secrets_have_no_way_to_be_printed() {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/secret.rs")).expect("readable");
    for word in ["impl fmt::Display for Secret", "derive(Debug", "Serialize"] {
        let code: String = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
        assert!(!code.contains(word), "src/secret.rs has {word}");
    }
}
