#!/usr/bin/env python3
"""Whether a purge leaves everything else alone, worked out by other means than sopup's.

    benches/purge_identical.py SOPUP REPOSITORY.git [--word WORD]

Takes one word out of a history and compares the mirror with the repository: only commits that bring the word in, or come after
one that does, have new names; commits differ in the names of their trees and parents, in signatures, and in the word; trees
differ in the names of what changed below them; files differ in the word alone; refs lead to the commits of the map; `git fsck
--full` is content. Without a word it takes one that comes in late: the first of those of `purge.py` that changes less than half
of the commits. Ends with 1 and says what differs if anything does.
"""
import argparse, os, pathlib, subprocess, sys, tempfile

from purge import words

NEW = b"REMOVED"


class Objects:
    """The objects of a repository, as git reads them."""

    def __init__(self, git_dir):
        self.git_dir = git_dir
        self.batch = subprocess.Popen(["git", "--git-dir", git_dir, "cat-file", "--batch"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def read(self, name):
        self.batch.stdin.write(name + b"\n")
        self.batch.stdin.flush()
        size = int(self.batch.stdout.readline().split()[2])
        content = self.batch.stdout.read(size)
        self.batch.stdout.read(1)
        return content

    def entries(self, name):
        tree, at, width = self.read(name), 0, len(name) // 2
        while at < len(tree):
            end = tree.index(b"\0", at)
            yield tree[at:end], tree[end + 1:end + 1 + width].hex().encode()
            at = end + 1 + width

    def git(self, *args):
        return subprocess.run(["git", "--git-dir", self.git_dir, *args], capture_output=True, check=True).stdout


def holders(repository, word):
    """Blobs that hold the word as it is."""
    out = subprocess.Popen(["git", "--git-dir", repository, "cat-file", "--batch-all-objects", "--batch", "--unordered"],
                           stdout=subprocess.PIPE)
    found = set()
    while line := out.stdout.readline():
        name, kind, size = line.split()
        content = out.stdout.read(int(size))
        out.stdout.read(1)
        if kind == b"blob" and word in content:
            found.add(name)
    return found


def expected(objects, blobs, word):
    """Commits that bring the word in, and all that come after them."""
    log = objects.git("log", "--all", "--reverse", "--topo-order", "-m", "--root", "--raw", "-r", "--no-renames", "--no-abbrev",
                      "--format=commit %H %P")
    changed, commits, current = set(), {}, None
    for line in log.split(b"\n"):
        if line.startswith(b"commit "):
            # With -m a merge is listed once for each parent.
            current, *parents = line.split()[1:]
            commits[current] = parents
            if any(parent in changed for parent in parents) or word in objects.read(current):
                changed.add(current)
        elif line.startswith(b":") and line.split()[3] in blobs:
            changed.add(current)
    return changed, commits


class Comparison:
    def __init__(self, old, new, word):
        self.old, self.new, self.word = old, new, word
        self.faults, self.seen, self.files = [], set(), 0

    def fault(self, text):
        self.faults.append(text)

    def trees(self, old, new):
        """Compares two trees and all below them."""
        left = [(old, new)]
        while left:
            old, new = left.pop()
            if old == new or (old, new) in self.seen:
                continue
            self.seen.add((old, new))
            before, after = list(self.old.entries(old)), list(self.new.entries(new))
            if [name for name, _ in before] != [name for name, _ in after]:
                self.fault(f"names or modes differ in {old} and {new}")
            for (name, a), (_, b) in zip(before, after):
                if a == b:
                    continue
                if name.startswith(b"40000 "):
                    left.append((a, b))
                elif (a, b) not in self.seen:
                    self.seen.add((a, b))
                    self.files += 1
                    if self.old.read(a).replace(self.word, NEW) != self.new.read(b):
                        self.fault(f"{a} and {b} differ in more than the word")

    def commit(self, old, new, names):
        before, after = self.old.read(old), self.new.read(new)
        head, _, message = before.partition(b"\n\n")
        wanted, skipping = [], False
        for line in head.split(b"\n"):
            if skipping and line.startswith(b" "):
                continue
            skipping = line.startswith((b"gpgsig", b"mergetag"))
            field, _, rest = line.partition(b" ")
            if field == b"tree":
                tree = after.split(b"\n", 1)[0]
                self.trees(rest, tree.split()[1])
                line = tree
            elif field == b"parent":
                line = b"parent " + names[rest]
            if not skipping:
                wanted.append(line)
        if (b"\n".join(wanted) + b"\n\n" + message).replace(self.word, NEW) != after:
            self.fault(f"commits {old} and {new} differ in more than they must")


def purged(sopup, repository, word, work):
    (work / "values").write_bytes(word + b"\n")
    subprocess.run([sopup, "purge", "run", repository, "--values-from", work / "values", "--to", work / "new.git", "--replace-sealed"],
                   check=True, capture_output=True)
    lines = (work / "new.git/sopup/commit-map").read_bytes().splitlines()[1:]
    return dict(line.split() for line in lines)


def chosen(sopup, repository, work):
    for word in words(repository, 200):
        (work / "values").write_bytes(word + b"\n")
        plan = subprocess.run([sopup, "purge", "plan", repository, "--values-from", work / "values"], capture_output=True).stdout
        line = next((line for line in plan.split(b"\n") if b"would get new names" in line), b"0 of 0")
        count, total = (int(number.replace(b",", b"")) for number in line.split(b" commits")[0].split()[-3::2])
        if 0 < count < total / 2:
            return word
    sys.exit("no word comes in late enough")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sopup")
    parser.add_argument("repository")
    parser.add_argument("--word", type=os.fsencode)
    args = parser.parse_args()
    sopup, repository = os.path.abspath(args.sopup), os.path.abspath(args.repository)
    with tempfile.TemporaryDirectory(prefix="purge-identical-") as folder:
        work = pathlib.Path(folder)
        word = args.word or chosen(sopup, repository, work)
        names = purged(sopup, repository, word, work)
        old, new = Objects(repository), Objects(work / "new.git")
        must, commits = expected(old, holders(repository, word), word)
        comparison = Comparison(old, new, word)
        changed = {name for name in commits if names[name] != name}
        for name in changed ^ must:
            comparison.fault(f"{name} {'changed without need' if name in changed else 'did not change'}")
        for name in changed:
            comparison.commit(name, names[name], names)
        trees = [objects.git("log", "--all", "--topo-order", "--reverse", "--format=%H %T").split(b"\n") for objects in (old, new)]
        same = len({line.split()[1] for line in trees[0] if line} & {line.split()[1] for line in trees[1] if line})
        listed = [objects.git("for-each-ref", "--format=%(refname) %(objectname)").split(b"\n") for objects in (old, new)]
        for before, after in zip(*listed):
            if before and before.split()[1] in names and [before.split()[0], names[before.split()[1]]] != after.split():
                comparison.fault(f"{before} leads to {after}")
        if len(listed[0]) != len(listed[1]):
            comparison.fault("refs are missing")
        new.git("fsck", "--full", "--no-dangling")
        print(f"{len(commits)} commits, {len(changed)} changed, {len(must)} had to; {comparison.files} files compared, each differs in the"
              f" word alone; {same} root trees are in both; git fsck --full is content")
        for fault in comparison.faults[:20]:
            print("FAULT:", fault)
        sys.exit(1 if comparison.faults else 0)


if __name__ == "__main__":
    main()
