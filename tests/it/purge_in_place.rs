//! `sopup purge run --in-place`, `finish` and `restore`: refs, files and index follow, nothing else is touched, and the old
//! history is there until it is removed.

use std::collections::BTreeMap;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use crate::purge::{Leaky, NAME, VALUE, left_in};
use crate::support::{Run, finish};

/// Files of a working tree with their content and mode; of a link where it leads.
pub(crate) fn files(leaky: &Leaky) -> BTreeMap<String, (u32, String)> {
    let listed = leaky.git(&["ls-files", "-z"]);
    let about = |path: &str| {
        let file = leaky.repo().join(path);
        let mode = std::fs::symlink_metadata(&file).expect("it is there").permissions().mode();
        let content = std::fs::read_link(&file).map(|to| to.display().to_string());
        (mode, content.unwrap_or_else(|_| String::from_utf8_lossy(&std::fs::read(&file).expect("readable")).into_owned()))
    };
    listed.split('\0').filter(|path| !path.is_empty()).map(|path| (path.to_owned(), about(path))).collect()
}

/// All refs but those of the backup.
pub(crate) fn refs(leaky: &Leaky) -> String {
    let all = leaky.git(&["for-each-ref", "--format=%(refname) %(objectname) %(symref)"]);
    all.lines().filter(|line| !line.starts_with("refs/sopup/")).collect::<Vec<_>>().join("\n") + &leaky.git(&["symbolic-ref", "HEAD"])
}

fn rewritten(leaky: &Leaky) -> Run {
    let run = leaky.purge(&["run", "--in-place"]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    run
}

/// Every sort of file and ref that changes or must not.
fn varied() -> Leaky {
    let leaky = Leaky::new();
    leaky.place.write("repo/.gitattributes", "dos.txt text eol=crlf\n");
    leaky.commit("clean.txt", "nothing\n", "clean");
    leaky.commit("app.env", format!("A=1\nPASSWORD={VALUE}\nB=2\n"), &format!("with {VALUE}"));
    leaky.commit("dos.txt", format!("one\r\n{VALUE}\r\n"), "ends of lines");
    leaky.commit("bin/run.sh", format!("#!/bin/sh\necho {NAME}\n"), "a script");
    std::fs::set_permissions(leaky.repo().join("bin/run.sh"), std::fs::Permissions::from_mode(0o755)).expect("it is ours");
    symlink(format!("../{NAME}"), leaky.repo().join("bin/link")).expect("a link");
    leaky.commit(&format!("{NAME}/{NAME}.txt"), "x\n", "a name");
    leaky.commit("gone.txt", VALUE, "to be removed");
    leaky.git(&["rm", "--quiet", "gone.txt"]);
    leaky.git(&["commit", "--quiet", "-m", "removed"]);
    leaky.git(&["tag", "-a", "-m", VALUE, "v1"]);
    leaky.git(&["tag", "old", "main~5"]);
    leaky.git(&["notes", "add", "-m", VALUE, "HEAD"]);
    leaky.git(&["branch", &format!("fix/{NAME}")]);
    leaky.git(&["pack-refs", "--all"]);
    leaky.git(&["update-ref", "refs/remotes/origin/main", "main"]);
    leaky.git(&["symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/main"]);
    leaky.git(&["branch", "loose", "main~3"]);
    leaky.git(&["branch", "untouched", "main~6"]);
    leaky.git(&["commit", "--quiet", "--allow-empty", "-m", "last"]);
    leaky
}

#[test]
fn refs_files_and_index_follow_and_come_back() {
    let leaky = varied();
    leaky.place.write("repo/untracked.txt", VALUE);
    let (refs_before, files_before) = (refs(&leaky), files(&leaky));
    let clean = std::fs::metadata(leaky.repo().join("clean.txt")).expect("it is there").modified().expect("a time");
    let run = rewritten(&leaky);
    assert!(
        run.stdout.contains("app.env") && run.stdout.contains("sopup purge finish") && run.stdout.contains("push.sh"),
        "{}",
        run.stdout
    );
    assert_eq!(leaky.git(&["status", "--porcelain"]), "?? untracked.txt");
    let after = files(&leaky);
    let of = |path: &str| (after[path].0 & 0o777, after[path].1.as_str());
    assert_eq!(of("app.env"), (0o644, "A=1\nPASSWORD=REMOVED\nB=2\n"));
    assert_eq!(of("dos.txt").1, "one\r\nREMOVED\r\n");
    assert_eq!(of("bin/run.sh"), (0o755, "#!/bin/sh\necho REMOVED\n"));
    assert_eq!(of("bin/link").1, "../REMOVED");
    assert_eq!(of("REMOVED/REMOVED.txt").1, "x\n");
    assert!(!leaky.repo().join(NAME).exists(), "a folder whose name holds a value");
    assert_eq!(std::fs::read_to_string(leaky.repo().join("untracked.txt")).expect("readable"), VALUE, "untracked files are not touched");
    assert_eq!(std::fs::metadata(leaky.repo().join("clean.txt")).expect("it is there").modified().expect("a time"), clean);
    let names = leaky.git(&["for-each-ref", "--format=%(refname)", "refs/heads", "refs/tags", "refs/notes", "refs/remotes"]);
    assert_eq!(
        names.lines().collect::<Vec<_>>(),
        [
            "refs/heads/fix/REMOVED",
            "refs/heads/loose",
            "refs/heads/main",
            "refs/heads/untouched",
            "refs/notes/commits",
            "refs/remotes/origin/HEAD",
            "refs/remotes/origin/main",
            "refs/tags/old",
            "refs/tags/v1"
        ]
    );
    assert_eq!(leaky.git(&["notes", "show", "fix/REMOVED"]), "REMOVED");
    assert_eq!(
        leaky.git(&["rev-parse", "refs/sopup/backup/tags/v1^{commit}"]),
        leaky.git(&["rev-parse", &format!("refs/sopup/backup/heads/fix/{NAME}")])
    );
    leaky.git(&["fsck", "--full", "--strict"]);
    let again = leaky.purge(&["run", "--in-place"]);
    assert_eq!(again.code, 4, "{}", again.stdout);
    assert!(again.stderr.contains("sopup purge finish") && again.stderr.contains("sopup purge restore"), "{}", again.stderr);
    // Back again.
    let back = leaky.sopup(&["purge", "restore"]);
    assert_eq!(back.code, 0, "{}", back.stderr);
    assert_eq!((refs(&leaky), files(&leaky)), (refs_before, files_before));
    assert_eq!(leaky.git(&["status", "--porcelain"]), "?? untracked.txt");
    assert_eq!(leaky.git(&["for-each-ref", "refs/sopup"]), "");
    let nothing = leaky.sopup(&["purge", "restore"]);
    assert_eq!(nothing.code, 4, "{}", nothing.stderr);
}

#[test]
fn after_the_end_nothing_is_left() {
    let leaky = varied();
    rewritten(&leaky);
    assert!(!left_in(&leaky.repo().join(".git")).is_empty(), "the old history is kept");
    let refused = leaky.sopup(&["purge", "finish"]);
    assert_eq!(refused.code, 4, "{}", refused.stdout);
    assert!(refused.stderr.contains("--yes") && !leaky.git(&["for-each-ref", "refs/sopup"]).is_empty(), "{}", refused.stderr);
    let done = leaky.sopup(&["purge", "finish", "--yes"]);
    assert_eq!(done.code, 0, "{}{}", done.stdout, done.stderr);
    assert_eq!(left_in(&leaky.repo().join(".git")), [""; 0]);
    assert_eq!(leaky.git(&["status", "--porcelain"]), "");
    leaky.git(&["fsck", "--full", "--strict"]);
    let map = std::fs::read_to_string(leaky.repo().join(".git/sopup/purge/commit-map")).expect("it stays");
    let changed = map.lines().skip(1).filter_map(|line| line.split_once(' ')).filter(|(old, new)| old != new);
    let git_dir = leaky.repo().join(".git");
    let there =
        |id: &str| leaky.place.shell(&format!("git --git-dir {} cat-file -e {id} 2>/dev/null && echo yes || echo no", git_dir.display()));
    let mut count = 0;
    for (old, new) in changed {
        assert_eq!((there(old).as_str(), there(new).as_str()), ("no\n", "yes\n"));
        count += 1;
    }
    assert!(count > 5);
    let again = leaky.sopup(&["purge", "finish"]);
    assert_eq!(again.code, 0, "{}", again.stderr);
    assert!(again.stderr.contains("nothing to end"), "{}", again.stderr);
    let verified = leaky.purge(&["verify"]);
    assert_eq!(verified.code, 0, "{}{}", verified.stdout, verified.stderr);
}

#[test]
fn on_a_terminal_the_end_is_asked_for() {
    let leaky = varied();
    rewritten(&leaky);
    let finish_with = |answer: &str| {
        let mut command = leaky.place.command_on_terminal(answer);
        finish(command.args(["purge", "finish"]).current_dir(leaky.repo()).output().expect("python3 runs"))
    };
    let no = finish_with("n\n");
    assert_eq!(no.code, 4, "{}", no.stdout);
    assert!(no.stdout.contains("There is no way back") && !leaky.git(&["for-each-ref", "refs/sopup"]).is_empty(), "{}", no.stdout);
    let yes = finish_with("y\n");
    assert_eq!(yes.code, 0, "{}", yes.stdout);
    assert_eq!(left_in(&leaky.repo().join(".git")), [""; 0]);
}

#[test]
fn what_still_holds_the_old_history_is_named() {
    let leaky = varied();
    rewritten(&leaky);
    leaky.git(&["branch", "keep", "refs/sopup/backup/heads/main"]);
    let held = leaky.sopup(&["purge", "finish", "--yes"]);
    assert_eq!(held.code, 1, "{}{}", held.stdout, held.stderr);
    assert!(held.stdout.contains("refs/heads/keep leads there"), "{}", held.stdout);
    leaky.git(&["branch", "--quiet", "-D", "keep"]);
    let done = leaky.sopup(&["purge", "finish", "--yes"]);
    assert_eq!(done.code, 0, "{}{}", done.stdout, done.stderr);
    assert_eq!(left_in(&leaky.repo().join(".git")), [""; 0]);
}

#[test]
fn commits_made_since_are_not_lost() {
    let leaky = varied();
    rewritten(&leaky);
    let later = leaky.commit("later.txt", "later\n", "later");
    let refused = leaky.sopup(&["purge", "restore"]);
    assert_eq!(refused.code, 4, "{}", refused.stderr);
    assert!(refused.stderr.contains("refs/heads/main"), "{}", refused.stderr);
    assert_eq!(leaky.git(&["rev-parse", "HEAD"]), later);
}

#[test]
fn the_script_pushes_what_was_rewritten() {
    let leaky = varied();
    leaky.place.git(["clone", "--quiet", "--mirror", "repo", "server.git"]);
    rewritten(&leaky);
    leaky.place.shell("sh repo/.git/sopup/purge/push.sh \"$PWD/server.git\" 2>&1");
    assert_eq!(leaky.place.git(["--git-dir", "server.git", "show", "main:app.env"]), "A=1\nPASSWORD=REMOVED\nB=2\n");
    assert!(!leaky.place.git(["--git-dir", "server.git", "for-each-ref"]).contains("refs/sopup"));
}

/// Prepares a repository, runs the command, and looks that it is refused for this reason and changes nothing.
fn refused(why: &str, prepare: impl FnOnce(&Leaky)) {
    let leaky = varied();
    prepare(&leaky);
    let before = leaky.git(&["for-each-ref"]);
    let run = leaky.purge(&["run", "--in-place"]);
    assert_eq!(run.code, 4, "{why}: {}{}", run.stdout, run.stderr);
    assert!(run.stderr.contains(why), "{why}: {}", run.stderr);
    assert_eq!(leaky.git(&["for-each-ref"]), before, "{why}");
    assert!(!leaky.repo().join(".git/sopup/purge").exists(), "{why}");
}

#[test]
fn what_would_be_lost_or_stay_is_refused() {
    refused("not committed (clean.txt)", |leaky| _ = leaky.place.write("repo/clean.txt", "changed"));
    refused("not committed (new.txt)", |leaky| {
        leaky.place.write("repo/new.txt", "new");
        leaky.git(&["add", "new.txt"]);
    });
    refused("a merge is under way", |leaky| _ = leaky.place.write("repo/.git/MERGE_HEAD", leaky.git(&["rev-parse", "HEAD"])));
    refused("a rebase is under way", |leaky| std::fs::create_dir(leaky.repo().join(".git/rebase-merge")).expect("a folder"));
    refused("a cherry-pick is under way", |leaky| _ = leaky.place.write("repo/.git/CHERRY_PICK_HEAD", leaky.git(&["rev-parse", "HEAD"])));
    refused("linked working trees (other)", |leaky| _ = leaky.git(&["worktree", "add", "--quiet", "--detach", "../other"]));
    refused("stashes are not rewritten", |leaky| {
        leaky.place.write("repo/clean.txt", "changed");
        leaky.git(&["stash", "--quiet"]);
    });
    refused("git switch BRANCH", |leaky| _ = leaky.git(&["checkout", "--quiet", "--detach"]));
    refused("HEAD names a branch with a value in its name", |leaky| _ = leaky.git(&["checkout", "--quiet", &format!("fix/{NAME}")]));
    refused("git sparse-checkout disable", |leaky| _ = leaky.git(&["sparse-checkout", "set", "bin"]));
    refused("a partial clone", |leaky| _ = leaky.git(&["config", "remote.origin.promisor", "true"]));
    refused("REMOVED/REMOVED.txt would get in the way", |leaky| _ = leaky.place.write("repo/REMOVED/REMOVED.txt", "mine"));
    refused("go through a filter (.gitattributes), and none is run: app.env", |leaky| {
        leaky.commit(".gitattributes", "*.env filter=own\ndos.txt text eol=crlf\n", "a filter");
    });
    refused("keep", |leaky| {
        leaky.git(&["repack", "-q", "-a", "-d"]);
        leaky.place.shell("for pack in repo/.git/objects/pack/*.pack; do : > \"${pack%.pack}.keep\"; done");
    });
    refused("is being changed by somebody else", |leaky| {
        leaky.place.write("repo/.git/refs/heads/main.lock", "");
    });
}

#[test]
fn clones_that_are_not_whole_are_refused() {
    let leaky = varied();
    let url = format!("file://{}", leaky.repo().display());
    for (args, why) in [(vec!["--depth=1", url.as_str()], "git fetch --unshallow"), (vec!["--shared", "repo"], "borrowed from another")] {
        let other = Leaky::new();
        std::fs::remove_dir_all(other.repo()).expect("removed");
        let target = other.repo();
        let all: Vec<&str> = [&["clone", "--quiet"][..], &args, &[target.to_str().expect("UTF-8")]].concat();
        leaky.place.shell(&all.iter().map(|word| format!("'{word}' ")).collect::<String>().replacen("'clone'", "git clone", 1));
        let run = other.purge(&["run", "--in-place"]);
        assert_eq!(run.code, 4, "{}{}", run.stdout, run.stderr);
        assert!(run.stderr.contains(why), "{}", run.stderr);
    }
}

#[test]
fn a_bare_repository_is_rewritten_too() {
    let leaky = varied();
    leaky.place.git(["clone", "--quiet", "--mirror", "repo", "bare.git"]);
    let sopup = |args: &[&str]| {
        let mut command = leaky.place.command();
        let run = finish(command.args(args).output().expect("sopup runs"));
        assert_eq!(run.code, 0, "{args:?}: {}{}", run.stdout, run.stderr);
    };
    leaky.place.write("values", format!("{VALUE}\n{NAME}\n"));
    sopup(&["purge", "run", "--in-place", "bare.git", "--values-from", "values"]);
    sopup(&["purge", "finish", "--yes", "bare.git"]);
    assert_eq!(left_in(&leaky.place.join("bare.git")), [""; 0]);
}

#[test]
fn nothing_that_the_repository_names_is_executed() {
    let leaky = varied();
    let mark = leaky.place.join("executed");
    let script = format!("#!/bin/sh\necho \"$0 $*\" >> '{}'\nexec cat\n", mark.display());
    leaky.place.write("trap", &script);
    leaky.place.shell("chmod +x trap");
    for hook in ["reference-transaction", "post-index-change", "pre-auto-gc", "post-checkout", "post-rewrite"] {
        leaky.place.write(&format!("repo/.git/hooks/{hook}"), &script);
        leaky.place.shell(&format!("chmod +x repo/.git/hooks/{hook}"));
    }
    leaky.place.write("repo/.git/info/attributes", "clean.txt filter=trap diff=trap merge=trap\n");
    let trap = leaky.place.join("trap");
    let trap = trap.to_str().expect("UTF-8");
    for name in [
        "core.fsmonitor",
        "filter.trap.clean",
        "filter.trap.smudge",
        "diff.trap.textconv",
        "diff.external",
        "core.pager",
        "core.alternateRefsCommand",
    ] {
        leaky.git(&["config", name, trap]);
    }
    let _ = std::fs::remove_file(&mark);
    // Its time says that it has to be read again.
    std::fs::File::options()
        .write(true)
        .open(leaky.repo().join("clean.txt"))
        .and_then(|file| file.set_modified(std::time::UNIX_EPOCH))
        .expect("it is ours");
    rewritten(&leaky);
    leaky.git(&["config", "gc.recentObjectsHook", trap]);
    let hooked = leaky.sopup(&["purge", "finish", "--yes"]);
    assert_eq!(hooked.code, 4, "{}", hooked.stdout);
    leaky.git(&["config", "--unset-all", "gc.recentObjectsHook"]);
    let _ = std::fs::remove_file(&mark);
    let done = leaky.sopup(&["purge", "finish", "--yes"]);
    assert_eq!(done.code, 0, "{}{}", done.stdout, done.stderr);
    assert!(!mark.exists(), "{}", read(&mark));
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}
