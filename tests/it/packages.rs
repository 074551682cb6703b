//! What packages are made of: one version, one list of platforms, scripts that parse. That the packages work is proven
//! by `dist/test.sh`, which needs a build of minutes.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use crate::ci::{file, tool, yaml};
use crate::support::Place;

const VERSION: &str = env!("CARGO_PKG_VERSION");

fn text(path: &str) -> String {
    fs::read_to_string(file(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn launcher() -> serde_json::Value {
    serde_json::from_str(&text("npm/package.json")).expect("JSON")
}

#[test]
fn every_package_has_the_version_of_the_crate() {
    for (path, line, times) in [
        ("pyproject.toml", format!("\nversion = \"{VERSION}\"\n"), 1),
        ("pyproject.toml", format!("\ndependencies = [\"sopup=={VERSION}\"]\n"), 1),
        ("Dockerfile", format!("org.opencontainers.image.version=\"{VERSION}\""), 2),
        ("ci/kubernetes-job.yaml", format!("image: ghcr.io/sopup/sopup:{VERSION}\n"), 1),
        ("docs/src/hooks.md", format!("rev: v{VERSION}\n"), 1),
        ("docs/src/install.md", format!("rev: v{VERSION}\n"), 1),
        ("docs/src/install.md", format!("sopup_{VERSION}-1_amd64.deb"), 2),
    ] {
        assert_eq!(text(path).matches(&line).count(), times, "{path} should say {line:?}; the version is {VERSION}");
    }
    let launcher = launcher();
    assert_eq!(launcher["version"], VERSION);
    for (name, version) in launcher["optionalDependencies"].as_object().expect("packages with programs") {
        assert_eq!(version, VERSION, "{name}");
    }
}

#[test]
fn programs_are_released_for_the_platforms_that_npm_is_told() {
    let workflow = yaml(".github/workflows/release.yml");
    let built = workflow["jobs"]["packages"]["strategy"]["matrix"]["include"].as_sequence().expect("targets").clone();
    let place = Place::new();
    place.write("sopup", "a program").write("THIRD-PARTY.txt", "licences");
    place.shell("mkdir packages");
    let (binary, out) = (place.join("sopup"), place.join("packages"));
    for target in &built {
        let target = target["target"].as_str().expect("a target");
        let output = Command::new(file("npm/pack.sh")).arg(&binary).arg(target).arg(VERSION).arg(&out).env("HOME", place.path()).output();
        let output = output.expect("npm/pack.sh runs");
        assert!(output.status.success(), "{target}: {}", String::from_utf8_lossy(&output.stderr));
    }
    let packed: BTreeSet<String> =
        fs::read_dir(&out).expect("packages").map(|entry| entry.expect("one").file_name().into_string().expect("UTF-8")).collect();
    let named: BTreeSet<String> = launcher()["optionalDependencies"]
        .as_object()
        .expect("packages with programs")
        .keys()
        .map(|name| format!("{}-{VERSION}.tgz", name.trim_start_matches('@').replace('/', "-")))
        .chain([format!("sopup-{VERSION}.tgz")])
        .collect();
    assert_eq!(packed, named);
}

#[test]
fn scripts_parse() {
    for path in ["dist/build.sh", "dist/deb.sh", "dist/test.sh", "npm/pack.sh"] {
        let output = Command::new("bash").arg("-n").arg(file(path)).output().expect("bash runs");
        assert!(output.status.success() && output.stderr.is_empty(), "{path}: {}", String::from_utf8_lossy(&output.stderr));
    }
    for path in ["dist/parts.py", "dist/given-cargo.py"] {
        let parse = "import ast, sys; ast.parse(open(sys.argv[1]).read())";
        let output = tool("python").args(["-c", parse]).arg(file(path)).output().expect("python runs");
        assert!(output.status.success(), "{path}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

/// pre-commit runs each hook in three ways that differ in where sopup comes from, and in nothing else.
#[test]
fn hooks_for_pre_commit_come_in_three_ways() {
    let mut hooks = Vec::new();
    for hook in yaml(".pre-commit-hooks.yaml").as_sequence().expect("hooks") {
        let mut hook = hook.as_mapping().expect("a hook").clone();
        let mut take = |name: &str| hook.remove(name).and_then(|value| value.as_str().map(str::to_owned)).expect("a text");
        let (id, language) = (take("id"), take("language"));
        let description = take("description");
        hooks.push((id, language, description.split(" (").next().unwrap_or_default().to_owned(), hook));
    }
    for name in ["sopup", "sopup-push", "sopup-message"] {
        let of = |id: &str| hooks.iter().find(|hook| hook.0 == id).unwrap_or_else(|| panic!("there is no hook {id}"));
        let (built, wheel, system) = (of(name), of(&format!("{name}-python")), of(&format!("{name}-system")));
        assert_eq!([&built.1, &wheel.1, &system.1], ["rust", "python", "system"]);
        assert_eq!((&built.2, &built.3), (&wheel.2, &wheel.3), "{name}");
        assert_eq!((&built.2, &built.3), (&system.2, &system.3), "{name}");
    }
    assert_eq!(hooks.len(), 9);
}
