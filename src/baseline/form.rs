//! How the baseline is written: JSON, an entry a line, in order of id. Git merges lines, so that what two branches add stays
//! whole with `merge=union`; the same value twice is one entry.

use jiff::civil::Date;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::entry::{Baseline, Entry, Verdict};
use crate::finding::Fingerprint;
use crate::text::is_unsafe;

/// The largest baseline that is read, in bytes.
pub const LARGEST: u64 = 64 << 20;

const ABOUT: &str = "\
# Secrets that were there before, which `sopup scan` does not report: keyed fingerprints, no values. `sopup baseline` writes
# this file, an entry a line; comments are not kept.
";

/// Why a text is no baseline.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("line {line}: {message}")]
pub struct FormError {
    /// From 1.
    pub line: usize,
    /// What is wrong there.
    pub message: String,
}

/// The first line.
#[derive(Deserialize)]
struct HeadV1 {
    version: u64,
    made_with: String,
}

#[derive(Deserialize)]
struct EntryV1 {
    id: String,
    rule: String,
    place: String,
    verdict: Option<String>,
    reason: Option<String>,
    by: String,
    date: String,
    expires: Option<String>,
    #[serde(flatten)]
    unknown: Map<String, Value>,
}

/// Reads a baseline.
///
/// # Errors
/// [`FormError`].
pub fn parse(bytes: &[u8]) -> Result<Baseline, FormError> {
    let mut found: Option<Baseline> = None;
    let mut entries = Vec::new();
    for (number, line) in (1..).zip(bytes.split(|byte| *byte == b'\n')) {
        let wrong = |message: String| FormError { line: number, message };
        let line = line.trim_ascii();
        if line.is_empty() || line.starts_with(b"#") {
            continue;
        }
        if [&b"<<<<<<<"[..], b"=======", b">>>>>>>", b"|||||||"].iter().any(|mark| line.starts_with(mark)) {
            return Err(wrong("the mark of a merge conflict; keep the lines of both sides and delete the marks".to_owned()));
        }
        if let Ok(head) = serde_json::from_slice::<HeadV1>(line) {
            let key = head_key(&head).map_err(wrong)?;
            if found.as_ref().is_some_and(|baseline| baseline.key != key) {
                let message = "two baselines of different keys; keep the lines of one and run `sopup baseline update`";
                return Err(wrong(message.to_owned()));
            }
            found.get_or_insert_with(|| Baseline::with_mark(key));
            continue;
        }
        let written: EntryV1 = serde_json::from_slice(line).map_err(|error| wrong(format!("not an entry: {error}")))?;
        entries.push(entry(written).map_err(wrong)?);
    }
    let mut baseline = found.ok_or(FormError { line: 1, message: "the line with `version` and `made_with` is missing".to_owned() })?;
    entries.into_iter().for_each(|entry| baseline.add(entry));
    Ok(baseline)
}

fn head_key(head: &HeadV1) -> Result<Fingerprint, String> {
    if head.version != 1 {
        return Err(format!("its version is {}, and this sopup knows version 1", head.version));
    }
    Fingerprint::parse(&head.made_with).ok_or_else(|| "`made_with` is no fingerprint: 24 digits in hexadecimal".to_owned())
}

fn entry(written: EntryV1) -> Result<Entry, String> {
    let date = |text: &str| text.parse::<Date>().map_err(|_| format!("`{}` is no date; write it as 2027-01-31", text.escape_debug()));
    let verdict = |word: &String| Verdict::parse(word).ok_or_else(|| format!("`{}` is no verdict", word.escape_debug()));
    Ok(Entry {
        id: Fingerprint::parse(&written.id).ok_or("`id` is no fingerprint: 24 digits in hexadecimal")?,
        verdict: written.verdict.as_ref().map(verdict).transpose()?,
        date: date(&written.date)?,
        expires: written.expires.as_deref().map(date).transpose()?,
        rule: written.rule,
        place: written.place,
        reason: written.reason,
        by: written.by,
        unknown: written.unknown,
    })
}

/// Writes a baseline.
#[must_use]
pub fn print(baseline: &Baseline) -> String {
    let mut out = format!("{ABOUT}{{\"version\":1,\"made_with\":\"{}\"}}\n", baseline.key);
    for entry in baseline.entries() {
        out.push_str(&json(&Value::Object(fields(entry))));
        out.push('\n');
    }
    out
}

/// What says nothing is left out.
fn fields(entry: &Entry) -> Map<String, Value> {
    let all = [
        ("id", Some(entry.id.to_string())),
        ("rule", Some(entry.rule.clone())),
        ("place", Some(entry.place.clone())),
        ("verdict", entry.verdict.map(|verdict| verdict.word().to_owned())),
        ("reason", entry.reason.clone()),
        ("by", Some(entry.by.clone())),
        ("date", Some(entry.date.to_string())),
        ("expires", entry.expires.map(|day| day.to_string())),
    ];
    let known = all.into_iter().filter_map(|(name, value)| Some((name.to_owned(), Value::from(value?))));
    known.chain(entry.unknown.clone()).collect()
}

/// JSON with the characters escaped that a terminal or an eye would take for something else.
fn json(value: &Value) -> String {
    let mut out = String::new();
    for character in value.to_string().chars() {
        if is_unsafe(character) {
            let mut units = [0; 2];
            character.encode_utf16(&mut units).iter().for_each(|unit| out.push_str(&format!("\\u{unit:04x}")));
        } else {
            out.push(character);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::FingerprintKey;

    fn entry_of(digit: char, day: i8) -> Entry {
        let id = Fingerprint::parse(&digit.to_string().repeat(24)).expect("is one");
        Entry::new(id, "generic-password", "a b/\u{202e}c\u{e0041}.yaml:3".to_owned(), "A <a@corp.net>", jiff::civil::date(2026, 1, day))
    }

    fn baseline(entries: impl IntoIterator<Item = Entry>) -> Baseline {
        let mut baseline = Baseline::new(&FingerprintKey::new(vec![7; 32]).expect("long enough"));
        entries.into_iter().for_each(|entry| baseline.add(entry));
        baseline
    }

    #[test]
    fn what_is_printed_is_read_again() {
        let full = Entry {
            verdict: Some(Verdict::FalseAlarm),
            reason: Some("it's \"an\" example\n#".to_owned()),
            expires: Some(jiff::civil::date(2027, 1, 31)),
            unknown: Map::from_iter([("later".to_owned(), Value::from(vec![1]))]),
            ..entry_of('b', 2)
        };
        let text = print(&baseline([full.clone(), entry_of('a', 1)]));
        assert_eq!(text.lines().count(), 5, "{text}");
        assert!(!text.chars().any(|character| character != '\n' && is_unsafe(character)), "{text}");
        let read = parse(text.as_bytes()).expect("a baseline");
        assert_eq!(read.get(&full.id), Some(&full));
        assert_eq!(print(&read), text);
        // As an editor for Windows leaves it, with a line out of place, and with all lines twice.
        let mut lines: Vec<&str> = text.lines().chain(text.lines()).collect();
        lines.reverse();
        assert_eq!(print(&parse(lines.join("\r\n").as_bytes()).expect("a baseline")), text);
    }

    #[test]
    fn of_two_entries_the_later_then_the_stricter_counts() {
        let expires = |entry: Entry, day| Entry { expires: Some(jiff::civil::date(2027, 1, day)), ..entry };
        let read = |entries: [Entry; 2]| {
            let id = entries[0].id.clone();
            let [first, second] = entries;
            let one = baseline([first.clone(), second.clone()]).get(&id).cloned();
            assert_eq!(one, baseline([second, first]).get(&id).cloned(), "the order does not matter");
            one.expect("it is there")
        };
        assert_eq!(read([entry_of('a', 1), expires(entry_of('a', 2), 9)]).date.day(), 2);
        assert_eq!(read([expires(entry_of('a', 1), 9), expires(entry_of('a', 1), 8)]).expires.map(|day| day.day()), Some(8));
        assert_eq!(read([entry_of('a', 1), expires(entry_of('a', 1), 9)]).expires.map(|day| day.day()), Some(9));
        let said = |verdict| Entry { verdict: Some(verdict), ..entry_of('a', 1) };
        assert_eq!(read([said(Verdict::FalseAlarm), said(Verdict::Real)]).verdict, Some(Verdict::Real));
    }

    #[test]
    fn what_is_wrong_is_named_by_its_line() {
        let good = print(&baseline([entry_of('a', 1)]));
        let error = |text: String| parse(text.as_bytes()).expect_err("is none");
        assert_eq!(error(String::new()).line, 1);
        assert_eq!(error(good.replace("\"version\":1", "\"version\":2")).message, "its version is 2, and this sopup knows version 1");
        assert_eq!(error(format!("{good}nonsense\n")).line, 5);
        assert!(error(format!("{good}<<<<<<< HEAD\n")).message.contains("merge conflict"));
        assert!(error(good.replace("2026-01-01", "yesterday")).message.contains("is no date"));
        let other = print(&Baseline::new(&FingerprintKey::new(vec![8; 32]).expect("long enough")));
        assert!(error(format!("{good}{other}")).message.contains("different keys"));
    }
}
