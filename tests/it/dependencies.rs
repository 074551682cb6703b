//! What sopup depends on: each crate it names has a reason, and all have licences and sources that `deny.toml` allows.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

fn read(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// What cargo knows of all crates, by the lock file.
fn metadata() -> Value {
    let cargo = Command::new(env!("CARGO"))
        .args(["metadata", "--locked", "--offline", "--format-version", "1"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    assert!(cargo.status.success(), "{}", String::from_utf8_lossy(&cargo.stderr));
    serde_json::from_slice(&cargo.stdout).expect("JSON")
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().unwrap_or_else(|| panic!("no {key}"))
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_else(|| panic!("no {key} in {value}"))
}

#[test]
fn each_crate_that_is_named_has_its_reason() {
    let metadata = metadata();
    let own = list(&metadata, "packages").iter().find(|package| package["source"].is_null()).expect("sopup itself");
    let normal = list(own, "dependencies").iter().filter(|dependency| dependency["kind"].is_null());
    let named: BTreeSet<&str> =
        normal.map(|dependency| dependency["rename"].as_str().unwrap_or_else(|| text(dependency, "name"))).collect();
    let page = read("docs/dependencies.md");
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
    let told: BTreeSet<&str> = rows.map(|(name, _)| name).collect();
    assert_eq!(told, named);
    for row in page.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").collect();
        assert!(cells.len() == 3 && cells.iter().all(|cell| cell.trim().len() > 2), "{row}");
    }
}

#[test]
fn licences_and_sources_are_allowed() {
    let policy: toml_edit::Document<String> = toml_edit::Document::parse(read("deny.toml")).expect("TOML");
    let strings = |table: &str, key: &str| -> BTreeSet<String> {
        let array = policy[table][key].as_array().unwrap_or_else(|| panic!("no {table}.{key}"));
        array
            .iter()
            .map(|item| item.as_str().or_else(|| item.as_inline_table()?.get("crate")?.as_str()).expect("a text").to_owned())
            .collect()
    };
    let (allowed, banned) = (strings("licenses", "allow"), strings("bans", "deny"));
    let metadata = metadata();
    let mut used = BTreeSet::new();
    for package in list(&metadata, "packages") {
        let (name, licence) = (text(package, "name"), text(package, "license"));
        assert!(!banned.contains(name), "{name} is banned");
        if let Some(source) = package["source"].as_str() {
            assert!(source.starts_with("registry+https://github.com/rust-lang/crates.io-index"), "{name} is from {source}");
        }
        // `A OR B`, `A/B`, `(A OR B) AND C`
        let licence = licence.replace(['(', ')'], "").replace('/', " OR ");
        for part in licence.split(" AND ") {
            let choices: Vec<&str> = part.split(" OR ").map(str::trim).filter(|choice| allowed.contains(*choice)).collect();
            assert!(!choices.is_empty(), "{name}: {licence}");
            used.extend(choices.into_iter().map(str::to_owned));
        }
    }
    assert_eq!(used, allowed, "a licence is allowed that nothing has");
}
