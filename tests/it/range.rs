//! What ranges of commits add, with the real `git` as the oracle.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::num::NonZeroUsize;
use std::process::{Command, Stdio};
use std::sync::Mutex;

use sopup::source::object::{HashKind, Limits, ObjectId, ObjectStore, SkipReason};
use sopup::source::range::{Ask, Change, Commits, Push, Range, RangeError, Ranges, Update, pre_receive};
use sopup::source::refs::{GitDir, GitVariables};

use crate::support::{Place, isolated};

/// 2027-01-15 08:00 UTC.
const NOW: i64 = 1_800_000_000;

const ALL: Ask<'_> = Ask { commits: Commits::All, since: None, max_depth: None };

/// What a range adds, as sorted lines.
#[derive(Debug, Default, PartialEq, Eq)]
struct Added {
    commits: BTreeSet<String>,
    names: BTreeSet<String>,
    /// `COMMIT BLOB PATH`, by the content's new lines.
    blobs: BTreeSet<String>,
    lines: BTreeSet<String>,
    skipped: Vec<String>,
}

fn with_ranges<T>(place: &Place, threads: usize, use_it: impl FnOnce(&Ranges<'_>) -> T) -> T {
    let git = GitDir::discover(place.path()).expect("a repository");
    let store = ObjectStore::open(&git.objects(), git.hash(), Limits::default()).expect("it has objects");
    let read = |id: &ObjectId| store.read(id);
    use_it(&Ranges { git: &git, read: &read, threads: NonZeroUsize::new(threads).expect("not zero") })
}

fn resolve(place: &Place, ask: &Ask<'_>) -> Result<Range, RangeError> {
    with_ranges(place, 1, |ranges| ranges.resolve(ask, NOW))
}

fn added_by(place: &Place, range: &Range, threads: usize) -> Added {
    with_ranges(place, threads, |ranges| {
        let added = Mutex::new(Added::default());
        let changes = ranges.changes(range, &|change| {
            let mut added = added.lock().expect("no panic");
            match change {
                Change::Message { id, .. } => assert!(added.commits.insert(id.to_string()), "each once"),
                Change::Path { commit, path } => drop(added.names.insert(format!("{commit} {}", String::from_utf8_lossy(path)))),
                Change::Blob(blob) => {
                    let path = String::from_utf8_lossy(blob.path);
                    assert!(added.blobs.insert(format!("{} {} {path}", blob.commit, blob.id)), "each once");
                    let is_new = blob.added_lines();
                    let text = String::from_utf8_lossy(blob.bytes);
                    let new = text.lines().enumerate().filter(|(at, _)| is_new(at + 1, at + 1));
                    added.lines.extend(new.map(|(_, line)| format!("{path}: {line}")));
                }
            }
        });
        let mut added = added.into_inner().expect("no panic");
        added.skipped = changes.skipped.iter().map(|skip| skip.reason.to_string()).collect();
        added
    })
}

fn added(place: &Place, commits: Commits<'_>) -> Added {
    let range = resolve(place, &Ask { commits, ..ALL }).expect("it is there");
    let added = added_by(place, &range, 1);
    assert_eq!(added, added_by(place, &range, 3), "threads make no difference");
    added
}

fn set(lines: &str) -> BTreeSet<String> {
    lines.lines().map(str::to_owned).collect()
}

fn git(place: &Place, args: &[&str]) -> String {
    let output = isolated(Command::new("git").args(args)).current_dir(place.path()).output().expect("git runs");
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// History of many branches and merges, made by numbers; clocks that go back and forth by up to
/// `skew` seconds.
fn tangled(commits: usize, skew: usize, format: &str) -> Place {
    let place = Place::new();
    place.git(["init", "--quiet", "--initial-branch=b0", &format!("--object-format={format}")]);
    let mut seed = 7_usize;
    let mut next = |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % below
    };
    let mut stream = String::new();
    for number in 1..=commits {
        let time = 1_700_000_000 + 3600 * number - if skew == 0 { 0 } else { next(skew) };
        let branch = next(5);
        let _ = write!(stream, "commit refs/heads/b{branch}\nmark :{number}\ncommitter a <a@b.c> {time} +0000\ndata 1\nm\n");
        if number > 1 {
            let _ = writeln!(stream, "from :{}", 1 + next(number - 1).max(number.saturating_sub(9)));
            if next(3) == 0 && number > 20 {
                let _ = writeln!(stream, "merge :{}", number - 1 - next(15));
            }
        }
        for _ in 0..=next(3) {
            let path = format!("d{}/e{}/f{}", next(3), next(2), next(3));
            if next(5) == 0 {
                let _ = writeln!(stream, "D {path}");
            } else {
                let text = format!("{}\n{number}\n{}\n", next(4), next(2));
                let _ = write!(stream, "M {} inline {path}\ndata {}\n{text}\n", [644, 755][next(2)], text.len());
            }
        }
    }
    let mut child = isolated(Command::new("git").args(["fast-import", "--quiet", "--force"]))
        .current_dir(place.path())
        .stdin(Stdio::piped())
        .spawn()
        .expect("git runs");
    std::io::Write::write_all(&mut child.stdin.take().expect("it is piped"), stream.as_bytes()).expect("git reads");
    assert!(child.wait().expect("git ends").success());
    place
}

/// Files of a commit that differ from every parent: `git diff-tree -c` shows just those.
fn changed_by(place: &Place, commits: &BTreeSet<String>) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for commit in commits {
        for line in git(place, &["diff-tree", "-c", "-r", "--root", "--no-commit-id", commit]).lines() {
            let parents = line.bytes().take_while(|&byte| byte == b':').count();
            let (info, path) = line.split_once('\t').expect("a path");
            let words: Vec<_> = info.split(' ').collect();
            let (old, new) = words[parents + 1..].split_at(parents);
            let mode_only = old.contains(&new[0]);
            if !new[0].bytes().all(|digit| digit == b'0') && !mode_only {
                all.insert(format!("{commit} {} {path}", new[0]));
            }
        }
    }
    all
}

#[test]
fn commits_and_blobs_are_those_of_git() {
    for (skew, format) in [(0, "sha1"), (40_000, "sha1"), (0, "sha256")] {
        let place = tangled(160, skew, format);
        for text in ["b0..b1", "b1..b0", "b2...b3", "b0~3..b4", "b1^..b1", "b4", "b0..b0", "b3~2^{commit}...b0"] {
            let found = added(&place, Commits::Range(text));
            assert_eq!(found.commits, set(&git(&place, &["rev-list", text])), "{text}");
            assert_eq!(found.skipped, [""; 0]);
            let expected = changed_by(&place, &found.commits);
            let moved: Vec<_> = expected.difference(&found.blobs).collect();
            assert!(found.blobs.is_subset(&expected), "{text}");
            for one in moved {
                assert_moved(&place, one);
            }
        }
        let found = added(&place, Commits::All);
        assert_eq!(found.commits, set(&git(&place, &["rev-list", "--all"])));
        assert!(found.commits.len() > 100 && found.blobs.len() > 100, "{} {}", found.commits.len(), found.blobs.len());
    }
}

/// Checks that a parent has the blob at a path that the commit has not.
fn assert_moved(place: &Place, line: &str) {
    let mut words = line.splitn(3, ' ');
    let (commit, blob, path) = (words.next().expect("a commit"), words.next().expect("a blob"), words.next().expect("a path"));
    let here = git(place, &["ls-tree", "-r", "--name-only", commit]);
    let parents = git(place, &["rev-parse", &format!("{commit}^@")]);
    let from_elsewhere = parents.lines().any(|parent| {
        let tree = git(place, &["ls-tree", "-r", parent]);
        tree.lines().any(|old| {
            let (info, at) = old.split_once('\t').expect("a path");
            info.ends_with(blob) && at != path && !here.lines().any(|name| name == at)
        })
    });
    assert!(from_elsewhere, "{line}");
}

#[test]
fn a_long_history_is_not_read_to_its_end() {
    let place = tangled(900, 0, "sha1");
    let tip = place.git(["rev-parse", "b0"]).trim().to_owned();
    let range = resolve(&place, &Ask { commits: Commits::Range("b0~1..b0"), ..ALL }).expect("it is there");
    let reads = Mutex::new(BTreeSet::new());
    let git = GitDir::discover(place.path()).expect("a repository");
    let store = ObjectStore::open(&git.objects(), git.hash(), Limits::default()).expect("it has objects");
    let read = |id: &ObjectId| {
        reads.lock().expect("no panic").insert(*id);
        store.read(id)
    };
    let found = Mutex::new(BTreeSet::new());
    Ranges { git: &git, read: &read, threads: NonZeroUsize::MIN }.changes(&range, &|change| {
        if let Change::Message { id, .. } = change {
            found.lock().expect("no panic").insert(id.to_string());
        }
    });
    let found = found.into_inner().expect("no panic");
    assert!(found.contains(&tip));
    assert_eq!(found, set(&self::git(&place, &["rev-list", "b0~1..b0"])));
    let reads = reads.into_inner().expect("no panic").len();
    assert!(reads < 300, "{reads} objects read");
}

#[test]
fn dates_and_depth() {
    let place = tangled(120, 0, "sha1");
    let ask =
        |since, max_depth: Option<usize>| Ask { commits: Commits::Range("b1"), since, max_depth: max_depth.and_then(NonZeroUsize::new) };
    let commits = |ask: &Ask<'_>| added_by(&place, &resolve(&place, ask).expect("it is there"), 1).commits;
    for since in ["2023-11-17", "2023-11-16T12:00:00Z"] {
        let iso = if since.contains('T') { since.to_owned() } else { format!("{since}T00:00:00Z") };
        assert_eq!(commits(&ask(Some(since), None)), set(&git(&place, &["rev-list", "--since", &iso, "b1"])), "{since}");
    }
    assert!(commits(&ask(Some("yesterday"), None)).is_empty());
    assert_eq!(commits(&ask(Some("200 weeks ago"), None)), commits(&ask(None, None)));
    assert_eq!(commits(&ask(Some("b0"), None)), set(&git(&place, &["rev-list", "b0..b1"])));
    assert_eq!(commits(&ask(None, Some(1))), set(&place.git(["rev-parse", "b1"])));
    let steps = set(&git(&place, &["rev-parse", "b1", "b1^@"]));
    assert_eq!(commits(&ask(None, Some(2))), steps);
    assert_eq!(commits(&ask(None, Some(100_000))), commits(&ask(None, None)));
}

#[test]
fn merge_bases_and_branches() {
    let place = tangled(150, 0, "sha1");
    place.git(["checkout", "--quiet", "b2"]);
    let base = place.git(["merge-base", "b0", "HEAD"]);
    let since = git(&place, &["rev-list", "HEAD", &format!("^{}", base.trim()), "^b0"]);
    assert_eq!(added(&place, Commits::MergeBase("b0")).commits, set(&since));
    place.git(["update-ref", "refs/remotes/origin/feature", "b3"]);
    for name in ["origin/feature", "feature"] {
        assert_eq!(added(&place, Commits::Branch(name)).commits, set(&git(&place, &["rev-list", "b3"])), "{name}");
    }
    place.git(["update-ref", "refs/remotes/fork/feature", "b4"]);
    assert_eq!(resolve(&place, &Ask { commits: Commits::Branch("feature"), ..ALL }), Err(RangeError::NoBranch("feature".to_owned())));
    place.git(["checkout", "--quiet", "--orphan", "other"]);
    place.git(["commit", "--quiet", "--allow-empty", "--message=unrelated"]);
    let unrelated = resolve(&place, &Ask { commits: Commits::MergeBase("b0"), ..ALL });
    assert_eq!(unrelated, Err(RangeError::Unrelated("b0".to_owned(), "HEAD".to_owned())));
}

#[test]
fn shorthand_and_what_is_not_there() {
    for format in ["sha1", "sha256"] {
        let place = Place::new();
        place.git(["init", "--quiet", "--initial-branch=main", &format!("--object-format={format}")]);
        let ask = |text: &str| resolve(&place, &Ask { commits: Commits::Range(text), ..ALL });
        assert_eq!(ask("HEAD"), Err(RangeError::Unborn));
        place.commit("first").commit("second");
        place.git(["tag", "--annotate", "--message=m", "v1", "main~1"]);
        let id = |rev: &str| place.git(["rev-parse", rev]).trim().to_owned();
        let found = |text: &str| ask(text).map(|range| range.include[0].to_string());
        assert_eq!((found("main"), found("@"), found("v1")), (Ok(id("main")), Ok(id("main")), Ok(id("v1"))));
        assert_eq!((found("v1^0"), found("main~1")), (Ok(id("v1^0")), Ok(id("main~1"))));
        assert_eq!(found("..main").expect("an empty side is HEAD"), id("main"));
        let short = &id("main")[..8];
        if format == "sha1" {
            assert_eq!((found(short), found("main@{1}")), (Ok(id("main")), Ok(id("main@{1}"))));
        } else {
            assert!(matches!(found(short), Err(RangeError::Shorthand { .. })), "{:?}", found(short));
        }
        for unknown in ["nowhere", "main~7", "main^2", &"1".repeat(id("main").len())] {
            assert_eq!(found(unknown), Err(RangeError::Unknown(unknown.to_owned())));
        }
        let since = resolve(&place, &Ask { since: Some("last tuesday"), ..ALL });
        assert_eq!(since, Err(RangeError::NoStart("last tuesday".to_owned())));
        let git = GitDir::discover(place.path()).expect("a repository");
        assert!(RangeError::Unknown("origin/main".to_owned()).hint(&git).ends_with("`git fetch origin main`"));
    }
}

#[test]
fn moves_modes_links_and_submodules() {
    let place = Place::repository();
    place.write("a.txt", "one\ntwo\n").write("run.sh", "run\n").write("deep/er/b.txt", "three\n").commit("first");
    place.git(["mv", "a.txt", "moved.txt"]);
    place.git(["mv", "deep", "deeper"]);
    place.git(["update-index", "--chmod=+x", "run.sh"]);
    std::os::unix::fs::symlink("secret-target", place.join("link")).expect("a link");
    let head = place.git(["rev-parse", "HEAD"]);
    place.git(["update-index", "--add", "--cacheinfo", &format!("160000,{},module", head.trim())]);
    place.git(["add", "link"]);
    place.git(["commit", "--quiet", "--message=second"]);
    let found = added(&place, Commits::Range("HEAD~1..HEAD"));
    let paths = |set: &BTreeSet<String>| set.iter().map(|line| line.rsplit(' ').next().expect("a path").to_owned()).collect::<Vec<_>>();
    assert_eq!(paths(&found.blobs), ["link"]);
    assert_eq!(paths(&found.names), ["deeper/er/b.txt", "link", "module", "moved.txt"]);
    assert_eq!(found.lines.into_iter().collect::<Vec<_>>(), ["link: secret-target"]);

    place.write("copy.txt", "one\ntwo\n").write("moved.txt", "one\nnew\ntwo\n").commit("third");
    let found = added(&place, Commits::Range("HEAD~1..HEAD"));
    assert_eq!(found.lines.into_iter().collect::<Vec<_>>(), ["copy.txt: one", "copy.txt: two", "moved.txt: new"]);
}

#[test]
fn what_only_a_merge_has() {
    let place = Place::repository();
    place.write("both.txt", "1\n2\n3\n").commit("base");
    place.git(["checkout", "--quiet", "-b", "side"]);
    place.write("both.txt", "1\n2\n3 side\n").write("side.txt", "side\n").commit("side");
    place.git(["checkout", "--quiet", "main"]);
    place.write("both.txt", "1 main\n2\n3\n").commit("main");
    place.git(["merge", "--quiet", "--no-commit", "--no-ff", "side"]);
    place.write("both.txt", "1 main\n2 merge\n3 side\n").write("evil.txt", "evil\n").commit("merge");
    let found = added(&place, Commits::Range("HEAD^1..HEAD"));
    assert_eq!(found.commits, set(&git(&place, &["rev-list", "HEAD^1..HEAD"])));
    let lines: Vec<_> = found.lines.iter().map(String::as_str).collect();
    assert_eq!(lines, ["both.txt: 2 merge", "both.txt: 3 side", "evil.txt: evil", "side.txt: side"]);
    let merge = set(&place.git(["rev-parse", "HEAD"]));
    let of_merge: Vec<_> = found.blobs.iter().filter(|line| line.starts_with(merge.first().expect("it is there").as_str())).collect();
    assert_eq!(of_merge.len(), 2, "side.txt came with its branch");
}

#[test]
fn grafts_and_replace_refs_change_nothing() {
    let place = tangled(60, 0, "sha1");
    let expected = set(&place.git(["rev-list", "b1"]));
    let tip = place.git(["rev-parse", "b1"]).trim().to_owned();
    place.write(".git/info/grafts", format!("{tip}\n"));
    place.git(["update-ref", &format!("refs/replace/{tip}"), "b0"]);
    assert_eq!(added(&place, Commits::Range("b1")).commits, expected);
    assert!(resolve(&place, &Ask { commits: Commits::Range("b1~1..b1"), ..ALL }).is_ok());
}

#[test]
fn tags_and_what_they_point_at() {
    let place = Place::repository();
    place.write("a.txt", "text\n").commit("first");
    place.git(["tag", "--annotate", "--message=of a blob", "blob", "HEAD:a.txt"]);
    place.git(["tag", "--annotate", "--message=of a tree", "tree", "HEAD^{tree}"]);
    place.git(["tag", "--annotate", "--message=of a tag", "tag", "blob"]);
    let found = added(&place, Commits::Range("tag"));
    let ids = |revs: &[&str]| set(&git(&place, &[&["rev-parse"], revs].concat()));
    assert_eq!(found.commits, ids(&["tag", "blob"]));
    let blob = place.git(["rev-parse", "HEAD:a.txt"]).trim().to_owned();
    assert_eq!(found.blobs, [format!("{blob} {blob} ")].into());
    let later = Ask { commits: Commits::Range("tag"), since: Some("2026-06-01"), max_depth: None };
    let found = added_by(&place, &resolve(&place, &later).expect("it is there"), 1);
    assert_eq!((found.commits.len(), found.blobs.len()), (0, 1), "tags have a date, blobs have none");
    let found = added(&place, Commits::Range("tree"));
    assert_eq!((found.commits, found.blobs.len()), (ids(&["tree"]), 1));
}

#[test]
fn clones_that_are_not_complete() {
    let origin = tangled(80, 0, "sha1");
    origin.git(["config", "uploadpack.allowFilter", "true"]);
    let url = format!("file://{}", origin.path().display());
    let place = Place::new();
    place.git(["clone", "--quiet", "--bare", "--no-tags", "--branch=b1", "--depth=3", &url, "shallow"]);
    place.git(["clone", "--quiet", "--bare", "--filter=blob:none", &url, "partial"]);
    let at = |name: &str| {
        let git = GitDir::discover(&place.join(name)).expect("a repository");
        let store = ObjectStore::open(&git.objects(), git.hash(), Limits::default()).expect("it has objects");
        (git, store)
    };
    let (git, store) = at("shallow");
    let read = |id: &ObjectId| store.read(id);
    let ranges = Ranges { git: &git, read: &read, threads: NonZeroUsize::MIN };
    let mut cut: Vec<_> = ranges.changes(&ranges.resolve(&ALL, NOW).expect("it is there"), &|_| {}).skipped;
    cut.sort_by_key(|skip| skip.id);
    let mut boundary: Vec<_> = git.shallow().iter().map(|&id| Some(id)).collect();
    boundary.sort();
    assert_eq!(cut.iter().map(|skip| skip.id).collect::<Vec<_>>(), boundary);
    let near = Ask { max_depth: NonZeroUsize::new(3), ..ALL };
    assert!(ranges.changes(&ranges.resolve(&near, NOW).expect("it is there"), &|_| {}).skipped.is_empty(), "so deep it goes");
    let gone = ranges.resolve(&Ask { commits: Commits::Range("b1~40..b1"), ..ALL }, NOW).expect_err("it is cut off");
    assert!(gone.hint(&git).contains("--unshallow"), "{gone}");

    let (git, store) = at("partial");
    let read = |id: &ObjectId| store.read(id);
    let ranges = Ranges { git: &git, read: &read, threads: NonZeroUsize::MIN };
    let skipped =
        ranges.changes(&ranges.resolve(&Ask { commits: Commits::Range("b0~5..b0"), ..ALL }, NOW).expect("it is there"), &|_| {}).skipped;
    let expected = changed_by(&origin, &set(&self::git(&origin, &["rev-list", "b0~5..b0"])));
    let missing: BTreeSet<_> = expected.iter().filter_map(|line| ObjectId::from_hex(line.split(' ').nth(1)?.as_bytes())).collect();
    assert!(!skipped.is_empty() && skipped.iter().all(|skip| skip.reason == SkipReason::Missing));
    assert!(skipped.iter().all(|skip| missing.contains(&skip.id.expect("it has a name"))));
}

#[test]
fn pushes_and_updates() {
    let place = tangled(100, 0, "sha1");
    let id = |rev: &str| ObjectId::from_hex(place.git(["rev-parse", rev]).trim().as_bytes());
    place.git(["update-ref", "refs/remotes/origin/main", "b0"]);
    let refs = GitDir::discover(place.path()).expect("a repository").refs().items;
    let push = |old| [Push { local: b"refs/heads/b1".to_vec(), new: id("b1"), remote: b"refs/heads/b1".to_vec(), old }];
    let commits = |range: &Range| added_by(&place, range, 1).commits;
    assert_eq!(commits(&Range::of_push(&push(None), Some("origin"), &refs)), set(&place.git(["rev-list", "b0..b1"])));
    let update = Range::of_push(&push(id("b2")), Some("origin"), &refs);
    assert_eq!(commits(&update), set(&place.git(["rev-list", "b1", "^b0", "^b2"])));
    let strange = ObjectId::from_bytes(HashKind::Sha1, &[7; 20]);
    let forced = added_by(&place, &Range::of_push(&push(strange), Some("elsewhere"), &refs), 1);
    assert_eq!((forced.commits, forced.skipped), (set(&place.git(["rev-list", "b1"])), Vec::new()), "what is not known excludes nothing");

    let tree = place.git(["write-tree"]);
    let new = place.git(["commit-tree", "-m", "new", "-p", "b1", tree.trim()]);
    let updates = [
        Update { old: id("b1"), new: id(new.trim()), name: b"refs/heads/b1".to_vec() },
        Update { old: id("b2"), new: None, name: b"refs/heads/b2".to_vec() },
    ];
    assert_eq!(commits(&Range::of_updates(&updates, &refs)), set(&new));
}

#[test]
fn a_push_in_quarantine() {
    let (server, kept) = (tangled(40, 0, "sha1"), Place::new());
    let script = format!(
        "#!/bin/sh\ncd '{}'\ncat > input\nprintf %s \"$GIT_ALTERNATE_OBJECT_DIRECTORIES\" > alternates\n\
        cp -r \"$GIT_QUARANTINE_PATH\" objects\nexit 1\n",
        kept.path().display()
    );
    server.write(".git/hooks/pre-receive", script);
    std::fs::set_permissions(server.join(".git/hooks/pre-receive"), std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("set");
    let client = Place::new();
    client.git(["clone", "--quiet", "--branch=b1", server.path().to_str().expect("UTF-8"), "."]);
    client.write("new.txt", "one\ntwo\n").commit("pushed");
    let pushed = client.git(["rev-parse", "HEAD"]);
    let refused = isolated(Command::new("git").args(["push", "--quiet", "origin", "HEAD:b1"])).current_dir(client.path()).output();
    assert!(!refused.expect("git runs").status.success());

    let alternates = std::fs::read_to_string(kept.join("alternates")).expect("the hook ran");
    let variables = GitVariables::read(|name| match name {
        "GIT_DIR" => Some(server.join(".git").into()),
        "GIT_QUARANTINE_PATH" => Some(kept.join("objects").into()),
        "GIT_ALTERNATE_OBJECT_DIRECTORIES" => Some(alternates.clone().into()),
        _ => None,
    });
    let git = GitDir::told(&server.join(".git"), &variables).expect("a repository");
    let updates = pre_receive(&std::fs::read(kept.join("input")).expect("the hook ran")).expect("git writes it");
    assert_eq!(updates[0].name, b"refs/heads/b1");
    let range = Range::of_updates(&updates, &git.refs().items);
    let store = git.open_objects(Limits::default()).expect("they are there");
    assert_eq!(store.skipped().len(), 0);
    let read = |id: &ObjectId| store.read(id);
    let found = Mutex::new(Vec::new());
    let changes = Ranges { git: &git, read: &read, threads: NonZeroUsize::MIN }.changes(&range, &|change| {
        found.lock().expect("no panic").push(match change {
            Change::Message { id, .. } => id.to_string(),
            Change::Path { path, .. } => String::from_utf8_lossy(path).into_owned(),
            Change::Blob(blob) => String::from_utf8_lossy(blob.bytes).into_owned(),
        });
    });
    assert_eq!(found.into_inner().expect("no panic"), [pushed.trim(), "new.txt", "one\ntwo\n"]);
    assert_eq!((changes.commits, changes.skipped), (1, Vec::new()));
}
