//! `fixtures/migrate/<case>/{before,after,plan.yaml}`: what a migration makes of a tree, with the options in `args` if
//! there is such a file. Encrypted files stand in
//! `after` as the real sops decrypts them. `SOPUP_BLESS=1 cargo test migrate::cases` writes `after` and `plan.yaml`
//! anew, to be read before they are committed.

use std::fs;
use std::path::{Path, PathBuf};

use super::bench::{Bench, is_encrypted};

fn cases() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/migrate");
    let mut cases: Vec<PathBuf> = fs::read_dir(folder).expect("the cases").map(|entry| entry.expect("a case").path()).collect();
    cases.sort();
    cases
}

/// Files below a folder, by path.
fn files(folder: &Path, below: &Path, found: &mut Vec<(String, Vec<u8>)>) {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder).into_iter().flatten().map(|entry| entry.expect("an entry").path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            files(&path, below, found);
        } else {
            let name = path.strip_prefix(below).expect("below").to_string_lossy().into_owned();
            found.push((name, fs::read(&path).expect("a file")));
        }
    }
}

fn migrated(case: &Path) -> (Bench, String, Vec<(String, Vec<u8>)>) {
    let bench = Bench::new();
    let mut before = Vec::new();
    files(&case.join("before"), &case.join("before"), &mut before);
    for (path, bytes) in &before {
        bench.place.write(path, bytes);
    }
    bench.commit();
    let old = bench.tree();
    let options = fs::read_to_string(case.join("args")).unwrap_or_default();
    let with = |args: &[&str]| bench.migrate(args.iter().copied().chain(options.split_whitespace()).collect::<Vec<_>>());
    let run = with(&["--plan-out", ".git/plan.yaml"]);
    assert_eq!(run.code, 0, "{}: {}", case.display(), run.stderr);
    assert!(bench.tree() == old, "{}: a plan changes nothing", case.display());
    let plan = fs::read_to_string(bench.place.join(".git/plan.yaml")).expect("a plan");
    let run = with(&["--yes", "--include-review"]);
    assert!([0, 1].contains(&run.code), "{}: {}{}", case.display(), run.stdout, run.stderr);
    let mut after = Vec::new();
    for (path, (bytes, _)) in bench.tree() {
        if old.get(&path).is_some_and(|(known, _)| *known == bytes) {
            continue;
        }
        let shown = if is_encrypted(&bytes) { bench.decrypt(&path).into_bytes() } else { bytes };
        after.push((path, shown));
    }
    (bench, plan, after)
}

#[test]
fn every_case_becomes_what_it_should() {
    let bless = std::env::var_os("SOPUP_BLESS").is_some();
    for case in cases() {
        let (bench, plan, after) = migrated(&case);
        if bless {
            let _ = fs::remove_dir_all(case.join("after"));
            for (path, bytes) in &after {
                let file = case.join("after").join(path);
                fs::create_dir_all(file.parent().expect("a folder")).expect("folders");
                fs::write(file, bytes).expect("writes");
            }
            fs::write(case.join("plan.yaml"), &plan).expect("writes");
        }
        let mut wanted = Vec::new();
        files(&case.join("after"), &case.join("after"), &mut wanted);
        let names = |files: &[(String, Vec<u8>)]| files.iter().map(|(path, _)| path.clone()).collect::<Vec<_>>();
        assert_eq!(names(&after), names(&wanted), "{}", case.display());
        for ((path, found), (_, wanted)) in after.iter().zip(&wanted) {
            assert_eq!(String::from_utf8_lossy(found), String::from_utf8_lossy(wanted), "{}/{path}", case.display());
        }
        assert_eq!(plan, fs::read_to_string(case.join("plan.yaml")).expect("a plan"), "{}", case.display());
        let run = bench.migrate(["--undo"]);
        assert_eq!(run.code, if after.is_empty() { 4 } else { 0 }, "{}: {}", case.display(), run.stderr);
        assert_eq!(bench.place.git(["status", "--porcelain"]), "", "{}: --undo puts everything back", case.display());
    }
}
