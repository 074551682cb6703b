//! Scanning files: what is read, what is left out, what is never taken for clean.

use std::fs;
use std::process::Command;

use crate::support::{Place, TOKEN, places};

fn found(place: &Place) -> Vec<String> {
    let mut found = places(&place.report(["--worktree"]));
    found.sort();
    found
}

#[test]
fn a_clean_folder_exits_with_0_and_says_what_was_scanned() {
    let place = Place::new();
    place.write("a.md", "Nothing to see.\n");
    let run = place.sopup(["scan"]);
    assert_eq!(run.code, 0);
    assert!(run.stdout.starts_with("no secrets found: 1 file, 16 B scanned in "), "{}", run.stdout);
}

#[test]
fn the_three_seed_cases() {
    let place = Place::repository();
    place.write("docs/staging.md", "# Staging\n\nThe Grafana admin password is `gR4f-9kQz!mW`.\n");
    place.write(
        "docs/aws.md",
        "AWS account 296733347720, role `arn:aws:iam::296733347720:role/ci`,\nimages in 296733347720.dkr.ecr.eu-west-1.amazonaws.com/app\n",
    );
    place.write(".env.example", "DATABASE_URL=postgres://app:Orchid.Meadow.898@db.corp.net/app\nDB_PASSWORD=Kv7wPz3mXq\nDB_HOST=db\n");
    assert_eq!(place.sopup(["scan"]).code, 1);
    assert_eq!(
        found(&place),
        [".env.example:1:29", ".env.example:2:13", "docs/aws.md:1:13", "docs/aws.md:1:46", "docs/aws.md:2:11", "docs/staging.md:3:32"]
    );
}

#[test]
fn tracked_untracked_hidden_but_not_ignored_nor_inside_git() {
    let place = Place::repository();
    for path in ["tracked.txt", ".hidden/file", "ignored/forced.txt"] {
        place.write(path, format!("t: {TOKEN}\n"));
    }
    place.write(".gitignore", "ignored/\n");
    place.git(["add", "--force", "tracked.txt", "ignored/forced.txt"]);
    place
        .write("untracked.txt", format!("t: {TOKEN}\n"))
        .write("ignored/local.txt", format!("t: {TOKEN}\n"))
        .write(".git/info/note", TOKEN);
    assert_eq!(found(&place), [".hidden/file:1:4", "ignored/forced.txt:1:4", "tracked.txt:1:4", "untracked.txt:1:4"]);
    let mut all = places(&place.report(["--worktree", "--no-ignore"]));
    all.sort();
    assert!(all.contains(&"ignored/local.txt:1:4".to_owned()), "{all:?}");
}

#[test]
fn sopupignore_leaves_out_tracked_files_too() {
    let place = Place::repository();
    place.write("vendor/a.txt", TOKEN).write("src/a.txt", TOKEN).write(".gitignore", "vendor/\n").write(".sopupignore", "vendor/\n");
    place.git(["add", "--force", "vendor/a.txt", "src/a.txt"]);
    assert_eq!(found(&place), ["src/a.txt:1:1"]);
}

#[test]
fn one_secret_in_many_places_is_one_finding() {
    let place = Place::new();
    place.write("a.txt", format!("x\n{TOKEN}\n")).write("b/c.txt", format!("{TOKEN} {TOKEN}"));
    let report = place.report([]);
    assert_eq!(report["summary"]["secrets"], 1);
    assert_eq!(report["summary"]["occurrences"], 3);
    assert_eq!(places(&report), ["a.txt:2:1", "b/c.txt:1:1", "b/c.txt:1:42"]);
}

#[test]
fn names_of_files_are_scanned() {
    let place = Place::new();
    place.write(&format!("backup-{TOKEN}.txt"), "nothing");
    let report = place.report([]);
    assert_eq!(report["findings"][0]["occurrences"][0]["source"], "path");
}

#[test]
fn symbolic_links_are_scanned_and_not_followed() {
    let outside = Place::new();
    outside.write("secret.txt", TOKEN);
    let place = Place::new();
    std::os::unix::fs::symlink(outside.join("secret.txt"), place.join("to-file")).expect("a link");
    std::os::unix::fs::symlink(outside.path(), place.join("to-folder")).expect("a link");
    std::os::unix::fs::symlink(".", place.join("loop")).expect("a link");
    assert_eq!(place.sopup(["scan"]).code, 0);
    std::os::unix::fs::symlink(format!("https://ci:{TOKEN}@corp.net"), place.join("text")).expect("a link");
    assert_eq!(found(&place), ["text:1:12"]);
}

#[test]
fn encodings_are_read_with_right_lines_and_bytes() {
    let text = format!("première ligne\nclé: {TOKEN}\n");
    let utf16 = |to: fn(u16) -> [u8; 2], mark: bool| -> Vec<u8> {
        mark.then_some(0xfeff).into_iter().chain(text.encode_utf16()).flat_map(to).collect()
    };
    let latin1: Vec<u8> = text.chars().map(|c| u8::try_from(u32::from(c)).expect("Latin-1")).collect();
    let place = Place::new();
    let files = [
        ("utf8", text.clone().into_bytes()),
        ("bom", format!("\u{feff}{text}").into_bytes()),
        ("latin1", latin1),
        ("le", utf16(u16::to_le_bytes, true)),
        ("be", utf16(u16::to_be_bytes, true)),
        ("le-bare", utf16(u16::to_le_bytes, false)),
        ("utf32", text.chars().flat_map(|c| u32::from(c).to_le_bytes()).collect()),
        ("cr", text.replace('\n', "\r").into_bytes()),
        ("nul", format!("\0\0{text}").into_bytes()),
    ];
    for (name, bytes) in &files {
        place.write(name, bytes);
    }
    let report = place.report([]);
    let occurrences = report["findings"][0]["occurrences"].as_array().expect("occurrences");
    assert_eq!(occurrences.len(), files.len());
    for occurrence in occurrences {
        assert_eq!((&occurrence["line"], &occurrence["column"]), (&2.into(), &6.into()), "{occurrence}");
        let bytes = fs::read(place.join(occurrence["path"].as_str().expect("a path"))).expect("the file");
        let at = |name: &str| usize::try_from(occurrence[name].as_u64().expect("an offset")).expect("it fits");
        let raw: Vec<u8> = bytes[at("byte_start")..at("byte_end")].iter().copied().filter(|&byte| byte != 0).collect();
        assert_eq!(raw, TOKEN.as_bytes(), "{occurrence}");
    }
}

#[test]
fn secrets_anywhere_in_files_larger_than_a_chunk_are_found_once() {
    let place = Place::new();
    let line = "an unremarkable line of a log file, number 000000\n";
    let lines = 20_000_000 / line.len();
    let planted = [0, lines / 3, lines / 2, lines - 1];
    let text: String = (0..lines).map(|at| if planted.contains(&at) { format!("{TOKEN}\n") } else { line.to_owned() }).collect();
    place.write("big.log", text);
    let expected: Vec<String> = planted.iter().map(|at| format!("big.log:{}:1", at + 1)).collect();
    assert_eq!(places(&place.report([])), expected);
}

#[test]
fn a_secret_at_any_distance_from_a_chunk_border_is_found() {
    let border = 8 << 20;
    for (at, name) in [
        (border - 70, "before"),
        (border - 20, "across"),
        (border, "at"),
        (border - (256 << 10), "overlap"),
        (border - (128 << 10) - 20, "handover"),
    ] {
        let place = Place::new();
        let mut bytes = vec![b' '; border + (1 << 20)];
        bytes[at..at + TOKEN.len()].copy_from_slice(TOKEN.as_bytes());
        place.write(name, &bytes);
        assert_eq!(places(&place.report([])), [format!("{name}:1:{}", at + 1)]);
    }
}

#[test]
fn very_long_lines_do_not_hurt() {
    let place = Place::new();
    place.write("min.json", format!("[{}\"{TOKEN}\"]", "{\"password\":\"\",\"k\":[1,2]},".repeat(400_000)));
    let run = place.sopup(["scan"]);
    assert_eq!(run.code, 1);
    assert!(run.stdout.lines().all(|line| line.chars().count() < 400));
}

#[test]
fn what_cannot_be_read_is_named_and_never_clean() {
    let place = Place::new();
    place.write("locked.txt", TOKEN).write("open.txt", "nothing");
    fs::set_permissions(place.join("locked.txt"), std::os::unix::fs::PermissionsExt::from_mode(0o000)).expect("permissions");
    fs::set_permissions(place.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("permissions");
    let run = as_nobody(place.command().args(["scan", "--format", "json"]));
    assert_eq!(run.code, 3, "{}", run.stderr);
    let report: serde_json::Value = serde_json::from_str(&run.stdout).expect("a report");
    assert_eq!(report["summary"]["complete"], false);
    assert_eq!(report["summary"]["skipped"][0]["path"], "locked.txt");
    let run = as_nobody(place.command().arg("scan"));
    assert!(run.stdout.contains("not scanned: locked.txt: permission denied"), "{}", run.stdout);
    assert!(run.stdout.contains("incomplete:"), "{}", run.stdout);
}

/// Root may read everything, so such tests run as another user.
fn as_nobody(command: &mut Command) -> crate::support::Run {
    if Command::new("id").arg("-u").output().expect("id runs").stdout == b"0\n" {
        let program = command.get_program().to_owned();
        // The test program may lie in a folder that others cannot enter.
        let copy = tempfile::Builder::new().permissions(std::os::unix::fs::PermissionsExt::from_mode(0o755)).tempdir().expect("a folder");
        let runnable = copy.path().join("sopup");
        fs::copy(program, &runnable).expect("a copy");
        let mut other = Command::new("setpriv");
        other.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(&runnable).args(command.get_args());
        other.current_dir(command.get_current_dir().expect("set above")).env("XDG_STATE_HOME", copy.path());
        return crate::support::finish(other.output().expect("setpriv runs"));
    }
    crate::support::finish(command.output().expect("sopup runs"))
}

#[test]
fn a_broken_index_is_never_clean() {
    let place = Place::repository();
    place.write("a.txt", "nothing\n").git(["add", "a.txt"]);
    place.write(".git/index", "not an index");
    let run = place.sopup(["scan"]);
    assert_eq!(run.code, 3);
    assert!(run.stdout.contains("not scanned: .git: files that git both tracks and ignores cannot be told"), "{}", run.stdout);
    assert_eq!(place.sopup(["scan", "--worktree", "--no-ignore"]).code, 0);
    let run = place.sopup(["scan", "--staged"]);
    assert_eq!(run.code, 3);
    assert!(run.stdout.contains(".git/index: not an index"), "{}", run.stdout);
}

#[test]
fn pipes_are_named_and_not_waited_for() {
    let place = Place::new();
    assert!(Command::new("mkfifo").arg(place.join("pipe")).status().expect("mkfifo runs").success());
    let run = place.sopup(["scan"]);
    assert_eq!(run.code, 3);
    assert!(run.stdout.contains("not scanned: pipe: not a regular file"), "{}", run.stdout);
}

#[test]
fn one_file_and_a_folder_outside_git() {
    let place = Place::new();
    place.write("a/b.txt", format!("\n{TOKEN}")).write("c.txt", TOKEN);
    assert_eq!(places(&place.report(["a/b.txt"])), ["b.txt:2:1"]);
    let run = place.sopup(["scan", "a/b.txt"]);
    assert!(run.stdout.contains("--> a/b.txt:2:1"), "{}", run.stdout);
    let run = place.sopup(["scan", "a"]);
    assert!(run.stdout.contains("--> a/b.txt:2:1"), "{}", run.stdout);
}

#[test]
fn standard_input() {
    let place = Place::new();
    let run = place.sopup_with(["scan", "--stdin"], format!("a\nb {TOKEN}\n"));
    assert_eq!(run.code, 1);
    assert!(run.stdout.contains("--> <stdin>:2:3"), "{}", run.stdout);
    let source = "password = compute(secret)\n";
    assert_eq!(place.sopup_with(["scan", "--stdin", "--stdin-name", "a.py"], source).code, 0);
}

#[test]
fn threads_do_not_change_the_report() {
    let place = Place::new();
    for number in 0..60 {
        place.write(&format!("d{}/f{number}.env", number % 7), format!("DB_PASSWORD=Walrus{number}Timber\nTOKEN={TOKEN}\n"));
    }
    let report = |jobs: &str| {
        let mut report = place.report(["--jobs", jobs]);
        report["summary"]["elapsed_ms"] = 0.into();
        report
    };
    let one = report("1");
    assert_eq!(one["summary"]["secrets"], 61);
    for jobs in ["2", "8", "64"] {
        assert_eq!(report(jobs), one, "{jobs} threads");
    }
}

#[test]
fn allowed_lines_entries_and_expiry() {
    let place = Place::repository();
    place.write("a.txt", format!("{TOKEN} # sopup:allow\n"));
    assert_eq!(place.sopup(["scan"]).code, 0);
    assert_eq!(place.sopup(["scan", "--no-inline-allow"]).code, 1);
    place.write("a.txt", format!("{TOKEN} # sopup:allow generic-password\n"));
    assert_eq!(place.sopup(["scan"]).code, 1);

    let entry = |rest: &str| format!("allow:\n  - paths: ['**/*.txt', '*.txt']\n    reason: made up\n{rest}");
    place.write("sub/b.txt", TOKEN).write(".sopup.yaml", entry(""));
    assert_eq!(place.sopup(["scan"]).code, 0);
    assert_eq!(place.sopup(["scan", "sub"]).code, 0, "globs are relative to the configuration");
    assert_eq!(place.sopup(["scan", "--no-repo-config"]).code, 1);

    place.write(".sopup.yaml", entry("    expires: 2020-01-31\n"));
    let run = place.sopup(["scan"]);
    assert_eq!(run.code, 1);
    assert!(run.stdout.contains("note: allow entry 1 (made up) expired on 2020-01-31"), "{}", run.stdout);

    place.write(".sopup.yaml", entry("  - rules: [stripe-secret-key]\n    value: 'sk_live_.*'\n    reason: gone\n"));
    assert!(place.sopup(["scan"]).stdout.contains("note: allow entry 2 (gone) matched nothing"));
    // In a part of it, that says nothing.
    let file = place.path().read_dir().expect("a folder").filter_map(Result::ok).find(|entry| entry.path().is_file()).expect("a file");
    assert!(!place.sopup([std::ffi::OsString::from("scan"), file.file_name()]).stdout.contains("matched nothing"));
}

#[test]
fn fingerprints_allow_a_value_wherever_it_goes() {
    let place = Place::repository();
    let key = "fingerprint_key: uqfI0gYb1S8bZbDpXv2m\n";
    place.write("a.txt", TOKEN).write(".sopup.yaml", key);
    let report = place.report([]);
    let fingerprint = report["findings"][0]["fingerprint"].as_str().expect("a fingerprint").to_owned();
    place.write(".sopup.yaml", format!("{key}allow:\n  - fingerprints: [{fingerprint}]\n    reason: revoked\n"));
    place.write("b/moved.md", format!("now here: {TOKEN}"));
    assert_eq!(place.sopup(["scan"]).code, 0);
    place.write("a.txt", "DB_PASSWORD=Walrus88Timber");
    assert_eq!(place.sopup(["scan"]).code, 1, "another value in the old place");

    place.write(".sopup.yaml", format!("allow:\n  - fingerprints: [{fingerprint}]\n    reason: revoked\n"));
    let run = place.sopup(["scan"]);
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("add `fingerprint_key: "), "{}", run.stderr);
}

#[test]
fn a_repository_runs_nothing() {
    let place = Place::repository();
    place.write("a.txt", TOKEN).write(".gitattributes", "* filter=evil diff=evil\n").commit("a");
    let marker = place.join("executed");
    let run = format!("touch {}", marker.display());
    for (key, value) in [
        ("core.fsmonitor", run.as_str()),
        ("filter.evil.smudge", &run),
        ("filter.evil.clean", &run),
        ("diff.evil.textconv", &run),
        ("diff.external", &run),
        ("core.pager", &run),
        ("alias.status", &format!("!{run}")),
    ] {
        place.git(["config", key, value]);
    }
    place.write("a.txt", format!("{TOKEN}\nDB_PASSWORD=Walrus88Timber\n"));
    for args in [&["scan"][..], &["scan", "--staged"]] {
        place.sopup(args);
        assert!(!marker.try_exists().expect("a folder"), "{args:?} ran a program that the repository names");
    }
}

#[test]
fn files_of_git_crypt_hold_nothing() {
    use sha2::{Digest as _, Sha256};
    let place = Place::new();
    let mut sealed = b"\0GITCRYPT\0".to_vec();
    let mut block = Sha256::digest(b"a key that is nobody's").to_vec();
    for _ in 0..20_000 {
        sealed.extend_from_slice(&block);
        block = Sha256::digest(&block).to_vec();
    }
    place.write("secrets.yaml", &sealed).write(".env", &sealed[..400]).write("key.pem", &sealed[..4000]);
    assert_eq!(place.sopup(["scan", "--min-confidence", "low"]).code, 0);
}

/// With the exit code that shells know, and no report that could be taken for a whole one.
#[test]
fn an_interrupted_scan_ends_as_shells_expect() {
    let place = Place::new();
    let mut child = place.command();
    child.args(["scan", "--stdin"]).stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped());
    let mut child = child.stderr(std::process::Stdio::piped()).spawn().expect("sopup starts");
    // It waits for its input, which stays open. The signal is sent when it is listened for.
    let _input = child.stdin.take();
    let id = child.id().to_string();
    let caught = || {
        let status = fs::read_to_string(format!("/proc/{id}/status")).expect("it runs");
        let mask = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).expect("a mask").trim();
        u64::from_str_radix(mask, 16).expect("hexadecimal") & 2 != 0
    };
    while !caught() {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    Command::new("kill").args(["-INT", &id]).status().expect("kill runs");
    let ended = child.wait().expect("it is ours");
    assert_eq!(ended.code(), Some(130));
}

#[test]
fn quiet_says_what_was_found_and_what_was_not_read() {
    let place = Place::new();
    place.write("a.txt", "nothing");
    let run = place.sopup(["scan", "-q"]);
    assert_eq!((run.code, run.stdout.as_str(), run.stderr.as_str()), (0, "", ""));
    place.write("b.txt", TOKEN);
    let run = place.sopup(["scan", "--quiet", "--report", "csv=c.csv"]);
    assert!(run.code == 1 && run.stdout.contains("b.txt:1:1"), "{}{}", run.stdout, run.stderr);
    assert!(!run.stdout.contains("Next:") && !run.stdout.contains("scanned in") && run.stderr.is_empty(), "{}{}", run.stdout, run.stderr);
    place.write("d.gz", [0x1f, 0x8b, 8, 0, 0, 0]);
    let run = place.sopup(["--quiet", "scan", "d.gz"]);
    assert!(run.code == 3 && run.stdout.contains("not scanned: d.gz"), "{}{}", run.stdout, run.stderr);
    let run = place.sopup(["scan", "-q", "missing"]);
    assert!(run.code == 2 && run.stderr.contains("cannot scan missing"), "{}", run.stderr);
}

#[test]
fn phases_are_told_apart_from_the_report() {
    let place = Place::repository();
    place.write("a.env", "MODE=fast\n").commit("first");
    let (plain, verbose) =
        (place.sopup(["scan", "--format", "oneline"]), place.sopup(["scan", "--verbose", "--no-cache", "--format", "oneline"]));
    assert_eq!((verbose.code, &verbose.stdout, plain.stderr.as_str()), (0, &plain.stdout, ""), "{}", plain.stderr);
    for said in ["prepared (", "files and history of .", "scanned (", "1 files, 1 blobs", "reported ("] {
        assert!(verbose.stderr.contains(said), "{said}: {}", verbose.stderr);
    }
    assert_eq!(place.sopup(["scan", "--verbose", "--quiet"]).stderr, "");
}
