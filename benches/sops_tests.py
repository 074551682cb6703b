#!/usr/bin/env python3
"""The functional tests of sops itself, run with sopup in the place of sops.

Usage: benches/sops_tests.py REPOSITORY [BINARY]; REPOSITORY is a clone of https://github.com/getsops/sops (bare or not),
BINARY what is tested: without, target/debug/sopup, called `sops`. Needs git, gpg, age and cargo.

The tests encrypt for PGP keys. In a copy, their keys and the files in `res` are given to age keys: every data key is opened
with gpg and wrapped anew, nothing else of the files changes. Tests of cloud services are left out. Nothing is kept.

Three tests expect the very words in which sops refuses a file without keys; in the copy they expect the refusal, and words of
sopup that name the reason. One test fails on purpose, `set_json_file_update_idempotent_write`: it lets `set --output-type yaml`
write YAML into a file called `.json`, which sopup refuses. The exit code is 0 if that is the only one.
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent.parent
# The keys of the tests; the last one is the key that they do not have.
FINGERPRINTS = [
    "FBC7B9E2A4F9289AC0C1D4843D16CEE4A27381B4",
    "D7229043384BCC60326C6FB9D8720D957C3D3074",
    "B611A2F9F11D0FF82568805119F9B5DAEA91FF86",
]
MESSAGE = re.compile(r"-----BEGIN PGP MESSAGE-----.*?-----END PGP MESSAGE-----", re.S)
LEFT_OUT = ["publish", "kms"]
MEANT = {"tests::set_json_file_update_idempotent_write"}
# How the tests look at the words of sops, and what is looked for instead.
WORDS = re.compile(
    r"assert_eq!\(\s*std::str::from_utf8\(&output\.stderr\)\.unwrap\(\),"
    r'\s*"Could not generate data key: \[empty key group provided\]\\n"\s*\);'
)
OWN_WORDS = 'assert!(String::from_utf8_lossy(&output.stderr).contains("there are no recipients: nobody could decrypt the file"));'


def run(*command, **more):
    return subprocess.run(command, check=True, capture_output=True, **more).stdout


def rewrapped(message, recipient, home):
    """The same data key for an age recipient, in the form the message has: with `\\n`, or on lines of their own."""
    escaped = "\\n" in message
    indent = "" if escaped else re.search(r"([ \t]*)-----END", message).group(1)
    lines = message.split("\\n") if escaped else [line.strip() for line in message.splitlines()]
    key = run("gpg", "--homedir", home, "--batch", "--quiet", "--decrypt", input="\n".join(lines).encode())
    armor = run("age", "--armor", "--recipient", recipient, input=key).decode().strip().splitlines()
    return ("\\n" if escaped else "\n" + indent).join(armor)


def for_age(text, recipients, home):
    fingerprints = iter(re.findall("|".join(FINGERPRINTS), text))
    text = re.sub(r"(?m)^ *age: \[\]\n", "", text)
    text = MESSAGE.sub(lambda match: rewrapped(match.group(0), recipients[next(fingerprints)], home), text)
    text = re.sub(r"\bpgp\b(?=\"?:)|(?<=sops_)pgp(?=__)|^pgp(?=__)", "age", text, flags=re.M)
    text = re.sub(r"\bfp\b(?=\"?:)|(?<=map_)fp\b", "recipient", text)
    return re.sub("|".join(FINGERPRINTS), lambda match: recipients[match.group(0)], text)


def main():
    repository, binary = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2] if len(sys.argv) > 2 else HERE / "target/debug/sopup")
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        archive = run("git", "-C", repository, "archive", "HEAD", "functional-tests", "pgp")
        run("tar", "-x", "-C", folder, input=archive)
        tests, home = folder / "functional-tests", folder / "gpg"
        home.mkdir(mode=0o700)
        run("gpg", "--homedir", home, "--batch", "--import", folder / "pgp/sops_functional_tests_key.asc")
        identities = [run("age-keygen").decode() for _ in FINGERPRINTS]
        recipients = {name: re.search(r"age1\w+", key).group(0) for name, key in zip(FINGERPRINTS, identities)}
        keys = folder / "keys.txt"
        keys.write_text("\n".join(identities[:2]))
        for file in [tests / ".sops.yaml", *(tests / "res").iterdir()]:
            file.write_text(for_age(file.read_text(), recipients, home))
        source = tests / "src/lib.rs"
        text, replaced = WORDS.subn(OWN_WORDS, source.read_text())
        if replaced != 3:
            sys.exit(f"{replaced} tests look at the words of sops, and 3 were known; look at the new ones")
        source.write_text(text)
        (tests / "sops").symlink_to(binary.resolve())
        environment = {**os.environ, "SOPS_AGE_KEY_FILE": str(keys), "CARGO_TARGET_DIR": str(HERE / "target/sops-tests")}
        skip = [word for name in LEFT_OUT for word in ("--skip", name)]
        command = ["cargo", "test", "--locked", "--", *skip]
        output = subprocess.run(command, cwd=tests, env=environment, check=False, stdout=subprocess.PIPE, text=True).stdout
        print(output, end="")
        passed, failed = (set(re.findall(rf"(?m)^test (\S+) \.\.\. {word}$", output)) for word in ("ok", "FAILED"))
        print(f"{len(passed)} of {len(passed | failed)} pass; not as in sops on purpose: {', '.join(sorted(failed & MEANT)) or 'none'}")
        return 0 if passed and failed <= MEANT else 1


if __name__ == "__main__":
    sys.exit(main())
