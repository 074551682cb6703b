//! What a git directory holds besides objects, with the real `git` as the oracle.

use std::collections::BTreeSet;
use std::fs;
use std::io::Read as _;
use std::os::unix::fs::symlink;

use sopup::source::object::{HashKind, ObjectId, SkipReason};
use sopup::source::refs::{GitDir, GitDirError, Ref, RefStorage, Text, TextKind};

use crate::support::Place;

fn open(place: &Place) -> GitDir {
    GitDir::discover(place.path()).expect("a repository")
}

fn repository(format: &str) -> Place {
    let place = Place::new();
    place.git(["init", "--quiet", "--initial-branch=main", &format!("--object-format={format}")]);
    place.write("a.txt", "one\n").commit("first");
    place.write("a.txt", "two\n").commit("second");
    place.git(["branch", "other", "main~1"]);
    place.git(["tag", "--annotate", "--message=a tag", "v1"]);
    place.git(["update-ref", "refs/deep/er/name", "main:a.txt"]);
    place.git(["symbolic-ref", "refs/heads/alias", "refs/heads/other"]);
    place
}

fn lines(refs: &[Ref]) -> Vec<String> {
    let id = |id: &Option<ObjectId>| id.map(|id| id.to_string()).unwrap_or_default();
    refs.iter().map(|one| format!("{} {}", id(&one.id), String::from_utf8_lossy(&one.name))).collect()
}

/// `HEAD` first and the rest by name, as git sorts them.
fn git_says(place: &Place) -> Vec<String> {
    place.git(["show-ref", "--head"]).lines().map(str::to_owned).collect()
}

#[test]
fn refs_are_those_of_git_loose_and_packed() {
    for format in ["sha1", "sha256"] {
        let place = repository(format);
        let loose = open(&place).refs();
        assert_eq!((lines(&loose.items), loose.skipped), (git_says(&place), Vec::new()));
        place.git(["pack-refs", "--all"]);
        place.git(["update-ref", "refs/heads/other", "main"]);
        let dir = open(&place);
        let packed = dir.refs();
        assert_eq!((lines(&packed.items), packed.skipped), (git_says(&place), Vec::new()));
        let tag = packed.items.iter().find(|one| one.name == b"refs/tags/v1").expect("the tag");
        assert_eq!(tag.peeled.expect("packed-refs tells").to_string(), place.git(["rev-parse", "v1^{}"]).trim());
        let alias = packed.items.iter().find(|one| one.name == b"refs/heads/alias").expect("the alias");
        assert_eq!(alias.symbolic.as_deref(), Some(&b"refs/heads/other"[..]));
        assert_eq!(dir.hash(), if format == "sha256" { HashKind::Sha256 } else { HashKind::Sha1 });
    }
}

#[test]
fn an_unborn_branch_and_files_of_several_ids() {
    let place = Place::repository();
    let refs = open(&place).refs();
    assert_eq!(refs.items, [Ref { name: b"HEAD".to_vec(), id: None, peeled: None, symbolic: Some(b"refs/heads/main".to_vec()) }]);
    place.commit("first");
    place.git(["branch", "b"]);
    place.git(["commit", "--quiet", "--allow-empty", "--message=second"]);
    place.git(["fetch", "--quiet", ".", "main", "b"]);
    place.git(["update-ref", "ORIG_HEAD", "main"]);
    let fetched = place.git(["rev-parse", "main", "b", "ORIG_HEAD"]);
    let refs = open(&place).refs();
    let of = |name: &str| refs.items.iter().filter(|one| one.name == name.as_bytes()).map(|one| one.id).collect::<Vec<_>>();
    let expected: Vec<_> = fetched.lines().map(|line| ObjectId::from_hex(line.as_bytes())).collect();
    assert_eq!(of("FETCH_HEAD"), expected[..2]);
    assert_eq!(of("ORIG_HEAD"), expected[2..]);
}

#[test]
fn reflogs_are_those_of_git() {
    for format in ["sha1", "sha256"] {
        let place = repository(format);
        place.git(["worktree", "add", "--quiet", "linked", "other"]);
        place.git(["-C", "linked", "commit", "--quiet", "--allow-empty", "--message=there"]);
        let mut read = BTreeSet::new();
        let skipped = open(&place).each_log_entry(&mut |entry| {
            let (old, new) = (entry.old, entry.new.expect("nothing was removed"));
            assert_eq!((entry.who, entry.when), (&b"A <a@corp.net>"[..], Some(1_767_323_045)));
            assert_eq!(old.is_none(), entry.line == 1, "only the first line has no old id");
            read.insert(format!("{} {new} {}", String::from_utf8_lossy(entry.name), String::from_utf8_lossy(entry.message)));
        });
        assert_eq!(skipped, []);
        let mut expected = BTreeSet::new();
        for (folder, prefix, name) in
            [(".", "", "HEAD"), (".", "", "refs/heads/main"), (".", "", "refs/heads/other"), ("linked", "worktrees/linked/", "HEAD")]
        {
            let log = place.git(["-C", folder, "log", "--walk-reflogs", "--format=%H %gs", name, "--"]);
            expected.extend(log.lines().map(|line| format!("{prefix}{name} {line}")));
        }
        assert!(expected.is_subset(&read), "{expected:#?}\n{read:#?}");
        assert_eq!(read.len(), expected.len() + 1, "the alias was made by symbolic-ref and has a log as well\n{read:#?}");
    }
}

#[test]
fn linked_working_trees_share_one_directory() {
    let place = repository("sha1");
    place.git(["worktree", "add", "--quiet", "elsewhere/linked", "other"]);
    place.git(["-C", "elsewhere/linked", "update-ref", "refs/bisect/bad", "HEAD"]);
    let (main, linked) = (open(&place), GitDir::discover(&place.join("elsewhere/linked")).expect("it leads back"));
    assert_eq!(linked.common(), main.common());
    assert_eq!(linked.path(), main.common().join("worktrees/linked"));
    assert_eq!(linked.main_work_tree(), main.work_tree());
    let trees = linked.worktrees();
    assert_eq!((trees.items.len(), trees.skipped), (1, Vec::new()));
    assert_eq!((&*trees.items[0].name, trees.items[0].path.as_path()), ("linked", linked.work_tree().expect("it has one")));
    let names: Vec<_> = linked.refs().items.into_iter().map(|one| String::from_utf8(one.name).expect("ASCII")).collect();
    assert!(names.contains(&"worktrees/linked/HEAD".to_owned()) && names.contains(&"worktrees/linked/refs/bisect/bad".to_owned()));
    assert_eq!(main.refs().items, linked.refs().items);

    fs::remove_dir_all(place.join("elsewhere")).expect("removed");
    let gone = main.worktrees();
    assert_eq!((gone.items, gone.skipped), (Vec::new(), Vec::new()));
}

#[test]
fn what_does_not_lead_back_is_not_followed() {
    let place = repository("sha1");
    place.git(["worktree", "add", "--quiet", "linked", "other"]);
    let other = repository("sha1");
    let stranger = Place::new();
    stranger.write(".git", format!("gitdir: {}\n", other.join(".git").display()));
    assert!(matches!(GitDir::discover(stranger.path()), Err(GitDirError::OneSided { .. })));
    fs::remove_file(stranger.join(".git")).expect("removed");
    symlink(other.join(".git"), stranger.join(".git")).expect("a link");
    assert!(matches!(GitDir::discover(stranger.path()), Err(GitDirError::OneSided { .. })));

    place.write(".git/worktrees/linked/commondir", format!("{}\n", other.join(".git").display()));
    assert!(matches!(GitDir::discover(&place.join("linked")), Err(GitDirError::OneSided { .. })));
    place.write(".git/worktrees/linked/gitdir", format!("{}\n", other.join(".git/HEAD").display()));
    let trees = open(&place).worktrees();
    assert_eq!(trees.items, []);
    assert_eq!(trees.skipped[0].reason, SkipReason::Outside);
}

#[test]
fn links_that_lead_outside_are_named() {
    let outside = Place::new();
    outside.write("heads/stolen", "1".repeat(40)).write("log", "text");
    let place = repository("sha1");
    let git = place.join(".git");
    symlink(outside.join("heads"), git.join("refs/out")).expect("a link");
    symlink(outside.join("log"), git.join("logs/out")).expect("a link");
    symlink("refs/heads/main", git.join("refs/heads/old-style")).expect("a link");
    let dir = open(&place);
    let refs = dir.refs();
    assert_eq!(refs.skipped.iter().map(|skip| &skip.reason).collect::<Vec<_>>(), [&SkipReason::Outside]);
    let old_style = refs.items.iter().find(|one| one.name == b"refs/heads/old-style").expect("a symbolic ref");
    assert!(old_style.id.is_some() && old_style.symbolic.is_some());
    assert_eq!(dir.each_log_entry(&mut |_| {}).iter().map(|skip| &skip.reason).collect::<Vec<_>>(), [&SkipReason::Outside]);
}

#[test]
fn nonsense_and_giants_are_named() {
    let place = repository("sha1");
    place.git(["pack-refs", "--all"]);
    place.write(".git/refs/heads/odd", "nonsense").write(".git/packed-refs", "what is this\n").write(".git/refs/heads/being.lock", "");
    place.write(".git/refs/heads/long", vec![b'1'; 70_000]).write(".git/logs/HEAD", "nonsense\n");
    let dir = open(&place);
    let reasons: BTreeSet<_> = dir.refs().skipped.iter().map(ToString::to_string).collect();
    for end in ["packed-refs: a line is not a ref", "refs/heads/long: larger than the limit (70000 bytes)", "refs/heads/odd: not a ref"] {
        assert!(reasons.iter().any(|reason| reason.ends_with(end)), "{end}: {reasons:?}");
    }
    assert_eq!(reasons.len(), 3, "{reasons:?}");
    let logs = dir.each_log_entry(&mut |_| {});
    assert!(logs[0].to_string().ends_with("logs/HEAD: line 1 is not an entry of a reflog"), "{logs:?}");
    place.write(".git/HEAD", "ref: refs/heads/a\n").write(".git/packed-refs", "");
    place.write(".git/refs/heads/a", "ref: refs/heads/b\n").write(".git/refs/heads/b", "ref: refs/heads/a\n");
    assert_eq!(dir.refs().items[0].id, None, "a cycle ends");
}

fn texts(dir: &GitDir) -> Vec<(String, TextKind, Vec<u8>)> {
    let read = |text: Text| {
        let mut bytes = Vec::new();
        let Text { path, kind, mut content } = text;
        content.read_to_end(&mut bytes).expect("readable");
        (path, kind, bytes)
    };
    dir.texts().map(|text| read(text.expect("readable"))).collect()
}

#[test]
fn every_file_but_objects_and_indexes_is_a_text() {
    let place = repository("sha1");
    place.git(["worktree", "add", "--quiet", "linked", "other"]);
    place.git(["config", "remote.origin.url", "https://me:Walrus88Timber@corp.net/x.git"]);
    place.git(["config", "extensions.worktreeConfig", "true"]);
    place.git(["-C", "linked", "config", "--worktree", "user.name", "somebody"]);
    place.write(".git/hooks/pre-push", "#!/bin/sh\n").write(".git/hooks/pre-push.sample", "a sample");
    place.write(".git/rebase-apply/0001", "a patch").write(".git/sequencer/todo", "pick").write(".git/MERGE_MSG", "merging");
    place.write(".git/objects/info/alternates", "/nowhere\n");
    symlink("../../hook.sh", place.join(".git/hooks/commit-msg")).expect("a link");
    let texts = texts(&open(&place));
    let kind = |path: &str| texts.iter().find(|text| text.0 == path).map(|text| text.1);
    for (path, expected) in [
        ("HEAD", TextKind::Ref),
        ("worktrees/linked/HEAD", TextKind::Ref),
        ("refs/heads/main", TextKind::Ref),
        ("logs/refs/heads/main", TextKind::Reflog),
        ("worktrees/linked/logs/HEAD", TextKind::Reflog),
        ("COMMIT_EDITMSG", TextKind::Message),
        ("MERGE_MSG", TextKind::Message),
        ("config", TextKind::File),
        ("worktrees/linked/config.worktree", TextKind::File),
        ("description", TextKind::File),
        ("info/exclude", TextKind::File),
        ("hooks/pre-push", TextKind::File),
        ("hooks/commit-msg", TextKind::File),
        ("rebase-apply/0001", TextKind::File),
        ("sequencer/todo", TextKind::File),
        ("objects/info/alternates", TextKind::File),
    ] {
        assert_eq!(kind(path), Some(expected), "{path}");
    }
    for path in ["index", "worktrees/linked/index", "hooks/pre-push.sample"] {
        assert_eq!(kind(path), None, "{path}");
    }
    assert!(!texts.iter().any(|text| text.0.starts_with("objects/") && text.0 != "objects/info/alternates"));
    let content = |path: &str| &texts.iter().find(|text| text.0 == path).expect("it is there").2[..];
    assert!(content("config").windows(16).any(|part| part == b"Walrus88Timber@c"));
    assert_eq!(content("hooks/commit-msg"), b"../../hook.sh");
}

#[test]
fn clones_that_are_not_complete_say_so() {
    let place = repository("sha1");
    let origin = format!("file://{}", place.path().display());
    place.git(["config", "uploadpack.allowFilter", "true"]);
    let clones = Place::new();
    clones.git(["clone", "--quiet", "--bare", "--depth=1", &origin, "shallow"]);
    clones.git(["clone", "--quiet", "--bare", "--filter=blob:none", &origin, "partial"]);
    clones.git(["clone", "--quiet", "--bare", &origin, "whole"]);
    let at = |name: &str| GitDir::discover(&clones.join(name)).expect("a bare repository");
    let (shallow, partial, whole) = (at("shallow"), at("partial"), at("whole"));
    assert_eq!(shallow.shallow()[0].to_string(), place.git(["rev-parse", "main"]).trim());
    assert!(!shallow.is_partial() && partial.is_partial() && !whole.is_partial());
    assert!(partial.shallow().is_empty() && whole.shallow().is_empty());
    assert_eq!((whole.work_tree(), whole.main_work_tree()), (None, None));
}

#[test]
fn submodules_have_directories_of_their_own() {
    let library = repository("sha1");
    let place = repository("sha1");
    let url = library.path().display().to_string();
    place.git(["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", "--name", "group/library", &url, "vendor"]);
    let dir = open(&place);
    assert_eq!(dir.submodules().items, [dir.common().join("modules/group/library")]);
    let inside = GitDir::discover(&place.join("vendor")).expect("core.worktree leads back");
    assert_eq!(inside.path(), dir.submodules().items[0]);
    assert!(!texts(&dir).iter().any(|text| text.0.starts_with("modules/")));
    assert!(open(&library).submodules().items.is_empty());
}

#[test]
fn other_folders_and_other_storage() {
    assert!(matches!(GitDir::discover(Place::new().path()), Err(GitDirError::NotFound(_))));
    let place = repository("sha1");
    place.write("deep/er/file.txt", "x");
    assert_eq!(GitDir::discover(&place.join("deep/er/file.txt")).expect("above").path(), open(&place).path());
    assert_eq!(GitDir::discover(&place.join(".git/refs")).expect("above").path(), open(&place).path());
    assert!(matches!(GitDir::at(&place.join("deep")), Err(GitDirError::NotAGitDir(_))));
}

/// Refs and reflogs of many branches, in files or in tables.
fn busy(format: &str, storage: &str) -> Place {
    let place = Place::new();
    place.git(["init", "--quiet", "--initial-branch=main", &format!("--object-format={format}"), &format!("--ref-format={storage}")]);
    place.write("a.txt", "one\n").commit("first");
    place.write("a.txt", "two\n").commit("second");
    let mut updates = String::new();
    for number in 0..3000 {
        updates += &format!("create refs/heads/topic/{number:05}-with-a-name main~{}\n", number % 2);
    }
    place.write("updates", &updates);
    place.git(["config", "core.logAllRefUpdates", "true"]);
    place.shell("git update-ref -m many --stdin < updates && rm updates");
    for number in (0..3000).step_by(3) {
        updates = updates.replace(&format!("create refs/heads/topic/{number:05}-"), &format!("delete refs/heads/topic/{number:05}-"));
    }
    let deletions: Vec<&str> =
        updates.lines().filter(|line| line.starts_with("delete")).map(|line| line.rsplit_once(' ').expect("two").0).collect();
    place.write("updates", deletions.join("\n") + "\n");
    place.shell("git update-ref --stdin < updates && rm updates");
    place.git(["tag", "--annotate", "--message=a tag", "v1"]);
    place.git(["symbolic-ref", "refs/heads/alias", "refs/heads/main"]);
    place.git(["worktree", "add", "--quiet", "wt", "-b", "wt"]);
    place.write("a.txt", "three\n").git(["stash", "--quiet"]);
    place
}

#[test]
fn tables_say_what_files_would() {
    for format in ["sha1", "sha256"] {
        let (tables, plain) = (busy(format, "reftable"), busy(format, "files"));
        for compact in [false, true] {
            if compact {
                tables.git(["pack-refs", "--all"]);
            }
            let dir = open(&tables);
            assert_eq!(dir.ref_storage(), RefStorage::Reftable);
            let refs = dir.refs();
            assert_eq!(refs.skipped, Vec::new());
            let own: Vec<Ref> = refs.items.iter().filter(|one| one.name.starts_with(b"refs/") || one.name == b"HEAD").cloned().collect();
            assert_eq!(lines(&own), git_says(&tables));
            assert_eq!(lines(&refs.items), lines(&open(&plain).refs().items));
            let logs = |place: &Place| {
                let mut logs = BTreeSet::new();
                let skipped = open(place).each_log_entry(&mut |entry| {
                    logs.insert((entry.name.to_vec(), entry.line, entry.old, entry.new, entry.who.to_vec(), entry.message.to_vec()));
                });
                assert_eq!(skipped, Vec::new());
                logs
            };
            assert_eq!(logs(&tables), logs(&plain));
            let head = tables.git(["rev-parse", "HEAD"]);
            assert_eq!(dir.head().expect("it is there").expect("a commit").to_string(), head.trim());
            assert!(dir.texts().all(|text| text.is_ok()));
        }
        // What is damaged in header and footer is named.
        let folder = tables.join(".git/reftable");
        let name = fs::read_to_string(folder.join("tables.list")).expect("a list").lines().next().expect("a table").to_owned();
        let whole = fs::read(folder.join(&name)).expect("a table");
        for at in [0, 5, 20, whole.len() - 60, whole.len() - 1] {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x11;
            fs::remove_file(folder.join(&name)).expect("it goes");
            fs::write(folder.join(&name), &bytes).expect("it is written");
            let found = open(&tables).refs();
            assert!(!found.skipped.is_empty(), "byte {at} was changed");
        }
        fs::remove_file(folder.join(&name)).expect("it goes");
        assert!(!open(&tables).refs().skipped.is_empty() && open(&tables).head().is_err());
    }
}
