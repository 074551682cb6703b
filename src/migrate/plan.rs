//! [`Plan`]: what a migration would do, as a value. It is made by `draft`, shown and cut down
//! by people, and turned into bytes by `change`.

use crate::finding::Fingerprint;
use crate::rule::{Confidence, Severity};
use crate::secret::Secret;
use crate::sops::path::Step as PathStep;
use crate::sops::store::Format;
use crate::text::Span;

/// The rule that finds AWS account IDs.
pub const ACCOUNT_RULE: &str = "aws-account-id";

/// How sure it is that a step keeps things working.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Applicability {
    /// The file stays valid, and whoever needs the value is led to it or stops with a message.
    #[default]
    Safe,
    /// A consumer may get the reference instead of the value until somebody changes how it is run.
    NeedsReview,
    /// sopup has no edit for this place; the reason says what a person can do.
    Manual,
}

impl Applicability {
    /// The word for it in plans and reports.
    pub fn code(self) -> &'static str {
        match self {
            Self::Safe => "safe",
            Self::NeedsReview => "needs-review",
            Self::Manual => "manual",
        }
    }
}

/// What a migration would do.
#[derive(Debug, Default)]
pub struct Plan {
    /// The stores that would receive values.
    pub stores: Vec<Store>,
    /// In order of file and place.
    pub steps: Vec<Step>,
    /// What else a person should know.
    pub notes: Vec<String>,
    /// How far a run goes with steps that nobody decided about.
    pub upto: Applicability,
}

/// A SOPS file that receives values.
#[derive(Debug)]
pub struct Store {
    /// Relative to the top of the repository.
    pub path: String,
    /// How it is spelled.
    pub format: Format,
    /// What surrounds the entries.
    pub shape: Shape,
    /// The values, in the order in which they came.
    pub entries: Vec<Entry>,
}

/// What surrounds the entries of a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shape {
    /// Nothing: keys and values.
    Keys,
    /// A Kubernetes Secret; the entries are its `stringData`.
    KubernetesSecret {
        /// `metadata.name`.
        name: String,
        /// `metadata.namespace`.
        namespace: Option<String>,
    },
    /// A `SopsSecret` with one template, which the sops-secrets-operator makes a Secret of; the entries are its
    /// `stringData`.
    SopsSecret {
        /// `metadata.name`, and that of the Secret.
        name: String,
        /// `metadata.namespace`.
        namespace: Option<String>,
    },
}

impl Shape {
    /// The way from the root of the file to an entry.
    pub fn locate(&self, entry: &[String]) -> Vec<PathStep> {
        let key = |key: &str| PathStep::Key(key.to_owned());
        let above = match self {
            Self::Keys => Vec::new(),
            Self::KubernetesSecret { .. } => vec![key("stringData")],
            Self::SopsSecret { .. } => vec![key("spec"), key("secretTemplates"), PathStep::Index(0), key("stringData")],
        };
        above.into_iter().chain(entry.iter().map(|part| key(part))).collect()
    }

    /// The keys on that way, by which sops decides whether a value is encrypted.
    pub fn keys(&self, entry: &[String]) -> Vec<String> {
        let key = |step| if let PathStep::Key(key) = step { Some(key) } else { None };
        self.locate(entry).into_iter().filter_map(key).collect()
    }
}

/// A value in a store.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Keys from the root of the store.
    pub path: Vec<String>,
    /// What is encrypted.
    pub value: Secret,
    /// Who reads it by its name.
    pub readers: Readers,
}

/// Who reads an entry by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readers {
    /// References that sopup writes: the entry can have any name in any store.
    References,
    /// A program, a container or a chart.
    Programs,
}

/// Names an entry of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryId {
    /// Index into [`Plan::stores`].
    pub store: usize,
    /// Index into its entries.
    pub entry: usize,
}

/// What a person decides about as a whole: places that can only move together, and the edits it takes.
#[derive(Debug)]
pub struct Step {
    /// The file with the secret.
    pub file: String,
    /// The places it moves.
    pub places: Vec<Place>,
    /// What planned it.
    pub rewriter: &'static str,
    /// How sure it is.
    pub applicability: Applicability,
    /// Why it may not be wanted, whatever it does.
    pub doubts: Vec<String>,
    /// What it means for those who use the file, or why it is not safe; may be empty.
    pub reason: String,
    /// What is done to files.
    pub actions: Vec<Action>,
    /// What must be in stores before.
    pub entries: Vec<EntryId>,
    /// Whether it is to be applied.
    pub decision: Decision,
}

/// A place of a secret, without the secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Bytes in the file.
    pub span: Span,
    /// Line, from 1.
    pub line: usize,
    /// Stands for the value.
    pub fingerprint: Fingerprint,
    /// The value, masked.
    pub redacted: String,
    /// Id of the rule that found it.
    pub rule: &'static str,
    /// What a leak lets a stranger do.
    pub severity: Severity,
    /// How sure it is that it is a secret.
    pub confidence: Confidence,
}

/// Whether a step is applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// By its applicability and what the user asked for.
    Open,
    /// A person said yes.
    Accepted,
    /// A person said no.
    Skipped,
    /// A person said that there is no secret, and why.
    Dismissed(String),
}

/// Something done to a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    /// Bytes are replaced.
    Splice {
        /// Relative to the top of the repository.
        file: String,
        /// The bytes, half-open, of the file as it is.
        span: Span,
        /// What takes their place.
        text: String,
    },
    /// A new file, or new content for the file itself, made of bytes of a file, to be encrypted.
    Extract {
        /// Relative to the top of the repository.
        file: String,
        /// The file that the bytes are of.
        from: String,
        /// What the content is put together of.
        pieces: Vec<Piece>,
    },
    /// The file becomes a SOPS file where it is, after its splices.
    Encrypt {
        /// Relative to the top of the repository.
        file: String,
        /// Keys whose values are encrypted, as a regular expression.
        selector: &'static str,
    },
    /// A new file that holds no secret.
    Create {
        /// Relative to the top of the repository.
        file: String,
        /// Its content.
        text: String,
    },
    /// A line is added to the end of a file, which is made if need be.
    Append {
        /// Relative to the top of the repository.
        file: String,
        /// The line, without its end.
        line: String,
    },
}

/// A part of a file that is put together.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Piece {
    /// Bytes of the other file, half-open.
    Bytes(Span),
    /// Text that holds no secret.
    Text(String),
}

impl Action {
    /// The file it changes.
    pub fn file(&self) -> &str {
        match self {
            Self::Splice { file, .. }
            | Self::Extract { file, .. }
            | Self::Encrypt { file, .. }
            | Self::Create { file, .. }
            | Self::Append { file, .. } => file,
        }
    }
}

impl Plan {
    /// An entry by its id.
    pub fn entry(&self, id: EntryId) -> (&Store, &Entry) {
        let store = &self.stores[id.store];
        (store, &store.entries[id.entry])
    }

    /// An entry as people are told of it: its store and its key.
    pub fn name_of(&self, id: EntryId) -> String {
        let (store, entry) = self.entry(id);
        format!("{} {}", store.path, entry.path.join("."))
    }

    /// Takes over what was decided about the same steps in another plan.
    pub fn decide_as(&mut self, other: &Self) {
        for (step, known) in self.steps.iter_mut().zip(&other.steps) {
            if (&step.file, &step.places) == (&known.file, &known.places) {
                step.decision = known.decision.clone();
            }
        }
    }

    /// Leaves steps that a run would apply to a file, or would fill it by, to people, with the reason; whether there were any.
    pub fn leave(&mut self, path: &str, reason: &str) -> bool {
        let Self { steps, stores, upto, .. } = self;
        let fills = |step: &Step| step.entries.iter().any(|id| stores[id.store].path == path);
        let touches = |step: &Step| step.file == path || step.actions.iter().any(|action| action.file() == path) || fills(step);
        let mut any = false;
        for step in steps.iter_mut().filter(|step| step.is_chosen(*upto) && touches(step)) {
            step.leave(reason);
            any = true;
        }
        any
    }

    /// Leaves steps to people whose edits lie within what another step edits: of two, the one that takes less.
    pub(super) fn leave_overlapping(&mut self) {
        let mut spans: Vec<(&str, Span, usize)> = Vec::new();
        for (at, step) in self.steps.iter().enumerate().filter(|(_, step)| step.applicability != Applicability::Manual) {
            let splices = step.actions.iter().filter_map(|action| match action {
                Action::Splice { file, span, .. } if !span.is_empty() => Some((file.as_str(), *span, at)),
                _ => None,
            });
            spans.extend(splices);
        }
        spans.sort();
        let mut within = Vec::new();
        let mut widest: Option<&(&str, Span, usize)> = None;
        for one in &spans {
            match widest.filter(|wide| wide.0 == one.0 && wide.2 != one.2 && wide.1.overlaps(one.1) && wide.1 != one.1) {
                Some(wide) => within.push(if wide.1.len() >= one.1.len() { one.2 } else { wide.2 }),
                None => widest = Some(one),
            }
        }
        for at in within {
            self.steps[at].leave("it lies within what another step takes out of the file: migrate again afterwards");
        }
    }

    /// Whether a run changes any file.
    pub fn changes_something(&self) -> bool {
        self.steps.iter().any(|step| self.is_chosen(step) || step.is_dismissed())
    }

    /// Whether a run leaves something that is neither moved nor a false alarm.
    pub fn leaves_something(&self) -> bool {
        self.steps.iter().any(|step| !self.is_chosen(step) && !step.is_dismissed())
    }

    /// The steps that a run applies.
    pub fn chosen(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(|step| self.is_chosen(step))
    }

    /// Whether a run applies a step.
    pub fn is_chosen(&self, step: &Step) -> bool {
        step.is_chosen(self.upto)
    }
}

impl Step {
    /// Leaves it to people, whatever was to be known before.
    fn leave(&mut self, reason: &str) {
        (self.applicability, self.reason) = (Applicability::Manual, reason.to_owned());
        self.doubts.clear();
    }

    /// Adds a reason for which it may not be wanted.
    pub(super) fn doubt(&mut self, why: &str) {
        self.applicability = self.applicability.max(Applicability::NeedsReview);
        self.doubts.insert(0, why.to_owned());
    }

    /// All that is to know before it is applied; may be empty.
    pub fn why(&self) -> String {
        let reason = Some(&self.reason).filter(|reason| !reason.is_empty());
        self.doubts.iter().chain(reason).map(String::as_str).collect::<Vec<_>>().join(". Else: ")
    }

    /// Whether a run that goes so far applies it.
    fn is_chosen(&self, upto: Applicability) -> bool {
        match &self.decision {
            _ if self.applicability == Applicability::Manual => false,
            Decision::Accepted => true,
            Decision::Skipped | Decision::Dismissed(_) => false,
            Decision::Open => self.applicability <= upto,
        }
    }

    /// Whether a person said that there is no secret.
    pub fn is_dismissed(&self) -> bool {
        matches!(self.decision, Decision::Dismissed(_))
    }

    /// The first line it is about.
    pub fn line(&self) -> usize {
        self.places.first().map_or(1, |place| place.line)
    }
}

impl Place {
    /// Whether a stranger who knows the value can do something with it: AWS account IDs are named only to be tidy.
    pub fn is_secret(&self) -> bool {
        self.rule != ACCOUNT_RULE
    }
}
