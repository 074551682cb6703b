//! The house rules that a compiler does not check.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Rooms and the rooms they may use, from the bottom up.
const ROOMS: &[(&str, &[&str])] = &[
    ("text", &[]),
    ("secret", &[]),
    ("file", &[]),
    ("sought", &["text", "secret"]),
    ("rule", &["text", "sought"]),
    ("source", &["text"]),
    ("archive", &["source"]),
    ("sops", &["secret"]),
    ("detect", &["text", "rule", "sought"]),
    ("finding", &["text", "secret", "rule", "source", "detect"]),
    ("baseline", &["text", "secret", "rule", "source", "finding"]),
    ("scan", &["text", "secret", "file", "archive", "sought", "rule", "source", "detect", "finding", "baseline"]),
    ("ledger", &["text", "secret", "sought", "rule", "sops", "finding"]),
    ("migrate", &["text", "secret", "sought", "rule", "source", "sops", "file", "detect", "finding", "ledger", "scan"]),
    ("purge", &["text", "secret", "file", "archive", "sought", "source"]),
    ("report", &["text", "secret", "rule", "source", "finding", "baseline", "scan"]),
    ("config", &["text", "rule", "finding"]),
    ("fleet", &["text", "report"]),
    (
        "cli",
        &[
            "text", "secret", "archive", "sought", "purge", "rule", "source", "sops", "file", "detect", "finding", "baseline", "ledger",
            "scan", "migrate", "report", "config", "fleet",
        ],
    ),
];

/// Floors of the room `detect` and what each may use of it, from the bottom up. The files that are not listed stand on top.
const FLOORS: &[(&str, &[&str])] = &[
    ("reason", &[]),
    ("worth", &["Evidence", "Reason", "Objection"]),
    ("syntax", &[]),
    ("search", &["Reason", "Objection", "worth", "syntax"]),
    ("extract", &["Evidence", "Reason", "Objection", "Match", "worth", "syntax", "search"]),
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

/// What code names right behind a path: one word, or the first word of each item of a list.
fn named_behind(path: &str, code: &str) -> Vec<String> {
    let code: Vec<&str> = code.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    let code = code.join("\n");
    let word = |text: &str| text.trim_start().chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
    let named = |(at, _)| {
        let rest = &code[at + path.len()..];
        let list = rest.strip_prefix('{').map(|list| list.split('}').next().unwrap_or_default());
        list.map_or_else(|| vec![word(rest)], |list| list.split(',').map(word).collect())
    };
    code.match_indices(path).flat_map(named).filter(|name: &String| !name.is_empty()).collect()
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
fn floors_of_detect_use_only_floors_below_them() {
    for (floor, allowed) in FLOORS {
        for path in files(&format!("detect/{floor}")) {
            let text = code(&path);
            let outermost = path.ends_with(format!("{floor}.rs")) || path.ends_with(format!("{floor}/mod.rs"));
            for way in [if outermost { "super::" } else { "super::super::" }, "crate::detect::*", "detect::self"] {
                let used = text.lines().find(|line| line.contains(way) && !line.trim_start().starts_with("//"));
                assert_eq!(used, None, "{}: write crate::detect::…", path.display());
            }
            for name in named_behind("crate::detect::", &text) {
                assert!(name == *floor || allowed.contains(&name.as_str()), "{}: {floor} uses {name}", path.display());
            }
        }
    }
}

#[test]
fn modules_of_a_floor_do_not_use_each_other_in_circles() {
    for floor in ["worth", "syntax", "extract"] {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/detect").join(floor);
        let mut uses: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for path in files(&format!("detect/{floor}")) {
            let inside = path.strip_prefix(&root).expect("it lies in its floor");
            let module = inside.components().next().expect("it has a name").as_os_str().to_string_lossy();
            let module = module.trim_end_matches(".rs").to_owned();
            let text = code(&path);
            let mut named = named_behind(&format!("crate::detect::{floor}::"), &text);
            if inside.components().count() == 1 || inside.ends_with("mod.rs") {
                named.extend(named_behind("super::", &text));
            }
            named.retain(|name| *name != module);
            uses.entry(module).or_default().extend(named);
        }
        uses.remove("mod");
        while let Some(free) = uses.iter().find(|(_, used)| used.iter().all(|name| !uses.contains_key(name))).map(|(name, _)| name.clone())
        {
            uses.remove(&free);
        }
        assert!(uses.is_empty(), "{floor}: in circles or above one: {:?}", uses.keys());
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
