#!/usr/bin/env python3
"""Makes a repository with secrets in some of its files and times `sopup migrate` beside `sopup scan` on it.

    benches/migrate.py SOPUP [FOLDER] [--files 10000] [--secrets 1000] [--runs 3]

FOLDER is made anew; it defaults to a temporary one that goes afterwards. Needs git and age-keygen.
"""

import argparse
import json
import os
import pathlib
import random
import shutil
import statistics
import subprocess
import tempfile
import time

KINDS = 6


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sopup")
    parser.add_argument("folder", nargs="?")
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--secrets", type=int, default=1_000)
    parser.add_argument("--runs", type=int, default=3)
    args = parser.parse_args()
    args.sopup = pathlib.Path(args.sopup).resolve()
    folder = pathlib.Path(args.folder or tempfile.mkdtemp(prefix="sopup-bench-"))
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "repository").mkdir(parents=True)
    try:
        measure(args, folder)
    finally:
        if not args.folder:
            shutil.rmtree(folder)


def measure(args, folder):
    repository = folder / "repository"
    key = folder / "key.txt"
    subprocess.run(["age-keygen", "-o", key], check=True, capture_output=True)
    recipient = subprocess.run(["age-keygen", "-y", key], check=True, capture_output=True, text=True).stdout.strip()
    fill(repository, args.files, args.secrets)
    (repository / ".sops.yaml").write_text(f"creation_rules:\n  - age: {recipient}\n")
    git = ["git", "-C", repository, "-c", "user.name=bench", "-c", "user.email=bench@example.org"]
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "all"]):
        subprocess.run([*git, *command], check=True)
    environment = dict(os.environ, SOPS_AGE_KEY_FILE=str(key), XDG_STATE_HOME=str(folder / "state"))

    def timed(*command, codes=(0, 1), after=None):
        times = []
        for _ in range(args.runs):
            start = time.perf_counter()
            run = subprocess.run([args.sopup, *command], cwd=repository, env=environment, capture_output=True, text=True)
            times.append(time.perf_counter() - start)
            if run.returncode not in codes:
                raise SystemExit(f"{command}: {run.returncode}\n{run.stderr[-2000:]}")
            if after:
                after()
        return statistics.median(times), run

    def undo():
        subprocess.run([args.sopup, "migrate", "--undo"], cwd=repository, env=environment, check=True, capture_output=True)

    scan, run = timed("scan", "--worktree", "--format", "json")
    found = json.loads(run.stdout)["summary"]
    print(f"{found['occurrences']} places in {found['files']} files")
    print(f"scan --worktree           {scan:7.3f} s")
    rows = [
        ("migrate --dry-run", ["migrate", "--dry-run", "--include-review"], None),
        ("migrate --yes", ["migrate", "--yes", "--include-review", "--no-history"], undo),
    ]
    for name, command, after in rows:
        took, run = timed(*command, after=after)
        print(f"{name:<25} {took:7.3f} s  {took / scan:5.1f} times the scan")
    print(run.stdout[run.stdout.find("Moved"):].splitlines()[0])


def fill(repository, files, secrets):
    """Every tenth file or so has a secret; the kinds take turns."""
    chance = random.Random(1)
    every = max(files // secrets, 1)
    for number in range(files):
        secret = password(chance) if number % every == 0 and number // every < secrets else None
        path, text = one(number, secret, chance)
        path = repository / path
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "a") as out:
            out.write(text)


def password(chance):
    letters = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
    return "".join(chance.choice(letters) for _ in range(20)) + "7x"


def filler(chance, mark):
    words = ["service", "request", "cluster", "region", "worker", "queue", "metric", "window", "backup", "session"]
    return "".join(f"{mark} {' '.join(chance.choice(words) for _ in range(9))}\n" for _ in range(30))


def one(number, secret, chance):
    app = f"app-{number}"
    value = secret or "changeme"
    match (number // 10) % KINDS if secret else number % KINDS:
        case 0:
            return f"docs/{number % 97}/{app}.md", f"# {app}\n\n{filler(chance, '')}\nThe password is `{value}`.\n"
        case 1:
            return f"services/{app}/.env.example", f"{filler(chance, '#')}DB_PASSWORD={value}\nPORT=8080\n"
        case 2:
            return f"k8s/{app}/secret.yaml", f"{filler(chance, '#')}apiVersion: v1\nkind: Secret\nmetadata:\n  name: {app}\nstringData:\n  password: {value}\n"
        case 3:
            return f"k8s/{app}/deployment.yaml", (
                f"{filler(chance, '#')}apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: {app}\nspec:\n  template:\n    spec:\n"
                f"      containers:\n        - name: {app}\n          env:\n            - name: DB_PASSWORD\n              value: {value}\n"
            )
        case 4:
            return f"scripts/{number % 97}/{app}.sh", f"#!/bin/sh\n{filler(chance, '#')}PGPASSWORD={value} psql -h db\n"
        case _:
            return f"config/{app}/app.yaml", f"{filler(chance, '#')}db:\n  user: app\n  password: {value}\n"


main()
