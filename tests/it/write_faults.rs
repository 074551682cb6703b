//! Commands that write are killed, or their disk fails, at some of the system calls that write. `benches/faults_write.py`
//! does it at all of them.

use std::process::Command;

use crate::sops::bench::sops_binary;

#[test]
fn commands_that_are_broken_off_leave_old_or_new_files() {
    let harness = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/faults_write.py");
    let output = Command::new("python3")
        .args([harness, "--sopup", env!("CARGO_BIN_EXE_sopup"), "--sample", "90"])
        .env("SOPUP_TEST_SOPS", sops_binary())
        .output()
        .expect("python3 runs");
    let (out, error) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}{error}");
    assert!(out.contains("\"failed\": 0"), "{out}");
}

#[test]
fn what_sopup_keeps_for_itself_is_private_whatever_the_umask_is() {
    use std::os::unix::fs::MetadataExt as _;
    let bench = crate::migrate::bench::Bench::new();
    bench.place.write("b.env", "DB_PASSWORD=Orchid.Meadow.Tundra.898\n");
    bench.commit();
    let mode = |path: &str| std::fs::metadata(bench.place.join(path)).expect(path).mode() & 0o777;
    let script = "umask \"$1\"; shift; exec \"$@\"";
    let mut command = Command::new("sh");
    command.args(["-c", script, "sh", "000", env!("CARGO_BIN_EXE_sopup"), "migrate", "--yes", "--include-review", "--no-history"]);
    let output = crate::support::isolated(&mut command)
        .current_dir(bench.place.path())
        .env("SOPS_AGE_KEY_FILE", bench.place.join(".git/keys.txt"))
        .env("XDG_STATE_HOME", bench.place.join(".git/state"))
        .env("HOME", bench.place.join(".git"))
        .output()
        .expect("sopup runs");
    assert!(output.status.code().is_some_and(|code| code < 2), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(mode("b.sops.env"), 0o666, "a new file is shared as the umask says");
    assert_eq!((mode(".git/sopup"), mode(".git/sopup/journal"), mode(".git/sopup/lock")), (0o700, 0o700, 0o600));
    let journal = std::fs::read_dir(bench.place.join(".git/sopup/journal")).expect("journals").next().expect("one").expect("readable");
    assert_eq!(journal.metadata().expect("metadata").mode() & 0o777, 0o700);
    for entry in std::fs::read_dir(journal.path()).expect("files") {
        let entry = entry.expect("readable");
        assert_eq!(entry.metadata().expect("metadata").mode() & 0o777, 0o600, "{:?}", entry.file_name());
    }
}
