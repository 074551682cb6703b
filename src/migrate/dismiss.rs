//! False alarms: an entry for the allowlist of `.sopup.yaml`, put into its text without touching the rest.

use zeroize::Zeroizing;

use super::change::Change;
use super::outline::{Outline, Part, Spelling};
use super::plan::{Decision, Plan, Step};
use super::repo::Repo;

/// The file of the allowlist.
const CONFIG: &str = ".sopup.yaml";

/// What tells a place in the allowlist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// Its fingerprint: everybody has the key.
    Fingerprint,
    /// Its file and rule: fingerprints differ from one user to the next.
    Place,
}

/// The change that adds the false alarms of a plan to the allowlist.
///
/// # Errors
/// If the allowlist is written in a way that cannot be extended.
pub fn change(plan: &Plan, repo: &Repo, by: By) -> Result<Option<Change>, NotAList> {
    let before = repo.read(CONFIG);
    let text = before.as_ref().map(|bytes| String::from_utf8(bytes.clone()).map_err(|_| NotAList)).transpose()?;
    let after = extended(text.as_deref(), plan, by)?;
    let change = |after: String| Change {
        path: CONFIG.to_owned(),
        before: before.map(Zeroizing::new),
        after: Zeroizing::new(after.into_bytes()),
        expected: None,
    };
    Ok(after.map(change))
}

/// The configuration with entries for the steps that are false alarms; `None` if there are none.
fn extended(text: Option<&str>, plan: &Plan, by: By) -> Result<Option<String>, NotAList> {
    let entries: String = plan.steps.iter().filter_map(|step| entry(step, by)).collect();
    if entries.is_empty() {
        return Ok(None);
    }
    let text = text.unwrap_or_default();
    let outline = Outline::new(text);
    let path = [Part::Key("allow".to_owned())];
    let end = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let missing = if text.is_empty() || text.ends_with('\n') { "" } else { end };
    let Some(list) = outline.at(0, &path) else {
        return Ok(Some(format!("{text}{missing}allow:{end}{}", indented(&entries, 2, end))));
    };
    if list.spelling != Spelling::None {
        return Err(NotAList);
    }
    let (at, column) = outline.children(0, &path).last().map_or((list.end, 2), |last| (last.end, last.column));
    let missing = if text[..at].ends_with('\n') { "" } else { end };
    Ok(Some(format!("{}{missing}{}{}", &text[..at], indented(&entries, column, end), &text[at..])))
}

/// The allowlist cannot be extended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("`allow` in {CONFIG} is not written as a list of lines; add the false alarms by hand")]
pub struct NotAList;

fn entry(step: &Step, by: By) -> Option<String> {
    let Decision::Dismissed(reason) = &step.decision else { return None };
    let reason = quoted(reason);
    let mut lines: Vec<String> = step
        .places
        .iter()
        .map(|place| match by {
            By::Fingerprint => format!("- fingerprints: [{}]\n  reason: {reason}\n", place.fingerprint),
            By::Place => {
                format!("- paths: [{}]\n  rules: [{}]\n  reason: {reason}\n", quoted(&globset::escape(&step.file)), place.rule)
            }
        })
        .collect();
    lines.dedup();
    Some(lines.concat())
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace(['\n', '\r'], " ").replace('\'', "''"))
}

fn indented(entries: &str, column: usize, end: &str) -> String {
    entries.lines().map(|line| format!("{:column$}{line}{end}", "")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Fingerprint;
    use crate::migrate::plan::{Applicability, Place};
    use crate::text::Span;

    fn plan() -> Plan {
        let place = |line| Place {
            span: Span::new(0, 1),
            line,
            fingerprint: Fingerprint::parse("87220f898bfac32926c60db5").expect("is one"),
            redacted: String::new(),
            rule: "generic-password",
        };
        let step = Step {
            file: "docs/it's [1].md".to_owned(),
            places: vec![place(1), place(2)],
            rewriter: "markdown",
            applicability: Applicability::Safe,
            reason: String::new(),
            actions: Vec::new(),
            entries: Vec::new(),
            decision: Decision::Dismissed("a demo, nobody's".to_owned()),
        };
        Plan { steps: vec![step], ..Plan::default() }
    }

    #[test]
    fn entries_go_behind_those_that_are_there() {
        let by_place = "- paths: ['docs/it''s [[]1[]].md']\n  rules: [generic-password]\n  reason: 'a demo, nobody''s'\n";
        let by_value = "- fingerprints: [87220f898bfac32926c60db5]\n  reason: 'a demo, nobody''s'\n";
        let two = |text: &str| text.lines().map(|line| format!("  {line}\n")).collect::<String>();
        assert_eq!(extended(None, &plan(), By::Place).expect("fits"), Some(format!("allow:\n{}", two(by_place))));
        let old = "allow:\n- paths: [a]\n  reason: b\nrules: []\n";
        let new = format!("allow:\n- paths: [a]\n  reason: b\n{by_value}rules: []\n");
        assert_eq!(extended(Some(old), &plan(), By::Fingerprint).expect("fits"), Some(new));
        let new = format!("disable: [x]\nallow:\n{}", two(by_value));
        assert_eq!(extended(Some("disable: [x]"), &plan(), By::Fingerprint).expect("fits"), Some(new));
        assert_eq!(extended(Some("allow: []\n"), &plan(), By::Place), Err(NotAList));
        assert_eq!(extended(Some("allow: []\n"), &Plan::default(), By::Place), Ok(None));
    }
}
