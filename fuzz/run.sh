#!/usr/bin/env bash
# Runs every fuzz target for a while, each from what the repository has of its kind, and stops at the first fault.
# Usage: fuzz/run.sh [SECONDS [TARGET...]]; 60 seconds and all targets without. Works with stable Rust.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-60}
shift || true
targets=("$@")
[ ${#targets[@]} -gt 0 ] || mapfile -t targets < <(sed -n 's/^name = "\(.*\)"$/\1/p' fuzz/Cargo.toml | grep -vx sopup-fuzz)

# What `cargo fuzz --sanitizer none` sets; these are stable.
export RUSTFLAGS="${RUSTFLAGS:-} -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
-Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=4 --cfg fuzzing"
host=$(rustc -vV | sed -n 's/^host: //p')
cargo build --manifest-path fuzz/Cargo.toml --release --target "$host"

# A small history as a bundle, and as a pack whose deltas name their bases.
bundles() {
    local into=$PWD/$1 small
    small=$(mktemp -d)
    (
        cd "$small"
        git init --quiet
        for number in 1 2 3; do
            seq 1 60 >a && echo "$number" >>a && git add a
            git -c user.name=a -c user.email=a@example.org commit --quiet --message "$number"
        done
        git bundle create --quiet "$into/small.bundle" HEAD
        git rev-list --objects HEAD | cut -d' ' -f1 | git pack-objects --quiet --no-delta-base-offset --stdout >"$into/small.pack"
    )
    rm -rf "$small"
}

# A folder to begin with: files of the repository, cut into small ones where they are long.
seeds() {
    local into=fuzz/corpus/$1
    mkdir -p "$into"
    case $1 in
        text) split --bytes 2000 --suffix-length 4 <(cat fixtures/detect/*.txt patterns/*.yaml | tr -d '«»') "$into/seed-" ;;
        index) cp .git/index "$into/seed" 2>/dev/null || true
               find .git/objects/pack -name '*.idx' -size -200k -exec cp {} "$into/" \; 2>/dev/null || true ;;
        pack) find .git/objects -type f -path '*/??/*' -size -2k 2>/dev/null | head -200 | while read -r file; do
                  # A loose object without its header is not an entry; its stream is worth mutating all the same.
                  printf '\x35' | cat - "$file" >"$into/$(basename "$file")"
              done || true ;; # `head` ends before `find` where there are many.
        archive) for file in README.md Cargo.toml LICENSE-MIT; do
                     gzip --stdout "$file" >"$into/$file.gz"; bzip2 --stdout "$file" >"$into/$file.bz2"
                     xz --stdout "$file" >"$into/$file.xz"; zstd --quiet --stdout "$file" >"$into/$file.zst" 2>/dev/null || rm -f "$into/$file.zst"
                     tar --create "$file" >"$into/$file.tar"
                     python3 -c 'import sys, zipfile; zipfile.ZipFile(sys.argv[1], "w", 8).write(sys.argv[2])' "$into/$file.zip" "$file"
                 done
                 bundles "$into" ;;
        *) cp fixtures/sops/* "$into/" 2>/dev/null || true ;;
    esac
}

for target in "${targets[@]}"; do
    seeds "$target"
    echo "== $target, $seconds s"
    mkdir -p "fuzz/artifacts/$target"
    "fuzz/target/$host/release/$target" -max_total_time="$seconds" -max_len=8192 -timeout=20 -rss_limit_mb=2048 -print_final_stats=1 \
        -artifact_prefix="fuzz/artifacts/$target/" "fuzz/corpus/$target" 2>&1 | grep -E 'BINGO|ERROR|panicked|SUMMARY|stat::(number_of|average)|Done' || true
    if find "fuzz/artifacts/$target" -type f | grep -q .; then
        echo "a fault of $target: run it with the file in fuzz/artifacts/$target" >&2
        exit 1
    fi
done
