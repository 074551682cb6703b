//! The plan as a file that people read and change: no secret in it, bound to the content of the files by keyed hashes.
//! What they decide is read back as [`Decisions`]; everything else must be as sopup would plan it now.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::file::{SourceFile, SourceFiles};
use super::plan::{Action, Decision, Entry, Piece, Plan, Readers, Step, Store};
use super::wish::{Wish, WishError, Wishes};
use crate::finding::FingerprintKey;
use crate::secret::Secret;
use crate::text::{SETTINGS, check_nesting};

const SCHEMA: &str = "sopup.plan/v1";

const HEAD: &str = "\
# A plan of sopup. It holds no secret. To change it: set `apply` of a step to `true` or `false`, or give it a
# `false_alarm: REASON`; give secrets another `store` and `key`. Then `sopup migrate --apply THIS-FILE`. It is refused
# if a file has changed since.
";

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PlanV1 {
    schema: String,
    /// Keyed hashes of the files as they were.
    files: BTreeMap<String, String>,
    #[serde(default)]
    secrets: Vec<SecretV1>,
    steps: Vec<StepV1>,
    #[serde(default)]
    notes: Vec<String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StepV1 {
    file: String,
    places: Vec<PlaceV1>,
    rewriter: String,
    applicability: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    reason: String,
    /// `null`: by its applicability.
    apply: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    false_alarm: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    entries: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    edits: Vec<EditV1>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PlaceV1 {
    line: usize,
    bytes: [usize; 2],
    secret: String,
    fingerprint: String,
    rule: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EditV1 {
    file: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bytes: Option<[usize; 2]>,
    what: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    text: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SecretV1 {
    fingerprint: String,
    secret: String,
    store: String,
    key: String,
}

/// A plan as it was read.
#[derive(Debug)]
pub struct Decisions(PlanV1);

/// Why a plan file cannot be applied.
#[derive(Debug, thiserror::Error)]
pub enum PlanFileError {
    /// It is not what a plan looks like.
    #[error("not a plan of this version of sopup: {0}")]
    Syntax(String),
    /// Files are not as they were.
    #[error("changed since the plan was made: {}", .0.join(", "))]
    Moved(Vec<String>),
    /// A step of the file is none that sopup would plan now.
    #[error("{file}:{line}: sopup would plan this place differently now")]
    Differs {
        /// The file.
        file: String,
        /// The line.
        line: usize,
    },
    /// A secret has another name or store than it can have.
    #[error(transparent)]
    Wish(#[from] WishError),
    /// A secret cannot have another name.
    #[error("{store} {key}: a program reads it by this name, so it cannot have another")]
    Named {
        /// Where it goes.
        store: String,
        /// Its name.
        key: String,
    },
}

/// Writes a plan, with further notes.
pub(super) fn write(plan: &Plan, notes: Vec<String>, files: &SourceFiles, key: &FingerprintKey) -> String {
    let written = PlanV1 {
        schema: SCHEMA.to_owned(),
        files: files.iter().map(|(path, file)| (path.clone(), mark(file, key))).collect(),
        secrets: secrets(plan, key),
        steps: plan.steps.iter().map(|step| step_v1(plan, step)).collect(),
        notes: [plan.notes.clone(), notes].concat(),
    };
    format!("{HEAD}{}", serde_yaml::to_string(&written).unwrap_or_default())
}

fn secrets(plan: &Plan, key: &FingerprintKey) -> Vec<SecretV1> {
    let entries = plan.stores.iter().flat_map(|store| store.entries.iter().map(move |entry| (store, entry)));
    let secret = |(store, entry): (&Store, &Entry)| SecretV1 {
        fingerprint: key.fingerprint(&entry.value).to_string(),
        secret: entry.value.redacted(),
        store: store.path.clone(),
        key: entry.path.join("."),
    };
    entries.map(secret).collect()
}

/// A keyed hash: the content may be little more than a password.
fn mark(file: &SourceFile, key: &FingerprintKey) -> String {
    let mut text = b"sopup plan file\0".to_vec();
    text.extend_from_slice(&file.bytes);
    key.fingerprint(&Secret::new(text)).to_string()
}

fn step_v1(plan: &Plan, step: &Step) -> StepV1 {
    let places = step.places.iter().map(|place| PlaceV1 {
        line: place.line,
        bytes: [place.span.start, place.span.end],
        secret: place.redacted.clone(),
        fingerprint: place.fingerprint.to_string(),
        rule: place.rule.to_owned(),
    });
    let entries = step.entries.iter().map(|id| {
        let (store, entry) = plan.entry(*id);
        format!("{}#{}", store.path, entry.path.join("."))
    });
    StepV1 {
        file: step.file.clone(),
        places: places.collect(),
        rewriter: step.rewriter.to_owned(),
        applicability: step.applicability.code().to_owned(),
        reason: step.why(),
        apply: match step.decision {
            Decision::Open => None,
            Decision::Accepted => Some(true),
            Decision::Skipped | Decision::Dismissed(_) => Some(false),
        },
        false_alarm: match &step.decision {
            Decision::Dismissed(reason) => Some(reason.clone()),
            _ => None,
        },
        entries: entries.collect(),
        edits: step.actions.iter().map(edit_v1).collect(),
    }
}

fn edit_v1(action: &Action) -> EditV1 {
    let edit =
        |file: &str, bytes, what: &str, text: &str| EditV1 { file: file.to_owned(), bytes, what: what.to_owned(), text: text.to_owned() };
    match action {
        Action::Splice { file, span, text } => edit(file, Some([span.start, span.end]), "replace", text),
        Action::Extract { file, from, pieces } => match pieces.as_slice() {
            [Piece::Bytes(span)] => edit(file, Some([span.start, span.end]), "extract", from),
            pieces => edit(file, None, "compose", &composed(from, pieces)),
        },
        Action::Encrypt { file, selector } => edit(file, None, "encrypt", selector),
        Action::Create { file, text } => edit(file, None, "create", text),
        Action::Append { file, line } => edit(file, None, "append", line),
    }
}

/// The file and its bytes in brackets, with the text between them.
fn composed(from: &str, pieces: &[Piece]) -> String {
    let piece = |piece: &Piece| match piece {
        Piece::Bytes(span) => format!("[{from} {}..{}]", span.start, span.end),
        Piece::Text(text) => text.clone(),
    };
    pieces.iter().map(piece).collect()
}

impl Decisions {
    /// Reads a plan file.
    ///
    /// # Errors
    /// [`PlanFileError::Syntax`].
    pub fn read(text: &str) -> Result<Self, PlanFileError> {
        check_nesting(text, SETTINGS).map_err(|(line, message)| PlanFileError::Syntax(format!("line {line}: {message}")))?;
        let written: PlanV1 = serde_yaml::from_str(text).map_err(|error| PlanFileError::Syntax(error.to_string()))?;
        if written.schema == SCHEMA { Ok(Self(written)) } else { Err(PlanFileError::Syntax(format!("its schema is `{}`", written.schema))) }
    }

    /// Takes the decisions over into a plan made now. Steps that the file does not have are skipped.
    ///
    /// # Errors
    /// [`PlanFileError`] if files or steps are not what they were.
    pub fn apply(&self, plan: &mut Plan, files: &SourceFiles, key: &FingerprintKey) -> Result<(), PlanFileError> {
        let moved = self.0.files.iter().filter(|(path, known)| files.get(*path).is_none_or(|file| mark(file, key) != **known));
        let moved: Vec<String> = moved.map(|(path, _)| path.clone()).collect();
        if !moved.is_empty() {
            return Err(PlanFileError::Moved(moved));
        }
        let mut fresh: Vec<StepV1> = plan.steps.iter().map(|step| step_v1(plan, step)).collect();
        plan.steps.iter_mut().for_each(|step| step.decision = Decision::Skipped);
        for step in &self.0.steps {
            let same = |now: &StepV1| now.file == step.file && places(now) == places(step) && edits(now) == edits(step);
            let Some(at) = fresh.iter().position(same) else {
                return Err(PlanFileError::Differs { file: step.file.clone(), line: step.places.first().map_or(1, |place| place.line) });
            };
            plan.steps[at].decision = match (&step.false_alarm, step.apply) {
                (Some(reason), _) => Decision::Dismissed(reason.clone()),
                (None, None) => Decision::Open,
                (None, Some(true)) => Decision::Accepted,
                (None, Some(false)) => Decision::Skipped,
            };
            // A second step of the file cannot mean the same one.
            fresh[at].places.clear();
        }
        Ok(())
    }
}

impl Decisions {
    /// The names that the file has and a plan made now does not.
    ///
    /// # Errors
    /// [`PlanFileError::Wish`], [`PlanFileError::Named`].
    pub fn wishes(&self, plan: &Plan, key: &FingerprintKey) -> Result<Wishes, PlanFileError> {
        let mut wishes = Wishes::default();
        let entries = plan.stores.iter().flat_map(|store| &store.entries);
        for (now, entry) in secrets(plan, key).into_iter().zip(entries) {
            let same = |secret: &&SecretV1| secret.fingerprint == now.fingerprint;
            let mut named = self.0.secrets.iter().filter(same).peekable();
            if named.peek().is_none() || named.clone().any(|secret| (&secret.store, &secret.key) == (&now.store, &now.key)) {
                continue;
            }
            if entry.readers == Readers::Programs {
                return Err(PlanFileError::Named { store: now.store, key: now.key });
            }
            if let Some(secret) = named.next() {
                wishes.insert(key.fingerprint(&entry.value), Wish::new(&secret.store, &secret.key)?);
            }
        }
        Ok(wishes)
    }
}

fn places(step: &StepV1) -> Vec<([usize; 2], &str)> {
    step.places.iter().map(|place| (place.bytes, place.fingerprint.as_str())).collect()
}

fn edits(step: &StepV1) -> Vec<(&str, Option<[usize; 2]>, &str, &str)> {
    step.edits.iter().map(|edit| (edit.file.as_str(), edit.bytes, edit.what.as_str(), edit.text.as_str())).collect()
}
