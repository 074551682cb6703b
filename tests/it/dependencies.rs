//! What sopup depends on: each crate it names has a reason, and all keep the policy of `deny.toml`.

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
