#!/usr/bin/env python3
"""Prices of taking values out of a history, as ratios within one run.

    benches/purge.py SOPUP REPOSITORY.git ... [--runs N]

For each repository: `sopup purge run` of 1 and of 100 values against `git filter-repo --replace-text` with the same
values (Debian: git-filter-repo), and a search for 10,000 values (`sopup purge verify --no-fsck`) against one for one value,
all of them invented. `sopup verify` with keys (Debian: age) is set against `sopup scan --no-cache`. The values that are purged
are words of the repository itself, the same ones each time.
Each ratio is given twice: of wall-clock time and of processor time (user and system, all children), medians of paired
runs, one tool after the other. Where other programs are at work the second is the steadier. Needs room for two copies of
the repository.
"""
import argparse, os, pathlib, random, re, resource, shutil, statistics, subprocess, sys, tempfile, time


def blobs_in(repository, ids):
    """The contents of blobs."""
    out = subprocess.run(["git", "-C", repository, "cat-file", "--batch"], input=b"\n".join(ids), capture_output=True, check=True).stdout
    at = 0
    while at < len(out):
        end = out.index(b"\n", at)
        size = int(out[at:end].split()[2])
        yield out[end + 1:end + 1 + size]
        at = end + 1 + size + 1


def words(repository, count):
    """Words of blobs that refs lead to, long enough to be told from others; every repository gives the same."""
    reached = subprocess.run(["git", "-C", repository, "rev-list", "--objects", "--all", "--no-object-names"],
                             capture_output=True, check=True).stdout
    objects = subprocess.run(["git", "-C", repository, "cat-file", "--batch-check"],
                             input=reached, capture_output=True, check=True).stdout.split(b"\n")
    blobs = sorted(line.split()[0] for line in objects if b" blob " in line)
    random.Random(1).shuffle(blobs)
    found = set()
    for start in range(0, len(blobs), 2000):
        for text in blobs_in(repository, blobs[start:start + 2000]):
            found.update(re.findall(rb"(?<![A-Za-z0-9_])[A-Za-z][A-Za-z0-9_]{15,40}(?![A-Za-z0-9_])", text))
        if len(found) >= 20 * count:
            break
    chosen = sorted(found)
    random.Random(2).shuffle(chosen)
    return chosen[:count]


def timed(command, expected=(0,), **options):
    """Seconds that a command took: by the clock, and of processors."""
    spent = lambda: sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2])
    begun, before = time.monotonic(), spent()
    done = subprocess.run(command, capture_output=True, **options)
    if done.returncode not in expected:
        sys.exit(f"{command[:3]} ended with {done.returncode}: {done.stderr.decode(errors='replace')}")
    return time.monotonic() - begun, spent() - before


def compared(what, ours, theirs):
    """Says what two series of runs took."""
    (wall, cpu), (other_wall, other_cpu) = (map(statistics.median, zip(*runs)) for runs in (ours, theirs))
    print(f"  {what}: wall {wall:.2f} to {other_wall:.2f} s, ratio {wall / other_wall:.2f};"
          f" processors {cpu:.2f} to {other_cpu:.2f} s, ratio {cpu / other_cpu:.2f}", flush=True)


def purges(sopup, repository, words, work, environment, runs):
    """`purge run` against git filter-repo, which works on a copy of its own."""
    values, rules = work / "values", work / "rules"
    values.write_bytes(b"".join(word + b"\n" for word in words))
    rules.write_bytes(b"".join(b"literal:" + word + b"==>REMOVED\n" for word in words))
    ours, theirs = [], []
    for _ in range(runs):
        for name in ("ours.git", "theirs.git"):
            shutil.rmtree(work / name, ignore_errors=True)
        shutil.copytree(repository, work / "theirs.git", symlinks=True)
        ours.append(timed([sopup, "purge", "run", repository, "--values-from", values, "--to", work / "ours.git", "--replace-sealed"],
                          env=environment))
        theirs.append(timed(["git", "filter-repo", "--force", "--replace-text", rules], cwd=work / "theirs.git", env=environment))
        if not (work / "ours.git").exists():
            sys.exit(f"{repository}: nothing was rewritten")
    compared(f"purge run of {len(words)} values to filter-repo", ours, theirs)
    sizes = (sum(file.stat().st_size for file in (work / name / "objects").rglob("*") if file.is_file()) for name in ("ours.git", "theirs.git"))
    print("    packs of {:.1f} and {:.1f} MB".format(*(size / 1e6 for size in sizes)), flush=True)


def invented(count):
    letters, chance = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789", random.Random(3)
    return ["".join(chance.choice(letters) for _ in range(20)) for _ in range(count)]


def searches(sopup, repository, work, environment, runs, many):
    """The price of many values. They do not occur, as in a history that was purged: what is measured is the search, not the hits."""
    took = {1: [], many: []}
    for _ in range(runs):
        for count, times in took.items():
            (work / "values").write_text("".join(value + "\n" for value in invented(many)[:count]))
            times.append(timed([sopup, "purge", "verify", "--no-fsck", repository, "--values-from", work / "values"], env=environment))
    compared(f"search for {many} values to one", took[many], took[1])


def verifies(sopup, repository, work, environment, runs):
    """`verify` with keys, of a clone with a SOPS file of 20 values that stand nowhere else, against a scan of the same clone."""
    shutil.rmtree(work / "clone", ignore_errors=True)
    subprocess.run(["git", "clone", "--quiet", repository, work / "clone"], check=True, capture_output=True)
    (work / "keys.txt").unlink(missing_ok=True)
    made = subprocess.run(["age-keygen", "-o", work / "keys.txt"], check=True, capture_output=True, text=True)
    recipient = re.search(r"age1\w+", made.stderr).group()
    (work / "clone/.sops.yaml").write_text(f"creation_rules:\n  - path_regex: ^kept/\n    age: {recipient}\n")
    (work / "clone/kept").mkdir()
    (work / "clone/kept/prod.yaml").write_text("".join(f"password{number}: {value}\n" for number, value in enumerate(invented(20))))
    environment = {**environment, "SOPS_AGE_KEY_FILE": str(work / "keys.txt")}
    subprocess.run([sopup, "encrypt", "-i", "kept/prod.yaml"], cwd=work / "clone", env=environment, check=True, capture_output=True)
    ours, scans = [], []
    for _ in range(runs):
        scans.append(timed([sopup, "scan", "--no-cache", "--exit-zero", ".", "-o", work / "report"], cwd=work / "clone", env=environment))
        ours.append(timed([sopup, "verify"], expected=(0, 1), cwd=work / "clone", env=environment))
    compared("verify to scan --no-cache", ours, scans)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sopup")
    parser.add_argument("repositories", nargs="+")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--many", type=int, default=10_000)
    parser.add_argument("--only", choices=["purge", "search", "verify"], action="append")
    args = parser.parse_args()
    sopup = os.path.abspath(args.sopup)
    work = pathlib.Path(tempfile.mkdtemp(prefix="purge-"))
    environment = {**os.environ, "HOME": str(work), "GIT_CONFIG_GLOBAL": "/dev/null"}
    asked = args.only or ["purge", "search", "verify"]
    for repository in map(os.path.abspath, args.repositories):
        print(pathlib.Path(repository).parent.name if repository.endswith("/repo") else pathlib.Path(repository).name, flush=True)
        if "purge" in asked:
            all_words = words(repository, args.many)
            for count in (1, 100):
                purges(sopup, repository, all_words[:count], work, environment, args.runs)
        if "search" in asked:
            searches(sopup, repository, work, environment, args.runs, args.many)
        if "verify" in asked:
            verifies(sopup, repository, work, environment, args.runs)
    shutil.rmtree(work)


if __name__ == "__main__":
    main()
