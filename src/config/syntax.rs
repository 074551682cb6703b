//! `.sopup.yaml` as written, and what is wrong with how it is written: all of it at once.

use serde::Deserialize;
use serde_path_to_error::Segment;
use serde_yaml::Value;

use super::Problem;
use super::outline::{Outline, Step};
use crate::rule::{Confidence, RuleSyntax, Severity};
use crate::text::{SETTINGS, check_nesting};

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ConfigSyntax {
    pub(super) rules: Vec<RuleSyntax>,
    pub(super) disable: Vec<String>,
    pub(super) severity: Vec<SeveritySyntax>,
    pub(super) allow: Vec<AllowSyntax>,
    pub(super) min_confidence: Option<Confidence>,
    pub(super) fail_on: Option<Severity>,
    pub(super) fingerprint_key: Option<String>,
    pub(super) gitleaks_config: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SeveritySyntax {
    #[serde(default)]
    pub(super) rules: Vec<String>,
    #[serde(default)]
    pub(super) paths: Vec<String>,
    pub(super) severity: Severity,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct AllowSyntax {
    pub(super) paths: Vec<String>,
    pub(super) rules: Vec<String>,
    pub(super) fingerprints: Vec<String>,
    pub(super) value: Option<String>,
    pub(super) reason: String,
    pub(super) expires: Option<String>,
}

/// Reads a text; what cannot be read is left out, and named.
pub(super) fn read(text: &str) -> (ConfigSyntax, Outline, Vec<Problem>) {
    let nothing = |line, message| (ConfigSyntax::default(), Outline::of(""), vec![Problem { line, message }]);
    if let Err((line, message)) = check_nesting(text, SETTINGS) {
        return nothing(line, message);
    }
    let outline = Outline::of(text);
    let error = match serde_yaml::from_str::<Option<ConfigSyntax>>(text) {
        Ok(written) => return (written.unwrap_or_default(), outline, Vec::new()),
        Err(error) => error,
    };
    let line = error.location().map_or(1, |location| location.line());
    match serde_yaml::from_str(text) {
        Ok(value) => {
            let (written, outline, mut problems) = read_parts(value, outline);
            if problems.is_empty() {
                problems.push(Problem { line, message: error.to_string() });
            }
            (written, outline, problems)
        }
        Err(_) => nothing(line, error.to_string()),
    }
}

/// Takes out what cannot be read, one after the other, until the rest can.
fn read_parts(mut value: Value, mut outline: Outline) -> (ConfigSyntax, Outline, Vec<Problem>) {
    let mut problems = Vec::new();
    loop {
        let error = match serde_path_to_error::deserialize::<_, ConfigSyntax>(value.clone()) {
            Ok(written) => return (written, outline, problems),
            Err(error) => error,
        };
        let steps: Vec<Step> = error.path().iter().filter_map(step).collect();
        match part(&mut value, &steps) {
            // A number or a truth value is a text where one belongs.
            Some(Value::Number(number)) => *part(&mut value, &steps).expect("it is there") = Value::String(number.to_string()),
            Some(Value::Bool(truth)) => *part(&mut value, &steps).expect("it is there") = Value::String(truth.to_string()),
            found => {
                // What is empty is as what is not there.
                if !matches!(found, Some(Value::Null)) {
                    problems.push(Problem { line: outline.line_of(&steps), message: with_proposal(&error.into_inner().to_string()) });
                }
                outline.remove(&steps);
                if !remove(&mut value, &steps) {
                    return (ConfigSyntax::default(), outline, problems);
                }
            }
        }
    }
}

fn step(segment: &Segment) -> Option<Step> {
    match segment {
        Segment::Map { key } => Some(Step::Key(key.clone())),
        Segment::Seq { index } => Some(Step::Item(*index)),
        Segment::Enum { .. } | Segment::Unknown => None,
    }
}

fn part<'v>(value: &'v mut Value, steps: &[Step]) -> Option<&'v mut Value> {
    steps.iter().try_fold(value, |value, step| match step {
        Step::Key(key) => value.get_mut(key.as_str()),
        Step::Item(at) => value.get_mut(*at),
    })
}

/// Whether there was something to take out.
fn remove(value: &mut Value, steps: &[Step]) -> bool {
    let Some((last, before)) = steps.split_last() else { return false };
    match (part(value, before), last) {
        (Some(Value::Mapping(map)), Step::Key(key)) => map.remove(key.as_str()).is_some(),
        (Some(Value::Sequence(items)), Step::Item(at)) if *at < items.len() => {
            items.remove(*at);
            true
        }
        _ => false,
    }
}

/// What serde says of an unknown name, with the known one that is most like it. Texts, which may be secrets, are not quoted.
fn with_proposal(message: &str) -> String {
    if let Some((what, rest)) = message.split_once(": string \"").zip(message.rsplit_once("\", expected ")).map(|(a, b)| (a.0, b.1)) {
        return format!("{what}: a text, expected {rest}");
    }
    let mut names = message.split('`').skip(1).step_by(2);
    let unknown = names.next().filter(|_| message.starts_with("unknown "));
    let known: Vec<&str> = names.collect();
    let near = unknown.and_then(|unknown| similar::get_close_matches(unknown, &known, 1, 0.6).first().copied());
    near.map_or_else(|| message.to_owned(), |near| format!("{message}; did you mean `{near}`?"))
}
