//! False alarms: an entry for the allowlist of `.sopup.yaml`, put into its text without touching the rest.

use std::collections::HashMap;

use jiff::civil::Date;
use zeroize::Zeroizing;

use super::change::Change;
use super::listed::{has_key, with_items, with_lines};
use super::plan::{Decision, Place, Plan, Step};
use super::repo::Repo;
use crate::finding::Fingerprint;

/// The file of the allowlist.
const CONFIG: &str = ".sopup.yaml";

/// The key of the fingerprints that name values in the allowlist. An entry is for one value alone: a
/// place would stand for all that may ever be written there.
#[derive(Clone, Copy)]
pub(super) enum Key<'a> {
    /// The one that everybody has already.
    Shared,
    /// One that was made for this, and the fingerprints that it gives for those of the plan.
    Made {
        /// As `fingerprint_key` has it.
        text: &'a str,
        /// What each fingerprint of the plan is with it.
        renamed: &'a HashMap<Fingerprint, Fingerprint>,
    },
}

/// The change that adds the false alarms of a plan to the allowlist.
///
/// # Errors
/// If the allowlist is written in a way that cannot be extended.
pub(super) fn change(plan: &Plan, repo: &Repo, key: Key<'_>) -> Result<Option<Change>, NotAList> {
    let before = repo.read(CONFIG);
    let text = before.as_ref().map(|bytes| String::from_utf8(bytes.clone()).map_err(|_| NotAList)).transpose()?;
    let after = extended(text.as_deref(), plan, key)?;
    let change = |after: String| Change {
        path: CONFIG.to_owned(),
        before: before.map(Zeroizing::new),
        after: Zeroizing::new(after.into_bytes()),
        expected: None,
    };
    Ok(after.map(change))
}

/// The configuration with entries for the steps that are false alarms; `None` if there are none.
fn extended(text: Option<&str>, plan: &Plan, key: Key<'_>) -> Result<Option<String>, NotAList> {
    let entries: String = plan.steps.iter().filter_map(|step| entry(step, key)).collect();
    if entries.is_empty() {
        return Ok(None);
    }
    let made = match key {
        Key::Shared => None,
        Key::Made { text, .. } => Some(text),
    };
    allowed(text.unwrap_or_default(), &entries, made).map(Some)
}

/// A configuration with entries in its allowlist, and with a key of fingerprints if one was made.
///
/// # Errors
/// If the allowlist is written in a way that cannot be extended.
pub fn allowed(text: &str, entries: &str, made: Option<&str>) -> Result<String, NotAList> {
    let key = made.map(|key| format!("fingerprint_key: {key}\n")).unwrap_or_default();
    if has_key(text, &["allow"]) {
        return Ok(with_lines(&with_items(text, &["allow"], entries).map_err(|_| NotAList)?, &key));
    }
    with_items(&with_lines(text, &key), &["allow"], entries).map_err(|_| NotAList)
}

/// The allowlist cannot be extended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("`allow` in {CONFIG} is not written as a list of lines; add to it by hand")]
pub struct NotAList;

fn entry(step: &Step, key: Key<'_>) -> Option<String> {
    let Decision::Dismissed(reason) = &step.decision else { return None };
    let fingerprint = |place: &Place| match key {
        Key::Shared => Some(place.fingerprint.clone()),
        Key::Made { renamed, .. } => renamed.get(&place.fingerprint).cloned(),
    };
    let mut lines: Vec<String> = step.places.iter().filter_map(fingerprint).map(|value| entry_of(&value, reason, None)).collect();
    lines.dedup();
    Some(lines.concat())
}

/// The entry for one value.
#[must_use]
pub fn entry_of(value: &Fingerprint, reason: &str, last_day: Option<Date>) -> String {
    let expires = last_day.map(|day| format!("  expires: {day}\n")).unwrap_or_default();
    format!("- fingerprints: [{value}]\n  reason: {}\n{expires}", quoted(reason))
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace(['\n', '\r'], " ").replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::migrate::plan::Applicability;
    use crate::text::Span;

    fn plan() -> Plan {
        let place = |line| Place {
            span: Span::new(0, 1),
            line,
            fingerprint: Fingerprint::parse("87220f898bfac32926c60db5").expect("is one"),
            redacted: String::new(),
            rule: "generic-password",
            severity: crate::rule::Severity::High,
            confidence: crate::rule::Confidence::High,
        };
        let step = Step {
            file: "docs/it's [1].md".to_owned(),
            places: vec![place(1), place(2)],
            rewriter: "markdown",
            applicability: Applicability::Safe,
            doubts: Vec::new(),
            reason: String::new(),
            actions: Vec::new(),
            entries: Vec::new(),
            decision: Decision::Dismissed("a demo, nobody's".to_owned()),
        };
        Plan { steps: vec![step], ..Plan::default() }
    }

    #[test]
    fn entries_go_behind_those_that_are_there() {
        let by_value = "- fingerprints: [87220f898bfac32926c60db5]\n  reason: 'a demo, nobody''s'\n";
        let two = |text: &str| text.lines().map(|line| format!("  {line}\n")).collect::<String>();
        assert_eq!(extended(None, &plan(), Key::Shared).expect("fits"), Some(format!("allow:\n{}", two(by_value))));
        let old = "allow:\n- paths: [a]\n  reason: b\nrules: []\n";
        let new = format!("allow:\n- paths: [a]\n  reason: b\n{by_value}rules: []\n");
        assert_eq!(extended(Some(old), &plan(), Key::Shared).expect("fits"), Some(new));
        let new = format!("disable: [x]\nallow:\n{}", two(by_value));
        assert_eq!(extended(Some("disable: [x]"), &plan(), Key::Shared).expect("fits"), Some(new));
        assert_eq!(extended(Some("allow: []\n"), &plan(), Key::Shared), Err(NotAList));
        assert_eq!(extended(Some("allow: []\n"), &Plan::default(), Key::Shared), Ok(None));
    }

    #[test]
    fn a_key_is_made_where_there_is_none() {
        let [old, new] = ["87220f898bfac32926c60db5", "112233445566778899aabbcc"].map(|text| Fingerprint::parse(text).expect("is one"));
        let renamed = HashMap::from([(old, new)]);
        let key = Key::Made { text: "a-key", renamed: &renamed };
        let entry = "- fingerprints: [112233445566778899aabbcc]\n  reason: 'a demo, nobody''s'\n";
        let two = entry.lines().map(|line| format!("  {line}\n")).collect::<String>();
        assert_eq!(extended(None, &plan(), key).expect("fits"), Some(format!("fingerprint_key: a-key\nallow:\n{two}")));
        let text = "allow:\n- paths: [a]\n  reason: b\nrules: []";
        let new = format!("allow:\n- paths: [a]\n  reason: b\n{entry}rules: []\nfingerprint_key: a-key\n");
        assert_eq!(extended(Some(text), &plan(), key).expect("fits"), Some(new));
    }
}
