//! What sopup depends on: each crate it names has a reason, and all keep the policy of `deny.toml`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

fn read(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// What cargo knows of sopup alone: of the crates it names, those of other platforms need not be at hand.
fn metadata() -> Value {
    let cargo = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--locked", "--offline", "--format-version", "1"])
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

/// The features of each crate, with those kinds of dependencies.
fn features(kinds: &str) -> BTreeMap<String, BTreeSet<String>> {
    let cargo = Command::new(env!("CARGO"))
        .args(["tree", "--locked", "--offline", "--edges", kinds, "--prefix", "none", "--format", "{p}\t{f}"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    assert!(cargo.status.success(), "{}", String::from_utf8_lossy(&cargo.stderr));
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (package, features) in String::from_utf8_lossy(&cargo.stdout).lines().filter_map(|line| line.split_once('\t')) {
        let name = package.split(' ').take(2).collect::<Vec<_>>().join(" ");
        let features = features.trim_end_matches("(*)").trim().split(',').filter(|feature| !feature.is_empty());
        found.entry(name).or_default().extend(features.map(str::to_owned));
    }
    found
}

/// What tests bring in turns features of shared crates on, so that the program they drive could do what the one that is
/// shipped cannot.
#[test]
fn tests_see_the_libraries_that_are_shipped() {
    let (shipped, tested) = (features("normal"), features("normal,dev"));
    assert!(shipped.len() > 50 && shipped.keys().any(|name| name.starts_with("regex-syntax")), "{shipped:?}");
    let harmless = [
        // Classes that `sops::selector` writes out itself, or that Go has not.
        ("regex-syntax", ["default", "unicode", "unicode-age", "unicode-bool", "unicode-perl", "unicode-segment"].as_slice()),
        ("lzma-rust2", &["encoder"]),
        ("getrandom", &["std"]),
        ("once_cell", &["default"]),
        ("similar", &["default", "inline"]),
    ];
    for (name, features) in &shipped {
        let more: Vec<&str> = tested.get(name).into_iter().flatten().filter(|one| !features.contains(*one)).map(String::as_str).collect();
        let allowed = harmless.iter().find(|(known, _)| name.split(' ').next() == Some(*known));
        let allowed = allowed.map_or([].as_slice(), |(_, allowed)| *allowed);
        assert!(more.iter().all(|one| allowed.contains(one)), "{name}: only tests have {more:?}");
    }
}

/// Licences, bans and sources of every crate on every platform; advisories need the network.
#[test]
fn the_policy_holds() {
    let deny = std::env::var_os("SOPUP_TEST_CARGO_DENY").unwrap_or_else(|| "cargo-deny".into());
    let mut check = Command::new(deny);
    check.args(["--color", "never", "check", "licenses", "bans", "sources"]).current_dir(env!("CARGO_MANIFEST_DIR"));
    let done = check.output().expect("cargo-deny runs: install it, or name it in SOPUP_TEST_CARGO_DENY");
    let said = String::from_utf8_lossy(&done.stderr).into_owned() + &String::from_utf8_lossy(&done.stdout);
    assert!(done.status.success() && said.contains("bans ok, licenses ok, sources ok"), "{said}");
}
