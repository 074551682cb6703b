//! How the ledger is written: YAML, an entry a line, a blank line between two. Git merges lines, so that what two branches
//! add stays whole, with `merge=union` too. The same id twice is one entry.

use jiff::civil::Date;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::entry::{Entry, Ledger, LogEntry, Seen, State, StorePlace};
use crate::finding::Fingerprint;
use crate::sops::path::TreePath;
use crate::text::{SETTINGS, check_nesting, is_unsafe};

/// The largest ledger that is read, in bytes.
pub const LARGEST: u64 = 16 << 20;

const HEAD: &str = "\
# Credentials that leaked, and how far each is on its way to be replaced. It holds no secret: an id is a keyed
# fingerprint. `sopup rotate` writes it, an entry a line; comments are not kept.
version: 1
";

/// Why a text is no ledger.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("line {line}: {message}")]
pub struct FormError {
    /// From 1.
    pub line: usize,
    /// What is wrong there.
    pub message: String,
}

/// Reads a ledger.
///
/// # Errors
/// [`FormError`].
pub fn parse(bytes: &[u8]) -> Result<Ledger, FormError> {
    let wrong = |line, message: String| FormError { line, message };
    if bytes.len() as u64 > LARGEST {
        return Err(wrong(1, format!("a ledger has at most {LARGEST} bytes")));
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let line = 1 + memchr::memchr_iter(b'\n', &bytes[..error.valid_up_to()]).count();
        wrong(line, "not UTF-8".to_owned())
    })?;
    check_nesting(text, SETTINGS).map_err(|(line, message)| wrong(line, message))?;
    let read: serde_yaml::Value = serde_yaml::from_str(text).map_err(|error| {
        let message = error.to_string();
        // Of a key that is there twice, the place told is that of the mapping.
        let key = message.split('"').nth(1).filter(|_| message.contains("duplicate"));
        let twice = key.and_then(|key| text.lines().collect::<Vec<_>>().iter().rposition(|line| line.contains(key)));
        let line = twice.map(|at| at + 1).or(error.location().map(|location| location.line()));
        wrong(line.unwrap_or(1), format!("not valid YAML: {message}"))
    })?;
    // Values are kept as JSON has them, which has no other keys than texts.
    let Ok(Value::Object(mut fields)) = serde_json::to_value(&read) else {
        return Err(wrong(1, "a ledger is a mapping with `version` and `entries`".to_owned()));
    };
    match take::<u64>(&mut fields, "version").map_err(|message| wrong(1, message))? {
        Some(1) => {}
        Some(version) => return Err(wrong(1, format!("its version is {version}, and this sopup knows version 1"))),
        None => return Err(wrong(1, "`version` is missing".to_owned())),
    }
    let entries: Vec<Map<String, Value>> =
        take(&mut fields, "entries").map_err(|message| wrong(line_of(text, "entries:"), message))?.unwrap_or_default();
    let mut ledger = Ledger::default();
    ledger.unknown = fields;
    for (number, mut fields) in (1..).zip(entries) {
        let id = fields.get("id").and_then(Value::as_str).map(str::to_owned);
        let line = id.as_deref().map_or(1, |id| line_of(text, id));
        ledger.add(entry(&mut fields).map_err(|message| wrong(line, format!("entry {number}: {message}")))?);
    }
    Ok(ledger)
}

/// The first line that has a text.
fn line_of(text: &str, part: &str) -> usize {
    1 + text.lines().position(|line| line.contains(part)).unwrap_or(0)
}

fn entry(fields: &mut Map<String, Value>) -> Result<Entry, String> {
    let id: String = needed(fields, "id")?;
    let id = Fingerprint::parse(&id).ok_or("`id` is no fingerprint: 24 digits in hexadecimal")?;
    let (rule, kind): (String, String) = (needed(fields, "rule")?, needed(fields, "kind")?);
    let places: Vec<String> = take(fields, "places")?.unwrap_or_default();
    let place_count = take(fields, "place_count")?.unwrap_or(places.len());
    let state = state(fields)?;
    let owner = take(fields, "owner")?;
    let stores = list(fields, "stores", store)?;
    let log = list(fields, "log", log)?;
    let (first, last) = (seen(fields, "first")?, seen(fields, "last")?);
    Ok(Entry {
        state,
        owner,
        places,
        place_count,
        stores,
        first,
        last,
        log,
        unknown: std::mem::take(fields),
        ..Entry::new(id, &rule, &kind)
    })
}

fn list<T>(fields: &mut Map<String, Value>, name: &str, of: fn(&mut Map<String, Value>) -> Result<T, String>) -> Result<Vec<T>, String> {
    let items: Vec<Map<String, Value>> = take(fields, name)?.unwrap_or_default();
    items.into_iter().map(|mut item| of(&mut item).map_err(|message| format!("`{name}`: {message}"))).collect()
}

fn state(fields: &mut Map<String, Value>) -> Result<State, String> {
    let word: String = needed(fields, "state")?;
    let words = || State::ALL.map(State::word).join(", ");
    State::parse(&word).ok_or_else(|| format!("`{}` is no state; there are {}", word.escape_debug(), words()))
}

fn store(fields: &mut Map<String, Value>) -> Result<StorePlace, String> {
    let file: String = needed(fields, "file")?;
    if !is_inside(&file) {
        return Err(format!("`{}` is no path inside of the working tree", file.escape_debug()));
    }
    let key: Option<String> = take(fields, "key")?;
    let key = key.map(|key| TreePath::parse(&key)).transpose().map_err(|error| error.to_string())?;
    let held: Option<String> = take(fields, "held")?;
    let held = held.map(|held| Fingerprint::parse(&held).ok_or("`held` is no fingerprint")).transpose()?;
    Ok(StorePlace { file, key, held })
}

/// Whether a path stays in the working tree and out of the git directory, as it is written.
fn is_inside(path: &str) -> bool {
    let parts = || path.split(['/', '\\']);
    !path.is_empty() && !path.contains('\0') && parts().all(|part| !matches!(part, "" | "." | "..") && !part.eq_ignore_ascii_case(".git"))
}

fn log(fields: &mut Map<String, Value>) -> Result<LogEntry, String> {
    let (state, date) = (state(fields)?, date(fields)?);
    let (who, evidence) = (needed(fields, "who")?, take(fields, "evidence")?);
    Ok(LogEntry { state, date, who, evidence, unknown: std::mem::take(fields) })
}

fn seen(fields: &mut Map<String, Value>, name: &str) -> Result<Option<Seen>, String> {
    let Some(mut fields) = take::<Map<String, Value>>(fields, name)? else { return Ok(None) };
    Ok(Some(Seen { commit: needed(&mut fields, "commit")?, date: date(&mut fields)? }))
}

fn date(fields: &mut Map<String, Value>) -> Result<Date, String> {
    let text: String = needed(fields, "date")?;
    text.parse().map_err(|_| format!("`{}` is no date; write it as 2027-01-31", text.escape_debug()))
}

fn needed<T: DeserializeOwned>(fields: &mut Map<String, Value>, name: &str) -> Result<T, String> {
    take(fields, name)?.ok_or_else(|| format!("`{name}` is missing"))
}

fn take<T: DeserializeOwned>(fields: &mut Map<String, Value>, name: &str) -> Result<Option<T>, String> {
    match fields.shift_remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => serde_json::from_value(value).map(Some).map_err(|error| format!("`{name}`: {error}")),
    }
}

/// Writes a ledger.
pub fn print(ledger: &Ledger) -> String {
    let mut out = HEAD.to_owned();
    for (name, value) in &ledger.unknown {
        out.push_str(&format!("{}: {}\n", json(&Value::from(name.as_str())), json(value)));
    }
    if ledger.is_empty() {
        out.push_str("entries: []\n");
        return out;
    }
    out.push_str("entries:\n");
    for entry in ledger.entries() {
        let fields: Vec<String> = fields(entry).iter().map(|(name, value)| format!("{name}: {}", json(value))).collect();
        let unknown = entry.unknown.iter().map(|(name, value)| format!("{}: {}", json(&Value::from(name.as_str())), json(value)));
        let all: Vec<String> = fields.into_iter().chain(unknown).collect();
        out.push_str(&format!("\n- {{{}}}\n", all.join(", ")));
    }
    out
}

/// The fields of an entry as they are written; those that say nothing are left out.
pub fn fields(entry: &Entry) -> Vec<(&'static str, Value)> {
    let text = |text: &str| Value::from(text);
    let mut all = vec![("id", text(&entry.id.to_string())), ("rule", text(&entry.rule)), ("kind", text(&entry.kind))];
    all.push(("state", text(entry.state.word())));
    all.extend(entry.owner.as_deref().map(|owner| ("owner", text(owner))));
    all.push(("places", Value::from(entry.places.clone())));
    if entry.place_count > entry.places.len() {
        all.push(("place_count", Value::from(entry.place_count)));
    }
    if !entry.stores.is_empty() {
        all.push(("stores", entry.stores.iter().map(store_fields).collect()));
    }
    let seen = |seen: &Seen| object([("commit", Some(text(&seen.commit))), ("date", Some(text(&seen.date.to_string())))]);
    all.extend(entry.first.as_ref().map(|first| ("first", seen(first))));
    all.extend(entry.last.as_ref().map(|last| ("last", seen(last))));
    all.push(("log", entry.log.iter().map(log_fields).collect()));
    all
}

fn store_fields(store: &StorePlace) -> Value {
    let text = |text: String| Some(Value::from(text));
    let key = store.key.as_ref().and_then(|key| text(key.to_string()));
    object([("file", text(store.file.clone())), ("key", key), ("held", store.held.as_ref().and_then(|held| text(held.to_string())))])
}

fn log_fields(log: &LogEntry) -> Value {
    let text = |text: &str| Some(Value::from(text));
    let known = object([
        ("state", text(log.state.word())),
        ("date", text(&log.date.to_string())),
        ("who", text(&log.who)),
        ("evidence", log.evidence.as_deref().and_then(text)),
    ]);
    let Value::Object(mut known) = known else { return known };
    known.extend(log.unknown.clone());
    Value::Object(known)
}

fn object<const N: usize>(fields: [(&str, Option<Value>); N]) -> Value {
    fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect::<Map<_, _>>().into()
}

/// JSON that is YAML too, with the characters escaped that YAML, a terminal or an eye would take for something else.
fn json(value: &Value) -> String {
    let mut out = String::new();
    for character in value.to_string().chars() {
        match u32::from(character) {
            code if !is_unsafe(character) && !matches!(code, 0xfffe | 0xffff) => out.push(character),
            code @ ..=0xffff => out.push_str(&format!("\\u{code:04x}")),
            code => out.push_str(&format!("\\U{code:08x}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry_of(id: char, state: State) -> Entry {
        let id = Fingerprint::parse(&id.to_string().repeat(24)).expect("is one");
        let log = LogEntry::new(state, jiff::civil::date(2026, 1, 2), "A <a@corp.net>", Some("seen\u{2028}\u{85}: \"x\" # {y}".to_owned()));
        let mut entry = Entry::new(id, "generic-password", "password");
        entry.places = vec!["a b/c: d.yaml".to_owned(), "\u{202e}x\u{e0041}\u{ffff}".to_owned()];
        entry.place_count = 30;
        let key = TreePath::parse("[\"a\"][\"b.c\"][0]").expect("is one");
        entry.stores = vec![StorePlace { file: "secrets/a.yaml".to_owned(), key: Some(key), held: Some(entry.id.clone()) }];
        entry.first = Some(Seen { commit: "0".repeat(40), date: jiff::civil::date(2025, 3, 4) });
        entry.advance(log);
        entry
    }

    #[test]
    fn what_is_printed_is_read_again() {
        let mut ledger = Ledger::default();
        assert!(ledger.add(entry_of('1', State::Exposed)) && ledger.add(entry_of('a', State::Revoked)));
        let text = print(&ledger);
        let read = parse(text.as_bytes()).expect("a ledger");
        assert_eq!(print(&read), text);
        let one = read.entries().next().expect("an entry");
        assert_eq!((one.place_count, one.log[0].evidence.as_deref()), (30, Some("seen\u{2028}\u{85}: \"x\" # {y}")));
        assert!(!text.contains(['\u{2028}', '\u{85}', '\u{202e}']), "{text}");
        assert_eq!(print(&parse(print(&Ledger::default()).as_bytes()).expect("empty")), print(&Ledger::default()));
    }

    #[test]
    fn fields_of_other_versions_stay() {
        let text = "version: 1\nteam: {a: [1, 2.5]}\nentries:\n- id: '111111111111111111111111'\n  rule: x\n  kind: token\n  state: exposed\n  risk: 7\n  log:\n  - {state: exposed, date: 2026-01-02, who: A, ticket: OPS-1}\n";
        let printed = print(&parse(text.as_bytes()).expect("a ledger"));
        for part in ["\"team\": {\"a\":[1,2.5]}", "\"risk\": 7", "\"ticket\":\"OPS-1\""] {
            assert!(printed.contains(part), "{part}: {printed}");
        }
        assert_eq!(print(&parse(printed.as_bytes()).expect("a ledger")), printed);
    }

    #[test]
    fn the_same_id_twice_is_the_furthest_of_both() {
        let mut ledger = Ledger::default();
        ledger.add(entry_of('1', State::Rotated));
        let twice = format!("{}{}", print(&ledger), {
            let mut other = Ledger::default();
            other.add(entry_of('1', State::Exposed));
            print(&other).split_once("entries:\n").expect("entries").1.to_owned()
        });
        let read = parse(twice.as_bytes()).expect("a ledger");
        let entries: Vec<&Entry> = read.entries().collect();
        assert_eq!((entries.len(), entries[0].state, entries[0].log.len()), (1, State::Rotated, 2));
    }

    #[test]
    fn hostile_ledgers_are_refused_with_their_line() {
        let entry = |fields: &str| format!("version: 1\nentries:\n\n- {{id: '111111111111111111111111', rule: r, kind: k, {fields}}}\n");
        let store = |file: &str| entry(&format!("state: exposed, stores: [{{file: '{file}', key: '[\"a\"]'}}]"));
        let cases = [
            ("[]".to_owned(), 1, "mapping"),
            ("entries: []\n".to_owned(), 1, "`version` is missing"),
            ("version: 2\nentries: []\n".to_owned(), 1, "version is 2"),
            ("version: 1\nentries: 7\n".to_owned(), 2, "`entries`"),
            ("version: 1\nentries: []\nentries: []\n".to_owned(), 3, "duplicate"),
            (format!("version: 1\nentries: {}", "[".repeat(100_000)), 2, "nested"),
            (entry("state: gone"), 4, "no state"),
            (entry("state: exposed, log: [{state: exposed, date: soon, who: A}]"), 4, "no date"),
            (entry("state: exposed").replace("1111'", "1'"), 4, "no fingerprint"),
            (store("../x.yaml"), 4, "no path inside"),
            (store("/etc/x.yaml"), 4, "no path inside"),
            (store("a/.GIT/config"), 4, "no path inside"),
            (store("a.yaml").replace("[\"a\"]", "a"), 4, "not a path"),
        ];
        for (text, line, message) in cases {
            let error = parse(text.as_bytes()).expect_err(&text);
            assert_eq!(error.line, line, "{error}: {}", &text[..text.len().min(200)]);
            assert!(error.message.contains(message), "{message}: {error}");
        }
        assert_eq!(parse(b"version: 1\n\xff").expect_err("no text").line, 2);
    }
}
