#!/usr/bin/env python3
"""Times `sopup fleet work` on a folder of clones with one worker and with several, and checks what they bring home.

    benches/fleet.py SOPUP FOLDER [--tasks 40] [--workers 2] [--rounds 3]

In each round all tasks run with one worker, then with several, then once more with nothing new. Beside it stands what that
many cores are worth on this machine for a loop that touches no memory and for one that reads much of it: more than that no
program can gain. The results of all rounds must be the same. FOLDER holds bare repositories (`a.git`, or `a/repo`); it is not
touched. Standard library only; needs git.
"""

import argparse
import concurrent.futures
import hashlib
import json
import multiprocessing
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

KEY = "0123456789abcdef0123456789abcdef"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sopup", type=pathlib.Path)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--tasks", type=int, default=40)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    work = pathlib.Path(tempfile.mkdtemp(prefix="sopup-fleet-"))
    try:
        measure(args, work)
    finally:
        shutil.rmtree(work)


def measure(args, work):
    sopup = args.sopup.resolve()
    environment = dict(os.environ, SOPUP_FINGERPRINT_KEY=KEY)

    def kept_at(results):
        """What scans remember is kept beside the results, so that every first run is one."""
        return dict(environment, XDG_STATE_HOME=f"{results}-state", XDG_CACHE_HOME=f"{results}-state")

    plan = work / "plan.json"
    run([sopup, "fleet", "plan", "--folder", args.folder.resolve(), "--tasks", str(args.tasks), "--output", plan], environment)
    tasks = json.loads(plan.read_text())["tasks"]
    sizes = [sum(one["bytes"] for one in task["repositories"]) for task in tasks]
    print(f"{sum(len(task['repositories']) for task in tasks)} repositories, {sum(sizes) / 1e6:.0f} MB of packs, {len(tasks)} tasks")

    def all_tasks(workers, results):
        def one(index):
            command = [sopup, "fleet", "work", "--plan", plan, "--results", results, "--index", str(index), "--", "--jobs", "1"]
            return run(command, kept_at(results), {0, 3})

        start = time.perf_counter()
        with concurrent.futures.ThreadPoolExecutor(workers) as pool:
            list(pool.map(one, range(len(tasks))))
        return time.perf_counter() - start

    def merged(results):
        command = [sopup, "fleet", "merge", "--plan", plan, "--results", results, "--format", "json"]
        report = subprocess.run([str(part) for part in command], env=environment, capture_output=True).stdout
        return hashlib.sha256(report).hexdigest()

    all_tasks(args.workers, work / "warm")
    wanted = merged(work / "warm")
    gains, again, cores, memory = [], [], [], []
    for number in range(args.rounds):
        cores.append(worth(args.workers, spin))
        memory.append(worth(args.workers, read))
        results = [work / f"{number}-{workers}" for workers in (1, args.workers)]
        one, several = all_tasks(1, results[0]), all_tasks(args.workers, results[1])
        second = all_tasks(1, results[0])
        gains.append(one / several)
        again.append(second / one)
        for folder in results:
            if merged(folder) != wanted:
                sys.exit(f"{folder.name}: another report")
        print(f"one worker {one:.1f} s, {args.workers} workers {several:.1f} s, nothing new {second:.2f} s")
    print(f"{args.workers} workers: {statistics.median(gains):.2f} x one")
    print(f"{args.workers} cores of this machine: {statistics.median(cores):.2f} x one, {statistics.median(memory):.2f} x where much memory is read")
    print(f"nothing new: {statistics.median(again):.3f} x the first run")


def run(command, environment, codes=frozenset({0})):
    done = subprocess.run([str(part) for part in command], env=environment, capture_output=True, text=True)
    if done.returncode not in codes:
        sys.exit(f"{' '.join(map(str, command))}: {done.returncode}\n{done.stderr}")
    return done


def spin(_):
    """Some seconds of hashing what is in the nearest cache."""
    block = bytes(4096)
    for _ in range(400_000):
        hashlib.sha1(block)


def read(_):
    """Some seconds of going through more than caches hold."""
    block = bytearray(192 << 20)
    other = bytearray(192 << 20)
    for _ in range(12):
        other[:] = block


def worth(workers, loop):
    """How much more of a loop that many processes do than one, in the same time."""
    times = []
    for count in (1, workers):
        start = time.perf_counter()
        with multiprocessing.Pool(count) as pool:
            pool.map(loop, range(count), chunksize=1)
        times.append(time.perf_counter() - start)
    return workers * times[0] / times[1]


if __name__ == "__main__":
    main()
