#!/usr/bin/env python3
"""Lists what a binary is made of: dist/parts.py TARGET LICENCES SBOM.

LICENCES gets the licence texts of all crates in it, SBOM their list as CycloneDX 1.5. Both follow from Cargo.lock alone,
so that the same sources give the same files.
"""

import collections
import datetime
import glob
import json
import os
import re
import subprocess
import sys
import tomllib
import uuid

target, licences_path, sbom_path = sys.argv[1:]
os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))


def crates():
    """All that is linked into the program, by id, and what each uses."""
    command = ["cargo", "metadata", "--locked", "--format-version=1", "--filter-platform", target]
    metadata = json.loads(subprocess.check_output(command))
    packages = {package["id"]: package for package in metadata["packages"]}
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    uses, waiting = {}, [metadata["resolve"]["root"]]
    while waiting:
        node = waiting.pop()
        if node in uses:
            continue
        linked = [
            dep["pkg"]
            for dep in nodes[node]["deps"]
            if any(kind["kind"] is None for kind in dep["dep_kinds"]) and not is_macro(packages[dep["pkg"]])
        ]
        uses[node] = sorted(linked)
        waiting.extend(linked)
    return metadata["resolve"]["root"], packages, dict(sorted(uses.items()))


def is_macro(package):
    """Whether a crate runs in the compiler and leaves nothing of itself in the program."""
    return any("proc-macro" in kind for target in package["targets"] for kind in target["kind"])


def purl(package):
    return f"pkg:cargo/{package['name']}@{package['version'].replace('+', '%2B')}"


def component(package, checksums):
    made = {
        "type": "library",
        "bom-ref": purl(package),
        "name": package["name"],
        "version": package["version"],
        "purl": purl(package),
    }
    if package["license"]:
        made["licenses"] = [{"expression": package["license"].replace("/", " OR ")}]
    checksum = checksums.get((package["name"], package["version"]))
    if checksum:
        made["hashes"] = [{"alg": "SHA-256", "content": checksum}]
    if package["repository"]:
        made["externalReferences"] = [{"type": "vcs", "url": package["repository"]}]
    return made


def sbom(root, packages, uses):
    with open("Cargo.lock", "rb") as file:
        checksums = {(p["name"], p["version"]): p.get("checksum") for p in tomllib.load(file)["package"]}
    main = {**component(packages[root], checksums), "type": "application", "description": packages[root]["description"]}
    made = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "timestamp": datetime.datetime.fromtimestamp(int(os.environ["SOURCE_DATE_EPOCH"]), datetime.timezone.utc).isoformat(),
            "component": main,
            "properties": [{"name": "cargo:target", "value": target}],
        },
        "components": [component(packages[node], checksums) for node in uses if node != root],
        "dependencies": [
            {"ref": purl(packages[node]), "dependsOn": [purl(packages[used]) for used in linked]} for node, linked in uses.items()
        ],
    }
    made["serialNumber"] = uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(made, sort_keys=True)).urn
    return made


def licences(root, packages, uses):
    """Each text once, below the names of the crates that it covers; those of C libraries lie deeper in their crates."""
    texts = collections.defaultdict(list)
    for node in uses:
        if node == root:
            continue
        package = packages[node]
        folder = os.path.dirname(package["manifest_path"])
        title = f"{package['name']} {package['version']} ({package['license']})"
        found = [
            path
            for depth in ["*", "*/*"]
            for path in sorted(glob.glob(os.path.join(folder, depth)))
            if re.match(r"(LICEN[CS]E|COPYING|COPYRIGHT|NOTICE|UNLICENSE)", os.path.basename(path), re.I) and os.path.isfile(path)
        ]
        for path in found:
            with open(path, encoding="utf-8", errors="replace") as file:
                texts[file.read().strip()].append(title)
        if not found:
            authors = ", ".join(package["authors"]) or f"the authors of {package['name']}"
            texts["Their packages hold no text of the licence that they name."].append(f"{title}: {authors}")
    parts = ["\n".join(dict.fromkeys(titles)) + "\n\n" + text + "\n" for text, titles in texts.items()]
    return ("\n" + "=" * 80 + "\n\n").join(parts)


root, packages, uses = crates()
with open(licences_path, "w", encoding="utf-8") as file:
    file.write(licences(root, packages, uses))
with open(sbom_path, "w", encoding="utf-8") as file:
    json.dump(sbom(root, packages, uses), file, indent=1)
    file.write("\n")
