#!/usr/bin/env bash
# Installs the packages that `dist/build.sh` made, as users do, with no cargo on PATH, and runs what they installed.
# The workflow for releases runs it for each platform. CI does not: there is nothing to install before minutes of
# building. pre-commit, setuptools and what knows the schema of CycloneDX come from PyPI; sopup itself does not.
set -euo pipefail
cd "$(dirname "$0")/.."
checkout=$PWD packages=$PWD/target/packages
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export HOME=$work/home XDG_STATE_HOME=$work/state GIT_CONFIG_GLOBAL=$work/gitconfig PIP_DISABLE_PIP_VERSION_CHECK=1
git config --file "$GIT_CONFIG_GLOBAL" user.name A
git config --file "$GIT_CONFIG_GLOBAL" user.email a@corp.net
git config --file "$GIT_CONFIG_GLOBAL" init.defaultBranch main

without=
while IFS= read -r -d : folder; do
  [ -e "$folder/cargo" ] || [ -e "$folder/cargo.exe" ] || without=$without:$folder
done <<<"$PATH:"
PATH=${without#:}

fail() { echo "dist/test.sh: $*" >&2; exit 1; }
passed() { echo "ok: $*"; }
programs_of() { if [ -d "$1/Scripts" ]; then echo "$1/Scripts"; else echo "$1/bin"; fi; } # of a venv
has() { command -v "$1" >/dev/null; }

# Whether a command line is a working sopup: it knows its version and finds a secret.
works() {
  local what=$1 status=0
  shift
  [ "$("$@" --version)" = "sopup $version" ] || fail "$what: --version says '$("$@" --version)', not $version"
  "$@" scan "$work/leak" >"$work/report" || status=$?
  [ "$status" = 1 ] || fail "$what: a scan that finds a secret ends with $status: $(cat "$work/report")"
  grep -q 'deploy.env:1:13' "$work/report" || fail "$what: the secret is not reported: $(cat "$work/report")"
  passed "$what"
}

leak() { printf 'DB_PASSWORD=Walrus88%s\n' Timber; }

sums() {
  (cd "$packages" && if has sha256sum; then sha256sum --check --quiet SHA256SUMS; else shasum -a 256 --check --quiet SHA256SUMS; fi)
  passed "SHA256SUMS"
}

archive() {
  local program size
  case $(echo "$packages/sopup-$version"-*-*.cdx.json) in
    *windows*) (cd "$work" && python3 -m zipfile -e "$packages"/*.zip .) ;;
    *) tar -C "$work" -xzf "$packages/sopup-$version"-*.tar.gz ;;
  esac
  program=$(ls "$work/sopup-$version"-*/sopup*)
  works "archive" "$program"
  size=$(wc -c <"$program")
  awk -v size="$size" 'BEGIN { printf "size of the program: %.1f MB\n", size / 1e6 }'
  # 14.6 MB with the profile `dist` on x86-64 Linux; more than this is growth that somebody should know of.
  [ "$size" -le 15000000 ] || fail "the program has more than 15 MB"
}

parts() {
  "$tools/python" - "$packages"/*.cdx.json <<'PYTHON'
import sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
error = JsonStrictValidator(SchemaVersion.V1_5).validate_str(open(sys.argv[1], encoding="utf-8").read())
sys.exit(error and str(error))
PYTHON
  passed "list of parts"
}

wheel() {
  local programs
  python3 -m venv "$work/venv"
  programs=$(programs_of "$work/venv")
  "$programs/python" -m pip install --quiet --no-index --find-links "$packages" "sopup==$version"
  works "wheel" "$programs/sopup"
}

npm_package() {
  mkdir "$work/npm"
  (cd "$work/npm" && npm install --silent --offline --ignore-scripts --no-audit --no-fund "$packages"/sopup-*.tgz >/dev/null)
  works "npm package" "$work/npm/node_modules/.bin/sopup"
  rm -r "$work/npm/node_modules/@sopup"
  local status=0
  "$work/npm/node_modules/.bin/sopup" --version 2>"$work/error" || status=$?
  { [ "$status" = 70 ] && grep -q 'is not installed' "$work/error"; } || fail "npm package without a program: $status, $(cat "$work/error")"
  passed "npm package that lacks its program says so"
}

deb() {
  local root=$work/root script
  mkdir -p "$root/var/lib/dpkg/info" "$root/var/lib/dpkg/updates" "$root/var/log"
  touch "$root/var/lib/dpkg/status"
  dpkg --root="$root" --force-not-root --force-script-chrootless --force-depends --log=/dev/null \
    -i "$packages"/sopup_*.deb >"$work/dpkg" 2>&1 || fail "dpkg: $(cat "$work/dpkg")"
  works "Debian package" "$root/usr/bin/sopup"
  (cd "$root" && md5sum --check --quiet var/lib/dpkg/info/sopup.md5sums)
  for page in sopup sopup-scan sopup-rotate-record; do
    MANROFFOPT=-rLL=80n MANPAGER=cat man --manpath="$root/usr/share/man" "$page" >"$work/page" 2>"$work/error" || fail "man $page: $(cat "$work/error")"
    { grep -q NAME "$work/page" && [ ! -s "$work/error" ]; } || fail "man $page shows: $(cat "$work/page" "$work/error")"
  done
  passed "manual pages"
  bash -c '. "$1"; complete -p sopup' _ "$root/usr/share/bash-completion/completions/sopup" >/dev/null
  for script in zsh:zsh/vendor-completions/_sopup fish:fish/vendor_completions.d/sopup.fish; do
    [ -s "$root/usr/share/${script#*:}" ] || fail "no completions for ${script%%:*}"
    ! has "${script%%:*}" || "${script%%:*}" -n "$root/usr/share/${script#*:}"
  done
  passed "completions"
  for page in copyright changelog.gz changelog.Debian.gz THIRD-PARTY.txt.gz; do
    [ -s "$root/usr/share/doc/sopup/$page" ] || fail "/usr/share/doc/sopup/$page is missing"
  done
  dpkg --root="$root" --force-not-root --force-script-chrootless --log=/dev/null --purge sopup >/dev/null
  [ ! -e "$root/usr/bin/sopup" ] || fail "the package does not go away"
  passed "documents, removal"
}

# The hooks for people without Rust, from a clone of what is committed, and from packages that lie in folders.
pre_commit() {
  local pre_commit=${SOPUP_TEST_PRE_COMMIT:-$tools/pre-commit} place=$work/hooks status=0
  "$tools/python" -m pip download --quiet --no-deps --dest "$work/index" 'setuptools>=64'
  git clone --quiet "$checkout" "$work/clone"
  git init --quiet "$place"
  cat >"$place/.pre-commit-config.yaml" <<EOF
repos:
  - repo: $work/clone
    rev: $(git -C "$work/clone" rev-parse HEAD)
    hooks: [{ id: sopup-python }, { id: sopup-message-python }]
EOF
  (
    cd "$place"
    export PRE_COMMIT_HOME=$work/pre-commit PIP_NO_INDEX=1 PIP_FIND_LINKS="$packages $work/index"
    "$pre_commit" install --hook-type pre-commit --hook-type commit-msg >/dev/null
    git add .
    git commit --quiet --message one >"$work/report" 2>&1 || fail "a clean commit is stopped: $(cat "$work/report")"
    leak >deploy.env
    git add .
    ! git commit --quiet --message two >"$work/report" 2>&1 || fail "a commit with a secret is made"
    grep -q 'deploy.env:1:13' "$work/report" || fail "the secret is not reported: $(cat "$work/report")"
    rm deploy.env
    git add .
    ! git commit --quiet --allow-empty --message "the $(leak)" >"$work/report" 2>&1 || fail "a message with a secret is taken"
    [ "$(git rev-list --count HEAD)" = 1 ] || fail "a commit was made"
  )
  passed "pre-commit blocks a secret, without cargo"
}

! has cargo || fail "there is a cargo on PATH"
mkdir -p "$HOME" "$work/leak" "$work/index"
git init --quiet "$work/leak"
leak >"$work/leak/deploy.env"
python3 -m venv "$work/tools"
tools=$(programs_of "$work/tools")
"$tools/python" -m pip install --quiet 'cyclonedx-python-lib[json-validation]==11.*' 'pre-commit==4.*'

sums
archive
parts
wheel
npm_package
if ls "$packages"/*.deb >/dev/null 2>&1 && has dpkg; then deb; fi
pre_commit
echo "all packages work"
