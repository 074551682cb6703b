#!/usr/bin/env python3
"""The round trip of real YAML files: sopup encrypts, the real sops decrypts.

Usage: benches/manifests.py FOLDER...; needs PyYAML, age-keygen and sops (SOPUP_TEST_SOPS or PATH).

Every .yaml and .yml file below the folders is encrypted whole, and once more with the selector of
Kubernetes Secrets. Of each result it is checked that sops decrypts it, that keys, values and types
are the same as read by PyYAML, that sopup decrypts it to them as well, and that outside of
encrypted values no byte has changed. Files that sopup refuses are counted by the reason,
and beside it whether sops refuses them too.
"""

import collections
import concurrent.futures
import math
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import threading

import yaml

HERE = pathlib.Path(__file__).resolve().parent.parent
SOPUP = os.environ.get("SOPUP", str(HERE / "target/release/sopup"))
SOPS = os.environ.get("SOPUP_TEST_SOPS", "sops")
SELECTOR = ["--encrypted-regex", "^(data|stringData)$"]
ENVELOPE = re.compile(r"([\"']?)ENC\[AES256_GCM,[^\]]*\]\1")


class Loader(yaml.CSafeLoader if hasattr(yaml, "CSafeLoader") else yaml.SafeLoader):
    """YAML as sops reads it: only true and false are bools, times are text."""


def resolver(loader):
    drop = {"tag:yaml.org,2002:bool", "tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:float", "tag:yaml.org,2002:int", "tag:yaml.org,2002:value"}
    loader.yaml_implicit_resolvers = {
        first: [(tag, regex) for tag, regex in found if tag not in drop] for first, found in loader.yaml_implicit_resolvers.items()
    }
    loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF"))
    number = re.compile(r"^[-+]?(?:0[xX][0-9a-fA-F_]+|0[oO]?[0-7_]+|0[bB][01_]+|[0-9][0-9_]*)$")
    loader.add_implicit_resolver("!int", number, list("-+0123456789"))
    real = re.compile(r"^[-+]?(?:\.[0-9][0-9_]*|[0-9][0-9_]*(?:\.[0-9_]*)?)(?:[eE][-+]?[0-9]+)?$|^[-+]?\.(?:inf|Inf|INF)$|^\.(?:nan|NaN|NAN)$")
    loader.add_implicit_resolver("!float", real, list("-+.0123456789"))
    # sops writes a date as the midnight of it.
    time = re.compile(r"^\d{4}-\d\d?-\d\d?(?:[Tt ]\d\d?:\d\d:\d\d(?:\.\d*)?(?:Z|[-+]\d\d?(?::\d\d)?)?)?$")
    loader.add_implicit_resolver("!time", time, list("0123456789"))


def whole(text):
    text = text.replace("_", "")
    sign = -1 if text.startswith("-") else 1
    digits = text.lstrip("+-")
    for prefix, base in (("0x", 16), ("0b", 2), ("0o", 8)):
        if digits.lower().startswith(prefix):
            return sign * int(digits[2:], base)
    if digits.startswith("0") and digits != "0" and all(digit in "01234567" for digit in digits):
        return sign * int(digits, 8)
    return sign * int(digits)


def real(text):
    text = text.replace("_", "").lower()
    value = {".inf": math.inf, "+.inf": math.inf, "-.inf": -math.inf, ".nan": "nan"}.get(text)
    return float(text) if value is None else value


resolver(Loader)
Loader.add_constructor("!int", lambda loader, node: whole(node.value))
Loader.add_constructor("!float", lambda loader, node: real(node.value))
Loader.add_constructor("!time", lambda loader, node: ("time", re.sub(r"T00:00:00Z$", "", node.value)))


def run(*args, **more):
    return subprocess.run(args, capture_output=True, **more)


def typed(node):
    """Values with their types; numbers of one value are one to sops, whatever their spelling."""
    if isinstance(node, dict):
        return [(key, typed(value)) for key, value in node.items()]
    if isinstance(node, list):
        return [typed(value) for value in node]
    if isinstance(node, float) and math.isfinite(node) and node == int(node):
        return ("number", int(node))
    if isinstance(node, int) and not isinstance(node, bool):
        return ("number", node)
    return (type(node).__name__, node)


def load(data):
    return [typed(document) for document in yaml.load_all(data, Loader) if document]


def block_of(text):
    """A file without its sops blocks."""
    lines, inside, kept = text.splitlines(keepends=True), False, []
    for line in lines:
        if line.rstrip("\r\n") == "sops:":
            inside = True
        elif inside and not line.startswith((" ", "\t")) and line.strip():
            inside = False
        if not inside:
            kept.append(line)
    return "".join(kept)


def outside_is_kept(plain, encrypted):
    """Whether the parts between the encrypted values stand in the plain file one after another, to its end."""
    at = 0
    parts = ENVELOPE.sub("\0", block_of(encrypted)).split("\0")
    for number, part in enumerate(parts):
        if number == len(parts) - 1 and plain[at:].rstrip("\r\n").endswith(part.rstrip("\r\n")):
            return True
        found = plain.find(part, at)
        if found < 0 or number == 0 and found != 0:
            return False
        at = found + len(part)
    return False


def reason_of(stderr):
    text = stderr.decode(errors="replace").splitlines()
    text = text[0] if text else "no message"
    text = re.sub(r"^error: ", "", text)
    text = re.sub(r"line \d+: ", "", text)
    text = re.sub(r"^.*: (an alias repeats)", r"\1", text)
    text = re.sub(r"`[^`]*`|\"[^\"]*\"|\d+", "…", text)
    return text[:110]


def examine(path, recipient, folder, selector):
    plain = path.read_bytes()
    if b"ENC[AES256_GCM," in plain and re.search(rb"^sops:", plain, re.M):
        return "encrypted already", None
    made = run(SOPUP, "encrypt", "--config", "/dev/null", "--age", recipient, "--allow-plain", *selector, "--filename-override", "x.yaml", input=plain)
    if made.returncode != 0:
        theirs = run(SOPS, "--config", "/dev/null", "encrypt", "--age", recipient, *selector, "--filename-override", "x.yaml", input=plain)
        return "refused", (reason_of(made.stderr), theirs.returncode != 0)
    name = folder / f"{threading.get_ident()}.yaml"
    name.write_bytes(made.stdout)
    theirs = run(SOPS, "decrypt", str(name))
    if theirs.returncode != 0:
        return "failed", "sops does not decrypt it: " + theirs.stderr.decode(errors="replace")[:200]
    ours = run(SOPUP, "decrypt", str(name))
    if ours.returncode != 0:
        return "failed", "sopup does not decrypt it: " + ours.stderr.decode(errors="replace")[:200]
    try:
        before, after, back = load(plain), load(theirs.stdout), load(ours.stdout)
    except yaml.YAMLError as error:
        return "unread", f"PyYAML does not read it: {str(error).splitlines()[0][:80]}"
    if before != after:
        return "failed", "sops decrypts it to other values"
    if before != back:
        return "failed", "sopup decrypts it to other values"
    if not outside_is_kept(plain.decode(), made.stdout.decode()):
        return "failed", "bytes outside of encrypted values have changed"
    return "passed", None


def main(folders):
    files = sorted(path for folder in folders for end in ("yaml", "yml") for path in pathlib.Path(folder).rglob(f"*.{end}") if path.is_file() and not path.is_symlink())
    with tempfile.TemporaryDirectory() as work:
        work = pathlib.Path(work)
        run("age-keygen", "-o", str(work / "key.txt"))
        os.environ.update(SOPS_AGE_KEY_FILE=str(work / "key.txt"), HOME=str(work))
        recipient = run("age-keygen", "-y", str(work / "key.txt")).stdout.decode().strip()
        failures = 0
        for title, selector in (("whole files", []), ("data and stringData", SELECTOR)):
            counts, reasons, alone = collections.Counter(), collections.Counter(), collections.Counter()
            with concurrent.futures.ThreadPoolExecutor(2) as pool:
                results = pool.map(lambda path: examine(path, recipient, work, selector), files)
                for path, (result, detail) in zip(files, results):
                    counts[result] += 1
                    if result == "refused":
                        reasons[detail[0]] += 1
                        alone[detail[0]] += not detail[1]
                    elif detail:
                        print(f"{result}: {path}: {detail}")
            failures += counts["failed"]
            print(f"\n{title}: {len(files)} files; " + ", ".join(f"{name} {count}" for name, count in sorted(counts.items())))
            for reason, count in reasons.most_common():
                print(f"  refused {count} ({alone[reason]} of them not by sops): {reason}")
    return 1 if failures else 0


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1:]))
