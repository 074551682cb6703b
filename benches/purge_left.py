#!/usr/bin/env python3
"""What purges leave behind: one value in each place and in each spelling, searched for by other means than sopup's.

    benches/purge_left.py SOPUP [--kingfisher PROGRAM]

Builds a repository and makes two mirrors of it: by `sopup purge run`, and by git filter-repo with the rules that `sopup purge
export` writes (Debian: git-filter-repo). Then every object (`git cat-file --batch-all-objects --batch`), the archives among
them, and every file and name of the git directory are searched for every value in every spelling, by this script. Ends with 1
if sopup left any, and prints what git filter-repo left. With kingfisher (PyPI: kingfisher-bin) its findings are counted, too.
"""
import argparse, base64, gzip, html, io, json, os, pathlib, subprocess, sys, tempfile, urllib.parse, zipfile


def wide(value, order="le"):
    return value.encode(f"utf-16-{order}")


def spellings(value):
    """The bytes by which a value is told, in all spellings."""
    text = value.encode()
    yield text
    yield text.hex().encode()
    yield text.hex().upper().encode()
    yield wide(value)
    yield wide(value, "be")
    yield json.dumps(value)[1:-1].encode()
    yield html.escape(value).encode()
    yield urllib.parse.quote(value, safe="").encode()
    for inner in (text, wide(value)):
        for shift in range(3):
            longer = b"\0" * shift + inner
            known = len(longer) * 8 // 6
            for encoded in (base64.b64encode(longer), base64.urlsafe_b64encode(longer)):
                yield encoded[-(-shift * 8 // 6):known]


def key(number):
    """Lines of a key, broken at 64 characters."""
    return "".join(chr(65 + (at * at + number * at) % 26 + 32 * (at % 2)) for at in range(380)) + f"{number:04}"


def wrapped(text, width, end="\n"):
    return end.join(text[at:at + width] for at in range(0, len(text), width))


class Planted:
    """A repository with a value of its own in each place."""

    def __init__(self, top):
        self.top, self.values = top, {}
        top.mkdir()
        self.git("init", "--quiet", "--initial-branch=main")
        self.commit("first.txt", b"nothing\n")

    def git(self, *args, **options):
        names = {f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER") for what, value in (("NAME", "A"), ("EMAIL", "a@corp.net"))}
        environment = {**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null", **names, **options.pop("env", {})}
        done = subprocess.run(["git", *args], cwd=self.top, capture_output=True, check=True, env=environment, **options)
        return done.stdout.decode().strip()

    def commit(self, path, content, message="m", **options):
        file = self.top / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        self.git("add", "--all")
        self.git("commit", "--quiet", "-m", message, **options)

    def value(self, place, plain=False):
        """The value of a place: with bytes that encodings write differently, or fit for names."""
        number = len(self.values)
        value = f"Qua{number:02}rtz{number * 37 % 90 + 10}Fer" + (f"{number}ry" if plain else f"&ry?{number}ø>>")
        self.values[place] = value
        return value

    def plant(self):
        spelled = {
            "a file": lambda v: v.encode(),
            "a file with NUL bytes": lambda v: b"\0\1" + v.encode() + b"\0",
            "a file with CRLF": lambda v: f"a: b\r\npassword: {v}\r\n".encode(),
            "a UTF-16 file, low bytes first": lambda v: b"\xff\xfe" + wide(f"password {v}\r\n"),
            "a UTF-16 file, high bytes first": lambda v: b"\xfe\xff" + wide(f"password {v}\r\n", "be"),
            "base64": lambda v: base64.b64encode(v.encode()),
            "base64, one byte further": lambda v: base64.b64encode(b"x" + v.encode() + b"y" * 30),
            "base64, two bytes further": lambda v: base64.b64encode(b"xy" + v.encode() + b"z" * 30),
            "base64 for URLs": lambda v: base64.urlsafe_b64encode(b"?" * 3 + v.encode()),
            "base64 of UTF-16": lambda v: base64.b64encode(wide(v)),
            "hexadecimal": lambda v: v.encode().hex().encode(),
            "hexadecimal with capitals": lambda v: v.encode().hex().upper().encode(),
            "percent-encoded": lambda v: urllib.parse.quote(v, safe="").encode(),
            "JSON": lambda v: json.dumps({"password": v}).encode(),
            "XML": lambda v: f"<password>{html.escape(v)}</password>".encode(),
            "a gzip file": lambda v: gzip.compress(v.encode() * 9, mtime=0),
            "a zip file": zipped,
        }
        for number, (place, spell) in enumerate(spelled.items()):
            self.commit(f"spelled/{number}.txt", spell(self.value(place)))
            (self.top / f"spelled/{number}.txt").unlink()
        pem = key(1)
        self.values["a key with other line breaks"] = pem
        self.commit("key.txt", wrapped(pem, 76, "\n    ").encode())
        value = self.value("wrapped base64")
        self.commit("wrapped.txt", wrapped(base64.b64encode(f"{'a' * 70}{value}{'b' * 90}".encode()).decode(), 76).encode())
        # What other scanners know by its form.
        for number, place in enumerate(["a token in a file", "a token in a message"]):
            digits = "".join("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"[(at * at * 7 + at * 31 + 13 + 17 * number) % 62]
                             for at in range(20))
            self.values[place] = "glpat" + f"-{digits}"
            line = f"gitlab_token = {self.values[place]}\n"
            self.commit(f"token{number}.txt", line.encode() if number == 0 else b"x", message=line if number else "m")
        self.commit("m.txt", b"m", message=f"the password is {self.value('a message')}")
        self.commit("n.txt", b"n", env={"GIT_AUTHOR_NAME": self.value("an author's name", plain=True)})
        self.commit("o.txt", b"o", env={"GIT_COMMITTER_EMAIL": self.value("a committer's address", plain=True) + "@corp.net"})
        self.commit(f"{self.value('the name of a folder', plain=True)}/x.txt", b"x")
        self.commit(f"x/{self.value('the name of a file', plain=True)}.txt", b"x")
        self.git("tag", "-a", "-m", self.value("the message of a tag"), "v1")
        self.git("notes", "add", "-m", self.value("a note"), "HEAD")
        self.git("branch", "fix-" + self.value("the name of a branch", plain=True))
        self.git("tag", "blob", self.git("hash-object", "-w", "--stdin", input=self.value("a tag of a blob").encode()))
        self.git("update-ref", "refs/pull/7/head", self.git("commit-tree", "-m", self.value("a pull request's ref"), "HEAD^{tree}"))
        self.git("hash-object", "-w", "--stdin", input=self.value("an unreachable blob").encode())
        (self.top / "first.txt").write_text(self.value("a stash"))
        self.git("stash", "--quiet")


def zipped(value):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.txt", value * 9)
    return out.getvalue()


def texts(git_dir):
    """All that a git directory holds: names and contents of files, objects, files in archives."""
    for path in git_dir.rglob("*"):
        yield str(path.relative_to(git_dir)).encode()
        if path.is_file():
            yield path.read_bytes()
    out = subprocess.run(["git", "--git-dir", git_dir, "cat-file", "--batch-all-objects", "--batch"], capture_output=True, check=True).stdout
    at = 0
    while at < len(out):
        end = out.index(b"\n", at)
        text = out[end + 1:end + 1 + int(out[at:end].split()[2])]
        at = end + 1 + len(text) + 1
        yield text
        if text.startswith(b"\x1f\x8b"):
            yield gzip.decompress(text)
        elif text.startswith(b"PK"):
            with zipfile.ZipFile(io.BytesIO(text)) as archive:
                yield from (archive.read(name) for name in archive.namelist())
        # Broken lines, joined.
        yield b"".join(line.strip() for line in text.split(b"\n"))


def left(git_dir, values):
    everything = list(texts(git_dir))
    return [place for place, value in values.items() if any(spelled in text for spelled in set(spellings(value)) for text in everything)]


def findings(kingfisher, git_dir):
    done = subprocess.run([kingfisher, "scan", git_dir, "--format", "json", "--no-validate", "--confidence", "low"], capture_output=True)
    text = done.stdout.decode()
    report, _ = json.JSONDecoder().raw_decode(text, text.index("{"))
    return len(report["findings"])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sopup")
    parser.add_argument("--kingfisher")
    args = parser.parse_args()
    sopup = os.path.abspath(args.sopup)
    with tempfile.TemporaryDirectory(prefix="purge-left-") as folder:
        work = pathlib.Path(folder)
        planted = Planted(work / "repo")
        planted.plant()
        (work / "values").write_text("".join(f"{value}\n" for value in planted.values.values()))
        environment = {**os.environ, "HOME": folder, "GIT_CONFIG_GLOBAL": "/dev/null"}
        run = lambda command, cwd=work / "repo": subprocess.run(command, cwd=cwd, env=environment, check=True, capture_output=True)
        assert len(left(work / "repo/.git", planted.values)) == len(planted.values), "every value can be found where it is"
        values = ["--values-from", "../values"]
        run([sopup, "purge", "run", *values, "--replace-sealed", "--to", work / "ours.git"])
        run([sopup, "purge", "export", *values, "--to", "../rules"])
        run(["git", "clone", "--quiet", "--mirror", "repo", "theirs.git"], cwd=work)
        run(["git", "filter-repo", "--force", "--replace-text", "../rules/replace-text.txt", "--replace-message",
             "../rules/replace-message.txt"], cwd=work / "theirs.git")
        ours, theirs = (left(work / name, planted.values) for name in ("ours.git", "theirs.git"))
        print(f"{len(planted.values)} places; sopup left {len(ours)}, git filter-repo {len(theirs)}:")
        for place in planted.values:
            print(f"  {place:<34} {'LEFT' if place in ours else 'gone':<6} {'left' if place in theirs else 'gone'}")
        if args.kingfisher:
            found = [findings(args.kingfisher, work / name) for name in ("repo", "ours.git", "theirs.git")]
            print("kingfisher finds {} in the repository, {} in sopup's mirror, {} in that of git filter-repo".format(*found))
        sys.exit(1 if ours else 0)


if __name__ == "__main__":
    main()
