#!/usr/bin/env python3
"""Breaks every command that writes, at every system call that writes, and looks at what is left.

Each command runs under `strace`, which kills the command as a call begins (KILL) or lets one call fail (ENOSPC, EIO).
Afterwards:
  - every file is as before or as after a run without faults (SOPS files: they decrypt to the same);
  - exit code 0 means: all files are as after, and nothing that was to be synced failed;
  - no file holds a secret that did not hold it before, unless that is what the command is for;
  - a second run, or what the message says, ends as a run without faults, and leaves no draft.

    python3 benches/faults_write.py                    all points
    python3 benches/faults_write.py --sample 40        so many, spread evenly
    python3 benches/faults_write.py --only edit        commands whose name has this in it

Needs strace, sops (SOPUP_TEST_SOPS) and a built sopup (--sopup).
"""
import argparse
import collections
import concurrent.futures
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

CALLS = ("openat", "write", "pwrite64", "fsync", "fdatasync", "rename", "renameat", "renameat2", "link", "linkat", "unlink", "unlinkat",
         "fchmod", "fchmodat", "chmod", "fchown", "mkdir", "mkdirat", "rmdir", "ftruncate", "fsetxattr", "close")
SECRET = b"Orchid.Meadow.Tundra.898"
SECOND = b"Glacier.Pepper.Wharf.417"
DRAFT = ".sopup-draft"
SOPUP = SOPS = None
KEYS = {}


def run(command, place, extra=None, stdin=b"", timeout=120):
    env = {"PATH": os.environ["PATH"], "HOME": place + "/home", "XDG_STATE_HOME": place + "/home/state", "TMPDIR": place + "/tmp",
           "XDG_RUNTIME_DIR": KEYS["runtime"] + "/" + os.path.basename(place), "SOPS_AGE_KEY_FILE": KEYS["file"],
           "SOPUP_FINGERPRINT_KEY": "fixed for the faults of writers", "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null",
           "LC_ALL": "C", "EDITOR": place + "/home/editor", "RAYON_NUM_THREADS": "1"}
    env.update(extra or {})
    done = subprocess.run(command, cwd=place + "/repo", env=env, input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=timeout)
    return done.returncode, done.stdout, done.stderr


PLAIN = {
    "yaml": b"# note\na: \"Orchid.Meadow.Tundra.898\"\nb: \"one\"\nn: 3\n",
    "json": b'{\n\t"a": "Orchid.Meadow.Tundra.898",\n\t"b": "one"\n}\n',
    "env": b"a=Orchid.Meadow.Tundra.898\nb=one\n",
    "ini": b"[s]\na = Orchid.Meadow.Tundra.898\nb = one\n",
    "bin": b"a: Orchid.Meadow.Tundra.898\n\x00\x01",
}
INDEX = {"yaml": '["b"]', "json": '["b"]', "env": '["b"]', "ini": '["s"]["b"]'}


class Scenario:
    """A command, what it works on, and what may hold the secret afterwards."""

    def __init__(self, name, command, files=(), before=(), stdin=b"", shows=(), git=False, extra=None, undone=None):
        self.name, self.command, self.files, self.before = name, command, dict(files), list(before)
        self.stdin, self.shows, self.git, self.extra, self.undone = stdin, set(shows), git, extra or {}, undone


def scenarios():
    rules = {".sops.yaml": "creation_rules:\n  - age: %s\n" % KEYS["one"]}
    both = "creation_rules:\n  - age: %s,%s\n" % (KEYS["one"], KEYS["two"])
    for kind, plain in PLAIN.items():
        name = "x." + kind
        files = {**rules, name: plain}
        sealed = [["encrypt", "-i", name]]
        yield Scenario("encrypt-" + kind, ["encrypt", "-i", name], files)
        yield Scenario("encrypt-output-" + kind, ["encrypt", "--output", "y." + kind, name], files)
        yield Scenario("decrypt-" + kind, ["decrypt", "-i", name], files, sealed, shows=[name])
        yield Scenario("rotate-" + kind, ["rotate", "-i", name], files, sealed)
        yield Scenario("edit-" + kind, ["edit", name], files, sealed)
        yield Scenario("updatekeys-" + kind, ["updatekeys", "--yes", name], files, sealed + [("write", ".sops.yaml", both.encode())])
        if kind in INDEX:
            set_ = ["set", "--string", "--value-stdin", name, INDEX[kind]]
            yield Scenario("set-" + kind, set_, files, sealed, stdin=SECOND)
            yield Scenario("unset-" + kind, ["unset", name, INDEX[kind]], files, sealed)
    yield Scenario("edit-new", ["edit", "new.yaml"], rules)
    yield Scenario("init", ["init", "--generate-key"], {}, shows=["../home/keys/mine.txt"], extra={"SOPS_AGE_KEY_FILE": "keys/mine.txt"})
    yield Scenario("init-append", ["init", "--generate-key"], {}, shows=["../home/keys/mine.txt"], extra={"SOPS_AGE_KEY_FILE": "keys/mine.txt"},
                   before=[("home", "keys/mine.txt", None)])
    two = {**rules, "x.yaml": PLAIN["yaml"], "y.json": PLAIN["json"]}
    sealed = [["encrypt", "-i", "x.yaml"], ["encrypt", "-i", "y.json"]]
    yield Scenario("doctor-record", ["doctor", "--record"], two, sealed)
    yield Scenario("doctor-record-again", ["doctor", "--record"], two, sealed + [["doctor", "--record"], ["rotate", "-i", "x.yaml"]])
    for kind, old, new in (("yaml", b"sops:", b"c: %s\nsops:" % SECOND), ("env", b"a=", b"c=%s\r\na=" % SECOND)):
        # A value in plain text, and somebody new in the rules.
        name = "x." + kind
        before = [["encrypt", "-i", name], ("replace", name, old, new), ("write", ".sops.yaml", both.encode())]
        yield Scenario("doctor-fix-" + kind, ["doctor", "--fix"], {**rules, name: PLAIN[kind]}, before)
    leak = {"docs/a.md": "The password is %s.\r\n" % SECRET.decode(), "b.env": "\ufeffDB_PASSWORD=%s\n" % SECRET.decode(),
            "deploy/config.yaml": "database:\n  password: %s\n  host: db\n" % SECOND.decode()}
    for form in ("human", "json", "jsonl"):
        for old in (False, True):
            files = {**leak, **({"report.txt": "an old report\n"} if old else {})}
            yield Scenario("scan-%s%s" % (form, "-again" if old else ""),
                           ["scan", "--worktree", "--exit-zero", "--format", form, "--output", "report.txt", "docs"], files)
    leak.update(rules)
    migrate = ["migrate", "--yes", "--include-review", "--no-history", "--no-render"]
    yield Scenario("migrate", migrate, leak, git=True)
    yield Scenario("migrate-one", migrate, {**rules, "deploy/config.yaml": leak["deploy/config.yaml"]}, git=True)
    yield Scenario("migrate-plan", ["migrate", "--plan-out", "plan.yaml", "--no-history", "--no-render"], leak, git=True)
    yield Scenario("migrate-undo", ["migrate", "--undo"], leak, [migrate], git=True, shows=leak)
    yield Scenario("migrate-resume", ["migrate", "--resume"], leak, [("kill", migrate, "rename", 1)], git=True)
    yield Scenario("migrate-resume-undo", ["migrate", "--undo"], leak, [("kill", migrate, "rename", 1)], git=True, shows=leak)
    record = ["rotate", "record", "--who", "A"]
    more = ("write", "more.env", b"API_PASSWORD=Canyon.Comet.Walnut.109\n")
    yield Scenario("ledger-record-more", record, leak, [record, more], git=True)
    yield Scenario("ledger-mark", ["rotate", "mark", "1111", "rotated", "--who", "A"], {
        ".sopup/ledger.yaml": "version: 1\nentries:\n\n- {id: '%s', rule: r, kind: password, state: exposed}\n" % ("1" * 24)})


def prepare(scenario, place):
    """Makes the files of a scenario in a new place."""
    for folder in ("repo", "home/state", "tmp"):
        os.makedirs(place + "/" + folder)
    os.makedirs(KEYS["runtime"] + "/" + os.path.basename(place), mode=0o700, exist_ok=True)
    write(place + "/home/editor", b"#!/bin/sh\nexec sed -i 's/one/two/; s/example/sample/; s/^a: Orchid/a: Brook/' \"$1\"\n")
    os.chmod(place + "/home/editor", 0o755)
    for name, content in scenario.files.items():
        write(place + "/repo/" + name, content if isinstance(content, bytes) else content.encode())
    if scenario.git:
        for command in (["init", "-q"], ["add", "-A"], ["-c", "user.name=A", "-c", "user.email=a@corp.net", "commit", "-qm", "all"]):
            run(["git", *command], place)
        for useless in ("hooks", "info", "description"):
            path = place + "/repo/.git/" + useless
            shutil.rmtree(path) if os.path.isdir(path) else os.path.exists(path) and os.remove(path)
    for step in scenario.before:
        if step[0] == "write":
            write(place + "/repo/" + step[1], step[2])
        elif step[0] == "replace":
            with open(place + "/repo/" + step[1], "rb") as file:
                content = file.read()
            write(place + "/repo/" + step[1], content.replace(step[2], step[3], 1))
        elif step[0] == "home":
            write(place + "/home/" + step[1], open(KEYS["file"], "rb").read())
        elif step[0] == "kill":
            faulted(step[1], place, step[2], step[3], "KILL", scenario)
        else:
            code, _, err = run([SOPUP, *step], place, absolute(scenario, place), scenario.stdin)
            assert code in (0, 1), (scenario.name, step, code, err)


def write(path, content):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as out:
        out.write(content)


def absolute(scenario, place):
    return {name: place + "/home/" + value for name, value in scenario.extra.items()}


def tree(place):
    """Files by path. What git itself keeps is left out."""
    found = {}
    for top in ("repo", "home", "tmp"):
        for folder, folders, names in os.walk(place + "/" + top):
            if folder.endswith("/repo/.git"):
                folders[:] = [name for name in folders if name == "sopup"]
                continue
            for name in names:
                path = folder + "/" + name
                if not os.path.islink(path):
                    found[os.path.relpath(path, place)] = open(path, "rb").read()
    return found


def plain_in_memory(place):
    runtime = KEYS["runtime"] + "/" + os.path.basename(place)
    paths = [folder + "/" + name for folder, _, names in os.walk(runtime) for name in names]
    return [path for path in paths if open(path, "rb").read().strip(b"\0")]


def compared(files):
    """What is compared: users' files, not sopup's own keeping."""
    own = ("repo/.git/", "home/state", "home/editor")
    return {path: data for path, data in files.items() if not path.startswith(own)}


NORMAL = {}
# Threads take turns as they like: this time the call had another number.
MISSED = "missed"


def normal(path, data):
    """A form that does not depend on keys and times."""
    if b"ENC[AES256_GCM" in data:
        if (path, data) not in NORMAL:
            kind = {"yaml": "yaml", "json": "json", "env": "dotenv", "ini": "ini"}.get(path.rsplit(".", 1)[-1], "binary")
            with tempfile.NamedTemporaryFile() as copy:
                copy.write(data)
                copy.flush()
                args = [SOPS, "decrypt", "--input-type", kind, "--output-type", kind, copy.name]
                env = {**os.environ, "SOPS_AGE_KEY_FILE": KEYS["file"]}
                done = subprocess.run(args, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            who = sorted(set(re.findall(rb"age1[0-9a-z]{58}", data)))
            # Nothing is equal to a file that sops cannot read.
            NORMAL[path, data] = (0, done.stdout, who) if done.returncode == 0 else (done.returncode, data, done.stderr)
        return NORMAL[path, data]
    if path.endswith("mine.txt"):
        # One more key than needed does no harm.
        keys = re.sub(rb"(# created: \S+\n# public key: age1\w+\n)?AGE-SECRET-KEY-1\w{58}\n", b"", data)
        data = b"" if keys.strip() else b"keys"
    data = re.sub(rb"AGE-SECRET-KEY-1[0-9A-Z]{58}", b"AGE-SECRET-KEY", data)
    data = re.sub(rb"age1[0-9a-z]{58}", b"age1", data)
    data = re.sub(rb"\d{4}-\d\d-\d\dT[\d:.]+Z", b"TIME", data)
    if path.endswith("report.txt"):
        data = re.sub(rb"[\d.]+ ?(ms|s)\b", b"DURATION", data)
        data = re.sub(rb'"(duration|seconds|elapsed)[a-z_]*": ?[\d.]+', b'"DURATION"', data)
    if path.endswith((".sopup-records", ".sopup-doctor")) or b"sha256" in data or b"digest" in data or b"hmac" in data:
        data = re.sub(rb"[0-9a-f]{32,}|[A-Za-z0-9+/]{40,}=*", b"DIGEST", data)
    return data


def faulted(command, place, call, at, fault, scenario, log=None):
    how = "signal=KILL" if fault == "KILL" else "error=%s" % fault
    extra = ["-e", "inject=%s:%s:when=%d" % (call, how, at)] if fault else []
    traced = ["strace", "-f", "-qq", "-y", "-o", log or "/dev/null", "-e", "signal=none", "-e", "trace=" + ",".join(CALLS), *extra]
    return run([*traced, SOPUP, *command], place, absolute(scenario, place), scenario.stdin)


def points(scenario, place, log):
    """(call, its number in its thread, what it is about) of a run without faults."""
    faulted(scenario.command, place, "write", 0, None, scenario, log)
    count, found, first = collections.Counter(), {}, None
    for line in open(log, errors="replace"):
        match = re.match(r"(\d+) +([a-z0-9_]+)\((.*)", line)
        if not match:
            continue
        thread, call, rest = match.groups()
        first = first or thread
        count[thread, call] += 1
        about = rest
        if call == "openat" and not re.search(r"O_CREAT|O_TRUNC|O_WRONLY|O_RDWR", rest):
            continue
        if call == "close" and not (DRAFT in rest or place in rest):
            continue
        found.setdefault((call, count[thread, call]), about)
    return [(call, at, about) for (call, at), about in found.items()]


class Baseline:
    """A scenario's files before and after a run without faults, and where a run can break."""

    def __init__(self, scenario, top):
        self.scenario = scenario
        self.template = top + "/" + scenario.name
        prepare(scenario, self.template)
        self.before = compared(tree(self.template))
        self.holders = {path for path, data in tree(self.template).items() if holds(data)}
        done = top + "/" + scenario.name + "-done"
        shutil.copytree(self.template, done, symlinks=True)
        os.makedirs(KEYS["runtime"] + "/" + os.path.basename(done), mode=0o700, exist_ok=True)
        self.points = points(scenario, done, done + "/log")
        os.remove(done + "/log")
        after = tree(done)
        self.after = {path: normal(path, data) for path, data in compared(after).items()}
        unreadable = {path: form for path, form in self.after.items() if isinstance(form, tuple) and form[0] != 0}
        assert not unreadable, (scenario.name, unreadable)
        self.before_normal = {path: normal(path, data) for path, data in self.before.items()}
        allowed = {path for path in after if os.path.relpath(path, "repo") in scenario.shows}
        leaked = {path for path, data in after.items() if holds(data)} - self.holders - allowed
        assert not leaked, (scenario.name, "without a fault", leaked)
        assert self.after != self.before_normal or scenario.name.startswith("rotate"), (scenario.name, "changes nothing")
        self.allowed = allowed | self.holders
        shutil.rmtree(done)


def holds(data):
    return SECRET in data or SECOND in data or b"AGE-SECRET-KEY-1" in data


def state(base, files):
    """`before`, `after`, `mixed`, or what is wrong."""
    seen = set()
    files = {path: data for path, data in files.items() if DRAFT not in path}
    before = {path: data for path, data in base.before.items() if DRAFT not in path}
    for path in set(files) | set(before) | set(base.after):
        now = files.get(path)
        if now == before.get(path):
            is_before = True
        else:
            is_before = False
        is_after = (now is None and path not in base.after) or (now is not None and base.after.get(path) == normal(path, now))
        if not is_before and not is_after:
            return "%s is neither as before nor as after: %r" % (path, (now or b"")[:200])
        if is_before != is_after:
            seen.add("before" if is_before else "after")
    if base.before_normal == base.after:
        # Under a new data key: other bytes, the same values.
        return "before" if files == before else "after"
    return "mixed" if len(seen) > 1 else (seen.pop() if seen else "either")


def check(base, place, call, at, about, fault):
    """What is wrong after one fault, or None."""
    scenario = base.scenario
    shutil.copytree(base.template, place, symlinks=True)
    os.makedirs(KEYS["runtime"] + "/" + os.path.basename(place), mode=0o700, exist_ok=True)
    log = place + "-log"
    code, _, err = faulted(scenario.command, place, call, at, fault, scenario, log)
    with open(log, errors="replace") as lines:
        hit = code in (-9, 137) if fault == "KILL" else "(INJECTED)" in lines.read()
    os.remove(log)
    if not hit:
        return MISSED
    text = err.decode(errors="replace")
    killed = code in (-9, 137)
    # The standard library takes it for granted that a folder can be closed, and no file system says otherwise.
    if call == "close" and "library/std/src/sys/fs/unix.rs" in text:
        return MISSED
    if code in (101, 70, 134) or "panicked" in text:
        return "it panicked: " + text
    files = tree(place)
    drafts = [path for path in files if DRAFT in path and path not in base.before]
    now = state(base, compared(files))
    if now not in ("before", "after", "mixed", "either"):
        return now
    own = "/repo/" in about and "/repo/.git/" not in about
    if code == 0 and now == "before":
        return "exit code 0, but nothing was done"
    if code == 0 and now == "mixed":
        return "exit code 0, but only half was done"
    if code == 0 and fault != "KILL" and call in ("fsync", "fdatasync", "write") and own:
        return "exit code 0, though it could not be written or synced: " + about
    if now == "mixed" and not killed and code != 5 and len(base.after) > 1 and "migrate" in scenario.name:
        return "half of it was done, but the exit code is %d: %s" % (code, text)
    if not killed and drafts:
        return "a draft stays after an error: %s: %s" % (drafts, text)
    for path, data in files.items():
        if holds(data) and path not in base.allowed:
            # What is to become plain text is plain in its draft, too, which is no more open than its file.
            mine = DRAFT in path and scenario.shows and open_to(place, path) <= open_to(place, target_of(path))
            if not mine:
                return "%s holds the secret" % path
    if not killed and plain_in_memory(place):
        return "plain text is left in memory"
    return again(base, place, now, code, text)


def target_of(draft):
    folder, name = os.path.split(draft)
    return folder + "/" + name[1:-len(".0123456789abcdef" + DRAFT)]


def open_to(place, path):
    """The groups of people who may read a file."""
    try:
        return os.stat(place + "/" + path).st_mode & 0o077
    except FileNotFoundError:
        return 0


def again(base, place, now, code, text):
    """The same command, or what the message says, must end as without a fault."""
    scenario = base.scenario
    extra = absolute(scenario, place)
    told = []
    for _ in range(3):
        second, _, err = run([SOPUP, *scenario.command], place, extra, scenario.stdin)
        told.append((second, err.decode(errors="replace")))
        if second == 5:
            third, _, err = run([SOPUP, "migrate", "--resume"], place, extra)
            told.append((third, err.decode(errors="replace")))
            if third != 0:
                return "it cannot be finished: %s" % told
            continue
        break
    files = tree(place)
    end = state(base, compared(files))
    # A scan whose files are gone from the plan, an encrypted file that is encrypted again, and the like say so.
    if end not in ("after", "either") and not (scenario.name.startswith("migrate-resume") and end == "before"):
        return "a second run does not end as it should: %s: first %s %s, then %s" % (end, code, text, told)
    if second not in (0, 1) and now not in ("after", "either"):
        return "a second run fails: %s" % told
    drafts = [path for path in files if DRAFT in path]
    if drafts:
        return "a draft stays after a second run: %s" % drafts
    leaked = [path for path, data in files.items() if holds(data) and path not in base.allowed]
    if leaked and "init" not in scenario.name:
        return "%s holds the secret after a second run" % leaked
    if "edit" in scenario.name and now in ("before", "mixed") and plain_in_memory(place):
        return "plain text of the first run is left in memory after the second"
    return None


def main():
    global SOPUP, SOPS
    parser = argparse.ArgumentParser()
    parser.add_argument("--sopup", default="target/debug/sopup")
    parser.add_argument("--sample", type=int, default=0)
    parser.add_argument("--only", default="")
    parser.add_argument("--faults", default="KILL,ENOSPC,EIO")
    parser.add_argument("--jobs", type=int, default=2)
    args = parser.parse_args()
    SOPUP, SOPS = os.path.abspath(args.sopup), os.environ["SOPUP_TEST_SOPS"]
    failed, done = [], collections.Counter()
    with tempfile.TemporaryDirectory(prefix="sopup-faults-") as top, tempfile.TemporaryDirectory(prefix="faults-", dir="/dev/shm") as runtime:
        KEYS["runtime"], KEYS["file"] = runtime, top + "/keys.txt"
        for name in ("one", "two"):
            made = subprocess.run(["age-keygen"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=True).stdout.decode()
            KEYS[name] = re.search(r"public key: (age1\w+)", made).group(1)
            with open(KEYS["file"], "a") as keys:
                keys.write(made)
        wanted = [scenario for scenario in scenarios() if args.only in scenario.name]
        with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
            bases = list(pool.map(lambda scenario: Baseline(scenario, top), wanted))
            work = [(base, *point, fault) for base in bases for point in base.points for fault in args.faults.split(",")
                    if fault == "KILL" or point[0] != "close" or "." in os.path.basename(point[2].split(">")[0])]
            if args.sample and args.sample < len(work):
                work = [work[index * len(work) // args.sample] for index in range(args.sample)]

            def one(numbered):
                number, (base, call, at, about, fault) = numbered
                place = "%s/run-%d" % (top, number)
                try:
                    wrong = check(base, place, call, at, about, fault)
                except Exception as error:  # noqa: BLE001 - a fault of the harness is a failure, too
                    wrong = "%s: %r" % (type(error).__name__, error)
                shutil.rmtree(place, ignore_errors=True)
                shutil.rmtree(runtime + "/run-%d" % number, ignore_errors=True)
                return base.scenario.name, call, at, fault, about.strip()[:120], wrong

            for name, call, at, fault, about, wrong in pool.map(one, enumerate(work)):
                done[fault if wrong != MISSED else MISSED] += 1
                if wrong and wrong != MISSED:
                    failed.append(wrong)
                    print("%s: %s at %s %d (%s): %s" % (name, fault, call, at, about, wrong), flush=True)
    print(json.dumps({"scenarios": len(bases), "points": dict(done), "failed": len(failed)}))
    return 1 if failed or 10 * done[MISSED] > len(work) else 0


if __name__ == "__main__":
    sys.exit(main())
