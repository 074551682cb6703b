#!/usr/bin/env bash
# Makes every package of sopup for one platform, from one binary, into target/packages:
#
#   dist/build.sh                      builds the binary with the profile `dist`, which takes minutes
#   dist/build.sh TARGET               for another target of the Rust toolchain that this machine can run
#   SOPUP_BINARY=FILE dist/build.sh    takes a binary that is there, built from this checkout
#
# An archive with the program, manual pages and completions; a wheel; npm packages; on Linux a Debian
# package and, in target/image, what the Dockerfile copies; the list of parts (CycloneDX); SHA256SUMS.
# It needs git, Python 3.11 with venv, and npm; maturin comes from PyPI.
set -euo pipefail
cd "$(dirname "$0")/.."

host=$(rustc --print host-tuple 2>/dev/null || rustc -vV | sed -n 's/^host: //p')
target=${1:-$host}
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
exe=
case $target in *windows*) exe=.exe ;; esac
out=$PWD/target/packages stage=$PWD/target/stage tools=$PWD/target/packaging-tools
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
export SOURCE_DATE_EPOCH
export MACOSX_DEPLOYMENT_TARGET=${MACOSX_DEPLOYMENT_TARGET:-11.0} # for cargo and for maturin alike

say() { printf '%s\n' "$*" >&2; }
fail() { say "dist/build.sh: $*"; exit 1; }

built_binary() {
  local triple=()
  [ "$target" = "$host" ] || triple=(--target "$target")
  cargo build --locked --profile dist --bin sopup ${triple[@]+"${triple[@]}"} >&2
  if [ "$target" = "$host" ]; then echo "target/dist/sopup$exe"; else echo "target/$target/dist/sopup$exe"; fi
}

# What people unpack: the program with all that belongs to it.
lay_out() {
  mkdir -p "$stage/$name/man" "$stage/$name/completions"
  install -m 755 "$binary" "$stage/$name/sopup$exe"
  sopup=$stage/$name/sopup$exe
  "$sopup" man --dir "$stage/$name/man"
  "$sopup" completions bash >"$stage/$name/completions/sopup.bash"
  "$sopup" completions zsh >"$stage/$name/completions/_sopup"
  "$sopup" completions fish >"$stage/$name/completions/sopup.fish"
  "$sopup" completions powershell >"$stage/$name/completions/_sopup.ps1"
  cp README.md CHANGELOG.md LICENSE-* "$stage/$name"
  python3 dist/parts.py "$target" "$stage/$name/THIRD-PARTY.txt" "$out/$name.cdx.json"
}

archive() {
  case $target in
    *windows*) (cd "$stage" && python3 -m zipfile -c "$out/$name.zip" "$name") ;;
    *linux*)
      tar -C "$stage" --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$SOURCE_DATE_EPOCH" -cf - "$name" | gzip -9n >"$out/$name.tar.gz"
      ;;
    *) tar -C "$stage" -czf "$out/$name.tar.gz" "$name" ;;
  esac
}

# maturin finds that cargo has nothing to build, or gets the binary from a stand-in for cargo.
wheel() {
  local project=$PWD/target/python options=() programs=$tools/bin
  [ -d "$tools" ] || python3 -m venv "$tools"
  [ -d "$programs" ] || programs=$tools/Scripts # on Windows
  "$programs/python" -m pip install --quiet --disable-pip-version-check 'maturin==1.16.*'
  [ "$target" = "$host" ] || options+=(--target "$target")
  case $target in *musl*) options+=(--compatibility manylinux2014 musllinux_1_2) ;; esac # it needs no libraries
  rm -rf "$project"
  mkdir -p "$project" # as deep as dist/python, so that the way to Cargo.toml is the same
  cp dist/python/pyproject.toml LICENSE-* "$stage/$name/THIRD-PARTY.txt" "$project"
  cp dist/package-readme.md "$project/README.md"
  (
    cd "$project"
    if [ "$binary" = "${SOPUP_BINARY:-}" ]; then
      export CARGO=$OLDPWD/dist/given-cargo.py SOPUP_GIVEN=$sopup
    fi
    "$programs/maturin" build --quiet --out "$out" --sbom-include "$out/$name.cdx.json" ${options[@]+"${options[@]}"}
  ) >&2
  python3 - "$out"/sopup-*.whl "$sopup" <<'PYTHON' || fail "the wheel holds another program: cargo built it anew"
import sys, zipfile
wheel = zipfile.ZipFile(sys.argv[1])
program = next(name for name in wheel.namelist() if ".data/scripts/" in name)
sys.exit(wheel.read(program) != open(sys.argv[2], "rb").read())
PYTHON
}

binary=${SOPUP_BINARY:-$(built_binary)}
name=sopup-$version-$target
said=$("$binary" --version) || fail "$binary does not run on this machine"
[ "$said" = "sopup $version" ] || fail "$binary is '$said', and Cargo.toml says $version: build it anew"

rm -rf "$out" "$stage"
mkdir -p "$out"
lay_out
archive
wheel
npm/pack.sh "$sopup" "$target" "$version" "$out"
case $target in
  *linux*)
    dist/deb.sh "$stage/$name" "$target" "$version" "$out"
    case $target in x86_64-*) arch=amd64 ;; aarch64-*) arch=arm64 ;; *) arch=${target%%-*} ;; esac
    mkdir -p "target/image/linux/$arch"
    install -m 755 "$sopup" "target/image/linux/$arch/sopup"
    ;;
esac
(cd "$out" && if command -v sha256sum >/dev/null; then sha256sum -- *; else shasum -a 256 -- *; fi >"$stage/SHA256SUMS")
mv "$stage/SHA256SUMS" "$out"
ls -l "$out"
