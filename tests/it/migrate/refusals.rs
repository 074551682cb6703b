//! What a migration refuses, with exit code 4 and every byte as it was; and what an interrupted one leaves.

use std::fs;
use std::process::Stdio;
use std::time::{Duration, Instant};

use super::bench::{Bench, is_encrypted};
use crate::support::{Place, finish};

const PASSWORD: &str = "Orchid.Meadow.Tundra.898";
/// Another one, so that there are two stores.
const OTHER: &str = "gR4nite-Falcon-27";

fn bench() -> Bench {
    let bench = Bench::new();
    bench
        .place
        .write("docs/a.md", format!("The password is `{OTHER}`.\n"))
        .write("b.sh", format!("#!/bin/sh\nPGPASSWORD={PASSWORD} psql\n"));
    bench.commit();
    bench
}

fn refused(bench: &Bench, message: &str) {
    let before = bench.tree();
    let run = bench.migrate(["--yes"]);
    assert_eq!(run.code, 4, "{}{}", run.stdout, run.stderr);
    assert!(run.stderr.contains(message), "{}", run.stderr);
    assert!(!run.stderr.contains(PASSWORD));
    assert!(bench.tree() == before, "a refusal changes nothing");
}

#[test]
fn a_file_with_changes_is_refused() {
    let bench = bench();
    bench.place.write("docs/a.md", format!("The password is `{OTHER}`. More.\n"));
    refused(&bench, "docs/a.md has changes that are not committed");
    bench.place.git(["add", "--all"]);
    refused(&bench, "docs/a.md has changes that are not committed");
    assert_eq!(bench.migrate(["--yes", "--skip", "docs/**"]).code, 1, "other files can be migrated");
}

#[test]
fn a_file_that_would_not_be_clean_is_left_alone() {
    let bench = bench();
    // A rule that takes the reference for a secret.
    bench.place.write(
        ".git/rules/own.yaml",
        "\
provider: Own
rules:
  - id: own
    name: Own
    severity: high
    keywords: ['sops decrypt']
    pattern: '(?<secret> sops\\ decrypt )'
    rotate: {steps: [None.]}
    examples: ['x «sops decrypt»', 'y «sops decrypt» z']
    negatives: ['x', 'y']
",
    );
    let doc = fs::read(bench.place.join("docs/a.md")).expect("the document");
    let run = bench.migrate(["--yes", "--rules", ".git/rules"]);
    assert_eq!(run.code, 1, "{}{}", run.stdout, run.stderr);
    assert!(run.stdout.contains("manual docs/a.md:1") && run.stdout.contains("a scan would report `own`"), "{}", run.stdout);
    assert_eq!(fs::read(bench.place.join("docs/a.md")).expect("the document"), doc);
    assert!(!fs::read_to_string(bench.place.join("b.sh")).expect("the script").contains(PASSWORD), "the rest is migrated");
}

#[test]
fn a_merge_in_progress_is_refused() {
    let bench = bench();
    bench.place.git(["switch", "--quiet", "-c", "other"]);
    bench.place.write("c", "1\n").commit("one");
    bench.place.git(["switch", "--quiet", "main"]);
    bench.place.write("d", "2\n").commit("two");
    bench.place.git(["merge", "--quiet", "--no-commit", "--no-ff", "other"]);
    refused(&bench, "in the middle of a merge");
}

#[test]
fn links_are_refused() {
    let bench = bench();
    fs::hard_link(bench.place.join("docs/a.md"), bench.place.join(".git/other-name")).expect("links");
    refused(&bench, "docs/a.md has 2 names");
    let bench = self::bench();
    std::os::unix::fs::symlink("elsewhere", bench.place.join("secrets")).expect("links");
    refused(&bench, "is a symbolic link, or below one");
}

#[test]
fn a_locked_index_is_refused() {
    let bench = bench();
    bench.place.write(".git/index.lock", "");
    refused(&bench, "the index is locked");
}

#[test]
fn a_store_that_git_would_ignore_is_refused_where_somebody_asked_for_it() {
    let bench = bench();
    bench.place.write(".gitignore", "*.enc.yaml\n").commit("ignores");
    let plan = bench.place.join(".git/plan.yaml");
    assert_eq!(bench.migrate(["--plan-out".as_ref(), plan.as_os_str()]).code, 0);
    let before = bench.tree();
    let run = bench.migrate(["--apply".as_ref(), plan.as_os_str(), "--yes".as_ref()]);
    assert_eq!(run.code, 4, "{}{}", run.stdout, run.stderr);
    assert!(run.stderr.contains("would be ignored by git"), "{}", run.stderr);
    assert!(bench.tree() == before, "a refusal changes nothing");
    bench.place.write(".gitignore", "secrets/\n").commit("ignores a folder alone");
    assert_eq!(bench.migrate(["--yes"]).code, 0);
    assert!(bench.decrypt("sops/shared.enc.yaml").contains(OTHER));
}

#[test]
fn recipients_who_are_not_us_are_refused() {
    let bench = bench();
    let other = age::x25519::Identity::generate().to_public().to_string();
    bench.place.write(".sops.yaml", format!("creation_rules:\n  - age: {other}\n")).commit("others");
    refused(&bench, "cannot decrypt what was encrypted");
}

#[test]
fn a_dry_run_needs_no_key_of_the_recipients() {
    let bench = bench();
    let other = age::x25519::Identity::generate().to_public().to_string();
    bench.place.write(".sops.yaml", format!("creation_rules:\n  - path_regex: ^vault/\n    age: {other}\n")).commit("others");
    let before = bench.tree();
    let run = bench.migrate(["--dry-run"]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    assert!(run.stderr.contains("do not open what is encrypted for the recipients"), "{}", run.stderr);
    assert!(run.stdout.contains(&other) && run.stdout.matches("age1").count() == run.stdout.matches(&other).count(), "{}", run.stdout);
    assert!(run.stdout.contains(".sops.yaml gets creation rules"), "{}", run.stdout);
    assert_eq!(bench.tree(), before);
    refused(&bench, "cannot decrypt what was encrypted");
}

#[test]
fn a_dry_run_needs_no_key() {
    let bench = Bench::new();
    bench.place.write(".env", "DB_PASSWORD=Orchid7Meadow!kestrel\n");
    bench.commit();
    let without = |bench: &Bench| {
        let mut command = bench.place.command();
        command.args(["migrate", "--dry-run", "--include-review"]).env("HOME", "/nonexistent").env_remove("SOPS_AGE_RECIPIENTS");
        finish(command.output().expect("sopup runs"))
    };
    let before = bench.tree();
    let run = without(&bench);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    assert!(run.stderr.contains("a key that nobody keeps") && run.stdout.contains(&bench.recipient), "{}{}", run.stdout, run.stderr);
    std::fs::remove_file(bench.place.join(".sops.yaml")).expect("removed");
    let run = without(&bench);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    assert!(run.stdout.contains(".env") && !run.stdout.contains("age1"), "no recipient is made up: {}", run.stdout);
    bench.place.write(".sops.yaml", &before[".sops.yaml"].0);
    assert_eq!(bench.tree(), before);
}

#[test]
fn without_recipients_or_identity_nothing_happens() {
    let bench = bench();
    bench.place.git(["rm", "--quiet", ".sops.yaml"]);
    bench.place.commit("no rules");
    refused(&bench, "no recipient is known");
    let run = bench.migrate(["--yes", "--age", &bench.recipient]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    fs::remove_file(bench.place.join(".git/keys.txt")).expect("removes");
    let run = bench.migrate(["--yes", "--age", &bench.recipient]);
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("no age identity"), "{}", run.stderr);
}

#[test]
fn nobody_is_asked_without_a_terminal() {
    let bench = bench();
    let before = bench.tree();
    let run = bench.migrate::<&str>([]);
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("nobody to ask"), "{}", run.stderr);
    assert!(bench.tree() == before);
}

#[test]
fn only_one_migration_runs_at_a_time() {
    let bench = bench();
    fs::create_dir_all(bench.place.join(".git/sopup")).expect("a folder");
    let file = fs::File::create(bench.place.join(".git/sopup/lock")).expect("a file");
    file.lock().expect("locks");
    refused(&bench, "another sopup is migrating");
    drop(file);
    assert_eq!(bench.migrate(["--yes"]).code, 0);
}

#[test]
fn undo_leaves_files_alone_that_changed_since() {
    let bench = bench();
    assert_eq!(bench.migrate(["--yes"]).code, 0);
    bench.place.write("b.sh", "#!/bin/sh\nmine\n");
    let before = bench.tree();
    let run = bench.migrate(["--undo"]);
    assert_eq!(run.code, 4, "{}", run.stderr);
    assert!(run.stderr.contains("b.sh"), "{}", run.stderr);
    assert!(bench.tree() == before);
}

#[test]
fn line_ends_marks_modes_and_attributes_are_kept() {
    let bench = Bench::new();
    bench.place.write("a.sh", format!("\u{feff}#!/bin/sh\r\nPGPASSWORD={PASSWORD} psql\r\nend"));
    fs::set_permissions(bench.place.join("a.sh"), std::os::unix::fs::PermissionsExt::from_mode(0o750)).expect("a mode");
    let attribute = |args: &[&str]| {
        let output =
            std::process::Command::new("python3").arg("-c").args(args).arg(bench.place.join("a.sh")).output().expect("python3 runs");
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    attribute(&["import os,sys; os.setxattr(sys.argv[1], 'user.note', b'kept')"]);
    bench.commit();
    assert_eq!(bench.migrate(["--yes"]).code, 0);
    assert_eq!(attribute(&["import os,sys; print(os.getxattr(sys.argv[1], 'user.note').decode())"]), "kept\n");
    let (text, mode) = bench.tree()["a.sh"].clone();
    let text = String::from_utf8(text).expect("UTF-8");
    assert_eq!(mode & 0o777, 0o750);
    assert_eq!(text, "\u{feff}#!/bin/sh\r\nPGPASSWORD=\"${A_PGPASSWORD:?set by sops exec-env a.sops.env}\" psql\r\nend");
}

/// The process is killed at twenty moments; what it left is finished or undone.
#[test]
fn a_killed_migration_is_finished_or_undone() {
    let before = bench().tree();
    let text = |tree: &super::bench::Tree, path: &str| tree.get(path).map(|(bytes, _)| bytes.clone());
    let began = Instant::now();
    assert_eq!(bench().migrate(["--yes"]).code, 0);
    let whole = began.elapsed();
    for moment in 0..20_u32 {
        let bench = bench();
        let mut command = bench.place.command();
        command
            .args(["migrate", "--yes"])
            .env("SOPS_AGE_KEY_FILE", bench.place.join(".git/keys.txt"))
            .env("HOME", bench.place.join(".git"));
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("sopup starts");
        std::thread::sleep(whole * moment / 20 + Duration::from_micros(100));
        let _ = child.kill();
        child.wait().expect("it ends");
        let how = if moment % 2 == 0 { "--resume" } else { "--undo" };
        let run = bench.migrate([how]);
        assert!([0, 4].contains(&run.code), "{}", run.stderr);
        let after = bench.tree();
        let old = ["docs/a.md", "b.sh"].iter().all(|path| text(&after, path) == text(&before, path));
        let new = ["docs/a.md", "b.sh"]
            .iter()
            .all(|path| [PASSWORD, OTHER].iter().all(|secret| !String::from_utf8_lossy(&after[*path].0).contains(secret)));
        assert!(old || new, "killed at moment {moment}");
        let stores = after.iter().filter(|(_, (bytes, _))| is_encrypted(bytes));
        assert_eq!(stores.count(), if new { 2 } else { 0 }, "killed at moment {moment}: {:?}", after.keys());
        assert!(!after.keys().any(|path| path.contains(".tmp")), "{:?}", after.keys());
    }
}

#[test]
fn a_broken_repository_is_told_from_none() {
    let bench = bench();
    fs::remove_dir_all(bench.place.join(".git/refs")).expect("removed");
    let run = bench.migrate(["--dry-run"]);
    assert_eq!(run.code, 2, "{}{}", run.stdout, run.stderr);
    assert!(run.stderr.contains("git fsck"), "{}", run.stderr);
    let run = Place::new().sopup(["migrate", "--dry-run"]);
    assert!(run.code == 2 && run.stderr.contains("run it inside a git repository with a working tree"), "{}", run.stderr);
}
