//! A secret is found and moved whole, whatever it is made of and however it is written: random values over all printable
//! characters are written in each notation, found with exact spans, migrated, read back with the real sops, and
//! rendered to the same bytes. `SOPUP_TEST_FULL=1` tries nearly 30 times as many.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use crate::faults::is_full;
use crate::migrate::bench::{Bench, is_encrypted};
use crate::support::Numbers;

/// A way to write values.
struct Notation {
    path: &'static str,
    /// Before and after all entries.
    frame: (&'static str, &'static str),
    /// An entry: what stands before and behind the value as it is written, for the number of the entry.
    entry: fn(usize) -> (String, String),
    /// How a value is written; `None` if the notation cannot write it.
    write: fn(&str) -> Option<String>,
    /// Whether references in it are resolved by `sopup render`.
    renders: bool,
}

fn json(value: &str) -> Option<String> {
    let quoted = serde_json::to_string(value).expect("a text");
    Some(quoted[1..quoted.len() - 1].to_owned())
}

fn without(marks: &'static [char]) -> impl Fn(&str) -> Option<String> {
    move |value| (!value.contains(marks)).then(|| value.to_owned())
}

fn plain(value: &str) -> Option<String> {
    let first = value.starts_with(|c: char| c.is_ascii_alphanumeric());
    (first && value.chars().all(|c| c.is_alphanumeric() || "-._/+=@%!".contains(c))).then(|| value.to_owned())
}

fn markup(value: &str) -> Option<String> {
    Some(value.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&apos;"))
}

const NOTATIONS: [Notation; 16] = [
    Notation {
        path: "conf/plain.yaml",
        frame: ("", ""),
        entry: |n| (format!("app{n}_password: "), "\n".into()),
        write: plain,
        renders: true,
    },
    Notation {
        path: "conf/single.yaml",
        frame: ("apps:\n", ""),
        entry: |n| (format!("  app{n}_password: '"), "' # kept\n".into()),
        write: |value| Some(value.replace('\'', "''")),
        renders: true,
    },
    Notation {
        path: "conf/double.yaml",
        frame: ("", ""),
        entry: |n| (format!("app{n}_password: \""), "\"\n".into()),
        write: json,
        renders: true,
    },
    Notation {
        path: "conf/block.yaml",
        frame: ("", ""),
        entry: |n| (format!("app{n}_password: |-\n  "), "\n".into()),
        write: |value| Some(value.to_owned()),
        renders: true,
    },
    Notation {
        path: "conf/flow.yaml",
        frame: ("", ""),
        entry: |n| (format!("app{n}: {{user: a, password: '"), "'}\n".into()),
        write: |value| Some(value.replace('\'', "''")),
        renders: true,
    },
    Notation {
        path: "conf/a.json",
        frame: ("{\n", "\"last\": 1}\n"),
        entry: |n| (format!("\"app{n}_password\": \""), "\",\n".into()),
        write: json,
        renders: true,
    },
    Notation {
        path: "conf/basic.toml",
        frame: ("", ""),
        entry: |n| (format!("app{n}_password = \""), "\"\n".into()),
        write: json,
        renders: true,
    },
    Notation {
        path: "conf/literal.toml",
        frame: ("", ""),
        entry: |n| (format!("app{n}_password = '"), "'\n".into()),
        write: |value| without(&['\''])(value),
        renders: true,
    },
    Notation {
        path: "conf/a.ini",
        frame: ("[db]\n", ""),
        entry: |n| (format!("app{n}_password = "), "\n".into()),
        write: |value| without(&['\\', ';', '#', '"', '\''])(value),
        renders: true,
    },
    Notation {
        path: "conf/attribute.xml",
        frame: ("<c>\n", "</c>\n"),
        entry: |n| (format!("<db{n} password=\""), "\"/>\n".into()),
        write: markup,
        renders: true,
    },
    Notation {
        path: "conf/element.xml",
        frame: ("<c>\n", "</c>\n"),
        entry: |n| (format!("<db{n}><password>"), "</password></db>\n".into()),
        write: markup,
        renders: true,
    },
    Notation {
        path: "docs/guide.md",
        frame: ("# Guide\n\n", ""),
        entry: |n| (format!("The password of app{n} is `"), "`.\n".into()),
        write: |value| without(&['`'])(value),
        renders: false,
    },
    Notation {
        path: ".env.example",
        frame: ("", ""),
        entry: |n| (format!("APP{n}_PASSWORD='"), "'\n".into()),
        write: |value| without(&['\''])(value),
        renders: false,
    },
    Notation {
        path: "run.sh",
        frame: ("#!/bin/sh\n", ""),
        entry: |n| (format!("export APP{n}_PASSWORD='"), "'\n".into()),
        write: |value| without(&['\''])(value),
        renders: false,
    },
    Notation {
        path: "app.py",
        frame: ("", ""),
        entry: |n| (format!("APP{n}_PASSWORD = \""), "\"\n".into()),
        write: |value| Some(value.replace('\\', "\\\\").replace('"', "\\\"")),
        renders: false,
    },
    Notation {
        path: "k8s/secret.yaml",
        frame: ("apiVersion: v1\nkind: Secret\nmetadata:\n  name: apps\nstringData:\n", ""),
        entry: |n| (format!("  app{n}-password: '"), "'\n".into()),
        write: |value| Some(value.replace('\'', "''")),
        renders: false,
    },
];

/// A value that no notation was made for: printable ASCII, many quotes and escapes, other scripts, or long.
fn value(random: &mut Numbers) -> String {
    const PRINTABLE: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";
    const QUOTED: &str = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789\"'\\`&<>\"'\\";
    const LETTERS: &str = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";
    const SCRIPTS: &str = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789éßжд語";
    let sorts = [
        (PRINTABLE, 16, 64),
        (QUOTED, 16, 64),
        (LETTERS, 12, 64),
        (SCRIPTS, 16, 40),
        (LETTERS, 65, 500),
        (LETTERS, 2, 11),
        (LETTERS, 500, 5000),
    ];
    let (alphabet, least, most) = sorts[random.below(sorts.len())];
    let alphabet: Vec<char> = alphabet.chars().collect();
    let length = least + random.below(most - least + 1);
    // Between letters, as generators that know shells make them.
    let inner: String = (0..length).map(|_| alphabet[random.below(alphabet.len())]).collect();
    format!("k{inner}7Q")
}

/// What was written: the value, and how.
struct Written {
    value: String,
    raw: String,
    line: usize,
}

#[test]
fn random_values_move_whole_in_every_notation() {
    let times = if is_full() { 400 } else { 14 };
    let mut random = Numbers(18);
    let bench = Bench::new();
    let mut files: BTreeMap<&str, (String, Vec<Written>)> = BTreeMap::new();
    for notation in &NOTATIONS {
        let mut text = notation.frame.0.to_owned();
        let mut written = Vec::new();
        while written.len() < times {
            let value = value(&mut random);
            let Some(raw) = (notation.write)(&value) else { continue };
            let (before, after) = (notation.entry)(written.len());
            // `<db7>` … `</db7>`
            let after = after.replace("</db>", &format!("</db{}>", written.len()));
            text.push_str(&before);
            let line = text.lines().count() + usize::from(text.ends_with('\n'));
            text.push_str(&raw);
            text.push_str(&after);
            written.push(Written { value, raw, line });
        }
        text.push_str(notation.frame.1);
        bench.place.write(notation.path, &text);
        files.insert(notation.path, (text, written));
    }
    bench.commit();

    let report = bench.place.report(["--worktree", "--show-secrets"]);
    let mut found: BTreeMap<(String, usize), BTreeSet<String>> = BTreeMap::new();
    for finding in report["findings"].as_array().expect("findings") {
        for place in finding["occurrences"].as_array().expect("places") {
            let at = (place["path"].as_str().expect("a path").to_owned(), place["line"].as_u64().expect("a line") as usize);
            found.entry(at).or_default().insert(finding["secret"]["value"].as_str().expect("shown").to_owned());
        }
    }
    let (mut all, mut missed, mut wrong) = (0, Vec::new(), Vec::new());
    for (path, (_, written)) in &files {
        for one in written {
            all += 1;
            match found.get(&((*path).to_owned(), one.line)) {
                None => missed.push(format!("{path}:{} {}", one.line, one.raw)),
                Some(values) if values.len() == 1 && values.contains(&one.raw) => {}
                Some(values) => wrong.push(format!("{path}:{} {} is found as {values:?}", one.line, one.raw)),
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {all} spans are not exact:\n{}", wrong.len(), wrong.join("\n"));
    assert!(missed.len() * 100 <= all, "{} of {all} are missed:\n{}", missed.len(), missed.join("\n"));

    let run = bench.migrate(["--yes", "--include-review", "--no-history"]);
    assert!([0, 1].contains(&run.code), "{}{}", run.stdout, run.stderr);
    let mut stored = BTreeSet::new();
    let tree = bench.tree();
    for path in tree.iter().filter(|(_, (bytes, _))| is_encrypted(bytes)).map(|(path, _)| path) {
        texts(&serde_json::from_str(&bench.decrypt_as_json(path)).expect("JSON"), &mut stored);
    }
    let mut left = Vec::new();
    for notation in &NOTATIONS {
        let (before, written) = &files[notation.path];
        let after = fs::read_to_string(bench.place.join(notation.path)).expect("reads");
        for one in written {
            match (stored.contains(&one.value), after.contains(&one.raw)) {
                (true, false) => {}
                (_, true) => left.push(format!("{}:{} {}", notation.path, one.line, one.raw)),
                (false, false) => panic!("{}:{} {} is lost: {after}", notation.path, one.line, one.raw),
            }
        }
        if notation.renders {
            let rendered = bench.sopup(["render", notation.path]);
            assert_eq!((rendered.code, &rendered.stdout), (0, before), "{}: {}", notation.path, rendered.stderr);
        }
    }
    assert!(left.len() * 100 <= all * 2, "{} of {all} stay:\n{}\n{}", left.len(), left.join("\n"), run.stdout);
}

/// All texts of a JSON value.
fn texts(json: &serde_json::Value, found: &mut BTreeSet<String>) {
    match json {
        serde_json::Value::String(text) => _ = found.insert(text.clone()),
        serde_json::Value::Array(items) => items.iter().for_each(|item| texts(item, found)),
        serde_json::Value::Object(fields) => fields.values().for_each(|field| texts(field, found)),
        _ => {}
    }
}
