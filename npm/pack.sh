#!/usr/bin/env bash
# Packs the launcher and one platform's program for npm: npm/pack.sh BINARY TARGET VERSION OUT.
set -euo pipefail
binary=$1 target=$2 version=$3 out=$4
cd "$(dirname "$0")/.."

case $target in
  x86_64-*) cpu=x64 ;;
  aarch64-*) cpu=arm64 ;;
  *) echo "npm/pack.sh: add what npm calls $target" >&2; exit 1 ;;
esac
case $target in
  *-linux-*) os=linux file=sopup ;;
  *-darwin) os=darwin file=sopup ;;
  *-windows-*) os=win32 file=sopup.exe ;;
  *) echo "npm/pack.sh: add what npm calls $target" >&2; exit 1 ;;
esac
# A program that was linked with glibc cannot run on Alpine Linux.
libc=
case $target in *-linux-gnu*) libc='"libc": ["glibc"],' ;; esac

stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
mkdir "$stage/launcher" "$stage/program"
cp npm/package.json npm/sopup.js LICENSE-* "$stage/launcher"
cp dist/package-readme.md "$stage/launcher/README.md"
cp "$(dirname "$binary")/THIRD-PARTY.txt" LICENSE-* "$stage/program"
install -m 755 "$binary" "$stage/program/$file"
cat >"$stage/program/package.json" <<EOF
{
  "name": "@sopup/$os-$cpu",
  "version": "$version",
  "description": "The program sopup for $os on $cpu",
  "license": "Apache-2.0 OR MIT",
  "repository": { "type": "git", "url": "git+https://github.com/sopup/sopup.git" },
  "files": ["$file", "THIRD-PARTY.txt"],
  "preferUnplugged": true,
  "os": ["$os"],
  $libc
  "cpu": ["$cpu"]
}
EOF
echo "This is a part of the package [sopup](https://www.npmjs.com/package/sopup); install that." >"$stage/program/README.md"
for folder in launcher program; do
  (cd "$stage/$folder" && npm pack --silent --pack-destination "$out" >/dev/null)
done
