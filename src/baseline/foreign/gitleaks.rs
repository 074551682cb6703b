//! gitleaks: JSON reports, and `.gitleaksignore`
//! (<https://github.com/gitleaks/gitleaks#gitleaksignore>).

use serde_json::Value;

use super::{ForeignError, Named, Place, Record, line, named, needed, text};

pub(super) fn report(values: &[Value]) -> Result<Vec<Record>, ForeignError> {
    (1..).zip(values).map(|(number, value)| record(number, value)).collect()
}

pub(super) fn record(number: usize, value: &Value) -> Result<Record, ForeignError> {
    let place = Place {
        path: needed(number, "File", text(value, "File"))?.to_owned(),
        line: needed(number, "StartLine", line(value, "StartLine"))?,
        commit: text(value, "Commit").map(str::to_owned),
    };
    let rule = needed(number, "RuleID", text(value, "RuleID"))?.to_owned();
    Ok(Record { number, rule, place: Some(place), value: named(text(value, "Secret")), verdict: None })
}

/// Whether every line is a fingerprint or says nothing.
pub(super) fn is_ignore_list(text: &str) -> bool {
    let mut lines = fingerprints(text).peekable();
    lines.peek().is_some() && lines.all(|(_, line)| fingerprint(line).is_some())
}

pub(super) fn ignore_list(text: &str) -> Result<Vec<Record>, ForeignError> {
    let record = |(number, written)| {
        let (place, rule) = fingerprint(written).ok_or_else(|| {
            let message = "no fingerprint of gitleaks: [COMMIT:]FILE:RULE:LINE".to_owned();
            ForeignError::Syntax { line: number, message }
        })?;
        Ok(Record { number, rule, place: Some(place), value: Named::Nothing, verdict: None })
    };
    fingerprints(text).map(record).collect()
}

/// Lines that say something, with their numbers.
fn fingerprints(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = (1..).zip(text.trim_start_matches('\u{feff}').lines());
    lines.map(|(number, line)| (number, line.trim())).filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
}

fn fingerprint(written: &str) -> Option<(Place, String)> {
    let (rest, number) = written.rsplit_once(':')?;
    let (rest, rule) = rest.rsplit_once(':')?;
    let is_commit = |text: &str| matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let (commit, path) = match rest.split_once(':') {
        Some((commit, path)) if is_commit(commit) => (Some(commit.to_ascii_lowercase()), path),
        _ => (None, rest),
    };
    let line = number.parse().ok().filter(|line| *line > 0)?;
    let is_rule = !rule.is_empty() && !rule.contains(['/', ' ']);
    (is_rule && !path.is_empty()).then(|| (Place { path: path.to_owned(), line, commit }, rule.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprints_are_taken_apart() {
        let commit = "0123456789abcdef0123456789abcdef01234567";
        let read = ignore_list(&format!("# old\n\n{commit}:a b/c:d.py:github-pat:12\nc.py:generic-api-key:3 \n")).expect("a list");
        let place = |path: &str, line, commit: Option<&str>| Some(Place { path: path.to_owned(), line, commit: commit.map(str::to_owned) });
        assert_eq!((read[0].number, &read[0].place), (3, &place("a b/c:d.py", 12, Some(commit))));
        assert_eq!((read[1].rule.as_str(), &read[1].place), ("generic-api-key", &place("c.py", 3, None)));
        for wrong in ["c.py:3", "c.py:rule:0", "c.py:rule:x", ":rule:1", "nonsense"] {
            assert!(ignore_list(wrong).is_err(), "{wrong}");
        }
    }
}
