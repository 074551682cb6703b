//! The repository: a secret of its own in every place where git can keep one.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::plant::{Hidden, Reach, Where, line};

/// Builds it, with ids of this sort (`sha1`, `sha256`).
pub(super) fn build(format: &str) -> Hidden {
    let mut hidden = Hidden::new(format);
    files(&mut hidden);
    encodings(&mut hidden);
    branches_and_merges(&mut hidden);
    messages(&mut hidden);
    names(&mut hidden);
    tags(&mut hidden);
    let in_pack = hidden.git(&["rev-list", "--objects", "--all"]).lines().count();
    packed(&mut hidden);
    assert!(in_pack > 50, "the packs are not empty");
    refs_of_other_kinds(&mut hidden);
    stashes(&mut hidden);
    out_of_reach(&mut hidden);
    made_up_history(&mut hidden);
    linked_working_tree(&mut hidden);
    working_tree(&mut hidden);
    git_directory(&mut hidden);
    borrowed(&mut hidden);
    hidden
}

fn files(hidden: &mut Hidden) {
    hidden.in_yaml("a deleted file", "config/old.yaml");
    hidden.in_yaml("a deleted file deep in folders", "a/b/c/d/e/f/g/h/i/j/k/settings.yaml");

    let value = hidden.password();
    hidden.place.write("first-name.yaml", line(&value));
    hidden.commit("add a file");
    let id = hidden.git(&["rev-parse", "HEAD:first-name.yaml"]);
    hidden.git(&["mv", "first-name.yaml", "second-name.yaml"]);
    hidden.commit("rename it");
    hidden.git(&["rm", "--quiet", "second-name.yaml"]);
    hidden.commit("remove it");
    hidden.plant("a file renamed and deleted", &value, "first-name.yaml", line(&value), Where::Object(id, Reach::Head));

    let value = hidden.password();
    hidden.place.write("current.yaml", line(&value));
    hidden.commit("a file that stays");
    let id = hidden.git(&["rev-parse", "HEAD:current.yaml"]);
    hidden.plant("a file of HEAD", &value, "current.yaml", line(&value), Where::Object(id, Reach::Head));

    // Many versions of one file: git stores all but one as deltas.
    let filler: String = (0..400).map(|number| format!("setting_{number}: {}\n", number * 7919 % 1009)).collect();
    for version in 0..12 {
        let value = hidden.password();
        let mut text = format!("version: {version}\n{filler}");
        if version == 4 {
            text.push_str(&line(&value));
        }
        hidden.place.write("grown.yaml", &text);
        hidden.commit("one more version");
        if version == 4 {
            let id = hidden.git(&["rev-parse", "HEAD:grown.yaml"]);
            hidden.plant("an old version of a file, stored as a delta", &value, "grown.yaml", text, Where::Object(id, Reach::Head));
        }
    }
    let value = hidden.password();
    let json = format!("{{\"x\": \"{}\", \"db_password\": \"{value}\"}}", "lorem ipsum ".repeat(30_000));
    hidden.in_file("a line of 360 kB", "long.json", &value, json);
    let value = hidden.password();
    let large = format!("{}{}", "nothing to see on this line\n".repeat(350_000), line(&value));
    hidden.in_file("a file of 10 MB", "large.yaml", &value, large);
    let value = hidden.password();
    let modules = format!("[submodule \"x\"]\n\tpath = x\n\turl = https://deploy:{value}@git.corp.net/x.git\n");
    hidden.in_file("an address in .gitmodules", ".gitmodules", &value, modules);
}

fn encodings(hidden: &mut Hidden) {
    hidden.place.write(".gitattributes", "*.nodiff -diff\n*.bin binary\n");
    hidden.commit("attributes");
    hidden.in_yaml("a file with -diff", "settings.nodiff");
    let value = hidden.token();
    hidden.in_file("a file with the attribute binary", "settings.bin", &value, format!("token {value}\n"));
    let value = hidden.token();
    hidden.in_file("a file with NUL bytes and without attributes", "core.dump", &value, format!("\0\x01\0\x02{value}\0\0"));
    let wide =
        |text: &str, bytes: fn(u16) -> [u8; 2]| "\u{feff}".encode_utf16().chain(text.encode_utf16()).flat_map(bytes).collect::<Vec<u8>>();
    let value = hidden.password();
    hidden.in_file("UTF-16, little-endian", "wide.yaml", &value, wide(&line(&value), u16::to_le_bytes));
    let value = hidden.password();
    hidden.in_file("UTF-16, big-endian", "wide-too.yaml", &value, wide(&line(&value), u16::to_be_bytes));
    let value = hidden.password();
    let latin = [b"stra\xdfe: x\n".as_slice(), line(&value).as_bytes()].concat();
    hidden.in_file("Latin-1", "latin.yaml", &value, latin);
    let value = hidden.password();
    hidden.in_file("CRLF line ends", "windows.yaml", &value, format!("a: b\r\ndb_password: \"{value}\"\r\n"));
    let value = hidden.password();
    hidden.in_file("a YAML block scalar", "folded.yaml", &value, format!("db_password: >-\n  {value}\n"));
    let encoded = STANDARD.encode(hidden.password());
    let secret = format!("apiVersion: v1\nkind: Secret\ndata:\n  password: {encoded}\n");
    hidden.in_file("base64 in a Kubernetes Secret", "secret.yaml", &encoded, secret);
    let hex: String = hidden.password().bytes().map(|byte| format!("{byte:02x}")).collect();
    hidden.in_file("hexadecimal", "hex.py", &hex, format!("password_hex = \"{hex}\"\n"));
    let value = hidden.password();
    let target = format!("https://app:{value}@db.corp.net/");
    std::os::unix::fs::symlink(&target, hidden.place.join("link")).expect("a link");
    hidden.commit("a link");
    let id = hidden.git(&["rev-parse", "HEAD:link"]);
    hidden.git(&["rm", "--quiet", "link"]);
    hidden.commit("no link");
    hidden.plant("the target of a symbolic link", &value, "link", target, Where::Object(id, Reach::Head));
}

fn branches_and_merges(hidden: &mut Hidden) {
    let on = |hidden: &mut Hidden, name, branch: &str, path: &str, reach| {
        let value = hidden.password();
        hidden.git(&["checkout", "--quiet", "-b", branch]);
        hidden.place.write(path, line(&value));
        hidden.commit("on a branch");
        let id = hidden.git(&["rev-parse", &format!("HEAD:{path}")]);
        hidden.plant(name, &value, path, line(&value), Where::Object(id, reach));
    };
    on(hidden, "a branch that was not merged", "topic", "topic.yaml", Reach::Refs);
    hidden.git(&["checkout", "--quiet", "main"]);
    on(hidden, "a branch that was merged", "merged", "merged.yaml", Reach::Head);
    hidden.git(&["rm", "--quiet", "merged.yaml"]);
    hidden.commit("removed before it was merged");
    hidden.git(&["checkout", "--quiet", "main"]);
    hidden.commit("meanwhile");
    hidden.git(&["merge", "--quiet", "--no-ff", "--no-commit", "merged"]);
    let value = hidden.password();
    hidden.place.write("evil.yaml", line(&value));
    hidden.commit("a merge that adds something");
    let id = hidden.git(&["rev-parse", "HEAD:evil.yaml"]);
    hidden.git(&["rm", "--quiet", "evil.yaml"]);
    hidden.commit("no more");
    hidden.plant("a file that only a merge has", &value, "evil.yaml", line(&value), Where::Object(id, Reach::Head));

    let value = hidden.password();
    hidden.git(&["checkout", "--quiet", "--orphan", "another-root"]);
    hidden.place.write("root.yaml", line(&value));
    hidden.commit("a second root");
    let id = hidden.git(&["rev-parse", "HEAD:root.yaml"]);
    hidden.plant("a second root commit", &value, "root.yaml", line(&value), Where::Object(id, Reach::Refs));
    hidden.git(&["checkout", "--quiet", "main"]);
}

fn messages(hidden: &mut Hidden) {
    let value = hidden.password();
    let id = hidden.commit(&format!("a message\n\n{}", line(&value)));
    hidden.plant("a commit message", &value, "message", line(&value), Where::Object(id, Reach::Head));
    for (name, variable) in [
        ("an author's name", "GIT_AUTHOR_NAME"),
        ("an author's address", "GIT_AUTHOR_EMAIL"),
        ("a committer's name", "GIT_COMMITTER_NAME"),
        ("a committer's address", "GIT_COMMITTER_EMAIL"),
    ] {
        let value = hidden.token();
        hidden.git_with(&[(variable, &value)], &["commit", "--quiet", "--allow-empty", "--message=m"], b"");
        let id = hidden.git(&["rev-parse", "HEAD"]);
        hidden.plant(name, &value, "message", &value, Where::Object(id, Reach::Head));
    }
    let value = hidden.password();
    let tree = hidden.git(&["rev-parse", "HEAD^{tree}"]);
    let person = "A <a@corp.net> 1767323045 +0000";
    let header = format!("x-note {}", line(&value));
    let id = hidden.object("commit", format!("tree {tree}\nauthor {person}\ncommitter {person}\n{header}\nmessage\n"));
    hidden.git(&["branch", "odd-header", &id]);
    hidden.plant("a header of a commit", &value, "message", header, Where::Object(id, Reach::Refs));
    let value = hidden.password();
    hidden.git(&["notes", "add", "--message", line(&value).trim_end()]);
    let id = hidden.git(&["notes", "list", "HEAD"]);
    hidden.plant("a note", &value, "note", line(&value), Where::Object(id, Reach::Refs));
}

fn names(hidden: &mut Hidden) {
    for (name, folder) in [("the name of a file", ""), ("the name of a folder", "/inside.txt")] {
        let value = hidden.token();
        let path = format!("dump-{value}{folder}");
        hidden.place.write(&path, format!("nothing in it: {}\n", folder.len()));
        hidden.commit("an odd name");
        let id = hidden.git(&["rev-parse", "HEAD^{tree}"]);
        hidden.git(&["rm", "--quiet", &path]);
        hidden.commit("no odd name");
        hidden.plant(name, &value, "name", format!("dump-{value}"), Where::Object(id, Reach::Head));
    }
}

fn tags(hidden: &mut Hidden) {
    let value = hidden.password();
    hidden.git(&["tag", "--annotate", "--message", line(&value).trim_end(), "v1"]);
    let id = hidden.git(&["rev-parse", "v1"]);
    hidden.plant("the message of a tag", &value, "message", line(&value), Where::Object(id, Reach::Refs));
    let value = hidden.token();
    hidden.git_with(&[("GIT_COMMITTER_NAME", &value)], &["tag", "--annotate", "--message=m", "v2"], b"");
    let id = hidden.git(&["rev-parse", "v2"]);
    hidden.plant("a tagger's name", &value, "message", &value, Where::Object(id, Reach::Refs));
    let value = hidden.password();
    hidden.git(&["tag", "--annotate", "--message", line(&value).trim_end(), "v3", "v2"]);
    let id = hidden.git(&["rev-parse", "v3"]);
    hidden.git(&["tag", "--annotate", "--message=outer", "v4", "v3"]);
    hidden.git(&["tag", "--delete", "v3"]);
    hidden.plant("a tag inside of a tag", &value, "message", line(&value), Where::Object(id, Reach::Refs));
    let value = hidden.password();
    let id = hidden.object("blob", line(&value));
    hidden.git(&["tag", "--annotate", "--message=a blob", "a-blob", &id]);
    hidden.plant("a blob that a tag points at", &value, "blob", line(&value), Where::Object(id, Reach::Refs));
    let value = hidden.password();
    let id = hidden.object("blob", line(&value));
    hidden.git(&["tag", "a-bare-blob", &id]);
    hidden.plant("a blob that a lightweight tag points at", &value, "blob", line(&value), Where::Object(id, Reach::Refs));
    let value = hidden.password();
    let id = hidden.object("blob", line(&value));
    let tree = hidden.git_with(&[], &["mktree"], format!("100644 blob {id}\tin-tree.yaml\n").as_bytes());
    hidden.git(&["tag", "a-tree", &tree]);
    hidden.plant("a tree that a tag points at", &value, "in-tree.yaml", line(&value), Where::Object(id, Reach::Refs));
}

/// So far into a pack, what nothing leads to into a cruft pack, later commits into a second pack.
fn packed(hidden: &mut Hidden) {
    let value = hidden.password();
    let id = hidden.object("blob", line(&value));
    hidden.git(&["repack", "--quiet", "-d", "-f", "--cruft"]);
    assert!(files_of(hidden, "mtimes") == 1 && files_of(hidden, "pack") == 2, "a cruft pack");
    hidden.plant("a cruft pack", &value, "blob", line(&value), Where::Object(id, Reach::Nothing));
    hidden.in_yaml("a second pack", "second-pack.yaml");
    hidden.git(&["repack", "--quiet", "-d"]);
    hidden.git(&["multi-pack-index", "write"]);
    assert_eq!(files_of(hidden, "pack"), 3);
    assert_eq!(hidden.git(&["count-objects"]).split(' ').next(), Some("0"), "no loose object is left");
}

fn files_of(hidden: &Hidden, extension: &str) -> usize {
    let entries = std::fs::read_dir(hidden.place.join(".git/objects/pack")).expect("the packs");
    entries.filter(|entry| entry.as_ref().expect("readable").path().extension().is_some_and(|has| has == extension)).count()
}

fn refs_of_other_kinds(hidden: &mut Hidden) {
    for (name, to) in [
        ("a remote's branch", "refs/remotes/origin/feature"),
        ("a pull request's ref", "refs/pull/7/head"),
        ("a ref of no usual kind", "refs/hidden/place"),
    ] {
        let value = hidden.password();
        let blob = hidden.object("blob", line(&value));
        let tree = hidden.git_with(&[], &["mktree"], format!("100644 blob {blob}\tx.yaml\n").as_bytes());
        let commit = hidden.git(&["commit-tree", "-m", name, &tree]);
        hidden.git(&["update-ref", to, &commit]);
        hidden.plant(name, &value, "x.yaml", line(&value), Where::Object(blob, Reach::Refs));
    }
    let value = hidden.token();
    let name = format!("refs/heads/packed/{value}");
    hidden.git(&["update-ref", &name, "HEAD"]);
    hidden.git(&["pack-refs", "--all"]);
    hidden.plant("the name of a packed ref", &value, "name", &name, Where::PackedRef(name.clone()));
    let value = hidden.token();
    let name = format!("refs/heads/loose/{value}");
    hidden.git(&["update-ref", &name, "HEAD"]);
    hidden.plant("the name of a loose ref", &value, "name", &name, Where::LooseRef(name.clone()));
}

fn stashes(hidden: &mut Hidden) {
    let value = hidden.password();
    hidden.place.write("current.yaml", line(&value));
    hidden.git(&["stash", "push", "--quiet"]);
    let id = hidden.git(&["rev-parse", "stash@{0}:current.yaml"]);
    hidden.plant("an older stash", &value, "current.yaml", line(&value), Where::Object(id, Reach::Reflog));

    let values = [hidden.password(), format!("{}x", hidden.password()), format!("{}y", hidden.password())];
    hidden.place.write("grown.yaml", line(&values[1]));
    hidden.git(&["add", "grown.yaml"]);
    hidden.place.write("grown.yaml", "nothing\n").write("current.yaml", line(&values[0])).write("untracked.yaml", line(&values[2]));
    hidden.git(&["stash", "push", "--quiet", "--include-untracked"]);
    for ((name, path), value) in [
        ("a stash: tracked content", "stash:current.yaml"),
        ("a stash: its index", "stash^2:grown.yaml"),
        ("a stash: untracked files", "stash^3:untracked.yaml"),
    ]
    .into_iter()
    .zip(&values)
    {
        let id = hidden.git(&["rev-parse", path]);
        hidden.plant(name, value, "stash.yaml", line(value), Where::Object(id, Reach::Refs));
    }
}

fn out_of_reach(hidden: &mut Hidden) {
    let value = hidden.password();
    hidden.place.write("amended.yaml", line(&value));
    hidden.commit("to be amended");
    let id = hidden.git(&["rev-parse", "HEAD:amended.yaml"]);
    hidden.git(&["reset", "--quiet", "--hard", "HEAD~1"]);
    hidden.plant("a commit that only a reflog has", &value, "amended.yaml", line(&value), Where::Object(id, Reach::Reflog));

    let value = hidden.password();
    let blob = hidden.object("blob", line(&value));
    let tree = hidden.git_with(&[], &["mktree"], format!("100644 blob {blob}\tx.yaml\n").as_bytes());
    hidden.git(&["commit-tree", "-m", "dangling", &tree]);
    hidden.plant("a file of a dangling commit", &value, "x.yaml", line(&value), Where::Object(blob.clone(), Reach::Nothing));
    let value = hidden.password();
    let id = hidden.git(&["commit-tree", "-m", line(&value).trim_end(), &tree]);
    hidden.plant("the message of a dangling commit", &value, "message", line(&value), Where::Object(id, Reach::Nothing));
    let value = hidden.password();
    let id = hidden.object("blob", line(&value));
    hidden.plant("a dangling blob", &value, "blob", line(&value), Where::Object(id, Reach::Nothing));
    let value = hidden.token();
    let id = hidden.git_with(&[], &["mktree"], format!("100644 blob {blob}\t{value}\n").as_bytes());
    hidden.plant("a name in a dangling tree", &value, "name", &value, Where::Object(id, Reach::Nothing));
    let value = hidden.password();
    hidden.git(&["tag", "--annotate", "--message", line(&value).trim_end(), "gone"]);
    let id = hidden.git(&["rev-parse", "gone"]);
    hidden.git(&["tag", "--delete", "gone"]);
    hidden.plant("a dangling tag", &value, "message", line(&value), Where::Object(id, Reach::Nothing));
}

/// Replace refs and grafts show another history than the one that is stored.
fn made_up_history(hidden: &mut Hidden) {
    let value = hidden.password();
    hidden.place.write("grafted.yaml", line(&value));
    hidden.commit("behind the graft");
    let id = hidden.git(&["rev-parse", "HEAD:grafted.yaml"]);
    hidden.git(&["rm", "--quiet", "grafted.yaml"]);
    let cut = hidden.commit("before the graft");
    hidden.plant("history that a graft cuts off", &value, "grafted.yaml", line(&value), Where::Object(id, Reach::Head));

    for (name, is_new) in [("an object that a replace ref hides", false), ("an object that a replace ref shows", true)] {
        let value = hidden.password();
        let clean = format!("nothing: {name}\n");
        hidden.place.write("replaced.yaml", if is_new { clean.clone() } else { line(&value) });
        hidden.commit("an object to be replaced");
        let old = hidden.git(&["rev-parse", "HEAD:replaced.yaml"]);
        let new = hidden.object("blob", if is_new { line(&value) } else { clean });
        hidden.git(&["rm", "--quiet", "--cached", "replaced.yaml"]);
        std::fs::remove_file(hidden.place.join("replaced.yaml")).expect("it was there");
        hidden.commit("no more");
        hidden.git(&["replace", &old, &new]);
        let at = if is_new { Where::Object(new, Reach::Refs) } else { Where::Object(old, Reach::Head) };
        hidden.plant(name, &value, "replaced.yaml", line(&value), at);
    }
    hidden.place.write(".git/info/grafts", format!("{cut}\n"));
}

fn linked_working_tree(hidden: &mut Hidden) {
    hidden.git(&["worktree", "add", "--quiet", "--detach", "linked", "HEAD"]);
    hidden.place.write(".git/info/exclude", "/linked\n");
    let value = hidden.password();
    hidden.place.write("linked/there.yaml", line(&value));
    hidden.git(&["-C", "linked", "add", "there.yaml"]);
    hidden.git(&["-C", "linked", "commit", "--quiet", "--message=there"]);
    let id = hidden.git(&["-C", "linked", "rev-parse", "HEAD:there.yaml"]);
    hidden.git(&["-C", "linked", "rm", "--quiet", "there.yaml"]);
    hidden.git(&["-C", "linked", "commit", "--quiet", "--message=gone"]);
    hidden.plant("HEAD of a linked working tree", &value, "there.yaml", line(&value), Where::Object(id, Reach::Refs));
    let value = hidden.password();
    hidden.place.write("linked/staged.yaml", line(&value));
    hidden.git(&["-C", "linked", "add", "staged.yaml"]);
    let id = hidden.git(&["-C", "linked", "rev-parse", ":staged.yaml"]);
    hidden.place.write("linked/staged.yaml", "nothing\n");
    hidden.plant("the index of a linked working tree", &value, "staged.yaml", line(&value), Where::Object(id, Reach::Index));
    let value = hidden.password();
    hidden.place.write("linked/unsaved.yaml", line(&value));
    hidden.plant("a file of a linked working tree", &value, "unsaved.yaml", line(&value), Where::File("linked/unsaved.yaml".to_owned()));
}

fn working_tree(hidden: &mut Hidden) {
    let value = hidden.password();
    hidden.place.write("staged.yaml", line(&value));
    hidden.git(&["add", "staged.yaml"]);
    let id = hidden.git(&["rev-parse", ":staged.yaml"]);
    hidden.place.write("staged.yaml", "nothing\n");
    hidden.plant("the index alone", &value, "staged.yaml", line(&value), Where::Object(id, Reach::Index));
    for (name, path) in [("a change that is not staged", "grown.yaml"), ("an untracked file", "new.yaml")] {
        let value = hidden.password();
        hidden.place.write(path, line(&value));
        hidden.plant(name, &value, path, line(&value), Where::File(path.to_owned()));
    }
}

fn git_directory(hidden: &mut Hidden) {
    let value = hidden.password();
    let reason = format!("by hand: {}", line(&value).trim_end());
    let head = hidden.git(&["rev-parse", "HEAD"]);
    hidden.git(&["update-ref", "-m", &reason, "--create-reflog", "refs/heads/topic", &head]);
    hidden.git(&["update-ref", "-m", "back", "refs/heads/topic", "topic@{1}"]);
    hidden.plant("a reflog's message", &value, "log", &reason, Where::File(".git/logs/refs/heads/topic".to_owned()));

    let value = hidden.password();
    let url = format!("https://deploy:{value}@git.corp.net/x.git");
    hidden.git(&["config", "remote.origin.url", &url]);
    hidden.plant("a remote's address in the configuration", &value, "config", &url, Where::File(".git/config".to_owned()));
    let value = hidden.password();
    let url = format!("https://deploy:{value}@git.corp.net/y.git");
    hidden.git(&["config", "extensions.worktreeConfig", "true"]);
    hidden.git(&["-C", "linked", "config", "--worktree", "remote.other.url", &url]);
    let at = Where::File(".git/worktrees/linked/config.worktree".to_owned());
    hidden.plant("the configuration of a linked working tree", &value, "config", &url, at);
    let value = hidden.password();
    let fetched = format!("{head}\t\tbranch 'main' of https://deploy:{value}@git.corp.net/x\n");
    hidden.place.write(".git/FETCH_HEAD", &fetched);
    hidden.plant("FETCH_HEAD", &value, "FETCH_HEAD", &fetched, Where::File(".git/FETCH_HEAD".to_owned()));
    for (name, path) in [
        ("a message being written", ".git/COMMIT_EDITMSG"),
        ("a merge's message", ".git/MERGE_MSG"),
        ("a squash's message", ".git/SQUASH_MSG"),
        ("a hook", ".git/hooks/pre-push"),
        ("the description", ".git/description"),
        ("info/attributes", ".git/info/attributes"),
        ("a rebase: a message", ".git/rebase-merge/message"),
        ("a rebase: a patch", ".git/rebase-apply/0001"),
        ("a sequence: what is left to do", ".git/sequencer/todo"),
        ("a conflict that was resolved", ".git/rr-cache/0123456789012345678901234567890123456789/preimage"),
    ] {
        let value = hidden.password();
        let text = format!("# {}", line(&value));
        hidden.place.write(path, &text);
        hidden.plant(name, &value, path.rsplit('/').next().unwrap_or(path), &text, Where::File(path.to_owned()));
    }
}

/// Objects of another directory, inside of the git directory.
fn borrowed(hidden: &mut Hidden) {
    let value = hidden.password();
    hidden.place.write(".git/borrowed/info/empty", "");
    let directory = hidden.place.join(".git/borrowed");
    let variables = [("GIT_OBJECT_DIRECTORY", directory.to_str().expect("UTF-8"))];
    let id = hidden.git_with(&variables, &["hash-object", "-w", "--stdin"], line(&value).as_bytes());
    hidden.place.write(".git/objects/info/alternates", "../borrowed\n");
    hidden.plant("an alternate object directory", &value, "blob", line(&value), Where::Object(id, Reach::Nothing));
}
