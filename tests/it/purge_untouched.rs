//! A long history, purged of one value: what came before it keeps every name, and what came after differs in the value alone.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::process::{Command, Stdio};

use crate::purge::VALUE;
use crate::support::{Place, finish, isolated};

const COMMITS: usize = 10_000;
/// The commit that brings the value in, and the one that takes it out again.
const FIRST: usize = 7_020;
const LAST: usize = 7_420;

/// A history of many commits with branches that are merged, in the form that `git fast-import` reads.
fn stream() -> Vec<u8> {
    let mut out = Vec::new();
    let data = |out: &mut Vec<u8>, text: &str| out.extend_from_slice(format!("data {}\n{text}\n", text.len()).as_bytes());
    for number in 1..=COMMITS {
        let branch = if number % 50 < 10 && number >= 100 { "side" } else { "main" };
        out.extend_from_slice(format!("commit refs/heads/{branch}\nmark :{number}\ncommitter A <a@corp.net> {number} +0130\n").as_bytes());
        data(&mut out, &format!("commit {number}\n\nwith\ttabs  and a tail\n\n"));
        if number % 50 == 0 && number >= 100 {
            out.extend_from_slice(format!("from :{}\n", number - 1).as_bytes());
        } else if number % 50 == 10 && number >= 100 {
            out.extend_from_slice(format!("from :{}\nmerge :{}\n", number - 11, number - 1).as_bytes());
        }
        let mode = ["100644", "100755"][number % 2];
        out.extend_from_slice(format!("M {mode} inline part{}/{}/file{}.txt\n", number % 7, number % 11, number % 23).as_bytes());
        data(&mut out, &format!("line one\nnumber {number}\nlast line"));
        if number == FIRST {
            out.extend_from_slice(b"M 100644 inline part3/settings.env\n");
            data(&mut out, &format!("A=1\r\nPASSWORD={VALUE}\r\nB={VALUE}"));
        } else if number == LAST {
            out.extend_from_slice(b"D part3/settings.env\n");
        }
    }
    out
}

/// What git prints, by lines.
fn lines(git_dir: &std::path::Path, args: &[&str]) -> Vec<String> {
    let mut command = Command::new("git");
    let output = isolated(&mut command).arg("--git-dir").arg(git_dir).args(args).output().expect("git runs");
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8").lines().map(str::to_owned).collect()
}

#[test]
fn of_ten_thousand_commits_only_later_ones_change() {
    let place = Place::new();
    place.git(["init", "--quiet", "--bare", "old.git"]);
    let mut command = Command::new("git");
    isolated(&mut command).args(["--git-dir", "old.git", "fast-import", "--quiet"]).current_dir(place.path());
    let mut child = command.stdin(Stdio::piped()).spawn().expect("git runs");
    child.stdin.take().expect("it is piped").write_all(&stream()).expect("git reads it");
    assert!(child.wait().expect("git ends").success());
    place.write("values", VALUE);
    let mut command = place.command();
    let run = finish(command.args(["purge", "run", "old.git", "--values-from", "values", "--to", "new.git"]).output().expect("sopup runs"));
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    let (old, new) = (place.join("old.git"), place.join("new.git"));

    // By the number of the commit, which its message says.
    let commits = |git_dir| -> BTreeMap<usize, [String; 4]> {
        let all = lines(git_dir, &["log", "--all", "--format=%s|%H|%T|%P|%an %ae %ad %cn %ce %cd %e"]);
        let parted = all.iter().map(|line| line.split('|').map(str::to_owned).collect::<Vec<_>>());
        let number = |subject: &str| subject.trim_start_matches("commit ").parse().expect("a number");
        parted.map(|parts| (number(&parts[0]), [1, 2, 3, 4].map(|at| parts[at].clone()))).collect()
    };
    let (before, after) = (commits(&old), commits(&new));
    assert_eq!((before.len(), after.len()), (COMMITS, COMMITS));
    // Those that come after the first in the graph, by git.
    let first = before[&FIRST][0].clone();
    let later: BTreeSet<String> =
        lines(&old, &["rev-list", "--all", "--ancestry-path", &format!("^{first}")]).into_iter().chain([first]).collect();
    let map = std::fs::read_to_string(new.join("sopup/commit-map")).expect("a map");
    let map: BTreeMap<&str, &str> = map.lines().skip(1).filter_map(|line| line.split_once(' ')).collect();
    for (number, [id, tree, parents, people]) in &before {
        let [new_id, new_tree, new_parents, new_people] = &after[number];
        assert_eq!(id != new_id, later.contains(id), "commit {number}");
        assert_eq!(tree != new_tree, (FIRST..LAST).contains(number) && later.contains(id), "the tree of commit {number}");
        assert_eq!((people, map[id.as_str()]), (new_people, new_id.as_str()));
        let moved: Vec<&str> = parents.split_whitespace().map(|parent| map[parent]).collect();
        assert_eq!(moved.join(" "), *new_parents, "the parents of commit {number}");
    }
    // The new objects are commits, trees that lead to the file, and the file; all others are the old ones.
    let objects = |git_dir| -> BTreeMap<String, String> {
        let all = lines(git_dir, &["cat-file", "--batch-all-objects", "--batch-check=%(objectname) %(objecttype)"]);
        all.iter().filter_map(|line| line.split_once(' ')).map(|(id, kind)| (id.to_owned(), kind.to_owned())).collect()
    };
    let (objects_before, objects_after) = (objects(&old), objects(&new));
    let made = |kind: &str| objects_after.iter().filter(|(id, of)| *of == kind && !objects_before.contains_key(*id)).count();
    let trees = 2 * later.iter().filter(|id| before.iter().any(|(number, of)| of[0] == **id && (FIRST..LAST).contains(number))).count();
    assert!(made("commit") == later.len() && made("blob") == 1 && made("tree") <= trees, "{} {}", made("blob"), made("tree"));
    let text = |git_dir, id: &str| lines(git_dir, &["cat-file", "blob", &format!("{id}:part3/settings.env")]).join("\n");
    assert_eq!(text(&new, &after[&FIRST][0]), text(&old, &before[&FIRST][0]).replace(VALUE, "REMOVED"));
    for number in [FIRST, LAST - 1] {
        let listed = |git_dir, commits: &BTreeMap<usize, [String; 4]>| lines(git_dir, &["ls-tree", "-r", &commits[&number][0]]);
        let (old, new) = (listed(&old, &before), listed(&new, &after));
        let differing: Vec<_> = old.iter().zip(&new).filter(|(old, new)| old != new).map(|(old, _)| old.split('\t').next_back()).collect();
        assert!(old.len() == new.len() && differing == [Some("part3/settings.env")], "commit {number}: {differing:?}");
    }
    lines(&new, &["fsck", "--full", "--strict"]);
}
