#!/usr/bin/env python3
"""What hostile and unusual texts cost: instructions for a text and for twice as much of it, time and memory for much more.

  benches/growth.py [--sopup BIN] [--shape NAME ...] [--large MIB]

Instructions are those that valgrind (callgrind) counts, without those of an empty run, so that a busy machine does not
matter: twice the text should cost twice as many (goal: at most 2.2 times). Time and memory are of one run over `--large`
MiB of the same shape. Standard library only; needs valgrind.
"""
import argparse, base64, os, random, re, subprocess, sys, tempfile, time

LETTERS = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"


def word(r, length=16):
    return "".join(r.choice(LETTERS) for _ in range(length))


def repeated(unit):
    """As many units as fit."""
    def make(size, r):
        out, length = [], 0
        while length < size:
            out.append(unit(r, len(out)))
            length += len(out[-1])
        return "".join(out)
    return make


def framed(head, unit, tail):
    body = repeated(unit)
    return lambda size, r: head + body(size - len(head) - len(tail), r) + tail


def b64(r):
    return base64.b64encode(word(r).encode()).decode()


SHAPES = {
    # kubectl get secrets -o yaml
    "secrets.yaml": framed("apiVersion: v1\nkind: List\nitems:\n", lambda r, n: f"- apiVersion: v1\n  data:\n    password: {b64(r)}\n    token: {b64(r)}\n  kind: Secret\n  metadata:\n    name: s{n}\n", ""),
    "secrets-kind-first.yaml": framed("apiVersion: v1\nkind: List\nitems:\n", lambda r, n: f"- kind: Secret\n  apiVersion: v1\n  data:\n    password: {b64(r)}\n    token: {b64(r)}\n  metadata:\n    name: s{n}\n", ""),
    "repeated-manifest.yaml": repeated(lambda r, n: "kind: Secret\nstringData:\n"),
    "one-line-exports.sh": repeated(lambda r, n: "export PASSWORD="),
    "one-line-cues.txt": repeated(lambda r, n: "password token secret key "),
    "one-line.json": framed("{", lambda r, n: f'"password{n}":"{word(r)}",', '"end":1}'),
    "attributes.xml": framed("<c ", lambda r, n: f'password{n}="{word(r)}" ', "/>\n"),
    "notebook.ipynb": framed('{"cells":[', lambda r, n: '{"cell_type":"code","source":["password = \\"%s\\"\\n"],"outputs":[]},' % word(r), '{}]}'),
    "table.md": framed("| user | password |\n| --- | --- |\n", lambda r, n: f"| u{n} | {word(r)} |\n", ""),
    "wide-table.md": lambda size, r: "|" + "password|" * (size // 40) + "\n|" + "-|" * (size // 40) + "\n|" + "".join(word(r, 12) + "|" for _ in range(size // 40)) + "\n",
    "nested.json": lambda size, r: '{"secret":' * (size // 12) + '"x"' + "}" * (size // 12),
    "quotes.py": repeated(lambda r, n: "'\"`password="),
    "rows.sql": framed("INSERT INTO users (name, password) VALUES ", lambda r, n: f"('u{n}', '{word(r)}'),\n", "('z', 'z');\n"),
    "urls.txt": repeated(lambda r, n: f"postgres://u:{word(r)}@h/"),
    "base64.txt": repeated(lambda r, n: b64(r)),
}


def instructions(sopup, folder):
    out = os.path.join(folder, "..", "callgrind.out")
    command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", sopup, "scan", "--worktree", "--jobs", "1", "--exit-zero", folder]
    run = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "XDG_STATE_HOME": folder + ".state"})
    found = re.search(r"Collected : (\d+)", run.stderr)
    if not found:
        sys.exit(f"valgrind counted nothing: {run.stderr[-500:]}")
    return int(found[1])


def written(name, text):
    folder = os.path.join(tempfile.mkdtemp(), "w")
    os.mkdir(folder)
    with open(os.path.join(folder, name), "w") as f:
        f.write(text)
    return folder


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--sopup", default="target/release/sopup")
    p.add_argument("--shape", action="append", choices=sorted(SHAPES))
    p.add_argument("--kib", type=int, default=128)
    p.add_argument("--large", type=float, default=4)
    a = p.parse_args()
    empty = instructions(a.sopup, written("a.txt", "x"))
    print(f"| shape | M instructions, {a.kib} KiB | twice that | ratio | {a.large:g} MiB: s | MiB |\n| --- | --- | --- | --- | --- | --- |")
    worst = 0.0
    for name in a.shape or SHAPES:
        make = SHAPES[name]
        counts = [instructions(a.sopup, written(name, make(size, random.Random(7)))) - empty for size in (a.kib << 10, a.kib << 11)]
        ratio = counts[1] / counts[0]
        worst = max(worst, ratio)
        folder = written(name, make(int(a.large * (1 << 20)), random.Random(7)))
        begun = time.time()
        child = subprocess.Popen([a.sopup, "scan", "--worktree", "--exit-zero", "--format=jsonl", folder], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(child.pid, 0)
        took = time.time() - begun
        print(f"| {name} | {counts[0] / 1e6:.0f} | {counts[1] / 1e6:.0f} | {ratio:.2f} | {took:.2f} | {usage.ru_maxrss // 1024} |", flush=True)
    print(f"\nworst ratio {worst:.2f}")
    sys.exit(worst > 2.3)


main()
