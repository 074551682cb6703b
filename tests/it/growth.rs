//! Texts that were made to take long: one of twice the size must take no more than about twice the work. What stands far below
//! its header must be found all the same.
//!
//! Work is counted in bytes looked at, so that the outcome does not depend on the machine.

use sopup::detect::{Hints, detect};
use sopup::finding::{Base, InlineAllow, locate};
use sopup::rule::{Confidence, RuleSet, builtin};
use sopup::source::{Origin, SourceKind};
use sopup::text::{decode, work};

/// Smaller than any distance that could hide how work grows, in bytes.
const SIZE: usize = 16 << 10;

/// A name for the text and what its parts are, by their numbers.
type Shape = (&'static str, fn(usize) -> String);

const SHAPES: &[Shape] = &[
    ("list.yaml", |n| format!("- apiVersion: v1\n  kind: Secret\n  metadata:\n    name: app-{n}\n  data:\n    password: {}\n", BASE64)),
    ("sorted.yaml", |n| format!("- data:\n    user: YXBw\n  stringData:\n    password: {}\n  kind: Secret\n", password(n))),
    ("kinds.yaml", |_| "kind: Secret\nstringData:\n  a: b\n".into()),
    ("deeper.yaml", |n| format!("{}kind: Secret\n", " ".repeat(n % 90))),
    ("export.sh", |_| "export PASSWORD=".into()),
    ("line.json", |n| format!("\"p{n}_password\":\"{}\",", password(n))),
    ("array.json", |_| "\"source\": [\"password=".into()),
    ("attributes.xml", |n| format!("<add key=\"password\" value=\"{}\"/>", password(n))),
    ("netrc", |n| format!("machine x login y password {} ", password(n))),
    ("again.txt", |_| "password=k3Xp9vQm2Lr7TzA4 ".into()),
    ("accepted.txt", |n| format!("password={} sopup:allow ", password(n))),
    ("rows.html", |_| "<tr><th>password</th>\n".into()),
    ("row.html", |_| "<tr><th>password</th>".into()),
    ("cells.html", |_| "<td>password</td>".into()),
    ("columns.html", |n| format!("<tr>{}<th>password</th>\n", "<th>a</th>".repeat(n % 7))),
    ("insert.sql", |_| "INSERT INTO users (password) VALUES (\n".into()),
    ("quoted.sql", |_| "INSERT INTO users (password) VALUES ('".into()),
    ("columns.sql", |_| "INSERT INTO users (password, ".into()),
    ("headers.md", |_| "| user | password |\n|---|---|\n".into()),
    ("names.md", |n| format!("| password{n} | x |\n|---|---|\n")),
    ("logins.md", |_| "| host | login |\n|---|---|\n| db | admin / Walrus88Timber |\n".into()),
    ("accounts.md", |n| format!("| aws | account |\n|---|---|\n| dev | {} |\n", account(n))),
    ("grid.rst", |_| "+------+----------------+\n| Host | Password       |\n+======+================+\n".into()),
    ("list.rst", |_| "   .. list-table::\n\n   * - Service\n     - Password\n".into()),
    ("simple.rst", |_| "Service  Password\n=======  ==============\n".into()),
    ("tables.adoc", |_| "|===\n|Service |Password\n\n".into()),
    ("numbers.txt", |n| format!("arn:aws:iam::{}:role/x\n", account(n))),
    ("blocks.txt", |_| "-----BEGIN RSA PRIVATE KEY-----\n".into()),
    ("escapes.json", |_| format!("\\nghp_{}", password(0).repeat(3))),
    ("keywords.txt", |_| "AAAA".into()),
    ("urls.txt", |n| format!("postgres://app:{}@db ", password(n))),
];

/// An invented password in base64.
const BASE64: &str = "c2VjcmV0UDRzc3cwcmQx";

/// Fourteen letters and digits that differ from number to number and look generated.
fn password(number: usize) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnop23456789";
    let mut state = (number as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut letter = || {
        state ^= state >> 29;
        state = state.wrapping_mul(0xbf58_476d_1ce4_e5b9);
        char::from(LETTERS[(state >> 33) as usize % LETTERS.len()])
    };
    (0..14).map(|_| letter()).collect()
}

fn account(number: usize) -> String {
    format!("{:012}", 296_733_347_720 + number as u64 * 7_919)
}

fn text(shape: fn(usize) -> String, size: usize) -> String {
    let mut text = String::new();
    let mut number = 0;
    while text.len() < size {
        text.push_str(&shape(number));
        number += 1;
    }
    text
}

/// Bytes looked at to find and to place the secrets of a text.
fn effort(name: &str, text: &str, rules: &RuleSet) -> usize {
    let before = work::done();
    let hints = Hints::of_path(name).and_bytes(text.as_bytes());
    let matches = detect(text.as_bytes(), hints, rules);
    let origin = Origin { path: name.into(), source: SourceKind::Worktree };
    let decoded = decode(text.as_bytes());
    locate(text.as_bytes(), &decoded, matches, rules, &origin, Base::START, InlineAllow::Honoured);
    work::done() - before
}

#[test]
fn twice_the_text_takes_twice_the_work() {
    let rules = builtin();
    for (name, shape) in SHAPES {
        let once = effort(name, &text(*shape, SIZE), &rules);
        let twice = effort(name, &text(*shape, 2 * SIZE), &rules);
        assert!(once > 0, "{name}: nothing was looked at");
        assert!(twice * 10 <= once * 22, "{name}: {once} bytes were looked at, and {twice} in a text of twice the size");
    }
}

/// Likely secrets of a text that a path names.
fn found(path: &str, text: &str) -> Vec<String> {
    let rules = builtin();
    let matches = detect(text.as_bytes(), Hints::of_path(path), &rules);
    let likely = matches.iter().filter(|found| found.confidence >= Confidence::Medium);
    likely.map(|found| text[found.span.range()].to_owned()).collect()
}

#[test]
fn a_header_reaches_to_the_end_of_its_table() {
    let rows = |row: &str| row.repeat(1_500);
    let wide = format!("| {} | required |\n", "words ".repeat(400));
    for (path, text) in [
        ("a.md", format!("| user | password |\n|---|---|\n{}| admin | Walrus88Timber |\n", rows("| u | required |\n"))),
        ("a.md", format!("| user | password |\n|---|---|\n{wide}| admin | Walrus88Timber |\n")),
        (
            "a.html",
            format!(
                "<table><tr><th>user</th><th>password</th></tr>\n{}<tr><td>admin</td><td>Walrus88Timber</td></tr></table>",
                rows("<tr><td>somebody or other</td><td>required</td></tr>\n")
            ),
        ),
        (
            "a.sql",
            format!(
                "INSERT INTO users (name, password) VALUES\n{}('admin', 'Walrus88Timber');\n",
                rows("('somebody or other, and more of that', NULL),\n")
            ),
        ),
        (
            "a.rst",
            format!(
                "+------+----------------+\n| User | Password       |\n+======+================+\n{}| al   | Walrus88Timber |\n",
                rows("| u    | required       |\n")
            ),
        ),
        (
            "a.rst",
            format!(
                "====  ==============\nUser  Password\n====  ==============\n{}al    Walrus88Timber\n====  ==============\n",
                rows("u     required\n")
            ),
        ),
    ] {
        assert_eq!(found(path, &text), ["Walrus88Timber"], "{path}: {}", &text[..60]);
    }
}

#[test]
fn a_secret_reaches_to_the_end_of_its_manifest() {
    let certificate = "x".repeat(70_000);
    let notes = "    a line of a long note\n".repeat(4_000);
    for text in [
        format!("kind: Secret\nmetadata:\n  annotations:\n{notes}stringData:\n  opaque: pLk7QmX2vRt9Zc4W\n"),
        format!("stringData:\n  opaque: pLk7QmX2vRt9Zc4W\nmetadata:\n  annotations:\n{notes}kind: Secret\n"),
        format!("kind: Secret\nstringData:\n  note: {certificate}\n  opaque: pLk7QmX2vRt9Zc4W\n"),
    ] {
        assert_eq!(found("a.yaml", &text), ["pLk7QmX2vRt9Zc4W"], "{}", &text[..60]);
    }
    let other = "kind: Secret\nmetadata: {}\n---\nkind: ConfigMap\nstringData:\n  opaque: pLk7QmX2vRt9Zc4W\n";
    assert_eq!(found("a.yaml", other), [""; 0]);
}

#[test]
fn a_header_inside_a_table_loses_no_cell() {
    let header = "| User | Password |\n|---|---|\n";
    let pipes = format!("{header}| al | Walrus88Timber |\n{header}| bo | Onyx77Glacier |\n{header}| cy | Quartz55Lagoon |\n");
    let row = |value: &str| format!("<tr><th>Password</th></tr>\n<tr><td>{value}</td></tr>\n");
    let html = [row("Walrus88Timber"), row("Onyx77Glacier"), row("Quartz55Lagoon")].concat();
    for (path, text) in [("a.md", pipes), ("a.html", html)] {
        let found = found(path, &text);
        for value in ["Walrus88Timber", "Onyx77Glacier", "Quartz55Lagoon"] {
            assert_eq!(found.iter().filter(|found| *found == value).count(), 1, "{path}: {found:?}");
        }
    }
}
