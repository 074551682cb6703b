#!/usr/bin/env python3
"""Prices of taking values out of a history, as ratios within one run.

    benches/purge.py SOPUP REPOSITORY.git ... [--runs N]

For each repository: `sopup purge run` of 1 and of 100 values against `git filter-repo --replace-text` with the same
values (Debian: git-filter-repo), and a search for 10,000 values (`sopup purge verify --no-fsck`) against one for one value, all of them invented. `sopup verify --without-keys`
is set against `sopup scan --no-cache`. The values are words of the repository itself, the same ones each time.
Times are wall-clock medians of paired runs, one tool after the other. Needs room for two copies of the repository.
"""
import argparse, os, pathlib, random, re, shutil, statistics, subprocess, sys, tempfile, time


def words(repository, count):
    """Words of blobs that refs lead to, long enough to be told from others; every repository gives the same."""
    reached = subprocess.run(["git", "-C", repository, "rev-list", "--objects", "--all", "--no-object-names"],
                             capture_output=True, check=True).stdout
    objects = subprocess.run(["git", "-C", repository, "cat-file", "--batch-check"],
                             input=reached, capture_output=True, check=True).stdout.split(b"\n")
    blobs = sorted(line.split()[0] for line in objects if b" blob " in line)
    random.Random(1).shuffle(blobs)
    found = {}
    for start in range(0, len(blobs), 2000):
        text = subprocess.run(["git", "-C", repository, "cat-file", "--batch"], input=b"\n".join(blobs[start:start + 2000]),
                              capture_output=True, check=True).stdout
        for word in re.findall(rb"(?<![A-Za-z0-9_])[A-Za-z][A-Za-z0-9_]{15,40}(?![A-Za-z0-9_])", text):
            found.setdefault(word, len(found))
        if len(found) >= 20 * count:
            break
    chosen = sorted(found)
    random.Random(2).shuffle(chosen)
    return chosen[:count]


def timed(command, **options):
    begun = time.monotonic()
    done = subprocess.run(command, capture_output=True, **options)
    return time.monotonic() - begun, done


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sopup")
    parser.add_argument("repositories", nargs="+")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--many", type=int, default=10_000)
    args = parser.parse_args()
    sopup = os.path.abspath(args.sopup)
    work = pathlib.Path(tempfile.mkdtemp(prefix="purge-"))
    environment = {**os.environ, "HOME": str(work), "GIT_CONFIG_GLOBAL": "/dev/null"}
    for repository in map(os.path.abspath, args.repositories):
        name = pathlib.Path(repository).parent.name if repository.endswith("/repo") else pathlib.Path(repository).name
        all_words = words(repository, args.many)
        print(f"{name}: {len(all_words)} words")
        for count in (1, 100):
            values = work / "values"
            values.write_bytes(b"\n".join(all_words[:count]) + b"\n")
            rules = work / "rules"
            rules.write_bytes(b"".join(b"literal:" + word + b"==>REMOVED\n" for word in all_words[:count]))
            ours, theirs = [], []
            for _ in range(args.runs):
                shutil.rmtree(work / "ours.git", ignore_errors=True)
                took, done = timed([sopup, "purge", "run", repository, "--values-from", values, "--to", work / "ours.git",
                                    "--replace-sealed"], env=environment)
                if done.returncode:
                    sys.exit(done.stderr.decode())
                ours.append(took)
                shutil.rmtree(work / "theirs.git", ignore_errors=True)
                shutil.copytree(repository, work / "theirs.git", symlinks=True)
                took, done = timed(["git", "filter-repo", "--force", "--replace-text", rules], cwd=work / "theirs.git", env=environment)
                if done.returncode:
                    sys.exit(done.stderr.decode())
                theirs.append(took)
            size = lambda folder: sum(file.stat().st_size for file in (work / folder / "objects").rglob("*") if file.is_file())
            a, b = statistics.median(ours), statistics.median(theirs)
            print(f"  {count:>3} values: sopup {a:.2f} s, filter-repo {b:.2f} s, ratio {a / b:.2f};"
                  f" packs {size('ours.git') / 1e6:.0f} and {size('theirs.git') / 1e6:.0f} MB", flush=True)
        # Values that do not occur, as in a history that was purged: what is measured is the search, not the hits.
        letters, chance = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789", random.Random(3)
        invented = ["".join(chance.choice(letters) for _ in range(20)) for _ in range(args.many)]
        plans = {}
        for count in (1, args.many):
            (work / "values").write_text("".join(value + "\n" for value in invented[:count]))
            plans[count] = statistics.median(
                timed([sopup, "purge", "verify", "--no-fsck", repository, "--values-from", work / "values"], env=environment)[0]
                for _ in range(args.runs))
        print(f"  search for {args.many} values: {plans[args.many]:.2f} s, for one {plans[1]:.2f} s, ratio {plans[args.many] / plans[1]:.2f}")
        scans, verifies = [], []
        for _ in range(args.runs):
            scans.append(timed([sopup, "scan", "--no-cache", "--exit-zero", repository, "-o", work / "report"], env=environment)[0])
            verifies.append(timed([sopup, "verify", "--without-keys", repository], env=environment)[0])
        a, b = statistics.median(verifies), statistics.median(scans)
        print(f"  verify {a:.2f} s, scan {b:.2f} s, ratio {a / b:.2f}", flush=True)
    shutil.rmtree(work)


main()
